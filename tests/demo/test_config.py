"""The demo's configuration: it can be loaded, and the sandbox is well by it."""

import tomllib
from pathlib import Path

import aiohttp
import pytest

from uptimed.config import load
from uptimed.core.judging import judge
from uptimed.core.observations import Answer, Instant, Observation, Outcome
from uptimed.core.settings import Settings
from uptimed.core.targets import HttpTarget, ProbeSettings
from uptimed.core.terms import Role
from uptimed.demo.config import CLIENT, SERVICE, TOKEN_ENV, demo_config
from uptimed.demo.crm import SandboxCrm
from uptimed.demo.history import PROBES
from uptimed.demo.switches import Switch


def _loaded(url: str, tmp_path: Path) -> Settings:
    path = tmp_path / "uptimed.toml"
    journal = str(tmp_path / "demo.db")
    path.write_text(
        demo_config(url=url, journal_path=journal, listen="127.0.0.1:9464"), encoding="utf-8"
    )
    return load(path).settings


def test_the_text_is_toml_whatever_the_path_is_called() -> None:
    path = '/tmp/a "quoted" \\ place\n$url\x7f/é/demo.db'  # noqa: S108 - never opened
    text = demo_config(url="http://127.0.0.1:1", journal_path=path, listen="127.0.0.1:2")
    assert tomllib.loads(text)["journal"]["path"] == path


def test_it_loads_with_one_service_and_four_probes(tmp_path: Path) -> None:
    settings = _loaded("http://127.0.0.1:8001", tmp_path)
    client = settings.client(CLIENT)
    assert (client.name, client.contract.id, client.language) == ("Demo S.A.S.", "datacrm", "es")
    service = settings.service(SERVICE)
    assert [(p.id, p.role) for p in service.probes] == [
        ("front", Role.REACH),
        ("health", Role.REACH),
        ("contacts", Role.FUNCTION),
        ("login", Role.LOGIN),
    ]
    assert service.watch.need[Role.REACH] == 2
    assert {p.interval for p in service.probes} == {1}


def test_the_past_is_of_probes_that_the_configuration_has(tmp_path: Path) -> None:
    service = _loaded("http://127.0.0.1:8001", tmp_path).service(SERVICE)
    for past in PROBES:
        probe = service.probe(past.id)
        assert (probe.role, probe.kind, probe.slow_after_us) == (
            past.role,
            past.kind,
            past.slow_after_us,
        )


async def _outcome(
    probe: ProbeSettings, crm: SandboxCrm, visitor: aiohttp.ClientSession
) -> Outcome:
    target = probe.target
    assert isinstance(target, HttpTarget)
    headers = dict(target.headers)
    for name, secret in target.header_secrets.items():
        assert secret.name == TOKEN_ENV
        headers[name] = crm.api_token
    async with visitor.get(target.url, headers=headers, allow_redirects=False) as answer:
        seen = Answer(status=answer.status, body=await answer.text())
    observation = Observation(outcome=seen, took_us=1)
    return judge(observation, probe, now=Instant(0)).outcome


@pytest.mark.parametrize(
    ("switch", "failing"),
    [
        (None, set()),
        (Switch.ERROR500, {"front", "health", "contacts", "login"}),
        (Switch.BROKEN200, {"front", "health", "contacts", "login"}),
        (Switch.MAINTENANCE, {"front", "health", "contacts", "login"}),
        (Switch.DATABASE, {"health", "contacts"}),
        (Switch.EXPIRED_FORM, {"login"}),
        (Switch.LOGIN_ERROR, set()),  # until a login flow is there: a form proves little
    ],
    ids=lambda case: str(case) if isinstance(case, Switch) else None,
)
async def test_its_probes_see_what_a_switch_breaks(
    switch: Switch | None,
    failing: set[str],
    crm: SandboxCrm,
    visitor: aiohttp.ClientSession,
    tmp_path: Path,
) -> None:
    if switch is not None:
        await crm.turn(switch, on=True)
    probes = _loaded(crm.url, tmp_path).service(SERVICE).probes
    outcomes = {probe.id: await _outcome(probe, crm, visitor) for probe in probes}
    assert {name for name, outcome in outcomes.items() if outcome is Outcome.FAIL} == failing
