"""Support clocks: the vectors and the presets' facts, and what becomes of every kind of clock."""

from dataclasses import replace
from datetime import UTC, date, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.cases import (
    BOGOTA,
    HOLIDAYS,
    LONDON,
    MADRID,
    MOSCOW,
    at,
    desk_of,
    events,
    read,
    span,
    story,
    support_of,
    with_clocks,
)
from tests.core.drawing import NOON, minute
from uptimed.core.calendars import OpenTime, Second
from uptimed.core.clocks import ClockVerdict, Desk, Reading, Silence, Threshold, Why, readings
from uptimed.core.holidays import HolidayChanges, changes, support_hours
from uptimed.core.incidents import (
    Acknowledged,
    Act,
    Answered,
    Classified,
    Closed,
    Escalated,
    Event,
    Incident,
    Opened,
    OutageGroup,
    Paused,
    Registered,
    Reopened,
    Reported,
    Resolved,
    Responded,
    Restored,
    Resumed,
    SeverityChanged,
    Updated,
    fold,
    grouped,
)
from uptimed.core.minutes import Minute
from uptimed.core.outages import outages
from uptimed.core.strip import Strip
from uptimed.core.support import (
    ClockKind,
    ClockTerms,
    Fault,
    Judged,
    PauseTerms,
    Start,
)
from uptimed.core.terms import WeekHours

MET, MISSED, RUNNING, PAUSED, UNDETERMINED, NOT_JUDGED = ClockVerdict
FIRST_RESPONSE, RESTORE, RESOLUTION, UPDATE, ESCALATION = (
    ClockKind.FIRST_RESPONSE,
    ClockKind.RESTORE,
    ClockKind.RESOLUTION,
    ClockKind.UPDATE,
    ClockKind.ESCALATION,
)
HOUR, DAYS = 3600, 86_400
FAR = at("2030-01-01 00:00")

Told = tuple[str, Act]


def opened(severity: str = "", *, proposed: bool = False, stage: str = "production") -> Opened:
    return Opened(service="crm", severity=severity, proposed=proposed, stage=stage)


def with_one(
    preset: str, severity: str, clock: ClockKind, target: str, *, repeats: bool = False
) -> Desk:
    """Return a desk of *preset* in which *severity* has one clock, in support hours."""
    terms = ClockTerms(clock=clock, target=span(target), repeats=repeats)
    return desk_of(with_clocks(preset, severity, terms))


CO_1H = with_one("datacrm", "incident", FIRST_RESPONSE, "1h")
NATIVE = desk_of("itil-native")


# The vectors.


@pytest.mark.parametrize(
    ("preset", "severity", "clock", "target", "zone", "start", "due"),
    [
        pytest.param("datacrm", "development", ClockKind.REGISTRATION, "", BOGOTA,
                     "2026-07-10 16:30", "2026-07-14 11:30", id="over a holiday in Colombia"),
        pytest.param("datacrm", "incident", FIRST_RESPONSE, "1h", BOGOTA,
                     "2026-07-15 12:30", "2026-07-15 15:00", id="from the lunch break on"),
        pytest.param("datacrm", "incident", FIRST_RESPONSE, "1h", BOGOTA,
                     "2026-07-15 11:00", "2026-07-15 12:00", id="up to the lunch break"),
        pytest.param("datacrm", "incident", RESOLUTION, "2bd", BOGOTA,
                     "2026-07-10 16:30", "2026-07-15 16:30", id="two business days"),
        pytest.param("saleslayer", "major", RESOLUTION, "8h", MADRID,
                     "2026-03-27 17:00", "2026-03-30 15:00", id="over a clock change"),
        pytest.param("yucrm", "ordinary", RESOLUTION, "4h", MOSCOW,
                     "2026-12-30 17:00", "2027-01-11 12:00", id="over the Russian new year"),
    ],
)  # fmt: skip
def test_a_target_is_due_in_the_contracts_calendar(
    preset: str,
    severity: str,
    clock: ClockKind,
    target: str,
    zone: tzinfo,
    start: str,
    due: str,
) -> None:
    desk = with_one(preset, severity, clock, target) if target else desk_of(preset)
    reading = read(story((start, opened(severity)), zone=zone), desk, clock, at(start, zone))

    assert reading.due == at(due, zone)
    assert reading.verdict is RUNNING


def test_a_clock_that_always_runs_counts_real_hours_over_a_clock_change() -> None:
    terms = ClockTerms(clock=RESOLUTION, target=span("24h"), calendar="24x7")
    desk = desk_of(with_clocks("saleslayer", "minor", terms))
    start = "2026-03-28 12:00"
    reading = read(story((start, opened("minor")), zone=MADRID), desk, RESOLUTION, FAR)

    assert reading.due == at("2026-03-29 13:00", MADRID)


def test_an_answer_in_the_lunch_break_after_the_due_time_is_in_time() -> None:
    incident = story(
        ("2026-07-15 11:00", opened("incident")), ("2026-07-15 13:30", Responded()), zone=BOGOTA
    )
    reading = read(incident, CO_1H, FIRST_RESPONSE, FAR)

    assert reading.due == at("2026-07-15 12:00", BOGOTA)
    assert reading.verdict is MET
    assert reading.decided_at == at("2026-07-15 13:30", BOGOTA)
    assert (reading.elapsed, reading.remaining) == (HOUR, 0)


def test_after_the_lunch_break_it_is_missed_by_the_first_second() -> None:
    incident = story(("2026-07-15 11:00", opened("incident")), zone=BOGOTA)

    at_two = at("2026-07-15 14:00", BOGOTA)
    assert read(incident, CO_1H, FIRST_RESPONSE, at_two).verdict is RUNNING
    late = read(incident, CO_1H, FIRST_RESPONSE, Second(at_two + 1))
    assert late.verdict is MISSED
    assert late.decided_at == at_two + 1
    assert late.remaining == -1


def test_a_pause_for_a_listed_reason_moves_the_due_time() -> None:
    terms = ClockTerms(clock=RESOLUTION, target=span("8h"))
    support = replace(
        with_clocks("saleslayer", "major", terms), pauses=(PauseTerms(id="information"),)
    )
    told: list[Told] = [
        ("2026-07-14 09:00", opened("major")),
        ("2026-07-14 11:00", Paused(reason="information")),
        ("2026-07-15 10:30", Resumed()),
    ]
    reading = read(story(*told, zone=MADRID), desk_of(support), RESOLUTION, FAR)

    assert reading.due == at("2026-07-15 16:30", MADRID)


