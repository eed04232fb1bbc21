"""Fakes of the ports: other worlds for tests, written by hand.

`FakeClock` is driven by the test: time stands still until `run_for` lets it pass, and then it jumps
from one sleeper to the next as soon as nobody has anything left to do. It goes together with other
fakes only: a real socket or thread is not waited for.
"""

import asyncio
import heapq
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TypeVar

from uptimed.core.entries import Entry, EntryKind
from uptimed.core.issues import Post
from uptimed.core.minutes import (
    Minute,
    day_minutes,
    day_of,
    instant_of,
    minute_of,
)
from uptimed.core.observations import SECOND, Answer, Attempt, Cause, Instant, NoAnswer, Observation
from uptimed.core.strip import NOT_MEASURED, Strip
from uptimed.core.targets import ProbeSettings, Secret
from uptimed.core.terms import RULES_VERSION
from uptimed.ports import (
    AttemptConflict,
    Batch,
    BlindMinute,
    ConfigRecord,
    ContractRecord,
    DayLetters,
    LifeEvent,
    ReferenceCheck,
    Seal,
    SealedDay,
    SecretMissing,
    StoreError,
)

T = TypeVar("T")


def at(text: str) -> Instant:
    """Return an instant such as `2026-10-03 14:07:30`, in UTC."""
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


def minute(text: str) -> Minute:
    """Return the minute of `at`."""
    return minute_of(at(text))


class FakeClock:
    """A clock that the test moves."""

    def __init__(self, start: str = "2026-10-03 14:00:00") -> None:
        self._wall_offset = int(at(start))
        self._monotonic = 0
        self._suspended = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> Instant:
        return Instant(self._wall_offset + self._monotonic)

    def monotonic(self) -> int:
        return self._monotonic

    def suspended(self) -> int:
        return self._suspended

    async def sleep(self, duration_us: int) -> None:
        if duration_us <= 0:
            await _yield_once()
            return
        self._count += 1
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + duration_us, self._count, waiting))
        await waiting

    def step(self, seconds: float) -> None:
        """Put the wall clock forward or back."""
        self._wall_offset += round(seconds * SECOND)

    def suspend(self, seconds: float) -> None:
        """Let the host sleep: monotonic time stands still."""
        self._suspended += round(seconds * SECOND)
        self.step(seconds)

    def stall(self, seconds: float) -> None:
        """Let time pass with nobody woken: the event loop was held up."""
        self._monotonic += round(seconds * SECOND)

    def strike(self, seconds: float) -> None:
        """Let time pass, and wake everybody who waited for it before anybody does anything."""
        self.stall(seconds)
        while self._sleepers and self._sleepers[0][0] <= self._monotonic:
            _wake(heapq.heappop(self._sleepers)[2])

    async def run_for(self, *, minutes: float = 0, seconds: float = 0) -> None:
        """Let time pass."""
        await self._run_until_monotonic(self._monotonic + round((minutes * 60 + seconds) * SECOND))

    async def run_until(self, text: str) -> None:
        """Let time pass until the wall clock shows *text*."""
        moment = at(text) if "-" in text else self._today_at(text)
        await self._run_until_monotonic(self._monotonic + moment - self.now())

    def _today_at(self, text: str) -> Instant:
        return at(f"{day_of(minute_of(self.now()))} {text}")

    async def _run_until_monotonic(self, end: int) -> None:
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            when, _, waiting = heapq.heappop(self._sleepers)
            if waiting.done():  # cancelled
                continue
            self._monotonic = max(self._monotonic, when)
            waiting.set_result(None)
            await settle()
        self._monotonic = max(self._monotonic, end)


async def _yield_once() -> None:
    waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting.get_loop().call_soon(_wake, waiting)
    await waiting


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


async def settle() -> None:
    """Return once nobody has anything left to do but to wait."""
    loop = asyncio.get_running_loop()
    while True:
        await _yield_once()
        if not loop._ready:  # type: ignore[attr-defined]
            return


async def inline(work: Callable[[], T]) -> T:
    """Run blocking work where it is asked for: fakes do not block."""
    return work()


PASS, REFUSED = "U", "D"

