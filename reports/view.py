"""A month as a page shows it: what is said of each service, in words, and its pictures.

The template arranges; what depends on figures or verdicts is decided here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from reports import charts
from reports.figures import Words, verdict_heading, verdict_reason
from reports.language import Language
from reports.vocabulary import CAUSES, LETTERS, ROLES, called
from uptimed.core.corrections import Change, Correction
from uptimed.core.figures import Figures, Verdict
from uptimed.core.statement import (
    Changed,
    CorrectionLine,
    Gap,
    OutageLine,
    ProbeLine,
    ServiceStatement,
    Statement,
)
from uptimed.core.strip import (
    DEGRADED,
    EXCEPTED,
    LOGIN_FAILURE,
    MAINTENANCE,
    NOT_MEASURED,
    OUT_OF_SCOPE,
    SYSTEM_DOWN,
    UP,
)

MOST_OUTAGES = 120
"""Outages in a table; of more, the longest. All of them are in the attached figures."""
MOST_GAPS = 60
MOST_CHANGES = 40
MOST_CORRECTIONS = 20
"""Corrections that are told in full; of more, the newest. All of them are in the figures."""
MOST_STRETCHES = 12  # of one correction


@dataclass(frozen=True)
class Compared:
    """A service's figures under one condition: what it is, and what the verdict would be."""

    label: str
    figures: Figures
    verdict: str


