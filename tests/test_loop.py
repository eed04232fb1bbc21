"""The daemon's event loop."""

import asyncio
import socket
from collections.abc import Coroutine
from typing import Any, TypeVar

from uptimed.loop import Loop

T = TypeVar("T")


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(work)


def test_an_address_of_no_kind_is_looked_up_for_streams_alone() -> None:
    async def kinds() -> list[int]:
        found = await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)
        return [kind for _, kind, *_ in found]

    assert in_loop(kinds()) == [socket.SOCK_STREAM]


def test_a_named_kind_stays_what_it_is() -> None:
    async def kinds() -> list[int]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo("127.0.0.1", 53, type=socket.SOCK_DGRAM)
        return [kind for _, kind, *_ in found]

    assert in_loop(kinds()) == [socket.SOCK_DGRAM]


def test_a_socket_is_connected_to_a_number() -> None:
    async def both_ends() -> tuple[object, object]:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as ours:
            ours.setblocking(False)
            await asyncio.get_running_loop().sock_connect(ours, server.getsockname())
            return ours.getpeername(), server.getsockname()

    ours, server = in_loop(both_ends())
    assert ours == server
