"""An Alertmanager over there: one request at a time, and what its answer means for us.

Whatever happens on the way becomes an `Answer`; nothing is raised but bugs. It does not follow
redirects: a redirected POST arrives as a GET, without its alerts, and is answered with 200.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Self

import aiohttp

from uptimed import answers
from uptimed.alerting.posting import Posting
from uptimed.core.observations import SECOND, Instant
from uptimed.core.settings import Alerting
from uptimed.core.targets import Secret
from uptimed.ports import Clock, SecretMissing, Secrets

_LONGEST_WAIT_US = 300 * SECOND  # one that asks for more is asked again by then


class Means(Enum):
    """What an answer means for the alerts that were sent."""

    THERE = "they are there"
    REFUSED = "one of them at least cannot be taken; the others were"
    TOO_LARGE = "they are too many for one request"
    LATER = "it cannot take them now"
    MISTAKEN = "nobody's alerts are taken until somebody repairs something"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a request. *message* is one line for the operator, without secrets.

    *retry_after_us* is how long we are asked to wait, 0 where nothing is said.
    """

    means: Means
    message: str = ""
    retry_after_us: int = 0


def meaning(status: int) -> Means:
    """Return what an answer of *status* means."""
    if 200 <= status < 300:
        return Means.THERE
    if status in {400, 422}:
        return Means.REFUSED
    if status == 413:
        return Means.TOO_LARGE
    if status in {408, 425, 429} or status >= 500:
        return Means.LATER
    return Means.MISTAKEN


_ADVICE = {
    401: "the credentials are wrong; see `username`, `password` and `token`",
    403: "these credentials may not send alerts",
    404: "this is not Alertmanager's API; see `urls`: a path in front of /api may be missing",
    405: "this is not Alertmanager's API; see `urls`",
    410: "this Alertmanager does not speak version 2 of its API any more",
}


def advice(status: int) -> str:
    """Return what the operator can do about an answer of *status*, or nothing."""
    if 300 <= status < 400:
        return "it sends us elsewhere, and alerts cannot follow; see `urls`"
    return _ADVICE.get(status, "")


class Server:
    """One Alertmanager. Used inside `async with`."""

    def __init__(
        self, url: str, settings: Alerting, *, secrets: Secrets, clock: Clock, software: str
    ) -> None:
        self.url, self._settings = url, settings
        self._secrets, self._clock, self._software = secrets, clock, software
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, postings: Sequence[Posting]) -> Answer:
        """Send *postings*; none at all is a sign of life."""
        body = json.dumps([posting.as_json() for posting in postings], ensure_ascii=False)
        try:
            session = await self._opened()
        except OSError as error:  # of TLS, too
            why = error.strerror or str(error)
            return Answer(means=Means.MISTAKEN, message=self._told(f"ca_file: {why}"))
        try:
            headers = {"Content-Type": "application/json", **self._authorization()}
            async with session.post(
                f"{self.url}/api/v2/alerts",
                data=body.encode("utf-8", "replace"),
                headers=headers,
                allow_redirects=False,
            ) as reply:
                said = await reply.content.read(answers.LONGEST_READ)
                return self._judged(reply, said)
        except SecretMissing as error:
            return Answer(means=Means.MISTAKEN, message=str(error))
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return Answer(
                means=Means.LATER,
                message=self._told(answers.trouble(error, self._settings.timeout_us)),
            )
        except ValueError:  # a header that cannot be sent, whose text would hold the secret
            return Answer(
                means=Means.MISTAKEN, message="the password or token has characters of none"
            )

    async def _opened(self) -> aiohttp.ClientSession:
        """Return the session, once whom to trust could be read."""
        if self._session is None:
            trust = await answers.trusting(self._settings.ca_file)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=trust, limit=1),
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout_us / SECOND),
                headers={"User-Agent": f"uptimed/{self._software}"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _authorization(self) -> dict[str, str]:
        settings = self._settings
        if settings.token is not None:
            return {"Authorization": f"Bearer {self._secrets.read(settings.token)}"}
        if settings.password is not None:
            password = self._secrets.read(settings.password)
            given = aiohttp.encode_basic_auth(settings.username, password, encoding="utf-8")
            return {"Authorization": given}
        return {}

    def _judged(self, reply: aiohttp.ClientResponse, said: bytes) -> Answer:
        means, message = meaning(reply.status), _message(said)
        if means is Means.THERE and message:  # Alertmanager says nothing when all is well
            means, told = Means.MISTAKEN, "this is not Alertmanager's API; see `urls`"
        else:
            told = advice(reply.status)
        if means is Means.THERE:
            return Answer(means=means)
        return Answer(
            means=means,
            message=self._told(answers.with_status(reply.status, told, message)),
            retry_after_us=retry_after_us(reply.headers.get("Retry-After", ""), self._clock.now()),
        )

    def _told(self, message: str) -> str:
        # What was read may be cut off; a character takes up to four bytes of it.
        longest = answers.LONGEST_READ // 4
        return answers.told(message, self._known_secrets(), cut_from=longest)

    def _known_secrets(self) -> list[str]:
        found: list[str] = []
        asked: tuple[Secret | None, ...] = (self._settings.password, self._settings.token)
        for secret in asked:
            with suppress(SecretMissing):
                found += [self._secrets.read(secret)] if secret is not None else []
        return found


def retry_after_us(value: str, now: Instant) -> int:
    """Return how long a `Retry-After` asks to wait: seconds, or a date. 0 for what is neither."""
    return min(answers.retry_after_us(value, now), _LONGEST_WAIT_US)


def _message(said: bytes) -> str:
    told = answers.unless_page(said.decode(errors="replace").strip())
    with suppress(ValueError):
        told_json = json.loads(told) if told else ""
        told = told_json if isinstance(told_json, str) else told
    return told
