"""A daemon that need not wait for the minute: all of it, at full speed.

Its clock stands still while as many looks as wanted are under way, or none is asked for, and else
leaps so far that as many fall due as there is room for. The daemon itself does not know: it
schedules, looks, judges, settles letters, works out the month's figures and writes to the journal
as often in its own time as it does in ours. What is real are the looks, the journal's thread and
file, and the CPU.
"""

import asyncio
import heapq
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from uptimed.config import load
from uptimed.core.observations import Instant, Observation
from uptimed.core.settings import secrets_of
from uptimed.core.targets import ProbeSettings
from uptimed.daemon.parts import DaemonParts, ProbePart
from uptimed.daemon.run import Daemon
from uptimed.ports import Probe
from uptimed.wiring.running import opened


class HurriedClock:
    """Time that passes as fast as looks are made, *together* of them at most, while `open`."""

    def __init__(self, together: int, gap_us: int) -> None:
        self._together, self._gap_us = together, gap_us  # the mean gap between starts
        self.open = False
        self._start = time.time_ns() // 1000
        self._passed = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0
        self.changed = asyncio.Event()  # fewer looks are under way, or it was opened
        self.under_way = 0

    def now(self) -> Instant:
        return Instant(self._start + self._passed)

    def monotonic(self) -> int:
        return self._passed

    def suspended(self) -> int:
        return 0

    async def sleep(self, duration_us: int) -> None:
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._passed + max(0, duration_us), self._count, wake))
        await wake

    def counted(self, probe: Probe) -> Probe:
        """Return *probe*, whose looks are counted while they are under way."""

        async def look(settings: ProbeSettings) -> Observation:
            self.under_way += 1
            try:
                return await probe(settings)
            finally:
                self.under_way -= 1
                self.changed.set()

        return look

    async def run(self) -> None:
        """Let time pass until cancelled."""
        while True:
            while self.under_way >= self._together or not self.open:
                self.changed.clear()
                await self.changed.wait()
            self._passed += (self._together - self.under_way) * self._gap_us
            while self._sleepers and self._sleepers[0][0] <= self._passed:
                wake = heapq.heappop(self._sleepers)[2]
                if not wake.done():
                    wake.set_result(None)
            await asyncio.sleep(0)  # noqa: TID251 - whoever was woken goes first
            await asyncio.sleep(0)  # noqa: TID251 - and the looks that it starts


@dataclass(slots=True)
class Hurried:
    """A daemon in a hurry: how many looks it has made."""

    clock: HurriedClock
    daemon: Daemon
    looks: int = 0

    async def make(self, looks: int) -> None:
        """Let so many more looks be made, and end."""
        wanted = self.looks + looks
        self.clock.open = True
        self.clock.changed.set()
        while self.looks < wanted or self.clock.under_way:
            self.clock.open = self.looks < wanted
            await asyncio.sleep(0.002)  # noqa: TID251 - real time


@asynccontextmanager
async def hurried(config: Path, *, together: int) -> AsyncIterator[Hurried]:
    """Run the daemon of *config*, wired as `uptimed run` wires it."""
    loaded = load(config)
    probes = sum(len(service.probes) for service in loaded.settings.services)
    clock = HurriedClock(together, 60_000_000 // probes)
    secrets = secrets_of(loaded.settings)
    stop = asyncio.Event()
    async with (
        opened(loaded, lambda: secrets, "bench", clock) as world,
        asyncio.TaskGroup() as group,
    ):
        parts = counting(world.parts(loaded.settings), clock)
        found = Hurried(clock, Daemon(parts))
        counted = found.daemon.parts.judge

        def judge(seen: Observation, settings: ProbeSettings) -> object:
            found.looks += 1
            return counted(seen, settings)

        found.daemon.parts = replace(found.daemon.parts, judge=judge)  # type: ignore[arg-type]
        passing = group.create_task(clock.run())
        running = group.create_task(found.daemon.run(stop))
        try:
            yield found
        finally:
            clock.open = True  # on the way out it is waited for what is written
            clock.changed.set()
            stop.set()
            await running
            passing.cancel()


def counting(parts: DaemonParts, clock: HurriedClock) -> DaemonParts:
    """Return *parts* with *clock*, which counts the looks that are under way."""
    services = tuple(
        replace(
            service,
            probes=tuple(
                ProbePart(settings=p.settings, probe=clock.counted(p.probe), turn=p.turn)
                for p in service.probes
            ),
        )
        for service in parts.services
    )
    return replace(parts, clock=clock, services=services)
