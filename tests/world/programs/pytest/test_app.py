"""An application's own tests, with the fixture of siperb: plain, of asyncio, and of anyio on both of its backends."""

import random

import pytest

from siperb import AsyncSiperb, ConfigurationError, Siperb, SiperbAPI


@pytest.mark.parametrize("number", range(4))
def test_each_worker_has_its_own_api(siperb_server, number):
    assert len(Siperb.get_devices()) == 2
    assert [request.route for request in siperb_server.requests][-1] == "devices"
    assert siperb_server.user.user_id == SiperbAPI.USER_ID


@pytest.mark.asyncio
async def test_with_asyncio(siperb_server):
    async with AsyncSiperb(strict=True) as client:
        assert len(await client.get_devices()) == 2


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_with_anyio(siperb_server, anyio_backend):
    async with AsyncSiperb(strict=True) as client:
        assert len(await client.get_devices()) == 2


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_with_anyio_on_trio(siperb_server, anyio_backend):
    async with AsyncSiperb(strict=True) as client:
        with pytest.raises(ConfigurationError, match="asyncio"):
            await client.get_devices()


def test_the_seed_of_randomly_is_left_alone(siperb_server):
    state = random.getstate()
    Siperb.get_devices()
    assert random.getstate() == state
