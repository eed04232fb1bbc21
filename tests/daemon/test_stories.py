"""The daemon's life, told in letters: what was scripted, and what is on record."""

import pytest

from tests.daemon.stories import World, login, web
from tests.fakes import FakeClock, minute
from uptimed.core.observations import SECOND, Cause, Outcome
from uptimed.core.snapshot import Edge


@pytest.fixture
def world() -> World:
    return World()


async def test_what_a_probe_sees_becomes_a_letter_a_minute(world: World) -> None:
    world.watch("crm", (web(), world.probe("UUDDU")))
    async with world.running():
        await world.clock.run_for(minutes=5)
    assert world.strip() == "UUDDU"


async def test_a_minute_is_settled_as_soon_as_its_look_is_judged(world: World) -> None:
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(seconds=world.seconds() + 1)
        assert world.strip() == "U"


async def test_a_failed_look_has_a_second_attempt_and_a_third_only_when_the_two_disagree(
    world: World,
) -> None:
    probe = world.probe("DU")
    world.watch("crm", (web(), probe))
    async with world.running():
        await world.clock.run_for(minutes=2)
    assert probe.minutes == [0, 0, 1]
    assert probe.calls[1] - probe.calls[0] == 5 * SECOND


async def test_a_look_that_is_stopped_before_it_began_leaves_nothing_behind(world: World) -> None:
    probe = world.probe()
    world.watch("crm", (web(), probe))
    async with world.running():
        await world.clock.run_for(seconds=world.seconds() - 0.001)
        world.clock.strike(0.002)  # the look is due, and the daemon is told to stop
    assert probe.calls == []
    assert world.strip() == ""


async def test_a_pause_of_the_loop_is_followed_by_no_burst(world: World) -> None:
    probes = [world.probe() for _ in range(50)]
    for n, probe in enumerate(probes):
        world.watch(f"crm{n}", (web(), probe))
    async with world.running():
        await world.clock.run_for(minutes=1)
        world.clock.stall(600)
        before = sum(len(p.calls) for p in probes)
        await world.clock.run_for(seconds=1)
        assert sum(len(p.calls) for p in probes) - before < 5
        await world.clock.run_for(seconds=119)
    assert all(probe.minutes in ([0, 11, 12], [0, 12]) or len(probe.calls) <= 4 for probe in probes)
    assert all(world.strip(f"crm{n}")[1:10] == "N" * 9 for n in range(50))


async def test_minutes_that_a_forward_step_skips_are_not_measured(world: World) -> None:
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=3)
        world.clock.step(180)
        await world.clock.run_for(minutes=3)
    assert world.strip() == "UUUNNNUUU"
    assert "clock_step" in world.journal.kinds()


async def test_minutes_in_which_the_host_slept_are_not_measured_and_say_so(world: World) -> None:
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=2)
        world.clock.suspend(240)
        await world.clock.run_for(minutes=2)
    assert world.strip() == "UUNNNNUU"
    event = next(e for e in world.journal.life_events if e.kind == "suspended")
    assert (event.start, event.stop) == (world.first + 2, world.first + 7)


async def test_a_minute_lived_twice_gets_no_second_look(world: World) -> None:
    probe = world.probe("UUDDUU")
    world.watch("crm", (web(), probe))
    async with world.running():
        await world.clock.run_for(minutes=4)
        calls = list(probe.calls)
        world.clock.step(-150)
        await world.clock.run_for(minutes=2)
        assert probe.calls == calls
        await world.clock.run_for(minutes=2.5)
    assert world.strip() == "UUDDUU"
    assert len({call // (60 * SECOND) for call in probe.calls}) == 6


async def test_a_clock_that_was_wrong_by_a_year_is_put_right_again(world: World) -> None:
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=2)
        world.clock.step(365 * 86400)
        await world.clock.run_for(minutes=2)
        world.clock.step(-365 * 86400)
        await world.clock.run_for(minutes=3)
    assert world.journal.letters("crm", world.first, world.first + 7).letters == "UUNNUUU"  # type: ignore[arg-type]


async def test_killed_in_the_middle_only_the_minutes_between_are_missing() -> None:
    world = World(clock=FakeClock("2026-10-03 14:04:00"))
    world.watch("crm", (web(), world.probe()))
    async with world.running(kill=True):
        await world.clock.run_until("14:07:30")
    world.clock.stall(100)
    async with world.running():
        await world.clock.run_until("14:12:00")
    strip = world.strip()
    assert strip[:3] == "UUU" and strip[6:] == "UU"
    gap = next(e for e in world.journal.life_events if e.kind == "gap")
    assert (gap.start, gap.stop) == (minute("2026-10-03 14:07"), minute("2026-10-03 14:10"))
    assert gap.detail.startswith("killed")


async def test_looks_that_were_done_before_the_kill_have_their_letters_after_it(
    world: World,
) -> None:
    """The letter was not on record yet, as another look of the minute was still to come."""
    slow = world.probe("U")
    world.watch("crm", (web(), slow), (web("back"), world.probe()))
    later = max(world.seconds(), world.seconds(probe="back"))
    async with world.running(kill=True):
        await world.clock.run_for(seconds=60 + later + 1)
    del world.journal.laid["crm"][world.first + 1]
    async with world.running():
        await world.clock.run_for(minutes=1)
    assert world.strip()[:2] == "UU"


async def test_a_clean_stop_is_told_from_a_kill(world: World) -> None:
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=2)
    world.clock.stall(120)
    async with world.running():
        await world.clock.run_for(minutes=2)
    gap = next(e for e in world.journal.life_events if e.kind == "gap")
    assert gap.detail.startswith("stopped")
    assert world.journal.kinds()[-1] == "stopped"


