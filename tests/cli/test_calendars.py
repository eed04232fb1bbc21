"""The command line on calendars: a person sees the days and approves them."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.cli.commands import call, write_config


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path)


@pytest.fixture
def file(config: Path) -> Path:
    return config.parent / "calendars" / "CO.toml"


def _approve(config: Path) -> None:
    assert call("calendar", "update", "--by", "Ana", "--yes", config=config).exit_code == 0


def test_days_that_nobody_approved_are_shown_as_such(config: Path) -> None:
    shown = call("calendar", "show", "--year", "2026", config=config).stdout
    assert "approved by nobody" in shown
    assert "2026-07-13  Mon" in shown
    assert "2027" not in shown.split("DAY", 1)[1]


def test_an_update_shows_the_days_asks_and_writes_who_approved_them(
    config: Path, file: Path
) -> None:
    result = call("calendar", "update", "--by", "Ana", config=config, stdin="y\n")
    assert result.exit_code == 0
    assert "Día de los Reyes Magos" in result.stdout
    written = tomllib.loads(file.read_text("utf-8"))
    assert (written["id"], written["approved_by"]) == ("CO", "Ana")
    assert written["days"]["2026-07-13"]


def test_without_a_yes_nothing_is_written(config: Path, file: Path) -> None:
    result = call("calendar", "update", "--by", "Ana", config=config, stdin="n\n")
    assert result.exit_code == 1
    assert "Nothing was written." in result.stdout
    assert not file.exists()


def test_check_warns_until_somebody_approved(config: Path) -> None:
    assert "that nobody approved" in call("check", config=config).stdout
    _approve(config)
    said = call("check", config=config).stdout
    assert "that nobody approved" not in said
    assert "approved by Ana" in said


def test_a_second_update_finds_nothing_to_ask(config: Path) -> None:
    _approve(config)
    result = call("calendar", "update", "--by", "Ben", config=config)
    assert (result.exit_code, "Nothing differs" in result.stdout) == (0, True)


def test_a_difference_is_shown_with_signs_and_own_days_stay(config: Path, file: Path) -> None:
    _approve(config)
    text = file.read_text("utf-8").replace("[also]\n", '[also]\n2027-12-24 = "Nochebuena"\n')
    lines = [line for line in text.splitlines() if not line.startswith("2027-12-25")]
    lines.append('2027-12-30 = "Un día que no existe"')
    file.write_text("\n".join(lines), encoding="utf-8")
    shown = call("calendar", "update", "--by", "Ben", "--yes", config=config).stdout.splitlines()
    assert "+ 2027-12-25 Sat Navidad" in shown
    assert "- 2027-12-30 Thu Un día que no existe" in shown
    assert tomllib.loads(file.read_text("utf-8"))["also"] == {"2027-12-24": "Nochebuena"}


def test_days_as_json_hold_who_approved_them(config: Path) -> None:
    _approve(config)
    (found,) = json.loads(call("calendar", "show", "--json", config=config).stdout)
    assert (found["id"], found["approved_by"]) == ("CO", "Ana")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--client", "nobody"), "wanted one of acme (contracts: datacrm)"),
        (("--contract", "yucrm"), "wanted one of acme (contracts: datacrm)"),
        (("--by", " "), "--by: found nothing"),
    ],
)
def test_a_wrong_option_says_what_is_wanted(
    config: Path, arguments: tuple[str, ...], said: str
) -> None:
    result = call("calendar", "update", "--by", "Ana", *arguments, config=config)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_contract_around_the_clock_has_nothing_to_approve(config: Path) -> None:
    text = config.read_text("utf-8").replace('"datacrm"', '"itil-native"')
    config.write_text(text, encoding="utf-8")
    result = call("calendar", "update", "--by", "Ana", config=config)
    assert (result.exit_code, "there is nothing to approve" in result.stderr) == (2, True)


def test_a_calendar_with_a_mistake_is_told(config: Path, file: Path) -> None:
    _approve(config)
    file.write_text(file.read_text("utf-8").replace('"CO"', '"RU"'), encoding="utf-8")
    result = call("calendar", "show", config=config)
    assert result.exit_code == 2
    assert f'{file}: id: found "RU", wanted "CO"' in result.stderr
