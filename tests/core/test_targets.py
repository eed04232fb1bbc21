"""What a probe looks at, in words, and how one tells whether it was changed."""

from dataclasses import replace
from typing import Any

import pytest

from uptimed.core.observations import SECOND
from uptimed.core.targets import (
    Account,
    DnsTarget,
    Expectation,
    HttpTarget,
    JsonWant,
    LoginTarget,
    ProbeSettings,
    Secret,
    SecretPlace,
    Target,
    TcpTarget,
    TlsOptions,
    TlsTarget,
    looks_at,
    manner,
)
from uptimed.core.terms import Role

PAGE = HttpTarget(url="https://crm.example/login?lang=es")
SECRET = Secret(SecretPlace.ENV, "TOKEN")
LOGIN = LoginTarget(
    preset="vtiger",
    base_url="https://crm.example",
    accounts=(Account(username="probe1", password=SECRET),),
)


def probe(target: Target = PAGE, **settings: Any) -> ProbeSettings:
    given = {"expect": Expectation(contains=("Login",)), **settings}
    return ProbeSettings(id="front", role=Role.REACH, kind="http", target=target, **given)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param(
            HttpTarget(url="https://crm.example/login?token=abc#top"),
            "https://crm.example/login", id="a page without its query",
        ),
        pytest.param(TcpTarget(host="crm.example", port=25), "crm.example:25", id="a port"),
        pytest.param(TlsTarget(host="crm.example", port=443), "crm.example:443", id="a handshake"),
        pytest.param(DnsTarget(name="crm.example", record="MX"), "crm.example MX", id="a name"),
        pytest.param(LOGIN, "https://crm.example (vtiger)", id="a login"),
    ],
)  # fmt: skip
def test_what_a_probe_looks_at_is_told_without_anything_secret(
    target: Target, expected: str
) -> None:
    assert looks_at(probe(target)) == expected


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(probe(replace(PAGE, url="https://crm.example/login?lang=en")), id="the query"),
        pytest.param(probe(replace(PAGE, method="HEAD")), id="the method"),
        pytest.param(probe(replace(PAGE, headers={"X-Probe": "1"})), id="a header"),
        pytest.param(probe(replace(PAGE, header_secrets={"Key": SECRET})), id="a secret header"),
        pytest.param(probe(replace(PAGE, tls=TlsOptions(verify=False))), id="whom it trusts"),
        pytest.param(probe(expect=Expectation()), id="what it wants to see"),
        pytest.param(
            probe(expect=Expectation(contains=("Login",), json=(JsonWant(pointer="/ok"),))),
            id="what else it wants to see",
        ),
        pytest.param(probe(timeout_us=5 * SECOND), id="how long it waits"),
        pytest.param(probe(gap_us=SECOND), id="when it tries again"),
    ],
)
def test_a_probe_that_asks_or_wants_otherwise_has_another_manner(other: ProbeSettings) -> None:
    assert manner(other) != manner(probe())


def test_the_port_of_a_name_server_is_part_of_the_manner() -> None:
    query = DnsTarget(name="crm.example", server="192.0.2.1")
    assert manner(probe(replace(query, port=5353))) != manner(probe(query))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            probe(), probe(replace(PAGE, url="https://other.example/?lang=es")),
            id="where it looks is told in words",
        ),
        pytest.param(
            probe(replace(PAGE, header_secrets={"Key": SECRET})),
            probe(replace(PAGE, header_secrets={"Key": Secret(SecretPlace.FILE, "/run/key")})),
            id="where a secret is kept",
        ),
        pytest.param(probe(LOGIN), probe(replace(LOGIN, accounts=())), id="whose account it is"),
        pytest.param(probe(), replace(probe(), interval=5, id="page"), id="what is told elsewhere"),
        pytest.param(
            probe(), probe(replace(PAGE, method="GET", max_redirects=5)), id="what is so by default"
        ),
    ],
)  # fmt: skip
def test_what_is_no_manner_leaves_it_as_it_is(one: ProbeSettings, other: ProbeSettings) -> None:
    assert manner(one) == manner(other)


def test_the_manner_is_written_down() -> None:
    plain = probe(HttpTarget(url="https://crm.example/"), expect=Expectation())
    # SHA-256 of {"expect":{},"gap_us":5000000,"target":{"query":""},"timeout_us":10000000}
    assert manner(plain) == "2ef73ef2ac7d6b04ac58cbc09d344559e363d1fb56a4e32d3e936a25c62850d7"
