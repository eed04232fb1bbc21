"""Messages: what stands in them, and that nothing else can be brought into their headers."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mail.office import headers
from uptimed.core.outbox import Written, addressed
from uptimed.mail.composing import Attachment, BadHeader, Envelope, compose, in_ascii

_PDF = Attachment(name="A-1.pdf", kind="application/pdf", content=b"%PDF" + bytes(range(256)))


def envelope(**more: str) -> Envelope:
    given = {"sender": "reports@monitor.example", "name": "Monitor", "message_id": "a.b@c.example"}
    return Envelope(date=datetime(2026, 11, 3, 9, tzinfo=UTC), **(given | more))


def written(subject: str = "October", text: str = "Hello\n", html: str = "<p>Hello</p>") -> Written:
    return Written(subject=subject, text=text, html=html)


def read(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)


def test_a_message_says_who_when_and_what() -> None:
    found = read(compose(
        envelope(reply_to="help@monitor.example", answers="first@c.example"), written(), [_PDF]
    ))  # fmt: skip
    assert found["From"] == "Monitor <reports@monitor.example>"
    assert found["Reply-To"] == "help@monitor.example"
    assert found["Subject"] == "October"
    assert found["Date"] == "Tue, 03 Nov 2026 09:00:00 +0000"
    assert found["Message-ID"] == "<a.b@c.example>"
    assert found["In-Reply-To"] == found["References"] == "<first@c.example>"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["To"] is None


def test_it_is_text_and_html_and_the_files_byte_for_byte() -> None:
    text = "Ñandú, отчёт\n.\nFrom here\n" + "x" * 3000 + "\n"
    found = read(compose(envelope(), written(text=text, html="<p>ñ</p>"), [_PDF]))
    plain, html = found.get_body(("plain",)), found.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n") == text
    assert html.get_content().strip() == "<p>ñ</p>"
    (attached,) = found.iter_attachments()
    assert attached.get_filename() == "A-1.pdf"
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_content() == _PDF.content


def test_no_server_on_the_way_has_to_change_a_byte() -> None:
    content = compose(envelope(), written("ñ" * 300, "ñ" * 5000, "<p>" + "я" * 5000), [_PDF])
    content.decode("ascii")
    assert max(map(len, content.split(b"\r\n"))) <= 78
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "more",
    [
        {"sender": "a@x.example\r\nBcc: b@x.example"},
        {"sender": "a@x.example\nBcc: b@x.example"},
        {"name": "Monitor\r\nBcc: b@x.example"},
        {"name": "Monitor\x00"},
        {"name": "Monitor\u2028Bcc: b@x.example"},
        {"reply_to": "a@x.example\r\n b"},
        {"message_id": "a@b>\r\nBcc: b@x.example"},
        {"message_id": "a b@c"},
        {"answers": "a@b>\r\nBcc: c"},
        {"sender": "no address"},
    ],
)
def test_a_header_with_a_line_break_is_refused_and_not_shown(more: dict[str, str]) -> None:
    with pytest.raises(BadHeader) as caught:
        compose(envelope(**more), written(), [])
    assert "b@x.example" not in str(caught.value)


@pytest.mark.parametrize(
    "subject", ["a\nb", "a\r\nBcc: b@x.example", "a\x0bb", "a\x85b", "a\x1b[31m"]
)
def test_a_subject_with_a_control_character_is_refused(subject: str) -> None:
    with pytest.raises(BadHeader, match="Subject"):
        compose(envelope(), written(subject), [])


@pytest.mark.parametrize(
    "attachment",
    [
        Attachment(name="a.pdf\r\nBcc: b@x.example", kind="application/pdf", content=b""),
        Attachment(name="a.pdf", kind="application/pdf\r\nX: y", content=b""),
        Attachment(name="a.pdf", kind="application", content=b""),
    ],
    ids=["name", "kind", "half_a_kind"],
)
def test_an_attachment_brings_no_header_along(attachment: Attachment) -> None:
    with pytest.raises(BadHeader):
        compose(envelope(), written(), [attachment])


_ANY = st.text(st.characters(codec="utf-8"), max_size=60)
_NASTY = st.sampled_from(
    ["\r\nBcc: x@evil.example", "\nTo: x@evil.example", "\r", "\n\n<b>", "\x00", "\u2029"]
)
_PLAIN = st.text(st.characters(codec="utf-8"), max_size=90).map(
    lambda text: "".join(c for c in text if c.isprintable())
)
_SLY = st.sampled_from(["=?utf-8?q?=0D=0ABcc:_x@evil.example?=", '"', "<x@evil.example>, ", ";"])
_TEXT = st.builds("".join, st.lists(_ANY | _NASTY, max_size=4))
_HEADER = st.builds("".join, st.lists(_PLAIN | _SLY, max_size=4))
_ONCE = ("From", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted", "To")


@pytest.mark.property
@given(_TEXT.filter(lambda text: not text.isprintable()))
def test_what_does_not_print_stands_in_no_header(text: str) -> None:
    if text.replace("\N{NO-BREAK SPACE}", " ").isprintable():
        return
    with pytest.raises(BadHeader):
        compose(envelope(), written(text), [])
    with pytest.raises(BadHeader):
        compose(envelope(name=text), written(), [])


@pytest.mark.property
@given(_PLAIN)
def test_a_subject_comes_back_as_it_was_written(subject: str) -> None:
    subject = " ".join(subject.replace("=?", "").split())
    content = compose(envelope(), written(subject), [])
    (raw,) = headers(content, "Subject")
    assert str(make_header(decode_header(raw))) == subject
    assert max(map(len, content.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 998


@pytest.mark.property
@given(subject=_HEADER, name=_HEADER, text=_TEXT, html=_TEXT, file=_HEADER)
def test_whatever_the_texts_are_no_header_is_added(
    subject: str, name: str, text: str, html: str, file: str
) -> None:
    attachment = Attachment(name=file, kind="application/pdf", content=b"x")
    content = compose(envelope(name=name), written(subject, text, html), [attachment])
    content = addressed(content, "a@x.example")
    head = content.partition(b"\r\n\r\n")[0]
    lines = [line for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    names = sorted(line.partition(b":")[0].decode() for line in lines)
    assert names == sorted([*_ONCE, "Content-Type"])
    for once in _ONCE:
        assert len(headers(content, once)) == 1
    assert headers(content, "Bcc") == headers(content, "Cc") == []
    assert headers(content, "To") == ["a@x.example"]


def test_a_domain_is_written_as_the_network_has_it() -> None:
    assert in_ascii("it@bücher.example") == "it@xn--bcher-kva.example"
    assert in_ascii("it@acme.example") == "it@acme.example"
    with pytest.raises(BadHeader):
        in_ascii("it@" + "ü" * 80 + ".example")
