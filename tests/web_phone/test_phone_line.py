"""The web phone's line to the registrar is cut and mended, with a call and without."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
from siprig.fixtures import chromium_fixture, registrar_fixture  # noqa: F401
from siprig.rig import Page, Registrar
from siprig.web_phone import (  # noqa: F401
    Open,
    WebPhone,
    built_fixture,
    open_phone_fixture,
    other_phone_fixture,
    server_fixture,
)

pytestmark = pytest.mark.registrar

both_libraries = pytest.mark.parametrize("library", ["jssip", "sipjs"])


class Cable:
    """A way to a port of 127.0.0.1 that can be cut and mended; mended, it is at the same port."""

    def __init__(self, to: int) -> None:
        self.port = 0
        self._to = to
        self._sockets: list[socket.socket] = []
        self.mend()

    def mend(self) -> None:
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        self._sockets.append(listening)
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()

    def cut(self) -> None:
        while self._sockets:
            with contextlib.suppress(OSError):
                self._sockets[-1].shutdown(socket.SHUT_RDWR)
            self._sockets.pop().close()

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                ends = listening.accept()[0], socket.create_connection(("127.0.0.1", self._to))
                self._sockets += ends
                for here, there in (ends, ends[::-1]):
                    threading.Thread(target=self._carry, args=(here, there), daemon=True).start()

    def _carry(self, here: socket.socket, there: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := here.recv(65536):
                there.sendall(data)
        with contextlib.suppress(OSError):
            there.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def cable(registrar: Registrar) -> Iterator[Cable]:
    cable = Cable(registrar.ws_port)
    yield cable
    cable.cut()


def open_on(cable: Cable, open_phone: Open, library: str) -> WebPhone:
    phone = open_phone(sip_websocket_port=cable.port)
    phone.shows("Ready", "line-ready")
    phone.use(library)
    phone.page.do("waitForSelector", '#status:text-is("Ready")')
    return phone


@both_libraries
def test_a_lost_line_comes_back_by_itself_and_says_so(open_phone: Open, cable: Cable, library: str) -> None:
    phone = open_on(cable, open_phone, library)
    cable.cut()
    phone.shows("No connection", "line-lost")
    phone.complains("The registrar cannot be reached. The phone keeps trying.", "line-lost")
    assert not phone.page.do("isEnabled", "#dial")
    cable.mend()
    phone.shows("Connected again. Ready", "line-again")
    assert not phone.visible("#problem")
    assert phone.page.do("isEnabled", "#dial")


@both_libraries
def test_a_call_outlives_the_line(open_phone: Open, other_phone: Page, cable: Cable, library: str) -> None:
    phone = open_on(cable, open_phone, library)
    phone.page.do("fill", "#number", "u701")
    phone.page.do("press", "#number", "Enter")
    phone.shows("In call", "line-call", within="#call-state")
    cable.cut()
    phone.shows("No connection", "line-lost-in-call")
    assert phone.page.do("textContent", "#call-state") == "In call"
    assert not phone.visible("#retry")
    cable.mend()
    phone.page.do("waitForSelector", "#status:empty", {"state": "attached"})
    assert other_phone.do("evaluate", "async () => (await answered).connection().connectionState") == "connected"


def test_another_network_means_another_connection(open_phone: Open, registrar: Registrar) -> None:
    phone = open_phone()
    phone.shows("Ready", "line-ready")
    phone.page.do("evaluate", "() => dispatchEvent(new Event('offline'))")
    phone.shows("No connection", "line-offline")
    since = len(registrar.log)
    phone.page.do("evaluate", "() => dispatchEvent(new Event('online'))")
    phone.shows("Connected again. Ready", "line-online")
    registrar.seen("accepted sip:u700", since)
