"""A dead man's switch outside: a URL that hears from us while we are well."""

import logging
from types import TracebackType
from typing import Self

import aiohttp

_TIMEOUT_S = 10.0
_log = logging.getLogger(__name__)


class Heartbeat:
    """Calls a URL. What it answers changes nothing; a failure is logged once, until it heals."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._session: aiohttp.ClientSession | None = None
        self._failing = False

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"User-Agent": f"uptimed/{self._version}"},
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def ping(self, url: str) -> None:
        """Call *url*, which may hold a secret and is never logged."""
        assert self._session is not None  # noqa: S101 - it is used inside `async with`
        try:
            async with self._session.get(url, allow_redirects=False) as answer:
                problem = "" if answer.status < 400 else f"status {answer.status}"
        except TimeoutError:
            problem = f"nothing within {_TIMEOUT_S:g} s"
        except (aiohttp.ClientError, ValueError) as error:
            problem = type(error).__name__
        if problem:
            self.failed(problem)
        elif self._failing:
            _log.info("the dead man's switch answers again")
            self._failing = False

    def failed(self, problem: str) -> None:
        """Say once that nobody outside hears from us."""
        if not self._failing:
            _log.warning("the dead man's switch does not answer: %s", problem)
        self._failing = True
