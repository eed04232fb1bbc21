"""Objections: minutes that the client contests, until when they are answered, and how.

An objection changes no figure; what it leads to is a correction, or the reason why there is none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from uptimed.core.entered import (
    body,
    events,
    instant,
    minute,
    named,
    next_reference,
    refuse_backwards,
    shown,
    shown_minute,
    text,
    texts,
    unknown,
    wanted_text,
)
from uptimed.core.entries import Entry, EntryKind, EntryRefused, NewEntry
from uptimed.core.minutes import Minute, start_of
from uptimed.core.observations import SECOND, Instant

ANSWER_WITHIN_US = 7 * 86_400 * SECOND
"""Until when an objection is answered where nothing else is said: a house value, a week."""


class Outcome(StrEnum):
    """How an objection ended."""

    ACCEPTED = "accepted"  # corrected as the client asked
    PARTLY = "partly"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"  # by the client

    @property
    def corrects(self) -> bool:
        """Return whether a correction goes with it."""
        return self in {Outcome.ACCEPTED, Outcome.PARTLY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Minutes [start, stop) that the client contests. *outcome* is None while it is open.

    *contact* is who of the client's objects. *corrections* are the references of those that it led
    to.
    """

    id: str
    service: str
    start: Minute
    stop: Minute
    why: str
    contact: str
    by: str
    recorded: Instant
    received: Instant
    due: Instant
    outcome: Outcome | None
    answered: Instant | None
    answered_by: str
    answer: str
    corrections: tuple[str, ...]

    def overdue(self, now: Instant) -> bool:
        """Return whether it is, or was, answered after its deadline."""
        return (now if self.answered is None else self.answered) > self.due


def objections(entries: Iterable[Entry]) -> tuple[Objection, ...]:
    """Return the objections that *entries* of one client speak of, in order."""
    known = tuple(entries)
    led_to: dict[str, list[str]] = {}
    for entry in known:
        if entry.kind is EntryKind.CORRECTION:
            led_to.setdefault(text(entry.said, "objection"), []).append(entry.subject)
    return tuple(
        _objection(own, led_to.get(reference, []))
        for reference, own in events(known, EntryKind.OBJECTION)
    )


def _objection(own: Sequence[Entry], led_to: Sequence[str]) -> Objection:
    first, said = own[0], own[0].said
    answer = own[1] if len(own) > 1 else None
    named_in_it = () if answer is None else texts(answer.said, "corrections")
    return Objection(
        id=first.subject,
        service=first.service,
        start=minute(said, "start"),
        stop=minute(said, "end"),
        why=text(said, "why"),
        contact=text(said, "contact"),
        by=first.by,
        recorded=first.at,
        received=instant(said, "received"),
        due=instant(said, "due"),
        outcome=None if answer is None else Outcome(text(answer.said, "outcome")),
        answered=None if answer is None else answer.at,
        answered_by="" if answer is None else answer.by,
        answer="" if answer is None else text(answer.said, "why"),
        corrections=tuple(dict.fromkeys([*led_to, *named_in_it])),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contested:
    """What a client contests, as it was told: minutes [start, stop) of *service*.

    *due* is when it is to be answered, None for the usual time after *received*.
    """

    service: str
    start: Minute
    stop: Minute
    why: str
    contact: str
    received: Instant
    due: Instant | None


def contest(known: Sequence[Entry], told: Contested, *, by: str, now: Instant) -> NewEntry:
    """Return the entry of a new objection. Raise `EntryRefused` where it cannot be."""
    due = Instant(told.received + ANSWER_WITHIN_US) if told.due is None else told.due
    refuse_backwards(start_of(told.start), start_of(told.stop))
    if start_of(told.stop) > now:
        raise EntryRefused(
            f"--end: found {shown_minute(told.stop)}, which is yet to come: only minutes that are "
            "over can be contested"
        )
    if told.received > now:
        raise EntryRefused(f"--received: found {shown(told.received)}, which is yet to come")
    if due <= told.received:
        raise EntryRefused(
            f"--due: found {shown(due)}, which is not after the objection was received, "
            f"{shown(told.received)}: give a later time"
        )
    return NewEntry(
        kind=EntryKind.OBJECTION,
        subject=next_reference(known, EntryKind.OBJECTION),
        service=told.service,
        by=by,
        body=body(
            event="contested",
            start=shown_minute(told.start),
            end=shown_minute(told.stop),
            why=wanted_text(told.why, "reason", "--why"),
            contact=" ".join(told.contact.split()),
            received=shown(told.received),
            due=shown(due),
        ),
    )


def answer(
    known: Sequence[Entry],
    reference: str,
    *,
    outcome: Outcome,
    why: str,
    corrections: Sequence[str],
    by: str,
) -> NewEntry:
    """Return the entry that answers an objection. Raise `EntryRefused` where it cannot be."""
    one = open_objection(known, reference)
    made = {entry.subject for entry in known if entry.kind is EntryKind.CORRECTION}
    for name in corrections:
        if name not in made:
            raise unknown(name, "correction", "uptimed correct list")
    if outcome.corrects and not (one.corrections or corrections):
        raise EntryRefused(
            f"{reference} is {outcome} by correcting minutes: correct them first, with `uptimed "
            f"correct add --objection {reference}`, or name the correction with --correction"
        )
    return NewEntry(
        kind=EntryKind.OBJECTION,
        subject=reference,
        service=one.service,
        by=by,
        body=body(
            event="answered",
            outcome=outcome,
            why=wanted_text(why, "answer", "--why"),
            corrections=list(corrections),
        ),
    )


def open_objection(known: Sequence[Entry], reference: str) -> Objection:
    """Return the objection *reference*. Raise `EntryRefused` where there is none, or it is over."""
    one = named(objections(known), reference, "objection", "uptimed objection list")
    if one.outcome is not None:
        raise EntryRefused(
            f"{reference} is answered already: {one.outcome}, {shown(one.answered)}, by "
            f"{one.answered_by}. What is contested anew is a new objection: `uptimed objection add`"
        )
    return one
