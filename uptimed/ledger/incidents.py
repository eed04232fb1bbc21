"""Incidents beside the letters: which outages they were opened for, and what their clocks say.

Corrections, maintenance and exceptions are laid over the letters first, as for every other figure.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from uptimed.core.amendments import Amendments
from uptimed.core.calendars import Second
from uptimed.core.clocks import Reading, readings
from uptimed.core.compliance import Case
from uptimed.core.incidents.casebook import KINDS, Account, Casebook
from uptimed.core.incidents.detecting import DEGRADED, Watched, belongs, group_of
from uptimed.core.incidents.events import Incident
from uptimed.core.incidents.grouping import FLAP_UP_MINUTES, OutageGroup, grouped
from uptimed.core.minutes import MINUTES_PER_DAY, Minute
from uptimed.core.outages import outages
from uptimed.core.settings import ClientSettings, ServiceSettings
from uptimed.core.strip import DEGRADED as DEGRADED_LETTER
from uptimed.core.strip import MARKS, NO_OVERLAY, NOT_MEASURED, Strip
from uptimed.core.support import SupportTerms
from uptimed.core.terms_text import digest, support_text
from uptimed.ledger.month import amendments_of, counted
from uptimed.ledger.reading import judged_until
from uptimed.ledger.uncollected import uncollected
from uptimed.ports import EntryReader, JournalReader

REACH = 60
"""Minutes before what is asked for that are read first: most outages begin in them."""
_LONGEST_REACH = 400 * MINUTES_PER_DAY
_AFTER = 30  # minutes after a restoration: by then it is known to be one
_DECIDED_S = 100 * 86_400
"""A closed incident is asked for its clocks for so long: no target is longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentNow:
    """An incident as it stands: its outages and its clocks.

    *group* is None for one without letters. *lost* says that it was opened for an outage that is
    not on record any more, because looks that came late or a correction took it away.
    """

    incident: Incident
    group: OutageGroup | None
    readings: tuple[Reading, ...]
    lost: bool = False


def account_of(client: ClientSettings) -> Account:
    """Return whose incidents those of *client* are."""
    return Account(client=client.id, zone=client.zone, support=client.support, plan=client.plan)


@uncollected()
def casebook(reader: EntryReader, client: str) -> Casebook:
    """Return the incidents of *client* that are on record."""
    return Casebook(reader.entries(client, KINDS))


def under_other_terms(book: Casebook, support: SupportTerms) -> Sequence[str]:
    """Return the references of open incidents that are judged by other terms than *support*."""
    present = digest(support_text(support))
    return tuple(each.reference for each in book.unresolved() if each.terms != present)


