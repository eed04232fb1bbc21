"""One thread that writes, many tasks that wait: group commit.

What is asked for while a transaction is on its way to the disk becomes the next one, all of it
together: the disk is waited for once, however many tasks wait. Each batch stands for itself within
it: one that cannot be kept (a conflict) fails alone. A task hears of success only after the commit.

Of the state the thread believes nothing that it has not seen: after any error of the disk it gives
the connection up, and opens a new one for what is asked next, so it recovers when the disk does.
Before each transaction it looks whether the file is still the one it opened. A file that vanished
is not made anew, and one that is another journal, or an older state of this one, is not written:
that would lose or fork what clients were told. An operator must say so by a restart.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar, cast

from uptimed.ports import Batch, StoreError
from uptimed.stores.connections import BUSY_S, telling, told
from uptimed.stores.ledger import Ledger
from uptimed.stores.transactions import of_the_disk

_GROUP = 1_000  # batches in one transaction: bounds how long a reader's checkpoint is held up

T = TypeVar("T")
Job = Callable[[Ledger], T]


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A batch to keep, or a job to do in transactions of its own, and who waits for it."""

    what: Batch | Job[object]
    waiting: asyncio.Future[object]


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    asked: _Asked
    result: object = None
    error: BaseException | None = None


class Writer:
    """The thread that writes, and the queue in front of it."""

    def __init__(
        self,
        path: Path,
        *,
        factory: type[sqlite3.Connection] = sqlite3.Connection,
        busy_s: float = BUSY_S,
    ) -> None:
        """Open the journal, and begin to wait for work."""
        self._factory, self._busy_s = factory, busy_s
        self._ledger: Ledger | None = Ledger.open(path, factory=factory, busy_s=busy_s)
        self.path = self._ledger.path
        self.lost = self._ledger.lost
        self.last_error: StoreError | None = None
        self._file = _identity(self.path)
        self._wal: tuple[int, int] | None = None  # the log that the last commit went to
        self._journal_id, self._seq = self._ledger.reader.journal_id(), self._ledger.reader.seq()
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._closed = False
        self._door = threading.Lock()  # nothing is asked after the end was
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    async def keep(self, batch: Batch) -> None:
        """Keep *batch*; return once it is durable. To stop waiting does not stop the writing."""
        await self._ask(batch)

    async def do(self, job: Job[T]) -> T:
        """Have *job* done with the ledger, between other writing; return what it returned."""
        return cast("T", await self._ask(job))

    async def _ask(self, what: Batch | Job[object]) -> object:
        waiting: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        with self._door:
            if self._closed:
                raise StoreError(f"{self.path}: the journal was closed")
            self._asked.put(_Asked(what, waiting))
        return await waiting

    def close(self) -> None:
        """Keep what was asked for, and end. Waits for it."""
        with self._door:
            if not self._closed:
                self._closed = True
                self._asked.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            group = self._next_group()
            asked = [one for one in group if one is not None]
            batches: list[tuple[_Asked, Batch]] = []
            for one in asked:
                if isinstance(one.what, Batch):
                    batches.append((one, one.what))
                else:  # in the order of asking
                    self._answer(self._keep(batches))
                    batches = []
                    self._answer([self._do(one, one.what)])
            self._answer(self._keep(batches))
            if len(asked) < len(group):
                self._give_up()
                return

    def _next_group(self) -> list[_Asked | None]:
        group = [self._asked.get()]
        with suppress(Empty):
            while group[-1] is not None and len(group) < _GROUP:
                group.append(self._asked.get_nowait())
        return group

    def _keep(self, group: Sequence[tuple[_Asked, Batch]]) -> Sequence[_Answer]:
        if not group:
            return ()
        try:
            with telling(self.path):
                ledger = self._at_hand()
                with ledger.transaction():
                    answers = [self._add(ledger, one, batch) for one, batch in group]
                self._well(ledger)
                return answers
        except Exception as error:  # noqa: BLE001 - who waits is told, and the thread goes on
            self._ill(error)
            return [_Answer(one, error=error) for one, _ in group]

    @staticmethod
    def _add(ledger: Ledger, one: _Asked, batch: Batch) -> _Answer:
        try:
            with ledger.part():
                ledger.add(batch)
            return _Answer(one)
        except Exception as error:
            if of_the_disk(error):
                raise
            return _Answer(one, error=error)

    def _do(self, one: _Asked, job: Job[object]) -> _Answer:
        try:
            with telling(self.path):
                ledger = self._at_hand()
                result = job(ledger)
                self._well(ledger)
                return _Answer(one, result)
        except Exception as error:  # noqa: BLE001 - as above
            self._ill(error)
            return _Answer(one, error=error)

    def _at_hand(self) -> Ledger:
        try:
            found = _identity(self.path)
        except OSError as error:
            raise told(self.path, error) from error
        if found is None:
            raise StoreError(
                f"{self.path} was deleted or moved away while in use; put it back, or stop "
                "uptimed, restore a backup and start it again"
            )
        if self._ledger is not None and found == self._file:
            if self._wal is None or _identity(_wal_of(self.path)) == self._wal:
                return self._ledger
            self._rescue(self._ledger)
        self._give_up()
        ledger = Ledger.open(self.path, make=False, factory=self._factory, busy_s=self._busy_s)
        try:
            if ledger.reader.journal_id() != self._journal_id or ledger.reader.seq() < self._seq:
                raise StoreError(
                    f"{self.path} was replaced by another or an older journal while in use; "
                    "start uptimed again, so that it notes what is missing"
                )
        except BaseException:
            ledger.close()
            raise
        self._ledger, self._file = ledger, found
        return ledger

    def _well(self, ledger: Ledger) -> None:
        self.last_error = None
        self._seq = max(self._seq, ledger.seq)
        with suppress(OSError):
            self._wal = _identity(_wal_of(self.path))

    def _ill(self, error: BaseException) -> None:
        if isinstance(error, StoreError):
            self.last_error = error
        self._give_up()

    @staticmethod
    def _rescue(ledger: Ledger) -> None:
        # Somebody deleted the log: what is in it lives only as long as the connection does, and
        # goes into the file now. Where that fails, the numbers of the file tell that it is older.
        with suppress(sqlite3.Error):
            ledger.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _give_up(self) -> None:
        self._wal = None
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    @staticmethod
    def _answer(answers: Sequence[_Answer]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[_Answer]] = {}
        for answer in answers:
            by_loop.setdefault(answer.asked.waiting.get_loop(), []).append(answer)
        for loop, some in by_loop.items():
            with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
                loop.call_soon_threadsafe(_tell, some)


def _tell(answers: Sequence[_Answer]) -> None:
    for answer in answers:
        waiting = answer.asked.waiting
        if waiting.done():  # nobody waits any more
            continue
        if answer.error is None:
            waiting.set_result(answer.result)
        else:
            waiting.set_exception(answer.error)


def _wal_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells the file from every other, or None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
