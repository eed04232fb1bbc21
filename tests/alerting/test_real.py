"""End to end: a daemon, the real Alertmanager with the example's routing, and whom it calls."""

import json
import signal
from pathlib import Path

import pytest

from tests.cli.commands import jsonl, looks
from tests.endtoend.daemons import Target, command, config, present, running, soon, until
from tests.grafana.servers import (
    ALERTMANAGER,
    ROOT,
    Answer,
    alertmanager,
    free_port,
    needs,
    webhook,
    with_changes,
)
from uptimed.core.minutes import Minute

Heard = list[tuple[str, Answer]]

pytestmark = [needs(alertmanager=ALERTMANAGER), pytest.mark.slow]


def _routing(called: int) -> str:
    return with_changes(
        ROOT / "alertmanager" / "alertmanager.example.yml",
        {
            "https://pager.example": f"http://127.0.0.1:{called}",
            "https://tickets.example": f"http://127.0.0.1:{called}",
            "group_wait: 10s": "group_wait: 1s",
            "group_interval: 1m": "group_interval: 1s",
        },
    )


def _of(heard: Heard, platform: str, status: str) -> list[Answer]:
    """Return the messages to whoever is on call about a platform."""
    return [
        said
        for path, said in list(heard)
        if path == "/on-call"
        and said["status"] == status
        and said["groupLabels"] == {"platform": platform}
    ]


def _firing(said: Answer) -> set[str]:
    return {a["labels"]["service"] for a in said["alerts"] if a["status"] == "firing"}


def _import(path: Path, service: str, letters: str) -> None:
    """Take in looks that make *letters*, the last of them the minute before this one."""
    lines = jsonl(looks(Minute(present() - len(letters)), letters, service=service))
    command("import", "-", path=path, stdin=lines.encode())


@pytest.mark.timeout(300)
def test_an_outage_pages_once_for_its_platform_over_a_kill_and_is_taken_back(
    tmp_path: Path,
) -> None:
    with (
        webhook() as (called, heard),
        alertmanager(tmp_path / "alertmanager", _routing(called)) as port,
        Target() as crm, Target() as shop, Target() as alone, Target() as well,
    ):  # fmt: skip
        names = [soon(15, prefix=name) for name in ("crm", "shop", "alone")]
        targets = dict(zip(names, (crm, shop, alone), strict=True))
        path = _configured(tmp_path, {**targets, "well": well}, port)
        for name in names:
            _import(path, name, "UUUUUUUUUD")
        for target in targets.values():
            target.stop()
        _breaks(path, names, heard)
        crm.start()
        shop.start()
        with running(path):
            until(lambda: _of(heard, "eu-cluster-2", "resolved"), "resolved", within_s=170)
    firing = _of(heard, "eu-cluster-2", "firing")
    assert len({said["groupKey"] for said in firing}) == 1
    whole = [said for said in firing if _firing(said) == set(names[:2])]
    assert len(whole) == 1, "the platform's page went out twice"
    (resolved,) = _of(heard, "eu-cluster-2", "resolved")
    assert resolved["groupKey"] == firing[0]["groupKey"]
    assert len(_of(heard, names[2], "firing")) == 1
    assert _of(heard, names[2], "resolved") == []


def _configured(folder: Path, targets: dict[str, Target], port: int) -> Path:
    extra = (
        f'\n[alertmanager]\nurls = ["http://127.0.0.1:{free_port()}", "http://127.0.0.1:{port}"]\n'
        'runbook_url = "https://wiki.example/"\n'
    )
    services = {name: target.url for name, target in targets.items()}
    path = config(folder, services, extra=extra)
    text = path.read_text(encoding="utf-8")
    for name in list(targets)[:2]:
        text = text.replace(f'name = "{name}"\n', f'name = "{name}"\nplatform = "eu-cluster-2"\n')
    path.write_text(text, encoding="utf-8")
    return path


def _breaks(path: Path, names: list[str], heard: Heard) -> None:
    """Run a monitor until its pages are out, kill it, and see that another pages nobody."""
    with running(path) as first:
        until(
            lambda: [s for s in _of(heard, "eu-cluster-2", "firing") if len(_firing(s)) == 2]
            and _of(heard, names[2], "firing"),
            "firing", within_s=60,
        )  # fmt: skip
        assert first.metric("uptimed_follower_backlog")['{follower="alertmanager-2"}'] == 0
        assert first.said("alertmanager-1: alerts do not arrive")
        first.send(signal.SIGKILL)
        first.end()
    (page,) = _of(heard, names[2], "firing")
    told = page["alerts"][0]["annotations"]
    assert "connect_timeout: nothing within 10 s" in told["evidence"]
    assert told["restore"].startswith("due ")
    assert told["runbook_url"] == "https://wiki.example/alerting.md#uptimedsystemdown"
    assert "minutes of the month used" in told["budget"]


def test_a_test_alert_arrives_at_the_other_end(tmp_path: Path) -> None:
    with (
        webhook() as (called, heard),
        alertmanager(tmp_path / "alertmanager", _routing(called)) as port,
        Target() as crm,
    ):
        path = _configured(tmp_path, {"crm": crm}, port)
        done = command("alert", "test", "--json", "--like", "UptimedSystemDown", path=path)
        until(lambda: _of(heard, "uptimed-test", "firing"), "the test", within_s=20)
    said = json.loads(done.stdout)
    assert [one["taken"] for one in said["alertmanagers"]] == [False, True]
    (page,) = _of(heard, "uptimed-test", "firing")
    assert page["alerts"][0]["annotations"]["summary"].startswith("TEST")