def test_updates_that_never_come_are_due_from_missed_due_time_to_missed_due_time() -> None:
    desk = with_one("datacrm", "incident", UPDATE, "2h", repeats=True)
    incident = story(("2026-07-15 11:15", opened("incident")), zone=BOGOTA)

    now, found = at("2026-07-15 11:15", BOGOTA), []
    for _ in range(4):
        due = read(incident, desk, UPDATE, now).due
        assert due is not None
        found.append(due)
        now = desk.hours(ClockTerms(clock=UPDATE)).due(due, 1) or FAR

    wanted = ["2026-07-15 15:15", "2026-07-16 08:15", "2026-07-16 10:15", "2026-07-16 14:15"]
    assert found == [at(text, BOGOTA) for text in wanted]


# What the presets say: due times of an incident that was opened on Wednesday at ten, local time.


@pytest.mark.parametrize(
    ("preset", "plan", "severity", "zone", "expected"),
    [
        pytest.param("datacrm", "", "system_down", BOGOTA,
                     {"registration": "", "restore": "11:30"}, id="DataCRM system down"),
        pytest.param("datacrm", "", "incident", BOGOTA,
                     {"registration": "16:00", "resolution": "Thu 10:00"}, id="DataCRM incident"),
        pytest.param("datacrm", "", "development", BOGOTA,
                     {"registration": "16:00", "classification": "Mon 15:00",
                      "answer": "Mon 10:00"}, id="DataCRM case for development"),
        pytest.param("datacrm", "", "improvement", BOGOTA,
                     {"registration": "16:00", "classification": "Mon 15:00", "resolution": ""},
                     id="DataCRM improvement"),
        pytest.param("saleslayer", "enterprise", "critical", MADRID, {"first_response": "12:00"},
                     id="Sales Layer Enterprise"),
        pytest.param("saleslayer", "premium", "critical", MADRID,
                     {"first_response": "Thu 12:00"}, id="Sales Layer Premium"),
        pytest.param("saleslayer", "starter", "minor", MADRID, {"first_response": "Thu 10:00"},
                     id="Sales Layer Starter"),
        pytest.param("saleslayer", "partner", "minor", MADRID, {"first_response": ""},
                     id="Sales Layer partner accounts"),
        pytest.param("suitecrm", "", "severity_1", LONDON, {"first_response": ""},
                     id="SuiteCRM severity 1"),
        pytest.param("suitecrm", "", "severity_4", LONDON, {"first_response": ""},
                     id="SuiteCRM severity 4"),
        pytest.param("yucrm", "", "high", MOSCOW,
                     {"first_response": "", "restore": "", "resolution": ""}, id="YUcrm high"),
        pytest.param("yucrm", "", "ordinary", MOSCOW, {"first_response": "", "resolution": ""},
                     id="YUcrm ordinary"),
        pytest.param("itil-native", "", "critical", UTC,
                     {"first_response": "10:30", "update": "12:00", "escalation": "14:00"},
                     id="native critical"),
        pytest.param("itil-native", "", "high", UTC,
                     {"first_response": "12:00", "update": "14:00", "escalation": "18:00"},
                     id="native high"),
        pytest.param("itil-native", "", "normal", UTC,
                     {"first_response": "14:00", "update": "Thu 10:00", "escalation": "Fri 10:00"},
                     id="native normal"),
    ],
)  # fmt: skip
def test_the_presets_have_the_clocks_of_their_documents(
    preset: str, plan: str, severity: str, zone: tzinfo, expected: dict[str, str]
) -> None:
    start = "2026-07-15 10:00"
    desk = desk_of(preset, plan)
    reported = replace(opened(severity), reported=at(start, zone))
    found = readings(story((start, reported), zone=zone), desk, now=at(start, zone))

    assert {str(each.clock): each.due for each in found} == {
        clock: None if due == "" else at(_dated(due), zone) for clock, due in expected.items()
    }


def _dated(due: str) -> str:
    days = {"Thu": 16, "Fri": 17, "Mon": 20}
    day, _, time = due.rpartition(" ")
    return f"2026-07-{days.get(day, 15)} {time}"


@pytest.mark.parametrize(
    ("preset", "plan", "severity", "why"),
    [
        pytest.param("suitecrm", "", "severity_1", Why.AGREED, id="agreed"),
        pytest.param("yucrm", "", "high", Why.TRACKED, id="tracked"),
        pytest.param("saleslayer", "enterprise", "critical", Why.SHARE, id="a general time"),
        pytest.param("saleslayer", "starter", "critical", Why.MEAN, id="an average"),
        pytest.param("saleslayer", "partner", "critical", Why.TRACKED, id="no figure"),
    ],
)
def test_a_clock_without_a_promise_is_shown_and_never_judged(
    preset: str, plan: str, severity: str, why: Why
) -> None:
    reported = replace(opened(severity), reported=at("2026-07-15 10:00"))
    told: list[Told] = [("2026-07-15 10:00", reported), ("2026-07-15 10:30", Responded())]
    desk = desk_of(preset, plan)

    for incident in (story(*told), story(told[0])):
        reading = read(incident, desk, FIRST_RESPONSE, FAR)
        assert reading.verdict is NOT_JUDGED
        assert reading.why is why
        assert reading.elapsed > 0


def test_an_agreed_target_counts_once_the_account_has_it() -> None:
    desk = with_one("suitecrm", "severity_3", FIRST_RESPONSE, "4h")
    told: list[Told] = [
        ("2026-07-15 10:00", opened("severity_3")),
        ("2026-07-15 13:00", Responded()),
    ]

    assert read(story(*told, zone=LONDON), desk, FIRST_RESPONSE, FAR).verdict is MET


def test_a_plan_that_the_contract_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="there are: enterprise, premium, starter, partner"):
        desk_of("saleslayer", "gold")


def test_a_clock_of_a_channel_runs_for_what_came_in_that_way_alone() -> None:
    desk = desk_of("saleslayer", "enterprise")

    def targets(channel: str) -> list[int | None]:
        act = Opened(
            service="pim", severity="major", reported=at("2026-07-15 10:00"), channel=channel
        )
        found = readings(story(("2026-07-15 10:00", act)), desk, now=FAR)
        return [each.target for each in found]

    assert targets("chat") == [2 * HOUR, 300]
    assert targets("mail") == [2 * HOUR]


