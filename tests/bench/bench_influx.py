"""What bringing looks to InfluxDB costs: draining a backlog, and following while looking.

The server here takes everything and keeps nothing. A backlog, looks and the letters made of them,
is drained by the follower in a process of its own, pinned to one core; the floor is the same lines
of the looks, written already, compressed and posted one after the other by plain aiohttp. Then a
daemon looks at nginx three times: without InfluxDB, with it, and with it away.

    python -m tests.bench.bench_influx [--points N] [--probes N] [--seconds N]
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from tests.bench import bench_import, ground, looking
from uptimed.clock import SystemClock
from uptimed.config import load
from uptimed.core.lookfile import write_jsonl
from uptimed.core.settings import Settings
from uptimed.stores.influx import backlog, influx_follower
from uptimed.stores.influx_points import catalogue_of
from uptimed.stores.influx_server import packed
from uptimed.stores.influx_source import Source
from uptimed.stores.sqlite import SqliteJournal, open_reader

POINTS_A_SECOND, MEGABYTES, SHARE = 20_000.0, 150.0, 10.0  # wanted
LAG_MS = 50.0  # wanted of the loop while it drains, at the 99th percentile
_BATCH = 5000
_TICK_S = 0.005


def main() -> None:
    """Measure and print."""
    given = arguments()
    if given.sink:
        ground.in_loop(sink(given.sink))
    elif given.drain:
        ground.in_loop(drain(load(Path(given.drain)).settings))
    elif given.floor:
        ground.in_loop(floor(load(Path(given.floor)).settings))
    else:
        with tempfile.TemporaryDirectory() as name:
            port = ground.free_port()
            command = (sys.executable, "-m", "tests.bench.bench_influx", "--sink", str(port))
            with ground.running(*command, port=port, core=ground.SERVER_CORE):
                report_drain(Path(name), port, given.points)
                report_looking(Path(name), port, given)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--points", type=int, default=200_000, help="looks of the backlog")
    parser.add_argument("--probes", type=int, default=1200)
    parser.add_argument("--seconds", type=int, default=60)
    for hidden in ("--drain", "--floor"):
        parser.add_argument(hidden, default="", help=argparse.SUPPRESS)
    parser.add_argument("--sink", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


# ---- the server


async def sink(port: int) -> None:
    """Take everything, for ever."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=204)

    app = web.Application(client_max_size=2**28)
    app.router.add_post("/api/v2/write", take)
    runner = web.AppRunner(app, access_log=None, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


def with_influx(config: Path, port: int) -> None:
    """Let *config* follow to the server on *port*."""
    text = f'[influxdb]\nurl = "http://127.0.0.1:{port}"\norg = "bench"\nbatch_size = {_BATCH}\n'
    config.write_text(config.read_text() + text)


# ---- a backlog


def report_drain(folder: Path, port: int, looks: int) -> None:
    """Print how a backlog is drained, beside the floor."""
    page = ground.Server("none", 1, 1, folder / "ca.pem")
    place = folder / "drain"
    place.mkdir()
    config = ground.configuration(place, page, "http", services=bench_import.SERVICES)
    lines = place / "looks.jsonl"
    with lines.open("w", encoding="utf-8") as file:
        some = (a for n, a in enumerate(bench_import.attempts()) if n < looks)
        file.writelines(f"{line}\n" for line in write_jsonl(some))
    command = (ground.uptimed(), "import", str(lines), "--config", str(config))
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    with_influx(config, port)
    posted = _measured("--floor", config)
    found = _measured("--drain", config)
    rate = found["points"] / found["wall"]
    print(
        f"floor, {posted['points']:,.0f} points written already: {posted['wall']:.1f} s, "
        f"{posted['points'] / posted['wall']:,.0f} points/s, {posted['cpu']:.1f} s CPU"
    )
    print(
        f"drained {found['points']:,.0f} points in {found['wall']:.1f} s: {rate:,.0f} points/s, "
        f"{'at least' if rate >= POINTS_A_SECOND else 'UNDER'} the {POINTS_A_SECOND:,.0f} wanted"
    )
    per_point = found["cpu"] / found["points"] / (posted["cpu"] / posted["points"])
    print(f"  {found['cpu']:.1f} s CPU, {per_point:.1f} times the floor a point")
    print(f"  memory {found['peak']:.0f} MB at most; {ground.verdict(found['peak'], MEGABYTES)}")
    print(
        f"  the loop is held up p50 {found['p50']:.1f}, p99 {found['p99']:.1f} ms; "
        f"{ground.verdict(found['p99'], LAG_MS)}"
    )


def _measured(what: str, config: Path) -> dict[str, float]:
    command = (sys.executable, "-m", "tests.bench.bench_influx", what, str(config))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


async def drain(settings: Settings) -> None:
    """Follow until all is there; print what it took as JSON."""
    ground.stay_on(ground.OUR_CORE)
    lags: list[float] = []
    influx = settings.influxdb
    assert influx is not None
    async with SqliteJournal(Path(settings.journal_path)) as journal:
        await journal.allow_following()
        async with influx_follower(
            settings, journal, secrets=looking.NoSecrets(), clock=SystemClock(),
            random=lambda: 1.0, software="bench",
        ) as follower:  # fmt: skip
            before, began = _cpu(), time.perf_counter()
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(follower.follow()), group.create_task(_tick(lags))]
                while True:
                    await asyncio.sleep(0.05)  # noqa: TID251 - of the real clock
                    if follower.sent and follower.view().lag_us == 0:
                        with open_reader(journal.path) as reader:
                            if backlog(reader, influx) == 0:
                                break
                took, cpu = time.perf_counter() - began, _cpu() - before
                for task in tasks:
                    task.cancel()
            _say(follower.sent, took, cpu, lags)


