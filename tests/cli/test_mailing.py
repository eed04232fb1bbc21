"""The month by mail, as somebody at a terminal meets it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import call, write_config
from tests.mail.months import text, write_month
from tests.mail.office import AIOSMTPD_WARNS, Office, office

pytestmark = [*AIOSMTPD_WARNS, pytest.mark.slow]

MONTH = ("--month", "2026-10")


@pytest.fixture
def plain() -> Iterator[Office]:
    with office() as made:
        yield made


@pytest.fixture
def config(tmp_path: Path, plain: Office) -> Path:
    write_month(tmp_path)
    return write_config(tmp_path, text(plain.port))


def test_a_dry_run_shows_the_mail_and_keeps_and_sends_nothing(config: Path, plain: Office) -> None:
    result = call("send", "--client", "acme", *MONTH, "--dry-run", config=config)
    assert result.exit_code == 0
    assert "number:  ACME-2026-10-1 (sent at once)" in result.stdout
    assert "it@acme.example, boss@acme.example (a mail each)" in result.stdout
    assert "Informe de disponibilidad, octubre de 2026" in result.stdout
    assert plain.got == []
    assert call("outbox", "list", "--json", config=config).stdout == "[]\n"


def test_a_month_is_sent_once(config: Path, plain: Office) -> None:
    first = call("send", "--client", "acme", *MONTH, config=config)
    second = call("send", "--client", "acme", *MONTH, config=config)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == second.stdout
    assert first.stdout.count("the mail server took it over (250 taken as 1A2B3C)") == 2
    assert plain.recipients() == ["it@acme.example", "boss@acme.example"]


def test_what_may_have_gone_out_is_sent_again_only_by_name(config: Path, plain: Office) -> None:
    plain.manners.drop_after_taking = {"it@acme.example"}
    assert call("send", "--client", "acme", *MONTH, config=config).exit_code == 1
    plain.manners.drop_after_taking = set()
    again = call("send", "--client", "acme", *MONTH, config=config)
    assert again.exit_code == 1
    assert "it may have been delivered" in again.stdout
    assert len(plain.got) == 2
    nameless = call("send", "--client", "acme", *MONTH, "--again", config=config)
    assert nameless.exit_code == 2
    assert "--by" in nameless.stderr
    told = call(
        "send", "--client", "acme", *MONTH, "--again", "--to", "it@acme.example", "--by", "Ana",
        config=config,
    )  # fmt: skip
    assert told.exit_code == 0
    assert plain.recipients().count("it@acme.example") == 2
    assert plain.recipients().count("boss@acme.example") == 1


def test_a_breached_month_waits_for_approval_by_name(config: Path, plain: Office) -> None:
    ruby = ("--client", "ruby", *MONTH)
    early = call("approve", *ruby, "--by", "Ana", config=config)
    assert early.exit_code == 2
    assert "no report is drawn up" in early.stderr
    held = call("send", *ruby, config=config)
    assert held.exit_code == 1
    assert "RUBY-2026-10-1: held (breached)" in held.stdout
    assert plain.got == []
    assert call("approve", *ruby, config=config).exit_code == 2
    assert call("approve", *ruby, "--by", "A\nB", config=config).exit_code == 2
    assert call("approve", *ruby, "--by", "Ana", config=config).exit_code == 0
    twice = call("approve", *ruby, "--by", "Eva", config=config)
    assert twice.exit_code == 2
    assert "is waiting: not approved now" in twice.stderr
    assert call("send", *ruby, config=config).exit_code == 0
    assert len(plain.got) == 2


def test_a_month_in_progress_is_refused(config: Path, plain: Office) -> None:
    result = call("send", "--client", "acme", "--month", "2999-01", config=config)
    assert result.exit_code == 2
    assert "the month is not over in America/Bogota" in result.stderr


def test_every_clients_month_is_shown_at_once(config: Path, plain: Office) -> None:
    plain.manners.recipients["boss@iberia.example"] = ["550 unknown"]
    before = call("months", *MONTH, config=config)
    assert "not drawn up" in before.stdout
    assert call("send", "--all", *MONTH, config=config).exit_code == 1
    shown = call("months", *MONTH, config=config).stdout.splitlines()
    rows = {line.split()[0]: " ".join(line.split()) for line in shown}
    assert "BREACHED" not in rows["ruby"]  # nothing was promised
    assert "below reference" in rows["ruby"]
    assert "40 of 0 min" in rows["ruby"]
    assert rows["ruby"].endswith("held (breached)")
    assert rows["acme"].endswith("delivered 2 of 2")
    assert rows["iberia"].endswith("failed 1 of 2")
    assert shown[1].startswith("ruby")  # what needs somebody comes first
    assert shown[-1] == "3 clients: 3 drawn up, 1 held; recipients: 3 delivered, 1 failed"
    found = json.loads(call("months", *MONTH, "--json", config=config).stdout)
    ruby = next(one for one in found["clients"] if one["client"] == "ruby")
    assert (ruby["verdict"], ruby["status"], ruby["down_minutes"]) == ("breached", "held", 40)
    assert ruby["recipients"]["held"] == 2
    assert ruby["due"] == "2026-11-03T06:00:00Z"


def test_the_outbox_tells_what_happened_and_lets_go(config: Path, plain: Office) -> None:
    plain.manners.recipients["boss@acme.example"] = ["550 5.1.1 unknown"]
    call("send", "--client", "acme", *MONTH, config=config)
    shown = call("outbox", "show", "ACME-2026-10-1", config=config).stdout
    assert "to boss@acme.example: failed" in shown
    assert "550 5.1.1 unknown" in shown
    raw = call("outbox", "show", "ACME-2026-10-1", "--raw", config=config).stdout_bytes
    assert raw == plain.got[0].content
    listed = json.loads(call("outbox", "list", "--open", "--json", config=config).stdout)
    assert [one["number"] for one in listed] == ["ACME-2026-10-1"]
    assert [one["status"] for one in listed[0]["recipients"]] == ["accepted", "refused"]
    retried = call("outbox", "retry", "ACME-2026-10-1", "--to", "boss@acme.example", "--by", "Ana",
                   config=config)  # fmt: skip
    assert retried.exit_code == 1
    gone = call("outbox", "cancel", "ACME-2026-10-1", "--by", "Ana", "--reason", "by hand",
                config=config)  # fmt: skip
    assert gone.exit_code == 0
    assert "cancelled" in gone.stdout
    assert "by Ana: by hand" in gone.stdout
    assert call("outbox", "list", "--open", "--json", config=config).stdout == "[]\n"
    late = call("outbox", "cancel", "ACME-2026-10-1", "--by", "Ana", config=config)
    assert (late.exit_code, late.stdout) == (2, "")


def test_a_test_mail_says_whether_mail_goes_out(config: Path, plain: Office) -> None:
    assert call("outbox", "test", "--to", "me@x.example", config=config).exit_code == 0
    plain.stop()
    away = call("outbox", "test", "--to", "me@x.example", config=config)
    assert away.exit_code == 1
    assert "connection refused" in away.stdout
    bad = call("outbox", "test", "--to", "me@x.example\nBcc: b@x.example", config=config)
    assert bad.exit_code == 2
    assert "on one line" in bad.stderr


def test_a_password_that_is_the_daemons_alone_is_left_to_it(tmp_path: Path, plain: Office) -> None:
    write_month(tmp_path)
    more = 'username = "reports"\npassword = { credential = "smtp" }'
    config = write_config(tmp_path, text(plain.port, more))
    result = call("send", "--client", "acme", *MONTH, config=config)
    assert result.exit_code == 1
    assert "CREDENTIALS_DIRECTORY is not set; a daemon that can read it sends it" in result.stderr
    (record,) = json.loads(call("outbox", "list", "--json", config=config).stdout)
    assert [event["what"] for event in record["events"]] == ["queued"]
    assert plain.asked == []


def test_a_mail_that_is_not_there_is_told_of(config: Path) -> None:
    for command in (["show", "X-1"], ["retry", "X-1", "--by", "Ana"],
                    ["cancel", "X-1", "--by", "Ana"]):  # fmt: skip
        result = call("outbox", *command, config=config)
        assert result.exit_code == 2
        assert "there is no mail X-1" in result.stderr


def test_options_that_do_not_go_together_are_refused(config: Path) -> None:
    for options in (["--all", "--client", "acme"], ["--all", "--again", "--by", "Ana"],
                    ["--client", "acme", "--to", "it@acme.example"]):  # fmt: skip
        assert call("send", *options, *MONTH, config=config).exit_code == 2


def test_without_mail_in_the_configuration_it_says_what_to_do(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    for command in (["send", *MONTH], ["outbox", "test", "--to", "me@x.example"],
                    ["outbox", "retry", "X", "--by", "Ana"]):  # fmt: skip
        result = call(*command, config=config)
        assert result.exit_code == 2
        assert "there is no [mail] in the configuration: see docs/mail.md" in result.stderr
