"""What was brought to InfluxDB says the same as the journal: letters, looks, reports, all of it."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from tests.cli.commands import ACME_CRM, PIM, call, journal_of, jsonl, look, minute, settings_of
from tests.stores.following import HastyClock, Vault, influx_of, until
from tests.stores.influx_elsewhere import Elsewhere, real, stand_in
from uptimed.cli.common import show_utc
from uptimed.core.chain import GENESIS, attempts_digest, seal_record
from uptimed.core.entries import EntryKind, NewEntry
from uptimed.core.minutes import Minute, day_minutes, day_of, start_of
from uptimed.core.settings import Settings
from uptimed.ports import Batch, BlindMinute, ConfigRecord, ContractRecord, LifeEvent, Seal
from uptimed.stores.entering import enter
from uptimed.stores.influx import backlog, influx_follower, set_up
from uptimed.stores.influx_journal import influx_journal
from uptimed.stores.ledger import Ledger
from uptimed.stores.sqlite import SqliteJournal, open_reader

pytestmark = pytest.mark.timeout(120)

START = minute("2026-10-05 12:34")

_LOOKED_AT = [*range(400), *range(980, 1120), *range(2300, 2340)]  # minutes after START

_CLIENTS = (
    ACME_CRM
    + """vantages = ["local", "madrid"]
