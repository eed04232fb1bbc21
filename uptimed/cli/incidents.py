"""Incidents: what is open and how long it may stay so, and what people do about it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path
from typing import IO

import click

from uptimed.cli.amending import instant_or_now
from uptimed.cli.common import (
    Month,
    chosen_clients,
    config_option,
    counted,
    emit,
    find_client,
    find_service,
    json_option,
    load_settings,
    now,
    only_client_option,
    reading,
    told,
    warn_of_made_up,
    wrong,
)
from uptimed.cli.incident_words import (
    as_json,
    event_json,
    next_due,
    print_incident,
    print_list,
    show_second,
)
from uptimed.core.calendars import OpenTime, Second
from uptimed.core.clocks import Desk
from uptimed.core.entries import EntryRefused
from uptimed.core.incidents import Act, Event, Incident, Opened, Reported
from uptimed.core.incidents.casebook import KINDS, Casebook
from uptimed.core.incidents.telling import Told, told_in
from uptimed.core.incidents.values import choice_of
from uptimed.core.minutes import Minute, minute_of, month_minutes
from uptimed.core.observations import SECOND, Instant
from uptimed.core.settings import ClientSettings, Settings
from uptimed.core.support import Fault
from uptimed.core.terms_text import digest, support_text
from uptimed.ledger.incidents import IncidentNow, OutageReader, casebook, incident_now
from uptimed.logs import visible
from uptimed.stores.sqlite import Reader
from uptimed.wiring.hiding import hidden_in_act, mask_for
from uptimed.wiring.incidents import missing, record, record_outages, take_events, wanted

by_option = click.option("--by", required=True, metavar="NAME", help="Who records it.")
at_option = click.option(
    "--at",
    "when",
    metavar="TIME",
    help="When it happened, local to the client or with an offset. [default: now]",
)


@click.group()
def incident() -> None:
    """Incidents, their clocks, and what people do about them.

    The daemon opens one for each confirmed outage by itself, and records when it ended. Everything
    else is recorded here by a person, with --by NAME; nothing is changed or deleted afterwards.
    """


@dataclass(frozen=True, slots=True)
class Found:
    """An incident that was asked for, whose it is, and the casebook that it is in."""

    client: ClientSettings
    book: Casebook
    incident: Incident


def find_incident(settings: Settings, reader: Reader, reference: str) -> Found:
    """Return the incident of that reference, in whatever case it was typed."""
    reference = reference.upper()
    for client in settings.clients:
        if reference.startswith(f"{client.id.upper()}-"):
            book = casebook(reader, client.id)
            if reference in book:
                return Found(client, book, book.incident(reference))
    raise EntryRefused(f"there is no incident {reference}; `incident list --all` shows them")


def second_at(text: str | None, zone: tzinfo, option: str, present: Instant) -> Second:
    """Return the second that *text* names, in *zone* where it says none; now without a text."""
    return Second(instant_or_now(text, zone, option, present) // SECOND)


def record_act(
    reference: str,
    act_in: Callable[[tzinfo], Act],
    *,
    by: str,
    when: str | None,
    as_json: bool,
    config: str | None,
) -> None:
    """Record an act of an incident, and say what is due next.

    *act_in* makes it, given the zone in which the client's times are meant.
    """
    settings = load_settings(config).settings
    present = now()
    with reading(settings) as reader:
        found = find_incident(settings, reader, reference)
    at = second_at(when, found.client.zone, "--at", present)
    act = hidden_in_act(act_in(found.client.zone), mask_for(settings))
    path = Path(settings.journal_path)
    event = record(
        path,
        found.client,
        present,
        lambda recording: wanted(recording.add(found.incident.reference, act, at=at, by=by)),
        found.book,
    )
    say_recorded(settings, found.client, event, present, as_json=as_json, book=found.book)


def say_recorded(
    settings: Settings,
    client: ClientSettings,
    event: Event,
    present: Instant,
    *,
    as_json: bool,
    book: Casebook | None = None,
) -> None:
    """Say what was recorded, and which clock is due next; *book* is the client's as it was read."""
    if as_json:
        emit({**event_json(event), "incident": event.incident})
        return
    at = show_second(event.at, client.zone)
    click.echo(f"{event.incident}: {event.act.kind} at {at} by {visible(event.by)}")
    with reading(settings) as reader:
        book = Casebook() if book is None else book
        book.take(reader.entries(client.id, KINDS, after=book.last))
        found = Found(client, book, book.incident(event.incident))
        each = _stands(OutageReader(reader, client), found, present)
    _note_channel(event, client)
    due = next_due(each.readings)
    if due is not None:
        click.echo(f"next due: {due.clock}, {show_second(due.due, client.zone)}")


