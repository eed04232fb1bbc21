"""A dashboard as JSON: its head, its choices, and where its panels stand."""

import json
from collections.abc import Iterator, Mapping, Sequence

from grafana.building.panels import drawn, source
from grafana.building.shapes import Dashboard, Dialect, Json, Panel, Row, Variable

WIDTH = 24  # columns of Grafana's grid


def rendered(dashboard: Dashboard, others: Sequence[Dashboard]) -> str:
    """Return the dashboard as Grafana imports and provisions it, with links to *others*."""
    dialect = dashboard.dialect
    choices = [_choice(variable, dialect) for variable in dashboard.variables]
    page: Json = {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.about,
        "tags": ["uptimed"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": dashboard.span, "to": "now"},
        "timezone": "",
        "templating": {"list": [_source_choice(dialect), *choices]},
        "annotations": {"list": [_outages(dialect)] if dashboard.outages else []},
        "links": [_way_to(other) for other in others if other is not dashboard],
        "panels": list(_laid_out(dashboard.panels, dialect)),
    }
    return json.dumps(page, indent=2, ensure_ascii=False) + "\n"


def _source_choice(dialect: Dialect) -> Json:
    return {
        "name": "datasource", "label": "Data source", "type": "datasource", "query": dialect.kind,
        "current": {}, "hide": 0, "includeAll": False, "multi": False, "options": [], "refresh": 1,
        "regex": "",
    }  # fmt: skip


def _choice(variable: Variable, dialect: Dialect) -> Json:
    if variable.offered:
        return _offered(variable)
    if variable.text:
        return _text(variable)
    page: Json = {
        "name": variable.name, "label": variable.title, "type": "query",
        "datasource": source(dialect), **dialect.choice(variable),
        "current": {}, "hide": 0, "includeAll": variable.many, "multi": variable.many,
        "options": [], "refresh": 2, "regex": "", "sort": 1,
    }  # fmt: skip
    if variable.many:
        page["allValue"] = ".*"
        page["current"] = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return page


def _offered(variable: Variable) -> Json:
    options = [
        {"selected": number == 0, "text": text, "value": value}
        for number, (text, value) in enumerate(variable.offered.items())
    ]
    return {
        "name": variable.name, "label": variable.title, "type": "custom",
        "query": ",".join(f"{text} : {value}" for text, value in variable.offered.items()),
        "current": options[0], "hide": 0, "includeAll": False, "multi": False, "options": options,
    }  # fmt: skip


def _text(variable: Variable) -> Json:
    option = {"selected": True, "text": variable.text, "value": variable.text}
    return {
        "name": variable.name, "label": variable.title, "type": "textbox", "query": variable.text,
        "current": option, "hide": 2 if variable.hidden else 0, "options": [option],
    }  # fmt: skip


def _outages(dialect: Dialect) -> Json:
    return {
        "name": "Outages", "datasource": source(dialect), "enable": True, "hide": False,
        **dialect.outages(),
    }  # fmt: skip


def _way_to(other: Dashboard) -> Json:
    return {
        "title": other.title.removeprefix("uptimed: "), "type": "link", "icon": "dashboard",
        "tooltip": other.about, "url": f"/d/{other.uid}", "asDropdown": False,
        "includeVars": True, "keepTime": True, "targetBlank": False, "tags": [],
    }  # fmt: skip


def _laid_out(panels: Sequence[Panel | Row], dialect: Dialect) -> Iterator[Json]:
    """Yield the panels from left to right, with a new line where one is full."""
    x = y = tallest = 0
    for number, panel in enumerate(panels, start=1):
        wide = WIDTH if isinstance(panel, Row) else panel.width
        tall = 1 if isinstance(panel, Row) else panel.height
        if x + wide > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        place = {"x": x, "y": y, "w": wide, "h": tall}
        x, tallest = x + wide, max(tallest, tall)
        if isinstance(panel, Row):
            yield _row(panel, number, place)
        else:
            yield drawn(panel, number, place, dialect)


def _row(row: Row, number: int, place: Mapping[str, int]) -> Json:
    return {
        "id": number, "type": "row", "title": row.title, "gridPos": place, "collapsed": False,
        "panels": [],
    }  # fmt: skip
