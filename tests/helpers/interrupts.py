"""An interrupt at any instruction: what Ctrl-C does, where it hits is counted instead of left to chance."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import siperb

PACKAGE = str(Path(siperb.__file__).parent)
TESTING = str(Path(PACKAGE) / "testing")


def of_the_package(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return name.startswith(PACKAGE) and not name.startswith(TESTING)


@contextmanager
def instructions(
    hit: Callable[[int], None], counts: Callable[[FrameType], bool] = of_the_package
) -> Generator[None, None, None]:
    """Calls `hit` with the number of each instruction that this thread executes in frames that count."""
    number, is_over = 0, False

    def instruction(frame: FrameType, event: str, _: object) -> Any:
        nonlocal number
        if is_over:  # a frame that was left in the middle, and goes on
            return None
        if event == "opcode":
            number += 1
            hit(number)
        return instruction

    def call(frame: FrameType, *_: object) -> Any:
        if not counts(frame):
            return None
        frame.f_trace_opcodes = True
        return instruction

    before = sys.gettrace()
    sys.settrace(call)
    try:
        yield
    finally:
        is_over = True
        sys.settrace(before)


def count(work: Callable[[], object], counts: Callable[[FrameType], bool] = of_the_package) -> int:
    """How many instructions it takes."""
    numbers = [0]
    with instructions(numbers.append, counts):
        work()
    return numbers[-1]


def interrupt(
    work: Callable[[], object],
    at: int,
    error: BaseException | None = None,
    counts: Callable[[FrameType], bool] = of_the_package,
) -> bool:
    """Do the work, and raise at that instruction; whether it came so far, and what was raised came out."""
    raised = error or KeyboardInterrupt()

    def hit(number: int) -> None:
        if number == at:
            raise raised

    try:
        with instructions(hit, counts):
            work()
    except type(raised) as caught:
        return caught is raised
    return False
