"""A pytest plugin for the tests of `siperb fleet`: a file, and a domain that is not yet what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from siperb.testing import SiperbServer, User

AGENTS = """\
email,device,name,set:EnableCallRecording
anna@contact.example,Headset,Anna,true
ben@contact.example,Headset,,false
Ben@contact.example,Desk,,
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "agents.csv"
    path.write_text(AGENTS)
    return path


@pytest.fixture
def ben(siperb_server: SiperbServer) -> User:
    """Has what the file says but for a setting, and a device that the file lacks."""
    user = siperb_server.add_domain_user("ben@contact.example", "Ben")
    siperb_server.add_device(user, description="Headset", settings={"EnableCallRecording": True})
    siperb_server.add_device(user, description="Desk")
    siperb_server.add_device(user, description="Old phone")
    siperb_server.add_device(user, description="His own", platform="ios")
    return user
