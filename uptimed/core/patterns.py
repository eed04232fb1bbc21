"""Regular expressions of the configuration, searched in time linear in the text.

A page may be an attacker's, and many a pattern takes exponential time on a page made for it. So the
patterns are RE2's (https://github.com/google/re2/wiki/Syntax): what nearly every pattern uses, but
neither looking around nor back-references.
"""

import functools
from collections.abc import Sequence
from typing import Protocol

import re2


class Found(Protocol):
    """Where a pattern was found."""

    def group(self, number: int = 0) -> str | None:
        """Return the text of a group; 0 is all of it."""
        ...

    def groups(self) -> Sequence[str | None]:
        """Return the texts of all groups."""
        ...


def search(pattern: str, text: str) -> Found | None:
    """Return where *pattern* is first found in *text*. Raise ValueError where it is no pattern."""
    found: Found | None = _compiled(pattern).search(text)
    return found


def pattern_problem(pattern: str) -> str:
    """Return why *pattern* cannot be used, or "" where it can."""
    try:
        _compiled(pattern)
    except ValueError as error:
        return str(error)
    return ""


class _Compiled(Protocol):
    def search(self, text: str) -> Found | None: ...


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str) -> _Compiled:
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: _Compiled = re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ValueError(text) from None
    return compiled
