"""Terms as text: what is pinned is read back exactly."""

import json
from dataclasses import replace
from datetime import UTC, date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptimed.core.holidays import HolidaySet, freeze
from uptimed.core.settings import Contract
from uptimed.core.support import (
    CalendarTerms,
    ClockKind,
    ClockTerms,
    Fault,
    Frozen,
    GoalTerms,
    Judged,
    PauseTerms,
    PlanTerms,
    SeverityTerms,
    Span,
    Start,
    SupportTerms,
    Unit,
)
from uptimed.core.terms import AttemptRule, ContractTerms, WeekHours
from uptimed.core.terms_text import contract_of, contract_text, digest, support_of, support_text

ZONES = [UTC, ZoneInfo("America/Bogota"), ZoneInfo("Europe/Madrid")]
texts = st.text(max_size=8)
some_texts = st.lists(texts, max_size=3).map(tuple)
kinds = st.lists(st.sampled_from(ClockKind), max_size=3).map(tuple)
days = st.dates(date(2020, 1, 1), date(2030, 12, 31))
windows = st.dictionaries(
    st.integers(0, 6), st.sampled_from([(), ((480, 720), (840, 1020)), ((0, 1440),)])
)
hours = st.builds(
    WeekHours,
    zone=st.sampled_from(ZONES),
    windows=windows,
    holidays=st.frozensets(days, max_size=4),
    extra_days=st.dictionaries(days, st.integers(0, 6), max_size=3),
)
spans = st.builds(
    Span,
    text=texts,
    unit=st.sampled_from(Unit),
    seconds=st.none() | st.integers(1),
    business_days=st.none() | st.integers(1, 9),
)
clocks = st.builds(
    ClockTerms,
    clock=st.sampled_from(ClockKind),
    target=st.none() | spans,
    agreed=st.booleans(),
    calendar=st.sampled_from(["24x7", "support"]),
    repeats=st.booleans(),
    judged=st.sampled_from(Judged),
    channel=texts,
    words=texts,
    starts=st.sampled_from(Start),
    ends=some_texts,
)
some_clocks = st.lists(clocks, max_size=2).map(tuple)
severities = st.builds(
    SeverityTerms,
    id=texts,
    name=texts,
    words=texts,
    letters=texts,
    proposed=st.booleans(),
    stages=some_texts,
    faults=st.lists(st.sampled_from(Fault), max_size=2).map(tuple),
    channels=some_texts,
    clocks=some_clocks,
)
frozen = st.builds(
    Frozen,
    version=texts,
    first_year=st.integers(2000, 2100),
    last_year=st.integers(2000, 2100),
    source=texts,
    approved_by=texts,
    approved_at=texts,
)
calendars = st.builds(
    CalendarTerms,
    version=texts,
    holidays=texts,
    hours=st.none() | hours,
    frozen=st.none() | frozen,
)
supports = st.builds(
    SupportTerms,
    calendar=calendars,
    severities=st.lists(severities, max_size=2).map(tuple),
    plans=st.lists(st.builds(PlanTerms, id=texts, name=texts, clocks=some_clocks), max_size=2).map(
        tuple
    ),
    goals=st.lists(
        st.builds(GoalTerms, percent=texts, percent_ppm=st.integers(), clocks=kinds, period=texts),
        max_size=2,
    ).map(tuple),
    pauses=st.lists(st.builds(PauseTerms, id=texts, words=texts, clocks=kinds), max_size=2).map(
        tuple
    ),
    official=some_texts,
    unofficial=some_texts,
    notes=st.dictionaries(texts, texts, max_size=2),
)
agreements = st.builds(
    ContractTerms,
    id=texts,
    version=texts,
    sha256=texts,
    zone_name=st.just("UTC"),
    zone=st.just(UTC),
    language=texts,
    target_ppm=st.integers(),
    target=texts,
    source=texts,
    name=texts,
    down=texts,
    promised=st.booleans(),
    attempt_rule=st.sampled_from(AttemptRule),
    min_consecutive=st.integers(1),
    min_coverage_ppm=st.integers(),
    min_coverage=texts,
    excludes=some_texts,
    maintenance_notice_us=st.none() | st.integers(0),
    maintenance_cap=st.none() | st.integers(0),
    hours=st.none() | hours,
    house=some_texts,
    canonical=texts,
).flatmap(
    lambda terms: st.sampled_from(ZONES).map(
        lambda zone: replace(terms, zone=zone, zone_name=str(zone))
    )
)


@pytest.mark.property
@given(supports)
def test_terms_of_support_survive_their_text(support: SupportTerms) -> None:
    text = support_text(support)

    assert support_of(text) == support
    assert support_text(support_of(text)) == text


@pytest.mark.property
@given(supports, supports)
def test_other_terms_of_support_have_another_text(one: SupportTerms, other: SupportTerms) -> None:
    assert (support_text(one) == support_text(other)) is (one == other)


@pytest.mark.property
@given(agreements, supports)
def test_a_whole_contract_survives_its_text(terms: ContractTerms, support: SupportTerms) -> None:
    contract = Contract(terms=terms, support=support)

    assert contract_of(contract_text(contract)) == contract


def test_a_text_from_before_a_key_was_known_has_its_default() -> None:
    clock = ClockTerms(clock=ClockKind.RESTORE)
    support = SupportTerms(severities=(SeverityTerms(id="high", clocks=(clock,)),))
    raw = json.loads(support_text(support))
    for key in ("starts", "ends"):
        del raw["severities"][0]["clocks"][0][key]
    del raw["severities"][0]["faults"]
    del raw["calendar"]["frozen"]

    assert support_of(json.dumps(raw)) == support


@pytest.mark.parametrize("text", ["", "[]", "{", '{"calendar":[]}'], ids=str)
def test_what_is_no_text_of_terms_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="terms"):
        support_of(text)


def test_the_digest_is_the_sha_256_of_the_text() -> None:
    assert digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_frozen_holidays_are_in_the_text() -> None:
    july = HolidaySet(
        id="CO", version="1", first_year=2026, last_year=2026, days={date(2026, 7, 13): "V"}
    )
    week = WeekHours(zone=UTC, windows={0: ((480, 1020),)})
    calendar = freeze(CalendarTerms(holidays="CO", hours=week), july)

    assert "2026-07-13" in support_text(SupportTerms(calendar=calendar))
