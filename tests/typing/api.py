"""What a user's type checker sees of every public call. Type-checked, not run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import aiohttp
import requests

# typing.assert_type is of Python 3.11, and typing_extensions comes with the type checkers' environment.
from typing_extensions import assert_type

import siperb
from siperb import (
    AccessToken,
    APIStatusError,
    AsyncSiperb,
    BulkResult,
    Cache,
    CallFailedError,
    Contact,
    Device,
    DomainUser,
    IncompleteProvisioningError,
    KeyringCache,
    MemoryCache,
    NewAccessToken,
    NotProvisioned,
    Provisioned,
    Provisioning,
    ProvisioningResult,
    Registration,
    Session,
    Siperb,
    SiperbAPI,
    SiperbError,
    SiperbState,
    StrictAsyncSiperb,
    StrictSiperb,
    User,
)
from siperb.cache import Key, Record
from siperb.phone import Call, CallState, EndReason, IncomingCall, OutgoingCall, Phone
from siperb.sip import contact_uri, extra_headers, jssip, sip_uri, sipjs, websocket_url
from siperb.testing import SiperbServer


def on_the_class() -> None:
    assert_type(Siperb.login(), Session)
    assert_type(Siperb.login("pat", enable_cache=True, login_key="mine"), Session)
    assert_type(Siperb.get_devices(enable_cache=True, session_key="mine"), list[Device] | None)
    assert_type(Siperb.get_provisioning("t0", enable_cache=True, provisioning_key="mine"), Provisioning | None)
    assert_type(Siperb.get_user(user_id="u", session_token="s"), User | None)
    assert_type(Siperb.provision_all(["t0"], concurrency=4), Iterator[ProvisioningResult])
    assert_type(Siperb.request("GET", "/Users/{user_id}/Devices/{device}", params={"a": True}, device="t0"), Any)
    assert_type(Siperb.get_all("/Users/{user_id}/{what}", what="Tickets"), list[Any])
    assert_type(Siperb.get_domain_users(search="ann"), list[DomainUser])
    Siperb.logout()

    Siperb.login(enable_cash=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Siperb.get_provisioning(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def on_an_instance(http_session: requests.Session) -> None:
    with Siperb(
        "pat",
        base_url="https://api.example",
        timeout=5,
        max_retries=0,
        cache=MemoryCache(),
        state=None,
        strict=False,
        http_session=http_session,
        app_info="mine/1",
    ) as client:
        assert_type(client, Siperb)
        assert_type(client.login(), Session)
        assert_type(client.get_devices(), list[Device] | None)
        assert_type(client.get_provisioning("t0"), Provisioning | None)
        assert_type(client.get_user(), User | None)
        assert_type(client.provision_all(on_progress=report), Iterator[ProvisioningResult])
        everybody = client.provision_all(domain_users=[*client.get_domain_users(), "an id"])
        assert_type([result.user_id for result in everybody], list[str | None])
        assert_type(client.request("POST", "/Users/{user_id}/Tickets", json={"a": 1}, repeatable=False), Any)
        for user in client.get_domain_users():
            assert_type((user.user_id, user.email), tuple[str, str | None])
            assert_type(client.for_user(user), Siperb)
        assert_type(client.for_user("u").get_devices(), list[Device] | None)
        assert_type(client.save_pat("pat"), bool)
        assert_type(client.session, Session | None)
        assert_type(client.state, SiperbState)
        client.logout()


def strictly(flag: bool) -> None:
    client = Siperb("pat", strict=True)
    assert_type(client, StrictSiperb)
    assert_type(client.get_devices(), list[Device])
    assert_type(client.get_provisioning("t0", timeout=5), Provisioning)
    assert_type(client.get_user(), User)
    assert_type(client.login(), Session)
    assert_type([device.description for device in client.get_devices()], list[str | None])
    with Siperb(base_url="https://api.example", strict=True) as within:
        assert_type(within.get_devices(), list[Device])
    assert_type(client.for_user("u"), StrictSiperb)
    assert_type(client.for_user("u").get_provisioning("t0"), Provisioning)
    assert_type(any_client(client), list[Device] | None)
    assert_type(strict_client(client), list[Device])
    strict_client(Siperb())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(Siperb(strict=flag).get_devices(), list[Device] | None)


def any_client(client: Siperb) -> list[Device] | None:
    return client.get_devices()


def strict_client(client: StrictSiperb) -> list[Device]:
    return client.get_devices()


class Mine(Siperb):
    pass


class MineStrict(StrictSiperb):
    pass


class Service:
    """As one annotates an attribute, a parameter and a result."""

    client: StrictSiperb

    def __init__(self, client: StrictSiperb | None = None) -> None:
        self.client = client or Siperb(strict=True)

    def phones(self, of: StrictSiperb) -> list[str | None]:
        return [device.description for device in of.get_devices()]

    def view(self) -> StrictSiperb:
        return self.client.for_user("u")


def in_a_subclass() -> None:
    assert_type(Mine("pat").get_devices(), list[Device] | None)
    assert_type(MineStrict("pat", strict=True).get_devices(), list[Device])


async def strictly_awaited() -> None:
    client = AsyncSiperb("pat", strict=True)
    assert_type(client, StrictAsyncSiperb)
    assert_type(await client.for_user("u").get_devices(), list[Device])
    assert_type(await any_async_client(client), list[Device] | None)
    assert_type(await strict_async_client(client), list[Device])
    await strict_async_client(AsyncSiperb())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async with AsyncSiperb(strict=True) as within:
        assert_type(await within.get_devices(timeout=5), list[Device])
        assert_type(await within.get_provisioning("t0"), Provisioning)
        assert_type(await within.get_user(), User)
        both = await asyncio.gather(within.get_devices(), within.get_user())
        assert_type(both, tuple[list[Device], User])


async def strict_async_client(client: StrictAsyncSiperb) -> list[Device]:
    async with client as within:
        assert_type(within, StrictAsyncSiperb)
        assert_type(await within.get_provisioning("t0"), Provisioning)
    return await client.get_devices()


async def any_async_client(client: AsyncSiperb) -> list[Device] | None:
    return await client.get_devices()


async def awaited(http_session: aiohttp.ClientSession) -> None:
    async with AsyncSiperb("pat", http_session=http_session, cache=KeyringCache(timeout=1.0)) as client:
        assert_type(client, AsyncSiperb)
        assert_type(await client.login(), Session)
        assert_type(await client.get_devices(), list[Device] | None)
        assert_type(await client.get_provisioning("t0"), Provisioning | None)
        assert_type(await client.get_user(), User | None)
        assert_type(client.provision_all(on_progress=report), AsyncIterator[ProvisioningResult])
        everybody = client.provision_all(domain_users=await client.get_domain_users())
        assert_type(everybody, AsyncIterator[ProvisioningResult])
        async for result in client.provision_all():
            assert_type(result, ProvisioningResult)
        assert_type(await client.request("DELETE", "/Users/{user_id}/Tickets/{ticket}", ticket="5"), Any)
        assert_type(await client.get_all("/Users/{user_id}/Tickets"), list[Any])
        assert_type(await client.get_domain_users(), list[DomainUser])
        assert_type(client.for_user("u"), AsyncSiperb)
        await client.logout()
        devices = await asyncio.gather(client.get_devices(), client.get_user())
        assert_type(devices, tuple[list[Device] | None, User | None])


def in_bulk(client: Siperb, rows: list[str]) -> None:
    def work(row: str) -> Provisioning | None:
        return client.get_provisioning(row)

    assert_type(Siperb.bulk(work, rows), Iterator[BulkResult[str, Provisioning | None]])
    for result in client.bulk(work, iter(rows), concurrency=4, on_progress=report):
        assert_type((result.item, result.value, result.error), tuple[str, Provisioning | None, Exception | None])
    client.bulk(work, [1])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def in_bulk_awaited(client: AsyncSiperb, rows: list[str]) -> None:
    async def work(row: str) -> Provisioning | None:
        return await client.get_provisioning(row)

    assert_type(client.bulk(work, rows), AsyncIterator[BulkResult[str, Provisioning | None]])
    async for result in client.bulk(client.get_provisioning, rows, on_progress=report):
        assert_type((result.item, result.value), tuple[str, Provisioning | None])
    client.bulk(len, rows)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def registration(client: Siperb, provisioning: Provisioning) -> None:
    assert_type(client.check_registration(provisioning), Registration)
    said = Siperb.check_registration(provisioning, insecure=True)
    assert_type((said.accepted, said.status, said.reason, said.seconds), tuple[bool, int, str, float])
    assert_type((said.server, said.answered_challenge), tuple[str | None, bool])
    assert_type(said.contacts, tuple[Contact, ...])
    assert_type((said.contacts[0].uri, said.contacts[0].expires), tuple[str, int | None])


async def registration_awaited(client: AsyncSiperb, provisioning: Provisioning) -> None:
    assert_type(await client.check_registration(provisioning), Registration)


def report(done: int, total: int | None) -> None: ...


def models(session: Session, device: Device, provisioning: Provisioning, result: ProvisioningResult) -> None:
    assert_type((session.user_id, session.session_token), tuple[str, str])
    assert_type((device.device_token, device.platform, device.description), tuple[str, str, str | None])
    assert_type(provisioning.sip_websocket_port, int | None)
    assert_type(provisioning.jwt_expires_at, datetime | None)
    assert_type(provisioning.raw, Mapping[str, Any])
    assert_type(device.to_dict(), dict[str, Any])
    assert_type(result.error, SiperbError | None)
    assert_type(result.provisioning, Provisioning | None)
    if result.error is None:
        assert_type(result.provisioning, Provisioning)
        assert_type(result, Provisioned)
    else:
        assert_type(result.provisioning, None)
    if result.provisioning is None:
        assert_type(result.error, SiperbError)
    assert_type([one.provisioning for one in Siperb.provision_all() if one.error is None], list[Provisioning])
    match result:
        case NotProvisioned(error=error):
            assert_type(error, SiperbError)
        case Provisioned(provisioning=found):
            assert_type(found, Provisioning)
    session.user_id = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def errors(status: APIStatusError, incomplete: IncompleteProvisioningError) -> None:
    assert_type((status.status_code, status.method, status.path_template), tuple[int, str, str])
    assert_type(status.retry_after, float | None)
    assert_type((status.detail, status.maybe_done), tuple[str | None, bool])
    assert_type(incomplete.missing, tuple[str, ...])


def state() -> None:
    assert_type(SiperbAPI, SiperbState)
    assert_type(siperb.SiperbAPI.SESSION_TOKEN, str | None)
    assert_type(SiperbAPI.DEVICES, list[Device] | None)
    assert_type(SiperbAPI.login(), Session)
    assert_type(SiperbAPI.get_devices(), list[Device] | None)


def caches(key: Key, record: Record) -> None:
    cache: Cache = MemoryCache()
    assert_type(cache.load(key), Record | None)
    assert_type(cache.save(key, record, owner="owner"), bool)
    cache = KeyringCache()
    assert_type(cache.forget("owner"), bool)


def phones(provisioning: Provisioning, session: Session) -> None:
    assert_type(websocket_url(provisioning), str)
    assert_type((sip_uri(provisioning), contact_uri(provisioning)), tuple[str, str])
    assert_type(extra_headers(provisioning, session), list[str])
    assert_type(jssip(provisioning, session), dict[str, Any])
    assert_type(sipjs(provisioning), dict[str, Any])


def server() -> None:
    with SiperbServer() as server:
        assert_type(server.base_url, str)


def administration(client: Siperb) -> None:
    assert_type(client.create_domain_user("ann@contact.example", "Ann", exist_ok=True), DomainUser)
    assert_type(client.create_device("Headset", exist_ok=True, registration={"WebSocketPort": 443}), Device)
    client.update_domain_user("u", permissions={"EnableDevices": True})
    client.delete_domain_user("u", send_exit_email=True)
    client.update_device("t0", settings={"EnableCallRecording": None})
    client.delete_device("t0")
    client.update_settings({"RecordAllCalls": True})
    assert_type(client.get_settings(), list[dict[str, Any]])
    assert_type(client.get_pats(), list[AccessToken])
    assert_type(client.get_pats()[0].token, str | None)
    created = Siperb.create_pat("ci", days=5)
    assert_type(created, NewAccessToken)
    assert_type(created.token, str)
    pats: list[AccessToken] = [created]
    client.delete_pat(pats[0].pat_id)
    client.delete_pat("p0")
    assert_type(client.get_log("register", "t0", date=date(2026, 1, 2), limit=5), list[dict[str, Any]])
    assert_type(client.get_devices(platform=None), list[Device] | None)
    client.get_log("sip", "t0")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def administration_awaited(client: AsyncSiperb) -> None:
    assert_type(await client.create_domain_user("ann@contact.example"), DomainUser)
    assert_type(await client.create_device("Headset"), Device)
    assert_type((await client.create_pat("ci")).token, str)
    assert_type(await client.get_log("console", "t0"), list[dict[str, Any]])


async def phone_calls(provisioning: Provisioning, session: Session) -> None:
    servers = [{"urls": "turn:turn.example", "username": "u", "credential": "c"}]
    async with Phone(provisioning, session, ice_servers=servers) as phone:
        assert_type(phone.is_registered, bool)
        async for incoming in phone:
            assert_type(incoming, IncomingCall)
            assert_type(incoming.offer, str | None)
            await incoming.ring()
            await incoming.answer_with("v=0")
        call = await phone.call("u701", offer="v=0", timeout=5)
        assert_type(call, OutgoingCall)
        assert_type(call.state, CallState)
        assert_type(await call.digit(), str)
        assert_type((await call.ended()).reason, EndReason)
        calls: tuple[Call, ...] = phone.calls
        await calls[0].hang_up()
        await phone.call("u701", track="hello.wav")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def refused(error: CallFailedError) -> None:
    assert_type(error.status, int)
    assert_type(error.reason, str)
