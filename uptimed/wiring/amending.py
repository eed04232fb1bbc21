"""Entering what lies over letters: maintenance, exceptions, objections, corrections, issues.

Each decides while it holds the journal's lock, with everything in view that was entered before: two
who act at once are put in order. What cannot be entered raises `EntryRefused`, whose message says
what to do; the disk raises `StoreError`.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reports.as_json import report_json
from uptimed.core import corrections, exclusions, issues, maintenance
from uptimed.core.amendments import Amendments, Month, amendments, months_of
from uptimed.core.corrections import Becomes, Correction, LookNamed, Revised, Wanted
from uptimed.core.entries import Entry, EntryKind, EntryRefused, NewEntry
from uptimed.core.exclusions import Exclusion
from uptimed.core.figures import Figures
from uptimed.core.incidents.casebook import KINDS as INCIDENT_KINDS
from uptimed.core.lookfile import show_instant
from uptimed.core.minutes import MINUTE, Minute, minute_of, moment_of_minute, start_of
from uptimed.core.objections import open_objection
from uptimed.core.observations import Attempt, Instant
from uptimed.core.outbox import MailKind
from uptimed.core.overlays import overlay, why_not
from uptimed.core.settings import ClientSettings, ServiceSettings, Settings
from uptimed.core.statement import Statement
from uptimed.core.strip import MAINTENANCE, Strip
from uptimed.core.terms import ContractTerms, Maintenance
from uptimed.ledger.agreed import agreed
from uptimed.ledger.amending import entries_head
from uptimed.ledger.month import ServiceMonth, amendments_of, service_month
from uptimed.ledger.reading import held_in, judged_until, letters
from uptimed.ports import JournalReader
from uptimed.stores.sqlite import enter, open_ledger, open_reader
from uptimed.wiring import mailing, papers
from uptimed.wiring.hiding import hidden_in_entry, mask_for

_LONGEST_LOOK = 10  # minutes between the start of a look and its last attempt, at the very most

Decide = Callable[[Sequence[Entry], JournalReader], Sequence[NewEntry]]


_AMENDING = tuple(kind for kind in EntryKind if kind not in INCIDENT_KINDS)
"""What is mostly decided from: a year of incidents has nothing to do with it."""


def entered(
    settings: Settings,
    client: str,
    now: Instant,
    decide: Decide,
    kinds: Sequence[EntryKind] = _AMENDING,
) -> Sequence[Entry]:
    """Enter what *decide* makes of the client's entries and the journal, as they are by then.

    It is given the entries of *kinds*. Secrets of the configuration are hidden in its words.
    """
    mask = mask_for(settings)
    with open_ledger(Path(settings.journal_path)) as ledger:
        return enter(
            ledger,
            client,
            now,
            lambda known: [hidden_in_entry(new, mask) for new in decide(known, ledger.reader)],
            kinds=kinds,
        )


def enter_one(
    settings: Settings,
    client: str,
    now: Instant,
    make: Callable[[Sequence[Entry]], NewEntry],
) -> Entry:
    """Enter the one entry that *make* makes of the client's entries, as they are by then."""
    (made,) = entered(settings, client, now, lambda known, _reader: [make(known)])
    return made


def known_of(settings: Settings, client: str) -> Amendments:
    """Return what was entered for *client*; nothing where there is no journal yet."""
    path = Path(settings.journal_path)
    if not path.exists():
        return Amendments()
    with open_reader(path) as reader:
        return amendments_of(reader, client)


def is_mailed(settings: Settings, client: ClientSettings) -> bool:
    """Return whether uptimed itself mails to *client*."""
    return settings.mail is not None and bool(client.recipients)


