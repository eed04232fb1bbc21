"""When a service went down and when it came up again, from its letters.

* It is **down** when two of the last three minutes are down, dated back to the first of them.
* It is **up** again when a minute is up and that is no longer so, dated to the first up minute
  after the last down one. A single up minute between down ones is no recovery.
* Minutes that were not measured say neither.

This gates notices only; every down minute counts, confirmed or not.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from uptimed.core.minutes import Minute
from uptimed.core.strip import DEGRADED, LOGIN_FAILURE, NOT_MEASURED, SYSTEM_DOWN, Strip

_WINDOW, _CONFIRMING = 3, 2
_GRAVEST_FIRST = (SYSTEM_DOWN, LOGIN_FAILURE, DEGRADED)


@dataclass(frozen=True, slots=True)
class Turn:
    """The machine changed: down since *since*, or up again from *until* on."""

    since: Minute
    until: Minute | None = None


def told_as(strip: Strip, since: Minute, down: str) -> tuple[Minute, str]:
    """Return as which letter the outage since minute *since* is told, and the minute that shows it.

    It is the graver of the two down minutes that confirmed it: where a system dies between the
    minute's look at its front and the one at its login, the first of them is a login failure only.
    Minutes that come later change nothing, so a label that is made of it stays.
    """
    minutes = [m for m in range(since, since + _WINDOW) if strip.at(Minute(m)).upper() in down]
    shown = {strip.at(Minute(m)).upper(): Minute(m) for m in reversed(minutes[:_CONFIRMING])}
    for letter in _GRAVEST_FIRST:
        if letter in shown:
            return shown[letter], letter
    return since, strip.at(since).upper()


class OutageWatch:
    """The machine for one service; it is fed every minute once, in order."""

    def __init__(self, down: str) -> None:
        self._down = down
        self._last: list[tuple[Minute, str]] = []
        self.since: Minute | None = None

    def feed(self, minute: Minute, letter: str) -> Turn | None:
        """Take the next minute's *letter*; return what turned."""
        state = self._state(letter)
        self._last = [*self._last[1 - _WINDOW :], (minute, state)]
        downs = [at for at, seen in self._last if seen == "down"]
        if self.since is None:
            if len(downs) < _CONFIRMING or state != "down":
                return None
            self.since = downs[0]
            return Turn(self.since)
        if state != "up" or len(downs) >= _CONFIRMING:
            return None
        last_down = downs[-1] if downs else self.since
        until = next(at for at, seen in self._last if seen == "up" and at > last_down)
        turn = Turn(self.since, until)
        self.since = None
        return turn

    def feed_all(self, start: Minute, letters: str) -> Turn | None:
        """Take the letters from *start* on; return the last turn among them."""
        last: Turn | None = None
        for _, turn in self.turns(start, letters):
            last = turn
        return last

    def turns(self, start: Minute, letters: str) -> Iterator[tuple[Minute, Turn]]:
        """Take the letters from *start* on; yield what turned, and after which minute.

        Letters among which nothing can turn are skipped: days of them are fed at the start and
        once a minute, of every service of a fleet.
        """
        plain, at = letters.upper(), 0
        while (at := self._next(plain, at)) < len(plain):
            minute = Minute(start + at)
            turn = self.feed(minute, plain[at])
            if turn is not None:
                yield minute, turn
            at += 1

    def _next(self, plain: str, at: int) -> int:
        """Return where, from *at* on, the next letter stands that can turn something."""
        if self.since is not None or any(state == "down" for _, state in self._last):
            return at
        found = (plain.find(letter, at) for letter in self._down)
        return min((index for index in found if index >= 0), default=len(plain))

    def _state(self, letter: str) -> str:
        plain = letter.upper()
        if plain == NOT_MEASURED:
            return "unknown"
        return "down" if plain in self._down else "up"
