#!/usr/bin/env python3
"""Makes the dashboards from plain data.

    python3 grafana/build.py

writes grafana/dashboards/*.json and the tables of grafana/README.md.

What a panel asks and how it looks stands here, once; where it stands follows from the order and
the widths. Needs nothing but Python, and makes the same bytes every time. The queries are for the
Prometheus data source and use what uptimed serves, no recording rules: the dashboards work without
them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "dashboards"
README = Path(__file__).parent / "README.md"
TARGET = 0.9996
"""Where colours change. Panels that compare draw the contract's own target from its metric."""

WIDTH = 24  # columns of Grafana's grid
GREEN, YELLOW, ORANGE, RED, GREY, BLUE = "green", "yellow", "orange", "red", "#8e8e8e", "blue"

STATES = (
    ("up", "up", GREEN),
    ("degraded", "degraded", YELLOW),
    ("login_failure", "login failure", ORANGE),
    ("system_down", "system down", RED),
    ("not_measured", "not measured", GREY),
)
"""State, what is shown for it, colour; the place in the list is the number that is drawn."""

Json = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A query. *legend* names its series; a *table* is asked for one moment, as rows."""

    expr: str
    legend: str = ""
    table: bool = False


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel. *steps* are thresholds: from which value on which colour, the first from below.

    *names* are what columns of a table are called and in which order; *units* are theirs.
    """

    title: str
    about: str
    kind: str
    asks: Sequence[Ask]
    width: int
    height: int = 8
    unit: str = "short"
    steps: Sequence[tuple[float | None, str]] = ((None, GREEN),)
    words: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    stacked: bool = False
    every: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    hidden: Sequence[str] = ()
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A headline over the panels that follow."""

    title: str


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A choice at the top of the page: the values of a *label* of a *metric*."""

    name: str
    title: str
    metric: str
    label: str
    many: bool


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """One page. *outages* draws a service's outages over its graphs."""

    uid: str
    title: str
    about: str
    span: str
    variables: Sequence[Variable]
    panels: Sequence[Panel | Row]
    outages: bool = False


CLIENTS = Variable(
    name="client", title="Client", metric="uptimed_service_info", label="client", many=True
)
SERVICES = Variable(
    name="service", title="Service", metric='uptimed_service_info{client=~"$client"}',
    label="service", many=True,
)  # fmt: skip
ONE_CLIENT = Variable(
    name="client", title="Client", metric="uptimed_service_info", label="client", many=False
)
ONE_SERVICE = Variable(
    name="service", title="Service", metric='uptimed_service_info{client="$client"}',
    label="service", many=False,
)  # fmt: skip
PROBES = Variable(
    name="probe", title="Probe",
    metric='uptimed_probe_attempts_total{client="$client",service="$service"}', label="probe",
    many=True,
)  # fmt: skip
MONITORS = Variable(
    name="instance", title="Monitor", metric="uptimed_start_timestamp_seconds", label="instance",
    many=True,
)  # fmt: skip

MANY = 'client=~"$client",service=~"$service"'
ONE = 'client="$client",service="$service"'
PROBE = f'{ONE},probe=~"$probe"'
MONITOR = 'instance=~"$instance"'

STATE_WORDS = {number: (word, colour) for number, (_, word, colour) in enumerate(STATES)}
YES_IS_GOOD = {1: ("yes", GREEN), 0: ("no", RED)}
NO_IS_GOOD = {0: ("no", GREEN), 1: ("yes", RED)}
PASSED = {1: ("pass", GREEN), 0: ("fail", RED)}

OF_SHARE = ((None, RED), (TARGET, GREEN))
OF_BUDGET = ((None, GREEN), (0.5, YELLOW), (0.75, ORANGE), (1.0, RED))
LEFT = ((None, RED), (0.0, ORANGE), (5.0, GREEN))
NONE_IS_GOOD = ((None, GREEN), (1.0, RED))
COVERAGE = ((None, RED), (0.999, GREEN))

TO_SERVICE = {
    "One service": "/d/uptimed-service?${datasource:queryparam}"
    "&var-client=${__field.labels.client}&var-service=${__field.labels.service}&${__url_time_range}"
}
TO_SERVICE_OF_ROW = {
    "One service": "/d/uptimed-service?${datasource:queryparam}"
    "&var-client=${__data.fields.Client}&var-service=${__data.fields.Service}&${__url_time_range}"
}


