"""What a login costs: against its bare requests, in the loop's time, and in a fleet of them.

* A login by the flow `form`: the old session is signed out, then the form, the answer to it, the
  page it leads to, and the page behind the login; five requests over one connection, pages of
  common size, everything judged. Its peers are the same five requests by aiohttp, whose answers
  nobody looks at: with a session of its own for each login, as a stranger's browser has (a login
  cannot do with less), and, as the floor, with one connection for all logins.
* The page behind the login grown to 130 KB: how long the loop was held up at most, beside an
  idle loop of the same run.
* A daemon as operators run it, with 500 services that sign in each minute (a full login every
  five, an authenticated read else): looks missed, and how late they started.

    python -m tests.bench.bench_login [MINUTES]

MINUTES is how long the daemon is looked at, 2 by default; 0 leaves that part out. Ratios are
medians of rounds in turns, with the least and the greatest beside them.
"""

import argparse
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median

import aiohttp
from aiohttp import web

from tests.bench import ground, looking
from uptimed.cli.running import go_easy
from uptimed.core.observations import Instant
from uptimed.core.settings import Settings
from uptimed.core.targets import Secret
from uptimed.loop import Loop
from uptimed.wiring.flows import load_with_flows

ROUNDS, LOGINS = 7, 60
BIG_LOOKS = 40
IDLE_S = 3.0
FLEET = 500
RATIO, BLOCK_MS, LAG_MS = 2.5, 20.0, 50.0  # wanted
_PASSWORD = "correct horse"
_FORM = (
    '<form action="/in" method="post"><input name="username">'
    '<input type="password" name="password"><input type="hidden" name="csrf" value="t0ken"></form>'
)
_LINE = "<tr><td><a href='/x'>Contact</a></td><td>ACME S.A.S.</td><td>2026-10-03</td></tr>\n"


def page(body: str, size: int) -> str:
    """Return an HTML page of about *size* bytes around *body*."""
    rows = _LINE * max(0, (size - len(body) - 60) // len(_LINE))
    return f"<!DOCTYPE html><html><body>{body}<table>{rows}</table></body></html>"


# ---- the system that is signed in to


def serve(folder: Path, port: int, *, tls: bool) -> None:
    """Serve a small CRM until the process is ended."""
    form, home = page(_FORM, 10_000), page("<a href=/logout>Sign out</a>", 40_000)
    big = page("<a href=/logout>Sign out</a>", 130_000)

    def html(text: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(_request: web.Request) -> web.Response:
            return web.Response(text=text, content_type="text/html")

        return answer

    async def sign_in(request: web.Request) -> web.Response:
        said = await request.post()
        if said.get("password") != _PASSWORD or said.get("csrf") != "t0ken":
            return web.Response(text=form, content_type="text/html")
        answer = web.Response(status=302, headers={"Location": "/landing"})
        answer.set_cookie("sid", "s" * 32, httponly=True)
        return answer

    application = web.Application()
    application.router.add_get("/login", html(form))
    application.router.add_post("/in", sign_in)
    application.router.add_get("/landing", html(page("Welcome", 2_000)))
    application.router.add_get("/home", html(home))
    application.router.add_get("/big", html(big))
    application.router.add_get("/logout", html(page("Bye", 2_000)))
    context = None
    if tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "server.pem")
    web.run_app(
        application, host="127.0.0.1", port=port, ssl_context=context, print=None, access_log=None,
        loop=Loop(),
    )  # fmt: skip


@contextmanager
def crm(folder: Path, *, tls: bool) -> Iterator[str]:
    """Run the CRM in a process of its own, on the first core; yield its base URL."""
    ground.certify(folder, "127.0.0.1")
    port = ground.free_port()
    command = (
        sys.executable, "-m", "tests.bench.bench_login", "--serve", str(folder),
        "--port", str(port), *(["--tls"] if tls else []),
    )  # fmt: skip
    with ground.running(*command, port=port, core=ground.SERVER_CORE):
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"


# ---- who signs in


def configuration(folder: Path, base: str, *, services: int, home: str, port: int = 0) -> Path:
    """Write a configuration of so many *services* that sign in; return its path."""
    (folder / "password").write_text(_PASSWORD)
    listen = f'"127.0.0.1:{port}"' if port else "false"
    head = (
        f'[journal]\npath = "{folder}/uptimed.db"\n[listen]\nmetrics = {listen}\n'
        '[log]\nlevel = "error"\n'
        '[[clients]]\nid = "bench"\nname = "Bench"\ncontract = "itil-native"\n'
    )
    parts = [head]
    tls = f'ca_file = "{folder}/ca.pem"\n' if base.startswith("https") else ""
    for n in range(services):
        # An address of its own for each: logins of one system take turns.
        own = base.replace(
            "127.0.0.1", "127.0.0.1" if services == 1 else f"127.0.{n // 250}.{n % 250 + 1}"
        )
        parts.append(
            f'[[clients.services]]\nid = "s{n:04}"\nname = "Service {n}"\n'
            '[[clients.services.probes]]\nid = "login"\nrole = "login"\nkind = "login"\n'
            f'preset = "form"\nbase_url = "{own}"\n{tls}'
            f'settings = {{ home_path = "{home}", home_text = "Sign out" }}\n'
            f'accounts = [{{ username = "probe", password = {{ file = "{folder}/password" }} }}]\n'
        )
    path = folder / "uptimed.toml"
    path.write_text("".join(parts))
    return path


class LeapingClock:
    """A clock on which every login is due again."""

    def __init__(self) -> None:
        self._at = 0

    def now(self) -> Instant:
        return Instant(time.time_ns() // 1000)

    def monotonic(self) -> int:
        self._at += 1
        return self._at * 600_000_000

    async def sleep(self, duration_us: int) -> None:
        raise AssertionError(duration_us)


class Files:
    """Reads secrets out of files."""

    def read(self, secret: Secret) -> str:
        return Path(secret.name).read_text()


Work = Callable[[], Awaitable[object]]


def engine(settings: Settings) -> AbstractAsyncContextManager[looking.Look]:
    """Open the probe; what is yielded signs in once, and judges."""
    return looking.judged(settings.services[0].probes[0], secrets=Files(), clock=LeapingClock())


async def requests(session: aiohttp.ClientSession, base: str) -> None:
    """Make the five requests of a login and read their answers."""
    said = {"username": "probe", "password": _PASSWORD, "csrf": "t0ken"}
    for method, path, data in (
        ("GET", "/logout", None), ("GET", "/login", None), ("POST", "/in", said),
        ("GET", "/landing", None), ("GET", "/home", None),
    ):  # fmt: skip
        async with session.request(method, base + path, data=data, allow_redirects=False) as answer:
            await answer.read()


@asynccontextmanager
async def bare(base: str, ca: Path, *, shared: bool) -> AsyncIterator[Work]:
    """Yield what makes the bare requests of a login."""
    context: ssl.SSLContext | bool = True
    if base.startswith("https"):
        context = ssl.create_default_context(cafile=ca)

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))

    if shared:
        async with session() as one:

            async def same() -> None:
                await requests(one, base)

            yield same
        return

    async def own() -> None:
        async with session() as fresh:
            await requests(fresh, base)

    yield own


