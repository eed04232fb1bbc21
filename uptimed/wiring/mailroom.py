"""The daemon's mail: drawing reports up when they are due, and delivering what is in the outbox.

It runs beside the looks and never in their way: papers are made by another process, the outbox has
a thread of its own, and talking to the server is waiting. Whatever goes wrong here is logged, shown
in the metrics and tried again.

A report is the daemon's to send from the first moment that it runs with `[mail]` and the client has
recipients: what was due before that was sent by other means, or by nobody, and is left to a person.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import random
from typing import TypeVar

from uptimed.core.minutes import month_minutes
from uptimed.core.observations import SECOND, Instant
from uptimed.core.outbox import OPEN, MailKind, Record, Status, due
from uptimed.core.reporting import (
    in_agreement,
    month_before,
    previous,
    report_due,
    settled_for_good,
)
from uptimed.core.settings import ClientSettings, Mailing, Settings
from uptimed.core.snapshot import Edge, MailView
from uptimed.daemon.supervise import Bug, Supervisor
from uptimed.ports import Clock, Secrets, StoreError
from uptimed.stores.outbox import Outbox
from uptimed.wiring.delivering import OutboxDesk, Postman, Tally, outbox_desk
from uptimed.wiring.drafting import NotDrafted, Request, draft_aside
from uptimed.wiring.mailing import month_name, tell_of_edge

_LOOK_INTO_OUTBOX_US = 5 * SECOND
_MOST_UNTOLD = 1_000  # outages and their ends that wait for a journal that can be written
_LOOK_AT_CALENDAR_US = 60 * SECOND
_DRAFT_AGAIN_US = 600 * SECOND  # after a report could not be drawn up
_AGAIN_US = 60 * SECOND  # after a bug
_LAST_MAIL_S = 4.0  # for the text that is on its way when the daemon stops; systemd waits 15
_MONTHS_BACK = 3  # a report that is later than that was sent by hand, or nobody misses it

_log = logging.getLogger(__name__)

T = TypeVar("T")
Month = tuple[int, int]
Reports = Mapping[tuple[str, Month], Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """A report that is to go out. *begin* is from when on it is drawn up, *late* when overdue."""

    client: str
    month: Month
    begin: Instant
    late: Instant


def duties(settings: Settings, since: Mapping[str, Instant], now: Instant) -> Sequence[Duty]:
    """Return the reports of the latest months that the daemon has to send, oldest first."""
    mailing = settings.mail
    if mailing is None:
        return ()
    found: list[Duty] = []
    for client in settings.clients:
        if client.recipients and client.id in since:
            found += _duties_to(client, mailing, settings.seal_after_us, since[client.id], now)
    return sorted(found, key=lambda duty: (duty.begin, duty.client))


def _duties_to(
    client: ClientSettings, mailing: Mailing, seal_after_us: int, since: Instant, now: Instant
) -> Sequence[Duty]:
    found, month = [], month_before(now, client.zone)
    for _ in range(_MONTHS_BACK):
        at = report_due(*month, client.report, client.zone)
        agreed = in_agreement(
            (service.agreement for service in client.services), month_minutes(*month, client.zone)
        )
        if agreed and at >= since:
            begin = max(at, settled_for_good(*month, client.zone, seal_after_us))
            late = Instant(at + mailing.overdue_after_us)
            found.append(Duty(client=client.id, month=month, begin=begin, late=late))
        month = previous(*month)
    return found


class Mailroom:
    """What the daemon does about mail under the configuration in use."""

    def __init__(
        self, settings: Settings, desk: OutboxDesk, secrets: Secrets, clock: Clock, software: str
    ) -> None:
        self._settings, self._desk, self._clock = settings, desk, clock
        self._secrets, self._software = secrets, software
        self._supervise = Supervisor()
        self._stopping = asyncio.Event()
        self._idle = asyncio.Event()  # no text is on its way
        self._idle.set()
        self._untold: deque[Edge] = deque()
        self._telling = asyncio.Lock()
        self._not_before: dict[tuple[str, Month], Instant] = {}
        self._overdue: Mapping[str, bool] = {}
        self._open: Sequence[Record] = ()
        self._last_accepted: Instant | None = None
        self._trouble = ""

    def use(self, settings: Settings) -> None:
        """Go by *settings* from now on."""
        self._settings = settings

    def view(self) -> MailView | None:
        """Return how mail stands; None where none is configured."""
        if self._settings.mail is None:
            return None
        statuses = {str(status): 0 for status in Status if status in OPEN}
        waiting = []
        for record in self._open:
            for delivery in record.deliveries:
                if delivery.status in OPEN:
                    statuses[delivery.status] += 1
                if delivery.status in {Status.WAITING, Status.SENDING}:
                    waiting.append(delivery.begun)
        return MailView(
            overdue=self._overdue,
            statuses=statuses,
            waiting_since=min(waiting, default=None),
            last_accepted=self._last_accepted,
            trouble=self._trouble,
        )

    async def hear(self, edge: Edge) -> None:
        """Tell the client of an outage or its end, where it wants to be told.

        What cannot be put into the outbox now is, in its order, once that can be written again.
        """
        if self._settings.mail is None or edge.kind not in {"down", "up"}:
            return
        if len(self._untold) == _MOST_UNTOLD:
            _log.error("mail: too many wait, %s is not told of", self._untold.popleft().service)
        self._untold.append(edge)
        trouble = await self._tell_untold()
        if trouble is not None:
            _log.error(
                "mail: the client %s is not told of %s %s yet: %s",
                edge.client, edge.service, edge.kind, trouble,
            )  # fmt: skip

    async def _tell_untold(self) -> StoreError | None:
        """Tell of what was not told of yet; return what is in the way."""
        async with self._telling:
            while self._untold:
                edge = self._untold[0]
                try:
                    await self._tell(edge)
                except StoreError as error:
                    return error
                except Exception:
                    self._done_with(edge)  # it would be broken again
                    raise
                self._done_with(edge)
        return None

    def _done_with(self, edge: Edge) -> None:
        if self._untold and self._untold[0] is edge:  # not given up meanwhile
            self._untold.popleft()

    async def _tell(self, edge: Edge) -> None:
        settings, now = self._settings, self._clock.now()
        if all(service.id != edge.service for service in settings.services):
            return  # nobody's any more
        posted = await asyncio.to_thread(tell_of_edge, settings, edge, now=now)
        if posted is not None and posted.new:
            _log.info("mail: %s tells %s that %s is %s", posted.number, edge.client, edge.service,
                      edge.kind)  # fmt: skip

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Draw up and deliver inside; at the end, finish the text that is on its way."""
        async with asyncio.TaskGroup() as group:
            delivering = group.create_task(self._chore(self._deliver, "delivering mail"))
            drafting = group.create_task(self._chore(self._keep_calendar, "drawing up reports"))
            try:
                yield
            finally:
                self._stopping.set()
                drafting.cancel()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LAST_MAIL_S):
                        await self._idle.wait()
                delivering.cancel()

    def _going(self, number: str) -> None:
        if number:
            self._idle.clear()
        else:
            self._idle.set()

    async def _chore(self, chore: Callable[[], Awaitable[None]], what: str) -> None:
        while isinstance(await self._supervise(chore(), what), Bug):
            if self._stopping.is_set():
                return
            await self._clock.sleep(_AGAIN_US)

    # Delivering.

    async def _deliver(self) -> None:
        self._last_accepted = await self._asked(Outbox.last_accepted)
        while not self._stopping.is_set():
            await self._deliver_due()
            if not self._stopping.is_set():  # a cancellation in a dialogue may be lost on its way
                await self._clock.sleep(_LOOK_INTO_OUTBOX_US)

    async def _deliver_due(self) -> None:
        mailing = self._settings.mail
        if mailing is None:
            return
        await self._tell_untold()
        found = await self._asked(partial(Outbox.records, open_only=True))
        self._open = found if found is not None else self._open
        if found is None or not self._has_work(found):
            return
        postman = Postman(
            mailing=mailing,
            secrets=self._secrets,
            clock=self._clock,
            chance=random,
            stopping=self._stopping.is_set,
            going=self._going,
        )
        try:
            tally = await postman.deliver(self._desk)
            self._know(tally)
            if tally.accepted:
                await self._know_duties()
        except StoreError as error:
            _log.error("mail: the outbox: %s", error)
        finally:
            self._idle.set()
        self._open = await self._asked(partial(Outbox.records, open_only=True)) or ()

    def _has_work(self, records: Sequence[Record]) -> bool:
        """Return whether something is due, or was left behind by whoever was sending it."""
        left = any(d.status is Status.SENDING for r in records for d in r.deliveries)
        return left or bool(due(records, self._clock.now()))

    def _know(self, tally: Tally) -> None:
        if tally.accepted:
            self._last_accepted = self._clock.now()
        if tally.accepted or tally.trouble:
            self._trouble = tally.trouble

    async def _asked(self, work: Callable[[Outbox], T]) -> T | None:
        try:
            return await self._desk(work)
        except StoreError as error:
            _log.error("mail: the outbox: %s", error)
            return None

    # Drawing up.

    async def _keep_calendar(self) -> None:
        while not self._stopping.is_set():
            await self._look_at_calendar()
            await self._clock.sleep(_LOOK_AT_CALENDAR_US)

    async def _look_at_calendar(self) -> None:
        """Draw up what is due and not there yet, and know what is overdue."""
        settings, now = self._settings, self._clock.now()
        todo, reports = await self._know_duties()
        for duty in todo:
            key = duty.client, duty.month
            if key not in reports and max(duty.begin, self._not_before.get(key, duty.begin)) <= now:
                await self._draft(settings, duty)

    async def _know_duties(self) -> tuple[Sequence[Duty], Reports]:
        """Return what is to be sent and what of it is drawn up; know what is overdue."""
        settings, now = self._settings, self._clock.now()
        if settings.mail is None:
            return (), {}
        found = await self._asked(partial(_calendar, settings, now))
        if found is None:
            return (), {}
        todo, reports = found
        accepted = {key for key, record in reports.items() if record.accepted_at is not None}
        late = {d.client for d in todo if (d.client, d.month) not in accepted and d.late <= now}
        self._overdue = {c.id: c.id in late for c in settings.clients if c.recipients}
        return todo, reports

    async def _draft(self, settings: Settings, duty: Duty) -> None:
        name = f"{duty.client} {month_name(duty.month)}"
        request = Request(
            settings=settings,
            client=duty.client,
            month=duty.month,
            now=self._clock.now(),
            software=self._software,
        )
        try:
            number, held = await draft_aside(request)
        except NotDrafted as error:
            again = Instant(self._clock.now() + _DRAFT_AGAIN_US)
            self._not_before[duty.client, duty.month] = again
            _log.error("mail: the report of %s is not drawn up: %s", name, error)
            return
        if held:
            _log.warning(
                "mail: %s is held (%s): `uptimed approve --client %s --month %s`",
                number, held, duty.client, month_name(duty.month),
            )  # fmt: skip
        else:
            _log.info("mail: %s is drawn up", number)


