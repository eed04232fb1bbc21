"""Corrections: what people found out about minutes after they were judged.

A correction changes nothing that is kept. It is laid over the letters on record when they are read,
before any overlay. `D` and `L` may become `N`, or `E` (a notified exception); they become `U` only
by naming stored looks that passed in that very minute, and only where the minute, judged again with
them, is up. The last correction of a minute holds, and
one that turned out wrong is taken back by another, to what is on record. Minutes that are not down
on record are never touched.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from typing_extensions import override

from uptimed.core.entered import (
    body,
    instant,
    minute,
    next_reference,
    number,
    shown,
    shown_minute,
    tables,
    text,
    texts,
    wanted_text,
)
from uptimed.core.entries import Entry, EntryKind, EntryRefused, NewEntry
from uptimed.core.letters import Held, judge_minute
from uptimed.core.looks import PASSED
from uptimed.core.minutes import Minute, minute_of
from uptimed.core.observations import Attempt, Instant, Outcome
from uptimed.core.strip import (
    DEGRADED,
    EXCEPTED,
    LOGIN_FAILURE,
    NOT_MEASURED,
    SYSTEM_DOWN,
    UNVERIFIED_UP,
    UP,
    Strip,
)
from uptimed.core.terms import Role, WatchTerms

CORRECTABLE = (SYSTEM_DOWN, LOGIN_FAILURE)


Place = tuple[str, str]
"""A probe and the vantage that it was looked at from."""
Passes = Mapping[Minute, frozenset[Place]]


class Becomes(StrEnum):
    """What minutes can be corrected to."""

    NOT_MEASURED = "N"
    EXCEPTED = "E"
    UP = "U"
    RECORD = "record"  # back to the letter on record


@dataclass(frozen=True, slots=True, kw_only=True)
class LookNamed:
    """The identity of a stored attempt of the service; *account* is 0 where it has none."""

    probe: str
    vantage: str
    at: Instant
    account: int = 0

    @override
    def __str__(self) -> str:
        account = f",{self.account}" if self.account else ""
        return f"{self.probe},{self.vantage},{shown(self.at)}{account}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    """A month's report that a correction makes *revision* of; *replaces* hashes the one before."""

    month: str
    revision: int
    replaces: str


@dataclass(frozen=True, slots=True)
class Change:
    """Minutes [start, stop) that a correction changes from *was* to *becomes*."""

    start: Minute
    stop: Minute
    was: str
    becomes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One correction: minutes from *start* on, from *was* to *becomes*, a character each.

    Where both are the same the minute was not corrected. *objection* is the reference of the
    client's objection that it answers, or "".
    """

    id: str
    service: str
    start: Minute
    was: str
    becomes: str
    why: str
    evidence: tuple[str, ...]
    looks: tuple[LookNamed, ...]
    objection: str
    revisions: tuple[Revised, ...]
    by: str
    at: Instant
    place: int

    @property
    def stop(self) -> Minute:
        """Return the minute after the last that it speaks of."""
        return Minute(self.start + len(self.was))

    @property
    def minutes(self) -> int:
        """Return how many minutes it changes."""
        return sum(1 for was, becomes in zip(self.was, self.becomes, strict=True) if was != becomes)

    def revision_of(self, month: str) -> Revised | None:
        """Return what it made of the report of *month*, None where it does not concern it."""
        return next((r for r in self.revisions if r.month == month), None)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Return the stretches that it changes, in order."""
        pairs = zip(self.was, self.becomes, strict=True)
        numbered = ((self.start + n, was, becomes) for n, (was, becomes) in enumerate(pairs))
        changed = ((at, was, becomes) for at, was, becomes in numbered if was != becomes)
        found: list[Change] = []
        for at, was, becomes in changed:
            last = found[-1] if found else None
            if last is not None and (last.stop, last.was, last.becomes) == (at, was, becomes):
                found[-1] = replace(last, stop=Minute(at + 1))
            else:
                found.append(Change(Minute(at), Minute(at + 1), was, becomes))
        return tuple(found)


def corrections(entries: Iterable[Entry]) -> tuple[Correction, ...]:
    """Return the corrections among *entries* of one client, in the order in which they hold."""
    return tuple(_correction(e) for e in entries if e.kind is EntryKind.CORRECTION)


