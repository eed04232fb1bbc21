"""A stretch of a service's minutes as a string of letters.

| letter | the minute                                                        | down |
|--------|-------------------------------------------------------------------|------|
| `U`    | up: users can reach the system and log in                         | no   |
| `G`    | degraded: a function fails or is slow, but users get in           | a term |
| `D`    | system down: users cannot reach the system                        | yes  |
| `L`    | urgent login failure: reached, but nobody can log in              | yes  |
| `N`    | not measured: we do not know, because we failed                   | no   |

A lower-case `u` or `g` is the same minute *unverified*: up or degraded as far as was seen, but the
login was not measured. It is a mark for the bounds of the figure; what is printed is upper case.

Over a letter lies at most one overlay, which never overwrites it:

| overlay | meaning                                                          |
|---------|------------------------------------------------------------------|
| `M`     | announced maintenance, where the contract excludes it            |
| `E`     | notified exception, where the contract excludes it               |
| `X`     | out of scope: outside the agreement or its hours                 |
| `.`     | nothing                                                          |
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from uptimed.core.minutes import Minute

UP, DEGRADED, SYSTEM_DOWN, LOGIN_FAILURE, NOT_MEASURED = "U", "G", "D", "L", "N"
UNVERIFIED_UP, UNVERIFIED_DEGRADED = "u", "g"
LETTERS = "UGDLN"
MARKS = LETTERS + UNVERIFIED_UP + UNVERIFIED_DEGRADED

MAINTENANCE, EXCEPTED, OUT_OF_SCOPE, NO_OVERLAY = "M", "E", "X", "."


@dataclass(frozen=True, slots=True)
class Run:
    """A maximal stretch [start, stop) of minutes with the same *letter*."""

    start: Minute
    stop: Minute
    letter: str

    @property
    def minutes(self) -> int:
        """Return how many minutes the run has."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Strip:
    """Letters of consecutive minutes from *start*, one character each, marks included."""

    start: Minute
    letters: str

    @property
    def stop(self) -> Minute:
        """Return the minute after the last."""
        return Minute(self.start + len(self.letters))

    @property
    def plain(self) -> str:
        """Return the letters in upper case, as they are printed, exported and hashed."""
        return self.letters.upper()

    def at(self, minute: Minute) -> str:
        """Return the letter of *minute*; outside the strip nothing was measured."""
        index = minute - self.start
        return self.letters[index] if 0 <= index < len(self.letters) else NOT_MEASURED

    def cut(self, start: Minute, stop: Minute) -> "Strip":
        """Return the minutes [start, stop); what lies outside the strip was not measured."""
        if stop <= start:
            return Strip(start, "")
        before = max(0, min(self.start, stop) - start)
        after = max(0, stop - max(self.stop, start))
        inside = self.letters[max(0, start - self.start) : max(0, stop - self.start)]
        return Strip(start, NOT_MEASURED * before + inside + NOT_MEASURED * after)

    def runs(self) -> Iterator[Run]:
        """Yield the maximal stretches of equal letters, in order."""
        return runs_of(self.start, self.letters)


def runs_of(start: Minute, letters: str) -> Iterator[Run]:
    """Yield the maximal stretches of equal characters in *letters*, which begin at *start*."""
    at = start
    for letter, group in groupby(letters):
        stop = Minute(at + sum(1 for _ in group))
        yield Run(at, stop, letter)
        at = stop


def paint(canvas: str, origin: Minute, spans: Iterable[range], colour: str) -> str:
    """Return *canvas*, whose first character is minute *origin*, with *spans* painted over it."""
    cells = bytearray(canvas, "ascii")
    for span in spans:
        first, last = max(0, span.start - origin), min(len(cells), span.stop - origin)
        if first < last:
            cells[first:last] = colour.encode("ascii") * (last - first)
    return cells.decode("ascii")
