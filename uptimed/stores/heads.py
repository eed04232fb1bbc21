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

A restore that puts back journal and sidecar together, of a whole machine for example, cannot be
found out by anything on that machine; the reports that were sent tell.
"""

import json
import os
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

from uptimed.ports import LostHead, Seal
from uptimed.stores.connections import sync_folder
from uptimed.stores.reading import Reader

Head = tuple[date, str]  # the last sealed day, and the SHA-256 of its record


def sidecar(path: Path) -> Path:
    """Return where the heads of the journal at *path* are kept."""
    return path.with_name(path.name + ".head")


def remembered(path: Path) -> Mapping[str, Head]:
    """Return the head of each service's chain that was last seen; what is unreadable is unknown.

    Losing the sidecar loses only what it could have warned of.
    """
    try:
        found = json.loads(sidecar(path).read_text(encoding="utf-8"))
        return {
            service: (date.fromisoformat(head["day"]), str(head["sha256"]))
            for service, head in found.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def remember(path: Path, seals: Iterable[Seal]) -> None:
    """Move the heads on to *seals*; one before the head that is known moves nothing."""
    known = remembered(path)
    heads = dict(known)
    for seal in seals:
        if seal.service not in heads or seal.day >= heads[seal.service][0]:
            heads[seal.service] = (seal.day, seal.sha256)
    if heads != known:
        _replace(sidecar(path), {
            service: {"day": day.isoformat(), "sha256": sha256}
            for service, (day, sha256) in sorted(heads.items())
        })  # fmt: skip


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
    remember(path, (seal for seal in last if seal is not None))


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


def _replace(path: Path, content: Mapping[str, Mapping[str, str]]) -> None:
    aside = path.with_name(f"{path.name}.{os.getpid()}.new")
    with aside.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    sync_folder(path)
