"""Incidents as short stories, and desks of the presets, for tests of incidents and their clocks."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from uptimed.config import load_contract
from uptimed.core.calendars import Second, second_of
from uptimed.core.clocks import Desk, Reading, readings
from uptimed.core.holidays import HolidaySet, open_time
from uptimed.core.incidents import Act, Event, Incident, OutageGroup, fold
from uptimed.core.support import ClockKind, ClockTerms, Span, SupportTerms, Unit

BOGOTA, MADRID, MOSCOW, LONDON = (
    ZoneInfo(name) for name in ("America/Bogota", "Europe/Madrid", "Europe/Moscow", "Europe/London")
)
REFERENCE = "ACME-2026-0001"


def _days(id: str, *texts: str) -> HolidaySet:
    days = {date.fromisoformat(text): "holiday" for text in texts}
    return HolidaySet(id=id, version="test", first_year=2026, last_year=2027, days=days)


HOLIDAYS = {
    "CO": _days("CO", "2026-07-13"),
    "ES": _days("ES", "2026-10-12"),
    "GB-ENG": _days("GB-ENG", "2026-08-31"),
    "RU": _days("RU", "2026-12-31", *(f"2027-01-{day:02}" for day in range(1, 11))),
}


def at(text: str, zone: tzinfo = UTC) -> Second:
    """Return the second of a local time such as `2026-07-15 11:00`."""
    return second_of(datetime.fromisoformat(text).replace(tzinfo=zone))


def events(
    *told: tuple[str, Act], zone: tzinfo = UTC, by: str = "ana", reference: str = REFERENCE
) -> list[Event]:
    """Return what happened at those local times, recorded in that order."""
    return [
        Event(id=str(n), incident=reference, at=at(text, zone), by=by, act=act, sequence=n)
        for n, (text, act) in enumerate(told, start=1)
    ]


def story(*told: tuple[str, Act], zone: tzinfo = UTC) -> Incident:
    """Return the incident to which that happened at those local times."""
    return fold(events(*told, zone=zone))


@cache
def support_of(preset: str) -> SupportTerms:
    """Return what a preset says of support."""
    return load_contract(preset).support


def desk_of(support: SupportTerms | str, plan: str = "") -> Desk:
    """Return the desk of those terms, or of the preset of that name."""
    terms = support_of(support) if isinstance(support, str) else support
    return Desk(terms, open_time(terms.calendar, HOLIDAYS), plan=plan)


def span(text: str) -> Span:
    """Return a target as a contract writes it: `90min`, `2h`, `3bd`."""
    for unit, seconds in ((Unit.MINUTES, 60), (Unit.HOURS, 3600)):
        if text.endswith(unit):
            return Span(text=text, unit=unit, seconds=int(text.removesuffix(unit)) * seconds)
    return Span(text=text, unit=Unit.BUSINESS_DAYS, business_days=int(text.removesuffix("bd")))


def with_clocks(preset: str, severity: str, *clocks: ClockTerms) -> SupportTerms:
    """Return the terms of *preset* in which *severity* has those clocks alone."""
    support = support_of(preset)
    return replace(
        support,
        severities=tuple(
            replace(each, clocks=clocks) if each.id == severity else each
            for each in support.severities
        ),
    )


def one(found: Iterable[Reading], clock: ClockKind) -> Reading:
    """Return the only reading of *clock*."""
    (reading,) = [each for each in found if each.clock is clock]
    return reading


def read(
    incident: Incident,
    desk: Desk,
    clock: ClockKind,
    now: Second,
    group: OutageGroup | None = None,
) -> Reading:
    """Return what the only *clock* of *incident* says at *now*."""
    return one(readings(incident, desk, now=now, group=group), clock)
