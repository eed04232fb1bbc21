"""Open time of support calendars: the vectors, and a brute force by the minute."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptimed.core.calendars import OpenTime, Pause, Second, second_of, weekday_of
from uptimed.core.terms import WeekHours

BOGOTA, MADRID, MOSCOW = (
    ZoneInfo(name) for name in ("America/Bogota", "Europe/Madrid", "Europe/Moscow")
)
WEEKDAYS = range(5)
CO_HOURS = WeekHours(
    zone=BOGOTA,
    windows=dict.fromkeys(WEEKDAYS, ((480, 720), (840, 1020))),
    holidays=frozenset({date(2026, 7, 13)}),
)
MAD_HOURS = WeekHours(zone=MADRID, windows=dict.fromkeys(WEEKDAYS, ((480, 1080),)))
MSK_HOURS = WeekHours(
    zone=MOSCOW,
    windows=dict.fromkeys(WEEKDAYS, ((540, 1080),)),
    holidays=frozenset({date(2026, 12, 31), *(date(2027, 1, day) for day in range(1, 11))}),
)
CO, MAD, MSK, ALWAYS = OpenTime(CO_HOURS), OpenTime(MAD_HOURS), OpenTime(MSK_HOURS), OpenTime(None)


def at(zone: ZoneInfo, text: str) -> Second:
    return second_of(datetime.fromisoformat(text).replace(tzinfo=zone))


HOUR = 3600


@pytest.mark.parametrize(
    ("calendar", "zone", "start", "seconds", "due"),
    [
        pytest.param(CO, BOGOTA, "2026-07-10 16:30", 4 * HOUR, "2026-07-14 11:30",
                     id="over a week-end and a holiday"),
        pytest.param(CO, BOGOTA, "2026-07-15 12:30", HOUR, "2026-07-15 15:00",
                     id="begun in the lunch break"),
        pytest.param(CO, BOGOTA, "2026-07-15 11:00", HOUR, "2026-07-15 12:00",
                     id="used up at the end of a window"),
        pytest.param(CO, BOGOTA, "2026-07-10 16:30", 2 * CO.nominal_day, "2026-07-15 16:30",
                     id="two business days"),
        pytest.param(MAD, MADRID, "2026-03-27 17:00", 8 * HOUR, "2026-03-30 15:00",
                     id="over a clock change"),
        pytest.param(ALWAYS, MADRID, "2026-03-28 12:00", 24 * HOUR, "2026-03-29 13:00",
                     id="24x7 counts real hours"),
        pytest.param(MSK, MOSCOW, "2026-12-30 17:00", 4 * HOUR, "2027-01-11 12:00",
                     id="over the Russian new year"),
    ],
)  # fmt: skip
def test_a_target_is_due_when_the_desk_was_open_for_so_long(
    calendar: OpenTime, zone: ZoneInfo, start: str, seconds: int, due: str
) -> None:
    assert calendar.due(at(zone, start), seconds) == at(zone, due)


def test_an_answer_in_the_lunch_break_after_the_due_time_is_in_time() -> None:
    start, answered = at(BOGOTA, "2026-07-15 11:00"), at(BOGOTA, "2026-07-15 13:30")

    assert CO.elapsed(start, answered) == HOUR


def test_a_pause_moves_the_due_time_by_the_open_time_in_it() -> None:
    pause = Pause(at(MADRID, "2026-07-14 11:00"), at(MADRID, "2026-07-15 10:30"))

    due = MAD.due(at(MADRID, "2026-07-14 09:00"), 8 * HOUR, [pause])

    assert due == at(MADRID, "2026-07-15 16:30")


def test_nobody_knows_when_a_target_is_due_while_its_clock_is_paused() -> None:
    pause = Pause(at(MADRID, "2026-07-14 11:00"), None)

    assert MAD.due(at(MADRID, "2026-07-14 09:00"), 8 * HOUR, [pause]) is None


def test_a_target_that_is_due_before_a_pause_begins_is_due_then() -> None:
    pause = Pause(at(MADRID, "2026-07-14 11:00"), None)

    due = MAD.due(at(MADRID, "2026-07-14 09:00"), HOUR, [pause])

    assert due == at(MADRID, "2026-07-14 10:00")


def test_missed_updates_count_from_the_missed_due_times() -> None:
    start = at(BOGOTA, "2026-07-15 11:15")
    dues = [CO.due(start, n * 2 * HOUR) for n in range(1, 5)]

    wanted = ["2026-07-15 15:15", "2026-07-16 08:15", "2026-07-16 10:15", "2026-07-16 14:15"]
    assert dues == [at(BOGOTA, text) for text in wanted]


@pytest.mark.parametrize(
    ("calendar", "hours"),
    [
        pytest.param(CO, 7, id="DataCRM"),
        pytest.param(MAD, 10, id="Sales Layer"),
        pytest.param(MSK, 9, id="YUcrm"),
        pytest.param(ALWAYS, 24, id="24x7"),
    ],
)
def test_a_business_day_is_the_calendars_nominal_day(calendar: OpenTime, hours: int) -> None:
    assert calendar.nominal_day == hours * HOUR


def test_a_window_may_end_at_midnight() -> None:
    calendar = OpenTime(WeekHours(zone=MADRID, windows={0: ((1380, 1440),), 1: ((0, 60),)}))

    due = calendar.due(at(MADRID, "2026-07-13 23:30"), HOUR)

    assert due == at(MADRID, "2026-07-14 00:30")


def test_an_extra_working_day_has_the_windows_of_its_weekday() -> None:
    saturday = date(2026, 7, 18)
    hours = WeekHours(zone=MADRID, windows={0: ((480, 1080),)}, extra_days={saturday: 0})

    assert weekday_of(saturday, hours) == 0
    assert OpenTime(hours).elapsed(
        at(MADRID, "2026-07-18 00:00"), at(MADRID, "2026-07-19 00:00")
    ) == 10 * HOUR  # fmt: skip


def test_a_calendar_that_is_never_open_is_refused() -> None:
    with pytest.raises(ValueError, match="never open"):
        OpenTime(WeekHours(zone=MADRID, windows={}))


# A brute force: minute by minute, by the wall clock of each.


def is_open(hours: WeekHours, moment: datetime) -> bool:
    local = moment.astimezone(hours.zone)
    minute = local.hour * 60 + local.minute
    windows = hours.windows.get(weekday_of(local.date(), hours), ())
    return any(opens <= minute < closes for opens, closes in windows)


FIRST = datetime(2026, 3, 20, tzinfo=MADRID)  # the clock changes nine days later
STARTS = st.integers(0, 16 * 1440).map(lambda minutes: FIRST + timedelta(minutes=minutes))


@pytest.mark.property
@given(STARTS, st.integers(0, 5000))
def test_elapsed_is_the_count_of_open_minutes(start: datetime, minutes: int) -> None:
    begin = second_of(start)
    stop = Second(begin + minutes * 60)
    first = datetime.fromtimestamp(begin, MADRID)
    ticks = (datetime.fromtimestamp(begin + n * 60, first.tzinfo) for n in range(minutes))

    assert MAD.elapsed(begin, stop) == 60 * sum(is_open(MAD_HOURS, tick) for tick in ticks)


@pytest.mark.property
@given(STARTS, st.integers(1, 100_000))
def test_due_is_the_first_instant_with_so_much_elapsed(start: datetime, seconds: int) -> None:
    begin = second_of(start)
    due = MAD.due(begin, seconds)

    assert due is not None
    assert MAD.elapsed(begin, due) == seconds
    assert MAD.elapsed(begin, Second(due - 1)) == seconds - 1


@pytest.mark.property
@given(
    STARTS,
    st.integers(1, 100_000),
    st.lists(st.tuples(st.integers(0, 300_000), st.integers(0, 100_000)), max_size=4),
)
def test_due_with_pauses_agrees_with_elapsed_with_pauses(
    start: datetime, seconds: int, drawn: list[tuple[int, int]]
) -> None:
    begin = second_of(start)
    pauses = [Pause(Second(begin + a), Second(begin + a + n)) for a, n in drawn]
    due = MAD.due(begin, seconds, pauses)

    assert due is not None
    assert MAD.elapsed(begin, due, pauses) == seconds
    assert MAD.elapsed(begin, Second(due - 1), pauses) < seconds


@pytest.mark.property
@given(STARTS, st.lists(st.integers(0, 200_000), min_size=2, max_size=6))
def test_elapsed_of_a_whole_is_the_sum_of_its_parts(start: datetime, cuts: list[int]) -> None:
    marks = sorted(Second(second_of(start) + cut) for cut in cuts)

    parts = sum(MAD.elapsed(a, b) for a, b in pairwise(marks))
    assert parts == MAD.elapsed(marks[0], marks[-1])


def test_what_was_asked_before_changes_no_answer() -> None:
    far = at(MADRID, "2031-01-10 12:00")
    fresh = OpenTime(MAD_HOURS)
    long_used = OpenTime(MAD_HOURS)
    for day in range(0, 3000, 300):
        long_used.due(Second(far - day * 86_400), HOUR)

    start = Second(far - int(timedelta(days=1000).total_seconds()))
    assert fresh.due(start, 50 * HOUR) == long_used.due(start, 50 * HOUR)
