"""``siperb doctor``: what works, what does not, and what to do about it; step by step, none without an end."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from siperb.cli.failures import CREDENTIALS, ERROR
from siperb.cli.parser import Parser
from siperb.cli.terminal import Paint, columns, printable, say, show, write_json
from siperb.cli.wait import Wait

if TYPE_CHECKING:
    from siperb.cli.check import Context

COLOURS = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "dim"}

ABOUT = """\
Checks the address, proxy, DNS, connection and certificate of the API, the keyring, the token, a login, the list of
devices, the provisioning of the first one or of --device, whether its SIP server takes a WebSocket, and whether the
registrar there takes its user and password, which disturbs no phone. No check takes longer than 15 seconds, and no
secret is shown. A warning is something that commands can do without.

Exits with 0 when nothing failed, 4 when nothing did but the credentials, else 1.
"""


class Finding(NamedTuple):
    """What a check came to.

    status: "ok", "warning", "failed" or "skipped". advice: what to do about it, where the detail does not say.
    cause: the check that failed, and for which this one failed or was skipped; what needs it is skipped too.
    """

    name: str
    status: str
    detail: str
    advice: str | None = None
    seconds: float = 0.0
    exit_code: int = 0
    cause: str | None = None


def add_to(parser: Parser) -> None:
    command = parser.add(
        "doctor", run, "check what is needed, and say what to do about what fails", ABOUT, options="connection json"
    )
    command.add_argument(
        "--device", metavar="NAME", help="description or number of the device to check (the first one)"
    )


def run(arguments: argparse.Namespace) -> int:
    from siperb.cli.check import Context
    from siperb.cli.checks import CHECKS

    if not arguments.verbose:
        logging.getLogger("siperb").setLevel(logging.ERROR)  # the findings say it
    findings: list[Finding] = []
    with contextlib.closing(Context(arguments)) as context:
        for name in CHECKS:
            with Wait(f"Checking {name}"):
                findings.append(_examine(name, context, findings))
            if not arguments.json:
                _tell(findings[-1])
    codes = {finding.exit_code for finding in findings} - {0}
    if arguments.json:
        write_json({"ok": not codes, "checks": [_as_json(finding) for finding in findings]})
    elif not codes:
        (say if columns(sys.stdout) is None else show)(Paint(sys.stdout)("All is well.", "bold"))
    return CREDENTIALS if codes == {CREDENTIALS} else ERROR if codes else 0


def _examine(name: str, context: Context, before: list[Finding]) -> Finding:
    from siperb.cli.check import Problem, Skipped, run_check
    from siperb.cli.checks import CHECKS

    check, needed = CHECKS[name]
    cause = next((finding.cause for finding in before if finding.name in needed and finding.cause), None)
    if cause:
        return Finding(name, "skipped", f"because {cause} failed", cause=cause)
    began = time.monotonic()
    try:
        finding = Finding(name, "ok", run_check(check, context))
    except Skipped as reason:
        finding = Finding(name, "skipped", str(reason))
    except Problem as problem:
        if problem.harmless:
            finding = Finding(name, "warning", str(problem), problem.advice)
        else:
            finding = Finding(name, "failed", str(problem), problem.advice, exit_code=problem.exit_code, cause=name)
    return finding._replace(seconds=round(time.monotonic() - began, 3))


def _tell(finding: Finding) -> None:
    if columns(sys.stdout) is None:
        show("\t".join(map(printable, (finding.status, finding.name, finding.detail, finding.advice or ""))).rstrip())
        return
    paint = Paint(sys.stdout)
    status = paint(f"{finding.status:8}", COLOURS[finding.status])
    show(printable(finding.detail), prefix=f"{status} {paint(f'{finding.name:12}', 'bold')} ")
    if finding.advice:
        show(printable(finding.advice), prefix=f"{'':21} → ")


def _as_json(finding: Finding) -> dict[str, object]:
    return {name: getattr(finding, name) for name in ("name", "status", "detail", "advice", "seconds")}
