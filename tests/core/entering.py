"""A client's entries in memory, chained as the journal chains them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.core.drawing import moment
from uptimed.core.entries import Entry, NewEntry, chained
from uptimed.core.observations import Instant

_MORNING = moment("2026-10-05T14:00Z")


@dataclass
class Book:
    """What was entered so far, by Ana; *at* is when the next is entered."""

    at: Instant = _MORNING
    entries: list[Entry] = field(default_factory=list)

    def enter(self, decide: Callable[[Sequence[Entry]], NewEntry], at: str = "") -> Entry:
        """Enter what *decide* makes of what is entered already."""
        self.at = moment(at) if at else self.at
        last = self.entries[-1] if self.entries else None
        made = chained(decide(tuple(self.entries)), "acme", self.at, len(self.entries) + 1, last)
        self.entries.append(made)
        return made
