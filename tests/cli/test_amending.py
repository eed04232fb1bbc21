"""Maintenance, exceptions, objections, corrections and silences, as an operator enters them."""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import (
    ACME,
    FRONT,
    call,
    journal_of,
    jsonl,
    look,
    looks,
    minute,
    said,
    settings_of,
    write_config,
)
from uptimed.clock import SystemClock
from uptimed.core.corrections import Becomes, Wanted
from uptimed.core.entries import EntryRefused, entry_faults
from uptimed.core.minutes import Minute
from uptimed.stores.sqlite import back_up, open_reader
from uptimed.wiring import amending, papers

pytestmark = pytest.mark.slow

OWN = """
id = "own"
version = "1"
timezone = "America/Bogota"
[availability]
target = "99.96"
excludes = ["maintenance", "exceptions"]
maintenance_notice = "24h"
"""
START = minute("2026-10-01 05:00")
DOWN_FROM = minute("2026-10-11 07:00")
DOWN = ("--start", "2026-10-11T02:00", "--end", "2026-10-11T04:00")
BY = ("--by", "Ana")


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """October 2026 with 130 minutes down on the 11th from 02:00 on; its folder."""
    folder = tmp_path_factory.mktemp("taken")
    at = 10 * 1440 + 120
    letters = "U" * at + "D" * 130 + "U" * (44_640 - at - 130 + 60)
    path = folder / "looks.jsonl"
    began = "2026-10-11T07:00:10.000Z"
    tries = [
        look("2026-10-11T07:00:25.000Z", "fail", look=began),
        look("2026-10-11T07:00:40.000Z", "pass", look=began),
    ]
    lines = [*looks(START, letters), *tries]
    path.write_text(jsonl(lines), encoding="utf-8")
    assert call("import", str(path), config=write_config(folder)).exit_code == 0
    path.unlink()
    return folder


@pytest.fixture
def config(taken: Path, tmp_path: Path) -> Path:
    """A copy of the month under DataCRM's contract."""
    shutil.copytree(taken, tmp_path, dirs_exist_ok=True)
    return tmp_path / "uptimed.toml"


@pytest.fixture
def own(config: Path) -> Path:
    """The same under a contract that excludes maintenance and exceptions."""
    (config.parent / "own.toml").write_text(OWN, encoding="utf-8")
    config.write_text(config.read_text().replace('"datacrm"', '"own.toml"'), encoding="utf-8")
    return config


def refused(*arguments: str, config: Path) -> str:
    done = call(*arguments, config=config)
    assert done.exit_code == 2, done.output
    return " ".join(done.stderr.split())


def report(config: Path, *options: str) -> Mapping[str, Any]:
    return json.loads(paper(config, *options))  # type: ignore[no-any-return]


def paper(config: Path, *options: str) -> str:
    done = call("report", "--month", "2026-10", "--format", "json", *options, config=config)
    assert done.exit_code == 0, done.output
    return done.stdout


def only(found: Mapping[str, Any]) -> Mapping[str, Any]:
    (one,) = found["services"]
    return one  # type: ignore[no-any-return]


def rows(config: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(journal_of(config))) as connection:
        return connection.execute(query).fetchall()


# Maintenance.


def test_maintenance_under_a_contract_without_exclusions_is_down(config: Path) -> None:
    done = call("maintenance", "add", *DOWN, "--reason", "upgrade", *BY, config=config)
    assert "will not count, because the contract excludes no maintenance" in done.stdout
    found = only(report(config))
    assert (found["minutes"]["down"], found["availability"]) == (130, "99.7087")


def test_maintenance_that_is_entered_afterwards_has_no_effect(own: Path) -> None:
    announced = ("--announced", "2026-10-05T09:00")
    done = call("maintenance", "add", *DOWN, *announced, "--reason", "up", *BY, config=own)
    assert "it was announced, or recorded, later than the contract's notice" in done.stdout
    found = only(report(own))
    assert (found["minutes"]["maintenance"], found["minutes"]["down"]) == (0, 130)
    assert found["maintenance"][0]["why_not"] == "late_notice"