_OBSERVATIONS: dict[str, Observation | type[Exception]] = {
    "U": Observation(outcome=Answer(status=200), took_us=100_000),
    "D": Observation(
        outcome=NoAnswer(cause=Cause.REFUSED, detail="port 443 refuses"),
        took_us=1_000,
    ),
    "5": Observation(outcome=Answer(status=500), took_us=100_000),
    "?": Observation(outcome=NoAnswer(cause=Cause.DNS_FAILED, detail="no server"), took_us=1_000),
    "0": Observation(outcome=NoAnswer(cause=Cause.DNS_NO_NAME, detail="no name"), took_us=1_000),
    "S": Observation(outcome=Answer(status=200), took_us=5_000_000),
    "R": Observation(
        outcome=NoAnswer(cause=Cause.LOGIN_REJECTED, detail="wrong password"), took_us=100_000
    ),
    "!": ZeroDivisionError,
}  # fmt: skip


class FakeProbe:
    """Answers as a script says, a letter a minute from its first one on; the last letter stays.

    `U` passes, `D` is refused, `5` answers with status 500, `?` and `0` are trouble with the name,
    `R` is a rejected login, `!` is a bug. A mapping from the account's name overrides the script.
    """

    def __init__(
        self,
        clock: FakeClock,
        script: str = "U",
        *,
        took_us: int | None = None,
        address: str = "192.0.2.7:443",
    ) -> None:
        self._clock, self.script, self._address = clock, script, address
        self._first = minute_of(clock.now())
        self._took_us = took_us
        self.calls: list[Instant] = []
        self.running = 0
        self.most_at_once = 0
        self.accounts: dict[str, str] = {}

    async def __call__(self, settings: ProbeSettings) -> Observation:
        now = self._clock.now()
        self.calls.append(now)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            letter = self._letter(settings, now)
            if self._took_us is not None:
                await self._clock.sleep(self._took_us)
        finally:
            self.running -= 1
        seen = _OBSERVATIONS[letter]
        if isinstance(seen, type):
            raise seen("the probe is broken")
        took = seen.took_us if self._took_us is None else self._took_us
        address = "" if letter in "0?" else self._address
        return replace(seen, took_us=took, address=address)

    def _letter(self, settings: ProbeSettings, now: Instant) -> str:
        for account in getattr(settings.target, "accounts", ()):
            if account.username in self.accounts:
                return self.accounts[account.username]
        index = min(max(0, minute_of(now) - self._first), len(self.script) - 1)
        return self.script[index]

    @property
    def minutes(self) -> list[int]:
        """Return the minutes since the first in which it was called, each call."""
        return [minute_of(call) - self._first for call in self.calls]


class FakeReferences:
    """References that answer, or not, and a clock that is theirs."""

    def __init__(self, clock: FakeClock, count: int = 2) -> None:
        self._clock, self.count = clock, count
        self.up = True
        self.names: bool | None = None
        self.offset_us: int | None = None
        self.calls: list[Instant] = []
        self.broken = False

    async def __call__(self) -> ReferenceCheck:
        now = self._clock.now()
        self.calls.append(now)
        if self.broken:
            raise LookupError("the self-check is broken")
        return ReferenceCheck(
            at=now, answered={f"reference {n}": self.up for n in range(self.count)},
            names_resolved=self.names, clock_offset_us=self.offset_us,
        )  # fmt: skip


