"""From provisioning to SIP.js and JsSIP options: what is emitted, what is refused, and what never leaks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from traceback import walk_tb
from typing import Any, TypeVar

import attrs
import pytest
from interrupts import of_the_package

from siperb import sip
from siperb.core.structure import structure
from siperb.errors import ConfigurationError, IncompleteProvisioningError, SiperbError
from siperb.models import Provisioning, Session
from siperb.sip.register import Question

PROXY = Provisioning(
    sip_username="u3ee6aae92c442bc1002e041b82a6631e",
    sip_password="p8fe4c11451281c094a6578e6",
    sip_domain="dad5f82e879a9c5d6b5b442eb.siperb.com",
    sip_wss_server="ws-eu-west-1.siperb.com",
    sip_websocket_port=443,
    sip_server_path="/ws",
    contact_user_name="c2f8a6bf31f3bd67bd2d9720c",
    sip_jwt="eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln",
    registration_mode="Proxy",
    profile_name="Front Desk | 700",
)
PBX = attrs.evolve(PROXY, sip_wss_server="pbx.example.test", registration_mode="WebSocket")
SESSION = Session(user_id="68d1786bbc42833885d1f092a5ba29d4", session_token="havHcBwB,ad328846aa18")
HEADERS = [
    "X-Siperb-Sid: havHcBwB,ad328846aa18",
    "X-Siperb-Uid: 68d1786bbc42833885d1f092a5ba29d4",
    "Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln",
]

WIRE_NAMES = {
    "sip_username": "SipUsername",
    "sip_password": "SipPassword",
    "sip_domain": "SipDomain",
    "contact_user_name": "ContactUserName",
    "sip_wss_server": "SipWssServer",
    "sip_websocket_port": "SipWebsocketPort",
    "sip_server_path": "SipServerPath",
    "profile_name": "profileName",
    "sip_jwt": "SipJwt",
}
REQUIRED = [name for name in WIRE_NAMES if name not in ("profile_name", "sip_jwt")]
both_libraries = pytest.mark.parametrize("configure", [sip.sipjs, sip.jssip])
Configure = Callable[..., dict[str, Any]]
Model = TypeVar("Model", Provisioning, Session)


def changed(model: Model, attribute: str, value: object) -> Model:
    changes: dict[str, Any] = {attribute: value}
    return attrs.evolve(model, **changes)


def test_sipjs_has_the_user_agents_own_option_names() -> None:
    assert sip.sipjs(PROXY, SESSION) == {
        "uri": "sip:u3ee6aae92c442bc1002e041b82a6631e@dad5f82e879a9c5d6b5b442eb.siperb.com",
        "transportOptions": {"server": "wss://ws-eu-west-1.siperb.com:443/ws", "traceSip": False},
        "authorizationUsername": "u3ee6aae92c442bc1002e041b82a6631e",
        "authorizationPassword": "p8fe4c11451281c094a6578e6",
        "contactName": "c2f8a6bf31f3bd67bd2d9720c",
        "viaHost": "dad5f82e879a9c5d6b5b442eb.siperb.com",
        "displayName": "Front Desk | 700",
        "logConfiguration": False,
        "extraHeaders": HEADERS,
    }


def test_jssip_has_the_uas_own_option_names() -> None:
    assert sip.jssip(PROXY, SESSION) == {
        "sockets": ["wss://ws-eu-west-1.siperb.com:443/ws"],
        "uri": "sip:u3ee6aae92c442bc1002e041b82a6631e@dad5f82e879a9c5d6b5b442eb.siperb.com",
        "authorization_user": "u3ee6aae92c442bc1002e041b82a6631e",
        "password": "p8fe4c11451281c094a6578e6",
        "contact_uri": "sip:c2f8a6bf31f3bd67bd2d9720c@dad5f82e879a9c5d6b5b442eb.siperb.com;transport=ws",
        "instance_id": "fad8b448-f66f-5320-b3ea-c97e93d56227",
        "display_name": "Front Desk | 700",
        "extraHeaders": HEADERS,
    }


@pytest.mark.parametrize("path", ["ws", "/ws", "//ws", "///ws"])
def test_one_slash_before_the_path(path: str) -> None:
    assert sip.websocket_url(attrs.evolve(PBX, sip_server_path=path)) == "wss://pbx.example.test:443/ws"


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/", "wss://pbx.example.test:443/"),
        ("/ws/", "wss://pbx.example.test:443/ws/"),
        ("/a/b?c=d", "wss://pbx.example.test:443/a/b?c=d"),
    ],
)
def test_the_rest_of_the_path_is_the_documents(path: str, url: str) -> None:
    assert sip.websocket_url(attrs.evolve(PBX, sip_server_path=path)) == url


@pytest.mark.parametrize(
    ("host", "written"),
    [
        ("PBX.Example.test", "pbx.example.test"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0::1", "[2001:db8::1]"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_hosts(host: str, written: str) -> None:
    provisioning = attrs.evolve(PBX, sip_wss_server=host, sip_domain=host)
    assert sip.websocket_url(provisioning) == f"wss://{written}:443/ws"
    assert sip.sip_uri(provisioning).endswith(f"@{written}")
    assert sip.contact_uri(provisioning).endswith(f"@{written};transport=ws")


@pytest.mark.parametrize(
    "host",
    [
        "pbx.example.test:443",
        "wss://pbx.example.test",
        "pbx.example.test/ws",
        "user@pbx.example.test",
        "pbx example.test",
        " pbx.example.test",
        "pbx.example.test.",
        "my_pbx",
        "1.2.3",
        "999.1.1.1",
        "-pbx.test",
        "[pbx.test]",
        "[::1",
        "fe80::1%eth0",
        "bücher.example",
        "pbx.test;lr",
        "pbx.test>",
    ],
)
@pytest.mark.parametrize("attribute", ["sip_wss_server", "sip_domain"])
def test_what_is_no_host_is_unusable(attribute: str, host: str) -> None:
    with pytest.raises(IncompleteProvisioningError) as caught:
        sip.sipjs(changed(PBX, attribute, host))
    assert caught.value.missing == (WIRE_NAMES[attribute],)
    assert host not in str(caught.value)


@pytest.mark.parametrize("port", [0, -1, 65536, True])
def test_what_is_no_port_is_unusable(port: int) -> None:
    with pytest.raises(IncompleteProvisioningError, match="unusable: SipWebsocketPort") as caught:
        sip.websocket_url(attrs.evolve(PBX, sip_websocket_port=port))
    assert caught.value.missing == ("SipWebsocketPort",)


@pytest.mark.parametrize("path", ["/w s", "/ws#x", "/wś", "/ws%", "/<ws>", "\\ws", '/"'])
def test_what_is_no_path_is_unusable(path: str) -> None:
    with pytest.raises(IncompleteProvisioningError, match="unusable: SipServerPath"):
        sip.websocket_url(attrs.evolve(PBX, sip_server_path=path))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_ws_when_asked_for_on_loopback(host: str) -> None:
    provisioning = attrs.evolve(PBX, sip_wss_server=host)
    assert sip.websocket_url(provisioning).startswith("wss://")
    assert sip.websocket_url(provisioning, insecure=True).startswith("ws://")
    assert sip.sipjs(provisioning, insecure=True)["transportOptions"]["server"].startswith("ws://")
    assert sip.jssip(provisioning, insecure=True)["sockets"][0].startswith("ws://")


@pytest.mark.parametrize(
    "host", ["pbx.example.test", "192.0.2.7", "128.0.0.1", "::2", "127.0.0.1.example.test", "localhost.test"]
)
def test_no_ws_to_another_machine(host: str) -> None:
    with pytest.raises(ConfigurationError, match="insecure=True is for a registrar on loopback alone"):
        sip.websocket_url(attrs.evolve(PBX, sip_wss_server=host), insecure=True)


@pytest.mark.parametrize(
    ("user", "written"),
    [
        ("u700", "u700"),
        ("o'brien+desk(1)*!~", "o'brien+desk(1)*!~"),
        ("a@b", "a%40b"),
        ("a;b", "a%3Bb"),
        ("a>b <c", "a%3Eb%20%3Cc"),
        ("zoë", "zo%C3%AB"),
    ],
)
def test_users_are_escaped_in_uris_only(user: str, written: str) -> None:
    provisioning = attrs.evolve(PBX, sip_username=user, contact_user_name=user)
    assert sip.sip_uri(provisioning) == f"sip:{written}@dad5f82e879a9c5d6b5b442eb.siperb.com"
    assert sip.contact_uri(provisioning).startswith(f"sip:{written}@")
    assert sip.sipjs(provisioning)["authorizationUsername"] == user
    assert sip.sipjs(provisioning)["contactName"] == user
    assert sip.jssip(provisioning)["authorization_user"] == user


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("sip_username", "50%"),
        ("sip_username", "a%41"),
        ("sip_username", "user:password"),
        ("sip_username", 'a"b'),
        ("sip_username", "a\\b"),
        ("contact_user_name", "50%"),
        ("contact_user_name", "a:b"),
        ("sip_jwt", "a b"),
    ],
)
@both_libraries
def test_what_the_libraries_would_garble_is_refused(configure: Configure, attribute: str, value: str) -> None:
    with pytest.raises(IncompleteProvisioningError) as caught:
        configure(changed(PROXY, attribute, value))
    assert caught.value.missing == (WIRE_NAMES[attribute],)


def test_the_display_name_is_escaped_for_the_library_that_does_not() -> None:
    provisioning = attrs.evolve(PBX, profile_name='The "Desk" \\ 700')
    assert sip.sipjs(provisioning)["displayName"] == r"The \"Desk\" \\ 700"
    assert sip.jssip(provisioning)["display_name"] == 'The "Desk" \\ 700'


def test_jssips_instance_is_the_devices_own() -> None:
    assert sip.jssip(PROXY, SESSION)["instance_id"] == sip.jssip(PBX)["instance_id"]
    other = attrs.evolve(PBX, contact_user_name="c701")
    assert sip.jssip(PBX)["instance_id"] != sip.jssip(other)["instance_id"]


@both_libraries
def test_a_display_name_and_a_jwt_are_optional(configure: Configure) -> None:
    configuration = configure(attrs.evolve(PROXY, profile_name=None, sip_jwt=None), SESSION)
    assert configuration.get("displayName", configuration.get("display_name")) == ""
    assert configuration["extraHeaders"] == HEADERS[:2]


@pytest.mark.parametrize(
    ("mode", "host"),
    [
        ("Proxy", "ws-eu-west-1.siperb.com"),
        ("proxy", "ws-eu-west-1.siperb.example"),
        ("WebSocket", "ws-eu-west-1.siperb.com"),
        ("WebSocket", "WS.SIPERB.COM"),
        (None, "ws.siperb.com"),
    ],
)
def test_siperbs_own_proxy_gets_the_headers(mode: str | None, host: str) -> None:
    provisioning = attrs.evolve(PROXY, registration_mode=mode, sip_wss_server=host)
    assert sip.extra_headers(provisioning, SESSION) == HEADERS
    own = attrs.evolve(provisioning, user_id=SESSION.user_id)
    assert sip.extra_headers(own, SESSION) == HEADERS


@pytest.mark.parametrize("session", [None, attrs.evolve(SESSION, user_id="0" * 32)], ids=["none", "another user's"])
@both_libraries
def test_a_proxy_that_gets_no_session_of_the_documents_user_is_named(
    configure: Configure, session: Session | None
) -> None:
    """Without Proxy the host is Siperb's too, and may do without."""
    theirs = attrs.evolve(PROXY, user_id=SESSION.user_id)
    with pytest.raises(IncompleteProvisioningError, match="log in as that user") as caught:
        configure(theirs, session)
    assert caught.value.missing == ("X-Siperb-Sid",)
    direct = attrs.evolve(theirs, registration_mode="WebSocket")
    assert configure(direct, session)["extraHeaders"] == HEADERS[2:]