async def test_a_look_cut_off_by_a_stop_is_not_measured(world: World) -> None:
    world.watch("crm", (web(), world.probe("D", took_us=9 * SECOND)))
    async with world.running():
        await world.clock.run_for(seconds=world.seconds() + 16)
    (attempt,) = world.journal.known.values()
    assert (attempt.outcome, attempt.cause) == (Outcome.NOT_MEASURED, Cause.STOPPED)


async def test_a_held_look_goes_on_holding_after_a_restart(world: World) -> None:
    world.watch("crm", (web(interval=5), world.probe()))
    async with world.running(kill=True):
        await world.clock.run_for(minutes=6)
    world.clock.stall(1)
    async with world.running():
        await world.clock.run_for(minutes=6)
    assert "N" not in world.strip()[1:]


async def test_after_a_failed_look_the_next_ones_come_every_minute_until_one_passes(
    world: World,
) -> None:
    probe = world.probe("U" * 6 + "D" * 7 + "U" * 20)
    world.watch("crm", (web(interval=5), probe))
    async with world.running():
        await world.clock.run_for(minutes=30)
    looked = sorted(set(probe.minutes))
    down = [m for m in looked if 6 <= m < 13]
    assert down == list(range(down[0], 13))
    assert 13 in looked and 14 not in set(looked) - {m for m in looked if m % 5 == looked[-1] % 5}
    assert world.strip()[down[0] : 14] == "D" * (13 - down[0]) + "U"


async def test_pages_tell_of_an_outage_once_with_its_first_evidence(world: World) -> None:
    world.watch("crm", (web(), world.probe("UUDDDUUU")))
    async with world.running():
        await world.clock.run_for(minutes=8)
    down, up = world.ears.heard
    assert isinstance(down, Edge) and isinstance(up, Edge)
    assert (down.kind, down.since - world.first, down.letter) == ("down", 2, "D")
    assert down.reason == "refused: port 443 refuses"
    assert down.attempt is not None and down.attempt.look // (60 * SECOND) == world.first + 2
    assert (up.kind, up.since - world.first, up.until) == ("up", 2, world.first + 5)


async def test_a_restart_during_an_outage_does_not_tell_of_it_again(world: World) -> None:
    world.watch("crm", (web(), world.probe("UUDDDDDDUU")))
    async with world.running(kill=True):
        await world.clock.run_for(minutes=5)
    assert len(world.ears.heard) == 1
    async with world.running() as daemon:
        down = daemon.snapshot().services["crm"].down
        assert down is not None and down.since == world.first + 2
        await world.clock.run_for(minutes=6)
    assert [e.kind for e in world.ears.heard if isinstance(e, Edge)] == ["down", "up"]


async def test_deaf_ears_do_not_stop_the_watch(world: World) -> None:
    world.watch("crm", (web(), world.probe("UDDDU")))
    world.ears.broken = True
    async with world.running() as daemon:
        await world.clock.run_for(minutes=5)
        assert daemon.snapshot().bugs == 1
    assert world.strip() == "UDDDU"


async def test_a_rejected_account_is_told_of_once_and_passes_no_judgement(world: World) -> None:
    probe = world.probe("UUR")
    world.watch("crm", (login(), probe))
    async with world.running():
        await world.clock.run_for(minutes=10)
    assert len(probe.calls) == 5
    (edge,) = (e for e in world.ears.heard if isinstance(e, Edge))
    assert edge.kind == "account" and edge.suspected
    assert "D" not in world.strip() and "L" not in world.strip()


async def test_an_account_that_passed_in_between_is_told_of_again(world: World) -> None:
    world.watch("crm", (login(), world.probe("URUURU")))
    async with world.running() as daemon:
        rejected = []
        for _ in range(6):
            await world.clock.run_for(minutes=1)
            rejected += [view.rejected for view in daemon.snapshot().probes.values()]
    assert [e.kind for e in world.ears.heard if isinstance(e, Edge)] == ["account"] * 2
    assert rejected == [False, True, False, False, True, False]


async def test_a_rejected_account_is_tried_three_times_an_hour_over_a_restart(
    world: World,
) -> None:
    probe = world.probe("R")
    world.watch("crm", (login(), probe))
    async with world.running(kill=True):
        await world.clock.run_for(minutes=2)
    async with world.running():
        await world.clock.run_for(minutes=30)
        assert len(probe.calls) == 3
        world.fingerprints["probe1"] = "a new password"
        await world.clock.run_for(minutes=2)
        assert len(probe.calls) == 5


async def test_the_second_account_stands_in_for_a_rejected_one(world: World) -> None:
    probe = world.probe()
    probe.accounts = {"probe1": "R", "probe2": "U"}
    world.watch("crm", (login(accounts=2), probe))
    async with world.running():
        await world.clock.run_for(minutes=2)
    assert world.strip() == "UU"
    assert sorted(a.account for a in world.journal.known.values()) == [1, 1, 2, 2]


async def test_probes_that_would_log_each_other_out_take_turns(world: World) -> None:
    probe = world.probe("U", took_us=8 * SECOND)
    for n in range(20):
        world.watch(f"crm{n}", (login(), probe), turn="https://crm.example")
    async with world.running():
        await world.clock.run_for(minutes=3)
    assert probe.most_at_once == 1
