"""Webhooks: every event of an incident is posted to whoever keeps a desk of his own.

A follower of what was entered, with a durable cursor. It sends in order, at least once, and tries
again for as long as nobody answers or the answer is a fault of theirs (5xx): a desk that was down
for a week gets the week. What the desk refuses (4xx), or what alone it fails at while others pass,
is set aside after some tries, counted and logged, so that one event cannot hold up all that follow.
Nothing is lost by that: the event stays in the journal.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Protocol, Self, TypeVar

import aiohttp

from uptimed.core.entries import Entry, EntryKind
from uptimed.core.incidents.casebook import Casebook
from uptimed.core.incidents.webhooks import Message, message_of, signature
from uptimed.core.observations import SECOND
from uptimed.core.settings import Webhook
from uptimed.core.snapshot import FollowerView
from uptimed.core.targets import Secret
from uptimed.ports import Batch, Clock, SecretMissing, Secrets, StoreError

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

_EVERY_US = 5 * SECOND  # how often what is new is asked for
_LONGEST_WAIT_US = 300 * SECOND
REFUSALS = 5  # of one event, until it is set aside
FAILURES = 8  # of one event that was answered, until another one is tried in its place
_AGAIN = frozenset({408, 425, 429})  # refusals that are none


class Answer(Enum):
    """What became of an attempt to send."""

    TAKEN = "taken"
    REFUSED = "refused"
    FAILED = "failed"  # answered, with a fault of theirs
    SILENT = "silent"  # not answered, or not in time


class Entered(Protocol):
    """What is asked of the journal; each call waits for it elsewhere than on the event loop."""

    async def entries(self, after: int) -> Sequence[Entry]:
        """Return what was entered of incidents after that number, in order."""
        ...

    async def last(self) -> int:
        """Return the number of the last entry."""
        ...

    async def cursor(self, name: str) -> int:
        """Return how far *name* has come; 0 for one that never was here."""
        ...

    async def write(self, batch: Batch) -> None:
        """Keep *batch*."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    answer: Answer
    why: str


