"""Followers of the journal, beside the daemon: behind, down or broken, no look ever notices."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from random import random
from typing import Protocol

from uptimed.core.observations import SECOND
from uptimed.core.settings import Settings
from uptimed.core.snapshot import FollowerView, Snapshot
from uptimed.daemon.supervise import Bug, Supervisor
from uptimed.ports import Clock, Secrets
from uptimed.stores.sqlite import SqliteJournal

_AGAIN_US = 60 * SECOND  # after a bug


class Follower(Protocol):
    """One of them."""

    async def follow(self) -> None:
        """Bring over what is written, until cancelled."""
        ...

    def use(self, settings: Settings) -> None:
        """Know the services of *settings* from now on."""
        ...

    def view(self) -> FollowerView:
        """Return how far behind it is."""
        ...


class Followers:
    """Those that are configured. Without any, it does nothing."""

    def __init__(self) -> None:
        self._influx: Follower | None = None

    @asynccontextmanager
    async def following(
        self,
        settings: Settings,
        journal: SqliteJournal,
        secrets: Secrets,
        clock: Clock,
        software: str,
    ) -> AsyncIterator[None]:
        """Follow *journal* inside; what InfluxDB needs is loaded only where it is configured."""
        async with AsyncExitStack() as stack:
            if settings.influxdb is not None:
                from uptimed.stores.influx import influx_follower

                self._influx = await stack.enter_async_context(
                    influx_follower(
                        settings, journal, secrets=secrets, clock=clock, random=random,
                        software=software,
                    )
                )  # fmt: skip
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._follow(self._influx, clock))]
                try:
                    yield
                finally:
                    for task in tasks:
                        task.cancel()

    async def _follow(self, influx: Follower | None, clock: Clock) -> None:
        supervise = Supervisor()
        if influx is None:
            return
        while isinstance(await supervise(influx.follow(), "the InfluxDB follower"), Bug):
            await clock.sleep(_AGAIN_US)

    def use(self, settings: Settings) -> None:
        """Know the services of *settings* from now on."""
        if self._influx is not None:
            self._influx.use(settings)

    def seen(self, snapshot: Callable[[], Snapshot]) -> Callable[[], Snapshot]:
        """Return *snapshot* with the followers in it."""

        def picture() -> Snapshot:
            if self._influx is None:
                return snapshot()
            return replace(snapshot(), followers=(self._influx.view(),))

        return picture
