"""How late the event loop is while the daemon looks after incidents beside it, and while idle.

A year of 10,000 incidents of one client, and 200 services of twenty others whose letters come
minute by minute; an outage now and then. Casework has a thread of its own, but not an interpreter
of its own: what it does at a stretch, the loop waits for. The peer is the same loop without it, in
the same run and on the same core.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench import ground, looking
from tests.bench.bench_clocks import enter_all, year_of_events
from tests.fakes import FakeClock
from uptimed.cli.running import go_easy
from uptimed.config import load
from uptimed.core.minutes import MINUTE, Minute
from uptimed.core.observations import SECOND, Instant
from uptimed.core.settings import Settings
from uptimed.core.strip import Strip
from uptimed.ports import Batch
from uptimed.stores.sqlite import open_ledger
from uptimed.wiring.casework import Casework

CLIENTS, SERVICES_EACH = 20, 10
LATE_MS = 10.0  # wanted, at the most, over the idle loop
_PASSES = 20
_DAY = 1440
_START = Minute(30_000_000 // 60 * 60 + 1)  # a minute after the hour, when all is looked at again


@dataclass
class World:
    """A journal that grows by a minute at a time, and the settings of whoever looks after it."""

    path: Path
    settings: Settings
    at: Minute

    def write(self, letter: Callable[[int], str], minutes: int = 1) -> None:
        """Let *minutes* go by; *letter* is that of each service, by its place."""
        letters = [
            (s.id, Strip(self.at, letter(n) * minutes), s.watch.digest())
            for n, s in enumerate(self.settings.services)
        ]
        with open_ledger(self.path) as ledger:
            ledger.write(Batch(letters=letters))
        self.at = Minute(self.at + minutes)

    @property
    def now(self) -> Instant:
        return Instant(self.at * MINUTE + 25 * SECOND)


def main() -> None:
    """Measure and print."""
    ground.stay_on(ground.OUR_CORE)
    with tempfile.TemporaryDirectory() as name:
        world = made(Path(name))
        go_easy()
        ground.in_loop(measured(world))


async def measured(world: World) -> None:
    """Tell of each kind of pass, beside the idle loop."""
    casework = Casework(world.settings, FakeClock())
    idle = await looking.lateness(lambda: looking.idle(2))
    found = {
        "the first pass, which reads the year": await looking.lateness(_pass(casework, world)),
        "a pass with a minute more": await looking.lateness(_minutes(casework, world)),
        "a pass in which ten incidents open": await looking.lateness(_outage(casework, world)),
        "a pass that looks at 31 hours": await looking.lateness(_hour(casework, world)),
    }
    print(f"the loop alone: {_told(idle)}")
    for what, late in found.items():
        print(f"{what}: {_told(late)}; {ground.verdict(max(late) - max(idle), LATE_MS)}")
    casework._files.close()


def _told(late: list[float]) -> str:
    some = sorted(late)
    shown = ", ".join(f"p{p} {looking.percentile(some, p):.2f}" for p in (50, 99))
    return f"late by {shown}, most {some[-1]:.1f} ms ({len(some)} ticks)"


def _pass(casework: Casework, world: World) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        await casework._pass(world.now)

    return work


def _minutes(casework: Casework, world: World) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        for _ in range(_PASSES):
            await asyncio.to_thread(world.write, lambda _: "U")
            await casework._pass(world.now)

    return work


def _outage(casework: Casework, world: World) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        await asyncio.to_thread(world.write, lambda n: "D" if n % 20 == 1 else "U", 2)
        await casework._pass(world.now)

    return work


def _hour(casework: Casework, world: World) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        await asyncio.to_thread(world.write, lambda _: "U", 60 - world.at % 60)
        await casework._pass(world.now)

    return work


def made(folder: Path) -> World:
    """Return the world: its letters go two days back."""
    services = "".join(_client(n) for n in range(CLIENTS))
    config = folder / "uptimed.toml"
    config.write_text(f'[journal]\npath = "{folder}/uptimed.db"\n{services}', encoding="utf-8")
    settings = load(config).settings
    path = Path(settings.journal_path)
    with open_ledger(path) as ledger:
        enter_all(ledger, settings.clients[0], year_of_events())
    world = World(path, settings, Minute(_START - 2 * _DAY))
    world.write(lambda _: "U", 2 * _DAY)
    return world


def _client(number: int) -> str:
    made = f'[[clients]]\nid = "client{number}"\nname = "Client"\ncontract = "itil-native"\n'
    for n in range(SERVICES_EACH):
        made += (
            f'[[clients.services]]\nid = "crm{number * SERVICES_EACH + n}"\nname = "CRM"\n'
            'probes = [{ id = "front", role = "reach", kind = "http", '
            'url = "http://127.0.0.1:9/" }]\n'
        )
    return made


if __name__ == "__main__":
    main()
