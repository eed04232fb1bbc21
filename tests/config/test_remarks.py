"""What is allowed and probably not meant is remarked on, and keeps nothing from running."""

from pathlib import Path

import pytest

from uptimed.config import explain, load, shapes
from uptimed.config.checking import Shape

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
REFERENCES = '[self_check]\nreferences = ["https://one.example/", "tcp://192.0.2.1:53"]\n'
CLIENT = '[[clients]]\nid = "acme"\nname = "ACME"\ncontract = "{contract}"\n'
SERVICE = '[[clients.services]]\nid = "crm"\nname = "CRM"\n'
HTTP = '[[clients.services.probes]]\nid = "p"\nrole = "reach"\nkind = "http"\n'
HTTPS = HTTP + 'url = "https://crm.example/"\n'
LOGIN = (
    '[[clients.services.probes]]\nid = "p"\nrole = "login"\nkind = "login"\npreset = "vtiger"\n'
    'base_url = "https://crm.example"\n'
)
ONE = 'accounts = [{ username = "a", password = { env = "A" } }]\n'
TWO = ONE.replace("}]", '}, { username = "b", password = { env = "B" } }]')
CONTRACT = """
id = "ours"
version = "1"
timezone = "UTC"
[availability]
target = "99.5"
excludes = ["maintenance"]
maintenance_notice = "24h"
"""
LATE = """
[[clients.maintenance]]
service = "crm"
start = 2026-10-11T02:00:00Z
end = 2026-10-11T04:00:00Z
announced = 2026-10-10T09:00:00Z
reason = "upgrade"
"""
PROBE = "clients.acme.services.crm.probes.p"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param('url = "https://i.example"\ntoken = { env = "T" }', [], id="as it should be"),
        pytest.param('url = "http://[::1]:8086"\ntoken = { env = "T" }', [], id="on this machine"),
        pytest.param('url = "https://i.example"', ["influxdb.token: there is none"], id="no token"),
        pytest.param(
            'url = "http://i.example"\ntoken = { env = "T" }',
            ["influxdb.url: http sends the token"],
            id="token in clear",
        ),
    ],
)
def test_a_token_that_is_missing_or_sent_in_clear_is_remarked_on(
    tmp_path: Path, more: str, said: list[str]
) -> None:
    path = tmp_path / "uptimed.toml"
    client = CLIENT.format(contract="datacrm") + SERVICE + HTTPS
    path.write_text(f'{REFERENCES}[influxdb]\norg = "ours"\n{more}\n{client}')
    remarks = [f"{remark.key}: {remark.text}" for remark in load(path).remarks]
    assert len(remarks) == len(said)
    assert all(r.startswith(s) for r, s in zip(remarks, said, strict=True))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(SERVICE + HTTPS, [], id="nothing"),
        pytest.param("", ["clients.acme.services: there are none"], id="no services"),
        pytest.param(
            SERVICE + HTTPS + 'interval = "5m"\n',
            [f"{PROBE}.interval: reach is looked at every 5 minutes"],
            id="reach seldom",
        ),
        pytest.param(
            SERVICE + HTTPS + 'slow_after = "10s"\n',
            [f"{PROBE}.slow_after: no pass is that slow"],
            id="slow after the timeout",
        ),
        pytest.param(
            SERVICE + HTTPS + 'expect = { max_time = "10s" }\n',
            [f"{PROBE}.expect.max_time: nothing takes that long"],
            id="time limit after the timeout",
        ),
        pytest.param(
            SERVICE + HTTPS + "verify = false\n",
            [f"{PROBE}.verify: certificates are not verified"],
            id="not verified",
        ),
        pytest.param(
            SERVICE + HTTP + 'url = "http://crm.example/"\n',
            [f"{PROBE}.url: http is neither private nor proof"],
            id="http",
        ),
        pytest.param(
            SERVICE.replace("\nname", '\nvantages = ["elsewhere"]\nname') + HTTPS,
            ['clients.acme.services.crm.vantages: this monitor\'s vantage "local" is not'],
            id="looked at from elsewhere",
        ),
        pytest.param(
            SERVICE.replace("\nname", '\nvantages = ["local", "elsewhere"]\nname') + HTTPS,
            ["clients.acme.services.crm.vantages: looks from elsewhere come only as files"],
            id="nothing that is shared",
        ),
        pytest.param(SERVICE + LOGIN + TWO, [], id="two accounts"),
        pytest.param(SERVICE + LOGIN + ONE, [f"{PROBE}.accounts: one account"], id="one account"),
        pytest.param(
            SERVICE + LOGIN + TWO + 'interval = "10m"\n',
            [f"{PROBE}.login_every: more often than the probe looks"],
            id="login more often than looks",
        ),
        pytest.param(
            SERVICE + HTTPS + LATE,
            ["clients.acme.maintenance.1: the contract datacrm excludes no maintenance"],
            id="maintenance that changes nothing",
        ),
    ],
)
def test_a_remark_names_its_key(tmp_path: Path, text: str, said: list[str]) -> None:
    path = tmp_path / "uptimed.toml"
    path.write_text(REFERENCES + CLIENT.format(contract="datacrm") + text)
    remarks = [str(remark).removeprefix(f"{path}: ") for remark in load(path).remarks]
    assert len(remarks) == len(said)
    assert all(map(str.startswith, remarks, said)), remarks


