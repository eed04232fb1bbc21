"""`uptimed influx setup`, and what is said where InfluxDB cannot be read."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.cli.commands import ACME, call, write_config
from tests.stores.influx_double import TOKEN, Reply, answer, half, hang, page, reset
from tests.stores.influx_elsewhere import Elsewhere, stand_in
from uptimed.stores.influx_setup import TASK


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    with stand_in() as made:
        monkeypatch.setenv("INFLUX", TOKEN)
        yield made


@pytest.fixture
def config(there: Elsewhere, tmp_path: Path) -> Path:
    return write_config(tmp_path, f'{there.section}timeout = "300ms"\n{ACME}')


def test_what_is_needed_is_made_once(there: Elsewhere, config: Path) -> None:
    first = call("influx", "setup", "--keep-looks", "90", config=config)
    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout.splitlines() == [
        "made: bucket uptimed_looks, keeps 90 days",
        "made: bucket uptimed_letters, keeps for good",
        f"made: task {TASK}",
    ]
    second = json.loads(
        call("influx", "setup", "--keep-looks", "90", "--json", config=config).stdout
    )
    assert second == {
        "made": [], "would_make": [], "remarks": [], "problems": [], "to_run": None,
        "there": ["bucket uptimed_looks", "bucket uptimed_letters", f"task {TASK}"],
    }  # fmt: skip


def test_what_is_there_and_is_not_as_it_would_be_made_is_told(
    there: Elsewhere, config: Path
) -> None:
    assert there.double is not None
    call("influx", "setup", config=config)
    there.double.buckets["uptimed_letters"]["retentionRules"] = [
        {"type": "expire", "everySeconds": 30 * 86_400}
    ]
    there.double.tasks[0]["flux"] += "// mended by hand"
    result = call("influx", "setup", config=config)
    assert result.exit_code == 0
    assert "note: bucket uptimed_letters: keeps 30 days; made here, it keeps for good\n" in (
        result.stdout
    )
    assert f"note: task {TASK}: another than this version makes" in result.stdout


def test_a_dry_run_makes_nothing(there: Elsewhere, config: Path) -> None:
    assert there.double is not None
    result = call("influx", "setup", "--dry-run", config=config)
    assert result.exit_code == 1
    assert "would make: bucket uptimed_looks, keeps 400 days\n" in result.stdout
    assert "influx bucket create --host" in result.stdout
    assert there.double.buckets == {} and there.double.tasks == []


def test_what_the_token_may_not_do_is_printed_as_commands(there: Elsewhere, config: Path) -> None:
    assert there.double is not None
    there.double.may_create = False
    result = call("influx", "setup", config=config)
    assert result.exit_code == 1
    assert "not made: bucket uptimed_looks: status 403; the token may not do this" in result.stderr
    assert result.stdout.startswith("influx bucket create --host")
    assert result.stdout.endswith("FLUX\n")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (answer(401, "unauthorized", "unauthorized access"), "the token is wrong, or may not"),
        (answer(404, "not found", "path not found"), "this is not InfluxDB 2; see `url`"),
        (answer(503, "unavailable", "starting"), "status 503; starting"),
        (answer(302, Location="http://127.0.0.1:1/"), "it sends us elsewhere"),
        (page(), "its answer is none of InfluxDB's; see `url`"),
        (half, "its answer broke off"),
        (hang, "nothing within 0.3 s"),
        (reset, "Server disconnected"),
    ],
)
def test_whatever_answers_is_told_in_a_line(
    there: Elsewhere, config: Path, reply: Reply, said: str
) -> None:
    assert there.double is not None
    there.double.always_elsewhere = reply
    result = call("influx", "setup", config=config)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr + result.stdout


def test_without_a_section_there_is_nothing_to_set_up(tmp_path: Path) -> None:
    result = call("influx", "setup", config=write_config(tmp_path))
    assert (result.exit_code, result.stderr) == (2, "there is no [influxdb] in the configuration\n")


async def _cut(request: web.Request) -> web.StreamResponse:
    """Promise a whole answer, send a part of it, and go."""
    response = web.StreamResponse(headers={"Content-Type": "text/csv", "Content-Length": "9999"})
    await response.prepare(request)
    await response.write(b"#datatype,string,long,string\r\n#group,false,false,false\r\n")
    await asyncio.sleep(0)  # noqa: TID251
    assert request.transport is not None
    request.transport.abort()
    return response


_REPORT = ("report", "--month", "2026-10", "--format", "json", "--from", "influx")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (answer(400, "invalid", "compilation failed"), "status 400; compilation failed"),
        (answer(401, "unauthorized", "unauthorized access"), "the token is wrong; see `token`"),
        (answer(403, "forbidden", "no"), "the token may not read from this bucket"),
        (answer(404, "not found", "could not find bucket"), "or the token may not read it; see"),
        (answer(429, "too many", "slow down"), "status 429; slow down"),
        (answer(500, "internal", "panic"), "status 500; panic"),
        (answer(503, "unavailable", "queue full"), "status 503; queue full"),
        (answer(307, Location="http://127.0.0.1:1/"), "it sends us elsewhere"),
        (page(), "its answer is none of InfluxDB's; see `url`"),
        (page(502), "status 502; a page of HTML instead of JSON"),
        (_cut, "its answer broke off"),
        (half, "its answer broke off"),
        (hang, "nothing within 0.3 s"),
        (reset, "Server disconnected"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(
    there: Elsewhere, config: Path, reply: Reply, said: str
) -> None:
    assert there.double is not None
    there.double.always_elsewhere = reply
    result = call(*_REPORT, config=config)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"InfluxDB at {there.url}: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_server_that_is_away_is_told(config: Path, there: Elsewhere) -> None:
    text = config.read_text(encoding="utf-8").replace(there.url, "http://127.0.0.1:9")
    config.write_text(text, encoding="utf-8")
    result = call(*_REPORT, config=config)
    assert result.exit_code == 2
    assert "cannot connect to 127.0.0.1 port 9" in result.stderr


def test_a_missing_token_is_told_by_its_place(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INFLUX")
    result = call(*_REPORT, config=config)
    assert result.exit_code == 2
    assert "environment variable INFLUX is not set" in result.stderr


def test_where_nobody_brought_anything_it_says_so(config: Path) -> None:
    result = call(*_REPORT, config=config)
    assert result.exit_code == 2
    assert "no monitor has brought letters there yet" in result.stderr


@pytest.mark.parametrize("monitors", [("madrid",), ("bogota", "madrid")])
def test_letters_are_those_of_this_vantage_or_of_the_only_one(
    there: Elsewhere, config: Path, monitors: tuple[str, ...]
) -> None:
    assert there.double is not None
    for name in monitors:
        key = ("uptimed_laid", (("service", "crm"), ("vantage", name)), 1_790_000_000_000_000_000)
        there.double.points["uptimed_letters"][key] = {"letters": "." * 60}
    result = call(*_REPORT, config=config)
    if len(monitors) == 1:
        assert result.exit_code == 0, result.stderr
    else:
        assert "has the letters of bogota, madrid and none of local" in result.stderr
        assert "[vantage] name" in result.stderr


def test_without_a_section_there_is_nothing_to_read(tmp_path: Path) -> None:
    result = call(*_REPORT, config=write_config(tmp_path))
    assert result.exit_code == 2
    assert result.stderr == "there is no [influxdb] in the configuration to read from\n"


@pytest.mark.parametrize(
    "origins", [("influx", "journal"), ("2026-10-01T00:00", "2026-10-01T00:01")]
)
def test_export_reads_from_one_place_and_begins_once(
    config: Path, origins: tuple[str, str]
) -> None:
    given = [part for name in origins for part in ("--from", name)]
    result = call("export", *given, "--to", "2026-10-02T00:00", config=config)
    assert result.exit_code == 2
    assert result.stderr.startswith(
        f"--from: found {origins[0]} and {origins[1]}, wanted one minute"
    )
