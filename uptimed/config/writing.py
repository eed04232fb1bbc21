"""Writing a contract's document as TOML, with a comment at each value."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from uptimed.config.extending import is_tables
from uptimed.core.documents import WHOLE, named

Comment = Callable[[str], str]
"""Returns what is to be said of the value at a dotted key; nothing where it is empty."""

_WIDTH = 42  # where comments begin, unless the value is longer


def toml_of(document: Mapping[str, Any], comment: Comment) -> str:
    """Return *document* as TOML that is read back as the same document."""
    return "\n".join(_table(document, "", "", comment)).strip() + "\n"


def _table(table: Mapping[str, Any], header: str, key: str, comment: Comment) -> Iterator[str]:
    """Yield the lines of a table called *header* in the file, at the dotted *key*."""
    deep = {name: value for name, value in table.items() if _is_deep(name, value)}
    for name, value in table.items():
        if name not in deep:
            yield _line(f"{name} = {_value(value)}", comment(f"{key}{name}"))
    for name, value in deep.items():
        inner = f"{header}.{name}" if header else name
        if isinstance(value, Mapping):
            yield from ("", f"[{inner}]")
            yield from _table(value, inner, f"{key}{name}.", comment)
            continue
        for item_name, item in named(value):
            yield from ("", f"[[{inner}]]")
            yield from _table(item, inner, f"{key}{name}.{item_name}.", comment)


def _is_deep(name: str, value: object) -> bool:
    if isinstance(value, Mapping):
        return name not in WHOLE
    return bool(value) and is_tables(value)


def _line(text: str, said: str) -> str:
    return f"{text:<{_WIDTH}}  # {said}" if said else text


def _value(value: object) -> str:
    match value:
        case Mapping():
            return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case date():
            return value.isoformat()
        case _:
            return json.dumps(value, ensure_ascii=False)
