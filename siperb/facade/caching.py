"""What a flow asks of a cache: whatever goes wrong in it is a miss, and one warning for each cause."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from types import NoneType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar

from siperb.cache import default_cache
from siperb.cache.records import Key, Record
from siperb.core.effects import Evict, Forget, Load, Save, assert_never
from siperb.errors import CacheError
from siperb.threads import WorkerPool

if TYPE_CHECKING:
    from siperb.cache import Cache
    from siperb.facade.invocation import Epoch

logger: logging.Logger = logging.getLogger("siperb")
P = ParamSpec("P")
T = TypeVar("T")
Question: TypeAlias = Load | Save | Evict | Forget
Answer: TypeAlias = Record | CacheError | bool | None

MOST = 1000  # generations known to be outdated
READERS = WorkerPool("siperb-cache", 4)  # where caches are asked: one of the user's own may hang


class CacheGateway:
    """All that a client has to do with its cache, from any thread. cache None: the one of the process.

    One thread changes what is stored, in the order of the calls: no save overtakes a removal.
    """

    def __init__(self, cache: Cache | None) -> None:
        self._warned: dict[str, object] = {}
        if cache is not None and type(cache).__module__ != "siperb.cache.keyring":  # a subclass may override anything
            cache = OwnCache(cache, self.pass_over)
        self._cache = cache
        self._writer = WorkerPool("siperb-cache-writer", 1)

    def pool(self, effect: Question, epoch: Epoch) -> WorkerPool:
        """Whose threads are to `ask`. A save that comes too late changes nothing, and waits for nobody."""
        changes_nothing = isinstance(effect, Load) or (isinstance(effect, Save) and epoch.is_over)
        return READERS if changes_nothing else self._writer

    def ask(self, effect: Question, epoch: Epoch, until: float) -> Answer:
        """The cache's answer, by `until` on the monotonic clock; `CacheError`, as a value, when it has none."""
        cache: Any = default_cache() if self._cache is None else self._cache
        cache = cache.within(self._left(effect, until))
        try:
            match effect:
                case Load():
                    found: Record | None = cache.load(effect.key)
                    return found
                case Save():
                    saved: bool = not epoch.is_over and cache.save(
                        effect.key, effect.record, owner=effect.owner, expected=effect.replaces
                    )
                    return saved
                case Evict():
                    return cache.evict(effect.key) is True
                case Forget():
                    return cache.forget(effect.owner) is True
                case _:
                    assert_never(effect)
        except CacheError as error:
            return error

    def patience(self, effect: Question, until: float) -> float:
        """For how many seconds a task waits for `ask`: for a cache of the user's own, which knows no end itself."""
        return self._left(effect if isinstance(self._cache, OwnCache) else None, until)

    def pass_over(self, cause: str, advice: str) -> CacheError:
        """Warn of it, once; the error that a flow is told."""
        error = CacheError(f"The cache failed with {cause}.", advice)
        token = object()
        if self._warned.setdefault(cause, token) is token:  # of several threads
            logger.warning("Nothing is cached. %s", error)
        return error

    def _left(self, effect: Question | None, until: float) -> float:
        left = max(until - time.monotonic(), 0.0)
        return left / 2 if isinstance(effect, Load) else left  # the API comes yet


class OwnCache:
    """A cache of the user's own, for a flow: whatever it raises is a `CacheError`; what it cannot replace goes."""

    def __init__(self, cache: Cache, pass_over: Callable[[str, str], CacheError]) -> None:
        self._cache = cache
        self._pass_over = pass_over
        self._outdated: dict[Key, str] = {}  # generations that were to be replaced, and may still be there

    def within(self, seconds: float) -> OwnCache:
        return self

    def load(self, key: Key) -> Record | None:
        record = self._checked(self._load, key)
        return None if record and record.generation == self._outdated.get(key) else record

    def save(self, key: Key, record: Record, *, owner: str, expected: str | None = None) -> bool:
        saved = False
        with suppress(CacheError):
            saved = self._checked(lambda: self._cache.save(key, record, owner=owner, expected=expected)) is True
        if not saved:
            self._remove_outdated(key, record, expected)
        return saved

    def evict(self, key: Key) -> bool:
        return self._checked(lambda: self._cache.evict(key))

    def forget(self, owner: str) -> bool:
        return self._checked(lambda: self._cache.forget(owner))

    def _load(self, key: Key) -> Record | None:
        answer: Any = self._cache.load(key)
        if not isinstance(answer, (Record, NoneType)):
            raise TypeError
        return answer

    def _remove_outdated(self, key: Key, record: Record, expected: str | None) -> None:
        """One that is stored, and neither what was to be stored nor newer than what that was to replace."""
        if len(self._outdated) >= MOST:
            self._outdated.clear()
        if expected:
            self._outdated[key] = expected
        with suppress(CacheError):
            stored = self._checked(self._load, key)
            if stored and stored.generation != record.generation and expected in (None, stored.generation):
                self._outdated[key] = stored.generation
                self.evict(key)

    def _checked(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except Exception as error:  # whose text may hold anything
            cause = type(error).__name__
        raise self._pass_over(cause, f"Check {type(self._cache).__name__}.")
