"""A whole configuration as plain values, for whoever runs, reports or explains.

The configuration file becomes these; nothing here knows of files, TOML or how it was checked.
Durations are whole microseconds; paths are absolute, as text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, tzinfo
from enum import StrEnum

from uptimed.core.observations import SECOND
from uptimed.core.reporting import DEFAULT_HOLD, HOUSE_REPORT_DUE, ReportDue
from uptimed.core.support import SupportTerms
from uptimed.core.targets import (
    HttpTarget,
    LoginTarget,
    ProbeSettings,
    Secret,
)
from uptimed.core.terms import AgreementTerms, ContractTerms, WatchTerms

DEFAULT_RETENTION_DAYS = 400
DEFAULT_SEAL_AFTER_US = 6 * 3600 * SECOND
DEFAULT_SETTLE_AFTER_US = 60 * SECOND  # looks take up to 55 s, and some seconds to come here
DEFAULT_GATHER_EVERY_US = 10 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract as it was read: its terms of availability, and what it says of support."""

    terms: ContractTerms
    support: SupportTerms
    report: ReportDue = HOUSE_REPORT_DUE


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """One system under agreement for one client.

    *starts* and *ends* (exclusive) are the agreement's local dates; None is open.
    """

    id: str
    name: str
    client: str
    probes: tuple[ProbeSettings, ...]
    watch: WatchTerms
    agreement: AgreementTerms
    platform: str = ""
    stage: str = "production"
    starts: date | None = None
    ends: date | None = None

    def probe(self, probe_id: str) -> ProbeSettings:
        """Return the probe of that id. Raise KeyError where there is none."""
        for probe in self.probes:
            if probe.id == probe_id:
                return probe
        raise KeyError(probe_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """A client: whom the month report is for.

    *contract* carries the zone in force: where the client has a zone of its own, it is that one.
    *zone_overridden* says so. *language* is the client's, which may differ from the contract's.
    *calendar_path* is the file of its approved holidays, whether it is there or not; empty where
    the contract names no set of them.
    *plan* is the id of what was bought, "" where the contract has no plans.
    *report* is when the month's report is due. *notices* are what the client is told of by mail
    besides: `outage`.
    """

    id: str
    name: str
    contract: ContractTerms
    support: SupportTerms
    language: str
    zone_name: str
    zone: tzinfo
    zone_overridden: bool = False
    calendar_path: str = ""
    plan: str = ""
    recipients: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    report: ReportDue = HOUSE_REPORT_DUE
    logo: str = ""
    colour: str = ""
    services: tuple[ServiceSettings, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """An address to serve on."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A dead man's switch outside: a URL that is called while the daemon is well."""

    url: str | Secret
    every_us: int = 60 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Influx:
    """Where looks and letters go besides the journal: InfluxDB 2, or what speaks its API.

    *token* is None for a server that asks for none. *batch_size* is how many points a request has
    at most. *timeout_us* is for a whole request, *connect_timeout_us* for reaching the server.
    *ca_file* is trusted instead of the system's authorities.

    With *settle* the looks of other vantages are read from there, every *gather_every_us*, and a
    minute waits for them at most *settle_after_us* after its end.
    """

    url: str
    org: str
    bucket_looks: str = "uptimed_looks"
    bucket_letters: str = "uptimed_letters"
    token: Secret | None = None
    ca_file: str = ""
    batch_size: int = 5000
    timeout_us: int = 30 * SECOND
    connect_timeout_us: int = 5 * SECOND
    settle: bool = True
    settle_after_us: int = DEFAULT_SETTLE_AFTER_US
    gather_every_us: int = DEFAULT_GATHER_EVERY_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where events of incidents are posted, and the *secret* that signs them.

    A URL that holds a secret is given as the place where it is kept.
    """

    urls: tuple[str | Secret, ...]
    secret: Secret
    timeout_us: int = 10 * SECOND


class Security(StrEnum):
    """How the way to the mail server is protected."""

    STARTTLS = "starttls"  # asked for, and nothing is sent without it
    TLS = "tls"  # from the first byte on
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """Where mail is handed over, and what is held back.

    *sender* is the address in `From` and of the envelope; *reply_to* is empty where it is the
    same. *hold* are the reasons to wait for a person's approval. A report is overdue so long after
    it was due as *overdue_after_us*; trying to send goes on for *give_up_after_us*. *timeout_us*
    is for each step of the dialogue. *ca_file* is trusted instead of the system's authorities.
    """

    host: str
    port: int
    sender: str
    security: Security = Security.STARTTLS
    username: str = ""
    password: Secret | None = None
    ca_file: str = ""
    reply_to: str = ""
    hold: tuple[str, ...] = DEFAULT_HOLD
    overdue_after_us: int = 24 * 3600 * SECOND
    give_up_after_us: int = 120 * 3600 * SECOND
    timeout_us: int = 60 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """The Alertmanagers that alerts are pushed to, each of them all.

    *username* goes with *password*; *token* is a bearer's and takes their place. *runbook_url* and
    *generator_url* are what links in a page begin with and lead to; the latter may be empty.
    *ca_file* is trusted instead of the system's authorities. *timeout_us* is for a whole request.
    """

    urls: tuple[str, ...]
    username: str = ""
    password: Secret | None = None
    token: Secret | None = None
    ca_file: str = ""
    timeout_us: int = 10 * SECOND
    runbook_url: str = "docs/"
    generator_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who runs the monitor and signs the reports."""

    name: str = ""
    contact: str = ""
    logo: str = ""
    colour: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logging:
    """How much is logged, and as what: *format* is `text`, `json`, or `auto`.

    `auto` is text on a terminal and JSON otherwise.
    """

    level: str = "info"
    format: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A whole configuration.

    *references* are the URLs (`https`, `http`, `tcp`) that tell a fault of the targets from one of
    our own network. *listen_metrics* is None where metrics are not served. *made_up* says that the
    journal holds a demonstration's made-up history: everything drawn from it says so. *seals* says
    whether days are sealed here.
    """

    journal_path: str
    vantage: str
    references: tuple[str, ...] = ()
    clients: tuple[ClientSettings, ...] = ()
    listen_metrics: Listen | None = Listen(host="127.0.0.1", port=9464)
    retention_days: int = DEFAULT_RETENTION_DAYS
    seal_after_us: int = DEFAULT_SEAL_AFTER_US
    seals: bool = True
    made_up: bool = False
    heartbeat: Heartbeat | None = None
    influxdb: Influx | None = None
    alertmanager: Alerting | None = None
    mail: Mailing | None = None
    webhook: Webhook | None = None
    operator: Operator = Operator()
    logging: Logging = Logging()

    @property
    def services(self) -> tuple[ServiceSettings, ...]:
        """Return the services of all clients, in the order they were written."""
        return tuple(service for client in self.clients for service in client.services)

    def client(self, client_id: str) -> ClientSettings:
        """Return the client of that id. Raise KeyError where there is none."""
        for client in self.clients:
            if client.id == client_id:
                return client
        raise KeyError(client_id)

    def service(self, service_id: str) -> ServiceSettings:
        """Return the service of that id. Raise KeyError where there is none."""
        for service in self.services:
            if service.id == service_id:
                return service
        raise KeyError(service_id)

    def client_of(self, service_id: str) -> ClientSettings:
        """Return the client whose service that is. Raise KeyError where there is none."""
        return self.client(self.service(service_id).client)


def secrets_of(settings: Settings) -> tuple[Secret, ...]:
    """Return every secret that *settings* refers to, each once, in the order they were written."""
    found = list(_global_secrets(settings))
    for service in settings.services:
        for probe in service.probes:
            found.extend(probe_secrets(probe))
    return tuple(dict.fromkeys(found))


def probe_secrets(probe: ProbeSettings) -> tuple[Secret, ...]:
    """Return the secrets that *probe* uses, in the order they were written."""
    match probe.target:
        case LoginTarget(accounts=accounts):
            return tuple(s for a in accounts for s in (a.password, *a.secrets.values()))
        case HttpTarget(header_secrets=secrets):
            return tuple(secrets.values())
        case _:
            return ()


def _global_secrets(settings: Settings) -> Iterator[Secret]:
    if settings.heartbeat is not None and isinstance(settings.heartbeat.url, Secret):
        yield settings.heartbeat.url
    if settings.influxdb is not None and settings.influxdb.token is not None:
        yield settings.influxdb.token
    if settings.alertmanager is not None:
        for secret in (settings.alertmanager.password, settings.alertmanager.token):
            if secret is not None:
                yield secret
    if settings.mail is not None and settings.mail.password is not None:
        yield settings.mail.password
    if settings.webhook is not None:
        yield settings.webhook.secret
        yield from (url for url in settings.webhook.urls if isinstance(url, Secret))
