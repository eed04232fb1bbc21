"""Which of the other vantages' looks a minute still waits for.

A look is awaited where the vantage's timetable has one in the minute, or its last look did not
pass, and none has come. A vantage that was silent for some minutes is not waited for: it is dead,
cut off, or nothing comes from where the looks are shared, and letters shall not be late for that.
"""

from collections.abc import Iterable, Mapping

from uptimed.core.awaiting import AWAITED, decided
from uptimed.core.letters import hold_all, lookback
from uptimed.core.looks import FAILED, UNMEASURED
from uptimed.core.minutes import MINUTE, Minute
from uptimed.core.observations import Attempt
from uptimed.core.terms import ProbeTerms, WatchTerms
from uptimed.daemon.schedule import timetable

SILENT_AFTER = 5
"""Minutes beyond its interval after which a probe's vantage is taken for silent."""


def may_change(
    attempts: Iterable[Attempt],
    terms: WatchTerms,
    minute: Minute,
    blind: Mapping[str, frozenset[Minute]],
    *,
    own: str,
) -> bool:
    """Return whether looks of others than *own* may come that change the letter of *minute*.

    *attempts* are the service's at hand.
    """
    first = minute - lookback(terms) - SILENT_AFTER
    known = [a for a in attempts if first <= a.look // MINUTE <= minute]
    last: dict[tuple[str, str], int] = {}
    for attempt in known:
        place, at = (attempt.probe, attempt.vantage), attempt.look // MINUTE
        last[place] = max(at, last.get(place, at))
    held = hold_all(known, terms, minute, Minute(minute + 1), blind).at(minute, terms)
    unknown = {
        probe.id: "".join(
            AWAITED
            if vantage != own and _awaited(terms, probe, vantage, minute, status, last)
            else status
            for vantage, status in zip(terms.vantages, held[probe.id], strict=True)
        )
        for probe in terms.probes
    }
    return not decided(unknown, terms)


def _awaited(
    terms: WatchTerms,
    probe: ProbeTerms,
    vantage: str,
    minute: Minute,
    status: str,
    last: Mapping[tuple[str, str], int],
) -> bool:
    latest = last.get((probe.id, vantage))
    if latest is None or latest == minute or minute - latest > probe.interval + SILENT_AFTER:
        return False
    if probe.interval == 1 or status in {FAILED, UNMEASURED}:
        return True
    table = timetable(terms.service, probe.id, vantage, interval=probe.interval)
    return table.looks_in(minute)
