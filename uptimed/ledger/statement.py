"""Drawing up the month of a client: figures, and beside them what the record knows of them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple

from uptimed.core.amendments import Amendments, Month, amendments
from uptimed.core.calendars import Second
from uptimed.core.corrections import Correction
from uptimed.core.incidents.casebook import Casebook
from uptimed.core.letters import hold_all, lookback, merge_vantages
from uptimed.core.looks import FAILED, PASSED, SLOW, Look, looks_of
from uptimed.core.minutes import MINUTE, Minute, day_of, minute_of, moment_of_minute
from uptimed.core.observations import SECOND, Attempt, Cause, Instant, Outcome
from uptimed.core.outages import Outage
from uptimed.core.settings import ClientSettings, ServiceSettings, Settings
from uptimed.core.statement import (
    ChainHead,
    Changed,
    Gap,
    OutageLine,
    Party,
    Period,
    ProbeLine,
    ResponseDay,
    ServiceStatement,
    Statement,
    TermsChange,
    VantageLine,
)
from uptimed.core.strip import NO_OVERLAY, NOT_MEASURED
from uptimed.core.targets import looks_at
from uptimed.core.terms import ProbeTerms, Role, WatchTerms, watch_terms_of
from uptimed.ledger.agreed import agreed
from uptimed.ledger.amending import (
    correction_lines,
    entries_head,
    exception_lines,
    maintenance_lines,
    objections_in,
)
from uptimed.ledger.month import ServiceMonth, period_of, service_month
from uptimed.ledger.reading import (
    InForce,
    judged_until,
    terms_in_force,
    watched,
)
from uptimed.ledger.support import support_of_period, with_references
from uptimed.ports import BlindMinute, JournalReader, LifeEvent, blind_by_vantage

_MOST_OUTAGES_EXPLAINED = 2000  # a flapping month has more; their reasons are one read each
_FIRST_DAY = date(1970, 1, 1)


def statement(
    reader: JournalReader,
    settings: Settings,
    client: ClientSettings,
    month: tuple[int, int],
    *,
    now: Instant,
    software: str,
    parties: tuple[Party, Party],
    draft: bool = False,
) -> Statement:
    """Return the month of *client* as it stands at *now*, complete or so far.

    *month* is (year, month); *parties* are the client and the operator as they are to be named. A
    *draft* is to be looked at, and not given out.
    """
    year, number = month
    agreement = agreed(reader, client, year, number, tell=True)
    client = agreement.client
    present = minute_of(now)
    judged = [judged_until(reader, service.id, present) for service in client.services]
    period = period_of(client, year, number, min(judged, default=present))
    entries = reader.entries(client.id)
    entered = amendments(entries, reader.posts(client.id)) if entries else Amendments()
    whole = Month(name=period.month, start=period.start, stop=period.stop)
    revised = entered.corrections_in(period.month)
    as_of = _as_of(period, now)
    support, references = support_of_period(
        reader,
        client,
        Casebook(entries),
        start=Second(period.start * 60),
        stop=Second(period.stop * 60),
        at=Second(as_of // SECOND),
    )
    shown = support if client.support.severities else None
    return Statement(
        client=parties[0],
        operator=parties[1],
        language=client.language,
        period=period,
        contract=client.contract,
        services=with_references(
            [
                _service(reader, client, service, year, number, present, entered)
                for service in client.services
            ],
            references,
        ),
        chain=tuple(_chain(reader, client.services, period)),
        revision=1 + len(revised),
        replaces=_replaces(revised, period.month),
        earlier=tuple(i for i in entered.issued(period.month) if i.revision <= len(revised)),
        entries=entries_head(entries, entered, whole, [] if shown is None else shown.references),
        draft=draft,
        software=software,
        as_of=as_of,
        made_up=settings.made_up,
        references=len(settings.references),
        agreed_since=agreement.since,
        agreed_changes=agreement.changes,
        support=shown,
    )


def _replaces(revised: Sequence[Correction], month: str) -> str | None:
    """Return the hash of the revision before the present one, None where that is the first."""
    last = revised[-1].revision_of(month) if revised else None
    return None if last is None else last.replaces


def _as_of(period: Period, now: Instant) -> Instant:
    """Return the month's end for a finished month, so that the same month gives the same paper."""
    return Instant(period.stop * MINUTE) if period.complete else now


