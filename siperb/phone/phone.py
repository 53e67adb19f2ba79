"""Phone and Call on signalling of our own: the same outside as phone.py."""
from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from aiortc import MediaStreamTrack

from siperb.errors import CallFailedError as CallFailed, PhoneError, RegistrationError as NotRegistered
from siperb.phone.media import Media
from siperb.phone.states import CallEnd, CallState, EndReason
from siperb.phone.connection import Connection, Dialog, Message, _parameter, uri_of

from siperb.sip import contact_uri, extra_headers, sip_uri, websocket_url

log = logging.getLogger("phone")
AGENT = "siperb-phone-spike"


class Call:
    def __init__(self, phone: Phone, dialog: Dialog, invite: Message | None = None, media: Media | None = None) -> None:
        self._phone, self.dialog, self._invite, self.media = phone, dialog, invite, media
        self.incoming = invite is not None
        self._ended = asyncio.Event()
        self._ringing = asyncio.Event()
        self.state = CallState.RINGING if invite else CallState.CALLING
        self.end: CallEnd | None = None
        self.is_held_by_peer = False
        self.remote_sdp = invite.body if invite else None
        self.id, self.is_incoming = dialog.call_id, invite is not None
        self._working: Any = None
        self.reason = ""
        self._offering = False  # an INVITE of ours or theirs is on its way
        phone._calls[dialog.call_id] = self

    async def ended(self) -> CallEnd:
        await self._ended.wait()
        return self.end

    async def ringing(self) -> None:
        await self._ringing.wait()

    async def digits(self):
        while not self._ended.is_set():
            yield await self.digit()

    async def hold(self) -> None:
        raise NotImplementedError

    resume = hold

    async def transfer(self, target: str) -> None:
        raise NotImplementedError

    @property
    def peer(self) -> str:
        return uri_of(self.dialog.remote)

    async def ring(self, track: Any = None) -> None:
        await self._phone._sip.reply(self._invite, 180, self.dialog)

    async def answer(self, track: MediaStreamTrack | None = None) -> None:
        self.media = Media(self._phone.ice_servers, track)
        body = await self.media.answer(self._invite.body)
        self.dialog.confirmed, self.state = True, CallState.ACTIVE
        await self._phone._sip.reply(self._invite, 200, self.dialog, body)
        await asyncio.wait_for(self.media.connected.wait(), 15)

    @property
    def offer(self) -> str:
        """The SDP, for media of somebody else's; answered with `answer_with`."""
        return self._invite.body

    async def answer_with(self, sdp: str) -> None:
        self.dialog.confirmed, self.state = True, CallState.ACTIVE
        await self._phone._sip.reply(self._invite, 200, self.dialog, sdp)

    async def reject(self, status: int = 486) -> None:
        await self._phone._sip.reply(self._invite, status, self.dialog)
        await self._end(EndReason.REJECTED)

    async def audio(self) -> MediaStreamTrack:
        return await self.media.received

    async def digit(self) -> str:
        return await self.media.digits.get()

    async def send_digits(self, digits: str, *, info: bool = False) -> None:
        if not info and self.media._types:
            self.media.send_digits(digits)
            while self.media.sending_digits:
                await asyncio.sleep(0.02)
            return
        for digit in digits:
            body = f"Signal={digit}\r\nDuration=160\r\n"
            answer = await self._phone._sip.request("INFO", self.dialog, body=body, kind="application/dtmf-relay")
            if answer.status >= 300:
                raise CallFailed(f"The call failed: {answer.status} {answer.reason}.", answer.status, answer.reason)

    async def hang_up(self) -> int:
        """What the BYE was answered."""
        if self._ended.is_set():
            return 0
        await self._end(EndReason.HUNG_UP)
        return (await self._phone._sip.request("BYE", self.dialog)).status if self.dialog.confirmed else 0

    async def refresh(self) -> None:
        """Tells the other side our new connection, with a re-INVITE (RFC 3261, 12.2)."""
        self._offering = True
        try:
            answer = await self._phone._sip.request("INVITE", self.dialog, body=await self.media.offer(), kind="application/sdp")
            if answer.status < 300:
                self.dialog.learn(answer)
                await self._phone._sip.send(self._phone._sip.make("ACK", self.dialog, answer.cseq))
                await self.media.accept(answer.body)
        finally:
            self._offering = False

    async def _end(self, reason: EndReason) -> None:
        self.end, self.state = CallEnd(reason), CallState.ENDED
        self._ended.set()
        self._phone._calls.pop(self.dialog.call_id, None)
        if self.media:
            await self.media.close()

    async def _requested(self, request: Message) -> None:
        """What comes within the call."""
        reply = self._phone._sip.reply
        if _parameter(request.get("to"), "tag") != _parameter(self.dialog.local, "tag"):
            return await reply(request, 481)
        if request.cseq <= self.dialog.remote_cseq:
            return await reply(request, 500)
        self.dialog.remote_cseq = request.cseq
        if request.method == "BYE":
            await reply(request, 200)
            await self._end(EndReason.PEER_HUNG_UP)
        elif request.method == "INFO":
            await reply(request, 200)
            for line in request.body.splitlines():
                name, _, value = line.partition("=")
                if name.strip().lower() == "signal" and self.media:
                    self.media.digits.put_nowait(value.strip())
        elif request.method in ("INVITE", "UPDATE") and request.body:
            self._phone.log_reinvites += 1
            if self._offering:
                return await reply(request, 491)
            self.dialog.learn(request)
            try:
                body = await self.media.answer(request.body)
            except Exception:
                log.exception("offer")
                return await reply(request, 488)
            await reply(request, 200, self.dialog, body)
        elif request.method in ("UPDATE", "OPTIONS", "NOTIFY"):
            if request.method == "UPDATE":
                self.dialog.learn(request)
            timer = [("Session-Expires", v) for v in request.all("session-expires")]
            await reply(request, 200, self.dialog, headers=timer)
        else:
            await reply(request, 405)


