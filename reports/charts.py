"""Drawing a month: the minute map, the day bars, the response times, as SVG.

A month of a flapping service has thousands of runs, so no run gets an element of its own: each
state is one stroked path over rows drawn as up (facts of this choice: one element per run is ten
times slower). Beyond `_MANY_RUNS` the map is a picture of pixels instead.

No state is told by its colour alone: each has its own height and place in the row. The colours are
those of Okabe and Ito, darkened where they have to stand on paper.
"""

import struct
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup, escape

from reports.figures import Words
from uptimed.core.minutes import Minute, local_day, moment_of_minute
from uptimed.core.statement import Period, ProbeLine, ServiceStatement
from uptimed.core.strip import (
    DEGRADED,
    EXCEPTED,
    LOGIN_FAILURE,
    MAINTENANCE,
    NO_OVERLAY,
    NOT_MEASURED,
    OUT_OF_SCOPE,
    SYSTEM_DOWN,
    UP,
    runs_of,
)

AHEAD = " "
"""A minute of the month that is not judged yet."""


class Look(NamedTuple):
    """How a state is drawn: its colour, and the part [top, bottom) of the row that it fills."""

    colour: str
    top: float
    bottom: float

    @property
    def middle(self) -> float:
        """Return the middle of the part."""
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        """Return the height of the part."""
        return self.bottom - self.top


LOOKS: Mapping[str, Look] = {
    UP: Look("#c7dbe6", 0.0, 1.0),
    OUT_OF_SCOPE: Look("#ecebe8", 0.0, 1.0),
    NOT_MEASURED: Look("#5f6368", 0.4, 0.6),
    DEGRADED: Look("#e09f00", 0.5, 1.0),
    LOGIN_FAILURE: Look("#7d2f8c", 0.0, 0.65),
    SYSTEM_DOWN: Look("#bf3100", 0.0, 1.0),
    MAINTENANCE: Look("#0b62a4", 0.75, 1.0),
    EXCEPTED: Look("#007a5a", 0.75, 1.0),
}
_PAPER = "#ffffff"
_INK = "#3c4043"
_UNDER = (UP, OUT_OF_SCOPE)
_LETTERS = (NOT_MEASURED, DEGRADED, LOGIN_FAILURE, SYSTEM_DOWN)  # in the order of drawing
_OVERLAYS = (MAINTENANCE, EXCEPTED)
_FONTS = "Open Sans, Inter, Noto Sans, DejaVu Sans, sans-serif"
_SHOWN_AT_LEAST = 3  # minutes: on paper a single one would be a third of a point wide
_MANY_RUNS = 10_000  # above it a picture of pixels is smaller and faster than paths


@dataclass(frozen=True, slots=True)
class DayRow:
    """A local day's minutes: *letters* and *overlay* have a character each, `AHEAD` if unjudged."""

    day: date
    start: Minute
    letters: str
    overlay: str

    @property
    def length(self) -> int:
        """Return how many minutes the local day has."""
        return len(self.letters)


def day_rows(service: ServiceStatement, period: Period) -> tuple[DayRow, ...]:
    """Return the month's local days with their minutes."""
    ahead = AHEAD * (period.stop - service.strip.stop)
    letters = service.strip.plain + ahead
    overlay = service.overlay + NO_OVERLAY * len(ahead)
    return tuple(
        DayRow(day, Minute(span.start), letters[cut], overlay[cut])
        for day, span in _local_days(period)
        for cut in [slice(span.start - period.start, span.stop - period.start)]
    )


def _local_days(period: Period) -> Iterator[tuple[date, range]]:
    day = moment_of_minute(period.start).astimezone(period.zone).date()
    at = period.start
    while at < period.stop:
        span = local_day(day, period.zone)
        yield day, range(at, min(span.stop, period.stop))
        at = Minute(span.stop)
        day += timedelta(days=1)


# The minute map. One unit of its x axis is a minute, rows are 1440 units wide.

_ROW, _PITCH = 17.5, 21.5  # of the same unit: a row, and from row to row
_LEFT, _TOP, _BOTTOM = 104.0, 36.0, 4.0
_TEXT = 19.0
_WEEK_GAP = 7.0


def minute_map(service: ServiceStatement, period: Period, words: Words, title: str) -> Markup:
    """Return the month as a picture: a row for each local day, a column for each minute."""
    rows = day_rows(service, period)
    width = max(1440, *(row.length for row in rows))
    placed = tuple(_placed(rows))
    height = placed[-1][1] + _PITCH + _BOTTOM
    parts = [_hours(width, height)]
    parts += [
        _row_label(row, y, words) for row, y in placed if row.day.weekday() == 0 or row.day.day == 1
    ]
    if _count_runs(rows) > _MANY_RUNS:
        parts.append(_pixels(rows, width))
    else:
        parts.append(_paths(rows))
    return _svg(title, _LEFT + width + 2, height, parts, css="minute-map")


