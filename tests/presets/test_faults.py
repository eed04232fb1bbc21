"""Every switch of every personality: what the login comes to, and the minute's letter.

One account watches. A fault is turned on, the next full login is looked at; it is turned off, and
the next look is well again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from tests.presets.watching import CANARIES, watching
from uptimed.core.observations import Cause, Outcome
from uptimed.demo.personalities import PERSONALITIES, Personality
from uptimed.demo.personalities.espocrm import EspoCrm
from uptimed.demo.personalities.saleslayer import SalesLayer
from uptimed.demo.personalities.suitecrm7 import SuiteCrm7
from uptimed.demo.personalities.suitecrm8 import SuiteCrm8
from uptimed.demo.personalities.vtiger import Vtiger
from uptimed.demo.personalities.yucrm import YuCrm

HANGING_MS = 150

PASS, FAIL, REJECTED, BLOCKED, MAINTENANCE = (
    Outcome.PASS,
    Outcome.FAIL,
    Outcome.REJECTED,
    Outcome.BLOCKED,
    Outcome.MAINTENANCE,
)


def _datacrm() -> Vtiger:
    return Vtiger(CANARIES, prefix="/datacrm/acme", rejected="Usuario o contraseña no válidos")


def _datacrm_5() -> Vtiger:
    return Vtiger(
        CANARIES,
        prefix="/datacrm/acme",
        fields=("user_name", "user_password"),
        rejected="Usuario o contraseña no válidos",
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A fault, what the login comes to (and a part of why), and the letter."""

    fault: str
    outcome: Outcome
    letter: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """A preset at one personality. *makes* makes it."""

    name: str
    preset: str
    makes: Callable[[], Personality]
    rows: tuple[Row, ...]
    settings: Mapping[str, str] = field(default_factory=dict)


_LEGACY = {"rest_path": "/legacy/service/v4_1/rest.php"}
_ACCOUNTS = {"read_path": "/api/v1/Account?maxSize=1&select=id"}

