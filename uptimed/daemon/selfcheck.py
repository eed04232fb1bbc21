"""Is it them, or is it us? What a failure means once the references were asked.

A fail in which the target did not answer may be our own network's. The references are asked at
once, all askers share one check, and no more than one check is made in five seconds: a failure
that the last check cannot speak for, since it began before the attempt did, waits for the next one.

| the target                    | the references                     | the attempt              |
|-------------------------------|------------------------------------|--------------------------|
| answered, certainly itself    | are not asked                      | fails                    |
| name does not exist           | their names resolve                | fails                    |
| name does not exist           | their names do not resolve         | not measured, local_dns  |
| name's servers do not answer  | their names resolve                | fails                    |
| name's servers do not answer  | no names, or they do not resolve   | not measured, local_dns  |
| did not answer                | one of them answers                | fails                    |
| did not answer                | all failed within 15 s of it       | not measured, local_network |

Without two references the targets themselves are the proof: see `blind`.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from uptimed.core.minutes import MINUTE
from uptimed.core.observations import (
    NO_ANSWER,
    SECOND,
    Cause,
    Instant,
    NoAnswer,
    Observation,
    Outcome,
    Reading,
)
from uptimed.core.targets import DnsTarget, Target
from uptimed.daemon.supervise import Bug, Supervisor
from uptimed.ports import Clock, ReferenceCheck

REUSE_US = 5 * SECOND
NEAR_US = 15 * SECOND
BEAT_US = 5 * MINUTE
CLOCK_WARN_US = 2 * SECOND
CLOCK_OFF_US = 30 * SECOND
_LIMIT_S = 15.0  # of one check, which has its own, shorter limits

_log = logging.getLogger(__name__)


def may_be_ours(observation: Observation, reading: Reading) -> bool:
    """Return whether a fail may be our own network's rather than the target's."""
    if reading.outcome is not Outcome.FAIL:
        return False
    outcome = observation.outcome
    if isinstance(outcome, NoAnswer):
        return outcome.cause in NO_ANSWER
    return not outcome.trusted


def excused(reading: Reading, target: Target, check: ReferenceCheck) -> Reading:
    """Return what a fail that may be ours means, given what the references said."""
    local = _local_dns(reading, target, check)
    if local is not None:
        return local
    if check.all_failed and not _names_are_theirs(reading, check):
        return local_network(reading, len(check.answered))
    return reading


def local_network(reading: Reading, references: int) -> Reading:
    """Return *reading* as our own network's fault."""
    return _ours(reading, Cause.LOCAL_NETWORK, f"all {references} references failed too")


def _names_are_theirs(reading: Reading, check: ReferenceCheck) -> bool:
    dns = reading.cause in {Cause.DNS_NO_NAME, Cause.DNS_FAILED}
    return dns and check.names_resolved is True


def _local_dns(reading: Reading, target: Target, check: ReferenceCheck) -> Reading | None:
    if isinstance(target, DnsTarget) and target.server:
        return None  # the name server itself is what is looked at
    if reading.cause is Cause.DNS_FAILED and not check.names_resolved:
        why = "the references' names do not resolve either"
        if check.names_resolved is None:
            why = "no reference has a name that could tell"
        return _ours(reading, Cause.LOCAL_DNS, why)
    if reading.cause is Cause.DNS_NO_NAME and check.names_resolved is False:
        return _ours(reading, Cause.LOCAL_DNS, "the references' names do not resolve either")
    return None


def _ours(reading: Reading, cause: Cause, why: str) -> Reading:
    was = f"{reading.cause}: {reading.detail}" if reading.detail else str(reading.cause)
    return Reading(outcome=Outcome.NOT_MEASURED, cause=cause, detail=f"{was}; {why}")


class SelfCheck:
    """Asks the references: at once after a failure, and on a slow beat otherwise."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[ReferenceCheck]],
        count: int,
        *,
        clock: Clock,
        supervise: Supervisor,
        on_change: Callable[[ReferenceCheck], None],
    ) -> None:
        self._ask, self.count = ask, count
        self._clock, self._supervise, self._on_change = clock, supervise, on_change
        self._lock = asyncio.Lock()
        self._began: int | None = None  # monotonic
        self._failed: deque[Instant] = deque(maxlen=16)  # when all references failed, of late
        self.last: ReferenceCheck | None = None
        self.next_beat = 0  # monotonic

    def replace(self, ask: Callable[[], Awaitable[ReferenceCheck]], count: int) -> None:
        """Ask other references from now on."""
        self._ask, self.count = ask, count
        self.forget()

    def forget(self) -> None:
        """Believe nothing of what was told: the clock stepped, or the references changed."""
        self.last, self._began, self.next_beat = None, None, 0
        self._failed.clear()

    @property
    def enough(self) -> bool:
        """Return whether there are enough references to tell them from us."""
        return self.count >= 2

    @property
    def clock_off(self) -> bool:
        """Return whether our clock is too far off for any minute to be named."""
        return abs(self.clock_offset_us or 0) > CLOCK_OFF_US

    @property
    def clock_offset_us(self) -> int | None:
        """Return how far the references' clocks are from ours, None where nobody told."""
        return self.last.clock_offset_us if self.last is not None else None

    async def since(self, start: int) -> ReferenceCheck | Bug:
        """Return a check that began at *start* (monotonic) or later."""
        if not self.count:
            return ReferenceCheck(at=self._clock.now())
        found = self._fresh(start)
        if found is not None:
            return found
        async with self._lock:
            found = self._fresh(start)
            if found is not None:
                return found
            if self._began is not None:
                wait = self._began + REUSE_US - self._clock.monotonic()
                if wait > 0:
                    await self._clock.sleep(wait)
            return await self._check()

    async def beat(self) -> None:
        """Ask the references though nothing failed, so that a change is known before it matters."""
        async with self._lock:
            await self._check()

    def all_failed_near(self, at: Instant) -> bool:
        """Return whether all references failed within 15 seconds of *at*."""
        return any(abs(failed - at) <= NEAR_US for failed in self._failed)

    def _fresh(self, start: int) -> ReferenceCheck | None:
        if self.last is None or self._began is None or self._began < start:
            return None
        return self.last

    async def _check(self) -> ReferenceCheck | Bug:
        began = self._clock.monotonic()
        self.next_beat = began + BEAT_US
        found = await self._supervise(self._asked(), "the self-check")
        if isinstance(found, Bug):
            return found
        previous, self.last, self._began = self.last, found, began
        if found.all_failed:
            self._failed.append(found.at)
        if previous is None or previous.all_failed != found.all_failed:
            self._on_change(found)
        _warn_of_clock(previous, found)
        return found

    async def _asked(self) -> ReferenceCheck:
        async with asyncio.timeout(_LIMIT_S):
            return await self._ask()


def _warn_of_clock(previous: ReferenceCheck | None, found: ReferenceCheck) -> None:
    offset = found.clock_offset_us or 0
    before = (previous.clock_offset_us or 0) if previous is not None else 0
    if abs(offset) > CLOCK_WARN_US >= abs(before):
        effect = (
            "nothing is measured" if abs(offset) > CLOCK_OFF_US else "above 30 s nothing counts"
        )
        _log.warning("this host's clock is %.1f s off the references: %s", -offset / 1e6, effect)
