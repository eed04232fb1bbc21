"""What the commands about mail share: names on record, a try at sending, how a mail stands."""

import asyncio
import logging
import os
from collections.abc import Collection
from datetime import UTC, tzinfo
from pathlib import Path
from random import random

import click

from uptimed.cli.common import now, show_minute, wrong
from uptimed.clock import SystemClock
from uptimed.config import ConfiguredSecrets
from uptimed.core.minutes import minute_of
from uptimed.core.observations import SECOND, Instant
from uptimed.core.outbox import Delivery, Event, Happening, Record, Status
from uptimed.core.settings import Settings
from uptimed.logs import visible
from uptimed.ports import SecretMissing
from uptimed.stores.outbox import NoSuchMail, NotNow, Outbox

_PATIENCE_US = 60 * SECOND  # for a daemon that is sending this very moment

by_option = click.option("--by", metavar="NAME", help="Who says so; it goes on record.")


def named(by: str | None, what: str) -> str:
    """Return who says so; that must be told."""
    if by is None or not by.strip():
        wrong(f"--by: {what} goes on record; say who you are, such as --by Ana")
    if any(not c.isprintable() for c in by):
        wrong("--by: found control characters, wanted a name on one line")
    return by.strip()


def resend(outbox: Outbox, number: str, address: str | None, who: str) -> Record:
    """Put on record that *number* is to be sent again, to *address* alone or to everybody."""
    try:
        record = outbox.record(number)
        place = 0
        if address is not None:
            known = record.mail.recipients
            if address not in known:
                wrong(f"--to: found {address!r}, wanted one of {', '.join(known)}")
            place = known.index(address) + 1
        event = Event(at=now(), what=Happening.AGAIN, place=place, by=who)
        return outbox.note(number, event)
    except (NotNow, NoSuchMail) as error:
        wrong(str(error))


def deliver(settings: Settings, numbers: Collection[str]) -> None:
    """Try to send *numbers* now, beside a daemon or without one.

    Where the password is not to be had here nothing is tried: a credential is the daemon's alone.
    """
    from uptimed.wiring.delivering import Postman, deliver_now
    from uptimed.wiring.mailing import mailing_of

    mailing, secrets = mailing_of(settings), ConfiguredSecrets(os.environ)
    try:
        if mailing.password is not None:
            secrets.read(mailing.password)
    except SecretMissing as error:
        click.echo(f"mail: {error}; a daemon that can read it sends it", err=True)
        return
    logging.getLogger("uptimed").addHandler(logging.NullHandler())  # the command tells it itself
    postman = Postman(
        mailing=mailing,
        secrets=secrets,
        clock=SystemClock(),
        chance=random,
    )
    path = Path(settings.journal_path)
    tally = asyncio.run(deliver_now(postman, path, numbers, patience_us=_PATIENCE_US))
    if tally.busy:
        click.echo("another process is sending; it sends these as well", err=True)
    if tally.trouble:
        click.echo(f"mail: {visible(tally.trouble)}", err=True)


def tell(record: Record, settings: Settings) -> None:
    """Say how a mail stands with each recipient."""
    mail = record.mail
    if record.status is Status.HELD:
        event = record.events[0]
        click.echo(
            f"{mail.number}: held ({event.words}); look at it with `uptimed report`, then "
            f"`uptimed approve --client {mail.client} --month {mail.month} --by NAME`"
        )
        return
    for delivery in record.deliveries:
        stands = said_of(delivery, zone_of(record, settings))
        click.echo(f"{mail.number} to {delivery.address}: {stands}")


def said_of(delivery: Delivery, zone: tzinfo) -> str:
    """Return in words how a recipient's copy stands."""
    at = shown(delivery.at, zone)
    words = f": {visible(delivery.words)}" if delivery.words else ""
    match delivery.status:
        case Status.ACCEPTED:
            return f"delivered {at}: the mail server took it over ({visible(delivery.words)})"
        case Status.WAITING:
            due = f"next try {shown(delivery.due, zone)}" if delivery.due is not None else ""
            return f"waiting, {due}{words}"
        case Status.REFUSED:
            return f"failed {at}{words}"
        case Status.UNCERTAIN:
            return (
                f"uncertain {at}: it may have been delivered{words}. Ask there; "
                "`uptimed outbox retry NUMBER --to ADDRESS --by NAME` sends another copy"
            )
        case Status.CANCELLED:
            by = f" by {delivery.by}" if delivery.by else ""
            return f"cancelled {at}{by}{words}"
        case Status.HELD | Status.SENDING:
            return f"{delivery.status} since {at}{words}"


def zone_of(record: Record, settings: Settings) -> tzinfo:
    """Return the zone of the mail's client; UTC where it is not configured any more."""
    found = [client.zone for client in settings.clients if client.id == record.mail.client]
    return found[0] if found else UTC


def shown(at: Instant, zone: tzinfo) -> str:
    """Return *at* as a wall clock in *zone* shows it."""
    return show_minute(minute_of(at), zone)
