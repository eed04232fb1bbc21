"""Addresses, names, errors of the system, and what is masked."""

import asyncio
import base64
import errno
import socket
import threading

import pytest

from probes.masking import mask_of
from probes.net import (
    Failure,
    Resolver,
    failure_of,
    has_route,
    is_link_local,
    is_public,
    one_line,
)
from tests.probes.conftest import FakeResolver
from uptimed.core.observations import OURS, Cause
from uptimed.core.targets import IpFamily


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True), ("2606:2800:220:1::1", True), ("::ffff:93.184.215.14", True),
        ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.0.1", False), ("127.0.0.1", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False),
        ("224.0.0.1", False), ("255.255.255.255", False), ("240.0.0.1", False),
        ("::1", False), ("::", False), ("fe80::1", False), ("fe80::1%eth0", False),
        ("fd00:ec2::254", False), ("fec0::1", False), ("ff02::1", False),
        ("::ffff:10.0.0.1", False), ("::ffff:7f00:1", False), ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False), ("not an address", False),
    ],
)  # fmt: skip
def test_addresses_of_the_public_internet(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "fd00:ec2::254", "::ffff:169.254.0.1"]
)
def test_addresses_of_the_link(address: str) -> None:
    assert is_link_local(address)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError(errno.ECONNREFUSED, "x"), Cause.REFUSED),
        (OSError(errno.EHOSTUNREACH, "x"), Cause.UNREACHABLE),
        (OSError(errno.ETIMEDOUT, "x"), Cause.CONNECT_TIMEOUT),
        (OSError(errno.ECONNRESET, "x"), Cause.RESET),
        (ConnectionResetError(), Cause.RESET),
        (OSError(errno.EADDRNOTAVAIL, "x"), Cause.LOCAL_ADDRESS),
        (OSError(errno.EMFILE, "x"), Cause.LOCAL_RESOURCES),
        (OSError("Multiple exceptions: [Errno 101] a, [Errno 111] b"), Cause.REFUSED),
        (OSError("who knows"), Cause.UNREACHABLE),
    ],
    ids=str,
)
def test_errors_of_sockets_have_a_cause(error: OSError, cause: Cause) -> None:
    assert failure_of(error, "192.0.2.1:80").cause is cause


def test_a_network_that_this_machine_has_no_route_to_is_our_trouble() -> None:
    error = OSError(errno.ENETUNREACH, "Network is unreachable")

    assert has_route("127.0.0.1")
    assert failure_of(error, "x", ["127.0.0.1"]).cause is Cause.UNREACHABLE
    assert not has_route("::ffff:0:0:1%nowhere")
    assert failure_of(error, "x", ["::ffff:0:0:1%nowhere"]).cause in OURS


def test_a_detail_is_one_short_line() -> None:
    assert one_line("a\r\nb\x00c\x1b[31m  d") == "a b c [31m d"
    assert len(one_line("x" * 10_000)) == 200


async def test_the_system_knows_localhost() -> None:
    resolver = Resolver()
    try:
        assert "127.0.0.1" in await resolver.addresses("localhost", IpFamily.IPV4)
    finally:
        resolver.close()


async def test_what_cannot_be_a_name_does_not_exist() -> None:
    resolver = Resolver()
    try:
        with pytest.raises(Failure) as failed:
            await resolver.addresses("a" * 64 + ".example", IpFamily.ANY)
    finally:
        resolver.close()
    assert failed.value.cause is Cause.DNS_NO_NAME


async def test_looks_at_one_name_share_one_question() -> None:
    answer, asked = threading.Event(), []

    class SlowResolver(Resolver):
        def _look_up(self, key: tuple[str, IpFamily]) -> list[str] | OSError:  # type: ignore[explicit-override]
            asked.append(key)
            answer.wait(5)
            return ["192.0.2.1"]

    resolver = SlowResolver()
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(resolver.addresses("a", IpFamily.ANY)) for _ in range(5)]
            impatient = group.create_task(resolver.addresses("a", IpFamily.ANY))
            group.create_task(_cancel_then(impatient, answer))
    finally:
        resolver.close()

    assert [task.result() for task in tasks] == [["192.0.2.1"]] * 5
    assert asked == [("a", IpFamily.ANY)]


async def _cancel_then(task: asyncio.Task[list[str]], answer: threading.Event) -> None:
    task.cancel()
    await asyncio.wait([task])
    answer.set()


async def test_the_resolver_is_broken_where_the_system_says_so() -> None:
    resolver = FakeResolver({"x": socket.gaierror(socket.EAI_MEMORY, "Memory allocation failure")})
    with pytest.raises(Failure) as failed:
        await resolver.addresses("x", IpFamily.ANY)

    assert failed.value.cause is Cause.LOCAL_DNS


def test_a_secret_is_masked_in_every_form_that_it_may_take() -> None:
    secret = 'pa ss/wo"rd&1'
    mask = mask_of([f"Bearer {secret}"])
    forms = [
        secret, f"Bearer {secret}", "pa%20ss%2Fwo%22rd%261", "pa+ss%2Fwo%22rd%261",
        "pa ss/wo&quot;rd&amp;1", 'pa ss\\/wo\\"rd&1', base64.b64encode(secret.encode()).decode(),
    ]  # fmt: skip

    for form in forms:
        assert mask(f"before {form} after") == "before *** after"


def test_what_basic_authentication_encodes_is_masked_too() -> None:
    pair = base64.b64encode(b"probe1:hunter22").decode()
    mask = mask_of([f"Basic {pair}"])

    assert mask(f"{pair} probe1:hunter22 hunter22") == "*** *** ***"


def test_nothing_is_masked_where_there_is_no_secret() -> None:
    assert mask_of([])("as it is") == "as it is"
    assert mask_of(["ab"])("cabbage") == "cabbage"
