"""What a server over there says to a request, or why it says nothing: in words for the operator.

Shared by those who talk to servers of somebody's. It knows HTTP and TLS, and no server's API: what
an answer means is for each of them to say.
"""

import asyncio
import re
import ssl
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime

import aiohttp

from uptimed.core.masking import masker
from uptimed.core.minutes import instant_of
from uptimed.core.observations import SECOND, Instant

LONGEST_READ = 16 * 1024  # of an answer: masking all of a long one takes long
_LONGEST_TOLD = 300
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


async def trusting(ca_file: str) -> ssl.SSLContext:
    """Return whom to trust: *ca_file*, or the system's authorities where it is empty.

    Raise `OSError` (as those of TLS are, too) where the file cannot be used.
    """
    # Reading the system's authorities takes 35 ms.
    return await asyncio.to_thread(ssl.create_default_context, cafile=ca_file or None)


def trouble(error: Exception, timeout_us: int) -> str:
    """Return what an exception of aiohttp says; *timeout_us* is what a request may take."""
    match error:
        case TimeoutError():
            return f"nothing within {timeout_us / SECOND:g} s"
        case aiohttp.ClientConnectorCertificateError():
            return f"TLS: {error.certificate_error}"
        case aiohttp.ClientConnectorError():
            why = error.os_error.strerror or str(error.os_error)
            tls = "TLS: " if isinstance(error, aiohttp.ClientSSLError) else ""
            return f"{tls}cannot connect to {error.host} port {error.port}: {why}"
        case aiohttp.ClientPayloadError():
            return "its answer broke off"
        case _:
            return str(error) or type(error).__name__


def retry_after_us(value: str, now: Instant) -> int:
    """Return how long a `Retry-After` asks to wait: seconds, or a date. 0 for what is neither."""
    if value.isascii() and value.isdigit():
        return int(value[:9]) * SECOND
    with suppress(ValueError):
        moment = parsedate_to_datetime(value)
        asked = instant_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
        return max(0, asked)
    return 0


def unless_page(said: str) -> str:
    """Return what a server said that should speak JSON; a page of HTML by its name only."""
    if "<" in said[:50] and "html" in said[:200].lower():
        return "a page of HTML instead of JSON"
    return said


def told(message: str, secrets: Iterable[str], *, cut_from: int) -> str:
    """Return *message* as it is told: in one line, without *secrets*, and only then cut off.

    Half a secret is not recognised. A message of *cut_from* characters or more may be cut off
    already: where masking leaves so little of one that its end would show, nothing of it is told.
    """
    masked = masker(secrets)(message[:LONGEST_READ])
    if len(message) >= cut_from and len(masked) <= _LONGEST_TOLD:
        return "its answer is not shown: it is made of secrets"
    plain = _CONTROL.sub(" ", masked).strip()
    return plain if len(plain) <= _LONGEST_TOLD else f"{plain[:_LONGEST_TOLD]}…"


def with_status(status: int, *said: str) -> str:
    """Return the status of an answer, and what there is to say of it."""
    return "; ".join(part for part in (f"status {status}", *said) if part)
