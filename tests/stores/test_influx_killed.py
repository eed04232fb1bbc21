"""Killed at any await: nothing is lost, and what is sent again overwrites itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from tests.stores.following import (
    LETTERS,
    LOOKS,
    HastyClock,
    Vault,
    following,
    influx_of,
    keys_of,
    looks_there,
    opened,
    settings_for,
    until,
)
from tests.stores.influx_double import InfluxDouble, half, influx_double, reset
from tests.stores.influx_flux import answered
from tests.stores.making import NOON, attempt, letters
from uptimed.core.letters import letters_of
from uptimed.core.minutes import Minute
from uptimed.core.observations import Attempt, Outcome
from uptimed.core.settings import Settings
from uptimed.core.strip import Strip
from uptimed.ports import Batch, BlindMinute, LifeEvent
from uptimed.stores import influx_points as points
from uptimed.stores import influx_records as records
from uptimed.stores.influx_follower import CursorNames, backlog
from uptimed.stores.influx_reader import influx_reader
from uptimed.stores.sqlite import SqliteJournal

POISONED = "look 4"


class Killed:
    """Awaits *work*, and has the task that does cancelled when it waits for the *times*-th time."""

    def __init__(self, work: Coroutine[Any, Any, None], times: int) -> None:
        self._work, self._left = work, times

    def __await__(self) -> Generator[Any, Any, None]:
        inner = self._work.__await__()
        thrown: BaseException | None = None
        while True:
            try:
                waited = inner.send(None) if thrown is None else inner.throw(thrown)
            except StopIteration:
                return
            self._left -= 1
            task = asyncio.current_task()
            if self._left == 0 and task is not None:
                task.get_loop().call_soon(task.cancel)
            try:
                thrown = None
                yield waited
            except BaseException as error:  # noqa: BLE001 - it is the work's to see
                thrown = error


class Idle(Exception):
    """The follower has done all there was to do."""


class EndingClock(HastyClock):
    """Ends whoever waits when there is nothing left to do."""

    @override
    async def sleep(self, duration_us: int) -> None:
        if duration_us == 3_000_000:
            raise Idle
        await super().sleep(duration_us)


@pytest.fixture
async def double() -> AsyncIterator[InfluxDouble]:
    async with influx_double(LOOKS, LETTERS) as made:
        made.bad_line = lambda point: point.fields.get("detail") == POISONED
        yield made


async def _fill(journal: SqliteJournal) -> list[Attempt]:
    looks = [attempt(NOON + n, detail=f"look {n}") for n in range(7)]
    life = [
        LifeEvent(at=looks[0].at, kind="started", vantage="local", detail=str(n)) for n in range(9)
    ]
    blind = [BlindMinute(vantage="local", minute=Minute(NOON + n), reason="all") for n in range(5)]
    await journal.write(
        Batch(attempts=looks, letters=letters("UDDUUDU").letters, life=life, blind=blind)
    )
    return looks


async def _run_until_killed(
    journal: SqliteJournal, settings: Settings, stream: int, times: int
) -> bool:
    """Return whether it was killed before it had done all."""
    async with opened(settings, journal, clock=EndingClock()) as follower:
        await journal.allow_following()

        async def run() -> None:
            with suppress(Idle):
                await Killed(follower._streams[stream].run(), times)

        async with asyncio.TaskGroup() as group:
            task = group.create_task(run())
        return task.cancelled()


def _behind_the_cursor(journal: SqliteJournal, settings: Settings) -> list[Attempt]:
    names = CursorNames.of(influx_of(settings))
    with journal.reader() as reader:
        position = reader.cursor(names.looks)
        return [a for seq, a in reader.attempts_after(0, 1000) if seq <= position]


@pytest.mark.slow
@pytest.mark.parametrize(("stream", "kind"), [(0, "looks"), (1, "letters"), (2, "records")])
async def test_killed_at_any_await_nothing_is_lost_and_nothing_is_there_twice(
    double: InfluxDouble, tmp_path: Path, stream: int, kind: str
) -> None:
    times, killed = 0, True
    while killed:
        times += 1
        folder = tmp_path / str(times)
        folder.mkdir()
        settings = settings_for(double.url, folder, "batch_size = 4")
        for bucket in double.points.values():
            bucket.clear()
        async with SqliteJournal(folder / "uptimed.db") as journal:
            looks = await _fill(journal)
            killed = await _run_until_killed(journal, settings, stream, times)
            there = looks_there(double.points[LOOKS])
            sure = [a for a in _behind_the_cursor(journal, settings) if a.detail != POISONED]
            assert set(keys_of(sure)) <= set(there), f"lost when killed at await {times}"
            await _complete(journal, settings)
        good = [look for look in looks if look.detail != POISONED]
        assert looks_there(double.points[LOOKS]) == keys_of(good)
        found = sorted(
            (measurement, at // 60_000_000_000 - NOON)
            for (measurement, _, at), of in double.points[LETTERS].items()
            if measurement in {points.MINUTE_OF, points.OUTAGE}
            and of.get("minutes") != 0  # withdrawn, and never shown
        )
        assert found == [
            *((points.MINUTE_OF, n) for n in range(7)), (points.OUTAGE, 1), (points.OUTAGE, 5),
        ]  # fmt: skip
        (laid,) = (of for (m, *_), of in double.points[LETTERS].items() if m == records.LAID)
        assert laid == {"letters": "UDDUUDU" + "." * 53}
        kinds = Counter(measurement for measurement, *_ in double.points[LETTERS])
        assert (kinds[records.LIFE], kinds[records.BLIND]) == (9, 5)
        refused = (folder / "uptimed.db-influx-refused.jsonl").read_text(encoding="utf-8")
        assert refused.count("\n") == 1
    assert times > 10, f"it was hardly killed anywhere in sending {kind}"


async def _complete(journal: SqliteJournal, settings: Settings) -> None:
    def done() -> bool:
        with journal.reader() as reader:
            return backlog(reader, influx_of(settings)) == 0

    async with following(settings, journal):
        await until(done)


DAY_MINUTES = 24 * 60
KILLED_AT = (5, 6, 13, 20)  # hours in which uptimed is killed and started again


async def test_a_day_away_with_uptimed_killed_in_between_leaves_every_point_once(
    double: InfluxDouble, tmp_path: Path
) -> None:
    settings = settings_for(double.url, tmp_path, "batch_size = 200")
    watch = settings.service("acme-crm").watch
    looks = [_look(n) for n in range(DAY_MINUTES)]
    laid = letters_of(looks, watch, NOON, Minute(NOON + DAY_MINUTES), {})
    port = double.port
    await double.stop()
    hours = iter(range(24))
    for last in (*KILLED_AT, 23):
        async with (
            SqliteJournal(tmp_path / "uptimed.db") as journal,
            following(settings, journal) as follower,
        ):
            for hour in hours:
                await _an_hour(journal, looks, laid, hour)
                if hour == last:
                    break
            await until(lambda: "cannot connect" in follower.view().error)
    double.port = port
    double.plan.extend([None, None, reset, None, half])
    await double.start()
    clock = HastyClock()
    async with SqliteJournal(tmp_path / "uptimed.db") as journal:
        async with following(settings, journal, clock=clock):
            await until(
                lambda: len(double.points[LOOKS]) > DAY_MINUTES // 2
            )  # and killed once more
        await _complete(journal, settings)
        assert looks_there(double.points[LOOKS]) == keys_of(looks)
        minutes = [key for key in double.points[LETTERS] if key[0] == points.MINUTE_OF]
        assert len(minutes) == DAY_MINUTES
        double.rows = lambda query: answered(double.points, query)
        with journal.reader() as reader:
            span = reader.span("acme-crm")
            assert span is not None
            here = reader.letters("acme-crm", Minute(span.start), Minute(span.stop))
    async with influx_reader(
        influx_of(settings), secrets=Vault(), clock=HastyClock(), software="0"
    ) as back:
        assert await back.span("acme-crm", vantage="local") == span
        there = await back.letters("acme-crm", here.start, here.stop, vantage="local")
        found = [a async for a in back.attempts("acme-crm", here.start, here.stop)]
    assert there == here == laid
    assert letters_of(found, watch, here.start, here.stop, {}) == laid  # settled again
    assert {"D", "u"} == set(laid.letters)


def _look(n: int) -> Attempt:
    down = 100 <= n % 500 < 117
    outcome = Outcome.FAIL if down else Outcome.PASS
    return attempt(NOON + n, outcome=outcome, cause="status" if down else "", detail=f"look {n}x")


async def _an_hour(
    journal: SqliteJournal, looks: Sequence[Attempt], laid: Strip, hour: int
) -> None:
    first, stop = 60 * hour, 60 * hour + 60
    piece = laid.cut(Minute(NOON + first), Minute(NOON + stop))
    await journal.write(Batch(attempts=looks[first:stop], letters=[("acme-crm", piece, "terms")]))
