"""Settling again from the looks, and holding the letters on record against it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from uptimed.core.chain import ChainFault, attempts_digest, chain_faults
from uptimed.core.minutes import Minute, day_minutes, days_between
from uptimed.core.observations import Attempt
from uptimed.core.settings import ServiceSettings
from uptimed.core.strip import Strip
from uptimed.ledger.reading import letters, settle
from uptimed.ports import JournalReader

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Minutes [start, stop) whose letter on record is not the one that the looks give."""

    start: Minute
    stop: Minute
    on_record: str
    replayed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What settling again found. *without_looks* are sealed days whose looks are pruned."""

    service: str
    start: Minute
    stop: Minute
    compared: int
    differences: tuple[Difference, ...]
    without_looks: tuple[date, ...]
    chain: tuple[ChainFault, ...]
    sealed_days: int

    @property
    def agrees(self) -> bool:
        """Return whether the record and the looks say the same, and the chain holds."""
        return not self.differences and not self.chain


def replay(
    reader: JournalReader,
    service: ServiceSettings,
    start: Minute,
    stop: Minute,
    *,
    pruned_before: date,
) -> Replay:
    """Settle [start, stop) again, day by day, and compare with the letters on record.

    Sealed days before *pruned_before* may have lost their looks to retention, and no others.
    """
    span = reader.span(service.id)
    first = Minute(max(start, span.start)) if span else start
    last = Minute(min(stop, span.stop)) if span else start
    days = days_between(first, last)
    kept = {d.day: d for d in reader.days(service.id, days[0], days[-1])} if days else {}
    seals = reader.seals(service.id, days[0] - _DAY, days[-1]) if days else ()
    sealed = {seal.day: seal for seal in seals if seal.day in kept}
    faults = list(chain_faults([(seal.record, seal.sha256) for seal in seals]))
    faults += [
        ChainFault(day=day, reason="it is sealed, and its record is missing")
        for day, found in kept.items()
        if found.sealed and day not in sealed
    ]
    differences: list[Difference] = []
    gone: list[date] = []
    compared = 0
    for day in days:
        minutes = day_minutes(day)
        begin, end = Minute(max(first, minutes.start)), Minute(min(last, minutes.stop))
        if day in sealed:
            attempts = reader.attempts(service.id, Minute(minutes.start), Minute(minutes.stop))
            why = _altered(reader, service, day, sealed[day].record, attempts)
            if why == _LOOKS_GONE and day < pruned_before:
                gone.append(day)
                continue
            if why:
                faults.append(ChainFault(day=day, reason=why))
        compared += end - begin
        differences.extend(_compare(reader, service, begin, end))
    return Replay(
        service=service.id,
        start=first,
        stop=last,
        compared=compared,
        differences=tuple(differences),
        without_looks=tuple(gone),
        chain=tuple(faults),
        sealed_days=len(sealed),
    )


_LOOKS_GONE = "its looks are missing"


def _altered(
    reader: JournalReader,
    service: ServiceSettings,
    day: date,
    record: str,
    attempts: Sequence[Attempt],
) -> str:
    """Return "" where a sealed day is as it was sealed, else what became of it."""
    minutes = day_minutes(day)
    try:
        raw = json.loads(record)
        looks, sealed = raw["looks_sha256"], raw["letters"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""  # the chain tells of a record that cannot be read
    if reader.letters(service.id, Minute(minutes.start), Minute(minutes.stop)).plain != sealed:
        return "the letters are not those sealed"
    if looks == attempts_digest(attempts):
        return ""
    return "the looks are not those sealed" if attempts else _LOOKS_GONE


def _compare(
    reader: JournalReader, service: ServiceSettings, start: Minute, stop: Minute
) -> Iterator[Difference]:
    again = "".join(strip.letters for strip, _ in settle(reader, service, start, stop))
    record = letters(reader, service, start, stop).letters
    if again == record:
        return
    marks = "".join("=" if a == b else "!" for a, b in zip(record, again, strict=True))
    for run in Strip(start, marks).runs():
        if run.letter == "!":
            first, last = run.start - start, run.stop - start
            yield Difference(
                start=run.start,
                stop=run.stop,
                on_record=record[first:last],
                replayed=again[first:last],
            )
