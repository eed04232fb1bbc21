"""Quarters and years: the same minutes as their months, pooled and never averaged."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import call, jsonl, looks, minute, write_config
from uptimed.core.minutes import Minute


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration with 100 minutes in July, 10 of them down, and 900 up in August."""
    config = write_config(tmp_path)
    july, august = minute("2026-07-10 12:00"), minute("2026-08-10 12:00")
    lines = [*looks(july, f"{'U' * 70}{'D' * 10}{'U' * 20}"), *looks(Minute(august), "U" * 900)]
    assert call("import", "-", config=config, stdin=jsonl(lines)).exit_code == 0
    return config


def drawn(config: Path, *period: str) -> dict[str, Any]:
    result = call("report", *period, "--format", "json", config=config)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_minutes_are_pooled_and_percentages_are_not_averaged(config: Path) -> None:
    (service,) = drawn(config, "--quarter", "2026-Q3")["services"]

    assert [month["availability"] for month in service["months"]] == ["90.0000", "100.0000", None]
    assert (service["minutes"]["up"], service["minutes"]["measured"]) == (990, 1000)
    assert service["availability"] == "99.0000"
    assert "verdict" not in service


def test_a_month_is_the_same_alone_and_in_its_quarter_and_year(config: Path) -> None:
    (alone,) = drawn(config, "--month", "2026-07")["services"]
    for period in (("--quarter", "2026-Q3"), ("--year", "2026")):
        (service,) = drawn(config, *period)["services"]
        month = next(each for each in service["months"] if each["month"] == "2026-07")
        for key in ("availability", "low", "high", "coverage", "verdict", "allowed_down_minutes"):
            assert month[key] == alone[key]
        assert month["minutes"].items() <= alone["minutes"].items()


def test_a_period_is_that_of_the_contracts_zone(config: Path) -> None:
    period = drawn(config, "--quarter", "2026-Q3")["period"]

    assert (period["start"], period["end"]) == ("2026-07-01T05:00:00Z", "2026-10-01T05:00:00Z")
    assert (period["minutes"], period["complete"]) == (92 * 1440, True)


def test_its_incidents_are_those_of_all_its_months(config: Path) -> None:
    call("incident", "detect", "--month", "2026-07", config=config)
    report = drawn(config, "--year", "2026")

    assert [one["reference"] for one in report["incidents"]] == ["ACME-2026-0001"]
    (restore,) = [row for row in report["clocks"] if row["clock"] == "restore"]
    assert (restore["met"], restore["decided"], restore["verdict"]) == (1, 1, "met")


def test_a_month_that_has_not_begun_is_left_out(config: Path) -> None:
    (service,) = drawn(config, "--quarter", "2026-Q3")["services"]
    assert [month["month"] for month in service["months"]] == ["2026-07", "2026-08", "2026-09"]


@pytest.mark.parametrize("code", ["en", "es", "ru"])
def test_the_page_is_spoken_in_each_language(config: Path, code: str) -> None:
    page = call(
        "report", "--quarter", "2026-Q3", "--format", "html", "--language", code, config=config
    ).stdout
    plain = re.sub(r"\s+", " ", re.sub(r"<(style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL))

    assert {"en": "quarter 3 of 2026", "es": "trimestre 3 de 2026", "ru": "3-й квартал 2026 г."}[
        code
    ] in plain
    assert {"en": "990 of 1,000", "es": "990 de los 1.000", "ru": "990"}[code] in plain


@pytest.mark.slow
def test_it_can_be_printed(config: Path, tmp_path: Path) -> None:
    paper = tmp_path / "q.pdf"
    result = call("report", "--quarter", "2026-Q3", "-o", str(paper), config=config)

    assert result.exit_code == 0, result.output
    assert paper.read_bytes().startswith(b"%PDF-1.7")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        pytest.param((), "wanted one of --month", id="none"),
        pytest.param(("--month", "2026-07", "--year", "2026"), "wanted one of", id="two"),
        pytest.param(("--quarter", "2026-Q5"), "wanted one such as 2026-Q4", id="quarter"),
        pytest.param(("--year", "26"), "wanted one such as 2026", id="year"),
        pytest.param(("--year", "2999"), "has not begun yet", id="to come"),
        pytest.param(("--year", "2026", "--format", "csv"), "csv is for one month", id="csv"),
    ],
)
def test_what_is_no_period_is_refused(config: Path, options: tuple[str, ...], why: str) -> None:
    result = call("report", *options, config=config)

    assert result.exit_code == 2
    assert why in result.stderr
