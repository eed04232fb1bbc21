"""Corrections: what may become what, what must be proven, and that nothing else changes."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.drawing import NOON, probe_terms, tried, watch_terms
from tests.core.entering import Book
from uptimed.core.corrections import (
    Becomes,
    Correction,
    LookNamed,
    Revised,
    Wanted,
    becoming,
    correct,
    corrected,
    corrections,
    present,
)
from uptimed.core.entries import EntryRefused
from uptimed.core.letters import hold_all
from uptimed.core.minutes import Minute
from uptimed.core.observations import Attempt
from uptimed.core.strip import MARKS, Strip
from uptimed.core.terms import Role, WatchTerms

REACH = watch_terms()
BOTH = watch_terms(probe_terms(), probe_terms(Role.LOGIN))
SHA = "ab" * 32


def strip(letters: str, start: int = 0) -> Strip:
    return Strip(Minute(NOON + start), letters)


def wanted(to: Becomes = Becomes.NOT_MEASURED, **changes: object) -> Wanted:
    given: dict[str, object] = {
        "service": "crm", "start": NOON, "stop": Minute(NOON + 5), "to": to, "why": "our uplink",
        "evidence": ("ticket 7",), "looks": (), "objection": "",
    }  # fmt: skip
    return Wanted(**{**given, **changes})  # type: ignore[arg-type]  # keywords of a table


def made(start: int, was: str, becomes: str, n: int = 1) -> Correction:
    return Correction(
        id=f"C-{n}", service="crm", start=Minute(NOON + start), was=was, becomes=becomes,
        why="our uplink", evidence=("ticket 7",), looks=(), objection="", revisions=(), by="Ana",
        at=tried("p").at, place=n,
    )  # fmt: skip


def becomes(
    letters: str,
    to: Becomes,
    earlier: Sequence[Correction] = (),
    looks: Sequence[Attempt | None] = (),
    watch: WatchTerms = REACH,
    seen: Sequence[Attempt] = (),
) -> str:
    recorded = strip(letters)
    named = tuple((named_of(look), look) for look in looks)
    held = hold_all(seen, watch, recorded.start, recorded.stop)
    return becoming(recorded, earlier, to, named, [(held, watch)])[1]


def named_of(attempt: Attempt | None) -> LookNamed:
    known = attempt or tried("p", 400)
    return LookNamed(probe=known.probe, vantage=known.vantage, at=known.at, account=known.account)


@pytest.mark.parametrize(
    ("letters", "to", "after"),
    [
        pytest.param("D", Becomes.NOT_MEASURED, "N", id="D to N"),
        pytest.param("L", Becomes.NOT_MEASURED, "N", id="L to N"),
        pytest.param("D", Becomes.EXCEPTED, "E", id="D to E"),
        pytest.param("UDGLNuD", Becomes.NOT_MEASURED, "UNGNNuN", id="what is not down stays"),
    ],
)
def test_down_minutes_become_not_measured_or_excepted(
    letters: str, to: Becomes, after: str
) -> None:
    assert becomes(letters, to) == after


@pytest.mark.parametrize("letters", ["U", "G", "N", "u", "g", "UGNug"])
@pytest.mark.parametrize("to", list(Becomes))
def test_no_other_minute_is_ever_corrected(letters: str, to: Becomes) -> None:
    with pytest.raises(EntryRefused, match=r"no minute .* is down on record"):
        becomes(letters, to)


@pytest.mark.parametrize(
    ("letters", "looks", "watch", "after"),
    [
        pytest.param("D", [tried("p")], REACH, "U", id="reach passed"),
        pytest.param("DD", [tried("p"), tried("p", 1)], REACH, "UU", id="each minute its own"),
        pytest.param("D", [tried("p")], BOTH, "u", id="reach passed, nobody saw the login"),
        pytest.param("D", [tried("p", probe="login")], BOTH, "U", id="a login reached it"),
        pytest.param("L", [tried("p", probe="login")], BOTH, "U", id="a login passed"),
    ],
)
def test_down_becomes_up_by_looks_that_passed_in_that_minute(
    letters: str, looks: list[Attempt], watch: WatchTerms, after: str
) -> None:
    assert becomes(letters, Becomes.UP, looks=looks, watch=watch) == after


TWO = watch_terms(probe_terms(), probe_terms(id="api"))
ANY = watch_terms(probe_terms(), probe_terms(id="api"), need={Role.REACH: 1})
THREE = watch_terms(vantages=("here", "there", "yonder"))
API_DOWN = (tried("p"), tried("f", probe="api"))


def seen_from(**outcomes: str) -> list[Attempt]:
    return [tried(outcome, vantage=vantage) for vantage, outcome in outcomes.items()]


@pytest.mark.parametrize(
    ("looks", "watch", "seen", "after"),
    [
        pytest.param(
            [tried("p", second=30, probe="api")], TWO, API_DOWN, "U", id="the one that failed",
        ),
        pytest.param([tried("p", second=30)], ANY, API_DOWN[1:], "U", id="one is enough"),
        pytest.param(
            [tried("p", second=30, vantage="there")], THREE,
            seen_from(here="f", there="f", yonder="p"), "U", id="most vantages",
        ),
        pytest.param(
            [tried("p"), tried("p", probe="login")], BOTH,
            [tried("f"), tried("f", probe="login")], "U", id="both roles",
        ),
    ],
)  # fmt: skip
def test_a_minute_is_up_when_it_is_judged_so_with_the_looks_that_are_named(
    looks: list[Attempt], watch: WatchTerms, seen: list[Attempt], after: str
) -> None:
    assert becomes("D", Becomes.UP, looks=looks, watch=watch, seen=seen) == after


@pytest.mark.parametrize(
    ("looks", "watch", "seen"),
    [
        pytest.param([tried("p")], TWO, API_DOWN, id="a probe that passed anyway"),
        pytest.param(
            [tried("p", vantage="yonder")], THREE,
            seen_from(here="f", there="f", yonder="p"), id="a vantage that was outvoted",
        ),
        pytest.param(
            [tried("p")], BOTH, [tried("f"), tried("f", probe="login")], id="nobody could log in",
        ),
        pytest.param(
            [tried("p", probe="login")], BOTH, [tried("f"), tried("p", probe="login")],
            id="a login never overrides reach",
        ),
    ],
)  # fmt: skip
def test_looks_that_leave_a_minute_down_prove_nothing(
    looks: list[Attempt], watch: WatchTerms, seen: list[Attempt]
) -> None:
    with pytest.raises(EntryRefused, match="even with the looks that are named"):
        becomes("D", Becomes.UP, looks=looks, watch=watch, seen=seen)


FUNCTION = watch_terms(probe_terms(), probe_terms(Role.FUNCTION))


@pytest.mark.parametrize(
    ("letters", "looks", "watch", "says"),
    [
        pytest.param("D", [], REACH, "no named look that proves it", id="none is named"),
        pytest.param("D", [None], REACH, "the journal has no such attempt", id="made up"),
        pytest.param("D", [tried("f")], REACH, "that attempt is fail", id="it failed"),
        pytest.param("D", [tried("n")], REACH, "is not_measured", id="it was not measured"),
        pytest.param("D", [tried("p", 1)], REACH, "no named look", id="in another minute"),
        pytest.param("DD", [tried("p")], REACH, "no named look", id="one minute is without"),
        pytest.param("L", [tried("p")], BOTH, "attempt of a login", id="reach is no login"),
        pytest.param(
            "D", [tried("p", probe="function")], FUNCTION, "reach or login", id="function"
        ),
        pytest.param("D", [tried("p", probe="gone")], REACH, "reach or login", id="unknown probe"),
        pytest.param(
            "D", [tried("p", vantage="a laptop")], REACH, "reach or login", id="unknown vantage"
        ),
    ],
)
def test_without_proof_down_does_not_become_up(
    letters: str, looks: list[Attempt | None], watch: WatchTerms, says: str
) -> None:
    with pytest.raises(EntryRefused, match=says):
        becomes(letters, Becomes.UP, looks=looks, watch=watch)


def test_a_correction_is_taken_back_by_another() -> None:
    first = made(0, "DD", "NN")
    assert becomes("DD", Becomes.RECORD, [first]) == "DD"
    with pytest.raises(EntryRefused, match="record already: nothing to correct"):
        becomes("DD", Becomes.RECORD)


def test_what_is_so_already_is_refused() -> None:
    with pytest.raises(EntryRefused, match="N already: nothing to correct"):
        becomes("DD", Becomes.NOT_MEASURED, [made(0, "DD", "NN")])


def test_the_last_correction_of_a_minute_holds() -> None:
    both = [made(0, "DDD", "NNN"), made(1, "N", "U", 2)]
    assert corrected(strip("DDDU"), both)[0].letters == "NUNU"


def test_an_exception_keeps_the_letter_and_lies_over_it() -> None:
    letters, excepted = corrected(strip("UDDL"), [made(1, "DD", "EN")])
    assert (letters.letters, excepted) == ("UDNL", (range(NOON + 1, NOON + 2),))


def test_looks_that_came_late_outrank_a_correction_of_a_provisional_minute() -> None:
    assert corrected(strip("UD"), [made(0, "DD", "NN")])[0].letters == "UN"


_CORRECTIONS = st.lists(
    st.builds(
        lambda start, pairs, n: made(
            start, "".join(was for was, _ in pairs), "".join(after for _, after in pairs), n
        ),
        st.integers(-5, 30),
        st.lists(st.sampled_from([("D", "N"), ("D", "E"), ("L", "U"), ("U", "U")]), max_size=12),
        st.integers(1, 9),
    ),
    max_size=4,
)


@pytest.mark.property
@given(st.text(MARKS, max_size=30), _CORRECTIONS)
def test_a_correction_never_changes_other_minutes(letters: str, several: list[Correction]) -> None:
    after = present(strip(letters), several).letters
    spoken_of = {
        minute
        for one in several
        for change in one.changes
        for minute in range(change.start, change.stop)
    }
    for n, (was, now) in enumerate(zip(letters, after, strict=True)):
        if was != now:
            assert was in "DL"
            assert NOON + n in spoken_of


@pytest.mark.property
@given(st.permutations([made(0, "DD", "NN"), made(3, "L", "U", 2), made(6, "D", "E", 3)]))
def test_corrections_of_different_minutes_may_come_in_any_order(
    several: list[Correction],
) -> None:
    assert present(strip("DDULUUDD"), several).letters == "NNUUUUED"


@pytest.mark.property
@given(st.text(MARKS, min_size=1, max_size=30), _CORRECTIONS, st.integers(1, 29))
def test_a_stretch_is_corrected_as_the_whole_is(
    letters: str, several: list[Correction], cut: int
) -> None:
    whole = present(strip(letters), several)
    middle = Minute(min(NOON + cut, whole.stop))
    halves = [strip(letters).cut(NOON, middle), strip(letters).cut(middle, whole.stop)]
    assert whole.letters == "".join(present(half, several).letters for half in halves)


def test_an_entry_says_it_all_and_is_read_back() -> None:
    book = Book()
    look = LookNamed(probe="front", vantage="here", at=tried("p").at)
    revised = Revised(month="2026-10", revision=2, replaces=SHA)
    book.enter(
        lambda known: correct(
            known, wanted(looks=(look,), objection="O-1"), was="DUD", becomes="UUN",
            revisions=[revised], by="Ana",
        )
    )  # fmt: skip
    (one,) = corrections(book.entries)
    assert (one.id, one.was, one.becomes, one.minutes) == ("C-1", "DUD", "UUN", 2)
    assert (one.looks, one.evidence, one.objection) == ((look,), ("ticket 7",), "O-1")
    assert (one.revision_of("2026-10"), one.revision_of("2026-09")) == (revised, None)
    assert [(c.start - NOON, c.stop - NOON, c.was, c.becomes) for c in one.changes] == [
        (0, 1, "D", "U"), (2, 3, "D", "N"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"why": ""}, "no reason was given", id="no reason"),
        pytest.param({"evidence": ()}, "no evidence was given", id="no evidence"),
        pytest.param({"evidence": (" ",)}, "no evidence was given", id="empty evidence"),
    ],
)
def test_a_correction_needs_a_reason_and_evidence(changes: dict[str, object], says: str) -> None:
    with pytest.raises(EntryRefused, match=says):
        correct((), wanted(**changes), was="D", becomes="N", revisions=(), by="Ana")  # type: ignore[arg-type]
