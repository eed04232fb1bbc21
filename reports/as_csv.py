"""The minutes as CSV, for spreadsheets and for whoever redoes the sum.

One row a minute: `service,minute_utc,letter,overlay`. Letters are plain, `.` lies over nothing.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from uptimed.core.minutes import MINUTES_PER_DAY, moment_of_minute
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
    count in other months, but what lies over them tells which are part of an outage.
    """
    return HEADER + "".join(
        _rows(service, edge, over)
        for service in statement.services
        for edge, over in _edges(service)
    )


def _edges(service: ServiceStatement) -> Iterator[tuple[Strip, str]]:
    around, strip = service.around, service.strip
    over = service.around_overlay or NO_OVERLAY * len(around.letters)
    if around.start < strip.start:
        yield around.cut(around.start, strip.start), over[: strip.start - around.start]
    if strip.stop < around.stop:
        yield around.cut(strip.stop, around.stop), over[strip.stop - around.start :]


_HOURS = tuple(f"T{hour:02d}:{minute:02d}:00Z" for hour in range(24) for minute in range(60))
_RUN = re.compile(r"(.)\1*")


def _rows(service: ServiceStatement, strip: Strip, overlay: str) -> str:
    if len(overlay) != len(strip.letters):
        raise ValueError(f"an overlay of {len(overlay)} for {len(strip.letters)} letters")
    return "".join(_stretches(_field(service.id), strip, overlay))


def _stretches(name: str, strip: Strip, overlay: str) -> Iterator[str]:
    """Yield the rows, a stretch of equal minutes of a day at once: most of a month is equal."""
    letters = strip.plain
    first = moment_of_minute(strip.start)
    day, at = first.date(), first.hour * 60 + first.minute
    cuts = {run.start() for text in (letters, overlay) for run in _RUN.finditer(text)}
    cuts.update(range(-at % MINUTES_PER_DAY, len(letters), MINUTES_PER_DAY))
    for begin, end in pairwise(sorted(cuts | {len(letters)})):
        days, minute = divmod(at + begin, MINUTES_PER_DAY)
        head = f"{name},{day + timedelta(days=days)}"
        tail = f",{letters[begin]},{overlay[begin]}\n"
        yield head + (tail + head).join(_HOURS[minute : minute + end - begin]) + tail


def _field(text: str) -> str:
    if _QUOTED.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'
