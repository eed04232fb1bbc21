"""A stand-in for InfluxDB 2 on a real socket: strict, and as unfriendly as a test asks for.

It reads the line protocol by a parser of its own, knows organisation, buckets and token, keeps
points as InfluxDB does (same series and time: field by field overwritten), and answers as it does.
"""

import asyncio
import gzip
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "good-token"
ORG = "ours"
ORG_ID = "0123456789abcdef"

Value = int | str | float | bool
Key = tuple[str, tuple[tuple[str, str], ...], int]
Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Unparsable(Exception):
    """A line is none."""


@dataclass(frozen=True, slots=True)
class Point:
    measurement: str
    tags: dict[str, str]
    fields: dict[str, Value]
    at: int

    @property
    def key(self) -> Key:
        return self.measurement, tuple(sorted(self.tags.items())), self.at


def parsed(line: str) -> Point:
    """Read a line as the protocol's description says, character by character."""
    if any(ord(char) < 32 or ord(char) == 127 for char in line):
        raise Unparsable("a control character")
    head, rest = _until(line, " ")
    measurement, tags_text = _until(head, ",")
    if not measurement:
        raise Unparsable("no measurement")
    tags: dict[str, str] = {}
    while tags_text:
        item, tags_text = _until(tags_text, ",")
        key, value = _until(item, "=")
        key, value = _plain(key), _plain(value)
        if not key or not value or value.endswith("\\") or key in tags:
            raise Unparsable(f"tag {item!r}")
        tags[key] = value
    if list(tags) != sorted(tags):
        raise Unparsable("tags out of order")
    fields, rest = _fields(rest)
    if not re.fullmatch(r"-?\d+", rest) or abs(int(rest)) >= 2**63:
        raise Unparsable(f"time {rest!r}")
    return Point(_plain(measurement), tags, fields, int(rest))


def _until(text: str, mark: str) -> tuple[str, str]:
    """Return what stands before the first unescaped *mark*, and after it."""
    index = 0
    while index < len(text):
        if text[index] == "\\":
            index += 2
            continue
        if text[index] == mark:
            return text[:index], text[index + 1 :]
        index += 1
    return text, ""


def _plain(text: str) -> str:
    return re.sub(r"\\([,= ])", r"\1", text)


def _fields(text: str) -> tuple[dict[str, Value], str]:
    found: dict[str, Value] = {}
    while True:
        name, text = _until(text, "=")
        if not name or name == "time" or name in found:
            raise Unparsable(f"field {name!r}")
        if text.startswith('"'):
            match = re.match(r'"((?:[^"\\]|\\.)*)"', text, re.DOTALL)
            if match is None:
                raise Unparsable("a text without an end")
            found[name] = re.sub(r'\\(["\\])', r"\1", match[1])
        else:
            match = re.match(r"(-?\d+)i", text)
            if match is None or not -(2**63) <= int(match[1]) < 2**63:
                raise Unparsable(f"value {text[:20]!r}")
            found[name] = int(match[1])
        text = text[match.end() :]
        if text.startswith(" "):
            return found, text[1:]
        if not text.startswith(","):
            raise Unparsable(f"after a value {text[:20]!r}")
        text = text[1:]


def store(points: dict[Key, dict[str, Value]], point: Point) -> None:
    points.setdefault(point.key, {}).update(point.fields)


def answer(status: int, code: str = "", message: str = "", **headers: str) -> Reply:
    """Answer as InfluxDB says that something is wrong."""

    async def reply(request: web.Request) -> web.StreamResponse:
        body = json.dumps({"code": code, "message": message}) if message else ""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = "application/json" if body else None
        return web.Response(status=status, text=body, headers=named, content_type=kind)

    return reply


def page(status: int = 200) -> Reply:
    """Answer as something that is no InfluxDB."""

    async def reply(request: web.Request) -> web.StreamResponse:
        text = "<!doctype html><html><title>Sign in</title>" + "x" * 5000 + "</html>"
        return web.Response(status=status, text=text, content_type="text/html")

    return reply


