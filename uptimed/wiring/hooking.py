"""Webhooks beside the daemon: a follower for each URL, none in another's way."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import random

from uptimed.core.entries import Entry
from uptimed.core.incidents.casebook import KINDS
from uptimed.core.observations import SECOND
from uptimed.core.settings import Settings
from uptimed.core.snapshot import FollowerView, Snapshot
from uptimed.daemon.supervise import Supervisor
from uptimed.ports import Batch, Clock, Journal, JournalReader, Offload, Secrets
from uptimed.webhooks import WebhookFollower
from uptimed.wiring.following import alongside, among_followers

_AGAIN_US = 60 * SECOND  # after a bug


@dataclass(frozen=True, slots=True)
class _Entered:
    """The journal, as webhooks follow it."""

    journal: Journal
    reader: JournalReader
    offload: Offload

    async def entries(self, after: int) -> Sequence[Entry]:
        return await self.offload(lambda: self.reader.entries("", KINDS, after=after))

    async def last(self) -> int:
        entries = await self.offload(self.reader.entries)
        return entries[-1].number if entries else 0

    async def cursor(self, name: str) -> int:
        return await self.offload(lambda: self.reader.cursor(name))

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
        offload: Offload,
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
            async with alongside(*(_follow(each, clock) for each in found)):
                yield

    def seen(self, snapshot: Callable[[], Snapshot]) -> Callable[[], Snapshot]:
        """Return *snapshot* with the webhooks among its followers."""
        return among_followers(snapshot, self.views)

    def views(self) -> Sequence[FollowerView]:
        """Return how far behind each is."""
        return [follower.view() for follower in self._followers]


async def _follow(follower: WebhookFollower, clock: Clock) -> None:
    what = f"posting to {follower.name}"
    await Supervisor().again(follower.follow, what, clock=clock, after_us=_AGAIN_US)
