"""From a contract file to its terms.

The presets that ship with uptimed are such files too. What is hashed is the whole document in its
canonical form, with the zone in force: whoever has the file can compute the same.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import partial
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from uptimed.config import values
from uptimed.config.calendars import WEEKDAYS, worked_days
from uptimed.config.checking import Checked, Findings, Place, Shape, check, read, required
from uptimed.config.extending import EXTENDS, Effective, alone, extended, has_key
from uptimed.config.holidaylist import HOLIDAY_SETS
from uptimed.config.mistakes import ConfigError, Mistake, Wrong, kind_of, one_of, show, suggest
from uptimed.config.reading import read_toml
from uptimed.config.shapes import STAGES, Duration, Id, Language, ReportDueShape, Text, Zone
from uptimed.core.reporting import HOUSE_REPORT_DUE, ReportDue
from uptimed.core.settings import Contract
from uptimed.core.support import (
    CalendarTerms,
    ClockKind,
    ClockTerms,
    Fault,
    GoalTerms,
    Judged,
    PauseTerms,
    PlanTerms,
    SeverityTerms,
    Span,
    Start,
    SupportTerms,
    Unit,
    Windows,
)
from uptimed.core.terms import AttemptRule, ContractTerms, WeekHours, canonical_json

ENDS = (
    "opened",
    "acknowledged",
    "registered",
    "classified",
    "first_response",
    "update",
    "answered",
    "restored",
    "resolved",
    "closed",
)
"""Acts of an incident that can end a clock."""

_DEFAULT_LANGUAGE = "en"
_SETS_WISH = '"CO", "ES", a region of Spain such as "ES-MD", "GB-ENG" or "RU", or a list of dates'
HOUSE_DEFAULTS = (
    "availability.attempt_rule",
    "availability.min_consecutive",
    "availability.min_coverage",
)
"""Defaults of ours that no document speaks of: where a file does not write them, house readings."""

_WINDOW = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")
_SPAN = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,2})?)(min|h|bd)")
_SECONDS = {Unit.MINUTES: 60, Unit.HOURS: 3600}


def preset_names() -> tuple[str, ...]:
    """Return the names of the contracts that ship with uptimed."""
    folder = resources.files("uptimed") / "contracts"
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load_contract(name_or_path: str, *, base: Path | None = None, zone: str = "") -> Contract:
    """Return the contract of that preset's name or file.

    A relative path begins at *base*. *zone* takes the place of the document's time zone. Raise
    ConfigError with every mistake of the file.
    """
    findings = Findings()
    try:
        found = find_contract(name_or_path, base or Path())
    except Wrong as wrong:
        raise ConfigError([Mistake(name_or_path, "", wrong.found, wrong.wanted)]) from None
    contract = read_contract(found.document, Place(found.file, "", findings), zone=zone)
    if findings.mistakes or contract is None:
        raise ConfigError(findings.mistakes)
    return contract


def is_path(name_or_path: str) -> bool:
    """Return whether that is the path of a file, not the name of something that ships with us."""
    return "/" in name_or_path or name_or_path.endswith(".toml")


def find_contract(name_or_path: str, base: Path) -> Effective:
    """Return a contract as it counts, with what it extends.

    Raise Wrong where there is no such contract, ConfigError where a file is not TOML, extends
    nothing that can be extended, or extends a contract with mistakes.
    """
    return _found(name_or_path, base, ())


def _found(name_or_path: str, base: Path, above: tuple[str, ...]) -> Effective:
    """Return that contract; *above* are the files that led here by what they extend."""
    if not is_path(name_or_path):
        return _preset(name_or_path)
    path = base / Path(name_or_path).expanduser()
    if not path.is_file():
        raise Wrong(show(name_or_path), f"a contract file; there is none at {path}")
    name, file = path.name, str(path)
    here = str(path.resolve())
    if here in above:
        way = " -> ".join(Path(step).name for step in (*above[above.index(here) :], here))
        wish = f"a preset, or a file that does not lead back here ({way})"
        raise Wrong(show(name_or_path), wish)
    document = read_toml(path)
    if EXTENDS not in document:
        return alone(name, file, document)
    place = Place(file, EXTENDS, Findings())
    try:
        wanted = values.text(document[EXTENDS])
        under = _found(wanted, path.parent, (*above, here))
    except Wrong as wrong:
        raise ConfigError([Mistake(file, EXTENDS, wrong.found, wrong.wanted)]) from None
    read_contract(under.document, Place(under.file, "", place.findings))
    if place.findings.mistakes:
        raise ConfigError(place.findings.mistakes)
    return extended(under, name, file, document)


def _preset(name: str) -> Effective:
    names = preset_names()
    if name not in names:
        wish = f"{suggest(name, names)}, or the path of a contract file (*.toml)"
        raise Wrong(show(name), wish)
    preset = resources.files("uptimed") / "contracts" / f"{name}.toml"
    return alone(name, str(preset), tomllib.loads(preset.read_text(encoding="utf-8")))


# How a contract file's values are read.


@dataclass(frozen=True, slots=True)
class Hours:
    """Windows before their zone is known."""

    windows: Windows
    holidays: frozenset[date] = frozenset()
    extra_days: Mapping[date, int] = field(default_factory=dict)

    def in_zone(self, zone_name: str) -> WeekHours:
        """Return the windows in the zone of that name, which exists."""
        zone = values.zone_of(zone_name)
        if zone is None:
            raise ValueError(zone_name)
        return WeekHours(
            zone=zone, windows=self.windows, holidays=self.holidays, extra_days=self.extra_days
        )


def windows_of(value: object) -> Windows:
    """Read windows per weekday: `{ mon-fri = ["08:00-12:00", "14:00-17:00"] }`."""
    if not isinstance(value, dict) or not value:
        raise Wrong(kind_of(value), '"24x7" or windows such as { mon-fri = ["08:00-18:00"] }')
    found: dict[int, tuple[tuple[int, int], ...]] = {}
    for key, texts in value.items():
        windows = _windows(texts, str(key))
        for weekday in _weekdays(str(key)):
            if weekday in found:
                raise Wrong(f"{WEEKDAYS[weekday]} twice", "each weekday once")
            found[weekday] = windows
    return found


def _weekdays(key: str) -> range:
    first, dash, last = key.partition("-")
    last = last if dash else first
    if first not in WEEKDAYS or last not in WEEKDAYS:
        raise Wrong(show(key), f'a weekday or a range of them, such as "mon-fri", of {_DAYS}')
    days = range(WEEKDAYS.index(first), WEEKDAYS.index(last) + 1)
    if not days:
        raise Wrong(show(key), "a range of weekdays from an earlier one to a later one")
    return days


_DAYS = one_of(WEEKDAYS)


def _windows(texts: object, key: str) -> tuple[tuple[int, int], ...]:
    if not isinstance(texts, list):
        raise Wrong(f"{kind_of(texts)} for {key}", 'a list of windows such as ["08:00-18:00"]')
    found = tuple(_window(text) for text in texts)
    for (_, stop), (start, _) in pairwise(found):
        if start < stop:
            raise Wrong(f"windows of {key} that overlap or are out of order", "one after the other")
    return found


def _window(text: object) -> tuple[int, int]:
    match = _WINDOW.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise Wrong(show(text), 'a window such as "08:00-12:00"')
    hours = [int(part) for part in match.groups()]
    start, stop = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if hours[1] > 59 or hours[3] > 59 or stop > 24 * 60 or start >= stop:
        raise Wrong(show(text), 'a window within one day, its end after its start; "24:00" may end')
    return start, stop


def _calendar_windows(value: object) -> Windows | None:
    return None if value == "24x7" else windows_of(value)


def _dates(value: object) -> frozenset[date]:
    if not isinstance(value, list):
        raise Wrong(show(value), "a list of dates such as [2026-12-25]")
    return frozenset(values.day(item) for item in value)


def _holidays(value: object) -> str | frozenset[date]:
    if isinstance(value, str):
        if value not in HOLIDAY_SETS:
            raise Wrong(show(value), _SETS_WISH)
        return value
    return _dates(value)


def _hours(value: object) -> Hours | None:
    if value == "24x7":
        return None
    if not isinstance(value, dict):
        raise Wrong(show(value), '"24x7" or windows such as { mon-fri = ["08:00-18:00"] }')
    days = {key: item for key, item in value.items() if key not in {"holidays", "extra_days"}}
    return Hours(
        windows=windows_of(days),
        holidays=_dates(value.get("holidays", [])),
        extra_days=worked_days(value.get("extra_days", {})),
    )


def span_of(value: object) -> Span | None:
    """Read a clock's target; None is one that each account agrees on."""
    if value == "agreed":
        return None
    wish = 'a target such as "30min", "1.5h" or "2bd", or "agreed"'
    if not isinstance(value, str):
        raise Wrong(show(value), wish)
    if days := re.fullmatch(r"([0-9]{1,3}) ?d", value):
        wish = f'"{24 * int(days[1])}h" or "{days[1]}bd" (business days): a bare d may be either'
        raise Wrong(show(value), wish)
    match = _SPAN.fullmatch(value)
    if not match:
        raise Wrong(show(value), wish)
    amount, unit = Fraction(match[1]), Unit(match[2])
    if unit is Unit.BUSINESS_DAYS:
        if amount.denominator != 1 or not amount:
            raise Wrong(show(value), 'whole business days, such as "2bd"')
        return Span(text=value, unit=unit, business_days=int(amount))
    seconds = amount * _SECONDS[unit]
    if seconds.denominator != 1 or not seconds:
        raise Wrong(show(value), "whole seconds above zero")
    return Span(text=value, unit=unit, seconds=int(seconds))


