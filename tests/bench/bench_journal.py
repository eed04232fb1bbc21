"""How quick and how small the journal is, beside what plain SQLite takes for the same.

The floor of each ratio is named. Takes about half a minute; nothing is left behind.
"""

import asyncio
import resource
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from uptimed.core.minutes import Minute, day_minutes, start_of
from uptimed.core.observations import Attempt, Instant, Outcome, Phase
from uptimed.core.strip import Strip
from uptimed.ports import Batch
from uptimed.stores.sqlite import SqliteJournal, import_attempts, open_ledger, open_reader

_START = Minute(day_minutes(date(2026, 10, 1)).start)
_MONTH = 31 * 1440
_SERVICES = 100
_ATTEMPTS = 1_000_000
_PHASES = {Phase.DNS: 900, Phase.CONNECT: 31_000, Phase.TLS: 62_000, Phase.FIRST_BYTE: 84_000}


def main() -> None:
    """Measure everything, each on a journal of its own."""
    with tempfile.TemporaryDirectory() as folder:
        bulk(Path(folder) / "bulk.db")
        letters(Path(folder) / "letters.db")
        asyncio.run(commits(Path(folder) / "commits.db", Path(folder) / "plain.db"))


def attempts() -> Iterator[Attempt]:
    """A month of looks at services, minute after minute, one in a hundred failed."""
    for n in range(_ATTEMPTS):
        failed = n % 100 == 99
        at = Instant(start_of(Minute(_START + n // 20)) + n % 20 * 3_000_000)
        yield Attempt(
            service=f"service-{n % 20}",
            probe="front",
            vantage="local",
            at=at,
            look=at,
            outcome=Outcome.FAIL if failed else Outcome.PASS,
            cause="status" if failed else "",
            detail="status 503, wanted 200" if failed else "",
            took_us=180_000 + n % 7_000,
            phases=_PHASES,
        )


def bulk(path: Path) -> None:
    """An import of a million, and reading them back."""
    making = timed(lambda: sum(1 for _ in attempts()))
    with open_ledger(path) as ledger:
        seconds = timed(lambda: import_attempts(ledger, attempts())) - making
        again = timed(lambda: import_attempts(ledger, attempts())) - making
    size = path.stat().st_size / _ATTEMPTS
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    plain = path.with_name("floor.db")
    floor = timed(lambda: executemany(plain)) - making
    print(
        f"import of {_ATTEMPTS:,}: {seconds:.1f} s in the store, {rss:.0f} MB at most, "
        f"{size:.0f} B each; {seconds / floor:.1f} times a plain executemany ({floor:.1f} s, "
        f"no checks, no index, {plain.stat().st_size / _ATTEMPTS:.0f} B each)"
    )
    print(f"the same file once more: {again:.1f} s")
    with open_reader(path) as reader:
        found = 0
        for facts_only in (False, True):
            start = perf_counter()
            found = len(reader.attempts("service-0", _START, Minute(10**8), facts_only=facts_only))
            each = (perf_counter() - start) / found * 1e6
            print(f"attempts read, {'facts only' if facts_only else 'whole'}: {each:.1f} us each")
    sample = list(islice(attempts(), 20_000))
    with closing(sqlite3.connect(path)) as connection:
        named = "(SELECT id FROM text WHERE text = 'service-0')"
        query = f"SELECT * FROM attempt WHERE service = {named}"  # noqa: S608
        floor = timed(lambda: connection.execute(query).fetchall()) / found * 1e6
    made = timed(lambda: [Attempt(**fields(one)) for one in sample]) / len(sample) * 1e6
    print(f"  floors: rows fetched {floor:.1f} us each, dataclass made {made:.1f} us each")


def fields(attempt: Attempt) -> dict[str, Any]:
    """The fields of an attempt, to make it again of."""
    return {name: getattr(attempt, name) for name in Attempt.__slots__}


def executemany(path: Path) -> None:
    """Write the attempts as a script would: one table, texts as they are."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE a (service, probe, vantage, at, outcome, cause, took)")
        connection.executemany(
            "INSERT INTO a VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (a.service, a.probe, a.vantage, a.at, a.outcome.value, a.cause, a.took_us)
                for a in attempts()
            ),
        )
        connection.commit()


def letters(path: Path) -> None:
    """A month of letters of a hundred services."""
    month = "U" * 20_000 + "D" * 17 + "U" * (_MONTH - 20_017)
    with open_ledger(path) as ledger:

        def lay() -> None:
            for n in range(_SERVICES):
                ledger.write(Batch(letters=[(f"service-{n}", Strip(_START, month), "t")]))

        seconds = timed(lay)
    print(f"a month of letters of {_SERVICES} services laid down: {seconds * 1000:.0f} ms")
    stop = Minute(_START + _MONTH)
    with open_reader(path) as reader:
        first = timed(lambda: reader.letters("service-7", _START, stop))
        one = median(timed(lambda: reader.letters("service-7", _START, stop)) for _ in range(99))
        every = timed(
            lambda: [reader.letters(f"service-{n}", _START, stop) for n in range(_SERVICES)]
        )
    with closing(sqlite3.connect(path)) as connection:
        floor = timed(lambda: connection.execute("SELECT letters FROM day").fetchall())
    print(
        f"a month of one service read: {one * 1000:.2f} ms ({first * 1000:.2f} ms at first); of "
        f"{_SERVICES}: {every * 1000:.0f} ms, {every / floor:.1f} times the bare blobs"
    )


async def commits(path: Path, plain: Path) -> None:
    """Durable writes a second, by how many tasks wait at once; the floor commits each row."""
    rows = 1_000
    with closing(sqlite3.connect(plain, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE a (service, at, outcome, took)")

        def write() -> None:
            for n in range(rows):
                connection.execute("INSERT INTO a VALUES (1, ?, 0, 183000)", (n,))

        floor = rows / timed(write)
    print(f"one commit a row, plain sqlite3: {floor:,.0f} a second")
    source = attempts()
    async with SqliteJournal(path) as journal:

        async def task(count: int) -> None:
            for attempt in islice(source, count):
                await journal.write(Batch(attempts=[attempt]))

        for waiting in (1, 50, 1_000):
            count = rows if waiting == 1 else 10_000 // waiting * 2
            start = perf_counter()
            async with asyncio.TaskGroup() as group:
                for _ in range(waiting):
                    group.create_task(task(count))
            rate = waiting * count / (perf_counter() - start)
            print(f"  {waiting} tasks waiting: {rate:,.0f} a second, {rate / floor:.1f} times that")


def timed(act: Callable[[], object]) -> float:
    """Return how many seconds *act* takes."""
    start = perf_counter()
    act()
    return perf_counter() - start


if __name__ == "__main__":
    main()
