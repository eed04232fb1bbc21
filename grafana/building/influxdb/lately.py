"""How a service's minutes are used up: over the month, and lately."""

from grafana.building.colours import NONE_IS_GOOD
from grafana.building.influxdb.asking import LOOSE, ONE, letters, piped, windows
from grafana.building.influxdb.month import of_the_month
from grafana.building.shapes import Ask, Panel

_STEP = "10m"


def _risen(field: str, shown: str) -> str:
    return of_the_month(
        letters(ONE, field, since="month"),
        windows("sum", _STEP),
        "cumulativeSum()",
        f"map(fn: (r) => ({{_time: r._time, _value: {shown}}}))",
        "filter(fn: (r) => r._time >= v.timeRangeStart)",
    )


def _in(window: str, field: str) -> str:
    return piped(
        letters(ONE, field, since=f"-{window}", until="now()"),
        "sum()",
        LOOSE,
        "map(fn: (r) => ({_time: now(), _value: r._value}))",
    )


PANELS = (
    Panel(
        title="Minutes used and allowed", kind="timeseries", width=16, unit="m", low=0,
        about="How the month's minutes are used up: steps are outages. What was not measured"
        " lowers what is allowed.",
        asks=[
            Ask(expr=_risen("down", "r._value"), legend="used"),
            Ask(expr=_risen("not_measured", "allowed(unknown: r._value)"), legend="allowed"),
            Ask(expr=_risen("not_measured", "r._value"), legend="not measured"),
        ],
    ),
    Panel(
        title="Down minutes lately", kind="stat", width=8, unit="m", steps=NONE_IS_GOOD,
        about="Down minutes in the windows that alerts count in, up to now; and those of the last"
        " day that were not measured.",
        asks=[
            *(Ask(expr=_in(window, "down"), legend=window) for window in ("60m", "24h", "3d")),
            Ask(expr=_in("24h", "not_measured"), legend="not measured, 24h"),
        ],
    ),
)  # fmt: skip
