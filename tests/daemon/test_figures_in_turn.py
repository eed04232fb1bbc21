"""The month's figures are worked out beside the looks, which do not wait for them."""

import asyncio
from dataclasses import replace

from tests.daemon.stories import World, web
from tests.fakes import settle
from uptimed.core.figures import Figures
from uptimed.core.minutes import Minute
from uptimed.core.observations import SECOND, Instant
from uptimed.daemon.run import Daemon


async def test_after_figures_nothing_is_asked_for_49_times_as_long() -> None:
    world = World()
    for service in ("a", "b"):
        world.watch(service, (web(), world.probe()))
    began = world.clock.monotonic()
    asked: list[tuple[str, int]] = []

    async def figures(service: str, _at: Instant) -> Figures | None:
        asked.append((service, (world.clock.monotonic() - began) // SECOND))
        world.clock.stall(0.2)
        return None

    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(Daemon(replace(world.parts(), month_figures=figures)).run(stop))
        await settle()
        await world.clock.run_for(seconds=15)
        stop.set()

    (first, at), (second, later) = asked[:2]
    assert (first, second, later - at) == ("a", "b", 10)


async def test_the_page_of_an_outage_has_figures_with_the_minutes_that_confirmed_it() -> None:
    world = World()
    world.watch("crm", (web(), world.probe("UUDDDUUU")))
    known: list[int] = []

    async def figures(service: str, _at: Instant) -> Figures | None:
        stop = Minute(world.first + 4)
        known.append(world.journal.letters(service, world.first, stop).letters.count("D"))
        return None

    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(Daemon(replace(world.parts(), month_figures=figures)).run(stop))
        await settle()
        while not world.ears.heard:
            await world.clock.run_for(seconds=1)
        await world.clock.run_for(seconds=1)
        stop.set()

    assert known[-1] == 2
