"""SuiteCRM 7 as 7.14 was seen to answer: form, REST v4_1 and JSON V8, and the ways they fail."""

import time
from collections.abc import Callable, Mapping, Sequence
from hmac import compare_digest
from html import escape
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
    moved,
    page,
    redirect,
)
from uptimed.demo.personalities.suiteapi import (
    FAILURE,
    NO_DATABASE,
    REST_FAILURE,
    TOKEN_FAILURE,
    SuiteApi,
)
from uptimed.demo.personalities.suiteapi import (
    FAULTS as API_FAULTS,
)

_LOGIN = "index.php?module=Users&action=Login"
_BOUNCE = "index.php?action=Login&module=Users&login_module=Home&login_action=index"
_HOME_PAGE = (
    '<div id="toolbar"><a id="logout_link" href="index.php?module=Users&action=Logout">Log Out</a>'
    '</div>\n<div id="pageContainer">SuiteCRM Dashboard</div>'
)
_FATAL = (
    "<br />\n<b>Fatal error:</b> Uncaught mysqli_sql_exception: Connection refused in "
    "/var/www/html/include/database/MysqliManager.php:1\nFatal error: Uncaught "
    "mysqli_sql_exception: Connection refused in /var/www/html/include/database/MysqliManager.php:1"
)
_INSTALL = moved("install.php")
_NO_VENDOR = Reply(
    body='Composer autoloader not found. please run "composer install"', content_type="text/plain"
)
_PAGES = ("root", "login_page", "sign_in", "home", "sign_out")  # all of them are index.php

_FAULTS: Mapping[str, Fault] = {
    "database_stopped": Fault(
        does="The database is stopped; PHP keeps its errors to itself.", answers={EVERY: EMPTY_500}
    ),
    "database_stopped_shown": Fault(
        does="The database is stopped; PHP shows its errors, with status 200.",
        answers={EVERY: Reply(body=_FATAL)},
    ),
    "database_stopped_old": Fault(
        does="The database is stopped, under a PHP before 8.1.",
        answers={EVERY: Reply(status=500, body=NO_DATABASE)},
    ),
    "database_hangs": Fault(
        does="The database hangs: nothing is answered.", answers={EVERY: HANGS}
    ),
    "users_table_gone": Fault(
        does="The table of users is gone.",
        answers={
            "sign_in": Reply(body=f"<html><body></body></html>\n{FAILURE}"),
            "home": moved(_BOUNCE, 301),
            "rest.login": REST_FAILURE,
            "v8.token": TOKEN_FAILURE,
        },
    ),
    "database_read_only": Fault(
        does="The database cannot be written.",
        answers={
            "sign_in": Reply(body=f"<html><body></body></html>\n{FAILURE}"),
            "home": Reply(status=500, body=f"<html><body>{_HOME_PAGE}</body></html>"),
            "rest.login": EMPTY_500,
        },
    ),
    "session_dir_gone": Fault(
        does="PHP's folder of sessions is gone: logins succeed and are forgotten.",
        answers={"home": moved(_BOUNCE, 301)},
    ),
    "user_inactive": Fault(does="The users are inactive. The V8 API does not mind."),
    "config_gone": Fault(
        does="config.php is gone: everything leads to the installer.",
        answers=dict.fromkeys(_PAGES, _INSTALL),
    ),
    "vendor_gone": Fault(
        does="The folder vendor is gone; status 200 says so.",
        answers=dict.fromkeys(_PAGES, _NO_VENDOR),
    ),
    "cache_unwritable": Fault(
        does="The cache cannot be written: the login page breaks off before the form.",
        answers={"login_page": Reply(body='<!DOCTYPE html>\n<html lang="en_us">\n<head>\n')},
    ),
    "fpm_down": Fault(does="PHP's workers are down.", answers={EVERY: NGINX_502}),
    "maintenance": Fault(
        does="maintenance.php answers, with status 200.",
        answers={EVERY: Reply(body="Down for maintenance.")},
    ),
    "password_expired": Fault(
        does="The passwords have expired: the login succeeds, and every page asks for a new one."
    ),
    "second_factor": Fault(
        does="The users want a second factor, and its code cannot be sent.",
        answers={"home": moved("index.php?action=Logout&module=Users")},
    ),
    **API_FAULTS,
}

_FORM = """\
<div class="p_login">
<span class="error" id="browser_warning" style="display:none">This browser is not supported.</span>
{message}<form role="form" action="index.php" method="post" name="DetailView" id="form">
{hidden}<input type="text" name="user_name" id="user_name" tabindex="1">
<input type="password" name="username_password" id="username_password" tabindex="2">
<input type="submit" name="Login" value="Log In" id="bigbutton">
</form>
</div>"""
_HIDDEN = {
    "module": "Users", "action": "Authenticate", "return_module": "Users",
    "return_action": "Login", "cant_login": "", "login_module": "", "login_action": "",
    "login_record": "", "login_token": "", "login_oauth_token": "", "login_mobile": "",
}  # fmt: skip


