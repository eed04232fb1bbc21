"""Handing messages over to a mail server, one recipient a dialogue.

Every trouble is a value that says whether the mail may have gone out: what fails before its text
went out was not sent, what the server answered is certain, and only a text without an answer is
`Unknown`. Nothing is sent, and no password said, on a way that is not as protected as it was
configured to be. The words of a server are cut to a line, with every secret in them masked.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiosmtplib
from aiosmtplib import SMTP

from uptimed import answers
from uptimed.core.observations import SECOND
from uptimed.core.outbox import said
from uptimed.core.settings import Mailing, Security
from uptimed.ports import Mask

_QUIT_S = 5.0  # politeness has an end
_TEXT_TAKES = 10  # times longer than any other step: to give up there leaves a mail uncertain
_CLOSING = 421  # the server is about to close the connection, whatever was asked


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server took the message over."""

    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """It was not sent, and may be tried again.

    *server* says that it is no matter of this recipient; *login* that the server refused us.
    """

    words: str
    server: bool = False
    login: bool = False


@dataclass(frozen=True, slots=True)
class Never:
    """It was not sent, and the server says that trying again is of no use."""

    words: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Its text went out and no answer came: it may have been delivered."""

    words: str


Outcome = Accepted | Later | Never | Unknown


class Line:
    """A connection to a mail server that is ready to take messages."""

    def __init__(self, smtp: SMTP, mask: Mask, *, patience_s: float) -> None:
        self._smtp, self._mask, self._patience_s = smtp, mask, patience_s
        self._fresh = True

    async def hand_over(
        self, sender: str, recipient: str, message: bytes, claim: Callable[[], Awaitable[bool]]
    ) -> Outcome | None:
        """Send *message*, and return what became of it.

        *claim* is asked before the text goes out; where it says no nothing is sent, and None is
        returned.
        """
        refusal = await self._addressed(sender, recipient, len(message))
        if refusal is not None:
            return refusal
        if not await claim():
            return None
        try:
            reply = await self._smtp.data(message, timeout=self._patience_s)
        except aiosmtplib.SMTPDataError as error:
            return self._answered(error.code, error.message)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Unknown(self._said(f"no answer after the text was sent: {error}"))
        return Accepted(self._said(f"{reply.code} {reply.message}"))

    async def _addressed(self, sender: str, recipient: str, size: int) -> Later | Never | None:
        options = [f"size={size}"] if self._smtp.supports_extension("size") else []
        try:
            if not self._fresh:
                await self._smtp.rset()
            self._fresh = False
            await self._smtp.mail(sender, options=options)
            await self._smtp.rcpt(recipient)
        except aiosmtplib.SMTPRecipientRefused as error:
            answer = self._answered(error.code, error.message)
            return Later(words=answer.words) if isinstance(answer, Unknown) else answer
        except aiosmtplib.SMTPSenderRefused as error:
            words = f"the server refused the sender {sender}: {error.code} {error.message}"
            return Later(words=self._said(words), server=True)
        except aiosmtplib.SMTPResponseException as error:
            return Later(words=self._said(f"{error.code} {error.message}"), server=True)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Later(words=self._said(f"the connection broke off: {error}"), server=True)
        return None

    def _answered(self, code: int, message: str) -> Later | Never | Unknown:
        words = self._said(f"{code} {message}")
        if code == _CLOSING:
            return Later(words=words, server=True)
        if 400 <= code <= 499:
            return Later(words=words)
        if 500 <= code <= 599:
            return Never(words)
        return Unknown(words)  # an answer that is none

    def _said(self, text: str) -> str:
        return said(self._mask(text))


@asynccontextmanager
async def connected(mailing: Mailing, password: str, mask: Mask) -> AsyncIterator[Line | Later]:
    """Connect, protect the way, sign in; yield the line, or why there is none."""
    context = None
    if mailing.security is not Security.NONE:
        try:
            context = await answers.trusting(mailing.ca_file)
        except (OSError, ssl.SSLError) as error:
            words = f"ca_file {mailing.ca_file}: {error.strerror or error}"
            yield Later(words=said(mask(words)), server=True)
            return
    smtp = SMTP(
        hostname=mailing.host,
        port=mailing.port,
        timeout=mailing.timeout_us / SECOND,
        use_tls=mailing.security is Security.TLS,
        start_tls=False,  # asked for below, and insisted on
        tls_context=context,
        local_hostname=_own_name(),
    )
    try:
        trouble = await _ready(smtp, mailing, password, context)
        if trouble is not None:
            words = f"{mailing.host}:{mailing.port}: {trouble.words}"
            yield Later(words=said(mask(words)), server=True, login=trouble.login)
        else:
            yield Line(smtp, mask, patience_s=_TEXT_TAKES * mailing.timeout_us / SECOND)
    except asyncio.CancelledError:
        smtp.close()  # we are stopping: a server that is silent may not take our time
        raise
    finally:
        await _leave(smtp)


async def _ready(
    smtp: SMTP, mailing: Mailing, password: str, context: ssl.SSLContext | None
) -> Later | None:
    within = f"{mailing.timeout_us / SECOND:g} s"
    try:
        await smtp.connect()
        await smtp.ehlo()
        if mailing.security is Security.STARTTLS:
            if not smtp.supports_extension("starttls"):
                return Later(words="the server offers no STARTTLS; nothing was sent")
            await smtp.starttls(tls_context=context)
            await smtp.ehlo()
        if mailing.username:
            await smtp.login(mailing.username, password)
    except aiosmtplib.SMTPAuthenticationError as error:
        words = f"the server refused the username or the password: {error.code} {error.message}"
        return Later(words=words, login=True)
    except aiosmtplib.SMTPNotSupported as error:
        return Later(words=f"the server cannot do what is needed: {error}", login=True)
    except aiosmtplib.SMTPResponseException as error:
        return Later(words=f"the server said {error.code} {error.message}")
    except (aiosmtplib.SMTPTimeoutError, TimeoutError):
        return Later(words=f"nothing within {within}")
    except ssl.SSLCertVerificationError as error:
        return Later(words=f"its certificate is not trusted: {error.verify_message}")
    except (aiosmtplib.SMTPException, OSError) as error:
        return Later(words=_cause_of(error))
    return None


def _cause_of(error: Exception) -> str:
    """Return what is behind *error*: the library wraps what the network said."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message}"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(error) or type(error).__name__


def _own_name() -> str:
    """Return what we call ourselves; a name that no server would take is none."""
    name = socket.gethostname()
    return name if name.isascii() and all(c.isalnum() or c in ".-" for c in name) else "localhost"


async def _leave(smtp: SMTP) -> None:
    if smtp.is_connected:
        with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            await smtp.quit(timeout=_QUIT_S)
    smtp.close()
