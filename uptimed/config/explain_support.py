"""Says in sentences what a contract says of support: its calendar, severities, clocks, goals."""

from collections.abc import Collection, Iterator

from uptimed.core.support import (
    CalendarTerms,
    ClockKind,
    ClockTerms,
    Judged,
    PauseTerms,
    SeverityTerms,
    Span,
    Start,
    SupportTerms,
)
from uptimed.core.terms import WeekHours

LETTERS = {"D": "system down", "L": "urgent login failure", "G": "degraded"}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FAULTS = {"vendor": "the vendor's", "client": "the client's", "third_party": "a third party's"}
_JUDGED = {
    Judged.EACH: "",
    Judged.MEAN: ", a mean that is shown and not judged",
    Judged.SHARE: ", a share that is shown and not judged",
    Judged.TRACKED: ", shown and not judged",
}
_TOWARDS = {
    ClockKind.REGISTRATION: "registration",
    ClockKind.CLASSIFICATION: "classification",
    ClockKind.FIRST_RESPONSE: "first response",
    ClockKind.ANSWER: "an answer when it will be solved",
    ClockKind.RESTORE: "restored",
    ClockKind.RESOLUTION: "solved",
    ClockKind.UPDATE: "an update to the client",
    ClockKind.ESCALATION: "escalation to the next level",
}


def support_lines(support: SupportTerms, house: Collection[str]) -> Iterator[str]:
    """Yield sentences, indented by level; *house* are the keys that are house readings."""
    if not support.severities and not support.plans:
        yield "It says nothing of support: no clocks run."
        return
    always = support.calendar.hours is None
    yield _calendar(support.calendar, house)
    for severity in support.severities:
        yield from _severity(severity, house, always=always)
    for plan in support.plans:
        yield f"Plan {plan.id} ({plan.name or plan.id}):"
        for clock in plan.clocks:
            yield f"  {_clock(clock, f'plans.{plan.id}', house, always=always)}"
    for number, goal in enumerate(support.goals, start=1):
        clocks = " and ".join(_TOWARDS[clock] for clock in goal.clocks)
        mark = _mark([f"goals.{number}.period", f"goals.{number}.percent"], house)
        yield f"{goal.percent} % of a month's incidents must hold {clocks}{mark}."
    for pause in support.pauses:
        yield _pause(pause)
    if support.official:
        yield f"Only a report by {_or(support.official)} starts a clock."
    if support.unofficial:
        yield f"A report by {_or(support.unofficial)} starts none."


def _calendar(calendar: CalendarTerms, house: Collection[str]) -> str:
    if calendar.hours is None:
        return f"Support works around the clock{_mark(['calendar.windows'], house)}."
    mark = _mark(["calendar.windows", "calendar.holidays"], house)
    return (
        f"Support works {_week(calendar.hours)}, {calendar.hours.zone}{_holidays(calendar)}{mark}."
    )


def _holidays(calendar: CalendarTerms) -> str:
    if not calendar.holidays:
        return ""
    frozen = calendar.frozen
    if frozen is None:
        return f", not on holidays {calendar.holidays}"
    by = f"approved by {frozen.approved_by}" if frozen.approved_by else "approved by nobody"
    return (
        f", not on holidays {calendar.holidays} ({frozen.first_year} to {frozen.last_year}, {by})"
    )


def _week(hours: WeekHours) -> str:
    """Return the windows of a week: neighbouring days that have the same stand together."""
    groups: list[tuple[int, int, tuple[tuple[int, int], ...]]] = []
    for day in range(7):
        windows = hours.windows.get(day, ())
        if groups and groups[-1][1] == day - 1 and groups[-1][2] == windows:
            groups[-1] = (groups[-1][0], day, windows)
        else:
            groups.append((day, day, windows))
    return "; ".join(
        f"{_DAYS[first]}{'' if first == last else f'-{_DAYS[last]}'} "
        + " and ".join(f"{_time(start)}-{_time(stop)}" for start, stop in windows)
        for first, last, windows in groups
        if windows
    )


def _time(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _severity(severity: SeverityTerms, house: Collection[str], *, always: bool) -> Iterator[str]:
    key = f"severities.{severity.id}"
    named = f" ({severity.name})" if severity.name else ""
    yield f"Severity {severity.id}{named}{_when(severity, key, house)}:"
    if severity.stages:
        yield f"  Only systems in {_or(severity.stages)} can have it."
    if severity.faults:
        whose = _or([_FAULTS[fault] for fault in severity.faults])
        yield f"  Only what is {whose} fault can be of it."
    for clock in severity.clocks:
        yield f"  {_clock(clock, key, house, always=always)}"
    if not severity.clocks:
        yield "  No clocks of its own."


def _when(severity: SeverityTerms, key: str, house: Collection[str]) -> str:
    if not severity.letters:
        return ", which a person gives"
    what = _or([LETTERS[letter] for letter in severity.letters])
    until = ", until a person confirms only a proposal" if severity.proposed else ""
    return f", for {what}{until}{_mark([f'{key}.letters'], house)}"


def _clock(clock: ClockTerms, key: str, house: Collection[str], *, always: bool) -> str:
    towards = _TOWARDS[clock.clock]
    if clock.target is not None:
        length = _span(clock.target, always=always or clock.calendar == "24x7")
        span = f"{'every' if clock.repeats else 'within'} {length}"
    elif clock.agreed:
        span = "within what each account agrees on, which is not written yet"
    else:
        span = "without a target"
    here = f"{key}.clocks.{clock.clock}"
    by = f" by {clock.channel}" if clock.channel else ""
    start = ", from the client's report alone" if clock.starts is Start.REPORT else ""
    ends = f", until all is done: {', '.join(clock.ends)}" if clock.ends else ""
    judged = _JUDGED[clock.judged]
    mark = _mark([f"{here}.target", f"{here}.calendar"], house)
    text = f"{towards}{by} {span}{start}{ends}{judged}{mark}."
    return text[0].upper() + text[1:]


def _span(target: Span, *, always: bool) -> str:
    days = target.business_days
    if days is not None:
        return f"{days} working day" if days == 1 else f"{days} working days"
    return f"{target.text}, around the clock" if always else f"{target.text} of support hours"


def _pause(pause: PauseTerms) -> str:
    clocks = " and ".join(clock.replace("_", " ") for clock in pause.clocks)
    said = f": {pause.words}" if pause.words else ""
    text = f"{clocks} may pause for {pause.id}{said.rstrip('.')}."
    return text[0].upper() + text[1:]


def _mark(keys: list[str], house: Collection[str]) -> str:
    """Return what of a sentence is a house reading."""
    found = [key.rpartition(".")[2] for key in keys if key in house]
    return f" [house reading: {', '.join(found)}]" if found else ""


def _or(words: Collection[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
