"""When a probe looks: pure arithmetic on instants.

A probe looks at a fixed phase of the minute, which follows from a hash of its name: looks are
spread over the whole minute, a restart keeps the phase, and no probe's phase depends on another's.
A probe with an interval of n minutes looks in every n-th, and which of them follows from the hash
as well.

A look that could not start in time starts a little later in the same minute, if it can still end
before the next one of its probe begins. All that are late together are put off by as much as the
first of them was late, so that they keep their distances: after a pause there is no burst. What is
later than that was missed, and is skipped.

Nothing here asks a clock; what is told about clocks are readings.
"""

import heapq
from dataclasses import dataclass
from hashlib import blake2b
from typing import Generic, TypeVar

from uptimed.core.minutes import MINUTE, Minute, minute_of
from uptimed.core.observations import SECOND, Instant

STEP_LIMIT_US = 2 * SECOND
"""How far wall and monotonic time may drift apart between two readings: more is a step."""

LATE_LIMIT_US = SECOND
"""How late a look may start at once; what is later is put off, or was missed."""

LATEST_US = 20 * SECOND
"""How late a look may start at all, be it ever so short: looks are meant to be evenly spaced."""

LONGEST_LOOK_US = 55 * SECOND
"""What a look may take from the phase of its minute on, its lateness included."""

SPREAD_US = MINUTE - LATE_LIMIT_US
"""Where in the minute phases lie: a look that starts late still starts in its own minute."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timetable:
    """When one probe looks: at *phase_us* of each minute m with `m % interval == offset`."""

    phase_us: int
    offset: int
    interval: int

    def looks_in(self, minute: Minute) -> bool:
        """Return whether the probe looks in *minute* while nothing is wrong."""
        return minute % self.interval == self.offset

    def start_in(self, minute: Minute) -> Instant:
        """Return when a look of *minute* starts."""
        return Instant(minute * MINUTE + self.phase_us)

    def next_start(self, after: Instant, *, every_minute: bool = False) -> Instant:
        """Return the first start later than *after*.

        *every_minute* leaves the interval aside: so it is after a look that did not pass.
        """
        minute = minute_of(after)
        if self.start_in(minute) <= after:
            minute = Minute(minute + 1)
        if not every_minute:
            minute = Minute(minute + (self.offset - minute) % self.interval)
        return self.start_in(minute)


def timetable(service: str, probe: str, vantage: str, *, interval: int) -> Timetable:
    """Return the timetable of a probe: the same one for the same names, for ever."""
    name = f"{service}/{probe}/{vantage}".encode()
    digest = blake2b(name, digest_size=16).digest()
    return Timetable(
        phase_us=int.from_bytes(digest[:8], "big") % SPREAD_US,
        offset=int.from_bytes(digest[8:], "big") % interval,
        interval=interval,
    )


def latest_us(attempts: int, timeout_us: int, gap_us: int) -> int:
    """Return how late a look may start that makes up to *attempts*, *gap_us* apart."""
    longest = attempts * timeout_us + (attempts - 1) * gap_us
    return max(LATE_LIMIT_US, min(LATEST_US, LONGEST_LOOK_US - longest))


def put_off(
    planned: Instant, at: Instant, now: Instant, *, behind_us: int, most_us: int
) -> Instant | None:
    """Return when a late look starts instead of *at*; None where it was missed.

    *behind_us* is how late the first of those was that are late together. It starts no more than
    *most_us* later than it was *planned*, and in the same minute.
    """
    start = Instant(min(at + behind_us, planned + most_us))
    missed = start < now or minute_of(start) != minute_of(planned)
    return None if missed else start


class Agenda(Generic[T]):
    """What is to be done when: a heap. Whoever takes drops what is not wanted any more."""

    def __init__(self) -> None:
        self._heap: list[tuple[Instant, int, T]] = []
        self._count = 0  # keeps equal instants in order, and things from being compared

    def put(self, at: Instant, thing: T) -> None:
        """Enter *thing* for *at*."""
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, thing))

    def take(self, now: Instant) -> tuple[Instant, T] | None:
        """Take out the earliest thing that is due at *now*, or return None."""
        if not self._heap or self._heap[0][0] > now:
            return None
        at, _, thing = heapq.heappop(self._heap)
        return at, thing

    def next_at(self) -> Instant | None:
        """Return when the next thing is due, or None where nothing is entered."""
        return self._heap[0][0] if self._heap else None

    def clear(self) -> None:
        """Take out everything."""
        self._heap.clear()


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What the clocks showed at one moment."""

    wall: Instant
    monotonic: int
    suspended: int


@dataclass(frozen=True, slots=True)
class Step:
    """The wall clock showed *after* where it should have shown *before*.

    *suspended* tells that the host slept meanwhile, which explains it.
    """

    before: Instant
    after: Instant
    suspended: bool

    @property
    def forward(self) -> bool:
        """Return whether minutes were skipped rather than lived again."""
        return self.after > self.before


def step_between(one: ClockReading, two: ClockReading) -> Step | None:
    """Return the step between two readings, or None where the clocks agree within the limit."""
    expected = Instant(one.wall + two.monotonic - one.monotonic)
    if abs(two.wall - expected) <= STEP_LIMIT_US:
        return None
    slept = two.suspended - one.suspended > SECOND
    return Step(before=expected, after=two.wall, suspended=slept)
