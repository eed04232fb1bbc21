"""Against the real programs: every query has data, and a page goes out and is taken back."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endtoend.daemons import until, wait
from tests.grafana.living import BROKEN, everything
from tests.grafana.pictures import Service, drawn, picture
from tests.grafana.servers import (
    ALERTMANAGER,
    PROMETHEUS,
    PROMTOOL,
    ROOT,
    Answer,
    Monitor,
    Prometheus,
    alertmanager,
    free_port,
    needs,
    prometheus,
    webhook,
    with_changes,
)
from tests.grafana.test_dashboards import IN_PROMQL, PAGES, expressions
from uptimed.clock import SystemClock
from uptimed.core.minutes import Minute, minute_of
from uptimed.core.snapshot import Snapshot
from uptimed.metrics import page

SCRAPES_S = 2.0
"""Of scrapes every 200 ms this makes enough for a rate."""

EMPTY = {"UptimedAbsent", "UptimedGatheringStuck"}
"""Alerts that cannot have data while a monitor answers, or while another alert has."""

_EXAMPLE = ROOT / "prometheus" / "prometheus.example.yml"


def _config(port: int, *, also: str = "", alertmanager_port: int = 9, every: str = "200ms") -> str:
    return with_changes(
        _EXAMPLE,
        {
            "scrape_interval: 15s": f"scrape_interval: {every}",
            "scrape_timeout: 10s": f"scrape_timeout: {every}",
            "evaluation_interval: 15s": f"evaluation_interval: {every}",
            '"127.0.0.1:9464"': f'"127.0.0.1:{port}"{also}',
            "127.0.0.1:9093": f"127.0.0.1:{alertmanager_port}",
        },
    )


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has scraped a monitor full of trouble, and another that is dead."""
    monitor, dead = Monitor(everything), free_port()
    folder = tmp_path_factory.mktemp("living")
    config = _config(monitor.port, also=f', "127.0.0.1:{dead}"')
    with monitor.up(), prometheus(folder / "prometheus", config) as found:
        until(lambda: found.query('ALERTS{alertname="UptimedSystemDown"}'), "alerts", within_s=25)
        wait(SCRAPES_S)
        yield found


@needs(promtool=PROMTOOL)
def test_promtool_finds_only_minutes_unusual(tmp_path: Path) -> None:
    done = subprocess.run(
        [PROMTOOL, "check", "metrics"], input=page(everything()), capture_output=True, check=False,
        timeout=30,
    )  # fmt: skip
    said = (done.stdout + done.stderr).decode().splitlines()
    other = [line for line in said if not re.match(r"uptimed_\w*minutes(_total)? ", line)]
    assert other == []


@needs(prometheus=PROMETHEUS)
@pytest.mark.slow
@pytest.mark.parametrize("uid", IN_PROMQL)
def test_every_query_of_a_dashboard_has_data(uid: str, asked: Prometheus) -> None:
    for expr in expressions(PAGES[uid]):
        assert asked.query(_filled_in(expr)), expr


def _filled_in(expr: str) -> str:
    for name, value in {
        "$__rate_interval": "5s", '="$client"': '="acme"', '="$service"': f'="{BROKEN}"',
        "$client": ".*", "$service": ".*", "$probe": ".*", "$instance": ".*",
    }.items():  # fmt: skip
        expr = expr.replace(name, value)
    assert "$" not in expr
    return expr


@needs(prometheus=PROMETHEUS)
@pytest.mark.slow
@pytest.mark.parametrize("uid", IN_PROMQL)
def test_every_variable_has_something_to_choose_from(uid: str, asked: Prometheus) -> None:
    variables = [v for v in PAGES[uid]["templating"]["list"] if v["type"] == "query"]
    for variable in variables:
        query = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
        assert query
        series = asked.ask("series", **{"match[]": _filled_in(query[1])})
        assert {one.get(query[2]) for one in series} - {None}


@needs(prometheus=PROMETHEUS)
@pytest.mark.slow
def test_every_rule_works_and_has_data(asked: Prometheus) -> None:
    rules = asked.rules()
    assert len(rules) > 30
    for rule in rules:
        assert rule["health"] == "ok", rule
        assert asked.query(rule["query"]) or rule["name"] in EMPTY, rule["name"]


