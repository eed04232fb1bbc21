"""Putting the daemon together, and running it until it is told to stop."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from uptimed.clock import SystemClock
from uptimed.config import ConfigError, ConfiguredSecrets, Loaded
from uptimed.core.figures import Figures
from uptimed.core.minutes import MINUTE, MINUTES_PER_DAY, Minute, minute_of, moment_of_minute
from uptimed.core.observations import Attempt, Instant
from uptimed.core.settings import ServiceSettings, Settings, secrets_of
from uptimed.core.snapshot import Snapshot
from uptimed.core.targets import Account, LoginTarget, ProbeSettings, Secret
from uptimed.daemon.parts import DaemonParts, HostClock, ProbePart, ReloadFailed, ServicePart
from uptimed.daemon.run import Daemon
from uptimed.daemon.systemd import notifier
from uptimed.heartbeat import Heartbeat
from uptimed.ledger.month import service_month
from uptimed.logs import mask_with
from uptimed.metrics import page
from uptimed.ports import SecretMissing, SharedLooks
from uptimed.stores.sqlite import (
    Reader,
    SqliteJournal,
    hold,
    open_ledger,
    open_reader,
    own_up,
)
from uptimed.web import serving
from uptimed.wiring.agreed import contract_records
from uptimed.wiring.casework import Casework
from uptimed.wiring.following import Followers
from uptimed.wiring.gathering import gathering
from uptimed.wiring.hiding import mask_of
from uptimed.wiring.hooking import Hooks
from uptimed.wiring.looking import Lookout, lookout
from uptimed.wiring.mail_beside import MailBeside, mail_beside
from uptimed.wiring.pushing import Beside, Pushing

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Desk:
    """Reads the journal in a thread of its own, one question after the other."""

    def __init__(self, path: Path) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self.reader: Reader = open_reader(path)

    async def __call__(self, work: Callable[[], T]) -> T:
        """Return what *work* returns."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Close the reader when nobody asks any more."""
        await self(self.reader.close)
        self._thread.shutdown(wait=False)


@dataclass(frozen=True, slots=True)
class World:
    """What stays while configurations come and go."""

    clock: HostClock
    journal: SqliteJournal
    desk: Desk
    out: Lookout
    heartbeat: Heartbeat
    mail: MailBeside
    casework: Casework
    shared: SharedLooks | None
    software: str

    def parts(self, settings: Settings) -> DaemonParts:
        """Return the daemon's parts under *settings*."""
        return DaemonParts(
            clock=self.clock,
            journal=self.journal,
            reader=self.desk.reader,
            vantage=settings.vantage,
            services=tuple(self._service(settings, s) for s in settings.services),
            judge=self.out.judge,
            evidence=self.out.evidence,
            references=self.out.references(settings.references),
            reference_count=len(settings.references),
            fingerprint=self._fingerprint,
            offload=self.desk,
            month_figures=self._month_figures(settings),
            prune=self._prune(settings),
            ping=self._ping(settings),
            ping_every_us=settings.heartbeat.every_us if settings.heartbeat else 60_000_000,
            notify=notifier(),
            events=(*self.mail.events, self.casework.hear),
            software=self.software,
            seal_after_us=settings.seal_after_us,
            seals=settings.seals,
            shared=self.shared,
            settle_after_us=settings.influxdb.settle_after_us if settings.influxdb else 0,
            gather_every_us=settings.influxdb.gather_every_us if settings.influxdb else MINUTE,
            restored=self.journal.restored,
            agreed=contract_records(settings, Minute(0)),
        )

    def beside(
        self, snapshot: Callable[[], Snapshot], at_hand: Callable[[str], Sequence[Attempt]]
    ) -> Beside:
        """Return what pushers of alerts have of a daemon that shows *snapshot*."""
        return Beside(
            snapshot=snapshot, at_hand=at_hand, journal=self.journal, reader=self.desk.reader,
            offload=self.desk, secrets=self.out.secrets, clock=self.clock, software=self.software,
        )  # fmt: skip

    def _service(self, settings: Settings, service: ServiceSettings) -> ServicePart:
        return ServicePart(
            id=service.id,
            client=service.client,
            watch=service.watch,
            probes=tuple(self._probe(probe) for probe in service.probes),
            down=settings.client_of(service.id).contract.down,
            platform=service.platform,
        )

    def _probe(self, probe: ProbeSettings) -> ProbePart:
        return ProbePart(settings=probe, probe=self.out.probes[probe.kind], turn=turn_of(probe))

    def _fingerprint(self, account: Account) -> str:
        places = (account.password, *account.secrets.values())
        read = "\0".join(self.out.secrets.read(place) for place in places)
        return self.journal.fingerprint(f"{account.username}\0{read}")

    def _month_figures(
        self, settings: Settings
    ) -> Callable[[str, Instant], Awaitable[Figures | None]]:
        async def figures(service: str, at: Instant) -> Figures | None:
            return await self.desk(lambda: self._figures(settings, service, minute_of(at)))

        return figures

    def _figures(self, settings: Settings, service: str, now: Minute) -> Figures | None:
        client = settings.client_of(service)
        local = moment_of_minute(now).astimezone(client.zone)
        found = settings.service(service)
        month = service_month(self.desk.reader, client, found, local.year, local.month, now)
        return month.figures

    def _prune(self, settings: Settings) -> Callable[[Instant], Awaitable[None]]:
        async def prune(now: Instant) -> None:
            before = Minute(minute_of(now) - settings.retention_days * MINUTES_PER_DAY)
            deleted = await self.journal.prune(before)
            if deleted:
                _log.info(
                    "%d attempts older than %d days deleted", deleted, settings.retention_days
                )

        return prune

    def _ping(self, settings: Settings) -> Callable[[], Awaitable[None]] | None:
        if settings.heartbeat is None:
            return None
        where = settings.heartbeat.url

        async def ping() -> None:
            try:
                url = self.out.secrets.read(where) if isinstance(where, Secret) else where
            except SecretMissing as error:
                self.heartbeat.failed(str(error))
            else:
                await self.heartbeat.ping(url)

        return ping


