"""What a login comes to, against the sandbox and each of its faults, over real sockets."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from probes.login import LoginProbe
from tests.fakes import FakeClock
from tests.probes.office import Office, login_probe, login_settings, open_office, page
from uptimed.core.judging import evidence_of, judge
from uptimed.core.observations import Cause, Instant, Login, LoginVerdict, NoAnswer, Outcome, Phase
from uptimed.core.targets import Expectation
from uptimed.demo.crm import SandboxCrm
from uptimed.demo.switches import Switch

NOW = Instant(0)


@pytest.fixture
async def crm() -> AsyncIterator[SandboxCrm]:
    async with SandboxCrm("127.0.0.1", 0, 0, slow_s=60) as crm:
        yield crm


@pytest.fixture
async def probe(crm: SandboxCrm) -> AsyncIterator[LoginProbe]:
    known = {"P1": crm.accounts["probe1"], "WRONG": "not-the-password"}
    async with login_probe(FakeClock(), known) as probe:
        yield probe


async def test_a_good_login_passes_and_tells_how_long_each_step_took(
    crm: SandboxCrm, probe: LoginProbe
) -> None:
    settings = login_settings(crm.url)
    seen = await probe(settings)

    assert isinstance(seen.outcome, Login)
    assert judge(seen, settings, now=NOW).outcome is Outcome.PASS
    assert [step for step, _ in seen.outcome.steps] == ["form", "sign-in", "landing", "home"]
    assert all(took > 0 for _, took in seen.outcome.steps)
    assert set(seen.phases) == {Phase.CONNECT, Phase.FIRST_BYTE, Phase.TRANSFER}
    assert seen.took_us >= sum(seen.phases.values()) - len(seen.phases)
    assert seen.address == crm.url.removeprefix("http://")


FAULTS = [
    (Switch.ERROR500, Outcome.FAIL, Cause.LOGIN_ERROR, "form: there is no login form: status 500"),
    (Switch.BROKEN200, Outcome.FAIL, Cause.LOGIN_ERROR, "form: body has 'Fatal error:'"),
    (
        Switch.MAINTENANCE,
        Outcome.MAINTENANCE,
        Cause.LOGIN_MAINTENANCE,
        "form: it says 'Down for maintenance', status 503",
    ),
    (
        Switch.DATABASE,
        Outcome.FAIL,
        Cause.LOGIN_ERROR,
        "sign-in: body has 'Error establishing a database connection'",
    ),
    (
        Switch.LOGIN_ERROR,
        Outcome.FAIL,
        Cause.LOGIN_ERROR,
        "sign-in: the form was not accepted: status 500, wanted 200 or 301 or 302 or 303",
    ),
    (
        Switch.SESSION_LOST,
        Outcome.FAIL,
        Cause.LOGIN_ERROR,
        "home: login accepted, but the session is not kept: status 302 (to /login)",
    ),
    (
        Switch.REJECT_ALL,
        Outcome.REJECTED,
        Cause.LOGIN_REJECTED,
        "sign-in: it says 'wrong user name or password', status 200",
    ),
    (
        Switch.LOCKED,
        Outcome.BLOCKED,
        Cause.LOGIN_BLOCKED,
        "sign-in: it says 'account is locked', status 200",
    ),
    (
        Switch.EXPIRED_FORM,
        Outcome.FAIL,
        Cause.LOGIN_ERROR,
        "sign-in: the token of the form was refused though it was fresh: it says",
    ),
]


@pytest.mark.parametrize(
    ("switch", "outcome", "cause", "said"), FAULTS, ids=[str(fault[0]) for fault in FAULTS]
)
async def test_each_fault_has_its_class_and_recovers(
    crm: SandboxCrm, switch: Switch, outcome: Outcome, cause: Cause, said: str
) -> None:
    settings, clock = login_settings(crm.url), FakeClock()
    async with login_probe(clock, {"P1": crm.accounts["probe1"]}) as probe:
        await crm.turn(switch, on=True)
        reading = judge(await probe(settings), settings, now=NOW)
        await crm.turn(switch, on=False)
        clock.stall(121)  # the maintenance page asks for two minutes
        after = judge(await probe(settings), settings, now=NOW)

    assert (reading.outcome, reading.cause) == (outcome, cause)
    assert reading.detail.startswith(said)
    assert after.outcome is Outcome.PASS


async def test_a_wrong_password_is_rejected_and_evidence_has_no_page(
    crm: SandboxCrm, probe: LoginProbe
) -> None:
    settings = login_settings(crm.url, password="WRONG")
    seen = await probe(settings)
    evidence = evidence_of(seen, settings, lambda text: text)

    assert judge(seen, settings, now=NOW).outcome is Outcome.REJECTED
    assert evidence.excerpt == ""
    assert evidence.marker == "wrong user name or password"
    assert (evidence.status, len(evidence.sha256)) == (200, 64)


async def test_a_port_that_is_closed_keeps_its_own_cause(
    crm: SandboxCrm, probe: LoginProbe
) -> None:
    await crm.turn(Switch.STOPPED, on=True)
    seen = await probe(login_settings(crm.url))

    assert isinstance(seen.outcome, NoAnswer)
    assert seen.outcome.cause is Cause.REFUSED
    assert seen.outcome.detail.startswith("form: ")


async def test_a_system_that_hangs_keeps_its_own_cause(crm: SandboxCrm, probe: LoginProbe) -> None:
    await crm.turn(Switch.HANGING, on=True)
    seen = await probe(login_settings(crm.url, timeout_us=200_000))

    assert isinstance(seen.outcome, NoAnswer)
    assert seen.outcome.cause is Cause.READ_TIMEOUT


async def test_a_secret_that_cannot_be_read_is_our_own_fault(
    crm: SandboxCrm, probe: LoginProbe
) -> None:
    settings = login_settings(crm.url, password="MISSING")
    reading = judge(await probe(settings), settings, now=NOW)

    assert (reading.outcome, reading.cause) == (Outcome.NOT_MEASURED, Cause.LOCAL_SECRET)


async def test_a_login_page_in_another_language_is_an_error_that_says_what_to_set(
    crm: SandboxCrm, probe: LoginProbe
) -> None:
    settings = login_settings(crm.url, password="WRONG", rejected_text="Datos incorrectos")
    seen = await probe(settings)

    assert isinstance(seen.outcome, Login)
    assert seen.outcome.verdict is LoginVerdict.ERROR
    assert "set rejected_text" in seen.outcome.detail


async def test_the_markers_of_the_configuration_may_have_several_lines(
    crm: SandboxCrm, probe: LoginProbe
) -> None:
    markers = "Datos incorrectos\nWRONG user  name"
    settings = login_settings(crm.url, password="WRONG", rejected_text=markers)

    assert judge(await probe(settings), settings, now=NOW).outcome is Outcome.REJECTED


JSON_FLOW = """
[flow]
id = "ours"
title = "ours"
version = "1"
[[session]]
id = "list"
request = { path = "/list" }
outcomes = [
  { when = { json = { pointer = "/ok", value = true } }, then = "ok" },
  { then = "error" },
]
"""
WHOLE = '<html><a href="/logout">Sign out</a><td>{}</td></html>'
BEHIND = [
    ("text of people", WHOLE.format("Ticket 7: Fatal error: cannot print"), ""),
    ("their SQL", WHOLE.format("SQLSTATE[23000], Uncaught TypeError") + "\n", ""),
    (
        "broken off",
        '<html><a href="/logout">Sign out</a>Fatal error: Uncaught Error in /x.php:1',
        "Fatal error:",
    ),
    (
        "PHP's own markup",
        WHOLE.format("<b>Fatal error</b>:  Maximum execution time in <b>/x.php</b>"),
        "<b>Fatal error</b>:",
    ),
    ("an end that is not the last", WHOLE.format("Fatal error: x") + "<!-- SHA: 1f -->", ""),
    ("dead after the end", WHOLE.format("") + "\nFatal error: Uncaught Error", "Fatal error:"),
    ("nothing proves it", "<html>Ticket 7: Fatal error: cannot print</html>", "Fatal error:"),
]


@pytest.mark.parametrize(("home", "broken"), [b[1:] for b in BEHIND], ids=[b[0] for b in BEHIND])
async def test_what_people_write_behind_the_login_breaks_nothing(home: str, broken: str) -> None:
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        settings = login_settings(office.url)
        office.twists["/home"] = lambda ask: page(home) if ask.cookies.get("sid") else None
        reading = judge(await probe(settings), settings, now=NOW)

    if broken:
        assert reading.cause is Cause.LOGIN_ERROR
        assert f"body has {broken!r}" in reading.detail
    else:
        assert (reading.outcome, reading.detail) == (Outcome.PASS, "")


async def test_json_that_proves_itself_may_speak_of_breakdowns(tmp_path: Path) -> None:
    flow = tmp_path / "ours.toml"
    flow.write_text(JSON_FLOW, encoding="utf-8")
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        settings = login_settings(office.url, str(flow))
        office.twists["/list"] = lambda _: page('{"ok": true, "list": ["Fatal error: x"]}')
        good = judge(await probe(settings), settings, now=NOW)
        office.twists["/list"] = lambda _: page('Fatal error: x {"ok": true}')
        bad = judge(await probe(settings), settings, now=NOW)

    assert (good.outcome, bad.outcome) == (Outcome.PASS, Outcome.FAIL)


async def test_texts_that_the_operator_names_count_on_every_page() -> None:
    home = WHOLE.format("Fatal error: x")
    async with open_office(Office()) as office, login_probe(FakeClock()) as probe:
        expect = Expectation(broken=("Fatal error:",))
        settings = replace(login_settings(office.url), expect=expect)
        office.twists["/home"] = lambda _: page(home)
        reading = judge(await probe(settings), settings, now=NOW)

    assert reading.cause is Cause.LOGIN_ERROR
