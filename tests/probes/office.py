"""A small system to sign in to, that remembers everything it was asked, and can be told otherwise.

It knows one account. What it should answer differently is a function in `twists`, by path.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from probes.login import LoginProbe
from tests.fakes import FakeClock, FakeSecrets
from tests.probes.conftest import FakeResolver
from uptimed.core.targets import (
    BROKEN_TEXTS,
    Account,
    Expectation,
    LoginTarget,
    ProbeSettings,
    Secret,
    SecretPlace,
    TlsOptions,
)
from uptimed.core.terms import Role

USERNAME = "probe1"
PASSWORD = "canary/7f3a+91c2"
FORM = '<form action="/login" method="post"><input name="token" type="hidden" value="{token}">'
FIELDS = '<input name="username"><input type="password" name="password"></form>'

Twist = Callable[["Ask"], web.Response | None]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    form: Mapping[str, str]
    cookies: Mapping[str, str]


@dataclass
class Office:
    """The system while it is open."""

    url: str = ""
    password: str = PASSWORD
    asked: list[Ask] = field(default_factory=list)
    twists: dict[str, Twist] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    signed_in: int = 0

    def seen(self) -> list[str]:
        """Return what was asked since the last time, as `POST /login`."""
        found = [f"{ask.method} {ask.path}" for ask in self.asked]
        self.asked.clear()
        return found

    async def answer(self, request: web.Request) -> web.Response:
        form = {k: v for k, v in (await request.post()).items() if isinstance(v, str)}
        ask = Ask(request.method, request.path, request.headers, form, request.cookies)
        self.asked.append(ask)
        twist = self.twists.get(request.path)
        twisted = twist(ask) if twist is not None else None
        return twisted or self._plain(ask)

    def _plain(self, ask: Ask) -> web.Response:
        match ask.method, ask.path:
            case "GET", "/login":
                return page(FORM.format(token="t" * 30) + FIELDS)
            case "POST", "/login":
                return self._sign_in(ask)
            case "GET", "/home":
                if ask.cookies.get("sid") in self.sessions:
                    return page('<a href="/logout">Sign out</a>')
                return to("/login")
            case "GET", "/logout":
                self.sessions.discard(ask.cookies.get("sid", ""))
                return to("/login")
            case _:
                return page("not here", status=404)

    def _sign_in(self, ask: Ask) -> web.Response:
        right = (ask.form.get("username"), ask.form.get("password")) == (USERNAME, self.password)
        if ask.form.get("token") != "t" * 30:
            return page("This form has expired", status=403)
        if not right:
            return page("<p>Invalid credentials</p>" + FORM.format(token="t" * 30) + FIELDS)
        self.signed_in += 1
        sid = f"session-number-{self.signed_in}"
        self.sessions.add(sid)
        response = to("/home")
        response.set_cookie("sid", sid, httponly=True)
        return response


def page(body: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(text=body, status=status, content_type="text/html", headers=headers)


def to(location: str, *, status: int = 302) -> web.Response:
    return web.Response(status=status, headers={"Location": location})


@asynccontextmanager
async def open_office(office: Office, host: str = "127.0.0.1") -> AsyncIterator[Office]:
    """Open *office* on a port of its own."""
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", office.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0).start()
        office.url = f"http://{host}:{runner.addresses[0][1]}"
        yield office
    finally:
        await runner.cleanup()


def login_settings(
    url: str,
    preset: str = "form",
    *,
    username: str = USERNAME,
    password: str = "P1",  # noqa: S107 - a name of the environment
    secrets: Mapping[str, str] | None = None,
    login_every: int = 5,
    max_rejected_per_hour: int = 3,
    timeout_us: int = 5_000_000,
    tls: TlsOptions | None = None,
    **settings: str,
) -> ProbeSettings:
    """Return a probe that signs in at *url*; passwords and secrets are names of the environment."""
    if preset == "form":
        settings = {"home_path": "/home", "home_text": "Sign out", **settings}
    kept = {name: Secret(SecretPlace.ENV, place) for name, place in (secrets or {}).items()}
    account = Account(username=username, password=Secret(SecretPlace.ENV, password), secrets=kept)
    return ProbeSettings(
        id="login",
        role=Role.LOGIN,
        kind="login",
        timeout_us=timeout_us,
        expect=Expectation(broken=BROKEN_TEXTS),
        target=LoginTarget(
            preset=preset,
            base_url=url,
            accounts=(account,),
            login_every=login_every,
            max_rejected_per_hour=max_rejected_per_hour,
            settings=settings,
            tls=tls or TlsOptions(),
        ),
    )


def login_probe(
    clock: FakeClock,
    known: dict[str, str] | None = None,
    resolver: FakeResolver | None = None,
) -> LoginProbe:
    return LoginProbe(
        secrets=FakeSecrets(known if known is not None else {"P1": PASSWORD}),
        resolver=resolver or FakeResolver({"localhost": ["127.0.0.1"]}),
        user_agent="uptimed/test",
        clock=clock,
        transcripts=True,
    )
