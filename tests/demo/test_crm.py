"""The sandbox over real sockets: what each switch breaks, and that nothing of it stays."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from yarl import URL

from uptimed.demo.crm import SandboxCrm
from uptimed.demo.dialect import SANDBOX, Dialect
from uptimed.demo.switches import DOES, Switch

_LONG = aiohttp.ClientTimeout(total=5)
_BRIEFLY = aiohttp.ClientTimeout(total=0.05)  # for what never comes
_WELL = {"front": "200", "form": "200", "health": "200", "contacts": "200", "sign in": "in"}
_ALL = tuple(_WELL)


async def _seen(look: Callable[[], Awaitable[str]]) -> str:
    """Return what came of *look*: a word for what went wrong with the connection, if anything."""
    try:
        return await look()
    except aiohttp.ClientConnectorError as error:
        return "refused" if isinstance(error.os_error, ConnectionRefusedError) else str(error)
    except TimeoutError:
        return "nothing"


async def _get(
    visitor: aiohttp.ClientSession,
    url: str,
    headers: dict[str, str],
    patience: aiohttp.ClientTimeout = _LONG,
) -> str:
    async with visitor.get(url, headers=headers, timeout=patience, allow_redirects=False) as answer:
        text = await answer.text()
    for telling in (SANDBOX.crash, SANDBOX.maintenance):
        if telling in text:
            return f"{answer.status} {telling.split()[0]}"
    return str(answer.status)


async def sign_in(
    visitor: aiohttp.ClientSession,
    crm: SandboxCrm,
    sent: dict[str, str] | None = None,
    *,
    dialect: Dialect = SANDBOX,
    patience: aiohttp.ClientTimeout = _LONG,
) -> str:
    """Sign in as a visitor does, and return `in`, or what was said instead.

    *sent* replaces fields of the form.
    """
    visitor.cookie_jar.clear()
    base = URL(crm.url)
    async with visitor.get(base.join(URL(dialect.form)), timeout=patience) as answer:
        fields = dict(re.findall(r'type="hidden" name="(.*?)" value="(.*?)"', await answer.text()))
    fields |= {dialect.username: "probe1", dialect.password: crm.accounts["probe1"]}
    fields |= sent or {}
    where = base.join(URL(dialect.sign_in))
    async with visitor.post(where, data=fields, timeout=patience) as answer:
        text = await answer.text()
    if not answer.history or "message" in text.partition("</style>")[2]:
        said = re.search(r'role="alert">(.*?)<', text)
        return f"{answer.status} {said[1]}" if said else str(answer.status)
    # Whoever is sent home may still not be in: only a page behind the login tells.
    async with visitor.get(base.join(URL(dialect.home)), timeout=patience) as answer:
        return "in" if 'id="user">probe1<' in await answer.text() else "sent home, not in"


async def look_around(
    visitor: aiohttp.ClientSession, crm: SandboxCrm, patience: aiohttp.ClientTimeout = _LONG
) -> dict[str, str]:
    """Return what a visitor meets everywhere."""
    key = {"X-Api-Key": crm.api_token}

    async def get(path: str, headers: dict[str, str]) -> str:
        return await _seen(lambda: _get(visitor, f"{crm.url}{path}", headers, patience))

    return {
        "front": await get("/", {}),
        "form": await get("/login", {}),
        "health": await get("/api/health", {}),
        "contacts": await get("/api/contacts?limit=1", key),
        "sign in": await _seen(lambda: sign_in(visitor, crm, patience=patience)),
    }


_BROKEN: dict[Switch, dict[str, str]] = {
    Switch.STOPPED: dict.fromkeys(_ALL, "refused"),
    Switch.HANGING: dict.fromkeys(_ALL, "nothing"),
    Switch.SLOW: dict.fromkeys(_ALL, "nothing"),
    Switch.ERROR500: dict.fromkeys(_ALL, "500"),
    Switch.BROKEN200: dict.fromkeys(_ALL, "200 Fatal") | {"sign in": "200"},
    Switch.MAINTENANCE: dict.fromkeys(_ALL, "503 Down") | {"sign in": "503"},
    Switch.DATABASE: {"health": "503", "contacts": "500", "sign in": "500"},
    Switch.LOGIN_ERROR: {"sign in": "500"},
    Switch.SESSION_LOST: {"sign in": "sent home, not in"},
    Switch.REJECT_ALL: {"sign in": f"200 {SANDBOX.rejected}"},
    Switch.LOCKED: {"sign in": f"200 {SANDBOX.locked}"},
    Switch.EXPIRED_FORM: {"sign in": f"403 {SANDBOX.expired}"},
}


async def test_a_sandbox_that_nobody_broke_is_well(
    crm: SandboxCrm, visitor: aiohttp.ClientSession
) -> None:
    assert await look_around(visitor, crm) == _WELL


@pytest.mark.parametrize("switch", Switch)
async def test_a_switch_breaks_what_it_says_and_heals_when_it_is_off(
    switch: Switch, crm: SandboxCrm, visitor: aiohttp.ClientSession
) -> None:
    await crm.turn(switch, on=True)
    patience = _BRIEFLY if switch in {Switch.HANGING, Switch.SLOW} else _LONG
    assert await look_around(visitor, crm, patience) == _WELL | _BROKEN[switch]
    await crm.turn(switch, on=False)
    assert await look_around(visitor, crm) == _WELL


async def test_a_slow_answer_comes_in_the_end(visitor: aiohttp.ClientSession) -> None:
    async with SandboxCrm("127.0.0.1", 0, 0, slow_s=0.02) as crm:
        await crm.turn(Switch.SLOW, on=True)
        assert await look_around(visitor, crm) == _WELL


async def test_what_was_delayed_comes_when_the_sandbox_is_no_longer_slow(
    crm: SandboxCrm, visitor: aiohttp.ClientSession
) -> None:
    await crm.turn(Switch.SLOW, on=True)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_status(visitor, f"{crm.url}/"))
        await asyncio.wait([waiting], timeout=0.05)
        assert not waiting.done()
        await crm.turn(Switch.SLOW, on=False)
    assert waiting.result() == 200


async def _status(visitor: aiohttp.ClientSession, url: str) -> int:
    async with visitor.get(url) as answer:
        return answer.status


async def test_what_hung_is_dropped_and_never_answered(crm: SandboxCrm) -> None:
    await crm.turn(Switch.HANGING, on=True)
    # Not with a visitor: the client's library would quietly ask again.
    reader, writer = await asyncio.open_connection("127.0.0.1", crm.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    async with asyncio.TaskGroup() as group:
        said = group.create_task(reader.read())
        await asyncio.wait([said], timeout=0.05)
        assert not said.done()
        await crm.turn(Switch.HANGING, on=False)
    assert said.result() == b""
    writer.close()
    await writer.wait_closed()


async def test_a_stopped_sandbox_comes_back_on_the_same_port(crm: SandboxCrm) -> None:
    before = crm.url
    for on in (True, True, False, False):
        await crm.turn(Switch.STOPPED, on=on)
    assert crm.url == before


async def test_a_stopped_sandbox_also_drops_those_who_are_connected(crm: SandboxCrm) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", crm.port)
    await crm.turn(Switch.STOPPED, on=True)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_an_outage_does_not_sign_anybody_out(
    crm: SandboxCrm, visitor: aiohttp.ClientSession
) -> None:
    assert await sign_in(visitor, crm) == "in"
    for on in (True, False):
        await crm.turn(Switch.STOPPED, on=on)
    async with visitor.get(f"{crm.url}/home") as answer:
        assert answer.url.path == "/home"


async def test_home_is_only_for_those_who_are_signed_in(
    crm: SandboxCrm, visitor: aiohttp.ClientSession
) -> None:
    async with visitor.get(f"{crm.url}/home") as answer:
        assert answer.url.path == "/login"
    assert await sign_in(visitor, crm) == "in"
    async with visitor.get(f"{crm.url}/logout") as answer:
        assert answer.url.path == "/"
    async with visitor.get(f"{crm.url}/home") as answer:
        assert answer.url.path == "/login"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"password": "wrong"}, f"200 {SANDBOX.rejected}"),
        ({"username": "nobody"}, f"200 {SANDBOX.rejected}"),
        ({"csrf_token": "made up"}, f"403 {SANDBOX.expired}"),
        ({"username": "<b>", "password": "é\N{SNOWMAN}"}, f"200 {SANDBOX.rejected}"),
    ],
    ids=["wrong password", "no such account", "a token of somebody else", "odd characters"],
)
async def test_the_form_lets_in_only_who_has_password_and_token(
    sent: dict[str, str], said: str, crm: SandboxCrm, visitor: aiohttp.ClientSession
) -> None:
    assert await sign_in(visitor, crm, sent) == said


async def test_both_accounts_can_sign_in(crm: SandboxCrm, visitor: aiohttp.ClientSession) -> None:
    for name, password in crm.accounts.items():
        said = await sign_in(visitor, crm, {"username": name, "password": password})
        assert said in {"in", "sent home, not in"}  # the helper looks for probe1
        async with visitor.get(f"{crm.url}/home") as answer:
            assert f'id="user">{name}<' in await answer.text()


async def test_passwords_and_key_are_new_in_each_sandbox() -> None:
    one, other = SandboxCrm("127.0.0.1", 0, 0), SandboxCrm("127.0.0.1", 0, 0)
    assert set(one.accounts) == set(other.accounts) == {"probe1", "probe2"}
    made = [*one.accounts.values(), *other.accounts.values(), one.api_token, other.api_token]
    assert len(set(made)) == len(made)


async def test_the_api_wants_its_key_and_a_sensible_limit(
    crm: SandboxCrm, visitor: aiohttp.ClientSession
) -> None:
    url, key = f"{crm.url}/api/contacts", {"X-Api-Key": crm.api_token}
    assert await _get(visitor, url, {}) == "401"
    assert await _get(visitor, url, {"X-Api-Key": "guessed"}) == "401"
    assert await _get(visitor, f"{url}?limit=0", key) == "400"
    assert await _get(visitor, f"{url}?limit=many", key) == "400"
    async with visitor.get(f"{url}?limit=2", headers=key) as answer:
        assert len((await answer.json())["contacts"]) == 2


async def test_sessions_of_many_looks_do_not_pile_up(
    crm: SandboxCrm, visitor: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uptimed.demo.site._SESSIONS", 3)
    for _ in range(5):
        visitor.cookie_jar.clear()
        assert await _status(visitor, f"{crm.url}/login") == 200
    assert len(crm._site._sessions) == 3
    assert await sign_in(visitor, crm) == "in"


async def test_a_taken_port_is_told_and_leaves_nothing_open(crm: SandboxCrm) -> None:
    second = SandboxCrm("127.0.0.1", 0, crm.control_port)
    with pytest.raises(OSError, match="address already in use"):
        await second.__aenter__()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", second.port)


# The switches' page.


async def test_the_page_of_switches_has_a_button_for_each(
    crm: SandboxCrm, visitor: aiohttp.ClientSession
) -> None:
    await crm.turn(Switch.LOCKED, on=True)
    async with visitor.get(f"{crm.control_url}/") as answer:
        text = await answer.text()
    actions = re.findall(r'action="(.*?)"', text)
    assert actions == [f"/switches/{s}/{'off' if s == 'locked' else 'on'}" for s in Switch]
    assert all(DOES[switch] in text for switch in Switch)


async def test_switches_are_turned_by_a_post_and_told_as_json(
    crm: SandboxCrm, visitor: aiohttp.ClientSession
) -> None:
    async with visitor.get(f"{crm.control_url}/switches.json") as answer:
        assert await answer.json() == dict.fromkeys(Switch, False)
    for turn, on in (("on", True), ("off", False)):
        async with visitor.post(f"{crm.control_url}/switches/database/{turn}") as answer:
            assert answer.url.path == "/switches"
        async with visitor.get(f"{crm.control_url}/switches.json") as answer:
            assert (await answer.json())["database"] is on


@pytest.mark.parametrize("path", ["switches/coffee/on", "switches/slow/maybe", "nowhere"])
async def test_what_is_no_switch_is_not_found(
    path: str, crm: SandboxCrm, visitor: aiohttp.ClientSession
) -> None:
    async with visitor.post(f"{crm.control_url}/{path}") as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://elsewhere.example"}, {"Origin": "null"}, {"Host": "pointed-here.example"}],
    ids=["another site", "a page without an origin", "a name pointed to this machine"],
)
async def test_no_other_site_turns_a_switch(
    headers: dict[str, str], crm: SandboxCrm, visitor: aiohttp.ClientSession
) -> None:
    url = f"{crm.control_url}/switches/stopped/on"
    async with visitor.post(url, headers=headers) as answer:
        assert answer.status == 403
    assert not crm.switches[Switch.STOPPED]


async def test_a_port_that_somebody_took_meanwhile_is_told(
    crm: SandboxCrm, visitor: aiohttp.ClientSession
) -> None:
    await crm.turn(Switch.STOPPED, on=True)
    thief = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", crm.port)
    async with visitor.post(f"{crm.control_url}/switches/stopped/off") as answer:
        assert (answer.status, crm.switches[Switch.STOPPED]) == (503, True)
    thief.close()
    await thief.wait_closed()
    await crm.turn(Switch.STOPPED, on=False)
    assert await look_around(visitor, crm) == _WELL


# Another system's part.

_BY_QUERY = Dialect(
    front="/index.php",
    form="/index.php?module=Users&view=Login",
    sign_in="/index.php",
    home="/index.php?module=Home",
    sign_out="/index.php?module=Users&action=Logout",
    rejected_to="/index.php?module=Users&view=Login&error=login",
    username="user_name",
    password="user_password",
    csrf="",
    hidden={"module": "Users", "action": "Login"},
)


async def test_a_dialect_may_tell_its_pages_apart_by_query_and_reject_by_redirect(
    visitor: aiohttp.ClientSession,
) -> None:
    async with SandboxCrm("127.0.0.1", 0, 0, dialect=_BY_QUERY) as crm:
        assert await sign_in(visitor, crm, dialect=_BY_QUERY) == "in"
        said = await sign_in(visitor, crm, {"user_password": "wrong"}, dialect=_BY_QUERY)
        assert said == f"200 {_BY_QUERY.rejected}"
        said = await sign_in(visitor, crm, {"action": "Other"}, dialect=_BY_QUERY)
        assert said == "400"
