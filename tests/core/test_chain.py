"""The chain: no sealed day can be changed, left out or moved unseen."""

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.drawing import NOON, tried, watch_terms
from tests.core.strategies import attempts_at
from uptimed.core.chain import (
    GENESIS,
    ChainFault,
    attempt_line,
    attempts_digest,
    chain_faults,
    seal_record,
    unverified_stretches,
)
from uptimed.core.minutes import Minute, day_minutes
from uptimed.core.observations import Attempt, Evidence, Phase
from uptimed.core.strip import Strip

FIRST = date(2026, 10, 3)
QUIET = "U" * 1440


def sealed(day: date, letters: str, previous: str, lost_head: str = "") -> tuple[str, str]:
    """Return the record of *day* and its digest."""
    return seal_record(
        "crm",
        day,
        Strip(Minute(day_minutes(day).start), letters),
        hashlib.sha256(b"looks").hexdigest(),
        hashlib.sha256(b"terms").hexdigest(),
        "0.1.0",
        previous,
        lost_head,
    )


def chain(*days: str) -> list[tuple[str, str]]:
    """Return the chain of *days*, each drawn as its 1440 letters."""
    records: list[tuple[str, str]] = []
    for n, letters in enumerate(days):
        previous = records[-1][1] if records else GENESIS
        records.append(sealed(FIRST + timedelta(days=n), letters, previous))
    return records


def reasons(records: Sequence[tuple[str, str]]) -> list[str]:
    """Return what is wrong with *records*, without the days."""
    return [fault.reason for fault in chain_faults(records)]


def test_a_record_is_canonical_json_with_its_digest() -> None:
    text, sha256 = sealed(FIRST, "u" * 60 + "U" * 1380, GENESIS)
    raw = json.loads(text)
    assert list(raw) == sorted(raw)
    assert text == json.dumps(raw, separators=(",", ":"), sort_keys=True)
    assert sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert raw["letters"] == QUIET
    assert raw["unverified"] == [[0, 60]]
    assert raw["day"] == "2026-10-03"
    assert raw["previous_sha256"] == GENESIS
    assert (raw["v"], raw["rules"], raw["service"]) == (1, 1, "crm")
    assert "lost_head" not in raw


def test_a_record_after_a_restored_backup_names_what_was_lost() -> None:
    text, _ = sealed(FIRST, QUIET, GENESIS, lost_head="f" * 64)
    assert json.loads(text)["lost_head"] == "f" * 64


@pytest.mark.parametrize(
    "letters",
    [
        pytest.param(Strip(Minute(day_minutes(FIRST).start), "U" * 1439), id="a minute is missing"),
        pytest.param(Strip(Minute(day_minutes(FIRST).start), "U" * 1441), id="a minute too many"),
        pytest.param(Strip(NOON, QUIET), id="the minutes of another day"),
    ],
)
def test_only_a_whole_day_is_sealed(letters: Strip) -> None:
    with pytest.raises(ValueError, match="crm 2026-10-03"):
        seal_record("crm", FIRST, letters, "", "", "0.1.0", GENESIS)


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        pytest.param("UDGLN", [], id="none"),
        pytest.param("uUgguD", [[0, 1], [2, 3]], id="degraded ones belong to them"),
        pytest.param("", [], id="no minutes"),
    ],
)
def test_unverified_stretches(drawn: str, expected: list[list[int]]) -> None:
    assert unverified_stretches(Strip(NOON, drawn)) == expected


def test_a_chain_that_holds_has_no_faults() -> None:
    assert chain_faults(chain(QUIET, "N" * 1440, QUIET)) == ()
    assert chain_faults(()) == ()


def test_a_chain_may_be_read_from_any_day_on() -> None:
    assert chain_faults(chain(QUIET, QUIET, QUIET)[1:]) == ()


def test_a_day_that_was_left_out_is_found() -> None:
    first, _, third = chain(QUIET, QUIET, QUIET)
    assert reasons([first, third]) == [
        "it does not name the record before it",
        "it follows 2026-10-03, which is not the day before",
    ]


def test_a_day_that_was_sealed_anew_breaks_what_follows() -> None:
    records = chain("D" * 1440, QUIET, QUIET)
    records[0] = sealed(FIRST, QUIET, GENESIS)
    assert reasons(records) == ["it does not name the record before it"]


def test_a_record_that_is_not_what_was_sealed_is_found() -> None:
    records = chain("D" * 1440, QUIET)
    records[0] = (records[0][0].replace("D", "U"), records[0][1])
    assert chain_faults(records) == (
        ChainFault(day=FIRST, reason="the record is not what was sealed"),
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("{", id="half of it"),
        pytest.param("[]", id="a list"),
        pytest.param("{}", id="no day"),
        pytest.param('{"day":7,"previous_sha256":""}', id="a day that is a number"),
        pytest.param('{"day":"yesterday","previous_sha256":""}', id="a day that is none"),
        pytest.param('{"day":"2026-10-04"}', id="no previous record"),
        pytest.param("[" * 20_000, id="brackets without end"),
    ],
)
def test_a_record_that_cannot_be_read_is_a_fault(text: str) -> None:
    first, _, third = chain(QUIET, QUIET, QUIET)
    found = chain_faults([first, (text, hashlib.sha256(text.encode()).hexdigest()), third])
    assert found
    assert "the record cannot be read" in [fault.reason for fault in found]


@pytest.mark.property
@given(st.integers(0, 2), st.data())
def test_any_change_of_any_record_is_found(index: int, data: st.DataObject) -> None:
    records = chain("D" * 1440, "U" * 1439 + "u", QUIET)
    text, sha256 = records[index]
    at = data.draw(st.integers(0, len(text)))
    removed = data.draw(st.integers(0, 3))
    changed = text[:at] + data.draw(st.text(max_size=3)) + text[at + removed :]
    records[index] = (changed, sha256)
    assert bool(chain_faults(records)) is (changed != text)


@pytest.mark.property
@given(st.permutations([0, 1, 2, 3]))
def test_days_out_of_order_are_found(order: list[int]) -> None:
    records = chain(QUIET, "D" * 1440, QUIET, QUIET)
    assert bool(chain_faults([records[n] for n in order])) is (order != [0, 1, 2, 3])


attempts = attempts_at(watch_terms(), 60)


@pytest.mark.property
@given(attempts, st.randoms())
def test_the_digest_of_looks_does_not_depend_on_their_order(
    seen: list[Attempt], chance: random.Random
) -> None:
    assert attempts_digest(chance.sample(seen, len(seen))) == attempts_digest(seen)


@pytest.mark.property
@given(attempts.filter(bool), st.data())
def test_the_digest_changes_with_every_fact_that_decides(
    seen: list[Attempt], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(seen) - 1))
    changed = [*seen]
    changed[index] = replace(seen[index], took_us=123)
    assert attempts_digest(changed) != attempts_digest(seen)
    assert attempts_digest(seen[:index] + seen[index + 1 :]) != attempts_digest(seen)


def test_secrets_and_evidence_are_not_in_the_line_of_an_attempt() -> None:
    plain = tried("f", secret="", cause="status")
    full = replace(
        plain, secret="k7", phases={Phase.DNS: 5}, evidence=Evidence(excerpt="page"), detail="words"
    )
    assert attempt_line(full) == attempt_line(plain)
    assert json.loads(attempt_line(plain))["cause"] == "status"
