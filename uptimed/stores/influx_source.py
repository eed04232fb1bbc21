"""What is to be sent next: read from the journal, made into lines.

Looks come in the order of writing. Of letters the journal tells the hours that changed; of those
only the minutes are sent that are not known to be there already, with the outages that they touch,
and the hour as one text. What else there is (`records`) has no number in the order of writing: each
kind is asked for what comes after what is there, which a cursor for each keeps.

All of it blocks, and is called from one thread at a time.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from uptimed.core.minutes import MINUTE, Minute, day_of
from uptimed.core.observations import Attempt, Instant
from uptimed.core.strip import NOT_MEASURED, Strip
from uptimed.core.terms import WatchTerms, watch_terms_of
from uptimed.stores import influx_points as points
from uptimed.stores import influx_records as records
from uptimed.stores.influx_points import Catalogue
from uptimed.stores.reading import LettersChanged, Reader

K = TypeVar("K")
V = TypeVar("V")

_REMEMBERED_HOURS = 4096  # what is known to be there: 300 bytes each
_LINES_OF_AN_HOUR = 66  # 60 letters, the outages among them, the hour and its day


@dataclass(frozen=True, slots=True)
class SentHour:
    """What is there of one hour of a service's letters."""

    strip: Strip
    outages: frozenset[str]


@dataclass(frozen=True, slots=True)
class Parcel:
    """Lines to be sent in order. Once line *n* is there, all up to `cursors[n]` is.

    Once all are, all up to *end* is, the cursors *also* are kept, and *done* is told of it. *full*
    says that there is probably more. *oldest* is when the first of them was looked at. *begun* are
    the minutes, by service, before which no outage has begun that was not sent, once these lines
    are; it must be known before they are sent.
    """

    lines: Sequence[str]
    cursors: Sequence[int]
    end: int
    full: bool = False
    oldest: Instant | None = None
    begun: Mapping[str, Minute] = field(default_factory=dict)
    also: Mapping[str, int] = field(default_factory=dict)
    done: Callable[[], None] = lambda: None


