"""The module-level state, as `window.SiperbAPI` is for the JavaScript SDK. Clients publish here and never read."""

from __future__ import annotations

from collections.abc import Callable

from siperb.models import Device, Provisioning, Session

__all__ = ["SiperbAPI", "SiperbState"]


class SiperbState:
    """What a client last got: `session`, `DEVICES`, `PROVISIONING`; each None until then and after `logout()`.

    All of it is one user's. `SESSION_TOKEN` and `USER_ID` read through `session`, which is replaced in one assignment:
    read it once to have a token and a user that belong together.
    """

    login: Callable[..., Session]
    get_devices: Callable[..., list[Device] | None]
    get_provisioning: Callable[..., Provisioning | None]

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all that was published."""
        self._published = _Published(None)

    @property
    def session(self) -> Session | None:
        """The session of the last login."""
        return self._published.session

    @session.setter
    def session(self, session: Session) -> None:
        """After a login as somebody else nothing of the one before stands here."""
        published = self._published
        if published.user_id != session.user_id:
            published = self._published = _Published(session.user_id)
        published.session = session

    @property
    def SESSION_TOKEN(self) -> str | None:
        """Of the session. A secret."""
        session = self.session
        return session.session_token if session else None

    @property
    def USER_ID(self) -> str | None:
        """Of the session: 32 hex digits."""
        session = self.session
        return session.user_id if session else None

    @property
    def DEVICES(self) -> list[Device] | None:
        """The devices that `get_devices` last got."""
        return self._published.devices

    @DEVICES.setter
    def DEVICES(self, devices: list[Device] | None) -> None:
        self._published.devices = devices

    @property
    def PROVISIONING(self) -> Provisioning | None:
        """What `get_provisioning` last got."""
        return self._published.provisioning

    @PROVISIONING.setter
    def PROVISIONING(self, provisioning: Provisioning | None) -> None:
        self._published.provisioning = provisioning

    def publish(
        self, user_id: str, *, devices: list[Device] | None = None, provisioning: Provisioning | None = None
    ) -> None:
        """Show what is of this user, unless somebody else is logged in."""
        published = self._published
        if published.user_id != user_id:
            if published.session:
                return
            published = self._published = _Published(user_id)
        if devices is not None:
            published.devices = devices
        if provisioning is not None:
            published.provisioning = provisioning


class _Published:
    """What is published of one user. What ends late is written to one that has been replaced, where nobody sees it."""

    session: Session | None = None
    devices: list[Device] | None = None
    provisioning: Provisioning | None = None

    def __init__(self, user_id: str | None) -> None:
        self.user_id = user_id


SiperbAPI: SiperbState = SiperbState()
"""The state of the default client. `login`, `get_devices` and `get_provisioning` are those of `Siperb`."""
