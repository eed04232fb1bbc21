"""Is it them, or our own network? Asks the references, which have nothing to do with any target.

A reference is `https://host/path`, `http://host/path` or `tcp://host:port`. Any HTTP answer at all
is an answer: what is asked is whether the world can be reached, not whether it is well. What their
`Date` says tells whether our own clock can be believed.
"""

import asyncio
import ssl
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic_ns
from urllib.parse import urlsplit

from probes import net
from probes.net import Failure
from probes.streams import Dial, stream
from probes.tlscontext import TlsContexts
from uptimed.core.minutes import instant_of
from uptimed.core.observations import SECOND, Instant, Phase
from uptimed.core.targets import TlsOptions
from uptimed.ports import Clock, ReferenceCheck

_TIMEOUT_S = 3.0
_HEAD_LIMIT = 16 * 1024  # bytes
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class _Told:
    """What one reference told: *resolved* is None where it has no name to resolve."""

    answered: bool
    resolved: bool | None
    offset_us: int | None = None


class References:
    """Asks the references of this vantage, all at once, each for at most *timeout_s* seconds."""

    def __init__(
        self,
        references: Sequence[str],
        *,
        clock: Clock,
        resolver: net.Resolver,
        user_agent: str,
        tls: TlsOptions = TlsOptions(),  # noqa: B008 - frozen
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._references = tuple(references)
        self._clock = clock
        self._resolver = resolver
        self._user_agent = user_agent
        self._tls = tls
        self._timeout_s = timeout_s
        self._contexts = TlsContexts()

    async def __call__(self) -> ReferenceCheck:
        """Ask all of them once."""
        at = self._clock.now()
        async with asyncio.TaskGroup() as asking:
            tasks = {name: asking.create_task(self._ask(name)) for name in self._references}
        told = {name: task.result() for name, task in tasks.items()}
        resolved = [each.resolved for each in told.values() if each.resolved is not None]
        offsets = [each.offset_us for each in told.values() if each.offset_us is not None]
        return ReferenceCheck(
            at=at,
            answered={name: each.answered for name, each in told.items()},
            names_resolved=any(resolved) if resolved else None,
            clock_offset_us=round(statistics.median(offsets)) if offsets else None,
        )

    async def _ask(self, reference: str) -> _Told:
        """Return what *reference* tells; that it tells nothing is an answer to us."""
        parts = urlsplit(reference)
        host = parts.hostname or ""
        dial = Dial()
        offset_us: int | None = None
        answered = False
        try:
            async with asyncio.timeout(self._timeout_s):
                port = parts.port or _PORTS.get(parts.scheme, 0)
                context = await self._contexts.get(self._tls) if parts.scheme == "https" else None
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                async with stream(
                    dial,
                    host,
                    port,
                    resolver=self._resolver,
                    timeout_s=self._timeout_s,
                    context=context,
                ) as (reader, writer):
                    if parts.scheme == "tcp":
                        answered = True
                    else:
                        offset_us = await self._exchange(parts.netloc, path, reader, writer)
                        answered = True
        except (TimeoutError, Failure, OSError, ssl.SSLError, EOFError, ValueError):
            pass  # whatever it is, the reference has not answered
        named = net.ip_of(host) is None
        resolved = dial.watch.phase is not Phase.DNS if named else None
        return _Told(answered, resolved, offset_us)

    async def _exchange(
        self,
        host: str,
        path: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> int | None:
        """Ask for *path*, and return how far the date of the answer is from our clock.

        Raise ValueError or EOFError where it is no HTTP.
        """
        agent = f"User-Agent: {self._user_agent}\r\nAccept: */*\r\nConnection: close"
        began_ns, began = monotonic_ns(), self._clock.now()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{agent}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n")
        took_us = (monotonic_ns() - began_ns) // 1000
        if not head.startswith(b"HTTP/"):
            raise ValueError("not HTTP")
        size = len(head)
        while head not in (b"\r\n", b"") and size < _HEAD_LIMIT:
            head = await reader.readline()
            size += len(head)
            name, _, value = head.partition(b":")
            if name.strip().lower() == b"date":
                return _offset_us(value, began, took_us)
        return None


def _offset_us(date: bytes, began: Instant, took_us: int) -> int | None:
    """Return how far *date* is ahead of our clock, or None where it is no date.

    It was written at some time during the exchange, and has no parts of a second: both are taken
    at their middle.
    """
    try:
        theirs: datetime = parsedate_to_datetime(date.decode("ascii").strip())
    except ValueError:
        return None
    if theirs.utcoffset() != timedelta(0):
        return None
    return instant_of(theirs) + SECOND // 2 - (began + took_us // 2)
