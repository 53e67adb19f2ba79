"""Two web phones, and a third where there is need, in one browser at one registrar, for the tests of a module."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import attrs
import pytest
from siprig.fixtures import account, chromium_fixture, registrar_fixture  # noqa: F401
from siprig.rig import Chromium, Page, Registrar, free_ports
from siprig.web_phone import DESKTOP, built_fixture, run_app  # noqa: F401

from siperb.testing import SiperbServer

NAMES = {"u700": "Reception", "u701": "Kitchen", "u702": "Office"}
PERMISSIONS = ["microphone", "notifications"]
BUDDIES = [{"display": "Kitchen", "exten": "u701"}, {"display": "Nobody", "exten": "u799"}, {"display": None}, 5]

# What the page has done to the world outside it, seen where the browser's own functions are called.
SPY = """
window.world = { notifications: [], tones: [], loud: () => 0, constraints: [] };
const Original = window.Notification;
window.Notification = class extends Original {
  constructor(title, options) { super(title, options); world.notifications.push(this); world.told = title; }
  close() { super.close(); this.isClosed = true; }
};
const insert = RTCDTMFSender.prototype.insertDTMF;
RTCDTMFSender.prototype.insertDTMF = function (...args) {
  this.ontonechange = ({ tone }) => tone && world.tones.push(tone);
  return insert.apply(this, args);
};
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...more) { // what goes to the speaker goes to an analyser too
  if (to instanceof AudioDestinationNode) {
    const analyser = new AnalyserNode(this.context, { fftSize: 8192, smoothingTimeConstant: 0 });
    connect.call(this, analyser);
    world.loud = (hertz) => {
      const levels = new Uint8Array(analyser.frequencyBinCount);
      analyser.getByteFrequencyData(levels);
      return levels[Math.round((hertz * analyser.fftSize) / this.context.sampleRate)];
    };
  }
  return connect.call(this, to, ...more);
};
const sources = new Set(); // what goes on until it is stopped, be it silent at this moment
const { start, stop } = AudioScheduledSourceNode.prototype;
AudioBufferSourceNode.prototype.start = function (...args) { sources.add(this); return start.apply(this, args); };
AudioBufferSourceNode.prototype.stop = function (...args) { sources.delete(this); return stop.apply(this, args); };
world.isRinging = () => [...sources].some(({ loop }) => loop);
const connections = (world.connections = []);
const Connection = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Connection {
  constructor(...args) { super(...args); connections.push(this); }
};
// The bytes of sound that came in since the last look: what is muted or held sends next to nothing but silence.
world.energy = async () => {
  let energy = 0;
  for (const connection of connections) {
    for (const report of (await connection.getStats()).values()) {
      if (report.type === "inbound-rtp") energy += report.totalAudioEnergy ?? 0;
    }
  }
  return energy;
};
// Whether none has come for longer than the fake microphone is silent between two of its beeps.
world.silence = async () => {
  const before = await world.energy();
  await new Promise((due) => setTimeout(due, 1500));
  return await world.energy() - before < 1e-9;
};
"""


UNTIL = """async () => {
  const until = Date.now() + 15_000;
  while (!(%(condition)s)) {
    const page = document.getElementById("phone").innerText.replaceAll("\\n", " ");
    if (Date.now() > until) throw new Error(`not true in time: ${%(named)s}; the page says: ${page}`);
    await new Promise((due) => setTimeout(due, 20));
  }
}"""


@attrs.define
class Phone:
    page: Page
    user: str
    _screenshots: Path

    def do(self, method: str, *args: object) -> object:
        return self.page.do(method, *args)

    def run(self, function: str, *args: object) -> object:
        return self.page.do("evaluate", function, *args)

    def waits_for(self, condition: str) -> None:
        """Until the JavaScript expression is true; Playwright's own wait takes any promise for that."""
        self.page.do("evaluate", UNTIL % {"condition": condition, "named": json.dumps(condition)})

    def shows(self, text: str, within: str = "#call-state", name: str = "") -> None:
        """Wait until the element says exactly that; with a name, take the screenshot of it."""
        self.waits_for(f"document.querySelector({json.dumps(within)})?.textContent.trim() === {json.dumps(text)}")
        if name:
            self.screenshot(name)

    def screenshot(self, name: str) -> None:
        self.do("screenshot", {"path": str(self._screenshots / f"{name}.png"), "animations": "disabled"})

    def complains(self, text: str) -> None:
        self.shows(text, "#problem-text")

    def click(self, selector: str) -> None:
        self.do("click", selector)

    def press(self, key: str, at: str = "body") -> None:
        self.do("press", at, key)

    def focus(self) -> object:
        return self.run("() => document.activeElement.id")

    def reads(self, selector: str) -> object:
        return self.do("textContent", selector)

    def begin(self, library: str) -> None:
        """A fresh page, registered with that library."""
        self.run("() => localStorage.clear()")
        self.do("reload")
        self.shows("Ready", "#status")
        self.click("summary")
        if library == "sipjs":
            self.do("selectOption", "#library", library)
            self.shows("Ready", "#status")

    def dial(self, number: str) -> None:
        self.do("fill", "#number", number)
        self.press("Enter", "#number")

    def answer(self) -> None:
        self.shows("Incoming call")
        self.press("Enter", "#answer")

    def hears(self) -> None:
        """Wait until sound of the other side comes in."""
        before = self.run("() => world.energy()")
        self.waits_for(f"await world.energy() > {before} + 1e-6")


