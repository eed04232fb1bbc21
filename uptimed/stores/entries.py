"""Reading what was entered beside looks and letters."""

import sqlite3
from collections.abc import Sequence

from uptimed.core.entries import Entry, EntryKind
from uptimed.core.observations import Instant

_SINCE_VERSION = 2  # of the file

_COLUMNS = (
    "number, client, place, kind, subject, service, at_us, by, body, coalesce(key, ''), "
    "previous_sha256, sha256"
)


def read_entries(
    connection: sqlite3.Connection,
    client: str,
    kinds: Sequence[EntryKind] = tuple(EntryKind),
    *,
    after: int = 0,
) -> Sequence[Entry]:
    """Return the entries of *client* and *kinds* with a number above *after*, in order.

    Those of every client where *client* is empty; none where an earlier version wrote the file.
    """
    if connection.execute("PRAGMA user_version").fetchone()[0] < _SINCE_VERSION:
        return []
    marks = ", ".join("?" * len(kinds))
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM entry WHERE number > ? AND (client = ? OR ? = '') "  # noqa: S608
        f"AND kind IN ({marks}) ORDER BY number",
        (after, client, client, *kinds),
    )
    return [_entry(row) for row in rows]


def _entry(row: Sequence[str | int]) -> Entry:
    number, client, place, kind, subject, service, at, by, body, key, previous, sha256 = row
    return Entry(
        number=int(number),
        client=str(client),
        place=int(place),
        kind=EntryKind(str(kind)),
        subject=str(subject),
        service=str(service),
        at=Instant(int(at)),
        by=str(by),
        body=str(body),
        key=str(key),
        previous_sha256=str(previous),
        sha256=str(sha256),
    )