async def cpu_ms(work: Work, times: int) -> float:
    """Return the CPU of this process for one *work*, in milliseconds."""
    began = time.process_time()
    for _ in range(times):
        await work()
    return (time.process_time() - began) / times * 1000


async def against_requests(folder: Path, base: str) -> None:
    """Print what a login costs, and its ratio to its bare requests."""
    settings = load_with_flows(configuration(folder, base, services=1, home="/home")).settings
    ca = folder / "ca.pem"
    async with (
        engine(settings) as login,
        bare(base, ca, shared=False) as stranger,
        bare(base, ca, shared=True) as floor,
    ):
        go_easy()
        ways = {"login": login, "bare, a session each": stranger, "bare, one connection": floor}
        found: dict[str, list[float]] = {name: [] for name in ways}
        for work in ways.values():
            await cpu_ms(work, 10)
        for _ in range(ROUNDS):
            for name, work in ways.items():
                found[name].append(await cpu_ms(work, LOGINS))
    scheme = base.partition(":")[0]
    for name, some in found.items():
        print(f"{scheme} {name}: {median(some):.2f} ms CPU ({min(some):.2f} to {max(some):.2f})")
        if name != "login":
            ratios = [a / b for a, b in zip(found["login"], some, strict=True)]
            ratio = round(median(ratios), 2)
            wanted = f"; {ground.verdict(ratio, RATIO)}" if "each" in name else " (the floor)"
            print(
                f"  a login is {ratio} times that ({min(ratios):.2f} to {max(ratios):.2f}){wanted}"
            )


async def big_page(folder: Path, base: str) -> None:
    """Print how long a page of 130 KB holds the loop up."""
    settings = load_with_flows(configuration(folder, base, services=1, home="/big")).settings
    async with engine(settings) as login:
        go_easy()
        await login()
        idle = await looking.lateness(lambda: looking.idle(IDLE_S))
        busy = await looking.lateness(lambda: looking.at_once(login, BIG_LOOKS, 1))
    for name, late in (("an idle loop", idle), ("logins with a page of 130 KB", busy)):
        p99 = looking.percentile(sorted(late), 99)
        print(f"{name}: woken late by p99 {p99:.1f}, at most {max(late):.1f} ms")
    print(f"  {ground.verdict(round(max(busy), 1), BLOCK_MS)} at most")


def fleet(folder: Path, base: str, minutes: int) -> None:
    """Print how a daemon with many logins keeps its appointments."""
    port = ground.free_port()
    config = configuration(folder, base, services=FLEET, home="/home", port=port)
    with ground.daemon(config) as daemon:
        time.sleep(90 - time.time() % 60)  # noqa: TID251 - everybody has signed in once
        before, cpu = ground.start_lags(port), daemon.process.cpu_s()
        time.sleep(minutes * 60)  # noqa: TID251 - real minutes
        after, cpu = ground.start_lags(port), daemon.process.cpu_s() - cpu
        memory = daemon.process.peak_mb()
    lag = ground.since(before, after)
    p99 = ground.p99_of(lag)
    print(f"{FLEET} services, {minutes} minute(s): {lag[float('inf')]} looks of {FLEET * minutes}")
    print(f"  start lag: p99 at most {p99:g} ms, {ground.verdict(p99, LAG_MS)}")
    print(f"  CPU {cpu / minutes / 60:.0%} of a core; {memory:.0f} MB at most")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("minutes", type=int, nargs="?", default=2)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--tls", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.port, tls=given.tls)
        return
    ground.stay_on(ground.OUR_CORE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for tls in (True, False):
            with crm(folder, tls=tls) as base:
                ground.in_loop(against_requests(folder, base))
        with crm(folder, tls=True) as base:
            ground.in_loop(big_page(folder, base))
        with crm(folder, tls=False) as base:
            if given.minutes:
                fleet(folder, base, given.minutes)


if __name__ == "__main__":
    main()
