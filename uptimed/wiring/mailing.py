"""Putting mails into the outbox: reports, and notices that others ask for.

For the rest of the program, none of which knows SMTP:

    work = Stretch(services=["acme-crm"], start=start, end=end, reason="upgrade to 8.1")
    posted = announce_maintenance(settings, "acme", work, key="entry-17", now=now, by="Ana")
    posted = notify_exception(settings, "acme", work, key="entry-18", now=now, by="Ana")
    posted is None                       # no [mail], or the client has no recipients: by hand
    posted.number, posted.at             # `ACME-N7`, and when it was recorded

    accepted_at(settings, posted.number) # None until the mail server took it over for at least one
                                         # recipient; an exception counts from then on only
    wiring.delivering.deliver_now(...)   # a try at once, beside a running daemon or without one

*key* makes a mail be drawn up once: asking again with the same key returns the same number. Putting
a mail into the outbox sends nothing: the daemon does within seconds, or `uptimed outbox retry`.

Whatever is drawn up here is frozen: bytes, number, recipients. All of it may raise `StoreError`.
These functions block (disk, and for reports the rendering): never call them on an event loop.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from reports.mails import Sender, notice_mail, report_mail
from uptimed.core.minutes import Minute, moment_of, month_minutes, start_of
from uptimed.core.observations import Instant
from uptimed.core.outbox import (
    Event,
    Happening,
    Mail,
    MailKind,
    Notice,
    Record,
    Written,
    report_key,
    report_number,
)
from uptimed.core.reporting import gravity, hold_reasons, in_agreement, settled_for_good
from uptimed.core.settings import ClientSettings, Mailing, Settings
from uptimed.core.snapshot import Edge
from uptimed.core.statement import ServiceStatement, Statement
from uptimed.mail.composing import Attachment, Envelope, compose, in_ascii
from uptimed.stores.outbox import NotNow, NumberTaken, Outbox
from uptimed.stores.sqlite import open_reader
from uptimed.wiring import papers

_TRIES = 20  # for a running number; others put mails in at the same time


class NotSendable(Exception):
    """A report cannot be drawn up to be mailed; the message says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The time [start, end) of *services*, by their ids, and why it is told of."""

    services: Sequence[str]
    start: Instant
    end: Instant
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A mail is in the outbox under *number*, since *at*; *new* if it was not there before."""

    number: str
    at: Instant
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A mail that is ready to be frozen. *held* says why it waits for approval, if it does."""

    mail: Mail
    message: bytes
    written: Written
    held: tuple[str, ...] = ()


# Notices.


def announce_maintenance(
    settings: Settings,
    client_id: str,
    stretch: Stretch,
    *,
    key: str,
    now: Instant,
    by: str = "",
) -> Posted | None:
    """Tell the client of maintenance. None: there is no mail, or nobody to mail it to."""
    notice = _notice(settings, MailKind.MAINTENANCE, stretch)
    return post(settings, client_id, notice, key=key, now=now, by=by)


def notify_exception(
    settings: Settings,
    client_id: str,
    stretch: Stretch,
    *,
    key: str,
    now: Instant,
    by: str = "",
) -> Posted | None:
    """Notify the client of an exception. None: there is no mail, or nobody to mail it to."""
    notice = _notice(settings, MailKind.EXCEPTION, stretch)
    return post(settings, client_id, notice, key=key, now=now, by=by)


def _notice(settings: Settings, kind: MailKind, stretch: Stretch) -> Notice:
    return Notice(
        kind=kind,
        services=_names(settings, stretch.services),
        start=stretch.start,
        stop=stretch.end,
        reason=stretch.reason,
    )


def tell_of_edge(settings: Settings, edge: Edge, *, now: Instant) -> Posted | None:
    """Tell a client who wants it of a confirmed outage or its end; None where it is not wanted.

    The end is told only to whom the beginning was.
    """
    client = settings.client(edge.client)
    if edge.kind not in {"down", "up"} or "outage" not in client.notices:
        return None
    over = edge.kind == "up" and edge.until is not None
    began, answers = f"{edge.service}/{edge.since}", ""
    if over:
        with Outbox.open(Path(settings.journal_path)) as outbox:
            first = outbox.by_key(f"{MailKind.OUTAGE}/{client.id}/{began}")
        if first is None:
            return None
        answers = first.mail.facts.get("message_id", "")
    notice = Notice(
        kind=MailKind.OUTAGE_END if over else MailKind.OUTAGE,
        services=_names(settings, [edge.service]),
        start=start_of(edge.since),
        stop=start_of(edge.until) if edge.until is not None else None,
        letter=edge.letter,
    )
    return post(settings, client.id, notice, key=began, now=now, answers=answers)


def post(
    settings: Settings,
    client_id: str,
    notice: Notice,
    *,
    key: str,
    now: Instant,
    by: str = "",
    answers: str = "",
) -> Posted | None:
    """Put the mail that tells of *notice* into the outbox, once for each *key* of its kind."""
    client = settings.client(client_id)
    if settings.mail is None or not client.recipients:
        return None
    whole_key = f"{notice.kind}/{client.id}/{key}"

    def drawn(number: str) -> Draft:
        sender = Sender(
            client=papers.party_of(client),
            operator=papers.party_of(settings.operator),
            language=client.language,
            zone=client.zone,
            number=number,
            made_up=settings.made_up,
        )
        cause = _Cause(kind=notice.kind, key=whole_key, number=number, now=now, answers=answers)
        return _frozen(settings, cause, notice_mail(notice, sender), client, client.recipients)

    return _post_numbered(settings, client.id, whole_key, drawn, now=now, by=by)


def post_test(settings: Settings, address: str, *, now: Instant, by: str = "") -> Posted:
    """Put a test mail to *address* into the outbox. Raise `NotSendable` without [mail]."""
    mailing_of(settings)
    key = f"{MailKind.TEST}/{now}/{address}"

    def drawn(number: str) -> Draft:
        operator = papers.party_of(settings.operator)
        sender = Sender(
            client=operator, operator=operator, language="en", zone=UTC, number=number,
            made_up=settings.made_up,
        )  # fmt: skip
        written = notice_mail(Notice(kind=MailKind.TEST, services=(), start=now), sender)
        cause = _Cause(kind=MailKind.TEST, key=key, number=number, now=now)
        return _frozen(settings, cause, written, None, (address,))

    return _post_numbered(settings, "", key, drawn, now=now, by=by, make=True)


def accepted_at(settings: Settings, number: str) -> Instant | None:
    """Return when the mail server took *number* over for at least one recipient, or None.

    Raise `NoSuchMail` where there is no such mail.
    """
    with Outbox.read(Path(settings.journal_path)) as outbox:
        return outbox.record(number).accepted_at


def _names(settings: Settings, services: Sequence[str]) -> tuple[str, ...]:
    return tuple(settings.service(service).name for service in services)


def _post_numbered(
    settings: Settings,
    client: str,
    key: str,
    drawn: Callable[[str], Draft],
    *,
    now: Instant,
    by: str,
    make: bool = False,
) -> Posted:
    with Outbox.open(Path(settings.journal_path), make=make) as outbox:
        for _ in range(_TRIES):
            known = outbox.by_key(key)
            if known is not None:
                return Posted(number=known.mail.number, at=known.mail.at, new=False)
            draft = drawn(outbox.next_number(client))
            queued = Event(at=now, what=Happening.QUEUED, by=by)
            try:
                record, new = outbox.put(draft.mail, draft.message, queued)
            except NumberTaken:
                continue
            return Posted(number=record.mail.number, at=record.mail.at, new=new)
    raise RuntimeError(f"no running number for a mail to {client or 'nobody'}")


# Reports.


def mailing_of(settings: Settings) -> Mailing:
    """Return the settings of mail. Raise `NotSendable` where there are none."""
    if settings.mail is None:
        raise NotSendable("there is no [mail] in the configuration: see docs/mail.md")
    return settings.mail


def check_sendable(
    settings: Settings, client: ClientSettings, month: tuple[int, int], now: Instant
) -> None:
    """Raise `NotSendable` where the month of *client* cannot be mailed, or not yet."""
    mailing_of(settings)
    name = f"{client.id} {month_name(month)}"
    minutes = month_minutes(*month, client.zone)
    if not client.recipients:
        raise NotSendable(f"{name}: the client has no recipients in the configuration")
    if not in_agreement((s.agreement for s in client.services), minutes):
        raise NotSendable(f"{name}: no agreement with {client.name} covers any of it")
    if start_of(Minute(minutes.stop)) > now:
        raise NotSendable(f"{name}: the month is not over in {client.zone_name}")
    settled = settled_for_good(*month, client.zone, settings.seal_after_us)
    if now < settled:
        local = moment_of(settled).astimezone(client.zone)
        raise NotSendable(
            f"{name}: looks that come late may still change its last day; "
            f"it can be sent from {local:%Y-%m-%d %H:%M %z} on"
        )


def month_name(month: tuple[int, int]) -> str:
    """Return the month as `2026-10`."""
    return f"{month[0]}-{month[1]:02d}"


def draft_report(
    settings: Settings,
    client: ClientSettings,
    month: tuple[int, int],
    *,
    now: Instant,
    software: str,
) -> Draft:
    """Draw up the month of *client* as it stands, with PDF and JSON, ready to be frozen.

    Raise `NotSendable`, or `papers.NoPaper` where the PDF cannot be made.
    """
    check_sendable(settings, client, month, now)
    statement = _statement(settings, client, month, now=now, software=software)
    return _report(settings, client, statement, now)


def drawn_up(
    settings: Settings,
    client: ClientSettings,
    month: tuple[int, int],
    *,
    now: Instant,
    software: str,
) -> Record:
    """Return the record of that month's report in its present revision, drawn up where new.

    Raise `NotSendable`, or `papers.NoPaper` where the PDF cannot be made.
    """
    check_sendable(settings, client, month, now)
    statement = _statement(settings, client, month, now=now, software=software)
    for record in known_report(settings, client.id, month):
        if record.mail.revision == statement.revision:
            return record
    return post_report(settings, _report(settings, client, statement, now), now=now)


def revision_now(
    settings: Settings,
    client: ClientSettings,
    month: tuple[int, int],
    *,
    now: Instant,
    software: str,
) -> int:
    """Return the revision that the month's report would have if it were drawn up now."""
    return _statement(settings, client, month, now=now, software=software).revision


