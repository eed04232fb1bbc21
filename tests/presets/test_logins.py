"""Good logins, wrong passwords, sessions that are kept or lost, and what an account pays."""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import aiohttp
import pytest

from probes.flowfile import PRESETS, find_flow, preset_names
from tests.presets.watching import CANARIES, LOGIN_EVERY, TestClock, watching
from uptimed.core.flows import spending
from uptimed.core.observations import Cause, Outcome
from uptimed.demo.personalities import PERSONALITIES, Personality
from uptimed.demo.personalities.espocrm import DENIED_AT_MOST, EspoCrm
from uptimed.demo.personalities.saleslayer import SalesLayer
from uptimed.demo.personalities.suitecrm7 import SuiteCrm7
from uptimed.demo.personalities.suitecrm8 import ATTEMPTS, SuiteCrm8
from uptimed.demo.personalities.vtiger import Vtiger
from uptimed.demo.personalities.yucrm import YuCrm

WRONG = 'Wrong Käse/9+&"<%>'
SPANISH = "Usuario o contraseña no válidos"
WRONG_KEY = "wrongKey9+7f/3a=="


@dataclass(frozen=True, slots=True)
class Case:
    """A preset at a system. *login* is what the system counts for a login, *read* for a read."""

    preset: str
    makes: Callable[[TestClock], Personality]
    login: str = ""
    logout: str = ""
    read: str = ""
    wrong: str = WRONG
    settings: Mapping[str, str] = field(default_factory=dict)

    def settings_for(self, play: Personality) -> dict[str, str]:
        if self.preset == "suitecrm7-v8" and isinstance(play, SuiteCrm7 | SuiteCrm8):
            return {**self.settings, "client_id": play.api.client_id}
        return dict(self.settings)


_VTIGER = ("sign_in:probe1", "sign_out:probe1", "home")
_SERVICE = ("ws.login:probe1", "ws.logout:probe1", "ws.types")
CASES = (
    Case(
        "datacrm",
        lambda c: Vtiger(
            CANARIES, prefix="/datacrm/acme", rejected="Usuario o contraseña", now=c.seconds
        ),
        *_VTIGER,
    ),
    Case(
        "datacrm-webservice",
        lambda c: Vtiger(CANARIES, prefix="/datacrm/acme", now=c.seconds),
        *_SERVICE,
        WRONG_KEY,
    ),
    Case("vtiger", lambda c: Vtiger(CANARIES, now=c.seconds), *_VTIGER),
    Case("vtiger-webservice", lambda c: Vtiger(CANARIES, now=c.seconds), *_SERVICE, WRONG_KEY),
    Case("suitecrm7", lambda c: SuiteCrm7(CANARIES, now=c.seconds), *_VTIGER),
    Case(
        "suitecrm7-rest",
        lambda c: SuiteCrm7(CANARIES, now=c.seconds),
        "rest.login:probe1",
        "rest.logout:probe1",
        "rest.get_user_id",
    ),
    Case(
        "suitecrm7-v8",
        lambda c: SuiteCrm7(CANARIES, now=c.seconds),
        "v8.token:probe1",
        "v8.logout:probe1",
        "v8.user",
    ),
    Case(
        "suitecrm8",
        lambda c: SuiteCrm8(CANARIES, now=c.seconds),
        "sign_in:probe1",
        "sign_out:probe1",
        "status",
    ),
    Case(
        "espocrm",
        lambda c: EspoCrm(CANARIES, now=c.seconds),
        "sign_in:probe1",
        "sign_out:probe1",
        "accounts",
        settings={"read_path": "/api/v1/Account?maxSize=1&select=id"},
    ),
    Case(
        "espocrm-api-key", lambda c: EspoCrm(CANARIES, now=c.seconds), read="user", wrong=WRONG_KEY
    ),
    Case("espocrm-hmac", lambda c: EspoCrm(CANARIES, now=c.seconds), read="user", wrong=WRONG_KEY),
    Case("saleslayer", lambda c: SalesLayer(CANARIES, now=c.seconds), wrong=WRONG_KEY),
    Case(
        "saleslayer-connector",
        lambda c: SalesLayer(CANARIES, now=c.seconds),
        read="connector",
        wrong=WRONG_KEY,
    ),
    Case("yucrm", lambda c: YuCrm(CANARIES, now=c.seconds), read="list", wrong=WRONG_KEY),
)

_ALL = pytest.mark.parametrize("case", CASES, ids=[case.preset for case in CASES])
_WITH_SESSION = pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.login],
    ids=[case.preset for case in CASES if case.login],
)


