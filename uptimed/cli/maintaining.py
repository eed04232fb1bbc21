"""Maintenance that is announced by command."""

from collections.abc import Mapping, Sequence
from datetime import date

import click

from uptimed.cli.amending import (
    end_option,
    instant_or_now,
    reading_each,
    reading_if_there,
    service_options,
    span,
    start_option,
    stretch,
    whose,
)
from uptimed.cli.common import (
    client_option,
    config_option,
    counted,
    emit,
    find_client,
    json_option,
    load_settings,
    now,
    only_client_option,
    show_both,
    table,
    told,
    wrong,
)
from uptimed.cli.posting import by_option, deliver, named
from uptimed.core import maintenance as rules
from uptimed.core.entries import Entry, NewEntry
from uptimed.core.lookfile import show_instant
from uptimed.core.maintenance import Announcement, Every, Planned
from uptimed.core.observations import Instant
from uptimed.core.settings import ClientSettings, Settings
from uptimed.ledger.month import amendments_of
from uptimed.logs import visible
from uptimed.wiring import amending

_WHY_NOT = {
    "cancelled": "it is cancelled",
    "not_excluded": "the contract excludes no maintenance",
    "late_notice": "it was announced, or recorded, later than the contract's notice before it",
    "not_announced": "the client has not been told yet",
    "cap": "the contract's cap for the month admits no more",
    "out_of_scope": "it lies outside the agreement or its hours",
}


@click.group()
def maintenance() -> None:
    """Announce maintenance, once or every week, and take it back before it begins.

    It leaves the sum only where the contract excludes maintenance, and it was both announced and
    recorded here early enough. Looking goes on meanwhile.
    """


@maintenance.command()
@service_options
@start_option
@end_option
@click.option("--reason", default="", help="What is done; the client reads it.")
@click.option("--announced", metavar="AT", help="When you told the client by hand. [default: now]")
@click.option("--how", default="", help="By what you told the client, where no mail is to do it.")
@click.option(
    "--every", type=click.Choice([str(e) for e in Every]), help="It recurs, by the wall clock."
)
@click.option("--until", metavar="DATE", help="With --every: the last day on which it begins.")
@by_option
@json_option
@config_option
@told
def add(  # noqa: PLR0913 - its options
    client: str | None,
    service: str | None,
    start: str | None,
    end: str | None,
    reason: str,
    announced: str | None,
    how: str,
    every: str | None,
    until: str | None,
    by: str | None,
    as_json: bool,
    config: str | None,
) -> None:
    """Announce maintenance of a service, or of all of a client's.

    With [mail] the client is mailed, and it is announced once the mail server has taken the mail;
    with --announced or --how you have told the client yourself.
    """
    settings = load_settings(config).settings
    of, one = whose(settings, client, service)
    who, present = named(by, "maintenance"), now()
    mailed = amending.is_mailed(settings, of) and announced is None and not how
    planned = Planned(
        service=one,
        windows=_windows(start, end, every, until, of),
        reason=reason,
        announced=None if mailed else instant_or_now(announced, of.zone, "--announced", present),
        how="mail" if mailed else how or "by hand",
        mailed=f"maintenance/{of.id}" if mailed else "",
    )
    made, posted = amending.announce(settings, of, planned, by=who, now=present)
    if posted is not None:
        deliver(settings, (posted.number,))
    _tell(settings, of, made.subject, as_json=as_json, mail=posted.number if posted else "")


def _windows(
    start: str | None,
    end: str | None,
    every: str | None,
    until: str | None,
    client: ClientSettings,
) -> tuple[tuple[Instant, Instant], ...]:
    first, last = span(start, end, client.zone)
    if (every is None) != (until is None):
        wrong("--every, --until: wanted both or neither, such as --every week --until 2026-12-31")
    if every is None or until is None or last <= first:
        return ((first, last),)
    try:
        final = date.fromisoformat(until)
    except ValueError:
        wrong(f"--until: found {until!r}, wanted a date such as 2026-12-31")
    return rules.recurring(first, last, Every(every), final, client.zone)


def _tell(
    settings: Settings, client: ClientSettings, reference: str, *, as_json: bool, mail: str
) -> None:
    """Say what was recorded, and what it will come to."""
    with reading_if_there(settings) as reader:
        if reader is None:
            return
        known = amendments_of(reader, client.id)
        one = known.announcement(reference)
        if one is None:
            return
        come_to = amending.foreseen(reader, client, known, reference)
    if as_json:
        emit({**_as_json(client, one, come_to), "mail": mail or None})
        return
    several = f" ({counted(len(one.windows), 'window')})" if len(one.windows) > 1 else ""
    click.echo(f"recorded as {reference}{several}, by {one.by}")
    if mail:
        click.echo(f"  mail {mail} announces it; `uptimed outbox show {mail}` tells how it stands")
    for each in come_to:
        window = each.window
        click.echo(f"  {each.service}: {stretch(window.start, window.end, client.zone)}")
        click.echo(f"    {_will(each, client)}")


