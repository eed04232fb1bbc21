"""Calendar files: the holidays of one set, frozen, with who approved them.

A contract names a set (`CO`); its days stand in a file, so that no clock moves with a newer list.
The file is `calendars/SET.toml` beside the client's configuration, or what `calendar_file` names;
without one, the days that ship with uptimed count, which nobody approved.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache, partial
from importlib import resources
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from uptimed.config import values
from uptimed.config.checking import Findings, Place, Shape, check, read, required
from uptimed.config.holidaylist import HOLIDAY_SETS
from uptimed.config.mistakes import Wrong, kind_of, show
from uptimed.config.reading import read_toml
from uptimed.config.shapes import Text
from uptimed.core.holidays import HolidaySet
from uptimed.core.minutes import moment_of
from uptimed.core.settings import Settings
from uptimed.core.support import SupportTerms

FOLDER = "calendars"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_YEARS = range(1990, 2200)


def _day_names(value: object) -> Mapping[date, str]:
    wish = 'dates and what they are called, such as 2026-12-25 = "Navidad"'
    return {day: values.text(name) for day, name in _by_day(value, wish)}


def worked_days(value: object) -> Mapping[date, int]:
    """Read working days that would be days off, and the weekday that each counts as."""
    wish = 'dates and the weekday that each counts as, such as { 2026-12-26 = "mon" }'
    found = {}
    for day, weekday in _by_day(value, wish):
        if weekday not in WEEKDAYS:
            raise Wrong(show(weekday), wish)
        found[day] = WEEKDAYS.index(str(weekday))
    return found


def _by_day(value: object, wish: str) -> list[tuple[date, object]]:
    if not isinstance(value, Mapping):
        raise Wrong(kind_of(value), wish)
    found = []
    for key, item in value.items():
        try:
            found.append((date.fromisoformat(key), item))
        except ValueError:
            raise Wrong(show(key), wish) from None
    return found


def _days_list(value: object) -> frozenset[date]:
    if not isinstance(value, list):
        raise Wrong(kind_of(value), "a list of dates such as [2026-12-25]")
    return frozenset(values.day(item) for item in value)


def _version(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else values.text(value)


def _approved_at(value: object) -> str:
    return moment_of(values.moment(value)).isoformat()


_Year = Annotated[int, read(partial(values.integer, lowest=_YEARS.start, highest=_YEARS.stop - 1))]


class CalendarFileShape(Shape):
    """A calendar file."""

    id: Annotated[str, read(partial(values.choice, choices=HOLIDAY_SETS))] = required(
        "the set of holidays that it holds"
    )
    version: Annotated[str, read(_version)] = required('its version: "2026-11-21"')
    first_year: _Year = required("the first year that it speaks of")
    last_year: _Year = required("the last year that it speaks of")
    source: Text = ""
    approved_by: Text = ""
    approved_at: Annotated[str, read(_approved_at)] = ""
    days: Annotated[Mapping[date, str], read(_day_names)] = required("a table of dates")
    extra_days: Annotated[Mapping[date, int], read(worked_days)] = {}
    also: Annotated[Mapping[date, str], read(_day_names)] = {}
    except_: Annotated[frozenset[date], read(_days_list)] = Field(
        default=frozenset(), alias="except"
    )


class CalendarFile:
    """A calendar file as it was read.

    *days* are the list's; *also* and *without* are what a person added to it and took away, which
    no update touches.
    """

    def __init__(self, shape: CalendarFileShape) -> None:
        self.listed = HolidaySet(
            id=shape.id,
            version=shape.version,
            first_year=shape.first_year,
            last_year=shape.last_year,
            days=dict(shape.days),
            extra_days=dict(shape.extra_days),
            source=shape.source,
            approved_by=shape.approved_by,
            approved_at=shape.approved_at,
        )
        self.also = dict(shape.also)
        self.without = shape.except_

    @property
    def holidays(self) -> HolidaySet:
        """Return the days that count."""
        days = {**self.listed.days, **self.also}
        kept = {day: days[day] for day in sorted(days) if day not in self.without}
        return replace(self.listed, days=kept)


def read_calendar(path: Path, set_id: str, findings: Findings) -> CalendarFile | None:
    """Return the calendar of *set_id* in the file at *path*; None where it has mistakes, told.

    Raise ConfigError where the file is not TOML.
    """
    place = Place(str(path), "", findings)
    return _calendar(read_toml(path), set_id, place)


def _calendar(document: Mapping[str, Any], set_id: str, place: Place) -> CalendarFile | None:
    before = len(place.findings.mistakes)
    checked = check(CalendarFileShape, document, place)
    shape = checked.shape
    if checked.good("id") and shape.id != set_id:
        place.at("id").wrong(show(shape.id), f"{show(set_id)}: the contract names that one")
    if checked.good("first_year", "last_year"):
        if shape.last_year < shape.first_year:
            place.at("last_year").wrong(show(shape.last_year), "no year before the first one")
        elif checked.good("days"):
            years = range(shape.first_year, shape.last_year + 1)
            for day in shape.days:
                if day.year not in years:
                    wish = f"days of the years {shape.first_year} to {shape.last_year}"
                    place.at("days").wrong(show(day), wish)
                    break
    if checked.good("approved_by", "approved_at") and bool(shape.approved_by) != bool(
        shape.approved_at
    ):
        place.at("approved_by").wrong("half of an approval", "approved_by and approved_at, or none")
    return None if len(place.findings.mistakes) > before else CalendarFile(shape)


@lru_cache(maxsize=64)
def shipped(set_id: str) -> HolidaySet:
    """Return the days that ship with uptimed, which nobody approved."""
    file = resources.files("uptimed") / FOLDER / f"{set_id}.toml"
    findings = Findings()
    with resources.as_file(file) as path:
        found = read_calendar(path, set_id, findings)
    if found is None:
        raise ValueError(f"the calendar {set_id} that ships with uptimed: {findings.mistakes[0]}")
    return found.holidays


def calendar_text(
    holidays: HolidaySet, *, also: Mapping[date, str], without: frozenset[date]
) -> str:
    """Return a calendar file. *also* and *without* are a person's own."""
    by = f"approved by {holidays.approved_by}" if holidays.approved_by else "approved by nobody"
    lines = [
        f"# Holidays {holidays.id}, {by}. Written by `uptimed calendar update`.",
        "",
        f"id = {_quoted(holidays.id)}",
        f"version = {_quoted(holidays.version)}",
        f"source = {_quoted(holidays.source)}",
        f"first_year = {holidays.first_year}",
        f"last_year = {holidays.last_year}",
    ]
    if holidays.approved_by:
        lines.append(f"approved_by = {_quoted(holidays.approved_by)}")
        lines.append(f"approved_at = {holidays.approved_at}")
    lines += ["", "# Days of the list that are no holidays here; an update leaves them."]
    lines.append(f"except = [{', '.join(day.isoformat() for day in sorted(without))}]")
    lines += ["", "# Days off that are not in the list; an update leaves them.", "[also]"]
    lines += [f"{day.isoformat()} = {_quoted(name)}" for day, name in sorted(also.items())]
    lines += ["", "[days]"]
    lines += [f"{day.isoformat()} = {_quoted(name)}" for day, name in sorted(holidays.days.items())]
    if holidays.extra_days:
        lines += ["", "# Working days that would be days off, and whose windows they have."]
        lines.append("[extra_days]")
        lines += [
            f"{day.isoformat()} = {_quoted(WEEKDAYS[weekday])}"
            for day, weekday in sorted(holidays.extra_days.items())
        ]
    return "\n".join(lines) + "\n"


