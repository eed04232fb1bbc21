"""The month against the target."""

from grafana.building.colours import LEFT, OF_BUDGET, OF_SHARE
from grafana.building.influxdb import month
from grafana.building.influxdb.asking import (
    BUCKETS,
    BY_TIME,
    CLIENTS,
    KNOWN,
    LETTERS,
    LOOSE,
    MANY,
    MONITOR,
    ONE_EACH,
    SERVICES,
    TARGET,
    ZONE,
    letters,
    piped,
    points,
    windows,
)
from grafana.building.influxdb.dialect import FLUX
from grafana.building.influxdb.month import UP, ZONED, of_the_month
from grafana.building.influxdb.ways import TO_SERVICE, TO_SERVICE_OF_ROW
from grafana.building.shapes import Ask, Dashboard, Panel

_EACH = "${__field.labels.client} / ${__field.labels.service}"


_AVAILABILITY = of_the_month(
    letters(MANY, "not_measured", "down", *LETTERS[:4], since="month"),
    windows("sum", "1h"),
    ONE_EACH,
    BY_TIME,
    'sort(columns: ["_time"])',
    f"map(fn: (r) => ({{r with known: {KNOWN}}}))",
    'cumulativeSum(columns: ["known", "down"])',
    "filter(fn: (r) => r.known > 0 and r._time >= v.timeRangeStart)",
    f"map(fn: (r) => ({{_time: r._time, client: r.client, service: r.service, _value: {UP}}}))",
)

_TARGET_LINE = """\
import "array"

array.from(
    rows: [
        {_time: v.timeRangeStart, _value: float(v: ${target}) / 1000000.0},
        {_time: v.timeRangeStop, _value: float(v: ${target}) / 1000000.0},
    ],
)"""


def _risen(field: str) -> str:
    return of_the_month(
        letters(MANY, field, since="month"),
        windows("sum", "1h"),
        "cumulativeSum()",
        "filter(fn: (r) => r._time >= v.timeRangeStart)",
    )


_DAYS = (
    ZONED
    + "\n"
    + piped(
        letters(MANY, *LETTERS),
        windows("sum", "1d"),
        'group(columns: ["_field", "_time"])',
        "sum()",
        'group(columns: ["_field"])',
    )
)

_WINDOWS = ("5m", "60m", "2h", "6h", "24h", "3d")
_IN_WINDOWS = (
    "counted = (since, window) =>\n    "
    + piped(letters(MANY, "down", since="since", until="now()"), "sum()",
            'set(key: "window", value: window)').replace("\n", "\n    ")
    + "\n\n"
    + piped(
        "union(\n    tables: [\n"
        + "".join(f'        counted(since: -{each}, window: "{each}"),\n' for each in _WINDOWS)
        + "    ],\n)",
        ONE_EACH,
        'pivot(rowKey: ["client", "service"], columnKey: ["window"], valueColumn: "_value")',
        LOOSE,
        'sort(columns: ["client", "service"])',
    )
)  # fmt: skip

_EARLIER = (
    ZONED
    + """
end = date.truncate(t: v.timeRangeStop, unit: 1mo)
begin = date.add(d: -12mo, to: end)

"""
    + piped(
        points("letters", "uptimed_hour", MANY, (*LETTERS, "down"), since="begin", until="end"),
        windows("sum", "1mo"),
        ONE_EACH,
        'pivot(rowKey: ["_time", "client", "service"], columnKey: ["_field"],'
        ' valueColumn: "_value")',
        f"map(fn: (r) => ({{r with known: {KNOWN}}}))",
        "filter(fn: (r) => r.known > 0)",
        LOOSE,
        "map(fn: (r) => ({month: r._time, client: r.client, service: r.service, down: r.down,"
        " not_measured: r.not_measured,"
        f" availability: {UP}}}))",
        'sort(columns: ["month"], desc: true)',
    )
)

PROMISE = Dashboard(
    uid="uptimed-influxdb-slo",
    title="uptimed: the promise, from InfluxDB",
    about="The month against the target, service by service: what is used, what is left.",
    span="now-30d",
    dialect=FLUX,
    variables=(*BUCKETS, MONITOR, CLIENTS, SERVICES, TARGET, ZONE),
    panels=(
        Panel(
            title="Used of the allowed minutes", kind="bargauge", width=12, height=12,
            unit="percentunit", steps=OF_BUDGET, low=0, high=1, links=TO_SERVICE,
            about="The share of the month's minutes that each service has used. Red: all of them.",
            asks=[Ask(expr=month.used(MANY), legend=_EACH)],
        ),
        Panel(
            title="Minutes left", kind="bargauge", width=12, height=12, unit="m", steps=LEFT,
            links=TO_SERVICE,
            about="How many more minutes may be down; negative: the promise is broken.",
            asks=[Ask(expr=month.left(MANY), legend=_EACH)],
        ),
        Panel(
            title="Availability of the month so far", kind="timeseries", width=24, height=10,
            unit="percentunit", decimals=4, high=1, steps=OF_SHARE,
            about="Where each service's month stands against the target that is chosen.",
            asks=[
                Ask(expr=_AVAILABILITY, legend=_EACH),
                Ask(expr=_TARGET_LINE, legend="target"),
            ],
        ),
        Panel(
            title="Minutes used", kind="timeseries", width=12, unit="m", low=0,
            about="Down minutes of the month so far.",
            asks=[Ask(expr=_risen("down"), legend=_EACH)],
        ),
        Panel(
            title="Minutes not measured", kind="timeseries", width=12, unit="m", low=0,
            about="Minutes that we do not know of: with the down ones, more than allowed cannot be"
            " proven either way.",
            asks=[Ask(expr=_risen("not_measured"), legend=_EACH)],
        ),
        Panel(
            title="The month in figures", kind="table", width=24, height=10, names=month.NAMES,
            units=month.UNITS, links=TO_SERVICE_OF_ROW,
            about="Availability, target, minutes used, allowed and left, coverage.",
            asks=[Ask(expr=month.TABLE)],
        ),
        Panel(
            title="Letters of each day", kind="timeseries", width=12, unit="m", low=0,
            stacked=True, bars=True,
            about="Minutes by letter and local day, of all services that are chosen.",
            asks=[Ask(expr=_DAYS, legend="${__field.name}")],
        ),
        Panel(
            title="Down minutes in the windows of alerts", kind="table", width=12,
            about="Exact counts of down minutes up to now; the alerts are: 4 in 60m, 6 in 24h, 4"
            " in 3d.",
            names={"client": "Client", "service": "Service"} | {each: each for each in _WINDOWS},
            units=dict.fromkeys(_WINDOWS, "m"), links=TO_SERVICE_OF_ROW,
            asks=[Ask(expr=_IN_WINDOWS)],
        ),
        Panel(
            title="Earlier months", kind="table", width=24, height=10,
            about="Twelve whole months before this one, from the sums of hours that the task"
            " makes; months begin at full hours there.",
            names={"month": "Month", "client": "Client", "service": "Service",
                   "availability": "Availability", "down": "Down",
                   "not_measured": "Not measured"},
            units={"Month": "dateTimeAsIso", "Availability": "percentunit", "Down": "m",
                   "Not measured": "m"},
            links=TO_SERVICE_OF_ROW,
            asks=[Ask(expr=_EARLIER)],
        ),
    ),
)  # fmt: skip
