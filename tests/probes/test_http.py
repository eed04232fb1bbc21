"""One test a cause, on real sockets: each attempt ends in time and in little memory."""

import asyncio
import gzip
import resource
import ssl
import threading
import zlib
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import trustme

from probes.http import HttpProbe
from tests.fakes import FakeSecrets
from tests.probes import servers
from tests.probes.conftest import CANARY, TIMEOUT_US, ContextOf, FakeResolver
from tests.probes.conftest import settings_of as settings
from tests.probes.servers import response, serving
from uptimed.core.judging import evidence_of
from uptimed.core.observations import Answer, Cause, NoAnswer, Observation, Phase
from uptimed.core.targets import (
    Expectation,
    HttpTarget,
    IpFamily,
    Secret,
    SecretPlace,
    TlsOptions,
)

Look = Callable[..., Coroutine[Any, Any, Observation]]
API_KEY = Secret(SecretPlace.ENV, "API_KEY")
ANYWHERE = {"follow": "any"}


@pytest.fixture
def look(http_probe: HttpProbe) -> Look:
    """Look at a path of a port of loopback, or at a whole URL."""

    async def at(
        where: int | str,
        path: str = "/",
        *,
        statuses: tuple[tuple[int, int], ...] = ((200, 299),),
        timeout_us: int = TIMEOUT_US,
        **target: Any,
    ) -> Observation:
        url = where if isinstance(where, str) else f"http://127.0.0.1:{where}{path}"
        return await http_probe(
            settings(HttpTarget(url=url, **target), Expectation(statuses=statuses), timeout_us)
        )

    return at


def answer_of(observation: Observation) -> Answer:
    assert isinstance(observation.outcome, Answer), observation
    return observation.outcome


def cause_of(observation: Observation) -> Cause:
    assert isinstance(observation.outcome, NoAnswer), observation
    assert "\n" not in observation.outcome.detail
    return observation.outcome.cause


def detail_of(observation: Observation) -> str:
    assert isinstance(observation.outcome, NoAnswer), observation
    return observation.outcome.detail


# ---- answers


async def test_an_answer_comes_with_status_headers_body_phases_and_address(look: Look) -> None:
    page = response("café".encode(), Content_Type="text/html; charset=utf-8", Server="s", X_No="x")
    async with serving(servers.answering(page)) as port:
        seen = await look(port)

    answer = answer_of(seen)
    assert (answer.status, answer.body, answer.body_bytes) == (200, "café", 5)
    assert answer.headers == {
        "Content-Type": "text/html; charset=utf-8", "Content-Length": "5", "Server": "s",
    }  # fmt: skip
    assert answer.trusted
    assert seen.address == f"127.0.0.1:{port}"
    assert list(seen.phases) == [Phase.CONNECT, Phase.FIRST_BYTE, Phase.TRANSFER]
    assert sum(seen.phases.values()) <= seen.took_us


async def test_https_times_tls_and_keeps_the_certificate(
    look: Look, server_context: ContextOf, trusting: TlsOptions
) -> None:
    async with serving(servers.answering(response(b"hello")), context=server_context()) as port:
        seen = await look(f"https://localhost:{port}/", tls=trusting, timeout_us=2_000_000)

    assert answer_of(seen).trusted
    assert list(seen.phases) == [
        Phase.DNS, Phase.CONNECT, Phase.TLS, Phase.FIRST_BYTE, Phase.TRANSFER,
    ]  # fmt: skip
    assert seen.certificate is not None
    assert seen.certificate.subject == "the front door"
    assert seen.certificate.not_after > seen.certificate.not_before


