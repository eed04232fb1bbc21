"""A stage for systems to be broken on: the port they answer at, and the port of their switches.

It knows nothing of what is played, except that there are switches, and that one of them closes the
port.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Protocol, Self

from aiohttp import web

from uptimed.demo import pages
from uptimed.demo.answers import document, html, redirect
from uptimed.demo.switches import STOPPED, Switchboard

CONTROL_HOST = "127.0.0.1"
"""Where the switches are: whoever reaches them can break the sandbox."""

_CLOSING_S = 1.0  # for answers under way, when a port is closed
_FORM_BYTES = 16 * 1024
_LOCAL_NAMES = frozenset({"127.0.0.1", "localhost"})

Answer = Callable[[web.Request], Awaitable[web.Response]]


class Play(Protocol):
    """What is played: something that answers, and that switches make fail."""

    @property
    def title(self) -> str:
        """Return what it is called."""
        ...

    @property
    def board(self) -> Switchboard:
        """Return its switches, the one that closes the port among them."""
        ...

    async def answer(self, request: web.Request) -> web.Response:
        """Answer *request*, or leave it without an answer, as the switches say."""
        ...

    def forget(self) -> None:
        """Forget everyone who is signed in."""
        ...


class _Port:
    """A port that is served on, and that can be closed and opened again."""

    def __init__(self, host: str, port: int, answer: Answer) -> None:
        self.host = host
        self.port = port  # where it is 0, any that is free the first time
        self._answer = answer
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def open(self) -> None:
        application = web.Application(client_max_size=_FORM_BYTES)  # serves once only
        application.router.add_route("*", "/{tail:.*}", self._answer)
        runner = web.AppRunner(
            application,
            access_log=None,
            handler_cancellation=True,  # an answer that hangs ends when nobody waits for it
            shutdown_timeout=_CLOSING_S,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self.port = runner.addresses[0][1]
        self._runner = runner

    async def close(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()


class Stage:
    """A system and its switches, open inside `async with`.

    *host* and *port* are the system's, *control_port* is the switches' on 127.0.0.1. A port that is
    0 is any that is free; it is known once it was opened, and kept while a switch closes it.
    Entering raises OSError where a port is taken.
    """

    def __init__(self, host: str, port: int, control_port: int, *, play: Play) -> None:
        self._play = play
        self._switches = play.board
        self._turning = asyncio.Lock()
        self._front = _Port(host, port, play.answer)
        self._control = _Port(CONTROL_HOST, control_port, self._answer_control)

    @property
    def url(self) -> str:
        """Return the system's URL, without a slash at its end."""
        return self._front.url

    @property
    def port(self) -> int:
        """Return the system's port."""
        return self._front.port

    @property
    def control_url(self) -> str:
        """Return the URL of the switches' port, without a slash at its end."""
        return self._control.url

    @property
    def control_port(self) -> int:
        """Return the switches' port."""
        return self._control.port

    @property
    def switches(self) -> Mapping[str, bool]:
        """Return which switches are on."""
        return self._switches.state

    async def turn(self, switch: str, *, on: bool) -> None:
        """Turn *switch* on or off; what it says holds when this returns.

        When it is turned off, answers that it delayed come at once, and connections that hung are
        dropped. Raises KeyError where there is no such switch; raises OSError, and leaves the
        switch on, where another program took the port while it was closed.
        """
        async with self._turning:
            if switch == STOPPED and on is not self._switches.on(switch):
                await (self._front.close() if on else self._front.open())
            self._switches.turn(switch, on=on)

    async def __aenter__(self) -> Self:
        """Open both ports."""
        await self._front.open()
        try:
            await self._control.open()
        except BaseException:
            await self._front.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close both ports, turn every switch off, and forget everyone who is signed in."""
        self._switches.turn(*self._switches.state, on=False)
        self._play.forget()
        try:
            await self._control.close()
        finally:
            await self._front.close()

    async def _answer_control(self, request: web.Request) -> web.Response:
        refused = _not_from_here(request)
        if refused:
            return web.Response(status=403, text=f"{refused}\n")
        match request.method, request.path.strip("/").split("/"):
            case "GET" | "HEAD", [""]:
                return redirect("/switches")
            case "GET" | "HEAD", ["switches"]:
                board = self._switches
                page = pages.switches(self._play.title, board.state, board.does, f"{self.url}/")
                return html(page)
            case "GET" | "HEAD", ["switches.json"]:
                return document(dict(self.switches))
            case "POST", ["switches", name, ("on" | "off") as turn] if name in self.switches:
                return await self._turn_by_request(name, on=turn == "on")
            case _:
                return web.Response(status=404, text="no such switch or page\n")

    async def _turn_by_request(self, switch: str, *, on: bool) -> web.Response:
        try:
            await self.turn(switch, on=on)
        except OSError as error:
            return web.Response(status=503, text=f"the port cannot be opened again: {error}\n")
        return redirect("/switches", status=303)


def _not_from_here(request: web.Request) -> str:
    """Return why a request to the switches is refused, or "": any page in a browser can send one.

    A page of another site says so in `Origin`; one whose name was pointed here says so in `Host`.
    """
    if request.host.rpartition(":")[0] not in _LOCAL_NAMES:
        return "the switches answer to their address on this machine only"
    origin = request.headers.get("Origin", "")
    if origin and origin != f"http://{request.host}":
        return "another site sent this"
    return ""
