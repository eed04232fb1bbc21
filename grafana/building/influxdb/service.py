"""Everything about one service."""

from grafana.building.colours import COVERAGE, GREEN, LEFT, OF_BUDGET, OF_SHARE, RED, YELLOW
from grafana.building.influxdb import lately, month, probes
from grafana.building.influxdb.asking import (
    AGE_S,
    BUCKETS,
    CODES,
    MONITOR,
    ONE,
    ONE_CLIENT,
    ONE_SERVICE,
    PROBES,
    TARGET,
    ZONE,
    letters,
    piped,
    windows,
)
from grafana.building.influxdb.dialect import FLUX
from grafana.building.shapes import Ask, Dashboard, Panel

_NOW = piped(letters(ONE, "code", since="-10m", until="now()"), "last()")
_AGE = piped(
    letters(ONE, "code", since="-1d", until="now()"),
    "last()",
    f"map(fn: (r) => ({{_time: r._time, _value: {AGE_S}}}))",
)
_MAP = piped(letters(ONE, "code"), windows("max", empty=True))

SERVICE = Dashboard(
    uid="uptimed-influxdb-service",
    title="uptimed: one service, from InfluxDB",
    about="Everything about one service: its minutes, its month, its probes.",
    span="now-6h",
    dialect=FLUX,
    variables=(*BUCKETS, MONITOR, ONE_CLIENT, ONE_SERVICE, PROBES, TARGET, ZONE),
    outages=True,
    panels=(
        Panel(
            title="Now", kind="stat", width=4, height=4, words=CODES, nothing="no letters",
            about="The last letter of the last ten minutes.",
            asks=[Ask(expr=_NOW)],
        ),
        Panel(
            title="Availability this month", kind="stat", width=4, height=4, unit="percentunit",
            decimals=4, steps=OF_SHARE, nothing="not measured",
            about="Up minutes of those that were measured, so far. Green from 99.96 % on.",
            asks=[Ask(expr=month.availability(ONE))],
        ),
        Panel(
            title="Used of the allowed minutes", kind="gauge", width=4, height=4,
            unit="percentunit", steps=OF_BUDGET, low=0, high=1,
            about="The share of the month's minutes that is used. Colours change at a half, three"
            " quarters and all of them.",
            asks=[Ask(expr=month.used(ONE))],
        ),
        Panel(
            title="Minutes left", kind="stat", width=4, height=4, unit="m", steps=LEFT,
            about="How many more minutes may be down this month; negative: the promise is broken.",
            asks=[Ask(expr=month.left(ONE))],
        ),
        Panel(
            title="Coverage this month", kind="stat", width=4, height=4, unit="percentunit",
            decimals=4, steps=COVERAGE,
            about="The share of minutes that were measured. Below 99.9 % the month may stay"
            " unproven.",
            asks=[Ask(expr=month.coverage(ONE))],
        ),
        Panel(
            title="Last letter", kind="stat", width=4, height=4, unit="s",
            steps=((None, GREEN), (240.0, YELLOW), (600.0, RED)), nothing="none for a day",
            about="How long ago the last minute with a letter began. More than four minutes:"
            " nobody looks, or the follower is behind.",
            asks=[Ask(expr=_AGE)],
        ),
        Panel(
            title="Minute map", kind="state-timeline", width=24, height=5, words=CODES,
            every="1m",
            about="The service's state, minute by minute; over long ranges a piece shows its"
            " worst minute.",
            asks=[Ask(expr=_MAP, legend="${__field.labels.service}")],
        ),
        *lately.PANELS,
        *probes.PANELS,
    ),
)  # fmt: skip
