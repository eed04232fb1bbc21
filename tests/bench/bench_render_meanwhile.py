"""What looks report while a report is rendered beside them, and while nothing is.

20 HTTPS looks a second for ten seconds, in turns: idle, and with a month of ten services being
rendered again and again in the niced process that `uptimed report` and the daemon use. Looks and
rendering share one core, which is the worst case. The peer is rendering that is not niced.
"""

import asyncio
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from reports.pdf import render_in_subprocess
from tests.bench import ground, looking
from uptimed.config import load
from uptimed.core.minutes import Minute, day_minutes, start_of
from uptimed.core.observations import Instant
from uptimed.core.statement import Statement
from uptimed.core.strip import Strip
from uptimed.ports import Batch
from uptimed.stores.sqlite import open_ledger, open_reader
from uptimed.wiring.papers import draw_up

SERVICES = 10
SECONDS, PER_SECOND = 10, 20
ROUNDS = 2
MORE_MS = 5.0  # wanted, at the 99th percentile

_DAYS = 31
_START = Minute(day_minutes(date(2026, 10, 1)).start)
_RENDER_TIMEOUT_S = 60.0


def main() -> None:
    """Measure and print."""
    ground.stay_on(ground.OUR_CORE)
    with tempfile.TemporaryDirectory() as name, ground.server(Path(name)) as page:
        paper = month(Path(name), page)
        ways: dict[str, Callable[[], None] | None] = {
            "idle": None,
            "rendering, niced": lambda: niced(paper),
            "rendering, not niced": lambda: plain(paper),
        }
        found: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, work in ways.items():
                found[way] += looks(page, work)
    for way, some in found.items():
        some.sort()
        shown = ", ".join(f"p{p} {looking.percentile(some, p):.1f}" for p in (50, 90, 99))
        print(f"{way}: {shown} ms ({len(some)} looks)")
    more = looking.percentile(found["rendering, niced"], 99) - looking.percentile(found["idle"], 99)
    print(f"p99 while a report is rendered: {more:+.1f} ms; {ground.verdict(more, MORE_MS)}")


def looks(page: ground.Server, work: Callable[[], None] | None) -> list[float]:
    """Return what looks report, in milliseconds, while *work* is done again and again."""
    stop = threading.Event()

    def again() -> None:
        while work is not None and not stop.is_set():
            work()

    worker = threading.Thread(target=again)
    worker.start()
    time.sleep(1)  # noqa: TID251 - until it works
    try:
        return ground.in_loop(steadily(page))
    finally:
        stop.set()
        worker.join()


async def steadily(page: ground.Server) -> list[float]:
    """Look at fixed moments, whether the last look is over or not."""
    found: list[float] = []
    async with looking.looker(page.url("https"), page.ca) as look:

        async def one() -> None:
            found.append((await look()).took_us / 1000)

        loop = asyncio.get_running_loop()
        await one()
        found.clear()
        began = loop.time()
        async with asyncio.TaskGroup() as group:
            for n in range(SECONDS * PER_SECOND):
                await asyncio.sleep(began + n / PER_SECOND - loop.time())  # noqa: TID251 - real
                group.create_task(one())
    return found


def month(folder: Path, page: ground.Server) -> Statement:
    """Return October 2026 of ten services with some outages each."""
    settings = load(ground.configuration(folder, page, "https", services=SERVICES)).settings
    path = Path(settings.journal_path)
    with open_ledger(path) as ledger:
        for n, service in enumerate(settings.services):
            letters = "U" * (9_000 + n * 500) + "D" * 12 + "U" * 8_000 + "G" * 30 + "N" * 9
            strip = Strip(_START, letters.ljust(_DAYS * 1440, "U"))
            ledger.write(Batch(letters=[(service.id, strip, service.watch.digest())]))
    now = Instant(start_of(Minute(_START + (_DAYS + 1) * 1440)))
    with open_reader(path) as reader:
        client = settings.clients[0]
        return draw_up(reader, settings, client, (2026, 10), now=now, software="bench")


def niced(paper: Statement) -> None:
    """Render as the program does."""
    render_in_subprocess(paper, "en", timeout=_RENDER_TIMEOUT_S)


def plain(paper: Statement) -> None:
    """Render in a process of its own with the same claim to the CPU as ours."""
    script = (
        "import pickle, sys; from reports.pdf import render_pdf; "
        "statement, language = pickle.load(sys.stdin.buffer); render_pdf(statement, language)"
    )
    subprocess.run(
        (sys.executable, "-c", script),
        input=pickle.dumps((paper, "en")),
        check=True,
        cwd=Path(__file__).resolve().parents[2],
        env=os.environ,
    )


if __name__ == "__main__":
    main()
