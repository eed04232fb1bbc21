"""Other vantages, as their looks come to where they are shared: a letter a minute."""

from dataclasses import dataclass

from tests.daemon.stories import VANTAGE, World
from uptimed.core.minutes import Minute, minute_of, start_of
from uptimed.core.observations import SECOND, Attempt, Cause, Instant, Outcome
from uptimed.ports import BlindMinute

THREE = (VANTAGE, "bogota", "madrid")


@dataclass
class Elsewhere:
    """A vantage that looks at `crm`/`front` as *script* says, at a second of the minute.

    `U` passes, `D` is refused twice, `-` is no look. Nothing is shared before it is sent.
    """

    world: World
    vantage: str
    script: str
    second: float = 20.0
    service: str = "crm"
    probe: str = "front"
    cut: bool = False  # off from where looks are shared
    sent: int = 0

    def looks(self, index: int) -> tuple[Attempt, ...]:
        """Return the attempts of the minute *index* of the story."""
        letter = self.script[min(index, len(self.script) - 1)]
        start = Instant(start_of(Minute(self.world.first + index)) + round(self.second * SECOND))
        match letter:
            case "-":
                return ()
            case "U":
                return (self._attempt(start, start, Outcome.PASS),)
            case _:
                again = Instant(start + 5 * SECOND)
                return tuple(self._attempt(at, start, Outcome.FAIL) for at in (start, again))

    def ended(self, now: Instant) -> int:
        """Return how many looks of the story have ended at *now*."""
        took = round((self.second + 6) * SECOND)
        return max(0, minute_of(Instant(now - took)) - self.world.first + 1)

    def send(self, until: int) -> None:
        """Share the looks of the minutes before *until* that were not shared yet."""
        assert self.world.shared is not None
        for index in range(self.sent, until):
            self.world.shared.leave(*self.looks(index))
        self.sent = max(self.sent, until)

    def send_one(self, index: int) -> None:
        """Share the look of one minute, in whatever order."""
        assert self.world.shared is not None
        self.world.shared.leave(*self.looks(index))

    def blind(self, index: int) -> BlindMinute:
        """Return that the vantage was blind in a minute."""
        return BlindMinute(
            vantage=self.vantage, minute=Minute(self.world.first + index), reason="all at once"
        )

    def _attempt(self, at: Instant, look: Instant, outcome: Outcome) -> Attempt:
        failed = outcome is Outcome.FAIL
        return Attempt(
            service=self.service, probe=self.probe, vantage=self.vantage, at=at, look=look,
            outcome=outcome, cause=Cause.REFUSED if failed else "", took_us=1000,
            detail="refused" if failed else "",
        )  # fmt: skip


async def live(world: World, *others: Elsewhere, minutes: float, lag: float = 5.0) -> None:
    """Let time pass; looks elsewhere are shared *lag* seconds after they ended."""
    end = world.clock.now() + round(minutes * 60 * SECOND)
    while world.clock.now() < end:
        await world.clock.run_for(seconds=min(5.0, (end - world.clock.now()) / SECOND))
        for other in others:
            if not other.cut:
                other.send(other.ended(Instant(world.clock.now() - round(lag * SECOND))))
