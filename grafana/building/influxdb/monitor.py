"""Who watches the watchman: what InfluxDB knows of the monitors themselves."""

from grafana.building.colours import GREEN, GREY, RED, YELLOW
from grafana.building.influxdb.asking import (
    AGE_S,
    BUCKETS,
    BY_TIME,
    EACH_MONITOR,
    LOOSE,
    MONITORS,
    letters,
    looks,
    piped,
    points,
    windows,
    within,
)
from grafana.building.influxdb.dialect import FLUX
from grafana.building.shapes import Ask, Dashboard, Panel, Row

_EACH = "${__field.labels.vantage}"
_BY_MONITOR = 'group(columns: ["vantage"])'

_AGE = piped(
    letters(EACH_MONITOR, "code", since="-1d", until="now()"),
    "last()",
    _BY_MONITOR,
    f"map(fn: (r) => ({{_time: now(), vantage: r.vantage, _value: {AGE_S}}}))",
    "min()",
)
_SERVICES = piped(
    letters(EACH_MONITOR, "code", since="-1d", until="now()"), "last()", _BY_MONITOR, "count()",
    "map(fn: (r) => ({_time: now(), vantage: r.vantage, _value: r._value}))",
)  # fmt: skip
_NOT_MEASURED_NOW = piped(
    letters(EACH_MONITOR, "not_measured", since="-10m", until="now()"), "last()", _BY_MONITOR,
    "sum()",
    "map(fn: (r) => ({_time: now(), vantage: r.vantage, _value: r._value}))",
)  # fmt: skip
_NOT_MEASURED = piped(letters(EACH_MONITOR, "not_measured"), _BY_MONITOR, windows("sum"))
_LETTERS = piped(letters(EACH_MONITOR, "code"), _BY_MONITOR, windows("count"))
_DIFFER = piped(
    letters('r.service != ""', "code"),
    'group(columns: ["service"])',
    windows("spread", "1m"),
    "map(fn: (r) => ({_time: r._time, _value: int(v: r._value > 0)}))",
    LOOSE,
    windows("sum"),
)
_ATTEMPTS = piped(
    looks(EACH_MONITOR, "outcome"),
    "map(fn: (r) => ({_time: r._time, outcome: r._value, _value: r._value}))",
    'group(columns: ["outcome"])',
    windows("count"),
)
_BLIND = piped(points("letters", "uptimed_blind", EACH_MONITOR, ("blind",)), windows("sum"))
_WHY = piped(
    looks(EACH_MONITOR, "outcome", "cause"),
    BY_TIME,
    'filter(fn: (r) => r.outcome == "not_measured")',
    'group(columns: ["vantage", "cause", "service", "probe"])',
    'count(column: "outcome")',
    LOOSE,
    'rename(columns: {outcome: "attempts"})',
    'sort(columns: ["attempts"], desc: true)',
    "limit(n: 100)",
)


def _took(share: str) -> str:
    grouped = piped(looks(EACH_MONITOR, "took_us"), 'group(columns: ["kind"])')
    return within(grouped, share=share)


THE_MONITOR = Dashboard(
    uid="uptimed-influxdb-monitor",
    title="uptimed: the monitor itself, from InfluxDB",
    about="Whether the monitors look, write and agree. What they know of their own health is in"
    " their metrics only.",
    span="now-6h",
    dialect=FLUX,
    variables=(*BUCKETS, MONITORS),
    panels=(
        Panel(
            title="Last letter", kind="stat", width=8, height=4, unit="s",
            steps=((None, GREEN), (240.0, YELLOW), (600.0, RED)), nothing="none for a day",
            about="How long ago the newest letter of each monitor began. More than four minutes:"
            " it does not look, or its follower is behind; nothing is lost meanwhile.",
            asks=[Ask(expr=_AGE, legend=_EACH)],
        ),
        Panel(
            title="Services that it judges", kind="stat", width=8, height=4,
            nothing="none for a day",
            about="How many services have letters of each monitor within a day.",
            asks=[Ask(expr=_SERVICES, legend=_EACH)],
        ),
        Panel(
            title="Not measured now", kind="stat", width=8, height=4,
            steps=((None, GREEN), (1.0, GREY)), nothing="no letters",
            about="How many services were not measured in the last minute of each monitor.",
            asks=[Ask(expr=_NOT_MEASURED_NOW, legend=_EACH)],
        ),
        Panel(
            title="Minutes not measured", kind="timeseries", width=12, unit="m", low=0, bars=True,
            every="1m",
            about="Minutes of services that each monitor did not measure: our faults.",
            asks=[Ask(expr=_NOT_MEASURED, legend=_EACH)],
        ),
        Panel(
            title="Letters laid down", kind="timeseries", width=12, low=0, every="1m",
            about="How many letters each monitor laid down: one a minute for each service.",
            asks=[Ask(expr=_LETTERS, legend=_EACH)],
        ),
        Panel(
            title="Minutes in which monitors differ", kind="timeseries", width=12, unit="m",
            low=0, bars=True, every="1m",
            about="Minutes of services whose letters are not the same from all monitors: one has"
            " looks that another lacks yet.",
            asks=[Ask(expr=_DIFFER, legend="minutes")],
        ),
        Panel(
            title="Attempts", kind="timeseries", width=12, low=0, stacked=True, bars=True,
            every="1m",
            about="Attempts by outcome: whether it looks at all.",
            asks=[Ask(expr=_ATTEMPTS, legend="${__field.labels.outcome}")],
        ),
        Panel(
            title="Blind minutes", kind="timeseries", width=24, height=6, unit="m", low=0,
            bars=True, every="1m", nothing="none",
            about="Minutes in which failures that one place saw were its own: everything it looked"
            " at was silent at once, or its references were.",
            asks=[Ask(expr=_BLIND, legend=_EACH)],
        ),
        Row(title="Looks"),
        Panel(
            title="How long attempts take", kind="timeseries", width=12, unit="µs", low=0,
            every="5m",
            about="By kind of probe, over all targets.",
            asks=[
                Ask(expr=_took(share), legend=f"${{__field.labels.kind}} {told}")
                for share, told in (("0.5", "half within"), ("0.99", "99 % within"))
            ],
        ),
        Panel(
            title="Why attempts were not measured", kind="table", width=12,
            about="Faults of our own in the range, by cause and probe, the most frequent first.",
            names={"vantage": "Monitor", "cause": "Cause", "service": "Service",
                   "probe": "Probe", "attempts": "Attempts"},
            asks=[Ask(expr=_WHY)],
        ),
    ),
)  # fmt: skip
