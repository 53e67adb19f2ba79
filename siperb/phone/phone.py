"""A phone: registers the credentials of a device, and calls and is called."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from siperb.errors import ConfigurationError, PhoneError
from siperb.models import Provisioning, Session
from siperb.phone import sdp
from siperb.phone.agent import UserAgent
from siperb.phone.binding import Binding
from siperb.phone.call import Call
from siperb.phone.incoming import IncomingCall
from siperb.phone.line import Line
from siperb.phone.messages import ALLOW, SDP, Headers, tag_of
from siperb.phone.outgoing import OutgoingCall
from siperb.phone.targets import address_of
from siperb.phone.tasks import LOG, Tasks
from siperb.phone.within import refusal_of
from siperb.sip.message import Message

if TYPE_CHECKING:
    from aiortc import MediaStreamTrack

MAX_WAITING = 64  # calls that nobody has taken yet
LEAVE_TIMEOUT = 3.0  # seconds, for the other sides and the registrar to hear that we leave


class Phone:
    """A phone with the credentials of a device. It is registered within ``async with``.

    It stays registered, and comes back by itself after a lost connection. Calls that stand go on then.

    Args:
        provisioning: From `get_provisioning`.
        session: The login of the device's own user, which Siperb's own proxy wants.
        insecure: Use ``ws`` instead of ``wss``. The registrar must be on this machine.
        ice_servers: STUN and TURN servers, in the form of browsers:
            ``{"urls": "turn:…", "username": "…", "credential": "…"}``. None uses no server.

    Raises:
        IncompleteProvisioningError: Fields are missing or unusable, or Siperb's proxy wants a session.
        ConfigurationError: Another argument cannot be used.

    Example:
        ```python
        async with Phone(provisioning, insecure=True) as phone:
            async for call in phone:
                await call.answer()
                print(await call.ended())
                break
        ```
    """

    def __init__(
        self,
        provisioning: Provisioning,
        session: Session | None = None,
        *,
        insecure: bool = False,
        ice_servers: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        self._agent = UserAgent(provisioning, session, insecure=insecure, on_request=self._take, on_change=self._change)
        self._binding = Binding(self._agent, provisioning, self._move_calls)
        self._tasks = Tasks()
        self._line = Line(self._agent, self._tasks, ice_servers or [])
        self._waiting: list[IncomingCall] = []
        self._has_news = asyncio.Event()
        self._keeping: asyncio.Task[Any] | None = None
        self._is_open = self._was_opened = False

    def __repr__(self) -> str:
        return f"<Phone {self._agent.account.address}, {'' if self.is_registered else 'not '}registered>"

    @property
    def is_registered(self) -> bool:
        """Whether the registrar knows the phone now."""
        return self._binding.is_registered

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that are not over."""
        return tuple(self._line.calls.values())

    async def __aenter__(self) -> Phone:
        """Register.

        Raises:
            RegistrationError: The registrar refuses, for example a wrong password (status 401).
            RegistrarError: The registrar cannot be reached, or understood.
            ConfigurationError: The environment's CA bundle or proxy cannot be used.
        """
        if self._was_opened:
            raise PhoneError("The phone was opened before: make another one.")
        self._is_open = self._was_opened = True
        try:
            await self._agent.connection.open()
            await self._binding.register()
        except BaseException:
            await self._close()
            raise
        self._keeping = self._tasks.spawn(self._binding.keep())
        LOG.info("%r", self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Hang up all calls, and unregister."""
        self._is_open = False
        try:
            if self._keeping:
                _ = self._keeping.cancel()
            leaving = [call.hang_up() for call in self.calls]
            if leaving:
                await _within(LEAVE_TIMEOUT, asyncio.gather(*leaving, return_exceptions=True))
            if self._agent.connection.is_up.is_set():
                await _within(LEAVE_TIMEOUT, self._binding.remove())
        finally:
            await self._close()

    async def __aiter__(self) -> AsyncIterator[IncomingCall]:
        """Yield the calls that come, until the phone is closed."""
        while self._is_open:
            self._has_news.clear()
            while self._waiting:
                if (call := self._waiting.pop(0)).end is None:
                    yield call
            _ = await self._has_news.wait()

    async def call(
        self,
        target: str,
        track: MediaStreamTrack | None = None,
        *,
        offer: str | None = None,
        timeout: float = 60.0,
    ) -> OutgoingCall:
        """Call somebody, and return when the call is answered.

        Args:
            target: A number or user of the own domain, or a whole address, ``sip:user@domain``.
            track: An aiortc track to send. None sends silence. The track is stopped when the call is over.
            offer: The SDP of media of your own. Their answer is `remote_sdp` of the call.
            timeout: Seconds after which the call is cancelled.

        Raises:
            CallFailedError: The call was refused (486 is busy, 480 is "nobody there"), or not answered (408).
            PhoneError: The phone is closed, or no audio can be exchanged.
            ConfigurationError: An argument cannot be used.

        Example:
            ```python
            async with Phone(provisioning, insecure=True) as phone:
                call = await phone.call("echo")
                await call.hang_up()
            ```
        """
        call = await self.dial(target, track, offer=offer)
        await call.answered(timeout)
        return call

    async def dial(
        self, target: str, track: MediaStreamTrack | None = None, *, offer: str | None = None
    ) -> OutgoingCall:
        """Call somebody, and return at once: `OutgoingCall.answered` waits for the answer.

        Args:
            target: See `call`.
            track: See `call`.
            offer: See `call`.

        Raises:
            PhoneError: The phone is closed.
            ConfigurationError: An argument cannot be used.
        """
        address = address_of(target, self._agent.domain)
        if not self._is_open:
            raise PhoneError("The phone is closed: use it within `async with`.")
        if offer is not None and not sdp.has_audio(offer):
            raise ConfigurationError("The offer is no SDP with audio: give the whole description, beginning with v=0.")
        return OutgoingCall(self._line, address, track, offer)

    # What comes.

    def _take(self, request: Message) -> None:
        """Answer a request, or hand it to its call."""
        leg = self._line.legs.get((request.first("call-id") or "", tag_of(request.first("to"))))
        if request.method == "CANCEL":
            self._take_cancel(request)
        elif leg:
            leg.take(request)
        elif tag_of(request.first("to")) or request.method in ("BYE", "INFO", "NOTIFY", "UPDATE"):
            self._reply(request, 481)
        elif request.method == "INVITE":
            self._take_invite(request)
        else:
            self._reply(request, 200 if request.method == "OPTIONS" else 405, [("Allow", ALLOW), ("Accept", SDP)])

    def _reply(self, request: Message, status: int, headers: Headers = ()) -> None:
        if request.method != "ACK":
            _ = self._agent.transactions.reply(request, status, headers)

    def _take_cancel(self, cancel: Message) -> None:
        invite = self._agent.transactions.pending_invite(cancel)
        self._reply(cancel, 200 if invite else 481)
        for leg in list(self._line.legs.values()):
            if invite and leg.invite is invite and leg.on_cancel:
                leg.on_cancel(cancel)

    def _take_invite(self, invite: Message) -> None:
        self._waiting = [call for call in self._waiting if call.end is None]
        if refusal := refusal_of(invite):
            self._reply(invite, *refusal)
        elif any(leg.is_begun_by(invite) for leg in self._line.legs.values()):
            self._reply(invite, 482)
        elif not self._is_open or len(self._waiting) >= MAX_WAITING:
            self._reply(invite, 486)
        else:
            self._waiting.append(IncomingCall(self._line, invite))
            self._has_news.set()
            LOG.info("%r", self._waiting[-1])

    def _change(self, is_up: bool) -> None:
        self._binding.connection_changed(is_up=is_up)

    def _move_calls(self) -> None:
        """Calls that stand go on over a new connection."""
        for leg in self._line.legs.values():
            if leg.is_confirmed:
                _ = self._tasks.spawn(leg.move())

    async def _close(self) -> None:
        self._is_open = False
        self._has_news.set()
        for leg in list(self._line.legs.values()):
            leg.lose()
        await self._tasks.cancel()
        await self._line.closing.join(LEAVE_TIMEOUT)
        self._agent.transactions.close()
        await self._agent.connection.close()


async def _within(seconds: float, work: Any) -> None:
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(work, seconds)