# Maintenance.


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What a window will come to: of *minutes* in it *counting* leave the denominator.

    *why_not* says why not all of them do. Where a mail announces it, it must be taken over by
    *latest*; None where nothing needs to be announced.
    """

    window: Maintenance
    service: str
    minutes: int
    counting: int
    why_not: str
    latest: Instant | None


def announce(
    settings: Settings,
    client: ClientSettings,
    planned: maintenance.Planned,
    *,
    by: str,
    now: Instant,
) -> tuple[Entry, mailing.Posted | None]:
    """Record *planned*, and put the mail that announces it into the outbox where there is one."""
    made = enter_one(
        settings,
        client.id,
        now,
        lambda known: maintenance.announce(known, planned, by=by, now=now),
    )
    return made, mail_announcement(settings, client, made.subject, by=by, now=now)


def mail_announcement(
    settings: Settings, client: ClientSettings, reference: str, *, by: str, now: Instant
) -> mailing.Posted | None:
    """Put the mail of an announcement into the outbox, once; None where it was told by hand.

    One that recurs is announced by one mail, whose reason lists the windows.
    """
    one = known_of(settings, client.id).announcement(reference)
    if one is None or not one.mail:
        return None
    first, *others = one.windows
    reason = one.reason
    if others:
        spans = "; ".join(_span(w.start, w.end, client) for w in one.windows)
        reason = f"{reason} ({spans})"
    return mailing.announce_maintenance(
        settings,
        client.id,
        mailing.Stretch(
            services=(one.service,) if one.service else tuple(s.id for s in client.services),
            start=first.start,
            end=first.end,
            reason=reason,
        ),
        key=reference,
        now=now,
        by=by,
    )


def _span(start: Instant, end: Instant, client: ClientSettings) -> str:
    opens = moment_of_minute(minute_of(start)).astimezone(client.zone)
    closes = moment_of_minute(minute_of(end)).astimezone(client.zone)
    return f"{opens:%Y-%m-%d %H:%M}–{closes:%H:%M}"


def foreseen(
    reader: JournalReader, client: ClientSettings, known: Amendments, reference: str
) -> tuple[Foreseen, ...]:
    """Return what each window of an announcement will come to, by service and start."""
    return tuple(
        _foreseen(reader, client, service, known, window)
        for service in client.services
        for window in known.maintenance(service.id)
        if window.id == reference or window.id.startswith(f"{reference}.")
    )


def _foreseen(
    reader: JournalReader,
    client: ClientSettings,
    service: ServiceSettings,
    known: Amendments,
    window: Maintenance,
) -> Foreseen:
    whole = range(-(-window.start // MINUTE), window.end // MINUTE)
    contract = _contract_at(reader, client, Minute(whole.start))
    told = replace(window, pending=False)
    reason = why_not(contract, told)
    others = (w for w in known.maintenance(service.id) if w.id != window.id)
    agreement = replace(
        service.agreement, maintenance=(*service.agreement.maintenance, *others, told)
    )
    counting, scoped = 0, ""
    for month in () if reason else months_of(contract.zone, whole):
        first, last = max(whole.start, month.start), min(whole.stop, month.stop)
        minutes = range(month.start, month.stop)
        over = overlay(contract, agreement, minutes, Minute(first), Minute(last))
        counting += over.count(MAINTENANCE)
        scoped = scoped or ("out_of_scope" if "X" in over else "cap" if "." in over else "")
    notice = contract.maintenance_notice_us or 0
    excludes = "maintenance" in contract.excludes
    return Foreseen(
        window=window,
        service=service.id,
        minutes=len(whole),
        counting=counting,
        why_not=reason or scoped,
        latest=Instant(window.start - notice) if window.pending and excludes else None,
    )


def _contract_at(reader: JournalReader, client: ClientSettings, at: Minute) -> ContractTerms:
    local = moment_of_minute(at).astimezone(client.zone)
    return agreed(reader, client, local.year, local.month).client.contract


# Exceptions.

States = tuple[tuple[Month, str], ...]
"""The months of an exception, and why it does not count in each, "" where it does."""


def exclude(
    settings: Settings,
    client: ClientSettings,
    wanted: mailing.Stretch,
    *,
    by_hand: bool,
    by: str,
    now: Instant,
) -> tuple[Entry, mailing.Posted | None]:
    """Record an exception of one service, and mail it unless that is done *by_hand*."""
    mailed = is_mailed(settings, client) and not by_hand
    prefix = f"{MailKind.EXCEPTION}/{client.id}" if mailed else ""
    made = enter_one(
        settings,
        client.id,
        now,
        lambda known: exclusions.exclude(
            known,
            service=wanted.services[0],
            start=wanted.start,
            end=wanted.end,
            reason=wanted.reason,
            by=by,
            mailed=prefix,
        ),
    )
    return made, mail_exception(settings, client, made.subject, by=by, now=now)


def mail_exception(
    settings: Settings, client: ClientSettings, reference: str, *, by: str, now: Instant
) -> mailing.Posted | None:
    """Put the mail of an exception into the outbox, once; None where it is notified by hand."""
    one = known_of(settings, client.id).exclusion(reference)
    if one is None or not one.mail:
        return None
    return mailing.notify_exception(
        settings,
        client.id,
        mailing.Stretch(services=(one.service,), start=one.start, end=one.end, reason=one.reason),
        key=reference,
        now=now,
        by=by,
    )


def withdraw(
    settings: Settings, client: ClientSettings, reference: str, *, why: str, by: str, now: Instant
) -> Entry:
    """Take an exception back, as long as no report was given out with it."""

    def decide(known: Sequence[Entry], reader: JournalReader) -> Sequence[NewEntry]:
        so_far = amendments(known, reader.posts(client.id))
        one = so_far.exclusion(reference)
        closed = [] if one is None else [m.name for m in _closed(reader, client, so_far, one)]
        return [exclusions.withdrawn(known, reference, why=why, by=by, closed=closed)]

    return entered(settings, client.id, now, decide)[0]


def _closed(
    reader: JournalReader, client: ClientSettings, so_far: Amendments, one: Exclusion
) -> Iterator[Month]:
    for month in months_of(client.zone, one.minutes):
        contract = _contract_at(reader, client, month.start)
        if so_far.closed(month) is not None and not so_far.why_not(one, contract, month):
            yield month


def exception_states(
    reader: JournalReader, client: ClientSettings, known: Amendments, one: Exclusion
) -> States:
    """Return for each month of an exception why it does not count there, "" where it does."""
    return tuple(
        (month, known.why_not(one, _contract_at(reader, client, month.start), month))
        for month in months_of(client.zone, one.minutes)
    )


# Corrections.


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A correction that was made, and its service's figures of each month before and after."""

    correction: Correction
    months: tuple[tuple[Revised, Figures, Figures], ...]


