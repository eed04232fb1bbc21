"""A mail server for tests: aiosmtpd in a thread, which can be told to behave badly.

`Office` takes mail on a free port of loopback. What it does with each recipient and each message is
a table that a test fills in: refuse, greylist, drop the connection, never answer.
"""

import asyncio
import ssl
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from typing import Any, TypeVar, cast

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

T = TypeVar("T")

AIOSMTPD_WARNS = [
    pytest.mark.filterwarnings("ignore:.*login_data:DeprecationWarning"),  # of its own future
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning"),
]

DROP = "drop"
"""Instead of an answer the connection is closed."""

SILENT = "silent"
"""Instead of an answer there is none."""


@dataclass(frozen=True, slots=True)
class Got:
    """A message as it came, and for whom."""

    sender: str
    recipient: str
    content: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)


@dataclass(slots=True)
class Manners:
    """How the office answers. Answers in lists are given one after the other, the last for good."""

    greeting_mail: str = ""
    recipients: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    data: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    drop_after_taking: set[str] = field(default_factory=set)


class _Handler:
    """Answers as its office's manners say, and keeps what it took."""

    def __init__(self, office: "Office") -> None:
        self._office = office

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self._office.manners.greeting_mail
        if answer:
            return await _given(server, answer)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._office.note(self._office.asked, address)
        answer = _next(self._office.manners.recipients[address])
        if answer and not answer.startswith("250"):
            return await _given(server, answer)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        manners, content = self._office.manners, cast("bytes", envelope.original_content)
        for address in envelope.rcpt_tos:
            answer = _next(manners.data[address])
            if answer and not answer.startswith("250"):
                return await _given(server, answer)
            self._office.note(self._office.got, Got(str(envelope.mail_from), address, content))
            if address in manners.drop_after_taking:
                return await _given(server, DROP)
        return "250 taken as 1A2B3C"


def _next(answers: list[str]) -> str:
    return answers.pop(0) if len(answers) > 1 else (answers or [""])[0]


async def _given(server: SMTP, answer: str) -> str:
    if answer == DROP:
        transport = server.transport
        assert isinstance(transport, asyncio.WriteTransport)
        transport.abort()
        return "421 gone"
    if answer == SILENT:
        await asyncio.Event().wait()
    return answer


class Office:
    """A mail server on loopback. Stopped, it can be started again on the same port."""

    def __init__(
        self,
        *,
        context: ssl.SSLContext | None = None,
        implicit: bool = False,
        login: tuple[str, str] | None = None,
    ) -> None:
        self.got: list[Got] = []
        self.asked: list[str] = []
        self.logins: list[str] = []
        self.manners = Manners()
        self.port = 0
        self._news = threading.Condition()
        self._context, self._implicit, self._login = context, implicit, login
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _loop, _context: None)  # connections end roughly
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        self._do(self._listen())

    def stop(self) -> None:
        """Go away: connections are refused until it is started again."""
        self._do(self._unlisten())

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def note(self, where: list[T], what: T) -> None:
        with self._news:
            where.append(what)
            self._news.notify_all()

    async def heard(self, where: list[T]) -> None:
        """Wait until there is something in *where*, which is `asked` or `got`."""

        def wait() -> bool:
            with self._news:
                return self._news.wait_for(lambda: bool(where), 20)

        assert await asyncio.to_thread(wait)

    def recipients(self) -> list[str]:
        return [one.recipient for one in self.got]

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        make = partial(
            SMTP,
            _Handler(self),
            hostname="mail.example",
            loop=self._loop,
            tls_context=None if self._implicit else self._context,
            require_starttls=self._context is not None and not self._implicit,
            authenticator=self._authenticate if self._login else None,
            auth_required=self._login is not None,
            auth_require_tls=self._context is not None and not self._implicit,
        )
        self._server = await self._loop.create_server(
            make, "127.0.0.1", self.port, ssl=self._context if self._implicit else None
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _unlisten(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()
        await asyncio.sleep(0)  # noqa: TID251 - lets them end

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        self.logins.append(given[0])
        return AuthResult(success=given == self._login, handled=False)


@contextmanager
def office(
    *,
    context: ssl.SSLContext | None = None,
    implicit: bool = False,
    login: tuple[str, str] | None = None,
) -> Iterator[Office]:
    """Open an office that takes mail."""
    made = Office(context=context, implicit=implicit, login=login)
    try:
        made.start()
        yield made
    finally:
        made.close()


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """Return a context with a certificate for *names*, which *authority* vouches for."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


def headers(content: bytes, name: str) -> Sequence[str]:
    """Return every header of that name, as a reader that knows no mercy finds them."""
    found = message_from_bytes(content, policy=policy.compat32)
    return [str(value) for value in found.get_all(name, [])]