def _service(
    reader: JournalReader,
    client: ClientSettings,
    service: ServiceSettings,
    year: int,
    month: int,
    now: Minute,
    entered: Amendments,
) -> ServiceStatement:
    seen = service_month(reader, client, service, year, month, now, entered)
    exceptions, corrections = tuple(exception_lines(seen)), tuple(correction_lines(seen))
    made = entered.corrections_of(service.id)
    parts = terms_in_force(reader, service, seen.strip.start, seen.strip.stop)
    ways = watched(reader, service, seen.strip.start, seen.strip.stop)
    back = max((lookback(part.terms) for part in parts), default=0)
    first = Minute(seen.strip.start - back)
    attempts = reader.attempts(service.id, first, seen.strip.stop)
    vantages = {v for part in parts for v in part.terms.vantages}
    blind = reader.blind(sorted(vantages), first, seen.strip.stop)
    return ServiceStatement(
        id=service.id,
        name=service.name,
        stage=service.stage,
        strip=seen.strip,
        overlay=seen.overlay,
        around=seen.around,
        around_overlay=seen.around_overlay,
        figures=seen.figures,
        outages=tuple(_outage_lines(reader, seen, parts, attempts, blind)),
        gaps=tuple(gaps(seen, attempts, reader.life(seen.strip.start, seen.strip.stop), blind)),
        maintenance=tuple(maintenance_lines(seen)),
        exceptions=exceptions,
        corrections=corrections,
        objections=tuple(objections_in(seen)),
        recorded=seen.recorded.cut(seen.strip.start, seen.strip.stop) if corrections else None,
        original=seen.under(()).figures if corrections else None,
        without_exceptions=seen.under(made, exceptions=False).figures if exceptions else None,
        probes=tuple(_probes(service, attempts, seen)),
        changes=tuple(_changes(reader, service, seen.period)),
        vantages=tuple(_vantages(seen, parts, attempts, blind)),
        watch=ways[-1],
        watch_before=ways[:-1],
    )


def _outage_lines(
    reader: JournalReader,
    seen: ServiceMonth,
    parts: Sequence[InForce],
    attempts: Sequence[Attempt],
    blind: Sequence[BlindMinute],
) -> Iterator[OutageLine]:
    month = range(seen.period.start, seen.period.judged)
    began = [minute_of(a.look) for a in attempts]
    ours = blind_by_vantage(blind)
    for number, outage in enumerate(seen.outages):
        why = _NOTHING_KEPT
        if outage.start not in month:
            why = first_evidence(reader, seen.service, outage)
        elif number < _MOST_OUTAGES_EXPLAINED:
            terms = next(p.terms for p in parts if p.start <= outage.start < p.stop)
            first = bisect_left(began, outage.start - lookback(terms))
            looks = attempts[first : bisect_right(began, outage.start)]
            why = _evidence(looks, terms, ours, outage)
        yield OutageLine(
            outage=outage,
            minutes=outage.minutes_in(month),
            minutes_total=len(outage.down),
            reason=why.reason,
            cause=why.cause,
        )


class Why(NamedTuple):
    """The first failing evidence of an outage: its cause, and observed beside wanted."""

    cause: str
    reason: str


_NOTHING_KEPT = Why("", "")


