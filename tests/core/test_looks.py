"""Looks: what one to three attempts amount to, and for how long it holds."""

from dataclasses import replace

import pytest

from tests.core.drawing import (
    NOON,
    OUTCOMES,
    REACH,
    held,
    logins,
    no_answer,
    one_look,
    probe_terms,
    tried,
    watched,
)
from uptimed.core.looks import Look, decide, looks_of, suspected
from uptimed.core.minutes import Minute
from uptimed.core.observations import Attempt, Cause
from uptimed.core.terms import AttemptRule, ProbeTerms, Role

ONE = probe_terms(Role.LOGIN, accounts=1)
TWO = probe_terms(Role.LOGIN, accounts=2)
EVERY_FIVE = probe_terms(Role.LOGIN, interval=5, accounts=2)


@pytest.mark.parametrize(
    ("drawn", "confirmed", "every", "single"),
    [
        pytest.param("p", "p", "p", "p", id="a pass ends it"),
        pytest.param("f", "f", "f", "f", id="one fail and nothing more"),
        pytest.param("ff", "f", "f", "f", id="two fails confirm"),
        pytest.param("fp", "p", "p", "f", id="a fail and a pass are no majority"),
        pytest.param("fpp", "p", "p", "f", id="the third attempt clears it"),
        pytest.param("fpf", "f", "p", "f", id="the third attempt confirms it"),
        pytest.param("fff", "f", "f", "f", id="three fails"),
        pytest.param("pff", "f", "p", "p", id="a pass outvoted, as an import may have it"),
        pytest.param("n", "n", "n", "n", id="not measured"),
        pytest.param("nnn", "n", "n", "n", id="nothing is left"),
        pytest.param("nf", "f", "f", "f", id="not measured is left out before a fail"),
        pytest.param("fn", "f", "f", "f", id="not measured is left out after a fail"),
        pytest.param("np", "p", "p", "p", id="not measured is left out before a pass"),
        pytest.param("nfp", "p", "p", "f", id="the first measured attempt is not the first"),
        pytest.param("fnp", "p", "p", "f", id="left out in the middle"),
        pytest.param("m", "f", "f", "f", id="maintenance is a fail"),
        pytest.param("mp", "p", "p", "f", id="maintenance counts among fails"),
        pytest.param("r", "n", "n", "n", id="rejected is not measured"),
        pytest.param("b", "n", "n", "n", id="blocked is not measured"),
        pytest.param("", "n", "n", "n", id="no attempt"),
    ],
)
def test_a_look_is_decided_by_its_attempts(
    drawn: str, confirmed: str, every: str, single: str
) -> None:
    outcomes = [OUTCOMES[c] for c in drawn]
    assert decide(outcomes, AttemptRule.CONFIRMED) == confirmed
    assert decide(outcomes, AttemptRule.ALL) == every
    assert decide(outcomes, AttemptRule.SINGLE) == single


@pytest.mark.parametrize(
    ("attempts", "holds"),
    [
        pytest.param(one_look("ff"), "fn", id="both in the minute"),
        pytest.param(
            [tried("f", 0, 58), tried("f", 1, 8, look=(0, 58))], "fn",
            id="the second begins in the next minute",
        ),
        pytest.param(
            [tried("f", 0, 58), tried("p", 1, 8, look=(0, 58)), tried("p", 1, 58)], "pp",
            id="the next minute has a look of its own",
        ),
        pytest.param(
            [tried("f", 0, 5), tried("f", 0, 20), tried("p", 0, 40)], "fn",
            id="attempts of one minute are one look whether they say so or not",
        ),
        pytest.param(
            [tried("f", 0, 5), tried("f", 0, 20, look=(0, 5)), tried("p", 0, 40)], "fn",
            id="two looks of one minute are one",
        ),
    ],
)  # fmt: skip
def test_a_look_belongs_to_the_minute_of_its_first_attempt(
    attempts: list[Attempt], holds: str
) -> None:
    assert held(attempts, REACH, 2) == holds


@pytest.mark.parametrize(
    ("drawn", "interval", "holds"),
    [
        pytest.param("pfpn", 1, "pfpn", id="every minute has its own"),
        pytest.param("p.......", 5, "pppppnnn", id="a pass holds for its interval and no longer"),
        pytest.param("f.......", 5, "fffffnnn", id="so does a fail"),
        pytest.param("n.......", 5, "nnnnnnnn", id="and what was not measured"),
        pytest.param("p..f....", 5, "pppfffff", id="a newer look replaces it"),
        pytest.param("f..p....", 5, "fffppppp", id="a newer pass as well"),
        pytest.param("p..n....", 5, "pppnnnnn", id="measured or not"),
        pytest.param("ffp.....", 5, "ffpppppn", id="looks come every minute after a fail"),
        pytest.param("p.p.p...", 2, "ppppppnn", id="an interval of two"),
    ],
)
def test_a_look_holds_for_its_interval(drawn: str, interval: int, holds: str) -> None:
    assert held(watched(drawn), probe_terms(interval=interval), len(drawn)) == holds


