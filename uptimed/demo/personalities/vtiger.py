"""vtiger CRM as 7.5 was seen to answer: form and web service, and the ways they fail."""

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from hmac import compare_digest
from html import escape
from types import MappingProxyType
from typing import ClassVar

from aiohttp import web
from typing_extensions import override

from uptimed.demo.personalities.playing import (
    EMPTY_200,
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
    moved,
    page,
    redirect,
)

_SETUP = "index.php?module=Users&parent=Settings&view=SystemSetup"
_LOGIN = "index.php?module=Users&parent=Settings&view=Login&error=login"
_NOT_IN = Reply(status=302, body="Login is required", headers={"Location": "index.php"})
_RESTRICTED = Reply(body="Sorry! Attempt to access restricted file.")
_SERVICE = ("ws.challenge", "ws.login", "ws.types", "ws.query", "ws.logout")


def _ws_failed(code: str, message: str) -> Reply:
    return Reply(
        body=f'{{"success":false,"error":{{"code":"{code}","message":"{message}"}}}}',
        content_type="application/json",
    )


_NOT_KEPT = Reply(body='{"success":false,"error":null}', content_type="application/json")
_FAULTS: Mapping[str, Fault] = {
    "database_stopped": Fault(
        does="The database is stopped; a page behind the login redirects as if all were well.",
        answers={EVERY: EMPTY_500, "home": _NOT_IN},
    ),
    "database_stopped_shown": Fault(
        does="The database is stopped; PHP shows its errors: status 200 and nothing.",
        answers={EVERY: EMPTY_200, "home": _NOT_IN},
    ),
    "database_hangs": Fault(
        does="The database hangs: nothing is answered.", answers={EVERY: HANGS}
    ),
    "users_table_gone": Fault(
        does="The table of users is gone: every password is said to be wrong.",
        answers={
            "sign_in": moved(_LOGIN),
            "home": _NOT_IN,
            **dict.fromkeys(_SERVICE, _ws_failed("INTERNAL_SERVER_ERROR", "Internal Server Error")),
        },
    ),
    "database_read_only": Fault(
        does="The database cannot be written: the web service says that the key is wrong.",
        answers={
            "ws.login": _ws_failed("INVALID_USER_CREDENTIALS", "Invalid username or password")
        },
    ),
    "session_dir_gone": Fault(
        does="PHP's folder of sessions is gone: logins succeed and are forgotten.",
        answers={"home": _NOT_IN, **dict.fromkeys(_SERVICE, _NOT_KEPT)},
    ),
    "privileges_gone": Fault(
        does="The users' file of privileges is gone.",
        answers={"home": _RESTRICTED, "ws.login": _RESTRICTED},
    ),
    "templates_unwritable": Fault(
        does="The compiled templates cannot be written.", answers={"login_page": EMPTY_500}
    ),
    "fpm_down": Fault(does="PHP's workers are down.", answers={EVERY: NGINX_502}),
    "not_installed": Fault(
        does="It is not installed: everything leads to the installer.",
        answers={"login_page": moved("index.php?module=Install&view=Index")},
    ),
    "other_site_url": Fault(
        does="$site_URL is another host: every page redirects there.",
        answers={EVERY: moved("http://crm.other.example/index.php", 301)},
    ),
    "user_inactive": Fault(does="The users are inactive. The web service does not mind."),
    "accesskey_undefined": Fault(
        does="The users have no access key.",
        answers={"ws.login": _ws_failed("ACCESSKEY_UNDEFINED", "Access key is not defined")},
    ),
    "challenge_replaced": Fault(
        does="Someone else asks for a challenge in between, so that ours is worth nothing."
    ),
    "challenge_expired": Fault(
        does="Every challenge is said to have expired.",
        answers={"ws.login": _ws_failed("INVALID_AUTH_TOKEN", "Specified token is invalid")},
    ),
    "session_idle": Fault(does="The web service's sessions from before were left idle too long."),
    "query_fails": Fault(
        does="A query of the database fails.",
        answers={"ws.types": _ws_failed("DATABASE_QUERY_ERROR", "Database error")},
    ),
    "named_parameters": Fault(
        does="PHP 8 stumbles over the web service's query and logout.",
        answers={"ws.query": EMPTY_500, "ws.logout": EMPTY_500},
    ),
}

