"""The daemon's parts one by one: when to look, how often to try, when to tell."""

import asyncio
import socket
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.daemon.stories import VANTAGE, login, terms, web
from tests.fakes import FakeClock, FakeProbe, FakeReferences, at, minute
from uptimed.clock import SystemClock
from uptimed.core.judging import judge
from uptimed.core.letters import letters_of
from uptimed.core.minutes import MINUTE, Minute, minute_of, start_of
from uptimed.core.observations import (
    SECOND,
    Attempt,
    Cause,
    Evidence,
    Instant,
    NoAnswer,
    Observation,
    Outcome,
    Reading,
)
from uptimed.core.targets import ProbeSettings
from uptimed.core.terms import AttemptRule
from uptimed.core.turns import OutageWatch
from uptimed.daemon.blind import Tally, place_of
from uptimed.daemon.lag import LagMeter
from uptimed.daemon.look import Look, Turns, World, next_account, permitted
from uptimed.daemon.parts import ProbePart
from uptimed.daemon.record import in_pieces
from uptimed.daemon.schedule import Agenda, ClockReading, step_between, timetable
from uptimed.daemon.selfcheck import SelfCheck
from uptimed.daemon.settle import Book, InForce
from uptimed.daemon.state import Histogram
from uptimed.daemon.supervise import Supervisor
from uptimed.daemon.systemd import notifier, watchdog_period_us

OUTCOMES = {
    "U": Outcome.PASS, "D": Outcome.FAIL, "N": Outcome.NOT_MEASURED, "R": Outcome.REJECTED,
    "B": Outcome.BLOCKED, "M": Outcome.MAINTENANCE,
}  # fmt: skip


# When


def test_phases_are_spread_evenly_over_the_minute() -> None:
    seconds = Counter(
        timetable(f"service-{n}", "front", VANTAGE, interval=1).phase_us // SECOND
        for n in range(12_000)
    )
    assert len(seconds) == 59
    assert max(seconds.values()) < 12_000 / 59 * 1.35


def test_looks_of_longer_intervals_are_spread_over_the_minutes() -> None:
    offsets = Counter(timetable(f"s{n}", "p", VANTAGE, interval=5).offset for n in range(5_000))
    assert sorted(offsets) == [0, 1, 2, 3, 4] and min(offsets.values()) > 900


@pytest.mark.property
@given(st.text(min_size=1), st.integers(1, 60), st.integers(0, 10**15))
def test_the_next_start_is_later_in_its_minute_and_the_earliest(
    name: str, interval: int, now: int
) -> None:
    table = timetable(name, "front", VANTAGE, interval=interval)
    start = table.next_start(Instant(now))
    found = minute_of(start)
    assert start > now and table.looks_in(found) and start == table.start_in(found)
    assert start - now <= interval * MINUTE
    assert now < table.next_start(Instant(now), every_minute=True) <= now + MINUTE


def test_the_same_names_have_the_same_timetable_for_ever() -> None:
    table = timetable("acme-crm", "front", "local", interval=5)
    assert (table.phase_us, table.offset) == (49_037_747, 2)


def test_an_agenda_gives_what_is_due_in_order() -> None:
    agenda: Agenda[str] = Agenda()
    for when, what in ((3, "c"), (1, "a"), (3, "d"), (2, "b"), (9, "z")):
        agenda.put(Instant(when), what)
    taken = []
    while (item := agenda.take(Instant(3))) is not None:
        taken.append(item[1])
    assert taken == ["a", "b", "c", "d"] and agenda.next_at() == 9


@pytest.mark.parametrize(
    ("wall", "monotonic", "slept", "kind"),
    [
        pytest.param(60, 60, 0, "none", id="all well"),
        pytest.param(62, 60, 0, "none", id="a clock that is slewed"),
        pytest.param(90, 60, 0, "forward", id="put forward"),
        pytest.param(0, 60, 0, "back", id="put back"),
        pytest.param(90, 60, 30, "suspended", id="slept"),
    ],
)
def test_steps_are_seen_between_two_readings(
    wall: int, monotonic: int, slept: int, kind: str
) -> None:
    one = ClockReading(at("2026-10-03 14:00:00"), 0, 0)
    two = ClockReading(Instant(one.wall + wall * SECOND), monotonic * SECOND, slept * SECOND)
    step = step_between(one, two)
    if step is None:
        assert kind == "none"
    else:
        assert kind == ("suspended" if step.suspended else "forward" if step.forward else "back")


