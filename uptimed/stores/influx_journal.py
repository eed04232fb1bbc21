"""A journal read from InfluxDB: what `uptimed.ports.JournalReader` asks for, of one monitor.

For commands on a host that has no journal. It blocks, and is for one thread. What was asked once
is not asked again: a command sees one picture, however much arrives meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, TypeVar

from uptimed.core.entries import Entry, EntryKind
from uptimed.core.issues import Post
from uptimed.core.minutes import Minute, day_minutes, day_of, days_between
from uptimed.core.observations import Attempt, Instant
from uptimed.core.settings import Influx
from uptimed.core.strip import NOT_MEASURED, Strip
from uptimed.core.terms import RULES_VERSION
from uptimed.ports import (
    BlindMinute,
    Clock,
    ConfigRecord,
    ContractRecord,
    DayLetters,
    LifeEvent,
    Seal,
    Secrets,
    StoreError,
)
from uptimed.stores import influx_records as records
from uptimed.stores.influx_reader import InfluxReader, influx_reader

T = TypeVar("T")

_FIRST_DAY = date(1970, 1, 1)


class InfluxJournal:
    """What the monitor *vantage* brought there."""

    def __init__(self, runner: asyncio.Runner, reader: InfluxReader, vantage: str) -> None:
        self._runner, self._reader, self.vantage = runner, reader, vantage
        self._known: dict[Hashable, Any] = {}

    def services(self) -> Sequence[str]:
        """Return the services that there are looks or letters of, by name."""
        return self._once(("services",), self._reader.services)

    def attempts(self, service: str, start: Minute, stop: Minute) -> Sequence[Attempt]:
        """Return the attempts whose look begins in [start, stop), by look, start and account.

        They come without evidence, which never leaves a journal.
        """

        async def read() -> list[Attempt]:
            return [a async for a in self._reader.attempts(service, start, stop)]

        return self._runner.run(read())

    def letters(self, service: str, start: Minute, stop: Minute) -> Strip:
        """Return the letters on record for [start, stop); minutes without one are `N`."""
        return Strip(start, records.as_shown(self._laid(service, start, stop)))

    def days(self, service: str, first: date, last: date) -> Sequence[DayLetters]:
        """Return the days on record from *first* to *last*, both included, in order."""
        span = self.span(service)
        if span is None:
            return []
        first = max(first, day_of(Minute(span.start)))
        last = min(last, day_of(Minute(span.stop - 1)))
        if last < first:
            return []
        terms = self._once(
            ("terms", service, first, last),
            lambda: self._reader.day_terms(service, first, last, vantage=self.vantage),
        )
        sealed = {seal.day for seal in self.seals(service, first, last)}
        found = (
            self._day(service, day, terms, sealed=day in sealed)
            for day in days_between(
                Minute(day_minutes(first).start), Minute(day_minutes(last).stop)
            )
        )
        return [day for day in found if day.letters]

    def _day(
        self, service: str, day: date, terms: Mapping[date, tuple[str, int]], *, sealed: bool
    ) -> DayLetters:
        minutes = day_minutes(day)
        laid = self._laid(service, Minute(minutes.start), Minute(minutes.stop))
        digest, rules = terms.get(day, ("", RULES_VERSION))
        return DayLetters(
            service=service, day=day, terms_sha256=digest, rules=rules, sealed=sealed,
            letters=records.as_shown(laid.rstrip(records.NOT_LAID)),
        )  # fmt: skip

    def span(self, service: str) -> range | None:
        """Return the minutes from the first to the last letter on record, or None.

        Days that are sealed are on record whole.
        """
        return self._once(("span", service), lambda: self._span(service))

    async def _span(self, service: str) -> range | None:
        span = await self._reader.span(service, vantage=self.vantage)
        seals = await self._all_seals(service)
        if not seals:
            return span
        sealed = range(day_minutes(seals[0].day).start, day_minutes(seals[-1].day).stop)
        if span is None:
            return sealed
        return range(min(span.start, sealed.start), max(span.stop, sealed.stop))

    def blind(self, vantages: Sequence[str], start: Minute, stop: Minute) -> Sequence[BlindMinute]:
        """Return the blind minutes of *vantages* in [start, stop), by minute and vantage."""
        key = ("blind", tuple(vantages), start, stop)
        return self._once(key, lambda: self._reader.blind(vantages, start, stop))

    def configs(self, service: str) -> Sequence[ConfigRecord]:
        """Return the service's watch terms over time, oldest first."""
        return self._once(
            ("configs", service), lambda: self._reader.configs(service, vantage=self.vantage)
        )

    def life(self, start: Minute, stop: Minute) -> Sequence[LifeEvent]:
        """Return the events that happened in, or explain minutes of, [start, stop), in order."""
        key = ("life", start, stop)
        return self._once(key, lambda: self._reader.life(start, stop, vantage=self.vantage))

    def seals(self, service: str, first: date, last: date) -> Sequence[Seal]:
        """Return the sealed days from *first* to *last*, both included, in order."""
        seals: Sequence[Seal] = self._once(("seals", service), lambda: self._all_seals(service))
        return [seal for seal in seals if first <= seal.day <= last]

    def last_seal(self, service: str) -> Seal | None:
        """Return the head of the service's chain, or None before the first sealed day."""
        seals = self.seals(service, _FIRST_DAY, date.max)
        return seals[-1] if seals else None

    async def _all_seals(self, service: str) -> Sequence[Seal]:
        known: Sequence[Seal] | None = self._known.get(("seals", service))
        if known is None:
            known = await self._reader.seals(service, _FIRST_DAY, date.max, vantage=self.vantage)
            self._known["seals", service] = known
        return known

    def entries(
        self, client: str = "", kinds: Sequence[EntryKind] = tuple(EntryKind), *, after: int = 0
    ) -> Sequence[Entry]:
        """Return the entries of *client* and *kinds* with a number above *after*, in order.

        Those of every client where *client* is empty.
        """
        every: Sequence[Entry] = self._once(
            ("entries",), lambda: self._reader.entries(vantage=self.vantage)
        )
        return [
            entry
            for entry in every
            if entry.number > after and entry.kind in kinds and client in {"", entry.client}
        ]

    def contracts(self, client: str) -> Sequence[ContractRecord]:
        """Return what was agreed with the client over time, oldest first."""
        return self._once(
            ("contracts", client), lambda: self._reader.contracts(client, vantage=self.vantage)
        )

    def posts(self, client: str) -> Sequence[Post]:
        """Return what of the client's mails in the outbox concerns figures, oldest first."""
        return self._once(
            ("posts", client), lambda: self._reader.posts(client, vantage=self.vantage)
        )

    def heartbeat(self) -> Instant | None:
        """Return when that monitor was last known to be alive."""
        return self._once(("heartbeat",), lambda: self._reader.heartbeat(vantage=self.vantage))

    def cursor(self, name: str) -> int:
        """Return 0: followers keep how far they are in their own journal."""
        del name
        return 0

    def attempt_counts(
        self, service: str, start: Minute, stop: Minute, every: int
    ) -> Mapping[tuple[str, Minute], int]:
        """Return how many attempts began in each *every* minutes of [start, stop).

        By vantage and the first minute; nothing stands for none. *start* is a multiple of *every*.
        """
        return self._once(
            ("counts", service, start, stop, every),
            lambda: self._reader.counts([service], (), start, stop, every),
        )

    def _laid(self, service: str, start: Minute, stop: Minute) -> str:
        """Return the letters of [start, stop), `.` where none was laid. Asks for whole days."""
        pieces: list[str] = []
        sealed = {seal.day for seal in self.seals(service, day_of(start), day_of(stop))}
        missing = [
            day for day in days_between(start, stop) if ("day", service, day) not in self._known
        ]
        if missing:
            self._learn(service, missing[0], missing[-1])
        for day in days_between(start, stop):
            minutes = day_minutes(day)
            laid: str = self._known["day", service, day]
            if day in sealed:
                laid = laid.replace(records.NOT_LAID, NOT_MEASURED)
            first, last = max(start, minutes.start), min(stop, minutes.stop)
            pieces.append(laid[first - minutes.start : last - minutes.start])
        return "".join(pieces)

    def _learn(self, service: str, first: date, last: date) -> None:
        start, stop = Minute(day_minutes(first).start), Minute(day_minutes(last).stop)
        strip = self._runner.run(self._reader.laid(service, start, stop, vantage=self.vantage))
        for day in days_between(start, stop):
            minutes = day_minutes(day)
            piece = strip.cut(Minute(minutes.start), Minute(minutes.stop))
            self._known["day", service, day] = piece.letters

    def _once(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        async def read() -> T:
            return await ask()

        if key not in self._known:
            self._known[key] = self._runner.run(read())
        found: T = self._known[key]
        return found


@contextmanager
def influx_journal(
    influx: Influx, vantage: str, *, secrets: Secrets, clock: Clock, software: str
) -> Iterator[InfluxJournal]:
    """Open what the monitor *vantage* brought to what *influx* names.

    Where only another monitor did, it is that one. Raise `StoreError` where it is not clear whose
    letters are wanted, or nobody brought any.
    """
    with asyncio.Runner() as runner:
        opened = influx_reader(influx, secrets=secrets, clock=clock, software=software)
        reader = runner.run(opened.__aenter__())
        try:
            monitors = runner.run(_monitors(reader))
            yield InfluxJournal(runner, reader, _whose(influx, vantage, monitors))
        finally:
            runner.run(opened.__aexit__(None, None, None))


async def _monitors(reader: InfluxReader) -> Sequence[str]:
    return await reader.monitors()


def _whose(influx: Influx, vantage: str, monitors: Sequence[str]) -> str:
    if vantage in monitors:
        return vantage
    if len(monitors) == 1:
        return monitors[0]
    where = f"InfluxDB at {influx.url}, bucket {influx.bucket_letters}"
    if not monitors:
        raise StoreError(f"{where}: no monitor has brought letters there yet")
    told = ", ".join(monitors)
    raise StoreError(
        f"{where}: has the letters of {told} and none of {vantage}; name one as [vantage] name"
    )
