"""Handle failures: catch the kinds that you can act on, then `SiperbError` for the rest. Its text says what to do."""

import sys

from siperb import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    MissingCredentialsError,
    RateLimitError,
    Siperb,
    SiperbError,
)


def provision(description: str) -> str:
    with Siperb(strict=True, timeout=20) as client:
        device = client.create_device(description, exist_ok=True)  # safe to repeat
        return f"{client.get_provisioning(device.device_token).sip_username}"


try:
    print(provision("Reception"))
except (MissingCredentialsError, AuthenticationError) as error:
    sys.exit(f"Log in first: {error}")
except RateLimitError as error:
    sys.exit(f"Too many requests. Run this again in {error.retry_after or 60:.0f} seconds.")
except APIConnectionError as error:  # no answer, or none in time
    sys.exit(f"The API cannot be reached: {error}")
except APIError as error:
    if error.maybe_done:
        sys.exit(f"The API may have done it. Check before you repeat: {error}")
    sys.exit(f"The API refused (request {error.request_id}): {error}")
except SiperbError as error:
    sys.exit(f"Failed: {error}")
