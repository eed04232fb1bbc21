"""Settling again from the looks, and holding the letters on record against it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from uptimed.core.chain import ChainFault, attempts_digest, chain_faults
from uptimed.core.minutes import Minute, day_minutes, days_between
from uptimed.core.settings import ServiceSettings
from uptimed.core.strip import Strip
from uptimed.ledger.reading import settle
from uptimed.ports import JournalReader


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


def replay(reader: JournalReader, service: ServiceSettings, start: Minute, stop: Minute) -> Replay:
    """Settle [start, stop) again, day by day, and compare with the letters on record."""
    span = reader.span(service.id)
    first = Minute(max(start, span.start)) if span else start
    last = Minute(min(stop, span.stop)) if span else start
    days = days_between(first, last)
    seals = reader.seals(service.id, days[0], days[-1]) if days else ()
    sealed = {seal.day: seal for seal in seals}
    differences: list[Difference] = []
    gone: list[date] = []
    faults = list(chain_faults([(seal.record, seal.sha256) for seal in seals]))
    compared = 0
    for day in days:
        minutes = day_minutes(day)
        begin, end = Minute(max(first, minutes.start)), Minute(min(last, minutes.stop))
        if day in sealed:
            kept = _kept(reader, service, day, sealed[day].record)
            if kept == "gone":
                gone.append(day)
                continue
            if kept:
                faults.append(ChainFault(day=day, reason=kept))
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
        sealed_days=len(seals),
    )


def _kept(reader: JournalReader, service: ServiceSettings, day: date, record: str) -> str:
    """Return "" where the day's looks are those that were sealed, else what became of them."""
    minutes = day_minutes(day)
    attempts = reader.attempts(service.id, Minute(minutes.start), Minute(minutes.stop))
    try:
        raw = json.loads(record)
        looks, sealed = raw["looks_sha256"], raw["letters"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""  # the chain tells of a record that cannot be read
    if looks == attempts_digest(attempts):
        letters = reader.letters(service.id, Minute(minutes.start), Minute(minutes.stop))
        return "" if letters.plain == sealed else "the letters are not those sealed"
    return "the looks are not those sealed" if attempts else "gone"


def _compare(
    reader: JournalReader, service: ServiceSettings, start: Minute, stop: Minute
) -> Iterator[Difference]:
    again = "".join(strip.letters for strip, _ in settle(reader, service, start, stop))
    record = reader.letters(service.id, start, stop).letters
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
