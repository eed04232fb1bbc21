"""What stands at this moment: the daemon's live picture, made into alerts once for all pushers.

It goes by the picture in memory, not by the journal: a page goes out also when the disk is full.
Only what an outage was first seen by is looked up in the journal, since it may be long ago; where
that cannot be read, what is at hand does. A service is worked out anew when its minute was judged.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from uptimed.core.alerts import (
    RUNBOOK,
    Alert,
    Episode,
    MonitorWatch,
    Seen,
    Subject,
    account_alerts,
    certificate_alerts,
    episodes,
    labels_of,
    seen,
    service_alerts,
)
from uptimed.core.minutes import Minute, minute_of
from uptimed.core.observations import SECOND, Attempt, Instant
from uptimed.core.settings import ClientSettings, ServiceSettings, Settings
from uptimed.core.silences import Silence
from uptimed.core.snapshot import ProbeView, ServiceView, Snapshot
from uptimed.core.terms import WatchTerms
from uptimed.ports import Clock, StoreError

FRESH_US = SECOND // 2
"""So long a picture serves every pusher that asks."""

REFERENCE_US = 3 * SECOND
"""So long a page of an outage waits for the reference of its case: an Alertmanager that is told of
something that began a minute ago pages at once, and does not page again for a word more."""

_HEAR_US = 15 * SECOND  # so late a silence is known, at most
_PIECE = 20  # services worked out before others have a turn
_BEFORE, _AFTER = 15, 3  # minutes around the begin of an outage in which looks tell of it
_DAY = 1440

Looks = Callable[[str, Minute, Minute], Awaitable[Sequence[Attempt]]]
"""Return a service's attempts on record in [start, stop). May raise `StoreError`."""


Silences = Callable[[], Awaitable[Sequence[Silence]]]
"""Return all silences on record. May raise `StoreError`."""


async def no_silences() -> Sequence[Silence]:
    """Know of none."""
    return ()


def around(since: Minute) -> tuple[Minute, Minute]:
    """Return the minutes [start, stop) whose looks tell of an outage that began at *since*."""
    return Minute(since - _BEFORE), Minute(since + _AFTER)


def subject_of(settings: Settings, client: ClientSettings, service: ServiceSettings) -> Subject:
    """Return what alerts say of *service* beside its letters."""
    return Subject(
        support=client.support, stage=service.stage, zone=client.zone, runbook=runbook_of(settings)
    )


def runbook_of(settings: Settings) -> str:
    """Return where alerts say what to do."""
    return settings.alertmanager.runbook_url if settings.alertmanager else RUNBOOK


@dataclass(frozen=True, slots=True)
class _Watched:
    subject: Subject
    terms: WatchTerms