def test_maintenance_of_the_configuration_leaves_the_denominator(own: Path) -> None:
    own.write_text(
        own.read_text() + '[[clients.maintenance]]\nservice = "crm"\n'
        "start = 2026-10-11T02:00:00-05:00\nend = 2026-10-11T04:00:00-05:00\n"
        'announced = 2026-10-05T09:00:00-05:00\nreason = "upgrade"\n'
    )
    found = only(report(own))
    assert (found["minutes"]["maintenance"], found["minutes"]["down"]) == (120, 10)
    assert found["availability"] == "99.9775"


def test_weeks_to_come_are_announced_told_at_once_listed_and_cancelled(own: Path) -> None:
    times = ("--start", "2999-03-03T02:00", "--end", "2999-03-03T04:00")
    weekly = (*times, "--every", "week", "--until", "2999-03-24", "--reason", "patches", *BY)
    made = said("maintenance", "add", *weekly, config=own)
    assert [(w["id"], w["counting_minutes"], w["why_not"]) for w in made["windows"]] == [
        (f"M-1.{n}", 120, None) for n in (1, 2, 3, 4)
    ]
    done = call("maintenance", "cancel", "M-1.2", "--why", "postponed", *BY, config=own)
    assert "cancelled M-1.2, 2999-03-10 02:00 -0500 (2999-03-10T07:00:00Z)" in done.stdout
    (listed,) = said("maintenance", "list", config=own)
    assert [w["cancelled"] for w in listed["windows"]] == [False, True, False, False]
    assert "is cancelled already" in refused(
        "maintenance", "cancel", "M-1.2", "--why", "x", *BY, config=own
    )


def test_what_has_begun_is_not_cancelled(config: Path) -> None:
    call("maintenance", "add", *DOWN, "--reason", "upgrade", *BY, config=config)
    said_why = refused("maintenance", "cancel", "M-1", "--why", "x", *BY, config=config)
    assert "what happened happened" in said_why


# Exceptions.


EXCEPT = ("exclude", "add", *DOWN, "--reason", "dam broke", *BY)


def test_an_exception_counts_once_notified_and_both_figures_are_printed(own: Path) -> None:
    made = said(*EXCEPT, config=own)
    assert made["months"] == [{"month": "2026-10", "counts": False, "why_not": "not_notified"}]
    assert only(report(own, "--draft"))["minutes"]["excepted"] == 0
    done = call("exclude", "notified", "E-1", "--how", "mail 7", *BY, config=own)
    assert "2026-10: counts, 120 minutes" in done.stdout
    call("exclude", "answer", "E-1", "--answer", "objected", "--words", "no", *BY, config=own)
    found = only(report(own))
    assert (found["minutes"]["excepted"], found["availability"]) == (120, "99.9775")
    assert found["without_exceptions"]["availability"] == "99.7087"
    (line,) = found["exceptions"]
    assert (line["counted_minutes"], line["answer"], line["how"]) == (120, "objected", "mail 7")


def test_an_exception_does_not_count_after_the_first_report_was_given_out(own: Path) -> None:
    call(*EXCEPT, config=own)
    report(own)
    done = call("exclude", "notified", "E-1", "--how", "mail 7", *BY, config=own)
    assert "the first report of the month was given out before" in done.stdout
    found = only(report(own))
    assert (found["minutes"]["excepted"], found["exceptions"][0]["why_not"]) == (0, "late_notice")


def test_a_report_is_not_given_out_when_something_was_entered_while_it_was_drawn_up(
    own: Path,
) -> None:
    call(*EXCEPT, config=own)
    settings, now = settings_of(own), SystemClock().now()
    with open_reader(journal_of(own)) as reader:
        (acme,) = settings.clients
        drawn = papers.draw_up(reader, settings, acme, (2026, 10), now=now, software="x")
    call("exclude", "notified", "E-1", "--how", "mail 7", *BY, config=own)
    with pytest.raises(EntryRefused, match="draw it up again"):
        amending.give_out(settings, drawn, by="uptimed report", now=now)
    assert only(report(own))["minutes"]["excepted"] == 120


