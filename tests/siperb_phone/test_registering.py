"""The binding of a phone: made, kept, made again, removed. And what is said where it cannot be."""

from __future__ import annotations

import asyncio
import logging
import re
import traceback
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from sip_registrars import PHONE
from siperb_phone.small_proxy import DOMAIN, Proxy, eventually, one_phone, running_proxy

from siperb import (
    ConfigurationError,
    IncompleteProvisioningError,
    PhoneError,
    RegistrarConnectionError,
    RegistrarResponseError,
    RegistrarTimeoutError,
    RegistrationError,
    Session,
)
from siperb.phone import Phone, binding, connection, transactions
from siperb.sip.message import Message, read_address


async def test_it_registers_and_unregisters() -> None:
    async with running_proxy() as proxy:
        async with Phone(proxy.phone(), insecure=True) as phone:
            assert phone.is_registered
            assert [*proxy.bindings["u700"]] == ["sip:c700@sip.example.test;transport=ws"]
        assert not phone.is_registered
        assert proxy.bindings == {"u700": {}}
        first, second, *_ = proxy.requests("REGISTER")
    assert (first.uri, first.first("to")) == ("sip:sip.example.test", "<sip:u700@sip.example.test>")
    assert first.first("authorization") is None
    assert "Digest " in (second.first("authorization") or "")
    assert [int((message.first("cseq") or "").split()[0]) for message in (first, second)] == [1, 2]
    assert first.first("call-id") == second.first("call-id")
    _, given = read_address(first.first("contact") or "")
    assert re.fullmatch("<urn:uuid:[0-9a-f-]{36}>", given["+sip.instance"])
    assert proxy.requests("REGISTER")[-1].first("expires") == "0"


async def test_nothing_is_left_after_the_exit() -> None:
    async with running_proxy() as proxy:
        before = asyncio.all_tasks()
        for _ in range(3):
            async with Phone(proxy.phone(), insecure=True) as phone:
                pass
            assert asyncio.all_tasks() == before
            assert len(phone._agent.transactions) == 0
        await eventually(lambda: not proxy.sockets)


async def test_nothing_is_left_after_a_cancelled_entry() -> None:
    async with running_proxy(on_request=lambda _: "") as proxy:
        before = asyncio.all_tasks()
        entering = asyncio.ensure_future(Phone(proxy.phone(), insecure=True).__aenter__())
        await proxy.request("REGISTER")
        entering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await entering
        assert asyncio.all_tasks() == before


async def test_a_cancelled_body_unregisters_too() -> None:
    async with running_proxy() as proxy:
        stands = asyncio.Event()

        async def work() -> None:
            async with Phone(proxy.phone(), insecure=True):
                stands.set()
                await asyncio.Event().wait()

        working = asyncio.ensure_future(work())
        await stands.wait()
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert proxy.bindings == {"u700": {}}


@pytest.mark.parametrize("status", [401, 403, 404, 500])
async def test_a_refusal_says_what_to_do(status: int) -> None:
    challenge = f'WWW-Authenticate: Digest realm="{DOMAIN}", nonce="n", qop="auth"'
    async with running_proxy(on_request=lambda _: f"{status} No\n{challenge}") as proxy:
        with pytest.raises(RegistrationError, match=f"{status} No") as caught:
            await Phone(proxy.phone(), insecure=True).__aenter__()
    assert (caught.value.status, caught.value.reason) == (status, "No")
    assert ("password" in str(caught.value)) == (status in (401, 403))
    assert not re.search("s3cret|u700", str(caught.value))


async def test_no_registrar() -> None:
    async with running_proxy() as proxy:
        pass
    with pytest.raises(RegistrarConnectionError):
        await Phone(proxy.phone(), insecure=True).__aenter__()


async def test_another_server() -> None:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/ws", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    with pytest.raises(RegistrarResponseError):
        await Phone(Proxy(port).phone(), insecure=True).__aenter__()
    await runner.cleanup()


async def test_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "TIMEOUT", 0.1)
    async with running_proxy(on_request=lambda _: "") as proxy:
        with pytest.raises(RegistrarTimeoutError):
            await Phone(proxy.phone(), insecure=True).__aenter__()


async def test_a_connection_that_is_lost_before_the_answer() -> None:
    async with running_proxy(on_request=lambda _: "") as proxy:
        entering = asyncio.ensure_future(Phone(proxy.phone(), insecure=True).__aenter__())
        await proxy.request("REGISTER")
        await proxy.drop()
        with pytest.raises(RegistrarConnectionError):
            await entering