async def test_the_request_is_what_was_configured_and_names_the_monitor(look: Look) -> None:
    heard: list[bytes] = []

    async def listening(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        heard.append(await reader.readexactly(2))
        writer.write(response())
        await servers.finish(writer)

    async with serving(listening) as port:
        await look(
            port, "/a?b=%26", method="POST", body="hi", headers={"X-One": "1"},
            header_secrets={"X-Api-Key": API_KEY},
        )  # fmt: skip

    head = heard[0].decode()
    assert head.startswith("POST /a?b=%26 HTTP/1.1\r\n")
    for line in ("X-One: 1", f"X-Api-Key: {CANARY}", "User-Agent: uptimed/test"):
        assert f"\r\n{line}\r\n" in head
    assert "Referer" not in head
    assert heard[1] == b"hi"


async def test_an_unverified_answer_is_not_certainly_the_targets(
    look: Look, server_context: ContextOf
) -> None:
    async with serving(servers.answering(response()), context=server_context()) as port:
        seen = await look(
            f"https://127.0.0.1:{port}/", tls=TlsOptions(verify=False), timeout_us=2_000_000
        )

    assert not answer_of(seen).trusted
    assert seen.certificate is not None


@pytest.mark.parametrize(
    ("coding", "code"),
    [
        pytest.param("gzip", gzip.compress, id="gzip"),
        pytest.param("gzip", lambda b: gzip.compress(b[:3]) + gzip.compress(b[3:]), id="two files"),
        pytest.param("deflate", zlib.compress, id="zlib"),
        pytest.param("deflate", lambda b: zlib.compress(b)[2:-4], id="raw deflate"),
        pytest.param("identity", bytes, id="identity"),
    ],
)
async def test_content_codings_are_undone(
    look: Look, coding: str, code: Callable[[bytes], bytes]
) -> None:
    page = response(code(b"Login to the system"), Content_Encoding=coding)
    async with serving(servers.answering(page)) as port:
        assert answer_of(await look(port)).body == "Login to the system"


@pytest.mark.parametrize("charset", ["nonsense", "base64", "idna", '"utf-8"'])
async def test_an_odd_charset_does_not_hide_the_text(look: Look, charset: str) -> None:
    page = response(b"Login \xff", Content_Type=f"text/html; charset={charset}")
    async with serving(servers.answering(page)) as port:
        assert answer_of(await look(port)).body.startswith("Login ")


# ---- limits


async def test_an_endless_body_is_cut_off(look: Look) -> None:
    async with serving(servers.endless_body) as port:
        answer = answer_of(await look(port, body_limit=100_000, timeout_us=5_000_000))

    assert (answer.body_bytes, answer.body_cut) == (100_000, True)


async def test_a_body_of_exactly_the_limit_is_whole(look: Look) -> None:
    async with serving(servers.answering(response(b"x" * 1000))) as port:
        answer = answer_of(await look(port, body_limit=1000))

    assert (answer.body_bytes, answer.body_cut) == (1000, False)


async def test_a_gzip_bomb_is_found_out_in_little_memory(look: Look) -> None:
    raw = servers.bomb(100_000_000)
    async with serving(servers.answering(raw)) as port:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seen = await look(port, timeout_us=5_000_000)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert cause_of(seen) is Cause.BODY_CODING
    assert detail_of(seen).endswith("a bomb")
    assert after - before < 20_000  # KiB


async def test_a_page_that_shrinks_well_is_no_bomb(look: Look) -> None:
    rows = "".join(f"<tr><td>{n}</td><td>open</td></tr>" for n in range(20_000)).encode()
    page = response(gzip.compress(rows), Content_Encoding="gzip")
    async with serving(servers.answering(page)) as port:
        assert answer_of(await look(port)).body_cut


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd", "gzip, gzip"])
async def test_a_coding_that_cannot_be_undone_is_named(look: Look, coding: str) -> None:
    page = response(b"\xffnot what it says", Content_Encoding=coding)
    async with serving(servers.answering(page)) as port:
        assert cause_of(await look(port)) is Cause.BODY_CODING


# ---- nothing in time


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(servers.hanging, id="hanging"),
        pytest.param(servers.dripping, id="a byte at a time"),
        pytest.param(servers.slow_headers, id="slow headers"),
    ],
)
async def test_whoever_is_too_slow_has_not_answered(look: Look, talk: servers.Talk) -> None:
    async with serving(talk) as port:
        seen = await look(port)

    assert cause_of(seen) is Cause.READ_TIMEOUT
    assert "within 0.3 s" in detail_of(seen)
    # uvloop's timers are whole milliseconds; a busy machine is late.
    assert TIMEOUT_US * 98 // 100 <= seen.took_us < 20 * TIMEOUT_US


async def test_a_head_without_end_is_not_http(look: Look) -> None:
    async with serving(servers.endless_header) as port:
        assert cause_of(await look(port, timeout_us=5_000_000)) is Cause.PROTOCOL


async def test_whoever_does_not_let_us_in_in_time(look: Look) -> None:
    with servers.full_backlog() as port:
        seen = await look(port)

    assert cause_of(seen) is Cause.CONNECT_TIMEOUT
    assert seen.address == f"127.0.0.1:{port}"


