"""Drawing up what a period's incidents make of the support clocks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from uptimed.core.calendars import Second
from uptimed.core.compliance import compliance
from uptimed.core.incidents.casebook import Casebook
from uptimed.core.minutes import Minute
from uptimed.core.settings import ClientSettings
from uptimed.core.statement import OutageLine, ServiceStatement
from uptimed.core.support_statement import IncidentLine, SupportStatement
from uptimed.ledger.incidents import (
    IncidentNow,
    cases,
    incidents_of_period,
    references_of,
)
from uptimed.ledger.uncollected import uncollected
from uptimed.ports import JournalReader


@uncollected()
def support_of_period(
    reader: JournalReader,
    client: ClientSettings,
    book: Casebook,
    *,
    start: Second,
    stop: Second,
    at: Second,
) -> tuple[SupportStatement, Mapping[tuple[str, Minute], str]]:
    """Return what [start, stop) says of support as it stood at *at*, at most *stop*.

    Beside it the references of incidents, by service and the first minute of each outage.
    """
    found = incidents_of_period(reader, client, book, start, at)
    told = compliance(cases(found), client.support, plan=client.plan, start=start, stop=stop)
    lines = sorted(_lines(found, book, start, stop), key=lambda line: (line.opened, line.reference))
    statement = SupportStatement(
        support=client.support, plan=client.plan, incidents=tuple(lines), compliance=told
    )
    return statement, references_of(found)


def _lines(
    found: Iterable[IncidentNow], book: Casebook, start: Second, stop: Second
) -> Iterator[IncidentLine]:
    return (_line(each, book) for each in found if _concerns(each, start, stop))


def _concerns(each: IncidentNow, start: Second, stop: Second) -> bool:
    """Return whether a report of [start, stop) lists an incident: it was open in it, or decided."""
    incident = each.incident
    if incident.opened >= start or incident.resolved is None or incident.resolved >= start:
        return True
    decided = (reading.decided_at for reading in each.readings)
    return any(at is not None and start <= at < stop for at in decided)


def _line(each: IncidentNow, book: Casebook) -> IncidentLine:
    incident, group = each.incident, each.group
    latest = book.incident(incident.reference)
    ended = incident.restored if group is None else group.ended_at
    return IncidentLine(
        reference=incident.reference,
        service=incident.service,
        kind=incident.kind if group is None else group.kind,
        severity=incident.severity,
        proposed=incident.proposed,
        state=incident.state,
        opened=incident.opened,
        ended=incident.resolved if ended is None else ended,
        down=None if group is None else sum(len(outage.down) for outage in group.outages),
        recurrence_of=incident.recurrence_of,
        cause=latest.cause,
        remedy=latest.remedy,
        readings=each.readings,
    )


def with_references(
    services: Sequence[ServiceStatement], references: Mapping[tuple[str, Minute], str]
) -> tuple[ServiceStatement, ...]:
    """Return *services* with the reference of its incident at each outage that has one."""
    return tuple(
        replace(
            service,
            outages=tuple(_referred(line, service.id, references) for line in service.outages),
        )
        for service in services
    )


def _referred(
    line: OutageLine, service: str, references: Mapping[tuple[str, Minute], str]
) -> OutageLine:
    reference = references.get((service, line.outage.start), "")
    return replace(line, incident=reference) if reference else line