def _state(labels: str) -> str:
    """Return the state of each service as a number: its place in `STATES`."""
    parts = [
        f'uptimed_service_state{{{labels},state="{state}"}} * {number}'
        for number, (state, _, _) in enumerate(STATES)
    ]
    return f"max by (client, service) ({' or '.join(parts)})"


def _used(labels: str) -> str:
    """Return the share of the allowed minutes that is used."""
    return (
        f"max by (client, service) (uptimed_month_down_minutes{{{labels}}})"
        f" / min by (client, service) (uptimed_month_allowed_down_minutes{{{labels}}} > 0)"
    )


def _left(labels: str) -> str:
    return (
        f"min by (client, service) (uptimed_month_allowed_down_minutes{{{labels}}})"
        f" - max by (client, service) (uptimed_month_down_minutes{{{labels}}})"
    )


def _of_service(metric: str, labels: str, how: str = "max") -> str:
    return f"{how} by (client, service) ({metric}{{{labels}}})"


MONTH_TABLE = (
    Ask(expr=_state(MANY), table=True),
    Ask(expr=_of_service("uptimed_month_availability_ratio", MANY, "min"), table=True),
    Ask(expr=_of_service("uptimed_month_target_ratio", MANY), table=True),
    Ask(expr=_of_service("uptimed_month_down_minutes", MANY), table=True),
    Ask(expr=_of_service("uptimed_month_allowed_down_minutes", MANY, "min"), table=True),
    Ask(expr=_left(MANY), table=True),
    Ask(expr=_of_service("uptimed_month_coverage_ratio", MANY, "min"), table=True),
)
MONTH_NAMES = {
    "client": "Client",
    "service": "Service",
    "Value #A": "Now",
    "Value #B": "Availability",
    "Value #C": "Target",
    "Value #D": "Down",
    "Value #E": "Allowed",
    "Value #F": "Left",
    "Value #G": "Coverage",
}
MONTH_UNITS = {
    "Availability": "percentunit",
    "Target": "percentunit",
    "Down": "m",
    "Allowed": "m",
    "Left": "m",
    "Coverage": "percentunit",
}

FLEET = Dashboard(
    uid="uptimed-fleet",
    title="uptimed: the fleet",
    about="All services at a glance: what is down now, and whose month is in danger.",
    span="now-6h",
    variables=(CLIENTS, SERVICES),
    panels=(
        Panel(
            title="Down now", kind="stat", width=4, height=4, steps=NONE_IS_GOOD,
            about="How many services have an outage: two of their last three minutes were down.",
            asks=[
                Ask(expr=f"count(max by (client, service) (uptimed_outage_open{{{MANY}}}) == 1)"
                    " or vector(0)"),
            ],
        ),
        Panel(
            title="Not measured now", kind="stat", width=4, height=4,
            steps=((None, GREEN), (1.0, GREY)),
            about="How many services were not measured in their last minute: our fault.",
            asks=[
                Ask(expr=f'sum(uptimed_service_state{{{MANY},state="not_measured"}}) or vector(0)'),
            ],
        ),
        Panel(
            title="Months below the target", kind="stat", width=4, height=4, steps=NONE_IS_GOOD,
            about="How many services have used more minutes this month than are allowed.",
            asks=[Ask(expr=f"count(({_left(MANY)}) < 0) or vector(0)")],
        ),
        Panel(
            title="Less than half left", kind="stat", width=4, height=4,
            steps=((None, GREEN), (1.0, YELLOW)),
            about="How many services have used half of the month's minutes or more.",
            asks=[Ask(expr=f"count(({_used(MANY)}) >= 0.5) or vector(0)")],
        ),
        Panel(
            title="Services", kind="stat", width=4, height=4, steps=((None, BLUE),),
            about="How many services are watched.",
            asks=[Ask(expr=f"count(max by (client, service) (uptimed_service_info{{{MANY}}}))")],
        ),
        Panel(
            title="The monitor is well", kind="stat", width=4, height=4, words=YES_IS_GOOD,
            steps=((None, RED), (1.0, GREEN)),
            about="Whether every uptimed that is scraped trusts itself.",
            asks=[Ask(expr="min(uptimed_healthy)")],
            links={"The monitor": "/d/uptimed-monitor?${datasource:queryparam}"},
        ),
        Panel(
            title="Every service, minute by minute", kind="state-timeline", width=24, height=12,
            words=STATE_WORDS, every="1m", links=TO_SERVICE,
            about="Who was down when, and whether it was one service or a platform. Grey is a"
            " fault of ours and counts as neither up nor down.",
            asks=[Ask(expr=_state(MANY), legend="{{client}} / {{service}}")],
        ),
        Panel(
            title="This month", kind="table", width=16, height=10, asks=MONTH_TABLE,
            names=MONTH_NAMES, units=MONTH_UNITS, words=STATE_WORDS, links=TO_SERVICE_OF_ROW,
            about="The month so far for each service, beside its target, and the minutes that are"
            " left of those that the whole month allows.",
        ),
        Panel(
            title="Alerts that fire", kind="table", width=8, height=10,
            about="What Prometheus alerts of, by the rules that come with uptimed.",
            asks=[
                Ask(
                    expr="max by (alertname, severity, client, service)"
                    ' (ALERTS{alertname=~"Uptimed.*",alertstate="firing",severity!="none"})',
                    table=True,
                ),
            ],
            names={"alertname": "Alert", "severity": "Severity", "client": "Client",
                   "service": "Service"},
            hidden=("Value",),
        ),
    ),
)  # fmt: skip

