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
from siperb.cli.terminal import Paint, printable, show, write_json

if TYPE_CHECKING:
    from siperb.cli.patient import Patient

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
        "doctor", run, "check what is needed, and say what to do about what fails", ABOUT, options="base-url json"
    )
    command.add_argument(
        "--device", metavar="NAME", help="description or number of the device to check (the first one)"
    )


def run(arguments: argparse.Namespace) -> int:
    from siperb.cli.checks import CHECKS
    from siperb.cli.patient import Patient

    if not arguments.verbose:
        logging.getLogger("siperb").setLevel(logging.ERROR)  # the findings say it
    findings: list[Finding] = []
    with contextlib.closing(Patient(arguments)) as patient:
        for name in CHECKS:
            findings.append(_examine(name, patient, findings))
            if not arguments.json:
                _tell(findings[-1])
    codes = {finding.exit_code for finding in findings} - {0}
    if arguments.json:
        write_json({"ok": not codes, "checks": [_as_json(finding) for finding in findings]})
    elif not codes:
        show(Paint(sys.stdout)("All is well.", "bold"))
    return CREDENTIALS if codes == {CREDENTIALS} else ERROR if codes else 0


def _examine(name: str, patient: Patient, before: list[Finding]) -> Finding:
    from siperb.cli.checks import CHECKS
    from siperb.cli.patient import Problem, Unneeded

    check, needed = CHECKS[name]
    cause = next((finding.cause for finding in before if finding.name in needed and finding.cause), None)
    if cause:
        return Finding(name, "skipped", f"because {cause} failed", cause=cause)
    began = time.monotonic()
    try:
        finding = Finding(name, "ok", patient.examine(check))
    except Unneeded as reason:
        finding = Finding(name, "skipped", str(reason))
    except Problem as problem:
        if problem.harmless:
            finding = Finding(name, "warning", str(problem), problem.advice)
        else:
            finding = Finding(name, "failed", str(problem), problem.advice, exit_code=problem.exit_code, cause=name)
    return finding._replace(seconds=round(time.monotonic() - began, 3))


def _tell(finding: Finding) -> None:
    paint = Paint(sys.stdout)
    status = paint(f"{finding.status:8}", COLOURS[finding.status])
    show(f"{status} {paint(f'{finding.name:12}', 'bold')} {printable(finding.detail)}")
    if finding.advice:
        show(f"{'':21} → {printable(finding.advice)}")


def _as_json(finding: Finding) -> dict[str, object]:
    return {name: getattr(finding, name) for name in ("name", "status", "detail", "advice", "seconds")}
