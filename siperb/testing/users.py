"""The users of the loopback API, their PATs and sessions, and what hangs on a user."""

from __future__ import annotations

import hashlib
import itertools
import math
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import attrs

from siperb.testing.data import DAY, iso, made_up, made_up_session_token
from siperb.testing.devices import DeviceList

Path: TypeAlias = tuple[str, ...]
Document: TypeAlias = dict[str, Any]


@attrs.frozen(eq=False)
class Pat:
    """A personal access token. Times are in seconds since 1970; without `expires_at` it is good for ever."""

    pat_id: str
    name: str
    token: str = attrs.field(repr=False)
    created_at: float
    expires_at: float | None = None


@attrs.define(eq=False)
class User:
    """A user of the loopback API. Read it freely, and change it through the server.

    `domain_users` and `pats` are by id. `logs` and `documents` are by the parts of their path below the user's, e.g.
    `documents["Connections", id]`. `pat` is the token that the user began with, "" for a domain user.
    """

    user_id: str
    name: str
    email: str
    owner: User | None = attrs.field(default=None, repr=False)
    pat: str = attrs.field(default="", init=False, repr=False)
    session_token: str = attrs.field(default="", init=False, repr=False)
    session_expires_at: float = attrs.field(default=0.0, init=False, repr=False)
    devices: DeviceList = attrs.field(factory=DeviceList, init=False)
    pats: dict[str, Pat] = attrs.field(factory=dict[str, Pat], init=False, repr=False)
    domain_users: dict[str, User] = attrs.field(factory=dict[str, "User"], init=False, repr=False)
    profile: Document = attrs.field(factory=dict[str, Any], init=False, repr=False)
    settings: Document = attrs.field(factory=dict[str, Any], init=False, repr=False)
    logs: dict[tuple[str, ...], list[Any]] = attrs.field(
        factory=dict[tuple[str, ...], list[Any]], init=False, repr=False
    )
    documents: dict[tuple[str, ...], dict[str, Any]] = attrs.field(
        factory=dict[tuple[str, ...], dict[str, Any]], init=False, repr=False
    )


def user_id_of(email: str) -> str:
    """A domain user's id: the MD5 of the e-mail address, in one case, so that one address is one user."""
    return hashlib.md5(email.strip().lower().encode(), usedforsecurity=False).hexdigest()


