"""The server over there: one request at a time, and what its answer means for us.

Whatever happens on the way becomes an `Answer`; nothing is raised but bugs. The transport is
influxdb-client's asynchronous client. It neither retries nor follows redirects here: a redirected
write would arrive as a read, without its points, and be answered with 200.
"""

import asyncio
import gzip
import re
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from types import TracebackType
from typing import Any, Self

import aiohttp
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService

from uptimed.core.masking import masker
from uptimed.core.minutes import instant_of
from uptimed.core.observations import SECOND, Instant
from uptimed.core.settings import Influx
from uptimed.ports import Clock, SecretMissing, Secrets

_GZIP_LEVEL = 3  # a fifth of the time of the default, and a tenth more bytes
_LONGEST_MESSAGE = 300
_MASKED_CHARACTERS = 16 * 1024  # of a message: masking all of a long one takes long
_LONGEST_WAIT_US = 3600 * SECOND  # a server that asks for more is asked again by then
_DROPPED = re.compile(r"dropped[ =](\d+)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class Means(Enum):
    """What an answer means for the points that were sent."""

    THERE = "they are there"
    EXPIRED = "they are older than the bucket keeps"
    REFUSED = "one of them at least cannot be taken"
    TOO_LARGE = "they are too many for one request"
    LATER = "the server cannot take them now"
    MISTAKEN = "nobody's points are taken until somebody repairs something"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a request. *message* is one line for the operator, without secrets.

    *dropped* is how many points the server says it left out, None where it does not say.
    *retry_after_us* is how long it asks us to wait.
    """

    means: Means
    message: str = ""
    dropped: int | None = None
    retry_after_us: int = 0
    slow: bool = False  # no answer came in time: less at once may be quicker


def meaning(status: int, message: str) -> Means:
    """Return what an answer of *status* means, and *message* where the status is not enough."""
    if status == 204:
        return Means.THERE
    if status in {400, 422} or (status == 500 and "partial write" in message):
        return Means.EXPIRED if "retention policy" in message else Means.REFUSED
    if status == 201:  # some servers say so of a write that was taken in part
        return Means.REFUSED
    if status == 413:
        return Means.TOO_LARGE
    if status in {408, 429} or status >= 500:
        return Means.LATER
    return Means.MISTAKEN


_ADVICE = {
    200: "this is not InfluxDB's API; see `url`",
    401: "the token is wrong; see `token`",
    403: "the token may not write to this bucket",
    404: "there is no such bucket or organisation, or this is not InfluxDB 2; see `org` and `url`",
    507: "its disk is full",
}


_ADVICE_READING = {
    403: "the token may not read from this bucket",
    404: "there is no such bucket or organisation, or the token may not read it; see `org`, "
    "`token` and `url`",
}


def advice(status: int) -> str:
    """Return what the operator can do about an answer of *status*, or nothing."""
    if 300 <= status < 400:
        return "it sends us elsewhere, and a write cannot follow; see `url`"
    return _ADVICE.get(status, "")


def reading_advice(status: int) -> str:
    """Return what the operator can do about an answer of *status* to a read, or nothing."""
    return _ADVICE_READING.get(status) or advice(status)


def packed(lines: Sequence[str]) -> bytes:
    """Return *lines* as they are sent."""
    return gzip.compress("\n".join(lines).encode(), _GZIP_LEVEL, mtime=0)


class Server:
    """An InfluxDB, asked through its client. Used inside `async with`."""

    def __init__(self, settings: Influx, secrets: Secrets, clock: Clock, software: str) -> None:
        self.settings = settings
        self._secrets, self._clock, self._software = secrets, clock, software
        self._client: InfluxDBClientAsync | None = None

    async def __aenter__(self) -> Self:
        # Reading the system's authorities takes 35 ms.
        trust = await asyncio.to_thread(
            ssl.create_default_context, cafile=self.settings.ca_file or None
        )
        timeout = aiohttp.ClientTimeout(
            total=self.settings.timeout_us / SECOND,
            sock_connect=self.settings.connect_timeout_us / SECOND,
        )
        self._client = InfluxDBClientAsync(
            self.settings.url,
            org=self.settings.org,
            timeout=timeout,
            ssl_context=trust,
            allow_redirects=False,
            client_session_kwargs={"cookie_jar": aiohttp.DummyCookieJar()},
        )
        self._client.api_client.user_agent = f"uptimed/{self._software}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._client is not None:
            await self._client.close()  # type: ignore[no-untyped-call]

    def client(self) -> InfluxDBClientAsync:
        """Return the client with the token as it is now. Raise `SecretMissing` where it is not."""
        assert self._client is not None  # noqa: S101 - it is used inside `async with`
        if self.settings.token is not None:
            token = self._secrets.read(self.settings.token)
            self._client.api_client.default_headers["Authorization"] = f"Token {token}"
        return self._client

    async def write(self, bucket: str, body: bytes) -> Answer:
        """Send the `packed` lines of *body*."""
        try:
            service = WriteService(self.client().api_client)  # type: ignore[no-untyped-call]
            _, status, _ = await service.post_write_async(  # type: ignore[no-untyped-call]
                org=self.settings.org,
                bucket=bucket,
                body=body,
                content_encoding="gzip",
                content_type="text/plain; charset=utf-8",
                async_req=False,
                _return_http_data_only=False,
            )
        except (SecretMissing, InfluxDBError, TimeoutError, aiohttp.ClientError, OSError) as error:
            return self.answer(error)
        except ValueError:  # a header that cannot be sent, whose text would hold the token
            return Answer(means=Means.MISTAKEN, message="the token has characters of no token")
        else:
            means = meaning(int(status), "")
            message = "" if means is Means.THERE else _said(int(status), "", advice(int(status)))
            return Answer(means=means, message=message)

    def answer(self, error: Exception) -> Answer:
        """Return what an exception of the client means."""
        if isinstance(error, SecretMissing):
            return Answer(means=Means.MISTAKEN, message=f"token: {error}")
        if isinstance(error, ApiException) and error.status:
            return self._refusal(error)
        slow = isinstance(error, TimeoutError) and not isinstance(
            error, aiohttp.ConnectionTimeoutError
        )
        return Answer(means=Means.LATER, message=self.told(self._trouble(error)), slow=slow)

    def reading(self, error: Exception) -> str:
        """Return what an exception of the client says of a read, in one line."""
        if isinstance(error, ApiException) and error.status:
            status = int(error.status)
            return _said(status, self.told(_message(error)), reading_advice(status))
        return self.answer(error).message

    def _trouble(self, error: Exception) -> str:
        match error:
            case aiohttp.ConnectionTimeoutError():
                return f"no connection within {self.settings.connect_timeout_us / SECOND:g} s"
            case TimeoutError():
                return f"nothing within {self.settings.timeout_us / SECOND:g} s"
            case aiohttp.ClientConnectorCertificateError():
                return f"TLS: {error.certificate_error}"
            case aiohttp.ClientConnectorError():
                why = error.os_error.strerror or str(error.os_error)
                tls = "TLS: " if isinstance(error, aiohttp.ClientSSLError) else ""
                return f"{tls}cannot connect to {error.host} port {error.port}: {why}"
            case aiohttp.ClientPayloadError():
                return "its answer broke off"
            case _:
                return str(error) or type(error).__name__

    def _refusal(self, error: ApiException) -> Answer:
        status, message = int(error.status), _message(error)
        dropped = _DROPPED.search(message)
        return Answer(
            means=meaning(status, message),
            message=_said(status, self.told(message), advice(status)),
            dropped=int(dropped[1]) if dropped else None,
            retry_after_us=retry_after_us(_header(error, "Retry-After"), self._clock.now()),
        )

    def told(self, message: str) -> str:
        """Return *message* as it is told: without the token, and only then cut off.

        Half a token is not recognised: where masking leaves so little that the end of the part
        that was looked through would show, nothing is told.
        """
        token = ""
        if self.settings.token is not None:
            with suppress(SecretMissing):
                token = self._secrets.read(self.settings.token)
        masked = masker([token])(message[:_MASKED_CHARACTERS])
        if len(message) > _MASKED_CHARACTERS and len(masked) <= _LONGEST_MESSAGE:
            return "its answer is not shown: it is made of secrets"
        return _brief(masked)


def retry_after_us(value: str, now: Instant) -> int:
    """Return how long a `Retry-After` asks to wait: seconds, or a date. 0 for what is neither."""
    if value.isascii() and value.isdigit():
        asked = int(value[:9]) * SECOND
    else:
        asked = 0
        with suppress(ValueError):
            moment = parsedate_to_datetime(value)
            asked = instant_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return max(0, min(asked, _LONGEST_WAIT_US))


def _header(error: ApiException, name: str) -> str:
    return str(error.headers.get(name, "")) if error.headers else ""


def _message(error: ApiException) -> str:
    found: Any = error.message
    told = found.decode(errors="replace") if isinstance(found, bytes) else str(found or "")
    if "<" in told[:50] and "html" in told[:200].lower():
        return "a page of HTML instead of JSON"
    return told


def _brief(told: str) -> str:
    plain = _CONTROL.sub(" ", told).strip()
    return plain if len(plain) <= _LONGEST_MESSAGE else f"{plain[:_LONGEST_MESSAGE]}…"


def _said(status: int, message: str, told: str) -> str:
    return "; ".join(part for part in (f"status {status}", told, message) if part)
