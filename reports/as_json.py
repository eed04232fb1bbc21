"""The month report as JSON, for machines.

Its shape, `uptimed.report/1`, is relied upon: keys are added, never taken away. Percentages are
strings, cut off at four decimals, or null; instants are UTC, `2026-10-01T05:00:00Z`.
"""

import hashlib
import json
from typing import Any

from reports.figures import decimal_percent
from reports.support_json import clock_rows, incident_rows
from uptimed.core.figures import Figures
from uptimed.core.lookfile import show_instant
from uptimed.core.minutes import start_of, utc
from uptimed.core.objections import Objection
from uptimed.core.statement import (
    ChainHead,
    CorrectionLine,
    EntriesHead,
    ExceptionLine,
    Gap,
    MaintenanceLine,
    OutageLine,
    ServiceStatement,
    Statement,
)

SCHEMA = "uptimed.report/1"


def report_json(statement: Statement) -> str:
    """Return the report as indented JSON: the same statement gives the same bytes."""
    return json.dumps(_report(statement), indent=1, ensure_ascii=False) + "\n"


def letters_sha256(service: ServiceStatement) -> str:
    """Return the SHA-256 of the month's judged minutes as plain letters, one ASCII byte each."""
    return hashlib.sha256(service.strip.plain.encode("ascii")).hexdigest()


def recorded_letters_sha256(service: ServiceStatement) -> str:
    """Return the same over the letters on record, as days are sealed: without corrections."""
    recorded = service.strip if service.recorded is None else service.recorded
    return hashlib.sha256(recorded.plain.encode("ascii")).hexdigest()


def chain_head(chain: tuple[ChainHead, ...]) -> str:
    """Return one head for the whole report, in hex.

    That of the only service as it is; of several, the SHA-256 of their lines `service:head`,
    sorted, each ended by a newline.
    """
    if len(chain) == 1:
        return chain[0].head
    lines = sorted(f"{link.service}:{link.head}\n" for link in chain)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _report(statement: Statement) -> dict[str, Any]:
    period = statement.period
    return {
        "schema": SCHEMA,
        "client": {"id": statement.client.id, "name": statement.client.name},
        "period": {
            "month": period.month,
            "timezone": period.zone_name,
            "start": utc(start_of(period.start)),
            "end": utc(start_of(period.stop)),
            "minutes": period.minutes,
            "complete": period.complete,
            "judged_until": utc(start_of(min(period.judged, period.stop))),
        },
        "revision": statement.revision,
        "replaces": statement.replaces,
        "earlier": [
            {"revision": one.revision, "sha256": one.sha256, "at": utc(one.at)}
            for one in statement.earlier
        ],
        "draft": statement.draft,
        "contract": _contract(statement),
        "services": [_service(service) for service in statement.services],
        "clocks": clock_rows(statement.support),
        "incidents": incident_rows(statement.support),
        "evidence": _evidence(statement.chain, statement.entries),
        "as_of": utc(statement.as_of),
        "software": statement.software,
        "references": statement.references,
        "made_up": statement.made_up,
    }


def _contract(statement: Statement) -> dict[str, Any]:
    contract, since = statement.contract, statement.agreed_since
    return {
        "id": contract.id,
        "version": contract.version,
        "sha256": contract.sha256,
        "target": contract.target,
        "down": contract.down,
        "promised": contract.promised,
        "attempt_rule": contract.attempt_rule.value,
        "min_consecutive": contract.min_consecutive,
        "min_coverage": contract.min_coverage,
        "excludes": list(contract.excludes),
        "source": contract.source,
        "house": list(contract.house),
        "on_record_since": None if since is None else utc(start_of(since)),
        "changes": [
            {
                "since": utc(start_of(change.since)),
                "version": change.version,
                "sha256": change.sha256,
                "changed": list(change.changed),
            }
            for change in statement.agreed_changes
        ],
    }


def _service(service: ServiceStatement) -> dict[str, Any]:
    figures = service.figures
    return {
        "id": service.id,
        "name": service.name,
        "minutes": {
            "total": figures.total,
            "out_of_scope": figures.out_of_scope,
            "maintenance": figures.maintenance,
            "excepted": figures.excepted,
            "scope": figures.scope,
            "not_measured": figures.not_measured,
            "measured": figures.measured,
            "up": figures.up,
            "degraded": figures.degraded,
            "system_down": figures.system_down,
            "login_failure": figures.login_failure,
            "down": figures.down,
        },
        "availability": decimal_percent(figures.availability_ppm),
        "low": decimal_percent(figures.low_ppm),
        "high": decimal_percent(figures.high_ppm),
        "coverage": decimal_percent(figures.coverage_ppm),
        "login_coverage": decimal_percent(figures.login_coverage_ppm),
        "allowed_down_minutes": figures.allowed,
        "used_down_minutes": figures.down,
        "remaining_down_minutes": figures.remaining,
        "verdict": figures.verdict.value,
        "unverified_minutes": figures.unverified,
        "outages": [_outage(line) for line in service.outages],
        "maintenance": [_maintenance(line) for line in service.maintenance],
        "exceptions": [_exception(line) for line in service.exceptions],
        "without_exceptions": _result(service.without_exceptions),
        "corrections": [_correction(line) for line in service.corrections],
        "original": _result(service.original),
        "objections": [_objection(one) for one in service.objections],
        "letters_sha256": letters_sha256(service),
        "recorded_letters_sha256": recorded_letters_sha256(service),
        "stage": service.stage,
        "gaps": [_gap(gap) for gap in service.gaps],
        "vantages": [
            {"name": v.name, "minutes": v.minutes, "dissent": v.dissent} for v in service.vantages
        ],
        "changes": [
            {
                "since": utc(start_of(change.since)),
                "added": list(change.added),
                "removed": list(change.removed),
                "changed": [str(one) for one in change.changed],
            }
            for change in service.changes
        ],
        "watch_sha256": service.watch.digest(),
    }


