"""A world around the daemon, for stories told in letters: one character a minute."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from tests.fakes import (
    Ears,
    FakeClock,
    FakeJournal,
    FakeProbe,
    FakeReferences,
    FakeShared,
    inline,
    settle,
)
from uptimed.core.judging import evidence_of, judge
from uptimed.core.minutes import Minute, minute_of
from uptimed.core.observations import SECOND, Attempt, Evidence, Instant, Observation, Reading
from uptimed.core.strip import Strip
from uptimed.core.targets import (
    Account,
    Expectation,
    HttpTarget,
    LoginTarget,
    ProbeSettings,
    Secret,
)
from uptimed.core.targets import SecretPlace as Place
from uptimed.core.terms import AttemptRule, ProbeTerms, Role, WatchTerms
from uptimed.daemon.parts import DaemonParts, ProbePart, ReloadFailed, ServicePart
from uptimed.daemon.run import Daemon
from uptimed.daemon.schedule import timetable
from uptimed.ports import Batch, ContractRecord, LostHead

VANTAGE = "local"


def web(id: str = "front", *, host: str = "crm.example", interval: int = 1) -> ProbeSettings:
    """Return a probe of a web page."""
    return ProbeSettings(
        id=id, role=Role.REACH, kind="http", target=HttpTarget(url=f"https://{host}/"),
        expect=Expectation(), interval=interval,
    )  # fmt: skip


def login(id: str = "login", *, accounts: int = 1, interval: int = 1) -> ProbeSettings:
    """Return a login probe with made up accounts."""
    people = tuple(_account(n) for n in range(1, accounts + 1))
    target = LoginTarget(preset="vtiger", base_url="https://crm.example", accounts=people)
    return ProbeSettings(
        id=id, role=Role.LOGIN, kind="login", target=target, expect=Expectation(),
        interval=interval,
    )  # fmt: skip


def _account(n: int) -> Account:
    return Account(username=f"probe{n}", password=Secret(Place.ENV, f"P{n}"))


def terms(
    service: str,
    probes: Sequence[ProbeSettings],
    rule: AttemptRule,
    vantages: tuple[str, ...] = (VANTAGE,),
    least: int = 1,
) -> WatchTerms:
    """Return the watch terms of *probes*, all of which are needed."""
    known = tuple(
        ProbeTerms(
            id=p.id, role=p.role, kind=p.kind, interval=p.interval, attempts=p.attempts,
            slow_after_us=p.slow_after_us,
            accounts=len(p.target.accounts) if isinstance(p.target, LoginTarget) else 0,
        )
        for p in probes
    )  # fmt: skip
    need = {role: sum(p.role is role for p in probes) for role in {p.role for p in probes}}
    return WatchTerms(
        service=service, probes=known, need=need, vantages=vantages, min_vantages=least,
        attempt_rule=rule,
    )  # fmt: skip


@dataclass
class World:
    """Everything around the daemon."""

    clock: FakeClock = field(default_factory=FakeClock)
    journal: FakeJournal = field(default_factory=FakeJournal)
    references: FakeReferences = field(init=False)
    ears: Ears = field(default_factory=Ears)
    notes: list[str] = field(default_factory=list)
    pings: list[Instant] = field(default_factory=list)
    services: dict[str, ServicePart] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)
    restored: tuple[LostHead, ...] = ()
    shared: FakeShared | None = None
    seals: bool = True
    agreed: tuple[ContractRecord, ...] = ()
    first: Minute = field(init=False)
    daemon: Daemon = field(init=False)
    reloads: "asyncio.Queue[DaemonParts | ReloadFailed]" = field(init=False)

    def __post_init__(self) -> None:
        self.references = FakeReferences(self.clock)
        self.first = minute_of(self.clock.now())
        self.reloads = asyncio.Queue()

    def probe(
        self, script: str = "U", *, took_us: int | None = None, address: str = "192.0.2.7:443"
    ) -> FakeProbe:
        """Return a probe with a script."""
        return FakeProbe(self.clock, script, took_us=took_us, address=address)

    def watch(
        self,
        service: str,
        *probes: tuple[ProbeSettings, FakeProbe],
        rule: AttemptRule = AttemptRule.CONFIRMED,
        turn: str = "",
        vantages: tuple[str, ...] = (VANTAGE,),
        least: int = 1,
    ) -> None:
        """Configure a service."""
        self.services[service] = ServicePart(
            id=service, client="acme",
            watch=terms(service, [s for s, _ in probes], rule, vantages, least),
            probes=tuple(ProbePart(settings=s, probe=p, turn=turn) for s, p in probes),
        )  # fmt: skip

    def parts(self) -> DaemonParts:
        """Return what the daemon is made of."""
        return DaemonParts(
            clock=self.clock, journal=self.journal, reader=self.journal, vantage=VANTAGE,
            services=tuple(self.services.values()), judge=self._judge, evidence=_evidence,
            references=self.references, reference_count=self.references.count,
            fingerprint=lambda account: self.fingerprints.get(account.username, "same"),
            offload=inline, ping=self._ping, notify=self.notes.append, events=(self.ears,),
            software="test", restored=self.restored, shared=self.shared, seals=self.seals,
            agreed=self.agreed,
        )  # fmt: skip

    def _judge(self, observation: Observation, settings: ProbeSettings) -> Reading:
        return judge(observation, settings, now=self.clock.now())

    async def _ping(self) -> None:
        self.pings.append(self.clock.now())

    @asynccontextmanager
    async def running(self, *, kill: bool = False) -> AsyncIterator[Daemon]:
        """Run the daemon for as long as the block lasts; then stop it, or kill it."""
        self.daemon = Daemon(self.parts())
        stop = asyncio.Event()
        running = asyncio.get_running_loop().create_task(self.daemon.run(stop, self._changes()))
        await settle()
        try:
            yield self.daemon
        finally:
            if kill:
                frozen = replace_journal(self.journal)
                running.cancel()
                await asyncio.wait([running])
                self.journal.__dict__.update(frozen.__dict__)
            else:
                stop.set()
                await self.clock.run_for(seconds=0)
                await running

    async def _changes(self) -> AsyncIterator[DaemonParts | ReloadFailed]:
        while True:
            yield await self.reloads.get()

    @staticmethod
    def unusable(reason: str) -> ReloadFailed:
        """Return a configuration that cannot be loaded."""
        return ReloadFailed(reason)

    @staticmethod
    def batch_of(attempts: Sequence[Attempt]) -> Batch:
        """Return attempts as they are written."""
        return Batch(attempts=attempts)

    async def reload(self) -> None:
        """Have the daemon load what is configured now."""
        self.reloads.put_nowait(self.parts())
        await settle()

    def strip(self, service: str = "crm") -> str:
        """Return the letters on record, from the world's first minute on."""
        span = self.journal.span(service)
        stop = Minute(span.stop) if span is not None else self.first
        return self.journal.letters(service, self.first, stop).letters

    def shown(self, service: str = "crm") -> Strip:
        """Return the letters that the daemon shows."""
        return self.daemon.snapshot().services[service].recent

    def seconds(self, service: str = "crm", probe: str = "front", *, interval: int = 1) -> float:
        """Return at which second of the minute a probe looks."""
        return timetable(service, probe, VANTAGE, interval=interval).phase_us / SECOND


def replace_journal(journal: FakeJournal) -> FakeJournal:
    """Return a copy of what is on record."""
    return replace(
        journal, known=dict(journal.known), digests=dict(journal.digests),
        laid={service: dict(laid) for service, laid in journal.laid.items()},
        life_events=list(journal.life_events), blind_minutes=list(journal.blind_minutes),
        config_records=list(journal.config_records),
        contract_records=list(journal.contract_records), sealed=dict(journal.sealed),
        cursors=dict(journal.cursors),
    )  # fmt: skip


def _evidence(observation: Observation, settings: ProbeSettings) -> Evidence:
    return evidence_of(observation, settings, lambda text: text)
