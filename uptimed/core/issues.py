"""Which revision of a month's report was given out, when, and what it hashes to.

A report is given out when it is drawn up (but for a draft) or sent. That is recorded as an entry,
so that a later revision can name the one that it replaces, and because an exception has to be
notified before. Drawn up again with more on record (further days sealed, an objection that came)
it is the same revision with other bytes: each of them is recorded, the last is what is replaced.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from uptimed.core.entered import body, number, text
from uptimed.core.entries import Entry, EntryKind, NewEntry
from uptimed.core.observations import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A copy of a report that was given out or put in the outbox: *sha256* is that of its JSON."""

    month: str
    revision: int
    sha256: str
    at: Instant
    by: str  # "" for the outbox
    place: int  # in the client's chain of entries; a mail's is that of the next entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What of a mail in the outbox concerns figures.

    *key* is what it was put in under, *accepted* when a server took it, or None. *month*,
    *revision* and the *sha256* of the JSON are those of a report, and empty for any other mail.
    *stands* is False where it was cancelled before anyone got it.
    """

    key: str
    at: Instant
    accepted: Instant | None
    month: str = ""
    revision: int = 0
    sha256: str = ""
    stands: bool = True


def issues(entries: Iterable[Entry], posts: Iterable[Post] = ()) -> tuple[Issue, ...]:
    """Return what was given out, in order: what was drawn up, and what *posts* mail."""
    known = tuple(entries)
    mailed = [
        Issue(
            month=post.month,
            revision=post.revision,
            sha256=post.sha256,
            at=post.at,
            by="",
            place=1 + max((e.place for e in known if e.at <= post.at), default=0),
        )
        for post in posts
        if post.month and post.stands
    ]
    return tuple(sorted([*_drawn(known), *mailed], key=lambda one: (one.at, one.place)))


def _drawn(entries: Iterable[Entry]) -> tuple[Issue, ...]:
    return tuple(
        Issue(
            month=entry.subject,
            revision=number(entry.said, "revision"),
            sha256=text(entry.said, "sha256"),
            at=entry.at,
            by=entry.by,
            place=entry.place,
        )
        for entry in entries
        if entry.kind is EntryKind.REPORT
    )


def issue(
    known: Sequence[Entry], *, month: str, revision: int, sha256: str, by: str
) -> tuple[NewEntry, ...]:
    """Return the entry of a report that is given out; nothing where its last copy is the same."""
    given = [one for one in issues(known) if (one.month, one.revision) == (month, revision)]
    if given and given[-1].sha256 == sha256:
        return ()
    said = body(revision=revision, sha256=sha256)
    return (NewEntry(kind=EntryKind.REPORT, subject=month, by=by, body=said),)
