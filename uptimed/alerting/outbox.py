"""What one Alertmanager was told, and what it is to be told next. Nothing here waits or sends.

* An alert that stands is sent at once, and again every minute, as standing for another while: so
  an Alertmanager that was started anew knows of it, and one that hears no more of us ends it. It is
  sent at once as well when what is said of it has changed: an Alertmanager pages with the words of
  the moment in which its wait for company ends.
* When it is over that is sent until it was taken once.
* What is silenced is not sent, unless it was before: then its end is, too. Where the silence ends
  first it is sent then.
* What began and was over before it could be told (the Alertmanager or the monitor was away) is
  sent as standing, with a word that it is late; two minutes later as over. An Alertmanager does not
  tell of what it only hears the end of.

How far each service was told of is a minute: every turn of its letters' alerts up to it was told,
and none after it. It moves only when something was taken, and is kept by the journal, so a monitor
that was killed goes on there. What letters do not tell (months, accounts, certificates, the monitor
itself) is of the present: it is sent while it stands, and its end while we run; else it ends over
there by itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from uptimed.alerting.posting import HOLD_US, Posting
from uptimed.core.alerts import Alert
from uptimed.core.minutes import MINUTE, Minute
from uptimed.core.observations import Instant

AGAIN_US = MINUTE
LATE_US = 2 * MINUTE
"""So long what is told late stands: longer than an Alertmanager waits for company before a page."""

Key = tuple[tuple[str, str], ...]

_URGENCY = ("page", "notice", "ticket", "none")


@dataclass(slots=True)
class _Told:
    """An alert that is being told of. *taken* is when it was last taken as standing, as *said*."""

    alert: Alert
    pending: Instant
    taken: Instant | None = None
    said: Mapping[str, str] = field(default_factory=dict)
    late: bool = False
    first_taken: Instant | None = None
    bare: bool = False


class Outbox:
    """What one Alertmanager was told.

    *began* is the minute since when it is told at all; `cursors` are how far each service was told
    of after it. *generator* is where links in its pages lead.
    """

    def __init__(self, began: Minute, *, generator: str = "") -> None:
        self._began, self._generator = began, generator
        self.cursors: dict[str, Minute] = {}
        self._told: dict[Key, _Told] = {}
        self._alerts: Mapping[Key, Alert] = {}
        self._of_service: dict[str, list[Alert]] = {}
        self._ends: dict[Key, Minute] = {}  # told ends that the cursor has not passed yet

    def due(self, alerts: Sequence[Alert], now: Instant) -> Sequence[Posting]:
        """Return what is to be sent now, the most urgent first.

        *alerts* are all that stand, and those of letters that were over lately.
        """
        self._alerts = _by_key(alerts)
        self._of_service = {}
        for alert in self._alerts.values():
            if alert.episode is not None:
                self._of_service.setdefault(alert.service, []).append(alert)
        self._ends = {key: turn for key, turn in self._ends.items() if key in self._alerts}
        found = [p for alert in self._alerts.values() for p in self._due(alert, now)]
        for key in self._told.keys() - self._alerts.keys():
            told = self._told[key]
            if told.taken is None:
                del self._told[key]
            else:
                found.append(self._posting(told.alert, now, resolved=True))
        return sorted(found, key=_urgency)

    def taken(self, postings: Iterable[Posting], now: Instant) -> Mapping[str, Minute]:
        """Note that *postings* were taken; return the cursors that moved."""
        services: set[str] = set()
        for posting in postings:
            key = posting.alert.key
            services.add(posting.alert.service)
            if posting.resolved:
                self._told.pop(key, None)
                episode = posting.alert.episode
                if episode is not None and episode.ended is not None:
                    self._ends[key] = episode.ended
            else:
                told = self._told[key]
                told.taken, told.said = now, posting.alert.annotations
                told.first_taken = told.first_taken or now
        return {
            service: self.cursors[service]
            for service in services
            if service and self._move(service)
        }

    def learn(self, service: str, told: Minute) -> None:
        """Take it that *service* was told of up to minute *told*."""
        self.cursors[service] = max(self._began, told)

    def spare(self, posting: Posting) -> None:
        """Send no more of it than must be, from now on: it was refused with all."""
        told = self._told.get(posting.alert.key)
        if told is not None:
            told.bare = True

    def waiting(self) -> Sequence[Instant]:
        """Return since when each waits that is still to be told of."""
        return [
            told.pending
            for key, told in self._told.items()
            if told.taken is None or self._is_over(key)
        ]

    def _is_over(self, key: Key) -> bool:
        alert = self._alerts.get(key)
        return alert is None or alert.ends_at is not None

    # What is due

    def _due(self, alert: Alert, now: Instant) -> Iterator[Posting]:
        told = self._told.get(alert.key)
        if alert.ends_at is None:
            yield from self._standing(alert, told, now)
        elif told is not None and told.late:
            yield from self._late(alert, told, now)
        elif told is not None and told.taken is not None:
            told.pending = max(told.pending, alert.ends_at)
            told.alert = alert
            yield self._posting(alert, now, resolved=True)
        else:
            yield from self._ended(alert, now)

    def _standing(self, alert: Alert, told: _Told | None, now: Instant) -> Iterator[Posting]:
        if alert.silenced and (told is None or told.taken is None):
            self._told.pop(alert.key, None)
            return
        if told is None:
            told = self._told[alert.key] = _Told(alert=alert, pending=now)
        told.alert, told.late = alert, False
        if told.taken is None or now - told.taken >= AGAIN_US or now < told.taken or (
            told.said != alert.annotations
        ):  # fmt: skip
            yield self._posting(alert, now)

    def _ended(self, alert: Alert, now: Instant) -> Iterator[Posting]:
        """Yield what is to be said of what was over before this run told of it."""
        episode, cursor = alert.episode, self._cursor(alert.service)
        if (
            episode is None or episode.ended is None or episode.ended <= cursor
            or self._ends.get(alert.key) == episode.ended
        ):  # fmt: skip
            self._told.pop(alert.key, None)
        elif episode.begun <= cursor:
            self._told[alert.key] = _Told(alert=alert, pending=now, taken=now)
            yield self._posting(alert, now, resolved=True)
        elif _is_quiet(alert):
            self._told.pop(alert.key, None)
        else:
            told = self._told[alert.key] = _Told(
                alert=alert, pending=self._pending(alert.key, now), late=True
            )
            yield from self._late(alert, told, now)

    def _late(self, alert: Alert, told: _Told, now: Instant) -> Iterator[Posting]:
        told.alert = alert
        if told.first_taken is not None and now - told.first_taken >= LATE_US:
            yield self._posting(alert, now, resolved=True)
        elif told.taken is None or now - told.taken >= AGAIN_US:
            yield self._posting(alert, now)

    def _posting(self, alert: Alert, now: Instant, *, resolved: bool = False) -> Posting:
        told = self._told.get(alert.key)
        late = told is not None and told.late
        ended = alert.ends_at if alert.ends_at is not None else now
        ahead = 2 * LATE_US if late else HOLD_US
        return Posting(
            alert=alert,
            ends_at=min(ended, now) if resolved else Instant(now + ahead),
            resolved=resolved,
            late=_LATE if late else "",
            generator=self._generator,
            bare=told is not None and told.bare,
        )

    def _pending(self, key: Key, now: Instant) -> Instant:
        told = self._told.get(key)
        return told.pending if told is not None else now

    # How far services were told of

    def _cursor(self, service: str) -> Minute:
        return self.cursors.get(service, self._began)

    def _move(self, service: str) -> bool:
        """Move the cursor of *service* to the last turn before which all were told."""
        cursor = self._cursor(service)
        turns = [turn for alert in self._of_service.get(service, ()) for turn in self._turns(alert)]
        untold = min((turn for turn, told in turns if not told), default=None)
        reached = max(
            (turn for turn, told in turns if told and (untold is None or turn < untold)),
            default=cursor,
        )
        self.cursors[service] = max(cursor, reached)
        return reached > cursor

    def _turns(self, alert: Alert) -> Iterator[tuple[Minute, bool]]:
        """Yield the turns of *alert* after the cursor, and whether each was told."""
        episode, cursor = alert.episode, self._cursor(alert.service)
        if episode is None:
            return
        told = self._told.get(alert.key)
        silent = _is_quiet(alert) and told is None
        over = silent or (episode.ended is not None and self._ends.get(alert.key) == episode.ended)
        if episode.begun > cursor:
            yield episode.begun, over or (told is not None and told.taken is not None)
        if episode.ended is not None and episode.ended > cursor:
            yield episode.ended, over


_LATE = (
    "told late: it began and was over while this Alertmanager, or the monitor, could not be reached"
)


def _is_quiet(alert: Alert) -> bool:
    """Return whether *alert* is for the present only: for inhibiting others, or held back."""
    return alert.silenced or alert.rule.severity == "none"


def _by_key(alerts: Iterable[Alert]) -> Mapping[Key, Alert]:
    """Return one alert for each key: the one that stands, else the latest that did."""
    found: dict[Key, Alert] = {}
    for alert in alerts:
        known = found.get(alert.key)
        if known is None or (known.ends_at is not None and _later(alert, known)):
            found[alert.key] = alert
    return found


def _later(alert: Alert, known: Alert) -> bool:
    return alert.ends_at is None or alert.starts_at > known.starts_at


def _urgency(posting: Posting) -> tuple[bool, int, str]:
    rule = posting.alert.rule
    return posting.resolved, _URGENCY.index(rule.severity), rule.name
