"""Everything or nothing: transactions, and transactions within them."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from uptimed.ports import StoreError


def of_the_disk(error: BaseException) -> bool:
    """Return whether *error* came from the file or the disk rather than from what was written."""
    ours = (
        sqlite3.IntegrityError,
        sqlite3.DataError,
        sqlite3.InterfaceError,
        sqlite3.ProgrammingError,
    )
    return isinstance(error, sqlite3.Error | StoreError) and not isinstance(error, ours)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Keep what is written inside, or none of it.

    The lock for writing is taken at once: a transaction that reads first and then writes would
    fail, without waiting, when another process has written in between.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        undo(connection)
        raise


@contextmanager
def savepoint(connection: sqlite3.Connection) -> Iterator[None]:
    """Keep what is written inside as part of the transaction around it, or none of it.

    After an error of the disk the transaction around it must be given up as well.
    """
    connection.execute("SAVEPOINT part")
    try:
        yield
    except BaseException as error:
        if not of_the_disk(error):  # a full disk may have ended the transaction already
            connection.execute("ROLLBACK TO part")
            connection.execute("RELEASE part")
        raise
    connection.execute("RELEASE part")


def undo(connection: sqlite3.Connection) -> None:
    """Undo the open transaction, if there is one.

    Where that fails as well, closing the connection undoes what is left.
    """
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
