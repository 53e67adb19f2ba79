"""What is told of a fleet's steps: a JSON line each as data, a table for people, and the sum."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from siperb.cli.fleet_apply import Status
from siperb.cli.fleet_plan import Step
from siperb.cli.masking import mask_all
from siperb.cli.terminal import Paint, json_text, printable, say, shortened, width_of, write
from siperb.cli.wait import Bar

MARKS = {"create": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red"), "": ("!", "cyan")}
LONGEST_VALUE = 40  # columns


def status_of(step: Step) -> str:
    if step.action:
        return "planned"
    return "failed" if step.problem else "unchanged" if step.line else "extra"


def document(step: Step, status: str, message: str = "") -> dict[str, object]:
    """Of a step as JSON has it. A setting that may be a secret is masked: what is told here ends in logs."""
    said: dict[str, object] = {"line": step.line, "email": step.email, "device": step.device or None}
    said |= {"platform": step.platform or None, "action": step.action, "status": status}
    if step.change:
        said["change"] = mask_all(step.change, [])
    return said | ({"message": message} if message else {})


def show_steps(steps: Iterable[tuple[Step, str]]) -> None:
    """Steps as a table on stderr, each with what is to be said of it instead of what it does."""
    lines = [(step, printable(message or _text(step))) for step, message in steps]
    width = max((width_of(printable(step.email)) for step, _ in lines), default=0)
    paint = Paint(sys.stderr)
    for step, text in lines:
        mark, style = MARKS[(step.action or "").partition(" ")[0]]
        kind = (step.action or ("device" if step.device or step.line is None else "user")).rpartition(" ")[2]
        email = printable(step.email)
        room = " " * (width - width_of(email) + 2 if text else 0)
        say(text, prefix=f"{paint(mark, style)} {kind:6}  {email}{room}")


def _text(step: Step) -> str:
    name = step.device or "a device without a name"
    match step.action:
        case "create user":
            return str(step.change.get("name", ""))
        case "update user":
            return _changes(step.change, step.before)
        case "update device":
            return f"{name}: {_changes(step.change, step.before)}"
        case "create device":
            return f"{name} ({step.platform})" + (f": {_changes(step.change, {})}" if step.change else "")
        case "delete device":
            return f"{name} ({step.platform})"
        case None:
            if step.problem:
                return f"{step.device}: {step.problem}" if step.device else step.problem
            return f"{name}: not in the file; --prune deletes it"


def _changes(change: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    change, before = mask_all(change, []), mask_all(before, [])
    return ", ".join(
        f"{key} {_value(before[key])} → {_value(value)}" if key in before else f"{key} {_value(value)}"
        for key, value in change.items()
    )


def _value(value: object) -> str:
    return shortened(json.dumps(value, ensure_ascii=False), LONGEST_VALUE)


def sum_of_plan(steps: Iterable[Step]) -> str:
    count: Counter[str] = Counter(step.action or status_of(step) for step in steps)
    made = [plural(count[f"create {kind}"], kind) for kind in ("user", "device") if count[f"create {kind}"]]
    parts = [f"{' and '.join(made)} to create"] if made else []
    changed = count["update user"] + count["update device"]
    for number, what in (changed, "to change"), (count["delete device"], "to delete"), (count["failed"], "impossible"):
        parts += [f"{number} {what}"] if number else []
    parts = parts or ["nothing to do"]
    if number := count["unchanged"]:
        parts.append(f"{number} as {'it' if number == 1 else 'they'} should be")
    text = ", ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def plural(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


class Ledger:
    """What has become of each step, written at once and counted; it is told from several threads.

    writes: whether stdout gets a JSON line of each.
    """

    def __init__(self, bar: Bar, total: int, *, writes: bool) -> None:
        self._lock = threading.Lock()
        self._is_closed = False
        self._bar, self._total, self._writes = bar, total, writes
        self._count: Counter[str] = Counter()
        self._why_skipped: set[str] = set()
        self._failed: list[tuple[Step, str]] = []

    def __call__(self, step: Step, status: Status, message: str = "") -> None:
        with self._lock:
            if self._is_closed:
                return
            self._count[status] += 1
            if status == "skipped":
                self._why_skipped.add(message.rstrip("."))
            if status == "failed":
                self._failed.append((step, f"{step.device}: {message}" if step.device else message))
            self._bar.failed = len(self._failed)
            self._bar(self._count.total(), self._total)
            if self._writes:
                write(json_text(document(step, status, message)))

    def close(self) -> None:
        """Of what ends from now on nothing is said."""
        with self._lock:
            self._is_closed = True

    @property
    def is_whole(self) -> bool:
        return self._count["done"] == self._total

    def show(self, unchanged: int) -> None:
        """What failed, and the sum."""
        show_steps(self._failed)
        skipped = self._count["skipped"]
        parts = [f"{self._count['done']} of {self._total} done"]
        parts += [f"{len(self._failed)} failed"] if self._failed else []
        parts += [f"{skipped} not tried ({'; '.join(sorted(self._why_skipped))})"] if skipped else []
        parts += [f"{unchanged} {'was' if unchanged == 1 else 'were'}"] if unchanged else []
        again = "" if self.is_whole else " The next run does what is missing."
        say(printable(", ".join(parts)) + f".{again}")
