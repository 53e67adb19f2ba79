"""The forms of ``siperb provision``: from a provisioning to a document, and from a document to text. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

from siperb import sip
from siperb.cli.failures import CommandError
from siperb.cli.terminal import json_text, printable
from siperb.models import Provisioning, Session

FIELDS = (
    "sip_username",
    "sip_password",
    "sip_domain",
    "sip_wss_server",
    "sip_websocket_port",
    "sip_server_path",
    "contact_user_name",
    "sip_jwt",
    "jwt_expires_at",
    "registration_mode",
    "profile_name",
)
Document = dict[str, Any]


def build(form: str, provisioning: Provisioning, session: Session | None) -> Document:
    """The document of one of `FORMS`, with the real secrets."""
    return FORMS[form][0](provisioning, session)


def render(form: str, document: Document, *, on_screen: bool = False) -> str:
    """Its text, the last newline included. on_screen: whether it is for a terminal."""
    return FORMS[form][1](document, on_screen)


def _attributes(provisioning: Provisioning, session: Session | None) -> Document:
    values = {name: getattr(provisioning, name) for name in FIELDS}
    if provisioning.jwt_expires_at:
        values["jwt_expires_at"] = provisioning.jwt_expires_at.isoformat()
    return {**values, "raw": provisioning.to_dict()["raw"]}


def _variables(provisioning: Provisioning, session: Session | None) -> Document:
    """What is missing is empty, so that no variable keeps a value of another device."""
    values = _attributes(provisioning, session)
    variables = {f"SIPERB_{name.upper()}": str("" if values[name] is None else values[name]) for name in FIELDS}
    for name, value in variables.items():
        if re.search("[\0\ud800-\udfff]", value):
            raise CommandError(f"{name} has characters that no environment variable can hold: use --format json.")
    return variables


def _to_json(document: Document, on_screen: bool) -> str:
    return json_text(document, indent=2, on_screen=on_screen)


def _to_shell(document: Document, on_screen: bool) -> str:
    lines = [f"{name}={shlex.quote(value)}" for name, value in document.items()]
    return "\n".join(map(printable, "\n".join(lines).split("\n")) if on_screen else lines) + "\n"


FORMS: dict[str, tuple[Callable[[Provisioning, Session | None], Document], Callable[[Document, bool], str]]] = {
    "json": (_attributes, _to_json),
    "env": (_variables, _to_shell),
    "sipjs": (sip.sipjs, _to_json),
    "jssip": (sip.jssip, _to_json),
}