def _statement(
    settings: Settings,
    client: ClientSettings,
    month: tuple[int, int],
    *,
    now: Instant,
    software: str,
) -> Statement:
    with open_reader(Path(settings.journal_path)) as reader:
        return papers.draw_up(reader, settings, client, month, now=now, software=software)


def post_report(settings: Settings, draft: Draft, *, now: Instant) -> Record:
    """Freeze *draft* in the outbox, held or to be sent; return its record.

    Where that revision is there already it is returned as it is. Earlier revisions that did not go
    out yet are cancelled: this one takes their place.
    """
    first = Event(
        at=now,
        what=Happening.HELD if draft.held else Happening.QUEUED,
        words=", ".join(draft.held),
    )
    mail = draft.mail
    with Outbox.open(Path(settings.journal_path)) as outbox:
        record, new = outbox.put(mail, draft.message, first)
        if new:
            _take_place(outbox, mail, now)
        return record


def known_report(settings: Settings, client: str, month: tuple[int, int]) -> tuple[Record, ...]:
    """Return the revisions of that month's report in the outbox, in their order."""
    path = Path(settings.journal_path)
    if not path.exists():
        return ()
    with Outbox.read(path) as outbox:
        found = outbox.records(client=client, month=month_name(month))
    reports = [record for record in found if record.mail.kind is MailKind.REPORT]
    return tuple(sorted(reports, key=lambda record: record.mail.revision))


