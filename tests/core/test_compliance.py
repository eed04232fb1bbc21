"""Compliance: what a month's incidents make of a contract's clocks."""

from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.cases import BOGOTA, MADRID, at, desk_of, events, span, support_of, with_clocks
from uptimed.core.calendars import Second
from uptimed.core.clocks import ClockVerdict, Desk, Why, readings
from uptimed.core.compliance import (
    Case,
    ClockFigure,
    ClockShare,
    Compliance,
    GoalShare,
    ShareVerdict,
    compliance,
    share_verdict,
)
from uptimed.core.incidents import (
    Acknowledged,
    Act,
    Classified,
    Escalated,
    Opened,
    OutageGroup,
    Reopened,
    Resolved,
    Responded,
    SeverityChanged,
    Updated,
    fold,
    grouped,
)
from uptimed.core.minutes import Minute, month_minutes
from uptimed.core.outages import outages
from uptimed.core.strip import Strip
from uptimed.core.support import ClockKind, ClockTerms, SupportTerms

NOW = at("2026-12-31 00:00")
OCTOBER = month_minutes(2026, 10, UTC)
START, STOP = Second(OCTOBER.start * 60), Second(OCTOBER.stop * 60)
NATIVE, SALES, SUITE = (support_of(name) for name in ("itil-native", "saleslayer", "suitecrm"))
FIRST_RESPONSE, RESTORE = ClockKind.FIRST_RESPONSE, ClockKind.RESTORE

Told = tuple[str, Act]


def case(number: int, desk: Desk, *told: Told, now: Second = NOW) -> Case:
    """Return a case of that number, as its clocks say it at the end of the year."""
    reference = f"ACME-2026-{number:04}"
    incident = fold(events(*told, reference=reference))
    return Case(reference, readings(incident, desk, now=now))


def native(number: int, *told: Told, severity: str = "critical") -> Case:
    """Return a native incident of Monday 5 October, opened at ten."""
    opening = ("2026-10-05 10:00", Opened(service="crm", severity=severity))
    return case(number, desk_of("itil-native"), opening, *told)


def month(cases: list[Case], support: SupportTerms = NATIVE, plan: str = "") -> Compliance:
    return compliance(cases, support, plan=plan, start=START, stop=STOP)


def share(found: Compliance, severity: str, clock: ClockKind) -> ClockShare:
    (line,) = [each for each in found.shares if (each.severity, each.clock) == (severity, clock)]
    return line


def goal(found: Compliance, *clocks: ClockKind) -> GoalShare:
    (line,) = [each for each in found.goals if each.clocks == clocks]
    return line


IN_TIME: Told = ("2026-10-05 10:20", Responded())
TOO_LATE: Told = ("2026-10-05 10:40", Responded())
OVER: Told = ("2026-10-05 11:00", Resolved())


# Counting.


def test_each_severity_and_clock_has_its_line_in_the_contracts_order() -> None:
    found = month([native(1, IN_TIME, OVER), native(2, TOO_LATE, OVER)])
    line = share(found, "critical", FIRST_RESPONSE)

    assert [(each.severity, each.clock) for each in found.shares] == [
        (severity, clock)
        for severity in ("critical", "high", "normal")
        for clock in (FIRST_RESPONSE, ClockKind.UPDATE, ClockKind.ESCALATION)
    ]
    assert (line.met, line.decided, line.share_ppm) == (1, 2, 500_000)
    assert line.missed == ("ACME-2026-0002",)


def test_without_incidents_there_is_no_percentage() -> None:
    found = month([])

    for line in (share(found, "critical", FIRST_RESPONSE), goal(found, FIRST_RESPONSE)):
        assert (line.decided, line.share_ppm) == (0, None)
    assert goal(found, FIRST_RESPONSE).verdict is ShareVerdict.NO_INCIDENTS


