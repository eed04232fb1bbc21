"""The month in Flux: which it is, what of it is used, and what is left.

It is the month in which the page's range ends, in the zone that is chosen. Sums are integers, and
shares are cut off, never rounded up. It is made of letters alone: what is laid over them
(maintenance, exceptions, corrections, the agreement's first and last day, outages too short to
count) stands in the report and in the metrics, not in InfluxDB.
"""

from grafana.building.influxdb.asking import (
    KNOWN,
    LETTERS,
    LOOSE,
    MANY,
    ONE_EACH,
    letters,
    piped,
    share,
)

ZONED = """\
import "date"
import "timezone"

option location = timezone.location(name: "${zone}")
"""

THIS_MONTH = f"""\
{ZONED}
month = date.truncate(t: v.timeRangeStop, unit: 1mo)
next = date.truncate(t: date.add(d: 32d, to: month), unit: 1mo)
minutes = (int(v: next) - int(v: month)) / 60000000000
allowed = (unknown) => (1000000 - ${{target}}) * (minutes - unknown) / 1000000
"""
"""What scripts of the month begin with. `next` is the month after; *unknown* are its `N`."""

UP = share("(r.known - r.down)", "r.known")
"""The share of a row's measured minutes that was up."""

_SUMS = f"known: {KNOWN}, allowed: allowed(unknown: r.not_measured)"
_COVERED = share("r.known", "(r.known + r.not_measured)")
_PIVOT = 'pivot(rowKey: ["client", "service"], columnKey: ["_field"], valueColumn: "_value")'


def of_the_month(*steps: str) -> str:
    """Return a script that knows the month: a source, and what is done with it step by step."""
    return f"{THIS_MONTH}\n{piped(*steps)}"


def sums(of: str) -> str:
    """Return a script that has a row for each service: what the month's letters add up to."""
    return of_the_month(
        letters(of, *LETTERS, "down", since="month", until="next"),
        'group(columns: ["client", "service", "_field"])',
        "sum()",
        ONE_EACH,
        _PIVOT,
        f"map(fn: (r) => ({{r with {_SUMS}}}))",
    )


def _shown(value: str) -> str:
    return (
        f"map(fn: (r) => ({{_time: now(), client: r.client, service: r.service, _value: {value}}}))"
    )


def used(of: str) -> str:
    """Return the share of the allowed minutes that each service has used."""
    part = "float(v: r.down) / float(v: r.allowed)"
    return piped(sums(of), "filter(fn: (r) => r.allowed > 0)", _shown(part))


def left(of: str) -> str:
    """Return how many more minutes of each service may be down; below 0 there is none."""
    return piped(sums(of), _shown("r.allowed - r.down"))


def availability(of: str) -> str:
    """Return the share of each service's measured minutes that was up."""
    return piped(sums(of), "filter(fn: (r) => r.known > 0)", _shown(UP))


def coverage(of: str) -> str:
    """Return the share of each service's minutes so far that was measured."""
    return piped(sums(of), _shown(_COVERED))


def counted(of: str, condition: str) -> str:
    """Return how many services a condition on their sums holds for."""
    return piped(
        sums(of),
        LOOSE,
        f"map(fn: (r) => ({{_value: int(v: {condition})}}))",
        "sum()",
    )


TABLE = piped(
    sums(MANY),
    LOOSE,
    f"""map(
        fn: (r) =>
            ({{
                client: r.client,
                service: r.service,
                availability:
                    if r.known > 0 then
                        {UP}
                    else
                        float(v: "NaN"),
                target: float(v: ${{target}}) / 1000000.0,
                down: r.down,
                allowed: r.allowed,
                left: r.allowed - r.down,
                coverage: {_COVERED},
            }}),
    )""",
    'sort(columns: ["left", "client", "service"])',
)
"""The month in figures, who has least left first."""

NAMES = {
    "client": "Client", "service": "Service", "availability": "Availability", "target": "Target",
    "down": "Down", "allowed": "Allowed", "left": "Left", "coverage": "Coverage",
}  # fmt: skip
UNITS = {
    "Availability": "percentunit", "Target": "percentunit", "Down": "m", "Allowed": "m",
    "Left": "m", "Coverage": "percentunit",
}  # fmt: skip
