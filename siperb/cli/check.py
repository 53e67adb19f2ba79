"""One check of ``siperb doctor``: what those before it found out, how long it may take, how it says what is wrong."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Callable
from functools import partial

from siperb.cache import KeyringCache
from siperb.cli.client import CommandClient
from siperb.cli.failures import CREDENTIALS, ERROR, CommandError, exit_code_of, sentence
from siperb.errors import AuthenticationError, CacheError, SiperbError
from siperb.models import Device, Provisioning
from siperb.threads import in_a_thread

LIMIT = 15.0  # seconds for one check, whatever happens
TIMEOUT = 10.0  # seconds for one call, where --timeout says nothing


class Problem(Exception):
    """What is wrong, and what to do about it. harmless: commands can do without."""

    def __init__(
        self, detail: str, advice: str | None = None, *, harmless: bool = False, exit_code: int = ERROR
    ) -> None:
        super().__init__(detail)
        self.advice = advice
        self.harmless = harmless
        self.exit_code = exit_code


class Skipped(Exception):
    """Why there is nothing to check; what comes after goes on."""


class Context:
    """What the checks have found out so far, for those that follow."""

    base_url: str
    proxy: str | None
    addresses: list[str]
    connection: socket.socket
    siperb: CommandClient
    devices: list[Device]
    device: Device
    provisioning: Provisioning

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.cache: KeyringCache = KeyringCache()

    def close(self) -> None:
        for name in ("siperb", "connection"):
            if hasattr(self, name):
                getattr(self, name).close()


Check = Callable[[Context], str]


def run_check(check: Check, context: Context) -> str:
    """What the check found, within `LIMIT`; `Problem` and `Skipped` as the check, or for what it raised."""
    try:
        return in_a_thread("siperb-doctor", partial(check, context), LIMIT)
    except (Problem, Skipped):
        raise
    except TimeoutError:
        problem = Problem(f"no end within {LIMIT:.0f} s", "check the network; a firewall may drop what is sent")
    except (SiperbError, CommandError) as error:
        problem = Problem(sentence(error), _NEW_TOKEN if isinstance(error, AuthenticationError) else None)
        problem.harmless = isinstance(error, CacheError)
        problem.exit_code = exit_code_of(error) if exit_code_of(error) == CREDENTIALS else ERROR
    except Exception as error:  # the text of others may hold a secret
        problem = Problem(f"failed with {type(error).__name__}", "please report it")
    raise problem


_NEW_TOKEN = "run `siperb login` with a new token, or correct SIPERB_PAT"  # noqa: S105
