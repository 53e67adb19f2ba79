"""A call of ours (RFC 3261, 13.2): its forks, its early media, its cancellation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from siperb.errors import CallFailedError, PhoneError
from siperb.phone import sdp
from siperb.phone.agent import Attempt
from siperb.phone.call import Call
from siperb.phone.dialog import Dialog
from siperb.phone.failures import failed
from siperb.phone.line import Line
from siperb.phone.messages import LOST, TIMED_OUT, tag_of
from siperb.phone.states import CallEnd, CallState, EndReason
from siperb.phone.tasks import LOG
from siperb.phone.transactions import Client
from siperb.sip.message import Message

if TYPE_CHECKING:
    from aiortc import MediaStreamTrack

MAX_FORKS = 16  # that answer
CANCEL_TIMEOUT = 2.0  # seconds that `hang_up` waits for the end of the INVITE, which goes on alone


class OutgoingCall(Call):
    """A call of ours. See `Phone.call`."""

    def __init__(self, line: Line, target: str, track: MediaStreamTrack | None, offer: str | None) -> None:
        media = line.media(track, self._press, self._media_failed) if offer is None else None
        super().__init__(line, Dialog.to(line.agent.account.address, target, target), is_incoming=False)
        self._first_dialog = self._leg.dialog
        self._track = track
        self._rings = asyncio.Event()
        self._settled: asyncio.Future[PhoneError | None] = asyncio.get_running_loop().create_future()
        self._attempt = Attempt(self._sign)
        self._media = media
        self._inviting = line.tasks.spawn(self._invite(offer))
        self._accepting_early: asyncio.Task[None] | None = None

    async def ringing(self) -> None:
        """Wait until it rings at the other side, or is answered, or is over."""
        _ = await self._rings.wait()

    async def answered(self, timeout: float = 60.0) -> None:
        """Wait until the call is answered, and audio can be exchanged.

        Args:
            timeout: Seconds after which the call is cancelled.

        Raises:
            CallFailedError: The call was refused, or not answered in time (status 408).
            PhoneError: No audio can be exchanged.
        """
        try:
            done, _ = await asyncio.wait([self._settled], timeout=timeout)
        except asyncio.CancelledError:
            _ = self._line.tasks.spawn(self._give_up(EndReason.CANCELLED))
            raise
        if not done:
            await self._give_up(EndReason.TIMEOUT)
            raise failed(TIMED_OUT)
        if error := self._settled.result():
            try:
                raise error
            finally:
                del error

    async def hang_up(self) -> None:
        """End the call, in any state. One without an answer is cancelled. It does nothing if the call is over."""
        await self._give_up(EndReason.HUNG_UP if self._state is CallState.ACTIVE else EndReason.CANCELLED)

    # For the phone.

    def _finish(self, end: CallEnd) -> None:
        super()._finish(end)
        self._rings.set()
        if not self._settled.done():
            status = end.status or 487
            self._settled.set_result(failed(Message(status, end.text)))

    async def _give_up(self, reason: EndReason) -> None:
        if self._state is CallState.ACTIVE:
            return await self._leg.end(reason)
        if not self._end:
            self._line.agent.cancel(self._attempt)
            self._finish(CallEnd(reason, 487 if reason is EndReason.CANCELLED else 408))
            _ = await asyncio.wait([self._inviting], timeout=CANCEL_TIMEOUT)
        return None

    async def _invite(self, offer: str | None) -> None:
        try:
            self._leg.local = offer = offer or (await self._media.offer() if self._media else "")
        except Exception:
            LOG.exception("There is no offer for %r", self)
            return self._finish(CallEnd(EndReason.MEDIA_FAILED, 488, "No offer can be made"))
        answer = await self._line.agent.request("INVITE", self._leg.dialog, body=offer, attempt=self._attempt)
        client = self._attempt.client
        if answer.status >= 300 or client is None:
            reason = EndReason.REJECTED
            if answer is LOST:
                reason = EndReason.CONNECTION_LOST
            elif answer.status in (408, 487):
                reason = EndReason.TIMEOUT if answer.status == 408 else EndReason.CANCELLED
            if not self._settled.done():
                self._settled.set_result(failed(answer))
            return self._finish(CallEnd(reason, answer.status, answer.reason))
        self._leg.dialog = self._first_dialog.confirmed(answer)
        ack = self._line.agent.acknowledge(self._leg.dialog, client)
        acks = {tag_of(answer.first("to")): ack}
        client.on_more = lambda message: self._take_more(message, client, acks)
        if self._end:  # it was answered in the moment of the CANCEL
            return await self._leg.bye()
        return await self._accept(answer)

    async def _accept(self, answer: Message) -> None:
        self._state, self._leg.is_confirmed = CallState.ACTIVE, True
        self._rings.set()
        self._leg.learn(answer)
        self._leg.timer.learn(answer)
        self._leg.remote = answer.body or self._leg.remote
        self._leg.role = "passive" if sdp.role_of(self._leg.remote) == "active" else "active"
        try:
            if not sdp.has_audio(self._leg.remote):
                raise ValueError("no audio")
            if self._media:
                await self._connect()
        except ValueError:
            error = CallFailedError("The answer has no audio that is known here.", 488, "Not Acceptable Here")
            self._settle(error)
            return await self._leg.end(EndReason.MEDIA_FAILED, 488, "Not Acceptable Here")
        except PhoneError as error:
            return self._settle(error)
        return self._settle(None)

    def _settle(self, error: PhoneError | None) -> None:
        if not self._settled.done():
            self._settled.set_result(error)

    async def _connect(self) -> None:
        """Let audio flow to whoever answered."""
        assert self._media
        if self._accepting_early:
            _ = await asyncio.wait([self._accepting_early])
        if not self._media.remote:
            await self._media.accept(self._leg.remote)
        elif not sdp.is_same_session(self._media.remote, self._leg.remote):
            # Early media were another fork's, and aiortc takes one answer to an offer.
            before, self._media = self._media, self._line.media(self._track, self._press, self._media_failed)
            await before.leave()
            self._leg.local = await self._media.offer()
            answer = await self._leg.offer()
            if answer.status >= 300:
                raise ValueError("no new media")
            await self._media.accept(answer.body)
        self._mute()
        await self._until_it_flows()

    def _sign(self, sign: Message) -> None:
        """A provisional response, of one of the forks."""
        if sign.status == 100 or self._state not in (CallState.CALLING, CallState.RINGING):
            return
        self._state = CallState.RINGING
        self._rings.set()
        if sdp.has_audio(sign.body) and self._media and not self._accepting_early:
            self._leg.remote = sign.body
            self._accepting_early = self._line.tasks.spawn(self._accept_early(sign.body))

    async def _accept_early(self, body: str) -> None:
        assert self._media
        try:
            await self._media.accept(body)
        except ValueError:
            self._accepting_early = None

    def _take_more(self, message: Message, client: Client, acks: dict[str, str]) -> None:
        """A 2xx once more, or another fork's, which gets an ACK and a BYE (RFC 3261, 13.2.2.4)."""
        tag = tag_of(message.first("to"))
        if tag in acks:
            self._line.agent.connection.send(acks[tag])
        elif len(acks) < MAX_FORKS:
            other = self._first_dialog.confirmed(message)
            acks[tag] = self._line.agent.acknowledge(other, client)
            _ = self._line.tasks.spawn(self._line.agent.request("BYE", other))
