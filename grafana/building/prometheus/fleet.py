"""All services at a glance."""

from grafana.building.colours import (
    BLUE,
    GREEN,
    GREY,
    NONE_IS_GOOD,
    RED,
    STATE_WORDS,
    YELLOW,
    YES_IS_GOOD,
)
from grafana.building.prometheus.asking import (
    CLIENTS,
    MANY,
    MONTH_NAMES,
    MONTH_TABLE,
    MONTH_UNITS,
    SERVICES,
    TO_SERVICE,
    TO_SERVICE_OF_ROW,
    left,
    state,
    used,
)
from grafana.building.prometheus.dialect import PROMQL
from grafana.building.shapes import Ask, Dashboard, Panel

FLEET = Dashboard(
    uid="uptimed-fleet",
    title="uptimed: the fleet",
    about="All services at a glance: what is down now, and whose month is in danger.",
    span="now-6h",
    dialect=PROMQL,
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
            asks=[Ask(expr=f"count(({left(MANY)}) < 0) or vector(0)")],
        ),
        Panel(
            title="Less than half left", kind="stat", width=4, height=4,
            steps=((None, GREEN), (1.0, YELLOW)),
            about="How many services have used half of the month's minutes or more.",
            asks=[Ask(expr=f"count(({used(MANY)}) >= 0.5) or vector(0)")],
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
            asks=[Ask(expr=state(MANY), legend="{{client}} / {{service}}")],
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
