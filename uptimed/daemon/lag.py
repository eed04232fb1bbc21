"""Whether the event loop was held up: then what was timed meanwhile means nothing."""

from uptimed.core.observations import SECOND
from uptimed.ports import Clock

LAG_LIMIT_US = SECOND
"""More than this during an attempt, and the attempt was not measured."""

_PERIOD_US = SECOND // 2


class LagMeter:
    """Wakes twice a second and compares when it should have woken with when it did."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._expected: int | None = None
        self._stall: tuple[int, int] | None = None  # the last one: from when to when
        self.last_us = 0

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            self._expected = self._clock.monotonic() + _PERIOD_US
            await self._clock.sleep(_PERIOD_US)
            now = self._clock.monotonic()
            self.last_us = max(0, now - self._expected)
            if self.last_us > LAG_LIMIT_US:
                self._stall = (self._expected, now)

    def stalled_since(self, start: int) -> bool:
        """Return whether the loop was held up between *start* (monotonic) and now."""
        now = self._clock.monotonic()
        if self._expected is not None and now - max(self._expected, start) > LAG_LIMIT_US:
            return True  # the meter itself has not woken yet
        return self._stall is not None and self._stall[1] > start