def _take_place(outbox: Outbox, mail: Mail, now: Instant) -> None:
    for record in outbox.records(client=mail.client, month=mail.month, open_only=True):
        earlier = record.mail
        if earlier.kind is MailKind.REPORT and earlier.revision < mail.revision:
            words = f"{mail.number} takes its place"
            try:
                outbox.note(earlier.number, Event(at=now, what=Happening.CANCELLED, words=words))
            except NotNow:
                continue  # it is on its way this second


def _report(
    settings: Settings, client: ClientSettings, statement: Statement, now: Instant
) -> Draft:
    month, revision = statement.period.month, statement.revision
    number = report_number(client.id, month, revision)
    pdf = papers.render(statement, "pdf", client.language)
    figures = papers.render(statement, "json", client.language)
    verdicts = [service.figures.verdict for service in statement.services]
    worst = min(statement.services, key=_trouble, default=None)
    facts = {
        "pdf_sha256": hashlib.sha256(pdf).hexdigest(),
        "json_sha256": hashlib.sha256(figures).hexdigest(),
        "language": client.language,
        **(_facts_of(worst) if worst is not None else {}),
    }
    earlier = known_report(settings, client.id, (int(month[:4]), int(month[5:])))
    before = next((r for r in reversed(earlier) if r.mail.revision < revision), None)
    cause = _Cause(
        kind=MailKind.REPORT,
        key=report_key(client.id, month, revision),
        number=number,
        now=now,
        answers=before.mail.facts.get("message_id", "") if before is not None else "",
        held=hold_reasons(verdicts, revision, mailing_of(settings).hold),
        report=_Report(month=month, revision=revision, facts=facts, pdf=pdf, figures=figures),
    )
    written = report_mail(statement, client.language, number)
    return _frozen(settings, cause, written, client, client.recipients)


