"""The pictures: every outage to be seen, no element per run."""

from zoneinfo import ZoneInfo

import pytest

from reports import charts
from reports.figures import Words
from reports.language import language_of
from tests.reports import samples
from uptimed.core.statement import Period, ServiceStatement

WORDS = Words(language_of("en"), ZoneInfo(samples.BOGOTA))


def _service(marks: dict[int, str], span: Period) -> ServiceStatement:
    return samples.service(span, marks, samples.contract(span.zone_name))


def _path(svg: str, state: str) -> str:
    colour = charts.LOOKS[state].colour
    return next(part for part in svg.split("<path ") if f'stroke="{colour}"' in part)


@pytest.mark.parametrize("at", [0, 1, 700, 1439, 44_639])
def test_an_outage_of_one_minute_is_drawn_three_wide_and_within_its_day(at: int) -> None:
    span = samples.period("2026-10")
    svg = charts.minute_map(_service({at: "D"}, span), span, WORDS, "map")
    path = _path(svg, "D")
    assert "h3" in path
    x = float(path.partition("M")[2].partition(" ")[0])
    assert 104 <= x <= 104 + 1440 - 3


@pytest.mark.parametrize(
    ("month", "lengths"), [("2026-03", {1440, 1380}), ("2026-10", {1440, 1500})]
)
def test_a_day_with_a_clock_change_has_its_own_length(month: str, lengths: set[int]) -> None:
    span = samples.period(month, samples.MADRID)
    rows = charts.day_rows(_service({}, span), span)
    assert {row.length for row in rows} == lengths
    assert sum(row.length for row in rows) == span.minutes
    assert len(rows) == 31


def test_a_state_has_one_path_however_often_it_occurs() -> None:
    span = samples.period("2026-10")
    svg = charts.minute_map(_service({n * 20: "D" for n in range(2000)}, span), span, WORDS, "map")
    assert svg.count(f'stroke="{charts.LOOKS["D"].colour}"') == 1


def test_a_map_of_very_many_runs_is_a_picture_of_pixels() -> None:
    span = samples.period("2026-10")
    svg = charts.minute_map(_service({n * 4: "D" for n in range(11_000)}, span), span, WORDS, "map")
    assert "data:image/png;base64," in svg
    assert len(svg) < 60_000


def test_minutes_ahead_are_not_drawn_as_up() -> None:
    span = samples.period("2026-10", judged=1440)
    svg = charts.minute_map(_service({}, span), span, WORDS, "map")
    assert _path(svg, "U").count("M") == 1


def test_an_overlay_lies_over_its_letters_and_hides_none() -> None:
    statement = samples.breached()
    service = statement.services[0]
    svg = charts.minute_map(service, statement.period, WORDS, "map")
    assert "h120" in _path(svg, "M")
    assert svg.index(charts.LOOKS["D"].colour) < svg.index(charts.LOOKS["M"].colour)


def test_the_bar_of_a_day_bears_its_down_minutes() -> None:
    span = samples.period("2026-10")
    svg = charts.day_bars(_service({0: "DDLG", 1440: "G"}, span), span, down="DL", title="bars")
    assert ">3</text>" in svg
    assert svg.count('font-weight="700"') == 1


def test_no_two_states_look_the_same_without_colour() -> None:
    shapes = {
        state: (look.top, look.bottom) for state, look in charts.LOOKS.items() if state in "NGLD"
    }
    assert len(set(shapes.values())) == len(shapes)


def test_a_title_is_escaped() -> None:
    span = samples.period("2026-10")
    assert "<b>" not in charts.minute_map(_service({}, span), span, WORDS, "<b>")
