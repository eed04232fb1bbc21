"""One look by hand, at a real server on loopback."""

import base64
import json
from pathlib import Path

import pytest

from tests.cli.commands import ACME_CRM, call, write_config
from tests.endtoend.daemons import Target, free_port

SECRET = "tr0ub4dor&3"

_CONFIG = (
    ACME_CRM
    + """
[[clients.services.probes]]
id = "front"
role = "reach"
kind = "http"
url = "{url}"
timeout = "2s"
gap = "0s"
headers = {{ Accept-Language = "es", Authorization = {{ env = "PROBE_SECRET" }} }}
expect = {{ status = [200], contains = "Sign in" }}
"""
)


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_SECRET", SECRET)


def config(folder: Path, url: str) -> Path:
    return write_config(folder, _CONFIG.format(url=url))


def test_a_look_that_passes_ends_with_0(tmp_path: Path) -> None:
    with Target() as target:
        result = call("probe", "crm/front", config=config(tmp_path, target.url))
    assert result.exit_code == 0
    first, attempt, last = result.stdout.splitlines()
    assert first == f"crm/front: {target.url}"
    assert attempt.startswith("1. ") and " pass in " in attempt
    assert last == "the look passed"


def test_a_look_that_fails_ends_with_1_and_was_confirmed(tmp_path: Path) -> None:
    with Target() as target:
        target.answer = (503, b"sorry")
        result = call("probe", "front", config=config(tmp_path, target.url))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line[:2] for line in lines[1:3]] == ["1.", "2."]
    assert "[status] status 503, wanted 200" in lines[1]
    assert lines[-1] == "the look failed"


def test_a_port_that_nobody_listens_on_fails(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    result = call("probe", "front", config=config(tmp_path, url))
    assert result.exit_code == 1
    assert "[refused]" in result.stdout


def test_the_transcript_holds_the_conversation_and_no_secret(tmp_path: Path) -> None:
    with Target() as target:
        echo = base64.b64encode(SECRET.encode()).decode()
        target.answer = (500, f"<p>{SECRET} is {echo}</p>".encode())
        result = call("probe", "front", "--debug", config=config(tmp_path, target.url))
    out = result.stdout
    for words in (
        f"> GET {target.url}", "> Accept-Language: es", "> Authorization: ***", "at 127.0.0.1:",
        "connect ", "first_byte", "< 500", "of body", "| <p>*** is ***</p>",
        "= fail: status 500, wanted 200",
    ):  # fmt: skip
        assert words in out
    assert SECRET not in out and echo not in out


def test_what_a_terminal_would_obey_is_made_visible(tmp_path: Path) -> None:
    with Target() as target:
        target.answer = (200, "Sign in\x1b[2J\x1b]0;owned\x07 \u202e".encode())
        result = call("probe", "front", "--debug", config=config(tmp_path, target.url))
    assert "\x1b" not in result.stdout and "\x07" not in result.stdout
    assert r"Sign in\x1b[2J\x1b]0;owned\x07 \u202e" in result.stdout


def test_json_has_the_attempts(tmp_path: Path) -> None:
    with Target() as target:
        result = call("probe", "front", "--json", config=config(tmp_path, target.url))
    said = json.loads(result.stdout)
    assert list(said) == [
        "service", "probe", "kind", "role", "looks_at", "passed", "verdict", "attempts",
    ]  # fmt: skip
    assert (said["passed"], said["verdict"]) == (True, "passed")
    [attempt] = said["attempts"]
    assert (attempt["outcome"], attempt["status"], attempt["cause"]) == ("pass", 200, None)
    assert attempt["took_us"] > 0 and "connect" in attempt["phases_us"]


def test_nothing_is_kept(tmp_path: Path) -> None:
    with Target() as target:
        call("probe", "front", config=config(tmp_path, target.url))
    assert [path.name for path in tmp_path.iterdir()] == ["uptimed.toml"]


def test_a_missing_secret_is_our_fault_and_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROBE_SECRET")
    with Target() as target:
        result = call("probe", "front", config=config(tmp_path, target.url))
    assert result.exit_code == 1
    assert "not measured" in result.stdout and "PROBE_SECRET" in result.stdout
    assert result.stdout.splitlines()[-1] == "the look was not measured"
    assert target.asked == []


def test_references_are_asked_when_something_fails(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    with Target() as one, Target() as two:
        path = config(tmp_path, url)
        with path.open("a", encoding="utf-8") as file:
            file.write(f'\n[self_check]\nreferences = ["{one.url}", "{two.url}"]\n')
        result = call("probe", "front", config=path)
    assert f"references: {one.url} answered, {two.url} answered" in result.stdout


def test_a_probe_that_is_not_configured_is_told_of(tmp_path: Path) -> None:
    result = call("probe", "crm/back", config=config(tmp_path, "http://127.0.0.1:9/"))
    assert result.exit_code == 2
    assert "found 'crm/back', wanted one of crm/front" in result.stderr


LOGIN = (
    ACME_CRM
    + """
[[clients.services.probes]]
id = "login"
role = "login"
kind = "login"
preset = "./ours.toml"
base_url = "{url}"
accounts = [{{ username = "one", password = {{ file = "password" }} }}]
"""
)
FLOW = """
[flow]
id = "ours"
title = "ours"
version = "1"
[account]
username = "a name"
password = "a password"
[[login]]
id = "sign-in"
request = { path = "/in", query = { a = "{{ account.username }} {{ account.password }}" } }
outcomes = [{ when = { status = 200 }, then = "ok" }, { then = "error" }]
[[session]]
id = "home"
request = { path = "/home" }
outcomes = [{ when = { status = 200 }, then = "ok" }, { then = "refused" }]
[[logout]]
id = "out"
request = { path = "/out" }
outcomes = [{ when = { status = 204 }, then = "ok" }, { then = "error" }]
"""


@pytest.mark.parametrize("debug", [False, True])
def test_a_login_that_is_not_signed_out_is_told(tmp_path: Path, *, debug: bool) -> None:
    path = tmp_path / "uptimed.toml"
    (tmp_path / "ours.toml").write_text(FLOW, encoding="utf-8")
    (tmp_path / "password").write_text(SECRET, encoding="utf-8")
    (tmp_path / "password").chmod(0o600)
    with Target() as target:
        path.write_text(LOGIN.format(url=target.url.rstrip("/")), encoding="utf-8")
        result = call("probe", "login", *(["--debug"] if debug else []), config=path)
    assert result.exit_code == 0, result.output
    assert "not signed out: the system keeps the session" in result.stdout
    assert ("logout: out" in result.stdout) is debug
    assert result.stdout.splitlines()[-1] == "the look passed"
    assert SECRET not in result.stdout
