"""Figures become words: cut off, never rounded, as the language writes them."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reports.figures import Words, decimal_percent, offset, verdict_heading
from reports.language import language_of
from tests.reports import samples
from uptimed.core.minutes import instant_of, utc
from uptimed.core.observations import Instant
from uptimed.core.terms import WeekHours


def _words(code: str, zone: str = samples.BOGOTA) -> Words:
    return Words(language_of(code), ZoneInfo(zone))


@pytest.mark.parametrize(
    ("ppm", "text"),
    [(1_000_000, "100.0000"), (999_999, "99.9999"), (999_600, "99.9600"), (7, "0.0007"),
     (0, "0.0000"), (None, None)],
)  # fmt: skip
def test_a_percentage_has_four_decimals(ppm: int | None, text: str | None) -> None:
    assert decimal_percent(ppm) == text


@pytest.mark.parametrize(
    ("code", "percent", "number"),
    [("en", "99.9619 %", "44,640"), ("es", "99,9619 %", "44.640"), ("ru", "99,9619 %", "44 640")],
)
def test_numbers_are_written_as_the_language_does(code: str, percent: str, number: str) -> None:
    words = _words(code)
    assert words.percent(999_619).replace("\xa0", " ") == percent
    assert words.number(44_640).replace("\xa0", " ") == number


def test_a_negative_number_has_a_minus_sign_and_no_hyphen() -> None:
    assert _words("en").number(-1_318) == "−1,318"


@pytest.mark.parametrize(
    ("n", "text"),
    [(1, "1 минута"), (2, "2 минуты"), (5, "5 минут"), (11, "11 минут"), (21, "21 минута"),
     (1_004, "1 004 минуты"), (0, "0 минут")],
)  # fmt: skip
def test_russian_minutes_have_three_forms(n: int, text: str) -> None:
    assert _words("ru").minutes(n).replace("\xa0", " ") == text


@pytest.mark.parametrize(
    ("code", "month"),
    [("en", "October 2026"), ("es", "octubre de 2026"), ("ru", "октябрь 2026 г.")],
)
def test_a_month_is_named_as_the_language_does(code: str, month: str) -> None:
    assert _words(code).month("2026-10") == month


def test_an_instant_is_in_the_clients_zone_with_its_offset() -> None:
    at = instant_of(datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    assert _words("en", samples.MADRID).instant(at).replace("\xa0", " ") == (
        "25 Oct 2026, 02:30 UTC+1"
    )
    assert _words("es").instant(at).replace("\xa0", " ") == "24 oct 2026, 20:30 UTC−5"
    assert _words("ru", samples.MOSCOW).instant(at).replace("\xa0", " ") == (
        "25.10.2026, 04:30 UTC+3"
    )


def test_an_offset_of_half_an_hour_is_written_out() -> None:
    assert offset(datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Kolkata"))) == "UTC+5:30"


def test_utc_has_microseconds_only_where_there_are_any() -> None:
    assert utc(Instant(0)) == "1970-01-01T00:00:00Z"
    assert utc(Instant(1_250_000)) == "1970-01-01T00:00:01.250000Z"


@pytest.mark.parametrize(
    ("duration_us", "text"),
    [(183_999, "183 ms"), (999_999, "999 ms"), (1_204_999, "1.204 s"), (None, "—")],
)
def test_a_response_time_is_cut_off_at_milliseconds(duration_us: int | None, text: str) -> None:
    assert _words("en").took(duration_us).replace("\xa0", " ") == text


@pytest.mark.parametrize(
    ("minutes", "text"), [(0, "0 min"), (95, "1 h 35 min"), (1_440, "1 d"), (43_200, "30 d")]
)
def test_a_length_of_time_is_in_days_hours_and_minutes(minutes: int, text: str) -> None:
    assert _words("en").span(minutes).replace("\xa0", " ") == text


def test_the_allowance_is_exact() -> None:
    figures = samples.met_with_nothing_left().services[0].figures
    assert _words("en").allowance(figures) == "17.856"
    assert _words("en").shortfall(figures).replace("\xa0", " ") == "0.04 %"


def test_equal_weekdays_are_told_together() -> None:
    office = ((8 * 60, 12 * 60), (14 * 60, 17 * 60))
    hours = WeekHours(
        zone=ZoneInfo(samples.BOGOTA),
        windows={**dict.fromkeys(range(5), office), 5: ((540, 1440),)},
    )
    assert _words("en").week(hours) == "Mon–Fri 08:00–12:00, 14:00–17:00; Sat 09:00–24:00"


@pytest.mark.parametrize(
    ("make", "en", "es", "ru"),
    [
        (samples.met_with_nothing_left, "Met", "Cumplido", "Выполнено"),
        (samples.breached, "Breached", "Incumplido", "Нарушено"),
        (samples.not_proven, "Not proven", "No demostrado", "Не доказано"),
        (samples.nothing_measured, "Not measured", "No medido", "Не измерено"),
        (
            samples.below_the_house_reference,
            "Below the house reference",
            "Por debajo de nuestra referencia",
            "Ниже нашего ориентира",
        ),
        (
            samples.in_progress,
            "So far: within what is allowed",
            "Hasta ahora: dentro de lo permitido",
            "На сегодня: в пределах допустимого",
        ),
    ],
)
def test_a_verdict_has_its_words_in_every_language(make: Any, en: str, es: str, ru: str) -> None:
    statement = make()
    assert [
        verdict_heading(
            language_of(code),
            statement.services[0].figures,
            statement.contract,
            complete=statement.period.complete,
        )
        for code in ("en", "es", "ru")
    ] == [en, es, ru]


def test_a_language_we_do_not_speak_is_english_and_a_region_is_its_language() -> None:
    assert language_of("de").code == "en"
    assert language_of("es-CO").code == "es"


def test_a_date_in_russian_is_in_figures() -> None:
    assert _words("ru").day(date(2026, 10, 4)) == "04.10.2026"
