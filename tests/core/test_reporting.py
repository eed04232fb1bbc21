"""When a report is due, from when on it can be drawn up, and why it is held."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from tests.fakes import at
from uptimed.core.figures import Verdict
from uptimed.core.minutes import Minute, month_minutes
from uptimed.core.observations import SECOND
from uptimed.core.reporting import (
    DEFAULT_HOLD,
    HOLDS,
    ReportDue,
    gravity,
    hold_reasons,
    in_agreement,
    month_before,
    report_due,
    settled_for_good,
)
from uptimed.core.terms import AgreementTerms

BOGOTA, MADRID, MOSCOW = map(ZoneInfo, ("America/Bogota", "Europe/Madrid", "Europe/Moscow"))
SIX_HOURS = 6 * 3600 * SECOND


@pytest.mark.parametrize(
    ("month", "due", "zone", "wanted"),
    [
        ((2026, 10), ReportDue(), BOGOTA, "2026-11-03 14:00"),
        ((2026, 12), ReportDue(day=5), BOGOTA, "2027-01-05 14:00"),
        ((2026, 10), ReportDue(minute_of_day=0), MADRID, "2026-11-02 23:00"),
        ((2026, 2), ReportDue(day=29 - 1), MADRID, "2026-03-28 08:00"),
        # 02:30 does not exist that day: the first moment after it does.
        ((2026, 2), ReportDue(day=28, minute_of_day=150), MADRID, "2026-03-28 01:30"),
        ((2027, 2), ReportDue(day=28, minute_of_day=150), MADRID, "2027-03-28 01:00"),
    ],
)
def test_a_report_is_due_by_the_clock_on_the_clients_wall(
    month: tuple[int, int], due: ReportDue, zone: ZoneInfo, wanted: str
) -> None:
    assert report_due(*month, due, zone) == at(wanted)


@pytest.mark.parametrize(
    ("zone", "wanted"),
    [
        # Its last minute is 04:59 of 1 November in UTC: that day ends, and is sealed six hours on.
        (BOGOTA, "2026-11-02 06:00"),
        (MADRID, "2026-11-01 06:00"),
        (MOSCOW, "2026-11-01 06:00"),
        (UTC, "2026-11-01 06:00"),
    ],
)
def test_a_month_is_settled_when_the_utc_day_of_its_last_minute_is_sealed(
    zone: ZoneInfo, wanted: str
) -> None:
    assert settled_for_good(2026, 10, zone, SIX_HOURS) == at(wanted)


def test_the_month_before_is_that_of_the_clients_wall() -> None:
    assert month_before(at("2026-11-01 03:00"), BOGOTA) == (2026, 9)
    assert month_before(at("2026-11-01 03:00"), MADRID) == (2026, 10)
    assert month_before(at("2027-01-15 00:00"), MADRID) == (2026, 12)


@pytest.mark.parametrize(
    ("verdicts", "revision", "wanted"),
    [
        (["met"], 1, ()),
        (["breached"], 1, ("breached",)),
        (["met", "breached"], 1, ("breached",)),
        (["met_uncertain"], 1, ("not_proven",)),
        (["breached_uncertain"], 1, ("not_proven",)),
        (["insufficient_data"], 1, ("not_proven",)),
        (["not_measured", "met"], 1, ("not_proven",)),
        (["met"], 2, ("corrected",)),
        (["breached", "met_uncertain"], 3, ("breached", "not_proven", "corrected")),
    ],
)
def test_what_a_report_is_held_for(
    verdicts: list[str], revision: int, wanted: tuple[str, ...]
) -> None:
    assert hold_reasons(map(Verdict, verdicts), revision, DEFAULT_HOLD) == wanted


def test_the_operator_says_what_is_held() -> None:
    assert hold_reasons([Verdict.BREACHED], 2, ()) == ()
    assert hold_reasons([Verdict.MET], 1, HOLDS) == ("met",)


def test_every_verdict_has_its_gravity_and_met_the_least() -> None:
    assert max(Verdict, key=gravity) is Verdict.MET
    assert min(Verdict, key=gravity) is Verdict.BREACHED
    assert len({gravity(verdict) for verdict in Verdict}) == len(Verdict)


@pytest.mark.parametrize(
    ("since", "until", "wanted"),
    [(None, None, True), (0, None, True), (1, None, False), (-1, 1, True), (None, -50_000, False)],
)
def test_a_month_is_reported_where_the_agreement_covers_some_of_it(
    since: int | None, until: int | None, wanted: bool
) -> None:
    month = month_minutes(2026, 10, UTC)
    terms = AgreementTerms(
        service="crm",
        since=None if since is None else Minute(month.stop - 1 + since),
        until=None if until is None else Minute(month.stop + until),
    )
    assert in_agreement([terms], month) is wanted
    assert in_agreement([], month) is False
