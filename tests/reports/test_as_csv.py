"""The minutes as CSV: whoever counts them gets the report's figures."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from reports.as_csv import edges_csv, minutes_csv
from tests.reports import samples
from uptimed.core.minutes import Minute
from uptimed.core.statement import Statement
from uptimed.core.strip import Strip

HEADER = "service,minute_utc,letter,overlay\n"


def _rows(text: str) -> Iterator[dict[str, str]]:
    return iter(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("make", [samples.breached, samples.three_services, samples.in_progress])
def test_counting_the_rows_gives_the_figures(make: Callable[[], Statement]) -> None:
    statement = make()
    counts = Counter(
        (row["service"], row["letter"] if row["overlay"] == "." else row["overlay"])
        for row in _rows(minutes_csv(statement))
    )
    for service in statement.services:
        figures = service.figures
        found = {letter: counts[service.id, letter] for letter in "UGDLNMEX"}
        assert found["D"] == figures.system_down
        assert found["L"] == figures.login_failure
        assert found["N"] == figures.not_measured
        assert found["M"] == figures.maintenance
        assert found["X"] == figures.out_of_scope
        assert found["U"] + found["G"] == figures.up
        assert sum(found.values()) == figures.total


def test_a_minute_is_an_utc_instant_and_letters_are_plain() -> None:
    terms, span = samples.contract(), samples.period("2026-10")
    crm = samples.service(span, {1: "ug"}, terms)
    lines = minutes_csv(samples.statement(span, [crm], terms)).splitlines()
    assert lines[:4] == [
        HEADER.strip(),
        "acme-crm,2026-10-01T05:00:00Z,U,.",
        "acme-crm,2026-10-01T05:01:00Z,U,.",
        "acme-crm,2026-10-01T05:02:00Z,G,.",
    ]
    assert lines[-1] == "acme-crm,2026-11-01T04:59:00Z,U,."
    assert len(lines) == 1 + 44_640


def test_a_service_whose_name_holds_a_comma_or_a_quote_stays_one_field() -> None:
    terms, span = samples.contract(), samples.period("2026-10", judged=3)
    crm = samples.service(span, {}, terms, id='a,"b')
    rows = list(_rows(minutes_csv(samples.statement(span, [crm], terms))))
    assert {row["service"] for row in rows} == {'a,"b'}


def test_the_edges_are_the_minutes_outside_the_month_only() -> None:
    terms, span = samples.contract(), samples.period("2026-10", judged=3)
    crm = replace(
        samples.service(span, {0: "D"}, terms),
        around=Strip(Minute(span.start - 3), "uDD" + "DUU" + "U"),
    )
    rows = list(_rows(edges_csv(samples.statement(span, [crm], terms))))
    assert [row["letter"] for row in rows] == ["U", "D", "D", "U"]
    assert [row["minute_utc"][11:16] for row in rows] == ["04:57", "04:58", "04:59", "05:03"]


def test_what_lies_over_the_edges_is_told_since_it_is_no_part_of_an_outage() -> None:
    terms, span = samples.contract(), samples.period("2026-10", judged=3)
    crm = replace(
        samples.service(span, {0: "D"}, terms),
        around=Strip(Minute(span.start - 3), "uDD" + "DUU" + "U"),
        around_overlay=".M." + "..." + "X",
    )
    rows = list(_rows(edges_csv(samples.statement(span, [crm], terms))))
    assert [row["overlay"] for row in rows] == [".", "M", ".", "X"]


def test_a_month_without_edges_has_a_header_only() -> None:
    terms, span = samples.contract(), samples.period("2026-10", judged=3)
    crm = samples.service(span, {}, terms)
    crm = replace(crm, around=crm.strip)
    assert edges_csv(samples.statement(span, [crm], terms)) == HEADER
