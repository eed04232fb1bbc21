"""Log lines on stderr: for people on a terminal, JSON for machines."""

import json
import logging
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

from typing_extensions import override

# What a terminal obeys, and what turns the direction of reading: targets choose what is shown.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_EXTRA = ("client", "service", "probe", "vantage")  # what a line of ours may be about
_HERE = frozenset({"probes", "reports", "uptimed"})
_COLOURS = {"WARNING": "33", "ERROR": "31", "CRITICAL": "31;1"}


def visible(text: str) -> str:
    """Return *text* with what a terminal would obey made visible, but for line breaks and tabs."""
    return _COMMANDS.sub(lambda found: ascii(found[0])[1:-1], text)


def visible_json(text: str) -> str:
    """Return *text*, which is JSON, with the same escaped: it says what it said."""
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class _Ours(logging.Formatter):
    """What both forms have in common: what was not worded here is masked.

    What is worded here has no secrets in it. A traceback may, and so may what a library logs.
    """

    mask: Callable[[str], str] = staticmethod(lambda text: text)

    def told(self, record: logging.LogRecord) -> str:
        """Return the message of *record*."""
        message = record.getMessage()
        return message if record.name.partition(".")[0] in _HERE else self.mask(message)

    @override
    def formatException(self, ei: Any) -> str:
        return self.mask(super().formatException(ei))


class _ForPeople(_Ours):
    """`14:07:12 warning: acme-crm down: status 500`, in local time and in colour."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    @override
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, tz=UTC).astimezone()
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        text = f"{at:%H:%M:%S} {level}{visible(self.told(record))}"
        colour = _COLOURS.get(record.levelname) if self._colour else None
        if colour:
            text = f"\x1b[{colour}m{text}\x1b[0m"
        if record.exc_info:
            text += "\n" + visible(self.formatException(record.exc_info))
        return text


class _ForMachines(_Ours):
    """One JSON object a line."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, tz=UTC)
        line: dict[str, object] = {
            "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.told(record),
        }
        line |= {name: getattr(record, name) for name in _EXTRA if hasattr(record, name)}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return visible_json(json.dumps(line, ensure_ascii=False))


def set_up(level: str, form: str, stream: TextIO | None = None) -> None:
    """Log to *stream*, or stderr, from *level* on.

    *form* is `text`, `json`, or `auto`: text on a terminal.
    """
    stream = sys.stderr if stream is None else stream
    people = form == "text" or (form == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_ForPeople(colour=stream.isatty()) if people else _ForMachines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("asyncio", "aiohttp", "weasyprint", "fontTools"):
        logging.getLogger(noisy).setLevel("WARNING")


def mask_with(mask: Callable[[str], str]) -> None:
    """Put *mask* over tracebacks, and over what libraries log, from now on."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, _Ours):
            handler.formatter.mask = mask