async def test_tls_that_is_not_established_in_time(look: Look, trusting: TlsOptions) -> None:
    async with serving(servers.hanging) as port:
        seen = await look(f"https://127.0.0.1:{port}/", tls=trusting)

    assert cause_of(seen) is Cause.TLS_FAILED
    assert Phase.TLS in seen.phases


# ---- connections that break


async def test_nobody_listens(look: Look) -> None:
    with servers.closed_port() as port:
        seen = await look(port)

    assert cause_of(seen) is Cause.REFUSED
    assert detail_of(seen) == f"127.0.0.1:{port}: connection refused"


async def test_of_two_addresses_the_one_that_answers_is_taken(
    look: Look, resolver: FakeResolver
) -> None:
    resolver.names["two.example"] = ["127.0.0.2", "127.0.0.1"]
    async with serving(servers.answering(response(b"here"))) as port:
        seen = await look(f"http://two.example:{port}/")

    assert answer_of(seen).body == "here"
    assert seen.address == f"127.0.0.1:{port}"


async def test_of_two_addresses_both_refuse(look: Look, resolver: FakeResolver) -> None:
    resolver.names["two.example"] = ["127.0.0.2", "127.0.0.1"]
    with servers.closed_port() as port:
        assert cause_of(await look(f"http://two.example:{port}/")) is Cause.REFUSED


async def test_a_reset_in_the_middle(look: Look) -> None:
    async with serving(servers.resetting) as port:
        assert cause_of(await look(port)) is Cause.RESET


async def test_a_body_that_ends_early(look: Look) -> None:
    page = response(b"half", Content_Length="8")
    async with serving(servers.answering(page)) as port:
        assert cause_of(await look(port)) is Cause.RESET


async def test_a_connection_closed_without_an_answer_is_not_tried_again(look: Look) -> None:
    connections: list[int] = []

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        await servers.closing(reader, writer)

    async with serving(counting) as port:
        assert cause_of(await look(port)) is Cause.RESET
    assert len(connections) == 1


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="no status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", id="no header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="no chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n", id="no length"),
    ],
)
async def test_bytes_that_are_not_http(look: Look, raw: bytes) -> None:
    async with serving(servers.answering(raw)) as port:
        assert cause_of(await look(port)) is Cause.PROTOCOL


# ---- TLS


async def test_a_certificate_of_another_name(
    look: Look, server_context: ContextOf, trusting: TlsOptions
) -> None:
    async with serving(servers.hanging, context=server_context("other.example")) as port:
        seen = await look(f"https://localhost:{port}/", tls=trusting, timeout_us=2_000_000)

    assert cause_of(seen) is Cause.TLS_NAME
    assert "not for localhost" in detail_of(seen)


async def test_the_configured_server_name_is_the_one_that_counts(
    look: Look, server_context: ContextOf, ca_file: str
) -> None:
    options = TlsOptions(ca_file=ca_file, server_name="other.example")
    context = server_context("other.example")
    async with serving(servers.answering(response()), context=context) as port:
        seen = await look(f"https://127.0.0.1:{port}/", tls=options, timeout_us=2_000_000)

    assert answer_of(seen).status == 200


async def test_an_expired_certificate_still_says_when(
    look: Look, server_context: ContextOf, trusting: TlsOptions
) -> None:
    async with serving(servers.hanging, context=server_context(expired=True)) as port:
        seen = await look(f"https://127.0.0.1:{port}/", tls=trusting, timeout_us=2_000_000)

    assert cause_of(seen) is Cause.TLS_EXPIRED
    assert seen.certificate is not None
    assert seen.certificate.subject == "the front door"


async def test_a_certificate_that_nobody_trusts_still_says_until_when(
    look: Look, server_context: ContextOf, trusting: TlsOptions
) -> None:
    stranger = trustme.CA(key_type=trustme.KeyType.ECDSA)
    async with serving(servers.hanging, context=server_context(issuer=stranger)) as port:
        seen = await look(f"https://127.0.0.1:{port}/", tls=trusting, timeout_us=2_000_000)

    assert cause_of(seen) is Cause.TLS_UNTRUSTED
    assert seen.certificate is not None


async def test_https_to_a_port_that_speaks_plain_http(look: Look, trusting: TlsOptions) -> None:
    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b"plain", "400 Bad Request"))
        await servers.finish(writer)

    async with serving(plain) as port:
        seen = await look(f"https://127.0.0.1:{port}/", tls=trusting, timeout_us=2_000_000)

    assert cause_of(seen) is Cause.TLS_FAILED


