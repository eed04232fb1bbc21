"""Reading the journal: looks, letters and the monitor's own life.

A reader has a connection of its own that cannot write, so it never waits for the writer and the
writer never for it. It may be used from any thread, by one thread at a time.
"""

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from uptimed.core.entries import Entry, EntryKind
from uptimed.core.issues import Post
from uptimed.core.minutes import (
    MINUTE,
    MINUTES_PER_DAY,
    Minute,
    day_minutes,
    day_of,
    days_between,
    minute_of,
)  # fmt: skip
from uptimed.core.observations import Attempt, Evidence, Instant
from uptimed.core.strip import NOT_MEASURED, Strip
from uptimed.ports import (
    BlindMinute,
    ConfigRecord,
    ContractRecord,
    DayLetters,
    LifeEvent,
    Seal,
    StoreError,
)
from uptimed.stores import connections, transactions
from uptimed.stores.entries import last_entries, read_entries, read_posts
from uptimed.stores.names import Names
from uptimed.stores.recent import (
    blind_after,
    contracts_after,
    life_after,
    posted,
    seals_after,
    terms_after,
)
from uptimed.stores.rows import (
    DAY_BITS,
    NO_PHASES,
    Row,
    attempt_of,
    day_key,
    day_of_key,
    evidence_read,
    phases_read,
)
from uptimed.stores.schema import LONGEST_LAG_US

LAST_DAY = date(4000, 1, 1)  # that is taken
_NOT_LAID = bytes.maketrans(b"\0", NOT_MEASURED.encode())
_AS_DOTS = bytes.maketrans(b"\0", b".")

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


