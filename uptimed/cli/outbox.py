"""What is in the outbox, and what a person can do about it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from uptimed.cli.common import (
    NO,
    config_option,
    emit,
    find_client,
    json_option,
    load_settings,
    now,
    only_client_option,
    table,
    told,
    wrong,
)
from uptimed.cli.posting import by_option, deliver, named, resend, said_of, shown, tell, zone_of
from uptimed.core.lookfile import show_instant
from uptimed.core.outbox import Event, Happening, Record, addressed
from uptimed.core.settings import Settings
from uptimed.logs import visible
from uptimed.stores.outbox import Damaged, NoSuchMail, NotNow, Outbox
from uptimed.wiring.hiding import mask_for


@click.group()
def outbox() -> None:
    """Mails that were drawn up, and what became of each."""


@outbox.command("list")
@only_client_option
@click.option("--open", "only_open", is_flag=True, help="Only what is not done with.")
@json_option
@config_option
@told
def list_mails(client: str | None, only_open: bool, as_json: bool, config: str | None) -> None:
    """List the mails, oldest first, with a line for each recipient."""
    settings = load_settings(config).settings
    whose = find_client(settings, client).id if client is not None else None
    with _reading(settings) as box:
        records = box.records(client=whose, open_only=only_open)
    if as_json:
        emit([_as_json(record) for record in records])
        return
    rows = [
        (
            record.mail.number, record.mail.kind, delivery.address, delivery.status,
            shown(delivery.at, zone_of(record, settings)), visible(delivery.words)[:60],
        )
        for record in records
        for delivery in record.deliveries
    ]  # fmt: skip
    table(("NUMBER", "KIND", "TO", "STATUS", "SINCE", "WORDS"), rows)


@outbox.command()
@click.argument("number")
@click.option("--raw", is_flag=True, help="Print the frozen message as it goes out.")
@json_option
@config_option
@told
def show(number: str, raw: bool, as_json: bool, config: str | None) -> None:
    """Show one mail, and all that happened to it."""
    settings = load_settings(config).settings
    with _reading(settings) as box:
        record = box.record(number)
        message = box.message(number) if raw else b""
    if raw:
        sys.stdout.buffer.write(addressed(message, record.mail.recipients[0]))
        return
    if as_json:
        emit(_as_json(record))
        return
    mail, zone = record.mail, zone_of(record, settings)
    click.echo(f"{mail.number}: {mail.kind}, drawn up {shown(mail.at, zone)}")
    click.echo(f"subject: {visible(mail.subject)}")
    for name, value in sorted(mail.facts.items()):
        click.echo(f"{name}: {visible(value)}")
    click.echo(f"sha256: {mail.sha256}")
    for delivery in record.deliveries:
        click.echo(f"to {delivery.address}: {said_of(delivery, zone)}")
    click.echo("")
    table(
        ("AT", "WHAT", "TO", "BY", "WORDS"),
        [
            (
                shown(event.at, zone), event.what, _whom(record, event), event.by,
                visible(event.words),
            )
            for event in record.events
        ],
    )  # fmt: skip


@outbox.command()
@click.argument("number")
@click.option("--to", "address", metavar="ADDRESS", help="Only this recipient.")
@by_option
@config_option
@told
def retry(number: str, address: str | None, by: str | None, config: str | None) -> None:
    """Send a mail again that failed, waits, or may have gone out.

    Of one that the mail server took over, another copy goes out. Ends with 1 unless it has taken
    it over for all recipients now.
    """
    settings = load_settings(config).settings
    if settings.mail is None:
        wrong("there is no [mail] in the configuration: see docs/mail.md")
    who = named(by, "sending again")
    with Outbox.open(Path(settings.journal_path)) as box:
        resend(box, number, address, who)
    deliver(settings, [number])
    with _reading(settings) as box:
        record = box.record(number)
    tell(record, settings)
    sys.exit(0 if not record.open else NO)


@outbox.command()
@click.argument("number")
@click.option("--reason", default="", help="Why; it goes on record.")
@by_option
@config_option
@told
def cancel(number: str, reason: str, by: str | None, config: str | None) -> None:
    """Give up a mail, for every recipient whose copy did not go out."""
    settings = load_settings(config).settings
    who = named(by, "a cancellation")
    words = mask_for(settings)(" ".join(reason.split()))
    event = Event(at=now(), what=Happening.CANCELLED, by=who, words=words)
    with Outbox.open(Path(settings.journal_path)) as box:
        try:
            record = box.note(number, event)
        except (NotNow, NoSuchMail) as error:
            wrong(str(error))
    tell(record, settings)


@outbox.command()
@click.option("--to", "address", required=True, metavar="ADDRESS", help="Who gets it.")
@by_option
@config_option
@told
def test(address: str, by: str | None, config: str | None) -> None:
    """Send a test mail, to see that mail goes out as it was set up.

    Ends with 1 unless the mail server took it over.
    """
    from uptimed.config.mistakes import Wrong
    from uptimed.config.values import address as read_address
    from uptimed.wiring.mailing import NotSendable, post_test

    settings = load_settings(config).settings
    try:
        to = read_address(address)
        posted = post_test(settings, to, now=now(), by=(by or "").strip())
    except Wrong as error:
        wrong(f"--to: {error}")
    except NotSendable as error:
        wrong(str(error))
    deliver(settings, [posted.number])
    with _reading(settings) as box:
        record = box.record(posted.number)
    tell(record, settings)
    sys.exit(0 if record.accepted_at is not None else NO)


@contextmanager
def _reading(settings: Settings) -> Iterator[Outbox]:
    """Open the outbox for reading; what is not there, or damaged, is told."""
    with Outbox.read(Path(settings.journal_path)) as box:
        try:
            yield box
        except (NoSuchMail, Damaged) as error:
            wrong(str(error))


def _whom(record: Record, event: Event) -> str:
    return record.mail.recipients[event.place - 1] if event.place else "everybody"


def _as_json(record: Record) -> Mapping[str, object]:
    mail = record.mail
    recipients: Sequence[Mapping[str, object]] = [
        {
            "address": delivery.address,
            "status": delivery.status,
            "since": show_instant(delivery.at),
            "next_try": None if delivery.due is None else show_instant(delivery.due),
            "words": delivery.words,
            "by": delivery.by or None,
        }
        for delivery in record.deliveries
    ]
    events = [
        {
            "at": show_instant(event.at),
            "what": event.what,
            "to": record.mail.recipients[event.place - 1] if event.place else None,
            "by": event.by or None,
            "words": event.words,
        }
        for event in record.events
    ]
    return {
        "number": mail.number,
        "kind": mail.kind,
        "client": mail.client or None,
        "month": mail.month or None,
        "revision": mail.revision or None,
        "drawn_up": show_instant(mail.at),
        "subject": mail.subject,
        "sha256": mail.sha256,
        "facts": dict(mail.facts),
        "status": record.status,
        "recipients": recipients,
        "events": events,
    }
