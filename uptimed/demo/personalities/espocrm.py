"""EspoCRM as 8.4 was seen to answer: tokens, API keys, signed requests, and the ways they fail.

More than ten denied tries from one address within a minute, and that address is refused everything.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
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
)

DENIED_AT_MOST, PERIOD_S = 10, 60

_BEHIND = ("user", "accounts", "sign_out")


def _behind(reply: Reply) -> dict[str, Reply]:
    return dict.fromkeys(_BEHIND, reply)


def _reasoned(status: int, reason: str, body: str = "") -> Reply:
    return Reply(
        status=status,
        body=body,
        content_type="application/json",
        headers={"X-Status-Reason": reason},
    )


_FAULTS: Mapping[str, Fault] = {
    "database_stopped": Fault(
        does="The database is stopped; the front page comes all the same.",
        answers={"settings": EMPTY_500, "i18n": EMPTY_500, **_behind(EMPTY_500)},
    ),
    "database_hangs": Fault(
        does="The database hangs: no call is answered.",
        answers={"settings": HANGS, "i18n": HANGS, **_behind(HANGS)},
    ),
    "users_table_gone": Fault(does="The table of users is gone.", answers=_behind(EMPTY_500)),
    "database_read_only": Fault(does="The database cannot be written.", answers=_behind(EMPTY_500)),
    "maintenance": Fault(
        does="It is in maintenance: administrators alone get in.",
        answers=_behind(
            _reasoned(
                503,
                "Application is in maintenance mod1e.",
                '{"message":"The application currently is in maintenance mode."}',
            )
        ),
    ),
    "second_factor": Fault(
        does="The users want a second factor.",
        answers={"user": _reasoned(401, "second-step-required")},
    ),
    "auth_error": Fault(
        does="Signing in has a fault of its own.", answers={"user": _reasoned(401, "error")}
    ),
    "no_right": Fault(
        does="The users have no right to read.",
        answers={"accounts": _reasoned(403, "No read access.")},
    ),
    "user_inactive": Fault(does="The users are inactive."),
    "cookie_lost": Fault(does="The cookie that goes with a token gets lost."),
    "address_refused": Fault(
        does="More than ten denied tries came from this address: it is refused everything.",
        answers=_behind(Reply(status=403)),
    ),
    "fpm_down": Fault(does="PHP's workers are down.", answers={EVERY: NGINX_502}),
}


class EspoCrm(Personality):
    """EspoCRM. A person's key is an API user's, its secret is what that one signs with."""

    title = "EspoCRM"
    presets: ClassVar[tuple[str, ...]] = ("espocrm", "espocrm-api-key", "espocrm-hmac")
    faults: ClassVar[Mapping[str, Fault]] = MappingProxyType(_FAULTS)

    def __init__(
        self,
        cast: Sequence[Person] = (),
        *,
        prefix: str = "",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tokens = Sessions()
        self._cookies: dict[str, str] = {}  # token -> the secret of its cookie
        self._denied: dict[str, deque[float]] = {}
        super().__init__(cast, prefix=prefix, now=now)

    @override
    def forget(self) -> None:
        self._tokens.forget()
        self._cookies.clear()

    @override
    def calls(self) -> Sequence[Call]:
        api = "/api/v1"
        return (
            Call(id="front", path="/", respond=_front),
            Call(id="settings", path=f"{api}/Settings", respond=self._settings),
            Call(id="i18n", path=f"{api}/I18n", respond=lambda _: document({"Global": {}})),
            Call(id="user", path=f"{api}/App/user", respond=self._user),
            Call(id="accounts", path=f"{api}/Account", respond=self._accounts),
            Call(
                id="sign_out",
                method="POST",
                path=f"{api}/App/destroyAuthToken",
                respond=self._sign_out,
            ),
        )

    def _settings(self, _: Visit) -> web.Response:
        # As PHP writes JSON: without spaces.
        said = {"applicationName": "EspoCRM", "maintenanceMode": self.board.on("maintenance")}
        text = json.dumps(said, separators=(",", ":"))
        return web.Response(text=text, content_type="application/json")

    def _user(self, visit: Visit) -> web.Response:
        username, by_password = self._authenticated(visit)
        if not username:
            return self._denial(visit)
        answer = {"user": {"userName": username}, "acl": {}, "preferences": {}}
        wants_secret = visit.headers.get("Espo-Authorization-Create-Token-Secret") == "true"
        if not (by_password and wants_secret):
            return document(answer | {"token": None})
        self.tally[f"sign_in:{username}"] += 1
        token, cookie = self._tokens.begin(username), secrets.token_hex(16)
        self._cookies[token] = cookie
        found = document(answer | {"token": token})
        if not self.on("cookie_lost"):
            found.set_cookie("auth-token-secret", cookie, path="/", httponly=True, samesite="Lax")
        return found

    def _accounts(self, visit: Visit) -> web.Response:
        username, _ = self._authenticated(visit)
        return document({"total": 0, "list": []}) if username else self._denial(visit)

    def _sign_out(self, visit: Visit) -> web.Response:
        username, _ = self._authenticated(visit)
        if not username:
            return self._denial(visit)
        self.tally[f"sign_out:{username}"] += 1
        self._tokens.end(visit.sent("token"))
        return document(True)  # noqa: FBT003 - that is all it says

    # Who it is.

    def _authenticated(self, visit: Visit) -> tuple[str, bool]:
        """Return who asks, or "", and whether by password."""
        if self._is_refused(visit.address) or self.on("user_inactive"):
            return "", False
        if "X-Api-Key" in visit.headers:
            key = visit.headers["X-Api-Key"]
            return next((p.username for p in self.people if _same(p.key, key)), ""), False
        if "X-Hmac-Authorization" in visit.headers:
            return self._signed(visit), False
        username, _, given = _decoded(visit.headers.get("Espo-Authorization", "")).partition(":")
        if visit.headers.get("Espo-Authorization-By-Token") == "true":
            cookie = self._cookies.get(given, "")
            kept = cookie and _same(cookie, visit.cookies.get("auth-token-secret", ""))
            return (self._tokens.of(given) if kept else ""), False
        person = self.person(username)
        known = person is not None and _same(person.password, given)
        return (username if known else ""), True

    def _signed(self, visit: Visit) -> str:
        """Return who signed, with the digest as bytes or as hexadecimal digits."""
        key, _, given = _bytes(visit.headers["X-Hmac-Authorization"]).partition(b":")
        person = next((p for p in self.people if hmac.compare_digest(p.key.encode(), key)), None)
        if person is None:
            return ""
        message = f"{visit.method} {visit.path.removeprefix('/api/v1')}"
        wanted = hmac.new(person.secret.encode(), message.encode(), hashlib.sha256)
        forms = (wanted.digest(), wanted.hexdigest().encode())
        return person.username if any(hmac.compare_digest(f, given) for f in forms) else ""

    def _is_refused(self, address: str) -> bool:
        return len(self._recent(address)) > DENIED_AT_MOST

    def _denial(self, visit: Visit) -> web.Response:
        if self._is_refused(visit.address):
            return web.Response(status=403)
        self._recent(visit.address).append(self.now())
        return web.Response(status=401)

    def _recent(self, address: str) -> deque[float]:
        found = self._denied.setdefault(address, deque())
        while found and self.now() - found[0] >= PERIOD_S:
            found.popleft()
        return found


def _front(_: Visit) -> web.Response:
    return page("EspoCRM", '<div id="espo-app"></div>')


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return b""


def _decoded(text: str) -> str:
    return _bytes(text).decode("utf-8", "replace")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode("utf-8", "replace"))
