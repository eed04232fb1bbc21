"""The page of incidents and support clocks, whole and in its odd cases."""

import json
import re
from dataclasses import replace

import pytest

from reports.as_json import report_json
from reports.html import report_html
from reports.support_view import MOST_INCIDENTS
from tests.core.cases import span, support_of, with_clocks
from tests.reports import samples
from tests.reports.goldens import assert_golden
from tests.reports.supporting import NATIVE, native, opened, supporting
from uptimed.core.incidents import Resolved, Responded
from uptimed.core.statement import Statement
from uptimed.core.support import ClockKind, ClockTerms, Start

HOUR = ClockTerms(clock=ClockKind.FIRST_RESPONSE, target=span("1h"))


def section(statement: Statement, code: str) -> str:
    page = report_html(statement, code)
    found = re.search(r'<section class="part" id="support">.*?</section>', page, re.DOTALL)
    assert found is not None
    return found[0]


def text(statement: Statement, code: str = "en") -> str:
    plain = re.sub(r"<[^>]+>", " ", section(statement, code))
    return re.sub(r"\s+", " ", plain.replace("\xa0", " "))


@pytest.mark.parametrize("code", ["en", "es", "ru"])
def test_the_page_is_as_reviewed(code: str) -> None:
    assert_golden(f"support-{code}.html", section(native(), code) + "\n")


def test_the_json_is_as_reviewed() -> None:
    made = json.loads(report_json(native()))
    told = {"clocks": made["clocks"], "incidents": made["incidents"]}
    assert_golden("support.json", json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def test_shares_are_counted_over_all_severities_where_the_contract_has_a_goal() -> None:
    told = text(native())
    assert (
        "First response all severities together — 1 of 2 50.0000 % 95 % Missed ACME-2026-0002"
        in told
    )
    assert "Updates + Escalation all severities together — 1 of 2 50.0000 % 90 % Missed" in told


def test_restoring_and_availability_are_said_to_be_two_promises() -> None:
    tale = (("2026-10-02 09:00", opened("system_down", "system_down")),)
    statement = replace(samples.met_with_nothing_left(), support=supporting([tale], "datacrm"))
    assert (
        "The time to restore and availability are separate promises: one can be kept while the "
        "other is broken. An outage that is restored just within 1 h 30 min takes 90 of the 17 "
        "minutes that may be down in this month."
    ) in text(statement)


def test_where_nothing_is_promised_no_allowed_minutes_are_spoken_of() -> None:
    statement = replace(samples.below_the_house_reference(), support=supporting([], "datacrm"))
    assert "separate promises" in text(statement)
    assert "may be down" not in text(statement)


def test_without_incidents_there_is_no_hundred_per_cent() -> None:
    told = text(native(support=supporting([])))
    assert "There was no incident in October 2026, so there is nothing to judge." in told
    assert "no incidents" in told
    assert "100.0000" not in told


def test_a_contract_without_clocks_has_no_such_page() -> None:
    assert 'id="support"' not in report_html(samples.breached(), "en")
    made = json.loads(report_json(samples.breached()))
    assert (made["clocks"], made["incidents"]) == ([], [])


def test_a_mean_is_shown_with_its_n_and_without_a_verdict() -> None:
    terms = replace(
        support_of("saleslayer"),
        plans=tuple(
            replace(
                plan,
                clocks=tuple(replace(c, starts=Start.OPENING, channel="") for c in plan.clocks),
            )
            for plan in support_of("saleslayer").plans
        ),
    )
    tales = [
        (("2026-10-05 10:00", opened("critical")), ("2026-10-05 10:04", Responded())),
        (("2026-10-06 10:00", opened("critical")), ("2026-10-06 10:08", Responded())),
    ]
    told = text(native(support=supporting(tales, terms, plan="enterprise")))
    assert "First response Enterprise 2 h 6 min over 2 incidents 2 of 2" in told
    assert "5 min on average 6 min over 2 incidents 1 of 2" in told
    assert "What was in time" not in told


def test_what_is_only_proposed_is_counted_nowhere_and_said() -> None:
    terms = with_clocks("suitecrm", "severity_1", HOUR)
    tale = (
        ("2026-10-05 10:00", replace(opened("severity_1"), proposed=True)),
        ("2026-10-05 11:00", Responded()),
        ("2026-10-05 12:00", Resolved()),
    )
    told = text(native(support=supporting([tale], terms)))
    assert "Error de gravedad 1, proposed" in told
    assert "nobody confirmed the severity" in told
    assert "no incidents (1 without a confirmed severity)" in told


def test_of_too_many_incidents_those_that_missed_are_written_out() -> None:
    late = NATIVE[1]
    many = [NATIVE[0]] * (MOST_INCIDENTS + 5) + [late]
    told = text(native(support=supporting(many)))
    assert f"ACME-2026-{len(many):04}" in told
    assert "6 further incidents are in the attached files." in told


HOSTILE = "<script>alert('x')</script>{{ 7*7 }}{0}%s"


def test_hostile_words_are_shown_and_never_obeyed() -> None:
    statement = native()
    assert statement.support is not None
    lines = tuple(
        replace(line, cause=HOSTILE, remedy=HOSTILE, recurrence_of=HOSTILE)
        for line in statement.support.incidents
    )
    page = report_html(
        replace(statement, support=replace(statement.support, incidents=lines)), "es"
    )
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("code", ["es", "ru"])
def test_no_english_is_left_on_it(code: str) -> None:
    words = set(re.findall(r"[a-z]+", text(native(), code).lower()))
    assert not words & {"the", "incident", "and", "was", "were", "time", "missed", "open", "not"}
