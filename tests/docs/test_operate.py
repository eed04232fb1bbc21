"""docs/operate.md has every metric, command and option, and no other."""

import re
from collections.abc import Iterator

import click
import pytest

from tests.docs.pages import DOCS, PAGES, codes, indented, section, tables, text_of
from uptimed.cli import uptimed
from uptimed.core.observations import OURS, Cause, Instant
from uptimed.core.settings import Influx
from uptimed.core.snapshot import (
    ConfigHealth,
    FollowerView,
    GatherView,
    HistogramData,
    MailView,
    ServiceView,
    Snapshot,
    StoreHealth,
)
from uptimed.daemon import run as daemon
from uptimed.metrics import page
from uptimed.stores import influx_follower, influx_points, influx_records, influx_setup

_NO_TIMES = HistogramData((1,), (0, 0), 0)
_SNAPSHOT = Snapshot(
    at=Instant(0),
    vantage="local",
    started_at=Instant(0),
    software="0",
    services={"acme-crm": ServiceView(service="acme-crm", client="acme")},
    probes={},
    schedule_lag=_NO_TIMES,
    look_durations={"http": _NO_TIMES},
    loop_lag_us=0,
    bugs=0,
    store=StoreHealth(),
    config=ConfigHealth(loaded_at=Instant(0)),
    clock_offset_us=0,
    followers=(FollowerView(name="influx"),),
    gather=GatherView(),
    mail=MailView(),
)


def test_every_metric_is_told_and_no_other() -> None:
    served = set(re.findall(r"^# TYPE (\S+) ", page(_SNAPSHOT).decode(), re.MULTILINE))
    table = tables(section("operate.md", "Metrics"))[0]
    assert {codes(row[0])[0] for row in table[1:]} == served


_INFLUX = Influx(url="", org="")
_IN_INFLUXDB = {
    *(influx_points.LOOK, influx_points.MINUTE_OF, influx_points.OUTAGE),
    *(influx_setup.HOUR, influx_setup.LOOK_HOUR, influx_follower.SIGN_OF_LIFE),
    *influx_records.MEASUREMENTS,
    *(_INFLUX.bucket_looks, _INFLUX.bucket_letters),
}


def test_no_page_speaks_of_a_metric_that_is_not_served() -> None:
    served = set(re.findall(r"^# TYPE (\S+) ", page(_SNAPSHOT).decode(), re.MULTILINE))
    spoken = {name for p in PAGES for name in re.findall(r"\buptimed_[a-z_]+", text_of(p))}
    assert spoken - served - _IN_INFLUXDB == set()


def _commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(uptimed)
    for name in uptimed.list_commands(context):
        command = uptimed.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", one) for sub, one in command.commands.items())
        else:
            yield name, command


_COMMANDS = dict(_commands())


def _options(command: click.Command) -> set[str]:
    options = [p for p in command.params if isinstance(p, click.Option)]
    return {name for option in options for name in (*option.opts, *option.secondary_opts)}


def test_every_command_is_told_and_no_other() -> None:
    table = tables(section("operate.md", "Commands"))[0]
    assert [codes(row[0])[0] for row in table[1:]] == list(_COMMANDS)


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_option_of_a_command_is_told_and_no_other(name: str) -> None:
    table = tables(section("operate.md", "Commands"))[0]
    row = next(row for row in table if codes(row[0]) == [name])
    assert set(codes(row[1])) == _options(_COMMANDS[name])


_PARTS = "|".join(sorted({name.split()[1] for name in _COMMANDS if " " in name}))
_CALL = re.compile(rf"\buptimed ([a-z]+(?: (?:{_PARTS})\b)?)((?: [^\s`|#]+)*)")
_CALLS = [
    (page.name, *match.groups())
    for page in PAGES
    for text in (*codes(text_of(page)), *(" ".join(piece) for piece in indented(text_of(page))))
    for match in _CALL.finditer(re.sub(r"\s+\\?\s*", " ", text))
    if match[1].split()[0] in {name.split()[0] for name in _COMMANDS}
]


def test_the_pages_call_only_options_that_are_there() -> None:
    assert len(_CALLS) > 20
    wrong = [
        f"{page}: uptimed {name}{rest}"
        for page, name, rest in _CALLS
        for option in re.findall(r"(?<=\s)--[a-z-]+", rest.partition(" uptimed ")[0])
        if name not in _COMMANDS or option not in {*_options(_COMMANDS[name]), "--help"}
    ]
    assert wrong == []


def test_every_cause_is_told_and_no_other() -> None:
    table = tables(section("classify.md", "Causes"))[0]
    told = [cause for row in table[1:] for cause in codes(row[0])]
    assert sorted(told) == sorted(Cause)


def test_every_fault_of_our_own_is_told_of() -> None:
    table = tables(section("classify.md", "What is our fault"))[0]
    assert {cause for row in table[1:] for cause in codes(row[1])} == set(OURS)


def test_the_service_unit_is_as_patient_as_the_daemon_needs() -> None:
    unit = dict(
        line.split("=", 1)
        for line in (DOCS / "uptimed.service").read_text(encoding="utf-8").splitlines()
        if "=" in line and not line.startswith("#")
    )
    assert unit["Type"] == "notify"
    assert int(unit["WatchdogSec"]) * 1_000_000 >= 3 * daemon._WATCHDOG_US
    assert int(unit["TimeoutStopSec"]) > daemon._STOP_S
    assert unit["ExecStart"].split()[1:3] == ["run", "--config"]
