"""Support clocks: what each clock of an incident says at an instant.

A clock is a pure function of the incident's events, of the terms pinned when it opened, and of the
letters of its outages. A target is missed as soon as more open time has gone by than it allows, not
as soon as its due time is over: due at noon and answered in the lunch break is in time. What was
decided once stays decided, but for a reopening.

* A severity that is raised starts its targets anew, at the raise or at the start of the outage that
  justifies it; lowered, its targets count from where the clock began. A clock whose target stays
  the same goes on. What was done before a raise is not judged again.
* A severity that is only proposed decides nothing. Once the first is confirmed, or a lower one
  takes its place, that one counts as if it had been there from the start. A proposal over a
  severity that was confirmed leaves that one in force; confirmed, it is a raise from the proposal
  on.
* First response never pauses and never runs twice. Resolution pauses for listed reasons and between
  resolution and reopening.
* Restore runs from the start of the first outage to the end of the last. Its minutes without a
  measurement leave room: between missed without them and met with them it is undetermined.
* Updates: each silence between two messages is judged. A due time that was missed is where the next
  one counts from, and so is a message.
* Escalations are thresholds on the time that has gone by, one level each.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from uptimed.core.calendars import OpenTime, Pause, Second
from uptimed.core.incidents import Incident, Kind, OutageGroup, Report, SeverityPeriod
from uptimed.core.support import ClockKind, ClockTerms, Judged, Span, Start, SupportTerms


class ClockVerdict(StrEnum):
    """What can be said of a clock."""

    MET = "met"
    MISSED = "missed"
    RUNNING = "running"
    PAUSED = "paused"
    UNDETERMINED = "undetermined"  # the minutes without a measurement decide it
    NOT_JUDGED = "not_judged"


class Why(StrEnum):
    """Why a clock is not judged."""

    JUDGED = ""
    PROPOSED = "proposed"  # nobody confirmed the severity
    AGREED = "agreed"  # each account has its own target, and this one's is not written
    NO_TARGET = "no_target"
    TRACKED = "tracked"
    MEAN = "mean"
    SHARE = "share"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """The time from one message to the client to the next, or to resolution; *stop* None: so far.

    *missed* is how many due times went by in it, and *due* the first of those, None without.
    """

    start: Second
    stop: Second | None
    due: Second | None
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """An escalation *level* that is reached when the clock's time comes to *due*."""

    level: int
    due: Second


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a clock says. Times are whole open seconds of the clock's calendar.

    *target* is None where there is none. *due* is the next due time: None without a target, for
    repeated clocks that ended, and while a pause keeps it open. *stopped* is what ended the clock,
    None while it runs. *within* says whether the target was held, None while that is open, and
    *decided_at* since when: the earlier of met and breach. It is told of clocks that are not judged
    too. *elapsed* runs on after a miss; *unmeasured* seconds of it are in doubt. *remaining* is
    negative when time is up. *pending* are escalations that are reached and not recorded yet.
    """

    clock: ClockKind
    terms: ClockTerms
    severity: str
    plan: str
    target: int | None
    started: Second
    stopped: Second | None
    due: Second | None
    decided_at: Second | None
    within: bool | None
    verdict: ClockVerdict
    why: Why
    elapsed: int
    remaining: int | None
    unmeasured: int = 0
    silences: tuple[Silence, ...] = ()
    pending: tuple[Threshold, ...] = ()


_Slot = tuple[ClockKind, str, int]
"""Which clock it is: its kind, its channel, and its place among those of the same two."""


@dataclass(frozen=True, slots=True)
class _Clock:
    terms: ClockTerms
    hours: OpenTime
    target: int | None
    place: int

    def same(self, other: "_Clock") -> bool:
        """Return whether the target is no new one under *other*."""
        one, two = self.terms, other.terms
        return (self.target, one.calendar, one.judged, one.repeats) == (
            other.target,
            two.calendar,
            two.judged,
            two.repeats,
        )


class Desk:
    """A contract's terms of support, ready for its clocks: one for each version of the terms.

    *hours* is the open time of the support calendar, with its holidays. *plan* is the id of what
    the client bought, "" where the contract has no plans. Raise ValueError for a plan that is not
    in the contract.
    """

    def __init__(self, support: SupportTerms, hours: OpenTime, *, plan: str = "") -> None:
        self.support = support
        self.plan = plan
        self._hours = hours
        self._always = OpenTime(None)
        self._ranks = {severity.id: rank for rank, severity in enumerate(support.severities)}
        self._clocks = {each.id: self._opened(each.clocks) for each in support.severities}
        plans = {each.id: self._opened(each.clocks) for each in support.plans}
        if plan and plan not in plans:
            raise ValueError(f"the contract has no plan {plan!r}, there are: {', '.join(plans)}")
        self._planned = plans.get(plan, {})
        self._pausing = {
            kind: frozenset(pause.id for pause in support.pauses if kind in pause.clocks)
            for kind in ClockKind
        }

    def rank(self, severity: str) -> int:
        """Return the place of *severity* in the contract, the most urgent 0; unknown ones last."""
        return self._ranks.get(severity, len(self._ranks))

    def target_s(self, terms: ClockTerms) -> int | None:
        """Return the target in open seconds; a business day is the calendar's nominal day."""
        return None if terms.target is None else _seconds(terms.target, self.hours(terms))

    def hours(self, terms: ClockTerms) -> OpenTime:
        """Return the calendar that a clock runs in."""
        return self._always if terms.calendar == "24x7" else self._hours

    def official(self, channel: str) -> bool:
        """Return whether a report through *channel* starts a clock; one without a name does."""
        if not channel:
            return True
        named = channel.casefold()
        if named in map(str.casefold, self.support.unofficial):
            return False
        return not self.support.official or named in map(str.casefold, self.support.official)

    def clocks(self, severity: str) -> dict[_Slot, _Clock]:
        """Return the clocks of *severity*; none for one that the contract does not have."""
        return self._clocks.get(severity, {})

    def planned(self) -> dict[_Slot, _Clock]:
        """Return the clocks of the plan."""
        return self._planned

    def pauses(self, clock: ClockKind, incident: Incident) -> tuple[Pause, ...]:
        """Return the pauses of *incident* that stop such a clock: those the contract lists."""
        if not incident.pauses or clock is ClockKind.FIRST_RESPONSE:
            return ()
        reasons = self._pausing[clock]
        return tuple(Pause(p.start, p.stop) for p in incident.pauses if p.reason in reasons)

    def _opened(self, clocks: Iterable[ClockTerms]) -> dict[_Slot, _Clock]:
        found: dict[_Slot, _Clock] = {}
        for terms in clocks:
            place = sum(1 for kind, channel, _ in found if (kind, channel) == _key(terms))
            clock = _Clock(terms, self.hours(terms), self.target_s(terms), place)
            found[(terms.clock, terms.channel, place)] = clock
        return found


