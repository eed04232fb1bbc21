"""What a page says: the words that somebody reads at three in the morning.

Times stand in the client's zone and in UTC. What a target sent is shown on one line, without what
a terminal would obey, and cut off where it gets long.
"""

import re
from collections.abc import Mapping
from datetime import tzinfo

from uptimed.core.calendars import OpenTime, Second
from uptimed.core.figures import Figures
from uptimed.core.holidays import open_time
from uptimed.core.incidents import classification
from uptimed.core.minutes import Minute, moment_of, start_of
from uptimed.core.observations import SECOND, Instant
from uptimed.core.outages import KINDS
from uptimed.core.snapshot import ServiceView
from uptimed.core.strip import SYSTEM_DOWN, Strip
from uptimed.core.support import ClockKind, ClockTerms, SupportTerms

LONGEST = 400  # characters of what a target sent

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


def line(text: str) -> str:
    """Return *text* on one line, not too long."""
    plain = _UNSEEN.sub(" ", text).strip()
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}…"


def told_at(at: Instant, zone: tzinfo, *, seconds: bool = False) -> str:
    """Return *at* as the client's wall clock shows it, and in UTC."""
    moment, clock = moment_of(at), "%H:%M:%S" if seconds else "%H:%M"
    local = moment.astimezone(zone)
    if not local.utcoffset():
        return moment.strftime(f"%Y-%m-%d {clock}Z")
    utc = moment.strftime(f"{clock}Z" if local.date() == moment.date() else f"%Y-%m-%d {clock}Z")
    return f"{local.strftime(f'%Y-%m-%d {clock} %z')} ({utc})"


def minute_words(minute: Minute, zone: tzinfo) -> str:
    """Return the start of *minute* as `told_at` does."""
    return told_at(start_of(minute), zone)


def kind_of(letter: str) -> str:
    """Return the class of an outage that is told as *letter*."""
    return KINDS.get(letter, KINDS[SYSTEM_DOWN])


def budget(month: Figures | None) -> str:
    """Return how many minutes of the month are used and left."""
    if month is None:
        return "not known yet"
    return f"{month.down} of {month.allowed} minutes of the month used, {month.remaining} left"


def count(strip: Strip, letters: str, *, until: Minute, window: int) -> int:
    """Return how many of the *window* minutes before *until* are one of *letters*."""
    plain = strip.cut(Minute(until - window), until).plain
    return sum(plain.count(letter) for letter in letters)


def recent(view: ServiceView) -> str:
    """Return how many minutes were down lately."""
    stop = Minute(view.recent.stop)
    counts = [
        count(view.recent, view.counted, until=stop, window=window)
        for window in (60, 1440, 3 * 1440)
    ]
    return (
        f"minutes down: {counts[0]} in 60 minutes, {counts[1]} in 24 hours, {counts[2]} in 3 days"
    )


def restore_words(
    support: SupportTerms,
    letter: str,
    *,
    stage: str,
    started: Instant,
    now: Instant,
    zone: tzinfo,
) -> str:
    """Return when the restore clock of an outage that is told as *letter* ends.

    *started* is the start of the incident's first outage.
    """
    found = classification(kind_of(letter), support, stage=stage)
    if found is None:
        return "the contract promises no time to restore for this"
    severity = next(each for each in support.severities if each.id == found.severity)
    clock = next((c for c in severity.clocks if c.clock is ClockKind.RESTORE), None)
    if clock is None or (clock.target is None and not clock.agreed):
        return f"the contract promises no time to restore for severity {severity.id}"
    said = f"severity {severity.id}"
    if found.proposed:
        said += ", once a person confirms it"
    if clock.target is None:
        return f"as agreed with the client, which the contract does not say; {said}"
    due = _due(support, clock, started)
    if isinstance(due, str):
        return f"{clock.target.text} from {told_at(started, zone)}; when that is, {due}; {said}"
    word = "was due" if due < now else "due"
    hours = "around the clock" if clock.calendar == "24x7" else "in support hours"
    return f"{word} {told_at(due, zone)}: {clock.target.text} {hours}, {said}"


def _due(support: SupportTerms, clock: ClockTerms, started: Instant) -> Instant | str:
    """Return when *clock* ends, or why nobody can say."""
    assert clock.target is not None  # noqa: S101 - the caller has looked
    try:
        always = clock.calendar == "24x7"
        hours = OpenTime(None) if always else open_time(support.calendar, {})
    except ValueError as error:
        return str(error)
    seconds = clock.target.seconds
    if seconds is None:
        seconds = (clock.target.business_days or 0) * hours.nominal_day
    due = hours.due(Second(started // SECOND), seconds)
    assert due is not None  # noqa: S101 - nothing pauses it
    return Instant(due * SECOND)


def last_good_minute(strip: Strip, since: Minute, down: str, zone: tzinfo) -> str:
    """Return in words the last minute before *since* that was measured and not down."""
    before = strip.cut(strip.start, since).plain
    for index in range(len(before) - 1, -1, -1):
        if before[index] != "N" and before[index] not in down:
            return f"minute {minute_words(Minute(strip.start + index), zone)}"
    return "none in the last days"


def without_nothing(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return *annotations* but for those that say nothing."""
    return {name: text for name, text in annotations.items() if text}