async def test_arguments_that_make_no_phone() -> None:
    with pytest.raises(IncompleteProvisioningError) as caught:
        Phone(Proxy(443).phone(sip_domain=None), insecure=True)
    assert caught.value.missing == ("SipDomain",)


async def test_a_phone_is_opened_once() -> None:
    async with one_phone() as (_, phone):
        with pytest.raises(PhoneError, match="opened before"):
            await phone.__aenter__()
    with pytest.raises(PhoneError, match="opened before"):
        await phone.__aenter__()


async def test_an_interval_that_is_too_brief() -> None:
    def too_brief(request: Message) -> str | None:
        return "423 Interval Too Brief\nMin-Expires: 1200" if request.first("expires") == "300" else None

    async with one_phone(on_request=too_brief) as (proxy, phone):
        assert phone.is_registered
        assert [message.first("expires") for message in proxy.requests("REGISTER")] == ["300", "1200", "1200"]


@pytest.mark.parametrize("said", ["0", "100", "99999999999", "x"])
async def test_a_senseless_minimum_is_a_refusal(said: str) -> None:
    async with running_proxy(on_request=lambda _: f"423 Interval Too Brief\nMin-Expires: {said}") as proxy:
        with pytest.raises(RegistrationError, match="423"):
            await Phone(proxy.phone(), insecure=True).__aenter__()
        assert len(proxy.requests("REGISTER")) == 1


async def test_it_registers_again_before_the_end() -> None:
    async with one_phone(expires=2) as (proxy, phone):
        await proxy.request("REGISTER", 4)
        assert phone.is_registered


async def test_the_provisioning_says_for_how_long() -> None:
    async with running_proxy() as proxy:
        made = PHONE.to_dict() | {"sip_websocket_port": proxy.port, "raw": {"RegisterExpires": 77}}
        async with Phone(type(PHONE)(**made), insecure=True):
            assert proxy.requests("REGISTER")[0].first("expires") == "77"


async def test_a_nonce_that_became_stale_is_answered_anew() -> None:
    nonces: list[str] = []

    def stale(request: Message) -> str | None:
        said = request.first("authorization") or ""
        if len(nonces) < 3:
            nonces.append(said)
            challenge = f'Digest realm="{DOMAIN}", nonce="n{len(nonces)}", qop="auth"'
            return f"401 Again\nWWW-Authenticate: {challenge}{', stale=true' if said else ''}"
        return None

    async with one_phone(on_request=stale) as (proxy, phone):
        assert phone.is_registered
        sent = [message.first("authorization") or "" for message in proxy.requests("REGISTER")]
    assert [re.findall('nonce="(n[0-9])"', each) for each in sent] == [[], ["n1"], ["n2"], ["n3"]]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAUSES", (0.01, 0.02))
    monkeypatch.setattr(binding, "PAUSES", (0.02,))


@pytest.mark.usefixtures("hasty")
async def test_it_comes_back_after_a_lost_connection(caplog: pytest.LogCaptureFixture) -> None:
    async with one_phone() as (proxy, phone):
        await proxy.drop()
        await proxy.request("REGISTER", 4)
        await eventually(lambda: phone.is_registered)
        [lost] = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
        assert "tries again in" in lost
    assert proxy.bindings == {"u700": {}}


@pytest.mark.usefixtures("hasty")
async def test_a_refusal_later_is_tried_again() -> None:
    refusals = [0]

    def refuse(request: Message) -> str | None:
        refusals[0] += 1
        return "503 Busy" if 2 < refusals[0] < 5 else None

    async with one_phone(expires=1, on_request=refuse) as (proxy, phone):
        await proxy.until(lambda: len(proxy.requests("REGISTER")) > 6)
        await eventually(lambda: phone.is_registered)


@pytest.mark.usefixtures("hasty")
async def test_a_silent_connection_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SILENCE", 0.05)
    monkeypatch.setattr(connection, "SIGN", 0.05)
    async with running_proxy() as proxy:
        pings = [True]
        proxy_handles = web.WebSocketResponse.pong

        async def pong(self: web.WebSocketResponse, message: bytes = b"") -> None:
            if not pings.pop() if pings else True:
                await proxy_handles(self, message)

        monkeypatch.setattr(web.WebSocketResponse, "pong", pong)
        async with Phone(proxy.phone(), insecure=True):
            await proxy.request("REGISTER", 4)


