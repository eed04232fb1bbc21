"""Lists of holidays as the `holidays` package has them; it is met here and nowhere else.

It is asked only when a person is to approve a list: no clock ever depends on which version of it is
installed.
"""

from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from typing import Any

from uptimed.core.holidays import HolidaySet

SPANISH_REGIONS = (
    "AN", "AR", "AS", "CB", "CE", "CL", "CM", "CN", "CT", "EX", "GA", "IB", "MC", "MD", "ML", "NC",
    "PV", "RI", "VC",
)  # fmt: skip
HOLIDAY_SETS = ("CO", "ES", *(f"ES-{region}" for region in SPANISH_REGIONS), "GB-ENG", "RU")
"""The sets that a contract can name: a country, or a part of it as ISO 3166-2 has it."""

_LANGUAGES = {"CO": "es", "ES": "es", "GB": "en_GB", "RU": "ru"}


def listed(set_id: str, first_year: int, last_year: int) -> HolidaySet:
    """Return the days of that set in the years [*first_year*, *last_year*], approved by nobody.

    Russian years that are not decreed yet are left out: which days are moved is not known before.
    *last_year* of the set says how far it reaches.
    """
    import holidays  # a second, and only when a list is to be approved

    country, _, part = set_id.partition("-")
    moved = _moved() if country == "RU" else {}
    if moved:
        last_year = min(last_year, max(day.year for day in moved))
    found = holidays.country_holidays(
        country,
        subdiv=part or None,
        years=range(first_year, last_year + 1),
        language=_LANGUAGES[country],
    )
    worked = sorted(getattr(found, "weekend_workdays", ()))
    return HolidaySet(
        id=set_id,
        version="",
        first_year=first_year,
        last_year=last_year,
        days={day: str(found[day]) for day in sorted(found)},
        extra_days={day: moved[day].weekday() if day in moved else 0 for day in worked},
        source=f"holidays {version('holidays')}",
    )


def _moved() -> Mapping[date, date]:
    """Return for each Russian day that is worked, or was a holiday already, the day off for it."""
    from holidays.countries.russia import RussiaStaticHolidays

    years: Mapping[int, Any] = RussiaStaticHolidays.special_public_holidays
    return {
        date(year, from_month, from_day): date(year, month, day)
        for year, moves in years.items()
        for month, day, from_month, from_day in (moves if isinstance(moves[0], tuple) else (moves,))
    }
