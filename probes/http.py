"""One HTTP request over a connection of its own: what came back, or why nothing did.

Every look opens a fresh connection, as a visitor would; only the TLS context is shared. Redirects
are followed by hand, since each hop has to be looked at: it may not leave the origin unless told
to, and it may not lead into a private network that the target itself is not in. The ladder of
`except` clauses in `_reply` is the vocabulary of causes.

Secret headers are read at use. They stay out of every detail, and are masked in whatever the server
gives back, so that no observation can hold one.
"""

import asyncio
import functools
import hashlib
import socket
import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override
from yarl import URL

from probes import net
from probes.bodies import Body, text_of
from probes.masking import mask_of
from probes.net import Failure
from probes.stopwatch import Stopwatch
from probes.tlscontext import TlsContexts, certificate_of, failure_of_tls, watching
from uptimed.core.judging import KEPT_HEADERS
from uptimed.core.observations import (
    Answer,
    Cause,
    Certificate,
    NoAnswer,
    Observation,
    Phase,
)
from uptimed.core.targets import HttpTarget, IpFamily, ProbeSettings
from uptimed.ports import Mask, SecretMissing, Secrets

_HEAD_LIMIT = 64 * 1024  # bytes of a header line: policies of some sites are long
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class _Look:
    """The state of one attempt, shared by those who carry it out."""

    __slots__ = (
        "certificate", "family", "home", "home_addresses", "mask", "proxied", "sockets", "tried",
        "watch",
    )  # fmt: skip

    def __init__(self, target: HttpTarget, home: str, mask: Mask) -> None:
        self.family: IpFamily = target.family
        self.home = home  # the configured host
        self.home_addresses: list[str] = []  # what it resolved to, once for the whole attempt
        self.mask = mask
        self.proxied = bool(target.proxy)
        self.sockets: list[socket.socket] = []
        self.tried: list[tuple[str, int]] = []
        self.certificate: bytes | None = None
        self.watch = Stopwatch(Phase.CONNECT if net.ip_of(home) else Phase.DNS)

    def handshake_began(self) -> None:
        self.watch.enter(Phase.TLS)

    def handshake_ended(self, der: bytes | None) -> None:
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


_look: ContextVar[_Look] = ContextVar("_look")


class _LookResolver(AbstractResolver):
    """Resolves for the look at hand, and keeps it from where it may not go."""

    def __init__(self, resolver: net.Resolver) -> None:
        self._resolver = resolver

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        look = _look.get()
        addresses = await self._addresses(host, look)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in addresses
        ]

    async def _addresses(self, host: str, look: _Look) -> list[str]:
        if host == look.home and look.home_addresses:
            return look.home_addresses
        addresses = await self._resolver.addresses(host, look.family)
        if look.proxied:
            return addresses
        if host == look.home:
            addresses = _not_link_local(host, addresses)
            look.home_addresses = addresses
        else:
            _refuse_private(host, addresses, look)
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


def _refuse_private(host: str, addresses: list[str], look: _Look) -> None:
    for address in addresses:
        if not net.is_public(address) and address not in look.home_addresses:
            shown = host if host == address else f"{host} ({address})"
            detail = f"redirect to {shown}, an address that it may not lead to"
            raise Failure(Cause.REDIRECT_REFUSED, detail)


@dataclass(frozen=True, slots=True)
class _Request:
    """One hop: what is sent, and where."""

    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(slots=True)
