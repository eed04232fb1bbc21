"""What a start finds on record: so that it goes on where the last run ended.

Reading only; run off the event loop. Every minute since the last letter is settled again from the
attempts on record, so minutes whose looks were done before a kill get the letters they earned, and
looks that still hold go on holding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from uptimed.core.letters import lookback
from uptimed.core.minutes import MINUTES_PER_DAY, Minute, minute_of, moment_of
from uptimed.core.observations import SECOND, Attempt, Instant
from uptimed.core.terms import WatchTerms
from uptimed.daemon.record import known_terms
from uptimed.daemon.settle import KEPT_LETTERS, InForce, look_minute
from uptimed.ports import JournalReader, LifeEvent

LOOK_AHEAD = MINUTES_PER_DAY
"""Minutes after now in which looks may be on record: the clock was put back."""

_STOP_AFTER_BEAT_US = 60 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """A service as it is on record. *cursor* is the first minute that is to be settled.

    *letters* are those before it. *terms* are the terms over time; *new* are those of them that
    are not on record yet.
    """

    cursor: Minute
    letters: str
    attempts: tuple[Attempt, ...]
    terms: tuple[InForce, ...]
    new: tuple[InForce, ...]


def nothing_recovered(watch: WatchTerms, now: Minute) -> Recovered:
    """Return a service that begins now."""
    terms = InForce(now, watch, watch.digest())
    return Recovered(cursor=now, letters="", attempts=(), terms=(terms,), new=(terms,))


def recovered(reader: JournalReader, watch: WatchTerms, now: Minute) -> Recovered:
    """Read how things stand with a service that is watched under *watch* from *now* on."""
    known = known_terms(reader, watch.service)
    reach = max(lookback(terms) for terms in (watch, *(k.watch for k in known)))
    cursor = _cursor(reader, watch.service, now, reach)
    attempts = reader.attempts(watch.service, Minute(cursor - reach), Minute(now + LOOK_AHEAD))
    before = Minute(cursor - KEPT_LETTERS)
    span = reader.span(watch.service)
    if span is not None:
        before = Minute(min(cursor, max(before, span.start)))
    letters = reader.letters(watch.service, before, cursor).letters if span is not None else ""
    terms, new = _terms(known, watch, now, attempts)
    return Recovered(cursor=cursor, letters=letters, attempts=tuple(attempts), terms=terms, new=new)


def _cursor(reader: JournalReader, service: str, now: Minute, reach: int) -> Minute:
    span = reader.span(service)
    if span is not None:
        return Minute(min(span.stop, now))
    attempts = reader.attempts(service, Minute(now - reach), now)
    return min((look_minute(a) for a in attempts), default=now)


def _terms(
    known: Sequence[InForce], watch: WatchTerms, now: Minute, attempts: Sequence[Attempt]
) -> tuple[tuple[InForce, ...], tuple[InForce, ...]]:
    """Return the terms over time, and those of them that are to be put on record.

    A minute that was looked at under the old terms keeps them. Terms that begin a little after
    now stand: the clock was put back, or they never came into force and are replaced. Those of a
    far future are a wrong clock's, and are replaced by the present ones.
    """
    digest = watch.digest()
    near = [k for k in known if k.since <= now + LOOK_AHEAD]
    new: list[InForce] = []
    if not near or near[-1].sha256 != digest:
        begun = bool(known) and any(look_minute(a) == now for a in attempts)
        first = max([now + 1 if begun else now, *(k.since for k in near[-1:])])
        new.append(InForce(Minute(first), watch, digest))
    far = [k for k in known if k.since > now + LOOK_AHEAD and k.sha256 != digest]
    new.extend(InForce(k.since, watch, digest) for k in far)
    kept = [k for k in near if not new or k.since < new[0].since]
    if kept and kept[0].since > now:  # minutes before the first on record are judged now
        new.insert(0, InForce(now, watch, digest))
    return tuple(sorted((*kept, *new), key=lambda terms: terms.since)), tuple(new)


def gap_event(reader: JournalReader, vantage: str, now: Instant) -> LifeEvent | None:
    """Return what explains the time since the last heartbeat, or None where there was none."""
    beat = reader.heartbeat()
    if beat is None:
        return None
    start, stop = minute_of(beat), Minute(minute_of(now) + 1)
    last = [
        event
        for event in reader.life(start, stop)
        if event.vantage == vantage and event.kind in {"started", "stopped"}
        and event.at >= beat - _STOP_AFTER_BEAT_US
    ]  # fmt: skip
    stopped = bool(last) and max(last, key=lambda event: event.at).kind == "stopped"
    how = "stopped" if stopped else "killed, or the host went down,"
    return LifeEvent(
        at=now, kind="gap", vantage=vantage, start=start, stop=max(start, stop),
        detail=f"{how} after {moment_of(beat):%Y-%m-%d %H:%M:%SZ}, started "
        f"{moment_of(now):%Y-%m-%d %H:%M:%SZ}",
    )  # fmt: skip
