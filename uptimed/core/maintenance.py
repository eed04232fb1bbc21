"""Announced maintenance that was entered by command: windows, once or every week, and cancelling.

An announcement may have several windows: one that recurs is expanded into instants when it is
entered, by the wall clock of the client's zone, so that what was announced does not move when a
country changes its clocks. A window can be taken back before it begins; what happened happened.
Whether a window counts is for `overlays`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from enum import StrEnum

from uptimed.core.entered import (
    body,
    events,
    instant,
    instant_or_none,
    named,
    next_reference,
    refuse_backwards,
    shown,
    tables,
    telling,
    text,
    unknown,
    wanted_text,
)
from uptimed.core.entries import Entry, EntryKind, EntryRefused, NewEntry
from uptimed.core.minutes import first_minute, moment_of, start_of
from uptimed.core.observations import Instant
from uptimed.core.terms import Maintenance

_LISTED = "uptimed maintenance list"
MOST_WINDOWS = 400  # of one announcement: a year of nights, or seven years of weeks


class Every(StrEnum):
    """How often a window recurs, by the wall clock."""

    DAY = "day"
    WEEK = "week"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One window [start, end) of an announcement. *cancelled* is when it was taken back, or None.

    *id* is `M-3`, and `M-3.2` for the second of several.
    """

    id: str
    start: Instant
    end: Instant
    cancelled: Instant | None = None
    cancelled_by: str = ""
    why_cancelled: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What was announced. *service* is "" for every service of the client.

    *announced* is when the client was told: None while the mail that tells it is on its way. *how*
    says by what; *mail* is the key of the mail where uptimed sends it. *recorded* is when it was
    entered, or that the client was told by hand.
    """

    id: str
    service: str
    windows: tuple[Window, ...]
    reason: str
    by: str
    recorded: Instant
    announced: Instant | None
    how: str
    mail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What is to be announced. *announced* is when the client was told by hand, *how* by what.

    *announced* is None where a mail tells it, whose key is *mailed* and the reference.
    """

    service: str
    windows: tuple[tuple[Instant, Instant], ...]
    reason: str
    announced: Instant | None
    how: str
    mailed: str = ""


def announcements(
    entries: Iterable[Entry], accepted: Mapping[str, Instant]
) -> tuple[Announcement, ...]:
    """Return what *entries* of one client announce, in the order in which it was recorded.

    *accepted* has for the key of each mail when a server took it.
    """
    return tuple(_announcement(own, accepted) for _, own in events(entries, EntryKind.MAINTENANCE))


def _announcement(own: Sequence[Entry], accepted: Mapping[str, Instant]) -> Announcement:
    first, said = own[0], own[0].said
    spans = tables(said, "windows")
    several = len(spans) > 1
    cancelled = {
        name: entry
        for entry in reversed(own[1:])
        for name in (text(item, "id") for item in tables(entry.said, "cancelled"))
    }
    mail = text(said, "mail")
    announced = accepted.get(mail) if mail else instant_or_none(said, "announced")
    recorded, how = first.at, text(said, "how")
    told = telling(own, "told")
    if announced is None and told:
        by_hand = told[0].said
        announced, recorded, how = instant(by_hand, "at"), told[0].at, text(by_hand, "how")
    return Announcement(
        id=first.subject,
        service=first.service,
        windows=tuple(
            _window(span, f"{first.subject}.{n}" if several else first.subject, cancelled)
            for n, span in enumerate(spans, start=1)
        ),
        reason=text(said, "reason"),
        by=first.by,
        recorded=recorded,
        announced=announced,
        how=how,
        mail=mail,
    )


def _window(span: Mapping[str, object], id: str, cancelled: Mapping[str, Entry]) -> Window:
    taken_back = cancelled.get(id)
    return Window(
        id=id,
        start=instant(span, "start"),
        end=instant(span, "end"),
        cancelled=None if taken_back is None else taken_back.at,
        cancelled_by="" if taken_back is None else taken_back.by,
        why_cancelled="" if taken_back is None else text(taken_back.said, "why"),
    )


def windows_over(announced: Iterable[Announcement], service: str) -> tuple[Maintenance, ...]:
    """Return the windows that concern *service*, cancelled ones included."""
    return tuple(
        Maintenance(
            start=window.start,
            end=window.end,
            announced=one.recorded if one.announced is None else one.announced,
            reason=one.reason,
            recorded=one.recorded,
            id=window.id,
            cancelled=window.cancelled is not None,
            pending=one.announced is None,
        )
        for one in announced
        if one.service in {"", service}
        for window in one.windows
    )


