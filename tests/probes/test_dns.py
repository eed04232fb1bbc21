"""DNS queries, answered by a server of our own on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import dns.message
import dns.rcode
import dns.rrset
import pytest

from probes.dns import DnsProbe, _server
from tests.probes import servers
from tests.probes.conftest import settings_of
from uptimed.core.judging import judge
from uptimed.core.observations import Answer, Cause, Instant, NoAnswer, Observation, Outcome
from uptimed.core.targets import DnsTarget, Expectation

Reply = Callable[[dns.message.Message], bytes | None]


class _Server(asyncio.DatagramProtocol):
    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # type: ignore[explicit-override]
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # type: ignore[explicit-override]
        assert self.transport is not None
        answer = self.reply(dns.message.from_wire(data))
        if answer is not None:
            self.transport.sendto(answer, addr)


@asynccontextmanager
async def name_server(reply: Reply) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Server(reply), local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


def with_records(*records: str) -> Reply:
    """Answer with lines of a zone file: `name ttl IN type data`."""

    def reply(query: dns.message.Message) -> bytes:
        answer = dns.message.make_response(query)
        for record in records:
            name, ttl, _, kind, data = record.split(" ", 4)
            answer.answer.append(dns.rrset.from_text(name, int(ttl), "IN", kind, data))
        return answer.to_wire()

    return reply


def with_code(code: dns.rcode.Rcode) -> Reply:
    def reply(query: dns.message.Message) -> bytes:
        answer = dns.message.make_response(query)
        answer.set_rcode(code)
        return answer.to_wire()

    return reply


async def ask(reply: Reply, record: str = "A") -> tuple[Observation, DnsTarget]:
    async with name_server(reply) as port:
        target = DnsTarget(name="crm.example", record=record, server=f"127.0.0.1:{port}")
        return await DnsProbe()(settings_of(target)), target


def cause_of(seen: Observation) -> Cause:
    assert isinstance(seen.outcome, NoAnswer), seen
    return seen.outcome.cause


async def test_records_come_as_texts_through_aliases() -> None:
    seen, target = await ask(
        with_records("crm.example. 60 IN CNAME eu.example.", "eu.example. 60 IN A 192.0.2.7")
    )

    assert isinstance(seen.outcome, Answer)
    assert seen.outcome.records == ("192.0.2.7",)
    for wanted, outcome in (("192.0.2.7", Outcome.PASS), ("192.0.2.8", Outcome.FAIL)):
        settings = settings_of(target, Expectation(records=(wanted,)))
        assert judge(seen, settings, now=Instant(0)).outcome is outcome


async def test_texts_and_names_are_compared_as_one_writes_them() -> None:
    text, text_target = await ask(with_records('crm.example. 60 IN TXT "v=spf1" " -all"'), "TXT")
    mail, mail_target = await ask(with_records("crm.example. 60 IN MX 10 Mail.example."), "MX")

    wanted = settings_of(text_target, Expectation(records=("v=spf1 -all",)))
    assert judge(text, wanted, now=Instant(0)).outcome is Outcome.PASS
    wanted = settings_of(mail_target, Expectation(records=("10 mail.example",)))
    assert judge(mail, wanted, now=Instant(0)).outcome is Outcome.PASS


async def test_no_record_of_the_wanted_kind_fails() -> None:
    seen, target = await ask(with_records(), "AAAA")
    reading = judge(seen, settings_of(target), now=Instant(0))

    assert (reading.cause, reading.detail) == (Cause.RECORD, "no AAAA record")


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        pytest.param(with_code(dns.rcode.NXDOMAIN), Cause.DNS_NO_NAME, id="no such name"),
        pytest.param(with_code(dns.rcode.SERVFAIL), Cause.DNS_FAILED, id="failed"),
        pytest.param(with_code(dns.rcode.REFUSED), Cause.DNS_FAILED, id="refused"),
        pytest.param(lambda _: None, Cause.READ_TIMEOUT, id="silent"),
        pytest.param(lambda query: query.to_wire()[:2] + b"\xff" * 9, Cause.PROTOCOL, id="garbage"),
    ],
)
async def test_what_is_no_answer_has_a_cause(reply: Reply, cause: Cause) -> None:
    seen, _ = await ask(reply)

    assert cause_of(seen) is cause


async def test_a_server_that_is_not_there_is_silent() -> None:
    with servers.closed_port() as port:
        target = DnsTarget(name="crm.example", server="127.0.0.1", port=port)
        assert cause_of(await DnsProbe()(settings_of(target))) is Cause.READ_TIMEOUT


async def test_a_name_that_cannot_be_asked_for() -> None:
    target = DnsTarget(name="a" * 64 + ".example", server="127.0.0.1")

    assert cause_of(await DnsProbe()(settings_of(target))) is Cause.DNS_NO_NAME


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
    ],
)
def test_a_server_may_carry_its_port(text: str, server: tuple[str, int]) -> None:
    assert _server(text, 53) == server
