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
    if connection.execute("PRAGMA user_version").fetchone()[0] < _SINCE_VERSION:
        return []
    marks = ", ".join("?" * len(kinds))
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM entry WHERE number > ? AND (client = ? OR ? = '') "  # noqa: S608
        f"AND kind IN ({marks}) ORDER BY number",
        (after, client, client, *kinds),
    )
    return [_entry(row) for row in rows]


_Row = tuple[int, str, int, str, str, str, int, str, str, str, str, str]
"""The table is strict: a column has the type that it was declared with."""

_KINDS = {str(kind): kind for kind in EntryKind}


def _entry(row: _Row) -> Entry:
    number, client, place, kind, subject, service, at, by, body, key, previous, sha256 = row
    return Entry(
        number=number,
        client=client,
        place=place,
        kind=_KINDS[kind],
        subject=subject,
        service=service,
        at=Instant(at),
        by=by,
        body=body,
        key=key,
        previous_sha256=previous,
        sha256=sha256,
    )


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
