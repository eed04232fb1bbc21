"""What every personality is made of: calls, and faults that answer in their place.

A personality answers as the real system was seen to, and only as far as it was seen. A fault names
the calls whose answer is known while it lasts; the others are answered as if all were well, since
nobody knows better.
"""

import secrets
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import web

from uptimed.demo.switches import DOES, STOPPED, Switchboard

EVERY = "*"
"""Stands for all calls that a fault does not name."""

PEOPLE = ("probe1", "probe2")
"""Who can sign in, where nobody else is named."""

_SESSIONS = 1000  # kept at most: a probe leaves one every minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who can sign in. All but the name are secrets: never printed.

    *key* is what a system calls API key, access key or token; *secret* is the second part of a
    pair, such as the one that requests are signed with.
    """

    username: str
    password: str = field(repr=False)
    key: str = field(repr=False)
    secret: str = field(repr=False)


def people(*names: str) -> tuple[Person, ...]:
    """Return people of these *names*, with secrets that nobody knows."""
    return tuple(
        Person(
            username=name,
            password=secrets.token_urlsafe(12),
            key=secrets.token_urlsafe(18),
            secret=secrets.token_urlsafe(24),
        )
        for name in names
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer that is always the same; with *hangs*, none ever comes."""

    status: int = 200
    body: str = ""
    content_type: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False

    def response(self) -> web.Response:
        """Return it as an answer."""
        return web.Response(
            status=self.status,
            text=self.body,
            content_type=self.content_type,
            headers=dict(self.headers),
        )


HANGS = Reply(hangs=True)
EMPTY_500 = Reply(status=500)
EMPTY_200 = Reply()
NGINX_502 = Reply(
    status=502,
    body=(
        "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
        "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n"
        "</body>\r\n</html>\r\n"
    ),
)


def moved(location: str, status: int = 302) -> Reply:
    """Return a redirect."""
    return Reply(status=status, headers={"Location": location})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that breaks: *does* says what, in one line.

    *answers* are by call. What else it changes, the personality does itself.
    """

    does: str
    answers: Mapping[str, Reply] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request, read."""

    method: str
    path: str
    raw_path: str  # as it was sent: with what is escaped in it
    query: Mapping[str, str]
    form: Mapping[str, str]
    json: Mapping[str, Any]
    cookies: Mapping[str, str]
    headers: Mapping[str, str]
    address: str
    host: str

    def value(self, name: str) -> str:
        """Return a field of the form, or of the address, or ""."""
        return self.form.get(name, self.query.get(name, ""))

    def sent(self, name: str) -> str:
        """Return a field of the form or of the JSON that was sent, or ""."""
        return self.form.get(name) or str(self.json.get(name, ""))


Respond = Callable[[Visit], web.Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Something that is asked for: a method, a path, and whatever else tells it apart.

    A *path* that ends in `/*` is any below it. *wants* are fields of the form or of the address
    and their values.
    """

    id: str
    path: str
    respond: Respond
    method: str = "GET"
    wants: Mapping[str, str] = field(default_factory=dict)

    def fits(self, visit: Visit) -> bool:
        """Return whether *visit* is this call."""
        if (visit.method if visit.method != "HEAD" else "GET") != self.method:
            return False
        stem = self.path.removesuffix("*")
        if not (visit.path.startswith(stem) if stem != self.path else visit.path == self.path):
            return False
        return all(visit.value(name) == value for name, value in self.wants.items())


class Sessions:
    """Who is signed in, by the secret that they were given."""

    def __init__(self) -> None:
        self._held: dict[str, str] = {}

    def begin(self, username: str) -> str:
        """Return a new secret for *username*, who may be "": nobody yet."""
        key = secrets.token_hex(13)
        while len(self._held) >= _SESSIONS:
            del self._held[next(iter(self._held))]
        self._held[key] = username
        return key

    def of(self, key: str) -> str:
        """Return whose secret it is, or ""."""
        return self._held.get(key, "")

    def end(self, key: str) -> None:
        """Forget the secret."""
        self._held.pop(key, None)

    def forget(self) -> None:
        """Forget them all."""
        self._held.clear()

    def __len__(self) -> int:
        return len(self._held)


class Personality(ABC):
    """A system that is played.

    *people* can sign in. *prefix* is where it lives below the host, such as `/datacrm/acme`.
    *tally* counts the calls, and with `call:NAME` those of a person who signed in or out.
    """

    title: str
    presets: ClassVar[tuple[str, ...]]  # the login flows that it understands
    faults: ClassVar[Mapping[str, Fault]]

    def __init__(
        self,
        cast: Sequence[Person] = (),
        *,
        prefix: str = "",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.people = tuple(cast) or people(*PEOPLE)
        self.prefix = prefix
        self.now = now
        self.tally: Counter[str] = Counter()
        self.board = Switchboard(
            {STOPPED: DOES[STOPPED], **{name: fault.does for name, fault in self.faults.items()}}
        )
        self._calls = tuple(sorted(self.calls(), key=_most_telling_first))

    @abstractmethod
    def calls(self) -> Sequence[Call]:
        """Return what can be asked for; of several that fit, the one that wants most is meant."""

    @abstractmethod
    def forget(self) -> None:
        """Forget everyone who is signed in."""

    def on(self, fault: str) -> bool:
        """Return whether *fault* is on."""
        return self.board.on(fault)

    def person(self, username: str) -> Person | None:
        """Return who is called *username*."""
        return next((person for person in self.people if person.username == username), None)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer *request*, or leave it without an answer, as the switches say."""
        visit = await self._visit(request)
        call = next((call for call in self._calls if call.fits(visit)), None)
        id_ = call.id if call is not None else ""
        self.tally[id_] += 1
        for name, fault in self.faults.items():
            reply = fault.answers.get(id_, fault.answers.get(EVERY)) if self.on(name) else None
            if reply is None:
                continue
            return await self._hang(request, name) if reply.hangs else reply.response()
        return call.respond(visit) if call is not None else web.Response(status=404)

    async def _hang(self, request: web.Request, fault: str) -> web.Response:
        """Keep *request* waiting, then drop its connection: it is never answered."""
        await self.board.until_off(fault)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()  # for the server's own books; there is nowhere to send it

    async def _visit(self, request: web.Request) -> Visit:
        sent: Any = {}
        if request.content_type == "application/json":
            try:
                sent = await request.json()
            except ValueError:
                sent = {}
        form = {} if sent else await request.post()
        path = request.path
        if self.prefix:
            below = path.startswith(f"{self.prefix}/") or path == self.prefix
            path = (path.removeprefix(self.prefix) or "/") if below else "/not/here"
        return Visit(
            method=request.method,
            path=path,
            raw_path=request.rel_url.raw_path.removeprefix(self.prefix),
            query=dict(request.query),
            form={name: value for name, value in form.items() if isinstance(value, str)},
            json=sent if isinstance(sent, dict) else {},
            cookies=dict(request.cookies),
            headers=request.headers,
            address=request.remote or "",
            host=request.host,
        )


def _most_telling_first(call: Call) -> tuple[bool, int]:
    return call.path.endswith("*"), -len(call.wants)


def page(title: str, body: str, head: str = "") -> web.Response:
    """Return an HTML page as an answer."""
    text = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<title>{title}</title>\n{head}</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )
    return web.Response(text=text, content_type="text/html")


def redirect(location: str, status: int = 302) -> web.Response:
    """Return a redirect."""
    return moved(location, status).response()


def document(content: object, status: int = 200) -> web.Response:
    """Return JSON as an answer."""
    return web.json_response(content, status=status)
