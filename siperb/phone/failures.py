"""The words for a call that failed, with what to do."""

from __future__ import annotations

from siperb.errors import CallFailedError
from siperb.phone.messages import LOST, REASONS
from siperb.sip.message import Message

_REFUSED = (
    "the SIP user or password is refused, or a server of another realm asks for one and gets none; check them in the "
    "device's settings at Siperb"
)
_ADVICE = {
    401: _REFUSED,
    403: "the registrar does not allow it; ask who runs it which numbers this account may call",
    404: "there is no such number; check the target",
    407: _REFUSED,
    408: "there was no answer in time; try again later, or with a longer timeout",
    410: "the number is gone; check the target",
    480: "no phone is registered there; try again later",
    481: "there is no such call any more",
    484: "the number is incomplete; check the target",
    486: "the other side is busy; try again later",
    487: "it was cancelled before an answer",
    488: "there is no audio that both sides know; check the codecs of the other side",
    600: "the other side is busy; try again later",
    603: "the other side declines",
}
_KINDS = {
    3: "the call is sent to another address, which is not followed; call that one",
    4: "the other side refuses; check the target",
    5: "the registrar, or a server behind it, is in trouble; try again later",
    6: "the other side refuses; check the target",
}


def failed(answer: Message, what: str = "The call failed") -> CallFailedError:
    """Return the error for a final answer."""
    advice = _ADVICE.get(answer.status) or _KINDS.get(answer.status // 100, "try again later")
    if answer is LOST:
        advice = "the connection to the registrar is lost; the phone connects again by itself"
    reason = answer.reason or REASONS.get(answer.status, "")
    return CallFailedError(f"{what}: {advice} ({answer.status} {reason}).", answer.status, reason)
