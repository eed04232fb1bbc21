"""The generic presets: a form has its own tests; here are Basic, an API key and OAuth2."""

import base64

import pytest
from aiohttp import web

from probes.flowfile import bind, find_flow, preset_names
from tests.fakes import FakeClock
from tests.probes.office import (
    PASSWORD,
    Ask,
    Office,
    Twist,
    login_probe,
    login_settings,
    open_office,
    page,
)
from uptimed.core.judging import judge
from uptimed.core.observations import Instant, Outcome

NOW = Instant(0)
RIGHT = "Basic " + base64.b64encode(f"probe1:{PASSWORD}".encode()).decode()


@pytest.mark.parametrize("name", preset_names())
def test_each_flow_that_ships_is_good_and_is_named_as_its_file(name: str) -> None:
    flow = find_flow(name)
    needed = {n: "/x" for n, setting in flow.settings.items() if setting.default is None}

    assert flow.id == name
    assert bind(flow, needed).session


async def _outcome(preset: str, twists: dict[str, Twist], **settings: str) -> Outcome:
    known = {"P1": PASSWORD, "ID": "client-1", "SECRET": "client-secret"}
    async with open_office(Office()) as office, login_probe(FakeClock(), known) as probe:
        office.twists.update(twists)
        secrets = {"client_id": "ID", "client_secret": "SECRET"} if preset == "oauth2" else {}
        made = login_settings(office.url, preset, secrets=secrets, **settings)  # type: ignore[arg-type]
        return judge(await probe(made), made, now=NOW).outcome


def _behind_basic(ask: Ask) -> web.Response:
    right = ask.headers.get("Authorization") == RIGHT
    return page("welcome probe1") if right else page("", status=401)


BASIC = [
    pytest.param(_behind_basic, Outcome.PASS, id="right"),
    pytest.param(lambda _: page("", status=401), Outcome.REJECTED, id="401"),
    pytest.param(lambda _: page("", status=403), Outcome.BLOCKED, id="403"),
    pytest.param(lambda _: page("something else"), Outcome.FAIL, id="another page"),
    pytest.param(lambda _: page("", status=502), Outcome.FAIL, id="502"),
]


@pytest.mark.parametrize(("twist", "outcome"), BASIC)
async def test_basic(twist: Twist, outcome: Outcome) -> None:
    assert await _outcome("basic", {"/p": twist}, path="/p", text="welcome") is outcome


def _keyed(ask: Ask) -> web.Response:
    if ask.headers.get("X-Key") != f"Token {PASSWORD}":
        return web.json_response({"error": "key"}, status=401)
    return web.json_response({"value": []})


KEYED = [
    pytest.param(_keyed, "X-Key", Outcome.PASS, id="right"),
    pytest.param(_keyed, "X-Other", Outcome.REJECTED, id="no key"),
    pytest.param(lambda _: web.json_response({}), "X-Key", Outcome.FAIL, id="no value"),
    pytest.param(lambda _: page("<p>"), "X-Key", Outcome.FAIL, id="no JSON"),
    pytest.param(lambda _: page("over quota"), "X-Key", Outcome.BLOCKED, id="over its limit"),
]


@pytest.mark.parametrize(("twist", "header", "outcome"), KEYED)
async def test_api_key(twist: Twist, header: str, outcome: Outcome) -> None:
    settings = {"path": "/c?limit=1", "header": header, "prefix": "Token ", "pointer": "/value"}
    settings["blocked_text"] = "over quota"

    assert await _outcome("api-key", {"/c": twist}, **settings) is outcome


def _token(ask: Ask) -> web.Response:
    if ask.form.get("client_secret") != "client-secret":
        return web.json_response({"error": "invalid_client"}, status=401)
    if ask.form.get("grant_type") == "password" and ask.form.get("password") != PASSWORD:
        return web.json_response({"error": "invalid_grant"}, status=400)
    return web.json_response({"access_token": "token-0123456789", "expires_in": 3600})


def _me(ask: Ask) -> web.Response:
    right = ask.headers.get("Authorization") == "Bearer token-0123456789"
    return web.json_response({}, status=200 if right else 401)


def _says(content: object, status: int) -> Twist:
    return lambda _: web.json_response(content, status=status)


OAUTH2 = [
    pytest.param(_token, _me, "password", Outcome.PASS, id="password"),
    pytest.param(_token, _me, "client_credentials", Outcome.PASS, id="client credentials"),
    pytest.param(
        _says({"error": "invalid_grant"}, 400), _me, "password", Outcome.REJECTED, id="rejected"
    ),
    pytest.param(
        _says({"error": "unauthorized_client"}, 400), _me, "password", Outcome.BLOCKED, id="blocked"
    ),
    pytest.param(_says({"access_token": ""}, 200), _me, "password", Outcome.FAIL, id="no token"),
    pytest.param(_token, _says({}, 401), "password", Outcome.FAIL, id="token not accepted"),
]


@pytest.mark.parametrize(("token", "me", "grant", "outcome"), OAUTH2)
async def test_oauth2(token: Twist, me: Twist, grant: str, outcome: Outcome) -> None:
    twists = {"/oauth/token": token, "/me": me}

    assert await _outcome("oauth2", twists, path="/me", grant_type=grant) is outcome


async def test_a_token_that_has_expired_is_asked_for_anew_at_once() -> None:
    known = {"P1": PASSWORD, "ID": "client-1", "SECRET": "client-secret"}
    secrets = {"client_id": "ID", "client_secret": "SECRET"}
    expired = iter([False, True, False])

    def me(ask: Ask) -> web.Response:
        return page("", status=401) if next(expired) else _me(ask)

    async with open_office(Office()) as office, login_probe(FakeClock(), known) as probe:
        office.twists.update({"/oauth/token": _token, "/me": me})
        made = login_settings(
            office.url, "oauth2", secrets=secrets, path="/me", revoke_path="/revoke"
        )
        await probe(made)
        office.seen()
        reading = judge(await probe(made), made, now=NOW)

    assert reading.outcome is Outcome.PASS
    assert office.seen() == ["GET /me", "POST /oauth/token", "GET /me", "POST /revoke"]
