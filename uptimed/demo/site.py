"""The sandbox CRM's answers: what it says to a request, while these switches are on.

It has what a probe meets in a real system: a public page, a form with a token, a session, a page
behind it, a health call, an API behind a key. It opens no port.
"""

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from uptimed.demo import pages
from uptimed.demo.answers import document, html, redirect
from uptimed.demo.dialect import Dialect
from uptimed.demo.switches import Switch, Switchboard

Answer = Callable[[web.Request], Awaitable[web.Response]]

_SESSIONS = 1000  # kept at most: a probe leaves one every minute


@dataclass(slots=True)
class _Session:
    csrf: str
    username: str = ""  # "" until signed in
    message: str = ""  # shown once, on the next form


class _Page:
    """Something that is asked for by a method, a path, and whatever query tells it apart."""

    def __init__(
        self, method: str, address: str, answer: Answer, *, needs_database: bool = False
    ) -> None:
        parts = urlsplit(address)
        self.method = method
        self.path = "/" + parts.path.lstrip("/")
        self.query = parse_qsl(parts.query, keep_blank_values=True)
        self.answer = answer
        self.needs_database = needs_database

    def fits(self, request: web.Request) -> bool:
        method = "GET" if request.method == "HEAD" else request.method
        if (method, request.path) != (self.method, self.path):
            return False
        return all(request.query.get(name) == value for name, value in self.query)