def _version(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else values.text(value)


def _down(value: object) -> str:
    return _letters(value, "DLG", nonempty=True)


def _severity_letters(value: object) -> str:
    return _letters(value, "DLG", nonempty=False)


def _letters(value: object, allowed: str, *, nonempty: bool) -> str:
    wish = f"a list of {one_of(allowed)}"
    if not isinstance(value, list) or (nonempty and not value):
        raise Wrong("an empty list" if value == [] else show(value), wish)
    for letter in value:
        if not isinstance(letter, str) or len(letter) != 1 or letter not in allowed:
            raise Wrong(show(letter), wish)
    return "".join(letter for letter in allowed if letter in value)


def _clock(value: object) -> ClockKind:
    return ClockKind(values.choice(value, tuple(ClockKind)))


def _some(choices: tuple[str, ...]) -> object:
    def reader(value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise Wrong(kind_of(value), f"a list of {one_of(choices)}")
        return tuple(values.choice(item, choices) for item in value)

    return read(reader)


def _attempt_rule(value: object) -> AttemptRule:
    return AttemptRule(values.choice(value, tuple(AttemptRule)))


def _judged(value: object) -> Judged:
    return Judged(values.choice(value, tuple(Judged)))


def _start(value: object) -> Start:
    return Start(values.choice(value, tuple(Start)))


def _ends(value: object) -> tuple[str, ...]:
    """Read the acts that end a clock, the last of them; a list that is there names one."""
    wish = f"a list of {one_of(ENDS)}"
    if not isinstance(value, list) or not value:
        raise Wrong("an empty list" if value == [] else kind_of(value), wish)
    found = tuple(values.choice(item, ENDS) for item in value)
    if len(set(found)) != len(found):
        raise Wrong("an act twice", "each act once")
    return found


Clock = Annotated[ClockKind, read(_clock)]
Percent = Annotated[tuple[str, int], read(values.percent)]


class AvailabilityShape(Shape):
    """What is promised of availability."""

    target: Percent = Field(description='a percentage as a string, such as "99.96"')
    down: Annotated[str, read(_down)] = "DL"
    promised: Annotated[bool, read(values.boolean)] = True
    attempt_rule: Annotated[AttemptRule, read(_attempt_rule)] = AttemptRule.CONFIRMED
    min_consecutive: Annotated[int, read(partial(values.integer, lowest=1, highest=1440))] = 1
    min_coverage: Percent = ("99.9", 999_000)
    excludes: Annotated[tuple[str, ...], _some(("maintenance", "exceptions"))] = ()
    maintenance_notice: Duration | None = None
    maintenance_cap: Annotated[
        int | None, read(partial(values.whole_minutes, highest=31 * 1440))
    ] = None
    hours: Annotated[Hours | None, read(_hours)] = None


class CalendarShape(Shape):
    """When support works."""

    version: Annotated[str, read(_version)] = ""
    holidays: Annotated[str | frozenset[date], read(_holidays)] = ""
    windows: Annotated[Windows | None, read(_calendar_windows)] = Field(
        description='"24x7" or windows such as { mon-fri = ["08:00-18:00"] }'
    )
    extra_days: Annotated[Mapping[date, int], read(worked_days)] = {}


class ClockShape(Shape):
    """A clock of an incident."""

    clock: Clock = Field(description="what the clock runs towards")
    target: Annotated[Span | None, read(span_of)] = None
    calendar: Annotated[str, read(partial(values.choice, choices=("24x7", "support")))] = "support"
    repeats: Annotated[bool, read(values.boolean)] = False
    judged: Annotated[Judged, read(_judged)] = Judged.EACH
    channel: Text = ""
    words: Text = ""
    starts: Annotated[Start, read(_start)] = Start.OPENING
    ends: Annotated[tuple[str, ...], read(_ends)] = ()


class SeverityShape(Shape):
    """A severity."""

    id: Id = Field(description="the severity's id")
    name: Text = ""
    words: Text = ""
    letters: Annotated[str, read(_severity_letters)] = ""
    proposed: Annotated[bool, read(values.boolean)] = False
    stages: Annotated[tuple[str, ...], _some(STAGES)] = ()
    faults: Annotated[tuple[str, ...], _some(tuple(Fault))] = ()
    channels: tuple[Text, ...] = ()
    clocks: tuple[ClockShape, ...] = ()


class PlanShape(Shape):
    """Clocks of a plan that can be bought."""

    id: Id = Field(description="the plan's id")
    name: Text = ""
    clocks: tuple[ClockShape, ...] = ()


class GoalShape(Shape):
    """A share of incidents that must hold their clocks."""

    percent: Percent = Field(description='a percentage as a string, such as "95"')
    clocks: tuple[Clock, ...] = Field(description="the clocks that must hold")
    period: Annotated[str, read(partial(values.choice, choices=("month",)))] = "month"


class PauseShape(Shape):
    """A listed reason for a pause."""

    id: Id = Field(description="the reason's id")
    words: Text = ""
    clocks: tuple[Clock, ...] = (ClockKind.RESOLUTION,)


class ChannelsShape(Shape):
    """Through which channels a request starts a clock."""

    official: tuple[Text, ...] = ()
    unofficial: tuple[Text, ...] = ()


class ContractShape(Shape):
    """A contract file."""

    id: Id = required("the contract's id")
    version: Annotated[str, read(_version)] = required('the version of the text: "2026-11-21"')
    name: Text = ""
    source: Text = ""
    timezone: Zone = required("the zone of a place, such as America/Bogota, or UTC")
    language: Language = _DEFAULT_LANGUAGE
    house: tuple[Text, ...] = ()
    extends: Text = ""  # what it names is merged in before the shape is read
    availability: AvailabilityShape = required("a table with the target in it")
    calendar: CalendarShape | None = None
    report: ReportDueShape | None = None
    severities: tuple[SeverityShape, ...] = ()
    plans: tuple[PlanShape, ...] = ()
    goals: tuple[GoalShape, ...] = ()
    pauses: tuple[PauseShape, ...] = ()
    channels: ChannelsShape = ChannelsShape()
    notes: dict[str, Text] = {}


# From the shape to the terms.


def read_contract(document: Mapping[str, Any], place: Place, *, zone: str = "") -> Contract | None:
    """Return the contract that *document* holds, or None where it has mistakes, told at *place*."""
    before = len(place.findings.mistakes)
    if zone:
        document = {**document, "timezone": zone}
        house = document.get("house")
        if isinstance(house, list):
            document["house"] = [key for key in house if key != "timezone"]
    checked = check(ContractShape, document, place)
    _check_rules(checked, document, place)
    if len(place.findings.mistakes) > before:
        return None
    shape = checked.shape
    return Contract(
        terms=_terms(shape, document), support=_support(shape), report=due_of(shape.report)
    )


def due_of(shape: ReportDueShape | None) -> ReportDue:
    """Return when the report is due; what is not written is a default of the house."""
    if shape is None:
        return HOUSE_REPORT_DUE
    return ReportDue(day=shape.day, minute_of_day=shape.hour, house=False)


def _check_rules(
    checked: Checked[ContractShape], document: Mapping[str, Any], place: Place
) -> None:
    shape = checked.shape
    if checked.good("availability"):
        _check_availability(shape.availability, place.at("availability"))
    if checked.good("severities"):
        _check_severities(shape, place)
    if checked.good("severities", "plans", "calendar"):
        _check_calendar_needed(shape, place)
    if checked.good("house"):
        for key in shape.house:
            if not has_key(document, key):
                place.at("house").wrong(show(key), "keys that are in this file")


def _check_availability(shape: AvailabilityShape, place: Place) -> None:
    """Maintenance that is excluded needs its notice; a notice alone excludes nothing."""
    if "maintenance" in shape.excludes and shape.maintenance_notice is None:
        wish = 'a duration such as "24h": maintenance is excluded'
        place.at("maintenance_notice").wrong("nothing", wish)


def _check_severities(shape: ContractShape, place: Place) -> None:
    owners: dict[str, str] = {}
    seen: set[str] = set()
    for severity in shape.severities:
        here = place.at("severities", severity.id)
        if severity.id in seen:
            here.at("id").wrong(f"{show(severity.id)} twice", "each severity once")
        seen.add(severity.id)
        for letter in severity.letters:
            if letter in owners:
                wish = f"each letter once; it is of {show(owners[letter])} too"
                here.at("letters").wrong(show(letter), wish)
            owners.setdefault(letter, severity.id)


def _check_calendar_needed(shape: ContractShape, place: Place) -> None:
    if shape.calendar is not None:
        return
    for table, items in (("severities", shape.severities), ("plans", shape.plans)):
        for item in items:
            for number, clock in enumerate(item.clocks, start=1):
                if clock.calendar == "support":
                    here = place.at(table, item.id, "clocks", number, "calendar")
                    here.wrong('"support"', '"24x7", or a [calendar] that says when support works')


def _terms(shape: ContractShape, document: Mapping[str, Any]) -> ContractTerms:
    zone = values.zone_of(shape.timezone)
    if zone is None:
        raise ValueError(shape.timezone)
    availability = shape.availability
    canonical = canonical_json(_plain(document))
    defaulted = tuple(
        key for key in HOUSE_DEFAULTS if key not in shape.house and not has_key(document, key)
    )
    return ContractTerms(
        id=shape.id,
        version=shape.version,
        sha256=hashlib.sha256(canonical.encode()).hexdigest(),
        canonical=canonical,
        name=shape.name,
        source=shape.source,
        zone_name=shape.timezone,
        zone=zone,
        language=shape.language,
        target=availability.target[0],
        target_ppm=availability.target[1],
        down=availability.down,
        promised=availability.promised,
        attempt_rule=availability.attempt_rule,
        min_consecutive=availability.min_consecutive,
        min_coverage=availability.min_coverage[0],
        min_coverage_ppm=availability.min_coverage[1],
        excludes=availability.excludes,
        maintenance_notice_us=availability.maintenance_notice,
        maintenance_cap=availability.maintenance_cap,
        hours=availability.hours.in_zone(shape.timezone) if availability.hours else None,
        house=(*shape.house, *defaulted),
    )


def _plain(value: object) -> object:
    """Return a TOML value as JSON has it: dates become text."""
    match value:
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case date():
            return value.isoformat()
        case _:
            return value


def _support(shape: ContractShape) -> SupportTerms:
    return SupportTerms(
        calendar=_calendar(shape),
        severities=tuple(
            SeverityTerms(
                id=severity.id,
                name=severity.name,
                words=severity.words,
                letters=severity.letters,
                proposed=severity.proposed,
                stages=severity.stages,
                faults=tuple(map(Fault, severity.faults)),
                channels=severity.channels,
                clocks=tuple(map(_clock_terms, severity.clocks)),
            )
            for severity in shape.severities
        ),
        plans=tuple(
            PlanTerms(id=plan.id, name=plan.name, clocks=tuple(map(_clock_terms, plan.clocks)))
            for plan in shape.plans
        ),
        goals=tuple(
            GoalTerms(
                percent=goal.percent[0],
                percent_ppm=goal.percent[1],
                clocks=goal.clocks,
                period=goal.period,
            )
            for goal in shape.goals
        ),
        pauses=tuple(
            PauseTerms(id=pause.id, words=pause.words, clocks=pause.clocks)
            for pause in shape.pauses
        ),
        official=shape.channels.official,
        unofficial=shape.channels.unofficial,
        notes=shape.notes,
    )


def _calendar(shape: ContractShape) -> CalendarTerms:
    calendar = shape.calendar
    if calendar is None or calendar.windows is None:
        return CalendarTerms(version=calendar.version if calendar else "")
    named = isinstance(calendar.holidays, str)
    hours = Hours(
        windows=calendar.windows,
        holidays=frozenset() if isinstance(calendar.holidays, str) else calendar.holidays,
        extra_days=calendar.extra_days,
    )
    return CalendarTerms(
        version=calendar.version,
        holidays=str(calendar.holidays) if named else "",
        hours=hours.in_zone(shape.timezone),
    )


def _clock_terms(shape: ClockShape) -> ClockTerms:
    return ClockTerms(
        clock=shape.clock,
        target=shape.target,
        agreed="target" in shape.model_fields_set and shape.target is None,
        calendar=shape.calendar,
        repeats=shape.repeats,
        judged=shape.judged,
        channel=shape.channel,
        words=shape.words,
        starts=shape.starts,
        ends=shape.ends,
    )
