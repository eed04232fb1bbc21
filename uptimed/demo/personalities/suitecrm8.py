"""SuiteCRM 8 as 8.8 was seen to answer: the JSON login with its XSRF cookie, and the old APIs.

Five failures of a user from one address within half an hour lock it, and a refused token is one of
them. A good login clears none of them.
"""

import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from hmac import compare_digest
from types import MappingProxyType
from typing import ClassVar

from aiohttp import web
from typing_extensions import override

from uptimed.demo.personalities.playing import (
    EMPTY_500,
    EVERY,
    HANGS,
    NGINX_502,
    Call,
    Fault,
    Person,
    Personality,
    Reply,
    Sessions,
    Visit,
    document,
    page,
    redirect,
)
from uptimed.demo.personalities.suiteapi import FAULTS as API_FAULTS
from uptimed.demo.personalities.suiteapi import REST_FAILURE, TOKEN_FAILURE, SuiteApi

ATTEMPTS, ATTEMPTS_OF_ADDRESS, WINDOW_S = 5, 50, 30 * 60

_ERROR = Reply(
    status=500,
    body=(
        "<!DOCTYPE html>\n<html>\n<head>\n<title>An Error Occurred: Internal Server Error</title>\n"
        "</head>\n<body><h1>Oops! An Error Occurred</h1></body>\n</html>\n"
    ),
)
_GRAPHQL_ERROR = Reply(
    body='{"errors":[{"message":"Internal server error"}]}', content_type="application/json"
)

_FAULTS: Mapping[str, Fault] = {
    "database_stopped": Fault(does="The database is stopped.", answers={EVERY: EMPTY_500}),
    "database_hangs": Fault(
        does="The database hangs: nothing is answered.", answers={EVERY: HANGS}
    ),
    "users_table_gone": Fault(
        does="The table of users is gone.",
        answers={
            "status": _ERROR,
            "sign_in": _ERROR,
            "graphql": _GRAPHQL_ERROR,
            "rest.login": REST_FAILURE,
            "v8.token": TOKEN_FAILURE,
        },
    ),
    "database_read_only": Fault(
        does="The database cannot be written: a login ends in status 500.",
        answers={"sign_in": _ERROR, "rest.login": EMPTY_500},
    ),
    "config_gone": Fault(does="config.php is gone: the front page comes all the same."),
    "cookies_broken": Fault(does="Cookies get lost: every token is refused, however fresh."),
    "user_inactive": Fault(does="The users are inactive."),
    "second_factor": Fault(does="The users want a second factor."),
    "legacy_guard": Fault(
        does="The old part of the program lets nobody in, with status 200.",
        answers={
            name: Reply(body="Not A Valid Entry Point")
            for name in ("rest.get_server_info", "rest.login", "v8.token")
        },
    ),
    "fpm_down": Fault(does="PHP's workers are down.", answers={EVERY: NGINX_502}),
    "session_dir_gone": Fault(does="The REST API's sessions are not kept."),
    "password_expired": Fault(does="The REST API says that the passwords have expired."),
    **API_FAULTS,
}


