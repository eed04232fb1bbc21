"""Incidents: what events amount to, which are refused, and which outages are one incident."""

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.cases import REFERENCE, at, events, story, support_of
from tests.core.drawing import NOON, strip
from uptimed.core.calendars import Pause, Second
from uptimed.core.incidents import (
    MONITOR,
    RECURRENCE_S,
    Acknowledged,
    Act,
    Admitted,
    Answered,
    CauseFound,
    Classification,
    Classified,
    Closed,
    Escalated,
    Event,
    Kind,
    Known,
    Noted,
    Opened,
    OutageGroup,
    Paused,
    Refusal,
    Registered,
    Reopened,
    Reported,
    Resolved,
    Responded,
    Restored,
    Resumed,
    SeverityChanged,
    Updated,
    admit,
    classification,
    fold,
    grouped,
    next_reference,
    recurrence,
    reference,
)
from uptimed.core.outages import outages
from uptimed.core.support import Fault, SupportTerms

NATIVE, SUITE, DATACRM = (support_of(name) for name in ("itil-native", "suitecrm", "datacrm"))
DAY = "2026-10-05"
LATE = at("2026-12-31 00:00")
OPENED = (f"{DAY} 10:00", Opened(service="crm", severity="incident"))


def clock(text: str) -> Second:
    return at(f"{DAY} {text}")


def tale(*told: tuple[str, Act]) -> list[Event]:
    """Return an incident opened at ten, and what happened later that day."""
    return events(OPENED, *((f"{DAY} {text}", act) for text, act in told))


def new(text: str, act: Act, *, by: str = "ana", id: str = "new") -> Event:
    return Event(id=id, incident=REFERENCE, at=clock(text), by=by, act=act)


def refused(event: Event, recorded: list[Event], support: SupportTerms = DATACRM) -> str:
    """Return why *event* is not recorded; "" where it is."""
    found = admit(event, recorded, support, now=LATE)
    return found.reason if isinstance(found, Refusal) else ""


# What events amount to.


def test_an_incident_is_what_its_events_amount_to() -> None:
    incident = fold(
        tale(
            ("10:01", Registered()),
            ("10:02", Acknowledged()),
            ("10:05", Responded()),
            ("11:00", Paused(reason="administrator")),
            ("11:30", Resumed()),
            ("12:00", Updated()),
            ("12:30", Escalated(level=1)),
            ("13:00", Restored()),
            ("14:00", Resolved()),
            ("14:30", CauseFound(cause="disk full", remedy="a bigger disk")),
            ("15:00", Closed()),
        )
    )

    assert incident.reference == REFERENCE
    assert incident.opened == incident.began == clock("10:00")
    assert incident.told == (clock("10:05"), clock("12:00"))
    assert [(p.reason, p.start, p.stop) for p in incident.pauses] == [
        ("administrator", clock("11:00"), clock("11:30"))
    ]
    assert incident.escalations == ((1, clock("12:30")),)
    assert (incident.restored, incident.resolved, incident.closed) == (
        clock("13:00"),
        clock("14:00"),
        clock("15:00"),
    )
    assert (incident.cause, incident.remedy) == ("disk full", "a bigger disk")
    assert incident.first[Kind.REGISTERED] == clock("10:01")
    assert incident.ignored == ()


@pytest.mark.parametrize(
    ("told", "state"),
    [
        pytest.param([], "open", id="opened"),
        pytest.param([("11:00", Paused(reason="x"))], "paused", id="paused"),
        pytest.param([("11:00", Paused(reason="x")), ("12:00", Resumed())], "open", id="resumed"),
        pytest.param([("11:00", Resolved())], "resolved", id="resolved"),
        pytest.param([("11:00", Resolved()), ("12:00", Reopened())], "open", id="reopened"),
        pytest.param([("11:00", Closed())], "closed", id="closed"),
        pytest.param(
            [("11:00", Paused(reason="x")), ("12:00", Resolved()), ("13:00", Reopened())],
            "open",
            id="resolution ends a pause",
        ),
    ],
)
def test_the_state_follows_from_the_events(told: list[tuple[str, Act]], state: str) -> None:
    assert fold(tale(*told)).state == state


