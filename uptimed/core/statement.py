"""A month of one client as a value: everything a report says, before it is words.

It holds integers, instants and the operator's own words. Nothing in it is rounded, translated or
laid out; `reports` does that and computes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import TYPE_CHECKING

from typing_extensions import override

from uptimed.core.corrections import Correction, Revised
from uptimed.core.exclusions import Exclusion
from uptimed.core.figures import Figures
from uptimed.core.issues import Issue
from uptimed.core.minutes import Minute
from uptimed.core.objections import Objection
from uptimed.core.observations import Instant
from uptimed.core.outages import Outage
from uptimed.core.strip import Strip
from uptimed.core.support_statement import SupportStatement
from uptimed.core.terms import ContractTerms, Maintenance, WatchTerms

if TYPE_CHECKING:  # a report is rendered by a process of its own, which needs none of the settings
    from uptimed.core.pinning import AgreedChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The month [start, stop) in *zone*; minutes before *judged* are judged, later ones are not."""

    month: str  # 2026-10
    zone_name: str
    zone: tzinfo
    start: Minute
    stop: Minute
    judged: Minute

    @property
    def minutes(self) -> int:
        """Return the minutes of the whole month."""
        return self.stop - self.start

    @property
    def complete(self) -> bool:
        """Return whether every minute of the month is judged."""
        return self.judged >= self.stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who is named on the paper. *logo* is an SVG or PNG, or empty; *colour* is `#rrggbb`."""

    name: str
    id: str = ""
    logo: bytes = b""
    logo_type: str = ""  # image/svg+xml or image/png
    colour: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageLine:
    """An outage in a report. *reason* is the first failing evidence, observed beside wanted.

    *incident* is the reference of its case, and "" before there is one. *cause* is the evidence's
    cause, of the closed vocabulary that reports can say in every language; "" where none is known.
    """

    outage: Outage
    minutes: int  # down minutes of this month
    minutes_total: int
    reason: str
    incident: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Minutes [start, stop) that were not measured, and why. *minutes* of them are in scope."""

    start: Minute
    stop: Minute
    minutes: int
    kind: str  # a cause or a life event's kind
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceLine:
    """A window in this month. *counted* minutes left the denominator.

    *why_not* says why it was not *admitted*, or why not all of it counts: `not_excluded`,
    `late_notice`, `not_announced`, `cancelled`, `cap`, `out_of_scope`.
    """

    window: Maintenance
    counted: int
    admitted: bool
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionLine:
    """An exception in this month. *counted* minutes left the denominator.

    *why_not* says why it does not count: `not_excluded`, `not_notified`, `late_notice`,
    `withdrawn`; "" where it does.
    """

    exclusion: Exclusion
    counted: int
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionLine:
    """A correction that made *revised* of this month's report, and what it did to the figures."""

    correction: Correction
    revised: Revised
    before: Figures
    after: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseDay:
    """How long one probe's passing looks took on one local day, in whole microseconds."""

    day: date
    looks: int
    median_us: int
    p95_us: int
    max_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeLine:
    """One probe over the month: what it is, and its response times by day."""

    id: str
    role: str
    kind: str
    looks_at: str  # its target in words: a URL without secrets, a host and port, a name
    interval: int
    days: tuple[ResponseDay, ...] = ()
    median_us: int | None = None
    p95_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A setting of the service, or of its *probe*, that was changed from *was* to *now*.

    Both are empty where only is known that it was.
    """

    name: str
    probe: str = ""
    was: str = ""
    now: str = ""

    @override
    def __str__(self) -> str:
        """Return it in one line, as `report.json` has it."""
        values = f" {self.was} -> {self.now}" if self.was or self.now else ""
        return f"{self.probe}: {self.name}{values}" if self.probe else f"{self.name}:{values}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsChange:
    """From *since* on the service was watched otherwise: what was added, removed and changed."""

    since: Minute
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[Changed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VantageLine:
    """One vantage's share of the month: in how many minutes of scope it measured, and dissented."""

    name: str
    minutes: int
    dissent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatement:
    """One service's month. *strip* and *overlay* are the judged minutes, a character each.

    *around* reaches beyond the month's edges, to the first up minute on each side. Where there are
    corrections, *recorded* has the letters on record and *original* the figures without any; where
    there are exceptions, *without_exceptions* has the figures with nothing excepted.
    """

    id: str
    name: str
    stage: str
    strip: Strip
    overlay: str
    around: Strip
    figures: Figures
    outages: tuple[OutageLine, ...]
    gaps: tuple[Gap, ...]
    maintenance: tuple[MaintenanceLine, ...]
    probes: tuple[ProbeLine, ...]
    changes: tuple[TermsChange, ...]
    vantages: tuple[VantageLine, ...]
    watch: WatchTerms
    watch_before: tuple[WatchTerms, ...] = ()
    around_overlay: str = ""  # over *around*; "" where nothing lies over it
    exceptions: tuple[ExceptionLine, ...] = ()
    corrections: tuple[CorrectionLine, ...] = ()
    objections: tuple[Objection, ...] = ()
    recorded: Strip | None = None
    original: Figures | None = None
    without_exceptions: Figures | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainHead:
    """The head of a service's chain of sealed days at the time of the report.

    *records* are those of the month's days, in canonical form.
    """

    service: str
    first_day: date
    last_day: date
    head: str
    records: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntriesLost:
    """Entries after the one at place *kept*, up to the one at *place* with the SHA-256 *head*.

    *at* is when it was found out.
    """

    at: Instant
    kept: int
    place: int
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntriesHead:
    """The head of the client's chain of entries: the last of *count* that the report vouches for.

    *records* are the entries from the first about this month on, in canonical form. *lost* tells
    what restored backups lost of the chain.
    """

    count: int
    head: str
    records: tuple[str, ...] = ()
    lost: tuple[EntriesLost, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One client's month, complete or so far. *made_up* marks a demonstration's history.

    *replaces* is the SHA-256 of the JSON of the revision before, None for the first. *earlier* are
    the copies of earlier revisions that were given out. A *draft* was not given out.
    """

    client: Party
    operator: Party
    language: str
    period: Period
    contract: ContractTerms
    services: tuple[ServiceStatement, ...]
    chain: tuple[ChainHead, ...]
    revision: int
    software: str
    as_of: Instant  # the instant it was drawn up for, never the time of rendering
    made_up: bool = False
    agreed_since: Minute | None = None  # from when on *contract* is on record; None: it is not
    agreed_changes: "tuple[AgreedChange, ...]" = ()  # what was agreed otherwise during the month
    references: int = 0  # how many self-check references are configured; below two is warned of
    replaces: str | None = None
    earlier: tuple[Issue, ...] = ()
    entries: EntriesHead | None = None
    draft: bool = False
    settings: Mapping[str, str] | None = None
    support: SupportStatement | None = None  # None where the contract has no clocks
