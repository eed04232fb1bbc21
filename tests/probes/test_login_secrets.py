"""Canaries in every channel: whatever an answer gives back, nothing kept or shown has it."""

import base64
import logging
from urllib.parse import quote

import pytest
from aiohttp import web

from tests.canaries import forms_of
from tests.fakes import FakeClock
from tests.probes.office import (
    FIELDS,
    FORM,
    PASSWORD,
    Ask,
    Office,
    Twist,
    login_probe,
    login_settings,
    open_office,
    page,
    to,
)
from uptimed.core.judging import evidence_of, judge
from uptimed.core.observations import Instant, Observation
from uptimed.core.targets import ProbeSettings

NOW = Instant(0)
TOKEN = "csrf-canary-0123456789"
SESSION = "session-canary-9876543210"


def _everything(
    seen: Observation, settings: ProbeSettings, caplog: pytest.LogCaptureFixture
) -> str:
    reading = judge(seen, settings, now=NOW)
    evidence = evidence_of(seen, settings, lambda text: text)
    logged = "\n".join(record.getMessage() for record in caplog.records)
    return "\n".join([repr(seen), repr(reading), repr(evidence), logged, *seen.transcript])


def _echo(text: str) -> dict[str, Twist]:
    """Return answers to the form that give *text* back, one channel each."""

    def in_(response: web.Response) -> web.Response:
        return response

    def cookie(_: Ask) -> web.Response:
        response = page("oops", status=500)
        response.headers.add("Set-Cookie", f"echo={quote(text)}; Path=/")
        return response

    return {
        "body": lambda _: in_(page(f"oops {text} oops", status=500)),
        "at the edge of what is shown": lambda _: page("x" * 1490 + text, status=500),
        "JSON": lambda _: web.json_response({"error": f"The password is invalid: {text}"}),
        "header": lambda _: page("oops", status=500, headers={"X-Echo": text}),
        "kept header": lambda _: page("oops", status=500, headers={"X-Status-Reason": text}),
        "redirect": lambda _: to(f"/said?password={quote(text, safe='')}", status=307),
        "redirect elsewhere": lambda _: to(f"https://x.example/{quote(text, safe='')}", status=307),
        "cookie": cookie,
        "rejection": lambda _: page(f"Invalid credentials: {text}"),
    }


@pytest.mark.parametrize("channel", list(_echo("")))
@pytest.mark.parametrize("form", range(len(list(forms_of(PASSWORD)))))
async def test_the_password_comes_back_and_goes_no_further(
    channel: str, form: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echoed = list(forms_of(PASSWORD))[form]
    twist = _echo(echoed)[channel]
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        settings = login_settings(office.url)
        office.twists["/login"] = lambda ask: twist(ask) if ask.method == "POST" else None
        seen = await probe(settings)
        written = _everything(seen, settings, caplog)

    assert office.asked[1].form["password"] == PASSWORD
    for secret in forms_of(PASSWORD):
        assert secret not in written


async def test_tokens_and_cookies_of_the_system_are_secrets_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    def form(ask: Ask) -> web.Response:
        if ask.method == "POST":
            response = to(f"/home?sid={SESSION}")
            response.headers.add("Set-Cookie", f"sid={SESSION}; Path=/")
            return response
        return page(FORM.format(token=TOKEN) + FIELDS + f"<script>var t = '{TOKEN}'</script>")

    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        settings = login_settings(office.url)
        office.twists["/login"] = form
        office.twists["/home"] = lambda _: page(f"oops {SESSION} {TOKEN}", status=500)
        written = _everything(await probe(settings), settings, caplog)

    assert office.asked[1].form["token"] == TOKEN
    for secret in (TOKEN, SESSION):
        assert secret not in written


async def test_what_is_made_of_a_secret_is_one_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = base64.b64encode(f"probe1:{PASSWORD}".encode()).decode()
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        settings = login_settings(office.url, "basic", path="/page", text="welcome")
        office.twists["/page"] = lambda ask: page(ask.headers["Authorization"], status=500)
        written = _everything(await probe(settings), settings, caplog)

    assert office.asked[0].headers["Authorization"] == f"Basic {made}"
    assert made not in written


async def test_a_transcript_shows_each_step_and_why_it_was_judged_so() -> None:
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        seen = await probe(login_settings(office.url))
        lines = seen.transcript

    assert [line for line in lines if not line.startswith(" ")] == [
        "login: form",
        "login: sign-in",
        "login: landing",
        "session: home",
    ]
    assert f"  > POST {office.url}/login" in lines
    assert "  > token=***&username=probe1&password=***" in lines
    assert "    took form: action '/login', fields token, username, password" in lines
    assert any(line.startswith("    not rejected (2): the page lacks ") for line in lines)
    assert lines[-2:] == ("    ok (1): it says 'Sign out'", "  = ok")


async def test_a_line_of_a_transcript_moves_no_cursor() -> None:
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        office.twists["/login"] = lambda _: page("\x1b[2J\x07 gone \r over")
        seen = await probe(login_settings(office.url))

    assert all(line.isprintable() for line in seen.transcript)
