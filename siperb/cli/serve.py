"""``siperb serve``: the loopback API for programs in any language."""

from __future__ import annotations

import argparse
import signal
import threading
from types import FrameType

from siperb.cli.failures import CommandError, sentence
from siperb.cli.parser import Parser, count
from siperb.cli.terminal import say, show, write_json

HEARTBEAT = 0.5  # seconds; on Windows a wait without an end hears no signal


def add_to(parser: Parser) -> None:
    command = parser.add(
        "serve",
        run,
        "keep a loopback Siperb API running, with a made-up user",
        "Prints the two environment variables by which programs find it, then serves on 127.0.0.1 until Ctrl-C or\n"
        "SIGTERM. The token is made up: it opens this API and no other.",
        examples="  siperb serve --port 8080\n  siperb serve > api.env &    then: . ./api.env",
        options="json",
    )
    command.add_argument("--port", type=_port, default=0, metavar="N", help="the port (default: any free one)")
    command.add_argument("--devices", type=count, default=0, metavar="N", help="how many more script devices it has")


def run(arguments: argparse.Namespace) -> int:
    from siperb.testing import SiperbServer

    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    server = SiperbServer(port=arguments.port, keep_requests=False)
    server.add_devices(arguments.devices)
    wanted = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in wanted}
    try:
        try:
            server.start()
        except OSError as error:
            raise CommandError(sentence(error)) from None
        environment = {"SIPERB_BASE_URL": server.base_url, "SIPERB_PAT": server.pat}
        if arguments.json:
            write_json(environment)
        else:
            for name, value in environment.items():
                show(f"export {name}={value}")
        say(f"Serving at {server.base_url}; Ctrl-C ends it.")
        while not ended.wait(HEARTBEAT):
            pass
    finally:
        server.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _port(text: str) -> int:
    port = count(text)
    if port > 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port
