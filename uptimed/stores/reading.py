"""Reading the journal: looks, letters and the monitor's own life.

A reader has a connection of its own that cannot write, so it never waits for the writer and the
writer never for it. It may be used from any thread, by one thread at a time.
"""

import hashlib
import hmac
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from uptimed.core.entries import Entry, EntryKind
from uptimed.core.minutes import MINUTE, MINUTES_PER_DAY, Minute, day_minutes, day_of, minute_of
from uptimed.core.observations import Attempt, Evidence, Instant
from uptimed.core.strip import NOT_MEASURED, Strip
from uptimed.ports import BlindMinute, ConfigRecord, DayLetters, LifeEvent, Seal, StoreError
from uptimed.stores import connections, transactions
from uptimed.stores.entries import read_entries
from uptimed.stores.names import Names
from uptimed.stores.rows import NO_PHASES, Row, attempt_of, evidence_read, phases_read
from uptimed.stores.schema import LONGEST_LAG_US

_EPOCH = date(1970, 1, 1)
DAY_BITS = 20  # of the key of a day; enough until the year 4840
LAST_DAY = date(4000, 1, 1)  # that is taken
_NOT_LAID = bytes.maketrans(b"\0", NOT_MEASURED.encode())

FACTS = "at_us - lag_us, at_us, account, probe, vantage, outcome, cause, took_us, secret"
WHOLE = f"{FACTS}, phases, certificate_expires_us, evidence, detail"
USUAL = f"lag_us BETWEEN 0 AND {LONGEST_LAG_US}"
ASTRAY = f"(lag_us < 0 OR lag_us > {LONGEST_LAG_US})"  # as the index has it, to the letter
_OF_LOOKS = f"""
    SELECT {{columns}} FROM attempt
    WHERE service = :service AND at_us >= :start AND at_us < :stop + {LONGEST_LAG_US}
    AND {USUAL} AND at_us - lag_us >= :start AND at_us - lag_us < :stop
    UNION ALL
    SELECT {{columns}} FROM attempt INDEXED BY attempt_astray
    WHERE service = :service AND at_us - lag_us >= :start AND at_us - lag_us < :stop
    AND {ASTRAY}"""  # noqa: S608 - made of the constants above


def day_key(service: int, day: date) -> int:
    """Return the key under which the *day* of a service is kept."""
    return (service << DAY_BITS) + (day - _EPOCH).days


def day_of_key(key: int) -> date:
    """Return the day of `day_key`."""
    return _EPOCH + timedelta(days=key & (1 << DAY_BITS) - 1)


_IN_ORDER = attrgetter("look", "at", "account", "probe", "vantage")


@dataclass(frozen=True, slots=True, kw_only=True)
class LettersChanged:
    """Letters of *service* in [start, stop) were laid down anew; *seq* is the cursor after it."""

    seq: int
    service: str
    start: Minute
    stop: Minute


