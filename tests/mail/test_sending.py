"""Handing mail over: every trouble that a server or the way to it can make."""

import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trustme

from tests.mail.office import AIOSMTPD_WARNS, DROP, SILENT, Office, office, server_context
from uptimed.core.masking import masker
from uptimed.core.observations import SECOND
from uptimed.core.settings import Mailing, Security
from uptimed.mail.sending import Accepted, Later, Never, Outcome, Unknown, connected

pytestmark = AIOSMTPD_WARNS

PASSWORD = "canary-p4ss word"
MESSAGE = b"To: a@x.example\r\nSubject: October\r\n\r\n.\r\nHello\r\n"
LOGIN = ("reports", PASSWORD)


def mailing(port: int, security: Security = Security.NONE, **more: object) -> Mailing:
    given: dict[str, object] = {
        "host": "localhost", "port": port, "security": security, "timeout_us": 5 * SECOND,
        "sender": "reports@monitor.example",
    }  # fmt: skip
    return Mailing(**(given | more))  # type: ignore[arg-type]


async def _yes() -> bool:
    return True


async def send(
    settings: Mailing,
    *recipients: str,
    claim: Callable[[], Awaitable[bool]] = _yes,
    password: str = PASSWORD,
) -> list[Outcome | None]:
    """Hand MESSAGE over for each recipient on one line; a line that is none is the only outcome."""
    async with connected(settings, password, masker([password])) as line:
        if isinstance(line, Later):
            return [line]
        return [
            await line.hand_over(settings.sender, one, MESSAGE, claim)
            for one in recipients or ("a@x.example",)
        ]


async def refused(settings: Mailing, **more: str) -> Later:
    (outcome,) = await send(settings, **more)  # type: ignore[arg-type]
    assert isinstance(outcome, Later)
    assert outcome.server
    assert PASSWORD not in outcome.words
    return outcome


# What goes well.


async def test_a_mail_goes_over_with_its_bytes_as_they_are(plain: Office) -> None:
    assert await send(mailing(plain.port)) == [Accepted("250 taken as 1A2B3C")]
    (got,) = plain.got
    assert got.sender == "reports@monitor.example"
    assert got.recipient == "a@x.example"
    assert got.content == MESSAGE


async def test_starttls_and_a_login(context: ssl.SSLContext, ca_file: Path) -> None:
    with office(context=context, login=LOGIN) as post:
        settings = mailing(post.port, Security.STARTTLS, username="reports", ca_file=str(ca_file))
        assert await send(settings) == [Accepted("250 taken as 1A2B3C")]
        assert post.logins == ["reports"]


async def test_tls_from_the_first_byte(context: ssl.SSLContext, ca_file: Path) -> None:
    with office(context=context, implicit=True, login=LOGIN) as post:
        settings = mailing(post.port, Security.TLS, username="reports", ca_file=str(ca_file))
        assert await send(settings) == [Accepted("250 taken as 1A2B3C")]


async def test_several_recipients_have_a_dialogue_each_on_one_line(plain: Office) -> None:
    outcomes = await send(mailing(plain.port), "a@x.example", "b@x.example", "c@x.example")
    assert outcomes == [Accepted("250 taken as 1A2B3C")] * 3
    assert plain.recipients() == ["a@x.example", "b@x.example", "c@x.example"]


# No way to the server, or none that is protected.


async def test_a_closed_port_is_the_servers_trouble() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    outcome = await refused(mailing(port, host="127.0.0.1"))
    assert outcome.words == f"127.0.0.1:{port}: connection refused"


async def test_a_name_that_does_not_exist_is_the_servers_trouble() -> None:
    assert (await refused(mailing(25, host="nobody.invalid"))).words.startswith("nobody.invalid:25")