def test_what_a_restored_backup_lost_is_told_by_the_next_report(own: Path, tmp_path: Path) -> None:
    call(*EXCEPT, config=own)
    backup = tmp_path / "backup.db"
    back_up(journal_of(own), backup)
    call("exclude", "notified", "E-1", "--how", "mail 7", *BY, config=own)
    for beside in ("-wal", "-shm"):
        Path(f"{journal_of(own)}{beside}").unlink(missing_ok=True)
    shutil.copyfile(backup, journal_of(own))
    for _ in range(2):
        (lost,) = report(own)["evidence"]["entries_lost"]
        assert (lost["kept"], lost["place"]) == (1, 2)


def test_a_withdrawn_exception_counts_no_more(own: Path) -> None:
    call(*EXCEPT, config=own)
    call("exclude", "notified", "E-1", "--how", "mail 7", *BY, config=own)
    call("exclude", "withdraw", "E-1", "--why", "wrong day", *BY, config=own)
    assert only(report(own))["minutes"]["excepted"] == 0
    (listed,) = said("exclude", "list", config=own)
    assert listed["withdrawn"] is not None


def test_an_exception_with_a_report_is_not_withdrawn(own: Path) -> None:
    call(*EXCEPT, config=own)
    call("exclude", "notified", "E-1", "--how", "mail 7", *BY, config=own)
    report(own)
    why = refused("exclude", "withdraw", "E-1", "--why", "x", *BY, config=own)
    assert "the report of 2026-10 was given out with it" in why


# Objections and corrections.


AT = ("--at", "2026-10-11T02:07")
TO_N = ("correct", "add", *AT, "--to", "N", "--why", "our uplink", "--evidence", "ticket 7")


def test_a_contested_minute_is_explained_corrected_and_revised(config: Path) -> None:
    first = paper(config)
    told = ("--why", "you were cut off", "--contact", "Luis")
    made = said("objection", "add", *AT, *told, *BY, config=config)
    assert (made["id"], made["minutes"], made["outcome"]) == ("O-1", 1, None)
    explained = call("explain", "crm", "2026-10-11T02:07", config=config).stdout
    assert "D (system down)" in explained
    assert "objection O-1: you were cut off; open" in explained
    done = call(*TO_N, "--objection", "O-1", *BY, config=config)
    assert "99.7087 %, 130 down, breached -> 99.7110 %, 129 down, breached" in done.stdout
    call("objection", "answer", "O-1", "--outcome", "accepted", "--why", "yes", *BY, config=config)

    second = report(config)
    replaces = hashlib.sha256(first.encode()).hexdigest()
    assert (second["revision"], second["replaces"]) == (2, replaces)
    assert [(one["revision"], one["sha256"]) for one in second["earlier"]] == [(1, replaces)]
    found = only(second)
    (line,) = found["corrections"]
    assert line["changes"] == [
        {"start": "2026-10-11T07:07:00Z", "end": "2026-10-11T07:08:00Z", "from": "D", "to": "N"}
    ]
    assert [line[key]["availability"] for key in ("before", "after")] == ["99.7087", "99.7110"]
    assert [line[key]["verdict"] for key in ("before", "after")] == ["breached", "breached"]
    assert (line["by"], line["why"], line["evidence"]) == ("Ana", "our uplink", ["ticket 7"])
    assert (found["minutes"]["down"], found["minutes"]["not_measured"]) == (129, 1)
    assert found["original"]["down"] == 130
    assert found["objections"][0]["outcome"] == "accepted"
    recorded = found["recorded_letters_sha256"]
    assert recorded == only(json.loads(first))["letters_sha256"] != found["letters_sha256"]


