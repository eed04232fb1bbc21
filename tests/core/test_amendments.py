"""All that was entered for a client, and what of it a month's report vouches for."""

from zoneinfo import ZoneInfo

from tests.core.drawing import minute, moment
from tests.core.entering import Book
from tests.core.test_corrections import SHA, wanted
from uptimed.core import issues, silences
from uptimed.core.amendments import Month, amendments, months_of, told_of
from uptimed.core.corrections import Revised, correct
from uptimed.core.entries import EntryKind, NewEntry

BOGOTA = ZoneInfo("America/Bogota")


def month(at: str) -> Month:
    (found,) = months_of(BOGOTA, range(minute(at), minute(at) + 1))
    return found


OCTOBER = month("2026-10-05T12:00Z")


def give_out(book: Book, at: str, name: str = "2026-10", revision: int = 1, sha: str = SHA) -> None:
    for new in issues.issue(
        book.entries, month=name, revision=revision, sha256=sha, by="uptimed report"
    ):
        book.enter(lambda _known, new=new: new, at)  # type: ignore[misc]  # bound at once


def correct_october(book: Book, at: str) -> None:
    revised = Revised(month="2026-10", revision=2, replaces=SHA)
    book.enter(
        lambda known: correct(known, wanted(), was="D", becomes="N", revisions=[revised], by="Ana"),
        at,
    )


def quiet(book: Book, at: str) -> None:
    end = moment("2027-01-01T00:00Z")
    book.enter(
        lambda known: silences.silence(
            known, service="", start=moment(at), end=end, reason="x", by="Ana", now=moment(at)
        ),
        at,
    )


def told(book: Book, of: Month = OCTOBER) -> tuple[int, int]:
    entries, first = told_of(book.entries, amendments(book.entries), of)
    return len(entries), first


def test_a_stretch_touches_the_months_of_the_zone() -> None:
    span = range(minute("2026-10-01T04:59Z"), minute("2026-12-01T05:00Z"))
    assert [m.name for m in months_of(BOGOTA, span)] == ["2026-09", "2026-10", "2026-11"]
    assert list(months_of(BOGOTA, range(5, 5))) == []


def test_the_same_copy_is_given_out_once_and_another_is_recorded_too() -> None:
    book = Book()
    give_out(book, "2026-11-02T09:00Z")
    give_out(book, "2026-11-02T10:00Z")
    give_out(book, "2026-11-02T11:00Z", sha="cd" * 32)
    found = amendments(book.entries).issued("2026-10")
    assert [(one.revision, one.sha256) for one in found] == [(1, SHA), (1, "cd" * 32)]


def test_a_report_vouches_for_all_that_was_entered_in_its_month() -> None:
    book = Book()
    quiet(book, "2026-09-20T00:00Z")
    quiet(book, "2026-10-31T00:00Z")
    quiet(book, "2026-11-01T05:00Z")
    assert told(book) == (2, 1)


def test_giving_it_out_does_not_change_what_it_vouches_for() -> None:
    book = Book()
    quiet(book, "2026-10-31T00:00Z")
    give_out(book, "2026-11-02T09:00Z")
    assert told(book) == (1, 0)


def test_what_is_entered_later_about_other_months_changes_nothing() -> None:
    book = Book()
    quiet(book, "2026-10-31T00:00Z")
    give_out(book, "2026-11-02T09:00Z", name="2026-09")
    quiet(book, "2026-11-02T10:00Z")
    assert told(book) == (1, 0)


def test_a_report_vouches_for_what_happened_later_to_its_incidents() -> None:
    book = Book()
    for at, subject in (("2026-11-02T09:00Z", "ACME-1"), ("2026-11-09T09:00Z", "ACME-2")):
        new = NewEntry(kind=EntryKind.INCIDENT, subject=subject, by="uptimed", body="{}")
        book.enter(lambda _known, new=new: new, at)  # type: ignore[misc]  # bound at once
    entries, first = told_of(book.entries, amendments(book.entries), OCTOBER, ["ACME-1"])
    assert ([entry.subject for entry in entries], first) == (["ACME-1"], 0)


def test_a_further_revision_vouches_for_its_correction_and_for_the_copy_before() -> None:
    book = Book()
    give_out(book, "2026-11-02T09:00Z")
    quiet(book, "2026-11-02T10:00Z")
    correct_october(book, "2026-11-03T09:00Z")
    give_out(book, "2026-11-03T10:00Z", revision=2)
    assert told(book) == (3, 0)


def test_a_correction_of_a_month_that_is_over_closes_it_as_a_report_does() -> None:
    book = Book()
    correct_october(book, "2026-10-20T09:00Z")
    assert amendments(book.entries).closed(OCTOBER) is None
    correct_october(book, "2026-11-03T09:00Z")
    closed = amendments(book.entries).closed(OCTOBER)
    assert closed is not None
    assert (closed.at, closed.place) == (moment("2026-11-03T09:00Z"), 2)
