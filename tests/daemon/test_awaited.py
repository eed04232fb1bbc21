"""Which looks of other vantages a minute waits for."""

import pytest

from tests.daemon.stories import login, terms, web
from uptimed.core.minutes import Minute, start_of
from uptimed.core.observations import Attempt, Instant, Outcome
from uptimed.core.targets import ProbeSettings
from uptimed.core.terms import AttemptRule
from uptimed.daemon.awaited import SILENT_AFTER, may_change
from uptimed.daemon.schedule import timetable

NOW = Minute(29_850_600)
TWO = ("local", "madrid")


def look(at: int, vantage: str, outcome: Outcome = Outcome.PASS, probe: str = "front") -> Attempt:
    start = Instant(start_of(Minute(at)) + 1)
    return Attempt(
        service="crm", probe=probe, vantage=vantage, at=start, look=start, outcome=outcome,
        cause="" if outcome is Outcome.PASS else "refused",
    )  # fmt: skip


def waits(probe: ProbeSettings, *looks: Attempt, at: int = NOW) -> bool:
    watch = terms("crm", [probe], AttemptRule.CONFIRMED, TWO, 2)
    return may_change(looks, watch, Minute(at), {}, own="local")


def test_a_look_that_came_is_not_waited_for() -> None:
    both = look(NOW, "local"), look(NOW, "madrid")
    assert not waits(web(), *both)


def test_a_look_that_has_not_come_is_waited_for() -> None:
    assert waits(web(), look(NOW, "local"), look(NOW - 1, "madrid"))


def test_our_own_look_is_not_waited_for_here() -> None:
    assert not waits(web(), look(NOW - 1, "local"), look(NOW, "madrid"))


@pytest.mark.parametrize(("ago", "wanted"), [(SILENT_AFTER + 1, True), (SILENT_AFTER + 2, False)])
def test_a_vantage_that_was_silent_for_long_is_not_waited_for(ago: int, wanted: bool) -> None:
    assert waits(web(), look(NOW, "local"), look(NOW - ago, "madrid")) is wanted


def test_a_vantage_never_heard_of_is_not_waited_for() -> None:
    assert not waits(web(), look(NOW, "local"))


def test_looks_of_minutes_to_come_say_nothing() -> None:
    assert not waits(web(), look(NOW, "local"), look(NOW + 1, "madrid"))


def test_one_that_looks_every_five_minutes_is_waited_for_in_its_minute_only() -> None:
    probe = web(interval=5)
    table = timetable("crm", "front", "madrid", interval=5)
    due = next(m for m in range(NOW, NOW + 5) if table.looks_in(Minute(m)))
    before = look(due - 5, "local"), look(due - 5, "madrid")
    assert not waits(probe, *before, at=due - 1)
    assert waits(probe, *before, look(due, "local"), at=due)


def test_after_a_look_that_failed_the_next_is_waited_for_every_minute() -> None:
    probe = web(interval=5)
    table = timetable("crm", "front", "madrid", interval=5)
    due = next(m for m in range(NOW, NOW + 5) if table.looks_in(Minute(m)))
    failed = look(due, "madrid", Outcome.FAIL)
    assert waits(probe, look(due, "local"), failed, at=due + 1)


def test_a_login_that_was_refused_is_looked_at_again_in_its_own_time() -> None:
    probe = login(interval=5)
    refused = look(NOW, "madrid", Outcome.REJECTED, probe="login")
    later = next(
        m for m in range(NOW + 1, NOW + 5)
        if not timetable("crm", "login", "madrid", interval=5).looks_in(Minute(m))
    )  # fmt: skip
    assert not waits(probe, look(NOW, "local", probe="login"), refused, at=later)
