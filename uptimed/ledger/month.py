"""A service's month: its strip, what lies over it, its outages and figures.

Everything that shows a figure (status, metrics, alerts, reports) gets it from here. What people
entered is laid over what is on record here and nowhere else: corrections first, then scope,
maintenance and exceptions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from uptimed.core.amendments import AMENDING, Amendments, Month, amendments
from uptimed.core.corrections import Correction, corrected
from uptimed.core.figures import Figures, figures
from uptimed.core.minutes import MINUTES_PER_DAY, Minute, moment_of_minute, month_minutes
from uptimed.core.outages import Outage, outages
from uptimed.core.overlays import overlay
from uptimed.core.settings import ClientSettings, ServiceSettings
from uptimed.core.statement import Period
from uptimed.core.strip import NO_OVERLAY, NOT_MEASURED, Strip
from uptimed.core.terms import AgreementTerms, ContractTerms, Role
from uptimed.ledger.agreed import agreed
from uptimed.ledger.reading import judged_until, letters, watched
from uptimed.ports import JournalReader

Spans = Sequence[range]

_REACH = 60  # minutes that are read beyond the month first
_LONGEST_REACH = 400 * MINUTES_PER_DAY  # how far an outage is followed beyond the month


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceMonth:
    """The judged minutes of a month, with what follows from them.

    *strip* and *around* have the letters that count, corrections included; *around* reaches beyond
    the month to the first up minute on each side, under *around_overlay*, and *recorded* has its
    letters as they are on record. *outages* are looked at whole in it, and include those that do
    not count. *agreement* has the maintenance that was entered by command as well, and *entered*
    all of it.
    """

    service: ServiceSettings
    contract: ContractTerms
    agreement: AgreementTerms
    entered: Amendments
    period: Period
    strip: Strip
    overlay: str
    around: Strip
    around_overlay: str
    recorded: Strip
    outages: tuple[Outage, ...]
    figures: Figures

    @property
    def month(self) -> Month:
        """Return the month in the client's zone."""
        return Month(name=self.period.month, start=self.period.start, stop=self.period.stop)

    def under(self, made: Sequence[Correction], *, exceptions: bool = True) -> "ServiceMonth":
        """Return the same month as it would be with *made* alone for corrections.

        Without *exceptions* nothing is excepted: what was is counted by its letter.
        """
        over = _Over(
            self.service, self.contract, self.entered, tuple(made), self.figures.has_login,
            exceptions,
        )  # fmt: skip
        return _seen(self.recorded, over, self.period)


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


def amendments_of(reader: JournalReader, client: str) -> Amendments:
    """Return what people entered for *client*."""
    entries = reader.entries(client, AMENDING)
    return amendments(entries, reader.posts(client)) if entries else Amendments()


@dataclass(frozen=True, slots=True)
class _Over:
    """What lies over the letters of a service: its agreement, and what people entered."""

    service: ServiceSettings
    contract: ContractTerms
    entered: Amendments
    corrections: tuple[Correction, ...]
    has_login: bool = False
    exceptions: bool = True

    def agreement(self) -> AgreementTerms:
        """Return the agreement with the maintenance that was entered by command as well."""
        own, windows = self.service.agreement, self.entered.maintenance(self.service.id)
        return replace(own, maintenance=(*own.maintenance, *windows)) if windows else own

    def overlay(self, period: Period, start: Minute, stop: Minute, became: Spans = ()) -> str:
        """Return what lies over [start, stop); minutes of *became* were corrected to exceptions."""
        excepted = [*became, *self.entered.excepted(self.contract, self.service.id, start, stop)]
        month = range(period.start, period.stop)
        spans = excepted if self.exceptions else []
        return overlay(self.contract, self.agreement(), month, start, stop, spans)


