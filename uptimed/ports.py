"""What the parts need of each other: small protocols, no implementation.

Everything that touches the world stands behind one of these, so that a test can be another world.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol, TypeVar

from uptimed.core.entries import Entry, EntryKind
from uptimed.core.issues import Post
from uptimed.core.minutes import Minute, moment_of
from uptimed.core.observations import Attempt, Instant, Observation
from uptimed.core.snapshot import ReferenceCheck as ReferenceCheck
from uptimed.core.strip import Strip
from uptimed.core.targets import ProbeSettings, Secret

T = TypeVar("T")


class Clock(Protocol):
    """Wall and monotonic time, and waiting."""

    def now(self) -> Instant:
        """Return the wall clock's instant."""
        ...

    def monotonic(self) -> int:
        """Return a count of microseconds that never steps; only differences mean anything."""
        ...

    async def sleep(self, duration_us: int) -> None:
        """Wait *duration_us* microseconds of the monotonic clock."""
        ...


class Offload(Protocol):
    """Runs blocking work off the event loop. One piece at a time where it uses a reader."""

    async def __call__(self, work: Callable[[], T]) -> T:
        """Return what *work* returns."""
        ...


class Secrets(Protocol):
    """Reads a secret at the moment of its use."""

    def read(self, secret: Secret) -> str:
        """Return the secret. Raise `SecretMissing` when it cannot be read."""
        ...


class SecretMissing(Exception):
    """A secret could not be read; the message names its place, never its content."""


class Probe(Protocol):
    """Looks at one target: returns facts and judges nothing.

    An exception out of it is a bug of ours. The caller owns the timeout of the whole attempt, but
    a probe keeps its own bounds as well, since it knows which phase it was in.
    """

    async def __call__(self, settings: ProbeSettings) -> Observation:
        """Make one attempt."""
        ...


