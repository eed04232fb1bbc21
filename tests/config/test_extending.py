"""A contract file that extends another: what counts, and where each value comes from."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptimed.config import load_contract
from uptimed.config.contracts import find_contract
from uptimed.config.extending import merged
from uptimed.core.documents import flat
from uptimed.core.settings import Contract
from uptimed.core.support import ClockKind

OWN = 'id = "ours"\nversion = "2"\nextends = "datacrm"\n'


def _file(tmp_path: Path, text: str, name: str = "ours.toml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def _ours(tmp_path: Path, text: str) -> Contract:
    return load_contract(str(_file(tmp_path, OWN + text)))


def test_a_file_that_extends_and_says_nothing_has_the_other_terms(tmp_path: Path) -> None:
    preset, ours = load_contract("datacrm"), _ours(tmp_path, "")

    assert ours.support == preset.support
    assert (ours.terms.id, ours.terms.version) == ("ours", "2")
    assert (ours.terms.target, ours.terms.house) == (preset.terms.target, preset.terms.house)


def test_a_value_of_a_table_is_replaced_alone(tmp_path: Path) -> None:
    terms = _ours(tmp_path, '[availability]\ntarget = "99.5"\n').terms

    assert (terms.target, terms.promised, terms.down) == ("99.5", True, "DL")


def test_severities_are_merged_by_id_and_new_ones_come_last(tmp_path: Path) -> None:
    text = '[[severities]]\nid = "cosmetic"\n[[severities]]\nid = "incident"\nname = "Fallo"\n'
    severities = _ours(tmp_path, text).support.severities

    names = [severity.id for severity in severities]
    assert names == ["system_down", "incident", "development", "improvement", "cosmetic"]
    assert (severities[1].name, severities[1].letters) == ("Fallo", "G")


def test_a_severity_can_be_taken_away(tmp_path: Path) -> None:
    text = '[[severities]]\nid = "improvement"\nremove = true\n'
    severities = _ours(tmp_path, text).support.severities

    assert [severity.id for severity in severities] == ["system_down", "incident", "development"]


def test_an_empty_list_takes_all_away(tmp_path: Path) -> None:
    ours = _ours(tmp_path, "severities = []\npauses = []\n")

    assert (ours.support.severities, ours.support.pauses) == ((), ())
    assert not [key for key in ours.terms.house if key.startswith("severities")]


def test_a_clock_is_merged_by_its_kind_and_loses_the_words_of_another_target(
    tmp_path: Path,
) -> None:
    text = """
    [[severities]]
    id = "system_down"
    [[severities.clocks]]
    clock = "restore"
    target = "1h"
    """
    registration, restore = _ours(tmp_path, text).support.severities[0].clocks

    assert (registration.clock, registration.words) == (ClockKind.REGISTRATION, "Inmediato")
    assert restore.target is not None
    assert (restore.target.text, restore.calendar, restore.words) == ("1h", "24x7", "")


def test_clocks_of_two_channels_are_two(tmp_path: Path) -> None:
    text = """
    id = "ours"
    version = "2"
    extends = "saleslayer"
    [[plans]]
    id = "enterprise"
    [[plans.clocks]]
    clock = "first_response"
    channel = "chat"
    target = "3min"
    """
    plan = load_contract(str(_file(tmp_path, text))).support.plans[0]

    assert [clock.target.text for clock in plan.clocks if clock.target] == ["2h", "3min"]


def test_windows_are_replaced_as_a_whole(tmp_path: Path) -> None:
    hours = _ours(tmp_path, '[calendar]\nwindows = { sat = ["09:00-13:00"] }\n').support.calendar

    assert hours.hours is not None
    assert dict(hours.hours.windows) == {5: ((540, 780),)}
    assert hours.holidays == "CO"


def test_what_a_file_writes_is_no_house_reading_any_more(tmp_path: Path) -> None:
    text = '[availability]\nmin_coverage = "99"\n[calendar]\nholidays = "ES"\n'
    house = _ours(tmp_path, text).terms.house

    assert "availability.min_coverage" not in house
    assert "calendar.holidays" not in house
    assert {"timezone", "severities.system_down.clocks.restore.calendar"} <= set(house)


def test_a_file_can_mark_its_own_house_readings(tmp_path: Path) -> None:
    text = 'house = ["calendar.holidays"]\n[calendar]\nholidays = "ES"\n'

    assert "calendar.holidays" in _ours(tmp_path, text).terms.house


def test_the_marks_of_what_was_taken_away_go_with_it(tmp_path: Path) -> None:
    text = '[[severities]]\nid = "improvement"\nremove = true\n'
    house = _ours(tmp_path, text).terms.house

    assert not [key for key in house if "improvement" in key]


def test_own_goals_take_the_place_of_all_the_others_and_their_marks(tmp_path: Path) -> None:
    text = """
    id = "ours"
    version = "2"
    extends = "itil-native"
    [[goals]]
    percent = "99"
    clocks = ["first_response"]
    """
    found = load_contract(str(_file(tmp_path, text)))

    assert [goal.percent for goal in found.support.goals] == ["99"]
    assert not [key for key in found.terms.house if key.startswith("goals")]


def test_a_file_may_extend_one_that_extends_a_preset(tmp_path: Path) -> None:
    _file(tmp_path, OWN + '[availability]\ntarget = "99.5"\n', "group.toml")
    text = 'id = "mine"\nversion = "3"\nextends = "./group.toml"\nname = "Mine"\n'
    found = find_contract(str(_file(tmp_path, text, "mine.toml")), Path())

    assert [Path(file).name for file in found.lineage] == [
        "mine.toml",
        "group.toml",
        "datacrm.toml",
    ]
    assert found.origins["name"] == "mine.toml"
    assert found.origins["availability.target"] == "group.toml"
    assert found.origins["severities.system_down.clocks.restore.target"] == "datacrm"


def test_the_hash_is_that_of_the_same_terms_written_in_full(tmp_path: Path) -> None:
    terms = _ours(tmp_path, '[availability]\ntarget = "99.5"\n').terms

    assert '"extends"' not in terms.canonical
    assert '"target":"99.5"' in terms.canonical
    assert terms.sha256 == hashlib.sha256(terms.canonical.encode()).hexdigest()


def test_a_change_of_what_is_extended_changes_the_hash(tmp_path: Path) -> None:
    _file(tmp_path, OWN, "group.toml")
    mine = _file(tmp_path, 'id = "mine"\nversion = "3"\nextends = "group.toml"\n', "mine.toml")
    before = load_contract(str(mine)).terms.sha256
    _file(tmp_path, OWN + '[availability]\ntarget = "99.5"\n', "group.toml")

    assert load_contract(str(mine)).terms.sha256 != before


values = st.integers(0, 3)
items = st.fixed_dictionaries({"id": st.sampled_from("xyz")}, optional={"a": values})
lists = st.lists(items, max_size=3, unique_by=lambda item: item["id"])
inner = st.dictionaries(st.sampled_from(["a", "b", "windows"]), values, max_size=3)
tables = st.dictionaries(
    st.sampled_from(["a", "b", "windows", "severities"]), values | inner | lists, max_size=4
)


@pytest.mark.property
@given(tables)
def test_nothing_over_a_document_and_a_document_over_itself_change_nothing(
    document: dict[str, object],
) -> None:
    assert merged(document, {}) == document
    assert merged(document, document) == document


@pytest.mark.property
@given(tables, tables)
def test_every_value_that_a_file_writes_counts(
    base: dict[str, object], own: dict[str, object]
) -> None:
    values = dict(flat(merged(base, own)))

    assert {key: value for key, value in flat(own) if value != {}}.items() <= values.items()