_SOON = timedelta(days=62)


def calendar_warnings(settings: Settings, today: date) -> Iterator[str]:
    """Yield what a person has to do about the holidays of *settings*' support clocks."""
    told: set[str] = set()
    for client in settings.clients:
        calendar = client.support.calendar
        if calendar.frozen is None or client.calendar_path in told or not _counted(client.support):
            continue
        told.add(client.calendar_path)
        update = f"`uptimed calendar update --client {client.id} --by NAME`"
        if not calendar.frozen.approved_by:
            yield (
                f"client {client.id}: support clocks count with holidays {calendar.holidays} that "
                f"nobody approved: {update} shows them and writes {client.calendar_path}"
            )
        elif (today + _SOON).year > calendar.frozen.last_year:
            yield (
                f"{client.calendar_path}: the holidays end with {calendar.frozen.last_year}, and "
                f"every later day would count as a working day: {update}"
            )


def _counted(support: SupportTerms) -> bool:
    """Return whether any clock runs in the support calendar."""
    of_severities = (clock for each in support.severities for clock in each.clocks)
    of_plans = (clock for each in support.plans for clock in each.clocks)
    return any(clock.calendar == "support" for clock in chain(of_severities, of_plans))


def _quoted(text: str) -> str:
    """Return *text* as a basic string of TOML, which JSON's strings are."""
    return json.dumps(text, ensure_ascii=False)
