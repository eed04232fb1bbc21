"""The personalities as a visitor meets them: on a stage, with switches, without a login flow."""

import asyncio
from contextlib import suppress
from itertools import pairwise

import aiohttp
import pytest

from uptimed.demo.personalities import DATACRM_PREFIX, PERSONALITIES, Person, people
from uptimed.demo.personalities.playing import EVERY
from uptimed.demo.personalities.suitecrm8 import SuiteCrm8
from uptimed.demo.personalities.vtiger import Vtiger
from uptimed.demo.stage import Stage

_NAMES = pytest.mark.parametrize("name", sorted(PERSONALITIES))


@_NAMES
async def test_each_has_its_switches_on_a_page(name: str, visitor: aiohttp.ClientSession) -> None:
    play = PERSONALITIES[name]()
    async with Stage("127.0.0.1", 0, 0, play=play) as stage:
        async with visitor.get(f"{stage.control_url}/") as answer:
            text = await answer.text()
        assert play.title in text
        assert "stopped" in play.board.state
        for switch in play.board.state:
            assert f'action="/switches/{switch}/on"' in text
            async with visitor.post(f"{stage.control_url}/switches/{switch}/on") as answer:
                assert answer.status == 200
            await stage.turn(switch, on=False)


@_NAMES
async def test_each_can_be_stopped_and_comes_back(name: str) -> None:
    async with Stage("127.0.0.1", 0, 0, play=PERSONALITIES[name]()) as stage:
        await stage.turn("stopped", on=True)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", stage.port)
        await stage.turn("stopped", on=False)
        _, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.close()
        await writer.wait_closed()


@_NAMES
def test_a_fault_names_calls_that_there_are(name: str) -> None:
    play = PERSONALITIES[name]()
    known = {call.id for call in play.calls()} | {EVERY}
    for fault_name, fault in play.faults.items():
        assert set(fault.answers) <= known, fault_name
        assert fault.does.endswith("."), fault_name


async def test_an_unknown_switch_is_told() -> None:
    async with Stage("127.0.0.1", 0, 0, play=PERSONALITIES["vtiger"]()) as stage:
        with pytest.raises(KeyError):
            await stage.turn("coffee", on=True)


async def test_what_is_not_there_is_not_found(visitor: aiohttp.ClientSession) -> None:
    async with Stage("127.0.0.1", 0, 0, play=PERSONALITIES["datacrm"]()) as stage:
        for path, status in (("/index.php", 404), (f"{DATACRM_PREFIX}/index.php", 200)):
            async with visitor.get(stage.url + path) as answer:
                assert answer.status == status


async def test_connections_that_hung_are_dropped_when_the_switch_is_turned_off() -> None:
    async with Stage("127.0.0.1", 0, 0, play=PERSONALITIES["vtiger"]()) as stage:
        await stage.turn("database_hangs", on=True)
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(b"GET /index.php HTTP/1.1\r\nHost: crm.example\r\n\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.read(1)
        await stage.turn("database_hangs", on=False)
        with suppress(ConnectionResetError):
            assert await reader.read(1) == b""
        writer.close()


def test_nobodys_secrets_are_shown_and_everybodys_are_new() -> None:
    one, other = people("probe1", "probe2")
    assert repr(one) == "Person(username='probe1')"
    secrets = [s for p in (one, other, *people("probe1")) for s in (p.password, p.key, p.secret)]
    assert len(set(secrets)) == len(secrets)


async def test_vtiger_warns_in_its_token_when_sessions_are_not_kept(
    visitor: aiohttp.ClientSession,
) -> None:
    async with Stage("127.0.0.1", 0, 0, play=Vtiger()) as stage:
        for fault, kept in ((False, "sid:"), (True, "cookie:")):
            await stage.turn("session_dir_gone", on=fault)
            async with visitor.get(f"{stage.url}/index.php") as answer:
                assert f'name="__vtrftk" value="{kept}' in await answer.text()


async def test_suitecrm_8_hands_out_another_token_each_time_and_takes_the_last_alone(
    visitor: aiohttp.ClientSession,
) -> None:
    person = Person(username="probe1", password="it is", key="", secret="")
    async with Stage("127.0.0.1", 0, 0, play=SuiteCrm8([person])) as stage:
        tokens: list[str] = []
        for _ in range(3):
            async with visitor.get(f"{stage.url}/") as answer:
                tokens.append(answer.cookies["XSRF-TOKEN"].value)
        assert all(one != other for one, other in pairwise(tokens))
        for token, status in ((tokens[0], 401), (tokens[-1], 200)):
            sent = {"username": "probe1", "password": "it is"}
            headers = {"X-XSRF-TOKEN": token}
            async with visitor.post(f"{stage.url}/login", json=sent, headers=headers) as answer:
                assert answer.status == status
                assert answer.content_type == ("text/html" if status == 200 else "application/json")


async def test_suitecrm_8_answers_its_graphql_by_who_asks(visitor: aiohttp.ClientSession) -> None:
    async with Stage("127.0.0.1", 0, 0, play=SuiteCrm8()) as stage:
        url = f"{stage.url}/api/graphql"
        records = {"query": 'query { getRecordList: recordList(module: "accounts") { id } }'}
        async with visitor.post(url, json=records) as answer:
            assert (answer.status, answer.content_type) == (403, "application/problem+json")
        async with visitor.get(f"{stage.url}/") as answer:
            headers = {"X-XSRF-TOKEN": answer.cookies["XSRF-TOKEN"].value}
        async with visitor.post(url, json=records, headers=headers) as answer:
            assert (await answer.json())["errors"][0]["message"] == "Access Denied."
        config = {"query": 'query { systemConfig(id: "x") { id } }'}
        async with visitor.post(url, json=config, headers=headers) as answer:
            assert "systemConfig" in (await answer.json())["data"]