class Watchtower:
    """Knows what stands. `alerts` may be asked by many at once."""

    def __init__(
        self,
        settings: Settings,
        *,
        snapshot: Callable[[], Snapshot],
        at_hand: Callable[[str], Sequence[Attempt]],
        looks: Looks,
        clock: Clock,
        silences: Silences = no_silences,
        reference_us: int = 0,
    ) -> None:
        self._snapshot, self._at_hand, self._looks = snapshot, at_hand, looks
        self._clock, self._silences, self._reference_us = clock, silences, reference_us
        self._awaited: dict[str, int] = {}  # monotonic: when a service was first seen to be out
        self._silenced: Sequence[Silence] = ()
        self._heard: int | None = None  # monotonic: when silences were read last
        self._monitor = MonitorWatch()
        self._lock = asyncio.Lock()
        self._at: int | None = None  # monotonic
        self._alerts: tuple[Alert, ...] = ()
        self._of_service: dict[str, tuple[ServiceView, str, tuple[Alert, ...]]] = {}
        self._of_probe: dict[tuple[str, str], tuple[ProbeView, Minute, tuple[Alert, ...]]] = {}
        self._seen: dict[tuple[str, Minute], Seen] = {}
        self.use(settings)

    def use(self, settings: Settings) -> None:
        """Know services and contracts as *settings* say from now on."""
        self._runbook = runbook_of(settings)
        self._watched = {
            service.id: _Watched(subject_of(settings, client, service), service.watch)
            for client in settings.clients
            for service in client.services
        }
        self._of_service.clear()
        self._of_probe.clear()

    async def alerts(self) -> Sequence[Alert]:
        """Return all alerts that stand, and those of letters that were over within a day."""
        async with self._lock:
            now = self._clock.monotonic()
            if self._at is None or not 0 <= now - self._at < FRESH_US:
                self._alerts = tuple(await self._look(self._snapshot()))
                self._at = now
            return self._alerts

    async def _look(self, picture: Snapshot) -> list[Alert]:
        found: list[Alert] = []
        cases = {case.service: case.reference for case in picture.incidents}
        for number, view in enumerate(picture.services.values(), start=1):
            found += await self._service(view, cases.get(view.service, ""), picture.at)
            if number % _PIECE == 0:
                await self._clock.sleep(0)
        for probe in picture.probes.values():
            service = picture.services.get(probe.service)
            if service is not None:
                found += self._probe(probe, service, picture.at)
        self._of_service = {s: known for s, known in self._of_service.items()
                            if s in picture.services}  # fmt: skip
        self._of_probe = {p: known for p, known in self._of_probe.items() if p in picture.probes}
        found += self._monitor.feed(picture, runbook=self._runbook)
        await self._hear()
        return [self._held_back(alert, picture.at) for alert in found]

    async def _hear(self) -> None:
        """Read now and then what people silenced; what cannot be read stays as it was."""
        now = self._clock.monotonic()
        if self._heard is None or now - self._heard >= _HEAR_US:
            self._heard = now
            with suppress(StoreError):
                self._silenced = await self._silences()

    def _held_back(self, alert: Alert, now: Instant) -> Alert:
        """Return *alert*, silenced if somebody did while it stood."""
        if not self._silenced or alert.rule.severity != "page" or alert.rule.team != "client":
            return alert
        at = now if alert.ends_at is None else Instant(alert.ends_at - 1)
        client = alert.labels["client"]
        held = any(each.quiets(client, alert.service, at) for each in self._silenced)
        return replace(alert, silenced=True) if held else alert

    async def _service(self, view: ServiceView, case: str, now: Instant) -> tuple[Alert, ...]:
        known = self._of_service.get(view.service)
        if known is not None and known[0] is view and known[1] == case:
            return known[2]
        watched = self._watched.get(view.service)
        if watched is None or not view.recent.letters:  # it leaves, or nobody looked yet
            return ()
        outages = self._outages(view)
        told = {outage.since: await self._evidence(view, watched.terms, outage.shown, outage.letter)
                for outage in outages}  # fmt: skip
        present = {max(o.since for o in outages): case} if outages and case else {}
        found = service_alerts(view, watched.subject, now=now, seen=told, incidents=present)
        if not case and self._awaits(view.service, outages):
            return tuple(alert for alert in found if alert.rule.kind != "outage")
        self._of_service[view.service] = view, case, found
        return found

    def _awaits(self, service: str, outages: Sequence[Episode]) -> bool:
        """Return whether the reference of an outage that stands may still come.

        Once it was told of, nothing takes it back, whatever its letters and its case become.
        """
        if all(outage.ended is not None for outage in outages):
            self._awaited.pop(service, None)
            return False
        now = self._clock.monotonic()
        return now - self._awaited.setdefault(service, now) < self._reference_us

    def _outages(self, view: ServiceView) -> Sequence[Episode]:
        """Return the outages that are told of, of one kind the last."""
        after = Minute(view.recent.stop - 1 - _DAY)
        of_kind = {
            episode.rule: episode
            for episode in episodes(view.recent, down=view.counted, after=after)
            if episode.rule.kind == "outage"
        }
        return tuple(of_kind.values())

    async def _evidence(
        self, view: ServiceView, terms: WatchTerms, since: Minute, letter: str
    ) -> Seen:
        """Return what looks say: the evidence as it was found first, vantages as they are now."""
        at_hand = self._at_hand(view.service)
        present = seen(at_hand, terms, since, letter)
        key = view.service, since
        if key not in self._seen:
            try:
                kept = await self._looks(view.service, *around(since))
            except StoreError:  # it is told where looks are kept
                return present
            looks = {(a.probe, a.vantage, a.at, a.account): a for a in (*kept, *at_hand)}
            found = seen(list(looks.values()), terms, since, letter)
            if found.first is None:
                return present
            self._seen = {k: s for k, s in self._seen.items() if k[1] > since - 2 * _DAY}
            self._seen[key] = found
        return replace(self._seen[key], vantages=present.vantages)

    def _probe(self, view: ProbeView, service: ServiceView, now: Instant) -> tuple[Alert, ...]:
        key, minute = (view.service, view.probe), minute_of(now)
        known = self._of_probe.get(key)
        if known is not None and known[0] is view and known[1] == minute:
            return known[2]
        found = tuple(self._of_looks(view, service, now))
        self._of_probe[key] = view, minute, found
        return found

    def _of_looks(self, view: ProbeView, service: ServiceView, now: Instant) -> Iterator[Alert]:
        labels = labels_of(service)
        watched = self._watched.get(view.service)
        for terms in watched.terms.probes if watched is not None else ():
            if terms.id == view.probe and terms.accounts:
                yield from account_alerts(
                    self._at_hand(view.service), terms, labels, now=now, runbook=self._runbook
                )
        yield from certificate_alerts(
            view.probe, view.certificate_expires, labels, now=now, runbook=self._runbook
        )
