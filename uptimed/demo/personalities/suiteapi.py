"""SuiteCRM's two APIs, REST v4_1 and JSON V8, which 7 and 8 have alike.

V8 answers a wrong password with status 500 and the password in clear: so does this.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web

from uptimed.demo.personalities.playing import (
    Call,
    Fault,
    Person,
    Reply,
    Sessions,
    Visit,
    document,
)

FAILURE = "Database failure. Please refer to suitecrm.log for details."
NO_DATABASE = "Could not connect to the database. Please refer to suitecrm.log for details (0)."

FAULTS: Mapping[str, Fault] = {
    "api_expired_password": Fault(does="The REST API says that every password has expired."),
    "api_locked": Fault(does="The REST API says that everyone is locked out."),
    "api_ldap": Fault(does="The REST API says that the directory service refused the password."),
    "api_user_not_configured": Fault(does="The REST API says that the user is not configured."),
}

_NOT_FOUND = {
    "api_expired_password": (1008, "Password Expired"),
    "api_locked": (1009, "You have been locked out of the Sugar application"),
    "api_ldap": (1012, "LDAP Authentication Failed"),
    "api_user_not_configured": (12, "User Not Configured"),
}

REST_FAILURE = Reply(status=500, body=FAILURE)
TOKEN_FAILURE = Reply(
    status=500,
    body=json.dumps({"error": "unknown_error", "error_description": FAILURE}) + FAILURE,
    content_type="application/json",
)


class SuiteApi:
    """The APIs below *prefix*. *on* says which faults are on."""

    def __init__(
        self,
        cast: Sequence[Person],
        *,
        prefix: str,
        version: str,
        on: Callable[[str], bool],
        count: Callable[[str], None],
    ) -> None:
        self.client_id = "c2c8f5d6-0000-4000-8000-000000000001"
        self.client_secret = secrets.token_urlsafe(24)
        self._people, self._on, self._count = cast, on, count
        self._prefix, self._version = prefix, version
        self._rest, self._tokens = Sessions(), Sessions()

    def calls(self) -> tuple[Call, ...]:
        """Return what can be asked for."""
        rest = f"{self._prefix}/service/v4_1/rest.php"
        methods = {
            "get_server_info": self._server_info,
            "login": self._login,
            "get_user_id": self._user_id,
            "logout": self._logout,
        }
        found = [
            Call(id=f"rest.{name}", method="POST", path=rest, wants={"method": name}, respond=call)
            for name, call in methods.items()
        ]
        for api in (f"{self._prefix}/Api", f"{self._prefix}/Api/index.php"):
            found += [
                Call(id="v8.token", method="POST", path=f"{api}/access_token", respond=self._token),
                Call(id="v8.user", path=f"{api}/V8/current-user", respond=self._current_user),
                Call(id="v8.modules", path=f"{api}/V8/meta/modules", respond=self._modules),
                Call(id="v8.logout", method="POST", path=f"{api}/V8/logout", respond=self._revoke),
            ]
        return tuple(found)

    def forget(self) -> None:
        """Forget every session and token."""
        self._rest.forget()
        self._tokens.forget()

    # REST v4_1.

    def _server_info(self, _: Visit) -> web.Response:
        return document(
            {
                "flavor": "CE",
                "version": "6.5.25",
                "suitecrm_version": self._version,
                "gmt_time": "2026-10-03 14:07:12",
            }
        )

    def _login(self, visit: Visit) -> web.Response:
        given = _rest_data(visit).get("user_auth")
        given = given if isinstance(given, dict) else {}
        person = self._named(str(given.get("user_name", "")))
        for fault, (number, name) in _NOT_FOUND.items():
            if self._on(fault):
                return _rest_error(number, name)
        known = person is not None and _same(_md5(person.password), str(given.get("password", "")))
        if person is None or not known or self._on("user_inactive"):
            return _rest_error(10, "Invalid Login")
        if self._on("password_expired"):
            return _rest_error(1008, "Password Expired")
        self._count(f"rest.login:{person.username}")
        session = "" if self._on("session_dir_gone") else self._rest.begin(person.username)
        return document({"id": session, "module_name": "Users", "name_value_list": {}})

    def _user_id(self, visit: Visit) -> web.Response:
        known = self._rest.of(str(_rest_data(visit).get("session", "")))
        return document("1" if known else None)

    def _logout(self, visit: Visit) -> web.Response:
        session = str(_rest_data(visit).get("session", ""))
        self._count(f"rest.logout:{self._rest.of(session)}")
        self._rest.end(session)
        return document(None)

    # JSON V8.

    def _token(self, visit: Visit) -> web.Response:
        if visit.sent("client_id") != self.client_id:
            id_ = visit.sent("client_id")
            return _token_error(
                500, "unknown_error", f"OAuth2Clients module with id {id_} is not found"
            )
        if not _same(visit.sent("client_secret"), self.client_secret):
            return _token_error(401, "invalid_client", "Client authentication failed")
        by_password = visit.sent("grant_type") == "password"
        username, password = visit.sent("username"), visit.sent("password")
        if by_password:
            person = self._named(username)
            if person is None:
                said = f"No user found with this username: {username}"
                return _token_error(500, "unknown_error", said)
            if not _same(password, person.password):
                said = f"The password is invalid: {password}"
                return _token_error(500, "unknown_error", said)
        self._count(f"v8.token:{username if by_password else 'client'}")
        made = {
            "token_type": "Bearer",
            "expires_in": 3600,
            "access_token": self._tokens.begin(username if by_password else "client"),
        }
        return document(made | ({"refresh_token": secrets.token_hex(40)} if by_password else {}))

    def _bearer(self, visit: Visit) -> str:
        return visit.headers.get("Authorization", "").removeprefix("Bearer ")

    def _current_user(self, visit: Visit) -> web.Response:
        username = self._tokens.of(self._bearer(visit))
        if not username:
            return _denied("The JWT string must have two dots")
        attributes = {"user_name": username}
        return document({"data": {"type": "User", "id": "1", "attributes": attributes}})

    def _modules(self, visit: Visit) -> web.Response:
        if not self._tokens.of(self._bearer(visit)):
            return _denied("Access token has been revoked")
        return document({"data": {"type": "modules", "attributes": {"Accounts": {}}}})

    def _revoke(self, visit: Visit) -> web.Response:
        username = self._tokens.of(self._bearer(visit))
        if not username:
            return _denied("Access token has been revoked")
        self._count(f"v8.logout:{username}")
        self._tokens.end(self._bearer(visit))
        return document({"meta": {"message": "You have been successfully logged out"}})

    def _named(self, username: str) -> Person | None:
        return next((person for person in self._people if person.username == username), None)


def _rest_data(visit: Visit) -> Mapping[str, object]:
    try:
        found: object = json.loads(visit.value("rest_data"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _rest_error(number: int, name: str) -> web.Response:
    return document({"name": name, "number": number, "description": f"{name}."})


def _token_error(status: int, error: str, said: str) -> web.Response:
    return document({"error": error, "error_description": said, "message": said}, status=status)


def _denied(hint: str) -> web.Response:
    said = "The resource owner or authorization server denied the request."
    return document({"error": "access_denied", "error_description": said, "hint": hint}, status=401)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
