"""What a client bought and agreed on, and where its events are posted."""

from pathlib import Path

import pytest

from uptimed.config import ConfigError, Loaded, load
from uptimed.core.settings import Webhook
from uptimed.core.support import ClockTerms
from uptimed.core.targets import Secret, SecretPlace

CLIENT = """
[[clients]]
id = "acme"
name = "ACME"
contract = "{contract}"
{more}
[[clients.services]]
id = "crm"
name = "CRM"
probes = [{{ id = "front", role = "reach", kind = "tcp", host = "192.0.2.1", port = 80 }}]
"""


def loaded(folder: Path, contract: str, more: str = "", section: str = "") -> Loaded:
    path = folder / "uptimed.toml"
    path.write_text(section + CLIENT.format(contract=contract, more=more), encoding="utf-8")
    return load(path)


def remarks(found: Loaded, key: str) -> list[str]:
    return [r.text for r in found.remarks if key in r.key]


def first_response(found: Loaded, severity: str) -> ClockTerms:
    severities = found.settings.clients[0].support.severities
    (clock,) = next(each for each in severities if each.id == severity).clocks
    return clock


def test_a_target_that_was_agreed_takes_the_place_of_the_open_one(tmp_path: Path) -> None:
    found = loaded(tmp_path, "suitecrm", "agreed = { severity_1 = { first_response = '1h' } }")

    target = first_response(found, "severity_1").target
    assert target is not None
    assert target.seconds == 3600
    assert first_response(found, "severity_2").target is None


def test_targets_that_are_still_open_are_remarked_on(tmp_path: Path) -> None:
    found = loaded(tmp_path, "suitecrm", "agreed = { severity_1 = { first_response = '1h' } }")

    assert remarks(found, "agreed.severity_1") == []
    (remark,) = remarks(found, "agreed.severity_2")
    assert "the contract leaves the target to each account" in remark
    assert remarks(loaded(tmp_path, "datacrm"), "agreed") == []


@pytest.mark.parametrize(
    ("contract", "more", "said"),
    [
        pytest.param("suitecrm", "agreed = { sev = { first_response = '1h' } }",
                     "agreed.sev: found a severity of which nothing is left", id="severity"),
        pytest.param("suitecrm", "agreed = { severity_1 = { restore = '1h' } }",
                     "agreed.severity_1.restore: found a clock whose target", id="clock"),
        pytest.param("suitecrm", "agreed = { severity_1 = { first_response = '2d' } }",
                     '"48h" or "2bd"', id="a bare day"),
        pytest.param("datacrm", "agreed = { system_down = { restore = '1h' } }",
                     "nothing: the contract leaves no target open", id="nothing open"),
        pytest.param("saleslayer", 'plan = "enterprize"', 'plan: found "enterprize"', id="plan"),
        pytest.param("datacrm", 'plan = "gold"', "no plan: the contract has none", id="no plans"),
    ],
)  # fmt: skip
def test_what_the_contract_does_not_leave_open_is_a_mistake(
    tmp_path: Path, contract: str, more: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, contract, more)
    assert said in str(caught.value)


def test_a_plan_is_the_clients_and_one_that_is_missing_is_remarked_on(tmp_path: Path) -> None:
    found = loaded(tmp_path, "saleslayer", 'plan = "premium"')
    assert found.settings.clients[0].plan == "premium"
    assert remarks(found, "plan") == []
    (remark,) = remarks(loaded(tmp_path, "saleslayer"), "plan")
    assert "no clock of a plan runs" in remark


HOOK = """
[webhook]
urls = ["https://desk.example/hook", {{ env = "HOOK_URL" }}]
secret = {{ env = "HOOK" }}
{more}
""".replace("{{", "{").replace("}}", "}")


def test_webhooks_are_read_with_their_secrets_places(tmp_path: Path) -> None:
    found = loaded(tmp_path, "datacrm", section=HOOK.replace("{more}", 'timeout = "3s"'))

    assert found.settings.webhook == Webhook(
        urls=("https://desk.example/hook", Secret(place=SecretPlace.ENV, name="HOOK_URL")),
        secret=Secret(place=SecretPlace.ENV, name="HOOK"),
        timeout_us=3_000_000,
    )


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        pytest.param("[]", "found an empty list", id="none"),
        pytest.param('["https://a.example/", "https://a.example/"]', "a URL twice", id="twice"),
        pytest.param('["a.example"]', "webhook.urls", id="no URL"),
    ],
)
def test_urls_that_are_none_are_mistakes(tmp_path: Path, urls: str, said: str) -> None:
    section = f'[webhook]\nurls = {urls}\nsecret = {{ env = "HOOK" }}\n'
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, "datacrm", section=section)
    assert said in str(caught.value)


def test_a_secret_in_clear_is_refused_and_not_repeated(tmp_path: Path) -> None:
    section = '[webhook]\nurls = ["https://a.example/"]\nsecret = "whsec_abc"\n'
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, "datacrm", section=section)
    assert "webhook.secret" in str(caught.value)
    assert "whsec_abc" not in str(caught.value)


def test_events_that_others_can_read_on_their_way_are_remarked_on(tmp_path: Path) -> None:
    for url, count in (("http://desk.example/", 1), ("http://127.0.0.1:8080/", 0)):
        section = f'[webhook]\nurls = ["{url}"]\nsecret = {{ env = "HOOK" }}\n'
        assert len(remarks(loaded(tmp_path, "datacrm", section=section), "webhook")) == count
