"""What an incident's events amount to, in values, and how instants are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from uptimed.core.calendars import Second
from uptimed.core.minutes import moment_of
from uptimed.core.observations import SECOND, Instant
from uptimed.core.support import Fault

MONITOR: Final = "uptimed"
"""The recorder of what the monitor did by itself. It is nobody: it acknowledges nothing."""


class Kind(StrEnum):
    """What an event is, as it is stored and exported."""

    OPENED = "opened"
    REPORTED = "reported"
    REGISTERED = "registered"
    CLASSIFIED = "classified"
    ACKNOWLEDGED = "acknowledged"
    FIRST_RESPONSE = "first_response"
    UPDATE = "update"
    ANSWERED = "answered"
    PAUSED = "paused"
    RESUMED = "resumed"
    SEVERITY = "severity"
    ESCALATED = "escalated"
    RESTORED = "restored"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    CLOSED = "closed"
    CAUSE = "cause"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an event is not recorded, and what to do instead."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A client's report, and the channel it came through; "" where none was named."""

    at: Second
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityPeriod:
    """From *at* on the incident was of that severity.

    *proposed* is one that nobody confirmed. *since* is the start of the outage that justifies a
    raise, None where the raise itself counts.
    """

    at: Second
    severity: str
    proposed: bool
    fault: Fault
    since: Second | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PausePeriod:
    """A pause for a listed *reason*; *stop* is None while it lasts."""

    reason: str
    start: Second
    stop: Second | None


def told_at(at: Second) -> str:
    """Return *at* as people write it, in UTC."""
    return f"{moment_of(Instant(at * SECOND)):%Y-%m-%d %H:%M:%SZ}"


def choice_of(names: Sequence[str]) -> str:
    """Return *names* as a choice: `a, b or c`."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
