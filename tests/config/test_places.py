"""Where a configuration is looked for, and how a directory of files becomes one."""

from pathlib import Path

import pytest

from uptimed.config import ConfigError, find_config, load

CLIENT = """
[[clients]]
id = "{id}"
name = "{id}"
contract = "{contract}"

[[clients.services]]
id = "{id}-crm"
name = "CRM"

[[clients.services.probes]]
id = "front"
role = "reach"
kind = "http"
url = "https://{id}.example/"
"""
REFERENCES = '[self_check]\nreferences = ["https://one.example/", "tcp://192.0.2.1:53"]\n'


def _write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _client(name: str, contract: str = "datacrm") -> str:
    return CLIENT.format(id=name, contract=contract)


def _mistakes(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return [str(mistake).removeprefix(f"{path}/") for mistake in caught.value.mistakes]


def test_the_option_comes_before_the_variable_the_local_file_and_the_system(tmp_path: Path) -> None:
    option = _write(tmp_path / "option.toml")
    variable = _write(tmp_path / "variable.toml")
    system = tmp_path / "etc"
    env = {"UPTIMED_CONFIG": str(variable)}
    assert find_config(str(option), env, tmp_path, system=system) == option
    assert find_config(None, env, tmp_path, system=system) == variable
    local = _write(tmp_path / "uptimed.toml")
    assert find_config(None, {}, tmp_path, system=system) == local
    local.unlink()
    system.mkdir()
    assert find_config(None, {}, tmp_path, system=system) == system


def test_a_relative_option_begins_where_one_is(tmp_path: Path) -> None:
    assert find_config("a.toml", {}, _write(tmp_path / "a.toml").parent) == tmp_path / "a.toml"


@pytest.mark.parametrize(
    ("explicit", "env", "said"),
    [
        pytest.param("no", {}, "no: found nothing, wanted the configuration that --config names"),
        pytest.param(
            None,
            {"UPTIMED_CONFIG": "no"},
            "no: found nothing, wanted the configuration that UPTIMED_CONFIG names",
        ),
    ],
    ids=["option", "variable"],
)
def test_a_named_configuration_must_be_there(
    tmp_path: Path, explicit: str | None, env: dict[str, str], said: str
) -> None:
    _write(tmp_path / "uptimed.toml")
    with pytest.raises(ConfigError) as caught:
        find_config(explicit, env, tmp_path)
    assert str(caught.value) == f"{tmp_path}/{said}"


def test_without_any_it_is_told_where_one_could_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--config PATH, UPTIMED_CONFIG, uptimed\.toml here"):
        find_config(None, {}, tmp_path, system=tmp_path / "etc")


def test_the_files_of_a_directory_add_up_in_the_order_of_their_names(tmp_path: Path) -> None:
    _write(tmp_path / "20-umbrella.toml", _client("umbrella"))
    _write(tmp_path / "00-monitor.toml", REFERENCES)
    _write(tmp_path / "10-acme.toml", _client("acme"))
    _write(tmp_path / "notes.txt", "no TOML")
    _write(tmp_path / ".hidden.toml", "no TOML")
    loaded = load(tmp_path)
    assert [client.id for client in loaded.settings.clients] == ["acme", "umbrella"]
    assert loaded.settings.references
    assert loaded.remarks == ()


def test_a_section_stands_in_one_file_of_a_directory(tmp_path: Path) -> None:
    _write(tmp_path / "a.toml", REFERENCES)
    _write(tmp_path / "b.toml", REFERENCES + _client("acme"))
    assert _mistakes(tmp_path) == [
        "b.toml: self_check: found a section that a.toml has too, wanted it once"
    ]


def test_an_id_that_another_file_has_is_told_with_that_file(tmp_path: Path) -> None:
    _write(tmp_path / "a.toml", _client("acme"))
    _write(tmp_path / "b.toml", _client("acme"))
    assert _mistakes(tmp_path) == [
        (
            'b.toml: clients.acme.id: found "acme" a second time (a.toml has it too), '
            "wanted another id: each client has its own"
        ),
        (
            'b.toml: clients.acme.services.acme-crm.id: found "acme-crm" a second time '
            "(a.toml has it too), wanted another id: each service has its own"
        ),
    ]


def test_the_syntax_mistakes_of_all_files_are_told(tmp_path: Path) -> None:
    _write(tmp_path / "a.toml", "a")
    _write(tmp_path / "b.toml", "b = ")
    assert [line.partition(":")[0] for line in _mistakes(tmp_path)] == ["a.toml", "b.toml"]


def test_a_directory_without_files_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no \*\.toml in this directory"):
        load(tmp_path)


def test_paths_begin_at_the_file_that_they_stand_in(tmp_path: Path) -> None:
    contract = 'id = "ours"\nversion = "1"\ntimezone = "UTC"\n[availability]\ntarget = "99.5"\n'
    _write(tmp_path / "contracts" / "ours.toml", contract)
    _write(tmp_path / "conf.d" / "logo.svg", "<svg/>")
    client = _client("acme", "../contracts/ours.toml")
    _write(tmp_path / "conf.d" / "a.toml", client.replace("\nname", '\nlogo = "logo.svg"\nname', 1))
    _write(tmp_path / "conf.d" / "b.toml", '[journal]\npath = "/var/lib/uptimed/uptimed.db"\n')
    settings = load(tmp_path / "conf.d").settings
    assert settings.client("acme").contract.target == "99.5"
    assert settings.client("acme").logo == str(tmp_path / "conf.d" / "logo.svg")
    assert settings.journal_path == "/var/lib/uptimed/uptimed.db"


def test_a_contract_of_two_clients_is_told_its_mistakes_once(tmp_path: Path) -> None:
    _write(tmp_path / "ours.toml", 'id = "ours"\n')
    _write(tmp_path / "uptimed.toml", _client("acme", "ours.toml") + _client("b", "ours.toml"))
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "uptimed.toml")
    keys = [mistake.key for mistake in caught.value.mistakes]
    assert keys == ["version", "timezone", "availability"]


def test_a_contract_that_is_not_there_is_told_for_every_client(tmp_path: Path) -> None:
    path = _write(tmp_path / "uptimed.toml", _client("acme", "none") + _client("b", "none"))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert [mistake.key for mistake in caught.value.mistakes] == [
        "clients.acme.contract",
        "clients.b.contract",
    ]
