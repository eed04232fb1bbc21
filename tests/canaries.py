"""The forms in which a secret may come back, and a search for them in all that was written."""

import base64
import contextlib
import hashlib
import html
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from email import message_from_bytes, policy
from urllib.parse import quote, quote_plus


def forms_of(secret: str) -> Iterator[str]:
    """Yield the forms in which a secret may come back."""
    raw = secret.encode()
    yield from (secret, quote(secret, safe=""), _lower(quote(secret, safe="")), quote_plus(secret))
    yield from (quote(quote(secret, safe="")), html.escape(secret), json.dumps(secret)[1:-1])
    yield secret.replace("/", "\\/")
    yield "".join(f"\\u{ord(c):04x}" for c in secret)
    yield "".join(f"&#{ord(c)};" for c in secret)
    for make in (base64.b64encode, base64.urlsafe_b64encode):
        yield make(raw).decode()
        yield make(b"probe1:" + raw).decode()
    for name in ("md5", "sha1", "sha256"):
        digest = hashlib.new(name, raw, usedforsecurity=False).hexdigest()
        yield from (digest, digest.upper())


def _lower(quoted: str) -> str:
    return re.sub("%..", lambda escape: escape[0].lower(), quoted)


def leaks(written: Mapping[str, bytes], canaries: Mapping[str, str]) -> list[str]:
    """Return where what was *written* has one of the *canaries*, in whatever form.

    What is compressed is looked into, and JSON is read as what it says, too.
    """
    forms = {
        (name, form.encode()) for name, secret in canaries.items() for form in forms_of(secret)
    }
    return [
        f"{place} has {name}: {_around(text, form)}"
        for place, content in written.items()
        for text in _views(content)
        for name, form in forms
        if form in text
    ]


def _views(content: bytes) -> Iterator[bytes]:
    plain = content
    with contextlib.suppress(zlib.error):
        plain = zlib.decompress(content)
    yield from {content, plain}
    with contextlib.suppress(ValueError):
        yield repr(json.loads(plain)).encode("utf-8", "replace")
    if b"\r\nMIME-Version:" in plain:
        for part in message_from_bytes(plain, policy=policy.default).walk():
            payload = part.get_payload(decode=True)
            yield payload if isinstance(payload, bytes) else b""


def _around(text: bytes, form: bytes) -> str:
    at = text.index(form)
    return repr(text[max(0, at - 60) : at + len(form) + 40])
