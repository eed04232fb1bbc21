"""Other vantages' looks, merged with our own: live, late, too late and in disorder."""

import pytest

from tests.daemon.elsewhere import THREE, Elsewhere, live
from tests.daemon.stories import World, login, web
from tests.fakes import FakeClock, FakeProbe, FakeShared, minute
from uptimed.core.minutes import Minute, day_minutes, day_of, start_of
from uptimed.core.observations import SECOND, Attempt, Cause, Instant, Outcome

pytestmark = pytest.mark.timeout(90)  # some live through a day

TWO = ("local", "madrid")


def sharing(start: str = "2026-10-03 14:00:00") -> World:
    return World(clock=FakeClock(start), shared=FakeShared())


def watch(
    world: World, script: str = "U", *, vantages: tuple[str, ...] = THREE, least: int = 2
) -> FakeProbe:
    probe = world.probe(script)
    world.watch("crm", (web(), probe), vantages=vantages, least=least)
    return probe


@pytest.mark.parametrize(
    ("local", "bogota", "madrid", "letters"),
    [
        pytest.param("UUUU", "UUUU", "UUUU", "UUUU", id="all see it up"),
        pytest.param("UUDU", "UUUU", "UUUU", "UUUU", id="one dissents"),
        pytest.param("UUDU", "UUDU", "UUUU", "UUDU", id="two agree that it is down"),
        pytest.param("UUUU", "UU--", "UU--", "UUNN", id="one alone is too few"),
        pytest.param("UUDU", "UUUU", "UU--", "UUNU", id="one to one is disputed"),
        pytest.param("UUDD", "UUDD", "----", "UUDD", id="two are enough"),
    ],
)
async def test_three_vantages_make_one_letter(
    local: str, bogota: str, madrid: str, letters: str
) -> None:
    world = sharing()
    watch(world, local)
    others = (
        Elsewhere(world, "bogota", bogota, 10),
        Elsewhere(world, "madrid", madrid, 30),
    )
    async with world.running():
        await live(world, *others, minutes=6)
        assert world.shown().letters[:4] == letters
    assert world.strip()[:4] == letters


async def test_a_letter_waits_for_those_that_may_change_it() -> None:
    world = sharing()
    watch(world, vantages=TWO)
    madrid = Elsewhere(world, "madrid", "U", 55)
    async with world.running():
        await live(world, madrid, minutes=3)
        letters = set()
        for _ in range(60):
            await live(world, madrid, minutes=2 / 60)
            letters.add(world.shown().letters[-1:])
    assert letters == {"U"}  # never an `N` that the look of madrid corrects


async def test_a_letter_that_is_decided_does_not_wait() -> None:
    world = sharing()
    watch(world)
    others = Elsewhere(world, "bogota", "U", 1), Elsewhere(world, "madrid", "UUU-", 2)
    async with world.running():
        await live(world, *others, minutes=4.5, lag=1)
        # Of the fourth minute madrid says nothing: the other two have decided it all the same.
        await world.clock.run_until("14:04:02")
        assert world.shown().letters[:4] == "UUUU"


async def test_a_letter_waits_no_longer_than_it_may() -> None:
    world = sharing()
    watch(world, vantages=TWO)
    madrid = Elsewhere(world, "madrid", "UUU-U", 2)
    async with world.running():
        await live(world, madrid, minutes=4.9)
        assert world.shown().letters == "UUU"
        await live(world, madrid, minutes=0.3)
        assert world.shown().letters[3] == "N"


async def test_a_service_that_is_only_looked_at_from_here_waits_for_nobody() -> None:
    world = sharing()
    watch(world, vantages=("local",), least=1)
    async with world.running():
        await world.clock.run_until("14:02:57")
        assert world.shown().letters in {"UU", "UUU"}


