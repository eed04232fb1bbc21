"""Silences: which pages are held back, and until when."""

from collections.abc import Sequence

import pytest

from tests.core.drawing import moment
from tests.core.entering import Book
from uptimed.core import silences
from uptimed.core.entries import Entry, EntryRefused, NewEntry

NOW, END = moment("2026-10-05T14:00Z"), moment("2026-10-05T16:00Z")


def add(service: str = "crm", *, start: str = "2026-10-05T15:00Z", reason: str = "move") -> Book:
    book = Book(at=NOW)

    def decide(known: Sequence[Entry]) -> NewEntry:
        return silences.silence(
            known, service=service, start=moment(start), end=END, reason=reason, by="Ana", now=NOW
        )

    book.enter(decide)
    return book


def held(book: Book, at: str, service: str = "crm") -> list[str]:
    there = silences.silences(book.entries)
    return [one.id for one in there if one.quiets("acme", service, moment(at))]


@pytest.mark.parametrize(
    ("at", "held_back"),
    [("14:59", []), ("15:00", ["S-1"]), ("15:59", ["S-1"]), ("16:00", [])],
)
def test_pages_are_held_back_from_its_start_to_before_its_end(
    at: str, held_back: list[str]
) -> None:
    assert held(add(), f"2026-10-05T{at}Z") == held_back


def test_one_of_a_service_leaves_others_alone_and_one_of_all_does_not() -> None:
    assert not held(add(), "2026-10-05T15:30Z", "shop")
    assert held(add(""), "2026-10-05T15:30Z", "shop")


def test_a_cancelled_one_holds_until_then() -> None:
    book = add()
    at = moment("2026-10-05T15:30Z")
    book.enter(lambda known: silences.cancel(known, "S-1", by="Luis", now=at), "2026-10-05T15:30Z")
    assert held(book, "2026-10-05T15:29Z") == ["S-1"]
    assert held(book, "2026-10-05T15:30Z") == []
    with pytest.raises(EntryRefused, match="cancelled already, by Luis"):
        silences.cancel(book.entries, "S-1", by="Ana", now=at)


def test_one_that_is_over_or_not_there_is_not_cancelled() -> None:
    with pytest.raises(EntryRefused, match="is over since"):
        silences.cancel(add().entries, "S-1", by="Ana", now=END)
    with pytest.raises(EntryRefused, match="there is no silence S-2"):
        silences.cancel(add().entries, "S-2", by="Ana", now=NOW)


@pytest.mark.parametrize(
    ("start", "now", "reason", "says"),
    [
        pytest.param("2026-10-05T16:00Z", NOW, "x", "a later end", id="no time at all"),
        pytest.param("2026-10-05T15:00Z", END, "x", "which is over", id="the past"),
        pytest.param("2026-10-05T15:00Z", NOW, "", "no reason was given", id="no reason"),
    ],
)
def test_what_silences_nothing_is_refused(start: str, now: int, reason: str, says: str) -> None:
    with pytest.raises(EntryRefused, match=says):
        silences.silence(
            (), service="", start=moment(start), end=END, reason=reason, by="Ana",
            now=type(NOW)(now),
        )  # fmt: skip
