"""Whatever happens to the daemon: what holds of the record afterwards."""

import asyncio
import os
from collections.abc import Sequence

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.daemon.stories import World, web
from tests.fakes import FakeJournal
from uptimed.core.letters import letters_of, lookback
from uptimed.core.minutes import Minute, minute_of
from uptimed.core.terms import watch_terms_of

EVENTS = st.lists(
    st.tuples(
        st.sampled_from([
            "live", "live", "live", "step", "suspend", "stall", "store", "references", "kill",
            "stop", "reload",
        ]),
        st.integers(1, 400),
    ),
    min_size=1, max_size=12,
)  # fmt: skip
FEWER = settings(  # a story takes a while, and so does looking for the shortest that fails
    max_examples=int(os.environ.get("STORIES", "12")),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
SCRIPTS = st.text(alphabet="UUUUD5!?0", min_size=1, max_size=40)


async def tell(world: World, events: Sequence[tuple[str, int]]) -> None:
    """Live through *events*, and then for some minutes in which all is well.

    Terms do not change in a story whose clock is put back: a kill in the middle of the minutes
    that are lived again would leave letters of the old terms behind.
    """
    back = any(what == "step" and seconds < 200 for what, seconds in events)
    left = [(what, seconds) for what, seconds in events if what != "reload" or not back]
    while left:
        killed = False
        async with world.running(kill=True):
            while left and not killed:
                what, seconds = left.pop(0)
                killed = what == "kill"
                if what == "stop":
                    break
                await happen(world, what, seconds)
            if not killed:
                await world.clock.run_for(seconds=1)  # a kill right after a write loses nothing
        world.clock.stall(7)
    world.journal.broken = ""
    world.references.up = True
    async with world.running():
        await world.clock.run_for(minutes=3)


async def happen(world: World, what: str, seconds: int) -> None:
    match what:
        case "step":
            world.clock.step((seconds - 200) / 2)
        case "suspend":
            world.clock.suspend(seconds)
        case "stall":
            world.clock.stall(seconds / 20)
        case "store":
            world.journal.broken = "" if world.journal.broken else "full"
        case "references":
            world.references.up = not world.references.up
        case "reload":
            extra = () if len(world.services["crm"].probes) > 1 else ((web("x"), world.probe()),)
            first = world.services["crm"].probes[0]
            world.watch("crm", (first.settings, first.probe), *extra)  # type: ignore[arg-type]
            await world.reload()
        case _:
            pass
    await world.clock.run_for(seconds=seconds)


def replayed(journal: FakeJournal, service: str, span: range) -> str:
    """Return the letters that the looks on record give under the terms on record."""
    records = journal.configs(service)
    found = ""
    for m in span:
        current = next((c for c in reversed(records) if c.since <= m), records[0])
        terms = watch_terms_of(current.canonical)
        minute, after = Minute(m), Minute(m + 1)
        attempts = journal.attempts(service, Minute(m - lookback(terms)), after)
        found += letters_of(attempts, terms, minute, after).letters
    return found


@pytest.mark.property
@FEWER
@given(EVENTS, SCRIPTS, st.sampled_from([1, 1, 3]))
def test_letters_on_record_are_what_the_looks_on_record_give(
    events: list[tuple[str, int]], script: str, interval: int
) -> None:
    world = World()
    probe = world.probe(script)
    world.watch("crm", (web(interval=interval), probe))
    asyncio.run(tell(world, events))
    span = world.journal.span("crm")
    assert span is not None
    record = world.journal.letters("crm", Minute(span.start), Minute(span.stop)).letters
    assert record == replayed(world.journal, "crm", span)


@pytest.mark.property
@FEWER
@given(EVENTS, st.text(alphabet="UU!", min_size=1, max_size=40))
def test_none_of_our_faults_is_ever_downtime(events: list[tuple[str, int]], script: str) -> None:
    world = World()
    world.watch("crm", (web(), world.probe(script)))
    asyncio.run(tell(world, events))
    assert set(world.journal.laid["crm"].values()) <= {"U", "N"}
    assert world.ears.heard == []


@pytest.mark.property
@FEWER
@given(EVENTS, SCRIPTS)
def test_no_minute_has_two_looks_on_record(events: list[tuple[str, int]], script: str) -> None:
    world = World()
    world.watch("crm", (web(), world.probe(script)))
    asyncio.run(tell(world, events))
    looks = {a.look for a in world.journal.known.values() if a.probe == "front"}
    assert len({minute_of(look) for look in looks}) == len(looks)
