"""Exceptions: minutes that the contract lets the vendor except, once the client was told why."""

from collections.abc import Mapping, Sequence

import click

from uptimed.cli.amending import (
    end_option,
    instant_or_now,
    one_service,
    reading_each,
    reading_if_there,
    service_options,
    span,
    start_option,
    stretch,
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
from uptimed.core import exclusions as rules
from uptimed.core.exclusions import Answer, Exclusion
from uptimed.core.lookfile import show_instant
from uptimed.core.settings import ClientSettings, Settings
from uptimed.ledger.month import amendments_of
from uptimed.logs import visible
from uptimed.wiring import amending
from uptimed.wiring.mailing import Stretch

_WHY_NOT = {
    "not_excluded": "the contract excludes no exceptions",
    "not_notified": "the client has not been notified by mail yet",
    "late_notice": "the first report of the month was given out before the client was notified",
    "withdrawn": "it was withdrawn",
}


@click.group()
def exclude() -> None:
    """Except minutes where the contract allows it, with a reason that the client is mailed.

    An exception counts only once the client was notified, and before the month's first report was
    given out. The report prints both figures, with it and without.
    """


@exclude.command()
@service_options
@start_option
@end_option
@click.option("--reason", default="", help="Why; the client reads it.")
@click.option("--by-hand", is_flag=True, help="You mail the client yourself; see `notified`.")
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
    by_hand: bool,
    by: str | None,
    as_json: bool,
    config: str | None,
) -> None:
    """Record an exception. With [mail] the client is mailed it; else see `exclude notified`."""
    settings = load_settings(config).settings
    of, one = one_service(settings, client, service)
    who = named(by, "an exception")
    first, last = span(start, end, of.zone)
    wanted = Stretch(services=(one.id,), start=first, end=last, reason=reason)
    made, posted = amending.exclude(settings, of, wanted, by_hand=by_hand, by=who, now=now())
    if posted is not None:
        deliver(settings, (posted.number,))
    _tell(settings, of, made.subject, as_json=as_json)


def _tell(
    settings: Settings, client: ClientSettings, reference: str, *, as_json: bool = False
) -> None:
    """Say what is recorded, and whether it counts."""
    with reading_if_there(settings) as reader:
        if reader is None:
            return
        known = amendments_of(reader, client.id)
        one = known.exclusion(reference)
        if one is None:
            return
        states = amending.exception_states(reader, client, known, one)
    if as_json:
        emit(_as_json(client, one, states))
        return
    click.echo(f"{one.id}, by {one.by}: {one.service}, {stretch(one.start, one.end, client.zone)}")
    for month, why_not in states:
        if why_not:
            click.echo(f"  {month.name}: does not count, because {_WHY_NOT[why_not]}")
        else:
            minutes = range(max(month.start, one.minutes.start), min(month.stop, one.minutes.stop))
            click.echo(f"  {month.name}: counts, {counted(len(minutes), 'minute')} in all")
        if why_not == "not_notified" and one.mail:
            click.echo("  the mail that notifies is in the outbox: `uptimed outbox list` tells")
        elif why_not == "not_notified":
            click.echo(
                "  mail the client with the reason, then record it: `uptimed exclude notified "
                f'{one.id} --by NAME --at TIME --how "mail, message id"`'
            )


@exclude.command()
@click.argument("reference")
@client_option
@click.option("--at", metavar="AT", help="When the mail went out. [default: now]")
@click.option("--how", default="", help="By what mail, such as its message id.")
@by_option
@config_option
@told
def notified(
    reference: str,
    client: str | None,
    at: str | None,
    how: str,
    by: str | None,
    config: str | None,
) -> None:
    """Record that you notified the client by a mail of your own."""
    settings = load_settings(config).settings
    of = find_client(settings, client)
    who, present = named(by, "a notification"), now()
    when = instant_or_now(at, of.zone, "--at", present)
    one = amending.known_of(settings, of.id).exclusion(reference)
    if one is not None and one.notified is not None:
        wrong(f"{reference}: notified already, {show_both(one.notified, of.zone)} ({one.how})")
    amending.enter_one(
        settings,
        of.id,
        present,
        lambda known: rules.notified(known, reference, at=when, how=how, by=who, now=present),
    )
    _tell(settings, of, reference)


