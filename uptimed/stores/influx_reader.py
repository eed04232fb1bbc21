"""Reading back from InfluxDB, in Flux: what the journals had, whichever monitors they were of.

Evidence never leaves a journal; everything else comes back as it was. Looks are streamed, a
service's day at a time: nothing larger is in memory.

**What has come since.** A vantage that was cut off delivers hours later, in the order in which it
looked, so the time of a point says nothing about when it arrived. Nothing that arrives changes or
goes, though: there are only more attempts. `Shared.counts` asks how many there are in each few
minutes of the whole unsealed window (a query that the server answers from its index of times, with
a row for each stretch), and whoever knows how many there were reads the stretches with
`Shared.attempts` that have more. No mark, cursor or clock of the sender takes part in it.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from csv import Error as CsvError
from datetime import date
from typing import Any, TypeVar

import aiohttp
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.flux_csv_parser import FluxCsvParserException, FluxQueryException

from uptimed.core.entries import Entry
from uptimed.core.issues import Post
from uptimed.core.minutes import (
    MINUTE,
    Minute,
    day_minutes,
    days_between,
    instant_of,
    minute_of,
    moment_of,
    start_of,
)
from uptimed.core.observations import SECOND, Attempt, Instant, Outcome, Phase
from uptimed.core.settings import Influx
from uptimed.core.strip import Strip
from uptimed.ports import (
    BlindMinute,
    Clock,
    ConfigRecord,
    ContractRecord,
    LifeEvent,
    Seal,
    SecretMissing,
    Secrets,
    StoreError,
)
from uptimed.stores import influx_points as points
from uptimed.stores import influx_records as records
from uptimed.stores.influx_lines import tag, tag_read, text_read
from uptimed.stores.influx_server import Server
from uptimed.stores.influx_setup import flux_text

T = TypeVar("T")

_LONGEST_LAG_US = 600 * SECOND  # from a look's start to its last attempt's, stepped clocks included
_LAST_DAY = date(2261, 12, 31)  # nanoseconds in 64 bits end in the year after it
_FOR_EVER = start_of(Minute(day_minutes(_LAST_DAY).stop))
_FAULTS = (
    SecretMissing, InfluxDBError, FluxQueryException, FluxCsvParserException, aiohttp.ClientError,
    OSError,
)  # fmt: skip
_NONSENSE = (FluxCsvParserException, CsvError, LookupError, ValueError, AttributeError, TypeError)
_NO_ANSWER = "its answer is none of InfluxDB's; see `url`"


class _Asking:
    """Asks an InfluxDB. Everything raises `StoreError` when it does not answer, or nonsense."""

    def __init__(self, server: Server) -> None:
        self._server, self._influx = server, server.settings

    async def rows(self, query: str) -> AsyncIterator[dict[str, Any]]:
        """Yield the rows that *query* finds."""
        try:
            client = self._server.client()
            stream = await client.query_api().query_stream(query, org=self._influx.org)
            async for record in stream:
                yield record.values
        except FluxQueryException as error:
            raise self._failed(self._server.told(str(error))) from error
        except _FAULTS as error:
            if isinstance(error, FluxCsvParserException):
                raise self._failed(_NO_ANSWER) from error
            raise self._failed(self._server.reading(error)) from error
        except _NONSENSE as error:
            raise self._failed(_NO_ANSWER) from error

    def _failed(self, message: str) -> StoreError:
        return StoreError(f"InfluxDB at {self._influx.url}: {message}")

    async def names(self, bucket: str, measurement: str, of: str) -> set[str]:
        """Return the values of a tag."""
        query = (
            'import "influxdata/influxdb/schema"\n'
            f"schema.tagValues(bucket: {flux_text(bucket)}, tag: {flux_text(of)}, start: 0, "
            f'predicate: (r) => r._measurement == "{measurement}")'
        )
        return {tag_read(str(row["_value"])) async for row in self.rows(query)}

    async def looks(self, of: str, start: Instant, stop: Instant) -> AsyncIterator[Attempt]:
        """Yield the attempts that began in [start, stop), of series that *of* filters."""
        query = _from(self._influx.bucket_looks, start, stop) + of + _AS_COLUMNS
        async for row in self.rows(query):
            try:
                attempt = _attempt(row)
            except _NONSENSE as error:
                raise self._failed(f"a look that is none: {row}") from error
            yield attempt

    async def of_letters(
        self, what: str, start: Instant, stop: Instant, last: str = "", **tags: str
    ) -> list[dict[str, Any]]:
        """Return the points of a measurement that has letters' retention, in [start, stop)."""
        bucket = self._influx.bucket_letters
        query = _from(bucket, start, stop) + _only(what, **tags) + last + _AS_COLUMNS
        return [row async for row in self.rows(query)]

    def made(self, rows: Iterable[dict[str, Any]], by: Callable[[dict[str, Any]], T]) -> list[T]:
        """Return what *rows* stand for, as *by* makes it of each."""
        try:
            return [by(row) for row in rows]
        except _NONSENSE as error:
            raise self._failed(f"a record that is none ({error!r})") from error


