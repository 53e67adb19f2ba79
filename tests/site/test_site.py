"""The built site: every link leads somewhere, every public name is documented, and nothing is loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pages import PAGES, ROOT

import siperb
import siperb.cache
import siperb.phone
import siperb.sip
import siperb.testing

BUILT = ROOT / "build" / "site"
REPOSITORY = "https://github.com/siperb/siperb-python"
LOADED = {"script": "src", "link": "href", "img": "src", "source": "src", "iframe": "src"}


class Page(HTMLParser):
    """The ids, links and loaded files of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids = set[str]()
        self.links = list[str]()
        self.loaded = list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids |= {found.get("id") or "", found.get("name") or ""}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"] or "")
        if tag in LOADED and found.get("rel") not in ("canonical", "prev", "next", "alternate"):
            self.loaded.append(found.get(LOADED[tag]) or "")


SITE = {
    path.relative_to(BUILT): Page(path.read_text(encoding="utf-8")) for path in BUILT.rglob("*.html")
}  # as `tox -e docs` has just built it


def test_every_page_is_built_and_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    for page in PAGES:
        name = page.relative_to(ROOT / "docs")
        assert name.with_suffix(".html") in SITE
        assert re.search(rf": {re.escape(name.as_posix())}$", navigation, re.MULTILINE)


def test_every_link_leads_somewhere() -> None:
    broken = [f"{name}: {link}" for name, page in SITE.items() for link in page.links if not leads(name, link)]
    assert broken == []


def leads(name: Path, link: str) -> bool:
    parts = urlsplit(link)
    if link.startswith((f"{REPOSITORY}/blob/main/", f"{REPOSITORY}/tree/main/")):
        return (ROOT / parts.path.split("/main/", 1)[1]).exists()
    if parts.scheme:
        return parts.scheme == "https"
    if name == Path("404.html"):
        return True  # its links are those of the published address
    target = Path(*resolved(name.parent / unquote(parts.path))) if parts.path else name
    if target.suffix != ".html":
        return (ROOT / "docs" / target).exists() or target == Path() or target / "index.html" in SITE
    return target in SITE and (not parts.fragment or unquote(parts.fragment) in SITE[target].ids)


def resolved(path: Path) -> Iterator[str]:
    kept: list[str] = []
    for part in path.parts:
        if part == "..":
            kept.pop()
        elif part != ".":
            kept.append(part)
    return iter(kept)


def test_every_public_name_is_documented() -> None:
    documented = set[str]().union(*(page.ids for path, page in SITE.items() if path.parts[0] == "reference"))
    rooms = siperb, siperb.sip, siperb.phone, siperb.testing, siperb.cache
    names = {f"{room.__name__}.{name}" for room in rooms for name in room.__all__}
    names -= {f"siperb.cache.{name}" for name in siperb.__all__}  # one object, documented under its shorter name
    assert names - documented == {"siperb.__version__", "siperb.cache.default_cache"}


@pytest.mark.parametrize("client", [siperb.Siperb, siperb.AsyncSiperb])
def test_every_call_is_documented_and_nothing_private(client: type) -> None:
    page = SITE[Path("reference", "siperb.html" if client is siperb.Siperb else "async-siperb.html")]
    calls = {f"siperb.{client.__name__}.{name}" for name in dir(client) if not name.startswith("_")}
    assert calls - page.ids == set()
    assert [name for name in page.ids if re.search(r"\._[a-z]", name)] == []


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert [file for page in SITE.values() for file in page.loaded if urlsplit(file).netloc] == []
