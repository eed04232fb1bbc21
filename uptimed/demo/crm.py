"""Sandbox CRM: a small web application that can be broken in a dozen ways while it is watched.

Its switches, on a port of their own that only this machine can reach, make it fail the way real
systems do, such as status 200 with an error of PHP, or a sign-in that succeeds and is forgotten. It
knows nothing of who looks at it.
"""

import asyncio
import secrets
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Self

from aiohttp import web

from uptimed.demo import pages
from uptimed.demo.dialect import SANDBOX, Dialect
from uptimed.demo.site import Answer, Site, document, html, redirect
from uptimed.demo.switches import Switch, Switchboard

CONTROL_HOST = "127.0.0.1"
"""Where the switches are: whoever reaches them can break the sandbox."""

ACCOUNTS = ("probe1", "probe2")
"""Who can sign in. The passwords are made when the sandbox is."""

SLOW_S = 4.0
"""How long a slow answer takes: longer than is well, shorter than most would wait."""

_CLOSING_S = 1.0  # for answers under way, when a port is closed
_FORM_BYTES = 16 * 1024
_LOCAL_NAMES = frozenset({"127.0.0.1", "localhost"})


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


class SandboxCrm:
    """The sandbox and its switches, open inside `async with`.

    *host* and *port* are the CRM's, *control_port* is the switches' on 127.0.0.1. A port that is 0
    is any that is free; it is known once it was opened, and kept while a switch closes it. *slow_s*
    is how long a slow answer takes. Entering raises OSError where a port is taken.
    """

    def __init__(
        self,
        host: str,
        port: int,
        control_port: int,
        *,
        dialect: Dialect = SANDBOX,
        slow_s: float = SLOW_S,
    ) -> None:
        self._accounts = {name: secrets.token_urlsafe(12) for name in ACCOUNTS}
        self._api_token = secrets.token_urlsafe(24)
        self._switches = Switchboard()
        self._turning = asyncio.Lock()
        self._site = Site(
            dialect,
            self._switches,
            accounts=self._accounts,
            api_token=self._api_token,
            slow_s=slow_s,
        )
        self._front = _Port(host, port, self._site.answer)
        self._control = _Port(CONTROL_HOST, control_port, self._answer_control)

    @property
    def url(self) -> str:
        """Return the CRM's URL, without a slash at its end."""
        return self._front.url

    @property
    def port(self) -> int:
        """Return the CRM's port."""
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
    def accounts(self) -> Mapping[str, str]:
        """Return the passwords by user name. Secrets: never printed."""
        return MappingProxyType(self._accounts)

    @property
    def api_token(self) -> str:
        """Return the key of the API. A secret: never printed."""
        return self._api_token

    @property
    def switches(self) -> Mapping[Switch, bool]:
        """Return which switches are on."""
        return self._switches.state

    async def turn(self, switch: Switch, *, on: bool) -> None:
        """Turn *switch* on or off; what it says holds when this returns.

        When it is turned off, answers that it delayed come at once, and connections that hung are
        dropped. Raises OSError, and leaves the switch on, where another program took the port while
        it was closed.
        """
        async with self._turning:
            if switch is Switch.STOPPED and on is not self._switches.on(switch):
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
        self._switches.turn(*Switch, on=False)
        self._site.forget()
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
                return html(pages.switches(self.switches, f"{self.url}/"))
            case "GET" | "HEAD", ["switches.json"]:
                return document({switch.value: on for switch, on in self.switches.items()})
            case "POST", ["switches", name, ("on" | "off") as turn] if name in set(Switch):
                return await self._turn_by_request(Switch(name), on=turn == "on")
            case _:
                return web.Response(status=404, text="no such switch or page\n")

    async def _turn_by_request(self, switch: Switch, *, on: bool) -> web.Response:
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
