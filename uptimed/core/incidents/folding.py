"""Folding: what events amount to, in whatever order they come."""

from collections.abc import Iterable, Sequence

from uptimed.core.calendars import Second
from uptimed.core.incidents.events import Draft, Event, Incident, Opened


def fold(events: Iterable[Event], *, until: Second | None = None) -> Incident:
    """Return what *events* of one incident amount to, in whatever order they are handed over.

    Only those that happened up to *until* count, where it is given. An event of an id that was
    there already changes nothing. Raise ValueError where none of them opens the incident.
    """
    return folded(in_order(events, until))


def in_order(events: Iterable[Event], until: Second | None = None) -> list[Event]:
    """Return *events* in the order in which they count, each id once: the opening comes first."""
    given = list(events)
    if len({event.id for event in given}) < len(given):
        given.sort(key=_recorded, reverse=True)
        given = list({event.id: event for event in given}.values())  # the first recorded stays
    if until is not None:
        given = [event for event in given if event.at <= until]
    given.sort(key=_happened)
    return given


def _recorded(event: Event) -> tuple[int, str]:
    return event.sequence, event.id


def _happened(event: Event) -> tuple[bool, int, int, str]:
    return not isinstance(event.act, Opened), event.at, event.sequence, event.id


def folded(events: Sequence[Event]) -> Incident:
    """Return what *events* amount to, which are in the order in which they count."""
    draft = begun(events)
    ignored: list[tuple[Event, str]] = []
    for event in events[1:]:
        misfit = draft.misfit(event)
        if misfit:
            ignored.append((event, misfit))
        else:
            draft.enter(event)
    return Incident(
        reference=draft.event.incident,
        service=draft.opened.service,
        stage=draft.opened.stage,
        kind=draft.opened.outage,
        opened=draft.event.at,
        reported=draft.opened.reported,
        recurrence_of=draft.opened.recurrence_of,
        fault=draft.fault,
        reports=tuple(draft.reports),
        severities=tuple(draft.severities),
        first=draft.first,
        told=tuple(draft.told),
        pauses=tuple(draft.pauses),
        rests=tuple(draft.rests),
        escalations=tuple(draft.escalations),
        restored=draft.restored,
        resolved=draft.resolved,
        closed=draft.closed,
        cause=draft.cause,
        remedy=draft.remedy,
        terms=draft.opened.terms,
        plan=draft.opened.plan,
        ticket=draft.ticket,
        timeline=tuple(events),
        ignored=tuple(ignored),
    )


def begun(events: Sequence[Event]) -> Draft:
    """Return the draft after the opening, which is the first of *events*."""
    if not events or not isinstance(events[0].act, Opened):
        raise ValueError("an incident that nobody opened")
    draft = Draft(events[0], events[0].act)
    draft.enter(events[0])
    return draft
