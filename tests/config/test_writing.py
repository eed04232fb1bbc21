"""A contract's document as TOML: it is read back as it was."""

import tomllib
from pathlib import Path

import pytest

from uptimed.config import preset_names
from uptimed.config.contracts import find_contract
from uptimed.config.writing import toml_of


@pytest.mark.parametrize("preset", preset_names())
def test_a_contract_is_read_back_as_it_was_written(preset: str) -> None:
    document = find_contract(preset, Path()).document

    assert tomllib.loads(toml_of(document, lambda _: "")) == document
    assert tomllib.loads(toml_of(document, lambda key: f"at {key}")) == document


def test_dates_windows_and_quotes_are_written_as_toml_has_them() -> None:
    text = """
    version = 2026-11-21
    [calendar]
    windows = { mon-fri = ["08:00-12:00"], sat = [] }
    holidays = [2026-12-25]
    extra_days = { 2026-12-26 = "mon" }
    [notes]
    quote = "a \\"b\\" \\\\ ñ"
    """
    document = tomllib.loads(text)

    assert tomllib.loads(toml_of(document, lambda _: "")) == document


def test_a_comment_names_the_value_that_it_is_beside() -> None:
    document = {"severities": [{"id": "high", "clocks": [{"clock": "restore", "target": "1h"}]}]}

    lines = toml_of(document, lambda key: key).splitlines()
    assert lines == [
        "[[severities]]",
        'id = "high"                                 # severities.high.id',
        "",
        "[[severities.clocks]]",
        'clock = "restore"                           # severities.high.clocks.restore.clock',
        'target = "1h"                               # severities.high.clocks.restore.target',
    ]
