"""The code blocks of README.md and of the pages under docs/, and how each is run."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from attrs import frozen
from patience import patient_python

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").rglob("*.md"))

# By the framework that a block imports: what a visitor of its `app` does.
VISITS = {
    "fastapi": """
import asyncio
import httpx
async def visit():
    at = {"transport": httpx.ASGITransport(app), "base_url": "http://testserver"}
    async with app.router.lifespan_context(app), httpx.AsyncClient(**at) as page:
        print((await page.get("/phone")).text)
asyncio.run(visit())""",
    "flask": 'print(app.test_client().get("/phone").text)',
    "django": """
import django
from django.test import Client
django.setup()
print(Client().get("/phone").content.decode())""",
    "celery": """
from celery.contrib.testing.worker import start_worker
with start_worker(app, perform_ping_check=False):
    print({onboard.delay("anna@contact.example").get(timeout=30) for _ in range(2)})""",
    "aiohttp": """
import asyncio
from aiohttp.test_utils import TestClient, TestServer
async def visit():
    async with TestClient(TestServer(app)) as page, page.get("/phone") as answer:
        print(await answer.text())
asyncio.run(visit())""",
}


@frozen
class Block:
    """A fenced block, and where it stands."""

    language: str
    code: str
    page: Path
    line: int

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_test(self) -> bool:
        return self.language == "python" and "def test_" in self.code

    @property
    def visit(self) -> str | None:
        """How its service is visited; None if it is no service."""
        found = re.search(rf"^(?:from|import) ({'|'.join(VISITS)})\b", self.code, re.MULTILINE)
        return VISITS[found[1]] if found and re.search(r"^(?:app|urlpatterns) = ", self.code, re.MULTILINE) else None

    @property
    def is_script(self) -> bool:
        return self.language == "python" and not self.is_test and self.visit is None

    def run(self) -> subprocess.CompletedProcess[str]:
        """Its Python in a process of its own, with the visit if it is a service."""
        return run_python("-c", f"{self.code}\n{self.visit or ''}")


def blocks_of(*pages: Path) -> list[Block]:
    return [
        Block(block[1], block[2], page, text[: block.start()].count("\n") + 1)
        for page in pages
        for text in [page.read_text(encoding="utf-8")]
        for block in re.finditer(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    ]


def run_python(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """In a process of its own, without a keyring."""
    return subprocess.run(
        patient_python(*arguments),
        env={**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
