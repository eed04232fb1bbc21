"""The month's figures: the parts, the percentages, the verdict."""

from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.core.drawing import NOON, contract_terms, strip
from tests.core.strategies import covered
from uptimed.core.figures import Figures, Verdict, figures
from uptimed.core.minutes import Minute
from uptimed.core.outages import outages
from uptimed.core.strip import Strip
from uptimed.core.terms import ContractTerms

CONTRACT = contract_terms()


def of(
    letters: str,
    overlay: str = "",
    *,
    contract: ContractTerms = CONTRACT,
    has_login: bool = True,
    ahead: int = 0,
) -> Figures:
    """Return the figures of a month that is drawn as letters."""
    seen, over = strip(letters), overlay or "." * len(letters)
    found = outages(seen, over, down=contract.down, min_consecutive=contract.min_consecutive)
    return figures(seen, over, found, contract, has_login=has_login, ahead=ahead)


def month(
    scope: int, down: int = 0, unmeasured: int = 0, unverified: int = 0, maintenance: int = 0
) -> Figures:
    """Return the figures of a month of so many minutes of each kind."""
    plain = scope - down - unmeasured - unverified
    letters = "U" * plain + "D" * down + "N" * unmeasured + "u" * unverified + "D" * maintenance
    return of(letters, "." * scope + "M" * maintenance)


def printed(ppm: int | None) -> str | None:
    """Return parts per million as the percentage that is printed."""
    return None if ppm is None else f"{ppm // 10_000}.{ppm % 10_000:04d}"


@pytest.mark.parametrize(
    ("scope", "down", "unmeasured", "availability", "low", "verdict"),
    [
        pytest.param(43_200, 17, 0, "99.9606", "99.9606", "met", id="30 days, 17 down"),
        pytest.param(43_200, 18, 0, "99.9583", "99.9583", "breached", id="30 days, 18 down"),
        pytest.param(40_320, 16, 0, "99.9603", "99.9603", "met", id="28 days, 16 down"),
        pytest.param(40_320, 17, 0, "99.9578", "99.9578", "breached", id="28 days, 17 down"),
        pytest.param(41_760, 16, 0, "99.9616", "99.9616", "met", id="29 days, 16 down"),
        pytest.param(41_760, 17, 0, "99.9592", "99.9592", "breached", id="29 days, 17 down"),
        pytest.param(44_640, 17, 0, "99.9619", "99.9619", "met", id="31 days, 17 down"),
        pytest.param(44_640, 18, 0, "99.9596", "99.9596", "breached", id="31 days, 18 down"),
        pytest.param(42_500, 17, 0, "99.9600", "99.9600", "met", id="exactly the target"),
        pytest.param(42_499, 17, 0, "99.9599", "99.9599", "breached", id="one minute less"),
        pytest.param(44_640, 7, 10, "99.9843", "99.9619", "met", id="met whatever was missed"),
        pytest.param(44_640, 8, 10, "99.9820", "99.9596", "met_uncertain", id="met, perhaps"),
        pytest.param(44_640, 300, 400, "99.3218", "98.4318", "breached", id="breached anyway"),
        pytest.param(44_640, 0, 30, "100.0000", "99.9327", "met_uncertain", id="nothing seen"),
        pytest.param(43_200, 0, 43_200, None, None, "not_measured", id="nothing measured"),
        pytest.param(43_200, 1, 0, "99.9976", "99.9976", "met", id="one minute is not 100 %"),
    ],
)
def test_the_month(
    scope: int, down: int, unmeasured: int, availability: str, low: str, verdict: str
) -> None:
    found = month(scope, down, unmeasured)
    assert (found.scope, found.down, found.not_measured) == (scope, down, unmeasured)
    assert printed(found.availability_ppm) == availability
    assert printed(found.low_ppm) == low
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("maintenance", "verdict"),
    [
        pytest.param(700, "met", id="700 minutes of maintenance leave equality"),
        pytest.param(701, "breached", id="701 do not"),
    ],
)
def test_maintenance_leaves_the_denominator(maintenance: int, verdict: str) -> None:
    found = month(43_200 - maintenance, 17, maintenance=maintenance)
    assert (found.total, found.maintenance) == (43_200, maintenance)
    assert found.verdict == verdict


def test_the_high_bound_takes_unmeasured_minutes_as_up() -> None:
    assert printed(month(44_640, 300, 400).high_ppm) == "99.3279"


