"""A whole month through the command line: October 2026, whose figures are promised.

The looks are taken in once, for four services: three in Bogota, one in Madrid.
"""

import csv
import hashlib
import io
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import call, journal_of, jsonl, looks, minute, write_config
from uptimed.core.minutes import Minute

pytestmark = pytest.mark.slow

_SERVICE = """
[[clients.services]]
id = "{id}"
name = "{id}"
from = 2026-10-01
probes = [{{ id = "front", role = "reach", kind = "http", url = "https://{id}.example/a?key=s" }}]
"""

_CLIENT = """
[[clients]]
id = "{id}"
name = "{id} S.A."
contract = "{contract}"
"""

_CONFIG = (
    _CLIENT.format(id="acme", contract="datacrm")
    + "".join(_SERVICE.format(id=service) for service in ("seventeen", "eighteen", "gaps"))
    + _CLIENT.format(id="iberia", contract="saleslayer")
    + _SERVICE.format(id="madrid")
)

BOGOTA, MADRID = minute("2026-10-01 05:00"), minute("2026-09-30 22:00")
NOVEMBER = minute("2026-11-01 05:00")


def _letters(minutes: int, *marks: tuple[int, str]) -> str:
    """Return *minutes* of U with each of *marks* laid over from its place on."""
    letters = "U" * minutes
    for at, mark in marks:
        letters = letters[:at] + mark + letters[at + len(mark) :]
    return letters


STRIPS: Mapping[str, tuple[Minute, str]] = {
    "seventeen": (BOGOTA, _letters(44640, (100, "D" * 12), (20_000, "D" * 5))),
    "eighteen": (BOGOTA, _letters(44640, (100, "D" * 12), (20_000, "D" * 6))),
    "gaps": (BOGOTA, _letters(44640, (1_000, "D" * 300), (9_000, "N" * 400))),
    # Two hours and a half around the night in which clocks are put back.
    "madrid": (MADRID, _letters(44700, (minute("2026-10-25 00:00") - MADRID, "D" * 150))),
}


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal with the month in it; the configuration's path."""
    folder = tmp_path_factory.mktemp("month")
    config = write_config(folder, _CONFIG)
    path = folder / "october.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for service, (start, letters) in STRIPS.items():
            file.write(jsonl(looks(start, letters, service=service)))
    result = call("import", str(path), config=config)
    assert result.exit_code == 0, result.stderr
    return config


@pytest.fixture(scope="module")
def reports(month: Path) -> Mapping[str, dict[str, Any]]:
    """The report of each client as JSON."""
    return {client: _report(month, client) for client in ("acme", "iberia")}


def _report(config: Path, client: str) -> dict[str, Any]:
    result = call(
        "report", "--client", client, "--month", "2026-10", "--format", "json", config=config
    )
    assert (result.exit_code, result.stderr) == (0, "")
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def _service(reports: Mapping[str, dict[str, Any]], service: str) -> dict[str, Any]:
    every = [s for report in reports.values() for s in report["services"]]
    found: dict[str, Any] = next(s for s in every if s["id"] == service)
    return found


FIGURES = {
    "seventeen": {
        "availability": "99.9619", "low": "99.9619", "high": "99.9619", "coverage": "100.0000",
        "allowed_down_minutes": 17, "used_down_minutes": 17, "remaining_down_minutes": 0,
        "verdict": "met",
    },
    "eighteen": {
        "availability": "99.9596", "low": "99.9596", "high": "99.9596", "coverage": "100.0000",
        "allowed_down_minutes": 17, "used_down_minutes": 18, "remaining_down_minutes": -1,
        "verdict": "breached",
    },
    "gaps": {
        "availability": "99.3218", "low": "98.4318", "high": "99.3279", "coverage": "99.1039",
        "used_down_minutes": 300, "verdict": "breached",
    },
    "madrid": {"used_down_minutes": 150, "allowed_down_minutes": 17, "verdict": "breached"},
}  # fmt: skip