# How often


@pytest.mark.parametrize(
    ("rule", "made", "more"),
    [
        pytest.param("confirmed", "", True, id="the first"),
        pytest.param("confirmed", "U", False, id="a first pass ends it"),
        pytest.param("confirmed", "D", True, id="a fail is repeated"),
        pytest.param("confirmed", "DD", False, id="a confirmed fail"),
        pytest.param("confirmed", "DU", True, id="two that disagree"),
        pytest.param("confirmed", "DUD", False, id="three are enough"),
        pytest.param("confirmed", "N", True, id="not measured is repeated"),
        pytest.param("confirmed", "NU", False, id="a first measured pass ends it"),
        pytest.param("confirmed", "ND", True, id="one measured fail is not confirmed"),
        pytest.param("confirmed", "NNN", False, id="never more than allowed"),
        pytest.param("all", "DD", True, id="all: until a pass"),
        pytest.param("all", "DU", False, id="all: a pass"),
        pytest.param("single", "D", False, id="single: the first decides"),
        pytest.param("single", "N", True, id="single: the first measured decides"),
        pytest.param("confirmed", "R", False, id="a rejected account is not tried again"),
        pytest.param("confirmed", "B", False, id="a blocked account is not tried again"),
        pytest.param("confirmed", "M", True, id="maintenance is repeated like a fail"),
    ],
)
def test_attempts_go_on_until_enough_is_known(rule: str, made: str, *, more: bool) -> None:
    tries = [(0, OUTCOMES[letter]) for letter in made]
    assert (next_account(tries, [0], 3, AttemptRule(rule)) is not None) is more


@pytest.mark.parametrize(
    ("made", "account"),
    [
        pytest.param("1R", 2, id="the next account"),
        pytest.param("1R 2R", None, id="no account is left"),
        pytest.param("1R 2D", 2, id="a fail is repeated with the same account"),
        pytest.param("1R 2D 2D", None, id="confirmed"),
        pytest.param("1D 1R", 2, id="rejected after a fail"),
        pytest.param("1U", None, id="one account passes"),
    ],
)
def test_accounts_are_tried_in_turn(made: str, account: int | None) -> None:
    tries = [(int(word[0]), OUTCOMES[word[1]]) for word in made.split()]
    assert next_account(tries, [1, 2], 3, AttemptRule.CONFIRMED) == account


def test_the_budget_of_rejected_tries_is_an_account_s_own_and_lasts_an_hour() -> None:
    now = at("2026-10-03 14:00:00")
    probe = login(accounts=2)

    def rejected(minutes_ago: int, account: int, secret: str) -> Attempt:
        when = Instant(now - minutes_ago * MINUTE)
        return Attempt(
            service="crm", probe="login", vantage=VANTAGE, at=when, look=when, account=account,
            outcome=Outcome.REJECTED, secret=secret,
        )  # fmt: skip

    recent = [rejected(n, 1, "old") for n in (1, 20, 59)]
    assert permitted(probe, ["old", "other"], recent, now) == (2,)
    assert permitted(probe, ["new", "other"], recent, now) == (1, 2)
    assert permitted(probe, ["old", "other"], [*recent[:2], rejected(60, 1, "old")], now) == (1, 2)
    assert permitted(web(), [], recent, now) == (0,)


def world_of(clock: FakeClock | SystemClock, *, count: int = 0) -> World:
    supervise = Supervisor()
    references = FakeReferences(FakeClock(), count)
    return World(
        clock=clock, vantage=VANTAGE, judge=lambda o, s: judge(o, s, now=clock.now()),
        evidence=lambda o, s: Evidence(), fingerprint=lambda a: "", lag=LagMeter(clock),
        selfcheck=SelfCheck(
            references, count, clock=clock, supervise=supervise, on_change=lambda check: None
        ),
        turns=Turns(), supervise=supervise,
    )  # fmt: skip


