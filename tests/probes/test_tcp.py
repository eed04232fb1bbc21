"""Bare TCP: the connection, and one exchange on it."""

import asyncio
from dataclasses import replace

import pytest

from probes.tcp import TcpProbe
from tests.probes import servers
from tests.probes.conftest import FakeResolver, settings_of
from tests.probes.servers import serving
from uptimed.core.judging import judge
from uptimed.core.observations import (
    Answer,
    Cause,
    Instant,
    NoAnswer,
    Observation,
    Outcome,
    Phase,
    Reading,
)
from uptimed.core.targets import IpFamily, TcpTarget


@pytest.fixture
def probe(resolver: FakeResolver) -> TcpProbe:
    return TcpProbe(resolver=resolver)


async def greeting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say who is there, and answer one word."""
    writer.write(b"220 mail.example ESMTP\r\n")
    if await reader.readline() == b"NOOP\r\n":
        writer.write(b"250 OK\r\n")
    await servers.finish(writer)


def judged(seen: Observation, target: TcpTarget) -> Reading:
    return judge(seen, settings_of(target), now=Instant(0))


def cause_of(seen: Observation) -> Cause:
    assert isinstance(seen.outcome, NoAnswer), seen
    return seen.outcome.cause


async def test_a_connection_is_enough_where_nothing_is_asked_for(probe: TcpProbe) -> None:
    async with serving(servers.hanging) as port:
        target = TcpTarget(host="localhost", port=port)
        seen = await probe(settings_of(target))

    assert judged(seen, target).outcome is Outcome.PASS
    assert seen.address == f"127.0.0.1:{port}"
    assert list(seen.phases)[:2] == [Phase.DNS, Phase.CONNECT]


async def test_an_exchange_is_over_when_the_wanted_text_has_come(probe: TcpProbe) -> None:
    async with serving(greeting) as port:
        target = TcpTarget(host="127.0.0.1", port=port, send="NOOP\r\n", expect="250 OK")
        seen = await probe(settings_of(target))

    assert isinstance(seen.outcome, Answer)
    assert seen.outcome.body == "220 mail.example ESMTP\r\n250 OK\r\n"
    assert judged(seen, target).outcome is Outcome.PASS


async def test_another_answer_fails_and_is_shown(probe: TcpProbe) -> None:
    async with serving(greeting) as port:
        target = TcpTarget(host="127.0.0.1", port=port, send="NO\r\n", expect="250 OK")
        reading = judged(await probe(settings_of(target)), target)

    assert reading.cause is Cause.BODY
    assert reading.detail == "answered '220 mail.example ESMTP', wanted '250 OK'"


@pytest.mark.parametrize("talk", [servers.hanging, servers.dripping], ids=["silent", "dripping"])
async def test_the_wanted_text_has_to_come_in_time(probe: TcpProbe, talk: servers.Talk) -> None:
    async with serving(talk) as port:
        target = TcpTarget(host="127.0.0.1", port=port, send="GET / HTTP/1.1\r\n\r\n", expect="y")
        assert cause_of(await probe(settings_of(target))) is Cause.READ_TIMEOUT


async def test_an_endless_answer_is_cut_off(probe: TcpProbe) -> None:
    async with serving(servers.endless_body) as port:
        target = TcpTarget(host="127.0.0.1", port=port, send="GET / HTTP/1.1\r\n\r\n", expect="y")
        seen = await probe(settings_of(target, timeout_us=5_000_000))

    assert isinstance(seen.outcome, Answer)
    assert seen.outcome.body_cut
    assert seen.outcome.body_bytes < 100_000


async def test_a_reset_is_told(probe: TcpProbe) -> None:
    async with serving(servers.resetting) as port:
        target = TcpTarget(host="127.0.0.1", port=port, send="GET / HTTP/1.1\r\n\r\n", expect="y")
        assert cause_of(await probe(settings_of(target))) is Cause.RESET


async def test_nobody_listens(probe: TcpProbe) -> None:
    with servers.closed_port() as port:
        seen = await probe(settings_of(TcpTarget(host="127.0.0.1", port=port)))

    assert cause_of(seen) is Cause.REFUSED


async def test_nobody_lets_us_in(probe: TcpProbe) -> None:
    with servers.full_backlog() as port:
        seen = await probe(settings_of(TcpTarget(host="127.0.0.1", port=port)))

    assert cause_of(seen) is Cause.CONNECT_TIMEOUT


async def test_the_next_address_is_tried(probe: TcpProbe, resolver: FakeResolver) -> None:
    resolver.names["two.example"] = ["127.0.0.2", "127.0.0.1"]
    async with serving(greeting) as port:
        seen = await probe(settings_of(TcpTarget(host="two.example", port=port)))

    assert isinstance(seen.outcome, Answer)
    assert seen.address == f"127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("host", "cause"),
    [("nowhere.example", Cause.DNS_NO_NAME), ("lame.example", Cause.DNS_FAILED)],
)
async def test_names_that_do_not_resolve(probe: TcpProbe, host: str, cause: Cause) -> None:
    target = TcpTarget(host=host, port=1)

    assert cause_of(await probe(settings_of(target))) is cause
    only_six = replace(target, host="127.0.0.1", family=IpFamily.IPV6)
    assert cause_of(await probe(settings_of(only_six))) is Cause.DNS_NO_NAME