@exclude.command()
@click.argument("reference")
@client_option
@click.option("--answer", "said", type=click.Choice(["accepted", "objected"]), required=True)
@click.option("--at", metavar="AT", help="When the client answered. [default: now]")
@click.option("--words", default="", help="What the client said.")
@by_option
@config_option
@told
def answer(
    reference: str,
    client: str | None,
    said: str,
    at: str | None,
    words: str,
    by: str | None,
    config: str | None,
) -> None:
    """Record what the client answered. It stands in the report and changes no figure."""
    settings = load_settings(config).settings
    of = find_client(settings, client)
    who, present = named(by, "an answer"), now()
    when = instant_or_now(at, of.zone, "--at", present)
    amending.enter_one(
        settings,
        of.id,
        present,
        lambda known: rules.answered(
            known, reference, answer=Answer(said), at=when, words=words, by=who, now=present
        ),
    )
    click.echo(f"{reference}: the client {said}, {show_both(when, of.zone)}")


@exclude.command()
@click.argument("reference")
@client_option
@click.option("--why", default="", help="Why it is taken back.")
@by_option
@config_option
@told
def withdraw(
    reference: str, client: str | None, why: str, by: str | None, config: str | None
) -> None:
    """Take an exception back, as long as no report was given out with it."""
    settings = load_settings(config).settings
    of = find_client(settings, client)
    amending.withdraw(settings, of, reference, why=why, by=named(by, "a withdrawal"), now=now())
    click.echo(f"{reference} is withdrawn: its minutes count by their letters")


@exclude.command("list")
@only_client_option
@json_option
@config_option
@told
def list_exceptions(client: str | None, as_json: bool, config: str | None) -> None:
    """List the exceptions, whether they count, and what the client answered."""
    settings = load_settings(config).settings
    found: list[Mapping[str, object]] = []
    rows: list[Sequence[str]] = []
    with reading_each(settings, client) as journals:
        for reader, of in journals:
            known = amendments_of(reader, of.id)
            for one in known.exclusions:
                states = amending.exception_states(reader, of, known, one)
                found.append(_as_json(of, one, states))
                rows.append(_row(of, one, states))
    if as_json:
        emit(found)
    else:
        table(("ID", "SERVICE", "START", "END", "NOTIFIED", "ANSWER", "COUNTS", "REASON"), rows)


def _row(client: ClientSettings, one: Exclusion, states: amending.States) -> Sequence[str]:
    counts = ", ".join(
        f"{month.name} {why_not.replace('_', ' ') or 'yes'}" for month, why_not in states
    )
    return (
        one.id,
        one.service,
        show_both(one.start, client.zone),
        show_both(one.end, client.zone),
        "-" if one.notified is None else show_both(one.notified, client.zone),
        one.answer,
        counts,
        visible(one.reason)[:60],
    )


def _as_json(
    client: ClientSettings, one: Exclusion, states: amending.States
) -> Mapping[str, object]:
    return {
        "id": one.id,
        "client": client.id,
        "service": one.service,
        "start": show_instant(one.start),
        "end": show_instant(one.end),
        "reason": one.reason,
        "by": one.by,
        "recorded": show_instant(one.recorded),
        "notified": None if one.notified is None else show_instant(one.notified),
        "how": one.how or None,
        "answer": str(one.answer),
        "answered": None if one.answered is None else show_instant(one.answered),
        "answer_words": one.answer_words or None,
        "withdrawn": None if one.withdrawn is None else show_instant(one.withdrawn),
        "months": [
            {"month": month.name, "counts": not why_not, "why_not": why_not or None}
            for month, why_not in states
        ],
    }
