"""Outages: maximal runs of down minutes.

Minutes that were not measured, or lie under an overlay, neither end an outage nor count in it; an
up minute ends it. Outages are looked at whole, across the month's edges, before the month is cut
out of them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from uptimed.core.minutes import Minute
from uptimed.core.strip import (
    DEGRADED,
    LOGIN_FAILURE,
    NO_OVERLAY,
    NOT_MEASURED,
    SYSTEM_DOWN,
    Strip,
)

KINDS = {SYSTEM_DOWN: "system_down", LOGIN_FAILURE: "login_failure", DEGRADED: "degraded"}
"""The class of an outage by the gravest letter in it, the gravest first."""

_DOWN, _UP, _NEITHER = "d", "u", " "
_RUN = re.compile(f"{_DOWN}[{_DOWN}{_NEITHER}]*")
_LAID_OVER = re.compile(f"[^{re.escape(NO_OVERLAY)}]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One outage. *stop* is the first up minute after it, or None where none was seen yet.

    *down* are its down minutes in order. *kind* is `system_down` if any of them is `D`, else
    `login_failure`, else `degraded`. *counted* is False where the contract's `min_consecutive`
    forgives it.
    """

    start: Minute
    stop: Minute | None
    down: tuple[Minute, ...]
    kind: str
    counted: bool

    def minutes_in(self, month: range) -> int:
        """Return how many of its down minutes lie in *month*."""
        return sum(1 for minute in self.down if minute in month)


def outages(
    strip: Strip, overlay: str, *, down: str, min_consecutive: int = 1
) -> tuple[Outage, ...]:
    """Return the outages of *strip* under *overlay*, oldest first.

    *overlay* has one character for each minute of the strip; *down* holds the letters that count.
    """
    return tuple(_outages(strip, overlay, down, min_consecutive))


def _outages(strip: Strip, overlay: str, down: str, min_consecutive: int) -> Iterator[Outage]:
    letters = strip.plain
    if not any(letter in letters for letter in down):
        return
    states = _states(letters, overlay, down)
    for found in _RUN.finditer(states):
        run = [index for index in range(*found.span()) if states[index] == _DOWN]
        stop = found.end() if found.end() < len(states) else None
        yield _outage(strip, letters, run, min_consecutive, stop=stop)


def _states(letters: str, overlay: str, down: str) -> str:
    """Return what each minute is to an outage: down, up, or neither.

    By whole strings: a month has 44,640 minutes, and figures are asked for all the time.
    """
    if len(letters) != len(overlay):
        raise ValueError(f"{len(overlay)} minutes of overlay, wanted {len(letters)}")
    table = {ord(letter): _UP for letter in set(letters)}
    table |= {ord(letter): _DOWN for letter in down} | {ord(NOT_MEASURED): _NEITHER}
    states = letters.translate(table)
    if overlay.count(NO_OVERLAY) == len(overlay):
        return states  # most months; searching them takes longer than all the rest
    for found in _LAID_OVER.finditer(overlay):
        first, last = found.span()
        states = states[:first] + _NEITHER * (last - first) + states[last:]
    return states


def _outage(
    strip: Strip, letters: str, run: list[int], min_consecutive: int, *, stop: int | None
) -> Outage:
    seen = {letters[index] for index in run}
    return Outage(
        start=Minute(strip.start + run[0]),
        stop=None if stop is None else Minute(strip.start + stop),
        down=tuple(Minute(strip.start + index) for index in run),
        kind=_kind(seen),
        counted=len(run) >= min_consecutive,
    )


def _kind(seen: set[str]) -> str:
    return next(kind for letter, kind in KINDS.items() if letter in seen)  # D, L or G counts only