def test_one_that_looks_at_nothing_itself_is_well_where_looks_are_shared(tmp_path: Path) -> None:
    path = tmp_path / "uptimed.toml"
    influx = '[influxdb]\nurl = "https://i.example"\norg = "ours"\ntoken = { env = "T" }\n'
    service = SERVICE.replace("\nname", '\nvantages = ["elsewhere"]\nname') + HTTPS
    client = CLIENT.format(contract="datacrm") + service
    path.write_text(REFERENCES + influx + client)
    loaded = load(path)
    assert loaded.remarks == ()
    assert [note.text for note in loaded.notes if note.key.endswith("vantages")] == [
        'this monitor\'s vantage "local" is not among them: all looks come from InfluxDB'
    ]
    path.write_text(REFERENCES + influx + "settle = false\n" + client)
    [remark] = load(path).remarks
    assert remark.text == 'this monitor\'s vantage "local" is not among them'


def test_maintenance_that_was_announced_too_late_is_remarked_on(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text(CONTRACT)
    path = tmp_path / "uptimed.toml"
    client = CLIENT.format(contract="./ours.toml").replace(
        "\nname", '\ntimezone = "Asia/Oral"\nname'
    )
    path.write_text(REFERENCES + client + SERVICE + HTTPS + LATE)
    (remark,) = load(path).remarks
    assert remark.key == "clients.acme.maintenance.1.announced"
    assert remark.text.startswith("later than 24h before the start")


def test_a_contract_without_a_zone_asks_for_the_clients(tmp_path: Path) -> None:
    path = tmp_path / "uptimed.toml"
    path.write_text(REFERENCES + CLIENT.format(contract="itil-native") + SERVICE + HTTPS)
    (remark,) = load(path).remarks
    assert remark.key == "clients.acme.timezone"


def test_what_would_run_is_explained_in_sentences() -> None:
    loaded = load(HERE / "good.toml")
    lines = explain(loaded.settings, loaded.remarks)
    golden = (HERE / "good.explained.txt").read_text("utf-8").splitlines()
    assert [line.replace(str(HERE), "{here}") for line in lines] == golden


def test_no_query_of_a_url_is_explained() -> None:
    assert "tenant" not in "\n".join(explain(load(HERE / "good.toml").settings))


def test_the_example_loads_without_a_mistake_or_a_remark() -> None:
    loaded = load(ROOT / "config.example.toml", flows=["vtiger"])
    assert loaded.remarks == ()
    assert [probe.kind for probe in loaded.settings.service("acme-crm").probes] == [
        "http",
        "tcp",
        "login",
        "tls",
        "dns",
    ]


def test_the_example_shows_every_key() -> None:
    """A key that is added to a shape is to be explained in the example too."""
    text = (ROOT / "config.example.toml").read_text("utf-8")
    missing = [key for key in _all_keys() if key not in text]
    assert missing == []


def _all_keys() -> set[str]:
    found: set[str] = set()
    for value in vars(shapes).values():
        if isinstance(value, type) and issubclass(value, Shape):
            found |= {field.alias or name for name, field in value.model_fields.items()}
    return found
