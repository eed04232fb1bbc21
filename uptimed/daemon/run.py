"""The daemon: looks, letters, seals and what else is to be done, until it is told to stop.

Rules of this file:

* One task schedules. It sleeps on the monotonic clock, never longer than a second, reads the wall
  clock on waking and compares how far both went. Where they differ by more than 2 s the clock
  stepped or the host slept: forward, the minutes between are not measured; backward, a minute that
  has a look gets no second one, and its letter follows from the looks it has.
* Each look is a task of its own. Whatever goes wrong in it is a bug of ours, and is not measured.
* A reload takes effect at the next full minute: the present minute ends under the terms that it
  began under, and no look is cut off.
* On the way out, looks in flight are not measured; what is to be kept is written, or given up after
  four seconds.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from uptimed.core.minutes import Minute, day_of, minute_of, moment_of_minute, start_of
from uptimed.core.observations import SECOND, Attempt, Instant
from uptimed.core.snapshot import Edge
from uptimed.daemon.fleet import Fleet, Watch
from uptimed.daemon.gather import Gatherer
from uptimed.daemon.keeper import Keeper
from uptimed.daemon.lag import LAG_LIMIT_US, LagMeter
from uptimed.daemon.look import Look, Turns, World
from uptimed.daemon.parts import DaemonParts, ReloadFailed, ServicePart
from uptimed.daemon.record import in_pieces
from uptimed.daemon.recover import (
    LOOK_AHEAD,
    Recovered,
    gap_event,
    nothing_recovered,
    recovered,
)
from uptimed.daemon.schedule import ClockReading, Step, step_between
from uptimed.daemon.seal import Sealer, due_until
from uptimed.daemon.selfcheck import SelfCheck
from uptimed.daemon.settle import InForce
from uptimed.daemon.state import Board, ConfigHealth, Snapshot, StoreHealth
from uptimed.daemon.supervise import Bug, Supervisor
from uptimed.ports import (
    BlindMinute,
    ContractRecord,
    LifeEvent,
    LostHead,
    ReferenceCheck,
    StoreError,
)

_NAP_US = SECOND  # the longest sleep of the scheduler: so soon a stepped clock is noticed
_BUSY_NAP_US = SECOND // 500  # while services wait to be gone through
_WATCHDOG_US = 5 * SECOND
_ALIVE_US = 10 * SECOND  # a scheduler that did not turn for so long is not alive
_AGAIN_US = 5 * SECOND  # after a bug
_STOP_S = 4.0
_TELL_S = 30.0
_DISTRUST_US = 3600 * SECOND  # so long after the clock leapt nothing is sealed
_LEAP_US = 60 * SECOND
_FIGURES_REST = 49  # times as long as figures take, nothing: looks shall not wait for them

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Change:
    """A reload that is ready, and from which minute it is in force."""

    parts: DaemonParts
    terms: Mapping[str, InForce]  # of the services that are known and not the same as before
    new: Mapping[str, Recovered]
    since: Minute


class Daemon:
    """One run of the daemon. `snapshot` may be asked for at any time."""

    def __init__(self, parts: DaemonParts) -> None:
        self.parts = parts
        self._clock = parts.clock
        self._supervise = Supervisor()
        self._keeper = Keeper(
            parts.journal, parts.clock, parts.vantage,
            on_dropped=lambda gone, instead: self._fleet.give_up(gone, instead, self._clock.now()),
            on_refused=lambda given, known: self._fleet.correct(given, known, self._clock.now()),
        )  # fmt: skip
        self._board = Board()
        wait_us = parts.settle_after_us if parts.shared is not None else None
        self._fleet = Fleet(parts.vantage, self._keeper, self._board, wait_us=wait_us)
        self._gatherer = (
            Gatherer(
                parts.shared,
                parts,
                keeper=self._keeper,
                fleet=self._fleet,
                believed=self._clock_is_believed,
            )
            if parts.shared is not None
            else None
        )
        self._lag = LagMeter(parts.clock)
        self._turns = Turns()
        self._selfcheck = SelfCheck(
            parts.references, parts.reference_count, clock=parts.clock,
            supervise=self._supervise, on_change=self._references_changed,
        )  # fmt: skip
        self._sealer = Sealer(
            journal=parts.journal, reader=parts.reader, offload=parts.offload,
            clock=parts.clock, software=parts.software, restored=parts.restored,
        )  # fmt: skip
        self._looks: set[asyncio.Task[object]] = set()
        self._living_again = False
        self._references_were_down = False
        self._edges: asyncio.Queue[Edge] = asyncio.Queue()
        self._next: _Change | None = None
        self._reading = self._read_clocks()
        self._alive = self._clock.monotonic()
        self._petted: int | None = None
        self._leapt: int | None = None
        self._sealed_to = Minute(0)
        self._started = self._clock.now()
        self._config = ConfigHealth(loaded_at=self._started)

    # What others see

    @property
    def healthy(self) -> bool:
        """Return whether looks can be made, and what they say can be kept and believed."""
        alive = self._clock.monotonic() - self._alive < _ALIVE_US
        lagging = self._lag.last_us > LAG_LIMIT_US
        return alive and not lagging and not self._keeper.error and not self._selfcheck.clock_off

    def snapshot(self) -> Snapshot:
        """Return a picture of this moment."""
        keeper, check = self._keeper, self._selfcheck
        return Snapshot(
            at=self._clock.now(), vantage=self.parts.vantage, started_at=self._started,
            software=self.parts.software, services=dict(self._board.services),
            probes=dict(self._board.probes), schedule_lag=self._board.schedule_lag.data(),
            look_durations=self._board.durations(), loop_lag_us=self._lag.last_us,
            bugs=self._supervise.bugs + keeper.refused,
            store=StoreHealth(
                ok=not keeper.error, error=keeper.error, failing_since=keeper.failing_since,
                backlog=keeper.backlog, lost_attempts=keeper.lost_attempts,
            ),
            config=self._config, references=check.last,
            references_failed=check.last is not None and check.last.all_failed,
            clock_offset_us=check.clock_offset_us, healthy=self.healthy,
            gather=self._gatherer.view() if self._gatherer is not None else None,
        )  # fmt: skip

    def recent(self, service: str) -> Sequence[Attempt]:
        """Return the attempts of a service that are at hand: those of the last minutes."""
        run = self._fleet.runs.get(service)
        return tuple(run.book.attempts) if run is not None else ()

    # The run

    async def run(
        self,
        stop: asyncio.Event,
        reloads: AsyncIterator[DaemonParts | ReloadFailed] | None = None,
    ) -> None:
        """Run until *stop* is set. *reloads* yields each configuration that is to be in force."""
        await self._begin()
        try:
            async with asyncio.TaskGroup() as group:
                chores: Mapping[str, Callable[[], Awaitable[None]]] = {
                    "the scheduler": lambda: self._conduct(group),
                    "the lag meter": self._lag.run,
                    "keeping": self._keeper.run,
                    "telling": self._tell_edges,
                    "sealing": self._seal,
                    "the month's figures": self._figure,
                    "the dead man's switch": self._ping,
                    "reloading": lambda: self._reload(reloads),
                    **self._gathering(),
                }
                background = [
                    group.create_task(self._chore(chore, what)) for what, chore in chores.items()
                ]
                self.parts.notify("READY=1")
                await stop.wait()
                self.parts.notify("STOPPING=1")
                for task in (*background, *self._looks):
                    task.cancel()
        finally:
            await self._end()

    def _gathering(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        if self._gatherer is None:
            return {}
        return {
            "gathering the latest looks": self._gatherer.latest,
            "gathering late looks": self._gatherer.whole,
        }

    async def _chore(self, chore: Callable[[], Awaitable[None]], what: str) -> None:
        """Do a chore until cancelled; when a bug ended it, begin again a little later."""
        await self._supervise.again(chore, what, clock=self._clock, after_us=_AGAIN_US)

    async def replace(self, parts: DaemonParts) -> None:
        """Be made of *parts* from the next full minute on.

        Clock, journal, reader and vantage stay what they are.
        """
        present = {part.id: part for part in self.parts.services}
        now = minute_of(self._clock.now())

        def differing() -> dict[str, InForce]:
            return {
                part.id: InForce(now, part.watch, part.watch.digest())
                for part in parts.services
                if part != present.get(part.id)
            }

        terms = await self.parts.offload(differing)
        unknown = [part for part in parts.services if part.id not in self._fleet.runs]
        new = await self._recover(unknown, Minute(now + 1))
        since = Minute(minute_of(self._clock.now()) + 1)
        self._next = _Change(parts, terms, new, since)
        self._config = ConfigHealth(loaded_at=self._clock.now())

    # Beginning and end

    async def _begin(self) -> None:
        now = self._clock.now()
        _log.info(
            "started at vantage %s: %d services", self.parts.vantage, len(self.parts.services)
        )
        life = [LifeEvent(at=now, kind="started", vantage=self.parts.vantage)]
        try:
            gap = await self.parts.offload(
                lambda: gap_event(self.parts.reader, self.parts.vantage, now)
            )
            life += [gap] if gap is not None else []
            self._fleet.take_blind(await self.parts.offload(lambda: self._blind_on_record(now)))
        except StoreError as error:
            _log.error("the journal cannot be read: %s", error)
        self._keeper.note(life=[*life, *self._restored(now)])
        found = await self._recover(self.parts.services, minute_of(now))
        now = self._clock.now()
        for part in self.parts.services:
            self._fleet.begin(part, found[part.id], now)
        self._note_config([s for s in found if found[s].new], now)
        self._note_agreed(now, await self._agreed_before())
        self._fleet.survey(references_enough=self._selfcheck.enough)
        self._reading = self._read_clocks()

    async def _end(self) -> None:
        now = self._clock.now()
        self._keeper.note(life=[LifeEvent(at=now, kind="stopped", vantage=self.parts.vantage)])
        try:
            async with asyncio.timeout(_STOP_S):
                if not await self._keeper.flush():
                    _log.error("%d attempts could not be kept", self._keeper.backlog)
                self._collect_edges()
                while not self._edges.empty():
                    await self._tell(self._edges.get_nowait())
        except TimeoutError:
            _log.error("stopped before everything was written and told")
        _log.info("stopped")

    async def _recover(self, services: Iterable[ServicePart], now: Minute) -> dict[str, Recovered]:
        """Read how services stand at minute *now*; what cannot be read begins with it."""
        reader = self.parts.reader
        found: dict[str, Recovered] = {}
        for some in in_pieces(services):

            def read(some: Sequence[ServicePart] = some) -> dict[str, Recovered]:
                return {part.id: recovered(reader, part.watch, now) for part in some}

            try:
                found |= await self.parts.offload(read)
            except StoreError as error:
                _log.error("the journal cannot be read: %s", error)
                found |= {part.id: nothing_recovered(part.watch, now) for part in some}
        return found

    def _blind_on_record(self, now: Instant) -> Sequence[BlindMinute]:
        vantages = sorted({v for s in self.parts.services for v in s.watch.vantages})
        minute = minute_of(now)
        return self.parts.reader.blind(
            vantages, Minute(minute - LOOK_AHEAD), Minute(minute + LOOK_AHEAD)
        )

    def _restored(self, now: Instant) -> Iterable[LifeEvent]:
        for lost in self.parts.restored:
            yield LifeEvent(
                at=now, kind="restored", vantage=self.parts.vantage,
                detail=f"{lost.service}: days to {lost.day} were sealed, kept are {_kept(lost)}",
            )  # fmt: skip

    async def _agreed_before(self) -> Sequence[ContractRecord]:
        """Return what was agreed with each client when it was recorded last."""
        reader, clients = self.parts.reader, [each.client for each in self.parts.agreed]

        def read() -> list[ContractRecord]:
            return [record for client in clients for record in reader.contracts(client)[-1:]]

        try:
            return await self.parts.offload(read)
        except StoreError as error:
            _log.error("the journal cannot be read: %s", error)
            return ()

    def _note_agreed(self, now: Instant, before: Sequence[ContractRecord]) -> None:
        """Put on record what is agreed from now on; what is on record already stays."""
        since = minute_of(now)
        self._keeper.note(contracts=[replace(each, since=since) for each in self.parts.agreed])
        known = {record.client: record.sha256 for record in before}
        for record in self.parts.agreed:
            if known.get(record.client, record.sha256) != record.sha256:
                _log.info(
                    "what is agreed with %s changed: it counts from the next month on",
                    record.client,
                )

    def _note_config(self, changed: Sequence[str], now: Instant) -> None:
        if not changed:
            return
        named = ", ".join(changed[:10])
        more = f" and {len(changed) - 10} more" if len(changed) > 10 else ""
        event = LifeEvent(
            at=now, kind="config", vantage=self.parts.vantage, detail=f"terms of {named}{more}"
        )
        self._keeper.note(life=[event])

    # Scheduling

    async def _conduct(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self._clock.sleep(await self._turn(group))

    async def _turn(self, group: asyncio.TaskGroup) -> int:
        """Do what is due; return how long there is nothing to do."""
        reading = self._read_clocks()
        step = step_between(self._reading, reading)
        self._reading = reading
        if step is not None:
            await self._stepped(step)
        elif self._living_again and not self._keeper.error:
            await self._live_again()
        now = self._clock.now()
        self._apply_reload(now)
        for watch, at in self._fleet.due(now, stepped=step is not None):
            look = partial(self._look, watch, at)
            self._start(group, look, f"{watch.service}/{watch.terms.id}")
        more = self._fleet.turn(now)
        self._collect_edges()
        if self._selfcheck.count and self._clock.monotonic() >= self._selfcheck.next_beat:
            self._selfcheck.next_beat = self._clock.monotonic() + _NAP_US * 60
            self._start(group, self._selfcheck.beat, "the self-check")
        self._pet()
        return self._nap(more=more)

    def _nap(self, *, more: bool) -> int:
        longest = _BUSY_NAP_US if more else _NAP_US
        following = self._fleet.agenda.next_at()
        if following is None:
            return longest
        return max(0, min(longest, following - self._clock.now()))

    def _start(
        self, group: asyncio.TaskGroup, work: Callable[[], Awaitable[None]], what: str
    ) -> None:
        task = group.create_task(self._supervised(work, what))
        self._looks.add(task)
        task.add_done_callback(self._looks.discard)

    async def _supervised(self, work: Callable[[], Awaitable[None]], what: str) -> None:
        await self._supervise(work(), what)  # a task that is stopped first has nothing to await

    def _pet(self) -> None:
        self._alive = self._clock.monotonic()
        if self._petted is None or self._alive - self._petted >= _WATCHDOG_US:
            self._petted = self._alive
            self.parts.notify("WATCHDOG=1")

    def _read_clocks(self) -> ClockReading:
        clock = self.parts.clock
        return ClockReading(clock.now(), clock.monotonic(), clock.suspended())

    async def _stepped(self, step: Step) -> None:
        kind = "suspended" if step.suspended else "clock_step"
        by = (step.after - step.before) / SECOND
        _log.warning("the clock stepped by %+.1f s (%s)", by, kind)
        explained = (minute_of(step.before), Minute(minute_of(step.after) + 1))
        start, stop = explained if step.forward else (Minute(0), Minute(0))
        event = LifeEvent(
            at=step.after, kind=kind, vantage=self.parts.vantage, start=start, stop=stop,
            detail=f"by {by:+.1f} s",
        )  # fmt: skip
        self._keeper.note(life=[event])
        self._selfcheck.forget()
        if abs(step.after - step.before) > _LEAP_US:
            self._leapt = self._clock.monotonic()
        if not step.forward:
            await self._live_again()

    async def _live_again(self) -> None:
        """Go on in minutes that were lived before: the looks they have are all they get."""
        self._living_again = not await self._keeper.flush()  # then when the journal is well again
        if not self._living_again:
            services = [run.part for run in self._fleet.runs.values() if run.until is None]
            found = await self._recover(services, minute_of(self._clock.now()))
            for part in services:
                self._fleet.begin(part, found[part.id], self._clock.now())
        self._fleet.reschedule(self._clock.now())

    # Looks

    async def _look(self, watch: Watch, at: Instant) -> None:
        run = self._fleet.runs[watch.service]
        self._board.schedule_lag.count(max(0, self._clock.now() - at))
        look = Look(self._world(), watch.service, watch.part, run.part.watch.attempt_rule)
        attempts: tuple[Attempt, ...] = ()
        try:
            made = await self._supervise(
                look.run(self._fleet.own(run.book.attempts)),
                f"the look of {watch.service}/{watch.terms.id}",
            )
            attempts = look.broken(made) if isinstance(made, Bug) else made
        except asyncio.CancelledError:
            attempts = look.cut_off()
            raise
        finally:
            self._fleet.looked(watch, attempts, self._clock.now())
            self._collect_edges()

    def _world(self) -> World:
        parts = self.parts
        return World(
            clock=parts.clock, vantage=parts.vantage, judge=parts.judge, evidence=parts.evidence,
            fingerprint=parts.fingerprint, selfcheck=self._selfcheck, lag=self._lag,
            turns=self._turns, supervise=self._supervise,
        )  # fmt: skip

    def _references_changed(self, check: ReferenceCheck) -> None:
        failed = check.all_failed
        if not failed and not self._references_were_down:
            return
        self._references_were_down = failed
        kind = "references_failed" if failed else "references_back"
        told = ", ".join(name for name, answered in check.answered.items() if answered != failed)
        _log.warning("%s: %s", kind.replace("_", " "), told)
        event = LifeEvent(at=check.at, kind=kind, vantage=self.parts.vantage, detail=told)
        self._keeper.note(life=[event])

    # Reloading

    async def _reload(self, reloads: AsyncIterator[DaemonParts | ReloadFailed] | None) -> None:
        if reloads is None:
            return
        async for change in reloads:
            if isinstance(change, ReloadFailed):
                _log.error("the configuration stays as it was: %s", change.reason)
                self._config = replace(self._config, ok=False, error=change.reason)
            else:
                await self.replace(change)
            self.parts.notify("READY=1")

    def _apply_reload(self, now: Instant) -> None:
        change = self._next
        if change is None or minute_of(now) < change.since:
            return
        self._next = None
        old, self.parts = self.parts, replace(
            change.parts, clock=self.parts.clock, journal=self.parts.journal,
            reader=self.parts.reader, vantage=self.parts.vantage, restored=self.parts.restored,
            shared=self.parts.shared,
        )  # fmt: skip
        if self._gatherer is not None:
            self._gatherer.use(self.parts)
        changed = self._change_services(change, minute_of(now))
        asked = (self.parts.references, self.parts.reference_count)
        if asked != (old.references, old.reference_count):
            self._selfcheck.replace(*asked)
        self._fleet.survey(references_enough=self._selfcheck.enough)
        self._note_config(changed, now)
        self._note_agreed(now, old.agreed)
        _log.info("reloaded: %d services", len(self.parts.services))

    def _change_services(self, change: _Change, present: Minute) -> list[str]:
        """Watch what is to be watched from minute *present* on; return what changed."""
        before = Instant(start_of(present) - 1)  # a probe whose phase is this very moment looks
        changed: list[str] = []
        for part in self.parts.services:
            if part.id not in self._fleet.runs:
                found = change.new.get(part.id) or nothing_recovered(part.watch, present)
                self._fleet.begin(part, found, before)
                changed.append(part.id)
            elif part.id in change.terms:
                terms = InForce(present, part.watch, change.terms[part.id].sha256)
                if self._fleet.change(part, terms, before):
                    changed.append(part.id)
        gone = self._fleet.runs.keys() - {part.id for part in self.parts.services}
        changed.extend(service for service in sorted(gone) if self._fleet.remove(service, present))
        return changed

    # Telling

    def _collect_edges(self) -> None:
        while self._fleet.edges:
            edge = self._fleet.edges.popleft()
            _log.warning("%s", _told(edge), extra={"service": edge.service})
            self._edges.put_nowait(edge)

    async def _tell_edges(self) -> None:
        while True:
            edge = await self._edges.get()
            await self._tell(edge)
            if edge.kind in {"down", "up"} and await self._keeper.flush():
                await self._supervise(self._figures_of(edge.service), "the month's figures")

    async def _tell(self, edge: Edge) -> None:
        for hear in self.parts.events:
            await self._supervise(_within(hear(edge)), "telling of an outage")

    # Chores

    async def _seal(self) -> None:
        """Seal days that are due, and let what is too old be pruned, once a minute and a day."""
        pruned = None
        while True:
            await self._clock.sleep(60 * SECOND)
            await self._supervise(self._seal_due(), "sealing")
            today = day_of(minute_of(self._clock.now()))
            if self.parts.prune is not None and pruned != today and not self._keeper.error:
                pruned = today
                await self._supervise(self._prune(), "pruning")

    async def _seal_due(self) -> None:
        due = due_until(self._clock.now(), self.parts.seal_after_us)
        if (
            not self.parts.seals
            or due == self._sealed_to
            or not self._clock_is_believed()
            or not await self._keeper.flush()
        ):
            return
        settled = {run.part.id: run.book.cursor for run in self._fleet.runs.values()}
        if self._gatherer is None:
            done = await self._seal_days(settled, due)
        else:
            whole = self._gatherer.may_seal(due)
            for run in self._fleet.runs.values():
                if self._fleet.others(run):
                    settled[run.part.id] = min(run.book.cursor, whole)
            async with self._gatherer.gate:
                if not await self._keeper.flush():  # letters that followed meanwhile
                    return
                done = await self._seal_days(settled, due)
        if done:
            self._sealed_to = due

    async def _seal_days(self, settled: Mapping[str, Minute], due: Minute) -> bool:
        done = await self._sealer.seal_due(settled, due, self._terms_of)
        return await self._sealer.seal_ended(settled, due) and done

    def _terms_of(self, service: str, minute: Minute) -> InForce | None:
        run = self._fleet.runs.get(service)
        return run.book.in_force(minute) if run is not None else None

    def _clock_is_believed(self) -> bool:
        if step_between(self._reading, self._read_clocks()) is not None:
            return False  # the scheduler has not woken yet
        leapt = self._leapt is not None and self._clock.monotonic() - self._leapt < _DISTRUST_US
        return not leapt and not self._selfcheck.clock_off

    async def _prune(self) -> None:
        if self.parts.prune is None:
            return
        try:
            await self.parts.prune(self._clock.now())
        except StoreError as error:
            _log.warning("pruning waits for the journal: %s", error)

    async def _figure(self) -> None:
        """Ask for the month's figures of every service, once a minute; of thousands, less often."""
        while True:
            await self._supervise(self._figures(), "the month's figures")
            await self._clock.sleep(60 * SECOND)

    async def _figures(self) -> None:
        for service in tuple(self._board.services) if self.parts.month_figures is not None else ():
            start = self._clock.monotonic()
            if not await self._figures_of(service):
                return
            await self._clock.sleep(_FIGURES_REST * (self._clock.monotonic() - start))

    async def _figures_of(self, service: str) -> bool:
        """Ask for the month's figures of *service*; return whether the journal could be read."""
        ask = self.parts.month_figures
        if ask is None:
            return True
        try:
            figures = await ask(service, self._clock.now())
        except StoreError as error:
            _log.debug("no figures of %s: %s", service, error)
            return False
        view = self._board.services.get(service)
        if view is not None:
            self._board.services[service] = replace(view, month=figures)
        return True

    async def _ping(self) -> None:
        """Tell the dead man's switch outside that we live, while we are well."""
        while True:
            if self.parts.ping is not None and self.healthy:
                await self._supervise(_within(self.parts.ping()), "the dead man's switch")
            await self._clock.sleep(self.parts.ping_every_us)


def _kept(lost: LostHead) -> str:
    return f"those to {lost.kept}" if lost.kept is not None else "none"


def _told(edge: Edge) -> str:
    """Return *edge* as a line of the log."""
    if edge.kind != "up" or edge.until is None:
        return f"{edge.service} {edge.kind}: {edge.reason}"
    since, until = moment_of_minute(edge.since), moment_of_minute(edge.until)
    return f"{edge.service} up: since {until:%H:%MZ}, after an outage from {since:%Y-%m-%d %H:%MZ}"


async def _within(work: Awaitable[None]) -> None:
    async with asyncio.timeout(_TELL_S):
        await work


async def run(
    parts: DaemonParts,
    stop: asyncio.Event,
    reloads: AsyncIterator[DaemonParts | ReloadFailed] | None = None,
) -> None:
    """Run the daemon that is made of *parts* until *stop* is set."""
    await Daemon(parts).run(stop, reloads)
