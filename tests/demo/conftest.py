"""A sandbox on free ports of this machine, and someone to visit it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from uptimed.demo.crm import SandboxCrm


@pytest.fixture
async def crm() -> AsyncIterator[SandboxCrm]:
    # Longer than any test waits: what is slow here never comes by itself.
    async with SandboxCrm("127.0.0.1", 0, 0, slow_s=60) as crm:
        yield crm


@pytest.fixture
async def visitor() -> AsyncIterator[aiohttp.ClientSession]:
    # Cookies of addresses are taken too: the sandbox has no name.
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(
        cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=5)
    ) as session:
        yield session
