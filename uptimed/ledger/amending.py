"""What people entered about a month, as lines of its statement: what counted, and why the rest not.

Figures are made by `month` alone; here the same month is asked for with less laid over it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from uptimed.core.amendments import Amendments, Month, told_of
from uptimed.core.corrections import Correction
from uptimed.core.entered import number, text
from uptimed.core.entries import Entry, EntryKind
from uptimed.core.minutes import MINUTE, Minute, whole_minutes
from uptimed.core.objections import Objection
from uptimed.core.overlays import counts, why_not
from uptimed.core.statement import (
    CorrectionLine,
    EntriesHead,
    EntriesLost,
    ExceptionLine,
    MaintenanceLine,
)
from uptimed.core.strip import EXCEPTED, MAINTENANCE, NO_OVERLAY, OUT_OF_SCOPE
from uptimed.core.terms import Maintenance
from uptimed.ledger.month import ServiceMonth


def maintenance_lines(seen: ServiceMonth) -> Iterator[MaintenanceLine]:
    """Yield the windows that touch the month, by their start; cancelled ones as well."""
    taken: set[int] = set()
    for window in sorted(seen.agreement.maintenance, key=lambda w: w.start):
        begins, ends = window.start // MINUTE, -(-window.end // MINUTE)
        if ends <= seen.period.start or begins >= seen.period.stop:
            continue
        reason = why_not(seen.contract, window)
        # Windows may meet within a minute, which counts once: for the one in which it begins.
        minutes = range(-(-window.start // MINUTE), -(-window.end // MINUTE))
        counted = 0 if reason else _painted(seen, minutes, MAINTENANCE, taken)
        reason = reason or _left_out(seen, window)
        yield MaintenanceLine(
            window=window,
            counted=counted,
            admitted=counts(seen.contract, window) and not (reason and not counted),
            why_not=reason,
        )


def _left_out(seen: ServiceMonth, window: Maintenance) -> str:
    """Return why judged minutes of a window that was announced in time are not under it."""
    whole = whole_minutes(window.start, window.end)
    over = {seen.overlay[m - seen.strip.start] for m in whole if _shown(seen, m)}
    if OUT_OF_SCOPE in over:
        return "out_of_scope"
    capped = seen.contract.maintenance_cap is not None
    return "cap" if capped and over & {NO_OVERLAY, EXCEPTED} else ""


def _shown(seen: ServiceMonth, minute: int) -> bool:
    return 0 <= minute - seen.strip.start < len(seen.overlay)


def _painted(seen: ServiceMonth, minutes: range, over: str, taken: set[int]) -> int:
    """Return how many of *minutes* lie under *over* and are not *taken*; take them."""
    mine = {
        minute
        for minute in minutes
        if _shown(seen, minute) and seen.overlay[minute - seen.strip.start] == over
    } - taken
    taken |= mine
    return len(mine)


def exception_lines(seen: ServiceMonth) -> Iterator[ExceptionLine]:
    """Yield the exceptions that touch the month, in the order in which they were recorded."""
    taken: set[int] = set()
    for one in seen.entered.exclusions:
        if one.service != seen.service.id or not _meets(seen, one.minutes):
            continue
        reason = seen.entered.why_not(one, seen.contract, seen.month)
        counted = 0 if reason else _painted(seen, one.minutes, EXCEPTED, taken)
        yield ExceptionLine(exclusion=one, counted=counted, why_not=reason)


def correction_lines(seen: ServiceMonth) -> Iterator[CorrectionLine]:
    """Yield the corrections of the service that revised this month's report, in order."""
    made = seen.entered.corrections_of(seen.service.id)
    if not made:
        return
    before = seen.under(()).figures
    for n, one in enumerate(made, start=1):
        after = seen.under(made[:n]).figures
        revised = one.revision_of(seen.period.month)
        if revised is not None:
            yield CorrectionLine(correction=one, revised=revised, before=before, after=after)
        before = after


def objections_in(seen: ServiceMonth) -> Iterator[Objection]:
    """Yield the objections to minutes of the service in this month, in order."""
    for one in seen.entered.objections:
        if one.service == seen.service.id and _meets(seen, range(one.start, one.stop)):
            yield one


def _meets(seen: ServiceMonth, minutes: range) -> bool:
    return minutes.start < seen.period.stop and minutes.stop > seen.period.start


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredAbout:
    """What people entered about one minute, whether it counts or not."""

    maintenance: tuple[Maintenance, ...]
    exceptions: tuple[ExceptionLine, ...]
    corrections: tuple[Correction, ...]
    objections: tuple[Objection, ...]


def entered_about(seen: ServiceMonth, minute: Minute) -> EnteredAbout:
    """Return what people entered about *minute* of the month."""
    mine = seen.entered.corrections_of(seen.service.id)
    return EnteredAbout(
        maintenance=windows_at(seen, minute),
        exceptions=tuple(excepting(seen, minute)),
        corrections=tuple(
            one
            for one in mine
            if one.start <= minute < one.stop
            and one.was[minute - one.start] != one.becomes[minute - one.start]
        ),
        objections=tuple(o for o in objections_in(seen) if o.start <= minute < o.stop),
    )


def windows_at(seen: ServiceMonth, minute: Minute) -> tuple[Maintenance, ...]:
    """Return the windows of maintenance that touch *minute*."""
    start, stop = minute * MINUTE, (minute + 1) * MINUTE
    return tuple(w for w in seen.agreement.maintenance if w.start < stop and w.end > start)


def excepting(seen: ServiceMonth, minute: Minute) -> Iterator[ExceptionLine]:
    """Yield the exceptions of *minute*, each as if it were alone."""
    for one in seen.entered.exclusions:
        if one.service == seen.service.id and minute in one.minutes:
            reason = seen.entered.why_not(one, seen.contract, seen.month)
            yield ExceptionLine(exclusion=one, counted=0 if reason else 1, why_not=reason)


def entries_head(
    entries: Sequence[Entry], entered: Amendments, month: Month, incidents: Collection[str] = ()
) -> EntriesHead | None:
    """Return the head of the client's chain of *entries* for a report of *month*, if there is any.

    Its records begin with the first that was recorded in the month or concerns it.
    """
    told, first = told_of(entries, entered, month, incidents)
    if not told:
        return None
    return EntriesHead(
        count=told[-1].place,
        head=told[-1].sha256,
        records=tuple(entry.record for entry in told[first:]),
        lost=tuple(_lost(entry) for entry in told if entry.kind is EntryKind.RESTORED),
    )


def _lost(entry: Entry) -> EntriesLost:
    said = entry.said
    return EntriesLost(
        at=entry.at,
        kept=number(said, "kept_place"),
        place=number(said, "lost_place"),
        head=text(said, "lost_sha256"),
    )