@dataclass(frozen=True)
class ServiceView:
    """One service's month, ready to be arranged."""

    statement: Statement
    service: ServiceStatement
    words: Words

    @property
    def language(self) -> Language:
        """Return the language of the page."""
        return self.words.language

    @property
    def figures(self) -> Figures:
        """Return the service's figures."""
        return self.service.figures

    @property
    def measured(self) -> bool:
        """Return whether there is any figure to print."""
        return self.figures.verdict is not Verdict.NOT_MEASURED

    @property
    def heading(self) -> str:
        """Return the verdict in a few words."""
        return verdict_heading(
            self.language,
            self.figures,
            self.statement.contract,
            complete=self.statement.period.complete,
        )

    @property
    def reason(self) -> str:
        """Return what the verdict rests on."""
        return verdict_reason(
            self.language,
            self.figures,
            self.statement.contract,
            complete=self.statement.period.complete,
        )

    @property
    def tone(self) -> str:
        """Return how the verdict looks: `good`, `bad`, `open` or `none`."""
        verdict = self.figures.verdict
        if verdict is Verdict.NOT_MEASURED:
            return "none"
        if not self.statement.period.complete:
            return "bad" if self.figures.remaining < 0 else "sofar"
        if not verdict.proven:
            return "open"
        return "good" if verdict is Verdict.MET else "bad"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return the whole result in plain words."""
        if not self.measured:
            return (self._nothing(),)
        return (self._used_in(), self._promise(), self._spent())

    def _nothing(self) -> str:
        return self.language.say(
            "In {month} no minute of {service} was measured. There is no figure, and none is made "
            "up from other months.",
            month=self._month,
            service=self.service.name,
        )

    @property
    def _month(self) -> str:
        return self.words.month(self.statement.period.month)

    def _used_in(self) -> str:
        figures, number = self.figures, self.words.number
        values = {
            "month": self._month,
            "service": self.service.name,
            "up": number(figures.up),
            "measured": number(figures.measured),
            "percent": self.words.percent(figures.availability_ppm),
        }
        if self.statement.period.complete:
            return self.language.count(
                "In {month} {service} could be used in {up} of {measured} measured minute: "
                "{percent}.",
                "In {month} {service} could be used in {up} of {measured} measured minutes: "
                "{percent}.",
                figures.measured,
                **values,
            )
        values["until"] = self.words.minute(self.statement.period.judged)
        return self.language.count(
            "In {month}, until {until}, {service} could be used in {up} of {measured} measured "
            "minute: {percent}.",
            "In {month}, until {until}, {service} could be used in {up} of {measured} measured "
            "minutes: {percent}.",
            figures.measured,
            **values,
        )

    def _promise(self) -> str:
        contract = self.statement.contract
        allowed = self.figures.allowed
        values = {
            "target": self.words.percent_of(contract.target),
            "allowed": self.words.number(allowed),
        }
        if contract.promised:
            return self.language.count(
                "Promised: {target}, that is at most {allowed} minute down.",
                "Promised: {target}, that is at most {allowed} minutes down.",
                allowed,
                **values,
            )
        return self.language.count(
            "The vendor promised no figure; the house reference is {target}, that is at most "
            "{allowed} minute down.",
            "The vendor promised no figure; the house reference is {target}, that is at most "
            "{allowed} minutes down.",
            allowed,
            **values,
        )

    def _spent(self) -> str:
        figures, number = self.figures, self.words.number
        spent = self.language.count(
            "{used} was used", "{used} were used", figures.down, used=number(figures.down)
        )
        if figures.remaining < 0:
            left = self.language.say("that is {over} too many", over=number(-figures.remaining))
        else:
            left = self.language.count(
                "{left} remains",
                "{left} remain",
                figures.remaining,
                left=number(figures.remaining),
            )
        return self.language.say("{spent}, {left}.", spent=spent, left=left)

    @property
    def forgiven(self) -> int:
        """Return the down minutes of this month that the contract forgives as too short."""
        return sum(line.minutes for line in self.service.outages if not line.outage.counted)

    @cached_property
    def bars(self) -> Markup:
        """Return the bars of the first page."""
        return charts.day_bars(
            self.service,
            self.statement.period,
            down=self.statement.contract.down,
            title=self.language.say(
                "{service} by day: a bar for each day of {month}",
                service=self.service.name,
                month=self._month,
            ),
        )

    @cached_property
    def map(self) -> Markup:
        """Return the minute map."""
        return charts.minute_map(
            self.service,
            self.statement.period,
            self.words,
            self.language.say(
                "{service} by minute: a row for each day of {month}",
                service=self.service.name,
                month=self._month,
            ),
        )

    @property
    def legend(self) -> list[tuple[Markup, str]]:
        """Return the states that occur this month, each with a sample and its name."""
        seen = set(self.service.strip.plain) | set(self.service.overlay)
        order = (
            UP,
            DEGRADED,
            LOGIN_FAILURE,
            SYSTEM_DOWN,
            NOT_MEASURED,
            MAINTENANCE,
            EXCEPTED,
            OUT_OF_SCOPE,
        )
        shown = {UP, SYSTEM_DOWN} | seen
        return [
            (charts.legend_key(state), called(LETTERS, state, self.language))
            for state in order
            if state in shown
        ]

    @property
    def odd_days(self) -> tuple[str, ...]:
        """Return what is to be said about days on which the clocks change."""
        return tuple(
            self.language.count(
                "On {day} the clocks change: the day has {hours} hour, and its row that length; "
                "the hours above hold until the change.",
                "On {day} the clocks change: the day has {hours} hours, and its row that length; "
                "the hours above hold until the change.",
                row.length // 60,
                day=self.words.day(row.day),
                hours=self.words.number(row.length // 60),
            )
            for row in charts.day_rows(self.service, self.statement.period)
            if row.length != 24 * 60
        )

    @property
    def outages(self) -> Sequence[OutageLine]:
        """Return the outages of the table, oldest first: all, or of too many the longest."""
        lines = self.service.outages
        if len(lines) <= MOST_OUTAGES:
            return lines
        longest = sorted(lines, key=lambda line: (-line.minutes, line.outage.start))[:MOST_OUTAGES]
        return sorted(longest, key=lambda line: line.outage.start)

    @property
    def outages_left(self) -> tuple[int, int]:
        """Return how many outages are not in the table, and their minutes."""
        shown = self.outages
        lines = self.service.outages
        return len(lines) - len(shown), sum(o.minutes for o in lines) - sum(
            o.minutes for o in shown
        )

    @property
    def gaps(self) -> Sequence[Gap]:
        """Return the gaps of the table, oldest first: all, or of too many the longest."""
        gaps = self.service.gaps
        if len(gaps) <= MOST_GAPS:
            return gaps
        longest = sorted(gaps, key=lambda gap: (gap.start - gap.stop, gap.start))[:MOST_GAPS]
        return sorted(longest, key=lambda gap: gap.start)

    @property
    def gaps_left(self) -> tuple[int, int]:
        """Return how many gaps are not in the table, and their minutes in scope."""
        shown = self.gaps
        gaps = self.service.gaps
        return len(gaps) - len(shown), sum(g.minutes for g in gaps) - sum(g.minutes for g in shown)

    @property
    def corrections(self) -> Sequence[CorrectionLine]:
        """Return the corrections that are told in full, oldest first."""
        return self.service.corrections[-MOST_CORRECTIONS:]

    @property
    def corrections_left(self) -> int:
        """Return how many corrections are not told in full."""
        return len(self.service.corrections) - len(self.corrections)

    @property
    def newest(self) -> Sequence[CorrectionLine]:
        """Return the correction that made this revision, where it is this service's."""
        revision = self.statement.revision
        return [c for c in self.service.corrections if c.revised.revision == revision]

    def said(self, one: Changed, value: str) -> str:
        """Return a *value* of a changed setting in words."""
        language = self.language
        match one.name:
            case "slow_after_us":
                return self.words.took(int(value) if value.isdigit() else None)
            case "role":
                return called(ROLES, value, language)
            case "need":
                groups = (group.partition("=") for group in value.split(", ") if group)
                return ", ".join(f"{called(ROLES, role, language)}: {k}" for role, _, k in groups)
            case _:
                return value

    def changes_of(self, correction: Correction) -> Sequence[Change]:
        """Return the stretches of a correction that are listed."""
        return correction.changes[:MOST_STRETCHES]

    def changes_left(self, correction: Correction) -> int:
        """Return how many stretches of a correction are not listed."""
        return len(correction.changes) - len(self.changes_of(correction))

    @property
    def before_and_after(self) -> Sequence[Compared]:
        """Return the figures as first recorded, after the corrections before the last, and now."""
        say, lines = self.language.say, self.corrections
        original = self.service.original or self.figures
        rows = [self._compared(say("On record, without corrections"), original)]
        rows += [
            self._compared(say("After {correction}", correction=line.correction.id), line.after)
            for line in lines[:-1]
        ]
        return [*rows, self._compared(say("As it counts, corrected"), self.figures)]

    @property
    def with_and_without(self) -> Sequence[Compared]:
        """Return the figures with nothing excepted, and as they count."""
        say = self.language.say
        without = self.service.without_exceptions or self.figures
        return [
            self._compared(say("Without any exception"), without),
            self._compared(say("As it counts, with exceptions"), self.figures),
        ]

    def _compared(self, label: str, figures: Figures) -> Compared:
        heading = verdict_heading(
            self.language,
            figures,
            self.statement.contract,
            complete=self.statement.period.complete,
        )
        return Compared(label=label, figures=figures, verdict=heading)

    def cause(self, key: str) -> str:
        """Return a cause in words."""
        return called(CAUSES, key, self.language)

    def response(self, probe: ProbeLine) -> Markup:
        """Return the chart of a probe's response times."""
        return charts.response_chart(
            probe,
            self.statement.period,
            self.words,
            self.language.say("Response times of {probe} by day", probe=probe.id),
        )
