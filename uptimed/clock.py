"""The machine's clocks: the one place that asks for the time, and the one that waits."""

import asyncio
import time

from uptimed.core.observations import SECOND, Instant


class SystemClock:
    """Wall and monotonic time of this host."""

    def now(self) -> Instant:
        """Return the wall clock's instant."""
        return Instant(time.time_ns() // 1000)

    def monotonic(self) -> int:
        """Return microseconds that never step, and stand still while the host is suspended."""
        return time.monotonic_ns() // 1000

    def suspended(self) -> int:
        """Return for how many microseconds the host has been suspended; only differences count."""
        return (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()) // 1000

    async def sleep(self, duration_us: int) -> None:
        """Wait *duration_us* microseconds of the monotonic clock."""
        await asyncio.sleep(duration_us / SECOND)
