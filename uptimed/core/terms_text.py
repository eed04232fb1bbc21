"""An agreement's terms as text, and back: what is pinned to a month or to an incident.

The text is canonical JSON (sorted keys, no spaces, no floats), so that the same terms give the same
text and the same SHA-256. Reading it back gives values that are equal to those that were written.
A key that a text of an earlier version lacks has its default; a key that is unknown is left alone.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from uptimed.core.settings import Contract
from uptimed.core.support import (
    CalendarTerms,
    ClockKind,
    ClockTerms,
    Fault,
    Frozen,
    GoalTerms,
    Judged,
    PauseTerms,
    PlanTerms,
    SeverityTerms,
    Span,
    Start,
    SupportTerms,
    Unit,
)
from uptimed.core.terms import AttemptRule, ContractTerms, WeekHours, canonical_json

_Table = Mapping[str, object]


def contract_text(contract: Contract) -> str:
    """Return a whole contract as text: its terms of availability and of support."""
    return canonical_json({"terms": _plain(contract.terms), "support": _plain(contract.support)})


def contract_of(text: str) -> Contract:
    """Read back what `contract_text` wrote. Raise ValueError for another text."""
    raw = _parsed(text)
    try:
        terms, support = _terms(_table(raw["terms"])), _support(_table(raw["support"]))
    except KeyError as missing:
        raise ValueError(f"terms without {missing}") from None
    return Contract(terms=terms, support=support)


def terms_text(terms: ContractTerms) -> str:
    """Return the terms of availability as text, with every value that counts."""
    return canonical_json(
        {
            each.name: _plain(getattr(terms, each.name))
            for each in fields(terms)
            if each.name != "canonical"
        }
    )


def support_text(support: SupportTerms) -> str:
    """Return terms of support as text, holidays included where they were frozen into them."""
    return canonical_json(_plain(support))


def support_of(text: str) -> SupportTerms:
    """Read back what `support_text` wrote. Raise ValueError for another text."""
    raw = _parsed(text)
    try:
        return _support(raw)
    except KeyError as missing:
        raise ValueError(f"terms without {missing}") from None


def digest(text: str) -> str:
    """Return the SHA-256 of *text*, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


# To plain values.


def _plain(value: object) -> object:
    match value:
        case WeekHours():
            return _plain_hours(value)
        case StrEnum():
            return str(value)
        case tzinfo():
            return str(value)
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case tuple():
            return [_plain(item) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
        case _:
            return value


def _plain_hours(hours: WeekHours) -> object:
    return {
        "zone": str(hours.zone),
        "windows": {str(day): [list(w) for w in each] for day, each in hours.windows.items()},
        "holidays": sorted(day.isoformat() for day in hours.holidays),
        "extra_days": {day.isoformat(): weekday for day, weekday in hours.extra_days.items()},
    }


# From plain values. What has another type than was written is refused.


def _parsed(text: str) -> _Table:
    try:
        return _table(json.loads(text))
    except json.JSONDecodeError as error:
        raise ValueError(f"terms that are no JSON: {error}") from None


def _table(value: object) -> _Table:
    if not isinstance(value, dict):
        raise ValueError(f"terms with {type(value).__name__} in place of a table")  # noqa: TRY004 - the text is wrong
    return value


def _tables(value: object) -> Iterable[_Table]:
    return [_table(item) for item in _list(value)]


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"terms with {type(value).__name__} in place of a list")  # noqa: TRY004 - the text is wrong
    return value


def _text(raw: _Table, key: str, default: str = "") -> str:
    return str(raw.get(key, default))


def _texts(raw: _Table, key: str) -> tuple[str, ...]:
    return tuple(str(item) for item in _list(raw.get(key, [])))


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError(f"terms with {value!r} in place of a number")  # noqa: TRY004 - the text is wrong
    return value


def _some(value: object) -> int | None:
    return None if value is None else _whole(value)


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError(
            f"terms of the time zone {name}, which this machine does not know"
        ) from None


def _terms(raw: _Table) -> ContractTerms:
    return ContractTerms(
        id=_text(raw, "id"),
        version=_text(raw, "version"),
        sha256=_text(raw, "sha256"),
        zone_name=_text(raw, "zone_name"),
        zone=_zone(_text(raw, "zone_name")),
        language=_text(raw, "language"),
        target_ppm=_whole(raw["target_ppm"]),
        target=_text(raw, "target"),
        source=_text(raw, "source"),
        name=_text(raw, "name"),
        down=_text(raw, "down"),
        promised=bool(raw["promised"]),
        attempt_rule=AttemptRule(_text(raw, "attempt_rule")),
        min_consecutive=_whole(raw["min_consecutive"]),
        min_coverage_ppm=_whole(raw["min_coverage_ppm"]),
        min_coverage=_text(raw, "min_coverage"),
        excludes=_texts(raw, "excludes"),
        maintenance_notice_us=_some(raw.get("maintenance_notice_us")),
        maintenance_cap=_some(raw.get("maintenance_cap")),
        hours=_hours(raw.get("hours")),
        house=_texts(raw, "house"),
        canonical=_text(raw, "canonical"),
    )


