"""Taking in very many attempts at once: all of them, or none.

They are gathered in a temporary table first, which locks nobody out, however slowly they come.
What is in the journal already is sorted out there. Only then is the journal locked, for as long as
copying the rows takes: about two seconds for a million, during which a daemon's writer waits.

The names of services and probes are the one thing that is written before. They are not facts, and
stay behind when the import fails.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from operator import eq

from uptimed.core.minutes import minute_of
from uptimed.core.observations import Attempt
from uptimed.ports import AttemptConflict, SealedDay
from uptimed.stores import connections
from uptimed.stores.ledger import CONTENT, INSERT, KEY, Ledger
from uptimed.stores.reading import WHOLE
from uptimed.stores.rows import DAY_BITS, Row, day_of_key, evidence_kept, evidence_read

_CHUNK = 10_000  # attempts held in memory at a time: some 10 MB

_SAME_KEY = " AND ".join(f"new.{column} = old.{column}" for column in KEY.split(", "))
_SAME_ROW = " AND ".join(
    f"new.{column} IS old.{column}"
    for column in CONTENT.removesuffix(", evidence, seq").split(", ")
)
_DAY_US = 86_400_000_000
_DAY_OF_LOOK = f"(service << {DAY_BITS}) + (at_us - lag_us) / {_DAY_US}"
_THAT_ONE = f"({KEY}) = (?, ?, ?, ?, ?)"
_ON_RECORD = f"SELECT {WHOLE} FROM main.attempt WHERE {_THAT_ONE}"  # noqa: S608
_INCOMING = f"SELECT {WHOLE} FROM temp.incoming WHERE {_THAT_ONE}"  # noqa: S608
_SHOWN = 1000  # attempts of sealed days that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to: how many attempts were *new*, and how many *known* already.

    *touched* has for each service the minutes from the first to the last look that is new: what is
    to be settled again.
    """

    new: int
    known: int
    touched: Mapping[str, range]


def refuse(conflict: AttemptConflict) -> None:
    """Raise *conflict*: nothing is kept."""
    raise conflict


def import_attempts(
    ledger: Ledger,
    attempts: Iterable[Attempt],
    *,
    same: Callable[[Attempt, Attempt], bool] = eq,
    conflict: Callable[[AttemptConflict], None] = refuse,
    progress: Callable[[int], None] = lambda _taken: None,
    finish: Callable[[Imported], None] = lambda _imported: None,
) -> Imported:
    """Keep *attempts*, in whatever order they come, or none of them.

    Where one is on record with other content, *conflict* is told: it raises, or the given one is
    left out. Of several that came with other content all are left out: nobody knows which is true.
    Raise `SealedDay` where a new one belongs to a sealed day. *same*
    decides about the content of two attempts, the known and the given; a file that cannot say
    everything an attempt has must pass its own. *progress* is told how many were taken so far.

    *finish* is called before anything is final, so that what follows from the attempts is kept with
    them or not at all; others wait meanwhile that want to write. What *attempts* or *finish* raises
    is passed on, and nothing is kept then either.
    """
    telling = partial(connections.telling, ledger.path)  # not around what comes from outside
    with _gathering(ledger):
        taken = 0
        gather = _Gathering(ledger, same, conflict)
        source = iter(attempts)
        while chunk := list(islice(source, _CHUNK)):
            with telling():
                gather.take(chunk)
            taken += len(chunk)
            progress(taken)
        with telling():
            gather.drop_known()
            gather.drop_disputed()
        with telling(), ledger.transaction():
            gather.drop_known()  # written by others meanwhile
            touched = gather.touched()
            new = gather.keep()
            imported = Imported(new=new, known=taken - new, touched=touched)
            finish(imported)
        return imported


@contextmanager
def _gathering(ledger: Ledger) -> Iterator[None]:
    connection = ledger.connection
    with connections.telling(ledger.path):
        _clear(connection)
        connection.execute(
            f"CREATE TEMP TABLE incoming ({KEY}, {CONTENT}, PRIMARY KEY ({KEY})) WITHOUT ROWID"
        )
        connection.execute(
            "CREATE TEMP TABLE incoming_evidence (id INTEGER PRIMARY KEY, json TEXT)"
        )
    try:
        yield
    finally:
        with suppress(sqlite3.Error):
            _clear(connection)


