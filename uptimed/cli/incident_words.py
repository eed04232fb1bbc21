"""Incidents and their clocks as a terminal and as JSON show them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo

import click

from uptimed.cli.common import table, terminal_columns
from uptimed.core.calendars import Second, utc_second
from uptimed.core.clocks import ClockVerdict, Reading, Why
from uptimed.core.incidents import Event, Incident
from uptimed.core.incidents.recording import body_of
from uptimed.ledger.incidents import IncidentNow
from uptimed.logs import visible

_WHY = {
    Why.PROPOSED: "the severity is only proposed: confirm it with `uptimed incident classify`",
    Why.AGREED: "the contract leaves the target to each account, and this one's is not written",
    Why.NO_TARGET: "no target",
    Why.TRACKED: "tracked, nothing is promised",
    Why.MEAN: "a mean, shown without a verdict",
    Why.SHARE: "a share, shown without a verdict",
}


def show_second(at: Second | None, zone: tzinfo | None) -> str:
    """Return *at* as a wall clock in *zone* shows it, None being this machine's; - for None."""
    if at is None:
        return "-"
    moment = datetime.fromtimestamp(at, UTC).astimezone(zone)
    return moment.strftime("%Y-%m-%d %H:%M:%S %z" if at % 60 else "%Y-%m-%d %H:%M %z")


def show_length(seconds: int) -> str:
    """Return a length of open time: `1 h 31 min`, `-4 min 10 s`."""
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    named = ((hours, "h"), (minutes, "min"), (rest, "s"))
    parts = [f"{amount} {unit}" for amount, unit in named if amount]
    return ("-" if seconds < 0 else "") + (" ".join(parts[:2]) or "0 min")


def next_due(readings: Sequence[Reading]) -> Reading | None:
    """Return the clock that is due first of those that run; None where none does.

    What repeats is due again after a miss. A mean or share that is shown without a verdict is no
    promise, and the desk aims at it all the same.
    """
    running = [r for r in readings if r.stopped is None and r.due is not None and _open(r)]
    return min(running, key=lambda r: r.due or 0, default=None)


def _open(reading: Reading) -> bool:
    if reading.verdict is ClockVerdict.PAUSED:
        return False
    return reading.within is None or reading.terms.repeats


def print_list(found: Sequence[tuple[IncidentNow, tzinfo]]) -> None:
    """Print incidents, a line each."""
    rows = [list(_row(each, zone)) for each, zone in found]
    header = ["REFERENCE", "SERVICE", "CLASS", "SEVERITY", "STATE", "OPENED", "NEXT DUE", "MISSED"]
    table(header, rows, within=terminal_columns())


def _row(each: IncidentNow, zone: tzinfo) -> Iterator[str]:
    incident, due = each.incident, next_due(each.readings)
    yield incident.reference
    yield incident.service
    yield class_of(each) or "-"
    yield severity_words(incident)
    yield incident.state
    yield show_second(incident.opened, zone)
    yield "-" if due is None else f"{due.clock} {show_second(due.due, zone)}"
    missed = [str(r.clock) for r in each.readings if r.verdict is ClockVerdict.MISSED]
    yield click.style(", ".join(missed), fg="red") if missed else "-"


def class_of(each: IncidentNow) -> str:
    """Return the gravest class of its outages, or the one it was opened with."""
    return each.incident.kind if each.group is None else each.group.kind


def severity_words(incident: Incident) -> str:
    """Return the severity in force, and whether it waits for a person."""
    if not incident.severity:
        return "not classified"
    return f"{incident.severity} (proposed)" if incident.proposed else incident.severity


def print_incident(each: IncidentNow, zone: tzinfo, *, edited: bool) -> None:
    """Print one incident whole: what it is, its clocks, and what happened."""
    for line in _head(each, zone, edited=edited):
        click.echo(line)
    if each.readings:
        click.echo()
        here = _differs(each.readings, zone)
        header = ["CLOCK", "TARGET", "FROM", "DUE", "LEFT", "VERDICT"]
        rows = [list(_clock(reading, zone, here=here)) for reading in each.readings]
        if here:
            header.insert(4, "DUE HERE")
        table(header, rows)
    click.echo()
    for event in each.incident.timeline:
        click.echo(event_line(event, zone))
    for event, reason in each.incident.ignored:
        click.echo(f"without effect: {event.act.kind} by {visible(event.by)}: {reason}")


def _head(each: IncidentNow, zone: tzinfo, *, edited: bool) -> Iterator[str]:
    incident = each.incident
    kind = class_of(each)
    yield (
        f"{incident.reference}: {incident.service}, {incident.state}, "
        f"{severity_words(incident)}{f', {kind}' if kind else ''}"
    )
    if incident.ticket:
        yield f"ticket elsewhere: {visible(incident.ticket)}"
    if incident.recurrence_of:
        yield f"came again: {incident.recurrence_of} was the same within the 30 days before"
    if each.group is not None:
        ended = each.group.ended_at
        until = "it lasts" if ended is None else f"until {show_second(ended, zone)}"
        down = sum(len(outage.down) for outage in each.group.outages)
        yield f"down from {show_second(each.group.started_at, zone)}, {until}; {down} down minutes"
    if each.lost:
        yield (
            "its outage is not on record any more: looks that came late, or a correction, took it "
            "away; close it with the reason"
        )
    if incident.cause:
        yield f"cause: {visible(incident.cause)}"
    if incident.remedy:
        yield f"remedy: {visible(incident.remedy)}"
    if edited:
        yield (
            "the contract or its file was changed since: this incident is judged by the terms that "
            f"were in force when it opened (SHA-256 {incident.terms[:12]}...)"
        )


