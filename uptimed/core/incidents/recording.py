"""Events as they are kept: an entry's body, and back; and events as other systems hand them over.

The body is an object with the event's `id`, its `kind`, `at` in whole seconds since 1970, and what
the act says, each under its own name. Who recorded it and for which incident stand in the entry.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from types import MappingProxyType

from uptimed.core.calendars import Second
from uptimed.core.entries import Entry, EntryKind, NewEntry
from uptimed.core.incidents import acts
from uptimed.core.incidents.events import Act, Event, Opened
from uptimed.core.incidents.values import Kind, choice_of
from uptimed.core.support import Fault
from uptimed.core.terms import canonical_json

ACTS: Mapping[Kind, type[Act]] = MappingProxyType(
    {
        act.kind: act
        for act in (
            Opened,
            acts.Reported,
            acts.Registered,
            acts.Classified,
            acts.Acknowledged,
            acts.Responded,
            acts.Updated,
            acts.Answered,
            acts.Paused,
            acts.Resumed,
            acts.SeverityChanged,
            acts.Escalated,
            acts.Restored,
            acts.Resolved,
            acts.Reopened,
            acts.Closed,
            acts.CauseFound,
            acts.Noted,
        )
    }
)
"""The act of each kind of event."""

# A year has a hundred thousand events: a table is quicker than an enumeration's call, and a body
# that we wrote needs no look for spaces around it.
_BY_NAME: Mapping[str, type[Act]] = {str(kind): act for kind, act in ACTS.items()}
_READ = json.JSONDecoder().raw_decode

_SECONDS = frozenset({"reported", "since"})


def entry_of(event: Event, service: str) -> NewEntry:
    """Return *event*, of an incident at *service*, as it is entered."""
    return NewEntry(
        kind=EntryKind.INCIDENT,
        subject=event.incident,
        service=service,
        by=event.by,
        body=canonical_json(body_of(event)),
        key=event.id,
    )


def body_of(event: Event) -> Mapping[str, object]:
    """Return what an entry says of *event*."""
    said = {each.name: _plain(getattr(event.act, each.name)) for each in _fields(type(event.act))}
    return {"id": event.id, "kind": str(event.act.kind), "at": event.at, **said}


def event_of(entry: Entry) -> Event:
    """Read back the event of *entry*. Its place in the client's chain is its order."""
    return event_in(entry.body, entry.subject, entry.by, entry.place)


def event_in(body: str, incident: str, by: str, place: int) -> Event:
    """Read back the event of an entry with that *body*, about *incident*."""
    said, _ = _READ(body)
    made = _BY_NAME[said.pop("kind")]
    event_id, at = said.pop("id"), said.pop("at")
    if said.get("fault"):
        said["fault"] = Fault(said["fault"])
    return Event(
        id=event_id,
        incident=incident,
        at=at,
        by=by,
        act=made(**said),
        sequence=place,
    )


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Fault) else value


def _fields(made: type[Act]) -> tuple[Field[object], ...]:
    return fields(made)  # type: ignore[arg-type]  # every act is a dataclass


def act_from(kind: str, said: Mapping[str, object]) -> Act:
    """Return the act of *kind* that a stranger describes.

    Raise ValueError with a sentence that says what is wrong with it and what is wanted.
    """
    if kind not in list(Kind):
        raise ValueError(f"kind: found {kind!r}, wanted {choice_of([str(k) for k in Kind])}")
    made = ACTS[Kind(kind)]
    known = {each.name: each for each in _fields(made)}
    unknown = [name for name in said if name not in known]
    if unknown:
        wanted = f"has {choice_of(list(known))}" if known else "says nothing more"
        raise ValueError(f"{unknown[0]}: an event of kind {kind} {wanted}")
    missing = [
        name for name, each in known.items() if each.default is MISSING and not said.get(name)
    ]
    if missing:
        raise ValueError(f"{missing[0]}: an event of kind {kind} needs it")
    return made(**{name: _value(known[name], value) for name, value in said.items()})


def _value(field: Field[object], value: object) -> object:
    """Return *value* as the type of *field*; raise ValueError where it is of another one."""
    if value is None and field.default is None:
        return None
    if field.name == "fault":
        if value not in list(Fault):
            raise ValueError(f"fault: found {value!r}, wanted {choice_of([str(f) for f in Fault])}")
        return Fault(str(value))
    wanted: type = bool if field.type is bool else int if field.name in _WHOLE else str
    if type(value) is not wanted:
        raise ValueError(f"{field.name}: found {value!r}, wanted {_CALLED[wanted]}")
    return Second(value) if field.name in _SECONDS and isinstance(value, int) else value


_WHOLE = _SECONDS | {"level"}
_CALLED: Mapping[type, str] = {str: "a text", bool: "true or false", int: "a whole number"}