async def test_a_connection_that_answers_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SILENCE", 0.02)
    pings: list[bytes] = []
    pong = web.WebSocketResponse.pong

    async def counted(self: web.WebSocketResponse, message: bytes = b"") -> None:
        pings.append(message)
        await pong(self, message)

    monkeypatch.setattr(web.WebSocketResponse, "pong", counted)
    async with one_phone() as (proxy, phone):
        monkeypatch.setattr(connection, "SIGN", 0.3)
        await eventually(lambda: len(pings) > 3)
        assert phone.is_registered
        assert len(proxy.requests("REGISTER")) == 2


async def test_leaving_waits_for_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAUSES", (1000.0,))
    async with running_proxy() as proxy:
        async with Phone(proxy.phone(), insecure=True) as phone:
            await proxy.drop()
            await eventually(lambda: not phone.is_registered)
        assert phone._agent.connection._tasks._tasks == set()


@pytest.mark.parametrize(("steady", "attempts"), [(connection.STEADY, 2), (0.0, 1)], ids=["it drops", "it stood"])
async def test_a_registrar_that_takes_and_drops_is_called_less_and_less(
    monkeypatch: pytest.MonkeyPatch, hasty: None, steady: float, attempts: int
) -> None:
    """A connection that stood for long enough is a good one: the pauses begin anew."""
    monkeypatch.setattr(connection, "STEADY", steady)
    async with one_phone() as (proxy, phone):
        for number in range(2):
            await proxy.drop()
            await proxy.request("REGISTER", 4 + 2 * number)
            await eventually(lambda: phone.is_registered)
        assert phone._agent.connection._attempts == attempts


def test_the_pauses_grow() -> None:
    assert list(connection.PAUSES) == sorted(connection.PAUSES)
    assert connection.PAUSES[-1] <= 30
    assert list(binding.PAUSES) == sorted(binding.PAUSES)


async def test_the_log_has_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "siperb.phone"):
        async with running_proxy() as proxy, Phone(proxy.phone(), insecure=True):
            pass
    logged = "\n".join(each.getMessage() for each in caplog.records)
    assert "REGISTER sip:sip.example.test SIP/2.0" in logged
    assert "Authorization: Digest …" in logged
    assert not re.search("response=|s3cret|username=", logged)


async def test_a_gruu_is_the_address_in_calls() -> None:
    async with running_proxy() as proxy:
        register = proxy._register

        def with_gruu(request: Message, socket: Any) -> str:
            return register(request, socket).replace(";expires=300", ';expires=300;pub-gruu="sip:u700@d;gr=urn:x"')

        proxy._register = with_gruu  # type: ignore[method-assign]
        async with Phone(proxy.phone(), insecure=True) as phone:
            assert phone._agent.contact == "<sip:u700@d;gr=urn:x>"


async def test_a_ca_bundle_that_is_none_is_an_error_at_the_entry(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    async with running_proxy() as proxy:
        with pytest.raises(ConfigurationError, match="REQUESTS_CA_BUNDLE"):
            await asyncio.wait_for(Phone(proxy.phone()).__aenter__(), 5)


async def test_any_failure_later_is_tried_again(hasty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    connected: Any = connection.connected
    failures: list[Exception] = [ConfigurationError("no bundle"), ZeroDivisionError()]

    def fail(*args: Any) -> Any:
        if failures:
            raise failures.pop()
        return connected(*args)

    async with one_phone() as (proxy, phone):
        monkeypatch.setattr(connection, "connected", fail)
        await proxy.drop()
        await proxy.request("REGISTER", 4)
        await eventually(lambda: phone.is_registered)
        assert failures == []


async def test_no_frame_of_a_cancelled_entry_shows_a_secret() -> None:
    caught: list[BaseException] = []
    session = Session(user_id="user", session_token="t0ken")
    async with running_proxy(on_request=lambda _: "") as proxy:
        phone = Phone(proxy.phone(registration_mode="Proxy", sip_jwt="j3t"), session, insecure=True)

        async def enter() -> None:
            try:
                await phone.__aenter__()
            except asyncio.CancelledError as error:
                caught.append(error)

        entering = asyncio.ensure_future(enter())
        assert (await proxy.request("REGISTER")).first("x-siperb-sid") == "t0ken"
        entering.cancel()
        await entering
    shown = "".join(traceback.TracebackException.from_exception(caught[0], capture_locals=True).format())
    assert "in request" in shown
    assert not re.search("t0ken|j3t|s3cret", shown)