@pytest.mark.parametrize(
    ("met", "decided", "expected"),
    [
        pytest.param(0, 0, ShareVerdict.NO_INCIDENTS, id="nothing decided"),
        pytest.param(19, 20, ShareVerdict.MET, id="exactly 95 %"),
        pytest.param(18, 19, ShareVerdict.MISSED, id="94.7 %"),
        pytest.param(949, 1000, ShareVerdict.MISSED, id="94.9 %"),
        pytest.param(1, 1, ShareVerdict.MET, id="one of one"),
    ],
)
def test_a_goal_is_met_or_missed_in_integers(
    met: int, decided: int, expected: ShareVerdict
) -> None:
    assert share_verdict(met, decided, 950_000) is expected


def test_a_percentage_is_cut_off() -> None:
    found = month([native(1, IN_TIME), native(2, IN_TIME), native(3, TOO_LATE)])

    assert share(found, "critical", FIRST_RESPONSE).share_ppm == 666_666


def test_a_clock_that_a_goal_pools_is_judged_by_the_goal() -> None:
    cases = [native(1, TOO_LATE)]
    cases += [native(n, IN_TIME, severity="normal") for n in range(2, 21)]
    found = month(cases)

    line = share(found, "critical", FIRST_RESPONSE)
    assert (line.met, line.decided, line.target) == (0, 1, "95")
    assert line.verdict is ShareVerdict.BY_GOAL
    pooled = goal(found, FIRST_RESPONSE)
    assert (pooled.met, pooled.decided, pooled.verdict) == (19, 20, ShareVerdict.MET)
    assert (pooled.target, pooled.target_ppm) == ("95", 950_000)


def test_where_no_share_is_promised_every_incident_counts() -> None:
    terms = ClockTerms(clock=FIRST_RESPONSE, target=span("30min"), calendar="24x7")
    support = with_clocks("datacrm", "incident", terms)
    opening: Told = ("2026-10-05 10:00", Opened(service="crm", severity="incident"))
    kept = case(1, desk_of(support), opening, IN_TIME)
    late = case(2, desk_of(support), opening, TOO_LATE)

    def verdict(*cases: Case) -> ShareVerdict:
        return share(month(list(cases), support), "incident", FIRST_RESPONSE).verdict

    assert verdict(kept) is ShareVerdict.MET
    assert verdict(kept, late) is ShareVerdict.MISSED
    assert verdict() is ShareVerdict.NO_INCIDENTS


# Which month.


@pytest.mark.parametrize(
    ("opened", "answered", "months"),
    [
        pytest.param("2026-09-30 23:50", "2026-10-01 00:10", ["October"], id="met in October"),
        pytest.param("2026-09-30 23:30", "2026-10-01 00:00", ["October"], id="met at midnight"),
        pytest.param("2026-09-30 23:29", "2026-10-01 00:10", ["September"],
                     id="broken before midnight"),
        pytest.param("2026-09-30 23:20", "2026-09-30 23:40", ["September"], id="met in September"),
        pytest.param("2026-09-30 23:30", "", ["October"], id="broken a second after midnight"),
        pytest.param("2026-09-30 23:29", "", ["September"], id="broken and never answered"),
    ],
)  # fmt: skip
def test_an_incident_counts_in_the_month_of_its_decision(
    opened: str, answered: str, months: list[str]
) -> None:
    told: list[Told] = [(opened, Opened(service="crm", severity="critical"))]
    told += [(answered, Responded())] if answered else []
    cases = [case(1, desk_of("itil-native"), *told)]
    september = month_minutes(2026, 9, UTC)
    before = compliance(
        cases,
        NATIVE,
        plan="",
        start=Second(september.start * 60),
        stop=Second(september.stop * 60),
    )

    counted = {"September": before, "October": month(cases)}
    for line in (
        {name: goal(found, FIRST_RESPONSE) for name, found in counted.items()},
        {name: share(found, "critical", FIRST_RESPONSE) for name, found in counted.items()},
    ):
        assert [name for name, each in line.items() if each.decided] == months


def test_what_is_not_decided_yet_counts_in_no_month() -> None:
    opening: Told = ("2026-10-05 10:00", Opened(service="crm", severity="critical"))
    running = case(1, desk_of("itil-native"), opening, now=at("2026-10-05 10:10"))

    assert goal(month([running]), FIRST_RESPONSE).decided == 0


