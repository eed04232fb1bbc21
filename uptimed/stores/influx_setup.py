"""Setting InfluxDB up: buckets, how long they keep, and a task that sums up hours.

What the token may not do is said as text to be run by somebody who may.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.post_bucket_request import PostBucketRequest
from influxdb_client.domain.task_create_request import TaskCreateRequest
from influxdb_client.rest import ApiException
from influxdb_client.service.buckets_service import BucketsService
from influxdb_client.service.organizations_service import OrganizationsService
from influxdb_client.service.tasks_service import TasksService

from uptimed.core.settings import Influx
from uptimed.ports import Clock, SecretMissing, Secrets
from uptimed.stores.influx_points import LOOK, MINUTE_OF
from uptimed.stores.influx_server import Server

TASK = "uptimed hours"
_USUAL = Influx(url="", org="").bucket_letters
HOUR, LOOK_HOUR = "uptimed_hour", "uptimed_look_hour"
_DAY_S = 86_400
_NONSENSE = (ValueError, LookupError, AttributeError, TypeError)  # an answer of something else
_FAULTS = (SecretMissing, InfluxDBError, aiohttp.ClientError, OSError, *_NONSENSE)
_ADVICE = {
    401: "the token is wrong, or may not do this",
    403: "the token may not do this",
    404: "this is not InfluxDB 2; see `url`",
}


@dataclass(frozen=True, slots=True)
class SetUp:
    """What came of setting up. *to_run* is empty where nothing is left to do.

    *would* is what a dry run would have done, *problems* say why something could not be done, and
    *remarks* what is there and not as it is made here.
    """

    done: tuple[str, ...] = ()
    would: tuple[str, ...] = ()
    there: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    to_run: str = ""


def flux_text(value: str) -> str:
    """Return *value* as a text in Flux."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    for char, written in (("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        escaped = escaped.replace(char, written)
    return f'"{escaped}"'


def task_name(influx: Influx) -> str:
    """Return the name of the task: two uptimeds in one organisation have a task each."""
    return TASK if influx.bucket_letters == _USUAL else f"{TASK} of {influx.bucket_letters}"


def task_flux(influx: Influx) -> str:
    """Return the task that sums up hours, in Flux.

    Each run makes the last 54 whole hours again: letters may change until their day is sealed, six
    hours after its end, and looks may come late. What it writes overwrites itself.
    """
    looks, letters = flux_text(influx.bucket_looks), flux_text(influx.bucket_letters)
    return f"""\
import "date"

option task = {{name: {flux_text(task_name(influx))}, every: 1h, offset: 5m}}

start = date.truncate(t: -54h, unit: 1h)
stop = date.truncate(t: now(), unit: 1h)

from(bucket: {letters})
    |> range(start: start, stop: stop)
    |> filter(fn: (r) => r._measurement == "{MINUTE_OF}")
    |> filter(fn: (r) => r._field != "letter" and r._field != "code")
    |> aggregateWindow(every: 1h, fn: sum, timeSrc: "_start", createEmpty: false)
    |> set(key: "_measurement", value: "{HOUR}")
    |> to(bucket: {letters})
    |> yield(name: "letters")

took = from(bucket: {looks})
    |> range(start: start, stop: stop)
    |> filter(fn: (r) => r._measurement == "{LOOK}" and r._field == "took_us")

took
    |> aggregateWindow(every: 1h, fn: mean, timeSrc: "_start", createEmpty: false)
    |> set(key: "_measurement", value: "{LOOK_HOUR}")
    |> set(key: "_field", value: "took_us_mean")
    |> to(bucket: {letters})
    |> yield(name: "mean")

took
    |> aggregateWindow(every: 1h, fn: max, timeSrc: "_start", createEmpty: false)
    |> set(key: "_measurement", value: "{LOOK_HOUR}")
    |> set(key: "_field", value: "took_us_max")
    |> to(bucket: {letters})
    |> yield(name: "max")

took
    |> aggregateWindow(every: 1h, fn: count, timeSrc: "_start", createEmpty: false)
    |> set(key: "_measurement", value: "{LOOK_HOUR}")
    |> set(key: "_field", value: "looks")
    |> to(bucket: {letters})
    |> yield(name: "count")
"""


def what_to_run(influx: Influx, looks_kept_days: int) -> str:
    """Return the commands that do it all, for somebody whose token may."""
    host = f"--host {_shell(influx.url)} --org {_shell(influx.org)}"
    return f"""\
influx bucket create {host} --name {_shell(influx.bucket_looks)} --retention {looks_kept_days}d
influx bucket create {host} --name {_shell(influx.bucket_letters)} --retention 0
influx task create {host} --file - <<'FLUX'
{task_flux(influx)}FLUX
"""


