"""Sealing: the record of each UTC day of each service, in order and without a gap.

A day is sealed some hours after its end, once its letters are settled and on record. A day without
letters is sealed as 1440 `N`: the chain has no gap, and a dead monitor is in it. What a restored
backup has lost is sealed as `N` as well, by records that name the head that was lost.

Minutes that were only ever imported are judged under the present terms as long as their day is
open. Sealing records those terms with it, so that replay knows them for good, and judges the day
once more where its letters were made under others.

A service that is not configured any more has its last days sealed as well, when they are due and
under the terms on record: its chain ends with the last day that has letters or looks. What it had
been looking at until then may have no letters yet, so those days are judged from their looks. A
service that never had terms on record was never watched, and gets no chain.

While our clock cannot be believed nothing is sealed: a sealed day does not come back.

Reading and hashing run off the event loop, one service and day at a time.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from uptimed.core.chain import GENESIS, attempts_digest, seal_record
from uptimed.core.minutes import MINUTES_PER_DAY, Minute, day_minutes, day_of, start_of
from uptimed.core.observations import SECOND, Instant
from uptimed.core.strip import NOT_MEASURED, Strip
from uptimed.core.terms import watch_terms_of
from uptimed.daemon.parts import HostClock
from uptimed.daemon.record import in_pieces, judged
from uptimed.daemon.settle import InForce
from uptimed.ports import (
    Batch,
    ConfigRecord,
    DayLetters,
    Journal,
    JournalReader,
    LostHead,
    Offload,
    Seal,
    SealedDay,
    StoreError,
)

_PAUSE_US = SECOND // 200
"""Between two days: a long catch-up must not crowd out the looks."""

_DAY = timedelta(days=1)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Head:
    """Where a service's chain stands: the day to be sealed next, and the record before it."""

    next_day: date
    sha256: str


@dataclass(frozen=True, slots=True)
class _Again:
    """A day's letters judged once more, and terms that are to be recorded with them."""

    letters: Strip
    terms_sha256: str
    configs: tuple[ConfigRecord, ...]


