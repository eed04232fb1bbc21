"""Holidays of a calendar: frozen days, approved by a person, laid into support hours.

A contract names a set (`CO`, `ES`); the days themselves are frozen, so that a new law or a newer
list moves no clock that runs. Nothing here knows where days come from or which are right.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from uptimed.core.calendars import OpenTime
from uptimed.core.support import CalendarTerms, Frozen
from uptimed.core.terms import WeekHours


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidaySet:
    """The days of one set in the years [*first_year*, *last_year*], and what they are called.

    *extra_days* are working days that would be days off: a local date and the weekday (Monday 0)
    whose windows it has. *source* says what the days were read from. *approved_by* and
    *approved_at* (ISO 8601) are empty where nobody approved them.
    """

    id: str
    version: str
    first_year: int
    last_year: int
    days: Mapping[date, str]
    extra_days: Mapping[date, int] = field(default_factory=dict)
    source: str = ""
    approved_by: str = ""
    approved_at: str = ""

    def covers(self, day: date) -> bool:
        """Return whether the set speaks of *day*'s year; of others it knows nothing."""
        return self.first_year <= day.year <= self.last_year


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayChanges:
    """What a person approves when one set takes another's place; each in the order of days."""

    added: tuple[date, ...]
    removed: tuple[date, ...]
    renamed: tuple[date, ...]
    extra_added: tuple[date, ...]
    extra_removed: tuple[date, ...]

    def __bool__(self) -> bool:
        return any(
            (self.added, self.removed, self.renamed, self.extra_added, self.extra_removed),
        )


def changes(old: HolidaySet, new: HolidaySet) -> HolidayChanges:
    """Return what differs from *old* to *new*. An extra day of another weekday is both."""
    common = old.days.keys() & new.days.keys()
    before, after = old.extra_days.items(), new.extra_days.items()
    return HolidayChanges(
        added=tuple(sorted(new.days.keys() - old.days.keys())),
        removed=tuple(sorted(old.days.keys() - new.days.keys())),
        renamed=tuple(sorted(day for day in common if old.days[day] != new.days[day])),
        extra_added=tuple(sorted(day for day, _ in after - before)),
        extra_removed=tuple(sorted(day for day, _ in before - after)),
    )


def support_hours(calendar: CalendarTerms, holidays: Mapping[str, HolidaySet]) -> WeekHours | None:
    """Return the support hours of *calendar* with its holidays in them; None on 24x7.

    Days that the contract lists itself come on top, and its extra days win over a holiday. Raise
    ValueError where *holidays* lacks the set that the calendar names: without it every due time
    that passes a holiday would be wrong.
    """
    hours = calendar.hours
    if hours is None or not calendar.holidays or calendar.frozen is not None:
        return hours
    found = holidays.get(calendar.holidays)
    if found is None:
        raise ValueError(f"the holidays {calendar.holidays} are not frozen into a calendar yet")
    return _laid(hours, found)


def freeze(calendar: CalendarTerms, holidays: HolidaySet) -> CalendarTerms:
    """Return *calendar* with the days of *holidays* in it, so that it needs no list any more."""
    if calendar.hours is None:
        return calendar
    return replace(
        calendar,
        hours=_laid(calendar.hours, holidays),
        frozen=Frozen(
            version=holidays.version,
            first_year=holidays.first_year,
            last_year=holidays.last_year,
            source=holidays.source,
            approved_by=holidays.approved_by,
            approved_at=holidays.approved_at,
        ),
    )


def _laid(hours: WeekHours, found: HolidaySet) -> WeekHours:
    """Return *hours* with the days of *found* in them, which give way to the contract's own."""
    return replace(
        hours,
        holidays=hours.holidays | found.days.keys(),
        extra_days={**found.extra_days, **hours.extra_days},
    )


def open_time(calendar: CalendarTerms, holidays: Mapping[str, HolidaySet]) -> OpenTime:
    """Return the open time of *calendar*; raise ValueError as `support_hours` does."""
    return OpenTime(support_hours(calendar, holidays))
