"""Who takes part, and one call of each: a function that blocks, and one that is awaited.

The modules of a peer are imported inside, as the first credential pays for them. A call takes a number: calls that
follow each other ask for different things.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    Call = Callable[[int], object]
    AsyncCall = Callable[[int], Awaitable[object]]

QUERY = "?password=yes&settings_json=yes"
TOKENS = [f"t{number:064x}" for number in range(256)]
SIDS = [f"CR{number:032x}" for number in range(256)]
ACCOUNT, CREDENTIAL_LIST = f"AC{1:032x}", f"CL{1:032x}"
URL = os.environ.get("SIPERB_BASE_URL", "")


def by_hand() -> Call:
    import json

    import requests

    http = requests.Session()
    http.headers["Content-Type"] = "application/json"
    login = {"Authorization": f"Bearer {os.environ['SIPERB_PAT']}"}
    answer = http.post(f"{URL}/Login", headers=login, timeout=(5, 30))
    answer.raise_for_status()
    session = json.loads(answer.content)
    http.headers["X-Api-Key"] = session["SessionToken"]

    def call(number: int) -> object:
        path = f"/Users/{session['UserId']}/Devices/{TOKENS[number % 256]}/{QUERY}"
        answer = http.get(URL + path, timeout=(5, 30))
        answer.raise_for_status()
        return username_in(json.loads(answer.content))

    return call


async def by_hand_async() -> AsyncCall:
    import json

    import aiohttp

    timeout = aiohttp.ClientTimeout(total=30, sock_connect=5)
    headers = {"Content-Type": "application/json"}
    http = aiohttp.ClientSession(timeout=timeout, headers=headers, raise_for_status=True)
    login = {"Authorization": f"Bearer {os.environ['SIPERB_PAT']}"}
    async with http.post(f"{URL}/Login", headers=login) as answer:
        session = json.loads(await answer.read())
    http.headers["X-Api-Key"] = session["SessionToken"]

    async def call(number: int) -> object:
        path = f"/Users/{session['UserId']}/Devices/{TOKENS[number % 256]}/{QUERY}"
        async with http.get(URL + path) as answer:
            return username_in(json.loads(await answer.read()))

    return call


def username_in(device: Any) -> object:
    if device["Platform"] != "script":
        raise ValueError("not a script device")
    return device["Settings_json"]["SipUsername"]


def siperb() -> Call:
    from siperb import Siperb

    client = Siperb(strict=True)
    client.login()
    return lambda number: client.get_provisioning(TOKENS[number % 256]).sip_username


async def siperb_async() -> AsyncCall:
    from siperb import AsyncSiperb

    client = AsyncSiperb(strict=True)
    await client.login()

    async def call(number: int) -> object:
        return (await client.get_provisioning(TOKENS[number % 256])).sip_username

    return call


def twilio() -> Call:
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    class OnLoopback(TwilioHttpClient):
        def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
            return super().request(method, url.replace("https://api.twilio.com", URL), *args, **options)

    credentials = Client(ACCOUNT, "token", http_client=OnLoopback()).sip.credential_lists(CREDENTIAL_LIST).credentials
    return lambda number: credentials(SIDS[number % 256]).fetch().username


async def twilio_async() -> AsyncCall:
    from twilio.http.async_http_client import AsyncTwilioHttpClient
    from twilio.rest import Client

    class OnLoopback(AsyncTwilioHttpClient):
        async def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
            return await super().request(method, url.replace("https://api.twilio.com", URL), *args, **options)

    credentials = Client(ACCOUNT, "token", http_client=OnLoopback()).sip.credential_lists(CREDENTIAL_LIST).credentials

    async def call(number: int) -> object:
        return (await credentials(SIDS[number % 256]).fetch_async()).username

    return call


def stripe() -> Call:
    from stripe import StripeClient

    customers = StripeClient("sk_test", base_addresses={"api": URL}).v1.customers
    return lambda number: customers.retrieve(f"cus_{number % 256}").id


async def stripe_async() -> AsyncCall:
    from stripe import StripeClient

    customers = StripeClient("sk_test", base_addresses={"api": URL}).v1.customers

    async def call(number: int) -> object:
        return (await customers.retrieve_async(f"cus_{number % 256}")).id

    return call


def openai() -> Call:
    from openai import OpenAI

    models = OpenAI(api_key="key", base_url=f"{URL}/v1").models
    return lambda number: models.retrieve(f"model-{number % 256}").id


async def openai_async() -> AsyncCall:
    from openai import AsyncOpenAI

    models = AsyncOpenAI(api_key="key", base_url=f"{URL}/v1").models

    async def call(number: int) -> object:
        return (await models.retrieve(f"model-{number % 256}")).id

    return call


def telnyx() -> Call:
    from telnyx import Telnyx

    credentials = Telnyx(api_key="key", base_url=f"{URL}/v2").telephony_credentials
    return lambda number: credentials.retrieve(f"credential-{number % 256}").data.sip_username


async def telnyx_async() -> AsyncCall:
    from telnyx import AsyncTelnyx

    credentials = AsyncTelnyx(api_key="key", base_url=f"{URL}/v2").telephony_credentials

    async def call(number: int) -> object:
        return (await credentials.retrieve(f"credential-{number % 256}")).data.sip_username

    return call


PEERS: dict[str, tuple[Callable[[], Call], Callable[[], Awaitable[AsyncCall]]]] = {
    "by hand": (by_hand, by_hand_async),
    "siperb": (siperb, siperb_async),
    "twilio": (twilio, twilio_async),
    "stripe": (stripe, stripe_async),
    "openai": (openai, openai_async),
    "telnyx": (telnyx, telnyx_async),
}


def first(name: str) -> None:
    """The first credential; prints what the process had in memory at most (kB)."""
    assert PEERS[name][0]()(0)
    with open("/proc/self/status") as status:
        print(next(line for line in status if line.startswith("VmHWM")).split()[1])
