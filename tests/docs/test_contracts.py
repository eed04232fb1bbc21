"""docs/contracts.md has every key of a contract's support and of a calendar file, and no other."""

import pytest

from tests.docs.pages import codes, section, tables
from uptimed.config import calendars, contracts
from uptimed.config.checking import Shape
from uptimed.core.support import ClockKind, Fault


def _told(heading: str, number: int) -> set[str]:
    table = tables(section("contracts.md", heading))[number]
    return {key for row in table[1:] for key in codes(row[0])}


@pytest.mark.parametrize(
    ("shape", "heading", "number"),
    [
        (contracts.CalendarShape, "Support", 0),
        (contracts.SeverityShape, "Support", 1),
        (contracts.ClockShape, "Support", 2),
        (calendars.CalendarFileShape, "Calendars", 0),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_the_table_of_a_part_has_its_keys_and_no_others(
    shape: type[Shape], heading: str, number: int
) -> None:
    keys = {field.alias or name for name, field in shape.model_fields.items()}
    assert _told(heading, number) == keys


def test_every_kind_of_clock_and_act_is_told() -> None:
    words = section("contracts.md", "Support")
    for name in (*ClockKind, *Fault):
        assert f'`"{name}"`' in words, name
