"""docs/influxdb.md has every field, tag and answer, and no other."""

import re

import pytest

from tests.docs.pages import codes, section, tables
from tests.stores.influx_double import parsed
from tests.stores.making import DAY, NOON, attempt, seal
from uptimed.core.entries import EntryKind, NewEntry, chained
from uptimed.core.issues import Post
from uptimed.core.minutes import Minute, start_of
from uptimed.core.observations import Evidence, Phase
from uptimed.core.outages import Outage
from uptimed.core.strip import Strip
from uptimed.ports import BlindMinute, ConfigRecord, ContractRecord, DayLetters, LifeEvent
from uptimed.stores import influx_points as points
from uptimed.stores import influx_records as records
from uptimed.stores.influx_server import advice, reading_advice

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


_AT = start_of(NOON)
_RECORDS = {
    records.LAID: records.laid_line(Strip(NOON, "U" * 60), "crm", "local"),
    records.DAY: records.day_line(
        DayLetters(service="crm", day=DAY, letters="U", terms_sha256="ab", rules=1), "local"
    ),
    records.TERMS: records.terms_line(
        ConfigRecord(service="crm", since=NOON, sha256="ab", canonical="{}"), "local"
    ),
    records.CONTRACT: records.contract_line(
        ContractRecord(client="acme", since=NOON, sha256="ab", canonical="{}"), "local"
    ),
    records.SEAL: records.seal_line(seal(), "local"),
    records.LIFE: records.life_line(
        1, LifeEvent(at=_AT, kind="gap", vantage="local", detail="x"), "local"
    ),
    records.ENTRY: records.entry_line(
        chained(NewEntry(kind=EntryKind.SILENCE, subject="x", by="a", body="{}"), "acme", _AT, 1,
                None),
        "local",
    ),
    records.POST: records.post_line(Post(key="k", at=_AT, accepted=None), "acme", "local"),
    records.ALIVE: records.alive_line(_AT, "local"),
    records.BLIND: records.blind_line(BlindMinute(vantage="local", minute=NOON, reason="x")),
}  # fmt: skip


def test_every_record_is_among_those_whose_page_is_held_to_the_code() -> None:
    assert set(_RECORDS) == set(records.MEASUREMENTS)


@pytest.mark.parametrize("measurement", records.MEASUREMENTS)
def test_the_page_has_the_fields_and_tags_of_a_record(measurement: str) -> None:
    found = tables(section("influxdb.md", "What is there"))
    of_records = next(t for t in found if t[0][:2] == ["field", "of"])
    told: set[str] = set()
    for row, before in zip(of_records[1:], of_records[:-1], strict=True):
        of = codes((before if row[1] == "the same" else row)[1])
        if measurement in of:
            told |= set(codes(row[0]))
    point = parsed(_RECORDS[measurement])
    assert told == set(point.fields)
    row = next(row for row in found[0] if row[0] == f"`{measurement}`")
    assert set(codes(row[4])) == set(point.tags)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_the_page_tells_what_is_said_where_it_cannot_be_read(status: int) -> None:
    table = tables(section("influxdb.md", "Reading from it"))[0]
    row = next(row for row in table if re.search(rf"\b{status}\b", row[0]))
    said = reading_advice(status)
    assert any(said.startswith(text) for text in codes(row[1]))


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404, 507])
def test_the_page_tells_what_is_said_of_an_answer(status: int) -> None:
    table = tables(section("influxdb.md", "When it does not take what it is given"))[0]
    row = next(row for row in table if re.search(rf"\b{status}\b", row[0]))
    said = [text.removesuffix("...").strip() for text in codes(row[1])]
    assert any(advice(status).startswith(text) for text in said)
