"""The one place where any exception is caught.

An exception that nobody expected is a bug of ours. It is counted, logged with its traceback, and
the daemon goes on: a bug never becomes a client's downtime, and never ends the watch.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from uptimed.ports import Clock

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bug:
    """Something of ours broke: the exception's name, never its text, which may hold secrets."""

    name: str


class Supervisor:
    """Runs things that may be broken, and counts those that were."""

    def __init__(self) -> None:
        self.bugs = 0

    async def __call__(self, work: Awaitable[T], what: str) -> T | Bug:
        """Return what *work* returns, or the bug that ended it. *what* names it in the log."""
        try:
            return await work
        except Exception as error:  # noqa: BLE001 - see above
            self.bugs += 1
            _log.exception("a bug of uptimed's in %s", what)
            return Bug(type(error).__name__)

    async def again(
        self, chore: Callable[[], Awaitable[None]], what: str, *, clock: Clock, after_us: int
    ) -> None:
        """Do *chore* until it ends by itself; when a bug ended it, begin again after a while."""
        while isinstance(await self(chore(), what), Bug):
            await clock.sleep(after_us)
