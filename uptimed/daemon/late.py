"""What came from other vantages, held against the record: what is new, and which letters follow.

Reading only; run off the event loop. Everything here may be done twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from uptimed.core.letters import lookback
from uptimed.core.minutes import MINUTE, Minute, day_minutes, day_of
from uptimed.core.observations import Attempt, Instant
from uptimed.daemon.record import judged, known_terms
from uptimed.daemon.settle import InForce, Laid, identity, look_minute
from uptimed.ports import JournalReader


@dataclass(frozen=True, slots=True)
class Doubled:
    """Two looks of one probe and vantage in one minute: two monitors have the same name."""

    vantage: str
    service: str
    probe: str
    one: Instant
    other: Instant


@dataclass(slots=True)
class Sorted:
    """Attempts of a service that came: *new* ones, and *late* ones, whose day is closed.

    *conflicts* are on record with other content.
    """

    new: list[Attempt] = field(default_factory=list)
    late: list[Attempt] = field(default_factory=list)
    conflicts: list[Attempt] = field(default_factory=list)
    doubled: list[Doubled] = field(default_factory=list)


def sort_out(
    reader: JournalReader, service: str, came: Sequence[Attempt], *, closed: Minute
) -> Sorted:
    """Hold what *came* of a service against the record.

    Days that end at *closed* or before take nothing any more, nor do sealed ones. What is in *came*
    twice counts once. Evidence does not travel, and is not compared.
    """
    minutes = [look_minute(a) for a in came]
    on_record = reader.attempts(service, min(minutes), Minute(max(minutes) + 1))
    known = {identity(a): a for a in on_record}
    shut = max(closed, sealed_until(reader, service))
    found = Sorted()
    for attempt in came:
        there = known.get(identity(attempt))
        if there is None:
            known[identity(attempt)] = attempt
            (found.late if look_minute(attempt) < shut else found.new).append(attempt)
        elif replace(there, evidence=None) != replace(attempt, evidence=None):
            found.conflicts.append(attempt)
    found.doubled.extend(_doubled(known.values(), found.new))
    return found


def _doubled(attempts: Iterable[Attempt], new: Sequence[Attempt]) -> Iterable[Doubled]:
    looks: dict[tuple[str, str, Minute], set[Instant]] = defaultdict(set)
    for attempt in attempts:
        looks[attempt.probe, attempt.vantage, look_minute(attempt)].add(attempt.look)
    seen: set[str] = set()
    for attempt in new:
        starts = sorted(looks[attempt.probe, attempt.vantage, look_minute(attempt)])
        if len(starts) > 1 and attempt.vantage not in seen:
            seen.add(attempt.vantage)
            yield Doubled(attempt.vantage, attempt.service, attempt.probe, starts[0], starts[1])


def sealed_until(reader: JournalReader, service: str) -> Minute:
    """Return the minute before which the service's days are sealed; 0 before the first."""
    last = reader.last_seal(service)
    return Minute(day_minutes(last.day).stop) if last is not None else Minute(0)


def opened(reader: JournalReader, service: str, *, closed: Minute, due: Minute) -> Minute:
    """Return from which minute on a service takes attempts of other vantages.

    From the end of the last sealed day, or *closed*; before the first, from the first day with
    letters on record, or from the first day that is not *due* to be sealed.
    """
    shut = max(closed, sealed_until(reader, service))
    span = reader.span(service)
    if shut or span is None:
        return shut or due
    return Minute(min(due, day_minutes(day_of(Minute(span.start))).start))


def judged_again(
    reader: JournalReader, present: InForce, start: Minute, stop: Minute
) -> tuple[Laid, ...]:
    """Judge the minutes [start, stop) of a service from the record; return where letters differ.

    *present* are the terms now: minutes before the first terms on record are judged under them.
    Sealed days are left alone.
    """
    service = present.watch.service
    start = max(start, sealed_until(reader, service))
    if start >= stop:
        return ()
    laid = []
    for terms, first, end in _in_force(reader, present, start, stop):
        strip = judged(reader, service, terms.watch, first, end)
        if strip != reader.letters(service, first, end):
            laid.append(Laid(strip, terms.sha256))
    return tuple(laid)


def _in_force(
    reader: JournalReader, present: InForce, start: Minute, stop: Minute
) -> Iterable[tuple[InForce, Minute, Minute]]:
    """Yield the terms that apply in [start, stop), each with its stretch of it."""
    known = known_terms(reader, present.watch.service)
    terms = [replace(present, since=Minute(0)), *known]
    for one, following in zip(terms, [*(t.since for t in known), stop], strict=True):
        first, end = max(start, one.since), min(stop, following)
        if first < end:
            yield one, Minute(first), Minute(end)


def reach(attempts: Sequence[Attempt], terms: InForce) -> range:
    """Return the minutes whose letters may follow from *attempts*, at least one."""
    minutes = [a.look // MINUTE for a in attempts]
    return range(min(minutes), max(minutes) + 1 + lookback(terms.watch))
