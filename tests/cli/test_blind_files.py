"""Minutes in which a vantage was blind, in files of looks: our fault stays ours elsewhere."""

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.commands import (
    ACME_CRM,
    FRONT,
    PIM,
    call,
    iso,
    journal_of,
    jsonl,
    look,
    looks,
    minute,
    settings_of,
    write_config,
)
from uptimed.core.chain import GENESIS, attempts_digest, seal_record
from uptimed.core.minutes import Minute, day_minutes
from uptimed.ledger.reading import letters, settle
from uptimed.ports import Batch, BlindMinute, Seal
from uptimed.stores.sqlite import open_ledger, open_reader

NOON = minute("2026-10-03 12:00")
PERIOD = ("--from", "2026-10-03T12:00Z", "--to", "2026-10-03T13:00Z")
CONFIG = f"""{ACME_CRM}vantages = ["local", "madrid"]
min_vantages = 1
probes = [
  {FRONT},
  {{ id = "app", role = "login", kind = "http", url = "http://127.0.0.1:9/app", interval = "5m" }},
]
{PIM}"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path, CONFIG)


def strip(config: Path, service: str = "crm", minutes: int = 10) -> str:
    """Return the letters on record."""
    with open_reader(journal_of(config)) as reader:
        found = settings_of(config).service(service)
        return letters(reader, found, NOON, Minute(NOON + minutes)).letters


def blind(config: Path) -> list[tuple[str, int, str]]:
    """Return the blind minutes on record, counted from noon."""
    with open_reader(journal_of(config)) as reader:
        found = reader.blind(["local", "madrid"], Minute(0), Minute(NOON + 9999))
    return [(one.vantage, one.minute - NOON, one.reason) for one in found]


def take(config: Path, lines: Iterable[Mapping[str, object]], *options: str) -> str:
    """Take in lines; return what was said."""
    result = call("import", "-", *options, config=config, stdin=jsonl(lines))
    assert result.exit_code == 0, result.stderr
    return result.stdout


def refused(config: Path, lines: Iterable[Mapping[str, object]]) -> str:
    """Take in lines that are not taken in; return why not."""
    result = call("import", "-", config=config, stdin=jsonl(lines))
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    return result.stderr


def marked(drawn: str, reason: str = "uplink down", **others: str | int) -> list[dict[str, object]]:
    """Return looks that make *drawn*, the fails of `B` in blind minutes."""
    return [
        line | ({"blind": reason} if letter == "B" else {})
        for letter, line in zip(drawn, looks(NOON, drawn.replace("B", "D"), **others), strict=True)
    ]


def pim(drawn: str) -> list[dict[str, object]]:
    """Return looks of a service with one probe."""
    return marked(drawn, service="pim")


# Taking in


def test_a_fail_of_a_blind_minute_is_not_measured(config: Path) -> None:
    said = take(config, pim("UBDU"))
    assert said == "4 new attempts, 0 known already, 1 new blind minute; 1 day settled\n"
    assert strip(config, "pim", 4) == "UNDU"
    assert blind(config) == [("local", 1, "uplink down")]


def test_taking_it_in_twice_changes_nothing(config: Path) -> None:
    take(config, pim("UBDU"))
    assert take(config, pim("UBDU")) == "0 new attempts, 4 known already; 0 days settled\n"
    assert blind(config) == [("local", 1, "uplink down")]


def test_what_was_taken_in_without_it_is_settled_again(config: Path) -> None:
    take(config, pim("UDDU"))
    said = take(config, pim("UBDU"))
    assert said == "0 new attempts, 4 known already, 1 new blind minute; 1 day settled\n"
    assert strip(config, "pim", 4) == "UNDU"


def test_a_line_without_it_takes_nothing_back(config: Path) -> None:
    take(config, pim("UBDU"))
    take(config, pim("UDDU"))
    assert strip(config, "pim", 4) == "UNDU"


def test_a_minute_is_blind_for_every_service_of_the_vantage(config: Path) -> None:
    take(config, [*looks(NOON, "UDD"), *looks(NOON, "UDD", vantage="madrid")])
    take(config, pim("UBD"))
    assert strip(config, "pim", 3) == "UND"
    # From madrid the other service was seen to be down; here nobody could tell.
    assert strip(config, "crm", 3) == "uDD"
    with open_reader(journal_of(config)) as reader:
        assert reader.blind(["madrid"], Minute(0), Minute(NOON + 9)) == []


def test_days_of_other_services_are_settled_again(config: Path) -> None:
    take(config, looks(NOON, "UDD"))
    assert strip(config, "crm", 3) == "uDD"
    assert "2 days settled" in take(config, pim("UBD"))
    assert strip(config, "crm", 3) == "uND"


def test_a_bad_answer_in_a_blind_minute_is_the_targets(config: Path) -> None:
    answer = look(NOON, "fail", service="pim", cause="status", blind="uplink down")
    take(config, [answer])
    assert strip(config, "pim", 1) == "D"


# What is refused


@pytest.mark.parametrize("where", ["on record", "in the file"])
def test_another_reason_is_told_with_its_line_and_nothing_is_taken_in(
    config: Path, where: str
) -> None:
    other = look(NOON, service="crm", blind="router off")
    first = look(NOON, service="pim", blind="uplink down")
    if where == "on record":
        take(config, [first])
    stderr = refused(config, [first, other])
    assert "line 1: " not in stderr
    assert "line 2: blind: the minute of the look that began at 2026-10-03T12:00:10Z" in stderr
    assert "is blind at local for another reason, on record or in an earlier line" in stderr
    assert "nothing was imported" in stderr
    assert blind(config) == ([("local", 0, "uplink down")] if where == "on record" else [])


def test_a_line_with_another_reason_is_skipped_on_demand(config: Path) -> None:
    lines = [look(NOON, "fail", service="pim", blind="a"), look(NOON, "fail", blind="b")]
    said = take(config, lines, "--skip-bad")
    assert "1 new attempt, 0 known already, 1 new blind minute, 1 malformed line left out" in said
    assert blind(config) == [("local", 0, "a")]


def test_a_malformed_line_beside_it_leaves_the_minute_as_it_was(config: Path) -> None:
    assert "nothing was imported" in refused(config, [*pim("B"), look(NOON, service="erp")])
    assert not journal_of(config).exists() or blind(config) == []


def test_no_minute_of_a_sealed_day_becomes_blind(config: Path) -> None:
    take(config, pim("UDDU"))
    seal(config, "pim")
    stderr = refused(config, pim("UBDU"))
    assert (
        "line 2: the look of pim that began at 2026-10-03T12:01:10Z belongs to a sealed" in stderr
    )
    assert "pim 2026-10-03 is sealed: no minute of it becomes blind; nothing was imported" in stderr
    assert blind(config) == []
    # Nor through the looks of another service, whose day is open.
    assert "pim 2026-10-03 is sealed" in refused(config, marked("UBDU"))
    assert strip(config, "pim", 4) == "UDDU"
    # A minute that nothing of the sealed day hangs on may be told of.
    assert "1 new blind minute" in take(config, marked("BDDU"))


def seal(config: Path, service: str) -> None:
    """Seal the day of a service as the daemon does."""
    minutes = day_minutes(date(2026, 10, 3))
    start, stop = Minute(minutes.start), Minute(minutes.stop)
    terms = settings_of(config).service(service).watch.digest()
    with open_ledger(journal_of(config)) as ledger:
        strip = ledger.reader.letters(service, start, stop)
        record, sha256 = seal_record(
            service, date(2026, 10, 3), strip,
            attempts_digest(ledger.reader.attempts(service, start, stop)), terms, "test", GENESIS,
        )  # fmt: skip
        sealed = Seal(service=service, day=date(2026, 10, 3), record=record, sha256=sha256)
        ledger.write(Batch(letters=[(service, strip, terms)], seals=[sealed]))


# Out and in again


def watched(
    config: Path, lines: Sequence[Mapping[str, object]], blind: Sequence[tuple[str, int]]
) -> None:
    """Put looks and blind minutes on record, and their letters, as the daemon does."""
    take(config, lines)
    with open_ledger(journal_of(config)) as ledger:
        why = "every target failed"
        ledger.write(
            Batch(
                blind=[
                    BlindMinute(vantage=vantage, minute=Minute(NOON + n), reason=why)
                    for vantage, n in blind
                ]
            )
        )
        for service in settings_of(config).services:
            if ledger.reader.span(service.id) is not None:
                again = settle(ledger.reader, service, NOON, Minute(NOON + 30))
                ledger.write(Batch(letters=[(service.id, s, sha256) for s, sha256 in again]))


def exported(config: Path, form: str) -> str:
    result = call("export", *PERIOD, "--format", form, config=config)
    assert result.exit_code == 0, result.stderr
    return result.stdout


@st.composite
def _seen(draw: st.DrawFn) -> list[dict[str, object]]:
    """Draw looks of twelve minutes: some of two attempts, of which the second comes later."""
    found: list[dict[str, object]] = []
    for n in range(12):
        at = Minute(NOON + n)
        for service, probe, vantage in (
            ("crm", "front", "local"), ("crm", "front", "madrid"), ("crm", "app", "local"),
            ("crm", "app", "madrid"), ("pim", "front", "local"), ("pim", "front", "elsewhere"),
        ):  # fmt: skip
            kind = draw(st.sampled_from("UUDD5N."))
            if kind == "." or (probe == "app" and n % 5):
                continue
            found += _looked(at, kind, service=service, probe=probe, vantage=vantage)
    return found


def _looked(at: Minute, kind: str, **place: str | int) -> list[dict[str, object]]:
    if kind == "N":
        return [look(at, "not_measured", cause="local_dns", **place)]
    if kind == "U":
        return [look(at, "pass", **place)]
    cause = "status" if kind == "5" else "connect_timeout"
    first = iso(at, 52)
    again = iso(Minute(at + 1), 7)
    return [
        look(first, "fail", **{**place, "cause": cause}),
        look(again, "fail", **{**place, "cause": cause, "look": first}),
    ]


@pytest.mark.property
@settings(max_examples=25)  # each goes six times through the command line
@given(
    _seen(),
    st.sets(st.tuples(st.sampled_from(["local", "madrid"]), st.integers(0, 12)), max_size=8),
    st.sampled_from(["jsonl", "csv"]),
)
def test_an_export_with_blind_minutes_gives_the_same_letters_elsewhere(
    lines: list[dict[str, object]], unseeing: set[tuple[str, int]], form: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here, there = (write_config(_folder(folder, name), CONFIG) for name in ("here", "there"))
        watched(here, lines, sorted(unseeing))
        result = call("import", "-", "--format", form, config=there, stdin=exported(here, form))
        assert result.exit_code == 0, result.stderr
        for service in ("crm", "pim"):
            assert strip(there, service, 20) == strip(here, service, 20)
        assert exported(there, "jsonl") == exported(here, "jsonl")


def _folder(parent: str, name: str) -> Path:
    folder = Path(parent) / name
    folder.mkdir()
    return folder


def test_without_the_reason_the_same_file_would_tell_of_downtime(config: Path) -> None:
    watched(config, pim("UDDU"), [("local", 1), ("local", 2)])
    assert strip(config, "pim", 4) == "UNNU"
    with tempfile.TemporaryDirectory() as folder:
        there = write_config(Path(folder), CONFIG)
        lines = [json.loads(line) for line in exported(config, "jsonl").splitlines()]
        assert [line.pop("blind", "") for line in lines] == ["", *["every target failed"] * 2, ""]
        take(there, lines)
        assert strip(there, "pim", 4) == "UDDU"


def test_csv_has_the_column_only_where_the_period_has_a_blind_minute(config: Path) -> None:
    watched(config, pim("UDU"), [("local", 1)])
    header, first, second, _ = exported(config, "csv").splitlines()
    assert header.endswith(",took_ms,blind")
    assert first.endswith(",183,") and second.endswith(",10000,every target failed")
    later = ("--from", "2026-10-03T12:02Z", "--to", "2026-10-03T12:03Z")
    written = call("export", *later, "--format", "csv", config=config).stdout.splitlines()
    assert written[0].endswith(",took_ms") and written[1].endswith(",183")