@pytest.mark.parametrize("service", FIGURES)
def test_the_figures_are_those_that_were_promised(
    reports: Mapping[str, dict[str, Any]], service: str
) -> None:
    found = _service(reports, service)
    assert {key: found[key] for key in FIGURES[service]} == FIGURES[service]


def test_the_month_in_madrid_has_the_hour_that_comes_twice(
    reports: Mapping[str, dict[str, Any]],
) -> None:
    period = reports["iberia"]["period"]
    assert period["minutes"] == 44_700
    assert (period["start"], period["end"]) == ("2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")
    assert _service(reports, "madrid")["minutes"]["total"] == 44_700


def test_the_minutes_add_up(reports: Mapping[str, dict[str, Any]]) -> None:
    for service in STRIPS:
        m = _service(reports, service)["minutes"]
        assert m["scope"] == m["total"] - m["out_of_scope"] - m["maintenance"] - m["excepted"]
        assert m["measured"] == m["scope"] - m["not_measured"]
        assert m["up"] == m["measured"] - m["down"]
        assert m["down"] == m["system_down"] + m["login_failure"]


# The shape that others rely upon, key by key; None stands for anything.
SHAPE: Mapping[str, Any] = {
    "schema": str,
    "client": {"id": str, "name": str},
    "period": {
        "month": str, "timezone": str, "start": str, "end": str, "minutes": int, "complete": bool,
    },
    "revision": int,
    "replaces": type(None),
    "contract": {
        "id": str, "version": str, "sha256": str, "target": str, "down": str, "promised": bool,
        "attempt_rule": str, "min_consecutive": int, "min_coverage": str, "excludes": list,
    },
    "services": [{
        "id": str,
        "name": str,
        "minutes": {
            "total": int, "out_of_scope": int, "maintenance": int, "excepted": int, "scope": int,
            "not_measured": int, "measured": int, "up": int, "degraded": int, "system_down": int,
            "login_failure": int, "down": int,
        },
        "availability": str, "low": str, "high": str, "coverage": str,
        "login_coverage": type(None),
        "allowed_down_minutes": int, "used_down_minutes": int, "remaining_down_minutes": int,
        "verdict": str,
        "unverified_minutes": int,
        "outages": [{
            "class": str, "started_at": str, "ended_at": str, "minutes": int, "minutes_total": int,
            "counted": bool, "reason": str, "incident": type(None),
        }],
        "maintenance": list, "exceptions": list, "corrections": list,
        "letters_sha256": str,
    }],
    "clocks": list,
    "evidence": type(None),
}  # fmt: skip


def _check_shape(found: Any, wanted: Any, place: str) -> None:
    match wanted:
        case dict():
            assert [key for key in found if key in wanted] == list(wanted), place
            for key, shape in wanted.items():
                _check_shape(found[key], shape, f"{place}.{key}")
        case list():
            assert found, place
            for item in found:
                _check_shape(item, wanted[0], f"{place}[]")
        case _:
            assert type(found) is wanted, f"{place} is {found!r}"


def test_the_report_has_the_shape_that_others_rely_upon(
    reports: Mapping[str, dict[str, Any]],
) -> None:
    for client, report in reports.items():
        _check_shape(report, SHAPE, client)
    acme = reports["acme"]
    assert acme["schema"] == "uptimed.report/1"
    assert acme["client"] == {"id": "acme", "name": "acme S.A."}
    assert acme["period"]["complete"] is True
    assert acme["contract"]["down"] == "DL"
    assert (acme["revision"], acme["replaces"], acme["evidence"]) == (1, None, None)


def test_outages_are_listed_with_their_reasons(reports: Mapping[str, dict[str, Any]]) -> None:
    outages = _service(reports, "seventeen")["outages"]
    assert [(o["started_at"], o["ended_at"], o["minutes"]) for o in outages] == [
        ("2026-10-01T06:40:00Z", "2026-10-01T06:52:00Z", 12),
        ("2026-10-15T02:20:00Z", "2026-10-15T02:25:00Z", 5),
    ]
    assert {o["reason"] for o in outages} == {"front: nothing within 10 s"}