def _will(each: amending.Foreseen, client: ClientSettings) -> str:
    if each.why_not and not each.counting:
        return f"will not count, because {_WHY_NOT[each.why_not]}"
    part = f"{each.counting} of {counted(each.minutes, 'minute')} will leave the sum"
    if each.counting < each.minutes and each.why_not:
        part += f", and no more, because {_WHY_NOT[each.why_not]}"
    if each.latest is not None:
        by_then = show_both(each.latest, client.zone)
        part += f", if the mail server takes the announcement by {by_then}"
    return part


@maintenance.command("list")
@only_client_option
@json_option
@config_option
@told
def list_windows(client: str | None, as_json: bool, config: str | None) -> None:
    """List what was announced by command, and what it comes to.

    What stands in the configuration is listed by `uptimed check`.
    """
    settings = load_settings(config).settings
    found: list[Mapping[str, object]] = []
    rows: list[Sequence[str]] = []
    with reading_each(settings, client) as journals:
        for reader, of in journals:
            known = amendments_of(reader, of.id)
            for one in known.announced:
                come_to = amending.foreseen(reader, of, known, one.id)
                found.append(_as_json(of, one, come_to))
                rows.extend(_row(of, one, each) for each in come_to)
    if as_json:
        emit(found)
    else:
        table(("ID", "SERVICE", "START", "END", "ANNOUNCED", "COUNTS", "REASON"), rows)


def _row(client: ClientSettings, one: Announcement, each: amending.Foreseen) -> Sequence[str]:
    said = "on its way" if one.announced is None else show_both(one.announced, client.zone)
    counts = f"{each.counting} of {each.minutes} min"
    if each.why_not:
        counts += f": {each.why_not.replace('_', ' ')}"
    window = each.window
    return (
        window.id,
        each.service,
        show_both(window.start, client.zone),
        show_both(window.end, client.zone),
        f"{said}, {visible(one.how)}",
        counts,
        visible(one.reason)[:60],
    )


def _as_json(
    client: ClientSettings, one: Announcement, come_to: Sequence[amending.Foreseen]
) -> Mapping[str, object]:
    return {
        "id": one.id,
        "client": client.id,
        "service": one.service or None,
        "reason": one.reason,
        "by": one.by,
        "recorded": show_instant(one.recorded),
        "announced": None if one.announced is None else show_instant(one.announced),
        "how": one.how,
        "windows": [
            {
                "id": each.window.id,
                "service": each.service,
                "start": show_instant(each.window.start),
                "end": show_instant(each.window.end),
                "minutes": each.minutes,
                "counting_minutes": each.counting,
                "why_not": each.why_not or None,
                "cancelled": each.window.cancelled,
            }
            for each in come_to
        ],
    }


@maintenance.command()
@click.argument("reference")
@client_option
@click.option("--why", default="", help="Why it is taken back.")
@by_option
@json_option
@config_option
@told
def cancel(
    reference: str,
    client: str | None,
    why: str,
    by: str | None,
    as_json: bool,
    config: str | None,
) -> None:
    """Take back what has not begun: M-3, all windows of it to come, or M-3.2 alone."""
    settings = load_settings(config).settings
    of = find_client(settings, client)
    who, present = named(by, "a cancellation"), now()
    taken: list[rules.Window] = []

    def decide(known: Sequence[Entry]) -> NewEntry:
        entry, windows = rules.cancel(known, reference, why=why, by=who, now=present)
        taken.extend(windows)
        return entry

    amending.enter_one(settings, of.id, present, decide)
    if as_json:
        emit({"cancelled": [window.id for window in taken], "by": who})
        return
    for window in taken:
        click.echo(f"cancelled {window.id}, {stretch(window.start, window.end, of.zone)}")
    click.echo("The client is not told of it by uptimed: tell those who were told of the window.")


@maintenance.command("told")
@click.argument("reference")
@client_option
@click.option("--at", metavar="AT", help="When. [default: now]")
@click.option("--how", default="", help="By what, such as a mail of your own and its message id.")
@by_option
@config_option
@told
def told_by_hand(
    reference: str,
    client: str | None,
    at: str | None,
    how: str,
    by: str | None,
    config: str | None,
) -> None:
    """Record that you told the client by hand what a mail was to announce, and did not."""
    settings = load_settings(config).settings
    of = find_client(settings, client)
    who, present = named(by, "an announcement"), now()
    when = instant_or_now(at, of.zone, "--at", present)
    one = amending.known_of(settings, of.id).announcement(reference)
    if one is not None and one.announced is not None:
        wrong(f"{reference}: the mail server has taken the mail that announces it: nothing to do")
    amending.enter_one(
        settings,
        of.id,
        present,
        lambda known: rules.told(known, reference, at=when, how=how, by=who, now=present),
    )
    _tell(settings, of, reference, as_json=False, mail="")


@maintenance.command("mail")
@click.argument("reference")
@client_option
@by_option
@config_option
@told
def mail_again(reference: str, client: str | None, by: str | None, config: str | None) -> None:
    """Put the announcement's mail into the outbox where it did not get there. It goes once."""
    settings = load_settings(config).settings
    of = find_client(settings, client)
    who = named(by, "mailing")
    posted = amending.mail_announcement(settings, of, reference, by=who, now=now())
    if posted is None:
        wrong(f"{reference}: there is no announcement of that name that a mail is to tell")
    deliver(settings, (posted.number,))
    _tell(settings, of, reference, as_json=False, mail=posted.number)
