"""Compliance: how many incidents of a month kept their clocks, as the contract counts them.

An incident counts for a clock in the month in which that was decided: at the earlier of met and
breach. Shares are integers and cut off, and n = 0 is "no incidents", never 100 %. A mean, and a
share that a contract gives as a general time, are figures with their n and no verdict. What the
restore clocks say and what availability says are separate promises.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from uptimed.core.calendars import Second
from uptimed.core.clocks import ClockVerdict, Reading, Why
from uptimed.core.support import ClockKind, ClockTerms, GoalTerms, Judged, SupportTerms
from uptimed.core.terms import PPM


class ShareVerdict(StrEnum):
    """What can be said of a share of incidents."""

    MET = "met"
    MISSED = "missed"
    NO_INCIDENTS = "no_incidents"
    BY_GOAL = "by_goal"  # the promise is over all severities: a goal judges it


@dataclass(frozen=True, slots=True)
class Case:
    """An incident, by its reference, and what its clocks say."""

    reference: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockShare:
    """How many incidents of a severity kept one clock: *met* of *decided*.

    *target* is the percentage of the goal that judges it, "" where each incident has to keep it.
    *undetermined* were over in the period and are neither; *proposed* would have counted, had a
    person confirmed their severity. *missed* are the references of those that did not keep it, in
    the order in which they were decided.
    """

    severity: str  # "" for a plan's clock
    plan: str
    clock: ClockKind
    channel: str
    met: int
    decided: int
    undetermined: int
    proposed: int
    missed: tuple[str, ...]
    target: str
    verdict: ShareVerdict

    @property
    def share_ppm(self) -> int | None:
        """Return the share that kept it, cut off; None without incidents."""
        return self.met * PPM // self.decided if self.decided else None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalShare:
    """How many incidents of all severities kept every clock of a goal: *met* of *decided*."""

    clocks: tuple[ClockKind, ...]
    met: int
    decided: int
    missed: tuple[str, ...]
    target: str
    target_ppm: int
    verdict: ShareVerdict

    @property
    def share_ppm(self) -> int | None:
        """Return the share that kept them, cut off; None without incidents."""
        return self.met * PPM // self.decided if self.decided else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFigure:
    """A clock that is shown without a verdict, of *terms* that say why.

    *stopped* of the period's incidents took *total* seconds in all, whose *mean* is cut off.
    *within* of *decided* held the target; both are 0 where there is none. An incident without an
    answer is decided once its target is over, so that silence lowers the share.
    """

    severity: str
    plan: str
    clock: ClockKind
    channel: str
    terms: ClockTerms
    stopped: int
    total: int
    within: int
    decided: int

    @property
    def mean(self) -> int | None:
        """Return the mean in whole open seconds; None where nothing stopped."""
        return self.total // self.stopped if self.stopped else None

    @property
    def share_ppm(self) -> int | None:
        """Return the share within the target, cut off; None where nothing was decided."""
        return self.within * PPM // self.decided if self.decided else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compliance:
    """What a period's incidents make of a contract's clocks, in the contract's order."""

    shares: tuple[ClockShare, ...]
    goals: tuple[GoalShare, ...]
    figures: tuple[ClockFigure, ...]


_Line = tuple[str, str, ClockKind, str]
"""Plan, severity, clock and channel. A plan's clock is the same whatever the severity."""

_Shown = tuple[str, str, ClockKind, str, Judged]

_Read = list[tuple[str, Reading]]


def compliance(
    cases: Iterable[Case], support: SupportTerms, *, plan: str, start: Second, stop: Second
) -> Compliance:
    """Return what *cases* make of the clocks of *support* and *plan* in [start, stop).

    A month, quarter or year of the contract's zone is such a stretch. Each case stands once. Clocks
    of terms that were pinned to older incidents have their lines behind those of *support*.
    """
    cases = tuple(cases)
    percents = {clock: goal.percent for goal in support.goals for clock in goal.clocks}
    judged: dict[_Line, _Read] = {}
    shown: dict[_Shown, tuple[ClockTerms, _Read]] = {}
    for of_plan, severity, terms in _contracted(support, plan):
        if _is_judged(terms):
            judged[of_plan, severity, terms.clock, terms.channel] = []
        else:
            shown[of_plan, severity, terms.clock, terms.channel, terms.judged] = (terms, [])
    for case in cases:
        for reading in case.readings:
            line, terms = _line(reading), reading.terms
            if _is_judged(terms):
                judged.setdefault(line, []).append((case.reference, reading))
            else:
                of_line = shown.setdefault((*line, terms.judged), (terms, []))
                of_line[1].append((case.reference, reading))
    return Compliance(
        shares=tuple(
            _share(line, read, start, stop, goal=percents.get(line[2], ""))
            for line, read in judged.items()
        ),
        goals=tuple(_goal(goal, cases, start, stop) for goal in support.goals),
        figures=tuple(_figure(line, *of_line, start, stop) for line, of_line in shown.items()),
    )