@pytest.mark.parametrize("channel", ["ticket", "mail"])
def test_a_clock_may_be_of_either_of_two_channels(channel: str) -> None:
    act = Opened(service="pim", severity="major", reported=at("2026-07-15 10:00"), channel=channel)
    found = readings(story(("2026-07-15 10:00", act)), desk_of("saleslayer", "premium"), now=FAR)

    assert [each.target for each in found] == [12 * HOUR, 4 * HOUR]


# Where a clock begins and what ends it.


def test_what_the_client_reported_counts_from_the_report() -> None:
    act = Opened(service="crm", severity="critical", reported=at("2026-07-15 09:50"))

    assert read(story(("2026-07-15 10:00", act)), NATIVE, FIRST_RESPONSE, FAR).due == at(
        "2026-07-15 10:20"
    )


def test_what_the_monitor_found_counts_from_the_opening_even_when_the_client_reports_it() -> None:
    told: list[Told] = [("2026-07-15 10:00", opened("critical")), ("2026-07-15 10:20", Reported())]

    assert read(story(*told), NATIVE, FIRST_RESPONSE, FAR).due == at("2026-07-15 10:30")


def test_a_clock_that_counts_from_a_report_alone_does_not_run_without_one() -> None:
    terms = ClockTerms(clock=FIRST_RESPONSE, target=span("2h"), starts=Start.REPORT)
    desk = desk_of(with_clocks("saleslayer", "critical", terms))
    found: Told = ("2026-07-15 10:00", opened("critical"))
    reported: Told = ("2026-07-15 10:20", Reported(channel="chat"))

    assert readings(story(found, zone=MADRID), desk, now=FAR) == ()
    assert read(story(found, reported, zone=MADRID), desk, FIRST_RESPONSE, FAR).due == at(
        "2026-07-15 12:20", MADRID
    )


def test_a_request_through_an_unofficial_channel_starts_no_clock() -> None:
    desk = desk_of("yucrm")
    by_phone = Opened(
        service="crm", severity="high", reported=at("2026-07-15 10:00"), channel="telephone"
    )
    by_mail: Told = ("2026-07-15 11:00", Reported(channel="mail"))

    assert readings(story(("2026-07-15 10:00", by_phone)), desk, now=FAR) == ()
    started = {
        each.started
        for each in readings(story(("2026-07-15 10:00", by_phone), by_mail), desk, now=FAR)
    }
    assert started == {at("2026-07-15 11:00")}


def test_a_channel_that_the_contract_does_not_name_starts_no_clock_where_it_names_some() -> None:
    desk = desk_of("yucrm")

    assert [desk.official(each) for each in ("mail", "telegram", "", "pigeon", "skype")] == [
        True, True, True, False, False,
    ]  # fmt: skip
    assert NATIVE.official("pigeon")


def test_any_message_by_a_person_is_the_first_response() -> None:
    told: list[Told] = [("2026-07-15 10:00", opened("critical")), ("2026-07-15 10:30", Updated())]

    assert read(story(*told), NATIVE, FIRST_RESPONSE, FAR).verdict is MET


def test_an_acknowledgement_is_no_first_response() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("critical")),
        ("2026-07-15 10:10", Acknowledged()),
    ]

    assert read(story(*told), NATIVE, FIRST_RESPONSE, FAR).verdict is MISSED


def test_a_response_of_several_acts_ends_with_the_last_of_them() -> None:
    terms = ClockTerms(
        clock=FIRST_RESPONSE, target=span("4h"), ends=("opened", "classified", "first_response")
    )
    desk = desk_of(with_clocks("suitecrm", "severity_2", terms))
    told: list[Told] = [
        ("2026-07-15 10:00", opened("severity_2", proposed=True)),
        ("2026-07-15 11:00", Responded()),
        ("2026-07-15 12:00", Classified(severity="severity_2")),
    ]
    two = read(story(*told[:2], zone=LONDON), desk, FIRST_RESPONSE, at(told[2][0], LONDON))
    three = read(story(*told, zone=LONDON), desk, FIRST_RESPONSE, FAR)

    assert (two.stopped, two.verdict) == (None, RUNNING)
    assert (three.stopped, three.verdict) == (at("2026-07-15 12:00", LONDON), MET)


def test_registration_classification_and_answer_end_with_their_events() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("incident", proposed=True)),
        ("2026-07-15 10:30", Registered()),
        ("2026-07-15 11:00", Classified(severity="development")),
        ("2026-07-16 10:00", Answered()),
    ]
    found = readings(story(*told, zone=BOGOTA), desk_of("datacrm"), now=FAR)

    assert [(each.clock, each.elapsed, each.verdict) for each in found] == [
        (ClockKind.REGISTRATION, HOUR // 2, MET),
        (ClockKind.CLASSIFICATION, HOUR, MET),
        (ClockKind.ANSWER, 7 * HOUR, MET),
    ]


def test_what_is_solved_needs_no_answer_when_it_will_be() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("development")),
        ("2026-07-16 10:00", Resolved()),
    ]

    assert read(
        story(*told, zone=BOGOTA), desk_of("datacrm"), ClockKind.ANSWER, FAR
    ).verdict is MET  # fmt: skip


# Pauses and reopening.

PAUSING = replace(
    with_clocks(
        "itil-native",
        "high",
        ClockTerms(clock=FIRST_RESPONSE, target=span("2h")),
        ClockTerms(clock=RESOLUTION, target=span("8h")),
    ),
    pauses=(
        PauseTerms(id="information", clocks=(RESOLUTION, FIRST_RESPONSE)),
        PauseTerms(id="elsewhere", clocks=(RESTORE,)),
    ),
)


def test_a_pause_is_said_and_has_no_due_time_while_it_lasts() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("high")),
        ("2026-07-15 11:00", Paused(reason="information")),
    ]
    reading = read(story(*told), desk_of(PAUSING), RESOLUTION, FAR)

    assert (reading.verdict, reading.due, reading.elapsed) == (PAUSED, None, HOUR)


def test_first_response_never_pauses_whatever_is_listed() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("high")),
        ("2026-07-15 11:00", Paused(reason="information")),
    ]
    reading = read(story(*told), desk_of(PAUSING), FIRST_RESPONSE, at("2026-07-15 12:01"))

    assert reading.verdict is MISSED


def test_a_reason_that_is_listed_for_another_clock_pauses_nothing() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("high")),
        ("2026-07-15 11:00", Paused(reason="elsewhere")),
    ]

    assert read(story(*told), desk_of(PAUSING), RESOLUTION, FAR).verdict is MISSED


