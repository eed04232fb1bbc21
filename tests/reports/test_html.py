"""The page: whole, in three languages, and safe against what people write into names."""

import re
from dataclasses import replace
from typing import Any

import pytest

from reports.html import css_string, report_html
from reports.theme import HOUSE_COLOUR, contrast_with_white, readable
from reports.view import MOST_OUTAGES
from tests.reports import samples
from tests.reports.goldens import assert_golden
from uptimed.core.statement import Party, Statement


def _text(page: str) -> str:
    """Return what a reader reads: no tags, no style, plain spaces."""
    body = page.partition("<body")[2]
    body = body.replace("</td>", " ").replace("</th>", " ")
    plain = re.sub(r"<(style|svg)\b.*?</\1>|<[^>]+>", "", body, flags=re.DOTALL)
    return re.sub(r"\s+", " ", plain.replace("\xa0", " "))


@pytest.mark.parametrize("code", ["en", "es", "ru"])
def test_a_whole_page_is_as_reviewed(code: str) -> None:
    assert_golden(f"report-{code}.html", report_html(samples.breached(), code))


def test_the_first_sentence_tells_the_result_in_plain_words() -> None:
    text = _text(report_html(samples.met_with_nothing_left(), "en"))
    assert (
        "In October 2026 DataCRM could be used in 44,623 of 44,640 measured minutes: 99.9619 %. "
        "Promised: 99.96 %, that is at most 17 minutes down. 17 were used, 0 remain." in text
    )


def test_the_sum_is_written_out() -> None:
    text = _text(report_html(samples.met_with_nothing_left(), "en"))
    assert "44,623 ÷ 44,640 = 99.9619 %, cut off after four decimals, never rounded." in text
    assert "(100 % − 99.96 %) × 44,640 = 0.04 % × 44,640 = 17.856, in whole minutes 17." in text


def test_without_a_promise_nothing_is_met_or_breached() -> None:
    text = _text(report_html(samples.below_the_house_reference(), "en"))
    assert "Below the house reference" in text
    assert "No promise of the vendor" in text
    assert not re.search(r"\b(Met|Breached|Promised:)\b", text)


def test_what_is_not_proven_is_headed_so() -> None:
    text = _text(report_html(samples.not_proven(), "en"))
    assert "Not proven" in text
    assert "What was measured keeps the promise" in text
    assert not re.search(r"\b(Met|Breached)\b", text)


def test_a_month_in_progress_says_that_it_is_not_the_result() -> None:
    text = _text(report_html(samples.in_progress(), "en"))
    assert "so far" in text
    assert "The month is not over." in text
    assert "× (17,891 + 26,745 still to come) = 17.8544" in text
    assert not re.search(r"\b(Met|Breached)\b", text)


def test_nothing_measured_prints_no_percentage_of_availability() -> None:
    text = _text(report_html(samples.nothing_measured(), "en"))
    assert "no minute of DataCRM was measured" in text
    assert "99.96 %" in text  # the target, in the terms
    assert set(re.findall(r"[\d.]+ %", text)) <= {
        "0.0000 %", "99.96 %", "99.9 %", "99.7916 %"
    }  # fmt: skip


def test_a_demonstration_says_so_and_a_real_report_does_not() -> None:
    said = "Made-up history: a demonstration"
    assert _text(report_html(samples.demonstration(), "en")).count(said) == 1  # the watermark
    assert css_string(said) in report_html(samples.demonstration(), "en")  # every page's head
    assert said not in report_html(samples.met_with_nothing_left(), "en")


def test_fewer_than_two_references_are_warned_of() -> None:
    warning = "Fewer than two reference targets"
    assert warning in report_html(samples.met_with_nothing_left(references=1), "en")
    assert warning not in report_html(samples.met_with_nothing_left(), "en")


def test_services_are_never_pooled_into_one_figure() -> None:
    text = _text(report_html(samples.three_services(), "en"))
    assert {"99.9932 %", "99.8902 %"} <= set(re.findall(r"[\d.]+ %", text))
    assert "never added up or averaged" in text


def test_a_full_hundred_is_printed_only_where_nothing_was_down() -> None:
    terms, span = samples.contract(), samples.period("2026-10")
    for marks, full in (({0: "D"}, False), ({}, True)):
        crm = samples.service(span, marks, terms)
        page = report_html(samples.statement(span, [crm], terms), "en")
        assert ("could be used in 44,640 of 44,640 measured minutes: 100.0000" in page) is full


HOSTILE = "<script>alert('x')</script>\"'{{ 7*7 }}{0}%s</style>"


def test_hostile_words_are_shown_and_never_obeyed() -> None:
    terms, span = samples.contract(name=HOSTILE, source=HOSTILE), samples.period("2026-10")
    crm = samples.service(
        span, {5: "D", 50: "N"}, terms, name=HOSTILE, reasons=((HOSTILE, HOSTILE),),
        gap=(HOSTILE, HOSTILE),
    )  # fmt: skip
    party = Party(name=HOSTILE, contact=HOSTILE, colour=HOSTILE)
    page = report_html(samples.statement(span, [crm], terms, client=party, operator=party), "es")
    assert "<script" not in page
    assert page.count("</style>") == 1
    assert "&lt;script&gt;" in page
    assert "{{ 7*7 }}" in page


def test_of_too_many_outages_the_longest_are_listed_and_the_rest_is_counted() -> None:
    page = report_html(samples.flapping(), "en")
    assert page.count("<td>System down</td>") == MOST_OUTAGES
    assert "further outages with" in page


def test_a_style_string_cannot_be_left() -> None:
    assert css_string('a"}</style>') == '"a\\22 \\7d \\3c \\2f style\\3e "'


@pytest.mark.parametrize(
    ("colour", "seen"),
    [("#ffff00", None), ("#12496b", "#12496b"), ("red", HOUSE_COLOUR), ("", HOUSE_COLOUR)],
)
def test_a_colour_is_darkened_until_it_can_be_read(colour: str, seen: str | None) -> None:
    found = readable(colour)
    channels = [int(found[at : at + 2], 16) for at in (1, 3, 5)]
    assert contrast_with_white(channels) >= 4.5
    assert seen in {None, found}


def test_a_logo_of_a_kind_we_do_not_show_is_a_name() -> None:
    statement = samples.met_with_nothing_left()
    png = replace(statement.operator, logo=b"\x89PNG", logo_type="image/png")
    exe = replace(statement.operator, logo=b"MZ", logo_type="text/html")
    assert "data:image/png;base64," in report_html(replace(statement, operator=png), "en")
    assert "data:text/html" not in report_html(replace(statement, operator=exe), "en")


@pytest.mark.parametrize("code", ["es", "ru"])
@pytest.mark.parametrize("name", ["breached", "not-proven", "in-progress", "nothing-measured"])
def test_no_english_is_left_on_the_pages_of_another_language(code: str, name: str) -> None:
    made: Any = samples.SAMPLES[name]()
    statement: Statement = made
    page = re.sub(r'<span lang="en">.*?</span>|<code>.*?</code>', "", report_html(statement, code))
    words = set(re.findall(r"[a-z]+", _text(page).lower()))
    assert not words & {"the", "minutes", "and", "was", "were", "outage", "month", "not"}