@needs(prometheus=PROMETHEUS)
@pytest.mark.slow
def test_alerts_are_told_in_whole_sentences(asked: Prometheus) -> None:
    told = [alert for rule in asked.rules() for alert in rule.get("alerts", ())]
    assert {alert["labels"]["alertname"] for alert in told} >= {"UptimedSystemDown", "UptimedDrift"}
    for alert in told:
        assert {"summary", "runbook_url"} <= alert["annotations"].keys()
        for text in alert["annotations"].values():
            assert text and not re.search(r"<no value>|<error|%!|\{\{|unknown|  ", text), alert


@needs(prometheus=PROMETHEUS)
@pytest.mark.slow
def test_alerts_have_the_labels_that_routing_goes_by(asked: Prometheus) -> None:
    for rule in asked.rules():
        if rule["type"] == "alerting":
            labels = rule["labels"]
            assert labels["severity"] in {"page", "ticket", "notice", "none"}
            assert labels["team"] in {"client", "agreement", "owner"}
            assert labels["kind"]
            for alert in rule["alerts"]:
                of_service = {"client", "service"} <= alert["labels"].keys()
                assert of_service is (labels["kind"] not in {"monitor", "mail"}), rule["name"]


class _Cluster:
    """Two services of one platform, whose letters the test draws."""

    def __init__(self) -> None:
        self.letters = "UUUU"

    def snapshot(self) -> Snapshot:
        """Return the snapshot of the moment."""
        now = SystemClock().now()
        start = Minute(minute_of(now) - len(self.letters))
        views = [
            Service(
                letters=drawn(self.letters), service=name, platform="eu-cluster-2", start=start
            ).last()
            for name in ("acme-crm", "acme-shop")
        ]
        return picture(views, at=now)


def _outages(heard: list[tuple[str, Answer]], status: str) -> list[Answer]:
    return [
        said
        for path, said in list(heard)
        if path == "/on-call" and said["status"] == status
        and said["groupLabels"] == {"platform": "eu-cluster-2"}
    ]  # fmt: skip


@needs(prometheus=PROMETHEUS, alertmanager=ALERTMANAGER)
@pytest.mark.slow
@pytest.mark.timeout(80)
def test_an_outage_is_paged_once_for_its_platform_and_taken_back(tmp_path: Path) -> None:
    cluster = _Cluster()
    monitor = Monitor(cluster.snapshot)
    with webhook() as (called, heard):
        routing = with_changes(
            ROOT / "alertmanager" / "alertmanager.example.yml",
            {
                "https://pager.example": f"http://127.0.0.1:{called}",
                "https://tickets.example": f"http://127.0.0.1:{called}",
                "group_wait: 10s": "group_wait: 1s",
                "group_interval: 1m": "group_interval: 1s",
            },
        )
        with alertmanager(tmp_path / "alertmanager", routing) as port:
            config = _config(monitor.port, alertmanager_port=port, every="500ms")
            with prometheus(tmp_path / "prometheus", config) as asked:
                _story(cluster, monitor, asked, heard)
    (firing,), (resolved,) = _outages(heard, "firing"), _outages(heard, "resolved")
    assert {alert["labels"]["service"] for alert in firing["alerts"]} == {"acme-crm", "acme-shop"}
    assert firing["commonLabels"]["alertname"] == "UptimedSystemDown"
    assert "2 of 17 minutes of the month used, 15 left" in firing["commonAnnotations"]["budget"]
    assert resolved["groupKey"] == firing["groupKey"]


def _story(
    cluster: _Cluster, monitor: Monitor, asked: Prometheus, heard: list[tuple[str, Answer]]
) -> None:
    with monitor.up():
        until(lambda: asked.query("service:uptimed_outage_open:held"), "a scrape", within_s=20)
        cluster.letters = "UUUUDD"
        until(lambda: _outages(heard, "firing"), "firing", within_s=20)
    until(lambda: asked.query('up{job="uptimed"} == 0'), "the monitor stopped", within_s=20)
    wait(3)
    assert not _outages(heard, "resolved"), "a restart is no recovery"
    with monitor.up():
        until(lambda: asked.query('up{job="uptimed"} == 1'), "the monitor is back", within_s=20)
        wait(2)
        assert not _outages(heard, "resolved")
        cluster.letters = "UUUUDDUUU"
        until(lambda: _outages(heard, "resolved"), "resolved", within_s=20)
