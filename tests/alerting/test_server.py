"""What each answer of an Alertmanager means, on real sockets."""

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import pytest
import trustme

from tests.alerting.double import Reply, alertmanager, answer, break_off, hang
from tests.alerting.making import PASSWORD, SECRET, VAULT, posting, terms
from tests.fakes import FakeClock, FakeSecrets, at
from tests.grafana.servers import free_port
from uptimed.alerting.posting import Posting
from uptimed.alerting.server import Answer, Means, Server, retry_after_us
from uptimed.core.observations import SECOND
from uptimed.core.settings import Alerting

ANSWERS = [
    pytest.param(answer(200), Means.THERE, "", id="taken"),
    pytest.param(answer(400, '"start time must be before end time"'), Means.REFUSED,
                 "status 400; start time must be before end time", id="refused"),
    pytest.param(answer(401), Means.MISTAKEN, "status 401; the credentials are wrong", id="401"),
    pytest.param(answer(403), Means.MISTAKEN, "status 403; these credentials may not", id="403"),
    pytest.param(answer(404, "404 page not found"), Means.MISTAKEN,
                 "status 404; this is not Alertmanager's API; see `urls`", id="404"),
    pytest.param(answer(410), Means.MISTAKEN, "status 410; this Alertmanager does not", id="410"),
    pytest.param(answer(413), Means.TOO_LARGE, "status 413", id="too large"),
    pytest.param(answer(429), Means.LATER, "status 429", id="too many"),
    pytest.param(answer(500, "oh no"), Means.LATER, "status 500; oh no", id="500"),
    pytest.param(answer(502, "<html><h1>bad gateway</h1></html>", "text/html"), Means.LATER,
                 "status 502; a page of HTML instead of JSON", id="a proxy's page"),
    pytest.param(answer(200, "<!doctype html><html>sign in</html>", "text/html"), Means.MISTAKEN,
                 "status 200; this is not Alertmanager's API; see `urls`; a page of HTML",
                 id="a page of sign-in"),
    pytest.param(answer(302, Location="https://elsewhere.example/"), Means.MISTAKEN,
                 "status 302; it sends us elsewhere", id="redirect"),
    pytest.param(hang, Means.LATER, "nothing within 0.3 s", id="hangs"),
    pytest.param(break_off, Means.LATER, "its answer broke off", id="breaks off"),
]  # fmt: skip


async def _post(
    settings: Alerting, secrets: FakeSecrets = VAULT, postings: Sequence[Posting] = (posting(),)
) -> Answer:
    server = Server(settings.urls[0], settings, secrets=secrets, clock=FakeClock(), software="1")
    async with server:
        return await server.post(postings)


@pytest.mark.parametrize(("reply", "means", "says"), ANSWERS)
async def test_an_answer_has_its_meaning_and_message(reply: Reply, means: Means, says: str) -> None:
    async with alertmanager() as double:
        double.always = reply
        found = await _post(terms(double.url))
    assert found.means is means
    assert found.message.startswith(says)


async def test_alerts_go_to_the_second_version_of_the_api_under_the_path_that_is_given() -> None:
    async with alertmanager() as double:
        await _post(terms(f"{double.url}/alerts-of-ours"))
    assert double.requests[0][0] == "/alerts-of-ours/api/v2/alerts"


async def test_a_redirect_is_not_followed() -> None:
    async with alertmanager() as double:
        double.replies.append(answer(307, Location=f"{double.url}/elsewhere"))
        await _post(terms(double.url))
    assert len(double.requests) == 1


async def test_nobody_listens() -> None:
    port = free_port()
    found = await _post(terms(f"http://127.0.0.1:{port}"))
    assert found.means is Means.LATER
    assert found.message.startswith(f"cannot connect to 127.0.0.1 port {port}: ")


async def test_a_name_that_does_not_resolve() -> None:
    found = await _post(terms("http://nobody.invalid:9093"))
    assert found.means is Means.LATER
    assert "nobody.invalid" in found.message or "nothing within" in found.message


