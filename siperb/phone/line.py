"""What the calls of a phone share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import define, field

from siperb.errors import ConfigurationError
from siperb.phone.agent import UserAgent
from siperb.phone.leg import Leg
from siperb.phone.tasks import Tasks

if TYPE_CHECKING:
    from aiortc import MediaStreamTrack

    from siperb.phone.call import Call
    from siperb.phone.media import Media


@define(eq=False)
class Line:
    """One account, and its calls.

    calls, legs: of those that are not over, by Call-ID and our tag: a phone may call itself.
    closing: media that end.
    """

    agent: UserAgent
    tasks: Tasks
    ice_servers: Sequence[Mapping[str, Any]]
    calls: dict[tuple[str, str], Call] = field(factory=dict[tuple[str, str], "Call"])
    legs: dict[tuple[str, str], Leg] = field(factory=dict[tuple[str, str], Leg])
    closing: Tasks = field(factory=Tasks)

    def media(
        self, track: MediaStreamTrack | None, on_digit: Callable[[str], None], on_failure: Callable[[], None]
    ) -> Media:
        """The audio of a call.

        Raises:
            ConfigurationError: aiortc is missing, or the servers are none.
        """
        try:
            from siperb.phone.media import Media
        except ImportError:
            raise ConfigurationError(
                "A call's audio needs aiortc, which is not installed: pip install 'siperb[phone]' (Python 3.11 or "
                "later). Without it, use answer_with() or offer= with media of your own."
            ) from None
        return Media(self.ice_servers, track, on_digit, on_failure)
