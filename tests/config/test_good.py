"""A configuration with every key becomes the values that the rest of the program works with."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from uptimed.config import Loaded, load
from uptimed.core.minutes import minute_of, moment_of, moment_of_minute
from uptimed.core.observations import SECOND
from uptimed.core.settings import (
    Heartbeat,
    Influx,
    Listen,
    Logging,
    Mailing,
    Security,
    ServiceSettings,
    secrets_of,
)
from uptimed.core.targets import (
    BROKEN_TEXTS,
    Account,
    DnsTarget,
    HttpTarget,
    IpFamily,
    JsonWant,
    LoginTarget,
    Secret,
    SecretPlace,
    TcpTarget,
    TlsTarget,
)
from uptimed.core.terms import AttemptRule, Role

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load(HERE / "good.toml", flows=["vtiger"])


@pytest.fixture(scope="module")
def crm(loaded: Loaded) -> ServiceSettings:
    return loaded.settings.service("acme-crm")


def test_it_has_nothing_to_remark_but_what_it_says(loaded: Loaded) -> None:
    assert [remark.key for remark in loaded.remarks] == [
        "clients.acme.maintenance.1",
        "clients.acme.maintenance.2",
        "clients.acme.services.acme-crm.probes.front.interval",
    ]


def test_sections_become_settings_and_paths_begin_at_the_file(loaded: Loaded) -> None:
    settings = loaded.settings
    assert settings.journal_path == str(HERE / "data" / "uptimed.db")
    assert settings.retention_days == 500
    assert settings.seal_after_us == 8 * 3600 * SECOND
    assert settings.vantage == "bogota"
    assert settings.references == ("https://one.example/", "tcp://192.0.2.1:53")
    assert settings.listen_metrics == Listen(host="::1", port=9999)
    assert settings.heartbeat == Heartbeat(
        url=Secret(SecretPlace.ENV, "HEARTBEAT"), every_us=120 * SECOND
    )
    assert settings.operator.colour == "#1f6feb"
    assert settings.logging == Logging(level="debug", format="json")
    assert settings.influxdb == Influx(
        url="https://influx.example:8086",
        org="monitoring",
        bucket_looks="looks",
        bucket_letters="letters",
        token=Secret(SecretPlace.FILE, str(HERE / "influx-token")),
        batch_size=1000,
        timeout_us=20 * SECOND,
        connect_timeout_us=2 * SECOND,
    )
    assert settings.mail == Mailing(
        host="mail.example",
        port=4650,
        sender="reports@monitor.example",
        security=Security.TLS,
        username="reports",
        password=Secret(SecretPlace.ENV, "SMTP_PASSWORD"),
        reply_to="help@monitor.example",
        hold=("breached",),
        overdue_after_us=48 * 3600 * SECOND,
        give_up_after_us=72 * 3600 * SECOND,
        timeout_us=30 * SECOND,
    )


def test_sections_that_are_left_out_have_their_defaults(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text("")
    loaded = load(tmp_path / "empty.toml")
    settings = loaded.settings
    assert settings.journal_path == str(tmp_path / "uptimed.db")
    assert settings.vantage == "local"
    assert settings.listen_metrics == Listen(host="127.0.0.1", port=9464)
    assert settings.retention_days == 400
    assert settings.seal_after_us == 6 * 3600 * SECOND
    assert settings.heartbeat is None
    assert settings.influxdb is None
    assert [remark.key for remark in loaded.remarks] == ["self_check.references", "clients"]


def test_metrics_can_be_switched_off(tmp_path: Path) -> None:
    (tmp_path / "quiet.toml").write_text("[listen]\nmetrics = false\n")
    assert load(tmp_path / "quiet.toml").settings.listen_metrics is None


def test_things_are_found_by_their_ids(loaded: Loaded, crm: ServiceSettings) -> None:
    settings = loaded.settings
    assert settings.client("umbrella").name == "Umbrella"
    assert settings.client_of("acme-pim").id == "acme"
    assert crm.probe("port").kind == "tcp"
    assert [service.id for service in settings.services] == ["acme-crm", "acme-pim", "umbrella-crm"]
    for find in (settings.client, settings.service, settings.client_of, crm.probe):
        with pytest.raises(KeyError, match="nobody"):
            find("nobody")


def test_language_and_zone_are_the_contracts_unless_the_client_has_its_own(loaded: Loaded) -> None:
    acme, umbrella = loaded.settings.clients
    assert (acme.language, acme.zone_name, acme.zone_overridden) == ("es", "America/Bogota", False)
    assert (umbrella.language, umbrella.zone_name) == ("en", "Europe/Madrid")
    assert umbrella.zone_overridden


def test_a_zone_of_the_clients_own_is_the_contracts_too_and_no_house_reading(
    loaded: Loaded,
) -> None:
    contract = loaded.settings.client("umbrella").contract
    assert contract.zone_name == "Europe/Madrid"
    assert str(contract.zone) == "Europe/Madrid"
    assert "timezone" not in contract.house
    assert '"timezone":"Europe/Madrid"' in contract.canonical


def test_watch_terms_say_what_must_pass_and_who_counts(crm: ServiceSettings) -> None:
    watch = crm.watch
    assert watch.need == {Role.REACH: 1, Role.FUNCTION: 2, Role.LOGIN: 1}
    assert watch.vantages == ("bogota", "madrid", "sao-paulo")
    assert watch.min_vantages == 2
    assert watch.attempt_rule is AttemptRule.CONFIRMED
    front, *_, login = watch.probes
    assert (front.interval, front.attempts, front.slow_after_us) == (2, 2, 3 * SECOND)
    assert (login.interval, login.accounts, login.kind) == (5, 2, "login")


def test_a_service_is_looked_at_from_here_unless_it_says_otherwise(loaded: Loaded) -> None:
    watch = loaded.settings.service("acme-pim").watch
    assert (watch.vantages, watch.min_vantages) == (("bogota",), 1)
    assert watch.need == {Role.REACH: 1}


def test_the_agreement_begins_and_ends_at_local_midnight(loaded: Loaded) -> None:
    crm = loaded.settings.service("acme-crm")
    assert (crm.starts, crm.ends) == (date(2026, 10, 1), date(2027, 10, 1))
    since, until = crm.agreement.since, crm.agreement.until
    assert since is not None
    assert until is not None
    assert moment_of_minute(since) == datetime(2026, 10, 1, 5, tzinfo=UTC)
    assert moment_of_minute(until) == datetime(2027, 10, 1, 5, tzinfo=UTC)
    umbrella = loaded.settings.service("umbrella-crm").agreement.since
    assert umbrella is not None
    assert moment_of_minute(umbrella) == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert loaded.settings.service("acme-pim").agreement.since is None


def test_maintenance_of_a_star_is_every_services(loaded: Loaded) -> None:
    crm = loaded.settings.service("acme-crm").agreement.maintenance
    pim = loaded.settings.service("acme-pim").agreement.maintenance
    assert [window.reason for window in crm] == ["network", "upgrade"]
    assert [window.reason for window in pim] == ["network"]
    assert moment_of(crm[0].start) == datetime(2026, 10, 11, 7, tzinfo=UTC)
    assert minute_of(crm[0].end) - minute_of(crm[0].start) == 120
    assert moment_of(crm[0].announced) == datetime(2026, 10, 5, 14, tzinfo=UTC)


def test_an_http_probe_has_all_that_was_written(crm: ServiceSettings) -> None:
    front = crm.probe("front")
    assert (front.role, front.interval, front.attempts) == (Role.REACH, 2, 2)
    assert (front.timeout_us, front.gap_us) == (5 * SECOND, SECOND)
    assert front.runbook == "https://wiki.example/crm"
    target = front.target
    assert isinstance(target, HttpTarget)
    assert target.url == "https://crm.acme.example/?tenant=acme"
    assert (target.method, target.body, target.family) == ("POST", "a\nb", IpFamily.IPV4)
    assert (target.follow, target.max_redirects) == ("any", 3)
    assert (target.proxy, target.body_limit) == ("http://proxy.example:3128", 65536)
    assert target.headers == {"Accept": "text/html"}
    token = Secret(SecretPlace.FILE, str(HERE / "token"))
    assert target.header_secrets == {"Authorization": token}
    expect = front.expect
    assert expect.statuses == ((200, 200), (300, 302), (400, 499))
    assert expect.contains == ("Login", "Password")
    assert expect.not_contains == ("Error",)
    assert expect.json == (
        JsonWant(pointer="/status", op="==", value="ok"),
        JsonWant(pointer="/age", op="<", value=5),
        JsonWant(pointer="/a~1b", op="exists"),
    )
    assert (expect.max_time_us, expect.broken) == (4 * SECOND, ("Fatal",))
    assert expect.certificate_days == 7


def test_an_http_probe_looks_for_broken_pages_without_being_told(crm: ServiceSettings) -> None:
    expect = crm.probe("plain").expect
    assert expect.broken == BROKEN_TEXTS
    assert expect.statuses == ((200, 299),)


def test_tcp_tls_and_dns_probes_have_their_targets(crm: ServiceSettings) -> None:
    assert crm.probe("port").target == TcpTarget(
        host="2001:db8::1", port=25, send="QUIT\r\n", expect="220 "
    )
    certificate = crm.probe("certificate")
    assert certificate.target == TlsTarget(host="crm.acme.example", port=443)
    assert certificate.expect.certificate_days == 14
    name = crm.probe("name")
    assert name.target == DnsTarget(
        name="acme.example", record="MX", server="192.0.2.53", port=5353
    )
    assert name.expect.records == ("10 mail.acme.example.",)


def test_a_login_probe_knows_where_its_passwords_are_kept(crm: ServiceSettings) -> None:
    target = crm.probe("login").target
    assert target == LoginTarget(
        preset="vtiger",
        base_url="https://crm.acme.example",
        accounts=(
            Account(username="probe1", password=Secret(SecretPlace.ENV, "ACME_PROBE1")),
            Account(username="probe2", password=Secret(SecretPlace.CREDENTIAL, "acme-probe2")),
        ),
        login_every=10,
        max_rejected_per_hour=2,
        settings={"module": "Accounts"},
    )
    assert crm.probe("login").expect.broken == ()


def test_every_secret_is_listed_once(loaded: Loaded) -> None:
    assert [secret.name for secret in secrets_of(loaded.settings)] == [
        "HEARTBEAT",
        str(HERE / "influx-token"),
        "SMTP_PASSWORD",
        str(HERE / "token"),
        "ACME_PROBE1",
        "acme-probe2",
    ]


def test_loading_twice_gives_the_same_terms(crm: ServiceSettings) -> None:
    again = load(HERE / "good.toml").settings.service("acme-crm")
    assert again == crm
    assert again.watch.digest() == crm.watch.digest()
