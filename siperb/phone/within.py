"""The requests of the other side within a call, and their answers. None of them waits for anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from siperb.phone import sdp
from siperb.phone.messages import ALLOW, EXTENSIONS, SDP, TIMED_OUT
from siperb.phone.session_timer import SessionTimer
from siperb.phone.states import CallEnd, EndReason
from siperb.sip.fields import printable
from siperb.sip.message import Message

if TYPE_CHECKING:
    from siperb.phone.leg import Leg

KEYS = "0123456789*#ABCD"
Answer = tuple[int, list[tuple[str, str]], str]


def refusal_of(request: Message) -> tuple[int, list[tuple[str, str]]] | None:
    """The status, with its headers, for an INVITE or UPDATE that makes no sense, or wants more than is known here."""
    required = [option for option in request.items("require") if option.lower() not in EXTENSIONS]
    if required:
        return 420, [("Unsupported", ", ".join(required))]
    if request.body and (request.first("content-type") or "").partition(";")[0].strip().lower() != SDP:
        return 415, [("Accept", SDP)]
    if request.body and not sdp.has_audio(request.body):
        return 488, []
    return SessionTimer.refusal_of(request)


def take(leg: Leg, request: Message) -> None:
    """Answer a request within the call."""
    refusal = leg.dialog.refusal_of(request)
    if request.method == "ACK":
        if not refusal and not leg.acknowledged.done():
            leg.acknowledged.set_result(request)
        elif not refusal and leg.awaits_answer and request.body:
            leg.awaits_answer = False
            leg.take_answer(request.body)
        return
    status, headers, body = 405, [("Allow", ALLOW)], ""
    if leg.is_over or refusal:
        status = 481 if leg.is_over else refusal or 481
    elif known := _ANSWERS.get(request.method):
        status, headers, body = known(leg, request)
    _ = leg.agent.transactions.reply(request, status, headers, body)


def _take_bye(leg: Leg, request: Message) -> Answer:
    was_transferred = leg.referred is not None
    leg.over()
    leg.on_end(CallEnd(EndReason.TRANSFERRED if was_transferred else EndReason.PEER_HUNG_UP))
    return 200, [], ""


def _take_info(leg: Leg, request: Message) -> Answer:
    kind = (request.first("content-type") or "").partition(";")[0].strip().lower()
    if kind not in ("application/dtmf-relay", "application/dtmf"):
        return 415, [("Accept", "application/dtmf-relay, application/dtmf")], ""
    found = re.search(r"(?im)^(?:signal *= *)?([0-9A-D*#]{1,2})\s*$", request.body)
    key = {"10": "*", "11": "#"}.get(found[1], found[1].upper()) if found else ""
    if len(key) == 1 and key in KEYS:
        leg.on_digit(key)
    return 200, [], ""


def _take_notify(leg: Leg, request: Message) -> Answer:
    if leg.referred is None:
        return 481, [], ""
    found = re.match(r"SIP/2\.0 ([2-6][0-9]{2}) ?([^\r\n]*)", request.body)
    is_over = (request.first("subscription-state") or "").lower().startswith("terminated")
    if (found or is_over) and not leg.referred.done():
        leg.referred.set_result(Message(int(found[1]), printable(found[2])) if found else TIMED_OUT)
    return 200, [], ""


def _take_offer(leg: Leg, request: Message) -> Answer:
    """An INVITE or UPDATE within the call: to hold it, to refresh it, or from a new address."""
    if refusal := refusal_of(request):
        return *refusal, ""
    is_invite, has_offer = request.method == "INVITE", bool(request.body)
    if (leg.is_offering or not leg.local) and (has_offer or is_invite):
        return 491, [], ""
    body = ""
    if has_offer:
        offered = sdp.direction_of(request.body)
        own = sdp.opposite(offered, holds=leg.holds)
        answer = sdp.reanswer(leg.local, leg.remote, request.body, own, leg.role)
        if answer is None:
            return 488, [], ""
        leg.local, leg.remote, body = answer, request.body, answer
        leg.on_change()
    elif is_invite:
        leg.local = body = sdp.reoffer(leg.local, holds=leg.holds)
    if is_invite:
        leg.awaits_answer = not has_offer
    leg.learn(request)
    headers = [("Contact", leg.agent.contact), ("Allow", ALLOW), ("Supported", "timer, gruu, outbound")]
    return 200, [*headers, *leg.timer.answer(request)], body


def _take_options(leg: Leg, request: Message) -> Answer:
    return 200, [("Allow", ALLOW)], ""


_ANSWERS: dict[str, Callable[[Leg, Message], Answer]] = {
    "BYE": _take_bye,
    "INFO": _take_info,
    "INVITE": _take_offer,
    "NOTIFY": _take_notify,
    "OPTIONS": _take_options,
    "UPDATE": _take_offer,
}