@dataclass
class FakeJournal:
    """A journal in memory, with what the real one refuses."""

    known: dict[tuple[str, str, str, int, int], Attempt] = field(default_factory=dict)
    laid: dict[str, dict[int, str]] = field(default_factory=dict)
    digests: dict[tuple[str, date], str] = field(default_factory=dict)
    life_events: list[LifeEvent] = field(default_factory=list)
    blind_minutes: list[BlindMinute] = field(default_factory=list)
    config_records: list[ConfigRecord] = field(default_factory=list)
    contract_records: list[ContractRecord] = field(default_factory=list)
    sealed: dict[tuple[str, date], Seal] = field(default_factory=dict)
    cursors: dict[str, int] = field(default_factory=dict)
    entered: list[Entry] = field(default_factory=list)
    posted: list[Post] = field(default_factory=list)
    beat: Instant | None = None
    writes: int = 0
    broken: str = ""  # why nothing can be written
    unreadable: str = ""

    # Writing

    async def write(self, batch: Batch) -> None:
        if self.broken:
            raise StoreError(self.broken)
        for attempt in batch.attempts:
            self._refuse_conflict(attempt)
        for service, strip, _ in batch.letters:
            self._refuse_sealed(service, strip)
        self.writes += 1
        self.known |= {_identity(a): a for a in batch.attempts}
        for service, strip, digest in batch.letters:
            minutes = range(strip.start, strip.stop)
            self.laid.setdefault(service, {}).update(zip(minutes, strip.letters, strict=True))
            self.digests |= {(service, day_of(Minute(m))): digest for m in minutes}
        self.life_events += batch.life
        self.blind_minutes += batch.blind
        for record in batch.configs:
            self._keep_terms(record)
        for agreed in batch.contracts:
            self._keep_contract(agreed)
        self.sealed |= {(seal.service, seal.day): seal for seal in batch.seals}
        self.cursors |= batch.cursors
        self.beat = batch.heartbeat or self.beat

    def _keep_terms(self, record: ConfigRecord) -> None:
        """Keep terms; those that were replaced within their first minute were never in force."""
        known = [c for c in self.configs(record.service) if c.since <= record.since]
        if not known or known[-1].sha256 != record.sha256:
            same = (record.service, record.since)
            kept = [c for c in self.config_records if (c.service, c.since) != same]
            self.config_records = [*kept, record]

    def _keep_contract(self, record: ContractRecord) -> None:
        """Keep what was agreed; for earlier minutes it stays as it was."""
        last = next(reversed(self.contracts(record.client)), None)
        if last is not None and last.sha256 == record.sha256:
            return
        if last is not None and last.since >= record.since:
            self.contract_records.remove(last)
            record = replace(record, since=last.since)
        self.contract_records.append(record)

    def _refuse_conflict(self, attempt: Attempt) -> None:
        known = self.known.get(_identity(attempt), attempt)
        if known != attempt:
            raise AttemptConflict(known, attempt)

    def _refuse_sealed(self, service: str, strip: Strip) -> None:
        for m, letter in enumerate(strip.letters, strip.start):
            day = day_of(Minute(m))
            if (service, day) in self.sealed and self.laid[service].get(m, NOT_MEASURED) != letter:
                raise SealedDay(f"{service} {day} is sealed")

    # Reading

    def _readable(self) -> None:
        if self.unreadable:
            raise StoreError(self.unreadable)

    def services(self) -> Sequence[str]:
        self._readable()
        return sorted({*self.laid, *(a.service for a in self.known.values())})

    def attempts(self, service: str, start: Minute, stop: Minute) -> Sequence[Attempt]:
        self._readable()
        found = (
            a for a in self.known.values()
            if a.service == service and start <= minute_of(a.look) < stop
        )  # fmt: skip
        return sorted(found, key=lambda a: (a.look, a.at, a.account))

    def letters(self, service: str, start: Minute, stop: Minute) -> Strip:
        self._readable()
        laid = self.laid.get(service, {})
        return Strip(start, "".join(laid.get(m, NOT_MEASURED) for m in range(start, stop)))

    def days(self, service: str, first: date, last: date) -> Sequence[DayLetters]:
        self._readable()
        return [
            self._day(service, day)
            for day in sorted({day_of(Minute(m)) for m in self.laid.get(service, {})})
            if first <= day <= last
        ]

    def _day(self, service: str, day: date) -> DayLetters:
        minutes, laid = day_minutes(day), self.laid[service]
        last = max(m for m in minutes if m in laid)
        return DayLetters(
            service=service, day=day, rules=RULES_VERSION, sealed=(service, day) in self.sealed,
            letters=self.letters(service, Minute(minutes.start), Minute(last + 1)).letters,
            terms_sha256=self.digests[service, day],
        )  # fmt: skip

    def span(self, service: str) -> range | None:
        self._readable()
        laid = self.laid.get(service)
        return range(min(laid), max(laid) + 1) if laid else None

    def blind(self, vantages: Sequence[str], start: Minute, stop: Minute) -> Sequence[BlindMinute]:
        self._readable()
        return [b for b in self.blind_minutes if b.vantage in vantages and start <= b.minute < stop]

    def configs(self, service: str) -> Sequence[ConfigRecord]:
        self._readable()
        mine = (c for c in self.config_records if c.service == service)
        return sorted(mine, key=lambda c: c.since)

    def contracts(self, client: str) -> Sequence[ContractRecord]:
        self._readable()
        mine = (c for c in self.contract_records if c.client == client)
        return sorted(mine, key=lambda c: c.since)

    def life(self, start: Minute, stop: Minute) -> Sequence[LifeEvent]:
        self._readable()
        return [
            e for e in self.life_events
            if start <= minute_of(e.at) < stop or (e.start < stop and e.stop > start)
        ]  # fmt: skip

    def seals(self, service: str, first: date, last: date) -> Sequence[Seal]:
        self._readable()
        mine = (s for s in self.sealed.values() if s.service == service and first <= s.day <= last)
        return sorted(mine, key=lambda s: s.day)

    def last_seal(self, service: str) -> Seal | None:
        self._readable()
        mine = [s for s in self.sealed.values() if s.service == service]
        return max(mine, key=lambda s: s.day, default=None)

    def heartbeat(self) -> Instant | None:
        self._readable()
        return self.beat

    def entries(
        self, client: str = "", kinds: Sequence[EntryKind] = tuple(EntryKind), *, after: int = 0
    ) -> Sequence[Entry]:
        self._readable()
        return [
            entry for entry in self.entered
            if client in {"", entry.client} and entry.kind in kinds and entry.number > after
        ]  # fmt: skip

    def posts(self, client: str) -> Sequence[Post]:
        self._readable()
        return self.posted if client else []

    def cursor(self, name: str) -> int:
        self._readable()
        return self.cursors.get(name, 0)

    def attempt_counts(
        self, service: str, start: Minute, stop: Minute, every: int
    ) -> Mapping[tuple[str, Minute], int]:
        self._readable()
        mine = (a for a in self.known.values() if a.service == service)
        return _counted(mine, start, stop, every)

    # For tests

    def kinds(self) -> list[str]:
        """Return the kinds of the monitor's events, in the order they were written."""
        return [event.kind for event in self.life_events]


