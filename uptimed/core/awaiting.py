"""Whether looks that are still to come could change a letter.

Other vantages' looks come some seconds later than our own. A letter need not wait for them where
they could not change it: of three vantages, two that agree have decided.
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import combinations_with_replacement

from uptimed.core.letters import merge_vantages
from uptimed.core.looks import BLOCKED, FAILED, PASSED, REJECTED, SLOW, UNMEASURED
from uptimed.core.terms import ProbeTerms, Role, WatchTerms

AWAITED = "?"
"""Stands for what holds at a vantage whose look is still to come."""

_MOST_AWAITED = 8  # beyond, going through what they may all say takes longer than waiting


def decided(held: Mapping[str, str], terms: WatchTerms) -> bool:
    """Return whether the minute's letter is the same whatever the awaited looks will say.

    *held* has for each probe what holds at each of the service's vantages, a character each, in
    their order; `AWAITED` where that is not known yet.
    """
    return all(
        _settled(held[probe.id], _possible(probe), terms.min_vantages, probe.role is Role.LOGIN)
        for probe in terms.probes
    )


def _possible(probe: ProbeTerms) -> str:
    """Return what a look of *probe* may amount to."""
    slow = SLOW if probe.slow_after_us is not None else ""
    account = REJECTED + BLOCKED if probe.role is Role.LOGIN else ""
    return PASSED + FAILED + UNMEASURED + slow + account


@lru_cache(maxsize=4096)
def _settled(statuses: str, possible: str, min_vantages: int, logs_in: bool) -> bool:  # noqa: FBT001 - a key of the cache
    awaited = statuses.count(AWAITED)
    if awaited == 0:
        return True
    if awaited > _MOST_AWAITED:
        return False
    known = statuses.replace(AWAITED, "")
    found: set[tuple[str, bool]] = set()
    for more in combinations_with_replacement(possible, awaited):
        merged = merge_vantages(known + "".join(more), min_vantages)
        found.add((merged.status, merged.reached and logs_in))
        if len(found) > 1:
            return False
    return True