def test_a_look_before_the_stretch_holds_into_it() -> None:
    attempts = [tried("f", -4)]
    assert held(attempts, probe_terms(interval=5), 3) == "fnn"
    assert held(attempts, probe_terms(interval=4), 3) == "nnn"


@pytest.mark.parametrize(
    ("drawn", "holds"),
    [
        pytest.param("1p", "p", id="ok"),
        pytest.param("1f 1f", "f", id="an error is a fail"),
        pytest.param("1m 1m", "f", id="maintenance is a fail"),
        pytest.param("1r", "r", id="rejected is not measured"),
        pytest.param("1b", "b", id="blocked is not measured"),
        pytest.param("1r 2p", "p", id="a pass of one account wins over a rejection"),
        pytest.param("1b 2p", "p", id="a pass of one account wins over a block"),
        pytest.param("1f 1f 2p", "p", id="a pass of one account wins over an error"),
        pytest.param("1r 2f 2f", "f", id="an error of one account counts"),
        pytest.param("1r 2b", "r", id="rejected and blocked"),
        pytest.param("1r 2r", "r", id="all rejected without an earlier pass"),
        pytest.param("1b 2b", "b", id="all blocked never is a fail"),
        pytest.param("1n 2n", "n", id="all not measured"),
        pytest.param("1r 2n", "r", id="rejected and not measured"),
        pytest.param("0n", "n", id="nothing was tried with any account"),
    ],
)
def test_logins_are_told_apart(drawn: str, holds: str) -> None:
    assert held(logins(drawn), TWO, 1) == holds


PASSED_BEFORE = [*logins("1p 2p", -30)]


@pytest.mark.parametrize(
    ("before", "look", "probe", "holds"),
    [
        pytest.param(logins("1p 2p", -30), "1r 2r", TWO, "f", id="each had passed"),
        pytest.param(logins("1p 2p", -60), "1r 2r", TWO, "f", id="sixty minutes ago"),
        pytest.param(logins("1p 2p", -61), "1r 2r", TWO, "r", id="more than sixty minutes ago"),
        pytest.param(logins("1p", -30), "1r 2r", TWO, "r", id="only one of them had passed"),
        pytest.param(
            logins("1p", -50) + logins("2p", -20), "1r 2r", TWO, "f", id="at different times",
        ),
        pytest.param(logins("1p 2p", -30), "1r", TWO, "r", id="only one was tried"),
        pytest.param(logins("1p 2p", -30), "1r 2b", TWO, "r", id="one is blocked"),
        pytest.param(logins("1p 2p", -30), "1r 2n", TWO, "r", id="one was not measured"),
        pytest.param(logins("1p", -30), "1r", ONE, "r", id="one account may be a forgotten one"),
        pytest.param(
            logins("1p 2p", -30) + logins("1r 2r", -10), "1r 2r", TWO, "f",
            id="rejected before as well",
        ),
        pytest.param(logins("1p 2p", -30), "1n 1r 2r", TWO, "f", id="a bad attempt is left out"),
        pytest.param(logins("1p 2p", -30), "0n 1r 2r", TWO, "f", id="as is one without account"),
        pytest.param(
            logins("1f 1p 2p", -30), "1r 2r", TWO, "f", id="a pass at the second attempt",
        ),
        pytest.param(
            logins("1p 2p 3p", -30), "1r 2r", probe_terms(Role.LOGIN, accounts=3), "r",
            id="the third was not tried",
        ),
    ],
)  # fmt: skip
def test_every_account_rejected_after_a_pass_is_the_system(
    before: list[Attempt], look: str, probe: ProbeTerms, holds: str
) -> None:
    assert held([*before, *logins(look)], probe, 1) == holds


@pytest.mark.parametrize(
    ("then", "now", "holds"),
    [
        pytest.param("k1", "k1", "f", id="the same secret"),
        pytest.param("k1", "k2", "r", id="another secret"),
        pytest.param("", "", "f", id="both imported"),
        pytest.param("", "k1", "f", id="the pass imported"),
        pytest.param("k1", "", "f", id="the rejection imported"),
    ],
)
def test_only_a_pass_with_the_same_secret_tells_of_the_system(
    then: str, now: str, holds: str
) -> None:
    attempts = [*logins("1p 2p", -5, secret=then), *logins("1r 2r", secret=now)]
    assert held(attempts, TWO, 1) == holds


def test_a_pass_after_the_rejection_says_nothing_of_it() -> None:
    assert held([*logins("1r 2r"), *logins("1p 2p", 1)], TWO, 2) == "rp"


def test_a_pass_of_an_earlier_look_that_came_later_says_nothing_of_it() -> None:
    late = [tried("p", 0, 30 + n, look=(-1, 58), probe="login", account=n) for n in (1, 2)]
    assert held([*late, *logins("1r 2r")], TWO, 1) == "r"