def _key(terms: ClockTerms) -> tuple[ClockKind, str]:
    return terms.clock, terms.channel


def _seconds(span: Span, hours: OpenTime) -> int:
    if span.seconds is not None:
        return span.seconds
    return (span.business_days or 0) * hours.nominal_day


# Which target is in force when.


@dataclass(slots=True)
class _Stage:
    """From *begins* to *ends* a severity counts; *base* is what a raise counts from."""

    severity: str
    begins: Second
    ends: Second | None
    base: Second | None
    proposed: bool


@dataclass(slots=True)
class _Leg:
    """From *begins* to *ends* a clock runs towards one target, counted from *start*."""

    clock: _Clock
    severity: str
    start: Second
    begins: Second
    ends: Second | None
    raised: bool
    proposed: bool


def _stages(incident: Incident, desk: Desk) -> list[_Stage]:
    """Return the severities that count. Only the first can be one that nobody confirmed."""
    found: list[_Stage] = []
    proposal: SeverityPeriod | None = None
    for period in incident.severities:
        last = found[-1] if found else None
        if last is None:
            found.append(_Stage(period.severity, incident.began, None, None, period.proposed))
        elif period.proposed and not last.proposed:
            proposal = period
        else:
            if period.severity == last.severity:
                last.proposed = period.proposed
            elif last.proposed and desk.rank(period.severity) > desk.rank(last.severity):
                last.severity, last.proposed = period.severity, period.proposed
            else:
                _change(found, last, desk, period, proposal)
            proposal = None
    return found


def _change(
    found: list[_Stage],
    last: _Stage,
    desk: Desk,
    period: SeverityPeriod,
    proposal: SeverityPeriod | None,
) -> None:
    """Let *period*'s severity follow *last*, which *proposal* may have proposed."""
    if last.proposed:
        found.pop()
    else:
        last.ends = period.at
    base = None
    if desk.rank(period.severity) < desk.rank(last.severity):
        base = period.since
        if base is None and proposal is not None and proposal.severity == period.severity:
            base = proposal.at if proposal.since is None else proposal.since
        base = period.at if base is None else base
    found.append(_Stage(period.severity, period.at, None, base, period.proposed))


