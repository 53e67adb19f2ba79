"""Whatever a document says: what `siperb.sip` emits is well formed and carries no injection, or it is refused."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from test_sip import PBX, PROXY, SESSION, WIRE_NAMES, Configure, both_libraries, changed

from siperb import sip
from siperb.errors import ConfigurationError, IncompleteProvisioningError
from siperb.models import Provisioning

controls = st.characters(max_codepoint=0x9F, categories=["Cc"]) | st.characters(categories=["Cs"])


@given(
    attribute=st.sampled_from([name for name in WIRE_NAMES if name != "sip_websocket_port"]),
    before=st.text(),
    control=controls,
    after=st.text(),
)
@both_libraries
def test_control_characters_are_refused_and_not_shown(
    configure: Configure, attribute: str, before: str, control: str, after: str
) -> None:
    value = before + control + after
    with pytest.raises(IncompleteProvisioningError) as caught:
        configure(changed(PROXY, attribute, value), SESSION)
    assert caught.value.missing == (WIRE_NAMES[attribute],)
    assert control not in str(caught.value)
    assert len(value) < 4 or value not in str(caught.value)


@given(before=st.text(), control=controls, after=st.text())
@pytest.mark.parametrize("attribute", ["session_token", "user_id"])
def test_control_characters_in_a_session_are_refused(attribute: str, before: str, control: str, after: str) -> None:
    with pytest.raises(ConfigurationError, match="log in again") as caught:
        sip.extra_headers(PROXY, changed(SESSION, attribute, before + control + after))
    assert control not in str(caught.value)


def mostly(*good: str) -> st.SearchStrategy[str]:
    return st.integers(0, 9).flatmap(lambda number: st.sampled_from(good) if number else st.text(min_size=1))


def texts(value: Any) -> list[str]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] if isinstance(value, str) else [text for child in children for text in texts(child)]


documents = st.builds(
    Provisioning,
    sip_username=mostly("u700", "o'brien+1", "a@b;c", "zoë", "50%", "a:b"),
    sip_password=mostly("s3cret!", '"\\%:'),
    sip_domain=mostly("sip.example.test", "2001:db8::1", "192.0.2.1"),
    sip_wss_server=mostly("pbx.example.test", "::1", "ws.siperb.com"),
    sip_websocket_port=st.integers(1, 65535),
    sip_server_path=mostly("/", "//ws") | st.from_regex(r"[A-Za-z0-9/?;=-]+", fullmatch=True),
    contact_user_name=mostly("c700", "<c>@d", "ç", "c%41", "c:d"),
    profile_name=st.none() | st.text(st.characters(exclude_categories=["Cc", "Cs"])),
    sip_jwt=st.none() | mostly("aaa.bbb.ccc"),
    registration_mode=st.none() | mostly("Proxy", "WebSocket"),
)


@given(provisioning=documents)
@both_libraries
def test_what_is_emitted_is_one_uri_one_url_and_no_injection(configure: Configure, provisioning: Provisioning) -> None:
    try:
        configuration = configure(provisioning, SESSION)
    except IncompleteProvisioningError as error:
        refused = error.missing
    else:
        refused = ()
        emitted = json.dumps(configuration, ensure_ascii=False).encode()
        assert json.loads(emitted) == configuration
        assert not [char for text in texts(configuration) for char in text if unicodedata.category(char) == "Cc"]
        user = r"(?:[A-Za-z0-9_.!~*'()+-]|%[0-9A-F]{2})+"
        host = r"(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])"
        assert re.fullmatch(f"sip:{user}@{host}", configuration["uri"])
        assert re.fullmatch(f"sip:{user}@{host};transport=ws", sip.contact_uri(provisioning))
        assert re.fullmatch(rf"wss://{host}:\d+/(?!/)[!-~]*", sip.websocket_url(provisioning))
    assert set(refused) <= set(WIRE_NAMES.values())


@given(name=st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_a_quoted_display_name_reads_back(name: str) -> None:
    assume(name)
    quoted = sip.sipjs(attrs.evolve(PBX, profile_name=name))["displayName"]
    assert re.fullmatch(r'(?:[^"\\]|\\.)*', quoted, re.DOTALL)
    assert re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) == name
