"""Months with incidents: what the tests of the page of support clocks have in common."""

from collections.abc import Iterable
from dataclasses import replace

from tests.core.cases import MADRID, at, desk_of, events, support_of
from tests.reports import samples
from uptimed.core.calendars import Second
from uptimed.core.clocks import readings
from uptimed.core.compliance import Case, compliance
from uptimed.core.incidents import (
    Acknowledged,
    Act,
    CauseFound,
    Closed,
    Escalated,
    Opened,
    Resolved,
    Responded,
    Updated,
    fold,
)
from uptimed.core.statement import Statement
from uptimed.core.support import SupportTerms
from uptimed.core.support_statement import IncidentLine, SupportStatement

START, STOP = at("2026-10-01 00:00", MADRID), at("2026-11-01 00:00", MADRID)

Tale = tuple[tuple[str, Act], ...]


def supporting(
    tales: Iterable[Tale],
    support: SupportTerms | str = "itil-native",
    *,
    plan: str = "",
    now: Second = STOP,
) -> SupportStatement:
    """Return what *tales*, in local times of Madrid, make of a contract's support in October."""
    terms = support_of(support) if isinstance(support, str) else support
    desk = desk_of(terms, plan)
    lines, cases = [], []
    for number, tale in enumerate(tales, start=1):
        reference = f"ACME-2026-{number:04}"
        incident = fold(events(*tale, zone=MADRID, reference=reference))
        found = readings(incident, desk, now=now)
        cases.append(Case(reference, found))
        lines.append(
            IncidentLine(
                reference=reference,
                service="crm",
                kind=incident.kind,
                severity=incident.severity,
                proposed=incident.proposed,
                state=incident.state,
                opened=incident.opened,
                ended=incident.restored or incident.resolved,
                down=91 if incident.kind else None,
                recurrence_of=incident.recurrence_of,
                cause=incident.cause,
                remedy=incident.remedy,
                readings=found,
            )
        )
    return SupportStatement(
        support=terms,
        plan=plan,
        incidents=tuple(lines),
        compliance=compliance(cases, terms, plan=plan, start=START, stop=STOP),
    )


def opened(severity: str, kind: str = "", **others: str) -> Opened:
    return Opened(service="crm", severity=severity, outage=kind, **others)  # type: ignore[arg-type]


NATIVE: tuple[Tale, ...] = (
    (
        ("2026-10-02 09:00", opened("critical", "system_down")),
        ("2026-10-02 09:12", Responded()),
        ("2026-10-02 10:31", Resolved()),
        ("2026-10-02 11:00", CauseFound(cause="disk full", remedy="a bigger disk")),
        ("2026-10-02 12:00", Closed()),
    ),
    (
        ("2026-10-09 16:40", opened("high", "degraded", recurrence_of="ACME-2026-0001")),
        ("2026-10-09 19:10", Responded()),
        ("2026-10-10 09:00", Updated()),
        ("2026-10-10 09:30", Escalated(level=1)),
        ("2026-10-10 12:00", Resolved()),
    ),
    (("2026-10-31 22:00", opened("normal")), ("2026-10-31 22:10", Acknowledged())),
)


def native(support: SupportStatement | None = None) -> Statement:
    """Return a month of the native agreement: one incident well kept, one not, one that runs."""
    return replace(samples.breached(), support=support or supporting(NATIVE))
