"""What comes back is what the journal had."""

from collections.abc import AsyncIterator
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
from tests.stores.influx_double import InfluxDouble, influx_double
from tests.stores.influx_flux import answered
from tests.stores.making import NOON, attempt, letters
from uptimed.core.minutes import Minute, start_of
from uptimed.core.observations import Attempt, Evidence, Instant, Outcome, Phase
from uptimed.core.settings import Settings
from uptimed.ports import Batch, BlindMinute, StoreError
from uptimed.stores.influx_follower import backlog
from uptimed.stores.influx_reader import InfluxReader, Shared, influx_reader, shared_looks
from uptimed.stores.sqlite import SqliteJournal


@pytest.fixture
async def double() -> AsyncIterator[InfluxDouble]:
    async with influx_double(LOOKS, LETTERS) as made:
        made.rows = lambda query: answered(made.points, query)
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


@pytest.fixture
async def shared(settings: Settings) -> AsyncIterator[Shared]:
    async with shared_looks(
        influx_of(settings), secrets=Vault(), clock=HastyClock(), software="0"
    ) as made:
        yield made


_HOUR = Minute(NOON), Minute(NOON + 60)


async def test_what_came_since_shows_in_the_counts_whatever_its_time(
    settings: Settings, shared: Shared, tmp_path: Path
) -> None:
    services, vantages = ["acme-crm", "acme-pim"], ["madrid", "local"]
    early = [attempt(NOON + n, vantage="madrid") for n in (0, 25)]
    await _sent(settings, tmp_path, Batch(attempts=early))
    before = await shared.counts(services, vantages, *_HOUR, 10)
    assert before == {("madrid", NOON): 1, ("madrid", NOON + 20): 1}
    late = [
        attempt(NOON + 1, vantage="madrid", service="acme-pim"),
        attempt(NOON + 2, vantage="madrid"),
        attempt(NOON + 30, vantage="local"),
    ]
    await _sent(settings, tmp_path, Batch(attempts=late))
    after = await shared.counts(services, vantages, *_HOUR, 10)
    changed = {key for key, count in after.items() if before.get(key, 0) != count}
    assert changed == {("madrid", NOON), ("local", NOON + 30)}
    stretch = start_of(NOON), start_of(Minute(NOON + 10))
    found = [a async for a in shared.attempts(services, ["madrid"], *stretch)]
    assert sorted(found, key=lambda a: a.at) == [early[0], *late[:2]]


async def test_nothing_is_asked_about_nobody(double: InfluxDouble, shared: Shared) -> None:
    assert await shared.counts(["crm"], [], *_HOUR, 10) == {}
    assert await shared.counts([], ["madrid"], *_HOUR, 10) == {}
    assert [a async for a in shared.attempts([], ["madrid"], Instant(0), Instant(9))] == []
    assert await shared.blind([], *_HOUR) == []
    assert double.queries == []


async def test_blind_minutes_are_shared(settings: Settings, shared: Shared, tmp_path: Path) -> None:
    blind = [
        BlindMinute(vantage=of, minute=Minute(NOON + n), reason="nobody answered")
        for of, n in (("madrid", 1), ("local", 2), ("madrid", 70))
    ]
    await _sent(settings, tmp_path, Batch(blind=blind))
    assert await shared.blind(["madrid", "local"], *_HOUR) == blind[:2]
    assert await shared.blind(["bogota"], *_HOUR) == []
