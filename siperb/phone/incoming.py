"""A call that somebody else began (RFC 3261, 13.3)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from siperb.errors import CallFailedError, ConfigurationError, PhoneError
from siperb.phone import sdp
from siperb.phone.call import Call
from siperb.phone.dialog import Dialog
from siperb.phone.line import Line
from siperb.phone.messages import ALLOW
from siperb.phone.states import CallEnd, CallState, EndReason
from siperb.sip.message import Message

if TYPE_CHECKING:
    from aiortc import MediaStreamTrack

RINGS = 180.0  # seconds: proxies wait no longer either
REPEAT, LONGEST_REPEAT, TIMEOUT = 0.5, 4.0, 32.0  # seconds: T1, T2, 64 times T1


class IncomingCall(Call):
    """A call of somebody else's, to answer or to reject. See `Call`."""

    def __init__(self, line: Line, invite: Message) -> None:
        super().__init__(line, Dialog.of(invite), is_incoming=True)
        self._invite = self._leg.invite = invite
        self._leg.on_cancel = self._cancelled
        self._leg.learn(invite)
        self._leg.remote = invite.body
        self._early = ""  # our SDP, if it was sent while it rang
        self._patience = asyncio.get_running_loop().call_later(RINGS, self._tired)

    @property
    def offer(self) -> str | None:
        """The caller's SDP, for media of your own: see `answer_with`. None if it waits for an offer from you."""
        return self._invite.body or None

    async def ring(self, track: MediaStreamTrack | None = None) -> None:
        """Tell the caller that it rings.

        Args:
            track: Send this audio already now (early media), a ringing tone for example.

        Raises:
            PhoneError: The call does not ring any more.
            ConfigurationError: Audio needs ``siperb[phone]``.
        """
        self._must_ring()
        if track is None or self.offer is None:
            _ = self._reply(180)
            return
        self._early = await self._own_answer(track)
        self._must_ring()
        _ = self._reply(183, self._early)

    async def answer(self, track: MediaStreamTrack | None = None) -> None:
        """Answer the call, and wait until audio can be exchanged.

        Args:
            track: An aiortc track to send, for example ``MediaPlayer("hello.wav").audio``. None sends silence. The
                track is stopped when the call is over.

        Raises:
            PhoneError: The call does not ring any more, or no audio can be exchanged.
            CallFailedError: The caller's offer cannot be used.
            ConfigurationError: Audio needs ``siperb[phone]``.
        """
        self._must_ring()
        if self._early:
            body = self._early
            if track and self._media:
                self._media.play(track)
        else:
            body = await self._own_answer(track)
        self._must_ring()
        self._accept(body)
        if self.offer is None:
            _ = await asyncio.wait([self._leg.acknowledged])
            await self._take_late_answer()
        await self._until_it_flows()

    async def answer_with(self, sdp: str) -> None:
        """Answer the call with media of your own, for example those of Pipecat or LiveKit.

        Args:
            sdp: The answer to `offer`. If `offer` is None: an offer, and the caller's answer is `remote_sdp` later.

        Raises:
            PhoneError: The call does not ring any more.
            ConfigurationError: It is no SDP with audio.
        """
        self._must_ring()
        _check_sdp(sdp)
        self._accept(sdp)

    async def reject(self, status: int = 486) -> None:
        """Refuse the call.

        Args:
            status: The reason: 486 is busy, 603 is "no", 480 is "not here", 404 is "no such number".

        Raises:
            PhoneError: The call does not ring any more.
            ConfigurationError: The status is not from 400 to 699.
        """
        if not 400 <= status <= 699:
            raise ConfigurationError("A call is refused with a status from 400 to 699, for example 486.")
        self._must_ring()
        self._refuse_with(status, EndReason.REJECTED)

    async def hang_up(self) -> None:
        """End the call, in any state. One that rings is refused with 480. It does nothing if the call is over."""
        if self._state is CallState.RINGING:
            self._refuse_with(480, EndReason.REJECTED)
        else:
            await super().hang_up()

    # For the phone.

    def _cancelled(self, cancel: Message) -> None:
        """The caller gave up."""
        if self._state is CallState.RINGING:
            was_answered = "cause=200" in (cancel.first("reason") or "").replace(" ", "")
            self._refuse_with(487, EndReason.ANSWERED_ELSEWHERE if was_answered else EndReason.CANCELLED)

    def _finish(self, end: CallEnd) -> None:
        self._patience.cancel()
        if self._state is CallState.RINGING and end.reason is EndReason.PEER_HUNG_UP:  # RFC 3261, 15.1.2
            _ = self._reply(487)
        super()._finish(end)

    def _tired(self) -> None:
        self._refuse_with(480, EndReason.TIMEOUT)

    def _must_ring(self) -> None:
        if self._state is not CallState.RINGING:
            how = f" ({self._end.reason.value})" if self._end else ""
            raise PhoneError(f"The call is {self._state.value}{how}: only one that rings can be answered or refused.")

    def _refuse_with(self, status: int, reason: EndReason) -> None:
        _ = self._reply(status)
        self._finish(CallEnd(reason, status))

    def _reply(self, status: int, body: str = "", headers: tuple[tuple[str, str], ...] = ()) -> str:
        agent, tag = self._line.agent, self._leg.dialog.local_tag
        own = [("Contact", agent.contact), ("Allow", ALLOW)] if status < 300 else []
        return agent.transactions.reply(self._invite, status, [*own, *headers], body, tag)

    async def _own_answer(self, track: MediaStreamTrack | None) -> str:
        self._media = media = self._media or self._line.media(track, self._press, self._media_failed)
        try:
            return await (media.answer(self.offer) if self.offer else media.offer())
        except ValueError:
            self._must_ring()  # else the caller gave up, which ends the media
            self._refuse_with(488, EndReason.MEDIA_FAILED)
            raise CallFailedError(
                "The caller's offer cannot be used: it has no audio that is known here.", 488, "Not Acceptable Here"
            ) from None

    def _accept(self, body: str) -> None:
        self._patience.cancel()
        self._state, self._leg.is_confirmed = CallState.ACTIVE, True
        self._leg.local = body
        self._leg.role = sdp.role_of(body) if self.offer else "passive"
        self._mute()
        headers = (("Supported", "timer, gruu, outbound"), *self._leg.timer.answer(self._invite))
        _ = self._line.tasks.spawn(self._repeat(self._reply(200, body, headers)))

    async def _repeat(self, sent: str) -> None:
        """Send the 200 until it is acknowledged: a part of the way may lose messages (RFC 3261, 13.3.1.4)."""
        pause, waited = REPEAT, 0.0
        while waited < TIMEOUT:
            done, _ = await asyncio.wait([self._leg.acknowledged], timeout=pause)
            if done:
                if not self._leg.acknowledged.cancelled() and not self.offer:
                    self._leg.remote = self._leg.acknowledged.result().body
                return
            waited += pause
            pause = min(pause * 2, LONGEST_REPEAT)
            self._line.agent.connection.send(sent)
        await self._leg.end(EndReason.TIMEOUT, 408, "The answer was not acknowledged")

    async def _take_late_answer(self) -> None:
        """The caller's answer to the offer in our 200."""
        if self._media and not self._leg.acknowledged.cancelled():
            try:
                await self._media.accept(self._leg.acknowledged.result().body)
            except ValueError:
                await self._leg.end(EndReason.MEDIA_FAILED, 488, "The answer has no audio that is known here")


def _check_sdp(text: str) -> None:
    if not sdp.has_audio(text):
        raise ConfigurationError("This is no SDP with audio: give the whole description, beginning with v=0.")
