"""Where other vantages' looks come from, where a configuration says so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from uptimed.core.settings import Settings
from uptimed.ports import Clock, Secrets, SharedLooks


@asynccontextmanager
async def gathering(
    settings: Settings, secrets: Secrets, clock: Clock, software: str
) -> AsyncIterator[SharedLooks | None]:
    """Open what monitors share; what InfluxDB needs is loaded only where it is configured."""
    influx = settings.influxdb
    if influx is None or not influx.settle:
        yield None
        return
    from uptimed.stores.influx import shared_looks

    async with shared_looks(influx, secrets=secrets, clock=clock, software=software) as shared:
        yield shared
