"""What an attempt saw, and what became of it: the vocabulary between looking and judging.

This module knows facts and their names. It does not know how they were obtained, nor what a
minute makes of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

Instant = NewType("Instant", int)
"""A moment, in whole microseconds since 1970-01-01T00:00:00Z."""

SECOND = 1_000_000  # in the unit of Instant


class Cause(StrEnum):
    """Why an attempt got no answer, or why its answer was not good enough.

    The vocabulary is closed: it is stored, exported and put in metric labels.
    """

    # No answer: what kept the connection or the reply from coming.
    DNS_NO_NAME = "dns_no_name"  # the name does not exist
    DNS_FAILED = "dns_failed"  # the name may exist, its servers do not answer
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_EXPIRED = "tls_expired"
    TLS_NAME = "tls_name"
    TLS_FAILED = "tls_failed"
    READ_TIMEOUT = "read_timeout"
    RESET = "reset"
    PROTOCOL = "protocol"  # bytes that are not the protocol
    REDIRECTS = "too_many_redirects"
    REDIRECT_REFUSED = "redirect_refused"  # another origin, or an address it may not lead to
    PROXY_FAILED = "proxy_failed"
    BODY_CODING = "body_coding"  # a content coding that cannot be undone, or a bomb

    # An answer that is not what was wanted.
    STATUS = "status"
    BODY = "body"  # a wanted text is missing, an unwanted one is there, a pattern or value differs
    BROKEN = "broken"  # the body shows a known error page, whatever the status
    TOO_SLOW = "too_slow"
    CERTIFICATE = "certificate"  # expires sooner than wanted
    RECORD = "record"  # a DNS answer without the wanted record

    # Logins.
    LOGIN_ERROR = "login_error"
    LOGIN_REJECTED = "login_rejected"
    LOGIN_BLOCKED = "login_blocked"
    LOGIN_MAINTENANCE = "login_maintenance"
    LOGIN_WAITING = "login_waiting"  # blocked without asking: the system or a budget says to wait
    ALL_REJECTED = "all_rejected"

    # Ours: never the target's fault.
    LOCAL_DNS = "local_dns"
    LOCAL_TRUST = "local_trust"
    LOCAL_NETWORK = "local_network"  # every reference failed too
    LOCAL_ADDRESS = "local_address"  # no address or route of this family here
    LOCAL_RESOURCES = "local_resources"  # no file descriptor, buffer or memory left here
    LOCAL_SECRET = "local_secret"  # a secret of the probe cannot be read
    LOOP_LAG = "loop_lag"
    CLOCK_STEP = "clock_step"
    CLOCK_OFF = "clock_off"
    STORE = "store"  # the journal could not be written
    BUG = "bug"
    STOPPED = "stopped"  # the monitor was stopped during the attempt


OURS = frozenset(
    {
        Cause.LOCAL_DNS,
        Cause.LOCAL_TRUST,
        Cause.LOCAL_NETWORK,
        Cause.LOCAL_ADDRESS,
        Cause.LOCAL_RESOURCES,
        Cause.LOCAL_SECRET,
        Cause.LOOP_LAG,
        Cause.CLOCK_STEP,
        Cause.CLOCK_OFF,
        Cause.STORE,
        Cause.BUG,
        Cause.STOPPED,
    }
)
"""Causes that are our own fault: an attempt with one of them is not measured, never failed."""


NO_ANSWER = frozenset(
    {
        Cause.DNS_NO_NAME,
        Cause.DNS_FAILED,
        Cause.REFUSED,
        Cause.UNREACHABLE,
        Cause.CONNECT_TIMEOUT,
        Cause.TLS_UNTRUSTED,
        Cause.TLS_EXPIRED,
        Cause.TLS_NAME,
        Cause.TLS_FAILED,
        Cause.READ_TIMEOUT,
        Cause.RESET,
        Cause.PROXY_FAILED,
    }
)
"""Causes of an attempt that got no answer from the target: it may be our own network's fault."""


