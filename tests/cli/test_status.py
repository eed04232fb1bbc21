"""What is up now. The past is taken in from looks, so nothing has to be waited for."""

import json
from pathlib import Path

import pytest

from tests.cli.commands import (
    ACME,
    FRONT,
    LOGIN,
    call,
    iso,
    journal_of,
    jsonl,
    looks,
    settings_of,
    write_config,
)
from uptimed.clock import SystemClock
from uptimed.core.minutes import Minute, minute_of, moment_of_minute, start_of
from uptimed.core.strip import Strip
from uptimed.ports import Batch
from uptimed.stores.sqlite import open_ledger


def last_minutes(config: Path, letters: str, **others: str) -> Minute:
    """Take in looks that make *letters*, up to the minute before the last; return the first."""
    start = Minute(minute_of(SystemClock().now()) - 1 - len(letters))
    lines = jsonl(looks(start, letters, **others))
    result = call("import", "-", config=config, stdin=lines)
    assert result.exit_code == 0, result.stderr
    return start


def alive(config: Path, minutes_ago: int) -> None:
    """Note that a daemon was alive."""
    at = start_of(Minute(minute_of(SystemClock().now()) - minutes_ago))
    with open_ledger(journal_of(config)) as ledger:
        ledger.write(Batch(heartbeat=at))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path)


def status(config: Path, *options: str) -> dict[str, object]:
    """Return the first service's status."""
    said = json.loads(call("status", "--json", *options, config=config).stdout)
    found: dict[str, object] = said["services"][0]
    return found


def test_what_is_up_ends_with_0(config: Path) -> None:
    last_minutes(config, "U" * 10)
    result = call("status", config=config)
    assert result.exit_code == 0
    header, row = result.stdout.splitlines()
    assert header.split() == [
        "SERVICE", "NOW", "SINCE", "MONTH", "TARGET", "DOWN", "LEFT", "COVERAGE", "LAST",
    ]  # fmt: skip
    assert row.split()[:2] == ["crm", "up"]
    assert "100.0000 %" in row and "99.96 %" in row and "0 of " in row


def test_a_vantage_of_which_nothing_comes_is_told_of(tmp_path: Path) -> None:
    named = ACME.replace(
        'id = "crm"\n', 'id = "crm"\nvantages = ["local", "lima", "madrid"]\nmin_vantages = 1\n', 1
    )
    config = write_config(tmp_path, named)
    last_minutes(config, "U" * 40)
    last_minutes(config, "U" * 15 + "N" * 25, vantage="lima")
    said = call("status", config=config).stdout
    assert "crm: nothing from lima since " in said
    assert "crm: nothing from madrid for more than an hour" in said
    assert "nothing from local" not in said
    vantages = status(config)["vantages"]
    assert isinstance(vantages, list)
    assert [(v["name"], v["silent"]) for v in vantages] == [
        ("local", False), ("lima", True), ("madrid", True),
    ]  # fmt: skip
    assert vantages[2]["last_look"] is None


def test_what_is_down_ends_with_1_and_says_why(config: Path) -> None:
    last_minutes(config, "UUUUDDD")
    result = call("status", config=config)
    assert result.exit_code == 1
    assert "SYSTEM DOWN" in result.stdout
    assert ", 3 minutes; front: nothing within 10 s" in result.stdout


def test_the_first_minute_of_an_outage_shows_at_once(config: Path) -> None:
    last_minutes(config, "UUUUD")
    result = call("status", config=config)
    assert result.exit_code == 1
    assert ", 1 minute; front: nothing within 10 s" in result.stdout


def test_what_came_up_again_ends_with_0(config: Path) -> None:
    last_minutes(config, "UDDDU")
    assert call("status", config=config).exit_code == 0
    said = status(config)
    assert (said["letter"], said["outage"], said["down_minutes"]) == ("U", None, 3)


def test_a_letter_that_has_stood_for_days_is_not_dated_yesterday(config: Path) -> None:
    start = last_minutes(config, "D" + "U" * 4000)
    said = status(config)
    assert said["since"] == iso_minute(Minute(start + 1))


def test_a_letter_that_has_stood_from_the_first_is_dated_to_it(config: Path) -> None:
    start = last_minutes(config, "UUU")
    assert status(config)["since"] == iso_minute(start)


def iso_minute(minute: Minute) -> str:
    return iso(minute, 0)[:16] + ":00Z"


def test_old_letters_are_no_news_of_now(config: Path) -> None:
    settled = Strip(Minute(minute_of(SystemClock().now()) - 30), "UDD")
    terms = settings_of(config).service("crm").watch.digest()
    with open_ledger(journal_of(config)) as ledger:
        ledger.write(Batch(letters=[("crm", settled, terms)]))
    result = call("status", config=config)
    assert result.exit_code == 0
    assert "not measured" in result.stdout and "28 min ago" in result.stdout
    said = status(config)
    assert (said["letter"], said["down"], said["since"]) == ("N", False, None)