async def floor(settings: Settings) -> None:
    """Post the lines of the journal's looks, written before; print what it took as JSON."""
    ground.stay_on(ground.OUR_CORE)
    ready: list[Sequence[str]] = []
    points = 0
    with open_reader(Path(settings.journal_path)) as reader:
        source = Source(reader, catalogue_of(settings), "")
        after = 0
        while lines := (parcel := source.looks(after, _BATCH)).lines:
            ready.append(lines)
            points, after = points + len(lines), parcel.end
    assert settings.influxdb is not None
    before, began = _cpu(), time.perf_counter()
    async with _posting(settings.influxdb.url) as post:
        for lines in ready:
            await post(packed(lines))
    _say(points, time.perf_counter() - began, _cpu() - before, [0.0])


@asynccontextmanager
async def _posting(url: str) -> AsyncIterator["_Post"]:
    async with aiohttp.ClientSession() as session:
        yield _Post(session, f"{url}/api/v2/write?org=bench&bucket=uptimed_looks")


class _Post:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url

    async def __call__(self, body: bytes) -> None:
        headers = {"Content-Encoding": "gzip"}
        async with self._session.post(self._url, data=body, headers=headers) as answer:
            if answer.status != 204:
                raise SystemExit(f"status {answer.status}")


async def _tick(lags: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(_TICK_S)  # noqa: TID251 - of the real clock
        lags.append((time.perf_counter() - began - _TICK_S) * 1000)


def _say(points: int, wall: float, cpu: float, lags: Iterable[float]) -> None:
    ordered = sorted(lags)
    print(json.dumps({
        "points": points, "wall": wall, "cpu": cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "p50": looking.percentile(ordered, 50), "p99": looking.percentile(ordered, 99),
    }))  # fmt: skip


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


# ---- while looking


def report_looking(folder: Path, port: int, given: argparse.Namespace) -> None:
    """Print what following costs a daemon that looks, and what a server that is away does."""
    (folder / "page").mkdir()
    with ground.server(folder / "page", addresses=4) as page:
        cases = (("without", 0), ("with", port), ("away", ground.free_port()))
        found = {name: _looked(folder / name, page, to, given) for name, to in cases}
    base_cpu, base = found["without"]
    for name, (cpu, ordered) in found.items():
        share = (cpu - base_cpu) / cpu * 100
        p50, p99 = (looking.percentile(ordered, percent) for percent in (50, 99))
        p99_more = p99 - looking.percentile(base, 99)
        print(
            f"InfluxDB {name:>7}: {cpu * 1000:.3f} ms CPU a look, latency p50 {p50:.2f}, "
            f"p99 {p99:.2f} ms ({p99_more:+.2f})"
            + (f"; the follower's share {share:.0f} %, {ground.verdict(share, SHARE)}"
               if name == "with" else "")
        )  # fmt: skip


def _looked(
    folder: Path, page: ground.Server, port: int, given: argparse.Namespace
) -> tuple[float, Sequence[float]]:
    """Return the CPU of a look in seconds, and the latencies in milliseconds, in order."""
    folder.mkdir()
    config = ground.configuration(folder, page, "https", services=given.probes)
    if port:
        with_influx(config, port)
    with ground.daemon(config) as daemon:
        time.sleep(15)  # noqa: TID251 - of the real clock
        start, cpu = time.time(), daemon.process.cpu_s()  # noqa: TID251 - as above
        time.sleep(given.seconds)  # noqa: TID251 - as above
        stop, cpu = time.time(), daemon.process.cpu_s() - cpu  # noqa: TID251 - as above
        time.sleep(2)  # noqa: TID251 - what was begun is kept
    with open_reader(folder / "uptimed.db") as reader:
        took = sorted(
            a.took_us / 1000
            for _, a in reader.attempts_after(0, 10**9)
            if a.took_us is not None and start * 1e6 <= a.at < stop * 1e6
        )
    return cpu / len(took), took


if __name__ == "__main__":
    main()
