"""References that a client can quote, and incidents that came again."""

from collections.abc import Iterable

from uptimed.core.calendars import Second
from uptimed.core.incidents.events import Incident

RECURRENCE_S = 30 * 86_400


def reference(client: str, year: int, number: int) -> str:
    """Return what a client quotes: `ACME-2026-0007`."""
    return f"{client.upper()}-{year}-{number:04}"


def next_reference(client: str, year: int, used: Iterable[str]) -> str:
    """Return the first reference of *client* and *year* after every one that was ever *used*.

    Numbers that were left out are not filled, and those of other clients and years do not matter.
    """
    prefix = reference(client, year, 0)[:-4]
    numbers = (
        int(each.removeprefix(prefix))
        for each in used
        if each.startswith(prefix) and each.removeprefix(prefix).isdecimal()
    )
    return reference(client, year, max(numbers, default=0) + 1)


def recurrence(service: str, kind: str, opened: Second, earlier: Iterable[Incident]) -> str:
    """Return the reference of the latest earlier incident that came again; "" where none did.

    It is of the same service and class, and was over no more than 30 days before *opened*. What has
    no class has no outage, and is linked by a person or not at all.
    """
    alike = [
        incident
        for incident in earlier
        if kind
        and (incident.service, incident.kind) == (service, kind)
        and incident.opened < opened
        and opened - (incident.resolved or incident.restored or opened) <= RECURRENCE_S
    ]
    return max(alike, key=lambda each: (each.opened, each.reference)).reference if alike else ""