def test_reopening_resumes_resolution_and_never_the_first_response() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("high")),
        ("2026-07-15 11:00", Responded()),
        ("2026-07-15 15:00", Resolved()),
        ("2026-07-17 10:00", Reopened()),
    ]
    resolved, again = story(*told[:3]), story(*told)
    noon = at("2026-07-17 12:00")

    assert read(resolved, desk_of(PAUSING), RESOLUTION, noon).verdict is MET
    resumed = read(again, desk_of(PAUSING), RESOLUTION, noon)
    assert (resumed.verdict, resumed.elapsed) == (RUNNING, 7 * HOUR)
    assert resumed.due == at("2026-07-17 13:00")
    before, after = (
        read(each, desk_of(PAUSING), FIRST_RESPONSE, noon) for each in (resolved, again)
    )
    assert before == after
    assert after.verdict is MET


def test_closing_ends_the_resolution_of_what_nobody_resolved() -> None:
    told: list[Told] = [("2026-07-15 10:00", opened("high")), ("2026-07-15 12:00", Closed())]

    assert read(story(*told), desk_of(PAUSING), RESOLUTION, FAR).elapsed == 2 * HOUR


# Severity raised and lowered.


def test_a_raise_counts_from_itself() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("normal")),
        ("2026-07-15 11:00", SeverityChanged(severity="critical")),
    ]
    reading = read(story(*told), NATIVE, FIRST_RESPONSE, at("2026-07-15 11:10"))

    assert (reading.started, reading.due) == (at("2026-07-15 11:00"), at("2026-07-15 11:30"))
    assert (reading.severity, reading.verdict) == ("critical", RUNNING)


def test_a_raise_counts_from_the_outage_that_justifies_it() -> None:
    raised = SeverityChanged(severity="critical", since=at("2026-07-15 10:50"))
    told: list[Told] = [("2026-07-15 10:00", opened("normal")), ("2026-07-15 11:00", raised)]

    assert read(story(*told), NATIVE, FIRST_RESPONSE, FAR).due == at("2026-07-15 11:20")


def test_a_response_already_given_is_not_judged_again() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("normal")),
        ("2026-07-15 12:00", Responded()),
        ("2026-07-15 13:00", SeverityChanged(severity="critical", since=at("2026-07-15 10:00"))),
    ]
    reading = read(story(*told), NATIVE, FIRST_RESPONSE, FAR)

    assert (reading.verdict, reading.severity, reading.target) == (MET, "normal", 4 * HOUR)


def test_a_response_in_the_second_of_a_raise_came_before_it() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("normal")),
        ("2026-07-15 11:00", Responded()),
        ("2026-07-15 11:00", SeverityChanged(severity="critical")),
    ]

    assert read(story(*told), NATIVE, FIRST_RESPONSE, FAR).severity == "normal"


def test_a_raise_in_the_second_in_which_it_was_due_comes_before_a_miss() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("normal")),
        ("2026-07-15 14:00", SeverityChanged(severity="critical")),
    ]

    assert read(story(*told), NATIVE, FIRST_RESPONSE, FAR).due == at("2026-07-15 14:30")


def test_what_was_missed_before_a_change_of_severity_stays_missed() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("critical")),
        ("2026-07-15 11:00", SeverityChanged(severity="normal", reason="not that bad")),
        ("2026-07-15 11:30", Responded()),
    ]
    reading = read(story(*told), NATIVE, FIRST_RESPONSE, FAR)

    assert (reading.verdict, reading.severity) == (MISSED, "critical")
    assert reading.decided_at == at("2026-07-15 10:30") + 1
    assert reading.elapsed == 90 * 60


def test_a_lowered_severity_counts_from_where_the_clock_began() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("critical")),
        ("2026-07-15 10:20", SeverityChanged(severity="normal", reason="not that bad")),
    ]

    assert read(story(*told), NATIVE, FIRST_RESPONSE, FAR).due == at("2026-07-15 14:00")


def test_a_target_that_stays_the_same_goes_on_over_a_raise() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("development")),
        ("2026-07-15 11:00", SeverityChanged(severity="incident")),
    ]
    reading = read(story(*told, zone=BOGOTA), desk_of("datacrm"), ClockKind.REGISTRATION, FAR)

    assert reading.started == at("2026-07-15 10:00", BOGOTA)


def test_a_clock_that_a_change_took_away_undecided_is_gone() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("incident")),
        ("2026-07-15 11:00", SeverityChanged(severity="system_down")),
    ]
    found = readings(story(*told, zone=BOGOTA), desk_of("datacrm"), now=FAR)

    assert RESOLUTION not in {each.clock for each in found}
    assert RESTORE in {each.clock for each in found}


def test_whose_fault_it_is_moves_no_clock() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("normal")),
        ("2026-07-15 11:00", SeverityChanged(severity="critical")),
        ("2026-07-15 11:10", SeverityChanged(severity="critical", fault=Fault.CLIENT, reason="x")),
    ]

    assert read(story(*told), NATIVE, FIRST_RESPONSE, FAR).due == at("2026-07-15 11:30")


def test_a_severity_that_nobody_confirmed_runs_and_is_not_judged() -> None:
    incident = story(("2026-07-15 10:00", opened("high", proposed=True)))

    early = read(incident, NATIVE, FIRST_RESPONSE, at("2026-07-15 11:00"))
    late = read(incident, NATIVE, FIRST_RESPONSE, FAR)
    assert (early.verdict, early.due) == (RUNNING, at("2026-07-15 12:00"))
    assert (late.verdict, late.why, late.within) == (NOT_JUDGED, Why.PROPOSED, False)


def test_a_severity_that_is_confirmed_late_counts_from_the_start() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("high", proposed=True)),
        ("2026-07-15 18:00", Classified(severity="high")),
    ]
    reading = read(story(*told), NATIVE, FIRST_RESPONSE, FAR)

    assert (reading.verdict, reading.decided_at) == (MISSED, at("2026-07-15 12:00") + 1)


def test_a_severity_that_replaces_a_proposed_one_counts_as_if_it_had_been_there() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("high", proposed=True)),
        ("2026-07-15 13:00", Classified(severity="normal", reason="cosmetic")),
        ("2026-07-15 13:30", Responded()),
    ]
    reading = read(story(*told), NATIVE, FIRST_RESPONSE, FAR)

    assert (reading.verdict, reading.severity, reading.elapsed) == (MET, "normal", 3.5 * HOUR)