async def set_up(
    influx: Influx,
    *,
    looks_kept_days: int,
    secrets: Secrets,
    clock: Clock,
    software: str,
    dry: bool = False,
) -> SetUp:
    """Make what is not there: a second time, nothing. Letters are kept for good.

    What is there already is left as it is. A *dry* run only asks what is there.
    """
    async with Server(influx, secrets, clock, software) as server:
        try:
            client = server.client()
            org = await _organisation(client, influx.org)
        except _FAULTS as error:
            return SetUp(
                problems=(_told(server, error),),
                to_run=what_to_run(influx, looks_kept_days),
            )
        if org is None:
            problem = f"there is no organisation {influx.org}, or the token may not see it"
            return SetUp(problems=(problem,), to_run=what_to_run(influx, looks_kept_days))
        work = _Work(server, client, org, dry=dry)
        await work.bucket(influx.bucket_looks, keep_days=looks_kept_days)
        if influx.bucket_letters != influx.bucket_looks:
            await work.bucket(influx.bucket_letters, keep_days=0)
        await work.task(task_name(influx), task_flux(influx))
        return SetUp(
            done=tuple(work.done),
            would=tuple(work.would),
            there=tuple(work.there),
            remarks=tuple(work.remarks),
            problems=tuple(work.problems),
            to_run=what_to_run(influx, looks_kept_days) if work.problems or work.would else "",
        )


class _Work:
    def __init__(self, server: Server, client: InfluxDBClientAsync, org: str, *, dry: bool) -> None:
        self._server, self._org, self._dry = server, org, dry
        self._buckets = BucketsService(client.api_client)  # type: ignore[no-untyped-call]
        self._tasks = TasksService(client.api_client)  # type: ignore[no-untyped-call]
        self.done: list[str] = []
        self.would: list[str] = []
        self.there: list[str] = []
        self.remarks: list[str] = []
        self.problems: list[str] = []

    async def bucket(self, name: str, *, keep_days: int) -> None:
        rules = [BucketRetentionRules(type="expire", every_seconds=keep_days * _DAY_S)]  # type: ignore[no-untyped-call]
        request = PostBucketRequest(org_id=self._org, name=name, retention_rules=rules)  # type: ignore[no-untyped-call]

        async def find() -> bool:
            try:
                found: Any = await self._buckets.get_buckets_async(org_id=self._org, name=name)  # type: ignore[no-untyped-call]
            except ApiException as error:
                if error.status == 404:  # so InfluxDB says that it has none of that name
                    return False
                raise
            there = [bucket for bucket in found.buckets or () if bucket.name == name]
            for bucket in there:
                self._compare(name, bucket.retention_rules or (), keep_days)
            return bool(there)

        async def make() -> None:
            await self._buckets.post_buckets_async(request)  # type: ignore[no-untyped-call]

        await self._ensure(f"bucket {name}", find, make, told=f"bucket {name}, {_kept(keep_days)}")

    def _compare(self, name: str, rules: Sequence[BucketRetentionRules], keep_days: int) -> None:
        seconds = [rule.every_seconds for rule in rules if rule.type == "expire"]
        days = -(-(seconds[0] or 0) // _DAY_S) if seconds else 0
        if days != keep_days:
            self.remarks.append(f"bucket {name}: {_kept(days)}; made here, it {_kept(keep_days)}")

    async def task(self, name: str, flux: str) -> None:
        request = TaskCreateRequest(org_id=self._org, flux=flux, status="active")  # type: ignore[no-untyped-call]

        async def find() -> bool:
            found: Any = await self._tasks.get_tasks_async(org_id=self._org, name=name)  # type: ignore[no-untyped-call]
            there = [task for task in found.tasks or () if task.name == name]
            if any(str(task.flux).strip() != flux.strip() for task in there):
                self.remarks.append(
                    f"task {name}: another than this version makes; delete it and run this again"
                )
            return bool(there)

        async def make() -> None:
            await self._tasks.post_tasks_async(request)  # type: ignore[no-untyped-call]

        await self._ensure(f"task {name}", find, make, told=f"task {name}")

    async def _ensure(
        self,
        what: str,
        find: Callable[[], Awaitable[bool]],
        make: Callable[[], Awaitable[None]],
        *,
        told: str,
    ) -> None:
        try:
            if await find():
                self.there.append(what)
                return
            if self._dry:
                self.would.append(told)
                return
            await make()
        except _FAULTS as error:
            self.problems.append(f"{what}: {_told(self._server, error)}")
        else:
            self.done.append(told)


def _kept(days: int) -> str:
    return f"keeps {days} days" if days else "keeps for good"


def _told(server: Server, error: Exception) -> str:
    """Return what went wrong, in one line for the operator."""
    if isinstance(error, ApiException) and error.status in _ADVICE:
        return f"status {error.status}; {_ADVICE[error.status]}"
    if isinstance(error, _NONSENSE):
        return "its answer is none of InfluxDB's; see `url`"
    return server.answer(error).message


async def _organisation(client: InfluxDBClientAsync, name: str) -> str | None:
    """Return the id of an organisation, by its name or the id itself."""
    service = OrganizationsService(client.api_client)  # type: ignore[no-untyped-call]
    found: Any = await service.get_orgs_async()  # type: ignore[no-untyped-call]
    for org in found.orgs or ():
        if name in {org.name, org.id}:
            return str(org.id)
    return None


def _shell(value: str) -> str:
    quoted = value.replace("'", "'\\''")
    return f"'{quoted}'"
