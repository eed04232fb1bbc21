"""The minutes as CSV, for spreadsheets and for whoever redoes the sum.

One row a minute: `service,minute_utc,letter,overlay`. Letters are plain, `.` lies over nothing.
"""

from collections.abc import Iterator
from datetime import timedelta

from uptimed.core.minutes import Minute, moment_of_minute
from uptimed.core.statement import ServiceStatement, Statement
from uptimed.core.strip import NO_OVERLAY, Strip

HEADER = "service,minute_utc,letter,overlay\n"
_QUOTED = frozenset(',"\r\n')


def minutes_csv(statement: Statement) -> str:
    """Return the judged minutes of the month, service after service: counting them is the sum."""
    return HEADER + "".join(
        _rows(service, service.strip, service.overlay) for service in statement.services
    )


def edges_csv(statement: Statement) -> str:
    """Return the minutes beyond the month's edges, to the first up minute on each side.

    Outages are looked at whole across the edges; these minutes show how they began and ended. They
    count in other months, so nothing lies over them here.
    """
    return HEADER + "".join(
        _rows(service, edge, NO_OVERLAY * len(edge.letters))
        for service in statement.services
        for edge in _edges(service)
    )


def _edges(service: ServiceStatement) -> Iterator[Strip]:
    around, strip = service.around, service.strip
    if around.start < strip.start:
        yield around.cut(around.start, strip.start)
    if strip.stop < around.stop:
        yield around.cut(strip.stop, around.stop)


def _rows(service: ServiceStatement, strip: Strip, overlay: str) -> str:
    name = _field(service.id)
    return "".join(
        f"{name},{stamp},{letter},{over}\n"
        for stamp, letter, over in zip(
            _stamps(strip.start, strip.stop), strip.plain, overlay, strict=True
        )
    )


_HOURS = tuple(f"T{hour:02d}:{minute:02d}:00Z" for hour in range(24) for minute in range(60))


def _stamps(start: Minute, stop: Minute) -> Iterator[str]:
    first = moment_of_minute(start)
    day, at = first.date(), first.hour * 60 + first.minute
    text = day.isoformat()
    for _ in range(stop - start):
        yield text + _HOURS[at]
        at += 1
        if at == len(_HOURS):
            at, day = 0, day + timedelta(days=1)
            text = day.isoformat()


def _field(text: str) -> str:
    if _QUOTED.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'
