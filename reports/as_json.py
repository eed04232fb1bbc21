"""The month report as JSON, for machines.

Its shape, `uptimed.report/1`, is relied upon: keys are added, never taken away. Percentages are
strings, cut off at four decimals, or null; instants are UTC, `2026-10-01T05:00:00Z`.
"""

import hashlib
import json
from typing import Any

from reports.figures import decimal_percent, utc
from uptimed.core.minutes import start_of
from uptimed.core.statement import (
    ChainHead,
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
        "contract": _contract(statement),
        "services": [_service(service) for service in statement.services],
        "clocks": [],
        "evidence": _evidence(statement.chain),
        "as_of": utc(statement.as_of),
        "software": statement.software,
        "references": statement.references,
        "made_up": statement.made_up,
    }


def _contract(statement: Statement) -> dict[str, Any]:
    contract = statement.contract
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
        "exceptions": [],
        "corrections": [],
        "letters_sha256": letters_sha256(service),
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
                "changed": list(change.changed),
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
        "start": utc(window.start),
        "end": utc(window.end),
        "announced": utc(window.announced),
        "reason": window.reason,
        "counted_minutes": line.counted,
        "counted": line.admitted,
        "why_not": line.why_not or None,
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "start": utc(start_of(gap.start)),
        "end": utc(start_of(gap.stop)),
        "minutes": gap.minutes,
        "kind": gap.kind,
        "reason": gap.reason,
    }


def _evidence(chain: tuple[ChainHead, ...]) -> dict[str, Any] | None:
    if not chain:
        return None
    return {
        "chain_head": chain_head(chain),
        "first_day": min(link.first_day for link in chain).isoformat(),
        "last_day": max(link.last_day for link in chain).isoformat(),
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
    }