def turn_of(probe: ProbeSettings) -> str:
    """Return the target whose logins take turns; every other probe never waits."""
    if not isinstance(probe.target, LoginTarget):
        return ""
    parts = urlsplit(probe.target.base_url)
    return f"{parts.scheme}://{parts.netloc}"


@contextmanager
def _signals(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> Iterator[asyncio.Event]:
    """Set *stop* on SIGTERM and SIGINT; the event that is yielded is set on SIGHUP."""
    hang_up = asyncio.Event()
    wanted = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: hang_up}
    for number, event in wanted.items():
        loop.add_signal_handler(number, event.set)
    try:
        yield hang_up
    finally:
        for number in wanted:
            loop.remove_signal_handler(number)


@asynccontextmanager
async def opened(
    loaded: Loaded,
    secrets: Callable[[], tuple[Secret, ...]],
    software: str,
    clock: HostClock = SystemClock(),  # noqa: B008 - it has no state
) -> AsyncIterator[World]:
    """Open everything that a daemon touches; raise `StoreError` without a journal."""
    path = Path(loaded.settings.journal_path)
    async with AsyncExitStack() as stack:
        stack.enter_context(hold(path))
        journal = await stack.enter_async_context(SqliteJournal(path))
        _own_up(path, clock)
        desk = Desk(path)
        stack.push_async_callback(desk.close)
        out = await stack.enter_async_context(lookout(secrets, clock, software))
        heartbeat = await stack.enter_async_context(Heartbeat(software))
        mail = await stack.enter_async_context(
            mail_beside(
                loaded.settings, out.secrets, clock, software, restored=bool(journal.restored)
            )
        )
        shared = await stack.enter_async_context(
            gathering(loaded.settings, out.secrets, clock, software)
        )
        casework = Casework(loaded.settings, clock)
        yield World(clock, journal, desk, out, heartbeat, mail, casework, shared, software)


