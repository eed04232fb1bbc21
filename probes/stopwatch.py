"""How long each phase of an attempt took, and which one it was in when it ended."""

from time import perf_counter_ns

from uptimed.core.observations import Phase


class Stopwatch:
    """Times phases that follow each other; a phase entered again is added to.

    *phase* is the one that is running, and *phases* holds the finished ones in microseconds.
    """

    __slots__ = ("_entered_ns", "_started_ns", "phase", "phases")

    def __init__(self, phase: Phase) -> None:
        self.phase = phase
        self.phases: dict[Phase, int] = {}
        self._started_ns = self._entered_ns = perf_counter_ns()

    def enter(self, phase: Phase) -> None:
        """End the running phase and begin *phase*."""
        now = perf_counter_ns()
        spent = (now - self._entered_ns) // 1000
        self.phases[self.phase] = self.phases.get(self.phase, 0) + spent
        self.phase = phase
        self._entered_ns = now

    def stop(self) -> int:
        """End the running phase and return the microseconds since the start."""
        self.enter(self.phase)
        return (self._entered_ns - self._started_ns) // 1000
