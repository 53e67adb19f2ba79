"""A call, whoever began it: its state, its end, its audio and digits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from siperb.errors import ConfigurationError, PhoneError
from siperb.phone.dialog import Dialog
from siperb.phone.leg import Leg
from siperb.phone.line import Line
from siperb.phone.messages import name_of, uri_of
from siperb.phone.states import CallEnd, CallState, EndReason
from siperb.phone.targets import address_of
from siperb.phone.tasks import LOG
from siperb.phone.within import KEYS
from siperb.sip.fields import printable

if TYPE_CHECKING:
    from aiortc import MediaStreamTrack

    from siperb.phone.media import Media

MAX_DIGITS = 1000  # that nobody reads
MEDIA_TIMEOUT = 15.0  # seconds, for ICE and DTLS


class Call:
    """A call of a phone, whoever began it. See `Phone.call`, and ``async for call in phone``.

    Example:
        ```python
        async with Phone(provisioning, insecure=True) as phone:
            call = await phone.call("echo")
            await call.send_digits("12#")
            await call.hang_up()
        ```
    """

    def __init__(self, line: Line, dialog: Dialog, *, is_incoming: bool) -> None:
        self._line = line
        self._is_incoming = is_incoming
        self._state = CallState.RINGING if is_incoming else CallState.CALLING
        self._end: CallEnd | None = None
        self._media: Media | None = None
        self._digits: asyncio.Queue[str | None] = asyncio.Queue()
        self._key = dialog.call_id, dialog.local_tag
        self._leg = Leg(
            line.agent,
            dialog,
            line.tasks,
            is_caller=not is_incoming,
            on_end=self._finish,
            on_digit=self._press,
            on_change=self._mute,
        )
        line.calls[self._key], line.legs[self._key] = self, self._leg

    def __repr__(self) -> str:
        way = "from" if self._is_incoming else "to"
        return f"<{type(self).__name__} {way} {self.peer}, {self.state.value}>"

    @property
    def id(self) -> str:
        """The ``Call-ID``, for logs of other servers."""
        return self._key[0]

    @property
    def is_incoming(self) -> bool:
        """Whether the other side began the call."""
        return self._is_incoming

    @property
    def peer(self) -> str:
        """The address of the other side, e.g. ``sip:u701@sip.example.test``."""
        return printable(uri_of(self._leg.dialog.remote))

    @property
    def peer_name(self) -> str | None:
        """The name that the other side gives itself. None if it gives none."""
        return name_of(self._leg.dialog.remote)

    @property
    def state(self) -> CallState:
        """The state of the call."""
        return CallState.HELD if self._state is CallState.ACTIVE and self._leg.holds else self._state

    @property
    def is_held_by_peer(self) -> bool:
        """Whether the other side holds the call: it wants no audio now."""
        return self._leg.is_held

    @property
    def remote_sdp(self) -> str | None:
        """The latest SDP of the other side. None before it sent one."""
        return self._leg.remote or None

    @property
    def end(self) -> CallEnd | None:
        """The end of the call. None before it."""
        return self._end

    async def ended(self) -> CallEnd:
        """Wait until the call is over, and return how it ended."""
        _ = await self._leg.ended.wait()
        assert self._end
        return self._end

    async def hang_up(self) -> None:
        """End the call, in any state. It does nothing if the call is over."""
        await self._leg.end(EndReason.HUNG_UP)

    async def hold(self) -> None:
        """Hold the call: neither side hears the other.

        Raises:
            CallFailedError: The other side refuses.
            PhoneError: The call is not answered, or over.
        """
        self._must_be_active()
        await self._leg.hold(holds=True)

    async def resume(self) -> None:
        """End the hold.

        Raises:
            CallFailedError: The other side refuses.
            PhoneError: The call is not answered, or over.
        """
        self._must_be_active()
        await self._leg.hold(holds=False)

    async def transfer(self, target: str) -> None:
        """Have the other side call somebody else, and leave the call when they talk.

        If it fails, the call goes on.

        Args:
            target: See `Phone.call`.

        Raises:
            CallFailedError: The other side refuses, or the new call was not answered.
            ConfigurationError: The target is no address.
            PhoneError: The call is not answered, or over.
        """
        address = address_of(target, self._line.agent.domain)
        self._must_be_active()
        await self._leg.refer(address)
        await self._leg.end(EndReason.TRANSFERRED)
        if self._end and self._end.reason is not EndReason.TRANSFERRED:
            raise PhoneError(f"The transfer failed, as the call is over: {self._end.reason.value}.")

    async def audio(self) -> MediaStreamTrack:
        """Return the audio of the other side, as an aiortc track. Early media come in it too.

        Frames that nobody reads are dropped after five seconds.

        Raises:
            PhoneError: The call has no media of its own (`answer_with`), or is over.
        """
        track = await self._media.audio() if self._media and not self._end else None
        if track is None:
            raise PhoneError("The call has no audio: it is not answered, is over, or its media are somebody else's.")
        return track

    async def send_digits(self, digits: str, *, info: bool = False) -> None:
        """Send digits, and wait until they are sent.

        They go with the audio (RFC 4733) if the other side takes them there, else as INFO requests.

        Args:
            digits: From 0 to 9, ``*``, ``#`` and A to D.
            info: Send INFO requests in any case.

        Raises:
            CallFailedError: The other side refuses them.
            ConfigurationError: Other characters are among them.
            PhoneError: The call is not answered, or over.
        """
        keys = digits.upper()
        if not keys or set(keys) - set(KEYS):
            raise ConfigurationError("Digits are 0 to 9, *, #, and A to D: leave out the others.")
        self._must_be_active()
        if self._media and self._media.sends_digits and not info:
            try:
                if await self._media.send_digits(keys):
                    return
            except asyncio.TimeoutError:
                raise PhoneError("The digits were not sent: the track that you send gives no frames.") from None
            raise PhoneError("The call ended before all digits were sent.")
        for key in keys:
            await self._leg.info(key)

    async def digit(self) -> str:
        """Wait for the next digit of the other side, and return it.

        Raises:
            PhoneError: The call is over.
        """
        key = await self._digits.get()
        if key is None:
            self._digits.put_nowait(None)
            raise PhoneError("The call is over, and no digit is left.")
        return key

    async def digits(self) -> AsyncIterator[str]:
        """Yield the digits of the other side, until the call is over."""
        while (key := await self._digits.get()) is not None:
            yield key
        self._digits.put_nowait(None)

    def _finish(self, end: CallEnd) -> None:
        if self._end:
            return
        self._end, self._state = end, CallState.ENDED
        self._leg.over()
        del self._line.calls[self._key], self._line.legs[self._key]
        self._digits.put_nowait(None)
        LOG.info("%r: %s", self, end.reason.value)
        if self._media:
            self._media.mute(True)
            _ = self._line.closing.spawn(self._leg.close(self._media.close))

    def _press(self, key: str) -> None:
        if self._digits.qsize() < MAX_DIGITS:
            self._digits.put_nowait(key)

    def _mute(self) -> None:
        if self._media:
            self._media.mute(self._leg.holds or self._leg.is_held)

    def _must_be_active(self) -> None:
        if self._state is not CallState.ACTIVE:
            raise PhoneError(f"The call is {self._state.value}: this needs one that is answered and not over.")

    def _media_failed(self) -> None:
        if self._state is CallState.ACTIVE:
            _ = self._line.tasks.spawn(self._leg.lose_media())

    async def _until_it_flows(self) -> None:
        """Wait until audio can be exchanged, or end the call."""
        assert self._media
        if await self._media.flows(MEDIA_TIMEOUT) and not self._end:
            return
        await self._leg.lose_media(wait=0.0)
        assert self._end
        if self._end.reason is EndReason.MEDIA_FAILED:
            raise PhoneError("No audio can be exchanged: give ice_servers a TURN server, or check the firewall.")
        raise PhoneError(f"The call is over: {self._end.reason.value}.")