def test_a_reopened_incident_is_decided_again() -> None:
    terms = ClockTerms(clock=ClockKind.RESOLUTION, target=span("8h"))
    support = with_clocks("itil-native", "normal", terms)
    told: list[Told] = [
        ("2026-10-05 10:00", Opened(service="crm", severity="normal")),
        ("2026-10-05 12:00", Resolved()),
        ("2026-11-02 10:00", Reopened()),
        ("2026-11-02 12:00", Resolved()),
    ]
    first, again = (case(1, desk_of(support), *told[:n]) for n in (2, 4))

    assert share(month([first], support), "normal", ClockKind.RESOLUTION).met == 1
    assert share(month([again], support), "normal", ClockKind.RESOLUTION).decided == 0


# Several clocks of one incident.

BOTH = (ClockKind.UPDATE, ClockKind.ESCALATION)
UPDATES: list[Told] = [
    ("2026-10-05 12:00", Updated()),
    ("2026-10-05 14:00", Updated()),
    ("2026-10-05 15:00", Resolved()),
]
LEVEL: Told = ("2026-10-05 13:00", Escalated(level=1))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param([LEVEL, *UPDATES], (1, 1), id="escalated and updated"),
        pytest.param(UPDATES, (0, 1), id="updated and not escalated"),
        pytest.param([LEVEL, UPDATES[-1]], (0, 1), id="escalated and not updated"),
        pytest.param([OVER], (1, 1), id="over before either was wanted"),
    ],
)
def test_an_incident_holds_a_goal_when_it_holds_all_of_its_clocks(
    told: list[Told], expected: tuple[int, int]
) -> None:
    line = goal(month([native(1, *told)]), *BOTH)

    assert (line.met, line.decided) == expected


def counted(one: Case, support: SupportTerms, until: str) -> tuple[int, int]:
    """Return how many of *one* case held the goal of two clocks, and were decided, until then."""
    line = goal(compliance([one], support, plan="", start=START, stop=at(until)), *BOTH)
    return line.met, line.decided


def test_a_goal_of_two_clocks_is_decided_by_the_first_breach() -> None:
    silent = native(1, ("2026-10-05 20:00", Resolved()))

    assert counted(silent, NATIVE, "2026-10-05 12:00") == (0, 0)
    assert counted(silent, NATIVE, "2026-10-05 12:01") == (0, 1)


TWO_ONCE = with_clocks(
    "itil-native",
    "normal",
    ClockTerms(clock=ClockKind.UPDATE, target=span("2h")),
    ClockTerms(clock=ClockKind.ESCALATION, target=span("4h")),
)
NORMAL: Told = ("2026-10-05 10:00", Opened(service="crm", severity="normal"))


def test_a_goal_of_two_clocks_is_met_with_the_last_of_them() -> None:
    told: list[Told] = [("2026-10-05 11:00", Updated()), ("2026-10-05 13:00", Resolved())]
    both = case(1, desk_of(TWO_ONCE), NORMAL, *told)

    assert counted(both, TWO_ONCE, "2026-10-05 13:00") == (0, 0)
    assert counted(both, TWO_ONCE, "2026-10-05 13:01") == (1, 1)


def test_a_goal_of_two_clocks_waits_for_the_one_that_is_open() -> None:
    update: Told = ("2026-10-05 11:00", Updated())
    running = case(1, desk_of(TWO_ONCE), NORMAL, update, now=at("2026-10-05 12:00"))

    assert [each.verdict for each in running.readings] == [ClockVerdict.MET, ClockVerdict.RUNNING]
    assert counted(running, TWO_ONCE, "2026-11-01 00:00") == (0, 0)


def test_a_miss_under_an_earlier_severity_counts_there() -> None:
    found = month(
        [native(1, ("2026-10-05 11:00", SeverityChanged(severity="normal", reason="so it is")))]
    )

    assert share(found, "critical", FIRST_RESPONSE).missed == ("ACME-2026-0001",)
    assert share(found, "normal", FIRST_RESPONSE).decided == 0


