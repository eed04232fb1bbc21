"""One request and its answer on the wire, or why there is none: what every HTTP probe is made of.

The ladder of `except` clauses in `Caller.reply` is the vocabulary of causes. It knows no redirect,
no secret and nobody's wishes.
"""

import functools
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractCookieJar, AbstractResolver, ResolveResult
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from multidict import CIMultiDictProxy
from typing_extensions import override
from yarl import URL

from probes import net
from probes.bodies import Body
from probes.net import Failure
from probes.stopwatch import Stopwatch
from probes.tlscontext import TlsContexts, certificate_of, failure_of_tls, watching
from uptimed.core.judging import KEPT_HEADERS
from uptimed.core.observations import Cause, Certificate, Phase
from uptimed.core.targets import HttpTarget, IpFamily
from uptimed.ports import Mask

_HEAD_LIMIT = 64 * 1024  # bytes of a header line: policies of some sites are long
_MOST_HEADERS = 1024  # of one answer: more are no HTTP of anyone's


class Visit:
    """The state of one attempt, shared by those who carry it out."""

    __slots__ = (
        "certificate", "family", "home", "home_addresses", "mask", "proxied", "reused", "sockets",
        "tried", "watch",
    )  # fmt: skip

    def __init__(self, target: HttpTarget, home: str, mask: Mask) -> None:
        self.family: IpFamily = target.family
        self.home = home  # the configured host
        self.home_addresses: list[str] = []  # what it resolved to, once for the whole attempt
        self.mask = mask
        self.proxied = bool(target.proxy)
        self.reused = False  # the last request went over a connection that stood already
        self.sockets: list[socket.socket] = []
        self.tried: list[tuple[str, int]] = []
        self.certificate: bytes | None = None
        self.watch = Stopwatch(Phase.CONNECT if net.ip_of(home) else Phase.DNS)

    def handshake_began(self) -> None:
        """TCP stands."""
        self.watch.enter(Phase.TLS)

    def handshake_ended(self, der: bytes | None) -> None:
        """TLS stands or has failed."""
        self.certificate = der

    def open_socket(self, family: int, sockaddr: tuple[str, int]) -> socket.socket:
        """Return a socket that will be connected to *sockaddr*."""
        if self.watch.phase is not Phase.CONNECT:
            self.watch.enter(Phase.CONNECT)
        opened = socket.socket(family, socket.SOCK_STREAM)
        self.sockets.append(opened)
        self.tried.append(sockaddr)
        return opened

    def peer(self) -> str:
        """Return address and port of the other side, or of the last that was tried."""
        if len(self.tried) > 1:
            for opened in self.sockets:
                try:
                    address, port, *_ = opened.getpeername()
                except OSError:
                    continue
                return net.place(address, port)
        return net.place(*self.tried[-1]) if self.tried else ""


_visit: ContextVar[Visit] = ContextVar("_visit")


@contextmanager
def visiting(visit: Visit) -> Iterator[None]:
    """Carry out *visit* in the running task."""
    bound, watched = _visit.set(visit), watching.set(visit)
    try:
        yield
    finally:
        _visit.reset(bound)
        watching.reset(watched)


class _Connector(aiohttp.TCPConnector):
    """Tells the look at hand when its connection stands: a new one, or one that stood already.

    The library's own tracing would tell it too, for a twentieth of what a look costs.
    """

    @override
    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        visit = _visit.get()
        visit.reused = not visit.sockets
        visit.watch.enter(Phase.FIRST_BYTE)
        return connection


class _VisitResolver(AbstractResolver):
    """Resolves for the look at hand, and keeps it from where it may not go."""

    def __init__(self, resolver: net.Resolver) -> None:
        self._resolver = resolver

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        visit = _visit.get()
        addresses = await self._addresses(host, visit)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in addresses
        ]

    async def _addresses(self, host: str, visit: Visit) -> list[str]:
        if host == visit.home and visit.home_addresses:
            return visit.home_addresses
        addresses = await self._resolver.addresses(host, visit.family)
        if visit.proxied:
            return addresses
        if host == visit.home:
            addresses = _not_link_local(host, addresses)
            visit.home_addresses = addresses
        else:
            refuse_private(host, addresses, visit)
        return addresses

    @override
    async def close(self) -> None:
        """Leave the shared resolver to its owner."""


