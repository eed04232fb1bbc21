"""Reading looks and letters back from InfluxDB, in Flux.

What comes back is what the journals had, whichever monitors they were of, but for evidence, which
never leaves a journal. It is streamed, a service's day at a time: nothing larger is in memory.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aiohttp
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.flux_csv_parser import FluxCsvParserException, FluxQueryException

from uptimed.core.minutes import (
    MINUTE,
    Minute,
    day_minutes,
    days_between,
    instant_of,
    moment_of,
    start_of,
)
from uptimed.core.observations import SECOND, Attempt, Instant, Outcome, Phase
from uptimed.core.settings import Influx
from uptimed.core.strip import NOT_MEASURED, Strip
from uptimed.ports import Clock, SecretMissing, Secrets, StoreError
from uptimed.stores import influx_points as points
from uptimed.stores.influx_lines import tag, tag_read, text_read
from uptimed.stores.influx_server import Server
from uptimed.stores.influx_setup import flux_text

_LONGEST_LAG_US = 600 * SECOND  # from a look's start to its last attempt's, stepped clocks included
_FAULTS = (
    SecretMissing, InfluxDBError, FluxQueryException, FluxCsvParserException, aiohttp.ClientError,
    OSError,
)  # fmt: skip


class InfluxReader:
    """Asks an InfluxDB. Everything raises `StoreError` when it does not answer."""

    def __init__(self, server: Server) -> None:
        self._server, self._influx = server, server.settings

    async def services(self) -> Sequence[str]:
        """Return the services that there are looks or letters of, by name."""
        found = set()
        for bucket, measurement in (
            (self._influx.bucket_looks, points.LOOK),
            (self._influx.bucket_letters, points.MINUTE_OF),
        ):
            query = (
                'import "influxdata/influxdb/schema"\n'
                f'schema.tagValues(bucket: {flux_text(bucket)}, tag: "service", start: 0, '
                f'predicate: (r) => r._measurement == "{measurement}")'
            )
            async for row in self._rows(query):
                found.add(tag_read(row["_value"]))
        return sorted(found)

    async def attempts(self, service: str, start: Minute, stop: Minute) -> AsyncIterator[Attempt]:
        """Yield the attempts whose look begins in [start, stop), by look, start and account.

        Equal ones follow the names of their probes and vantages.
        """
        for day in days_between(start, stop):
            minutes = day_minutes(day)
            first, last = max(start, minutes.start), min(stop, minutes.stop)
            found = {
                (a.at, a.account, a.probe, a.vantage): a
                async for a in self._day_attempts(service, Minute(first), Minute(last))
            }
            order = sorted(
                found.values(), key=lambda a: (a.look, a.at, a.account, a.probe, a.vantage)
            )
            for attempt in order:
                yield attempt

    async def letters(self, service: str, start: Minute, stop: Minute, *, vantage: str) -> Strip:
        """Return the letters that the monitor *vantage* laid down for [start, stop).

        Minutes without one are `N`.
        """
        canvas = [NOT_MEASURED] * max(0, stop - start)
        for day in days_between(start, stop):
            minutes = day_minutes(day)
            first, last = max(start, minutes.start), min(stop, minutes.stop)
            query = (
                _from(self._influx.bucket_letters, start_of(Minute(first)), start_of(Minute(last)))
                + _only(points.MINUTE_OF, service=service, vantage=vantage)
                + '  |> filter(fn: (r) => r._field == "letter" or r._field == "unverified")\n'
                + _AS_COLUMNS
            )
            async for row in self._rows(query):
                minute = _instant(row["_time"]) // MINUTE
                mark = points.mark_of(row["letter"], unverified=bool(row.get("unverified")))
                canvas[minute - start] = mark
        return Strip(start, "".join(canvas))

    async def _day_attempts(
        self, service: str, start: Minute, stop: Minute
    ) -> AsyncIterator[Attempt]:
        since = Instant(max(0, start_of(start) - _LONGEST_LAG_US))
        until = Instant(start_of(stop) + _LONGEST_LAG_US)
        query = (
            _from(self._influx.bucket_looks, since, until)
            + _only(points.LOOK, service=service)
            + _AS_COLUMNS
        )
        async for row in self._rows(query):
            attempt = _attempt(service, row)
            if start_of(start) <= attempt.look < start_of(stop):
                yield attempt

    async def _rows(self, query: str) -> AsyncIterator[dict[str, Any]]:
        try:
            client = self._server.client()
            stream = await client.query_api().query_stream(query, org=self._influx.org)
            async for record in stream:
                yield record.values
        except (FluxQueryException, FluxCsvParserException) as error:
            raise StoreError(f"{self._influx.url}: {error}") from error
        except _FAULTS as error:
            message = self._server.answer(error).message
            raise StoreError(f"{self._influx.url}: {message}") from error


_AS_COLUMNS = '  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")\n'


def _from(bucket: str, start: Instant, stop: Instant) -> str:
    return (
        f"from(bucket: {flux_text(bucket)})\n"
        f"  |> range(start: {_flux_time(start)}, stop: {_flux_time(stop)})\n"
    )


def _only(measurement: str, **tags: str) -> str:
    # Over there a tag is what the line protocol made of it, less the escapes of the protocol.
    wanted = [("_measurement", measurement), *((k, _unescaped(tag(v))) for k, v in tags.items())]
    told = " and ".join(f"r.{key} == {flux_text(value)}" for key, value in wanted)
    return f"  |> filter(fn: (r) => {told})\n"


def _unescaped(written: str) -> str:
    return written.replace("\\,", ",").replace("\\=", "=").replace("\\ ", " ")


def _flux_time(at: Instant) -> str:
    return moment_of(at).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _instant(moment: datetime) -> Instant:
    return instant_of(moment)


def _attempt(service: str, row: dict[str, Any]) -> Attempt:
    at = _instant(row["_time"])
    took = row.get("took_us")
    expires = row.get("certificate_expires_us")
    return Attempt(
        service=service,
        probe=tag_read(row.get("probe") or ""),
        vantage=tag_read(row.get("vantage") or ""),
        at=at,
        look=Instant(at - int(row.get("lag_us") or 0)),
        outcome=Outcome(row["outcome"]),
        cause=text_read(row.get("cause") or ""),
        detail=text_read(row.get("detail") or ""),
        took_us=None if took is None else int(took),
        account=int(row.get("account") or 0),
        secret=text_read(row.get("fingerprint") or ""),
        phases={
            phase: int(row[f"{phase}_us"]) for phase in Phase if row.get(f"{phase}_us") is not None
        },
        certificate_expires=None if expires is None else Instant(int(expires)),
    )


@asynccontextmanager
async def influx_reader(
    influx: Influx, *, secrets: Secrets, clock: Clock, software: str
) -> AsyncIterator[InfluxReader]:
    """Open a reader of what *influx* names."""
    async with Server(influx, secrets, clock, software) as server:
        yield InfluxReader(server)
