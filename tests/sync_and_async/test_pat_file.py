"""``SIPERB_PAT_FILE``: a token that is mounted as a file, as the tools of each system write one."""

from __future__ import annotations

from pathlib import Path

import pytest
from facades import Facade

from siperb import ConfigurationError, MemoryCache, MissingCredentialsError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIPERB_PAT_FILE", str(tmp_path / "pat"))
    return tmp_path / "pat"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_file_holds_the_token(facade: Facade, file: Path, encoding: str, end: str) -> None:
    file.write_bytes(f"{facade.server.pat}{end}".encode(encoding))
    client = facade.bare_client(base_url=facade.server.base_url, strict=True, cache=MemoryCache())
    assert facade.call(client.get_devices)
    assert facade.server.requests[0].headers["Authorization"] == f"Bearer {facade.server.pat}"


def test_the_variable_and_the_argument_come_first(facade: Facade, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("pat-of-the-file")
    assert facade.call(facade.client(strict=True).login)
    monkeypatch.setenv("SIPERB_PAT", facade.server.pat)
    assert facade.call(facade.bare_client(base_url=facade.server.base_url, strict=True).login)


def test_it_is_read_again_for_each_new_login(facade: Facade, file: Path) -> None:
    client = facade.bare_client(base_url=facade.server.base_url, strict=True)
    with pytest.raises(MissingCredentialsError):
        facade.call(client.login)
    file.write_text(facade.server.pat)
    assert facade.call(client.login)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"", "it is empty"),
        (b"\xef\xbb\xbf \r\n", "it is empty"),
        (b"hush\xff", "it is not a text file"),
        (b"hush hush2", "it holds more than a token"),
        ("hüsh".encode(), "malformed"),
    ],
)
def test_a_file_without_a_token_is_named_and_not_shown(
    facade: Facade, file: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        file.write_bytes(content)
    client = facade.bare_client(base_url=facade.server.base_url)
    for method in client.login, client.get_devices:
        with pytest.raises(ConfigurationError, match=said) as caught:
            facade.call(method)
        assert "SIPERB_PAT_FILE" in str(caught.value)
        assert "sh2" not in str(caught.value)
        assert "hush" not in str(caught.value)
    assert not facade.server.requests
