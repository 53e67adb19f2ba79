"""What a program is made into, and a file system that nothing can be written to."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipapp
from pathlib import Path
from typing import Any

import pytest
from places import PROGRAMS, Place

from siperb.testing import SiperbServer

pytestmark = pytest.mark.world

SECRET_SERVICE = Path(__file__).parents[1] / "secret_service.sh"
READ_ONLY = """
    mount -o remount,bind,ro / && for at in /tmp /var/tmp /dev/shm; do mount --bind -o ro "$at" "$at"; done &&
    mount -o remount,bind,ro /tmp && mount -o remount,bind,ro /var/tmp && mount -o remount,bind,ro /dev/shm &&
    exec unshare --user --map-user=12345 --map-group=12345 "$@"
"""


def unless(available: bool, needed: str) -> None:
    """A test that lacks something says so, and where `CI` is set it fails."""
    if not available:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(needed)


def routes(server: SiperbServer) -> list[str | None]:
    return [request.route for request in server.requests]


def test_pyinstaller_one_file_with_a_keyring(place: Any, server: SiperbServer, tmp_path: Path) -> None:
    unless(bool(shutil.which("gnome-keyring-daemon")), f"needs a Secret Service: {SECRET_SERVICE} install")
    packaged: Place = place("pyinstaller")
    folders = [f"--{kind}path={tmp_path / kind}" for kind in ("dist", "work", "spec")]
    packaged.run("-m", "PyInstaller", "--onefile", "--log-level=ERROR", *folders, PROGRAMS / "one_file.py")
    program = tmp_path / "dist" / "one_file"
    said = packaged.run_program(SECRET_SERVICE, "sh", "-c", 'for _ in 1 2; do "$0" 2>&1 || exit; done', program)
    assert said.splitlines() == ["2 1", "2"] * 2
    assert routes(server).count("login") == 1


def test_zipapp(place: Any, tmp_path: Path) -> None:
    bare: Place = place("bare")
    (site_packages,) = (bare.directory / "lib").glob("python*/site-packages")
    shutil.copytree(site_packages, tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROGRAMS / "one_file.py", tmp_path / "app")
    zipapp.create_archive(tmp_path / "app", tmp_path / "app.pyz", main="one_file:main", compressed=True)
    assert bare.run("-S", "-I", tmp_path / "app.pyz").splitlines() == ["2 1", "2"]


def test_a_read_only_file_system_without_home(place: Any) -> None:
    bare: Place = place("bare")
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", READ_ONLY, "sh"]
    done = subprocess.run([*unshare, "true"], capture_output=True, text=True)
    unless(done.returncode == 0, f"needs mount namespaces: {done.stderr}")
    for name in "HOME", "XDG_RUNTIME_DIR", "TMPDIR", "PYTHON_KEYRING_BACKEND":
        del bare.variables[name]
    said = bare.run_program(*unshare, bare.python, "no_disk.py", DBUS_SESSION_BUS_ADDRESS="unix:path=/nowhere")
    assert said.splitlines() == ["False ~", "no temporary directory", "2 1", "2"]
