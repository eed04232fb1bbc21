"""Followers of the journal, beside the daemon: behind, down or broken, no look ever notices."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from random import random
from typing import Protocol

from uptimed.core.observations import SECOND
from uptimed.core.settings import Settings
from uptimed.core.snapshot import FollowerView, Snapshot
from uptimed.daemon.supervise import Supervisor
from uptimed.ports import Clock, Secrets
from uptimed.stores.sqlite import SqliteJournal

_AGAIN_US = 60 * SECOND  # after a bug


@asynccontextmanager
async def alongside(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Do all of *work* inside, and end it afterwards."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


def among_followers(
    snapshot: Callable[[], Snapshot], views: Callable[[], Sequence[FollowerView]]
) -> Callable[[], Snapshot]:
    """Return *snapshot* with *views* among its followers."""

    def picture() -> Snapshot:
        found, more = snapshot(), views()
        return replace(found, followers=(*found.followers, *more)) if more else found

    return picture


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
        if settings.influxdb is None:
            yield
            return
        from uptimed.stores.influx import influx_follower

        opened = influx_follower(
            settings, journal, secrets=secrets, clock=clock, random=random, software=software
        )
        async with opened as influx:
            self._influx = influx
            follow = Supervisor().again(
                influx.follow, "the InfluxDB follower", clock=clock, after_us=_AGAIN_US
            )
            async with alongside(follow):
                yield

    def use(self, settings: Settings) -> None:
        """Know the services of *settings* from now on."""
        if self._influx is not None:
            self._influx.use(settings)

    def seen(self, snapshot: Callable[[], Snapshot]) -> Callable[[], Snapshot]:
        """Return *snapshot* with the followers in it."""
        return among_followers(
            snapshot, lambda: [] if self._influx is None else [self._influx.view()]
        )
