"""Signs in as a flow says, proves that it is in, and keeps the session until the next look.

The flow says what each answer means; here is what no flow can say otherwise. One origin is talked
to, and no cookie, no value and no redirect leads to another. Pages, forms and cookies are bounded.
`Retry-After` is honoured. A session is kept from look to look and read from in each; a full login
is made from time to time, at once when the session is refused, and again after any trouble. Who
leaves signs out. Secrets are read at use, and whatever is made of them, or brought by an answer,
is masked in every word that leaves this module.

    look ── kept? ── no, or due ──> sign out what is open ──> login steps ──> session steps ──> ok
              │                                                    ^              │
              └── yes ──> session steps ── refused ────────────────┘              └── refused: error
                              └── ok, or anything else: that is what the look says
"""

import asyncio
import hashlib
import json
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import perf_counter_ns
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from probes import net
from probes.bodies import text_of
from probes.conditions import Match, Seen, held, matched, needs_page
from probes.flowfile import bind, find_flow
from probes.net import Failure
from probes.pages import Page, PageTrouble, TakenForm
from probes.templates import Scene, TemplateFault, holds, render
from probes.transcript import Transcript, excerpt, unheard
from probes.wire import (
    Caller,
    Reply,
    Request,
    Visit,
    certificate_seen,
    same_origin,
    url_of,
    visiting,
)
from uptimed.core.flows import Flow, FlowError, Outcome, Step, Take, TakeKind, Then
from uptimed.core.judging import KEPT_HEADERS, broken_marker, json_value, shown
from uptimed.core.masking import masker
from uptimed.core.minutes import MINUTE
from uptimed.core.observations import (
    SECOND,
    Answer,
    Cause,
    Login,
    LoginVerdict,
    NoAnswer,
    Observation,
    Phase,
)
from uptimed.core.targets import Expectation, HttpTarget, LoginTarget, ProbeSettings
from uptimed.ports import Clock, Mask, SecretMissing, Secrets

LOGOUT_S = 3.0
"""How long a sign-out may take before a login: it is a courtesy, and must not cost the look."""

CLOSING_S = 5.0
"""How long all sign-outs at the end may take together."""

_COOKIES = 60  # held by one account
_COOKIE_BYTES = 16 * 1024  # of one answer, and of all that is held
_REDIRECTS = 5
_REDIRECTED = frozenset({301, 302, 303, 307, 308})
_LONGEST_WAIT_US = 60 * MINUTE
_HOUR_US = 60 * MINUTE
_DUE_SLACK_US = 30 * SECOND  # looks are a minute apart, give or take: five are five minutes
_INLINE = 32 * 1024  # characters of a page that is parsed at once (0.5 ms), not in a thread
_LEAST_SECRET = 6  # characters of a token: what is shorter would hide half of what is shown
_MAINTENANCE_TEXT = "Down for maintenance"
_MAINTENANCE_WORDS = ("maintenance", "mantenimiento", "manutenção", "wartung", "обслуживани")
_MAINTENANCE_LOOKED_AT = 64 * 1024
_COMPLAINT = 120  # characters of what a page tells of trouble
_ASKS_FOR_A_PASSWORD = "input[type=password]"
_COMPLAINED_IN = 256 * 1024  # characters of a page: it is parsed for this in 4 ms
_TOO_MANY = 429
_UNAVAILABLE = 503
_ACCEPT = "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"

_VERDICTS = {
    Then.OK: LoginVerdict.OK,
    Then.REJECTED: LoginVerdict.REJECTED,
    Then.BLOCKED: LoginVerdict.BLOCKED,
    Then.MAINTENANCE: LoginVerdict.MAINTENANCE,
    Then.ERROR: LoginVerdict.ERROR,
    Then.REFUSED: LoginVerdict.ERROR,
}

_Key = tuple[object, ...]


def _jar() -> aiohttp.CookieJar:
    return aiohttp.CookieJar(unsafe=True, quote_cookie=False)  # addresses have cookies too


@dataclass(slots=True)
class _Kept:
    """What is kept of one account from look to look."""

    salted: bytes = b""  # of the secrets it was signed in with
    jar: aiohttp.CookieJar = field(default_factory=_jar)
    took: dict[str, Any] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)  # secrets that were made of secrets, or taken
    signed_in: int | None = None  # monotonic; when the last full login was made
    is_open: bool = False  # the system may hold a session of ours
    is_doubtful: bool = False  # something went wrong: the next attempt signs in anew
    spent: deque[int] = field(default_factory=deque)  # when failures were made that lock
    settings: ProbeSettings | None = None  # what to sign out with


@dataclass(frozen=True, slots=True)
class _End:
    """How a list of steps ended: at which step, and why."""

    then: Then
    step: str = ""
    detail: str = ""
    marker: str = ""
    spends: bool = False
    reply: Reply | None = None
    body: bytes = b""


