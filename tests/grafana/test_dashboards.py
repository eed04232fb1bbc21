"""The dashboards: made from the data of grafana/build.py, and sound as far as JSON shows."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from grafana import build
from tests.docs.pages import links
from tests.grafana.living import everything
from tests.grafana.servers import ROOT
from uptimed.metrics import metrics_of

Json = dict[str, Any]

PAGES: dict[str, Json] = {
    dashboard.uid: json.loads(build.rendered(dashboard)) for dashboard in build.DASHBOARDS
}
KINDS = {"stat", "gauge", "bargauge", "timeseries", "state-timeline", "table", "row"}
UNITS = {"short", "percentunit", "s", "m", "cpm", "dateTimeAsIso"}
OTHERS = {"ALERTS", "scrape_duration_seconds"}

each = pytest.mark.parametrize("uid", PAGES)


def _panels(uid: str) -> Iterator[Json]:
    yield from PAGES[uid]["panels"]


def expressions(page: Json) -> Iterator[str]:
    """Yield every query of a dashboard."""
    for panel in page["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (annotation["expr"] for annotation in page["annotations"]["list"])


@pytest.mark.parametrize("dashboard", build.DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_the_file_is_what_is_built(dashboard: build.Dashboard) -> None:
    written = (build.FOLDER / f"{dashboard.uid}.json").read_text(encoding="utf-8")
    assert written == build.rendered(dashboard), "run: python3 grafana/build.py"


@each
def test_ids_and_titles_of_panels_are_unique(uid: str) -> None:
    panels = list(_panels(uid))
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)


def test_pages_have_names_of_their_own_that_links_can_hold() -> None:
    assert len({page["title"] for page in PAGES.values()}) == len(PAGES)
    assert all(re.fullmatch(r"[a-z-]{1,40}", uid) for uid in PAGES)


@each
def test_no_panel_lies_over_another_or_beyond_the_edge(uid: str) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in _panels(uid):
        at = panel["gridPos"]
        columns = range(at["x"], at["x"] + at["w"])
        assert columns.start >= 0 and columns.stop <= build.WIDTH, panel["title"]
        for cell in itertools.product(columns, range(at["y"], at["y"] + at["h"])):
            assert cell not in taken, f"{panel['title']} lies over {taken[cell]}"
            taken[cell] = panel["title"]


@each
def test_panels_are_of_kinds_and_units_that_grafana_has(uid: str) -> None:
    for panel in _panels(uid):
        assert panel["type"] in KINDS
        if panel["type"] == "row":
            continue
        units = [panel["fieldConfig"]["defaults"]["unit"]]
        for override in panel["fieldConfig"]["overrides"]:
            units += [p["value"] for p in override["properties"] if p["id"] == "unit"]
        assert set(units) <= UNITS, panel["title"]


@each
def test_every_panel_says_what_it_answers_and_asks_something(uid: str) -> None:
    for panel in _panels(uid):
        if panel["type"] != "row":
            assert panel["description"].endswith("."), panel["title"]
            refs = [target["refId"] for target in panel["targets"]]
            assert refs == sorted(set(refs)) and refs, panel["title"]


@each
def test_thresholds_begin_below_everything_and_rise(uid: str) -> None:
    for panel in _panels(uid):
        if panel["type"] != "row":
            first, *rest = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            values = [step["value"] for step in rest]
            assert first["value"] is None and values == sorted(values), panel["title"]


@each
def test_overrides_and_columns_name_each_other(uid: str) -> None:
    for panel in _panels(uid):
        if panel["type"] == "table":
            organize = panel["transformations"][-1]["options"]
            columns = set(organize["renameByName"].values())
            named = {o["matcher"]["options"] for o in panel["fieldConfig"]["overrides"]}
            assert named <= columns, panel["title"]


@each
def test_every_metric_is_served(uid: str) -> None:
    served = {sample.name for metric in metrics_of(everything()) for sample in metric.samples}
    for expr in expressions(PAGES[uid]):
        names = set(re.findall(r"\b(?:uptimed_\w+|ALERTS|scrape_\w+)", expr))
        assert names and names <= served | OTHERS, expr


@each
def test_every_variable_that_is_used_is_offered(uid: str) -> None:
    page = PAGES[uid]
    offered = {variable["name"] for variable in page["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]+)\b", " ".join(expressions(page))))
    assert used <= offered
    assert page["templating"]["list"][0]["type"] == "datasource"


@each
def test_every_question_goes_to_the_source_that_was_chosen(uid: str) -> None:
    for panel in _panels(uid):
        for asked in [panel, *panel.get("targets", ())]:
            if panel["type"] != "row":
                assert asked["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@each
def test_links_lead_to_pages_and_variables_that_are_there(uid: str) -> None:
    found = re.findall(r"/d/([a-z-]+)([^\"]*)", json.dumps(PAGES[uid]))
    assert {target for target, _ in found} >= PAGES.keys() - {uid}
    for target, rest in found:
        there = {variable["name"] for variable in PAGES[target]["templating"]["list"]}
        assert set(re.findall(r"var-([a-z]+)=", rest)) <= there


def test_the_readme_says_of_every_panel_what_it_answers() -> None:
    text = build.README.read_text(encoding="utf-8")
    assert text == build.readme(text), "run: python3 grafana/build.py"
    for page in PAGES.values():
        for panel in page["panels"]:
            if panel["type"] != "row":
                assert f"| {panel['title']} | {panel['description']} |" in text


def test_the_links_of_the_readme_lead_somewhere() -> None:
    lost = [link for link in links(build.README) if not (ROOT / link.partition("#")[0]).exists()]
    assert lost == []
