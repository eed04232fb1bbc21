"""Strips: counting, cutting, runs and painting are operations on a string."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.drawing import NOON, strip
from tests.core.strategies import letters, strips
from uptimed.core.minutes import Minute
from uptimed.core.strip import NO_OVERLAY, NOT_MEASURED, Strip, paint, runs_of

near = st.integers(NOON - 60, NOON + 120).map(Minute)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        pytest.param(0, 5, "UuGgD", id="all of it"),
        pytest.param(1, 3, "uG", id="the middle"),
        pytest.param(-2, 1, "NNU", id="before it began nothing was measured"),
        pytest.param(4, 7, "DNN", id="after it ended neither"),
        pytest.param(-2, 7, "NNUuGgDNN", id="both"),
        pytest.param(-9, -6, "NNN", id="wholly before"),
        pytest.param(8, 11, "NNN", id="wholly after"),
        pytest.param(3, 3, "", id="nothing"),
        pytest.param(3, 1, "", id="backwards"),
    ],
)
def test_a_cut_has_the_minutes_that_were_asked_for(first: int, last: int, expected: str) -> None:
    found = strip("UuGgD").cut(Minute(NOON + first), Minute(NOON + last))
    assert found == Strip(Minute(NOON + first), expected)


def test_marks_are_printed_in_upper_case() -> None:
    assert strip("UuGgDLN").plain == "UUGGDLN"


@pytest.mark.parametrize(
    ("canvas", "spans", "expected"),
    [
        pytest.param("......", [(1, 3)], ".MM...", id="inside"),
        pytest.param("......", [(-4, 2)], "MM....", id="over the left edge"),
        pytest.param("......", [(4, 9)], "....MM", id="over the right edge"),
        pytest.param("......", [(-9, -2), (7, 9)], "......", id="beside it"),
        pytest.param("......", [(0, 2), (1, 4)], "MMMM..", id="overlapping"),
        pytest.param("XX....", [(1, 3)], "XMM...", id="over what was there"),
        pytest.param("......", [(3, 3)], "......", id="empty"),
        pytest.param("", [(0, 3)], "", id="no canvas"),
    ],
)
def test_painting(canvas: str, spans: list[tuple[int, int]], expected: str) -> None:
    ranges = [range(NOON + first, NOON + last) for first, last in spans]
    assert paint(canvas, NOON, ranges, "M") == expected


@pytest.mark.property
@given(st.text("XM.", max_size=40), st.lists(st.tuples(near, near), max_size=4))
def test_painting_is_minute_by_minute(canvas: str, spans: list[tuple[Minute, Minute]]) -> None:
    ranges = [range(first, last) for first, last in spans]
    expected = "".join(
        "E" if any(m in r for r in ranges) else colour for m, colour in enumerate(canvas, NOON)
    )
    assert paint(canvas, NOON, ranges, "E") == expected


@pytest.mark.property
@given(strips, near, near)
def test_a_cut_keeps_every_letter_in_its_minute(seen: Strip, start: Minute, stop: Minute) -> None:
    found = seen.cut(start, stop)
    assert found.letters == "".join(seen.at(Minute(m)) for m in range(start, stop))


@pytest.mark.property
@given(strips, near, near, near)
def test_two_cuts_that_meet_are_one(
    seen: Strip, start: Minute, middle: Minute, stop: Minute
) -> None:
    start, middle, stop = sorted((start, middle, stop))
    together = seen.cut(start, middle).letters + seen.cut(middle, stop).letters
    assert together == seen.cut(start, stop).letters


@pytest.mark.property
@given(strips)
def test_runs_laid_end_to_end_are_the_strip_again(seen: Strip) -> None:
    runs = list(seen.runs())
    assert "".join(run.letter * run.minutes for run in runs) == seen.letters
    assert all(a.stop == b.start and a.letter != b.letter for a, b in itertools.pairwise(runs))
    assert not runs or (runs[0].start, runs[-1].stop) == (seen.start, seen.stop)


@pytest.mark.property
@given(letters)
def test_no_two_neighbouring_runs_are_alike(drawn: str) -> None:
    found = [run.letter for run in runs_of(NOON, drawn)]
    assert all(a != b for a, b in itertools.pairwise(found))


def test_outside_a_strip_nothing_was_measured() -> None:
    seen = strip("UD")
    assert [seen.at(Minute(NOON + n)) for n in (-1, 0, 1, 2)] == [NOT_MEASURED, "U", "D", "N"]


def test_nothing_painted_is_nothing_changed() -> None:
    assert paint(NO_OVERLAY * 3, NOON, [], "X") == "..."
