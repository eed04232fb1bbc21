"""The outbox in the journal: frozen mails, claims, and what other processes do at the same time."""

import hashlib
import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from uptimed.core.observations import Instant
from uptimed.core.outbox import Event, Happening, Mail, MailKind, Status
from uptimed.stores.outbox import (
    Damaged,
    NoSuchMail,
    NotNow,
    NumberTaken,
    Outbox,
    sending_alone,
)
from uptimed.stores.schema import MIGRATIONS, migrate

H = Happening
NOW = Instant(1_000_000)
MESSAGE = b"Subject: October\r\n\r\n" + bytes(range(256)) * 50
QUEUED = Event(at=NOW, what=H.QUEUED)


def mail(
    number: str = "ACME-2026-10-1", key: str = "", message: bytes = MESSAGE, client: str = "acme"
) -> Mail:
    return Mail(
        number=number, key=key or f"report/{number}", kind=MailKind.REPORT, client=client, at=NOW,
        subject="[1] October", recipients=("a@x.example", "b@x.example"), month="2026-10",
        sha256=hashlib.sha256(message).hexdigest(), revision=1, facts={"verdict": "met", "ü": "ñ"},
    )  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "uptimed.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    with Outbox.open(path, make=True) as found:
        yield found


def test_a_mail_comes_back_as_it_was_frozen(outbox: Outbox) -> None:
    record, new = outbox.put(mail(), MESSAGE, QUEUED)
    assert new
    assert record.mail == mail()
    assert outbox.record("ACME-2026-10-1") == record
    assert outbox.message("ACME-2026-10-1") == MESSAGE


def test_what_happened_comes_back_word_for_word(outbox: Outbox) -> None:
    outbox.put(mail(), MESSAGE, QUEUED)
    deferred = Event(at=NOW, what=H.DEFERRED, place=2, words="451 später", until=Instant(5),
                     server=True)  # fmt: skip
    cancelled = Event(at=NOW, what=H.CANCELLED, by="Ana", words="sent by hand")
    outbox.note("ACME-2026-10-1", deferred, cancelled)
    assert outbox.record("ACME-2026-10-1").events == (QUEUED, deferred, cancelled)


def test_what_has_the_same_key_is_drawn_up_once(outbox: Outbox) -> None:
    outbox.put(mail(), MESSAGE, QUEUED)
    other = b"Subject: other\r\n\r\n"
    record, new = outbox.put(mail("ACME-N9", "report/ACME-2026-10-1", other), other, QUEUED)
    assert not new
    assert record.mail.number == "ACME-2026-10-1"
    assert len(outbox.records()) == 1


def test_a_number_is_given_once(outbox: Outbox) -> None:
    outbox.put(mail(), MESSAGE, QUEUED)
    with pytest.raises(NumberTaken):
        outbox.put(mail(key="another"), MESSAGE, QUEUED)


def test_notices_of_a_client_are_numbered_one_after_the_other(outbox: Outbox) -> None:
    assert outbox.next_number("acme") == "ACME-N1"
    outbox.put(mail(), MESSAGE, QUEUED)
    assert outbox.next_number("acme") == "ACME-N1"  # reports have numbers of their own


def test_a_digest_that_is_not_of_the_bytes_is_a_mistake_of_ours(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="digest"):
        outbox.put(mail(), MESSAGE + b"x", QUEUED)
    assert outbox.records() == ()


def test_a_recipients_copy_is_claimed_once(outbox: Outbox, path: Path) -> None:
    outbox.put(mail(), MESSAGE, QUEUED)
    with Outbox.open(path) as another:
        assert outbox.claim("ACME-2026-10-1", 1, NOW)
        assert not another.claim("ACME-2026-10-1", 1, NOW)
        assert another.claim("ACME-2026-10-1", 2, NOW)


def test_what_is_held_or_cancelled_cannot_be_claimed(outbox: Outbox) -> None:
    outbox.put(mail(), MESSAGE, Event(at=NOW, what=H.HELD))
    assert not outbox.claim("ACME-2026-10-1", 1, NOW)
    outbox.note("ACME-2026-10-1", Event(at=NOW, what=H.APPROVED, by="Ana"))
    outbox.note("ACME-2026-10-1", Event(at=NOW, what=H.CANCELLED, by="Ana"))
    assert not outbox.claim("ACME-2026-10-1", 1, NOW)


def test_what_cannot_happen_now_says_how_it_stands(outbox: Outbox) -> None:
    outbox.put(mail(), MESSAGE, QUEUED)
    with pytest.raises(NotNow, match="ACME-2026-10-1 is waiting: not approved now"):
        outbox.note("ACME-2026-10-1", Event(at=NOW, what=H.APPROVED, by="Ana"))
    with pytest.raises(NotNow, match=r"to b@x\.example is waiting: not accepted now"):
        outbox.note("ACME-2026-10-1", Event(at=NOW, what=H.ACCEPTED, place=2))


