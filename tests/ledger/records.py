"""Records drawn for the tests of the ledger: a client, its service, a journal in memory."""

from collections.abc import Iterable
from datetime import date

from tests.core.drawing import contract_terms, watch_terms
from tests.fakes import FakeJournal
from uptimed.core.minutes import Minute, day_of
from uptimed.core.observations import Attempt
from uptimed.core.settings import ClientSettings, ServiceSettings
from uptimed.core.strip import Strip
from uptimed.core.support import SupportTerms
from uptimed.core.targets import (
    Account,
    Expectation,
    HttpTarget,
    LoginTarget,
    ProbeSettings,
    Secret,
    SecretPlace,
    Target,
)
from uptimed.core.terms import (
    AgreementTerms,
    ContractTerms,
    Maintenance,
    ProbeTerms,
    Role,
    WatchTerms,
)
from uptimed.ports import ConfigRecord, Seal


def service(
    watch: WatchTerms | None = None,
    *,
    since: Minute | None = None,
    until: Minute | None = None,
    maintenance: tuple[Maintenance, ...] = (),
) -> ServiceSettings:
    """Return the service `crm` as it is watched; by its front page if nothing else is said."""
    terms = watch or watch_terms()
    return ServiceSettings(
        id="crm",
        name="CRM",
        client="acme",
        probes=tuple(_probe(p) for p in terms.probes),
        watch=terms,
        agreement=AgreementTerms(service="crm", since=since, until=until, maintenance=maintenance),
    )


def _probe(terms: ProbeTerms) -> ProbeSettings:
    target: Target = HttpTarget(url="https://crm.example/")
    if terms.role is Role.LOGIN:
        account = Account(username="probe", password=Secret(SecretPlace.ENV, "PASSWORD"))
        target = LoginTarget(
            preset="vtiger", base_url="https://crm.example", accounts=(account,) * terms.accounts
        )
    return ProbeSettings(
        id=terms.id,
        role=terms.role,
        kind=terms.kind,
        target=target,
        expect=Expectation(),
        interval=terms.interval,
    )


def client(*services: ServiceSettings, contract: ContractTerms | None = None) -> ClientSettings:
    """Return the client of *services*, in the contract's zone."""
    terms = contract or contract_terms()
    return ClientSettings(
        id="acme",
        name="ACME",
        contract=terms,
        support=SupportTerms(),
        language="en",
        zone_name=terms.zone_name,
        zone=terms.zone,
        services=services or (service(),),
    )


def journal(
    *strips: Strip,
    attempts: Iterable[Attempt] = (),
    terms: WatchTerms | None = None,
    configs: Iterable[ConfigRecord] = (),
    sealed: Iterable[date] = (),
) -> FakeJournal:
    """Return a journal with *strips* laid down as letters judged under *terms*."""
    digest = (terms or watch_terms()).digest()
    found = FakeJournal()
    found.known = {(a.service, a.probe, a.vantage, a.at, a.account): a for a in attempts}
    for strip in strips:
        minutes = range(strip.start, strip.stop)
        found.laid.setdefault("crm", {}).update(zip(minutes, strip.letters, strict=True))
        found.digests |= {("crm", day_of(Minute(m))): digest for m in minutes}
    found.config_records = list(configs)
    found.sealed = {
        ("crm", day): Seal(service="crm", day=day, record="{}", sha256="") for day in sealed
    }
    return found


def recorded(terms: WatchTerms, since: Minute) -> ConfigRecord:
    """Return what the daemon writes when *terms* come into force."""
    return ConfigRecord(
        service=terms.service, since=since, sha256=terms.digest(), canonical=terms.canonical()
    )
