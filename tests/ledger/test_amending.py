"""What people entered, laid over a month: figures, lines, and what a correction leaves alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.drawing import contract_terms, minute, moment
from tests.core.entering import Book
from tests.ledger.records import client, journal, service
from uptimed.core import exclusions, issues, maintenance
from uptimed.core.corrections import Becomes, Revised, Wanted, becoming, correct
from uptimed.core.entries import Entry, NewEntry
from uptimed.core.figures import Verdict
from uptimed.core.maintenance import Planned
from uptimed.core.minutes import Minute, month_minutes
from uptimed.core.statement import MaintenanceLine
from uptimed.core.strip import Strip
from uptimed.core.terms import AgreementTerms, ContractTerms, Maintenance
from uptimed.ledger.amending import (
    correction_lines,
    entered_about,
    exception_lines,
    maintenance_lines,
)
from uptimed.ledger.month import ServiceMonth, service_month

BOGOTA = ZoneInfo("America/Bogota")
NOVEMBER = minute("2026-11-10T00:00Z")
BOTH = ("maintenance", "exceptions")


def october(
    book: Book | None = None,
    down: Sequence[range] = (),
    *,
    terms: ContractTerms | None = None,
    windows: tuple[Maintenance, ...] = (),
    agreement: AgreementTerms | None = None,
    zone: tzinfo = BOGOTA,
    now: Minute = NOVEMBER,
) -> ServiceMonth:
    """Return October 2026 of a service that is up but for *down*, with *book* laid over it."""
    month = month_minutes(2026, 10, zone)
    cells = ["U"] * (len(month) + 600)
    for span in down:
        for at in span:
            cells[at - month.start] = "D"
    reader = journal(Strip(Minute(month.start), "".join(cells)))
    reader.entered = [] if book is None else book.entries
    crm = service(maintenance=windows)
    if agreement is not None:
        crm = replace(crm, agreement=agreement)
    acme = client(crm, contract=terms or contract_terms(zone=zone))
    return service_month(reader, acme, crm, 2026, 10, now)


def span(start: str, end: str) -> range:
    return range(minute(start), minute(end))


DOWN = span("2026-10-11T02:00-05:00", "2026-10-11T04:10-05:00")
EXCLUDING = contract_terms(zone=BOGOTA, excludes=BOTH, notice_h=24)


def announce(book: Book, at: str, start: str = "02:00", end: str = "04:00") -> Book:
    windows = ((moment(f"2026-10-11T{start}-05:00"), moment(f"2026-10-11T{end}-05:00")),)
    planned = Planned(
        service="crm", windows=windows, reason="upgrade", how="by hand",
        announced=moment("2026-10-05T09:00-05:00"),
    )  # fmt: skip
    book.enter(lambda known: maintenance.announce(known, planned, by="Ana", now=moment(at)), at)
    return book


def fix(
    book: Book, minutes: range, to: Becomes = Becomes.NOT_MEASURED, at: str = "2026-11-05T09:00Z"
) -> Book:
    """Correct minutes that are down on record."""

    def decide(known: Sequence[Entry]) -> NewEntry:
        recorded = Strip(Minute(minutes.start), "D" * len(minutes))
        was, becomes = becoming(recorded, (), to, (), ())
        wanted = Wanted(
            service="crm", start=recorded.start, stop=recorded.stop, to=to, why="our uplink",
            evidence=("ticket",), looks=(),
        )  # fmt: skip
        revised = Revised(month="2026-10", revision=2, replaces="ab" * 32)
        return correct(known, wanted, was=was, becomes=becomes, revisions=[revised], by="Ana")

    book.enter(decide, at)
    return book


def except_(book: Book, minutes: range, *, notified: bool = True) -> Book:
    start, end = (type(book.at)(m * 60_000_000) for m in (minutes.start, minutes.stop))
    entry = book.enter(
        lambda known: exclusions.exclude(
            known, service="crm", start=start, end=end, reason="dam broke", by="Ana"
        ),
        "2026-10-20T09:00Z",
    )
    if notified:
        at = moment("2026-10-20T10:00Z")
        book.enter(
            lambda known: exclusions.notified(
                known, entry.subject, at=at, how="mail 7", by="Ana", now=at
            ),
            "2026-10-20T10:00Z",
        )
    return book


def printed(seen: ServiceMonth) -> tuple[int, int, int]:
    """Return maintenance, down, and the availability in millionths."""
    figures = seen.figures
    return figures.maintenance, figures.down, figures.availability_ppm or 0


IN_TIME, TOO_LATE, AFTER = "2026-10-05T14:10Z", "2026-10-10T12:00Z", "2026-11-05T09:00Z"


@pytest.mark.parametrize(
    ("terms", "at", "figures"),
    [
        pytest.param(contract_terms(zone=BOGOTA), IN_TIME, (0, 130, 997_087), id="not excluded"),
        pytest.param(EXCLUDING, IN_TIME, (120, 10, 999_775), id="excluded: an overrun is down"),
        pytest.param(EXCLUDING, TOO_LATE, (0, 130, 997_087), id="recorded too late"),
        pytest.param(EXCLUDING, AFTER, (0, 130, 997_087), id="entered afterwards: no effect"),
    ],
)
def test_announced_maintenance_as_the_contract_has_it(
    terms: ContractTerms, at: str, figures: tuple[int, int, int]
) -> None:
    assert printed(october(announce(Book(), at), [DOWN], terms=terms)) == figures


def test_a_contested_minute_that_is_corrected_leaves_the_denominator() -> None:
    seen = october(fix(Book(), DOWN[-5:-4]), [DOWN])
    assert (seen.figures.down, seen.figures.not_measured) == (129, 1)
    assert seen.under(()).figures == october(None, [DOWN]).figures


def test_original_and_corrected_figures_are_both_told() -> None:
    book = fix(fix(Book(), DOWN[:10]), DOWN[10:130], at="2026-11-06T09:00Z")
    lines = tuple(correction_lines(october(book, [DOWN])))
    assert [(line.before.down, line.after.down) for line in lines] == [(130, 120), (120, 0)]
    assert [line.after.verdict for line in lines] == [
        Verdict.BREACHED, Verdict.INSUFFICIENT_DATA,
    ]  # fmt: skip


def test_a_correction_to_an_exception_counts_where_the_contract_has_exceptions() -> None:
    book = fix(Book(), DOWN[:10], Becomes.EXCEPTED)
    assert october(book, [DOWN], terms=EXCLUDING).figures.excepted == 10
    assert october(book, [DOWN]).figures.down == 130


@pytest.mark.parametrize(
    ("notified", "counted", "down", "reason"),
    [(True, 10, 120, ""), (False, 0, 130, "not_notified")],
)
def test_an_exception_counts_once_the_client_was_notified(
    notified: bool, counted: int, down: int, reason: str
) -> None:
    book = except_(Book(), DOWN[:10], notified=notified)
    seen = october(book, [DOWN], terms=EXCLUDING)
    (line,) = exception_lines(seen)
    assert (line.counted, line.why_not, seen.figures.down) == (counted, reason, down)
    without = seen.under(seen.entered.corrections, exceptions=False)
    assert without.figures.down == 130


def test_a_later_correction_does_not_open_a_closed_month_again() -> None:
    book = Book()
    book.enter(
        lambda known: issues.issue(
            known, month="2026-10", revision=1, sha256="ab" * 32, by="uptimed report"
        )[0],
        "2026-10-19T09:00Z",
    )
    fix(except_(book, DOWN[:10]), DOWN[20:30])
    seen = october(book, [DOWN], terms=EXCLUDING)
    assert seen.figures.excepted == 0
    assert seen.under(()).figures.excepted == 0


def test_where_overlays_meet_scope_is_first_then_maintenance_then_exceptions() -> None:
    book = except_(announce(Book(), IN_TIME), range(DOWN.start, DOWN.start + 130))
    since = Minute(DOWN.start + 60)
    scoped = AgreementTerms(service="crm", since=since)
    seen = october(book, [DOWN], terms=EXCLUDING, agreement=scoped)
    first = DOWN.start - seen.strip.start
    assert seen.overlay[first : first + 131] == "X" * 60 + "M" * 60 + "E" * 10 + "."


def test_minutes_that_were_excepted_twice_are_told_of_the_first() -> None:
    book = except_(except_(Book(), DOWN[:10]), DOWN[5:20])
    lines = exception_lines(october(book, [DOWN], terms=EXCLUDING))
    assert [line.counted for line in lines] == [10, 10]


def lines(
    book: Book, terms: ContractTerms, agreement: AgreementTerms | None = None
) -> list[tuple[str, int, bool, str]]:
    def said(line: MaintenanceLine) -> tuple[str, int, bool, str]:
        return line.window.id, line.counted, line.admitted, line.why_not

    seen = october(book, terms=terms, agreement=agreement)
    return [said(line) for line in maintenance_lines(seen)]


CAPPED = contract_terms(zone=BOGOTA, excludes=BOTH, notice_h=24, cap=90)


def test_a_window_that_the_cap_cuts_off_says_so() -> None:
    book = announce(announce(Book(), IN_TIME), IN_TIME, "05:00", "06:00")
    assert lines(book, CAPPED) == [("M-1", 90, True, "cap"), ("M-2", 0, False, "cap")]


def test_a_window_outside_the_agreement_says_so() -> None:
    later = AgreementTerms(service="crm", since=minute("2026-10-11T03:00-05:00"))
    assert lines(announce(Book(), IN_TIME), EXCLUDING, later) == [("M-1", 60, True, "out_of_scope")]
    last = AgreementTerms(service="crm", since=minute("2026-10-11T04:00-05:00"))
    assert lines(announce(Book(), IN_TIME), EXCLUDING, last) == [("M-1", 0, False, "out_of_scope")]


def test_a_cancelled_window_is_listed_and_does_not_count() -> None:
    book = announce(Book(), IN_TIME)
    now = moment("2026-10-06T14:00Z")
    book.enter(
        lambda known: maintenance.cancel(known, "M-1", why="no", by="Ana", now=now)[0],
        "2026-10-06T14:00Z",
    )
    assert lines(book, EXCLUDING) == [("M-1", 0, False, "cancelled")]


def test_a_minute_tells_all_that_was_entered_about_it() -> None:
    book = fix(except_(announce(Book(), IN_TIME), DOWN[:10]), DOWN[:10])
    about = entered_about(october(book, [DOWN], terms=EXCLUDING), Minute(DOWN.start + 5))
    assert [window.id for window in about.maintenance] == ["M-1"]
    assert [line.exclusion.id for line in about.exceptions] == ["E-1"]
    assert [one.id for one in about.corrections] == ["C-1"]
    other = entered_about(october(book, [DOWN], terms=EXCLUDING), Minute(DOWN.stop + 5))
    assert not (other.maintenance or other.exceptions or other.corrections or other.objections)


_START = DOWN.start - 30
_PIECES = st.tuples(st.integers(0, 150), st.integers(1, 60)).map(
    lambda piece: range(_START + piece[0], _START + piece[0] + piece[1])
)


@pytest.mark.property
@settings(max_examples=12)  # each is a whole month
@given(st.lists(_PIECES, max_size=2), st.lists(_PIECES, max_size=2), st.booleans(), st.booleans())
def test_the_parts_add_up_to_the_month_whatever_was_entered(
    excepted: list[range], fixed: list[range], maintained: bool, scoped: bool
) -> None:
    book = announce(Book(), IN_TIME) if maintained else Book()
    for piece in dict.fromkeys(excepted):
        except_(book, piece)
    for piece in fixed:
        fix(book, piece, Becomes.EXCEPTED if piece.start % 2 else Becomes.NOT_MEASURED)
    agreement = AgreementTerms(service="crm", since=Minute(_START + 40) if scoped else None)
    seen = october(book, [DOWN], terms=EXCLUDING, agreement=agreement)
    f = seen.figures
    assert f.total == f.out_of_scope + f.maintenance + f.excepted + f.scope == 44_640
    assert f.scope == f.not_measured + f.up + f.down
    changed = {m for piece in fixed for m in piece}
    for at, (was, now) in enumerate(
        zip(seen.recorded.letters, seen.around.letters, strict=True), seen.around.start
    ):
        assert was == now or (at in changed and was == "D")


@pytest.mark.property
@given(st.permutations(["except", "except more", "fix"]))
def test_what_concerns_different_minutes_may_be_entered_in_any_order(order: list[str]) -> None:
    book = announce(Book(), IN_TIME, "02:00", "02:30")  # nothing is in time after the rest
    for what in order:
        if what == "except more":
            except_(book, DOWN[110:115])
        elif what == "except":
            except_(book, DOWN[40:60])
        else:
            fix(book, DOWN[100:110], at="2026-10-21T09:00Z")
    figures = october(book, [DOWN], terms=EXCLUDING).figures
    parts = (figures.maintenance, figures.excepted, figures.not_measured, figures.down)
    assert parts == (30, 25, 10, 65)


def test_without_entries_nothing_is_laid_over() -> None:
    seen = october(None, [DOWN], zone=UTC, terms=contract_terms())
    assert seen.recorded == seen.around
    assert seen.agreement is seen.service.agreement