def _legs(
    stages: Sequence[_Stage], desk: Desk, started: "_Starts"
) -> Iterator[tuple[str, list[_Leg]]]:
    """Yield each clock's legs, with the plan it is of; clocks that never began have none."""
    found: dict[_Slot, list[_Leg]] = {}
    for stage in stages:
        for slot, clock in desk.clocks(stage.severity).items():
            natural = started.of(clock.terms)
            if natural is not None:
                _add_leg(found.setdefault(slot, []), stage, clock, natural)
    for legs in found.values():
        yield "", legs
    for clock in desk.planned().values():
        natural = started.of(clock.terms)
        if natural is not None:
            severity = stages[-1].severity if stages else ""
            leg = _Leg(clock, severity, natural, natural, None, raised=False, proposed=False)
            yield desk.plan, [leg]


def _add_leg(legs: list[_Leg], stage: _Stage, clock: _Clock, natural: Second) -> None:
    last = legs[-1] if legs else None
    if last is not None and last.ends == stage.begins and last.clock.same(clock):
        last.ends, last.severity = stage.ends, stage.severity
        return
    legs.append(
        _Leg(
            clock,
            stage.severity,
            natural if stage.base is None else stage.base,
            stage.begins,
            stage.ends,
            raised=stage.base is not None,
            proposed=stage.proposed,
        )
    )


@dataclass(frozen=True, slots=True)
class _Starts:
    """Where an incident's clocks begin."""

    incident: Incident
    report: Report | None
    group: OutageGroup | None

    def of(self, terms: ClockTerms) -> Second | None:
        """Return where a clock begins; None where it does not run."""
        if terms.channel and not self._through(terms.channel):
            return None
        if terms.clock is ClockKind.RESTORE and self.group is not None:
            return self.group.started_at
        if terms.starts is Start.OPENING and self.incident.reported is None:
            return self.incident.opened
        return None if self.report is None else self.report.at

    def _through(self, channels: str) -> bool:
        named = channels.casefold().split(" or ")
        return self.report is not None and self.report.channel.casefold() in named


# Reading the clocks.


def readings(
    incident: Incident, desk: Desk, *, now: Second, group: OutageGroup | None = None
) -> tuple[Reading, ...]:
    """Return what the clocks of *incident* say at *now*, in the contract's order.

    *desk* holds the terms pinned when it opened; *group* its outages, None for an incident without
    letters. The incident is to be folded up to *now*. A report through a channel that is not
    official starts no clock. A clock that a change of severity took away undecided is left out.
    """
    report = next((each for each in incident.reports if desk.official(each.channel)), None)
    starts = _Starts(incident, report, group)
    watch = _Watch(incident, desk, group, now)
    found = (watch.read(legs, plan) for plan, legs in _legs(_stages(incident, desk), desk, starts))
    return tuple(reading for reading in found if reading is not None)


class _Watch:
    """Reads the clocks of one incident at one instant."""

    def __init__(
        self, incident: Incident, desk: Desk, group: OutageGroup | None, now: Second
    ) -> None:
        self.incident = incident
        self.desk = desk
        self.group = group
        self.now = now
        self.end = _until(incident.resolved, now)

    def read(self, legs: Sequence[_Leg], plan: str) -> Reading | None:
        """Return what a clock says whose *legs* are these, the first of them first."""
        terms = legs[0].clock.terms
        pauses = self.desk.pauses(terms.clock, self.incident)
        aimed = [leg for leg in legs if leg.clock.target is not None]
        if aimed and terms.clock is ClockKind.UPDATE and terms.repeats:
            return _Cadence(aimed, self.incident, pauses, self.now, self.end).reading(plan)
        measured = terms.clock is ClockKind.RESTORE and self.group is not None
        if terms.clock in _RESUMED and not measured:
            pauses = (*pauses, *self.incident.rests)
        if aimed and terms.clock is ClockKind.ESCALATION:
            levels = self.incident.escalations
            return _Levels(aimed, levels, pauses, self.now, self.end).reading(plan)
        gaps = self.group.gaps() if self.group is not None and measured else ()
        stop = _until(self._stop(terms), self.now)
        return _Single(legs, stop, pauses, gaps, self.now).reading(plan)

    def _stop(self, terms: ClockTerms) -> Second | None:
        if terms.ends:
            return self._last_of(terms.ends)
        incident = self.incident
        match terms.clock:
            case ClockKind.REGISTRATION:
                return incident.first.get(Kind.REGISTERED)
            case ClockKind.CLASSIFICATION:
                return incident.first.get(Kind.CLASSIFIED)
            case ClockKind.FIRST_RESPONSE | ClockKind.UPDATE:
                return incident.told[0] if incident.told else None
            case ClockKind.ANSWER:  # what is solved needs no answer when it will be
                answered = incident.first.get(Kind.ANSWERED)
                return incident.resolved if answered is None else answered
            case ClockKind.RESTORE if self.group is not None:
                return self.group.ended_at
            case ClockKind.RESTORE if incident.restored is not None:
                return incident.restored
            case ClockKind.RESTORE | ClockKind.RESOLUTION | ClockKind.ESCALATION:
                return incident.resolved

    def _last_of(self, ends: Iterable[str]) -> Second | None:
        """Return when the last of several acts was done; None while one is missing."""
        first = dict(self.incident.first)
        if self.incident.told:
            first[Kind.FIRST_RESPONSE] = self.incident.told[0]
        found = [first.get(Kind(end)) for end in ends]
        done = [at for at in found if at is not None]
        return max(done) if len(done) == len(found) else None


