"""What a month's figures take from the journal, for one service and for a hundred.

All that `status`, metrics and reports ask for: letters, agreement, maintenance, outages, verdict.
The floor reads the same blobs by plain sqlite3 and joins them.
"""

import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from statistics import median

from tests.bench import ground
from uptimed.config import load
from uptimed.core.minutes import Minute, day_minutes
from uptimed.core.settings import Settings
from uptimed.core.strip import Strip
from uptimed.ledger.month import service_month
from uptimed.ports import Batch
from uptimed.stores.sqlite import Reader, open_ledger, open_reader

SERVICES = 100
ROUNDS = 15
ONE_MS, ALL_MS = 5.0, 150.0  # wanted

_START = Minute(day_minutes(date(2026, 9, 30)).start)
_DAYS = 33
_MONTH = "U" * 20_000 + "D" * 17 + "U" * 9_000 + "N" * 40 + "U" * (_DAYS * 1440 - 29_057)


def main() -> None:
    """Measure and print."""
    ground.stay_on(ground.OUR_CORE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = ground.Server("none", 1, 1, folder / "ca.pem")
        settings = load(ground.configuration(folder, page, "http", services=SERVICES)).settings
        lay(settings)
        floor = medians(lambda: plainly(Path(settings.journal_path), SERVICES))
        with open_reader(Path(settings.journal_path)) as reader:
            figures(reader, settings, 1)
            one = medians(lambda: figures(reader, settings, 1))
            every = medians(lambda: figures(reader, settings, SERVICES))
    print(f"plain sqlite3, {SERVICES} services: {floor:.1f} ms CPU")
    print(f"one service: {one:.2f} ms CPU; {ground.verdict(one, ONE_MS)}")
    print(
        f"{SERVICES} services: {every:.0f} ms CPU, {every / floor:.1f} times the floor; "
        f"{ground.verdict(every, ALL_MS)}"
    )


def lay(settings: Settings) -> None:
    """Lay down October 2026 and a little around it, under the terms in force."""
    with open_ledger(Path(settings.journal_path)) as ledger:
        for service in settings.services:
            strip = Strip(_START, _MONTH)
            ledger.write(Batch(letters=[(service.id, strip, service.watch.digest())]))


def figures(reader: Reader, settings: Settings, services: int) -> None:
    """Work out October of so many services."""
    now = Minute(_START + len(_MONTH))
    client = settings.clients[0]
    for service in client.services[:services]:
        month = service_month(reader, client, service, 2026, 10, now)
        if month.figures.system_down != 17:
            raise SystemExit(f"wrong figures: {month.figures}")


def plainly(path: Path, services: int) -> None:
    """Read the letters of October of so many services, and nothing else."""
    days = [_START // 1440 + n for n in range(1, 33)]
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT DISTINCT id >> 20 FROM day LIMIT ?", (services,))
        for (service,) in found.fetchall():
            place = service << 20
            rows = connection.execute(
                "SELECT letters FROM day WHERE id BETWEEN ? AND ? ORDER BY id",
                (place | days[0], place | days[-1]),
            )
            if b"".join(blob for (blob,) in rows).decode().count("D") != 17:
                raise SystemExit("wrong letters")


def medians(act: Callable[[], object]) -> float:
    """Return the CPU that *act* takes in milliseconds."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        act()
        found.append((time.process_time() - began) * 1000)
    return median(found)


if __name__ == "__main__":
    main()
