"""Drawing up one client's month and freezing it in the outbox, in a process of its own.

Reading a month, counting it and rendering it take seconds of CPU, which the daemon does not have to
spare: looks would be late. So another process does it, with the lowest claim to the CPU. The
request comes pickled on its stdin from the daemon (`draft_aside`), the answer goes as JSON to its
stdout: the number, or why there is none.
"""

import asyncio
import json
import os
import pickle
import sys
from dataclasses import dataclass

from uptimed.core.observations import Instant
from uptimed.core.outbox import Status
from uptimed.core.settings import Settings
from uptimed.ports import StoreError
from uptimed.wiring.mailing import NotSendable, drawn_up
from uptimed.wiring.papers import NoPaper

_LAST_IN_LINE = 15  # looks at the clients' systems come first
_CHILD = "import sys; from uptimed.wiring.drafting import main; sys.exit(main())"
_TIMEOUT_S = 300.0  # the rendering in it has two minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which month of which client, and as of when."""

    settings: Settings
    client: str
    month: tuple[int, int]
    now: Instant
    software: str


class NotDrafted(Exception):
    """A report could not be drawn up; the message says why."""


async def draft_aside(request: Request) -> tuple[str, str]:
    """Have the report drawn up and frozen; return its number and what it is held for, if it is.

    Raise `NotDrafted`. Cancelled, it ends the process; what is frozen then stays frozen.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", _CHILD,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            out, told = await process.communicate(pickle.dumps(request))
    except TimeoutError as error:
        raise NotDrafted(f"nothing within {_TIMEOUT_S:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        lines = told.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise NotDrafted(f"its process ended with status {process.returncode}: {lines[-1]}")
    answer = json.loads(out)
    if "refused" in answer:
        raise NotDrafted(answer["refused"])
    return str(answer["number"]), str(answer["held"])


def answer(request: Request) -> dict[str, object]:
    """Return what goes to stdout."""
    client = request.settings.client(request.client)
    try:
        record = drawn_up(
            request.settings, client, request.month, now=request.now, software=request.software
        )
    except (NotSendable, NoPaper, StoreError) as error:
        return {"refused": str(error)}
    held = record.events[0].words if record.status is Status.HELD else ""
    return {"number": record.mail.number, "held": held}


def main() -> int:
    """Do what stdin asks for, politely."""
    os.nice(_LAST_IN_LINE)
    request = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own parent wrote it
    assert isinstance(request, Request)  # noqa: S101 - as above
    json.dump(answer(request), sys.stdout)
    return 0
