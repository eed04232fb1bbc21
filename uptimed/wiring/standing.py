"""What letters and months on record say now, as alerts: for whoever asks without a daemon."""

from collections.abc import Iterator

from uptimed.alerting.watch import around, subject_of
from uptimed.core.alerts import Alert, Subject, episodes, seen, service_alerts
from uptimed.core.minutes import Minute, minute_of, moment_of_minute
from uptimed.core.observations import Instant
from uptimed.core.settings import ClientSettings, ServiceSettings, Settings
from uptimed.core.snapshot import ServiceView
from uptimed.core.strip import Strip
from uptimed.ledger.month import service_month
from uptimed.ports import JournalReader

_KEPT = 4 * 1440  # minutes, as the daemon has at hand


def standing(settings: Settings, reader: JournalReader, now: Instant) -> Iterator[Alert]:
    """Yield the alerts that stand by the letters and the month of each service on record.

    Accounts, certificates and the monitor itself are the daemon's to know.
    """
    for client in settings.clients:
        for service in client.services:
            view = _view(reader, client, service, minute_of(now))
            if view is not None:
                subject = subject_of(settings, client, service)
                yield from _standing(view, reader, service, subject, now)


def _standing(
    view: ServiceView,
    reader: JournalReader,
    service: ServiceSettings,
    subject: Subject,
    now: Instant,
) -> Iterator[Alert]:
    last = Minute(view.recent.stop - 1)
    told = {
        episode.since: seen(
            reader.attempts(service.id, *around(episode.since)),
            service.watch, episode.since, episode.letter,
        )
        for episode in episodes(view.recent, down=view.counted, after=last)
        if episode.rule.kind == "outage"
    }  # fmt: skip
    for alert in service_alerts(view, subject, now=now, seen=told):
        if alert.ends_at is None:
            yield alert


def _view(
    reader: JournalReader, client: ClientSettings, service: ServiceSettings, now: Minute
) -> ServiceView | None:
    span = reader.span(service.id)
    if span is None:
        return None
    start = Minute(max(span.start, span.stop - _KEPT))
    local = moment_of_minute(now).astimezone(client.zone)
    return ServiceView(
        service=service.id,
        client=client.id,
        platform=service.platform,
        settled=Minute(span.stop - 1),
        month=service_month(reader, client, service, local.year, local.month, now).figures,
        recent=Strip(start, reader.letters(service.id, start, Minute(span.stop)).letters),
        counted=client.contract.down,
    )
