"""Terms in their canonical form, which anyone can make again."""

import json
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.drawing import LOGIN, REACH, watch_terms
from tests.core.strategies import watches
from uptimed.core.terms import WatchTerms, canonical_json, watch_terms_of

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.property
@given(watches())
def test_terms_survive_their_canonical_form(terms: WatchTerms) -> None:
    again = watch_terms_of(terms.canonical())
    assert again == terms
    assert again.canonical() == terms.canonical()
    assert again.digest() == terms.digest()


@pytest.mark.property
@given(watches(), watches())
def test_other_terms_have_another_digest(one: WatchTerms, other: WatchTerms) -> None:
    assert (one.digest() == other.digest()) is (one == other)


def test_the_canonical_form_of_terms_is_written_down() -> None:
    assert watch_terms(REACH, LOGIN).canonical() == (
        '{"attempt_rule":"confirmed","min_vantages":1,"need":{"login":1,"reach":1},"probes":['
        '{"accounts":0,"attempts":3,"id":"front","interval":1,"kind":"http","role":"reach",'
        '"slow_after_us":null},'
        '{"accounts":0,"attempts":3,"id":"login","interval":1,"kind":"login","role":"login",'
        '"slow_after_us":null}],"rules":1,"service":"crm","vantages":["here"]}'
    )


def test_what_a_probe_looks_at_is_in_the_canonical_form_where_it_is_known() -> None:
    known = replace(REACH, target="https://crm.example/", manner="0f")
    assert watch_terms(known).canonical() == (
        '{"attempt_rule":"confirmed","min_vantages":1,"need":{"reach":1},"probes":['
        '{"accounts":0,"attempts":3,"id":"front","interval":1,"kind":"http","manner":"0f",'
        '"role":"reach","slow_after_us":null,"target":"https://crm.example/"}],'
        '"rules":1,"service":"crm","vantages":["here"]}'
    )
    assert watch_terms_of(watch_terms(known).canonical()) == watch_terms(known)


@pytest.mark.property
@given(values)
def test_canonical_json_is_stable_and_says_the_same(value: object) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@pytest.mark.property
@given(st.permutations(string.ascii_letters[:12]))
def test_the_order_of_keys_does_not_matter(keys: list[str]) -> None:
    assert canonical_json(dict.fromkeys(keys, 1)) == canonical_json(dict.fromkeys(sorted(keys), 1))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(1.0, id="a float"),
        pytest.param({"a": 0.5}, id="in an object"),
        pytest.param([{"a": [1, 2.5]}], id="further in"),
        pytest.param((1.5,), id="in a tuple"),
        pytest.param({1.5: 1}, id="as a key"),
        pytest.param({1: 1}, id="a key that is no text"),
        pytest.param(float("nan"), id="not even a number"),
    ],
)
def test_canonical_json_refuses_what_others_would_write_otherwise(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


def test_canonical_json_is_utf_8_without_spaces() -> None:
    assert canonical_json({"ñ": ["Ж", True, None]}) == '{"ñ":["Ж",true,null]}'