def _calendar(settings: Settings, now: Instant, outbox: Outbox) -> tuple[Sequence[Duty], Reports]:
    """Return what is to be sent, and those of it that are drawn up: accepted ones first."""
    since = outbox.all_since()
    for client in settings.clients:
        if client.recipients and client.id not in since:
            since[client.id] = outbox.since(client.id, now)
    todo = duties(settings, since, now)
    reports: dict[tuple[str, Month], Record] = {}
    for month in {duty.month for duty in todo}:
        for record in outbox.records(month=month_name(month)):
            key = record.mail.client, month
            if record.mail.kind is MailKind.REPORT and (
                key not in reports or reports[key].accepted_at is None
            ):
                reports[key] = record
    return todo, reports


@asynccontextmanager
async def mailroom(
    settings: Settings, secrets: Secrets, clock: Clock, software: str, *, restored: bool
) -> AsyncIterator[Mailroom]:
    """Open the mailroom of the daemon that keeps the journal of *settings*."""
    async with outbox_desk(Path(settings.journal_path)) as desk:
        if restored:
            now = clock.now()
            doubted = await desk(lambda outbox: outbox.distrust(now))
            _log.warning(
                "mail: the journal was restored from a backup: %d mails are uncertain, and reports "
                "that were due by now are left to `uptimed send`", doubted,
            )  # fmt: skip
        room = Mailroom(settings, desk, secrets, clock, software)
        async with room.working():
            yield room
