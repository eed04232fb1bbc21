"""What is told to whoever adapts a flow to a system, by the detail and by the transcript."""

from aiohttp import web

from probes.login import LoginProbe
from tests.fakes import FakeClock, FakeSecrets
from tests.probes.conftest import FakeResolver
from tests.probes.office import (
    PASSWORD,
    Ask,
    Office,
    login_probe,
    login_settings,
    open_office,
    page,
    to,
)
from uptimed.core.judging import judge
from uptimed.core.observations import Instant
from uptimed.core.targets import ProbeSettings

NOW = Instant(0)
TOKEN = "k" * 30
OTHER_FORM = (
    '<form method="post" action="/login"><input name="who"><input type="password" name="word">'
    "</form>"
)


def _telling(told: list[str]) -> LoginProbe:
    return LoginProbe(
        secrets=FakeSecrets({"P1": PASSWORD}),
        resolver=FakeResolver({}),
        user_agent="uptimed/test",
        clock=FakeClock(),
        transcripts=True,
        farewell=told.extend,
    )


async def _detail(office: Office, settings: ProbeSettings) -> str:
    async with login_probe(FakeClock()) as probe:
        return judge(await probe(settings), settings, now=NOW).detail


async def _transcript(office: Office, settings: ProbeSettings) -> list[str]:
    async with login_probe(FakeClock()) as probe:
        return [line.strip() for line in (await probe(settings)).transcript]


async def test_a_field_that_the_form_does_not_have_is_named() -> None:
    async with open_office(Office()) as office:
        office.twists["/login"] = lambda _: page(OTHER_FORM)
        settings = login_settings(office.url, password_field="word")
        detail = await _detail(office, settings)
        lines = await _transcript(office, settings)

    assert detail.endswith("set rejected_text: status 200; the form has no field 'username'")
    assert "the form has no field 'username': it has who, word" in lines


async def test_words_of_a_refusal_that_nobody_knows_are_quoted() -> None:
    complaint = f'<p class="form-Error">  Nope,\n {PASSWORD} is bad</p>'
    async with open_office(Office()) as office:
        office.twists["/login"] = lambda ask: (
            page(complaint + OTHER_FORM) if ask.method == "POST" else None
        )
        detail = await _detail(office, login_settings(office.url))

    assert detail.endswith("status 200; the page says 'Nope, *** is bad'")


async def test_a_page_that_asks_for_no_password_is_not_quoted() -> None:
    async with open_office(Office()) as office:
        office.twists["/home"] = lambda _: page("<p role=alert>Ms Smith is due</p>", status=500)
        detail = await _detail(office, login_settings(office.url))

    assert detail.startswith("landing: the page after the form is not as it should be: status 500")
    assert "Smith" not in detail


async def test_the_transcript_names_forms_complaints_and_ways_out_wherever_they_stand() -> None:
    far = "<p>" + "x" * 20_000 + "</p>"

    def home(_: Ask) -> web.Response:
        return page(far + '<b class=error>Behind</b><a href="/bye">Sign out</a>')

    async with open_office(Office()) as office:
        office.twists["/home"] = home
        lines = await _transcript(office, login_settings(office.url))

    assert "a form: POST /login: token (hidden), username, password (password)" in lines
    assert "the page says: Behind" in lines
    assert "a way out: 'Sign out', GET /bye" in lines


async def test_the_transcript_leaves_out_what_is_not_for_people() -> None:
    noise = "<script>let a = 1</script><!-- licence --><STYLE>p {}</STYLE><meta x><link y>"
    async with open_office(Office()) as office:
        office.twists["/login"] = lambda _: page(noise + OTHER_FORM)
        lines = await _transcript(office, login_settings(office.url))

    assert f"| <script>...<style>...{OTHER_FORM}" in lines


async def test_where_the_form_leads_is_shown_and_tokens_that_nobody_took_are_not() -> None:
    def form(ask: Ask) -> web.Response:
        if ask.method == "POST":
            return page(f'{OTHER_FORM}<input type="hidden" name="fresh" value="{TOKEN}">')
        came = f'<input type="hidden" name="from" value="{office.url}/"></form>'
        return page(OTHER_FORM.replace("</form>", came).replace("/login", f"{office.url}/login"))

    async with open_office(Office()) as office:
        office.twists["/login"] = form
        lines = await _transcript(office, login_settings(office.url))

    assert f"> GET {office.url}/login" in lines
    assert f"> POST {office.url}/login" in lines
    assert not any(TOKEN in line for line in lines)


async def test_a_sign_out_that_fails_is_told_at_the_end() -> None:
    told: list[str] = []
    async with open_office(Office()) as office, _telling(told) as probe:
        await probe(login_settings(office.url, logout_path="/nowhere"))
        assert told == []

    assert told[0] == "logout: sign-out"
    assert "  < 404" in told
    assert "not signed out" in told[-1]


async def test_a_sign_out_that_goes_well_is_shown() -> None:
    told: list[str] = []
    async with open_office(Office()) as office, _telling(told) as probe:
        await probe(login_settings(office.url))

    assert told[0] == "logout: sign-out"
    assert told[-1] == "  = ok"


async def test_a_cookie_that_a_sign_out_takes_back_is_not_shown() -> None:
    def out(_: Ask) -> web.Response:
        response = to("/login")
        response.del_cookie("sid")
        return response

    told: list[str] = []
    async with open_office(Office()) as office:
        office.twists["/logout"] = out
        async with _telling(told) as probe:
            await probe(login_settings(office.url))

    assert "  > Cookie: sid=***" in told
