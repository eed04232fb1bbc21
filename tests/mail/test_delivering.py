"""Passes over the outbox, against a real server that refuses, greylists, drops and comes back."""

import asyncio
import logging
import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.mail.office import AIOSMTPD_WARNS, DROP, SILENT, Office, office
from tests.mail.posts import (
    HandClock,
    deliver,
    due_in,
    postman,
    put,
    say,
    settings_for,
    statuses,
    words,
)
from uptimed.core.observations import SECOND
from uptimed.core.outbox import Happening, MailKind
from uptimed.core.targets import Secret, SecretPlace
from uptimed.ports import StoreError
from uptimed.stores.outbox import Outbox, sending_alone
from uptimed.wiring.delivering import OutboxDesk, outbox_desk

pytestmark = AIOSMTPD_WARNS

A, B, C = "a@x.example", "b@x.example", "c@x.example"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "uptimed.db"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


async def test_each_recipient_gets_one_mail_of_their_own(
    path: Path, plain: Office, clock: HandClock
) -> None:
    put(path, "M-1", A, B)
    man = postman(settings_for(plain.port), clock)
    assert (await deliver(path, man)).accepted == 2
    assert (await deliver(path, man)).accepted == 0
    assert plain.recipients() == [A, B]
    assert [got.content.split(b"\r\n")[0] for got in plain.got] == [
        b"To: a@x.example", b"To: b@x.example",
    ]  # fmt: skip
    assert statuses(path) == {"M-1": ["accepted", "accepted"]}


async def test_one_recipient_refused_for_good_and_one_greylisted_hold_nobody_up(
    path: Path, plain: Office, clock: HandClock
) -> None:
    plain.manners.recipients[A] = ["550 5.1.1 unknown"]
    plain.manners.recipients[B] = ["451 greylisted", "250"]
    put(path, "M-1", A, B, C)
    man = postman(settings_for(plain.port), clock)
    await deliver(path, man)
    assert statuses(path) == {"M-1": ["refused", "waiting", "accepted"]}
    assert words(path, "M-1", 1) == "550 5.1.1 unknown"
    assert due_in(path, "M-1", clock, 2) == 1
    clock.later(1)
    await deliver(path, man)
    assert statuses(path) == {"M-1": ["refused", "accepted", "accepted"]}
    assert plain.recipients() == [C, B]


async def test_waiting_grows_while_a_server_is_away(path: Path, clock: HandClock) -> None:
    with office() as gone:
        port = gone.port
    put(path, "M-1", A)
    man = postman(settings_for(port), clock)
    waits = []
    for _ in range(7):
        await deliver(path, man)
        waits.append(due_in(path, "M-1", clock))
        clock.later(waits[-1])
    assert waits == [1, 2, 4, 8, 16, 30, 30]


async def test_one_attempt_speaks_for_all_who_wait(path: Path, clock: HandClock) -> None:
    attempts = 0

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        writer.write(b"421 not now\r\n")
        writer.close()

    for number in range(20):
        put(path, f"M-{number}", A, B)
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        man = postman(settings_for(server.sockets[0].getsockname()[1]), clock)
        tally = await deliver(path, man)
    assert (attempts, tally.deferred) == (1, 40)
    assert {due_in(path, f"M-{n}", clock, place) for n in range(20) for place in (1, 2)} == {1}


async def test_a_server_that_is_back_gets_everything_at_once(
    path: Path, plain: Office, clock: HandClock
) -> None:
    put(path, "M-1", A)
    man = postman(settings_for(plain.port), clock)
    plain.stop()
    for _ in range(6):
        await deliver(path, man)
        clock.later(due_in(path, "M-1", clock))
    await deliver(path, man)  # the next try is half an hour away
    put(path, "M-2", B)
    await deliver(path, man)
    plain.start()
    clock.later(1)
    await deliver(path, man)
    assert sorted(plain.recipients()) == [A, B]


