"""The rules for Prometheus: well formed, explained, and firing for the right letters."""

import re

import pytest

from tests.docs.pages import DOCS, anchors
from tests.grafana import ruletests
from tests.grafana.living import everything
from tests.grafana.pictures import drawn
from tests.grafana.ruletests import CASES, FOLDER, RULES
from tests.grafana.servers import PROMTOOL, call, needs
from uptimed.metrics import metrics_of

ALERTS = sorted(
    set(re.findall(r"- alert: (\w+)", (RULES / "alerts.yml").read_text(encoding="utf-8")))
)


@needs(promtool=PROMTOOL)
def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    call(PROMTOOL, "check", "rules", "--lint-fatal", *map(str, sorted(RULES.glob("*.yml"))))


@needs(promtool=PROMTOOL)
@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_alerts_fire_for_the_letters_that_are_drawn_and_for_no_others(name: str) -> None:
    call(PROMTOOL, "test", "rules", str(FOLDER / f"{name}.yml"))


@pytest.mark.parametrize("name", CASES)
def test_the_cases_are_those_of_the_letters(name: str) -> None:
    written = (FOLDER / f"{name}.yml").read_text(encoding="utf-8")
    assert written == ruletests.text_of(CASES[name]), "run: python -m tests.grafana.ruletests"


def test_there_is_no_case_that_nobody_made() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(CASES)


def test_every_alert_fires_in_some_story() -> None:
    fired = {
        name
        for cases in CASES.values()
        for case in cases
        for name, row in case.fires.items()
        if "x" in drawn(row)
    }
    assert fired == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_is_explained_where_its_page_says(name: str) -> None:
    rules = (RULES / "alerts.yml").read_text(encoding="utf-8")
    rule = rules.partition(f"- alert: {name}\n")[2].partition("- alert:")[0]
    assert f"runbook_url: docs/alerting.md#{name.lower()}\n" in rule
    assert name.lower() in anchors(DOCS / "alerting.md")


def test_the_rules_speak_only_of_metrics_that_are_served() -> None:
    spoken = set(re.findall(r"(?<!:)\buptimed_\w+", ruletests.rules()))
    served = {sample.name for metric in metrics_of(everything()) for sample in metric.samples}
    assert spoken - served == set()
