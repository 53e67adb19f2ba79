"""The module-level state, as `window.SiperbAPI` is for the JavaScript SDK. Clients publish here and never read."""

from __future__ import annotations

from collections.abc import Callable

from siperb.models import Device, Provisioning, Session

__all__ = ["SiperbAPI", "SiperbState"]


class SiperbState:
    """What a client last got: `session`, `DEVICES`, `PROVISIONING`; each None until then and after `logout()`.

    `session` is replaced in one assignment, and `SESSION_TOKEN` and `USER_ID` read through it: read `session` once to
    have a token and a user that belong together.
    """

    login: Callable[..., Session]
    get_devices: Callable[..., list[Device] | None]
    get_provisioning: Callable[..., Provisioning | None]

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all that was published."""
        self.session: Session | None = None
        self.DEVICES: list[Device] | None = None
        self.PROVISIONING: Provisioning | None = None

    @property
    def SESSION_TOKEN(self) -> str | None:
        session = self.session
        return session.session_token if session else None

    @property
    def USER_ID(self) -> str | None:
        session = self.session
        return session.user_id if session else None


SiperbAPI: SiperbState = SiperbState()
"""The state of the default client. `login`, `get_devices` and `get_provisioning` are those of `Siperb`."""
