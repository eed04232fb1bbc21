"""What can be broken in the sandbox, and whether it is."""

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Switch(StrEnum):
    """Something that can be broken."""

    STOPPED = "stopped"
    HANGING = "hanging"
    SLOW = "slow"
    ERROR500 = "error500"
    BROKEN200 = "broken200"
    MAINTENANCE = "maintenance"
    DATABASE = "database"
    LOGIN_ERROR = "login_error"
    SESSION_LOST = "session_lost"
    REJECT_ALL = "reject_all"
    LOCKED = "locked"
    EXPIRED_FORM = "expired_form"


DOES: Mapping[str, str] = MappingProxyType(
    {
        Switch.STOPPED: "The port is closed: connections are refused.",
        Switch.HANGING: "Connections are accepted and never answered.",
        Switch.SLOW: "Every answer takes some seconds.",
        Switch.ERROR500: "Every answer is a bare status 500.",
        Switch.BROKEN200: "Every answer is an error of PHP, with status 200.",
        Switch.MAINTENANCE: "Every answer is a maintenance page, with status 503.",
        Switch.DATABASE: "The front page and the form look well; nothing that needs data works.",
        Switch.LOGIN_ERROR: "The form looks well; signing in ends in status 500.",
        Switch.SESSION_LOST: "Signing in seems to succeed, but nobody stays signed in.",
        Switch.REJECT_ALL: "Every password is said to be wrong.",
        Switch.LOCKED: "Every account is said to be locked.",
        Switch.EXPIRED_FORM: "The form has no token, so that what is sent has always expired.",
    }
)
"""What each switch does while it is on, in one line."""


STOPPED = Switch.STOPPED.value
"""The switch that every system has: it closes the port."""


class Switchboard:
    """Which switches are on, and waiting for one to be turned off.

    *does* has what each of them does while it is on, in one line.
    """

    def __init__(self, does: Mapping[str, str]) -> None:
        self.does = MappingProxyType({str(name): text for name, text in does.items()})
        self._state = dict.fromkeys(self.does, False)
        self._turned = asyncio.Event()  # replaced whenever a switch is turned

    @property
    def state(self) -> Mapping[str, bool]:
        """Return which switches are on: a view that follows them."""
        return MappingProxyType(self._state)

    def on(self, switch: str) -> bool:
        """Return whether *switch* is on. Raise KeyError where there is no such switch."""
        return self._state[switch]

    def turn(self, *switches: str, on: bool) -> None:
        """Turn *switches* on or off, and wake those who wait for one.

        Raise KeyError, and turn none, where there is no such switch.
        """
        for switch in switches:
            if switch not in self._state:
                raise KeyError(switch)
        self._state.update({str(switch): on for switch in switches})
        self._turned.set()
        self._turned = asyncio.Event()

    async def until_off(self, switch: str) -> None:
        """Wait for as long as *switch* is on."""
        while self._state[switch]:
            await self._turned.wait()
