"""Admission: which events may be recorded, and what to do instead of those that may not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from uptimed.core.calendars import Second
from uptimed.core.incidents.acts import Acknowledged
from uptimed.core.incidents.events import Event, Incident, Opened
from uptimed.core.incidents.folding import begun, folded, in_order
from uptimed.core.incidents.values import Refusal, told_at
from uptimed.core.support import SupportTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """An event that may be recorded, with its sequence number, and the incident after it."""

    event: Event
    incident: Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An event that is recorded already, with the same content: there is nothing to do."""

    event: Event


def admit(
    event: Event, events: Sequence[Event], support: SupportTerms, *, now: Second
) -> Admitted | Known | Refusal:
    """Decide whether *event* may be added to *events*, all that is recorded of its incident.

    *support* are the terms pinned when the incident opened. An import may bring an event that
    happened before others of the record: then these must still have their place after it.
    """
    for other in events:
        if other.id == event.id:
            return _twin(event, other)
    reason = _unrecordable(event, events, now)
    if reason:
        return Refusal(reason)
    admitted = replace(event, sequence=max((other.sequence for other in events), default=0) + 1)
    return _fitted(admitted, events, support)


def _twin(event: Event, other: Event) -> Known | Refusal:
    if replace(event, sequence=other.sequence) == other:
        return Known(event=other)
    return Refusal(
        f"event {event.id} is recorded already with other content, and nothing recorded changes: "
        "give what is new an id of its own"
    )


def _unrecordable(event: Event, events: Sequence[Event], now: Second) -> str:
    """Return what is wrong with *event* whatever it says; "" where nothing is."""
    if not event.by.strip():
        if isinstance(event.act, Acknowledged):
            return "an acknowledgement by nobody: name the person who has taken it"
        return f"{event.act.kind} by nobody: name who records it"
    if event.at > now:
        return f"{told_at(event.at)} is still to come: record it once it has happened"
    if not events:
        opening = isinstance(event.act, Opened)
        return "" if opening else f"there is no incident {event.incident}: open it first"
    if event.incident != events[0].incident:
        return f"it is of {event.incident}, not of {events[0].incident}: record it there"
    return ""


def _fitted(event: Event, events: Sequence[Event], support: SupportTerms) -> Admitted | Refusal:
    """Return *event* admitted, unless it or something recorded has no place any more."""
    ordered = in_order([*events, event])
    if isinstance(event.act, Opened) and events:
        return Refusal(event.act.misfit(begun(ordered)))
    draft = begun(ordered)
    if isinstance(event.act, Opened):
        reason = event.act.unlisted(draft, support, event)
        return Refusal(reason) if reason else Admitted(event=event, incident=folded(ordered))
    forgiven = {other.id for other, _ in folded(in_order(events)).ignored}
    for other in ordered[1:]:
        misfit = draft.misfit(other)
        if other is event:
            misfit = misfit or event.act.unlisted(draft, support, event)
            if misfit:
                return Refusal(misfit)
        elif misfit and other.id not in forgiven:
            return Refusal(
                f"then the event {other.act.kind} of {told_at(other.at)} would have no place "
                f"({misfit}): give another instant"
            )
        if not misfit:
            draft.enter(other)
    return Admitted(event=event, incident=folded(ordered))
