"""From the outbox to the mail server: one pass over what is due.

A pass is made by one process at a time (`sending_alone`), the daemon or a command. When the server
cannot be reached one attempt speaks for all who wait, and when it takes the first mail those who
wait only because of it go at once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar, assert_never

from uptimed.core.masking import masker
from uptimed.core.observations import Instant
from uptimed.core.outbox import (
    FIRST_WAIT_US,
    LOGIN_WAIT_US,
    Delivery,
    Event,
    Happening,
    Record,
    addressed,
    due,
    given_up,
    wait_us,
)
from uptimed.core.settings import Mailing
from uptimed.mail.composing import in_ascii
from uptimed.mail.sending import Accepted, Later, Line, Never, Outcome, Unknown, connected
from uptimed.ports import Clock, SecretMissing, Secrets, StoreError
from uptimed.stores.outbox import Damaged, NotNow, Outbox, sending_alone

T = TypeVar("T")
Due = tuple[Record, Delivery]

_BROKEN_LINES = 2  # in a row, without an answer between them: the server is not well

_log = logging.getLogger(__name__)


class OutboxDesk:
    """The outbox from an event loop: a thread of its own, one question after the other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._outbox: Outbox | None = None

    async def __call__(self, work: Callable[[Outbox], T]) -> T:
        """Return what *work* returns of the outbox; after a trouble it is opened anew."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)

    def _do(self, work: Callable[[Outbox], T]) -> T:
        if self._outbox is None:
            self._outbox = Outbox.open(self.path)
        try:
            return work(self._outbox)
        except StoreError:
            self._shut()
            raise

    def _shut(self) -> None:
        if self._outbox is not None:
            self._outbox.close()
            self._outbox = None

    async def close(self) -> None:
        """Close the outbox."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._shut)
        self._thread.shutdown(wait=False)


@asynccontextmanager
async def outbox_desk(path: Path) -> AsyncIterator[OutboxDesk]:
    """Open a desk, and close it afterwards."""
    desk = OutboxDesk(path)
    try:
        yield desk
    finally:
        await desk.close()


