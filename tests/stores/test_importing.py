"""Very many attempts at once: all of them, or none."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.stores.making import (
    NOON,
    FailingDisk,
    attempt,
    count,
    everything,
    letters,
    seal,
)
from uptimed.core.minutes import Minute
from uptimed.core.observations import Attempt, Outcome
from uptimed.ports import AttemptConflict, Batch, SealedDay, StoreError
from uptimed.stores import importing
from uptimed.stores.sqlite import Imported, Ledger, import_attempts, open_ledger

ALWAYS = (Minute(0), Minute(100_000_000))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "uptimed.db", busy_s=0.1) as ledger:
        yield ledger


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_CHUNK", 7)


def test_what_is_imported_is_as_if_it_had_been_written(ledger: Ledger) -> None:
    given = [attempt(NOON + n) for n in range(50)] + list(everything(NOON + 60).attempts)
    random.Random(1).shuffle(given)
    taken: list[int] = []
    imported = import_attempts(ledger, given, progress=taken.append)
    assert imported == Imported(new=51, known=0, touched={"acme-crm": range(NOON, NOON + 61)})
    assert taken == [7, 14, 21, 28, 35, 42, 49, 51]
    found = ledger.reader.attempts("acme-crm", *ALWAYS)
    assert found == sorted(given, key=lambda a: a.at)
    assert [one for _, one in ledger.reader.attempts_after(0, 100)] == given


def test_importing_twice_changes_nothing(ledger: Ledger) -> None:
    given = [*everything(NOON).attempts, attempt(NOON + 1), attempt(NOON + 1)]
    assert import_attempts(ledger, given).known == 1
    ledger.write(Batch(seals=[seal()]))  # nothing new comes into it
    before = list(ledger.connection.iterdump())
    assert import_attempts(ledger, given) == Imported(new=0, known=3, touched={})
    assert list(ledger.connection.iterdump()) == before


def test_new_ones_among_known_ones_are_kept(ledger: Ledger) -> None:
    ledger.write(everything(NOON))
    ledger.write(Batch(attempts=[attempt(NOON + 2)]))
    given = [*everything(NOON).attempts, attempt(NOON + 3), attempt(NOON + 2)]
    imported = import_attempts(ledger, [*given, *everything(NOON + 5).attempts])
    assert (imported.new, imported.known) == (2, 2)
    assert imported.touched == {"acme-crm": range(NOON + 3, NOON + 6)}
    found = ledger.reader.attempts("acme-crm", *ALWAYS)
    assert [one.evidence is not None for one in found] == [True, False, False, True]
    assert count(ledger.path, "evidence") == 2


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"outcome": Outcome.FAIL}, id="outcome"),
        pytest.param({"took_us": None}, id="took"),
        pytest.param({"detail": "x"}, id="detail"),
        pytest.param({"look": NOON * 60_000_000 - 1}, id="look"),
        pytest.param({"evidence": everything().attempts[0].evidence}, id="evidence"),
    ],
)
@pytest.mark.parametrize("where", ["on record", "before", "in an earlier chunk"])
def test_a_conflict_keeps_everything_out(ledger: Ledger, other: dict[str, Any], where: str) -> None:
    first, given = attempt(), attempt(**other)
    more = [attempt(NOON + 1 + n) for n in range(20)]
    if where == "on record":
        ledger.write(Batch(attempts=[first]))
        lines = [*more, given]
    else:
        lines = [first, given, *more] if where == "before" else [first, *more, given]
    before = count(ledger.path, "attempt")
    with pytest.raises(AttemptConflict, match=f"another {next(iter(other))}") as caught:
        import_attempts(ledger, lines)
    assert (caught.value.known, caught.value.given) == (first, given)
    assert count(ledger.path, "attempt") == before
    assert count(ledger.path, "evidence") == 0
    assert import_attempts(ledger, [first, *more]).new == 21 - before


def test_a_file_that_cannot_say_everything_brings_its_own_comparison(ledger: Ledger) -> None:
    whole = replace(attempt(), took_us=183_250, secret="abc")
    ledger.write(Batch(attempts=[whole]))
    imported = import_attempts(
        ledger, [attempt()], same=lambda known, given: known.outcome == given.outcome
    )
    assert (imported.new, imported.known) == (0, 1)
    assert ledger.reader.attempts("acme-crm", *ALWAYS) == [whole]


def test_conflicts_may_be_left_out_instead(ledger: Ledger) -> None:
    ledger.write(Batch(attempts=[attempt()]))
    told: list[AttemptConflict] = []
    imported = import_attempts(
        ledger, [attempt(took_us=1), attempt(NOON + 1)], conflict=told.append
    )
    assert (imported.new, imported.known) == (1, 1)
    assert [conflict.given.took_us for conflict in told] == [1]
    assert ledger.reader.attempts("acme-crm", *ALWAYS) == [attempt(), attempt(NOON + 1)]


def test_of_attempts_that_contradict_each_other_none_is_kept(ledger: Ledger) -> None:
    told: list[AttemptConflict] = []
    given = [attempt(took_us=n) for n in (1, 2, 1, 3)]
    imported = import_attempts(ledger, given, conflict=told.append)
    assert (imported.new, imported.known) == (0, 4)
    assert sorted(conflict.given.took_us or 0 for conflict in told) == [1, 2, 3]


def test_a_contradiction_leaves_what_is_on_record(ledger: Ledger) -> None:
    ledger.write(Batch(attempts=[attempt()]))
    told: list[AttemptConflict] = []
    given = [attempt(), attempt(took_us=1)]
    import_attempts(ledger, given, conflict=told.append)
    assert [conflict.given.took_us for conflict in told] == [1]
    assert ledger.reader.attempts("acme-crm", *ALWAYS) == [attempt()]


def test_a_sealed_day_takes_no_new_attempts(ledger: Ledger) -> None:
    ledger.write(Batch(attempts=[attempt()], seals=[seal()]))
    with pytest.raises(SealedDay, match="acme-crm 2026-10-03 is sealed"):
        import_attempts(ledger, [attempt(NOON + 1440), attempt(NOON + 1)])
    assert count(ledger.path, "attempt") == 1
    assert import_attempts(ledger, [attempt(NOON + 1440), attempt()]).new == 1


def test_what_the_source_raises_keeps_everything_out(ledger: Ledger) -> None:
    def lines() -> Iterator[Attempt]:
        yield from (attempt(NOON + n) for n in range(30))
        raise OSError("the file went away")

    with pytest.raises(OSError, match="the file went away"):
        import_attempts(ledger, lines())
    assert count(ledger.path, "attempt") == 0


def test_what_follows_is_kept_with_the_attempts_or_not_at_all(ledger: Ledger) -> None:
    def settle(imported: Imported) -> None:
        assert ledger.reader.attempts("acme-crm", *ALWAYS) == [attempt()]
        ledger.add(letters("U"))
        if imported.known:
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        import_attempts(ledger, [attempt(), attempt()], finish=settle)
    assert ledger.reader.services() == ()
    import_attempts(ledger, [attempt()], finish=settle)
    assert ledger.reader.letters("acme-crm", NOON, Minute(NOON + 1)).letters == "U"


def test_others_may_write_while_attempts_are_gathered(ledger: Ledger) -> None:
    with open_ledger(ledger.path, busy_s=0.1) as daemon:

        def lines() -> Iterator[Attempt]:
            for n in range(40):
                yield attempt(NOON + n)
                daemon.write(Batch(attempts=[attempt(NOON + n)]))  # the very same
                daemon.write(Batch(attempts=[attempt(NOON + n, service=f"other{n}")]))

        imported = import_attempts(ledger, lines())
    assert (imported.new, imported.known) == (0, 40)
    assert count(ledger.path, "attempt") == 80


def test_a_locked_journal_takes_nothing_and_can_be_tried_again(ledger: Ledger) -> None:
    ledger.write(Batch(attempts=[attempt()]))
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process is writing"):
            import_attempts(ledger, [attempt(NOON + 1)])
    assert import_attempts(ledger, [attempt(NOON + 1)]).new == 1


def test_an_import_is_whole_or_nothing_whichever_statement_fails(tmp_path: Path) -> None:
    path = tmp_path / "uptimed.db"
    given = [*everything(NOON).attempts, *(attempt(NOON + n) for n in range(1, 20))]
    given[1] = replace(given[1], service="new")
    try:
        for n in range(200):
            with open_ledger(path, factory=FailingDisk) as ledger:
                FailingDisk.fail_at(n)
                try:
                    import_attempts(ledger, given)
                except StoreError:
                    assert count(path, "attempt") == count(path, "evidence") == 0
                    FailingDisk.fail_at(None)
                else:
                    break
        assert n > 20
        assert (count(path, "attempt"), count(path, "evidence")) == (20, 1)
    finally:
        FailingDisk.fail_at(None)