def test_closing_resolves_what_was_open_and_reopening_opens_both() -> None:
    closed = fold(tale(("11:00", Closed())))
    again = fold(tale(("11:00", Closed()), ("12:00", Reopened())))

    assert (closed.resolved, closed.closed) == (clock("11:00"), clock("11:00"))
    assert (again.resolved, again.closed) == (None, None)
    assert again.rests == (Pause(clock("11:00"), clock("12:00")),)


def test_a_report_may_come_before_the_case_is_opened() -> None:
    incident = story(
        (f"{DAY} 10:20", Opened(service="crm", reported=clock("10:00"), channel="mail")),
        (f"{DAY} 10:05", Responded()),
    )

    assert incident.began == clock("10:00")
    assert incident.told == (clock("10:05"),)


def test_a_severity_that_is_proposed_is_no_classification() -> None:
    proposed = Opened(service="crm", severity="high", proposed=True)
    opened = events((f"{DAY} 10:00", proposed))
    confirmed = events((f"{DAY} 10:00", proposed), (f"{DAY} 11:00", Classified(severity="high")))

    assert fold(opened).proposed
    assert Kind.CLASSIFIED not in fold(opened).first
    assert not fold(confirmed).proposed
    assert fold(confirmed).first[Kind.CLASSIFIED] == clock("11:00")


def test_whose_fault_it_is_stays_when_the_severity_changes() -> None:
    incident = fold(
        tale(
            ("11:00", SeverityChanged(severity="incident", fault=Fault.CLIENT, reason="a proxy")),
            ("12:00", SeverityChanged(severity="system_down")),
        )
    )

    assert incident.fault is Fault.CLIENT
    assert incident.severity == "system_down"


def test_events_of_two_operators_at_once_are_both_kept_in_the_order_of_recording() -> None:
    told = tale(("11:00", Paused(reason="x")), ("11:00", Paused(reason="y")))
    incident = fold(told)

    assert [event.id for event in incident.timeline] == ["1", "2", "3"]
    assert [pause.reason for pause in incident.pauses] == ["x"]
    assert [(event.id, "paused since" in why) for event, why in incident.ignored] == [("3", True)]


def test_an_incident_that_nobody_opened_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="nobody opened"):
        fold([new("11:00", Updated())])


def test_an_incident_as_it_was_knows_nothing_of_what_came_later() -> None:
    told = tale(("11:00", Responded()), ("12:00", Resolved()))

    assert fold(told, until=clock("11:30")) == fold(told[:2])


ACTS = st.sampled_from(
    [
        Reported(),
        Registered(),
        Acknowledged(),
        Responded(),
        Updated(),
        Answered(),
        Paused(reason="administrator"),
        Resumed(),
        SeverityChanged(severity="development", reason="so it is"),
        SeverityChanged(severity="system_down", since=clock("09:00")),
        Escalated(level=1),
        Escalated(level=2),
        Restored(),
        Resolved(),
        Reopened(),
        Closed(),
        CauseFound(cause="a cause"),
        Noted(words="a note"),
    ]
)
TALES = st.lists(st.tuples(st.integers(0, 600), ACTS), max_size=12).map(
    lambda drawn: [
        *events(OPENED),
        *(
            Event(
                id=f"e{n}",
                incident=REFERENCE,
                at=Second(clock("10:00") + 60 * minutes),
                by="ana",
                act=act,
                sequence=n,
            )
            for n, (minutes, act) in enumerate(drawn, start=2)
        ),
    ]
)


@pytest.mark.property
@given(TALES, st.randoms(use_true_random=False))
def test_the_order_in_which_events_are_handed_over_does_not_matter(
    told: list[Event], chance: random.Random
) -> None:
    shuffled = chance.sample(told, len(told))

    assert fold(shuffled) == fold(told)


@pytest.mark.property
@given(TALES)
def test_folding_events_twice_changes_nothing(told: list[Event]) -> None:
    assert fold([*told, *told]) == fold(told)


@pytest.mark.property
@given(TALES)
def test_no_event_is_ever_lost(told: list[Event]) -> None:
    incident = fold(told)

    assert {event.id for event in incident.timeline} == {event.id for event in told}
    assert {event.id for event, _ in incident.ignored} <= {event.id for event in told}


