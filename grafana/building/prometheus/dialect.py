"""How a Prometheus is asked."""

from collections.abc import Iterator, Sequence

from grafana.building.colours import RED
from grafana.building.prometheus.asking import ONE
from grafana.building.shapes import Ask, Json, Variable


class Promql:
    """Queries in PromQL, which name their series themselves."""

    kind = "prometheus"

    def question(self, ask: Ask) -> Json:
        """Return a query for a range of time, or for one moment where it fills a table."""
        return {
            "editorMode": "code", "expr": ask.expr,
            "format": "table" if ask.table else "time_series", "instant": ask.table,
            "range": not ask.table, "legendFormat": ask.legend or "__auto",
        }  # fmt: skip

    def choice(self, variable: Variable) -> Json:
        """Return a query for the values of a label."""
        asked = {"query": variable.query, "refId": f"variable-{variable.name}"}
        return {"definition": variable.query, "query": asked}

    def names(self, asks: Sequence[Ask]) -> Iterator[Json]:  # noqa: ARG002 - as the port says
        """Yield nothing: legends stand in the queries."""
        yield from ()

    def outages(self) -> Json:
        """Return when an outage of the service was open."""
        return {
            "iconColor": RED,
            "expr": f"max by (client, service, class) (uptimed_outage_open{{{ONE}}}) == 1",
            "step": "60s", "titleFormat": "{{class}}", "textFormat": "{{service}}",
            "tagKeys": "class", "useValueForTime": False,
        }  # fmt: skip


PROMQL = Promql()
