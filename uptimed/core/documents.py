"""A contract's document as a list of values by dotted key, and how two of them differ."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from typing_extensions import override

WHOLE = ("windows", "hours", "extra_days")
"""Tables that are one value: which weekdays a contract names, not each of them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is another, or only on one side; None is no value."""

    key: str
    before: str | None
    after: str | None

    @override
    def __str__(self) -> str:
        was, now = (_cut(side) for side in (self.before, self.after))
        return f"{self.key}: {was} -> {now}"


def flat(document: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield every value of *document* with its dotted key, in order.

    Items of lists are named by id, by clock and channel, or by their place counted from 1.
    """
    for key, value in document.items():
        yield from _flat(value, f"{prefix}{key}", whole=key in WHOLE)


def differences(
    before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[Difference, ...]:
    """Return what differs from *before* to *after*, in the order of *after*, then what is gone.

    Of the lists of house readings only those are told that are in one of them alone.
    """
    old = {key: _shown(value) for key, value in flat(before) if key != _HOUSE}
    new = {key: _shown(value) for key, value in flat(after) if key != _HOUSE}
    return (*_values(old, new), *_readings(before.get(_HOUSE), after.get(_HOUSE)))


_HOUSE = "house"


def _readings(before: object, after: object) -> Iterator[Difference]:
    old, new = (each if isinstance(each, list) else [] for each in (before, after))
    gone = [key for key in old if key not in new]
    come = [key for key in new if key not in old]
    if gone or come:
        yield Difference(_HOUSE, _shown(gone), _shown(come))


def _values(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Difference, ...]:
    return tuple(
        Difference(key, old.get(key), new.get(key))
        for key in dict.fromkeys([*new, *old])
        if old.get(key) != new.get(key)
    )


def _flat(value: object, key: str, *, whole: bool) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping) and not whole:
        yield from flat(value, f"{key}.")
    elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        for name, item in named(value):
            yield from flat(item, f"{key}.{name}.")
    else:
        yield key, value


def named(items: Iterable[Mapping[str, object]]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield each item of a list of tables with the name it has in dotted keys."""
    seen: set[str] = set()
    for number, item in enumerate(items, start=1):
        name = str(item.get("id") or item.get("clock") or number)
        if item.get("channel"):
            name += f"[{item['channel']}]"
        if name in seen:
            name += f"#{number}"
        seen.add(name)
        yield name, item


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


_LONGEST = 60  # characters of a value that are shown


def _cut(shown: str | None) -> str:
    if shown is None:
        return "nothing"
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."