async def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    ours, other = trustme.CA(), trustme.CA()
    other.cert_pem.write_to_path(tmp_path / "ca.pem")
    async with alertmanager(_serving(ours)) as double:
        found = await _post(terms(double.url, ca_file=str(tmp_path / "ca.pem")))
    assert found.means is Means.LATER
    assert found.message.startswith("TLS: ")


async def test_a_certificate_of_our_own_authority(tmp_path: Path) -> None:
    ours = trustme.CA()
    ours.cert_pem.write_to_path(tmp_path / "ca.pem")
    async with alertmanager(_serving(ours)) as double:
        found = await _post(terms(double.url, ca_file=str(tmp_path / "ca.pem")))
    assert found.means is Means.THERE


def _serving(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def test_a_file_of_authorities_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing of the kind")
    found = await _post(terms("https://127.0.0.1:9", ca_file=str(tmp_path / "ca.pem")))
    assert found.means is Means.MISTAKEN
    assert found.message.startswith("ca_file: ")


@pytest.mark.parametrize(
    ("more", "header"),
    [
        pytest.param({"username": "uptimed", "password": SECRET},
                     aiohttp.encode_basic_auth("uptimed", PASSWORD), id="basic"),
        pytest.param({"token": SECRET}, f"Bearer {PASSWORD}", id="bearer"),
        pytest.param({}, "", id="none"),
    ],
)  # fmt: skip
async def test_credentials_are_sent(more: dict[str, str], header: str) -> None:
    async with alertmanager() as double:
        await _post(terms(double.url, **more))
    assert double.requests[0][1] == header


async def test_a_password_that_cannot_be_read_names_its_place() -> None:
    settings = terms("http://127.0.0.1:9", username="a", password=SECRET)  # type: ignore[arg-type]
    found = await _post(settings, FakeSecrets({}))
    assert (found.means, found.message) == (
        Means.MISTAKEN, "environment variable PASSWORD is not set",
    )  # fmt: skip


async def test_a_password_that_cannot_be_sent_is_not_told() -> None:
    async with alertmanager() as double:
        settings = terms(double.url, token=SECRET)  # type: ignore[arg-type]
        found = await _post(settings, FakeSecrets({SECRET.name: "pass\nword"}))
    assert found.means is Means.MISTAKEN
    assert found.message == "the password or token has characters of none"
    assert double.requests == []


async def test_a_secret_that_comes_back_is_masked() -> None:
    async with alertmanager() as double:
        double.always = answer(403, f"Bearer {PASSWORD} may not")
        settings = terms(double.url, token=SECRET)  # type: ignore[arg-type]
        found = await _post(settings)
    assert PASSWORD not in found.message
    assert "***" in found.message


@pytest.mark.parametrize("before", [290, 16_380], ids=["told", "read"])
async def test_a_secret_at_the_edge_of_what_is_told_is_not_told_by_half(before: int) -> None:
    async with alertmanager() as double:
        double.always = answer(400, f"{PASSWORD} " * (before // (len(PASSWORD) + 1)) + PASSWORD)
        settings = terms(double.url, token=SECRET)  # type: ignore[arg-type]
        found = await _post(settings)
    assert PASSWORD[:5] not in found.message


async def test_an_endless_answer_is_cut_off() -> None:
    async with alertmanager() as double:
        double.always = answer(500, "x" * 1_000_000)
        found = await _post(terms(double.url))
    assert len(found.message) < 400


async def test_a_server_that_is_no_server_of_the_web() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        found = await _post(terms(f"http://127.0.0.1:{port}"))
    assert found.means is Means.LATER
    assert found.message


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), ("999999", 300), ("soon", 0), ("", 0), ("Sat, 03 Oct 2026 14:00:30 GMT", 30)],
)
def test_how_long_we_are_asked_to_wait(value: str, seconds: int) -> None:
    assert retry_after_us(value, at("2026-10-03 14:00:00")) == seconds * SECOND
