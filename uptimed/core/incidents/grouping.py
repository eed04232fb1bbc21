"""From outages to incidents: which outages of a service are one incident, and since when."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from uptimed.core.calendars import Pause, Second
from uptimed.core.incidents.severities import LETTER_OF
from uptimed.core.minutes import Minute
from uptimed.core.outages import Outage
from uptimed.core.strip import NO_OVERLAY, NOT_MEASURED, Strip, runs_of

FLAP_UP_MINUTES = 10  # outages fewer up minutes apart are one incident
CONFIRMED_WITHIN = 3  # two down minutes within so many open an incident


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageGroup:
    """Outages of one service that are one incident, oldest first.

    *opened* is the minute that the incident is dated back to, and *confirmed* the one that opened
    it: None while no two down minutes lie close enough. *over* says that enough up minutes have
    passed for the next outage to be another incident. *unmeasured* are the minutes without a
    measurement from the first outage's start on, to the last one's end where it has one.
    """

    outages: tuple[Outage, ...]
    opened: Minute | None
    confirmed: Minute | None
    over: bool
    unmeasured: tuple[range, ...] = ()

    @property
    def started_at(self) -> Second:
        """Return the start of the first outage."""
        return Second(self.outages[0].start * 60)

    @property
    def ended_at(self) -> Second | None:
        """Return the end of the last outage; None while it lasts."""
        stop = self.outages[-1].stop
        return None if stop is None else Second(stop * 60)

    @property
    def kind(self) -> str:
        """Return the gravest class of its outages."""
        kinds = {outage.kind for outage in self.outages}
        return next(kind for kind in LETTER_OF if kind in kinds)

    def since(self, kind: str) -> Second | None:
        """Return the start of the first outage of class *kind*; None where there is none.

        It is what a raise of severity counts from, where such an outage justifies it.
        """
        starts = (outage.start for outage in self.outages if outage.kind == kind)
        first = next(starts, None)
        return None if first is None else Second(first * 60)

    def gaps(self) -> tuple[Pause, ...]:
        """Return its unmeasured minutes as stretches of seconds."""
        return tuple(
            Pause(Second(span.start * 60), Second(span.stop * 60)) for span in self.unmeasured
        )


def grouped(found: Sequence[Outage], strip: Strip, overlay: str) -> tuple[OutageGroup, ...]:
    """Return *found*, the outages of *strip* under *overlay*, as incidents, oldest first.

    Outages fewer than ten up minutes apart are one; a minute that was not measured or lies under an
    overlay is no up minute. An incident opens when two of the last three minutes are down, and is
    dated back to the first of them; single down minutes further apart open none.
    """
    ups = _up_minutes(strip, overlay) if found else []
    groups: list[list[Outage]] = []
    for outage in found:
        if groups and _apart(groups[-1][-1], outage.start, ups) < FLAP_UP_MINUTES:
            groups[-1].append(outage)
        else:
            groups.append([outage])
    return tuple(_group(group, strip, ups) for group in groups)


def _up_minutes(strip: Strip, overlay: str) -> list[int]:
    """Return the minutes that could be up minutes: measured, and under nothing."""
    pairs = zip(range(strip.start, strip.stop), strip.plain, overlay, strict=True)
    return [at for at, letter, over in pairs if letter != NOT_MEASURED and over == NO_OVERLAY]


def _apart(outage: Outage, until: int, ups: Sequence[int]) -> int:
    """Return the up minutes from the end of *outage* to *until*, before which no other began."""
    if outage.stop is None:
        return 0
    return bisect_left(ups, until) - bisect_left(ups, outage.stop)


def _group(found: Sequence[Outage], strip: Strip, ups: Sequence[int]) -> OutageGroup:
    down = [minute for outage in found for minute in outage.down]
    pairs = ((a, b) for a, b in pairwise(down) if b - a < CONFIRMED_WITHIN)
    opened, confirmed = next(pairs, (None, None))
    stop = found[-1].stop
    return OutageGroup(
        outages=tuple(found),
        opened=opened,
        confirmed=confirmed,
        over=_apart(found[-1], strip.stop, ups) >= FLAP_UP_MINUTES,
        unmeasured=tuple(
            _unmeasured(strip.cut(found[0].start, strip.stop if stop is None else stop))
        ),
    )


def _unmeasured(strip: Strip) -> Iterator[range]:
    for run in runs_of(strip.start, strip.plain):
        if run.letter == NOT_MEASURED:
            yield range(run.start, run.stop)