async def test_a_drop_before_the_text_is_tried_again(
    path: Path, plain: Office, clock: HandClock
) -> None:
    plain.manners.recipients[A] = [DROP, "250"]
    put(path, "M-1", A, B)
    man = postman(settings_for(plain.port), clock)
    await deliver(path, man)
    assert statuses(path) == {"M-1": ["waiting", "accepted"]}
    clock.later(1)
    await deliver(path, man)
    assert statuses(path) == {"M-1": ["accepted", "accepted"]}
    assert plain.recipients() == [B, A]


async def test_a_server_that_drops_every_line_is_left_alone_for_a_while(
    path: Path, plain: Office, clock: HandClock
) -> None:
    for address in (A, B, C):
        plain.manners.recipients[address] = [DROP]
    for number in range(5):
        put(path, f"M-{number}", A, B, C)
    await deliver(path, postman(settings_for(plain.port), clock))
    assert len(plain.asked) == 2
    assert {s for found in statuses(path).values() for s in found} == {"waiting"}


async def test_a_drop_after_the_text_is_never_sent_again_by_itself(
    path: Path, plain: Office, clock: HandClock
) -> None:
    plain.manners.drop_after_taking = {A}
    put(path, "M-1", A, B)
    man = postman(settings_for(plain.port), clock)
    await deliver(path, man)
    assert statuses(path) == {"M-1": ["uncertain", "accepted"]}
    plain.manners.drop_after_taking = set()
    clock.later(100_000)
    await deliver(path, man)
    assert plain.recipients() == [A, B]
    say(path, "M-1", Happening.AGAIN, clock, place=1)
    await deliver(path, man)
    assert plain.recipients() == [A, B, A]
    assert plain.got[0].content == plain.got[2].content


async def test_what_is_held_waits_for_approval(path: Path, plain: Office, clock: HandClock) -> None:
    put(path, "M-1", A, held=True)
    man = postman(settings_for(plain.port), clock)
    await deliver(path, man)
    assert plain.got == []
    say(path, "M-1", Happening.APPROVED, clock)
    await deliver(path, man)
    assert plain.recipients() == [A]


async def test_a_wrong_password_is_tried_rarely(path: Path, clock: HandClock) -> None:
    with office(login=("reports", "right")) as post:
        password = Secret(SecretPlace.ENV, "SMTP")
        settings = settings_for(post.port, username="reports", password=password)
        put(path, "M-1", A)
        await deliver(path, postman(settings, clock, {"SMTP": "wrong"}))
        assert due_in(path, "M-1", clock) == 15
        assert "535" in words(path, "M-1")
        clock.later(15)
        await deliver(path, postman(settings, clock, {"SMTP": "right"}))
        assert post.recipients() == [A]


async def test_a_password_that_is_not_there_is_told_by_its_place(
    path: Path, plain: Office, clock: HandClock
) -> None:
    settings = settings_for(
        plain.port, username="reports", password=Secret(SecretPlace.ENV, "SMTP_PASSWORD")
    )
    put(path, "M-1", A)
    await deliver(path, postman(settings, clock))
    assert words(path, "M-1") == "environment variable SMTP_PASSWORD is not set"


async def test_trying_ends_after_the_time_that_is_given(path: Path, clock: HandClock) -> None:
    with office() as gone:
        port = gone.port
    man = postman(settings_for(port, give_up_after_us=3600 * SECOND), clock)
    put(path, "M-1", A)
    for _ in range(7):
        await deliver(path, man)
        if statuses(path) != {"M-1": ["waiting"]}:
            break
        clock.later(due_in(path, "M-1", clock))
    assert statuses(path) == {"M-1": ["refused"]}
    assert words(path, "M-1").startswith("given up after 6 tries; 127.0.0.1:")


async def test_old_news_of_an_outage_are_not_sent(
    path: Path, plain: Office, clock: HandClock
) -> None:
    put(path, "M-1", A, kind=MailKind.OUTAGE)
    put(path, "M-2", A, kind=MailKind.MAINTENANCE)
    clock.later(12 * 60)
    await deliver(path, postman(settings_for(plain.port), clock))
    assert statuses(path) == {"M-1": ["refused"], "M-2": ["accepted"]}


