"""Our own faults, and that none of them becomes a client's downtime."""

from dataclasses import replace

import pytest

from tests.daemon.stories import World, login, web
from tests.fakes import minute
from uptimed.core.observations import SECOND, Cause, Outcome
from uptimed.core.snapshot import Edge
from uptimed.core.terms import AttemptRule


@pytest.fixture
def world() -> World:
    return World()


def causes(world: World, service: str = "crm") -> list[str]:
    """Return outcome and cause of each attempt on record, in order."""
    mine = sorted((a for a in world.journal.known.values() if a.service == service),
                  key=lambda a: a.at)  # fmt: skip
    return [f"{a.outcome} {a.cause}".strip() for a in mine]


# The probe


async def test_a_bug_in_a_probe_is_counted_and_measures_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.watch("crm", (web(), world.probe("U!U")))
    async with world.running() as daemon:
        await world.clock.run_for(minutes=3)
        assert daemon.snapshot().bugs == 3
    assert world.strip() == "UNU"
    assert "ZeroDivisionError" in caplog.text
    bug = next(a for a in world.journal.known.values() if a.cause == Cause.BUG)
    assert bug.outcome is Outcome.NOT_MEASURED and "the probe is broken" not in bug.detail


async def test_a_loop_that_was_held_up_measures_nothing(world: World) -> None:
    world.watch("crm", (web(), world.probe("UD", took_us=4 * SECOND)))
    async with world.running():
        await world.clock.run_for(seconds=60 + world.seconds() + 2)
        world.clock.stall(3)
        await world.clock.run_for(seconds=8)
        await world.clock.run_until("14:02:00")
    assert causes(world)[:2] == ["pass", "not_measured loop_lag"]


async def test_a_clock_that_steps_during_an_attempt_spoils_it(world: World) -> None:
    world.watch("crm", (web(), world.probe("D", took_us=4 * SECOND)))
    async with world.running():
        await world.clock.run_for(seconds=world.seconds() + 1)
        world.clock.step(3)
        await world.clock.run_until("14:01:00")
    assert causes(world)[0] == "not_measured clock_step"


# The references


async def test_when_the_references_fail_too_it_is_our_network(world: World) -> None:
    world.watch("crm", (web(), world.probe("UDDU")))
    async with world.running():
        await world.clock.run_for(minutes=1)
        world.references.up = False
        await world.clock.run_for(minutes=2)
        world.references.up = True
        await world.clock.run_for(minutes=1)
    assert world.strip() == "UNNU"
    assert [k for k in world.journal.kinds() if k.startswith("references")] == ["references_failed"]
    spoiled = next(a for a in world.journal.known.values() if a.cause == Cause.LOCAL_NETWORK)
    assert spoiled.detail == "refused: port 443 refuses; all 2 references failed too"
    assert world.ears.heard == []


async def test_references_that_answer_again_are_told_of(world: World) -> None:
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        world.references.up = False
        await world.clock.run_for(minutes=6)
        world.references.up = True
        await world.clock.run_for(minutes=6)
    assert [k for k in world.journal.kinds() if k.startswith("references")] == [
        "references_failed", "references_back",
    ]  # fmt: skip


async def test_an_answer_of_the_target_is_its_own_whatever_the_references_say(
    world: World,
) -> None:
    world.watch("crm", (web(), world.probe("5")))
    world.references.up = False
    async with world.running():
        await world.clock.run_for(minutes=2)
    assert world.strip() == "DD"


async def test_a_network_that_dies_between_two_attempts_excuses_both(world: World) -> None:
    world.watch("crm", (web(), world.probe("D")))
    async with world.running():
        await world.clock.run_for(seconds=world.seconds() + 2)
        world.references.up = False
        await world.clock.run_until("14:01:00")
    assert set(causes(world)) == {"not_measured local_network"}
    assert world.strip()[0] == "N"


async def test_many_failures_at_once_share_a_check(world: World) -> None:
    for n in range(100):
        world.watch(f"crm{n}", (web(), world.probe("UD")))
    async with world.running():
        await world.clock.run_for(minutes=2)
        checks = len(world.references.calls)
        await world.clock.run_for(minutes=1)
    assert checks <= 2 + 70 // 5
    gaps = [b - a for a, b in zip(world.references.calls, world.references.calls[1:], strict=False)]
    assert min(gaps) >= 5 * SECOND
    assert all(world.strip(f"crm{n}")[:2] == "UD" for n in range(100))


async def test_a_broken_self_check_is_our_fault(world: World) -> None:
    world.watch("crm", (web(), world.probe("D")))
    world.references.broken = True
    async with world.running():
        await world.clock.run_for(minutes=1)
    assert set(causes(world)) == {"not_measured bug"}