async def hang(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response(status=204)


async def half(request: web.Request) -> web.StreamResponse:
    """Promise more than is sent, and go."""
    response = web.StreamResponse(status=503, headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"code":"inter')
    assert request.transport is not None
    request.transport.abort()
    return response


@dataclass
class InfluxDouble:
    """The stand-in. *plan* are replies to the next writes, in order; then it does as it should."""

    points: dict[str, dict[Key, dict[str, Value]]] = field(default_factory=dict)
    plan: deque[Reply | None] = field(default_factory=deque)
    always: Reply | None = None
    always_elsewhere: Reply | None = None  # to whatever is no write
    token: str = TOKEN
    bad_line: Callable[[Point], bool] = lambda _point: False  # 400, and nothing is written
    bad_type: Callable[[Point], bool] = lambda _point: False  # 422, and the rest is written
    oldest: int = -(2**63)  # what is older is beyond the bucket's retention
    most_lines: int = 10**9
    sizes: list[int] = field(default_factory=list)  # lines of each write that was read
    accepted: list[Point] = field(default_factory=list)
    requests: int = 0
    authorizations: set[str] = field(default_factory=set)
    buckets: dict[str, Any] = field(default_factory=dict)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    rows: Callable[[str], str] = lambda _query: ""
    may_create: bool = True
    port: int = 0
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application(client_max_size=2**26, middlewares=[self._elsewhere])
        app.router.add_post("/api/v2/write", self._write)
        app.router.add_post("/api/v2/query", self._query)
        app.router.add_get("/api/v2/orgs", self._orgs)
        app.router.add_get("/api/v2/buckets", self._list_buckets)
        app.router.add_post("/api/v2/buckets", self._make_bucket)
        app.router.add_get("/api/v2/tasks", self._list_tasks)
        app.router.add_post("/api/v2/tasks", self._make_task)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.01, auto_decompress=False
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bucket(self, name: str) -> dict[Key, dict[str, Value]]:
        return self.points[name]

    @web.middleware
    async def _elsewhere(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        reply = None if request.path == "/api/v2/write" else self.always_elsewhere
        return await (reply or handler)(request)

    async def _write(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        body = gzip.decompress(await request.read())
        assert request.headers["Content-Encoding"] == "gzip"
        planned = self.plan.popleft() if self.plan else self.always
        if planned is not None:
            return await planned(request)
        refused = self._refused(request)
        if refused is not None:
            return refused
        lines = body.decode().split("\n")
        self.sizes.append(len(lines))
        if len(lines) > self.most_lines:
            return _json(413, "request too large", "points batch is too large")
        return self._take(request.query["bucket"], lines)

    def _refused(self, request: web.Request) -> web.StreamResponse | None:
        self.authorizations.add(request.headers.get("Authorization", ""))
        if request.headers.get("Authorization") != f"Token {self.token}":
            return _json(401, "unauthorized", "unauthorized access")
        if request.query.get("org", ORG) != ORG or request.query.get("orgID", ORG_ID) != ORG_ID:
            return _json(404, "not found", f'organization name "{request.query["org"]}" not found')
        bucket = request.query.get("bucket")
        if bucket is not None and bucket not in self.points:
            return _json(404, "not found", f'bucket "{bucket}" not found')
        return None

    def _take(self, bucket: str, lines: list[str]) -> web.StreamResponse:
        try:
            points = [parsed(line) for line in lines]
        except Unparsable as error:
            return _json(400, "invalid", f"unable to parse: {error}")
        if any(map(self.bad_line, points)):
            return _json(400, "invalid", "unable to parse 'x': missing fields")
        old = [point for point in points if point.at < self.oldest]
        bad = [point for point in points if self.bad_type(point)]
        for point in points:
            if point not in old and point not in bad:
                self.accepted.append(point)
                store(self.points[bucket], point)
        begin = "failure writing points to database: partial write:"
        if bad:
            why = f'{begin} field type conflict: input field "x" dropped={len(bad)}'
            return _json(422, "unprocessable entity", why)
        if old:
            why = f"{begin} points beyond retention policy dropped={len(old)}"
            return _json(422, "unprocessable entity", why)
        return web.Response(status=204)

    async def _query(self, request: web.Request) -> web.StreamResponse:
        if (refused := self._refused(request)) is not None:
            return refused
        query = (await request.json())["query"]
        self.queries.append(query)
        return web.Response(text=self.rows(query), content_type="text/csv")

    async def _orgs(self, request: web.Request) -> web.StreamResponse:
        if (refused := self._refused(request)) is not None:
            return refused
        return web.json_response({"orgs": [{"id": ORG_ID, "name": ORG}]})

    async def _list_buckets(self, request: web.Request) -> web.StreamResponse:
        if (refused := self._refused(request)) is not None:
            return refused
        found = [b for name, b in self.buckets.items() if name == request.query["name"]]
        if not found:
            return _json(404, "not found", f'bucket "{request.query["name"]}" not found')
        return web.json_response({"buckets": found})

    async def _make_bucket(self, request: web.Request) -> web.StreamResponse:
        if not self.may_create:
            return _json(403, "forbidden", "insufficient permissions for write")
        asked = await request.json()
        self.buckets[asked["name"]] = asked
        return web.json_response(asked, status=201)

    async def _list_tasks(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"tasks": self.tasks})

    async def _make_task(self, request: web.Request) -> web.StreamResponse:
        if not self.may_create:
            return _json(403, "forbidden", "insufficient permissions for write")
        asked = await request.json()
        name = re.search(r'name: "([^"]+)"', asked["flux"])
        assert name is not None
        task = {"id": "1", "orgID": ORG_ID, "name": name[1], "flux": asked["flux"]}
        self.tasks.append(task)
        return web.json_response(task, status=201)


def _json(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=status)


@asynccontextmanager
async def influx_double(*buckets: str) -> AsyncIterator[InfluxDouble]:
    double = InfluxDouble(points={name: {} for name in buckets})
    await double.start()
    try:
        yield double
    finally:
        await double.stop()
