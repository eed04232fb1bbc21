"""Pushers beside the daemon: begun, changed by a reload, and seen among the followers."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.alerting.double import alertmanager
from tests.alerting.making import VAULT
from tests.alerting.test_watch import World, _settings
from tests.fakes import inline
from uptimed.alerting.pusher import cursor_name
from uptimed.clock import SystemClock
from uptimed.core.entries import Entry, EntryKind
from uptimed.core.minutes import Minute
from uptimed.core.observations import Attempt
from uptimed.core.settings import Alerting, Settings
from uptimed.ports import Batch
from uptimed.wiring.pushing import Beside, Pushing


class Record:
    """A journal and its reader, in memory."""

    def __init__(self) -> None:
        self.cursors: dict[str, int] = {}

    async def write(self, batch: Batch) -> None:
        self.cursors |= dict(batch.cursors)

    def cursor(self, name: str) -> int:
        return self.cursors.get(name, 0)

    def attempts(self, service: str, start: Minute, stop: Minute) -> Sequence[Attempt]:
        return ()

    def entries(self, client: str = "", kinds: Sequence[EntryKind] = ()) -> Sequence[Entry]:
        return ()


def _beside(record: Record) -> Beside:
    return Beside(
        snapshot=World().snapshot, at_hand=lambda _service: (), journal=record, reader=record,
        offload=inline, secrets=VAULT, clock=SystemClock(), software="1",
    )  # fmt: skip


def _to(*urls: str) -> Settings:
    return replace(_settings(), alertmanager=Alerting(urls=urls) if urls else None)


async def _until(so: Callable[[], object]) -> None:
    clock = SystemClock()
    async with asyncio.timeout(10):
        while not so():
            await clock.sleep(10_000)


async def test_every_alertmanager_hears_and_is_seen_by_its_number() -> None:
    record, pushing = Record(), Pushing()
    async with (
        alertmanager() as one,
        alertmanager() as two,
        pushing.pushing(_to(one.url, two.url), _beside(record)),
    ):
        await _until(lambda: one.requests and two.requests)
        await _until(lambda: len(record.cursors) == 2)
        names = [view.name for view in pushing.seen(World().snapshot)().followers]
    assert names[-2:] == ["alertmanager-1", "alertmanager-2"]
    assert set(record.cursors) == {cursor_name(one.url), cursor_name(two.url)}


async def test_a_reload_pushes_elsewhere_and_can_end_it() -> None:
    pushing = Pushing()
    async with (
        alertmanager() as one,
        alertmanager() as two,
        pushing.pushing(_to(one.url), _beside(Record())),
    ):
        await _until(lambda: one.requests)
        pushing.use(_to(two.url))
        await _until(lambda: two.requests)
        assert len(pushing.views()) == 1
        pushing.use(_to())
        await _until(lambda: not pushing.views())
    assert len(one.requests) == 1


async def test_a_reload_of_something_else_leaves_pushers_alone() -> None:
    pushing = Pushing()
    async with alertmanager() as one, pushing.pushing(_to(one.url), _beside(Record())):
        await _until(lambda: one.requests)
        before = list(pushing._pushers)
        pushing.use(replace(_to(one.url), retention_days=99))
        await SystemClock().sleep(20_000)
        assert list(pushing._pushers) == before


async def test_without_alertmanagers_there_is_nothing_beside_the_daemon() -> None:
    pushing = Pushing()
    async with pushing.pushing(_to(), _beside(Record())):
        assert pushing.views() == []
        snapshot = World().snapshot
        assert pushing.seen(snapshot)().followers == snapshot().followers
