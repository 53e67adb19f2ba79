"""What a client asks of its cache. A failure there is a miss, with one warning for each cause."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import NoneType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import siperb.cache
from siperb.client.ports import Account, Call, Ports
from siperb.core.wire import TOKEN, Response, is_object, parse_login
from siperb.errors import CacheError, CredentialsUnavailableError, MissingCredentialsError, SiperbError
from siperb.threads import WorkerPool

if TYPE_CHECKING:
    from siperb.cache import Cache, Key, Record

logger: logging.Logger = logging.getLogger("siperb")
P = ParamSpec("P")
T = TypeVar("T")

LOGIN_KEY = "SiperbLogin"
MOST = 1000  # outdated generations that are remembered
READERS = WorkerPool("siperb-cache", 4)  # a cache of the user's own may hang

# It leaves a program's own seed alone, and differs in every process.
random_number: Callable[[], float] = random.SystemRandom().random


class Caching(Ports):
    """A client's access to its cache. One thread changes what is stored, so that no save overtakes a removal."""

    _cache: Any  # an `OwnCache`, a `KeyringCache`, or None for that of the process
    _warned: dict[str, object]
    _writer: WorkerPool

    async def _load(self, call: Call, key: Key) -> Record | None:
        """The record, or None; `CacheError` when the cache has no answer."""

        def load(cache: Cache) -> Record | None:
            return cache.load(key)

        return await self._of_cache(call, load, READERS, call.left / 2)  # the API comes after it

    async def _find(self, call: Call, key: Key) -> Record | None:
        """The record; None also when the cache has no answer."""
        with suppress(CacheError):
            return await self._load(call, key)
        return None

    async def _save(
        self,
        call: Call,
        key: Key,
        payload: str,
        user_id: str,
        *,
        replaces: str | None = None,
        lifetime: float | None = None,
    ) -> bool:
        """Store a record of this user, over the generation `replaces` alone if given; whether it was stored."""
        account, owner = call.account, siperb.cache.Key.scope_of(call.account.origin, user_id)
        record = siperb.cache.Record.new(payload, now=time.time, random=random_number, lifetime=lifetime)

        def save(cache: Cache) -> bool:
            return not account.is_over and cache.save(key, record, owner=owner, expected=replaces) is True

        return not account.is_over and await self._change(call, save)

    async def _evict(self, call: Call, key: Key) -> bool:
        return await self._change(call, lambda cache: cache.evict(key) is True)

    async def _change(self, call: Call, work: Callable[[Cache], bool]) -> bool:
        with suppress(CacheError):
            return await self._of_cache(call, work, self._writer, call.left)
        return False

    async def _of_cache(self, call: Call, work: Callable[[Cache], T], threads: WorkerPool, seconds: float) -> T:
        cache: Any = siperb.cache.default_cache() if self._cache is None else self._cache
        is_keyring = not isinstance(cache, OwnCache)
        if is_keyring:
            cache = cache.within(seconds)
        try:
            outcome = await self._ask_cache(threads, partial(work, cache), call.left if is_keyring else seconds)
        except RuntimeError as error:
            if type(error) is not RuntimeError:
                raise
            cause, advice = "RuntimeError", "Check the number of threads."
        else:
            if outcome:
                return outcome.get()
            cause, advice = "no answer in time", "Ask for fewer at a time, or pass a faster one."
        raise self._pass_over(cause, advice)

    def _pass_over(self, cause: str, advice: str) -> CacheError:
        """Warn of it, once; the error to raise."""
        error, token = CacheError(f"The cache failed with {cause}.", advice), object()
        if self._warned.setdefault(cause, token) is token:  # of several threads
            logger.warning("Nothing is cached. %s", error)
        return error

    # The PAT that `save_pat` keeps, and all that a logout removes.

    async def _stored_pat(self, call: Call) -> str:
        try:
            record = await self._load(call, pat_key(call.account.origin))
        except CacheError as error:
            failure: SiperbError = CredentialsUnavailableError(
                f"The personal access token (PAT) may be stored, but could not be read. {error} "
                "To do without, pass it or set SIPERB_PAT."
            )
        else:
            if pat := stored_text(record).get("PAT"):
                return pat
            failure = MissingCredentialsError(
                "There is no personal access token (PAT): pass it to login() or to the client, set SIPERB_PAT "
                "or SIPERB_PAT_FILE, or store it in the keyring with `siperb login`."
            )
        raise failure

    async def _forget(self, call: Call, account: Account) -> bool:
        """Remove the stored PAT, and all records of its user and the account's; whether all are gone."""
        origin, has_answered = account.origin, True
        users = {account.session.user_id} if account.session else set[str]()
        stored: dict[str, str] = {}
        try:
            stored = stored_text(await self._load(call, pat_key(origin)))
        except CacheError:
            has_answered = False
        users |= {stored["UserId"]} if "UserId" in stored else set()
        pats = {pat for pat in (account.pat, stored.get("PAT")) if pat}
        for pat in pats:
            try:
                session = parsed(parse_login, await self._load(call, session_key(origin, pat, account.login_key)))
            except CacheError:
                has_answered = False
            else:
                users |= {session.user_id} if session else set()
        gone = await self._evict(call, pat_key(origin)) and has_answered
        if has_answered and pats and not users:
            logger.warning(
                "Nobody is known to log out: log in with this PAT, with the login_key it was cached under, first."
            )
        for owner in sorted(siperb.cache.Key.scope_of(origin, user) for user in users):
            forget = partial(_forget_owner, owner=owner)
            gone = await self._change(call, forget) and gone
        if not gone:
            logger.warning("Not everything could be removed from the cache: log out again when the keyring answers.")
        return gone


