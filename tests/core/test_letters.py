"""Letters: vantages, groups, and the order in which they decide."""

import random
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.core.drawing import (
    FUNCTION,
    LOGIN,
    NOON,
    REACH,
    letters,
    logins,
    no_answer,
    probe_terms,
    tried,
    watch_terms,
    watched,
)
from tests.core.plainly import mark_of
from tests.core.strategies import attempts_at, watches
from uptimed.core.letters import (
    State,
    group_state,
    hold_all,
    judge_minute,
    letters_of,
    lookback,
    merge_vantages,
)
from uptimed.core.minutes import Minute, minute_of
from uptimed.core.observations import Attempt
from uptimed.core.terms import Role, WatchTerms

STATES = {"U": State.UP, "D": State.DOWN, "N": State.UNKNOWN}
HELD = {"U": "p", "D": "f", "N": "n"}
ALL_THREE = watch_terms(REACH, LOGIN, FUNCTION)
TWO_ACCOUNTS = watch_terms(REACH, probe_terms(Role.LOGIN, interval=5, accounts=2))


@pytest.mark.parametrize(
    ("need", "probes", "expected"),
    [
        pytest.param(2, "UU", "U", id="all of two: both up"),
        pytest.param(2, "UD", "D", id="all of two: one down"),
        pytest.param(2, "UN", "N", id="all of two: one not measured"),
        pytest.param(2, "DN", "D", id="all of two: down whatever the other is"),
        pytest.param(1, "UD", "U", id="any of two: one up"),
        pytest.param(1, "UN", "U", id="any of two: up whatever the other is"),
        pytest.param(1, "DN", "N", id="any of two: the other may be up"),
        pytest.param(1, "DD", "D", id="any of two: both down"),
        pytest.param(2, "UUD", "U", id="two of three: one may be down"),
        pytest.param(2, "UDD", "D", id="two of three: two down"),
        pytest.param(2, "UND", "N", id="two of three: it hangs on one"),
        pytest.param(2, "DDN", "D", id="two of three: down whatever the third is"),
        pytest.param(2, "UUN", "U", id="two of three: up whatever the third is"),
    ],
)
def test_a_group_is_up_down_or_not_measured(need: int, probes: str, expected: str) -> None:
    assert group_state((HELD[p] for p in probes), need) is STATES[expected]


def test_a_role_without_probes_is_absent() -> None:
    assert group_state((), 1) is State.ABSENT


def test_rejected_and_blocked_are_not_measured_in_a_group() -> None:
    assert group_state("rb", 1) is State.UNKNOWN
    assert group_state("rp", 2) is State.UNKNOWN
    assert group_state("rf", 2) is State.DOWN


@pytest.mark.parametrize(
    ("statuses", "min_vantages", "expected"),
    [
        pytest.param("ffp", 2, "f", id="DDU is a fail"),
        pytest.param("fpp", 2, "p", id="DUU is a pass"),
        pytest.param("ffn", 2, "f", id="DDN is a fail"),
        pytest.param("fpn", 2, "n", id="DUN is a tie"),
        pytest.param("fnn", 2, "n", id="DNN is too few"),
        pytest.param("pnn", 2, "n", id="UNN is too few"),
        pytest.param("ppn", 2, "p", id="UUN is a pass"),
        pytest.param("p", 1, "p", id="one vantage, up"),
        pytest.param("f", 1, "f", id="one vantage, down"),
        pytest.param("fp", 1, "n", id="two vantages disagree"),
        pytest.param("fn", 1, "f", id="one is enough where the terms say so"),
        pytest.param("ffpp", 2, "n", id="two against two"),
        pytest.param("ssp", 2, "s", id="slow from most that passed"),
        pytest.param("spp", 2, "p", id="slow from few that passed"),
        pytest.param("ps", 2, "p", id="slow from half of them"),
        pytest.param("ssf", 2, "s", id="slow passes outvote a fail"),
        pytest.param("rrp", 2, "r", id="rejected is not measured"),
        pytest.param("bnp", 2, "b", id="blocked is not measured"),
        pytest.param("rpp", 2, "p", id="enough passed beside a rejection"),
        pytest.param("ffr", 2, "f", id="enough failed beside a rejection"),
    ],
)
def test_vantages_are_merged(statuses: str, min_vantages: int, expected: str) -> None:
    assert merge_vantages(statuses, min_vantages).status == expected


@pytest.mark.property
@given(st.text("psfnrb", min_size=1, max_size=5), st.integers(1, 5), st.randoms())
def test_the_order_of_vantages_never_matters(
    statuses: str, need: int, chance: random.Random
) -> None:
    shuffled = "".join(chance.sample(statuses, len(statuses)))
    assert merge_vantages(shuffled, need) == merge_vantages(statuses, need)


