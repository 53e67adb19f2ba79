# pyright: reportUnusedCallResult=error
"""The steps of every call, written once: retry, re-login, cache. Generators that both facades drive.

Flows only ``yield from`` the helpers of `siperb.core.effects`, which give every effect's answer its type, and other
flows. The pragma above is what catches a forgotten ``yield from``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TypeVar

from attrs import evolve

from siperb.cache.records import Key, Record
from siperb.core import effects
from siperb.core.calls import Call
from siperb.core.effects import Flow, Later
from siperb.core.pages import whole_answer
from siperb.core.retry import PAT_REFUSED, Context, attempt
from siperb.core.values import Value
from siperb.core.wire import TOKEN, Response, build_login, is_object, parse_login, read
from siperb.errors import (
    APIError,
    AuthenticationError,
    CacheError,
    CredentialsUnavailableError,
    MissingCredentialsError,
    NotFoundError,
    PermissionDeniedError,
    ProvisioningError,
    SiperbError,
)
from siperb.models import Provisioning, Session

logger: logging.Logger = logging.getLogger("siperb")
T = TypeVar("T")

LOGIN_KEY = "SiperbLogin"
SESSION_LIFETIME = 24 * 86400.0  # seconds; the server's own limit is 25 days
JWT_MARGIN = 60.0  # seconds that a cached JWT must still have
UNCONFIRMED_AGE = 86400.0  # seconds after which what is stored is asked for before it is returned
REFRESH_PAUSE = 30.0  # seconds after a failed refresh in which none is tried
MOST_FAILURES = 1000  # that are remembered


class Credentials(Value):
    """How to log in. pat None: the one that the cache holds. cache_key None: the session is not cached."""

    __slots__ = ("cache_key", "pat")

    def __init__(self, pat: str | None = None, cache_key: str | None = None) -> None:
        self.pat: str | None = pat
        self.cache_key: str | None = cache_key


def login(context: Context, credentials: Credentials, stale_token: str | None = None) -> Flow[Session]:
    """A session other than the one of `stale_token`: the cached one, or the one of a login."""
    context.refusal.check(context.began)
    refused = context.refusal.error
    pat = credentials.pat or (yield from _stored_pat(context))
    cache_key = credentials.cache_key
    key = session_key(context.origin, pat, cache_key) if cache_key is not None else None
    record = (yield from effects.load(key)) if key else None
    cached = _understood(parse_login, record, context.now())
    if cached and cached.session_token != stale_token:
        return cached
    if cached and key:
        yield from effects.evict(key)
    try:
        response = yield from attempt(context, build_login(pat))
    except AuthenticationError as error:
        context.refusal.note(error, context.clock() + (PAT_REFUSED if stale_token else 0.0))
        raise
    session = read(parse_login, response)
    context.refusal.clear(refused)
    if key:
        record = Record.new(response.text(), now=context.now, random=context.random, lifetime=SESSION_LIFETIME)
        yield from effects.save(key, record, context.owner(session.user_id))
    return session


def fetch(context: Context, call: Call[T], session: Session | None) -> Flow[T]:
    """The answer to a call, from the cache where it may be; session None means the client's own."""
    if session is None:
        context.refusal.check(context.began)
    held = session or (yield from effects.auth())
    answer = yield from _fetch(context, call, session, held)
    if isinstance(answer, Provisioning):
        answer = evolve(answer, user_id=context.domain_user or held.user_id)
    return answer


def _fetch(context: Context, call: Call[T], session: Session | None, held: Session) -> Flow[T]:
    key = call.key(context.origin, held.user_id, context.domain_user)
    record = (yield from effects.load(key)) if key else None
    cached = _understood(call.parse, record, context.now())
    if key is None or record is None or cached is None:
        return (yield from _ask(context, call, session, held, replaces=record.generation if record else None))
    paused = context.clock() - context.failures.get(key, float("-inf")) < REFRESH_PAUSE
    has_expired = _has_expired(cached, context.now())
    is_confirmed = not has_expired and record.stored_at > context.now() - UNCONFIRMED_AGE
    if is_confirmed and (paused or (yield from effects.later(Later(call, session, key, record.generation)))):
        return cached
    reason: object = "the API failed a moment ago."
    if not paused:
        try:
            return (yield from _ask(context, call, session, held, replaces=record.generation))
        except REFUSALS:
            raise
        except APIError as error:
            reason = error
    what = "provisioning has expired" if has_expired else "answer could not be confirmed"
    logger.warning("The stored %s and is returned as it is: %s", what, reason)
    return cached


