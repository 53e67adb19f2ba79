"""The examples in the docstrings of a phone run, with somebody to call, and somebody who calls."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import textwrap
from typing import Any

import pytest
from siperb_phone.small_proxy import running_proxy

import siperb.phone
from siperb.phone import Call, Phone


@pytest.mark.parametrize("shown", [Phone, Phone.call, Call], ids=lambda shown: str(shown.__qualname__))
async def test_an_example_runs(shown: Any, capsys: pytest.CaptureFixture[str]) -> None:
    [code] = re.findall(r"```python\n(.*?)```", inspect.getdoc(shown) or "", re.DOTALL)
    async with running_proxy() as proxy, Phone(proxy.phone(701), insecure=True) as other:

        async def answer() -> None:
            async for call in other:
                await call.answer()

        async def call_it() -> None:
            await proxy.until(lambda: proxy.bindings.get("u702"))
            call = await other.call("u702")
            await call.hang_up()

        serving = asyncio.ensure_future(call_it() if shown is Phone else answer())
        names = {"Phone": Phone, "provisioning": proxy.phone(702)}
        code = textwrap.dedent(code).replace('"echo"', '"u701"')
        compiled = compile(code, "example", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        await asyncio.wait_for(eval(compiled, names), 20)
        serving.cancel()
    assert ("PEER_HUNG_UP" in capsys.readouterr().out) == (shown is Phone)


def test_no_example_is_forgotten() -> None:
    kinds = [getattr(siperb.phone, name) for name in siperb.phone.__all__]
    everything = [each for kind in kinds for each in (kind, *vars(kind).values())]
    shown = [each for each in everything if "Example:" in (getattr(each, "__doc__", "") or "")]
    assert shown == [Call, Phone, Phone.call]