@pytest.mark.parametrize(
    ("statuses", "dissent"),
    [
        pytest.param("ffp", True, id="outvoted"),
        pytest.param("fp", True, id="disputed"),
        pytest.param("ssf", True, id="a slow pass is a pass"),
        pytest.param("ppn", False, id="not measured is no dissent"),
        pytest.param("fnr", False, id="nor is rejected"),
    ],
)
def test_dissent_is_recorded(statuses: str, dissent: bool) -> None:
    assert merge_vantages(statuses, 1).dissent is dissent


def test_min_vantages_does_not_shrink_when_vantages_are_cut_off() -> None:
    terms = watch_terms(vantages=("a", "b", "c", "d", "e"))
    attempts = [
        *watched("ff", vantage="a"),
        *watched("ff", vantage="b"),
        *watched("f", vantage="c"),
    ]
    assert letters(attempts, terms, 2) == "DN"


def test_a_vantage_that_is_not_listed_does_not_count() -> None:
    terms = watch_terms(vantages=("here",))
    assert letters(watched("f", vantage="there"), terms, 1) == "N"


def test_a_held_look_of_a_vantage_counts() -> None:
    terms = watch_terms(probe_terms(interval=5), vantages=("a", "b", "c"))
    attempts = [tried("f", 0, vantage="a"), tried("f", 3, vantage="b")]
    assert letters(attempts, terms, 9) == "NNNDDNNNN"


def test_vantages_are_merged_before_groups() -> None:
    terms = watch_terms(REACH, probe_terms(id="back"), vantages=("a", "b", "c"))
    # Each probe fails from one vantage only: none is down, though two vantages saw a fail.
    attempts = [
        tried("f" if (probe, vantage) in {("front", "a"), ("back", "b")} else "p",
              probe=probe, vantage=vantage)
        for probe in ("front", "back")
        for vantage in ("a", "b", "c")
    ]  # fmt: skip
    assert letters(attempts, terms, 1) == "U"


@pytest.mark.parametrize(
    ("reach", "login", "function", "mark", "rule"),
    [
        pytest.param("p", "p", "p", "U", "users get in", id="all is well"),
        pytest.param("f", "p", "p", "D", "reach is down", id="unreachable, whoever logs in"),
        pytest.param("f", "n", "n", "D", "reach is down", id="unreachable, the rest unknown"),
        pytest.param("f", "f", "f", "D", "reach is down", id="D outranks L"),
        pytest.param("p", "f", "p", "L", "login is down and reach is not", id="nobody logs in"),
        pytest.param("n", "f", "p", "L", "login is down and reach is not", id="reach unknown"),
        pytest.param("p", "f", "f", "L", "login is down and reach is not", id="L outranks G"),
        pytest.param("n", "n", "n", "N", "neither reach nor login was measured", id="blind"),
        pytest.param("n", "n", "f", "N", "neither reach nor login was measured",
                     id="a function alone says nothing of reach"),
        pytest.param("n", "n", "p", "N", "neither reach nor login was measured",
                     id="nor does it when it works"),
        pytest.param("p", "p", "f", "G", "users get in, a function is down", id="a function fails"),
        pytest.param("p", "p", "n", "U", "users get in", id="a function unknown"),
        pytest.param("s", "p", "p", "G", "users get in, a passing probe was slow", id="slow reach"),
        pytest.param("p", "s", "p", "G", "users get in, a passing probe was slow", id="slow login"),
        pytest.param("p", "p", "s", "G", "users get in, a passing probe was slow",
                     id="slow function"),
        pytest.param("s", "f", "p", "L", "login is down and reach is not", id="slow and no login"),
        pytest.param("n", "p", "p", "U", "users get in", id="the login stands in for reach"),
        pytest.param("n", "r", "p", "u", "users get in", id="so does a rejected one"),
        pytest.param("n", "b", "p", "u", "users get in", id="so does a blocked one"),
        pytest.param("f", "r", "p", "D", "reach is down", id="a rejected one never overrides D"),
        pytest.param("p", "n", "p", "u", "users get in", id="up, the login unverified"),
        pytest.param("p", "r", "p", "u", "users get in", id="up, the login rejected"),
        pytest.param("p", "n", "f", "g", "users get in, a function is down",
                     id="degraded, the login unverified"),
        pytest.param("s", "n", "p", "g", "users get in, a passing probe was slow",
                     id="slow, the login unverified"),
    ],
)  # fmt: skip
def test_the_letter_follows_in_a_fixed_order(
    reach: str, login: str, function: str, mark: str, rule: str
) -> None:
    found = judge_minute({"front": reach, "login": login, "function": function}, ALL_THREE)
    assert (found.mark, found.rule) == (mark, rule)
    assert found.letter == mark.upper()