@pytest.mark.property
@given(TALES)
def test_pauses_and_rests_never_overlap(told: list[Event]) -> None:
    incident = fold(told)
    spans = [(pause.start, pause.stop) for pause in incident.pauses]
    spans += [(rest.start, rest.stop) for rest in incident.rests]
    spans.sort(key=lambda each: (each[0], LATE if each[1] is None else each[1]))

    for (_, stop), (start, _) in pairwise(spans):
        assert stop is not None
        assert stop <= start


@pytest.mark.property
@given(TALES)
def test_what_was_admitted_one_after_the_other_is_never_ignored(told: list[Event]) -> None:
    recorded: list[Event] = []
    for event in told:
        found = admit(event, recorded, DATACRM, now=LATE)
        if isinstance(found, Admitted):
            recorded.append(found.event)

    assert fold(recorded).ignored == ()
    assert [event.sequence for event in recorded] == list(range(1, len(recorded) + 1))


# What is refused.


@pytest.mark.parametrize(
    ("event", "told", "reason"),
    [
        pytest.param(new("09:59", Updated()), [], "began at 2026-10-05 10:00:00Z: give an instant",
                     id="before its incident"),
        pytest.param(new("13:00", Updated()), [("12:00", Closed())], "reopen it first",
                     id="after its close"),
        pytest.param(new("11:00", Acknowledged(), by=""), [], "by nobody: name the person",
                     id="an acknowledgement by nobody"),
        pytest.param(new("11:00", Acknowledged(), by=" "), [], "by nobody: name the person",
                     id="an acknowledgement by blanks"),
        pytest.param(new("11:00", Acknowledged(), by=MONITOR), [], "by nobody: name the person",
                     id="an acknowledgement by the monitor"),
        pytest.param(new("11:00", Responded(), by=MONITOR), [], "by nobody: name the person",
                     id="a first response by the monitor"),
        pytest.param(new("11:00", Resolved(), by=""), [], "name who records it",
                     id="anything by nobody"),
        pytest.param(new("11:00", Paused(reason="lunch")), [], "name administrator",
                     id="pausing for an unlisted reason"),
        pytest.param(new("12:00", Paused(reason="administrator")),
                     [("11:00", Paused(reason="administrator"))], "resume it first",
                     id="pausing twice"),
        pytest.param(new("12:00", Paused(reason="administrator")), [("11:00", Resolved())],
                     "nothing runs that could pause", id="pausing what is resolved"),
        pytest.param(new("11:00", Resumed()), [], "there is nothing to resume",
                     id="resuming what is not paused"),
        pytest.param(new("11:00", SeverityChanged(severity="sev1")), [],
                     "name system_down, incident, development or improvement",
                     id="an unknown severity"),
        pytest.param(new("11:00", SeverityChanged(severity="improvement")),
                     [], "needs a reason: give one",
                     id="lowering without a reason"),
        pytest.param(new("11:00", SeverityChanged(severity="incident")), [], "nothing to change",
                     id="the severity that it has"),
        pytest.param(new("11:00", Classified(severity="incident")), [], "change the severity",
                     id="classifying twice"),
        pytest.param(
            new("11:00", SeverityChanged(severity="incident", fault=Fault.CLIENT)), [],
            "a person says, with a reason", id="a fault without a reason"),
        pytest.param(
            new("11:00", SeverityChanged(severity="system_down", since=clock("11:01"))), [],
            "outage's start before it", id="a raise that an outage to come justifies"),
        pytest.param(new("11:00", Reopened()), [], "it is open: record an update",
                     id="reopening what is open"),
        pytest.param(new("12:00", Resolved()), [("11:00", Resolved())], "close it, or reopen it",
                     id="resolving twice"),
        pytest.param(new("12:00", Restored()), [("11:00", Restored())], "reopen it if it came back",
                     id="restoring twice"),
        pytest.param(new("12:00", Responded()), [("11:00", Updated())], "record an update",
                     id="a first response after a message"),
        pytest.param(new("12:00", Escalated(level=1)), [("11:00", Escalated(level=2))],
                     "the next level is 3", id="a level that was reached"),
        pytest.param(new("12:00", Escalated(level=2)), [("11:00", Escalated(level=2))],
                     "the next level is 3", id="a level twice"),
        pytest.param(new("12:00", Escalated(level=1)), [("11:00", Resolved())], "reopen it first",
                     id="escalating what is resolved"),
        pytest.param(new("11:00", Opened(service="crm")), [], "opened at 2026-10-05 10:00:00Z",
                     id="opening twice"),
        pytest.param(new("11:00", Noted(words="")), [], "say something", id="a note of nothing"),
        pytest.param(new("11:00", CauseFound(cause="")), [], "say what it was",
                     id="a cause of nothing"),
        pytest.param(
            replace(new("11:00", Updated()), incident="ACME-2026-0002"), [], "record it there",
            id="of another incident"),
        pytest.param(
            replace(new("11:00", Updated()), at=Second(LATE + 1)), [], "still to come",
            id="in the future"),
    ],
)  # fmt: skip
def test_an_event_that_cannot_be_is_refused_with_what_to_do(
    event: Event, told: list[tuple[str, Act]], reason: str
) -> None:
    assert reason in refused(event, tale(*told))


