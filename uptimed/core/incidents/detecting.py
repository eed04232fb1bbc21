"""From outages on record to incidents: what is missing is entered, and nothing twice.

An incident is told by its service, by whether users were kept out or a function failed, and by the
time of its outages. So it does not matter how often, how late or by whom this is asked, nor that a
look that came late moved an outage's first minute.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from uptimed.core.calendars import Second
from uptimed.core.incidents.acts import Classified, Reopened, Restored, SeverityChanged
from uptimed.core.incidents.casebook import Casebook, Opening, Recording
from uptimed.core.incidents.events import Event, Incident, Opened
from uptimed.core.incidents.grouping import OutageGroup
from uptimed.core.incidents.references import recurrence
from uptimed.core.incidents.severities import classification
from uptimed.core.incidents.values import MONITOR
from uptimed.core.minutes import Minute
from uptimed.core.support import SupportTerms

DEGRADED = "degraded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A service, its stage, and the outages of it that are one incident each, oldest first."""

    service: str
    stage: str
    groups: tuple[OutageGroup, ...]


def group_of(incident: Incident, groups: Iterable[OutageGroup]) -> OutageGroup | None:
    """Return the one of *groups*, of the incident's service, that *incident* was opened for."""
    found = (group for group in groups if belongs(incident.kind, incident.opened, group))
    return next(found, None)


def belongs(kind: str, opened: Second, group: OutageGroup) -> bool:
    """Return whether an incident of class *kind* that was *opened* then is that of *group*."""
    if not kind or (kind == DEGRADED) != (group.kind == DEGRADED):
        return False
    if opened < group.started_at - _MOVED_S:
        return False
    return group.ended_at is None or opened < group.ended_at


_MOVED_S = 300
"""How far a look that comes late moves an outage's beginning: less than the pause of a flap."""


class _Cases(Protocol):
    """What is on record: a casebook, or one that is being written on."""

    def openings(self, service: str) -> Sequence[Opening]: ...
    def incident(self, reference: str) -> Incident: ...
    def support(self, incident: Incident) -> SupportTerms: ...


def unrecorded(book: Casebook, watched: Watched) -> bool:
    """Return whether *watched* has anything that *book* lacks: a look before the lock is taken."""
    groups = [group for group in watched.groups if group.opened is not None]
    return any(_missing(book, _incident_of(book, watched.service, g), g) for g in groups)


def _missing(book: Casebook, incident: Incident | None, group: OutageGroup) -> bool:
    if incident is None:
        return True
    if incident.closed is not None:
        return False
    return _restored(incident, group) is not None or (_graver(book, incident, group) is not None)


def detect(recording: Recording, watched: Sequence[Watched]) -> None:
    """Enter what the outages of *watched* amount to and is not recorded yet."""
    for each in watched:
        for group in each.groups:
            if group.opened is not None:
                _enter(recording, each, group, group.opened)


def _enter(recording: Recording, watched: Watched, group: OutageGroup, opened: Minute) -> None:
    incident = _incident_of(recording, watched.service, group)
    if incident is None:
        incident = _open(recording, watched, group, Second(opened * 60))
    if incident is None or incident.closed is not None:
        return
    raised = _graver(recording, incident, group)
    if raised is not None:
        at = Second(max(incident.opened, raised.since or 0))
        recording.add(incident.reference, raised, at=at, by=MONITOR)
    restored = _restored(incident, group)
    if restored is not None and group.ended_at is not None:
        recording.add(incident.reference, Restored(), at=group.ended_at, by=MONITOR, id=restored)


def _open(
    recording: Recording, watched: Watched, group: OutageGroup, at: Second
) -> Incident | None:
    found = classification(group.kind, recording.account.support, stage=watched.stage)
    opened = recording.open(
        Opened(
            service=watched.service,
            stage=watched.stage,
            outage=group.kind,
            severity="" if found is None else found.severity,
            proposed=found is not None and found.proposed,
            recurrence_of=_came_again(recording, watched.service, group.kind, at),
        ),
        at=at,
        by=MONITOR,
        id=f"{'degraded' if group.kind == DEGRADED else 'outage'}:{watched.service}:{at // 60}",
    )
    return recording.incident(opened.incident) if isinstance(opened, Event) else None


def _came_again(cases: _Cases, service: str, kind: str, at: Second) -> str:
    """Return the reference of the incident that came again, the latest first; "" without one."""
    for opening in sorted(cases.openings(service), key=lambda each: each.at, reverse=True):
        if opening.kind == kind and opening.at < at:
            found = recurrence(service, kind, at, [cases.incident(opening.reference)])
            if found or at - opening.at > _LONGEST_S:
                return found
    return ""


_LONGEST_S = 400 * 86_400  # an incident that was opened longer ago is no recurrence


def _incident_of(cases: _Cases, service: str, group: OutageGroup) -> Incident | None:
    """Return the incident that was opened for *group*; None before there is one."""
    for opening in cases.openings(service):
        if belongs(opening.kind, opening.at, group):
            return cases.incident(opening.reference)
    return None


def _restored(incident: Incident, group: OutageGroup) -> str | None:
    """Return the id of the restoration that is to be recorded; None where there is none."""
    ended = group.ended_at
    if not group.over or ended is None or incident.restored is not None:
        return None
    told = (event for event in incident.timeline if isinstance(event.act, Restored | Reopened))
    if any(event.at >= ended for event in told):
        return None  # somebody told it before, or that it was none
    return f"restored:{incident.reference}:{ended}"


def _graver(cases: _Cases, incident: Incident, group: OutageGroup) -> SeverityChanged | None:
    """Return the raise that a graver outage of the same incident asks for; None without one.

    What a person decided stays as it is.
    """
    decided = any(
        event.by != MONITOR and isinstance(event.act, SeverityChanged | Classified)
        for event in incident.timeline
    )
    support = cases.support(incident)
    found = classification(group.kind, support, stage=incident.stage)
    if decided or found is None or found.severity == incident.severity:
        return None
    ranks = [severity.id for severity in support.severities]
    if incident.severity not in ranks:
        return None
    if ranks.index(found.severity) > ranks.index(incident.severity):
        return None
    return SeverityChanged(
        severity=found.severity,
        proposed=found.proposed,
        since=group.since(group.kind),
        reason=f"an outage of class {group.kind}",
    )
