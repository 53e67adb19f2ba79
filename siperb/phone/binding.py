"""The phone's binding at its registrar (RFC 3261, 10): made, kept, and removed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from uuid import NAMESPACE_URL, uuid5

from siperb.errors import RegistrarConnectionError, RegistrarTimeoutError, RegistrationError
from siperb.models import Provisioning
from siperb.phone.agent import UserAgent
from siperb.phone.dialog import Dialog
from siperb.phone.messages import ALLOW, LOST, TIMED_OUT
from siperb.phone.tasks import LOG
from siperb.sip.message import ADVICE, Message, read_address, seconds
from siperb.sip.registration import Registration

EXPIRES = 300  # seconds, where the provisioning says nothing
LONGEST = 86400
PAUSES = (5.0, 15.0, 60.0, 300.0)  # seconds after a refusal


class Binding:
    """One contact of the account.

    on_registered: is called after each registration over a new connection.
    """

    def __init__(self, agent: UserAgent, provisioning: Provisioning, on_registered: Callable[[], None]) -> None:
        self._agent = agent
        address = agent.account.address
        self._dialog = Dialog.to(address, address, agent.account.target)
        # As JsSIP has it from `siperb.sip.jssip`: the same device is the same instance (RFC 5626, 4.1).
        self._contact = f'{agent.contact};+sip.instance="<urn:uuid:{uuid5(NAMESPACE_URL, agent.contact_uri)}>";reg-id=1'
        wish = seconds(str(provisioning.raw.get("RegisterExpires", "")))
        self._expires = wish if wish and wish <= LONGEST else EXPIRES
        self._granted = self._expires
        self._is_new = asyncio.Event()  # the connection
        self._on_registered = on_registered
        self.is_registered: bool = False

    async def register(self) -> None:
        """Make the binding, or make it last.

        Raises:
            RegistrationError: The registrar refuses.
            RegistrarError: There is no answer.
        """
        answer = await self._ask(self._expires)
        shortest = seconds(answer.first("min-expires"))
        if answer.status == 423 and shortest and self._expires < shortest <= LONGEST:
            self._expires = shortest
            answer = await self._ask(shortest)
        self.is_registered = 200 <= answer.status < 300
        if answer is TIMED_OUT:
            raise RegistrarTimeoutError(f"The registrar did not answer the phone in time: {ADVICE}.")
        if answer is LOST:
            raise RegistrarConnectionError(f"The registrar closed the connection before it answered: {ADVICE}.")
        if not self.is_registered:
            said = Registration(False, answer.status, answer.reason, answered_challenge=True)
            raise RegistrationError(
                f"The phone is not registered, as {said.meaning}: {said.advice}.", answer.status, answer.reason
            )
        self._read(answer)

    async def remove(self) -> None:
        """Remove the binding."""
        self.is_registered = False
        _ = await self._ask(0)

    def connection_changed(self, *, is_up: bool) -> None:
        """Register anew, if the connection is a new one."""
        self.is_registered = False
        if is_up:
            self._is_new.set()

    async def keep(self) -> None:
        """Register before the binding ends, and after each loss of the connection."""
        pause, refusals = self._granted * 0.8, 0
        self._is_new.clear()
        while True:
            try:
                await asyncio.wait_for(self._is_new.wait(), max(pause, 1.0))
                is_new = True
            except asyncio.TimeoutError:
                is_new = False
            self._is_new.clear()
            try:
                await self.register()
            except RegistrarConnectionError as error:  # which comes back by itself
                LOG.warning("%s", error)
                pause = PAUSES[0]
            except RegistrationError as error:
                pause = PAUSES[min(refusals, len(PAUSES) - 1)] * random.uniform(1.0, 1.25)  # noqa: S311
                refusals += 1
                LOG.warning("%s It tries again in %d s.", error, pause)
            else:
                pause, refusals = self._granted * 0.8, 0
                LOG.info("The phone is registered for %d s", self._granted)
                if is_new:
                    self._on_registered()

    async def _ask(self, expires: int) -> Message:
        headers = [
            ("Contact", f"{self._contact};expires={expires}"),
            ("Expires", str(expires)),
            ("Allow", ALLOW),
            ("Supported", "path, outbound, gruu"),
        ]
        return await self._agent.request("REGISTER", self._dialog, headers)

    def _read(self, answer: Message) -> None:
        """Read for how long it lasts, and the address that names this phone wherever it is connected."""
        at_large = seconds(answer.first("expires"))
        self._granted = at_large or self._expires
        for uri, given in map(read_address, answer.items("contact")):
            if uri == self._agent.contact_uri:
                self._granted = seconds(given.get("expires")) or self._granted
                if gruu := given.get("pub-gruu"):
                    self._agent.contact = f"<{gruu}>"
