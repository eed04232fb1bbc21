"""What tells a restored backup from the journal that was lost: a second memory of the chains.

A chain of daily records proves something only as long as there is one of it. Put back last week's
backup, seal the lost days again, and two different records exist for the same day: one in a report
that was sent, one in the journal. The file alone cannot know; so the head of each service's chain
is also kept in `<journal>.head` beside it, which a backup of the journal does not contain:

* It is written after each commit that seals a day (written aside, synced, renamed): it never knows
  a day that the journal does not. When it lags behind, after a crash between the two, the next
  opening brings it up to date.
* `lost` compares: a service whose head in the sidecar is later than in the file, or is another
  record than the file has for that day, was restored. The daemon then notes a `restored` event,
  and seals the lost days again as days of `N` whose records name the head that was lost, in a
  field `lost_head`: they say themselves that they stand in for records that were there before, so
  no second record of a day with letters comes to be.
* The sidecar goes on naming the lost head until a record of that day or a later one is sealed: an
  interrupted repair is found again.
* The head of each client's chain of entries is kept beside them. What a backup lost of these
  cannot be made again: an entry that names the lost head says so, before anything else is entered.

A restore that puts back journal and sidecar together, of a whole machine for example, cannot be
found out by anything on that machine; the reports that were sent tell.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from uptimed.core.entries import Entry, EntryKind, LostEntries
from uptimed.ports import LostHead, Seal
from uptimed.stores.connections import sync_folder
from uptimed.stores.reading import Reader

Head = tuple[date, str]  # the last sealed day, and the SHA-256 of its record
EntriesHead = tuple[int, str]  # the place of the last entry, and its SHA-256

_ENTRIES = "entries/"  # before a client's id: no id of a service has a slash


def sidecar(path: Path) -> Path:
    """Return where the heads of the journal at *path* are kept."""
    return path.with_name(path.name + ".head")


def remembered(path: Path) -> Mapping[str, Head]:
    """Return the head of each service's chain that was last seen; what is unreadable is unknown.

    Losing the sidecar loses only what it could have warned of.
    """
    return _read(path)[0]


def remembered_entries(path: Path) -> Mapping[str, EntriesHead]:
    """Return the head of each client's chain of entries that was last seen."""
    return _read(path)[1]


def _read(path: Path) -> tuple[Mapping[str, Head], Mapping[str, EntriesHead]]:
    try:
        found = json.loads(sidecar(path).read_text(encoding="utf-8"))
        days = {
            service: (date.fromisoformat(head["day"]), str(head["sha256"]))
            for service, head in found.items()
            if not service.startswith(_ENTRIES)
        }
        entries = {
            name.removeprefix(_ENTRIES): (int(head["place"]), str(head["sha256"]))
            for name, head in found.items()
            if name.startswith(_ENTRIES)
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}, {}
    return days, entries


def remember(path: Path, seals: Iterable[Seal], entries: Iterable[Entry] = ()) -> None:
    """Move the heads on to *seals* and *entries*; what is before a known head moves nothing.

    But for an entry that stands in for lost ones: from then on the chain goes through it.
    """
    with _alone(path):
        known_days, known_entries = _read(path)
        days, last = dict(known_days), dict(known_entries)
        for seal in seals:
            if seal.service not in days or seal.day >= days[seal.service][0]:
                days[seal.service] = (seal.day, seal.sha256)
        for entry in entries:
            stands_in = entry.kind is EntryKind.RESTORED
            if stands_in or entry.place >= last.get(entry.client, (0, ""))[0]:
                last[entry.client] = (entry.place, entry.sha256)
        if (days, last) != (known_days, known_entries):
            _replace(sidecar(path), {
                **{
                    f"{_ENTRIES}{client}": {"place": place, "sha256": sha256}
                    for client, (place, sha256) in sorted(last.items())
                },
                **{
                    service: {"day": day.isoformat(), "sha256": sha256}
                    for service, (day, sha256) in sorted(days.items())
                },
            })  # fmt: skip


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep the daemon and commands from writing over what the other has just remembered."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def lost_entries(path: Path, client: str, known: Sequence[Entry]) -> LostEntries | None:
    """Return what was entered for *client* once and is not in *known*; None where nothing is."""
    head = remembered_entries(path).get(client)
    if head is None or any(_goes_through(entry, head[1]) for entry in reversed(known)):
        return None
    kept = known[-1].place if known else 0
    return LostEntries(place=head[0], sha256=head[1], kept=kept)


def _goes_through(entry: Entry, sha256: str) -> bool:
    if entry.sha256 == sha256:
        return True
    return entry.kind is EntryKind.RESTORED and entry.said.get("lost_sha256") == sha256


def lost(path: Path, reader: Reader) -> tuple[LostHead, ...]:
    """Return the heads that were known once and that the journal does not have (any more)."""
    return tuple(
        LostHead(service=service, day=day, sha256=sha256, kept=_kept_before(reader, service, day))
        for service, (day, sha256) in sorted(remembered(path).items())
        if not _has(reader, service, day, sha256)
    )


def catch_up(path: Path, reader: Reader) -> None:
    """Bring a sidecar that lags behind, or is not there, up to date with the journal.

    The heads that are `lost` stay as they are.
    """
    missing = {head.service for head in lost(path, reader)}
    last = (reader.last_seal(service) for service in reader.services() if service not in missing)
    known = remembered_entries(path)
    kept = (
        entry
        for entry in reader.last_entries()
        if known.get(entry.client) != (entry.place, entry.sha256)
        and lost_entries(path, entry.client, reader.entries(entry.client)) is None
    )
    remember(path, (seal for seal in last if seal is not None), kept)


def _has(reader: Reader, service: str, day: date, sha256: str) -> bool:
    # A record that stands in for the lost one names it: that is a repair, not a fork.
    return any(
        seal.sha256 == sha256 or sha256 in seal.record for seal in reader.seals(service, day, day)
    )


def _kept_before(reader: Reader, service: str, day: date) -> date | None:
    last = reader.last_seal(service)
    if last is None or last.day < day:
        return last.day if last else None
    before = reader.seals(service, date.min, day - timedelta(days=1))
    return before[-1].day if before else None


def _replace(path: Path, content: Mapping[str, Mapping[str, str | int]]) -> None:
    aside = path.with_name(f"{path.name}.{os.getpid()}.new")
    handle = os.open(aside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    sync_folder(path)
