"""The server over there: one request at a time, and what its answer means for us.

Whatever happens on the way becomes an `Answer`; nothing is raised but bugs. The transport is
influxdb-client's asynchronous client. It neither retries nor follows redirects here: a redirected
write would arrive as a read, without its points, and be answered with 200.
"""

import gzip
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Self

import aiohttp
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService

from uptimed import answers
from uptimed.core.observations import SECOND, Instant
from uptimed.core.settings import Influx
from uptimed.ports import Clock, SecretMissing, Secrets

_GZIP_LEVEL = 3  # a fifth of the time of the default, and a tenth more bytes
_LONGEST_WAIT_US = 3600 * SECOND  # a server that asks for more is asked again by then
_DROPPED = re.compile(r"dropped[ =](\d+)")


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
        trust = await answers.trusting(self.settings.ca_file)
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
            if means is Means.THERE:
                return Answer(means=means)
            return Answer(
                means=means, message=answers.with_status(int(status), advice(int(status)))
            )

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
            return answers.with_status(status, reading_advice(status), self.told(_message(error)))
        return self.answer(error).message

    def _trouble(self, error: Exception) -> str:
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return f"no connection within {self.settings.connect_timeout_us / SECOND:g} s"
        return answers.trouble(error, self.settings.timeout_us)

    def _refusal(self, error: ApiException) -> Answer:
        status, message = int(error.status), _message(error)
        dropped = _DROPPED.search(message)
        return Answer(
            means=meaning(status, message),
            message=answers.with_status(status, advice(status), self.told(message)),
            dropped=int(dropped[1]) if dropped else None,
            retry_after_us=retry_after_us(_header(error, "Retry-After"), self._clock.now()),
        )

    def told(self, message: str) -> str:
        """Return *message* as it is told: in one line, without the token."""
        token = ""
        if self.settings.token is not None:
            with suppress(SecretMissing):
                token = self._secrets.read(self.settings.token)
        return answers.told(message, [token], cut_from=answers.LONGEST_READ + 1)


def retry_after_us(value: str, now: Instant) -> int:
    """Return how long a `Retry-After` asks to wait: seconds, or a date. 0 for what is neither."""
    return min(answers.retry_after_us(value, now), _LONGEST_WAIT_US)


def _header(error: ApiException, name: str) -> str:
    return str(error.headers.get(name, "")) if error.headers else ""


def _message(error: ApiException) -> str:
    found: Any = error.message
    told = found.decode(errors="replace") if isinstance(found, bytes) else str(found or "")
    return answers.unless_page(told)