def test_a_raise_over_a_proposed_severity_is_a_raise() -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("high", proposed=True)),
        ("2026-07-15 13:00", Classified(severity="critical")),
    ]
    reading = read(story(*told), NATIVE, FIRST_RESPONSE, at("2026-07-15 13:10"))

    assert (reading.verdict, reading.due) == (RUNNING, at("2026-07-15 13:30"))


PROPOSAL = SeverityChanged(severity="critical", proposed=True)


def test_a_proposed_raise_leaves_the_severity_that_was_confirmed_in_force() -> None:
    told: list[Told] = [("2026-07-15 10:00", opened("normal")), ("2026-07-15 11:00", PROPOSAL)]
    reading = read(story(*told), NATIVE, FIRST_RESPONSE, FAR)

    assert (reading.verdict, reading.severity) == (MISSED, "normal")
    assert reading.decided_at == at("2026-07-15 14:00") + 1


@pytest.mark.parametrize(
    ("proposal", "due"),
    [
        pytest.param(PROPOSAL, "2026-07-15 11:30", id="from the proposal"),
        pytest.param(replace(PROPOSAL, since=at("2026-07-15 10:50")), "2026-07-15 11:20",
                     id="from the outage that was named in it"),
        pytest.param(replace(PROPOSAL, severity="high"), "2026-07-15 12:30",
                     id="from the raise, where another was proposed"),
    ],
)  # fmt: skip
def test_a_raise_that_was_proposed_counts_from_the_proposal(
    proposal: SeverityChanged, due: str
) -> None:
    told: list[Told] = [
        ("2026-07-15 10:00", opened("normal")),
        ("2026-07-15 11:00", proposal),
        ("2026-07-15 12:00", SeverityChanged(severity="critical")),
    ]
    reading = read(story(*told), NATIVE, FIRST_RESPONSE, FAR)

    assert (reading.due, reading.severity) == (at(due), "critical")


def test_repeated_clocks_that_a_change_took_away_undecided_are_gone() -> None:
    clocks = [
        ClockTerms(clock=each, target=span("4h"), repeats=True) for each in (UPDATE, ESCALATION)
    ]
    desk = desk_of(with_clocks("datacrm", "incident", *clocks))
    told: list[Told] = [
        ("2026-07-15 10:00", opened("incident")),
        ("2026-07-15 11:00", SeverityChanged(severity="system_down")),
    ]
    found = readings(story(*told, zone=BOGOTA), desk, now=FAR)

    assert {each.clock for each in found} == {ClockKind.REGISTRATION, RESTORE}


def test_what_is_not_classified_has_no_clocks_of_a_severity() -> None:
    incident = story(("2026-07-15 10:00", opened()))
    later = story(("2026-07-15 10:00", opened()), ("2026-07-15 10:10", Classified(severity="high")))

    assert readings(incident, NATIVE, now=FAR) == ()
    assert read(later, NATIVE, FIRST_RESPONSE, FAR).due == at("2026-07-15 12:00")


# Restore.


def group_of(letters: str, start: Minute = NOON) -> OutageGroup:
    """Return the incident of *letters*, a minute each from *start* on."""
    drawn, over = Strip(start, letters), "." * len(letters)
    (group,) = grouped(outages(drawn, over, down="DL"), drawn, over)
    return group


def restored(group: OutageGroup, now: Second = FAR) -> Reading:
    """Return the restore clock of an outage at DataCRM: an hour and a half, around the clock."""
    act = Opened(service="crm", severity="system_down", outage=group.kind)
    opening = Event(
        id="1",
        incident="ACME-2026-0001",
        at=group.started_at,
        by="uptimed",
        act=act,
        sequence=1,
    )
    return read(fold([opening]), desk_of("datacrm"), RESTORE, now, group)


def test_restore_runs_over_the_months_edge_and_is_missed_after_ninety_minutes() -> None:
    reading = restored(group_of("D" * 95 + "U" * 10, minute("2026-02-28T23:10Z")))

    assert reading.due == at("2026-03-01 00:40")
    assert reading.verdict is MISSED
    assert reading.decided_at == at("2026-03-01 00:40") + 1
    assert (reading.elapsed, reading.remaining) == (95 * 60, -300)


@pytest.mark.parametrize(
    ("down", "verdict"), [pytest.param(90, MET, id="90 min"), pytest.param(91, MISSED, id="91 min")]
)
def test_restored_exactly_at_the_limit_is_in_time(down: int, verdict: ClockVerdict) -> None:
    start = minute("2026-10-09T16:40-05:00")

    assert restored(group_of("D" * down + "U" * 10, start)).verdict is verdict


@pytest.mark.parametrize(
    ("letters", "verdict", "unmeasured"),
    [
        pytest.param("D" * 80 + "N" * 9 + "DU", MET, 9, id="in time with them"),
        pytest.param("D" * 80 + "N" * 10 + "DU", UNDETERMINED, 10, id="too long with them alone"),
        pytest.param("D" * 90 + "N" * 10 + "DU", MISSED, 10, id="too long without them"),
        pytest.param("D" * 40 + "U" * 9 + "N" * 5 + "D" * 40 + "U", UNDETERMINED, 5,
                     id="between two outages"),
    ],
)  # fmt: skip
def test_minutes_without_a_measurement_leave_room(
    letters: str, verdict: ClockVerdict, unmeasured: int
) -> None:
    reading = restored(group_of(letters))

    assert reading.verdict is verdict
    assert reading.unmeasured == unmeasured * 60
    assert (reading.decided_at is None) is (verdict is UNDETERMINED)


def test_a_breach_counts_from_the_second_in_which_it_was_certain() -> None:
    reading = restored(group_of("D" * 60 + "N" * 10 + "D" * 60 + "U"))

    assert reading.due == NOON * 60 + 90 * 60
    assert reading.decided_at == NOON * 60 + 100 * 60 + 1


def test_flaps_are_restored_with_the_last_of_them() -> None:
    reading = restored(group_of("DD" + "U" * 9 + "DD" + "U" * 20))

    assert (reading.elapsed, reading.stopped) == (13 * 60, NOON * 60 + 13 * 60)


def test_what_is_still_down_runs_until_it_is_certainly_missed() -> None:
    group = group_of("D" * 30)
    start = NOON * 60

    assert restored(group, Second(start + 90 * 60)).verdict is RUNNING
    assert restored(group, Second(start + 90 * 60 + 1)).verdict is MISSED


