"""`uptimed explain`: the first question of everyone who doubts a minute."""

from collections.abc import Iterator, Mapping
from datetime import tzinfo

import click

from uptimed.cli.common import (
    config_option,
    counted,
    emit,
    find_service,
    from_option,
    json_option,
    load_settings,
    minute_at,
    now,
    record,
    show_both,
    show_minute,
    show_utc,
    told,
    warn_of_made_up,
    wrong,
)
from uptimed.core.corrections import Correction
from uptimed.core.lookfile import show_instant
from uptimed.core.looks import BLOCKED, FAILED, PASSED, REJECTED, SLOW, UNMEASURED
from uptimed.core.minutes import Minute, minute_of
from uptimed.core.observations import Attempt
from uptimed.core.terms import Role
from uptimed.ledger.explaining import Explanation, HeldLook, ProbeStory
from uptimed.ledger.explaining import explain as explain_minute
from uptimed.logs import visible

_STATUS = {
    PASSED: "passed",
    SLOW: "passed, slow",
    FAILED: "failed",
    UNMEASURED: "not measured",
    REJECTED: "login rejected: not measured",
    BLOCKED: "login blocked: not measured",
}
_LETTER = {
    "U": "up",
    "G": "degraded",
    "D": "system down",
    "L": "urgent login failure",
    "N": "not measured",
}
_OVERLAY = {"M": "announced maintenance", "E": "notified exception", "X": "out of scope"}


@click.command()
@click.argument("service")
@click.argument("at")
@json_option
@from_option
@config_option
@told
def explain(service: str, at: str, as_json: bool, source: str, config: str | None) -> None:
    """How the minute AT of SERVICE came to its letter: looks, attempts, evidence, rules.

    AT is local to the client (2026-10-03T14:07) unless it says a zone (2026-10-03T19:07Z). What was
    kept of pages as evidence is in the journal alone.
    """
    settings = load_settings(config).settings
    one = find_service(settings, service)
    client = settings.client_of(one.id)
    minute, present = minute_at(at, client.zone), minute_of(now())
    if minute > present:
        wrong(f"{at}: is in the future")
    with record(settings, source) as reader:
        found = explain_minute(reader, client, one, minute, present)
    if as_json:
        emit({**_as_json(found), "made_up": settings.made_up})
    else:
        click.echo(visible("\n".join(_words(found, client.zone))))
        warn_of_made_up(settings)


def _words(found: Explanation, zone: tzinfo) -> Iterator[str]:
    mark = found.on_record
    unverified = ", login not verified" if mark.islower() else ""
    yield (
        f"{found.service}, {show_minute(found.minute, zone)} ({show_utc(found.minute)}): "
        f"{mark.upper()} ({_LETTER[mark.upper()]}{unverified})"
    )
    yield f"  {_standing(found)}"
    if found.counts_as != found.on_record:
        letter = found.counts_as.upper()
        yield f"  it counts as {letter} ({_LETTER[letter]}): it was corrected"
    yield ""
    yield "What was seen"
    for probe in found.probes:
        yield from _probe(probe, found.minute)
    yield ""
    yield "How the rules made a letter of it"
    yield from _rules(found)
    yield ""
    yield "What lies over it"
    over = _OVERLAY.get(found.overlay, "nothing")
    yield f"  {over}{': ' + found.overlay_reason if found.overlay_reason else ''}"
    yield from _entered(found, zone)
    yield from _outage(found, zone)
    for event in found.life:
        yield f"  the monitor: {event.kind.replace('_', ' ')}. {event.detail}".rstrip(". ") + "."


def _standing(found: Explanation) -> str:
    if found.sealed:
        return f"sealed; the day's record is {found.sealed}"
    if not found.settled:
        return f"not settled yet; from the looks so far it would be {found.made_now}"
    if found.on_record != found.made_now:
        return f"provisional; settled again now it is {found.made_now}"
    return "provisional until its UTC day is sealed"


def _probe(story: ProbeStory, minute: Minute) -> Iterator[str]:
    terms = story.terms
    every = "every minute" if terms.interval == 1 else f"every {terms.interval} minutes"
    yield f"  {terms.id} ({terms.role}, {terms.kind}, {every}) {terms.target}".rstrip()
    for held in story.held:
        yield f"    from {held.vantage}: {_held(held, minute)}"
        for number, attempt in enumerate(held.attempts, start=1):
            yield from _attempt(number, attempt)
        if held.blind:
            yield f"      the vantage was blind: {held.blind}"


def _held(held: HeldLook, minute: Minute) -> str:
    if held.minute is None:
        return "no look holds in this minute"
    since = "" if held.minute == minute else f", by the look of {show_utc(held.minute)} that holds"
    return _STATUS[held.status] + since