@dataclass(slots=True)
class _Judged:
    """What an answer means, before it is said in words."""

    then: Then
    outcome: Outcome | None = None
    marker: str = ""
    why: str = ""


@dataclass(slots=True)
class _Attempt:
    """One attempt while it goes on."""

    settings: ProbeSettings
    target: LoginTarget
    flow: Flow
    kept: _Kept
    scene: Scene
    known: tuple[str, ...]  # the secrets that were read
    visit: Visit
    http: HttpTarget
    home: URL
    now: Callable[[], int]
    transcript: Transcript | None
    session: aiohttp.ClientSession | None = None
    page: URL | None = None  # where the last answer came from
    address: str = ""
    section: str = ""
    step: str = ""
    steps: list[tuple[str, int]] = field(default_factory=list)
    strange: tuple[str, ...] = ()  # fields that were sent and that the form does not have
    gone: set[str] = field(default_factory=set)  # cookies and values of earlier in the attempt

    @property
    def cookies(self) -> dict[str, str]:
        """Return the cookies that are held for the origin."""
        held = self.kept.jar.filter_cookies(self.home / "")
        return {name: morsel.value for name, morsel in held.items()}

    def mask(self) -> Mask:
        """Return what masks every secret that is known by now."""
        cookies = (cookie.value for cookie in self.kept.jar)
        derived = (*self.kept.made, *self.scene.made, *self.gone, *cookies)
        return masker((*self.known, *(d for d in derived if len(d) >= _LEAST_SECRET)))

    def say(self, text: str) -> None:
        if self.transcript is not None:
            self.transcript.say(text)

    def say_of(self, page: Page) -> None:
        """Say what of *page* whoever adapts a flow looks for, wherever it stands."""
        if self.transcript is None:
            return
        self.gone.update(page.tokens())
        for form in page.forms():
            self.transcript.say(f"  a form: {form}")
        complaint = page.complaint()
        if complaint:
            self.transcript.say(f"  the page says: {complaint}")
        for way in page.ways_out():
            self.transcript.say(f"  a way out: {way}")


