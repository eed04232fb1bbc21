"""Writing the journal from where waiting is allowed: the command line, and the writer's thread.

What is on record is never written over: an attempt that comes again with other content, letters
of a sealed day and a second record of a sealed day are refused. Writing the same once more changes
nothing, so whoever does not know whether something was kept may write it again.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

from uptimed.core.entries import Entry
from uptimed.core.minutes import (
    MINUTES_PER_DAY,
    Minute,
    day_minutes,
    day_of,
    days_between,
    minute_of,
    start_of,
)  # fmt: skip
from uptimed.core.observations import Attempt
from uptimed.core.strip import MARKS, NOT_MEASURED, Strip
from uptimed.core.terms import RULES_VERSION
from uptimed.ports import (
    AttemptConflict,
    Batch,
    ConfigRecord,
    ContractRecord,
    LostHead,
    Seal,
    SealedDay,
)
from uptimed.stores import connections, heads, transactions
from uptimed.stores.names import Names
from uptimed.stores.reading import ASTRAY, LAST_DAY, USUAL, WHOLE, Reader
from uptimed.stores.rows import OUTCOME_CODES, day_key, evidence_kept, phases_kept
from uptimed.stores.schema import LONGEST_LAG_US

KEY = "service, at_us, probe, vantage, account"
CONTENT = (
    "lag_us, outcome, cause, took_us, secret, phases, certificate_expires_us, detail, evidence, seq"
)
INSERT = (
    f"INSERT INTO {{table}} ({KEY}, {CONTENT}) VALUES ({', '.join('?' * 15)}) "  # noqa: S608
    f"ON CONFLICT ({KEY}) DO NOTHING"
)
_INSERT = INSERT.format(table="attempt")

Kept = tuple[int | str | bytes | None, ...]


class Ledger:
    """A journal open for writing. Every method waits until what it wrote is durable."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path
        self.names = Names(connection)
        self.reader = Reader(connection, path, self.names)
        self.lost: tuple[LostHead, ...] = ()
        self.seq = 0  # the last number given to what was written
        self._sealed: dict[int, bool] = {}  # day key -> whether, within the transaction
        self._seals: list[Seal] = []  # of the transaction
        self.entered: list[Entry] = []  # of the transaction
        self._heads_due: list[Seal | Entry] = []  # kept, and not yet in the sidecar

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        make: bool = True,
        factory: type[sqlite3.Connection] = sqlite3.Connection,
        busy_s: float = connections.BUSY_S,
    ) -> Self:
        """Open the journal at *path*, made where there is none unless *make* says no.

        Afterwards `lost` has the sealed days that a restored backup lacks.
        """
        path = path.resolve()
        connection = connections.open_for_writing(path, make=make, factory=factory, busy_s=busy_s)
        try:
            with connections.telling(path):
                ledger = cls(connection, path)
                ledger.lost = heads.lost(path, ledger.reader)
        except BaseException:
            connections.close(connection)
            raise
        return ledger

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
        connections.close(self.connection)

    def write(self, batch: Batch) -> None:
        """Keep *batch*, or nothing of it.

        Raise `StoreError` when the disk does not take it, `AttemptConflict` or `SealedDay` when it
        would change what is on record.
        """
        with self.transaction():
            self.add(batch)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all that is added inside, or nothing of it."""
        self._sealed.clear()
        self._seals.clear()
        self.entered.clear()
        with connections.telling(self.path):
            try:
                with transactions.transaction(self.connection):
                    self.seq = before = self.reader.seq()
                    yield
                    if self.seq != before:
                        self._set("seq", self.seq)
            except BaseException:
                self.names.forget()
                raise
        self._heads_due += [*self._seals, *self.entered]
        if self._heads_due:
            # What was written is kept, whatever becomes of the sidecar: it is tried again with the
            # next transaction, and when the daemon opens the journal.
            with suppress(OSError):
                due = self._heads_due
                seals = [head for head in due if isinstance(head, Seal)]
                heads.remember(self.path, seals, [h for h in due if isinstance(h, Entry)])
                self._heads_due.clear()

    @contextmanager
    def part(self) -> Iterator[None]:
        """Keep all that is added inside as part of the transaction around it, or nothing of it."""
        seals = len(self._seals)
        try:
            with transactions.savepoint(self.connection):
                yield
        except BaseException:
            self.names.forget()
            self._sealed.clear()
            del self._seals[seals:]
            raise

    def add(self, batch: Batch) -> None:
        """Write *batch* as part of the open transaction."""
        execute = self.connection.execute
        for record in batch.configs:
            self._config(record)
        for agreed in batch.contracts:
            self._contract(agreed)
        for blind in batch.blind:  # the first reason stands
            execute(
                "INSERT INTO blind VALUES (?, ?, ?) ON CONFLICT (vantage, minute) DO NOTHING",
                (self.names.given(blind.vantage), blind.minute, blind.reason),
            )
        for attempt in batch.attempts:
            self._attempt(attempt)
        for service, strip, terms in batch.letters:
            self._letters(service, strip, terms)
        for event in batch.life:
            execute(
                "INSERT INTO life (at_us, start_minute, stop_minute, kind, vantage, detail) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (event.at, event.start, event.stop, event.kind, event.vantage, event.detail),
            )
        for seal in batch.seals:
            self._seal(seal)
        for name, position in batch.cursors.items():
            execute(
                "INSERT INTO cursor VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET position = excluded.position",
                (name, position),
            )
        if batch.heartbeat is not None:
            self._set("heartbeat_us", batch.heartbeat)

    def prune_day(self, service: str, day: date) -> int:
        """Delete the attempts of a sealed day, and nothing else of it; return how many."""
        minutes = day_minutes(day)
        where = {
            "service": self.names.known(service),
            "start": start_of(Minute(minutes.start)),
            "stop": start_of(Minute(minutes.stop)),
        }
        usual = (
            f"service = :service AND at_us >= :start AND at_us < :stop + {LONGEST_LAG_US} "
            f"AND {USUAL} AND at_us - lag_us >= :start AND at_us - lag_us < :stop"
        )
        astray = (
            f"service = :service AND at_us - lag_us >= :start AND at_us - lag_us < :stop "
            f"AND {ASTRAY}"
        )
        deleted = 0
        with self.transaction():
            if not self._is_sealed(day_key(where["service"] or 0, day)):
                raise ValueError(f"{service} {day} is not sealed: its attempts are still needed")
            for which in (usual, astray):
                self.connection.execute(
                    "DELETE FROM evidence WHERE id IN (SELECT evidence FROM attempt "  # noqa: S608
                    f"WHERE {which} AND evidence IS NOT NULL)",
                    where,
                )
                deleted += self.connection.execute(
                    f"DELETE FROM attempt WHERE {which}",  # noqa: S608
                    where,
                ).rowcount
        return deleted

    def allow_following(self) -> None:
        """Make `Reader.attempts_after` quick. Takes seconds once, where much is on record."""
        with self.transaction():
            self.connection.execute("CREATE INDEX IF NOT EXISTS attempt_by_seq ON attempt (seq)")

    def row(self, attempt: Attempt, *, evidence: int | None, seq: int) -> Kept:
        """Return *attempt* as a row of `KEY` and `CONTENT`."""
        if attempt.look < 0 or attempt.at < 0:
            raise ValueError(f"an attempt before 1970: {attempt}")
        given = self.names.given
        return (
            given(attempt.service), attempt.at, given(attempt.probe), given(attempt.vantage),
            attempt.account, attempt.at - attempt.look, OUTCOME_CODES[attempt.outcome],
            given(attempt.cause), attempt.took_us, given(attempt.secret),
            phases_kept(attempt.phases), attempt.certificate_expires, attempt.detail, evidence, seq,
        )  # fmt: skip

    def next_seq(self) -> int:
        """Return the next number in the order of writing."""
        self.seq += 1
        return self.seq

    def next_evidence(self) -> int:
        """Return the number of the next evidence to be kept."""
        row = self.connection.execute("SELECT coalesce(max(id), 0) + 1 FROM evidence").fetchone()
        return int(row[0])

    def _attempt(self, attempt: Attempt) -> None:
        evidence = None if attempt.evidence is None else self.next_evidence()
        kept = self.row(attempt, evidence=evidence, seq=self.next_seq())
        if self.connection.execute(_INSERT, kept).rowcount == 0:
            row = self.connection.execute(
                f"SELECT {WHOLE} FROM attempt WHERE ({KEY}) = (?, ?, ?, ?, ?)",  # noqa: S608
                kept[:5],
            ).fetchone()
            known = self.reader.from_row(attempt.service, row)
            if known != attempt:
                raise AttemptConflict(known, attempt)
            return
        day = day_of(minute_of(attempt.look))
        if self._is_sealed(day_key(self.names.given(attempt.service), day)):
            raise SealedDay(f"{attempt.service} {day} is sealed: it takes no further attempts")
        if attempt.evidence is not None:
            self.connection.execute(
                "INSERT INTO evidence VALUES (?, ?)", (evidence, evidence_kept(attempt.evidence))
            )

    def _letters(self, service: str, strip: Strip, terms: str) -> None:
        if strip.letters.strip(MARKS):
            raise ValueError(f"letters of {service} that are none: {strip}")
        if strip.start < 0 or day_of(strip.stop) > LAST_DAY:
            raise ValueError(f"letters of {service} outside the years 1970 to 4000: {strip.start}")
        number, terms_id = self.names.given(service), self.names.given(terms)
        for day in days_between(strip.start, strip.stop):
            minutes = day_minutes(day)
            first, stop = max(strip.start, minutes.start), min(strip.stop, minutes.stop)
            letters = strip.letters[first - strip.start : stop - strip.start].encode("ascii")
            self._day(service, number, day, (first - minutes.start, letters), terms_id)

    def _day(
        self, service: str, number: int, day: date, letters: tuple[int, bytes], terms: int
    ) -> None:
        key = day_key(number, day)
        row = self.connection.execute(
            "SELECT sealed, rules, terms, letters FROM day WHERE id = ?", (key,)
        ).fetchone()
        sealed, *made_by, known = row or (0, None, None, bytes(MINUTES_PER_DAY))
        at, given = letters
        laid = known[:at] + given + known[at + len(given) :]
        if sealed:
            if laid != known:
                raise SealedDay(f"{service} {day} is sealed: its letters stay as they are")
            return
        if laid == known and made_by == [RULES_VERSION, terms]:
            return
        self.connection.execute(
            "INSERT INTO day (id, sealed, rules, terms, letters) VALUES (?, 0, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET rules = excluded.rules, terms = excluded.terms, "
            "letters = excluded.letters",
            (key, RULES_VERSION, terms, laid),
        )
        first_hour = day_minutes(day).start // 60
        for hour in range(at // 60, (at + len(given) - 1) // 60 + 1):
            here = slice(hour * 60, hour * 60 + 60)
            if laid[here] != known[here]:
                self.connection.execute(
                    "INSERT INTO laid VALUES (?, ?, ?) "
                    "ON CONFLICT (service, hour) DO UPDATE SET seq = excluded.seq",
                    (number, first_hour + hour, self.next_seq()),
                )

    def _seal(self, seal: Seal) -> None:
        number = self.names.given(seal.service)
        last = self.reader.last_seal(seal.service)
        if last is not None and last.day >= seal.day:
            if self.reader.seals(seal.service, seal.day, seal.day) == [seal]:
                return
            raise SealedDay(
                f"{seal.service} {seal.day} cannot be sealed: the chain has come to {last.day}"
            )
        key = day_key(number, seal.day)
        self.connection.execute(
            "INSERT INTO seal (id, sha256, record) VALUES (?, ?, ?)",
            (key, seal.sha256, seal.record),
        )
        row = self.connection.execute("SELECT letters FROM day WHERE id = ?", (key,)).fetchone()
        letters = row[0] if row else bytes(MINUTES_PER_DAY)
        self.connection.execute(
            "INSERT INTO day (id, sealed, rules, terms, letters) VALUES (?, 1, ?, 1, ?) "
            "ON CONFLICT (id) DO UPDATE SET sealed = 1, letters = excluded.letters",
            (key, RULES_VERSION, letters.replace(b"\0", NOT_MEASURED.encode())),
        )
        self._sealed[key] = True
        self._seals.append(seal)

    def _config(self, record: ConfigRecord) -> None:
        number = self.names.given(record.service)
        in_force = self.connection.execute(
            "SELECT since_minute, sha256 FROM config WHERE service = ? AND since_minute <= ? "
            "ORDER BY since_minute DESC LIMIT 1",
            (number, record.since),
        ).fetchone()
        if in_force is not None and in_force[1] == record.sha256:
            return
        following = self.connection.execute(
            "SELECT min(since_minute) FROM config WHERE service = ? AND since_minute > ?",
            (number, record.since),
        ).fetchone()[0]
        last = LAST_DAY if following is None else day_of(Minute(following - 1))
        if self.reader.seals(record.service, day_of(record.since), last):
            raise SealedDay(
                f"the terms of {record.service} since minute {record.since} would reach into "
                "sealed days"
            )
        # Terms that were replaced within their first minute were never in force.
        self.connection.execute(
            "INSERT INTO config (service, since_minute, sha256, canonical) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (service, since_minute) DO UPDATE SET sha256 = excluded.sha256, "
            "canonical = excluded.canonical",
            (number, record.since, record.sha256, record.canonical),
        )

    def _contract(self, record: ContractRecord) -> None:
        """Add what is agreed from now on; what was agreed for earlier minutes stays as it was."""
        number = self.names.given(record.client)
        last = self.connection.execute(
            "SELECT since_minute, sha256 FROM contract WHERE client = ? "
            "ORDER BY since_minute DESC LIMIT 1",
            (number,),
        ).fetchone()
        if last is not None and last[1] == record.sha256:
            return
        # A clock that was put back must not bring back terms that were replaced.
        since = record.since if last is None else max(record.since, last[0])
        # Terms that were replaced within their first minute were never in force.
        self.connection.execute(
            "INSERT INTO contract (client, since_minute, sha256, canonical) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (client, since_minute) DO UPDATE SET sha256 = excluded.sha256, "
            "canonical = excluded.canonical",
            (number, since, record.sha256, record.canonical),
        )

    def _is_sealed(self, key: int) -> bool:
        found = self._sealed.get(key)
        if found is None:
            row = self.connection.execute("SELECT sealed FROM day WHERE id = ?", (key,)).fetchone()
            found = self._sealed[key] = bool(row and row[0])
        return found

    def _set(self, name: str, value: int) -> None:
        self.connection.execute(
            "INSERT INTO meta VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )
