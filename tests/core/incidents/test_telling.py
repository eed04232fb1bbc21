"""What a ticket system tells: recorded once, or refused with its line and a reason."""

import json
from collections.abc import Mapping

import pytest

from tests.core.incidents.books import Journal
from uptimed.core.incidents import Event, Known, Refusal
from uptimed.core.incidents.telling import Garbled, Told, record_told, told_in

STAGES = {"crm": "production"}
OPENED = {
    "id": "H-1/1", "ticket": "H-1", "kind": "opened", "at": "2026-10-09T16:45:00-05:00",
    "by": "eva", "service": "crm", "severity": "incident",
    "reported": "2026-10-09T16:40:00-05:00", "channel": "mail",
}  # fmt: skip
UPDATE = {
    "id": "H-1/2", "ticket": "H-1", "kind": "update", "at": "2026-10-09T17:00:00-05:00",
    "by": "eva", "words": "on it",
}  # fmt: skip


def take(journal: Journal, *lines: Mapping[str, object]) -> list[object]:
    """Record *lines*; return what became of each."""
    told = [told_in(json.dumps(line), n) for n, line in enumerate(lines, start=1)]
    assert all(isinstance(each, Told) for each in told), told
    return journal.record(
        lambda r: [record_told(r, each, STAGES) for each in told if isinstance(each, Told)]
    )


def test_a_ticket_becomes_an_incident_and_its_events_find_it() -> None:
    journal = Journal()
    take(journal, OPENED, UPDATE)

    (incident,) = journal.book.incidents()
    assert (incident.reference, incident.ticket) == ("ACME-2026-0001", "H-1")
    assert [str(e.act.kind) for e in incident.timeline] == ["opened", "update"]
    assert incident.reports[0].channel == "mail"
    assert incident.began == incident.opened - 300


def test_the_same_file_again_changes_nothing() -> None:
    journal = Journal()
    take(journal, OPENED, UPDATE)
    before = list(journal.entries)

    again = take(journal, OPENED, UPDATE)

    assert all(isinstance(each, Known) for each in again)
    assert journal.entries == before


def test_a_ticket_of_what_the_monitor_found_is_named_when_it_is_registered() -> None:
    journal = Journal()
    (opened,) = take(journal, {**OPENED, "ticket": ""})
    assert isinstance(opened, Event)
    registered = {**UPDATE, "kind": "registered", "incident": opened.incident, "ticket": "H-9"}
    del registered["words"]
    take(journal, registered)
    (told,) = take(journal, {**UPDATE, "id": "H-9/2", "ticket": "H-9"})

    assert isinstance(told, Event)
    assert told.incident == opened.incident


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param({**UPDATE, "ticket": "H-2"}, "no incident with the ticket H-2", id="ticket"),
        pytest.param({**OPENED, "id": "H-1/9"}, "is ACME-2026-0001 already", id="opened twice"),
        pytest.param(
            {**OPENED, "ticket": "H-3", "service": "x"}, "wanted one of crm", id="service"
        ),
        pytest.param({**UPDATE, "words": "other"}, "recorded already with other", id="other words"),
    ],
)
def test_what_does_not_fit_is_refused(line: Mapping[str, object], why: str) -> None:
    journal = Journal()
    take(journal, OPENED, UPDATE)

    (found,) = take(journal, line)

    assert isinstance(found, Refusal)
    assert why in found.reason


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("{", "no JSON", id="torn"),
        pytest.param("[]", "wanted a JSON object", id="list"),
        pytest.param(json.dumps({**UPDATE, "id": ""}), "id: found nothing", id="no id"),
        pytest.param(json.dumps({**UPDATE, "by": " "}), "by: found nothing", id="nobody"),
        pytest.param(json.dumps({**UPDATE, "by": "uptimed"}), "name the person", id="the monitor"),
        pytest.param(json.dumps({**UPDATE, "at": "2026-10-09T17:00"}), "at: found", id="no offset"),
        pytest.param(json.dumps({**UPDATE, "by": 7}), "by: found 7, wanted a text", id="number"),
        pytest.param(json.dumps({**UPDATE, "ticket": ""}), "wanted our reference", id="of nothing"),
        pytest.param(json.dumps({**UPDATE, "kind": "x"}), "kind: found 'x'", id="kind"),
        pytest.param(json.dumps({**OPENED, "terms": "ab"}), "leave it out", id="pinned terms"),
    ],
)
def test_a_line_that_tells_of_no_event_says_why(text: str, why: str) -> None:
    found = told_in(text, 7)

    assert isinstance(found, Garbled)
    assert found.line == 7
    assert why in found.reason
