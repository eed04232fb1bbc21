"""In whatever order and how late looks of other vantages come: the letters are the same."""

import os

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.daemon.elsewhere import THREE, Elsewhere
from tests.daemon.stories import World, web
from tests.fakes import FakeClock, FakeShared
from uptimed.core.letters import letters_of
from uptimed.core.minutes import Minute

MINUTES = 24
FEWER = settings(
    max_examples=int(os.environ.get("STORIES", "12")),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
SCRIPTS = st.text(alphabet="UUUD-", min_size=MINUTES, max_size=MINUTES)
DELAYS = st.lists(st.sampled_from([0, 0, 0, 1, 3, 17, 40]), min_size=MINUTES, max_size=MINUTES)
EVENTS = st.lists(
    st.tuples(st.sampled_from(["kill", "away", "half", "broken"]), st.integers(1, 60)), max_size=4
)


@pytest.mark.property
@pytest.mark.timeout(120)
@FEWER
@given(SCRIPTS, st.tuples(SCRIPTS, SCRIPTS), st.tuples(DELAYS, DELAYS), EVENTS, st.integers(1, 3))
async def test_any_order_and_delay_gives_the_letters_of_all_at_once(
    local: str,
    scripts: tuple[str, str],
    delays: tuple[list[int], list[int]],
    events: list[tuple[str, int]],
    least: int,
) -> None:
    world = World(clock=FakeClock("2026-10-03 13:59:58"), shared=FakeShared())
    world.watch("crm", (web(), world.probe(local.replace("-", "?"))), vantages=THREE, least=least)
    others = [Elsewhere(world, place, script, 10) for place, script in zip(THREE[1:], scripts)]  # noqa: B905
    happens = {minute: what for what, minute in events}
    minute = 0
    while minute < 70:
        async with world.running(kill=True):
            while minute < 70:
                minute += 1
                await one_minute(world, others, delays, minute, happens.get(minute, ""))
                if happens.get(minute) == "kill":
                    break
    assert world.shared is not None
    world.shared.away, world.shared.half, world.shared.broken_after = "", False, None
    async with world.running():
        await world.clock.run_for(minutes=3)
        shown = world.shown()
    start, stop = world.first, Minute(world.first + MINUTES)
    known = [*world.journal.known.values()]
    for other in others:
        for index in range(MINUTES):
            assert all(look in known for look in other.looks(index))
    wanted = letters_of(known, world.services["crm"].watch, start, stop)
    assert world.journal.letters("crm", start, stop) == wanted
    assert shown.cut(start, stop) == wanted


async def one_minute(
    world: World,
    others: list[Elsewhere],
    delays: tuple[list[int], list[int]],
    minute: int,
    happens: str,
) -> None:
    """Let a minute pass, and share what is due in it."""
    assert world.shared is not None
    match happens:
        case "away":
            world.shared.away = "" if world.shared.away else "away"
        case "half":
            world.shared.half = not world.shared.half
        case "broken":
            world.shared.broken_after = None if world.shared.broken_after else 2
        case _:
            pass
    await world.clock.run_for(seconds=60)
    for other, late in zip(others, delays, strict=True):
        for index in range(min(MINUTES, minute)):
            if index + 1 + late[index] == minute:
                other.send_one(index)
