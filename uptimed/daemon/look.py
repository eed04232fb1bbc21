"""One look: one to three attempts at a target, and what each of them means.

An attempt that is our own fault (a bug in the probe, a loop that was held up, a clock that stepped
or is off, a network that reaches nobody) is not measured. It is repeated like a fail and then left
out. What the target did is decided by `judge`, which is given; what our world did is decided here.

Accounts of a login probe are tried in turn: a rejected or blocked one is not tried again within
the look, and no more often than its hourly budget allows. The budget follows from the attempts on
record, so that it outlives a restart.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace

from uptimed.core.minutes import MINUTE, Minute, minute_of
from uptimed.core.observations import (
    SECOND,
    Attempt,
    Cause,
    Evidence,
    Instant,
    NoAnswer,
    Observation,
    Outcome,
    Reading,
)
from uptimed.core.targets import Account, LoginTarget, ProbeSettings
from uptimed.core.terms import AttemptRule
from uptimed.daemon.lag import LagMeter
from uptimed.daemon.parts import HostClock, ProbePart
from uptimed.daemon.schedule import STEP_LIMIT_US
from uptimed.daemon.selfcheck import SelfCheck, excused, local_network, may_be_ours
from uptimed.daemon.supervise import Bug, Supervisor
from uptimed.ports import SecretMissing

MARGIN_US = SECOND
"""What an attempt is given beyond the probe's own timeout, which knows better where it hung."""

_HOUR = 3600 * SECOND
_REFUSED = frozenset({Outcome.REJECTED, Outcome.BLOCKED})
_MEASURED = frozenset({Outcome.PASS, Outcome.FAIL, Outcome.MAINTENANCE})


def decided(outcomes: Sequence[Outcome], rule: AttemptRule) -> bool:
    """Return whether the attempts with one account say enough."""
    measured = [outcome for outcome in outcomes if outcome in _MEASURED]
    if not measured:
        return False
    passed = measured.count(Outcome.PASS)
    match rule:
        case AttemptRule.CONFIRMED:
            first_passed = measured[0] is Outcome.PASS
            return first_passed or (len(measured) > 1 and 2 * passed != len(measured))
        case AttemptRule.ALL:
            return passed > 0
        case AttemptRule.SINGLE:
            return True


def next_account(
    made: Sequence[tuple[int, Outcome]], accounts: Sequence[int], attempts: int, rule: AttemptRule
) -> int | None:
    """Return which account the next attempt is made with, or None where the look is over.

    *made* are account and outcome of the attempts so far; probes without accounts have account 0.
    Rejected and blocked attempts do not count towards *attempts*.
    """
    refused = {account for account, outcome in made if outcome in _REFUSED}
    account = next((a for a in accounts if a not in refused), None)
    if account is None or sum(1 for _, o in made if o not in _REFUSED) >= attempts:
        return None
    mine = [outcome for a, outcome in made if a == account]
    return None if decided(mine, rule) else account


def permitted(
    probe: ProbeSettings, secrets: Sequence[str], recent: Iterable[Attempt], now: Instant
) -> tuple[int, ...]:
    """Return the accounts that may be tried now, in order; (0,) for probes without accounts.

    *secrets* are the present fingerprints: a changed password begins a new budget.
    """
    target = probe.target
    if not isinstance(target, LoginTarget) or not target.accounts:
        return (0,)
    tries = [0] * len(target.accounts)
    for attempt in recent:
        if attempt.probe != probe.id or attempt.outcome not in _REFUSED:
            continue
        if attempt.cause == Cause.LOGIN_WAITING:
            continue  # nothing was asked
        if now - attempt.at < _HOUR and 1 <= attempt.account <= len(tries):
            tries[attempt.account - 1] += attempt.secret == secrets[attempt.account - 1]
    return tuple(n for n, count in enumerate(tries, 1) if count < target.max_rejected_per_hour)


