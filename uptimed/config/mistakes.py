"""What the operator got wrong, said so that it can be put right.

A mistake names the file, the key, what was found there and what is wanted. All of them are told at
once. What is found is never shown where it may be a secret.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from typing_extensions import override

_LONGEST_SHOWN = 60  # characters of a found text
_LONGEST_LIST = 12  # keys that are listed beside the nearest one


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake, at *key* (a dotted path of ids, or of places counted from 1) of *file*."""

    file: str
    key: str
    found: str
    wanted: str

    @override
    def __str__(self) -> str:
        place = ": ".join(part for part in (self.file, self.key) if part)
        return f"{place}: found {self.found}, wanted {self.wanted}"


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that is allowed and probably not meant."""

    file: str
    key: str
    text: str

    @override
    def __str__(self) -> str:
        place = ": ".join(part for part in (self.file, self.key) if part)
        return f"{place}: {self.text}"


class ConfigError(Exception):
    """The configuration cannot be used. Its text is one line per mistake."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class Wrong(Exception):
    """A value is not what is wanted; whoever reads it knows the place."""

    def __init__(self, found: str, wanted: str) -> None:
        self.found = found
        self.wanted = wanted
        super().__init__(f"found {found}, wanted {wanted}")


def show(value: object) -> str:
    """Return a scalar as it may be shown, and anything else by its kind."""
    match value:
        case bool() | int() | float():
            return json.dumps(value)
        case str():
            cut = value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "..."
            return json.dumps(cut, ensure_ascii=False)
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return kind_of(value)


def kind_of(value: object) -> str:
    """Return the kind of a TOML value, for places where the value itself is not shown."""
    match value:
        case bool():
            return "true or false"
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case datetime() | date() | time():
            return "a date or time"
        case Mapping():
            return "a table"
        case list() | tuple():
            return "a list"
        case _:
            return "nothing"


def one_of(choices: Iterable[str]) -> str:
    """Return *choices* as a wish: `"a", "b" or "c"`."""
    quoted = [json.dumps(choice, ensure_ascii=False) for choice in choices]
    if len(quoted) <= 1:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def suggest(word: str, choices: Iterable[str]) -> str:
    """Return *choices* as a wish, the one nearest to *word* first if any is near."""
    known = sorted(choices)
    near = [choice for choice in known if choice.lower() == word.lower()]
    begun = [choice for choice in known if choice.startswith(word)]
    near = near or (begun if len(begun) == 1 else [])
    near = near or difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return (
            f'"{near[0]}"?'
            if len(known) > _LONGEST_LIST
            else f'"{near[0]}"? (one of {one_of(known)})'
        )
    return one_of(known)
