"""One HTTP request over a connection of its own: what came back, or why nothing did.

Every look opens a fresh connection, as a visitor would; only the TLS context is shared. Redirects
are followed by hand, since each hop has to be looked at: it may not leave the origin unless told
to, and it may not lead into a private network that the target itself is not in. The ladder of
`except` clauses in `wire` is the vocabulary of causes.

Secret headers are read at use. They stay out of every detail, and are masked in whatever the server
gives back, so that no observation can hold one.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Self

import aiohttp
from yarl import URL

from probes import net
from probes.bodies import text_of
from probes.masking import mask_of
from probes.net import Failure
from probes.wire import (
    Caller,
    Reply,
    Request,
    Visit,
    certificate_seen,
    refuse_private,
    same_origin,
    url_of,
    visiting,
)
from uptimed.core.observations import Answer, Cause, NoAnswer, Observation, Phase
from uptimed.core.targets import HttpTarget, ProbeSettings
from uptimed.ports import SecretMissing, Secrets

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class HttpProbe:
    """Looks over HTTP. It is entered once, in the loop that it is to work in."""

    def __init__(self, *, secrets: Secrets, resolver: net.Resolver, user_agent: str) -> None:
        self._secrets = secrets
        self._caller = Caller(resolver=resolver, user_agent=user_agent)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open what all looks share: no connection, only the means to make them."""
        self._session = self._caller.session()
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
        url = url_of(target.url)
        try:
            secret = {name: self._secrets.read(at) for name, at in target.header_secrets.items()}
        except SecretMissing as error:
            missing = NoAnswer(cause=Cause.LOCAL_SECRET, detail=net.one_line(str(error)))
            return Observation(outcome=missing, took_us=0)
        look = Visit(target, url.raw_host or "", mask_of(secret.values()))
        with visiting(look):
            outcome = await self._bounded(settings, target, url, secret, look)
        took_us = look.watch.stop()
        return Observation(
            outcome=outcome,
            took_us=took_us,
            phases=look.watch.phases,
            certificate=certificate_seen(look),
            address=look.peer(),
        )

    async def _bounded(
        self,
        settings: ProbeSettings,
        target: HttpTarget,
        url: URL,
        secret: Mapping[str, str],
        look: Visit,
    ) -> Answer | NoAnswer:
        """Return what becomes of the attempt before its time is up."""
        try:
            async with asyncio.timeout(settings.timeout_us / 1_000_000):
                net.check_literal(look.home, look.family)
                return await self._follow(settings, target, url, secret, look)
        except TimeoutError:
            failure = self._caller.time_is_up(look, settings.timeout_us)
        except Failure as known:
            failure = known
        return NoAnswer(cause=failure.cause, detail=net.one_line(look.mask(failure.detail)))

    async def _follow(
        self,
        settings: ProbeSettings,
        target: HttpTarget,
        url: URL,
        secret: Mapping[str, str],
        look: Visit,
    ) -> Answer:
        """Send the request and follow its redirects as far as they may be followed."""
        configured = {**target.headers, **secret}
        body = target.body.encode() if target.body else None
        request = Request(target.method, url, configured, body)
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
            if target.follow != "any" and not same_origin(onward.url, url):
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

    async def _reply(self, request: Request, target: HttpTarget, look: Visit) -> Reply:
        if self._session is None:
            raise RuntimeError("the probe was not entered")
        return await self._caller.reply(self._session, request, target, look)


# ---- redirects


def _is_wanted(status: int, settings: ProbeSettings) -> bool:
    return any(low <= status <= high for low, high in settings.expect.statuses)


def _onward(
    request: Request, status: int, location: str, home: URL, headers: Mapping[str, str]
) -> Request:
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
    if same_origin(url, home):
        return Request(method, url, headers, body)
    if body is not None:
        raise Failure(Cause.REDIRECT_REFUSED, f"redirect of the body elsewhere: {location}")
    return Request(method, url, {}, None)


def _check_literal(url: URL, look: Visit) -> None:
    """Refuse a hop to a private address; names are checked when they are resolved."""
    host = url.raw_host or ""
    if net.ip_of(host) is not None and host != look.home:
        refuse_private(host, [host], look)


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
    reply: Reply, request: Request, target: HttpTarget, look: Visit, redirects: tuple[str, ...]
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
