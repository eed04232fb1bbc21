"""Outages, as the follower writes them: one point each, overwritten while it goes on."""

from grafana.building.influxdb.asking import BY_TIME, LOOSE, MANY, ONE, piped, points

_NOT_WITHDRAWN = "filter(fn: (r) => r.minutes > 0)"

_END = "if r.open == 1 then now() else time(v: r.ended_ms * 1000000)"


def _of(services: str) -> str:
    return points("letters", "uptimed_outage", services, ())


ANNOTATED = piped(
    _of(ONE),
    BY_TIME,
    _NOT_WITHDRAWN,
    LOOSE,
    f"map(fn: (r) => ({{time: r._time, timeEnd: int(v: {_END}) / 1000000, text: r.title}}))",
)
"""For annotations, whose end is in milliseconds; one that goes on ends now."""

LISTED = piped(
    _of(MANY),
    BY_TIME,
    _NOT_WITHDRAWN,
    LOOSE,
    'sort(columns: ["_time"], desc: true)',
    "limit(n: 100)",
    """map(
        fn: (r) =>
            ({
                began: r._time,
                client: r.client,
                service: r.service,
                kind: r.kind,
                minutes: r.minutes,
                over: if r.open == 1 then "goes on" else "over",
            }),
    )""",
)
"""The newest first, as a table."""
