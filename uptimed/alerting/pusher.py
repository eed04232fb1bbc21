"""The pusher of one Alertmanager: sends what its outbox says, and goes on for ever.

| answer                               | what is done                                             |
|--------------------------------------|----------------------------------------------------------|
| taken (2xx, and nothing said)        | the cursors of the services that were told of move       |
| an alert is refused (400, 422)       | the others are there; halved until that one is alone,    |
|                                      | sent again without its details, then told of in the log  |
| too large (413)                      | half as many in each request from now on                 |
| away, failing, silent or busy        | again after 5 s, 10 s, ... 30 s, or when it asked        |
| wrong credentials, URL or redirect   | the same: somebody may repair it at any moment           |

Every Alertmanager has a pusher of its own: one that is away holds no other up. What is to be told
waits in the alerts themselves, which letters tell again at any time; nothing piles up. A request
goes out every minute even if there is nothing to say, so that a broken way is known before it is
needed. That the journal cannot be written holds nothing up either: cursors wait.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Protocol

from uptimed.alerting.outbox import Outbox
from uptimed.alerting.posting import Posting
from uptimed.alerting.server import Answer, Means, Server
from uptimed.core.alerts import Alert
from uptimed.core.minutes import MINUTE, Minute, minute_of
from uptimed.core.observations import SECOND, Instant
from uptimed.core.snapshot import FollowerView
from uptimed.ports import Batch, Clock, StoreError

TICK_US = SECOND
MOST = 64
"""Alerts in one request: with all that a page says about 100 KB."""

_FIRST_US, _LAST_US = 5 * SECOND, 30 * SECOND
_AGAIN_US = 10 * SECOND  # after the journal could not be written

_log = logging.getLogger(__name__)

Alerts = Callable[[], Awaitable[Sequence[Alert]]]
"""Return all alerts that stand, and those of letters that were over within a day."""


class Cursors(Protocol):
    """Reads how far followers have come."""

    async def cursor(self, name: str) -> int:
        """Return how far *name* has come, 0 where it never was here. May raise `StoreError`."""
        ...

    async def write(self, batch: Batch) -> None:
        """Keep *batch*. Raise `StoreError` when it is not kept."""
        ...


def cursor_name(url: str, service: str = "") -> str:
    """Return under which name the journal keeps how far *service* was told of at *url*."""
    where = sha256(url.encode()).hexdigest()[:12]
    return f"alertmanager/{where}/{service}"


def delay_us(failures: int, answer: Answer) -> int:
    """Return how long to wait after so many *failures* in a row, the last of them *answer*."""
    return max(min(_LAST_US, _FIRST_US << min(failures - 1, 10)), answer.retry_after_us)


class Pusher:
    """Pushes to one Alertmanager. One `follow` at a time."""

    def __init__(
        self,
        name: str,
        server: Server,
        alerts: Alerts,
        *,
        journal: Cursors,
        clock: Clock,
        generator: str = "",
    ) -> None:
        self.name = name
        self._server, self._alerts = server, alerts
        self._journal, self._clock, self._generator = journal, clock, generator
        self._outbox: Outbox | None = None
        self._most = MOST
        self._failures = 0
        self._failing_since: Instant | None = None
        self._sent: int | None = None  # monotonic: when something was last taken
        self._unkept: dict[str, int] = {}
        self._keep_from = 0  # monotonic
        self.error = self._refusal = ""
        self.refused = 0

    async def follow(self) -> None:
        """Push for ever; to be cancelled at any time.

        What the world does wrong is waited out. An exception out of it is a bug of ours.
        """
        self._outbox = await self._begun()
        while True:
            await self._clock.sleep(await self.turn(self._outbox))

    async def turn(self, outbox: Outbox) -> int:
        """Send what is due; return how long there is nothing to do."""
        alerts = await self._alerts()
        await self._learn(outbox, alerts)
        postings = outbox.due(alerts, self._clock.now())
        quiet = self._sent is None or self._clock.monotonic() - self._sent >= MINUTE
        wait_us = TICK_US
        if postings or quiet:
            wait_us = await self._send(outbox, postings)
        await self._keep()
        return wait_us

    def view(self) -> FollowerView:
        """Return how far behind it is: the lag is the age of the oldest that it lacks."""
        now = self._clock.now()
        waiting = list(self._outbox.waiting()) if self._outbox is not None else []
        since = [*waiting, *([self._failing_since] if self._failing_since is not None else [])]
        return FollowerView(
            name=self.name,
            backlog=len(waiting),
            lag_us=max((max(0, now - one) for one in since), default=0),
            error=self.error or self._refusal,
            set_aside=self.refused,
        )

    # Sending

    async def _send(self, outbox: Outbox, postings: Sequence[Posting]) -> int:
        """Send *postings* in pieces, or a sign of life; return how long to wait then."""
        pieces = [
            postings[first : first + self._most] for first in range(0, len(postings), self._most)
        ] or [postings]
        self._refusal = ""
        while pieces:
            piece = pieces.pop(0)
            answer = await self._server.post(piece)
            match answer.means:
                case Means.THERE:
                    self._taken(outbox, piece)
                case Means.REFUSED | Means.TOO_LARGE if len(piece) > 1:
                    half = len(piece) // 2
                    if answer.means is Means.TOO_LARGE:
                        self._most = max(1, half)
                    pieces[:0] = [piece[:half], piece[half:]]
                case Means.REFUSED | Means.TOO_LARGE if piece and not piece[0].bare:
                    outbox.spare(piece[0])
                    pieces[:0] = [[replace(piece[0], generator="", bare=True)]]
                case Means.REFUSED | Means.TOO_LARGE if piece:
                    self._give_up(outbox, piece[0], answer)
                case _:
                    return self._failed(answer)
        return TICK_US

    def _taken(self, outbox: Outbox, piece: Sequence[Posting]) -> None:
        if self.error:
            _log.info("%s: alerts arrive again", self.name)
        self.error, self._failures, self._failing_since = "", 0, None
        self._sent = self._clock.monotonic()
        moved = outbox.taken(piece, self._clock.now())
        self._unkept |= {
            cursor_name(self._server.url, service): minute for service, minute in moved.items()
        }

    def _give_up(self, outbox: Outbox, posting: Posting, answer: Answer) -> None:
        """Count as told what is refused for good: sent again for ever, it would change nothing."""
        self.refused += 1
        what = f"{posting.alert.rule.name} of {posting.alert.service or 'the monitor'}"
        _log.error("%s: %s is refused: %s", self.name, what, answer.message)
        self._taken(outbox, [posting])
        self._refusal = f"{what} is refused: {answer.message}"

    def _failed(self, answer: Answer) -> int:
        self._failures += 1
        if self._failing_since is None:
            self._failing_since = self._clock.now()
        if answer.message != self.error:
            _log.warning("%s: alerts do not arrive: %s", self.name, answer.message)
        self.error = answer.message
        return delay_us(self._failures, answer)

    # Cursors

    async def _begun(self) -> Outbox:
        """Return the outbox as the last run left it.

        Where the journal cannot be read, it begins now: what stands is told all the same.
        """
        now, name = minute_of(self._clock.now()), cursor_name(self._server.url)
        try:
            began = await self._journal.cursor(name)
        except StoreError as error:
            _log.warning("%s: what was told is not known: %s", self.name, error)
            return Outbox(now, generator=self._generator)
        if not began:
            self._unkept[name] = began = now
        return Outbox(Minute(began), generator=self._generator)

    async def _learn(self, outbox: Outbox, alerts: Sequence[Alert]) -> None:
        """Find out how far services were told of by earlier runs."""
        new = {alert.service for alert in alerts if alert.episode is not None}
        for service in new - outbox.cursors.keys():
            try:
                told = await self._journal.cursor(cursor_name(self._server.url, service))
            except StoreError:
                return
            outbox.learn(service, Minute(told))

    async def _keep(self) -> None:
        if not self._unkept or self._clock.monotonic() < self._keep_from:
            return
        try:
            await self._journal.write(Batch(cursors=dict(self._unkept)))
        except StoreError:  # it is told where looks are kept
            self._keep_from = self._clock.monotonic() + _AGAIN_US
        else:
            self._unkept.clear()
