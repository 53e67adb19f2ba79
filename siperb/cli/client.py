"""The client that a command uses: it raises, publishes nowhere, and says on a terminal what it waits for."""

from __future__ import annotations

import argparse
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn

from siperb.cache import KeyringCache
from siperb.cli.credentials import given
from siperb.cli.wait import Wait
from siperb.core.effects import Effect, Evict, Forget, Load, Result, Save, Send, Sleep
from siperb.core.wire import Request, Response
from siperb.facade.invocation import Invocation
from siperb.state import SiperbState
from siperb.sync.client import Siperb


class CommandClient(Siperb[NoReturn]):
    """held_until: when the last pause between two tries ends, by `time.monotonic`."""

    held_until: float = 0.0
    _answer: Response | None = None

    def _perform(self, effect: Effect, invocation: Invocation[Any]) -> Result:
        if isinstance(effect, Sleep):
            self.held_until = time.monotonic() + effect.seconds
        with self._wait(effect):
            result = super()._perform(effect, invocation)
        if isinstance(effect, Send):
            self._answer = result if isinstance(result, Response) else None
        return result

    def _wait(self, effect: Effect) -> AbstractContextManager[object]:
        if threading.current_thread() is not threading.main_thread():
            return nullcontext()  # one of many: a bar tells of them all
        match effect:
            case Send():
                self._answer = None
                return Wait(f"Waiting for the API: {effect.request.method} {effect.request.path_template}")
            case Load() | Save() | Evict() | Forget():
                return Wait("Waiting for the keyring")
            case Sleep():
                return Wait(self._why_again(), seconds=effect.seconds)
            case _:
                return nullcontext()

    def _why_again(self) -> str:
        answer = self._answer
        if answer is None:
            return "The API did not answer, next try"
        asked = "retry-after" in answer.headers
        return f"The API asked to wait ({answer.status})" if asked else f"The API failed ({answer.status}), next try"


class DryClient(CommandClient):
    """It reads, and raises `NotSent` in place of a write."""

    def _perform(self, effect: Effect, invocation: Invocation[Any]) -> Result:
        if isinstance(effect, Send) and effect.request.method != "GET" and effect.request.path_template != "/Login":
            raise NotSent(effect.request)
        return super()._perform(effect, invocation)


class NotSent(Exception):
    """What would have been sent."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request


def client(arguments: argparse.Namespace, cache: KeyringCache | None = None, **options: Any) -> CommandClient:
    """For the account, the address and the timeout of the command line. options: kind, and those of `Siperb`."""
    cache = cache or KeyringCache()
    kind: type[CommandClient] = options.pop("kind", CommandClient)
    if "pat" not in options:
        options["pat"], _ = given(arguments, cache)
    if arguments.timeout is not None:
        options["timeout"] = arguments.timeout
    options = {"app_info": "cli", "state": SiperbState(), **options}
    return kind(base_url=arguments.base_url, cache=cache, strict=True, **options)