def _attempt(number: int, attempt: Attempt) -> Iterator[str]:
    account = f", account {attempt.account}" if attempt.account else ""
    took = f" in {attempt.took_us / 1000:.1f} ms" if attempt.took_us is not None else ""
    cause = f" [{attempt.cause}]" if attempt.cause else ""
    detail = f": {attempt.detail}" if attempt.detail else ""
    outcome = str(attempt.outcome).replace("_", " ")
    yield f"      {number}. {show_instant(attempt.at)}{account} {outcome}{took}{cause}{detail}"
    if attempt.phases:
        phases = ", ".join(f"{p} {us / 1000:.1f} ms" for p, us in attempt.phases.items())
        yield f"         {phases}"
    if attempt.evidence is not None:
        yield from _evidence(attempt)


def _evidence(attempt: Attempt) -> Iterator[str]:
    evidence = attempt.evidence
    if evidence is None:
        return
    facts = [f"status {evidence.status}"] if evidence.status is not None else []
    facts += [f"from {evidence.address}"] if evidence.address else []
    facts += [f"{name}: {value}" for name, value in evidence.headers.items()]
    if facts:
        yield f"         evidence: {'; '.join(facts)}"
    if evidence.marker:
        yield f"         matched: {evidence.marker}"
    if evidence.excerpt:
        excerpt = " ".join(evidence.excerpt.split())
        yield f"         body: {excerpt[:300]}{'...' if len(excerpt) > 300 else ''}"


def _rules(found: Explanation) -> Iterator[str]:
    terms, judgement = found.terms, found.judgement
    for story in found.probes:
        if len(story.held) > 1:
            seen = ", ".join(f"{h.vantage} {_STATUS[h.status]}" for h in story.held)
            dissent = "; dissent recorded" if story.merged.dissent else ""
            yield (
                f"  {story.terms.id}: {seen}; at least {terms.min_vantages} must have measured: "
                f"{_STATUS[story.merged.status]}{dissent}"
            )
    for role in Role:
        probes = [s.terms.id for s in found.probes if s.terms.role is role]
        if probes:
            need = terms.need.get(role, 1)
            state = str(judgement.groups[role]).replace("_", " ")
            yield f"  {role}: {need} of {len(probes)} must pass ({', '.join(probes)}): {state}"
    if judgement.stood_in:
        yield "  reach was not measured; the login reached the system and stands in for it"
    yield f"  {judgement.rule}: {judgement.letter}"
    if judgement.unverified:
        yield "  the login was not measured: the minute is unverified"
    since = f" since {show_utc(found.terms_since)}" if found.terms_since is not None else ""
    yield (
        f"  attempt rule {terms.attempt_rule}, rules version {terms.rules}, "
        f"terms {found.terms_sha256[:12]}{since}"
    )


def _entered(found: Explanation, zone: tzinfo) -> Iterator[str]:
    """Yield what people entered about the minute, whether it counts or not."""
    for window in found.entered.maintenance:
        name = f"maintenance {window.id}" if window.id else "maintenance of the configuration"
        told = "not announced yet" if window.pending else show_both(window.announced, zone)
        yield f"  {name}: {window.reason or 'no reason given'}; announced {told}"
    for line in found.entered.exceptions:
        one = line.exclusion
        told = (
            "not notified" if one.notified is None else f"notified {show_both(one.notified, zone)}"
        )
        why = f"; does not count: {line.why_not.replace('_', ' ')}" if line.why_not else ""
        yield f"  exception {one.id}: {one.reason}; {told}, answer {one.answer}{why}"
    for correction in found.entered.corrections:
        was, becomes = changed_at(correction, found.minute)
        evidence = "; ".join([*correction.evidence, *map(str, correction.looks)])
        yield (
            f"  correction {correction.id}: {was} to {becomes}, by {correction.by}, "
            f"{show_both(correction.at, zone)}: {correction.why} (evidence: {evidence})"
        )
    for objection in found.entered.objections:
        outcome = "open" if objection.outcome is None else str(objection.outcome)
        yield f"  objection {objection.id}: {objection.why}; {outcome}. {objection.answer}".rstrip(
            ". "
        )


def changed_at(correction: Correction, minute: Minute) -> tuple[str, str]:
    """Return what a correction changes in *minute*: from what, to what."""
    at = minute - correction.start
    return correction.was[at].upper(), correction.becomes[at].upper()


