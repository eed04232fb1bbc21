"""What was written lately beside attempts, for followers: letters as laid, life, seals, terms.

These tables have no number in the order of writing, so each is asked in its own way for what comes
after what is known. Nothing here is slow where nothing is new.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from uptimed.core.minutes import Minute
from uptimed.core.observations import Instant
from uptimed.ports import BlindMinute, ConfigRecord, ContractRecord, LifeEvent, Seal
from uptimed.stores.names import Names
from uptimed.stores.rows import DAY_BITS, day_key, day_of_key


def life_after(
    connection: sqlite3.Connection, number: int, limit: int
) -> Sequence[tuple[int, LifeEvent]]:
    """Return up to *limit* events after the *number*-th, each with its number, in order."""
    rows = connection.execute(
        "SELECT id, at_us, kind, vantage, detail, start_minute, stop_minute FROM life "
        "WHERE id > ? ORDER BY id LIMIT ?",
        (number, limit),
    )
    return [
        (
            found,
            LifeEvent(
                at=Instant(at), kind=kind, vantage=vantage, detail=detail,
                start=Minute(start), stop=Minute(stop),
            ),
        )
        for found, at, kind, vantage, detail, start, stop in rows
    ]  # fmt: skip


def seals_after(
    connection: sqlite3.Connection, names: Names, last: Mapping[str, date], limit: int
) -> Sequence[Seal]:
    """Return up to *limit* seals of days after the *last* of their service, each's in order."""
    found: list[Seal] = []
    for number in _sealed_services(connection):
        service = names.texts[number]
        after = last.get(service, date(1970, 1, 1))
        rows = connection.execute(
            "SELECT id, record, sha256 FROM seal WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
            (day_key(number, after), (number + 1) << DAY_BITS, limit - len(found)),
        )
        found += [
            Seal(service=service, day=day_of_key(key), record=record, sha256=sha256)
            for key, record, sha256 in rows
        ]
    return found


def _sealed_services(connection: sqlite3.Connection) -> Iterator[int]:
    query = (
        f"SELECT id >> {DAY_BITS} FROM seal WHERE id >= (? + 1) << {DAY_BITS} ORDER BY id LIMIT 1"  # noqa: S608
    )
    last = 0
    while row := connection.execute(query, (last,)).fetchone():
        last = int(row[0])
        yield last


def terms_after(
    connection: sqlite3.Connection, names: Names, row: int, limit: int
) -> Sequence[tuple[int, ConfigRecord]]:
    """Return up to *limit* terms in the order of writing after the *row*-th, each with its row."""
    rows = connection.execute(
        "SELECT rowid, service, since_minute, sha256, canonical FROM config "
        "WHERE rowid > ? ORDER BY rowid LIMIT ?",
        (row, limit),
    )
    return [
        (
            at,
            ConfigRecord(
                service=names.texts[service], since=Minute(since), sha256=sha256,
                canonical=canonical,
            ),
        )
        for at, service, since, sha256, canonical in rows
    ]  # fmt: skip


def contracts_after(
    connection: sqlite3.Connection, names: Names, row: int, limit: int
) -> Sequence[tuple[int, ContractRecord]]:
    """Return up to *limit* agreements in the order of writing after the *row*-th, with their rows.

    None where an earlier version wrote the file.
    """
    if not _there(connection, "contract"):
        return []
    rows = connection.execute(
        "SELECT rowid, client, since_minute, sha256, canonical FROM contract "
        "WHERE rowid > ? ORDER BY rowid LIMIT ?",
        (row, limit),
    )
    return [
        (
            at,
            ContractRecord(
                client=names.texts[client], since=Minute(since), sha256=sha256, canonical=canonical
            ),
        )
        for at, client, since, sha256, canonical in rows
    ]


def posted(connection: sqlite3.Connection) -> tuple[int, Sequence[str]]:
    """Return a number that grows with whatever happens in the outbox, and who has mails in it."""
    if not _there(connection, "mail_event"):
        return 0, ()
    mails, events = connection.execute(
        "SELECT (SELECT count(*) FROM mail), (SELECT coalesce(max(id), 0) FROM mail_event)"
    ).fetchone()
    clients = connection.execute("SELECT DISTINCT client FROM mail ORDER BY client")
    return int(mails) + int(events), [str(client) for (client,) in clients]


def _there(connection: sqlite3.Connection, table: str) -> bool:
    query = "SELECT 1 FROM sqlite_schema WHERE name = ?"
    return connection.execute(query, (table,)).fetchone() is not None


def blind_after(
    connection: sqlite3.Connection, names: Names, last: Mapping[str, Minute], again: int
) -> Sequence[BlindMinute]:
    """Return the blind minutes of each vantage from *again* minutes before its *last* one on."""
    query = "SELECT vantage FROM blind WHERE vantage > ? ORDER BY vantage LIMIT 1"
    found: list[BlindMinute] = []
    number = 0
    while row := connection.execute(query, (number,)).fetchone():
        number = int(row[0])
        vantage = names.texts[number]
        rows = connection.execute(
            "SELECT minute, reason FROM blind WHERE vantage = ? AND minute > ? ORDER BY minute",
            (number, last.get(vantage, Minute(0)) - again),
        )
        found += [
            BlindMinute(vantage=vantage, minute=Minute(minute), reason=reason)
            for minute, reason in rows
        ]
    return found