@pytest.mark.parametrize(
    ("opened", "reason"),
    [
        pytest.param(Opened(service="crm", severity="sev1"), "no severity of the contract",
                     id="an unknown severity"),
        pytest.param(Opened(service="crm", reported=clock("10:01")), "open it when the report came",
                     id="a report after the opening"),
        pytest.param(Opened(service="crm", severity="severity_3", fault=Fault.CLIENT),
                     "with a reason", id="a fault without a reason"),
        pytest.param(Opened(service="crm", stage="demo", severity="severity_1"),
                     "is for production alone, this is demo: "
                     "name severity_2, severity_3 or severity_4", id="severity 1 of a demo"),
    ],
)  # fmt: skip
def test_an_opening_that_cannot_be_is_refused_with_what_to_do(opened: Opened, reason: str) -> None:
    assert reason in refused(new("10:00", opened), [], SUITE)


def test_a_severity_does_not_change_before_there_is_one() -> None:
    opening = admit(new("10:00", Opened(service="crm"), id="1"), [], DATACRM, now=LATE)
    assert isinstance(opening, Admitted)

    changed = new("10:30", SeverityChanged(severity="incident"))
    assert "classify it" in refused(changed, [opening.event])
    assert refused(new("10:30", Classified(severity="incident")), [opening.event]) == ""


def test_nothing_happens_to_an_incident_before_it_is_opened() -> None:
    assert f"there is no incident {REFERENCE}: open it" in refused(new("11:00", Updated()), [])


def test_a_contract_that_lists_no_pause_has_none() -> None:
    event = new("11:00", Paused(reason="administrator"))

    assert "the clocks run on" in refused(event, tale(), NATIVE)


@pytest.mark.parametrize("stage", ["laboratory", "test", "demo", "acceptance"])
def test_what_is_not_in_production_is_never_severity_1(stage: str) -> None:
    opened = events((f"{DAY} 10:00", Opened(service="crm", stage=stage, severity="severity_3")))

    raised = new("11:00", SeverityChanged(severity="severity_1"))
    assert "severity_1 is for production alone" in refused(raised, opened, SUITE)


@pytest.mark.parametrize("fault", [Fault.CLIENT, Fault.THIRD_PARTY])
@pytest.mark.parametrize("severity", ["severity_1", "severity_2"])
def test_what_is_not_the_vendors_fault_is_never_severity_1_or_2(
    fault: Fault, severity: str
) -> None:
    support = of_the_vendor_alone(SUITE, "severity_1", "severity_2")
    opened = events((f"{DAY} 10:00", Opened(service="crm", severity="severity_1")))

    kept = new("11:00", SeverityChanged(severity=severity, fault=fault, reason="their proxy"))
    assert "fault is never" in refused(kept, opened, support)
    assert "name severity_3 or severity_4" in refused(kept, opened, support)

    lowered = new("11:00", SeverityChanged(severity="severity_3", fault=fault, reason="a proxy"))
    admitted = admit(lowered, opened, support, now=LATE)
    assert isinstance(admitted, Admitted)
    raised = new("12:00", SeverityChanged(severity=severity), id="later")
    assert "fault is never" in refused(raised, [*opened, admitted.event], support)


def of_the_vendor_alone(support: SupportTerms, *severities: str) -> SupportTerms:
    return replace(
        support,
        severities=tuple(
            replace(each, faults=(Fault.VENDOR,)) if each.id in severities else each
            for each in support.severities
        ),
    )


# What is recorded.


def test_an_event_that_is_admitted_has_the_next_number() -> None:
    found = admit(new("11:00", Updated()), tale(("10:30", Responded())), DATACRM, now=LATE)

    assert isinstance(found, Admitted)
    assert found.event.sequence == 3
    assert found.incident.told == (clock("10:30"), clock("11:00"))


def test_the_same_event_twice_is_one() -> None:
    told = tale(("11:00", Updated(words="we look")))

    assert admit(replace(told[1], sequence=0), told, DATACRM, now=LATE) == Known(event=told[1])


def test_the_same_event_with_other_content_is_refused() -> None:
    told = tale(("11:00", Updated(words="we look")))
    other = replace(told[1], act=Updated(words="we looked"))

    assert "give what is new an id of its own" in refused(other, told)


def test_an_event_from_a_ticket_system_falls_into_its_place() -> None:
    told = tale(("12:00", Updated()), ("13:00", Closed()))

    found = admit(new("11:00", Responded(), id="import"), tale(("13:00", Closed())), DATACRM,
                  now=LATE)  # fmt: skip
    assert isinstance(found, Admitted)
    assert found.incident.told == (clock("11:00"),)
    assert "first answered" not in refused(new("11:30", Updated()), told)


def test_an_event_that_leaves_another_without_its_place_is_refused() -> None:
    told = tale(("11:00", Paused(reason="administrator")))

    early = new("10:30", Paused(reason="administrator"))
    assert "then the event paused of 2026-10-05 11:00:00Z would have no place" in refused(
        early, told
    )


def test_an_import_can_go_on_where_two_operators_acted_at_once() -> None:
    told = tale(
        ("11:00", Paused(reason="administrator")), ("11:00", Paused(reason="administrator"))
    )

    assert refused(new("12:00", Resumed()), told) == ""


def test_an_event_may_be_of_its_incidents_first_second_and_of_this_one() -> None:
    assert refused(new("10:00", Updated()), tale()) == ""
    found = admit(new("11:00", Updated()), tale(), DATACRM, now=clock("11:00"))
    assert isinstance(found, Admitted)


def test_what_was_reopened_is_restored_again() -> None:
    told = tale(("11:00", Restored()), ("12:00", Resolved()), ("13:00", Reopened()))

    assert fold(told).restored is None
    assert refused(new("14:00", Restored()), told) == ""


@pytest.mark.parametrize("act", [CauseFound(cause="disk full"), Noted(words="a letter went out")])
def test_a_cause_and_a_note_may_follow_the_close(act: Act) -> None:
    assert refused(new("13:00", act), tale(("12:00", Closed()))) == ""


# References.


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        pytest.param([], "ACME-2026-0001", id="the first"),
        pytest.param(["ACME-2026-0006"], "ACME-2026-0007", id="the next"),
        pytest.param(["ACME-2026-0002", "ACME-2026-0001"], "ACME-2026-0003", id="in any order"),
        pytest.param(["ACME-2025-0009", "ACME2-2026-0009"], "ACME-2026-0001", id="of others"),
        pytest.param(["ACME-2026-2026-0009"], "ACME-2026-0001", id="of a client that looks alike"),
        pytest.param(["ACME-2026-9999"], "ACME-2026-10000", id="after ten thousand"),
        pytest.param(["ACME-2026-0004"], "ACME-2026-0005", id="no number is filled in"),
    ],
)
def test_a_reference_is_the_next_after_every_one_that_was_used(
    used: list[str], expected: str
) -> None:
    assert next_reference("acme", 2026, used) == expected