def test_the_digest_of_the_letters_can_be_made_again(
    reports: Mapping[str, dict[str, Any]],
) -> None:
    for service, (_, letters) in STRIPS.items():
        digest = hashlib.sha256(letters.encode()).hexdigest()
        assert _service(reports, service)["letters_sha256"] == digest


def test_counting_the_minutes_of_the_csv_gives_the_figures(month: Path) -> None:
    result = call(
        "report", "--client", "acme", "--month", "2026-10", "--format", "csv", config=month
    )
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert list(rows[0]) == ["service", "minute_utc", "letter", "overlay"]
    counted = Counter((row["service"], row["letter"]) for row in rows)
    assert counted == {
        ("seventeen", "U"): 44_623, ("seventeen", "D"): 17,
        ("eighteen", "U"): 44_622, ("eighteen", "D"): 18,
        ("gaps", "U"): 43_940, ("gaps", "D"): 300, ("gaps", "N"): 400,
    }  # fmt: skip
    measured = counted["seventeen", "U"] + counted["seventeen", "D"]
    assert counted["seventeen", "U"] * 10**6 // measured == 999_619


def test_html_is_in_the_language_that_is_asked_for(month: Path) -> None:
    pages = {}
    for language in ("es", "en", "ru"):
        result = call(
            "report", "--client", "acme", "--month", "2026-10", "--format", "html",
            "--language", language, config=month,
        )  # fmt: skip
        assert result.exit_code == 0
        assert f'lang="{language}"' in result.stdout
        pages[language] = result.stdout
    assert "99.9619" in pages["en"] and "99,9619" in pages["es"] and "99,9619" in pages["ru"]
    # Nobody asked: the client's own.
    own = call("report", "--client", "acme", "--month", "2026-10", "--format", "html", config=month)
    assert own.stdout == pages["es"]


def test_the_pdf_is_written_under_the_clients_name_and_the_month(
    month: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = call("report", "--client", "iberia", "--month", "2026-10", config=month)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("iberia-2026-10.pdf: ")
    assert Path("iberia-2026-10.pdf").read_bytes().startswith(b"%PDF-1.")
    assert [path.name for path in tmp_path.iterdir()] == ["iberia-2026-10.pdf"]


@pytest.mark.parametrize(
    ("name", "begins"),
    [("r.json", b'{\n "schema"'), ("r.csv", b"service,minute_utc,"), ("r.html", b"<!DOCTYPE html")],
)
def test_the_outputs_name_says_the_format(
    month: Path, tmp_path: Path, name: str, begins: bytes
) -> None:
    path = tmp_path / name
    result = call(
        "report", "--client", "iberia", "--month", "2026-10", "-o", str(path), config=month
    )
    assert result.exit_code == 0
    assert path.read_bytes().lower().startswith(begins.lower())


def test_a_month_that_is_going_on_says_so(month: Path) -> None:
    now = datetime.now(UTC)  # noqa: TID251 - what the command itself will ask
    result = call(
        "report", "--client", "iberia", "--month", f"{now:%Y-%m}", "--format", "json", config=month
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout)["period"]["complete"] is False


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--client", "acme", "--month", "2999-01"), "has not begun yet in America/Bogota"),
        (("--month", "2026-10"), "--client: wanted one of acme, iberia"),
        (("--client", "acm", "--month", "2026-10"), "--client: found 'acm', wanted one of acme"),
        (("--client", "acme", "--month", "10/2026"), "wanted a month such as 2026-10"),
        (("--client", "acme", "--month", "2026-10", "-o", "/nowhere/r.csv"), "/nowhere/r.csv: No"),
        (("--client", "acme", "--month", "2026-10", "--language", "fr"), "'fr' is not one of"),
    ],
)
def test_a_report_that_cannot_be_had_says_why(
    month: Path, options: tuple[str, ...], said: str
) -> None:
    result = call("report", *options, config=month)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_device_is_written_to_and_not_replaced(month: Path) -> None:
    result = call(
        "report", "--client", "iberia", "--month", "2026-10", "--format", "csv", "-o", "/dev/null",
        config=month,
    )  # fmt: skip
    assert result.exit_code == 0
    assert Path("/dev/null").is_char_device()


