"""Whatever stands in a file, it loads or its mistakes are told: nothing else ever comes out."""

import copy
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptimed.config import ConfigError
from uptimed.config.building import build
from uptimed.config.checking import Findings, Place
from uptimed.config.contracts import read_contract
from uptimed.config.reading import Document

HERE = Path(__file__).parent
GOOD = tomllib.loads((HERE / "good.toml").read_text("utf-8"))
PRESET = HERE.parents[1] / "uptimed" / "contracts" / "datacrm.toml"
CONTRACT = tomllib.loads(PRESET.read_text("utf-8"))
CANARY = "canary-7f3a"

Step = str | int
ODD: tuple[object, ...] = (
    "", " ", "x", "*", "\n", "\x00", "https://", "1m", "0", "é", "a" * 5000, "[", "@", ":", "d",
    0, 1, -1, 10**30, 0.5, float("nan"), float("inf"), True, False,
    datetime(1, 1, 1, tzinfo=UTC), datetime(2026, 1, 1), date(9999, 12, 31), time(1),  # noqa: DTZ001
    [], [[]], [""], [{}], ["a", 1], {}, {"": ""}, {"id": 1}, {"id": "x"}, {"env": "?"},
)  # fmt: skip


def _places(value: object, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    if path:
        yield path
    items: Iterator[tuple[Step, object]] = iter(())
    if isinstance(value, dict):
        items = iter(value.items())
    elif isinstance(value, list):
        items = iter(enumerate(value))
    for step, item in items:
        yield from _places(item, (*path, step))


def _with(table: dict[str, Any], path: tuple[Step, ...], value: object) -> dict[str, Any]:
    changed: Any = copy.deepcopy(table)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed  # type: ignore[no-any-return]


def _said(table: dict[str, Any]) -> str:
    try:
        build((Document(HERE / "good.toml", table),), flows=["vtiger"])
    except ConfigError as error:
        return str(error) or "an error without a word"
    return ""


def _try(table: dict[str, Any]) -> None:
    assert _said(table) != "an error without a word"


def _try_contract(table: dict[str, Any]) -> None:
    findings = Findings()
    contract = read_contract(table, Place("ours.toml", "", findings))
    assert (contract is None) == bool(findings.mistakes)


def test_some_value_may_stand_anywhere() -> None:
    for number, path in enumerate(_places(GOOD)):
        _try(_with(GOOD, path, ODD[number * 7 % len(ODD)]))
    for number, path in enumerate(_places(CONTRACT)):
        _try_contract(_with(CONTRACT, path, ODD[number * 7 % len(ODD)]))


@pytest.mark.slow
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: ascii(odd)[:20])
def test_any_value_may_stand_anywhere(odd: object) -> None:
    for path in _places(GOOD):
        _try(_with(GOOD, path, odd))
    for path in _places(CONTRACT):
        _try_contract(_with(CONTRACT, path, odd))


@pytest.mark.property
@given(data=st.data())
def test_several_odd_values_at_once_are_told_too(data: st.DataObject) -> None:
    table = GOOD
    for _ in range(data.draw(st.integers(2, 6))):
        places = sorted(_places(table), key=str)
        path = data.draw(st.sampled_from(places))
        table = _with(table, path, data.draw(st.sampled_from(ODD)))
    _try(table)


@pytest.mark.slow
def test_a_secret_in_clear_is_not_told_wherever_it_stands() -> None:
    """In the name of a variable, or as a string where the place of a secret is wanted."""
    for path in _places(GOOD):
        if path[-1] != "need":  # whose keys are roles: `env` is a wrong one, with a wrong number
            assert CANARY not in _said(_with(GOOD, path, {"env": CANARY + "!"}))
        if path[-1] in {"password", "Authorization", "accounts", "headers"}:
            assert CANARY not in _said(_with(GOOD, path, CANARY))


def test_any_key_may_be_missing() -> None:
    for path in _places(GOOD):
        table = copy.deepcopy(GOOD)
        place: Any = table
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]
        _try(table)