def _note_channel(event: Event, client: ClientSettings) -> None:
    """Say so where a report came through a channel that starts no clock: a slip would be silent."""
    channel = event.act.channel if isinstance(event.act, Opened | Reported) else ""
    support = client.support
    if not Desk(support, OpenTime(None)).official(channel):
        official = f": {choice_of(support.official)} does" if support.official else ""
        click.echo(f"a report through {visible(channel)} starts no clock{official}")


def _stands(outages: OutageReader, found: Found, present: Instant) -> IncidentNow:
    at = Second(present // SECOND)
    return incident_now(outages, found.client, found.book, found.incident, at)


def _edited(client: ClientSettings, each: Incident) -> bool:
    """Return whether the contract says something else now than when *each* was opened."""
    return each.terms != digest(support_text(client.support))


@incident.command("list")
@only_client_option
@click.option("--service", help="Only this service's.")
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.option("--month", type=Month(), help="Those opened in that month, closed ones too.")
@json_option
@config_option
@told
def list_incidents(
    client: str | None,
    service: str | None,
    everything: bool,
    month: tuple[int, int] | None,
    as_json: bool,
    config: str | None,
) -> None:
    """List the incidents that are not closed, the oldest first."""
    settings = load_settings(config).settings
    if service is not None:
        find_service(settings, service)
    present = now()
    found: list[tuple[IncidentNow, ClientSettings]] = []
    with reading(settings) as reader:
        for whose in chosen_clients(settings, client):
            book, outages = casebook(reader, whose.id), OutageReader(reader, whose)
            chosen = _chosen(book, whose, service, month, everything=everything)
            found += [
                (_stands(outages, Found(whose, book, each), present), whose) for each in chosen
            ]
    if as_json:
        emit({"incidents": [_json(each, whose) for each, whose in found]})
        return
    if not found:
        click.echo("no incidents" if everything or month else "no incident is open")
    else:
        print_list([(each, whose.zone) for each, whose in found])
    warn_of_made_up(settings)


def _json(each: IncidentNow, client: ClientSettings) -> Mapping[str, object]:
    return {"client": client.id, **as_json(each, edited=_edited(client, each.incident))}


def _chosen(
    book: Casebook,
    client: ClientSettings,
    service: str | None,
    month: tuple[int, int] | None,
    *,
    everything: bool,
) -> Iterator[Incident]:
    minutes = None if month is None else month_minutes(*month, client.zone)
    for each in sorted(book.incidents(service or ""), key=lambda one: one.opened):
        if minutes is not None:
            if each.opened // 60 in minutes:
                yield each
        elif everything or each.closed is None:
            yield each


@incident.command()
@click.argument("reference")
@json_option
@config_option
@told
def show(reference: str, as_json: bool, config: str | None) -> None:
    """Show an incident whole: its clocks with due times, and what happened.

    Times are those of the contract's zone; where this machine's differ, both are shown.
    """
    settings = load_settings(config).settings
    with reading(settings) as reader:
        found = find_incident(settings, reader, reference)
        each = _stands(OutageReader(reader, found.client), found, now())
    if as_json:
        emit(_json(each, found.client))
        return
    edited = _edited(found.client, each.incident)
    print_incident(each, found.client.zone, edited=edited)
    warn_of_made_up(settings)


@incident.command("open")
@click.option("--service", required=True, help="The service that it is about.")
@click.option("--severity", default="", help="One of the contract's. [default: to be classified]")
@click.option("--proposed", is_flag=True, help="The severity waits for a person to confirm it.")
@click.option(
    "--fault",
    type=click.Choice([str(fault) for fault in Fault]),
    help="Whose fault it is. [default: vendor]",
)
@click.option("--reported", metavar="TIME", help="When the client reported it.")
@click.option("--channel", default="", help="Through which channel the report came.")
@click.option("--recurrence-of", default="", help="The incident that came again.")
@click.option("--ticket", default="", help="Its number in another system.")
@click.option("--words", default="", help="What it is about, or why it is whose fault.")
@by_option
@at_option
@json_option
@config_option
@told
def open_incident(  # noqa: PLR0913 - one for each option
    service: str,
    severity: str,
    proposed: bool,
    fault: str | None,
    reported: str | None,
    channel: str,
    recurrence_of: str,
    ticket: str,
    words: str,
    by: str,
    when: str | None,
    as_json: bool,
    config: str | None,
) -> None:
    """Open an incident that the monitor did not find; the reference is printed."""
    settings = load_settings(config).settings
    one, present = find_service(settings, service), now()
    client = settings.client_of(service)
    at = second_at(when, client.zone, "--at", present)
    came = None if reported is None else second_at(reported, client.zone, "--reported", present)
    act = Opened(
        service=one.id,
        stage=one.stage,
        severity=severity,
        proposed=proposed,
        fault=Fault(fault) if fault else Fault.VENDOR,
        reported=at if came is None and channel else came,
        channel=channel,
        recurrence_of=recurrence_of.upper(),
        words=words,
        ticket=ticket,
    )
    hidden = hidden_in_act(act, mask_for(settings))
    event = record(
        Path(settings.journal_path),
        client,
        present,
        lambda recording: wanted(recording.open(hidden, at=at, by=by)),
    )
    say_recorded(settings, client, event, present, as_json=as_json)


@incident.command("import")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--client", help="Whose incidents they are; needed when there are several.")
@click.option("--skip-bad", is_flag=True, help="Leave out what is refused and record the rest.")
@config_option
@told
def import_events(file: IO[str], client: str | None, skip_bad: bool, config: str | None) -> None:
    """Record events of a ticket system from FILE (`-` is standard input), a JSON object a line.

    All or nothing, unless --skip-bad; the same file again changes nothing.
    """
    settings = load_settings(config).settings
    whose = find_client(settings, client)
    lines = [told_in(text, n) for n, text in enumerate(file, start=1) if text.strip()]
    mask, path = mask_for(settings), Path(settings.journal_path)
    hidden = [
        replace(line, act=hidden_in_act(line.act, mask)) if isinstance(line, Told) else line
        for line in lines
    ]
    taken = take_events(path, whose, now(), hidden, skip_bad=skip_bad)
    for line, reason in taken.refused:
        click.echo(f"line {line}: {visible(reason)}", err=True)
    if taken.refused and not skip_bad:
        wrong(f"nothing was recorded: {counted(len(taken.refused), 'line')} refused")
    click.echo(f"{counted(len(taken.recorded), 'event')} recorded, {taken.known} known before")


@incident.command()
@click.option("--client", help="Only this client's services.")
@click.option("--month", type=Month(), required=True, help="The month, in each client's zone.")
@json_option
@config_option
@told
def detect(client: str | None, month: tuple[int, int], as_json: bool, config: str | None) -> None:
    """Open the incidents that a month's outages are and that are not on record.

    The daemon does it by itself from its first start on; this is for outages before that, and for
    imported ones. Doing it again changes nothing.
    """
    settings = load_settings(config).settings
    present = now()
    recorded: list[Event] = []
    for whose in chosen_clients(settings, client):
        minutes = month_minutes(*month, whose.zone)
        until = Minute(min(minutes.stop, minute_of(present)))
        with reading(settings) as reader:
            found = missing(
                reader, whose, casebook(reader, whose.id), Minute(minutes.start), until,
            )  # fmt: skip
        if found:
            recorded += record_outages(Path(settings.journal_path), whose, present, found)
    opened = [event.incident for event in recorded if isinstance(event.act, Opened)]
    if as_json:
        emit({"opened": opened, "events": len(recorded)})
        return
    click.echo(
        f"{counted(len(opened), 'incident')} opened{': ' if opened else ''}{', '.join(opened)}"
    )
