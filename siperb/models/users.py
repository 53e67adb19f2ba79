"""What an administrator asks for: users, and their personal access tokens (PATs)."""

from __future__ import annotations

from attrs import field, frozen

from siperb.models.answers import Answer

__all__ = ["AccessToken", "DomainUser", "NewAccessToken", "User"]


@frozen
class User(Answer):
    """The user's profile. ``raw`` is the whole of it; none of its other fields is documented."""

    user_id: str
    """32 hex digits."""


@frozen
class DomainUser(Answer):
    """A user of the administrator's domain."""

    user_id: str
    """What `for_user` takes; a hash of the e-mail address, 32 hex digits."""
    email: str | None = None
    """The address, or None when the API does not say."""


@frozen
class AccessToken(Answer):
    """A personal access token (PAT), by its id and name; the API shows its value once, to who makes it."""

    pat_id: str
    """What `delete_pat` takes; "" where `create_pat` is not told it."""
    name: str | None = None
    """The name people gave it, or None."""
    token: str | None = field(default=None, repr=False)
    """The PAT itself, a secret: `create_pat` alone knows it. Else None."""


@frozen
class NewAccessToken(AccessToken):
    """A personal access token (PAT) that `create_pat` has made, with its value."""

    token: str = field(repr=False, kw_only=True)
    """The PAT itself, a secret. The API shows it this once."""