@attrs.frozen
class Pair:
    one: Phone
    other: Phone
    third: Phone
    registrar: Registrar
    server: SiperbServer
    libraries: tuple[str, str] = ("jssip", "sipjs")

    def talk(self) -> None:
        self.one.dial("u701")
        self.other.answer()
        for phone in (self.one, self.other):
            phone.shows("In call")


@pytest.fixture(scope="module", name="server")
def server_fixture() -> Iterator[SiperbServer]:
    with SiperbServer() as server:
        yield server


@pytest.fixture(scope="module", name="opened")
def opened_fixture(
    built: None,
    chromium: Chromium,
    registrar: Registrar,
    server: SiperbServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:
    screenshots = Path(os.environ.get("SIPERB_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    screenshots.mkdir(parents=True, exist_ok=True)
    for user, name in NAMES.items():
        settings = {**account(registrar, user), "registration_mode": "WebSocket", "Buddies": BUDDIES}
        server.add_device(description=name, settings={**settings, "profile_name": name})
    devices = [argument for name in NAMES.values() for argument in ("--device", name)]
    [port] = free_ports(1)
    with ExitStack() as stack:
        env = {"SIPERB_PAT": server.pat, "SIPERB_BASE_URL": server.base_url}
        lines = stack.enter_context(run_app("--insecure", "--port", str(port), *devices, lines=len(NAMES), env=env))
        phones: list[Phone] = []
        for user, line in zip(NAMES, lines, strict=True):
            page = stack.enter_context(chromium.open(line.split()[1], viewport=DESKTOP, permissions=PERMISSIONS))
            page.do("addInitScript", SPY)
            phones.append(Phone(page, user, screenshots))
        yield Pair(*phones, registrar, server)


@pytest.fixture(params=[("jssip", "sipjs"), ("sipjs", "jssip")], ids=" to ".join, name="pair")
def pair_fixture(request: pytest.FixtureRequest, opened: Pair) -> Pair:
    pair = attrs.evolve(opened, libraries=request.param)
    for phone, library in zip((pair.one, pair.other), pair.libraries, strict=True):
        phone.begin(library)
    return pair


@pytest.fixture(name="third")
def third_fixture(opened: Pair) -> Phone:
    opened.third.begin("jssip")
    return opened.third
