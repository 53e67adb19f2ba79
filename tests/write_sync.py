"""Writes the calls of `Siperb` from those of `AsyncSiperb`: one signature and one docstring for both.

Run `python tests/write_sync.py` after a change to `siperb/aio`; a test fails until then.
"""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "siperb"
FILES = ("account.py", "administration.py", "bulk.py", "client.py", "devices.py")

HEADER = "# Written by tests/write_sync.py from siperb/aio/{}: change that file.\n"

# Each pattern stands in the files above at least once.
REPLACEMENTS = [
    (r"\basync def\b", "def"),
    (r"\bawait ", ""),
    (r"\basync (?=with |for )", ""),
    (r"\bsiperb\.aio\b", "siperb.sync"),
    (r"\bAsyncIterator\b", "Iterator"),
    (r"Async(?=Siperb\b)", ""),
    (r"Callable\[\[Item\], Coroutine\[Any, Any, T\]\]", "Callable[[Item], T]"),
    (r"import Iterator, Callable, Coroutine, Iterable", "import Callable, Iterable, Iterator"),
    (r"from typing import Any, TypeVar", "from typing import TypeVar"),
    (r"import aiohttp", "import requests"),
    (r"aiohttp\.ClientSession \| None", "requests.Session | None"),
    (r"state: SiperbState \| None = None", "state: SiperbState | None = SiperbAPI"),
    (r"import SiperbState", "import SiperbAPI, SiperbState"),
    (r"class Siperb\(BulkCalls", "class Siperb(DefaultClient, BulkCalls"),
    (r"for asyncio, with", "that blocks, with"),
    (r"the calls of the API for asyncio\.", "the calls of the API for scripts and threads."),
    (r"An async iterator of", "An iterator of"),
    (r"Await ``work\(item\)`` for many", "Call ``work(item)`` for many"),
    (r"side by side, in tasks", "side by side, in threads"),
    (r"work: A coroutine function\.", "work: A function."),
    (
        r"Closing the iterator cancels the calls under way\.",
        "If you close the iterator, requests under way end by themselves, and no other begins.",
    ),
    (
        r"Closing the iterator cancels what is under way\.",
        "If you close the iterator, requests under way end by themselves. A call that `work` makes after that raises\n"
        "        `SiperbError`.",
    ),
    (
        r"A client of the Siperb API for asyncio\.\n\n.*?\n    Args:",
        """A client of the Siperb API that blocks, for scripts and threads.

    ``Siperb.login(pat)``, ``Siperb.get_devices()`` and the other calls work on the class itself too, on one shared
    default client. ``Siperb(...)`` makes a client of your own. Nothing happens until its first call.

    Every call logs in by itself. One client may serve many threads.

    Args:""",
    ),
    (
        r"        http_session: An `aiohttp.*?(?=        app_info)",
        """\
        http_session: A `requests.Session` to use. The client never closes or changes it. Its proxies, certificates and
            ``trust_env`` count. Headers that drip are not cut off at the deadline. Its ``urllib3`` logs each path,
            device token included, if you set that logger to DEBUG.
""",
    ),
]

END = """

SiperbAPI.login = Siperb.login
SiperbAPI.get_devices = Siperb.get_devices
SiperbAPI.get_provisioning = Siperb.get_provisioning
"""

METHOD = r'    def (?!__init__|save_pat)(?P<name>\w+)\((?P<before>\n        )?self(?P<rest>.*?"""\n)'


def written(name: str) -> str:
    """The text of a file of `siperb/sync`."""
    text = (PACKAGE / "aio" / name).read_text()
    for pattern, replacement in REPLACEMENTS:
        text = re.sub(pattern, replacement.replace("\\", r"\\"), text, flags=re.DOTALL)
    text = re.sub(METHOD, _on_class, text, flags=re.DOTALL)
    own = re.findall(r"^from siperb\.sync\..*\n", text, re.MULTILINE)
    for line in own:
        text = text.replace(line, "")
    needed = "DefaultClient, OnClassToo, client" if name == "client.py" else "OnClassToo, client"
    own.append(f"from siperb.sync.on_class import {needed}\n")
    last = [*re.finditer(r"^(?:from|import) siperb.*\n", text, re.MULTILINE)][-1].end()
    text = text[:last] + "".join(sorted(own)) + text[last:]
    return HEADER.format(name) + text + (END if name == "client.py" else "")


def _on_class(found: re.Match[str]) -> str:
    before = found["before"] or ""
    return f"    @OnClassToo\n    def {found['name']}({before}cls{found['rest']}        self = client(cls)\n"


if __name__ == "__main__":
    for name in FILES:
        (PACKAGE / "sync" / name).write_text(written(name))
