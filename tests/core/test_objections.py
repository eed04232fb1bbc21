"""Objections: a deadline, an outcome, and what they led to."""

from dataclasses import replace

import pytest

from tests.core.drawing import NOON, moment
from tests.core.entering import Book
from tests.core.test_corrections import wanted
from uptimed.core.corrections import correct
from uptimed.core.entries import EntryRefused
from uptimed.core.minutes import Minute
from uptimed.core.objections import Contested, Objection, Outcome, answer, contest, objections

NOW = moment("2026-10-06T09:00Z")
TOLD = Contested(
    service="crm", start=NOON, stop=Minute(NOON + 5), why="it was up", contact="Luis Gil",
    received=moment("2026-10-06T08:00Z"), due=None,
)  # fmt: skip


def add(told: Contested = TOLD) -> Book:
    book = Book(at=NOW)
    book.enter(lambda known: contest(known, told, by="Ana", now=NOW))
    return book


def only(book: Book) -> Objection:
    (one,) = objections(book.entries)
    return one


def close(book: Book, outcome: Outcome, *corrections: str) -> None:
    book.enter(
        lambda known: answer(
            known, "O-1", outcome=outcome, why="see log", corrections=corrections, by="Ana"
        )
    )


def correct_it(book: Book, objection: str = "O-1") -> None:
    book.enter(
        lambda known: correct(
            known, wanted(objection=objection), was="D", becomes="N", revisions=(), by="Ana"
        )
    )


def test_it_is_open_and_to_be_answered_within_a_week() -> None:
    one = only(add())
    assert (one.outcome, one.due) == (None, moment("2026-10-13T08:00Z"))
    assert not one.overdue(one.due)
    assert one.overdue(type(NOW)(one.due + 1))


def test_another_deadline_can_be_given() -> None:
    due = moment("2026-10-07T08:00Z")
    assert only(add(replace(TOLD, due=due))).due == due


def test_a_rejected_one_has_its_reason() -> None:
    book = add()
    close(book, Outcome.REJECTED)
    one = only(book)
    assert (one.outcome, one.answer, one.answered, one.corrections) == (
        Outcome.REJECTED, "see log", NOW, (),
    )  # fmt: skip


def test_an_accepted_one_was_corrected() -> None:
    book = add()
    with pytest.raises(EntryRefused, match="correct them first"):
        close(book, Outcome.ACCEPTED)
    correct_it(book)
    close(book, Outcome.ACCEPTED)
    assert only(book).corrections == ("C-1",)


def test_a_correction_can_be_named_in_the_answer() -> None:
    book = add()
    correct_it(book, objection="")
    with pytest.raises(EntryRefused, match="there is no correction C-9"):
        close(book, Outcome.PARTLY, "C-9")
    close(book, Outcome.PARTLY, "C-1")
    assert only(book).corrections == ("C-1",)


def test_it_is_answered_once() -> None:
    book = add()
    close(book, Outcome.WITHDRAWN)
    with pytest.raises(EntryRefused, match="answered already: withdrawn"):
        close(book, Outcome.REJECTED)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"why": ""}, "no reason was given", id="no reason"),
        pytest.param({"stop": NOON}, "a later end", id="no minute"),
        pytest.param({"stop": Minute(NOON + 5000)}, "yet to come", id="the future"),
        pytest.param({"received": moment("2026-10-07T00:00Z")}, "--received", id="received later"),
        pytest.param({"due": moment("2026-10-06T08:00Z")}, "--due", id="due at once"),
    ],
)
def test_what_is_wrong_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(EntryRefused, match=says):
        add(replace(TOLD, **changes))  # type: ignore[arg-type]  # a table of cases
