"""Corrections of minutes, with evidence; each gives the report of its month a further revision."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo

import click

from uptimed.cli.amending import (
    at_option,
    end_option,
    minutes,
    one_service,
    reading_each,
    service_options,
    start_option,
    stretch_of,
)
from uptimed.cli.common import (
    config_option,
    counted,
    emit,
    instant_at,
    json_option,
    load_settings,
    now,
    only_client_option,
    percent,
    show_both,
    show_utc,
    software,
    table,
    told,
    wrong,
)
from uptimed.cli.posting import by_option, named
from uptimed.core.corrections import Becomes, Correction, LookNamed, Wanted
from uptimed.core.figures import Figures
from uptimed.core.lookfile import show_instant
from uptimed.core.minutes import start_of
from uptimed.ledger.month import amendments_of
from uptimed.logs import visible
from uptimed.wiring import amending


@click.group()
def correct() -> None:
    """Correct minutes that were judged down, with evidence. Nothing on record is changed.

    The report gets a further revision, which names the one it replaces and shows both figures.
    """


@correct.command()
@service_options
@start_option
@end_option
@at_option
@click.option(
    "--to",
    "becomes",
    type=click.Choice([str(b) for b in Becomes], case_sensitive=False),
    required=True,
    help="N not measured, E exception, U up (needs --look), record: back to what is on record.",
)
@click.option("--why", default="", help="What was found out; the client reads it.")
@click.option("--evidence", multiple=True, help="What it rests on: a ticket, a log. Repeatable.")
@click.option(
    "--look",
    "looks",
    multiple=True,
    metavar="PROBE,VANTAGE,AT[,ACCOUNT]",
    help="A stored attempt that passed in the minute; `uptimed explain` lists them. Repeatable.",
)
@click.option("--objection", default="", help="The objection that it answers, such as O-1.")
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
    becomes: str,
    why: str,
    evidence: tuple[str, ...],
    looks: tuple[str, ...],
    objection: str,
    by: str | None,
    as_json: bool,
    config: str | None,
) -> None:
    """Lay a correction over the minutes of a period that are down (D or L); others stay."""
    settings = load_settings(config).settings
    of, one = one_service(settings, client, service)
    who = named(by, "a correction")
    first, stop = minutes(at, start, end, of.zone)
    wanted = Wanted(
        service=one.id,
        start=first,
        stop=stop,
        to=Becomes(becomes),
        why=why,
        evidence=evidence,
        looks=tuple(_look(text, of.zone) for text in looks),
        objection=objection,
    )
    made = amending.correct(settings, of, wanted, by=who, now=now(), software=software())
    if as_json:
        months = [
            {"month": r.month, "before": _figures(before), "after": _figures(after)}
            for r, before, after in made.months
        ]
        emit({**_as_json(of.id, made.correction), "figures": months})
        return
    _tell(made, of.zone)


def _tell(made: amending.Corrected, zone: tzinfo) -> None:
    one = made.correction
    stay = len(one.was) - one.minutes
    others = f"; {counted(stay, 'other minute')} of the period stay" if stay else ""
    click.echo(f"recorded as {one.id}, by {one.by}: {counted(one.minutes, 'minute')}{others}")
    for change in one.changes:
        was, becomes = change.was.upper(), change.becomes.upper()
        click.echo(f"  {was} -> {becomes}  {stretch_of(change.start, change.stop, zone)}")
    for revised, before, after in made.months:
        click.echo(f"  {revised.month}: revision {revised.revision}, replaces {revised.replaces}")
        click.echo(f"    {one.service}: {_words(before)} -> {_words(after)}")
    if one.objection:
        click.echo(
            f"  answer the objection: `uptimed objection answer {one.objection} --outcome accepted "
            "--why TEXT --by NAME`"
        )


def _words(figures: Figures) -> str:
    return f"{percent(figures.availability_ppm) or '-'} %, {figures.down} down, {figures.verdict}"


def _look(text: str, zone: tzinfo) -> LookNamed:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) not in {3, 4} or not all(parts) or not "".join(parts[3:] or "0").isdecimal():
        wrong(f"--look: found {text!r}, wanted PROBE,VANTAGE,AT or PROBE,VANTAGE,AT,ACCOUNT")
    return LookNamed(
        probe=parts[0],
        vantage=parts[1],
        at=instant_at(parts[2], zone, "--look"),
        account=int(parts[3]) if len(parts) == 4 else 0,
    )


@correct.command("list")
@only_client_option
@json_option
@config_option
@told
def list_corrections(client: str | None, as_json: bool, config: str | None) -> None:
    """List the corrections, in the order in which they hold."""
    settings = load_settings(config).settings
    found: list[Mapping[str, object]] = []
    rows: list[Sequence[str]] = []
    with reading_each(settings, client) as journals:
        for reader, of in journals:
            for one in amendments_of(reader, of.id).corrections:
                found.append(_as_json(of.id, one))
                rows.extend(_rows(one, of.zone))
    if as_json:
        emit(found)
    else:
        table(("ID", "SERVICE", "FROM", "MINUTES", "CHANGE", "REVISION", "BY", "WHY"), rows)


def _rows(one: Correction, zone: tzinfo) -> list[Sequence[str]]:
    revisions = ", ".join(f"{r.month} #{r.revision}" for r in one.revisions)
    return [
        (
            one.id,
            one.service,
            show_both(start_of(change.start), zone),
            str(change.stop - change.start),
            f"{change.was.upper()} -> {change.becomes.upper()}",
            revisions,
            visible(one.by),
            visible(one.why)[:60],
        )
        for change in one.changes
    ]


def _as_json(client: str, one: Correction) -> Mapping[str, object]:
    return {
        "id": one.id,
        "client": client,
        "service": one.service,
        "minutes": one.minutes,
        "changes": [
            {
                "start": show_utc(change.start),
                "end": show_utc(change.stop),
                "from": change.was.upper(),
                "to": change.becomes.upper(),
            }
            for change in one.changes
        ],
        "why": one.why,
        "evidence": list(one.evidence),
        "looks": [str(look) for look in one.looks],
        "objection": one.objection or None,
        "by": one.by,
        "at": show_instant(one.at),
        "revisions": [
            {"month": r.month, "revision": r.revision, "replaces": r.replaces}
            for r in one.revisions
        ],
    }


def _figures(figures: Figures) -> Mapping[str, object]:
    return {
        "availability": percent(figures.availability_ppm),
        "down_minutes": figures.down,
        "not_measured_minutes": figures.not_measured,
        "verdict": str(figures.verdict),
    }
