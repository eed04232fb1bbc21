"""`uptimed demo`: a small CRM to break, the daemon that watches it, and a made-up past."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from uptimed.clock import SystemClock
from uptimed.config import Loaded
from uptimed.config.beginning import CONTRACTS, Beginning
from uptimed.core.calendars import Second
from uptimed.core.flows import Flow
from uptimed.core.incidents import (
    Act,
    CauseFound,
    Classified,
    Closed,
    Event,
    Opened,
    Registered,
    Resolved,
    Responded,
)
from uptimed.core.incidents.casebook import Recording
from uptimed.core.minutes import Minute, minute_of, moment_of, moment_of_minute
from uptimed.core.observations import Instant
from uptimed.core.settings import Settings
from uptimed.demo.config import CLIENT, SECRETS, SERVICE, TOKEN, demo_config, in_file
from uptimed.demo.crm import SandboxCrm
from uptimed.demo.history import made_up_looks, months_before, spells, unwatched, watch_terms
from uptimed.demo.personalities import PERSONALITIES
from uptimed.demo.stage import Stage
from uptimed.ledger.incidents import casebook
from uptimed.logs import set_up
from uptimed.ports import Batch, ConfigRecord, LifeEvent
from uptimed.stores.sqlite import open_ledger, open_reader
from uptimed.wiring import papers
from uptimed.wiring.agreed import contract_records
from uptimed.wiring.flows import bound, find, load_with_flows
from uptimed.wiring.importing import take_in
from uptimed.wiring.incidents import missing, record, record_outages
from uptimed.wiring.running import run_daemon

_SEED = 7  # any will do; the same one makes the same past
_MONTHS = 3

_log = logging.getLogger(__name__)

Tell = Callable[[Mapping[str, str]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """Where the sandbox lives and listens. A port of 0 is any that is free.

    *personality* is the system that is played, "" for the sandbox's own small CRM: only that one
    has a made-up past.
    """

    folder: Path
    port: int
    control_port: int
    metrics_port: int
    history: bool
    version: str
    personality: str = ""

    @property
    def config(self) -> Path:
        """Return the configuration's path."""
        return self.folder / "uptimed.toml"

    @property
    def journal(self) -> Path:
        """Return the journal's path."""
        return self.folder / "uptimed.db"

    @property
    def listen(self) -> str:
        """Return where metrics are served."""
        return f"127.0.0.1:{self.metrics_port}"

    def stage(self) -> "_Set":
        """Return the system that is played, not open yet."""
        if not self.personality:
            crm = SandboxCrm("127.0.0.1", self.port, self.control_port)
            return _Set(crm, {**crm.accounts, TOKEN: crm.api_token}, lambda: self._own(crm))
        play = PERSONALITIES[self.personality]()
        stage = Stage("127.0.0.1", self.port, self.control_port, play=play)
        flow = find(play.presets[0])
        key = flow.id in _BY_KEY
        known = {p.username: p.key if key else p.password for p in play.people}
        return _Set(stage, known, lambda: self._played(stage.url + play.prefix, flow))

    def _own(self, crm: SandboxCrm) -> str:
        return demo_config(url=crm.url, journal_path=self.journal.name, listen=self.listen)

    def _played(self, url: str, flow: Flow) -> str:
        return Beginning(
            client="demo",
            client_name="Demo S.A.S.",
            contract=CONTRACTS.get(flow.id.partition("-")[0], "datacrm"),
            service=self.personality,
            url=url,
            today=moment_of(SystemClock().now()).date().isoformat(),
            flow=bound(flow, {}),
            secret=in_file,
            more=f'made_up = true\n\n[listen]\nmetrics = "{self.listen}"\n',
        ).text()


@dataclass(frozen=True, slots=True)
class _Set:
    """What is played, the secrets that its probes need, and the configuration once it is open."""

    stage: Stage
    secrets: Mapping[str, str]
    config: Callable[[], str]


_BY_KEY = frozenset({"saleslayer", "yucrm"})
"""Flows whose account is a key, no password."""


async def run_sandbox(sandbox: Sandbox, *, tell: Tell, progress: Callable[[str], None]) -> None:
    """Run CRM and daemon until told to stop. *tell* hears where everything is.

    Raise OSError where a port is taken.
    """
    set_up("info", "auto")
    played = sandbox.stage()
    async with played.stage:
        await asyncio.to_thread(_write, sandbox, played)
        loaded = await asyncio.to_thread(load_with_flows, sandbox.config)
        own = not sandbox.personality
        if own and sandbox.history and not sandbox.journal.exists():
            progress("making up three months of history")
            await asyncio.to_thread(make_up, loaded.settings, SystemClock().now())

        async def started(settings: Settings, port: int | None) -> None:
            report = "none: its first month is not over"
            if own:
                progress("drawing up last month's report")
                report = str(await asyncio.to_thread(_report, sandbox, settings))
            facts = {
                "crm": played.stage.url,
                "switches": played.stage.control_url,
                "metrics": f"http://127.0.0.1:{port}",
                "service": settings.services[0].id,
                "config": str(sandbox.config),
                "month": _present_month(settings),
                "report": report,
            }
            tell(facts)

        await run_daemon(lambda: _again(sandbox), sandbox.version, started=started)


