"""A service's month: its strip, what lies over it, its outages and figures.

Everything that shows a figure (status, metrics, alerts, reports) gets it from here.
"""

from dataclasses import dataclass

from uptimed.core.figures import Figures, figures
from uptimed.core.minutes import MINUTES_PER_DAY, Minute, month_minutes
from uptimed.core.outages import Outage, outages
from uptimed.core.overlays import overlay
from uptimed.core.settings import ClientSettings, ServiceSettings
from uptimed.core.statement import Period
from uptimed.core.strip import (
    NO_OVERLAY,
    NOT_MEASURED,
    Strip,
)
from uptimed.core.terms import ContractTerms, Role
from uptimed.ledger.reading import judged_until, letters
from uptimed.ports import JournalReader

_LONGEST_REACH = 400 * MINUTES_PER_DAY  # how far an outage is followed beyond the month


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceMonth:
    """The judged minutes of a month, with what follows from them.

    *around* reaches beyond the month to the first up minute on each side; *outages* are looked at
    whole in it, and include those that do not count.
    """

    service: ServiceSettings
    period: Period
    strip: Strip
    overlay: str
    around: Strip
    outages: tuple[Outage, ...]
    figures: Figures


def period_of(client: ClientSettings, year: int, month: int, judged: Minute) -> Period:
    """Return the month in the client's zone, judged up to *judged* at most."""
    minutes = month_minutes(year, month, client.zone)
    return Period(
        month=f"{year:04d}-{month:02d}",
        zone_name=client.zone_name,
        zone=client.zone,
        start=Minute(minutes.start),
        stop=Minute(minutes.stop),
        judged=Minute(max(minutes.start, min(minutes.stop, judged))),
    )


def service_month(
    reader: JournalReader,
    client: ClientSettings,
    service: ServiceSettings,
    year: int,
    month: int,
    now: Minute,
) -> ServiceMonth:
    """Return the month of *service* as judged at *now*."""
    period = period_of(client, year, month, judged_until(reader, service.id, now))
    around = _around(reader, client, service, period)
    over = _overlay(client.contract, service, period, around.start, around.stop)
    found = outages(
        around,
        over,
        down=client.contract.down,
        min_consecutive=client.contract.min_consecutive,
    )
    first, last = period.start - around.start, period.judged - around.start
    strip = around.cut(period.start, period.judged)
    in_month = range(period.start, period.judged)
    return ServiceMonth(
        service=service,
        period=period,
        strip=strip,
        overlay=over[first:last],
        around=around,
        outages=tuple(o for o in found if o.minutes_in(in_month)),
        figures=figures(
            strip,
            over[first:last],
            found,
            client.contract,
            has_login=any(p.role is Role.LOGIN for p in service.probes),
            ahead=_ahead(client.contract, service, period),
        ),
    )


def _overlay(
    contract: ContractTerms, service: ServiceSettings, period: Period, start: Minute, stop: Minute
) -> str:
    month = range(period.start, period.stop)
    return overlay(contract, service.agreement, month, start, stop)


def _ahead(contract: ContractTerms, service: ServiceSettings, period: Period) -> int:
    """Return the minutes of scope that are still to be judged in a month in progress."""
    if period.complete:
        return 0
    rest = _overlay(contract, service, period, period.judged, period.stop)
    return rest.count(NO_OVERLAY)


def _around(
    reader: JournalReader, client: ClientSettings, service: ServiceSettings, period: Period
) -> Strip:
    """Return the month's judged minutes, reaching out to the first up minute on each side."""
    span = reader.span(service.id) or range(period.start, period.start)
    strip = letters(reader, service, period.start, period.judged)
    before = _reach_back(reader, client, service, period, span)
    after = _reach_on(reader, client, service, period, span)
    return Strip(Minute(period.start - len(before)), before + strip.letters + after)


def _reach_back(
    reader: JournalReader,
    client: ClientSettings,
    service: ServiceSettings,
    period: Period,
    span: range,
) -> str:
    reach = 60
    while True:
        start = Minute(max(period.start - reach, min(span.start, period.start)))
        strip = letters(reader, service, start, period.start)
        ends = _up_indexes(client.contract, service, period, strip)
        if ends:
            return strip.letters[ends[-1] :]
        if start <= span.start or reach >= _LONGEST_REACH:
            return strip.letters.lstrip(NOT_MEASURED)
        reach *= 8


def _reach_on(
    reader: JournalReader,
    client: ClientSettings,
    service: ServiceSettings,
    period: Period,
    span: range,
) -> str:
    if not period.complete:
        return ""
    reach = 60
    while True:
        stop = Minute(min(period.stop + reach, max(span.stop, period.stop)))
        strip = letters(reader, service, period.stop, stop)
        starts = _up_indexes(client.contract, service, period, strip)
        if starts:
            return strip.letters[: starts[0] + 1]
        if stop >= span.stop or reach >= _LONGEST_REACH:
            return strip.letters.rstrip(NOT_MEASURED)
        reach *= 8


def _up_indexes(
    contract: ContractTerms, service: ServiceSettings, period: Period, strip: Strip
) -> list[int]:
    over = _overlay(contract, service, period, strip.start, strip.stop)
    return [
        i
        for i, (letter, laid) in enumerate(zip(strip.plain, over, strict=True))
        if letter != NOT_MEASURED and letter not in contract.down and laid == NO_OVERLAY
    ]