def correct(
    settings: Settings,
    client: ClientSettings,
    wanted: Wanted,
    *,
    by: str,
    now: Instant,
    software: str,
) -> Corrected:
    """Lay a correction over minutes; the report of each month concerned gets a further revision.

    The revision before is named by the hash of the copy that was given out, or, where none was, of
    the report as it stood at this moment.
    """
    service = settings.service(wanted.service)

    def decide(known: Sequence[Entry], reader: JournalReader) -> Sequence[NewEntry]:
        _check(known, wanted, by)
        made = amendments(known, reader.posts(client.id))
        recorded = _judged(reader, service, wanted, now)
        mine = made.corrections_of(service.id)
        named = _looks(reader, wanted)
        proving = wanted.to is Becomes.UP
        watched = held_in(reader, service, wanted.start, wanted.stop) if proving else ()
        was, becomes = corrections.becoming(recorded, mine, wanted.to, named, watched)
        seen = _Reading(reader, client, service, made, minute_of(now))
        months = tuple(_concerned(seen, _span_of(wanted, was, becomes)))
        if wanted.to is Becomes.EXCEPTED:
            _refuse_unexcluded(reader, client, months)
        revisions = [_revised(reader, settings, client, made, m, now, software) for m in months]
        return [
            corrections.correct(known, wanted, was=was, becomes=becomes, revisions=revisions, by=by)
        ]

    (entry,) = entered(settings, client.id, now, decide)
    (correction,) = corrections.corrections([entry])
    with open_reader(Path(settings.journal_path)) as reader:
        return Corrected(
            correction=correction,
            months=tuple(
                (revised, *_before_and_after(reader, client, service, correction, revised, now))
                for revised in correction.revisions
            ),
        )


def _check(known: Sequence[Entry], wanted: Wanted, by: str) -> None:
    """Refuse what can be refused without reading a month."""
    corrections.correct(known, wanted, was="", becomes="", revisions=(), by=by)
    if wanted.objection:
        objection = open_objection(known, wanted.objection)
        if objection.service != wanted.service:
            raise EntryRefused(
                f"--objection: {objection.id} is about {objection.service}, not {wanted.service}"
            )


def _judged(reader: JournalReader, service: ServiceSettings, wanted: Wanted, now: Instant) -> Strip:
    """Return the letters on record of what is to be corrected, all of it judged."""
    if wanted.stop <= wanted.start:
        raise EntryRefused(
            f"--end: found {show_instant(start_of(wanted.stop))}, which is not after the start "
            f"{show_instant(start_of(wanted.start))}: give a later end"
        )
    until = judged_until(reader, service.id, minute_of(now))
    if wanted.stop > until:
        raise EntryRefused(
            f"--end: found {show_instant(start_of(wanted.stop))}, and {service.id} is judged until "
            f"{show_instant(start_of(until))} only: correct the rest when it is judged"
        )
    return letters(reader, service, wanted.start, wanted.stop)


def _looks(reader: JournalReader, wanted: Wanted) -> tuple[tuple[LookNamed, Attempt | None], ...]:
    if not wanted.looks:
        return ()
    first = Minute(min(minute_of(look.at) for look in wanted.looks) - _LONGEST_LOOK)
    last = Minute(max(minute_of(look.at) for look in wanted.looks) + 1)
    known = {
        LookNamed(probe=a.probe, vantage=a.vantage, at=a.at, account=a.account): a
        for a in reader.attempts(wanted.service, first, last)
    }
    return tuple((look, known.get(look)) for look in wanted.looks)