@dataclass(slots=True)
class Tally:
    """What a pass did. *busy* says that another process was sending, and nothing was done."""

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    uncertain: int = 0
    trouble: str = ""
    busy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Postman:
    """Delivers what is due.

    *chance* is a number from 0 to 1; *told* hears of each outcome. *stopping* ends a pass between
    mails: a text that is going out is finished, so that its answer is not lost. *going* is told
    the number of the mail whose text may be on its way to a server, and nothing once it is not.
    """

    mailing: Mailing
    secrets: Secrets
    clock: Clock
    chance: Callable[[], float]
    stopping: Callable[[], bool] = lambda: False
    going: Callable[[str], None] = lambda _number: None
    told: Callable[[Record, Delivery, Outcome], None] = field(
        default=lambda _record, _delivery, _outcome: None
    )

    async def deliver(self, desk: OutboxDesk, *, only: Collection[str] | None = None) -> Tally:
        """Send what is due, of the numbers *only* or all; return what was done.

        Raise `StoreError` where the outbox cannot be read or written.
        """
        with sending_alone(desk.path) as ours:
            if not ours:
                return Tally(busy=True)
            tally = Tally()
            for record, delivery in await desk(partial(_doubt, self.clock.now())):
                tally.uncertain += 1
                _log.error(
                    "%s to %s may have gone out, its answer is lost: see `uptimed outbox show`",
                    record.mail.number, delivery.address,
                )  # fmt: skip
            await self._passes(desk, tally, only)
            return tally

    async def _passes(self, desk: OutboxDesk, tally: Tally, only: Collection[str] | None) -> None:
        """Send until nothing is due; a server that is back gets what waited for it alone."""
        tried: set[tuple[str, int]] = set()
        while True:
            is_back = tally.accepted > 0
            waiting = await desk(partial(_waiting, self.clock.now(), only, server_is_back=is_back))
            todo = [one for one in waiting if (one[0].mail.number, one[1].place) not in tried]
            todo = [one for one in todo if not await self._gave_up(desk, one, tally)]
            if not todo:
                return
            tried |= {(record.mail.number, delivery.place) for record, delivery in todo}
            if not await self._send_all(desk, todo, tally):
                return

    async def _gave_up(self, desk: OutboxDesk, one: Due, tally: Tally) -> bool:
        record, delivery = one
        now = self.clock.now()
        patience = self.mailing.give_up_after_us
        if not given_up(record.mail, delivery, now, patience_us=patience):
            return False
        words = f"given up after {delivery.tries} tries; {delivery.words}".strip("; ")
        await self._keep(desk, one, Never(words), tally)
        return True

    async def _send_all(self, desk: OutboxDesk, todo: list[Due], tally: Tally) -> bool:
        """Send *todo*, over as many connections as it takes; return whether the server is well."""
        broken = 0
        while todo and broken < _BROKEN_LINES:
            try:
                password = self._password()
            except SecretMissing as error:
                await self._defer_all(desk, todo, Later(words=str(error), server=True), tally)
                return False
            mask = masker([password])
            async with connected(self.mailing, password, mask) as line:
                if isinstance(line, Later):
                    await self._defer_all(desk, todo, line, tally)
                    return False
                answered = await self._over(line, desk, todo, tally)
            broken = 0 if answered else broken + 1
        if not todo:
            return broken < _BROKEN_LINES
        trouble = Later(words=tally.trouble or "the connection broke off", server=True)
        await self._defer_all(desk, todo, trouble, tally)
        return False

    def _password(self) -> str:
        place = self.mailing.password
        return "" if place is None else self.secrets.read(place)

    async def _over(self, line: Line, desk: OutboxDesk, todo: list[Due], tally: Tally) -> bool:
        """Send *todo* over *line* while it holds; return whether the server answered for any."""
        answered = False
        while todo and not self.stopping():
            one = todo.pop(0)
            outcome = await self._send(line, desk, one)
            if outcome is None:
                continue
            await self._keep(desk, one, outcome, tally)
            self.going("")
            if isinstance(outcome, Unknown) or (isinstance(outcome, Later) and outcome.server):
                return answered
            answered = True
        if todo:  # stopping: what is left is as due as it was
            todo.clear()
        return True

    async def _send(self, line: Line, desk: OutboxDesk, one: Due) -> Outcome | None:
        number, place, address = one[0].mail.number, one[1].place, one[1].address
        try:
            message = addressed(await desk(lambda outbox: outbox.message(number)), address)
        except Damaged as error:
            return Never(str(error))

        async def claim() -> bool:
            if self.stopping():
                return False
            self.going(number)
            at = self.clock.now()
            claimed = await desk(lambda outbox: outbox.claim(number, place, at))
            self.going(number if claimed else "")
            return claimed

        return await line.hand_over(in_ascii(self.mailing.sender), address, message, claim)

    async def _defer_all(
        self, desk: OutboxDesk, todo: list[Due], trouble: Later, tally: Tally
    ) -> None:
        """Let all of *todo* wait until the same moment: one attempt then speaks for all again."""
        now = self.clock.now()
        tries = max(delivery.tries for _, delivery in todo) + 1
        until = self._until(now, tries, trouble)
        tally.trouble = trouble.words
        _log.warning("mail: %s; %d wait", trouble.words, len(todo))
        for record, delivery in todo:
            event = Event(
                at=now, what=Happening.DEFERRED, place=delivery.place, words=trouble.words,
                until=until, server=True,
            )  # fmt: skip
            await self._note(desk, (record, delivery), event)
            tally.deferred += 1
            self.told(record, delivery, trouble)
        todo.clear()

    def _until(self, now: Instant, tries: int, trouble: Later) -> Instant:
        first = LOGIN_WAIT_US if trouble.login else FIRST_WAIT_US
        return Instant(now + wait_us(tries, self.chance(), first_us=first))

    async def _keep(self, desk: OutboxDesk, one: Due, outcome: Outcome, tally: Tally) -> None:
        """Put on record what became of *one*."""
        record, delivery = one
        now, place = self.clock.now(), delivery.place
        event = partial(Event, at=now, place=place, words=outcome.words)
        match outcome:
            case Accepted():
                tally.accepted += 1
                kept = event(what=Happening.ACCEPTED)
            case Never():
                tally.refused += 1
                kept = event(what=Happening.REFUSED)
            case Unknown():
                tally.uncertain += 1
                kept = event(what=Happening.UNCERTAIN)
            case Later():
                tally.deferred += 1
                tally.trouble = outcome.words if outcome.server else tally.trouble
                until = self._until(now, delivery.tries + 1, outcome)
                kept = event(what=Happening.DEFERRED, until=until, server=outcome.server)
            case other:
                assert_never(other)
        level = logging.INFO if isinstance(outcome, Accepted) else logging.WARNING
        _log.log(
            level, "mail %s to %s: %s, %s", record.mail.number, delivery.address, kept.what,
            outcome.words,
        )  # fmt: skip
        await self._note(desk, one, kept)
        self.told(record, delivery, outcome)

    @staticmethod
    async def _note(desk: OutboxDesk, one: Due, event: Event) -> None:
        number = one[0].mail.number
        try:
            await desk(lambda outbox: outbox.note(number, event))
        except NotNow as error:  # somebody cancelled it in this very second
            _log.info("mail: %s", error)


def _doubt(at: Instant, outbox: Outbox) -> tuple[Due, ...]:
    return outbox.doubt(at)


def _waiting(
    now: Instant, only: Collection[str] | None, outbox: Outbox, *, server_is_back: bool
) -> tuple[Due, ...]:
    found = due(outbox.records(open_only=True), now, server_is_back=server_is_back)
    return tuple(one for one in found if only is None or one[0].mail.number in only)


async def deliver_now(
    postman: Postman, path: Path, numbers: Collection[str], *, patience_us: int
) -> Tally:
    """Try at once to send *numbers*, waiting up to *patience_us* for another who sends."""
    async with outbox_desk(path) as desk:
        end = postman.clock.monotonic() + patience_us
        while True:
            tally = await postman.deliver(desk, only=numbers)
            if not tally.busy or postman.clock.monotonic() >= end:
                return tally
            await postman.clock.sleep(200_000)
