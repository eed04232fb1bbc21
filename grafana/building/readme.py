"""What every panel answers, in the README."""

from collections.abc import Iterator, Sequence

from grafana.building.shapes import Dashboard, Panel


def told(text: str, dashboards: Sequence[Dashboard]) -> str:
    """Return the text of a README with what every panel answers between its two marks."""
    before, begin, rest = text.partition("<!-- panels -->\n")
    _, end, after = rest.partition("<!-- end of panels -->\n")
    return before + begin + "\n".join(_lines(dashboards)) + "\n" + end + after


def _lines(dashboards: Sequence[Dashboard]) -> Iterator[str]:
    for dashboard in dashboards:
        title = dashboard.title.removeprefix("uptimed: ")
        yield f"\n### {title[0].upper()}{title[1:]}\n\n{dashboard.about} `{dashboard.uid}.json`\n"
        yield "| panel | answers |\n|---|---|"
        for panel in dashboard.panels:
            if isinstance(panel, Panel):
                yield f"| {panel.title} | {panel.about} |"
    yield ""