@pytest.mark.property
@given(
    st.lists(
        st.tuples(st.sampled_from(["acme", "acme-2026", "a.b"]), st.integers(2025, 2027)),
        max_size=30,
    )
)
def test_no_reference_is_made_twice(asked: list[tuple[str, int]]) -> None:
    used: list[str] = []
    for client, year in asked:
        used.append(next_reference(client, year, used))

    assert len(set(used)) == len(used)


def test_a_reference_can_be_quoted() -> None:
    assert reference("acme", 2026, 7) == "ACME-2026-0007"


# Classification.


@pytest.mark.parametrize(
    ("preset", "kind", "stage", "expected"),
    [
        pytest.param("datacrm", "system_down", "production", ("system_down", False),
                     id="DataCRM down"),
        pytest.param("datacrm", "login_failure", "production", ("system_down", False),
                     id="DataCRM urgent"),
        pytest.param("datacrm", "degraded", "production", ("incident", True),
                     id="DataCRM degraded"),
        pytest.param("saleslayer", "system_down", "production", ("critical", False),
                     id="Sales Layer down"),
        pytest.param("saleslayer", "degraded", "production", ("major", True),
                     id="Sales Layer degraded"),
        pytest.param("suitecrm", "system_down", "production", ("severity_1", True),
                     id="SuiteCRM down is only proposed"),
        pytest.param("suitecrm", "system_down", "demo", ("severity_2", True),
                     id="a SuiteCRM demo down"),
        pytest.param("suitecrm", "login_failure", "acceptance", ("severity_2", True),
                     id="a SuiteCRM not accepted"),
        pytest.param("suitecrm", "degraded", "production", ("severity_2", True),
                     id="SuiteCRM degraded"),
        pytest.param("yucrm", "login_failure", "production", ("high", False), id="YUcrm urgent"),
        pytest.param("yucrm", "degraded", "production", ("high", False), id="YUcrm degraded"),
        pytest.param("itil-native", "system_down", "production", ("critical", False),
                     id="native down"),
        pytest.param("itil-native", "degraded", "production", ("high", True), id="native degraded"),
    ],
)  # fmt: skip
def test_an_outage_has_the_severity_that_the_contract_gives_its_letter(
    preset: str, kind: str, stage: str, expected: tuple[str, bool]
) -> None:
    severity, proposed = expected

    assert classification(kind, support_of(preset), stage=stage) == Classification(
        severity=severity, proposed=proposed
    )


def test_the_next_severity_that_a_stage_allows_is_only_proposed() -> None:
    high, ordinary = support_of("yucrm").severities
    support = replace(DATACRM, severities=(replace(high, stages=("production",)), ordinary))

    assert classification("system_down", support, stage="demo") == Classification(
        severity="ordinary", proposed=True
    )


def test_an_outage_that_no_severity_speaks_of_is_left_to_a_person() -> None:
    mute = replace(DATACRM, severities=(replace(DATACRM.severities[0], letters=""),))

    assert classification("system_down", mute, stage="production") is None


# Which outages are one incident.


def groups(letters: str, overlay: str = "") -> list[str]:
    """Return each incident as `first-end opened/confirmed`, `+` where it may still go on."""
    return [_words(group) for group in grouped_of(letters, overlay)]


def grouped_of(letters: str, overlay: str = "") -> tuple[OutageGroup, ...]:
    over = overlay or "." * len(letters)
    return grouped(outages(strip(letters), over, down="DL"), strip(letters), over)


def _words(group: OutageGroup) -> str:
    stop = group.outages[-1].stop
    words = f"{group.outages[0].start - NOON}-{'' if stop is None else stop - NOON}"
    if group.opened is not None and group.confirmed is not None:
        words += f" {group.opened - NOON}/{group.confirmed - NOON}"
    return words if group.over else f"{words}+"


UP9, UP10 = "U" * 9, "U" * 10