_RESUMED = {ClockKind.RESOLUTION, ClockKind.RESTORE, ClockKind.ESCALATION}
"""Clocks that rest between resolution and reopening, and then go on."""


def _until(at: Second | None, now: Second) -> Second | None:
    return None if at is None or at > now else at


@dataclass(slots=True)
class _Found:
    """What was found of a clock, before it is told."""

    elapsed: int
    stopped: Second | None
    due: Second | None = None
    within: bool | None = None
    decided_at: Second | None = None
    remaining: int | None = None
    unmeasured: int = 0
    paused: bool = False
    silences: tuple[Silence, ...] = ()
    pending: tuple[Threshold, ...] = ()


def _told(leg: _Leg, plan: str, found: _Found) -> Reading:
    why = _why(leg.clock.terms, proposed=leg.proposed)
    return Reading(
        clock=leg.clock.terms.clock,
        terms=leg.clock.terms,
        severity=leg.severity,
        plan=plan,
        target=leg.clock.target,
        started=leg.start,
        stopped=found.stopped,
        due=found.due,
        decided_at=found.decided_at,
        within=found.within,
        verdict=_verdict(found, why),
        why=why,
        elapsed=found.elapsed,
        remaining=found.remaining,
        unmeasured=found.unmeasured,
        silences=found.silences,
        pending=found.pending,
    )


_UNJUDGED = {Judged.TRACKED: Why.TRACKED, Judged.MEAN: Why.MEAN, Judged.SHARE: Why.SHARE}


def _why(terms: ClockTerms, *, proposed: bool) -> Why:
    if terms.judged is not Judged.EACH:
        return _UNJUDGED[terms.judged]
    if terms.target is None:
        return Why.AGREED if terms.agreed else Why.NO_TARGET
    return Why.PROPOSED if proposed else Why.JUDGED


def _verdict(found: _Found, why: Why) -> ClockVerdict:
    if why is not Why.JUDGED and (why is not Why.PROPOSED or found.within is not None):
        return ClockVerdict.NOT_JUDGED
    if found.within is not None:
        return ClockVerdict.MET if found.within else ClockVerdict.MISSED
    if found.stopped is not None:
        return ClockVerdict.UNDETERMINED
    return ClockVerdict.PAUSED if found.paused else ClockVerdict.RUNNING


def _pausing(pauses: Sequence[Pause], now: Second) -> bool:
    if not pauses:
        return False
    return any(p.start <= now and (p.stop is None or now < p.stop) for p in pauses)


