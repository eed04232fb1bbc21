"""Entering, and what the file refuses."""

import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from uptimed.core.entries import Entry, EntryKind, EntryRefused, NewEntry, entry_faults
from uptimed.core.observations import Instant
from uptimed.stores import heads, schema
from uptimed.stores.sqlite import (
    Ledger,
    SqliteJournal,
    back_up,
    enter,
    open_ledger,
    open_reader,
    own_up,
)

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


def test_nothing_is_recorded_before_what_it_follows_though_the_clock_was_put_back(
    ledger: Ledger,
) -> None:
    put(ledger, NEW)
    (later,) = enter(ledger, "acme", Instant(NOON - 86_400_000_000), lambda _known: [NEW])
    assert later.at == NOON


def restored(ledger: Ledger, path: Path) -> None:
    """Put back the journal as it was before two of three entries of acme."""
    put(ledger, NEW)
    put(ledger, NEW, client="other")
    back_up(path, path.with_name("backup.db"))
    put(ledger, NEW, NEW)
    ledger.close()
    for beside in ("", "-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    shutil.copyfile(path.with_name("backup.db"), path)


def test_what_a_restored_backup_lost_is_entered_before_anything_else(
    ledger: Ledger, tmp_path: Path
) -> None:
    path = tmp_path / "uptimed.db"
    restored(ledger, path)
    head = heads.remembered_entries(path)["acme"]
    with open_ledger(path) as again:
        put(again, NEW)
        first, stand_in, last = again.reader.entries("acme")
        assert stand_in.said == {"kept_place": 1, "lost_place": 3, "lost_sha256": head[1]}
        assert (first.place, stand_in.kind, last.place) == (1, EntryKind.RESTORED, 3)
        assert not own_up(again, NOON)  # once, and not for those who lost nothing
        assert heads.remembered_entries(path)["acme"] == (3, last.sha256)
        assert len(again.reader.entries("other")) == 1


async def test_what_was_lost_stays_known_until_it_is_entered(
    ledger: Ledger, tmp_path: Path
) -> None:
    path = tmp_path / "uptimed.db"
    restored(ledger, path)
    async with SqliteJournal(path):  # its catching up with the file takes no lost head back
        pass
    with open_ledger(path) as again:
        (entry,) = own_up(again, NOON)
        assert (entry.client, entry.kind) == ("acme", EntryKind.RESTORED)


async def test_a_sidecar_that_lags_behind_is_brought_up_to_date(
    ledger: Ledger, tmp_path: Path
) -> None:
    path = tmp_path / "uptimed.db"
    (entry,) = put(ledger, NEW)
    heads.sidecar(path).unlink()
    async with SqliteJournal(path):
        assert heads.remembered_entries(path) == {"acme": (1, entry.sha256)}


def test_a_file_of_the_first_version_has_no_entries(tmp_path: Path) -> None:
    path = tmp_path / "uptimed.db"
    connection = sqlite3.connect(path, isolation_level=None)
    schema.migrate(connection, schema.MIGRATIONS[:1])
    connection.close()
    with open_reader(path) as reader:
        assert not reader.entries()


def test_whoever_has_read_the_others_decides_over_what_is_new_and_of_its_kinds(
    ledger: Ledger,
) -> None:
    seen: list[list[int]] = []

    def decide(known: Sequence[Entry]) -> Sequence[NewEntry]:
        seen.append([entry.number for entry in known])
        return []

    put(ledger, NEW, replace(NEW, kind=EntryKind.MAINTENANCE), NEW)
    put(ledger, NEW, client="other")
    put(ledger, NEW)
    enter(ledger, "acme", NOON, decide, kinds=(EntryKind.SILENCE,), after=1)
    assert seen == [[3, 5]]


def test_a_key_is_known_however_little_is_decided_over(ledger: Ledger) -> None:
    (first,) = put(ledger, replace(NEW, key="k"))
    again = enter(ledger, "acme", NOON, lambda _: [replace(NEW, key="k")], after=first.number)
    assert list(again) == [first]
    assert entry_faults(ledger.reader.entries("acme")) == ()
