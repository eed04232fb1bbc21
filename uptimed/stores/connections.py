"""Opening the journal's file, and saying in plain words what is wrong with it.

SQLite's own messages say what it could not do; a `StoreError` says what the operator can. Waiting
for another process that writes is bounded: see `BUSY_S`.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from uptimed.ports import StoreError
from uptimed.stores.schema import WrongFile, migrate, version_of

BUSY_S = 5.0  # longer than another process of ours holds the lock; an import of a million looks: 3

_ASIDE = "move it aside and restore a backup, or copy what `sqlite3 FILE .recover` can still read"

_REMEDIES = {
    sqlite3.SQLITE_FULL: "the disk (or the quota) is full; free some space, writing goes on then",
    sqlite3.SQLITE_BUSY: (
        "another process is writing to it and did not finish in time; end that process if it hangs"
    ),
    sqlite3.SQLITE_LOCKED: "another connection has locked it; end the process that holds it",
    sqlite3.SQLITE_READONLY: (
        "it may not be written; let the user of uptimed write to the file and to its folder, and "
        "look whether the file system is mounted read-only"
    ),
    sqlite3.SQLITE_PERM: "the user of uptimed may not use it; change its owner or its mode",
    sqlite3.SQLITE_AUTH: "the user of uptimed may not use it; change its owner or its mode",
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened; see that the folder exists and that the user of uptimed may read "
        "and write there"
    ),
    sqlite3.SQLITE_IOERR: "the disk failed; see the system's log (dmesg), then check the disk",
    sqlite3.SQLITE_CORRUPT: f"it is damaged; {_ASIDE}",
    sqlite3.SQLITE_NOTADB: f"it is not a journal, or its beginning is damaged; {_ASIDE}",
    sqlite3.SQLITE_TOOBIG: "a text in it is beyond what SQLite can hold",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
}


def told(path: Path, error: sqlite3.Error | OSError | WrongFile) -> StoreError:
    """Return *error* as one that names the journal and what to do."""
    if isinstance(error, WrongFile):
        return StoreError(f"{path} {error}")
    if isinstance(error, OSError):
        return StoreError(f"{path}: {error.strerror or error}")
    code = getattr(error, "sqlite_errorcode", None)
    remedy = _REMEDIES.get(code & 0xFF) if isinstance(code, int) else None
    said = f"{error}" if code is None else f"{error}, {error.sqlite_errorname}"
    return StoreError(f"{path}: {remedy} ({said})" if remedy else f"{path}: {said}")


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Raise what SQLite finds wrong with the file or the disk as `StoreError`."""
    try:
        yield
    except (sqlite3.OperationalError, sqlite3.InternalError, WrongFile) as error:
        raise told(path, error) from error
    except sqlite3.DatabaseError as error:
        if type(error) is sqlite3.DatabaseError:  # damaged; its subclasses are mistakes of ours
            raise told(path, error) from error
        raise


def open_for_writing(
    path: Path,
    *,
    make: bool = True,
    factory: type[sqlite3.Connection] = sqlite3.Connection,
    busy_s: float = BUSY_S,
) -> sqlite3.Connection:
    """Open the journal, brought up to date where needed, durable at every commit.

    Where there is none, one is made, unless *make* says no.
    """
    if make:
        _make(path)
    if path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        raise StoreError(f"{path}: {_REMEDIES[sqlite3.SQLITE_READONLY]}")
    with telling(path):
        connection = _connect(f"{path.absolute().as_uri()}?mode=rw", factory, busy_s)
        try:
            version_of(connection)  # before anything is changed: it may be a stranger's file
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA journal_size_limit = 67108864")  # after a large import
            migrate(connection)
        except BaseException:
            close(connection)
            raise
        return connection


def open_for_reading(
    path: Path, *, factory: type[sqlite3.Connection] = sqlite3.Connection, busy_s: float = BUSY_S
) -> sqlite3.Connection:
    """Open the journal without ever changing it, beside whoever writes to it.

    Where the folder cannot be written either (a read-only file system), the file is read as it
    lies there: that is sound as nobody can write to it.
    """
    if not path.exists():
        raise StoreError(f"{path}: there is no journal; `uptimed run` or `uptimed import` make one")
    with telling(path):
        uri = path.absolute().as_uri()
        connection = _connect(f"{uri}?mode=ro", factory, busy_s)
        try:
            try:
                known = version_of(connection)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in {
                    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY,
                }:  # fmt: skip
                    raise
                close(connection)
                _refuse_unmerged(path)
                connection = _connect(f"{uri}?mode=ro&immutable=1", factory, busy_s)
                known = version_of(connection)
            if known == 0:
                raise WrongFile("is empty; `uptimed run` or `uptimed import` make a journal of it")
        except BaseException:
            close(connection)
            raise
        return connection


def close(connection: sqlite3.Connection) -> None:
    """Close *connection*, whatever state it is in."""
    with suppress(sqlite3.Error):
        connection.close()


def sync_folder(path: Path) -> None:
    """Make the name of *path* in its folder as durable as its content."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _connect(uri: str, factory: type[sqlite3.Connection], busy_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, timeout=busy_s, isolation_level=None, check_same_thread=False,
        factory=factory, cached_statements=256,
    )  # fmt: skip
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _make(path: Path) -> None:
    # Not for everybody: it holds the key of the fingerprints and excerpts of pages.
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o640))
            sync_folder(path)
    except OSError as error:
        raise told(path, error) from error


def _refuse_unmerged(path: Path) -> None:
    unmerged = path.with_name(path.name + "-wal")
    if unmerged.exists() and unmerged.stat().st_size:
        raise StoreError(
            f"{path}: {unmerged.name} beside it holds what was written last and cannot be read on "
            f"a read-only file system; copy both to a folder that can be written, and read there"
        )
