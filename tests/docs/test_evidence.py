"""What the pages tell a stranger to do gives what was sealed and printed."""

import json
import re
import sqlite3
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from reports.as_csv import HEADER, minutes_csv
from reports.as_json import report_json
from tests.docs.pages import DOCS, blocks, codes, named, section, tables
from tests.reports import samples
from uptimed.core.chain import GENESIS, seal_record
from uptimed.core.figures import Verdict
from uptimed.core.lookfile import COLUMNS, Malformed, read_jsonl
from uptimed.core.lookfile import KnownProbe as Known
from uptimed.core.minutes import Minute, day_minutes
from uptimed.core.observations import Instant
from uptimed.core.statement import Statement
from uptimed.core.strip import Strip
from uptimed.ports import Batch, Seal
from uptimed.stores.sqlite import open_ledger

_FIRST = date(2026, 10, 3)
_SECOND_OF_2027 = Instant(1_800_000_000_000_000)


def _code(language: str, page: str = "evidence.md") -> str:
    return next(block.text for block in blocks(DOCS / page) if block.language == language)


def _sealed(service: str, days: int, lost_head: str = "") -> list[Seal]:
    head, seals = GENESIS, []
    for number in range(days):
        day = _FIRST + timedelta(days=number)
        strip = Strip(Minute(day_minutes(day).start), "U" * 700 + "u" * 40 + "D" * 9 + "U" * 691)
        text, head = seal_record(
            service, day, strip, "ab" * 32, "cd" * 32, "0.1.0 ñ", head, lost_head
        )
        seals.append(Seal(service=service, day=day, record=text, sha256=head))
    return seals


def _run(chain: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", _code("python")],
        input=chain.read_text(encoding="utf-8"), encoding="utf-8",
        capture_output=True, check=False, timeout=20,
    )  # fmt: skip


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """Return the records of a service, taken out of a journal as the page says."""
    journal = tmp_path / "uptimed.db"
    with open_ledger(journal) as ledger:
        for seal in [*_sealed("acme-crm", 4), *_sealed("globex", 2)]:
            ledger.write(Batch(seals=[seal]))
    connection = sqlite3.connect(journal)
    records = [row[0] for row in connection.execute(_code("sql"))]
    connection.close()
    path = tmp_path / "chain.jsonl"
    path.write_text("".join(f"{record}\n" for record in records), encoding="utf-8")
    return path


def test_the_snippet_makes_the_heads_that_were_sealed(chain: Path) -> None:
    done = _run(chain)
    assert done.stderr == ""
    wanted = [f"{seal.day} {seal.sha256}" for seal in _sealed("acme-crm", 4)]
    assert done.stdout.splitlines() == wanted


def test_the_snippet_is_as_short_as_a_doubter_reads() -> None:
    assert len(_code("python").splitlines()) <= 15


@pytest.mark.parametrize("change", ["changed", "left out", "cut short"])
def test_the_snippet_finds_a_chain_that_was_meddled_with(chain: Path, change: str) -> None:
    lines = chain.read_text(encoding="utf-8").splitlines()
    match change:
        case "changed":
            lines[1] = lines[1].replace("DDD", "UUU")
        case "left out":
            del lines[1]
        case _:
            lines[1] = lines[1].replace("DDD", "")
    chain.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert _run(chain).returncode == 1


def test_every_field_of_a_record_is_told_and_no_other() -> None:
    (seal,) = _sealed("acme-crm", 1, lost_head="ef" * 32)
    table = next(t for t in tables(section("evidence.md", "The chain")) if t[0][0] == "field")
    assert [codes(row[0])[0] for row in table[1:]] == sorted(json.loads(seal.record))


# The report.


@pytest.fixture(scope="module")
def month() -> Statement:
    return samples.not_proven()


def _spreadsheet(rows: list[list[str]], service: str) -> dict[str, float]:
    """Compute the page's formulas."""
    table = tables(section("report.md", "The sum in a spreadsheet"))[0]
    cells: dict[str, float] = {}
    for name, _, formula in table[1:]:
        text = codes(formula)[0].removeprefix("=")
        text = re.sub(r"([A-D])2:\1\d+=", lambda m: f"{m[1].lower()}==", text)
        if text.startswith("SUMPRODUCT"):
            code = compile(text.removeprefix("SUMPRODUCT"), name, "eval")
            found = sum(
                eval(code, {"F1": service, "a": a, "c": c, "d": d})  # noqa: S307 - our own page
                for a, _, c, d in rows
            )
        else:
            found = eval(text, {"INT": int, **cells})  # noqa: S307 - as above
        cells[codes(name)[0]] = found
    return cells


def test_the_spreadsheet_gives_what_the_report_prints(month: Statement) -> None:
    rows = [line.split(",") for line in minutes_csv(month).splitlines()[1:]]
    (service,) = json.loads(report_json(month))["services"]
    cells = _spreadsheet(rows, service["id"])
    assert cells["G1"] == service["minutes"]["scope"]
    assert cells["G2"] == service["minutes"]["not_measured"]
    assert cells["G3"] == service["minutes"]["down"]
    assert f"{cells['G4']:.4f}" == service["availability"]
    assert f"{cells['G5']:.4f}" == service["high"]


def test_the_line_of_awk_counts_the_letters(month: Statement, tmp_path: Path) -> None:
    (tmp_path / "minutes.csv").write_text(minutes_csv(month), encoding="utf-8")
    line = next(ln.strip() for ln in named("report.md").splitlines() if ln.startswith("    awk"))
    done = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=20
    )
    assert sorted(done.stdout.splitlines()) == ["D 8", "N 10", "U 44622"]


def test_every_verdict_is_told_and_no_other() -> None:
    table = next(t for t in tables(section("report.md", "How sure it is")) if len(t[0]) == 3)
    assert sorted(codes(row[1])[0] for row in table[1:]) == sorted(Verdict)


def test_the_keys_of_the_json_report_are_told(month: Statement) -> None:
    report = json.loads(report_json(month))
    keys = {*report, *report["services"][0], *report["services"][0]["minutes"]}
    words = set(re.findall(r"\w+", section("report.md", "Formats")))
    assert keys - words - {"schema", "services", "id", "name", "minutes"} == set()
    assert report["schema"] in codes(section("report.md", "Formats"))


def test_the_columns_of_the_minutes_are_told() -> None:
    assert HEADER.strip() in codes(section("report.md", "Formats"))


# Files.


def test_the_columns_of_a_file_of_looks_are_told_in_their_order() -> None:
    table = tables(section("files.md", "One attempt a line"))[0]
    assert [codes(row[0])[0] for row in table[1:]] == list(COLUMNS)


def test_the_lines_of_looks_that_are_shown_can_be_taken_in() -> None:
    known = {"acme-crm": {"front": Known(login=False), "login": Known(login=True, accounts=2)}}
    lines = _code("json", "files.md").splitlines()
    read = list(read_jsonl(lines, known, _SECOND_OF_2027))
    assert len(read) == 4
    assert [item for item in read if isinstance(item, Malformed)] == []