def first_evidence(reader: JournalReader, service: ServiceSettings, outage: Outage) -> Why:
    """Return what the first failing look that *outage* rests on saw; empty where none is kept."""
    stop = Minute(outage.start + 1)
    terms = terms_in_force(reader, service, outage.start, stop)[0].terms
    first = Minute(outage.start - lookback(terms))
    blind = blind_by_vantage(reader.blind(terms.vantages, first, stop))
    return _evidence(reader.attempts(service.id, first, stop), terms, blind, outage)


_TELLING = {
    "system_down": (Role.REACH, Role.LOGIN, Role.FUNCTION),
    "login_failure": (Role.LOGIN, Role.REACH, Role.FUNCTION),
    "degraded": (Role.FUNCTION, Role.LOGIN, Role.REACH),
}
"""Whose look tells most of an outage of each kind. Another role is asked where the first was well:
an outage may begin as a login failure and become a failure of the system."""


def _evidence(
    attempts: Sequence[Attempt],
    terms: WatchTerms,
    blind: Mapping[str, frozenset[Minute]],
    outage: Outage,
) -> Why:
    """Return the evidence of the first look that failed and holds when *outage* begins.

    *attempts* are in the order of their looks, and those up to the outage's first minute.
    """
    found: list[tuple[int, Minute, Why]] = []
    for probe in terms.probes:
        for vantage in terms.vantages:
            mine = [a for a in attempts if a.probe == probe.id and a.vantage == vantage]
            ours = blind.get(vantage, frozenset())
            for look in list(looks_of(mine, probe, terms.attempt_rule, ours))[-1:]:
                telling = {FAILED, SLOW} if outage.kind == "degraded" else {FAILED}
                if look.status in telling and outage.start < look.minute + probe.interval:
                    why = _why_of(probe, look, mine)
                    found.append((_TELLING[outage.kind].index(probe.role), look.minute, why))
    return min(found)[2] if found else _NOTHING_KEPT


def _why_of(probe: ProbeTerms, look: Look, attempts: Sequence[Attempt]) -> Why:
    """Return what a failed or slow *look* of *probe* saw."""
    if look.status != SLOW or probe.slow_after_us is None:
        return Why(str(look.cause), f"{probe.id}: {look.detail or look.cause or Outcome.FAIL}")
    took = next(a.took_us or 0 for a in reversed(attempts) if minute_of(a.look) == look.minute)
    limit = probe.slow_after_us // 1000
    return Why(Cause.TOO_SLOW, f"{probe.id}: took {took // 1000} ms, slow after {limit} ms")


def gaps(
    seen: ServiceMonth,
    attempts: Iterable[Attempt],
    life: Sequence[LifeEvent],
    blind: Iterable[BlindMinute] = (),
) -> Iterator[Gap]:
    """Yield the stretches of the month that were not measured, each with its reason."""
    missed = [
        minute
        for minute, letter in enumerate(seen.strip.letters, seen.strip.start)
        if letter == NOT_MEASURED
    ]
    if not missed:
        return
    tried = _unmeasured(attempts, seen.service.watch, blind)
    told = [event for event in life if event.stop > event.start]
    kinds = [(m, _why(Minute(m), tried, told)) for m in missed]
    yield from _grouped(kinds, seen)


def _grouped(kinds: Sequence[tuple[int, tuple[str, str]]], seen: ServiceMonth) -> Iterator[Gap]:
    numbered = enumerate(kinds)
    for (_, (kind, reason)), group in groupby(
        numbered, key=lambda item: (item[1][0] - item[0], item[1][1])
    ):
        minutes = [minute for _, (minute, _) in group]
        scope = sum(1 for m in minutes if seen.overlay[m - seen.strip.start] == NO_OVERLAY)
        yield Gap(
            start=Minute(minutes[0]),
            stop=Minute(minutes[-1] + 1),
            minutes=scope,
            kind=kind,
            reason=reason,
        )


