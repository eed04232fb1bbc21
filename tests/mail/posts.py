"""An outbox with a few mails in it, a clock that stands still, and a postman between them."""

import hashlib
from pathlib import Path

from tests.fakes import FakeSecrets, at
from uptimed.core.observations import SECOND, Instant
from uptimed.core.outbox import Event, Happening, Mail, MailKind
from uptimed.core.settings import Mailing, Security
from uptimed.stores.outbox import Outbox
from uptimed.wiring.delivering import Postman, Tally, outbox_desk

MINUTE = 60 * SECOND


class HandClock:
    """A clock that the test sets; nobody waits for it."""

    def __init__(self, now: str = "2026-11-03 14:00") -> None:
        self.at = int(at(now))

    def now(self) -> Instant:
        return Instant(self.at)

    def monotonic(self) -> int:
        return self.at

    async def sleep(self, duration_us: int) -> None:
        self.at += duration_us

    def later(self, minutes: float) -> None:
        self.at += int(minutes * MINUTE)


def settings_for(port: int, **more: object) -> Mailing:
    given: dict[str, object] = {
        "host": "127.0.0.1", "port": port, "security": Security.NONE,
        "sender": "reports@monitor.example", "timeout_us": 5 * SECOND,
    }  # fmt: skip
    return Mailing(**(given | more))  # type: ignore[arg-type]


def put(
    path: Path, number: str, *recipients: str, held: bool = False, when: str = "2026-11-03 14:00",
    kind: MailKind = MailKind.REPORT,
) -> None:  # fmt: skip
    """Freeze a mail to *recipients*."""
    message = f"Subject: {number}\r\n\r\nHello\r\n".encode()
    mail = Mail(
        number=number, key=number, kind=kind, client="acme", at=at(when), subject=number,
        recipients=recipients, sha256=hashlib.sha256(message).hexdigest(), month="2026-10",
    )  # fmt: skip
    with Outbox.open(path, make=True) as outbox:
        first = Happening.HELD if held else Happening.QUEUED
        outbox.put(mail, message, Event(at=at(when), what=first))


def say(path: Path, number: str, what: Happening, clock: HandClock, place: int = 0) -> None:
    """Let a person say *what* of a mail."""
    with Outbox.open(path) as outbox:
        outbox.note(number, Event(at=clock.now(), what=what, place=place, by="Ana"))


def statuses(path: Path) -> dict[str, list[str]]:
    """Return how each mail stands with each recipient."""
    with Outbox.read(path) as outbox:
        return {r.mail.number: [str(d.status) for d in r.deliveries] for r in outbox.records()}


def words(path: Path, number: str, place: int = 1) -> str:
    """Return the last words on record of one recipient's copy."""
    with Outbox.read(path) as outbox:
        return outbox.record(number).deliveries[place - 1].words


def due_in(path: Path, number: str, clock: HandClock, place: int = 1) -> float:
    """Return in how many minutes a copy is tried again."""
    with Outbox.read(path) as outbox:
        due = outbox.record(number).deliveries[place - 1].due
    assert due is not None
    return (due - clock.at) / MINUTE


def postman(mailing: Mailing, clock: HandClock, secrets: dict[str, str] | None = None) -> Postman:
    return Postman(
        mailing=mailing, secrets=FakeSecrets(secrets or {}), clock=clock, chance=lambda: 0.5
    )


async def deliver(path: Path, man: Postman) -> Tally:
    """Make one pass."""
    async with outbox_desk(path) as desk:
        return await man.deliver(desk)
