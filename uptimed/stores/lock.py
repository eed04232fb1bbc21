"""One daemon for one journal: a lock that the kernel gives back, however the holder ends.

Only `uptimed run` takes it. An import beside a running daemon is fine: SQLite's own locks order
the two. The lock is on a file of its own, `<journal>.lock`, since locks on the database file would
meddle with SQLite's. It stays there afterwards: removing it would let two holders have one each.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from uptimed.ports import StoreError


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the journal at *path*, by whatever name it goes, for one daemon.

    Raise `StoreError`, which names the holder's process, when another has it.
    """
    journal = path.resolve()
    try:
        lock = os.open(
            journal.with_name(journal.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640
        )
    except OSError as error:
        raise StoreError(f"{journal}.lock: {error.strerror}") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip()
            raise StoreError(
                f"{journal} is in use by another uptimed (process {holder or 'unknown'}): "
                "only one may run on a journal; stop that one, or give this one another path"
            ) from error
        try:
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:  # the disk is full
            raise StoreError(f"{journal}.lock: {error.strerror}") from error
        yield
    finally:
        os.close(lock)
