"""Taking in looks from a file: attempts, blind minutes and the letters that follow, or nothing.

A minute in which a vantage was blind takes back fails of every service that was looked at from it:
their days are settled again as well, and one that is sealed refuses the file.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from uptimed.core.letters import lookback
from uptimed.core.lookfile import Blinded, Line, Malformed, Place, fields, place_of
from uptimed.core.looks import without_answer
from uptimed.core.minutes import Minute, day_minutes, day_of, days_between, minute_of
from uptimed.core.observations import Attempt, Instant
from uptimed.core.settings import ServiceSettings, Settings
from uptimed.ledger.reading import settle
from uptimed.ports import Batch, BlindMinute, SealedDay
from uptimed.stores.importing import Imported, import_attempts
from uptimed.stores.ledger import Ledger

_KEPT = 1000  # malformed lines that are kept to be shown; the rest is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an import came to. Nothing was kept where bad lines were not to be skipped.

    *malformed* holds the first of the *bad* lines; *conflicts* are attempts that are known with
    other content, *contradicted* lines whose minute is blind for another reason. *blind* counts
    vantages' minutes that were not known to be blind, *settled* days of services.
    """

    new: int
    known: int
    bad: int
    malformed: tuple[Malformed, ...]
    conflicts: tuple[Attempt, ...]
    contradicted: tuple[Blinded, ...]
    blind: int
    settled: int


class _Refused(Exception):
    """The file has malformed lines: nothing of it is kept."""


def take_in(
    settings: Settings,
    lines: Iterable[Line | Malformed],
    *,
    skip_bad: bool,
    now: Instant,
    progress: Callable[[int], None] = lambda _taken: None,
) -> Taken:
    """Keep what *lines* say and settle the letters that follow, all in one transaction.

    Raise `SealedDay` where one belongs to a sealed day, or makes a minute of it blind, and
    `StoreError` where the disk does not take it. Nothing is kept then.
    """
    bad = _Bad()
    conflicts: list[Attempt] = []
    settled = 0
    with Ledger.open(Path(settings.journal_path)) as ledger:
        blind = _Blind(ledger)

        def finish(imported: Imported) -> None:
            nonlocal settled
            if (conflicts or blind.contradicted) and not skip_bad:
                raise _Refused
            touched = _united(imported.touched, blind.keep())
            for service, span in touched.items():
                if service in watched:
                    settled += _settle(ledger, watched[service], span, now)

        watched = {service.id: service for service in settings.services}
        try:
            result = import_attempts(
                ledger,
                blind.noted(bad.without(lines, stop_after=not skip_bad)),
                same=same_columns,
                conflict=lambda conflict: conflicts.append(conflict.given),
                progress=progress,
                finish=finish,
            )
        except _Refused:
            new = known = settled = 0
        else:
            new, known = result.new, result.known - len(conflicts)
    return Taken(
        new=new,
        known=known,
        bad=bad.count,
        malformed=tuple(bad.first),
        conflicts=tuple(conflicts),
        contradicted=tuple(blind.contradicted),
        blind=len(blind.new),
        settled=settled,
    )


class _Bad:
    """The malformed lines of a file, counted while the others pass."""

    def __init__(self) -> None:
        self.first: list[Malformed] = []
        self.count = 0

    def without(self, lines: Iterable[Line | Malformed], *, stop_after: bool) -> Iterator[Line]:
        for line in lines:
            if isinstance(line, Malformed):
                self.count += 1
                if len(self.first) < _KEPT:
                    self.first.append(line)
            elif not (stop_after and self.count):
                yield line
        if stop_after and self.count:
            raise _Refused


class _Blind:
    """The blind minutes that a file speaks of, held against those on record.

    The reason that is on record, or that came first, stands: a line with another one is left out.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: set[Place] = set()  # those on record
        self._said: dict[Place, Blinded] = {}
        self.contradicted: list[Blinded] = []
        self.new: dict[Place, Blinded] = {}

    def noted(self, lines: Iterable[Line]) -> Iterator[Attempt]:
        """Yield the attempts of *lines*, and note which minutes they say to be blind."""
        for line in lines:
            if not isinstance(line, Blinded):
                yield line
            elif self._agrees(line):
                yield line.attempt

    def _agrees(self, line: Blinded) -> bool:
        said = self._said.setdefault(line.place, line)
        if said is line:
            (vantage, minute) = line.place
            for one in self._ledger.reader.blind([vantage], minute, Minute(minute + 1)):
                self._known.add(line.place)
                said = self._said[line.place] = Blinded(line.attempt, one.reason)
        if said.reason != line.reason:
            self.contradicted.append(line)
        return said.reason == line.reason

    def keep(self) -> Mapping[str, range]:
        """Write those that are new; return the minutes of services in which they count.

        Raise `SealedDay` where one would take back a fail of a sealed day.
        """
        self.new = {place: one for place, one in self._said.items() if place not in self._known}
        self._ledger.add(
            Batch(
                blind=[
                    BlindMinute(vantage=vantage, minute=minute, reason=one.reason)
                    for (vantage, minute), one in self.new.items()
                ]
            )
        )
        days = sorted({day_of(minute) for _, minute in self.new})
        found: dict[str, range] = {}
        for service in self._ledger.reader.services() if days else ():
            for day in days:
                taken_back = self._taken_back(service, day)
                if taken_back:
                    self._refuse_sealed(service, day)
                    span = range(min(taken_back), max(taken_back) + 1)
                    found = {**_united(found, {service: span})}
        return found

    def _taken_back(self, service: str, day: date) -> list[Minute]:
        minutes = day_minutes(day)
        attempts = self._ledger.reader.attempts(
            service, Minute(minutes.start), Minute(minutes.stop)
        )
        return [place_of(a)[1] for a in attempts if place_of(a) in self.new and without_answer(a)]

    def _refuse_sealed(self, service: str, day: date) -> None:
        if any(known.sealed for known in self._ledger.reader.days(service, day, day)):
            raise SealedDay(
                f"{service} {day} is sealed: no minute of it becomes blind",
                [one.attempt for (_, at), one in self.new.items() if day_of(at) == day],
            )


def _united(some: Mapping[str, range], more: Mapping[str, range]) -> Mapping[str, range]:
    """Return the minutes of each service from the first to the last in either."""
    found = dict(some)
    for service, span in more.items():
        known = found.get(service, span)
        found[service] = range(min(known.start, span.start), max(known.stop, span.stop))
    return found


def same_columns(known: Attempt, given: Attempt) -> bool:
    """Return whether two attempts are one as far as a file of looks can tell."""
    return fields(known) == fields(given)


def _settle(ledger: Ledger, service: ServiceSettings, span: range, now: Instant) -> int:
    """Settle the days that looks in *span* may decide, but for sealed ones; return how many.

    Minutes that a daemon may still be looking at are settled only where the file has their looks.
    """
    present = minute_of(now)
    end = max(present - 1, min(span.stop, present + 1))
    days = days_between(Minute(span.start), Minute(span.stop + lookback(service.watch)))
    sealed = {d.day for d in ledger.reader.days(service.id, days[0], days[-1]) if d.sealed}
    count = 0
    for day in days:
        minutes = day_minutes(day)
        stop = Minute(min(minutes.stop, end))
        if day not in sealed and minutes.start < stop:
            letters = settle(ledger.reader, service, Minute(minutes.start), stop)
            ledger.add(Batch(letters=[(service.id, strip, sha256) for strip, sha256 in letters]))
            count += 1
    return count
