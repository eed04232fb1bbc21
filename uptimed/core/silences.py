"""Silences: minutes in which pages are held back, and no figure changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from uptimed.core.entered import (
    body,
    events,
    instant,
    named,
    next_reference,
    refuse_backwards,
    shown,
    text,
    wanted_text,
)
from uptimed.core.entries import Entry, EntryKind, EntryRefused, NewEntry
from uptimed.core.observations import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Pages of [start, end) are held back. *service* is "" for every service of the client.

    *cancelled* is when it was ended early, None where it was not.
    """

    id: str
    client: str
    service: str
    start: Instant
    end: Instant
    reason: str
    by: str
    recorded: Instant
    cancelled: Instant | None = None
    cancelled_by: str = ""

    @property
    def until(self) -> Instant:
        """Return when it ends, early or as planned."""
        return self.end if self.cancelled is None else min(self.end, self.cancelled)

    def holds(self, at: Instant) -> bool:
        """Return whether pages are held back at *at*."""
        return self.start <= at < self.until

    def quiets(self, client: str, service: str, at: Instant) -> bool:
        """Return whether it holds back the pages of that service at *at*."""
        return self.client == client and self.service in {"", service} and self.holds(at)


def silences(entries: Iterable[Entry]) -> tuple[Silence, ...]:
    """Return what *entries* silence, in the order in which it was recorded."""
    by_client: dict[str, list[Entry]] = {}
    for entry in entries:
        by_client.setdefault(entry.client, []).append(entry)
    return tuple(
        _silence(own) for mine in by_client.values() for _, own in events(mine, EntryKind.SILENCE)
    )


def _silence(own: Sequence[Entry]) -> Silence:
    first, said = own[0], own[0].said
    return Silence(
        id=first.subject,
        client=first.client,
        service=first.service,
        start=instant(said, "start"),
        end=instant(said, "end"),
        reason=text(said, "reason"),
        by=first.by,
        recorded=first.at,
        cancelled=own[1].at if len(own) > 1 else None,
        cancelled_by=own[1].by if len(own) > 1 else "",
    )


def silence(
    known: Sequence[Entry],
    *,
    service: str,
    start: Instant,
    end: Instant,
    reason: str,
    by: str,
    now: Instant,
) -> NewEntry:
    """Return the entry that silences. Raise `EntryRefused` where nothing would be silenced."""
    refuse_backwards(start, end)
    if end <= now:
        raise EntryRefused(
            f"--end: found {shown(end)}, which is over: a silence holds back pages that are yet to "
            "come, and takes back none"
        )
    return NewEntry(
        kind=EntryKind.SILENCE,
        subject=next_reference(known, EntryKind.SILENCE),
        service=service,
        by=by,
        body=body(
            event="silenced",
            start=shown(start),
            end=shown(end),
            reason=wanted_text(reason, "reason", "--reason"),
        ),
    )


def cancel(known: Sequence[Entry], reference: str, *, by: str, now: Instant) -> NewEntry:
    """Return the entry that ends a silence now. Raise `EntryRefused` where it is over."""
    one = named(silences(known), reference, "silence", "uptimed silence list")
    if one.cancelled is not None:
        raise EntryRefused(f"{reference} is cancelled already, by {one.cancelled_by}")
    if one.end <= now:
        raise EntryRefused(f"{reference} is over since {shown(one.end)}: nothing to do")
    return NewEntry(
        kind=EntryKind.SILENCE,
        subject=reference,
        service=one.service,
        by=by,
        body=body(event="cancelled"),
    )
