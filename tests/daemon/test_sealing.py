"""The chain of sealed days, made while the daemon runs."""

import json
from datetime import date

import pytest

from tests.daemon.stories import World, terms, web
from tests.fakes import FakeClock, minute
from uptimed.core.chain import GENESIS, chain_faults
from uptimed.core.letters import letters_of
from uptimed.core.minutes import Minute, start_of
from uptimed.core.observations import SECOND, Attempt, Outcome
from uptimed.core.strip import Strip
from uptimed.core.terms import AttemptRule, WatchTerms
from uptimed.daemon.seal import due_until
from uptimed.ports import Batch, ConfigRecord, LostHead, Seal


def records(world: World, service: str = "crm") -> list[Seal]:
    return list(world.journal.seals(service, date(2026, 1, 1), date(2027, 1, 1)))


async def with_two_days_on_record(world: World) -> None:
    """Put a whole day and half of another on record; then the monitor was dead for a day."""
    digest = terms("crm", [web()], AttemptRule.CONFIRMED).digest()
    start = minute("2026-10-01 00:00")
    await world.journal.write(Batch(letters=[("crm", Strip(start, "U" * 2160), digest)]))


async def test_days_are_sealed_in_order_a_dead_one_included() -> None:
    world = World(clock=FakeClock("2026-10-04 05:58:30"))
    await with_two_days_on_record(world)
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(seconds=61)
        assert [str(s.day) for s in records(world)] == ["2026-10-01", "2026-10-02"]
        await world.clock.run_for(minutes=3)
    sealed = records(world)
    assert [str(s.day) for s in sealed] == ["2026-10-01", "2026-10-02", "2026-10-03"]
    assert chain_faults([(s.record, s.sha256) for s in sealed]) == ()
    raw = [json.loads(s.record) for s in sealed]
    assert raw[0]["previous_sha256"] == GENESIS
    assert [r["letters"] for r in raw] == ["U" * 1440, "U" * 720 + "N" * 720, "N" * 1440]


async def test_sealing_goes_on_from_the_head_on_record() -> None:
    world = World(clock=FakeClock("2026-10-03 12:00:00"))
    await with_two_days_on_record(world)
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=2)
    world.clock.stall(86400)
    async with world.running():
        await world.clock.run_for(minutes=2)
    sealed = records(world)
    assert len(sealed) == 3
    assert chain_faults([(s.record, s.sha256) for s in sealed]) == ()


async def test_nothing_is_sealed_while_the_journal_cannot_be_written() -> None:
    world = World(clock=FakeClock("2026-10-04 12:00:00"))
    await with_two_days_on_record(world)
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        world.journal.broken = "full"
        await world.clock.run_for(minutes=3)
        assert records(world) == []
        world.journal.broken = ""
        await world.clock.run_for(minutes=2)
        assert len(records(world)) == 3


async def test_a_clock_that_leapt_is_not_trusted_to_seal() -> None:
    world = World(clock=FakeClock("2026-10-03 05:00:00"))
    await with_two_days_on_record(world)
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=2)
        assert len(records(world)) == 1
        world.clock.step(86400 * 30)
        await world.clock.run_for(minutes=5)
        assert len(records(world)) == 1
        world.clock.step(-86400 * 30)
        await world.clock.run_for(minutes=59)
        assert len(records(world)) == 1
        await world.clock.run_for(minutes=3)
        assert len(records(world)) == 2


async def test_days_that_a_restored_backup_lost_are_sealed_as_not_measured() -> None:
    world = World(clock=FakeClock("2026-10-04 12:00:00"))
    await with_two_days_on_record(world)
    lost = LostHead(service="crm", day=date(2026, 10, 2), sha256="f" * 64, kept=None)
    world.restored = (lost,)
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=2)
    raw = [json.loads(s.record) for s in records(world)]
    assert [r.get("lost_head", "") for r in raw] == ["f" * 64, "f" * 64, ""]
    assert raw[1]["letters"] == "N" * 1440
    assert "restored" in world.journal.kinds()


async def test_a_sealed_day_names_the_terms_it_was_judged_under() -> None:
    world = World(clock=FakeClock("2026-10-04 12:00:00"))
    await with_two_days_on_record(world)
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=2)
    digest = world.services["crm"].watch.digest()
    assert {json.loads(s.record)["terms_sha256"] for s in records(world)} == {digest}