class Source:
    """Makes parcels of what the journal has."""

    def __init__(self, reader: Reader, catalogue: Catalogue, begun_name: str) -> None:
        """*begun_name* begins the names of the cursors that keep `Parcel.begun`."""
        self.reader = reader
        self.catalogue = catalogue
        self._begun_name = begun_name
        self._sent: OrderedDict[tuple[str, Minute], SentHour] = OrderedDict()
        self._days: OrderedDict[tuple[str, date], str] = OrderedDict()

    def looks(self, after: int, limit: int) -> Parcel:
        """Return the next looks after the cursor *after*, at most *limit*."""
        with self.reader.snapshot():
            head = self.reader.seq()
            found = self.reader.attempts_after(after, limit)
            terms = _Terms(self.reader, self.catalogue)
            lines = [self._look(attempt, terms) for _, attempt in found]
        full = len(found) >= limit
        return Parcel(
            lines=lines,
            cursors=[seq for seq, _ in found],
            end=found[-1][0] if full else max(head, after),
            full=full,
            oldest=found[0][1].at if found else None,
        )

    def letters(self, after: int, limit: int) -> Parcel:
        """Return the next letters after the cursor *after*: some *limit* lines or fewer."""
        most = max(1, limit // _LINES_OF_AN_HOUR)
        lines: list[str] = []
        cursors: list[int] = []
        begun: dict[str, Minute] = {}
        hours: dict[tuple[str, Minute], SentHour] = {}
        days: dict[tuple[str, date], str] = {}
        with self.reader.snapshot():
            head = self.reader.seq()
            found = self.reader.letters_after(after, most)
            spans: dict[str, range | None] = {}
            reached = after
            for changed in found:
                service = changed.service
                if service not in spans:
                    spans[service] = self.reader.span(service)
                span = spans[service]
                if span is not None:
                    new = _Hour(self, changed, span).lines(begun, hours)
                    new += self._day(changed, days)
                    lines += new
                    cursors += [reached] * len(new)
                reached = changed.seq
                if cursors:
                    cursors[-1] = reached
        full = len(found) >= most
        return Parcel(
            lines=lines, cursors=cursors, end=reached if full else max(head, after), full=full,
            begun=begun, done=lambda: self._delivered(hours, days),
        )  # fmt: skip

    def _day(self, changed: LettersChanged, days: dict[tuple[str, date], str]) -> list[str]:
        """Return the point of the day of letters that changed, where it is not there already."""
        day = day_of(changed.start)
        key = changed.service, day
        found = self.reader.days(changed.service, day, day)
        line = records.day_line(found[0], self.catalogue.vantage) if found else ""
        if not line or line == days.get(key, self._days.get(key)):
            return []
        days[key] = line
        return [line]

    def head(self) -> int:
        """Return the cursor after everything that was written."""
        return self.reader.seq()

    def _delivered(
        self, hours: Mapping[tuple[str, Minute], SentHour], days: Mapping[tuple[str, date], str]
    ) -> None:
        _remember(self._sent, hours)
        _remember(self._days, days)

    def sent(self, service: str, hour: Minute) -> SentHour | None:
        """Return what is known to be there of an hour."""
        return self._sent.get((service, hour))

    def begun_cursor(self, service: str) -> str:
        """Return the name of the cursor that keeps `Parcel.begun` of *service*."""
        return f"{self._begun_name}{service}"

    def _look(self, attempt: Attempt, terms: "_Terms") -> str:
        kind, role = terms.of(attempt)
        client = self.catalogue.owner(attempt.service).client
        return points.look_line(attempt, client, kind, role)


def _remember(known: "OrderedDict[K, V]", new: Mapping[K, V]) -> None:
    for key, value in new.items():
        known[key] = value
        known.move_to_end(key)
    while len(known) > _REMEMBERED_HOURS:
        known.popitem(last=False)


class _Terms:
    """Kind and role of probes, as the terms in force at the look's minute have them.

    Those are on record: a look that is sent again, after the configuration changed, has the same
    tags. Looks from before the first terms on record have those of the first.
    """

    def __init__(self, reader: Reader, catalogue: Catalogue) -> None:
        self._reader, self._catalogue = reader, catalogue
        self._known: dict[str, list[tuple[int, dict[str, tuple[str, str]]]]] = {}

    def of(self, attempt: Attempt) -> tuple[str, str]:
        known = self._known.get(attempt.service)
        if known is None:
            known = self._known[attempt.service] = self._read(attempt.service)
        minute = attempt.look // MINUTE
        probes: dict[str, tuple[str, str]] = known[0][1] if known else {}
        for since, found in known:
            if since > minute:
                break
            probes = found
        return probes.get(attempt.probe, ("", ""))

    def _read(self, service: str) -> list[tuple[int, dict[str, tuple[str, str]]]]:
        records = self._reader.configs(service)
        if records:
            return [(r.since, _probes(watch_terms_of(r.canonical))) for r in records]
        present = self._catalogue.watch.get(service)
        return [] if present is None else [(0, _probes(present))]


def _probes(terms: WatchTerms) -> dict[str, tuple[str, str]]:
    return {probe.id: (probe.kind, str(probe.role)) for probe in terms.probes}


class _Hour:
    """An hour of a service whose letters changed."""

    def __init__(self, source: Source, changed: LettersChanged, span: range) -> None:
        self._source, self._reader = source, source.reader
        self._service, self._hour = changed.service, changed.start
        self._span = span
        owner = source.catalogue.owner(changed.service)
        self._down, vantage = owner.down, source.catalogue.vantage
        self._minutes = points.service_series(
            points.MINUTE_OF, owner.client, changed.service, vantage
        )
        self._outages = points.service_series(points.OUTAGE, owner.client, changed.service, vantage)
        start, stop = max(changed.start, span.start), min(changed.stop, span.stop)
        self._strip = self._reader.letters(self._service, Minute(start), Minute(stop))
        laid = self._reader.laid(self._service, changed.start, changed.stop)
        self._laid = records.laid_line(laid, self._service, vantage)
        self._before = source.sent(self._service, self._hour)

    def lines(
        self, begun: dict[str, Minute], hours: dict[tuple[str, Minute], SentHour]
    ) -> list[str]:
        """Return what is not there yet. Notes in *begun* and *hours* what is then."""
        name = self._source.begun_cursor(self._service)
        mark = begun.get(self._service, Minute(self._reader.cursor(name)))
        around = self._around()
        found = points.outages_of(around, self._down)
        outages = {points.outage_line(self._outages, outage): outage for outage in found}
        starts = {outage.start for outage in found}
        withdrawn = [
            points.withdrawn_line(self._outages, minute)
            for minute in self._doubtful(around, mark)
            if minute not in starts
        ]
        known = self._before.outages if self._before else frozenset()
        new = [line for line in outages if line not in known]
        if starts and max(starts) >= mark:
            begun[self._service] = Minute(max(starts) + 1)
        hours[self._service, self._hour] = SentHour(self._strip, frozenset(outages))
        return [*self._letters(), *withdrawn, *new, self._laid]

    def _letters(self) -> Iterator[str]:
        before = self._before.strip if self._before else Strip(self._strip.start, "")
        for minute, letter in enumerate(self._strip.letters, self._strip.start):
            there = before.start <= minute < before.stop
            if not there or before.letters[minute - before.start] != letter:
                yield points.minute_line(self._minutes, Minute(minute), letter, self._down)

    def _doubtful(self, around: Strip, mark: Minute) -> Iterator[Minute]:
        """Yield the minutes in which an outage may have begun as far as the server knows.

        Where it is not known what was sent of the hour, that may be any minute before *mark*. The
        first down minute after the hour may have been the first of an outage that now began
        earlier.
        """
        if self._before is None:
            for minute in range(self._strip.start, min(self._strip.stop, mark)):
                yield Minute(minute)
        else:
            for minute, letter in enumerate(self._before.strip.letters, self._before.strip.start):
                if letter.upper() in self._down:
                    yield Minute(minute)
        for index in range(self._strip.stop - around.start, len(around.letters)):
            letter = around.letters[index].upper()
            if letter in self._down and around.start + index < mark:
                yield Minute(around.start + index)
            if letter != NOT_MEASURED:
                return

    def _around(self) -> Strip:
        """Return the hour with the outages at its edges whole, and the up minute after them."""
        strip = self._strip
        for start, stop in _stretches(strip.start, self._span.start):
            earlier = self._reader.letters(self._service, Minute(start), Minute(stop)).letters
            ups = [index for index, letter in enumerate(earlier) if self._up(letter)]
            first = ups[-1] + 1 if ups else 0
            strip = Strip(Minute(start + first), earlier[first:] + strip.letters)
            if ups:
                break
        size = 60
        while strip.stop < self._span.stop and not self._up(strip.letters[-1:]):
            stop = Minute(min(self._span.stop, strip.stop + size))
            later = self._reader.letters(self._service, strip.stop, stop).letters
            ups = [index for index, letter in enumerate(later) if self._up(letter)]
            strip = Strip(strip.start, strip.letters + later[: ups[0] + 1 if ups else None])
            size *= 8
        return strip

    def _up(self, mark: str) -> bool:
        letter = mark.upper()
        return bool(letter) and letter != NOT_MEASURED and letter not in self._down


def _stretches(before: int, first: int) -> Iterator[tuple[int, int]]:
    """Yield longer and longer stretches [start, stop) from *before* back to *first*."""
    size = 60
    while before > first:
        start = max(first, before - size)
        yield start, before
        before, size = start, size * 8