def test_a_corrected_minute_is_told_wherever_letters_are(config: Path) -> None:
    call(*TO_N, *BY, config=config)
    explained = call("explain", "crm", "2026-10-11T02:07", config=config).stdout
    assert "it counts as N (not measured): it was corrected" in explained
    assert "correction C-1: D to N, by Ana, " in explained
    as_json = said("explain", "crm", "2026-10-11T02:07", config=config)
    assert (as_json["letter"], as_json["counts_as"]) == ("D", "N")
    period = ("--from", "2026-10-11T07:06Z", "--to", "2026-10-11T07:08Z", "--format", "csv")
    out = call("export", "--what", "letters", *period, config=config).stdout
    assert out.splitlines()[1:] == [
        "crm,2026-10-11T07:06:00Z,D,,", "crm,2026-10-11T07:07:00Z,D,,N",
    ]  # fmt: skip
    minutes = call("report", "--month", "2026-10", "--format", "csv", config=config).stdout
    assert "crm,2026-10-11T07:07:00Z,N,." in minutes.splitlines()


def test_down_becomes_up_by_a_look_that_passed_in_that_minute(config: Path) -> None:
    to_u = ("correct", "add", "--to", "U", "--why", "it answered", *BY)
    proof = ("--look", "front,local,2026-10-11T07:00:40Z")
    made = said(*to_u, "--at", "2026-10-11T02:00", *proof, config=config)
    assert made["looks"] == ["front,local,2026-10-11T07:00:40Z"]
    assert only(report(config))["minutes"]["down"] == 129
    assert "has no named look that proves it" in refused(*to_u, *AT, *proof, config=config)


def test_a_correction_that_was_wrong_is_taken_back_by_a_third_revision(config: Path) -> None:
    call(*TO_N, *BY, config=config)
    second = paper(config)
    back = ("correct", "add", *AT, "--to", "record", "--why", "wrong minute", "--evidence", "log")
    call(*back, *BY, config=config)
    third = report(config)
    assert (third["revision"], only(third)["minutes"]["down"]) == (3, 130)
    assert third["replaces"] == hashlib.sha256(second.encode()).hexdigest()
    assert len(said("correct", "list", config=config)) == 2


def test_what_was_never_given_out_is_replaced_as_it_stood(config: Path) -> None:
    draft = paper(config, "--draft").replace('"draft": true', '"draft": false')
    call(*TO_N, *BY, config=config)
    assert report(config)["replaces"] == hashlib.sha256(draft.encode()).hexdigest()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(TO_N, "say who you are, such as --by Ana", id="nobody"),
        pytest.param((*TO_N, "--by", " "), "say who you are", id="a name that is none"),
        pytest.param(
            ("correct", "add", *AT, "--to", "U", "--why", "x", "--evidence", "y", *BY),
            "with --look PROBE,VANTAGE,AT", id="up without a look",
        ),
        pytest.param(
            ("correct", "add", *AT, "--to", "E", "--why", "x", "--evidence", "y", *BY),
            "excludes no exceptions", id="an exception nobody agreed on",
        ),
        pytest.param(
            ("correct", "add", *AT, "--to", "N", "--why", "x", *BY), "--evidence TEXT",
            id="no proof",
        ),
        pytest.param(
            ("correct", "add", "--at", "2026-10-12T02:07", "--to", "N", "--why", "x",
             "--evidence", "y", *BY),
            "is down on record", id="a minute that was up",
        ),
        pytest.param(
            ("correct", "add", "--at", "2999-10-12T02:07", "--to", "N", "--why", "x",
             "--evidence", "y", *BY),
            "is judged until", id="a minute to come",
        ),
        pytest.param(
            (*TO_N, "--look", "front", *BY), "wanted PROBE,VANTAGE,AT", id="half a look",
        ),
        pytest.param((*TO_N, "--objection", "O-1", *BY), "there is no objection O-1", id="no such"),
        pytest.param((*TO_N[:2], *TO_N[4:], *BY), "wanted both", id="no time"),
        pytest.param(
            ("objection", "add", "--at", "2999-01-01T00:00", "--why", "x", *BY), "yet to come",
            id="contested before it happens",
        ),
        pytest.param(("silence", "add", "--reason", "x", *BY), "--end", id="silence without end"),
        pytest.param(
            ("maintenance", "add", *DOWN, "--every", "week", "--reason", "x", *BY), "--until",
            id="weekly for ever",
        ),
        pytest.param(
            ("maintenance", "add", "--start", "today", "--end", "x", *BY), "wanted a time such as",
            id="no such time",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_what_to_do_and_nothing_is_entered(
    arguments: tuple[str, ...], says: str, config: Path
) -> None:
    assert says in refused(*arguments, config=config)
    assert rows(config, "SELECT * FROM entry") == []


def test_two_operators_at_once_are_both_kept_in_order(config: Path) -> None:
    settings = settings_of(config)

    def correct(n: int) -> str:
        at = Minute(DOWN_FROM + n)
        wanted = Wanted(
            service="crm", start=at, stop=Minute(at + 1), to=Becomes.NOT_MEASURED, why="x",
            evidence=("y",), looks=(),
        )  # fmt: skip
        made = amending.correct(
            settings, settings.clients[0], wanted, by=f"Op {n}", now=SystemClock().now(),
            software="test",
        )  # fmt: skip
        return made.correction.by

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(correct, range(4))) == [f"Op {n}" for n in range(4)]
    with open_reader(journal_of(config)) as reader:
        entries = reader.entries("acme")
    assert entry_faults(entries) == ()
    assert sorted(entry.by for entry in entries) == [f"Op {n}" for n in range(4)]
    found = report(config)
    assert (found["revision"], only(found)["minutes"]["down"]) == (5, 126)
    assert [line["revision"] for line in only(found)["corrections"]] == [2, 3, 4, 5]


