"""Mailing the month: drawing up, sending, approving."""

import sys
from collections.abc import Collection, Sequence
from pathlib import Path

import click

from uptimed.cli.common import (
    NO,
    Month,
    client_option,
    config_option,
    find_client,
    load_settings,
    now,
    reading,
    software,
    told,
    warn_of_made_up,
    wrong,
)
from uptimed.cli.posting import by_option, deliver, named, resend, tell
from uptimed.core.outbox import Event, Happening, Record, Status, newest
from uptimed.core.settings import ClientSettings, Settings
from uptimed.logs import visible
from uptimed.stores.outbox import NotNow, Outbox


@click.command()
@client_option
@click.option("--all", "every", is_flag=True, help="Every client that has recipients.")
@click.option("--month", type=Month(), required=True, help="The month, in the client's zone.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent; keep and send nothing.")
@click.option("--again", is_flag=True, help="Send to those who got it, or may have, once more.")
@click.option("--to", "address", metavar="ADDRESS", help="With --again: only this recipient.")
@by_option
@config_option
@told
def send(
    client: str | None,
    every: bool,
    month: tuple[int, int],
    dry_run: bool,
    again: bool,
    address: str | None,
    by: str | None,
    config: str | None,
) -> None:
    """Mail a client's month, once.

    It is drawn up and frozen the first time; later calls send what did not go out yet. A report
    that must be approved is only drawn up. Ends with 1 unless the mail server has taken it over
    for every recipient.
    """
    settings = load_settings(config).settings
    if every and (client is not None or again):
        wrong("--all: goes with neither --client nor --again")
    if address is not None and not again:
        wrong("--to: goes with --again")
    who = named(by, "sending again") if again else ""
    chosen = [c for c in settings.clients if c.recipients] if every else [
        find_client(settings, client)
    ]  # fmt: skip
    if dry_run:
        for one in chosen:
            _show_draft(settings, one, month)
        return
    drawn = [_drawn_up(settings, one, month, alone=not every) for one in chosen]
    numbers = [number for number in drawn if number is not None]
    if again:
        _again(settings, numbers[0], address, who)
    records = _deliver(settings, numbers)
    for record in records:
        tell(record, settings)
    warn_of_made_up(settings)
    done = len(records) == len(chosen) and all(map(_done, records))
    sys.exit(0 if done else NO)


@click.command()
@client_option
@click.option("--month", type=Month(), required=True, help="The month, in the client's zone.")
@by_option
@config_option
@told
def approve(client: str | None, month: tuple[int, int], by: str | None, config: str | None) -> None:
    """Let a report that is held go out: the newest revision of that month.

    The daemon sends it within seconds; without one, `uptimed send` does.
    """
    settings = load_settings(config).settings
    whose = find_client(settings, client)
    who = named(by, "an approval")
    record = newest(_known(settings, whose, month))
    if record is None:
        wrong(f"{whose.id} {_name(month)}: no report is drawn up; `uptimed send` does that")
    _refuse_outdated(settings, whose, month, record)
    with Outbox.open(Path(settings.journal_path)) as outbox:
        try:
            event = Event(at=now(), what=Happening.APPROVED, by=who)
            record = outbox.note(record.mail.number, event)
        except NotNow as error:
            wrong(str(error))
    click.echo(f"{record.mail.number}: approved by {who}; it goes to "
               f"{', '.join(record.mail.recipients)}")  # fmt: skip


def _refuse_outdated(
    settings: Settings, client: ClientSettings, month: tuple[int, int], record: Record
) -> None:
    """End where the month was corrected after the report was drawn up."""
    from uptimed.wiring.mailing import revision_now

    revision = revision_now(settings, client, month, now=now(), software=software())
    if revision > record.mail.revision:
        wrong(
            f"{record.mail.number}: the month was corrected since: `uptimed send --client "
            f"{client.id} --month {_name(month)}` draws up revision {revision}"
        )


# Sending.


def _known(settings: Settings, client: ClientSettings, month: tuple[int, int]) -> Sequence[Record]:
    from uptimed.wiring.mailing import known_report

    return known_report(settings, client.id, month)


def _show_draft(settings: Settings, client: ClientSettings, month: tuple[int, int]) -> None:
    """Show what would be sent."""
    from uptimed.wiring import mailing, papers

    known = newest(_known(settings, client, month))
    try:
        with reading(settings):
            draft = mailing.draft_report(settings, client, month, now=now(), software=software())
    except (mailing.NotSendable, papers.NoPaper) as error:
        wrong(str(error))
    mail = draft.mail
    if known is not None and known.mail.revision >= mail.revision:
        click.echo(f"{known.mail.number} is drawn up already and is {known.status}; what follows "
                   "is how it would be drawn up now", err=True)  # fmt: skip
    held = f"held: {', '.join(draft.held)}" if draft.held else "sent at once"
    click.echo(f"number:  {mail.number} ({held})")
    click.echo(f"to:      {', '.join(mail.recipients)} (a mail each)")
    click.echo(f"subject: {visible(mail.subject)}")
    click.echo(f"files:   {mail.number}.pdf, {mail.number}.json; {len(draft.message):,} bytes")
    click.echo("")
    click.echo(visible(draft.written.text))
    click.echo("nothing was kept, nothing was sent", err=True)


def _drawn_up(
    settings: Settings, client: ClientSettings, month: tuple[int, int], *, alone: bool
) -> str | None:
    """Return the number of the month's report, drawn up now where it is not there yet.

    One of several that cannot be drawn up is told of and left out.
    """
    from uptimed.wiring import mailing, papers

    try:
        mailing.check_sendable(settings, client, month, now())
        if not _known(settings, client, month):
            click.echo(f"{client.id} {_name(month)}: drawing up ...", err=True)
        with reading(settings):
            record = mailing.drawn_up(settings, client, month, now=now(), software=software())
    except (mailing.NotSendable, papers.NoPaper) as error:
        if alone:
            wrong(str(error))
        click.echo(str(error), err=True)
        return None
    return record.mail.number


def _again(settings: Settings, number: str, address: str | None, who: str) -> None:
    with Outbox.open(Path(settings.journal_path)) as outbox:
        resend(outbox, number, address, who)


def _deliver(settings: Settings, numbers: Collection[str]) -> Sequence[Record]:
    """Try to send *numbers* now; return how they stand then."""
    if numbers:
        deliver(settings, numbers)
    with Outbox.read(Path(settings.journal_path)) as outbox:
        return [outbox.record(number) for number in numbers]


def _done(record: Record) -> bool:
    return all(d.status is Status.ACCEPTED for d in record.deliveries)


def _name(month: tuple[int, int]) -> str:
    return f"{month[0]}-{month[1]:02d}"
