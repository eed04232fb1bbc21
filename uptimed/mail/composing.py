"""From words and files to the bytes of a message (RFC 5322).

No header can be smuggled in: whatever holds a line break or another control character is refused
before the library sees it; what looks like an encoded word is broken up, since the library decodes
such words, line breaks and all, and writes some of them out as they are; and what comes out is
looked through for headers that nobody set. The message has no `To`: each recipient gets a copy with
a `To` of their own (`uptimed.core.outbox.addressed`).

All content is encoded in seven bits, in short lines: no server on the way has to change a byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from uptimed.core.outbox import Written

_POLICY = SMTP.clone(cte_type="7bit")


class BadHeader(ValueError):
    """A text cannot stand in a header; the message names the header, not the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes along. *kind* is its media type, such as `application/pdf`."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What stands in the headers.

    *sender* and *reply_to* are addresses, the latter may be empty; *name* is the sender's. *date*
    is aware. *message_id* and *answers* (the message that this one follows upon, or empty) are
    without their angle brackets.
    """

    sender: str
    name: str
    date: datetime
    message_id: str
    reply_to: str = ""
    answers: str = ""


def compose(envelope: Envelope, written: Written, attachments: Sequence[Attachment]) -> bytes:
    """Return the bytes of the message. Raise `BadHeader`."""
    message = EmailMessage(policy=_POLICY)
    _set(message, "From", _address("From", envelope.sender, envelope.name))
    if envelope.reply_to:
        _set(message, "Reply-To", _address("Reply-To", envelope.reply_to))
    _set(message, "Date", format_datetime(envelope.date))
    _set(message, "Message-ID", f"<{_token('Message-ID', envelope.message_id)}>")
    if envelope.answers:
        before = f"<{_token('References', envelope.answers)}>"
        _set(message, "In-Reply-To", before)
        _set(message, "References", before)
    _set(message, "Auto-Submitted", "auto-generated")  # no answers from holiday machines
    message.set_content(written.text, charset="utf-8")
    message.add_alternative(written.html, subtype="html", charset="utf-8")
    for attachment in attachments:
        _attach(message, attachment)
    return _looked_through(message, _subject(written.subject) + message.as_bytes())


def _subject(text: str) -> bytes:
    """Return the line of the subject, folded.

    By hand: the newer header classes put spaces into some subjects where they fold them.
    """
    literal = _literal(_checked("Subject", text))
    charset = "us-ascii" if literal.isascii() else "utf-8"
    folded = Header(literal, charset, header_name="Subject").encode()
    return b"Subject: " + folded.encode("ascii").replace(b"\n", b"\r\n") + b"\r\n"


def _looked_through(message: EmailMessage, content: bytes) -> bytes:
    """Return *content*, which has the headers of *message* and a subject, and no other."""
    lines = content.partition(b"\r\n\r\n")[0].split(b"\r\n")
    there = [line.partition(b":")[0] for line in lines if not line.startswith((b" ", b"\t"))]
    set_here = ["Subject", *message.keys()]
    broken = any(b"\n" in line or b"\r" in line for line in lines)
    if broken or there != [name.encode("ascii") for name in set_here]:
        raise BadHeader("a header came out that nobody set")
    return content


def in_ascii(address: str) -> str:
    """Return *address* with its domain as the network has it. Raise `BadHeader`."""
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{domain.encode('idna').decode('ascii')}"
    except UnicodeError as error:
        raise BadHeader("an address whose domain cannot be encoded") from error


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    kind, _, subtype = attachment.kind.partition("/")
    name = _literal(_checked("Content-Disposition", attachment.name))
    message.add_attachment(
        attachment.content,
        maintype=_token("Content-Type", kind),
        subtype=_token("Content-Type", subtype),
        filename=name,
    )


def _address(header: str, address: str, name: str = "") -> Address:
    _checked(header, address)
    try:
        return Address(display_name=_literal(_checked(header, name)), addr_spec=in_ascii(address))
    except (ValueError, HeaderParseError, IndexError) as error:
        raise BadHeader(f"{header}: not a mail address") from error


def _set(message: EmailMessage, header: str, value: str | Address) -> None:
    if isinstance(value, str):
        _checked(header, value)
    try:
        message[header] = value
    except (ValueError, HeaderParseError, IndexError) as error:
        raise BadHeader(f"{header}: cannot be encoded") from error


def _checked(header: str, text: str) -> str:
    if any(not (c.isprintable() or c == "\N{NO-BREAK SPACE}") for c in text):
        raise BadHeader(f"{header}: a control character or line break in it")
    return text


def _literal(text: str) -> str:
    """Return *text* with no encoded word in it: what is meant by its letters stays letters."""
    return text.replace("=?", "= ?")


def _token(header: str, text: str) -> str:
    if not text or not text.isascii() or any(c <= " " or c in '<>"\x7f' for c in text):
        raise BadHeader(f"{header}: a character in it that may not stand there")
    return text