class Site:
    """A CRM in one *dialect*, which fails as *switches* say.

    *accounts* are passwords by user name. *slow_s* is how long a slow answer takes.
    """

    def __init__(
        self,
        dialect: Dialect,
        switches: Switchboard,
        *,
        accounts: Mapping[str, str],
        api_token: str,
        slow_s: float,
    ) -> None:
        self._dialect = dialect
        self._switches = switches
        self._accounts = accounts
        self._api_token = api_token
        self._slow_s = slow_s
        self._sessions: dict[str, _Session] = {}
        self._pages = self._pages_of(dialect)
        self._faults: Mapping[Switch, Callable[[], web.Response]] = {  # the first that is on
            Switch.ERROR500: lambda: web.Response(status=500),
            Switch.MAINTENANCE: self._maintenance,
            Switch.BROKEN200: self._crash,
        }

    def _pages_of(self, dialect: Dialect) -> tuple[_Page, ...]:
        """Return what is answered, the addresses with the most query first."""
        found = (
            _Page("GET", dialect.front, self._front),
            _Page("GET", dialect.form, self._form),
            _Page("GET", dialect.rejected_to or dialect.form, self._form),
            _Page("POST", dialect.sign_in, self._sign_in, needs_database=True),
            _Page("GET", dialect.home, self._home, needs_database=True),
            _Page("GET", dialect.sign_out, self._sign_out),
            _Page("GET", dialect.health, self._health),
            _Page("GET", dialect.contacts, self._contacts, needs_database=True),
        )
        return tuple(sorted(found, key=lambda page: -len(page.query)))

    @property
    def title(self) -> str:
        """Return what it is called."""
        return "Sandbox CRM"

    @property
    def board(self) -> Switchboard:
        """Return its switches."""
        return self._switches

    def forget(self) -> None:
        """Forget everyone who is signed in."""
        self._sessions.clear()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer *request*, or leave it without an answer, as the switches say."""
        if self._switches.on(Switch.HANGING):
            return await self._hang(request)
        await self._dawdle()
        for switch, fault in self._faults.items():
            if self._switches.on(switch):
                return fault()
        page = next((page for page in self._pages if page.fits(request)), None)
        if page is None:
            return html(pages.notice("Not found", "There is no such page."), status=404)
        if page.needs_database and self._switches.on(Switch.DATABASE):
            return html(pages.notice("Error", self._dialect.no_database), status=500)
        return await page.answer(request)

    async def _hang(self, request: web.Request) -> web.Response:
        """Keep *request* waiting, then drop its connection: it is never answered."""
        await self._switches.until_off(Switch.HANGING)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()  # for the server's own books; there is nowhere to send it

    async def _dawdle(self) -> None:
        try:
            async with asyncio.timeout(self._slow_s):
                await self._switches.until_off(Switch.SLOW)
        except TimeoutError:
            return  # slow, but it comes

    def _maintenance(self) -> web.Response:
        page = pages.notice("Maintenance", self._dialect.maintenance)
        return html(page, status=503, headers={"Retry-After": "120"})

    def _crash(self) -> web.Response:
        return web.Response(text=f"<br />\n{self._dialect.crash}\n", content_type="text/html")

    # Pages.

    async def _front(self, _: web.Request) -> web.Response:
        return html(pages.front(self._dialect))

    async def _form(self, request: web.Request) -> web.Response:
        response = html("")
        session = self._session(request) or self._begin(response)
        self._put_form(response, session, session.message)
        session.message = ""
        return response

    async def _home(self, request: web.Request) -> web.Response:
        session = self._session(request)
        if session is None or not session.username or self._switches.on(Switch.SESSION_LOST):
            return redirect(self._dialect.form)
        return html(pages.home(self._dialect, session.username))

    async def _sign_out(self, request: web.Request) -> web.Response:
        self._end(request)
        response = redirect(self._dialect.front)
        response.del_cookie(self._dialect.cookie, path="/")
        return response

    async def _health(self, _: web.Request) -> web.Response:
        if self._switches.on(Switch.DATABASE):
            return document({"status": "error", "database": "unreachable"}, status=503)
        return document({"status": "ok", "database": "ok", "contacts": len(pages.CONTACTS)})

    async def _contacts(self, request: web.Request) -> web.Response:
        if not _same(request.headers.get(self._dialect.token_header, ""), self._api_token):
            return document({"error": "a valid API key is required"}, status=401)
        limit = request.query.get("limit", "20")
        if not (limit.isascii() and limit.isdigit() and len(limit) < 4 and 1 <= int(limit) <= 100):
            return document({"error": "limit is a number from 1 to 100"}, status=400)
        return document({"total": len(pages.CONTACTS), "contacts": pages.CONTACTS[: int(limit)]})

    # Signing in.

    async def _sign_in(self, request: web.Request) -> web.Response:
        if self._switches.on(Switch.LOGIN_ERROR):
            return html(pages.notice("Error", "Something went wrong."), status=500)
        sent = await request.post()
        if any(sent.get(name) != value for name, value in self._dialect.hidden.items()):
            return html(pages.notice("Error", "This is not the form."), status=400)
        session = self._session(request)
        if self._expired(session, sent.get(self._dialect.csrf)):
            return self._refuse(session, self._dialect.expired, status=403)
        if self._switches.on(Switch.LOCKED):
            return self._refuse(session, self._dialect.locked)
        username = str(sent.get(self._dialect.username, ""))
        if not self._accepts(username, str(sent.get(self._dialect.password, ""))):
            return self._refuse(session, self._dialect.rejected)
        self._end(request)
        response = redirect(self._dialect.home)
        self._begin(response, "" if self._switches.on(Switch.SESSION_LOST) else username)
        return response

    def _expired(self, session: _Session | None, token: object) -> bool:
        if not self._dialect.csrf:
            return False
        if session is None or self._switches.on(Switch.EXPIRED_FORM):
            return True
        return not (isinstance(token, str) and _same(token, session.csrf))

    def _accepts(self, username: str, password: str) -> bool:
        known = self._accounts.get(username)
        if known is None or self._switches.on(Switch.REJECT_ALL):
            return False
        return _same(password, known)

    def _refuse(self, session: _Session | None, message: str, *, status: int = 200) -> web.Response:
        """Say *message* on the form: at once, or behind a redirect where the dialect has one."""
        redirects = bool(self._dialect.rejected_to) and status == 200
        response = redirect(self._dialect.rejected_to) if redirects else html("", status=status)
        session = session or self._begin(response)
        if redirects:
            session.message = message
        else:
            self._put_form(response, session, message)
        return response

    def _put_form(self, response: web.Response, session: _Session, message: str) -> None:
        tokenless = not self._dialect.csrf or self._switches.on(Switch.EXPIRED_FORM)
        csrf = "" if tokenless else session.csrf
        response.text = pages.form(self._dialect, csrf=csrf, message=message)

    # Sessions.

    def _session(self, request: web.Request) -> _Session | None:
        return self._sessions.get(request.cookies.get(self._dialect.cookie, ""))

    def _begin(self, response: web.Response, username: str = "") -> _Session:
        """Begin a session, and hand out its cookie: a new one, that nobody could know before."""
        key, session = secrets.token_urlsafe(18), _Session(secrets.token_hex(20), username)
        while len(self._sessions) >= _SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[key] = session
        response.set_cookie(self._dialect.cookie, key, httponly=True, samesite="Lax", path="/")
        return session

    def _end(self, request: web.Request) -> None:
        self._sessions.pop(request.cookies.get(self._dialect.cookie, ""), None)


def _same(one: str, other: str) -> bool:
    """Return whether two secrets are the same, in a time that does not tell how far they are."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
