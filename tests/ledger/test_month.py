"""A service's month, cut out of a record that goes on before and after it."""

from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from tests.core.drawing import LOGIN, REACH, contract_terms, minute, watch_terms
from tests.ledger.records import client, journal, recorded, service
from uptimed.core.minutes import MINUTE, Minute
from uptimed.core.observations import Instant
from uptimed.core.strip import Strip
from uptimed.core.terms import AgreementTerms, ContractTerms, Maintenance, WatchTerms
from uptimed.ledger.month import ServiceMonth, period_of, service_month

MARCH = minute("2026-03-01T00:00Z")
MAY = minute("2026-05-01T00:00Z")


def month(
    *strips: Strip,
    number: int,
    now: Minute = MAY,
    contract: ContractTerms | None = None,
    agreement: AgreementTerms | None = None,
) -> ServiceMonth:
    """Return a month of 2026 of the service whose letters are *strips*."""
    crm = service()
    if agreement is not None:
        crm = replace(crm, agreement=agreement)
    acme = client(crm, contract=contract)
    return service_month(journal(*strips), acme, crm, 2026, number, now)


def over_the_edge(before: str, after: str) -> Strip:
    """Return letters that end and begin at the first minute of March."""
    return Strip(Minute(MARCH - len(before)), before + after)


BOTH = watch_terms(REACH, LOGIN)
"""Watched by its front page and a login."""


@pytest.mark.parametrize(
    ("then", "now", "login"),
    [pytest.param(BOTH, watch_terms(), True, id="removed since"),
     pytest.param(watch_terms(), BOTH, False, id="added since")],
)  # fmt: skip
def test_whether_logins_were_watched_is_told_of_the_month_not_of_today(
    then: WatchTerms, now: WatchTerms, login: bool
) -> None:
    crm = service(now)
    changed = [recorded(then, Minute(MARCH - 99)), recorded(now, minute("2026-04-02T00:00Z"))]
    found = journal(Strip(MARCH, "u" * 44_640), terms=then, configs=changed)
    march = service_month(found, client(crm), crm, 2026, 3, MAY)
    assert (march.figures.login_coverage_ppm is not None) is login


ACROSS = over_the_edge("U" * 500 + "D" * 50, "D" * 45 + "U" * 500)


def test_an_outage_over_the_edge_is_cut_in_two_and_stays_one() -> None:
    february, march = month(ACROSS, number=2), month(ACROSS, number=3)
    assert (february.figures.down, march.figures.down) == (50, 45)
    for seen in (february, march):
        (outage,) = seen.outages
        assert (outage.start, outage.stop) == (
            minute("2026-02-28T23:10Z"),
            minute("2026-03-01T00:45Z"),
        )
        assert len(outage.down) == 95


def test_a_month_reaches_out_to_the_first_up_minute_on_each_side() -> None:
    march = month(ACROSS, number=3)
    assert march.around.start == minute("2026-02-28T23:09Z")
    assert march.around.letters[:51] == "U" + "D" * 50
    february = month(ACROSS, number=2)
    assert february.around.stop == minute("2026-03-01T00:46Z")
    assert february.around.letters[-46:] == "D" * 45 + "U"


def test_an_outage_may_reach_further_than_the_first_hours() -> None:
    long = over_the_edge("U" + "D" * 5000, "D" * 9 + "U")
    (outage,) = month(long, number=3).outages
    assert (len(outage.down), outage.minutes_in(range(MARCH, MAY))) == (5009, 9)


def test_unmeasured_minutes_at_the_edge_do_not_hide_what_was_before() -> None:
    seen = month(over_the_edge("UDDNNN", "NNDU"), number=3)
    (outage,) = seen.outages
    assert (outage.start, outage.stop, len(outage.down)) == (MARCH - 5, MARCH + 3, 3)


def test_a_record_that_begins_in_an_outage_has_no_more_to_tell() -> None:
    (outage,) = month(over_the_edge("NNDD", "DU"), number=3).outages
    assert (outage.start, len(outage.down)) == (MARCH - 2, 3)


def test_what_ends_before_the_month_is_not_in_it() -> None:
    seen = month(over_the_edge("UDDU", "UUU"), number=3)
    assert (seen.outages, seen.figures.down) == ((), 0)
    assert seen.around.start == MARCH - 1


def test_an_outage_that_is_long_enough_only_over_the_edge_counts_in_both_months() -> None:
    contract = contract_terms(min_consecutive=3)
    short = over_the_edge("UD", "DDU")
    assert month(short, number=2, contract=contract).figures.down == 1
    assert month(short, number=3, contract=contract).figures.down == 2
    alone = over_the_edge("UU", "DDU")
    seen = month(alone, number=3, contract=contract)
    assert (seen.figures.down, seen.outages[0].counted) == (0, False)


def test_an_up_minute_under_maintenance_before_the_month_does_not_end_an_outage() -> None:
    window = Maintenance(
        start=Instant((MARCH - 1) * MINUTE), end=Instant(MARCH * MINUTE), announced=Instant(0)
    )
    contract = contract_terms(excludes=("maintenance",))
    agreement = AgreementTerms(service="crm", maintenance=(window,))
    seen = month(over_the_edge("UDU", "DU"), number=3, contract=contract, agreement=agreement)
    (outage,) = seen.outages
    assert (outage.start, len(outage.down)) == (MARCH - 2, 2)


