"""Incidents and support clocks as JSON: a line for each clock that was counted, and each incident.

Instants are UTC; lengths are whole seconds of open time; shares are strings, cut off, or null.
"""

from typing import Any

from reports.figures import decimal_percent
from uptimed.core.calendars import utc_second
from uptimed.core.clocks import Reading
from uptimed.core.compliance import ClockFigure, ClockShare, GoalShare
from uptimed.core.support_statement import IncidentLine, SupportStatement


def clock_rows(support: SupportStatement | None) -> list[dict[str, Any]]:
    """Return how many incidents kept each clock; goals over all severities have none of these."""
    if support is None:
        return []
    told = support.compliance
    return [*map(_share, told.shares), *map(_goal, told.goals), *map(_figure, told.figures)]


def _share(share: ClockShare) -> dict[str, Any]:
    return {
        "severity": share.severity or None,
        "clock": str(share.clock),
        "met": share.met,
        "decided": share.decided,
        "percent": decimal_percent(share.share_ppm),
        "target_percent": share.target or "100",
        "verdict": str(share.verdict),
        "plan": share.plan or None,
        "channel": share.channel or None,
        "undetermined": share.undetermined,
        "proposed": share.proposed,
        "missed": list(share.missed),
    }


def _goal(goal: GoalShare) -> dict[str, Any]:
    return {
        "severity": None,
        "clock": "+".join(goal.clocks),
        "met": goal.met,
        "decided": goal.decided,
        "percent": decimal_percent(goal.share_ppm),
        "target_percent": goal.target,
        "verdict": str(goal.verdict),
        "plan": None,
        "channel": None,
        "undetermined": 0,
        "proposed": 0,
        "missed": list(goal.missed),
    }


def _figure(figure: ClockFigure) -> dict[str, Any]:
    target = figure.terms.target
    return {
        "severity": figure.severity or None,
        "clock": str(figure.clock),
        "met": figure.within,
        "decided": figure.decided,
        "percent": decimal_percent(figure.share_ppm),
        "target_percent": None,
        "verdict": "not_judged",
        "plan": figure.plan or None,
        "channel": figure.channel or None,
        "judged": str(figure.terms.judged),
        "target": None if target is None else target.text,
        "stopped": figure.stopped,
        "mean_seconds": figure.mean,
    }


def incident_rows(support: SupportStatement | None) -> list[dict[str, Any]]:
    """Return the incidents, each with its clocks."""
    return [] if support is None else [_incident(line) for line in support.incidents]


def _incident(line: IncidentLine) -> dict[str, Any]:
    return {
        "reference": line.reference,
        "service": line.service,
        "class": line.kind or None,
        "severity": line.severity or None,
        "proposed": line.proposed,
        "state": line.state,
        "opened": utc_second(line.opened),
        "ended": utc_second(line.ended),
        "down_minutes": line.down,
        "recurrence_of": line.recurrence_of or None,
        "cause": line.cause or None,
        "remedy": line.remedy or None,
        "clocks": [_clock(reading) for reading in line.readings],
    }


def _clock(reading: Reading) -> dict[str, Any]:
    target = reading.terms.target
    return {
        "clock": str(reading.clock),
        "severity": reading.severity or None,
        "plan": reading.plan or None,
        "target": None if target is None else target.text,
        "target_seconds": reading.target,
        "calendar": reading.terms.calendar,
        "started": utc_second(reading.started),
        "due": utc_second(reading.due),
        "stopped": utc_second(reading.stopped),
        "decided": utc_second(reading.decided_at),
        "elapsed_seconds": reading.elapsed,
        "unmeasured_seconds": reading.unmeasured,
        "verdict": str(reading.verdict),
        "why": str(reading.why) or None,
    }