def _entered_json(found: Explanation) -> Mapping[str, object]:
    about = found.entered
    return {
        "maintenance": [
            {
                "id": window.id or None,
                "start": show_instant(window.start),
                "end": show_instant(window.end),
                "announced": None if window.pending else show_instant(window.announced),
                "reason": window.reason,
            }
            for window in about.maintenance
        ],
        "exceptions": [
            {
                "id": line.exclusion.id,
                "reason": line.exclusion.reason,
                "notified": None
                if line.exclusion.notified is None
                else show_instant(line.exclusion.notified),
                "answer": str(line.exclusion.answer),
                "counts": not line.why_not,
                "why_not": line.why_not or None,
            }
            for line in about.exceptions
        ],
        "corrections": [
            {
                "id": one.id,
                "from": changed_at(one, found.minute)[0],
                "to": changed_at(one, found.minute)[1],
                "why": one.why,
                "evidence": list(one.evidence),
                "looks": [str(look) for look in one.looks],
                "by": one.by,
                "at": show_instant(one.at),
            }
            for one in about.corrections
        ],
        "objections": [
            {
                "id": one.id,
                "why": one.why,
                "outcome": None if one.outcome is None else str(one.outcome),
                "answer": one.answer or None,
            }
            for one in about.objections
        ],
    }


def _outage(found: Explanation, zone: tzinfo) -> Iterator[str]:
    outage = found.outage
    if outage is None:
        return
    end = "not over yet" if outage.stop is None else f"up again {show_minute(outage.stop, zone)}"
    forgiven = (
        ""
        if outage.counted
        else (
            "; not counted: the contract forgives fewer down minutes than "
            f"{found.outage_counts_from}"
        )
    )
    yield (
        f"  it is one of {counted(len(outage.down), 'down minute')} of an outage ({outage.kind}) "
        f"that began {show_minute(outage.start, zone)}, {end}{forgiven}"
    )


def _as_json(found: Explanation) -> Mapping[str, object]:
    return {
        "service": found.service,
        "minute": show_utc(found.minute),
        "letter": found.on_record.upper(),
        "unverified": found.on_record.islower(),
        "settled": found.settled,
        "settled_again": found.made_now.upper(),
        "sealed_record": found.sealed or None,
        "overlay": found.overlay if found.overlay in _OVERLAY else None,
        "overlay_reason": found.overlay_reason or None,
        "counts_as": found.counts_as.upper(),
        **_entered_json(found),
        "rule": found.judgement.rule,
        "login_stood_in_for_reach": found.judgement.stood_in,
        "groups": {str(role): str(state) for role, state in found.judgement.groups.items()},
        "need": {str(role): need for role, need in found.terms.need.items()},
        "min_vantages": found.terms.min_vantages,
        "attempt_rule": str(found.terms.attempt_rule),
        "rules_version": found.terms.rules,
        "terms_sha256": found.terms_sha256,
        "probes": [_probe_json(story) for story in found.probes],
        "outage": None
        if found.outage is None
        else {
            "class": found.outage.kind,
            "started_at": show_utc(found.outage.start),
            "ended_at": show_utc(found.outage.stop) if found.outage.stop is not None else None,
            "minutes": len(found.outage.down),
            "counted": found.outage.counted,
        },
        "life": [
            {"at": show_instant(e.at), "kind": e.kind, "vantage": e.vantage, "detail": e.detail}
            for e in found.life
        ],
    }


def _probe_json(story: ProbeStory) -> Mapping[str, object]:
    return {
        "id": story.terms.id,
        "role": str(story.terms.role),
        "kind": story.terms.kind,
        "interval": story.terms.interval,
        "target": story.terms.target or None,
        "status": _STATUS[story.merged.status],
        "dissent": story.merged.dissent,
        "vantages": [
            {
                "name": held.vantage,
                "status": _STATUS[held.status],
                "look": show_utc(held.minute) if held.minute is not None else None,
                "blind": held.blind or None,
                "attempts": [_attempt_json(a) for a in held.attempts],
            }
            for held in story.held
        ],
    }


def _attempt_json(attempt: Attempt) -> Mapping[str, object]:
    evidence = attempt.evidence
    return {
        "at": show_instant(attempt.at),
        "account": attempt.account or None,
        "outcome": str(attempt.outcome),
        "cause": attempt.cause or None,
        "detail": attempt.detail or None,
        "took_us": attempt.took_us,
        "phases_us": {str(p): us for p, us in attempt.phases.items()},
        "certificate_expires": None
        if attempt.certificate_expires is None
        else show_instant(attempt.certificate_expires),
        "evidence": None
        if evidence is None
        else {
            "status": evidence.status,
            "headers": dict(evidence.headers),
            "excerpt": evidence.excerpt or None,
            "sha256": evidence.sha256 or None,
            "marker": evidence.marker or None,
            "address": evidence.address or None,
        },
    }