@pytest.mark.parametrize(
    ("status", "mark"),
    [
        pytest.param("p", "U", id="passed"),
        pytest.param("f", "D", id="failed"),
        pytest.param("n", "N", id="not measured"),
        pytest.param("s", "G", id="slow"),
    ],
)
def test_a_service_without_a_login_probe_is_never_unverified(status: str, mark: str) -> None:
    found = judge_minute({"front": status}, watch_terms(REACH))
    assert found.mark == mark
    assert found.groups[Role.LOGIN] is State.ABSENT


@pytest.mark.parametrize(
    ("status", "mark"),
    [
        pytest.param("p", "U", id="passed"),
        pytest.param("f", "L", id="failed"),
        pytest.param("n", "N", id="not measured"),
        pytest.param("r", "u", id="rejected, so it was reached"),
        pytest.param("b", "u", id="blocked, so it was reached"),
    ],
)
def test_a_service_without_a_reach_probe_is_judged_by_its_login(status: str, mark: str) -> None:
    assert judge_minute({"login": status}, watch_terms(LOGIN)).mark == mark


def test_a_minute_can_be_explained_step_by_step() -> None:
    terms = watch_terms(REACH, LOGIN, vantages=("a", "b", "c"))
    found = judge_minute({"front": "nnf", "login": "ppf"}, terms)
    assert found.mark == "U"
    assert found.stood_in
    assert found.groups == {
        Role.REACH: State.UNKNOWN,
        Role.LOGIN: State.UP,
        Role.FUNCTION: State.ABSENT,
    }
    assert found.probes["front"].status == "n"
    assert (found.probes["login"].status, found.probes["login"].dissent) == ("p", True)


def test_a_login_that_only_few_vantages_reached_stands_in_for_nothing() -> None:
    terms = watch_terms(REACH, LOGIN, vantages=("a", "b", "c"))
    assert judge_minute({"front": "nnn", "login": "rnn"}, terms).mark == "N"
    assert judge_minute({"front": "nnn", "login": "rpn"}, terms).mark == "u"
    assert judge_minute({"front": "nnn", "login": "rfn"}, terms).mark == "N"


def test_a_probes_role_decides_and_not_its_kind() -> None:
    port = replace(LOGIN, kind="tcp")
    assert judge_minute({"login": "f"}, watch_terms(port)).mark == "L"


def test_a_rejected_login_that_holds_stands_in_for_reach() -> None:
    attempts = [*watched("pn.p"), *logins("1r", 0)]
    assert letters(attempts, TWO_ACCOUNTS, 4) == "uuuu"


def test_all_rejected_is_a_login_failure_until_it_is_unverified() -> None:
    attempts = [*watched("pppppppp"), *logins("1p 2p", -3), *logins("1r 2r", 2)]
    # The pass of three minutes ago holds until it is replaced; the fail holds for five minutes.
    assert letters(attempts, TWO_ACCOUNTS, 8) == "UULLLLLu"


def test_an_outage_seen_by_one_probe_after_the_other_is_not_counted_twice() -> None:
    terms = watch_terms(REACH, probe_terms(id="back"))
    front = "p" * 100 + "f" * 10 + "p" * 20
    back = "p" * 105 + "f" * 15 + "p" * 10
    found = letters([*watched(front), *watched(back, probe="back")], terms, 130)
    assert found.count("D") == 20
    assert found == "U" * 100 + "D" * 20 + "U" * 10


def test_a_blind_minute_of_one_vantage_leaves_the_others() -> None:
    terms = watch_terms(vantages=("a", "b"), min_vantages=1)
    attempts = [replace(no_answer(), vantage="a"), replace(no_answer(), vantage="b")]
    assert letters(attempts, terms, 1, blind={"a": frozenset({NOON})}) == "D"
    everywhere = {"a": frozenset({NOON}), "b": frozenset({NOON})}
    assert letters(attempts, terms, 1, blind=everywhere) == "N"


def test_minutes_without_a_look_are_not_measured() -> None:
    assert letters([], ALL_THREE, 3) == "NNN"
    assert letters(watched("p..p"), watch_terms(REACH), 4) == "UNNU"


def test_no_minutes_have_no_letters() -> None:
    assert letters(watched("p"), watch_terms(REACH), 0) == ""
    backwards = letters_of([], watch_terms(REACH), Minute(NOON + 3), NOON)
    assert backwards.letters == ""


def test_terms_without_vantages_measure_nothing() -> None:
    assert letters(watched("p"), watch_terms(REACH, vantages=()), 2) == "NN"


def test_what_holds_can_be_read_by_the_minute() -> None:
    terms = watch_terms(REACH, LOGIN, vantages=("a", "b"))
    attempts = [*watched("pf", vantage="a"), *watched("pp", vantage="b")]
    found = hold_all(attempts, terms, NOON, Minute(NOON + 2))
    assert found.at(Minute(NOON + 1), terms) == {"front": "fp", "login": "nn"}


