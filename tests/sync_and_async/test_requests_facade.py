"""What only the requests facade does, at its real address, with `responses` in the place of the network."""

from __future__ import annotations

import base64
import gc
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import requests
import responses
from facades import chain
from requests.adapters import HTTPAdapter

from siperb import APIConnectionError, APIResponseError, APITimeoutError, AuthenticationError, Siperb, SiperbError

URL = "https://api.siperb.com"
LOGIN = {"UserId": "ann", "SessionToken": "t,1"}


@pytest.fixture
def api() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def client() -> Iterator[Siperb]:
    with Siperb("the-pat", state=None, max_retries=0) as client:
        yield client


def test_the_address_unless_told_otherwise(api: responses.RequestsMock, client: Siperb) -> None:
    api.post(f"{URL}/Login", json=LOGIN)
    api.get(f"{URL}/Users/ann/Devices/", json=[{"DeviceToken": "t1", "Platform": "script"}])
    api.get(f"{URL}/Users/ann/Devices/t1/?password=yes&settings_json=yes", json={"Platform": "script"})
    devices = client.get_devices()
    assert devices
    assert client.get_provisioning(devices[0].device_token) is not None
    assert [call.request.method for call in api.calls] == ["POST", "GET", "GET"]
    assert api.calls[0].request.headers["Authorization"] == "Bearer the-pat"
    assert api.calls[0].request.headers["Content-Type"] == "application/json"
    assert api.calls[0].request.body is None
    assert api.calls[1].request.headers["X-Api-Key"] == "t,1"
    assert "Authorization" not in api.calls[1].request.headers


@pytest.mark.parametrize("given", [False, True])
def test_a_netrc_does_not_touch_a_request(
    given: bool, api: responses.RequestsMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.siperb.com login mallory password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with requests.Session() as session:
        probe = session.prepare_request(requests.Request("GET", URL))
        basic = base64.b64encode(b"mallory:hunter2").decode()
        assert probe.headers["Authorization"] == f"Basic {basic}", "requests would use it"
        api.post(f"{URL}/Login", json=LOGIN)
        api.get(f"{URL}/Users/ann/Devices/", json=[])
        with Siperb("the-pat", state=None, http_session=session if given else None) as client:
            assert client.get_devices() == []
    assert api.calls[0].request.headers["Authorization"] == "Bearer the-pat"
    assert "Authorization" not in api.calls[1].request.headers


def test_the_users_session_is_used_and_left_as_it_was(api: responses.RequestsMock) -> None:
    api.post(f"{URL}/Login", json=LOGIN, headers={"Set-Cookie": "a=b"})
    with requests.Session() as session:
        session.headers["X-Proxy-Team"] = "voip"
        before = dict(session.headers)
        with Siperb("the-pat", state=None, http_session=session) as client:
            client.login()
        assert api.calls[0].request.headers["X-Proxy-Team"] == "voip"
        assert api.calls[0].request.headers["Authorization"] == "Bearer the-pat"
        assert dict(session.headers) == before
        api.get(URL, body="still open")
        assert session.get(URL).text == "still open"


FAILURES = [
    (requests.ConnectionError("https://api.siperb.com/Users/ann secret"), APIConnectionError),
    (requests.exceptions.SSLError("secret"), APIConnectionError),
    (requests.exceptions.ProxyError("secret"), APIConnectionError),
    (requests.ConnectTimeout("secret"), APITimeoutError),
    (requests.ReadTimeout("secret"), APITimeoutError),
    (requests.exceptions.ChunkedEncodingError("secret"), APIConnectionError),
    (requests.exceptions.ContentDecodingError("secret"), APIConnectionError),
    (OSError("secret"), APIConnectionError),
]


@pytest.mark.parametrize(("failure", "kind"), FAILURES, ids=lambda value: getattr(value, "__name__", ""))
def test_no_exception_of_requests_leaves_it(
    api: responses.RequestsMock, client: Siperb, failure: Exception, kind: type[SiperbError]
) -> None:
    api.post(f"{URL}/Login", body=failure)
    with pytest.raises(kind) as caught:
        client.login()
    assert type(caught.value) is kind
    assert chain(caught.value) == [caught.value]
    assert "secret" not in str(caught.value) + repr(caught.value)
    assert str(caught.value).startswith("POST /Login got no answer: ")


def test_a_redirect_is_not_followed(api: responses.RequestsMock, client: Siperb) -> None:
    api.post(f"{URL}/Login", status=307, headers={"Location": "https://evil.example/Login"})
    with pytest.raises(APIResponseError, match="redirect"):
        client.login()
    assert len(api.calls) == 1


def test_a_status_is_an_error_of_the_tree(api: responses.RequestsMock, client: Siperb) -> None:
    api.post(f"{URL}/Login", status=401, json={"message": "no"})
    with pytest.raises(AuthenticationError) as caught:
        client.login()
    assert chain(caught.value) == [caught.value]


class Canned(HTTPAdapter):
    """An adapter of the user's own, whose answers no urllib3 has made."""

    closed = 0

    def send(self, request: requests.PreparedRequest, *args: object, **kwargs: object) -> requests.Response:
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 200, str(request.url), request
        answer.raw = BytesIO(json.dumps(LOGIN if request.method == "POST" else []).encode())
        return answer

    def close(self) -> None:
        self.closed += 1


def test_a_session_with_an_adapter_of_its_own() -> None:
    class Closing(requests.Session):
        def __del__(self) -> None:
            self.close()

    session, adapter = Closing(), Canned()
    session.mount("https://", adapter)
    with Siperb("the-pat", state=None, http_session=session, strict=True) as client:
        assert client.get_devices() == []
        assert len(list(client.provision_all(["t0", "t1", "t2"], concurrency=2))) == 3
    gc.collect()
    assert adapter.closed == 0  # neither by the client nor with the copies for its threads