@_ALL
async def test_a_wrong_password_is_the_accounts_fault_and_a_good_one_mends_it(case: Case) -> None:
    clock = TestClock()
    play = case.makes(clock)
    async with watching(play, case.preset, settings=case.settings_for(play), clock=clock) as (
        _,
        watch,
    ):
        good = watch.secrets.known["PASSWORD1"]
        watch.change("PASSWORD1", case.wrong)
        seen = await watch.look()
        assert (seen.outcome, seen.letter) == (Outcome.REJECTED, "u"), seen
        watch.change("PASSWORD1", good)
        seen = await watch.look()
        assert (seen.outcome, seen.letter) == (Outcome.PASS, "U"), seen


@_WITH_SESSION
async def test_a_session_is_kept_and_a_full_login_is_made_when_it_is_due(case: Case) -> None:
    clock = TestClock()
    play = case.makes(clock)
    settings = case.settings_for(play)
    async with watching(play, case.preset, settings=settings, clock=clock, reach=False) as (
        _,
        watch,
    ):
        for _minute in range(2 * LOGIN_EVERY):
            seen = await watch.look()
            assert seen.outcome is Outcome.PASS, seen
        assert play.tally[case.login] == 2
        assert play.tally[case.logout] == 1
        assert play.tally[case.read] == 2 * LOGIN_EVERY
    assert play.tally[case.logout] == 2, "whoever leaves signs out"


@_WITH_SESSION
async def test_a_session_that_the_system_forgot_is_followed_by_a_login_in_the_same_look(
    case: Case,
) -> None:
    clock = TestClock()
    play = case.makes(clock)
    settings = case.settings_for(play)
    async with watching(play, case.preset, settings=settings, clock=clock) as (_, watch):
        await watch.look()
        play.forget()
        seen = await watch.look()
        assert (seen.outcome, seen.letter) == (Outcome.PASS, "U"), seen
        assert play.tally[case.login] == 2


@_ALL
async def test_the_transcript_has_every_step_and_no_secret(case: Case) -> None:
    clock = TestClock()
    play = case.makes(clock)
    settings = case.settings_for(play)
    async with watching(play, case.preset, settings=settings, clock=clock) as (_, watch):
        seen = await watch.look()  # which searches all that it sees for secrets
    flow = find_flow(case.preset)
    for section in (flow.login, flow.session):
        assert all(step.id in seen.transcript for step in section if not step.condition)
    assert "***" in seen.transcript


# "Wrong password", and it is not true.


@pytest.mark.parametrize(
    ("makes", "preset", "fault"),
    [
        (lambda: Vtiger(CANARIES), "vtiger", "users_table_gone"),
        (lambda: Vtiger(CANARIES), "vtiger-webservice", "database_read_only"),
        (lambda: Vtiger(CANARIES), "vtiger-webservice", "challenge_replaced"),
        (lambda: SuiteCrm7(CANARIES), "suitecrm7", "user_inactive"),
        (lambda: SuiteCrm8(CANARIES), "suitecrm8", "user_inactive"),
    ],
    ids=["vtiger", "vtiger-webservice", "a stolen challenge", "suitecrm7", "suitecrm8"],
)
async def test_two_accounts_that_are_refused_together_are_a_login_failure(
    makes: Callable[[], Personality], preset: str, fault: str
) -> None:
    async with watching(makes(), preset, accounts=2) as (stage, watch):
        assert (await watch.look()).letter == "U"
        await watch.pass_second()  # each has to have passed within the hour
        await stage.turn(fault, on=True)
        seen = await watch.full_look()
        assert [reading.outcome for reading in seen.logins] == [Outcome.REJECTED] * 2
        assert seen.letter == "L"
        await stage.turn(fault, on=False)
        assert (await watch.look()).letter == "U"


async def test_one_of_two_accounts_with_a_wrong_password_changes_no_letter() -> None:
    async with watching(SuiteCrm8(CANARIES), "suitecrm8", accounts=2) as (_, watch):
        watch.change("PASSWORD1", WRONG)
        seen = await watch.look()
        assert [r.outcome for r in seen.logins] == [Outcome.REJECTED, Outcome.PASS]
        assert seen.letter == "U"


# How long.


@pytest.mark.parametrize(
    ("makes", "preset", "fault"),
    [
        (lambda: SuiteCrm7(CANARIES), "suitecrm7", "session_dir_gone"),
        (lambda: Vtiger(CANARIES), "vtiger", "session_dir_gone"),
        (lambda: Vtiger(CANARIES, prefix="/datacrm/acme"), "datacrm", "session_dir_gone"),
        (lambda: EspoCrm(CANARIES), "espocrm", "users_table_gone"),
    ],
    ids=["suitecrm7", "vtiger", "datacrm", "espocrm"],
)
async def test_twenty_minutes_without_logins_are_twenty_minutes_and_none_is_system_down(
    makes: Callable[[], Personality], preset: str, fault: str
) -> None:
    async with watching(makes(), preset, accounts=2) as (stage, watch):
        letters = ""
        for minute in range(30):
            if minute in {5, 25}:
                await stage.turn(fault, on=minute == 5)
            letters += (await watch.look()).letter
    assert letters == "U" * 5 + "L" * 20 + "U" * 5


