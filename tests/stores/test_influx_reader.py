"""What comes back is what the journal had."""

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.stores.following import (
    LETTERS,
    LOOKS,
    HastyClock,
    Vault,
    following,
    influx_of,
    settings_for,
    until,
)
from tests.stores.influx_double import InfluxDouble, Value, influx_double
from tests.stores.making import NOON, attempt, letters
from uptimed.core.minutes import Minute, start_of
from uptimed.core.observations import Attempt, Evidence, Instant, Outcome, Phase
from uptimed.core.settings import Settings
from uptimed.ports import Batch, StoreError
from uptimed.stores.influx_follower import backlog
from uptimed.stores.influx_reader import InfluxReader, influx_reader
from uptimed.stores.sqlite import SqliteJournal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _answered(double: InfluxDouble, query: str) -> str:
    """Do what the few shapes of query that the reader writes ask for, as annotated CSV."""
    bucket = re.search(r'bucket: "([^"]*)"', query)
    measurement = re.search(r'r._measurement == "([^"]*)"', query)
    assert bucket and measurement
    points = [
        (dict(tags), at, fields)
        for (of, tags, at), fields in double.points[bucket[1]].items()
        if of == measurement[1]
    ]
    if "schema.tagValues" in query:
        names = sorted({tags["service"] for tags, _, _ in points})
        return _csv([{"_value": name} for name in names])
    limits = re.search(r"range\(start: (\S+), stop: (\S+)\)", query)
    assert limits
    start, stop = (_nanoseconds(limits[n]) for n in (1, 2))
    wanted = dict(re.findall(r'r\.(service|vantage) == "((?:[^"\\]|\\.)*)"', query))
    rows: list[dict[str, Value]] = []
    for tags, at, fields in points:
        if start <= at < stop and all(tags.get(k) == v for k, v in wanted.items()):
            moment = _EPOCH + timedelta(microseconds=at // 1000)
            rows.append({"_time": moment.isoformat().replace("+00:00", "Z"), **tags, **fields})
    return _csv(rows)


def _nanoseconds(moment: str) -> int:
    return round((datetime.fromisoformat(moment) - _EPOCH) / timedelta(microseconds=1)) * 1000


def _csv(rows: list[dict[str, Value]]) -> str:
    """Return a table for each row, as servers do of points with different columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for number, row in enumerate(rows):
        kinds = [
            "dateTime:RFC3339"
            if name == "_time"
            else "long"
            if isinstance(value, int)
            else "string"
            for name, value in row.items()
        ]
        writer.writerow(["#datatype", "string", "long", *kinds])
        writer.writerow(["#group", "false", "false", *["false"] * len(row)])
        writer.writerow(["#default", "_result", "", *[""] * len(row)])
        writer.writerow(["", "result", "table", *row])
        writer.writerow(["", "", number, *row.values()])
        out.write("\r\n")
    return out.getvalue()


@pytest.fixture
async def double() -> AsyncIterator[InfluxDouble]:
    async with influx_double(LOOKS, LETTERS) as made:
        made.rows = lambda query: _answered(made, query)
        yield made


@pytest.fixture
def settings(double: InfluxDouble, tmp_path: Path) -> Settings:
    return settings_for(double.url, tmp_path)


@pytest.fixture
async def reader(settings: Settings) -> AsyncIterator[InfluxReader]:
    async with influx_reader(
        influx_of(settings), secrets=Vault(), clock=HastyClock(), software="0"
    ) as made:
        yield made


async def _sent(settings: Settings, tmp_path: Path, *batches: Batch) -> None:
    async with SqliteJournal(tmp_path / "uptimed.db") as journal:
        for batch in batches:
            await journal.write(batch)

        def done() -> bool:
            with journal.reader() as found:
                return backlog(found, influx_of(settings)) == 0

        async with following(settings, journal):
            await until(done)


LOOKS_THERE = [
    attempt(NOON - 2000),
    attempt(
        NOON,
        outcome=Outcome.FAIL,
        cause="status",
        detail='status 503,\nwanted "200" at 99 % \\ \u240a',
        phases={Phase.DNS: 900, Phase.TLS: 40_000, Phase.TRANSFER: 0},
        certificate_expires=1_800_000_000_000_000,
    ),
    attempt(NOON, at=Instant(start_of(NOON) + 15_000_001), look=start_of(NOON), took_us=None),
    attempt(NOON + 1, probe="login", account=1, secret="ab12", outcome=Outcome.REJECTED),
    attempt(NOON + 1, probe="login", account=2, secret="cd34", outcome=Outcome.BLOCKED),
    attempt(NOON + 2, vantage="a b,c=\\", outcome=Outcome.NOT_MEASURED, cause="local_dns"),
]


async def test_attempts_come_back_as_they_were_over_days_in_order(
    double: InfluxDouble, settings: Settings, reader: InfluxReader, tmp_path: Path
) -> None:
    await _sent(settings, tmp_path, Batch(attempts=LOOKS_THERE))
    found = [a async for a in reader.attempts("acme-crm", Minute(NOON - 3000), Minute(NOON + 60))]
    assert found == LOOKS_THERE
    assert len(double.queries) == 3  # a day each


async def test_attempts_belong_to_the_minute_of_their_look(
    settings: Settings, reader: InfluxReader, tmp_path: Path
) -> None:
    late = attempt(NOON, at=Instant(start_of(Minute(NOON + 1)) + 5), look=start_of(NOON))
    await _sent(settings, tmp_path, Batch(attempts=[late]))
    assert [a async for a in reader.attempts("acme-crm", NOON, Minute(NOON + 1))] == [late]
    following_minute = reader.attempts("acme-crm", Minute(NOON + 1), Minute(NOON + 2))
    assert [a async for a in following_minute] == []


async def test_evidence_stays_at_home(
    double: InfluxDouble, settings: Settings, reader: InfluxReader, tmp_path: Path
) -> None:
    look = attempt(evidence=Evidence(status=503, excerpt="Mr Smith owes", address="192.0.2.1"))
    await _sent(settings, tmp_path, Batch(attempts=[look]))
    (found,) = [a async for a in reader.attempts("acme-crm", NOON, Minute(NOON + 1))]
    assert found.evidence is None
    assert "Smith" not in str(double.points)


async def test_letters_come_back_marks_included(
    settings: Settings, reader: InfluxReader, tmp_path: Path
) -> None:
    await _sent(settings, tmp_path, letters("UuGgDLN"))
    strip = await reader.letters(
        "acme-crm", Minute(NOON - 2), Minute(NOON + 9), vantage=settings.vantage
    )
    assert (strip.start, strip.letters) == (NOON - 2, "NNUuGgDLNNN")


async def test_each_monitors_letters_are_its_own(
    settings: Settings, reader: InfluxReader, tmp_path: Path
) -> None:
    await _sent(settings, tmp_path, letters("UU"))
    strip = await reader.letters("acme-crm", NOON, Minute(NOON + 2), vantage="madrid")
    assert strip.letters == "NN"


async def test_services_are_those_with_looks_or_letters(
    settings: Settings, reader: InfluxReader, tmp_path: Path
) -> None:
    await _sent(
        settings, tmp_path, Batch(attempts=[attempt()]), letters("U", service="acme-pim"),
    )  # fmt: skip
    assert await reader.services() == ["acme-crm", "acme-pim"]


async def _all(reader: InfluxReader) -> list[Attempt]:
    return [a async for a in reader.attempts("acme-crm", NOON, Minute(NOON + 1))]


async def test_a_server_that_refuses_is_an_error_in_plain_words(
    double: InfluxDouble, reader: InfluxReader
) -> None:
    double.token = "another"
    with pytest.raises(StoreError, match="the token is wrong"):
        await _all(reader)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param("<html></html>,a,b\r\n", id="HTML"),
        pytest.param(
            "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n"
            ",query went wrong,897\r\n",
            id="an error in the middle",
        ),
    ],
)
async def test_an_answer_that_is_none_is_an_error(
    double: InfluxDouble, reader: InfluxReader, rows: str
) -> None:
    double.rows = lambda _query: rows
    with pytest.raises(StoreError, match=r"http://127\.0\.0\.1"):
        await _all(reader)
