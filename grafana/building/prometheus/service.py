"""Everything about one service."""

from grafana.building.colours import (
    COVERAGE,
    GREEN,
    LEFT,
    NO_IS_GOOD,
    OF_BUDGET,
    OF_SHARE,
    ORANGE,
    PASSED,
    RED,
    STATE_WORDS,
    YELLOW,
)
from grafana.building.prometheus.asking import (
    ONE,
    ONE_CLIENT,
    ONE_SERVICE,
    PROBE,
    PROBES,
    left,
    of_service,
    state,
    used,
)
from grafana.building.prometheus.dialect import PROMQL
from grafana.building.shapes import Ask, Dashboard, Panel, Row

SERVICE = Dashboard(
    uid="uptimed-service",
    title="uptimed: one service",
    about="Everything about one service: its minutes, its month, its probes.",
    span="now-6h",
    dialect=PROMQL,
    variables=(ONE_CLIENT, ONE_SERVICE, PROBES),
    outages=True,
    panels=(
        Panel(
            title="Now", kind="stat", width=4, height=4, words=STATE_WORDS,
            about="The state of the last settled minute.",
            asks=[Ask(expr=state(ONE))],
        ),
        Panel(
            title="Availability this month", kind="stat", width=4, height=4, unit="percentunit",
            decimals=4, steps=OF_SHARE,
            about="Up minutes of those that were measured, so far. Green from 99.96 % on.",
            asks=[Ask(expr=of_service("uptimed_month_availability_ratio", ONE, "min"))],
        ),
        Panel(
            title="Used of the allowed minutes", kind="gauge", width=4, height=4,
            unit="percentunit", steps=OF_BUDGET, low=0, high=1,
            about="The share of the month's minutes that is used. Colours change at a half, three"
            " quarters and all of them.",
            asks=[Ask(expr=used(ONE))],
        ),
        Panel(
            title="Minutes left", kind="stat", width=4, height=4, unit="m", steps=LEFT,
            about="How many more minutes may be down this month; negative: the promise is broken.",
            asks=[Ask(expr=left(ONE))],
        ),
        Panel(
            title="Coverage this month", kind="stat", width=4, height=4, unit="percentunit",
            decimals=4, steps=COVERAGE,
            about="The share of minutes that were measured. Below 99.9 % the month may stay"
            " unproven.",
            asks=[Ask(expr=of_service("uptimed_month_coverage_ratio", ONE, "min"))],
        ),
        Panel(
            title="Last settled", kind="stat", width=4, height=4, unit="s",
            steps=((None, GREEN), (180.0, YELLOW), (300.0, RED)),
            about="How long ago the last minute with a letter began. More than three minutes:"
            " nobody looks, or the monitor cannot write.",
            asks=[
                Ask(expr="time() - "
                    + of_service("uptimed_service_last_settled_timestamp_seconds", ONE)),
            ],
        ),
        Panel(
            title="Minute map", kind="state-timeline", width=24, height=5, words=STATE_WORDS,
            every="1m",
            about="The service's state, minute by minute.",
            asks=[Ask(expr=state(ONE), legend="{{service}}")],
        ),
        Panel(
            title="Minutes used and allowed", kind="timeseries", width=12, unit="m", low=0,
            about="How the month's minutes are used up: steps are outages.",
            asks=[
                Ask(expr=of_service("uptimed_month_down_minutes", ONE), legend="used"),
                Ask(expr=of_service("uptimed_month_allowed_down_minutes", ONE, "min"),
                    legend="allowed"),
                Ask(expr=of_service("uptimed_month_not_measured_minutes", ONE),
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
