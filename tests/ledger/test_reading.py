"""Reading letters: which terms apply, what is stale, what is judged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.drawing import NOON, logins, probe_terms, tried, watch_terms, watched
from tests.core.drawing import letters as drawn_letters
from tests.core.strategies import strips
from tests.ledger.records import journal, recorded, service
from uptimed.core.minutes import Minute, day_of
from uptimed.core.strip import Strip
from uptimed.core.terms import AttemptRule, Role
from uptimed.ledger.reading import (
    judged_until,
    lay,
    letters,
    settle,
    terms_in_force,
)
from uptimed.ports import BlindMinute, blind_by_vantage

PRESENT = watch_terms()
PATIENT = watch_terms(rule=AttemptRule.ALL)
STRICT = watch_terms(rule=AttemptRule.SINGLE)
CRM = service(PRESENT)


def after(minutes: int) -> Minute:
    """Return the minute so many minutes after noon."""
    return Minute(NOON + minutes)


@pytest.mark.parametrize(
    ("configs", "expected"),
    [
        pytest.param([], ["0-10 confirmed"], id="nothing is recorded: the present ones"),
        pytest.param([(PATIENT, -5)], ["0-10 all"], id="recorded before"),
        pytest.param([(PATIENT, 0)], ["0-10 all"], id="recorded at the first minute"),
        pytest.param([(PATIENT, 4)], ["0-4 confirmed", "4-10 all"], id="present ones until then"),
        pytest.param([(PATIENT, 10)], ["0-10 confirmed"], id="recorded afterwards"),
        pytest.param(
            [(PATIENT, -5), (STRICT, 3), (PRESENT, 7)],
            ["0-3 all", "3-7 single", "7-10 confirmed"],
            id="several",
        ),
        pytest.param(
            [(PATIENT, -9), (STRICT, -5)], ["0-10 single"], id="the latest of earlier ones"
        ),
        pytest.param([(PATIENT, 3), (STRICT, 30)], ["0-3 confirmed", "3-10 all"], id="one beyond"),
    ],
)
def test_the_terms_that_apply_are_those_recorded_for_the_minute(
    configs: list[tuple[object, int]], expected: list[str]
) -> None:
    records = [recorded(terms, after(since)) for terms, since in configs]  # type: ignore[arg-type]
    found = terms_in_force(journal(configs=records), CRM, NOON, after(10))
    assert [
        f"{part.start - NOON}-{part.stop - NOON} {part.terms.attempt_rule}" for part in found
    ] == expected
    assert all(part.sha256 == part.terms.digest() for part in found)


def test_no_minutes_have_no_terms() -> None:
    assert terms_in_force(journal(configs=[recorded(PATIENT, NOON)]), CRM, NOON, NOON) == ()


DISPUTED = [tried(c, n, 5 + 15 * i, look=(n, 5)) for n in range(6) for i, c in enumerate("fpf")]


def test_each_minute_is_settled_under_the_terms_of_its_time() -> None:
    records = [recorded(PATIENT, after(2)), recorded(STRICT, after(4))]
    found = settle(journal(attempts=DISPUTED, configs=records), CRM, NOON, after(6))
    assert [strip.letters for strip, _ in found] == ["DD", "UU", "DD"]
    assert [digest for _, digest in found] == [t.digest() for t in (PRESENT, PATIENT, STRICT)]


def test_settling_looks_back_for_looks_that_hold() -> None:
    slow = watch_terms(probe_terms(interval=5))
    found = settle(journal(attempts=[tried("f", -4)]), service(slow), NOON, after(2))
    assert [strip.letters for strip, _ in found] == ["DN"]


def test_settling_looks_back_for_passes_of_rejected_accounts() -> None:
    login = watch_terms(probe_terms(Role.LOGIN, interval=5, accounts=2))
    attempts = [*logins("1p 2p", -64), *logins("1r 2r", -4)]
    found = settle(journal(attempts=attempts), service(login), NOON, after(2))
    assert [strip.letters for strip, _ in found] == ["LN"]


def test_blind_minutes_are_taken_into_account() -> None:
    reader = journal(attempts=[tried("f", cause="connect_timeout")])
    reader.blind_minutes = [BlindMinute(vantage="here", minute=NOON, reason="all failed")]
    assert [strip.letters for strip, _ in settle(reader, CRM, NOON, after(1))] == ["N"]
    assert blind_by_vantage(reader.blind_minutes) == {"here": frozenset({NOON})}


def test_judging_twice_changes_nothing() -> None:
    attempts = watched("pppffnp")
    first = settle(journal(attempts=attempts), CRM, NOON, after(7))
    reader = journal(*(strip for strip, _ in first), attempts=attempts)
    assert settle(reader, CRM, NOON, after(7)) == first
    assert letters(reader, CRM, NOON, after(7)) == first[0][0]


def test_letters_on_record_are_read_as_they_are() -> None:
    reader = journal(Strip(NOON, "UDUU"))
    assert letters(reader, CRM, after(-1), after(5)) == Strip(after(-1), "NUDUUN")
    assert letters(reader, CRM, NOON, NOON) == Strip(NOON, "")


def test_an_unsealed_day_judged_under_other_terms_is_judged_again() -> None:
    reader = journal(Strip(NOON, "DDDDDD"), attempts=DISPUTED, terms=STRICT)
    assert letters(reader, service(PATIENT), NOON, after(6)).letters == "UUUUUU"


def test_only_what_was_asked_for_is_judged_again() -> None:
    reader = journal(Strip(NOON, "DDDDDD"), attempts=DISPUTED, terms=STRICT)
    assert letters(reader, service(PATIENT), after(2), after(4)) == Strip(after(2), "UU")


def test_a_sealed_day_is_read_as_it_was_sealed() -> None:
    reader = journal(Strip(NOON, "DDDDDD"), attempts=DISPUTED, terms=STRICT, sealed=[day_of(NOON)])
    assert letters(reader, service(PATIENT), NOON, after(6)).letters == "DDDDDD"


def test_a_day_judged_under_the_terms_of_its_time_is_not_judged_again() -> None:
    records = [recorded(STRICT, after(-60)), recorded(PATIENT, after(1440))]
    reader = journal(Strip(NOON, "DDLDDD"), attempts=DISPUTED, terms=STRICT, configs=records)
    assert letters(reader, service(PATIENT), NOON, after(6)).letters == "DDLDDD"


@pytest.mark.parametrize(
    ("known", "now", "expected"),
    [
        pytest.param(None, 10, 9, id="nothing on record: all but the minute before the present"),
        pytest.param(5, 10, 9, id="what has no letter by then was missed"),
        pytest.param(10, 10, 10, id="the minute before the present has a letter"),
        pytest.param(11, 10, 11, id="the present one has too"),
        pytest.param(99, 10, 11, id="nothing later is judged"),
    ],
)
def test_how_far_a_service_is_judged(known: int | None, now: int, expected: int) -> None:
    reader = journal() if known is None else journal(Strip(NOON, "U" * known))
    assert judged_until(reader, "crm", after(now)) == after(expected)


@pytest.mark.parametrize(
    ("under", "over", "expected"),
    [
        pytest.param((0, "UUUUU"), (1, "DD"), "UDDUU", id="inside"),
        pytest.param((0, "UUUUU"), (-1, "DDD"), "DDUUU", id="over the left edge"),
        pytest.param((0, "UUUUU"), (4, "DDD"), "UUUUD", id="over the right edge"),
        pytest.param((0, "UUU"), (-1, "DDDDD"), "DDD", id="over both"),
        pytest.param((0, "UUU"), (5, "DD"), "UUU", id="beside it"),
        pytest.param((0, "UUU"), (1, ""), "UUU", id="nothing"),
    ],
)
def test_laying_one_strip_on_another(
    under: tuple[int, str], over: tuple[int, str], expected: str
) -> None:
    found = lay(Strip(after(under[0]), under[1]), Strip(after(over[0]), over[1]))
    assert found == Strip(NOON, expected)


@pytest.mark.property
@given(strips, strips)
def test_laying_is_minute_by_minute(under: Strip, over: Strip) -> None:
    found = lay(under, over)
    assert (found.start, found.stop) == (under.start, under.stop)
    for m in range(under.start, under.stop):
        minute = Minute(m)
        expected = over if over.start <= m < over.stop else under
        assert found.at(minute) == expected.at(minute)
    assert lay(found, over) == found


@pytest.mark.property
@given(st.text("pfn.", max_size=30), st.integers(0, 30))
def test_a_stretch_settled_in_parts_is_the_stretch(drawn: str, cut: int) -> None:
    terms = watch_terms(probe_terms(interval=3))
    reader, crm = journal(attempts=watched(drawn)), service(terms)
    parts = [*settle(reader, crm, NOON, after(cut)), *settle(reader, crm, after(cut), after(30))]
    whole = "".join(strip.letters for strip, _ in parts)
    assert whole == drawn_letters(watched(drawn), terms, 30)
