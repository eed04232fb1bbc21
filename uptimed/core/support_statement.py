"""What a report says of incidents and support clocks, as a value."""

from dataclasses import dataclass

from uptimed.core.calendars import Second
from uptimed.core.clocks import Reading
from uptimed.core.compliance import Compliance
from uptimed.core.support import SupportTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentLine:
    """An incident of a period, as it stood at the period's end.

    *ended* is when users could work again, else when it was resolved; None while neither is so.
    *down* are the down minutes of its outages, None for one without letters. *cause* and *remedy*
    are the last that were recorded, later ones too.
    """

    reference: str
    service: str
    kind: str
    severity: str
    proposed: bool
    state: str
    opened: Second
    ended: Second | None
    down: int | None
    recurrence_of: str
    cause: str
    remedy: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportStatement:
    """The incidents of a period, oldest first, and what they make of the contract's clocks.

    *support* are the terms in force in the period, for the names of severities; each incident is
    judged by those that were pinned to it.
    """

    support: SupportTerms
    plan: str
    incidents: tuple[IncidentLine, ...]
    compliance: Compliance

    @property
    def references(self) -> frozenset[str]:
        """Return the references of the incidents."""
        return frozenset(line.reference for line in self.incidents)

    def severity_name(self, severity: str) -> str:
        """Return what the contract calls a severity; its id where it has no name."""
        names = {each.id: each.name for each in self.support.severities}
        return names.get(severity) or severity

    def plan_name(self) -> str:
        """Return what the contract calls the plan; "" without one."""
        names = {each.id: each.name for each in self.support.plans}
        return names.get(self.plan) or self.plan
