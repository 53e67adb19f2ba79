"""A registrar's answer to the credentials of a phone."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Contact", "Registration"]


@frozen
class Contact:
    """A phone that is registered: one binding of the account at its registrar (RFC 3261, 10.3)."""

    uri: str
    """The address at which the registrar reaches the phone, e.g. ``sip:c700@sip.example.test;transport=ws``."""
    expires: int | None = None
    """The seconds until the registration ends. None if the registrar does not say."""
    user_agent: str | None = None
    """The phone's software. None if the registrar does not name it."""


@frozen
class Registration:
    """A registrar's answer to the credentials of a phone, as `check_registration` returns it."""

    accepted: bool
    """Whether the registrar accepts the account.

    ``status`` is then 2xx, or 400 if the registrar took the password and only misses a ``Contact``."""
    status: int
    """The status of the answer, e.g. 401."""
    reason: str
    """The registrar's words for it, e.g. "Unauthorized"."""
    contacts: tuple[Contact, ...] = ()
    """The phones that are registered now. Empty if ``status`` is not 2xx."""
    server: str | None = None
    """The registrar's software. None if it does not say."""
    answered_challenge: bool = False
    """Whether the registrar asked for the password and got its digest. If not, a refusal does not concern the password.
    """
    seconds: float = 0.0
    """The seconds from the call to the answer."""

    @property
    def meaning(self) -> str:
        """The meaning of the answer, for people, e.g. "the SIP user or password is refused (401 …)"."""
        said = f"{self.status} {self.reason}".strip()
        return f"{_MEANINGS[self._kind][0]} ({said})"

    @property
    def advice(self) -> str | None:
        """The next step after a refusal. None if the account is accepted."""
        return _MEANINGS[self._kind][1]

    @property
    def _kind(self) -> str:
        if self.accepted:
            return "accepted" if self.status < 300 else "no list"
        if self.status in (401, 407):
            return "password" if self.answered_challenge else "scheme"
        if self.status == 403:
            return "password" if self.answered_challenge else "barred"
        if self.status == 400 and "contact" in self.reason.lower():
            return "contact"
        if self.status == 423:
            return "brief"
        return {3: "moved", 5: "trouble"}.get(self.status // 100, "no")


_ASK = "ask who runs the registrar"
_MEANINGS: dict[str, tuple[str, str | None]] = {
    "accepted": ("the registrar takes the account", None),
    "no list": ("accepted; the registrar lists no phones to who registers none", None),
    "password": (
        "the SIP user or password is refused",
        "check SipUsername, SipPassword and SipDomain in the device's settings at Siperb",
    ),
    "scheme": (
        "the registrar wants an authentication that is not known here",
        "have it ask for digest authentication with MD5, SHA-256 or SHA-512-256 and qop=auth, as phones know it",
    ),
    "barred": (
        "the registrar refuses without asking for the password",
        f"{_ASK} whether it lets this network and SipDomain in; the password is not the cause",
    ),
    "contact": ("the registrar does not answer this question before it asks for the password", "try with a phone"),
    "brief": (
        "the registrar wants phones to register for longer",
        "raise RegisterExpires in the device's settings at Siperb",
    ),
    "moved": (
        "the registrar sends phones to another address, which is not followed",
        f"{_ASK} for that address, and set SipWssServer or SipDomain in the device's settings at Siperb to it",
    ),
    "trouble": ("the registrar is in trouble", f"try again later; else {_ASK}"),
    "no": ("the registrar says no", "check SipUsername and SipDomain in the device's settings at Siperb"),
}
