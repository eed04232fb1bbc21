"""Which terms a month is judged by, and what was agreed otherwise meanwhile."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from tests.core.drawing import contract_terms, minute
from tests.ledger.records import client, service
from uptimed.core.minutes import Minute
from uptimed.core.pinning import (
    Agreed,
    Dates,
    agreed_text,
    changes_in,
    first_in_scope,
    in_force,
    read_agreed,
)
from uptimed.core.settings import Contract
from uptimed.core.support import CalendarTerms, Frozen, SupportTerms
from uptimed.core.terms import AgreementTerms, ContractTerms, WeekHours, canonical_json

OCTOBER, NOVEMBER = minute("2026-10-01T00:00Z"), minute("2026-11-01T00:00Z")
ALWAYS = (AgreementTerms(service="crm"),)


def terms(target: str = "99.96", **others: object) -> ContractTerms:
    document = {"availability": {"target": target}}
    found = replace(contract_terms(), target=target, canonical=canonical_json(document))
    return replace(found, **others)  # type: ignore[arg-type]


def agreed(
    since: str,
    target: str = "99.96",
    *,
    dates: Dates | None = None,
    calendar: CalendarTerms | None = None,
    **others: object,
) -> Agreed:
    support = SupportTerms(calendar=calendar or CalendarTerms())
    contract = Contract(terms=terms(target, **others), support=support)
    return Agreed(since=minute(since), sha256=since, contract=contract, dates=dates or {})


def target_of(
    records: Sequence[Agreed], month: int, agreements: Sequence[AgreementTerms] = ALWAYS
) -> str:
    found = in_force(records, (2026, month), agreements)
    return found.contract.terms.target if found else ""


CHANGED = [agreed("2026-08-20T10:00Z", "99.96"), agreed("2026-10-14T10:00Z", "99")]


@pytest.mark.parametrize(
    ("month", "target"),
    [
        pytest.param(7, "", id="before anything was on record"),
        pytest.param(8, "99.96", id="on record first within the month"),
        pytest.param(9, "99.96", id="on record before the month"),
        pytest.param(10, "99.96", id="changed during the month"),
        pytest.param(11, "99", id="changed in the month before"),
        pytest.param(12, "99", id="the last terms hold on"),
    ],
)
def test_a_month_has_the_terms_of_its_first_minute(month: int, target: str) -> None:
    assert target_of(CHANGED, month) == target


def test_terms_that_come_into_force_with_the_first_minute_are_the_months() -> None:
    records = [agreed("2026-08-01T00:00Z", "99.96"), agreed("2026-10-01T00:00Z", "99")]

    assert (target_of(records, 9), target_of(records, 10)) == ("99.96", "99")


def test_the_first_minute_is_that_of_the_agreement_where_it_begins_later() -> None:
    late = AgreementTerms(service="crm", since=minute("2026-10-15T00:00Z"))

    assert target_of(CHANGED, 10, [late]) == "99"
    assert target_of(CHANGED, 10, [late, *ALWAYS]) == "99.96"


def test_the_first_minute_is_that_of_the_hours_that_are_promised() -> None:
    hours = WeekHours(zone=UTC, windows=dict.fromkeys(range(5), ((480, 1080),)))
    saturday = minute("2026-08-01T00:00Z")

    assert first_in_scope(terms(hours=hours), (2026, 8), ALWAYS) == saturday + 2 * 1440 + 480


def test_a_month_without_scope_begins_with_itself() -> None:
    over = AgreementTerms(service="crm", until=minute("2026-08-01T00:00Z"))

    assert first_in_scope(terms(), (2026, 10), [over]) == OCTOBER
    assert first_in_scope(terms(), (2026, 10), []) == OCTOBER


def test_the_month_is_that_of_the_zone_that_was_agreed() -> None:
    bogota = ZoneInfo("America/Bogota")
    records = [
        agreed("2026-08-01T00:00Z", "99.96"),
        agreed(
            "2026-10-01T03:00Z", "99", zone=bogota, zone_name=str(bogota)
        ),  # September goes on there, October began here
    ]

    assert target_of(records, 10) == "99"
    assert target_of(records[:1], 10) == "99.96"


def changed(records: Sequence[Agreed], start: Minute = OCTOBER) -> list[tuple[str, ...]]:
    stop = Minute(start + 31 * 1440)
    return [each.changed for each in changes_in(records, records[0], start, stop)]


def test_what_changed_during_the_month_is_told() -> None:
    (change,) = changes_in(CHANGED, CHANGED[0], OCTOBER, NOVEMBER)

    assert change.since == minute("2026-10-14T10:00Z")
    assert change.changed == ('availability.target: "99.96" -> "99"',)


def test_terms_that_changed_after_the_month_are_not_its_business() -> None:
    assert changed(CHANGED, minute("2026-09-01T00:00Z")) == []


def test_another_calendar_is_told() -> None:
    def calendar(version: str, by: str) -> CalendarTerms:
        frozen = Frozen(version=version, first_year=2026, last_year=2027, approved_by=by)
        hours = WeekHours(zone=UTC, windows={0: ((480, 1080),)})
        return CalendarTerms(holidays="CO", frozen=frozen, hours=hours)

    records = [
        agreed("2026-09-01T00:00Z", calendar=calendar("1", "")),
        agreed("2026-10-02T00:00Z", calendar=calendar("2", "ana")),
    ]

    ((line,),) = changed(records)
    before, after = "1, approved by nobody", "2, approved by ana"
    days = "0 days off, 0 worked"
    assert line == f'holidays in force: "{before}, {days}" -> "{after}, {days}"'


def test_dates_of_an_agreement_that_move_minutes_of_the_month_are_told_whenever_that_was() -> None:
    ninth = minute("2026-10-09T00:00Z")
    records = [
        agreed("2026-09-01T00:00Z", dates={"crm": (None, None)}),
        agreed("2026-12-02T00:00Z", dates={"crm": (ninth, None), "new": (None, None)}),
    ]

    assert changed(records) == [
        ("crm: in the agreement open to open -> 2026-10-09T00:00Z to open",)
    ]
    assert changed(records, minute("2026-11-01T00:00Z")) == []


def test_a_service_that_is_taken_out_of_the_configuration_does_not_vanish_unseen() -> None:
    ninth = minute("2026-10-09T00:00Z")
    records = [
        agreed("2026-09-01T00:00Z", dates={"crm": (None, ninth), "pim": (None, None)}),
        agreed("2026-11-02T00:00Z", dates={"pim": (None, None)}),
    ]

    said = "crm: in the agreement open to 2026-10-09T00:00Z -> not configured any more"
    assert changed(records) == [(said,)]
    assert changed(records, minute("2026-11-01T00:00Z")) == []


def test_what_is_agreed_survives_its_text() -> None:
    crm = service(since=OCTOBER)
    acme = client(crm)
    text = agreed_text(acme)

    found = read_agreed(NOVEMBER, "f", text)

    assert found.contract == Contract(terms=acme.contract, support=acme.support)
    assert found.dates == {"crm": (OCTOBER, None)}
    assert (found.since, found.sha256) == (NOVEMBER, "f")
