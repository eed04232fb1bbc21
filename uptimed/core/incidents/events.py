"""Events and the incident that they amount to: what each says of where it fits and what it changes.

A draft is an incident while its events are folded; acts alone write on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from typing_extensions import override

from uptimed.core.calendars import Pause, Second
from uptimed.core.incidents.severities import severity_refusal
from uptimed.core.incidents.values import (
    MONITOR,
    Kind,
    PausePeriod,
    Report,
    SeverityPeriod,
    told_at,
)
from uptimed.core.support import Fault, SupportTerms

NEEDS_REASON = "whose fault it is, a person says, with a reason: give both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What an incident's events amount to.

    *reported* is when the client's report came, None for what the monitor or the desk found.
    *reports* are all reports, in order. *first* has the instant of the first event of each kind;
    `classified` is there as soon as a severity is more than proposed. *told* are the instants of
    messages to the client by people, *rests* the stretches between resolution and reopening.
    *resolved* is the resolution in force: None after a reopening; closing resolves what was open.
    *terms* is the SHA-256 of the terms that it is judged by, *plan* what was bought when it opened,
    *ticket* its number in another system; each "" where it has none.
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
    terms: str
    plan: str
    ticket: str
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
        self.ticket = opened.ticket

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
        if self.closed is not None and not event.act.after_closing:
            return f"the incident was closed at {told_at(self.closed)}: reopen it first"
        return event.act.misfit(self)

    def set_severity(
        self, at: Second, severity: str, fault: Fault, since: Second | None, *, proposed: bool
    ) -> None:
        """Let the incident be of *severity* from *at* on."""
        self.severities.append(
            SeverityPeriod(at=at, severity=severity, proposed=proposed, fault=fault, since=since)
        )
        if not proposed:
            self.first.setdefault(Kind.CLASSIFIED, at)

    def enter(self, event: "Event") -> None:
        """Write down what *event*, which has its place, changes."""
        if event.act.kind is not Kind.CLASSIFIED:  # it may propose only
            self.first.setdefault(event.act.kind, event.at)
        event.act.enter(self, event)


class Act:
    """What happened in an event. Each kind knows where it fits and what it changes."""

    __slots__ = ()
    kind: ClassVar[Kind]
    after_closing: ClassVar[bool] = False  # whether it may happen to a closed incident

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
    outage it was opened for, "" without. *stage* is the service's, at that time. *terms* is the
    SHA-256 of the terms of support that it is judged by for good, and *plan* what was bought then.
    *ticket* is its number in another system.
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
    terms: str = ""
    plan: str = ""
    ticket: str = ""

    @override
    def misfit(self, draft: Draft) -> str:
        return f"it was opened at {told_at(draft.event.at)} already: record an update or a note"

    @override
    def unlisted(self, draft: Draft, support: SupportTerms, event: Event) -> str:
        if self.reported is not None and self.reported > draft.event.at:
            return "the report is later than the opening: open it when the report came, or later"
        if self.fault is not Fault.VENDOR and (event.by == MONITOR or not self.words):
            return NEEDS_REASON
        if not self.severity:
            return ""
        return severity_refusal(support, self.severity, stage=self.stage, fault=self.fault)

    @override
    def enter(self, draft: Draft, event: Event) -> None:
        if self.reported is not None:
            draft.reports.append(Report(at=self.reported, channel=self.channel))
        if self.severity:
            draft.set_severity(event.at, self.severity, self.fault, None, proposed=self.proposed)
