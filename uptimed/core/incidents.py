"""Incidents: the case opened for an outage or a report, as a fold over append-only events.

What happened is a list of events by named people (or by the monitor itself), and the incident is
what they amount to, after ITIL 4's incident management: opened, classified, answered, restored,
resolved, closed, and reopened where it was closed too soon. Events count in the order in which they
happened, and at the same second in the order in which they were recorded; so an event that comes
late, from a ticket system, falls into its place. Nothing is edited or deleted.

Which events may be recorded is decided here too, as values that say what to do instead. How long
anything took is for the clocks.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import ClassVar, Final

from typing_extensions import override

from uptimed.core.calendars import Pause, Second
from uptimed.core.minutes import Minute, moment_of
from uptimed.core.observations import SECOND, Instant
from uptimed.core.outages import Outage
from uptimed.core.strip import NO_OVERLAY, NOT_MEASURED, Strip, runs_of
from uptimed.core.support import Fault, SeverityTerms, SupportTerms

MONITOR: Final = "uptimed"
"""The recorder of what the monitor did by itself. It is nobody: it acknowledges nothing."""

FLAP_UP_MINUTES = 10  # outages fewer up minutes apart are one incident
CONFIRMED_WITHIN = 3  # two down minutes within so many open an incident
RECURRENCE_S = 30 * 86_400

_NEEDS_REASON = "whose fault it is, a person says, with a reason: give both"


class Kind(StrEnum):
    """What an event is, as it is stored and exported."""

    OPENED = "opened"
    REPORTED = "reported"
    REGISTERED = "registered"
    CLASSIFIED = "classified"
    ACKNOWLEDGED = "acknowledged"
    FIRST_RESPONSE = "first_response"
    UPDATE = "update"
    ANSWERED = "answered"
    PAUSED = "paused"
    RESUMED = "resumed"
    SEVERITY = "severity"
    ESCALATED = "escalated"
    RESTORED = "restored"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    CLOSED = "closed"
    CAUSE = "cause"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an event is not recorded, and what to do instead."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A client's report, and the channel it came through; "" where none was named."""

    at: Second
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityPeriod:
    """From *at* on the incident was of that severity.

    *proposed* is one that nobody confirmed. *since* is the start of the outage that justifies a
    raise, None where the raise itself counts.
    """

    at: Second
    severity: str
    proposed: bool
    fault: Fault
    since: Second | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PausePeriod:
    """A pause for a listed *reason*; *stop* is None while it lasts."""

    reason: str
    start: Second
    stop: Second | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What an incident's events amount to.

    *reported* is when the client's report came, None for what the monitor or the desk found.
    *reports* are all reports, in order. *first* has the instant of the first event of each kind;
    `classified` is there as soon as a severity is more than proposed. *told* are the instants of
    messages to the client by people, *rests* the stretches between resolution and reopening.
    *resolved* is the resolution in force: None after a reopening; closing resolves what was open.
    *timeline* has every event in the order in which they count; *ignored* are those of it that
    found nothing to change, with the reason, because two operators acted at once.
    """

    reference: str
    service: str
    stage: str
    kind: str  # the class of its outages; "" without
    opened: Second
    reported: Second | None
    recurrence_of: str
    fault: Fault  # as far as anybody said; the vendor's until then
    reports: tuple[Report, ...]
    severities: tuple[SeverityPeriod, ...]
    first: Mapping[Kind, Second]
    told: tuple[Second, ...]
    pauses: tuple[PausePeriod, ...]
    rests: tuple[Pause, ...]
    escalations: tuple[tuple[int, Second], ...]
    restored: Second | None
    resolved: Second | None
    closed: Second | None
    cause: str
    remedy: str
    timeline: "tuple[Event, ...]"
    ignored: "tuple[tuple[Event, str], ...]"

    @property
    def began(self) -> Second:
        """Return its first instant: the report's where that came before the opening."""
        return self.opened if self.reported is None else Second(min(self.opened, self.reported))

    @property
    def severity(self) -> str:
        """Return the severity in force; "" where nobody said."""
        return self.severities[-1].severity if self.severities else ""

    @property
    def proposed(self) -> bool:
        """Return whether the severity in force waits for a person to confirm it."""
        return bool(self.severities) and self.severities[-1].proposed

    @property
    def state(self) -> str:
        """Return `closed`, `resolved`, `paused` or `open`."""
        if self.closed is not None:
            return "closed"
        if self.resolved is not None:
            return "resolved"
        return "paused" if self.pauses and self.pauses[-1].stop is None else "open"


