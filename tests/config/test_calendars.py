"""Calendar files: what ships, what a person approved, and which days count."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from uptimed.config import ConfigError, calendar_warnings, load, load_contract
from uptimed.config.calendars import calendar_text, read_calendar, shipped
from uptimed.config.checking import Findings
from uptimed.config.holidaylist import HOLIDAY_SETS, listed
from uptimed.core.calendars import OpenTime, second_of
from uptimed.core.holidays import open_time
from uptimed.core.settings import Settings
from uptimed.core.terms import WeekHours

CONFIG = """
[[clients]]
id = "acme"
name = "ACME"
contract = "datacrm"
[[clients.services]]
id = "crm"
name = "CRM"
probes = [{ id = "front", role = "reach", kind = "http", url = "https://crm.example/" }]
"""
TODAY = date(2026, 11, 22)
HOUR = 3600


def _settings(folder: Path, text: str = CONFIG) -> Settings:
    path = folder / "uptimed.toml"
    path.write_text(text, encoding="utf-8")
    return load(path).settings


def _file(folder: Path, text: str, name: str = "calendars/CO.toml") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _approved(
    set_id: str = "CO",
    *,
    also: Mapping[date, str] | None = None,
    without: frozenset[date] = frozenset(),
) -> str:
    holidays = replace(shipped(set_id), approved_by="Ana", approved_at="2026-11-22T10:00:00+00:00")
    return calendar_text(holidays, also=also or {}, without=without)


def _open(preset: str) -> OpenTime:
    calendar = load_contract(preset).support.calendar
    return open_time(calendar, {calendar.holidays: shipped(calendar.holidays)})


@pytest.mark.parametrize(
    ("preset", "zone", "start", "hours", "due"),
    [
        pytest.param(
            "datacrm", "America/Bogota", "2026-07-10 16:30", 4, "2026-07-14 11:30",
            id="the holiday of 13 July since Ley 2578",
        ),
        pytest.param(
            "yucrm", "Europe/Moscow", "2026-12-30 17:00", 4, "2027-01-11 12:00",
            id="31 December is moved there from 4 January",
        ),
        pytest.param(
            "saleslayer", "Europe/Madrid", "2026-03-27 17:00", 8, "2026-03-30 15:00",
            id="over a clock change",
        ),
        pytest.param(
            "saleslayer", "Europe/Madrid", "2026-04-02 17:00", 2, "2026-04-06 09:00",
            id="Maundy Thursday is no national holiday, Good Friday is",
        ),
        pytest.param(
            "suitecrm", "Europe/London", "2026-12-24 23:00", 2, "2026-12-29 01:00",
            id="Boxing Day on a Saturday is made up for on Monday",
        ),
    ],
)  # fmt: skip
def test_the_days_that_ship_give_the_due_times_of_the_law(
    preset: str, zone: str, start: str, hours: int, due: str
) -> None:
    def at(text: str) -> int:
        return second_of(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))

    begun = second_of(datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone)))
    assert _open(preset).due(begun, hours * HOUR) == at(due)


def test_a_russian_saturday_that_is_worked_has_the_hours_of_its_monday() -> None:
    found = shipped("RU")

    assert found.extra_days[date(2027, 2, 20)] == 0
    assert date(2027, 2, 22) in found.days
    hours = WeekHours(
        zone=ZoneInfo("Europe/Moscow"),
        windows=dict.fromkeys(range(5), ((540, 1080),)),
        holidays=frozenset(found.days),
        extra_days=found.extra_days,
    )
    first = second_of(datetime(2027, 2, 20, tzinfo=hours.zone))
    last = second_of(datetime(2027, 2, 24, tzinfo=hours.zone))
    assert OpenTime(hours).elapsed(first, last) == 9 * HOUR


def test_russian_years_that_are_not_decreed_are_left_out() -> None:
    assert listed("RU", 2027, 2035).last_year == 2027


def test_a_region_of_spain_has_its_own_days_besides_the_nations() -> None:
    madrid, nation = shipped("ES-MD"), shipped("ES")

    assert madrid.days[date(2026, 5, 2)] == "Fiesta de la Comunidad de Madrid"
    assert date(2026, 5, 2) not in nation.days
    assert date(2026, 10, 12) in nation.days.keys() & madrid.days.keys()


@pytest.mark.parametrize("set_id", HOLIDAY_SETS)
def test_every_set_ships_and_nobody_approved_it(set_id: str) -> None:
    found = shipped(set_id)

    assert (found.id, found.approved_by) == (set_id, "")
    assert found.covers(date(2026, 6, 1)) and found.covers(date(2027, 6, 1))
    assert all(found.covers(day) for day in found.days)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    eve = date(2026, 12, 24)
    path = _file(tmp_path, _approved("RU", also={eve: 'Day "X"'}, without=frozenset({eve})))
    found = read_calendar(path, "RU", Findings())

    assert found is not None
    assert found.listed == replace(
        shipped("RU"), approved_by="Ana", approved_at="2026-11-22T10:00:00+00:00"
    )
    assert (found.also, found.without) == ({eve: 'Day "X"'}, frozenset({eve}))
    assert eve not in found.holidays.days


def test_days_that_a_person_added_or_took_away_count(tmp_path: Path) -> None:
    eve, chiquinquira = date(2026, 12, 24), date(2026, 7, 13)
    _file(tmp_path, _approved(also={eve: "Nochebuena"}, without=frozenset({chiquinquira})))
    hours = _settings(tmp_path).client("acme").support.calendar.hours

    assert hours is not None
    assert eve in hours.holidays
    assert chiquinquira not in hours.holidays


def test_an_approved_file_beside_the_configuration_counts(tmp_path: Path) -> None:
    path = _file(tmp_path, _approved())
    client = _settings(tmp_path).client("acme")

    assert client.calendar_path == str(path)
    assert client.support.calendar.frozen is not None
    assert client.support.calendar.frozen.approved_by == "Ana"


def test_a_client_can_have_a_calendar_file_of_its_own(tmp_path: Path) -> None:
    path = _file(tmp_path, _approved(), "acme-days.toml")
    text = CONFIG.replace(
        'contract = "datacrm"', 'contract = "datacrm"\ncalendar_file = "acme-days.toml"'
    )

    assert _settings(tmp_path, text).client("acme").calendar_path == str(path)


def test_days_that_nobody_approved_are_warned_of(tmp_path: Path) -> None:
    (warning,) = calendar_warnings(_settings(tmp_path), TODAY)

    assert "holidays CO that nobody approved: `uptimed calendar update --client acme" in warning


def test_approved_days_are_not_warned_of_until_they_are_about_to_end(tmp_path: Path) -> None:
    _file(tmp_path, _approved())
    settings = _settings(tmp_path)

    assert list(calendar_warnings(settings, TODAY)) == []
    (warning,) = calendar_warnings(settings, date(2028, 11, 22))
    assert "the holidays end with 2028" in warning


def test_around_the_clock_needs_no_holidays(tmp_path: Path) -> None:
    settings = _settings(tmp_path, CONFIG.replace("datacrm", "itil-native"))

    assert list(calendar_warnings(settings, TODAY)) == []
    assert settings.client("acme").calendar_path == ""


GOOD = 'id = "CO"\nversion = "1"\nfirst_year = 2026\nlast_year = 2026\n[days]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            GOOD.replace("CO", "RU"), ['id: found "RU", wanted "CO": the contract names that one'],
            id="another set",
        ),
        pytest.param(
            GOOD.replace("CO", "FR"), ['id: found "FR", wanted '], id="an unknown set"
        ),
        pytest.param(
            GOOD.replace("first_year = 2026", "first_year = 2027"),
            ["last_year: found 2026, wanted no year before the first one"],
            id="years backwards",
        ),
        pytest.param(
            GOOD + '2027-01-01 = "Año Nuevo"\n',
            ["days: found 2027-01-01, wanted days of the years 2026 to 2026"],
            id="a day of another year",
        ),
        pytest.param(
            GOOD + '2026-02-30 = "?"\n', ['days: found "2026-02-30", wanted dates'], id="no date"
        ),
        pytest.param(
            'approved_by = "Ana"\n' + GOOD,
            ["approved_by: found half of an approval, wanted approved_by and approved_at, or none"],
            id="half of an approval",
        ),
        pytest.param(
            GOOD + '[extra_days]\n2026-12-26 = "saturday"\n',
            ['extra_days: found "saturday", wanted dates and the weekday'],
            id="no weekday",
        ),
        pytest.param(
            "holiday = 1\n" + GOOD, ["holiday: found an unknown key"], id="an unknown key"
        ),
        pytest.param("id = ", ["found a mistake in the syntax"], id="no TOML"),
    ],
)  # fmt: skip
def test_a_bad_calendar_is_told(tmp_path: Path, text: str, said: list[str]) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        _settings(tmp_path)

    told = [str(each).removeprefix(f"{path}: ") for each in caught.value.mistakes]
    assert len(told) == len(said)
    assert all(want in got for got, want in zip(told, said, strict=True)), told


def test_a_calendar_file_for_a_contract_without_holidays_is_told(tmp_path: Path) -> None:
    text = CONFIG.replace(
        'contract = "datacrm"', 'contract = "itil-native"\ncalendar_file = "a.toml"'
    )
    with pytest.raises(ConfigError, match=r"calendar_file.*names no set of holidays"):
        _settings(tmp_path, text)
