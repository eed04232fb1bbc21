"""A contract file that extends another: what becomes of the two, and which value came from where.

* Tables are merged key by key. What the file writes wins.
* `severities`, `plans` and `pauses` are merged by `id`, `clocks` by `clock` and `channel`: what is
  in both is merged as tables are, what is new comes last, and `remove = true` takes one away.
  An empty list takes away all of them.
* Everything else is one value, and is replaced as a whole: also `windows`, `hours`, `extra_days`
  and `goals`.
* `id` and `version` are the file's own. A clock whose `target` or `judged` the file writes has no
  words of the other document any more.
* A value that the file writes is no house reading, unless its own `house` lists it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from uptimed.core.documents import WHOLE, flat

EXTENDS = "extends"
OWN = ("id", "version", "house", EXTENDS)
MERGED = {
    "severities": ("id",),
    "plans": ("id",),
    "pauses": ("id",),
    "clocks": ("clock", "channel"),
}

Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Effective:
    """A contract's document as it counts, from *file*, which is called *name*.

    *origins* says for each value, by its dotted key, which file it stands in. *lineage* are the
    files that led to it, this one first.
    """

    name: str
    file: str
    document: Table
    origins: Mapping[str, str] = field(default_factory=dict)
    lineage: tuple[str, ...] = ()


def alone(name: str, file: str, document: Table) -> Effective:
    """Return a contract that extends no other."""
    origins = {key: name for key, _ in flat(document)}
    return Effective(name, file, document, origins, (file,))


def extended(base: Effective, name: str, file: str, own: Table) -> Effective:
    """Return what *own*, from *file*, makes of *base*."""
    below = {key: value for key, value in base.document.items() if key not in OWN}
    ours = {key: own[key] for key in OWN if key in own and key != EXTENDS}
    over = {key: value for key, value in own.items() if key not in OWN}
    document = {**ours, **merged(below, over)}
    house = _house(base.document.get("house"), own, document)
    if house is not None:
        document["house"] = house
    mine = {key for key, _ in flat(own)}
    origins = {
        key: name if key in mine else base.origins.get(key, base.name) for key, _ in flat(document)
    }
    return Effective(name, file, document, origins, (file, *base.lineage))


def merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> Table:
    """Return *base* with *own* over it; neither is changed."""
    found = dict(base)
    for key, value in own.items():
        under = base.get(key)
        if isinstance(value, Mapping) and isinstance(under, Mapping) and key not in WHOLE:
            found[key] = merged(under, value)
        elif key in MERGED and value and is_tables(value) and is_tables(under):
            found[key] = _merged_lists(under, value, MERGED[key])
        else:
            found[key] = value
    return found


def is_tables(value: object) -> TypeGuard[list[Table]]:
    """Return whether *value* is a list of tables, `[[such]]`."""
    return isinstance(value, list) and all(isinstance(item, Mapping) for item in value)


def _merged_lists(base: list[Table], own: list[Table], identity: tuple[str, ...]) -> list[Table]:
    found: list[Table | None] = [*base]
    free = {number: _identity(item, identity) for number, item in enumerate(base)}
    for item in own:
        name = _identity(item, identity)
        place = next((number for number, known in free.items() if known == name), None)
        if place is None:
            found.append(item)  # also what stands twice, for the check to tell of
            continue
        del free[place]
        gone = item.get("remove") is True and item.keys() <= {*identity, "remove"}
        found[place] = None if gone else _over(base[place], item, identity)
    return [item for item in found if item is not None]


def _identity(item: Table, identity: tuple[str, ...]) -> tuple[object, ...]:
    return tuple(item.get(key, "") for key in identity)


def _over(base: Table, own: Table, identity: tuple[str, ...]) -> Table:
    found = merged(base, own)
    if "clock" in identity and own.keys() & {"target", "judged"} and "words" not in own:
        found.pop("words", None)
    return found


def _house(base: object, own: Table, document: Table) -> object:
    """Return the house readings that are left of *base*'s, and *own*'s."""
    mine = own.get("house", [])
    if not isinstance(mine, list):
        return mine
    kept = [
        key
        for key in (base if isinstance(base, list) else [])
        if key not in mine and has_key(document, key) and not _written(own, key)
    ]
    return [*kept, *mine] if kept or mine else own.get("house")


def _written(own: Table, key: str) -> bool:
    first = key.partition(".")[0]
    whole = isinstance(own.get(first), list) and first not in MERGED
    return whole or has_key(own, key)


def has_key(value: object, key: str) -> bool:
    """Return whether a dotted key is there; items of lists are told by id, clock or place."""
    head, _, rest = key.partition(".")
    if isinstance(value, Mapping):
        return head in value and (not rest or has_key(value[head], rest))
    if isinstance(value, list):
        return any(
            head in (item.get("id"), item.get("clock"), str(number))
            and (not rest or has_key(item, rest))
            for number, item in enumerate(value, start=1)
            if isinstance(item, Mapping)
        )
    return False
