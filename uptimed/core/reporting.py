"""When a month's report is due, from when on it can be drawn up, and what holds it back."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, tzinfo

from typing_extensions import override

from uptimed.core.figures import Verdict
from uptimed.core.minutes import (
    Minute,
    day_minutes,
    day_of,
    first_minute,
    moment_of,
    month_minutes,
    start_of,
)
from uptimed.core.observations import Instant
from uptimed.core.terms import AgreementTerms

ClientAgreements = Iterable[AgreementTerms]

HOLDS = ("breached", "not_proven", "corrected", "met")
"""What a report can be held for, until a person approves it."""

DEFAULT_HOLD = ("breached", "not_proven", "corrected")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDue:
    """On which day of the following month, and at which local minute, a report is due.

    *house* says that no document names it: it is a default of ours.
    """

    day: int = 3
    minute_of_day: int = 9 * 60
    house: bool = True

    @override
    def __str__(self) -> str:
        hour, minute = divmod(self.minute_of_day, 60)
        return f"day {self.day}, {hour:02d}:{minute:02d}"


HOUSE_REPORT_DUE = ReportDue()


def report_due(year: int, month: int, due: ReportDue, zone: tzinfo) -> Instant:
    """Return when the report of that month is due, in *zone*."""
    day = date(year + month // 12, month % 12 + 1, due.day)
    return start_of(first_minute(day, zone, due.minute_of_day))


def settled_for_good(year: int, month: int, zone: tzinfo, seal_after_us: int) -> Instant:
    """Return from when on no look that comes late changes a letter of that month.

    That is when the UTC day of its last minute is sealed.
    """
    last_day = day_of(Minute(month_minutes(year, month, zone)[-1]))
    return Instant(start_of(Minute(day_minutes(last_day).stop)) + seal_after_us)


def month_before(now: Instant, zone: tzinfo) -> tuple[int, int]:
    """Return the year and month that was over last in *zone*."""
    local = moment_of(now).astimezone(zone)
    return previous(local.year, local.month)


def previous(year: int, month: int) -> tuple[int, int]:
    """Return the month before that one."""
    return (year, month - 1) if month > 1 else (year - 1, 12)


def in_agreement(client: ClientAgreements, minutes: range) -> bool:
    """Return whether an agreement of any service covers a minute of *minutes*."""
    return any(
        (terms.since is None or terms.since < minutes.stop)
        and (terms.until is None or terms.until > minutes.start)
        for terms in client
    )


_SEVERITY = (
    Verdict.BREACHED,
    Verdict.BREACHED_UNCERTAIN,
    Verdict.NOT_MEASURED,
    Verdict.INSUFFICIENT_DATA,
    Verdict.MET_UNCERTAIN,
    Verdict.MET,
)


def gravity(verdict: Verdict) -> int:
    """Return how much attention *verdict* needs: the least number the most."""
    return _SEVERITY.index(verdict)


def hold_reasons(
    verdicts: Iterable[Verdict], revision: int, hold: Collection[str]
) -> tuple[str, ...]:
    """Return why a report with these *verdicts* is held, in the words of the setting *hold*."""
    there = set(verdicts)
    found = {
        "breached": Verdict.BREACHED in there,
        "not_proven": bool(there - {Verdict.BREACHED, Verdict.MET}),
        "corrected": revision > 1,
        "met": there == {Verdict.MET},
    }
    return tuple(name for name in HOLDS if found[name] and name in hold)