class Phone:
    def __init__(self, provisioning: Any, session: Any = None, *, insecure: bool = False, ssl: Any = True,
                 ice_servers: list[dict[str, Any]] | None = None, expires: int = 300) -> None:
        self.ice_servers, self.expires = ice_servers or [], expires
        self.aor, self.domain = sip_uri(provisioning), provisioning.sip_domain
        contact = contact_uri(provisioning)
        header = f'<{contact}>;+sip.instance="<urn:uuid:{uuid5(NAMESPACE_URL, contact)}>";reg-id=1;+sip.ice'
        self._sip = self._transport = Connection(
            websocket_url(provisioning, insecure=insecure), header, provisioning.sip_username, provisioning.sip_password,
            extra_headers(provisioning, session), AGENT, ssl)
        self._sip.on_request, self._sip.on_up = self._requested, self._up
        self._sip.on_down = lambda: self.registered.clear()
        self._registration = Dialog(f"<{self.aor}>;tag={secrets.token_hex(6)}", f"<{self.aor}>", f"sip:{self.domain}")
        self.registered = asyncio.Event()
        self.registrations = self.log_reinvites = 0
        self._calls: dict[str, Call] = {}
        self._incoming: asyncio.Queue[Call] = asyncio.Queue()
        self._wake = asyncio.Event()

    async def __aenter__(self) -> Phone:
        await self._sip.start()
        try:
            refresh = await self._register(self.expires)
        except BaseException:
            await self._sip.stop()
            raise
        self._sip.spawn(self._keep_registered(refresh))
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            for call in list(self._calls.values()):
                await call.hang_up()
            await asyncio.wait_for(self._register(0), 3)
        except (PhoneError, OSError, TimeoutError) as error:
            log.warning("leaving: %s", error)
        await self._sip.stop()

    async def _register(self, expires: int) -> float:
        for _ in range(2):
            answer = await self._sip.request("REGISTER", self._registration, [("Expires", str(expires))])
            if answer.status != 423:
                break
            expires = self.expires = int(answer.get("min-expires") or 3600)
        if answer.status >= 300:
            self.registered.clear()
            raise NotRegistered(f"The registrar refuses the phone: {answer.status} {answer.reason}.", answer.status, answer.reason)
        if expires:
            self.registered.set()
            self.registrations += 1
        mine = uri_of(self._sip.contact)
        granted = next((_parameter(c, "expires") for c in answer.all("contact") if uri_of(c) == mine), "")
        return float(granted or expires)

    async def _keep_registered(self, granted: float) -> None:
        while True:
            try:
                await asyncio.wait_for(self._wake.wait(), max(granted * 0.8, 1))
                self._wake.clear()
            except TimeoutError:
                pass
            try:
                granted = await self._register(self.expires)
            except (PhoneError, OSError, TimeoutError) as error:
                log.warning("%s", error)
                granted = 15

    def _up(self) -> None:
        self.registered.clear()
        self._wake.set()
        for call in self._calls.values():
            if call.dialog.confirmed:
                self._sip.spawn(call.refresh())

    async def call(self, target: str, track: MediaStreamTrack | None = None, *, timeout: float = 60.0) -> Call:
        target = target if target.startswith("sip:") else f"sip:{target}@{self.domain}"
        media = Media(self.ice_servers, track)
        dialog = Dialog(f"<{self.aor}>;tag={secrets.token_hex(6)}", f"<{target}>", target)
        call = Call(self, dialog, media=media)
        invite: list[Message] = []
        working = asyncio.ensure_future(self._sip.request(
            "INVITE", dialog, body=await media.offer(), kind="application/sdp",
            told=lambda answer: answer.status > 100 and call._ringing.set(), sent=invite.append))
        try:
            answer = await asyncio.wait_for(asyncio.shield(working), timeout)
            if answer.status >= 300:
                raise CallFailed(f"The call failed: {answer.status} {answer.reason}.", answer.status, answer.reason)
            await self._confirm(call, answer)
            call.state, call.remote_sdp = CallState.ACTIVE, answer.body
            await media.accept(answer.body)
            await asyncio.wait_for(media.connected.wait(), 15)
        except BaseException:
            if not working.done():
                self._sip.spawn(self._cancel(call, invite[-1], working))
            await call.hang_up()
            raise
        return call

    async def _confirm(self, call: Call, answer: Message) -> None:
        call.dialog.remote, call.dialog.confirmed = answer.get("to"), True
        call.dialog.learn(answer)
        call.dialog.routes = answer.all("record-route")[::-1]
        await self._sip.send(self._sip.make("ACK", call.dialog, answer.cseq))

    async def _cancel(self, call: Call, invite: Message, working: asyncio.Future[Message]) -> None:
        cancel = self._sip.make("CANCEL", call.dialog, invite.cseq, invite.branch, invite.start.split()[1])
        await self._sip.send(cancel)
        answer = await working
        if answer.status < 300:  # answered in the same moment: hang up
            await self._confirm(call, answer)
            await self._sip.request("BYE", call.dialog)

    async def incoming(self) -> Call:
        return await self._incoming.get()

    async def __aiter__(self) -> AsyncIterator[Call]:
        while True:
            yield await self.incoming()

    async def _requested(self, request: Message) -> None:
        call = self._calls.get(request.get("call-id"))
        if request.method == "ACK":
            return
        if request.method == "CANCEL":
            if call is None or call._invite is None or call._invite.branch != request.branch:
                return await self._sip.reply(request, 481)
            await self._sip.reply(request, 200, call.dialog)
            if not call.dialog.confirmed:
                await self._sip.reply(call._invite, 487, call.dialog)
                await call._end(EndReason.CANCELLED)
        elif _parameter(request.get("to"), "tag"):
            await (call._requested(request) if call else self._sip.reply(request, 481))
        elif request.method == "INVITE" and call is None:
            dialog = Dialog(f"{request.get('to')};tag={secrets.token_hex(6)}", request.get("from"),
                            uri_of(request.get("contact")), request.all("record-route"), request.get("call-id"),
                            remote_cseq=request.cseq)
            await self._sip.reply(request, 100)
            self._incoming.put_nowait(Call(self, dialog, request))
        else:
            await self._sip.reply(request, 200 if request.method == "OPTIONS" else 405)
