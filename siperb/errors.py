"""The errors of this package, as one tree.

```text
SiperbError
├── ConfigurationError (also ValueError)      a bad argument, base_url or token
│   └── MissingCredentialsError               no PAT anywhere
├── CredentialsUnavailableError               the keyring that may hold the PAT did not answer
├── APIError
│   ├── APIConnectionError                    no answer
│   │   └── APITimeoutError                   no answer in time
│   ├── APIResponseError                      an unusable answer: not JSON, wrong shape, too large, a redirect
│   └── APIStatusError                        a status that means failure
│       ├── BadRequestError                   400
│       ├── AuthenticationError               401
│       ├── PermissionDeniedError             403
│       ├── NotFoundError                     404
│       ├── ConflictError                     409
│       ├── UnprocessableEntityError          422
│       ├── RateLimitError                    429
│       └── InternalServerError               5xx
├── ProvisioningError
│   ├── DeviceNotScriptError                  the device's Platform is not "script"
│   └── IncompleteProvisioningError           a SIP configuration cannot be built from it
├── RegistrarError
│   ├── RegistrarConnectionError              no answer from the SIP registrar
│   │   └── RegistrarTimeoutError             no answer in time
│   └── RegistrarResponseError                an unusable answer: no WebSocket, not SIP, too large, a redirect
├── PhoneError                                a phone of `siperb.phone` cannot do this
│   ├── RegistrationError                     the registrar refuses the phone
│   └── CallFailedError                       a call was refused, or not answered
└── CacheError                                never leaves a client
```

``type(error)(*error.args)`` makes an equal error, also if `args` went through JSON, as in a task queue. No error
carries a secret: paths appear as templates, and values do not appear.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

__all__ = [
    "APIConnectionError", "APIError", "APIResponseError", "APIStatusError", "APITimeoutError", "AuthenticationError",
    "BadRequestError", "CacheError", "CallFailedError", "ConfigurationError", "ConflictError",
    "CredentialsUnavailableError", "DeviceNotScriptError", "IncompleteProvisioningError", "InternalServerError",
    "MissingCredentialsError", "NotFoundError", "PermissionDeniedError", "PhoneError", "ProvisioningError",
    "RateLimitError", "RegistrarConnectionError", "RegistrarError", "RegistrarResponseError", "RegistrarTimeoutError",
    "RegistrationError", "SiperbError", "UnprocessableEntityError",
]  # fmt: skip


class SiperbError(Exception):
    """The base of every error that this package raises."""

    is_for_lack_of_time = False  # a call with more time left would have gone on

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


E = TypeVar("E", bound=SiperbError)


def bare(error: E) -> E:
    """The error without frames and context, which hold secrets: trackers send away what stands in them."""
    error.__context__ = None
    return error.with_traceback(None)


class ConfigurationError(SiperbError, ValueError):
    """An argument or a setting cannot be used. Nothing was sent."""


class MissingCredentialsError(ConfigurationError):
    """No place that may hold a personal access token (PAT) has one."""


class CredentialsUnavailableError(SiperbError):
    """The personal access token (PAT) may be in the keyring, or another cache, which did not answer."""


class APIError(SiperbError):
    """The call to the Siperb API failed."""

    maybe_done: bool = False
    """Whether the API may have processed the request. If True, check before you repeat the call.
    Always False for a request that is safe to repeat."""
    request_id: str | None = None
    """The API's name for the request (``X-Request-Id``), for Siperb's support. None if the API sent none."""


class APIConnectionError(APIError):
    """No answer came: DNS, TLS, a refused or a broken connection."""


class APITimeoutError(APIConnectionError):
    """No complete answer came within the call's deadline."""


class APIResponseError(APIError):
    """The answer cannot be used: not JSON, of the wrong shape, too large, or a redirect."""

    def __init__(self, message: str, request_id: str | None = None) -> None:
        super().__init__(message)
        if request_id is not None:
            self.of_request(request_id)

    def of_request(self, request_id: str | None) -> None:
        """Set `request_id`, also in `args`."""
        super().__init__(self.args[0], request_id)
        self.request_id = request_id