def _write(sandbox: Sandbox, played: _Set) -> None:
    """Write the configuration, and the secrets into files that nobody else can read."""
    folder = sandbox.folder / SECRETS
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, secret in played.secrets.items():
        path = folder / name
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(secret, encoding="utf-8")
    sandbox.config.write_text(played.config(), encoding="utf-8")


def _again(sandbox: Sandbox) -> Loaded:
    return load_with_flows(sandbox.config)


def make_up(settings: Settings, now: Instant) -> None:
    """Write a made-up past into the journal: looks, letters, terms, and when nobody looked."""
    service = settings.service(SERVICE)
    zone = settings.client_of(SERVICE).zone
    start, stop = months_before(now, zone, _MONTHS), minute_of(now)
    terms = watch_terms(SERVICE, settings.vantage)
    past = ConfigRecord(
        service=SERVICE, since=start, sha256=terms.digest(), canonical=terms.canonical()
    )
    with open_ledger(Path(settings.journal_path)) as ledger:
        agreed = contract_records(settings, start)
        life = _gaps(settings, zone, start, stop)
        ledger.write(Batch(configs=[past], contracts=agreed, life=life))
    looks = made_up_looks(
        service.id, vantage=settings.vantage, zone=zone, start=start, stop=stop, seed=_SEED
    )
    take_in(settings, looks, skip_bad=False, now=now)
    make_up_incidents(settings, now, start)


def make_up_incidents(settings: Settings, now: Instant, start: Minute) -> None:
    """Open the incidents of a made-up past, and let a desk that is made up too see to them."""
    client, path = settings.client_of(SERVICE), Path(settings.journal_path)
    with open_reader(path) as reader:
        book = casebook(reader, client.id)
        found = missing(reader, client, book, start, minute_of(now))
    opened = record_outages(path, client, now, found)

    def see_to(recording: Recording) -> None:
        for event in opened:
            if isinstance(event.act, Opened):
                _see_to(recording, event)

    record(path, client, now, see_to)


def _see_to(recording: Recording, opened: Event) -> None:
    """Let the desk register and resolve an incident, minutes after each was due."""
    incident = recording.incident(opened.incident)
    restored = incident.restored
    acts: list[tuple[int, Act]] = [(180, Registered()), (420, Responded(words="made up"))]
    if incident.proposed:
        acts.append((600, Classified(severity=incident.severity)))
    if restored is not None:
        after = restored - opened.at
        cause = CauseFound(cause="made up: the database was full", remedy="made up: a larger disk")
        acts += [(after + 900, Resolved()), (after + 1800, cause), (after + 3600, Closed())]
    for seconds, act in acts:
        at = Second(opened.at + seconds)
        recording.add(opened.incident, act, at=at, by="Demo desk")


def _gaps(settings: Settings, zone: tzinfo, start: Minute, stop: Minute) -> list[LifeEvent]:
    found = unwatched(spells(start, stop, zone=zone, seed=_SEED))
    return [
        LifeEvent(
            at=Instant(spell.stop * 60_000_000),
            kind="gap",
            vantage=settings.vantage,
            detail="made up: the monitor was not running",
            start=spell.start,
            stop=spell.stop,
        )
        for spell in found
    ]


def _present_month(settings: Settings) -> str:
    local = moment_of_minute(minute_of(SystemClock().now()))
    return local.astimezone(settings.clients[0].zone).strftime("%Y-%m")


def _report(sandbox: Sandbox, settings: Settings) -> Path:
    """Draw up last month's report; return where it is."""
    client = settings.client(CLIENT)
    now = SystemClock().now()
    last = months_before(now, client.zone, 1)
    local = moment_of_minute(last).astimezone(client.zone)
    month, software = (local.year, local.month), f"uptimed {sandbox.version}"
    reader = open_reader(sandbox.journal)
    try:
        statement = papers.draw_up(reader, settings, client, month, now=now, software=software)
    finally:
        reader.close()
    path = sandbox.folder / f"{CLIENT}-{local:%Y-%m}.pdf"
    papers.write_atomically(path, papers.render(statement, "pdf", client.language))
    return path