@dataclass(frozen=True, slots=True)
class _Single:
    """A clock that ends once, at *stop*; *gaps* are minutes without a measurement."""

    legs: Sequence[_Leg]
    stop: Second | None
    pauses: tuple[Pause, ...]
    gaps: tuple[Pause, ...]
    now: Second

    def reading(self, plan: str) -> Reading | None:
        """Return what it says; None where a change of severity took it away."""
        for leg in self.legs:
            here = self.stop is not None and (leg.ends is None or self.stop <= leg.ends)
            if here or leg.ends is None or self._missed(leg, leg.ends):
                return _told(leg, plan, self._found(leg))
        return None

    def _missed(self, leg: _Leg, until: Second) -> bool:
        """Return whether the target of *leg* was certainly missed by *until*, and counts."""
        target = leg.clock.target
        return target is not None and self._least(leg, until) > target

    def _least(self, leg: _Leg, until: Second) -> int:
        return leg.clock.hours.elapsed(leg.start, until, (*self.pauses, *self.gaps))

    def _found(self, leg: _Leg) -> _Found:
        hours, target = leg.clock.hours, leg.clock.target
        until = self.now if self.stop is None else self.stop
        elapsed = hours.elapsed(leg.start, until, self.pauses)
        found = _Found(elapsed, self.stop, paused=_pausing(self.pauses, self.now))
        least = self._least(leg, until) if self.gaps else elapsed
        found.unmeasured = elapsed - least
        if target is None:
            found.decided_at = self.stop
            return found
        found.remaining = target - elapsed
        found.due = hours.due(leg.start, target, self.pauses)
        if least > target:
            found.within = False
            found.decided_at = hours.due(leg.start, target + 1, (*self.pauses, *self.gaps))
        elif self.stop is not None and elapsed <= target:
            found.within, found.decided_at = True, self.stop
        return found


class _Cadence:
    """Messages to the client that repeat, walked from silence to silence."""

    def __init__(
        self,
        legs: Sequence[_Leg],
        incident: Incident,
        pauses: tuple[Pause, ...],
        now: Second,
        end: Second | None,
    ) -> None:
        self._legs = legs
        self._pauses = pauses
        self._rests = incident.rests
        self._now = now
        self._end = end
        self._breaks = _breaks(incident)
        self._base = self._since = legs[0].start  # what the next due time counts from; the silence
        self._due: Second | None = None  # the first due time that went by in this silence
        self._missed = 0  # due times that went by in this silence
        self._broken: _Leg | None = None
        self._broken_at: Second | None = None
        self._silences: list[Silence] = []

    def reading(self, plan: str) -> Reading | None:
        """Return what it says; None where a change of severity took it away."""
        for leg in self._legs:
            self._walk(leg)
        last = self._legs[-1]
        leg = last if self._broken is None else self._broken
        if leg.ends is not None and self._broken is None:
            return None
        return _told(leg, plan, self._found(leg, last))

    def _walk(self, leg: _Leg) -> None:
        self._base = max(self._base, leg.start)  # a raise counts from itself, or from its outage
        limit = self._limit(leg)
        for stop, resumes in self._breaks:
            if stop > limit:
                break
            if resumes > self._base:
                self._wait(leg, stop)
                self._end_silence(stop)
                self._base = self._since = resumes
        self._wait(leg, limit)
        if leg.ends is None and (self._end is None or self._since < limit):
            self._end_silence(self._end)

    def _limit(self, leg: _Leg) -> Second:
        limit = self._now if self._end is None else self._end
        return limit if leg.ends is None else Second(min(limit, leg.ends))

    def _wait(self, leg: _Leg, until: Second) -> None:
        """Judge the due times up to *until*; the last that was missed is the new base."""
        target = leg.clock.target or 0
        missed = max(0, leg.clock.hours.elapsed(self._base, until, self._pauses) - 1) // target
        if not missed:
            return
        if self._due is None:
            self._due = self._after(leg, target)
        if self._broken is None:
            self._broken, self._broken_at = leg, self._after(leg, target + 1)
        base = self._after(leg, missed * target)
        self._base = until if base is None else base
        self._missed += missed

    def _after(self, leg: _Leg, seconds: int) -> Second | None:
        return leg.clock.hours.due(self._base, seconds, self._pauses)

    def _end_silence(self, stop: Second | None) -> None:
        self._silences.append(
            Silence(start=self._since, stop=stop, due=self._due, missed=self._missed),
        )
        self._due, self._missed = None, 0

    def _found(self, leg: _Leg, last: _Leg) -> _Found:
        until = self._now if self._end is None else self._end
        off = (*self._pauses, *self._rests)
        found = _Found(leg.clock.hours.elapsed(leg.start, until, off), self._end)
        found.silences = tuple(self._silences)
        found.paused = _pausing(self._pauses, self._now)
        if self._end is None and last.ends is None:
            target = last.clock.target or 0
            found.due = self._after(last, target)
            found.remaining = target - last.clock.hours.elapsed(self._base, until, self._pauses)
        if self._broken is not None:
            found.within, found.decided_at = False, self._broken_at
        elif self._end is not None:
            found.within, found.decided_at = True, self._end
        return found