async def run_daemon(
    load: Callable[[], Loaded],
    software: str,
    *,
    started: Callable[[Settings, int | None], Coroutine[None, None, None]] | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Run until SIGTERM or SIGINT; read the configuration again on SIGHUP.

    *load* reads it; the first time, its `ConfigError` is the caller's. *started* is told when the
    daemon looks, with the port that metrics are served on; *ready* is called as soon as all that a
    run keeps is in memory. Raise `StoreError` where the journal is not to be had, and
    `CannotListen` where the port is not.
    """
    loaded = load()
    current = _Current(loaded.settings)
    stop, looking = asyncio.Event(), asyncio.Event()
    async with AsyncExitStack() as stack:
        hang_up = stack.enter_context(_signals(asyncio.get_running_loop(), stop))
        world = await stack.enter_async_context(opened(loaded, current.secrets, software))
        mask_with(current.mask)
        parts = world.parts(loaded.settings)
        notify = _once_ready(parts.notify, ready, looking)
        daemon, followers = Daemon(replace(parts, notify=notify)), Followers()
        pushing, casework = Pushing(), world.casework
        snapshot = pushing.seen(casework.seen(world.mail.seen(followers.seen(daemon.snapshot))))
        hooks = Hooks()
        snapshot = hooks.seen(snapshot)
        port = None
        listen = loaded.settings.listen_metrics
        if listen is not None:
            host = f"[{listen.host}]" if ":" in listen.host else listen.host
            site = serving(listen.host, listen.port, snapshot, page, ready=looking.is_set)
            try:
                port = await stack.enter_async_context(site)
            except OSError as error:
                raise CannotListen(f"{host}:{listen.port}", error) from error
            _log.info("metrics and health on http://%s:%d/", host, port)
        current.heard_by = (followers.use, world.mail.use, pushing.use, casework.use)
        await stack.enter_async_context(
            followers.following(
                loaded.settings, world.journal, world.out.secrets, world.clock, software
            )
        )
        beside = world.beside(snapshot, daemon.recent)
        await stack.enter_async_context(pushing.pushing(loaded.settings, beside))
        await stack.enter_async_context(casework.working())
        await stack.enter_async_context(
            hooks.posting(
                loaded.settings, journal=world.journal, reader=world.desk.reader,
                offload=world.desk, secrets=world.out.secrets, clock=world.clock,
                software=software,
            )
        )  # fmt: skip
        async with asyncio.TaskGroup() as group:
            if started is not None:
                group.create_task(started(loaded.settings, port))
            await daemon.run(stop, _reloads(world, load, hang_up, current, notify))


def _own_up(path: Path, clock: HostClock) -> None:
    """Enter what a restored backup lost of what people entered, and tell of it."""
    with open_ledger(path) as ledger:
        for entry in own_up(ledger, clock.now()):
            _log.error(
                "%s: a backup was put back, and what was entered since is lost: %s",
                entry.client, entry.body,
            )  # fmt: skip


class CannotListen(OSError):
    """Metrics cannot be served at the address that was configured; the message says why."""

    def __init__(self, address: str, error: OSError) -> None:
        why = os.strerror(error.errno) if error.errno else str(error)
        super().__init__(f"listen.metrics: {address}: {why}")


class _Current:
    """The settings in use, and every secret that was ever in use: those are masked for good."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self._secrets = settings, secrets_of(settings)
        self.heard_by: Sequence[Callable[[Settings], None]] = ()

    def change(self, settings: Settings) -> None:
        """Take *settings* into use."""
        self.settings = settings
        self._secrets = tuple(dict.fromkeys((*self._secrets, *secrets_of(settings))))
        for hear in self.heard_by:
            hear(settings)

    def secrets(self) -> tuple[Secret, ...]:
        """Return what is to be masked."""
        return self._secrets

    def mask(self, text: str) -> str:
        """Return *text* with the secrets masked as they are by now."""
        return mask_of(self._secrets, ConfiguredSecrets(os.environ))(text)


def _once_ready(
    notify: Callable[[str], None], ready: Callable[[], None], looking: asyncio.Event
) -> Callable[[str], None]:
    """Return *notify*, which calls *ready* before it tells of it, after a reload as well.

    *looking* is set from then on, until the daemon stops.
    """

    def told(state: str) -> None:
        if state == "READY=1":
            ready()
            looking.set()
        elif state == "STOPPING=1":
            looking.clear()
        notify(state)

    return told


async def _reloads(
    world: World,
    load: Callable[[], Loaded],
    hang_up: asyncio.Event,
    current: _Current,
    notify: Callable[[str], None],
) -> AsyncIterator[DaemonParts | ReloadFailed]:
    """Yield the parts of each configuration that SIGHUP asks for, or why it is not usable."""
    while True:
        await hang_up.wait()
        hang_up.clear()
        notify(f"RELOADING=1\nMONOTONIC_USEC={world.clock.monotonic()}")
        try:
            loaded = await asyncio.to_thread(load)
        except ConfigError as error:
            yield ReloadFailed(str(error))
            continue
        fixed = _fixed(current.settings, loaded.settings)
        if fixed:
            yield ReloadFailed(f"{fixed} cannot change while the daemon runs: restart it")
            continue
        current.change(loaded.settings)
        yield replace(world.parts(loaded.settings), notify=notify)


def _fixed(old: Settings, new: Settings) -> str:
    """Return what only a restart can change and was changed, or nothing."""
    names: Sequence[tuple[str, object, object]] = (
        ("journal.path", old.journal_path, new.journal_path),
        ("vantage.name", old.vantage, new.vantage),
        ("listen.metrics", old.listen_metrics, new.listen_metrics),
        ("influxdb", old.influxdb, new.influxdb),
        ("webhook", old.webhook, new.webhook),
        ("mail (its coming or going)", old.mail is None, new.mail is None),
    )
    return " and ".join(name for name, was, now in names if was != now)
