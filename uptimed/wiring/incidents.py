"""Recording what happens to incidents: decided under the journal's lock, all of it or nothing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from uptimed.core.entries import Entry, EntryRefused, NewEntry
from uptimed.core.incidents import Event, Known, Refusal
from uptimed.core.incidents.casebook import KINDS, Casebook, Recording
from uptimed.core.incidents.detecting import Watched, detect, unrecorded
from uptimed.core.incidents.telling import Garbled, Told, record_told
from uptimed.core.minutes import Minute
from uptimed.core.observations import Instant
from uptimed.core.settings import ClientSettings
from uptimed.ledger.incidents import REACH, OutageReader, account_of, casebook
from uptimed.stores.entering import enter
from uptimed.stores.ledger import Ledger
from uptimed.stores.sqlite import Reader

T = TypeVar("T")


def record(
    path: Path,
    client: ClientSettings,
    now: Instant,
    work: Callable[[Recording], T],
    book: Casebook | None = None,
) -> T:
    """Enter what *work* records of the incidents of *client*: all of it, or nothing.

    *book* is theirs as it was read before, where the caller has it: under the journal's lock it
    takes what others have entered since. Raise `EntryRefused` where something of it is refused,
    `StoreError` where it is not kept.
    """
    results: list[T] = []
    with Ledger.open(path) as ledger:
        known = casebook(ledger.reader, client.id) if book is None else book

        def decide(entries: Sequence[Entry]) -> Sequence[NewEntry]:
            known.take(entries)
            recording = Recording(account_of(client), known, now)
            results.append(work(recording))
            return recording.found

        enter(ledger, client.id, now, decide, kinds=KINDS, after=known.last)
    return results[-1]


def wanted(found: Event | Known | Refusal) -> Event:
    """Return the event that was recorded, or was before; raise `EntryRefused` for a refusal."""
    match found:
        case Refusal(reason=reason):
            raise EntryRefused(reason)
        case Known(event=event):
            return event
        case _:
            return found


def missing(
    reader: Reader, client: ClientSettings, book: Casebook, since: Minute, now: Minute
) -> Sequence[Watched]:
    """Return the services whose outages since *since* are not all on record as incidents.

    Only those are read at all that may have any: corrections take outages away and make none.
    """
    outages = OutageReader(reader, client)
    ids = [service.id for service in client.services]
    first, stop = Minute(since - REACH), Minute(now + 1)
    troubled = reader.with_marks(ids, outages.marks, first, stop)
    found = (outages.watched(s, since, now) for s in client.services if s.id in troubled)
    return tuple(each for each in found if unrecorded(book, each))


def record_outages(
    path: Path,
    client: ClientSettings,
    now: Instant,
    found: Sequence[Watched],
    book: Casebook | None = None,
) -> Sequence[Event]:
    """Open what *found* lacks, and tell of what ended; return what was recorded."""

    def work(recording: Recording) -> Sequence[Event]:
        detect(recording, found)
        return tuple(recording.recorded)

    return record(path, client, now, work, book)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedEvents:
    """What an import came to. Where lines were refused and not to be skipped, nothing is kept."""

    recorded: tuple[Event, ...]
    known: int
    refused: tuple[tuple[int, str], ...]  # the number of the line, and why


class _Refused(Exception):
    """Lines were refused: nothing of the file is kept."""


def take_events(
    path: Path,
    client: ClientSettings,
    now: Instant,
    lines: Iterable[Told | Garbled],
    *,
    skip_bad: bool,
) -> ImportedEvents:
    """Record events of *client* that another system tells of, in the order of the lines.

    Raise `StoreError` where the disk does not take them.
    """
    stages = {service.id: service.stage for service in client.services}
    known = 0
    refused: list[tuple[int, str]] = []

    def work(recording: Recording) -> Sequence[Event]:
        nonlocal known
        for line in lines:
            match line if isinstance(line, Garbled) else record_told(recording, line, stages):
                case Garbled(reason=reason) | Refusal(reason=reason):
                    refused.append((line.line, reason))
                case Known():
                    known += 1
                case Event():
                    pass
        if refused and not skip_bad:
            raise _Refused
        return tuple(recording.recorded)

    try:
        recorded = record(path, client, now, work)
    except _Refused:
        return ImportedEvents(recorded=(), known=0, refused=tuple(refused))
    return ImportedEvents(recorded=tuple(recorded), known=known, refused=tuple(refused))