class InfluxReader:
    """What the monitors' journals had. Everything raises `StoreError`."""

    def __init__(self, server: Server) -> None:
        self._ask, self._influx = _Asking(server), server.settings

    async def services(self) -> Sequence[str]:
        """Return the services that there are looks or letters of, by name."""
        looks = await self._ask.names(self._influx.bucket_looks, points.LOOK, "service")
        letters = await self._ask.names(self._influx.bucket_letters, records.LAID, "service")
        return sorted(looks | letters)

    async def monitors(self) -> Sequence[str]:
        """Return the monitors that laid letters down, by name of their vantage."""
        return sorted(await self._ask.names(self._influx.bucket_letters, records.LAID, "vantage"))

    async def attempts(self, service: str, start: Minute, stop: Minute) -> AsyncIterator[Attempt]:
        """Yield the attempts whose look begins in [start, stop), by look, start and account.

        Equal ones follow the names of their probes and vantages.
        """
        for day in days_between(start, stop):
            minutes = day_minutes(day)
            first, last = max(start, minutes.start), min(stop, minutes.stop)
            begin, end = start_of(Minute(first)), start_of(Minute(last))
            since, until = max(0, begin - _LONGEST_LAG_US), end + _LONGEST_LAG_US
            stream = self._ask.looks(
                _only(points.LOOK, service=service), Instant(since), Instant(until)
            )
            found = {
                (a.at, a.account, a.probe, a.vantage): a
                async for a in stream
                if begin <= a.look < end
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
        laid = await self.laid(service, start, stop, vantage=vantage)
        return Strip(start, records.as_shown(laid.letters))

    async def laid(self, service: str, start: Minute, stop: Minute, *, vantage: str) -> Strip:
        """Return the letters of [start, stop) as `letters` does, `.` where none was laid."""
        canvas = [records.NOT_LAID] * max(0, stop - start)
        if canvas:
            rows = await self._ask.of_letters(
                records.LAID, start_of(Minute(start - start % 60)), start_of(stop),
                service=service, vantage=vantage,
            )  # fmt: skip
            for hour in self._ask.made(rows, records.laid_of):
                first, last = max(start, hour.start), min(stop, hour.stop)
                canvas[first - start : last - start] = hour.cut(Minute(first), Minute(last)).letters
        return Strip(start, "".join(canvas))

    async def span(self, service: str, *, vantage: str) -> range | None:
        """Return the minutes from the first to the last letter that was laid, or None."""
        ends: list[Strip] = []
        for which in ("first", "last"):
            rows = await self._ask.of_letters(
                records.LAID, Instant(0), _FOR_EVER, _one(which, "letters"),
                service=service, vantage=vantage,
            )  # fmt: skip
            hours = self._ask.made(rows, records.laid_of)
            if not hours:
                return None
            ends.append(hours[0])
        begin, end = ends
        skip = len(begin.letters) - len(begin.letters.lstrip(records.NOT_LAID))
        return range(begin.start + skip, end.start + len(end.letters.rstrip(records.NOT_LAID)))

    async def day_terms(
        self, service: str, first: date, last: date, *, vantage: str
    ) -> Mapping[date, tuple[str, int]]:
        """Return the digest of its terms and the version of its rules of each day on record."""
        rows = await self._ask.of_letters(
            records.DAY, *_days(first, last), service=service, vantage=vantage
        )
        found = self._ask.made(rows, records.day_of_row)
        return {day: (terms, rules) for day, terms, rules in found}

    async def configs(self, service: str, *, vantage: str) -> Sequence[ConfigRecord]:
        """Return the service's watch terms over time, oldest first."""
        rows = await self._ask.of_letters(
            records.TERMS, Instant(0), _FOR_EVER, service=service, vantage=vantage
        )
        return sorted(self._ask.made(rows, records.terms_of_row), key=lambda r: r.since)

    async def contracts(self, client: str, *, vantage: str) -> Sequence[ContractRecord]:
        """Return what was agreed with the client over time, oldest first."""
        rows = await self._ask.of_letters(
            records.CONTRACT, Instant(0), _FOR_EVER, client=client, vantage=vantage
        )
        return sorted(self._ask.made(rows, records.contract_of_row), key=lambda r: r.since)

    async def posts(self, client: str, *, vantage: str) -> Sequence[Post]:
        """Return what of the client's mails concerns figures, oldest first."""
        rows = await self._ask.of_letters(
            records.POST, Instant(0), _FOR_EVER, client=client, vantage=vantage
        )
        return sorted(self._ask.made(rows, records.post_of_row), key=lambda p: (p.at, p.key))

    async def seals(self, service: str, first: date, last: date, *, vantage: str) -> Sequence[Seal]:
        """Return the sealed days from *first* to *last*, both included, in order."""
        rows = await self._ask.of_letters(
            records.SEAL, *_days(first, last), service=service, vantage=vantage
        )
        return sorted(self._ask.made(rows, records.seal_of_row), key=lambda s: s.day)

    async def last_seal(self, service: str, *, vantage: str) -> Seal | None:
        """Return the head of the service's chain, or None before the first sealed day."""
        rows = await self._ask.of_letters(
            records.SEAL, Instant(0), _FOR_EVER, _LAST, service=service, vantage=vantage
        )
        whole = [row for row in rows if row.get("sha256")]  # parts may be of an earlier, longer one
        found = sorted(self._ask.made(whole, records.seal_of_row), key=lambda s: s.day)
        return found[-1] if found else None

    async def life(self, start: Minute, stop: Minute, *, vantage: str) -> Sequence[LifeEvent]:
        """Return the events that happened in, or explain minutes of, [start, stop), in order."""
        rows = await self._ask.of_letters(records.LIFE, Instant(0), _FOR_EVER, vantage=vantage)
        found = self._ask.made(rows, records.life_of_row)
        return [
            event
            for _, event in sorted(found, key=lambda item: (item[1].at, item[0]))
            if start * MINUTE <= event.at < stop * MINUTE
            or (event.start < stop and event.stop > start and event.start < event.stop)
        ]

    async def entries(self, *, vantage: str) -> Sequence[Entry]:
        """Return what was entered at that monitor, in order."""
        rows = await self._ask.of_letters(records.ENTRY, Instant(0), _FOR_EVER, vantage=vantage)
        return sorted(self._ask.made(rows, records.entry_of_row), key=lambda e: e.number)

    async def heartbeat(self, *, vantage: str) -> Instant | None:
        """Return when that monitor was last known to be alive."""
        rows = await self._ask.of_letters(
            records.ALIVE, Instant(0), _FOR_EVER, _one("last", "heartbeat_us"), vantage=vantage
        )
        return max(self._ask.made(rows, records.alive_of_row), default=None)

    async def blind(
        self, vantages: Sequence[str], start: Minute, stop: Minute
    ) -> Sequence[BlindMinute]:
        """Return the blind minutes of *vantages* in [start, stop), by minute and vantage."""
        if not vantages or stop <= start:
            return []
        query = (
            _from(self._influx.bucket_letters, start_of(start), start_of(stop))
            + _only(records.BLIND) + _any_of("vantage", vantages) + _AS_COLUMNS
        )  # fmt: skip
        rows = [row async for row in self._ask.rows(query)]
        found = self._ask.made(rows, records.blind_of_row)
        return sorted(found, key=lambda blind: (blind.minute, blind.vantage))

    async def counts(
        self,
        services: Sequence[str],
        vantages: Sequence[str],
        start: Minute,
        stop: Minute,
        every: int,
    ) -> Mapping[tuple[str, Minute], int]:
        """Return how many attempts are there that began in each *every* minutes of [start, stop).

        By vantage and the first minute; nothing stands for none. *start* is a multiple of *every*.
        Of every vantage where *vantages* is empty.
        """
        if not services or stop <= start:
            return {}
        query = (
            _from(self._influx.bucket_looks, start_of(start), start_of(stop))
            + _only(points.LOOK, field="lag_us")
            + _any_of("service", services) + (_any_of("vantage", vantages) if vantages else "")
            + f'  |> aggregateWindow(every: {every}m, fn: count, timeSrc: "_start", '
            "createEmpty: false)\n"
            '  |> group(columns: ["vantage", "_time"])\n'
            "  |> sum()\n"
            "  |> group()\n"
        )  # fmt: skip
        found: dict[tuple[str, Minute], int] = {}
        rows = [row async for row in self._ask.rows(query)]
        counted = self._ask.made(
            rows,
            lambda row: (tag_read(row["vantage"]), minute_of(instant_of(row["_time"])),
                         int(row["_value"])),
        )  # fmt: skip
        for vantage, minute, count in counted:
            key = vantage, Minute(minute - minute % every)
            found[key] = found.get(key, 0) + count
        return found


class Shared:
    """What several monitors leave there: `uptimed.ports.SharedLooks`."""

    def __init__(self, server: Server) -> None:
        self._ask, self._influx = _Asking(server), server.settings
        self._reader = InfluxReader(server)

    async def counts(
        self,
        services: Sequence[str],
        vantages: Sequence[str],
        start: Minute,
        stop: Minute,
        every: int,
    ) -> Mapping[tuple[str, Minute], int]:
        """Return how many attempts are there that began in each *every* minutes of [start, stop).

        By vantage and the first minute; nothing stands for none. *start* is a multiple of *every*.
        """
        if not vantages:
            return {}
        return await self._reader.counts(services, vantages, start, stop, every)

    async def attempts(
        self, services: Sequence[str], vantages: Sequence[str], start: Instant, stop: Instant
    ) -> AsyncIterator[Attempt]:
        """Yield the attempts that began in [start, stop), in any order and without evidence."""
        if services and vantages and stop > start:
            of = _only(points.LOOK) + _any_of("service", services) + _any_of("vantage", vantages)
            async for attempt in self._ask.looks(of, start, stop):
                yield attempt

    async def blind(
        self, vantages: Sequence[str], start: Minute, stop: Minute
    ) -> Sequence[BlindMinute]:
        """Return the blind minutes of *vantages* in [start, stop), by minute and vantage."""
        return await self._reader.blind(vantages, start, stop)


_AS_COLUMNS = '  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")\n'
_LAST = "  |> last()\n"


def _from(bucket: str, start: Instant, stop: Instant) -> str:
    return (
        f"from(bucket: {flux_text(bucket)})\n"
        f"  |> range(start: {_flux_time(start)}, stop: {_flux_time(stop)})\n"
    )


def _only(measurement: str, *, field: str = "", **tags: str) -> str:
    wanted = [("_measurement", measurement), *((k, _there(v)) for k, v in tags.items())]
    if field:
        wanted.append(("_field", field))
    told = " and ".join(f"r.{key} == {flux_text(value)}" for key, value in wanted)
    return f"  |> filter(fn: (r) => {told})\n"


def _any_of(of: str, values: Sequence[str]) -> str:
    told = " or ".join(f"r.{of} == {flux_text(_there(value))}" for value in sorted(set(values)))
    return f"  |> filter(fn: (r) => {told})\n"


def _one(which: str, field: str) -> str:
    return f'  |> filter(fn: (r) => r._field == "{field}")\n  |> {which}()\n'


def _there(value: str) -> str:
    # Over there a tag is what the line protocol made of it, less the escapes of the protocol.
    return tag(value).replace("\\,", ",").replace("\\=", "=").replace("\\ ", " ")


def _days(first: date, last: date) -> tuple[Instant, Instant]:
    begin = max(first, date(1970, 1, 1))
    end = min(last, _LAST_DAY)
    return start_of(Minute(day_minutes(begin).start)), start_of(Minute(day_minutes(end).stop))


def _flux_time(at: Instant) -> str:
    return moment_of(at).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _attempt(row: dict[str, Any]) -> Attempt:
    at = instant_of(row["_time"])
    took = row.get("took_us")
    expires = row.get("certificate_expires_us")
    return Attempt(
        service=tag_read(row["service"]),
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


@asynccontextmanager
async def shared_looks(
    influx: Influx, *, secrets: Secrets, clock: Clock, software: str
) -> AsyncIterator[Shared]:
    """Open what several monitors leave at what *influx* names."""
    async with Server(influx, secrets, clock, software) as server:
        yield Shared(server)
