"""What is to be kept, on its way to the journal.

Looks and letters are written together, a few times a second, so that a letter is never on record
without its looks. While the journal cannot be written:

* What is to be kept waits in memory and is tried again. Once the disk recovers it is all written:
  a look kept late is the same look, and its minute has the letter that follows from it.
* The backlog is bounded, by ten minutes and by 20,000 attempts. Beyond, looks are given up in whole
  minutes, the oldest first, and with them their letters: those minutes are `N` on record and in
  what is shown. For each probe a `store` attempt stands where its looks begin to be missing, so
  that no earlier look holds over the hole.
* If the process dies meanwhile, what waited is lost, and its minutes are `N`.

So a fault of the disk never becomes a client's downtime nor uptime, and nothing is lost that memory
could hold. Letters in memory, pages and metrics go on as if nothing had happened.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from uptimed.core.minutes import MINUTE, Minute, day_minutes, day_of, minute_of, moment_of_minute
from uptimed.core.observations import SECOND, Attempt, Cause, Instant, Outcome
from uptimed.core.strip import Strip
from uptimed.daemon.settle import Laid, look_minute
from uptimed.ports import (
    AttemptConflict,
    Batch,
    BlindMinute,
    Clock,
    ConfigRecord,
    ContractRecord,
    Journal,
    LifeEvent,
    SealedDay,
    StoreError,
)

BACKLOG_MINUTES = 10
BACKLOG_ATTEMPTS = 20_000
GROUP_US = SECOND // 4
"""How long what is to be kept waits for company."""

RETRY_US = 10 * SECOND
HEARTBEAT_US = 20 * SECOND

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pending:
    attempts: dict[Minute, list[Attempt]] = field(default_factory=dict)  # by the look's minute
    stones: dict[tuple[str, str, str], Attempt] = field(default_factory=dict)
    letters: dict[str, list[Laid]] = field(default_factory=dict)
    life: list[LifeEvent] = field(default_factory=list)
    blind: list[BlindMinute] = field(default_factory=list)
    configs: list[ConfigRecord] = field(default_factory=list)
    contracts: list[ContractRecord] = field(default_factory=list)

    def __bool__(self) -> bool:
        few = (self.life, self.blind, self.configs, self.contracts, self.stones)
        return any((self.attempts, self.letters, *few))

    def batch(self, heartbeat: Instant) -> Batch:
        """Return all of it, to be kept together."""
        return Batch(
            attempts=(*self.stones.values(), *(a for some in self.attempts.values() for a in some)),
            letters=tuple(
                (service, laid.strip, laid.terms_sha256)
                for service, some in self.letters.items()
                for laid in some
            ),
            life=tuple(self.life), blind=tuple(self.blind), configs=tuple(self.configs),
            contracts=tuple(self.contracts),
            heartbeat=heartbeat,
        )  # fmt: skip

    def before(self, later: "_Pending") -> "_Pending":
        """Return this and what came later, as one."""
        for minute, attempts in later.attempts.items():
            self.attempts.setdefault(minute, []).extend(attempts)
        for service, some in later.letters.items():
            for laid in some:
                self.lay(service, laid)
        self.stones = {**later.stones, **self.stones}
        self.life += later.life
        self.blind += later.blind
        self.configs += later.configs
        self.contracts += later.contracts
        return self

    def lay(self, service: str, laid: Laid) -> None:
        """Add letters, after those that are there: the later ones win."""
        some = self.letters.setdefault(service, [])
        if some and some[-1].terms_sha256 == laid.terms_sha256:
            last = some[-1].strip
            if last.start <= laid.strip.start <= last.stop:
                head = last.cut(last.start, laid.strip.start).letters
                tail = last.cut(laid.strip.stop, last.stop).letters
                joined = Strip(last.start, head + laid.strip.letters + tail)
                some[-1] = Laid(joined, laid.terms_sha256)
                return
        some.append(laid)

    def drop(self, minute: Minute) -> tuple[Sequence[Attempt], Sequence[Attempt]]:
        """Give up the looks of *minute*; return them, and what is kept in their place."""
        dropped = self.attempts.pop(minute)
        new: list[Attempt] = []
        for attempt in sorted(dropped, key=_in_order):
            place = (attempt.service, attempt.probe, attempt.vantage)
            if place not in self.stones:
                self.stones[place] = _stone(attempt)
                new.append(self.stones[place])
        return dropped, new

    def drop_until(self, minute: Minute) -> None:
        """Give up looks, letters and terms before *minute*: their day is sealed."""
        self.configs = [c for c in self.configs if c.since >= minute]
        self.attempts = {m: some for m, some in self.attempts.items() if m >= minute}
        self.stones = {p: a for p, a in self.stones.items() if look_minute(a) >= minute}
        self.letters = {
            service: [
                Laid(
                    one.strip.cut(Minute(max(minute, one.strip.start)), one.strip.stop),
                    one.terms_sha256,
                )
                for one in some
                if one.strip.stop > minute
            ]
            for service, some in self.letters.items()
        }

    def drop_attempt(self, attempt: Attempt) -> None:
        """Give up one attempt."""
        for minute, some in self.attempts.items():
            self.attempts[minute] = [a for a in some if a != attempt]
        self.stones = {p: a for p, a in self.stones.items() if a != attempt}


def _in_order(attempt: Attempt) -> tuple[int, int]:
    return attempt.at, attempt.account


def _stone(attempt: Attempt) -> Attempt:
    return replace(
        attempt, at=attempt.look, outcome=Outcome.NOT_MEASURED, cause=Cause.STORE, took_us=None,
        detail="the journal could not be written for too long: looks were lost", phases={},
        evidence=None, certificate_expires=None, secret="",
    )  # fmt: skip


OnDropped = Callable[[Sequence[Attempt], Sequence[Attempt]], None]
OnRefused = Callable[[Attempt, Attempt], None]


class Keeper:
    """Writes to the journal in groups, and remembers what it would not take."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        vantage: str,
        *,
        on_dropped: OnDropped,
        on_refused: OnRefused,
    ) -> None:
        self._journal, self._clock, self._vantage = journal, clock, vantage
        self._on_dropped, self._on_refused = on_dropped, on_refused
        self._pending = _Pending()
        self._count = 0  # of attempts in memory, those on their way included
        self._writing = asyncio.Lock()
        self._missing: tuple[Minute, Minute] | None = None  # minutes whose looks were given up
        self._beat = clock.monotonic()
        self.error = ""
        self.failing_since: Instant | None = None
        self.lost_attempts = 0
        self.refused = 0

    @property
    def backlog(self) -> int:
        """Return how many attempts wait."""
        return self._count

    @property
    def oldest(self) -> Minute | None:
        """Return the earliest minute whose looks may still be given up."""
        return min(self._pending.attempts, default=None)

    def keep(self, attempts: Sequence[Attempt]) -> None:
        """Keep attempts."""
        for attempt in attempts:
            self._pending.attempts.setdefault(look_minute(attempt), []).append(attempt)
        self._count += len(attempts)
        if self.error:
            self._trim()

    def lay(self, service: str, laid: Sequence[Laid]) -> None:
        """Keep letters."""
        for one in laid:
            self._pending.lay(service, one)

    def note(
        self,
        *,
        life: Sequence[LifeEvent] = (),
        blind: Sequence[BlindMinute] = (),
        configs: Sequence[ConfigRecord] = (),
        contracts: Sequence[ContractRecord] = (),
    ) -> None:
        """Keep what happened to us."""
        self._pending.life.extend(life)
        self._pending.blind.extend(blind)
        self._pending.configs.extend(configs)
        self._pending.contracts.extend(contracts)

    async def run(self) -> None:
        """Write until cancelled: soon after there is something, else a heartbeat."""
        while True:
            await self._clock.sleep(GROUP_US)
            idle = self._clock.monotonic() - self._beat < HEARTBEAT_US
            if not self._pending and idle:
                continue
            if not await self.flush():
                await self._clock.sleep(RETRY_US)

    async def flush(self) -> bool:
        """Write what there is; return whether it is on record now."""
        async with self._writing:
            taken, self._pending = self._pending, _Pending()
            kept = False
            try:
                kept = await self._write(taken)
            finally:
                if not kept:  # cancelled or failed: written twice it is still once on record
                    self._pending = taken.before(self._pending)
                self._count = sum(len(some) for some in self._pending.attempts.values())
                self._trim()
            if kept:
                self._beat = self._clock.monotonic()
                self._recovered()
            return kept

    async def _write(self, taken: _Pending) -> bool:
        for _ in range(100):  # each round gives up what was refused for good
            try:
                await self._journal.write(taken.batch(self._clock.now()))
            except StoreError as error:
                self._failed(str(error))
                return False
            except AttemptConflict as error:
                _log.error("not kept: %s", error)
                self.refused += 1
                taken.drop_attempt(error.given)
                self._on_refused(error.given, error.known)
            except SealedDay as error:
                _log.error("not kept: %s", error)
                self.refused += 1
                today = day_of(minute_of(self._clock.now()))
                taken.drop_until(Minute(day_minutes(today).start))
            else:
                return True
        return False

    def _failed(self, reason: str) -> None:
        if not self.error:
            _log.error("the journal cannot be written: %s", reason)
            self.failing_since = self._clock.now()
            minute = minute_of(self.failing_since)
            self._pending.life.append(self._life("store_failed", reason, minute, minute))
        self.error = reason

    def _recovered(self) -> None:
        if not self.error:
            return
        start, stop = self._missing or (Minute(0), Minute(0))
        lost = (
            f"looks from {_shown(start)} to {_shown(stop)} were lost"
            if stop
            else "nothing was lost"
        )
        _log.warning("the journal can be written again: %s", lost)
        self.error, self.failing_since, self._missing = "", None, None
        self._pending.life.append(self._life("store_recovered", lost, start, stop))

    def _life(self, kind: str, detail: str, start: Minute, stop: Minute) -> LifeEvent:
        return LifeEvent(
            at=self._clock.now(), kind=kind, vantage=self._vantage, detail=detail,
            start=start, stop=stop,
        )  # fmt: skip

    def _trim(self) -> None:
        """Give up the oldest looks beyond what the backlog holds."""
        first = self._clock.now() // MINUTE - BACKLOG_MINUTES
        pending = self._pending
        while pending.attempts:
            oldest = min(pending.attempts)
            if oldest >= first and self._count <= BACKLOG_ATTEMPTS:
                return
            dropped, instead = pending.drop(oldest)
            self._count -= len(dropped)
            self.lost_attempts += len(dropped)
            known = self._missing or (oldest, oldest)
            self._missing = Minute(min(known[0], oldest)), Minute(max(known[1], oldest + 1))
            self._on_dropped(dropped, instead)


def _shown(minute: Minute) -> str:
    return f"{moment_of_minute(minute):%Y-%m-%d %H:%MZ}"
