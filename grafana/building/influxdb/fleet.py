"""All services at a glance."""

from grafana.building.colours import BLUE, GREEN, GREY, NONE_IS_GOOD, RED, YELLOW
from grafana.building.influxdb import month
from grafana.building.influxdb.asking import (
    AGE_S,
    BUCKETS,
    CLIENTS,
    CODES,
    LOOSE,
    MANY,
    MONITOR,
    SERVICES,
    TARGET,
    ZONE,
    letters,
    piped,
    windows,
)
from grafana.building.influxdb.dialect import FLUX
from grafana.building.influxdb.outages import LISTED
from grafana.building.influxdb.ways import TO_SERVICE, TO_SERVICE_OF_ROW
from grafana.building.shapes import Ask, Dashboard, Panel

_LATELY = "-10m"
_DOWN_NOW = piped(
    letters(MANY, "down", since=_LATELY, until="now()"),
    "tail(n: 3)",
    "sum()",
    LOOSE,
    "map(fn: (r) => ({_value: int(v: r._value >= 2)}))",
    "sum()",
)
_NOT_MEASURED_NOW = piped(
    letters(MANY, "not_measured", since=_LATELY, until="now()"), "last()", LOOSE, "sum()"
)
_SERVICES = piped(letters(MANY, "code", since="-1d", until="now()"), "last()", LOOSE, "count()")
_OLDEST = piped(
    letters(MANY, "code", since="-1d", until="now()"),
    "last()",
    LOOSE,
    f"map(fn: (r) => ({{_value: {AGE_S}}}))",
    "max()",
)
_STATES = piped(letters(MANY, "code"), windows("max", empty=True))
_NOBODY = "no letters"

FLEET = Dashboard(
    uid="uptimed-influxdb-fleet",
    title="uptimed: the fleet, from InfluxDB",
    about="All services at a glance: what is down now, and whose month is in danger.",
    span="now-6h",
    dialect=FLUX,
    variables=(*BUCKETS, MONITOR, CLIENTS, SERVICES, TARGET, ZONE),
    panels=(
        Panel(
            title="Down now", kind="stat", width=4, height=4, steps=NONE_IS_GOOD, nothing=_NOBODY,
            about="How many services have an outage: two of their last three minutes were down.",
            asks=[Ask(expr=_DOWN_NOW)],
        ),
        Panel(
            title="Not measured now", kind="stat", width=4, height=4, nothing=_NOBODY,
            steps=((None, GREEN), (1.0, GREY)),
            about="How many services were not measured in their last minute: our fault.",
            asks=[Ask(expr=_NOT_MEASURED_NOW)],
        ),
        Panel(
            title="Months below the target", kind="stat", width=4, height=4, steps=NONE_IS_GOOD,
            nothing=_NOBODY,
            about="How many services have used more minutes this month than are allowed.",
            asks=[Ask(expr=month.counted(MANY, "r.down > r.allowed"))],
        ),
        Panel(
            title="Less than half left", kind="stat", width=4, height=4, nothing=_NOBODY,
            steps=((None, GREEN), (1.0, YELLOW)),
            about="How many services have used half of the month's minutes or more.",
            asks=[Ask(expr=month.counted(MANY, "2 * r.down >= r.allowed"))],
        ),
        Panel(
            title="Services", kind="stat", width=4, height=4, steps=((None, BLUE),),
            nothing=_NOBODY,
            about="How many services had a letter within a day.",
            asks=[Ask(expr=_SERVICES)],
        ),
        Panel(
            title="Oldest last letter", kind="stat", width=4, height=4, unit="s",
            steps=((None, GREEN), (240.0, YELLOW), (600.0, RED)), nothing=_NOBODY,
            about="How long ago the last letter of the service that waits longest began. Rises"
            " where nobody looks, and where the follower is behind.",
            asks=[Ask(expr=_OLDEST)],
            links={"The monitor": "/d/uptimed-influxdb-monitor?${datasource:queryparam}"},
        ),
        Panel(
            title="Every service, minute by minute", kind="state-timeline", width=24, height=12,
            words=CODES, every="1m", links=TO_SERVICE,
            about="Who was down when, and whether it was one service or a platform. Over long"
            " ranges a piece shows its worst minute. Grey is a fault of ours and counts as"
            " neither up nor down.",
            asks=[
                Ask(expr=_STATES,
                    legend="${__field.labels.client} / ${__field.labels.service}"),
            ],
        ),
        Panel(
            title="This month", kind="table", width=14, height=10, names=month.NAMES,
            units=month.UNITS, links=TO_SERVICE_OF_ROW,
            about="The month so far for each service, beside the target that is chosen, and the"
            " minutes that are left of those that the whole month allows.",
            asks=[Ask(expr=month.TABLE)],
        ),
        Panel(
            title="Outages", kind="table", width=10, height=10,
            about="The outages that began in the range, the newest first.",
            names={"began": "Began", "client": "Client", "service": "Service", "kind": "Kind",
                   "minutes": "Minutes", "over": "Is"},
            units={"Began": "dateTimeAsIso", "Minutes": "m"}, links=TO_SERVICE_OF_ROW,
            asks=[Ask(expr=LISTED)],
        ),
    ),
)  # fmt: skip