def _unmeasured(
    attempts: Iterable[Attempt], terms: WatchTerms, blind: Iterable[BlindMinute]
) -> Mapping[int, tuple[str, str]]:
    """Return for each minute in which a look was not measured its kind and reason.

    What was seen in the minute itself outranks what still holds in it. Where all that was seen
    passed, it was seen from too few vantages.
    """
    ours = {(b.vantage, b.minute): b.reason for b in blind}
    intervals = {p.id: p.interval for p in terms.probes}
    own: dict[int, tuple[str, str]] = {}
    held: dict[int, tuple[str, str]] = {}
    passed: set[int] = set()
    for attempt in attempts:
        minute = minute_of(attempt.look)
        if attempt.outcome is Outcome.PASS and len(terms.vantages) > 1:
            passed.update(range(minute, minute + intervals.get(attempt.probe, 1)))
        if attempt.outcome is Outcome.PASS or attempt.outcome is Outcome.MAINTENANCE:
            continue
        if attempt.outcome is not Outcome.FAIL:
            own[minute] = str(attempt.cause) or str(attempt.outcome), attempt.detail
        elif (attempt.vantage, minute) in ours:
            own[minute] = str(Cause.LOCAL_NETWORK), ours[attempt.vantage, minute]
        else:
            own[minute] = "undecided", "looks failed, and too few of them to tell"
            continue
        later = range(minute + 1, minute + intervals.get(attempt.probe, 1))
        held.update(dict.fromkeys(later, own[minute]))
    few = "few_vantages", f"fewer than {terms.min_vantages} vantages measured"
    return dict.fromkeys(passed, few) | held | own


def _why(
    minute: Minute, tried: Mapping[int, tuple[str, str]], life: Sequence[LifeEvent]
) -> tuple[str, str]:
    if minute in tried:
        return tried[minute]
    for event in life:
        if event.start <= minute < event.stop:
            return event.kind, event.detail
    return "no_look", ""


def _probes(
    service: ServiceSettings, attempts: Sequence[Attempt], seen: ServiceMonth
) -> Iterator[ProbeLine]:
    took: dict[str, list[tuple[Minute, int]]] = {p.id: [] for p in service.probes}
    for attempt in attempts:
        if attempt.outcome is Outcome.PASS and attempt.took_us is not None:
            minute = minute_of(attempt.look)
            if attempt.probe in took and minute >= seen.strip.start:
                took[attempt.probe].append((minute, attempt.took_us))
    for probe in service.probes:
        times = took[probe.id]
        alone = sorted(us for _, us in times)
        yield ProbeLine(
            id=probe.id,
            role=str(probe.role),
            kind=probe.kind,
            looks_at=looks_at(probe),
            interval=probe.interval,
            days=tuple(_days(times, seen.period)),
            median_us=quantile(alone, 50) if alone else None,
            p95_us=quantile(alone, 95) if alone else None,
        )


def _days(times: Sequence[tuple[Minute, int]], period: Period) -> Iterator[ResponseDay]:
    by_day: dict[date, list[int]] = {}
    quarters: dict[int, date] = {}  # no zone's offset or clock change cuts a quarter of an hour
    for minute, took in times:
        quarter = minute // 15
        day = quarters.get(quarter)
        if day is None:
            day = moment_of_minute(minute).astimezone(period.zone).date()
            quarters[quarter] = day
        by_day.setdefault(day, []).append(took)
    for day, alone in sorted(by_day.items()):
        alone.sort()
        yield ResponseDay(
            day=day,
            looks=len(alone),
            median_us=quantile(alone, 50),
            p95_us=quantile(alone, 95),
            max_us=alone[-1],
        )


def quantile(ordered: Sequence[int], percent: int) -> int:
    """Return the nearest-rank quantile of *ordered*, which is not empty."""
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]


def _changes(
    reader: JournalReader, service: ServiceSettings, period: Period
) -> Iterator[TermsChange]:
    before: WatchTerms | None = None
    for record in reader.configs(service.id):
        terms = watch_terms_of(record.canonical)
        in_month = period.start <= record.since < period.stop
        if before is not None and in_month:
            change = difference(before, terms, record.since)
            if change.added or change.removed or change.changed:
                yield change
        before = terms


