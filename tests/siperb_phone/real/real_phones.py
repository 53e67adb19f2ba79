"""What a test of a real call needs: phones of ours at Kamailio, and phones in Chromium to call and to be called."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import attrs
import pytest
from sip_registrars import PHONE
from siprig import rig, tones
from siprig.fixtures import ACCOUNTS
from siprig.rig import DOMAIN, Chromium, Page, Registrar
from siprig.tones import Heard

from siperb import Provisioning, sip
from siperb.phone import Call, Phone

PATIENCE = 10.0
HERTZ = {"jssip": 1000, "sipjs": 1200}
USERS = {"jssip": "u701", "sipjs": "u702"}
T = TypeVar("T")


def provisioned(registrar: Registrar, user: str = "u700", **changes: object) -> Provisioning:
    known = {"sip_username": user, "sip_password": ACCOUNTS[user], "contact_user_name": f"c{user[1:]}"}
    changes = {**known, "sip_domain": DOMAIN, "sip_websocket_port": registrar.ws_port, **changes}
    return attrs.evolve(PHONE, **changes)  # type: ignore[arg-type]


def phone(registrar: Registrar, user: str = "u700", **options: Any) -> Phone:
    return Phone(provisioned(registrar, user), insecure=True, **options)


async def soon(awaitable: Awaitable[T]) -> T:
    return await asyncio.wait_for(awaitable, PATIENCE)


async def until(condition: Callable[[], Any]) -> None:
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends, "not true in time"
        await asyncio.sleep(0.02)


async def incoming(phone: Phone) -> Call:
    return await soon(anext(aiter(phone)))


async def hears(call: Call, hertz: int, **options: Any) -> Heard:
    return await tones.hears(await soon(call.audio()), hertz, **options)


async def keys(call: Call, count: int) -> str:
    return "".join([await soon(call.digit()) for _ in range(count)])


async def logged(registrar: Registrar, pattern: str, since: int = 0) -> str:
    return await asyncio.to_thread(registrar.seen, pattern, since)


@attrs.define
class Talker:
    """A page with a phone that sends a tone: see talkers.mjs. Its call can be made, answered and measured."""

    page: Page
    library: str
    user: str
    hertz: int

    @property
    def uri(self) -> str:
        return f"sip:{self.user}@{DOMAIN}"

    async def run(self, code: str, *args: object) -> Any:
        return await asyncio.to_thread(self.page.do, "evaluate", code, *args)

    async def do(self, method: str, *args: object) -> Any:
        return await self.run(f"(...args) => talker.{method}(...args)", *args)

    async def set(self, **settings: object) -> None:
        await self.run("(settings) => void Object.assign(talker, settings)", settings)

    async def until(self, condition: str) -> None:
        ends = time.monotonic() + PATIENCE
        while not await self.run(f"() => {condition}"):
            assert time.monotonic() < ends, f"not {condition}"
            await asyncio.sleep(0.02)

    async def log(self) -> list[str]:
        log: list[str] = await self.run("() => talker.log")
        return log

    async def says(self, *words: str) -> str:
        """Waits until its last word begins with one of these."""
        ends = time.monotonic() + PATIENCE
        while True:
            log = await self.log()
            if log and log[-1].startswith(words):
                return log[-1]
            assert time.monotonic() < ends, f"not {words}: {log}"
            await asyncio.sleep(0.05)

    async def pressed(self, keys: str) -> str:
        """Waits for so many keys; those that came."""
        ends, came = time.monotonic() + PATIENCE, ""
        while len(came) < len(keys) and time.monotonic() < ends:
            await asyncio.sleep(0.05)
            came = "".join(await self.run("() => talker.keys"))
        return came

    async def hears(self, *tones: int, at: int = -1) -> float:
        """Waits until one of these is the strongest tone; its frequency, as measured."""
        ends = time.monotonic() + PATIENCE
        while True:
            heard = await self.do("heard", at)
            if heard and (heard["decibel"] or -200) > -60 and min(abs(heard["hertz"] - hertz) for hertz in tones) < 3:
                return float(heard["hertz"])
            assert time.monotonic() < ends, f"not {tones} Hz: {heard}"
            await asyncio.sleep(0.05)


@contextmanager
def open_talker(
    chromium: Chromium, registrar: Registrar, library: str, user: str, hertz: int, **changes: object
) -> Iterator[Talker]:
    configuration = getattr(sip, library)(provisioned(registrar, user, **changes), insecure=True)
    with chromium.open() as page:
        page.do("evaluate", "(...args) => phones.talk(...args)", library, configuration, hertz)
        yield Talker(page, library, user, hertz)


# All files of a worker share these: a browser takes seconds to start.


@pytest.fixture(scope="session", name="registrar")
def registrar_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registrar]:
    rig.need_parts()
    with rig.run_registrar(tmp_path_factory.mktemp("kamailio"), ACCOUNTS) as registrar:
        yield registrar


@pytest.fixture(scope="session", name="chromium")
def chromium_fixture(registrar: Registrar) -> Iterator[Chromium]:
    with rig.run_chromium(registrar.spki) as chromium:
        yield chromium


@pytest.fixture(scope="session", name="talkers")
def talkers_fixture(chromium: Chromium, registrar: Registrar) -> Iterator[dict[str, Talker]]:
    """One page on either library, registered."""
    with ExitStack() as stack:
        yield {
            library: stack.enter_context(open_talker(chromium, registrar, library, user, HERTZ[library]))
            for library, user in USERS.items()
        }


@pytest.fixture(params=list(USERS), name="talker")
async def talker_fixture(request: pytest.FixtureRequest, talkers: dict[str, Talker]) -> Talker:
    return await fresh(talkers[request.param])


@pytest.fixture(name="jssip")
async def jssip_fixture(talkers: dict[str, Talker]) -> Talker:
    return await fresh(talkers["jssip"])


@pytest.fixture(name="sipjs")
async def sipjs_fixture(talkers: dict[str, Talker]) -> Talker:
    return await fresh(talkers["sipjs"])


async def fresh(talker: Talker) -> Talker:
    """As it was when it registered, without a call."""
    await talker.do("reset")
    return talker
