"""What several monitors share, in a thread of its own: a stand-in for InfluxDB, and ways to it."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from tests.stores.influx_double import InfluxDouble
from tests.stores.influx_flux import answered

T = TypeVar("T")

LOOKS, LETTERS = "uptimed_looks", "uptimed_letters"


class Way:
    """A way to the server that can be cut and mended: a TCP relay."""

    def __init__(self, backbone: "Backbone") -> None:
        self._backbone = backbone
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def mend(self) -> None:
        """Let everything through."""
        self._backbone.do(self._start())

    def cut(self) -> None:
        """Break off what is on its way, and let nothing through from now on."""
        self._backbone.do(self._stop())

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.transport.abort()
            self._server = None

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._backbone.influx.port)
        self._open |= {writer, back}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pass_on(reader, back))
                group.create_task(_pass_on(there, writer))
        finally:
            for one in (writer, back):
                self._open.discard(one)
                one.close()


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await source.read(65_536):
            target.write(chunk)
            await target.drain()
    target.close()


class Backbone:
    """The server, and the loop that it and all ways to it run in."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self.influx = InfluxDouble(points={LOOKS: {}, LETTERS: {}})
        self.influx.rows = lambda query: answered(self.influx.points, query)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Have *work* done in the loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def run(self) -> None:
        """Run the loop until it is stopped."""
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.wait(left))
        self._loop.close()

    def stop(self) -> None:
        """Stop the loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)


@contextmanager
def backbone(ways: int) -> Iterator[tuple[Backbone, list[Way]]]:
    """Run the server and so many ways to it, all of them open."""
    made = Backbone()
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        made.do(made.influx.start())
        found = [Way(made) for _ in range(ways)]
        for way in found:
            way.mend()
        try:
            yield made, found
        finally:
            for way in found:
                way.cut()
            made.do(made.influx.stop())
    finally:
        made.stop()
        thread.join()
