"""What people entered that lies over a client's letters, all of it folded from the entries.

Whoever shows a figure lays this over what is on record: corrections first, then scope, maintenance
and exceptions. Nothing here changes a letter that is kept.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from uptimed.core.corrections import Correction, corrections
from uptimed.core.entries import Entry, EntryKind
from uptimed.core.exclusions import Closed, Exclusion, exclusions, why_not
from uptimed.core.issues import Issue, Post, issues
from uptimed.core.maintenance import Announcement, announcements, windows_over
from uptimed.core.minutes import Minute, moment_of_minute, month_minutes, start_of
from uptimed.core.objections import Objection, objections
from uptimed.core.terms import ContractTerms, Maintenance

AMENDING = (
    EntryKind.MAINTENANCE,
    EntryKind.EXCEPTION,
    EntryKind.OBJECTION,
    EntryKind.CORRECTION,
    EntryKind.REPORT,
)
"""The kinds of entries that this is folded from; others change no figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month [start, stop) of a zone, as `2026-10`."""

    name: str
    start: Minute
    stop: Minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendments:
    """All that was entered for one client, in the order of recording."""

    announced: tuple[Announcement, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    corrections: tuple[Correction, ...] = ()
    objections: tuple[Objection, ...] = ()
    issues: tuple[Issue, ...] = ()

    def maintenance(self, service: str) -> tuple[Maintenance, ...]:
        """Return the windows that were announced by command for *service*."""
        return windows_over(self.announced, service)

    def announcement(self, reference: str) -> Announcement | None:
        """Return the announcement of that reference, None where there is none."""
        return next((one for one in self.announced if one.id == reference), None)

    def exclusion(self, reference: str) -> Exclusion | None:
        """Return the exception of that reference, None where there is none."""
        return next((one for one in self.exclusions if one.id == reference), None)

    def corrections_of(self, service: str) -> tuple[Correction, ...]:
        """Return the corrections of *service*, in the order in which they hold."""
        return tuple(one for one in self.corrections if one.service == service)

    def corrections_in(self, month: str) -> tuple[Correction, ...]:
        """Return the corrections that made a revision of the report of *month*."""
        return tuple(one for one in self.corrections if one.revision_of(month) is not None)

    def issued(self, month: str) -> tuple[Issue, ...]:
        """Return the copies of the report of *month* that were given out."""
        return tuple(one for one in self.issues if one.month == month)

    def closed(self, month: Month) -> Closed | None:
        """Return when the first revision of a month's report was given out, or None.

        A correction of a month that is over makes a second revision: the first one stood by then,
        whether it was drawn up or not.
        """
        over = start_of(month.stop)
        ends = [Closed(at=one.at, place=one.place) for one in self.issued(month.name)]
        ends += [
            Closed(at=one.at, place=one.place)
            for one in self.corrections_in(month.name)
            if one.at >= over
        ]
        return min(ends, key=lambda closed: (closed.place, closed.at), default=None)

    def why_not(self, one: Exclusion, contract: ContractTerms, month: Month) -> str:
        """Return why an exception is not laid over its minutes of *month*, "" where it is."""
        return why_not(one, contract, self.closed(month))

    def excepted(
        self, contract: ContractTerms, service: str, start: Minute, stop: Minute
    ) -> Iterator[range]:
        """Yield the minutes of [start, stop) that exceptions lie over, in the contract's zone."""
        for one in self.exclusions:
            span = range(max(start, one.minutes.start), min(stop, one.minutes.stop))
            if one.service != service or not span:
                continue
            for month in months_of(contract.zone, span):
                if not self.why_not(one, contract, month):
                    yield range(max(span.start, month.start), min(span.stop, month.stop))


def amendments(entries: Iterable[Entry], posts: Sequence[Post] = ()) -> Amendments:
    """Return what *entries* of one client amount to; *posts* are its mails in the outbox."""
    known = tuple(entries)
    accepted = {post.key: post.accepted for post in posts if post.accepted is not None}
    return Amendments(
        announced=announcements(known, accepted),
        exclusions=exclusions(known, accepted),
        corrections=corrections(known),
        objections=objections(known),
        issues=issues(known, posts),
    )


def months_of(zone: tzinfo, span: range) -> Iterator[Month]:
    """Yield the months of *zone* that *span* touches, in order."""
    at = span.start
    while at < span.stop:
        day = moment_of_minute(Minute(at)).astimezone(zone).date()
        minutes = month_minutes(day.year, day.month, zone)
        yield Month(
            name=f"{day.year:04d}-{day.month:02d}",
            start=Minute(minutes.start),
            stop=Minute(minutes.stop),
        )
        at = max(at + 1, minutes.stop)


def told_of(
    entries: Sequence[Entry], entered: Amendments, month: Month, incidents: Collection[str] = ()
) -> tuple[Sequence[Entry], int]:
    """Return the entries that a report of *month* vouches for, and where those about it begin.

    They are all up to the last that was recorded before the month's end or concerns its minutes or
    its *incidents*, which are given by their references; what was lost concerns every month. What
    is entered later about other months changes nothing: the report stays as it was drawn.
    """
    about = _about(entered, month) | {EntryKind.INCIDENT: set(incidents)}
    revision = 1 + len(about[EntryKind.CORRECTION])
    span = range(start_of(month.start), start_of(month.stop))
    later = {one.place for one in entered.issued(month.name) if one.revision >= revision}
    first, last = len(entries), 0
    for n, entry in enumerate(entries):
        concerned = entry.subject in about.get(entry.kind, ())
        if entry.at < span.stop or (concerned and not _is_own_issue(entry, later)):
            last = n + 1
        if entry.at >= span.start or concerned:
            first = min(first, n)
    return entries[:last], min(first, last)


def _is_own_issue(entry: Entry, places: set[int]) -> bool:
    return entry.kind is EntryKind.REPORT and entry.place in places


def _about(entered: Amendments, month: Month) -> dict[EntryKind, set[str]]:
    """Return the references of what concerns the minutes of *month*, by kind."""
    span = range(start_of(month.start), start_of(month.stop))
    windows = ((a.id, w.start, w.end) for a in entered.announced for w in a.windows)
    excepted = ((one.id, one.start, one.end) for one in entered.exclusions)
    contested = ((o.id, start_of(o.start), start_of(o.stop)) for o in entered.objections)
    return {
        EntryKind.REPORT: {month.name},
        EntryKind.MAINTENANCE: {ref for ref, *ends in windows if _meets(span, *ends)},
        EntryKind.EXCEPTION: {ref for ref, *ends in excepted if _meets(span, *ends)},
        EntryKind.OBJECTION: {ref for ref, *ends in contested if _meets(span, *ends)},
        EntryKind.CORRECTION: {one.id for one in entered.corrections_in(month.name)},
        EntryKind.RESTORED: {"entries"},  # what was lost may have been about any month
    }


def _meets(span: range, start: int, end: int) -> bool:
    return start < span.stop and end > span.start
