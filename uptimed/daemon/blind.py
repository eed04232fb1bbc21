"""Without two references: when every target fails without an answer in the same minute, it is us.

Of the looks of one minute: at least three targets on at least two addresses failed, none of them
answered, and none was found well. One answer, a refusal of credentials included, proves that the
world can be reached, and then each target's failure is its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from uptimed.core.minutes import Minute
from uptimed.core.observations import NO_ANSWER, Attempt, Cause, Outcome
from uptimed.core.targets import DnsTarget, HttpTarget, LoginTarget, Target

TARGETS, ADDRESSES = 3, 2
REASON = "every target failed without an answer, and there are no two references to ask"

_UNANSWERED = frozenset(str(cause) for cause in NO_ANSWER)
_CUT_OFF = frozenset({Cause.LOCAL_DNS, Cause.LOCAL_NETWORK, Cause.LOCAL_ADDRESS})


def place_of(target: Target) -> str:
    """Return the host that is looked at, with its port where it has one."""
    match target:
        case HttpTarget(url=url) | LoginTarget(base_url=url):
            return urlsplit(url).netloc.rpartition("@")[2].lower()
        case DnsTarget():
            return f"{target.server}:{target.port}" if target.server else f"dns of {target.name}"
        case _:
            return f"{target.host}:{target.port}"


def unanswered(attempts: Sequence[Attempt]) -> bool:
    """Return whether nobody answered a look; one that our own resolver spoiled is such a one."""
    silent = (
        (a.outcome is Outcome.FAIL and a.cause in _UNANSWERED)
        or (a.outcome is Outcome.NOT_MEASURED and a.cause in _CUT_OFF)
        for a in attempts
    )
    return any(silent) and not answered(attempts)


def answered(attempts: Sequence[Attempt]) -> bool:
    """Return whether a target answered, be it badly."""
    return any(
        a.outcome not in {Outcome.FAIL, Outcome.NOT_MEASURED}
        or (a.outcome is Outcome.FAIL and a.cause not in _UNANSWERED)
        for a in attempts
    )


@dataclass(slots=True)
class Tally:
    """What the targets of a vantage said in one minute."""

    silent: dict[str, str] = field(default_factory=dict)  # target -> address
    answered: bool = False

    def count(self, place: str, attempts: Sequence[Attempt]) -> None:
        """Count one look."""
        if answered(attempts):
            self.answered = True
        elif unanswered(attempts):
            seen = next((a.evidence.address for a in attempts if a.evidence is not None), "")
            self.silent[place] = _host(seen or place)

    @property
    def blind(self) -> bool:
        """Return whether it was us."""
        return (
            not self.answered
            and len(self.silent) >= TARGETS
            and len(set(self.silent.values())) >= ADDRESSES
        )


class Tallies:
    """The tallies of the last minutes."""

    def __init__(self) -> None:
        self._minutes: dict[Minute, Tally] = {}

    def of(self, minute: Minute) -> Tally:
        """Return the tally of *minute*."""
        return self._minutes.setdefault(minute, Tally())

    def forget_before(self, minute: Minute) -> None:
        """Forget what is decided."""
        for old in [m for m in self._minutes if m < minute]:
            del self._minutes[old]


def _host(place: str) -> str:
    return place.rpartition(":")[0] or place