def test_all_rejected_holds_for_its_interval_and_then_is_not_measured() -> None:
    attempts = [*logins("1p 2p", -5), *logins("1r 2r", 0)]
    assert held(attempts, EVERY_FIVE, 8) == "fffffnnn"


def test_all_rejected_says_why() -> None:
    looks = list(looks_of([*logins("1p 2p", -5), *logins("1r 2r")], TWO, AttemptRule.CONFIRMED))
    assert (looks[-1].status, looks[-1].cause) == ("f", Cause.ALL_REJECTED)


@pytest.mark.parametrize(
    ("drawn", "took_ms", "slow_after_ms", "holds"),
    [
        pytest.param("p", 301, 300, "s", id="slower"),
        pytest.param("p", 300, 300, "p", id="just in time"),
        pytest.param("p", 9000, None, "p", id="nothing is slow"),
        pytest.param("f", 301, 300, "f", id="a slow fail is a fail"),
        pytest.param("n", 301, 300, "n", id="a slow nothing is nothing"),
    ],
)
def test_a_slow_pass_is_marked(
    drawn: str, took_ms: int, slow_after_ms: int | None, holds: str
) -> None:
    probe = probe_terms(slow_after_ms=slow_after_ms)
    assert held([tried(drawn, took_ms=took_ms)], probe, 1) == holds


def test_how_long_a_failed_attempt_took_is_no_slowness() -> None:
    attempts = [tried("f", took_ms=10_000), tried("p", second=20, look=(0, 10), took_ms=100)]
    assert held(attempts, probe_terms(slow_after_ms=300), 1) == "p"


def test_a_pass_that_nobody_timed_is_not_slow() -> None:
    assert held([tried("p", took_ms=None)], probe_terms(slow_after_ms=300), 1) == "p"


def test_a_fail_without_an_answer_in_a_blind_minute_was_ours() -> None:
    blind = frozenset({NOON})
    attempts = [no_answer(at_minute=0), no_answer(at_minute=1)]
    assert held(attempts, REACH, 2, blind=blind) == "nf"


def test_a_bad_answer_in_a_blind_minute_is_the_targets() -> None:
    assert held([tried("f", cause=Cause.STATUS)], REACH, 1, blind=frozenset({NOON})) == "f"


def test_a_look_that_failed_tells_what_it_saw_last() -> None:
    attempts = [
        tried("f", second=5, cause=Cause.STATUS, detail="status 500, wanted 200"),
        tried("f", second=20, look=(0, 5), cause=Cause.STATUS, detail="status 502, wanted 200"),
        tried("n", second=40, look=(0, 5), cause=Cause.LOOP_LAG, detail="late"),
    ]
    expected = Look(NOON, "f", Cause.STATUS, "status 502, wanted 200")
    assert list(looks_of(attempts, REACH, AttemptRule.CONFIRMED)) == [expected]


def test_a_fail_does_not_borrow_its_reason_from_an_attempt_that_was_ours() -> None:
    attempts = [
        tried("f", second=5, cause=Cause.STATUS, detail="status 500"),
        replace(no_answer(), look=tried("f", second=5).look),
    ]
    blind = frozenset({NOON})
    assert [look.detail for look in looks_of(attempts, REACH, AttemptRule.CONFIRMED, blind)] == [
        "status 500"
    ]


def test_a_rejection_does_not_borrow_its_reason_from_another_attempt() -> None:
    attempts = [
        tried("r", second=5, probe="login", account=1, cause=Cause.LOGIN_REJECTED, detail="wrong"),
        tried("n", second=9, look=(0, 5), probe="login", account=2, cause=Cause.LOCAL_DNS),
    ]
    assert list(looks_of(attempts, TWO, AttemptRule.CONFIRMED)) == [
        Look(NOON, "r", Cause.LOGIN_REJECTED, "wrong")
    ]


@pytest.mark.parametrize(
    ("before", "look", "accounts"),
    [
        pytest.param("1p 2p", "1r 2p", (1,), id="one rejected though it had passed"),
        pytest.param("1p 2p", "1r 2r", (1, 2), id="both"),
        pytest.param("2p", "1r 2p", (), id="it never had passed"),
        pytest.param("1p 2p", "1b 2p", (), id="blocked is told otherwise"),
        pytest.param("1p 2p", "1p 2p", (), id="all is well"),
        pytest.param("1p", "1n 1r", (1,), id="a bad attempt is left out"),
    ],
)
def test_a_rejected_account_that_had_passed_is_suspicious(
    before: str, look: str, accounts: tuple[int, ...]
) -> None:
    attempts = [*logins(before, -30), *logins(look)]
    assert suspected(attempts, TWO, NOON) == accounts


def test_another_secret_is_not_suspicious() -> None:
    attempts = [*logins("1p", -30, secret="old"), *logins("1r", secret="new")]
    assert suspected(attempts, TWO, NOON) == ()
    assert suspected(attempts, TWO, Minute(NOON + 1)) == ()
