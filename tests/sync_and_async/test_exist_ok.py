"""`exist_ok`: what is made by several at the same time is made once, whatever form its name has."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from facades import Facade

from siperb import APITimeoutError, ConfigurationError
from siperb.testing import Hold, User

EMAIL = "anna@contact.example"
CAFE = "Caf\u00e9", "Cafe\u0301", " Caf\u00e9\u00a0"  # one letter, or a letter and its accent; blanks around
ADDRESSES = EMAIL, EMAIL.upper(), f" {EMAIL}\u00a0"


@pytest.fixture
def anna(facade: Facade) -> User:
    return facade.server.add_domain_user(EMAIL)


def sent(facade: Facade, method: str = "POST") -> list[Any]:
    return [
        json.loads(request.body or b"null")
        for request in facade.server.requests
        if request.method == method and request.route in ("devices", "domain_users")
    ]


def held(facade: Facade, route: str, waiting: Any, *calls: Callable[[], Any], others: int) -> list[Any]:
    """What the calls come to, when the first look is answered only after so many others wait for it."""
    hold = Hold()
    facade.server.fail(route, hold)

    def release() -> None:
        try:
            facade.server.wait_for_requests(1, route=route)
            if not facade.is_async:  # tasks have begun to wait before the request is sent
                waiting(others)
        finally:
            hold.release()

    return facade.together(*calls, meanwhile=release)


def test_one_device_of_a_name_is_made_at_a_time(facade: Facade, anna: User, waiting: Any) -> None:
    client = facade.client(strict=True)
    facade.call(client.login)
    views = [client.for_user(anna.user_id) for _ in CAFE]
    calls = [partial(view.create_device, name, exist_ok=True) for view, name in zip(views, CAFE, strict=True)]
    made = held(facade, "devices", waiting, *calls, others=2)
    assert len({device.device_token for device in made}) == 1
    assert [each["provision_name"] for each in sent(facade)] == [CAFE[0]]
    assert [device.description for device in anna.devices] == [CAFE[0]]


def test_one_user_of_an_address_is_made_at_a_time(facade: Facade, waiting: Any) -> None:
    client = facade.client()
    facade.call(client.login)
    calls = [partial(client.create_domain_user, email, exist_ok=True) for email in ADDRESSES]
    made = held(facade, "domain_users", waiting, *calls, others=2)
    assert len({user.user_id for user in made}) == 1
    assert len(sent(facade)) == len(facade.server.user.domain_users) == 1


def test_a_list_with_the_same_twice(facade: Facade, anna: User) -> None:
    view = facade.client(strict=True).for_user(anna.user_id)

    def make(name: str) -> Any:
        return (yield view.create_device(name, exist_ok=True)).device_token

    for _ in range(2):
        results = facade.listed(view.bulk(facade.steps(make), CAFE * 5))
        assert len({result.value for result in results}) == 1
    assert len(list(anna.devices)) == 1


@pytest.mark.parametrize("other", [{"description": "Desk"}, {"description": "Headset", "platform": "ios"}])
def test_other_names_wait_for_nobody(facade: Facade, other: dict[str, str]) -> None:
    client, hold = facade.client(), Hold()
    facade.call(client.login)
    facade.server.fail("devices", hold)
    first = partial(client.create_device, "Headset", exist_ok=True)
    wait = partial(facade.server.wait_for_requests, 1, route="devices")
    second = facade.after(wait, partial(client.create_device, **other, exist_ok=True), then=hold.release)
    made = facade.together(first, second)
    assert [each["provision_name"] for each in sent(facade)] == [other["description"], "Headset"]
    assert made[0].device_token != made[1].device_token


def test_the_same_name_of_other_users_waits_for_nobody(facade: Facade, anna: User) -> None:
    client, hold = facade.client(), Hold()
    facade.call(client.login)
    facade.server.fail("devices", hold)
    wait = partial(facade.server.wait_for_requests, 1, route="devices")
    make = partial(client.for_user(anna.user_id).create_device, "Headset", exist_ok=True)
    facade.together(
        partial(client.create_device, "Headset", exist_ok=True), facade.after(wait, make, then=hold.release)
    )
    assert len(sent(facade)) == 2
    assert len(list(anna.devices)) == 1


def test_who_waits_for_a_name_waits_no_longer_than_its_own_timeout(facade: Facade) -> None:
    client, hold = facade.client(), Hold()
    facade.call(client.login)
    facade.server.fail("devices", hold)
    wait = partial(facade.server.wait_for_requests, 1, route="devices")
    hurried = facade.after(wait, partial(client.create_device, "Headset", exist_ok=True, timeout=0.2))

    def release_in_the_end() -> Any:
        error = None
        try:
            hurried()
        except APITimeoutError as caught:
            error = caught
        hold.release()
        return error

    async def release_in_the_end_of_a_task() -> Any:
        with pytest.raises(APITimeoutError) as caught:
            await hurried()
        hold.release()
        return caught.value

    release = release_in_the_end_of_a_task if facade.is_async else release_in_the_end
    made, error = facade.together(partial(client.create_device, "Headset", exist_ok=True), release)
    assert isinstance(error, APITimeoutError)
    assert made.description == "Headset"
    assert len(sent(facade)) == 1


@pytest.mark.parametrize("exist_ok", [False, True])
def test_what_is_sent_is_what_was_compared(facade: Facade, exist_ok: bool) -> None:
    client = facade.client()
    user = facade.call(client.create_domain_user, f" {EMAIL.title()}\u00a0", exist_ok=exist_ok)
    device = facade.call(client.create_device, "  Web\u00a0 phone ", platform=" ios", exist_ok=exist_ok)
    assert (user.email, device.description, device.platform) == (EMAIL.title(), "Web phone", "ios")
    assert [each.get("Email") or each["provision_name"] for each in sent(facade)] == [EMAIL.title(), "Web phone"]
    assert facade.call(client.create_pat, " nightly ").name == "nightly"


def test_what_others_have_made_is_found_whatever_its_form(facade: Facade) -> None:
    client = facade.client()
    for name in CAFE[1], " Web phone ":
        facade.call(
            client.request, "POST", "/Users/{user_id}/Devices", json={"platform": "script", "provision_name": name}
        )
    before = len(sent(facade))
    assert facade.call(client.create_device, CAFE[0], exist_ok=True).description == CAFE[1]
    assert facade.call(client.create_device, "Web phone", exist_ok=True).description == " Web phone "
    assert len(sent(facade)) == before


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("anna\u200b@contact.example", r"ZERO WIDTH SPACE \(U\+200B\)"),
        ("\ufeffanna@contact.example", "ZERO WIDTH NO-BREAK SPACE"),
        ("an\u00adna@contact.example", "SOFT HYPHEN"),
        ("anna@contact.example\u202c", "POP DIRECTIONAL FORMATTING"),
        ("anna\u3164@contact.example", "HANGUL FILLER"),
        ("anna\u0000@contact.example", r"a control character \(U\+0000\)"),
        ("mailto:anna@contact.example", "one address"),
        ("Anna <anna@contact.example>", "one address"),
        ("anna@contact.example,ben@contact.example", "one address"),
        ("anna@contact.example; ben@contact.example", "one address"),
        ("anna@ben@contact.example", "one address"),
        ("an na@contact.example", "one address"),
        ("anna", "one address"),
        ("@contact.example", "one address"),
    ],
)
@pytest.mark.parametrize("exist_ok", [False, True])
def test_an_address_that_would_be_another_users_is_refused(
    facade: Facade, email: str, words: str, exist_ok: bool
) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        facade.call(facade.client().create_domain_user, email, exist_ok=exist_ok)
    assert "contact" not in str(caught.value).replace("as in anna@contact.example", "")
    assert facade.server.requests == []


def test_letters_of_every_script_may_stand_in_an_address(facade: Facade) -> None:
    for email in ("zoë@contact.example", "o'brien+sip@contact.example", "उपयोगकर्ता@उदाहरण.कॉम"):
        assert facade.call(facade.client().create_domain_user, email).email == email
