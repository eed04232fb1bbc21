"""The casebook: all incidents of a client, as they were entered, and the terms of each.

What is recorded next is decided from it: the same entries give the same decision, whoever asks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from uptimed.core.calendars import Second
from uptimed.core.clocks import Desk
from uptimed.core.entries import Entry, EntryKind, NewEntry
from uptimed.core.holidays import open_time
from uptimed.core.incidents.acts import Registered
from uptimed.core.incidents.admitting import Known, admit
from uptimed.core.incidents.events import Act, Event, Incident, Opened
from uptimed.core.incidents.folding import fold
from uptimed.core.incidents.recording import entry_of, event_in, event_of
from uptimed.core.incidents.references import next_reference
from uptimed.core.incidents.values import MONITOR, Refusal
from uptimed.core.minutes import moment_of
from uptimed.core.observations import SECOND, Instant
from uptimed.core.support import SupportTerms
from uptimed.core.terms_text import digest, support_of, support_text

KINDS = (EntryKind.INCIDENT, EntryKind.TERMS)
"""The kinds of entries that a casebook is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose incidents they are: the client's id, zone, and what was agreed and bought."""

    client: str
    zone: tzinfo
    support: SupportTerms
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """How an incident was opened: when, for which class of outage ("" without any).

    *ticket* is its number elsewhere, as it was given then.
    """

    reference: str
    at: Second
    kind: str
    ticket: str