async def test_who_is_told_to_stop_finishes_the_mail_at_hand_and_leaves_the_rest(
    path: Path, plain: Office, clock: HandClock
) -> None:
    put(path, "M-1", A, B, C)
    man = postman(settings_for(plain.port), clock)
    stopping = type(man)(
        mailing=man.mailing, secrets=man.secrets, clock=clock, chance=man.chance,
        stopping=lambda: bool(plain.got),
    )  # fmt: skip
    await deliver(path, stopping)
    assert statuses(path) == {"M-1": ["accepted", "waiting", "waiting"]}


async def test_while_another_process_sends_nothing_is_done(
    path: Path, plain: Office, clock: HandClock
) -> None:
    put(path, "M-1", A)
    with sending_alone(path):
        tally = await deliver(path, postman(settings_for(plain.port), clock))
    assert tally.busy
    assert plain.got == []


async def test_damaged_bytes_fail_and_hold_nobody_up(
    path: Path, plain: Office, clock: HandClock
) -> None:
    put(path, "M-1", A)
    put(path, "M-2", B)
    with Outbox.open(path) as outbox:
        outbox._connection.execute("DROP TRIGGER mail_frozen")
        outbox._connection.execute("UPDATE mail SET message = x'00' WHERE number = 'M-1'")
    await deliver(path, postman(settings_for(plain.port), clock))
    assert statuses(path) == {"M-1": ["refused"], "M-2": ["accepted"]}


async def test_no_secret_is_logged(
    path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "canary-pa55word"
    caplog.set_level(logging.DEBUG)
    with office(login=("reports", "another")) as post:
        settings = settings_for(
            post.port, username="reports", password=Secret(SecretPlace.ENV, "SMTP")
        )
        put(path, "M-1", A)
        await deliver(path, postman(settings, clock, {"SMTP": secret}))
    assert "535" in caplog.text
    ours = [
        record for record in caplog.records if record.name.startswith(("uptimed", "aiosmtplib"))
    ]
    assert ours
    assert secret not in "".join(record.getMessage() for record in ours)
    assert not _is_in(secret, path)
    assert secret not in words(path, "M-1")


def _is_in(text: str, journal: Path) -> bool:
    files = [file for file in journal.parent.iterdir() if file.is_file()]
    return any(text.encode() in file.read_bytes() for file in files)


def _send_for_ever(path: Path, port: int, told: Connection) -> None:
    async def run() -> None:
        async with outbox_desk(path) as desk:
            told.send("sending")
            await postman(settings_for(port, timeout_us=60 * SECOND), HandClock()).deliver(desk)

    asyncio.run(run())


@pytest.mark.slow
async def test_a_sender_that_is_killed_within_the_text_leaves_it_uncertain(
    path: Path, plain: Office, clock: HandClock
) -> None:
    plain.manners.data[A] = [SILENT]
    put(path, "M-1", A, B)
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_send_for_ever, args=(path, plain.port, there)
    )
    process.start()
    try:
        assert await asyncio.to_thread(here.poll, 20)
        async with asyncio.timeout(20), outbox_desk(path) as desk:
            while not await desk(_is_sending):
                await clock.sleep(0)
    finally:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        await asyncio.to_thread(process.join, 10)
    plain.manners.data[A] = []
    await deliver(path, postman(settings_for(plain.port), clock))
    assert statuses(path) == {"M-1": ["uncertain", "accepted"]}
    assert plain.recipients() == [B]


def _is_sending(outbox: Outbox) -> bool:
    return any(str(d.status) == "sending" for r in outbox.records() for d in r.deliveries)


async def test_a_desk_opens_again_what_failed_once(path: Path) -> None:
    desk, folder = OutboxDesk(path), path.parent
    with pytest.raises(StoreError, match="cannot be opened"):
        await desk(Outbox.records)
    assert not list(folder.iterdir())  # a journal that was moved away is put back, not begun anew
    put(path, "M-1", A)
    assert [r.mail.number for r in await desk(Outbox.records)] == ["M-1"]
    await desk.close()
