"""What comes back from the calls. Frozen; secrets are plain `str`, never in a repr.

Each is loaded when it is first used: attrs takes some three million instructions to build a class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from siperb.models.answers import Device, Provisioning, Session
    from siperb.models.results import BulkResult, NotProvisioned, Provisioned, ProvisioningResult
    from siperb.models.users import AccessToken, DomainUser, NewAccessToken, User

__all__ = [
    "AccessToken",
    "BulkResult",
    "Device",
    "DomainUser",
    "NewAccessToken",
    "NotProvisioned",
    "Provisioned",
    "Provisioning",
    "ProvisioningResult",
    "Session",
    "User",
]

_ROOMS = {
    **dict.fromkeys(("Device", "Provisioning", "Session"), "answers"),
    **dict.fromkeys(("AccessToken", "DomainUser", "NewAccessToken", "User"), "users"),
    **dict.fromkeys(("BulkResult", "NotProvisioned", "Provisioned", "ProvisioningResult"), "results"),
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