@pytest.mark.parametrize(
    ("now", "due"),
    [
        pytest.param("2026-10-04 05:59:59", "2026-10-03 00:00", id="not yet"),
        pytest.param("2026-10-04 06:00:00", "2026-10-04 00:00", id="six hours after the end"),
    ],
)
def test_a_day_is_due_six_hours_after_its_end(now: str, due: str) -> None:
    assert due_until(FakeClock(now).now(), 6 * 3600 * SECOND) == minute(due)


# The terms over time


async def test_terms_on_record_begin_with_the_first_minute(world: World) -> None:
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=1)
    assert since(world) == [0]
    async with world.running():
        await world.clock.run_for(minutes=1)
    assert since(world) == [0]


async def test_a_reload_takes_effect_at_the_next_minute_and_loses_no_look(world: World) -> None:
    probe, second = world.probe("UUUUUU"), world.probe("D")
    world.watch("crm", (web(), probe))
    async with world.running():
        await world.clock.run_for(minutes=2, seconds=30)
        world.watch("crm", (web(), probe), (web("back"), second))
        await world.reload()
        await world.clock.run_for(minutes=3, seconds=30)
        assert world.notes.count("READY=1") == 2
    assert world.strip() == "UUUDDD"
    assert since(world) == [0, 3]
    assert probe.minutes == [0, 1, 2, 3, 4, 5]
    assert world.journal.kinds().count("config") == 2


async def test_a_reload_that_changes_nothing_changes_nothing(world: World) -> None:
    probe = world.probe()
    world.watch("crm", (web(), probe))
    async with world.running():
        for _ in range(3):
            await world.clock.run_for(seconds=40)
            await world.reload()
        await world.clock.run_for(minutes=2)
    assert since(world) == [0]
    assert probe.minutes == [0, 1, 2, 3]


async def test_a_removed_service_stops_and_its_letters_stay(world: World) -> None:
    probe = world.probe()
    world.watch("crm", (web(), probe))
    world.watch("pim", (web(), world.probe()))
    async with world.running() as daemon:
        await world.clock.run_for(minutes=1, seconds=30)
        del world.services["pim"]
        await world.reload()
        await world.clock.run_for(minutes=2, seconds=30)
        assert set(daemon.snapshot().services) == {"crm"}
        assert {service for service, _ in daemon.snapshot().probes} == {"crm"}
    assert world.strip("pim") == "UU"
    assert world.strip("crm") == "UUUU"


async def test_a_new_service_begins_with_the_next_minute(world: World) -> None:
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=1, seconds=30)
        world.watch("pim", (web(), world.probe()))
        await world.reload()
        await world.clock.run_for(minutes=2, seconds=30)
    assert world.strip("pim") == "NNUU"  # the first two were before its time
    assert since(world, "pim") == [2]


async def test_a_configuration_that_cannot_be_loaded_leaves_the_old_one(world: World) -> None:
    world.watch("crm", (web(), world.probe()))
    async with world.running() as daemon:
        world.reloads.put_nowait(world.unusable("uptimed.toml: unknown key 'clint'"))
        await world.clock.run_for(minutes=2)
        config = daemon.snapshot().config
        assert (config.ok, config.error) == (False, "uptimed.toml: unknown key 'clint'")
        await world.reload()
        await world.clock.run_for(minutes=1)
        assert daemon.snapshot().config.ok
    assert world.strip() == "UUU"


async def test_terms_changed_while_stopped_spare_the_minute_that_was_looked_at() -> None:
    world = World()
    probe = world.probe()
    world.watch("crm", (web(), probe))
    async with world.running():
        await world.clock.run_for(minutes=1, seconds=world.seconds() + 2)
    world.watch("crm", (web(), probe), (web("back"), world.probe()))
    async with world.running():
        await world.clock.run_until("14:04:00")
    assert since(world) == [0, 2]
    assert world.strip()[:4] == "UUUU"


