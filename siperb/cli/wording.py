"""The library's advice about a token, in the words of a command line."""

from __future__ import annotations

FOR_COMMANDS = {
    "To do without, pass it or set SIPERB_PAT": "To do without, set SIPERB_PAT or SIPERB_PAT_FILE",
    "pass it to login() or to the client, set SIPERB_PAT, or store it in the keyring with `siperb login`": (
        "run `siperb login`, or set SIPERB_PAT or SIPERB_PAT_FILE"
    ),
}


def in_words_of_commands(text: str) -> str:
    """What the library says of a missing token, with what a command line can do instead."""
    for of_library, of_commands in FOR_COMMANDS.items():
        text = text.replace(of_library, of_commands)
    return text