class Reader:
    """What `uptimed.ports.JournalReader` asks for, and what followers and the command line need.

    Everything raises `StoreError` when the file cannot be read.
    """

    def __init__(
        self, connection: sqlite3.Connection, path: Path, names: Names | None = None
    ) -> None:
        self._connection = connection
        self._path = path
        self._names = Names(connection) if names is None else names

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

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Make everything that is read inside belong to one moment."""
        with connections.telling(self._path):
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            transactions.undo(self._connection)

    def journal_id(self) -> str:
        """Return what tells this journal from every other; a restored backup keeps it."""
        return str(self._meta("journal"))

    def services(self) -> tuple[str, ...]:
        """Return the services that have letters or attempts on record, by name."""
        with connections.telling(self._path):
            found: set[int] = set()
            # One seek for each service, however many rows it has.
            of_days = f"SELECT id >> {DAY_BITS} FROM day WHERE id >= (? + 1) << {DAY_BITS}"  # noqa: S608
            for query in (
                "SELECT service FROM attempt WHERE service > ? ORDER BY service LIMIT 1",
                f"{of_days} ORDER BY id LIMIT 1",
            ):
                last = 0
                while row := self._connection.execute(query, (last,)).fetchone():
                    last = int(row[0])
                    found.add(last)
            return tuple(sorted(self._names.texts[number] for number in found))

    def attempts(
        self, service: str, start: Minute, stop: Minute, *, facts_only: bool = False
    ) -> Sequence[Attempt]:
        """Return the attempts whose look begins in [start, stop), by look, start and account.

        Equal ones follow the names of their probes and vantages. With *facts_only* they come
        without phases, certificate, detail and evidence: what settling needs, in half the time.
        """
        with connections.telling(self._path):
            number = self._names.known(service)
            if number is None or stop <= start:
                return []
            rows = self._connection.execute(
                _OF_LOOKS.format(columns=FACTS if facts_only else WHOLE),
                {"service": number, "start": start * MINUTE, "stop": stop * MINUTE},
            ).fetchall()
            if facts_only:
                texts = self._names.texts
                found = [attempt_of(texts, service, row) for row in rows]
            else:
                found = [self.from_row(service, row) for row in rows]
        found.sort(key=_IN_ORDER)
        return found

    def attempts_after(self, seq: int, limit: int) -> Sequence[tuple[int, Attempt]]:
        """Return up to *limit* attempts written after the cursor *seq*, each with its cursor.

        In the order of writing. Quick only once `Ledger.allow_following` was called.
        """
        query = f"SELECT seq, service, {WHOLE} FROM attempt WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608
        with connections.telling(self._path):
            rows = self._connection.execute(query, (seq, limit)).fetchall()
            return [(row[0], self.from_row(self._names.texts[row[1]], row[2:])) for row in rows]

    def letters(self, service: str, start: Minute, stop: Minute) -> Strip:
        """Return the letters on record for [start, stop); minutes without one are `N`."""
        with connections.telling(self._path):
            number = self._names.known(service)
            if number is None or stop <= start:
                return Strip(start, NOT_MEASURED * max(0, stop - start))
            base = number << DAY_BITS
            first, last = start // MINUTES_PER_DAY, (stop - 1) // MINUTES_PER_DAY
            canvas = bytearray((last - first + 1) * MINUTES_PER_DAY)
            for key, letters in self._connection.execute(
                "SELECT id, letters FROM day WHERE id BETWEEN ? AND ?", (base + first, base + last)
            ):
                at = (key - base - first) * MINUTES_PER_DAY
                canvas[at : at + MINUTES_PER_DAY] = letters
            skip = start - first * MINUTES_PER_DAY
            wanted = canvas[skip : skip + stop - start].translate(_NOT_LAID)
            return Strip(start, wanted.decode("ascii"))

    def letters_after(self, seq: int, limit: int) -> Sequence[LettersChanged]:
        """Return up to *limit* hours with letters laid down after the cursor *seq*, in order."""
        query = "SELECT seq, service, hour FROM laid WHERE seq > ? ORDER BY seq LIMIT ?"
        with connections.telling(self._path):
            return [
                LettersChanged(
                    seq=at,
                    service=self._names.texts[service],
                    start=Minute(hour * 60),
                    stop=Minute(hour * 60 + 60),
                )
                for at, service, hour in self._connection.execute(query, (seq, limit)).fetchall()
            ]

    def days(self, service: str, first: date, last: date) -> Sequence[DayLetters]:
        """Return the days on record from *first* to *last*, both included, in order."""
        return [
            DayLetters(
                service=service,
                day=day_of_key(key),
                letters=letters.rstrip(b"\0").translate(_NOT_LAID).decode("ascii"),
                terms_sha256=self._names.texts[terms],
                rules=rules,
                sealed=bool(sealed),
            )
            for key, letters, terms, rules, sealed in self._by_day(
                "SELECT id, letters, terms, rules, sealed FROM day", service, first, last
            )
        ]

    def span(self, service: str) -> range | None:
        """Return the minutes from the first to the last letter on record, or None."""
        with connections.telling(self._path):
            number = self._names.known(service)
            if number is None:
                return None
            limits = (number << DAY_BITS, (number + 1) << DAY_BITS)
            ends = [
                self._connection.execute(
                    f"SELECT id, letters FROM day WHERE id >= ? AND id < ? ORDER BY id {way} LIMIT 1",  # noqa: S608, E501
                    limits,
                ).fetchone()
                for way in ("ASC", "DESC")
            ]
            if ends[0] is None or ends[1] is None:
                return None
            (low, opening), (high, closing) = ends
            start = day_minutes(day_of_key(low))[len(opening) - len(opening.lstrip(b"\0"))]
            return range(start, day_minutes(day_of_key(high)).start + len(closing.rstrip(b"\0")))

    def blind(self, vantages: Sequence[str], start: Minute, stop: Minute) -> Sequence[BlindMinute]:
        """Return the blind minutes of *vantages* in [start, stop), by minute and vantage."""
        with connections.telling(self._path):
            found = [
                BlindMinute(vantage=vantage, minute=Minute(minute), reason=reason)
                for vantage in sorted(set(vantages))
                if (number := self._names.known(vantage)) is not None
                for minute, reason in self._connection.execute(
                    "SELECT minute, reason FROM blind "
                    "WHERE vantage = ? AND minute >= ? AND minute < ?",
                    (number, start, stop),
                ).fetchall()
            ]
        return sorted(found, key=lambda blind: (blind.minute, blind.vantage))

    def configs(self, service: str) -> Sequence[ConfigRecord]:
        """Return the service's watch terms over time, oldest first."""
        with connections.telling(self._path):
            rows = self._connection.execute(
                "SELECT since_minute, sha256, canonical FROM config WHERE service = ? "
                "ORDER BY since_minute",
                (self._names.known(service) or 0,),
            ).fetchall()
        return [
            ConfigRecord(service=service, since=Minute(since), sha256=sha256, canonical=canonical)
            for since, sha256, canonical in rows
        ]

    def life(self, start: Minute, stop: Minute) -> Sequence[LifeEvent]:
        """Return the events that happened in, or explain minutes of, [start, stop), in order."""
        with connections.telling(self._path):
            rows = self._connection.execute(
                "SELECT at_us, kind, vantage, detail, start_minute, stop_minute FROM life "
                "WHERE at_us >= :start * :minute AND at_us < :stop * :minute "
                "OR start_minute < :stop AND stop_minute > :start "
                "AND start_minute < stop_minute ORDER BY at_us, id",
                {"start": start, "stop": stop, "minute": MINUTE},
            ).fetchall()
        return [
            LifeEvent(
                at=Instant(at),
                kind=kind,
                vantage=vantage,
                detail=detail,
                start=Minute(first),
                stop=Minute(end),
            )
            for at, kind, vantage, detail, first, end in rows
        ]

    def seals(self, service: str, first: date, last: date) -> Sequence[Seal]:
        """Return the sealed days from *first* to *last*, both included, in order."""
        return [
            Seal(service=service, day=day_of_key(key), record=record, sha256=sha256)
            for key, record, sha256 in self._by_day(
                "SELECT id, record, sha256 FROM seal", service, first, last
            )
        ]

    def last_seal(self, service: str) -> Seal | None:
        """Return the head of the service's chain, or None before the first sealed day."""
        with connections.telling(self._path):
            number = self._names.known(service)
            if number is None:
                return None
            row = self._connection.execute(
                "SELECT id, record, sha256 FROM seal WHERE id >= ? AND id < ? "
                "ORDER BY id DESC LIMIT 1",
                (number << DAY_BITS, (number + 1) << DAY_BITS),
            ).fetchone()
        if row is None:
            return None
        return Seal(service=service, day=day_of_key(row[0]), record=row[1], sha256=row[2])

    def entries(
        self, client: str = "", kinds: Sequence[EntryKind] = tuple(EntryKind), *, after: int = 0
    ) -> Sequence[Entry]:
        """Return the entries of *client* and *kinds* with a number above *after*, in order.

        Those of every client where *client* is empty.
        """
        with connections.telling(self._path):
            return read_entries(self._connection, client, kinds, after=after)

    def heartbeat(self) -> Instant | None:
        """Return when a daemon on this journal was last known to be alive."""
        found = self._meta("heartbeat_us")
        return None if found is None else Instant(found)

    def cursor(self, name: str) -> int:
        """Return how far the follower *name* has come; 0 for one that never was here."""
        with connections.telling(self._path):
            row = self._connection.execute(
                "SELECT position FROM cursor WHERE name = ?", (name,)
            ).fetchone()
        return int(row[0]) if row else 0

    def fingerprint_key(self) -> bytes:
        """Return the key of `fingerprint`. It is made with the journal and never leaves it."""
        return bytes(self._meta("fingerprint_key"))

    def prunable(self, before: Minute) -> Sequence[tuple[str, date]]:
        """Return the sealed days that end by *before* and may have attempts on record."""
        days: list[tuple[str, date]] = []
        with connections.telling(self._path):
            for service in self.services():
                oldest = self._connection.execute(
                    "SELECT at_us FROM attempt WHERE service = ? ORDER BY at_us LIMIT 1",
                    (self._names.known(service),),
                ).fetchone()
                if oldest is None:
                    continue
                # One day more: that attempt's look, or another's, may have begun before it.
                first = day_of(Minute(max(0, minute_of(oldest[0]) - MINUTES_PER_DAY)))
                last = day_of(Minute(max(0, before - MINUTES_PER_DAY)))
                for (key,) in self._by_day("SELECT id FROM seal", service, first, last):
                    if day_minutes(day_of_key(key)).stop <= before:
                        days.append((service, day_of_key(key)))
        return days

    def seq(self) -> int:
        """Return the cursor after everything that was written."""
        return int(self._meta("seq"))

    def check(self) -> Sequence[str]:
        """Return what is damaged in the file, nothing where it is whole. Reads all of it."""
        try:
            with connections.telling(self._path):
                found = self._connection.execute("PRAGMA quick_check").fetchall()
        except StoreError as error:  # too damaged to look through
            return [str(error)]
        return [str(line) for (line,) in found if line != "ok"]

    def _meta(self, name: str) -> Any:
        with connections.telling(self._path):
            row = self._connection.execute(
                "SELECT value FROM meta WHERE name = ?", (name,)
            ).fetchone()
        return row[0] if row else None

    def _by_day(self, query: str, service: str, first: date, last: date) -> list[Row]:
        with connections.telling(self._path):
            number = self._names.known(service)
            if number is None:
                return []
            limits = (day_key(number, first), day_key(number, last))
            rows = self._connection.execute(f"{query} WHERE id BETWEEN ? AND ? ORDER BY id", limits)
            return rows.fetchall()

    def from_row(self, service: str, row: Row) -> Attempt:
        """Return the attempt in a row of the columns `WHOLE`."""
        phases, certificate_expires, evidence, detail = row[9:]
        more = (
            detail,
            phases_read(phases) if phases else NO_PHASES,
            certificate_expires,
            None if evidence is None else self._evidence(evidence),
        )
        return attempt_of(self._names.texts, service, row[:9], more)

    def _evidence(self, number: int) -> Evidence:
        row = self._connection.execute("SELECT json FROM evidence WHERE id = ?", (number,))
        return evidence_read(row.fetchone()[0])


def fingerprint(key: bytes, secret: str) -> str:
    """Return what tells *secret* from another without telling it."""
    return hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()[:16]
