"""The month report as JSON: its shape is relied upon."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from reports.as_json import chain_head, report_json
from tests.reports import samples
from tests.reports.goldens import assert_golden


def _json(statement: Any) -> Any:
    return json.loads(report_json(statement))


def test_the_json_of_a_whole_month_is_as_agreed() -> None:
    assert_golden("report.json", report_json(samples.breached()))


def test_a_statement_gives_the_same_json_twice() -> None:
    assert report_json(samples.breached()) == report_json(samples.breached())


def test_no_key_of_the_agreed_shape_is_missing() -> None:
    report = _json(samples.met_with_nothing_left())
    assert set(report) >= {
        "schema", "client", "period", "revision", "replaces", "contract", "services", "clocks",
        "evidence",
    }  # fmt: skip
    assert set(report["period"]) >= {"month", "timezone", "start", "end", "minutes", "complete"}
    assert set(report["contract"]) >= {
        "id", "version", "sha256", "target", "down", "promised", "attempt_rule", "min_consecutive",
        "min_coverage", "excludes",
    }  # fmt: skip
    assert set(report["services"][0]) >= {
        "id", "name", "minutes", "availability", "low", "high", "coverage", "login_coverage",
        "allowed_down_minutes", "used_down_minutes", "remaining_down_minutes", "verdict",
        "unverified_minutes", "outages", "maintenance", "exceptions", "corrections",
        "letters_sha256",
    }  # fmt: skip
    assert set(report["evidence"]) >= {"chain_head", "first_day", "last_day", "signed"}


def test_instants_are_utc_with_a_z_and_an_unfinished_outage_has_no_end() -> None:
    terms, span = samples.contract(), samples.period("2026-10")
    crm = samples.service(span, {44_630: "D" * 10}, terms)
    outage = _json(samples.statement(span, [crm], terms))["services"][0]["outages"][0]
    assert outage["started_at"] == "2026-11-01T04:50:00Z"
    assert outage["ended_at"] is None


def test_nothing_measured_gives_null_percentages_but_a_coverage() -> None:
    service = _json(samples.nothing_measured())["services"][0]
    assert [service[key] for key in ("availability", "low", "high", "login_coverage")] == [None] * 4
    assert service["coverage"] == "0.0000"
    assert service["verdict"] == "not_measured"


def test_the_letters_hash_is_over_the_months_plain_letters() -> None:
    statement = samples.breached()
    letters = statement.services[0].strip.letters.upper().encode()
    assert _json(statement)["services"][0]["letters_sha256"] == hashlib.sha256(letters).hexdigest()


def test_evidence_is_null_without_a_chain() -> None:
    assert _json(samples.nothing_measured())["evidence"] is None


def test_the_head_of_one_service_is_its_own_and_of_several_the_hash_of_all() -> None:
    one, several = samples.met_with_nothing_left().chain, samples.three_services().chain
    assert chain_head(one) == one[0].head
    lines = "".join(sorted(f"{link.service}:{link.head}\n" for link in several))
    assert chain_head(several) == hashlib.sha256(lines.encode()).hexdigest()
    assert chain_head(several) == chain_head(several[::-1])


def test_a_month_in_progress_says_so_and_its_period_is_the_whole_month() -> None:
    period = _json(samples.in_progress())["period"]
    assert (period["complete"], period["minutes"]) == (False, 44_640)
    assert period["judged_until"] == "2026-10-13T15:15:00Z"


VECTORS = [
    # month's scope, letters, printed, low, verdict
    ("2026-09", {0: "D" * 17}, "99.9606", "99.9606", "met"),
    ("2026-09", {0: "D" * 18}, "99.9583", "99.9583", "breached"),
    ("2026-02", {0: "D" * 16}, "99.9603", "99.9603", "met"),
    ("2026-02", {0: "D" * 17}, "99.9578", "99.9578", "breached"),
    ("2024-02", {0: "D" * 16}, "99.9616", "99.9616", "met"),
    ("2024-02", {0: "D" * 17}, "99.9592", "99.9592", "breached"),
    ("2026-10", {0: "D" * 17}, "99.9619", "99.9619", "met"),
    ("2026-10", {0: "D" * 18}, "99.9596", "99.9596", "breached"),
    ("2026-10", {0: "D" * 7 + "N" * 10}, "99.9843", "99.9619", "met"),
    ("2026-10", {0: "D" * 8 + "N" * 10}, "99.9820", "99.9596", "met_uncertain"),
    ("2026-10", {0: "D" * 300 + "N" * 400}, "99.3218", "98.4318", "breached"),
    ("2026-10", {0: "N" * 30}, "100.0000", "99.9327", "met_uncertain"),
    ("2026-09", {0: "N" * 43_200}, None, None, "not_measured"),
    ("2026-09", {0: "D"}, "99.9976", "99.9976", "met"),
    ("2026-10", {0: "u" * 600}, "100.0000", "98.6559", "insufficient_data"),
]


@pytest.mark.parametrize(("month", "marks", "printed", "low", "verdict"), VECTORS)
def test_the_vectors_are_printed_as_the_rules_say(
    month: str, marks: dict[int, str], printed: str | None, low: str | None, verdict: str
) -> None:
    terms, span = samples.contract("UTC"), samples.period(month, "UTC")
    service = samples.service(span, marks, terms)
    found = _json(samples.statement(span, [service], terms))["services"][0]
    assert (found["availability"], found["low"], found["verdict"]) == (printed, low, verdict)


def test_an_incident_without_a_reference_is_null() -> None:
    statement = samples.met_with_nothing_left()
    line = statement.services[0].outages[0]
    named = replace(line, incident="INC-7")
    service = replace(statement.services[0], outages=(line, named))
    found = _json(replace(statement, services=(service,)))["services"][0]["outages"]
    assert [outage["incident"] for outage in found] == [None, "INC-7"]
