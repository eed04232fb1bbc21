"""Holidays that were frozen into a calendar need no list any more."""

from dataclasses import replace
from datetime import UTC, date

import pytest

from uptimed.core.holidays import HolidaySet, freeze, open_time, support_hours
from uptimed.core.support import CalendarTerms
from uptimed.core.terms import WeekHours

HOURS = WeekHours(zone=UTC, windows={0: ((480, 1080),)}, holidays=frozenset({date(2026, 1, 5)}))
CALENDAR = CalendarTerms(holidays="CO", hours=HOURS)
JULY = HolidaySet(
    id="CO",
    version="2",
    first_year=2026,
    last_year=2027,
    days={date(2026, 7, 13): "Chiquinquirá"},
    extra_days={date(2026, 7, 18): 0},
    source="a list",
    approved_by="Ana",
    approved_at="2026-11-22T10:00:00+00:00",
)


def test_a_frozen_calendar_has_the_days_of_the_list_and_its_own() -> None:
    hours = support_hours(freeze(CALENDAR, JULY), {})
    assert hours is not None
    assert hours.holidays == {date(2026, 1, 5), date(2026, 7, 13)}
    assert hours.extra_days == {date(2026, 7, 18): 0}


def test_a_later_list_changes_no_frozen_calendar() -> None:
    frozen = freeze(CALENDAR, JULY)
    later = replace(JULY, days={date(2026, 7, 14): "another"})
    assert support_hours(frozen, {"CO": later}) == frozen.hours


def test_a_frozen_calendar_says_what_it_was_frozen_from_and_who_approved_it() -> None:
    frozen = freeze(CALENDAR, JULY).frozen
    assert frozen is not None
    assert (frozen.version, frozen.source, frozen.approved_by) == ("2", "a list", "Ana")
    assert (frozen.first_year, frozen.last_year) == (2026, 2027)


def test_around_the_clock_there_is_nothing_to_freeze() -> None:
    always = CalendarTerms(holidays="CO")
    assert freeze(always, JULY) == always
    assert open_time(always, {}).nominal_day == 24 * 3600


def test_a_calendar_that_is_not_frozen_needs_its_list() -> None:
    with pytest.raises(ValueError, match="the holidays CO are not frozen into a calendar yet"):
        open_time(CALENDAR, {})
