"""Which terms a month is judged by: those on record at its first minute in scope.

What was agreed is recorded each time it changes, with the minute since when it holds, so that a
change of the configuration never judges again what is past. From when to when a service is under
agreement is a fact with dates of its own, not a term: it counts as it is configured, and every
change of it that moves minutes of a month in or out of scope is told.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from uptimed.core.documents import differences
from uptimed.core.minutes import Minute, moment_of_minute, month_minutes
from uptimed.core.overlays import out_of_scope
from uptimed.core.settings import ClientSettings, Contract
from uptimed.core.terms import AgreementTerms, ContractTerms, canonical_json
from uptimed.core.terms_text import contract_of, contract_text

Dates = Mapping[str, tuple[int | None, int | None]]
"""For each service the first minute of its agreement, and the first after it; None is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What was agreed with a client from minute *since* on."""

    since: Minute
    sha256: str
    contract: Contract
    dates: Dates


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedChange:
    """What was agreed otherwise from *since* on. *changed* has a line for each value."""

    since: Minute
    version: str
    sha256: str
    changed: tuple[str, ...]


def agreed_text(client: ClientSettings) -> str:
    """Return what is agreed with *client*, as it is recorded."""
    contract = Contract(terms=client.contract, support=client.support)
    dates = {
        service.id: [service.agreement.since, service.agreement.until]
        for service in client.services
    }
    return canonical_json({**json.loads(contract_text(contract)), "dates": dates})


@lru_cache(maxsize=512)
def read_agreed(since: Minute, sha256: str, text: str) -> Agreed:
    """Read back what `agreed_text` wrote. Raise ValueError for another text."""
    dates = json.loads(text).get("dates", {}) if text.startswith("{") else {}
    return Agreed(
        since=since,
        sha256=sha256,
        contract=contract_of(text),
        dates={service: (first, last) for service, (first, last) in dates.items()},
    )


def in_force(
    records: Sequence[Agreed], month: tuple[int, int], agreements: Sequence[AgreementTerms]
) -> Agreed | None:
    """Return the terms of *month* (year, month) out of *records*, which stand in order.

    These are the last that were in force at the month's first minute in scope. Where the first
    record is later than that and still within the month, it is that one; where nothing was on
    record in the month at all, None.
    """
    for record in reversed(records):
        if record.since <= first_in_scope(record.contract.terms, month, agreements):
            return record
    if records and records[0].since < month_minutes(*month, records[0].contract.terms.zone).stop:
        return records[0]
    return None


def first_in_scope(
    terms: ContractTerms, month: tuple[int, int], agreements: Iterable[AgreementTerms]
) -> Minute:
    """Return the first minute of *month* in which something was promised of any service.

    That is the month's first where nothing was.
    """
    minutes = month_minutes(*month, terms.zone)
    start, stop = Minute(minutes.start), Minute(minutes.stop)
    # Once for all services of the same dates: a month's hours take a quarter of a millisecond, and
    # this is asked for every service of the client.
    by_dates = {(each.since, each.until): each for each in agreements}
    firsts = [_first(out_of_scope(terms, each, start, stop), start) for each in by_dates.values()]
    return Minute(min((first for first in firsts if first < stop), default=start))


def _first(outside: Iterable[range], start: int) -> int:
    for span in sorted(outside, key=lambda each: each.start):
        if span.start > start:
            break
        start = max(start, span.stop)
    return start


def changes_in(
    records: Sequence[Agreed], mine: Agreed, start: Minute, stop: Minute
) -> Iterator[AgreedChange]:
    """Yield what was changed after *mine*, the terms of the month [start, stop).

    Terms that changed after the month are not its business; dates that move its minutes are.
    """
    later = [record for record in records if record.since >= mine.since]
    for before, after in pairwise(later):
        lines: list[str] = []
        if after.since < stop:
            lines += _terms_changed(before.contract, after.contract)
        lines += _dates_changed(before.dates, after.dates, range(start, stop))
        if lines:
            terms = after.contract.terms
            yield AgreedChange(
                since=after.since, version=terms.version, sha256=terms.sha256, changed=tuple(lines)
            )


def said_of(contract: Contract) -> Mapping[str, object]:
    """Return what a contract says, as a document to compare: its own, and what lies beside it.

    Beside it are the targets that an account agreed on and the holidays that are in force.
    """
    found = dict(json.loads(contract.terms.canonical or "{}"))
    agreed = {
        f"{severity.id}.{clock.clock}": clock.target.text
        for severity in contract.support.severities
        for clock in severity.clocks
        if clock.agreed and clock.target is not None
    }
    if agreed:
        found["agreed"] = agreed
    frozen, hours = contract.support.calendar.frozen, contract.support.calendar.hours
    if frozen is not None and hours is not None:
        by = frozen.approved_by or "nobody"
        days = f"{len(hours.holidays)} days off, {len(hours.extra_days)} worked"
        found["holidays in force"] = f"{frozen.version}, approved by {by}, {days}"
    return found


def _terms_changed(before: Contract, after: Contract) -> list[str]:
    return [str(each) for each in differences(said_of(before), said_of(after))]


def _dates_changed(before: Dates, after: Dates, month: range) -> Iterator[str]:
    for service in before:
        # Whoever is taken out of the configuration is in no report, and must not vanish unseen.
        if service not in after and _inside(before[service], month):
            yield f"{service}: in the agreement {_said(before[service])} -> not configured any more"
    for service in after:
        if service not in before or before[service] == after[service]:
            continue
        if _inside(before[service], month) != _inside(after[service], month):
            was, now = (_said(each[service]) for each in (before, after))
            yield f"{service}: in the agreement {was} -> {now}"


def _inside(dates: tuple[int | None, int | None], month: range) -> range:
    first, last = dates
    start = month.start if first is None else max(first, month.start)
    stop = month.stop if last is None else min(last, month.stop)
    return range(start, max(start, stop))


def _said(dates: tuple[int | None, int | None]) -> str:
    first, last = (
        "open" if each is None else moment_of_minute(Minute(each)).strftime("%Y-%m-%dT%H:%MZ")
        for each in dates
    )
    return f"{first} to {last}"
