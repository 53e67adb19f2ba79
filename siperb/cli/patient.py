"""What ``siperb doctor`` knows while it checks, how a check is run within its time, and how it says what is wrong."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from siperb.cache import KeyringCache
from siperb.cache.workers import in_a_thread
from siperb.cli.credentials import client
from siperb.cli.failures import CREDENTIALS, ERROR, exit_code_of, sentence
from siperb.errors import AuthenticationError, CacheError, SiperbError
from siperb.models import Device, Provisioning
from siperb.sync.client import Siperb

if TYPE_CHECKING:
    from typing_extensions import Never

LIMIT = 15.0  # seconds for one check, whatever happens
TIMEOUT = 10.0  # seconds for one call


class Problem(Exception):
    """What is wrong, and what to do about it. harmless: commands can do without."""

    def __init__(
        self, detail: str, advice: str | None = None, *, harmless: bool = False, exit_code: int = ERROR
    ) -> None:
        super().__init__(detail)
        self.advice = advice
        self.harmless = harmless
        self.exit_code = exit_code


class Unneeded(Exception):
    """Why there is nothing to check; what comes after goes on."""


class Patient:
    """What the checks have found out so far, for those that follow."""

    base_url: str
    proxy: str | None
    addresses: list[str]
    connection: socket.socket
    siperb: Siperb[Never]
    devices: list[Device]
    device: Device
    provisioning: Provisioning

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.cache: KeyringCache = KeyringCache()
        self.siperb = client(arguments, self.cache, timeout=TIMEOUT, max_retries=0)

    def examine(self, check: Check) -> str:
        """What the check found, within `LIMIT`; `Problem` and `Unneeded` as the check, or for what it raised."""
        try:
            return in_a_thread("siperb-doctor", partial(check, self), LIMIT)
        except (Problem, Unneeded):
            raise
        except TimeoutError:
            problem = Problem(f"no end within {LIMIT:.0f} s", "check the network; a firewall may drop what is sent")
        except SiperbError as error:
            problem = Problem(sentence(error), _NEW_TOKEN if isinstance(error, AuthenticationError) else None)
            problem.harmless = isinstance(error, CacheError)
            problem.exit_code = exit_code_of(error) if exit_code_of(error) == CREDENTIALS else ERROR
        except Exception as error:  # the text of others may hold a secret
            problem = Problem(f"failed with {type(error).__name__}", "please report it")
        raise problem

    def close(self) -> None:
        self.siperb.close()
        if hasattr(self, "connection"):
            self.connection.close()


Check = Callable[[Patient], str]
_NEW_TOKEN = "run `siperb login` with a new token, or correct SIPERB_PAT"  # noqa: S105