async def test_a_probe_that_hangs_is_cut_off_and_failed() -> None:
    async def hang(settings: ProbeSettings) -> Observation:
        await asyncio.Event().wait()
        raise AssertionError

    settings = replace(web(), timeout_us=-990_000, attempts=1)  # with the margin: 10 ms
    look = Look(world_of(SystemClock()), "crm", ProbePart(settings=settings, probe=hang),
                AttemptRule.CONFIRMED)  # fmt: skip
    (attempt,) = await look.run(())
    assert (attempt.outcome, attempt.cause) == (Outcome.FAIL, Cause.READ_TIMEOUT)
    assert attempt.took_us is not None and attempt.took_us >= 9_000


async def test_a_timeout_that_a_probe_lets_slip_is_a_bug() -> None:
    async def broken(settings: ProbeSettings) -> Observation:
        raise TimeoutError

    settings = replace(web(), attempts=1)
    world = world_of(SystemClock())
    look = Look(world, "crm", ProbePart(settings=settings, probe=broken), AttemptRule.CONFIRMED)
    (attempt,) = await look.run(())
    assert (attempt.outcome, attempt.cause) == (Outcome.NOT_MEASURED, Cause.BUG)
    assert world.supervise.bugs == 1


async def test_a_bug_in_judging_measures_nothing() -> None:
    def broken(observation: Observation, settings: ProbeSettings) -> Reading:
        raise KeyError("secret words")

    clock = FakeClock()
    world = replace(world_of(clock), judge=broken)
    part = ProbePart(settings=replace(web(), attempts=1), probe=FakeProbe(clock))
    (attempt,) = await Look(world, "crm", part, AttemptRule.CONFIRMED).run(())
    assert attempt.cause == Cause.BUG and "secret words" not in attempt.detail


# When to tell


@pytest.mark.parametrize(
    ("letters", "told"),
    [
        pytest.param("UUUUUU", "", id="never down"),
        pytest.param("UUDUUU", "", id="one minute does not confirm"),
        pytest.param("UUDDUU", "2-4", id="dated back to the first"),
        pytest.param("UUDUDUU", "2-5", id="two of three"),
        pytest.param("UUDDUDUU", "2-6", id="one up minute is no recovery"),
        pytest.param("UDNDUU", "1-4", id="not measured between"),
        pytest.param("UDDNNNU", "1-6", id="not measured is no recovery"),
        pytest.param("UDDNNN", "1-", id="still down as far as we know"),
        pytest.param("ULLUU", "1-3", id="login failures"),
        pytest.param("UGGGU", "", id="degraded is not down here"),
        pytest.param("uDDuu", "1-3", id="unverified minutes are up"),
        pytest.param("DNNNND", "", id="too far apart"),
        pytest.param("DDUUUDDUU", "0-2 5-7", id="two outages"),
    ],
)
def test_outages_are_told_of(letters: str, told: str) -> None:
    watch = OutageWatch("DL")
    turns = [watch.feed(Minute(n), letter) for n, letter in enumerate(letters)]
    said = ""
    for turn in turns:
        if turn is not None:
            said += f" {turn.since}-" if turn.until is None else f"{turn.until}"
    assert said.strip() == told


# Letters


LOOKS = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from("UUUDDN"), st.integers(0, 20)),
    max_size=40, unique_by=lambda look: look[0],
)  # fmt: skip


@pytest.mark.property
@given(LOOKS, st.sampled_from([1, 2, 5]), st.booleans())
def test_settling_minute_by_minute_gives_what_settling_at_once_gives(
    looks: list[tuple[int, str, int]], interval: int, late: bool
) -> None:
    """In whatever order looks come in, as long as they are not more than a few minutes late."""
    base = minute("2026-10-03 14:00")
    watch = terms("crm", [web(interval=interval)], AttemptRule.CONFIRMED)
    book = Book("crm", [InForce(base, watch, "digest")], base)
    known: dict[int, str] = {}

    def attempt(minute_: int, letter: str) -> Attempt:
        when = Instant(start_of(Minute(base + minute_)) + 1)
        return Attempt(
            service="crm", probe="front", vantage=VANTAGE, at=when, look=when,
            outcome=OUTCOMES[letter],
        )  # fmt: skip

    attempts = [(m + (delay % 9 if late else 0), attempt(m, letter)) for m, letter, delay in looks]
    for now in range(45):
        laid = book.settle(Minute(base + now), {})
        for _, one in [pair for pair in attempts if pair[0] == now]:
            laid += book.add([one], {})
        for part in laid:
            known |= dict(enumerate(part.strip.letters, part.strip.start))
    whole = letters_of([a for _, a in attempts], watch, base, book.cursor)
    assert "".join(known[m] for m in range(base, book.cursor)) == whole.letters


