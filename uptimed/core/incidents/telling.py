"""Events as a ticket system tells of them: a JSON object a line, recorded once however often read.

    {"id": "HELP-77/1", "ticket": "HELP-77", "kind": "opened", "at": "2026-10-09T16:45:00-05:00",
     "by": "ana", "service": "acme-crm", "severity": "incident", "channel": "mail"}

`id` tells the event from every other of the client. `incident` is our reference or `ticket` the
other system's number; an opening needs neither of an incident that is there. Instants are ISO 8601
with an offset. The other keys are what the kind of event says.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from uptimed.core.calendars import Second, second_of
from uptimed.core.incidents.admitting import Known
from uptimed.core.incidents.casebook import Recording
from uptimed.core.incidents.events import Act, Event, Opened
from uptimed.core.incidents.recording import act_from
from uptimed.core.incidents.values import MONITOR, Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event as it was told of in line *line*, before it is known whether it fits."""

    line: int
    id: str
    incident: str
    ticket: str
    at: Second
    by: str
    act: Act


@dataclass(frozen=True, slots=True)
class Garbled:
    """A line that tells of no event, and why."""

    line: int
    reason: str


def told_in(text: str, line: int) -> Told | Garbled:
    """Return the event that *text*, line number *line* of a file, tells of."""
    try:
        said = json.loads(text)
    except json.JSONDecodeError as error:
        return Garbled(line, f"no JSON: {error}")
    if not isinstance(said, dict):
        return Garbled(line, "found something else, wanted a JSON object")
    try:
        text.encode()
        json.dumps(said, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return Garbled(line, "found half a character, wanted text in UTF-8")
    try:
        return _told(said, line)
    except ValueError as error:
        return Garbled(line, str(error))


def _told(said: Mapping[str, object], line: int) -> Told:
    texts = {key: _text(said, key, needed=key in _NEEDED) for key in _OUTER}
    rest = {key: value for key, value in said.items() if key not in _OUTER or key == "ticket"}
    kind = texts["kind"]
    if kind not in _WITH_TICKET:
        rest.pop("ticket", None)
    for key in ("reported", "since"):
        if isinstance(rest.get(key), str):
            rest[key] = _instant(str(rest[key]), key)
    for key in ("terms", "plan"):
        if key in rest:
            raise ValueError(f"{key}: it is pinned from the configuration: leave it out")
    act = act_from(kind, rest)
    if texts["by"] == MONITOR:
        raise ValueError(f"by: found {MONITOR!r}, which is the monitor itself: name the person")
    if not isinstance(act, Opened) and not texts["incident"] and not texts["ticket"]:
        raise ValueError("incident: wanted our reference, or `ticket` with the other system's")
    return Told(
        line=line,
        id=texts["id"],
        incident=texts["incident"],
        ticket=texts["ticket"],
        at=_instant(texts["at"], "at"),
        by=texts["by"],
        act=act,
    )


_NEEDED = ("id", "kind", "at", "by")
_OUTER = (*_NEEDED, "incident", "ticket")
_WITH_TICKET = ("opened", "registered")


def _text(said: Mapping[str, object], key: str, *, needed: bool) -> str:
    found = said.get(key, "")
    if not isinstance(found, str):
        raise ValueError(f"{key}: found {found!r}, wanted a text")  # noqa: TRY004 - told as all of them
    if needed and not found.strip():
        raise ValueError(f"{key}: found nothing, wanted {_WISHES[key]}")
    return found


_WISHES = {
    "id": "what tells this event from every other, such as HELP-77/3",
    "kind": "what happened, such as update",
    "at": "an instant such as 2026-10-09T16:45:00-05:00",
    "by": "the person who did it",
}


def _instant(text: str, key: str) -> Second:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{key}: found {text!r}, wanted an instant such as {_EXAMPLE}")
    return second_of(moment)


_EXAMPLE = "2026-10-09T16:45:00-05:00"


def record_told(recording: Recording, told: Told, services: Mapping[str, str]) -> (
    Event | Known | Refusal
):  # fmt: skip
    """Record what was *told*; *services* are the client's, with the stage of each."""
    reference = told.incident or recording.ticket(told.ticket)
    if not isinstance(told.act, Opened):
        if not reference:
            return Refusal(f"there is no incident with the ticket {told.ticket}: open it first")
        return recording.add(reference, told.act, at=told.at, by=told.by, id=told.id)
    if reference:
        return _opened_before(recording, reference, told)
    if told.act.service not in services:
        wanted = ", ".join(services) or "a service: the client has none"
        return Refusal(f"service: found {told.act.service!r}, wanted one of {wanted}")
    return recording.open(told.act, at=told.at, by=told.by, id=told.id)


def _opened_before(recording: Recording, reference: str, told: Told) -> Known | Refusal:
    events = recording.events(reference)
    if events and events[0].id == told.id:
        return Known(event=events[0])
    return Refusal(f"{told.ticket or reference} is {reference} already: record what happened next")