class OutageReader:
    """Reads the outages of one client's services as incidents know them."""

    def __init__(self, reader: JournalReader, client: ClientSettings) -> None:
        self._reader = reader
        self._client = client
        self._entered: Amendments | None = None

    @property
    def marks(self) -> str:
        """Return the marks of the minutes that outages are made of, verified or not."""
        letters = set("".join(self._families()))
        return "".join(mark for mark in MARKS if mark.upper() in letters)

    def watched(self, service: ServiceSettings, since: Minute, now: Minute) -> Watched:
        """Return the outages of *service* that were there in [since, now), each looked at whole."""
        stop = judged_until(self._reader, service.id, now)
        return Watched(
            service=service.id,
            stage=service.stage,
            groups=self.groups(service, min(since, stop), stop),
        )

    def groups(
        self, service: ServiceSettings, since: Minute, stop: Minute
    ) -> tuple[OutageGroup, ...]:
        """Return the outages in [since, stop) as incidents, each from its beginning."""
        span = self._reader.span(service.id)
        if span is None or stop <= since:
            return ()
        reach = REACH
        while True:
            start = Minute(max(span.start, since - reach))
            strip, over = self._counted(service, start, stop)
            found = tuple(self._grouped(strip, over))
            whole = start <= span.start or reach > _LONGEST_REACH
            if whole or all(_begins(group, strip, over) for group in found):
                here = (g for g in found if g.ended_at is None or g.ended_at > since * 60)
                return tuple(sorted(here, key=lambda group: group.started_at))
            reach *= 8

    def of(self, incident: Incident, service: ServiceSettings, now: Minute) -> OutageGroup | None:
        """Return the outages that *incident* of *service* was opened for."""
        if not incident.kind:
            return None
        opened = Minute(incident.opened // 60)
        stop = judged_until(self._reader, service.id, now)
        if incident.restored is not None:
            near = Minute(min(stop, incident.restored // 60 + _AFTER))
            group = group_of(incident, self.groups(service, opened, near))
            if near == stop or (group is not None and group.over):
                return group
        return group_of(incident, self.groups(service, opened, stop))

    def _counted(self, service: ServiceSettings, start: Minute, stop: Minute) -> tuple[Strip, str]:
        """Return the letters that count, and what lies over them."""
        if self._entered is None:
            self._entered = amendments_of(self._reader, self._client.id)
        return counted(self._reader, self._client, service, start, stop, self._entered)

    def _grouped(self, strip: Strip, over: str) -> Iterator[OutageGroup]:
        for down in self._families():
            yield from grouped(outages(strip, over, down=down), strip, over)

    def _families(self) -> Sequence[str]:
        """Return the letters whose outages are incidents: those that count as down together.

        A function that fails is an incident of its own where the contract has a severity for it.
        """
        contract, severities = self._client.contract, self._client.support.severities
        down = contract.down
        apart = DEGRADED_LETTER not in down and any(
            DEGRADED_LETTER in s.letters for s in severities
        )
        return (down, DEGRADED_LETTER) if apart else (down,)


def _begins(group: OutageGroup, strip: Strip, over: str) -> bool:
    """Return whether enough up minutes are seen before *group* for none of it to lie before."""
    before = group.outages[0].start - strip.start
    seen = zip(strip.plain[:before], over[:before], strict=True)
    ups = sum(1 for letter, laid in seen if letter != NOT_MEASURED and laid == NO_OVERLAY)
    return ups >= FLAP_UP_MINUTES


def incident_now(
    outage_reader: OutageReader,
    client: ClientSettings,
    book: Casebook,
    incident: Incident,
    now: Second,
) -> IncidentNow:
    """Return *incident* as it stands at *now*."""
    service = next((each for each in client.services if each.id == incident.service), None)
    group = None
    if service is not None:
        group = outage_reader.of(incident, service, Minute(now // 60))
    return _stands(book, incident, group, now)


def _stands(
    book: Casebook, incident: Incident, group: OutageGroup | None, now: Second
) -> IncidentNow:
    return IncidentNow(
        incident=incident,
        group=group,
        readings=readings(incident, book.desk(incident), now=now, group=group),
        lost=group is None and bool(incident.kind),
    )


def incidents_of_period(
    reader: JournalReader, client: ClientSettings, book: Casebook, start: Second, stop: Second
) -> Sequence[IncidentNow]:
    """Return what the incidents of *client* were at *stop*, as far as they concern [start, stop).

    Those are all that were opened before *stop*, without those that were closed long before.
    """
    outage_reader = OutageReader(reader, client)
    found = []
    for reference in book.references:
        if book.events(reference)[0].at >= stop:
            continue
        incident = book.incident(reference)
        if incident.timeline[-1].at >= stop:
            incident = book.incident(reference, until=stop)
        if incident.closed is None or incident.closed > start - _DECIDED_S:
            found.append(incident)
    by_service = {
        service.id: _Groups(_all_groups(outage_reader, service, found, stop))
        for service in client.services
    }
    nothing = _Groups(())
    return tuple(
        _stands(book, incident, by_service.get(incident.service, nothing).of(incident), stop)
        for incident in found
    )


def _all_groups(
    outage_reader: OutageReader, service: ServiceSettings, found: Iterable[Incident], stop: Second
) -> Sequence[OutageGroup]:
    """Return the outages that the incidents of *service* were opened for, read in one go."""
    mine = [each for each in found if each.service == service.id and each.kind]
    if not mine:
        return ()
    first = Minute(min(each.opened for each in mine) // 60)
    return outage_reader.groups(service, first, Minute(stop // 60))


class _Groups:
    """The outages of a service, found by their time."""

    def __init__(self, groups: Iterable[OutageGroup]) -> None:
        self._families: Mapping[bool, list[OutageGroup]] = {True: [], False: []}
        for group in sorted(groups, key=lambda each: each.started_at):
            self._families[group.kind == DEGRADED].append(group)
        self._starts = {
            family: [group.started_at for group in groups]
            for family, groups in self._families.items()
        }

    def of(self, incident: Incident) -> OutageGroup | None:
        """Return the outages that *incident* was opened for."""
        family = incident.kind == DEGRADED
        place = bisect_right(self._starts[family], incident.opened)
        near = self._families[family][max(0, place - 1) : place + 2]
        return next((g for g in near if belongs(incident.kind, incident.opened, g)), None)


def cases(found: Iterable[IncidentNow]) -> Iterator[Case]:
    """Yield what compliance is counted from."""
    return (Case(each.incident.reference, each.readings) for each in found)


def references_of(found: Iterable[IncidentNow]) -> Mapping[tuple[str, Minute], str]:
    """Return the references of incidents by service and the first minute of each outage."""
    return dict(
        chain.from_iterable(
            (
                ((each.incident.service, outage.start), each.incident.reference)
                for outage in each.group.outages
            )
            for each in found
            if each.group is not None
        )
    )
