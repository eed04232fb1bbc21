"""Support calendars: how long the desk was open between two instants, and when time is up.

Local windows are expanded per local date to UTC intervals; all arithmetic is on those, in whole
seconds. 24x7 is a kind of its own, not 00:00 to 24:00. Due is the first instant at which the open
time is used up: the end of a window when it is used up there.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import NewType

from uptimed.core.minutes import first_minute, instant_of, utc
from uptimed.core.observations import SECOND, Instant
from uptimed.core.terms import WeekHours

Second = NewType("Second", int)
"""Whole seconds since 1970-01-01T00:00:00Z."""

_DAY = timedelta(days=1)
_CHUNK = 400  # days that are expanded at a time


def second_of(moment: datetime) -> Second:
    """Return the second that the aware *moment* lies in."""
    return Second(instant_of(moment) // SECOND)


def utc_second(at: Second | None) -> str | None:
    """Return *at* in UTC, as files have it; None for None."""
    return None if at is None else utc(Instant(at * SECOND))


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch [start, stop) in which a clock does not run; *stop* is None while it lasts."""

    start: Second
    stop: Second | None


class OpenTime:
    """The open time of a calendar, expanded as far as it is asked for.

    *hours* is None for 24x7. It remembers what it expanded, and nothing else.
    """

    def __init__(self, hours: WeekHours | None) -> None:
        if hours is not None and not any(hours.windows.values()):
            raise ValueError("a calendar that is never open has no due time")
        self._hours = hours
        self._first: date | None = None
        self._last: date | None = None
        self._starts: list[int] = []
        self._stops: list[int] = []
        self._before: list[int] = []  # open seconds before each window

    @property
    def nominal_day(self) -> int:
        """Return the open seconds of a business day: the commonest weekday's, 24 h on 24x7."""
        if self._hours is None:
            return 24 * 3600
        lengths = [
            sum(stop - start for start, stop in windows) * 60
            for windows in self._hours.windows.values()
            if windows
        ]
        return max(set(lengths), key=lambda length: (lengths.count(length), length))

    def elapsed(self, start: Second, stop: Second, pauses: Iterable[Pause] = ()) -> int:
        """Return the open seconds in [start, stop), less those in *pauses*."""
        if stop <= start:
            return 0
        total = self._between(start, stop)
        if pauses != ():  # most clocks have none
            for begin, end in united(pauses, start, stop):
                total -= self._between(begin, end)
        return total

    def due(self, start: Second, seconds: int, pauses: Iterable[Pause] = ()) -> Second | None:
        """Return the first instant with *seconds* elapsed since *start*.

        None while a pause lasts that begins before that instant: nobody knows yet.
        """
        if pauses == ():
            return self._after(start, seconds)
        at, left = start, seconds
        for pause in sorted(pauses, key=lambda p: p.start):
            if pause.stop is not None and pause.stop <= at:
                continue
            open_until = max(at, pause.start)
            run = self._between(at, Second(open_until))
            if run >= left:
                break
            if pause.stop is None:
                return None
            left -= run
            at = Second(max(at, pause.stop))
        return self._after(at, left)

    def _between(self, start: int, stop: int) -> int:
        if self._hours is None:
            return max(0, stop - start)
        self._expand(start, stop)
        return self._open_before(stop) - self._open_before(start)

    def _open_before(self, at: int) -> int:
        index = bisect_right(self._starts, at) - 1
        if index < 0:
            return 0
        return self._before[index] + min(at, self._stops[index]) - self._starts[index]

    def _after(self, start: int, seconds: int) -> Second:
        if self._hours is None or seconds <= 0:
            return Second(start + max(0, seconds))
        self._expand(start, start + 86_400)
        wanted = self._open_before(start) + seconds
        horizon = start
        while not self._before or self._open_total() < wanted:
            horizon += _CHUNK * 86_400
            self._expand(start, horizon)
        index = bisect_left(self._before, wanted) - 1
        return Second(self._starts[index] + wanted - self._before[index])

    def _open_total(self) -> int:
        return self._before[-1] + self._stops[-1] - self._starts[-1]

    def _expand(self, start: int, stop: int) -> None:
        """Have the windows of every local date that [start, stop] touches."""
        first = date.fromordinal(719_163 + start // 86_400 - 2)
        last = date.fromordinal(719_163 + stop // 86_400 + 2)
        if self._first is not None and self._last is not None:
            if self._first <= first and last <= self._last:
                return
            first, last = min(first, self._first), max(last, self._last)
        self._first, self._last = first, last + timedelta(days=_CHUNK)
        windows = list(self._windows(self._first, self._last))
        self._starts = [start for start, _ in windows]
        self._stops = [stop for _, stop in windows]
        lengths = [stop - start for start, stop in windows]
        self._before = [0, *accumulate(lengths)][: len(windows)]

    def _windows(self, first: date, last: date) -> Iterable[tuple[int, int]]:
        hours = self._hours
        assert hours is not None  # noqa: S101 - 24x7 needs no windows
        day = first
        while day <= last:
            for opens, closes in hours.windows.get(weekday_of(day, hours), ()):
                start = first_minute(day, hours.zone, opens) * 60
                stop = first_minute(day, hours.zone, closes) * 60
                if start < stop:
                    yield start, stop
            day += _DAY


def weekday_of(day: date, hours: WeekHours) -> int:
    """Return the weekday whose windows *day* has, Monday 0; -1 for a holiday."""
    if day in hours.extra_days:
        return hours.extra_days[day]
    return -1 if day in hours.holidays else day.weekday()


def united(pauses: Iterable[Pause], start: Second, stop: Second) -> Sequence[tuple[Second, Second]]:
    """Return the parts of *pauses* inside [start, stop), in order and without overlap."""
    found: list[tuple[Second, Second]] = []
    for pause in sorted(pauses, key=lambda p: p.start):
        begin = Second(max(start, pause.start))
        end = stop if pause.stop is None else Second(min(stop, pause.stop))
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], Second(max(found[-1][1], end)))
        elif begin < end:
            found.append((begin, end))
    return found
