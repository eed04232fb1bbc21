"""A first configuration for each system that has a login preset."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from uptimed.cli import uptimed
from uptimed.config import load_contract
from uptimed.core.targets import LoginTarget
from uptimed.core.terms import Role
from uptimed.wiring.flows import load_with_flows

PRESETS = sorted(
    path.stem for path in (Path(__file__).parents[2] / "probes" / "presets").glob("*.toml")
)


def begin(path: Path, *options: str) -> str:
    command = ["init", "--url", "https://crm.acme.example/", "-o", str(path), *options]
    result = CliRunner().invoke(uptimed, command)
    assert result.exit_code == 0, result.output
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_written_for_a_preset_loads_and_logs_in_with_it(
    preset: str, tmp_path: Path
) -> None:
    path = tmp_path / "uptimed.toml"
    begin(path, "--preset", preset)

    service = load_with_flows(path).settings.services[0]
    login = next(p for p in service.probes if p.role is Role.LOGIN)

    assert isinstance(login.target, LoginTarget)
    assert login.target.preset == preset
    assert len(login.target.accounts) == 2
    assert any(p.role is Role.REACH for p in service.probes)


def test_the_systems_own_anonymous_call_is_the_reach_probe(tmp_path: Path) -> None:
    text = begin(tmp_path / "uptimed.toml", "--preset", "suitecrm8")

    assert 'url = "https://crm.acme.example/session-status"' in text


def test_what_is_not_known_of_a_system_is_said_at_once(tmp_path: Path) -> None:
    text = begin(tmp_path / "uptimed.toml", "--preset", "suitecrm8")

    assert "how a SAML or LDAP system answers" in text


@pytest.mark.parametrize(
    ("preset", "contract"),
    [("datacrm", "datacrm"), ("saleslayer", "saleslayer"), ("yucrm", "yucrm"),
     ("suitecrm7-rest", "suitecrm"), ("form", "datacrm")],
)  # fmt: skip
def test_the_vendors_own_agreement_is_the_contract(
    preset: str, contract: str, tmp_path: Path
) -> None:
    path = tmp_path / "uptimed.toml"
    begin(path, "--preset", preset)

    assert load_with_flows(path).settings.clients[0].contract.id == load_contract(contract).terms.id


def test_a_preset_that_is_not_known_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "uptimed.toml"
    result = CliRunner().invoke(uptimed, ["init", "--preset", "nope", "-o", str(path)])

    assert result.exit_code == 2
    assert "found 'nope', wanted a file, or one of" in result.output
    assert not path.exists()


def test_what_else_may_be_set_stands_there_with_what_it_is(tmp_path: Path) -> None:
    text = begin(tmp_path / "uptimed.toml", "--preset", "form")

    assert '#   login_path = "/login": the page with the form\n' in text
    assert '#   blocked_text = ["account is locked", "account has been locked", ...]: ' in text
