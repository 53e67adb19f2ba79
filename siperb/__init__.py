"""The Siperb SDK: a personal access token goes in, SIP credentials for a softphone come out.

Every name is loaded when it is first used (PEP 562), and `requests`, `aiohttp` and `keyring` by the first call that
needs them.
"""

from siperb._version import __version__

TYPE_CHECKING = False  # type checkers know the name; importing `typing` would double the time of this import

if TYPE_CHECKING:
    from siperb.aio.client import AsyncSiperb, StrictAsyncSiperb
    from siperb.cache import Cache, KeyringCache, MemoryCache
    from siperb.errors import (
        APIConnectionError,
        APIError,
        APIResponseError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        CacheError,
        CallFailedError,
        ConfigurationError,
        ConflictError,
        CredentialsUnavailableError,
        DeviceNotScriptError,
        IncompleteProvisioningError,
        InternalServerError,
        MissingCredentialsError,
        NotFoundError,
        PermissionDeniedError,
        PhoneError,
        ProvisioningError,
        RateLimitError,
        RegistrarConnectionError,
        RegistrarError,
        RegistrarResponseError,
        RegistrarTimeoutError,
        RegistrationError,
        SiperbError,
        UnprocessableEntityError,
    )
    from siperb.models import (
        AccessToken,
        BulkResult,
        Device,
        DomainUser,
        NewAccessToken,
        NotProvisioned,
        Provisioned,
        Provisioning,
        ProvisioningResult,
        Session,
        User,
    )
    from siperb.sip.registration import Contact, Registration
    from siperb.state import SiperbAPI, SiperbState
    from siperb.sync.client import Siperb, StrictSiperb

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseError",
    "APIStatusError",
    "APITimeoutError",
    "AccessToken",
    "AsyncSiperb",
    "AuthenticationError",
    "BadRequestError",
    "BulkResult",
    "Cache",
    "CacheError",
    "CallFailedError",
    "ConfigurationError",
    "ConflictError",
    "Contact",
    "CredentialsUnavailableError",
    "Device",
    "DeviceNotScriptError",
    "DomainUser",
    "IncompleteProvisioningError",
    "InternalServerError",
    "KeyringCache",
    "MemoryCache",
    "MissingCredentialsError",
    "NewAccessToken",
    "NotFoundError",
    "NotProvisioned",
    "PermissionDeniedError",
    "PhoneError",
    "Provisioned",
    "Provisioning",
    "ProvisioningError",
    "ProvisioningResult",
    "RateLimitError",
    "RegistrarConnectionError",
    "RegistrarError",
    "RegistrarResponseError",
    "RegistrarTimeoutError",
    "Registration",
    "RegistrationError",
    "Session",
    "Siperb",
    "SiperbAPI",
    "SiperbError",
    "SiperbState",
    "StrictAsyncSiperb",
    "StrictSiperb",
    "UnprocessableEntityError",
    "User",
    "__version__",
]

_ROOMS = {
    **dict.fromkeys(("AsyncSiperb", "StrictAsyncSiperb"), "aio.client"),
    **dict.fromkeys(("Siperb", "SiperbAPI", "StrictSiperb"), "sync.client"),  # which hands SiperbAPI its functions
    "SiperbState": "state",
    **dict.fromkeys(("Cache", "KeyringCache", "MemoryCache"), "cache"),
    **dict.fromkeys(("Contact", "Registration"), "sip.registration"),
    **dict.fromkeys(
        (
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
        ),
        "models",
    ),
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"siperb.{_ROOMS.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
