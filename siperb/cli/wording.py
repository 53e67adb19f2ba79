"""The library's advice about a keyring or a token, in the words of a command line."""

from __future__ import annotations

FOR_COMMANDS = {
    " (NoKeyringError)": "",
    " (on Linux gnome-keyring or KWallet, and a D-Bus session)": " (on Linux gnome-keyring or KWallet)",
    ", or pass cache=MemoryCache(), or set PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring to do without": (
        "; without one set SIPERB_PAT"
    ),
    ", or pass cache=MemoryCache()": ", or set SIPERB_PAT",
    ", or accept plaintext with cache=KeyringCache(allow_plaintext=True)": ", or set SIPERB_PAT",
    ": ask for fewer at a time": ": try again",
    "; next try in 5 minutes": "",
    "; next try in 60 seconds": "",
    "To do without, pass it or set SIPERB_PAT": "To do without, set SIPERB_PAT or SIPERB_PAT_FILE",
    "pass it to login() or to the client, set SIPERB_PAT, or store it in the keyring with `siperb login`": (
        "run `siperb login`, or set SIPERB_PAT or SIPERB_PAT_FILE"
    ),
}


def in_words_of_commands(text: str) -> str:
    """What the library says of a keyring or a missing token, with what a command line can do instead."""
    for of_library, of_commands in FOR_COMMANDS.items():
        text = text.replace(of_library, of_commands)
    return text
