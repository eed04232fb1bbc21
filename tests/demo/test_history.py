"""The past that is made up: the same every time, and as the months were meant to go."""

from collections import Counter
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from uptimed.core.figures import Figures, Verdict, figures
from uptimed.core.letters import letters_of
from uptimed.core.minutes import (
    Minute,
    instant_of,
    minute_of,
    moment_of,
    month_minutes,
    start_of,
)
from uptimed.core.observations import Attempt, Outcome
from uptimed.core.outages import Outage, outages
from uptimed.core.terms import PPM, ContractTerms, Role
from uptimed.demo.history import (
    PROBES,
    SLOW_AFTER_US,
    Course,
    Happening,
    MadeUpProbe,
    course_of,
    made_up_looks,
    months_before,
    spells,
    unwatched,
    watch_terms,
)

_BOGOTA = ZoneInfo("America/Bogota")
_MADRID = ZoneInfo("Europe/Madrid")
_CONTRACT = ContractTerms(
    id="made-up",
    version="1",
    sha256="",
    zone_name="America/Bogota",
    zone=_BOGOTA,
    language="es",
    target_ppm=999_600,
    target="99.96",
)


def _minute(text: str) -> Minute:
    return minute_of(instant_of(datetime.fromisoformat(text).replace(tzinfo=UTC)))


_DOWN = {Happening.UNREACHABLE, Happening.ERROR, Happening.LOGIN}
_AUGUST, _NOVEMBER = _minute("2026-08-01T05:00"), _minute("2026-11-01T05:00")


def _looks(
    start: int,
    stop: int,
    *,
    zone: ZoneInfo = _BOGOTA,
    seed: int = 7,
    probes: tuple[MadeUpProbe, ...] = PROBES,
) -> list[Attempt]:
    return list(
        made_up_looks(
            "crm",
            vantage="here",
            zone=zone,
            start=Minute(start),
            stop=Minute(stop),
            seed=seed,
            probes=probes,
        )
    )


@cache
def _month(
    year: int, month: int, zone: ZoneInfo = _BOGOTA, seed: int = 7
) -> tuple[Figures, tuple[Outage, ...]]:
    """Return a month of the past, judged by the rules that are used in earnest."""
    span = month_minutes(year, month, zone)
    looks = _looks(span.start, span.stop, zone=zone, seed=seed)
    strip = letters_of(looks, watch_terms("crm", "here"), Minute(span.start), Minute(span.stop))
    overlay = "." * len(span)
    found = outages(strip, overlay, down=_CONTRACT.down)
    return figures(strip, overlay, found, _CONTRACT, has_login=True), found


def test_three_months_in_a_row_go_three_different_ways() -> None:
    for first in range(12):
        months = [divmod(2026 * 12 + first + n, 12) for n in range(3)]
        assert {course_of(year, month + 1) for year, month in months} == set(Course)


@pytest.mark.parametrize(
    ("year", "month", "zone"),
    [
        (2026, 9, _BOGOTA),
        (2026, 12, _BOGOTA),
        (2026, 3, _MADRID),
    ],
    ids=["30 days", "31 days", "an hour short"],
)
def test_a_spent_month_is_met_with_nothing_left(year: int, month: int, zone: ZoneInfo) -> None:
    assert course_of(year, month) is Course.SPENT
    found, outages_found = _month(year, month, zone)
    assert (found.verdict, found.remaining) == (Verdict.MET, 0)
    assert {outage.kind for outage in outages_found} == {"system_down", "login_failure"}


def test_a_breached_month_is_breached_by_outages_of_several_kinds() -> None:
    assert course_of(2026, 10) is Course.BREACHED
    found, outages_found = _month(2026, 10)
    assert found.verdict is Verdict.BREACHED
    assert sorted(len(outage.down) for outage in outages_found) == [3, 21, 81]
    assert found.not_measured == 0


def test_a_month_with_a_gap_is_not_proven() -> None:
    assert course_of(2026, 8) is Course.GAP
    found, _ = _month(2026, 8)
    assert found.verdict is Verdict.MET_UNCERTAIN
    assert (found.not_measured, found.down, found.remaining) == (31, 4, 13)


def test_another_seed_makes_other_months_that_go_the_same_way() -> None:
    found, outages_found = _month(2026, 9, seed=1)
    assert (found.verdict, found.remaining) == (Verdict.MET, 0)
    assert outages_found != _month(2026, 9)[1]


@pytest.mark.parametrize("seed", range(20))
def test_what_happens_keeps_to_its_month_and_never_meets(seed: int) -> None:
    found = spells(_AUGUST, _NOVEMBER, zone=_BOGOTA, seed=seed)
    assert all(one.stop < other.start for one, other in pairwise(found))
    down = Counter(
        moment_of(start_of(s.start)).astimezone(_BOGOTA).month
        for s in found
        for _ in range(s.start, s.stop)
        if s.happens in _DOWN
    )
    assert down == {8: 4, 9: 17, 10: 81 + 21 + 3}


def test_every_month_has_slow_minutes_that_do_not_count_as_down() -> None:
    assert all(_month(2026, month)[0].degraded >= 36 for month in (8, 9, 10))


def test_the_same_seed_makes_the_same_past_and_another_makes_another() -> None:
    start, stop = _minute("2026-09-01T05:00"), _minute("2026-09-08T05:00")
    assert _looks(start, stop) == _looks(start, stop)
    assert _looks(start, stop) != _looks(start, stop, seed=8)