SYSTEMS = (
    System(
        "suitecrm7",
        "suitecrm7",
        lambda: SuiteCrm7(CANARIES),
        (
            Row("stopped", FAIL, "D"),
            Row("database_stopped", FAIL, "D", "form: the login page is empty"),
            Row("database_stopped_shown", FAIL, "D", "'Fatal error:'"),
            Row("database_stopped_old", FAIL, "D", "'Could not connect to the database."),
            Row("database_hangs", FAIL, "D", "no answer within"),
            Row("users_table_gone", FAIL, "L", "sign-in: body has 'Database failure."),
            Row("database_read_only", FAIL, "L", "sign-in: body has 'Database failure."),
            Row("session_dir_gone", FAIL, "L", "login accepted, but the session is not kept"),
            Row("user_inactive", REJECTED, "u", "You must specify a valid username and password"),
            Row("config_gone", FAIL, "D", "redirects to 'install.php'"),
            Row("vendor_gone", FAIL, "D", "'Composer autoloader not found'"),
            Row("cache_unwritable", FAIL, "D", "there is no login form"),
            Row("fpm_down", FAIL, "D"),
            Row("maintenance", MAINTENANCE, "D", "Down for maintenance"),
            Row("password_expired", BLOCKED, "u", "the password has expired"),
            Row("second_factor", BLOCKED, "u", "a second factor is wanted"),
        ),
    ),
    System(
        "suitecrm7-rest",
        "suitecrm7-rest",
        lambda: SuiteCrm7(CANARIES),
        (
            Row("stopped", FAIL, "D"),
            Row("database_stopped", FAIL, "D"),
            Row("database_stopped_shown", FAIL, "D"),
            Row("database_stopped_old", FAIL, "D"),
            Row("database_hangs", FAIL, "D"),
            Row("users_table_gone", FAIL, "L", "'Database failure."),
            Row("database_read_only", FAIL, "L"),
            Row("session_dir_gone", FAIL, "L", "session not kept: its id is empty"),
            Row("user_inactive", REJECTED, "u"),
            Row("fpm_down", FAIL, "D"),
            Row("maintenance", MAINTENANCE, "D"),
            Row("password_expired", BLOCKED, "u", "the password has expired"),
            Row("api_expired_password", BLOCKED, "u", "the password has expired"),
            Row("api_locked", BLOCKED, "u", "locked out"),
            Row("api_ldap", REJECTED, "u", "the directory service"),
            Row("api_user_not_configured", BLOCKED, "u", "not configured"),
        ),
    ),
    System(
        "suitecrm7-v8",
        "suitecrm7-v8",
        lambda: SuiteCrm7(CANARIES),
        (
            Row("database_stopped", FAIL, "D", "the answer is empty"),
            Row("users_table_gone", FAIL, "L", "'Database failure."),
            Row("user_inactive", PASS, "U"),
            Row("fpm_down", FAIL, "D"),
        ),
    ),
    System(
        "suitecrm8",
        "suitecrm8",
        lambda: SuiteCrm8(CANARIES),
        (
            Row("stopped", FAIL, "D"),
            Row("database_stopped", FAIL, "D"),
            Row("database_hangs", FAIL, "D"),
            Row("users_table_gone", FAIL, "D", "'An Error Occurred: Internal Server Error'"),
            Row("database_read_only", FAIL, "L", "sign-in: body has 'An Error Occurred"),
            Row("config_gone", FAIL, "D", "it says that it is not installed"),
            Row("cookies_broken", FAIL, "L", "the token was refused though it was fresh"),
            Row("user_inactive", REJECTED, "u", "Invalid credentials"),
            Row("second_factor", BLOCKED, "u", "two_factor_complete"),
            Row("fpm_down", FAIL, "D"),
        ),
    ),
    System(
        "suitecrm8-rest",
        "suitecrm7-rest",
        lambda: SuiteCrm8(CANARIES),
        (
            Row("legacy_guard", FAIL, "D", "'Not A Valid Entry Point'"),
            Row("users_table_gone", FAIL, "L"),
            Row("session_dir_gone", FAIL, "L", "session not kept"),
            Row("password_expired", BLOCKED, "u"),
            Row("api_expired_password", BLOCKED, "u"),
            Row("api_locked", BLOCKED, "u"),
            Row("api_ldap", REJECTED, "u"),
            Row("api_user_not_configured", BLOCKED, "u"),
        ),
        _LEGACY,
    ),
    System(
        "suitecrm8-v8",
        "suitecrm7-v8",
        lambda: SuiteCrm8(CANARIES),
        (
            Row("legacy_guard", FAIL, "D", "'Not A Valid Entry Point'"),
            Row("users_table_gone", FAIL, "L", "'Database failure."),
            Row("database_stopped", FAIL, "D"),
        ),
        {**_LEGACY, "api_path": "/legacy/Api"},
    ),
    System(
        "vtiger",
        "vtiger",
        lambda: Vtiger(CANARIES),
        (
            Row("stopped", FAIL, "D"),
            Row("database_stopped", FAIL, "D", "the login page is empty"),
            Row("database_stopped_shown", FAIL, "D", "the login page is empty"),
            Row("database_hangs", FAIL, "D"),
            Row("users_table_gone", REJECTED, "u", "Invalid credentials"),
            Row("database_read_only", PASS, "U"),
            Row("session_dir_gone", FAIL, "L", "login accepted, but the session is not kept"),
            Row("privileges_gone", FAIL, "L", "'Sorry! Attempt to access restricted file.'"),
            Row("templates_unwritable", FAIL, "D"),
            Row("fpm_down", FAIL, "D"),
            Row("not_installed", FAIL, "D", "'module=Install'"),
            Row("other_site_url", FAIL, "D", "another origin"),
            Row("user_inactive", REJECTED, "u", "Invalid credentials"),
        ),
    ),
    System(
        "vtiger-webservice",
        "vtiger-webservice",
        lambda: Vtiger(CANARIES),
        (
            Row("database_stopped", FAIL, "D", "the answer is empty"),
            Row("database_stopped_shown", FAIL, "D", "the answer is empty"),
            Row("database_hangs", FAIL, "D"),
            Row("users_table_gone", FAIL, "L"),
            Row("database_read_only", REJECTED, "u"),
            Row("session_dir_gone", FAIL, "L"),
            Row("privileges_gone", FAIL, "L", "restricted file"),
            Row("fpm_down", FAIL, "D"),
            Row("user_inactive", PASS, "U"),
            Row("accesskey_undefined", BLOCKED, "u", "the user has no access key"),
            Row("challenge_replaced", REJECTED, "u"),
            Row("challenge_expired", FAIL, "L", "does anybody else use this user?"),
            Row("session_idle", PASS, "U"),
            Row("query_fails", FAIL, "L", "an error of its own"),
            Row("named_parameters", PASS, "U"),
        ),
    ),
    System(
        "datacrm",
        "datacrm",
        _datacrm,
        (
            Row("stopped", FAIL, "D"),
            Row("database_stopped", FAIL, "D", "the login page is empty"),
            Row("database_stopped_shown", FAIL, "D", "the login page is empty"),
            Row("users_table_gone", REJECTED, "u", "usuario o contraseña"),
            Row("session_dir_gone", FAIL, "L", "login accepted, but the session is not kept"),
            Row("privileges_gone", FAIL, "L", "restricted file"),
            Row("templates_unwritable", FAIL, "D"),
            Row("fpm_down", FAIL, "D"),
            Row("not_installed", FAIL, "D"),
            Row("other_site_url", FAIL, "D", "another origin"),
            Row("user_inactive", REJECTED, "u", "usuario o contraseña"),
        ),
    ),
    System(
        "datacrm with the form of vtiger 5",
        "datacrm",
        _datacrm_5,
        (
            Row("database_stopped", FAIL, "D"),
            Row("session_dir_gone", FAIL, "L", "login accepted, but the session is not kept"),
            Row("user_inactive", REJECTED, "u", "usuario o contraseña"),
        ),
    ),
    System(
        "datacrm-webservice",
        "datacrm-webservice",
        _datacrm,
        (
            Row("database_stopped", FAIL, "D"),
            Row("users_table_gone", FAIL, "L"),
            Row("database_read_only", REJECTED, "u"),
            Row("privileges_gone", FAIL, "L"),
            Row("accesskey_undefined", BLOCKED, "u"),
        ),
    ),
    System(
        "espocrm",
        "espocrm",
        lambda: EspoCrm(CANARIES),
        (
            Row("stopped", FAIL, "D"),
            Row("database_stopped", FAIL, "D"),
            Row("database_hangs", FAIL, "D"),
            Row("users_table_gone", FAIL, "L"),
            Row("database_read_only", FAIL, "L"),
            Row("maintenance", MAINTENANCE, "D"),
            Row("second_factor", BLOCKED, "u", "a second factor is wanted"),
            Row("auth_error", FAIL, "L", "a fault of its own"),
            Row("user_inactive", REJECTED, "u"),
            Row("cookie_lost", FAIL, "L", "login accepted, but the session is not kept"),
            Row("address_refused", BLOCKED, "u", "refused whatever is asked"),
            Row("fpm_down", FAIL, "D"),
        ),
    ),
    System(
        "espocrm that reads accounts",
        "espocrm",
        lambda: EspoCrm(CANARIES),
        (Row("no_right", BLOCKED, "u", "has not the right"),),
        _ACCOUNTS,
    ),
    System(
        "espocrm-api-key",
        "espocrm-api-key",
        lambda: EspoCrm(CANARIES),
        (
            Row("database_stopped", FAIL, "D"),
            Row("users_table_gone", FAIL, "L"),
            Row("maintenance", MAINTENANCE, "D"),
            Row("user_inactive", REJECTED, "u"),
            Row("address_refused", BLOCKED, "u"),
        ),
    ),
    System(
        "espocrm-hmac",
        "espocrm-hmac",
        lambda: EspoCrm(CANARIES),
        (
            Row("database_stopped", FAIL, "D"),
            Row("user_inactive", REJECTED, "u"),
            Row("address_refused", BLOCKED, "u"),
        ),
    ),
    System(
        "saleslayer",
        "saleslayer",
        lambda: SalesLayer(CANARIES),
        (
            Row("stopped", FAIL, "D"),
            Row("server_error", FAIL, "D"),
            Row("hangs", FAIL, "D"),
            Row("forbidden", BLOCKED, "u", "the key may not read this"),
            Row("not_valid", BLOCKED, "u", "look at path and select"),
            Row("path_gone", FAIL, "D", "there is no such list"),
        ),
    ),
    System(
        "saleslayer-connector",
        "saleslayer-connector",
        lambda: SalesLayer(CANARIES),
        tuple(
            Row(f"connector_error_{number}", outcome, letter, why)
            for outcome, letter, why, numbers in (
                (REJECTED, "u", "code or key is not taken", (2, 3, 4, 9)),
                (BLOCKED, "u", "does not take this request", (1, 5, 6, 7, 8)),
                (BLOCKED, "u", "look at this machine's clock", (12, 13)),
                (BLOCKED, "u", "the data are being updated", (14,)),
                (FAIL, "L", "the service is blocked", (10,)),
                (FAIL, "L", "the service is not available", (11,)),
            )
            for number in numbers
        ),
    ),
    System(
        "yucrm",
        "yucrm",
        lambda: YuCrm(CANARIES),
        (
            Row("stopped", FAIL, "D"),
            Row("server_error", FAIL, "L"),
            Row("no_list", FAIL, "L", "there is no list"),
            Row("hangs", FAIL, "D"),
        ),
    ),
)