# Blind


def silent(place: str, *, address: str = "", cause: Cause = Cause.REFUSED) -> list[Attempt]:
    return [
        Attempt(
            service=place, probe="front", vantage=VANTAGE, at=Instant(0), look=Instant(0),
            outcome=Outcome.FAIL, cause=cause, evidence=Evidence(address=address),
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("looks", "blind"),
    [
        pytest.param(
            [("a:443", "1:443"), ("b:443", "2:443"), ("c:443", "3:443")], True, id="three"
        ),
        pytest.param([("a:443", "1:443"), ("b:443", "2:443")], False, id="two are too few"),
        pytest.param([("a:443", "1:443"), ("b:443", "1:80"), ("c:1", "1:1")], False, id="one host"),
        pytest.param([("a:443", ""), ("b:443", ""), ("a:80", "")], True, id="names for addresses"),
    ],
)
def test_three_targets_on_two_addresses_are_a_proof(
    looks: list[tuple[str, str]], *, blind: bool
) -> None:
    tally = Tally()
    for place, address in looks:
        tally.count(place, silent(place, address=address))
    assert tally.blind is blind
    tally.count("z", silent("z", cause=Cause.STATUS))  # an answer
    assert not tally.blind


def test_a_target_is_told_by_its_host() -> None:
    assert place_of(web(host="CRM.example").target) == "crm.example"
    assert place_of(login().target) == "crm.example"


# The rest


def test_histograms_count_in_buckets() -> None:
    histogram = Histogram((10, 100))
    for value in (1, 10, 11, 1000):
        histogram.count(value)
    data = histogram.data()
    assert (data.counts, data.sum_us, data.total) == ((2, 1, 1), 1022, 4)
    assert data.quantile_us(500) == 10 and data.quantile_us(990) is None


def test_systemd_is_told_over_its_socket(tmp_path: Path) -> None:
    for name in (str(tmp_path / "notify"), f"@uptimed-test-{tmp_path.name}"):
        address = "\0" + name[1:] if name.startswith("@") else name
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(address)
            notifier({"NOTIFY_SOCKET": name})("READY=1")
            assert listening.recv(64) == b"READY=1"
    notifier({"NOTIFY_SOCKET": name})("nobody listens any more")
    notifier({})("nobody ever did")


def test_the_watchdog_is_ours_only_when_it_says_so() -> None:
    assert watchdog_period_us({"WATCHDOG_USEC": "30000000"}) == 30 * SECOND
    assert watchdog_period_us({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}) is None
    assert watchdog_period_us({}) is None


async def test_the_system_s_clocks_go_forward() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(1000)
    assert clock.monotonic() - before >= 1000
    assert clock.now() > at("2020-01-01 00:00:00")
    assert clock.suspended() > -SECOND


def test_no_answer_of_ours_is_a_fail() -> None:
    observation = Observation(outcome=NoAnswer(cause=Cause.LOCAL_DNS, detail=""), took_us=0)
    assert judge(observation, web(), now=Instant(0)).outcome is Outcome.NOT_MEASURED


@pytest.mark.parametrize(
    ("services", "lengths"),
    [
        pytest.param(0, [], id="nothing"),
        pytest.param(50, [50], id="just one piece"),
        pytest.param(120, [50, 50, 20], id="some and a rest"),
    ],
)
def test_many_services_are_read_in_pieces_that_are_all_of_them_in_order(
    services: int, lengths: list[int]
) -> None:
    pieces = list(in_pieces(range(services)))
    assert [len(piece) for piece in pieces] == lengths
    assert [one for piece in pieces for one in piece] == list(range(services))
