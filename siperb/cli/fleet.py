"""``siperb fleet``: the users and devices of a domain as a file of CSV says them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from siperb.cli.failures import ERROR, USAGE, CommandError
from siperb.cli.parser import Parser
from siperb.cli.terminal import can_ask, is_agreed, is_terminal, json_text, printable, say, write

if TYPE_CHECKING:
    from siperb.cli.client import CommandClient
    from siperb.cli.fleet_apply import UserPlan
    from siperb.cli.fleet_file import Problem, Row
    from siperb.cli.fleet_plan import Step

ABOUT = """\
FILE is CSV in UTF-8. Its first line names the columns: email and device, and if wanted name (of the user), platform
("script" if not given) and set:KEY, a setting of the device. A row is a device, one with an empty device the user
alone; an empty setting says nothing of it.

`plan` changes nothing. `apply` does what is missing, so a second run does what the first one did not. Nothing is
changed before the whole file is right.

--prune deletes the devices that the file lacks: of users that it has, and of the platforms that it has for the user.
It never deletes a user.

A pipe gets a line of JSON for each step and for each row that is as it should be, a terminal gets a table.
Exit code 1: a row failed; with `plan --exit-code` also: there is something to do.
"""

EXAMPLES = """\
  siperb fleet plan agents.csv
  siperb fleet apply agents.csv > done.jsonl
"""


def add_to(parser: Parser) -> None:
    command = parser.add(
        "fleet",
        run,
        "make the domain's users and devices as a file says",
        ABOUT,
        examples=EXAMPLES,
        options="connection json",
    )
    command.add_argument("action", choices=("plan", "apply"), help="show what is to be done, or do it")
    command.add_argument("file", metavar="FILE", help="CSV")
    command.add_argument("--prune", action="store_true", help="delete the devices that the file lacks")
    command.add_argument("--yes", action="store_true", help="for apply: do not ask before devices are deleted")
    command.add_argument("--exit-code", action="store_true", help="for plan: exit with 1 when there is something to do")


def run(arguments: argparse.Namespace) -> int:
    from siperb.cli.client import client
    from siperb.cli.fleet_file import read_rows

    if arguments.exit_code and arguments.action == "apply":
        raise CommandError("--exit-code goes with plan.", USAGE)
    rows, problems = read_rows(Path(arguments.file).read_bytes())
    _refuse(problems, arguments)
    with client(arguments) as siperb:
        if any(row.settings for row in rows):
            from siperb.cli.fleet_settings import with_types

            rows, problems = with_types(rows, siperb.get_settings())
            _refuse(problems, arguments)
        plans = _look(siperb, rows, prune=arguments.prune)
        writes = arguments.json or not is_terminal(sys.stdout)
        if arguments.action == "plan":
            return _show(plans, arguments, writes)
        return _apply(siperb, plans, arguments, writes)


def _refuse(problems: Sequence[Problem], arguments: argparse.Namespace) -> None:
    for problem in problems:
        text = printable(f"line {problem.line} {problem.text}")
        say(json.dumps({"line": problem.line, "message": text}) if arguments.json else f"{arguments.file}: {text}")
    if problems:
        raise CommandError("Nothing was done: correct the file first.", USAGE)


def _look(siperb: CommandClient, rows: Sequence[Row], *, prune: bool) -> list[UserPlan]:
    from siperb.cli.fleet_apply import plans
    from siperb.cli.wait import Bar

    with Bar("Reading") as bar:

        def on_progress(done: int, total: int | None) -> None:
            bar.held_until = siperb.held_until
            bar(done, total)

        return list(plans(siperb, rows, prune=prune, on_progress=on_progress))


def _steps(plans: Iterable[UserPlan]) -> list[Step]:
    """In the order of the file, what it lacks last."""
    steps = [step for plan in plans for step in plan.steps]
    return sorted(steps, key=lambda step: (step.line is None, step.line or 0, step.email))


def _show(plans: Sequence[UserPlan], arguments: argparse.Namespace, writes: bool) -> int:
    from siperb.cli.fleet_report import document, show_steps, status_of, sum_of_plan

    steps = _steps(plans)
    if writes:
        write("".join(json_text(document(step, status_of(step), step.problem)) for step in steps))
    show_steps((step, "") for step in steps if status_of(step) != "unchanged")
    say(sum_of_plan(steps))
    is_todo = arguments.exit_code and any(step.action for step in steps)
    return ERROR if is_todo or any(step.problem for step in steps) else 0


def _apply(siperb: CommandClient, plans: Sequence[UserPlan], arguments: argparse.Namespace, writes: bool) -> int:
    from siperb.cli.fleet_apply import apply
    from siperb.cli.fleet_report import Ledger, document, plural, show_steps, status_of
    from siperb.cli.wait import Bar

    steps = _steps(plans)
    deleted = [step for step in steps if step.action == "delete device"]
    if deleted and not arguments.yes:
        show_steps((step, "") for step in deleted)
        _ask(f"Delete {plural(len(deleted), 'device')}, with all credentials?")
    unchanged = [step for step in steps if status_of(step) == "unchanged"]
    if writes:
        write("".join(json_text(document(step, "unchanged")) for step in unchanged))
    with Bar("Applying") as bar:
        ledger = Ledger(bar, sum(bool(step.action or step.problem) for step in steps), writes=writes)
        for step in steps:
            if step.problem:
                ledger(step, "failed", step.problem)
        try:
            apply(siperb, [plan for plan in plans if any(step.action for step in plan.steps)], ledger)
        except KeyboardInterrupt:
            ledger.close()
            say("siperb: interrupted; what was under way may be done too.")
            ledger.show(len(unchanged))
            raise
    ledger.show(len(unchanged))
    return 0 if ledger.is_whole else ERROR


def _ask(question: str) -> None:
    if not can_ask():
        raise CommandError(f"{question} Nobody can be asked here: give --yes, or leave out --prune.", USAGE)
    if not is_agreed(question):
        raise CommandError("Nothing was done.")
