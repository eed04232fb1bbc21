"""Incidents beside the daemon: opened for outages on record, and how the open ones stand.

Once a minute, in a thread of its own, the outages on record are compared with the incidents on
record, and what is missing is entered. So nothing is lost when the daemon is killed between the
two, when the disk is full, or when a look comes late; and no look, letter or page waits for it. A
second after an outage was confirmed they are compared at once, so that its page has a reference. Of
several settlers only the one that seals opens incidents: two would give one outage two references.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from uptimed.core.calendars import Second
from uptimed.core.clocks import Why
from uptimed.core.entries import EntryRefused
from uptimed.core.incidents import Event, Opened
from uptimed.core.incidents.casebook import KINDS, Casebook
from uptimed.core.minutes import Minute, minute_of, start_of
from uptimed.core.observations import SECOND, Instant
from uptimed.core.settings import ClientSettings, Settings
from uptimed.core.snapshot import Edge, IncidentView, Snapshot
from uptimed.daemon.supervise import Supervisor
from uptimed.ledger.incidents import IncidentNow, OutageReader, incident_now
from uptimed.ports import Batch, Clock, StoreError
from uptimed.stores.ledger import Ledger
from uptimed.stores.sqlite import Reader, open_reader
from uptimed.wiring.following import alongside
from uptimed.wiring.incidents import missing, record_outages

_log = logging.getLogger(__name__)

_INTO_MINUTE_US = 25 * SECOND  # by then the minute before is judged
_NAP_US = SECOND // 2  # so late an outage is heard of, at most
_WRITTEN_US = SECOND  # by then the letters that an outage was confirmed by are on record
_BACK = 120  # minutes that are looked at again every minute
_FAR_BACK = 31 * 60  # and every hour: what came late is taken until a day is sealed
_FAR_EVERY = 60

EXAMINED = "incidents-examined"
"""The cursor that says up to which minute outages were compared with incidents."""
FIRST = "incidents-from"
"""The cursor that says from which minute on the daemon opens incidents by itself."""


class Casework:
    """Keeps the incidents of all clients in step with the outages on record."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._views: tuple[IncidentView, ...] = ()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="incidents")
        self._files = _Files(Path(settings.journal_path))
        self._trouble = ""
        self._heard = False

    async def hear(self, edge: Edge) -> None:
        """Compare soon: an outage was confirmed, or is over."""
        if edge.kind in {"down", "up"}:
            self._heard = True

    def use(self, settings: Settings) -> None:
        """Know the clients of *settings* from now on."""
        self._settings = settings

    def seen(self, snapshot: Callable[[], Snapshot]) -> Callable[[], Snapshot]:
        """Return *snapshot* with the open incidents in it."""
        return lambda: replace(snapshot(), incidents=self._views)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work inside."""
        try:
            async with alongside(self._work()):
                yield
        finally:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._files.close)
            self._thread.shutdown(wait=False)

    async def _work(self) -> None:
        supervise = Supervisor()
        while True:
            now = self._clock.now()
            await supervise(self._pass(now), "incidents")
            await self._rest()

    async def _rest(self) -> None:
        """Wait until the next minute was judged, or shortly after an outage was heard of."""
        now = self._clock.now()
        after = start_of(Minute(minute_of(now) + 1)) + _INTO_MINUTE_US
        end = self._clock.monotonic() + max(SECOND, after - now)
        while self._clock.monotonic() < end and not self._heard:
            await self._clock.sleep(_NAP_US)
        if self._heard:
            self._heard = False
            await self._clock.sleep(_WRITTEN_US)

    async def _pass(self, now: Instant) -> None:
        """Compare once. A journal that cannot be written is tried again with the next minute."""
        settings = self._settings
        loop = asyncio.get_running_loop()
        try:
            views = await loop.run_in_executor(
                self._thread, lambda: self._files.compare(settings, now)
            )
        except (StoreError, EntryRefused) as error:
            if str(error) != self._trouble:
                _log.warning("incidents wait: %s", error)
            self._trouble = str(error)
            return
        if self._trouble:
            _log.info("incidents are recorded again")
        self._trouble, self._views = "", views


class _Files:
    """The journal as casework uses it, from one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: Reader | None = None
        self._books: dict[str, Casebook] = {}
        self._taken = 0  # the number of the last entry in them
        self._kept = 0  # the minute up to which is on record that it was examined

    def close(self) -> None:
        """Close the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def compare(self, settings: Settings, now: Instant) -> tuple[IncidentView, ...]:
        """Enter what is missing; return how the open incidents stand."""
        if self._reader is None:
            self._reader = open_reader(self._path)
        reader, present = self._reader, minute_of(now)
        since = self._since(reader, present)
        self._take(reader)
        for client in settings.clients if settings.seals else ():
            book = self._book(client)
            found = missing(reader, client, book, since, present)
            if found:
                for event in record_outages(self._path, client, now, found, book):
                    _tell(event)
        self._take(reader)
        self._examined(present)
        return tuple(
            view
            for client in settings.clients
            for view in _open_ones(reader, client, self._book(client), Second(now // SECOND))
        )

    def _take(self, reader: Reader) -> None:
        """Take what was entered since the last time, whoever's it is."""
        waiting = [*reversed(reader.entries("", KINDS, after=self._taken))]
        while waiting:  # let go of one by one: a year's at once would hold up the event loop
            entry = waiting.pop()
            self._taken = entry.number
            book = self._books.setdefault(entry.client, Casebook())
            if entry.number > book.last:
                book.take([entry])

    def _book(self, client: ClientSettings) -> Casebook:
        return self._books.setdefault(client.id, Casebook())

    def _since(self, reader: Reader, present: Minute) -> Minute:
        """Return from which minute on outages are to be looked at."""
        first = reader.cursor(FIRST)
        if not first:
            first = present
            self._keep({FIRST: first, EXAMINED: present})
        back = _FAR_BACK if present % _FAR_EVERY == 0 else _BACK
        examined = self._kept or reader.cursor(EXAMINED)
        return Minute(max(first, min(present - back, examined - back)))

    def _examined(self, present: Minute) -> None:
        """Remember hourly how far it came: from there on it is looked at again after a restart."""
        if present - self._kept >= _FAR_EVERY:
            self._keep({EXAMINED: present})

    def _keep(self, cursors: dict[str, int]) -> None:
        with Ledger.open(self._path, make=False) as ledger:
            ledger.write(Batch(cursors=cursors))
        self._kept = cursors[EXAMINED]


def _tell(event: Event) -> None:
    if isinstance(event.act, Opened):
        _log.warning(
            "incident %s opened for %s: %s, %s", event.incident, event.act.service,
            event.act.outage, event.act.severity or "not classified",
        )  # fmt: skip
    else:
        _log.info("incident %s: %s", event.incident, event.act.kind)


def _open_ones(
    reader: Reader, client: ClientSettings, book: Casebook, now: Second
) -> Iterator[IncidentView]:
    outage_reader = OutageReader(reader, client)
    for incident in book.unresolved():
        yield _view(client.id, incident_now(outage_reader, client, book, incident, now))


def _view(client: str, each: IncidentNow) -> IncidentView:
    running = [
        reading
        for reading in each.readings
        if reading.why is Why.JUDGED and reading.stopped is None and reading.remaining is not None
    ]
    return IncidentView(
        client=client,
        service=each.incident.service,
        reference=each.incident.reference,
        severity=each.incident.severity,
        remaining_s={str(reading.clock): reading.remaining or 0 for reading in running},
        escalations_due=sum(len(reading.pending) for reading in each.readings),
    )
