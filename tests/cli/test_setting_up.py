"""Before the first run: writing a configuration, having it explained, help, completion."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commands import ACME, call, write_config

SCRIPT = str(Path(sys.executable).with_name("uptimed"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, with nothing in the environment that names another."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UPTIMED_CONFIG", raising=False)
    return tmp_path


def test_what_init_writes_passes_check(here: Path) -> None:
    assert call("init", "--url", "https://crm.acme.example/").exit_code == 0
    checked = call("check")
    assert checked.exit_code == 0
    assert "GET https://crm.acme.example/" in checked.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--client-name", 'The "best" \\ one'), id="quotes and backslashes"),
        pytest.param(("--client-name", "two\nlines"), id="a line break"),
        pytest.param(("--client-name", "Клиент"), id="Cyrillic"),
        pytest.param(("--contract", "yucrm", "--client", "yu"), id="another contract"),
    ],
)
def test_init_quotes_what_it_is_given(here: Path, arguments: tuple[str, ...]) -> None:
    assert call("init", *arguments).exit_code == 0
    assert call("check").exit_code == 0


def test_init_writes_over_nothing(here: Path) -> None:
    Path("uptimed.toml").write_text("mine", encoding="utf-8")
    result = call("init")
    assert result.exit_code == 2
    assert "is there already" in result.stderr
    assert Path("uptimed.toml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--url", "ftp://x"), "ftp://x"),
        (("--client", "No Id"), "No Id"),
        (("--contract", "nosuch"), "nosuch"),
    ],
)
def test_init_leaves_nothing_that_check_would_refuse(
    here: Path, arguments: tuple[str, ...], named: str
) -> None:
    result = call("init", *arguments)
    assert result.exit_code == 2
    assert named in result.stderr
    assert list(here.iterdir()) == []


def test_init_into_a_folder_that_is_not_there_says_so(here: Path) -> None:
    result = call("init", "-o", "nowhere/uptimed.toml")
    assert result.exit_code == 2
    assert "nowhere/uptimed.toml: No such file or directory" in result.stderr


def test_check_names_every_mistake_at_once(here: Path) -> None:
    path = write_config(
        here,
        """
        [journal]
        retention_days = -1
        [[clients]]
        id = "Acme!"
        name = "ACME"
        contract = "datacrm"
        timezone = "Bogota"
        [[clients.services]]
        id = "crm"
        name = "CRM"
        [[clients.services.probes]]
        id = "front"
        role = "reach"
        kind = "http"
        url = "not a url"
        timout = "3s"
        """,
    )
    result = call("check", config=path)
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    for key in ("retention_days", "id", "timezone", "url", "timout"):
        assert any(str(path) in line and key in line for line in lines), key
    assert "timeout" in result.stderr  # the nearest key is suggested


def test_check_says_as_json_what_would_run(here: Path) -> None:
    said = json.loads(call("check", "--json", config=write_config(here)).stdout)
    assert any("front (reach)" in line for line in said["runs"])
    assert any("self_check.references" in line for line in said["warnings"])


def test_check_warns_of_a_secret_that_cannot_be_read(here: Path) -> None:
    path = write_config(
        here,
        """
        [heartbeat]
        url = { env = "NO_SUCH_SECRET_HERE" }
        [[clients]]
        id = "acme"
        name = "ACME"
        contract = "datacrm"
        [[clients.services]]
        id = "crm"
        name = "CRM"
        probes = [{ id = "front", role = "reach", kind = "tcp", host = "127.0.0.1", port = 9 }]
        """,
    )
    result = call("check", config=path)
    assert result.exit_code == 0
    assert "NO_SUCH_SECRET_HERE" in result.stdout


def test_without_a_configuration_every_place_that_was_searched_is_named(here: Path) -> None:
    result = call("check")
    assert result.exit_code == 2
    assert "uptimed.toml" in result.stderr and "/etc/uptimed" in result.stderr


def test_the_environment_names_the_configuration(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPTIMED_CONFIG", str(write_config(here)))
    assert call("check").exit_code == 0


def test_contracts_that_ship_are_listed_with_their_targets() -> None:
    result = call("contracts", "list")
    assert result.exit_code == 0
    row = next(line for line in result.stdout.splitlines() if line.startswith("datacrm"))
    assert "99.96 %" in row and "America/Bogota" in row
    assert "house reference" in result.stdout


def test_contracts_as_json_hold_what_the_table_holds() -> None:
    found = {c["id"]: c for c in json.loads(call("contracts", "list", "--json").stdout)}
    assert found["datacrm"]["promised"] is True
    assert found["datacrm"]["timezone"] == "America/Bogota"
    assert found["saleslayer"]["promised"] is False


def test_a_contract_that_is_shown_can_be_used_as_a_file(here: Path) -> None:
    shown = call("contracts", "show", "saleslayer")
    assert shown.exit_code == 0
    Path("mine.toml").write_text(shown.stdout, encoding="utf-8")
    assert call("contracts", "show", "mine.toml").stdout == shown.stdout
    assert call("init", "--contract", "mine.toml").exit_code == 0


def test_a_contract_that_is_not_there_is_told_from_those_that_are() -> None:
    result = call("contracts", "show", "datacmr")
    assert result.exit_code == 2
    assert '"datacrm"' in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_line_that_names_the_shell(shell: str) -> None:
    result = call("completion", shell)
    assert result.exit_code == 0
    assert f"_UPTIMED_COMPLETE={shell}_source uptimed" in result.stdout


def test_completion_completes_commands() -> None:
    done = subprocess.run(
        [SCRIPT], capture_output=True, text=True, timeout=20, check=False,
        env={"_UPTIMED_COMPLETE": "bash_complete", "COMP_WORDS": "uptimed re", "COMP_CWORD": "1"},
    )  # fmt: skip
    assert done.stdout.split() == ["plain,replay", "plain,report"]


def test_the_version_is_told() -> None:
    assert call("--version").stdout.startswith("uptimed 0.")


def test_help_lists_the_commands_in_the_order_of_their_use() -> None:
    text = call("--help").stdout
    places = [text.index(f"\n  {name} ") for name in ("init", "check", "run", "status", "report")]
    assert places == sorted(places)
    assert "Exit codes: 0 well, 1 the answer is no, 2 wrong usage or configuration." in text


@pytest.mark.parametrize("command", [
    "init", "check", "probe", "run", "status", "import", "export", "explain", "replay", "report",
    "backup", "contracts", "demo", "completion",
])  # fmt: skip
def test_every_command_has_help_of_its_own(command: str) -> None:
    result = call(command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: uptimed {command}")


def test_wrong_usage_ends_with_2() -> None:
    assert call("nonsense").exit_code == 2
    assert call("report", "--nonsense").exit_code == 2
    assert call("explain").exit_code == 2


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "sys.argv[1:] = ['--help']\n"
        "from uptimed.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'aiohttp', 'asyncio', 'babel', 'cryptography', 'jinja2', 'prometheus_client',"
        " 'pydantic', 'sqlite3', 'uvloop', 'weasyprint'}\n"
        "print(sorted(heavy & sys.modules.keys()), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout.startswith("Usage: uptimed")
    assert done.stderr.strip() == "[]"


def test_a_command_that_reads_figures_loads_neither_probes_nor_rendering(here: Path) -> None:
    path = write_config(here)
    program = (
        "import sys\n"
        f"sys.argv[1:] = ['status', '--config', {str(path)!r}]\n"
        "from uptimed.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'aiohttp', 'babel', 'jinja2', 'prometheus_client', 'uvloop', 'weasyprint'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_traceback_of_a_bug_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.excepthook", sys.excepthook)
    monkeypatch.setenv("HOOK", "canary-7f3a")
    hook = '\n[webhook]\nurls = ["http://127.0.0.1:9/"]\nsecret = { env = "HOOK" }\n'
    config = write_config(tmp_path, ACME + hook)
    call("check", config=config)
    bug = LookupError("nobody has canary-7f3a")
    sys.excepthook(LookupError, bug, None)

    assert capsys.readouterr().err == "LookupError: nobody has ***\n"
