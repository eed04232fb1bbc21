"""Casebooks in memory: what is recorded is chained as a journal would chain it."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.core.cases import BOGOTA, at, support_of
from uptimed.core.entries import Entry, chained
from uptimed.core.incidents import Event, Known, Refusal
from uptimed.core.incidents.casebook import Account, Casebook, Recording
from uptimed.core.observations import SECOND, Instant

T = TypeVar("T")

DATACRM = Account(client="acme", zone=BOGOTA, support=support_of("datacrm"))
LATE = at("2026-12-31 00:00")


class Journal:
    """The entries of one client."""

    def __init__(self, account: Account = DATACRM) -> None:
        self.account = account
        self.entries: list[Entry] = []

    def record(self, work: Callable[[Recording], T], *, now: int = LATE) -> T:
        """Enter what *work* records."""
        recording = Recording(self.account, self.book, Instant(now * SECOND))
        result = work(recording)
        for new in recording.found:
            last = self.entries[-1] if self.entries else None
            number = len(self.entries) + 1
            self.entries.append(chained(new, "acme", Instant(now * SECOND), number, last))
        return result

    @property
    def book(self) -> Casebook:
        return Casebook(self.entries)

    def kinds(self, reference: str) -> Sequence[str]:
        """Return the kinds of events of an incident, in the order in which they count."""
        return [str(e.act.kind) for e in self.book.incident(reference).timeline]


def kept(found: Event | Known | Refusal) -> Event:
    """Return the event that was recorded; fail where it was not."""
    assert isinstance(found, Event), found
    return found
