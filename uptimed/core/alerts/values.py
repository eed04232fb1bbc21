"""The alerts that there are, and one of them as it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from uptimed.core.minutes import Minute
from uptimed.core.observations import Instant

RUNBOOK = "docs/"
"""Where runbooks begin unless the operator keeps them elsewhere: the source tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One alert: its name, and the labels that routing goes by."""

    name: str
    severity: str
    team: str
    kind: str
    hours: str = ""
    window: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """Return its labels; those without a value are left out."""
        labels = {
            "alertname": self.name,
            "severity": self.severity,
            "team": self.team,
            "kind": self.kind,
            "hours": self.hours,
            "window": self.window,
        }
        return {name: value for name, value in labels.items() if value}

    def runbook(self, base: str) -> str:
        """Return where it is explained, under *base*."""
        return f"{base}alerting.md#{self.name.lower()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A stretch of minutes for which something of a service was so, as its letters tell.

    It stands after the minutes [*begun*, *ended*) were settled; *ended* is None while it stands.
    It is told as being so since *since* and, once it is over, until *until*. An outage is told as
    *letter*, which minute *shown* was the first to have.
    """

    rule: Rule
    begun: Minute
    since: Minute
    ended: Minute | None = None
    until: Minute | None = None
    letter: str = ""
    shown: Minute = Minute(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert as it is told. Its *labels* are what it is; everything else may change.

    *ends_at* is None while it stands. *episode* is what the letters tell of it: then it can be
    told of when it is over, too. It is None for what is known of the present only. A *silenced* one
    is held back: nobody is told of it who was not told before.
    """

    rule: Rule
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: Instant
    ends_at: Instant | None = None
    episode: Episode | None = None
    service: str = ""
    silenced: bool = False
    key: tuple[tuple[str, str], ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", tuple(sorted(self.labels.items())))


SYSTEM_DOWN = Rule(name="UptimedSystemDown", severity="page", team="client", kind="outage")
LOGIN_FAILURE = Rule(name="UptimedLoginFailure", severity="page", team="client", kind="outage")
DEGRADED = Rule(name="UptimedDegraded", severity="page", team="client", kind="outage")
LOGIN_SUSPECTED = Rule(name="UptimedLoginSuspected", severity="page", team="client", kind="login")
FAST_BURN = Rule(name="UptimedFastBurn", severity="page", team="client", kind="burn", window="60m")
SLOW_BURN = Rule(
    name="UptimedSlowBurn", severity="page", team="client", kind="burn", hours="day", window="24h"
)
DRIFT = Rule(name="UptimedDrift", severity="ticket", team="client", kind="burn", window="3d")
LATELY = Rule(
    name="UptimedOutageLately", severity="none", team="client", kind="lately", window="10m"
)
LATELY_LONG = Rule(
    name="UptimedOutageLately", severity="none", team="client", kind="lately", window="2h"
)
HALF_USED = Rule(name="UptimedMonthHalfUsed", severity="ticket", team="client", kind="month")
THREE_QUARTERS_USED = Rule(
    name="UptimedMonthThreeQuartersUsed", severity="ticket", team="client", kind="month"
)
ALL_USED = Rule(name="UptimedMonthAllUsed", severity="page", team="client", kind="month")
BROKEN = Rule(name="UptimedMonthBroken", severity="notice", team="agreement", kind="month")
UNPROVEN = Rule(name="UptimedMonthUnproven", severity="page", team="owner", kind="month")
BLIND = Rule(name="UptimedMonitorBlind", severity="page", team="owner", kind="blind", window="10m")
ACCOUNT_REFUSED = Rule(name="UptimedAccountRefused", severity="ticket", team="owner", kind="login")
CERTIFICATE_EXPIRES = Rule(
    name="UptimedCertificateExpires", severity="ticket", team="client", kind="certificate"
)


def _of_monitor(name: str, severity: str) -> Rule:
    return Rule(name=name, severity=severity, team="owner", kind="monitor")


NOT_SETTLING = _of_monitor("UptimedNotSettling", "page")
UNWELL = _of_monitor("UptimedUnwell", "page")
STORE_FAILING = _of_monitor("UptimedStoreFailing", "page")
STORE_LOST = _of_monitor("UptimedStoreLost", "ticket")
REFERENCES_FAILED = _of_monitor("UptimedReferencesFailed", "page")
FOLLOWER_LAGGING = _of_monitor("UptimedFollowerLagging", "ticket")
CLOCK_OFF = _of_monitor("UptimedClockOff", "ticket")
CONFIG_REFUSED = _of_monitor("UptimedConfigRefused", "ticket")
BUG = _of_monitor("UptimedBug", "ticket")
VANTAGE_SILENT = _of_monitor("UptimedVantageSilent", "ticket")
GATHERING_STUCK = _of_monitor("UptimedGatheringStuck", "ticket")
VANTAGE_DOUBLED = _of_monitor("UptimedVantageDoubled", "page")
REPORT_OVERDUE = Rule(name="UptimedReportOverdue", severity="ticket", team="agreement", kind="mail")
MAIL_STUCK = Rule(name="UptimedMailStuck", severity="ticket", team="owner", kind="mail")
MAIL_FAILED = Rule(name="UptimedMailFailed", severity="ticket", team="agreement", kind="mail")
CLOCK_DUE = Rule(name="UptimedClockDue", severity="page", team="client", kind="clock")
CLOCK_MISSED = Rule(name="UptimedClockMissed", severity="ticket", team="agreement", kind="clock")
ESCALATION_DUE = Rule(name="UptimedEscalationDue", severity="page", team="client", kind="clock")

ALL = (
    SYSTEM_DOWN, LOGIN_FAILURE, DEGRADED, LOGIN_SUSPECTED, FAST_BURN, SLOW_BURN, DRIFT, LATELY,
    LATELY_LONG, HALF_USED, THREE_QUARTERS_USED, ALL_USED, BROKEN, UNPROVEN, BLIND,
    ACCOUNT_REFUSED, CERTIFICATE_EXPIRES, NOT_SETTLING, UNWELL, STORE_FAILING, STORE_LOST,
    REFERENCES_FAILED, FOLLOWER_LAGGING, CLOCK_OFF, CONFIG_REFUSED, BUG,
    VANTAGE_SILENT, GATHERING_STUCK, VANTAGE_DOUBLED, REPORT_OVERDUE, MAIL_STUCK, MAIL_FAILED,
    CLOCK_DUE, CLOCK_MISSED, ESCALATION_DUE,
)  # fmt: skip
"""Those that are pushed. That the monitor is dead only others can say."""

BY_NAME = {rule.name: rule for rule in reversed(ALL)}

TEST = Rule(name="UptimedTest", severity="page", team="owner", kind="test")
