"""Drawing up a quarter or a year of a client, from the same minutes as its months."""

from uptimed.core.amendments import Amendments
from uptimed.core.calendars import Second
from uptimed.core.long_period import LongService, LongStatement, MonthFigures, pooled
from uptimed.core.minutes import MINUTE, Minute, minute_of, month_minutes
from uptimed.core.observations import SECOND, Instant
from uptimed.core.settings import ClientSettings, ServiceSettings, Settings
from uptimed.core.statement import Party
from uptimed.ledger.incidents import casebook
from uptimed.ledger.month import amendments_of, service_month
from uptimed.ledger.reading import judged_until
from uptimed.ledger.support import support_of_period
from uptimed.ports import JournalReader


def long_statement(
    reader: JournalReader,
    settings: Settings,
    client: ClientSettings,
    name: str,
    months: tuple[tuple[int, int], ...],
    *,
    now: Instant,
    software: str,
    parties: tuple[Party, Party],
) -> LongStatement:
    """Return *months* of *client*, which follow each other, as they stand at *now*.

    Those that have not begun are left out; the first has. Each is judged by the terms on record
    for it. *parties* are the client and the operator as they are to be named.
    """
    present = minute_of(now)
    start = Minute(month_minutes(*months[0], client.zone).start)
    stop = Minute(month_minutes(*months[-1], client.zone).stop)
    begun = tuple(m for m in months if month_minutes(*m, client.zone).start <= present)
    judged = [judged_until(reader, service.id, present) for service in client.services]
    until = Minute(min(stop, min(judged, default=present)))
    as_of = Instant(stop * MINUTE) if until >= stop else now
    entered = amendments_of(reader, client.id)
    support, _ = support_of_period(
        reader,
        client,
        casebook(reader, client.id),
        start=Second(start * 60),
        stop=Second(stop * 60),
        at=Second(as_of // SECOND),
    )
    return LongStatement(
        client=parties[0],
        operator=parties[1],
        language=client.language,
        name=name,
        zone_name=client.zone_name,
        zone=client.zone,
        start=start,
        stop=stop,
        judged=until,
        contract=client.contract,
        services=tuple(
            _service(reader, client, service, begun, present, entered)
            for service in client.services
        ),
        support=support if client.support.severities else None,
        software=software,
        as_of=as_of,
        made_up=settings.made_up,
    )


def _service(
    reader: JournalReader,
    client: ClientSettings,
    service: ServiceSettings,
    months: tuple[tuple[int, int], ...],
    now: Minute,
    entered: Amendments,
) -> LongService:
    seen = [service_month(reader, client, service, *month, now, entered) for month in months]
    return LongService(
        id=service.id,
        name=service.name,
        months=tuple(
            MonthFigures(
                month=each.period.month,
                figures=each.figures,
                target=each.contract.target,
                promised=each.contract.promised,
                complete=each.period.complete,
            )
            for each in seen
        ),
        pooled=pooled([each.figures for each in seen]),
    )
