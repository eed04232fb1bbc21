"""What a statement says beside the figures: reasons, gaps, maintenance, vantages, changes."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.core.drawing import (
    FUNCTION,
    LOGIN,
    NOON,
    REACH,
    contract_terms,
    logins,
    minute,
    no_answer,
    probe_terms,
    tried,
    watch_terms,
    watched,
)
from tests.fakes import FakeJournal
from tests.ledger.records import client, journal, recorded, service
from uptimed.core.minutes import MINUTE, Minute
from uptimed.core.observations import Attempt, Cause, Instant
from uptimed.core.settings import Settings
from uptimed.core.statement import Gap, Party, ServiceStatement, Statement, TermsChange
from uptimed.core.strip import Strip
from uptimed.core.terms import ContractTerms, Maintenance, Role, WatchTerms
from uptimed.ledger.reading import settle
from uptimed.ledger.statement import difference, first_evidence, quantile, statement
from uptimed.ports import BlindMinute, LifeEvent

OCTOBER = minute("2026-10-01T00:00Z")
NOVEMBER = minute("2026-11-02T00:00Z")


def drawn_up(
    reader: FakeJournal,
    terms: WatchTerms,
    *,
    contract: ContractTerms | None = None,
    maintenance: tuple[Maintenance, ...] = (),
    now: Minute = NOVEMBER,
) -> Statement:
    """Return the statement of October 2026."""
    acme = client(service(terms, maintenance=maintenance), contract=contract)
    return statement(
        reader,
        Settings(journal_path="", vantage="here", clients=(acme,)),
        acme,
        (2026, 10),
        now=Instant(now * MINUTE),
        software="0.1.0",
        parties=(Party(name="ACME"), Party(name="us")),
    )


def looked_at(
    attempts: list[Attempt], terms: WatchTerms, length: int = 10, blind: tuple[int, ...] = ()
) -> FakeJournal:
    """Return a journal with *attempts* and the letters they give, from noon of 5 October on."""
    reader = journal(attempts=attempts, terms=terms)
    reader.blind_minutes = [
        BlindMinute(vantage="here", minute=Minute(NOON + n), reason="all targets failed")
        for n in blind
    ]
    settled = settle(reader, service(terms), NOON, Minute(NOON + length))
    reader.laid["crm"] = {
        m: letter for strip, _ in settled for m, letter in enumerate(strip.letters, strip.start)
    }
    reader.digests = {("crm", minute_day): terms.digest() for minute_day in _days()}
    return reader


def _days() -> list[date]:
    return [date(2026, 10, 5)]


def only(found: Statement) -> ServiceStatement:
    """Return the one service of a statement."""
    (one,) = found.services
    return one


def near_noon(found: Statement) -> list[str]:
    """Return the gaps that begin within ten minutes after noon, as `start-stop kind: reason`."""
    return [_gap(gap) for gap in only(found).gaps if NOON <= gap.start < NOON + 10]


def _gap(gap: Gap) -> str:
    stop = min(gap.stop - NOON, 99)
    return f"{gap.start - NOON}-{stop} {gap.kind}" + (f": {gap.reason}" if gap.reason else "")


def failing(probe: str, at_minute: int, detail: str, second: int = 10) -> Attempt:
    """Return an attempt that failed for *detail*."""
    return replace(tried("f", at_minute, second, probe=probe), detail=detail)


def test_an_outage_tells_what_the_first_failing_look_saw() -> None:
    attempts = [
        *watched("p"),
        failing("front", 1, "status 500, wanted 200"),
        failing("front", 2, "status 502, wanted 200"),
        tried("p", 3),
    ]
    (line,) = only(drawn_up(looked_at(attempts, watch_terms(), 4), watch_terms())).outages
    assert line.reason == "front: status 500, wanted 200"
    assert (line.minutes, line.minutes_total) == (2, 2)


ALL_THREE = watch_terms(REACH, LOGIN, FUNCTION)


@pytest.mark.parametrize(
    ("attempts", "reason"),
    [
        pytest.param(
            [failing("function", 0, "too slow", 2), failing("login", 0, "no session", 4),
             failing("front", 0, "refused", 50)],
            "front: refused", id="the system is down: what reach saw",
        ),
        pytest.param(
            [failing("function", 0, "too slow", 2), tried("p", 0, 3),
             failing("login", 0, "no session", 40)],
            "login: no session", id="nobody logs in: what the login saw",
        ),
        pytest.param(
            [failing("front", 0, "reset", 2), tried("p", 0, 20, look=(0, 2)),
             failing("login", 0, "no session", 40)],
            "login: no session", id="a doubt that was cleared is no reason",
        ),
    ],
)  # fmt: skip
def test_the_reason_is_of_the_probe_that_decided(attempts: list[Attempt], reason: str) -> None:
    reader = looked_at(attempts, ALL_THREE, 1)
    (line,) = only(drawn_up(reader, ALL_THREE)).outages
    assert line.reason == reason


def test_a_degraded_outage_tells_of_the_function() -> None:
    attempts = [tried("p"), tried("p", probe="login"), failing("function", 0, "status 500", 50)]
    reader = looked_at(attempts, ALL_THREE, 1)
    contract = contract_terms(down="DLG")
    (line,) = only(drawn_up(reader, ALL_THREE, contract=contract)).outages
    assert line.reason == "function: status 500"


def test_every_account_rejected_is_a_reason() -> None:
    terms = watch_terms(REACH, probe_terms(Role.LOGIN, interval=5, accounts=2))
    rejected = [replace(a, detail="wrong password") for a in logins("1r 2r", 2)]
    attempts = [*watched("pppp"), *logins("1p 2p", -3), *rejected]
    (line,) = only(drawn_up(looked_at(attempts, terms, 4), terms)).outages
    assert line.reason == "login: every account rejected, each passed within the hour"


def test_a_look_that_holds_into_the_outage_is_its_reason() -> None:
    terms = watch_terms(REACH, probe_terms(Role.LOGIN, interval=5))
    window = Maintenance(
        start=Instant(NOON * MINUTE), end=Instant((NOON + 2) * MINUTE), announced=Instant(0)
    )
    attempts = [*watched("pppp"), failing("login", 0, "status 500")]
    contract = contract_terms(excludes=("maintenance",))
    reader = looked_at(attempts, terms, 4)
    found = drawn_up(reader, terms, contract=contract, maintenance=(window,))
    (line,) = only(found).outages
    assert (line.outage.start, line.reason) == (NOON + 2, "login: status 500")


def test_a_newer_look_takes_the_place_of_the_evidence_that_held() -> None:
    terms = watch_terms(probe_terms(interval=5), probe_terms(id="back", interval=5))
    attempts = [
        failing("back", 0, "an old fail"),
        tried("p", 2, probe="back"),
        failing("front", 3, "the fail that counts"),
    ]
    reader = looked_at(attempts, terms, 6)
    outage = only(drawn_up(reader, terms)).outages[-1].outage
    moved = replace(outage, start=Minute(NOON + 4))
    assert first_evidence(reader, service(terms), moved).reason == "front: the fail that counts"


def test_an_outage_without_looks_has_no_reason() -> None:
    reader = journal(Strip(NOON, "UDU"))
    (line,) = only(drawn_up(reader, watch_terms())).outages
    assert line.reason == ""


def test_minutes_without_a_look_are_one_gap() -> None:
    found = drawn_up(journal(Strip(NOON, "UUNNU")), watch_terms())
    assert near_noon(found) == ["2-4 no_look", "5-99 no_look"]
    assert sum(gap.minutes for gap in only(found).gaps) == only(found).figures.not_measured


def test_a_gap_tells_what_the_attempt_saw() -> None:
    attempts = [
        *watched("p"),
        tried("n", 1, cause=Cause.LOCAL_DNS, detail="no resolver answers"),
        tried("n", 2, cause=Cause.LOOP_LAG, detail="3 s late"),
        *[replace(a, at=Instant(a.at + 3 * MINUTE), look=Instant(a.look + 3 * MINUTE))
          for a in watched("ppppppp")],
    ]  # fmt: skip
    found = drawn_up(looked_at(attempts, watch_terms()), watch_terms())
    assert near_noon(found) == [
        "1-2 local_dns: no resolver answers",
        "2-3 loop_lag: 3 s late",
    ]


def test_an_unmeasured_look_explains_every_minute_that_it_holds() -> None:
    terms = watch_terms(probe_terms(interval=5))
    attempts = [tried("n", 0, cause=Cause.LOCAL_DNS, detail="gone"), tried("p", 5)]
    assert near_noon(drawn_up(looked_at(attempts, terms), terms)) == ["0-5 local_dns: gone"]


def test_a_gap_tells_what_happened_to_the_monitor() -> None:
    reader = journal(Strip(NOON, "UNNNU" + "U" * 5))
    reader.life_events = [
        LifeEvent(
            at=Instant((NOON + 4) * MINUTE),
            kind="suspended",
            vantage="here",
            detail="3 minutes",
            start=Minute(NOON + 1),
            stop=Minute(NOON + 4),
        )
    ]
    assert near_noon(drawn_up(reader, watch_terms())) == ["1-4 suspended: 3 minutes"]


def test_looks_that_failed_in_a_blind_minute_are_told_as_such() -> None:
    attempts = [no_answer(at_minute=0), *watched(".ppppppppp")]
    reader = looked_at(attempts, watch_terms(), blind=(0,))
    assert near_noon(drawn_up(reader, watch_terms())) == ["0-1 local_network: all targets failed"]


def test_looks_that_too_few_vantages_made_are_undecided() -> None:
    terms = watch_terms(vantages=("a", "b", "c"))
    attempts = [
        tried("f", vantage="a"),
        *(a for v in "ab" for a in watched(".ppppppppp", vantage=v)),
    ]
    assert near_noon(drawn_up(looked_at(attempts, terms), terms)) == [
        "0-1 undecided: looks failed, and too few of them to tell"
    ]


def test_looks_that_passed_from_too_few_vantages_are_told_as_such() -> None:
    terms = watch_terms(vantages=("a", "b", "c"))
    attempts = [
        *watched("pppppppppp", vantage="a"),
        *watched("..pppppppp", vantage="b"),
    ]
    assert near_noon(drawn_up(looked_at(attempts, terms), terms)) == [
        "0-2 few_vantages: fewer than 2 vantages measured"
    ]


def test_a_gap_under_maintenance_costs_nothing() -> None:
    window = Maintenance(
        start=Instant(NOON * MINUTE), end=Instant((NOON + 2) * MINUTE), announced=Instant(0)
    )
    reader = journal(Strip(NOON, "NNNU" + "U" * 6))
    contract = contract_terms(excludes=("maintenance",))
    found = drawn_up(reader, watch_terms(), contract=contract, maintenance=(window,))
    # The month before it was not looked at either: the gap begins at the month's first minute.
    gap = next(gap for gap in only(found).gaps if gap.stop == NOON + 3)
    assert (gap.start, gap.minutes) == (OCTOBER, NOON - OCTOBER + 1)


@pytest.mark.parametrize(
    ("excludes", "announced_h", "counted", "admitted", "why_not"),
    [
        pytest.param(("maintenance",), -48, 60, True, "", id="admitted"),
        pytest.param(("maintenance",), -1, 0, False, "late_notice", id="announced too late"),
        pytest.param((), -48, 0, False, "not_excluded", id="not excluded"),
    ],
)
def test_every_window_of_maintenance_is_listed(
    excludes: tuple[str, ...], announced_h: int, counted: int, admitted: bool, why_not: str
) -> None:
    window = Maintenance(
        start=Instant(NOON * MINUTE),
        end=Instant((NOON + 60) * MINUTE),
        announced=Instant((NOON + announced_h * 60) * MINUTE),
    )
    elsewhere = replace(window, start=Instant(0), end=Instant(MINUTE))
    contract = contract_terms(excludes=excludes, notice_h=24)
    found = drawn_up(
        journal(Strip(NOON, "U")), watch_terms(), contract=contract,
        maintenance=(window, elsewhere),
    )  # fmt: skip
    (line,) = only(found).maintenance
    assert (line.counted, line.admitted, line.why_not) == (counted, admitted, why_not)


def test_each_vantage_has_its_own_coverage_and_dissent() -> None:
    terms = watch_terms(vantages=("a", "b", "c"))
    attempts = [
        *watched("ppppf", vantage="a"),
        *watched("pppf.", vantage="b"),
        *watched("pfppp", vantage="c"),
    ]
    found = only(drawn_up(looked_at(attempts, terms, 5), terms)).vantages
    assert [(line.name, line.minutes, line.dissent) for line in found] == [
        ("a", 5, 0),
        ("b", 4, 1),
        ("c", 5, 1),
    ]


def test_what_a_vantage_holds_is_what_it_was_judged_by() -> None:
    terms = watch_terms(probe_terms(interval=5), vantages=("a", "b"))
    reader = looked_at([replace(no_answer(), vantage="a")], terms, 5)
    reader.blind_minutes = [BlindMinute(vantage="a", minute=NOON, reason="all failed")]
    reader.config_records = [
        recorded(terms, Minute(NOON - 60)),
        recorded(terms, Minute(NOON + 2)),
    ]
    found = only(drawn_up(reader, terms)).vantages
    assert [line.minutes for line in found] == [0, 0]


def test_one_vantage_needs_no_lines() -> None:
    assert only(drawn_up(journal(Strip(NOON, "U")), watch_terms())).vantages == ()


def told(change: TermsChange) -> tuple[str, ...]:
    return tuple(map(str, change.changed))


def test_a_change_of_what_is_watched_is_told() -> None:
    before = watch_terms(REACH, probe_terms(id="old"))
    after = watch_terms(replace(REACH, interval=5), probe_terms(id="new"), vantages=("a", "b"))
    found = difference(before, after, NOON)
    assert (found.added, found.removed) == (("new",), ("old",))
    assert told(found) == (
        "front: interval 1 -> 5",
        "vantages: here -> a, b",
        "min_vantages: 1 -> 2",
    )


def test_only_changes_within_the_month_are_told() -> None:
    records = [
        recorded(watch_terms(), Minute(OCTOBER - 600)),
        recorded(watch_terms(probe_terms(interval=2)), Minute(OCTOBER + 600)),
        recorded(watch_terms(probe_terms(interval=3)), Minute(NOVEMBER + 600)),
    ]
    found = drawn_up(journal(Strip(NOON, "U"), configs=records), watch_terms())
    assert [told(change) for change in only(found).changes] == [("front: interval 1 -> 2",)]


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        pytest.param([7], 50, 7, id="one value"),
        pytest.param([1, 2], 50, 1, id="the lower of two"),
        pytest.param([1, 2, 3], 50, 2, id="the middle"),
        pytest.param(list(range(1, 101)), 95, 95, id="the ninety-fifth of a hundred"),
        pytest.param([1, 2, 3], 95, 3, id="the last of few"),
        pytest.param([1, 2, 3], 0, 1, id="the first"),
        pytest.param([1, 2, 3], 100, 3, id="the last"),
    ],
)
def test_quantiles_are_values_that_occurred(values: list[int], percent: int, expected: int) -> None:
    assert quantile(values, percent) == expected


def test_response_times_are_of_passing_looks_by_local_day() -> None:
    attempts = [
        tried("p", 0, took_ms=100),
        tried("p", 1, took_ms=300),
        tried("f", 2, took_ms=10_000),
        tried("p", 1440, took_ms=50),
    ]
    (probe,) = only(drawn_up(journal(Strip(NOON, "U"), attempts=attempts), watch_terms())).probes
    assert [(day.day.day, day.looks, day.median_us, day.max_us) for day in probe.days] == [
        (5, 2, 100_000, 300_000),
        (6, 1, 50_000, 50_000),
    ]
    assert probe.p95_us == 300_000


def test_a_finished_month_is_the_same_paper_whenever_it_is_drawn_up() -> None:
    reader = journal(Strip(NOON, "UDU"))
    first = drawn_up(reader, watch_terms())
    assert drawn_up(reader, watch_terms(), now=Minute(NOVEMBER + 60)) == first
    assert first.period.complete
    assert first.as_of == minute("2026-11-01T00:00Z") * MINUTE


def test_the_head_of_the_chain_is_told() -> None:
    reader = journal(Strip(NOON, "U"), sealed=[date(2026, 10, 5), date(2026, 10, 6)])
    (head,) = drawn_up(reader, watch_terms()).chain
    assert (head.first_day, head.last_day) == (date(2026, 10, 5), date(2026, 10, 6))


def test_an_outage_that_began_before_the_month_has_its_reason_from_there() -> None:
    first = OCTOBER - NOON - 2
    attempts = [replace(tried("f", first), detail="status 500"), tried("f", first + 2)]
    reader = journal(Strip(Minute(OCTOBER - 3), "UDDDU"), attempts=attempts)
    (line,) = only(drawn_up(reader, watch_terms())).outages
    assert (line.minutes, line.minutes_total, line.reason) == (1, 3, "front: status 500")


def test_rule_and_need_are_told_when_they_change() -> None:
    before = watch_terms(REACH, probe_terms(id="back"))
    after = replace(before, need={Role.REACH: 1})
    assert told(difference(before, after, NOON)) == ("need: reach=2 -> reach=1",)


def test_that_more_is_recorded_than_before_is_no_change() -> None:
    known = replace(REACH, target="https://crm.example/", manner="0f")
    records = [
        recorded(watch_terms(), Minute(OCTOBER - 600)),
        recorded(watch_terms(known), Minute(OCTOBER + 600)),
    ]
    found = drawn_up(journal(Strip(NOON, "U"), configs=records), watch_terms(known))
    assert only(found).changes == ()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(
            {"target": "https://a", "manner": "1"}, {"target": "https://b", "manner": "1"},
            ("front: target https://a -> https://b",), id="it looks elsewhere",
        ),
        pytest.param(
            {"target": "https://a", "manner": "1"}, {"target": "https://a", "manner": "2"},
            ("front: settings",), id="it asks or wants otherwise",
        ),
        pytest.param(
            {"target": "https://a", "manner": "1"}, {"target": "https://b", "manner": "2"},
            ("front: target https://a -> https://b", "front: settings"), id="both",
        ),
        pytest.param(
            {}, {"target": "https://a", "manner": "1"}, (), id="it was not recorded before",
        ),
    ],
)  # fmt: skip
def test_a_probe_that_is_pointed_elsewhere_is_told(
    before: dict[str, Any], after: dict[str, Any], expected: tuple[str, ...]
) -> None:
    old, new = (watch_terms(replace(REACH, **told)) for told in (before, after))
    assert told(difference(old, new, NOON)) == expected
