"""All services and their probes while the daemon runs: who looks next, and which minutes are done.

Nothing here waits: `run` calls it, with the time, and starts the looks that it names. A minute of
a service is settled as soon as all its looks are judged; at the latest 56 s into the next minute.
"""

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from uptimed.core.letters import lookback
from uptimed.core.looks import FAILED, UNMEASURED, hold, looks_of, suspected
from uptimed.core.minutes import Minute, minute_of, moment_of_minute, start_of
from uptimed.core.observations import SECOND, Attempt, Instant, Outcome
from uptimed.core.snapshot import Edge
from uptimed.core.targets import LoginTarget
from uptimed.core.terms import ProbeTerms, Role
from uptimed.core.turns import OutageWatch, Turn, told_as
from uptimed.daemon import blind as blindness
from uptimed.daemon.awaited import may_change
from uptimed.daemon.keeper import Keeper
from uptimed.daemon.parts import ProbePart, ServicePart
from uptimed.daemon.recover import Recovered
from uptimed.daemon.schedule import (
    LATE_LIMIT_US,
    Agenda,
    Timetable,
    latest_us,
    put_off,
    timetable,
)
from uptimed.daemon.settle import Book, InForce, Laid, identity, look_minute
from uptimed.daemon.state import Board, ProbeView, ServiceView
from uptimed.ports import BlindMinute, ConfigRecord

DEADLINE_US = 56 * SECOND
"""So long after its end a minute waits for its looks: they end within 55 s of their start."""

SWEEP = 20
"""Services gone through in one turn, so that the loop is not held."""

_NEVER = Instant(1 << 62)
_FAR = Minute(1 << 62)
_ROLE_OF = {"D": Role.REACH, "L": Role.LOGIN}

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Watch:
    """One probe: when it looks next, and the look that it is at. *minute* is that look's."""

    service: str
    part: ProbePart
    terms: ProbeTerms
    table: Timetable
    next_start: Instant
    planned: Instant = _NEVER  # what the timetable says; the next start is later where it was late
    minute: Minute | None = None
    every_minute: bool = True
    last: Minute = Minute(-1)
    taken: frozenset[Minute] = frozenset()  # minutes to come that have a look on record already
    retired: bool = False
    troubled: dict[int, Outcome] = field(default_factory=dict)  # accounts, until they pass again


@dataclass(slots=True, eq=False)
class ServiceRun:
    """One service: its book, its probes, and whether it is down. *until* ends a removed one."""

    part: ServicePart
    book: Book
    outages: OutageWatch
    watches: dict[str, Watch] = field(default_factory=dict)
    doubtful: set[Minute] = field(default_factory=set)
    until: Minute | None = None
    told: tuple[Minute, Minute | None] | None = None


