"""A phone of ours and its line: it registers, comes back after a fault, and two of them talk. There is no browser."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from real_phones import hears, incoming, keys, logged, phone, provisioned, soon, until
from siprig import rig
from siprig.fixtures import ACCOUNTS
from siprig.line import run_line
from siprig.rig import DOMAIN, Registrar
from siprig.tones import Tone

from siperb import CallFailedError, RegistrarConnectionError, RegistrarError, RegistrationError
from siperb.phone import Call, CallState, EndReason, Phone

pytestmark = pytest.mark.registrar


async def talking(one: Phone, other: Phone, user: str = "u703") -> tuple[Call, Call]:
    """A call of the one, who sends 500 Hz, to the other, who sends 700 Hz; heard on both sides."""
    calling = asyncio.create_task(one.call(user, Tone(500)))
    theirs = await incoming(other)
    await soon(theirs.answer(Tone(700)))
    ours = await soon(calling)
    heard, said = await asyncio.gather(hears(ours, 700), hears(theirs, 500))
    assert abs(heard.hertz - 700) < 3
    assert abs(said.hertz - 500) < 3
    return ours, theirs


def addresses(registrar: Registrar) -> list[str]:
    """Those of our phones there: the browsers of other tests may be there, too."""
    found = [binding["Address"].partition(";")[0] for binding in registrar.bindings()]
    return sorted(address for address in found if address.startswith(("sip:c700@", "sip:c703@")))


async def test_it_registers_and_unregisters(registrar: Registrar) -> None:
    since = len(registrar.log)
    async with phone(registrar) as us:
        assert us.is_registered
        assert await logged(registrar, f"accepted sip:u700@{DOMAIN} ws", since)
        assert addresses(registrar) == [f"sip:c700@{DOMAIN}"]
    assert not us.is_registered
    assert addresses(registrar) == []


async def test_it_registers_over_wss(registrar: Registrar, monkeypatch: pytest.MonkeyPatch) -> None:
    secure = Phone(provisioned(registrar, sip_websocket_port=registrar.wss_port))
    with pytest.raises(RegistrarConnectionError, match="certificate"):
        await secure.__aenter__()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(registrar.spki.parent / "cert.pem"))
    since = len(registrar.log)
    async with (
        Phone(provisioned(registrar, sip_websocket_port=registrar.wss_port)) as us,
        phone(registrar, "u703") as other,
    ):
        assert await logged(registrar, f"accepted sip:u700@{DOMAIN} wss", since)
        ours, theirs = await talking(us, other)
        await ours.hang_up()
        assert (await soon(theirs.ended())).reason is EndReason.PEER_HUNG_UP
        theirs, ours = await talking(other, us, "u700")
        await theirs.hang_up()
        assert (await soon(ours.ended())).reason is EndReason.PEER_HUNG_UP


async def test_a_wrong_password(registrar: Registrar) -> None:
    with pytest.raises(RegistrationError) as refused:
        await Phone(provisioned(registrar, sip_password="wrong"), insecure=True).__aenter__()
    assert refused.value.status == 401
    assert "wrong" not in str(refused.value)


async def test_no_registrar_is_there(registrar: Registrar) -> None:
    [port] = rig.free_ports(1)
    for changes in ({"sip_websocket_port": port}, {"sip_server_path": "/elsewhere"}):
        with pytest.raises(RegistrarError):
            await Phone(provisioned(registrar, **changes), insecure=True).__aenter__()


async def test_keys_both_ways(registrar: Registrar) -> None:
    async with phone(registrar) as us, phone(registrar, "u703") as other:
        ours, theirs = await talking(us, other)
        await asyncio.gather(ours.send_digits("190*#D"), theirs.send_digits("55"))
        assert (await keys(theirs, 6), await keys(ours, 2)) == ("190*#D", "55")
        assert abs((await hears(ours, 700)).hertz - 700) < 3
        await ours.hang_up()
        assert [key async for key in theirs.digits()] == []


async def test_it_asks_again_what_is_challenged_within_a_call(tmp_path: Path) -> None:
    with rig.run_registrar(tmp_path, ACCOUNTS, "CHALLENGE_ALL") as registrar:
        async with phone(registrar) as us, phone(registrar, "u703") as other:
            ours, theirs = await talking(us, other)
            await ours.hold()
            await ours.resume()
            since = len(registrar.log)
            await ours.hang_up()
            assert await logged(registrar, "reply 200 to BYE", since)
            assert sum("request BYE" in line for line in registrar.log[since:]) <= 2
            assert (await soon(theirs.ended())).reason is EndReason.PEER_HUNG_UP


async def test_two_offers_meet(registrar: Registrar) -> None:
    """Each sends its re-INVITE before it has that of the other: both answer 491, and both come through in turn."""
    async with phone(registrar) as us, phone(registrar, "u703") as other:
        ours, theirs = await talking(us, other)
        since = len(registrar.log)
        await soon(asyncio.gather(ours.hold(), theirs.hold()))
        assert await logged(registrar, "reply 491 to INVITE", since)
        assert {ours.state, theirs.state} == {CallState.HELD}
        await soon(ours.resume())
        await soon(theirs.resume())
        assert abs((await hears(ours, 700)).hertz - 700) < 3
        assert abs((await hears(theirs, 500)).hertz - 500) < 3


@pytest.mark.parametrize("is_caller", [True, False], ids=["of the caller", "of the called"])
async def test_a_call_goes_on_over_a_dropped_websocket(registrar: Registrar, is_caller: bool) -> None:
    async with (
        run_line(registrar.ws_port) as line,
        Phone(provisioned(registrar, sip_websocket_port=line.port), insecure=True) as us,
        phone(registrar, "u703") as other,
    ):
        ours, theirs = await talking(us, other) if is_caller else (await talking(other, us, "u700"))[::-1]
        since = len(registrar.log)
        line.cut()
        await until(lambda: not us.is_registered)
        assert ours.state is CallState.ACTIVE
        assert (await hears(ours, 700 if is_caller else 500)).is_tone(700 if is_caller else 500)  # media goes on
        await until(lambda: us.is_registered)
        assert len(addresses(registrar)) == 2  # the new connection has taken the old one's place
        await logged(registrar, "reply 200 to INVITE", since)
        await soon(theirs.hold())
        assert ours.is_held_by_peer
        await soon(theirs.resume())
        await theirs.hang_up()
        assert (await soon(ours.ended())).reason is EndReason.PEER_HUNG_UP


async def test_it_comes_back_when_the_registrar_does(registrar: Registrar) -> None:
    async with (
        run_line(registrar.ws_port) as line,
        Phone(provisioned(registrar, sip_websocket_port=line.port), insecure=True) as us,
    ):
        line.is_dead = True
        line.cut()
        await until(lambda: not us.is_registered)
        await asyncio.sleep(0.5)  # it tries in vain
        assert not us.is_registered
        line.is_dead = False
        await until(lambda: us.is_registered)


async def test_a_call_outlives_the_registrar(tmp_path: Path) -> None:
    async with AsyncExitStack() as phones:
        with rig.run_registrar(tmp_path, ACCOUNTS) as before:
            ports = before.ws_port, before.wss_port
            us = await phones.enter_async_context(phone(before))
            other = await phones.enter_async_context(phone(before, "u703"))
            ours, theirs = await talking(us, other)
        await until(lambda: not us.is_registered and not other.is_registered)
        assert (await hears(ours, 700)).is_tone(700)
        with rig.run_registrar(tmp_path, ACCOUNTS, ports=ports) as after:
            await until(lambda: us.is_registered and other.is_registered)
            assert addresses(after) == [f"sip:c700@{DOMAIN}", f"sip:c703@{DOMAIN}"]
            assert (await hears(theirs, 500)).is_tone(500)
            await soon(ours.hang_up())
            assert (await soon(theirs.ended())).reason is EndReason.PEER_HUNG_UP
            with pytest.raises(CallFailedError):
                await us.call("u702")
            await phones.aclose()
            assert addresses(after) == []
