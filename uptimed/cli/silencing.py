"""Silences: pages that are held back, and no figure changes."""

from collections.abc import Mapping, Sequence

import click

from uptimed.cli.amending import (
    end_option,
    instant_or_now,
    reading_each,
    service_options,
    stretch,
    whose,
)
from uptimed.cli.common import (
    client_option,
    config_option,
    emit,
    find_client,
    instant_at,
    json_option,
    load_settings,
    now,
    only_client_option,
    show_both,
    table,
    told,
    wrong,
)
from uptimed.cli.posting import by_option, named
from uptimed.core import silences as rules
from uptimed.core.entries import EntryKind
from uptimed.core.lookfile import show_instant
from uptimed.core.observations import Instant
from uptimed.core.silences import Silence
from uptimed.logs import visible
from uptimed.wiring import amending


@click.group()
def silence() -> None:
    """Hold pages back for a while. Minutes, figures, metrics and reports stay as they are."""


@silence.command()
@service_options
@click.option("--start", metavar="AT", help="From then on; local to the client. [default: now]")
@end_option
@click.option("--reason", default="", help="Why.")
@by_option
@json_option
@config_option
@told
def add(
    client: str | None,
    service: str | None,
    start: str | None,
    end: str | None,
    reason: str,
    by: str | None,
    as_json: bool,
    config: str | None,
) -> None:
    """Hold back the pages of a service, or of all of a client's."""
    settings = load_settings(config).settings
    of, one = whose(settings, client, service)
    who, present = named(by, "a silence"), now()
    if end is None:
        wrong("--end: wanted a time: a silence ends by itself, so that nobody forgets it")
    first = instant_or_now(start, of.zone, "--start", present)
    last = instant_at(end, of.zone, "--end")
    entry = amending.enter_one(
        settings,
        of.id,
        present,
        lambda known: rules.silence(
            known, service=one, start=first, end=last, reason=reason, by=who, now=present
        ),
    )
    made = rules.silences([entry])[0]
    if as_json:
        emit(_as_json(made, present))
        return
    click.echo(f"recorded as {made.id}: {one or 'every service'} of {of.id}")
    click.echo(f"  {stretch(first, last, of.zone)}; pages are held back, figures stay as they are")


@silence.command("list")
@only_client_option
@json_option
@config_option
@told
def list_silences(client: str | None, as_json: bool, config: str | None) -> None:
    """List the silences, and which of them hold now."""
    settings = load_settings(config).settings
    present = now()
    found: list[Mapping[str, object]] = []
    rows: list[Sequence[str]] = []
    with reading_each(settings, client) as journals:
        for reader, of in journals:
            for one in rules.silences(reader.entries(of.id, (EntryKind.SILENCE,))):
                found.append(_as_json(one, present))
                rows.append(
                    (
                        one.id, one.service or "(all)", show_both(one.start, of.zone),
                        show_both(one.end, of.zone), _state(one, present), visible(one.by),
                        visible(one.reason)[:60],
                    )
                )  # fmt: skip
    if as_json:
        emit(found)
    else:
        table(("ID", "SERVICE", "START", "END", "STATE", "BY", "REASON"), rows)


@silence.command()
@click.argument("reference")
@client_option
@by_option
@config_option
@told
def cancel(reference: str, client: str | None, by: str | None, config: str | None) -> None:
    """End a silence now."""
    settings = load_settings(config).settings
    of = find_client(settings, client)
    who, present = named(by, "a cancellation"), now()
    amending.enter_one(
        settings,
        of.id,
        present,
        lambda known: rules.cancel(known, reference, by=who, now=present),
    )
    click.echo(f"{reference} is cancelled: pages come again")


def _state(one: Silence, present: Instant) -> str:
    if one.cancelled is not None:
        return f"cancelled by {one.cancelled_by}"
    if one.holds(present):
        return "holds"
    return "to come" if present < one.start else "over"


def _as_json(one: Silence, present: Instant) -> Mapping[str, object]:
    return {
        "id": one.id,
        "client": one.client,
        "service": one.service or None,
        "start": show_instant(one.start),
        "end": show_instant(one.end),
        "reason": one.reason,
        "by": one.by,
        "recorded": show_instant(one.recorded),
        "holds": one.holds(present),
        "cancelled": None if one.cancelled is None else show_instant(one.cancelled),
        "cancelled_by": one.cancelled_by or None,
    }
