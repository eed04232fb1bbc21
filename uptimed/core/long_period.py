"""A quarter or a year of one client as a value: its months, and their minutes pooled.

Minutes are pooled; percentages are never averaged. The promise is monthly, so each month keeps its
own verdict and the pooled figure has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from uptimed.core.figures import Figures
from uptimed.core.minutes import Minute
from uptimed.core.observations import Instant
from uptimed.core.statement import Party
from uptimed.core.support_statement import SupportStatement
from uptimed.core.terms import ContractTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFigures:
    """A month's figures under the terms that were in force for it. *complete*: it is all judged."""

    month: str  # 2026-10
    figures: Figures
    target: str
    promised: bool
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LongService:
    """A service's months, oldest first, and their minutes as one sum."""

    id: str
    name: str
    months: tuple[MonthFigures, ...]
    pooled: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class LongStatement:
    """The minutes [start, stop) of *name*, `2026-Q4` or `2026`, judged before *judged*."""

    client: Party
    operator: Party
    language: str
    name: str
    zone_name: str
    zone: tzinfo
    start: Minute
    stop: Minute
    judged: Minute
    contract: ContractTerms
    services: tuple[LongService, ...]
    support: SupportStatement | None
    software: str
    as_of: Instant
    made_up: bool = False

    @property
    def complete(self) -> bool:
        """Return whether every minute is judged."""
        return self.judged >= self.stop


def pooled(months: Sequence[Figures]) -> Figures:
    """Return the sum of *months*, which are not empty; the target is that of the last."""
    last = months[-1]
    return Figures(
        total=sum(each.total for each in months),
        out_of_scope=sum(each.out_of_scope for each in months),
        maintenance=sum(each.maintenance for each in months),
        excepted=sum(each.excepted for each in months),
        not_measured=sum(each.not_measured for each in months),
        up=sum(each.up for each in months),
        degraded=sum(each.degraded for each in months),
        system_down=sum(each.system_down for each in months),
        login_failure=sum(each.login_failure for each in months),
        down=sum(each.down for each in months),
        unverified=sum(each.unverified for each in months),
        unverified_up=sum(each.unverified_up for each in months),
        ahead=sum(each.ahead for each in months),
        has_login=any(each.has_login for each in months),
        target_ppm=last.target_ppm,
        min_coverage_ppm=last.min_coverage_ppm,
    )