def test_a_daemon_that_never_ran_is_told_of(config: Path) -> None:
    last_minutes(config, "U")
    assert "has never run on this journal" in call("status", config=config).stderr


def test_a_daemon_that_was_not_heard_of_lately_is_told_of(config: Path) -> None:
    last_minutes(config, "U")
    alive(config, minutes_ago=30)
    result = call("status", config=config)
    assert "the daemon was last heard of at" in result.stderr
    assert "30 min ago" in result.stderr
    assert result.exit_code == 0


def test_a_daemon_that_is_alive_is_not_spoken_of(config: Path) -> None:
    last_minutes(config, "U")
    alive(config, minutes_ago=1)
    assert call("status", config=config).stderr == ""


def test_a_service_without_any_letter_has_none(config: Path) -> None:
    with open_ledger(journal_of(config)):
        pass
    result = call("status", config=config)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split()[-1] == "never"
    said = status(config)
    assert (said["letter"], said["last_settled"], said["availability"]) == ("N", None, None)


def test_an_unverified_minute_says_so(tmp_path: Path) -> None:
    config = write_config(tmp_path, ACME.replace(f"[{FRONT}]", f"[{FRONT}, {LOGIN}]"))
    last_minutes(config, "UU")
    assert "up (login not verified)" in call("status", config=config).stdout
    assert status(config)["unverified"] is True


def test_json_has_every_key_for_every_service(config: Path) -> None:
    last_minutes(config, "UUDD")
    said = json.loads(call("status", "--json", config=config).stdout)
    assert list(said) == [
        "at", "made_up", "daemon_last_alive", "services", "incidents", "followers",
    ]  # fmt: skip
    assert list(said["services"][0]) == [
        "client", "service", "name", "letter", "state", "down", "unverified", "since",
        "last_settled", "month", "availability", "target", "promised", "down_minutes",
        "allowed_down_minutes", "remaining_down_minutes", "not_measured_minutes", "coverage",
        "verdict", "vantages", "outage",
    ]  # fmt: skip
    assert said["services"][0]["outage"] == {
        "class": "system_down", "started_at": said["services"][0]["since"], "minutes": 2,
        "reason": "front: nothing within 10 s",
    }  # fmt: skip


TWO = ACME + ACME.replace('"acme"', '"beta"').replace('"crm"', '"pim"')


@pytest.mark.parametrize(
    ("options", "services"),
    [
        ((), ["crm", "pim"]),
        (("--client", "beta"), ["pim"]),
        (("--service", "crm"), ["crm"]),
        (("--client", "beta", "--service", "pim"), ["pim"]),
    ],
)
def test_the_options_choose_services(
    tmp_path: Path, options: tuple[str, ...], services: list[str]
) -> None:
    config = write_config(tmp_path, TWO)
    last_minutes(config, "U")
    said = json.loads(call("status", "--json", *options, config=config).stdout)
    assert [s["service"] for s in said["services"]] == services


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--client", "gamma"), "--client: found 'gamma', wanted one of acme, beta"),
        (("--service", "crn"), "service: found 'crn', wanted one of crm, pim"),
        (("--client", "beta", "--service", "crm"), "crm is of client acme, not of beta"),
    ],
)
def test_what_is_not_configured_is_told_of(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    config = write_config(tmp_path, TWO)
    last_minutes(config, "U")
    result = call("status", *options, config=config)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_broken_journal_is_told_of(config: Path) -> None:
    journal_of(config).write_bytes(b"no journal at all" * 1000)
    result = call("status", config=config)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"journal: {journal_of(config)}: it is not a journal")


def month_of(config: Path, at: Minute) -> str:
    zone = settings_of(config).clients[0].zone
    return f"{moment_of_minute(at).astimezone(zone):%Y-%m}"


def test_open_incidents_are_told_with_the_clock_that_ends_next(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    start = last_minutes(config, "UUUUDDDDDD")
    for severity in ("incident", "improvement"):
        call("incident", "open", "--service", "crm", "--severity", severity, "--by", "eva",
             config=config)  # fmt: skip
    call("incident", "detect", "--month", month_of(config, start), config=config)

    text = call("status", config=config).stdout
    said = json.loads(call("status", "--json", config=config).stdout)["incidents"]
    assert "3 open incidents:" in text
    assert "next due: restore " in text
    assert said[0]["severity"] == "system_down"
    assert said[0]["next_due"]["clock"] == "restore"
    assert 0 < said[0]["next_due"]["remaining_seconds"] < 90 * 60
    assert [each["next_due"]["clock"] for each in said[1:]] == ["registration", "registration"]


def test_incidents_that_are_over_are_told_no_more(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    last_minutes(config, "UUUU")
    opened = call("incident", "open", "--service", "crm", "--by", "eva", config=config)
    assert "1 open incident:" in call("status", config=config).stdout
    call("incident", "resolve", opened.stdout.split(":")[0], "--by", "eva", config=config)

    assert "incident" not in call("status", config=config).stdout
    assert json.loads(call("status", "--json", config=config).stdout)["incidents"] == []
