"""``siperb completion``: shtab writes the script from the parsers of the commands."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from siperb.cli.failures import CommandError
from siperb.cli.options import COMMANDS, Options
from siperb.cli.parser import Parser, parser_of
from siperb.cli.terminal import write


def completion(options: Options) -> None:
    """Print a completion script for your shell.

    It needs shtab: pip install "siperb[completion]"

    example, for bash:
      siperb completion bash > ~/.local/share/bash-completion/completions/siperb
    """
    try:
        shtab: Any = importlib.import_module("shtab")
    except ImportError:
        raise CommandError('The completions need shtab: pip install "siperb[completion]".') from None
    program = Parser("siperb", "")
    top: Any = program.add_subparsers(parser_class=argparse.ArgumentParser)
    groups: dict[str, Any] = {}
    for name, (_, summary, _) in COMMANDS.items():
        group, _, action = name.rpartition(" ")
        if group and group not in groups:
            groups[group] = top.add_parser(group, help=f"{group} commands").add_subparsers()
        real = parser_of(name)
        real.complete_files(shtab.FILE)
        (groups[group] if group else top).add_parser(action, help=summary, parents=[real], add_help=False)
    write(shtab.complete(program, options.shell) + "\n")