def test_unverified_minutes_are_insufficient_data() -> None:
    found = month(44_640, unverified=600)
    assert printed(found.availability_ppm) == "100.0000"
    assert printed(found.low_ppm) == "98.6559"
    assert printed(found.coverage_ppm) == "100.0000"
    assert printed(found.login_coverage_ppm) == "98.6559"
    assert found.verdict is Verdict.INSUFFICIENT_DATA
    assert not found.verdict.proven


@pytest.mark.parametrize(
    ("verdict", "proven"),
    [(v, v in {"not_measured", "breached", "met"}) for v in Verdict],
    ids=list(Verdict),
)
def test_which_verdicts_are_proven(verdict: Verdict, proven: bool) -> None:
    assert verdict.proven is proven


@pytest.mark.parametrize(
    ("measured", "allowed"),
    [
        pytest.param(40_320, 16, id="28 days"),
        pytest.param(41_760, 16, id="29 days"),
        pytest.param(43_200, 17, id="30 days"),
        pytest.param(44_640, 17, id="31 days"),
        pytest.param(45_000, 18, id="where floats say 17"),
        pytest.param(44_580, 17, id="Madrid in March"),
        pytest.param(44_700, 17, id="Madrid in October"),
        pytest.param(2_499, 0, id="less than one minute"),
        pytest.param(2_500, 1, id="exactly one minute"),
    ],
)
def test_how_many_minutes_may_be_down(measured: int, allowed: int) -> None:
    assert month(measured).allowed == allowed
    assert month(measured, down=allowed).verdict is Verdict.MET
    assert month(measured, down=allowed + 1).verdict is Verdict.BREACHED


def test_floats_would_lose_a_minute_of_45_000() -> None:
    assert int(45_000 * (1 - 0.9996)) == 17
    assert month(45_000).allowed == 18


def test_unmeasured_minutes_are_not_allowed_down() -> None:
    assert month(43_200, unmeasured=43_200 - 42_499).allowed == 16


def test_remaining_may_be_negative() -> None:
    found = month(43_200, 20)
    assert (found.allowed, found.down, found.remaining) == (17, 20, -3)


@pytest.mark.parametrize(
    ("unmeasured", "verdict"),
    [
        pytest.param(43, "met_uncertain", id="coverage just above the minimum"),
        pytest.param(44, "insufficient_data", id="and just below"),
    ],
)
def test_coverage_under_the_minimum_is_insufficient(unmeasured: int, verdict: str) -> None:
    assert month(43_200, 0, unmeasured).verdict == verdict


@pytest.mark.parametrize(
    ("target", "down", "unmeasured", "min_coverage", "verdict"),
    [
        pytest.param("99.96", 16, 10, "99.9", "met_uncertain", id="the figure is above"),
        pytest.param("99.96", 17, 10, "99.9", "breached_uncertain", id="the figure is below"),
        pytest.param("99.96", 17, 10, "99.99", "insufficient_data", id="too little was seen"),
        pytest.param("99.96", 18, 10, "99.99", "breached", id="a breach needs no coverage"),
        pytest.param("99.9", 17, 10, "99.99", "met", id="nor does a promise that is kept"),
        pytest.param("100", 0, 0, "99.9", "met", id="a target of 100 %"),
        pytest.param("100", 1, 0, "99.9", "breached", id="a target of 100 % and one minute"),
    ],
)
def test_the_first_rule_that_applies_decides(
    target: str, down: int, unmeasured: int, min_coverage: str, verdict: str
) -> None:
    contract = contract_terms(target=target, min_coverage=min_coverage)
    letters = "U" * (42_500 - down - unmeasured) + "D" * down + "N" * unmeasured
    assert of(letters, contract=contract).verdict == verdict


def test_the_parts_of_a_small_month() -> None:
    found = of("UUGGuDDLLNNUDDDUN", "............XMEXX", contract=CONTRACT)
    assert (found.total, found.out_of_scope, found.maintenance, found.excepted) == (17, 3, 1, 1)
    assert (found.scope, found.not_measured, found.measured) == (12, 2, 10)
    assert (found.degraded, found.system_down, found.login_failure) == (2, 2, 2)
    assert (found.down, found.up) == (4, 6)
    assert (found.unverified, found.unverified_up) == (1, 1)