SERVICE = Dashboard(
    uid="uptimed-service",
    title="uptimed: one service",
    about="Everything about one service: its minutes, its month, its probes.",
    span="now-6h",
    variables=(ONE_CLIENT, ONE_SERVICE, PROBES),
    outages=True,
    panels=(
        Panel(
            title="Now", kind="stat", width=4, height=4, words=STATE_WORDS,
            about="The state of the last settled minute.",
            asks=[Ask(expr=_state(ONE))],
        ),
        Panel(
            title="Availability this month", kind="stat", width=4, height=4, unit="percentunit",
            decimals=4, steps=OF_SHARE,
            about="Up minutes of those that were measured, so far. Green from 99.96 % on.",
            asks=[Ask(expr=_of_service("uptimed_month_availability_ratio", ONE, "min"))],
        ),
        Panel(
            title="Used of the allowed minutes", kind="gauge", width=4, height=4,
            unit="percentunit", steps=OF_BUDGET, low=0, high=1,
            about="The share of the month's minutes that is used. Colours change at a half, three"
            " quarters and all of them.",
            asks=[Ask(expr=_used(ONE))],
        ),
        Panel(
            title="Minutes left", kind="stat", width=4, height=4, unit="m", steps=LEFT,
            about="How many more minutes may be down this month; negative: the promise is broken.",
            asks=[Ask(expr=_left(ONE))],
        ),
        Panel(
            title="Coverage this month", kind="stat", width=4, height=4, unit="percentunit",
            decimals=4, steps=COVERAGE,
            about="The share of minutes that were measured. Below 99.9 % the month may stay"
            " unproven.",
            asks=[Ask(expr=_of_service("uptimed_month_coverage_ratio", ONE, "min"))],
        ),
        Panel(
            title="Last settled", kind="stat", width=4, height=4, unit="s",
            steps=((None, GREEN), (180.0, YELLOW), (300.0, RED)),
            about="How long ago the last minute with a letter began. More than three minutes:"
            " nobody looks, or the monitor cannot write.",
            asks=[
                Ask(expr="time() - "
                    + _of_service("uptimed_service_last_settled_timestamp_seconds", ONE)),
            ],
        ),
        Panel(
            title="Minute map", kind="state-timeline", width=24, height=5, words=STATE_WORDS,
            every="1m",
            about="The service's state, minute by minute.",
            asks=[Ask(expr=_state(ONE), legend="{{service}}")],
        ),
        Panel(
            title="Minutes used and allowed", kind="timeseries", width=12, unit="m", low=0,
            about="How the month's minutes are used up: steps are outages.",
            asks=[
                Ask(expr=_of_service("uptimed_month_down_minutes", ONE), legend="used"),
                Ask(expr=_of_service("uptimed_month_allowed_down_minutes", ONE, "min"),
                    legend="allowed"),
                Ask(expr=_of_service("uptimed_month_not_measured_minutes", ONE),
                    legend="not measured"),
            ],
        ),
        Panel(
            title="Down minutes lately", kind="timeseries", width=12, unit="m", low=0,
            about="Down minutes in the windows that alerts count in.",
            asks=[
                Ask(expr="max by (window)"
                    f' (uptimed_recent_down_minutes{{{ONE},window=~"60m|24h|3d"}})',
                    legend="{{window}}"),
                Ask(expr="max by (window)"
                    f' (uptimed_recent_not_measured_minutes{{{ONE},window="10m"}})',
                    legend="not measured, {{window}}"),
            ],
        ),
        Row(title="Probes"),
        Panel(
            title="Looks", kind="state-timeline", width=24, height=6, words=PASSED, every="1m",
            about="Whether each probe's last attempt passed; nothing where it was not measured.",
            asks=[Ask(expr=f"max by (probe, vantage) (uptimed_probe_success{{{PROBE}}})",
                      legend="{{probe}} from {{vantage}}")],
        ),
        Panel(
            title="Phases of response time", kind="timeseries", width=12, unit="s", low=0,
            stacked=True,
            about="Where the time goes: name, connection, TLS, first byte, transfer. The sum of"
            " each probe's is its response time.",
            asks=[
                Ask(expr="max by (probe, vantage, phase)"
                    f" (uptimed_probe_phase_seconds{{{PROBE}}})",
                    legend="{{probe}} {{phase}} from {{vantage}}"),
            ],
        ),
        Panel(
            title="Attempts by outcome", kind="timeseries", width=12, unit="cpm", low=0,
            stacked=True,
            about="Attempts a minute, by outcome and cause. Attempts that fail in minutes that are"
            " up were not confirmed.",
            asks=[
                Ask(expr="sum by (probe, outcome, cause)"
                    f" (rate(uptimed_probe_attempts_total{{{PROBE}}}[$__rate_interval])) * 60",
                    legend="{{probe}} {{outcome}} {{cause}}"),
            ],
        ),
        Panel(
            title="Certificate expires in", kind="stat", width=8, height=6, unit="s",
            steps=((None, RED), (604_800.0, ORANGE), (1_209_600.0, GREEN)),
            about="How long the certificate that each probe was shown is still valid.",
            asks=[
                Ask(expr="min by (probe)"
                    f" (uptimed_probe_certificate_expiry_timestamp_seconds{{{PROBE}}}) - time()",
                    legend="{{probe}}"),
            ],
        ),
        Panel(
            title="Login refused", kind="state-timeline", width=16, height=6, words=NO_IS_GOOD,
            about="Whether the last login's credentials were refused, and whether that is suspect:"
            " the account had passed within the hour. Neither is downtime.",
            asks=[
                Ask(expr=f"max by (probe) (uptimed_login_rejected{{{PROBE}}})",
                    legend="{{probe}} refused"),
                Ask(expr=f"max by (probe) (uptimed_login_suspected{{{PROBE}}})",
                    legend="{{probe}} suspected"),
            ],
        ),
    ),
)  # fmt: skip

