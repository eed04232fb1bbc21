"""The chain of what is entered."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptimed.core.chain import GENESIS
from uptimed.core.entries import (
    Entry,
    EntryKind,
    EntryRefused,
    NewEntry,
    chained,
    entry_faults,
    twin,
)
from uptimed.core.observations import Instant

NEW = NewEntry(kind=EntryKind.SILENCE, subject="S-1", by="Ana", body='{"b":1,"a":2}')


def chain(length: int) -> list[Entry]:
    made: list[Entry] = []
    for number in range(1, length + 1):
        new = replace(NEW, subject=f"S-{number}")
        last = made[-1] if made else None
        made.append(chained(new, "acme", Instant(number), number * 3, last))
    return made


def test_the_first_entry_follows_nothing() -> None:
    (first,) = chain(1)
    assert (first.place, first.previous_sha256) == (1, GENESIS)


def test_the_record_is_canonical_whatever_order_the_body_was_written_in() -> None:
    (first,) = chain(1)
    assert '"body":{"a":2,"b":1}' in first.record
    assert list(json.loads(first.record)) == sorted(json.loads(first.record))


@pytest.mark.property
@given(st.integers(0, 6))
def test_a_chain_as_it_was_entered_holds(length: int) -> None:
    assert entry_faults(chain(length)) == ()


@pytest.mark.property
@given(st.integers(0, 4), st.sampled_from(["by", "subject", "service", "at", "body", "client"]))
def test_a_changed_entry_is_found(where: int, name: str) -> None:
    entries = chain(5)
    other: dict[str, object] = {name: {"at": Instant(99), "body": '{"a":3}'}.get(name, "x")}
    entries[where] = entries[where]._replace(**other)  # type: ignore[arg-type]
    assert any("is not what was entered" in fault for fault in entry_faults(entries))


def test_an_entry_that_is_left_out_is_found() -> None:
    entries = chain(3)
    del entries[1]
    assert entry_faults(entries) == (
        "entry 3 of acme does not name the one before it",
        "entry 3 of acme follows entry 1",
    )


@pytest.mark.parametrize("by", ["", "  "])
def test_nobody_enters_nothing(by: str) -> None:
    with pytest.raises(EntryRefused, match="--by NAME"):
        chained(replace(NEW, by=by), "acme", Instant(1), 1, None)


def test_the_same_key_with_other_content_is_refused() -> None:
    new = replace(NEW, key="k")
    known = chained(new, "acme", Instant(1), 1, None)
    assert twin(replace(new, body='{"a":2,"b":1}'), known)
    with pytest.raises(EntryRefused, match="already with other content"):
        twin(replace(new, body="{}"), known)
