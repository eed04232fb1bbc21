"""Spells: after which minutes so many of the last ones were down.

A count of minutes in a sliding window is worked out from the few minutes that are counted, not
from the thousands that are not: *k* of the last *w* minutes are counted after minute *m* if, and
only if, some *k* of them in a row lie in (m - w, m].
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from uptimed.core.minutes import Minute
from uptimed.core.strip import Strip


@dataclass(frozen=True, slots=True)
class Spell:
    """Something was so after each of the minutes [start, stop), once they were settled."""

    start: Minute
    stop: Minute


def minutes_of(strip: Strip, letters: str) -> tuple[Minute, ...]:
    """Return the minutes of *strip* whose letter is one of *letters*, in order."""
    plain = strip.plain
    if not any(letter in plain for letter in letters):
        return ()
    wanted = re.compile(f"[{re.escape(letters)}]")
    return tuple(Minute(strip.start + found.start()) for found in wanted.finditer(plain))


def at_least(count: int, of: Sequence[Minute], *, window: int) -> tuple[Spell, ...]:
    """Return when at least *count* of the minutes *of* were among the last *window* ones."""
    return united(
        Spell(last, Minute(first + window))
        for first, last in zip(of, of[count - 1 :], strict=False)
        if last < first + window
    )


def united(spells: Iterable[Spell]) -> tuple[Spell, ...]:
    """Return *spells*, which begin in order, with those joined that touch or overlap."""
    found: list[Spell] = []
    for spell in spells:
        if found and spell.start <= found[-1].stop:
            found[-1] = Spell(found[-1].start, max(found[-1].stop, spell.stop))
        else:
            found.append(spell)
    return tuple(found)


def both(one: Sequence[Spell], other: Sequence[Spell]) -> tuple[Spell, ...]:
    """Return when both were so. Each is in order, without overlap."""
    return tuple(_both(one, other))


def _both(one: Sequence[Spell], other: Sequence[Spell]) -> Iterator[Spell]:
    first = second = 0
    while first < len(one) and second < len(other):
        start = max(one[first].start, other[second].start)
        stop = min(one[first].stop, other[second].stop)
        if start < stop:
            yield Spell(start, stop)
        if one[first].stop <= other[second].stop:
            first += 1
        else:
            second += 1


def lasting(spells: Iterable[Spell], minutes: int) -> tuple[Spell, ...]:
    """Return *spells* with each going on for so many *minutes* after it was over."""
    return united(Spell(spell.start, Minute(spell.stop + minutes)) for spell in spells)
