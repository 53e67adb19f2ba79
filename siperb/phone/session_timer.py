"""Session timers (RFC 4028): a call that nobody refreshes is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from siperb.sip.message import Message, parameters, seconds, split

SHORTEST = 90  # seconds (RFC 4028, 5)
LONGEST = 86400
SHORTEST_PAUSE = 5.0  # seconds between two refreshes


class SessionTimer:
    """Runs where the other side, or a proxy, asked for it.

    refresh: is called when it is our turn to refresh the call.
    expire: is called when the other side did not.
    """

    def __init__(self, refresh: Callable[[], object], expire: Callable[[], object]) -> None:
        self._refresh = refresh
        self._expire = expire
        self._timer: asyncio.TimerHandle | None = None
        self._shortest = SHORTEST
        self.interval: int = 0  # seconds; 0 where there is none
        self.is_ours: bool = False  # to refresh

    @staticmethod
    def refusal_of(request: Message) -> tuple[int, list[tuple[str, str]]] | None:
        """A 422, if the interval is too short."""
        interval, _ = _read(request)
        return (422, [("Min-SE", str(SHORTEST))]) if 0 < interval < SHORTEST else None

    def answer(self, request: Message) -> list[tuple[str, str]]:
        """Start as the request asks, and return the headers of its 2xx (RFC 4028, 9)."""
        interval, refresher = _read(request)
        knows = "timer" in request.items("supported")
        refresher = refresher or ("uac" if knows else "uas")
        self.start(interval, is_ours=refresher == "uas")
        if not interval:
            return []
        require = [("Require", "timer")] if refresher == "uac" else []
        return [("Session-Expires", f"{interval};refresher={refresher}"), *require]

    def learn(self, answer: Message) -> None:
        """Start as the 2xx to our request says (RFC 4028, 7.2)."""
        interval, refresher = _read(answer)
        self.start(interval, is_ours=refresher != "uas")

    def headers(self) -> list[tuple[str, str]]:
        """The headers of our own requests that refresh (RFC 4028, 7.4)."""
        if not self.interval:
            return []
        expires = f"{self.interval};refresher={'uac' if self.is_ours else 'uas'}"
        return [("Session-Expires", expires), *([("Min-SE", str(self._shortest))] if self._shortest > SHORTEST else [])]

    def lengthen(self, answer: Message) -> bool:
        """Take the interval of a 422. False if it is no longer one."""
        wanted = seconds(answer.first("min-se")) or 0
        is_longer = max(self.interval, SHORTEST) < wanted <= LONGEST
        if is_longer:
            self.interval = self._shortest = wanted
        return is_longer

    def start(self, interval: int, *, is_ours: bool) -> None:
        """Start anew, as each refresh does."""
        self.stop()
        self.interval, self.is_ours = interval, is_ours
        if interval:
            loop = asyncio.get_running_loop()
            left = interval / 2 if is_ours else interval - min(32, interval / 3)
            self._timer = loop.call_later(left, self._refresh if is_ours else self._expire)

    def again(self) -> None:
        """Refresh once more after a while: the last time failed, and half of the interval is left."""
        self.stop()
        if self.interval:
            left = max(self.interval / 6, SHORTEST_PAUSE)
            self._timer = asyncio.get_running_loop().call_later(left, self._refresh)

    def stop(self) -> None:
        """Stop until the next start."""
        if self._timer:
            self._timer.cancel()


def _read(message: Message) -> tuple[int, str]:
    interval, *rest = [*split(message.first("session-expires") or "", ";"), ""]
    return min(seconds(interval) or 0, LONGEST), parameters(rest).get("refresher", "").lower()
