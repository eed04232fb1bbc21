"""A letter need not wait for a look that could not change it."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptimed.core.awaiting import AWAITED, decided
from uptimed.core.letters import judge_minute
from uptimed.core.terms import ProbeTerms, Role, WatchTerms

FRONT = ProbeTerms(id="front", role=Role.REACH, kind="http")
SLOW = ProbeTerms(id="front", role=Role.REACH, kind="http", slow_after_us=1)
LOGIN = ProbeTerms(id="login", role=Role.LOGIN, kind="login", accounts=2)
PLACES = ("bogota", "lima", "madrid", "quito")


def terms(*probes: ProbeTerms, vantages: int = 3, least: int = 2) -> WatchTerms:
    return WatchTerms(
        service="crm", probes=probes, need={p.role: 1 for p in probes},
        vantages=PLACES[:vantages], min_vantages=least,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("held", "least", "wanted"),
    [
        pytest.param("ppp", 2, True, id="all are there"),
        pytest.param("pp?", 2, True, id="two of three agree that it is up"),
        pytest.param("ff?", 2, True, id="two of three agree that it is down"),
        pytest.param("pf?", 2, False, id="one to one: the third decides"),
        pytest.param("p??", 2, False, id="one of three"),
        pytest.param("pn?", 2, False, id="with the third it is enough"),
        pytest.param("pp?", 3, False, id="all three must have measured"),
        pytest.param("n??", 3, True, id="three cannot be had any more"),
        pytest.param("p?", 2, False, id="two of two"),
        pytest.param("p?", 1, False, id="the other may dispute it"),
    ],
)
def test_what_may_still_change_is_waited_for(held: str, least: int, wanted: bool) -> None:
    watch = terms(FRONT, vantages=len(held), least=least)
    assert decided({"front": held}, watch) is wanted


def test_a_slow_pass_may_still_degrade_the_minute() -> None:
    assert not decided({"front": "ps?"}, terms(SLOW))
    assert decided({"front": "pp?"}, terms(SLOW))


def test_a_login_may_still_be_refused() -> None:
    assert not decided({"login": "nn?"}, terms(LOGIN))


def test_of_very_many_no_two_minds_are_guessed() -> None:
    watch = WatchTerms(
        service="crm", probes=(FRONT,), need={Role.REACH: 1},
        vantages=tuple(f"v{n}" for n in range(40)), min_vantages=1,
    )  # fmt: skip
    assert not decided({"front": AWAITED * 40}, watch)


@pytest.mark.property
@given(st.lists(st.text("pfn?", min_size=3, max_size=3), min_size=2, max_size=2), st.integers(1, 3))
def test_a_decided_letter_is_the_same_whatever_comes(rows: list[str], least: int) -> None:
    watch = terms(FRONT, LOGIN, least=least)
    held = {"front": rows[0], "login": rows[1]}
    if not decided(held, watch):
        return
    whole = "".join(held.values())
    letters = set()
    for more in product("pfn", repeat=whole.count(AWAITED)):
        filled, rest = "", list(more)
        for status in whole:
            filled += rest.pop() if status == AWAITED else status
        letters.add(judge_minute({"front": filled[:3], "login": filled[3:]}, watch).mark)
    assert len(letters) == 1
