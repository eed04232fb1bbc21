"""What is kept, and what is refused, by the one who writes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stores.making import ATTEMPTS, DAY, NOON, attempt, count, everything, letters, seal
from uptimed.core.minutes import Minute, day_minutes, start_of
from uptimed.core.observations import Attempt, Instant, Outcome, Phase
from uptimed.core.strip import MARKS, Strip
from uptimed.ports import (
    AttemptConflict,
    Batch,
    BlindMinute,
    ConfigRecord,
    ContractRecord,
    DayLetters,
    LifeEvent,
    SealedDay,
    StoreError,
)
from uptimed.stores import rows, schema
from uptimed.stores.sqlite import Ledger, open_ledger, open_reader

MIDNIGHT = Minute(day_minutes(DAY).start)
ALWAYS = (Minute(0), Minute(100_000_000))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "uptimed.db") as ledger:
        yield ledger


def test_a_batch_is_read_back_as_it_was_written(ledger: Ledger) -> None:
    batch = everything()
    ledger.write(batch)
    assert ledger.reader.attempts("acme-crm", NOON, Minute(NOON + 1)) == list(batch.attempts)
    assert ledger.reader.letters("acme-crm", NOON, Minute(NOON + 1)) == Strip(NOON, "D")
    assert ledger.reader.heartbeat() == batch.heartbeat
    assert ledger.reader.cursor("influx") == NOON
    assert ledger.reader.cursor("another") == 0


@pytest.mark.property
@given(attempts=st.lists(ATTEMPTS, max_size=8, unique_by=lambda a: (a.probe, a.vantage, a.at)))
def test_every_attempt_survives_the_disk(
    tmp_path_factory: pytest.TempPathFactory, attempts: list[Attempt]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "uptimed.db"
    in_order = sorted(attempts, key=lambda a: (a.look, a.at, a.account, a.probe, a.vantage))
    with open_ledger(path) as ledger:
        ledger.write(Batch(attempts=attempts))
        assert ledger.reader.attempts("acme-crm", *ALWAYS) == in_order
        facts = [
            replace(a, detail="", phases={}, certificate_expires=None, evidence=None)
            for a in in_order
        ]
        assert ledger.reader.attempts("acme-crm", *ALWAYS, facts_only=True) == facts
        ledger.write(Batch(attempts=attempts))  # once more: they are on record
        assert count(path, "attempt") == len(attempts)


def test_attempts_belong_to_the_minute_of_their_look_however_late_they_start(
    ledger: Ledger,
) -> None:
    late = [
        attempt(NOON, at=Instant(start_of(NOON) + lag), look=start_of(NOON))
        for lag in (0, 59_000_000, 119_999_999, 120_000_000, 120_000_001, 10**12, -1, -(10**12))
    ]
    ledger.write(Batch(attempts=late))
    found = ledger.reader.attempts("acme-crm", NOON, Minute(NOON + 1))
    assert found == sorted(late, key=lambda a: a.at)
    assert ledger.reader.attempts("acme-crm", Minute(NOON + 1), Minute(NOON + 9)) == []


def test_attempts_with_equal_times_come_in_the_order_of_names(ledger: Ledger) -> None:
    given = [attempt(probe=probe, vantage=vantage) for probe in "ba" for vantage in "yx"]
    ledger.write(Batch(attempts=given))
    found = ledger.reader.attempts("acme-crm", *ALWAYS)
    assert [(a.probe, a.vantage) for a in found] == [
        ("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"),
    ]  # fmt: skip


def test_every_outcome_and_phase_has_its_place_on_disk() -> None:
    assert set(rows.OUTCOMES) == set(Outcome)
    assert set(rows.PHASES) == set(Phase)


def test_the_same_attempt_with_other_content_is_a_conflict_that_names_it(ledger: Ledger) -> None:
    ledger.write(Batch(attempts=[attempt(account=2)]))
    other = attempt(account=2, outcome=Outcome.FAIL, cause="status")
    with pytest.raises(
        AttemptConflict,
        match=r"acme-crm/front from local at 2026-10-03T12:00:00\+00:00, account 2 .*"
        "outcome and cause",
    ) as caught:
        ledger.write(Batch(attempts=[attempt(NOON + 1), other], heartbeat=Instant(1)))
    assert caught.value.known == attempt(account=2)
    assert caught.value.given == other
    assert ledger.reader.attempts("acme-crm", *ALWAYS) == [attempt(account=2)]
    assert ledger.reader.heartbeat() is None


@pytest.mark.parametrize(
    ("laid", "at", "seen"),
    [
        pytest.param(["UUU"], [0], "NNUUUNNN", id="around them nothing was measured"),
        pytest.param(["UUU", "D"], [0, 1], "NNUDUNNN", id="the later one wins"),
        pytest.param(["U", "u"], [0, 3], "NNUNNuNN", id="a hole reads as N, and marks are kept"),
    ],
)
def test_letters_are_laid_over_what_is_there(
    ledger: Ledger, laid: list[str], at: list[int], seen: str
) -> None:
    for text, offset in zip(laid, at, strict=True):
        ledger.write(letters(text, NOON + offset))
    assert ledger.reader.letters("acme-crm", Minute(NOON - 2), Minute(NOON + 6)).letters == seen


@pytest.mark.property
@given(
    strips=st.lists(
        st.tuples(st.integers(0, 4000), st.text(MARKS, min_size=1, max_size=3000)), max_size=4
    ),
    cut=st.tuples(st.integers(0, 8000), st.integers(0, 8000)),
)
def test_letters_over_many_days_are_as_one_strip(
    tmp_path_factory: pytest.TempPathFactory,
    strips: list[tuple[int, str]],
    cut: tuple[int, int],
) -> None:
    canvas = ["N"] * 8000
    with open_ledger(tmp_path_factory.mktemp("journal") / "uptimed.db") as ledger:
        for start, text in strips:
            canvas[start : start + len(text)] = text
            ledger.write(letters(text, MIDNIGHT + start))
        start, stop = cut
        found = ledger.reader.letters("acme-crm", Minute(MIDNIGHT + start), Minute(MIDNIGHT + stop))
        assert found.letters == "".join(canvas[start:stop])
        span = ledger.reader.span("acme-crm")
        if strips:
            first = MIDNIGHT + min(start for start, _ in strips)
            assert span == range(first, MIDNIGHT + max(at + len(text) for at, text in strips))
        else:
            assert span is None


def test_a_day_that_is_going_on_is_as_long_as_it_has_come(ledger: Ledger) -> None:
    ledger.write(letters("UU", MIDNIGHT + 1))
    assert ledger.reader.days("acme-crm", DAY, DAY) == [
        DayLetters(service="acme-crm", day=DAY, letters="NUU", terms_sha256="terms", rules=1)
    ]


@pytest.mark.parametrize("wrong", ["X", " ", "U\0", "d"])
def test_what_is_no_letter_is_not_laid_down(ledger: Ledger, wrong: str) -> None:
    with pytest.raises(ValueError, match="letters of acme-crm that are none"):
        ledger.write(letters(wrong))
    assert ledger.reader.services() == ()


@pytest.mark.parametrize("start", [-1, 2_000_000_000])
def test_letters_of_another_age_are_refused(ledger: Ledger, start: int) -> None:
    with pytest.raises(ValueError, match="outside the years 1970 to 4000"):
        ledger.write(letters("U", start))


def test_attempts_before_1970_are_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="before 1970"):
        ledger.write(Batch(attempts=[attempt(-1)]))


def test_a_sealed_day_stays_as_it_is(ledger: Ledger) -> None:
    ledger.write(Batch(attempts=[attempt()], letters=letters("UD").letters, seals=[seal()]))
    ledger.write(letters("UD"))  # the same again changes nothing
    ledger.write(Batch(attempts=[attempt()]))
    for change in (
        letters("UU"),
        letters("U", MIDNIGHT),
        Batch(attempts=[attempt(NOON + 1)]),
        Batch(seals=[seal(sha="bb")]),
        Batch(seals=[seal(DAY - timedelta(days=1))]),
        Batch(configs=[ConfigRecord(service="acme-crm", since=NOON, sha256="c", canonical="{}")]),
    ):
        with pytest.raises(SealedDay, match="acme-crm"):
            ledger.write(change)
    (day,) = ledger.reader.days("acme-crm", DAY, DAY)
    assert day.sealed
    assert day.letters == "N" * 720 + "UD" + "N" * 718
    assert ledger.reader.attempts("acme-crm", *ALWAYS) == [attempt()]


def test_seals_make_a_chain_and_its_head_is_the_last(ledger: Ledger) -> None:
    assert ledger.reader.last_seal("acme-crm") is None
    first, second = seal(sha="aa"), seal(DAY + timedelta(days=1), sha="bb")
    ledger.write(Batch(seals=[first]))
    ledger.write(Batch(seals=[first, second]))
    assert ledger.reader.seals("acme-crm", DAY, DAY + timedelta(days=5)) == [first, second]
    assert ledger.reader.last_seal("acme-crm") == second


def test_a_sealed_day_without_a_letter_is_a_day_of_n(ledger: Ledger) -> None:
    ledger.write(Batch(seals=[seal()]))
    (day,) = ledger.reader.days("acme-crm", DAY, DAY)
    assert day.letters == "N" * 1440


def test_services_do_not_see_each_other(ledger: Ledger) -> None:
    for service in ("one", "two"):
        ledger.write(
            Batch(attempts=[attempt(service=service)], letters=letters("U", NOON, service).letters)
        )
    ledger.write(letters("D", NOON, "three"))
    assert ledger.reader.services() == ("one", "three", "two")
    assert ledger.reader.letters("two", NOON, Minute(NOON + 2)).letters == "UN"
    assert ledger.reader.attempts("two", *ALWAYS) == [attempt(service="two")]
    assert ledger.reader.attempts("three", *ALWAYS) == []
    assert ledger.reader.attempts("four", *ALWAYS) == []
    assert ledger.reader.span("four") is None


def test_life_is_found_by_when_it_happened_and_by_what_it_explains(ledger: Ledger) -> None:
    gap = LifeEvent(
        at=start_of(Minute(NOON + 50)),
        kind="gap",
        vantage="local",
        start=NOON,
        stop=Minute(NOON + 9),
    )
    started = LifeEvent(at=start_of(Minute(NOON + 50)), kind="started", vantage="local")
    ledger.write(Batch(life=[gap, started]))
    life = ledger.reader.life
    assert life(Minute(NOON + 50), Minute(NOON + 51)) == [gap, started]
    assert life(Minute(NOON + 8), Minute(NOON + 9)) == [gap]
    assert life(Minute(NOON + 9), Minute(NOON + 50)) == []
    assert life(*ALWAYS) == [gap, started]


def test_blind_minutes_are_of_a_vantage_and_the_first_reason_stands(ledger: Ledger) -> None:
    blind = [BlindMinute(vantage="v", minute=Minute(NOON + n), reason="lag") for n in (2, 0)]
    ledger.write(Batch(blind=[*blind, BlindMinute(vantage="w", minute=NOON, reason="lag")]))
    ledger.write(Batch(blind=[BlindMinute(vantage="v", minute=NOON, reason="other")]))
    assert ledger.reader.blind(["v", "x"], NOON, Minute(NOON + 9)) == blind[::-1]
    assert ledger.reader.blind(["v"], NOON, Minute(NOON + 1)) == blind[1:]


def test_the_terms_are_a_history_that_notes_only_changes(ledger: Ledger) -> None:
    a = ConfigRecord(service="acme-crm", since=NOON, sha256="a", canonical="{1}")
    b = ConfigRecord(service="acme-crm", since=Minute(NOON + 10), sha256="b", canonical="{2}")
    ledger.write(Batch(configs=[a, replace(a, since=Minute(NOON + 5)), b]))
    assert ledger.reader.configs("acme-crm") == [a, b]
    early = replace(b, since=MIDNIGHT)  # an import brings looks from before
    ledger.write(Batch(configs=[early]))
    assert ledger.reader.configs("acme-crm") == [early, a, b]


def test_what_was_agreed_is_a_history_that_notes_only_changes(ledger: Ledger) -> None:
    a = ContractRecord(client="acme", since=NOON, sha256="a", canonical="{1}")
    b = ContractRecord(client="acme", since=Minute(NOON + 10), sha256="b", canonical="{2}")
    ledger.write(Batch(contracts=[a, replace(a, since=Minute(NOON + 5)), b]))
    assert ledger.reader.contracts("acme") == [a, b]
    assert ledger.reader.contracts("globex") == []


def test_what_was_replaced_within_its_first_minute_was_never_agreed(ledger: Ledger) -> None:
    a = ContractRecord(client="acme", since=NOON, sha256="a", canonical="{1}")
    b = replace(a, sha256="b", canonical="{2}")
    ledger.write(Batch(contracts=[a]))
    ledger.write(Batch(contracts=[b]))
    assert ledger.reader.contracts("acme") == [b]


def test_a_clock_that_was_put_back_brings_back_no_terms(ledger: Ledger) -> None:
    a = ContractRecord(client="acme", since=NOON, sha256="a", canonical="{1}")
    earlier = ContractRecord(client="acme", since=MIDNIGHT, sha256="b", canonical="{2}")
    ledger.write(Batch(contracts=[a]))
    ledger.write(Batch(contracts=[earlier]))
    assert ledger.reader.contracts("acme") == [replace(earlier, since=NOON)]


def test_what_was_agreed_is_never_deleted(ledger: Ledger) -> None:
    record = ContractRecord(client="acme", since=NOON, sha256="a", canonical="{1}")
    ledger.write(Batch(contracts=[record]))
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        ledger.connection.execute("DELETE FROM contract")


def test_a_file_of_an_earlier_version_has_nothing_that_was_agreed(tmp_path: Path) -> None:
    path = tmp_path / "uptimed.db"
    connection = sqlite3.connect(path, isolation_level=None)
    schema.migrate(connection, schema.MIGRATIONS[:2])
    connection.close()
    with open_reader(path) as reader:
        assert reader.contracts("acme") == []


def test_terms_may_reach_back_before_a_sealed_day_but_not_into_it(ledger: Ledger) -> None:
    at_seal = ConfigRecord(service="acme-crm", since=MIDNIGHT, sha256="a", canonical="{}")
    ledger.write(Batch(configs=[at_seal], seals=[seal()]))
    before = replace(at_seal, since=Minute(MIDNIGHT - 1440), sha256="b")
    ledger.write(Batch(configs=[before]))
    with pytest.raises(SealedDay, match="reach into sealed days"):
        ledger.write(Batch(configs=[replace(at_seal, sha256="c")]))
    assert ledger.reader.configs("acme-crm") == [before, at_seal]


def test_attempts_are_counted_by_vantage_and_when_they_began(ledger: Ledger) -> None:
    start = NOON - NOON % 10
    late = attempt(
        start, at=Instant(start_of(Minute(start + 10)) + 5), look=start_of(Minute(start))
    )
    ledger.write(
        Batch(
            attempts=[
                attempt(start), attempt(start + 9), late, attempt(start + 9, vantage="madrid"),
                attempt(start + 20), attempt(start, service="acme-pim"),
            ]
        )
    )  # fmt: skip
    found = ledger.reader.attempt_counts("acme-crm", Minute(start), Minute(start + 20), 10)
    here = attempt().vantage
    assert found == {(here, start): 2, (here, start + 10): 1, ("madrid", start): 1}
    assert ledger.reader.attempt_counts("nobody", Minute(start), Minute(start + 20), 10) == {}


def test_a_follower_reads_attempts_in_the_order_of_writing(ledger: Ledger) -> None:
    ledger.allow_following()
    ledger.allow_following()
    written = [attempt(NOON + n) for n in (5, 3, 4)]
    for one in written:
        ledger.write(Batch(attempts=[one]))
    first = ledger.reader.attempts_after(0, 2)
    rest = ledger.reader.attempts_after(first[-1][0], 2)
    assert [one for _, one in (*first, *rest)] == written
    assert ledger.reader.attempts_after(ledger.reader.seq(), 2) == []


def test_a_follower_learns_which_hours_of_letters_changed(ledger: Ledger) -> None:
    ledger.write(letters("U" * 70, NOON))
    ledger.write(letters("U", NOON, "other"))
    before = ledger.reader.seq()
    ledger.write(letters("U" * 59 + "D", NOON))
    ledger.write(letters("U" * 59 + "D", NOON))  # nothing new
    (changed,) = ledger.reader.letters_after(before, 10)
    assert (changed.service, changed.start, changed.stop) == ("acme-crm", NOON, NOON + 60)
    assert ledger.reader.letters_after(changed.seq, 10) == []
    starts = [(c.service, c.start - NOON) for c in ledger.reader.letters_after(0, 10)]
    assert starts == [("acme-crm", 60), ("other", 0), ("acme-crm", 0)]


def test_pruning_takes_attempts_of_sealed_days_and_nothing_else(ledger: Ledger) -> None:
    next_day = DAY + timedelta(days=1)
    lost = [attempt(), attempt(at=Instant(start_of(NOON) + 10**12), look=start_of(NOON))]
    kept = [attempt(NOON + 1440), attempt(NOON + 2880)]
    ledger.write(everything(NOON + 1))
    ledger.write(
        Batch(attempts=[*lost, *kept], letters=letters("U").letters, seals=[seal(), seal(next_day)])
    )
    days = ledger.reader.prunable(Minute(NOON + 1440))
    assert days == [("acme-crm", DAY)]
    assert sum(ledger.prune_day(service, day) for service, day in days) == 3
    assert ledger.reader.attempts("acme-crm", *ALWAYS) == kept
    assert count(ledger.path, "evidence") == 0
    assert ledger.reader.letters("acme-crm", NOON, Minute(NOON + 2)).letters == "UD"
    with pytest.raises(ValueError, match="is not sealed"):
        ledger.prune_day("acme-crm", DAY + timedelta(days=2))


def test_a_new_journal_has_a_name_and_a_key_of_its_own(tmp_path: Path) -> None:
    journals = []
    for name in ("one.db", "two.db"):
        with open_ledger(tmp_path / name) as ledger:
            journals.append((ledger.reader.journal_id(), ledger.reader.fingerprint_key()))
    (one, one_key), (two, two_key) = journals
    assert one != two
    assert one_key != two_key
    assert len(one_key) == 32


def test_the_journal_is_not_for_everybody(ledger: Ledger) -> None:
    ledger.write(everything())
    for path in (ledger.path, ledger.path.with_name("uptimed.db-wal")):
        assert path.stat().st_mode & 0o007 == 0


def test_a_file_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "uptimed.db"
    open_ledger(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    for opening in (open_ledger, open_reader):
        with pytest.raises(StoreError, match=r"uptimed\.db was written by a newer uptimed"):
            opening(path)


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    for opening in (open_ledger, open_reader):
        with pytest.raises(StoreError, match="is a database of another program"):
            opening(path)
    assert path.read_bytes() == before


def test_a_migration_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "uptimed.db"
    open_ledger(path).close()
    good = ("CREATE TABLE more (x)", "INSERT INTO more VALUES (1)")
    bad = ("CREATE TABLE even_more (x)", "INSERT INTO nowhere VALUES (1)")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            schema.migrate(connection, [*schema.MIGRATIONS, good, bad])
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        assert "more" in names
        assert "even_more" not in names
        newest = len(schema.MIGRATIONS) + 1
        assert schema.version_of(connection, newest=newest) == newest
        schema.migrate(connection, [*schema.MIGRATIONS, good, good[1:]])
        assert connection.execute("SELECT count(*) FROM more").fetchone() == (2,)


def test_the_tables_take_no_value_of_a_wrong_type(ledger: Ledger) -> None:
    tables = ledger.connection.execute("SELECT name, strict FROM pragma_table_list").fetchall()
    ours = {name: strict for name, strict in tables if not name.startswith("sqlite_")}
    assert len(ours) > 10
    assert all(ours.values())
