"""Entering, and what the file refuses."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from uptimed.core.entries import Entry, EntryKind, EntryRefused, NewEntry, entry_faults
from uptimed.core.observations import Instant
from uptimed.stores import schema
from uptimed.stores.sqlite import Ledger, enter, open_ledger, open_reader

NEW = NewEntry(kind=EntryKind.SILENCE, subject="S-1", by="Ana", body='{"why": "works"}')
NOON = Instant(1_790_000_000_000_000)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "uptimed.db") as ledger:
        yield ledger


def put(ledger: Ledger, *new: NewEntry, client: str = "acme") -> Sequence[Entry]:
    return enter(ledger, client, NOON, lambda _known: new)


def test_an_entry_is_read_back_as_it_was_entered(ledger: Ledger) -> None:
    (made,) = put(ledger, replace(NEW, service="acme-crm", key="one"))
    assert list(ledger.reader.entries("acme")) == [made]
    assert made.said == {"why": "works"}
    assert made.at == NOON


def test_each_client_has_a_chain_of_its_own(ledger: Ledger) -> None:
    put(ledger, NEW)
    put(ledger, NEW, client="other")
    put(ledger, NEW, NEW)
    assert [e.place for e in ledger.reader.entries("acme")] == [1, 2, 3]
    assert [e.number for e in ledger.reader.entries()] == [1, 2, 3, 4]
    for client in ("acme", "other"):
        assert entry_faults(ledger.reader.entries(client)) == ()


def test_kinds_and_what_came_after_can_be_asked_for(ledger: Ledger) -> None:
    put(ledger, NEW, replace(NEW, kind=EntryKind.MAINTENANCE), NEW)
    kinds = (EntryKind.SILENCE,)
    assert [e.number for e in ledger.reader.entries("acme", kinds)] == [1, 3]
    assert [e.number for e in ledger.reader.entries("acme", kinds, after=1)] == [3]


def test_the_same_key_is_entered_once(ledger: Ledger) -> None:
    (first,) = put(ledger, replace(NEW, key="k"))
    (again,) = put(ledger, replace(NEW, key="k", by="Luis"))
    assert again == first
    assert len(ledger.reader.entries("acme")) == 1


def test_nothing_is_entered_where_one_of_them_is_refused(ledger: Ledger) -> None:
    with pytest.raises(EntryRefused):
        put(ledger, NEW, replace(NEW, by=""))
    assert not ledger.reader.entries()


@pytest.mark.parametrize("statement", ["UPDATE entry SET by = 'x'", "DELETE FROM entry"])
def test_the_file_itself_changes_no_entry(ledger: Ledger, statement: str) -> None:
    put(ledger, NEW)
    with pytest.raises(sqlite3.IntegrityError, match="an entry is never"):
        ledger.connection.execute(statement)


def test_two_who_act_at_once_are_put_in_order(tmp_path: Path) -> None:
    path = tmp_path / "uptimed.db"
    open_ledger(path).close()

    def count_up(_: int) -> None:
        def decide(known: Sequence[Entry]) -> Sequence[NewEntry]:
            return [replace(NEW, body=json.dumps({"n": len(known)}))]

        with open_ledger(path) as ledger:
            enter(ledger, "acme", NOON, decide)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count_up, range(12)))
    with open_reader(path) as reader:
        entries = reader.entries("acme")
    assert [entry.said["n"] for entry in entries] == list(range(12))
    assert entry_faults(entries) == ()


def test_a_file_of_the_first_version_has_no_entries(tmp_path: Path) -> None:
    path = tmp_path / "uptimed.db"
    connection = sqlite3.connect(path, isolation_level=None)
    schema.migrate(connection, schema.MIGRATIONS[:1])
    connection.close()
    with open_reader(path) as reader:
        assert not reader.entries()
