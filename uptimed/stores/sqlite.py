"""The journal: SQLite on disk, the truth that everything else reads.

| who                     | opens                     | for                                       |
|-------------------------|---------------------------|-------------------------------------------|
| the daemon              | `hold`, `SqliteJournal`   | writing from the event loop               |
| the command line        | `open_reader`             | reading beside a running daemon           |
| imports and corrections | `open_ledger`             | writing beside a running daemon           |

Every commit is durable (`synchronous = FULL`) before anyone hears of it. Readers never wait for
the writer, nor it for them (write-ahead log). The files beside the journal: `-wal` and `-shm` are
SQLite's and part of it, `.lock` says which daemon runs on it, `.outbox` which process
sends mail, `.head` outlives a restore.

Where what stands is decided: the tables in `schema`, what is refused in `ledger`, the thread in
`writing`, large imports in `importing`, restored backups in `heads`.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from uptimed.core.minutes import Minute
from uptimed.ports import Batch, LostHead, StoreError
from uptimed.stores import backup, connections, heads
from uptimed.stores.entering import enter, own_up
from uptimed.stores.importing import Imported, import_attempts
from uptimed.stores.ledger import Ledger
from uptimed.stores.lock import hold
from uptimed.stores.reading import LettersChanged, Reader, fingerprint
from uptimed.stores.writing import Writer

__all__ = [
    "Imported",
    "Ledger",
    "LettersChanged",
    "Reader",
    "SqliteJournal",
    "back_up",
    "enter",
    "hold",
    "import_attempts",
    "open_ledger",
    "open_reader",
    "own_up",
]

back_up = backup.back_up
open_ledger = Ledger.open


def open_reader(
    path: Path,
    *,
    factory: type[sqlite3.Connection] = sqlite3.Connection,
    busy_s: float = connections.BUSY_S,
) -> Reader:
    """Open the journal at *path* for reading, beside whoever writes to it.

    Raise `StoreError` when there is none.
    """
    path = path.resolve()
    connection = connections.open_for_reading(path, factory=factory, busy_s=busy_s)
    return Reader(connection, path)


class SqliteJournal:
    """The daemon's journal: `uptimed.ports.Journal`, and what else the daemon does with it."""

    def __init__(
        self,
        path: Path,
        *,
        factory: type[sqlite3.Connection] = sqlite3.Connection,
        busy_s: float = connections.BUSY_S,
    ) -> None:
        """Open the journal at *path*, made where there is none.

        Blocks: open it before the event loop has work. Take the lock (`hold`) first.
        """
        self._writer = Writer(path, factory=factory, busy_s=busy_s)
        self.path = self._writer.path
        self.restored: tuple[LostHead, ...] = self._writer.lost
        try:
            with open_reader(self.path, factory=factory, busy_s=busy_s) as reader:
                self._fingerprint_key = reader.fingerprint_key()
                with suppress(OSError):  # it goes on without; the next seal tries again
                    heads.catch_up(self.path, reader)
        except BaseException:
            self._writer.close()
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def healthy(self) -> bool:
        """Return whether the last thing that was asked of the disk went well."""
        return self._writer.last_error is None

    @property
    def last_error(self) -> StoreError | None:
        """Return why the journal is not `healthy`."""
        return self._writer.last_error

    async def write(self, batch: Batch) -> None:
        """Keep *batch*, or nothing of it; durable when this returns.

        Raise `StoreError` when the disk does not take it, `AttemptConflict` or `SealedDay` when it
        would change what is on record. A batch that was refused may be written again: what is on
        record already is not kept twice. (Only events of the monitor's life are.)
        """
        await self._writer.keep(batch)

    def fingerprint(self, secret: str) -> str:
        """Return what tells *secret* from another without telling it, the same for ever."""
        return fingerprint(self._fingerprint_key, secret)

    async def prune(
        self, before: Minute, *, progress: Callable[[int, int], None] = lambda _done, _of: None
    ) -> int:
        """Delete the attempts of sealed days that end by *before*; return how many those were.

        Letters, records and the monitor's life stay for ever. Goes day by day, with other writing
        in between. *progress* is told how many days of a service are done, and of how many.
        """

        def prunable() -> Sequence[tuple[str, date]]:
            with self.reader() as reader:
                return reader.prunable(before)

        days = await asyncio.to_thread(prunable)
        deleted = 0
        for done, (service, day) in enumerate(days, 1):
            prune_day = partial(Ledger.prune_day, service=service, day=day)
            deleted += await self._writer.do(prune_day)
            progress(done, len(days))
        return deleted

    async def back_up(
        self, target: Path, *, progress: Callable[[int, int], None] = lambda _done, _of: None
    ) -> None:
        """Copy the journal to *target* while it is being written; see `backup`.

        *progress* is called from another thread.
        """
        await asyncio.to_thread(backup.back_up, self.path, target, progress=progress)

    async def allow_following(self) -> None:
        """Make reading attempts in the order of writing quick; see `Reader.attempts_after`."""
        await self._writer.do(Ledger.allow_following)

    def reader(self) -> Reader:
        """Open a reader of this journal; the caller closes it."""
        return open_reader(self.path)

    async def close(self) -> None:
        """Keep what was asked for, and close the file."""
        await asyncio.to_thread(self._writer.close)