SLO = Dashboard(
    uid="uptimed-slo",
    title="uptimed: the promise",
    about="The month against the target, service by service: what is used, what is left.",
    span="now-30d",
    variables=(CLIENTS, SERVICES),
    panels=(
        Panel(
            title="Used of the allowed minutes", kind="bargauge", width=12, height=12,
            unit="percentunit", steps=OF_BUDGET, low=0, high=1, links=TO_SERVICE,
            about="The share of the month's minutes that each service has used. Red: all of them.",
            asks=[Ask(expr=f"sort_desc({_used(MANY)})", legend="{{client}} / {{service}}")],
        ),
        Panel(
            title="Minutes left", kind="bargauge", width=12, height=12, unit="m", steps=LEFT,
            links=TO_SERVICE,
            about="How many more minutes may be down; negative: the promise is broken.",
            asks=[Ask(expr=f"sort({_left(MANY)})", legend="{{client}} / {{service}}")],
        ),
        Panel(
            title="Availability of the month so far", kind="timeseries", width=24, height=10,
            unit="percentunit", decimals=4, high=1, steps=OF_SHARE,
            about="Where each service's month stands against its target. It begins anew on the"
            " first.",
            asks=[
                Ask(expr=_of_service("uptimed_month_availability_ratio", MANY, "min"),
                    legend="{{client}} / {{service}}"),
                Ask(expr=f"max(uptimed_month_target_ratio{{{MANY}}})", legend="target"),
            ],
        ),
        Panel(
            title="Minutes used", kind="timeseries", width=12, unit="m", low=0,
            about="Down minutes of the month so far.",
            asks=[Ask(expr=_of_service("uptimed_month_down_minutes", MANY),
                      legend="{{client}} / {{service}}")],
        ),
        Panel(
            title="Minutes not measured", kind="timeseries", width=12, unit="m", low=0,
            about="Minutes that we do not know of: with the down ones, more than allowed cannot be"
            " proven either way.",
            asks=[Ask(expr=_of_service("uptimed_month_not_measured_minutes", MANY),
                      legend="{{client}} / {{service}}")],
        ),
        Panel(
            title="The month in figures", kind="table", width=24, height=10, asks=MONTH_TABLE,
            names=MONTH_NAMES, units=MONTH_UNITS, words=STATE_WORDS, links=TO_SERVICE_OF_ROW,
            about="Availability, target, minutes used, allowed and left, coverage.",
        ),
        Panel(
            title="Letters", kind="timeseries", width=12, unit="short", low=0, stacked=True,
            about="Minutes by letter and hour, about: of a counter that begins anew at a restart.",
            asks=[
                Ask(expr=f"sum by (letter) (increase(uptimed_minutes_total{{{MANY}}}[1h]))",
                    legend="{{letter}}"),
            ],
        ),
        Panel(
            title="Down minutes in the windows of alerts", kind="table", width=12,
            about="Exact counts of down minutes; the alerts are: 4 in 60m, 6 in 24h, 4 in 3d.",
            asks=[
                Ask(expr=f'max by (client, service) (uptimed_recent_down_minutes{{{MANY},'
                    f'window="{window}"}})', table=True)
                for window in ("5m", "60m", "2h", "6h", "24h", "3d")
            ],
            names={"client": "Client", "service": "Service", "Value #A": "5m", "Value #B": "60m",
                   "Value #C": "2h", "Value #D": "6h", "Value #E": "24h", "Value #F": "3d"},
            links=TO_SERVICE_OF_ROW,
        ),
    ),
)  # fmt: skip