_WITH_MARKS = f"""
    SELECT number FROM (
        SELECT asked.value AS number, day.sealed, day.terms, substr(day.letters, ?, ?) AS part
        FROM json_each(?) AS asked JOIN day ON day.id = (asked.value << {DAY_BITS}) + ?
    ) WHERE {{marked}} OR NOT sealed AND (SELECT text FROM text WHERE id = terms) IS NOT (
        SELECT sha256 FROM config WHERE service = number ORDER BY since_minute DESC LIMIT 1
    )"""  # noqa: S608 - as above
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

    def next_written(self, seq: int) -> Instant | None:
        """Return when the first attempt written after the cursor *seq* began, None without one.

        None also where `Ledger.allow_following` was never called: finding it would read everything.
        """
        with connections.telling(self._path):
            found = self._connection.execute(
                "SELECT 1 FROM sqlite_schema WHERE name = 'attempt_by_seq'"
            ).fetchone()
            query = "SELECT at_us FROM attempt WHERE seq > ? ORDER BY seq LIMIT 1"
            row = self._connection.execute(query, (seq,)).fetchone() if found else None
        return Instant(row[0]) if row else None

    def letters(self, service: str, start: Minute, stop: Minute) -> Strip:
        """Return the letters on record for [start, stop); minutes without one are `N`."""
        laid = self._laid(service, start, stop).translate(_NOT_LAID)
        return Strip(start, laid.decode("ascii"))

    def laid(self, service: str, start: Minute, stop: Minute) -> Strip:
        """Return the letters on record for [start, stop); minutes without one are `.`."""
        return Strip(start, self._laid(service, start, stop).translate(_AS_DOTS).decode("ascii"))

    def _laid(self, service: str, start: Minute, stop: Minute) -> bytes:
        with connections.telling(self._path):
            number = self._names.known(service)
            if number is None or stop <= start:
                return bytes(max(0, stop - start))
            base = number << DAY_BITS
            first, last = start // MINUTES_PER_DAY, (stop - 1) // MINUTES_PER_DAY
            canvas = bytearray((last - first + 1) * MINUTES_PER_DAY)
            for key, letters in self._connection.execute(
                "SELECT id, letters FROM day WHERE id BETWEEN ? AND ?", (base + first, base + last)
            ):
                at = (key - base - first) * MINUTES_PER_DAY
                canvas[at : at + MINUTES_PER_DAY] = letters
            skip = start - first * MINUTES_PER_DAY
            return bytes(canvas[skip : skip + stop - start])

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

    def with_marks(
        self, services: Iterable[str], marks: str, start: Minute, stop: Minute
    ) -> frozenset[str]:
        """Return those of *services* that may have one of *marks* in [start, stop).

        They are on record there, or a day is, unsealed, that was judged under other terms than the
        last recorded. One question for all, which the database answers beside other threads: of
        thousands of services hardly any has anything.
        """
        with connections.telling(self._path):
            numbers = {self._names.known(service): service for service in services}
            asked = json.dumps([number for number in numbers if number is not None])
            found: set[str] = set()
            for day in days_between(start, stop):
                minutes = day_minutes(day)
                first, last = max(start, minutes.start), min(stop, minutes.stop)
                rows = self._connection.execute(
                    _WITH_MARKS.format(marked=" OR ".join(["instr(part, ?)"] * len(marks))),
                    (
                        first - minutes.start + 1, last - first, asked, day_key(0, day),
                        *(mark.encode() for mark in marks),
                    ),
                )  # fmt: skip
                found.update(numbers[number] for (number,) in rows)
            return frozenset(found)

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

    def contracts(self, client: str) -> Sequence[ContractRecord]:
        """Return what was agreed with the client over time, oldest first.

        There is nothing where an earlier version wrote the file.
        """
        with connections.telling(self._path):
            there = "SELECT 1 FROM sqlite_schema WHERE name = 'contract'"
            if not self._connection.execute(there).fetchone():
                return []
            rows = self._connection.execute(
                "SELECT since_minute, sha256, canonical FROM contract WHERE client = ? "
                "ORDER BY since_minute",
                (self._names.known(client) or 0,),
            ).fetchall()
        return [
            ContractRecord(client=client, since=Minute(since), sha256=sha256, canonical=canonical)
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

    def life_after(self, number: int, limit: int) -> Sequence[tuple[int, LifeEvent]]:
        """Return up to *limit* events after the *number*-th, each with its number, in order."""
        with connections.telling(self._path):
            return life_after(self._connection, number, limit)

    def seals_after(self, last: Mapping[str, date], limit: int) -> Sequence[Seal]:
        """Return up to *limit* seals of days after the *last* of their service, each's in order."""
        with connections.telling(self._path):
            return seals_after(self._connection, self._names, last, limit)

    def terms_after(self, row: int, limit: int) -> Sequence[tuple[int, ConfigRecord]]:
        """Return up to *limit* terms in the order of writing after the *row*-th, with their rows.

        Terms that replaced others within their first minute have the row of those.
        """
        with connections.telling(self._path):
            return terms_after(self._connection, self._names, row, limit)

    def contracts_after(self, row: int, limit: int) -> Sequence[tuple[int, ContractRecord]]:
        """Return up to *limit* agreements in the order of writing after the *row*-th, as above."""
        with connections.telling(self._path):
            return contracts_after(self._connection, self._names, row, limit)

    def posted(self) -> tuple[int, Sequence[str]]:
        """Return a number that grows with what happens in the outbox, and who has mails in it."""
        with connections.telling(self._path):
            return posted(self._connection)

    def blind_after(self, last: Mapping[str, Minute], again: int) -> Sequence[BlindMinute]:
        """Return each vantage's blind minutes from *again* minutes before its *last* one on."""
        with connections.telling(self._path):
            return blind_after(self._connection, self._names, last, again)

    def blind_count(self) -> int:
        """Return how many blind minutes there are, of all vantages."""
        with connections.telling(self._path):
            return int(self._connection.execute("SELECT count(*) FROM blind").fetchone()[0])

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

    def last_entries(self) -> Sequence[Entry]:
        """Return the last entry of each client."""
        with connections.telling(self._path):
            return last_entries(self._connection)

    def posts(self, client: str) -> Sequence[Post]:
        """Return what of the client's mails in the outbox concerns figures, oldest first."""
        with connections.telling(self._path):
            return read_posts(self._connection, client)

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

    def cursors(self, beginning: str) -> Sequence[str]:
        """Return the names under which something is kept that begin so."""
        with connections.telling(self._path):
            rows = self._connection.execute(
                "SELECT name FROM cursor WHERE substr(name, 1, ?) = ? ORDER BY name",
                (len(beginning), beginning),
            )
            return [str(name) for (name,) in rows.fetchall()]

    def attempt_counts(
        self, service: str, start: Minute, stop: Minute, every: int
    ) -> Mapping[tuple[str, Minute], int]:
        """Return how many attempts began in each *every* minutes of [start, stop).

        By vantage and the first minute; nothing stands for none. *start* is a multiple of *every*.
        """
        step = every * MINUTE
        with connections.telling(self._path):
            rows = self._connection.execute(
                "SELECT vantage, at_us / ?, count(*) FROM attempt "
                "WHERE service = ? AND at_us >= ? AND at_us < ? GROUP BY 1, 2",
                (step, self._names.known(service) or 0, start * MINUTE, stop * MINUTE),
            ).fetchall()
            texts = self._names.texts
            return {(texts[vantage], Minute(at * every)): count for vantage, at, count in rows}

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