_TABLE = [
    pytest.param(system, row, id=f"{system.name}: {row.fault}")
    for system in SYSTEMS
    for row in system.rows
]
_HANGING = {"database_hangs", "hangs"}


@pytest.mark.parametrize(("system", "row"), _TABLE)
async def test_a_fault_gets_its_outcome_and_letter_and_ends_when_it_is_mended(
    system: System, row: Row
) -> None:
    play = system.makes()
    settings = dict(system.settings)
    if isinstance(play, SuiteCrm7 | SuiteCrm8) and system.preset == "suitecrm7-v8":
        settings["client_id"] = play.api.client_id
    async with watching(play, system.preset, settings=settings) as (stage, watch):
        well = await watch.look()
        assert (well.outcome, well.letter) == (PASS, "U"), well
        await stage.turn(row.fault, on=True)
        if row.fault in _HANGING:
            watch.wait_at_most(HANGING_MS)
        seen = await watch.full_look()
        assert (seen.outcome, seen.letter) == (row.outcome, row.letter), seen
        assert row.why in seen.detail
        await stage.turn(row.fault, on=False)
        watch.wait_at_most(5000)
        after = await watch.look()
        assert (after.outcome, after.letter) == (PASS, "U"), after


def test_every_switch_of_every_personality_is_in_the_table() -> None:
    tried: dict[type[Personality], set[str]] = {}
    for system in SYSTEMS:
        tried.setdefault(type(system.makes()), set()).update(row.fault for row in system.rows)
    for makes in PERSONALITIES.values():
        play = makes()
        kind = next(kind for kind in type(play).__mro__ if kind in tried)
        assert set(play.board.state) - tried[kind] == set(), play.title


@pytest.mark.parametrize(
    ("cause", "fault"),
    [
        (Cause.LOGIN_ERROR, "session_dir_gone"),
        (Cause.LOGIN_REJECTED, "user_inactive"),
        (Cause.LOGIN_BLOCKED, "password_expired"),
        (Cause.LOGIN_MAINTENANCE, "maintenance"),
        (Cause.REFUSED, "stopped"),
    ],
)
async def test_each_outcome_has_its_cause(cause: Cause, fault: str) -> None:
    async with watching(SuiteCrm7(CANARIES), "suitecrm7") as (stage, watch):
        await stage.turn(fault, on=True)
        seen = await watch.look()
        assert seen.logins[-1].cause is cause