class LoginProbe:
    """Signs in, and keeps sessions. It is entered once, in the loop that it is to work in."""

    def __init__(
        self,
        *,
        secrets: Secrets,
        resolver: net.Resolver,
        user_agent: str,
        clock: Clock,
        transcripts: bool = False,
        farewell: Callable[[tuple[str, ...]], None] = unheard,
        find: Callable[[str], Flow] = find_flow,
    ) -> None:
        self._secrets = secrets
        self._caller = Caller(resolver=resolver, user_agent=user_agent)
        self._clock = clock
        self._transcripts = transcripts
        self._farewell = farewell  # is told the transcripts of the sign-outs at the end
        self._find = find
        self._kept: dict[_Key, _Kept] = {}
        self._not_before: dict[tuple[str, str | None, int | None], int] = {}  # monotonic, by origin
        self._bound: dict[_Key, tuple[Flow, Flow]] = {}
        self._salt = _salt()
        self._parsing = ThreadPoolExecutor(2, thread_name_prefix="pages")

    async def __aenter__(self) -> Self:
        """Begin: nothing is open yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Sign every account out, as far as that goes within seconds."""
        try:
            await self._leave()
        finally:
            self._parsing.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, settings: ProbeSettings) -> Observation:
        """Make one attempt with the first account of the target, within its timeout."""
        target = settings.target
        if not isinstance(target, LoginTarget):
            raise TypeError(f"not a login: {target!r}")
        attempt = self._attempt(settings, target)
        if isinstance(attempt, NoAnswer):
            return Observation(outcome=attempt, took_us=0)
        with visiting(attempt.visit):
            outcome = await self._bounded(attempt)
        took_us = attempt.visit.watch.stop()
        transcript = attempt.transcript
        return Observation(
            outcome=outcome,
            took_us=took_us,
            phases=attempt.visit.watch.phases,
            certificate=certificate_seen(attempt.visit),
            address=attempt.address or attempt.visit.peer(),
            transcript=transcript.masked(attempt.mask()) if transcript is not None else (),
        )

    # ---- what an attempt is made of

    def _attempt(self, settings: ProbeSettings, target: LoginTarget) -> "_Attempt | NoAnswer":
        """Return the attempt, or why it cannot be made."""
        account = target.accounts[0]
        try:
            flow = self._flow(target)
            password = self._secrets.read(account.password)
            read = {name: self._secrets.read(place) for name, place in account.secrets.items()}
        except SecretMissing as error:
            return NoAnswer(cause=Cause.LOCAL_SECRET, detail=net.one_line(str(error)))
        except FlowError as error:  # it was good when the configuration was loaded
            return NoAnswer(cause=Cause.BUG, detail=net.one_line(f"flow: {error}"))
        home = url_of(target.base_url.rstrip("/"))
        kept = self._kept_of(settings, target, (password, *read.values()))
        http = HttpTarget(
            url=target.base_url, family=target.family, tls=target.tls, body_limit=flow.body_limit
        )
        known = (password, *read.values())
        scene = Scene(
            settings=_settings_of(flow, target),
            account={"username": account.username, "password": password},
            secrets=read,
            took=kept.took,
            base_url=target.base_url.rstrip("/"),
            unix_time=lambda: self._clock.now() // SECOND,
        )
        return _Attempt(
            settings=settings,
            target=target,
            flow=flow,
            kept=kept,
            scene=scene,
            known=known,
            visit=Visit(http, home.raw_host or "", _later),
            http=http,
            home=home,
            now=self._clock.monotonic,
            transcript=Transcript() if self._transcripts else None,
            gone={cookie.value for cookie in kept.jar},  # an answer may take them back
        )

    def _flow(self, target: LoginTarget) -> Flow:
        key = (target.preset, *sorted(target.settings.items()))
        found = self._find(target.preset)
        bound = self._bound.get(key)
        if bound is None or bound[0] is not found:
            bound = self._bound[key] = (found, bind(found, target.settings))
        return bound[1]

    def _kept_of(
        self, settings: ProbeSettings, target: LoginTarget, known: tuple[str, ...]
    ) -> _Kept:
        username = target.accounts[0].username
        options = tuple(sorted(target.settings.items()))
        key = (target.base_url, target.preset, options, settings.id, username)
        kept = self._kept.setdefault(key, _Kept())
        salted = hashlib.sha256(self._salt + "\0".join(known).encode()).digest()
        if kept.salted != salted:  # another password is another budget, and another session
            kept.salted = salted
            kept.signed_in = None
            kept.spent.clear()
        kept.settings = settings
        return kept

    # ---- one attempt

    async def _bounded(self, attempt: _Attempt) -> Login | NoAnswer:
        """Return what becomes of the attempt before its time is up."""
        try:
            async with asyncio.timeout(attempt.settings.timeout_us / SECOND):
                net.check_literal(attempt.visit.home, attempt.visit.family)
                cookies = attempt.kept.jar
                async with self._caller.session(keep=True, cookies=cookies) as session:
                    attempt.session = session
                    end = await self._look(attempt)
                return self._login(attempt, end)
        except TimeoutError:
            failure = self._caller.time_is_up(attempt.visit, attempt.settings.timeout_us)
        except Failure as known:
            failure = known
        except TemplateFault as fault:
            failure = Failure(Cause.BUG, f"a template of the flow cannot be rendered: {fault}")
        where = f"{attempt.step}: " if attempt.step else ""
        detail = net.one_line(attempt.mask()(f"{where}{failure.detail}"))
        attempt.say(f"= no answer: {detail}")
        return NoAnswer(cause=failure.cause, detail=detail)

    async def _look(self, attempt: _Attempt) -> _End:
        wait = self._wait(attempt)
        if wait:
            return _End(Then.BLOCKED, detail=wait)
        kept = attempt.kept
        if not attempt.flow.login:
            self._forget(attempt)
            return _proof(await self._run(attempt, "session", attempt.flow.session))
        if self._is_kept(attempt):
            end = await self._run(attempt, "session", attempt.flow.session)
            if end.then is not Then.REFUSED:
                kept.is_doubtful = end.then is not Then.OK
                return end
            attempt.say("the session is refused: a full login")
            kept.is_open = False
        budget = self._budget(attempt)
        if budget:
            return _End(Then.BLOCKED, detail=budget)
        return await self._sign_in(attempt)

    def _is_kept(self, attempt: _Attempt) -> bool:
        kept = attempt.kept
        if kept.signed_in is None or kept.is_doubtful or not kept.is_open:
            return False
        age = attempt.now() - kept.signed_in
        return age < attempt.target.login_every * MINUTE - _DUE_SLACK_US

    async def _sign_in(self, attempt: _Attempt) -> _End:
        kept = attempt.kept
        if kept.is_open:
            await self._sign_out(attempt, LOGOUT_S)
        self._forget(attempt)
        end = await self._run(attempt, "login", attempt.flow.login)
        if end.then is Then.OK:
            kept.is_open = True
            end = _proof(await self._run(attempt, "session", attempt.flow.session))
        if end.spends or end.then is Then.REJECTED:
            kept.spent.append(attempt.now())
        kept.is_doubtful = end.then is not Then.OK
        if end.then is Then.OK:
            kept.signed_in = attempt.now()
            kept.made |= attempt.scene.made
        return end

    def _forget(self, attempt: _Attempt) -> None:
        """Forget cookies and values: the next login begins as a stranger's."""
        kept = attempt.kept
        kept.signed_in, kept.is_open, kept.is_doubtful = None, False, False
        attempt.gone |= kept.made
        kept.jar.clear()
        kept.made.clear()
        kept.took.clear()
        for section in (attempt.flow.login, attempt.flow.session, attempt.flow.logout):
            for step in section:
                for take in step.takes:
                    kept.took[take.name] = TakenForm() if take.kind is TakeKind.FORM else ""
        attempt.page = None

    async def _sign_out(self, attempt: _Attempt, within_s: float) -> None:
        """Sign out, if that goes: nothing depends on it."""
        try:
            async with asyncio.timeout(within_s):
                end = await self._run(attempt, "logout", attempt.flow.logout)
            if end.then is not Then.OK:
                attempt.say("not signed out: the system keeps the session until it ends by itself")
        except (TimeoutError, Failure, TemplateFault) as error:
            attempt.say(f"= not signed out: {error}")
        attempt.kept.is_open = False

    async def _leave(self) -> None:
        """Sign everyone out, the accounts of one origin in turn."""
        origins: dict[tuple[str, str | None, int | None], list[_Kept]] = {}
        for kept in self._kept.values():
            if kept.is_open and kept.settings is not None:
                target = kept.settings.target
                if isinstance(target, LoginTarget):
                    origins.setdefault(_origin(url_of(target.base_url)), []).append(kept)
        try:
            async with asyncio.timeout(CLOSING_S), asyncio.TaskGroup() as tasks:
                for found in origins.values():
                    tasks.create_task(self._leave_origin(found))
        except TimeoutError:
            return  # sessions end by themselves, too

    async def _leave_origin(self, open_: list[_Kept]) -> None:
        for kept in open_:
            settings = kept.settings
            if settings is None or not isinstance(settings.target, LoginTarget):
                continue
            attempt = self._attempt(settings, settings.target)
            if isinstance(attempt, NoAnswer) or self._wait(attempt):
                continue
            with visiting(attempt.visit):
                async with self._caller.session(keep=True, cookies=kept.jar) as session:
                    attempt.session = session
                    await self._sign_out(attempt, LOGOUT_S)
            if attempt.transcript is not None:
                self._farewell(attempt.transcript.masked(attempt.mask()))

    # ---- waiting

    def _wait(self, attempt: _Attempt) -> str:
        """Return why nothing may be asked yet, or ""."""
        until = self._not_before.get(_origin(attempt.home), 0)
        left = until - attempt.now()
        if left <= 0:
            return ""
        return f"the system asked to be left alone (Retry-After), for {left // SECOND + 1} s yet"

    def _budget(self, attempt: _Attempt) -> str:
        """Return why no login may be made, since such failures lock the account, or ""."""
        spent, now = attempt.kept.spent, attempt.now()
        while spent and now - spent[0] >= _HOUR_US:
            spent.popleft()
        most = attempt.target.max_rejected_per_hour
        if len(spent) < most:
            return ""
        left = (spent[0] + _HOUR_US - now) // MINUTE + 1
        return f"{most} failures that lock an account within the hour: no login for {left} min yet"

    def _mind_retry_after(self, attempt: _Attempt, reply: Reply) -> None:
        value = reply.headers.get("Retry-After", "").strip()
        if reply.status not in {_TOO_MANY, _UNAVAILABLE} or not value:
            return
        if value.isascii() and value.isdigit():
            wait_us = int(value[:9]) * SECOND
        else:
            try:
                moment = parsedate_to_datetime(value).timestamp()
            except (ValueError, TypeError, OverflowError):
                return
            wait_us = round(moment * SECOND) - self._clock.now()
        if wait_us > 0:
            until = attempt.now() + min(wait_us, _LONGEST_WAIT_US)
            self._not_before[_origin(attempt.home)] = until

    # ---- steps

    async def _run(self, attempt: _Attempt, section: str, steps: tuple[Step, ...]) -> _End:
        """Make *steps*, and return how they ended."""
        end = _End(Then.OK)
        place = 0
        numbers = {step.id: number for number, step in enumerate(steps)}
        while place < len(steps):
            step = steps[place]
            place += 1
            if step.condition and holds(step.condition, attempt.scene) is step.negated:
                continue
            attempt.section, attempt.step, attempt.strange = section, step.id, ()
            if attempt.transcript is not None:
                attempt.transcript.step(section, step.id)
            begun = perf_counter_ns()
            try:
                end, onward = await self._step(attempt, step)
            except PageTrouble as trouble:
                end, onward = _End(Then.ERROR, step.id, str(trouble)), ""
            attempt.steps.append((step.id, (perf_counter_ns() - begun) // 1000))
            attempt.say(_said(end))
            if end.then is not Then.OK:
                return end
            place = numbers.get(onward, place)
        return end

    async def _step(self, attempt: _Attempt, step: Step) -> tuple[_End, str]:
        """Make one step: ask, judge, take. Raise `PageTrouble` where nothing can be judged."""
        request = _request(attempt, step)
        for _ in range(_REDIRECTS + 1):
            reply = await self._ask(attempt, request)
            onward = _onward(attempt, reply) if step.request.follow else None
            if onward is None:
                break
            request = Request("GET", onward, _default_headers(attempt), None)
        else:
            raise PageTrouble(f"more than {_REDIRECTS} redirects")
        self._mind_retry_after(attempt, reply)
        body = reply.body.bytes()
        text = text_of(body, reply.everything.get("Content-Type", ""))
        _bound_cookies(attempt, reply)
        if attempt.transcript is not None:
            attempt.transcript.answer(reply.status, reply.everything.items(), text)
        if reply.body.cut:
            raise PageTrouble(
                f"the page has more than {attempt.flow.body_limit:,} bytes, with status "
                f"{reply.status}: neither a login page nor an answer to one is that long"
            )
        seen = Seen(
            status=reply.status,
            headers=reply.everything,
            page=Page(text, reply.everything.get("Content-Type", "")),
            cookies=attempt.cookies if _needs_cookies(step) else {},
        )
        end, outcome = await self._judged(attempt, step, seen, reply, body)
        return end, outcome.next if outcome is not None else ""

    async def _judged(
        self, attempt: _Attempt, step: Step, seen: Seen, reply: Reply, body: bytes
    ) -> tuple[_End, Outcome | None]:
        def work() -> tuple[_End, Outcome | None]:
            return _judge(attempt, step, seen, reply, body)

        if len(seen.page.body) <= _INLINE or not _needs_page(step):
            return work()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._parsing, work)

    async def _ask(self, attempt: _Attempt, request: Request) -> Reply:
        """Send *request*, over the connection that stands if there is one. Raise `Failure`."""
        if attempt.session is None:
            raise RuntimeError("an attempt without a session")
        visit = attempt.visit
        if attempt.transcript is not None:
            cookies = "; ".join(f"{name}={value}" for name, value in attempt.cookies.items())
            headers = {**request.headers, **({"Cookie": cookies} if cookies else {})}
            body = (request.body or b"").decode("utf-8", "replace")
            attempt.transcript.request(request.method, str(request.url), headers, body)
        visit.watch.enter(Phase.CONNECT if net.ip_of(visit.home) else Phase.DNS)
        try:
            reply = await self._caller.reply(attempt.session, request, attempt.http, visit)
        except Failure as failure:
            # A server may close a connection that it kept, just when the next request comes.
            stale = visit.reused and failure.cause is Cause.RESET and request.method == "GET"
            if not stale:
                raise
            reply = await self._caller.reply(attempt.session, request, attempt.http, visit)
        attempt.address = visit.peer() or attempt.address
        attempt.page = request.url
        return reply

    # ---- what is told

    def _login(self, attempt: _Attempt, end: _End) -> Login:
        verified = attempt.home.scheme == "https" and attempt.target.tls.verify
        trusted = verified or attempt.home.scheme == "http"
        steps = tuple(attempt.steps)
        if end.then is Then.OK:
            return Login(verdict=LoginVerdict.OK, step=end.step, steps=steps, trusted=trusted)
        mask = attempt.mask()
        headers = {
            name.title(): excerpt(value, mask, 400).encode("utf-8", "replace").decode()
            for name, value in (end.reply.headers.items() if end.reply is not None else ())
            if name.lower() in KEPT_HEADERS
        }
        return Login(
            verdict=_VERDICTS[end.then],
            step=end.step,
            detail=net.one_line(mask(end.detail)),
            marker=mask(end.marker),
            waiting=not steps and end.then is Then.BLOCKED,
            steps=steps,
            status=end.reply.status if end.reply is not None else None,
            headers=headers,
            body_sha256=hashlib.sha256(end.body).hexdigest() if end.reply is not None else "",
            trusted=trusted,
        )


def _settings_of(flow: Flow, target: LoginTarget) -> Mapping[str, str]:
    """Return what every setting is: some stand beside what only an attempt knows."""
    defaults = {n: s.default for n, s in flow.settings.items() if s.default is not None}
    return {**defaults, **target.settings}


def _later(text: str) -> str:
    """Return *text* as it is: a login masks what it tells once everything secret is known."""
    return text


def _salt() -> bytes:
    return secrets.token_bytes(16)


def _proof(end: _End) -> _End:
    """Return how a login ended that ended so at the proof: nobody may be refused then."""
    if end.then is not Then.REFUSED:
        return end
    detail = f"login accepted, but the session is not kept: {end.detail}"
    return _End(Then.ERROR, end.step, detail, end.marker, end.spends, end.reply, end.body)


def _origin(url: URL) -> tuple[str, str | None, int | None]:
    return url.scheme, url.raw_host, url.port


def _said(end: _End) -> str:
    return f"= {end.then}{f': {end.detail}' if end.detail else ''}"


# ---- requests


def _request(attempt: _Attempt, step: Step) -> Request:
    """Return what *step* sends. Raise `PageTrouble` where that would go to another origin."""
    wanted, scene = step.request, attempt.scene
    scene.begin()
    url = _url(attempt, step)
    query = {render(k, scene): render(v, scene) for k, v in wanted.query.items()}
    query = {name: value for name, value in query.items() if value}
    if query:
        url = url.extend_query(query)
    headers = CIMultiDict(_default_headers(attempt))
    body: bytes | None = None
    if wanted.form is not None or wanted.form_of:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        taken = attempt.kept.took.get(wanted.form_of)
        fields = dict(taken.fields) if isinstance(taken, TakenForm) else {}
        own = {render(k, scene): render(v, scene) for k, v in (wanted.form or {}).items()}
        if wanted.form_of:
            attempt.strange = _strange(attempt, own, fields)
        fields.update(own)
        body = urlencode(fields).encode()
    elif wanted.json is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(_tree(wanted.json, scene), ensure_ascii=False).encode()
    elif wanted.body is not None:
        body = render(wanted.body, scene).encode()
    headers.update({name: render(value, scene) for name, value in wanted.headers.items()})
    method = render(wanted.method, scene).upper()
    return Request(method, url, headers, body)


def _strange(
    attempt: _Attempt, own: Mapping[str, str], fields: Mapping[str, str]
) -> tuple[str, ...]:
    """Return which of the *own* fields the taken form does not have, and say so."""
    strange = tuple(name for name in own if name not in fields)
    if strange and fields:
        attempt.say(
            f"  the form has no field {' or '.join(map(repr, strange))}: it has {', '.join(fields)}"
        )
    return strange if fields else ()


def _url(attempt: _Attempt, step: Step) -> URL:
    wanted, scene = step.request, attempt.scene
    if wanted.path is not None:
        text = f"{scene.base_url}/{render(wanted.path, scene).lstrip('/')}"
        return _parsed(text, attempt, step)
    link = render(wanted.url or "", scene)
    here = attempt.page or attempt.home
    try:
        url = here.join(URL(link)).with_fragment(None) if link else here
    except ValueError as error:
        raise PageTrouble(f"what it should go to is no URL: {link}") from error
    if not same_origin(url, attempt.home):
        raise PageTrouble(f"it should go to another origin, which is never done: {link}")
    return url.with_user(None)


def _parsed(text: str, attempt: _Attempt, step: Step) -> URL:
    try:
        url = URL(text)
    except ValueError as error:
        raise TemplateFault(f"the path of {step.id} makes no URL") from error
    if not same_origin(url, attempt.home):
        raise TemplateFault(f"the path of {step.id} leads to another origin")
    return url


def _tree(value: object, scene: Scene) -> object:
    match value:
        case str():
            return render(value, scene)
        case Mapping():
            return {name: _tree(item, scene) for name, item in value.items()}
        case list():
            return [_tree(item, scene) for item in value]
        case _:
            return value


def _default_headers(attempt: _Attempt) -> Mapping[str, str]:
    headers = CIMultiDict({"Accept": _ACCEPT})
    own = attempt.flow.headers.items()
    headers.update({name: render(value, attempt.scene) for name, value in own})
    return headers


def _onward(attempt: _Attempt, reply: Reply) -> URL | None:
    """Return where a redirect within the origin leads to, None where it is not to be followed."""
    location = reply.headers.get("Location", "")
    if reply.status not in _REDIRECTED or not location:
        return None
    url = _joined(attempt, location)
    if url is None or not same_origin(url, attempt.home):
        return None
    if attempt.transcript is not None:
        attempt.transcript.answer(reply.status, reply.everything.items(), "")
    _bound_cookies(attempt, reply)
    return url


def _joined(attempt: _Attempt, location: str) -> URL | None:
    try:
        return (attempt.page or attempt.home).join(URL(location)).with_fragment(None)
    except ValueError:
        return None


def _bound_cookies(attempt: _Attempt, reply: Reply) -> None:
    """Remember the cookies of an answer as secrets.

    Raise `PageTrouble` where it sets, or has set, more of them than any system does.
    """
    size = sum(map(len, reply.cookies))
    pairs = (line.partition(";")[0].partition("=") for line in reply.cookies[: _COOKIES + 1])
    attempt.gone.update(value.strip().strip('"') for _, _, value in pairs)
    held = list(attempt.kept.jar)
    total = sum(len(cookie.key) + len(cookie.value) for cookie in held)
    if max(len(reply.cookies), len(held)) > _COOKIES or max(size, total) > _COOKIE_BYTES:
        attempt.kept.jar.clear()
        raise PageTrouble(
            f"{max(len(reply.cookies), len(held))} cookies of {max(size, total):,} bytes: more "
            f"than {_COOKIES}, or than {_COOKIE_BYTES:,} bytes, are not kept"
        )


# ---- what an answer means


def _needs_page(step: Step) -> bool:
    kinds = {TakeKind.CSS, TakeKind.FORM}
    return any(take.kind in kinds for take in step.takes) or any(
        needs_page(outcome.when) for outcome in step.outcomes
    )


def _needs_cookies(step: Step) -> bool:
    return any(take.kind is TakeKind.COOKIE for take in step.takes) or any(
        outcome.when is not None and (outcome.when.cookie or outcome.when.not_cookie)
        for outcome in step.outcomes
    )


def _judge(
    attempt: _Attempt, step: Step, seen: Seen, reply: Reply, body: bytes
) -> tuple[_End, Outcome | None]:
    """Return how the step ends, with what was taken where it is well."""
    judged = _meaning(step, seen, attempt.scene, attempt.settings.expect)
    attempt.say_of(seen.page)
    if attempt.transcript is not None:
        _explain(attempt, step, seen, judged)
    detail = ""
    if judged.then is Then.OK:
        detail = _take_all(attempt, step, seen)
        if detail:
            judged = _Judged(Then.ERROR)
    else:
        detail = _detail(attempt, step, seen, judged)
    outcome = judged.outcome
    spends = outcome.spends if outcome is not None else False
    end = _End(judged.then, step.id, detail, judged.marker, spends, reply, body)
    return end, outcome


def _meaning(step: Step, seen: Seen, scene: Scene, expect: Expectation) -> _Judged:
    """Return what the answer means, by the flow and by what every flow knows."""
    first, match = _first(step, seen, scene)
    if first is not None and first.then is Then.MAINTENANCE:
        return _Judged(Then.MAINTENANCE, first, match.marker)
    word = _maintenance_word(seen)
    if word:
        return _Judged(Then.MAINTENANCE, None, word)
    beyond = seen.page.beyond() if _is_proven(first) else None
    answer = Answer(body=seen.page.body, location=seen.location)
    broken = broken_marker(answer, expect, proven=beyond is not None)
    if beyond and not broken:
        broken = broken_marker(Answer(body=beyond), expect)
    if broken:
        where = "body has" if broken in seen.page.body else "redirects to"
        why = f"{where} {broken!r}: a broken page, with status {seen.status}"
        return _Judged(Then.ERROR, None, broken, why)
    if first is not None:
        return _Judged(first.then, first, match.marker)
    if seen.status == _TOO_MANY:
        return _Judged(Then.BLOCKED, None, "", "status 429: too many requests")
    last = step.outcomes[-1]
    return _Judged(last.then, last)


def _is_proven(outcome: Outcome | None) -> bool:
    """Return whether *outcome* is well by something that the page itself has."""
    if outcome is None or outcome.then is not Then.OK or outcome.when is None:
        return False
    when = outcome.when
    return bool(when.body or when.body_matches or when.text or when.json)


def _first(step: Step, seen: Seen, scene: Scene) -> tuple[Outcome | None, Match]:
    """Return the first outcome with a condition that holds."""
    for outcome in step.outcomes[:-1]:
        match = matched(outcome.when, seen, scene)
        if not match.miss:
            return outcome, match
    return None, Match()


def _maintenance_word(seen: Seen) -> str:
    body = seen.page.body[:_MAINTENANCE_LOOKED_AT]
    if _MAINTENANCE_TEXT in body:
        return _MAINTENANCE_TEXT
    if seen.status != _UNAVAILABLE:
        return ""
    text = f"{body} {seen.headers.get('X-Status-Reason', '')}".lower()
    return next((word for word in _MAINTENANCE_WORDS if word in text), "")


def _detail(attempt: _Attempt, step: Step, seen: Seen, judged: _Judged) -> str:
    """Return what was seen beside what was wanted. Every text of the answer in it is masked."""
    if judged.why:
        return judged.why
    mask = attempt.mask()
    shows = _showing(seen, mask)
    outcome = judged.outcome
    why = outcome.why if outcome is not None else ""
    if judged.marker:
        said = f"it says {judged.marker!r}, status {seen.status}"
    elif outcome is not None and outcome.when is not None:
        said = f"status {seen.status}"
        said += f" (to {shows.show(seen.location)})" if seen.location else ""
    else:
        wanted = next(o for o in step.outcomes if o.then is Then.OK)
        said = matched(wanted.when, shows, attempt.scene).miss or f"status {seen.status}"
    said += _elsewhere(attempt, seen, mask) + _hints(attempt, seen, judged, mask)
    return f"{why}: {said}" if why else said


def _hints(attempt: _Attempt, seen: Seen, judged: _Judged, mask: Mask) -> str:
    """Return what may be behind an error of a login, for whoever adapts the flow.

    Only a page that asks for a password is quoted: on others people's own texts may stand.
    """
    if judged.then is not Then.ERROR or attempt.section != "login":
        return ""
    strange = " or ".join(map(repr, attempt.strange))
    hints = [f"the form has no field {strange}"] if strange else []
    page = seen.page
    is_short = len(page.body) <= _COMPLAINED_IN
    if is_short and not judged.marker and page.first(_ASKS_FOR_A_PASSWORD) is not None:
        complaint = excerpt(page.complaint(), mask, _COMPLAINT)
        hints += [f"the page says {complaint!r}"] if complaint else []
    return "".join(f"; {hint}" for hint in hints)


def _elsewhere(attempt: _Attempt, seen: Seen, mask: Mask) -> str:
    """Return the finding that the answer redirects to another origin, or ""."""
    if not seen.location:
        return ""
    url = _joined(attempt, seen.location)
    if url is None or same_origin(url, attempt.home):
        return ""
    place = excerpt(str(url.origin()) if url.is_absolute() else seen.location, mask, 60)
    return f"; {place} is another origin, to which no redirect is followed"


def _showing(seen: Seen, mask: Mask) -> Seen:
    def show(text: str) -> str:
        return shown(excerpt(text, mask, 200))

    return Seen(seen.status, seen.headers, seen.page, seen.cookies, show)


def _explain(attempt: _Attempt, step: Step, seen: Seen, judged: _Judged) -> None:
    """Say of each outcome why it did not fit, up to the one that did."""
    shows = _showing(seen, attempt.mask())
    for number, outcome in enumerate(step.outcomes[:-1], 1):
        match = matched(outcome.when, shows, attempt.scene)
        if match.miss:
            attempt.say(f"  not {outcome.then} ({number}): {match.miss}")
        if outcome is judged.outcome:
            why = held(outcome.when, shows, attempt.scene, match)
            attempt.say(f"  {outcome.then} ({number}): {why}")
            return
    if judged.outcome is None:
        attempt.say(f"  {judged.then}, as for every flow: {judged.why or repr(judged.marker)}")
    else:
        attempt.say(f"  {judged.then} ({len(step.outcomes)}): nothing else fits")
    elsewhere = _elsewhere(attempt, seen, attempt.mask())
    if elsewhere:
        attempt.say(elsewhere.removeprefix("; "))


# ---- what is taken


def _take_all(attempt: _Attempt, step: Step, seen: Seen) -> str:
    """Take what *step* takes; return what is missing, or ""."""
    for take in step.takes:
        try:
            value = _taken(take, seen, attempt.scene)
        except PageTrouble as trouble:
            return str(trouble)
        attempt.kept.took[take.name] = value
        if not value:
            attempt.say(f"  took {take.name}: nothing")
            if not take.optional:
                return f"there is no {take.name}: nothing at {take.kind} {take.source}"
            continue
        _remember(attempt, take, value)
    return ""


def _remember(attempt: _Attempt, take: Take, value: str | TakenForm) -> None:
    """Keep in mind which values are secret."""
    if isinstance(value, TakenForm):
        # What stands in hidden fields is a token oftener than not; where we came from is none.
        hidden = {v for v in value.fields.values() if len(v) >= 3 * _LEAST_SECRET}
        attempt.kept.made |= {v for v in hidden if v.rstrip("/") not in attempt.scene.base_url}
        names = ", ".join(value.fields)
        attempt.say(f"  took {take.name}: action {value.action!r}, fields {names}")
        return
    if not take.public:
        attempt.kept.made.add(value)
    attempt.say(f"  took {take.name}: {value if take.public else '***'}")


def _taken(take: Take, seen: Seen, scene: Scene) -> str | TakenForm:
    source = render(take.source, scene)
    match take.kind:
        case TakeKind.CSS:
            return seen.page.value(source, take.attribute)
        case TakeKind.FORM:
            return seen.page.form(source)
        case TakeKind.PATTERN:
            return seen.page.match(source)
        case TakeKind.JSON:
            return _from_json(seen, source)
        case TakeKind.HEADER:
            return seen.headers.get(source, "")
        case TakeKind.COOKIE:
            return seen.cookies.get(source, "")


def _from_json(seen: Seen, pointer: str) -> str:
    try:
        value = json_value(seen.page.document(), pointer)
    except ValueError:
        return ""
    match value:
        case str():
            return value
        case bool() | int() | float():
            return json.dumps(value)
        case _:
            return ""