min_vantages = 1
[[clients.services.probes]]
id = "front"
role = "reach"
kind = "http"
url = "http://127.0.0.1:9/"
[[clients.services.probes]]
id = "login"
role = "login"
kind = "login"
preset = "vtiger"
interval = "5m"
base_url = "http://127.0.0.1:9"
accounts = [
  { username = "a", password = { env = "A" } },
  { username = "b", password = { env = "B" } },
]
"""
    + PIM
)


@dataclass(frozen=True, slots=True)
class World:
    """A monitor's configuration, and that of a host that has no journal."""

    here: Path
    elsewhere: Path
    there: Elsewhere


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(
    scope="module", params=["stand-in", pytest.param("InfluxDB 2", marks=pytest.mark.slow)]
)
def world(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    environment: pytest.MonkeyPatch,
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    server = stand_in() if request.param == "stand-in" else real(folder)
    with server as there:
        environment.setenv("INFLUX", there.token)
        here, elsewhere = (folder / name / "uptimed.toml" for name in ("here", "elsewhere"))
        for path in (here, elsewhere):
            path.parent.mkdir()
            path.write_text(f"{there.section}\n{_CLIENTS}", encoding="utf-8")
        world = World(here, elsewhere, there)
        _fill(world.here)
        asyncio.run(_bring(settings_of(world.here), there))
        yield world


def _fill(config: Path) -> None:
    """Write parts of three days of everything to the journal, the first two of them sealed."""
    random = Random(7)
    lines = [line for n in _LOOKED_AT for line in _minute(n, random)]
    settings = settings_of(config)
    with Ledger.open(journal_of(config)) as ledger:
        for service in settings.services:
            watch = service.watch
            ledger.write(Batch(configs=[ConfigRecord(
                service=service.id, since=START, sha256=watch.digest(), canonical=watch.canonical()
            )]))  # fmt: skip
        ledger.write(_happened())
    result = call("import", "-", config=config, stdin=jsonl(lines))
    assert result.exit_code == 0, result.stderr
    with Ledger.open(journal_of(config)) as ledger:
        _seal(ledger, settings)
        enter(ledger, "acme", start_of(START), lambda _: [NewEntry(
            kind=EntryKind.SILENCE, subject="crm", by='Ana \n"Ж"', body='{"why":"' + "x" * 40_000
            + '"}',
        )])  # fmt: skip


def _minute(n: int, random: Random) -> Iterator[dict[str, object]]:
    at = Minute(START + n)
    for service, vantage in (("crm", "local"), ("crm", "madrid"), ("pim", "local")):
        down = service == "crm" and 300 <= n < 312
        if n % 97 == 5 or (service == "pim" and 1000 <= n < 1100):
            continue
        outcome = "fail" if down or random.random() < 0.02 else "pass"
        first = look(at, outcome, service=service, vantage=vantage, took_ms=random.randrange(9000))
        yield first
        if outcome == "fail":
            moment = _later(str(first["at"]), 15)
            again = "fail" if down else "pass"
            yield look(moment, again, service=service, vantage=vantage, look=str(first["at"]))
    if n % 5 == 0:
        outcome = random.choice(["pass", "pass", "rejected", "blocked", "maintenance"])
        yield look(at, outcome, probe="login", account=1 + n % 2, detail=f'"{n}", 99 % \\')


def _later(at: str, seconds: int) -> str:
    moment = datetime.fromisoformat(at) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _happened() -> Batch:
    return Batch(
        life=[
            LifeEvent(at=start_of(START), kind="started", vantage="local", detail="1.0"),
            LifeEvent(
                at=start_of(Minute(START + 1100)), kind="gap", vantage="local",
                detail='killed: "kill -9", 1 % \\', start=Minute(START + 1000),
                stop=Minute(START + 1100),
            ),
            LifeEvent(at=start_of(START), kind="started", vantage="local", detail="once more"),
        ],
        blind=[
            BlindMinute(vantage=of, minute=Minute(START + n), reason="nobody answered")
            for of, n in (("local", 307), ("madrid", 308), ("local", 308))
        ],
        contracts=[ContractRecord(client="beta", since=START, sha256="ab", canonical="{}")],
        heartbeat=start_of(Minute(START + 2350)),
    )  # fmt: skip


def _seal(ledger: Ledger, settings: Settings) -> None:
    for service in settings.services:
        previous = GENESIS
        for number in range(2):
            day = day_of(START) + timedelta(days=number)
            minutes = day_minutes(day)
            start, stop = Minute(minutes.start), Minute(minutes.stop)
            record, sha256 = seal_record(
                service=service.id, day=day, letters=ledger.reader.letters(service.id, start, stop),
                attempts_sha256=attempts_digest(ledger.reader.attempts(service.id, start, stop)),
                terms_sha256=service.watch.digest(), software="1.0", previous_sha256=previous,
            )  # fmt: skip
            seal = Seal(service=service.id, day=day, record=record, sha256=sha256)
            ledger.write(Batch(seals=[seal]))
            previous = sha256


async def _bring(settings: Settings, there: Elsewhere) -> None:
    assert settings.influxdb is not None
    influx, clock, vault = settings.influxdb, HastyClock(), Vault(there.token)
    if there.double is None:
        made = await set_up(influx, looks_kept_days=900, secrets=vault, clock=clock, software="0")
        assert made.problems == ()
    async with SqliteJournal(Path(settings.journal_path)) as journal, influx_follower(
        settings, journal, secrets=vault, clock=clock, random=lambda: 1.0, software="0"
    ) as follower:  # fmt: skip

        def done() -> bool:
            with journal.reader() as reader:
                return backlog(reader, influx) == 0

        async with asyncio.TaskGroup() as group:
            task = group.create_task(follower.follow())
            await until(done, within_s=60)
            task.cancel()
        assert follower.set_aside == follower.expired == 0


def _both(world: World, *arguments: str) -> tuple[str, str]:
    """Return what a command says from the journal, and from InfluxDB on a host without one."""
    said = []
    for config, source in ((world.here, "journal"), (world.elsewhere, "influx")):
        result = call(*arguments, "--from", source, config=config)
        assert result.exit_code in {0, 1}, result.stderr
        said.append(result.stdout)
    assert not Path(settings_of(world.elsewhere).journal_path).exists()
    return said[0], said[1]


@pytest.mark.parametrize("form", ["json", "csv", "html"])
def test_the_report_is_the_same_to_the_byte(world: World, form: str) -> None:
    here, there = _both(world, "report", "--draft", "--month", "2026-10", "--format", form)
    assert here == there
    if form == "json":
        minutes = json.loads(here)["services"][0]["minutes"]
        assert minutes["system_down"] > 5 and minutes["login_failure"] >= 0


@pytest.mark.parametrize("what", ["looks", "letters"])
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_the_export_is_the_same_to_the_byte(world: World, what: str, form: str) -> None:
    here, there = _both(world, "export", "--what", what, "--month", "2026-10", "--format", form)
    assert here == there
    assert here.count("\n") > 1000
    assert ("nobody answered" in here) is (what == "looks")  # so two minutes were blind


def test_replay_finds_the_same_letters_and_a_whole_chain(world: World) -> None:
    here, there = _both(world, "replay", "--month", "2026-10", "--json")
    assert here == there
    said = json.loads(there)
    assert said["agrees"] is True
    assert [service["sealed_days"] for service in said["services"]] == [2, 2]


@pytest.mark.parametrize("n", [0, 5, 303, 308, 1050, 2310])
def test_a_minute_is_explained_in_the_same_words(world: World, n: int) -> None:
    at = show_utc(Minute(START + n))
    here, there = _both(world, "explain", "crm", at)
    assert here == there
    here, there = _both(world, "explain", "crm", at, "--json")
    assert here == there


def test_status_says_the_same_but_for_followers(world: World) -> None:
    here, there = (json.loads(said) for said in _both(world, "status", "--json"))
    assert here.pop("followers") == [{"name": "influx", "backlog": 0, "lag_seconds": 0}]
    assert there.pop("followers") == []
    assert here["at"][:13] == there["at"][:13]
    assert here | {"at": ""} == there | {"at": ""}


def test_every_record_comes_back_to_the_letter(world: World) -> None:
    settings = settings_of(world.here)
    first, last = day_of(START), day_of(Minute(START + 4000))
    everything = Minute(0), Minute(START + 100_000)
    with (
        open_reader(journal_of(world.here)) as here,
        influx_journal(
            influx_of(settings), "local", secrets=Vault(world.there.token), clock=HastyClock(),
            software="0",
        ) as there,
    ):  # fmt: skip
        assert there.services() == list(here.services())
        assert there.entries() == list(here.entries())
        assert there.life(*everything) == list(here.life(*everything))
        assert there.contracts("beta") == list(here.contracts("beta"))
        assert there.posts("acme") == list(here.posts("acme"))
        assert there.heartbeat() == here.heartbeat()
        vantages = ["local", "madrid"]
        assert there.blind(vantages, *everything) == here.blind(vantages, *everything)
        for service in here.services():
            assert there.configs(service) == list(here.configs(service))
            assert there.span(service) == here.span(service)
            assert there.days(service, first, last) == list(here.days(service, first, last))
            assert there.last_seal(service) == here.last_seal(service)
            assert there.seals(service, first, last) == list(here.seals(service, first, last))
            start, stop = Minute(START // 10 * 10 - 100), Minute(START + 5000)
            assert there.letters(service, start, stop) == here.letters(service, start, stop)
            counts = here.attempt_counts(service, start, stop, 10)
            assert there.attempt_counts(service, start, stop, 10) == counts


def test_what_was_brought_later_is_there_the_next_time(world: World) -> None:
    settings = settings_of(world.here)
    late = look(Minute(START + 2350), "pass", service="pim")
    assert call("import", "-", config=world.here, stdin=jsonl([late])).exit_code == 0
    asyncio.run(_bring(settings, world.there))
    at = ("--from", show_utc(Minute(START + 2350)), "--to", show_utc(Minute(START + 2351)))
    here, there = _both(world, "export", *at)
    assert here == there
    assert here.count("\n") == 1
