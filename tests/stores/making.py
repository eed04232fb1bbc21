"""Attempts and batches for the tests of the journal, and a disk that fails when told to."""

import sqlite3
from datetime import date
from typing import Any

from hypothesis import strategies as st

from uptimed.core.minutes import Minute, day_minutes, start_of
from uptimed.core.observations import Attempt, Evidence, Instant, Outcome, Phase
from uptimed.core.strip import Strip
from uptimed.ports import Batch, Seal

DAY = date(2026, 10, 3)
NOON = Minute(day_minutes(DAY).start + 720)


def attempt(minute: int = NOON, **others: Any) -> Attempt:
    """A pass of acme-crm's front, unless *others* say something else."""
    at = start_of(Minute(minute))
    given: dict[str, Any] = {
        "service": "acme-crm",
        "probe": "front",
        "vantage": "local",
        "at": at,
        "look": others.get("at", at),
        "outcome": Outcome.PASS,
        "took_us": 183_000,
    }
    return Attempt(**given | others)


def letters(text: str, start: int = NOON, service: str = "acme-crm") -> Batch:
    return Batch(letters=[(service, Strip(Minute(start), text), "terms")])


def seal(day: date = DAY, service: str = "acme-crm", record: str = "{}", sha: str = "aa") -> Seal:
    return Seal(service=service, day=day, record=record, sha256=sha)


def everything(minute: int = NOON) -> Batch:
    """A failed look with all there is to keep, and the letter it makes."""
    return Batch(
        attempts=[
            attempt(
                minute,
                outcome=Outcome.FAIL,
                cause="status",
                detail="status 503, wanted 200",
                phases={Phase.DNS: 900, Phase.TLS: 40_000},
                evidence=Evidence(status=503, headers={"Server": "x"}, excerpt="<p>sorry</p>"),
            )
        ],
        letters=letters("D", minute).letters,
        heartbeat=start_of(Minute(minute)),
        cursors={"influx": minute},
    )


def texts(limit: int = 20) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=limit)


_INSTANTS = st.integers(0, 2**52).map(Instant)
_WHOLE = st.integers(-(2**63), 2**63 - 1)

ATTEMPTS = st.builds(
    Attempt,
    service=st.just("acme-crm"),
    probe=texts(),
    vantage=texts(),
    at=_INSTANTS,
    look=_INSTANTS,
    outcome=st.sampled_from(Outcome),
    cause=texts(),
    detail=texts(60),
    took_us=st.none() | _WHOLE,
    account=st.integers(0, 9),
    secret=texts(),
    phases=st.dictionaries(st.sampled_from(Phase), _WHOLE | st.integers(0, 10**6)),
    certificate_expires=st.none() | _INSTANTS,
    evidence=st.none()
    | st.builds(
        Evidence,
        status=st.none() | st.integers(100, 599),
        headers=st.dictionaries(texts(), texts(), max_size=3),
        excerpt=texts(60),
        sha256=texts(),
        marker=texts(),
        address=texts(),
    ),
)


class FailingDisk(sqlite3.Connection):
    """A connection whose *fail_at*-th statement from now, counted over all of them, fails.

    The error is the one that SQLite reports for a failing disk.
    """

    left: int | None = None

    @classmethod
    def fail_at(cls, statement: int | None) -> None:
        cls.left = statement

    def _count(self) -> None:
        kind = type(self)
        if kind.left is not None:
            kind.left -= 1
            if kind.left < 0:
                raise sqlite3.OperationalError("disk I/O error")

    def execute(self, *given: Any) -> sqlite3.Cursor:  # type: ignore[explicit-override]
        self._count()
        return super().execute(*given)

    def executemany(self, *given: Any) -> sqlite3.Cursor:  # type: ignore[explicit-override]
        self._count()
        return super().executemany(*given)


def count(path: object, table: str) -> int:
    """Rows of *table*, read past the journal's own code."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        query = f"SELECT count(*) FROM {table}"  # noqa: S608
        return int(connection.execute(query).fetchone()[0])
    finally:
        connection.close()
