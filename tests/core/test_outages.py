"""Outages: maximal runs of down minutes, looked at whole."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.drawing import NOON, strip
from tests.core.strategies import covered
from uptimed.core.minutes import Minute
from uptimed.core.outages import Outage, outages
from uptimed.core.strip import Strip

RUNS = "UUDUDDUUDDDDDUUDUU"


def shown(
    letters: str, overlay: str = "", *, down: str = "DL", min_consecutive: int = 1
) -> list[str]:
    """Return each outage as `start-stop:minutes`; in brackets when it does not count."""
    found = outages(
        strip(letters), overlay or "." * len(letters), down=down, min_consecutive=min_consecutive
    )
    return [_words(outage) for outage in found]


def _words(outage: Outage) -> str:
    stop = "" if outage.stop is None else str(outage.stop - NOON)
    words = f"{outage.start - NOON}-{stop}:{len(outage.down)}"
    return words if outage.counted else f"({words})"


@pytest.mark.parametrize(
    ("letters", "overlay", "expected"),
    [
        pytest.param("UUUU", "", [], id="never down"),
        pytest.param("", "", [], id="no minutes"),
        pytest.param("UDDU", "", ["1-3:2"], id="one outage"),
        pytest.param("UDUD", "", ["1-2:1", "3-:1"], id="an up minute ends it"),
        pytest.param("UDNNDU", "", ["1-5:2"], id="not measured neither ends it nor counts"),
        pytest.param("UDLDU", "", ["1-4:3"], id="system and login together"),
        pytest.param("UDGDU", "", ["1-2:1", "3-4:1"], id="degraded is up and ends it"),
        pytest.param("UDuDU", "", ["1-2:1", "3-4:1"], id="so does an unverified minute"),
        pytest.param("NDNN", "", ["1-:1"], id="it is not over before an up minute was seen"),
        pytest.param("UDDDU", "..M..", ["1-4:2"], id="under maintenance it does not count"),
        pytest.param("UDUDU", "..M..", ["1-4:2"], id="an up minute under maintenance ends nothing"),
        pytest.param("UDUDU", "..E..", ["1-4:2"], id="nor under an exception"),
        pytest.param("UDUDU", "..X..", ["1-4:2"], id="nor out of scope"),
        pytest.param("UDDU", ".MM.", [], id="wholly under maintenance"),
        pytest.param("UDDUU", "..MM.", ["1-4:1"], id="it ends at the first up minute that counts"),
        pytest.param("UNDU", "", ["2-3:1"], id="it begins with its first down minute"),
    ],
)
def test_outages(letters: str, overlay: str, expected: list[str]) -> None:
    assert shown(letters, overlay) == expected


def test_four_minutes_long_with_two_minutes_down() -> None:
    (found,) = outages(strip("UDNNDU"), "......", down="DL")
    assert found.stop is not None
    assert (found.stop - found.start, len(found.down)) == (4, 2)


@pytest.mark.parametrize(
    ("min_consecutive", "minutes"),
    [
        pytest.param(1, 9, id="every minute"),
        pytest.param(2, 7, id="two"),
        pytest.param(3, 5, id="three"),
        pytest.param(5, 5, id="five"),
        pytest.param(6, 0, id="six"),
    ],
)
def test_short_outages_do_not_count(min_consecutive: int, minutes: int) -> None:
    found = outages(strip(RUNS), "." * len(RUNS), down="DL", min_consecutive=min_consecutive)
    assert sum(len(o.down) for o in found if o.counted) == minutes
    assert sum(len(o.down) for o in found) == 9  # those that do not count are listed all the same


@pytest.mark.parametrize(
    ("letters", "overlay", "expected"),
    [
        pytest.param("UDDDU", "..M..", ["(1-4:2)"], id="maintenance takes a minute out of three"),
        pytest.param("UDDDU", ".....", ["1-4:3"], id="three without it"),
        pytest.param("DDUD", "..M.", ["0-:3"], id="maintenance joins what it lies between"),
        pytest.param("UDNDU", ".....", ["(1-4:2)"], id="the unmeasured minute is not counted in"),
    ],
)
def test_min_consecutive_is_applied_after_the_overlays(
    letters: str, overlay: str, expected: list[str]
) -> None:
    assert shown(letters, overlay, min_consecutive=3) == expected


@pytest.mark.parametrize(
    ("letters", "down", "kind"),
    [
        pytest.param("LLLDLU", "DL", "system_down", id="any D makes it the system"),
        pytest.param("LLU", "DL", "login_failure", id="only L"),
        pytest.param("GGU", "DLG", "degraded", id="only G, where the contract counts it"),
        pytest.param("gGU", "DLG", "degraded", id="unverified or not"),
        pytest.param("GLU", "DLG", "login_failure", id="L outranks G"),
        pytest.param("GLDU", "DLG", "system_down", id="D outranks all"),
    ],
)
def test_an_outage_has_the_class_of_its_worst_minute(letters: str, down: str, kind: str) -> None:
    (found,) = outages(strip(letters), "." * len(letters), down=down)
    assert found.kind == kind


def test_the_class_does_not_come_from_minutes_under_an_overlay() -> None:
    (found,) = outages(strip("LDLU"), ".M..", down="DL")
    assert found.kind == "login_failure"


def test_letters_that_the_contract_does_not_count_are_no_outage() -> None:
    assert shown("UGGLU", down="D") == []


def test_a_month_has_its_own_part_of_an_outage() -> None:
    (found,) = outages(strip("UDDDDU"), "......", down="DL")
    assert found.minutes_in(range(NOON, NOON + 3)) == 2
    assert found.minutes_in(range(NOON + 3, NOON + 6)) == 2
    assert found.minutes_in(range(NOON + 6, NOON + 9)) == 0


@pytest.mark.property
@given(covered(), st.sampled_from(["DL", "D", "DLG"]))
def test_outages_have_every_down_minute_once(seen: tuple[Strip, str], down: str) -> None:
    letters, overlay = seen
    found = outages(letters, overlay, down=down)
    expected = [
        letters.start + n
        for n, (letter, over) in enumerate(zip(letters.plain, overlay, strict=True))
        if letter in down and over == "."
    ]
    assert [minute for outage in found for minute in outage.down] == expected
    assert all(outage.counted and outage.start == outage.down[0] for outage in found)


@pytest.mark.property
@given(covered(), st.integers(1, 5))
def test_between_two_outages_there_is_an_up_minute(
    seen: tuple[Strip, str], min_consecutive: int
) -> None:
    letters, overlay = seen
    found = outages(letters, overlay, down="DL", min_consecutive=min_consecutive)
    for this, following in itertools.pairwise(found):
        assert this.stop is not None
        assert this.down[-1] < this.stop < following.start
    for outage in found:
        assert outage.counted is (len(outage.down) >= min_consecutive)
        if outage.stop is not None:
            index = outage.stop - letters.start
            assert letters.plain[index] in "UG" and overlay[index] == "."
            inside = range(outage.start, outage.stop)
            assert not any(
                letters.at(Minute(m)).upper() in "UG" and overlay[m - letters.start] == "."
                for m in inside
            )