async def test_a_trust_store_that_cannot_be_read_is_our_fault(look: Look, tmp_path: Path) -> None:
    options = TlsOptions(ca_file=str(tmp_path / "none.pem"))

    assert cause_of(await look("https://127.0.0.1:1/", tls=options)) is Cause.LOCAL_TRUST


async def test_a_client_certificate_is_shown_where_one_is_wanted(
    look: Look, authority: trustme.CA, server_context: ContextOf, ca_file: str, tmp_path: Path
) -> None:
    context = server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    own = authority.issue_cert("monitor@uptimed.example", key_type=trustme.KeyType.ECDSA)
    both = tmp_path / "client.pem"
    own.private_key_and_cert_chain_pem.write_to_path(both)
    armed = TlsOptions(ca_file=ca_file, client_certificate=str(both))
    bare = TlsOptions(ca_file=ca_file)

    async with serving(servers.answering(response()), context=context) as port:
        url = f"https://127.0.0.1:{port}/"
        assert answer_of(await look(url, tls=armed, timeout_us=2_000_000)).status == 200
        assert cause_of(await look(url, tls=bare, timeout_us=2_000_000)) in {
            Cause.TLS_FAILED, Cause.RESET,  # whether the alert or the reset is seen first
        }  # fmt: skip


# ---- names


@pytest.mark.parametrize(
    ("host", "cause"),
    [
        ("nowhere.example", Cause.DNS_NO_NAME),
        ("six.example", Cause.DNS_NO_NAME),
        ("lame.example", Cause.DNS_FAILED),
        ("broken.example", Cause.LOCAL_DNS),
    ],
)
async def test_names_that_do_not_resolve_say_whose_fault_it_is(
    look: Look, host: str, cause: Cause
) -> None:
    seen = await look(f"http://{host}/")

    assert cause_of(seen) is cause
    assert list(seen.phases) == [Phase.DNS]


async def test_an_address_of_the_other_family_is_refused_before_anything_is_sent(
    look: Look,
) -> None:
    seen = await look("http://127.0.0.1:1/", family=IpFamily.IPV6)

    assert cause_of(seen) is Cause.DNS_NO_NAME
    assert detail_of(seen) == "127.0.0.1 is no IPv6 address"


class BusyResolver(FakeResolver):
    """Waits to be let go, and can only ask one question at a time."""

    def __init__(self, names: Mapping[str, list[str] | OSError]) -> None:
        super().__init__(names)
        self._threads = ThreadPoolExecutor(1)
        self.let_go = threading.Event()

    def _look_up(self, key: tuple[str, IpFamily]) -> list[str] | OSError:  # type: ignore[explicit-override]
        self._asked.add(key)
        self.let_go.wait(5)
        return super()._look_up(key)


async def test_servers_of_a_name_that_do_not_answer_are_told_from_lookups_that_waited() -> None:
    resolver = BusyResolver({})
    secrets = FakeSecrets({})
    try:
        async with (
            HttpProbe(secrets=secrets, resolver=resolver, user_agent="uptimed/test") as probe,
            asyncio.TaskGroup() as group,
        ):
            first = group.create_task(probe(settings(HttpTarget(url="http://one.example/"))))
            second = group.create_task(probe(settings(HttpTarget(url="http://two.example/"))))
    finally:
        resolver.let_go.set()
        resolver.close()

    assert cause_of(first.result()) is Cause.DNS_FAILED
    assert cause_of(second.result()) is Cause.LOCAL_DNS


async def test_the_sixth_version_works_as_the_fourth(look: Look) -> None:
    try:
        async with serving(servers.answering(response(b"six")), host="::1") as port:
            seen = await look(f"http://[::1]:{port}/", family=IpFamily.IPV6)
    except OSError:
        pytest.skip("no IPv6 on this machine")

    assert answer_of(seen).body == "six"
    assert seen.address == f"[::1]:{port}"


async def test_a_name_may_not_lead_to_the_metadata_service(look: Look) -> None:
    seen = await look("http://metadata.example/")

    assert cause_of(seen) is Cause.UNREACHABLE
    assert "link-local" in detail_of(seen)


# ---- redirects


