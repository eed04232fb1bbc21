"""The stack to start from: sound as far as that shows without a container engine."""

import os
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from tests.docs.pages import links
from tests.grafana.servers import AMTOOL, PROMTOOL, call, needs
from tests.grafana.test_dashboards import PAGES
from tests.stack.composed import ROOT, SECRET, SERVICES, STACK, binds, laid_out, mounts
from uptimed.cli import uptimed
from uptimed.config import load
from uptimed.core.settings import Influx
from uptimed.stores.influx_setup import task_flux

each = pytest.mark.parametrize("service", SERVICES)


def test_it_has_what_the_readme_says() -> None:
    assert SERVICES.keys() == {"uptimed", "influxdb", "prometheus", "alertmanager", "grafana"}


@each
def test_ports_are_open_to_this_machine_only(service: str) -> None:
    for port in SERVICES[service]["ports"]:
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)


@each
def test_images_are_of_a_release(service: str) -> None:
    name, _, tag = SERVICES[service]["image"].rpartition(":")
    assert name
    assert tag == "local" if "build" in SERVICES[service] else re.match(r"v?\d+\.\d+\.\d+$", tag)


@each
def test_nobody_has_privileges_or_writes_outside_of_volumes(service: str) -> None:
    told = SERVICES[service]
    assert told["read_only"] is True and told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert told["tmpfs"] == ["/tmp"] and told["mem_limit"]  # noqa: S108 - of the container
    assert not told.keys() & {"privileged", "cap_add", "network_mode", "pid", "devices"}
    assert told.get("user") not in {"root", "0"}
    assert all("docker.sock" not in source for source, _, _ in mounts(service))


@each
def test_everything_is_watched_and_comes_back(service: str) -> None:
    assert SERVICES[service]["restart"] == "unless-stopped"
    if service != "uptimed":  # its image has it
        assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"


@each
def test_what_is_mounted_is_there_and_read_only(service: str) -> None:
    for source, place, read_only in binds(service):
        if source.startswith(SECRET):
            assert read_only or service == "influxdb", "it makes the tokens"
            continue
        assert (ROOT / source).exists(), source
        assert read_only, place


def test_volumes_and_secrets_are_declared_and_used() -> None:
    named = {s for service in SERVICES for s, _, _ in mounts(service) if not s.startswith("./")}
    assert named == STACK["volumes"].keys()
    used = {name for told in SERVICES.values() for name in told.get("secrets", ())}
    assert used == STACK["secrets"].keys()


def test_no_secret_stands_in_the_file_and_git_leaves_them_out() -> None:
    for told in SERVICES.values():
        for name, value in told.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET", name):
                assert name.endswith("_FILE") and value.startswith("/run/secrets/")
                assert value.removeprefix("/run/secrets/") in told["secrets"]
    assert all(told["file"].startswith(f"./{SECRET}/") for told in STACK["secrets"].values())
    assert f"/{SECRET}/\n" in (ROOT / ".gitignore").read_text(encoding="utf-8")


def test_secrets_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    copy = tmp_path / "stack" / "make-secrets"
    copy.parent.mkdir()
    copy.write_bytes((ROOT / "stack" / "make-secrets").read_bytes())
    call("bash", str(copy))
    made = {path.name: path.read_text() for path in (tmp_path / SECRET).iterdir() if path.is_file()}
    assert made.keys() == STACK["secrets"].keys()
    assert all(re.fullmatch("[0-9a-f]{48}", text) for text in made.values())
    assert len(set(made.values())) == len(made)
    assert (tmp_path / SECRET).stat().st_mode & 0o777 == 0o700
    folders = {place for s in SERVICES for place, _, _ in binds(s) if place.startswith(SECRET)}
    assert all((tmp_path / folder).is_dir() for folder in folders)
    assert call("bash", str(copy)) == ""
    assert made == {name: (tmp_path / SECRET / name).read_text() for name in made}


def test_scripts_can_be_run() -> None:
    for script in (ROOT / "stack" / "make-secrets", ROOT / "stack" / "influxdb" / "init.sh"):
        assert os.access(script, os.X_OK)
        call("bash", "-n", str(script))


@needs(promtool=PROMTOOL)
def test_prometheus_takes_its_files_where_they_are_mounted(tmp_path: Path) -> None:
    laid_out("prometheus", tmp_path)
    said = call(PROMTOOL, "check", "config", str(tmp_path / "etc/prometheus/prometheus.yml"))
    assert "2 rule files found" in said


