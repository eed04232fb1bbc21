"""Incidents beside the daemon, on a real journal."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.commands import journal_of, minute, settings_of, write_config
from tests.fakes import FakeClock
from uptimed.core.calendars import Second
from uptimed.core.incidents import Acknowledged, Incident, Resolved
from uptimed.core.minutes import MINUTE, Minute
from uptimed.core.observations import SECOND, Instant
from uptimed.core.settings import Settings
from uptimed.core.snapshot import Edge, IncidentView
from uptimed.core.strip import Strip
from uptimed.ledger.incidents import casebook
from uptimed.ports import Batch
from uptimed.stores.sqlite import open_ledger, open_reader
from uptimed.wiring.casework import Casework
from uptimed.wiring.incidents import record, wanted

START = minute("2026-10-09 21:00")


class Day:
    """A journal in which letters are written minute by minute, and a daemon's casework on it."""

    def __init__(self, folder: Path) -> None:
        config = write_config(folder)
        self.settings: Settings = settings_of(config)
        self.path = journal_of(config)
        self.at: int = START
        with open_ledger(self.path):
            pass

    def write(self, letters: str) -> None:
        """Let minutes go by that have these letters."""
        terms = self.settings.services[0].watch.digest()
        with open_ledger(self.path) as ledger:
            ledger.write(Batch(letters=[("crm", Strip(Minute(self.at), letters), terms)]))
        self.at += len(letters)

    @property
    def now(self) -> Instant:
        return Instant(self.at * MINUTE + 25 * SECOND)

    @contextmanager
    def working(self, clock: FakeClock | None = None) -> Iterator[Casework]:
        casework = Casework(self.settings, clock or FakeClock())
        yield casework
        casework._files.close()

    async def look(self, casework: Casework) -> tuple[IncidentView, ...]:
        await casework._pass(self.now)
        return casework._views

    @property
    def incidents(self) -> list[tuple[str, int, int | None]]:
        """Return the reference of each incident, when it was opened and restored, from START on."""
        return [(i.reference, _since(i.opened) or 0, _since(i.restored)) for i in self.whole()]

    def whole(self) -> list[Incident]:
        reader = open_reader(self.path)
        try:
            return list(casebook(reader, "acme").incidents())
        finally:
            reader.close()


def _since(at: Second | None) -> int | None:
    return None if at is None else at // 60 - START


@pytest.fixture
def day(tmp_path: Path) -> Day:
    return Day(tmp_path)


async def test_an_outage_becomes_an_incident_and_its_end_is_told_once_it_is_one(day: Day) -> None:
    day.write("U" * 20)
    with day.working() as casework:
        assert await day.look(casework) == ()
        day.write("D")
        assert await day.look(casework) == ()
        day.write("D")
        (view,) = await day.look(casework)
        assert (view.severity, view.remaining_s) == ("system_down", {"restore": 88 * 60 - 25})
        day.write("U" * 9)
        await day.look(casework)
        assert day.incidents == [("ACME-2026-0001", 20, None)]
        day.write("U")
        await day.look(casework)

    assert day.incidents == [("ACME-2026-0001", 20, 22)]


async def test_what_a_killed_daemon_did_not_enter_the_next_one_does_and_nothing_twice(
    day: Day,
) -> None:
    day.write("U" * 20)
    with day.working() as casework:
        await day.look(casework)
    day.write(f"{'D' * 5}{'U' * 300}{'D' * 3}")
    for _ in range(2):
        with day.working() as casework:
            await day.look(casework)

    assert day.incidents == [("ACME-2026-0001", 20, 25), ("ACME-2026-0002", 325, None)]


async def test_outages_from_before_the_first_start_are_left_alone_but_for_one_that_lasts(
    day: Day,
) -> None:
    day.write(f"{'U' * 20}DDD{'U' * 30}DDD")
    with day.working() as casework:
        await day.look(casework)
        day.write("D")
        await day.look(casework)

    assert day.incidents == [("ACME-2026-0001", 53, None)]


async def test_a_look_that_comes_hours_late_opens_its_incident_within_the_hour(day: Day) -> None:
    day.write("U" * 20)
    with day.working() as casework:
        await day.look(casework)
        day.write(f"{'N' * 5}{'U' * 600}")
        await day.look(casework)
        after, day.at = day.at, START + 20
        day.write("DDDDD")
        day.at = after
        for _ in range(60):
            day.write("U")
            await day.look(casework)

    assert day.incidents == [("ACME-2026-0001", 20, 25)]


async def test_of_several_settlers_only_the_one_that_seals_opens_incidents(day: Day) -> None:
    day.settings = replace(day.settings, seals=False)
    day.write("U" * 20)
    with day.working() as casework:
        await day.look(casework)
        day.write("DDD")
        assert await day.look(casework) == ()

    assert day.incidents == []


async def test_an_outage_that_is_heard_of_is_looked_at_within_two_seconds(day: Day) -> None:
    clock = FakeClock()
    with day.working(clock) as casework:
        async with asyncio.TaskGroup() as group:
            rest = group.create_task(casework._rest())
            await clock.run_for(seconds=30)
            assert not rest.done()
            await casework.hear(Edge(kind="down", at=clock.now(), service="crm", client="acme"))
            await clock.run_for(seconds=2)
            assert rest.done()


async def test_resolved_incidents_are_shown_no_more(day: Day) -> None:
    day.write(f"{'U' * 20}")
    with day.working() as casework:
        await day.look(casework)
        day.write("DD")
        assert await day.look(casework)
        client, at = day.settings.clients[0], Second(day.now // SECOND)
        record(
            day.path, client, day.now,
            lambda r: wanted(r.add("ACME-2026-0001", Resolved(), at=at, by="ana")),
        )  # fmt: skip
        assert await day.look(casework) == ()


async def test_what_people_enter_meanwhile_is_kept_beside_it(day: Day) -> None:
    day.write("U" * 20)
    with day.working() as casework:
        await day.look(casework)
        day.write("DD")
        await day.look(casework)
        client, at = day.settings.clients[0], Second(day.now // SECOND)
        record(
            day.path, client, day.now,
            lambda r: wanted(r.add("ACME-2026-0001", Acknowledged(), at=at, by="ana")),
        )  # fmt: skip
        day.write("U" * 10)
        await day.look(casework)

    (incident,) = day.whole()
    kinds = [str(event.act.kind) for event in incident.timeline]
    assert sorted(kinds) == ["acknowledged", "opened", "restored"]


@pytest.mark.slow
async def test_a_journal_that_takes_nothing_is_tried_again(
    day: Day, caplog: pytest.LogCaptureFixture
) -> None:
    day.write("U" * 20)
    with day.working() as casework:
        await day.look(casework)
        day.write("DD")
        other = sqlite3.connect(day.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await day.look(casework)
        assert day.incidents == []
        other.execute("ROLLBACK")
        other.close()
        await day.look(casework)

    assert day.incidents == [("ACME-2026-0001", 20, None)]
    assert "incidents wait:" in caplog.text