# Replay


def test_the_same_letters_come_again(month: Path) -> None:
    result = call("replay", "--month", "2026-10", "--client", "acme", config=month)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{service}: the same letters; 44,640 minutes settled again, 0 sealed days"
        for service in ("seventeen", "eighteen", "gaps")
    ]
    said = json.loads(
        call("replay", "--month", "2026-10", "--service", "gaps", "--json", config=month).stdout
    )
    assert said["agrees"] is True
    assert said["services"][0] == {
        "service": "gaps", "agrees": True, "compared_minutes": 44_640, "differences": [],
        "without_looks": [], "chain": [], "sealed_days": 0,
    }  # fmt: skip


def test_a_month_of_which_nothing_is_known_is_not_called_the_same(month: Path) -> None:
    result = call("replay", "--month", "2020-01", "--service", "gaps", config=month)
    assert (result.exit_code, result.stdout) == (
        0, "gaps: nothing is on record in that month\n",
    )  # fmt: skip


def test_letters_that_were_tampered_with_are_found(month: Path, tmp_path: Path) -> None:
    copy = tmp_path / "uptimed.db"
    assert call("backup", str(copy), config=month).exit_code == 0
    config = write_config(tmp_path, _CONFIG)
    _whitewash(copy)
    result = call("replay", "--month", "2026-10", "--service", "seventeen", config=config)
    assert result.exit_code == 1
    start, end = "2026-10-01T06:40:00Z", "2026-10-01T06:52:00Z"
    assert result.stdout.splitlines() == [
        "seventeen: NOT the same; 44,640 minutes settled again, 0 sealed days",
        f"  {start} to {end}: on record UUUUUUUUUUUU, replayed DDDDDDDDDDDD",
    ]
    said = json.loads(
        call(
            "replay", "--month", "2026-10", "--service", "seventeen", "--json", config=config
        ).stdout
    )
    assert said["agrees"] is False
    assert said["services"][0]["differences"] == [{
        "start": "2026-10-01T06:40:00Z", "end": "2026-10-01T06:52:00Z", "on_record": "U" * 12,
        "replayed": "D" * 12,
    }]  # fmt: skip


def test_a_look_that_vanished_is_found(month: Path, tmp_path: Path) -> None:
    copy = tmp_path / "uptimed.db"
    assert call("backup", str(copy), config=month).exit_code == 0
    with closing(sqlite3.connect(copy)) as journal, journal:
        gone = journal.execute(
            "DELETE FROM attempt WHERE at_us = ? AND service = "
            "(SELECT id FROM text WHERE text = 'eighteen')",
            ((BOGOTA + 7) * 60_000_000 + 10_000_000,),
        ).rowcount
    assert gone == 1
    config = write_config(tmp_path, _CONFIG)
    result = call("replay", "--month", "2026-10", "--service", "eighteen", config=config)
    assert result.exit_code == 1
    assert "2026-10-01T05:07:00Z to 2026-10-01T05:08:00Z: on record U, replayed N" in result.stdout


