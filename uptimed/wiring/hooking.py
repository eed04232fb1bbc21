"""Webhooks beside the daemon: a follower for each URL, none in another's way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from random import random
from typing import TypeVar

from uptimed.core.entries import Entry
from uptimed.core.incidents.casebook import KINDS
from uptimed.core.observations import SECOND
from uptimed.core.settings import Settings
from uptimed.core.snapshot import FollowerView, Snapshot
from uptimed.daemon.supervise import Bug, Supervisor
from uptimed.ports import Batch, Clock, Journal, JournalReader, Secrets
from uptimed.webhooks import WebhookFollower

T = TypeVar("T")

_AGAIN_US = 60 * SECOND  # after a bug


@dataclass(frozen=True, slots=True)
class _Entered:
    """The journal, as webhooks follow it."""

    journal: Journal
    reader: JournalReader
    offload: Callable[[Callable[[], object]], Awaitable[object]]

    async def _do(self, work: Callable[[], T]) -> T:
        return await self.offload(work)  # type: ignore[return-value]

    async def entries(self, after: int) -> Sequence[Entry]:
        return await self._do(lambda: self.reader.entries("", KINDS, after=after))

    async def last(self) -> int:
        entries = await self._do(self.reader.entries)
        return entries[-1].number if entries else 0

    async def cursor(self, name: str) -> int:
        return await self._do(lambda: self.reader.cursor(name))

    async def write(self, batch: Batch) -> None:
        await self.journal.write(batch)


class Hooks:
    """The webhooks that are configured. Without any, it does nothing."""

    def __init__(self) -> None:
        self._followers: tuple[WebhookFollower, ...] = ()

    @asynccontextmanager
    async def posting(
        self,
        settings: Settings,
        *,
        journal: Journal,
        reader: JournalReader,
        offload: Callable[[Callable[[], object]], Awaitable[object]],
        secrets: Secrets,
        clock: Clock,
        software: str,
    ) -> AsyncIterator[None]:
        """Post inside."""
        terms = settings.webhook
        if terms is None:
            yield
            return
        entered = _Entered(journal, reader, offload)
        async with AsyncExitStack() as stack:
            found = []
            for place in range(len(terms.urls)):
                follower = WebhookFollower(
                    terms, place, entered=entered, secrets=secrets, clock=clock, random=random,
                    software=software,
                )  # fmt: skip
                found.append(await stack.enter_async_context(follower))
            self._followers = tuple(found)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_follow(each, clock)) for each in found]
                try:
                    yield
                finally:
                    for task in tasks:
                        task.cancel()

    def seen(self, snapshot: Callable[[], Snapshot]) -> Callable[[], Snapshot]:
        """Return *snapshot* with the webhooks among its followers."""

        def picture() -> Snapshot:
            found, views = snapshot(), self.views()
            return replace(found, followers=(*found.followers, *views)) if views else found

        return picture

    def views(self) -> Sequence[FollowerView]:
        """Return how far behind each is."""
        return [follower.view() for follower in self._followers]


async def _follow(follower: WebhookFollower, clock: Clock) -> None:
    supervise = Supervisor()
    while isinstance(await supervise(follower.follow(), f"posting to {follower.name}"), Bug):
        await clock.sleep(_AGAIN_US)
