"""A stand-in for Alertmanager on a real socket: it takes alerts as version 2 of the API does."""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Alerts = list[dict[str, Any]]  # JSON of ours
Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer(status: int, text: str = "", kind: str = "application/json", **headers: str) -> Reply:
    """Answer a request with *status*."""

    async def reply(request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=text, content_type=kind, headers=named)

    return reply


async def hang(request: web.Request) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


async def break_off(request: web.Request) -> web.StreamResponse:
    """Begin an answer and close."""
    reply = web.StreamResponse(headers={"Content-Length": "100"})
    await reply.prepare(request)
    assert request.transport is not None
    request.transport.close()
    return reply


def refuses(word: str, status: int = 400) -> Reply:
    """Refuse requests in which some alert says *word*; the others of them count."""

    async def reply(request: web.Request) -> web.StreamResponse:
        double: Double = request.app[_DOUBLE]
        alerts = await request.json()
        bad = [alert for alert in alerts if word in str(alert)]
        if status == 400:
            double.take([alert for alert in alerts if alert not in bad])
        if not bad:
            return await _take(request)
        return web.json_response(f"bad alert: {word}", status=status)

    return reply


class Double:
    """An Alertmanager; *replies* are given first, once each, then *always* or as it should be."""

    def __init__(self) -> None:
        self.replies: deque[Reply] = deque()
        self.always: Reply | None = None
        self.requests: list[tuple[str, str, Alerts]] = []  # path, authorization, alerts
        self.told: list[tuple[str, bool]] = []  # of each alert the name, and whether it ended
        self.url = ""

    def take(self, alerts: Alerts) -> None:
        """Know of *alerts*."""
        for alert in alerts:
            over = alert["endsAt"] <= self.now()
            self.told.append((alert["labels"]["alertname"], over))

    def now(self) -> str:
        """Return the time that ends are held against."""
        return self.clock()

    clock: Callable[[], str] = staticmethod(lambda: "2026-10-03T14:00:00.000Z")


_DOUBLE = web.AppKey("double", Double)


async def _take(request: web.Request) -> web.StreamResponse:
    request.app[_DOUBLE].take(await request.json())
    return web.Response()


@asynccontextmanager
async def alertmanager(trust: ssl.SSLContext | None = None) -> AsyncIterator[Double]:
    """Run one on loopback."""
    double = Double()

    async def posted(request: web.Request) -> web.StreamResponse:
        seen = request.path, request.headers.get("Authorization", ""), await request.json()
        double.requests.append(seen)
        reply = double.replies.popleft() if double.replies else double.always or _take
        return await reply(request)

    app = web.Application(client_max_size=1 << 24)
    app[_DOUBLE] = double
    app.router.add_post("/{path:.*}", posted)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=trust)
    await site.start()
    scheme = "http" if trust is None else "https"
    double.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield double
    finally:
        await runner.cleanup()
