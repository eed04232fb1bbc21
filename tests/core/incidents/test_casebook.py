"""The casebook: references, pinned terms, and events decided one after the other."""

from dataclasses import replace

from tests.core.cases import at, one, support_of
from tests.core.incidents.books import DATACRM, Journal, kept
from uptimed.core.calendars import Second
from uptimed.core.clocks import readings
from uptimed.core.entries import EntryKind, entry_faults
from uptimed.core.incidents import Known, Opened, Refusal, Resolved, Responded, Updated
from uptimed.core.incidents.casebook import Casebook
from uptimed.core.support import ClockKind

NOON = at("2026-10-05 12:00")
LATER = at("2026-10-05 13:00")
OPENING = Opened(service="crm", severity="incident")


def opened(journal: Journal, act: Opened = OPENING, when: Second = NOON) -> str:
    return journal.record(lambda r: kept(r.open(act, at=when, by="ana"))).incident


def test_references_follow_each_other_and_begin_anew_with_the_year_of_the_contracts_zone() -> None:
    journal = Journal()

    assert opened(journal) == "ACME-2026-0001"
    assert opened(journal) == "ACME-2026-0002"
    assert opened(journal, when=at("2026-01-01 04:59")) == "ACME-2025-0001"  # Bogota is at UTC-5
    assert opened(journal, when=at("2026-01-01 05:00")) == "ACME-2026-0003"


def test_two_that_are_opened_at_once_have_references_of_their_own() -> None:
    journal = Journal()
    found = journal.record(
        lambda r: [kept(r.open(OPENING, at=NOON, by=name)).incident for name in ("ana", "eva")]
    )

    assert found == ["ACME-2026-0001", "ACME-2026-0002"]


def test_terms_are_kept_once_for_all_incidents_that_are_judged_by_them() -> None:
    journal = Journal()
    for _ in range(3):
        opened(journal)

    assert [e.kind for e in journal.entries].count(EntryKind.TERMS) == 1
    assert entry_faults(journal.entries) == ()


def test_an_edited_contract_judges_what_is_opened_afterwards_and_nothing_before() -> None:
    journal = Journal()
    before = opened(journal)
    support = support_of("datacrm")
    gone = replace(support, severities=support.severities[:1])
    journal.account = replace(DATACRM, support=replace(gone, pauses=()))
    after = opened(journal, Opened(service="crm", severity="system_down"))
    book = journal.book

    assert book.support(book.incident(before)) == support
    assert book.support(book.incident(after)).severities == support.severities[:1]
    found = readings(book.incident(before), book.desk(book.incident(before)), now=LATER)
    assert one(found, ClockKind.RESOLUTION).terms.target is not None


def test_an_event_of_an_open_incident_is_admitted_by_the_terms_of_its_opening() -> None:
    journal = Journal()
    reference = opened(journal)
    journal.account = replace(DATACRM, support=replace(DATACRM.support, severities=()))

    told = journal.record(lambda r: r.add(reference, Updated(), at=LATER, by="ana"))

    assert kept(told).incident == reference


def test_events_are_decided_after_those_that_are_about_to_be_recorded() -> None:
    journal = Journal()
    reference = opened(journal)

    first, second = journal.record(
        lambda r: [r.add(reference, Resolved(), at=LATER, by=name) for name in ("ana", "eva")]
    )

    assert not isinstance(first, Refusal)
    assert isinstance(second, Refusal)
    assert "resolved at" in second.reason
    assert journal.kinds(reference) == ["opened", "resolved"]


def test_the_same_id_with_the_same_content_is_known_and_with_another_is_refused() -> None:
    journal = Journal()
    reference = opened(journal)
    journal.record(lambda r: kept(r.add(reference, Responded(), at=LATER, by="ana", id="T-1")))

    same = journal.record(lambda r: r.add(reference, Responded(), at=LATER, by="ana", id="T-1"))
    other = journal.record(lambda r: r.add(reference, Updated(), at=LATER, by="ana", id="T-1"))

    assert isinstance(same, Known)
    assert isinstance(other, Refusal)
    assert journal.kinds(reference) == ["opened", "first_response"]


def test_a_casebook_that_grows_is_the_one_that_was_read_at_once() -> None:
    journal = Journal()
    reference = opened(journal)
    growing = Casebook(journal.entries)
    assert growing.incident(reference).resolved is None
    journal.record(lambda r: kept(r.add(reference, Resolved(), at=LATER, by="ana")))
    growing.take(journal.entries[growing.last :])

    assert growing.incident(reference) == journal.book.incident(reference)
    assert growing.last == journal.book.last == len(journal.entries)


def test_an_incident_can_be_asked_for_as_it_stood() -> None:
    journal = Journal()
    reference = opened(journal)
    journal.record(lambda r: kept(r.add(reference, Resolved(), at=LATER, by="ana")))

    assert journal.book.incident(reference, until=NOON).resolved is None
    assert journal.book.incident(reference).resolved == LATER


def test_an_opening_that_the_contract_does_not_allow_is_refused_and_uses_no_reference() -> None:
    journal = Journal()
    act = Opened(service="crm", severity="sev1")

    refused = journal.record(lambda r: r.open(act, at=NOON, by="ana"))

    assert isinstance(refused, Refusal)
    assert "no severity of the contract" in refused.reason
    assert journal.entries == []
    assert opened(journal) == "ACME-2026-0001"