def _outage(line: OutageLine) -> dict[str, Any]:
    outage = line.outage
    return {
        "class": outage.kind,
        "started_at": utc(start_of(outage.start)),
        "ended_at": None if outage.stop is None else utc(start_of(outage.stop)),
        "minutes": line.minutes,
        "minutes_total": line.minutes_total,
        "counted": outage.counted,
        "reason": line.reason,
        "incident": line.incident or None,
    }


def _maintenance(line: MaintenanceLine) -> dict[str, Any]:
    window = line.window
    return {
        "id": window.id or None,
        "start": utc(window.start),
        "end": utc(window.end),
        "announced": None if window.pending else utc(window.announced),
        "recorded": None if window.recorded is None else utc(window.recorded),
        "reason": window.reason,
        "counted_minutes": line.counted,
        "counted": line.admitted,
        "why_not": line.why_not or None,
    }


def _exception(line: ExceptionLine) -> dict[str, Any]:
    one = line.exclusion
    return {
        "id": one.id,
        "start": utc(one.start),
        "end": utc(one.end),
        "reason": one.reason,
        "by": one.by,
        "recorded": utc(one.recorded),
        "notified": None if one.notified is None else utc(one.notified),
        "how": one.how or None,
        "answer": one.answer.value,
        "answered": None if one.answered is None else utc(one.answered),
        "answer_words": one.answer_words or None,
        "counted_minutes": line.counted,
        "counted": not line.why_not,
        "why_not": line.why_not or None,
    }


def _correction(line: CorrectionLine) -> dict[str, Any]:
    one = line.correction
    return {
        "id": one.id,
        "revision": line.revised.revision,
        "replaces": line.revised.replaces,
        "minutes": one.minutes,
        "changes": [
            {
                "start": utc(start_of(change.start)),
                "end": utc(start_of(change.stop)),
                "from": change.was.upper(),
                "to": change.becomes.upper(),
            }
            for change in one.changes
        ],
        "why": one.why,
        "evidence": list(one.evidence),
        "looks": [
            {
                "probe": look.probe,
                "vantage": look.vantage,
                "at": show_instant(look.at),
                "account": look.account or None,
            }
            for look in one.looks
        ],
        "objection": one.objection or None,
        "by": one.by,
        "at": utc(one.at),
        "before": _result(line.before),
        "after": _result(line.after),
    }


def _objection(one: Objection) -> dict[str, Any]:
    return {
        "id": one.id,
        "start": utc(start_of(one.start)),
        "end": utc(start_of(one.stop)),
        "why": one.why,
        "contact": one.contact or None,
        "by": one.by,
        "received": utc(one.received),
        "due": utc(one.due),
        "outcome": None if one.outcome is None else one.outcome.value,
        "answered": None if one.answered is None else utc(one.answered),
        "answer": one.answer or None,
        "corrections": list(one.corrections),
    }


def _result(figures: Figures | None) -> dict[str, Any] | None:
    """Return the result of a month with other things laid over it, null where nothing differs."""
    if figures is None:
        return None
    return {
        "scope": figures.scope,
        "excepted": figures.excepted,
        "not_measured": figures.not_measured,
        "measured": figures.measured,
        "up": figures.up,
        "down": figures.down,
        "availability": decimal_percent(figures.availability_ppm),
        "low": decimal_percent(figures.low_ppm),
        "high": decimal_percent(figures.high_ppm),
        "allowed_down_minutes": figures.allowed,
        "remaining_down_minutes": figures.remaining,
        "verdict": figures.verdict.value,
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "start": utc(start_of(gap.start)),
        "end": utc(start_of(gap.stop)),
        "minutes": gap.minutes,
        "kind": gap.kind,
        "reason": gap.reason,
    }


def _evidence(chain: tuple[ChainHead, ...], entries: EntriesHead | None) -> dict[str, Any] | None:
    if not chain and entries is None:
        return None
    return {
        "chain_head": chain_head(chain) if chain else None,
        "first_day": min((link.first_day.isoformat() for link in chain), default=None),
        "last_day": max((link.last_day.isoformat() for link in chain), default=None),
        "signed": False,
        "chains": [
            {
                "service": link.service,
                "head": link.head,
                "first_day": link.first_day.isoformat(),
                "last_day": link.last_day.isoformat(),
            }
            for link in chain
        ],
        "entries_head": None if entries is None else entries.head,
        "entries": 0 if entries is None else entries.count,
        "entries_lost": [
            {"at": utc(one.at), "kept": one.kept, "place": one.place, "head": one.head}
            for one in (() if entries is None else entries.lost)
        ],
    }
