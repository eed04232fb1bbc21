"""Mail beside the daemon: without `[mail]` it does nothing, and nothing of it is loaded."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Protocol

from uptimed.core.settings import Settings
from uptimed.core.snapshot import Edge, MailView, Snapshot
from uptimed.ports import Clock, Secrets


class Room(Protocol):
    """Where mail is seen to."""

    def use(self, settings: Settings) -> None:
        """Go by *settings* from now on."""
        ...

    def view(self) -> MailView | None:
        """Return how mail stands."""
        ...

    async def hear(self, edge: Edge) -> None:
        """Tell the client of an outage or its end, where it wants to be told."""
        ...


class MailBeside:
    """The mailroom, if there is one."""

    def __init__(self, room: Room | None) -> None:
        self._room = room

    @property
    def events(self) -> tuple[Callable[[Edge], Awaitable[None]], ...]:
        """Return who is to hear of outages."""
        return () if self._room is None else (self._room.hear,)

    def use(self, settings: Settings) -> None:
        """Go by *settings* from now on."""
        if self._room is not None:
            self._room.use(settings)

    def seen(self, snapshot: Callable[[], Snapshot]) -> Callable[[], Snapshot]:
        """Return *snapshot* with mail in it."""
        room = self._room
        if room is None:
            return snapshot
        return lambda: replace(snapshot(), mail=room.view())


@asynccontextmanager
async def mail_beside(
    settings: Settings, secrets: Secrets, clock: Clock, software: str, *, restored: bool
) -> AsyncIterator[MailBeside]:
    """Draw up and deliver inside, where mail is configured.

    Of a journal that was *restored* from a backup nothing is sent that may have been before.
    """
    if settings.mail is None:
        yield MailBeside(None)
        return
    from uptimed.wiring.mailroom import mailroom

    async with mailroom(settings, secrets, clock, software, restored=restored) as room:
        yield MailBeside(room)