async def test_a_redirect_of_the_same_origin_is_followed_with_its_cookie(look: Look) -> None:
    heard: list[bytes] = []

    async def front(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        to_login = response(status="302 Found", Location="/login", Set_Cookie="sid=1; Path=/")
        writer.write(response(b"Login") if b"GET /login" in heard[-1] else to_login)
        await servers.finish(writer)

    async with serving(front) as port:
        answer = answer_of(await look(port))

    assert (answer.body, answer.redirects) == ("Login", ("/login",))
    assert b"\r\nCookie: sid=1\r\n" in heard[1]


async def test_endless_redirects_end(look: Look) -> None:
    async with serving(servers.endless_redirects) as port:
        seen = await look(port, timeout_us=2_000_000)

    assert cause_of(seen) is Cause.REDIRECTS
    assert detail_of(seen).startswith("more than 5 redirects")


async def test_a_redirect_that_is_not_to_be_followed_is_the_answer(look: Look) -> None:
    async with serving(servers.endless_redirects) as port:
        answer = answer_of(await look(port, follow="none"))

    assert (answer.status, answer.location) == (302, "/x")


async def test_another_origin_is_refused(look: Look) -> None:
    page = response(status="301 Moved", Location="http://localhost/")
    async with serving(servers.answering(page)) as port:
        seen = await look(port)

    assert cause_of(seen) is Cause.REDIRECT_REFUSED
    assert "http://localhost/" in detail_of(seen)


async def test_another_origin_is_the_answer_where_the_redirect_itself_is_wanted(
    look: Look,
) -> None:
    page = response(status="301 Moved", Location="http://localhost/")
    async with serving(servers.answering(page)) as port:
        answer = answer_of(await look(port, statuses=((301, 301),)))

    assert (answer.status, answer.location) == (301, "http://localhost/")


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://10.0.0.1/",
        "http://192.168.1.1:8080/",
        "http://127.0.0.2/",
        "http://[::1]/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://metadata.example/",
        "http://inside.example/",
        "http://half.example/",
        "ftp://ftp.example/",
        "file:///etc/passwd",
    ],
)
async def test_a_redirect_may_not_lead_inside(look: Look, location: str) -> None:
    page = response(status="302 Found", Location=location)
    async with serving(servers.answering(page)) as port:
        assert cause_of(await look(port, **ANYWHERE)) is Cause.REDIRECT_REFUSED


async def test_a_secret_at_the_edge_of_a_detail_is_not_shown_by_half(look: Look) -> None:
    location = f"http://localhost/{'x' * 145}{CANARY}"
    page = response(status="301 Moved", Location=location)
    async with serving(servers.answering(page)) as port:
        seen = await look(port, header_secrets={"X-Api-Key": API_KEY})

    assert isinstance(seen.outcome, NoAnswer)
    assert "xxx***" in seen.outcome.detail
    assert CANARY[:3] not in seen.outcome.detail


@pytest.mark.parametrize("location", ["http://2130706433/", "http://0177.0.0.1/", "http://127.1/"])
async def test_odd_spellings_of_an_address_lead_nowhere(look: Look, location: str) -> None:
    page = response(status="302 Found", Location=location)
    async with serving(servers.answering(page)) as port:
        seen = await look(port, **ANYWHERE)

    assert cause_of(seen) in {Cause.REDIRECT_REFUSED, Cause.PROTOCOL}


async def test_a_name_is_resolved_once_for_a_whole_attempt(
    look: Look, resolver: FakeResolver
) -> None:
    async def rebinding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        resolver.names["crm.example"] = ["169.254.169.254"]
        await servers.pages({"/": response(status="302 Found", Location="/in"),
                             "/in": response(b"Login")})(reader, writer)  # fmt: skip

    resolver.names["crm.example"] = ["127.0.0.1"]
    async with serving(rebinding) as port:
        assert answer_of(await look(f"http://crm.example:{port}/")).body == "Login"


async def test_nothing_that_was_configured_goes_to_another_origin(
    look: Look, resolver: FakeResolver
) -> None:
    heard: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(response(b"elsewhere"))
        await servers.finish(writer)

    async with serving(elsewhere) as other:
        page = response(
            status="302 Found", Location=f"http://me:too@127.0.0.1:{other}/", Set_Cookie="sid=1"
        )
        async with serving(servers.answering(page)) as port:
            seen = await look(
                f"http://localhost:{port}/", headers={"X-One": "1"},
                header_secrets={"Authorization": API_KEY}, **ANYWHERE,
            )  # fmt: skip

    assert answer_of(seen).body == "elsewhere"
    for kept_back in (b"X-One", b"Authorization", b"Cookie", CANARY.encode()):
        assert kept_back not in heard[0]


