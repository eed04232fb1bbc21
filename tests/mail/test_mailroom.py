"""The daemon's mail: what is drawn up when, what is overdue, a server that is away for hours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typing_extensions import override

from tests.cli.commands import call, settings_of
from tests.fakes import FakeSecrets, at
from tests.mail.months import BREACHED
from tests.mail.office import AIOSMTPD_WARNS, SILENT, Office
from tests.mail.posts import HandClock, put, say, statuses
from uptimed.core.minutes import Minute, minute_of
from uptimed.core.observations import Instant
from uptimed.core.outbox import Happening, MailKind
from uptimed.core.settings import Settings
from uptimed.core.snapshot import Edge
from uptimed.stores.outbox import Outbox
from uptimed.wiring.delivering import outbox_desk
from uptimed.wiring.mail_beside import mail_beside
from uptimed.wiring.mailroom import Mailroom, duties, mailroom

pytestmark = AIOSMTPD_WARNS

BEFORE = at("2026-11-01 00:00")


@pytest.fixture
def settings(october: Path) -> Settings:
    return settings_of(october)


@asynccontextmanager
async def room_of(settings: Settings, clock: HandClock) -> AsyncIterator[Mailroom]:
    async with outbox_desk(Path(settings.journal_path)) as desk:
        yield Mailroom(settings, desk, FakeSecrets({}), clock, "uptimed 0")


async def go_on(room: Mailroom, clock: HandClock, minutes: float, step: float = 1) -> None:
    """Let time pass; the room looks at calendar and outbox at each step, as it does by itself."""
    for _ in range(round(minutes / step)):
        clock.later(step)
        await room._look_at_calendar()
        await room._deliver_due()


def known_since(settings: Settings, when: Instant) -> None:
    with Outbox.open(Path(settings.journal_path)) as outbox:
        for client in settings.clients:
            outbox.since(client.id, when)


# What is to be sent.


def test_reports_are_the_daemons_from_when_it_first_ran_with_mail(settings: Settings) -> None:
    since = {"acme": at("2026-11-03 14:00"), "iberia": at("2026-11-03 08:01")}
    found = duties(settings, since, at("2026-11-20 00:00"))
    assert [(duty.client, duty.month) for duty in found] == [("acme", (2026, 10))]
    assert found[0].begin == at("2026-11-03 14:00")
    assert found[0].late == at("2026-11-04 14:00")


def test_no_report_is_drawn_up_before_its_letters_are_settled(settings: Settings) -> None:
    acme = settings.client("acme")
    hasty = replace(acme, report=replace(acme.report, day=1, minute_of_day=0))
    given = replace(settings, clients=(hasty,))
    (duty,) = duties(given, {"acme": BEFORE}, at("2026-11-20 00:00"))
    assert duty.begin == at("2026-11-02 06:00")


def test_months_before_the_agreement_are_nobodys_duty(settings: Settings) -> None:
    found = duties(settings, {"acme": Instant(0)}, at("2026-12-20 00:00"))
    assert [duty.month for duty in found] == [(2026, 10), (2026, 11)]


# A month, as it goes.


@pytest.mark.slow
async def test_reports_go_out_when_due_once_and_the_breached_one_after_approval(
    settings: Settings, plain: Office
) -> None:
    clock = HandClock("2026-11-01 00:00")
    path = Path(settings.journal_path)
    async with room_of(settings, clock) as room:
        await go_on(room, clock, 1)
        assert statuses(path) == {}
        clock.at = int(at("2026-11-03 07:59"))  # two minutes before it is nine in Madrid
        plain.stop()
        await go_on(room, clock, 120, step=5)  # the server is away for two hours
        assert statuses(path) == {
            "RUBY-2026-10-1": ["held", "held"],
            "IBERIA-2026-10-1": ["waiting", "waiting"],
        }
        plain.start()
        await go_on(room, clock, 31, step=1)
        assert plain.recipients() == ["it@iberia.example", "boss@iberia.example"]
        clock.at = int(at("2026-11-03 14:00"))
        await go_on(room, clock, 1)
        assert plain.recipients()[2:] == ["it@acme.example", "boss@acme.example"]
        say(path, "RUBY-2026-10-1", Happening.APPROVED, clock)
        await go_on(room, clock, 5)
    assert sorted(plain.recipients()) == sorted(
        f"{who}@{client.id}.example" for client in settings.clients for who in ("it", "boss")
    )
    assert {status for found in statuses(path).values() for status in found} == {"accepted"}


async def test_a_report_that_cannot_be_drawn_up_is_tried_again_after_a_while(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    broken = replace(settings, journal_path=settings.journal_path, clients=(
        replace(settings.client("acme"), services=()),))  # fmt: skip
    clock = HandClock("2026-11-03 14:00")
    known_since(settings, BEFORE)
    duty = duties(settings, {"acme": BEFORE}, clock.now())[0]
    async with room_of(broken, clock) as room:
        await room._draft(broken, duty)
        assert room._not_before["acme", (2026, 10)] == clock.now() + 600_000_000
    assert "the report of acme 2026-10 is not drawn up" in caplog.text


@pytest.mark.slow
async def test_what_nobody_has_in_time_is_overdue_until_somebody_has_it(
    settings: Settings, plain: Office
) -> None:
    only = replace(settings, clients=(settings.client(BREACHED),))
    known_since(only, BEFORE)
    clock = HandClock("2026-11-03 06:00")  # nine in Moscow
    path = Path(only.journal_path)
    async with room_of(only, clock) as room:
        await go_on(room, clock, 1)
        view = room.view()
        assert view is not None
        assert (view.overdue, view.statuses["held"]) == ({BREACHED: False}, 2)
        clock.at = int(at("2026-11-04 06:00"))
        await go_on(room, clock, 1)
        view = room.view()
        assert view is not None
        assert view.overdue == {BREACHED: True}
        say(path, "RUBY-2026-10-1", Happening.APPROVED, clock)
        plain.manners.recipients["boss@ruby.example"] = ["550 unknown"]
        await go_on(room, clock, 2)
        view = room.view()
        assert view is not None
        assert view.overdue == {BREACHED: False}
        assert (view.statuses["held"], view.statuses["refused"]) == (0, 1)
        assert view.last_accepted is not None


async def test_since_when_a_mail_waits_is_known(settings: Settings, plain: Office) -> None:
    plain.stop()
    clock = HandClock("2026-11-03 00:00")
    put(Path(settings.journal_path), "M-1", "a@x.example", when="2026-11-03 00:00")
    async with room_of(replace(settings, clients=()), clock) as room:
        await go_on(room, clock, 90, step=10)
        view = room.view()
    assert view is not None
    assert view.waiting_since == at("2026-11-03 00:00")
    assert "connection refused" in view.trouble


async def test_a_claim_that_was_left_behind_is_seen_to(settings: Settings, plain: Office) -> None:
    path = Path(settings.journal_path)
    put(path, "M-1", "a@x.example")
    with Outbox.open(path) as outbox:
        outbox.claim("M-1", 1, at("2026-11-03 14:00"))
    clock = HandClock("2026-11-03 15:00")
    async with room_of(replace(settings, clients=()), clock) as room:
        await go_on(room, clock, 1)
    assert statuses(path) == {"M-1": ["uncertain"]}
    assert plain.got == []


async def test_an_outage_that_is_heard_of_is_told(settings: Settings, plain: Office) -> None:
    clock = HandClock("2026-11-03 15:00")
    known_since(settings, clock.now())
    edge = Edge(kind="down", at=clock.now(), service="acme-crm", client="acme", letter="D")
    async with room_of(settings, clock) as room:
        await room.hear(edge)
        await room.hear(edge)
        await go_on(room, clock, 1)
    assert plain.recipients() == ["it@acme.example", "boss@acme.example"]


async def test_an_outage_and_its_end_are_told_in_order_once_the_journal_can_be_written(
    settings: Settings, plain: Office, caplog: pytest.LogCaptureFixture
) -> None:
    clock = HandClock("2026-11-03 15:00")
    known_since(settings, clock.now())
    journal = Path(settings.journal_path)
    aside = journal.with_name("aside.db")
    began = minute_of(clock.now())
    down = Edge(
        kind="down", at=clock.now(), service="acme-crm", client="acme", letter="D", since=began
    )
    up = replace(down, kind="up", until=Minute(began + 12))
    async with room_of(settings, clock) as room:
        journal.rename(aside)  # noqa: ASYNC240 - a file of nobody else's
        await room.hear(down)
        await room.hear(up)
        assert caplog.text.count("is not told of acme-crm") == 2
        aside.rename(journal)
        await go_on(room, clock, 1)
    with Outbox.open(journal) as outbox:
        told = [(each.mail.kind, each.mail.key) for each in outbox.records()]
    assert told == [
        (MailKind.OUTAGE, f"outage/acme/acme-crm/{began}"),
        (MailKind.OUTAGE_END, f"outage_end/acme/acme-crm/{began}"),
    ]
    assert plain.recipients() == 2 * ["it@acme.example", "boss@acme.example"]


async def test_of_too_many_outages_that_wait_the_oldest_is_given_up_and_named(
    settings: Settings, plain: Office, caplog: pytest.LogCaptureFixture
) -> None:
    clock = HandClock("2026-11-03 15:00")
    journal = Path(settings.journal_path)
    journal.rename(journal.with_name("aside.db"))  # noqa: ASYNC240 - as above
    down = Edge(kind="down", at=clock.now(), service="acme-crm", client="acme", letter="D")
    async with room_of(settings, clock) as room:
        for number in range(1001):
            await room.hear(replace(down, since=Minute(number)))
    assert caplog.text.count("too many wait, acme-crm is not told of") == 1


@pytest.mark.parametrize(
    ("client", "service"),
    [
        pytest.param("gone", "crm", id="the client is gone"),
        pytest.param("acme", "gone", id="the service is gone"),
    ],
)
async def test_an_outage_of_what_is_not_configured_any_more_is_told_to_nobody(
    settings: Settings, plain: Office, client: str, service: str
) -> None:
    clock = HandClock("2026-11-03 15:00")
    edge = Edge(kind="down", at=clock.now(), service=service, client=client, letter="D")
    async with room_of(settings, clock) as room:
        await room.hear(edge)
        await go_on(room, clock, 1)
    assert plain.recipients() == []


# Beside the daemon.


class _RealClock(HandClock):
    @override
    async def sleep(self, duration_us: int) -> None:
        await asyncio.Event().wait()


async def test_without_mail_nothing_is_there(settings: Settings, plain: Office) -> None:
    silent = replace(settings, mail=None)
    async with mail_beside(silent, FakeSecrets({}), HandClock(), "0", restored=False) as mail:
        assert mail.events == ()
        mail.use(silent)


async def test_a_daemon_that_stops_finishes_the_mail_at_hand(
    settings: Settings, plain: Office
) -> None:
    path = Path(settings.journal_path)
    quiet = replace(settings, clients=())
    put(path, "M-1", "a@x.example", "b@x.example")
    async with mail_beside(quiet, FakeSecrets({}), _RealClock(), "0", restored=False):
        await plain.heard(plain.got)
    found = statuses(path)["M-1"]
    assert found[0] == "accepted"
    assert found[1] in {"accepted", "waiting"}


async def test_a_server_that_does_not_answer_holds_up_no_stop(
    settings: Settings, plain: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No text is on its way, so there is nothing to wait for."""
    monkeypatch.setattr("uptimed.wiring.mailroom._LAST_MAIL_S", 3600.0)
    path = Path(settings.journal_path)
    plain.manners.recipients["a@x.example"] = [SILENT]
    put(path, "M-1", "a@x.example")
    async with mail_beside(
        replace(settings, clients=()), FakeSecrets({}), _RealClock(), "0", restored=False
    ):
        await plain.heard(plain.asked)
    assert statuses(path) == {"M-1": ["waiting"]}


async def test_of_a_restored_journal_nothing_is_sent_that_may_have_been(
    settings: Settings, plain: Office, caplog: pytest.LogCaptureFixture
) -> None:
    path = Path(settings.journal_path)
    known_since(settings, BEFORE)
    put(path, "M-1", "a@x.example", "b@x.example")
    put(path, "M-2", "a@x.example", held=True)
    clock = HandClock("2026-11-20 00:00")
    async with mailroom(settings, FakeSecrets({}), clock, "0", restored=True) as room:
        await room._deliver_due()
    assert plain.got == []
    assert statuses(path) == {"M-1": ["uncertain", "uncertain"], "M-2": ["held"]}
    with Outbox.read(path) as outbox:
        assert duties(settings, outbox.all_since(), clock.now()) == []
    assert "2 mails are uncertain" in caplog.text


def test_the_daemon_says_that_mail_comes_and_goes_with_a_restart(october: Path) -> None:
    from uptimed.wiring.running import _fixed

    settings = settings_of(october)
    assert "mail" in _fixed(settings, replace(settings, mail=None))
    assert settings.mail is not None
    changed = replace(settings, mail=replace(settings.mail, hold=()))
    assert _fixed(settings, changed) == ""
    assert call("check", config=october).exit_code == 0
