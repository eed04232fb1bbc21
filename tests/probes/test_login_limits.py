"""What a login never does, and what it bounds: origins, redirects, pages, forms, cookies."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from aiohttp import web

from probes.login import LoginProbe
from tests.fakes import FakeClock
from tests.probes.conftest import ContextOf
from tests.probes.office import (
    FIELDS,
    FORM,
    Ask,
    Office,
    Twist,
    login_probe,
    login_settings,
    open_office,
    page,
    to,
)
from uptimed.core.judging import judge
from uptimed.core.observations import (
    Cause,
    Instant,
    Login,
    LoginVerdict,
    NoAnswer,
    Observation,
    Outcome,
    Reading,
)
from uptimed.core.targets import ProbeSettings, TlsOptions

NOW = Instant(0)
FRESH = FORM.format(token="t" * 30) + FIELDS


async def _reading(
    twists: Mapping[str, Twist], login_path: str = "/login"
) -> tuple[Reading, Observation]:
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        office.twists.update(twists)
        wanted = login_settings(office.url, login_path=login_path)
        seen = await probe(wanted)
        return judge(seen, wanted, now=NOW), seen


def _on_post(response: web.Response) -> Twist:
    return lambda ask: response if ask.method == "POST" else None


# ---- origins


async def test_nothing_is_sent_to_another_origin_and_the_redirect_is_told_of() -> None:
    async with open_office(Office()) as elsewhere, open_office(Office()) as office:
        async with login_probe(FakeClock()) as probe:
            settings = login_settings(office.url)
            office.twists["/home"] = lambda _: to(f"{elsewhere.url}/home")
            seen = await probe(settings)
        reading = judge(seen, settings, now=NOW)

        assert elsewhere.asked == []
        assert reading.cause is Cause.LOGIN_ERROR
        assert "another origin, to which no redirect is followed" in reading.detail
        assert any("is another origin" in line for line in seen.transcript)


async def test_a_page_that_redirects_elsewhere_is_an_error_that_names_where() -> None:
    reading, _ = await _reading({"/login": lambda _: to("https://other.example/login?x=1")})

    assert reading.cause is Cause.LOGIN_ERROR
    assert "https://other.example is another origin" in reading.detail


async def test_a_form_that_is_sent_elsewhere_is_not_filled_in() -> None:
    form = FRESH.replace("/login", "https://thief.example/login")
    reading, _ = await _reading({"/login": lambda _: page(form)})

    assert reading.cause is Cause.LOGIN_ERROR
    assert "sign-in: it should go to another origin, which is never done" in reading.detail


async def test_a_cookie_with_a_foreign_domain_is_not_sent() -> None:
    def foreign(_: Ask) -> web.Response:
        response = page(FRESH)
        response.headers.add("Set-Cookie", "mine=1; Path=/")
        response.headers.add("Set-Cookie", "theirs=1; Domain=bank.example; Path=/")
        return response

    async with open_office(Office(), "localhost") as office, login_probe(FakeClock()) as probe:
        office.twists["/login"] = foreign
        await probe(login_settings(office.url))
        posted = [ask for ask in office.asked if ask.method == "POST"]

    assert posted[0].cookies == {"mine": "1"}


async def test_no_referer_and_an_honest_user_agent_are_sent() -> None:
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        await probe(login_settings(office.url))

    assert {ask.headers["User-Agent"] for ask in office.asked} == {"uptimed/test"}
    assert not any("Referer" in ask.headers for ask in office.asked)


async def test_redirects_within_the_origin_come_to_an_end() -> None:
    reading, _ = await _reading({"/login": lambda _: to("/login")})

    assert reading.detail == "form: more than 5 redirects"


async def test_a_login_page_behind_a_redirect_is_followed_to() -> None:
    reading, _ = await _reading({"/": lambda _: to("/login")}, login_path="/")

    assert reading.outcome is Outcome.PASS


async def test_the_base_url_may_have_a_path() -> None:
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        office.twists["/tenant/login"] = lambda _: page(FRESH)
        await probe(login_settings(f"{office.url}/tenant/"))

    assert office.seen()[:2] == ["GET /tenant/login", "POST /login"]


async def test_over_tls_only_a_trusted_certificate_is_signed_in_to(
    trusting: TlsOptions, server_context: ContextOf
) -> None:
    office = Office()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", office.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context()).start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with login_probe(FakeClock()) as probe:
            good = await probe(login_settings(url, tls=trusting))
            bad = await probe(login_settings(url, login_path="/login?"))
    finally:
        await runner.cleanup()

    assert isinstance(good.outcome, Login) and good.outcome.verdict is LoginVerdict.OK
    assert good.certificate is not None and good.certificate.subject == "the front door"
    assert isinstance(bad.outcome, NoAnswer) and bad.outcome.cause is Cause.TLS_UNTRUSTED


# ---- pages made to hurt


def _bomb(count: int, size: int) -> web.Response:
    response = page(FRESH)
    for number in range(count):
        response.headers.add("Set-Cookie", f"c{number}={'x' * size}; Path=/")
    return response


HOSTILE: list[tuple[str, Twist, str]] = [
    ("10 MB", lambda _: page(FRESH + "x" * 10_000_000), "more than 1,048,576 bytes"),
    (
        "1,000 fields",
        lambda _: page(
            FORM.format(token="t") + "".join(f'<input name="f{n}">' for n in range(1000)) + FIELDS
        ),
        "more than 200 fields",
    ),
    ("many cookies", lambda _: _bomb(500, 10), "500 cookies"),
    ("large cookies", lambda _: _bomb(5, 8000), "are not kept"),
    ("deep nesting", lambda _: page("<div>" * 50_000 + FRESH), "there is no login form"),
    ("many attributes", lambda _: page("<p " + "a=1 " * 9_000 + ">" + "<br>"), "no login form"),
    ("empty", lambda _: page(""), "there is no login form"),
    ("zero bytes", lambda _: page("\0" * 9000), "there is no login form"),
    ("half a tag", lambda _: page("<form><input type=password"), "form"),
    ("status without a page", lambda _: page("", status=418), "status 418, wanted 200"),
]


@pytest.mark.parametrize(
    ("twist", "said"), [pytest.param(twist, said, id=name) for name, twist, said in HOSTILE]
)
async def test_a_page_made_to_hurt_is_an_error_that_says_what_it_was(
    twist: Twist, said: str
) -> None:
    reading, _ = await _reading({"/login": twist})

    assert reading.cause is Cause.LOGIN_ERROR
    assert said in reading.detail
    assert len(reading.detail) < 300


async def test_too_many_headers_are_no_http() -> None:
    reading, _ = await _reading({"/login": lambda _: _bomb(2000, 1)})

    assert reading.outcome is Outcome.FAIL
    assert reading.cause is Cause.PROTOCOL


async def test_a_large_page_is_read_like_any_other() -> None:
    rows = "<tr><td>Harbour Bakery</td><td><a href='/x?y=1'>Cartagena</a></td></tr>" * 1800
    large = page("<table>" + rows + "</table>" + FRESH)
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        settings = login_settings(office.url)
        office.twists["/login"] = lambda ask: large if ask.method == "GET" else None

        assert judge(await probe(settings), settings, now=NOW).outcome is Outcome.PASS


# ---- a flow of one's own


async def _run(probe: LoginProbe, settings: ProbeSettings) -> Reading:
    return judge(await probe(settings), settings, now=NOW)


FLOW = str(Path(__file__).parent / "flows" / "ours.toml")


def _json(content: object, status: int = 200, **headers: str) -> web.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.json_response(content, status=status, headers=named)


SESSION = {"session": {"id": "abcdef123456"}}
API: dict[str, tuple[Callable[[], web.Response], Outcome, str]] = {
    "ok": (lambda: _json(SESSION), Outcome.PASS, ""),
    "empty session id": (
        lambda: _json({"session": {"id": ""}}),
        Outcome.FAIL,
        'new: no session: /session/id is "", wanted != ""',
    ),
    "no session": (
        lambda: _json({"x": 1}),
        Outcome.FAIL,
        "new: no session: no value at /session/id",
    ),
    "not JSON": (
        lambda: page("<p>hello"),
        Outcome.FAIL,
        "new: no session: body is not JSON: '<p>hello'",
    ),
    "locked": (
        lambda: _json({"error": {"code": "LOCKED"}}),
        Outcome.BLOCKED,
        "new: locked: it says '/error/code'",
    ),
    "second factor": (
        lambda: _json({}, 401, X_Reason="second"),
        Outcome.BLOCKED,
        "new: a second factor: it says 'second', status 401",
    ),
    "rejected": (lambda: page("", status=401), Outcome.REJECTED, "new: status 401"),
    "denied": (
        lambda: _json({**SESSION, "denied": 1}),
        Outcome.FAIL,
        "new: no session: body has 'denied', which is not wanted",
    ),
}


@pytest.mark.parametrize("case", API)
async def test_a_flow_of_ones_own_says_what_each_answer_means(case: str) -> None:
    respond, outcome, said = API[case]
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        office.twists["/start"] = lambda _: page("token=abc123def")
        office.twists["/api"] = lambda _: respond()
        office.twists["/me"] = lambda _: _json({"user": "probe1"})
        reading = await _run(probe, login_settings(office.url, FLOW))

    assert (reading.outcome, reading.detail[: len(said)]) == (outcome, said)


async def test_a_step_is_made_if_or_unless_something_was_taken() -> None:
    def old(_: Ask) -> web.Response:
        response = page("welcome")
        response.set_cookie("old", "yes")
        return response

    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        office.twists["/start"] = lambda _: page("token=abc <input name=old value=1>")
        office.twists["/old"] = old
        office.twists["/me"] = lambda _: _json({"user": "probe1"})
        reading = await _run(probe, login_settings(office.url, FLOW))

    assert reading.outcome is Outcome.PASS
    assert office.seen() == ["GET /start", "GET /old", "GET /me"]


async def test_a_value_that_is_missing_is_an_error_that_names_it() -> None:
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        office.twists["/start"] = lambda _: page("nothing here")
        reading = await _run(probe, login_settings(office.url, FLOW))

    assert reading.detail == r"start: there is no token: nothing at pattern token=(\w+)"


async def test_someone_elses_session_is_no_proof() -> None:
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        office.twists["/start"] = lambda _: page("token=abc123def")
        office.twists["/api"] = lambda _: _json({"session": {"id": "abcdef123456"}})
        office.twists["/me"] = lambda _: _json({"user": "root"})
        reading = await _run(probe, login_settings(office.url, FLOW))

    assert reading.detail == 'me: not me: /user is "root", wanted == "probe1"'


async def test_a_template_that_cannot_be_rendered_is_our_own_fault(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(_text(FLOW).replace('"/start"', '"/{{ account.username + 1 }}"'))
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        reading = await _run(probe, login_settings(office.url, str(path)))

    assert (reading.outcome, reading.cause) == (Outcome.NOT_MEASURED, Cause.BUG)


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")