def _counted(
    attempts: Iterable[Attempt], start: Minute, stop: Minute, every: int
) -> Mapping[tuple[str, Minute], int]:
    """Return how many attempts of each vantage there are in each piece of *every* minutes."""
    return Counter(
        (a.vantage, Minute(minute_of(a.at) // every * every))
        for a in attempts
        if start <= minute_of(a.at) < stop
    )


def _identity(attempt: Attempt) -> tuple[str, str, str, int, int]:
    return attempt.service, attempt.probe, attempt.vantage, attempt.at, attempt.account


@dataclass
class Ears:
    """Hears what is told, and can be deaf."""

    heard: list[object] = field(default_factory=list)
    broken: bool = False

    async def __call__(self, told: object) -> None:
        if self.broken:
            raise LookupError("deaf")
        self.heard.append(told)


@dataclass(frozen=True)
class FakeSecrets:
    """Secrets by their names; a test may change them."""

    known: dict[str, str]

    def read(self, secret: Secret) -> str:
        try:
            return self.known[secret.name]
        except KeyError:
            raise SecretMissing(f"environment variable {secret.name} is not set") from None


@dataclass
class FakeShared:
    """Where monitors leave their looks: in memory, and as unfriendly as a test asks for."""

    left: dict[tuple[str, str, str, int, int], Attempt] = field(default_factory=dict)
    blind_minutes: list[BlindMinute] = field(default_factory=list)
    away: str = ""  # why nothing can be read
    half: bool = False  # an answer lacks its second half, and does not say so
    broken_after: int | None = None  # an answer breaks off after so many attempts
    reads: int = 0

    def leave(self, *attempts: Attempt) -> None:
        """Take attempts as a follower sends them: without evidence."""
        self.left |= {_identity(a): replace(a, evidence=None) for a in attempts}

    async def counts(
        self,
        services: Sequence[str],
        vantages: Sequence[str],
        start: Minute,
        stop: Minute,
        every: int,
    ) -> Mapping[tuple[str, Minute], int]:
        self._reachable()
        return _counted(self._wanted(services, vantages), start, stop, every)

    async def attempts(
        self, services: Sequence[str], vantages: Sequence[str], start: Instant, stop: Instant
    ) -> AsyncIterator[Attempt]:
        self._reachable()
        self.reads += 1
        found = [a for a in self._wanted(services, vantages) if start <= a.at < stop]
        whole = len(found) if not self.half else len(found) // 2
        for number, attempt in enumerate(found[:whole]):
            if number == self.broken_after:
                raise StoreError("its answer broke off")
            yield attempt

    async def blind(
        self, vantages: Sequence[str], start: Minute, stop: Minute
    ) -> Sequence[BlindMinute]:
        self._reachable()
        return [b for b in self.blind_minutes if b.vantage in vantages and start <= b.minute < stop]

    def _reachable(self) -> None:
        if self.away:
            raise StoreError(self.away)

    def _wanted(self, services: Sequence[str], vantages: Sequence[str]) -> Iterable[Attempt]:
        return [a for a in self.left.values() if a.service in services and a.vantage in vantages]
