"""What is agreed with a client goes on record, and stays on it."""

import logging

import pytest

from tests.daemon.stories import World, web
from uptimed.core.minutes import Minute
from uptimed.ports import ContractRecord


def agreed(words: str) -> ContractRecord:
    return ContractRecord(client="acme", since=Minute(0), sha256=words, canonical=words)


@pytest.fixture
def world() -> World:
    made = World()
    made.agreed = (agreed("one"),)
    made.watch("crm", (web(), made.probe()))
    return made


def on_record(world: World) -> list[tuple[str, int]]:
    return [(each.sha256, each.since - world.first) for each in world.journal.contracts("acme")]


async def test_what_is_agreed_goes_on_record_when_the_daemon_begins(world: World) -> None:
    async with world.running():
        await world.clock.run_for(minutes=2)
    assert on_record(world) == [("one", 0)]


async def test_what_stays_the_same_is_recorded_once(world: World) -> None:
    for _ in range(2):
        async with world.running():
            await world.clock.run_for(minutes=2)
    assert on_record(world) == [("one", 0)]


async def test_a_reload_with_other_terms_adds_them_and_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with world.running():
        await world.clock.run_for(minutes=3)
        world.agreed = (agreed("two"),)
        await world.reload()
        await world.clock.run_for(minutes=3)
    (first, second) = on_record(world)
    assert (first, second[0]) == (("one", 0), "two")
    assert second[1] >= 3
    assert "what is agreed with acme changed: it counts from the next month on" in caplog.text


async def test_terms_that_changed_while_it_was_stopped_are_told_at_the_start(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with world.running():
        await world.clock.run_for(minutes=1)
    assert "what is agreed" not in caplog.text
    world.agreed = (agreed("two"),)
    async with world.running():
        await world.clock.run_for(minutes=1)
    assert "what is agreed with acme changed" in caplog.text
