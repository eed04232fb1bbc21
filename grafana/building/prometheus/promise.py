"""The month against the target."""

from grafana.building.colours import LEFT, OF_BUDGET, OF_SHARE, STATE_WORDS
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
    of_service,
    used,
)
from grafana.building.prometheus.dialect import PROMQL
from grafana.building.shapes import Ask, Dashboard, Panel

PROMISE = Dashboard(
    uid="uptimed-slo",
    title="uptimed: the promise",
    about="The month against the target, service by service: what is used, what is left.",
    span="now-30d",
    dialect=PROMQL,
    variables=(CLIENTS, SERVICES),
    panels=(
        Panel(
            title="Used of the allowed minutes", kind="bargauge", width=12, height=12,
            unit="percentunit", steps=OF_BUDGET, low=0, high=1, links=TO_SERVICE,
            about="The share of the month's minutes that each service has used. Red: all of them.",
            asks=[Ask(expr=f"sort_desc({used(MANY)})", legend="{{client}} / {{service}}")],
        ),
        Panel(
            title="Minutes left", kind="bargauge", width=12, height=12, unit="m", steps=LEFT,
            links=TO_SERVICE,
            about="How many more minutes may be down; negative: the promise is broken.",
            asks=[Ask(expr=f"sort({left(MANY)})", legend="{{client}} / {{service}}")],
        ),
        Panel(
            title="Availability of the month so far", kind="timeseries", width=24, height=10,
            unit="percentunit", decimals=4, high=1, steps=OF_SHARE,
            about="Where each service's month stands against its target. It begins anew on the"
            " first.",
            asks=[
                Ask(expr=of_service("uptimed_month_availability_ratio", MANY, "min"),
                    legend="{{client}} / {{service}}"),
                Ask(expr=f"max(uptimed_month_target_ratio{{{MANY}}})", legend="target"),
            ],
        ),
        Panel(
            title="Minutes used", kind="timeseries", width=12, unit="m", low=0,
            about="Down minutes of the month so far.",
            asks=[Ask(expr=of_service("uptimed_month_down_minutes", MANY),
                      legend="{{client}} / {{service}}")],
        ),
        Panel(
            title="Minutes not measured", kind="timeseries", width=12, unit="m", low=0,
            about="Minutes that we do not know of: with the down ones, more than allowed cannot be"
            " proven either way.",
            asks=[Ask(expr=of_service("uptimed_month_not_measured_minutes", MANY),
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
