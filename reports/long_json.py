"""A quarter or a year as JSON: `uptimed.period/1`. Keys and percentages are those of the month."""

import json
from typing import Any

from reports.figures import decimal_percent
from reports.support_json import clock_rows, incident_rows
from uptimed.core.figures import Figures
from uptimed.core.long_period import LongService, LongStatement, MonthFigures
from uptimed.core.minutes import start_of, utc

SCHEMA = "uptimed.period/1"


def long_json(statement: LongStatement) -> str:
    """Return the report as indented JSON: the same statement gives the same bytes."""
    return json.dumps(_report(statement), indent=1, ensure_ascii=False) + "\n"


def _report(statement: LongStatement) -> dict[str, Any]:
    contract = statement.contract
    return {
        "schema": SCHEMA,
        "client": {"id": statement.client.id, "name": statement.client.name},
        "period": {
            "name": statement.name,
            "timezone": statement.zone_name,
            "start": utc(start_of(statement.start)),
            "end": utc(start_of(statement.stop)),
            "minutes": statement.stop - statement.start,
            "complete": statement.complete,
            "judged_until": utc(start_of(statement.judged)),
        },
        "contract": {"id": contract.id, "version": contract.version, "sha256": contract.sha256},
        "services": [_service(service) for service in statement.services],
        "clocks": clock_rows(statement.support),
        "incidents": incident_rows(statement.support),
        "as_of": utc(statement.as_of),
        "software": statement.software,
        "made_up": statement.made_up,
    }


def _service(service: LongService) -> dict[str, Any]:
    return {
        "id": service.id,
        "name": service.name,
        **_figures(service.pooled),
        "months": [_month(month) for month in service.months],
    }


def _month(month: MonthFigures) -> dict[str, Any]:
    return {
        "month": month.month,
        "complete": month.complete,
        "target": month.target,
        "promised": month.promised,
        **_figures(month.figures),
        "allowed_down_minutes": month.figures.allowed,
        "remaining_down_minutes": month.figures.remaining,
        "verdict": month.figures.verdict.value,
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "minutes": {
            "total": figures.total,
            "out_of_scope": figures.out_of_scope,
            "maintenance": figures.maintenance,
            "excepted": figures.excepted,
            "scope": figures.scope,
            "not_measured": figures.not_measured,
            "measured": figures.measured,
            "up": figures.up,
            "down": figures.down,
        },
        "availability": decimal_percent(figures.availability_ppm),
        "low": decimal_percent(figures.low_ppm),
        "high": decimal_percent(figures.high_ppm),
        "coverage": decimal_percent(figures.coverage_ppm),
    }
