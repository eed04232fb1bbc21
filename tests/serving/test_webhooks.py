"""Webhooks over real sockets: sent in order, at least once, and never held up by one that fails."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from aiohttp import web
from typing_extensions import override

from tests.core.cases import at
from tests.core.incidents.books import Journal, kept
from tests.fakes import FakeClock
from uptimed.core.entries import Entry
from uptimed.core.incidents import Noted, Opened
from uptimed.core.incidents.casebook import Recording
from uptimed.core.incidents.webhooks import signature
from uptimed.core.settings import Webhook
from uptimed.core.targets import Secret, SecretPlace
from uptimed.ports import Batch, SecretMissing, StoreError
from uptimed.webhooks import FAILURES, REFUSALS, WebhookFollower

SECRET = Secret(place=SecretPlace.ENV, name="HOOK")
NOON = at("2026-10-05 12:00")


async def _nap(seconds: float) -> None:
    """Let the loop turn: the sockets of these tests are real."""
    turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    alarm = asyncio.get_running_loop().call_later(seconds, turn.set_result, None)
    try:
        await turn
    finally:
        alarm.cancel()


class Hurried(FakeClock):
    """A clock that waits for nobody, and counts what it was asked to wait."""

    def __init__(self) -> None:
        super().__init__("2026-10-05 12:00:00")
        self.waits: list[int] = []

    @override
    async def sleep(self, duration_us: int) -> None:
        self.waits.append(duration_us)
        self._monotonic += duration_us
        await _nap(0.001)


class Record:
    """What a journal keeps, in memory; it may fail some times first."""

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self.kept = list(entries)
        self.cursors: dict[str, int] = {}
        self.failing = 0

    async def entries(self, after: int) -> Sequence[Entry]:
        if self.failing:
            self.failing -= 1
            raise StoreError("the disk is full")
        return [entry for entry in self.kept if entry.number > after]

    async def last(self) -> int:
        return len(self.kept)

    async def cursor(self, name: str) -> int:
        return self.cursors.get(name, 0)

    async def write(self, batch: Batch) -> None:
        self.cursors |= batch.cursors

    def from_the_start(self) -> "Record":
        """Have everything still to be sent."""
        self.cursors = _Beginning()
        return self


class _Beginning(dict[str, int]):
    """Cursors of a follower that was here before anything was entered."""

    @override
    def get(self, key: str, default: Any = 0) -> Any:
        return super().get(key, 1 if "aside" not in key else 0)


class Secrets:
    def read(self, secret: Secret) -> str:
        if secret != SECRET:
            raise SecretMissing(f"{secret.name} is not set")
        return "s3cret"


Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


def status(code: int) -> Reply:
    async def reply(request: web.Request) -> web.StreamResponse:
        return web.Response(status=code)

    return reply


async def hang(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def break_off(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@dataclass
class Theirs:
    """Somebody else's desk. *replies* are given first; *bad* words are answered with *code*."""

    replies: list[Reply] = field(default_factory=list)
    bad: str = ""
    code: int = 500
    url: str = ""
    taken: list[Mapping[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    asked: int = 0

    async def reply(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        text = await request.text()
        if self.replies:
            return await self.replies.pop(0)(request)
        if self.bad and self.bad in text:
            return web.Response(status=self.code)
        self.taken.append(json.loads(text))
        self.bodies.append(text)
        self.headers.append({k.lower(): v for k, v in request.headers.items()})
        return web.Response(status=204)

    def told(self) -> list[str]:
        """Return the words of the events that were taken, in order."""
        return [str(each["data"]["event"].get("words", "")) for each in self.taken]


@asynccontextmanager
async def serving(theirs: Theirs) -> AsyncIterator[Theirs]:
    app = web.Application()
    app.router.add_post("/hook", theirs.reply)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    theirs.url = f"http://{host}:{port}/hook"
    try:
        yield theirs
    finally:
        await runner.cleanup()


def tale(*words: str) -> list[Entry]:
    """Return the entries of an incident for each letter that words begin with, and their notes."""
    journal = Journal()
    references: dict[str, str] = {}
    for word in words:
        if word[0] not in references:
            act = Opened(service="crm", severity="incident", words=f"{word[0]}0")
            references[word[0]] = journal.record(partial(_opened, act=act))
        journal.record(partial(_noted, reference=references[word[0]], words=word))
    return journal.entries


def _opened(recording: Recording, act: Opened) -> str:
    return kept(recording.open(act, at=NOON, by="ana")).incident


def _noted(recording: Recording, reference: str, words: str) -> None:
    kept(recording.add(reference, Noted(words=words), at=NOON, by="ana"))


@asynccontextmanager
async def following(
    record: Record, theirs: Theirs, *, url: str | Secret = "", timeout_us: int = 2_000_000
) -> AsyncIterator[tuple[WebhookFollower, Hurried]]:
    terms = Webhook(urls=(url or theirs.url,), secret=SECRET, timeout_us=timeout_us)
    clock = Hurried()
    follower = WebhookFollower(
        terms, 0, entered=record, secrets=Secrets(), clock=clock, random=lambda: 1.0, software="0"
    )
    async with follower, asyncio.timeout(20), asyncio.TaskGroup() as group:
        task = group.create_task(follower.follow())
        yield follower, clock
        task.cancel()


async def until(done: Callable[[], bool]) -> None:
    """Wait until *done*; the time limit around it is the follower's."""
    while not done():
        await _nap(0.005)


async def test_events_are_posted_in_order_signed_and_once() -> None:
    record = Record(tale("a1", "a2", "b1")).from_the_start()
    async with serving(Theirs()) as theirs, following(record, theirs) as (follower, _):
        await until(lambda: len(theirs.taken) == 5 and not follower.view().backlog)

    assert theirs.told() == ["a0", "a1", "a2", "b0", "b1"]
    for headers, body in zip(theirs.headers, theirs.bodies, strict=True):
        sent, stamp = headers["webhook-id"], int(headers["webhook-timestamp"])
        assert headers["webhook-signature"] == signature("s3cret", sent, stamp, body)
        assert headers["content-type"] == "application/json"
    assert follower.view().set_aside == 0


async def test_what_was_entered_before_the_first_time_is_not_posted() -> None:
    entries = tale("a1", "a2")
    record = Record(entries[:3])
    async with serving(Theirs()) as theirs, following(record, theirs):
        await until(lambda: bool(record.cursors))
        record.kept = entries
        await until(lambda: bool(theirs.taken))

    assert theirs.told() == ["a2"]


async def test_after_a_restart_it_goes_on_where_it_was() -> None:
    entries = tale("a1", "a2", "a3")
    record = Record(entries[:3]).from_the_start()
    async with serving(Theirs()) as theirs:
        async with following(record, theirs) as (follower, _):
            await until(lambda: len(theirs.taken) == 2 and not follower.view().backlog)
        record.kept = entries
        async with following(record, theirs):
            await until(lambda: len(theirs.taken) == 4)

    assert theirs.told() == ["a0", "a1", "a2", "a3"]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(status(500), id="a fault of theirs"),
        pytest.param(status(503), id="unavailable"),
        pytest.param(status(429), id="too many"),
        pytest.param(hang, id="hangs"),
        pytest.param(break_off, id="breaks off"),
        pytest.param(status(404), id="refuses once"),
        pytest.param(status(302), id="points elsewhere"),
    ],
)
async def test_what_did_not_arrive_is_sent_again_and_nothing_overtakes_it(reply: Reply) -> None:
    record = Record(tale("a1", "a2")).from_the_start()
    async with (
        serving(Theirs(replies=[reply, reply])) as theirs,
        following(record, theirs, timeout_us=200_000) as (follower, clock),
    ):
        await until(lambda: len(theirs.taken) == 3 and not follower.view().backlog)

    assert theirs.told() == ["a0", "a1", "a2"]
    assert clock.waits[:2] == [1_000_000, 2_000_000]
    assert follower.view().error == ""


async def test_a_desk_that_was_away_for_long_gets_everything_when_it_is_back() -> None:
    record = Record(tale("a1", "a2", "b1")).from_the_start()
    async with (
        serving(Theirs(replies=[status(503)] * 40)) as theirs,
        following(record, theirs) as (follower, clock),
    ):
        await until(lambda: len(theirs.taken) == 5 and not follower.view().backlog)

    assert theirs.told() == ["a0", "a1", "a2", "b0", "b1"]
    assert follower.view().set_aside == 0
    assert max(clock.waits) == 300_000_000


async def test_what_is_refused_is_set_aside_after_some_tries_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    record = Record(tale("a1", "a2")).from_the_start()
    async with serving(Theirs(bad='"a1"', code=422)) as theirs:
        async with following(record, theirs) as (follower, _):
            await until(lambda: len(theirs.taken) == 2 and not follower.view().backlog)
        assert theirs.asked == 2 + REFUSALS
        async with following(record, theirs) as (again, _):
            await until(lambda: again.view().set_aside == 1)

    assert theirs.told() == ["a0", "a2"]
    assert "event 3 of ACME-2026-0001 is set aside: refused 5 times, last with status 422" in (
        caplog.text
    )


async def test_what_alone_fails_while_others_pass_is_set_aside() -> None:
    record = Record(tale("a1", "a2", "b1")).from_the_start()
    async with serving(Theirs(bad='"a1"')) as theirs, following(record, theirs) as (follower, _):
        await until(lambda: len(theirs.taken) == 4 and not follower.view().backlog)

    assert theirs.told() == ["a0", "b0", "a2", "b1"]
    assert theirs.asked == 4 + FAILURES
    assert follower.view().set_aside == 1


async def test_what_fails_is_tried_on_while_nothing_else_tells_whose_fault_it_is() -> None:
    record = Record(tale("a1")).from_the_start()
    async with serving(Theirs(bad='"a1"')) as theirs, following(record, theirs) as (follower, _):
        await until(lambda: theirs.asked > 1 + 3 * FAILURES)
        assert follower.view().backlog == 1
        theirs.bad = ""
        await until(lambda: len(theirs.taken) == 2)

    assert theirs.told() == ["a0", "a1"]


async def test_a_journal_that_fails_and_a_secret_that_is_missing_are_waited_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    record = Record(tale("a1")).from_the_start()
    record.failing = 3
    missing = Secret(place=SecretPlace.ENV, name="NOT_SET")
    async with serving(Theirs()) as theirs:
        async with following(record, theirs) as (follower, _):
            await until(lambda: len(theirs.taken) == 2)
        async with following(record.from_the_start(), theirs, url=missing) as (follower, clock):
            await until(lambda: len(clock.waits) > 5)
            assert follower.view().error == "NOT_SET is not set"

    assert theirs.told() == ["a0", "a1"]
    assert "s3cret" not in caplog.text