def service_month(
    reader: JournalReader,
    client: ClientSettings,
    service: ServiceSettings,
    year: int,
    month: int,
    now: Minute,
    entered: Amendments | None = None,
) -> ServiceMonth:
    """Return the month of *service* as judged at *now*, under the terms on record for it.

    *entered* is what people entered for the client, where the caller has it already.
    """
    if entered is None:
        entered = amendments_of(reader, client.id)
    client = agreed(reader, client, year, month).client
    service = next((known for known in client.services if known.id == service.id), service)
    period = period_of(client, year, month, judged_until(reader, service.id, now))
    made = entered.corrections_of(service.id)
    ways = watched(reader, service, period.start, period.judged)
    has_login = any(p.role is Role.LOGIN for terms in ways for p in terms.probes)
    over = _Over(service, client.contract, entered, made, has_login)
    return _seen(_around(reader, over, period), over, period)


def counted(
    reader: JournalReader,
    client: ClientSettings,
    service: ServiceSettings,
    start: Minute,
    stop: Minute,
    entered: Amendments,
) -> tuple[Strip, str]:
    """Return the letters of any stretch that count, and what lies over them."""
    over = _Over(service, client.contract, entered, entered.corrections_of(service.id))
    strip, became = corrected(letters(reader, service, start, stop), over.corrections)
    day = moment_of_minute(start).astimezone(client.zone).date()
    period = period_of(client, day.year, day.month, start)
    return strip, over.overlay(period, start, stop, became)


def _seen(recorded: Strip, over: _Over, period: Period) -> ServiceMonth:
    contract, service = over.contract, over.service
    around, became = corrected(recorded, over.corrections)
    laid = over.overlay(period, around.start, around.stop, became)
    found = outages(around, laid, down=contract.down, min_consecutive=contract.min_consecutive)
    first, last = period.start - around.start, period.judged - around.start
    strip = around.cut(period.start, period.judged)
    in_month = range(period.start, period.judged)
    return ServiceMonth(
        service=service,
        contract=contract,
        agreement=over.agreement(),
        entered=over.entered,
        period=period,
        strip=strip,
        overlay=laid[first:last],
        around=around,
        around_overlay=laid,
        recorded=recorded,
        outages=tuple(o for o in found if o.minutes_in(in_month)),
        figures=figures(
            strip,
            laid[first:last],
            found,
            contract,
            has_login=over.has_login,
            ahead=_ahead(over, period),
        ),
    )


def _ahead(over: _Over, period: Period) -> int:
    """Return the minutes of scope that are still to be judged in a month in progress."""
    if period.complete:
        return 0
    return over.overlay(period, period.judged, period.stop).count(NO_OVERLAY)


def _around(reader: JournalReader, over: _Over, period: Period) -> Strip:
    """Return the month's judged minutes, reaching out to the first up minute on each side.

    As they are on record: no correction makes an outage longer than it is there. All of it is read
    at once, and again only where an outage crosses the month's edge by more than was read.
    """
    service = over.service
    span = reader.span(service.id) or range(period.start, period.start)
    first = min(span.start, period.start)
    last = max(span.stop, period.stop) if period.complete else period.judged
    back = on = _REACH
    while True:
        start = Minute(max(period.start - back, first))
        stop = Minute(min(period.judged + on, last))
        strip = letters(reader, service, start, stop)
        before, after = strip.cut(start, period.start), strip.cut(period.judged, stop)
        ends, starts = _ups(before, over, period), _ups(after, over, period)
        further_back = not ends and start > first and back < _LONGEST_REACH
        further_on = not starts and stop < last and on < _LONGEST_REACH
        if not further_back and not further_on:
            break
        back, on = back * (8 if further_back else 1), on * (8 if further_on else 1)
    head = before.letters[ends[-1] :] if ends else before.letters.lstrip(NOT_MEASURED)
    tail = after.letters[: starts[0] + 1] if starts else after.letters.rstrip(NOT_MEASURED)
    inside = strip.cut(period.start, period.judged)
    return Strip(Minute(period.start - len(head)), head + inside.letters + tail)


def _ups(strip: Strip, over: _Over, period: Period) -> list[int]:
    """Return where in *strip* minutes are up, so that an outage ends or begins there."""
    laid = over.overlay(period, strip.start, strip.stop)
    return [
        i
        for i, (letter, above) in enumerate(zip(strip.plain, laid, strict=True))
        if letter != NOT_MEASURED and letter not in over.contract.down and above == NO_OVERLAY
    ]