def announce(known: Sequence[Entry], planned: Planned, *, by: str, now: Instant) -> NewEntry:
    """Return the entry that announces *planned*. Raise `EntryRefused` where it cannot be."""
    reason = wanted_text(planned.reason, "reason", "--reason")
    if planned.announced is not None and planned.announced > now:
        raise EntryRefused(
            f"--announced: found {shown(planned.announced)}, which is yet to come: give when the "
            "client was told, or leave it out where that is now"
        )
    for start, end in planned.windows:
        refuse_backwards(start, end)
    _refuse_twice(known, planned)
    reference = next_reference(known, EntryKind.MAINTENANCE)
    return NewEntry(
        kind=EntryKind.MAINTENANCE,
        subject=reference,
        service=planned.service,
        by=by,
        body=body(
            event="announced",
            windows=[{"start": shown(start), "end": shown(end)} for start, end in planned.windows],
            reason=reason,
            announced=shown(planned.announced),
            how=planned.how,
            mail=f"{planned.mailed}/{reference}" if planned.mailed else "",
        ),
    )


def _refuse_twice(known: Sequence[Entry], planned: Planned) -> None:
    for one in announcements(known, {}):
        same = tuple((w.start, w.end) for w in one.windows if w.cancelled is None)
        if one.service == planned.service and same == planned.windows:
            raise EntryRefused(
                f"{one.id} announces the same already, recorded {shown(one.recorded)} by "
                f"{one.by}: cancel it first if it is to be announced anew"
            )


def told(
    known: Sequence[Entry], reference: str, *, at: Instant, how: str, by: str, now: Instant
) -> NewEntry:
    """Return the entry that says that the client was told by hand, *at*, where no mail did."""
    one = named(announcements(known, {}), reference, "maintenance", _LISTED)
    if one.announced is not None:
        raise EntryRefused(f"{reference} is announced already, {shown(one.announced)} ({one.how})")
    if at > now:
        raise EntryRefused(f"--at: found {shown(at)}, which is yet to come: give when it was told")
    return NewEntry(
        kind=EntryKind.MAINTENANCE,
        subject=reference,
        service=one.service,
        by=by,
        body=body(event="told", at=shown(at), how=wanted_text(how, "way of telling", "--how")),
    )


def cancel(
    known: Sequence[Entry], reference: str, *, why: str, by: str, now: Instant
) -> tuple[NewEntry, tuple[Window, ...]]:
    """Return the entry that takes back *reference*, and the windows it takes back.

    Of an announcement with several those that have not begun. Raise `EntryRefused` where there is
    nothing to take back.
    """
    whole = re.sub(r"\.\d+$", "", reference)
    one = next((a for a in announcements(known, {}) if a.id == whole), None)
    meant = [] if one is None else [w for w in one.windows if reference in {whole, w.id}]
    if one is None or not meant:
        raise unknown(reference, "maintenance", _LISTED)
    open_ = tuple(w for w in meant if w.cancelled is None and w.start > now)
    if not open_:
        if all(w.cancelled is not None for w in meant):
            by_whom = meant[0].cancelled_by
            raise EntryRefused(f"{reference} is cancelled already, by {by_whom}: nothing to do")
        raise EntryRefused(
            f"{reference} has begun, and what happened happened: it can be cancelled before its "
            "start only. Minutes that were down in it wrongly are for `uptimed correct add`"
        )
    entry = NewEntry(
        kind=EntryKind.MAINTENANCE,
        subject=whole,
        service=one.service,
        by=by,
        body=body(
            event="cancelled",
            cancelled=[{"id": w.id} for w in open_],
            why=wanted_text(why, "reason", "--why"),
        ),
    )
    return entry, open_


def recurring(
    start: Instant, end: Instant, every: Every, until: date, zone: tzinfo
) -> tuple[tuple[Instant, Instant], ...]:
    """Return [start, end) and its recurrences up to the local date *until*, included.

    Each has the wall-clock times of the first in *zone*: where clocks change it may be an hour
    longer or shorter, and one that falls into the hour that is left out is not there. Raise
    `EntryRefused` where that is too many, or times are not whole minutes.
    """
    found = tuple(_recurring(start, end, every, until, zone))
    if len(found) > MOST_WINDOWS:
        raise EntryRefused(
            f"--until: that would be more than {MOST_WINDOWS} windows: announce an earlier end, "
            "and the rest in time"
        )
    if not found:
        raise EntryRefused("--until: found a date before the first window: give a later one")
    return found


def _recurring(
    start: Instant, end: Instant, every: Every, until: date, zone: tzinfo
) -> Iterator[tuple[Instant, Instant]]:
    opens, closes = moment_of(start).astimezone(zone), moment_of(end).astimezone(zone)
    if any(m.second or m.microsecond for m in (opens, closes)):
        raise EntryRefused("--every: wanted a start and an end in whole minutes")
    step = timedelta(days=7 if every is Every.WEEK else 1)
    if closes - opens >= step:
        raise EntryRefused(f"--every {every}: a window must end before the next one begins")
    nights = closes.date() - opens.date()
    day = opens.date()
    for _ in range(MOST_WINDOWS + 1):
        if day > until:
            return
        first = start_of(first_minute(day, zone, opens.hour * 60 + opens.minute))
        last = start_of(first_minute(day + nights, zone, closes.hour * 60 + closes.minute))
        if first < last:
            yield first, last
        day += step
