"""docs/corrections.md and what docs/evidence.md says of entries: what a stranger can make again."""

import json
import subprocess
import sys

import pytest

from reports.vocabulary import NOT_ADMITTED
from tests.core.entering import Book
from tests.core.test_corrections import SHA, wanted
from tests.docs.pages import DOCS, blocks, codes, section, tables
from uptimed.core.corrections import Becomes, Revised, correct
from uptimed.core.entries import Entry, EntryKind

_SNIPPET = [b.text for b in blocks(DOCS / "evidence.md") if b.language == "python"][1]


def _entries() -> list[Entry]:
    book = Book()
    for n in range(3):
        revised = Revised(month="2026-10", revision=n + 2, replaces=SHA)
        book.enter(
            lambda known, revised=revised: correct(  # type: ignore[misc]  # bound at once
                known, wanted(), was="D", becomes="N", revisions=[revised], by="Ana ñ"
            )
        )
    return book.entries


def _run(lines: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", _SNIPPET],
        input="".join(f"{line}\n" for line in lines), encoding="utf-8",
        capture_output=True, check=False, timeout=20,
    )  # fmt: skip


def test_the_snippet_makes_the_heads_of_the_entries() -> None:
    entries = _entries()
    done = _run([entry.record for entry in entries])
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"{e.place} {e.sha256}" for e in entries]


@pytest.mark.parametrize("change", ["changed", "left out", "put in another order"])
def test_the_snippet_finds_entries_that_were_meddled_with(change: str) -> None:
    lines = [entry.record for entry in _entries()]
    match change:
        case "changed":
            lines[1] = lines[1].replace("uplink", "router")
        case "left out":
            del lines[1]
        case _:
            lines[1], lines[2] = lines[2], lines[1]
    assert _run(lines).returncode == 1


def test_every_field_and_kind_of_an_entry_is_told_and_no_other() -> None:
    table = tables(section("evidence.md", "What people entered"))[0]
    assert [codes(row[0])[0] for row in table[1:]] == sorted(json.loads(_entries()[0].record))
    kinds = next(row for row in table if "`kind`" in row[0])
    assert set(codes(kinds[1])) == {str(kind) for kind in EntryKind}


def test_every_reason_not_to_count_maintenance_is_told_and_no_other() -> None:
    table = tables(section("corrections.md", "Maintenance"))[0]
    assert [codes(row[0])[0] for row in table[1:]] == [
        "not_excluded", "late_notice", "not_announced", "cancelled", "cap", "out_of_scope",
    ]  # fmt: skip
    assert {codes(row[0])[0] for row in table[1:]} == set(NOT_ADMITTED)


def test_everything_that_a_minute_can_become_is_told() -> None:
    table = tables(section("corrections.md", "Corrections"))[0]
    assert {codes(row[1])[0] for row in table[1:]} == {str(to) for to in Becomes}
