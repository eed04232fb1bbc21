"""InfluxDB's line protocol: a point is one line of text.

    measurement,tag=value field=1i,other="text" 1790000000000000000

The protocol cannot write everything that a text may hold: a tag may not be empty, end with a
backslash or have a line break, and no text may have a line break either. What it cannot write is
written otherwise here, so that it can be read back and two texts never become one:

* In tags, control characters, `%`, `"` and the backslash are `%` and two hex digits. An empty tag
  is left out.
* In texts, control characters are their pictures, such as U+240A for a line break. A picture that
  is meant as such stands behind U+2425, and so does U+2425 itself.

This module knows the grammar; what is in a point is said in `influx_points`.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from uptimed.core.observations import Instant

_TAG_CODED = re.compile(r'[\x00-\x1f\x7f%"\\]')
_TAG_ESCAPED = re.compile(r"[,= ]")

_PICTURES = {chr(code): chr(0x2400 + code) for code in range(32)} | {"\x7f": "\u2421"}
_CONTROLS = {picture: control for control, picture in _PICTURES.items()}
_GUARD = "\u2425"
_TEXT_CODED = re.compile("[\\x00-\\x1f\\x7f\u2400-\u241f\u2421\u2425]")
_TEXT_READ = re.compile("\u2425(.)|([\u2400-\u241f\u2421])")


def series(measurement: str, tags: Mapping[str, str]) -> str:
    """Return what a line begins with. Empty tags are left out, the others stand in order."""
    written = (f",{key}={tag(value)}" for key, value in sorted(tags.items()) if value)
    return measurement + "".join(written)


def tag(value: str) -> str:
    """Return *value* as it stands in a tag."""
    coded = _TAG_CODED.sub(lambda match: f"%{ord(match[0]):02X}", value)
    return _TAG_ESCAPED.sub(lambda match: "\\" + match[0], coded)


def tag_read(value: str) -> str:
    """Return the text that `tag` wrote, from what the server gives back of it."""
    return unquote(value, errors="strict")


def text(value: str) -> str:
    """Return *value* as a field that is a text."""
    drawn = _TEXT_CODED.sub(lambda match: _PICTURES.get(match[0]) or _GUARD + match[0], value)
    escaped = drawn.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def text_read(value: str) -> str:
    """Return the text that `text` wrote, from what the server gives back of it."""
    return _TEXT_READ.sub(lambda match: match[1] or _CONTROLS[match[2]], value)


def fields(values: Iterable[tuple[str, int | str]]) -> str:
    """Return the fields of a line. There must be one at least, and none may be called `time`."""
    return ",".join(
        f"{name}={text(value)}" if isinstance(value, str) else f"{name}={value}i"
        for name, value in values
    )


def line(of: str, fields_: str, at: Instant, number: int = 0) -> str:
    """Return a point of the series *of* at an instant, in nanoseconds as the server takes it.

    *number* tells points of one microsecond apart.
    """
    return f"{of} {fields_} {at}{number % 1000:03}"
