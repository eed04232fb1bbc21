"""A panel as JSON: what it asks, and how the answers look."""

from collections.abc import Iterator, Mapping

from grafana.building.colours import COVERAGE, LEFT, OF_SHARE
from grafana.building.shapes import Dialect, Json, Panel

REFS = "ABCDEFGH"
"""What the questions of a panel are called."""


def source(dialect: Dialect) -> Json:
    """Return the data source that was chosen at the top of the page."""
    return {"type": dialect.kind, "uid": "${datasource}"}


def drawn(panel: Panel, number: int, place: Mapping[str, int], dialect: Dialect) -> Json:
    """Return the panel at its place."""
    page: Json = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "gridPos": place,
        "datasource": source(dialect),
        "targets": [
            {"refId": ref, "datasource": source(dialect), **dialect.question(ask)}
            for ref, ask in zip(REFS, panel.asks, strict=False)
        ],
        "fieldConfig": {
            "defaults": _defaults(panel),
            "overrides": [*dialect.names(panel.asks), *_overrides(panel)],
        },
        "options": _options(panel),
    }
    if panel.every:
        page["interval"] = panel.every
    if panel.kind == "table":
        page["transformations"] = _table(panel)
    return page


def _defaults(panel: Panel) -> Json:
    steps = [{"value": value, "color": colour} for value, colour in panel.steps]
    page: Json = {
        "unit": panel.unit,
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
        "thresholds": {"mode": "absolute", "steps": steps},
        "mappings": [] if panel.kind == "table" else _mappings(panel.words),
        "links": [] if panel.kind == "table" else list(_links(panel)),
        "custom": _custom(panel),
    }
    limits = {
        "decimals": panel.decimals, "min": panel.low, "max": panel.high,
        "noValue": panel.nothing or None,
    }  # fmt: skip
    return page | {key: value for key, value in limits.items() if value is not None}


def _mappings(words: Mapping[int, tuple[str, str]]) -> list[Json]:
    if not words:
        return []
    shown = {
        str(value): {"index": index, "text": text, "color": colour}
        for index, (value, (text, colour)) in enumerate(words.items())
    }
    return [{"type": "value", "options": shown}]


def _links(panel: Panel) -> Iterator[Json]:
    for title, url in panel.links.items():
        yield {"title": title, "url": url, "targetBlank": False}


def _custom(panel: Panel) -> Json:
    if panel.kind == "timeseries":
        stacking = {"group": "A", "mode": "normal" if panel.stacked else "none"}
        return {
            "drawStyle": "bars" if panel.bars else "line", "lineInterpolation": "stepAfter",
            "lineWidth": 1, "fillOpacity": 30 if panel.stacked or panel.bars else 0,
            "showPoints": "never", "spanNulls": False,
            "stacking": stacking,
            "thresholdsStyle": {"mode": "line" if panel.steps == OF_SHARE else "off"},
        }  # fmt: skip
    if panel.kind == "state-timeline":
        return {"fillOpacity": 90, "lineWidth": 0}
    return {}


def _overrides(panel: Panel) -> Iterator[Json]:
    """Yield what is special to columns of a table: units, colours, and the way to a service."""
    if panel.kind != "table":
        return
    special: dict[str, list[Json]] = {}
    for name, unit in panel.units.items():
        special.setdefault(name, []).append({"id": "unit", "value": unit})
    for name in ("Availability", "Target", "Coverage"):
        if name in special:
            special[name].append({"id": "decimals", "value": 4})
    for name, steps in (("Availability", OF_SHARE), ("Left", LEFT), ("Coverage", COVERAGE)):
        if name in special:
            colours = [{"value": value, "color": colour} for value, colour in steps]
            special[name] += [
                {"id": "thresholds", "value": {"mode": "absolute", "steps": colours}},
                {"id": "custom.cellOptions", "value": {"type": "color-text"}},
            ]
    if panel.words:
        special.setdefault("Now", []).extend(
            (
                {"id": "mappings", "value": _mappings(panel.words)},
                {"id": "custom.cellOptions", "value": {"type": "color-text"}},
            )
        )
    if panel.links:
        special.setdefault("Service", []).append({"id": "links", "value": list(_links(panel))})
    for name, properties in special.items():
        yield {"matcher": {"id": "byName", "options": name}, "properties": properties}


def _options(panel: Panel) -> Json:
    last: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    match panel.kind:
        case "stat":
            return {
                "reduceOptions": last, "colorMode": "background", "graphMode": "none",
                "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
            }  # fmt: skip
        case "gauge":
            return {
                "reduceOptions": last, "orientation": "auto", "showThresholdLabels": False,
                "showThresholdMarkers": True,
            }  # fmt: skip
        case "bargauge":
            return {
                "reduceOptions": last, "orientation": "horizontal", "displayMode": "basic",
                "showUnfilled": True, "valueMode": "color",
            }  # fmt: skip
        case "state-timeline":
            return {
                "alignValue": "center", "mergeValues": True, "rowHeight": 0.9,
                "showValue": "never", "legend": _legend(), "tooltip": {"mode": "single"},
            }  # fmt: skip
        case "table":
            return {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}}
        case _:
            return {"legend": _legend(), "tooltip": {"mode": "multi", "sort": "desc"}}


def _legend() -> Json:
    return {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}


def _table(panel: Panel) -> list[Json]:
    """Return how the answers become one table with a row a service."""
    order = {column: index for index, column in enumerate(panel.names)}
    hidden = dict.fromkeys(("Time", *panel.hidden), True)
    organize: Json = {
        "id": "organize",
        "options": {
            "excludeByName": hidden, "indexByName": order, "renameByName": dict(panel.names),
        },
    }  # fmt: skip
    merge: Json = {"id": "merge", "options": {}}
    return [merge, organize] if len(panel.asks) > 1 else [organize]