def _differs(readings: Sequence[Reading], zone: tzinfo) -> bool:
    """Return whether this machine's clock shows another time than the contract's zone."""
    return any(r.due and show_second(r.due, zone) != show_second(r.due, None) for r in readings)


def _clock(reading: Reading, zone: tzinfo, *, here: bool) -> Iterator[str]:
    yield str(reading.clock) + (f" ({reading.terms.channel})" if reading.terms.channel else "")
    yield target_words(reading)
    yield show_second(reading.started, zone)
    yield show_second(reading.due, zone)
    if here:
        yield show_second(reading.due, None)
    running = reading.verdict in {ClockVerdict.RUNNING, ClockVerdict.PAUSED}
    left = reading.remaining if running else None
    yield f"took {show_length(reading.elapsed)}" if left is None else show_length(left)
    yield _verdict(reading)


def target_words(reading: Reading) -> str:
    """Return a clock's target as the contract writes it, with its calendar."""
    terms = reading.terms
    if terms.target is None:
        return "-"
    every = "every " if terms.repeats else ""
    return f"{every}{terms.target.text}{' 24x7' if terms.calendar == '24x7' else ''}"


def _verdict(reading: Reading) -> str:
    verdict = reading.verdict
    if verdict is ClockVerdict.NOT_JUDGED:
        return _WHY.get(reading.why, str(verdict))
    words = str(verdict)
    if reading.pending:
        words += f", level {reading.pending[-1].level} is due"
    if verdict is ClockVerdict.MISSED:
        return click.style(words, fg="red", bold=True)
    if reading.unmeasured and verdict is ClockVerdict.UNDETERMINED:
        words += f": {show_length(reading.unmeasured)} were not measured"
    return words


def event_line(event: Event, zone: tzinfo) -> str:
    """Return what happened in an event, on one line."""
    said = {k: v for k, v in body_of(event).items() if k not in _PLAIN and v not in {"", None}}
    words = ", ".join(_said(key, value, zone) for key, value in said.items())
    return (
        f"{show_second(event.at, zone)}  {event.act.kind} by {visible(event.by)}"
        f"{f': {words}' if words else ''}"
    )


_PLAIN = {"id", "kind", "at", "terms", "service", "stage"}


def _said(key: str, value: object, zone: tzinfo) -> str:
    if isinstance(value, bool):
        return key if value else f"not {key}"
    if key in {"reported", "since"} and isinstance(value, int):
        return f"{key} {show_second(Second(value), zone)}"
    return f"{key} {visible(str(value))}"


def as_json(each: IncidentNow, *, edited: bool) -> Mapping[str, object]:
    """Return an incident for machines."""
    incident, group = each.incident, each.group
    return {
        "reference": incident.reference,
        "service": incident.service,
        "stage": incident.stage,
        "class": class_of(each) or None,
        "severity": incident.severity or None,
        "proposed": incident.proposed,
        "fault": str(incident.fault),
        "state": incident.state,
        "opened": utc_second(incident.opened),
        "reported": utc_second(incident.reported),
        "restored": utc_second(incident.restored),
        "resolved": utc_second(incident.resolved),
        "closed": utc_second(incident.closed),
        "recurrence_of": incident.recurrence_of or None,
        "ticket": incident.ticket or None,
        "cause": incident.cause,
        "remedy": incident.remedy,
        "outage": None
        if group is None
        else {
            "started_at": utc_second(group.started_at),
            "ended_at": utc_second(group.ended_at),
            "down_minutes": sum(len(outage.down) for outage in group.outages),
        },
        "outage_lost": each.lost,
        "terms_sha256": incident.terms,
        "terms_edited": edited,
        "clocks": [clock_json(reading) for reading in each.readings],
        "timeline": [event_json(event) for event in incident.timeline],
    }


def event_json(event: Event) -> Mapping[str, object]:
    """Return an event for machines; instants in UTC."""
    said = dict(body_of(event))
    return {**said, "at": utc_second(event.at), "by": event.by}


def clock_json(reading: Reading) -> Mapping[str, object]:
    """Return what a clock says for machines; lengths in open seconds."""
    target = reading.terms.target
    return {
        "clock": str(reading.clock),
        "severity": reading.severity or None,
        "plan": reading.plan or None,
        "channel": reading.terms.channel or None,
        "calendar": reading.terms.calendar,
        "target": None if target is None else target.text,
        "target_seconds": reading.target,
        "started": utc_second(reading.started),
        "stopped": utc_second(reading.stopped),
        "due": utc_second(reading.due),
        "decided": utc_second(reading.decided_at),
        "elapsed_seconds": reading.elapsed,
        "remaining_seconds": reading.remaining,
        "unmeasured_seconds": reading.unmeasured,
        "verdict": str(reading.verdict),
        "why": str(reading.why) or None,
        "escalations_due": [
            {"level": each.level, "due": utc_second(each.due)} for each in reading.pending
        ],
    }
