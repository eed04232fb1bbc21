"""Mails that were drawn up, and what became of each for each of its recipients.

A mail is frozen when it is put into the outbox: its bytes, number and recipients never change.
What happens to it is a list of events that is only ever added to; what stands now is folded from
it. Nothing here knows of SMTP, disks or the time of day.

* Each recipient has a dialogue and a status of its own.
* A mail is claimed (`sending`) before its text goes out. From then on it counts as possibly sent,
  until the server's answer is on record: what may have gone out (`uncertain`) is never sent again
  unless a person says so.
* `accepted` means that the mail server took it over, and that is what "delivered" means in tables
  and reports. What a mailbox far away does with it afterwards is not known.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from uptimed.core.observations import SECOND, Instant

EVERYBODY = 0
"""The place of an event that is about all recipients of its mail; theirs are counted from 1."""

FIRST_WAIT_US = 60 * SECOND
LONGEST_WAIT_US = 30 * 60 * SECOND  # a server that comes back is noticed within half an hour
LOGIN_WAIT_US = 15 * 60 * SECOND  # refused credentials: trying quickly gets an account locked
NEWS_LASTS_US = 12 * 3600 * SECOND  # nobody wants to hear of an outage half a day late
_LONGEST_WORDS = 300  # characters of what a server said


class MailKind(StrEnum):
    """What a mail is about."""

    REPORT = "report"
    MAINTENANCE = "maintenance"
    EXCEPTION = "exception"
    OUTAGE = "outage"
    OUTAGE_END = "outage_end"
    TEST = "test"


class Happening(StrEnum):
    """What can happen to a mail, or to one recipient's copy of it."""

    QUEUED = "queued"
    HELD = "held"
    APPROVED = "approved"
    SENDING = "sending"  # its text is about to go out
    ACCEPTED = "accepted"  # the server took it over
    DEFERRED = "deferred"  # not now; it was not sent, and is tried again
    REFUSED = "refused"  # not ever; it was not sent
    UNCERTAIN = "uncertain"  # its text went out, and no answer came
    AGAIN = "again"  # a person says: send it again
    CANCELLED = "cancelled"


class Status(StrEnum):
    """How a recipient's copy stands."""

    HELD = "held"
    WAITING = "waiting"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"


OPEN = frozenset(Status) - {Status.ACCEPTED, Status.CANCELLED}
"""What somebody, the program or a person, still has to see to."""

_WORST_FIRST = (
    Status.UNCERTAIN,
    Status.REFUSED,
    Status.HELD,
    Status.SENDING,
    Status.WAITING,
    Status.ACCEPTED,
    Status.CANCELLED,
)

