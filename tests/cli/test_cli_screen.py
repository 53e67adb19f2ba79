"""A screen: masks, tables, text of other people's."""

from __future__ import annotations

import pytest

from siperb.cli.secrets import is_secret_name, mask, mask_all
from siperb.cli.terminal import printable, shortened, width_of


def test_a_long_secret_keeps_its_ends_and_a_short_one_nothing() -> None:
    assert mask("pat-" + "0" * 60 + "3f94") == "pat-…3f94"
    assert mask("0123456789" * 3 + "x") == mask("") == "•••"


def test_a_document_is_masked_by_value_and_by_name() -> None:
    token, password = "tok" + "k" * 40, "hush"
    document = {
        "extraHeaders": [f"X-Siperb-Sid: {token}", "X-Siperb-Uid: me"],
        "raw": {"TurnPassword": "other", "Pin_secret": 1234, "on": {"jwt": None, "token": True}, "n": 7},
        "anywhere": f"sip:{password}@host",
        "authorizationUsername": "me",
        "settings": [{"Key": "TurnPassword", "Value": "other", "Default": "x"}, {"Key": "Ring", "Value": 3}],
    }
    assert mask_all(document, [token, password, None, ""]) == {
        "extraHeaders": ["X-Siperb-Sid: tokk…kkkk", "X-Siperb-Uid: me"],
        "raw": {"TurnPassword": "•••", "Pin_secret": "•••", "on": {"jwt": None, "token": True}, "n": 7},
        "anywhere": "sip:•••@host",
        "authorizationUsername": "me",
        "settings": [{"Key": "TurnPassword", "Value": "•••", "Default": "•••"}, {"Key": "Ring", "Value": 3}],
    }


@pytest.mark.parametrize(
    "name",
    [
        "X-Api-Key", "api_key", "ApiKey", "pwd", "SipPwd", "passphrase", "private_key", "PrivateKey", "ha1", "HA1",
        "auth", "Auth", "proxy_auth", "Cookie", "Set-Cookie", "sid", "X-Siperb-Sid", "signature", "Authorization",
        "SipPassword", "PersonalAccessToken", "client_secret", "SipJwt", "VoicemailPin", "VOICEMAIL_PIN", "pin",
    ],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["Author", "authorizationUsername", "Key", "Name", "Spinner", "Mapping", "Side", "passenger_count", "Signaling", 7],
)
def test_names_of_other_things(name: object) -> None:
    assert not is_secret_name(name)


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    inner = "x" * 40
    assert mask_all({"a": f"{inner}-and-more"}, [inner, f"{inner}-and-more"]) == {"a": "xxxx…more"}


@pytest.mark.parametrize(
    "value",
    ["2026-11-25", "2026-11-25T10:11:12Z", "2026-11-25 10:11 UTC", "2026-11-25T10:11:12.5+00:00", 1_782_205_200],
)
def test_a_date_is_no_secret(value: object) -> None:
    document = {
        "jwt_expires_at": value,
        "TokenExpiryDate": value,
        "PasswordChanged": value,
        "token": {"ExpiresAt": value},
    }
    assert mask_all(document, []) == document
    assert mask_all({"password": value, "jwt_expires_at": "hush"}, []) == {"password": "•••", "jwt_expires_at": "•••"}


def test_text_of_other_people_moves_no_cursor_and_hides_nothing() -> None:
    said = printable("Front\x1b[2JDesk\r\n\u202etxt\ud800\u061ca\u200bb\ufeff")
    assert said == "Front<U+001B>[2JDesk<U+000D><U+000A><U+202E>txt<U+D800><U+061C>a<U+200B>b<U+FEFF>"
    assert printable("Zoë – 受付 é ☎") == "Zoë – 受付 é ☎"


def test_a_text_without_room_ends_in_dots() -> None:
    assert shortened("受付電話", 8) == "受付電話"
    assert shortened("受付電話", 7) == "受付電…"
    assert shortened("受付電話", 6) == "受付…"
    assert shortened("abc", 3) == "abc"
    assert shortened("abcd", 3) == "ab…"
    assert width_of(shortened("e\u0301" * 100, 10)) == 10


def test_a_long_text_costs_no_more_than_a_short_one() -> None:
    """Counted in looks at letters, not in seconds."""
    looks = 0

    class Text(str):
        def __iter__(self):  # type: ignore[no-untyped-def]
            nonlocal looks
            for letter in str.__iter__(self):
                looks += 1
                yield letter

    assert shortened(Text("a" * 1_000_000), 20) == "a" * 19 + "…"
    shortened(Text("\u0301" * 1_000_000), 20)
    assert looks < 1000
