"""A phone in the browser. The access token (PAT) stays here: the page gets its phone's configuration, and no more.

    npm ci && npm run build
    SIPERB_PAT=... python app.py
    python app.py --demo    # on this machine alone, without an account

It prints a link with a key that opens the page once. README.md says what is yours to replace.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import html
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from siperb import AsyncSiperb, Device, MissingCredentialsError, Provisioning, SiperbError, StrictAsyncSiperb, sip

HERE = Path(__file__).parent
FILES = {"/": HERE / "index.html", "/style.css": HERE / "style.css", "/phone.js": HERE / "dist" / "phone.js"}
ECHO_FILES = {"/echo": HERE / "echo.html", "/echo.js": HERE / "dist" / "echo.js"}
CONFIGURATIONS = {"jssip": sip.jssip, "sipjs": sip.sipjs}
SIGNED_IN = 12 * 3600.0  # seconds until a page has to sign in again
LONGEST_BODY = 1024  # bytes; a page sends a key and nothing else
TIME_TO_LOG_IN = 5.0  # seconds; after that the page shows the error and can try again

CLIENT = web.AppKey("client", StrictAsyncSiperb)
OPTIONS = web.AppKey("options", argparse.Namespace)
KEYS = web.AppKey("keys", dict[str, str])
SESSIONS = web.AppKey("sessions", dict[str, tuple[str, float]])  # user, and when it ends


def current_user(request: web.Request) -> str | None:
    """Who is asking? PUT YOUR APPLICATION'S OWN LOGIN HERE. This one knows who opened a printed link."""
    user, ends = request.app[SESSIONS].get(bearer(request), (None, 0.0))
    return user if time.monotonic() < ends else None


def bearer(request: web.Request) -> str:
    """The page's session key. It is not a cookie, because browsers send cookies to every port of a host."""
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def choose_device(user: str, devices: list[Device]) -> Device:
    """Which phone is this user's? PUT YOUR OWN CHOICE HERE; this one takes the device of that name, or the first."""
    for device in devices:
        if user in ("", device.description):
            return device
    raise web.HTTPNotFound(text="There is no such script device. Make one at Siperb, or start with another --device.")


async def configuration(request: web.Request) -> web.Response:
    """The configuration for one library, fresh from Siperb.

    It carries the SIP password, and, where the phone registers at Siperb's own proxy, the API session token, which the
    proxy wants in X-Siperb-Sid: whoever gets an answer from here can use that account. The PAT is never in it.
    """
    user = current_user(request)
    if user is None:
        raise web.HTTPUnauthorized(text="Sign in with the key of the printed link.")
    return await provision(request.app, user, request.match_info["library"])


async def echo_configuration(request: web.Request) -> web.Response:
    """The demo's echo. Its account is made up, so anybody may open its page."""
    return await provision(request.app, request.app[OPTIONS].echo, "jssip")


async def provision(app: web.Application, user: str, library: str) -> web.Response:
    emit = CONFIGURATIONS.get(library)
    if emit is None:
        raise web.HTTPNotFound(text="There is no such library.")
    client = app[CLIENT]
    try:
        device = choose_device(user, await client.get_devices())
        provisioning = await client.get_provisioning(device.device_token)
        emitted = emit(provisioning, client.session, insecure=app[OPTIONS].insecure)
    except SiperbError as error:
        raise web.HTTPBadGateway(text=str(error)) from error  # one sentence, without a secret
    now, expires = datetime.now(timezone.utc), provisioning.jwt_expires_at
    if expires and expires <= now:
        raise web.HTTPBadGateway(text="The phone's JWT has expired already. Is the clock of this server right?")
    return web.json_response(
        {
            "name": provisioning.profile_name or device.description,
            "buddies": list(speed_dials(provisioning)),
            "expires_in": expires and (expires - now).total_seconds(),
            "configuration": emitted,
        }
    )


def speed_dials(provisioning: Provisioning) -> Iterator[dict[str, str]]:
    """The document's `Buddies` that can be called."""
    buddies: object = provisioning.raw.get("Buddies")
    for buddy in cast("list[object]", buddies) if isinstance(buddies, list) else []:
        match buddy:
            case {"display": str(name), "exten": str(number)} if name and number:
                yield {"name": name, "number": number}
            case _:
                ...


async def sign_in(request: web.Request) -> web.Response:
    """Exchange the printed key, which works once, for a session key, which works until it expires."""
    given = (await read(request)).decode("ascii", "replace")  # the sender's Content-Type does not count
    user = request.app[KEYS].pop(given, None)
    if user is None:
        raise web.HTTPUnauthorized(text="This key is wrong, or was used before. Each key opens the page once.")
    sessions, now = request.app[SESSIONS], time.monotonic()
    for key in [key for key, (_, ends) in sessions.items() if ends <= now]:
        del sessions[key]
    session = secrets.token_urlsafe()
    sessions[session] = user, now + request.app[OPTIONS].signed_in
    announce(request.app, user)
    return web.Response(text=session)


async def sign_out(request: web.Request) -> web.Response:
    request.app[SESSIONS].pop(bearer(request), None)
    return web.Response(status=204)


