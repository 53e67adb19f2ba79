# Written by tests/write_sync.py from siperb/aio/devices.py: change that file.
"""The calls about devices that change them or look into them: create, update, delete, logs, registration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import siperb
from siperb.core import admin
from siperb.sync.account import AccountCalls
from siperb.sync.on_class import OnClassToo, client


class DeviceCalls(AccountCalls):
    """A client that blocks, with changes to devices, their logs and their registration."""

    @OnClassToo
    def create_device(
        cls,
        description: str,
        *,
        platform: str = "script",
        exist_ok: bool = False,
        registration: Mapping[str, object] | None = None,
        timeout: float | None = None,
    ) -> siperb.Device:
        """Create a device.

        Args:
            description: The name of the new device.
            platform: "script", "ios", "android", "webpage" or "electron".
            exist_ok: Return the device of this name and platform if there is one. The call is then safe to repeat.
            registration: More fields by the API's names, e.g. ``{"RegistrationMode": "WebSocket"}``.
            timeout: Seconds for this call, instead of the client's.

        Returns:
            The new device, or the one that was there.

        Raises:
            APIError: The API failed or refused. With `exist_ok`, two such devices are a `ConflictError`.
            ConfigurationError: An argument cannot be used.

        Example:
            ```python
            device = client.create_device("Headset", exist_ok=True)
            provisioning = client.get_provisioning(device.device_token)
            ```
        """
        self = client(cls)
        call = self._create_device(description, platform, exist_ok, registration, timeout)
        return self._run(call)

    @OnClassToo
    def update_device(
        cls,
        device_token: str,
        *,
        description: str | None = None,
        settings: Mapping[str, object] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Change a device.

        Args:
            device_token: The token of a `Device`.
            description: The new name. None keeps the old one.
            settings: Those to change, by the API's names. None as a value removes one.
            timeout: Seconds for this call, instead of the client's.

        Raises:
            APIError: The API failed or refused.
            ConfigurationError: An argument cannot be used, or nothing would change.

        Example:
            ```python
            devices = client.get_devices()
            client.update_device(devices[0].device_token, settings={"EnableCallRecording": False})
            ```
        """
        self = client(cls)
        call = self._ask(lambda: admin.update_device(device_token, description, settings), timeout=timeout)
        return self._run(call)

    @OnClassToo
    def delete_device(cls, device_token: str, *, timeout: float | None = None) -> None:
        """Delete a device and its credentials.

        Args:
            device_token: The token of a `Device`.
            timeout: Seconds for this call, instead of the client's.

        Raises:
            APIError: The API failed or refused.
            ConfigurationError: An argument cannot be used.

        Example:
            ```python
            for device in client.get_devices():
                if device.description == "Old headset":
                    client.delete_device(device.device_token)
            ```
        """
        self = client(cls)
        call = self._ask(lambda: admin.delete_device(device_token), timeout=timeout)
        return self._run(call)

    @OnClassToo
    def get_log(
        cls,
        kind: Literal["register", "latency", "trace", "console"],
        device_token: str,
        *,
        date: date | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> list[dict[str, Any]]:
        """Read a log of a device.

        Args:
            kind: "register" (registrations, without refused ones), "latency" (milliseconds), "trace" (calls) or
                "console" (the output of the phone).
            device_token: The token of a `Device`.
            date: The day. None reads the last 24 hours. Not for "console".
            limit: The most entries to read. None reads up to 9999. Not for "console".
            timeout: Seconds for this call, instead of the client's.

        Returns:
            The entries, each as the API has it.

        Raises:
            APIError: The API failed or refused.
            ConfigurationError: An argument cannot be used.

        Example:
            ```python
            devices = client.get_devices()
            for entry in client.get_log("register", devices[0].device_token, limit=10):
                print(entry)
            ```
        """
        self = client(cls)
        call = self._ask(lambda: admin.get_log(kind, device_token, date, limit), timeout=timeout)
        return self._run(call)

    @OnClassToo
    def check_registration(
        cls,
        provisioning: siperb.Provisioning,
        *,
        insecure: bool = False,
        origin: str | None = "https://www.siperb.com",
        timeout: float | None = None,
    ) -> siperb.Registration:
        """Ask the SIP registrar whether a phone with these credentials registers, and which phones are registered now.

        A REGISTER without a ``Contact`` asks (RFC 3261, 10.2.3): nothing changes. A refusal is an answer, and no error.
        Proxies and certificates are the environment's, not an `http_session`'s.

        Args:
            provisioning: From `get_provisioning`.
            insecure: Use ``ws`` instead of ``wss``. The registrar must be on loopback.
            origin: The ``Origin`` to send. Browsers send one, and some registrars want it. The default is a page of
                Siperb's; name your own page if the registrar knows only that. None sends none.
            timeout: Seconds for this call, instead of the client's.

        Returns:
            The registrar's answer. Its ``meaning`` and ``advice`` are for people.

        Raises:
            RegistrarError: The registrar cannot be reached or understood, whether `strict` or not.
            IncompleteProvisioningError: The document has no complete account, or it is registered at Siperb's own
                proxy, and this client is not logged in as its user.
            ConfigurationError: An argument cannot be used.

        Example:
            ```python
            devices = client.get_devices()
            provisioning = client.get_provisioning(devices[0].device_token)
            registration = client.check_registration(provisioning)
            print(registration.meaning, registration.advice)
            ```
        """
        self = client(cls)
        return self._run(self._check_registration(provisioning, insecure, origin, timeout))