def test_an_entry_that_was_tampered_with_is_found(month: Path, tmp_path: Path) -> None:
    copy = tmp_path / "uptimed.db"
    assert call("backup", str(copy), config=month).exit_code == 0
    config = write_config(tmp_path, _CONFIG)
    said = call(
        "maintenance", "add", "--service", "gaps", "--start", "2030-01-01T02:00", "--end",
        "2030-01-01T04:00", "--reason", "upgrade", "--by", "Ana", config=config,
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    with closing(sqlite3.connect(copy)) as journal, journal:
        journal.execute("DROP TRIGGER entry_stays")
        journal.execute("UPDATE entry SET by = 'Luis'")
    result = call("replay", "--month", "2026-10", "--service", "gaps", config=config)
    assert result.exit_code == 1
    assert "what was entered: NOT as it was; entry 1 of acme is not" in result.stdout


def _whitewash(journal: Path) -> None:
    """Make every down minute of a day an up one, past all rules."""
    with closing(sqlite3.connect(journal)) as file, file:
        (service,) = file.execute("SELECT id FROM text WHERE text = 'seventeen'").fetchone()
        changed = file.execute(
            "UPDATE day SET letters = CAST(replace(CAST(letters AS TEXT), 'D', 'U') AS BLOB) "
            "WHERE id = (SELECT min(id) FROM day WHERE id >> 20 = ?)",
            (service,),
        )
        assert changed.rowcount == 1


# Explaining


def test_a_down_minute_is_explained_from_the_look_to_the_outage(month: Path) -> None:
    result = call("explain", "seventeen", "2026-10-01T01:40", config=month)
    assert result.exit_code == 0
    for words in (
        "seventeen, 2026-10-01 01:40 -0500 (2026-10-01T06:40:00Z): D (system down)",
        "provisional until its UTC day is sealed",
        "front (reach, http, every minute) https://seventeen.example/a",
        "from local: failed",
        "1. 2026-10-01T06:40:10Z fail in 10000.0 ms [connect_timeout]: nothing within 10 s",
        "reach: 1 of 1 must pass (front): down",
        "reach is down: D",
        "it is one of 12 down minutes of an outage (system_down) that began 2026-10-01 01:40 -0500",
        "up again 2026-10-01 01:52 -0500",
    ):
        assert words in result.stdout
    assert "key=s" not in result.stdout


@pytest.mark.parametrize(
    ("at", "letter", "words"),
    [
        ("2026-10-01T00:00", "U (up)", "from local: passed"),
        ("2026-10-07T06:00", "N (not measured)", "no look holds in this minute"),
    ],
)
def test_other_letters_are_explained_as_well(month: Path, at: str, letter: str, words: str) -> None:
    out = call("explain", "gaps", at, config=month).stdout
    assert f": {letter}" in out.splitlines()[0]
    assert words in out


def test_a_minute_before_the_agreement_is_out_of_scope(month: Path) -> None:
    out = call("explain", "gaps", "2026-09-30T23:59", config=month).stdout
    assert "out of scope: outside the agreement or its hours" in out


def test_an_explanation_as_json_holds_the_story(month: Path) -> None:
    said = json.loads(
        call("explain", "seventeen", "2026-10-01T06:40Z", "--json", config=month).stdout
    )
    assert said["minute"] == "2026-10-01T06:40:00Z"
    assert (said["letter"], said["settled_again"], said["settled"]) == ("D", "D", True)
    assert said["groups"]["reach"] == "down"
    assert said["outage"] == {
        "class": "system_down", "started_at": "2026-10-01T06:40:00Z",
        "ended_at": "2026-10-01T06:52:00Z", "minutes": 12, "counted": True,
    }  # fmt: skip
    [attempt] = said["probes"][0]["vantages"][0]["attempts"]
    assert (attempt["outcome"], attempt["cause"]) == ("fail", "connect_timeout")
    assert attempt["took_us"] == 10_000_000


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2999-01-01T00:00", "is in the future"),
        ("9999-12-31T23:59", "is in the future"),
        ("0001-01-01", "before the year 2000"),
        ("yesterday", "wanted a minute such as 2026-10-03T14:07"),
    ],
)
def test_a_minute_that_cannot_be_explained_is_told_of(month: Path, at: str, said: str) -> None:
    result = call("explain", "gaps", at, config=month)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_the_present_minute_has_no_letter_yet(month: Path) -> None:
    now = datetime.now(UTC)  # noqa: TID251 - what the command itself will ask
    out = call("explain", "gaps", f"{now:%Y-%m-%dT%H:%M}Z", config=month).stdout
    assert "not settled yet; from the looks so far it would be N" in out


def test_the_journal_of_the_month_is_small(month: Path) -> None:
    assert journal_of(month).stat().st_size < 10_000_000