# Folding.


class Draft:
    """An incident while its events are folded. It is written on by acts alone."""

    def __init__(self, event: "Event", opened: "Opened") -> None:
        self.event = event
        self.opened = opened
        self.began = event.at if opened.reported is None else min(event.at, opened.reported)
        self.reports: list[Report] = []
        self.severities: list[SeverityPeriod] = []
        self.first: dict[Kind, Second] = {}
        self.told: list[Second] = []
        self.pauses: list[PausePeriod] = []
        self.rests: list[Pause] = []
        self.escalations: list[tuple[int, Second]] = []
        self.restored: Second | None = None
        self.resolved: Second | None = None
        self.closed: Second | None = None
        self.cause = ""
        self.remedy = ""

    @property
    def paused(self) -> bool:
        """Return whether a pause lasts."""
        return bool(self.pauses) and self.pauses[-1].stop is None

    @property
    def fault(self) -> Fault:
        """Return whose fault it is, as far as anybody said."""
        return self.severities[-1].fault if self.severities else self.opened.fault

    def end_pause(self, at: Second) -> None:
        """End the pause that lasts, if one does."""
        if self.paused:
            self.pauses[-1] = replace(self.pauses[-1], stop=at)

    def misfit(self, event: "Event") -> str:
        """Return why *event* has no place after what is written already; "" where it has one."""
        if event.at < self.began:
            return (
                f"it is of {told_at(event.at)}, and the incident began at {told_at(self.began)}: "
                "give an instant from then on"
            )
        if self.closed is not None and not isinstance(event.act, Reopened | CauseFound | Noted):
            return f"the incident was closed at {told_at(self.closed)}: reopen it first"
        return event.act.misfit(self)

    def enter(self, event: "Event") -> None:
        """Write down what *event*, which has its place, changes."""
        if event.act.kind is not Kind.CLASSIFIED:  # it may propose only
            self.first.setdefault(event.act.kind, event.at)
        event.act.enter(self, event)


