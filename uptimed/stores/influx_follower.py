"""The follower: brings everything that the journal has to InfluxDB, in order and without end.

It reads after a durable cursor of its own, which moves only when the server has accepted: killed
anywhere, it sends some points again, which overwrite themselves. It holds one request's points in
memory, however long the server is away. Looks, letters and the other records (terms, sealed days,
life, entries, blind minutes) go their ways independently.

| answer                           | what is done                                               |
|----------------------------------|------------------------------------------------------------|
| accepted (204)                   | the cursor moves                                           |
| busy, failing or silent          | again, later and later up to a minute, or as it asked      |
| wrong token, bucket or URL       | again every few minutes: somebody must repair something    |
| too large                        | half as much from now on, and more again when it goes well |
| a point cannot be taken          | halved until that point is alone; it is set aside in a     |
|                                  | file, and the others go                                    |
| older than the bucket keeps      | left out and counted: it would be deleted at once          |

Before the first point is set aside a sign of life is written in its place: where the server takes
not even that, the fault is not the point's.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol, TypeVar

from uptimed.core.minutes import Minute
from uptimed.core.observations import SECOND, Instant
from uptimed.core.settings import Influx, Settings
from uptimed.core.snapshot import FollowerView
from uptimed.ports import Batch, Clock, Offload, Secrets, StoreError
from uptimed.stores import influx_lines as lines
from uptimed.stores.influx_aside import Aside
from uptimed.stores.influx_points import Catalogue, catalogue_of
from uptimed.stores.influx_rest import Rest
from uptimed.stores.influx_server import Answer, Means, Server, packed
from uptimed.stores.influx_source import Parcel, Source
from uptimed.stores.reading import Reader
from uptimed.stores.sqlite import open_reader

T = TypeVar("T")
Random = Callable[[], float]

NAME = "influx"
SIGN_OF_LIFE = "uptimed_follower"

_log = logging.getLogger(__name__)

_IDLE_US = 3 * SECOND  # how late a look is over there, at most, when all is well
_BREATH_US = 10  # for each line of a backlog: looks go on meanwhile, on the same processor
_FIRST_US, _LAST_US = SECOND, 60 * SECOND
_FIRST_MISTAKEN_US, _LAST_MISTAKEN_US = 60 * SECOND, 300 * SECOND
_LEAST_WHEN_SLOW = 100
_GROW_AFTER = 20  # requests that went well


class FollowedJournal(Protocol):
    """What a follower needs of the journal."""

    @property
    def path(self) -> Path:
        """Return where it is."""
        ...

    async def write(self, batch: Batch) -> None:
        """Keep *batch*, durable when this returns. Raise `StoreError` when it is not kept."""
        ...

    async def allow_following(self) -> None:
        """Make reading attempts in the order of writing quick."""
        ...


@dataclass(frozen=True, slots=True)
class CursorNames:
    """Under which names the journal keeps how far a follower has come.

    They hold a digest of where the points go: another server or bucket begins at the beginning.
    """

    looks: str
    letters: str
    outages: str  # begins the names of one for each service
    records: str
    rest: str  # begins the names of one for each kind of record, and more
    vantage: str  # a digest of the name that letters and records were sent under

    @classmethod
    def of(cls, influx: Influx) -> "CursorNames":
        """Return the names for where *influx* says."""

        def name(kind: str, bucket: str) -> str:
            where = f"{influx.url}\0{influx.org}\0{bucket}"
            return f"influx/{kind}/{sha256(where.encode()).hexdigest()[:12]}"

        letters = influx.bucket_letters
        return cls(
            name("looks", influx.bucket_looks), name("letters", letters),
            f"{name('outages', letters)}/", name("records", letters), f"{name('rest', letters)}/",
            name("vantage", letters),
        )  # fmt: skip


def backlog(reader: Reader, influx: Influx) -> int:
    """Return how much was written to the journal since the last that is known to be there.

    For whoever looks at a journal beside a running daemon. It counts looks, changed hours and other
    records.
    """
    names = CursorNames.of(influx)
    behind = reader.seq() - min(reader.cursor(names.looks), reader.cursor(names.letters))
    return behind + Rest(reader, names.rest, "").pending()


def oldest_waiting(reader: Reader, influx: Influx) -> Instant | None:
    """Return when the oldest look began that is not known to be there, None where nobody can tell.

    Letters that are not there are as old as the looks that were written after them.
    """
    names = CursorNames.of(influx)
    return reader.next_written(min(reader.cursor(names.looks), reader.cursor(names.letters)))


def delay_us(failures: int, answer: Answer, random: Random) -> int:
    """Return how long to wait after so many *failures* in a row, the last of them *answer*.

    Between half and all of a time that doubles, so that many followers do not come back at once;
    never sooner than the server asked for.
    """
    first, last = (
        (_FIRST_MISTAKEN_US, _LAST_MISTAKEN_US)
        if answer.means is Means.MISTAKEN
        else (_FIRST_US, _LAST_US)
    )
    whole = min(last, first << min(failures - 1, 20))
    spread = int(whole * (1 + random()) / 2)
    if answer.retry_after_us:
        return answer.retry_after_us + int(min(first, answer.retry_after_us) * random())
    return spread


@dataclass(frozen=True, slots=True)
class _World:
    journal: FollowedJournal
    server: Server
    source: Source
    aside: Aside
    do: Offload
    clock: Clock
    random: Random


class _Stream:
    """One kind of points on its way to its bucket."""

    def __init__(
        self,
        world: _World,
        what: str,
        *,
        bucket: str,
        cursor: str,
        read: Callable[[int, int], Parcel],
    ) -> None:
        self._world, self.what, self._bucket = world, what, bucket
        self._cursor, self._read = cursor, read
        self._most = self._limit = world.server.settings.batch_size
        self._well = 0  # requests in a row that went well, at this limit
        self._taken = False  # whether the server took anything of the parcel since it last failed
        self._failures = 0
        self.position = self.head = 0
        self.waiting_since: Instant | None = None
        self.error = ""
        self.sent = self.set_aside = self.expired = 0

    async def run(self) -> None:
        """Go on for ever."""
        await self.patiently(self._begin)
        while True:
            parcel = await self.patiently(self._next)
            if parcel.lines:
                await self._deliver(parcel)
            else:
                self._healed()
                await self._moved(parcel.end, parcel.also)
            if not parcel.full:
                self.waiting_since = None
            pause_us = _BREATH_US * len(parcel.lines) if parcel.full else _IDLE_US
            await self._world.clock.sleep(pause_us)

    async def _begin(self) -> None:
        reader = self._world.source.reader
        self.position = await self._world.do(lambda: reader.cursor(self._cursor))

    async def _next(self) -> Parcel:
        parcel = await self._world.do(lambda: self._read(self.position, self._limit))
        self.head = max(self.head, parcel.end)
        if parcel.lines:
            now = self._world.clock.now()
            oldest = now if parcel.oldest is None else min(now, parcel.oldest)
            behind = parcel.full or self.waiting_since is None
            self.waiting_since = oldest if behind else self.waiting_since
        return parcel

    async def patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return what *work* returns, once the journal and the disk are well."""
        while True:
            try:
                return await work()
            except (StoreError, OSError) as error:
                await self._wait(Answer(means=Means.LATER, message=f"here: {error}"))

    async def _deliver(self, parcel: Parcel) -> None:
        if parcel.begun:
            await self.patiently(lambda: self._remember(parcel.begun))
        self._taken = False
        pieces = [(0, len(parcel.lines))]
        while pieces:
            first, stop = pieces.pop()
            left = await self._piece(parcel, first, stop)
            pieces += reversed(left)
            if not left:
                self._healed()
                if pieces:
                    await self._moved(parcel.cursors[stop - 1], {})
        await self._moved(parcel.end, parcel.also)
        parcel.done()

    async def _piece(self, parcel: Parcel, first: int, stop: int) -> list[tuple[int, int]]:
        """Send the lines [first, stop); return the pieces of them that are still to be sent."""
        count = stop - first
        if count > self._limit:
            return [(first, first + self._limit), (first + self._limit, stop)]
        answer = await self._send(parcel, first, stop)
        match answer.means:
            case Means.THERE:
                self._went_well(count)
                return []
            case Means.EXPIRED if count in {1, answer.dropped}:
                self._left_out(count, answer.message)
                return []
            case Means.TOO_LARGE | Means.REFUSED | Means.EXPIRED if count > 1:
                if answer.means is Means.TOO_LARGE:
                    self._lower(count // 2)
                return [(first, first + count // 2), (first + count // 2, stop)]
            case Means.TOO_LARGE | Means.REFUSED if self._taken:
                await self._set_aside(parcel.lines[first], answer.message)
                return []
            case Means.TOO_LARGE | Means.REFUSED if await self._alive():
                self._taken = True  # and the point has another chance
            case _:
                self._taken = False
                if answer.slow and self._limit > _LEAST_WHEN_SLOW:
                    self._lower(max(_LEAST_WHEN_SLOW, self._limit // 2))
                await self._wait(answer)
        return [(first, stop)]

    async def _send(self, parcel: Parcel, first: int, stop: int) -> Answer:
        body = await self._world.do(lambda: packed(parcel.lines[first:stop]))
        return await self._world.server.write(self._bucket, body)

    async def _alive(self) -> bool:
        """Return whether the server takes a point that is certainly good."""
        of = lines.series(SIGN_OF_LIFE, {"vantage": self._world.source.catalogue.vantage})
        good = lines.line(of, lines.fields([("alive", 1)]), self._world.clock.now())
        answer = await self._world.server.write(self._bucket, packed([good]))
        return answer.means is Means.THERE

    async def _set_aside(self, line: str, reason: str) -> None:
        now, aside = self._world.clock.now(), self._world.aside

        async def keep() -> bool:
            return await self._world.do(lambda: aside.add(self._bucket, line, reason, now))

        if await self.patiently(keep):
            self.set_aside += 1
            if _worth_telling(self.set_aside - 1, self.set_aside):
                _log.warning(
                    "influx: %d of the %s refused since the start, set aside in %s: %s",
                    self.set_aside, self.what, aside.path, reason,
                )  # fmt: skip

    def _left_out(self, count: int, reason: str) -> None:
        before = self.expired
        self.expired += count
        if _worth_telling(before, self.expired):
            _log.warning(
                "influx: %d of the %s left out since the start, older than the bucket keeps: %s",
                self.expired, self.what, reason,
            )  # fmt: skip

    def _went_well(self, count: int) -> None:
        self._taken = True
        self.sent += count
        self._well += 1
        if self._well >= _GROW_AFTER and self._limit < self._most:
            self._limit, self._well = min(self._most, self._limit * 2), 0

    def _lower(self, limit: int) -> None:
        self._limit, self._well = limit, 0

    def _healed(self) -> None:
        if self.error:
            _log.info("influx: %s arrive again", self.what)
        self.error, self._failures = "", 0

    async def _moved(self, position: int, also: Mapping[str, int]) -> None:
        if position <= self.position and not also:
            return
        cursors = {self._cursor: position, **also}
        await self.patiently(lambda: self._world.journal.write(Batch(cursors=cursors)))
        self.position = position

    async def _remember(self, begun: Mapping[str, Minute]) -> None:
        name = self._world.source.begun_cursor
        cursors = {name(service): int(minute) for service, minute in begun.items()}
        await self._world.journal.write(Batch(cursors=cursors))

    async def _wait(self, answer: Answer) -> None:
        self._failures += 1
        if answer.message != self.error:
            _log.warning("influx: %s do not arrive: %s", self.what, answer.message)
        self.error = answer.message
        await self._world.clock.sleep(delay_us(self._failures, answer, self._world.random))
        source = self._world.source
        try:
            self.head = await self._world.do(source.head)
        except StoreError:  # it is told where the journal is read in earnest
            return


def _worth_telling(before: int, after: int) -> bool:
    """Return whether a count has passed a power of two: a flood is told of in a few lines."""
    return before.bit_length() != after.bit_length()


class InfluxFollower:
    """Follows the journal: see the module. One `follow` at a time."""

    def __init__(self, world: _World, influx: Influx) -> None:
        names = CursorNames.of(influx)
        self._world, self._names = world, names
        self._streams = (
            _Stream(
                world, "looks", bucket=influx.bucket_looks, cursor=names.looks,
                read=world.source.looks,
            ),
            _Stream(
                world, "letters", bucket=influx.bucket_letters, cursor=names.letters,
                read=world.source.letters,
            ),
            _Stream(
                world, "records", bucket=influx.bucket_letters, cursor=names.records,
                read=Rest(world.source.reader, names.rest, world.source.catalogue.vantage).next,
            ),
        )  # fmt: skip

    async def follow(self) -> None:
        """Bring over what is written, for ever; to be cancelled at any time.

        What the world does wrong is waited out. An exception out of it is a bug of ours.
        """
        await self._streams[0].patiently(self._world.journal.allow_following)
        await self._streams[0].patiently(self._under_our_name)
        async with asyncio.TaskGroup() as group:
            for stream in self._streams:
                group.create_task(stream.run())

    async def _under_our_name(self) -> None:
        """Begin again with letters and other records where the vantage was given another name.

        They stand under that name over there, and whoever reads asks for it.
        """
        reader, vantage = self._world.source.reader, self._world.source.catalogue.vantage
        name = int.from_bytes(sha256(vantage.encode()).digest()[:6], "big")
        known = await self._world.do(lambda: reader.cursor(self._names.vantage))
        if known != name:
            begun = (self._names.letters, self._names.outages, self._names.records)
            old: list[str] = []
            for prefix in (*begun, self._names.rest) if known else ():
                old += await self._world.do(partial(reader.cursors, prefix))
            cursors = {**dict.fromkeys(old, 0), self._names.vantage: name}
            await self._world.journal.write(Batch(cursors=cursors))

    def use(self, settings: Settings) -> None:
        """Name clients and count letters as *settings* say, for what is sent from now on."""
        self._world.source.catalogue = catalogue_of(settings)

    @property
    def set_aside(self) -> int:
        """Return how many points the server could not take since the start."""
        return sum(stream.set_aside for stream in self._streams)

    @property
    def expired(self) -> int:
        """Return how many points were older than their bucket keeps, since the start."""
        return sum(stream.expired for stream in self._streams)

    @property
    def sent(self) -> int:
        """Return how many points the server took since the start."""
        return sum(stream.sent for stream in self._streams)

    def view(self) -> FollowerView:
        """Return how far behind it is.

        The backlog counts what was written to the journal since the last that is there. The lag is
        the age of the oldest that is not, and nothing when all is.
        """
        now = self._world.clock.now()
        waiting = [stream for stream in self._streams if stream.waiting_since is not None]
        return FollowerView(
            name=NAME,
            backlog=max((stream.head - stream.position for stream in waiting), default=0),
            lag_us=max((max(0, now - (s.waiting_since or now)) for s in waiting), default=0),
            error="; ".join(
                dict.fromkeys(f"{s.what}: {s.error}" for s in self._streams if s.error)
            ),
        )


@asynccontextmanager
async def influx_follower(
    settings: Settings,
    journal: FollowedJournal,
    *,
    secrets: Secrets,
    clock: Clock,
    random: Random,
    software: str,
) -> AsyncIterator[InfluxFollower]:
    """Open what a follower needs; *settings* must say where to. It reads in a thread of its own.

    End its `follow` before the journal is closed.
    """
    influx = settings.influxdb
    if influx is None:
        raise ValueError("the configuration names no InfluxDB")
    async with AsyncExitStack() as stack:
        thread = ThreadPoolExecutor(1, thread_name_prefix="influx")
        stack.callback(thread.shutdown, wait=False)
        reader = open_reader(journal.path)
        stack.callback(reader.close)

        async def offload(work: Callable[[], T]) -> T:
            return await asyncio.get_running_loop().run_in_executor(thread, work)

        async def settle() -> None:
            await offload(lambda: None)  # what was asked of the thread is done before it ends

        stack.push_async_callback(settle)
        server = await stack.enter_async_context(Server(influx, secrets, clock, software))
        catalogue: Catalogue = catalogue_of(settings)
        source = Source(reader, catalogue, CursorNames.of(influx).outages)
        aside = Aside(journal.path)
        yield InfluxFollower(_World(journal, server, source, aside, offload, clock, random), influx)
