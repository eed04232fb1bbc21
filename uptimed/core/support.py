"""What a contract says of support: calendar, severities, clocks, and who judges them.

These are the contract's terms as plain values. Nothing is computed here: what a clock says is
worked out elsewhere, from these terms and from an incident's events.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from uptimed.core.terms import WeekHours

Windows = Mapping[int, tuple[tuple[int, int], ...]]
"""Local windows per weekday (Monday is 0), in minutes after midnight: [start, stop)."""


class Unit(StrEnum):
    """What a clock's target is counted in."""

    MINUTES = "min"
    HOURS = "h"
    BUSINESS_DAYS = "bd"  # the calendar's nominal day


class ClockKind(StrEnum):
    """What a clock of an incident runs towards."""

    REGISTRATION = "registration"  # the notice of the case has reached the contact
    CLASSIFICATION = "classification"
    FIRST_RESPONSE = "first_response"  # the first human, client-visible message
    ANSWER = "answer"  # told when there will be a solution
    RESTORE = "restore"
    RESOLUTION = "resolution"
    UPDATE = "update"  # repeats
    ESCALATION = "escalation"  # repeats


class Start(StrEnum):
    """What a clock runs from."""

    OPENING = "opening"  # the client's report; for what the monitor found, the incident's opening
    REPORT = "report"  # the client's report alone: without one it does not run


class Fault(StrEnum):
    """Whose fault an incident is, as a person found."""

    VENDOR = "vendor"
    CLIENT = "client"
    THIRD_PARTY = "third_party"


class Judged(StrEnum):
    """What becomes of a clock's figures."""

    EACH = "each"  # every incident meets or misses the target
    MEAN = "mean"  # a mean is shown with its n, without a verdict
    SHARE = "share"  # the share within the target is shown with its n, without a verdict
    TRACKED = "tracked"  # elapsed time is shown; nothing is promised


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A clock's target as it was written. *seconds* is None where the unit is business days."""

    text: str
    unit: Unit
    seconds: int | None = None
    business_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTerms:
    """One clock. *target* is None where there is none, *agreed* where each account has its own.

    *calendar* is `24x7` or `support`. *repeats* says that a new target counts from the last.
    *channel* narrows it to what came in that way; `ticket or mail` is either. *ends* are the kinds
    of events that end it once all of them happened; empty for the clock's own.
    """

    clock: ClockKind
    target: Span | None = None
    agreed: bool = False
    calendar: str = "support"
    repeats: bool = False
    judged: Judged = Judged.EACH
    channel: str = ""
    words: str = ""
    starts: Start = Start.OPENING
    ends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityTerms:
    """One severity. *letters* are those whose outages are of it.

    *proposed* says that a person confirms it before it counts; *stages* are the service stages in
    which it can occur, empty for all, and *faults* whose faults it can be, empty for anyone's.
    """

    id: str
    name: str = ""
    words: str = ""
    letters: str = ""
    proposed: bool = False
    stages: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    channels: tuple[str, ...] = ()
    clocks: tuple[ClockTerms, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTerms:
    """Clocks that depend on what was bought, not on the severity."""

    id: str
    name: str = ""
    clocks: tuple[ClockTerms, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalTerms:
    """A share of incidents that must hold *clocks*, all of them in each incident."""

    percent: str
    percent_ppm: int
    clocks: tuple[ClockKind, ...]
    period: str = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseTerms:
    """A listed reason for pausing clocks."""

    id: str
    words: str = ""
    clocks: tuple[ClockKind, ...] = (ClockKind.RESOLUTION,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Which list of holidays was laid into a calendar, for the years it speaks of, both included.

    *approved_by* is empty where nobody approved it; *approved_at* is ISO 8601.
    """

    version: str
    first_year: int
    last_year: int
    source: str = ""
    approved_by: str = ""
    approved_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarTerms:
    """The support calendar. *hours* is None for 24x7.

    *holidays* names a set (`CO`, `ES`, `GB-ENG`, `RU`). Its days are in *hours* where *frozen* says
    which list they were read from; else the set is looked up where the calendar is used. Days that
    the contract lists one by one are in *hours* in any case.
    """

    version: str = ""
    holidays: str = ""
    hours: WeekHours | None = None
    frozen: Frozen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportTerms:
    """All that a contract says beside availability.

    *severities* stand in order, the most urgent first: a raise goes up this list. *official* are
    the channels that start a clock, *unofficial* those that do not; both empty where the contract
    names none.
    """

    calendar: CalendarTerms = CalendarTerms()
    severities: tuple[SeverityTerms, ...] = ()
    plans: tuple[PlanTerms, ...] = ()
    goals: tuple[GoalTerms, ...] = ()
    pauses: tuple[PauseTerms, ...] = ()
    official: tuple[str, ...] = ()
    unofficial: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