async def test_a_kept_session_finds_a_stopped_database_in_the_next_minute() -> None:
    async with watching(Vtiger(CANARIES), "vtiger", accounts=2) as (stage, watch):
        await watch.look()
        await stage.turn("database_stopped", on=True)  # the page behind the login redirects
        assert (await watch.look()).letter == "D"


# What locks an account.


async def test_suitecrm_8_locks_after_five_failures_that_were_not_ours_for_half_an_hour() -> None:
    clock = TestClock()
    play = SuiteCrm8(CANARIES, now=clock.seconds)
    async with watching(play, "suitecrm8", clock=clock) as (stage, watch):
        async with aiohttp.ClientSession() as visitor:
            for _ in range(ATTEMPTS):  # without a token: that counts as well
                sent = {"username": "probe1", "password": "?"}
                async with visitor.post(f"{stage.url}/login", json=sent) as answer:
                    assert (await answer.json())["error"] == "Invalid CSRF token."
        seen = await watch.look()
        assert (seen.outcome, seen.letter) == (Outcome.BLOCKED, "u"), seen
        assert "Too many failed login attempts" in seen.detail
        seen = await watch.look(after=31)
        assert (seen.outcome, seen.letter) == (Outcome.PASS, "U"), seen


async def test_a_fresh_token_that_is_refused_again_and_again_never_locks_the_account() -> None:
    clock = TestClock()
    play = SuiteCrm8(CANARIES, now=clock.seconds)
    async with watching(play, "suitecrm8", clock=clock) as (stage, watch):
        await stage.turn("cookies_broken", on=True)
        seen = [await watch.look() for _ in range(12)]
        assert "".join(look.letter for look in seen).startswith("LLL")
        assert play.tally["sign_in"] == 3, "the budget of an hour"
        assert seen[-1].logins[-1].cause is Cause.LOGIN_WAITING
        await stage.turn("cookies_broken", on=False)
        assert (await watch.look(after=60)).outcome is Outcome.PASS


async def test_espocrm_refuses_the_address_after_more_than_ten_denied_tries() -> None:
    clock = TestClock()
    play = EspoCrm(CANARIES, now=clock.seconds)
    async with watching(play, "espocrm", clock=clock) as (stage, watch):
        await watch.look()
        clock.let_pass(1)
        async with aiohttp.ClientSession() as visitor:
            for _ in range(DENIED_AT_MOST + 1):
                async with visitor.get(f"{stage.url}/api/v1/App/user") as answer:
                    assert answer.status == 401
        seen = await watch.look(after=0)
        assert (seen.outcome, seen.letter) == (Outcome.BLOCKED, "u"), seen
        seen = await watch.look(after=2)
        assert (seen.outcome, seen.letter) == (Outcome.PASS, "U"), seen


def test_the_default_budget_stays_below_what_suitecrm_8_allows() -> None:
    cost = spending(find_flow("suitecrm8"), max_rejected_per_hour=3, interval=1, accounts=2)
    assert cost is not None
    assert not cost.locks
    assert "at most 3 of the 5 failures SuiteCRM 8 allows in 30 minutes" in cost.sentence


# What only one of them has.


async def test_a_refused_login_is_known_in_any_language() -> None:
    play = SuiteCrm7(CANARIES, rejected="Debe especificar un usuario y una contraseña válidos.")
    async with watching(play, "suitecrm7") as (_, watch):
        watch.change("PASSWORD1", WRONG)
        seen = await watch.look()
        assert (seen.outcome, seen.letter) == (Outcome.REJECTED, "u"), seen
        assert "sent back to the form" in seen.detail


async def test_the_password_that_suitecrm_v8_gives_back_is_masked() -> None:
    play = SuiteCrm7(CANARIES)
    async with watching(play, "suitecrm7-v8", settings={"client_id": play.api.client_id}) as (
        _,
        watch,
    ):
        watch.change("PASSWORD1", WRONG)
        seen = await watch.look()
        assert seen.outcome is Outcome.REJECTED
        assert "The password is invalid: ***" in seen.transcript
        assert WRONG not in seen.transcript


