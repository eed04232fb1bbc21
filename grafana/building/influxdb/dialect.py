"""How an InfluxDB is asked in Flux."""

from collections.abc import Iterator, Sequence

from grafana.building.colours import RED
from grafana.building.influxdb.outages import ANNOTATED
from grafana.building.panels import REFS
from grafana.building.shapes import Ask, Json, Variable


class Flux:
    """Scripts in Flux, whose series are named beside them.

    Grafana takes an answer with `_value` and a time for series, whose labels are the columns
    without `_` in front, and any other for a table.
    """

    kind = "influxdb"

    def question(self, ask: Ask) -> Json:
        """Return a script."""
        return {"query": ask.expr}

    def choice(self, variable: Variable) -> Json:
        """Return a script for the values to choose from."""
        return {"definition": variable.query, "query": variable.query}

    def names(self, asks: Sequence[Ask]) -> Iterator[Json]:
        """Yield what the series of each question are called."""
        for ref, ask in zip(REFS, asks, strict=False):
            if ask.legend:
                name = {"id": "displayName", "value": ask.legend}
                yield {"matcher": {"id": "byFrameRefID", "options": ref}, "properties": [name]}

    def outages(self) -> Json:
        """Return the outages of the service, from their first minute to their last."""
        fields = {name: {"source": "field", "value": name} for name in ("time", "timeEnd", "text")}
        return {
            "iconColor": RED, "target": {"refId": "Outages", "query": ANNOTATED},
            "mappings": fields,
        }  # fmt: skip


FLUX = Flux()
