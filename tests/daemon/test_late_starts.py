"""Looks that could not start in time: made in their minute where they can be, never in a burst."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.daemon.stories import VANTAGE, World, web
from uptimed.core.minutes import MINUTE, minute_of
from uptimed.core.observations import SECOND, Instant
from uptimed.core.targets import ProbeSettings
from uptimed.daemon.schedule import LATE_LIMIT_US, latest_us, put_off, timetable

_NAMES = [f"crm{n}" for n in range(300)]


def named(first: float, last: float) -> str:
    """Return a service whose probe looks between two seconds of the minute."""
    return next(
        name
        for name in _NAMES
        if first <= timetable(name, "front", VANTAGE, interval=1).phase_us / SECOND < last
    )


async def held_up(world: World, service: str, *, at: float, seconds: float) -> None:
    """Live three minutes; in the second the loop is held up *seconds* from second *at* on."""
    async with world.running():
        await world.clock.run_for(minutes=1, seconds=at)
        world.clock.stall(seconds)
        await world.clock.run_until("14:03:00")


@pytest.fixture
def world() -> World:
    return World()


def began(world: World, probe_calls: list[Instant]) -> list[float]:
    """Return at which seconds of the second minute a probe was called."""
    start = (world.first + 1) * MINUTE
    return [(call - start) / SECOND for call in probe_calls if 0 <= call - start < MINUTE]


async def test_a_look_that_was_held_up_is_made_in_its_minute(world: World) -> None:
    crm = named(20, 25)
    probe = world.probe()
    world.watch(crm, (web(), probe))
    await held_up(world, crm, at=19, seconds=10)
    [second] = began(world, probe.calls)
    assert 29 <= second <= 35
    assert world.strip(crm) == "UUU"
    attempt = next(a for a in world.journal.known.values() if minute_of(a.at) == world.first + 1)
    assert attempt.look == attempt.at


async def test_how_late_it_was_is_counted_from_when_it_was_planned(world: World) -> None:
    crm = named(20, 25)
    world.watch(crm, (web(), world.probe()))
    async with world.running() as daemon:
        await world.clock.run_for(minutes=1, seconds=19)
        world.clock.stall(10)
        await world.clock.run_for(seconds=20)
        assert 4 * SECOND <= daemon.snapshot().schedule_lag.sum_us <= 10 * SECOND


async def test_a_look_is_put_off_into_no_other_minute(world: World) -> None:
    crm = named(55, 59)
    probe = world.probe()
    world.watch(crm, (web(), probe))
    await held_up(world, crm, at=54, seconds=7)
    assert began(world, probe.calls) == []
    assert world.strip(crm) == "UNU"


async def test_a_look_that_is_very_late_is_missed(world: World) -> None:
    crm = named(20, 22)
    probe = world.probe()
    world.watch(crm, (web(), probe))
    await held_up(world, crm, at=19, seconds=25)
    assert began(world, probe.calls) == []


def slow() -> ProbeSettings:
    """Return a probe whose looks may take 55 s."""
    return replace(web(), timeout_us=15 * SECOND)


async def test_a_look_that_may_last_into_the_next_one_s_time_is_not_put_off(world: World) -> None:
    crm = named(20, 25)
    probe = world.probe()
    world.watch(crm, (slow(), probe))
    await held_up(world, crm, at=19, seconds=10)
    assert began(world, probe.calls) == []
    assert world.strip(crm) == "UNU"


async def test_a_late_look_that_fails_at_length_costs_the_next_minute_nothing(
    world: World,
) -> None:
    crm = named(20, 25)
    probe = world.probe("UDD", took_us=10 * SECOND)
    world.watch(crm, (web(), probe))
    await held_up(world, crm, at=19, seconds=14)
    assert world.strip(crm)[:2] == "UD"
    async with world.running():
        await world.clock.run_for(minutes=1)
    assert world.strip(crm)[2] == "D"


async def test_looks_that_were_held_up_together_keep_their_distances(world: World) -> None:
    probes = {name: world.probe() for name in _NAMES}
    for name, probe in probes.items():
        world.watch(name, (web(), probe))
    async with world.running():
        await world.clock.run_for(minutes=1, seconds=20)
        world.clock.stall(10)
        for _ in range(12):
            before = sum(len(p.calls) for p in probes.values())
            await world.clock.run_for(seconds=1)
            # Five a second are usual, and five more were late.
            assert sum(len(p.calls) for p in probes.values()) - before < 25
        await world.clock.run_until("14:02:30")
    assert all(world.strip(name)[:2] == "UU" for name in _NAMES)


async def test_after_the_host_slept_nothing_is_made_up(world: World) -> None:
    crm = named(20, 25)
    probe = world.probe()
    world.watch(crm, (web(), probe))
    async with world.running():
        await world.clock.run_for(minutes=1, seconds=19)
        world.clock.suspend(10)
        await world.clock.run_until("14:03:00")
    assert began(world, probe.calls) == []
    assert world.strip(crm) == "UNU"


@pytest.mark.parametrize(
    ("attempts", "timeout_s", "latest_s"),
    [
        pytest.param(3, 10, 15, id="the defaults"),
        pytest.param(3, 15, 1, id="the longest look"),
        pytest.param(1, 2, 20, id="a short one"),
    ],
)
def test_a_look_that_is_late_still_ends_within_55_s(
    attempts: int, timeout_s: int, latest_s: int
) -> None:
    assert latest_us(attempts, timeout_s * SECOND, 5 * SECOND) == latest_s * SECOND


@pytest.mark.property
@given(
    st.lists(st.integers(0, MINUTE), min_size=1, max_size=20).map(sorted),
    st.integers(0, 90 * SECOND),
    st.integers(LATE_LIMIT_US, 20 * SECOND),
)
def test_what_is_put_off_starts_later_in_its_minute_and_at_the_same_distances(
    planned: list[int], until: int, most_us: int
) -> None:
    now = Instant(max(planned) + until)
    starts = [
        (one, put_off(one, one, now, behind_us=now - planned[0], most_us=most_us))
        for one in map(Instant, planned)
    ]
    made = [(one, start) for one, start in starts if start is not None]
    assert all(now <= start <= one + most_us for one, start in made)
    assert all(minute_of(start) == minute_of(one) for one, start in made)
    assert len({start - one for one, start in made}) <= 1
