"""Looks in and out of files, letters out, and copies of the journal."""

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from tests.cli.commands import (
    ACME,
    FRONT,
    LOGIN,
    an_hour_ago,
    call,
    iso,
    journal_of,
    jsonl,
    look,
    looks,
    minute,
    runs,
    settings_of,
    write_config,
)
from uptimed.clock import SystemClock
from uptimed.core.chain import GENESIS, attempts_digest, seal_record
from uptimed.core.minutes import MINUTES_PER_DAY, Minute, day_minutes
from uptimed.ledger.reading import letters
from uptimed.ports import Batch, Seal
from uptimed.stores.sqlite import open_ledger, open_reader

SCRIPT = str(Path(sys.executable).with_name("uptimed"))
NOON = minute("2026-10-03 12:00")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path)


def strip(config: Path, start: Minute, minutes: int, service: str = "crm") -> str:
    """Return the letters on record."""
    with open_reader(journal_of(config)) as reader:
        found = settings_of(config).service(service)
        return letters(reader, found, start, Minute(start + minutes)).letters


def attempts(config: Path) -> int:
    """Return how many attempts are on record."""
    if not journal_of(config).exists():
        return 0
    with sqlite3.connect(journal_of(config)) as journal:
        found = journal.execute("SELECT count(*) FROM attempt").fetchone()[0]
    journal.close()
    return int(found)