_STYLE = "<style>.failureMessage { color: red; }</style>\n"


class Vtiger(Personality):
    """vtiger CRM.

    *fields* are the names of the form's fields: those of vtiger 5 are `user_name` and
    `user_password`. *rejected* is what it says of a wrong password, in its language.
    """

    title = "vtiger CRM"
    presets: ClassVar[tuple[str, ...]] = ("vtiger", "vtiger-webservice")
    faults: ClassVar[Mapping[str, Fault]] = MappingProxyType(_FAULTS)

    def __init__(
        self,
        cast: Sequence[Person] = (),
        *,
        prefix: str = "",
        fields: tuple[str, str] = ("username", "password"),
        rejected: str = "Invalid credentials",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fields = fields
        self._rejected = rejected
        self._sessions, self._service = Sessions(), Sessions()
        self._challenges: dict[str, str] = {}
        self._fresh: set[str] = set()  # sessions that were begun while others had been left idle
        super().__init__(cast, prefix=prefix, now=now)

    @override
    def forget(self) -> None:
        self._sessions.forget()
        self._service.forget()
        self._challenges.clear()

    @override
    def calls(self) -> Sequence[Call]:
        users, service = {"module": "Users"}, "/webservice.php"
        home = {"module": "Home", "view": "DashBoard"}
        old_home = {"module": "Home", "action": "index"}
        index = "/index.php"
        named = {
            "ws.challenge": ("GET", "getchallenge", self._challenge),
            "ws.login": ("POST", "login", self._service_login),
            "ws.types": ("GET", "listtypes", self._types),
            "ws.query": ("GET", "query", self._types),
            "ws.logout": ("POST", "logout", self._service_logout),
        }
        return (
            Call(id="login_page", path="/", respond=self._login_page),
            Call(id="login_page", path=index, respond=self._login_page),
            Call(id="said", path=index, wants={**users, "view": "Login"}, respond=self._login_page),
            Call(
                id="sign_in",
                method="POST",
                path=index,
                wants={**users, "action": "Login"},
                respond=self._sign_in,
            ),
            Call(id="home", path=index, wants=home, respond=self._home),
            Call(id="home", path=index, wants=old_home, respond=self._home),
            Call(
                id="setup", path=index, wants={**users, "view": "SystemSetup"}, respond=self._home
            ),
            Call(
                id="sign_out",
                path=index,
                wants={**users, "action": "Logout"},
                respond=self._sign_out,
            ),
            *(
                Call(
                    id=id_, method=method, path=service, wants={"operation": name}, respond=respond
                )
                for id_, (method, name, respond) in named.items()
            ),
            Call(id="ws.unknown", path=service, respond=_unknown_operation),
        )

    # The form.

    def _login_page(self, visit: Visit) -> web.Response:
        kept = "cookie" if self.on("session_dir_gone") else "sid"
        token = f"{kept}:{secrets.token_hex(20)},{int(self.now())}"
        refused = visit.query.get("error") == "login"
        message = escape(self._rejected) if refused else ""
        username, password = self._fields
        answer = page(
            "vtiger",
            f'<span class="{"" if refused else "hide"} failureMessage" id="validationMessage">'
            f"{message}</span>\n"
            '<form class="form-horizontal" method="POST" action="index.php">\n'
            f'<input type="hidden" name="__vtrftk" value="{token}">\n'
            '<input type="hidden" name="module" value="Users"/>\n'
            '<input type="hidden" name="action" value="Login"/>\n'
            f'<input id="username" type="text" name="{username}" placeholder="Username">\n'
            f'<input id="password" type="password" name="{password}" placeholder="Password">\n'
            '<button type="submit" class="button">Sign in</button>\n</form>\n'
            '<form class="form-horizontal hide" action="forgotPassword.php" method="POST">\n'
            f'<input type="text" name="{username}"><input type="text" name="email">\n</form>',
            head=f'{_STYLE}<script>var csrfMagicToken = "{token}";</script>\n',
        )
        if "PHPSESSID" not in visit.cookies:
            answer.set_cookie("PHPSESSID", secrets.token_hex(11)[:21])
        return answer

    def _sign_in(self, visit: Visit) -> web.Response:
        username, password = (visit.value(name) for name in self._fields)
        person = self.person(username)
        known = person is not None and compare_digest(person.password.encode(), password.encode())
        if not known or self.on("user_inactive"):
            return redirect(_LOGIN)
        self.tally[f"sign_in:{username}"] += 1
        answer = redirect(_SETUP)
        lost = self.on("session_dir_gone")
        answer.set_cookie("PHPSESSID", self._sessions.begin("" if lost else username))
        return answer

    def _home(self, visit: Visit) -> web.Response:
        username = self._sessions.of(visit.cookies.get("PHPSESSID", ""))
        if not username:
            return _NOT_IN.response()
        return page(
            "Dashboard",
            '<a href="index.php?module=Users&action=Logout">Sign Out</a>',
            head="<script>var _USERMETA =  { 'id' : \"1\" };</script>\n",
        )

    def _sign_out(self, visit: Visit) -> web.Response:
        session = visit.cookies.get("PHPSESSID", "")
        self.tally[f"sign_out:{self._sessions.of(session)}"] += 1
        self._sessions.end(session)
        answer = redirect("index.php")
        answer.set_cookie("PHPSESSID", self._sessions.begin(""))
        return answer

    # The web service.

    def _challenge(self, visit: Visit) -> web.Response:
        username = visit.value("username")
        if not username:
            return _ws_failed("ACCESS_DENIED", "No username given").response()
        if self.person(username) is None:
            return _ws_failed("ACCESS_DENIED", "username does not exists").response()
        token = secrets.token_hex(6)
        self._challenges[username] = token  # the one before is worth nothing any more
        if self.on("challenge_replaced"):
            self._challenges[username] = secrets.token_hex(6)
        result = {"token": token, "serverTime": 1_790_000_000, "expireTime": 1_790_000_300}
        return document({"success": True, "result": result})

    def _service_login(self, visit: Visit) -> web.Response:
        username = visit.value("username")
        person = self.person(username)
        token = self._challenges.pop(username, "")
        wanted = _md5(token + person.key) if person is not None else ""
        if not token or not compare_digest(wanted, visit.value("accessKey")):
            return _ws_failed("INVALID_USER_CREDENTIALS", "Invalid username or password").response()
        self.tally[f"ws.login:{username}"] += 1
        session = self._service.begin(username)
        if self.on("session_idle"):
            self._fresh.add(session)
        result = {
            "sessionName": session,
            "userId": "19x1",
            "version": "0.22",
            "vtigerVersion": "7.5.0",
        }
        return document({"success": True, "result": result})

    def _types(self, visit: Visit) -> web.Response:
        session = visit.value("sessionName")
        if not session:
            return _ws_failed("AUTHENTICATION_REQUIRED", "Authentication required").response()
        if not self._service.of(session):
            return _ws_failed(
                "INVALID_SESSIONID", "Session Identifier provided is Invalid"
            ).response()
        if self.on("session_idle") and session not in self._fresh:
            return _ws_failed("SESSION_LEFT_IDLE", "Session left idle").response()
        return document({"success": True, "result": {"types": ["Contacts"], "information": {}}})

    def _service_logout(self, visit: Visit) -> web.Response:
        session = visit.value("sessionName")
        self.tally[f"ws.logout:{self._service.of(session)}"] += 1
        self._service.end(session)
        said = "successfull"  # codespell:ignore successfull
        return document({"success": True, "result": {"message": said}})


def _unknown_operation(_: Visit) -> web.Response:
    return _ws_failed("UNKNOWN_OPERATION", "Unknown operation requested").response()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