def test_a_past_is_the_same_in_one_piece_and_in_several() -> None:
    probes = (*PROBES, MadeUpProbe(id="api", role=Role.FUNCTION, interval=5))
    start, stop = _minute("2026-10-20T05:00"), _minute("2026-10-27T05:00")
    outage = next(s for s in spells(start, stop, zone=_BOGOTA, seed=7) if s.stop - s.start == 81)
    cuts = (start, outage.start, outage.start + 17, outage.stop, outage.stop + 1, stop)
    pieces = [
        attempt for first, last in pairwise(cuts) for attempt in _looks(first, last, probes=probes)
    ]

    def key(attempt: Attempt) -> tuple[int, str]:
        return attempt.at, attempt.probe

    assert sorted(pieces, key=key) == sorted(_looks(start, stop, probes=probes), key=key)


def test_every_attempt_is_there_once_and_begins_with_its_look_in_its_minute() -> None:
    start, stop = _minute("2026-10-01T05:00"), _minute("2026-11-01T05:00")
    looks = _looks(start, stop)
    assert len({(a.probe, a.at) for a in looks}) == len(looks)
    assert all(start <= minute_of(a.look) < stop and a.look <= a.at for a in looks)
    assert all(minute_of(a.at) == minute_of(a.look) for a in looks)


def test_a_single_failure_is_tried_again_and_changes_no_letter() -> None:
    start, stop = _minute("2026-09-01T05:00"), _minute("2026-10-01T05:00")
    looks: dict[tuple[str, int], list[str]] = {}
    for a in _looks(start, stop):
        looks.setdefault((a.probe, a.look), []).append(a.outcome.value)
    kinds = Counter(tuple(tries) for tries in looks.values())
    assert set(kinds) == {("pass",), ("fail", "fail"), ("fail", "pass", "pass")}
    assert kinds["fail", "pass", "pass"] >= 5
    # Twelve minutes of errors on both probes, five in which nobody could sign in.
    assert kinds["fail", "fail"] == 2 * 12 + 5


def test_working_hours_are_slower_than_nights_and_weekends() -> None:
    looks = _looks(_minute("2026-09-07T05:00"), _minute("2026-09-21T05:00"))
    by_time: dict[str, list[int]] = {"work": [], "night": [], "weekend": []}
    for a in looks:
        if a.probe != "front" or a.outcome is not Outcome.PASS or a.took_us is None:
            continue
        local = moment_of(a.at).astimezone(_BOGOTA)
        if local.weekday() >= 5:
            by_time["weekend"].append(a.took_us)
        elif 9 <= local.hour < 11:
            by_time["work"].append(a.took_us)
        elif local.hour < 5:
            by_time["night"].append(a.took_us)
    usual = {name: median(times) for name, times in by_time.items()}
    assert usual["work"] > 1.5 * usual["weekend"] > 1.5 * 0.95 * usual["night"]
    assert max(by_time["work"]) < 5_000_000


def test_a_probe_that_looks_every_five_minutes_looks_every_minute_while_it_fails() -> None:
    probes = (MadeUpProbe(id="front", role=Role.REACH, interval=5),)
    start, stop = _minute("2026-10-20T05:00"), _minute("2026-10-27T05:00")
    outage = next(s for s in spells(start, stop, zone=_BOGOTA, seed=7) if s.stop - s.start == 81)
    looked = {minute_of(a.look) for a in _looks(start, stop, probes=probes)}
    first = -(-outage.start // 5) * 5
    assert set(range(first, outage.stop + 1)) <= looked
    assert all(m % 5 == 0 for m in looked if not first <= m <= outage.stop)


def test_nobody_looks_while_the_monitor_is_away() -> None:
    start, stop = _minute("2026-08-01T05:00"), _minute("2026-09-01T05:00")
    (gap,) = unwatched(spells(start, stop, zone=_BOGOTA, seed=7))
    assert gap.happens is Happening.UNWATCHED
    assert _looks(gap.start, gap.stop) == []


def test_an_empty_stretch_has_no_past() -> None:
    at = _minute("2026-08-01T05:00")
    assert _looks(at, at) == []
    assert spells(at, at, zone=_BOGOTA, seed=7) == ()


@pytest.mark.parametrize(
    ("now", "zone", "first"),
    [
        ("2026-11-21T12:00", _BOGOTA, "2026-08-01T05:00"),
        ("2026-11-01T04:59", _BOGOTA, "2026-07-01T05:00"),
        ("2026-02-10T00:00", _MADRID, "2025-10-31T23:00"),
    ],
    ids=["in a month", "on the last local day of one", "over new year"],
)
def test_the_past_begins_with_a_whole_local_month(now: str, zone: ZoneInfo, first: str) -> None:
    moment = instant_of(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert months_before(moment, zone) == _minute(first)


def test_another_promise_is_spent_just_as_well() -> None:
    span = month_minutes(2026, 9, _BOGOTA)
    found = spells(Minute(span.start), Minute(span.stop), zone=_BOGOTA, seed=7, target_ppm=999_000)
    down = sum(s.stop - s.start for s in found if s.happens in {"login", "error"})
    assert down == (PPM - 999_000) * len(span) // PPM


def test_the_probes_of_the_past_are_slow_when_those_of_the_configuration_are() -> None:
    assert {p.id: p.slow_after_us for p in PROBES} == {"front": SLOW_AFTER_US, "login": None}
