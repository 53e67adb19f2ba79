"""What a bulk run got for each item."""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

from attrs import field, frozen

from siperb.errors import SiperbError
from siperb.models.answers import Provisioning

__all__ = ["BulkResult", "NotProvisioned", "Provisioned", "ProvisioningResult"]

Item = TypeVar("Item")
T = TypeVar("T")


@frozen
class Provisioned:
    """A device of `provision_all` with its provisioning."""

    device_token: str = field(repr=False)
    """Whose result it is. A secret."""
    provisioning: Provisioning
    """The SIP credentials and settings of the device."""
    user_id: str | None = None
    """Of the domain user whose device it is; None for one's own."""
    error: None = field(default=None, init=False)
    """None."""


@frozen
class NotProvisioned:
    """A device of `provision_all` with the error that it met."""

    device_token: str = field(repr=False)
    """Whose result it is. A secret. Empty when the devices of a domain user could not be listed."""
    error: SiperbError
    """What `get_provisioning` of a strict client would have raised."""
    user_id: str | None = None
    """Of the domain user whose device it is; None for one's own."""
    provisioning: None = field(default=None, init=False)
    """None."""


ProvisioningResult: TypeAlias = Provisioned | NotProvisioned
"""What `provision_all` got for one device: its ``provisioning`` or its ``error``, and None for the other.

A type checker knows that there is a `Provisioning` where ``result.error is None``, and the other way round.
"""


@frozen
class BulkResult(Generic[Item, T]):
    """What `bulk` got for one item. Its repr shows the error alone, as the others may be secrets."""

    item: Item = field(repr=False)
    """Whose result it is, one of `items`."""
    value: T | None = field(default=None, repr=False)
    """What `work` returned; None when it raised."""
    error: Exception | None = None
    """What `work` raised; None when it returned."""
