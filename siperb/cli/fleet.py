"""``siperb fleet plan`` and ``apply``: the users and devices of a domain as a CSV file says."""

from __future__ import annotations

import contextlib
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast, get_args

from siperb.cli.failures import ERROR, USAGE, CommandError, sentence
from siperb.cli.fleet_file import Problem, Row, address_of, read_rows, with_types
from siperb.cli.fleet_plan import Action, Step, called, plan
from siperb.cli.parser import Options
from siperb.cli.secrets import mask_all
from siperb.cli.session import CommandClient, client
from siperb.cli.terminal import Bar, ask, is_terminal, json_text, lock, say, shortened, show_table, write
from siperb.errors import APIError, AuthenticationError, ConfigurationError, NotFoundError
from siperb.models import DomainUser

AT_A_TIME = 8  # users
MANY_USERS = 20  # more are asked about: each takes a seat
MARKS = {"create": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red"), "": ("!", "cyan")}
UserPlan = tuple[DomainUser | None, list[Step]]  # None: still to be created


def fleet_plan(options: Options) -> int:
    """A row of FILE is a device and its user. The first line names the columns: email,
    device, and if you want name (of the user), platform (script), and set:KEY for a
    setting of the device. A row without a device is a user alone. An empty setting
    leaves the setting as it is.

    --prune deletes devices that the file lacks, of the users and platforms that it
    has. It never deletes a user, nor a device that looks like a row.
    """
    with client(options) as siperb:
        steps = [step for _, steps in _look(siperb, options) for step in steps]
    steps.sort(key=lambda step: step.line or sys.maxsize)  # as in the file; what it lacks comes last
    for step in steps:
        _tell(step, step.status, step.problem or step.note, options)
    count = Counter("failed" if step.problem else step.action or step.status for step in steps)
    todo = [f"{_plural(count[each], each.split()[1])} to {each.split()[0]}" for each in get_args(Action) if count[each]]
    todo += [f"{count['failed']} impossible"] if count["failed"] else []
    _say_sum(", ".join(todo) or "nothing to do", count["unchanged"])
    return ERROR if any(step.problem or (options.exit_code and step.action) for step in steps) else 0


def fleet_apply(options: Options) -> int:
    """`siperb fleet plan --help` describes the file. The whole file is checked first.
    Run it again after a failure: finished rows are skipped. It asks before it
    deletes devices, or creates more than 20 users.
    """
    with client(options) as siperb:
        plans = _look(siperb, options)
        steps = [step for _, steps in plans for step in steps]
        _ask(steps, options)
        bar = Bar("Applying")
        run = Run(siperb, bar, steps, options)
        with bar, contextlib.closing(run):
            for result in siperb.bulk(run, plans, concurrency=AT_A_TIME):
                if result.error is not None:
                    raise result.error
    return ERROR if run.count["failed"] or run.count["skipped"] else 0


def _refuse(problems: Sequence[Problem], options: Options) -> None:
    for line, text in problems:
        if options.json:
            write(json_text({"line": line, "message": f"line {line} {text}"}, is_line=True), sys.stderr)
        else:
            say(f"{options.file}: line {line} {text}{'' if text.endswith('?') else '.'}")
    if problems:
        raise CommandError("Nothing was done: correct the file first.", USAGE)


def _look(siperb: CommandClient, options: Options) -> list[UserPlan]:
    """What there is, and what is to be done. A user whom the API does not tell about is the problem of its rows."""
    rows, problems = read_rows(Path(options.file).read_bytes())
    _refuse(problems, options)
    if any(row.settings for row in rows):
        rows, problems = with_types(rows, siperb.get_settings())
        _refuse(problems, options)
    users = {address_of(user.email): user for user in siperb.get_domain_users() if user.email}
    rows_of: dict[str, list[Row]] = {}
    for row in rows:
        rows_of.setdefault(address_of(row.email), []).append(row)

    def look(email: str) -> UserPlan:
        user, its_rows = users.get(email), rows_of[email]
        if user is None:
            return None, list(plan(its_rows, None))
        view = siperb.for_user(user)
        devices = view.get_devices(platform=None)
        tokens = [device.device_token for row in its_rows if row.settings for device in called(devices, row)]
        settings = {token: _settings(view, token) for token in tokens}
        return user, list(plan(its_rows, user, devices, settings, prune=options.prune))

    plans: list[UserPlan] = []
    bar = Bar("Reading")
    with bar:
        for result in siperb.bulk(look, rows_of, concurrency=AT_A_TIME, on_progress=bar):
            if result.value is not None:
                plans.append(result.value)
            elif isinstance(result.error, APIError) and not isinstance(result.error, AuthenticationError):
                problem = sentence(result.error)
                plans.append((None, [Step.failed(row, problem) for row in rows_of[result.item]]))
            elif result.error is not None:
                raise result.error
    return plans


def _settings(view: CommandClient, token: str) -> dict[str, Any]:
    """The settings of a device; no password is asked for."""
    query = {"settings_json": True}
    answer: Any = view.request("GET", "/Users/{user_id}/Devices/{device}", params=query, device=token)
    settings: Any = cast(dict[str, Any], answer).get("Settings_json") if isinstance(answer, dict) else None
    return cast(dict[str, Any], settings) if isinstance(settings, dict) else {}


def _ask(steps: Sequence[Step], options: Options) -> None:
    deleted = [step for step in steps if step.action == "delete device"]
    users = sum(step.action == "create user" for step in steps)
    questions = [f"Delete {_plural(len(deleted), 'device')}, with all credentials"] if deleted else []
    questions += [f"Create {users} users, who take {users} seats"] if users > MANY_USERS else []
    if questions and not options.yes:
        for step in deleted:
            say(f" {_line(step, '')}", mark="-", style="red")
        ask(f"{' and '.join(questions)}?", options)


class Run:
    """Carry out the steps of a user, one after the other; each is told at once and counted, from several threads."""

    def __init__(self, siperb: CommandClient, bar: Bar, steps: Sequence[Step], options: Options) -> None:
        self._siperb, self._bar, self._options, self._is_closed = siperb, bar, options, False
        self._total = sum(bool(step.action or step.problem) for step in steps)
        self.count: Counter[str] = Counter()

    def __call__(self, of_user: UserPlan) -> None:
        (user, steps), is_missing = of_user, False
        for step in steps:
            if is_missing:
                self._tell(step, "skipped", "The user was not created.")
            elif not step.action:
                self._tell(step, step.status, step.problem or step.note)
            else:
                try:
                    user = self._do(step, user)
                    self._tell(step, "done", "")
                except (APIError, ConfigurationError) as error:
                    self._tell(step, "failed", sentence(error))
                    is_missing = user is None

    def _do(self, step: Step, user: DomainUser | None) -> DomainUser:
        if user is None:
            return self._siperb.create_domain_user(step.email, step.change.get("name"), exist_ok=True)
        view, token = self._siperb.for_user(user), step.device_token
        if step.action == "update user":
            self._siperb.update_domain_user(user.user_id, description=step.change["name"])
            return user
        if step.action == "delete device":
            with contextlib.suppress(NotFoundError):  # somebody else was faster
                view.delete_device(token)
        if step.action == "create device":
            token = view.create_device(step.device, platform=step.platform, exist_ok=True).device_token
        if step.change:
            view.update_device(token, settings=step.change)
        return user

    def _tell(self, step: Step, status: str, message: str) -> None:
        with lock:
            if not self._is_closed:
                self.count[status] += 1
                self._bar.failed = self.count["failed"]
                self._bar(sum(self.count[each] for each in ("done", "failed", "skipped")), self._total)
                _tell(step, status, message, self._options)

    def close(self) -> None:
        """Say the sum. Nothing is told of steps that end from now on."""
        with lock:
            self._is_closed = True
        done, failed = self.count["done"], self.count["failed"]
        text = f"{_plural(done, 'change')} applied" + (f", {failed} failed" if failed else "")
        text += f", {self._total - done - failed} not tried" if done + failed < self._total else ""
        _say_sum(text, self.count["unchanged"])


def _say_sum(text: str, unchanged: int) -> None:
    rest = f", {_plural(unchanged, 'row')} already up to date" if unchanged else ""
    say(f"{text[0].upper()}{text[1:]}{rest}.")


def _plural(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _tell(step: Step, status: str, message: str, options: Options) -> None:
    change = mask_all(step.change)  # what is told here ends in logs
    said = {"line": step.line, "action": step.action, "email": step.email, "device": step.device or None}
    said |= {"platform": step.platform or None, "status": status, "change": change or None, "message": message or None}
    if options.json:
        write(json_text(said, is_line=True))
    elif not is_terminal(sys.stdout):
        cells = {**said, "change": json.dumps(change) if change else None}
        show_table((), [[str(cell or "") for cell in cells.values()]])
    elif status != "unchanged":
        mark, style = MARKS["" if status in ("failed", "skipped") else (step.action or "").partition(" ")[0]]
        say(f" {_line(step, message)}", mark=mark, style=style, stream=sys.stdout)


def _line(step: Step, message: str) -> str:
    def text(value: object) -> str:
        return shortened(json.dumps(value, ensure_ascii=False), 40)

    change, before = mask_all(step.change), mask_all(step.before)
    changes = [f"{key} {f'{text(before[key])} → ' if key in before else ''}{text(change[key])}" for key in change]
    name = f"{step.device} ({step.platform})" if step.platform else ""
    said = ": ".join(filter(None, (name, message or ", ".join(changes))))
    return f"{'device' if step.platform else 'user  '}  {step.email}  {said}".rstrip()
