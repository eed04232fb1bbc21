"""Servers that behave badly, each in one way, on a port of loopback of their own.

A server is a coroutine that is given the two ends of a connection; `serving` runs it. Whatever it
is still doing when the test is over is cancelled.
"""

import asyncio
import gzip
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(
    talk: Talk, *, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """Run *talk* on every connection to the port that this yields."""
    talking: set[asyncio.Task[object]] = set()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talking.add(task)
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the probe has had enough
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            talking.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(guarded, host, 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for task in list(talking):
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)


async def pause(seconds: float) -> None:
    """Wait, as a slow server does."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


async def finish(writer: asyncio.StreamWriter) -> None:
    """Send what is left and close in good order."""
    await writer.drain()
    writer.close()
    with suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()


def response(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """Return an HTTP response; `_` in the name of a header is `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("Content-Length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def answering(raw: bytes) -> Talk:
    """Answer every request with *raw* and close."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await finish(writer)

    return talk


def pages(by_path: Mapping[str, bytes]) -> Talk:
    """Answer each path with its own response."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].decode()
        writer.write(by_path.get(path, response(b"no such page", "404 Not Found")))
        await finish(writer)

    return talk


def echoing(*, prefix: bytes = b"") -> Talk:
    """Give the request's head back: in the body, in a header and in a redirect."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        secret = next(
            (line.partition(b":")[2].strip() for line in head.split(b"\r\n") if b"X-Api" in line),
            b"",
        ).decode()
        page = response(head, X_Status_Reason=secret, Location=f"/?{secret}", Server=secret)
        writer.write(prefix + page)
        await finish(writer)

    return talk


async def hanging(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Take the request and never answer."""
    await reader.read()
    await asyncio.Event().wait()


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the request and hang up."""
    await reader.readuntil(b"\r\n\r\n")
    await finish(writer)


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a body byte by byte, for ever."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(response(Content_Length="1000000"))
    while True:
        writer.write(b"x")
        await writer.drain()
        await pause(0.02)


async def slow_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a head that never ends, line by line."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: x\r\n")
        await writer.drain()
        await pause(0.02)


async def endless_header(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send one line of a head that never ends, as fast as it is taken."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def endless_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a body that never ends, as fast as it is taken."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    while True:
        writer.write(chunk)
        await writer.drain()


async def endless_redirects(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Redirect to another page of its own, always."""
    head = await reader.readuntil(b"\r\n\r\n")
    path = head.split(b" ", 2)[1].decode()
    writer.write(response(status="302 Found", Location=path + "x"))
    await finish(writer)


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send half of a body, then reset the connection."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(response(Content_Length="1000") + b"x" * 500)
    await writer.drain()
    opened = writer.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def bomb(size: int) -> bytes:
    """Return a response whose small body becomes *size* bytes."""
    return response(gzip.compress(bytes(size), 9), Content_Encoding="gzip")


@contextmanager
def closed_port() -> Iterator[int]:
    """Yield a port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # bound, so that nobody else gets it, but not listening
        yield sock.getsockname()[1]


@contextmanager
def full_backlog() -> Iterator[int]:
    """Yield a port whose queue is full: the system drops whoever knocks."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        knocking = [socket.socket() for _ in range(4)]
        for sock in knocking:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        try:
            yield port
        finally:
            for sock in knocking:
                sock.close()


def http_proxy(*, allow: bool = True) -> Talk:
    """Carry `CONNECT` and plain requests to where they want to go, if *allow*."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, where, _ = head.decode().split(" ", 2)
        if not allow:
            writer.write(response(b"no", "407 Proxy Authentication Required"))
            return await finish(writer)
        if method != "CONNECT":
            writer.write(response(b"Login, by way of a proxy"))
            return await finish(writer)
        host, _, port = where.rpartition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_carry(reader, far_writer))
                both.create_task(_carry(far_reader, writer))
        finally:
            far_writer.transport.abort()
        return None

    return talk


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.transport.abort()