class Act:
    """What happened in an event. Each kind knows where it fits and what it changes."""

    __slots__ = ()
    kind: ClassVar[Kind]

    def misfit(self, draft: Draft) -> str:  # noqa: ARG002 - for those who care
        """Return why it has no place after *draft*; "" where it has one."""
        return ""

    def unlisted(self, draft: Draft, support: SupportTerms, event: "Event") -> str:  # noqa: ARG002
        """Return why the contract or the recorder does not allow it; "" where they do."""
        return ""

    def enter(self, draft: Draft, event: "Event") -> None:
        """Write down in *draft* what it changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to an incident at an instant, as *by* recorded it.

    *id* tells events apart, across imports too. *sequence* is the order of recording, 0 before it
    is admitted. The opening of what the monitor found is dated back to the first down minute.
    """

    id: str
    incident: str  # the incident's reference
    at: Second
    by: str
    act: Act
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Act):
    """The case was opened: it has its reference.

    *reported* is when the client's report came through *channel*; None for what the monitor or the
    desk found. *severity* is "" where it still has to be classified. *outage* is the class of the
    outage it was opened for, "" without. *stage* is the service's, at that time.
    """

    kind: ClassVar[Kind] = Kind.OPENED
    service: str
    stage: str = "production"
    outage: str = ""
    severity: str = ""
    proposed: bool = False
    fault: Fault = Fault.VENDOR
    reported: Second | None = None
    channel: str = ""
    recurrence_of: str = ""
    words: str = ""

    @override
    def misfit(self, draft: Draft) -> str:
        return f"it was opened at {told_at(draft.event.at)} already: record an update or a note"

    @override
    def unlisted(self, draft: Draft, support: SupportTerms, event: Event) -> str:
        if self.reported is not None and self.reported > draft.event.at:
            return "the report is later than the opening: open it when the report came, or later"
        if self.fault is not Fault.VENDOR and (event.by == MONITOR or not self.words):
            return _NEEDS_REASON
        if not self.severity:
            return ""
        return severity_refusal(support, self.severity, stage=self.stage, fault=self.fault)

    @override
    def enter(self, draft: Draft, event: Event) -> None:
        if self.reported is not None:
            draft.reports.append(Report(at=self.reported, channel=self.channel))
        if self.severity:
            _set_severity(draft, event.at, self.severity, self.fault, None, proposed=self.proposed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported(Act):
    """The client reported what was open already."""

    kind: ClassVar[Kind] = Kind.REPORTED
    channel: str = ""
    words: str = ""

    @override
    def enter(self, draft: Draft, event: Event) -> None:
        draft.reports.append(Report(at=event.at, channel=self.channel))


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered(Act):
    """The notice of the case reached the client's contact."""

    kind: ClassVar[Kind] = Kind.REGISTERED
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _SeveritySet(Act):
    severity: str
    proposed: bool = False
    fault: Fault | None = None  # None leaves it as it was
    since: Second | None = None
    reason: str = ""

    @override
    def unlisted(self, draft: Draft, support: SupportTerms, event: Event) -> str:
        blamed = self.fault is not None and self.fault is not Fault.VENDOR
        if blamed and (event.by == MONITOR or not self.reason):
            return _NEEDS_REASON
        if self.since is not None and self.since > event.at:
            return "the outage that justifies it began later: give an outage's start before it"
        stage, fault = draft.opened.stage, self.fault or draft.fault
        return severity_refusal(support, self.severity, stage=stage, fault=fault) or (
            self._unreasoned(draft, support)
        )

    def _unreasoned(self, draft: Draft, support: SupportTerms) -> str:
        if not draft.severities or self.reason:
            return ""
        ranks = {severity.id: rank for rank, severity in enumerate(support.severities)}
        if ranks[self.severity] <= ranks.get(draft.severities[-1].severity, 0):
            return ""
        return f"lowering it to {self.severity} needs a reason: give one"

    @override
    def enter(self, draft: Draft, event: Event) -> None:
        fault = self.fault or draft.fault
        _set_severity(draft, event.at, self.severity, fault, self.since, proposed=self.proposed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified(_SeveritySet):
    """The severity was found, or a proposed one confirmed or replaced."""

    kind: ClassVar[Kind] = Kind.CLASSIFIED

    @override
    def misfit(self, draft: Draft) -> str:
        if Kind.CLASSIFIED not in draft.first:
            return ""
        return f"it is classified as {draft.severities[-1].severity} already: change the severity"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityChanged(_SeveritySet):
    """The severity became another, or whose fault it is did.

    *since* is the start of the outage that justifies a raise: its targets count from there.
    """

    kind: ClassVar[Kind] = Kind.SEVERITY

    @override
    def misfit(self, draft: Draft) -> str:
        if not draft.severities:
            return "it has no severity yet: classify it"
        last, fault = draft.severities[-1], self.fault or draft.fault
        if (last.severity, last.proposed, last.fault) == (self.severity, self.proposed, fault):
            return f"its severity is {self.severity} already: there is nothing to change"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged(Act):
    """Somebody has taken it, and the client knows that it was received."""

    kind: ClassVar[Kind] = Kind.ACKNOWLEDGED
    words: str = ""

    @override
    def unlisted(self, draft: Draft, support: SupportTerms, event: Event) -> str:
        return _needs_person(event.by, "an acknowledgement")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message(Act):
    words: str = ""

    @override
    def unlisted(self, draft: Draft, support: SupportTerms, event: Event) -> str:
        return _needs_person(event.by, "a message to the client")

    @override
    def enter(self, draft: Draft, event: Event) -> None:
        draft.told.append(event.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Responded(_Message):
    """The first message of a person to the client."""

    kind: ClassVar[Kind] = Kind.FIRST_RESPONSE

    @override
    def misfit(self, draft: Draft) -> str:
        if not draft.told:
            return ""
        return f"the client was first answered at {told_at(draft.told[0])}: record an update"


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated(_Message):
    """A person told the client how it stands; the first of these is the first response."""

    kind: ClassVar[Kind] = Kind.UPDATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(_Message):
    """A person told the client when there will be a solution, or that there will be none."""

    kind: ClassVar[Kind] = Kind.ANSWERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(Act):
    """Work waits for a listed *reason*: the id of one of the contract's pauses."""

    kind: ClassVar[Kind] = Kind.PAUSED
    reason: str
    words: str = ""

    @override
    def misfit(self, draft: Draft) -> str:
        if draft.paused:
            since = told_at(draft.pauses[-1].start)
            return f"it is paused since {since} for {draft.pauses[-1].reason}: resume it first"
        if draft.resolved is not None:
            return f"it was resolved at {told_at(draft.resolved)}: nothing runs that could pause"
        return ""

    @override
    def unlisted(self, draft: Draft, support: SupportTerms, event: Event) -> str:
        listed = [pause.id for pause in support.pauses]
        if self.reason in listed:
            return ""
        if not listed:
            return "the contract lists no reason for a pause, so the clocks run on: record a note"
        return f"{self.reason!r} is no reason that the contract lists: name {_or(listed)}"

    @override
    def enter(self, draft: Draft, event: Event) -> None:
        draft.pauses.append(PausePeriod(reason=self.reason, start=event.at, stop=None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Act):
    """Work goes on."""

    kind: ClassVar[Kind] = Kind.RESUMED
    words: str = ""

    @override
    def misfit(self, draft: Draft) -> str:
        return "" if draft.paused else "it is not paused: there is nothing to resume"

    @override
    def enter(self, draft: Draft, event: Event) -> None:
        draft.end_pause(event.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated(Act):
    """It went to the next level; a level reached includes those below."""

    kind: ClassVar[Kind] = Kind.ESCALATED
    level: int
    words: str = ""

    @override
    def misfit(self, draft: Draft) -> str:
        if draft.resolved is not None:
            return f"it was resolved at {told_at(draft.resolved)}: reopen it first"
        reached = draft.escalations[-1][0] if draft.escalations else 0
        if self.level > reached:
            return ""
        return f"level {self.level} was reached already: the next level is {reached + 1}"

    @override
    def enter(self, draft: Draft, event: Event) -> None:
        draft.escalations.append((self.level, event.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored(Act):
    """Users can work again, for an incident without letters; an outage's end is measured."""

    kind: ClassVar[Kind] = Kind.RESTORED
    words: str = ""

    @override
    def misfit(self, draft: Draft) -> str:
        if draft.restored is None:
            return ""
        return f"it was restored at {told_at(draft.restored)} already: reopen it if it came back"

    @override
    def enter(self, draft: Draft, event: Event) -> None:
        draft.restored = event.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved(Act):
    """It is solved. A pause that lasts ends."""

    kind: ClassVar[Kind] = Kind.RESOLVED
    words: str = ""

    @override
    def misfit(self, draft: Draft) -> str:
        if draft.resolved is None:
            return ""
        return f"it was resolved at {told_at(draft.resolved)} already: close it, or reopen it"

    @override
    def enter(self, draft: Draft, event: Event) -> None:
        draft.end_pause(event.at)
        draft.resolved = event.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened(Act):
    """It was not solved after all: resolution goes on from where it stood."""

    kind: ClassVar[Kind] = Kind.REOPENED
    reason: str = ""

    @override
    def misfit(self, draft: Draft) -> str:
        return "it is open: record an update" if draft.resolved is None else ""

    @override
    def enter(self, draft: Draft, event: Event) -> None:
        if draft.resolved is not None:
            draft.rests.append(Pause(draft.resolved, event.at))
        draft.resolved = draft.closed = draft.restored = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Act):
    """The case is over. What was not resolved is resolved by it."""

    kind: ClassVar[Kind] = Kind.CLOSED
    words: str = ""

    @override
    def enter(self, draft: Draft, event: Event) -> None:
        draft.end_pause(event.at)
        draft.closed = event.at
        if draft.resolved is None:
            draft.resolved = event.at


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseFound(Act):
    """Why it happened and what was done, in words; the last of these is printed."""

    kind: ClassVar[Kind] = Kind.CAUSE
    cause: str
    remedy: str = ""

    @override
    def unlisted(self, draft: Draft, support: SupportTerms, event: Event) -> str:
        return "" if self.cause else "a cause without words: say what it was"

    @override
    def enter(self, draft: Draft, event: Event) -> None:
        draft.cause, draft.remedy = self.cause, self.remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Act):
    """Anything worth keeping. It moves no clock."""

    kind: ClassVar[Kind] = Kind.NOTE
    words: str

    @override
    def unlisted(self, draft: Draft, support: SupportTerms, event: Event) -> str:
        return "" if self.words else "a note without words: say something"


def fold(events: Iterable[Event], *, until: Second | None = None) -> Incident:
    """Return what *events* of one incident amount to, in whatever order they are handed over.

    Only those that happened up to *until* count, where it is given. An event of an id that was
    there already changes nothing. Raise ValueError where none of them opens the incident.
    """
    return _folded(in_order(events, until))


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


def _folded(events: Sequence[Event]) -> Incident:
    draft = _begun(events)
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
        timeline=tuple(events),
        ignored=tuple(ignored),
    )


def _begun(events: Sequence[Event]) -> Draft:
    """Return the draft after the opening, which is the first of *events*."""
    if not events or not isinstance(events[0].act, Opened):
        raise ValueError("an incident that nobody opened")
    draft = Draft(events[0], events[0].act)
    draft.enter(events[0])
    return draft


def _set_severity(
    draft: Draft,
    at: Second,
    severity: str,
    fault: Fault,
    since: Second | None,
    *,
    proposed: bool,
) -> None:
    draft.severities.append(
        SeverityPeriod(at=at, severity=severity, proposed=proposed, fault=fault, since=since)
    )
    if not proposed:
        draft.first.setdefault(Kind.CLASSIFIED, at)


# Admission: which events may be recorded.


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
        return Refusal(event.act.misfit(_begun(ordered)))
    draft = _begun(ordered)
    if isinstance(event.act, Opened):
        reason = event.act.unlisted(draft, support, event)
        return Refusal(reason) if reason else Admitted(event=event, incident=_folded(ordered))
    forgiven = {other.id for other, _ in _folded(in_order(events)).ignored}
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
    return Admitted(event=event, incident=_folded(ordered))


def _needs_person(by: str, what: str) -> str:
    if by != MONITOR:
        return ""
    return f"{what} by {MONITOR} is one by nobody: name the person"


# References.


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


# Classification.


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """The severity that follows from an outage; *proposed* is one that a person must confirm."""

    severity: str
    proposed: bool


_LETTER_OF = {"system_down": "D", "login_failure": "L", "degraded": "G"}


def classification(kind: str, support: SupportTerms, *, stage: str) -> Classification | None:
    """Return the severity of an outage of class *kind* at a service in *stage*.

    Where the contract keeps that severity from the stage, the next one that it allows is proposed.
    None where the contract says of no severity that such outages are of it.
    """
    letter = _LETTER_OF[kind]
    barred = False
    matched = False
    for severity in support.severities:
        matched = matched or letter in severity.letters
        if not matched:
            continue
        if _occurs(severity, stage=stage, fault=Fault.VENDOR):
            return Classification(severity=severity.id, proposed=severity.proposed or barred)
        barred = True
    return None


def severity_refusal(support: SupportTerms, severity: str, *, stage: str, fault: Fault) -> str:
    """Return why an incident cannot be of *severity*, and which it can be; "" where it can."""
    possible = [each.id for each in support.severities if _occurs(each, stage=stage, fault=fault)]
    if severity in possible:
        return ""
    name = f"name {_or(possible)}" if possible else "the contract has none: leave it out"
    for each in support.severities:
        if each.id == severity:
            if each.stages and stage not in each.stages:
                return f"{severity} is for {_or(each.stages)} alone, this is {stage}: {name}"
            return f"the {_WHOSE[fault]} fault is never {severity}: {name}"
    return f"{severity!r} is no severity of the contract: {name}"


_WHOSE = {
    Fault.VENDOR: "vendor's",
    Fault.CLIENT: "client's",
    Fault.THIRD_PARTY: "third party's",
}


def _occurs(severity: SeverityTerms, *, stage: str, fault: Fault) -> bool:
    if severity.stages and stage not in severity.stages:
        return False
    return not severity.faults or fault in severity.faults


# From outages to incidents.


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageGroup:
    """Outages of one service that are one incident, oldest first.

    *opened* is the minute that the incident is dated back to, and *confirmed* the one that opened
    it: None while no two down minutes lie close enough. *over* says that enough up minutes have
    passed for the next outage to be another incident. *unmeasured* are the minutes without a
    measurement from the first outage's start on, to the last one's end where it has one.
    """

    outages: tuple[Outage, ...]
    opened: Minute | None
    confirmed: Minute | None
    over: bool
    unmeasured: tuple[range, ...] = ()

    @property
    def started_at(self) -> Second:
        """Return the start of the first outage."""
        return Second(self.outages[0].start * 60)

    @property
    def ended_at(self) -> Second | None:
        """Return the end of the last outage; None while it lasts."""
        stop = self.outages[-1].stop
        return None if stop is None else Second(stop * 60)

    @property
    def kind(self) -> str:
        """Return the gravest class of its outages."""
        kinds = {outage.kind for outage in self.outages}
        return next(kind for kind in _LETTER_OF if kind in kinds)

    def since(self, kind: str) -> Second | None:
        """Return the start of the first outage of class *kind*; None where there is none.

        It is what a raise of severity counts from, where such an outage justifies it.
        """
        starts = (outage.start for outage in self.outages if outage.kind == kind)
        first = next(starts, None)
        return None if first is None else Second(first * 60)

    def gaps(self) -> tuple[Pause, ...]:
        """Return its unmeasured minutes as stretches of seconds."""
        return tuple(
            Pause(Second(span.start * 60), Second(span.stop * 60)) for span in self.unmeasured
        )


def grouped(found: Sequence[Outage], strip: Strip, overlay: str) -> tuple[OutageGroup, ...]:
    """Return *found*, the outages of *strip* under *overlay*, as incidents, oldest first.

    Outages fewer than ten up minutes apart are one; a minute that was not measured or lies under an
    overlay is no up minute. An incident opens when two of the last three minutes are down, and is
    dated back to the first of them; single down minutes further apart open none.
    """
    ups = _up_minutes(strip, overlay) if found else []
    groups: list[list[Outage]] = []
    for outage in found:
        if groups and _apart(groups[-1][-1], outage.start, ups) < FLAP_UP_MINUTES:
            groups[-1].append(outage)
        else:
            groups.append([outage])
    return tuple(_group(group, strip, ups) for group in groups)


def _up_minutes(strip: Strip, overlay: str) -> list[int]:
    """Return the minutes that could be up minutes: measured, and under nothing."""
    pairs = zip(range(strip.start, strip.stop), strip.plain, overlay, strict=True)
    return [at for at, letter, over in pairs if letter != NOT_MEASURED and over == NO_OVERLAY]


def _apart(outage: Outage, until: int, ups: Sequence[int]) -> int:
    """Return the up minutes from the end of *outage* to *until*, before which no other began."""
    if outage.stop is None:
        return 0
    return bisect_left(ups, until) - bisect_left(ups, outage.stop)


def _group(found: Sequence[Outage], strip: Strip, ups: Sequence[int]) -> OutageGroup:
    down = [minute for outage in found for minute in outage.down]
    pairs = ((a, b) for a, b in pairwise(down) if b - a < CONFIRMED_WITHIN)
    opened, confirmed = next(pairs, (None, None))
    stop = found[-1].stop
    return OutageGroup(
        outages=tuple(found),
        opened=opened,
        confirmed=confirmed,
        over=_apart(found[-1], strip.stop, ups) >= FLAP_UP_MINUTES,
        unmeasured=tuple(
            _unmeasured(strip.cut(found[0].start, strip.stop if stop is None else stop))
        ),
    )


def _unmeasured(strip: Strip) -> Iterator[range]:
    for run in runs_of(strip.start, strip.plain):
        if run.letter == NOT_MEASURED:
            yield range(run.start, run.stop)


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


def told_at(at: Second) -> str:
    """Return *at* as people write it, in UTC."""
    return f"{moment_of(Instant(at * SECOND)):%Y-%m-%d %H:%M:%SZ}"


def _or(names: Sequence[str]) -> str:
    """Return *names* as a choice: `a, b or c`."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