def refresh(context: Context, later: Later) -> Flow[None]:
    """Do what a `Later` asks for."""
    held = later.session or (yield from effects.auth())
    if later.key != later.call.key(context.origin, held.user_id, context.domain_user):
        return  # the client has logged in as somebody else
    _ = yield from _ask(context, later.call, later.session, held, replaces=later.replaces)


def save_pat(context: Context, pat: str, session: Session) -> Flow[bool]:
    """Keep the PAT for later processes; whether it was stored."""
    payload = json.dumps({"PAT": pat, "UserId": session.user_id})
    record = Record.new(payload, now=context.now, random=context.random)
    return (yield from effects.save(pat_key(context.origin), record, context.owner(session.user_id)))


def forget(context: Context, credentials: Credentials, session: Session | None) -> Flow[None]:
    """Remove the stored PAT, and all records of the users that it, these credentials and the session stand for."""
    found = yield from effects.look_up(pat_key(context.origin))
    stored, answered = stored_text(found), not isinstance(found, CacheError)
    users = {user for user in (session and session.user_id, stored.get("UserId")) if user}
    pats = {pat for pat in (credentials.pat, stored.get("PAT")) if pat}
    for pat in pats:
        key = session_key(context.origin, pat, credentials.cache_key or LOGIN_KEY)
        record = yield from effects.look_up(key)
        answered = answered and not isinstance(record, CacheError)
        if cached := _parsed(parse_login, record):
            users.add(cached.user_id)
    gone = (yield from effects.evict(pat_key(context.origin))) and answered
    if answered and pats and not users:
        logger.warning(
            "Nobody is known to log out: log in with this PAT, with the login_key it was cached under, first."
        )
    for user in sorted(users):
        gone = (yield from effects.forget(context.owner(user))) and gone
    if not gone:
        logger.warning("Not everything could be removed from the cache: log out again when the keyring answers.")


def session_key(origin: str, pat: str, cache_key: str) -> Key:
    """Where the session of a PAT is kept."""
    return Key.of(origin, pat, "session", cache_key)


def pat_key(origin: str) -> Key:
    """Where the PAT that `save_pat` keeps is found."""
    return Key.of(origin, "", "pat")


REFUSALS = (AuthenticationError, PermissionDeniedError, NotFoundError, ProvisioningError)
"""What the API says when a cached answer is no longer the caller's to have."""


def _ask(context: Context, call: Call[T], session: Session | None, held: Session, *, replaces: str | None) -> Flow[T]:
    """Ask the API, and keep the answer in the cache."""
    key = call.key(context.origin, held.user_id, context.domain_user)
    try:
        response, held = yield from whole_answer(context, call, session, held)
        answer = read(call.parse, response)
    except SiperbError as error:
        if key and replaces:
            if len(context.failures) >= MOST_FAILURES:
                context.failures.clear()
            context.failures[key] = context.clock()
            if isinstance(error, REFUSALS):
                yield from effects.evict(key)
        raise
    if key := call.key(context.origin, held.user_id, context.domain_user):
        _ = context.failures.pop(key, None)
        record = Record.new(response.text(), now=context.now, random=context.random)
        yield from effects.save(key, record, context.owner(held.user_id), replaces)
    return answer


def _stored_pat(context: Context) -> Flow[str]:
    found = yield from effects.look_up(pat_key(context.origin))
    if isinstance(found, CacheError):
        raise CredentialsUnavailableError(
            f"The personal access token (PAT) may be stored, but {found}. To do without, pass it or set SIPERB_PAT."
        )
    pat = stored_text(found).get("PAT")
    if pat is None:
        raise MissingCredentialsError(
            "There is no personal access token (PAT): pass it to login() or to the client, set SIPERB_PAT, "
            "or store it in the keyring with `siperb login`."
        )
    return pat


def stored_text(found: Record | CacheError | None) -> dict[str, str]:
    """The fields of a stored PAT or session that could be sent; none of a record that is not ours."""
    try:
        content: object = json.loads(found.payload) if isinstance(found, Record) else None
    except (ValueError, RecursionError):
        content = None
    if not is_object(content):
        return {}
    return {name: value for name, value in content.items() if isinstance(value, str) and TOKEN.fullmatch(value)}


def _understood(parse: Callable[[Response], T], record: Record | None, now: float) -> T | None:
    return _parsed(parse, record) if record and record.is_current(now) else None


def _parsed(parse: Callable[[Response], T], found: Record | CacheError | None) -> T | None:
    if not isinstance(found, Record):
        return None
    try:
        return parse(Response(200, found.payload.encode("utf-8", "surrogatepass")))
    except SiperbError:
        return None


def _has_expired(answer: object, now: float) -> bool:
    expires_at = answer.jwt_expires_at if isinstance(answer, Provisioning) else None
    return expires_at is not None and expires_at.timestamp() - now < JWT_MARGIN
