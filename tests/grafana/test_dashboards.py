"""The dashboards: made from the data of grafana/building, and sound as far as JSON shows."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from grafana.building.page import WIDTH
from grafana.building.pages import DASHBOARDS, FOLDER, README, file_of, text_of
from grafana.building.readme import told
from grafana.building.shapes import Dashboard
from tests.docs.pages import links
from tests.grafana.living import everything
from tests.grafana.servers import ROOT
from uptimed.metrics import metrics_of

Json = dict[str, Any]

PAGES: dict[str, Json] = {dashboard.uid: json.loads(text_of(dashboard)) for dashboard in DASHBOARDS}
SOURCES = {dashboard.uid: dashboard.dialect.kind for dashboard in DASHBOARDS}
IN_PROMQL = [uid for uid, kind in SOURCES.items() if kind == "prometheus"]
KINDS = {"stat", "gauge", "bargauge", "timeseries", "state-timeline", "table", "row"}
UNITS = {"short", "percentunit", "s", "µs", "m", "cpm", "dateTimeAsIso"}
OTHERS = {"ALERTS", "scrape_duration_seconds"}

each = pytest.mark.parametrize("uid", PAGES)


def _panels(uid: str) -> Iterator[Json]:
    yield from PAGES[uid]["panels"]


def expressions(page: Json) -> Iterator[str]:
    """Yield every query of a dashboard."""
    for panel in page["panels"]:
        yield from (_query(target) for target in panel.get("targets", ()))
    for annotation in page["annotations"]["list"]:
        yield _query(annotation.get("target", annotation))


def _query(target: Json) -> str:
    return str(target["expr"] if "expr" in target else target["query"])


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_the_file_is_what_is_built(dashboard: Dashboard) -> None:
    written = file_of(dashboard).read_text(encoding="utf-8")
    assert written == text_of(dashboard), "run: python3 -m grafana.building"


def test_there_is_no_file_that_nobody_built() -> None:
    assert set(FOLDER.rglob("*.json")) == {file_of(dashboard) for dashboard in DASHBOARDS}


def test_each_data_source_has_the_same_pages() -> None:
    named = [uid.removeprefix("uptimed-") for uid in IN_PROMQL]
    assert {f"uptimed-influxdb-{name}" for name in named} == PAGES.keys() - set(IN_PROMQL)


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
        assert columns.start >= 0 and columns.stop <= WIDTH, panel["title"]
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
            overrides = panel["fieldConfig"]["overrides"]
            named = {o["matcher"]["options"] for o in overrides if o["matcher"]["id"] == "byName"}
            assert named <= columns, panel["title"]


@each
def test_names_of_series_are_of_questions_that_are_asked(uid: str) -> None:
    for panel in _panels(uid):
        if panel["type"] != "row":
            refs = {target["refId"] for target in panel["targets"]}
            overrides = panel["fieldConfig"]["overrides"]
            named = [
                o["matcher"]["options"] for o in overrides if o["matcher"]["id"] == "byFrameRefID"
            ]
            assert set(named) <= refs and len(set(named)) == len(named), panel["title"]


@pytest.mark.parametrize("uid", IN_PROMQL)
def test_every_metric_is_served(uid: str) -> None:
    served = {sample.name for metric in metrics_of(everything()) for sample in metric.samples}
    for expr in expressions(PAGES[uid]):
        names = set(re.findall(r"\b(?:uptimed_\w+|ALERTS|scrape_\w+)", expr))
        assert names and names <= served | OTHERS, expr


@each
def test_every_variable_that_is_used_is_offered(uid: str) -> None:
    page = PAGES[uid]
    offered = {variable["name"] for variable in page["templating"]["list"]}
    chosen = [str(v["query"]) for v in page["templating"]["list"]]
    used = set(re.findall(r"\$\{?([a-z]+)\b", " ".join([*expressions(page), *chosen])))
    assert used <= offered
    assert offered - used <= {"datasource", "looks"}, "a choice that changes nothing"
    assert page["templating"]["list"][0]["type"] == "datasource"


@each
def test_every_question_goes_to_the_source_that_was_chosen(uid: str) -> None:
    chosen = {"type": SOURCES[uid], "uid": "${datasource}"}
    page = PAGES[uid]
    assert page["templating"]["list"][0]["query"] == SOURCES[uid]
    queried = [v for v in page["templating"]["list"] if v["type"] == "query"]
    for panel in [*_panels(uid), *page["annotations"]["list"], *queried]:
        for asked in [panel, *panel.get("targets", ())]:
            if panel.get("type") != "row":
                assert asked["datasource"] == chosen


@each
def test_links_lead_to_pages_and_variables_that_are_there(uid: str) -> None:
    found = re.findall(r"/d/([a-z-]+)([^\"]*)", json.dumps(PAGES[uid]))
    siblings = {other for other, kind in SOURCES.items() if kind == SOURCES[uid]}
    assert {target for target, _ in found} | {uid} == siblings
    for target, rest in found:
        there = {variable["name"] for variable in PAGES[target]["templating"]["list"]}
        named = re.findall(r"var-([a-z]+)=|\$\{([a-z]+):queryparam\}", rest)
        assert {one or other for one, other in named} <= there


def test_the_readme_says_of_every_panel_what_it_answers() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == told(text, DASHBOARDS), "run: python3 -m grafana.building"
    for page in PAGES.values():
        for panel in page["panels"]:
            if panel["type"] != "row":
                assert f"| {panel['title']} | {panel['description']} |" in text


def test_the_links_of_the_readme_lead_somewhere() -> None:
    lost = [link for link in links(README) if not (ROOT / link.partition("#")[0]).exists()]
    assert lost == []
