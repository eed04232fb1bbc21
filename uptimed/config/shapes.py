"""The tables of a configuration file: which keys each has, how they are read, their defaults.

What is said here is about one key at a time; rules between keys are in `building`.
"""

from datetime import date
from functools import partial
from typing import Annotated

from pydantic import BeforeValidator, Field

from uptimed.config import values
from uptimed.config.checking import Shape, read, required
from uptimed.config.mistakes import Wrong, kind_of, one_of, show
from uptimed.core.minutes import MINUTE, MINUTES_PER_DAY
from uptimed.core.observations import SECOND, Instant
from uptimed.core.reporting import DEFAULT_HOLD, HOLDS, HOUSE_REPORT_DUE
from uptimed.core.settings import (
    DEFAULT_GATHER_EVERY_US,
    DEFAULT_RETENTION_DAYS,
    DEFAULT_SEAL_AFTER_US,
    DEFAULT_SETTLE_AFTER_US,
    Security,
)
from uptimed.core.targets import (
    BROKEN_TEXTS,
    DEFAULT_BODY_LIMIT,
    DEFAULT_GAP_US,
    DEFAULT_TIMEOUT_US,
    IpFamily,
    Secret,
)
from uptimed.core.terms import Role

LANGUAGES = ("en", "es", "ru")
STAGES = ("production", "test", "demo", "acceptance")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
RECORDS = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")
OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "exists", "absent", "contains")
ROLES = tuple(Role)
SECURITIES = tuple(Security)
NOTICES = ("outage",)
_HEADER_HINT = '; a header may hold a secret: headers = { Authorization = { env = "NAME" } }'


def _choice(*choices: str) -> object:
    return read(partial(values.choice, choices=choices))


def _texts(value: object) -> tuple[str, ...]:
    """Read a text or a list of them, to be looked for in an answer."""
    items = value if isinstance(value, list) else [value]
    for item in items:
        if not isinstance(item, str):
            raise Wrong(kind_of(item), "a text or a list of texts")
        if not item:
            raise Wrong("an empty text", "a text: the empty one is everywhere")
    return tuple(items)


def _broken(value: object) -> tuple[str, ...]:
    if value is False:
        return ()
    if value is True or not isinstance(value, list):
        raise Wrong(show(value), "false, or a list of texts instead of the default ones")
    return _texts(value)


def _json_value(value: object) -> str | int | bool:
    if isinstance(value, str | int):
        return value
    raise Wrong(show(value), "a string, an integer, true or false")


def _need(value: object) -> str | int:
    if isinstance(value, str) and value in {"all", "any"}:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise Wrong(show(value), '"all", "any" or a number from 1')


def _header_value(value: object) -> str | Secret:
    if isinstance(value, str):
        return values.header_value(value)
    return values.secret(value)


def _secret_url(value: object) -> str | Secret:
    return values.secret(value) if isinstance(value, dict) else values.url(value)


def _listen(value: object) -> tuple[str, int] | None:
    if value is False:
        return None
    return values.host_and_port(value, lowest_port=0)  # 0 takes any free one, which the log tells


def _proxy(value: object) -> str:
    return values.url(value, ("http", "https"))


def _server_url(value: object) -> str:
    found = values.url(value)
    if "?" in found:
        raise Wrong(
            "a URL with a query (?)", "a URL without one: organisation and buckets are keys"
        )
    return found.rstrip("/")


def _alertmanager_url(value: object) -> str:
    hint = ": username and password are keys"
    found = values.url(value, hint=hint).rstrip("/")
    if "?" in found:
        raise Wrong("a URL with a query (?)", "a URL without one")
    if found.endswith(("/api/v1/alerts", "/api/v2/alerts", "/api/v1", "/api/v2")):
        raise Wrong("a URL with the path of the API", "the URL before /api: it is added")
    return found


def _link(value: object) -> str:
    return values.url(value) if value else ""


def _reference(value: object) -> str:
    return values.url(value, ("https", "http", "tcp"))


def _interval(value: object) -> int:
    return values.whole_minutes(value)


def _attempts(value: object) -> int:
    return values.integer(value, lowest=1, highest=10)


def _up_to(highest: int, *, lowest: int = 1) -> object:
    return read(partial(values.integer, lowest=lowest, highest=highest))


