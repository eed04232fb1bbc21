"""Letters of any stretch of a service, as they are on record or as the rules make them now.

A day that is sealed is read as it was sealed. An unsealed day is a cache: where it was judged under
other terms than those that apply, its letters are made again from the looks. The terms that apply
to a minute are those the daemon recorded for it; before its first record (minutes that were only
ever imported) they are the present ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from uptimed.core.letters import Held, hold_all, letters_of, lookback
from uptimed.core.minutes import Minute, day_minutes, day_of
from uptimed.core.observations import Attempt
from uptimed.core.settings import ServiceSettings
from uptimed.core.strip import Strip
from uptimed.core.terms import WatchTerms, watch_terms_of
from uptimed.ports import DayLetters, JournalReader, blind_by_vantage


@dataclass(frozen=True, slots=True)
class InForce:
    """Terms that apply to the minutes [start, stop)."""

    start: Minute
    stop: Minute
    terms: WatchTerms
    sha256: str


def terms_in_force(
    reader: JournalReader, service: ServiceSettings, start: Minute, stop: Minute
) -> tuple[InForce, ...]:
    """Return the terms that apply in [start, stop), in order and without a hole."""
    present = service.watch
    found: list[InForce] = []
    at = start
    terms, sha256 = present, present.digest()
    for record in reader.configs(service.id):
        if record.since > at and at < stop:
            end = Minute(min(record.since, stop))
            found.append(InForce(at, end, terms, sha256))
            at = end
        terms, sha256 = watch_terms_of(record.canonical), record.sha256
    if at < stop:
        found.append(InForce(at, stop, terms, sha256))
    return tuple(found)


def watched(
    reader: JournalReader, service: ServiceSettings, start: Minute, stop: Minute
) -> tuple[WatchTerms, ...]:
    """Return the ways in which *service* was watched in [start, stop), the last one last.

    As `terms_in_force`, without the digest of the present terms, which takes longer than the rest.
    """
    records = list(reader.configs(service.id))
    before = [record for record in records if record.since <= start][-1:]
    within = [record for record in records if start < record.since < stop]
    first = [_read_watch(record.canonical) for record in before] or [service.watch]
    return (*first, *(_read_watch(record.canonical) for record in within))


_read_watch = lru_cache(maxsize=512)(watch_terms_of)


def settle(
    reader: JournalReader, service: ServiceSettings, start: Minute, stop: Minute
) -> tuple[tuple[Strip, str], ...]:
    """Make the letters of [start, stop) from the looks: (strip, digest of its terms), in order."""
    return tuple(
        (_settled(reader, service.id, part), part.sha256)
        for part in terms_in_force(reader, service, start, stop)
    )


def _settled(reader: JournalReader, service: str, part: InForce) -> Strip:
    attempts, blind = _seen(reader, service, part)
    return letters_of(attempts, part.terms, part.start, part.stop, blind)


def held_in(
    reader: JournalReader, service: ServiceSettings, start: Minute, stop: Minute
) -> tuple[tuple[Held, WatchTerms], ...]:
    """Return what holds in the minutes [start, stop), and the terms in force, in order."""
    found: list[tuple[Held, WatchTerms]] = []
    for part in terms_in_force(reader, service, start, stop):
        attempts, blind = _seen(reader, service.id, part)
        held = hold_all(attempts, part.terms, part.start, part.stop, blind)
        found.append((held, part.terms))
    return tuple(found)


def _seen(
    reader: JournalReader, service: str, part: InForce
) -> tuple[Sequence[Attempt], Mapping[str, frozenset[Minute]]]:
    first = Minute(part.start - lookback(part.terms))
    blind = reader.blind(part.terms.vantages, first, part.stop)
    return reader.attempts(service, first, part.stop), blind_by_vantage(blind)


def letters(reader: JournalReader, service: ServiceSettings, start: Minute, stop: Minute) -> Strip:
    """Return the letters of [start, stop); minutes that nobody looked at are `N`."""
    if stop <= start:
        return Strip(start, "")
    days = reader.days(service.id, day_of(start), day_of(Minute(stop - 1)))
    stale = _stale(reader, service, days)
    strip = reader.letters(service.id, start, stop)
    for day in stale:
        strip = lay(strip, _day_again(reader, service, day, days))
    return strip


def _stale(
    reader: JournalReader, service: ServiceSettings, days: Sequence[DayLetters]
) -> list[date]:
    """Return the unsealed days that were judged under other terms than those that apply."""
    unsealed = [day for day in days if not day.sealed]
    if not unsealed:
        return []
    present = service.watch.digest()  # once: it takes longer than reading the month
    return [
        day.day
        for day in unsealed
        if day.terms_sha256 != present and _is_stale(reader, service, day)
    ]


def _is_stale(reader: JournalReader, service: ServiceSettings, day: DayLetters) -> bool:
    minutes = day_minutes(day.day)
    parts = terms_in_force(
        reader, service, Minute(minutes.start), Minute(minutes.start + len(day.letters))
    )
    return not parts or parts[-1].sha256 != day.terms_sha256


def _day_again(
    reader: JournalReader, service: ServiceSettings, day: date, days: Sequence[DayLetters]
) -> Strip:
    length = next(len(d.letters) for d in days if d.day == day)
    start = Minute(day_minutes(day).start)
    parts = settle(reader, service, start, Minute(start + length))
    return Strip(start, "".join(strip.letters for strip, _ in parts))


def lay(under: Strip, over: Strip) -> Strip:
    """Return *under* with *over* laid on it; what reaches outside *under* is cut off."""
    first = max(under.start, over.start)
    last = min(under.stop, over.stop)
    if first >= last:
        return under
    piece = over.cut(Minute(first), Minute(last)).letters
    head, tail = first - under.start, last - under.start
    return Strip(under.start, under.letters[:head] + piece + under.letters[tail:])


def judged_until(reader: JournalReader, service: str, now: Minute) -> Minute:
    """Return the first minute that is not judged yet.

    The minute before the present one may still be looked at; everything earlier that has no letter
    was missed, and is `N`.
    """
    span = reader.span(service)
    known = span.stop if span is not None else 0
    return Minute(min(max(known, now - 1), now + 1))
