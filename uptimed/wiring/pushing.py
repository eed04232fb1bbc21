"""Pushers of alerts beside the daemon: one for each Alertmanager, none in another's way."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from uptimed.alerting.pusher import Pusher
from uptimed.alerting.server import Answer, Server
from uptimed.alerting.trial import trial
from uptimed.alerting.watch import REFERENCE_US, Watchtower
from uptimed.clock import SystemClock
from uptimed.core.alerts import Rule
from uptimed.core.entries import Entry, EntryKind
from uptimed.core.minutes import Minute
from uptimed.core.observations import SECOND, Attempt
from uptimed.core.settings import Alerting, Settings
from uptimed.core.silences import Silence, silences
from uptimed.core.snapshot import FollowerView, Snapshot
from uptimed.daemon.supervise import Supervisor
from uptimed.ports import Batch, Clock, Journal, Offload, Secrets
from uptimed.wiring.following import alongside, among_followers

_AGAIN_US = 10 * SECOND  # after a bug


class CursorReader(Protocol):
    """What is asked of the journal."""

    def cursor(self, name: str) -> int:
        """Return how far *name* has come; 0 for one that never was here."""
        ...

    def attempts(self, service: str, start: Minute, stop: Minute) -> Sequence[Attempt]:
        """Return the attempts whose look begins in [start, stop)."""
        ...

    def entries(self, client: str = "", kinds: Sequence[EntryKind] = ...) -> Sequence[Entry]:
        """Return the entries of *kinds*, of every client where *client* is empty."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What pushers have of the daemon that they run beside."""

    snapshot: Callable[[], Snapshot]
    at_hand: Callable[[str], Sequence[Attempt]]
    journal: Journal
    reader: CursorReader
    offload: Offload
    secrets: Secrets
    clock: Clock
    software: str

    async def cursor(self, name: str) -> int:
        """Return how far *name* has come."""
        return await self.offload(lambda: self.reader.cursor(name))

    async def write(self, batch: Batch) -> None:
        """Keep *batch*."""
        await self.journal.write(batch)

    async def looks(self, service: str, start: Minute, stop: Minute) -> Sequence[Attempt]:
        """Return attempts on record."""
        return await self.offload(lambda: self.reader.attempts(service, start, stop))

    async def silences(self) -> Sequence[Silence]:
        """Return the silences on record."""
        return silences(await self.offload(lambda: self.reader.entries("", (EntryKind.SILENCE,))))


class Pushing:
    """The pushers that are configured; a reload may bring others. Without any, it does nothing."""

    def __init__(self) -> None:
        self._pushers: tuple[Pusher, ...] = ()
        self._tower: Watchtower | None = None
        self._settings: Settings | None = None
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def pushing(self, settings: Settings, daemon: Beside) -> AsyncIterator[None]:
        """Push inside."""
        self._settings = settings
        self._tower = Watchtower(
            settings,
            snapshot=daemon.snapshot,
            at_hand=daemon.at_hand,
            looks=daemon.looks,
            clock=daemon.clock,
            silences=daemon.silences,
            reference_us=REFERENCE_US,
        )
        async with alongside(self._push(daemon, self._tower)):
            yield

    def use(self, settings: Settings) -> None:
        """Know the services of *settings*, and push where they say, from now on."""
        before = self._settings.alertmanager if self._settings is not None else None
        self._settings = settings
        if self._tower is not None:
            self._tower.use(settings)
        if settings.alertmanager != before:
            self._changed.set()

    def seen(self, snapshot: Callable[[], Snapshot]) -> Callable[[], Snapshot]:
        """Return *snapshot* with the pushers among its followers."""
        return among_followers(snapshot, self.views)

    def views(self) -> Sequence[FollowerView]:
        """Return how far behind each is."""
        return [pusher.view() for pusher in self._pushers]

    async def _push(self, daemon: Beside, tower: Watchtower) -> None:
        """Push as the settings say, and anew whenever they say something else.

        What was told is on record, so that nothing is told twice.
        """
        while True:
            self._changed.clear()
            assert self._settings is not None  # noqa: S101 - `pushing` has set it
            async with (
                _pushers(self._settings.alertmanager, daemon, tower) as self._pushers,
                alongside(*(_follow(pusher, daemon.clock) for pusher in self._pushers)),
            ):
                await self._changed.wait()


async def _follow(pusher: Pusher, clock: Clock) -> None:
    what = f"pushing to {pusher.name}"
    await Supervisor().again(pusher.follow, what, clock=clock, after_us=_AGAIN_US)


def names(terms: Alerting) -> Sequence[tuple[str, str]]:
    """Return the name and the address of each Alertmanager of *terms*, as metrics name them."""
    return [(f"alertmanager-{number}", url) for number, url in enumerate(terms.urls, start=1)]


@asynccontextmanager
async def _pushers(
    terms: Alerting | None, daemon: Beside, tower: Watchtower
) -> AsyncIterator[tuple[Pusher, ...]]:
    async with AsyncExitStack() as stack:
        found = []
        for name, url in names(terms) if terms is not None else ():
            assert terms is not None  # noqa: S101 - said above
            server = Server(
                url, terms, secrets=daemon.secrets, clock=daemon.clock, software=daemon.software
            )
            found.append(
                Pusher(
                    name,
                    await stack.enter_async_context(server),
                    tower.alerts,
                    journal=daemon,
                    clock=daemon.clock,
                    generator=terms.generator_url,
                )
            )
        yield tuple(found)


async def send_trial(
    terms: Alerting, secrets: Secrets, software: str, *, like: Rule, vantage: str
) -> Sequence[tuple[str, str, Answer]]:
    """Send a test alert through every Alertmanager; return name, address and answer of each."""
    clock = SystemClock()
    posting = trial(clock.now(), like=like, vantage=vantage, runbook=terms.runbook_url)

    async def sent(name: str, url: str) -> tuple[str, str, Answer]:
        async with Server(url, terms, secrets=secrets, clock=clock, software=software) as server:
            return name, url, await server.post([posting])

    return await asyncio.gather(*(sent(name, url) for name, url in names(terms)))
