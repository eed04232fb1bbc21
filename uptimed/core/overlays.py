"""What lies over the letters at report time: scope, announced maintenance, exceptions.

An overlay never overwrites a letter; both are kept. Where two meet, the order is scope,
maintenance, exception. Only what the contract excludes is excluded.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta, tzinfo
from itertools import islice

from uptimed.core.calendars import weekday_of
from uptimed.core.minutes import (
    Minute,
    first_minute,
    moment_of_minute,
    month_minutes,
    whole_minutes,
)
from uptimed.core.observations import Instant
from uptimed.core.strip import EXCEPTED, MAINTENANCE, NO_OVERLAY, OUT_OF_SCOPE, paint
from uptimed.core.terms import AgreementTerms, ContractTerms, Maintenance, WeekHours

_DAY = timedelta(days=1)


def overlay(
    contract: ContractTerms,
    agreement: AgreementTerms,
    month: range,
    start: Minute,
    stop: Minute,
    exceptions: Iterable[range] = (),
) -> str:
    """Return what lies over each minute of [start, stop), a character each, `.` for nothing.

    *month* is the month that is asked about. Where [start, stop) reaches into others, they are
    those of the contract's zone, and each has its own cap on maintenance.
    """
    canvas = NO_OVERLAY * max(0, stop - start)
    if "exceptions" in contract.excludes:
        canvas = paint(canvas, start, exceptions, EXCEPTED)
    scope = out_of_scope(contract, agreement, start, stop)
    windows = maintenance_minutes(contract, agreement.maintenance)
    for each in _months(contract.zone, month, start, stop) if windows else ():
        admitted = _admitted(windows, contract, agreement, each)
        canvas = paint(canvas, start, admitted, MAINTENANCE)
    return paint(canvas, start, scope, OUT_OF_SCOPE)


def out_of_scope(
    contract: ContractTerms, agreement: AgreementTerms, start: Minute, stop: Minute
) -> tuple[range, ...]:
    """Return the minutes of [start, stop) in which the contract promises nothing."""
    spans: list[range] = []
    if agreement.since is not None and agreement.since > start:
        spans.append(range(start, min(stop, agreement.since)))
    if agreement.until is not None and agreement.until < stop:
        spans.append(range(max(start, agreement.until), stop))
    if contract.hours is not None:
        spans.extend(_gaps(hours_minutes(contract.hours, start, stop), start, stop))
    return tuple(spans)


def hours_minutes(hours: WeekHours, start: Minute, stop: Minute) -> tuple[range, ...]:
    """Return the minutes of [start, stop) that lie in *hours*, in order.

    Each local date's windows are expanded to UTC by themselves, so that a day with a clock change
    has its own length.
    """
    if stop <= start:
        return ()
    day = moment_of_minute(start).astimezone(hours.zone).date() - _DAY
    last = moment_of_minute(stop).astimezone(hours.zone).date()
    found: list[range] = []
    while day <= last:
        for opens, closes in hours.windows.get(weekday_of(day, hours), ()):
            span = range(
                max(start, _local(day, opens, hours)), min(stop, _local(day, closes, hours))
            )
            if span:
                found.append(span)
        day += _DAY
    return tuple(found)


def _local(day: date, minute_of_day: int, hours: WeekHours) -> Minute:
    """Return the first minute at or after the wall-clock time *minute_of_day* of *day*."""
    return first_minute(day, hours.zone, minute_of_day)


def _gaps(spans: Sequence[range], start: Minute, stop: Minute) -> list[range]:
    gaps: list[range] = []
    at: int = start
    for span in sorted(spans, key=lambda s: s.start):
        if span.start > at:
            gaps.append(range(at, span.start))
        at = max(at, span.stop)
    if at < stop:
        gaps.append(range(at, stop))
    return gaps


def counts(contract: ContractTerms, window: Maintenance) -> bool:
    """Return whether *window* is excluded by the contract and was announced in time."""
    return not why_not(contract, window)


def why_not(contract: ContractTerms, window: Maintenance) -> str:
    """Return why *window* does not count, "" where it does.

    One that was entered by command must have been recorded in time too, whenever it is said to have
    been announced.
    """
    if window.cancelled:
        return "cancelled"
    if "maintenance" not in contract.excludes:
        return "not_excluded"
    if window.pending:
        return "not_announced"
    known = max(window.announced, window.recorded or window.announced)
    return "" if known + (contract.maintenance_notice_us or 0) <= window.start else "late_notice"


def maintenance_minutes(
    contract: ContractTerms, windows: Iterable[Maintenance]
) -> tuple[range, ...]:
    """Return the whole minutes of announced maintenance.

    Windows are united in their own precision first; then a minute counts only if it lies wholly
    inside. Two windows that meet in the middle of a minute leave no hole.
    """
    united: list[tuple[Instant, Instant]] = []
    for window in sorted((w for w in windows if counts(contract, w)), key=lambda w: w.start):
        if united and window.start <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], window.end))
        else:
            united.append((window.start, window.end))
    spans = (whole_minutes(start, end) for start, end in united)
    return tuple(span for span in spans if span)


def _months(zone: tzinfo, month: range, start: Minute, stop: Minute) -> Iterator[range]:
    """Yield the months that [start, stop) touches; *month* is taken as it is given."""
    at: int = start
    while at < stop:
        found = month
        if at not in month:
            day = moment_of_minute(Minute(at)).astimezone(zone).date()
            found = month_minutes(day.year, day.month, zone)
        yield found
        at = max(at + 1, found.stop)


def _admitted(
    windows: Sequence[range], contract: ContractTerms, agreement: AgreementTerms, month: range
) -> Iterator[range]:
    """Yield the minutes of *windows* that the contract's cap for *month* admits: the earliest.

    Minutes out of scope do not use it up, whatever part of the month is asked for.
    """
    inside = [
        range(max(span.start, month.start), min(span.stop, month.stop))
        for span in windows
        if span.start < month.stop and span.stop > month.start
    ]
    if contract.maintenance_cap is None or not inside:
        yield from inside
        return
    first, last = Minute(month.start), Minute(month.stop)
    free = paint(
        NO_OVERLAY * len(month), first, out_of_scope(contract, agreement, first, last), OUT_OF_SCOPE
    )
    counted = (m for span in inside for m in span if free[m - first] == NO_OVERLAY)
    for minute in islice(counted, contract.maintenance_cap):
        yield range(minute, minute + 1)
