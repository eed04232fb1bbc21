"""What a client agreed on and bought, beside the contract that is the same for all of its kind."""

from collections.abc import Mapping
from dataclasses import replace

from uptimed.config.checking import Place
from uptimed.config.contracts import span_of
from uptimed.config.mistakes import Wrong, one_of, show, suggest
from uptimed.core.support import ClockTerms, SeverityTerms, Span, SupportTerms

Agreed = Mapping[str, Mapping[str, str]]
"""Targets by severity and clock, as they were written."""


def account_support(support: SupportTerms, agreed: Agreed, place: Place) -> SupportTerms:
    """Return *support* with the targets that this account agreed on in place of `agreed`."""
    targets = _targets(support, agreed, place)
    return replace(
        support,
        severities=tuple(_severity(severity, targets, place) for severity in support.severities),
    )


def check_plan(support: SupportTerms, plan: str, place: Place) -> None:
    """Tell of a plan that the contract does not have, and of one that is missing."""
    plans = [each.id for each in support.plans]
    if plan and not plans:
        place.wrong(show(plan), "no plan: the contract has none")
    elif plan and plan not in plans:
        place.wrong(show(plan), f"{suggest(plan, plans)}")
    elif plans and not plan:
        place.remark(
            f"nothing, so no clock of a plan runs; the contract has the plans {one_of(plans)}"
        )


_Targets = Mapping[tuple[str, str], Span | None]


def _targets(support: SupportTerms, agreed: Agreed, place: Place) -> _Targets:
    left_open = {
        severity.id: [str(clock.clock) for clock in severity.clocks if clock.agreed]
        for severity in support.severities
    }
    found: dict[tuple[str, str], Span | None] = {}
    for severity, clocks in agreed.items():
        here = place.at(severity)
        names = left_open.get(severity, [])
        if not names:
            open_ones = [name for name, left in left_open.items() if left]
            wish = one_of(open_ones) if open_ones else "nothing: the contract leaves no target open"
            here.wrong("a severity of which nothing is left to agree on", wish)
            continue
        for clock, text in clocks.items():
            if clock not in names:
                here.at(clock).wrong("a clock whose target is not left open", one_of(names))
                continue
            try:
                found[severity, clock] = span_of(text)
            except Wrong as wrong:
                here.at(clock).wrong(wrong.found, wrong.wanted)
    return found


def _severity(severity: SeverityTerms, targets: _Targets, place: Place) -> SeverityTerms:
    clocks = tuple(_clock(severity.id, clock, targets) for clock in severity.clocks)
    missing = [str(clock.clock) for clock in clocks if clock.agreed and clock.target is None]
    if missing:
        place.at(severity.id).remark(
            f"nothing for {one_of(missing)}: the contract leaves the target to each account, and "
            'until it is written (such as "1h") this clock is shown and not judged'
        )
    return replace(severity, clocks=clocks)


def _clock(severity: str, clock: ClockTerms, targets: _Targets) -> ClockTerms:
    target = targets.get((severity, str(clock.clock))) if clock.agreed else None
    return clock if target is None else replace(clock, target=target)
