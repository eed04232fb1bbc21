"""What the daemon serves: metrics and health, on loopback unless told otherwise."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

from aiohttp import web

from uptimed.core.minutes import moment_of
from uptimed.core.snapshot import Snapshot

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
}

_COMPRESSED_ASIDE = 16 * 1024  # bytes from which on a page is compressed off the loop

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_INDEX = """\
uptimed

/metrics   for Prometheus
/healthz   is the monitor well?
/readyz    is it looking?
"""


class Site:
    """Answers from the snapshot of the moment."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        metrics: Callable[[Snapshot], bytes],
        ready: Callable[[], bool],
    ) -> None:
        self._snapshot, self._page, self._ready = snapshot, metrics, ready

    def application(self) -> web.Application:
        """Return the routes."""
        application = web.Application(client_max_size=1024)
        application.router.add_get("/", self._index)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        return application

    async def _index(self, _request: web.Request) -> web.Response:
        return web.Response(text=_INDEX, headers=_HEADERS)

    async def _metrics(self, _request: web.Request) -> web.Response:
        # Thousands of probes take tens of milliseconds, which the looks shall not wait for.
        body = await asyncio.to_thread(self._page, self._snapshot())
        answer = web.Response(
            body=body,
            headers={**_HEADERS, "Content-Type": _METRICS_TYPE},
            zlib_executor_size=_COMPRESSED_ASIDE,
        )
        answer.enable_compression()
        return answer

    async def _healthz(self, _request: web.Request) -> web.Response:
        snapshot = self._snapshot()
        return _json(health(snapshot), status=200 if snapshot.healthy else 503)

    async def _readyz(self, _request: web.Request) -> web.Response:
        ready = self._ready()
        return _json({"ready": ready}, status=200 if ready else 503)


def health(snapshot: Snapshot) -> Mapping[str, object]:
    """Return how the monitor is, with a sentence for everything that is not well."""
    problems: list[str] = []
    if not snapshot.store.ok:
        problems.append(
            f"the journal cannot be written: {snapshot.store.error}; "
            f"{snapshot.store.backlog} attempts wait in memory"
        )
    if snapshot.references_failed:
        problems.append("no reference answers: the monitor's own network is out")
    if not snapshot.config.ok:
        problems.append(f"the last configuration was refused: {snapshot.config.error}")
    if not snapshot.healthy and not problems:
        problems.append("the event loop is held up, or the clock is off")
    return {
        "status": "ok" if snapshot.healthy else "unwell",
        "version": snapshot.software,
        "vantage": snapshot.vantage,
        "started_at": _shown(moment_of(snapshot.started_at)),
        "services": len(snapshot.services),
        "probes": len(snapshot.probes),
        "problems": problems,
    }


def _shown(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _json(content: Mapping[str, object], *, status: int) -> web.Response:
    return web.json_response(content, status=status, headers=_HEADERS)


@asynccontextmanager
async def serving(
    host: str,
    port: int,
    snapshot: Callable[[], Snapshot],
    metrics: Callable[[Snapshot], bytes],
    *,
    ready: Callable[[], bool],
) -> AsyncIterator[int]:
    """Serve on *host* and *port* (0 takes a free one), which is yielded. Raise OSError when taken.

    *metrics* makes the metrics page of a snapshot; it is called in a thread. *ready* says whether
    looks are being made.
    """
    application = Site(snapshot, metrics, ready).application()
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