@pytest.mark.parametrize(
    ("seen", "names", "up", "letter"),
    [
        pytest.param("0", True, True, "D", id="no such name, theirs resolve"),
        pytest.param("0", True, False, "D", id="no such name, theirs resolve but nobody answers"),
        pytest.param("0", None, True, "D", id="no such name, and no reference has one"),
        pytest.param("0", False, True, "N", id="no such name, and theirs do not resolve either"),
        pytest.param("0", None, False, "N", id="no such name, and nobody answers"),
        pytest.param("?", True, True, "D", id="name servers fail, theirs resolve"),
        pytest.param("?", True, False, "D", id="name servers fail, theirs resolve, none answers"),
        pytest.param("?", None, True, "N", id="name servers fail, and no reference has a name"),
        pytest.param("?", False, True, "N", id="name servers fail for everybody"),
    ],
)
async def test_trouble_with_names(
    world: World, seen: str, names: bool | None, up: bool, letter: str
) -> None:
    world.watch("crm", (web(), world.probe(seen)))
    world.references.names, world.references.up = names, up
    async with world.running():
        await world.clock.run_for(minutes=1)
    assert world.strip() == letter


async def test_a_clock_far_off_the_references_measures_nothing(world: World) -> None:
    world.watch("crm", (web(), world.probe()))
    world.references.offset_us = 31 * SECOND
    async with world.running() as daemon:
        await world.clock.run_for(minutes=2)
        assert not daemon.healthy
        assert daemon.snapshot().clock_offset_us == 31 * SECOND
    assert world.strip() == "NN"
    assert set(causes(world)) == {"not_measured clock_off"}


