"""What a probe looks at and what it wants to see, as values.

Secrets are not values of this kind: a `Secret` says where one is kept, and is read at use.
Durations are whole microseconds; sizes are bytes.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum

from uptimed.core.observations import SECOND
from uptimed.core.terms import Role, canonical_json

DEFAULT_BODY_LIMIT = 256 * 1024
DEFAULT_TIMEOUT_US = 10 * SECOND
DEFAULT_GAP_US = 5 * SECOND


class SecretPlace(StrEnum):
    """Where a secret is kept."""

    ENV = "env"
    FILE = "file"
    CREDENTIAL = "credential"  # systemd credentials: a file in $CREDENTIALS_DIRECTORY


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is kept; never the secret."""

    place: SecretPlace
    name: str


class IpFamily(StrEnum):
    """Which addresses of a name are used."""

    ANY = "any"
    IPV4 = "ipv4"
    IPV6 = "ipv6"


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonWant:
    """A comparison of the value at a JSON pointer (RFC 6901) with a wanted one.

    *op* is one of `==`, `!=`, `<`, `<=`, `>`, `>=`, `exists`, `absent`, `contains`.
    """

    pointer: str
    op: str = "exists"
    value: str | int | bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What an answer must be. *statuses* are inclusive ranges.

    *broken* are texts that mean a broken system whatever the status. *max_time_us* fails the look;
    a pass slower than the probe's `slow_after` only degrades the minute.
    """

    statuses: tuple[tuple[int, int], ...] = ((200, 299),)
    contains: tuple[str, ...] = ()
    not_contains: tuple[str, ...] = ()
    matches: str = ""
    json: tuple[JsonWant, ...] = ()
    max_time_us: int | None = None
    broken: tuple[str, ...] = ()
    certificate_days: int | None = None  # a certificate that expires sooner fails the look
    records: tuple[str, ...] = ()  # DNS: each must be among the answers


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsOptions:
    """Whom to trust and who to be. *ca_file* replaces the system's trust store."""

    ca_file: str = ""
    client_certificate: str = ""
    client_key: str = ""
    server_name: str = ""  # SNI and name to verify, when it is not the host
    verify: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTarget:
    """One HTTP request. *header_secrets* are headers whose whole value is a secret.

    With *follow* "same_origin" a redirect is followed to the same scheme, host and port only;
    "any" follows anywhere that is public; "none" follows nothing. *private* says that the
    configured host itself may be (or resolve to) a private, loopback or link-local address.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    header_secrets: Mapping[str, Secret] = field(default_factory=dict)
    body: str = ""
    family: IpFamily = IpFamily.ANY
    follow: str = "same_origin"
    max_redirects: int = 5
    proxy: str = ""
    body_limit: int = DEFAULT_BODY_LIMIT
    tls: TlsOptions = TlsOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpTarget:
    """One TCP connection; where *send* or *expect* is given, one exchange on it."""

    host: str
    port: int
    family: IpFamily = IpFamily.ANY
    send: str = ""
    expect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsTarget:
    """One TLS handshake: chain, name and expiry of the certificate."""

    host: str
    port: int
    family: IpFamily = IpFamily.ANY
    tls: TlsOptions = TlsOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsTarget:
    """One query. *server* is "" for the system's resolvers, else an address with optional port."""

    name: str
    record: str = "A"
    server: str = ""
    port: int = 53


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Credentials of a login probe, told by their place in its list from 1."""

    username: str
    password: Secret
    secrets: Mapping[str, Secret] = field(default_factory=dict)  # what else its flow needs


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginTarget:
    """A login flow (a preset's name or the path of a flow file) against one system.

    *min_interval* is how many minutes the system wants between two looks, whatever they said.
    """

    preset: str
    base_url: str
    accounts: tuple[Account, ...]
    login_every: int = 5  # minutes
    max_rejected_per_hour: int = 3
    min_interval: int = 1
    family: IpFamily = IpFamily.ANY
    tls: TlsOptions = TlsOptions()
    settings: Mapping[str, str] = field(default_factory=dict)  # what the flow lets one override


Target = HttpTarget | TcpTarget | TlsTarget | DnsTarget | LoginTarget
_Fielded = Target | Expectation | TlsOptions | JsonWant


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSettings:
    """A probe: what it looks at, what it wants, how often and how patiently.

    *interval* is whole minutes; *slow_after_us* is None where nothing is slow.
    """

    id: str
    role: Role
    kind: str
    target: Target
    expect: Expectation
    interval: int = 1
    attempts: int = 3
    timeout_us: int = DEFAULT_TIMEOUT_US
    gap_us: int = DEFAULT_GAP_US
    slow_after_us: int | None = None
    runbook: str = ""


_TOLD_IN_WORDS: Mapping[type[Target], frozenset[str]] = {
    HttpTarget: frozenset({"url"}),
    TcpTarget: frozenset({"host", "port"}),
    TlsTarget: frozenset({"host", "port"}),
    DnsTarget: frozenset({"name", "record"}),
    LoginTarget: frozenset({"accounts", "base_url", "preset"}),
}


def looks_at(probe: ProbeSettings) -> str:
    """Return in words what *probe* looks at, without a query or anything secret."""
    match probe.target:
        case HttpTarget(url=url):
            return url.split("?", 1)[0].split("#", 1)[0]
        case TcpTarget(host=host, port=port) | TlsTarget(host=host, port=port):
            return f"{host}:{port}"
        case DnsTarget(name=name, record=record):
            return f"{name} {record}"
        case LoginTarget(base_url=url, preset=preset):
            return f"{url} ({preset})"


def manner(probe: ProbeSettings) -> str:
    """Return a digest, SHA-256 in hex, of how *probe* asks and what it wants to see.

    What `looks_at` tells is not in it, nor whose account it is, where secrets are kept, and what is
    as it is by default: a setting that a later version brings changes no digest.
    """
    words = _TOLD_IN_WORDS[type(probe.target)]
    target = {name: held for name, held in _fields(probe.target) if name not in words}
    if isinstance(probe.target, HttpTarget):
        target["query"] = probe.target.url.removeprefix(looks_at(probe))
    told = {
        "expect": dict(_fields(probe.expect)), "gap_us": probe.gap_us, "target": target,
        "timeout_us": probe.timeout_us,
    }  # fmt: skip
    return hashlib.sha256(canonical_json(told).encode()).hexdigest()


def _fields(value: _Fielded) -> Iterator[tuple[str, object]]:
    """Yield what a dataclass holds that is not as it is by default, as JSON can hold it."""
    for name, usual in _USUAL[type(value)]:
        held = getattr(value, name)
        if held != usual:
            yield name, _told(held)


def _told(value: object) -> object:
    if isinstance(value, TlsOptions | JsonWant):
        return dict(_fields(value))
    if isinstance(value, Mapping):
        return {name: None if isinstance(held, Secret) else held for name, held in value.items()}
    if isinstance(value, tuple):
        return [_told(held) for held in value]
    return value


def _usual(kind: type[_Fielded]) -> Iterator[tuple[str, object]]:
    for f in fields(kind):
        yield f.name, f.default if f.default_factory is MISSING else f.default_factory()


_USUAL = {
    kind: tuple(_usual(kind)) for kind in (*_TOLD_IN_WORDS, Expectation, TlsOptions, JsonWant)
}
"""The fields of each, and what they are where nothing was given."""


BROKEN_TEXTS: tuple[str, ...] = (
    "Fatal error:",
    "<b>Fatal error</b>:",
    "Uncaught ",
    "Parse error:",
    "<b>Parse error</b>:",
    "mysqli_sql_exception",
    "SQLSTATE[",
    "Could not connect to the database. Please refer to suitecrm.log",
    "Database failure. Please refer to suitecrm.log",
    "Composer autoloader not found",
    "Not A Valid Entry Point",
    "Sorry! Attempt to access restricted file.",
    "An Error Occurred: Internal Server Error",
    "Server Error (500)",
    "Error establishing a database connection",
    "Allowed memory size of",
    "Down for maintenance",
)
"""Texts of error pages that CRM and PIM systems serve with whatever status, 200 included."""

BROKEN_LOCATIONS: tuple[str, ...] = ("install.php", "module=Install")
"""Redirects of a system that has lost its configuration."""