def _span_of(wanted: Wanted, was: str, becomes: str) -> range:
    """Return the minutes from the first to the last that change."""
    changed = [
        n for n, (before, after) in enumerate(zip(was, becomes, strict=True)) if before != after
    ]
    return range(wanted.start + changed[0], wanted.start + changed[-1] + 1)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A service's months as they are at *now*, with what was *made* so far laid over them."""

    reader: JournalReader
    client: ClientSettings
    service: ServiceSettings
    made: Amendments
    now: Minute

    def month(self, name: str) -> ServiceMonth:
        """Return the month *name*, such as `2026-10`."""
        year, number = int(name[:4]), int(name[5:])
        return service_month(
            self.reader, self.client, self.service, year, number, self.now, self.made
        )


def _concerned(seen: _Reading, span: range) -> Iterator[Month]:
    """Yield the months whose report a correction of *span* changes.

    Those that it touches, and a neighbour into which one of its outages reaches.
    """
    zone = seen.client.zone
    touched = tuple(months_of(zone, span))
    (before,) = months_of(zone, range(touched[0].start - 1, touched[0].start))
    (after,) = months_of(zone, range(touched[-1].stop, touched[-1].stop + 1))
    if _reaches(seen, before, span):
        yield before
    yield from touched
    if _reaches(seen, after, span):
        yield after


def _reaches(seen: _Reading, month: Month, span: range) -> bool:
    """Return whether an outage of *month*, as it is on record, has a minute of *span*."""
    on_record = seen.month(month.name).under(())
    return any(minute in span for outage in on_record.outages for minute in outage.down)


def _refuse_unexcluded(
    reader: JournalReader, client: ClientSettings, months: Sequence[Month]
) -> None:
    for month in months:
        contract = _contract_at(reader, client, month.start)
        if "exceptions" not in contract.excludes:
            raise EntryRefused(
                f"to E: the contract {contract.id} excludes no exceptions, so nothing would leave "
                f"the sum of {month.name}. Minutes that we could not measure become N"
            )


def _revised(
    reader: JournalReader,
    settings: Settings,
    client: ClientSettings,
    made: Amendments,
    month: Month,
    now: Instant,
    software: str,
) -> Revised:
    revision = 1 + len(made.corrections_in(month.name))
    given = [one for one in made.issued(month.name) if one.revision == revision]
    if given:
        return Revised(month=month.name, revision=revision + 1, replaces=given[-1].sha256)
    of_month = int(month.name[:4]), int(month.name[5:])
    statement = papers.draw_up(reader, settings, client, of_month, now=now, software=software)
    return Revised(month=month.name, revision=revision + 1, replaces=json_sha256(statement))


def _before_and_after(
    reader: JournalReader,
    client: ClientSettings,
    service: ServiceSettings,
    correction: Correction,
    revised: Revised,
    now: Instant,
) -> tuple[Figures, Figures]:
    made = amendments_of(reader, client.id)
    seen = _Reading(reader, client, service, made, minute_of(now)).month(revised.month)
    mine = made.corrections_of(service.id)
    at = next(n for n, one in enumerate(mine) if one.id == correction.id)
    return seen.under(mine[:at]).figures, seen.under(mine[: at + 1]).figures


# Giving out.


def json_sha256(statement: Statement) -> str:
    """Return the SHA-256 of the report's JSON, by which revisions name each other."""
    return hashlib.sha256(report_json(statement).encode()).hexdigest()


def give_out(settings: Settings, statement: Statement, *, by: str, now: Instant) -> None:
    """Record that the report of a month that is over was given out; a draft is not.

    Raise `EntryRefused` where something was entered about the month since it was drawn up: what is
    given out shall be what was on record when it was.
    """
    if statement.draft or not statement.period.complete:
        return
    period, digest = statement.period, json_sha256(statement)

    def decide(known: Sequence[Entry], reader: JournalReader) -> Sequence[NewEntry]:
        _refuse_outdated(statement, known, reader)
        return issues.issue(
            known, month=period.month, revision=statement.revision, sha256=digest, by=by
        )

    entered(settings, statement.client.id, now, decide, kinds=tuple(EntryKind))


def _refuse_outdated(statement: Statement, known: Sequence[Entry], reader: JournalReader) -> None:
    period, support = statement.period, statement.support
    month = Month(name=period.month, start=period.start, stop=period.stop)
    made = amendments(known, reader.posts(statement.client.id))
    incidents = [] if support is None else support.references
    if entries_head(known, made, month, incidents) != statement.entries:
        raise EntryRefused(
            f"something was entered about {period.month} while its report was drawn up: draw it up "
            "again, and it is in it"
        )