def _breaks(incident: Incident) -> list[tuple[Second, Second]]:
    """Return where silences end and the next begin: at messages, and around rests."""
    told = [(at, at) for at in incident.told]
    if not incident.rests:
        return told
    return sorted([*told, *((p.start, p.stop) for p in incident.rests if p.stop is not None)])


class _Levels:
    """Escalation: thresholds on the time that has gone by."""

    def __init__(
        self,
        legs: Sequence[_Leg],
        escalations: Sequence[tuple[int, Second]],
        pauses: tuple[Pause, ...],
        now: Second,
        end: Second | None,
    ) -> None:
        self._legs = legs
        self._escalations = [(level, at) for level, at in escalations if at <= now]
        self._pauses = pauses
        self._now = now
        self._end = end

    def reading(self, plan: str) -> Reading | None:
        """Return what it says; None where a change of severity took it away."""
        below = 0  # levels that earlier severities went through
        broken: _Leg | None = None
        missed: Second | None = None
        waiting: dict[int, Second] = {}
        last = self._legs[-1]
        for leg in self._legs:
            below = below if leg.raised else 0
            if broken is None:
                missed = self._missed(leg, below)
                broken = None if missed is None else leg
            waiting = {**dict(self._waiting(leg, below)), **waiting}
            if leg is not last:
                below += self._reached(leg)
        if broken is None and last.ends is not None:
            return None
        found = self._found(broken or last, missed)
        if self._end is None and last.ends is None:
            found.pending = tuple(Threshold(level=n, due=due) for n, due in sorted(waiting.items()))
            self._look_ahead(last, below, found)
        return _told(broken or last, plan, found)

    def _limit(self, leg: _Leg) -> Second:
        limit = self._now if self._end is None else self._end
        return limit if leg.ends is None else Second(min(limit, leg.ends))

    def _elapsed(self, leg: _Leg, until: Second) -> int:
        return leg.clock.hours.elapsed(leg.start, until, self._pauses)

    def _reached(self, leg: _Leg) -> int:
        """Return how many thresholds of *leg* are reached."""
        reached = self._elapsed(leg, self._limit(leg)) // (leg.clock.target or 1)
        return reached if leg.clock.terms.repeats else min(1, reached)

    def _missed(self, leg: _Leg, below: int) -> Second | None:
        """Return when a threshold of *leg* was first passed without its escalation."""
        target = leg.clock.target or 1
        limit = self._limit(leg)
        elapsed = self._elapsed(leg, limit)
        for number in range(1, self._reached(leg) + 1):
            at = self._escalated_at(self._level(leg, below, number))
            taken = elapsed if at is None or at > limit else self._elapsed(leg, at)
            if taken > number * target:
                return leg.clock.hours.due(leg.start, number * target + 1, self._pauses)
            if at is None:
                break
        return None

    @staticmethod
    def _level(leg: _Leg, below: int, number: int) -> int:
        return below + leg.clock.place + number

    def _escalated_at(self, level: int) -> Second | None:
        return next((at for reached, at in self._escalations if reached >= level), None)

    def _found(self, leg: _Leg, missed: Second | None) -> _Found:
        until = self._now if self._end is None else self._end
        found = _Found(self._elapsed(leg, until), self._end)
        found.paused = _pausing(self._pauses, self._now)
        if missed is not None:
            found.within, found.decided_at = False, missed
        elif self._end is not None:
            found.within, found.decided_at = True, self._end
        return found

    @property
    def _highest(self) -> int:
        return self._escalations[-1][0] if self._escalations else 0

    def _waiting(self, leg: _Leg, below: int) -> Iterator[tuple[int, Second]]:
        """Yield the levels that *leg* reached and nobody escalated to, and when."""
        if self._end is not None:
            return
        done = max(0, self._highest - self._level(leg, below, 0))
        for number in range(done + 1, self._reached(leg) + 1):
            due = self._due(leg, number)
            if due is not None:
                yield self._level(leg, below, number), due

    def _look_ahead(self, leg: _Leg, below: int, found: _Found) -> None:
        """Find the next threshold to come."""
        target = leg.clock.target or 1
        done = max(0, self._highest - self._level(leg, below, 0))
        elapsed = self._elapsed(leg, self._now)
        passed = max(0, -(-elapsed // target) - 1)  # thresholds that are behind us
        number = max(done, passed) + 1 if leg.clock.terms.repeats else 1
        found.due = self._due(leg, number)
        found.remaining = number * target - elapsed

    def _due(self, leg: _Leg, number: int) -> Second | None:
        return leg.clock.hours.due(leg.start, number * (leg.clock.target or 1), self._pauses)