def test_restore_without_letters_runs_from_the_report_to_what_a_person_says() -> None:
    act = Opened(service="crm", severity="system_down", reported=at("2026-07-15 09:00", BOGOTA))
    told: list[Told] = [("2026-07-15 09:10", act), ("2026-07-15 10:20", Restored())]
    reading = read(story(*told, zone=BOGOTA), desk_of("datacrm"), RESTORE, FAR)

    assert (reading.elapsed, reading.verdict) == (80 * 60, MET)


def test_a_raise_for_an_outage_restores_from_its_start() -> None:
    start = NOON * 60
    group = group_of("U" + "D" * 95 + "U")
    act = SeverityChanged(severity="system_down", since=group.since("system_down"))
    told = events(("2026-10-05 11:00", opened("incident")), ("2026-10-05 12:30", act))
    reading = read(fold(told), desk_of("datacrm"), RESTORE, FAR, group)

    assert (reading.started, reading.verdict) == (start + 60, MISSED)


# Updates.


def updated(*told: Told, now: str = "2026-07-16 10:00") -> Reading:
    """Return the update clock of a critical native incident, opened at ten: every two hours."""
    incident = story(("2026-07-15 10:00", opened("critical")), *told)
    return read(incident, NATIVE, UPDATE, at(now))


def silences(reading: Reading) -> list[tuple[str, str, int]]:
    """Return each silence's limits as local times, and the due times that went by in it."""
    return [(_hour(each.start), _hour(each.stop), each.missed) for each in reading.silences]


def _hour(second: Second | None) -> str:
    if second is None:
        return ""
    minutes = (second - at("2026-07-15 00:00")) // 60
    return f"{minutes // 60:02}:{minutes % 60:02}"


def test_every_silence_is_judged() -> None:
    reading = updated(
        ("2026-07-15 11:00", Responded()),
        ("2026-07-15 13:00", Updated()),
        ("2026-07-15 18:00", Updated()),
        ("2026-07-15 19:00", Resolved()),
    )

    assert silences(reading) == [
        ("10:00", "11:00", 0),
        ("11:00", "13:00", 0),
        ("13:00", "18:00", 2),
        ("18:00", "19:00", 0),
    ]
    assert (reading.verdict, reading.decided_at) == (MISSED, at("2026-07-15 15:00") + 1)
    assert reading.silences[2] == Silence(
        start=at("2026-07-15 13:00"),
        stop=at("2026-07-15 18:00"),
        due=at("2026-07-15 15:00"),
        missed=2,
    )


def test_an_update_exactly_when_it_is_due_is_in_time() -> None:
    reading = updated(("2026-07-15 12:00", Updated()), ("2026-07-15 14:00", Resolved()))

    assert (reading.verdict, reading.decided_at) == (MET, at("2026-07-15 14:00"))


def test_an_incident_that_is_over_before_an_update_is_due_needs_none() -> None:
    assert updated(("2026-07-15 11:00", Resolved())).verdict is MET


def test_the_next_update_is_due_after_the_last_message() -> None:
    reading = updated(("2026-07-15 11:30", Updated()), now="2026-07-15 12:00")

    assert (reading.due, reading.remaining) == (at("2026-07-15 13:30"), 90 * 60)
    assert reading.verdict is RUNNING


def test_the_next_update_is_due_after_a_due_time_that_was_missed() -> None:
    reading = updated(now="2026-07-15 12:30")

    assert reading.verdict is MISSED
    assert (reading.due, reading.remaining) == (at("2026-07-15 14:00"), 90 * 60)


def test_nothing_is_due_between_resolution_and_reopening() -> None:
    reading = updated(
        ("2026-07-15 11:00", Resolved()),
        ("2026-07-15 20:00", Reopened()),
        now="2026-07-15 21:00",
    )

    assert silences(reading) == [("10:00", "11:00", 0), ("20:00", "", 0)]
    assert (reading.verdict, reading.due) == (RUNNING, at("2026-07-15 22:00"))
    assert reading.elapsed == 2 * HOUR


def test_a_raise_wants_updates_sooner_from_then_on() -> None:
    incident = story(
        ("2026-07-15 10:00", opened("normal")),
        ("2026-07-15 11:30", SeverityChanged(severity="critical")),
    )

    assert read(incident, NATIVE, UPDATE, at("2026-07-15 12:10")).due == at("2026-07-15 13:30")


def test_a_silence_that_was_missed_before_a_lower_severity_stays_missed() -> None:
    incident = story(
        ("2026-07-15 10:00", opened("critical")),
        ("2026-07-15 13:00", SeverityChanged(severity="normal", reason="not that bad")),
        ("2026-07-15 14:00", Resolved()),
    )
    reading = read(incident, NATIVE, UPDATE, FAR)

    assert (reading.verdict, reading.severity) == (MISSED, "critical")
    assert silences(reading) == [("10:00", "14:00", 1)]


def test_an_update_that_does_not_repeat_is_wanted_once() -> None:
    desk = with_one("itil-native", "normal", UPDATE, "2h")
    told: list[Told] = [("2026-07-15 10:00", opened("normal")), ("2026-07-15 12:00", Updated())]

    assert read(story(*told), desk, UPDATE, FAR).verdict is MET


# Escalation.


def escalated(*told: Told, now: str = "2026-07-16 10:00") -> Reading:
    """Return the escalation of a critical native incident, opened at ten: every four hours."""
    incident = story(("2026-07-15 10:00", opened("critical")), *told)
    return read(incident, NATIVE, ESCALATION, at(now))


def pending(reading: Reading) -> list[tuple[int, str]]:
    return [(each.level, _hour(each.due)) for each in reading.pending]


def test_every_threshold_that_passed_while_nobody_looked_fires_once() -> None:
    silent = escalated(now="2026-07-15 23:00")
    caught_up = escalated(
        ("2026-07-15 23:00", Escalated(level=1)),
        ("2026-07-15 23:00", Escalated(level=2)),
        now="2026-07-15 23:00",
    )

    assert pending(silent) == [(1, "14:00"), (2, "18:00"), (3, "22:00")]
    assert pending(caught_up) == [(3, "22:00")]
    assert silent.pending[0] == Threshold(level=1, due=at("2026-07-15 14:00"))


def test_a_level_reached_includes_those_below() -> None:
    reading = escalated(("2026-07-15 13:00", Escalated(level=2)), now="2026-07-15 20:00")

    assert (pending(reading), reading.verdict) == ([], RUNNING)
    assert reading.due == at("2026-07-15 22:00")


