"""`uptimed alert`: whether alerts arrive, and what would be told now."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import ACME, call, jsonl, looks, write_config
from tests.grafana.servers import free_port, webhook
from uptimed.clock import SystemClock
from uptimed.core.minutes import Minute, minute_of


def _config(folder: Path, *ports: int, more: str = "") -> Path:
    urls = ", ".join(f'"http://127.0.0.1:{port}"' for port in ports)
    return write_config(folder, f"[alertmanager]\nurls = [{urls}]\n{more}\n{ACME}")


def _sent(heard: list[tuple[str, Any]]) -> Any:
    """Return the one alert that was posted."""
    ((path, (alert,)),) = heard
    assert path == "/api/v2/alerts"
    return alert


def test_a_test_alert_goes_through_every_alertmanager(tmp_path: Path) -> None:
    with webhook() as (one, first), webhook() as (two, second):
        result = call("alert", "test", config=_config(tmp_path, one, two))
    assert result.exit_code == 0
    assert f"alertmanager-2 at http://127.0.0.1:{two}: taken" in result.stdout
    sent, also = _sent(first), _sent(second)
    assert sent["labels"] == also["labels"]
    assert sent["labels"]["alertname"] == "UptimedTest"
    assert sent["annotations"]["summary"].startswith("TEST from uptimed at local")


def test_a_test_alert_can_go_the_way_of_another(tmp_path: Path) -> None:
    with webhook() as (port, heard):
        call("alert", "test", "--like", "uptimedsystemdown", config=_config(tmp_path, port))
    labels = _sent(heard)["labels"]
    assert (labels["alertname"], labels["kind"], labels["team"]) == (
        "UptimedTest", "outage", "client",
    )  # fmt: skip


def test_each_outcome_is_told_and_one_that_failed_ends_with_1(tmp_path: Path) -> None:
    dead = free_port()
    with webhook() as (port, _):
        result = call("alert", "test", "--json", config=_config(tmp_path, port, dead))
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert [one["taken"] for one in said["alertmanagers"]] == [True, False]
    assert said["alertmanagers"][1]["error"].startswith("cannot connect to 127.0.0.1")
    assert "cannot be tested from here" in said["prometheus"]


def test_without_an_alertmanager_there_is_nothing_to_test(tmp_path: Path) -> None:
    result = call("alert", "test", config=write_config(tmp_path))
    assert result.exit_code == 1
    assert "No Alertmanager is configured" in result.stdout


def test_a_secret_that_cannot_be_read_is_named_by_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AM_PASSWORD", raising=False)
    more = 'username = "uptimed"\npassword = { env = "AM_PASSWORD" }'
    result = call("alert", "test", config=_config(tmp_path, 9, more=more))
    assert result.exit_code == 1
    assert "AM_PASSWORD" in result.stdout


def test_what_stands_is_listed_with_what_was_seen(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    start = Minute(minute_of(SystemClock().now()) - 11)
    call("import", "-", config=config, stdin=jsonl(looks(start, "UUUUUUDDDD")))
    result = call("alert", "list", config=config)
    assert result.exit_code == 0
    rows = [line.split()[:2] for line in result.stdout.splitlines()]
    assert ["UptimedSystemDown", "crm"] in rows
    assert "connect_timeout: nothing within 10 s" in result.stdout
    assert "to restore: due" in result.stdout
    listed = json.loads(call("alert", "list", "--json", config=config).stdout)
    assert {"UptimedSystemDown", "UptimedFastBurn"} <= {a["labels"]["alertname"] for a in listed}


def test_nothing_stands_where_all_is_well(tmp_path: Path) -> None:
    config = write_config(tmp_path, ACME)
    start = Minute(minute_of(SystemClock().now()) - 11)
    call("import", "-", config=config, stdin=jsonl(looks(start, "U" * 10)))
    listed = json.loads(call("alert", "list", "--json", config=config).stdout)
    assert {a["labels"]["kind"] for a in listed} <= {"month"}  # the days before were not measured
