"""``siperb completion``: commands, options and their values for a shell, made of what the parser knows."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from siperb.cli.parser import Parser
from siperb.cli.terminal import write

EXAMPLES = """\
  eval "$(siperb completion bash)"    # in ~/.bashrc
  eval "$(siperb completion zsh)"     # in ~/.zshrc, behind compinit
  siperb completion fish > ~/.config/fish/completions/siperb.fish
"""


def add_to(parser: Parser) -> None:
    def run(arguments: argparse.Namespace) -> int:
        write(SHELLS[arguments.shell](parser))
        return 0

    command = parser.add(
        "completion",
        run,
        "print what completes commands and options in bash, zsh or fish",
        examples=EXAMPLES,
    )
    command.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash, zsh or fish")


def _bash(parser: Parser) -> str:
    commands = parser.commands.choices
    cases = "".join(f"    {name}) words={_quoted(_words(command))} ;;\n" for name, command in commands.items())
    values = "".join(
        f"    {_of(name)}{'|'.join(action.option_strings)}) words={_quoted(_values(action))} ;;\n"
        for name, command in commands.items()
        for action in command.listed()
        if action.choices and action.option_strings
    )
    files = sorted({name for command in commands.values() for name in _naming_files(command)})
    return f"""\
_siperb() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" command="" words="" word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$word" in {"|".join(commands)}) command="$word"; break ;; esac
  done
  case "$previous" in
    {"|".join(files)}) compopt -o default; COMPREPLY=(); return ;;
  esac
  case "$command" in
    "") words={_quoted([*commands, *_words(parser)])} ;;
{cases}  esac
  case "$command $previous" in
{values}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -F _siperb siperb
"""


def _zsh(parser: Parser) -> str:
    """zsh runs completions that were written for bash."""
    return f"autoload -U +X bashcompinit && bashcompinit\n{_bash(parser)}"


def _fish(parser: Parser) -> str:
    lines = ["complete -c siperb -f"]
    first = "complete -c siperb -n __fish_use_subcommand"
    lines += [f"{first} {_fish_option(action)}" for action in parser.listed() if action.option_strings]
    for name, command in parser.commands.choices.items():
        lines.append(f"{first} -a {name} -d {_fish_text(command.summary)}")
        seen = f"complete -c siperb -n '__fish_seen_subcommand_from {name}'"
        for action in command.listed():
            if action.option_strings:
                lines.append(f"{seen} {_fish_option(action)}")
            elif action.choices:
                lines.append(f"{seen} -a {_quoted(_values(action))}")
    return "\n".join(lines) + "\n"


def _fish_option(action: argparse.Action) -> str:
    flags = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in action.option_strings]
    if action.choices:
        flags.append(f"-x -a {_quoted(_values(action))}")
    elif action.nargs != 0:
        flags.append("-r -F" if action.metavar == "FILE" else "-x")
    return f"{' '.join(flags)} -d {_fish_text(action.help or '')}"


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _of(name: str) -> str:
    return f'"{name} "'


def _words(parser: Parser) -> list[str]:
    """What may come next: the options, and the values of an argument that has some to choose from."""
    own = [value for action in parser.listed() if not action.option_strings for value in _values(action)]
    return [*parser.options(), *([] if hasattr(parser, "commands") else own)]


def _values(action: argparse.Action) -> list[str]:
    return [str(value) for value in action.choices or ()]


def _naming_files(parser: Parser) -> list[str]:
    return [name for action in parser.listed() if action.metavar == "FILE" for name in action.option_strings]


def _quoted(words: list[str]) -> str:
    return f"'{' '.join(words)}'"


SHELLS: dict[str, Callable[[Parser], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