def take(config: Path, tmp_path: Path, text: str, *options: str, name: str = "looks.jsonl") -> str:
    """Take in a file; return what was said."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    result = call("import", str(path), *options, config=config)
    assert result.exit_code == 0, result.stderr
    return result.stdout


# Taking in


def test_looks_become_letters(config: Path, tmp_path: Path) -> None:
    said = take(config, tmp_path, jsonl(looks(NOON, "UUDDNU")))
    assert said == "5 new attempts, 0 known already; 1 day settled\n"
    assert strip(config, NOON, 6) == "UUDDNU"


def test_csv_says_what_jsonl_says(config: Path, tmp_path: Path) -> None:
    columns = ["service", "probe", "vantage", "at", "outcome", "cause", "detail", "took_ms"]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns)
    writer.writeheader()
    writer.writerows(looks(NOON, "UDU"))
    take(config, tmp_path, buffer.getvalue(), name="looks.csv")
    assert strip(config, NOON, 3) == "UDU"


def test_the_example_of_the_format_is_taken_in_as_it_stands(tmp_path: Path) -> None:
    config = write_config(tmp_path, ACME.replace(f"[{FRONT}]", f"[{FRONT}, {LOGIN}]"))
    day, second = "2026-10-03T14:0", "2026-10-03T14:08:52.251Z"
    front = '{"service":"crm","probe":"front","vantage":"local","at":"'
    login = '{"service":"crm","probe":"login","vantage":"local","at":"'
    example = (
        f'{front}{day}7:12.250Z","outcome":"pass","took_ms":183}}\n'
        f'{front}{second}","outcome":"fail","cause":"connect_timeout",'
        '"detail":"nothing within 10 s","took_ms":10000}\n'
        f'{front}{day}9:07.300Z","look":"{second}","outcome":"pass","took_ms":201}}\n'
        f'{login}{day}8:20.100Z","outcome":"not_measured","cause":"local_dns"}}\n'
    )
    assert "4 new attempts" in take(config, tmp_path, example)
    # One fail and one pass confirm no failure; the login was never measured.
    assert strip(config, minute("2026-10-03 14:07"), 3) == "uuN"


def test_standard_input_is_read_and_its_format_found_out(config: Path) -> None:
    assert call("import", "-", config=config, stdin=jsonl(looks(NOON, "U"))).exit_code == 0
    rows = f"service,probe,vantage,at,outcome\ncrm,front,local,{iso(Minute(NOON + 1))},pass\n"
    assert call("import", "-", config=config, stdin=rows).exit_code == 0
    assert strip(config, NOON, 2) == "UU"


def test_a_byte_order_mark_is_no_part_of_the_first_line(config: Path) -> None:
    result = call("import", "-", config=config, stdin="\ufeff" + jsonl(looks(NOON, "U")))
    assert (result.exit_code, result.stderr) == (0, "")


def test_an_empty_file_brings_nothing(config: Path) -> None:
    result = call("import", "-", config=config)
    assert (result.exit_code, result.stdout) == (
        0, "0 new attempts, 0 known already; 0 days settled\n",
    )  # fmt: skip


def test_taking_in_twice_changes_nothing(config: Path, tmp_path: Path) -> None:
    text = jsonl(looks(NOON, "UUDDU"))
    take(config, tmp_path, text)
    before = strip(config, NOON, 5)
    assert take(config, tmp_path, text) == "0 new attempts, 5 known already; 0 days settled\n"
    assert strip(config, NOON, 5) == before
    assert attempts(config) == 5


@pytest.mark.parametrize("order", ["in order", "backwards", "in two files", "later file first"])
def test_the_order_of_lines_and_files_changes_no_letter(
    config: Path, tmp_path: Path, order: str
) -> None:
    lines = list(looks(NOON, "UUDDDUU" + "U" * 3000 + "DD"))
    match order:
        case "in order":
            parts = [lines]
        case "backwards":
            parts = [lines[::-1]]
        case "in two files":
            parts = [lines[:1000], lines[1000:]]
        case _:
            parts = [lines[1000:], lines[:1000]]
    for part in parts:
        take(config, tmp_path, jsonl(part))
    assert runs(strip(config, NOON, 3010)) == "2U 3D 3002U 2D 1N"


MALFORMED = [
    pytest.param('{"service":', "not JSON", id="no JSON"),
    pytest.param("[1]", "wanted an object", id="no object"),
    pytest.param(look(NOON, service="crn"), "service: found 'crn'", id="unknown service"),
    pytest.param(look(NOON, probe="back"), "probe: found 'back'", id="unknown probe"),
    pytest.param(look(NOON, "sleepy"), "outcome: found 'sleepy'", id="unknown outcome"),
    pytest.param(look(NOON, "rejected"), "outcome: found 'rejected'", id="an outcome of logins"),
    pytest.param(look("1999-12-31T23:59:59Z"), "before the year 2000", id="before 2000"),
    pytest.param(look("2999-01-01T00:00:00Z"), "in the future", id="the future"),
    pytest.param(look("2026-10-03 12:00"), "with its zone", id="no zone"),
    pytest.param(look(NOON, took_ms=-1), "took_ms", id="took less than nothing"),
    pytest.param(look(NOON, tok_ms=1), "unknown key 'tok_ms'", id="an unknown key"),
]


@pytest.mark.parametrize(("line", "reason"), MALFORMED)
def test_a_malformed_line_is_named_and_nothing_is_taken_in(
    config: Path, line: str | dict[str, object], reason: str
) -> None:
    bad = line if isinstance(line, str) else json.dumps(line)
    text = jsonl(looks(Minute(NOON + 5), "UU")) + bad + "\n" + jsonl(looks(Minute(NOON + 9), "U"))
    result = call("import", "-", config=config, stdin=text)
    assert result.exit_code == 2
    assert "standard input: line 3: " in result.stderr and reason in result.stderr
    assert "nothing was imported" in result.stderr
    assert attempts(config) == 0


def test_every_malformed_line_is_named(config: Path) -> None:
    text = "x\n" + jsonl(looks(NOON, "U")) + "y\n"
    stderr = call("import", "-", "--format", "jsonl", config=config, stdin=text).stderr
    assert "line 1: " in stderr and "line 3: " in stderr


def test_very_many_malformed_lines_are_counted(config: Path) -> None:
    stderr = call("import", "-", "--format", "jsonl", config=config, stdin="x\n" * 1234).stderr
    assert "line 100: " in stderr and "line 101: " not in stderr
    assert "and 1,134 more malformed lines" in stderr


def test_bad_lines_are_skipped_on_demand(config: Path) -> None:
    text = jsonl(looks(NOON, "U")) + "x\n" + jsonl(looks(Minute(NOON + 1), "D"))
    result = call("import", "-", "--skip-bad", config=config, stdin=text)
    assert result.exit_code == 0
    assert "line 2: not JSON" in result.stderr
    assert "2 new attempts, 0 known already, 1 malformed line left out" in result.stdout
    assert strip(config, NOON, 2) == "UD"


@pytest.mark.parametrize("source", ["a file", "standard input"])
def test_a_conflicting_attempt_is_named_with_its_line(
    config: Path, tmp_path: Path, source: str
) -> None:
    take(config, tmp_path, jsonl(looks(NOON, "UU")))
    text = "\n" + jsonl(looks(Minute(NOON + 2), "U")) + jsonl(looks(NOON, "D"))
    path = tmp_path / "again.jsonl"
    path.write_text(text, encoding="utf-8")
    name, stdin = (str(path), "") if source == "a file" else ("-", text)
    result = call("import", name, config=config, stdin=stdin)
    assert result.exit_code == 2
    assert "line 3: the attempt of crm, front, local at" in result.stderr
    assert "known already, or comes in another line, with other content" in result.stderr
    assert attempts(config) == 2


def test_two_lines_that_contradict_each_other_are_a_conflict(config: Path) -> None:
    text = jsonl([*looks(NOON, "UU"), *looks(NOON, "D")])
    result = call("import", "-", config=config, stdin=text)
    assert result.exit_code == 2
    assert "line 1: the attempt of" in result.stderr
    assert "line 2: " not in result.stderr
    assert "line 3: the attempt of" in result.stderr
    assert attempts(config) == 0


def test_a_conflict_that_is_skipped_leaves_what_is_known(config: Path) -> None:
    call("import", "-", config=config, stdin=jsonl(looks(NOON, "U")))
    text = jsonl([*looks(NOON, "UU"), *looks(NOON, "D")])
    result = call("import", "-", "--skip-bad", config=config, stdin=text)
    assert result.exit_code == 0
    assert "1 new attempt, 1 known already, 1 malformed line left out" in result.stdout
    assert strip(config, NOON, 2) == "UU"


def test_of_lines_that_contradict_each_other_none_is_taken_in(config: Path) -> None:
    text = jsonl([*looks(NOON, "UU"), *looks(NOON, "D")])
    result = call("import", "-", "--skip-bad", config=config, stdin=text)
    assert result.exit_code == 0
    assert "1 new attempt, 0 known already, 2 malformed lines left out" in result.stdout
    assert strip(config, NOON, 2) == "NU"


def test_a_byte_that_is_not_utf_8_makes_its_line_malformed(config: Path) -> None:
    line = jsonl([look(NOON, "fail", detail="caf@")]).encode().replace(b"@", b"\xe9")
    result = call("import", "-", config=config, stdin=line)
    assert result.exit_code == 2
    assert "line 1: detail: a byte that is not UTF-8" in result.stderr
    assert attempts(config) == 0


def test_a_sealed_day_takes_no_more(config: Path, tmp_path: Path) -> None:
    take(config, tmp_path, jsonl(looks(NOON, "UUU")))
    seal(config, date(2026, 10, 3))
    result = call("import", "-", config=config, stdin=jsonl(looks(NOON, "UUUD")))
    assert result.exit_code == 2
    assert "line 4: the look of crm that began at 2026-10-03T12:03" in result.stderr
    assert "line 3" not in result.stderr
    assert "crm 2026-10-03 is sealed" in result.stderr and "nothing was imported" in result.stderr
    assert "Traceback" not in result.stderr
    assert strip(config, NOON, 4) == "UUUN"
    # What is on record is no addition, and other days are open.
    assert "3 known already" in take(config, tmp_path, jsonl(looks(NOON, "UUU")))
    tomorrow = Minute(NOON + MINUTES_PER_DAY)
    assert "1 new attempt," in take(config, tmp_path, jsonl(looks(tomorrow, "D")))


def seal(config: Path, day: date) -> None:
    """Seal a day of the service as the daemon does."""
    minutes = day_minutes(day)
    start, stop = Minute(minutes.start), Minute(minutes.stop)
    terms = settings_of(config).service("crm").watch.digest()
    with open_ledger(journal_of(config)) as ledger:
        strip = ledger.reader.letters("crm", start, stop)
        record, sha256 = seal_record(
            "crm", day, strip, attempts_digest(ledger.reader.attempts("crm", start, stop)),
            terms, "test", GENESIS,
        )  # fmt: skip
        sealed = Seal(service="crm", day=day, record=record, sha256=sha256)
        ledger.write(Batch(letters=[("crm", strip, terms)], seals=[sealed]))


@pytest.mark.parametrize("name", ["nosuch.jsonl", "."])
def test_a_file_that_cannot_be_read_is_told_of(config: Path, tmp_path: Path, name: str) -> None:
    result = call("import", str(tmp_path / name), config=config)
    assert result.exit_code == 2
    assert str(tmp_path) in result.stderr
    assert "Traceback" not in result.stderr


def test_a_pipe_can_be_taken_in_like_a_file(config: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(
        [SCRIPT, "import", str(pipe), "--config", str(config)], stdout=subprocess.PIPE, text=True
    ) as process:
        pipe.write_text(jsonl(looks(NOON, "UD")), encoding="utf-8")
        said, _ = process.communicate(timeout=20)
    assert said == "2 new attempts, 0 known already; 1 day settled\n"


def test_the_present_day_is_settled_no_further_than_the_present(
    config: Path, tmp_path: Path
) -> None:
    start = an_hour_ago()
    take(config, tmp_path, jsonl(looks(start, "UUD")))
    assert strip(config, start, 3) == "UUD"
    with open_reader(journal_of(config)) as reader:
        span = reader.span("crm")
    assert span is not None
    assert span.stop * 60_000_000 <= SystemClock().now()


# Writing out


def test_an_export_taken_in_elsewhere_gives_the_same_letters(config: Path, tmp_path: Path) -> None:
    drawn = "UUDDNUU" * 300
    take(config, tmp_path, jsonl(looks(NOON, drawn)))
    period = ("--from", "2026-10-03T00:00Z", "--to", "2026-10-06T00:00Z")
    for form in ("jsonl", "csv"):
        exported = call("export", *period, "--format", form, config=config)
        assert exported.exit_code == 0
        there = tmp_path / form
        there.mkdir()
        other = write_config(there)
        assert "1,800 new attempts" in take(other, there, exported.stdout, name=f"looks.{form}")
        assert strip(other, NOON, len(drawn)) == drawn
        assert call("export", *period, "--format", form, config=other).stdout == exported.stdout


def test_export_writes_the_lines_of_the_format(config: Path, tmp_path: Path) -> None:
    line = {
        "service": "crm", "probe": "front", "vantage": "local", "at": "2026-10-03T12:00:52.251Z",
        "outcome": "fail", "cause": "connect_timeout", "detail": "nothing, within 10 s",
        "took_ms": 10_000,
    }  # fmt: skip
    take(config, tmp_path, jsonl([line]))
    exported = call("export", "--month", "2026-10", config=config).stdout
    assert exported == json.dumps(line, separators=(",", ":")) + "\n"
    assert call("export", "--month", "2026-10", "--format", "csv", config=config).stdout == (
        "service,probe,vantage,at,look,account,outcome,cause,detail,took_ms\n"
        "crm,front,local,2026-10-03T12:00:52.251Z,,,fail,connect_timeout,"
        '"nothing, within 10 s",10000\n'
    )


def test_a_month_is_the_clients_and_a_period_is_half_open(config: Path, tmp_path: Path) -> None:
    first = minute("2026-10-01 05:00")  # midnight in Bogota
    take(config, tmp_path, jsonl(looks(Minute(first - 1), "UUU")))
    exported = call("export", "--month", "2026-10", config=config).stdout
    assert [json.loads(line)["at"][:16] for line in exported.splitlines()] == [
        "2026-10-01T05:00", "2026-10-01T05:01",
    ]  # fmt: skip
    # A time without a zone is the client's.
    period = ("--from", "2026-10-01T00:00", "--to", "2026-10-01T00:01")
    assert len(call("export", *period, config=config).stdout.splitlines()) == 1


def test_letters_are_written_a_minute_a_line(config: Path, tmp_path: Path) -> None:
    take(config, tmp_path, jsonl(looks(NOON, "UDN")))
    period = ("--from", "2026-10-03T12:00Z", "--to", "2026-10-03T12:03Z")
    out = call("export", "--what", "letters", *period, config=config).stdout
    assert [json.loads(line) for line in out.splitlines()] == [
        {"service": "crm", "minute": f"2026-10-03T12:0{n}:00Z", "letter": letter}
        for n, letter in enumerate("UDN")
    ]
    assert call(
        "export", "--what", "letters", "--format", "csv", *period, config=config
    ).stdout.splitlines() == [
        "service,minute_utc,letter,unverified,corrected",
        "crm,2026-10-03T12:00:00Z,U,,", "crm,2026-10-03T12:01:00Z,D,,",
        "crm,2026-10-03T12:02:00Z,N,,",
    ]  # fmt: skip


def test_letters_that_are_not_settled_yet_are_not_written(config: Path, tmp_path: Path) -> None:
    start = an_hour_ago()
    take(config, tmp_path, jsonl(looks(start, "U")))
    period = ("--from", iso(start, 0), "--to", "2999-01-01T00:00Z")
    written = call("export", "--what", "letters", *period, config=config).stdout.splitlines()
    assert 55 <= len(written) <= 62


def test_two_services_have_one_header(tmp_path: Path) -> None:
    second = ACME.split("[[clients.services]]")[1].replace('"crm"', '"pim"')
    config = write_config(tmp_path, f"{ACME}\n[[clients.services]]{second}")
    take(config, tmp_path, jsonl([look(NOON), look(NOON, service="pim")]))
    written = call("export", "--month", "2026-10", "--format", "csv", config=config).stdout
    assert [line.split(",")[0] for line in written.splitlines()] == ["service", "crm", "pim"]
    only = call(
        "export", "--month", "2026-10", "--service", "pim", "--format", "csv", config=config
    ).stdout
    assert [line.split(",")[0] for line in only.splitlines()] == ["service", "pim"]


def test_an_export_goes_to_a_file_on_demand(config: Path, tmp_path: Path) -> None:
    take(config, tmp_path, jsonl(looks(NOON, "UD")))
    there = tmp_path / "out.jsonl"
    result = call("export", "--month", "2026-10", "-o", str(there), config=config)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert len(there.read_text(encoding="utf-8").splitlines()) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param((), "either --month, or --from and --to", id="no period"),
        pytest.param(
            ("--month", "2026-10", "--from", "2026-10-01"), "either --month", id="two periods"
        ),
        pytest.param(("--from", "2026-10-01"), "either --month", id="half a period"),
        pytest.param(
            ("--from", "2026-10-02", "--to", "2026-10-01"), "wanted later than", id="backwards"
        ),
        pytest.param(("--from", "x", "--to", "y"), "found 'x'", id="no time"),
        pytest.param(("--from", "0001-01-01", "--to", "2026-01-01"), "before the year", id="old"),
        pytest.param(("--month", "2026-13"), "wanted a month such as 2026-10", id="no month"),
        pytest.param(("--month", "2026-10", "--service", "crn"), "wanted one of crm", id="service"),
        pytest.param(("--month", "2026-10", "-o", "/nowhere/x"), "/nowhere/x: No such", id="place"),
    ],
)
def test_a_wrong_wish_is_told_of_before_anything_is_written(
    config: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    take(config, tmp_path, jsonl(looks(NOON, "U")))
    result = call("export", *options, config=config)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize("command", [
    ("export", "--month", "2026-10"), ("export", "--month", "2026-10", "--what", "letters"),
    ("report", "--month", "2026-10", "--format", "csv"), ("status",),
])  # fmt: skip
def test_a_reader_that_goes_away_is_no_bug(
    config: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    take(config, tmp_path, jsonl(looks(NOON, "UD")))
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [SCRIPT, *command, "--config", str(config)], stdout=writing, stderr=subprocess.PIPE,
        text=True, timeout=20, check=False,
    )  # fmt: skip
    os.close(writing)
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    assert done.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("command", [
    ("export", "--month", "2026-10"), ("report", "--month", "2026-10", "--format", "csv"),
    ("status",), ("--version",),
])  # fmt: skip
def test_a_disk_that_takes_no_output_is_told_of(
    config: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    take(config, tmp_path, jsonl(looks(NOON, "UD")))
    where = () if command == ("--version",) else ("--config", str(config))
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [SCRIPT, *command, *where], stdout=full, stderr=subprocess.PIPE, text=True,
            timeout=20, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert "No space left on device" in done.stderr and "Traceback" not in done.stderr


# Backups


def test_a_backup_is_a_journal(config: Path, tmp_path: Path) -> None:
    take(config, tmp_path, jsonl(looks(NOON, "UUD")))
    there = tmp_path / "copy.db"
    result = call("backup", str(there), config=config)
    assert result.exit_code == 0
    assert f"copied to {there}, " in result.stdout
    with open_reader(there) as reader:
        assert reader.letters("crm", NOON, Minute(NOON + 3)).letters == "UUD"


def test_a_backup_writes_over_nothing(config: Path, tmp_path: Path) -> None:
    take(config, tmp_path, jsonl(looks(NOON, "UUD")))
    there = tmp_path / "copy.db"
    there.write_text("mine", encoding="utf-8")
    result = call("backup", str(there), config=config)
    assert result.exit_code == 2
    assert "exists already" in result.stderr
    assert there.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("command", [
    ("status",), ("backup", "copy.db"), ("replay", "--month", "2026-10"),
    ("report", "--month", "2026-10"), ("export", "--month", "2026-10"),
    ("explain", "crm", "2026-10-03T14:07"),
])  # fmt: skip
def test_without_a_journal_it_is_said_how_one_is_made(
    config: Path, command: tuple[str, ...]
) -> None:
    result = call(*command, config=config)
    assert result.exit_code == 2
    assert f"journal: {journal_of(config)}" in result.stderr
    assert not journal_of(config).exists()


# Progress


@pytest.mark.parametrize(
    "command", [("import", "looks.jsonl"), ("export", "--month", "2026-10"), ("backup", "copy.db")]
)
def test_progress_is_shown_on_a_terminal_and_nowhere_else(
    config: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    take(config, tmp_path, jsonl(looks(NOON, "UD")))
    ours, theirs = os.openpty()
    done = subprocess.run(
        [SCRIPT, *command, "--config", str(config)], cwd=tmp_path, stdout=subprocess.PIPE,
        stderr=theirs, timeout=20, check=True,
    )  # fmt: skip
    os.close(theirs)
    shown = os.read(ours, 65536)
    os.close(ours)
    assert b"100%" in shown
    assert b"%" not in done.stdout
    (tmp_path / "copy.db").unlink(missing_ok=True)
    silent = subprocess.run(
        [SCRIPT, *command, "--config", str(config)], cwd=tmp_path, capture_output=True,
        timeout=20, check=True,
    )  # fmt: skip
    assert silent.stderr == b""
