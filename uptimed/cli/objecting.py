"""Objections: minutes that a client contests."""

from collections.abc import Mapping, Sequence

import click

from uptimed.cli.amending import (
    at_option,
    end_option,
    instant_or_now,
    minutes,
    one_service,
    reading_each,
    service_options,
    start_option,
    stretch_of,
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
)
from uptimed.cli.posting import by_option, named
from uptimed.core import objections as rules
from uptimed.core.lookfile import show_instant
from uptimed.core.minutes import start_of
from uptimed.core.objections import Contested, Objection, Outcome
from uptimed.core.observations import Instant
from uptimed.ledger.month import amendments_of
from uptimed.logs import visible
from uptimed.wiring import amending


@click.group()
def objection() -> None:
    """Minutes that a client contests, until when that is answered, and how it ended.

    An objection changes no figure: what it leads to is a correction, or a reason why not.
    """


@objection.command()
@service_options
@start_option
@end_option
@at_option
@click.option("--why", default="", help="What the client says.")
@click.option("--contact", default="", help="Who of the client's says so.")
@click.option("--received", metavar="AT", help="When it came. [default: now]")
@click.option("--due", metavar="AT", help="Until when it is answered. [default: 7 days later]")
@by_option
@json_option
@config_option
@told
def add(  # noqa: PLR0913 - its options
    client: str | None,
    service: str | None,
    start: str | None,
    end: str | None,
    at: str | None,
    why: str,
    contact: str,
    received: str | None,
    due: str | None,
    by: str | None,
    as_json: bool,
    config: str | None,
) -> None:
    """Record that the client contests minutes of a service."""
    settings = load_settings(config).settings
    of, one = one_service(settings, client, service)
    who, present = named(by, "an objection"), now()
    first, stop = minutes(at, start, end, of.zone)
    came = instant_or_now(received, of.zone, "--received", present)
    contested = Contested(
        service=one.id,
        start=first,
        stop=stop,
        why=why,
        contact=contact,
        received=came,
        due=None if due is None else instant_at(due, of.zone, "--due"),
    )
    entry = amending.enter_one(
        settings,
        of.id,
        present,
        lambda known: rules.contest(known, contested, by=who, now=present),
    )
    made = rules.objections([entry])[0]
    if as_json:
        emit(_as_json(of.id, made, present))
        return
    click.echo(f"recorded as {made.id}: {one.id}, {stretch_of(first, stop, of.zone)}")
    click.echo(f"  to be answered until {show_both(made.due, of.zone)}")
    shown = show_instant(start_of(first))
    click.echo(f"  `uptimed explain {one.id} {shown}` tells how the first minute was judged")


@objection.command()
@click.argument("reference")
@client_option
@click.option(
    "--outcome", type=click.Choice([str(o) for o in Outcome]), required=True, help="How it ended."
)
@click.option("--why", default="", help="What the client is answered.")
@click.option("--correction", "corrections", multiple=True, metavar="ID", help="Led to by it.")
@by_option
@config_option
@told
def answer(
    reference: str,
    client: str | None,
    outcome: str,
    why: str,
    corrections: tuple[str, ...],
    by: str | None,
    config: str | None,
) -> None:
    """Answer an objection. Accepted ones are corrected first, with `correct add --objection`."""
    settings = load_settings(config).settings
    of = find_client(settings, client)
    who, present = named(by, "an answer"), now()
    amending.enter_one(
        settings,
        of.id,
        present,
        lambda known: rules.answer(
            known, reference, outcome=Outcome(outcome), why=why, corrections=corrections, by=who
        ),
    )
    click.echo(f"{reference} is answered: {Outcome(outcome)}, {show_both(present, of.zone)}")


@objection.command("list")
@only_client_option
@click.option("--open", "only_open", is_flag=True, help="Only what is not answered yet.")
@json_option
@config_option
@told
def list_objections(client: str | None, only_open: bool, as_json: bool, config: str | None) -> None:
    """List what was contested, until when it is to be answered, and how it ended."""
    settings = load_settings(config).settings
    present = now()
    found: list[Mapping[str, object]] = []
    rows: list[Sequence[str]] = []
    with reading_each(settings, client) as journals:
        for reader, of in journals:
            for one in amendments_of(reader, of.id).objections:
                if only_open and one.outcome is not None:
                    continue
                found.append(_as_json(of.id, one, present))
                late = " OVERDUE" if one.outcome is None and one.overdue(present) else ""
                outcome = "open" if one.outcome is None else str(one.outcome)
                rows.append(
                    (
                        one.id, one.service, show_both(start_of(one.start), of.zone),
                        str(one.stop - one.start), show_both(one.due, of.zone),
                        outcome + late, ", ".join(one.corrections) or "-", visible(one.why)[:60],
                    )
                )  # fmt: skip
    if as_json:
        emit(found)
    else:
        table(("ID", "SERVICE", "FROM", "MINUTES", "DUE", "OUTCOME", "CORRECTED", "WHY"), rows)


def _as_json(client: str, one: Objection, present: Instant) -> Mapping[str, object]:
    return {
        "id": one.id,
        "client": client,
        "service": one.service,
        "start": show_instant(start_of(one.start)),
        "end": show_instant(start_of(one.stop)),
        "minutes": one.stop - one.start,
        "why": one.why,
        "contact": one.contact or None,
        "by": one.by,
        "received": show_instant(one.received),
        "due": show_instant(one.due),
        "overdue": one.overdue(present),
        "outcome": None if one.outcome is None else str(one.outcome),
        "answered": None if one.answered is None else show_instant(one.answered),
        "answered_by": one.answered_by or None,
        "answer": one.answer or None,
        "corrections": list(one.corrections),
    }