class Fleet:
    """The services and probes, and what is to be done with them next."""

    def __init__(
        self, vantage: str, keeper: Keeper, board: Board, *, wait_us: int | None = None
    ) -> None:
        """Watch from *vantage*.

        *wait_us* is how long after its end a minute waits for the looks of other vantages; None
        where those do not come here.
        """
        self.vantage, self._keeper, self._board = vantage, keeper, board
        self._wait_us = wait_us
        self._waited = Minute(-1)
        self.runs: dict[str, ServiceRun] = {}
        self.agenda: Agenda[Watch] = Agenda()
        self.edges: deque[Edge] = deque()
        self.references_enough = False
        self._blind: dict[str, frozenset[Minute]] = {}
        self._tallies = blindness.Tallies()
        self._doubting: set[str] = set()
        self._may_be_blind = False
        self._sweep: deque[tuple[ServiceRun, Minute]] = deque()
        self._turned = Minute(-1)
        self._forced = Minute(-1)

    # Who is watched

    def begin(self, part: ServicePart, found: Recovered, now: Instant) -> None:
        """Watch a service from *now* on; what was found on record goes on."""
        book = Book(
            part.id, found.terms, found.cursor, attempts=found.attempts, letters=found.letters
        )
        run = self.runs.get(part.id)
        outages = OutageWatch(part.down)
        last = outages.feed_all(book.letters.start, book.letters.letters)
        told = (last.since, last.until) if last is not None else None
        if run is not None:  # the clock was put back: what was told was told
            told = run.told
        watches = run.watches if run is not None else {}
        run = ServiceRun(part=part, book=book, outages=outages, watches=watches, told=told)
        self.runs[part.id] = run
        self._enter(run, now)
        view = self._board.services.get(part.id) or ServiceView(service=part.id, client=part.client)
        view = replace(view, client=part.client, platform=part.platform, counted=part.down)
        self._board.settled(view, book.letters, "")
        if outages.since is not None:
            self._show_down(run, self._edge(run, Turn(outages.since), now))
        self._note_terms(found.new)

    def change(self, part: ServicePart, terms: InForce, now: Instant) -> bool:
        """Watch a known service as *part* says from now on; return whether its terms changed."""
        run = self.runs[part.id]
        if run.part.down != part.down:
            run.outages = OutageWatch(part.down)
            run.outages.feed_all(run.book.letters.start, run.book.letters.letters)
        run.part, run.until = part, None
        view = self._board.services[part.id]
        self._board.services[part.id] = replace(
            view, client=part.client, platform=part.platform, counted=part.down
        )
        changed = terms.sha256 != run.book.latest.sha256
        if changed:
            self._note_terms(run.book.change(terms))
        self._enter(run, now)
        return changed

    def remove(self, service: str, until: Minute) -> bool:
        """Stop watching a service; its minutes before *until* are still settled.

        Return whether it was watched until now.
        """
        run = self.runs[service]
        if run.until is not None:
            return False
        run.until = until
        for watch in list(run.watches.values()):
            self._retire(run, watch)
        return True

    def reschedule(self, now: Instant) -> None:
        """Enter every probe anew: the clock was put back."""
        self.agenda.clear()
        self._sweep.clear()
        self._turned = self._forced = Minute(-1)
        for run in self.runs.values():
            for watch in run.watches.values():
                if not watch.retired:
                    self._know_taken(run, watch, now)
                    self._plan(watch, now)

    def survey(self, *, references_enough: bool) -> None:
        """Find out whether all targets together could prove that it is us."""
        self.references_enough = references_enough
        places = {
            blindness.place_of(w.part.settings.target)
            for run in self.runs.values()
            for w in run.watches.values()
        }
        self._may_be_blind = not references_enough and len(places) >= blindness.TARGETS

    def take_blind(self, blind: Iterable[BlindMinute]) -> None:
        """Take blind minutes that are on record."""
        for one in blind:
            known = self._blind.get(one.vantage, frozenset())
            self._blind[one.vantage] = known | {one.minute}

    def _enter(self, run: ServiceRun, now: Instant) -> None:
        part, wanted = run.part, {p.settings.id: p for p in run.part.probes}
        if self.vantage not in part.watch.vantages:
            wanted = {}
        for watch in list(run.watches.values()):
            if watch.part.settings.id not in wanted:
                self._retire(run, watch)
        terms = {p.id: p for p in part.watch.probes}
        for name, probe in wanted.items():
            table = timetable(part.id, name, self.vantage, interval=probe.settings.interval)
            known = run.watches.get(name)
            if known is not None and known.table == table and not known.retired:
                watch = known
                watch.part, watch.terms = probe, terms[name]
            else:
                watch = self._new_watch(run, probe, terms[name], table, known)
                watch.every_minute = self._needs_look(run, watch, minute_of(now))
            self._know_taken(run, watch, now)
            if watch.next_start == _NEVER:
                self._plan(watch, now)
            self._show_probe(run, watch)

    def _know_taken(self, run: ServiceRun, watch: Watch, now: Instant) -> None:
        first = minute_of(now)
        minutes = {look_minute(a) for a in self.own(run.book.attempts) if a.probe == watch.terms.id}
        watch.taken = frozenset(m for m in minutes if m >= first)

    def _new_watch(
        self,
        run: ServiceRun,
        probe: ProbePart,
        terms: ProbeTerms,
        table: Timetable,
        old: Watch | None,
    ) -> Watch:
        """Return a new watch of a probe; one that had another timetable ends its look first."""
        watch = Watch(run.part.id, probe, terms, table, _NEVER)
        if old is not None:
            old.retired, old.next_start = True, _NEVER
            watch.minute = old.minute
        run.watches[probe.settings.id] = watch
        return watch

    def _needs_look(self, run: ServiceRun, watch: Watch, now: Minute) -> bool:
        """Return whether no passed look holds: then the next one comes within a minute."""
        mine = sorted(
            (
                a for a in run.book.attempts
                if a.probe == watch.terms.id and a.vantage == self.vantage and look_minute(a) <= now
            ),
            key=lambda a: (a.look, a.at, a.account),
        )  # fmt: skip
        looks = looks_of(mine, watch.terms, run.part.watch.attempt_rule)
        held = hold(looks, watch.terms.interval, now, Minute(now + 1))
        return _may_hurry(watch) and held in {FAILED, UNMEASURED}

    def _plan(self, watch: Watch, after: Instant) -> None:
        watch.planned = watch.table.next_start(after, every_minute=watch.every_minute)
        self._put(watch, watch.planned)

    def _put(self, watch: Watch, start: Instant) -> None:
        watch.next_start = start
        self.agenda.put(start, watch)

    def _retire(self, run: ServiceRun, watch: Watch) -> None:
        watch.retired, watch.next_start = True, _NEVER
        self._board.probes.pop((run.part.id, watch.part.settings.id), None)
        if watch.minute is None:
            run.watches.pop(watch.part.settings.id, None)

    # Looks

    def due(self, now: Instant, *, stepped: bool) -> Iterator[tuple[Watch, Instant]]:
        """Yield the probes that look now, and when they were to; what was missed is skipped.

        What is late is put off, but not where the clock *stepped*: that time was not lived.
        """
        behind = 0
        while (item := self.agenda.take(now)) is not None:
            at, watch = item
            if watch.retired or watch.next_start != at:
                continue
            behind = max(behind, now - at)
            if now - at > LATE_LIMIT_US and not stepped and self._put_off(watch, now, behind):
                continue
            planned = watch.planned
            minute = minute_of(planned)
            self._plan(watch, now)
            missed = now - at > LATE_LIMIT_US or minute_of(now) != minute
            if missed or watch.minute is not None or minute == watch.last or minute in watch.taken:
                continue
            watch.minute = watch.last = minute
            yield watch, planned

    def _put_off(self, watch: Watch, now: Instant, behind_us: int) -> bool:
        settings = watch.part.settings
        most_us = latest_us(settings.attempts, settings.timeout_us, settings.gap_us)
        start = put_off(watch.planned, watch.next_start, now, behind_us=behind_us, most_us=most_us)
        if start is not None:
            self._put(watch, start)
        return start is not None

    def looked(self, watch: Watch, attempts: Sequence[Attempt], now: Instant) -> None:
        """Take a look that is over. Without attempts there was none after all."""
        watch.minute = None
        run = self.runs.get(watch.service)
        if run is None:
            return
        if run.watches.get(watch.part.settings.id) is not watch:
            replacing = run.watches.get(watch.part.settings.id)
            if replacing is not None:
                replacing.minute = None
        elif watch.retired:
            del run.watches[watch.part.settings.id]
        if attempts:
            watch.last = look_minute(attempts[0])
            self._take(run, watch, attempts, now)
        self.try_settle(run, now)

    def _take(
        self, run: ServiceRun, watch: Watch, attempts: Sequence[Attempt], now: Instant
    ) -> None:
        self._keeper.keep(attempts)
        self._laid(run, run.book.add(attempts, self._blind), now)
        self._tally(run, watch, attempts, now)
        if not watch.retired:
            view = self._board.probes.get((watch.service, watch.terms.id))
            if view is not None:
                self._board.looked(view, attempts)
            self._follow_up(run, watch, attempts, now)
        self._tell_of_accounts(run, watch, attempts, now)

    def _follow_up(
        self, run: ServiceRun, watch: Watch, attempts: Sequence[Attempt], now: Instant
    ) -> None:
        """Look every minute until a look passes."""
        look = next(looks_of(attempts, watch.terms, run.part.watch.attempt_rule))
        every_minute = _may_hurry(watch) and look.status in {FAILED, UNMEASURED}
        if every_minute is not watch.every_minute:
            watch.every_minute = every_minute
            if watch.table.interval > 1:
                self._plan(watch, now)

    def _tell_of_accounts(
        self, run: ServiceRun, watch: Watch, attempts: Sequence[Attempt], now: Instant
    ) -> None:
        news = [a for a in attempts if _changed(watch.troubled, a)]
        suspects: tuple[int, ...] = ()
        if any(a.outcome is Outcome.REJECTED for a in attempts):
            mine = sorted(
                (a for a in self.own(run.book.attempts) if a.probe == watch.terms.id),
                key=lambda a: a.at,
            )
            suspects = suspected(mine, watch.terms, look_minute(attempts[0]))
        self._board.accounts(
            run.part.id,
            watch.terms.id,
            rejected=Outcome.REJECTED in watch.troubled.values(),
            suspected=bool(suspects),
        )
        for attempt in news:
            self.edges.append(
                Edge(
                    kind="account", at=now, service=run.part.id, client=run.part.client,
                    platform=run.part.platform, reason=f"{attempt.outcome}: {attempt.detail}",
                    attempt=attempt, suspected=attempt.account in suspects,
                )
            )  # fmt: skip

    def own(self, attempts: Iterable[Attempt]) -> Iterator[Attempt]:
        """Yield those of *attempts* that were made from here."""
        return (a for a in attempts if a.vantage == self.vantage)

    # Other vantages

    def others(self, run: ServiceRun) -> frozenset[str]:
        """Return the other vantages whose looks at a service count, and come here."""
        return self._shared_with(run.book.latest)

    def _shared_with(self, terms: InForce) -> frozenset[str]:
        if self._wait_us is None:
            return frozenset()
        return frozenset(terms.watch.vantages) - {self.vantage}

    def gathered(self, service: str, attempts: Sequence[Attempt], now: Instant) -> None:
        """Take attempts of other vantages, which are on record: some may be known already.

        Letters of minutes before the book's floor are left to whoever reads the record.
        """
        run = self.runs.get(service)
        if run is None:
            return
        known = {identity(a) for a in run.book.attempts}
        first = run.book.floor - max(lookback(t.watch) for t in run.book.terms)
        new = [a for a in attempts if look_minute(a) >= first and identity(a) not in known]
        if new:
            self._laid(run, run.book.add(new, self._blind), now)
        self.try_settle(run, now)

    def gathered_blind(self, blind: Sequence[BlindMinute], now: Instant) -> None:
        """Take blind minutes of other vantages, which are on record."""
        self.take_blind(blind)
        for run in list(self.runs.values()):
            mine = [one.minute for one in blind if one.vantage in self.others(run)]
            if mine:
                self._laid(run, run.book.settle_again(min(mine), self._blind), now)

    def relaid(self, service: str, laid: Sequence[Laid], now: Instant) -> None:
        """Take letters of earlier minutes, judged from the record, that changed."""
        run = self.runs.get(service)
        if run is not None:
            run.book.lay(laid)
            self._laid(run, laid, now)

    def _waits_from(self, run: ServiceRun, now: Instant) -> Minute:
        """Return the first minute that waits for looks of other vantages; far off where none does.

        A minute waits no longer than it may, and only where those looks could change its letter.
        """
        waiting = minute_of(Instant(now - (self._wait_us or 0)))
        for at in range(max(waiting, run.book.cursor), minute_of(now) + 1):
            minute = Minute(at)
            terms = run.book.in_force(minute)
            if self._shared_with(terms) and may_change(
                run.book.attempts, terms.watch, minute, self._blind, own=self.vantage
            ):
                return minute
        return _FAR

    # Letters

    def turn(self, now: Instant) -> bool:
        """Settle what is to be settled by now, a part at a time; return whether more is left."""
        minute = minute_of(now)
        if minute != self._turned:
            self._turned = minute
            self._tallies.forget_before(Minute(minute - 3))
            self._sweep.extend((run, Minute(0)) for run in self.runs.values())
        overdue = Minute(minute_of(Instant(now - DEADLINE_US)))
        if overdue != self._forced:
            self._forced = overdue
            self._judge_blind(Minute(overdue - 1))
            self._sweep.extend((run, overdue) for run in self.runs.values())
        waited = Minute(minute_of(Instant(now - (self._wait_us or 0))))
        if self._wait_us is not None and waited != self._waited:
            self._waited = waited
            sharing = (run for run in self.runs.values() if self.others(run))
            self._sweep.extend((run, overdue) for run in sharing)
        for _ in range(min(SWEEP, len(self._sweep))):
            run, stop = self._sweep.popleft()
            self.try_settle(run, now, at_least=stop)
        return bool(self._sweep)

    def try_settle(self, run: ServiceRun, now: Instant, *, at_least: Minute = Minute(0)) -> None:
        """Settle the minutes whose looks are all judged, and those before *at_least*."""
        frontier = min(
            (
                w.minute if w.minute is not None else minute_of(w.next_start)
                for w in run.watches.values()
            ),
            default=minute_of(now),
        )
        doubts = (m for m in run.doubtful if not self._tallies.of(m).answered)
        stop = max(min(frontier, minute_of(now) + 1, min(doubts, default=frontier)), at_least)
        if self._wait_us is not None:
            stop = min(stop, self._waits_from(run, now))
        self.settle(run, Minute(stop), now)

    def settle(self, run: ServiceRun, stop: Minute, now: Instant) -> None:
        """Settle the service's minutes before *stop*."""
        stop = stop if run.until is None else Minute(min(stop, run.until))
        before = run.book.cursor
        if stop > before:
            laid = run.book.settle(stop, self._blind, unkept=self._keeper.oldest)
            self._keeper.lay(run.part.id, laid)
            run.doubtful = {m for m in run.doubtful if m >= stop}
            first = Minute(max(before, run.book.letters.start))
            new = run.book.letters.cut(first, stop)
            self._show_letters(run, new.letters)
            for offset, letter in enumerate(new.letters):
                self._turned_to(run, run.outages.feed(Minute(first + offset), letter), now)
        if run.until is not None and run.book.cursor >= run.until and not run.watches:
            self.runs.pop(run.part.id, None)
            self._board.services.pop(run.part.id, None)

    def give_up(self, dropped: Sequence[Attempt], instead: Sequence[Attempt], now: Instant) -> None:
        """Take back looks that could not be kept."""
        for service in {a.service for a in dropped}:
            run = self.runs.get(service)
            if run is None:
                continue
            minutes = {look_minute(a) for a in dropped if a.service == service}
            stones = [a for a in instead if a.service == service]
            self._laid(run, run.book.forget(minutes, stones, self._blind), now)

    def correct(self, given: Attempt, known: Attempt, now: Instant) -> None:
        """Take an attempt as it is on record, where the journal refused another."""
        run = self.runs.get(given.service)
        if run is not None:
            self._laid(run, run.book.correct(given, known, self._blind), now)

    def _laid(self, run: ServiceRun, laid: Sequence[Laid], now: Instant) -> None:
        """Take letters of settled minutes that changed."""
        if not laid:
            return
        self._keeper.lay(run.part.id, laid)
        self._show_letters(run, "")
        run.outages = OutageWatch(run.part.down)
        letters = run.book.letters
        turn = run.outages.feed_all(letters.start, letters.letters)
        if run.outages.since is None and run.told is not None and run.told[1] is None:
            began = run.told[0]
            if turn is None or turn.until is None or turn.until <= began:
                turn = Turn(began, began)  # its down minutes were taken back
        self._turned_to(run, turn, now)

    # Blind minutes

    def _tally(
        self, run: ServiceRun, watch: Watch, attempts: Sequence[Attempt], now: Instant
    ) -> None:
        if not self._may_be_blind:
            return
        minute = look_minute(attempts[0])
        tally = self._tallies.of(minute)
        was = tally.answered
        tally.count(blindness.place_of(watch.part.settings.target), attempts)
        if blindness.unanswered(attempts) and not tally.answered and minute >= run.book.cursor:
            run.doubtful.add(minute)
            self._doubting.add(run.part.id)
        if tally.answered and not was:
            doubting, self._doubting = self._doubting, set()
            for service in doubting & self.runs.keys():
                self.try_settle(self.runs[service], now)

    def _judge_blind(self, minute: Minute) -> None:
        if not self._may_be_blind or not self._tallies.of(minute).blind:
            return
        found = BlindMinute(vantage=self.vantage, minute=minute, reason=blindness.REASON)
        _log.warning("%s: %s", f"{moment_of_minute(minute):%H:%MZ}", found.reason)
        self._keeper.note(blind=[found])
        self.take_blind([found])

    # What is shown and told

    def _show_letters(self, run: ServiceRun, new: str) -> None:
        view = self._board.services[run.part.id]
        self._board.settled(view, run.book.letters, new)

    def _show_probe(self, run: ServiceRun, watch: Watch) -> None:
        key = (run.part.id, watch.part.settings.id)
        settings = watch.part.settings
        view = self._board.probes.get(key) or ProbeView(
            service=key[0], client=run.part.client, probe=key[1], role=settings.role,
            kind=settings.kind,
        )  # fmt: skip
        self._board.probes[key] = replace(
            view, client=run.part.client, role=settings.role, kind=settings.kind
        )

    def _turned_to(self, run: ServiceRun, turn: Turn | None, now: Instant) -> None:
        if turn is None or (turn.since, turn.until) == run.told:
            return
        if turn.until is None and run.told is not None and run.told[1] is None:
            # It was told of already, as beginning at another minute.
            run.told = (turn.since, None)
            self._show_down(run, self._edge(run, turn, now))
            return
        run.told = (turn.since, turn.until)
        edge = self._edge(run, turn, now)
        self._show_down(run, edge if turn.until is None else None)
        self.edges.append(edge)

    def _show_down(self, run: ServiceRun, edge: Edge | None) -> None:
        view = self._board.services[run.part.id]
        self._board.services[run.part.id] = replace(view, down=edge)

    def _edge(self, run: ServiceRun, turn: Turn, now: Instant) -> Edge:
        shown, letter = told_as(run.book.letters, turn.since, run.part.down)
        evidence = _first_evidence(run, shown, letter)
        reason = f"{evidence.cause}: {evidence.detail}" if evidence is not None else "see its looks"
        down = self._board.services[run.part.id].down
        if turn.until is not None and down is not None:
            evidence, reason, letter = down.attempt, down.reason, down.letter
        return Edge(
            kind="down" if turn.until is None else "up", at=now, service=run.part.id,
            client=run.part.client, platform=run.part.platform, letter=letter, since=turn.since,
            until=turn.until, reason=reason, attempt=evidence,
        )  # fmt: skip

    def _note_terms(self, new: Iterable[InForce]) -> None:
        self._keeper.note(
            configs=[
                ConfigRecord(
                    service=terms.watch.service, since=terms.since, sha256=terms.sha256,
                    canonical=terms.watch.canonical(),
                )
                for terms in new
            ]
        )  # fmt: skip


