"""Testing your own code: the `siperb_server` fixture comes with the package. Run it with `pytest`."""

import pytest

from siperb import MemoryCache, Siperb
from siperb.testing import SiperbServer, Status


def dial_string() -> str:
    """Code under test: it finds the loopback API by itself, through SIPERB_BASE_URL and SIPERB_PAT."""
    with Siperb(cache=MemoryCache()) as client:
        for device in client.get_devices() or []:
            provisioning = client.get_provisioning(device.device_token)
            if provisioning:
                return f"sip:{provisioning.sip_username}@{provisioning.sip_domain}"
    return "no phone"


def test_a_phone_is_found(siperb_server: SiperbServer) -> None:
    assert dial_string().startswith("sip:")
    assert [request.route for request in siperb_server.requests] == ["login", "devices", "provisioning"]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_the_api_refuses(siperb_server: SiperbServer, status: int) -> None:
    siperb_server.fail("provisioning", Status(status), times=None)
    assert dial_string() == "no phone"
