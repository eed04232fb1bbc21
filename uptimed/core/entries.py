"""What is entered beside looks and letters: maintenance, exceptions, corrections, incidents.

An entry is never changed and never deleted: whoever takes something back enters that. Each client
has one chain of entries, as each service has one of sealed days, so that nobody can slip one in
later, leave one out or change the order unseen. A record is canonical JSON (UTF-8, sorted keys, no
spaces, integers only), so that anyone can make it again:

    v                1
    client           the client's id
    place            its place in the client's chain, from 1
    kind             what it is: incident, maintenance, exception, objection, correction ...
    subject          what it is about, such as an incident's reference
    service          the service's id, "" where it is about none
    at               when it was recorded: microseconds since 1970-01-01 UTC
    by               who recorded it
    body             what it says, an object
    previous_sha256  SHA-256 of the entry before it, 64 zeros for the first
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from uptimed.core.chain import GENESIS
from uptimed.core.observations import Instant
from uptimed.core.terms import canonical_json


class EntryKind(StrEnum):
    """What an entry is about."""

    INCIDENT = "incident"  # one event of an incident
    TERMS = "terms"  # of support, as incidents are judged by them; kept once for all of these
    MAINTENANCE = "maintenance"
    EXCEPTION = "exception"
    OBJECTION = "objection"
    CORRECTION = "correction"
    SILENCE = "silence"
    REPORT = "report"  # a revision of a month's report was given out
    RESTORED = "restored"  # entries were lost with a backup that was put back


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What is to be entered. *body* is canonical JSON of an object.

    *key*, where it is not empty, tells it from every other of its client and kind: entered again
    with the same content it is the same entry.
    """

    kind: EntryKind
    subject: str
    by: str
    body: str
    service: str = ""
    key: str = ""


class Entry(NamedTuple):
    """What was entered. *number* is the order of recording in this journal, over all clients.

    A tuple, because a year of incidents is 80,000 of them: a dataclass takes four times as long.
    """

    number: int
    client: str
    place: int
    kind: EntryKind
    subject: str
    service: str
    at: Instant
    by: str
    body: str
    key: str
    previous_sha256: str
    sha256: str

    @property
    def said(self) -> Mapping[str, object]:
        """Return the body's content."""
        said: Mapping[str, object] = json.loads(self.body)
        return said

    @property
    def record(self) -> str:
        """Return the canonical record, whose SHA-256 the chain is made of."""
        return canonical_json(
            {
                "v": 1,
                "client": self.client,
                "place": self.place,
                "kind": str(self.kind),
                "subject": self.subject,
                "service": self.service,
                "at": self.at,
                "by": self.by,
                "body": self.said,
                "previous_sha256": self.previous_sha256,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LostEntries:
    """Entries of a client that were known once and are not in the journal any more.

    *place* and *sha256* are those of the last that was known; *kept* is the place of the last one
    that the journal has, 0 for none.
    """

    place: int
    sha256: str
    kept: int


def stand_in(lost: LostEntries) -> NewEntry:
    """Return the entry that says which ones a restored backup lost."""
    said = {"kept_place": lost.kept, "lost_place": lost.place, "lost_sha256": lost.sha256}
    return NewEntry(
        kind=EntryKind.RESTORED, subject="entries", by="uptimed", body=canonical_json(said)
    )


class EntryRefused(Exception):
    """What was to be entered is not; the message says why and what to do instead."""


def chained(new: NewEntry, client: str, at: Instant, number: int, last: Entry | None) -> Entry:
    """Return *new* as the entry of *client* that follows *last*, None for the first.

    It is never recorded before that one: with a clock that was put back nothing is entered into
    the past, where maintenance would have been announced in time. Raise `EntryRefused` where nobody
    enters it.
    """
    if not new.by.strip():
        raise EntryRefused(f"a {new.kind} entered by nobody: name who enters it, with --by NAME")
    entry = Entry(
        number=number,
        client=client,
        place=1 if last is None else last.place + 1,
        kind=new.kind,
        subject=new.subject,
        service=new.service,
        at=at if last is None else Instant(max(at, last.at)),
        by=new.by,
        body=canonical_json(json.loads(new.body)),
        key=new.key,
        previous_sha256=GENESIS if last is None else last.sha256,
        sha256="",
    )
    return entry._replace(sha256=_digest(entry))


def _digest(entry: Entry) -> str:
    return hashlib.sha256(entry.record.encode()).hexdigest()


def twin(new: NewEntry, known: Entry) -> bool:
    """Return whether *known*, which has the key of *new*, says the same; else it is refused.

    Raise `EntryRefused` where it says something else.
    """
    if (new.subject, new.service, canonical_json(json.loads(new.body))) == (
        known.subject, known.service, known.body,
    ):  # fmt: skip
        return True
    raise EntryRefused(
        f"{new.kind} {new.key} is entered already with other content, and nothing that is entered "
        "changes: give what is new a key of its own"
    )


def entry_faults(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return where one client's chain of *entries* is broken, in words; nothing where it holds.

    The first one given may be any: what it names as the one before is then taken as it stands.
    """
    return tuple(_faults(entries))


def _faults(entries: Iterable[Entry]) -> Iterable[str]:
    before: Entry | None = None
    for entry in entries:
        name = f"entry {entry.place} of {entry.client}"
        if _digest(entry) != entry.sha256:
            yield f"{name} is not what was entered"
        if before is not None and entry.previous_sha256 != before.sha256:
            yield f"{name} does not name the one before it"
        if before is not None and entry.place != before.place + 1:
            yield f"{name} follows entry {before.place}"
        before = entry
