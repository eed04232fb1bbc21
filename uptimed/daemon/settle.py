"""One service's minutes while the daemon runs: attempts in, letters out.

A book keeps the attempts that its next letters depend on, and the terms in force over time. A
minute is settled when all its looks are judged, or a while after its end; a look that comes later
settles it again. Letters come from `uptimed.core.letters` and depend on the attempts, the terms and
the blind minutes alone, so settling twice does no harm.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from uptimed.core.letters import letters_of, lookback
from uptimed.core.minutes import MINUTE, Minute
from uptimed.core.observations import Attempt
from uptimed.core.strip import NOT_MEASURED, Strip
from uptimed.core.terms import WatchTerms

LATEST_LOOK = 15
"""Minutes after which no look comes late any more."""

KEPT_LETTERS = 4 * 1440
"""Minutes of letters that are at hand: alerts count three days of them, and tell of what was a day
ago as it was then."""

LONGEST_GAP = 1440
"""Minutes of a gap whose letters are laid down one by one; what has no letter is `N` anyway."""


@dataclass(frozen=True, slots=True)
class InForce:
    """Watch terms from minute *since* on, and their digest."""

    since: Minute
    watch: WatchTerms
    sha256: str


@dataclass(frozen=True, slots=True)
class Laid:
    """Letters to lay down, and the digest of the terms they were judged under."""

    strip: Strip
    terms_sha256: str


Blind = Mapping[str, frozenset[Minute]]


def look_minute(attempt: Attempt) -> Minute:
    """Return the minute that the attempt's look belongs to."""
    return Minute(attempt.look // MINUTE)


def identity(attempt: Attempt) -> tuple[str, str, str, int, int]:
    """Return what tells an attempt from every other."""
    return attempt.service, attempt.probe, attempt.vantage, attempt.at, attempt.account


class Book:
    """The attempts, terms and latest letters of one service.

    *cursor* is the first minute that is not settled yet. From *floor* on, the attempts at hand are
    all that a letter depends on; earlier letters are not touched. *terms* are oldest first.
    """

    def __init__(
        self,
        service: str,
        terms: Sequence[InForce],
        cursor: Minute,
        *,
        attempts: Iterable[Attempt] = (),
        letters: str = "",
    ) -> None:
        """Begin at *cursor*, before which *letters* were settled.

        *attempts* are those that the letters from *cursor* on depend on.
        """
        self.service = service
        self.terms = list(terms)
        self.cursor = self.floor = cursor
        self.letters = Strip(Minute(cursor - len(letters)), letters)
        self.attempts = list(attempts)

    def in_force(self, minute: Minute) -> InForce:
        """Return the terms of *minute*; before the first on record those are taken."""
        return next((t for t in reversed(self.terms) if t.since <= minute), self.terms[0])

    @property
    def latest(self) -> InForce:
        """Return the newest terms."""
        return self.terms[-1]

    def change(self, terms: InForce) -> list[InForce]:
        """Judge the minutes from *terms* on under them; return what is to be put on record.

        Terms that begin later, since the clock was put back, give way as well.
        """
        later = [t for t in self.terms if t.since > terms.since and t.sha256 != terms.sha256]
        new = [terms, *(InForce(t.since, terms.watch, terms.sha256) for t in later)]
        self.terms = [*(t for t in self.terms if t.since < terms.since), *new]
        return new

    def add(self, attempts: Sequence[Attempt], blind: Blind) -> list[Laid]:
        """Take the attempts of a look; return letters of settled minutes that it changes."""
        self.attempts.extend(attempts)
        first = min((look_minute(a) for a in attempts), default=self.cursor)
        return self.settle_again(first, blind)

    def settle(self, stop: Minute, blind: Blind, *, unkept: Minute | None = None) -> list[Laid]:
        """Settle the minutes up to *stop*, and return their letters.

        *unkept* is the earliest minute whose looks are not on record yet: they may be taken back.
        """
        if stop <= self.cursor:
            return []
        end = min(stop, self.cursor + LONGEST_GAP)
        laid = list(self._judged(self.cursor, Minute(end), blind))
        new = "".join(one.strip.letters for one in laid) + NOT_MEASURED * (stop - end)
        self.letters = Strip(self.letters.start, self.letters.letters + new)
        self.cursor = stop
        late = Minute(stop - LATEST_LOOK)
        self._prune(late if unkept is None else Minute(min(late, unkept)))
        return laid

    def settle_again(self, first: Minute, blind: Blind) -> list[Laid]:
        """Settle anew what is settled from *first* on; return the letters where some changed."""
        start = Minute(max(first, self.floor))
        if start >= self.cursor:
            return []
        laid = list(self._judged(start, self.cursor, blind))
        new = "".join(one.strip.letters for one in laid)
        old = self.letters.cut(start, self.cursor).letters
        if new == old:
            return []
        kept = self.letters.cut(self.letters.start, start).letters
        self.letters = Strip(self.letters.start, kept + new)
        return laid

    def lay(self, laid: Iterable[Laid]) -> None:
        """Take letters of minutes before *floor* that were judged from the record."""
        for one in laid:
            start, stop = max(one.strip.start, self.letters.start), min(one.strip.stop, self.floor)
            if start < stop:
                new = one.strip.cut(Minute(start), Minute(stop)).letters
                before = self.letters.cut(self.letters.start, Minute(start)).letters
                after = self.letters.cut(Minute(stop), self.letters.stop).letters
                self.letters = Strip(self.letters.start, before + new + after)

    def forget(
        self, minutes: Iterable[Minute], instead: Sequence[Attempt], blind: Blind
    ) -> list[Laid]:
        """Take back the attempts of *minutes*, which were not kept; *instead* stand for them."""
        gone = frozenset(minutes)
        self.attempts = [a for a in self.attempts if look_minute(a) not in gone]
        self.attempts.extend(instead)
        return self.settle_again(Minute(min(gone, default=self.cursor)), blind)

    def correct(self, given: Attempt, known: Attempt, blind: Blind) -> list[Laid]:
        """Take *known*, which is on record, for *given*, which was refused."""
        self.attempts = [a for a in self.attempts if a not in (given, known)] + [known]
        return self.settle_again(min(look_minute(given), look_minute(known)), blind)

    def _judged(self, start: Minute, stop: Minute, blind: Blind) -> Iterator[Laid]:
        at = start
        for terms in self.terms:
            following = next((t.since for t in self.terms if t.since > terms.since), stop)
            end = Minute(min(stop, following))
            if end > at:
                yield Laid(letters_of(self.attempts, terms.watch, at, end, blind), terms.sha256)
                at = end

    def _prune(self, floor: Minute) -> None:
        if floor <= self.floor:
            return
        self.floor = floor
        start = max(self.letters.start, min(floor, self.cursor - KEPT_LETTERS))
        self.letters = self.letters.cut(Minute(start), self.cursor)
        while len(self.terms) > 1 and self.terms[1].since <= floor:
            del self.terms[0]
        first = floor - max(lookback(t.watch) for t in self.terms)
        if self.attempts and look_minute(self.attempts[0]) < first:
            self.attempts = [a for a in self.attempts if look_minute(a) >= first]