@pytest.mark.parametrize(
    "host", ["pbx.example.test", "evilsiperb.com", "siperb.com.example.test", "127.0.0.1", "siperb.com"]
)
@pytest.mark.parametrize("session", [None, SESSION])
@both_libraries
def test_a_proxy_that_is_not_siperbs_is_named(configure: Configure, host: str, session: Session | None) -> None:
    with pytest.raises(IncompleteProvisioningError, match="no host of Siperb's") as caught:
        configure(attrs.evolve(PROXY, sip_wss_server=host), session)
    assert caught.value.missing == ("SipWssServer",)


def test_a_proxy_on_loopback_is_siperbs_when_insecure_is_asked_for() -> None:
    loopback = attrs.evolve(PROXY, sip_wss_server="127.0.0.1")
    assert sip.extra_headers(loopback, SESSION, insecure=True) == HEADERS
    assert sip.jssip(loopback, SESSION, insecure=True)["extraHeaders"] == HEADERS
    assert sip.jssip(attrs.evolve(PBX, sip_wss_server="127.0.0.1"), SESSION, insecure=True)["extraHeaders"] == []


@both_libraries
def test_what_is_no_session_is_said_so(configure: Configure) -> None:
    with pytest.raises(ConfigurationError, match="must be a Session"):
        configure(PROXY, SESSION.session_token)


