"""What is entered and mailed: it counts once the mail server has taken the mail."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import call, said, settings_of, write_config
from tests.mail.months import text, write_month
from tests.mail.office import AIOSMTPD_WARNS, Office, office
from uptimed.core.issues import Post
from uptimed.stores.sqlite import open_reader

pytestmark = [*AIOSMTPD_WARNS, pytest.mark.slow]

ACME = ("--client", "acme", "--by", "Ana")
SOON = ("--start", "2999-03-03T02:00", "--end", "2999-03-03T04:00", "--reason", "upgrade")
THEN = ("--start", "2026-10-03T02:00", "--end", "2026-10-03T02:30", "--reason", "dam broke")


@pytest.fixture
def plain() -> Iterator[Office]:
    with office() as made:
        yield made


@pytest.fixture
def config(tmp_path: Path, plain: Office) -> Path:
    write_month(tmp_path)
    return write_config(tmp_path, text(plain.port))


def posts(config: Path, client: str = "acme") -> list[Post]:
    with open_reader(Path(settings_of(config).journal_path)) as reader:
        return list(reader.posts(client))


def test_maintenance_is_announced_by_the_mail_that_the_server_took(
    config: Path, plain: Office
) -> None:
    made = said("maintenance", "add", *SOON, *ACME, config=config)
    assert (made["how"], made["mail"]) == ("mail", "ACME-N1")
    assert made["announced"] is not None
    assert plain.recipients() == ["it@acme.example", "boss@acme.example"]
    (post,) = posts(config)
    assert (post.key, post.accepted is None) == ("maintenance/acme/M-1", False)


def test_maintenance_is_not_announced_while_no_server_takes_the_mail(
    config: Path, plain: Office
) -> None:
    plain.manners.recipients = {
        name: ["450 later"] * 9 for name in ("it@acme.example", "boss@acme.example")
    }
    made = said("maintenance", "add", *SOON, *ACME, config=config)
    assert made["announced"] is None
    told = call("maintenance", "told", "M-1", "--how", "phone", *ACME, config=config)
    assert "recorded as M-1" in told.stdout
    (listed,) = said("maintenance", "list", "--client", "acme", config=config)
    assert (listed["announced"] is None, listed["how"]) == (False, "phone")


def test_told_by_hand_nothing_is_mailed(config: Path, plain: Office) -> None:
    made = said("maintenance", "add", *SOON, "--how", "phone", *ACME, config=config)
    assert (made["how"], made["mail"]) == ("phone", None)
    assert plain.got == []


def test_an_exception_is_notified_by_the_mail_once_however_often_it_is_asked_for(
    config: Path, plain: Office
) -> None:
    made = said("exclude", "add", *THEN, *ACME, config=config)
    assert (made["how"], made["notified"] is None) == ("mail", False)
    assert len(plain.got) == 2
    again = call("exclude", "notified", "E-1", "--how", "x", *ACME, config=config)
    assert again.exit_code == 2
    assert "notified already" in again.stderr


def test_a_report_in_the_outbox_is_what_a_correction_replaces(config: Path) -> None:
    held = call("send", "--client", "ruby", "--month", "2026-10", config=config)
    assert "held (breached)" in held.stdout
    (mailed,) = posts(config, "ruby")
    whole = ("--start", "2026-10-31T00:00", "--end", "2026-11-01T00:00")
    why = ("--why", "our uplink", "--evidence", "ticket 7", "--client", "ruby", "--by", "Ana")
    done = call("correct", "add", *whole, "--to", "N", *why, config=config)
    assert f"2026-10: revision 2, replaces {mailed.sha256}" in done.stdout
    drawn = call(
        "report", "--client", "ruby", "--month", "2026-10", "--format", "json", config=config
    )
    found = json.loads(drawn.stdout)
    assert (found["revision"], found["replaces"]) == (2, mailed.sha256)
    assert [one["sha256"] for one in found["earlier"]] == [mailed.sha256]
