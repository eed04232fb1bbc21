"""A journal, a configuration and a follower from them to a server: for the tests of InfluxDB."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.stores.influx_double import ORG, TOKEN, Key, Value
from uptimed.clock import SystemClock
from uptimed.config import load
from uptimed.core.minutes import minute_of
from uptimed.core.observations import Attempt, Instant
from uptimed.core.settings import Influx, Settings
from uptimed.core.targets import Secret
from uptimed.core.terms import WatchTerms
from uptimed.ports import ConfigRecord, SecretMissing
from uptimed.stores import influx_points as points
from uptimed.stores.influx_follower import InfluxFollower, influx_follower
from uptimed.stores.influx_lines import tag
from uptimed.stores.sqlite import SqliteJournal

LOOKS, LETTERS = "uptimed_looks", "uptimed_letters"

_CONFIG = """
[journal]
path = "uptimed.db"
[influxdb]
url = "{url}"
org = "{org}"
token = {{ env = "TOKEN" }}
{more}
[[clients]]
id = "acme"
name = "ACME"
contract = "datacrm"
[[clients.services]]
id = "acme-crm"
name = "CRM"
[[clients.services.probes]]
id = "front"
role = "reach"
kind = "tcp"
host = "192.0.2.1"
port = 80
[[clients.services.probes]]
id = "login"
role = "login"
kind = "login"
preset = "vtiger"
base_url = "https://192.0.2.1"
accounts = [
  {{ username = "a", password = {{ env = "A" }} }},
  {{ username = "b", password = {{ env = "B" }} }},
]
"""


def settings_for(url: str, folder: Path, more: str = "") -> Settings:
    path = folder / "uptimed.toml"
    path.write_text(_CONFIG.format(url=url, org=ORG, more=more), encoding="utf-8")
    return load(path).settings


def influx_of(settings: Settings) -> Influx:
    assert settings.influxdb is not None
    return settings.influxdb


class Vault:
    """Has the token, or not."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token

    def read(self, secret: Secret) -> str:
        if not self.token:
            raise SecretMissing(f"environment variable {secret.name} is not set")
        return self.token


class HastyClock:
    """A clock on which waiting takes a millisecond, and is written down."""

    def __init__(self, now: int = 1_790_000_000_000_000) -> None:
        self._now = now
        self._real = SystemClock()
        self.slept: list[int] = []

    def now(self) -> Instant:
        return Instant(self._now)

    def monotonic(self) -> int:
        return self._now

    async def sleep(self, duration_us: int) -> None:
        self.slept.append(duration_us)
        self._now += duration_us
        await self._real.sleep(1_000)


async def until(done: Callable[[], bool], *, within_s: float = 5) -> None:
    async with asyncio.timeout(within_s):
        while not done():
            await SystemClock().sleep(2_000)


@asynccontextmanager
async def opened(
    settings: Settings,
    journal: SqliteJournal,
    *,
    clock: HastyClock | None = None,
    vault: Vault | None = None,
    random: Callable[[], float] = lambda: 1.0,
) -> AsyncIterator[InfluxFollower]:
    async with influx_follower(
        settings, journal, secrets=vault or Vault(), clock=clock or HastyClock(), random=random,
        software="0",
    ) as follower:  # fmt: skip
        yield follower


@asynccontextmanager
async def following(
    settings: Settings,
    journal: SqliteJournal,
    *,
    clock: HastyClock | None = None,
    vault: Vault | None = None,
) -> AsyncIterator[InfluxFollower]:
    """Follow until the end of the block, and then be gone at once."""
    async with (
        opened(settings, journal, clock=clock, vault=vault) as follower,
        asyncio.TaskGroup() as group,
    ):
        task = group.create_task(follower.follow())
        yield follower
        task.cancel()


def terms_record(settings: Settings, since: int) -> ConfigRecord:
    watch: WatchTerms = settings.service("acme-crm").watch
    return ConfigRecord(
        service="acme-crm", since=minute_of(Instant(since)), sha256=watch.digest(),
        canonical=watch.canonical(),
    )  # fmt: skip


LookKey = tuple[str, str, str, str, int]


def look_key(attempt: Attempt) -> LookKey:
    return (
        tag(attempt.service), tag(attempt.probe), tag(attempt.vantage),
        str(attempt.account) if attempt.account else "", attempt.at * 1000,
    )  # fmt: skip


def looks_there(bucket: dict[Key, dict[str, Value]]) -> list[LookKey]:
    """Return who each look in *bucket* is of; a look that is there twice is listed twice."""
    found: list[LookKey] = []
    for measurement, tags, at in bucket:
        if measurement == points.LOOK:
            of = dict(tags)
            found.append((of["service"], of["probe"], of["vantage"], of.get("account", ""), at))
    return sorted(found)


def keys_of(attempts: Sequence[Attempt]) -> list[LookKey]:
    return sorted(look_key(attempt) for attempt in attempts)