Mask = Callable[[str], str]
"""Returns a text with every known secret masked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeEvent:
    """Something in the monitor's own life: started, stopped, gap, clock step, config changed ...

    *kind* is one of `started`, `stopped`, `gap`, `clock_step`, `suspended`, `store_failed`,
    `store_recovered`, `config`, `restored`, `references_failed`, `references_back`, `late_looks`.
    *start* and *stop* are the minutes [start, stop) that it explains; equal where it explains none.
    """

    at: Instant
    kind: str
    vantage: str
    detail: str = ""
    start: Minute = Minute(0)
    stop: Minute = Minute(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindMinute:
    """A minute in which a vantage's fails without an answer are its own fault, not the targets'."""

    vantage: str
    minute: Minute
    reason: str


def blind_by_vantage(blind: Iterable[BlindMinute]) -> Mapping[str, frozenset[Minute]]:
    """Return the blind minutes of each vantage."""
    found: dict[str, set[Minute]] = {}
    for item in blind:
        found.setdefault(item.vantage, set()).add(item.minute)
    return {vantage: frozenset(minutes) for vantage, minutes in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRecord:
    """The watch terms of a service from minute *since* on, in canonical form."""

    service: str
    since: Minute
    sha256: str
    canonical: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRecord:
    """What was agreed with a client from minute *since* on, as `core.pinning` writes it."""

    client: str
    since: Minute
    sha256: str
    canonical: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLetters:
    """One service's letters of one UTC day as they are kept, marks included.

    *letters* may be shorter than 1440 while the day is going on. *terms_sha256* is the digest of
    the terms they were judged under (of the last of them, where they changed during the day).
    """

    service: str
    day: date
    letters: str
    terms_sha256: str
    rules: int
    sealed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A sealed day: its record in canonical form, and the SHA-256 of that."""

    service: str
    day: date
    record: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is written in one transaction. Everything or nothing of it is kept."""

    attempts: Sequence[Attempt] = ()
    letters: Sequence[tuple[str, Strip, str]] = ()  # service, letters to lay down, terms digest
    life: Sequence[LifeEvent] = ()
    blind: Sequence[BlindMinute] = ()
    configs: Sequence[ConfigRecord] = ()
    contracts: Sequence[ContractRecord] = ()
    seals: Sequence[Seal] = ()
    heartbeat: Instant | None = None  # the daemon was alive and in its senses at this instant
    cursors: Mapping[str, int] = field(default_factory=dict)  # follower -> how far it has come


class StoreError(Exception):
    """The journal could not be read or written; the message says what to do about it."""


class AttemptConflict(Exception):
    """An attempt is on record with other content: *known* is on record, *given* was to be kept.

    Never a fault of the disk: trying again does not help.
    """

    def __init__(self, known: Attempt, given: Attempt) -> None:
        self.known, self.given = known, given
        names = [
            name
            for name in ("look", "outcome", "cause", "detail", "took_us", "secret", "phases",
                         "certificate_expires", "evidence")
            if getattr(known, name) != getattr(given, name)
        ]  # fmt: skip
        account = f", account {given.account}" if given.account else ""
        super().__init__(
            f"the attempt of {given.service}/{given.probe} from {given.vantage} at "
            f"{moment_of(given.at).isoformat()}{account} is on record with another "
            f"{' and '.join(names)}"
        )


class SealedDay(Exception):
    """What was to be kept would change a sealed day, which changes only through corrections.

    *attempts* are those that belong to one, as far as an import can tell which they are.
    """

    def __init__(self, message: str, attempts: "Sequence[Attempt]" = ()) -> None:
        super().__init__(message)
        self.attempts = tuple(attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class LostHead:
    """A sealed day that was known once and is not in the journal any more: it was restored.

    *sha256* is the record's that was lost. *kept* is the last day before it that the journal still
    has, or None.
    """

    service: str
    day: date
    sha256: str
    kept: date | None


class EntryReader(Protocol):
    """Reading what was entered beside looks and letters. May raise `StoreError`."""

    def entries(
        self, client: str = "", kinds: Sequence[EntryKind] = tuple(EntryKind), *, after: int = 0
    ) -> Sequence[Entry]:
        """Return the entries of *client* and *kinds* with a number above *after*, in order.

        Those of every client where *client* is empty.
        """
        ...


class JournalReader(EntryReader, Protocol):
    """Reading the ledger, and what was entered beside it. All of it may raise `StoreError`."""

    def services(self) -> Sequence[str]:
        """Return the services that have letters or attempts on record, by name."""
        ...

    def attempts(self, service: str, start: Minute, stop: Minute) -> Sequence[Attempt]:
        """Return the attempts whose look begins in [start, stop), by look, start and account."""
        ...

    def letters(self, service: str, start: Minute, stop: Minute) -> Strip:
        """Return the letters on record for [start, stop); minutes without one are `N`."""
        ...

    def days(self, service: str, first: date, last: date) -> Sequence[DayLetters]:
        """Return the days on record from *first* to *last*, both included, in order."""
        ...

    def span(self, service: str) -> range | None:
        """Return the minutes from the first to the last letter on record, or None."""
        ...

    def blind(self, vantages: Sequence[str], start: Minute, stop: Minute) -> Sequence[BlindMinute]:
        """Return the blind minutes of *vantages* in [start, stop), in order."""
        ...

    def configs(self, service: str) -> Sequence[ConfigRecord]:
        """Return the service's watch terms over time, oldest first."""
        ...

    def contracts(self, client: str) -> Sequence[ContractRecord]:
        """Return what was agreed with the client over time, oldest first."""
        ...

    def life(self, start: Minute, stop: Minute) -> Sequence[LifeEvent]:
        """Return the events that happened in, or explain minutes of, [start, stop), in order."""
        ...

    def seals(self, service: str, first: date, last: date) -> Sequence[Seal]:
        """Return the sealed days from *first* to *last*, both included, in order."""
        ...

    def last_seal(self, service: str) -> Seal | None:
        """Return the head of the service's chain, or None before the first sealed day."""
        ...

    def heartbeat(self) -> Instant | None:
        """Return when a daemon on this journal was last known to be alive."""
        ...

    def posts(self, client: str) -> Sequence[Post]:
        """Return what of the client's mails in the outbox concerns figures, oldest first."""
        ...

    def cursor(self, name: str) -> int:
        """Return what was kept under *name*; 0 for what never was."""
        ...

    def attempt_counts(
        self, service: str, start: Minute, stop: Minute, every: int
    ) -> Mapping[tuple[str, Minute], int]:
        """Return how many attempts began in each *every* minutes of [start, stop).

        By vantage and the first minute; nothing stands for none. *start* is a multiple of *every*.
        """
        ...


class Journal(Protocol):
    """Writing the ledger, from the event loop, through one writer."""

    async def write(self, batch: Batch) -> None:
        """Keep *batch*, durable when this returns. Raise `StoreError` when it is not kept."""
        ...


class SharedLooks(Protocol):
    """Where several monitors leave what they see: read only. All of it may raise `StoreError`.

    What a monitor leaves there comes some seconds later, or hours, in any order; it may come twice,
    and an answer may lack some of it.
    """

    async def counts(
        self,
        services: Sequence[str],
        vantages: Sequence[str],
        start: Minute,
        stop: Minute,
        every: int,
    ) -> Mapping[tuple[str, Minute], int]:
        """Return how many attempts are there that began in each *every* minutes of [start, stop).

        By vantage and the first minute; nothing stands for none. *start* is a multiple of *every*.
        """
        ...

    def attempts(
        self, services: Sequence[str], vantages: Sequence[str], start: Instant, stop: Instant
    ) -> AsyncIterator[Attempt]:
        """Yield the attempts that began in [start, stop), in any order and without evidence."""
        ...

    async def blind(
        self, vantages: Sequence[str], start: Minute, stop: Minute
    ) -> Sequence[BlindMinute]:
        """Return the blind minutes of *vantages* in [start, stop), in any order."""
        ...
