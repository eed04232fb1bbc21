"""What is known at one moment, for metrics, health and whoever asks.

A `Snapshot` is a frozen picture: whoever holds one sees one moment throughout.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from uptimed.core.figures import Figures
from uptimed.core.minutes import Minute
from uptimed.core.observations import Attempt, Instant, Outcome, Phase
from uptimed.core.strip import NOT_MEASURED, Strip


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceCheck:
    """What the references said: which answered, and how far their `Date` is from our clock.

    *answered* maps each reference to whether it did. *names_resolved* is None when no reference
    has a name. *clock_offset_us* is the median of (their clock - ours), None when none told.
    """

    at: Instant
    answered: Mapping[str, bool] = field(default_factory=dict)
    names_resolved: bool | None = None
    clock_offset_us: int | None = None

    @property
    def all_failed(self) -> bool:
        """Return whether there were at least two references and none answered."""
        return len(self.answered) >= 2 and not any(self.answered.values())


@dataclass(frozen=True, slots=True)
class HistogramData:
    """How many values were at most each bound (not cumulative; the last count is beyond all)."""

    bounds_us: tuple[int, ...]
    counts: tuple[int, ...]
    sum_us: int

    @property
    def total(self) -> int:
        """Return how many values there were."""
        return sum(self.counts)

    def quantile_us(self, per_mille: int) -> int | None:
        """Return a bound that so many thousandths of the values do not exceed; None beyond all."""
        wanted, seen = self.total * per_mille, 0
        for bound, count in zip(self.bounds_us, self.counts, strict=False):
            seen += count
            if 1000 * seen >= wanted:
                return bound
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A service went `down` or came `up`, or an `account` of a login probe is in trouble.

    *since* is the first down minute, *until* the first up minute after the outage. *attempt* is
    the first evidence of the outage, or the account's attempt. *suspected* says that the account
    had passed within the hour, which may be the system's fault.
    """

    kind: str
    at: Instant
    service: str
    client: str
    platform: str = ""
    letter: str = ""
    since: Minute = Minute(0)
    until: Minute | None = None
    reason: str = ""
    attempt: Attempt | None = None
    suspected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeView:
    """A probe, and what its last look and all its attempts since the start amounted to.

    *counts* has (outcome, cause) -> attempts; *rejected* tells that an account's credentials
    were refused, and that it has not passed since, *suspected* that the last look refused an
    account that had passed within the hour with the same secret. *at* is None before the first
    look.
    """

    service: str
    client: str
    probe: str
    role: str
    kind: str
    at: Instant | None = None
    outcome: Outcome | None = None
    cause: str = ""
    detail: str = ""
    took_us: int | None = None
    phases: Mapping[Phase, int] = field(default_factory=dict)
    certificate_expires: Instant | None = None
    rejected: bool = False
    suspected: bool = False
    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceView:
    """A service: its latest letter (a mark, lower case when unverified) and since when it has it.

    *settled* is the last settled minute, None before the first. *down* is the edge that opened the
    present outage, or None. *minutes* counts the letters settled since the start. *month* are the
    figures of the month so far, None until they were asked for. *recent* are the latest letters,
    up to four days of them, and *counted* those that the contract counts as down.
    """

    service: str
    client: str
    platform: str = ""
    letter: str = NOT_MEASURED
    since: Minute = Minute(0)
    settled: Minute | None = None
    down: Edge | None = None
    minutes: Mapping[str, int] = field(default_factory=dict)
    month: Figures | None = None
    recent: Strip = field(default_factory=lambda: Strip(Minute(0), ""))
    counted: str = "DL"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreHealth:
    """Whether the journal takes what is to be kept."""

    ok: bool = True
    error: str = ""
    failing_since: Instant | None = None
    backlog: int = 0  # attempts that wait
    lost_attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigHealth:
    """When the configuration was loaded, and what was wrong with the last one that was not."""

    loaded_at: Instant
    ok: bool = True
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowerView:
    """How far behind a follower is."""

    name: str
    backlog: int = 0
    lag_us: int = 0
    error: str = ""
    set_aside: int | None = None  # entries that were given up; None where none ever is


@dataclass(frozen=True, slots=True, kw_only=True)
class VantageView:
    """Another vantage, as its looks come to us. Counts are since the start.

    *last_look* is when the newest look began that came, None before the first. *taken* attempts
    were new, *set_aside* ones came for sealed days. *doubled* says that two monitors have the name.
    """

    name: str
    last_look: Instant | None = None
    taken: int = 0
    set_aside: int = 0
    doubled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherView:
    """How gathering other vantages' looks goes. *answered_at* is when all could be read last."""

    answered_at: Instant | None = None
    error: str = ""
    vantages: Sequence[VantageView] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MailView:
    """How mail stands.

    *overdue* says of each client that gets reports whether one is overdue. *statuses* counts the
    recipients' copies that somebody still has to see to. *waiting_since* is since when the one that
    waits longest is being tried, None where none waits; *last_accepted* when the server last took
    one. *trouble* is what the server said last, if it did not take what it was given.
    """

    overdue: Mapping[str, bool] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    waiting_since: Instant | None = None
    last_accepted: Instant | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    """An open incident. *severity* is "" where nobody classified it.

    *remaining_s* has the open seconds that each of its running clocks has left, negative when time
    is up. *escalations_due* levels are reached and nobody recorded them.
    """

    client: str
    service: str
    reference: str
    severity: str
    remaining_s: Mapping[str, int] = field(default_factory=dict)
    escalations_due: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One moment of the daemon."""

    at: Instant
    vantage: str
    started_at: Instant
    software: str
    services: Mapping[str, ServiceView]
    probes: Mapping[tuple[str, str], ProbeView]
    schedule_lag: HistogramData
    look_durations: Mapping[str, HistogramData]  # by kind
    loop_lag_us: int
    bugs: int
    store: StoreHealth
    config: ConfigHealth
    references: ReferenceCheck | None = None
    references_failed: bool = False
    clock_offset_us: int | None = None
    healthy: bool = (
        True  # the store takes what is kept, the loop is not held up, the clock is right
    )
    followers: Sequence[FollowerView] = ()
    gather: GatherView | None = None  # None where nothing is gathered
    mail: MailView | None = None  # None where no mail is configured
    incidents: Sequence[IncidentView] = ()  # those that are not resolved
