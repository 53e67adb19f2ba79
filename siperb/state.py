"""The published state, as `window.SiperbAPI` of the JavaScript SDK. Clients write it and never read it."""

from __future__ import annotations

from collections.abc import Callable

from siperb.models import Device, Provisioning, Session

__all__ = ["SiperbAPI", "SiperbState"]


class SiperbState:
    """The last results of a client: `session`, `DEVICES`, `PROVISIONING`. Each is None before, and after `logout()`.

    All of them belong to one user. To get a token and a user id that belong together, read `session` once.
    """

    login: Callable[..., Session]
    get_devices: Callable[..., list[Device] | None]
    get_provisioning: Callable[..., Provisioning | None]

    def __init__(self) -> None:
        self.clear()

    def __repr__(self) -> str:
        return f"<SiperbState user_id={self.USER_ID!r}>"

    def clear(self) -> None:
        """Forget all results."""
        self._published = _Published(None)

    @property
    def session(self) -> Session | None:
        """The session of the last login."""
        return self._published.session

    @session.setter
    def session(self, session: Session) -> None:
        """Replace the session. The results of another user are forgotten."""
        published = self._published
        if published.user_id != session.user_id:
            published = self._published = _Published(session.user_id)
        published.session = session

    @property
    def SESSION_TOKEN(self) -> str | None:
        """The session's token. A secret."""
        session = self.session
        return session.session_token if session else None

    @property
    def USER_ID(self) -> str | None:
        """The session's user: 32 hex digits."""
        session = self.session
        return session.user_id if session else None

    @property
    def DEVICES(self) -> list[Device] | None:
        """The devices of the last `get_devices`."""
        return self._published.devices

    @DEVICES.setter
    def DEVICES(self, devices: list[Device] | None) -> None:
        self._published.devices = devices

    @property
    def PROVISIONING(self) -> Provisioning | None:
        """The document of the last `get_provisioning`."""
        return self._published.provisioning

    @PROVISIONING.setter
    def PROVISIONING(self, provisioning: Provisioning | None) -> None:
        self._published.provisioning = provisioning

    def publish(
        self, user_id: str, *, devices: list[Device] | None = None, provisioning: Provisioning | None = None
    ) -> None:
        """Publish results of a user. Nothing happens if another user is logged in.

        Args:
            user_id: The user that the results belong to.
            devices: The devices to publish. None keeps the old ones.
            provisioning: The document to publish. None keeps the old one.
        """
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
    """The results of one user. A late result lands in an object that has been replaced, where nobody sees it."""

    session: Session | None = None
    devices: list[Device] | None = None
    provisioning: Provisioning | None = None

    def __init__(self, user_id: str | None) -> None:
        self.user_id = user_id


SiperbAPI: SiperbState = SiperbState()
"""The state that `Siperb` publishes to. It has `login`, `get_devices` and `get_provisioning` of `Siperb`."""