async def test_a_server_that_says_nothing_is_not_waited_for_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        outcome = await refused(mailing(port, host="127.0.0.1", timeout_us=SECOND // 10))
    assert outcome.words == f"127.0.0.1:{port}: nothing within 0.1 s"


async def test_without_starttls_nothing_is_sent_and_no_password_said(
    plain: Office, ca_file: Path
) -> None:
    settings = mailing(plain.port, Security.STARTTLS, username="reports", ca_file=str(ca_file))
    outcome = await refused(settings)
    assert outcome.words.endswith("the server offers no STARTTLS; nothing was sent")
    assert (plain.got, plain.logins, plain.asked) == ([], [], [])


@pytest.mark.parametrize("implicit", [False, True])
async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    context: ssl.SSLContext, implicit: bool
) -> None:
    with office(context=context, implicit=implicit, login=LOGIN) as post:
        security = Security.TLS if implicit else Security.STARTTLS
        outcome = await refused(mailing(post.port, security, username="reports"))
        assert "its certificate is not trusted" in outcome.words
        assert post.logins == []


async def test_a_certificate_for_another_name_is_not_trusted(
    authority: trustme.CA, ca_file: Path
) -> None:
    with office(context=server_context(authority, "other.example")) as post:
        outcome = await refused(mailing(post.port, Security.STARTTLS, ca_file=str(ca_file)))
    assert "its certificate is not trusted" in outcome.words


async def test_a_ca_file_that_is_none_is_told(plain: Office, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    settings = mailing(plain.port, Security.STARTTLS, ca_file=str(tmp_path / "ca.pem"))
    assert "ca.pem" in (await refused(settings)).words


async def test_a_wrong_password_is_told_and_not_shown(
    context: ssl.SSLContext, ca_file: Path
) -> None:
    with office(context=context, login=("reports", "another")) as post:
        settings = mailing(post.port, Security.STARTTLS, username="reports", ca_file=str(ca_file))
        outcome = await refused(settings)
    assert outcome.login
    assert "refused the username or the password: 535" in outcome.words


async def test_a_server_without_accounts_is_no_server_to_sign_in_at(
    context: ssl.SSLContext, ca_file: Path
) -> None:
    with office(context=context) as post:
        settings = mailing(post.port, Security.STARTTLS, username="reports", ca_file=str(ca_file))
        assert (await refused(settings)).login


async def test_a_server_that_wants_an_account_refuses_the_sender(
    context: ssl.SSLContext, ca_file: Path
) -> None:
    with office(context=context, login=LOGIN) as post:
        (outcome,) = await send(mailing(post.port, Security.STARTTLS, ca_file=str(ca_file)))
    assert isinstance(outcome, Later)
    assert outcome.server
    assert "refused the sender reports@monitor.example: 530" in outcome.words


async def test_a_secret_that_a_server_repeats_is_masked(plain: Office) -> None:
    plain.manners.recipients["a@x.example"] = [f"550 you said {PASSWORD}"]
    assert await send(mailing(plain.port)) == [Never("550 you said ***")]


# What a server says of one recipient.


async def test_a_greylisted_recipient_is_for_later_and_the_next_one_goes(plain: Office) -> None:
    plain.manners.recipients["a@x.example"] = ["451 4.7.1 greylisted"]
    first, second = await send(mailing(plain.port), "a@x.example", "b@x.example")
    assert first == Later(words="451 4.7.1 greylisted")
    assert second == Accepted("250 taken as 1A2B3C")


async def test_an_unknown_recipient_is_refused_for_good_and_the_next_one_goes(
    plain: Office,
) -> None:
    plain.manners.recipients["a@x.example"] = ["550 5.1.1 no such user"]
    first, second = await send(mailing(plain.port), "a@x.example", "b@x.example")
    assert first == Never("550 5.1.1 no such user")
    assert second == Accepted("250 taken as 1A2B3C")


async def test_a_server_that_closes_for_a_while_is_the_servers_trouble(plain: Office) -> None:
    plain.manners.recipients["a@x.example"] = ["421 too many"]
    (outcome,) = await send(mailing(plain.port))
    assert isinstance(outcome, Later)
    assert outcome.server


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("452 4.3.1 disk full", Later(words="452 4.3.1 disk full")),
        ("554 5.7.1 looks like spam", Never("554 5.7.1 looks like spam")),
        ("421 going down", Later(words="421 going down", server=True)),
    ],
)
async def test_a_text_that_is_answered_is_never_uncertain(
    plain: Office, answer: str, wanted: Outcome
) -> None:
    plain.manners.data["a@x.example"] = [answer]
    assert await send(mailing(plain.port)) == [wanted]
    assert plain.got == []


# Where the connection ends.


async def test_a_connection_that_ends_before_the_text_sent_nothing(plain: Office) -> None:
    plain.manners.recipients["a@x.example"] = [DROP]
    (outcome,) = await send(mailing(plain.port))
    assert isinstance(outcome, Later)
    assert outcome.server
    assert plain.got == []


async def test_a_connection_that_ends_after_the_text_leaves_it_unknown(plain: Office) -> None:
    plain.manners.drop_after_taking = {"a@x.example"}
    (outcome,) = await send(mailing(plain.port))
    assert isinstance(outcome, Unknown)
    assert len(plain.got) == 1


async def test_a_text_that_gets_no_answer_is_unknown(
    plain: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uptimed.mail.sending._TEXT_TAKES", 0.02)
    plain.manners.data["a@x.example"] = [SILENT]
    (outcome,) = await send(mailing(plain.port))
    assert isinstance(outcome, Unknown)


# The claim.


async def test_what_is_not_ours_to_send_is_not_sent(plain: Office) -> None:
    async def no() -> bool:
        return False

    assert await send(mailing(plain.port), "a@x.example", "b@x.example", claim=no) == [None, None]
    assert plain.got == []


async def test_the_claim_comes_after_the_recipient_was_taken_and_before_the_text(
    plain: Office,
) -> None:
    seen: list[tuple[int, int]] = []

    async def claim() -> bool:
        seen.append((len(plain.asked), len(plain.got)))
        return True

    plain.manners.recipients["b@x.example"] = ["550 no"]
    await send(mailing(plain.port), "a@x.example", "b@x.example", claim=claim)
    assert seen == [(1, 0)]
