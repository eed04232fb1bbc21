"""Entering what is decided from what was entered before, beside a running daemon.

Two who act at once are put in order: each decides while it holds the journal's lock, and sees what
the other has entered.
"""

import sqlite3
from collections.abc import Callable, Sequence

from uptimed.core.entries import Entry, NewEntry, chained, twin
from uptimed.core.observations import Instant
from uptimed.stores.entries import read_entries
from uptimed.stores.ledger import Ledger

Decide = Callable[[Sequence[Entry]], Sequence[NewEntry]]
"""Returns what is to be entered, given all that is entered; raises `EntryRefused`, or anything."""


def enter(ledger: Ledger, client: str, now: Instant, decide: Decide) -> Sequence[Entry]:
    """Enter what *decide* makes of the entries of *client*: all of it, or nothing.

    Return the entries, for those that were entered already with the same key the known ones. What
    *decide* raises is passed on. Raise `EntryRefused` where one has the key of another entry with
    other content or is by nobody, and `StoreError` where the disk does not take it.
    """
    with ledger.transaction():
        known = list(read_entries(ledger.connection, client))
        by_key = {(entry.kind, entry.key): entry for entry in known if entry.key}
        made: list[Entry] = []
        for new in decide(tuple(known)):
            same = by_key.get((new.kind, new.key)) if new.key else None
            if same is not None and twin(new, same):
                made.append(same)
                continue
            entry = _keep(ledger.connection, client, now, new, known[-1] if known else None)
            known.append(entry)
            made.append(entry)
            if entry.key:
                by_key[entry.kind, entry.key] = entry
        return tuple(made)


def _keep(
    connection: sqlite3.Connection, client: str, now: Instant, new: NewEntry, last: Entry | None
) -> Entry:
    row = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM entry").fetchone()
    entry = chained(new, client, now, int(row[0]), last)
    connection.execute(
        "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.number, entry.client, entry.place, entry.kind, entry.subject, entry.service,
            entry.at, entry.by, entry.body, entry.key or None, entry.previous_sha256, entry.sha256,
        ),
    )  # fmt: skip
    return entry
