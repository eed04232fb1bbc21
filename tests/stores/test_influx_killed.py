"""Killed at any await: nothing is lost, and what is sent again overwrites itself."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from tests.stores.following import (
    LETTERS,
    LOOKS,
    HastyClock,
    following,
    influx_of,
    keys_of,
    looks_there,
    opened,
    settings_for,
    until,
)
from tests.stores.influx_double import InfluxDouble, influx_double
from tests.stores.making import NOON, attempt, letters
from uptimed.core.observations import Attempt
from uptimed.core.settings import Settings
from uptimed.ports import Batch
from uptimed.stores import influx_points as points
from uptimed.stores.influx_follower import CursorNames, backlog
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
    await journal.write(Batch(attempts=looks, letters=letters("UDDUUDU").letters))
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
@pytest.mark.parametrize(("stream", "kind"), [(0, "looks"), (1, "letters")])
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
            if of.get("minutes") != 0  # withdrawn, and never shown
        )
        assert found == [
            *((points.MINUTE_OF, n) for n in range(7)), (points.OUTAGE, 1), (points.OUTAGE, 5),
        ]  # fmt: skip
        refused = (folder / "uptimed.db-influx-refused.jsonl").read_text(encoding="utf-8")
        assert refused.count("\n") == 1
    assert times > 10, f"it was hardly killed anywhere in sending {kind}"


async def _complete(journal: SqliteJournal, settings: Settings) -> None:
    def done() -> bool:
        with journal.reader() as reader:
            return backlog(reader, influx_of(settings)) == 0

    async with following(settings, journal):
        await until(done)