@pytest.mark.parametrize(
    ("told", "now", "verdict"),
    [
        pytest.param([], "2026-07-15 14:00", RUNNING, id="the threshold is just reached"),
        pytest.param([], "2026-07-15 14:01", MISSED, id="it has passed"),
        pytest.param([("2026-07-15 14:00", Escalated(level=1))], "2026-07-15 15:00", RUNNING,
                     id="escalated in time"),
        pytest.param([("2026-07-15 14:01", Escalated(level=1))], "2026-07-15 15:00", MISSED,
                     id="escalated too late"),
        pytest.param([("2026-07-15 13:00", Resolved())], "2026-07-15 15:00", MET,
                     id="over before it was wanted"),
        pytest.param([("2026-07-15 14:00", Escalated(level=1)), ("2026-07-15 17:00", Resolved())],
                     "2026-07-15 20:00", MET, id="escalated and over"),
        pytest.param([("2026-07-15 14:00", Escalated(level=1))], "2026-07-15 18:01", MISSED,
                     id="the second level is missing"),
    ],
)  # fmt: skip
def test_each_threshold_wants_its_escalation(
    told: list[Told], now: str, verdict: ClockVerdict
) -> None:
    assert escalated(*told, now=now).verdict is verdict


def test_a_threshold_is_due_until_it_has_passed() -> None:
    assert escalated(now="2026-07-15 14:00").due == at("2026-07-15 14:00")
    assert escalated(now="2026-07-15 14:01").due == at("2026-07-15 18:00")
    assert escalated(now="2026-07-15 19:00").decided_at == at("2026-07-15 14:00") + 1


def test_a_raise_goes_on_with_the_levels_that_were_reached() -> None:
    incident = story(
        ("2026-07-15 10:00", opened("high")),
        ("2026-07-15 17:00", Escalated(level=1)),
        ("2026-07-15 19:00", SeverityChanged(severity="critical")),
    )
    reading = read(incident, NATIVE, ESCALATION, at("2026-07-15 23:00"))

    assert pending(reading) == [(2, "23:00")]


def test_what_waits_is_told_after_an_earlier_severity_was_missed_too() -> None:
    incident = story(
        ("2026-07-15 10:00", opened("high")),
        ("2026-07-15 19:00", SeverityChanged(severity="critical")),
    )
    reading = read(incident, NATIVE, ESCALATION, at("2026-07-15 23:30"))

    assert (reading.verdict, reading.severity) == (MISSED, "high")
    assert pending(reading) == [(1, "18:00"), (2, "23:00")]


def test_escalations_that_do_not_repeat_are_levels_of_their_own() -> None:
    clocks = [ClockTerms(clock=ESCALATION, target=span(text)) for text in ("1h", "3h")]
    desk = desk_of(with_clocks("itil-native", "normal", *clocks))
    incident = story(("2026-07-15 10:00", opened("normal")))
    found = readings(incident, desk, now=at("2026-07-15 12:00"))

    assert [(pending(each), _hour(each.due)) for each in found] == [
        ([(1, "11:00")], "11:00"),
        ([], "13:00"),
    ]


# What holds of all clocks.

CLOCKED = with_clocks(
    "itil-native",
    "high",
    ClockTerms(clock=FIRST_RESPONSE, target=span("2h")),
    ClockTerms(clock=RESOLUTION, target=span("8h")),
    ClockTerms(clock=UPDATE, target=span("1h"), repeats=True),
    ClockTerms(clock=ESCALATION, target=span("3h"), repeats=True),
    ClockTerms(clock=RESTORE, target=span("90min")),
    ClockTerms(clock=ClockKind.ANSWER, target=span("1bd"), judged=Judged.MEAN),
)
OFFICE = replace(
    CLOCKED,
    pauses=(PauseTerms(id="information", clocks=(RESOLUTION, UPDATE, ESCALATION)),),
    calendar=replace(
        support_of("datacrm").calendar, holidays="", hours=support_of("datacrm").calendar.hours
    ),
)
STEADY = [
    Responded(),
    Updated(),
    Paused(reason="information"),
    Resumed(),
    Escalated(level=1),
    Escalated(level=3),
    Restored(),
    Resolved(),
    Reopened(),
    Closed(),
]
RAISES = [
    PROPOSAL,
    SeverityChanged(severity="critical"),
    SeverityChanged(severity="high", reason="so it is"),
    SeverityChanged(severity="normal", reason="so it is"),
]


def tales(acts: list[Act]) -> st.SearchStrategy[list[Event]]:
    """Draw an incident opened on Wednesday at ten, and *acts* within its first four days."""
    drawn = st.lists(st.tuples(st.integers(0, 4 * DAYS), st.sampled_from(acts)), max_size=10)
    opening = events(("2026-07-15 10:00", opened("high")), zone=BOGOTA)[0]
    return drawn.map(
        lambda told: [
            opening,
            *(
                replace(opening, id=f"e{n}", at=Second(opening.at + s), act=act, sequence=n)
                for n, (s, act) in enumerate(told, start=2)
            ),
        ]
    )


DESKS = st.sampled_from([desk_of(CLOCKED), desk_of(OFFICE)])
NOWS = st.integers(0, 6 * DAYS)
BEGIN = at("2026-07-15 10:00", BOGOTA)


@pytest.mark.property
@given(tales(STEADY), DESKS, NOWS, NOWS)
def test_what_has_gone_by_never_becomes_less(
    told: list[Event], desk: Desk, one: int, other: int
) -> None:
    early, late = sorted((Second(BEGIN + one), Second(BEGIN + other)))
    before = readings(fold(told, until=early), desk, now=early)
    after = readings(fold(told, until=late), desk, now=late)

    elapsed = {each.clock: each.elapsed for each in after}
    assert all(each.elapsed <= elapsed[each.clock] for each in before)


@pytest.mark.property
@given(tales([*STEADY, *RAISES]), DESKS, NOWS, NOWS)
def test_what_is_missed_stays_missed(told: list[Event], desk: Desk, one: int, other: int) -> None:
    early, late = sorted((Second(BEGIN + one), Second(BEGIN + other)))
    before = readings(fold(told, until=early), desk, now=early)
    after = readings(fold(told, until=late), desk, now=late)

    decided = {each.clock: each.decided_at for each in after if each.verdict is MISSED}
    for each in before:
        if each.verdict is MISSED:
            assert decided[each.clock] == each.decided_at