class _Reply:
    """One hop's answer."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: Body


class HttpProbe:
    """Looks over HTTP. It is entered once, in the loop that it is to work in."""

    def __init__(self, *, secrets: Secrets, resolver: net.Resolver, user_agent: str) -> None:
        self._secrets = secrets
        self._resolver = resolver
        self._contexts = TlsContexts(alpn=("http/1.1",))
        self._user_agent = user_agent
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open what all looks share: no connection, only the means to make them."""
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_end.append(_connected)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                force_close=True,
                limit=0,
                use_dns_cache=False,
                resolver=_LookResolver(self._resolver),
                socket_factory=_open_socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "gzip, deflate"},
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            max_line_size=_HEAD_LIMIT,
            max_field_size=_HEAD_LIMIT,
            middlewares=(_once,),
            trace_configs=[trace],
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def __call__(self, settings: ProbeSettings) -> Observation:
        """Make one attempt, within the timeout of *settings*."""
        target = settings.target
        if not isinstance(target, HttpTarget):
            raise TypeError(f"not an HTTP target: {target!r}")
        url = _url(target.url)
        try:
            secret = {name: self._secrets.read(at) for name, at in target.header_secrets.items()}
        except SecretMissing as error:
            missing = NoAnswer(cause=Cause.LOCAL_SECRET, detail=net.one_line(str(error)))
            return Observation(outcome=missing, took_us=0)
        look = _Look(target, url.raw_host or "", mask_of(secret.values()))
        bound, watched = _look.set(look), watching.set(look)
        try:
            outcome = await self._bounded(settings, target, url, secret, look)
        finally:
            _look.reset(bound)
            watching.reset(watched)
        took_us = look.watch.stop()
        return Observation(
            outcome=outcome,
            took_us=took_us,
            phases=look.watch.phases,
            certificate=_certificate(look),
            address=look.peer(),
        )

    async def _bounded(
        self,
        settings: ProbeSettings,
        target: HttpTarget,
        url: URL,
        secret: Mapping[str, str],
        look: _Look,
    ) -> Answer | NoAnswer:
        """Return what becomes of the attempt before its time is up."""
        try:
            async with asyncio.timeout(settings.timeout_us / 1_000_000):
                net.check_literal(look.home, look.family)
                return await self._follow(settings, target, url, secret, look)
        except TimeoutError:
            failure = self._time_is_up(settings, look)
        except Failure as known:
            failure = known
        return NoAnswer(cause=failure.cause, detail=look.mask(failure.no_answer().detail))

    def _time_is_up(self, settings: ProbeSettings, look: _Look) -> Failure:
        phase = look.watch.phase
        if phase is Phase.CONNECT and look.proxied:
            within = net.seconds(settings.timeout_us)
            return Failure(Cause.PROXY_FAILED, f"no connection through the proxy within {within}")
        waiting = self._resolver.is_waiting_here(look.home, look.family)
        where = look.peer() or look.home
        return net.time_is_up(phase, where, settings.timeout_us, nobody_asked=waiting)

    async def _follow(
        self,
        settings: ProbeSettings,
        target: HttpTarget,
        url: URL,
        secret: Mapping[str, str],
        look: _Look,
    ) -> Answer:
        """Send the request and follow its redirects as far as they may be followed."""
        configured = {**target.headers, **secret}
        body = target.body.encode() if target.body else None
        request = _Request(target.method, url, configured, body)
        cookies: dict[str, str] = {}
        followed: list[str] = []
        while True:
            reply = await self._reply(request, target, look)
            location = reply.headers.get("Location", "")
            following = location and reply.status in _REDIRECTS and target.follow != "none"
            if not following:
                return _answer(reply, request, target, look, tuple(followed))
            _keep_cookies(cookies, reply.cookies)
            headers = _with_cookies(configured, cookies)
            onward = _onward(request, reply.status, location, url, headers)
            if target.follow != "any" and not _same_origin(onward.url, url):
                if _is_wanted(reply.status, settings):  # then the redirect itself is the answer
                    return _answer(reply, request, target, look, tuple(followed))
                raise Failure(Cause.REDIRECT_REFUSED, f"redirect to another origin: {location}")
            if len(followed) >= target.max_redirects:
                limit = f"more than {target.max_redirects} redirects"
                raise Failure(Cause.REDIRECTS, f"{limit}, the last to {location}")
            _check_literal(onward.url, look)
            followed.append(look.mask(location))
            request = onward
            look.watch.enter(Phase.CONNECT if net.ip_of(request.url.raw_host or "") else Phase.DNS)

    async def _reply(self, request: _Request, target: HttpTarget, look: _Look) -> _Reply:
        """Make one hop. Raise `Failure` where no answer comes of it."""
        host = request.url.raw_host or ""
        look.sockets.clear()
        look.tried.clear()
        try:
            return await self._exchange(request, target, look)
        except aiohttp.ClientConnectorCertificateError as error:
            raise _failure_of_tls(error, target.tls.server_name or host, look) from error
        except aiohttp.ClientConnectorSSLError as error:
            raise _failure_of_tls(error, host, look) from error
        except aiohttp.ClientConnectorDNSError as error:
            raise Failure(Cause.LOCAL_DNS, f"our resolver is broken: {error.os_error}") from error
        except aiohttp.ClientProxyConnectionError as error:
            detail = net.failure_of(error.os_error, "the proxy").detail
            raise Failure(Cause.PROXY_FAILED, detail) from error
        except aiohttp.ClientHttpProxyError as error:
            detail = f"the proxy answered {error.status} {error.message}"
            raise Failure(Cause.PROXY_FAILED, detail) from error
        except aiohttp.ClientConnectorError as error:
            addresses = [address for address, _ in look.tried]
            raise net.failure_of(error.os_error, look.peer() or host, addresses) from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise Failure(Cause.PROTOCOL, f"{host}: not a URL that can be asked") from error
        except (_Interrupted, aiohttp.ClientPayloadError, aiohttp.ClientConnectionError) as error:
            raise _failure_of_break(error, look.peer() or host) from error
        except (aiohttp.ClientError, ValueError) as error:
            raise Failure(Cause.PROTOCOL, f"{host}: not HTTP: {_said(error)}") from error

    async def _exchange(self, request: _Request, target: HttpTarget, look: _Look) -> _Reply:
        """Send one request and read its answer, no more of the body than is looked at."""
        options: dict[str, Any] = {}
        if request.url.scheme == "https":
            options["ssl"] = await self._contexts.get(target.tls)
            if target.tls.server_name and request.url.raw_host == look.home:
                options["server_hostname"] = target.tls.server_name
        if target.proxy:
            options["proxy"] = _url(target.proxy)
        if self._session is None:
            raise RuntimeError("the probe was not entered")
        response = await self._session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body,
            allow_redirects=False,
            **options,
        )
        look.watch.enter(Phase.TRANSFER)
        try:
            headers, cookies = _headers_of(response)
            body = Body(headers.get("Content-Encoding", ""), target.body_limit)
            await _read(response.content, body)
            return _Reply(response.status, headers, cookies, body)
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


