"""Where commands read the record: the journal here, or what monitors brought to InfluxDB."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from uptimed.clock import SystemClock
from uptimed.config.secrets import ConfiguredSecrets
from uptimed.core.observations import Instant
from uptimed.core.settings import Settings
from uptimed.ports import JournalReader, StoreError
from uptimed.stores.sqlite import Reader


@contextmanager
def brought(settings: Settings, software: str) -> Iterator[JournalReader]:
    """Open what this configuration's vantage brought to InfluxDB. Raise `StoreError`."""
    if settings.influxdb is None:
        raise StoreError("there is no [influxdb] in the configuration to read from")
    from uptimed.stores.influx_journal import influx_journal

    secrets, clock = ConfiguredSecrets(os.environ), SystemClock()
    with influx_journal(
        settings.influxdb, settings.vantage, secrets=secrets, clock=clock, software=software
    ) as journal:
        yield journal


@dataclass(frozen=True, slots=True)
class Behind:
    """How far a follower of the journal here is behind.

    *lag_us* is the age of the oldest look that is not there, and None where the journal cannot
    tell. What only the daemon knows, such as the reason, is in its log and metrics.
    """

    name: str
    backlog: int
    lag_us: int | None


def followers_of(settings: Settings, record: JournalReader, now: Instant) -> Sequence[Behind]:
    """Return how far each follower is behind; none where *record* is not the journal here."""
    if settings.influxdb is None or not isinstance(record, Reader):
        return ()
    from uptimed.stores.influx_follower import backlog, oldest_waiting

    waiting = backlog(record, settings.influxdb)
    oldest = oldest_waiting(record, settings.influxdb) if waiting else now
    lag = None if oldest is None else max(0, now - oldest)
    return (Behind("influx", waiting, lag),)