def _some_of(choices: tuple[str, ...]) -> object:
    """Read a list of some of *choices*; it may be empty."""

    def reader(value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise Wrong(kind_of(value), f"a list of {one_of(choices)}")
        return tuple(values.choice(item, choices) for item in value)

    return read(reader)


def _path(value: object) -> str:
    return values.text(value)


Text = Annotated[str, read(values.text)]
Body = Annotated[str, read(values.body_text)]
Id = Annotated[str, read(values.identifier)]
Duration = Annotated[int, read(values.duration_us)]
SomeDuration = Annotated[int, read(values.some_duration_us)]
Minutes = Annotated[int, read(_interval)]
Bool = Annotated[bool, read(values.boolean)]
TimeOfDay = Annotated[int, read(values.time_of_day)]
Path = Annotated[str, read(_path)]
Colour = Annotated[str, read(values.colour)]
Zone = Annotated[str, read(values.zone_name)]
Language = Annotated[str, _choice(*LANGUAGES)]
Url = Annotated[str, read(values.url)]
Proxy = Annotated[str, read(_proxy)]
Reference = Annotated[str, read(_reference)]
Mail = Annotated[str, read(values.address)]
Host = Annotated[str, read(values.host)]
Port = Annotated[int, read(values.port)]
SecretPlace = Annotated[Secret, read(values.secret)]
Moment = Annotated[Instant, read(values.moment)]
Day = Annotated[date, read(values.day)]
Texts = Annotated[tuple[str, ...], read(_texts)]
Days = Annotated[int, _up_to(3650, lowest=0)]
RoleName = Annotated[str, _choice(*ROLES)]


# The sections that a configuration has once.


class JournalShape(Shape):
    """Where the ledger is, and how long looks are kept."""

    path: Path = "uptimed.db"
    retention_days: Annotated[int, _up_to(36500, lowest=62)] = DEFAULT_RETENTION_DAYS
    seal_after: Annotated[
        int, read(partial(values.duration_up_to, highest=7 * MINUTES_PER_DAY * MINUTE))
    ] = DEFAULT_SEAL_AFTER_US
    seal: Bool = True
    made_up: Bool = False


class VantageShape(Shape):
    """The name of the place that this monitor looks from."""

    name: Id = "local"


class SelfCheckShape(Shape):
    """What tells a fault of the targets from one of our own network."""

    references: tuple[Reference, ...] = ()


class ListenShape(Shape):
    """What is served, and where."""

    metrics: Annotated[tuple[str, int] | None, read(_listen)] = ("127.0.0.1", 9464)


class HeartbeatShape(Shape):
    """A dead man's switch outside."""

    url: Annotated[str | Secret, read(_secret_url)] = required("a URL, or where it is kept")
    every: Minutes = 1


class InfluxShape(Shape):
    """Where looks and letters go besides the journal."""

    url: Annotated[str, read(_server_url)] = required("a URL such as https://influx.example:8086")
    org: Text = required("the organisation over there")
    bucket_looks: Text = "uptimed_looks"
    bucket_letters: Text = "uptimed_letters"
    token: SecretPlace | None = None
    ca_file: Path = ""
    batch_size: Annotated[int, _up_to(50_000)] = 5000
    timeout: SomeDuration = 30 * SECOND
    connect_timeout: SomeDuration = 5 * SECOND
    settle: Bool = True
    settle_after: Annotated[int, read(partial(values.duration_up_to, highest=10 * MINUTE))] = (
        DEFAULT_SETTLE_AFTER_US
    )
    gather_every: Annotated[
        int, read(partial(values.duration_up_to, highest=10 * MINUTE, lowest=SECOND))
    ] = DEFAULT_GATHER_EVERY_US


class MailShape(Shape):
    """Where mail is handed over."""

    host: Host = required("the name of the mail server")
    from_: Mail = required("the address that mails come from", alias="from")
    reply_to: Mail = ""
    security: Annotated[
        Security, read(lambda value: Security(values.choice(value, SECURITIES)))
    ] = Security.STARTTLS
    port: Port | None = None
    username: Text = ""
    password: SecretPlace | None = None
    ca_file: Path = ""
    allow_unencrypted: Bool = False
    timeout: SomeDuration = 60 * SECOND
    hold: Annotated[tuple[str, ...], _some_of(HOLDS)] = DEFAULT_HOLD
    overdue_after: Duration = 24 * 3600 * SECOND
    give_up_after: SomeDuration = 120 * 3600 * SECOND


class AlertmanagerShape(Shape):
    """Where alerts are pushed to."""

    urls: tuple[Annotated[str, read(_alertmanager_url)], ...] = required(
        'a list of URLs such as ["https://alertmanager.example:9093"]'
    )
    username: Text = ""
    password: SecretPlace | None = None
    token: SecretPlace | None = None
    ca_file: Path = ""
    timeout: SomeDuration = 10 * SECOND
    runbook_url: Text = "docs/"
    generator_url: Annotated[str, read(_link)] = ""


class WebhookShape(Shape):
    """Where events of incidents are posted."""

    urls: tuple[Annotated[str | Secret, read(_secret_url)], ...] = required(
        'a list of URLs such as ["https://desk.example/hooks/uptimed"]'
    )
    secret: SecretPlace = required(
        'what signs each post, such as { env = "UPTIMED_WEBHOOK_SECRET" }'
    )
    timeout: SomeDuration = 10 * SECOND


class OperatorShape(Shape):
    """Who runs the monitor."""

    name: Text = ""
    contact: Mail = ""
    logo: Path = ""
    colour: Colour = ""


class LogShape(Shape):
    """How much is logged, and as what."""

    level: Annotated[str, _choice("debug", "info", "warning", "error")] = "info"
    format: Annotated[str, _choice("auto", "text", "json")] = "auto"


# Clients and services.


class ReportDueShape(Shape):
    """When the report of a month is due, in the month that follows."""

    day: Annotated[int, _up_to(28)] = HOUSE_REPORT_DUE.day
    hour: TimeOfDay = HOUSE_REPORT_DUE.minute_of_day


class ClientShape(Shape):
    """A client, without its services and maintenance."""

    id: Id = required("the client's id")
    name: Text = required("the client's name, as it stands in the report")
    contract: Text = required("a preset's name or the path of a contract file")
    language: Language | None = None
    timezone: Zone | None = None
    calendar_file: Path = ""
    recipients: tuple[Mail, ...] = ()
    notices: Annotated[tuple[str, ...], _some_of(NOTICES)] = ()
    plan: Text = ""
    agreed: dict[str, dict[str, Text]] = {}
    report: ReportDueShape | None = None
    logo: Path = ""
    colour: Colour = ""


class ServiceShape(Shape):
    """A service, without its probes."""

    id: Id = required("the service's id")
    name: Text = required("the service's name, as it stands in the report")
    from_: Day | None = Field(default=None, alias="from")
    until: Day | None = None
    need: dict[RoleName, Annotated[str | int, read(_need)]] = {}
    vantages: tuple[Id, ...] | None = None
    min_vantages: Annotated[int, _up_to(1000)] | None = None
    platform: Text = ""
    stage: Annotated[str, _choice(*STAGES)] = "production"


class MaintenanceShape(Shape):
    """An announced window."""

    service: Text = required('a service of this client, or "*" for all of them')
    start: Moment = required("when it begins, such as 2026-10-11T02:00:00-05:00")
    end: Moment = required("when it ends, such as 2026-10-11T04:00:00-05:00")
    announced: Moment = required("when the client was told: without it, no window counts")
    reason: Text = required("what is done, in the client's words")


# Probes.


class JsonShape(Shape):
    """A comparison of the value at a JSON pointer."""

    pointer: Annotated[str, read(values.pointer)] = Field(description="a JSON pointer")
    op: Annotated[str, _choice(*OPERATORS)] = "exists"
    value: Annotated[str | int | bool | None, read(_json_value)] = None


class ExpectShape(Shape):
    """What every kind can expect."""

    max_time: SomeDuration | None = None


class HttpExpectShape(ExpectShape):
    """What an HTTP answer must be."""

    status: Annotated[tuple[tuple[int, int], ...], read(values.statuses)] = ((200, 299),)
    contains: Texts = ()
    not_contains: Texts = ()
    matches: Annotated[str, read(values.pattern)] = ""
    json_: tuple[JsonShape, ...] = Field(default=(), alias="json")
    broken: Annotated[tuple[str, ...], read(_broken)] = BROKEN_TEXTS
    certificate_days: Days | None = None


class TcpExpectShape(ExpectShape):
    """What a TCP peer must say."""

    text: Body = ""


class TlsExpectShape(ExpectShape):
    """What a certificate must be."""

    certificate_days: Days | None = None


class DnsExpectShape(ExpectShape):
    """What a DNS answer must hold."""

    records: Texts = ()


class LoginExpectShape(ExpectShape):
    """What a login must be, beside what its flow says."""

    broken: Annotated[tuple[str, ...], read(_broken)] = BROKEN_TEXTS
    certificate_days: Days | None = None


class ProbeShape(Shape):
    """What every probe has."""

    id: Id = required("the probe's id")
    role: Annotated[Role, read(lambda value: Role(values.choice(value, ROLES)))] = required(
        '"reach", "login" or "function"'
    )
    kind: Text = required('"http", "tcp", "tls", "dns" or "login"')
    interval: Minutes = 1
    attempts: Annotated[int, read(_attempts)] = 3
    timeout: SomeDuration = DEFAULT_TIMEOUT_US
    gap: Duration = DEFAULT_GAP_US
    slow_after: SomeDuration | None = None
    runbook: Url = ""


def _family(value: object) -> IpFamily:
    return IpFamily(values.choice(value, tuple(IpFamily)))


Family = Annotated[IpFamily, read(_family)]


class WithTls(Shape):
    """Whom to trust and who to be."""

    ca_file: Path = ""
    client_certificate: Path = ""
    client_key: Path = ""
    server_name: Host = ""
    verify: Bool = True


class HttpShape(ProbeShape, WithTls):
    """One HTTP request."""

    url: Annotated[str, read(partial(values.url, hint=_HEADER_HINT))] = required(
        "a URL such as https://crm.acme.example/"
    )
    method: Annotated[str, _choice(*METHODS)] = "GET"
    headers: dict[
        Annotated[str, read(lambda name: values.header_name(str(name)))],
        Annotated[str | Secret, read(_header_value)],
    ] = {}
    body: Body = ""
    family: Family = IpFamily.ANY
    follow: Annotated[str, _choice("same_origin", "any", "none")] = "same_origin"
    max_redirects: Annotated[int, _up_to(20)] = 5
    proxy: Proxy = ""
    body_limit: Annotated[int, read(values.size)] = DEFAULT_BODY_LIMIT
    expect: HttpExpectShape = HttpExpectShape()


def _tcp_expect(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


class TcpShape(ProbeShape):
    """One TCP connection."""

    host: Host = required("a host name or an address")
    port: Port = required("a port")
    family: Family = IpFamily.ANY
    send: Body = ""
    expect: Annotated[TcpExpectShape, BeforeValidator(_tcp_expect)] = TcpExpectShape()


class TlsShape(ProbeShape, WithTls):
    """One TLS handshake."""

    host: Host = required("a host name or an address")
    port: Port = 443
    family: Family = IpFamily.ANY
    expect: TlsExpectShape = TlsExpectShape()


class DnsShape(ProbeShape):
    """One DNS query."""

    name: Host = required("the name that is asked for")
    record: Annotated[str, _choice(*RECORDS)] = "A"
    server: Annotated[tuple[str, int], read(values.name_server)] = ("", 53)
    expect: DnsExpectShape = DnsExpectShape()


def _setting(value: object) -> str:
    """Read what a flow lets one override: a text, or a list of texts, which are its lines."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    if isinstance(value, str):
        return value
    raise Wrong(kind_of(value), "a string or a list of strings")


class AccountShape(Shape):
    """Credentials of a login probe."""

    username: Text = Field(description="the account's name")
    password: SecretPlace = Field(
        description='where it is kept: { env = "NAME" }, { file = "PATH" } '
        'or { credential = "NAME" }'
    )
    secrets: dict[str, SecretPlace] = {}


class LoginShape(ProbeShape, WithTls):
    """A login flow."""

    preset: Text = required("a flow that ships with uptimed, or the path of one")
    base_url: Url = required("a URL such as https://crm.acme.example")
    accounts: tuple[AccountShape, ...] = required("at least one account")
    secrets: dict[str, SecretPlace] = {}
    login_every: Minutes | None = None
    max_rejected_per_hour: Annotated[int, _up_to(60)] = 3
    family: Family = IpFamily.ANY
    settings: dict[str, Annotated[str, read(_setting)]] = {}
    expect: LoginExpectShape = LoginExpectShape()


KINDS: dict[str, type[ProbeShape]] = {
    "http": HttpShape,
    "tcp": TcpShape,
    "tls": TlsShape,
    "dns": DnsShape,
    "login": LoginShape,
}