def test_both_months_agree_on_an_outage_when_maintenance_is_capped() -> None:
    window = Maintenance(
        start=Instant((MARCH - 4) * MINUTE),
        end=Instant((MARCH + 4) * MINUTE),
        announced=Instant(0),
    )
    contract = contract_terms(excludes=("maintenance",), cap=2)
    agreement = AgreementTerms(service="crm", maintenance=(window,))
    strip = over_the_edge("UDDDD", "DDDDU")
    found = [month(strip, number=n, contract=contract, agreement=agreement).outages for n in (2, 3)]
    assert found[0] == found[1]
    assert len(found[0][0].down) == 4


def test_minutes_that_nobody_looked_at_are_not_measured() -> None:
    seen = month(over_the_edge("", "UUU"), number=3)
    assert (seen.figures.total, seen.figures.measured) == (44_640, 3)
    assert seen.figures.not_measured == 44_637


def test_the_parts_of_a_month_are_those_of_its_zone() -> None:
    madrid = ZoneInfo("Europe/Madrid")
    seen = month(Strip(MARCH, "U" * 60_000), number=3, contract=contract_terms(zone=madrid))
    assert seen.period.minutes == seen.figures.total == 44_580
    assert seen.period.start == minute("2026-02-28T23:00Z")
    # The first hour of the month was before the record began.
    assert seen.figures.not_measured == 60


@pytest.mark.parametrize(
    ("now", "judged", "complete"),
    [
        pytest.param("2026-02-20T00:00Z", 0, False, id="before it began"),
        pytest.param("2026-03-01T01:00Z", 59, False, id="an hour into it"),
        pytest.param("2026-04-01T00:00Z", 44_639, False, id="a minute before it is judged"),
        pytest.param("2026-04-01T00:01Z", 44_640, True, id="judged"),
        pytest.param("2026-07-01T00:00Z", 44_640, True, id="long over"),
    ],
)
def test_a_month_counts_the_minutes_judged_so_far(now: str, judged: int, complete: bool) -> None:
    seen = month(number=3, now=minute(now))
    assert (seen.figures.total, seen.period.complete) == (judged, complete)
    assert seen.period.minutes == 44_640
    assert len(seen.overlay) == len(seen.strip.letters) == judged


def test_a_month_in_progress_allows_what_the_whole_month_will() -> None:
    seen = month(over_the_edge("", "U" * 1000), number=3, now=Minute(MARCH + 1000))
    assert (seen.figures.total, seen.figures.allowed) == (1000, 17)


def test_what_is_known_to_be_out_of_scope_is_not_ahead() -> None:
    agreement = AgreementTerms(service="crm", until=Minute(MARCH + 2600))
    seen = month(
        over_the_edge("", "U" * 1000), number=3, now=Minute(MARCH + 1000), agreement=agreement
    )
    assert (seen.figures.ahead, seen.figures.allowed) == (1600, 1)


def test_maintenance_that_is_still_ahead_is_known_already() -> None:
    window = Maintenance(
        start=Instant((MARCH + 2000) * MINUTE),
        end=Instant((MARCH + 2100) * MINUTE),
        announced=Instant(0),
    )
    agreement = AgreementTerms(service="crm", maintenance=(window,))
    contract = contract_terms(excludes=("maintenance",), cap=60)
    seen = month(
        over_the_edge("", "U" * 1000),
        number=3, now=Minute(MARCH + 1000), agreement=agreement, contract=contract,
    )  # fmt: skip
    assert seen.figures.ahead == 44_640 - 1000 - 60


def test_an_outage_that_goes_on_has_no_end_yet() -> None:
    seen = month(over_the_edge("UD", "DD"), number=3, now=Minute(MARCH + 2))
    (outage,) = seen.outages
    assert (outage.stop, len(outage.down), seen.figures.down) == (None, 3, 2)


def test_before_the_agreement_nothing_is_promised() -> None:
    agreement = AgreementTerms(service="crm", since=Minute(MARCH + 10))
    seen = month(over_the_edge("D", "D" * 12 + "U"), number=3, agreement=agreement)
    assert (seen.figures.out_of_scope, seen.figures.down) == (10, 2)
    assert seen.outages[0].start == MARCH + 10


def test_a_service_with_a_login_probe_has_a_login_coverage() -> None:
    watched = watch_terms(REACH, LOGIN)
    crm = service(watched)
    reader = journal(Strip(MARCH, "Uu" * 22_320), terms=watched)
    seen = service_month(reader, client(crm), crm, 2026, 3, MAY)
    assert seen.figures.login_coverage_ppm == 500_000
    assert month(Strip(MARCH, "U"), number=3).figures.login_coverage_ppm is None


def test_a_period_is_named_by_its_month() -> None:
    period = period_of(client(), 2026, 2, MAY)
    assert (period.month, period.zone, period.minutes) == ("2026-02", UTC, 40_320)
