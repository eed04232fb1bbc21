"""One minute explained: the same steps as judging, and what lies over it."""

from dataclasses import replace

import pytest

from tests.core.drawing import (
    LOGIN,
    NOON,
    REACH,
    contract_terms,
    logins,
    no_answer,
    probe_terms,
    tried,
    watch_terms,
    watched,
)
from tests.fakes import FakeJournal
from tests.ledger.records import client, journal, recorded, service
from uptimed.core.letters import State
from uptimed.core.minutes import MINUTE, Minute
from uptimed.core.observations import Instant
from uptimed.core.strip import Strip
from uptimed.core.terms import ContractTerms, Maintenance, Role, WatchTerms
from uptimed.ledger.explaining import Explanation, explain
from uptimed.ports import BlindMinute, LifeEvent

LATER = Minute(NOON + 60)


def explained(
    reader: FakeJournal,
    terms: WatchTerms,
    at_minute: int = 0,
    *,
    contract: ContractTerms | None = None,
    maintenance: tuple[Maintenance, ...] = (),
    since: Minute | None = None,
) -> Explanation:
    """Return the explanation of a minute after noon."""
    crm = service(terms, maintenance=maintenance, since=since)
    acme = client(crm, contract=contract)
    return explain(reader, acme, crm, Minute(NOON + at_minute), LATER)


def window(start_s: int, stop_s: int, announced_h: int = -48) -> Maintenance:
    """Return a window in seconds after noon."""
    second = MINUTE // 60
    return Maintenance(
        start=Instant(NOON * MINUTE + start_s * second),
        end=Instant(NOON * MINUTE + stop_s * second),
        announced=Instant((NOON + announced_h * 60) * MINUTE),
        reason="upgrade",
    )


def test_a_minute_is_explained_from_its_attempts_to_its_letter() -> None:
    terms = watch_terms(REACH, LOGIN)
    attempts = [
        tried("f", 0, 5),
        tried("p", 0, 20, look=(0, 5)),
        tried("f", 0, 30, look=(0, 5)),
        tried("p", 0, 9, probe="login"),
    ]
    found = explained(journal(Strip(NOON, "D"), attempts=attempts, terms=terms), terms)
    assert (found.on_record, found.made_now, found.judgement.rule) == ("D", "D", "reach is down")
    assert found.judgement.groups[Role.LOGIN] is State.UP
    front = found.probes[0]
    assert (front.terms.id, front.merged.status) == ("front", "f")
    (held,) = front.held
    assert (held.vantage, held.status, held.minute) == ("here", "f", NOON)
    assert [a.outcome for a in held.attempts] == ["fail", "pass", "fail"]
    assert found.outage is not None
    assert found.outage.start == NOON


def test_a_look_that_holds_is_named_with_its_own_minute() -> None:
    terms = watch_terms(REACH, probe_terms(Role.LOGIN, interval=5, accounts=1))
    attempts = [*watched("ppppp"), *logins("1r", 1)]
    found = explained(journal(Strip(NOON, "uuuuu"), attempts=attempts, terms=terms), terms, 4)
    assert found.made_now == "u"
    assert [(h.status, h.minute) for h in found.probes[1].held] == [("r", NOON + 1)]


def test_a_vantage_without_a_look_says_so() -> None:
    terms = watch_terms(vantages=("a", "b"))
    reader = journal(Strip(NOON, "N"), attempts=[tried("p", vantage="a")], terms=terms)
    (front,) = explained(reader, terms).probes
    assert [(h.vantage, h.status, h.minute) for h in front.held] == [
        ("a", "p", NOON),
        ("b", "n", None),
    ]


def test_a_blind_minute_is_told_with_its_reason() -> None:
    reader = journal(Strip(NOON, "N"), attempts=[no_answer()])
    reader.blind_minutes = [BlindMinute(vantage="here", minute=NOON, reason="all targets failed")]
    found = explained(reader, watch_terms())
    assert found.made_now == "N"
    assert found.probes[0].held[0].blind == "all targets failed"


def test_the_terms_are_those_of_the_minute() -> None:
    before, after = watch_terms(probe_terms(interval=2)), watch_terms()
    records = [recorded(before, Minute(NOON - 9)), recorded(after, Minute(NOON + 5))]
    found = explained(journal(configs=records), after)
    assert (found.terms, found.terms_since) == (before, NOON - 9)
    assert explained(journal(), after).terms_since is None


@pytest.mark.parametrize(
    ("work", "excludes", "cap", "over", "reason"),
    [
        pytest.param(window(0, 60), ("maintenance",), None, "M", "upgrade", id="laid over"),
        pytest.param(
            window(0, 60), (), None, ".",
            "maintenance was announced, and the contract does not exclude it", id="not excluded",
        ),
        pytest.param(
            window(0, 60, announced_h=-1), ("maintenance",), None, ".",
            "maintenance was announced too late to be excluded", id="too late",
        ),
        pytest.param(
            window(0, 59), ("maintenance",), None, ".",
            "maintenance does not cover the whole minute, or the cap is used up", id="too short",
        ),
        pytest.param(
            window(0, 60), ("maintenance",), 0, ".",
            "maintenance does not cover the whole minute, or the cap is used up", id="capped",
        ),
        pytest.param(window(60, 120), ("maintenance",), None, ".", "", id="another minute"),
    ],
)  # fmt: skip
def test_what_lies_over_the_minute_has_a_reason(
    work: Maintenance, excludes: tuple[str, ...], cap: int | None, over: str, reason: str
) -> None:
    contract = contract_terms(excludes=excludes, notice_h=24, cap=cap)
    reader = journal(Strip(NOON, "D"))
    found = explained(reader, watch_terms(), contract=contract, maintenance=(work,))
    assert (found.overlay, found.overlay_reason) == (over, reason)
    assert (found.outage is None) is (over == "M")


def test_before_the_agreement_a_minute_is_out_of_scope() -> None:
    found = explained(journal(Strip(NOON, "D")), watch_terms(), since=Minute(NOON + 1))
    assert (found.overlay, found.overlay_reason) == ("X", "outside the agreement or its hours")


def test_what_happened_to_the_monitor_is_told() -> None:
    event = LifeEvent(
        at=Instant((NOON + 3) * MINUTE),
        kind="gap",
        vantage="here",
        start=Minute(NOON - 1),
        stop=Minute(NOON + 1),
    )
    reader = journal(Strip(NOON, "N"))
    reader.life_events = [event, replace(event, start=Minute(0), stop=Minute(0))]
    assert explained(reader, watch_terms()).life == (event,)
    assert len(explained(reader, watch_terms(), 3).life) == 2


def test_a_letter_that_the_looks_no_longer_give_stands_beside_what_they_give() -> None:
    reader = journal(Strip(NOON, "D"), attempts=watched("p"))
    found = explained(reader, watch_terms())
    assert (found.on_record, found.made_now) == ("D", "U")