class WebhookFollower:
    """Posts what is entered to one URL."""

    def __init__(
        self,
        terms: Webhook,
        place: int,
        *,
        entered: Entered,
        secrets: Secrets,
        clock: Clock,
        random: Callable[[], float],
        software: str,
    ) -> None:
        self._terms = terms
        self._url = terms.urls[place]
        self.name = f"webhook-{place + 1}"
        self._entered = entered
        self._secrets = secrets
        self._clock = clock
        self._random = random
        self._software = software
        self._session: aiohttp.ClientSession | None = None
        self._books: dict[str, Casebook] = {}
        self._waiting: list[Message] = []
        self._ahead: set[int] = set()  # numbers that were sent before their turn
        self._trouble = ""
        self._sent = self._set_aside = 0
        key = hashlib.sha256(repr(self._url).encode()).hexdigest()[:12]
        self._cursor, self._count = f"webhook:{key}", f"webhook-set-aside:{key}"

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"User-Agent": f"uptimed/{self._software}", "Content-Type": "application/json"},
            timeout=aiohttp.ClientTimeout(total=self._terms.timeout_us / SECOND),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    def view(self) -> FollowerView:
        """Return how far behind it is."""
        oldest = self._waiting[0].at if self._waiting else None
        return FollowerView(
            name=self.name,
            backlog=len(self._waiting),
            lag_us=0 if oldest is None else max(0, self._clock.now() - oldest),
            error=self._trouble,
            set_aside=self._set_aside,
        )

    async def follow(self) -> None:
        """Post what is entered, until cancelled. What was entered before the first time is not."""
        self._sent = await self._kept(self._begin)
        while True:
            await self._kept(self._fetch)
            while self._waiting:
                await self._send_first()
            await self._clock.sleep(_EVERY_US)

    async def _begin(self) -> int:
        """Return the number of the last entry that was sent, or was there before us."""
        kept = await self._entered.cursor(self._cursor)
        self._set_aside = await self._entered.cursor(self._count)
        if kept:
            return kept - 1
        last = await self._entered.last()
        await self._entered.write(Batch(cursors={self._cursor: last + 1}))
        return last

    async def _fetch(self) -> None:
        """Queue what was entered since the last time."""
        seen = max((book.last for book in self._books.values()), default=0)
        for entry in await self._entered.entries(seen):
            book = self._books.setdefault(entry.client, Casebook())
            book.take([entry])
            if entry.kind is EntryKind.INCIDENT and entry.number > self._sent:
                self._waiting.append(message_of(entry, book))

    async def _send_first(self) -> None:
        """Send the first that waits, or set it aside, and remember how far it came."""
        first = self._waiting[0]
        aside = ""
        if first.number not in self._ahead:
            aside = await self._send(first)
        self._ahead.discard(first.number)
        if aside:
            self._set_aside += 1
            _log.error(
                "%s: event %d of %s is set aside: %s", self.name, first.number, first.subject, aside
            )
        cursors = {self._cursor: first.number + 1, self._count: self._set_aside}
        await self._kept(lambda: self._entered.write(Batch(cursors=cursors)))
        self._sent = first.number
        self._waiting.pop(0)

    async def _send(self, message: Message) -> str:
        """Send *message*; return "" when it was taken, else why it is to be set aside."""
        refusals = failures = tries = 0
        while True:
            done = await self._try(message)
            tries += 1
            if done.answer is Answer.TAKEN:
                self._well()
                return ""
            self._ill(done.why)
            refusals += done.answer is Answer.REFUSED
            failures += done.answer is Answer.FAILED
            if refusals >= REFUSALS:
                return f"refused {refusals} times, last with {done.why}"
            if failures >= FAILURES and failures % FAILURES == 0 and await self._others_pass():
                return f"failed {failures} times while others passed, last with {done.why}"
            await self._clock.sleep(self._wait(tries))
            await self._kept(self._fetch)

    async def _others_pass(self) -> bool:
        """Return whether the next event of another incident is taken where the first fails."""
        first = self._waiting[0].subject
        others = [m for m in self._waiting if m.subject != first and m.number not in self._ahead]
        if not others or (await self._try(others[0])).answer is not Answer.TAKEN:
            return False
        self._ahead.add(others[0].number)
        return True

    def _wait(self, tries: int) -> int:
        longest = min(_LONGEST_WAIT_US, SECOND << min(tries - 1, 12))
        return int(longest * (0.5 + self._random() / 2))

    async def _try(self, message: Message) -> _Try:
        assert self._session is not None  # noqa: S101 - it is used inside `async with`
        try:
            url = self._secrets.read(self._url) if isinstance(self._url, Secret) else self._url
            secret = self._secrets.read(self._terms.secret)
        except SecretMissing as error:
            return _Try(answer=Answer.SILENT, why=str(error))
        now = self._clock.now() // SECOND
        headers = {
            "webhook-id": message.id,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(secret, message.id, now, message.body),
        }
        try:
            async with self._session.post(
                url, data=message.body.encode(), headers=headers, allow_redirects=False
            ) as answer:
                return _judged(answer.status)
        except TimeoutError:
            return _Try(answer=Answer.SILENT, why="no answer in time")
        except (aiohttp.ClientError, ValueError, OSError) as error:
            return _Try(answer=Answer.SILENT, why=type(error).__name__)

    async def _kept(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Return what *work* returns, however long the journal takes to be well again."""
        tries = 0
        while True:
            try:
                return await work()
            except StoreError as error:
                tries += 1
                self._ill(str(error))
                await self._clock.sleep(self._wait(tries))

    def _ill(self, why: str) -> None:
        if not self._trouble:
            _log.warning("%s waits: %s", self.name, why)
        self._trouble = why

    def _well(self) -> None:
        if self._trouble:
            _log.info("%s goes on", self.name)
        self._trouble = ""


def _judged(status: int) -> _Try:
    why = f"status {status}"
    if 200 <= status < 300:
        return _Try(answer=Answer.TAKEN, why=why)
    if status >= 500 or status in _AGAIN:
        return _Try(answer=Answer.FAILED, why=why)
    return _Try(answer=Answer.REFUSED, why=why)