class Users:
    """All users of one API. A test's thread changes them while the server's thread reads them: one lock, held briefly.

    `now` is the API's clock (seconds since 1970): it dates sessions, PATs and JWTs.
    """

    def __init__(self, seed: object, now: Callable[[], float], session_lifetime: float) -> None:
        self.users: list[User] = []
        self.now = now
        self.session_lifetime = session_lifetime
        self.lock: threading.RLock = threading.RLock()
        self._seed = seed
        self._numbers: defaultdict[str, itertools.count[int]] = defaultdict(lambda: itertools.count(1))
        self._by_id: dict[str, User] = {}
        self._by_pat: dict[str, tuple[User, Pat]] = {}
        self._by_session: dict[str, User] = {}

    @property
    def user(self) -> User:
        """The first user. Methods that get no user take this one."""
        return self.users[0]

    @property
    def pat(self) -> str:
        """The first user's personal access token."""
        return self.user.pat

    def add_user(self, *, pat: str | None = None) -> User:
        """Add a user without devices.

        Args:
            pat: The user's token. None makes one up.

        Raises:
            ValueError: Another user has this token.
        """
        with self.lock:
            number = next(self._numbers["user"])
            user = User(made_up(self._seed, "user", number)[:32], f"User {number}", f"user{number}@siperb.example")
            user.pat = self.add_pat(user, token=pat).token
            self._renew_session(user)
            return self._put_user(user)

    def add_domain_user(self, email: str | None = None, description: str = "", *, owner: User | None = None) -> User:
        """Add a user to a domain, without devices and PATs.

        Args:
            email: The e-mail address. None makes one up.
            description: The name.
            owner: The administrator of the domain. None means the first user.

        Raises:
            ValueError: Another user has this e-mail address.
        """
        owner = owner or self.user
        with self.lock:
            number = next(self._numbers["user"])
            email = email or f"user{number}@siperb.example"
            user = User(user_id_of(email), f"User {number}", email, owner)
            if user.user_id in self._by_id:
                raise ValueError("another user has this e-mail address: leave it out, or give one of its own")
            user.profile["UserDescription"] = description
            owner.domain_users[user.user_id] = user
            return self._put_user(user)

    def find_user(self, user_id: str) -> User | None:
        """Return the user of any domain with this `user_id`, or None."""
        return self._by_id.get(user_id)

    def remove_domain_user(self, user: User) -> None:
        """Remove `user` from the domain. The user's PATs and sessions get 401."""
        with self.lock:
            for pat in list(user.pats.values()):
                self.remove_pat(user, pat)
            self._by_session.pop(user.session_token, None)
            self.users.remove(user)
            del self._by_id[user.user_id]
            if user.owner:
                del user.owner.domain_users[user.user_id]

    def add_pat(
        self, user: User | None = None, name: str = "No Name", *, days: float | None = None, token: str | None = None
    ) -> Pat:
        """Add a PAT to a user.

        Args:
            user: The user. None means the first user.
            name: The name of the token.
            days: The days until it expires. None means never.
            token: The value. None makes one up.

        Raises:
            ValueError: Another user has this token.
        """
        with self.lock:
            user, now, number = user or self.user, self.now(), next(self._numbers["pat"])
            token = token or f"pat-{made_up(self._seed, 'pat', number)}"
            if token in self._by_pat:
                raise ValueError("another user has this PAT: leave it out, or give one of its own")
            expires_at = None if days is None else now + days * DAY
            pat = Pat(made_up(self._seed, "pat-id", number)[:8], name, token, now, expires_at)
            user.pats[pat.pat_id] = pat
            self._by_pat[token] = user, pat
            return pat

    def remove_pat(self, user: User, pat: Pat) -> None:
        """Revoke `pat` of `user`. A login with it gets 401. A session that it opened before stays good."""
        with self.lock:
            del user.pats[pat.pat_id], self._by_pat[pat.token]

    def revoke_pat(self, user: User | None = None) -> None:
        """Revoke the PAT that the user began with.

        Args:
            user: The user. None means the first user.
        """
        with self.lock:
            if known := self._by_pat.get((user or self.user).pat):
                self.remove_pat(*known)

    def add_log(self, path: str, *entries: Mapping[str, object], user: User | None = None) -> None:
        """Add entries to a log.

        Args:
            path: The path below the user's: `Devices/{token}/RegisterLog`, `PAT/AccessLog`.
            entries: The entries. One without `Ts` gets the present time.
            user: The user. None means the first user.
        """
        with self.lock:
            log = (user or self.user).logs.setdefault(tuple(path.split("/")), [])
            log += [{"Ts": iso(self.now()), **entry} for entry in entries]

    def new_id(self) -> str:
        """Return a new id of a connection, or of another document."""
        return made_up(self._seed, "document", next(self._numbers["document"]))[:24]

    def expire_sessions(self) -> None:
        """End every session. Its token gets 401, and the next login gets another one."""
        with self.lock:
            for user in self.users:
                self._renew_session(user)

    def log_in(self, token: str) -> User | None:
        """Return the user of the valid PAT `token`, with a session that is valid now, or None."""
        with self.lock:
            known, now = self._by_pat.get(token), self.now()
            if known is None or (known[1].expires_at or math.inf) <= now:
                return None
            user = known[0]
            if user.session_expires_at <= now:
                self._renew_session(user)
            return user

    def session_user(self, session_token: str) -> User | None:
        """Return the user of a valid `session_token`, or None."""
        user = self._by_session.get(session_token)
        return user if user and self.now() < user.session_expires_at else None

    def _renew_session(self, user: User) -> None:
        self._by_session.pop(user.session_token, None)
        user.session_token = made_up_session_token(self._seed, next(self._numbers["session"]))
        user.session_expires_at = self.now() + self.session_lifetime
        self._by_session[user.session_token] = user

    def _put_user(self, user: User) -> User:
        self._by_id[user.user_id] = user
        self.users.append(user)
        return user
