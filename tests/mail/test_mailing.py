"""Drawing mails up: once, frozen, numbered, held; what is refused; notices for others."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.cli.commands import call, settings_of
from tests.fakes import at, minute
from tests.mail.office import Office
from tests.mail.posts import HandClock, deliver, postman, statuses
from uptimed.core.minutes import start_of
from uptimed.core.observations import SECOND, Instant
from uptimed.core.outbox import MailKind, Record, Status, addressed
from uptimed.core.settings import Settings
from uptimed.core.snapshot import Edge
from uptimed.stores.outbox import NoSuchMail, Outbox
from uptimed.wiring.mailing import (
    NotSendable,
    Stretch,
    accepted_at,
    announce_maintenance,
    drawn_up,
    notify_exception,
    post_test,
    tell_of_edge,
)

OCTOBER = (2026, 10)
NOW = at("2026-11-03 14:00")


def draw(settings: Settings, client: str, now: Instant = NOW) -> Record:
    return drawn_up(settings, settings.client(client), OCTOBER, now=now, software="uptimed 0")


def message(settings: Settings, number: str) -> bytes:
    with Outbox.read(Path(settings.journal_path)) as outbox:
        return outbox.message(number)


@pytest.fixture
def settings(october: Path) -> Settings:
    return settings_of(october)


# Reports.


def test_a_report_is_frozen_with_its_pdf_and_json(settings: Settings) -> None:
    record = draw(settings, "acme")
    assert (record.mail.number, record.status) == ("ACME-2026-10-1", Status.WAITING)
    assert record.mail.recipients == ("it@acme.example", "boss@acme.example")
    found = message_from_bytes(message(settings, "ACME-2026-10-1"), policy=policy.default)
    pdf, figures = (part.get_content() for part in found.iter_attachments())
    figures = figures.encode() if isinstance(figures, str) else figures
    assert hashlib.sha256(pdf).hexdigest() == record.mail.facts["pdf_sha256"]
    assert hashlib.sha256(figures).hexdigest() == record.mail.facts["json_sha256"]
    assert json.loads(figures)["revision"] == 1
    assert pdf.startswith(b"%PDF")


def test_it_speaks_the_clients_language_and_names_its_number(settings: Settings) -> None:
    for client, subject, said in (
        ("acme", "[ACME-2026-10-1] Informe de disponibilidad, octubre de 2026: ACME S.A.S.",
         "indique el número ACME-2026-10-1"),
        ("iberia", "[IBERIA-2026-10-1] Availability report, October 2026: Iberia & Söhne",
         "quote the number IBERIA-2026-10-1"),
    ):  # fmt: skip
        record = draw(settings, client)
        found = message_from_bytes(message(settings, record.mail.number), policy=policy.default)
        plain, html = found.get_body(("plain",)), found.get_body(("html",))
        assert plain is not None
        assert html is not None
        assert found["Subject"] == record.mail.subject == subject
        assert said in plain.get_content()
        assert "CRM &lt;" in html.get_content()


def test_drawn_up_again_it_is_the_same_byte_for_byte(settings: Settings) -> None:
    first = draw(settings, "acme")
    frozen = message(settings, first.mail.number)
    again = draw(settings, "acme", now=Instant(NOW + 86_400 * SECOND))
    assert again == first
    assert message(settings, first.mail.number) == frozen


def test_a_breached_month_is_held(settings: Settings) -> None:
    record = draw(settings, "ruby")
    assert record.status is Status.HELD
    assert record.events[0].words == "breached"
    assert record.mail.facts["verdict"] == "breached"
    assert record.mail.facts["down"] == "40"


def test_the_operator_says_what_is_held(settings: Settings) -> None:
    assert settings.mail is not None
    eager = replace(settings, mail=replace(settings.mail, hold=()))
    assert draw(eager, "ruby").status is Status.WAITING
    careful = replace(settings, mail=replace(settings.mail, hold=("met",)))
    assert draw(careful, "acme").status is Status.HELD


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-10-31 12:00", "acme 2026-10: the month is not over in America/Bogota"),
        ("2026-11-01 12:00", "it can be sent from 2026-11-02 01:00 -0500 on"),
    ],
)
def test_a_month_that_may_still_change_is_refused(settings: Settings, now: str, said: str) -> None:
    with pytest.raises(NotSendable) as caught:
        draw(settings, "acme", now=at(now))
    assert said in str(caught.value)
    with Outbox.read(Path(settings.journal_path)) as outbox:
        assert outbox.records() == ()


def test_what_cannot_be_mailed_says_why(settings: Settings) -> None:
    acme = settings.client("acme")
    cases = {
        "no [mail]": (replace(settings, mail=None), acme, OCTOBER),
        "no recipients": (settings, replace(acme, recipients=()), OCTOBER),
        "no agreement": (settings, acme, (2026, 9)),
    }
    for said, (given, client, month) in cases.items():
        with pytest.raises(NotSendable) as caught:
            drawn_up(given, client, month, now=NOW, software="0")
        assert said in str(caught.value)


def test_a_new_revision_takes_the_place_of_one_that_is_held(
    settings: Settings, october: Path
) -> None:
    draw(settings, "ruby")
    correct(october)
    second = draw(settings, "ruby", now=at("2026-11-23 00:00"))
    assert second.mail.number == "RUBY-2026-10-2"
    assert "corrected" in second.events[0].words
    with Outbox.read(Path(settings.journal_path)) as outbox:
        first = outbox.record("RUBY-2026-10-1")
    assert first.status is Status.CANCELLED
    assert first.deliveries[0].words == "RUBY-2026-10-2 takes its place"
    found = message_from_bytes(message(settings, "RUBY-2026-10-2"), policy=policy.default)
    assert found["In-Reply-To"] == f"<{first.mail.facts['message_id']}>"
    plain = found.get_body(("plain",))
    assert plain is not None
    assert "Это редакция 2" in plain.get_content()


def test_what_was_corrected_since_is_not_approved_as_it_was(
    settings: Settings, october: Path
) -> None:
    draw(settings, "ruby")
    correct(october)
    result = call(
        "approve", "--client", "ruby", "--month", "2026-10", "--by", "Ana", config=october
    )
    assert result.exit_code == 2
    assert "RUBY-2026-10-1: the month was corrected since" in result.stderr
    assert "draws up revision 2" in result.stderr


def correct(config: Path) -> None:
    """Enter a correction of one minute that is down."""
    result = call(
        "correct", "add", "--client", "ruby", "--service", "ruby-crm", "--at", "2026-10-31T05:01",
        "--to", "n", "--why", "our own line", "--evidence", "ticket 4", "--by", "Ana",
        config=config,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr


# Notices.

WORK = Stretch(
    services=["acme-crm"], start=at("2026-11-10 07:00"), end=at("2026-11-10 09:00"),
    reason="upgrade\r\nBcc: all@x.example",
)  # fmt: skip


def test_maintenance_is_announced_once_for_its_key(settings: Settings) -> None:
    first = announce_maintenance(settings, "acme", WORK, key="17", now=NOW, by="Ana")
    again = announce_maintenance(settings, "acme", WORK, key="17", now=Instant(NOW + 9), by="Eva")
    other = announce_maintenance(settings, "acme", WORK, key="18", now=NOW, by="Ana")
    assert first is not None
    assert again is not None
    assert other is not None
    assert (first.number, first.at, first.new) == ("ACME-N1", NOW, True)
    assert (again.number, again.at, again.new) == ("ACME-N1", NOW, False)
    assert other.number == "ACME-N2"


def test_who_asks_at_the_same_time_gets_another_number(settings: Settings) -> None:
    def announce(key: int) -> str:
        posted = announce_maintenance(settings, "acme", WORK, key=str(key % 8), now=NOW)
        assert posted is not None
        return posted.number

    with ThreadPoolExecutor(8) as threads:
        numbers = set(threads.map(announce, range(24)))
    assert numbers == {f"ACME-N{n}" for n in range(1, 9)}


def test_what_people_enter_stands_in_the_mail_and_in_no_header(settings: Settings) -> None:
    posted = announce_maintenance(settings, "acme", WORK, key="17", now=NOW)
    assert posted is not None
    found = message_from_bytes(message(settings, posted.number), policy=policy.default)
    assert found["Bcc"] is None
    assert (
        found["Subject"] == "[ACME-N1] Aviso de mantenimiento: CRM <acme>, 10 nov 2026, 02:00 UTC−5"
    )
    plain = found.get_body(("plain",))
    assert plain is not None
    assert "Motivo: upgrade Bcc: all@x.example" in plain.get_content()


async def test_an_exception_counts_from_when_the_server_took_its_mail(
    settings: Settings, plain: Office
) -> None:
    posted = notify_exception(settings, "acme", WORK, key="e1", now=NOW, by="Ana")
    assert posted is not None
    assert accepted_at(settings, posted.number) is None
    assert settings.mail is not None
    clock = HandClock("2026-11-03 15:00")
    await deliver(Path(settings.journal_path), postman(settings.mail, clock))
    assert accepted_at(settings, posted.number) == clock.now()
    assert plain.recipients() == ["it@acme.example", "boss@acme.example"]


def test_without_mail_or_recipients_others_are_told_to_do_it_by_hand(settings: Settings) -> None:
    silent = replace(settings, mail=None)
    nobody = replace(settings, clients=tuple(replace(c, recipients=()) for c in settings.clients))
    for given in (silent, nobody):
        assert announce_maintenance(given, "acme", WORK, key="1", now=NOW) is None
        assert notify_exception(given, "acme", WORK, key="1", now=NOW) is None


def test_asking_after_a_mail_that_is_not_there_is_a_mistake(settings: Settings) -> None:
    draw(settings, "acme")
    with pytest.raises(NoSuchMail):
        accepted_at(settings, "ACME-N99")


# Outages.

DOWN = Edge(kind="down", at=NOW, service="acme-crm", client="acme", letter="L",
            since=minute("2026-11-03 13:58"))  # fmt: skip
UP = replace(DOWN, kind="up", until=minute("2026-11-03 15:31"))


def test_an_outage_and_its_end_are_told_once_and_hang_together(settings: Settings) -> None:
    later = start_of(minute("2026-11-03 15:33"))
    down = tell_of_edge(settings, DOWN, now=NOW)
    again = tell_of_edge(settings, DOWN, now=later)
    up = tell_of_edge(settings, UP, now=later)
    assert down is not None
    assert again is not None
    assert up is not None
    assert (down.number, again.number, up.number) == ("ACME-N1", "ACME-N1", "ACME-N2")
    with Outbox.read(Path(settings.journal_path)) as outbox:
        first, second = outbox.records()
    assert [first.mail.kind, second.mail.kind] == [MailKind.OUTAGE, MailKind.OUTAGE_END]
    end = message_from_bytes(addressed(message(settings, up.number), "a@x.example"),
                             policy=policy.default)  # fmt: skip
    assert end["References"] == f"<{first.mail.facts['message_id']}>"
    plain = end.get_body(("plain",))
    assert plain is not None
    assert (
        "duró 1\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}33\N{NO-BREAK SPACE}min" in plain.get_content()
    )


def test_who_was_not_told_of_the_beginning_is_not_told_of_the_end(settings: Settings) -> None:
    assert tell_of_edge(settings, UP, now=NOW) is None
    assert statuses(Path(settings.journal_path)) == {}


def test_outages_are_told_only_to_who_wants_it_and_accounts_to_nobody(settings: Settings) -> None:
    quiet = replace(settings, clients=tuple(replace(c, notices=()) for c in settings.clients))
    assert tell_of_edge(quiet, DOWN, now=NOW) is None
    assert tell_of_edge(settings, replace(DOWN, kind="account"), now=NOW) is None


def test_a_test_mail_needs_no_client(settings: Settings) -> None:
    posted = post_test(settings, "me@x.example", now=NOW)
    assert posted.number == "TEST-1"
    assert b"Subject: [TEST-1] Test mail TEST-1" in message(settings, "TEST-1")
