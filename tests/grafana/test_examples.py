"""The example files: accepted by the tools, and routing as they say."""

import re
from typing import Any

import pytest
import yaml

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


def _provisioned(kind: str, name: str) -> list[dict[str, Any]]:
    text = (ROOT / "provisioning" / kind / name).read_text(encoding="utf-8")
    told = yaml.safe_load(text)
    assert told["apiVersion"] == 1
    found: list[dict[str, Any]] = told["providers" if kind == "dashboards" else kind]
    return found


@pytest.mark.parametrize("kind", ["prometheus", "influxdb"])
def test_a_data_source_and_its_dashboards_are_provisioned(kind: str) -> None:
    (source,) = _provisioned("datasources", f"{kind}.yml")
    assert source["type"] == kind
    places = [told["options"]["path"] for told in _provisioned("dashboards", "uptimed.yml")]
    assert f"/etc/grafana/dashboards/{kind}" in places
    assert list((ROOT / "dashboards" / kind).glob("*.json"))


def test_the_token_of_the_data_source_stands_elsewhere() -> None:
    (source,) = _provisioned("datasources", "influxdb.yml")
    assert source["jsonData"]["version"] == "Flux"
    assert source["secureJsonData"] == {"token": "$UPTIMED_GRAFANA_INFLUXDB_TOKEN"}
