"""Reading what was entered beside looks and letters, and what of the outbox concerns figures."""

import json
import sqlite3
from collections.abc import Sequence

from uptimed.core.entries import Entry, EntryKind
from uptimed.core.issues import Post
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
    if not _there(connection):
        return []
    marks = ", ".join("?" * len(kinds))
    where = f"kind IN ({marks})"
    given: list[str | int] = [*kinds]
    if after:  # what is new is at the end of the file: by number, whoever's it is
        where += " AND number > ?" + (" AND +client = ?" if client else "")
        given += [after, client] if client else [after]
    elif client:
        where += " AND client = ?"
        given += [client]
    query = f"SELECT {_COLUMNS} FROM entry WHERE {where} ORDER BY number"  # noqa: S608
    return [_entry(row) for row in connection.execute(query, given)]


def last_entries(connection: sqlite3.Connection) -> Sequence[Entry]:
    """Return the last entry of each client; none where an earlier version wrote the file."""
    if not _there(connection):
        return []
    last = "SELECT client, max(place) FROM entry GROUP BY client"
    query = f"SELECT {_COLUMNS} FROM entry WHERE (client, place) IN ({last})"  # noqa: S608
    return [_entry(row) for row in connection.execute(query)]


def last_entry(connection: sqlite3.Connection, client: str) -> Entry | None:
    """Return the last entry of *client*, of whatever kind; None before there is one."""
    query = f"SELECT {_COLUMNS} FROM entry WHERE client = ? ORDER BY place DESC LIMIT 1"  # noqa: S608
    return _one(connection.execute(query, (client,)))


def entry_of_key(
    connection: sqlite3.Connection, client: str, kind: EntryKind, key: str
) -> Entry | None:
    """Return the entry of *client* and *kind* with that *key*, which is not empty; or None."""
    query = f"SELECT {_COLUMNS} FROM entry WHERE client = ? AND kind = ? AND key = ?"  # noqa: S608
    return _one(connection.execute(query, (client, kind, key)))


def _there(connection: sqlite3.Connection) -> bool:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version >= _SINCE_VERSION


def _one(rows: sqlite3.Cursor) -> Entry | None:
    row = rows.fetchone()
    return None if row is None else _entry(row)


_Row = tuple[int, str, int, str, str, str, int, str, str, str, str, str]
"""The table is strict: a column has the type that it was declared with."""

_KINDS = {str(kind): kind for kind in EntryKind}


def _entry(row: _Row) -> Entry:
    number, client, place, kind, subject, service, at, by, body, key, previous, sha256 = row
    return Entry(
        number, client, place, _KINDS[kind], subject, service, Instant(at), by, body, key, previous,
        sha256,
    )  # fmt: skip


_POSTS = """
    SELECT mail.key, mail.at_us, mail.month, mail.revision, mail.facts,
        min(CASE mail_event.what WHEN 'accepted' THEN mail_event.at_us END),
        max(mail_event.what = 'cancelled')
    FROM mail JOIN mail_event ON mail_event.mail = mail.number
    WHERE mail.client = ? AND mail.kind IN ('report', 'maintenance', 'exception')
    GROUP BY mail.number ORDER BY mail.at_us, mail.number"""


def read_posts(connection: sqlite3.Connection, client: str) -> Sequence[Post]:
    """Return what of the mails of *client* concerns figures, oldest first."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'mail_event'").fetchone():
        return []
    return [
        Post(
            key=key,
            at=Instant(at),
            accepted=None if accepted is None else Instant(accepted),
            month=month,
            revision=revision,
            sha256=str(json.loads(facts).get("json_sha256", "")),
            stands=accepted is not None or not cancelled,
        )
        for key, at, month, revision, facts, accepted, cancelled in connection.execute(
            _POSTS, (client,)
        )
    ]
