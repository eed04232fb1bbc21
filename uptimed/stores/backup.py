"""A copy of the journal while it is being written, as one file.

The copy is the state of one moment. It is written beside its place under another name, looked
through, made durable and only then given its name, so that a file of that name is a whole backup.

To put one back: stop the daemon, move the journal away *together with* its `-wal` and `-shm`
files (SQLite would mix what is in them into the backup), copy the backup to the journal's path, and
leave the `.head` file where it is: it tells the daemon what the backup lacks (see `heads`).
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from uptimed.ports import StoreError
from uptimed.stores import connections

_PAGES = 2_000  # copied between two calls of the progress: 8 MB


def back_up(
    path: Path, target: Path, *, progress: Callable[[int, int], None] = lambda _done, _of: None
) -> None:
    """Copy the journal at *path* to *target*, which must not exist.

    *progress* is told how many pages are done, and of how many. Raise `StoreError` when there is no
    whole copy, and leave nothing of it.
    """
    _refuse_existing(target)
    aside = target.with_name(f".{target.name}.{os.getpid()}.part")
    source = connections.open_for_reading(path.resolve())
    try:
        with closing(source), connections.telling(path):
            # A transaction holds the moment: without it a write meanwhile starts the copy again.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM meta").fetchone()
            _copy(source, aside, progress)
        _give_name(aside, target)
    except OSError as error:
        raise connections.told(target, error) from error
    finally:
        with suppress(OSError):
            aside.unlink()


def _copy(source: sqlite3.Connection, aside: Path, progress: Callable[[int, int], None]) -> None:
    os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o640))
    with closing(sqlite3.connect(aside, isolation_level=None)) as copy, connections.telling(aside):
        source.backup(
            copy, pages=_PAGES, progress=lambda _status, left, of: progress(of - left, of)
        )
        # One file, readable from a medium that cannot be written. Opening it for writing changes
        # it back.
        copy.execute("PRAGMA journal_mode = DELETE")
        damage = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage != "ok":
            raise StoreError(f"the copy is damaged as the journal is: {damage}; nothing was kept")


def _give_name(aside: Path, target: Path) -> None:
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    try:
        os.link(aside, target)  # unlike a rename, it never takes another file's place
    except FileExistsError:
        _refuse_existing(target)
    except OSError:  # a file system without links
        _refuse_existing(target)
        aside.rename(target)
    connections.sync_folder(target)


def _refuse_existing(target: Path) -> None:
    if target.exists():
        raise StoreError(f"{target} exists already; a backup never takes another file's place")