def test_a_document_says_nothing_of_whose_it_is() -> None:
    """The user of the device writes it."""
    document = {"user_id": "evil", "UserId": "evil", "userId": "evil", "SipUsername": "u"}
    assert structure(Provisioning, document, "The document").user_id is None


@pytest.mark.parametrize(
    "host", ["pbx.example.test", "evilsiperb.com", "siperb.com.example.test", "siperb.community", "127.0.0.1"]
)
@pytest.mark.parametrize("mode", ["WebSocket", "", None])
@both_libraries
def test_nobody_elses_registrar_gets_a_token(configure: Configure, mode: str | None, host: str) -> None:
    provisioning = attrs.evolve(PROXY, registration_mode=mode, sip_wss_server=host)
    emitted = json.dumps(configure(provisioning, SESSION))
    assert json.loads(emitted)["extraHeaders"] == []
    for secret in SESSION.session_token, PROXY.sip_jwt:
        assert str(secret) not in emitted


@pytest.mark.parametrize(
    "call",
    [
        lambda: sip.jssip(attrs.evolve(PROXY, sip_server_path=None), SESSION),
        lambda: sip.sipjs(attrs.evolve(PROXY, sip_domain="a b"), SESSION),
        lambda: sip.sipjs(PROXY, attrs.evolve(SESSION, session_token="havHcBwB\n")),
        lambda: sip.jssip(PROXY, SESSION, insecure=True),
        lambda: sip.extra_headers(PROXY),
        lambda: sip.check(attrs.evolve(PROXY, sip_domain=None)),
        lambda: sip.websocket_url(attrs.evolve(PROXY, sip_server_path=None)),
        lambda: Question.of(attrs.evolve(PROXY, sip_domain=None), SESSION),
    ],
)
def test_an_error_leaves_without_frames_that_hold_secrets(call: Callable[[], object]) -> None:
    with pytest.raises(SiperbError) as caught:
        call()
    error = caught.value
    assert (error.__cause__, error.__context__) == (None, None)
    frames = [frame for frame, _ in walk_tb(error.__traceback__) if of_the_package(frame)]
    for value in [value for frame in frames for value in frame.f_locals.values()]:
        assert not re.search("p8fe4c|havHcBwB|eyJhbGci", repr(value))
    assert frames[-1].f_code.co_name == "call"


