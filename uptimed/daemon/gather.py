"""Gathering: the looks of other vantages, from where all monitors leave theirs.

| beat                 | what is read                                                        |
|----------------------|---------------------------------------------------------------------|
| every few seconds    | the attempts of the last minutes                                    |
| every minute         | how many attempts there are, in pieces of ten minutes of every day  |
|                      | that is not sealed; of the pieces whose count changed, all attempts |
| every hour           | the same of the last sealed days: what came too late is told        |

* What is new is on record before anything follows from it. Letters of the last minutes follow at
  once, earlier ones are judged from the record. Where we are killed in between they are judged at
  the next start: then all unsealed days are.
* Reading the same again changes nothing, so nothing depends on when we are killed, on what an
  answer lacked, or on the order in which looks come.
* A day is sealed only after it was gathered whole, once it was due; but no more than an hour late.
* A sealed day takes nothing any more. What comes for it is counted and told, and stays where it is.
* That nothing can be read from there is told once, and changes no letter by itself.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from uptimed.core.minutes import (
    MINUTES_PER_DAY,
    Minute,
    day_minutes,
    days_between,
    minute_of,
    moment_of,
    start_of,
)
from uptimed.core.observations import SECOND, Attempt, Instant
from uptimed.core.snapshot import GatherView, VantageView
from uptimed.daemon.aside import Aside
from uptimed.daemon.fleet import Fleet, ServiceRun
from uptimed.daemon.keeper import Keeper
from uptimed.daemon.late import Doubled, Sorted, judged_again, opened, reach, sort_out
from uptimed.daemon.parts import DaemonParts
from uptimed.daemon.record import in_pieces
from uptimed.daemon.seal import due_until
from uptimed.ports import (
    AttemptConflict,
    Batch,
    BlindMinute,
    SealedDay,
    SharedLooks,
    StoreError,
)

PIECE = 10
"""Minutes whose attempts are counted together, and read together."""

SEALED_DAYS = 7
"""Days before the unsealed ones in which we look for what came too late."""

FURTHEST_DAYS = 35
"""Days that are gathered at most where the last seal is long ago."""

SEAL_PATIENCE_US = 3600 * SECOND
"""How much later a day is sealed at most, where it could not be gathered whole."""

CLOSED = "gather/closed"
"""The cursor that keeps up to which minute days are closed, where nothing is sealed."""

_LATEST_US = 120 * SECOND  # looks take up to 55 s, followers some seconds; clocks differ by 30 s
_WHOLE_US = 60 * SECOND
_SEALED_US = 3600 * SECOND
_TRIES = 3  # pieces of a day that cannot be read, before all of it is left for later
_BATCH = 1_000  # attempts at a time: looks go on meanwhile
_DOUBLED_US = 900 * SECOND  # so long a vantage is shown as doubled after it was
_TOLD_AGAIN_US = 3600 * SECOND

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Seen:
    """What is known of a vantage since the start."""

    last: Instant | None = None
    taken: int = 0
    set_aside: int = 0
    doubled: Instant | None = None
    told: Instant | None = None


@dataclass(slots=True)
class _Read:
    """What one read came to: attempts by vantage, and late ones by service and vantage."""

    there: Counter[str] = field(default_factory=Counter)
    late: Counter[tuple[str, str]] = field(default_factory=Counter)


class Gatherer:
    """Takes in what other vantages saw. `gate` is held while the record changes by it."""

    def __init__(
        self,
        shared: SharedLooks,
        parts: DaemonParts,
        *,
        keeper: Keeper,
        fleet: Fleet,
        believed: Callable[[], bool],
    ) -> None:
        """Gather from *shared*. *believed* says whether our clock can be believed."""
        self._believed = believed
        self._shared, self._parts, self._keeper, self._fleet = shared, parts, keeper, fleet
        self._clock, self._reader = parts.clock, parts.reader
        self.gate = asyncio.Lock()
        self._started = parts.clock.now()
        self._complete = Minute(0)
        self._closed = Minute(0)
        self._open: dict[str, Minute] = {}  # from which minute on a service takes attempts
        self._counted: dict[tuple[str, Minute], int] = {}
        self._owed: dict[str, range] = {}  # minutes that are to be judged from the record
        self._aside = Aside(parts, piece=PIECE)
        self._seen: dict[str, _Seen] = defaultdict(_Seen)
        self._errors: dict[str, str] = {}
        self._answered: Instant | None = None
        self._sealed_beat: int | None = None

    def use(self, parts: DaemonParts) -> None:
        """Go by *parts* from now on; clock, journal, reader and vantage are the same."""
        self._parts = parts

    # What others see

    def view(self) -> GatherView:
        """Return what is known of other vantages, and of our own while somebody else has it."""
        now = self._clock.now()
        own = self._parts.vantage
        names = {*self._vantages(), *([own] if self._is_doubled(own, now) else [])}
        return GatherView(
            answered_at=self._answered,
            error=next((e for e in self._errors.values() if e), ""),
            vantages=tuple(
                VantageView(
                    name=name, last_look=seen.last, taken=seen.taken, set_aside=seen.set_aside,
                    doubled=self._is_doubled(name, now),
                )
                for name, seen in ((name, self._seen[name]) for name in sorted(names))
            ),
        )  # fmt: skip

    def _is_doubled(self, vantage: str, now: Instant) -> bool:
        at = self._seen[vantage].doubled
        return at is not None and now - at < _DOUBLED_US

    def may_seal(self, due: Minute) -> Minute:
        """Return up to which minute days may be sealed, of those that are due until *due*."""
        since = max(self._started, start_of(due) + self._parts.seal_after_us)
        patient = self._clock.now() - since < SEAL_PATIENCE_US
        return min(due, self._complete) if patient else due

    # The beats

    async def latest(self) -> None:
        """Read the attempts of the last minutes, every few seconds, until cancelled."""
        while True:
            await self._patiently("the latest looks", self._read_latest)
            await self._clock.sleep(self._parts.gather_every_us)

    async def whole(self) -> None:
        """Read what came late, every minute, until cancelled."""
        while True:
            begun = self._clock.monotonic()
            await self._patiently("late looks", self._read_whole)
            # Of a large fleet it takes a while, and shall not take all there is.
            await self._clock.sleep(max(_WHOLE_US, self._clock.monotonic() - begun))

    async def _patiently(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except StoreError as error:
            if self._errors.get(what) != str(error):
                _log.warning("%s of other vantages do not come: %s", what, error)
            self._errors[what] = str(error)
        else:
            if self._errors.pop(what, ""):
                _log.warning("%s of other vantages come again", what)

    async def _read_latest(self) -> None:
        services, vantages = self._services(), self._vantages()
        if not vantages:
            return
        now, around = self._clock.now(), _LATEST_US + self._parts.gather_every_us
        first = Minute(minute_of(now) - around // (60 * SECOND) - 1)
        await self._take_blind(await self._shared.blind(vantages, first, Minute(first + 60)))
        asked = [*vantages, *self._self(services)]
        await self._read(services, asked, Instant(now - around), Instant(now + _LATEST_US))
        self._answered = self._clock.now()

    def _self(self, services: Sequence[str]) -> Sequence[str]:
        """Return our own name where we look: somebody else may have it as well."""
        runs, own = self._fleet.runs, self._parts.vantage
        return [own] if any(runs[s].watches for s in services if s in runs) else []

    def _services(self) -> Sequence[str]:
        return [s for s, run in self._fleet.runs.items() if self._fleet.others(run)]

    def _vantages(self) -> Sequence[str]:
        runs = self._fleet.runs.values()
        return sorted({name for run in runs for name in self._fleet.others(run)})

    # What came late

    async def _read_whole(self) -> None:
        due = due_until(self._clock.now(), self._parts.seal_after_us)
        services, vantages = self._services(), self._vantages()
        if not services:
            return
        await self._find_open(services, due)
        async with self.gate:
            await self._judge_owed()
        first = min(self._open[s] for s in services)
        stop = Minute(minute_of(self._clock.now()) + PIECE)
        for day in days_between(first, stop):
            await self._read_day(day, services, vantages)
        self._answered = self._clock.now()
        await self._have_complete(due)
        if self._sealed_is_due():
            for day in days_between(Minute(first - SEALED_DAYS * MINUTES_PER_DAY), first):
                await self._read_day(day, services, vantages)
        await self._aside.tell()
        oldest = first - (SEALED_DAYS + 1) * MINUTES_PER_DAY
        self._counted = {key: n for key, n in self._counted.items() if key[1] >= oldest}

    def _sealed_is_due(self) -> bool:
        now = self._clock.monotonic()
        if self._sealed_beat is not None and now - self._sealed_beat < _SEALED_US:
            return False
        self._sealed_beat = now
        return True

    async def _find_open(self, services: Sequence[str], due: Minute) -> None:
        """Find out from which minute on each service takes attempts.

        What is not sealed is to be judged once, at the start.
        """
        reader, furthest = self._reader, due - FURTHEST_DAYS * MINUTES_PER_DAY

        def read() -> tuple[Minute, Mapping[str, Minute]]:
            closed = Minute(0) if self._parts.seals else Minute(reader.cursor(CLOSED))
            return closed, {s: opened(reader, s, closed=closed, due=due) for s in services}

        self._closed, found = await self._parts.offload(read)
        for service, since in found.items():
            known = service in self._open
            self._open[service] = Minute(max(since, furthest))
            if not known:
                self._owe(service, range(self._open[service], minute_of(self._clock.now())))

    async def _have_complete(self, due: Minute) -> None:
        if not self._believed():  # a day that was closed does not open again
            return
        self._complete = max(self._complete, due)
        if not self._parts.seals and due > self._closed:
            await self._parts.journal.write(Batch(cursors={CLOSED: due}))
            self._closed = due

    async def _read_day(self, day: date, services: Sequence[str], vantages: Sequence[str]) -> None:
        """Read the pieces of *day* in which there is another number of attempts than we know."""
        minutes = day_minutes(day)
        start, stop = Minute(minutes.start), Minute(minutes.stop)
        counts = await self._shared.counts(services, vantages, start, stop, PIECE)
        if any(key not in self._counted for key in counts):
            await self._count_ours(services, start, stop)
        await self._take_blind(await self._shared.blind(vantages, start, stop))
        errors: list[StoreError] = []
        for piece, of in self._changed(counts).items():
            first, end = start_of(piece), start_of(Minute(piece + PIECE))
            try:
                found = await self._read(services, of, first, end)
            except StoreError as error:  # it may be of this piece alone
                errors.append(error)
                if len(errors) >= _TRIES:
                    break
                continue
            for vantage in of:
                if found.there[vantage] >= counts[vantage, piece]:  # else it is read again
                    self._counted[vantage, piece] = counts[vantage, piece]
            for vantage, more in self._aside.note(day, piece, found.late).items():
                self._seen[vantage].set_aside += more
        if errors:
            raise errors[0]

    def _changed(self, counts: Mapping[tuple[str, Minute], int]) -> Mapping[Minute, list[str]]:
        """Return the pieces of which there is another count than we know, and whose they are."""
        found: dict[Minute, list[str]] = defaultdict(list)
        for (vantage, piece), count in sorted(counts.items(), key=lambda item: item[0][1]):
            if self._counted.get((vantage, piece)) != count:
                found[piece].append(vantage)
        return found

    async def _count_ours(self, services: Sequence[str], start: Minute, stop: Minute) -> None:
        """Take for known what is on record: so a restart need not read it all again."""
        ours: Counter[tuple[str, Minute]] = Counter()
        for some in in_pieces(services):

            def read(some: Sequence[str] = some) -> None:
                for service in some:
                    ours.update(self._reader.attempt_counts(service, start, stop, PIECE))

            await self._parts.offload(read)
        for key, count in ours.items():
            self._counted.setdefault(key, count)

    # Taking in

    async def _read(
        self, services: Sequence[str], vantages: Sequence[str], start: Instant, stop: Instant
    ) -> _Read:
        """Take in what there is of [start, stop), a batch at a time."""
        found, batch = _Read(), []
        try:
            async for attempt in self._shared.attempts(services, vantages, start, stop):
                batch.append(attempt)
                if len(batch) >= _BATCH:
                    taken, batch = batch, []
                    await self._take(taken, found)
        except StoreError:  # of an answer that breaks off, what came is as good as any
            await self._take(batch, found)
            raise
        await self._take(batch, found)
        return found

    async def _take(self, came: Sequence[Attempt], found: _Read) -> None:
        of: dict[str, list[Attempt]] = defaultdict(list)
        for attempt in came:
            found.there[attempt.vantage] += 1
            run = self._fleet.runs.get(attempt.service)
            others = self._fleet.others(run) if run is not None else frozenset()
            if attempt.vantage in others:
                seen = self._seen[attempt.vantage]
                seen.last = max(seen.last or attempt.look, attempt.look)
            if others and attempt.vantage in {*others, self._parts.vantage}:
                of[attempt.service].append(attempt)
        for some in in_pieces(of):
            async with self.gate:
                await self._take_some({name: of[name] for name in some}, found)

    async def _take_some(self, of: Mapping[str, Sequence[Attempt]], found: _Read) -> None:
        def held() -> Mapping[str, Sorted]:
            return {
                service: sort_out(self._reader, service, came, closed=self._closed)
                for service, came in of.items()
            }

        sorted_out = await self._parts.offload(held)
        new: dict[str, list[Attempt]] = {}
        for service, these in sorted_out.items():
            self._warn(these)
            opened = self._open.get(service, Minute(0))
            mine = [a for a in these.new if a.vantage != self._parts.vantage]
            new[service] = [a for a in mine if minute_of(a.look) >= opened]
            for attempt in these.late:
                if attempt.vantage != self._parts.vantage:
                    found.late[service, attempt.vantage] += 1
        await self._keep(new)

    async def _keep(self, new: Mapping[str, Sequence[Attempt]]) -> None:
        attempts = [a for some in new.values() for a in some]
        if attempts:
            await self._write(Batch(attempts=attempts))
        now = self._clock.now()
        for service, some in new.items():
            run = self._fleet.runs.get(service)
            if run is None or not some:
                continue
            for attempt in some:
                self._seen[attempt.vantage].taken += 1
            self._owe(service, reach(some, run.book.latest))
            self._fleet.gathered(service, some, now)
            await self._clock.sleep(0)  # looks first
        await self._judge_owed()

    async def _write(self, batch: Batch) -> None:
        try:
            await self._parts.journal.write(batch)
        except (AttemptConflict, SealedDay) as error:  # somebody else wrote meanwhile: held anew
            raise StoreError(str(error)) from error

    async def _take_blind(self, blind: Sequence[BlindMinute]) -> None:
        """Take in blind minutes of other vantages."""
        others = set(self._vantages())
        came = {(one.vantage, one.minute): one for one in blind if one.vantage in others}
        if not came:
            return
        first, last = min(m for _, m in came), max(m for _, m in came)

        def on_record() -> Sequence[BlindMinute]:
            return self._reader.blind(sorted(others), first, Minute(last + 1))

        known = {(one.vantage, one.minute) for one in await self._parts.offload(on_record)}
        new = [one for key, one in came.items() if key not in known]
        if not new:
            return
        async with self.gate:
            await self._write(Batch(blind=new))
            self._fleet.gathered_blind(new, self._clock.now())
            for service, run in self._fleet.runs.items():
                mine = [b.minute for b in new if b.vantage in self._fleet.others(run)]
                if mine:
                    longest = max(p.interval for p in run.book.latest.watch.probes)
                    self._owe(service, range(min(mine), max(mine) + 1 + longest))
            await self._judge_owed()

    # Letters of earlier minutes

    def _owe(self, service: str, minutes: range) -> None:
        known = self._owed.get(service, minutes)
        start, stop = min(known.start, minutes.start), max(known.stop, minutes.stop)
        self._owed[service] = range(start, stop)

    async def _judge_owed(self) -> None:
        """Judge from the record the minutes that are older than those at hand."""
        runs = self._fleet.runs
        self._owed = {
            service: minutes
            for service, minutes in self._owed.items()
            if service in runs and minutes.start < runs[service].book.floor
        }
        if not self._owed or not await self._keeper.flush():
            return  # our own looks must be on record as well
        for service, minutes in list(self._owed.items()):
            run = self._fleet.runs.get(service)
            if run is not None:
                await self._judge(run, minutes)
            del self._owed[service]

    async def _judge(self, run: ServiceRun, minutes: range) -> None:
        present, start = run.book.latest, max(minutes.start, self._closed)
        stop = max(start, min(minutes.stop, run.book.floor))
        for day in days_between(Minute(start), Minute(stop)):
            first = max(start, day_minutes(day).start)
            end = min(stop, day_minutes(day).stop)
            judge = partial(judged_again, self._reader, present, Minute(first), Minute(end))
            laid = await self._parts.offload(judge)
            self._fleet.relaid(run.part.id, laid, self._clock.now())

    # What is told

    def _warn(self, of: Sorted) -> None:
        for attempt in of.conflicts[:1]:
            _log.error(
                "the attempt of %s/%s from %s at %s came with other content than is on record: "
                "what is on record stands", attempt.service, attempt.probe, attempt.vantage,
                moment_of(attempt.at).isoformat(),
            )  # fmt: skip
        for one in of.doubled:
            # Under our own name, looks from before our start may be of a journal that was lost.
            if one.vantage != self._parts.vantage or one.one >= self._started:
                self._warn_of_name(one.vantage, one, one.other)
        ours = [a for a in of.new if a.vantage == self._parts.vantage and a.at >= self._started]
        if ours:
            self._warn_of_name(self._parts.vantage, None, max(a.look for a in ours))

    def _warn_of_name(self, vantage: str, doubled: Doubled | None, at: Instant) -> None:
        seen, now = self._seen[vantage], self._clock.now()
        seen.doubled = max(seen.doubled or at, at)
        seen.last = max(seen.last or at, at)
        if seen.told is not None and now - seen.told < _TOLD_AGAIN_US:
            return
        seen.told = now
        how = "looks came under our own name that are not ours"
        if doubled is not None:
            one, other = (f"{moment_of(x):%H:%M:%SZ}" for x in (doubled.one, doubled.other))
            how = f"{doubled.service}/{doubled.probe} was looked at twice, at {one} and {other}"
        _log.error(
            "two monitors call themselves %s: %s. Give each a [vantage] name of its own",
            vantage, how,
        )  # fmt: skip
