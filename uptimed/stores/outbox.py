"""The outbox in the journal: frozen mails, and what happened to them.

Everything that changes something is one transaction that takes the lock for writing at once: the
command line and the daemon may act in the same second, and only one of them claims a recipient's
copy. What happened is only ever added to.

Who sends holds a lock of its own, `<journal>.outbox` (`sending_alone`), which the kernel gives back
however the holder ends. So whoever has it knows of every claim without an answer that its owner is
gone, and that the mail may have gone out: see `doubt`.
"""

import fcntl
import hashlib
import json
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from uptimed.core.observations import Instant
from uptimed.core.outbox import (
    EVERYBODY,
    Delivery,
    Event,
    Happening,
    Mail,
    MailKind,
    Record,
    Status,
    notice_number,
)
from uptimed.ports import StoreError
from uptimed.stores import connections
from uptimed.stores.transactions import transaction

_MAIL = "number, key, kind, client, at_us, subject, recipients, sha256, month, revision, facts"
_EVENT = "mail, at_us, what, place, by_whom, words, until_us, server"


class NoSuchMail(Exception):
    """There is no mail of that number."""


class Damaged(Exception):
    """The bytes of a mail are not those that were frozen."""


class NumberTaken(Exception):
    """Another mail has that number."""


class NotNow(Exception):
    """What was to happen to a mail cannot, as it stands; the message says how it stands."""


