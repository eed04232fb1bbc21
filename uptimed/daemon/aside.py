"""What came from other vantages for days that are sealed: counted, told once, and left alone."""

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial

from uptimed.core.minutes import Minute, day_of, minute_of
from uptimed.daemon.parts import DaemonParts
from uptimed.ports import Batch, LifeEvent

_REMEMBERED = timedelta(days=60)

_log = logging.getLogger(__name__)


class Aside:
    """Counts of what came too late, by day, service and vantage, in pieces of the day."""

    def __init__(self, parts: DaemonParts, *, piece: int) -> None:
        """Begin with nothing. A piece has *piece* minutes."""
        self._parts, self._minutes = parts, piece
        self._pieces: dict[tuple[date, str, str], dict[Minute, int]] = defaultdict(dict)

    def note(
        self, day: date, piece: Minute, late: Mapping[tuple[str, str], int]
    ) -> Mapping[str, int]:
        """Note how many attempts of a piece of *day* are too late, by service and vantage.

        All of the piece, each time it is read. Return how many more they are, by vantage.
        """
        more: Counter[str] = Counter()
        for (service, vantage), count in late.items():
            known = self._pieces[day, service, vantage]
            more[vantage] += max(0, count - known.get(piece, 0))
            known[piece] = count
        return more

    async def tell(self) -> None:
        """Tell of what is new, in the log and in the monitor's life: once, over restarts too."""
        journal, clock = self._parts.journal, self._parts.clock
        for (day, service, vantage), pieces in list(self._pieces.items()):
            count, name = sum(pieces.values()), f"late/{day}/{service}/{vantage}"
            if count <= await self._parts.offload(partial(self._parts.reader.cursor, name)):
                continue
            attempts = "1 attempt" if count == 1 else f"{count} attempts"
            detail = f"{attempts} of {vantage} at {service} on {day} came after the day was sealed"
            _log.warning("%s: they change no letter", detail)
            event = LifeEvent(
                at=clock.now(), kind="late_looks", vantage=vantage, detail=detail,
                start=min(pieces), stop=Minute(max(pieces) + self._minutes),
            )  # fmt: skip
            await journal.write(Batch(life=[event], cursors={name: count}))
        oldest = day_of(minute_of(clock.now())) - _REMEMBERED
        for key in [key for key in self._pieces if key[0] < oldest]:
            del self._pieces[key]