def _contracted(support: SupportTerms, plan: str) -> Iterator[tuple[str, str, ClockTerms]]:
    """Yield the clocks of the contract: plan, severity, terms."""
    for severity in support.severities:
        for terms in severity.clocks:
            yield "", severity.id, terms
    for each in support.plans:
        if each.id == plan:
            for terms in each.clocks:
                yield plan, "", terms


def _is_judged(terms: ClockTerms) -> bool:
    return terms.judged is Judged.EACH and terms.target is not None


def _line(reading: Reading) -> _Line:
    severity = "" if reading.plan else reading.severity
    return reading.plan, severity, reading.clock, reading.terms.channel


def _share(line: _Line, read: _Read, start: Second, stop: Second, *, goal: str) -> ClockShare:
    plan, severity, clock, channel = line
    read = [(ref, each) for ref, each in read if _falls_in(each, start, stop)]
    decided = [(ref, each) for ref, each in read if each.verdict in _DECIDED]
    missed = [(each.decided_at or 0, ref) for ref, each in decided if not each.within]
    met = len(decided) - len(missed)
    return ClockShare(
        severity=severity,
        plan=plan,
        clock=clock,
        channel=channel,
        met=met,
        decided=len(decided),
        undetermined=sum(1 for _, each in read if each.decided_at is None),
        proposed=sum(
            1 for _, each in read if each.why is Why.PROPOSED and each.decided_at is not None
        ),
        missed=tuple(ref for _, ref in sorted(missed)),
        target=goal,
        verdict=ShareVerdict.BY_GOAL if goal else share_verdict(met, len(decided), PPM),
    )


def share_verdict(met: int, decided: int, target_ppm: int) -> ShareVerdict:
    """Return whether *met* of *decided* are the promised share, in integers."""
    if not decided:
        return ShareVerdict.NO_INCIDENTS
    return ShareVerdict.MET if met * PPM >= target_ppm * decided else ShareVerdict.MISSED


_DECIDED = {ClockVerdict.MET, ClockVerdict.MISSED}


def _falls_in(reading: Reading, start: Second, stop: Second) -> bool:
    """Return whether it was decided in the period, or ended in it and stays undetermined."""
    open_end = reading.verdict is ClockVerdict.UNDETERMINED
    at = reading.stopped if open_end else reading.decided_at
    return at is not None and start <= at < stop


def _goal(goal: GoalTerms, cases: Sequence[Case], start: Second, stop: Second) -> GoalShare:
    met, missed = 0, []
    for case in cases:
        decision = _decision([each for each in case.readings if each.clock in goal.clocks])
        if decision is None or not start <= decision[0] < stop:
            continue
        if decision[1]:
            met += 1
        else:
            missed.append((decision[0], case.reference))
    return GoalShare(
        clocks=goal.clocks,
        met=met,
        decided=met + len(missed),
        missed=tuple(ref for _, ref in sorted(missed)),
        target=goal.percent,
        target_ppm=goal.percent_ppm,
        verdict=share_verdict(met, met + len(missed), goal.percent_ppm),
    )


def _decision(readings: Sequence[Reading]) -> tuple[Second, bool] | None:
    """Return when it was decided whether all of *readings* hold, and whether they do.

    The first breach decides it, and so does the last that is met. None while one is open, and where
    one that cannot be judged leaves it open.
    """
    known = [
        (each.decided_at, each.verdict is ClockVerdict.MET)
        for each in readings
        if each.verdict in _DECIDED and each.decided_at is not None
    ]
    breaches = [at for at, held in known if not held]
    if breaches:
        return min(breaches), False
    if not known or len(known) < len(readings):
        return None
    return max(at for at, _ in known), True


def _figure(
    line: _Shown, terms: ClockTerms, read: _Read, start: Second, stop: Second
) -> ClockFigure:
    plan, severity, clock, channel, _ = line
    readings = [each for _, each in read]
    ended = [each for each in readings if each.stopped is not None and start <= each.stopped < stop]
    decided = [
        each
        for each in readings
        if each.within is not None
        and each.decided_at is not None
        and start <= each.decided_at < stop
    ]
    return ClockFigure(
        severity=severity,
        plan=plan,
        clock=clock,
        channel=channel,
        terms=terms,
        stopped=len(ended),
        total=sum(each.elapsed for each in ended),
        within=sum(1 for each in decided if each.within),
        decided=len(decided),
    )
