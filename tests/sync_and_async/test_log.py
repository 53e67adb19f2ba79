"""What a client says of itself, and what it logs."""

from __future__ import annotations

import logging

import pytest
from facades import Facade

from siperb.testing import Status


def test_a_repr_shows_no_secret(facade: Facade) -> None:
    client = facade.client()
    session = facade.call(client.login)
    for shown in repr(client), str(client):
        assert session.user_id in shown
        assert facade.server.pat not in shown
        assert session.session_token not in shown
    facade.close(client)
    assert "closed" in repr(client)


def test_logs_name_no_secret_and_errors_none(facade: Facade, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "siperb")
    client = facade.client(max_retries=0)
    device = facade.server.user.devices[0]
    document = facade.call(client.get_provisioning, device.token)
    facade.server.fail("provisioning", Status(500))
    facade.call(client.get_provisioning, device.token)
    facade.server.stop()
    facade.call(client.get_provisioning, device.token)
    secrets = [
        facade.server.pat,
        client.session.session_token,
        device.token,
        document.sip_password,
        document.sip_jwt,
    ]
    assert len(caplog.records) >= 4
    for record in caplog.records:
        if record.name.startswith("siperb"):
            assert not [secret for secret in secrets if secret in record.getMessage() + repr(record.args)]
    infos = [r.getMessage() for r in caplog.records if r.levelno == logging.INFO and r.name == "siperb"]
    assert infos == [f"Logged in as user {facade.server.user.user_id}", "Got the provisioning of a device"]
