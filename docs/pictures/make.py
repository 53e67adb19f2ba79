"""Makes the two pictures of README.md from the real programs: the web phone in a call, and `siperb demo` on a terminal.

Wants what the registrar tests want (tests/siprig/install.sh); `python docs/pictures/make.py` where siperb is installed.
"""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from siprig import rig  # noqa: E402
from siprig.rig import Chromium  # noqa: E402
from siprig.web_phone import build_page, run_app  # noqa: E402

COLUMNS = 84
LAST_STEP = "4 "  # of the demo; the whole of it is three screens long
STYLES = {"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow", "36": "cyan"}
TERMINAL = """<!doctype html><meta charset=utf-8><style>
body { margin: 0; width: max-content; }
pre { margin: 0; padding: 14px 22px 20px; width: %(columns)dch; border-radius: 12px; background: #10201b;
      color: #d8e4df; font: 15px/1.42 "DejaVu Sans Mono", monospace; }
pre::before { content: "●●●"; display: block; color: #3d544c; letter-spacing: 6px; margin-bottom: 8px; }
.bold { font-weight: bold; color: #fff; } .dim { color: #7f968d; } .cyan { color: #6fd3d6; }
.red { color: #f0857d; } .green { color: #6fcf97; } .yellow { color: #e8c268; }
</style><pre>%(text)s</pre>"""
PICTURE = {"animations": "disabled", "omitBackground": True}  # it lies on light and on dark pages
CALL = """async () => {
  const text = (id) => document.getElementById(id).textContent;
  while (text("call-state") !== "In call" || text("duration") < "0:07") {
    document.querySelector("#buddies button:enabled")?.click(); // nobody answers before the echo has started
    await new Promise((due) => setTimeout(due, 200));
  }
  document.activeElement.blur();
  document.body.style.background = "none";
  for (const id of ["phone", "side"]) document.getElementById(id).style.boxShadow = "0 0 0 1px #8884";
}"""
CARDS = """() => {
  const { x, y, width, height } = document.querySelector("main").getBoundingClientRect();
  return { x: x - 1, y: y - 1, width: width + 2, height: height + 2 };
}"""
WHOLE = "() => ({ x: 0, y: 0, width: document.body.offsetWidth, height: document.body.offsetHeight })"


def main() -> None:
    rig.need_parts()
    build_page()
    with rig.run_chromium() as chromium:
        take_phone(chromium, HERE / "web-phone.png")
        take_terminal(chromium, HERE / "demo.png")


def take_phone(chromium: Chromium, picture: Path) -> None:
    """The demo's phone at the reception, which talks to the echo."""
    [port] = rig.free_ports(1)
    with run_app("--demo", "--port", str(port), lines=3, env={}) as [reception, *_]:
        look = {"viewport": {"width": 840, "height": 800}, "deviceScaleFactor": 1.5}
        with chromium.open(reception.split()[1], **look) as page:
            page.do("waitForSelector", '#status:text("Ready")')
            page.do("evaluate", CALL)
            page.do("screenshot", {**PICTURE, "path": str(picture), "clip": page.do("evaluate", CARDS)})


def take_terminal(chromium: Chromium, picture: Path) -> None:
    """The first steps of `siperb demo`, as a terminal shows them."""
    text = "".join(as_html(first_steps(run_in_terminal("siperb", "demo"))))
    page_file = picture.with_suffix(".html")
    page_file.write_text(TERMINAL % {"columns": COLUMNS, "text": text}, encoding="utf-8")
    try:
        with chromium.open(page_file.as_uri(), deviceScaleFactor=1.5) as page:
            clip = page.do("evaluate", WHOLE)
            page.do("screenshot", {**PICTURE, "path": str(picture), "fullPage": True, "clip": clip})
    finally:
        page_file.unlink()


def run_in_terminal(*command: str) -> str:
    """What `python -m` that command says on a terminal of that many columns."""
    ours, its = os.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    env.pop("NO_COLOR", None)
    process = subprocess.Popen([sys.executable, "-m", *command], stdin=its, stdout=its, env=env)  # noqa: S603
    os.close(its)
    said = b"".join(iter(lambda: read(ours), b""))
    os.close(ours)
    if process.wait():
        raise SystemExit(f"{' '.join(command)} failed:\n{said.decode()}")
    return said.decode().replace("\r\n", "\n")


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""


def first_steps(said: str) -> str:
    """Up to the end of `LAST_STEP`, after the prompt at which it was asked for."""
    steps = re.split(r"\n(?=\n(?:\x1b\[1m)?\d )", said.rstrip())
    number = next(index for index, step in enumerate(steps) if re.search(rf"^(?:\x1b\[1m)?{LAST_STEP}", step, re.M))
    return "\x1b[2m$\x1b[0m siperb demo\n" + "\n".join(steps[: number + 1]) + "\n\n\x1b[2m…\x1b[0m"


def as_html(text: str) -> Iterator[str]:
    """Its SGR sequences as spans."""
    for part in re.split(r"(\x1b\[[\d;]*m)", text):
        if (code := re.fullmatch(r"\x1b\[(.*)m", part)) is None:
            yield html.escape(part)
        else:
            yield "</span>" if code[1] in ("", "0") else f'<span class="{STYLES[code[1]]}">'


if __name__ == "__main__":
    main()
