"""The command line on contracts: where values come from, and how two of them differ."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.commands import call, journal_of, minute, settings_of, write_config
from uptimed.core.settings import Settings
from uptimed.ports import Batch
from uptimed.stores.sqlite import open_ledger
from uptimed.wiring.agreed import contract_records

OURS = 'id = "ours"\nversion = "2"\nextends = "datacrm"\n[availability]\ntarget = "99.5"\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _kept(config: Path, settings: Settings) -> None:
    with open_ledger(journal_of(config)) as ledger:
        ledger.write(Batch(contracts=contract_records(settings, minute("2026-10-01 00:00"))))


def test_a_preset_is_shown_as_the_file_with_its_clauses() -> None:
    shown = call("contracts", "show", "datacrm").stdout
    assert '# "Disponibilidad del servicio: 99.96%"' in shown


def test_a_contract_that_extends_is_shown_as_both_together_with_origins(here: Path) -> None:
    Path("ours.toml").write_text(OURS, encoding="utf-8")
    shown = call("contracts", "show", "./ours.toml").stdout
    document = tomllib.loads(shown)
    assert document["availability"]["target"] == "99.5"
    assert document["severities"][0]["id"] == "system_down"
    assert 'target = "99.5"                             # ours.toml\n' in shown
    assert 'holidays = "CO"                             # datacrm, house reading\n' in shown


def test_what_is_shown_of_both_together_has_the_same_hash(here: Path) -> None:
    Path("ours.toml").write_text(OURS, encoding="utf-8")
    Path("whole.toml").write_text(call("contracts", "show", "ours.toml").stdout, encoding="utf-8")
    hashes = {
        json.loads(call("contracts", "show", name, "--json").stdout)["sha256"]
        for name in ("ours.toml", "whole.toml")
    }
    assert len(hashes) == 1


def test_origins_are_a_line_for_each_value_defaults_of_ours_too(here: Path) -> None:
    text = 'id = "o"\nversion = "1"\ntimezone = "UTC"\n[availability]\ntarget = "99"\n'
    Path("mine.toml").write_text(text, encoding="utf-8")
    lines = call("contracts", "show", "mine.toml", "--origins").stdout.splitlines()
    assert any(line.split() == ["availability.target", '"99"', "mine.toml"] for line in lines)
    assert any("availability.min_coverage" in x and "house reading" in x for x in lines)


def test_a_difference_is_a_line_for_each_value_and_ends_with_1(here: Path) -> None:
    Path("ours.toml").write_text(OURS, encoding="utf-8")
    result = call("contracts", "diff", "datacrm", "ours.toml")
    assert result.exit_code == 1
    assert 'availability.target: "99.96" -> "99.5"' in result.stdout.splitlines()


def test_the_same_terms_differ_in_nothing() -> None:
    result = call("contracts", "diff", "datacrm", "datacrm")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "They say the same.")


def test_a_difference_as_json_holds_the_values(here: Path) -> None:
    Path("ours.toml").write_text(OURS, encoding="utf-8")
    found = json.loads(call("contracts", "diff", "datacrm", "ours.toml", "--json").stdout)
    assert {"key": "availability.target", "before": "99.96", "after": "99.5"} in found[
        "differences"
    ]


def test_what_is_on_record_is_compared_with_what_is_configured(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    _kept(config, settings_of(config))
    assert call("contracts", "diff", "--client", "acme", config=config).exit_code == 0
    (tmp_path / "terms").mkdir()
    (tmp_path / "terms" / "ours.toml").write_text(OURS, encoding="utf-8")
    text = config.read_text("utf-8").replace('"datacrm"', '"./terms/ours.toml"')
    config.write_text(text, encoding="utf-8")
    result = call("contracts", "diff", "--client", "acme", config=config)
    assert result.exit_code == 1
    assert "on record since 2026-10-01T00:00" in result.stdout
    assert 'availability.target: "99.96" -> "99.5"' in result.stdout


@pytest.mark.parametrize(
    "arguments", [(), ("datacrm",), ("a", "b", "c"), ("--client", "x", "a", "b")]
)
def test_a_difference_needs_two_sides(arguments: tuple[str, ...]) -> None:
    assert call("contracts", "diff", *arguments).exit_code == 2


def test_a_client_of_whom_nothing_is_on_record_is_told(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    result = call("contracts", "diff", "--client", "acme", config=config)
    assert (result.exit_code, "nothing is on record" in result.stderr) == (2, True)


def test_check_says_that_a_change_counts_from_the_next_month_on(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    settings = settings_of(config)
    _kept(config, settings)
    assert "differs from what is on record" not in call("check", config=config).stdout
    (client,) = settings.clients
    other = replace(client, contract=replace(client.contract, target="99"))
    _kept(config, replace(settings, clients=(other,)))
    said = call("check", config=config).stdout
    assert "note: client acme: what is agreed differs from what is on record" in said
    assert "counts from the next month on" in said