def _correction(entry: Entry) -> Correction:
    said = entry.said
    return Correction(
        id=entry.subject,
        service=entry.service,
        start=minute(said, "start"),
        was=text(said, "was"),
        becomes=text(said, "becomes"),
        why=text(said, "why"),
        evidence=texts(said, "evidence"),
        looks=tuple(
            LookNamed(
                probe=text(look, "probe"),
                vantage=text(look, "vantage"),
                at=instant(look, "at"),
                account=number(look, "account"),
            )
            for look in tables(said, "looks")
        ),
        objection=text(said, "objection"),
        revisions=tuple(
            Revised(
                month=text(one, "month"),
                revision=number(one, "revision"),
                replaces=text(one, "replaces"),
            )
            for one in tables(said, "revisions")
        ),
        by=entry.by,
        at=entry.at,
        place=entry.place,
    )


def present(recorded: Strip, made: Iterable[Correction]) -> Strip:
    """Return *recorded* with corrections over it, `E` where a minute became an exception.

    *made* are those of its service, in order. A minute that is not down on record is left as it is.
    """
    cells = list(recorded.letters)
    for one in made:
        first, last = max(one.start, recorded.start), min(one.stop, recorded.stop)
        for at in range(first, last):
            on_record = recorded.letters[at - recorded.start]
            if on_record in CORRECTABLE and one.was[at - one.start] != one.becomes[at - one.start]:
                cells[at - recorded.start] = one.becomes[at - one.start]
    return Strip(recorded.start, "".join(cells))


def corrected(recorded: Strip, made: Sequence[Correction]) -> tuple[Strip, tuple[range, ...]]:
    """Return the letters that count, and the minutes that became exceptions.

    Such a minute keeps its letter: the exception is laid over it.
    """
    if not any(one.start < recorded.stop and recorded.start < one.stop for one in made):
        return recorded, ()
    laid = present(recorded, made)
    excepted = tuple(range(run.start, run.stop) for run in laid.runs() if run.letter == EXCEPTED)
    letters = "".join(
        on_record if now == EXCEPTED else now
        for on_record, now in zip(recorded.letters, laid.letters, strict=True)
    )
    return Strip(recorded.start, letters), excepted


def becoming(
    recorded: Strip,
    made: Sequence[Correction],
    to: Becomes,
    looks: Sequence[tuple[LookNamed, Attempt | None]],
    watched: Sequence[tuple[Held, WatchTerms]],
) -> tuple[str, str]:
    """Return what the minutes of *recorded* are now and what they become, a character each.

    *looks* are those that were named, with what the journal has of them. *watched* has what was
    seen in the minutes, and the terms in force, stretch by stretch. Raise `EntryRefused` where
    nothing would change, and where the looks do not prove that the minutes were up.
    """
    was = present(recorded, made).letters
    if not any(letter in CORRECTABLE for letter in recorded.letters):
        raise EntryRefused(
            f"no minute from {_span(recorded)} is down on record (D or L), and no other is ever "
            "corrected: `uptimed explain` tells what a minute is"
        )
    passes = _passes(looks) if to is Becomes.UP else {}
    found = [
        now if on_record not in CORRECTABLE else _one(Minute(at), on_record, to, passes, watched)
        for at, (on_record, now) in enumerate(
            zip(recorded.letters, was, strict=True), recorded.start
        )
    ]
    becomes = "".join(found)
    if becomes == was:
        raise EntryRefused(
            f"every minute from {_span(recorded)} that is down on record is {to} already: nothing "
            "to correct"
        )
    return was, becomes


def _one(
    at: Minute,
    on_record: str,
    to: Becomes,
    passes: Passes,
    watched: Sequence[tuple[Held, WatchTerms]],
) -> str:
    match to:
        case Becomes.RECORD:
            return on_record
        case Becomes.NOT_MEASURED:
            return NOT_MEASURED
        case Becomes.EXCEPTED:
            return EXCEPTED
        case Becomes.UP:
            held, terms = next((h, w) for h, w in watched if h.start <= at < h.stop)
            return _proven(at, on_record, passes.get(at, frozenset()), held, terms)