def _hours(value: object) -> WeekHours | None:
    if value is None:
        return None
    raw = _table(value)
    return WeekHours(
        zone=_zone(_text(raw, "zone")),
        windows={
            int(day): tuple(_window(window) for window in _list(windows))
            for day, windows in _table(raw["windows"]).items()
        },
        holidays=frozenset(date.fromisoformat(day) for day in _texts(raw, "holidays")),
        extra_days={
            date.fromisoformat(day): _whole(weekday)
            for day, weekday in _table(raw["extra_days"]).items()
        },
    )


def _window(value: object) -> tuple[int, int]:
    start, stop = _list(value)
    return _whole(start), _whole(stop)


def _support(raw: _Table) -> SupportTerms:
    return SupportTerms(
        calendar=_calendar(_table(raw["calendar"])),
        severities=tuple(map(_severity, _tables(raw["severities"]))),
        plans=tuple(
            PlanTerms(id=_text(plan, "id"), name=_text(plan, "name"), clocks=_clocks(plan))
            for plan in _tables(raw["plans"])
        ),
        goals=tuple(
            GoalTerms(
                percent=_text(goal, "percent"),
                percent_ppm=_whole(goal["percent_ppm"]),
                clocks=_kinds(goal),
                period=_text(goal, "period"),
            )
            for goal in _tables(raw["goals"])
        ),
        pauses=tuple(
            PauseTerms(id=_text(pause, "id"), words=_text(pause, "words"), clocks=_kinds(pause))
            for pause in _tables(raw["pauses"])
        ),
        official=_texts(raw, "official"),
        unofficial=_texts(raw, "unofficial"),
        notes={key: str(note) for key, note in _table(raw["notes"]).items()},
    )


def _calendar(raw: _Table) -> CalendarTerms:
    frozen = raw.get("frozen")
    return CalendarTerms(
        version=_text(raw, "version"),
        holidays=_text(raw, "holidays"),
        hours=_hours(raw.get("hours")),
        frozen=None if frozen is None else _frozen(_table(frozen)),
    )


def _frozen(raw: _Table) -> Frozen:
    return Frozen(
        version=_text(raw, "version"),
        first_year=_whole(raw["first_year"]),
        last_year=_whole(raw["last_year"]),
        source=_text(raw, "source"),
        approved_by=_text(raw, "approved_by"),
        approved_at=_text(raw, "approved_at"),
    )


def _severity(raw: _Table) -> SeverityTerms:
    return SeverityTerms(
        id=_text(raw, "id"),
        name=_text(raw, "name"),
        words=_text(raw, "words"),
        letters=_text(raw, "letters"),
        proposed=bool(raw["proposed"]),
        stages=_texts(raw, "stages"),
        faults=tuple(Fault(fault) for fault in _texts(raw, "faults")),
        channels=_texts(raw, "channels"),
        clocks=_clocks(raw),
    )


def _clocks(raw: _Table) -> tuple[ClockTerms, ...]:
    return tuple(map(_clock, _tables(raw["clocks"])))


def _clock(raw: _Table) -> ClockTerms:
    return ClockTerms(
        clock=ClockKind(_text(raw, "clock")),
        target=_span(raw.get("target")),
        agreed=bool(raw["agreed"]),
        calendar=_text(raw, "calendar"),
        repeats=bool(raw["repeats"]),
        judged=Judged(_text(raw, "judged")),
        channel=_text(raw, "channel"),
        words=_text(raw, "words"),
        starts=Start(_text(raw, "starts", Start.OPENING)),
        ends=_texts(raw, "ends"),
    )


def _span(value: object) -> Span | None:
    if value is None:
        return None
    raw = _table(value)
    return Span(
        text=_text(raw, "text"),
        unit=Unit(_text(raw, "unit")),
        seconds=_some(raw.get("seconds")),
        business_days=_some(raw.get("business_days")),
    )


def _kinds(raw: _Table) -> tuple[ClockKind, ...]:
    return tuple(ClockKind(kind) for kind in _texts(raw, "clocks"))
