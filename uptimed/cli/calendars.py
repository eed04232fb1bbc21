"""Holidays of support clocks: showing them, and having a person approve a newer list."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import click

from reports.files import write_atomically
from uptimed.cli.common import (
    NO,
    config_option,
    emit,
    json_option,
    load_settings,
    now,
    table,
    told,
    wrong,
)
from uptimed.config import ConfigError
from uptimed.config.calendars import (
    WEEKDAYS,
    CalendarFile,
    calendar_text,
    read_calendar,
    shipped,
)
from uptimed.config.checking import Findings
from uptimed.config.holidaylist import listed
from uptimed.core.holidays import HolidaySet, changes
from uptimed.core.minutes import moment_of
from uptimed.core.settings import Settings

_AHEAD = 2  # years after the present one that a list is asked for


@click.group()
def calendar() -> None:
    """The holidays that support clocks count with: frozen, and approved by a person."""


def _whose(command: Any) -> Any:
    """Give a command `--client` and `--contract`."""
    command = click.option("--contract", metavar="ID", help="All clients of this contract.")(
        command
    )
    return click.option("--client", metavar="ID", help="This client.")(command)


@calendar.command("show")
@_whose
@click.option("--year", type=click.IntRange(1990, 2199), help="This year alone.")
@json_option
@config_option
@told
def show_calendar(
    client: str | None, contract: str | None, year: int | None, as_json: bool, config: str | None
) -> None:
    """Every day that the support clocks of a client leave out, and who approved it."""
    found = _calendars(load_settings(config).settings, client, contract)
    sets = {path: _present(path, set_id) for path, set_id in found.items()}
    if as_json:
        emit([_as_json(path, each) for path, (_, each) in sets.items()])
        return
    for path, (file, holidays) in sets.items():
        where = str(path) if file else f"ships with uptimed; {path} is not there yet"
        click.echo(f"{holidays.id}: {where}")
        click.echo(_said(holidays))
        days = [day for day in holidays.days if year in {None, day.year}]
        rows = [[day.isoformat(), f"{day:%a}", holidays.days[day]] for day in days]
        rows += [
            [day.isoformat(), f"{day:%a}", f"is worked, with the hours of {WEEKDAYS[weekday]}"]
            for day, weekday in holidays.extra_days.items()
            if year in {None, day.year}
        ]
        table(["DAY", "", "WHAT"], sorted(rows))


def _said(holidays: HolidaySet) -> str:
    by = "approved by nobody"
    if holidays.approved_by:
        by = f"approved by {holidays.approved_by} at {holidays.approved_at}"
    return (
        f"{holidays.first_year} to {holidays.last_year}, version {holidays.version}, "
        f"from {holidays.source or 'nowhere named'}, {by}"
    )


def _as_json(path: Path, holidays: HolidaySet) -> Mapping[str, Any]:
    return {
        "id": holidays.id,
        "file": str(path),
        "version": holidays.version,
        "source": holidays.source,
        "first_year": holidays.first_year,
        "last_year": holidays.last_year,
        "approved_by": holidays.approved_by or None,
        "approved_at": holidays.approved_at or None,
        "days": {day.isoformat(): name for day, name in sorted(holidays.days.items())},
        "extra_days": {
            day.isoformat(): WEEKDAYS[weekday]
            for day, weekday in sorted(holidays.extra_days.items())
        },
    }


@calendar.command("update")
@_whose
@click.option("--by", metavar="NAME", required=True, help="Who approves the days.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
@told
def update_calendar(
    client: str | None, contract: str | None, by: str, yes: bool, config: str | None
) -> None:
    """Show how the newest list differs from what counts now, ask, and write the calendar file.

    Days of years that are past stay as they are; days that you wrote into `also` or `except` stay
    too. Ends with 1 where the answer is no.
    """
    if not " ".join(by.split()):
        wrong("--by: found nothing, wanted the name of who approves the days")
    found = _calendars(load_settings(config).settings, client, contract)
    at = moment_of(now()).replace(microsecond=0)
    answers = [
        _update(path, set_id, by=" ".join(by.split()), at=at.isoformat(), today=at.date(), yes=yes)
        for path, set_id in found.items()
    ]
    sys.exit(0 if all(answers) else NO)


def _update(path: Path, set_id: str, *, by: str, at: str, today: date, yes: bool) -> bool:
    file, _ = _present(path, set_id)
    old = file.listed if file else shipped(set_id)
    new = _newest(old, set_id, today)
    lines = list(_difference(old, new))
    approved = file is not None and bool(old.approved_by)
    click.echo(f"{set_id}: {path}" if file else f"{set_id}: {path} (new)")
    if approved and not lines and new.last_year == old.last_year:
        click.echo(f"Nothing differs from what {old.approved_by} approved at {old.approved_at}.")
        return True
    if not approved:
        lines = [f"  {day} {day:%a} {new.days[day]}" for day in sorted(new.days) if day >= today]
        lines += _extra_lines(new, " ", [day for day in sorted(new.extra_days) if day >= today])
        click.echo("Nobody approved these days yet:")
    for line in lines:
        click.echo(line)
    click.echo(f"From {new.source}, up to the end of {new.last_year}.")
    if not yes and not click.confirm(f"Write {path}, approved by {by}?"):
        click.echo("Nothing was written.")
        return False
    kept = replace(new, version=today.isoformat(), approved_by=by, approved_at=at)
    also, without = (file.also, file.without) if file else ({}, frozenset[date]())
    _write(path, calendar_text(kept, also=also, without=without))
    click.echo(f"{path} is written. It counts after the next start or reload of the daemon.")
    return True


def _newest(old: HolidaySet, set_id: str, today: date) -> HolidaySet:
    """Return the newest list, with the days of years that are past as they were approved."""
    new = listed(set_id, today.year, today.year + _AHEAD)
    past = {day: name for day, name in old.days.items() if day.year < today.year}
    past_extra = {day: each for day, each in old.extra_days.items() if day.year < today.year}
    return replace(
        new,
        first_year=min(old.first_year, new.first_year),
        days={**past, **new.days},
        extra_days={**past_extra, **new.extra_days},
    )


def _difference(old: HolidaySet, new: HolidaySet) -> Iterator[str]:
    found = changes(old, new)
    for day in found.added:
        yield f"+ {day} {day:%a} {new.days[day]}"
    for day in found.removed:
        yield f"- {day} {day:%a} {old.days[day]}"
    for day in found.renamed:
        yield f"~ {day} {day:%a} {old.days[day]} -> {new.days[day]}"
    yield from _extra_lines(new, "+", found.extra_added)
    yield from _extra_lines(old, "-", found.extra_removed)


def _extra_lines(holidays: HolidaySet, mark: str, days: tuple[date, ...] | list[date]) -> list[str]:
    return [
        f"{mark} {day} {day:%a} is worked, with the hours of {WEEKDAYS[holidays.extra_days[day]]}"
        for day in days
    ]


def _write(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode())
    except OSError as error:
        wrong(f"{path}: {error.strerror}")


def _present(path: Path, set_id: str) -> tuple[CalendarFile | None, HolidaySet]:
    """Return the file as it is, None where there is none, and the days that count."""
    if not path.exists():
        return None, shipped(set_id)
    findings = Findings()
    found = read_calendar(path, set_id, findings)
    if found is None:
        raise ConfigError(findings.mistakes)
    return found, found.holidays


def _calendars(settings: Settings, client: str | None, contract: str | None) -> Mapping[Path, str]:
    """Return the calendar files of those clients, each once, and the set that each holds."""
    whose = [
        each
        for each in settings.clients
        if client in {None, each.id} and contract in {None, each.contract.id}
    ]
    found = {
        Path(each.calendar_path): each.support.calendar.holidays
        for each in whose
        if each.calendar_path
    }
    if not whose:
        ids = ", ".join(each.id for each in settings.clients)
        of = ", ".join(sorted({each.contract.id for each in settings.clients}))
        wrong(f"no such client: wanted one of {ids} (contracts: {of})")
    if not found:
        wrong("no contract of theirs names a set of holidays: there is nothing to approve")
    return found
