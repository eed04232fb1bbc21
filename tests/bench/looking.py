"""Looks made by the real probe without a daemon around it, for the benches."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import NoReturn

from probes.net import Resolver
from probes.registry import probes
from uptimed.clock import SystemClock
from uptimed.core.judging import judge
from uptimed.core.observations import Instant, Observation, Outcome
from uptimed.core.targets import (
    BROKEN_TEXTS,
    Expectation,
    HttpTarget,
    ProbeSettings,
    Secret,
    TlsOptions,
)
from uptimed.core.terms import Role
from uptimed.ports import Clock, Secrets

PAUSE_S = 0.025  # between looks made alone
WARM = 20  # looks that do not count
TICK_S = 0.001  # of whoever watches the loop

Look = Callable[[], Awaitable[Observation]]


class NoSecrets:
    """There are none."""

    def read(self, secret: Secret) -> NoReturn:
        raise AssertionError(secret)


def settings_of(url: str, ca: Path) -> ProbeSettings:
    """Return the settings that `ground.configuration` comes to."""
    return ProbeSettings(
        id="p0",
        role=Role.REACH,
        kind="http",
        target=HttpTarget(url=url, tls=TlsOptions(ca_file=str(ca))),
        expect=Expectation(
            statuses=((200, 299),), contains=('"ok"',), broken=BROKEN_TEXTS, certificate_days=1
        ),
    )


def looker(url: str, ca: Path) -> AbstractAsyncContextManager[Look]:
    """Open a probe of one page, as `judged` does."""
    return judged(settings_of(url, ca), secrets=NoSecrets(), clock=SystemClock())


@asynccontextmanager
async def judged(settings: ProbeSettings, *, secrets: Secrets, clock: Clock) -> AsyncIterator[Look]:
    """Open a probe; what is yielded looks once and judges, and ends the bench when it fails."""
    resolver = Resolver()
    async with probes(secrets=secrets, resolver=resolver, version="bench", clock=clock) as by_kind:
        probe = by_kind[settings.kind]

        async def look() -> Observation:
            seen = await probe(settings)
            reading = judge(seen, settings, now=Instant(time.time_ns() // 1000))
            if reading.outcome is not Outcome.PASS:
                raise SystemExit(f"a look failed: {reading.detail}")
            return seen

        yield look
    resolver.close()


async def one_by_one(url: str, ca: Path, looks: int) -> list[float]:
    """Return what each of so many looks reports that it took, in milliseconds."""
    async with looker(url, ca) as look:
        found = []
        for n in range(WARM + looks):
            seen = await look()
            if n >= WARM:
                found.append(seen.took_us / 1000)
            await asyncio.sleep(PAUSE_S)  # noqa: TID251 - a real pause
        return found


async def idle(seconds: float) -> None:
    """Leave the loop alone."""
    await asyncio.sleep(seconds)  # noqa: TID251 - the real loop is measured


async def lateness(work: Callable[[], Awaitable[object]]) -> list[float]:
    """Return by how many milliseconds the loop was late at each tick while *work* was done."""
    late: list[float] = []
    stop = asyncio.Event()

    async def tick() -> None:
        while not stop.is_set():
            began = time.perf_counter()
            await asyncio.sleep(TICK_S)  # noqa: TID251 - the real loop is measured
            late.append((time.perf_counter() - began - TICK_S) * 1000)

    async with asyncio.TaskGroup() as group:
        group.create_task(tick())
        await work()
        stop.set()
    return late


async def at_once(act: Callable[[], Awaitable[object]], times: int, together: int) -> None:
    """Do *act* so many times, some of them at the same time."""

    async def several() -> None:
        for _ in range(times // together):
            await act()

    async with asyncio.TaskGroup() as group:
        for _ in range(together):
            group.create_task(several())


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the value that *percent* of the ordered values do not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
