"""Incidents and support clocks as a page shows them, in words.

The template arranges; what depends on figures or verdicts is decided here. Severities, plans and
targets are called what the contract calls them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reports.figures import NBSP, NOTHING, Words
from reports.language import Language
from reports.vocabulary import (
    CLASSES,
    CLOCK_VERDICTS,
    CLOCKS,
    INCIDENT_STATES,
    UNJUDGED,
    called,
)
from uptimed.core.calendars import Second
from uptimed.core.clocks import ClockVerdict, Reading, Why
from uptimed.core.compliance import ClockFigure, ClockShare, GoalShare, ShareVerdict
from uptimed.core.observations import SECOND, Instant
from uptimed.core.support import ClockKind, ClockTerms, Judged, Span
from uptimed.core.support_statement import IncidentLine, SupportStatement

MOST_INCIDENTS = 24
"""Incidents that are written out; of more, those that missed something come first."""

_SHOWN = {
    ClockVerdict.MET: "good",
    ClockVerdict.MISSED: "bad",
    ClockVerdict.UNDETERMINED: "open",
    ClockVerdict.RUNNING: "sofar",
    ClockVerdict.PAUSED: "sofar",
    ClockVerdict.NOT_JUDGED: "none",
}


@dataclass(frozen=True)
class ShareRow:
    """How many incidents kept a clock. *tone* is `good`, `bad` or `none`."""

    clock: str
    whose: str
    target: str
    kept: str
    share: str
    promise: str
    verdict: str
    tone: str
    missed: str


@dataclass(frozen=True)
class FigureRow:
    """A clock that is shown without a verdict."""

    clock: str
    whose: str
    stated: str
    mean: str
    within: str


@dataclass(frozen=True)
class ClockRow:
    """A clock of one incident."""

    clock: str
    target: str
    due: str
    took: str
    verdict: str
    tone: str


@dataclass(frozen=True)
class IncidentBlock:
    """One incident, ready to be arranged."""

    reference: str
    title: str
    state: str
    since: str
    remarks: tuple[str, ...]
    cause: str
    remedy: str
    clocks: tuple[ClockRow, ...]


@dataclass(frozen=True)
class SupportView:
    """The page of support clocks.

    *when* is the period in words and *names* what its services are called. *allowed* are the
    minutes that may be down in it, None where nothing is promised for the whole of it.
    """

    support: SupportStatement
    words: Words
    when: str
    names: Mapping[str, str]
    allowed: int | None

    @property
    def language(self) -> Language:
        """Return the language of the page."""
        return self.words.language

    @property
    def lead(self) -> str:
        """Return in a sentence how many incidents there were."""
        n = len(self.support.incidents)
        if not n:
            return self.language.say(
                "There was no incident in {month}, so there is nothing to judge.", month=self.when
            )
        return self.language.count(
            "{n} incident was open, or decided, in {month}.",
            "{n} incidents were open, or decided, in {month}.",
            n,
            n=self.words.number(n),
            month=self.when,
        )

    @property
    def apart(self) -> str:
        """Return why these figures and availability say nothing about each other."""
        text = self.language.say(
            "The time to restore and availability are separate promises: one can be kept while "
            "the other is broken."
        )
        target, allowed = self._restore_s(), self.allowed
        if target is None or allowed is None:
            return text
        return f"{text} " + self.language.count(
            "An outage that is restored just within {limit} takes {minutes} of the {allowed} "
            "minute that may be down in this month.",
            "An outage that is restored just within {limit} takes {minutes} of the {allowed} "
            "minutes that may be down in this month.",
            allowed,
            limit=self.length(target),
            minutes=self.words.number(target // 60),
            allowed=self.words.number(allowed),
        )

    def _restore_s(self) -> int | None:
        """Return the target of the most urgent severity's restore clock, in seconds."""
        for severity in self.support.support.severities:
            for clock in severity.clocks:
                if clock.clock is ClockKind.RESTORE and clock.target is not None:
                    return clock.target.seconds
        return None

    def length(self, seconds: int) -> str:
        """Return a length of open time: `1 h 31 min`. Days would be taken for business days."""
        minutes, rest = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        parts = []
        if hours:
            parts.append(self.language.say("{n} h", n=self.words.number(hours)))
        if minutes or not (hours or rest):
            parts.append(self.language.say("{n} min", n=minutes))
        if rest:
            parts.append(self.language.say("{n} s", n=rest))
        return " ".join(parts).replace(" ", NBSP)

    def _instant(self, at: Second | None) -> str:
        return NOTHING if at is None else self.words.when_instant(Instant(at * SECOND))

    # Shares.

    @property
    def shares(self) -> tuple[ShareRow, ...]:
        """Return the clocks that are judged, those over all severities first."""
        told = self.support.compliance
        return (*map(self._goal, told.goals), *map(self._share, told.shares))

    def _goal(self, goal: GoalShare) -> ShareRow:
        names = [called(CLOCKS, str(clock), self.language) for clock in goal.clocks]
        return ShareRow(
            clock=" + ".join(names),
            whose=self.language.say("all severities together"),
            target=NOTHING,
            kept=self._kept(goal.met, goal.decided),
            share=self.words.percent(goal.share_ppm),
            promise=self.words.percent_of(goal.target),
            verdict=self._share_verdict(goal.verdict),
            tone=_tone(goal.verdict),
            missed=", ".join(goal.missed),
        )

    def _share(self, share: ClockShare) -> ShareRow:
        return ShareRow(
            clock=self._clock_name(share.clock, share.channel),
            whose=self._whose(share.severity),
            target=self._target_of(share),
            kept=self._kept(share.met, share.decided),
            share=self.words.percent(share.share_ppm),
            promise=self.words.percent_of(share.target)
            if share.target
            else self.language.say("each"),
            verdict=self._share_verdict(share.verdict) + self._left_out(share),
            tone=_tone(share.verdict),
            missed=", ".join(share.missed),
        )

    def _left_out(self, share: ClockShare) -> str:
        parts = []
        if share.undetermined:
            parts.append(
                self.language.count(
                    "{n} cannot be decided",
                    "{n} cannot be decided",
                    share.undetermined,
                    n=self.words.number(share.undetermined),
                )
            )
        if share.proposed:
            parts.append(
                self.language.count(
                    "{n} without a confirmed severity",
                    "{n} without a confirmed severity",
                    share.proposed,
                    n=self.words.number(share.proposed),
                )
            )
        return f" ({', '.join(parts)})" if parts else ""

    def _kept(self, met: int, decided: int) -> str:
        if not decided:
            return NOTHING
        return self.language.say(
            "{met} of {decided}", met=self.words.number(met), decided=self.words.number(decided)
        ).replace(" ", NBSP)

    def _share_verdict(self, verdict: ShareVerdict) -> str:
        match verdict:
            case ShareVerdict.MET:
                return self.language.say("Met")
            case ShareVerdict.MISSED:
                return self.language.say("Missed")
            case ShareVerdict.NO_INCIDENTS:
                return self.language.say("no incidents")
            case ShareVerdict.BY_GOAL:
                return self.language.say("counted above")

    def _whose(self, severity: str) -> str:
        return self.support.severity_name(severity) if severity else self.support.plan_name()

    def _clock_name(self, clock: ClockKind, channel: str) -> str:
        name = called(CLOCKS, str(clock), self.language)
        return f"{name} ({channel})" if channel else name

    def _target_of(self, share: ClockShare) -> str:
        for terms in self._terms(share.severity, share.plan):
            if (terms.clock, terms.channel) == (share.clock, share.channel):
                return self._target(terms)
        return NOTHING

    def _terms(self, severity: str, plan: str) -> tuple[ClockTerms, ...]:
        support = self.support.support
        if plan:
            return next((each.clocks for each in support.plans if each.id == plan), ())
        return next((each.clocks for each in support.severities if each.id == severity), ())

    def _target(self, terms: ClockTerms) -> str:
        if terms.target is None:
            return NOTHING
        text = self._span(terms.target)
        if terms.repeats:
            text = self.language.say("every {time}", time=text)
        if terms.calendar == "24x7":
            return self.language.say("{time}, around the clock", time=text)
        return text

    def _span(self, span: Span) -> str:
        if span.seconds is not None:
            return self.length(span.seconds)
        days = span.business_days or 0
        return self.language.count(
            "{n} business day", "{n} business days", days, n=self.words.number(days)
        ).replace(" ", NBSP)

    # Figures.

    @property
    def figures(self) -> tuple[FigureRow, ...]:
        """Return the clocks that are shown without a verdict, where there is anything to show."""
        told = self.support.compliance.figures
        return tuple(self._figure(each) for each in told if each.stopped or each.decided)

    def _figure(self, figure: ClockFigure) -> FigureRow:
        stated = self._target(figure.terms)
        if stated != NOTHING and figure.terms.judged is Judged.MEAN:
            stated = self.language.say("{time} on average", time=stated)
        return FigureRow(
            clock=self._clock_name(figure.clock, figure.channel),
            whose=self._whose(figure.severity),
            stated=stated,
            mean=NOTHING if figure.mean is None else self._mean(figure.mean, figure.stopped),
            within=self._kept(figure.within, figure.decided),
        )

    def _mean(self, mean: int, n: int) -> str:
        return self.language.count(
            "{time} over {n} incident",
            "{time} over {n} incidents",
            n,
            time=self.length(mean),
            n=self.words.number(n),
        )

    # Incidents.

    @property
    def incidents(self) -> tuple[IncidentBlock, ...]:
        """Return the incidents that are written out, oldest first."""
        lines = self.support.incidents
        if len(lines) > MOST_INCIDENTS:
            chosen = sorted(lines, key=lambda line: not _missed(line))[:MOST_INCIDENTS]
            lines = tuple(line for line in lines if line in chosen)
        return tuple(self._block(line) for line in lines)

    @property
    def left(self) -> int:
        """Return how many incidents are not written out."""
        return max(0, len(self.support.incidents) - MOST_INCIDENTS)

    def _block(self, line: IncidentLine) -> IncidentBlock:
        return IncidentBlock(
            reference=line.reference,
            title=self._title(line),
            state=called(INCIDENT_STATES, line.state, self.language),
            since=self._since(line),
            remarks=tuple(self._remarks(line)),
            cause=line.cause,
            remedy=line.remedy,
            clocks=tuple(self._clock(reading) for reading in line.readings),
        )

    def _title(self, line: IncidentLine) -> str:
        parts = [self.names.get(line.service, line.service)]
        if line.kind:
            parts.append(called(CLASSES, line.kind, self.language).lower())
        return ", ".join(parts)

    def _since(self, line: IncidentLine) -> str:
        values = {"opened": self._instant(line.opened), "ended": self._instant(line.ended)}
        if line.ended is None:
            return self.language.say("since {opened}, not ended yet", **values)
        return self.language.say("from {opened} to {ended}", **values)

    def _remarks(self, line: IncidentLine) -> list[str]:
        found = []
        if not line.severity:
            found.append(self.language.say("not classified"))
        elif line.proposed:
            found.append(
                self.language.say(
                    "{severity}, proposed", severity=self.support.severity_name(line.severity)
                )
            )
        else:
            found.append(self.support.severity_name(line.severity))
        if line.down is not None:
            found.append(
                self.language.count(
                    "{n} down minute", "{n} down minutes", line.down, n=self.words.number(line.down)
                )
            )
        if line.recurrence_of:
            found.append(
                self.language.say(
                    "the same as {reference} within 30 days", reference=line.recurrence_of
                )
            )
        return found

    def _clock(self, reading: Reading) -> ClockRow:
        running = reading.verdict in {ClockVerdict.RUNNING, ClockVerdict.PAUSED}
        return ClockRow(
            clock=self._clock_name(reading.clock, reading.terms.channel),
            target=self._target(reading.terms),
            due=self._instant(reading.due),
            took=self._so_far(reading) if running else self._took(reading),
            verdict=self._verdict(reading),
            tone=_SHOWN[reading.verdict],
        )

    def _so_far(self, reading: Reading) -> str:
        return self.language.say("{time} so far", time=self.length(reading.elapsed))

    def _took(self, reading: Reading) -> str:
        late = sum(silence.missed for silence in reading.silences)
        if late:
            return self.language.count(
                "{n} update was late", "{n} updates were late", late, n=self.words.number(late)
            )
        if reading.silences or reading.clock is ClockKind.ESCALATION:
            return NOTHING
        return self.length(reading.elapsed)

    def _verdict(self, reading: Reading) -> str:
        if reading.why is not Why.JUDGED:
            return called(UNJUDGED, str(reading.why), self.language)
        return called(CLOCK_VERDICTS, str(reading.verdict), self.language)


def _missed(line: IncidentLine) -> bool:
    return any(reading.verdict is ClockVerdict.MISSED for reading in line.readings)


def _tone(verdict: ShareVerdict) -> str:
    return {ShareVerdict.MET: "good", ShareVerdict.MISSED: "bad"}.get(verdict, "none")
