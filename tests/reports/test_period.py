"""A quarter on paper: whole, and named as its months are."""

from dataclasses import replace
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from reports.html import long_html
from tests.reports import samples
from tests.reports.goldens import assert_golden
from tests.reports.supporting import NATIVE, supporting
from uptimed.core.long_period import LongService, LongStatement, MonthFigures, pooled
from uptimed.core.minutes import Minute, month_minutes
from uptimed.core.statement import Party

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="90" height="20"/></svg>'

ZONE = ZoneInfo("Europe/Madrid")


@cache
def quarter() -> LongStatement:
    """Return the last quarter of a year, whose last month is not over."""
    months = [
        samples.met_with_nothing_left(), samples.breached(), samples.in_progress(),
    ]  # fmt: skip
    first, last = months[0], months[-1]
    figures = [month.services[0].figures for month in months]
    shown = tuple(
        MonthFigures(
            month=f"2026-{number}",
            figures=each,
            target="99.96",
            promised=True,
            complete=number < 12,
        )
        for number, each in enumerate(figures, start=10)
    )
    service = LongService(id="acme-crm", name="DataCRM", months=shown, pooled=pooled(figures))
    return LongStatement(
        client=first.client,
        operator=first.operator,
        language="es",
        name="2026-Q4",
        zone_name="Europe/Madrid",
        zone=ZONE,
        start=Minute(month_minutes(2026, 10, ZONE).start),
        stop=Minute(month_minutes(2026, 12, ZONE).stop),
        judged=Minute(month_minutes(2026, 12, ZONE).start + 17_909),
        contract=first.contract,
        services=(service,),
        support=supporting(NATIVE),
        software="uptimed 0.1.0",
        as_of=last.as_of,
    )


@pytest.mark.parametrize("code", ["en", "es", "ru"])
def test_a_quarter_is_as_reviewed(code: str) -> None:
    assert_golden(f"period-{code}.html", long_html(quarter(), code))


def test_a_logo_stands_where_it_stands_in_a_month() -> None:
    party = Party(id="acme", name="ACME S.A.S.", logo=SVG, logo_type="image/svg+xml")
    page = long_html(replace(quarter(), client=party, operator=party), "es")
    masthead = page.partition('<header class="masthead">')[2].partition("</header>")[0]
    assert masthead.count('<img src="data:image/svg+xml;base64,') == 2
    assert 'alt="ACME S.A.S."' in masthead