async def test_terms_that_changed_while_stopped_do_not_judge_earlier_minutes() -> None:
    """Looks before the kill that have no letter yet are judged under the terms of their time."""
    world = World()
    probe = world.probe()
    world.watch("crm", (web(), probe))
    async with world.running(kill=True):
        await world.clock.run_for(minutes=3)
    for m in (1, 2):
        del world.journal.laid["crm"][world.first + m]
    world.watch("crm", (web(), probe), (web("back"), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=3)
    assert world.strip() == "UUUUUU"


def since(world: World, service: str = "crm") -> list[int]:
    known: list[ConfigRecord] = list(world.journal.configs(service))
    return [record.since - world.first for record in known]


@pytest.fixture
def world() -> World:
    return World()


def test_the_first_minute_of_stories_is_a_minute(world: World) -> None:
    assert world.first == Minute(minute("2026-10-03 14:00"))


async def imported(world: World, drawn: str, watch: WatchTerms) -> None:
    """Put looks of a day on record that no daemon saw, judged under *watch* when they came in."""
    start = minute("2026-10-01 00:00")
    attempts = [
        Attempt(
            service="crm", probe="front", vantage="local", at=start_of(Minute(m)),
            look=start_of(Minute(m)), outcome=Outcome.PASS if letter == "U" else Outcome.FAIL,
        )
        for m, letter in enumerate(drawn, start)
    ]  # fmt: skip
    letters = letters_of(attempts, watch, start, Minute(start + 1440), {})
    await world.journal.write(Batch(attempts=attempts, letters=[("crm", letters, watch.digest())]))


async def test_imported_days_are_sealed_with_the_terms_they_were_judged_under() -> None:
    world = World(clock=FakeClock("2026-10-02 12:00:00"))
    watch = terms("crm", [web()], AttemptRule.CONFIRMED)
    await imported(world, "UUDD", watch)
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=2)
    first, second = world.journal.configs("crm")
    assert (first.since, first.sha256) == (minute("2026-10-01 00:00"), watch.digest())
    assert (second.since, second.sha256) == (world.first, watch.digest())
    [seal] = records(world)
    assert json.loads(seal.record)["letters"] == "UUDD" + "N" * 1436


async def test_imported_days_are_judged_under_the_terms_in_force_when_they_are_sealed() -> None:
    world = World(clock=FakeClock("2026-10-02 12:00:00"))
    await imported(world, "UUDD", terms("crm", [web("other")], AttemptRule.CONFIRMED))
    assert set(world.strip()) <= {"N"}  # nobody had configured `front` then
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=2)
    [seal] = records(world)
    raw = json.loads(seal.record)
    assert raw["letters"] == "UUDD" + "N" * 1436
    assert raw["terms_sha256"] == world.services["crm"].watch.digest()
    day = next(iter(world.journal.days("crm", seal.day, seal.day)))
    assert day.letters.startswith("UUDDN")


# Services that are not configured any more


def sealed_days(world: World, service: str) -> list[str]:
    return [str(seal.day) for seal in records(world, service)]


async def watched_until(world: World, text: str) -> None:
    """Watch two services until *text*; then one of them is removed, by a reload."""
    world.watch("crm", (web(), world.probe()))
    world.watch("pim", (web(), world.probe("UDU")))
    async with world.running():
        await world.clock.run_until(text)
        del world.services["pim"]
        await world.reload()
        await world.clock.run_for(minutes=2)


async def test_the_last_day_of_a_removed_service_is_sealed_when_it_is_due() -> None:
    world = World(clock=FakeClock("2026-10-03 23:50:00"))
    await watched_until(world, "2026-10-04 00:10:00")
    world.clock.stall(6 * 3600)
    async with world.running():
        await world.clock.run_for(minutes=2)
        assert sealed_days(world, "pim") == ["2026-10-03"]  # the day it left is not due
    world.clock.stall(3 * 86400)
    async with world.running():
        await world.clock.run_for(minutes=2)
    assert sealed_days(world, "pim") == ["2026-10-03", "2026-10-04"]
    assert len(sealed_days(world, "crm")) == 4
    sealed = records(world, "pim")
    assert chain_faults([(s.record, s.sha256) for s in sealed]) == ()
    letters = "".join(json.loads(s.record)["letters"] for s in sealed)
    assert letters == "N" * 1430 + "UD" + "U" * 19 + "N" * 1429


async def test_a_service_removed_while_the_daemon_runs_on_is_sealed_by_it() -> None:
    world = World(clock=FakeClock("2026-10-03 23:57:00"))
    world.watch("crm", (web(), world.probe()))
    world.watch("pim", (web(), world.probe()))
    async with world.running():
        await world.clock.run_until("2026-10-03 23:58:30")
        del world.services["pim"]
        await world.reload()
        await world.clock.run_for(minutes=1)
        await world.clock.run_until("2026-10-04 06:02:00")
        assert sealed_days(world, "pim") == ["2026-10-03"]


