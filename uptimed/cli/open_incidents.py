"""The incidents that nobody has resolved, and what is due next, as `uptimed status` shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from uptimed.cli.common import counted
from uptimed.cli.incident_words import (
    next_due,
    severity_words,
    show_length,
    show_second,
)
from uptimed.core.calendars import Second, utc_second
from uptimed.core.clocks import Reading
from uptimed.core.observations import SECOND, Instant
from uptimed.core.settings import ClientSettings, ServiceSettings, Settings
from uptimed.ledger.incidents import IncidentNow, OutageReader, casebook, incident_now
from uptimed.ports import JournalReader


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident that is open, whose it is, and the clock that is due next, None without one."""

    client: ClientSettings
    stands: IncidentNow
    due: Reading | None


def open_incidents(
    reader: JournalReader, settings: Settings, services: Sequence[ServiceSettings], now: Instant
) -> Sequence[OpenIncident]:
    """Return what is open of *services*: what is due first comes first, then what has no clock."""
    chosen = {service.id for service in services}
    at = Second(now // SECOND)
    found = []
    for client in settings.clients:
        if chosen.isdisjoint(service.id for service in client.services):
            continue
        book, outages = casebook(reader, client.id), OutageReader(reader, client)
        for incident in book.unresolved():
            if incident.service in chosen:
                stands = incident_now(outages, client, book, incident, at)
                found.append(OpenIncident(client, stands, next_due(stands.readings)))
    return sorted(found, key=_urgency)


def _urgency(each: OpenIncident) -> tuple[bool, int, str]:
    incident = each.stands.incident
    due = None if each.due is None else each.due.due
    return due is None, incident.opened if due is None else due, incident.reference


def print_open(found: Sequence[OpenIncident], now: Instant) -> None:
    """Say what is open and when which clock is due; nothing where nothing is open."""
    if not found:
        return
    click.echo(f"\n{counted(len(found), 'open incident')}:")
    for each in found:
        incident = each.stands.incident
        click.echo(
            f"  {incident.reference}  {incident.service}, {severity_words(incident)}, "
            f"{incident.state} since {show_second(incident.opened, each.client.zone)}"
            f"{_due_words(each, Second(now // SECOND))}"
        )


def _due_words(each: OpenIncident, now: Second) -> str:
    if each.due is None or each.due.due is None:
        return ""
    left = each.due.due - now
    when = show_second(each.due.due, each.client.zone)
    told = f"in {show_length(left)}" if left > 0 else "its time is up"
    return f"\n      next due: {each.due.clock} {when} ({told})"


def open_json(each: OpenIncident) -> Mapping[str, object]:
    """Return an open incident for machines."""
    incident = each.stands.incident
    return {
        "reference": incident.reference,
        "client": each.client.id,
        "service": incident.service,
        "severity": incident.severity or None,
        "proposed": incident.proposed,
        "state": incident.state,
        "opened": utc_second(incident.opened),
        "next_due": None
        if each.due is None
        else {
            "clock": str(each.due.clock),
            "due": utc_second(each.due.due),
            "remaining_seconds": each.due.remaining,
            "judged": not each.due.why,
        },
    }