def _trouble(service: ServiceStatement) -> tuple[int, int]:
    """Return what puts the service first that the reader must know of."""
    figures = service.figures
    return gravity(figures.verdict), figures.remaining


def _facts_of(service: ServiceStatement) -> Mapping[str, str]:
    figures = service.figures
    ppm = figures.availability_ppm
    return {
        "service": service.id,
        "verdict": figures.verdict.value,
        "availability_ppm": "" if ppm is None else str(ppm),
        "down": str(figures.down),
        "allowed": str(figures.allowed),
    }


# Freezing.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    month: str
    revision: int
    facts: Mapping[str, str]
    pdf: bytes
    figures: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cause:
    """Why a mail is drawn up: what it is, what it is called, what it follows upon."""

    kind: MailKind
    key: str
    number: str
    now: Instant
    answers: str = ""
    held: tuple[str, ...] = ()
    report: _Report | None = None


def _frozen(
    settings: Settings,
    cause: _Cause,
    written: Written,
    client: ClientSettings | None,
    recipients: tuple[str, ...],
) -> Draft:
    mailing, now, report = mailing_of(settings), cause.now, cause.report
    domain = in_ascii(mailing.sender).rpartition("@")[2]
    unique = hashlib.sha256(f"{cause.key}\n{now}\n{settings.journal_path}".encode()).hexdigest()
    message_id = f"{cause.number.lower()}.{unique[:16]}@{domain}"
    envelope = Envelope(
        sender=mailing.sender,
        name=settings.operator.name,
        reply_to=mailing.reply_to,
        date=moment_of(now).astimezone(client.zone if client is not None else UTC),
        message_id=message_id,
        answers=cause.answers,
    )
    message = compose(envelope, written, _attachments(cause))
    mail = Mail(
        number=cause.number,
        key=cause.key,
        kind=cause.kind,
        client=client.id if client is not None else "",
        at=now,
        subject=written.subject,
        recipients=tuple(map(in_ascii, recipients)),
        sha256=hashlib.sha256(message).hexdigest(),
        month=report.month if report is not None else "",
        revision=report.revision if report is not None else 0,
        facts={"message_id": message_id, **(report.facts if report is not None else {})},
    )
    return Draft(mail=mail, message=message, written=written, held=cause.held)


def _attachments(cause: _Cause) -> Sequence[Attachment]:
    if cause.report is None:
        return ()
    return (
        Attachment(name=f"{cause.number}.pdf", kind="application/pdf", content=cause.report.pdf),
        Attachment(
            name=f"{cause.number}.json", kind="application/json", content=cause.report.figures
        ),
    )