def test_degraded_counts_as_down_where_the_contract_says_so() -> None:
    contract = contract_terms(down="DLG")
    found = of("UUGgDLu", contract=contract)
    assert (found.up, found.down, found.degraded) == (3, 4, 2)
    # The unverified degraded minute is down already: it is not taken for down once more.
    assert (found.unverified, found.unverified_up) == (2, 1)
    assert found.low_ppm == 2_000_000 // 7


def test_without_a_login_probe_there_is_no_login_coverage() -> None:
    found = of("UUUD", has_login=False)
    assert found.login_coverage_ppm is None
    assert found.coverage_ppm == 1_000_000


def test_nothing_in_scope_has_no_percentages() -> None:
    found = of("UUDN", "XXXX")
    assert (found.scope, found.coverage_ppm, found.availability_ppm) == (0, None, None)
    assert found.verdict is Verdict.NOT_MEASURED


def test_coverage_is_printed_even_when_nothing_was_measured() -> None:
    found = of("NNNN")
    assert (found.coverage_ppm, found.availability_ppm, found.high_ppm) == (0, None, None)


def test_a_month_without_minutes_is_not_measured() -> None:
    assert of("").verdict is Verdict.NOT_MEASURED


def test_a_month_in_progress_may_use_what_the_whole_month_allows() -> None:
    found = of("U" * 1000, ahead=42_200)
    assert (found.total, found.allowed) == (1000, 17)
    # What is known to be unmeasured is taken off: 42,499 minutes allow one less.
    assert of("U" * 299 + "N" * 701, ahead=42_200).allowed == 16


@pytest.mark.parametrize(
    ("min_consecutive", "down"),
    [
        pytest.param(1, 9, id="every minute counts"),
        pytest.param(2, 7, id="two in a row"),
        pytest.param(3, 5, id="three"),
        pytest.param(5, 5, id="five"),
        pytest.param(6, 0, id="six"),
    ],
)
def test_forgiven_minutes_are_up(min_consecutive: int, down: int) -> None:
    found = of("UUDUDDUUDDDDDUUDUU", contract=contract_terms(min_consecutive=min_consecutive))
    assert (found.down, found.system_down, found.up) == (down, down, 18 - down)


def test_a_forgiven_degraded_minute_is_up_and_may_be_unverified() -> None:
    contract = contract_terms(down="DLG", min_consecutive=2)
    found = of("UgUGGU", contract=contract)
    assert (found.down, found.degraded, found.up) == (2, 2, 4)
    assert (found.unverified, found.unverified_up) == (1, 1)


def test_an_outage_over_the_edge_is_counted_whole_before_it_is_cut() -> None:
    contract = contract_terms(min_consecutive=3)
    around = Strip(Minute(NOON - 3), "UDDDUUU")  # two minutes before the month, one in it
    whole = outages(around, "." * 7, down="DL", min_consecutive=3)
    seen = around.cut(NOON, Minute(NOON + 4))
    found = figures(seen, "....", whole, contract, has_login=False)
    assert (found.down, found.up) == (1, 3)


def test_an_overlay_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="overlay"):
        figures(strip("UUU"), "..", (), CONTRACT, has_login=False)


months = covered(most=30)
contracts = st.builds(
    contract_terms,
    target=st.sampled_from(["99.96", "90", "75", "50", "100", "0"]),
    down=st.sampled_from(["DL", "D", "DLG"]),
    min_coverage=st.sampled_from(["0", "50", "90", "99.9"]),
    min_consecutive=st.integers(1, 3),
)


@pytest.mark.property
@given(months, contracts, st.booleans())
def test_the_parts_add_up_to_the_month(
    seen: tuple[Strip, str], contract: ContractTerms, has_login: bool
) -> None:
    letters, overlay = seen
    found = of(letters.letters, overlay, contract=contract, has_login=has_login)
    parts = (found.up, found.down, found.not_measured)
    laid = (found.out_of_scope, found.maintenance, found.excepted)
    assert sum(parts) + sum(laid) == found.total == len(letters.letters)
    assert min(*parts, *laid, found.unverified_up) >= 0
    kinds = {"D": found.system_down, "L": found.login_failure, "G": found.degraded}
    assert sum(kinds[letter] for letter in contract.down) == found.down
    assert found.unverified_up <= min(found.up, found.unverified)