def in_turn(accounts: Sequence[int], probe: ProbeSettings, minute: Minute) -> tuple[int, ...]:
    """Return *accounts* in the order of this minute: each is the first one at times.

    That every account is rejected tells of the system only where each had passed within the hour,
    so none may be a mere reserve. The first one changes when a full login is due anyway.
    """
    target = probe.target
    if not isinstance(target, LoginTarget) or len(target.accounts) < 2:
        return tuple(accounts)
    count = len(target.accounts)
    period = max(probe.interval, min(target.login_every, 60 // count))
    first = minute // period % count
    return tuple(sorted(accounts, key=lambda account: (account - 1 - first) % count))


class Turns:
    """Lets attempts at one target take turns, for probes that would log each other out."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}

    def of(self, key: str) -> AbstractAsyncContextManager[object]:
        """Return what to hold during an attempt; an empty *key* never waits."""
        return self._locks.setdefault(key, asyncio.Lock()) if key else nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a look needs beside its probe."""

    clock: HostClock
    vantage: str
    judge: Callable[[Observation, ProbeSettings], Reading]
    evidence: Callable[[Observation, ProbeSettings], Evidence]
    fingerprint: Callable[[Account], str]
    selfcheck: SelfCheck
    lag: LagMeter
    turns: Turns
    supervise: Supervisor


@dataclass(slots=True)
class _Try:
    """An attempt while its look goes on: what it means may still change."""

    account: int
    secret: str
    at: Instant
    ended: Instant
    ended_monotonic: int
    observation: Observation | None
    reading: Reading
    evidence: Evidence | None = None
    in_doubt: bool = False  # a fail that may be our own network's


class Look:
    """One look of one probe; *tries* fills while it runs."""

    def __init__(self, world: World, service: str, part: ProbePart, rule: AttemptRule) -> None:
        self._world, self._service, self._part, self._rule = world, service, part, rule
        self._tries: list[_Try] = []
        self.started: Instant | None = None

    async def run(self, recent: Iterable[Attempt]) -> tuple[Attempt, ...]:
        """Make the look; return its attempts, none where no account may be tried now.

        *recent* are the service's, an hour back: gone through at once, and only for a login.
        """
        settings = self._part.settings
        secrets = self._secrets()
        now = self._world.clock.now()
        accounts = in_turn(permitted(settings, secrets, recent, now), settings, minute_of(now))
        while True:
            made = [(t.account, t.reading.outcome) for t in self._tries]
            account = next_account(made, accounts, settings.attempts, self._rule)
            if account is None or not await self._may_go_on(account):
                return self._settled()
            await self._attempt(account, secrets[account - 1] if account else "")

    def cut_off(self) -> tuple[Attempt, ...]:
        """Return what is kept of a look that was stopped: that it was not measured.

        What its attempts said is left out: half a look confirms nothing.
        """
        return self._ended(Cause.STOPPED, "the monitor was stopped during the look")

    def broken(self, bug: Bug) -> tuple[Attempt, ...]:
        """Return what is kept of a look that broke by a fault of ours outside its probe."""
        return self._ended(Cause.BUG, f"{bug.name} in the look: a bug of uptimed's, see its log")

    def _ended(self, cause: Cause, detail: str) -> tuple[Attempt, ...]:
        if self.started is None:
            return ()
        account = self._tries[0].account if self._tries else self._first_account()
        ended = Attempt(
            service=self._service, probe=self._part.settings.id, vantage=self._world.vantage,
            at=self.started, look=self.started, account=account,
            outcome=Outcome.NOT_MEASURED, cause=cause, detail=detail,
        )  # fmt: skip
        return (ended,)

    def _first_account(self) -> int:
        return 1 if _accounts(self._part.settings) else 0

    def _secrets(self) -> tuple[str, ...]:
        return tuple(self._fingerprint(a) for a in _accounts(self._part.settings))

    def _fingerprint(self, account: Account) -> str:
        try:
            return self._world.fingerprint(account)
        except SecretMissing:  # the probe will say so
            return ""

    async def _may_go_on(self, account: int) -> bool:
        """Wait the gap after the last attempt; return whether another still fits the look."""
        if not self._tries:
            return True
        clock, settings, last = self._world.clock, self._part.settings, self._tries[-1]
        same = last.account == account
        wait = last.ended_monotonic + settings.gap_us - clock.monotonic() if same else 0
        begun = clock.now() - self._tries[0].at
        if begun + max(wait, 0) + settings.timeout_us > MINUTE:
            return False
        if wait > 0:
            await clock.sleep(wait)
        return True

    async def _attempt(self, account: int, secret: str) -> None:
        clock, settings = self._world.clock, self._part.settings
        async with self._world.turns.of(self._part.turn):
            at, start = clock.now(), clock.monotonic()
            self.started = self.started or at
            seen = await self._world.supervise(
                self._observe(_narrowed(settings, account)), f"{self._service}/{settings.id}"
            )
        made = _Try(
            account=account, secret=secret, at=at, ended=clock.now(),
            ended_monotonic=clock.monotonic(), observation=None,
            reading=_bug(seen) if isinstance(seen, Bug) else seen[1],
        )  # fmt: skip
        if not isinstance(seen, Bug):
            made.observation, _, made.evidence = seen
        ours = self._own_fault(made, start)
        if ours is not None:
            made.reading, made.evidence = ours, None
        elif made.observation is not None and may_be_ours(made.observation, made.reading):
            await self._ask_references(made, start)
        self._tries.append(made)

    async def _observe(
        self, settings: ProbeSettings
    ) -> tuple[Observation, Reading, Evidence | None]:
        limit = settings.timeout_us + MARGIN_US
        start = self._world.clock.monotonic()
        bound = asyncio.timeout(limit / SECOND)
        try:
            async with bound:
                observation = await self._part.probe(settings)
        except TimeoutError:
            if not bound.expired():
                raise  # the probe's own: a bug
            took = self._world.clock.monotonic() - start
            hung = NoAnswer(cause=Cause.READ_TIMEOUT, detail=f"nothing within {limit / SECOND:g} s")
            observation = Observation(outcome=hung, took_us=took)
        reading = self._world.judge(observation, settings)
        if reading.outcome is Outcome.PASS:
            return observation, reading, None
        return observation, reading, self._world.evidence(observation, settings)

    def _own_fault(self, made: _Try, start: int) -> Reading | None:
        world = self._world
        stepped = (made.ended - made.at) - (made.ended_monotonic - start)
        if abs(stepped) > STEP_LIMIT_US:
            return _not_measured(
                Cause.CLOCK_STEP,
                f"the clock stepped by {stepped / SECOND:+.1f} s meanwhile",
            )
        if world.lag.stalled_since(start):
            return _not_measured(Cause.LOOP_LAG, "the monitor was held up for more than 1 s")
        if world.selfcheck.clock_off:
            offset = -(world.selfcheck.clock_offset_us or 0) / SECOND
            return _not_measured(
                Cause.CLOCK_OFF, f"the monitor's clock is {offset:+.1f} s off the references"
            )
        return None

    async def _ask_references(self, made: _Try, start: int) -> None:
        check = await self._world.selfcheck.since(start)
        if isinstance(check, Bug):
            made.reading = _not_measured(Cause.BUG, f"{check.name} in the self-check")
            return
        made.reading = excused(made.reading, self._part.settings.target, check)
        dns = made.reading.cause in {Cause.DNS_NO_NAME, Cause.DNS_FAILED}
        made.in_doubt = made.reading.outcome is Outcome.FAIL and not dns

    def _settled(self) -> tuple[Attempt, ...]:
        """Return the attempts; one that failed just before all references did is excused too."""
        check = self._world.selfcheck
        for made in self._tries:
            if made.in_doubt and check.all_failed_near(made.ended):
                made.reading = local_network(made.reading, check.count)
        return tuple(self._kept(made) for made in self._tries)

    def _kept(self, made: _Try) -> Attempt:
        seen = made.observation
        certificate = seen.certificate if seen is not None else None
        return Attempt(
            service=self._service, probe=self._part.settings.id, vantage=self._world.vantage,
            at=made.at, look=self._tries[0].at, account=made.account, secret=made.secret,
            outcome=made.reading.outcome, cause=made.reading.cause or "",
            detail=made.reading.detail, evidence=made.evidence,
            took_us=seen.took_us if seen is not None else None,
            phases=seen.phases if seen is not None else {},
            certificate_expires=certificate.not_after if certificate is not None else None,
        )  # fmt: skip


def _accounts(settings: ProbeSettings) -> tuple[Account, ...]:
    return settings.target.accounts if isinstance(settings.target, LoginTarget) else ()


def _narrowed(settings: ProbeSettings, account: int) -> ProbeSettings:
    """Return *settings* with only the account that this attempt is made with."""
    if not account or not isinstance(settings.target, LoginTarget):
        return settings
    only = (settings.target.accounts[account - 1],)
    return replace(settings, target=replace(settings.target, accounts=only))


def _bug(bug: Bug) -> Reading:
    return _not_measured(Cause.BUG, f"{bug.name} in the probe: a bug of uptimed's, see its log")


def _not_measured(cause: Cause, detail: str) -> Reading:
    return Reading(outcome=Outcome.NOT_MEASURED, cause=cause, detail=detail)
