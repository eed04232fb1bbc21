"""docs/influxdb.md has every field, tag and answer, and no other."""

import re

import pytest

from tests.docs.pages import codes, section, tables
from tests.stores.influx_double import parsed
from tests.stores.making import NOON, attempt
from uptimed.core.minutes import Minute
from uptimed.core.observations import Evidence, Phase
from uptimed.core.outages import Outage
from uptimed.stores import influx_points as points
from uptimed.stores.influx_server import advice

_LOOK = points.look_line(
    attempt(
        cause="status", detail="x", secret="ab", account=1, phases=dict.fromkeys(Phase, 1),
        certificate_expires=1, evidence=Evidence(status=503),
    ),
    "acme", "http", "reach",
)  # fmt: skip
_MINUTE = points.minute_line(
    points.service_series(points.MINUTE_OF, "acme", "acme-crm", "local"), NOON, "U", "DL"
)
_OUTAGE = points.outage_line(
    points.service_series(points.OUTAGE, "acme", "acme-crm", "local"),
    Outage(start=NOON, stop=Minute(NOON + 1), down=(NOON,), kind="degraded", counted=True),
)
_LINES = {points.LOOK: _LOOK, points.MINUTE_OF: _MINUTE, points.OUTAGE: _OUTAGE}


@pytest.mark.parametrize("measurement", _LINES)
def test_the_page_has_the_fields_and_tags_of_a_measurement(measurement: str) -> None:
    found = tables(section("influxdb.md", "What is there"))
    of_fields = next(t for t in found if t[0][0] == f"field of `{measurement}`")
    told = {name for row in of_fields[1:] for name in codes(row[0])}
    row = next(row for row in found[0] if row[0] == f"`{measurement}`")
    point = parsed(_LINES[measurement])
    assert told == set(point.fields)
    assert set(codes(row[4])) == set(point.tags)


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404, 507])
def test_the_page_tells_what_is_said_of_an_answer(status: int) -> None:
    table = tables(section("influxdb.md", "When it does not take what it is given"))[0]
    row = next(row for row in table if re.search(rf"\b{status}\b", row[0]))
    said = [text.removesuffix("...").strip() for text in codes(row[1])]
    assert any(advice(status).startswith(text) for text in said)