@pytest.mark.property
@given(months, contracts)
def test_the_bounds_lie_on_both_sides_of_the_figure(
    seen: tuple[Strip, str], contract: ContractTerms
) -> None:
    found = of(seen[0].letters, seen[1], contract=contract)
    assume(found.measured)
    assert found.low_ppm is not None
    assert found.availability_ppm is not None
    assert found.high_ppm is not None
    assert 0 <= found.low_ppm <= found.availability_ppm <= found.high_ppm <= 1_000_000
    assert (found.availability_ppm == 1_000_000) is (found.down == 0)


@pytest.mark.property
@given(months, contracts, st.data())
def test_more_downtime_never_raises_availability(
    seen: tuple[Strip, str], contract: ContractTerms, data: st.DataObject
) -> None:
    letters, overlay = seen
    assume(letters.letters)
    index = data.draw(st.integers(0, len(letters.letters) - 1))
    assume(letters.letters[index] != "N")
    worse = letters.letters[:index] + "D" + letters.letters[index + 1 :]
    before = of(letters.letters, overlay, contract=contract)
    after = of(worse, overlay, contract=contract)
    assume(before.measured)
    assert Fraction(after.up, after.measured) <= Fraction(before.up, before.measured)
    assert (after.high_ppm or 0) <= (before.high_ppm or 0)
    assert after.down >= before.down


@pytest.mark.property
@given(months, st.sampled_from(["99.96", "90", "50"]), st.data())
def test_measuring_a_minute_narrows_the_bounds(
    seen: tuple[Strip, str], target: str, data: st.DataObject
) -> None:
    letters, overlay = seen
    unknown = [n for n, letter in enumerate(letters.letters) if letter == "N"]
    assume(unknown)
    index = data.draw(st.sampled_from(unknown))
    told = (
        letters.letters[:index] + data.draw(st.sampled_from("UDL")) + letters.letters[index + 1 :]
    )
    contract = contract_terms(target=target)
    before = of(letters.letters, overlay, contract=contract)
    after = of(told, overlay, contract=contract)
    assume(before.measured)
    assert (before.low_ppm or 0) <= (after.low_ppm or 0)
    assert (after.high_ppm or 0) <= (before.high_ppm or 0)
    if before.verdict in {Verdict.MET, Verdict.BREACHED}:
        assert after.verdict is before.verdict


@pytest.mark.property
@given(
    covered(most=14),
    st.sampled_from(["90", "75", "50", "100"]),
    st.sampled_from(["DL", "DLG"]),
)
def test_a_proven_verdict_holds_whatever_was_missed(
    seen: tuple[Strip, str], target: str, down: str
) -> None:
    letters, overlay = seen
    contract = contract_terms(target=target, down=down)
    open_minutes = [
        n
        for n, (letter, over) in enumerate(zip(letters.letters, overlay, strict=True))
        if letter in "Nug" and over == "."
    ]
    assume(len(open_minutes) <= 6)
    found = of(letters.letters, overlay, contract=contract)
    assume(found.measured)
    ways = []
    for told in product("UD", repeat=len(open_minutes)):
        filled = list(letters.letters)
        for n, letter in zip(open_minutes, told, strict=True):
            # A degraded minute that counts as down stays so, even if its login had been seen.
            kept = "G" if letters.letters[n] == "g" and "G" in down else letter
            filled[n] = kept
        whole = of("".join(filled), overlay, contract=contract)
        ways.append(whole.up * 1_000_000 >= contract.target_ppm * whole.measured)
    if found.verdict is Verdict.MET:
        assert all(ways)
    elif found.verdict is Verdict.BREACHED:
        assert not any(ways)
    else:
        assert any(ways) and not all(ways)


@pytest.mark.property
@given(st.integers(0, 50_000), st.integers(0, 60), st.sampled_from(["99.96", "99.9", "99.5"]))
def test_the_promise_is_kept_exactly_as_long_as_minutes_remain(
    measured: int, down: int, target: str
) -> None:
    assume(0 < measured >= down)
    base = of("U", contract=contract_terms(target=target), has_login=False)
    found = replace(base, total=measured, up=measured - down, down=down, system_down=down)
    assert (found.remaining >= 0) is (found.verdict is Verdict.MET)
    assert (found.remaining < 0) is (found.verdict is Verdict.BREACHED)
    exact = Fraction(found.up, measured) * 1_000_000
    assert found.availability_ppm == int(exact)
