"""Maintenance by command: announced once, every week, by mail or by hand, and taken back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from tests.core.drawing import moment
from tests.core.entering import Book
from uptimed.core import maintenance
from uptimed.core.entries import Entry, EntryRefused, NewEntry
from uptimed.core.maintenance import Every, Planned, announcements, recurring, windows_over
from uptimed.core.minutes import moment_of
from uptimed.core.observations import Instant

BOGOTA, MADRID = ZoneInfo("America/Bogota"), ZoneInfo("Europe/Madrid")
START, END = moment("2026-10-11T02:00-05:00"), moment("2026-10-11T04:00-05:00")
NOW = moment("2026-10-05T09:00-05:00")
PLANNED = Planned(
    service="crm", windows=((START, END),), reason="upgrade", announced=NOW, how="by hand"
)


def add(planned: Planned = PLANNED, now: Instant = NOW) -> Book:
    book = Book(at=now)
    book.enter(lambda known: maintenance.announce(known, planned, by="Ana", now=now))
    return book


def test_a_window_that_was_announced_by_hand_counts_from_when_it_was_recorded_too() -> None:
    (window,) = windows_over(announcements(add().entries, {}), "crm")
    assert (window.start, window.end, window.announced, window.recorded) == (START, END, NOW, NOW)
    assert (window.id, window.pending, window.cancelled) == ("M-1", False, False)


def test_a_window_of_another_service_is_not_this_ones_and_one_of_all_is_everybodys() -> None:
    assert not windows_over(announcements(add().entries, {}), "shop")
    assert windows_over(announcements(add(replace(PLANNED, service="")).entries, {}), "shop")


def test_by_mail_it_is_announced_when_a_server_took_the_mail_and_not_before() -> None:
    book = add(replace(PLANNED, announced=None, how="mail", mailed="maintenance/acme"))
    (waiting,) = announcements(book.entries, {})
    assert (waiting.announced, waiting.mail) == (None, "maintenance/acme/M-1")
    later = Instant(NOW + 60_000_000)
    (told,) = announcements(book.entries, {"maintenance/acme/M-1": later})
    assert (told.announced, told.recorded) == (later, NOW)


def test_what_no_mail_told_can_be_told_by_hand_and_counts_from_when_that_was_recorded() -> None:
    book = add(replace(PLANNED, announced=None, how="mail", mailed="maintenance/acme"))
    at = moment("2026-10-06T09:00-05:00")
    book.enter(
        lambda known: maintenance.told(known, "M-1", at=NOW, how="phone", by="Luis", now=at),
        "2026-10-06T09:00-05:00",
    )
    (one,) = announcements(book.entries, {})
    assert (one.announced, one.recorded, one.how) == (NOW, at, "phone")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"reason": " "}, "no reason was given", id="no reason"),
        pytest.param(
            {"windows": ((END, START),)}, "give a later end", id="it ends before it begins"
        ),
        pytest.param({"windows": ((START, START),)}, "give a later end", id="it is empty"),
        pytest.param({"announced": END}, "yet to come", id="announced in the future"),
        pytest.param({"reason": "x" * 2001}, "at most 2,000", id="a reason without end"),
    ],
)
def test_what_is_wrong_is_refused_with_what_to_do(changes: dict[str, object], says: str) -> None:
    with pytest.raises(EntryRefused, match=says):
        add(replace(PLANNED, **changes))  # type: ignore[arg-type]  # a table of cases


def test_the_same_is_not_announced_twice_unless_it_was_cancelled() -> None:
    book = add()

    def again(known: Sequence[Entry]) -> NewEntry:
        return maintenance.announce(known, PLANNED, by="Luis", now=NOW)

    with pytest.raises(EntryRefused, match="M-1 announces the same already"):
        book.enter(again)
    book.enter(lambda known: maintenance.cancel(known, "M-1", why="no", by="Ana", now=NOW)[0])
    assert book.enter(again).subject == "M-2"


def test_a_window_can_be_cancelled_before_it_begins_and_not_after() -> None:
    book = add()
    with pytest.raises(EntryRefused, match="what happened happened"):
        maintenance.cancel(book.entries, "M-1", why="no", by="Ana", now=START)
    book.enter(lambda known: maintenance.cancel(known, "M-1", why="no", by="Ana", now=NOW)[0])
    (window,) = windows_over(announcements(book.entries, {}), "crm")
    assert window.cancelled
    with pytest.raises(EntryRefused, match="M-1 is cancelled already, by Ana"):
        maintenance.cancel(book.entries, "M-1", why="no", by="Luis", now=NOW)


def test_of_several_windows_those_to_come_are_cancelled_or_one_alone() -> None:
    weeks = recurring(START, END, Every.WEEK, date(2026, 11, 1), BOGOTA)
    book = add(replace(PLANNED, windows=weeks))
    _, third = maintenance.cancel(book.entries, "M-1.3", why="no", by="Ana", now=NOW)
    assert [window.id for window in third] == ["M-1.3"]
    _, rest = maintenance.cancel(book.entries, "M-1", why="no", by="Ana", now=END)
    assert [window.id for window in rest] == ["M-1.2", "M-1.3", "M-1.4"]


@pytest.mark.parametrize("reference", ["M-2", "M-1.2", "E-1", ""])
def test_what_is_not_there_cannot_be_cancelled(reference: str) -> None:
    with pytest.raises(EntryRefused, match="`uptimed maintenance list` lists"):
        maintenance.cancel(add().entries, reference, why="no", by="Ana", now=NOW)


@pytest.mark.parametrize(
    ("start", "end", "until", "drawn"),
    [
        pytest.param(
            "2026-10-18T02:00+02:00", "2026-10-18T04:00+02:00", date(2026, 11, 1),
            ["18 00:00-02:00", "25 00:00-03:00", "01 01:00-03:00"],
            id="an hour longer when clocks go back",
        ),
        pytest.param(
            "2026-03-22T02:00+01:00", "2026-03-22T04:00+01:00", date(2026, 4, 5),
            ["22 01:00-03:00", "29 01:00-02:00", "05 00:00-02:00"],
            id="an hour shorter when they go forward",
        ),
        pytest.param(
            "2026-03-22T02:00+01:00", "2026-03-22T03:00+01:00", date(2026, 4, 5),
            ["22 01:00-02:00", "05 00:00-01:00"],
            id="what falls into the hour that is left out is not there",
        ),
        pytest.param(
            "2026-10-23T23:00+02:00", "2026-10-24T01:00+02:00", date(2026, 10, 30),
            ["23 21:00-23:00", "30 22:00-00:00"],
            id="over midnight",
        ),
    ],
)  # fmt: skip
def test_a_week_later_is_the_same_time_on_the_wall(
    start: str, end: str, until: date, drawn: list[str]
) -> None:
    found = recurring(moment(start), moment(end), Every.WEEK, until, MADRID)
    assert [f"{moment_of(a):%d %H:%M}-{moment_of(b):%H:%M}" for a, b in found] == drawn


@pytest.mark.parametrize(
    ("end", "every", "until", "says"),
    [
        pytest.param("2026-10-19T02:00-05:00", Every.WEEK, date(2027, 1, 1), "must end", id="long"),
        pytest.param("2026-10-11T04:00:30-05:00", Every.DAY, date(2027, 1, 1), "whole min", id="s"),
        pytest.param(
            "2026-10-11T04:00-05:00", Every.DAY, date(2028, 1, 1), "more than 400", id="n"
        ),
        pytest.param("2026-10-11T04:00-05:00", Every.DAY, date(2026, 1, 1), "later one", id="past"),
    ],
)
def test_what_cannot_recur_is_refused(end: str, every: Every, until: date, says: str) -> None:
    with pytest.raises(EntryRefused, match=says):
        recurring(START, moment(end), every, until, BOGOTA)