class Outbox:
    """The outbox of one journal, on a connection of its own.

    It may be used from any thread, by one thread at a time. Everything raises `StoreError` when
    the file cannot be read or written.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path
        self._there = self._has_tables()

    @classmethod
    def open(cls, path: Path, *, make: bool = False) -> Self:
        """Open the outbox of the journal at *path*.

        Where there is none, one is made only if *make* says so: a journal that was moved away
        while in use is to be put back, not begun anew.
        """
        path = path.resolve()
        return cls(connections.open_for_writing(path, make=make), path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open it for reading alone. That of a journal of an earlier version is empty."""
        path = path.resolve()
        return cls(connections.open_for_reading(path), path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        connections.close(self._connection)

    # Putting in.

    def put(self, mail: Mail, message: bytes, *events: Event) -> tuple[Record, bool]:
        """Freeze *mail* with its bytes and first events; return its record, and whether it is new.

        Where there is one of the same key already, that one is returned and nothing is kept. Raise
        `NumberTaken` where another mail got the number in the meantime.
        """
        with connections.telling(self.path), transaction(self._connection):
            known = self._records("key = ?", (mail.key,))
            if known:
                return known[0], False
            if self._records("number = ?", (mail.number,)):
                raise NumberTaken(mail.number)
            if hashlib.sha256(message).hexdigest() != mail.sha256:
                raise ValueError("a digest that is not of these bytes")
            self._connection.execute(
                f"INSERT INTO mail ({_MAIL}, open, message) "  # noqa: S608
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)",
                (
                    mail.number, mail.key, mail.kind, mail.client, mail.at, mail.subject,
                    _json(mail.recipients), mail.sha256, mail.month, mail.revision,
                    _json(dict(mail.facts)), zlib.compress(message),
                ),
            )  # fmt: skip
            for event in events:
                self._add(mail.number, event)
            return self._told(mail.number), True

    def next_number(self, client: str) -> str:
        """Return the number that the client's next notice would get now."""
        with connections.telling(self.path):
            row = self._connection.execute(
                "SELECT count(*) FROM mail WHERE client = ? AND kind <> ?",
                (client, MailKind.REPORT),
            ).fetchone()
        return notice_number(client, int(row[0]) + 1)

    # What happens.

    def note(self, number: str, *events: Event) -> Record:
        """Add *events*, all or none; return how it stands then.

        Raise `NoSuchMail`, and `NotNow` where one cannot happen to the mail as it stands.
        """
        with connections.telling(self.path), transaction(self._connection):
            record = self._one(number)
            for event in events:
                if not record.allows(event.what, event.place):
                    raise NotNow(_stands(record, event))
                self._add(number, event)
                record = Record(mail=record.mail, events=(*record.events, event))
            return self._told(number)

    def claim(self, number: str, place: int, at: Instant) -> bool:
        """Claim a recipient's copy before its text goes out; return whether it is ours to send."""
        try:
            self.note(number, Event(at=at, what=Happening.SENDING, place=place))
        except NotNow:
            return False
        return True

    def doubt(self, at: Instant) -> tuple[tuple[Record, Delivery], ...]:
        """Say of every claim without an answer that it may have gone out; return those.

        Only for who sends alone: everybody else's claims are alive.
        """
        found = []
        for record in self.records(open_only=True):
            for delivery in record.deliveries:
                if delivery.status is Status.SENDING:
                    words = "whoever was sending it ended before the server's answer was on record"
                    doubt = Event(
                        at=at, what=Happening.UNCERTAIN, place=delivery.place, words=words
                    )
                    self.note(record.mail.number, doubt)
                    found.append((record, delivery))
        return tuple(found)

    def distrust(self, at: Instant) -> int:
        """Distrust what the file says was not sent: it was restored from a backup.

        Every copy that waits may have gone out since the backup was made, and so may reports that
        it knows nothing of: those are a person's to send, from before *at*. Return how many copies
        are uncertain for it.
        """
        words = "the journal was restored from a backup: it may have gone out before"
        count = 0
        for record in self.records(open_only=True):
            waiting = {Status.WAITING, Status.SENDING}
            doubts = [
                Event(at=at, what=Happening.UNCERTAIN, place=delivery.place, words=words)
                for delivery in record.deliveries
                if delivery.status in waiting
            ]
            if doubts:
                self.note(record.mail.number, *doubts)
            count += len(doubts)
        with connections.telling(self.path), transaction(self._connection):
            self._connection.execute("UPDATE mail_since SET at_us = max(at_us, ?)", (at,))
        return count

    def _add(self, number: str, event: Event) -> None:
        self._connection.execute(
            f"INSERT INTO mail_event ({_EVENT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (
                number, event.at, event.what, event.place, event.by, event.words, event.until,
                int(event.server),
            ),
        )  # fmt: skip

    def _told(self, number: str) -> Record:
        """Return the mail's record, with the cache of whether it is open brought up to date."""
        record = self._one(number)
        self._connection.execute(
            "UPDATE mail SET open = ? WHERE number = ?", (int(record.open), number)
        )
        return record

    # Asking.

    def records(
        self, *, client: str | None = None, month: str | None = None, open_only: bool = False
    ) -> tuple[Record, ...]:
        """Return the mails, oldest first: of a client, of a month, or all."""
        wanted, values = ["1"], []
        for column, value in (("client", client), ("month", month)):
            if value is not None:
                wanted.append(f"{column} = ?")
                values.append(value)
        if open_only:
            wanted.append("open = 1")
        with connections.telling(self.path):
            return self._records(" AND ".join(wanted), values)

    def record(self, number: str) -> Record:
        """Return the mail of that number. Raise `NoSuchMail`."""
        with connections.telling(self.path):
            return self._one(number)

    def by_key(self, key: str) -> Record | None:
        """Return the mail of that key, or None."""
        with connections.telling(self.path):
            found = self._records("key = ?", (key,))
        return found[0] if found else None

    def message(self, number: str) -> bytes:
        """Return the frozen bytes. Raise `NoSuchMail`, and `Damaged` where they are not those."""
        with connections.telling(self.path):
            record = self._one(number)
            row = self._connection.execute(
                "SELECT message FROM mail WHERE number = ?", (number,)
            ).fetchone()
        try:
            message = zlib.decompress(row[0])
        except zlib.error:
            message = b""
        if hashlib.sha256(message).hexdigest() != record.mail.sha256:
            raise Damaged(
                f"the bytes of {number} in the journal are not those that were frozen; cancel it, "
                "and look after the disk"
            )
        return message

    def last_accepted(self) -> Instant | None:
        """Return when the server last took over a mail, or None."""
        if not self._there:
            return None
        with connections.telling(self.path):
            row = self._connection.execute(
                "SELECT max(at_us) FROM mail_event WHERE what = ?", (Happening.ACCEPTED,)
            ).fetchone()
        return None if row[0] is None else Instant(row[0])

    def since(self, client: str, at: Instant) -> Instant:
        """Return since when the client's reports are sent by themselves: from *at* on, if new."""
        with connections.telling(self.path), transaction(self._connection):
            self._connection.execute(
                "INSERT INTO mail_since VALUES (?, ?) ON CONFLICT (client) DO NOTHING", (client, at)
            )
            return Instant(self._since()[client])

    def all_since(self) -> dict[str, Instant]:
        """Return since when which clients' reports are sent by themselves."""
        if not self._there:
            return {}
        with connections.telling(self.path):
            return {client: Instant(at) for client, at in self._since().items()}

    def _since(self) -> dict[str, int]:
        return dict(self._connection.execute("SELECT client, at_us FROM mail_since"))

    def _has_tables(self) -> bool:
        with connections.telling(self.path):
            row = self._connection.execute(
                "SELECT count(*) FROM sqlite_schema WHERE name = 'mail'"
            ).fetchone()
        return bool(row[0])

    def _one(self, number: str) -> Record:
        found = self._records("number = ?", (number,))
        if not found:
            raise NoSuchMail(f"there is no mail {number}")
        return found[0]

    def _records(self, where: str, values: Sequence[object]) -> tuple[Record, ...]:
        if not self._there:
            return ()
        rows = self._connection.execute(
            f"SELECT {_MAIL} FROM mail WHERE {where} ORDER BY at_us, number",  # noqa: S608
            tuple(values),
        ).fetchall()
        return tuple(
            Record(mail=mail, events=tuple(self._events(mail.number))) for mail in map(_mail, rows)
        )

    def _events(self, number: str) -> Iterator[Event]:
        rows: Iterable[tuple[Any, ...]] = self._connection.execute(
            f"SELECT {_EVENT} FROM mail_event WHERE mail = ? ORDER BY id",  # noqa: S608
            (number,),
        )
        for _, at, what, place, by, words, until, server in rows:
            yield Event(
                at=Instant(at), what=Happening(what), place=place, by=by, words=words,
                until=None if until is None else Instant(until), server=bool(server),
            )  # fmt: skip


def _mail(row: tuple[Any, ...]) -> Mail:
    number, key, kind, client, at, subject, recipients, sha256, month, revision, facts = row
    return Mail(
        number=number, key=key, kind=MailKind(kind), client=client, at=Instant(at),
        subject=subject, recipients=tuple(json.loads(recipients)), sha256=sha256, month=month,
        revision=revision, facts=json.loads(facts),
    )  # fmt: skip


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _stands(record: Record, event: Event) -> str:
    number = record.mail.number
    for delivery in record.deliveries:
        if event.place == delivery.place:
            return f"{number} to {delivery.address} is {delivery.status}: not {event.what} now"
    if event.place != EVERYBODY:
        return f"{number} has no recipient {event.place}"
    return f"{number} is {record.status}: not {event.what} now"


@contextmanager
def sending_alone(path: Path) -> Iterator[bool]:
    """Hold the right to send the mails of the journal at *path*; yield whether we have it.

    Does not wait. The lock is on a file of its own, which stays there afterwards.
    """
    journal = path.resolve()
    lock_path = journal.with_name(journal.name + ".outbox")
    try:
        lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise StoreError(f"{lock_path}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(lock)
