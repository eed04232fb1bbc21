"""Minutes, days and months: UTC inside, local time at the edges only."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.drawing import minute, moment
from uptimed.core.minutes import (
    MINUTE,
    Minute,
    day_minutes,
    day_of,
    days_between,
    first_minute,
    instant_of,
    local_day,
    minute_of,
    moment_of,
    moment_of_minute,
    month_minutes,
    start_of,
    zone_mistake,
)
from uptimed.core.observations import Instant

ZONES = (
    "America/Bogota",
    "America/Havana",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/Madrid",
    "Europe/Moscow",
    "Pacific/Apia",
    "UTC",
)
zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.dates(date(1995, 1, 2), date(2037, 12, 30))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1970-01-01T00:00:00Z", 0, id="the first instant"),
        pytest.param("1970-01-01T00:00:59.999999Z", 0, id="the last microsecond of a minute"),
        pytest.param("1970-01-01T00:01:00Z", 1, id="the end belongs to the next"),
        pytest.param("1969-12-31T23:59:59.999999Z", -1, id="before the epoch"),
        pytest.param("1970-01-01T01:00:00+01:00", 0, id="an offset is taken off"),
    ],
)
def test_a_minute_is_half_open(text: str, expected: int) -> None:
    assert minute_of(moment(text)) == expected


@pytest.mark.parametrize(
    ("zone", "year", "month", "expected"),
    [
        pytest.param("Europe/Madrid", 2026, 3, 44_580, id="Madrid in March loses an hour"),
        pytest.param("Europe/Madrid", 2026, 10, 44_700, id="Madrid in October gains an hour"),
        pytest.param("Europe/Madrid", 2026, 2, 40_320, id="Madrid in February"),
        pytest.param("Europe/Madrid", 2028, 2, 41_760, id="a leap year"),
        pytest.param("Europe/Madrid", 2026, 12, 44_640, id="December ends in the next year"),
        pytest.param("UTC", 2026, 11, 43_200, id="thirty days"),
        pytest.param("America/Sao_Paulo", 2018, 11, 43_140, id="Sao Paulo at its last change"),
        pytest.param("Pacific/Apia", 2011, 12, 30 * 1440, id="Samoa without 30 December"),
        pytest.param("Australia/Lord_Howe", 2026, 4, 43_230, id="Lord Howe gains half an hour"),
    ],
)
def test_a_month_has_the_minutes_that_its_people_live_through(
    zone: str, year: int, month: int, expected: int
) -> None:
    assert len(month_minutes(year, month, ZoneInfo(zone))) == expected


@pytest.mark.parametrize("zone", ["America/Bogota", "Europe/Moscow"])
@pytest.mark.parametrize("month", range(1, 13))
def test_months_without_clock_changes_have_1440_minutes_a_day(zone: str, month: int) -> None:
    following = date(2026 + month // 12, month % 12 + 1, 1)
    expected = (following - date(2026, month, 1)).days * 1440
    assert len(month_minutes(2026, month, ZoneInfo(zone))) == expected


def test_a_month_begins_at_local_midnight() -> None:
    october = month_minutes(2026, 10, ZoneInfo("America/Bogota"))
    assert moment_of_minute(Minute(october.start)) == datetime(2026, 10, 1, 5, tzinfo=UTC)
    assert moment_of_minute(Minute(october.stop)) == datetime(2026, 11, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "start", "stop"),
    [
        pytest.param(
            "America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00Z", "2018-11-05T02:00Z",
            id="Sao Paulo goes from midnight to one",
        ),
        pytest.param(
            "Asia/Beirut", "2026-03-29", "2026-03-28T22:00Z", "2026-03-29T21:00Z",
            id="Beirut goes from midnight to one",
        ),
        pytest.param(
            "Africa/Cairo", "2024-04-26", "2024-04-25T22:00Z", "2024-04-26T21:00Z",
            id="Cairo goes from midnight to one",
        ),
        pytest.param(
            "Asia/Beirut", "2026-10-25", "2026-10-24T22:00Z", "2026-10-25T22:00Z",
            id="Beirut goes from midnight back to eleven the evening before",
        ),
        pytest.param(
            "America/Havana", "2025-11-02", "2025-11-02T04:00Z", "2025-11-03T05:00Z",
            id="Havana has midnight twice and the first counts",
        ),
        pytest.param(
            "America/St_Johns", "2010-11-07", "2010-11-07T02:30Z", "2010-11-08T03:30Z",
            id="Newfoundland went back at a minute past midnight",
        ),
        pytest.param(
            "Pacific/Apia", "2011-12-29", "2011-12-29T10:00Z", "2011-12-30T10:00Z",
            id="Samoa before the missing day",
        ),
        pytest.param(
            "Pacific/Apia", "2011-12-30", "2011-12-30T10:00Z", "2011-12-30T10:00Z",
            id="Samoa had no 30 December",
        ),
        pytest.param(
            "Pacific/Apia", "2011-12-31", "2011-12-30T10:00Z", "2011-12-31T10:00Z",
            id="Samoa after the missing day",
        ),
    ],
)  # fmt: skip
def test_a_day_begins_at_its_first_instant(zone: str, day: str, start: str, stop: str) -> None:
    found = local_day(date.fromisoformat(day), ZoneInfo(zone))
    assert (found.start, found.stop) == (minute(start), minute(stop))


@pytest.mark.parametrize(
    ("day", "minute_of_day", "expected"),
    [
        pytest.param("2026-03-28", 150, "2026-03-28T01:30Z", id="an ordinary night"),
        pytest.param("2026-03-29", 150, "2026-03-29T01:00Z", id="half past two does not exist"),
        pytest.param("2026-03-29", 180, "2026-03-29T01:00Z", id="three follows two"),
        pytest.param("2026-10-25", 150, "2026-10-25T00:30Z", id="half past two comes twice"),
        pytest.param("2026-10-25", 180, "2026-10-25T02:00Z", id="three comes once"),
        pytest.param("2026-10-25", 1440, "2026-10-25T23:00Z", id="1440 is the next midnight"),
    ],
)
def test_a_wall_clock_time_is_its_first_instant(
    day: str, minute_of_day: int, expected: str
) -> None:
    madrid = ZoneInfo("Europe/Madrid")
    assert first_minute(date.fromisoformat(day), madrid, minute_of_day) == minute(expected)


@pytest.mark.property
@given(zones, st.integers(1995, 2036), st.integers(1, 12))
def test_months_follow_each_other_without_gap_or_overlap(
    zone: ZoneInfo, year: int, month: int
) -> None:
    this = month_minutes(year, month, zone)
    following = month_minutes(year + month // 12, month % 12 + 1, zone)
    assert this.stop == following.start


@pytest.mark.property
@given(zones, days)
def test_every_minute_of_a_local_day_bears_its_date(zone: ZoneInfo, day: date) -> None:
    minutes = local_day(day, zone)
    for probe in {*minutes[:2], *minutes[-1:]}:
        shown = moment_of_minute(Minute(probe)).astimezone(zone)
        # A clock that is put back over midnight shows the evening before once more.
        repeated = shown.date() == day - timedelta(days=1) and shown.fold == 1
        assert shown.date() == day or repeated


@pytest.mark.property
@given(zones, days)
def test_local_days_follow_each_other(zone: ZoneInfo, day: date) -> None:
    assert local_day(day, zone).stop == local_day(day + timedelta(days=1), zone).start


@pytest.mark.property
@given(st.integers(0, 4 * 10**15).map(Instant))
def test_an_instant_lies_in_its_minute_and_survives_being_shown(at: Instant) -> None:
    start = start_of(minute_of(at))
    assert start <= at < start + MINUTE
    assert instant_of(moment_of(at)) == at


def test_only_utc_instants_are_subtracted() -> None:
    madrid = ZoneInfo("Europe/Madrid")
    before = datetime(2026, 3, 29, 1, tzinfo=madrid)
    after = datetime(2026, 3, 29, 4, tzinfo=madrid)
    assert after - before == timedelta(hours=3)  # by the clock on the wall
    assert instant_of(after) - instant_of(before) == 2 * 60 * MINUTE


def test_both_passes_of_a_doubled_hour_are_told_apart() -> None:
    madrid = ZoneInfo("Europe/Madrid")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=madrid)
    assert instant_of(first.replace(fold=1)) - instant_of(first) == 60 * MINUTE


def test_a_utc_day_has_1440_minutes_whatever_the_zone() -> None:
    minutes = day_minutes(date(2026, 3, 29))
    assert (minutes.start, len(minutes)) == (minute("2026-03-29T00:00Z"), 1440)
    assert day_of(Minute(minutes.start)) == day_of(Minute(minutes.stop - 1)) == date(2026, 3, 29)


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        pytest.param("2026-03-01T00:00Z", "2026-03-01T00:00Z", [], id="nothing"),
        pytest.param("2026-03-02T00:00Z", "2026-03-01T00:00Z", [], id="backwards"),
        pytest.param("2026-03-01T23:59Z", "2026-03-02T00:00Z", [1], id="a day's last minute"),
        pytest.param("2026-03-01T23:59Z", "2026-03-02T00:01Z", [1, 2], id="over midnight"),
        pytest.param("2026-03-01T00:00Z", "2026-03-04T00:00Z", [1, 2, 3], id="whole days"),
    ],
)
def test_the_days_that_a_stretch_touches(start: str, stop: str, expected: list[int]) -> None:
    found = days_between(minute(start), minute(stop))
    assert list(found) == [date(2026, 3, day) for day in expected]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("CET", "summer time", id="CET observes summer time"),
        pytest.param("EST", "abbreviation", id="EST"),
        pytest.param("MSK", "abbreviation", id="MSK"),
        pytest.param("Etc/GMT+5", "UTC-5", id="Etc with its sign turned round"),
        pytest.param("Etc/GMT-3", "UTC-5", id="Etc the other way"),
        pytest.param("GMT+0", "UTC-5", id="GMT with a sign"),
        pytest.param("GMT", "UTC-5", id="GMT"),
        pytest.param("Zulu", "UTC", id="Zulu"),
        pytest.param("", "abbreviation", id="nothing"),
        pytest.param("right/Europe/Madrid", "leap seconds", id="a zone with leap seconds"),
        pytest.param("posix/Europe/Madrid", "Europe/Madrid", id="a zone by its folder"),
    ],
)
def test_zones_that_mean_other_things_than_they_seem_to_are_refused(name: str, says: str) -> None:
    mistake = zone_mistake(name)
    assert mistake is not None
    assert repr(name) in mistake
    assert says in mistake


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Madrid", "America/Argentina/Buenos_Aires", "Pacific/Apia"]
)
def test_places_and_utc_are_taken(name: str) -> None:
    assert zone_mistake(name) is None
