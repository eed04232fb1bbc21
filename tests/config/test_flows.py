"""What a login flow asks of the configuration that names it, told at the keys of both."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from probes.flowfile import bind, find_flow
from uptimed.config import ConfigError, Loaded, load
from uptimed.core.flows import Flow
from uptimed.core.targets import LoginTarget, Secret, SecretPlace

HERE = Path(__file__).parent
PROBE = "clients.acme.services.crm.probes.login"
CONFIG = """
[self_check]
references = ["https://one.example/", "tcp://192.0.2.1:53"]
[[clients]]
id = "acme"
name = "ACME"
contract = "datacrm"
[[clients.services]]
id = "crm"
name = "CRM"
[[clients.services.probes]]
id = "login"
role = "login"
kind = "login"
base_url = "https://crm.acme.example"
"""
ACCOUNTS = """
accounts = [
  { username = "one", password = { env = "P1" } },
  { username = "two", password = { file = "p2" }, secrets = { client_secret = { env = "S2" } } },
]
"""
FLOW = """
[flow]
id = "ours"
title = "our system"
version = "1"
login_every = "60m"
min_interval = "15m"
lockout = { failures = 3, window = "30m", by = "our system" }
unknown = ["whether it rests on Sundays"]
advice = ["pin the language"]
[secrets]
client_secret = "the client's secret"
[settings]
text = { about = "what the page says" }
form = { default = "form", about = "a selector" }
[[session]]
id = "home"
request = { path = "/" }
outcomes = [
  { when = { css = "{{ settings.form }}", body = "{{ settings.text }}" }, then = "ok" },
  { then = "error" },
]
"""


SPENDING = (
    "this configuration can spend at most 2 of the 3 failures our system allows in 30 minutes "
    "per account"
)
MISSING = (
    f"{PROBE}.accounts.1.secrets.client_secret: found nothing, wanted the client's secret: "
    'where it is kept: { env = "NAME" }, { file = "PATH" } or { credential = "NAME" }'
)


def _flow_of(preset: str, settings: Mapping[str, str]) -> Flow:
    return bind(find_flow(preset), settings)


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    path = tmp_path / "ours.toml"
    path.write_text(FLOW, encoding="utf-8")
    return path


def _load(folder: Path, text: str) -> Loaded:
    path = folder / "uptimed.toml"
    path.write_text(CONFIG + 'preset = "./ours.toml"\n' + text, encoding="utf-8")
    return load(path, flow_of=_flow_of)


def _said(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _load(folder, text)
    return [str(m).removeprefix(f"{folder / 'uptimed.toml'}: ") for m in caught.value.mistakes]


GOOD = ACCOUNTS + 'secrets = { client_secret = { env = "S" } }\ninterval = "15m"\n'


def test_a_login_has_what_its_flow_needs(flow: Path, tmp_path: Path) -> None:
    loaded = _load(tmp_path, GOOD + 'settings = { text = ["Sign out", "Salir"] }\n')
    target = loaded.settings.services[0].probes[0].target

    assert isinstance(target, LoginTarget)
    assert target.preset == str(flow)
    assert target.login_every == 60
    assert target.settings == {"text": "Sign out\nSalir"}
    assert [account.secrets for account in target.accounts] == [
        {"client_secret": Secret(SecretPlace.ENV, "S")},
        {"client_secret": Secret(SecretPlace.ENV, "S2")},
    ]


def test_what_is_not_known_and_what_it_may_cost_are_told(flow: Path, tmp_path: Path) -> None:
    loaded = _load(tmp_path, GOOD + 'settings = { text = "x" }\nmax_rejected_per_hour = 2\n')

    assert [(note.key, note.text) for note in loaded.notes] == [
        (
            f"{PROBE}.max_rejected_per_hour",
            SPENDING,
        ),
        (f"{PROBE}.settings", "of our system can be set otherwise: text, form"),
        (f"{PROBE}.preset", "not known of our system: whether it rests on Sundays"),
        (f"{PROBE}.preset", "pin the language"),
    ]


def test_a_setting_that_init_left_to_be_changed_is_asked_for(flow: Path, tmp_path: Path) -> None:
    remarks = _load(tmp_path, GOOD + 'settings = { text = "CHANGE ME" }\n').remarks

    told = [(remark.key, remark.text) for remark in remarks]
    assert (f"{PROBE}.settings.text", "not changed yet: what the page says") in told


def test_a_configuration_that_may_lock_its_accounts_is_warned_of(
    flow: Path, tmp_path: Path
) -> None:
    text = GOOD.replace("15m", "15m") + 'settings = { text = "x" }\nmax_rejected_per_hour = 3\n'
    flow.write_text(FLOW.replace("failures = 3", "failures = 2"), encoding="utf-8")
    remarks = _load(tmp_path, text).remarks

    assert any("that locks the account; set it lower" in remark.text for remark in remarks)


MISTAKES = [
    pytest.param(
        ACCOUNTS + 'interval = "15m"\nsettings = { text = "x" }\n',
        [
            MISSING,
        ],
        id="a secret is missing",
    ),
    pytest.param(
        GOOD.replace('{ env = "S" }', '{ env = "S" }, x = { env = "X" }')
        + 'settings = { text = "x" }\n',
        [f'{PROBE}.secrets.x: found an unknown secret, wanted "client_secret"'],
        id="a secret that nobody needs",
    ),
    pytest.param(
        GOOD.replace("15m", "5m") + 'login_every = "10m"\nsettings = { text = "x" }\n',
        [
            f'{PROBE}.interval: found "5m", wanted at least "15m": our system allows no more',
            f'{PROBE}.login_every: found "10m", wanted at least "15m": our system allows no more',
        ],
        id="too often",
    ),
    pytest.param(
        GOOD + 'settings = { txt = "x" }\n',
        [
            f'{PROBE}.settings.txt: found an unknown setting, wanted "text"?',
            f"{PROBE}.settings.text: found nothing, wanted what the page says",
        ],
        id="settings",
    ),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES)
def test_what_a_flow_does_not_allow_is_a_mistake_of_the_configuration(
    text: str, said: list[str], flow: Path, tmp_path: Path
) -> None:
    assert _said(tmp_path, text) == said


def test_a_mistake_in_the_flow_names_the_flow_file(flow: Path, tmp_path: Path) -> None:
    flow.write_text(FLOW.replace("css = ", "csss = "), encoding="utf-8")

    assert _said(tmp_path, GOOD + 'settings = { text = "x" }\n') == [
        f'{flow}: session.home.outcomes.1.when.csss: found an unknown key, wanted "css"?'
    ]


def test_a_setting_that_makes_no_selector_names_the_step(flow: Path, tmp_path: Path) -> None:
    said = _said(tmp_path, GOOD + 'settings = { text = "x", form = "a[[" }\n')

    assert len(said) == 1
    assert said[0].startswith(f'{flow}: session.home.outcomes.1.when.css: found "a[[", wanted')
