"""Patterns of the configuration: whatever the page, they end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptimed.core.patterns import pattern_problem, search


@pytest.mark.parametrize(
    ("pattern", "page"),
    [
        pytest.param("(a+)+b", "a" * 200_000, id="exponential elsewhere"),
        pytest.param("x.*y.*z", "xy" * 100_000, id="cubic elsewhere"),
        pytest.param(r"(\w+\s?)*$", "word " * 40_000 + "!", id="nested repetition"),
    ],
)
def test_a_page_made_for_a_pattern_does_not_hold_it_up(pattern: str, page: str) -> None:
    assert search(pattern, page + "\n") is None or search(pattern, page) is not None


@pytest.mark.parametrize(
    ("pattern", "page", "found"),
    [
        pytest.param(r"(?i)<title>.*crm.*</title>", "<TITLE>My CRM</TITLE>", True, id="case"),
        pytest.param(r"v\d+\.\d+", "SuiteCRM v8.8", True, id="digits"),
        pytest.param("(?s)begin.*end", "begin\nend", True, id="over lines"),
        pytest.param("begin.*end", "begin\nend", False, id="not over lines"),
        pytest.param("contraseña", "usuario o contraseña", True, id="beyond ASCII"),
    ],
)
def test_usual_patterns_mean_what_they_mean_elsewhere(pattern: str, page: str, found: bool) -> None:
    assert (search(pattern, page) is not None) is found


def test_a_group_that_took_no_part_is_none() -> None:
    found = search("a(b)?", "a")

    assert found is not None
    assert found.groups() == (None,)


@pytest.mark.parametrize("pattern", ["(", "[a", "*a", "(?=a)b", r"(a)\1"])
def test_what_is_no_pattern_is_told_of(pattern: str) -> None:
    assert pattern_problem(pattern)


@given(st.text("ab(|)+*?[]{2,}\\", max_size=12))
def test_no_text_breaks_the_check_of_patterns(text: str) -> None:
    assert isinstance(pattern_problem(text), str)
