"""The example files: accepted by the tools, and routing as they say."""

import re

import pytest

from tests.grafana.servers import AMTOOL, PROMTOOL, ROOT, call, needs

PROMETHEUS_YML = ROOT / "prometheus" / "prometheus.example.yml"
ALERTMANAGER_YML = ROOT / "alertmanager" / "alertmanager.example.yml"
RULES_YML = ROOT / "prometheus" / "rules" / "alerts.yml"


def _labels(alert: str) -> list[str]:
    rule = RULES_YML.read_text(encoding="utf-8").partition(f"- alert: {alert}\n")[2]
    labels = re.search(r"labels: \{ (.*) \}", rule)
    assert labels
    return [f"alertname={alert}", *labels[1].replace(": ", "=").split(", ")]


@needs(promtool=PROMTOOL)
def test_prometheus_takes_the_example() -> None:
    assert "2 rule files found" in call(PROMTOOL, "check", "config", str(PROMETHEUS_YML))


@needs(amtool=AMTOOL)
def test_alertmanager_takes_the_example() -> None:
    call(AMTOOL, "check-config", str(ALERTMANAGER_YML))


@needs(amtool=AMTOOL)
@pytest.mark.parametrize(
    ("alert", "receiver"),
    [
        ("UptimedSystemDown", "on-call"),
        ("UptimedLoginFailure", "on-call"),
        ("UptimedLoginSuspected", "on-call"),
        ("UptimedFastBurn", "on-call"),
        ("UptimedSlowBurn", "on-call"),
        ("UptimedDrift", "tickets"),
        ("UptimedOutageLately", "nobody"),
        ("UptimedMonthHalfUsed", "tickets"),
        ("UptimedMonthThreeQuartersUsed", "tickets"),
        ("UptimedMonthAllUsed", "on-call"),
        ("UptimedMonthBroken", "agreement"),
        ("UptimedMonthUnproven", "monitor-owner"),
        ("UptimedMonitorBlind", "monitor-owner"),
        ("UptimedAccountRefused", "monitor-tickets"),
        ("UptimedCertificateExpires", "tickets"),
        ("UptimedDown", "monitor-owner"),
        ("UptimedStoreFailing", "monitor-owner"),
        ("UptimedFollowerLagging", "monitor-tickets"),
        ("UptimedBug", "monitor-tickets"),
    ],
)
def test_an_alert_goes_to(alert: str, receiver: str) -> None:
    said = call(
        AMTOOL, "config", "routes", "test", f"--config.file={ALERTMANAGER_YML}", *_labels(alert)
    )
    assert said.split() == [receiver]


def test_what_is_inhibited_and_routed_by_name_is_an_alert() -> None:
    named = set(re.findall(r"\bUptimed\w+", ALERTMANAGER_YML.read_text(encoding="utf-8")))
    assert named
    rules = RULES_YML.read_text(encoding="utf-8")
    assert {name for name in named if f"- alert: {name}\n" not in rules} == set()


def test_the_datasource_and_the_dashboards_are_provisioned_where_they_are() -> None:
    sources = (ROOT / "provisioning" / "datasources" / "prometheus.yml").read_text("utf-8")
    assert "apiVersion: 1\n" in sources and "type: prometheus\n" in sources
    provider = (ROOT / "provisioning" / "dashboards" / "uptimed.yml").read_text("utf-8")
    assert "apiVersion: 1\n" in provider and "path: /etc/grafana/dashboards\n" in provider
