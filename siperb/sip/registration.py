"""What a registrar says to the credentials of a phone."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Contact", "Registration"]


@frozen
class Contact:
    """A phone that is registered: one binding of the account at its registrar (RFC 3261, 10.3)."""

    uri: str
    """Where the registrar reaches it, e.g. ``sip:c700@sip.example.test;transport=ws``."""
    expires: int | None = None
    """In how many seconds the registration ends, or None when the registrar does not say."""
    user_agent: str | None = None
    """The phone's software where the registrar names it, which few do; else None."""


@frozen
class Registration:
    """What a registrar says to an account's credentials, see `siperb.Siperb.check_registration`."""

    accepted: bool
    """Whether a phone with these credentials would be registered: ``status`` is 2xx."""
    status: int
    """The registrar's own, e.g. 401."""
    reason: str
    """The registrar's own, e.g. "Unauthorized"."""
    contacts: tuple[Contact, ...] = ()
    """The phones that are registered now; empty when not accepted."""
    server: str | None = None
    """The registrar's software, when it says."""
    answered_challenge: bool = False
    """Whether it asked for the password, and was given the digest of it; where it refused without, the password is not
    at fault."""
    seconds: float = 0.0
    """From the call to the answer."""
