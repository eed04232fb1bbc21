"""Tables in the terminal."""

import click
import pytest

from uptimed.cli.common import table

HEADER = ["REFERENCE", "STATE", "MISSED"]
ROWS = [["ACME-2026-0001", "open", click.style("restore", fg="red")], ["ACME-2026-0002", "-", "-"]]
WIDE = """\
REFERENCE       STATE  MISSED
ACME-2026-0001  open   restore
ACME-2026-0002  -      -
"""
STACKED = """\
REFERENCE  ACME-2026-0001
STATE      open
MISSED     restore

REFERENCE  ACME-2026-0002
STATE      -
MISSED     -
"""


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        pytest.param(None, WIDE, id="read by a program"),
        pytest.param(30, WIDE, id="just as wide as the terminal"),
        pytest.param(29, STACKED, id="wider than the terminal"),
    ],
)
def test_a_table_that_does_not_fit_is_printed_row_by_row(
    within: int | None, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table(HEADER, ROWS, within=within)
    assert click.unstyle(capsys.readouterr().out) == expected