@pytest.mark.parametrize(
    ("client_id", "client_secret"), [("another", None), (None, "wrong")], ids=["id", "secret"]
)
async def test_a_wrong_oauth2_client_is_the_configurations_fault(
    client_id: str | None, client_secret: str | None
) -> None:
    play = SuiteCrm7(CANARIES)
    settings = {"client_id": client_id or play.api.client_id}
    async with watching(play, "suitecrm7-v8", settings=settings) as (_, watch):
        if client_secret is not None:
            watch.change("CLIENT", client_secret)
        seen = await watch.look()
        assert (seen.outcome, seen.letter) == (Outcome.REJECTED, "u"), seen


async def test_client_credentials_send_no_password_of_anyone() -> None:
    play = SuiteCrm7(CANARIES)
    settings = {"client_id": play.api.client_id, "grant": "client_credentials"}
    async with watching(play, "suitecrm7-v8", settings=settings) as (_, watch):
        watch.change("PASSWORD1", WRONG)
        seen = await watch.look()
        assert (seen.outcome, seen.letter) == (Outcome.PASS, "U"), seen
        assert (play.tally["v8.token:client"], play.tally["v8.modules"]) == (1, 1)


async def test_a_signature_is_of_what_is_sent_beside_it_and_is_masked() -> None:
    async with watching(SalesLayer(CANARIES), "saleslayer-connector") as (_, watch):
        seen = await watch.look()
        assert seen.outcome is Outcome.PASS
        sent = next(line for line in seen.transcript.splitlines() if "> GET" in line)
        assert "key256=***" in sent
        assert "time=1790000100" in sent


@pytest.mark.parametrize(
    ("status", "said", "settings", "outcome", "letter"),
    [
        (401, "", {}, Outcome.REJECTED, "u"),
        (403, "", {}, Outcome.REJECTED, "u"),
        (404, "", {}, Outcome.FAIL, "L"),
        (404, "Токен не найден", {"rejected_text": "токен не найден"}, Outcome.REJECTED, "u"),
        (402, "Не оплачено", {"blocked_text": "не оплачено"}, Outcome.BLOCKED, "u"),
        (503, "Идут технические работы", {}, Outcome.MAINTENANCE, "L"),
    ],
    ids=["401", "403", "404", "404 that is known", "402 that is known", "maintenance"],
)
async def test_what_yucrm_says_of_a_bad_token_can_be_set(
    status: int, said: str, settings: Mapping[str, str], outcome: Outcome, letter: str
) -> None:
    play = YuCrm(CANARIES, refusal=status, said=said)
    async with watching(play, "yucrm", settings=settings) as (_, watch):
        watch.change("PASSWORD1", WRONG_KEY)
        seen = await watch.look()
        assert (seen.outcome, seen.letter) == (outcome, letter), seen


async def test_a_token_in_the_address_is_masked_there() -> None:
    async with watching(YuCrm(CANARIES), "yucrm") as (_, watch):
        seen = await watch.look()
        assert "/api/v1/***/employees/list?limit=1" in seen.transcript


async def test_a_form_that_says_nothing_known_tells_what_to_set() -> None:
    play = Vtiger(CANARIES, prefix="/datacrm/acme", rejected="No")
    async with watching(play, "datacrm") as (_, watch):
        watch.change("PASSWORD1", WRONG)
        seen = await watch.look()
        # The address of the redirect says it, whatever the language.
        assert (seen.outcome, seen.letter) == (Outcome.REJECTED, "u"), seen


# All of them.


@pytest.mark.parametrize("preset", [*(case.preset for case in CASES), "django-admin"])
def test_a_preset_says_what_it_cannot_know_and_what_to_see_to(preset: str) -> None:
    flow = find_flow(preset)
    assert flow.id == preset
    assert flow.unknown and flow.advice
    assert all(setting.about for setting in flow.settings.values())


@pytest.mark.parametrize("preset", [case.preset for case in CASES])
def test_a_preset_has_a_health_call_or_says_that_there_is_none(preset: str) -> None:
    flow = find_flow(preset)
    assert flow.health is not None or any("there is none" in text for text in flow.unknown)


def test_the_connector_is_asked_every_quarter_of_an_hour_at_most() -> None:
    assert find_flow("saleslayer-connector").min_interval == 15


def test_datacrms_web_service_is_vtigers() -> None:
    one, other = (
        tomllib.loads((PRESETS / f"{name}.toml").read_text(encoding="utf-8"))
        for name in ("vtiger-webservice", "datacrm-webservice")
    )
    for part in ("login", "session", "logout"):
        assert json.dumps(one[part]) == json.dumps(other[part])


def test_every_personality_plays_for_presets_that_there_are() -> None:
    played = {preset for makes in PERSONALITIES.values() for preset in makes().presets}
    assert played <= set(preset_names())
    assert played == {case.preset for case in CASES}
