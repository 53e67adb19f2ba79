"""A call's dialog once it stands: the requests of ours within it (RFC 3261, 12.2, 14)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from siperb.errors import PhoneError
from siperb.phone import sdp
from siperb.phone.agent import Attempt, UserAgent
from siperb.phone.dialog import Dialog
from siperb.phone.failures import failed
from siperb.phone.messages import LOST, OVER, TIMED_OUT, tag_of
from siperb.phone.session_timer import SessionTimer
from siperb.phone.states import CallEnd, EndReason
from siperb.phone.tasks import LOG, Tasks
from siperb.phone.within import take
from siperb.sip.message import Message

GLARES = 6  # tries of an offer that meets the other side's
LOST_TRIES = 4  # of the re-INVITE after a lost connection
FAREWELL = 2.0  # seconds between a BYE and the end of the media, whichever comes first
REFER_TIMEOUT = 120.0  # seconds, for the new call of a transfer to be answered or not


class Leg:
    """Our end of a call.

    on_end: is called once, when the other side or the time ends it.
    on_digit: is called with each key of the other side.
    on_change: is called when a direction of the audio changed.
    """

    def __init__(
        self,
        agent: UserAgent,
        dialog: Dialog,
        tasks: Tasks,
        *,
        is_caller: bool,
        on_end: Callable[[CallEnd], None],
        on_digit: Callable[[str], None],
        on_change: Callable[[], None],
    ) -> None:
        self.agent: UserAgent = agent
        self.dialog: Dialog = dialog
        self.local: str = ""  # SDP
        self.remote: str = ""
        self.role: str = "active"  # in DTLS
        self.holds: bool = False  # we the other side
        self.is_confirmed: bool = False
        self.ended: asyncio.Event = asyncio.Event()
        self.is_offering: bool = False  # an offer of ours is on its way
        self.awaits_answer: bool = False  # to our offer in a 2xx, in its ACK
        self.referred: asyncio.Future[Message] | None = None  # the end of a transfer
        self.farewell: asyncio.Task[None] | None = None  # our BYE
        self.invite: Message | None = None  # that began it, if it was theirs
        self.on_cancel: Callable[[Message], None] | None = None
        self.timer: SessionTimer = SessionTimer(
            lambda: tasks.spawn(self.refresh()),
            lambda: tasks.spawn(self.end(EndReason.TIMEOUT, 408, "The call was not refreshed")),
        )
        self.acknowledged: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._tasks = tasks
        self._is_caller = is_caller
        self.on_end: Callable[[CallEnd], None] = on_end
        self.on_digit: Callable[[str], None] = on_digit
        self.on_change: Callable[[], None] = on_change
        self._alone = asyncio.Lock()  # one offer of ours at a time
        self._knows_update = False

    @property
    def is_over(self) -> bool:
        return self.ended.is_set()

    @property
    def is_held(self) -> bool:
        """Whether the other side holds us."""
        return not sdp.opposite(sdp.direction_of(self.remote), holds=False).startswith("send")

    def learn(self, message: Message) -> None:
        """Take what a message of the other side's says about it."""
        self.dialog.learn(message)
        if allow := message.items("allow"):
            self._knows_update = "UPDATE" in [method.upper() for method in allow]

    def take_answer(self, body: str) -> None:
        if sdp.has_audio(body):
            self.remote = body
            self.on_change()

    def is_begun_by(self, invite: Message) -> bool:
        """Whether this INVITE is the one that began it, by another way (RFC 3261, 8.2.2.2)."""
        names = "call-id", "cseq"
        same = self.invite is not None and all(self.invite.first(name) == invite.first(name) for name in names)
        return same and tag_of(self.dialog.remote) == tag_of(invite.first("from"))

    def take(self, request: Message) -> None:
        take(self, request)

    def lose(self) -> None:
        """The phone is closed."""
        self.over()
        self.on_end(CallEnd(EndReason.CONNECTION_LOST))

    # Ours.

    async def bye(self) -> None:
        """Tell the other side that it is over."""
        self.over()
        _ = await self.agent.request("BYE", self.dialog)

    async def end(self, reason: EndReason, status: int | None = None, text: str = "") -> None:
        """End the call, for a reason that is not the other side's."""
        if not self.is_over:
            self.over()
            self.farewell = self._tasks.spawn(self.bye())
            self.on_end(CallEnd(reason, status, text))
            _ = await asyncio.wait([self.farewell])

    async def lose_media(self, wait: float = FAREWELL) -> None:
        """There is no audio any more. A BYE may be on its way."""
        with suppress(asyncio.TimeoutError):
            _ = await asyncio.wait_for(self.ended.wait(), wait)
        await self.end(EndReason.MEDIA_FAILED, text="No audio can be exchanged")

    async def close(self, media: Callable[[], Awaitable[None]]) -> None:
        """End the media, after our BYE: the other side would take their end for a failure."""
        if self.farewell:
            _ = await asyncio.wait([self.farewell], timeout=FAREWELL)
        await media()

    def over(self) -> None:
        """Forget timers: there is nothing more to do."""
        self.ended.set()
        self.agent.transactions.leave(self.dialog.call_id)
        self.timer.stop()
        if not self.acknowledged.done():
            self.acknowledged.cancel()
        if self.referred and not self.referred.done():
            self.referred.set_result(TIMED_OUT)

    async def hold(self, *, holds: bool) -> None:
        """Hold the other side, or resume. A caller who is cancelled ends no exchange, as its 2xx needs an ACK."""
        holding = self._tasks.spawn(self._hold(holds=holds))
        _ = await asyncio.wait([holding])
        answer = OVER if holding.cancelled() else holding.result()
        if answer.status >= 300:
            raise failed(answer, "The other side refuses to be held" if holds else "The other side refuses to resume")

    async def _hold(self, *, holds: bool) -> Message:
        before, self.holds = self.holds, holds
        self.on_change()
        answer = await self.offer()
        if answer.status >= 300:
            self.holds = before
            self.on_change()
        return answer

    async def offer(self) -> Message:
        """Send a re-INVITE with the session as it is, and return its final answer."""
        async with self._alone:
            self.is_offering = True
            answer = LOST
            try:
                for _ in range(GLARES):
                    self.local = sdp.reoffer(self.local, holds=self.holds)
                    answer = await self._invite(self.local)
                    if answer.status == 422 and self.timer.lengthen(answer):
                        continue
                    if answer.status != 491 or self.is_over:
                        break
                    # RFC 3261, 14.1: whoever called waits for longer. Until then the other side may offer.
                    self.is_offering = False
                    await asyncio.sleep(random.uniform(2.1, 4.0) if self._is_caller else random.uniform(0.0, 2.0))  # noqa: S311
                    self.is_offering = True
            finally:
                self.is_offering = False
        return answer

    async def _invite(self, body: str) -> Message:
        attempt = Attempt()
        answer = await self.agent.request("INVITE", self.dialog, self.timer.headers(), body, attempt=attempt)
        if 200 <= answer.status < 300 and attempt.client:
            self.learn(answer)
            ack = self.agent.acknowledge(self.dialog, attempt.client)
            attempt.client.on_more = lambda _: self.agent.connection.send(ack)
            self.timer.learn(answer)
            self.take_answer(answer.body)
        await self._check(answer)
        return answer

    async def refresh(self) -> None:
        """Refresh the session, by an UPDATE if the other side knows it (RFC 4028, 7.4)."""
        if self._knows_update:
            answer = await self.agent.request("UPDATE", self.dialog, self.timer.headers())
            if answer.status == 422 and self.timer.lengthen(answer):
                answer = await self.agent.request("UPDATE", self.dialog, self.timer.headers())
            if 200 <= answer.status < 300:
                self.learn(answer)
                self.timer.learn(answer)
            self._knows_update = self._knows_update and answer.status not in (405, 501)
            await self._check(answer)
        else:
            answer = await self.offer()
        if answer.status >= 300 and not self.is_over:
            self.timer.again()

    async def move(self) -> None:
        """Tell the other side our address on a new connection. It may have to find a new one itself."""
        for attempt in range(LOST_TRIES):
            if self.is_over:
                return
            answer = await self.offer()
            if answer.status < 300 or answer is LOST:
                return
            LOG.info("The other side does not hear of the new connection: %d %s", answer.status, answer.reason)
            await asyncio.sleep(2.0**attempt)

    async def _check(self, answer: Message) -> None:
        """RFC 3261, 12.2.1.2: these answers mean that there is no call any more."""
        if answer.status in (408, 481) and answer is not LOST:
            await self.end(EndReason.PEER_HUNG_UP if answer.status == 481 else EndReason.TIMEOUT, answer.status)

    async def info(self, digit: str) -> None:
        """Send one key in an INFO."""
        body = f"Signal={digit}\r\nDuration=160\r\n"
        answer = await self.agent.request("INFO", self.dialog, body=body, kind="application/dtmf-relay")
        await self._check(answer)
        if answer.status >= 300:
            raise failed(answer, "The other side does not take the digit")

    async def refer(self, target: str) -> None:
        """Have the other side call somebody else, and wait until that call stands (RFC 3515)."""
        if self.referred and not self.referred.done():
            raise PhoneError("A transfer is under way: wait for its end.")
        self.referred = asyncio.get_running_loop().create_future()
        headers = [("Refer-To", f"<{target}>"), ("Referred-By", f"<{self.agent.account.address}>")]
        try:
            answer = await self.agent.request("REFER", self.dialog, headers)
            await self._check(answer)
            if answer.status < 300:
                done, _ = await asyncio.wait([self.referred], timeout=REFER_TIMEOUT)
                answer = self.referred.result() if done else TIMED_OUT
        finally:
            self.referred = None
        if answer.status >= 300 and not self.is_over:
            raise failed(answer, "The transfer failed, and the call goes on")