def _quantile(share: float, metric: str, by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    rate = f"rate({metric}_bucket{{{MONITOR}}}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by ({labels}) ({rate}))"


MONITOR_PAGE = Dashboard(
    uid="uptimed-monitor",
    title="uptimed: the monitor itself",
    about="Whether the monitor can be trusted: who watches the watchman.",
    span="now-6h",
    variables=(MONITORS,),
    panels=(
        Panel(
            title="Well", kind="stat", width=4, height=4, words=YES_IS_GOOD,
            about="Whether it trusts itself: the journal takes what is kept, the event loop is not"
            " held up, the clock is right.",
            asks=[Ask(expr=f"uptimed_healthy{{{MONITOR}}}", legend="{{instance}}")],
        ),
        Panel(
            title="Journal", kind="stat", width=4, height=4, words=YES_IS_GOOD,
            about="Whether the journal can be written.",
            asks=[Ask(expr=f"uptimed_store_up{{{MONITOR}}}", legend="{{instance}}")],
        ),
        Panel(
            title="References failed", kind="stat", width=4, height=4, words=NO_IS_GOOD,
            about="Whether no reference answers: then our own network is out.",
            asks=[Ask(expr=f"uptimed_references_failed{{{MONITOR}}}", legend="{{instance}}")],
        ),
        Panel(
            title="Configuration accepted", kind="stat", width=4, height=4, words=YES_IS_GOOD,
            about="Whether the last configuration that was read could be used.",
            asks=[
                Ask(expr=f"uptimed_config_last_reload_successful{{{MONITOR}}}",
                    legend="{{instance}}"),
            ],
        ),
        Panel(
            title="Bugs", kind="stat", width=4, height=4, steps=NONE_IS_GOOD,
            about="Exceptions that nobody expected, since the start. The log has their traceback.",
            asks=[Ask(expr=f"uptimed_bugs_total{{{MONITOR}}}", legend="{{instance}}")],
        ),
        Panel(
            title="Oldest last letter", kind="stat", width=4, height=4, unit="s",
            steps=((None, GREEN), (180.0, YELLOW), (300.0, RED)),
            about="How long ago the last letter of the service that waits longest was settled.",
            asks=[
                Ask(expr="time() - min by (instance)"
                    f" (uptimed_service_last_settled_timestamp_seconds{{{MONITOR}}})",
                    legend="{{instance}}"),
            ],
        ),
        Panel(
            title="How late looks begin", kind="timeseries", width=12, unit="s", low=0,
            about="Looks are planned to the second. Those a second late are left out.",
            asks=[
                Ask(expr=_quantile(0.5, "uptimed_schedule_lag_seconds"), legend="half within"),
                Ask(expr=_quantile(0.99, "uptimed_schedule_lag_seconds"), legend="99 % within"),
                Ask(expr=f"uptimed_event_loop_lag_seconds{{{MONITOR}}}",
                    legend="event loop {{instance}}"),
            ],
        ),
        Panel(
            title="How long attempts take", kind="timeseries", width=12, unit="s", low=0,
            about="By kind of probe, over all targets.",
            asks=[
                Ask(expr=_quantile(0.5, "uptimed_look_duration_seconds", "kind"),
                    legend="{{kind}} half within"),
                Ask(expr=_quantile(0.99, "uptimed_look_duration_seconds", "kind"),
                    legend="{{kind}} 99 % within"),
            ],
        ),
        Panel(
            title="Attempts", kind="timeseries", width=12, unit="cpm", low=0, stacked=True,
            about="Attempts a minute by outcome: whether it looks at all.",
            asks=[
                Ask(expr="sum by (outcome)"
                    f" (rate(uptimed_probe_attempts_total{{{MONITOR}}}[$__rate_interval])) * 60",
                    legend="{{outcome}}"),
            ],
        ),
        Panel(
            title="Services not measured", kind="timeseries", width=12, unit="short", low=0,
            about="How many services were not measured in their last minute: our faults.",
            asks=[
                Ask(expr="sum by (instance)"
                    f' (uptimed_service_state{{{MONITOR},state="not_measured"}})',
                    legend="{{instance}}"),
            ],
        ),
        Row(title="What is kept and sent on"),
        Panel(
            title="Attempts that wait for the journal", kind="timeseries", width=8, low=0,
            about="Memory bridges ten minutes of a disk that takes none; then they are lost.",
            asks=[
                Ask(expr=f"uptimed_store_backlog_attempts{{{MONITOR}}}",
                    legend="{{instance}} wait"),
                Ask(expr=f"uptimed_store_lost_attempts_total{{{MONITOR}}}",
                    legend="{{instance}} lost since the start"),
            ],
        ),
        Panel(
            title="How far followers are behind", kind="timeseries", width=8, unit="s", low=0,
            about="The age of the oldest entry that a follower lacks. Nothing is lost meanwhile.",
            asks=[Ask(expr=f"uptimed_follower_lag_seconds{{{MONITOR}}}", legend="{{follower}}")],
        ),
        Panel(
            title="Entries that followers lack", kind="timeseries", width=8, low=0,
            about="How much is still to be sent.",
            asks=[Ask(expr=f"uptimed_follower_backlog{{{MONITOR}}}", legend="{{follower}}")],
        ),
        Row(title="The host"),
        Panel(
            title="Clock", kind="timeseries", width=8, unit="s",
            about="The references' clocks less this host's. Above 2 s it is warned of, above 30 s"
            " looks are not measured.",
            asks=[Ask(expr=f"uptimed_clock_offset_seconds{{{MONITOR}}}", legend="{{instance}}")],
        ),
        Panel(
            title="A scrape takes", kind="timeseries", width=8, unit="s", low=0,
            about="How long the metrics page takes.",
            asks=[Ask(expr=f'scrape_duration_seconds{{{MONITOR},job="uptimed"}}',
                      legend="{{instance}}")],
        ),
        Panel(
            title="Versions", kind="table", width=8,
            about="What runs where, since when, under a configuration of when.",
            asks=[
                Ask(expr=f"max by (instance, version, vantage) (uptimed_build_info{{{MONITOR}}})",
                    table=True),
                Ask(expr=f"max by (instance) (uptimed_start_timestamp_seconds{{{MONITOR}}}) * 1000",
                    table=True),
                Ask(expr="max by (instance)"
                    f" (uptimed_config_loaded_timestamp_seconds{{{MONITOR}}}) * 1000", table=True),
            ],
            names={"instance": "Monitor", "vantage": "Vantage", "version": "Version",
                   "Value #B": "Started", "Value #C": "Configured"},
            units={"Started": "dateTimeAsIso", "Configured": "dateTimeAsIso"},
            hidden=("Value #A",),
        ),
    ),
)  # fmt: skip

DASHBOARDS = (FLEET, SERVICE, SLO, MONITOR_PAGE)

SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}


