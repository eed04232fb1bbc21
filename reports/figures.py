"""Figures become words here and nowhere else: the only rounding there is, always downwards.

A percentage is cut off at four decimals and never rounded: a month with one minute down does not
print as 100 %. Numbers, dates and times are written as the report's language writes them, in the
client's zone and with its offset from UTC.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from itertools import groupby

from babel.dates import format_date
from babel.numbers import get_decimal_symbol, get_group_symbol

from reports.language import Language
from uptimed.core.figures import Figures, Verdict
from uptimed.core.minutes import Minute, moment_of, moment_of_minute
from uptimed.core.observations import SECOND, Instant
from uptimed.core.terms import PPM, ContractTerms, WeekHours

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EM DASH}"
_PER_PERCENT = PPM // 100


def decimal_percent(ppm: int | None) -> str | None:
    """Return parts per million as a percentage with four decimals and a point; None for None."""
    if ppm is None:
        return None
    return f"{ppm // _PER_PERCENT}.{ppm % _PER_PERCENT:04d}"


@dataclass(frozen=True, slots=True)
class Words:
    """What numbers and instants are called in one language and one zone."""

    language: Language
    zone: tzinfo

    def number(self, n: int) -> str:
        """Return *n* with its digits grouped."""
        group = get_group_symbol(self.language.locale)
        digits = f"{abs(n):,}".replace(",", NBSP if group.isspace() else group)
        return MINUS + digits if n < 0 else digits

    def percent(self, ppm: int | None) -> str:
        """Return parts per million as a percentage, cut off at four decimals; a dash for None."""
        text = decimal_percent(ppm)
        return NOTHING if text is None else self.percent_of(text)

    def percent_of(self, decimal: str) -> str:
        """Return a percentage that is written with a point as this language writes it."""
        return self._decimal(decimal) + NBSP + "%"

    def _decimal(self, text: str) -> str:
        return text.replace(".", get_decimal_symbol(self.language.locale))

    def minutes(self, n: int) -> str:
        """Return `17 minutes`."""
        return self.language.count("{n} minute", "{n} minutes", n, n=self.number(n))

    def allowance(self, figures: Figures) -> str:
        """Return the exact product of which the allowed minutes are the whole part: `17.856`."""
        millionths = (PPM - figures.target_ppm) * (figures.measured + figures.ahead)
        whole, rest = divmod(millionths, PPM)
        decimals = f"{rest:06d}".rstrip("0")
        text = self.number(whole)
        if decimals:
            text += get_decimal_symbol(self.language.locale) + decimals
        return text

    def shortfall(self, figures: Figures) -> str:
        """Return what the target leaves: 100 % less the target, such as `0.04 %`."""
        whole, rest = divmod(PPM - figures.target_ppm, _PER_PERCENT)
        decimals = f"{rest:04d}".rstrip("0")
        return self.percent_of(f"{whole}.{decimals}" if decimals else str(whole))

    def span(self, minutes: int) -> str:
        """Return a length of time in days, hours and minutes: `1 h 35 min`."""
        days, rest = divmod(minutes, 24 * 60)
        hours, left = divmod(rest, 60)
        parts = []
        if days:
            parts.append(self.language.say("{n} d", n=self.number(days)))
        if hours:
            parts.append(self.language.say("{n} h", n=hours))
        if left or not parts:
            parts.append(self.language.say("{n} min", n=left))
        return " ".join(parts).replace(" ", NBSP)

    def took(self, duration_us: int | None) -> str:
        """Return how long an answer took, cut off at milliseconds: `183 ms`, `1.204 s`."""
        if duration_us is None:
            return NOTHING
        if duration_us < SECOND:
            text = self.language.say("{n} ms", n=duration_us // 1000)
        else:
            seconds = f"{duration_us // SECOND}.{duration_us % SECOND // 1000:03d}"
            text = self.language.say("{n} s", n=self._decimal(seconds))
        return text.replace(" ", NBSP)

    def scale(self, duration_us: int) -> str:
        """Return a round duration for the scale of a chart: `500 ms`, `1.5 s`."""
        if duration_us < SECOND:
            return self.took(duration_us)
        seconds = f"{duration_us // SECOND}.{duration_us % SECOND // 1000:03d}".rstrip("0")
        return self.language.say("{n} s", n=self._decimal(seconds.rstrip("."))).replace(" ", NBSP)

    def month(self, month: str) -> str:
        """Return `2026-10` as a heading has it: `October 2026`."""
        first = date(int(month[:4]), int(month[5:7]), 1)
        # Translators: a date pattern as in CLDR; LLLL is the month's full name, y the year.
        return self._date(first, self.language.say("LLLL y"))

    def day(self, day: date) -> str:
        """Return a date with its year, short enough for a table."""
        # Translators: a date pattern as in CLDR, for tables; with the year.
        return self._date(day, self.language.say("d MMM y")).replace(" ", NBSP)

    def short_day(self, day: date) -> str:
        """Return a date without its year: `14 Oct`."""
        # Translators: a date pattern as in CLDR, for tables; without the year.
        return self._date(day, self.language.say("d MMM")).replace(" ", NBSP)

    def weekday(self, day: date) -> str:
        """Return the short name of a date's weekday."""
        return self._date(day, "ccc")

    def _date(self, day: date, pattern: str) -> str:
        return format_date(day, format=pattern, locale=self.language.locale)

    def instant(self, at: Instant) -> str:
        """Return *at* to the minute, in the zone, with its offset: `14 Oct 2026, 09:07 UTC-5`."""
        return self._moment(moment_of(at).astimezone(self.zone))

    def minute(self, minute: Minute) -> str:
        """Return the start of *minute* as `instant` does."""
        return self._moment(moment_of_minute(minute).astimezone(self.zone))

    def when(self, minute: Minute) -> str:
        """Return the start of *minute* without its year, for tables of one month."""
        moment = moment_of_minute(minute).astimezone(self.zone)
        return _one_line(f"{self.short_day(moment.date())}, {moment:%H:%M} {offset(moment)}")

    def when_instant(self, at: Instant) -> str:
        """Return *at* without its year, to the minute, for tables of one month."""
        moment = moment_of(at).astimezone(self.zone)
        return _one_line(f"{self.short_day(moment.date())}, {moment:%H:%M} {offset(moment)}")

    def _moment(self, moment: datetime) -> str:
        return _one_line(f"{self.day(moment.date())}, {moment:%H:%M} {offset(moment)}")

    def share(self, part: int, whole: int) -> str:
        """Return *part* of *whole* as a percentage, cut off; a dash where there is no whole."""
        return self.percent(part * PPM // whole if whole else None)

    def week(self, hours: WeekHours) -> str:
        """Return the windows of a week: `Mon-Fri 08:00-12:00, 14:00-17:00`, with proper dashes."""
        stretches = []
        weekdays = [(day, tuple(hours.windows.get(day, ()))) for day in range(7)]
        for windows, group in groupby(weekdays, key=lambda pair: pair[1]):
            days = [day for day, _ in group]
            if windows:
                first, last = self._weekday_name(days[0]), self._weekday_name(days[-1])
                names = first if len(days) == 1 else f"{first}–{last}"
                stretches.append(f"{names} {', '.join(_window(*window) for window in windows)}")
        return "; ".join(stretches) or NOTHING

    def _weekday_name(self, weekday: int) -> str:
        return self.weekday(date(2024, 1, 1 + weekday))  # that year began on a Monday


def offset(moment: datetime) -> str:
    """Return how far *moment*'s clock is from UTC, with a proper minus sign: `UTC+5:30`."""
    minutes = (moment.utcoffset() or timedelta()) // timedelta(minutes=1)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{MINUS if minutes < 0 else '+'}{hours}{f':{rest:02d}' if rest else ''}"


def _one_line(text: str) -> str:
    return text.replace(" ", NBSP)


def _window(opens: int, closes: int) -> str:
    return f"{opens // 60:02d}:{opens % 60:02d}–{closes // 60:02d}:{closes % 60:02d}"


def verdict_heading(
    language: Language, figures: Figures, contract: ContractTerms, *, complete: bool
) -> str:
    """Return the verdict in a few words, fit for a badge.

    Where nothing is promised nothing is met or breached: it is above or below the reference. Of a
    month in progress only the minutes used so far are spoken of.
    """
    verdict = figures.verdict
    if verdict is Verdict.NOT_MEASURED:
        return language.say("Not measured")
    if not complete:
        return _so_far(language, figures)
    if not verdict.proven:
        return language.say("Not proven")
    if contract.promised:
        if verdict is Verdict.MET:
            return language.say("Met")
        return language.say("Breached")
    if verdict is Verdict.MET:
        return language.say("Above the house reference")
    return language.say("Below the house reference")


def _so_far(language: Language, figures: Figures) -> str:
    if figures.remaining < 0:
        return language.say("So far: more than allowed")
    return language.say("So far: within what is allowed")


def verdict_reason(
    language: Language, figures: Figures, contract: ContractTerms, *, complete: bool
) -> str:
    """Return in a sentence what the verdict rests on, in words for a reader without our terms."""
    if not complete and figures.verdict is not Verdict.NOT_MEASURED:
        return language.say(
            "The month is not over: this is what its minutes say so far, not the result."
        )
    promised = contract.promised
    if promised and figures.verdict.proven and _all_seen(figures):
        return language.say("Every minute in scope was measured.")
    match figures.verdict:
        case Verdict.NOT_MEASURED:
            return language.say("Nothing was measured, so nothing can be said about this month.")
        case Verdict.MET if promised:
            return language.say(
                "Even if every minute that we cannot vouch for had been down, the promise is kept."
            )
        case Verdict.BREACHED if promised:
            return language.say(
                "Even if every minute that was not measured had been up, the promise is broken."
            )
        case Verdict.MET | Verdict.BREACHED:
            return language.say(
                "No promise of the vendor: the agreement names no figure for availability."
            )
        case Verdict.INSUFFICIENT_DATA:
            return language.say(
                "Too little was measured to decide: the coverage is below the agreed minimum."
            )
        case Verdict.MET_UNCERTAIN:
            return _uncertain(language, promised=promised, enough=True)
        case Verdict.BREACHED_UNCERTAIN:
            return _uncertain(language, promised=promised, enough=False)


def _all_seen(figures: Figures) -> bool:
    return bool(figures.measured) and not figures.not_measured and not figures.unverified_up


def _uncertain(language: Language, *, promised: bool, enough: bool) -> str:
    if promised and enough:
        return language.say(
            "What was measured keeps the promise; minutes that we cannot vouch for could turn it."
        )
    if promised:
        return language.say(
            "What was measured breaks the promise; minutes that were not measured could turn it."
        )
    if enough:
        return language.say(
            "What was measured is above the house reference; minutes that we cannot vouch for "
            "could turn it. No promise of the vendor."
        )
    return language.say(
        "What was measured is below the house reference; minutes that were not measured could "
        "turn it. No promise of the vendor."
    )
