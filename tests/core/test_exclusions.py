"""Exceptions: counted only once the client was notified, before the first report of the month."""

from dataclasses import replace

import pytest

from tests.core.drawing import contract_terms, moment
from tests.core.entering import Book
from uptimed.core import exclusions, issues
from uptimed.core.amendments import Month, amendments, months_of
from uptimed.core.entries import EntryRefused
from uptimed.core.exclusions import Answer
from uptimed.core.issues import Post

START, END = moment("2026-10-11T02:00Z"), moment("2026-10-11T02:30Z")
TERMS = replace(contract_terms(), excludes=("exceptions",))
(OCTOBER,) = months_of(TERMS.zone, range(START // 60_000_000, START // 60_000_000 + 1))


def add(mailed: str = "") -> Book:
    book = Book(at=moment("2026-10-12T09:00Z"))
    book.enter(
        lambda known: exclusions.exclude(
            known, service="crm", start=START, end=END, reason="dam broke", by="Ana", mailed=mailed
        )
    )
    return book


def notify(book: Book, at: str = "2026-10-12T10:00Z", recorded: str = "2026-10-12T10:05Z") -> None:
    now = moment(recorded)
    book.enter(
        lambda known: exclusions.notified(
            known, "E-1", at=moment(at), how="mail 7", by="Ana", now=now
        ),
        recorded,
    )


def give_out(book: Book, at: str = "2026-11-02T09:00Z") -> None:
    book.enter(
        lambda known: issues.issue(
            known, month="2026-10", revision=1, sha256="ab" * 32, by="uptimed report"
        )[0],
        at,
    )


def why_not(book: Book, posts: tuple[Post, ...] = (), month: Month = OCTOBER) -> str:
    found = amendments(book.entries, posts)
    return found.why_not(found.exclusions[0], TERMS, month)


def test_it_does_not_count_before_the_client_was_notified() -> None:
    book = add()
    assert why_not(book) == "not_notified"
    notify(book)
    assert why_not(book) == ""


def test_it_does_not_count_where_the_contract_excludes_no_exceptions() -> None:
    book = add()
    notify(book)
    found = amendments(book.entries)
    assert found.why_not(found.exclusions[0], contract_terms(), OCTOBER) == "not_excluded"


@pytest.mark.parametrize(
    ("at", "recorded", "reason"),
    [
        pytest.param("2026-11-02T08:59Z", "2026-11-02T08:59:30Z", "", id="a minute before"),
        pytest.param("2026-11-02T09:01Z", "2026-11-02T09:02Z", "late_notice", id="a minute after"),
        pytest.param("2026-10-12T10:00Z", "2026-11-02T09:02Z", "late_notice", id="dated back"),
    ],
)
def test_the_first_report_of_the_month_closes_it(at: str, recorded: str, reason: str) -> None:
    book = add()
    if recorded < "2026-11-02T09:00Z":
        notify(book, at, recorded)
        give_out(book)
    else:
        give_out(book)
        notify(book, at, recorded)
    assert why_not(book) == reason


def test_a_report_of_another_month_closes_nothing() -> None:
    book = add()
    give_out(book)
    notify(book, "2026-11-02T10:00Z", "2026-11-02T10:00Z")
    found = amendments(book.entries)
    (september,) = months_of(TERMS.zone, range(OCTOBER.start - 1, OCTOBER.start))
    assert found.why_not(found.exclusions[0], TERMS, september) == ""


def test_by_mail_the_client_is_notified_when_a_server_took_the_mail() -> None:
    book = add(mailed="exception/acme")
    accepted = moment("2026-10-12T09:01Z")
    post = Post(key="exception/acme/E-1", at=accepted, accepted=None)
    assert why_not(book, (post,)) == "not_notified"
    taken = replace(post, accepted=accepted)
    assert why_not(book, (taken,)) == ""
    assert amendments(book.entries, (taken,)).exclusions[0].notified == accepted


def test_a_report_in_the_outbox_closes_the_month_unless_it_was_cancelled() -> None:
    book = add()
    at = moment("2026-10-12T09:30Z")
    mailed = Post(key="r", at=at, accepted=None, month="2026-10", revision=1, sha256="ab")
    notify(book)
    assert why_not(book, (mailed,)) == "late_notice"
    assert why_not(book, (replace(mailed, stands=False),)) == ""


def test_the_clients_answer_is_kept_and_changes_nothing() -> None:
    book = add()
    notify(book)
    now = moment("2026-10-13T09:00Z")
    for said in (Answer.ACCEPTED, Answer.OBJECTED):
        book.enter(
            lambda known, said=said: exclusions.answered(  # type: ignore[misc]  # bound at once
                known, "E-1", answer=said, at=now, words="no", by="Ana", now=now
            ),
            "2026-10-13T09:00Z",
        )
    (one,) = amendments(book.entries).exclusions
    assert (one.answer, one.answered, one.answer_words) == (Answer.OBJECTED, now, "no")
    assert why_not(book) == ""


def test_it_can_be_withdrawn_until_a_report_was_given_out_with_it() -> None:
    book = add()
    notify(book)
    with pytest.raises(EntryRefused, match="2026-10 was given out with it"):
        exclusions.withdrawn(book.entries, "E-1", why="no", by="Ana", closed=["2026-10"])
    book.enter(lambda known: exclusions.withdrawn(known, "E-1", why="wrong day", by="Ana"))
    assert why_not(book) == "withdrawn"
    with pytest.raises(EntryRefused, match="was withdrawn"):
        notify(book)


@pytest.mark.parametrize(
    ("reason", "end", "says"),
    [
        pytest.param("", END, "no reason was given", id="no reason"),
        pytest.param("x", START, "no whole minute", id="empty"),
        pytest.param("x", moment("2026-10-11T02:00:59Z"), "no whole minute", id="too short"),
    ],
)
def test_what_excepts_nothing_is_refused(reason: str, end: int, says: str) -> None:
    with pytest.raises(EntryRefused, match=says):
        exclusions.exclude(
            (), service="crm", start=START, end=type(START)(end), reason=reason, by="Ana"
        )


def test_the_same_is_not_excepted_twice() -> None:
    book = add()
    with pytest.raises(EntryRefused, match="E-1 excepts the same minutes already"):
        exclusions.exclude(
            book.entries, service="crm", start=START, end=END, reason="again", by="Luis"
        )


def test_what_nobody_notified_nobody_answered() -> None:
    now = moment("2026-10-13T09:00Z")
    with pytest.raises(EntryRefused, match="uptimed exclude notified E-1"):
        exclusions.answered(
            add().entries, "E-1", answer=Answer.ACCEPTED, at=now, words="", by="Ana", now=now
        )
