"""A secret is hidden in whatever form it comes back."""

import base64
import hashlib
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uptimed.core.masking import masker

SECRET = "p/a+ss \"w&rd'<é\\"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=24)


def _forms(secret: str) -> dict[str, str]:
    raw = secret.encode()
    return {
        "as it is": secret,
        "in a URL": quote(secret, safe=""),
        "in a path": quote(secret),
        "in a form": quote_plus(secret),
        "in a URL, small": quote(secret, safe="").lower() if secret.islower() else secret,
        "in a URL inside a URL": quote(quote(secret, safe=""), safe=""),
        "in JSON": json.dumps(secret)[1:-1],
        "in JSON beyond ASCII": json.dumps(secret, ensure_ascii=False)[1:-1],
        "in JSON of PHP": json.dumps(secret)[1:-1].replace("/", "\\/"),
        "in HTML": html.escape(secret),
        "in HTML by numbers": "".join(f"&#{ord(character)};" for character in secret),
        "in HTML by hex": "".join(f"&#x{ord(character):X};" for character in secret),
        "in base64": base64.b64encode(raw).decode(),
        "in base64 for URLs": base64.urlsafe_b64encode(raw).decode().rstrip("="),
        "as MD5": hashlib.md5(raw, usedforsecurity=False).hexdigest(),
        "as SHA-1": hashlib.sha1(raw, usedforsecurity=False).hexdigest().upper(),
        "as SHA-256": hashlib.sha256(raw).hexdigest(),
    }


@pytest.mark.parametrize("form", _forms(SECRET))
def test_a_secret_is_hidden(form: str) -> None:
    assert masker([SECRET])(f"before {_forms(SECRET)[form]} after") == "before *** after"


@pytest.mark.property
@given(secret=TEXTS)
def test_any_secret_is_hidden_in_any_form(secret: str) -> None:
    mask = masker([secret])
    for form, text in _forms(secret).items():
        assert mask(f"<{text}>") == "<***>", form


@pytest.mark.parametrize("user", ["u", "us", "use", "user"])
def test_a_password_is_hidden_inside_the_base64_of_a_header(user: str) -> None:
    password = "correct horse battery"
    header = base64.b64encode(f"{user}:{password}".encode()).decode()
    masked = masker([password])(header)
    assert "***" in masked
    assert len(masked) < 14  # what is left is the user's name, and bits of the first and last byte


def test_what_the_value_of_a_header_holds_is_hidden_by_itself() -> None:
    bearer, basic = "Bearer abcdef", "Basic " + base64.b64encode(b"user:hunter22").decode()
    mask = masker([bearer, basic])
    assert mask("token=abcdef password=hunter22") == "token=*** password=***"


def test_no_word_of_a_pass_phrase_is_a_secret_by_itself() -> None:
    assert masker(["correct horse"])("a horse") == "a horse"


def test_the_longer_of_two_secrets_goes_first() -> None:
    assert masker(["hunter", "hunter22"])("hunter22 hunter") == "*** ***"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("abc", "***"),
        ("x=abc&y", "x=***&y"),
        ("abcd xabc a_abc abc1", "abcd xabc a_abc abc1"),
    ],
    ids=["alone", "between signs", "inside words"],
)
def test_a_short_secret_is_hidden_as_a_whole_word_only(text: str, masked: str) -> None:
    assert masker(["abc"])(text) == masked


@pytest.mark.parametrize("secrets", [[], [""], ["", ""]], ids=str)
def test_without_secrets_nothing_is_hidden(secrets: list[str]) -> None:
    assert masker(secrets)("text") == "text"


def test_the_mark_does_not_tell_how_long_the_secret_was() -> None:
    assert masker(["a" * 4, "b" * 40])("aaaa " + "b" * 40) == "*** ***"


def test_a_long_page_is_masked_at_once() -> None:
    page = "<p>%26&amp;" * 20_000
    assert masker([f"secret-{n}" for n in range(6)])(page) == page


def test_the_key_behind_whsec_and_the_path_of_a_url_are_hidden_by_themselves() -> None:
    mask = masker(["whsec_Y2FuYXJ5LWtleQ==", "https://ping.example/7f3a-2b1c?a=1"])
    assert mask("Y2FuYXJ5LWtleQ== and GET /7f3a-2b1c?a=1 HTTP") == "*** and GET /*** HTTP"
    assert masker(["https://ping.example/me"])("me, at ping.example") == "me, at ping.example"
