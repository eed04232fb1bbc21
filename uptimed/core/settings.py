"""A whole configuration as plain values, for whoever runs, reports or explains.

The configuration file becomes these; nothing here knows of files, TOML or how it was checked.
Durations are whole microseconds; paths are absolute, as text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, tzinfo

from uptimed.core.observations import SECOND
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract as it was read: its terms of availability, and what it says of support."""

    terms: ContractTerms
    support: SupportTerms


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
    """

    id: str
    name: str
    contract: ContractTerms
    support: SupportTerms
    language: str
    zone_name: str
    zone: tzinfo
    zone_overridden: bool = False
    recipients: tuple[str, ...] = ()
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
    journal holds a demonstration's made-up history: everything drawn from it says so.
    """

    journal_path: str
    vantage: str
    references: tuple[str, ...] = ()
    clients: tuple[ClientSettings, ...] = ()
    listen_metrics: Listen | None = Listen(host="127.0.0.1", port=9464)
    retention_days: int = DEFAULT_RETENTION_DAYS
    seal_after_us: int = DEFAULT_SEAL_AFTER_US
    made_up: bool = False
    heartbeat: Heartbeat | None = None
    influxdb: Influx | None = None
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