def _first_evidence(run: ServiceRun, since: Minute, letter: str) -> Attempt | None:
    """Return the attempt that first showed the outage, or the last failed one before it."""
    roles: Mapping[str, Role] = {p.id: p.role for p in run.book.in_force(since).watch.probes}
    wanted = _ROLE_OF.get(letter)
    failed = [
        a
        for a in run.book.attempts
        if a.outcome in {Outcome.FAIL, Outcome.MAINTENANCE, Outcome.REJECTED}
        and look_minute(a) <= since
        and (wanted is None or roles.get(a.probe) is wanted)
    ]
    inside = [a for a in failed if a.look >= start_of(since)]
    if inside:
        return min(inside, key=lambda a: a.at)
    return max(failed, key=lambda a: a.at, default=None)


def _changed(troubled: dict[int, Outcome], attempt: Attempt) -> bool:
    """Note what *attempt* says of its account; return whether it is in trouble, and was not so.

    One that is tried again three times an hour is told of once.
    """
    if attempt.outcome is Outcome.PASS:
        troubled.pop(attempt.account, None)
    if attempt.outcome not in {Outcome.REJECTED, Outcome.BLOCKED}:
        return False
    before = troubled.get(attempt.account)
    troubled[attempt.account] = attempt.outcome
    return before is not attempt.outcome


def _may_hurry(watch: Watch) -> bool:
    """Return whether the system lets itself be looked at every minute when a look did not pass."""
    target = watch.part.settings.target
    return not isinstance(target, LoginTarget) or target.min_interval == 1
