"""What happens to an incident after its opening, one kind of act after the other."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from uptimed.core.calendars import Pause, Second
from uptimed.core.incidents.events import NEEDS_REASON, Act, Draft, Event
from uptimed.core.incidents.severities import severity_refusal
from uptimed.core.incidents.values import MONITOR, Kind, PausePeriod, Report, choice_of, told_at
from uptimed.core.support import Fault, SupportTerms


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
    """The notice of the case reached the client's contact; *ticket* is its number elsewhere."""

    kind: ClassVar[Kind] = Kind.REGISTERED
    ticket: str = ""
    words: str = ""

    @override
    def enter(self, draft: Draft, event: Event) -> None:
        draft.ticket = self.ticket or draft.ticket


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
            return NEEDS_REASON
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
        draft.set_severity(event.at, self.severity, fault, self.since, proposed=self.proposed)


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
        return f"{self.reason!r} is no reason that the contract lists: name {choice_of(listed)}"

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
    after_closing: ClassVar[bool] = True
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
    after_closing: ClassVar[bool] = True
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
    after_closing: ClassVar[bool] = True
    words: str

    @override
    def unlisted(self, draft: Draft, support: SupportTerms, event: Event) -> str:
        return "" if self.words else "a note without words: say something"


def _needs_person(by: str, what: str) -> str:
    if by != MONITOR:
        return ""
    return f"{what} by {MONITOR} is one by nobody: name the person"