class SuiteCrm8(Personality):
    """SuiteCRM 8. It redirects whoever signs out to *site_url*."""

    title = "SuiteCRM 8"
    presets: ClassVar[tuple[str, ...]] = ("suitecrm8", "suitecrm7-rest", "suitecrm7-v8")
    faults: ClassVar[Mapping[str, Fault]] = MappingProxyType(_FAULTS)

    def __init__(
        self,
        cast: Sequence[Person] = (),
        *,
        prefix: str = "",
        site_url: str = "http://localhost/",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._site_url = site_url
        self._sessions = Sessions()
        self._tokens: dict[str, str] = {}  # session -> the latest XSRF token
        self._failures: dict[tuple[str, str], deque[float]] = {}
        self._api: SuiteApi | None = None
        super().__init__(cast, prefix=prefix, now=now)

    @property
    def api(self) -> SuiteApi:
        """Return its APIs, which live below `/legacy`."""
        if self._api is None:
            self._api = SuiteApi(
                self.people, prefix="/legacy", version="8.8.0", on=self.on, count=self._count
            )
        return self._api

    @override
    def forget(self) -> None:
        self._sessions.forget()
        self._tokens.clear()
        self.api.forget()

    def unlock(self) -> None:
        """Forget every failure, as clearing the rate limiter's cache does."""
        self._failures.clear()

    @override
    def calls(self) -> Sequence[Call]:
        return (
            Call(id="front", path="/", respond=self._front),
            Call(id="status", path="/session-status", respond=self._status),
            Call(id="sign_in", method="POST", path="/login", respond=self._sign_in),
            Call(id="sign_out", method="POST", path="/logout", respond=self._sign_out),
            Call(id="graphql", method="POST", path="/api/graphql", respond=self._graphql),
            *self.api.calls(),
        )

    def _count(self, what: str) -> None:
        self.tally[what] += 1

    def _begin(self, answer: web.Response, session: str) -> None:
        """Hand out new cookies: the token is another each time."""
        self._tokens[session] = secrets.token_urlsafe(32)
        answer.set_cookie("XSRF-TOKEN", self._tokens[session], path="/", samesite="Lax")
        answer.set_cookie("SCRMSESSID", session, path="/", httponly=True, samesite="Lax")

    def _session(self, visit: Visit) -> str:
        return visit.cookies.get("SCRMSESSID", "")

    def _has_token(self, visit: Visit) -> bool:
        known = self._tokens.get(self._session(visit), "")
        given = visit.headers.get("X-XSRF-TOKEN", "")
        sound = known and compare_digest(known.encode(), given.encode("utf-8", "replace"))
        return bool(sound) and not self.on("cookies_broken")

    def _front(self, visit: Visit) -> web.Response:
        answer = page("SuiteCRM", "<app-root></app-root>")
        session = self._session(visit)
        self._begin(answer, session if session in self._tokens else self._sessions.begin(""))
        return answer

    def _status(self, visit: Visit) -> web.Response:
        if self.on("config_gone"):
            return document({"active": False, "appStatus": {"installed": False, "locked": False}})
        app = {"installed": True, "locked": True}
        session = self._session(visit)
        username = self._sessions.of(session)
        if not username:
            return document({"active": False, "appStatus": app})
        answer = document(
            {
                "appStatus": {**app, "loginWizardCompleted": True},
                "active": True,
                "id": "1",
                "firstName": "",
                "lastName": "Probe",
                "userName": username,
            }
        )
        self._begin(answer, session)
        return answer

    def _sign_in(self, visit: Visit) -> web.Response:
        username = visit.sent("username")
        if self._locked(username, visit.address):
            return _refused("Too many failed login attempts, please try again in 30 minutes.")
        if not self._has_token(visit):
            self._failed(username, visit.address)
            return _refused("Invalid CSRF token.")
        person = self.person(username)
        given = visit.sent("password")
        known = person is not None and compare_digest(person.password.encode(), given.encode())
        if not known or self.on("user_inactive"):
            self._failed(username, visit.address)
            return _refused("Invalid credentials.")
        if self.on("second_factor"):
            return _said('{"login_success": "true", "two_factor_complete": "false"}')
        self._count(f"sign_in:{username}")
        answer = _said('{"login_success": "true"}')
        self._begin(answer, self._sessions.begin(username))
        return answer

    def _sign_out(self, visit: Visit) -> web.Response:
        if not self._has_token(visit):
            return _csrf_problem()
        session = self._session(visit)
        self._count(f"sign_out:{self._sessions.of(session)}")
        self._sessions.end(session)
        self._tokens.pop(session, None)
        return redirect(self._site_url)

    def _graphql(self, visit: Visit) -> web.Response:
        if not self._has_token(visit):
            return _csrf_problem()
        query = visit.sent("query")
        if "systemConfig" in query:
            value = {"id": "/api/system-configs/default_language", "value": "en_us"}
            return document({"data": {"systemConfig": value}})
        if not self._sessions.of(self._session(visit)):
            denied = {"message": "Access Denied.", "extensions": {"status": 403}}
            return document({"errors": [denied], "data": None})
        return document({"data": {"getRecordList": {"id": "accounts", "meta": {}}}})

    # The throttle.

    def _locked(self, username: str, address: str) -> bool:
        of_user = len(self._recent((username, address)))
        return of_user >= ATTEMPTS or len(self._recent(("", address))) >= ATTEMPTS_OF_ADDRESS

    def _failed(self, username: str, address: str) -> None:
        for key in ((username, address), ("", address)):
            self._recent(key).append(self.now())

    def _recent(self, key: tuple[str, str]) -> deque[float]:
        found = self._failures.setdefault(key, deque())
        while found and self.now() - found[0] >= WINDOW_S:
            found.popleft()
        return found


def _said(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")  # which JSON it is, it does not say


def _refused(why: str) -> web.Response:
    return document({"error": why}, status=401)


def _csrf_problem() -> web.Response:
    return web.Response(
        text='{"title":"Forbidden","status":403,"detail":"Invalid CSRF token"}',
        status=403,
        content_type="application/problem+json",
    )
