"""Against real servers: VictoriaMetrics, and InfluxDB 2 where there is one.

`victoria-metrics` is a Debian package; `tests.stores.influx_elsewhere` says when InfluxDB 2 is
tested.
"""

import asyncio
import json
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.stores.following import (
    HastyClock,
    Vault,
    following,
    influx_of,
    settings_for,
    until,
)
from tests.stores.influx_elsewhere import Elsewhere, real
from tests.stores.making import attempt, letters
from uptimed.clock import SystemClock
from uptimed.core.minutes import Minute, minute_of, start_of
from uptimed.core.observations import Attempt, Instant, Outcome, Phase
from uptimed.core.settings import Settings
from uptimed.ports import Batch
from uptimed.stores.influx_follower import backlog
from uptimed.stores.influx_reader import influx_reader
from uptimed.stores.influx_setup import set_up
from uptimed.stores.sqlite import SqliteJournal

NO_VICTORIA = "victoria-metrics is not on PATH: apt-get install victoria-metrics"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@asynccontextmanager
async def _running(*command: str, health: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(15), aiohttp.ClientSession() as session:
            while not await _healthy(session, health):
                assert process.returncode is None, f"{command[0]} ended by itself"
                await SystemClock().sleep(20_000)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _healthy(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def _all_sent(settings: Settings, journal: SqliteJournal) -> None:
    def done() -> bool:
        with journal.reader() as reader:
            return backlog(reader, influx_of(settings)) == 0

    async with following(settings, journal) as follower:
        await until(done)
        assert follower.set_aside == 0 and follower.expired == 0


def _recent() -> Minute:
    return Minute(minute_of(SystemClock().now()) - 30)


# VictoriaMetrics.


@pytest.fixture
async def victoria(tmp_path: Path) -> AsyncIterator[str]:
    program = shutil.which("victoria-metrics")
    if program is None:
        pytest.skip(NO_VICTORIA)
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    async with _running(
        program, f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={tmp_path / 'vm'}",
        "-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms", "-search.latencyOffset=0s",
        health=f"{url}/health",
    ):  # fmt: skip
        yield url


async def _series(url: str, match: str) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/internal/force_flush") as answer:
            assert answer.status == 200
        query = {"match[]": match, "reduce_mem_usage": "0"}
        async with session.get(f"{url}/api/v1/export", params=query) as answer:
            return [json.loads(line) for line in (await answer.text()).splitlines()]


async def _invalid_rows(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as answer:
        found = re.search(r'vm_rows_invalid_total\{type="influx"\} (\d+)', await answer.text())
        return int(found[1]) if found else 0


@pytest.mark.slow
async def test_victoria_metrics_has_every_figure_once_also_when_it_is_sent_again(
    victoria: str, tmp_path: Path
) -> None:
    settings = settings_for(victoria, tmp_path)
    start = _recent()
    looks = [
        attempt(start + n, took_us=100_000 + n, detail='odd, "text" = \\ \n Ж', vantage="a b,c=\\")
        for n in range(5)
    ]
    async with SqliteJournal(tmp_path / "uptimed.db") as journal:
        await journal.write(Batch(attempts=looks, letters=letters("UDDUg", start).letters))
        await _all_sent(settings, journal)
        again = replace(influx_of(settings), url=f"{victoria}/")  # the same server, by another name
        await _all_sent(replace(settings, influxdb=again), journal)
    (took,) = await _series(victoria, '{__name__="uptimed_look_took_us"}')
    assert took["values"] == [100_000 + n for n in range(5)]
    assert took["timestamps"] == [(start + n) * 60_000 for n in range(5)]
    assert took["metric"]["service"] == "acme-crm"
    assert took["metric"]["vantage"] == "a b,c=%5C"
    (down,) = await _series(victoria, '{__name__="uptimed_minute_down"}')
    assert down["values"] == [0, 1, 1, 0, 0]
    (code,) = await _series(victoria, '{__name__="uptimed_minute_code"}')
    assert code["values"] == [1, 4, 4, 1, 2]
    (outage,) = await _series(victoria, '{__name__="uptimed_outage_minutes"}')
    assert outage["values"][-1] == 2
    assert await _invalid_rows(victoria) == 0


@pytest.mark.slow
async def test_two_accounts_at_one_instant_are_two_series_in_victoria_metrics(
    victoria: str, tmp_path: Path
) -> None:
    settings = settings_for(victoria, tmp_path)
    looks = [attempt(_recent(), probe="login", account=n, outcome=Outcome.REJECTED) for n in (1, 2)]
    async with SqliteJournal(tmp_path / "uptimed.db") as journal:
        await journal.write(Batch(attempts=looks))
        await _all_sent(settings, journal)
    found = await _series(victoria, '{__name__="uptimed_look_took_us"}')
    assert sorted(of["metric"]["account"] for of in found) == ["1", "2"]


# InfluxDB 2.


@pytest.fixture
def influxdb(tmp_path: Path) -> Iterator[Elsewhere]:
    with real(tmp_path) as found:
        yield found


def _settings(real: Elsewhere, folder: Path) -> Settings:
    settings = settings_for(real.url, folder)
    influx = replace(
        influx_of(settings), org=real.org, bucket_looks=f"looks{real.suffix}",
        bucket_letters=f"letters{real.suffix}",
    )  # fmt: skip
    return replace(settings, influxdb=influx)


async def _follow_all(settings: Settings, journal: SqliteJournal, vault: Vault) -> int:
    def done() -> bool:
        with journal.reader() as reader:
            return backlog(reader, influx_of(settings)) == 0

    async with following(settings, journal, vault=vault) as follower:
        await until(done)
        return follower.set_aside


@pytest.mark.slow
async def test_influxdb_2_is_set_up_and_gives_back_what_the_journal_has(
    influxdb: Elsewhere, tmp_path: Path
) -> None:
    settings, vault = _settings(influxdb, tmp_path), Vault(influxdb.token)
    influx = influx_of(settings)
    made = await set_up(
        influx, looks_kept_days=400, secrets=vault, clock=HastyClock(), software="0"
    )
    assert made.problems == ()
    start = _recent()
    looks: list[Attempt] = [
        attempt(
            start + n, detail='odd, "text" = \\ \n Ж', vantage="a b,c=\\",
            phases={Phase.DNS: n}, outcome=Outcome.FAIL, cause="status", account=n % 3,
        )
        for n in range(20)
    ]  # fmt: skip
    looks.append(attempt(start, at=Instant(start_of(start) + 16_000_000), look=start_of(start)))
    async with SqliteJournal(tmp_path / "uptimed.db") as journal:
        await journal.write(Batch(attempts=looks, letters=letters("UuGgDLN" * 2, start).letters))
        assert await _follow_all(settings, journal, vault) == 0
        other = replace(influx, url=f"{influx.url}/")  # the same server, by another name
        assert await _follow_all(replace(settings, influxdb=other), journal, vault) == 0
        with journal.reader() as reader:
            wanted = reader.attempts("acme-crm", start, Minute(start + 60))
    async with influx_reader(influx, secrets=vault, clock=HastyClock(), software="0") as back:
        found = [a async for a in back.attempts("acme-crm", start, Minute(start + 60))]
        assert found == list(wanted)
        strip = await back.letters("acme-crm", start, Minute(start + 14), vantage=settings.vantage)
        assert strip.letters == "UuGgDLN" * 2
        assert await back.services() == ["acme-crm"]


@pytest.mark.slow
async def test_influxdb_2_refuses_a_type_and_only_that_point_is_set_aside(
    influxdb: Elsewhere, tmp_path: Path
) -> None:
    settings, vault = _settings(influxdb, tmp_path), Vault(influxdb.token)
    influx = influx_of(settings)
    await set_up(influx, looks_kept_days=400, secrets=vault, clock=HastyClock(), software="0")
    start = _recent()
    async with (
        aiohttp.ClientSession() as session,
        session.post(  # somebody else's figure, of another type
            f"{influx.url}/api/v2/write?org={influx.org}&bucket={influx.bucket_looks}",
            data=f'uptimed_look,service=x dns_us="text" {start * 60_000_000_000}',
            headers={"Authorization": f"Token {influxdb.token}"},
        ) as answer,
    ):
        assert answer.status == 204
    looks = [attempt(start + n, phases={Phase.DNS: 5} if n == 3 else {}) for n in range(9)]
    async with SqliteJournal(tmp_path / "uptimed.db") as journal:
        await journal.write(Batch(attempts=looks))
        assert await _follow_all(settings, journal, vault) == 1
    async with influx_reader(influx, secrets=vault, clock=HastyClock(), software="0") as back:
        found = [a async for a in back.attempts("acme-crm", start, Minute(start + 60))]
        assert found == [look for look in looks if look.at != looks[3].at]