def test_the_chain_of_entries_can_be_made_again_and_its_head_is_printed(config: Path) -> None:
    call("objection", "add", *AT, "--why", "no", *BY, config=config)
    call(*TO_N, *BY, config=config)
    evidence = report(config)["evidence"]
    last = rows(config, "SELECT sha256 FROM entry WHERE kind = 'correction'")[0][0]
    assert (evidence["entries_head"], evidence["entries"]) == (last, 2)
    assert report(config)["evidence"] == evidence


def test_a_month_in_progress_and_a_draft_are_not_given_out(config: Path) -> None:
    paper(config, "--draft")
    call("report", "--month", "2026-11", "--format", "json", config=config)
    given = "SELECT count(*) FROM entry WHERE kind = 'report' AND subject = '2026-10'"
    assert rows(config, given) == [(0,)]
    paper(config)
    paper(config)
    assert rows(config, given) == [(1,)]


# Silences.


def test_silencing_changes_no_figure(config: Path) -> None:
    before = only(report(config))
    made = said(
        "silence", "add", "--end", "2999-01-01T00:00", "--reason", "move", *BY, config=config
    )
    assert (made["id"], made["holds"]) == ("S-1", True)
    assert only(report(config)) == before
    assert call("silence", "cancel", "S-1", *BY, config=config).exit_code == 0
    (listed,) = said("silence", "list", config=config)
    assert (listed["holds"], listed["cancelled_by"]) == (False, "Ana")


def test_of_several_services_one_must_be_named(tmp_path: Path) -> None:
    other = f'[[clients.services]]\nid = "shop"\nname = "Shop"\nprobes = [{FRONT}]\n'
    config = write_config(tmp_path, ACME + other)
    assert "--service: wanted one of crm, shop" in refused(*EXCEPT, config=config)


@pytest.mark.parametrize("command", ["maintenance", "exclude", "objection", "correct", "silence"])
def test_where_nothing_was_entered_lists_are_empty(command: str, tmp_path: Path) -> None:
    assert said(command, "list", config=write_config(tmp_path)) == []
    assert call(command, "list", config=write_config(tmp_path)).exit_code == 0


def test_maintenance_can_be_announced_before_the_first_run(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    times = ("--start", "2999-03-03T02:00", "--end", "2999-03-03T04:00")
    made = said("maintenance", "add", *times, "--reason", "set up", *BY, config=config)
    assert (made["id"], made["service"], made["how"]) == ("M-1", None, "by hand")