class Casebook:
    """The incidents of one client. It grows by `take` alone, entry after entry in their order.

    What an entry says is read when it is asked for: most questions are about a few incidents.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        # Body, recorder and place: plain tuples cost the collector of garbage nothing.
        self._entries: dict[str, list[tuple[str, str, int]]] = {}
        self._openings: dict[str, list[Opening]] = {}  # by service
        self._services: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        self._supports: dict[str, SupportTerms] = {}
        self._desks: dict[tuple[str, str], Desk] = {}
        self._first: dict[str, Event] = {}
        self._events: dict[str, tuple[Event, ...]] = {}
        self._folded: dict[str, Incident] = {}
        self._unresolved: dict[str, None] = {}  # and those of which that is not known yet
        self.last = 0  # the number of the last entry taken
        self.take(entries)

    def take(self, entries: Iterable[Entry]) -> None:
        """Take further *entries* of the client, in order; those of other kinds are left alone."""
        for entry in entries:
            self.last = max(self.last, entry.number)
            if entry.kind is EntryKind.TERMS:
                self._texts[entry.subject] = entry.body
            elif entry.kind is EntryKind.INCIDENT:
                known = self._entries.setdefault(entry.subject, [])
                known.append((entry.body, entry.by, entry.place))
                self._unresolved[entry.subject] = None
                if len(known) == 1:
                    self._opened(entry)
                else:
                    self._events.pop(entry.subject, None)
                    self._folded.pop(entry.subject, None)

    def _opened(self, entry: Entry) -> None:
        event = self._first[entry.subject] = event_of(entry)
        self._events[entry.subject] = (event,)
        kind, ticket = "", ""
        if isinstance(event.act, Opened):
            kind, ticket = event.act.outage, event.act.ticket
        opening = Opening(entry.subject, event.at, kind, ticket)
        self._openings.setdefault(entry.service, []).append(opening)
        self._services[entry.subject] = entry.service

    @property
    def references(self) -> Sequence[str]:
        """Return the references of all incidents, in the order in which they were entered."""
        return tuple(self._entries)

    def __contains__(self, reference: object) -> bool:
        return reference in self._entries

    def service(self, reference: str) -> str:
        """Return the service of an incident. Raise KeyError where there is none."""
        return self._services[reference]

    def openings(self, service: str) -> Sequence[Opening]:
        """Return how the incidents of *service* were opened, in the order of entering."""
        return self._openings.get(service, ())

    def events(self, reference: str) -> Sequence[Event]:
        """Return what was recorded of an incident, in that order; nothing where there is none."""
        if reference not in self._entries:
            return ()
        if reference not in self._events:
            opened = self._first[reference]
            others = self._entries[reference][1:]
            self._events[reference] = (
                opened,
                *[event_in(body, reference, by, place) for body, by, place in others],
            )
        return self._events[reference]

    def incident(self, reference: str, *, until: Second | None = None) -> Incident:
        """Return an incident, as it stood at *until* where that is given.

        Raise ValueError where there is none, or it was opened later.
        """
        if until is not None:
            return fold(self.events(reference), until=until)
        if reference not in self._folded:
            self._folded[reference] = fold(self.events(reference))
        return self._folded[reference]

    def incidents(self, service: str = "") -> Sequence[Incident]:
        """Return the incidents of *service*, or all, in the order in which they were entered."""
        return tuple(
            self.incident(reference)
            for reference in self._entries
            if not service or self._services[reference] == service
        )

    def unresolved(self) -> Sequence[Incident]:
        """Return the incidents that nobody has resolved; what is over is not looked at again."""
        found = [self.incident(reference) for reference in self._unresolved]
        found = [each for each in found if each.resolved is None]
        self._unresolved = dict.fromkeys(each.reference for each in found)
        return tuple(found)

    def has_terms(self, sha256: str) -> bool:
        """Return whether the terms of that digest are kept already."""
        return sha256 in self._texts

    def support(self, incident: Incident) -> SupportTerms:
        """Return the terms that *incident* is judged by. Raise ValueError where they are lost."""
        if incident.terms not in self._supports:
            text = self._texts.get(incident.terms)
            if text is None:
                raise ValueError(f"the terms that {incident.reference} is judged by are not kept")
            self._supports[incident.terms] = support_of(text)
        return self._supports[incident.terms]

    def desk(self, incident: Incident) -> Desk:
        """Return the desk for the clocks of *incident*: its pinned terms and plan.

        Holidays of a list that was not laid into the terms are working days to it.
        """
        key = incident.terms, incident.plan
        if key not in self._desks:
            support = self.support(incident)
            calendar = support.calendar
            if calendar.frozen is None:
                calendar = replace(calendar, holidays="")
            self._desks[key] = Desk(support, open_time(calendar, {}), plan=incident.plan)
        return self._desks[key]


class Recording:
    """What is about to be entered into a casebook: each event is decided after those before it."""

    def __init__(self, account: Account, book: Casebook, now: Instant) -> None:
        self.account = account
        self.book = book
        self.now = Second(now // SECOND)
        self.found: list[NewEntry] = []
        self.recorded: list[Event] = []
        self._tickets: dict[str, str] | None = None
        self._added: dict[str, list[Event]] = {}
        self._given: dict[int, str] = {}  # the last reference of each year

    def events(self, reference: str) -> Sequence[Event]:
        """Return what is recorded of an incident, and what is about to be."""
        return (*self.book.events(reference), *self._added.get(reference, ()))

    def incident(self, reference: str) -> Incident:
        """Return an incident with what is about to be recorded of it. ValueError without one."""
        if reference in self._added:
            return fold(self.events(reference))
        return self.book.incident(reference)

    def openings(self, service: str) -> Sequence[Opening]:
        """Return how the incidents of *service* were opened, those about to be included."""
        added = (self.events(reference)[0] for reference in self._added)
        return (
            *self.book.openings(service),
            *(
                Opening(event.incident, event.at, event.act.outage, event.act.ticket)
                for event in added
                if isinstance(event.act, Opened)
                and event.act.service == service
                and event.incident not in self.book
            ),
        )

    def ticket(self, ticket: str) -> str:
        """Return the reference of the incident with that number elsewhere; "" without one."""
        if self._tickets is None:
            found = self.book.incidents()
            self._tickets = {each.ticket: each.reference for each in found if each.ticket}
        return self._tickets.get(ticket, "")

    def support(self, incident: Incident) -> SupportTerms:
        """Return the terms that *incident* is judged by."""
        if incident.reference in self.book:
            return self.book.support(incident)
        return self.account.support

    def open(self, act: Opened, *, at: Second, by: str, id: str = "") -> Event | Refusal:
        """Open an incident at *at*, judged by the account's terms and plan of now."""
        text = support_text(self.account.support)
        act = replace(act, terms=digest(text), plan=self.account.plan)
        year = moment_of(Instant(at * SECOND)).astimezone(self.account.zone).year
        used = [self._given[year]] if year in self._given else self.book.references
        incident = next_reference(self.account.client, year, used)
        event = Event(id=id or f"{incident}/1", incident=incident, at=at, by=by, act=act)
        admitted = admit(event, (), self.account.support, now=self.now)
        if isinstance(admitted, Refusal):
            return admitted
        self._given[year] = incident
        self._keep_terms(act.terms, text)
        return self._keep(event, act.service)

    def add(
        self, reference: str, act: Act, *, at: Second, by: str, id: str = ""
    ) -> Event | Known | Refusal:
        """Add to an incident. An *id* tells the same event from another one that says the same."""
        events = self.events(reference)
        event = Event(
            id=id or f"{reference}/{len(events) + 1}", incident=reference, at=at, by=by, act=act
        )
        support = self.support(fold(events)) if events else self.account.support
        admitted = admit(event, events, support, now=self.now)
        if isinstance(admitted, Refusal | Known):
            return admitted
        opening = events[0].act
        return self._keep(event, opening.service if isinstance(opening, Opened) else "")

    def _keep_terms(self, sha256: str, text: str) -> None:
        if self.book.has_terms(sha256) or any(new.key == sha256 for new in self.found):
            return
        self.found.append(
            NewEntry(
                kind=EntryKind.TERMS, subject=sha256, by=MONITOR, body=text, key=sha256
            )
        )  # fmt: skip

    def _keep(self, event: Event, service: str) -> Event:
        self.found.append(entry_of(event, service))
        events = self._added.setdefault(event.incident, [])
        last = max((each.sequence for each in self.events(event.incident)), default=0)
        event = replace(event, sequence=last + 1)
        events.append(event)
        self.recorded.append(event)
        ticket = event.act.ticket if isinstance(event.act, Opened | Registered) else ""
        if ticket and self._tickets is not None:
            self._tickets[ticket] = event.incident
        return event