async def test_a_service_removed_after_a_kill_keeps_the_looks_that_had_no_letter_yet() -> None:
    world = World(clock=FakeClock("2026-10-03 14:00:00"))
    world.watch("crm", (web(), world.probe()))
    world.watch("pim", (web(), world.probe("D")))
    async with world.running(kill=True):
        await world.clock.run_for(minutes=3)
    for m in (1, 2):
        del world.journal.laid["pim"][world.first + m]
    del world.services["pim"]
    world.clock.stall(86400)
    async with world.running():
        await world.clock.run_for(minutes=2)
    [seal] = records(world, "pim")
    assert json.loads(seal.record)["letters"] == "N" * 840 + "DDD" + "N" * 597


async def test_a_service_killed_at_midnight_has_the_new_day_in_its_chain() -> None:
    world = World(clock=FakeClock("2026-10-03 23:58:00"))
    world.watch("crm", (web(), world.probe()))
    world.watch("pim", (web(), world.probe()))
    async with world.running(kill=True):
        await world.clock.run_for(minutes=2, seconds=59)
    del world.journal.laid["pim"][world.first + 2]
    del world.services["pim"]
    world.clock.stall(3 * 86400)
    async with world.running():
        await world.clock.run_for(minutes=2)
    assert sealed_days(world, "pim") == ["2026-10-03", "2026-10-04"]
    assert json.loads(records(world, "pim")[1].record)["letters"] == "U" + "N" * 1439


async def test_a_removed_service_is_judged_under_the_terms_it_had() -> None:
    world = World(clock=FakeClock("2026-10-03 14:00:00"))
    world.watch("crm", (web(), world.probe()))
    world.watch("pim", (web(), world.probe("D")), (web("back"), world.probe("D")))
    had = world.services["pim"].watch.digest()
    async with world.running():
        await world.clock.run_for(minutes=3)
    del world.services["pim"]
    world.clock.stall(86400)
    async with world.running():
        await world.clock.run_for(minutes=2)
    assert [json.loads(s.record)["terms_sha256"] for s in records(world, "pim")] == [had]


async def test_history_that_was_imported_for_a_removed_service_is_in_its_chain() -> None:
    world = World(clock=FakeClock("2026-10-02 00:10:00"))
    watch = terms("crm", [web()], AttemptRule.CONFIRMED)
    await imported(world, "UUDD", watch)
    world.watch("crm", (web(), world.probe()))
    world.watch("pim", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=2)
    del world.services["crm"]
    world.clock.stall(2 * 86400)
    async with world.running():
        await world.clock.run_for(minutes=2)
    assert sealed_days(world, "crm") == ["2026-10-01", "2026-10-02"]
    first = json.loads(records(world)[0].record)
    assert (first["letters"], first["terms_sha256"]) == ("UUDD" + "N" * 1436, watch.digest())


async def test_looks_of_a_service_that_was_never_watched_get_no_chain() -> None:
    world = World(clock=FakeClock("2026-10-02 12:00:00"))
    await imported(world, "UUDD", terms("crm", [web()], AttemptRule.CONFIRMED))
    world.watch("pim", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=2)
    assert records(world) == []


async def test_a_service_that_comes_back_has_the_days_between_in_its_chain() -> None:
    world = World(clock=FakeClock("2026-10-03 14:00:00"))
    await watched_until(world, "2026-10-03 14:05:00")
    world.clock.stall(3 * 86400)
    async with world.running():
        await world.clock.run_for(minutes=2)
    assert sealed_days(world, "pim") == ["2026-10-03"]
    world.watch("pim", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=2)
    sealed = records(world, "pim")
    assert [str(s.day) for s in sealed] == ["2026-10-03", "2026-10-04", "2026-10-05"]
    assert chain_faults([(s.record, s.sha256) for s in sealed]) == ()


async def test_trouble_with_the_journal_only_puts_off_a_removed_service_s_seal() -> None:
    world = World(clock=FakeClock("2026-10-03 14:00:00"))
    await watched_until(world, "2026-10-03 14:05:00")
    world.clock.stall(86400)
    async with world.running():
        world.journal.unreadable = "gone"
        await world.clock.run_for(minutes=2)
        assert world.journal.sealed == {}
        world.journal.unreadable = ""
        await world.clock.run_for(minutes=2)
        assert sealed_days(world, "pim") == ["2026-10-03"]
