"""The example web phone as a process, and as a page to press and to look at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs
import pytest
from siprig import rig
from siprig.fixtures import account
from siprig.rig import Chromium, Page, Registrar

from siperb import Siperb, sip
from siperb.testing import SiperbServer

EXAMPLE = Path(__file__).parents[2] / "examples" / "web_phone"
DESKTOP = {"width": 900, "height": 860}
PHONE = {"width": 390, "height": 780}


@pytest.fixture(name="server")
def server_fixture() -> Iterator[SiperbServer]:
    with SiperbServer() as server:
        yield server


@pytest.fixture(scope="module", name="built")
def built_fixture() -> None:
    rig.need_parts()
    build_page()


def build_page() -> None:
    """Run `npm run build` of the example, with the libraries of the registrar tests."""
    command = json.loads((EXAMPLE / "package.json").read_text())["scripts"]["build"].split()
    modules = rig.HERE / "node_modules"
    rig.run(modules / ".bin" / command[0], *command[1:], cwd=EXAMPLE, env={"NODE_PATH": str(modules)})


@contextmanager
def run_example(server: SiperbServer, *options: str) -> Iterator[str]:
    """The example as a process; yields the link that it prints."""
    with run_example_at_port(server, *options) as (link, port):
        assert link.startswith(f"http://127.0.0.1:{port}/#")
        yield link


@contextmanager
def run_example_at_port(server: SiperbServer, *options: str) -> Iterator[tuple[str, int]]:
    [port] = rig.free_ports(1)
    arguments = "--port", str(port), "--device", "Web", *options
    with run_app(*arguments, env={"SIPERB_PAT": server.pat, "SIPERB_BASE_URL": server.base_url}) as [line]:
        assert line.startswith("Open http"), line
        yield line.split()[1], port


@contextmanager
def run_app(*arguments: str, lines: int = 1, env: dict[str, str]) -> Iterator[list[str]]:
    """app.py as a process; yields the first lines that it prints."""
    process = subprocess.Popen(
        [sys.executable, EXAMPLE / "app.py", *arguments],
        env={**os.environ, "NO_PROXY": "127.0.0.1", **env},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        yield [process.stdout.readline() for _ in range(lines)]
    finally:
        process.terminate()
        process.communicate(timeout=rig.START)


@attrs.frozen
class WebPhone:
    page: Page
    link: str
    _screenshots: Path

    def shows(self, state: str, name: str, *, within: str = "#status") -> None:
        """Wait until the element says the state, and take the screenshot of that name."""
        self.page.do("waitForSelector", f'{within}:text("{state}")')
        self.page.do("screenshot", {"path": str(self._screenshots / f"{name}.png"), "animations": "disabled"})

    def complains(self, problem: str, name: str) -> None:
        self.shows(problem, name, within="#problem-text")

    def use(self, library: str) -> None:
        """Choose the library in the settings; the page begins with JsSIP."""
        if library == "sipjs":
            self.page.do("click", "summary")
            self.page.do("selectOption", "#library", library)

    def visible(self, selector: str) -> bool:
        return bool(self.page.do("isVisible", selector))

    def focused(self) -> str:
        return str(self.page.do("evaluate", "() => document.activeElement.id"))


Open = Callable[..., WebPhone]


@pytest.fixture(name="open_phone")
def open_phone_fixture(
    built: None, chromium: Chromium, server: SiperbServer, registrar: Registrar, tmp_path: Path
) -> Iterator[Open]:
    """Opens the web phone, which is u700 at the registrar; settings are laid over its device's document."""
    screenshots = Path(os.environ.get("SIPERB_SCREENSHOTS") or tmp_path)
    screenshots.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:

        def open_phone(
            *, key: str | None = None, browser: dict[str, object] | None = None, **settings: object
        ) -> WebPhone:
            device = {
                **account(registrar, "u700"),
                "registration_mode": "WebSocket",
                "profile_name": "Front Desk | 700",
            }
            server.add_device(description="Web", settings={**device, **settings})
            link = stack.enter_context(run_example(server, "--insecure"))
            url, _, printed = link.partition("#")
            options = {"viewport": DESKTOP, **(browser or {})}
            page = stack.enter_context(chromium.open(f"{url}#{printed if key is None else key}", **options))
            return WebPhone(page, link, screenshots)

        yield open_phone


@pytest.fixture(name="other_phone")
def other_phone_fixture(chromium: Chromium, server: SiperbServer, registrar: Registrar) -> Iterator[Page]:
    """u701 on JsSIP, in another page: `phone` there is what phones.mjs makes of it, and it answers."""
    device = server.add_device(settings={**account(registrar, "u701"), "registration_mode": "WebSocket"})
    with Siperb(server.pat, base_url=server.base_url, strict=True) as client:
        provisioning = client.get_provisioning(device.token)
    assert provisioning
    start = """async (configuration) => {
        window.phone = await phones.register("jssip", configuration);
        window.answered = phone.answer();
    }"""
    with chromium.open() as page:
        page.do("evaluate", start, sip.jssip(provisioning, insecure=True))
        yield page
