"""Against a real InfluxDB 2, where one is at hand: every script has data, of the right shape."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.grafana import scripts
from tests.grafana.influx import (
    SERVICE,
    Influx,
    Table,
    influxdb,
    letter_lines,
    letters_of,
    look_lines,
)
from tests.grafana.pictures import CONTRACT
from tests.grafana.test_dashboards import PAGES, Json
from uptimed.clock import SystemClock
from uptimed.core.figures import Figures, figures
from uptimed.core.minutes import Minute, minute_of, moment_of, month_minutes, start_of
from uptimed.core.strip import NO_OVERLAY

HOURS = 6
_TIME = "dateTime:RFC3339"


@dataclass(frozen=True)
class Asked:
    """A server full of trouble up to *now*, asked as Grafana asks."""

    influx: Influx
    now: Minute

    def answer(self, script: str, **chosen: str) -> list[Table]:
        """Return what a script yields for a page whose range is the last hours."""
        stop = moment_of(start_of(self.now))
        given = {
            "v.timeRangeStart": _written((stop - timedelta(hours=HOURS)).isoformat()),
            "v.timeRangeStop": _written(stop.isoformat()),
            "v.windowPeriod": "1m0s",
        }
        buckets = {"looks": self.influx.looks, "letters": self.influx.letters}
        patterns = {"probe": ".*", "zone": "UTC"}
        return self.influx.query(
            scripts.filled_in(script, given=given, chosen=buckets | patterns | chosen)
        )


def _written(moment: str) -> str:
    return moment.replace("+00:00", "Z")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with influxdb(tmp_path_factory.mktemp("influxdb")) as influx:
        now = minute_of(SystemClock().now())
        influx.write(influx.letters, letter_lines(now))
        influx.write(influx.looks, look_lines(now))
        yield Asked(influx, now)


@pytest.mark.slow
@pytest.mark.parametrize("uid", scripts.IN_FLUX)
def test_every_script_of_a_panel_has_data_of_the_shape_that_it_needs(
    uid: str, asked: Asked
) -> None:
    for name, panel, script in scripts.of_panels(PAGES[uid]):
        tables = [table for table in asked.answer(script) if table.rows]
        assert tables, name
        for table in tables:
            _fits(name, panel, table)


def _fits(name: str, panel: Json, table: Table) -> None:
    """Hold a table to what Grafana makes of it: see `grafana.building.influxdb.dialect`."""
    timed = _TIME in table.types.values()
    if panel["type"] == "table":
        columns = panel["transformations"][-1]["options"]["renameByName"].keys()
        assert "_value" not in table.types, name
        assert set(columns) == table.types.keys(), name
        return
    assert table.types["_value"] in {"long", "double"}, name
    labels = {column for column in table.types if not column.startswith("_")}
    wanted = set(re.findall(r"labels\.(\w+)", _legend(panel, name[-1])))
    assert wanted <= labels, name
    assert timed or not labels, name
    assert all(table.types[label] == "string" for label in labels), name
    assert any(row["_value"] for row in table.rows), f"{name}: nothing but nulls"
    if panel["type"] in {"timeseries", "state-timeline"}:
        assert table.types["_time"] == _TIME, name


def _legend(panel: Json, ref: str) -> str:
    overrides = panel["fieldConfig"]["overrides"]
    named = [one["properties"] for one in overrides if one["matcher"]["options"] == ref]
    return str(named)


@pytest.mark.slow
@pytest.mark.parametrize("uid", scripts.IN_FLUX)
def test_every_choice_has_something_to_choose_from(uid: str, asked: Asked) -> None:
    for name, script in scripts.of_choices(PAGES[uid]):
        tables = asked.answer(script)
        assert [row for table in tables for row in table.rows], name


def _only(asked: Asked, uid: str, title: str, **chosen: str) -> Mapping[str, str]:
    found = {panel["title"]: script for _, panel, script in scripts.of_panels(PAGES[uid])}
    (table,) = asked.answer(found[title], **chosen)
    (row,) = [row for row in table.rows if row.get("service", SERVICE) == SERVICE]
    return row


@pytest.mark.slow
def test_what_is_down_now_and_what_is_not_measured_is_counted(asked: Asked) -> None:
    everyone = {"client": ".*", "service": ".*"}
    assert _only(asked, "uptimed-influxdb-fleet", "Down now", **everyone)["_value"] == "1"
    row = _only(asked, "uptimed-influxdb-fleet", "Not measured now", **everyone)
    assert row["_value"] == "1"
    assert _only(asked, "uptimed-influxdb-fleet", "Services", **everyone)["_value"] == "3"


def _month(now: Minute, zone: str) -> Figures:
    """Return the figures of the month by the rules that reports and metrics go by."""
    last = moment_of(start_of(now)).astimezone(ZoneInfo(zone))
    month = month_minutes(last.year, last.month, ZoneInfo(zone))
    strip = letters_of(SERVICE, "local", now)
    known = strip.cut(Minute(max(month.start, strip.start)), now)
    if not known.letters:
        pytest.skip("the month begins with this very minute")
    return figures(
        known, NO_OVERLAY * len(known.letters), (), CONTRACT, has_login=True,
        ahead=len(month) - len(known.letters),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("zone", ["UTC", "America/Bogota", "Europe/Moscow"])
def test_the_month_in_flux_is_the_month_of_the_report(zone: str, asked: Asked) -> None:
    wanted = _month(asked.now, zone)
    row = _only(asked, "uptimed-influxdb-slo", "The month in figures", zone=zone)
    assert int(row["down"]) == wanted.down > 0
    assert int(row["allowed"]) == wanted.allowed
    assert int(row["left"]) == wanted.remaining
    assert wanted.availability_ppm
    assert round(float(row["availability"]) * 1_000_000) == wanted.availability_ppm
    assert round(float(row["coverage"]) * 1_000_000) == wanted.coverage_ppm


@pytest.mark.slow
def test_an_outage_is_drawn_from_its_first_minute_until_now(asked: Asked) -> None:
    (script,) = (
        script for name, script in scripts.of_choices(PAGES["uptimed-influxdb-service"])
        if name.endswith("Outages")
    )  # fmt: skip
    (table,) = asked.answer(script)
    (row,) = table.rows  # the one of the range; another was withdrawn
    assert row["text"] == "system down, 4 minutes, going on"
    assert row["time"] == _written(moment_of(start_of(Minute(asked.now - 4))).isoformat())
    assert int(row["timeEnd"]) >= start_of(asked.now) // 1000


@pytest.mark.slow
def test_a_minute_without_a_letter_is_a_gap_in_the_minute_map(asked: Asked) -> None:
    for _, panel, script in scripts.of_panels(PAGES["uptimed-influxdb-fleet"]):
        if panel["type"] == "state-timeline":
            everyone = {"client": ".*", "service": "acme-mail"}
            (table,) = asked.answer(script, **everyone)
            drawn = [row["_value"] for row in table.rows]
            assert drawn == [""] * (HOURS * 60 - 300) + ["0"] * 300
