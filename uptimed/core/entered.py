"""What entries of every kind have in common: their references, and what their bodies are read by.

A body is canonical JSON of its kind's own shape. Instants in it are texts in UTC
(`2026-10-03T14:07:12.250Z`), so that whoever reads the chain needs no table of units.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from uptimed.core.entries import Entry, EntryKind, EntryRefused
from uptimed.core.lookfile import show_instant
from uptimed.core.minutes import Minute, instant_of, minute_of, start_of
from uptimed.core.observations import Instant
from uptimed.core.terms import canonical_json

_LETTER = {
    EntryKind.MAINTENANCE: "M",
    EntryKind.EXCEPTION: "E",
    EntryKind.OBJECTION: "O",
    EntryKind.CORRECTION: "C",
    EntryKind.SILENCE: "S",
}
_LONGEST = 2000  # characters of a reason: it stands in a report


class _Referenced(Protocol):
    @property
    def id(self) -> str: ...


_One = TypeVar("_One", bound=_Referenced)


def next_reference(known: Iterable[Entry], kind: EntryKind) -> str:
    """Return the reference of the next of its *kind*: `M-3` after two windows of maintenance."""
    taken = {entry.subject for entry in known if entry.kind is kind}
    return f"{_LETTER[kind]}-{len(taken) + 1}"


def body(**said: object) -> str:
    """Return the body of an entry that says *said*; instants and minutes are texts already."""
    return canonical_json(said)


def events(entries: Iterable[Entry], kind: EntryKind) -> Iterator[tuple[str, Sequence[Entry]]]:
    """Yield each subject of *kind* with its entries, in the order in which they were recorded."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.kind is kind:
            found.setdefault(entry.subject, []).append(entry)
    yield from found.items()


def telling(entries: Iterable[Entry], event: str) -> list[Entry]:
    """Return those of *entries* whose body tells of *event*, in order."""
    return [entry for entry in entries if text(entry.said, "event") == event]


def text(said: Mapping[str, object], name: str) -> str:
    """Return a text of a body, "" where it has none."""
    value = said.get(name)
    return value if isinstance(value, str) else ""


def texts(said: Mapping[str, object], name: str) -> tuple[str, ...]:
    """Return a list of texts of a body."""
    value = said.get(name)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def tables(said: Mapping[str, object], name: str) -> tuple[Mapping[str, object], ...]:
    """Return a list of objects of a body."""
    value = said.get(name)
    items = value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, dict))


def number(said: Mapping[str, object], name: str) -> int:
    """Return a whole number of a body, 0 where it has none."""
    value = said.get(name)
    return value if isinstance(value, int) else 0


def instant(said: Mapping[str, object], name: str) -> Instant:
    """Return an instant of a body. Raise ValueError where it has none."""
    return instant_of(datetime.fromisoformat(text(said, name)))


def instant_or_none(said: Mapping[str, object], name: str) -> Instant | None:
    """Return an instant of a body, None where it has none."""
    return instant(said, name) if text(said, name) else None


def minute(said: Mapping[str, object], name: str) -> Minute:
    """Return a minute of a body. Raise ValueError where it has none."""
    return minute_of(instant(said, name))


def shown(at: Instant | None) -> str:
    """Return *at* as bodies have it, "" for None."""
    return "" if at is None else show_instant(at)


def shown_minute(at: Minute) -> str:
    """Return the start of a minute as bodies have it."""
    return show_instant(start_of(at))


def wanted_text(given: str, what: str, option: str) -> str:
    """Return *given* without the space around it. Raise `EntryRefused` for nothing, or too much."""
    said = " ".join(given.split())
    if not said:
        raise EntryRefused(f"no {what} was given: say it, with {option} TEXT")
    if len(said) > _LONGEST:
        raise EntryRefused(
            f"{option}: found {len(said):,} characters, wanted at most {_LONGEST:,}: it stands in "
            "the report, so name where the rest can be read"
        )
    return said


def refuse_backwards(start: Instant, end: Instant) -> None:
    """Raise `EntryRefused` for an *end* that is not after the *start*."""
    if end <= start:
        raise EntryRefused(
            f"--end: found {shown(end)}, which is not after the start {shown(start)}: give a later "
            "end"
        )


def named(known: Iterable[_One], reference: str, what: str, listed_by: str) -> _One:
    """Return the one of *known* with that *reference*. Raise `EntryRefused` where there is none."""
    for one in known:
        if one.id == reference:
            return one
    raise unknown(reference, what, listed_by)


def unknown(reference: str, what: str, listed_by: str) -> EntryRefused:
    """Return the refusal of a *reference* that nothing has."""
    return EntryRefused(f"there is no {what} {reference}: `{listed_by}` lists what there is")
