"""Tests of your own code: the fixture `siperb_server` comes with the package.

Needs `pip install pytest`. Run `pytest test_with_fixtures.py`, here or in a copy.
"""

import pytest

from siperb import APIStatusError, MemoryCache, Siperb
from siperb.testing import SiperbServer, Status


def dial_string() -> str:
    """Code under test. It finds the loopback API by itself, through SIPERB_BASE_URL and SIPERB_PAT."""
    with Siperb(strict=True, cache=MemoryCache()) as client:
        for device in client.get_devices():
            provisioning = client.get_provisioning(device.device_token)
            return f"sip:{provisioning.sip_username}@{provisioning.sip_domain}"
    return "no phone"


def test_a_phone_is_found(siperb_server: SiperbServer) -> None:
    assert dial_string().startswith("sip:")
    assert [request.route for request in siperb_server.requests] == ["login", "devices", "provisioning"]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_the_api_refuses(siperb_server: SiperbServer, status: int) -> None:
    siperb_server.fail("provisioning", Status(status), times=None)
    with pytest.raises(APIStatusError) as caught:
        dial_string()
    assert caught.value.status_code == status