def test_several_events_happen_together_or_not_at_all(outbox: Outbox) -> None:
    outbox.put(mail(), MESSAGE, QUEUED)
    sending = Event(at=NOW, what=H.SENDING, place=1)
    with pytest.raises(NotNow):
        outbox.note("ACME-2026-10-1", sending, sending)
    assert outbox.record("ACME-2026-10-1").events == (QUEUED,)


def test_a_mail_that_is_not_there_is_told_of(outbox: Outbox) -> None:
    for ask in (outbox.record, outbox.message):
        with pytest.raises(NoSuchMail, match="no mail ACME-9"):
            ask("ACME-9")
    assert outbox.by_key("nothing") is None


def test_open_mails_are_those_that_somebody_has_to_see_to(outbox: Outbox) -> None:
    outbox.put(mail(), MESSAGE, QUEUED)
    outbox.put(mail("ACME-2026-10-2"), MESSAGE, QUEUED)
    for place in (1, 2):
        outbox.claim("ACME-2026-10-1", place, NOW)
        outbox.note("ACME-2026-10-1", Event(at=NOW, what=H.ACCEPTED, place=place))
    assert [r.mail.number for r in outbox.records(open_only=True)] == ["ACME-2026-10-2"]
    outbox.note("ACME-2026-10-1", Event(at=NOW, what=H.AGAIN, place=2, by="Ana"))
    assert len(outbox.records(open_only=True)) == 2


def test_mails_are_found_by_client_and_month(outbox: Outbox) -> None:
    outbox.put(mail(), MESSAGE, QUEUED)
    outbox.put(mail("B-2026-10-1", client="b"), MESSAGE, QUEUED)
    assert [r.mail.client for r in outbox.records(client="b", month="2026-10")] == ["b"]
    assert outbox.records(month="2026-09") == ()


def test_the_last_acceptance_is_known(outbox: Outbox) -> None:
    assert outbox.last_accepted() is None
    outbox.put(mail(), MESSAGE, QUEUED)
    outbox.claim("ACME-2026-10-1", 1, NOW)
    outbox.note("ACME-2026-10-1", Event(at=Instant(77), what=H.ACCEPTED, place=1))
    assert outbox.last_accepted() == 77


def test_since_when_a_client_is_ours_is_said_once(outbox: Outbox) -> None:
    assert outbox.since("acme", Instant(5)) == 5
    assert outbox.since("acme", Instant(9)) == 5
    assert outbox.all_since() == {"acme": 5}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE mail SET message = x'00'",
        "UPDATE mail SET recipients = '[]'",
        "UPDATE mail SET number = 'X'",
        "DELETE FROM mail",
        "UPDATE mail_event SET what = 'accepted'",
        "DELETE FROM mail_event",
    ],
)
def test_the_file_itself_refuses_to_change_what_is_frozen(
    outbox: Outbox, path: Path, statement: str
) -> None:
    outbox.put(mail(), MESSAGE, QUEUED)
    with closing(sqlite3.connect(path)) as raw, pytest.raises(sqlite3.IntegrityError):
        raw.execute(statement)


def test_damaged_bytes_are_never_sent(outbox: Outbox, path: Path) -> None:
    outbox.put(mail(), MESSAGE, QUEUED)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("DROP TRIGGER mail_frozen")
        raw.execute("UPDATE mail SET message = x'789c'")
    with pytest.raises(Damaged, match="not those that were frozen"):
        outbox.message("ACME-2026-10-1")


def test_a_journal_of_an_earlier_version_has_an_empty_outbox(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        migrate(raw, MIGRATIONS[:1])
    with Outbox.read(path) as outbox:
        assert outbox.records() == ()
        assert outbox.last_accepted() is None
        assert outbox.all_since() == {}


# Other processes.


def test_one_process_sends_at_a_time(path: Path) -> None:
    with sending_alone(path) as first:
        assert first
        with sending_alone(path) as second:
            assert not second
    with sending_alone(path) as again:
        assert again


def _claim_and_wait(path: Path, told: Connection) -> None:
    with sending_alone(path) as ours, Outbox.open(path) as outbox:
        told.send(ours and outbox.claim("ACME-2026-10-1", 1, NOW))
        told.recv()


@pytest.mark.slow
def test_who_is_killed_while_sending_leaves_the_mail_uncertain(outbox: Outbox, path: Path) -> None:
    outbox.put(mail(), MESSAGE, QUEUED)
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_claim_and_wait, args=(path, there)
    )
    process.start()
    try:
        assert here.poll(20)
        assert here.recv()
        with sending_alone(path) as ours:
            assert not ours
    finally:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(10)
    with sending_alone(path) as ours:
        assert ours
        ((record, delivery),) = outbox.doubt(Instant(9))
    assert (record.mail.number, delivery.place) == ("ACME-2026-10-1", 1)
    first, second = outbox.record("ACME-2026-10-1").deliveries
    assert (first.status, second.status) == (Status.UNCERTAIN, Status.WAITING)
    assert not outbox.claim("ACME-2026-10-1", 1, NOW)