_FROM: Mapping[Happening, frozenset[Status]] = {
    Happening.QUEUED: frozenset(),
    Happening.HELD: frozenset(),
    Happening.APPROVED: frozenset({Status.HELD}),
    Happening.SENDING: frozenset({Status.WAITING}),
    Happening.ACCEPTED: frozenset({Status.SENDING}),
    Happening.DEFERRED: frozenset({Status.WAITING, Status.SENDING}),
    Happening.REFUSED: frozenset({Status.WAITING, Status.SENDING}),
    Happening.UNCERTAIN: frozenset({Status.SENDING, Status.WAITING}),  # waiting: after a restore
    Happening.AGAIN: frozenset(Status) - {Status.HELD, Status.SENDING},
    Happening.CANCELLED: frozenset({Status.HELD, Status.WAITING, Status.REFUSED, Status.UNCERTAIN}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something happened to a mail, for the recipient at *place* or for everybody.

    *by* is the person who said so, empty where the program did. *words* are the server's, or the
    person's reason. *until* is when a deferred one is tried again. *server* says that the server
    was at fault, not this recipient: what is deferred so may go as soon as the server is back.
    """

    at: Instant
    what: Happening
    place: int = EVERYBODY
    by: str = ""
    words: str = ""
    until: Instant | None = None
    server: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail as it was frozen.

    *number* is what a client can quote. *key* says what the mail is, so that it is drawn up once.
    *month* and *revision* are empty and 0 where it is no report. *sha256* is of the frozen bytes.
    *facts* are what it says, for tables: the verdict, digests of what is attached.
    """

    number: str
    key: str
    kind: MailKind
    client: str
    at: Instant
    subject: str
    recipients: tuple[str, ...]
    sha256: str
    month: str = ""
    revision: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a mail other than a report tells: of which services, from when to when, and why.

    *stop* is None for what is not over. *letter* is what an outage is told as.
    """

    kind: MailKind
    services: tuple[str, ...]
    start: Instant
    stop: Instant | None = None
    reason: str = ""
    letter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A mail's words in one language: the same as text and as HTML."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How the copy of one recipient stands.

    *at* is when that came about, *tries* how often it was deferred since a person last had a say.
    *due* is when a waiting one is tried, *begun* since when it is being tried. *words* and *by*
    are of the last event.
    """

    place: int
    address: str
    status: Status
    at: Instant
    begun: Instant
    tries: int = 0
    due: Instant | None = None
    words: str = ""
    by: str = ""
    server: bool = False
    approved: bool = True  # or never held


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A mail and all that happened to it, in order."""

    mail: Mail
    events: tuple[Event, ...]

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Return how it stands with each recipient."""
        return tuple(
            _folded(place, address, self.events)
            for place, address in enumerate(self.mail.recipients, start=1)
        )

    @property
    def status(self) -> Status:
        """Return the status of the recipient who is worst off; a mail to nobody is cancelled."""
        there = {delivery.status for delivery in self.deliveries}
        return next((s for s in _WORST_FIRST if s in there), Status.CANCELLED)

    @property
    def open(self) -> bool:
        """Return whether somebody has to see to it still."""
        return any(delivery.status in OPEN for delivery in self.deliveries)

    @property
    def accepted_at(self) -> Instant | None:
        """Return when the server first took it over for one of the recipients, or None."""
        return min((e.at for e in self.events if e.what is Happening.ACCEPTED), default=None)

    def allows(self, what: Happening, place: int = EVERYBODY) -> bool:
        """Return whether *what* can happen now to that recipient, or to any for everybody."""
        return any(
            delivery.status in _FROM[what]
            for delivery in self.deliveries
            if place in {EVERYBODY, delivery.place}
        )


def _folded(place: int, address: str, events: Iterable[Event]) -> Delivery:
    first: Delivery | None = None
    for event in events:
        if event.place not in {EVERYBODY, place}:
            continue
        if first is None:
            first = _begun(place, address, event)
        elif first.status in _FROM[event.what]:
            first = _after(first, event)
    if first is None:
        raise ValueError(f"nothing happened yet to the mail for recipient {place}")
    return first


def _begun(place: int, address: str, event: Event) -> Delivery:
    held = event.what is Happening.HELD
    return Delivery(
        place=place,
        address=address,
        status=Status.HELD if held else Status.WAITING,
        at=event.at,
        begun=event.at,
        due=None if held else event.at,
        words=event.words,
        by=event.by,
        approved=not held,
    )


_BECOMES = {
    Happening.SENDING: Status.SENDING,
    Happening.ACCEPTED: Status.ACCEPTED,
    Happening.REFUSED: Status.REFUSED,
    Happening.UNCERTAIN: Status.UNCERTAIN,
    Happening.CANCELLED: Status.CANCELLED,
}


def _after(delivery: Delivery, event: Event) -> Delivery:
    said = replace(delivery, at=event.at, words=event.words, by=event.by, server=event.server)
    match event.what:
        case Happening.AGAIN if not delivery.approved:  # it was cancelled before anyone approved
            return replace(said, status=Status.HELD)
        case Happening.APPROVED | Happening.AGAIN:
            begun = replace(said, status=Status.WAITING, begun=event.at, due=event.at, tries=0)
            return replace(begun, approved=True)
        case Happening.DEFERRED:
            due = event.until if event.until is not None else event.at
            return replace(said, status=Status.WAITING, due=due, tries=delivery.tries + 1)
        case _:
            return replace(said, status=_BECOMES[event.what], due=None)


def due(
    records: Iterable[Record], now: Instant, *, server_is_back: bool = False
) -> tuple[tuple[Record, Delivery], ...]:
    """Return what is to be sent at *now*, the longest waiting first.

    When the *server_is_back*, those who wait only because of it need not wait out their time.
    """
    found = [
        (record, delivery)
        for record in records
        for delivery in record.deliveries
        if delivery.status is Status.WAITING
        and delivery.due is not None
        and (delivery.due <= now or (server_is_back and delivery.server))
    ]
    return tuple(sorted(found, key=lambda item: (item[0].mail.at, item[0].mail.number)))


def wait_us(tries: int, chance: float, *, first_us: int = FIRST_WAIT_US) -> int:
    """Return how long to wait after the try number *tries*, counted from 1.

    It doubles up to a bound, which nothing exceeds. *chance*, from 0 to 1, spreads it by a quarter
    either way, so that not everything that failed together is tried together.
    """
    doubled = first_us << min(max(tries - 1, 0), 20)
    spread = int(min(doubled, LONGEST_WAIT_US) * (0.75 + chance / 2))
    return min(spread, LONGEST_WAIT_US)


def given_up(mail: Mail, delivery: Delivery, now: Instant, *, patience_us: int) -> bool:
    """Return whether trying has gone on for too long: *patience_us*, less for news of an outage.

    What was never tried is not given up, unless it is news that nobody wants any more.
    """
    waited = now - delivery.begun
    if mail.kind in {MailKind.OUTAGE, MailKind.OUTAGE_END}:
        return waited >= min(patience_us, NEWS_LASTS_US)
    return delivery.tries > 0 and waited >= patience_us


def addressed(message: bytes, address: str) -> bytes:
    """Return the frozen *message* as *address* gets it: with a `To` of its own on top.

    Nobody sees who else got it. The address is ASCII, as the configuration and composing see to.
    """
    if not address.isascii() or any(ord(c) <= 32 or ord(c) == 127 for c in address):
        raise ValueError("an address that cannot stand in a header")
    return b"To: " + address.encode("ascii") + b"\r\n" + message


def said(text: str) -> str:
    """Return what a server said on one line of bounded length, without control characters."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(plain.split())
    return line if len(line) <= _LONGEST_WORDS else line[: _LONGEST_WORDS - 1] + "…"


def report_key(client: str, month: str, revision: int) -> str:
    """Return what makes a report be drawn up once."""
    return f"report/{client}/{month}/{revision}"


def report_number(client: str, month: str, revision: int) -> str:
    """Return the number of a report, as the client sees it: `ACME-2026-10-1`."""
    return f"{client.upper()}-{month}-{revision}"


def notice_number(client: str, running: int) -> str:
    """Return the number of any other mail to a client: `ACME-N7`. Without a client: `TEST-7`."""
    return f"{client.upper()}-N{running}" if client else f"TEST-{running}"


def counts(records: Iterable[Record]) -> Mapping[Status, int]:
    """Return how many recipients' copies have each status."""
    found = dict.fromkeys(Status, 0)
    for record in records:
        for delivery in record.deliveries:
            found[delivery.status] += 1
    return found


def newest(records: Sequence[Record]) -> Record | None:
    """Return the report of the highest revision among *records*, or None."""
    return max(records, key=lambda record: record.mail.revision, default=None)