def _not_link_local(host: str, addresses: list[str]) -> list[str]:
    """Return *addresses* without those that a name never honestly has.

    The operator chose the name, but not what its owner lets it resolve to: the metadata service of
    the cloud that this monitor runs in is one of those.
    """
    allowed = [address for address in addresses if not net.is_link_local(address)]
    if not allowed:
        detail = f"{host} resolves to {addresses[0]}, a link-local address: refused"
        raise Failure(Cause.UNREACHABLE, detail)
    return allowed


def refuse_private(host: str, addresses: list[str], visit: Visit) -> None:
    """Raise `Failure` where a redirect would lead into a network that the target is not in."""
    for address in addresses:
        if not net.is_public(address) and address not in visit.home_addresses:
            shown = host if host == address else f"{host} ({address})"
            detail = f"redirect to {shown}, an address that it may not lead to"
            raise Failure(Cause.REDIRECT_REFUSED, detail)


@dataclass(frozen=True, slots=True)
class Request:
    """One hop: what is sent, and where."""

    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(slots=True)
class Reply:
    """One hop's answer."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: Body
    everything: CIMultiDictProxy[str]  # all headers, those with cookies too


class Caller:
    """Makes requests, of which it knows the TLS and the causes of failure."""

    def __init__(self, *, resolver: net.Resolver, user_agent: str) -> None:
        self._resolver = resolver
        self._user_agent = user_agent
        self._contexts = TlsContexts(alpn=("http/1.1",))

    def session(
        self, *, keep: bool = False, cookies: AbstractCookieJar | None = None
    ) -> aiohttp.ClientSession:
        """Return a session: no connection yet, only the means to make them.

        Each request has a connection of its own, unless *keep*: then they share one, one after the
        other, until the session is closed. Without *cookies* there are none.
        """
        return aiohttp.ClientSession(
            connector=_Connector(
                force_close=not keep,
                limit=0,
                use_dns_cache=False,
                resolver=_VisitResolver(self._resolver),
                socket_factory=_open_socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar() if cookies is None else cookies,
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "gzip, deflate"},
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            max_line_size=_HEAD_LIMIT,
            max_field_size=_HEAD_LIMIT,
            max_headers=_MOST_HEADERS,
            middlewares=(_once,),
        )

    def time_is_up(self, visit: "Visit", timeout_us: int) -> Failure:
        """Return what it means that *timeout_us* are over, and nothing came."""
        phase = visit.watch.phase
        if phase is Phase.CONNECT and visit.proxied:
            within = net.seconds(timeout_us)
            return Failure(Cause.PROXY_FAILED, f"no connection through the proxy within {within}")
        waiting = self._resolver.is_waiting_here(visit.home, visit.family)
        where = visit.peer() or visit.home
        return net.time_is_up(phase, where, timeout_us, nobody_asked=waiting)

    async def reply(
        self, session: aiohttp.ClientSession, request: Request, target: HttpTarget, visit: Visit
    ) -> Reply:
        """Make one hop. Raise `Failure` where no answer comes of it."""
        host = request.url.raw_host or ""
        visit.sockets.clear()
        visit.tried.clear()
        visit.reused = False
        try:
            return await self._exchange(session, request, target, visit)
        except aiohttp.ClientConnectorCertificateError as error:
            raise _failure_of_tls(error, target.tls.server_name or host, visit) from error
        except aiohttp.ClientConnectorSSLError as error:
            raise _failure_of_tls(error, host, visit) from error
        except aiohttp.ClientConnectorDNSError as error:
            raise Failure(Cause.LOCAL_DNS, f"our resolver is broken: {error.os_error}") from error
        except aiohttp.ClientProxyConnectionError as error:
            detail = net.failure_of(error.os_error, "the proxy").detail
            raise Failure(Cause.PROXY_FAILED, detail) from error
        except aiohttp.ClientHttpProxyError as error:
            detail = f"the proxy answered {error.status} {error.message}"
            raise Failure(Cause.PROXY_FAILED, detail) from error
        except aiohttp.ClientConnectorError as error:
            addresses = [address for address, _ in visit.tried]
            raise net.failure_of(error.os_error, visit.peer() or host, addresses) from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise Failure(Cause.PROTOCOL, f"{host}: not a URL that can be asked") from error
        except (_Interrupted, aiohttp.ClientPayloadError, aiohttp.ClientConnectionError) as error:
            raise _failure_of_break(error, visit.peer() or host) from error
        except (aiohttp.ClientError, ValueError) as error:
            raise Failure(Cause.PROTOCOL, f"{host}: not HTTP: {_said(error)}") from error

    async def _exchange(
        self, session: aiohttp.ClientSession, request: Request, target: HttpTarget, visit: Visit
    ) -> Reply:
        """Send one request and read its answer, no more of the body than is looked at."""
        options: dict[str, Any] = {}
        if request.url.scheme == "https":
            options["ssl"] = await self._contexts.get(target.tls)
            if target.tls.server_name and request.url.raw_host == visit.home:
                options["server_hostname"] = target.tls.server_name
        if target.proxy:
            options["proxy"] = url_of(target.proxy)
        response = await session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body,
            allow_redirects=False,
            **options,
        )
        visit.watch.enter(Phase.TRANSFER)
        try:
            headers, cookies = _headers_of(response)
            body = Body(headers.get("Content-Encoding", ""), target.body_limit)
            await _read(response.content, body)
            return Reply(response.status, headers, cookies, body, response.headers)
        finally:
            response.close()


async def _read(stream: aiohttp.StreamReader, body: Body) -> None:
    while True:
        chunk = await stream.readany()
        if not chunk or not body.feed(chunk):
            return


def _headers_of(response: aiohttp.ClientResponse) -> tuple[dict[str, str], list[str]]:
    """Return the headers that are looked at, and the cookies, which are never kept."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in response.headers.items():
        lower = name.lower()
        if lower in KEPT_HEADERS:
            headers[name.title()] = value
        elif lower == "set-cookie":
            cookies.append(value)
    return headers, cookies