LENGTH = 90


@st.composite
def _scenes(draw: st.DrawFn) -> tuple[WatchTerms, list[Attempt], dict[str, frozenset[Minute]]]:
    terms = draw(watches())
    attempts = draw(attempts_at(terms, LENGTH))
    minutes = st.integers(NOON, NOON + LENGTH).map(Minute)
    blind = draw(st.dictionaries(st.sampled_from(terms.vantages), st.frozensets(minutes)))
    return terms, attempts, blind


scenes = _scenes()


@pytest.mark.property
@given(scenes)
def test_letters_are_what_the_rules_say_minute_by_minute(
    scene: tuple[WatchTerms, list[Attempt], dict[str, frozenset[Minute]]],
) -> None:
    terms, attempts, blind = scene
    expected = "".join(mark_of(attempts, terms, NOON + n, blind) for n in range(LENGTH))
    assert letters(attempts, terms, LENGTH, blind=blind) == expected


@pytest.mark.property
@given(scenes, st.randoms())
def test_the_order_of_attempts_never_matters(
    scene: tuple[WatchTerms, list[Attempt], dict[str, frozenset[Minute]]], chance: random.Random
) -> None:
    terms, attempts, blind = scene
    shuffled = chance.sample(attempts, len(attempts))
    assert letters(shuffled, terms, LENGTH, blind=blind) == letters(
        attempts, terms, LENGTH, blind=blind
    )


@pytest.mark.property
@given(scenes, st.integers(0, LENGTH))
def test_parts_judged_by_themselves_are_the_whole(
    scene: tuple[WatchTerms, list[Attempt], dict[str, frozenset[Minute]]], cut: int
) -> None:
    terms, attempts, blind = scene

    def part(first: int, length: int) -> str:
        reaches = NOON + first - lookback(terms)
        near = [a for a in attempts if reaches <= minute_of(a.look) < NOON + first + length]
        return letters(near, terms, length, first=first, blind=blind)

    assert part(0, cut) + part(cut, LENGTH - cut) == letters(attempts, terms, LENGTH, blind=blind)


@pytest.mark.property
@given(scenes)
def test_a_strangers_attempt_changes_nothing(
    scene: tuple[WatchTerms, list[Attempt], dict[str, frozenset[Minute]]],
) -> None:
    terms, attempts, blind = scene
    strangers = [tried("f", n, probe="unknown") for n in range(3)]
    strangers += [replace(a, vantage="nowhere") for a in attempts]
    assert letters([*strangers, *attempts], terms, LENGTH, blind=blind) == letters(
        attempts, terms, LENGTH, blind=blind
    )


@pytest.mark.property
@given(scenes)
def test_every_minute_has_one_letter_of_the_alphabet(
    scene: tuple[WatchTerms, list[Attempt], dict[str, frozenset[Minute]]],
) -> None:
    terms, attempts, blind = scene
    found = letters(attempts, terms, LENGTH, blind=blind)
    assert len(found) == LENGTH
    assert set(found) <= set("UGDLNug")
    if not any(p.role is Role.LOGIN for p in terms.probes):
        assert not set(found) & set("ugL")


stories = st.lists(
    st.tuples(
        st.integers(0, 69),
        st.lists(st.sampled_from(["1p", "1r", "1n", "2p", "2r", "2r", "2b", "0n"]), max_size=4),
        st.sampled_from(["", "old", "new"]),
    ),
    max_size=8,
    unique_by=lambda story: story[0],
)


@pytest.mark.property
@given(stories)
def test_logins_are_what_the_rules_say_minute_by_minute(
    seen: list[tuple[int, list[str], str]],
) -> None:
    attempts = [a for at, words, secret in seen for a in logins(" ".join(words), at, secret=secret)]
    expected = "".join(mark_of(attempts, TWO_ACCOUNTS, NOON + n, {}) for n in range(75))
    assert letters(attempts, TWO_ACCOUNTS, 75) == expected


@pytest.mark.property
@given(stories, st.integers(0, 75))
@example([(2, ["1p", "2p"], ""), (62, ["1r", "2r"], "")], 66)
def test_logins_judged_in_parts_are_the_whole(
    seen: list[tuple[int, list[str], str]], cut: int
) -> None:
    attempts = [a for at, words, secret in seen for a in logins(" ".join(words), at, secret=secret)]
    reaches = NOON + cut - lookback(TWO_ACCOUNTS)
    before = [a for a in attempts if minute_of(a.look) < NOON + cut]
    after = [a for a in attempts if minute_of(a.look) >= reaches]
    parts = letters(before, TWO_ACCOUNTS, cut) + letters(after, TWO_ACCOUNTS, 75 - cut, first=cut)
    assert parts == letters(attempts, TWO_ACCOUNTS, 75)