def difference(before: WatchTerms, after: WatchTerms, since: Minute) -> TermsChange:
    """Return what *after* watches otherwise than *before*."""
    old = {p.id: p for p in before.probes}
    new = {p.id: p for p in after.probes}
    both = [id_ for id_ in new if id_ in old]
    changed = [one for id_ in both for one in _probe_difference(old[id_], new[id_])]
    for name in ("vantages", "min_vantages", "attempt_rule", "need"):
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            changed.append(Changed(name=name, was=_words(was), now=_words(now)))
    return TermsChange(
        since=since,
        added=tuple(id_ for id_ in new if id_ not in old),
        removed=tuple(id_ for id_ in old if id_ not in new),
        changed=tuple(changed),
    )


def _probe_difference(old: ProbeTerms, new: ProbeTerms) -> Iterator[Changed]:
    for name in ("role", "kind", "interval", "attempts", "slow_after_us", "accounts", "target"):
        was, now = getattr(old, name), getattr(new, name)
        unknown = name == "target" and not was
        if was != now and not unknown:
            yield Changed(probe=old.id, name=name, was=_words(was), now=_words(now))
    if old.manner and old.manner != new.manner:
        yield Changed(probe=old.id, name="settings")


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k}={v}" for k, v in sorted(value.items()))
    if isinstance(value, tuple):
        return ", ".join(str(v) for v in value)
    return str(value)


def _vantages(
    seen: ServiceMonth,
    parts: Sequence[InForce],
    attempts: Sequence[Attempt],
    blind: Sequence[BlindMinute],
) -> Iterator[VantageLine]:
    """Yield each vantage's own coverage, where a service is looked at from more than one."""
    names = tuple(dict.fromkeys(v for part in parts for v in part.terms.vantages))
    if len(names) < 2:
        return
    minutes, dissent = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    start = seen.strip.start
    for part in parts:
        held = hold_all(attempts, part.terms, part.start, part.stop, blind_by_vantage(blind))
        for minute in range(part.start, part.stop):
            if seen.overlay[minute - start] != NO_OVERLAY:
                continue
            _tally(held.at(Minute(minute), part.terms), part.terms, minutes, dissent)
    for name in names:
        yield VantageLine(name=name, minutes=minutes[name], dissent=dissent[name])


def _tally(
    held: Mapping[str, str], terms: WatchTerms, minutes: dict[str, int], dissent: dict[str, int]
) -> None:
    measured: set[str] = set()
    dissenting: set[str] = set()
    for statuses in held.values():
        merged = merge_vantages(statuses, terms.min_vantages).status
        for name, status in zip(terms.vantages, statuses, strict=True):
            if status in {PASSED, SLOW, FAILED}:
                measured.add(name)
                if merged in {PASSED, SLOW, FAILED} and (status == FAILED) != (merged == FAILED):
                    dissenting.add(name)
    for name in measured & minutes.keys():
        minutes[name] += 1
    for name in dissenting & dissent.keys():
        dissent[name] += 1


def _chain(
    reader: JournalReader, services: Iterable[ServiceSettings], period: Period
) -> Iterator[ChainHead]:
    """Yield each service's chain up to the month's last UTC day.

    Days that are sealed later change nothing, so a month that is all sealed stays as it was drawn.
    """
    first, last = day_of(period.start), day_of(Minute(period.stop - 1))
    for service in services:
        sealed = reader.seals(service.id, _FIRST_DAY, last)
        if sealed:
            yield ChainHead(
                service=service.id,
                first_day=sealed[0].day,
                last_day=sealed[-1].day,
                head=sealed[-1].sha256,
                records=tuple(seal.record for seal in sealed if seal.day >= first),
            )