async def test_a_clock_a_little_off_is_warned_of(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.watch("crm", (web(), world.probe()))
    world.references.offset_us = -3 * SECOND
    async with world.running():
        await world.clock.run_for(minutes=2)
    assert world.strip() == "UU"
    assert caplog.text.count("off the references") == 1


# Without references


def without_references(world: World) -> None:
    world.references.count = 0
    for n in range(3):
        world.watch(f"crm{n}", (web(host=f"crm{n}.example"), world.probe("UUDDU")))


async def test_without_references_a_resolver_that_fails_is_part_of_the_proof(
    world: World,
) -> None:
    without_references(world)
    world.watch("crm0", (web(host="crm0.example"), world.probe("UU??U")))
    async with world.running():
        await world.clock.run_for(minutes=6)
    assert world.ears.heard == []
    assert [world.strip(f"crm{n}")[:5] for n in range(3)] == ["UUNNU"] * 3


async def test_without_references_one_answer_shows_that_it_is_them(world: World) -> None:
    without_references(world)
    world.watch("other", (web(host="other.example"), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=6)
    assert [world.strip(f"crm{n}")[:5] for n in range(3)] == ["UUDDU"] * 3
    assert world.journal.blind_minutes == []


async def test_a_blind_minute_is_on_record(world: World) -> None:
    world.references.count = 0
    for n in range(4):
        probe = world.probe("UUDDU", address=f"192.0.2.{n}:443")
        world.watch(f"crm{n}", (web(host=f"crm{n}.example"), probe))
    async with world.running():
        await world.clock.run_for(minutes=6)
    assert [world.strip(f"crm{n}")[:5] for n in range(4)] == ["UUNNU"] * 4
    assert [b.minute - world.first for b in world.journal.blind_minutes] == [2, 3]
    assert world.ears.heard == []


async def test_two_targets_are_no_proof(world: World) -> None:
    world.references.count = 0
    for n in range(2):
        probe = world.probe("UD", address=f"192.0.2.{n}:443")
        world.watch(f"crm{n}", (web(host=f"crm{n}.example"), probe))
    async with world.running():
        await world.clock.run_for(minutes=2)
    assert world.strip("crm0") == world.strip("crm1") == "UD"


# The journal


async def test_what_a_full_disk_held_up_is_written_once_it_can_be(world: World) -> None:
    world.watch("crm", (web(), world.probe("UUDDDU")))
    async with world.running() as daemon:
        await world.clock.run_for(minutes=1)
        world.journal.broken = "no space left on the device"
        await world.clock.run_for(minutes=4)
        assert world.strip() == "U"
        assert world.shown().letters.endswith("UUDDD")
        assert len(world.ears.heard) == 1  # pages go out all the same
        store = daemon.snapshot().store
        assert not store.ok and store.backlog == 7
        assert store.error == "no space left on the device"
        assert not daemon.snapshot().healthy
        world.journal.broken = ""
        await world.clock.run_for(minutes=1)
        assert daemon.snapshot().store.ok and daemon.snapshot().healthy
    assert world.strip() == "UUDDDU"
    assert [k for k in world.journal.kinds() if k.startswith("store")] == [
        "store_failed", "store_recovered",
    ]  # fmt: skip


async def test_minutes_beyond_the_backlog_are_not_measured(world: World) -> None:
    world.watch("crm", (web(), world.probe("UU" + "D" * 38)))
    async with world.running() as daemon:
        await world.clock.run_for(minutes=3)
        world.journal.broken = "read-only file system"
        await world.clock.run_for(minutes=30)
        assert daemon.snapshot().store.backlog <= 11 * 2
        world.journal.broken = ""
        await world.clock.run_for(minutes=7)
    strip = world.strip()
    assert len(strip) == 40
    lost = strip.count("N")
    assert strip == "UUD" + "N" * lost + "D" * (37 - lost)
    assert 18 <= lost <= 20
    assert [e.kind for e in world.ears.heard if isinstance(e, Edge)] == ["down"]
    event = next(e for e in world.journal.life_events if e.kind == "store_recovered")
    assert event.start <= world.first + 4 and event.stop == world.first + 3 + lost


async def test_a_held_pass_does_not_hold_over_looks_that_were_lost(world: World) -> None:
    """Else a lost fail would be shown as up: the fault of a disk, taken for the system's merit."""
    world.watch("crm", (web(interval=60), world.probe("D" * 3 + "U" * 2 + "D" * 100)))
    world.clock.step(0)
    async with world.running():
        await world.clock.run_for(minutes=5)
        assert world.strip()[-1] == "U"
        due = next(iter(world.daemon._fleet.runs["crm"].watches.values())).next_start
        ahead = due // (60 * SECOND) - world.first
        await world.clock.run_for(minutes=ahead - 6)
        world.journal.broken = "full"
        await world.clock.run_for(minutes=30)
        world.journal.broken = ""
        await world.clock.run_for(minutes=2)
    after = world.strip()[ahead : ahead + 10]
    assert after == "N" * 10


async def test_what_waited_when_the_daemon_was_killed_is_not_measured(world: World) -> None:
    world.watch("crm", (web(), world.probe("UUDDDU")))
    async with world.running(kill=True):
        await world.clock.run_for(minutes=1)
        world.journal.broken = "full"
        await world.clock.run_for(minutes=3)
    world.journal.broken = ""
    async with world.running():
        await world.clock.run_for(minutes=3)
    assert world.strip() == "UNNNDUU"


async def test_an_attempt_that_conflicts_with_the_record_is_given_up_alone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.watch("crm", (web(), world.probe()))
    async with world.running() as daemon:
        await world.clock.run_for(minutes=1)
        (first,) = world.journal.known.values()
        daemon._keeper.keep([replace(first, outcome=Outcome.FAIL)])
        await world.clock.run_for(minutes=1)
        assert daemon.snapshot().bugs == 1
    assert next(iter(world.journal.known.values())) == first
    assert world.strip() == "UU"
    assert "not kept" in caplog.text


async def test_a_journal_that_cannot_be_read_at_the_start_does_not_stop_the_watch(
    world: World,
) -> None:
    world.watch("crm", (web(), world.probe()))
    world.journal.unreadable = world.journal.broken = "disk I/O error"
    async with world.running() as daemon:
        await world.clock.run_for(minutes=2)
        assert daemon.snapshot().services["crm"].letter == "U"
        world.journal.unreadable = world.journal.broken = ""
        await world.clock.run_for(minutes=1)
    assert world.strip() == "UUU"


async def test_single_failures_count_at_once_under_the_rule_single(world: World) -> None:
    world.watch("crm", (web(), world.probe("UDU")), rule=AttemptRule.SINGLE)
    async with world.running():
        await world.clock.run_for(minutes=3)
    assert world.strip() == "UDU"
    assert causes(world) == ["pass", "fail refused", "pass"]


async def test_the_dead_mans_switch_is_fed_only_while_all_is_well(world: World) -> None:
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=3)
        fed = len(world.pings)
        world.journal.broken = "full"
        await world.clock.run_for(minutes=5)
        assert 3 <= fed <= 4 and len(world.pings) <= fed + 1
        world.journal.broken = ""
        await world.clock.run_for(minutes=2)
        assert len(world.pings) > fed + 1


async def test_systemd_hears_that_we_are_ready_alive_and_stopping(world: World) -> None:
    world.watch("crm", (web(), world.probe()))
    async with world.running():
        await world.clock.run_for(minutes=1)
    assert world.notes[0] == "READY=1" and world.notes[-1] == "STOPPING=1"
    assert 10 <= world.notes.count("WATCHDOG=1") <= 14


async def test_a_heartbeat_is_on_record_though_nothing_is_watched(world: World) -> None:
    async with world.running():
        await world.clock.run_for(minutes=3)
        beat = world.journal.beat
        assert beat is not None and beat > world.clock.now() - 60 * SECOND


async def test_login_trouble_with_an_account_leaves_the_minute_unverified(world: World) -> None:
    world.watch("crm", (web(), world.probe()), (login(), world.probe("R")))
    async with world.running():
        await world.clock.run_for(minutes=3)
    assert world.strip() == "uuu"
    assert minute("2026-10-03 14:00") == world.first


async def test_a_minute_lived_twice_while_the_disk_is_full_gets_no_second_look(
    world: World,
) -> None:
    probe = world.probe()
    world.watch("crm", (web(), probe))
    async with world.running():
        await world.clock.run_for(minutes=4)
        world.journal.broken = "full"
        world.clock.step(-100)
        await world.clock.run_for(minutes=1)
        assert len(probe.calls) == 4
        world.journal.broken = ""
        await world.clock.run_for(minutes=2)
    assert world.strip() == "UUUUUU"
    assert len(probe.calls) == 6