def _forget_owner(cache: Cache, owner: str) -> bool:
    return cache.forget(owner) is True


def session_key(origin: str, pat: str, login_key: str | None) -> Key:
    """The key of the cached session of a PAT."""
    return siperb.cache.Key.of(origin, pat, "session", LOGIN_KEY if login_key is None else login_key)


def pat_key(origin: str) -> Key:
    """The key of the PAT that `save_pat` keeps."""
    return siperb.cache.Key.of(origin, "", "pat")


def stored_text(record: Record | None) -> dict[str, str]:
    """The fields of a stored PAT or session that could be sent; none of a record that is not ours."""
    try:
        content: object = json.loads(record.payload) if record else None
    except (ValueError, RecursionError):
        content = None
    found = content if is_object(content) else {}
    return {name: value for name, value in found.items() if isinstance(value, str) and TOKEN.fullmatch(value)}


def understood(parse: Callable[[Response], T], record: Record | None) -> T | None:
    """The meaning of a stored answer; None when it is outdated, or has none."""
    return parsed(parse, record) if record and record.is_current(time.time()) else None


def parsed(parse: Callable[[Response], T], record: Record | None) -> T | None:
    """The meaning of a stored answer, outdated or not."""
    if record is None:
        return None
    try:
        return parse(Response(200, record.payload.encode("utf-8", "surrogatepass")))
    except SiperbError:
        return None


class OwnCache:
    """A cache of the user's own: whatever it raises is a `CacheError`; a record it cannot replace goes."""

    def __init__(self, cache: Cache, pass_over: Callable[[str, str], CacheError]) -> None:
        self._cache = cache
        self._pass_over = pass_over
        self._outdated: dict[Key, str] = {}  # generations that were to be replaced, and may still be there

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
        return self._checked(self._cache.evict, key)

    def forget(self, owner: str) -> bool:
        return self._checked(self._cache.forget, owner)

    def _load(self, key: Key) -> Record | None:
        answer: Any = self._cache.load(key)
        if not isinstance(answer, (siperb.cache.Record, NoneType)):
            raise TypeError
        return answer

    def _remove_outdated(self, key: Key, record: Record, expected: str | None) -> None:
        """Remove what is stored, unless it is `record` or newer than the one that was to be replaced."""
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