class Phase(StrEnum):
    """A part of an attempt that is timed by itself."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    FIRST_BYTE = "first_byte"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The leaf certificate that the peer showed."""

    not_after: Instant
    not_before: Instant
    subject: str
    issuer: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The target answered. Nothing is said about whether the answer is good.

    *status* is an HTTP status, or None for protocols without one. *body* is bounded and decoded
    for matching; *records* are the textual answers of a DNS query. *trusted* says that the answer
    is certainly the target's own: over verified TLS, or plain from an address that its name
    resolves to and not through a proxy of ours.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    body_bytes: int = 0
    body_cut: bool = False
    body_sha256: str = ""
    location: str = ""
    redirects: tuple[str, ...] = ()  # the `Location` of each redirect that was followed, in order
    records: tuple[str, ...] = ()
    trusted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """The target did not answer, for one cause. *detail* is one line, fit for a pager."""

    cause: Cause
    detail: str


class LoginVerdict(StrEnum):
    """What the flow of a login says of it."""

    OK = "ok"
    REJECTED = "rejected"
    BLOCKED = "blocked"
    MAINTENANCE = "maintenance"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The target answered a login, and its flow said what the answers mean.

    *step* is the step that decided, *detail* one line that shows what was seen beside what was
    wanted, *marker* what matched. *waiting* says that nothing was asked, since the time for it has
    not come. *steps* are the requests that were made, with their durations in microseconds.
    *status*, *headers* and *body_sha256* are of the deciding answer. *trusted* is as in `Answer`.
    No text of it holds a secret.
    """

    verdict: LoginVerdict
    step: str = ""
    detail: str = ""
    marker: str = ""
    waiting: bool = False
    steps: tuple[tuple[str, int], ...] = ()
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body_sha256: str = ""
    trusted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The facts of one attempt: what came back, and how long each phase took.

    Durations are whole microseconds. *phases* has only the phases that were entered.
    *address* is the peer's address and port where known. *clock_offset* is the target's `Date`
    less our clock, in whole seconds, where the answer had one. *transcript* is the conversation,
    line by line and with every secret masked, where it was asked for.
    """

    outcome: Answer | NoAnswer | Login
    took_us: int
    phases: Mapping[Phase, int] = field(default_factory=dict)
    certificate: Certificate | None = None
    address: str = ""
    transcript: tuple[str, ...] = ()


class Outcome(StrEnum):
    """What an attempt amounts to."""

    PASS = "pass"
    FAIL = "fail"
    NOT_MEASURED = "not_measured"
    REJECTED = "rejected"  # login: the system works and says that the credentials are wrong
    BLOCKED = "blocked"  # login: locked, expired, unpaid, second factor, captcha, throttled
    MAINTENANCE = "maintenance"  # login: the system says that it is being worked on; a fail


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the facts of an attempt mean: pass, fail or not measured, and why in one line."""

    outcome: Outcome
    cause: Cause | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is kept of an attempt that did not pass, with every secret masked.

    *excerpt* is the first 2 KiB of the body; for a page behind a login it is empty, and only
    *sha256* and *marker* (what matched) are kept, since such a page may hold customers' data.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    excerpt: str = ""
    sha256: str = ""
    marker: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of one probe from one vantage, judged: what the ledger keeps.

    It is identified by service, probe, vantage, *at* and *account*. *look* is the start of the
    look's first attempt. *account* is the account's place in the probe's list from 1, or 0 for
    probes without accounts. *secret* is a keyed fingerprint of the credentials, or "" where they
    are not known (imported attempts). *took_us* is None where nothing was timed.
    """

    service: str
    probe: str
    vantage: str
    at: Instant
    look: Instant
    outcome: Outcome
    cause: str = ""
    detail: str = ""
    took_us: int | None = None
    account: int = 0
    secret: str = ""
    phases: Mapping[Phase, int] = field(default_factory=dict)
    certificate_expires: Instant | None = None
    evidence: Evidence | None = None
