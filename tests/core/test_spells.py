"""Spells, held against counting minute by minute."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptimed.core.minutes import Minute
from uptimed.core.spells import Spell, at_least, both, lasting, minutes_of
from uptimed.core.strip import Strip

_START = Minute(1000)


def _so(spells: tuple[Spell, ...], at: int) -> bool:
    return any(spell.start <= at < spell.stop for spell in spells)


def _counted(letters: str, at: int, window: int) -> int:
    inside = letters[: at - _START + 1][-window:]
    return inside.count("D") + inside.count("L")


@pytest.mark.property
@given(st.text("UDLN", max_size=60), st.integers(1, 5), st.integers(1, 12))
def test_a_spell_is_when_so_many_of_the_last_minutes_are_counted(
    letters: str, count: int, window: int
) -> None:
    spells = at_least(count, minutes_of(Strip(_START, letters), "DL"), window=window)
    for at in range(_START, _START + len(letters)):
        assert _so(spells, at) is (_counted(letters, at, window) >= count)


@pytest.mark.property
@given(st.text("UD", max_size=40), st.text("UD", max_size=40), st.integers(0, 9))
def test_both_and_lasting_are_what_they_say(one: str, other: str, more: int) -> None:
    first = at_least(1, minutes_of(Strip(_START, one), "D"), window=2)
    second = at_least(1, minutes_of(Strip(_START, other), "D"), window=3)
    together, longer = both(first, second), lasting(first, more)
    for at in range(_START, _START + 60):
        assert _so(together, at) is (_so(first, at) and _so(second, at))
        assert _so(longer, at) is any(_so(first, before) for before in range(at - more, at + 1))


@pytest.mark.property
@given(st.text("UDLN", max_size=60), st.integers(1, 5), st.integers(1, 12))
def test_spells_are_in_order_and_apart(letters: str, count: int, window: int) -> None:
    spells = at_least(count, minutes_of(Strip(_START, letters), "DL"), window=window)
    edges = [edge for spell in spells for edge in (spell.start, spell.stop)]
    assert edges == sorted(set(edges))


def test_an_unverified_letter_is_counted_as_its_letter() -> None:
    assert minutes_of(Strip(_START, "UgGu"), "DLG") == (1001, 1002)
