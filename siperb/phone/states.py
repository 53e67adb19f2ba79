"""The states of a call, and the reasons of its end."""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class CallState(Enum):
    """The state of a call. See `Call.state`."""

    CALLING = "calling"
    """An outgoing call that does not ring yet."""
    RINGING = "ringing"
    """The called side rings. An incoming call begins here."""
    ACTIVE = "active"
    """The call is answered."""
    HELD = "held"
    """The call is answered, and we hold it."""
    ENDED = "ended"
    """The call is over: see `Call.end`."""


class EndReason(Enum):
    """The reason why a call ended. See `CallEnd`."""

    HUNG_UP = "hung up"
    """We hung up."""
    PEER_HUNG_UP = "peer hung up"
    """The other side hung up."""
    CANCELLED = "cancelled"
    """The caller gave up before an answer."""
    ANSWERED_ELSEWHERE = "answered elsewhere"
    """Another phone of the same account answered."""
    REJECTED = "rejected"
    """The called side refused, or could not be reached: see `CallEnd.status`."""
    TIMEOUT = "timeout"
    """Nobody answered in time, or the other side was silent for too long."""
    TRANSFERRED = "transferred"
    """We transferred the other side to somebody else."""
    MEDIA_FAILED = "media failed"
    """No audio could be exchanged."""
    CONNECTION_LOST = "connection lost"
    """The registrar could not be reached any more."""


@frozen
class CallEnd:
    """The end of a call, as `Call.ended` returns it."""

    reason: EndReason
    """The kind of end."""
    status: int | None = None
    """The SIP status that ended the call, e.g. 486. None where a BYE did."""
    text: str = ""
    """The words that came with it, e.g. "Busy Here"."""