@pytest.mark.parametrize(
    ("letters", "overlay", "expected"),
    [
        pytest.param("UUUU", "", [], id="never down"),
        pytest.param("UDDU", "", ["1-3 1/2+"], id="two down minutes open it"),
        pytest.param("UDUDU", "", ["1-4 1/3+"], id="two of three do"),
        pytest.param("UDNDU", "", ["1-4 1/3+"], id="with one between them that was not measured"),
        pytest.param("UDUUDU", "", ["1-5+"], id="two of four do not"),
        pytest.param("UDU", "", ["1-2+"], id="a single down minute opens none"),
        pytest.param("UDUUDDU", "", ["1-6 4/5+"], id="dated back to the first of the two"),
        pytest.param("UDD", "", ["1- 1/2+"], id="it lasts"),
        pytest.param("DD" + UP9 + "DDU", "", ["0-13 0/1+"], id="nine up minutes part nothing"),
        pytest.param("DD" + UP10 + "DDU", "", ["0-2 0/1", "12-14 12/13+"], id="ten do"),
        pytest.param("DD" + UP9 + "NNDDU", "", ["0-15 0/1+"], id="what was not measured is not up"),
        pytest.param("DD" + UP10 + "DDU", ".......M.......", ["0-14 0/1+"],
                     id="what is under maintenance is not up"),
        pytest.param("DD" + UP10, "", ["0-2 0/1"], id="ten up minutes end it"),
        pytest.param("DD" + UP9, "", ["0-2 0/1+"], id="nine do not"),
        pytest.param("DDUDUUUDDU", "", ["0-9 0/1+"], id="flaps are one"),
    ],
)  # fmt: skip
def test_outages_less_than_ten_up_minutes_apart_are_one_incident(
    letters: str, overlay: str, expected: list[str]
) -> None:
    assert groups(letters, overlay) == expected


def test_an_incident_has_the_gravest_class_of_its_outages() -> None:
    (group,) = grouped_of("LLUUDDU")

    assert group.kind == "system_down"
    assert group.since("system_down") == (NOON + 4) * 60
    assert group.since("login_failure") == NOON * 60
    assert group.since("degraded") is None


def test_an_incident_knows_its_minutes_without_a_measurement() -> None:
    (group,) = grouped_of("NDNNDUNDUN")

    spans = [range(NOON + 2, NOON + 4), range(NOON + 6, NOON + 7)]
    assert group.unmeasured == tuple(spans)
    assert group.gaps() == tuple(
        Pause(Second(span.start * 60), Second(span.stop * 60)) for span in spans
    )


@pytest.mark.property
@given(st.text("UUUUUUUDLN", max_size=120))
def test_every_outage_is_of_one_incident(letters: str) -> None:
    found = outages(strip(letters), "." * len(letters), down="DL")

    of_incidents = [outage for group in grouped_of(letters) for outage in group.outages]
    assert of_incidents == list(found)


# What came again.


PAST = story(
    ("2026-09-01 10:00", Opened(service="crm", outage="system_down")),
    ("2026-09-01 12:00", Resolved()),
)


@pytest.mark.parametrize(
    ("service", "kind", "opened", "again"),
    [
        pytest.param("crm", "system_down", PAST.opened + 86_400, True, id="the next day"),
        pytest.param("crm", "system_down", PAST.opened + 7200 + RECURRENCE_S, True,
                     id="thirty days after it was over"),
        pytest.param("crm", "system_down", PAST.opened + 7201 + RECURRENCE_S, False, id="later"),
        pytest.param("crm", "login_failure", PAST.opened + 86_400, False, id="of another class"),
        pytest.param("pim", "system_down", PAST.opened + 86_400, False, id="of another service"),
        pytest.param("crm", "system_down", PAST.opened - 1, False, id="earlier"),
        pytest.param("crm", "system_down", PAST.opened, False, id="itself"),
    ],
)  # fmt: skip
def test_the_same_class_again_within_thirty_days_is_linked(
    service: str, kind: str, opened: int, *, again: bool
) -> None:
    found = recurrence(service, kind, Second(opened), [PAST])

    assert found == (PAST.reference if again else "")


def test_what_has_no_class_is_not_linked_by_itself() -> None:
    past = story(("2026-09-01 10:00", Opened(service="crm")))

    assert recurrence("crm", "", at("2026-09-02 10:00"), [past]) == ""


def test_the_latest_of_several_is_linked() -> None:
    later = replace(PAST, reference="ACME-2026-0002", opened=Second(PAST.opened + 3600))

    found = recurrence("crm", "system_down", at("2026-09-10 10:00"), [later, PAST])
    assert found == "ACME-2026-0002"
