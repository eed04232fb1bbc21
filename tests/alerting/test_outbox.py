"""What is told when: letters drawn, and what an Alertmanager hears of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerting.making import START, after, alert, alerts_of
from uptimed.alerting.outbox import LATE_US, Outbox
from uptimed.alerting.posting import HOLD_US, Posting
from uptimed.core.alerts import Alert
from uptimed.core.minutes import Minute
from uptimed.core.observations import SECOND, Instant

DOWN = "UptimedSystemDown"


def _of(postings: list[Posting], name: str = DOWN) -> list[tuple[bool, bool]]:
    """Return of each posting of *name* whether it is over, and whether it is late."""
    return [(p.resolved, bool(p.late)) for p in postings if p.alert.rule.name == name]


class _Life:
    """One run of a monitor, beside an Alertmanager that is there or not."""

    def __init__(self, cursor: Minute | None = None) -> None:
        self.outbox = Outbox(START)
        self.kept = cursor
        if cursor is not None:
            self.outbox.learn("crm", cursor)

    def at(
        self, now: Instant, alerts: tuple[Alert, ...], *, there: bool = True
    ) -> list[tuple[bool, bool]]:
        due = list(self.outbox.due(alerts, now))
        if there:
            self.kept = self.outbox.taken(due, now).get("crm", self.kept)
        return _of(due)

    def minute(self, letters: str, *, there: bool = True) -> list[tuple[bool, bool]]:
        """Let the monitor know *letters* and tell of them."""
        return self.at(after(len(letters)), alerts_of(letters), there=there)


FIRING, RESOLVED, LATE, LATE_RESOLVED = (False, False), (True, False), (False, True), (True, True)


def test_an_outage_is_told_at_once_each_minute_and_its_end_once() -> None:
    life = _Life()
    assert life.minute("UU") == []
    assert life.minute("UUDD") == [FIRING]
    assert life.at(after(4, 30), alerts_of("UUDD")) == []
    assert life.minute("UUDDD") == [FIRING]
    assert life.minute("UUDDDUU") == [RESOLVED]
    assert life.minute("UUDDDUUU") == []


def test_what_says_more_than_before_is_sent_again_at_once() -> None:
    life = _Life()
    (one,) = [a for a in alerts_of("UUDD") if a.rule.name == DOWN]
    more = replace(one, annotations={**one.annotations, "incident": "ACME-2026-0007"})
    assert life.at(after(4), (one,)) == [FIRING]
    assert life.at(after(4, 1), (more,), there=False) == [FIRING]
    assert life.at(after(4, 2), (more,)) == [FIRING]
    assert life.at(after(4, 3), (more,)) == []


def test_an_end_is_sent_until_it_was_taken() -> None:
    life = _Life()
    life.minute("UUDD")
    assert life.minute("UUDDUU", there=False) == [RESOLVED]
    assert life.minute("UUDDUU", there=False) == [RESOLVED]
    assert life.minute("UUDDUU") == [RESOLVED]
    assert life.minute("UUDDUU") == []


def test_an_alert_stands_for_a_quarter_of_an_hour_without_a_word() -> None:
    (posting,) = [p for p in _Life().outbox.due(alerts_of("UUDD"), after(4))
                  if p.alert.rule.name == DOWN]  # fmt: skip
    assert posting.ends_at == after(4) + HOLD_US == after(19)


def test_what_began_and_was_over_while_nobody_could_be_told_is_told_late_and_then_over() -> None:
    life = _Life()
    assert life.minute("UUDD", there=False) == [FIRING]
    assert life.minute("UUDDUU", there=False) == [LATE]
    assert life.minute("UUDDUUU") == [LATE]
    assert life.at(after(7, 30), alerts_of("UUDDUUU")) == []
    assert life.minute("UUDDUUUU") == [LATE]
    assert life.minute("UUDDUUUUU") == [LATE_RESOLVED]
    assert life.minute("UUDDUUUUUU") == []


def test_what_is_told_late_stands_longer_than_an_alertmanager_waits_for_company() -> None:
    assert LATE_US > 60 * SECOND


def test_a_monitor_that_was_killed_tells_what_it_could_not() -> None:
    before = _Life()
    before.minute("UU")
    again = _Life(before.kept)
    assert again.minute("UUDDDUU") == [LATE]
    assert again.minute("UUDDDUUUU") == [LATE_RESOLVED]


def test_a_monitor_that_was_killed_after_it_told_tells_only_the_end() -> None:
    before = _Life()
    before.minute("UUDD")
    again = _Life(before.kept)
    assert again.minute("UUDDDUU") == [RESOLVED]
    assert again.minute("UUDDDUUU") == []


def test_a_monitor_that_was_killed_after_it_told_the_end_tells_nothing() -> None:
    before = _Life()
    before.minute("UUDD")
    before.minute("UUDDUU")
    assert _Life(before.kept).minute("UUDDUUU") == []


def test_what_stands_is_told_by_every_run() -> None:
    before = _Life()
    before.minute("UUDD")
    assert _Life(before.kept).minute("UUDDD") == [FIRING]


def test_what_was_over_before_there_was_an_alertmanager_is_not_told() -> None:
    outbox = Outbox(Minute(START + 10))
    assert _of(list(outbox.due(alerts_of("UUDDUU UUUUUU"), after(12)))) == []


def test_two_outages_while_nobody_could_be_told_are_told_as_one() -> None:
    assert _Life().minute("UUDDUUUU DDUU") == [LATE]


def test_an_outage_that_comes_back_before_its_end_was_taken_just_stands() -> None:
    life = _Life()
    life.minute("UUDD")
    life.minute("UUDDUU", there=False)
    assert life.minute("UUDDUUDD") == [FIRING]
    assert life.minute("UUDDUUDDUU") == [RESOLVED]


def test_an_alert_that_is_gone_without_an_end_is_over_now() -> None:
    life = _Life()
    life.minute("UUDD")
    assert life.at(after(5), ()) == [RESOLVED]
    assert life.at(after(5, 1), ()) == []


def test_an_alert_that_is_gone_before_it_was_told_was_none() -> None:
    life = _Life()
    life.minute("UUDD", there=False)
    assert life.at(after(5), ()) == []


def test_what_is_of_the_present_is_told_while_it_stands_and_its_end_once() -> None:
    outbox, bug = Outbox(START), alert("UptimedBug")
    for now, alerts, wanted in (
        (after(1), (bug,), [FIRING]), (after(1, 30), (bug,), []), (after(2), (bug,), [FIRING]),
        (after(3), (), [RESOLVED]), (after(4), (), []),
    ):  # fmt: skip
        due = list(outbox.due(alerts, now))
        assert _of(due, "UptimedBug") == wanted
        outbox.taken(due, now)


def test_who_waits_is_known_until_it_was_told() -> None:
    outbox, alerts = Outbox(START), alerts_of("UUDD")
    due = outbox.due(alerts, after(4))
    assert set(outbox.waiting()) == {after(4)}
    outbox.taken(due, after(4, 1))
    assert outbox.waiting() == []
    outbox.due(alerts_of("UUDDUU"), after(6))
    assert outbox.waiting() != []


def test_pages_go_before_tickets_and_both_before_ends() -> None:
    outbox = Outbox(START)
    mixed = (*alerts_of("UUDDDD"), alert("UptimedBug"), alert("UptimedClockOff"))
    first = outbox.due(mixed, after(6))
    severities = [p.alert.rule.severity for p in first]
    assert severities == sorted(severities, key=["page", "notice", "ticket", "none"].index)


def test_a_clock_that_was_put_back_holds_nothing_up() -> None:
    life = _Life()
    life.minute("UUDD")
    assert life.at(after(-60), alerts_of("UUDD")) == [FIRING]


@pytest.mark.property
@given(
    letters=st.text("UUUD", min_size=4, max_size=60),
    away=st.sets(st.integers(0, 60)),
    kills=st.sets(st.integers(0, 60)),
)
def test_every_outage_is_told_once_and_ended_whatever_goes_away(
    letters: str, away: set[int], kills: set[int]
) -> None:
    """What an Alertmanager believes follows the letters, and nothing is begun twice."""
    life, firing, begun = _Life(), False, 0
    calm = letters + "U" * 10
    for length in range(1, len(calm) + 1):
        if length in kills:
            life = _Life(life.kept)
        there = length not in away or length > len(letters)
        for resolved, _ in life.minute(calm[:length], there=there) if there else ():
            begun += not resolved and not firing
            firing = not resolved
        if not there:
            life.minute(calm[:length], there=False)
    outages = sum(
        a.rule.name == DOWN and (a.ends_at is None)
        for length in range(1, len(calm) + 1)
        for a in alerts_of(calm[:length])
        if length == 1 or not any(b.rule.name == DOWN and b.ends_at is None
                                  for b in alerts_of(calm[: length - 1]))
    )  # fmt: skip
    assert not firing
    assert begun <= outages
    assert (begun > 0) is (outages > 0)
    if not away:
        assert begun == outages or kills


def _silenced(letters: str) -> tuple[Alert, ...]:
    return tuple(replace(a, silenced=a.rule.severity == "page") for a in alerts_of(letters))


def test_a_silenced_outage_is_told_to_nobody_and_not_late_either() -> None:
    life = _Life()
    assert life.at(after(4), _silenced("UUDD")) == []
    for minute in (6, 7, 60):  # an end that nobody knows the begin of is told to nobody
        told = life.at(after(minute), _silenced("UUDD" + "U" * (minute - 4)))
        assert set(told) <= {RESOLVED}
    assert life.outbox.waiting() == []


def test_an_outage_that_outlasts_its_silence_is_told_then() -> None:
    life = _Life()
    assert life.at(after(4), _silenced("UUDD")) == []
    assert life.minute("UUDDD") == [FIRING]


def test_of_an_outage_that_was_told_before_it_was_silenced_the_end_is_told() -> None:
    life = _Life()
    life.minute("UUDD")
    assert life.at(after(5), _silenced("UUDDD")) == [FIRING]
    assert life.at(after(7), _silenced("UUDDDUU")) == [RESOLVED]
