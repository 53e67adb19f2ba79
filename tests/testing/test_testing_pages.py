"""The lists of the loopback API in pages."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from plain_client import get

from siperb.testing import SiperbServer
from siperb.testing.pages import page


def test_pages_follow_each_other() -> None:
    first, token = page(range(5), "search=x", 2)
    assert token
    second, after = page(range(5), f"search=x&nextToken={quote(token, safe='')}", 2)
    assert after
    third, end = page(range(5), f"nextToken={quote(after, safe='')}", 2)
    assert ([*first], [*second], [*third], end) == ([0, 1], [2, 3], [4], None)


@pytest.mark.parametrize("size", [5, 6, None])
def test_a_list_that_is_one_page(size: int | None) -> None:
    assert page("abcde", "", size) == ("abcde", None)


def test_an_empty_list_is_one_page() -> None:
    assert page([], "", 1) == ([], None)


def test_a_token_that_is_not_quoted_is_refused() -> None:
    _, token = page(range(5), "", 2)
    for said in (token, "x", "", quote("x/+&=%2B", safe=""), quote("cGFnZSA5OQ==/+&=%2B", safe="")):
        with pytest.raises(ValueError, match=r".+"):
            page(range(5), f"nextToken={said}", 2)


def test_the_api_answers_400_to_a_token_of_no_page(server: SiperbServer) -> None:
    for size in None, 1:
        server.page_size = size
        assert get(server, "/Devices/?nextToken=x")[0] == 400
    assert len(get(server, "/Devices/")[1]) == 1