def _proven(
    at: Minute, on_record: str, passed: frozenset[Place], held: Held, terms: WatchTerms
) -> str:
    """Return the letter of a minute when what was named as *passed* in it is taken to have passed.

    All else stays as it was seen, and the usual rules judge: a probe that passes anyway, or one
    vantage of three, proves nothing about the others that failed.
    """
    places = [(p, v) for p in terms.probes for v in terms.vantages]
    login = on_record == LOGIN_FAILURE
    enough = {Role.LOGIN} if login else {Role.REACH, Role.LOGIN}
    if not any((p.id, v) in passed and p.role in enough for p, v in places):
        roles = "a login" if login else "reach or login"
        raise EntryRefused(
            f"from {on_record} to U: minute {shown_minute(at)} has no named look that proves it. "
            f"Name a stored attempt of {roles} that passed in that minute, with --look "
            "PROBE,VANTAGE,AT (`uptimed explain` lists them); without one it can become N"
        )
    seen = held.at(at, terms)
    again = judge_minute(
        {
            p.id: "".join(
                PASSED if (p.id, v) in passed else status
                for v, status in zip(terms.vantages, seen[p.id], strict=True)
            )
            for p in terms.probes
        },
        terms,
    )
    if again.letter not in {UP, DEGRADED}:
        raise EntryRefused(
            f"from {on_record} to U: minute {shown_minute(at)} is {again.letter} even with the "
            f"looks that are named ({again.rule}): name one that passed of each probe and vantage "
            "that failed (`uptimed explain` lists them); without them it can become N"
        )
    return UNVERIFIED_UP if again.unverified else UP


def _passes(looks: Sequence[tuple[LookNamed, Attempt | None]]) -> Passes:
    """Return what the named looks saw pass, by minute. Raise `EntryRefused` for others."""
    found: dict[Minute, frozenset[Place]] = {}
    for named, attempt in looks:
        if attempt is None:
            raise EntryRefused(
                f"--look {named}: the journal has no such attempt: `uptimed explain` and `uptimed "
                "export` show those it has, to the millisecond"
            )
        if attempt.outcome is not Outcome.PASS:
            raise EntryRefused(
                f"--look {named}: that attempt is {attempt.outcome}, and only one that passed "
                "proves that a minute was up"
            )
        at = minute_of(attempt.at)
        found[at] = found.get(at, frozenset()) | {(named.probe, named.vantage)}
    return found


def _span(strip: Strip) -> str:
    return f"{shown_minute(strip.start)} to {shown_minute(strip.stop)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be corrected, as it was asked for: minutes [start, stop) of *service*."""

    service: str
    start: Minute
    stop: Minute
    to: Becomes
    why: str
    evidence: tuple[str, ...]
    looks: tuple[LookNamed, ...]
    objection: str = ""


def correct(
    known: Sequence[Entry],
    wanted: Wanted,
    *,
    was: str,
    becomes: str,
    revisions: Sequence[Revised],
    by: str,
) -> NewEntry:
    """Return the entry of a correction. Raise `EntryRefused` without a reason or evidence."""
    why = wanted_text(wanted.why, "reason", "--why")
    evidence = [wanted_text(one, "evidence", "--evidence") for one in wanted.evidence]
    if not evidence and not wanted.looks:
        raise EntryRefused(
            "no evidence was given: say what the correction rests on, with --evidence TEXT (a "
            "ticket, a log, a mail) or --look"
        )
    return NewEntry(
        kind=EntryKind.CORRECTION,
        subject=next_reference(known, EntryKind.CORRECTION),
        service=wanted.service,
        by=by,
        body=body(
            start=shown_minute(wanted.start),
            end=shown_minute(wanted.stop),
            was=was,
            becomes=becomes,
            why=why,
            evidence=evidence,
            looks=[
                {"probe": x.probe, "vantage": x.vantage, "at": shown(x.at), "account": x.account}
                for x in wanted.looks
            ],
            objection=wanted.objection,
            revisions=[
                {"month": r.month, "revision": r.revision, "replaces": r.replaces}
                for r in revisions
            ],
        ),
    )