# ---- proxies


async def test_an_answer_by_way_of_a_proxy_is_not_certainly_the_targets(look: Look) -> None:
    async with serving(servers.http_proxy()) as proxy:
        answer = answer_of(await look("http://crm.example/", proxy=f"http://127.0.0.1:{proxy}"))

    assert answer.body == "Login, by way of a proxy"
    assert not answer.trusted


async def test_verified_tls_through_a_proxy_is_the_targets_own(
    look: Look, server_context: ContextOf, trusting: TlsOptions
) -> None:
    async with (
        serving(servers.answering(response(b"Login")), context=server_context()) as port,
        serving(servers.http_proxy()) as proxy,
    ):
        seen = await look(
            f"https://127.0.0.1:{port}/", proxy=f"http://127.0.0.1:{proxy}", tls=trusting,
            timeout_us=2_000_000,
        )  # fmt: skip

    assert answer_of(seen).trusted
    assert seen.certificate is not None


async def test_a_proxy_that_refuses_is_named(look: Look, trusting: TlsOptions) -> None:
    async with serving(servers.http_proxy(allow=False)) as proxy:
        seen = await look(
            "https://127.0.0.1:1/", proxy=f"http://127.0.0.1:{proxy}", tls=trusting,
            timeout_us=2_000_000,
        )  # fmt: skip

    assert cause_of(seen) is Cause.PROXY_FAILED
    assert "407" in detail_of(seen)


async def test_a_proxy_that_is_not_there_is_named(look: Look) -> None:
    with servers.closed_port() as proxy:
        seen = await look("http://crm.example/", proxy=f"http://127.0.0.1:{proxy}")

    assert cause_of(seen) is Cause.PROXY_FAILED


# ---- secrets


@pytest.mark.parametrize("follow", ["none", "same_origin"])
@pytest.mark.parametrize("prefix", [b"", b"HTTP/1.1 200 OK\r\nX: " + CANARY.encode() + b"\x00\r\n"])
async def test_a_secret_is_in_no_observation_even_when_the_server_gives_it_back(
    http_probe: HttpProbe, prefix: bytes, follow: str
) -> None:
    async with serving(servers.echoing(prefix=prefix)) as port:
        target = HttpTarget(
            url=f"http://127.0.0.1:{port}/", header_secrets={"X-Api-Key": API_KEY}, follow=follow
        )
        seen = await http_probe(settings(target))
        evidence = evidence_of(seen, settings(target), lambda text: text)

    assert "canary" not in repr(seen)
    assert "canary" not in repr(evidence)
    if not prefix:
        assert "***" in answer_of(seen).body


async def test_a_cookie_of_the_target_is_not_kept(look: Look) -> None:
    page = response(b"x", Set_Cookie="sid=very-secret")
    async with serving(servers.answering(page)) as port:
        assert "very-secret" not in repr(await look(port))


async def test_a_secret_that_cannot_be_read_is_our_fault(resolver: FakeResolver) -> None:
    secrets = FakeSecrets({})
    target = HttpTarget(url="http://127.0.0.1:1/", header_secrets={"X-Api-Key": API_KEY})
    async with HttpProbe(secrets=secrets, resolver=resolver, user_agent="uptimed/test") as probe:
        seen = await probe(settings(target))

    assert cause_of(seen) is Cause.LOCAL_SECRET
    assert "API_KEY" in detail_of(seen)


# ---- many at once


async def test_looks_at_the_same_time_do_not_mix_their_facts(
    look: Look, server_context: ContextOf, trusting: TlsOptions
) -> None:
    async with (
        serving(servers.answering(response(b"tls")), context=server_context()) as secure,
        serving(servers.answering(response(b"plain"))) as plain,
        asyncio.TaskGroup() as group,
    ):
        secured = [
            group.create_task(
                look(f"https://127.0.0.1:{secure}/", tls=trusting, timeout_us=5_000_000)
            )
            for _ in range(20)
        ]
        plains = [group.create_task(look(plain, timeout_us=5_000_000)) for _ in range(20)]

    assert all(answer_of(t.result()).body == "tls" and t.result().certificate for t in secured)
    assert all(answer_of(t.result()).body == "plain" for t in plains)
    assert not any(t.result().certificate for t in plains)
    assert not any(Phase.TLS in t.result().phases for t in plains)