def rendered(dashboard: Dashboard) -> str:
    """Return the dashboard as Grafana imports and provisions it."""
    page: Json = {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.about,
        "tags": ["uptimed"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": dashboard.span, "to": "now"},
        "timezone": "",
        "templating": {"list": [_source_variable(), *map(_variable, dashboard.variables)]},
        "annotations": {"list": [_outages()] if dashboard.outages else []},
        "links": [_way_to(other) for other in DASHBOARDS if other is not dashboard],
        "panels": list(_laid_out(dashboard.panels)),
    }
    return json.dumps(page, indent=2, ensure_ascii=False) + "\n"


def _source_variable() -> Json:
    return {
        "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
        "current": {}, "hide": 0, "includeAll": False, "multi": False, "options": [], "refresh": 1,
        "regex": "",
    }  # fmt: skip


def _variable(variable: Variable) -> Json:
    query = f"label_values({variable.metric}, {variable.label})"
    page: Json = {
        "name": variable.name, "label": variable.title, "type": "query", "datasource": SOURCE,
        "definition": query, "query": {"query": query, "refId": f"variable-{variable.name}"},
        "current": {}, "hide": 0, "includeAll": variable.many, "multi": variable.many,
        "options": [], "refresh": 2, "regex": "", "sort": 1,
    }  # fmt: skip
    if variable.many:
        page["allValue"] = ".*"
        page["current"] = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return page


def _outages() -> Json:
    return {
        "name": "Outages", "datasource": SOURCE, "enable": True, "hide": False, "iconColor": RED,
        "expr": f"max by (client, service, class) (uptimed_outage_open{{{ONE}}}) == 1",
        "step": "60s", "titleFormat": "{{class}}", "textFormat": "{{service}}",
        "tagKeys": "class", "useValueForTime": False,
    }  # fmt: skip


def _way_to(other: Dashboard) -> Json:
    return {
        "title": other.title.removeprefix("uptimed: "), "type": "link", "icon": "dashboard",
        "tooltip": other.about, "url": f"/d/{other.uid}", "asDropdown": False,
        "includeVars": True, "keepTime": True, "targetBlank": False, "tags": [],
    }  # fmt: skip


def _laid_out(panels: Sequence[Panel | Row]) -> Iterator[Json]:
    """Yield the panels from left to right, with a new line where one is full."""
    x = y = tallest = 0
    for number, panel in enumerate(panels, start=1):
        wide = WIDTH if isinstance(panel, Row) else panel.width
        tall = 1 if isinstance(panel, Row) else panel.height
        if x + wide > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        place = {"x": x, "y": y, "w": wide, "h": tall}
        x, tallest = x + wide, max(tallest, tall)
        yield _row(panel, number, place) if isinstance(panel, Row) else _panel(panel, number, place)


def _row(row: Row, number: int, place: Mapping[str, int]) -> Json:
    return {
        "id": number, "type": "row", "title": row.title, "gridPos": place, "collapsed": False,
        "panels": [],
    }  # fmt: skip


def _panel(panel: Panel, number: int, place: Mapping[str, int]) -> Json:
    page: Json = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "gridPos": place,
        "datasource": SOURCE,
        "targets": [_target(ask, "ABCDEFGH"[i]) for i, ask in enumerate(panel.asks)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": list(_overrides(panel))},
        "options": _options(panel),
    }
    if panel.every:
        page["interval"] = panel.every
    if panel.kind == "table":
        page["transformations"] = _table(panel)
    return page


def _target(ask: Ask, ref: str) -> Json:
    return {
        "refId": ref, "datasource": SOURCE, "editorMode": "code", "expr": ask.expr,
        "format": "table" if ask.table else "time_series", "instant": ask.table,
        "range": not ask.table, "legendFormat": ask.legend or "__auto",
    }  # fmt: skip


def _defaults(panel: Panel) -> Json:
    steps = [{"value": value, "color": colour} for value, colour in panel.steps]
    page: Json = {
        "unit": panel.unit,
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
        "thresholds": {"mode": "absolute", "steps": steps},
        "mappings": [] if panel.kind == "table" else _mappings(panel.words),
        "links": [] if panel.kind == "table" else list(_links(panel)),
        "custom": _custom(panel),
    }
    limits = {"decimals": panel.decimals, "min": panel.low, "max": panel.high}
    return page | {key: value for key, value in limits.items() if value is not None}


def _mappings(words: Mapping[int, tuple[str, str]]) -> list[Json]:
    if not words:
        return []
    shown = {
        str(value): {"index": index, "text": text, "color": colour}
        for index, (value, (text, colour)) in enumerate(words.items())
    }
    return [{"type": "value", "options": shown}]


def _links(panel: Panel) -> Iterator[Json]:
    for title, url in panel.links.items():
        yield {"title": title, "url": url, "targetBlank": False}


def _custom(panel: Panel) -> Json:
    if panel.kind == "timeseries":
        stacking = {"group": "A", "mode": "normal" if panel.stacked else "none"}
        return {
            "drawStyle": "line", "lineInterpolation": "stepAfter", "lineWidth": 1,
            "fillOpacity": 30 if panel.stacked else 0, "showPoints": "never", "spanNulls": False,
            "stacking": stacking,
            "thresholdsStyle": {"mode": "line" if panel.steps == OF_SHARE else "off"},
        }  # fmt: skip
    if panel.kind == "state-timeline":
        return {"fillOpacity": 90, "lineWidth": 0}
    return {}


def _overrides(panel: Panel) -> Iterator[Json]:
    """Yield what is special to columns of a table: units, colours, and the way to a service."""
    if panel.kind != "table":
        return
    special: dict[str, list[Json]] = {}
    for name, unit in panel.units.items():
        special.setdefault(name, []).append({"id": "unit", "value": unit})
    for name in ("Availability", "Target", "Coverage"):
        if name in special:
            special[name].append({"id": "decimals", "value": 4})
    for name, steps in (("Availability", OF_SHARE), ("Left", LEFT), ("Coverage", COVERAGE)):
        if name in special:
            colours = [{"value": value, "color": colour} for value, colour in steps]
            special[name] += [
                {"id": "thresholds", "value": {"mode": "absolute", "steps": colours}},
                {"id": "custom.cellOptions", "value": {"type": "color-text"}},
            ]
    if panel.words:
        special.setdefault("Now", []).extend(
            (
                {"id": "mappings", "value": _mappings(panel.words)},
                {"id": "custom.cellOptions", "value": {"type": "color-text"}},
            )
        )
    if panel.links:
        special.setdefault("Service", []).append({"id": "links", "value": list(_links(panel))})
    for name, properties in special.items():
        yield {"matcher": {"id": "byName", "options": name}, "properties": properties}


def _options(panel: Panel) -> Json:
    last: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    match panel.kind:
        case "stat":
            return {
                "reduceOptions": last, "colorMode": "background", "graphMode": "none",
                "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
            }  # fmt: skip
        case "gauge":
            return {
                "reduceOptions": last, "orientation": "auto", "showThresholdLabels": False,
                "showThresholdMarkers": True,
            }  # fmt: skip
        case "bargauge":
            return {
                "reduceOptions": last, "orientation": "horizontal", "displayMode": "basic",
                "showUnfilled": True, "valueMode": "color",
            }  # fmt: skip
        case "state-timeline":
            return {
                "alignValue": "center", "mergeValues": True, "rowHeight": 0.9,
                "showValue": "never", "legend": _legend(), "tooltip": {"mode": "single"},
            }  # fmt: skip
        case "table":
            return {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}}
        case _:
            return {"legend": _legend(), "tooltip": {"mode": "multi", "sort": "desc"}}