async def read(request: web.Request) -> bytes:
    try:
        return await request.read()
    except (web.RequestPayloadError, ConnectionError):  # a Content-Encoding that it is not in, for one
        raise web.HTTPBadRequest(text="The body cannot be read.") from None


async def file(request: web.Request) -> web.FileResponse:
    return web.FileResponse({**FILES, **ECHO_FILES}[request.path])


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Only this origin's own pages: another site, or another name for this address, gets a link alone (DNS rebinding).

    A browser names the page's Origin with every POST. People type `localhost`, and follow the link.
    """
    origin: str = request.app[OPTIONS].origin
    asked = f"{urlsplit(origin).scheme}://{request.host}"
    said = request.headers.get("Origin", None if request.method == "POST" else origin)
    if as_browsers_send_it(asked) != origin or said != origin:
        link = html.escape(origin)
        text = f'<!doctype html><title>Web phone</title><p>This phone is at <a href="{link}/">{link}</a>.'
        raise web.HTTPForbidden(text=text, content_type="text/html")
    return await handler(request)


async def protect(request: web.Request, response: web.StreamResponse) -> None:
    sockets = "wss: ws://127.0.0.1:* ws://localhost:*" if request.app[OPTIONS].insecure else "wss:"
    response.headers.update(
        {
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
            f"connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "Permissions-Policy": "microphone=(self), speaker-selection=(self)",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
    )


def announce(app: web.Application, user: str) -> None:
    key = secrets.token_urlsafe()
    app[KEYS][key] = user
    print(f"Open {app[OPTIONS].origin}/#{key}" + (f" for {user}" if user else ""), flush=True)


async def run_client(app: web.Application) -> AsyncIterator[None]:
    """With SIPERB_PAT, or what `siperb login` stored; the demo has its own."""
    options = app[OPTIONS]
    async with AsyncSiperb(options.pat, base_url=options.base_url, strict=True, app_info="web-phone") as client:
        app[CLIENT] = client
        try:
            await asyncio.wait_for(client.login(), TIME_TO_LOG_IN)
        except (SiperbError, asyncio.TimeoutError) as error:
            if isinstance(error, MissingCredentialsError):
                raise
        yield


def make_app(options: argparse.Namespace) -> web.Application:
    app = web.Application(middlewares=[guard], client_max_size=LONGEST_BODY)
    app[OPTIONS], app[KEYS], app[SESSIONS] = options, {}, {}
    app.cleanup_ctx.append(run_client)
    app.on_response_prepare.append(protect)
    app.router.add_post("/sign-in", sign_in)
    app.router.add_post("/sign-out", sign_out)
    if options.echo:
        app.router.add_post("/configuration/echo", echo_configuration)
    app.router.add_post("/configuration/{library}", configuration)
    for path in {**FILES, **(ECHO_FILES if options.echo else {})}:
        app.router.add_get(path, file)
    return app


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A phone in the browser, provisioned by Siperb.")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="(default: %(default)s)")
    parser.add_argument("--origin", help="where browsers find it, e.g. https://phone.example.com, behind a proxy")
    parser.add_argument(
        "--device", action="append", help="name of a script device (default: the first); may be repeated"
    )
    parser.add_argument("--insecure", action="store_true", help="ws instead of wss, for a registrar on loopback alone")
    parser.add_argument("--demo", action="store_true", help="a Siperb API and a registrar on loopback, with an echo")
    parser.add_argument("--signed-in", type=float, default=SIGNED_IN, metavar="SECONDS", help="(default: 12 hours)")
    parser.set_defaults(pat=None, base_url=None, echo=None)
    options = parser.parse_args(arguments)
    options.origin = as_browsers_send_it(options.origin or f"http://{options.host}:{options.port}")
    if not options.origin:
        parser.error("--origin is http or https and a host, e.g. https://phone.example.com")
    return options


def as_browsers_send_it(origin: str) -> str:
    """In lower case, without path and default port. Empty if this is not an origin."""
    try:
        parts = urlsplit(origin)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        return ""
    if scheme not in ("http", "https") or not host:
        return ""
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}" + ("" if port in (None, 443 if scheme == "https" else 80) else f":{port}")


def serve(options: argparse.Namespace, started: Callable[[], None] = lambda: None) -> None:
    app = make_app(options)

    def listening(_: object) -> None:
        for user in options.device or [""]:
            announce(app, user)
        started()

    try:
        web.run_app(app, host=options.host, port=options.port, print=listening)
    except MissingCredentialsError:
        raise SystemExit(
            "There is no personal access token (PAT): set SIPERB_PAT, `siperb login`, or try --demo."
        ) from None
    except OSError as error:
        why = "it is in use" if error.errno == errno.EADDRINUSE else str(error.strerror)
        raise SystemExit(
            f"Cannot listen at port {options.port} of {options.host}: {why}. Choose another --port."
        ) from None


def main() -> None:
    options = parse()
    if not FILES["/phone.js"].exists():
        raise SystemExit("The page is not built: run `npm ci && npm run build` in this folder first.")
    if not options.demo:
        return serve(options)
    from demo import run_demo

    return run_demo(options, serve)


if __name__ == "__main__":
    main()