class SuiteCrm7(Personality):
    """SuiteCRM 7. *rejected* is what it says of a wrong password, in its language."""

    title = "SuiteCRM 7"
    presets: ClassVar[tuple[str, ...]] = ("suitecrm7", "suitecrm7-rest", "suitecrm7-v8")
    faults: ClassVar[Mapping[str, Fault]] = MappingProxyType(_FAULTS)

    def __init__(
        self,
        cast: Sequence[Person] = (),
        *,
        prefix: str = "",
        rejected: str = "You must specify a valid username and password.",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rejected = rejected
        self._sessions = Sessions()
        self._messages: set[str] = set()  # sessions whose next form says that it was refused
        self._api: SuiteApi | None = None
        super().__init__(cast, prefix=prefix, now=now)

    @property
    def api(self) -> SuiteApi:
        """Return its APIs."""
        if self._api is None:
            self._api = SuiteApi(
                self.people, prefix="", version="7.14.6", on=self.on, count=self._count
            )
        return self._api

    @override
    def forget(self) -> None:
        self._sessions.forget()
        self._messages.clear()
        self.api.forget()

    @override
    def calls(self) -> Sequence[Call]:
        users = {"module": "Users"}
        return (
            Call(id="root", path="/", respond=self._root),
            Call(id="root", path="/index.php", respond=self._root),
            Call(
                id="login_page",
                path="/index.php",
                wants={**users, "action": "Login"},
                respond=self._login_page,
            ),
            Call(
                id="sign_in",
                method="POST",
                path="/index.php",
                wants={**users, "action": "Authenticate"},
                respond=self._sign_in,
            ),
            Call(
                id="home",
                path="/index.php",
                wants={"module": "Home", "action": "index"},
                respond=self._home,
            ),
            Call(
                id="sign_out",
                path="/index.php",
                wants={**users, "action": "Logout"},
                respond=self._sign_out,
            ),
            *self.api.calls(),
        )

    def _count(self, what: str) -> None:
        self.tally[what] += 1

    def _root(self, _: Visit) -> web.Response:
        return redirect("index.php?action=Login&module=Users", 301)

    def _login_page(self, visit: Visit) -> web.Response:
        session = visit.cookies.get("PHPSESSID", "")
        message = ""
        if session in self._messages:
            self._messages.discard(session)
            message = f'<span class="error">{escape(self._rejected)}</span>\n'
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{value}">\n'
            for name, value in _HIDDEN.items()
        )
        answer = page("SuiteCRM", _FORM.format(message=message, hidden=hidden))
        if not session:
            answer.set_cookie("PHPSESSID", self._sessions.begin(""))
        answer.set_cookie("sugar_user_theme", "SuiteP")
        return answer

    def _sign_in(self, visit: Visit) -> web.Response:
        person = self.person(visit.value("user_name"))
        known = person is not None and compare_digest(
            person.password.encode(), visit.value("username_password").encode()
        )
        if person is None or not known or self.on("user_inactive"):
            session = visit.cookies.get("PHPSESSID", "") or self._sessions.begin("")
            self._messages.add(session)
            answer = redirect(_LOGIN)
            answer.set_cookie("PHPSESSID", session)
            return answer
        self._count(f"sign_in:{person.username}")
        lost = self.on("session_dir_gone")
        wizard = lost or self.on("password_expired")
        answer = redirect(
            "index.php?module=Users&action=Wizard"
            if wizard
            else "index.php?module=Home&action=index"
        )
        # The session from before stays on the server.
        answer.set_cookie("PHPSESSID", self._sessions.begin("" if lost else person.username))
        host = visit.host.partition(":")[0]
        answer.set_cookie("ck_login_id_20", "1", domain=host)
        answer.set_cookie("ck_login_language_20", "en_us", domain=host)
        return answer

    def _home(self, visit: Visit) -> web.Response:
        if not self._sessions.of(visit.cookies.get("PHPSESSID", "")):
            return redirect(_BOUNCE, 301)
        if self.on("password_expired"):
            return page(
                "Users",
                '<form><input type="password" name="old_password"></form>\n'
                "<p>Your password has expired. Please provide a new password.</p>\n" + _HOME_PAGE,
            )
        return page("SuiteCRM", _HOME_PAGE)

    def _sign_out(self, visit: Visit) -> web.Response:
        session = visit.cookies.get("PHPSESSID", "")
        self._count(f"sign_out:{self._sessions.of(session)}")
        self._sessions.end(session)
        return redirect(_LOGIN)
