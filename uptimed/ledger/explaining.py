"""One minute, from the looks to the letter: the answer to a client who doubts it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from uptimed.core.corrections import corrected
from uptimed.core.letters import Judgement, Merged, hold_all, judge_minute, lookback
from uptimed.core.looks import UNMEASURED
from uptimed.core.minutes import Minute, day_of, minute_of, moment_of_minute
from uptimed.core.observations import Attempt
from uptimed.core.outages import Outage
from uptimed.core.overlays import counts, out_of_scope, why_not
from uptimed.core.settings import ClientSettings, ServiceSettings
from uptimed.core.strip import EXCEPTED, MAINTENANCE, NO_OVERLAY, OUT_OF_SCOPE
from uptimed.core.terms import ProbeTerms, WatchTerms
from uptimed.ledger.agreed import agreed
from uptimed.ledger.amending import EnteredAbout, entered_about, excepting, windows_at
from uptimed.ledger.month import ServiceMonth, service_month
from uptimed.ledger.reading import judged_until, letters, terms_in_force
from uptimed.ports import JournalReader, LifeEvent, blind_by_vantage


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLook:
    """What one probe held at one vantage in the minute, and the look that it rests on.

    *minute* is the look's own, or None where no look holds. *attempts* are its attempts.
    """

    vantage: str
    status: str
    minute: Minute | None
    attempts: tuple[Attempt, ...]
    blind: str = ""  # why the vantage was blind in the look's minute, where it was


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeStory:
    """One probe in the minute: its terms, what each vantage held, and what they came to."""

    terms: ProbeTerms
    held: tuple[HeldLook, ...]
    merged: Merged


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything there is to say about a minute.

    *on_record* is the letter as it is kept, *made_now* as the rules make it from the looks;
    before the minute is *settled* there is none to keep. *counts_as* is the letter after
    corrections. *overlay* lies over it, for *overlay_reason*; *entered* is what people entered
    about it, whether it counts or not.
    """

    service: str
    minute: Minute
    on_record: str
    counts_as: str
    made_now: str
    settled: bool
    sealed: str  # the SHA-256 of the day's sealed record, or "" while it is provisional
    judgement: Judgement
    probes: tuple[ProbeStory, ...]
    terms: WatchTerms
    terms_sha256: str
    terms_since: Minute | None
    overlay: str
    overlay_reason: str
    entered: EnteredAbout
    outage: Outage | None
    outage_counts_from: int
    life: tuple[LifeEvent, ...]


def explain(
    reader: JournalReader,
    client: ClientSettings,
    service: ServiceSettings,
    minute: Minute,
    now: Minute,
) -> Explanation:
    """Return how *minute* of *service* came to its letter."""
    stop = Minute(minute + 1)
    part = terms_in_force(reader, service, minute, stop)[0]
    first = Minute(minute - lookback(part.terms))
    attempts = reader.attempts(service.id, first, stop)
    blind = reader.blind(part.terms.vantages, first, stop)
    held = hold_all(attempts, part.terms, minute, stop, blind_by_vantage(blind))
    judgement = judge_minute(held.at(minute, part.terms), part.terms)
    reasons = {(b.vantage, b.minute): b.reason for b in blind}
    stories = tuple(
        ProbeStory(
            terms=probe,
            held=tuple(
                _held(attempts, probe, v, minute, held.statuses[probe.id, v][0], reasons)
                for v in part.terms.vantages
            ),
            merged=judgement.probes[probe.id],
        )
        for probe in part.terms.probes
    )
    client = agreed(reader, client, *_local_month(client, minute)).client
    seen = _month(reader, client, service, minute, now)
    over = _over(seen, minute)
    on_record = letters(reader, service, minute, stop)
    seals = reader.seals(service.id, day_of(minute), day_of(minute))
    return Explanation(
        service=service.id,
        minute=minute,
        on_record=on_record.letters,
        counts_as=corrected(on_record, seen.entered.corrections_of(service.id))[0].letters,
        made_now=judgement.mark,
        settled=minute < judged_until(reader, service.id, now),
        sealed=seals[0].sha256 if seals else "",
        judgement=judgement,
        probes=stories,
        terms=part.terms,
        terms_sha256=part.sha256,
        terms_since=_since(reader, service, part.sha256, minute),
        overlay=over,
        overlay_reason=_overlay_reason(seen, minute, over),
        entered=entered_about(seen, minute),
        outage=next((o for o in seen.outages if minute in o.down), None),
        outage_counts_from=client.contract.min_consecutive,
        life=tuple(_about(reader.life(minute, stop), minute)),
    )


def _held(
    attempts: Sequence[Attempt],
    probe: ProbeTerms,
    vantage: str,
    minute: Minute,
    status: str,
    blind: dict[tuple[str, Minute], str],
) -> HeldLook:
    mine = [
        a
        for a in attempts
        if a.probe == probe.id
        and a.vantage == vantage
        and minute - probe.interval < minute_of(a.look) <= minute
    ]
    if not mine:
        return HeldLook(vantage=vantage, status=UNMEASURED, minute=None, attempts=())
    latest = max(minute_of(a.look) for a in mine)
    tries = sorted(
        (a for a in mine if minute_of(a.look) == latest), key=lambda a: (a.at, a.account)
    )
    return HeldLook(
        vantage=vantage,
        status=status,
        minute=latest,
        attempts=tuple(tries),
        blind=blind.get((vantage, latest), ""),
    )


def _month(
    reader: JournalReader,
    client: ClientSettings,
    service: ServiceSettings,
    minute: Minute,
    now: Minute,
) -> ServiceMonth:
    local = _local_month(client, minute)
    return service_month(reader, client, service, *local, max(now, Minute(minute + 2)))


def _over(seen: ServiceMonth, minute: Minute) -> str:
    index = minute - seen.strip.start
    return seen.overlay[index] if 0 <= index < len(seen.overlay) else NO_OVERLAY


def _local_month(client: ClientSettings, minute: Minute) -> tuple[int, int]:
    local = moment_of_minute(minute).astimezone(client.zone)
    return local.year, local.month


def _overlay_reason(seen: ServiceMonth, minute: Minute, over: str) -> str:
    if over == OUT_OF_SCOPE:
        spans = out_of_scope(seen.contract, seen.agreement, minute, Minute(minute + 1))
        return "outside the agreement or its hours" if spans else ""
    if over == EXCEPTED:
        return "; ".join(one.exclusion.reason for one in excepting(seen, minute) if not one.why_not)
    windows = windows_at(seen, minute)
    if over == MAINTENANCE:
        return "; ".join(w.reason for w in windows if counts(seen.contract, w))
    reasons = [why_not(seen.contract, window) for window in windows]
    return _REASONS[max(reasons, key=list(_REASONS).index)] if reasons else ""


_REASONS = {
    "": "maintenance does not cover the whole minute, or the cap is used up",
    "cancelled": "maintenance was announced, and cancelled before it began",
    "not_announced": "maintenance is entered, and the client has not been told of it yet",
    "late_notice": "maintenance was announced too late to be excluded",
    "not_excluded": "maintenance was announced, and the contract does not exclude it",
}
"""Why maintenance does not lie over a minute; of several reasons the last is told."""


def _since(
    reader: JournalReader, service: ServiceSettings, sha256: str, minute: Minute
) -> Minute | None:
    records = [r for r in reader.configs(service.id) if r.since <= minute and r.sha256 == sha256]
    return records[-1].since if records else None


def _about(life: Iterable[LifeEvent], minute: Minute) -> Iterator[LifeEvent]:
    for event in life:
        if event.start <= minute < event.stop or minute_of(event.at) == minute:
            yield event
