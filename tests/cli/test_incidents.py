"""Incidents by command: what is said, what is refused, and what a stranger's file does."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import (
    ACME,
    call,
    journal_of,
    jsonl,
    looks,
    minute,
    settings_of,
    write_config,
)
from uptimed.core.calendars import Second
from uptimed.core.incidents import Noted
from uptimed.core.minutes import MINUTE, Minute
from uptimed.core.observations import Instant
from uptimed.ledger.incidents import casebook
from uptimed.stores.sqlite import open_reader
from uptimed.wiring.incidents import record, wanted

FRIDAY = minute("2026-10-09 21:40")  # 16:40 in Bogota
R = "ACME-2026-0001"


def with_outage(folder: Path, length: int = 91, text: str = ACME) -> Path:
    """Return a configuration whose journal has an outage on Friday afternoon, and its incident."""
    config = write_config(folder, text)
    lines = looks(Minute(FRIDAY - 30), f"{'U' * 30}{'D' * length}{'U' * 30}")
    assert call("import", "-", config=config, stdin=jsonl(lines)).exit_code == 0
    assert call("incident", "detect", "--month", "2026-10", config=config).exit_code == 0
    return config


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return with_outage(tmp_path)


def shown(config: Path, reference: str = R) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        call("incident", "show", reference, "--json", config=config).stdout
    )
    return found


def clock(config: Path, name: str, reference: str = R) -> dict[str, Any]:
    (found,) = [each for each in shown(config, reference)["clocks"] if each["clock"] == name]
    return dict(found)


@pytest.mark.parametrize(
    ("length", "verdict"), [pytest.param(91, "missed", id="91"), pytest.param(90, "met", id="90")]
)
def test_an_outage_is_judged_by_the_hour_and_a_half_around_the_clock(
    tmp_path: Path, length: int, verdict: str
) -> None:
    restore = clock(with_outage(tmp_path, length), "restore")

    assert (restore["verdict"], restore["elapsed_seconds"]) == (verdict, length * 60)
    assert restore["due"] == "2026-10-09T23:10:00Z"


def test_detecting_again_opens_nothing(config: Path) -> None:
    result = call("incident", "detect", "--month", "2026-10", config=config)

    assert result.stdout == "0 incidents opened\n"


def test_the_list_shows_what_is_open_and_what_was_missed(config: Path) -> None:
    result = call("incident", "list", config=config)

    header, line = result.stdout.splitlines()
    assert header.split() == [
        "REFERENCE", "SERVICE", "CLASS", "SEVERITY", "STATE", "OPENED", "NEXT", "DUE", "MISSED",
    ]  # fmt: skip
    assert line.split() == [
        R, "crm", "system_down", "system_down", "open", "2026-10-09", "16:40", "-0500", "-",
        "restore",
    ]  # fmt: skip


def test_closed_incidents_are_listed_when_they_are_asked_for(config: Path) -> None:
    call("incident", "close", R, "--by", "ana", config=config)

    assert call("incident", "list", config=config).stdout == "no incident is open\n"
    for option in (("--all",), ("--month", "2026-10")):
        assert R in call("incident", "list", *option, config=config).stdout
    assert call("incident", "list", "--month", "2026-09", config=config).stdout == "no incidents\n"


def test_an_incident_is_shown_with_due_times_and_what_happened(config: Path) -> None:
    call("incident", "cause", R, "--by", "ana", "--cause", "disk full", config=config)
    text = call("incident", "show", R.lower(), config=config).stdout

    assert f"{R}: crm, open, system_down, system_down" in text
    assert "down from 2026-10-09 16:40 -0500, until 2026-10-09 18:11 -0500; 91 down minutes" in text
    assert "2026-10-09 18:10 -0500" in text
    assert "restored by uptimed" in text
    assert "cause: disk full" in text


def test_acts_follow_each_other_into_the_timeline(config: Path) -> None:
    acts = (
        ("register", "--ticket", "H-7"), ("ack",), ("respond", "--words", "hello"), ("update",),
        ("pause", "--reason", "administrator"), ("resume",), ("escalate", "--level", "1"),
        ("severity", "--severity", "development", "--reason", "a workaround"), ("resolve",),
        ("close",), ("reopen", "--reason", "again"), ("note", "--words", "kept"),
    )  # fmt: skip
    for name, *options in acts:
        result = call("incident", name, R, "--by", "ana", *options, config=config)
        assert result.exit_code == 0, result.output

    found = shown(config)
    assert [event["kind"] for event in found["timeline"]] == [
        "opened", "restored", "registered", "acknowledged", "first_response", "update", "paused",
        "resumed", "escalated", "severity", "resolved", "closed", "reopened", "note",
    ]  # fmt: skip
    assert (found["severity"], found["state"], found["ticket"]) == ("development", "open", "H-7")


def test_a_person_opens_an_incident_and_is_told_its_reference(config: Path) -> None:
    opened = call(
        "incident", "open", "--service", "crm", "--severity", "development", "--by", "ana",
        "--at", "2026-10-12T09:00", config=config,
    )  # fmt: skip

    assert (
        opened.stdout.splitlines()[0] == "ACME-2026-0002: opened at 2026-10-12 09:00 -0500 by ana"
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        pytest.param(("ack", R, "--by", ""), "by nobody: name the person", id="nobody"),
        pytest.param(("ack", R, "--by", "uptimed"), "by nobody: name the person", id="the monitor"),
        pytest.param(("ack", R), "Missing option '--by'", id="no name"),
        pytest.param(("ack", R, "--by", "a", "--at", "2026-10-01"), "give an instant from then on",
                     id="before its incident"),
        pytest.param(("ack", R, "--by", "a", "--at", "2999-01-01"), "once it has happened",
                     id="in future"),
        pytest.param(("ack", R, "--by", "a", "--at", "noon"), "wanted a time", id="no time"),
        pytest.param(("ack", R, "--by", "a", "--at", "9999-12-31T23:59-12:00"), "--at: found '9999",
                     id="past the calendar"),
        pytest.param(("open", "--service", "crm", "--by", "a", "--at", "0001-01-01"), "the years",
                     id="before the calendar"),
        pytest.param(("ack", "ACME-2026-0009", "--by", "a"), "there is no incident ACME-2026-0009",
                     id="no such incident"),
        pytest.param(("pause", R, "--by", "a", "--reason", "lunch"), "name administrator",
                     id="reason"),
        pytest.param(("resume", R, "--by", "a"), "nothing to resume", id="not paused"),
        pytest.param(("severity", R, "--by", "a", "--severity", "incident"), "needs a reason",
                     id="lowered without reason"),
        pytest.param(("severity", R, "--by", "a", "--severity", "x"), "no severity of the contract",
                     id="severity"),
        pytest.param(("open", "--service", "x", "--by", "a"), "wanted one of crm", id="service"),
    ],
)  # fmt: skip
def test_what_is_refused_says_what_to_do(
    config: Path, arguments: tuple[str, ...], why: str
) -> None:
    before = shown(config)["timeline"]
    result = call("incident", *arguments, config=config)

    assert result.exit_code == 2
    assert why in result.stderr
    assert shown(config)["timeline"] == before


def test_an_event_after_the_close_is_refused(config: Path) -> None:
    call("incident", "close", R, "--by", "ana", config=config)
    result = call("incident", "update", R, "--by", "ana", config=config)

    assert result.exit_code == 2
    assert "reopen it first" in result.stderr


def test_a_contract_that_is_edited_under_an_open_incident_judges_it_no_otherwise(
    tmp_path: Path,
) -> None:
    config = with_outage(tmp_path)
    assert not shown(config)["terms_edited"]
    preset = (Path(__file__).parents[2] / "uptimed/contracts/datacrm.toml").read_text("utf-8")
    (tmp_path / "own.toml").write_text(preset.replace('"1.5h"', '"5h"'), encoding="utf-8")
    config.write_text(
        config.read_text("utf-8").replace('"datacrm"', '"own.toml"'), encoding="utf-8"
    )

    assert clock(config, "restore")["verdict"] == "missed"
    assert shown(config)["terms_edited"]
    assert "judged by the terms that were in force when it opened" in (
        call("incident", "show", R, config=config).stdout
    )
    assert f"note: client acme: {R} opened under other terms of support" in (
        call("check", config=config).stdout
    )


def test_two_operators_at_once_are_both_kept_in_order(config: Path) -> None:
    client, path = settings_of(config).clients[0], journal_of(config)
    now = Instant((FRIDAY + 60) * MINUTE)

    def note(number: int) -> None:
        at = Second((FRIDAY + 1) * 60)
        record(
            path, client, now,
            lambda r: wanted(r.add(R, Noted(words=str(number)), at=at, by=f"op{number % 2}")),
        )  # fmt: skip

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(note, range(24)))
    with open_reader(path) as reader:
        incident = casebook(reader, "acme").incident(R)

    notes = [event for event in incident.timeline if isinstance(event.act, Noted)]
    assert {event.act.words for event in notes if isinstance(event.act, Noted)} == {
        str(n) for n in range(24)
    }
    assert [e.sequence for e in notes] == sorted({e.sequence for e in notes})
    assert incident.ignored == ()


def event(number: int, kind: str, **said: object) -> dict[str, object]:
    return {
        "id": f"H-1/{number}", "ticket": "H-1", "kind": kind, "by": "eva",
        "at": f"2026-10-13T14:{number:02}:00-05:00", **said,
    }  # fmt: skip


OPENED = event(0, "opened", service="crm", severity="incident", channel="mail")
RESOLVED = event(30, "resolved")


def test_times_come_from_a_ticket_system_and_the_same_file_changes_nothing(config: Path) -> None:
    file = jsonl([OPENED, event(5, "registered"), RESOLVED])
    first = call("incident", "import", "-", config=config, stdin=file)
    second = call("incident", "import", "-", config=config, stdin=file)

    assert first.stdout == "3 events recorded, 0 known before\n"
    assert second.stdout == "0 events recorded, 3 known before\n"
    resolution = clock(config, "resolution", "ACME-2026-0002")
    assert (resolution["verdict"], resolution["elapsed_seconds"]) == ("met", 30 * 60)


def test_a_file_with_a_bad_line_records_nothing_and_names_the_line(config: Path) -> None:
    file = jsonl([OPENED, event(5, "moved"), event(6, "resumed")])
    result = call("incident", "import", "-", config=config, stdin=file)

    assert result.exit_code == 2
    assert "line 2: kind: found 'moved'" in result.stderr
    assert "line 3: it is not paused: there is nothing to resume" in result.stderr
    assert "nothing was recorded: 2 lines refused" in result.stderr
    assert (
        len(json.loads(call("incident", "list", "--json", config=config).stdout)["incidents"]) == 1
    )


def test_bad_lines_are_left_out_on_request(config: Path) -> None:
    file = jsonl([OPENED, event(5, "moved"), RESOLVED])
    result = call("incident", "import", "-", "--skip-bad", config=config, stdin=file)

    assert result.exit_code == 0
    assert result.stdout == "2 events recorded, 0 known before\n"
    assert "line 2" in result.stderr


def test_the_report_has_the_reference_the_clocks_and_the_cause(config: Path) -> None:
    call("incident", "cause", R, "--by", "ana", "--cause", "disk full", config=config)
    report = json.loads(
        call("report", "--month", "2026-10", "--format", "json", config=config).stdout
    )

    (service,) = report["services"]
    assert service["outages"][0]["incident"] == R
    (restore,) = [c for c in report["clocks"] if c["clock"] == "restore"]
    assert {key: restore[key] for key in ("severity", "met", "decided", "percent", "verdict")} == {
        "severity": "system_down", "met": 0, "decided": 1, "percent": "0.0000", "verdict": "missed",
    }  # fmt: skip
    assert restore["missed"] == [R]
    assert report["incidents"][0]["cause"] == "disk full"


def test_a_secret_that_somebody_pastes_is_not_put_on_record(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "canary-7f3a")
    hook = '\n[webhook]\nurls = ["http://127.0.0.1:9/"]\nsecret = { env = "HOOK" }\n'
    config.write_text(config.read_text() + hook)
    words = ("--words", "signed in with canary-7f3a")
    said = call("incident", "note", R, "--by", "ana", *words, "--json", config=config)

    assert json.loads(said.stdout)["words"] == "signed in with ***"
    assert "canary" not in call("incident", "show", R, config=config).stdout


def test_half_a_character_of_a_ticket_system_is_refused_by_its_line(config: Path) -> None:
    line = {"id": "H/1", "kind": "note", "at": "2026-10-10T00:00:00Z", "by": "ana", "incident": R}
    result = call(
        "incident", "import", "-", config=config, stdin=jsonl([line | {"words": "half \ud800"}])
    )

    assert result.exit_code == 2
    assert result.stderr.startswith("line 1: found half a character, wanted text in UTF-8\n")


def test_bytes_that_are_no_text_are_told_and_kept_nowhere(config: Path) -> None:
    before = shown(config)
    result = call("incident", "note", R, "--by", "ana", "--words", "bad \udcff", config=config)

    assert (result.exit_code, result.stderr) == (
        2, "found bytes that are no UTF-8 in what was given; nothing was kept\n",
    )  # fmt: skip
    assert shown(config)["timeline"] == before["timeline"]


def test_an_end_that_somebody_told_too_early_ends_nothing_that_is_measured(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    lines = looks(Minute(FRIDAY - 30), f"{'U' * 30}{'D' * 60}")
    call("import", "-", config=config, stdin=jsonl(lines))
    call("incident", "detect", "--month", "2026-10", config=config)
    call("incident", "restore", R, "--by", "eva", "--at", "2026-10-09T16:45", config=config)
    rest = looks(Minute(FRIDAY + 60), f"{'D' * 60}{'U' * 20}")
    assert call("import", "-", config=config, stdin=jsonl(rest)).exit_code == 0

    restore = clock(config, "restore")
    assert (restore["stopped"], restore["elapsed_seconds"]) == ("2026-10-09T23:40:00Z", 7200)
    assert shown(config)["outage"]["down_minutes"] == 120


SUITECRM = ACME.replace('"datacrm"', '"suitecrm"\ntimezone = "America/Bogota"')


def test_whose_fault_it_is_is_said_as_the_contract_writes_it(tmp_path: Path) -> None:
    config = with_outage(tmp_path, text=SUITECRM)
    words = ("--fault", "third_party", "--reason", "their proxy", "--by", "eva")
    refused = call("incident", "classify", R, "--severity", "severity_1", *words, config=config)
    done = call("incident", "classify", R, "--severity", "severity_3", *words, config=config)

    assert (refused.exit_code, done.exit_code) == (2, 0)
    assert "the third party's fault is never severity_1" in refused.output
    assert (shown(config)["fault"], shown(config)["severity"]) == ("third_party", "severity_3")


YUCRM = ACME.replace('"datacrm"', '"yucrm"')


@pytest.mark.parametrize(
    ("channel", "starts", "said"),
    [
        pytest.param("WhatsApp", True, False, id="however it is written"),
        pytest.param("telephone", False, True, id="not official"),
        pytest.param("whatsap", False, True, id="mistyped"),
    ],
)
def test_a_report_that_starts_no_clock_says_so(
    tmp_path: Path, channel: str, *, starts: bool, said: bool
) -> None:
    config = write_config(tmp_path, YUCRM)
    options = ("--severity", "ordinary", "--channel", channel, "--by", "eva")
    done = call("incident", "open", "--service", "crm", *options, config=config)

    note = f"a report through {channel} starts no clock: whatsapp, telegram or mail does\n"
    assert (note in done.output) is said
    year = now_year(config)
    assert bool(shown(config, f"ACME-{year}-0001")["clocks"]) is starts


def now_year(config: Path) -> str:
    found = json.loads(call("incident", "list", "--json", config=config).stdout)["incidents"]
    return str(found[0]["reference"].split("-")[1])
