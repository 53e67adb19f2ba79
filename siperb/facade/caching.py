"""What a flow asks of a cache: whatever goes wrong in it is a miss, and one warning for each cause."""

from __future__ import annotations

import logging
import threading
import time
from types import NoneType
from typing import TYPE_CHECKING

from siperb.cache import default_cache
from siperb.cache.workers import WorkerPool, renewed_after_fork
from siperb.core.effects import Evict, Forget, Load, Save, assert_never
from siperb.core.records import Record

if TYPE_CHECKING:
    from siperb.cache import Cache
    from siperb.facade.invocation import Epoch

logger: logging.Logger = logging.getLogger("siperb")

POOL = WorkerPool("siperb-cache", 4)  # where caches are asked: one of the user's own may hang


def patience(effect: Load | Save | Evict | Forget, deadline: float) -> float:
    """Seconds that a call waits for its cache: a look leaves it time to ask the API."""
    left = max(deadline - time.monotonic(), 0.0)
    return left / 2 if isinstance(effect, Load) else left


class CacheAccess:
    """A client's way to its cache, from any thread. cache None: the one of the process."""

    def __init__(self, cache: Cache | None) -> None:
        self._cache = cache
        self._troubles: set[str] = set()
        self.renew_after_fork()
        renewed_after_fork(self)

    def renew_after_fork(self) -> None:
        self._changed = threading.Condition()
        self._saves: set[object] = set()

    def ask(self, effect: Load | Save | Evict | Forget, epoch: Epoch) -> Record | bool | None:
        """The cache's answer. What is removed stays so: no save is overtaken, none begins when `epoch` is over."""
        cache = default_cache() if self._cache is None else self._cache
        try:
            match effect:
                case Load(key):
                    return _record_or_none(cache.load(key))
                case Save():
                    return self._save(cache, effect, epoch)
                case Evict(key):
                    self._let_saves_end()
                    return cache.evict(key)
                case Forget(owner):
                    self._let_saves_end()
                    return cache.forget(owner)
                case _:
                    assert_never(effect)
        except Exception as error:  # a cache of the user's own may raise anything, and its text may hold anything
            self.pass_over(type(error).__name__, type(cache).__name__)
            return None

    def pass_over(self, cause: str, what: str) -> None:
        """Warn of it, once."""
        if cause not in self._troubles:
            self._troubles.add(cause)
            logger.warning("The cache failed with %s and is passed over: check %s.", cause, what)

    def _save(self, cache: Cache, save: Save, epoch: Epoch) -> bool:
        token = object()
        with self._changed:
            if epoch.is_over:
                return False
            self._saves.add(token)
        try:
            return cache.save(save.key, save.record, owner=save.owner, expected=save.replaces)
        finally:
            with self._changed:
                self._saves.discard(token)
                self._changed.notify_all()

    def _let_saves_end(self) -> None:
        with self._changed:
            begun = set(self._saves)
            self._changed.wait_for(lambda: not begun & self._saves)


def _record_or_none(answer: object) -> Record | None:
    if not isinstance(answer, (Record, NoneType)):
        raise TypeError
    return answer