def test_prometheus_asks_whom_the_stack_has() -> None:
    told = yaml.safe_load((ROOT / "stack" / "prometheus.yml").read_text(encoding="utf-8"))
    assert told["scrape_configs"] == [
        {"job_name": "uptimed", "static_configs": [{"targets": ["uptimed:9464"]}]}
    ]
    (told_of,) = told["alerting"]["alertmanagers"]
    assert told_of["static_configs"] == [{"targets": ["alertmanager:9093"]}]


@needs(amtool=AMTOOL)
def test_alertmanager_takes_its_file(tmp_path: Path) -> None:
    laid_out("alertmanager", tmp_path)
    call(AMTOOL, "check-config", str(tmp_path / "etc/alertmanager/alertmanager.yml"))


def test_alertmanager_routes_as_the_example_does_and_calls_nobody() -> None:
    ours, example = (
        yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
        for path in ("stack/alertmanager.yml", "grafana/alertmanager/alertmanager.example.yml")
    )
    names = [{"name": receiver["name"]} for receiver in example["receivers"]]
    assert ours == example | {"receivers": names}


def test_grafana_finds_data_sources_and_dashboards(tmp_path: Path) -> None:
    laid_out("grafana", tmp_path)
    provisioned = tmp_path / "etc/grafana/provisioning"
    (providers,) = (provisioned / "dashboards").iterdir()
    found = set()
    for provider in yaml.safe_load(providers.read_text(encoding="utf-8"))["providers"]:
        folder = tmp_path / provider["options"]["path"].removeprefix("/")
        found |= {path.stem for path in folder.glob("*.json")}
    assert found == PAGES.keys()
    (sources,) = (provisioned / "datasources").iterdir()
    told = yaml.safe_load(sources.read_text(encoding="utf-8"))["datasources"]
    for source in told:
        host, port = source["url"].removeprefix("http://").split(":")
        assert SERVICES[host]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_data_sources_are_those_of_one_machine_at_other_places() -> None:
    ours = yaml.safe_load((ROOT / "stack/grafana/datasources.yml").read_text(encoding="utf-8"))
    by_type = {source["type"]: source for source in ours["datasources"]}
    for path in sorted((ROOT / "grafana/provisioning/datasources").iterdir()):
        (source,) = yaml.safe_load(path.read_text(encoding="utf-8"))["datasources"]
        same = source.keys() - {"url", "secureJsonData"}
        assert {key: by_type[source["type"]][key] for key in same} == {k: source[k] for k in same}


def test_uptimed_takes_its_configuration(tmp_path: Path) -> None:
    laid_out("uptimed", tmp_path)
    said = CliRunner().invoke(uptimed, ["check", "--config", str(tmp_path / "etc/uptimed")])
    assert said.exit_code == 0, said.output


def _influx() -> Influx:
    influx = load(ROOT / "stack" / "uptimed").settings.influxdb
    assert influx is not None
    return influx


def test_uptimed_and_influxdb_mean_the_same() -> None:
    settings = load(ROOT / "stack" / "uptimed").settings
    environment = SERVICES["influxdb"]["environment"]
    influx = _influx()
    assert influx.url == "http://influxdb:8086"
    assert influx.org == environment["DOCKER_INFLUXDB_INIT_ORG"]
    assert influx.bucket_letters == environment["DOCKER_INFLUXDB_INIT_BUCKET"]
    assert settings.journal_path.startswith("/var/lib/uptimed/")
    init = (ROOT / "stack" / "influxdb" / "init.sh").read_text(encoding="utf-8")
    assert f"--name {influx.bucket_looks} --retention 400d" in init


def test_the_task_is_the_one_that_uptimed_makes() -> None:
    written = (ROOT / "stack" / "influxdb" / "hours.flux").read_text(encoding="utf-8")
    assert written == task_flux(_influx())


def test_tokens_are_where_they_are_looked_for() -> None:
    places = {source: place for service in SERVICES for source, place, _ in binds(service)}
    assert places[f"{SECRET}/tokens"] == "/run/tokens"
    for user in ("uptimed", "grafana"):
        assert places[f"{SECRET}/tokens/{user}"] == "/run/influxdb"
        init = (ROOT / "stack" / "influxdb" / "init.sh").read_text(encoding="utf-8")
        assert f'"$tokens/{user}/token"' in init
    token = _influx().token
    assert token is not None and token.name == "/run/influxdb/token"
    sources = (ROOT / "stack/grafana/datasources.yml").read_text(encoding="utf-8")
    assert "$__file{/run/influxdb/token}" in sources


def test_the_links_of_the_readme_lead_somewhere() -> None:
    readme = ROOT / "stack" / "README.md"
    lost = [to for to in links(readme) if not (readme.parent / to.partition("#")[0]).exists()]
    assert lost == []
