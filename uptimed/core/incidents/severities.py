"""Which severity an outage is of, and which an incident can be of."""

from dataclasses import dataclass

from uptimed.core.incidents.values import choice_of
from uptimed.core.outages import KINDS
from uptimed.core.support import Fault, SeverityTerms, SupportTerms

LETTER_OF = {kind: letter for letter, kind in KINDS.items()}
"""The letter of each class of outage, the gravest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """The severity that follows from an outage; *proposed* is one that a person must confirm."""

    severity: str
    proposed: bool


def classification(kind: str, support: SupportTerms, *, stage: str) -> Classification | None:
    """Return the severity of an outage of class *kind* at a service in *stage*.

    Where the contract keeps that severity from the stage, the next one that it allows is proposed.
    None where the contract says of no severity that such outages are of it.
    """
    letter = LETTER_OF[kind]
    barred = False
    matched = False
    for severity in support.severities:
        matched = matched or letter in severity.letters
        if not matched:
            continue
        if _occurs(severity, stage=stage, fault=Fault.VENDOR):
            return Classification(severity=severity.id, proposed=severity.proposed or barred)
        barred = True
    return None


def severity_refusal(support: SupportTerms, severity: str, *, stage: str, fault: Fault) -> str:
    """Return why an incident cannot be of *severity*, and which it can be; "" where it can."""
    possible = [each.id for each in support.severities if _occurs(each, stage=stage, fault=fault)]
    if severity in possible:
        return ""
    name = f"name {choice_of(possible)}" if possible else "the contract has none: leave it out"
    for each in support.severities:
        if each.id == severity:
            if each.stages and stage not in each.stages:
                return f"{severity} is for {choice_of(each.stages)} alone, this is {stage}: {name}"
            return f"the {_WHOSE[fault]} fault is never {severity}: {name}"
    return f"{severity!r} is no severity of the contract: {name}"


_WHOSE = {
    Fault.VENDOR: "vendor's",
    Fault.CLIENT: "client's",
    Fault.THIRD_PARTY: "third party's",
}


def _occurs(severity: SeverityTerms, *, stage: str, fault: Fault) -> bool:
    if severity.stages and stage not in severity.stages:
        return False
    return not severity.faults or fault in severity.faults
