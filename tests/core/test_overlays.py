"""Overlays: what is out of scope, announced, excepted, and in which order it is laid."""

from dataclasses import replace
from datetime import UTC, date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.drawing import NOON, contract_terms, minute
from uptimed.core.minutes import MINUTE, Minute, first_minute, month_minutes
from uptimed.core.observations import SECOND, Instant
from uptimed.core.overlays import counts, hours_minutes, maintenance_minutes, out_of_scope, overlay
from uptimed.core.terms import AgreementTerms, ContractTerms, Maintenance, WeekHours

OCTOBER = month_minutes(2026, 10, UTC)
BOTH = ("maintenance", "exceptions")
EXCLUDES = contract_terms(excludes=BOTH)
OPEN = AgreementTerms(service="crm")
OFFICE = dict.fromkeys(range(5), ((8 * 60, 12 * 60), (14 * 60, 17 * 60)))
MADRID = ZoneInfo("Europe/Madrid")


def window(start_s: int, stop_s: int, *, announced_s: int = -100_000) -> Maintenance:
    """Return a window in seconds from noon on."""
    return Maintenance(
        start=Instant(NOON * MINUTE + start_s * SECOND),
        end=Instant(NOON * MINUTE + stop_s * SECOND),
        announced=Instant(NOON * MINUTE + announced_s * SECOND),
    )


def drawn(
    length: int,
    *windows: Maintenance,
    contract: ContractTerms = EXCLUDES,
    since: int | None = None,
    until: int | None = None,
    exceptions: tuple[tuple[int, int], ...] = (),
) -> str:
    """Return the overlay of *length* minutes from noon on; all else in minutes after noon."""
    agreement = AgreementTerms(
        service="crm",
        since=None if since is None else Minute(NOON + since),
        until=None if until is None else Minute(NOON + until),
        maintenance=windows,
    )
    stop = Minute(NOON + length)
    spans = [range(NOON + a, NOON + b) for a, b in exceptions]
    return overlay(contract, agreement, OCTOBER, NOON, stop, spans)


def test_nothing_is_laid_over_a_promise_without_exclusions() -> None:
    contract = contract_terms(excludes=())
    assert drawn(6, window(0, 360), contract=contract, exceptions=((0, 6),)) == "......"


@pytest.mark.parametrize(
    ("excludes", "expected"),
    [
        pytest.param(("maintenance",), "MMM...", id="maintenance only"),
        pytest.param(("exceptions",), ".EEEE.", id="exceptions only"),
        pytest.param(BOTH, "MMMEE.", id="both, maintenance first"),
    ],
)
def test_only_what_the_contract_excludes_is_excluded(
    excludes: tuple[str, ...], expected: str
) -> None:
    contract = contract_terms(excludes=excludes)
    assert drawn(6, window(0, 180), contract=contract, exceptions=((1, 5),)) == expected


def test_scope_outranks_maintenance_and_maintenance_an_exception() -> None:
    found = drawn(8, window(60, 240), since=2, until=7, exceptions=((0, 6),))
    assert found == "XXMMEE.X"


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        pytest.param([(60, 180)], ".MM...", id="whole minutes"),
        pytest.param([(61, 180)], "..M...", id="a minute that it begins in does not count"),
        pytest.param([(60, 179)], ".M....", id="nor one that it ends in"),
        pytest.param([(61, 119)], "......", id="less than a minute"),
        pytest.param([(60, 90), (90, 180)], ".MM...", id="two that meet within a minute"),
        pytest.param([(90, 180), (60, 90)], ".MM...", id="in whatever order"),
        pytest.param([(60, 150), (90, 180)], ".MM...", id="two that overlap"),
        pytest.param([(60, 300), (90, 120)], ".MMMM.", id="one within another"),
        pytest.param([(60, 90), (91, 180)], "..M...", id="a second between them"),
        pytest.param([(0, 60), (120, 180)], "M.M...", id="two apart"),
    ],
)
def test_windows_are_united_in_seconds_and_count_whole_minutes(
    windows: list[tuple[int, int]], expected: str
) -> None:
    assert drawn(6, *(window(a, b) for a, b in windows)) == expected