async def test_a_vantage_that_is_silent_is_not_waited_for() -> None:
    world = sharing()
    watch(world, vantages=TWO, least=1)
    madrid = Elsewhere(world, "madrid", "U", 2)
    async with world.running():
        await live(world, madrid, minutes=3)
        madrid.cut = True
        await live(world, madrid, minutes=12)
        own = world.seconds() + 1
        await live(world, madrid, minutes=own / 60)
        behind = (world.clock.now() // SECOND) // 60 - world.shown().stop
        assert behind <= 0
        assert set(world.shown().letters) == {"U"}


async def test_looks_of_a_vantage_that_was_cut_off_come_later_and_letters_follow() -> None:
    world = sharing()
    watch(world, "UUUDDDDDDDUUUU" + "U" * 60)
    bogota = Elsewhere(world, "bogota", "U" * 3 + "D" * 7 + "U", 10, cut=True)
    madrid = Elsewhere(world, "madrid", "U", 30, cut=True)
    async with world.running():
        await live(world, bogota, madrid, minutes=62)
        assert set(world.strip()[:60]) == {"N"}
        bogota.cut = madrid.cut = False
        await live(world, bogota, madrid, minutes=3)
        assert world.strip()[:60] == "UUU" + "D" * 7 + "U" * 50
        assert world.shown().letters[:60] == world.strip()[:60]
    assert world.daemon.snapshot().bugs == 0


async def test_a_host_that_looks_at_nothing_itself_has_the_letters() -> None:
    world = sharing()
    probe = watch(world, vantages=("bogota", "madrid", "lima"))
    others = (
        Elsewhere(world, "bogota", "UUDDU", 10),
        Elsewhere(world, "madrid", "UUDDU", 30),
        Elsewhere(world, "lima", "UUUDU", 40),
    )
    async with world.running():
        await live(world, *others, minutes=7)
        assert world.strip()[:5] == "UUDDU"
    assert probe.calls == []


async def test_the_store_being_away_is_nobodys_downtime_and_letters_follow() -> None:
    world = sharing()
    watch(world)
    assert world.shared is not None
    others = Elsewhere(world, "bogota", "U", 10), Elsewhere(world, "madrid", "U", 30)
    async with world.running() as daemon:
        await live(world, *others, minutes=4)
        world.shared.away = "influx.example: nothing within 30 s"
        await live(world, *others, minutes=20)
        assert set(world.strip()[4:20]) == {"N"}
        assert daemon.healthy
        gather = daemon.snapshot().gather
        assert gather is not None and "nothing within" in gather.error
        world.shared.away = ""
        await live(world, *others, minutes=3)
        assert set(world.strip()[:22]) == {"U"}
        gather = daemon.snapshot().gather
        assert gather is not None and gather.error == ""


async def test_a_down_letter_that_follows_late_is_told() -> None:
    world = sharing()
    watch(world, "UUUU" + "D" * 20, vantages=TWO)
    madrid = Elsewhere(world, "madrid", "UUUU" + "D" * 20, 10)
    async with world.running():
        await live(world, madrid, minutes=4)
        madrid.cut = True
        await live(world, madrid, minutes=8)
        assert world.ears.heard == []
        madrid.cut = False
        await live(world, madrid, minutes=2)
        shown = world.daemon.snapshot().services["crm"].down
        assert shown is not None and shown.since == world.first + 4
    [edge] = world.ears.heard
    assert getattr(edge, "kind", "") == "down"


@pytest.mark.parametrize("fault", ["half", "broken"])
async def test_an_answer_that_lacks_a_part_loses_nothing(fault: str) -> None:
    world = sharing()
    watch(world)
    assert world.shared is not None
    others = (
        Elsewhere(world, "bogota", "U", 10, cut=True), Elsewhere(world, "madrid", "U", 30, cut=True)
    )  # fmt: skip
    async with world.running():
        await live(world, *others, minutes=30)
        world.shared.half = fault == "half"
        world.shared.broken_after = 3 if fault == "broken" else None
        for other in others:
            other.cut = False
        await live(world, *others, minutes=4)
        world.shared.half, world.shared.broken_after = False, None
        await live(world, *others, minutes=3)
    assert set(world.strip()[:34]) == {"U"}


async def test_killed_between_looks_and_letters_the_letters_follow_after_the_start() -> None:
    world = sharing()
    watch(world)
    others = (
        Elsewhere(world, "bogota", "U", 10, cut=True), Elsewhere(world, "madrid", "U", 30, cut=True)
    )  # fmt: skip
    async with world.running(kill=True):
        await live(world, *others, minutes=40)
    # What the kill left: the attempts are on record, and no letter followed from them.
    for index in range(38):
        for other in others:
            await world.journal.write(world.batch_of(other.looks(index)))
            other.send_one(index)
    assert set(world.strip()[:38]) == {"N"}
    async with world.running():
        await live(world, minutes=2)
    assert set(world.strip()[:38]) == {"U"}


async def test_blind_minutes_of_another_vantage_are_not_its_targets_fault() -> None:
    world = sharing()
    watch(world, "UUDDUU")
    assert world.shared is not None
    bogota = Elsewhere(world, "bogota", "UUDDUU", 10)
    madrid = Elsewhere(world, "madrid", "U-----", 30)
    async with world.running():
        await live(world, bogota, madrid, minutes=7)
        assert world.strip()[1:5] == "UDDU"
        world.shared.blind_minutes += [bogota.blind(2), bogota.blind(3)]
        await live(world, bogota, madrid, minutes=2)
        assert world.strip()[2:4] == "NN"
        await live(world, bogota, madrid, minutes=30)
    assert world.strip()[2:4] == "NN"


async def test_what_comes_for_a_sealed_day_is_told_and_changes_nothing() -> None:
    world = sharing("2026-10-03 23:50:00")
    watch(world)
    bogota = Elsewhere(world, "bogota", "U", 10)
    madrid = Elsewhere(world, "madrid", "D", 30, cut=True)
    async with world.running() as daemon:
        await live(world, bogota, madrid, minutes=6 * 60 + 15)
        day = day_minutes(day_of(world.first))
        sealed = world.journal.letters("crm", Minute(day.start), Minute(day.stop))
        assert len(world.journal.sealed) == 1
        madrid.cut = False
        await live(world, bogota, madrid, minutes=62)
        assert world.journal.letters("crm", Minute(day.start), Minute(day.stop)) == sealed
        told = [e for e in world.journal.life_events if e.kind == "late_looks"]
        assert [e.vantage for e in told] == ["madrid"]
        assert "20 attempts of madrid at crm on 2026-10-03" in told[0].detail
        assert (told[0].start, told[0].stop) == (world.first, world.first + 10)
        gather = daemon.snapshot().gather
        assert gather is not None
        assert {v.name: v.set_aside for v in gather.vantages} == {"bogota": 0, "madrid": 20}
    assert daemon.snapshot().bugs == 0
    async with world.running():  # told once, also over a restart
        await live(world, bogota, madrid, minutes=62)
    assert sum(e.kind == "late_looks" for e in world.journal.life_events) == 1


async def test_a_day_that_could_not_be_gathered_is_sealed_an_hour_late() -> None:
    world = sharing("2026-10-03 23:30:00")
    watch(world)
    assert world.shared is not None
    async with world.running():
        await live(world, minutes=5)
        world.shared.away = "away"
        await world.clock.run_until("2026-10-04 06:58:00")
        assert world.journal.sealed == {}
        await world.clock.run_until("2026-10-04 07:02:00")
        assert len(world.journal.sealed) == 1


async def test_what_came_while_the_settler_was_down_is_in_the_sealed_day() -> None:
    world = sharing("2026-10-03 23:30:00")
    watch(world, vantages=("bogota", "madrid"))
    others = Elsewhere(world, "bogota", "U", 10), Elsewhere(world, "madrid", "U", 30)
    async with world.running():
        await live(world, *others, minutes=10)
    world.clock.stall(12 * 3600)
    for other in others:
        other.send(12 * 60)
    async with world.running():
        await live(world, *others, minutes=3)
    [seal] = world.journal.sealed.values()
    assert '"letters":"' + "N" * 1410 + "U" * 30 in seal.record


async def test_two_settlers_reach_the_same_letters_and_one_seals() -> None:
    shared = FakeShared()
    one = World(clock=FakeClock("2026-10-03 23:30:00"), shared=shared)
    other = World(clock=FakeClock("2026-10-03 23:30:00"), shared=shared, seals=False)
    for world in (one, other):
        world.watch("crm", (web(), world.probe()), vantages=("bogota", "madrid"), least=2)
    looks = Elsewhere(one, "bogota", "UUDDU", 10), Elsewhere(one, "madrid", "UUDDUUUD", 30)
    async with one.running(), other.running():
        for n in range(80):
            looks[1].cut = n % 3 > 0
            await live(one, *looks, minutes=5)
            await other.clock.run_for(minutes=5)
        await live(one, *looks, minutes=2)
        await other.clock.run_for(minutes=2)
    # What comes too late for the one that seals is too late for the other.
    assert one.strip()[:-3] == other.strip()[: len(one.strip()) - 3]
    assert len(one.journal.sealed) == 1
    assert other.journal.sealed == {}


async def test_one_that_does_not_seal_closes_its_days_all_the_same() -> None:
    world = sharing("2026-10-03 23:50:00")
    world.seals = False
    watch(world)
    bogota = Elsewhere(world, "bogota", "U", 10)
    madrid = Elsewhere(world, "madrid", "D", 30, cut=True)
    async with world.running():
        await live(world, bogota, madrid, minutes=6 * 60 + 15)
        before = world.strip()[:10]
        madrid.cut = False
        await live(world, bogota, madrid, minutes=62)
    assert world.strip()[:10] == before
    async with world.running():
        await live(world, bogota, madrid, minutes=3)
    assert world.strip()[:10] == before
    assert world.journal.sealed == {}


async def test_two_monitors_of_one_name_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    world = sharing()
    watch(world)
    madrid = Elsewhere(world, "madrid", "U", 30)
    namesake = Elsewhere(world, "madrid", "U", 31.5)
    async with world.running() as daemon:
        await live(world, madrid, namesake, minutes=4)
        gather = daemon.snapshot().gather
        assert gather is not None
        assert {v.name: v.doubled for v in gather.vantages} == {"bogota": False, "madrid": True}
    told = [r.message for r in caplog.records if "call themselves madrid" in r.message]
    assert len(told) == 1
    assert "crm/front was looked at twice, at 14:0" in told[0]


async def test_a_monitor_of_our_own_name_is_told_of_and_its_looks_are_not_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = sharing()
    watch(world, vantages=("local", "madrid"), least=1)
    namesake = Elsewhere(world, "local", "D", 31.5)
    async with world.running() as daemon:
        await live(world, namesake, minutes=5)
        gather = daemon.snapshot().gather
        assert gather is not None
        assert [v.name for v in gather.vantages if v.doubled] == ["local"]
    assert any("two monitors call themselves local" in r.message for r in caplog.records)
    assert set(world.strip()[:4]) == {"U"}


async def test_clocks_that_differ_do_no_harm() -> None:
    world = sharing()
    watch(world)
    others = Elsewhere(world, "bogota", "U", 80), Elsewhere(world, "madrid", "U", -25)
    async with world.running():
        await live(world, *others, minutes=8, lag=-70)
    assert set(world.strip()[3:7]) == {"U"}


async def test_a_look_from_elsewhere_takes_no_minute_of_ours() -> None:
    world = sharing()
    probe = watch(world, vantages=TWO, least=1)
    madrid = Elsewhere(world, "madrid", "U", world.seconds() + 0.5)
    async with world.running():
        await live(world, madrid, minutes=2, lag=0)
        await world.reload()  # the present minute has a look already, and not from here
        await live(world, madrid, minutes=3, lag=0)
    assert probe.minutes == [0, 1, 2, 3, 4]


async def test_while_our_clock_is_not_believed_no_day_is_closed() -> None:
    world = sharing("2026-10-03 14:00:00")
    world.seals = False
    watch(world)
    others = Elsewhere(world, "bogota", "U", 10), Elsewhere(world, "madrid", "U", 30, cut=True)
    async with world.running():
        await live(world, *others, minutes=5)
        world.clock.step(2 * 86400)
        await world.clock.run_for(minutes=5)
        assert world.journal.cursors.get("gather/closed", 0) <= minute("2026-10-03 14:00")
        world.clock.step(-2 * 86400)
        others[1].cut = False
        await live(world, *others, minutes=3)
    assert world.strip()[:4] == "UUUU"


async def test_where_nothing_is_shared_all_is_as_with_one_monitor() -> None:
    world = World()
    watch(world, vantages=TWO, least=1)
    async with world.running() as daemon:
        await world.clock.run_for(minutes=3)
        assert daemon.snapshot().gather is None
    assert world.strip() == "UUU"


async def test_a_reload_brings_other_vantages() -> None:
    world = sharing()
    watch(world, vantages=("local",), least=1)
    madrid = Elsewhere(world, "madrid", "D", 30)
    async with world.running() as daemon:
        await live(world, madrid, minutes=3)
        gather = daemon.snapshot().gather
        assert gather is not None and gather.vantages == ()
        watch(world, vantages=TWO, least=2)
        await world.reload()
        await live(world, madrid, minutes=5)
    # What was judged under the earlier terms stays, and two that disagree dispute it.
    assert world.strip()[:7] == "UUUUNNN"


async def test_refusals_elsewhere_spend_nothing_of_our_budget() -> None:
    world = sharing()
    probe = world.probe("U")
    world.watch("crm", (login(), probe), vantages=TWO, least=1)
    assert world.shared is not None
    for index in range(6):
        look = Instant(start_of(Minute(world.first + index)) + 1)
        world.shared.leave(
            Attempt(
                service="crm", probe="login", vantage="madrid", at=look, look=look,
                outcome=Outcome.REJECTED, cause=Cause.LOGIN_REJECTED, account=1, secret="same",
            )
        )  # fmt: skip
    async with world.running():
        await world.clock.run_for(minutes=8)
    assert len(probe.calls) == 8