def _open_socket(addr_info: tuple[Any, ...]) -> socket.socket:
    family, _, _, _, sockaddr = addr_info
    return _visit.get().open_socket(family, sockaddr[:2])


class _Interrupted(aiohttp.ClientError):
    """The connection broke: wrapped, since the session would quietly try it once more."""


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send *request* once: an attempt is one connection, and a second one is another attempt."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except aiohttp.ClientConnectionError as error:
        raise _Interrupted from error


# ---- why nothing came back


def _failure_of_tls(error: aiohttp.ClientConnectorError, host: str, visit: Visit) -> Failure:
    cause = error.os_error
    if isinstance(cause, ssl.SSLError):
        return failure_of_tls(cause, host, visit.certificate)
    return Failure(Cause.TLS_FAILED, f"{host}: TLS failed: {cause}")


def _failure_of_break(error: aiohttp.ClientError, where: str) -> Failure:
    """Return what it means that a connection broke that had stood."""
    broken = error.__cause__ if isinstance(error, _Interrupted) else error
    tls = next((e for e in (broken, getattr(broken, "__cause__", None)) if _is_tls(e)), None)
    if isinstance(tls, ssl.SSLError):
        return failure_of_tls(tls, where, None)
    if isinstance(broken, aiohttp.ServerDisconnectedError):
        return Failure(Cause.RESET, f"{where}: connection closed without an answer")
    if isinstance(broken, aiohttp.ClientPayloadError):
        if "not completed" in str(broken):
            return Failure(Cause.RESET, f"{where}: connection closed in the middle of the answer")
        return Failure(Cause.PROTOCOL, f"{where}: not HTTP: {_said(broken)}")
    if isinstance(broken, OSError):
        return net.failure_of(broken, where)
    return Failure(Cause.RESET, f"{where}: connection lost")


def _is_tls(error: BaseException | None) -> bool:
    return isinstance(error, ssl.SSLError)


def _said(error: Exception) -> str:
    """Return what the library says, without the URL, in which a secret may be."""
    return error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)


def certificate_seen(visit: Visit) -> Certificate | None:
    """Return the certificate that the peer showed, if any."""
    return certificate_of(visit.certificate) if visit.certificate else None


def same_origin(one: URL, other: URL) -> bool:
    """Return whether scheme, host and port are the same."""
    return (one.scheme, one.raw_host, one.port) == (other.scheme, other.raw_host, other.port)


@functools.lru_cache(maxsize=4096)
def url_of(text: str) -> URL:
    """Return *text* as a URL."""
    return URL(text)