class Sealer:
    """Seals what is due. It remembers the heads of the chains, so that it asks for them once."""

    def __init__(
        self,
        *,
        journal: Journal,
        reader: JournalReader,
        offload: Offload,
        clock: HostClock,
        software: str,
        restored: Sequence[LostHead] = (),
    ) -> None:
        self._journal, self._reader, self._offload = journal, reader, offload
        self._clock, self._software = clock, software
        self._heads: dict[str, _Head] = {}
        self._restored: Mapping[str, LostHead] = {lost.service: lost for lost in restored}

    async def seal_due(
        self,
        services: Mapping[str, Minute],
        due: Minute,
        terms_of: Callable[[str, Minute], InForce | None],
    ) -> bool:
        """Seal each day that ended at *due* or before; return whether none is left.

        *services* maps each service to the minute it is settled to. *terms_of* gives the terms of
        a service's minute. Stops at the first trouble with the journal: the next round goes on.
        """
        try:
            await self._find_heads(services)
            for service, settled in services.items():
                await self._seal_service(service, Minute(min(due, settled)), terms_of)
        except StoreError as error:
            _log.warning("sealing waits for the journal: %s", error)
            return False
        return all(settled >= due for settled in services.values())

    async def seal_ended(self, watched: Collection[str], due: Minute) -> bool:
        """Seal the days that ended at *due* or before of services that are not *watched* any more.

        Return False at trouble with the journal: the next round goes on.
        """
        try:
            ended = await self._offload(lambda: self._ended(watched))
            await self._find_heads(ended)
            for service, end in ended.items():
                await self._seal_service(service, Minute(min(due, end)), lambda _s, _m: None)
        except StoreError as error:
            _log.warning("sealing waits for the journal: %s", error)
            return False
        return True

    def _ended(self, watched: Collection[str]) -> Mapping[str, Minute]:
        """Return the services whose terms are on record and that nobody watches, and their ends."""
        reader = self._reader
        gone = [service for service in reader.services() if service not in watched]
        return {service: self._end_of(service) for service in gone if reader.configs(service)}

    def _end_of(self, service: str) -> Minute:
        """Return the end of the last day that a service has something of on record."""
        span, lost = self._reader.span(service), self._restored.get(service)
        last = Minute(span.stop - 1) if span is not None else Minute(0)
        end = Minute(day_minutes(day_of(last)).stop)
        after = Minute(end + MINUTES_PER_DAY)
        if self._reader.attempts(service, end, after):  # killed before midnight's look was judged
            end = after
        return end if lost is None else max(end, Minute(day_minutes(lost.day).stop))

    async def _find_heads(self, services: Iterable[str]) -> None:
        """Ask for the heads of chains that are not known yet, many at a time."""
        unknown = [service for service in services if service not in self._heads]
        for some in in_pieces(unknown):

            def find(some: Sequence[str] = some) -> Mapping[str, _Head | None]:
                return {service: self._find_head(service) for service in some}

            found = await self._offload(find)
            self._heads |= {service: head for service, head in found.items() if head is not None}

    async def _seal_service(
        self, service: str, due: Minute, terms_of: Callable[[str, Minute], InForce | None]
    ) -> None:
        head = self._heads.get(service)
        while head is not None and day_minutes(head.next_day).stop <= due:
            terms = terms_of(service, Minute(day_minutes(head.next_day).stop - 1))
            batch = await self._offload(self._day(service, head, terms))
            try:
                await self._journal.write(batch)
            except SealedDay as error:  # by somebody else: look again where the chain stands
                _log.warning("%s is looked at again: %s", service, error)
                self._heads.pop(service, None)
                return
            head = _Head(head.next_day + _DAY, batch.seals[0].sha256)
            self._heads[service] = head
            await self._clock.sleep(_PAUSE_US)

    def _find_head(self, service: str) -> _Head | None:
        last = self._reader.last_seal(service)
        if last is not None:
            return _Head(last.day + _DAY, last.sha256)
        span = self._reader.span(service)
        lost = self._restored.get(service)
        if span is not None:
            return _Head(day_of(Minute(span.start)), GENESIS)
        return _Head(lost.day, GENESIS) if lost is not None else None

    def _day(self, service: str, head: _Head, terms: InForce | None) -> Callable[[], Batch]:
        return lambda: self._sealed(service, head, terms)

    def _sealed(self, service: str, head: _Head, terms: InForce | None) -> Batch:
        reader, day = self._reader, head.next_day
        minutes = day_minutes(day)
        start, stop = Minute(minutes.start), Minute(minutes.stop)
        lost = self._restored.get(service)
        lost = lost if lost is not None and day <= lost.day else None
        on_record = next(iter(reader.days(service, day, day)), None)
        letters = reader.letters(service, start, stop)
        digest = on_record.terms_sha256 if on_record is not None else ""
        digest = digest or (terms.sha256 if terms is not None else "")
        again = None
        if lost is not None:
            letters = Strip(start, NOT_MEASURED * len(minutes))
        else:
            again = self._judged_again(service, minutes, on_record, terms)
        if again is not None:
            letters, digest = again.letters, again.terms_sha256
        record, sha256 = seal_record(
            service=service,
            day=day,
            letters=letters,
            attempts_sha256=attempts_digest(reader.attempts(service, start, stop)),
            terms_sha256=digest,
            software=self._software,
            previous_sha256=head.sha256,
            lost_head=lost.sha256 if lost is not None else "",
        )
        whole = on_record is not None and len(on_record.letters) == len(minutes)
        kept = whole and lost is None and again is None
        return Batch(
            letters=() if kept else ((service, letters, digest),),
            configs=again.configs if again is not None else (),
            seals=(Seal(service=service, day=day, record=record, sha256=sha256),),
        )

    def _judged_again(
        self, service: str, minutes: range, on_record: DayLetters | None, present: InForce | None
    ) -> _Again | None:
        """Judge a day once more that has looks from before all recorded terms, or stale letters.

        So is every day of a service that is not watched any more: without *present* terms.
        """
        start, stop = Minute(minutes.start), Minute(minutes.stop)
        known = list(self._reader.configs(service))
        ended = present is None
        if ended and known:  # what was before the first terms on record is judged under those
            present = InForce(start, watch_terms_of(known[0].canonical), known[0].sha256)
        new: list[ConfigRecord] = []
        before = min(stop, known[0].since) if known else stop
        if present is not None and self._reader.attempts(service, start, Minute(before)):
            new.append(_record(service, start, present))
        terms = [*new, *known]
        last = Minute(start + len(on_record.letters) - 1) if on_record is not None else start
        stale = on_record is not None and _digest_at(terms, last) not in {
            "", on_record.terms_sha256,
        }  # fmt: skip
        if not new and not stale and not (ended and known):
            return None
        letters, at = "", start
        for record, following in zip(terms, [*(r.since for r in terms[1:]), stop], strict=True):
            first, end = max(at, record.since), Minute(min(following, stop))
            if end > first:
                watch = watch_terms_of(record.canonical)
                strip = judged(self._reader, service, watch, first, end)
                letters += NOT_MEASURED * (first - at) + strip.letters
                at = end
        letters += NOT_MEASURED * (stop - at)
        digest = _digest_at(terms, Minute(stop - 1)) or terms[0].sha256
        return _Again(Strip(start, letters), digest, tuple(new))


def _record(service: str, since: Minute, terms: InForce) -> ConfigRecord:
    return ConfigRecord(
        service=service, since=since, sha256=terms.sha256, canonical=terms.watch.canonical()
    )


def _digest_at(terms: Sequence[ConfigRecord], minute: Minute) -> str:
    """Return the digest of the terms in force at *minute*; nothing before the first."""
    return next((r.sha256 for r in reversed(terms) if r.since <= minute), "")


def due_until(now: Instant, seal_after_us: int) -> Minute:
    """Return the minute whose days that end at it or before are due to be sealed."""
    latest = day_of(Minute((now - seal_after_us) // start_of(Minute(1))))
    return Minute(day_minutes(latest).start)
