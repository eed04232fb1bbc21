"""A line says what was put into it, whatever that holds, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stores.influx_double import parsed
from tests.stores.making import texts
from uptimed.core.observations import Instant
from uptimed.stores import influx_lines as lines

ALL_TEXTS = texts(12) | st.text('\\,= "\n\r\t%\x00\x7f\u240a\u2425\u2421éЖ', max_size=12)
NAMES = st.text("abcdefgh_", min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param("acme-crm", "acme-crm", id="plain"),
        pytest.param("a b", r"a\ b", id="space"),
        pytest.param("a,b", r"a\,b", id="comma"),
        pytest.param("a=b", r"a\=b", id="equals"),
        pytest.param("a\\", "a%5C", id="backslash at the end"),
        pytest.param("a\nb", "a%0Ab", id="line break"),
        pytest.param('"a"', "%22a%22", id="quotes"),
        pytest.param("100%", "100%25", id="per cent"),
        pytest.param("Москва", "Москва", id="not ASCII"),
    ],
)
def test_a_tag_is_escaped(value: str, written: str) -> None:
    assert lines.tag(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param("status 503, wanted 200", '"status 503, wanted 200"', id="plain"),
        pytest.param('said "no"', r'"said \"no\""', id="quotes"),
        pytest.param("C:\\", '"C:\\\\"', id="backslash"),
        pytest.param("a\nb", '"a\u240ab"', id="line break"),
        pytest.param("a\u240ab", '"a\u2425\u240ab"', id="its picture"),
        pytest.param("99 %", '"99 %"', id="per cent stays"),
        pytest.param("", '""', id="empty"),
    ],
)
def test_a_text_is_escaped(value: str, written: str) -> None:
    assert lines.text(value) == written


def test_a_point_is_one_line_with_sorted_tags_and_nanoseconds() -> None:
    of = lines.series("m", {"b": "2", "a": "1", "none": ""})
    written = lines.line(of, lines.fields([("n", -3), ("t", "x")]), Instant(1_500_000))
    assert written == 'm,a=1,b=2 n=-3i,t="x" 1500000000'


@pytest.mark.property
@given(
    tags=st.dictionaries(NAMES, ALL_TEXTS, max_size=4),
    values=st.dictionaries(
        NAMES, st.integers(-(2**63) + 1, 2**63 - 1) | ALL_TEXTS, min_size=1, max_size=4
    ),
    at=st.integers(0, 2**52).map(Instant),
)
def test_what_is_written_is_read_back_by_a_parser_that_somebody_else_wrote(
    tags: dict[str, str], values: dict[str, int | str], at: Instant
) -> None:
    line = lines.line(lines.series("m", tags), lines.fields(values.items()), at)
    assert "\n" not in line
    point = parsed(line)
    assert {k: lines.tag_read(v) for k, v in point.tags.items()} == {
        k: v for k, v in tags.items() if v
    }
    assert {
        k: lines.text_read(v) if isinstance(v, str) else v for k, v in point.fields.items()
    } == values
    assert point.at == at * 1000


@pytest.mark.property
@given(one=ALL_TEXTS, other=ALL_TEXTS)
def test_two_texts_never_become_one(one: str, other: str) -> None:
    assert (lines.tag(one) == lines.tag(other)) is (one == other)
    assert (lines.text(one) == lines.text(other)) is (one == other)