# What is shown without a verdict.


def sales(number: int, severity: str, answered: str, plan: str = "enterprise") -> Case:
    """Return a chat of Monday 5 October at ten in Madrid, and when it was answered."""
    act = Opened(
        service="pim", severity=severity, reported=at("2026-10-05 10:00", MADRID), channel="chat"
    )
    told: list[Told] = [("2026-10-05 10:00", act)]
    told += [(f"2026-10-05 {answered}", Responded())] if answered else []
    reference = f"ACME-2026-{number:04}"
    incident = fold(events(*told, zone=MADRID, reference=reference))
    return Case(reference, readings(incident, desk_of("saleslayer", plan), now=NOW))


def figures_of(cases: list[Case], plan: str = "enterprise") -> tuple[ClockFigure, ...]:
    return month(cases, SALES, plan).figures


def test_a_general_time_is_a_share_and_an_average_is_a_mean_with_their_n() -> None:
    cases = [sales(1, "critical", "10:02"), sales(2, "minor", "10:09"), sales(3, "minor", "13:00")]
    general, average = figures_of(cases)

    assert (general.within, general.decided, general.share_ppm) == (2, 3, 666_666)
    assert (average.stopped, average.mean) == (3, (2 + 9 + 180) * 60 // 3)
    assert (general.channel, average.channel) == ("", "chat")
    assert (general.plan, general.severity) == ("enterprise", "")


def test_nobody_is_answered_within_a_general_time_by_silence() -> None:
    general, average = figures_of([sales(1, "minor", "10:02"), sales(2, "minor", "")])

    assert (general.within, general.decided) == (1, 2)
    assert (average.stopped, average.mean) == (1, 120)


def test_figures_without_incidents_are_none() -> None:
    assert [(each.mean, each.share_ppm, each.stopped) for each in figures_of([])] == [
        (None, None, 0),
        (None, None, 0),
    ]


def test_plans_promise_nothing_that_is_judged() -> None:
    found = month([sales(1, "minor", "10:02")], SALES, "enterprise")

    assert (found.shares, found.goals) == ((), ())


def test_targets_that_are_agreed_elsewhere_are_shown_and_not_judged() -> None:
    told: list[Told] = [
        ("2026-10-05 10:00", Opened(service="crm", severity="severity_3")),
        ("2026-10-05 10:30", Classified(severity="severity_3")),
        ("2026-10-05 11:00", Acknowledged()),  # the last of the three acts that end it
    ]
    found = month([case(1, desk_of("suitecrm"), *told)], SUITE)

    assert found.shares == ()
    (line,) = [each for each in found.figures if each.severity == "severity_3"]
    assert (line.terms.agreed, line.stopped, line.mean, line.decided) == (True, 1, 3600, 0)


def test_a_severity_that_nobody_confirmed_is_told_and_does_not_count() -> None:
    opening: Told = ("2026-10-05 10:00", Opened(service="crm", severity="high", proposed=True))
    confirmed: Told = ("2026-10-06 10:00", Classified(severity="high"))
    proposed = case(1, desk_of("itil-native"), opening)

    line = share(month([proposed]), "high", FIRST_RESPONSE)
    assert (line.decided, line.proposed) == (0, 1)
    line = share(
        month([case(1, desk_of("itil-native"), opening, confirmed)]), "high", FIRST_RESPONSE
    )
    assert (line.decided, line.proposed) == (1, 0)
    assert {each.why for each in proposed.readings} == {Why.PROPOSED}


def test_an_undetermined_restore_is_told_and_counts_as_neither() -> None:
    found = month([down(1, "D" * 80 + "N" * 20 + "DU")], support_of("datacrm"))
    line = share(found, "system_down", RESTORE)

    assert (line.met, line.decided, line.undetermined) == (0, 0, 1)
    assert line.verdict is ShareVerdict.NO_INCIDENTS


def down(number: int, letters: str, start: str = "2026-10-09 16:40") -> Case:
    """Return an outage at DataCRM, a letter for each minute from *start* in Bogota on."""
    first = Minute(at(start, BOGOTA) // 60)
    group = _group(letters, first)
    act = Opened(service="crm", severity="system_down", outage=group.kind)
    incident = fold(events((start, act), zone=BOGOTA, reference=f"ACME-2026-{number:04}"))
    found = readings(incident, desk_of("datacrm"), now=NOW, group=group)
    return Case(incident.reference, found)


def _group(letters: str, first: Minute) -> OutageGroup:
    drawn, over = Strip(first, letters), "." * len(letters)
    (group,) = grouped(outages(drawn, over, down="DL"), drawn, over)
    return group


def test_an_outage_within_the_limit_breaks_the_availability_that_month_all_the_same() -> None:
    kept, late = (
        share(month([down(1, "D" * n + "U")], support_of("datacrm")), "system_down", RESTORE)
        for n in (90, 91)
    )
    minutes = len(month_minutes(2026, 10, BOGOTA))

    assert (kept.verdict, late.verdict) == (ShareVerdict.MET, ShareVerdict.MISSED)
    assert (minutes - 90) * 1_000_000 < 999_600 * minutes


# What holds of all months.

SEVERITIES = st.sampled_from(["critical", "high", "normal"])
WAITS = st.one_of(st.none(), st.integers(0, 6 * 60))
CASES = st.lists(st.tuples(st.integers(0, 40 * 1440), SEVERITIES, WAITS), max_size=12).map(
    lambda drawn: [_drawn(n, *each) for n, each in enumerate(drawn, start=1)]
)


def _drawn(number: int, minutes: int, severity: str, wait: int | None) -> Case:
    begin = at("2026-09-25 00:00") + 60 * minutes
    reference = f"ACME-2026-{number:04}"
    told = events(
        ("2026-09-25 00:00", Opened(service="crm", severity=severity)),
        ("2026-09-25 00:00", Responded()),
        reference=reference,
    )[: 1 if wait is None else 2]
    moved = [
        replace(event, at=Second(begin + (n and 60 * (wait or 0)))) for n, event in enumerate(told)
    ]
    return Case(reference, readings(fold(moved), desk_of("itil-native"), now=NOW))


@pytest.mark.property
@given(CASES)
def test_the_severities_add_up_to_the_goal(cases: list[Case]) -> None:
    found = month(cases)
    lines = [each for each in found.shares if each.clock is FIRST_RESPONSE]
    pooled = goal(found, FIRST_RESPONSE)

    assert sum(each.met for each in lines) == pooled.met
    assert sum(each.decided for each in lines) == pooled.decided
    assert sorted(ref for each in lines for ref in each.missed) == sorted(pooled.missed)


@pytest.mark.property
@given(CASES)
def test_met_and_missed_are_what_was_decided(cases: list[Case]) -> None:
    for line in month(cases).shares:
        assert line.met + len(line.missed) == line.decided
        assert line.share_ppm is None or 0 <= line.share_ppm <= 1_000_000
        assert (line.share_ppm == 1_000_000) == (line.decided > 0 and not line.missed)


@pytest.mark.property
@given(CASES, st.integers(0, 60 * 1440))
def test_two_stretches_add_up_to_the_whole(cases: list[Case], minutes: int) -> None:
    start, stop = at("2026-09-01 00:00"), NOW
    middle = Second(start + 60 * minutes)
    parts = [
        compliance(cases, NATIVE, plan="", start=a, stop=b)
        for a, b in ((start, middle), (middle, stop))
    ]
    whole = compliance(cases, NATIVE, plan="", start=start, stop=stop)

    for one, other, both in zip(parts[0].shares, parts[1].shares, whole.shares, strict=True):
        assert one.met + other.met == both.met
        assert one.decided + other.decided == both.decided


@pytest.mark.property
@given(CASES)
def test_the_order_of_incidents_does_not_matter(cases: list[Case]) -> None:
    assert month(cases[::-1]) == month(cases)
