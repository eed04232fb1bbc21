"""Sandbox CRM: a small web application that can be broken in a dozen ways while it is watched.

Its switches, on a port of their own that only this machine can reach, make it fail the way real
systems do, such as status 200 with an error of PHP, or a sign-in that succeeds and is forgotten. It
knows nothing of who looks at it.
"""

import secrets
from collections.abc import Mapping
from types import MappingProxyType

from uptimed.demo.dialect import SANDBOX, Dialect
from uptimed.demo.site import Site
from uptimed.demo.stage import Stage
from uptimed.demo.switches import DOES, Switchboard

ACCOUNTS = ("probe1", "probe2")
"""Who can sign in. The passwords are made when the sandbox is."""

SLOW_S = 4.0
"""How long a slow answer takes: longer than is well, shorter than most would wait."""


class SandboxCrm(Stage):
    """The sandbox and its switches, open inside `async with`: see `Stage`.

    *slow_s* is how long a slow answer takes.
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
        self._site = Site(
            dialect,
            Switchboard(DOES),
            accounts=self._accounts,
            api_token=self._api_token,
            slow_s=slow_s,
        )
        super().__init__(host, port, control_port, play=self._site)

    @property
    def accounts(self) -> Mapping[str, str]:
        """Return the passwords by user name. Secrets: never printed."""
        return MappingProxyType(self._accounts)

    @property
    def api_token(self) -> str:
        """Return the key of the API. A secret: never printed."""
        return self._api_token