@pytest.mark.property
@given(tales([*STEADY, *RAISES]), DESKS, NOWS)
def test_a_clock_is_met_or_missed_or_neither(told: list[Event], desk: Desk, after: int) -> None:
    now = Second(BEGIN + after)
    for each in readings(fold(told, until=now), desk, now=now):
        assert (each.verdict is MET) <= (each.within is True)
        assert (each.verdict is MISSED) <= (each.within is False)
        assert (each.within is None) <= (each.decided_at is None)
        assert each.decided_at is None or each.decided_at <= now


@pytest.mark.property
@given(tales(STEADY), DESKS, NOWS)
def test_a_target_is_missed_when_more_has_gone_by_than_it_allows(
    told: list[Event], desk: Desk, after: int
) -> None:
    now = Second(BEGIN + after)
    for each in readings(fold(told, until=now), desk, now=now):
        if each.clock in {FIRST_RESPONSE, RESOLUTION, RESTORE} and each.target is not None:
            assert (each.verdict is MISSED) == (each.elapsed > each.target)
            assert each.remaining == each.target - each.elapsed


@pytest.mark.property
@given(tales(STEADY), DESKS, NOWS)
def test_silences_cover_the_time_that_an_incident_is_open(
    told: list[Event], desk: Desk, after: int
) -> None:
    now = Second(BEGIN + after)
    incident = fold(told, until=now)
    reading = read(incident, desk, UPDATE, now)
    end = now if incident.resolved is None else incident.resolved
    lengths = sum(
        (end if each.stop is None else each.stop) - each.start for each in reading.silences
    )
    rests = sum((each.stop or end) - each.start for each in incident.rests)

    assert lengths == end - BEGIN - rests
    assert (reading.within is False) == any(each.missed for each in reading.silences)


@pytest.mark.property
@given(tales(STEADY), NOWS)
def test_on_a_clock_that_always_runs_due_times_are_plain_multiples(
    told: list[Event], after: int
) -> None:
    now = Second(BEGIN + after)
    incident = fold(told, until=now)
    reading = read(incident, desk_of(CLOCKED), UPDATE, now)

    assert [each.missed for each in reading.silences] == _plainly_missed(incident, now)


def _plainly_missed(incident: Incident, now: Second) -> list[int]:
    """Return the due times missed in each silence, on a clock that always runs."""
    end = now if incident.resolved is None else incident.resolved
    found, start = [], BEGIN
    marks = [(t, t) for t in incident.told]
    marks += [(rest.start, rest.stop) for rest in incident.rests if rest.stop is not None]
    for stop, resumes in sorted(marks):
        if start < resumes and stop <= end:
            found.append(max(0, stop - start - 1) // HOUR)
            start = resumes
    if incident.resolved is None or start < end:
        found.append(max(0, end - start - 1) // HOUR)
    return found


@pytest.mark.property
@given(tales(STEADY), DESKS, NOWS)
def test_a_threshold_that_was_escalated_never_fires_again(
    told: list[Event], desk: Desk, after: int
) -> None:
    now = Second(BEGIN + after)
    incident = fold(told, until=now)
    reading = read(incident, desk, ESCALATION, now)
    highest = max((level for level, _ in incident.escalations), default=0)

    levels = [each.level for each in reading.pending]
    assert levels == list(range(highest + 1, highest + 1 + len(levels)))
    assert all(each.due <= now for each in reading.pending)


# Holidays and calendars.


def test_a_calendar_whose_holidays_are_not_frozen_is_refused() -> None:
    with pytest.raises(ValueError, match="holidays CO are not frozen"):
        support_hours(support_of("datacrm").calendar, {})


def test_a_calendar_has_its_holidays_and_the_contracts_own() -> None:
    calendar = support_of("yucrm").calendar
    assert calendar.hours is not None
    own = date(2026, 5, 4)
    saturday = date(2026, 12, 26)
    hours = replace(calendar.hours, holidays=frozenset({own}), extra_days={saturday: 3})
    found = support_hours(replace(calendar, hours=hours), HOLIDAYS)

    assert found is not None
    assert {own, date(2026, 12, 31)} <= found.holidays
    assert found.extra_days == {saturday: 3}


def test_an_extra_day_of_the_contract_wins_over_one_of_the_set() -> None:
    calendar = support_of("yucrm").calendar
    assert calendar.hours is not None
    saturday = date(2026, 12, 26)
    own = replace(calendar, hours=replace(calendar.hours, extra_days={saturday: 3}))
    frozen = {"RU": replace(HOLIDAYS["RU"], extra_days={saturday: 0})}

    for terms, weekday in ((calendar, 0), (own, 3)):
        found = support_hours(terms, frozen)
        assert found is not None
        assert found.extra_days == {saturday: weekday}


def test_a_calendar_that_is_always_open_has_no_holidays() -> None:
    assert support_hours(replace(support_of("itil-native").calendar, holidays="CO"), {}) is None


def test_a_person_sees_what_a_new_set_of_holidays_changes() -> None:
    old = HOLIDAYS["CO"]
    law, named, dropped = date(2026, 7, 13), date(2026, 7, 20), date(2026, 8, 7)
    saturday, sunday = date(2026, 12, 26), date(2026, 12, 27)
    before = replace(old, days={named: "x", dropped: "y"}, extra_days={saturday: 0})
    after = replace(old, days={named: "z", law: "law"}, extra_days={sunday: 0})

    assert changes(before, after) == HolidayChanges(
        added=(law,),
        removed=(dropped,),
        renamed=(named,),
        extra_added=(sunday,),
        extra_removed=(saturday,),
    )
    assert changes(before, after)
    assert not changes(old, old)


def test_a_set_of_holidays_speaks_of_its_years_alone() -> None:
    assert HOLIDAYS["CO"].covers(date(2026, 1, 1))
    assert not HOLIDAYS["CO"].covers(date(2025, 12, 31))


def test_a_calendar_of_extra_days_without_windows_is_never_open() -> None:
    with pytest.raises(ValueError, match="never open"):
        OpenTime(WeekHours(zone=UTC, windows={0: ()}, extra_days={date(2026, 7, 18): 0}))


def test_a_year_of_holidays_is_passed() -> None:
    hours = WeekHours(
        zone=UTC,
        windows=dict.fromkeys(range(7), ((480, 720),)),
        holidays=frozenset(date.fromordinal(date(2026, 1, 1).toordinal() + n) for n in range(900)),
    )

    assert OpenTime(hours).due(at("2026-01-05 00:00"), HOUR) == at("2028-06-19 09:00")