class APIStatusError(APIError):
    """The API answered with a status that means failure."""

    status_code: int
    """The HTTP status."""
    method: str
    """The method of the request, e.g. "GET"."""
    path_template: str
    """The path of the request without its secrets, e.g. "/Users/{id}/Devices/"."""
    retry_after: float | None
    """The ``Retry-After`` of the answer in seconds. None if the answer has none."""
    detail: str | None
    """The reason that the API gives, cut at 200 characters, with "…" for words that may be tokens. Else None."""

    def __init__(
        self,
        message: str,
        status_code: int,
        method: str,
        path_template: str,
        retry_after: float | None = None,
        detail: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, status_code, method, path_template, retry_after, detail, request_id)
        self.status_code = status_code
        self.method = method
        self.path_template = path_template
        self.retry_after = retry_after
        self.detail = detail
        self.request_id = request_id


class BadRequestError(APIStatusError):
    """400: the API does not understand the request."""


class AuthenticationError(APIStatusError):
    """401: the PAT or the session token is wrong or has expired."""


class PermissionDeniedError(APIStatusError):
    """403: the user may not do this."""


class NotFoundError(APIStatusError):
    """404: no such user or device."""


class ConflictError(APIStatusError):
    """409: the request contradicts the present state. After a `create_…` call: it exists already."""


class UnprocessableEntityError(APIStatusError):
    """422: the API cannot carry out the request. After a `create_…` call: it may exist already."""


class RateLimitError(APIStatusError):
    """429: too many requests. ``retry_after`` may say when to come back."""


class InternalServerError(APIStatusError):
    """5xx: the API is in trouble."""


class ProvisioningError(SiperbError):
    """The API answered, but no softphone can be made from the answer."""


class DeviceNotScriptError(ProvisioningError):
    """The device is of another platform. Only a "script" device has SIP credentials to hand out."""


class IncompleteProvisioningError(ProvisioningError):
    """The provisioning lacks fields that a SIP configuration needs."""

    missing: tuple[str, ...]
    """The wire names of the missing or unusable fields, e.g. ``("SipDomain", "SipWebsocketPort")``."""

    def __init__(self, message: str, missing: Iterable[str]) -> None:
        self.missing = tuple(missing)
        super().__init__(message, self.missing)


class RegistrarError(SiperbError):
    """The SIP registrar could not be asked. Its answer, even a refusal, is a `Registration` and no error."""


class RegistrarConnectionError(RegistrarError):
    """No answer came from the registrar: DNS, TLS, a refused or a broken connection."""


class RegistrarTimeoutError(RegistrarConnectionError):
    """No complete answer came from the registrar within the call's deadline."""


class RegistrarResponseError(RegistrarError):
    """The answer is not a registrar's: no WebSocket, not SIP, too large, or a redirect."""


class PhoneError(SiperbError):
    """A phone of `siperb.phone` cannot do this, or not any more."""

    status: int
    """The SIP status of the answer, e.g. 486. 0 where there is none."""
    reason: str
    """The words for it, e.g. "Busy Here"."""

    def __init__(self, message: str, status: int = 0, reason: str = "") -> None:
        super().__init__(message, status, reason)
        self.status, self.reason = status, reason


class RegistrationError(PhoneError):
    """The registrar refuses to register the phone. The status of a wrong password is 401 or 403."""


class CallFailedError(PhoneError):
    """A call, or a request within it, was refused (486 busy, 480 nobody there), or not answered in time (408)."""


class CacheError(SiperbError):
    """The cache failed. A client treats that as a miss, and logs one warning."""

    reason: str
    """The cause, as a sentence."""
    advice: str
    """The next step, in sentences, or ""."""

    def __init__(self, reason: str = "", advice: str = "") -> None:
        super().__init__(reason, advice)
        self.reason = reason
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.reason} {self.advice}".strip()