def _legend() -> Json:
    return {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}


def _table(panel: Panel) -> list[Json]:
    """Return how the answers become one table with a row a service."""
    order = {column: index for index, column in enumerate(panel.names)}
    hidden = dict.fromkeys(("Time", *panel.hidden), True)
    organize: Json = {
        "id": "organize",
        "options": {
            "excludeByName": hidden, "indexByName": order, "renameByName": dict(panel.names),
        },
    }  # fmt: skip
    merge: Json = {"id": "merge", "options": {}}
    return [merge, organize] if len(panel.asks) > 1 else [organize]


def readme(text: str) -> str:
    """Return the text of a README with what every panel answers between its two marks."""
    before, begin, rest = text.partition("<!-- panels -->\n")
    _, end, after = rest.partition("<!-- end of panels -->\n")
    return before + begin + "\n".join(_told()) + "\n" + end + after


def _told() -> Iterator[str]:
    for dashboard in DASHBOARDS:
        title = dashboard.title.removeprefix("uptimed: ")
        yield f"\n### {title[0].upper()}{title[1:]}\n\n{dashboard.about} `{dashboard.uid}.json`\n"
        yield "| panel | answers |\n|---|---|"
        for panel in dashboard.panels:
            if isinstance(panel, Panel):
                yield f"| {panel.title} | {panel.about} |"
    yield ""


def main() -> None:
    """Write the dashboards, and what they answer into the README."""
    FOLDER.mkdir(exist_ok=True)
    for dashboard in DASHBOARDS:
        path = FOLDER / f"{dashboard.uid}.json"
        path.write_text(rendered(dashboard), encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    README.write_text(readme(text), encoding="utf-8")


if __name__ == "__main__":
    main()
