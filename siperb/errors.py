"""Everything that can go wrong, as one tree.

SiperbError
├── ConfigurationError (also ValueError)      a bad argument, base_url or token
│   └── MissingCredentialsError               no PAT anywhere
├── CredentialsUnavailableError               the keyring that may hold the PAT did not answer
├── APIError
│   ├── APIConnectionError                    no answer
│   │   └── APITimeoutError                   no answer in time
│   ├── APIResponseError                      an answer that is none: not JSON, wrong shape, too large, a redirect
│   └── APIStatusError                        an answer that says no
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
│   │   └── RegistrarTimeoutError             no answer of it in time
│   └── RegistrarResponseError                an answer that is none: no WebSocket, not SIP, too large, a redirect
└── CacheError                                never leaves a client

``type(error)(*error.args)`` makes every error again, also where `args` went through JSON, as with a task queue.
None carries a secret: paths appear as templates, values not at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "CacheError",
    "ConfigurationError",
    "ConflictError",
    "CredentialsUnavailableError",
    "DeviceNotScriptError",
    "IncompleteProvisioningError",
    "InternalServerError",
    "MissingCredentialsError",
    "NotFoundError",
    "PermissionDeniedError",
    "ProvisioningError",
    "RateLimitError",
    "RegistrarConnectionError",
    "RegistrarError",
    "RegistrarResponseError",
    "RegistrarTimeoutError",
    "SiperbError",
    "UnprocessableEntityError",
]


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
    """What was passed or set cannot be used; nothing was sent."""


class MissingCredentialsError(ConfigurationError):
    """There is no personal access token (PAT) in any of the places that may hold one."""


class CredentialsUnavailableError(SiperbError):
    """The personal access token (PAT) was to come from the keyring, or another cache, and that did not answer."""


class APIError(SiperbError):
    """The call to the Siperb API failed."""

    maybe_done: bool = False
    """Whether the API may have done what it was asked all the same, and would do it twice if asked again: look before
    you do. Always False of what can be repeated."""
    request_id: str | None = None
    """The API's own name for the request, for its support: ``X-Request-Id``; None when it sent none."""


class APIConnectionError(APIError):
    """No answer came: DNS, TLS, a refused or a broken connection."""


class APITimeoutError(APIConnectionError):
    """No complete answer came within the call's deadline."""


class APIResponseError(APIError):
    """The answer is not what the API promises: not JSON, of the wrong shape, too large, or a redirect."""

    def __init__(self, message: str, request_id: str | None = None) -> None:
        super().__init__(message)
        if request_id is not None:
            self.of_request(request_id)

    def of_request(self, request_id: str | None) -> None:
        """Note whose answer it was."""
        super().__init__(self.args[0], request_id)
        self.request_id = request_id


class APIStatusError(APIError):
    """The API answered with a status that means failure."""

    status_code: int
    """The HTTP status."""
    method: str
    """Of the request, e.g. "GET"."""
    path_template: str
    """The path of the request without its secrets, e.g. "/Users/{id}/Devices/"."""
    retry_after: float | None
    """What the server asked for in ``Retry-After``, in seconds from the answer; None when it said nothing."""
    detail: str | None
    """The API's own reason, of 200 characters at most, with "…" for words that may be tokens; None without one."""

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
    """409: what is asked for contradicts what is there; on creating, that it is there already."""


class UnprocessableEntityError(APIStatusError):
    """422: what was sent cannot be carried out; on creating, that it is there already."""


class RateLimitError(APIStatusError):
    """429: too many requests; ``retry_after`` may say when to come back."""


class InternalServerError(APIStatusError):
    """5xx: the API is in trouble."""


class ProvisioningError(SiperbError):
    """The API answered, but the answer provisions no softphone."""


class DeviceNotScriptError(ProvisioningError):
    """The device belongs to another platform: only a "script" device has SIP credentials to hand out."""


class IncompleteProvisioningError(ProvisioningError):
    """Provisioning lacks what a SIP configuration needs."""

    missing: tuple[str, ...]
    """The wire names of the missing or unusable fields, e.g. ``("SipDomain", "SipWebsocketPort")``."""

    def __init__(self, message: str, missing: Iterable[str]) -> None:
        self.missing = tuple(missing)
        super().__init__(message, self.missing)


class RegistrarError(SiperbError):
    """The SIP registrar could not be asked. What it says itself, a refusal too, is a `Registration` and no error."""


class RegistrarConnectionError(RegistrarError):
    """No answer came from the registrar: DNS, TLS, a refused or a broken connection."""


class RegistrarTimeoutError(RegistrarConnectionError):
    """No complete answer came from the registrar within the call's deadline."""


class RegistrarResponseError(RegistrarError):
    """The answer is not a registrar's: no WebSocket, not SIP, too large, or a redirect."""


class CacheError(SiperbError):
    """The cache could not do what it was asked; a client treats it as a miss and warns once."""

    reason: str
    """What went wrong, as a sentence."""
    advice: str
    """What to do about it, in sentences; "" without any."""

    def __init__(self, reason: str = "", advice: str = "") -> None:
        super().__init__(reason, advice)
        self.reason = reason
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.reason} {self.advice}".strip()