async def _connected(_session: object, _context: object, _params: object) -> None:
    _look.get().watch.enter(Phase.FIRST_BYTE)


def _open_socket(addr_info: tuple[Any, ...]) -> socket.socket:
    family, _, _, _, sockaddr = addr_info
    return _look.get().open_socket(family, sockaddr[:2])


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


# ---- redirects


def _same_origin(one: URL, other: URL) -> bool:
    return (one.scheme, one.raw_host, one.port) == (other.scheme, other.raw_host, other.port)


def _is_wanted(status: int, settings: ProbeSettings) -> bool:
    return any(low <= status <= high for low, high in settings.expect.statuses)


def _onward(
    request: _Request, status: int, location: str, home: URL, headers: Mapping[str, str]
) -> _Request:
    """Return the request that a redirect asks for. Raise `Failure` where there is none.

    Nothing that was configured is sent to another origin, secrets least of all.
    """
    try:
        url = request.url.join(URL(location)).with_fragment(None)
    except ValueError as error:
        raise Failure(Cause.PROTOCOL, f"redirect to what is no URL: {location}") from error
    if url.scheme not in ("http", "https") or not url.raw_host:
        raise Failure(Cause.REDIRECT_REFUSED, f"redirect to what is not HTTP: {location}")
    url = url.with_user(None)
    method, body = request.method, request.body
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        method, body = "GET", None
    if _same_origin(url, home):
        return _Request(method, url, headers, body)
    if body is not None:
        raise Failure(Cause.REDIRECT_REFUSED, f"redirect of the body elsewhere: {location}")
    return _Request(method, url, {}, None)


def _check_literal(url: URL, look: _Look) -> None:
    """Refuse a hop to a private address; names are checked when they are resolved."""
    host = url.raw_host or ""
    if net.ip_of(host) is not None and host != look.home:
        _refuse_private(host, [host], look)


def _keep_cookies(jar: dict[str, str], lines: list[str]) -> None:
    """Keep what the target's own origin sets, for the rest of this attempt."""
    for line in lines:
        pair, _, attributes = line.partition(";")
        name, _, value = pair.strip().partition("=")
        if "max-age=0" in attributes.lower().replace(" ", ""):
            jar.pop(name, None)
        else:
            jar[name] = value


def _with_cookies(headers: Mapping[str, str], jar: Mapping[str, str]) -> Mapping[str, str]:
    if not jar:
        return headers
    own = [value for name, value in headers.items() if name.lower() == "cookie"]
    others = {name: value for name, value in headers.items() if name.lower() != "cookie"}
    return {**others, "Cookie": "; ".join([*own, *(f"{k}={v}" for k, v in jar.items())])}


# ---- what came back


def _answer(
    reply: _Reply, request: _Request, target: HttpTarget, look: _Look, redirects: tuple[str, ...]
) -> Answer:
    data = reply.body.bytes()
    headers = {name: look.mask(_clean(value)) for name, value in reply.headers.items()}
    verified = request.url.scheme == "https" and target.tls.verify
    direct = request.url.scheme == "http" and not target.proxy
    return Answer(
        status=reply.status,
        headers=headers,
        body=look.mask(text_of(data, headers.get("Content-Type", ""))),
        body_bytes=len(data),
        body_cut=reply.body.cut,
        body_sha256=hashlib.sha256(data).hexdigest(),
        location=headers.get("Location", ""),
        redirects=redirects,
        trusted=verified or direct,
    )


def _clean(value: str) -> str:
    """Return a header's value without the surrogates that stand for bytes that are no UTF-8."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _certificate(look: _Look) -> Certificate | None:
    return certificate_of(look.certificate) if look.certificate else None


# ---- why nothing came back


def _failure_of_tls(error: aiohttp.ClientConnectorError, host: str, look: _Look) -> Failure:
    cause = error.os_error
    if isinstance(cause, ssl.SSLError):
        return failure_of_tls(cause, host, look.certificate)
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


@functools.lru_cache(maxsize=4096)
def _url(text: str) -> URL:
    return URL(text)
