"""What is known at this moment, for metrics, the status page and whoever asks.

A `Snapshot` is a frozen picture: whoever holds one sees one moment throughout. The board draws a
new one when something changed and somebody looks; views of services and probes that did not change
are shared between pictures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from uptimed.core.minutes import Minute
from uptimed.core.observations import SECOND, Attempt
from uptimed.core.snapshot import ConfigHealth as ConfigHealth
from uptimed.core.snapshot import FollowerView as FollowerView
from uptimed.core.snapshot import HistogramData as HistogramData
from uptimed.core.snapshot import ProbeView as ProbeView
from uptimed.core.snapshot import ServiceView as ServiceView
from uptimed.core.snapshot import Snapshot as Snapshot
from uptimed.core.snapshot import StoreHealth as StoreHealth
from uptimed.core.strip import NOT_MEASURED, Strip

LAG_BOUNDS_US = (1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000)
LOOK_BOUNDS_US = tuple(
    n * SECOND // 1000 for n in (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000)
)


class Histogram:
    """Counts durations in buckets."""

    def __init__(self, bounds_us: tuple[int, ...]) -> None:
        self._bounds = bounds_us
        self._counts = [0] * (len(bounds_us) + 1)
        self._sum = 0

    def count(self, value_us: int) -> None:
        """Count one duration."""
        self._sum += value_us
        for index, bound in enumerate(self._bounds):
            if value_us <= bound:
                self._counts[index] += 1
                return
        self._counts[-1] += 1

    def data(self) -> HistogramData:
        """Return the counts as they are now."""
        return HistogramData(self._bounds, tuple(self._counts), self._sum)


class Board:
    """Where the views of services and probes are kept up to date."""

    def __init__(self) -> None:
        self.services: dict[str, ServiceView] = {}
        self.probes: dict[tuple[str, str], ProbeView] = {}
        self.schedule_lag = Histogram(LAG_BOUNDS_US)
        self._durations: dict[str, Histogram] = {}

    def looked(self, view: ProbeView, attempts: Sequence[Attempt]) -> None:
        """Take the attempts of a look."""
        counts = dict(view.counts)
        for attempt in attempts:
            key = (str(attempt.outcome), str(attempt.cause))
            counts[key] = counts.get(key, 0) + 1
        last = attempts[-1]
        self._time(view.kind, attempts)
        expires = last.certificate_expires
        self.probes[view.service, view.probe] = replace(
            view, at=last.look, outcome=last.outcome, cause=str(last.cause), detail=last.detail,
            took_us=last.took_us, phases=last.phases, counts=counts,
            certificate_expires=expires if expires is not None else view.certificate_expires,
        )  # fmt: skip

    def accounts(self, service: str, probe: str, *, rejected: bool, suspected: bool) -> None:
        """Note whether an account is refused, and one that had passed just before its last look."""
        view = self.probes.get((service, probe))
        if view is not None and (view.rejected, view.suspected) != (rejected, suspected):
            self.probes[service, probe] = replace(view, rejected=rejected, suspected=suspected)

    def settled(self, view: ServiceView, recent: Strip, new: str) -> ServiceView:
        """Take the *new* letters at the end of *recent*; return the service's view."""
        minutes = dict(view.minutes)
        for letter in new.upper():
            minutes[letter] = minutes.get(letter, 0) + 1
        plain = recent.plain
        letter = plain[-1:] or NOT_MEASURED
        since = Minute(recent.stop - (len(plain) - len(plain.rstrip(letter))))
        if view.letter.upper() == letter and since == recent.start and view.since:
            since = Minute(min(since, view.since))
        after = replace(
            view, letter=recent.letters[-1:] or NOT_MEASURED, since=since, minutes=minutes,
            settled=Minute(recent.stop - 1) if recent.letters else None, recent=recent,
        )  # fmt: skip
        self.services[view.service] = after
        return after

    def durations(self) -> Mapping[str, HistogramData]:
        """Return how long attempts took, by kind."""
        return {kind: histogram.data() for kind, histogram in self._durations.items()}

    def _time(self, kind: str, attempts: Sequence[Attempt]) -> None:
        histogram = self._durations.setdefault(kind, Histogram(LOOK_BOUNDS_US))
        for attempt in attempts:
            if attempt.took_us is not None:
                histogram.count(attempt.took_us)
