"""Choices, and pieces of Flux that several pages share.

What is asked goes to InfluxDB's storage as far as it can: `range`, `filter`, and then one `sum`,
`max`, `last` or `aggregateWindow` are done where the points are, so that a month of many services
is added up there and comes back as one row each.
"""

from collections.abc import Sequence

from grafana.building.colours import GREEN, GREY, ORANGE, RED, YELLOW
from grafana.building.shapes import Variable

BUCKETS = (
    Variable(name="letters", title="Bucket of letters", text="uptimed_letters", hidden=True),
    Variable(name="looks", title="Bucket of looks", text="uptimed_looks", hidden=True),
)
"""Others are named in the page's address: `&var-letters=...&var-looks=...`."""

TARGET = Variable(
    name="target", title="Target",
    offered={"99.96 %": "999600", "99.9 %": "999000", "99.95 %": "999500", "99.99 %": "999900",
             "99.5 %": "995000", "99 %": "990000"},
)  # fmt: skip
"""In millionths: sums of minutes are integers all through."""

ZONE = Variable(
    name="zone", title="Months of",
    offered={name: name for name in ("America/Bogota", "Europe/Madrid", "Europe/London",
                                     "Europe/Moscow", "UTC")},
)  # fmt: skip

_OF_MANY = "r.client =~ /^${client:regex}$/"


def _values(tag: str, bucket: str, measurement: str, *conditions: str) -> str:
    asked = " and ".join((f'r._measurement == "{measurement}"', *conditions))
    return f"""\
import "influxdata/influxdb/schema"

schema.tagValues(
    bucket: "${{{bucket}}}",
    tag: "{tag}",
    predicate: (r) => {asked},
    start: -30d,
)"""


CLIENTS = Variable(
    name="client", title="Client", many=True,
    query=_values("client", "letters", "uptimed_minute"),
)  # fmt: skip
SERVICES = Variable(
    name="service", title="Service", many=True,
    query=_values("service", "letters", "uptimed_minute", _OF_MANY),
)  # fmt: skip
ONE_CLIENT = Variable(
    name="client", title="Client", query=_values("client", "letters", "uptimed_minute")
)
ONE_SERVICE = Variable(
    name="service", title="Service",
    query=_values("service", "letters", "uptimed_minute", 'r.client == "${client}"'),
)  # fmt: skip
PROBES = Variable(
    name="probe", title="Probe", many=True,
    query=_values("probe", "looks", "uptimed_look", 'r.service == "${service}"'),
)  # fmt: skip
MONITOR = Variable(
    name="monitor", title="Letters of", query=_values("vantage", "letters", "uptimed_minute")
)
"""One of them: every monitor lays down letters of its own, and the same minute counts once."""

MONITORS = Variable(
    name="monitor", title="Monitor", many=True,
    query=_values("vantage", "letters", "uptimed_minute"),
)  # fmt: skip

MANY = f'{_OF_MANY} and r.service =~ /^${{service:regex}}$/ and r.vantage == "${{monitor}}"'
ONE = 'r.client == "${client}" and r.service == "${service}" and r.vantage == "${monitor}"'
PROBE = 'r.client == "${client}" and r.service == "${service}" and r.probe =~ /^${probe:regex}$/'
EACH_MONITOR = "r.vantage =~ /^${monitor:regex}$/"

CODES = {
    0: ("not measured", GREY), 1: ("up", GREEN), 2: ("degraded", YELLOW),
    3: ("login failure", ORANGE), 4: ("system down", RED),
}  # fmt: skip
"""What the field `code` of a letter means."""

LETTERS = ("up", "degraded", "system_down", "login_failure", "not_measured")

RANGE = ("v.timeRangeStart", "v.timeRangeStop")


def points(
    bucket: str, measurement: str, of: str, fields: Sequence[str], *,
    since: str = RANGE[0], until: str = RANGE[1],
) -> str:  # fmt: skip
    """Return how the points of a measurement are come by, a stream for each series and field."""
    named = " or ".join(f'r._field == "{field}"' for field in fields)
    wanted = f'\n    |> filter(fn: (r) => r._measurement == "{measurement}" and ({named}))'
    if not fields:
        wanted = f'\n    |> filter(fn: (r) => r._measurement == "{measurement}")'
    return f"""\
from(bucket: "${{{bucket}}}")
    |> range(start: {since}, stop: {until}){wanted}
    |> filter(fn: (r) => {of})"""


def letters(of: str, *fields: str, since: str = RANGE[0], until: str = RANGE[1]) -> str:
    """Return how fields of letters are come by."""
    return points("letters", "uptimed_minute", of, fields, since=since, until=until)


def looks(of: str, *fields: str, since: str = RANGE[0], until: str = RANGE[1]) -> str:
    """Return how fields of attempts are come by."""
    return points("looks", "uptimed_look", of, fields, since=since, until=until)


def windows(how: str, every: str = "v.windowPeriod", *, empty: bool = False) -> str:
    """Return how points become one a window, at its start."""
    return (
        f"aggregateWindow(every: {every}, fn: {how}, "
        f'timeSrc: "_start", createEmpty: {str(empty).lower()})'
    )


def piped(*steps: str) -> str:
    """Return a script: a source, and what is done with it step by step."""
    return "\n    |> ".join(steps)


AGE_S = "(int(v: now()) - int(v: r._time)) / 1000000000"
"""How long ago a row's time is, in seconds."""

ONE_EACH = 'group(columns: ["client", "service"])'
LOOSE = "group()"
BY_TIME = 'pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
"""Fields of one time become columns of one row."""

KNOWN = "r.up + r.degraded + r.system_down + r.login_failure"
"""The minutes of a row that were measured."""


def share(part: str, whole: str) -> str:
    """Return a share that is cut off after six decimals, of integers."""
    return f"float(v: 1000000 * {part} / {whole}) / 1000000.0"


def within(of: str, *, share: str) -> str:
    """Return what a *share* of each window's values, and no more, lies within."""
    return piped(
        of,
        "aggregateWindow(every: v.windowPeriod, fn: (column, tables=<-) => tables"
        f' |> quantile(q: {share}, column: column), timeSrc: "_start", createEmpty: false)',
    )