@pytest.mark.parametrize(
    ("announced_h", "notice_h", "expected"),
    [
        pytest.param(-24, 24, True, id="just in time"),
        pytest.param(-23, 24, False, id="too late"),
        pytest.param(-48, 24, True, id="early"),
        pytest.param(0, None, True, id="no notice is asked for"),
        pytest.param(1, None, False, id="afterwards is never announced"),
    ],
)
def test_maintenance_counts_only_when_it_was_announced_in_time(
    announced_h: int, notice_h: int | None, expected: bool
) -> None:
    contract = contract_terms(excludes=BOTH, notice_h=notice_h)
    work = window(0, 3600, announced_s=announced_h * 3600)
    assert counts(contract, work) is expected
    assert (drawn(3, work, contract=contract) == "MMM") is expected


def test_a_window_announced_too_late_does_not_complete_a_minute_of_another() -> None:
    in_time, late = window(60, 90), window(90, 180, announced_s=0)
    contract = contract_terms(excludes=BOTH, notice_h=1)
    assert drawn(4, in_time, late, contract=contract) == "...."


@pytest.mark.parametrize(
    ("cap", "expected"),
    [
        pytest.param(None, "M.MM..MM", id="no cap"),
        pytest.param(5, "M.MM..MM", id="as many as there are"),
        pytest.param(4, "M.MM..M.", id="the last is not admitted"),
        pytest.param(2, "M.M.....", id="the earliest are"),
        pytest.param(0, "........", id="none at all"),
    ],
)
def test_a_cap_admits_the_earliest_minutes(cap: int | None, expected: str) -> None:
    contract = contract_terms(excludes=BOTH, cap=cap)
    windows = (window(360, 480), window(0, 60), window(120, 240))
    assert drawn(8, *windows, contract=contract) == expected


def test_what_the_cap_does_not_admit_may_be_excepted() -> None:
    contract = contract_terms(excludes=BOTH, cap=1)
    assert drawn(4, window(0, 180), contract=contract, exceptions=((0, 3),)) == "MEE."


def test_minutes_out_of_scope_do_not_use_up_the_cap() -> None:
    contract = contract_terms(excludes=BOTH, cap=2)
    assert drawn(6, window(0, 360), contract=contract, since=2) == "XXMM.."


def test_a_part_of_a_month_has_the_overlay_of_the_whole() -> None:
    contract = contract_terms(excludes=BOTH, cap=3)
    agreement = AgreementTerms(
        service="crm", since=Minute(NOON + 2), maintenance=(window(0, 240), window(600, 900))
    )
    stop = Minute(NOON + 20)
    whole = overlay(contract, agreement, OCTOBER, NOON, stop)
    assert whole == "XXMM......M........."
    for cut in range(21):
        middle = Minute(NOON + cut)
        parts = overlay(contract, agreement, OCTOBER, NOON, middle) + overlay(
            contract, agreement, OCTOBER, middle, stop
        )
        assert parts == whole


def test_each_month_that_a_stretch_reaches_into_has_its_own_cap() -> None:
    edge = minute("2026-10-01T00:00Z")
    work = Maintenance(
        start=Instant((edge - 3) * MINUTE), end=Instant((edge + 3) * MINUTE), announced=Instant(0)
    )
    contract = contract_terms(excludes=BOTH, cap=2)
    agreement = AgreementTerms(service="crm", maintenance=(work,))
    start, stop = Minute(edge - 4), Minute(edge + 4)
    assert overlay(contract, agreement, OCTOBER, start, stop) == ".MM.MM.."
    september = month_minutes(2026, 9, UTC)
    assert overlay(contract, agreement, september, start, stop) == ".MM.MM.."


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        pytest.param(None, None, "......", id="open"),
        pytest.param(2, None, "XX....", id="it begins"),
        pytest.param(None, 4, "....XX", id="it ends"),
        pytest.param(2, 4, "XX..XX", id="both"),
        pytest.param(-5, 9, "......", id="beyond both edges"),
        pytest.param(9, None, "XXXXXX", id="not begun yet"),
        pytest.param(None, -3, "XXXXXX", id="over already"),
        pytest.param(0, 6, "......", id="exactly this stretch"),
    ],
)
def test_minutes_outside_the_agreement_are_out_of_scope(
    since: int | None, until: int | None, expected: str
) -> None:
    assert drawn(6, since=since, until=until) == expected


def hours(zone: str = "America/Bogota") -> WeekHours:
    """Return office hours: Monday to Friday, 8 to 12 and 14 to 17."""
    return WeekHours(zone=ZoneInfo(zone), windows=OFFICE)


def promised(found: WeekHours, day: str) -> int:
    """Return how many minutes of a UTC-dated day and its neighbours lie in the hours."""
    first = minute(f"{day}T00:00Z")
    return sum(len(span) for span in hours_minutes(found, first, Minute(first + 1440)))


