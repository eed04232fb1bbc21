"""Telling systemd how we are: `sd_notify` over its datagram socket, without its library."""

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress


def notifier(environment: Mapping[str, str] = os.environ) -> Callable[[str], None]:
    """Return what sends a state such as `READY=1`; without `$NOTIFY_SOCKET` it does nothing.

    A name that begins with `@` is a socket in the abstract namespace. Nobody listening is no fault
    of ours: what cannot be sent is dropped.
    """
    name = environment.get("NOTIFY_SOCKET", "")
    if not name:
        return _silent
    address = "\0" + name[1:] if name.startswith("@") else name

    def notify(state: str) -> None:
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
        ):
            sender.settimeout(0)
            sender.sendto(state.encode(), address)

    return notify


def watchdog_period_us(environment: Mapping[str, str] = os.environ) -> int | None:
    """Return how often systemd wants to hear from us, or None where it does not wait for it."""
    text, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not text.isdecimal() or (pid.isdecimal() and int(pid) != os.getpid()):
        return None
    return int(text)


def _silent(_state: str) -> None:
    """Tell nobody."""
