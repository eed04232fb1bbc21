"""Exceptions: minutes that the contract lets the vendor except, once the client was told why.

An exception is laid over only where the client was notified by mail, with a reason, before the
first revision of that month's report was given out. What the client answered stands beside it and
changes no figure: both figures, with and without, are printed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from uptimed.core.entered import (
    body,
    events,
    instant,
    instant_or_none,
    named,
    next_reference,
    shown,
    telling,
    text,
    wanted_text,
)
from uptimed.core.entries import Entry, EntryKind, EntryRefused, NewEntry
from uptimed.core.minutes import whole_minutes
from uptimed.core.observations import Instant
from uptimed.core.terms import ContractTerms

_LISTED = "uptimed exclude list"


class Answer(StrEnum):
    """What the client said to an exception."""

    NONE = "none"
    ACCEPTED = "accepted"
    OBJECTED = "objected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """One exception, of the service's minutes that lie wholly in [start, end).

    *notified* is when the mail went out, None while it has not; *noted* is the place in the chain
    of the entry that says so. *withdrawn* is when it was taken back, by the entry at *taken_back*.
    """

    id: str
    service: str
    start: Instant
    end: Instant
    reason: str
    by: str
    recorded: Instant
    notified: Instant | None
    noted: int
    how: str
    mail: str
    answer: Answer
    answered: Instant | None
    answer_words: str
    withdrawn: Instant | None
    taken_back: int

    @property
    def minutes(self) -> range:
        """Return the whole minutes that it is about."""
        return whole_minutes(self.start, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """When the first revision of a month's report was given out, and its place in the chain."""

    at: Instant
    place: int


def exclusions(entries: Iterable[Entry], accepted: Mapping[str, Instant]) -> tuple[Exclusion, ...]:
    """Return the exceptions that *entries* of one client speak of, in order.

    *accepted* has for the key of each mail when a server took it.
    """
    return tuple(_exclusion(own, accepted) for _, own in events(entries, EntryKind.EXCEPTION))


def _exclusion(own: Sequence[Entry], accepted: Mapping[str, Instant]) -> Exclusion:
    first, said = own[0], own[0].said
    mail = text(said, "mail")
    told, withdrawn = telling(own, "notified"), telling(own, "withdrawn")
    answers = [entry.said for entry in telling(own, "answered")]
    answer = answers[-1] if answers else {}
    notified, noted, how = accepted.get(mail), first.place, text(said, "how")
    if notified is None and told:
        by_hand = told[0].said
        notified, noted, how = instant(by_hand, "at"), told[0].place, text(by_hand, "how")
    return Exclusion(
        id=first.subject,
        service=first.service,
        start=instant(said, "start"),
        end=instant(said, "end"),
        reason=text(said, "reason"),
        by=first.by,
        recorded=first.at,
        notified=notified,
        noted=noted,
        how=how,
        mail=mail,
        answer=Answer(text(answer, "answer")) if answers else Answer.NONE,
        answered=instant_or_none(answer, "at"),
        answer_words=text(answer, "words"),
        withdrawn=withdrawn[0].at if withdrawn else None,
        taken_back=withdrawn[0].place if withdrawn else 0,
    )


def why_not(one: Exclusion, contract: ContractTerms, closed: Closed | None) -> str:
    """Return why *one* is not laid over a month that was *closed*, "" where it is."""
    if one.withdrawn is not None and (closed is None or one.taken_back < closed.place):
        return "withdrawn"
    if "exceptions" not in contract.excludes:
        return "not_excluded"
    if one.notified is None:
        return "not_notified"
    if closed is not None and (one.notified >= closed.at or one.noted >= closed.place):
        return "late_notice"
    return ""


def exclude(
    known: Sequence[Entry],
    *,
    service: str,
    start: Instant,
    end: Instant,
    reason: str,
    by: str,
    mailed: str = "",
) -> NewEntry:
    """Return the entry of a new exception. Raise `EntryRefused` where it would except nothing.

    *mailed* and the reference are the key of the mail that notifies the client, where uptimed
    sends it.
    """
    if not whole_minutes(start, end):
        raise EntryRefused(
            f"--end: no whole minute lies between {shown(start)} and {shown(end)}: give a later end"
        )
    reason = wanted_text(reason, "reason", "--reason")
    for one in exclusions(known, {}):
        same = (one.service, one.start, one.end) == (service, start, end)
        if same and one.withdrawn is None:
            raise EntryRefused(
                f"{one.id} excepts the same minutes already, recorded {shown(one.recorded)} by "
                f"{one.by}: notify the client of that one"
            )
    reference = next_reference(known, EntryKind.EXCEPTION)
    return NewEntry(
        kind=EntryKind.EXCEPTION,
        subject=reference,
        service=service,
        by=by,
        body=body(
            event="excepted",
            start=shown(start),
            end=shown(end),
            reason=reason,
            mail=f"{mailed}/{reference}" if mailed else "",
            how="mail" if mailed else "",
        ),
    )


def notified(
    known: Sequence[Entry], reference: str, *, at: Instant, how: str, by: str, now: Instant
) -> NewEntry:
    """Return the entry that says that the client was notified by mail, at *at*."""
    one = _named(known, reference)
    if one.notified is not None:
        raise EntryRefused(f"{reference} is notified already, {shown(one.notified)} ({one.how})")
    if at > now:
        raise EntryRefused(
            f"--at: found {shown(at)}, which is yet to come: give when the mail went out"
        )
    said = body(event="notified", at=shown(at), how=wanted_text(how, "mail", "--how"))
    return _more(one, said, by)


def answered(
    known: Sequence[Entry],
    reference: str,
    *,
    answer: Answer,
    at: Instant,
    words: str,
    by: str,
    now: Instant,
) -> NewEntry:
    """Return the entry of the client's answer. A later answer stands for an earlier one."""
    one = _named(known, reference)
    if one.notified is None and not one.mail:
        raise EntryRefused(
            f"{reference}: the client cannot have answered before being notified: record the mail "
            f"first, with `uptimed exclude notified {reference}`"
        )
    if at > now:
        raise EntryRefused(f"--at: found {shown(at)}, which is yet to come")
    if answer is Answer.NONE:
        raise EntryRefused("--answer: wanted accepted or objected; no answer needs no entry")
    return _more(one, body(event="answered", answer=answer, at=shown(at), words=words), by)


def withdrawn(
    known: Sequence[Entry], reference: str, *, why: str, by: str, closed: Sequence[str] = ()
) -> NewEntry:
    """Return the entry that takes an exception back; *closed* are its months that are reported."""
    one = _named(known, reference)
    if closed:
        raise EntryRefused(
            f"{reference}: the report of {closed[0]} was given out with it, and what was given out "
            "stays: minutes of it that were not down are for `uptimed correct add`"
        )
    said = body(event="withdrawn", why=wanted_text(why, "reason", "--why"))
    return _more(one, said, by)


def _named(known: Sequence[Entry], reference: str) -> Exclusion:
    one = named(exclusions(known, {}), reference, "exception", _LISTED)
    if one.withdrawn is not None:
        raise EntryRefused(f"{reference} was withdrawn {shown(one.withdrawn)}: enter a new one")
    return one


def _more(one: Exclusion, said: str, by: str) -> NewEntry:
    return NewEntry(kind=EntryKind.EXCEPTION, subject=one.id, service=one.service, by=by, body=said)
