"""What is up now, and whether the record can be made again from the looks."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

import click

from uptimed.cli.common import (
    NO,
    Month,
    config_option,
    counted,
    emit,
    find_client,
    find_service,
    from_option,
    json_option,
    load_settings,
    now,
    percent,
    record,
    show_minute,
    show_utc,
    table,
    told,
    warn_of_made_up,
    wrong,
)
from uptimed.cli.open_incidents import open_incidents, open_json, print_open
from uptimed.core.corrections import corrected
from uptimed.core.entries import entry_faults
from uptimed.core.minutes import (
    MINUTE,
    MINUTES_PER_DAY,
    Minute,
    minute_of,
    moment_of,
    moment_of_minute,
    month_minutes,
)
from uptimed.core.observations import SECOND
from uptimed.core.outages import Outage
from uptimed.core.settings import ClientSettings, ServiceSettings, Settings
from uptimed.core.strip import NOT_MEASURED
from uptimed.core.terms import ContractTerms
from uptimed.ledger.month import ServiceMonth, service_month
from uptimed.ledger.replaying import Replay
from uptimed.ledger.replaying import replay as settle_again
from uptimed.ledger.statement import first_evidence
from uptimed.ledger.vantages import LastLook, last_looks
from uptimed.logs import visible
from uptimed.ports import JournalReader
from uptimed.wiring.records import Behind, followers_of

_FRESH = 3  # minutes after which a last letter is no news of now

_WORDS = {
    "U": "up",
    "G": "degraded",
    "D": "SYSTEM DOWN",
    "L": "LOGIN FAILURE",
    "N": "not measured",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Now:
    """A service as it is now: its last letter, since when, and its month so far."""

    client: ClientSettings
    service: ServiceSettings
    letter: str
    unverified: bool
    since: Minute | None
    settled: Minute | None  # the last minute with a letter
    outage: Outage | None
    reason: str
    month: ServiceMonth
    vantages: tuple[LastLook, ...] = ()  # of a service with several

    @property
    def down(self) -> bool:
        return self.letter in self.client.contract.down


@click.command()
@click.option("--client", help="Only this client's services.")
@click.option("--service", help="Only this service.")
@json_option
@from_option
@config_option
@told
def status(
    client: str | None, service: str | None, as_json: bool, source: str, config: str | None
) -> None:
    """What is up now, since when, and how much of the month's budget is left.

    Ends with 1 when something is down.
    """
    settings = load_settings(config).settings
    present = now()
    at = minute_of(present)
    chosen = _chosen(settings, client, service)
    with record(settings, source) as reader:
        found = [_look_up(reader, settings.client_of(s.id), s, at) for s in chosen]
        beat = reader.heartbeat()
        followers = followers_of(settings, reader, present)
        incidents = open_incidents(reader, settings, chosen, present)
    alive = minute_of(beat) if beat is not None else None
    if as_json:
        told_alive = show_utc(alive) if alive is not None else None
        services = [_as_json(item) for item in found]
        emit(
            {
                "at": show_utc(at),
                "made_up": settings.made_up,
                "daemon_last_alive": told_alive,
                "services": services,
                "incidents": [open_json(one) for one in incidents],
                "followers": [_follower_as_json(one) for one in followers],
            }
        )
    else:
        _print(found, at)
        print_open(incidents, present)
        _print_followers(followers)
        warn_of_made_up(settings)
        _warn_of_silence(alive, at)
    sys.exit(NO if any(item.down for item in found) else 0)


def _chosen(
    settings: Settings, client: str | None, service: str | None
) -> Sequence[ServiceSettings]:
    """Return the services that the options name; without any, all of them."""
    whose = find_client(settings, client) if client is not None else None
    if service is None:
        return settings.services if whose is None else whose.services
    one = find_service(settings, service)
    if whose is not None and one.client != whose.id:
        wrong(f"service: {one.id} is of client {one.client}, not of {whose.id}")
    return [one]


def _print_followers(followers: Sequence[Behind]) -> None:
    """Say of each follower that is behind by how much."""
    for one in followers:
        if one.backlog:
            since = "" if one.lag_us is None else f", the oldest {_ago(one.lag_us // MINUTE)}"
            click.echo(
                f"{one.name}: {counted(one.backlog, 'record')} not there yet{since}", err=True
            )


def _follower_as_json(one: Behind) -> Mapping[str, object]:
    lag = None if one.lag_us is None else one.lag_us // SECOND
    return {"name": one.name, "backlog": one.backlog, "lag_seconds": lag}


def _warn_of_silence(alive: Minute | None, at: Minute) -> None:
    """Say that nobody looks, where the daemon was not heard of lately."""
    if alive is None:
        click.echo("the daemon has never run on this journal: start `uptimed run`", err=True)
    elif at - alive > _FRESH:
        click.echo(
            f"the daemon was last heard of at {show_utc(alive)}, {_ago(at - alive)}: "
            "it does not run, or cannot write its journal",
            err=True,
        )


def _look_up(
    reader: JournalReader, client: ClientSettings, service: ServiceSettings, now: Minute
) -> _Now:
    local = moment_of_minute(now).astimezone(client.zone)
    month = service_month(reader, client, service, local.year, local.month, now)
    span = reader.span(service.id)
    settled = Minute(span.stop - 1) if span else None
    fresh = settled is not None and now - settled <= _FRESH
    mark = NOT_MEASURED
    if fresh and settled is not None:
        last = reader.letters(service.id, settled, Minute(settled + 1))
        mark = corrected(last, month.entered.corrections_of(service.id))[0].letters
    letter = mark.upper()
    since = _since(reader, service, Minute(settled + 1), letter) if fresh and settled else None
    outage = month.outages[-1] if month.outages and month.outages[-1].stop is None else None
    return _Now(
        client=client,
        service=service,
        letter=letter,
        unverified=mark.islower(),
        since=since,
        settled=settled,
        outage=outage,
        reason=first_evidence(reader, service, outage).reason if outage else "",
        month=month,
        vantages=last_looks(reader, service, now),
    )


def _since(reader: JournalReader, service: ServiceSettings, stop: Minute, letter: str) -> Minute:
    """Return since when, before *stop*, the service has its *letter*."""
    span = reader.span(service.id)
    earliest = span.start if span is not None else stop
    reach = MINUTES_PER_DAY
    while True:
        start = Minute(max(earliest, stop - reach))
        plain = reader.letters(service.id, start, stop).plain
        same = len(plain) - len(plain.rstrip(letter))
        if same < len(plain) or start == earliest:
            return Minute(stop - same)
        reach *= 8


def _print(found: list[_Now], at: Minute) -> None:
    rows = [list(_row(item, at)) for item in found]
    table(["SERVICE", "NOW", "SINCE", "MONTH", "TARGET", "DOWN", "LEFT", "COVERAGE", "LAST"], rows)
    for item in found:
        if item.outage is not None:
            started = show_minute(item.outage.start, item.client.zone)
            click.echo(
                f"{item.service.id}: down since {started}, "
                f"{counted(len(item.outage.down), 'minute')}; "
                f"{visible(item.reason) or 'no look is kept'}"
            )
        for one in item.vantages:
            if one.silent:
                click.echo(
                    f"{item.service.id}: nothing from {one.vantage} {_since_when(one, item)}"
                )


def _since_when(last: LastLook, item: _Now) -> str:
    if last.minute is None:
        return "for more than an hour"
    return f"since {show_minute(last.minute, item.client.zone)}"


def _row(item: _Now, at: Minute) -> Iterator[str]:
    figures = item.month.figures
    word = _WORDS[item.letter]
    yield item.service.id
    yield (
        click.style(word, fg="red", bold=True)
        if item.down
        else word + (" (login not verified)" if item.unverified else "")
    )
    yield show_minute(item.since, item.client.zone) if item.since is not None else "-"
    yield f"{percent(figures.availability_ppm)} %" if figures.measured else "-"
    yield _target(item.month.contract)
    yield f"{figures.down} of {figures.allowed} min"
    yield str(figures.remaining)
    yield f"{percent(figures.coverage_ppm)} %" if figures.scope else "-"
    yield _ago(at - item.settled) if item.settled is not None else "never"


def _ago(minutes: int) -> str:
    """Return how long ago something was, in the largest unit that says something."""
    if minutes < 2 * 60:
        return f"{max(0, minutes)} min ago"
    hours = minutes // 60
    return f"{hours} h ago" if hours < 2 * 24 else f"{hours // 24} days ago"


def _target(contract: ContractTerms) -> str:
    return f"{contract.target} %" + ("" if contract.promised else " (house)")


def _as_json(item: _Now) -> Mapping[str, object]:
    figures = item.month.figures
    return {
        "client": item.client.id,
        "service": item.service.id,
        "name": item.service.name,
        "letter": item.letter,
        "state": _WORDS[item.letter].lower(),
        "down": item.down,
        "unverified": item.unverified,
        "since": show_utc(item.since) if item.since is not None else None,
        "last_settled": show_utc(item.settled) if item.settled is not None else None,
        "month": item.month.period.month,
        "availability": percent(figures.availability_ppm),
        "target": item.month.contract.target,
        "promised": item.month.contract.promised,
        "down_minutes": figures.down,
        "allowed_down_minutes": figures.allowed,
        "remaining_down_minutes": figures.remaining,
        "not_measured_minutes": figures.not_measured,
        "coverage": percent(figures.coverage_ppm),
        "verdict": str(figures.verdict),
        "vantages": [
            {
                "name": one.vantage,
                "last_look": show_utc(one.minute) if one.minute is not None else None,
                "silent": one.silent,
            }
            for one in item.vantages
        ],
        "outage": None
        if item.outage is None
        else {
            "class": item.outage.kind,
            "started_at": show_utc(item.outage.start),
            "minutes": len(item.outage.down),
            "reason": item.reason,
        },
    }


@click.command()
@click.option("--month", type=Month(), required=True, help="The month, in each client's zone.")
@click.option("--client", help="Only this client's services.")
@click.option("--service", help="Only this service.")
@json_option
@from_option
@config_option
@told
def replay(
    month: tuple[int, int],
    client: str | None,
    service: str | None,
    as_json: bool,
    source: str,
    config: str | None,
) -> None:
    """Settle a month again from its looks, and compare with the letters on record.

    Sealed days are held against their chain as well, and so is what people entered. Ends with 1
    when anything differs.
    """
    settings = load_settings(config).settings
    found: list[Replay] = []
    broken: dict[str, tuple[str, ...]] = {}
    limit = moment_of(now()).date() - timedelta(days=settings.retention_days)
    with record(settings, source) as reader:
        for one in _chosen(settings, client, service):
            minutes = month_minutes(*month, settings.client_of(one.id).zone)
            start, stop = Minute(minutes.start), Minute(minutes.stop)
            found.append(settle_again(reader, one, start, stop, pruned_before=limit))
            if one.client not in broken:
                broken[one.client] = entry_faults(reader.entries(one.client))
    agrees = all(r.agrees for r in found) and not any(broken.values())
    if as_json:
        emit(
            {
                "agrees": agrees,
                "services": [_replayed(r) for r in found],
                "entries": {name: list(faults) for name, faults in broken.items()},
            }
        )
    else:
        for one_replay in found:
            _print_replay(one_replay)
        for fault in chain.from_iterable(broken.values()):
            click.echo(f"what was entered: NOT as it was; {fault}")
    sys.exit(0 if agrees else NO)


def _replayed(found: Replay) -> Mapping[str, object]:
    return {
        "service": found.service,
        "agrees": found.agrees,
        "compared_minutes": found.compared,
        "differences": [
            {
                "start": show_utc(d.start),
                "end": show_utc(d.stop),
                "on_record": d.on_record,
                "replayed": d.replayed,
            }
            for d in found.differences
        ],
        "without_looks": [day.isoformat() for day in found.without_looks],
        "chain": [
            {"day": fault.day.isoformat() if fault.day else None, "reason": fault.reason}
            for fault in found.chain
        ],
        "sealed_days": found.sealed_days,
    }


def _print_replay(found: Replay) -> None:
    if found.agrees and not found.compared and not found.sealed_days:
        click.echo(f"{found.service}: nothing is on record in that month")
        return
    verdict = "the same letters" if found.agrees else "NOT the same"
    click.echo(
        f"{found.service}: {verdict}; {counted(found.compared, 'minute')} settled again, "
        f"{counted(found.sealed_days, 'sealed day')}"
    )
    for difference in found.differences:
        click.echo(
            f"  {show_utc(difference.start)} to {show_utc(difference.stop)}: on record "
            f"{_short(difference.on_record)}, replayed {_short(difference.replayed)}"
        )
    for fault in found.chain:
        click.echo(f"  {fault.day}: {fault.reason}")
    if found.without_looks:
        days = counted(len(found.without_looks), "sealed day")
        click.echo(f"  of {days} the looks are no longer kept (retention)")


def _short(letters: str) -> str:
    return letters if len(letters) <= 40 else f"{letters[:37]}..."