@both_libraries
def test_no_option_that_would_spill_a_token_or_break_the_digest(configure: Configure) -> None:
    assert not {"authorization_jwt", "extra_headers"} & set(configure(PROXY, SESSION))


def test_a_document_that_is_complete_passes_the_check() -> None:
    sip.check(PROXY)
    with pytest.raises(IncompleteProvisioningError) as caught:
        sip.check(attrs.evolve(PROXY, sip_password=None, sip_jwt="a b"))
    assert set(caught.value.missing) == {"SipPassword", "SipJwt"}


@both_libraries
def test_all_that_is_missing_is_named_at_once(configure: Configure) -> None:
    with pytest.raises(IncompleteProvisioningError, match="fetch its provisioning again") as caught:
        configure(Provisioning(sip_password="", sip_websocket_port=0))
    assert set(caught.value.missing) == {WIRE_NAMES[name] for name in REQUIRED}


@pytest.mark.parametrize(
    ("function", "missing"),
    [
        (sip.websocket_url, ("SipWssServer", "SipWebsocketPort", "SipServerPath")),
        (sip.sip_uri, ("SipUsername", "SipDomain")),
        (sip.contact_uri, ("ContactUserName", "SipDomain")),
        (sip.extra_headers, ("SipWssServer",)),
    ],
)
def test_each_function_asks_for_what_it_uses(function: Callable[[Provisioning], Any], missing: tuple[str]) -> None:
    with pytest.raises(IncompleteProvisioningError) as caught:
        function(Provisioning())
    assert caught.value.missing == missing


@both_libraries
def test_no_provisioning_is_said_so(configure: Configure) -> None:
    with pytest.raises(ConfigurationError, match="get_provisioning"):
        configure(None)
