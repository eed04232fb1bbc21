"""The demo's configuration: it can be loaded, and the sandbox is well by it."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from probes.net import Resolver
from probes.registry import probes
from uptimed.clock import SystemClock
from uptimed.core.judging import judge
from uptimed.core.observations import Outcome
from uptimed.core.settings import Settings
from uptimed.core.targets import LoginTarget, Secret
from uptimed.core.terms import Role
from uptimed.demo.config import CLIENT, SERVICE, TOKEN, demo_config
from uptimed.demo.crm import SandboxCrm
from uptimed.demo.history import PROBES
from uptimed.demo.switches import Switch
from uptimed.wiring.flows import load_with_flows


def _loaded(url: str, tmp_path: Path) -> Settings:
    path = tmp_path / "uptimed.toml"
    journal = str(tmp_path / "demo.db")
    path.write_text(
        demo_config(url=url, journal_path=journal, listen="127.0.0.1:9464"), encoding="utf-8"
    )
    return load_with_flows(path).settings


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


class Held:
    """Reads the sandbox's secrets, wherever the configuration says they are kept."""

    def __init__(self, crm: SandboxCrm) -> None:
        self._known = {**crm.accounts, TOKEN: crm.api_token}

    def read(self, secret: Secret) -> str:
        return self._known[Path(secret.name).name]


async def outcomes(crm: SandboxCrm, settings: Settings) -> dict[str, Outcome]:
    resolver, clock, found = Resolver(), SystemClock(), {}
    async with probes(secrets=Held(crm), resolver=resolver, version="0", clock=clock) as by_kind:
        for probe in settings.service(SERVICE).probes:
            target = probe.target
            if isinstance(target, LoginTarget):
                target = replace(target, accounts=target.accounts[:1])
            seen = await by_kind[probe.kind](replace(probe, target=target))
            found[probe.id] = judge(seen, probe, now=clock.now()).outcome
    resolver.close()
    return found


@pytest.mark.parametrize(
    ("switch", "failing"),
    [
        (None, set()),
        (Switch.ERROR500, {"front", "health", "contacts", "login"}),
        (Switch.BROKEN200, {"front", "health", "contacts", "login"}),
        (Switch.DATABASE, {"health", "contacts", "login"}),
        (Switch.EXPIRED_FORM, {"login"}),
        (Switch.LOGIN_ERROR, {"login"}),
        (Switch.SESSION_LOST, {"login"}),
    ],
    ids=lambda case: str(case) if isinstance(case, Switch) else None,
)
async def test_its_probes_see_what_a_switch_breaks(
    switch: Switch | None, failing: set[str], crm: SandboxCrm, tmp_path: Path
) -> None:
    if switch is not None:
        await crm.turn(switch, on=True)

    seen = await outcomes(crm, _loaded(crm.url, tmp_path))

    assert {name for name, outcome in seen.items() if outcome is Outcome.FAIL} == failing


async def test_a_password_that_is_refused_is_the_accounts_fault(
    crm: SandboxCrm, tmp_path: Path
) -> None:
    await crm.turn(Switch.REJECT_ALL, on=True)

    seen = await outcomes(crm, _loaded(crm.url, tmp_path))

    assert seen["login"] is Outcome.REJECTED