def test_hours_promise_only_their_windows() -> None:
    start, stop = minute("2026-07-10T12:00Z"), minute("2026-07-11T12:00Z")  # Friday, 7 to 7
    found = overlay(
        replace(contract_terms(), hours=hours()), OPEN, month_minutes(2026, 7, UTC), start, stop
    )
    assert found == "X" * 60 + "." * 240 + "X" * 120 + "." * 180 + "X" * 840


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param("2026-07-10", 420, id="a Friday"),
        pytest.param("2026-07-11", 0, id="a Saturday"),
        pytest.param("2026-07-13", 0, id="a holiday"),
        pytest.param("2026-07-18", 420, id="a Saturday that is worked like a Monday"),
    ],
)
def test_holidays_and_extra_days_change_the_week(day: str, expected: int) -> None:
    found = replace(
        hours(), holidays=frozenset({date(2026, 7, 13)}), extra_days={date(2026, 7, 18): 0}
    )
    assert promised(found, day) == expected


@pytest.mark.parametrize(
    ("day", "windows", "expected"),
    [
        pytest.param("2026-03-29", ((0, 1440),), 23 * 60, id="a whole day without an hour"),
        pytest.param("2026-10-25", ((0, 1440),), 25 * 60, id="a whole day with one more"),
        pytest.param("2026-03-29", ((60, 240),), 120, id="over the hour that is missing"),
        pytest.param("2026-10-25", ((60, 240),), 240, id="over the hour that comes twice"),
        pytest.param("2026-03-29", ((130, 170),), 0, id="within the hour that is missing"),
        pytest.param("2026-03-29", ((480, 1080),), 600, id="far from it"),
    ],
)
def test_windows_are_expanded_by_the_local_date(
    day: str, windows: tuple[tuple[int, int], ...], expected: int
) -> None:
    sunday = date.fromisoformat(day)
    found = WeekHours(zone=MADRID, windows={6: windows})
    start = minute(f"{day}T00:00Z") - 600
    spans = hours_minutes(found, Minute(start), Minute(start + 3 * 1440))
    assert sum(len(span) for span in spans) == expected
    assert sunday.weekday() == 6


def test_no_minutes_have_no_hours() -> None:
    assert hours_minutes(hours(), NOON, NOON) == ()
    assert overlay(EXCLUDES, OPEN, OCTOBER, NOON, Minute(NOON - 5)) == ""


stretches = st.tuples(st.integers(0, 4000), st.integers(0, 3000))


@pytest.mark.property
@given(stretches, st.sampled_from(["Europe/Madrid", "America/Bogota", "Pacific/Apia", "UTC"]))
def test_a_minute_is_in_scope_when_its_wall_clock_lies_in_a_window(
    stretch: tuple[int, int], zone: str
) -> None:
    start = Minute(minute("2026-07-09T00:00Z") + stretch[0])
    stop = Minute(start + stretch[1])
    contract = replace(contract_terms(), hours=hours(zone))
    outside = {m for span in out_of_scope(contract, OPEN, start, stop) for m in span}
    offset = minute("2026-07-10T00:00Z") - first_minute(date(2026, 7, 10), ZoneInfo(zone))
    for m in range(start, stop, 7):
        wall = m + offset
        weekday, of_day = (wall // 1440 + 3) % 7, wall % 1440
        inside = any(a <= of_day < b for a, b in OFFICE.get(weekday, ()))
        assert (m in outside) is not inside


windows = st.lists(
    st.tuples(st.integers(-300, 1200), st.integers(1, 600)).map(
        lambda drawn: window(drawn[0], drawn[0] + drawn[1])
    ),
    max_size=5,
)


@pytest.mark.property
@given(windows, st.none() | st.integers(0, 20))
def test_maintenance_is_what_a_count_of_seconds_says(
    drawn_windows: list[Maintenance], cap: int | None
) -> None:
    contract = contract_terms(excludes=BOTH, cap=cap)
    origin = NOON * MINUTE
    seconds = {
        s
        for w in drawn_windows
        for s in range((w.start - origin) // SECOND, (w.end - origin) // SECOND)
    }
    whole = [m for m in range(-6, 31) if all(s in seconds for s in range(m * 60, m * 60 + 60))]
    admitted = whole if cap is None else whole[:cap]
    expected = "".join("M" if m in admitted else "." for m in range(30))
    assert drawn(30, *drawn_windows, contract=contract) == expected
    found = maintenance_minutes(contract, drawn_windows)
    assert sorted(m for span in found for m in span) == [NOON + m for m in whole]
