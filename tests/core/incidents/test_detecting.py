"""From outages to incidents: what is missing is entered, and nothing twice."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.drawing import NOON, strip
from tests.core.incidents.books import DATACRM, Journal, kept
from uptimed.core.calendars import Second
from uptimed.core.incidents import (
    MONITOR,
    Closed,
    Reopened,
    Resolved,
    Restored,
    SeverityChanged,
    grouped,
)
from uptimed.core.incidents.casebook import Casebook, Recording
from uptimed.core.incidents.detecting import Watched, detect, group_of, unrecorded
from uptimed.core.observations import Instant
from uptimed.core.outages import outages

UP = "U" * 12


def watched(letters: str, *, stage: str = "production", down: str = "DL") -> Watched:
    """Return the outages of *letters*, the first of which is that of noon."""
    drawn = strip(letters)
    over = "." * len(letters)
    found = outages(drawn, over, down=down)
    return Watched(service="crm", stage=stage, groups=grouped(found, drawn, over))


def see(journal: Journal, seen: Watched) -> None:
    journal.record(lambda recording: detect(recording, [seen]))


def second(minute: int) -> Second:
    return Second((NOON + minute) * 60)


def test_a_confirmed_outage_opens_one_incident_dated_back_to_its_first_minute() -> None:
    journal = Journal()
    see(journal, watched("UUDD"))

    (incident,) = journal.book.incidents()
    assert (incident.reference, incident.service) == ("ACME-2026-0001", "crm")
    assert incident.opened == second(2)
    assert (incident.kind, incident.severity, incident.proposed) == (
        "system_down", "system_down", False,
    )  # fmt: skip
    assert incident.timeline[0].by == MONITOR


@pytest.mark.parametrize(
    "letters", [pytest.param("UUD", id="one"), pytest.param("UDUUUD", id="single ones far apart")]
)
def test_what_is_not_confirmed_opens_none(letters: str) -> None:
    seen = watched(letters)
    journal = Journal()
    see(journal, seen)

    assert journal.entries == []
    assert not unrecorded(journal.book, seen)


def test_asked_every_minute_it_enters_each_thing_once() -> None:
    journal = Journal()
    letters = f"{UP}DDD{UP}UU"
    for length in range(1, len(letters) + 1):
        see(journal, watched(letters[:length]))

    assert journal.kinds("ACME-2026-0001") == ["opened", "restored"]
    assert len(journal.book.references) == 1


def test_asked_late_it_enters_what_asking_every_minute_would_have() -> None:
    letters = f"{UP}LLD{UP}DD{UP}"
    every_minute, late = Journal(), Journal()
    for length in range(1, len(letters) + 1):
        see(every_minute, watched(letters[:length]))
    see(late, watched(letters))

    told = [
        [(i.reference, i.opened, i.restored, i.severity) for i in journal.book.incidents()]
        for journal in (every_minute, late)
    ]
    assert told[0] == told[1]


@pytest.mark.property
@given(st.text(alphabet="UUUDLGN", max_size=60), st.data())
def test_however_often_it_is_asked_there_is_one_incident_for_each_confirmed_group(
    letters: str, data: st.DataObject
) -> None:
    journal = Journal()
    for length in sorted(data.draw(st.sets(st.integers(1, max(1, len(letters))), max_size=5))):
        see(journal, watched(letters[:length]))
    whole = watched(letters)
    see(journal, whole)

    confirmed = [group for group in whole.groups if group.opened is not None]
    of_groups = [group_of(incident, whole.groups) for incident in journal.book.incidents()]
    assert not unrecorded(journal.book, whole)
    assert sorted(g.started_at for g in of_groups if g) == [g.started_at for g in confirmed]


def test_a_flap_is_the_same_incident_and_is_restored_once_it_is_over() -> None:
    journal = Journal()
    see(journal, watched("UUDDUUUUUDD"))
    see(journal, watched(f"UUDDUUUUUDD{UP}"))

    (incident,) = journal.book.incidents()
    assert incident.restored == second(11)


def test_an_outage_soon_afterwards_is_another_incident_that_came_again() -> None:
    journal = Journal()
    see(journal, watched(f"{UP}DD{UP}DD{UP}"))

    first, again = journal.book.incidents()
    assert (first.recurrence_of, again.recurrence_of) == ("", first.reference)


def test_a_closed_incident_is_left_alone() -> None:
    journal = Journal()
    see(journal, watched("UUDD"))
    reference = journal.book.references[0]
    journal.record(lambda r: kept(r.add(reference, Closed(), at=second(4), by="ana")))
    see(journal, watched(f"UUDD{UP}"))

    assert journal.kinds(reference) == ["opened", "closed"]


def severities(journal: Journal) -> list[tuple[str, bool]]:
    return [(i.severity, i.proposed) for i in journal.book.incidents()]


def test_a_graver_outage_raises_what_the_monitor_said_and_counts_from_its_start() -> None:
    support = DATACRM.support
    apart = tuple(
        replace(each, letters={"system_down": "D", "incident": "L"}.get(each.id, ""))
        for each in support.severities
    )
    journal = Journal(replace(DATACRM, support=replace(support, severities=apart)))
    see(journal, watched("UULL"))
    assert severities(journal) == [("incident", True)]
    see(journal, watched("UULLUDD"))

    (incident,) = journal.book.incidents()
    assert incident.severity == "system_down"
    assert incident.severities[-1].since == second(5)


def test_what_a_person_said_of_the_severity_stays() -> None:
    journal = Journal()
    see(journal, watched("UUDD"))
    reference = journal.book.references[0]
    lower = SeverityChanged(severity="development", reason="a workaround")
    journal.record(lambda r: kept(r.add(reference, lower, at=second(4), by="ana")))
    see(journal, watched("UUDDDD"))

    assert journal.book.incident(reference).severity == "development"


def test_a_function_that_fails_is_an_incident_of_its_own() -> None:
    journal = Journal()
    see(journal, watched("UUDD"))
    see(journal, watched("UUUUGG", down="G"))

    kinds = [(incident.kind, incident.severity) for incident in journal.book.incidents()]
    assert kinds == [("system_down", "system_down"), ("degraded", "incident")]


def test_a_first_minute_that_a_late_look_moved_is_still_the_same_incident() -> None:
    journal = Journal()
    see(journal, watched("UUUUDDD"))
    see(journal, watched("UUDDDDD"))

    assert len(journal.book.references) == 1


def test_recording_knows_what_it_is_about_to_open() -> None:
    recording = Recording(DATACRM, Casebook(), Instant(2_000_000_000_000_000))
    detect(recording, [watched("UUDD"), watched("UUDD")])

    assert len(recording.recorded) == 1


def test_an_end_that_a_person_told_first_and_took_back_is_not_asked_for_again() -> None:
    journal = Journal()
    see(journal, watched("UUDDUUUUU"))
    for minute, act in ((6, Restored()), (6, Resolved()), (8, Reopened(reason="they call"))):
        at = second(minute)
        journal.record(
            lambda r, a=act, at=at: kept(r.add("ACME-2026-0001", a, at=at, by="ana"))  # type: ignore[misc]
        )
    later = watched(f"UUDD{UP}")

    assert not unrecorded(journal.book, later)
    see(journal, later)
    assert journal.kinds("ACME-2026-0001") == ["opened", "restored", "resolved", "reopened"]
