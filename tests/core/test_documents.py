"""Two contracts' documents side by side: a line for each value that differs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptimed.core.documents import differences, flat

names = st.sampled_from(["a", "b", "c"])
leaves = st.integers(0, 3)
tables = st.dictionaries(names, leaves | st.dictionaries(names, leaves, max_size=2), max_size=3)
documents = st.dictionaries(names, leaves | tables, max_size=3)


@pytest.mark.property
@given(documents)
def test_a_document_does_not_differ_from_itself(document: dict[str, object]) -> None:
    assert differences(document, document) == ()


@pytest.mark.property
@given(documents, documents)
def test_both_ways_the_same_keys_differ(one: dict[str, object], other: dict[str, object]) -> None:
    there = {(each.key, each.before, each.after) for each in differences(one, other)}
    back = {(each.key, each.after, each.before) for each in differences(other, one)}
    assert there == back


def test_items_are_named_by_id_clock_and_channel() -> None:
    clocks = [{"clock": "first_response", "target": "2h"},
              {"clock": "first_response", "channel": "chat", "target": "5min"}]  # fmt: skip
    document = {"plans": [{"id": "a", "clocks": clocks}], "goals": [{"percent": "95"}]}
    keys = [key for key, _ in flat(document)]
    assert "plans.a.clocks.first_response.target" in keys
    assert "plans.a.clocks.first_response[chat].target" in keys
    assert "goals.1.percent" in keys


def test_the_same_clock_twice_has_two_names() -> None:
    document = {"clocks": [{"clock": "restore"}, {"clock": "restore"}]}
    assert [key for key, _ in flat(document)] == ["clocks.restore.clock", "clocks.restore#2.clock"]


def test_windows_are_one_value() -> None:
    (each,) = differences({"windows": {"mon": ["a"]}}, {"windows": {"mon": ["b"]}})
    assert str(each) == 'windows: {"mon": ["a"]} -> {"mon": ["b"]}'


def test_a_value_that_is_new_or_gone_is_told() -> None:
    told = [str(each) for each in differences({"old": 1}, {"new": True})]
    assert told == ["new: nothing -> true", "old: 1 -> nothing"]


def test_of_house_readings_only_what_differs_is_told() -> None:
    (each,) = differences({"house": ["a", "b"]}, {"house": ["b", "c"]})
    assert str(each) == 'house: ["a"] -> ["c"]'


def test_a_long_value_is_cut() -> None:
    (each,) = differences({"words": "x" * 100}, {})
    assert len(str(each)) < 90
