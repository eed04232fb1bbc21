"""Incidents beside the daemon: opened for outages on record, and how the open ones stand.

Once a minute, in a thread of its own, the outages on record are compared with the incidents on
record, and what is missing is entered. So nothing is lost when the daemon is killed between the
two, when the disk is full, or when a look comes late; and no look, letter or page waits for it. Of
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
from uptimed.core.snapshot import IncidentView, Snapshot
from uptimed.daemon.supervise import Supervisor
from uptimed.ledger.incidents import IncidentNow, OutageReader, incident_now
from uptimed.ports import Batch, Clock, StoreError
from uptimed.stores.ledger import Ledger
from uptimed.stores.sqlite import Reader, open_reader
from uptimed.wiring.incidents import missing, record_outages

_log = logging.getLogger(__name__)

_INTO_MINUTE_US = 25 * SECOND  # by then the minute before is judged
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
            async with asyncio.TaskGroup() as group:
                task = group.create_task(self._work())
                try:
                    yield
                finally:
                    task.cancel()
        finally:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._files.close)
            self._thread.shutdown(wait=False)

    async def _work(self) -> None:
        supervise = Supervisor()
        while True:
            now = self._clock.now()
            await supervise(self._pass(now), "incidents")
            after = start_of(Minute(minute_of(self._clock.now()) + 1)) + _INTO_MINUTE_US
            await self._clock.sleep(max(SECOND, after - self._clock.now()))

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
        views: list[IncidentView] = []
        for client in settings.clients:
            book = self._book(reader, client)
            found = missing(reader, client, book, since, present) if settings.seals else ()
            if found:
                for event in record_outages(self._path, client, now, found):
                    _tell(event)
                book = self._book(reader, client)
            views += _open_ones(reader, client, book, Second(now // SECOND))
        self._examined(present)
        return tuple(views)

    def _book(self, reader: Reader, client: ClientSettings) -> Casebook:
        book = self._books.setdefault(client.id, Casebook())
        book.take(reader.entries(client.id, KINDS, after=book.last))
        return book

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
    for incident in book.incidents():
        if incident.resolved is None:
            stands = incident_now(outage_reader, client, book, incident, now)
            yield _view(client.id, stands)


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