def _clear(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TABLE IF EXISTS temp.incoming")
    connection.execute("DROP TABLE IF EXISTS temp.incoming_evidence")


class _Gathering:
    """The attempts that came so far, in the temporary tables of the ledger's connection."""

    def __init__(
        self,
        ledger: Ledger,
        same: Callable[[Attempt, Attempt], bool],
        conflict: Callable[[AttemptConflict], None],
    ) -> None:
        self._ledger, self._same, self._conflict = ledger, same, conflict
        self._execute = ledger.connection.execute
        self._many = ledger.connection.executemany
        self._rows = 0
        self._evidence = 0
        self._disputed: dict[tuple[object, ...], Attempt] = {}  # key -> one that came later

    def take(self, chunk: list[Attempt]) -> None:
        """Add *chunk*; what came before is one with it, or a conflict."""
        self._name(chunk)
        rows, evidence = [], []
        for attempt in chunk:
            number = None
            self._rows += 1
            if attempt.evidence is not None:
                self._evidence += 1
                number = self._evidence
                evidence.append((number, evidence_kept(attempt.evidence)))
            rows.append(self._ledger.row(attempt, evidence=number, seq=self._rows))
        self._execute("BEGIN")  # of the temporary tables: the journal is not locked
        try:
            self._many("INSERT INTO temp.incoming_evidence VALUES (?, ?)", evidence)
            added = self._many(INSERT.format(table="temp.incoming"), rows).rowcount
            if added < len(rows):
                for attempt, row in zip(chunk, rows, strict=True):
                    self._compare_with_earlier(attempt, row[:5])
        finally:
            self._execute("COMMIT")  # all or nothing is settled when they are kept

    def _compare_with_earlier(self, attempt: Attempt, key: tuple[object, ...]) -> None:
        row = self._execute(_INCOMING, key).fetchone()
        earlier = self._attempt(attempt.service, row)
        if not self._same(earlier, attempt):
            self._disputed[key] = attempt
            self._conflict(AttemptConflict(earlier, attempt))

    def drop_disputed(self) -> None:
        """Drop the first of those that came with other content as well, if it is not on record."""
        for key, later in self._disputed.items():
            row = self._execute(_INCOMING, key).fetchone()
            if row is not None:
                self._conflict(AttemptConflict(later, self._attempt(later.service, row)))
                self._execute(f"DELETE FROM temp.incoming WHERE {_THAT_ONE}", key)  # noqa: S608

    def _name(self, chunk: list[Attempt]) -> None:
        names = self._ledger.names
        texts = {
            text
            for attempt in chunk
            for text in (
                attempt.service, attempt.probe, attempt.vantage, attempt.cause, attempt.secret,
            )
        }  # fmt: skip
        unknown = sorted(text for text in texts if names.known(text) is None)
        if unknown:
            with self._ledger.transaction():
                for text in unknown:
                    names.given(text)

    def drop_known(self) -> None:
        """Drop what is on record already. Raise `AttemptConflict` where it is not the same."""
        self._execute(
            "DELETE FROM temp.incoming AS new WHERE evidence IS NULL AND EXISTS ("  # noqa: S608
            f"SELECT 1 FROM main.attempt AS old WHERE {_SAME_KEY} AND {_SAME_ROW} "
            "AND old.evidence IS NULL)"
        )
        columns = ", ".join(f"new.{column}" for column in KEY.split(", "))
        known = self._execute(
            f"SELECT {columns} FROM temp.incoming AS new JOIN main.attempt AS old "  # noqa: S608
            f"ON {_SAME_KEY}"
        ).fetchall()
        for key in known:
            service = self._ledger.names.texts[key[0]]
            old = self._execute(_ON_RECORD, key).fetchone()
            new = self._execute(_INCOMING, key).fetchone()
            kept = self._ledger.reader.from_row(service, old)
            given = self._attempt(service, new)
            if not self._same(kept, given):
                self._conflict(AttemptConflict(kept, given))
            self._execute(f"DELETE FROM temp.incoming WHERE {_THAT_ONE}", key)  # noqa: S608

    def _attempt(self, service: str, row: Row) -> Attempt:
        *others, evidence, detail = row
        attempt = self._ledger.reader.from_row(service, (*others, None, detail))
        if evidence is None:
            return attempt
        kept = self._execute("SELECT json FROM temp.incoming_evidence WHERE id = ?", (evidence,))
        return replace(attempt, evidence=evidence_read(kept.fetchone()[0]))

    def touched(self) -> Mapping[str, range]:
        """Return the minutes of each service's looks. Raise `SealedDay` where one is sealed."""
        looks: dict[int, range] = {}
        for key, first, last, sealed in self._execute(
            f"""SELECT new.key, new.first, new.last, day.sealed FROM (
                SELECT {_DAY_OF_LOOK} AS key,
                min(at_us - lag_us) AS first, max(at_us - lag_us) AS last
                FROM temp.incoming GROUP BY 1
            ) AS new LEFT JOIN main.day ON day.id = new.key"""  # noqa: S608
        ):
            service = key >> DAY_BITS
            if sealed:
                raise SealedDay(
                    f"{self._ledger.names.texts[service]} {day_of_key(key)} is sealed: it takes no "
                    "further attempts",
                    self._of_sealed_days(),
                )
            known = looks.get(service, range(minute_of(first), 0))
            looks[service] = range(
                min(known.start, minute_of(first)), max(known.stop, minute_of(last) + 1)
            )
        return {self._ledger.names.texts[service]: span for service, span in looks.items()}

    def _of_sealed_days(self) -> list[Attempt]:
        rows = self._execute(
            f"SELECT service, {WHOLE} FROM temp.incoming WHERE EXISTS ("  # noqa: S608
            f"SELECT 1 FROM main.day WHERE day.id = {_DAY_OF_LOOK} AND day.sealed) LIMIT {_SHOWN}"
        ).fetchall()
        names = self._ledger.names.texts
        return [self._attempt(names[service], row) for service, *row in rows]

    def keep(self) -> int:
        """Copy what is left into the journal; return how many attempts that were."""
        evidence = self._ledger.next_evidence() - 1
        seq = self._ledger.seq
        content = CONTENT.removesuffix(", evidence, seq")
        kept = self._execute(
            f"INSERT INTO main.attempt ({KEY}, {CONTENT}) "  # noqa: S608
            f"SELECT {KEY}, {content}, evidence + ?, seq + ? FROM temp.incoming ORDER BY {KEY}",
            (evidence, seq),
        ).rowcount
        if kept:  # an import that brings nothing new changes nothing
            self._ledger.seq += self._rows
        self._execute(
            "INSERT INTO main.evidence SELECT id + ?, json FROM temp.incoming_evidence "
            "WHERE id IN (SELECT evidence FROM temp.incoming WHERE evidence IS NOT NULL)",
            (evidence,),
        )
        return kept
