"""``siperb api``: any operation of the API, in the manner of ``gh api``."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from siperb.cli.devices import as_user, find_device
from siperb.cli.failures import USAGE, CommandError
from siperb.cli.parser import Options
from siperb.cli.secrets import is_secret_name, mask_all
from siperb.cli.session import client
from siperb.cli.terminal import ask, is_terminal, json_text, say, show_masked, write


def api(options: Options) -> None:
    """{user_id} in PATH is you, or who --user names. {device} is the token of
    --device, so that none stands on a command line. Put PATH between quotes.
    Fields are the query of GET, HEAD and DELETE, else a JSON object as the body;
    beside --input they are the query. A secret belongs in --input.

    examples:
      siperb api GET '/Users/{user_id}/Connections' --all
      siperb api PUT '/Users/{user_id}/Provisioning' -F RecordAllCalls=true
      siperb api DELETE '/Users/{user_id}/Devices/{device}' --device Headset
    """
    path, reads = _path(options), options.method in ("GET", "HEAD")
    query, body = _query_and_body(options)
    if (options.all and options.method != "GET") or (reads and (options.dry_run or body is not None)):
        raise CommandError("--all is for GET; --input and --dry-run are for methods that change something.", USAGE)
    with client(options) as own:
        siperb = as_user(own, options)
        ids: dict[str, Any] = {}
        question = f"{options.method} {options.path}{f' of {options.user}' if options.user else ''}"
        if options.device is not None:
            device = find_device(siperb, options.device)
            ids["device"] = device.device_token
            question += f' (device "{device.description or options.device}")'
        if options.dry_run:
            said = {"method": options.method, "path": path, "query": query, "body": body}
            write(json_text(mask_all(said)))
            say("This is a dry run: nothing was changed.")
            return
        if options.method == "DELETE":
            ask(f"{question}?", options)
        if options.all:
            answer: Any = siperb.get_all(path, params=query, **ids)
        else:
            answer = siperb.request(options.method, path, params=query, json=body, **ids)
    if answer is None:
        say("Done; the answer is empty.")
    elif not isinstance(answer, bytes):
        show_masked(answer, options)
    elif is_terminal(sys.stdout):
        raise CommandError(f"The answer is no JSON but {len(answer)} bytes: send it into a file or a pipe.")
    else:
        sys.stdout.buffer.write(answer)


def _path(options: Options) -> str:
    path: str = "/" + options.path.removeprefix("/")
    path = path.replace("{deviceId}", "{device}").replace("{uID}", "{user_id}")  # as the API's own documents have them
    if "://" in path or "?" in path:
        raise CommandError("PATH is the path alone: --base-url gives the address, -f NAME=TEXT the query.", USAGE)
    if re.search(r"/t[0-9a-f]{64}(/|$)", path):
        text = "A device token does not belong on a command line: write {device}, and name the device with --device."
        raise CommandError(text, USAGE)
    if unknown := set(re.findall(r"\{[^/{}]*\}", path)) - {"{user_id}", "{device}"}:
        raise CommandError(f"Only {{user_id}} and {{device}} are filled in: write a value for {min(unknown)}.", USAGE)
    if ("{device}" in path) != (options.device is not None):
        raise CommandError("{device} in the path and --device go together.", USAGE)
    if options.user is not None and not re.match(r"/Users/\{user_id\}(?!/+DomainUsers(/|$))(/|$)", path, re.I):
        raise CommandError("With --user, PATH begins with /Users/{user_id}, and has no DomainUsers below it.", USAGE)
    return path


def _query_and_body(options: Options) -> tuple[dict[str, Any] | None, Any]:
    fields: dict[str, Any] = dict(options.fields or [])
    for name, value in fields.items():
        if is_secret_name(name) and value not in (True, False, None):
            raise CommandError(f"{name} may be a secret, and `ps` shows command lines: use --input.", USAGE)
    if options.input is None:
        return (fields, None) if options.method in ("GET", "HEAD", "DELETE") else (None, fields or None)
    data = sys.stdin.buffer.read() if options.input == "-" else Path(options.input).read_bytes()
    try:
        return fields or None, json.loads(data)
    except (ValueError, RecursionError):
        raise CommandError("--input holds no JSON: correct the file.", USAGE) from None