def _svg(title: str, width: float, height: float, parts: Iterable[str], *, css: str) -> Markup:
    return Markup(  # noqa: S704 - every part is made here or escaped
        f'<svg class="{css}" xmlns="http://www.w3.org/2000/svg" role="img" font-family="{_FONTS}" '
        f'viewBox="0 0 {_n(width)} {_n(height)}"><title>{escape(title)}</title>'
        f"{''.join(parts)}</svg>"
    )


def _n(x: float) -> str:
    return f"{x:.2f}".rstrip("0").rstrip(".")


def _placed(rows: Sequence[DayRow]) -> Iterator[tuple[DayRow, float]]:
    """Yield each day and where its row begins; weeks stand apart, so that days can be counted."""
    y = _TOP
    for index, row in enumerate(rows):
        if index and row.day.weekday() == 0:
            y += _WEEK_GAP
        yield row, y
        y += _PITCH


def _hours(width: int, height: float) -> str:
    lines = "".join(
        f"M{_n(_LEFT + hour * 60)} {_n(_TOP - 8)}V{_n(height - _BOTTOM)}"
        for hour in range(0, 25, 3)
    )
    labels = "".join(
        _text(_LEFT + hour * 60, _TOP - 14, f"{hour:02d}", anchor="middle")
        for hour in range(0, 24, 3)
    )
    end = _text(_LEFT + 1440, _TOP - 14, "24", anchor="end" if width == 1440 else "middle")
    return f'<path d="{lines}" stroke="#d5d8dc" stroke-width="1.5" fill="none"/>{labels}{end}'


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: float = _TEXT) -> str:
    return (
        f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{_INK}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def _row_label(row: DayRow, y: float, words: Words) -> str:
    label = f"{words.weekday(row.day)} {row.day.day}"
    return _text(_LEFT - 12, y + _ROW * 0.8, label, anchor="end")


def _count_runs(rows: Sequence[DayRow]) -> int:
    return sum(1 for row in rows for _ in groupby(row.letters))


def _paths(rows: Sequence[DayRow]) -> str:
    found: dict[str, list[str]] = {}
    for row, y in _placed(rows):
        for state, start, stop in _drawn(row):
            look = LOOKS[state]
            found.setdefault(state, []).append(
                f"M{_n(_LEFT + start)} {_n(y + look.middle * _ROW)}h{stop - start}"
            )
    halo = "".join(f"{line}" for line in found.get(NOT_MEASURED, ()))
    parts = []
    for state in (*_UNDER, *_LETTERS, *_OVERLAYS):
        lines = found.get(state)
        if not lines:
            continue
        if state == NOT_MEASURED:  # on white: what is not known is not up
            parts.append(_stroke(halo, _PAPER, _ROW))
        look = LOOKS[state]
        dash = ' stroke-dasharray="9 5"' if state == EXCEPTED else ""
        parts.append(_stroke("".join(lines), look.colour, look.height * _ROW, dash))
    return "".join(parts)


def _stroke(lines: str, colour: str, width: float, more: str = "") -> str:
    return f'<path d="{lines}" stroke="{colour}" stroke-width="{_n(width)}" fill="none"{more}/>'


def _drawn(row: DayRow) -> Iterator[tuple[str, int, int]]:
    """Yield what is drawn in a row: a state, and its [start, stop) in minutes of the day."""
    judged = len(row.letters.rstrip(AHEAD))
    if judged:
        yield UP, 0, judged
    for run in runs_of(Minute(0), row.overlay):
        if run.letter != NO_OVERLAY:
            yield run.letter, run.start, run.stop
    for run in runs_of(Minute(0), row.letters):
        if run.letter in _LETTERS:
            yield run.letter, *_wide_enough(run.start, run.stop, row.length)


def _wide_enough(start: int, stop: int, length: int) -> tuple[int, int]:
    """Return [start, stop) made wide enough to be seen, within the row."""
    missing = _SHOWN_AT_LEAST - (stop - start)
    if missing <= 0:
        return start, stop
    start = max(0, min(start - missing // 2, length - _SHOWN_AT_LEAST))
    return start, min(length, start + _SHOWN_AT_LEAST)


_PER_UNIT = 0.5  # pixels of height to a unit; a minute is a pixel wide


def _pixels(rows: Sequence[DayRow], width: int) -> str:
    states = (AHEAD, *_UNDER, *_LETTERS, *_OVERLAYS)
    index = {state: number for number, state in enumerate(states)}
    palette = [_PAPER, *(LOOKS[state].colour for state in states[1:])]
    last = tuple(_placed(rows))[-1][1] - _TOP + _PITCH
    lines = [bytearray(width) for _ in range(round(last * _PER_UNIT))]
    for row, y in _placed(rows):
        for state, start, stop in sorted(_drawn(row), key=lambda drawn: index[drawn[0]]):
            look = LOOKS[state]
            if state == NOT_MEASURED:
                _fill(lines, y - _TOP, 0.0, 1.0, slice(start, stop), 0)
            _fill(lines, y - _TOP, look.top, look.bottom, slice(start, stop), index[state])
    picture = b64encode(_png(width, lines, palette)).decode()
    return (
        f'<image x="{_n(_LEFT)}" y="{_n(_TOP)}" width="{width}" height="{_n(last)}" '
        f'preserveAspectRatio="none" href="data:image/png;base64,{picture}"/>'
    )


def _fill(
    lines: Sequence[bytearray], y: float, top: float, bottom: float, cells: slice, index: int
) -> None:
    """Fill the part [top, bottom) of the row that begins at *y*, in *cells*, with a colour."""
    paint = bytes([index]) * (cells.stop - cells.start)
    for line in lines[round((y + top * _ROW) * _PER_UNIT) : round((y + bottom * _ROW) * _PER_UNIT)]:
        line[cells] = paint


def _png(width: int, lines: Iterable[bytearray], palette: Sequence[str]) -> bytes:
    """Return a PNG of palette indices, a byte each."""
    colours = b"".join(bytes.fromhex(colour[1:]) for colour in palette)
    rows = [b"\0" + line for line in lines]
    raw = b"".join(rows)
    header = struct.pack(">IIBBBBB", width, len(rows), 8, 3, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in (
            (b"IHDR", header),
            (b"PLTE", colours),
            (b"IDAT", zlib.compress(raw)),
            (b"IEND", b""),
        )
    )


def legend_key(state: str) -> Markup:
    """Return a small sample of how *state* is drawn in the map."""
    look = LOOKS[state]
    dash = ' stroke-dasharray="4 2"' if state == EXCEPTED else ""
    start, stop = (0, 26) if state in _UNDER else (5, 21)
    sample = _stroke(f"M{start} {_n(look.middle * 10)}H{stop}", look.colour, look.height * 10, dash)
    under = (
        "" if state in {NOT_MEASURED, OUT_OF_SCOPE} else _stroke("M0 5H26", LOOKS[UP].colour, 10)
    )
    return Markup(  # noqa: S704 - made here
        '<svg class="key" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 26 10" '
        f'aria-hidden="true">{under}{sample}</svg>'
    )


# The bars of the first page: one a day, marked with its down minutes.

_BAR, _BAR_PITCH, _BAR_HEIGHT, _BAR_TOP = 13.0, 16.0, 30.0, 12.0
_STILL_TO_COME = Look("#c4c9ce", 0.94, 1.0)
_BAR_ORDER = (AHEAD, *_UNDER, *_LETTERS)


def day_bars(service: ServiceStatement, period: Period, *, down: str, title: str) -> Markup:
    """Return the month as a row of bars, a day each, with its down minutes written above.

    *down* holds the letters that count as down.
    """
    rows = day_rows(service, period)
    lines: dict[str, list[str]] = {}
    parts = []
    for index, row in enumerate(rows):
        x = index * _BAR_PITCH + _BAR / 2
        state = _state_of(row, down)
        for drawn in (UP, state) if state in _LETTERS and state != NOT_MEASURED else (state,):
            look = _bar_look(drawn)
            top, bottom = _BAR_TOP + look.top * _BAR_HEIGHT, _BAR_TOP + look.bottom * _BAR_HEIGHT
            lines.setdefault(drawn, []).append(f"M{_n(x)} {_n(top)}V{_n(bottom)}")
        counted = _down_minutes(row, down)
        if counted:
            size = 8.5 if counted < 1000 else 7  # four digits have to fit a bar's width
            parts.append(
                f'<text x="{_n(x)}" y="9" font-size="{size}" font-weight="700" '
                f'text-anchor="middle" fill="{LOOKS[SYSTEM_DOWN].colour}">{counted}</text>'
            )
        if counted or row.day.day == 1 or row.day.day % 5 == 0:
            y = _BAR_TOP + _BAR_HEIGHT + 10
            parts.append(_text(x, y, str(row.day.day), anchor="middle", size=7.5))
    bars = [
        _stroke("".join(lines[state]), _bar_look(state).colour, _BAR)
        for state in _BAR_ORDER
        if state in lines
    ]
    width = _BAR_PITCH * len(rows) - (_BAR_PITCH - _BAR)
    return _svg(title, width, _BAR_TOP + _BAR_HEIGHT + 13, bars + parts, css="day-bars")


def _bar_look(state: str) -> Look:
    return _STILL_TO_COME if state == AHEAD else LOOKS[state]


def _down_minutes(row: DayRow, down: str) -> int:
    return (
        sum(
            1
            for letter, over in zip(row.letters, row.overlay, strict=True)
            if letter in down and over == NO_OVERLAY
        )
        if any(letter in row.letters for letter in down)
        else 0
    )


def _state_of(row: DayRow, down: str) -> str:
    """Return what a day's bar shows: the worst of its minutes that count, else what it was."""
    if row.overlay.strip(NO_OVERLAY):
        letters = "".join(
            OUT_OF_SCOPE if over == OUT_OF_SCOPE else letter if over == NO_OVERLAY else UP
            for letter, over in zip(row.letters, row.overlay, strict=True)
        )
    else:
        letters = row.letters
    for state in (SYSTEM_DOWN, LOGIN_FAILURE, DEGRADED):
        if state in letters and (state in down or state == DEGRADED):
            return state
    if UP in letters:
        # A gap of more than an hour is worth seeing; its minutes are listed either way.
        return NOT_MEASURED if letters.count(NOT_MEASURED) > 60 else UP
    for state in (NOT_MEASURED, OUT_OF_SCOPE):
        if state in letters:
            return state
    return AHEAD


# Response times: the median as a line, up to the 95th percentile as a band.

_CHART_WIDTH, _CHART_HEIGHT = 248.0, 84.0
_PLOT_LEFT, _PLOT_TOP, _PLOT_BOTTOM = 38.0, 8.0, 14.0


def response_chart(probe: ProbeLine, period: Period, words: Words, title: str) -> Markup:
    """Return the response times of a probe by local day; days without looks leave a gap."""
    days = [day for day, _ in _local_days(period)]
    top_us = _nice_above(max(day.p95_us for day in probe.days))
    plot_width = _CHART_WIDTH - _PLOT_LEFT - 4
    plot_height = _CHART_HEIGHT - _PLOT_TOP - _PLOT_BOTTOM
    step = plot_width / max(1, len(days) - 1)

    def x(index: int) -> float:
        return _PLOT_LEFT + index * step

    def y(duration_us: int) -> float:
        return _PLOT_TOP + plot_height * (1 - duration_us / top_us)

    parts = [_scale(top_us, y, words), _day_axis(days, x)]
    by_day = {day.day: day for day in probe.days}
    points = [(index, by_day[day]) for index, day in enumerate(days) if day in by_day]
    for _, group in groupby(enumerate(points), key=lambda pair: pair[1][0] - pair[0]):
        stretch = [point for _, point in group]
        upper = [f"{_n(x(i))} {_n(y(day.p95_us))}" for i, day in stretch]
        lower = [f"{_n(x(i))} {_n(y(day.median_us))}" for i, day in stretch]
        if len(stretch) == 1:  # a lone day is a short stroke
            i, day = stretch[0]
            band = f"M{_n(x(i))} {_n(y(day.p95_us))}V{_n(y(day.median_us))}"
            parts.append(_stroke(band, LOOKS[UP].colour, 3))
            parts.append(_stroke(f"M{_n(x(i) - 2)} {_n(y(day.median_us))}h4", "#0b4f7a", 1.4))
            continue
        parts.append(f'<path d="M{"L".join(upper + lower[::-1])}Z" fill="{LOOKS[UP].colour}"/>')
        parts.append(_stroke(f"M{'L'.join(upper)}", "#7fa9c2", 0.7))
        parts.append(_stroke(f"M{'L'.join(lower)}", "#0b4f7a", 1.4))
    return _svg(title, _CHART_WIDTH, _CHART_HEIGHT, parts, css="response")


def _scale(top_us: int, y: Callable[[int], float], words: Words) -> str:
    marks = ((0, "0"), (top_us // 2, words.scale(top_us // 2)), (top_us, words.scale(top_us)))
    return "".join(
        _stroke(f"M{_n(_PLOT_LEFT)} {_n(y(at))}H{_n(_CHART_WIDTH - 4)}", "#d5d8dc", 0.6)
        + _text(_PLOT_LEFT - 4, y(at) + 2.5, label, anchor="end", size=7)
        for at, label in marks
    )


def _day_axis(days: Sequence[date], x: Callable[[int], float]) -> str:
    return "".join(
        _text(x(index), _CHART_HEIGHT - 3, str(day.day), anchor="middle", size=7)
        for index, day in enumerate(days)
        if day.day == 1 or day.day % 5 == 0
    )


def _nice_above(duration_us: int) -> int:
    """Return a round duration that is not below *duration_us*: 1, 2 or 5 times a power of ten."""
    scale = 1000
    while True:
        for factor in (1, 2, 4, 6, 8):
            if scale * factor >= duration_us:
                return scale * factor
        scale *= 10
