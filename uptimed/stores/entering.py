"""Entering what is decided from what was entered before, beside a running daemon.

Two who act at once are put in order: each decides while it holds the journal's lock, and sees what
the other has entered.
"""

from collections.abc import Callable, Sequence

from uptimed.core.entries import (
    Entry,
    EntryKind,
    LostEntries,
    NewEntry,
    chained,
    stand_in,
    twin,
)
from uptimed.core.observations import Instant
from uptimed.stores import heads
from uptimed.stores.entries import entry_of_key, last_entry, read_entries
from uptimed.stores.ledger import Ledger

Decide = Callable[[Sequence[Entry]], Sequence[NewEntry]]
"""Returns what is to be entered, given all that is entered; raises `EntryRefused`, or anything."""


def enter(
    ledger: Ledger,
    client: str,
    now: Instant,
    decide: Decide,
    *,
    kinds: Sequence[EntryKind] = tuple(EntryKind),
    after: int = 0,
) -> Sequence[Entry]:
    """Enter what *decide* makes of the entries of *client*: all of it, or nothing.

    It is given those of *kinds* with a number above *after*: whoever has read the others already
    need not hold the lock while a year of them is read again. What a restored backup lost is
    entered first. Return the entries, for those that were entered already with the same key the
    known ones. What *decide* raises is passed on. Raise `EntryRefused` where one has the key of
    another entry with other content or is by nobody, and `StoreError` where the disk does not take
    it.
    """
    connection = ledger.connection
    with ledger.transaction():
        known = list(read_entries(connection, client, kinds, after=after))
        last = last_entry(connection, client)
        lost = _lost(ledger, client, last)
        if lost is not None:
            last = _keep(ledger, client, now, stand_in(lost), last)
            known.append(last)
        made: list[Entry] = []
        for new in decide(tuple(known)):
            same = entry_of_key(connection, client, new.kind, new.key) if new.key else None
            if same is None or not twin(new, same):
                same = last = _keep(ledger, client, now, new, last)
            made.append(same)
        return tuple(made)


def _lost(ledger: Ledger, client: str, last: Entry | None) -> LostEntries | None:
    """Return what a restored backup lost; None, mostly at a glance, where nothing is."""
    head = heads.remembered_entries(ledger.path).get(client)
    if head is None or (last is not None and last.sha256 == head[1]):
        return None
    return heads.lost_entries(ledger.path, client, read_entries(ledger.connection, client))


def own_up(ledger: Ledger, now: Instant) -> Sequence[Entry]:
    """Enter for every client what a restored backup lost of its entries; return those entries."""
    made: list[Entry] = []
    for client in heads.remembered_entries(ledger.path):
        last = last_entry(ledger.connection, client)
        if _lost(ledger, client, last) is not None:
            enter(ledger, client, now, lambda _known: ())
            made += ledger.reader.entries(client, after=last.number if last else 0)
    return tuple(made)


def _keep(ledger: Ledger, client: str, now: Instant, new: NewEntry, last: Entry | None) -> Entry:
    connection = ledger.connection
    row = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM entry").fetchone()
    entry = chained(new, client, now, int(row[0]), last)
    connection.execute(
        "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.number, entry.client, entry.place, entry.kind, entry.subject, entry.service,
            entry.at, entry.by, entry.body, entry.key or None, entry.previous_sha256, entry.sha256,
        ),
    )  # fmt: skip
    ledger.entered.append(entry)
    return entry
