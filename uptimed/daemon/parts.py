"""What the daemon is made of: plain values and callables, put together by whoever starts it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from uptimed.core.figures import Figures
from uptimed.core.observations import SECOND, Evidence, Instant, Observation, Reading
from uptimed.core.settings import (
    DEFAULT_GATHER_EVERY_US,
    DEFAULT_SEAL_AFTER_US,
    DEFAULT_SETTLE_AFTER_US,
)
from uptimed.core.snapshot import Edge
from uptimed.core.targets import Account, ProbeSettings
from uptimed.core.terms import WatchTerms
from uptimed.ports import (
    Clock,
    ContractRecord,
    Journal,
    JournalReader,
    LostHead,
    Offload,
    Probe,
    ReferenceCheck,
    SharedLooks,
)

T = TypeVar("T")


class HostClock(Clock, Protocol):
    """A clock that also knows how long the host slept."""

    def suspended(self) -> int:
        """Return for how many microseconds the host was suspended; only differences count."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePart:
    """A probe and what it looks at. Probes with the same *turn* look one after the other."""

    settings: ProbeSettings
    probe: Probe
    turn: str = ""  # empty: never waits for another


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePart:
    """A service as the daemon sees it. *down* holds the letters that its contract counts."""

    id: str
    client: str
    watch: WatchTerms
    probes: tuple[ProbePart, ...]
    down: str = "DL"
    platform: str = ""


@dataclass(frozen=True, slots=True)
class ReloadFailed:
    """A configuration that was to be loaded and is not usable: the old one goes on."""

    reason: str


async def no_references() -> ReferenceCheck:
    """Answer as a configuration without references does."""
    return ReferenceCheck(at=Instant(0))


async def in_thread(work: Callable[[], T]) -> T:
    """Run *work* in a thread of the loop's pool."""
    return await asyncio.to_thread(work)


def _no_fingerprint(_account: Account) -> str:
    """Return the fingerprint of a secret that nobody knows."""
    return ""


def _tell_nobody(_state: str) -> None:
    """Drop what was to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonParts:
    """Everything that the daemon touches.

    *references* is asked whether the world can be reached, and *reference_count* says how many
    there are: with fewer than two, targets that all fail together are the proof. *fingerprint*
    tells an account's secret from another (it may raise `SecretMissing`). *offload* runs blocking
    work, all that uses *reader* included, off the loop. *month_figures*, *prune* and *ping* are
    asked once a minute, once a day and once every *ping_every_us* while all is well. *events* hear
    of outages. *restored* are the heads of chains that a restored backup lost. *agreed* is what is
    agreed with each client, which goes on record when the daemon begins and when it reloads.

    *shared* is where other vantages' looks are read from, every *gather_every_us*; a minute waits
    for them at most *settle_after_us* after its end. Where *seals* is not set no day is sealed.
    """

    clock: HostClock
    journal: Journal
    reader: JournalReader
    vantage: str
    services: tuple[ServicePart, ...]
    judge: Callable[[Observation, ProbeSettings], Reading]
    evidence: Callable[[Observation, ProbeSettings], Evidence]
    references: Callable[[], Awaitable[ReferenceCheck]] = no_references
    reference_count: int = 0
    fingerprint: Callable[[Account], str] = _no_fingerprint
    offload: Offload = in_thread
    month_figures: Callable[[str, Instant], Awaitable[Figures | None]] | None = None
    prune: Callable[[Instant], Awaitable[None]] | None = None
    ping: Callable[[], Awaitable[None]] | None = None
    ping_every_us: int = 60 * SECOND
    notify: Callable[[str], None] = _tell_nobody
    events: Sequence[Callable[[Edge], Awaitable[None]]] = ()
    software: str = ""
    seal_after_us: int = DEFAULT_SEAL_AFTER_US
    seals: bool = True
    shared: SharedLooks | None = None
    settle_after_us: int = DEFAULT_SETTLE_AFTER_US
    gather_every_us: int = DEFAULT_GATHER_EVERY_US
    restored: Sequence[LostHead] = field(default=())
    agreed: Sequence[ContractRecord] = ()
