"""A login flow, as values: what is asked, what is taken, and what each answer means.

A flow is data. It is read from a file elsewhere, and run elsewhere; here is what it may say, and
the arithmetic of what it may cost an account. A text that is marked as a template may have
`{{ ... }}` in it. Durations are whole minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from typing_extensions import override

from uptimed.core.targets import JsonWant

DEFAULT_FLOW_BODY_LIMIT = 1024 * 1024
"""Bytes of a page that are read: the largest home page of a CRM that was seen has 130 KB."""

_HOUR = 60  # minutes


@dataclass(frozen=True, slots=True)
class FlowMistake:
    """What is wrong in a flow file, at a dotted path of section, step and key."""

    key: str
    found: str
    wanted: str

    @override
    def __str__(self) -> str:
        return f"{self.key}: found {self.found}, wanted {self.wanted}"


class FlowError(Exception):
    """A flow cannot be used. Its text is one line per mistake; *file* is where they are."""

    def __init__(self, file: str, mistakes: tuple[FlowMistake, ...]) -> None:
        self.file = file
        self.mistakes = mistakes
        super().__init__("\n".join(f"{file}: {mistake}" for mistake in mistakes))


class Then(StrEnum):
    """What an answer of a step means."""

    OK = "ok"  # as it should be: go on
    REJECTED = "rejected"
    BLOCKED = "blocked"
    MAINTENANCE = "maintenance"
    ERROR = "error"
    REFUSED = "refused"  # nobody is signed in here: the session is not (or no longer) kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Something that an operator may set otherwise. *default* is None where it must be set."""

    about: str
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What an answer is like. All of it must hold; what is empty is not looked at.

    A marker (of *location*, *body*, *text*, *header*) is a template whose lines are texts of which
    one is enough; without a line it never holds. The *not_...* are the opposites.
    """

    statuses: tuple[tuple[int, int], ...] = ()
    not_statuses: tuple[tuple[int, int], ...] = ()
    location: str | None = None
    not_location: str | None = None
    location_matches: str | None = None
    body: str | None = None
    not_body: str | None = None
    body_matches: str | None = None
    text: str | None = None
    not_text: str | None = None
    css: str | None = None
    not_css: str | None = None
    json: tuple[JsonWant, ...] = ()
    not_json: tuple[JsonWant, ...] = ()
    header: Mapping[str, str] = field(default_factory=dict)
    not_header: Mapping[str, str] = field(default_factory=dict)
    cookie: str | None = None
    not_cookie: str | None = None
    empty: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an answer means, where *when* holds; None holds always.

    *next* is the step to go on with after `ok`, where it is not the following one. *spends* says
    that the system counts it among the failures that lock an account.
    """

    then: Then
    when: Condition | None = None
    why: str = ""
    next: str = ""
    spends: bool = False


class TakeKind(StrEnum):
    """Where a value is taken from."""

    CSS = "css"
    PATTERN = "pattern"
    JSON = "json"
    HEADER = "header"
    COOKIE = "cookie"
    FORM = "form"


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A value out of an answer; *source* is the selector, pattern, pointer or name.

    An empty value is none. A step whose value is missing is an error, unless *optional*: then it is
    "". A value that is not *public* is masked wherever it would be shown.
    """

    name: str
    kind: TakeKind
    source: str
    attribute: str = ""
    optional: bool = False
    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent. All texts are templates, and so are the names in *query* and *form*.

    *path* is below the base URL; *url* is resolved as a link on the page before. One of *form*,
    *json* and *body* at most is sent. *form_of* names a taken form whose fields are sent as well.
    """

    method: str = "GET"
    path: str | None = None
    url: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    form_of: str = ""
    json: object = None
    body: str | None = None
    follow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request and what its answers mean. *condition* is an expression, or ""."""

    id: str
    request: Request
    outcomes: tuple[Outcome, ...]
    takes: tuple[Take, ...] = ()
    condition: str = ""
    negated: bool = False  # the step is made unless *condition* holds, rather than if


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The call that says whether the system is well, without an account. Texts are templates."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    statuses: tuple[tuple[int, int], ...] = ((200, 299),)
    contains: tuple[str, ...] = ()
    not_contains: tuple[str, ...] = ()
    json: tuple[JsonWant, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lockout:
    """After *failures* within *window* minutes the system locks whoever made them."""

    failures: int
    window: int
    per: str = "account"
    by: str = ""  # who does so: the flow's title, where empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A login flow. *session* is the authenticated read, and the proof that ends a login.

    *about_username* and *about_password* say what is meant by an account's; "" where it has none.
    *login_every* and *min_interval* are minutes, None where the flow does not care.
    """

    id: str
    title: str
    version: str
    file: str
    session: tuple[Step, ...]
    login: tuple[Step, ...] = ()
    logout: tuple[Step, ...] = ()
    settings: Mapping[str, Setting] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)  # name -> what it is
    about_username: str = ""
    about_password: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    health: Health | None = None
    unknown: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    min_interval: int | None = None
    login_every: int | None = None
    lockout: Lockout | None = None
    body_limit: int = DEFAULT_FLOW_BODY_LIMIT


def failures_at_most(window: int, *, max_rejected_per_hour: int, interval: int) -> int:
    """Return how many failures one account can make within any *window* minutes.

    A rejected account is tried once a look, every *interval* minutes at most, and no more often
    than *max_rejected_per_hour* in any hour.
    """
    looks = (window - 1) // interval + 1
    return min(looks, max_rejected_per_hour * -(-window // _HOUR))


@dataclass(frozen=True, slots=True)
class Spending:
    """What a configuration may cost an account, in one sentence; *locks* where it is too much."""

    sentence: str
    locks: bool


def spending(
    flow: Flow, *, max_rejected_per_hour: int, interval: int, accounts: int, vantages: int = 1
) -> Spending | None:
    """Return how much of what locks an account this configuration can spend, None if unknown.

    Each account is counted by itself where the system counts by account; every vantage has a
    budget of its own. Where the system counts by address, the accounts add up.
    """
    lockout = flow.lockout
    if lockout is None:
        return None
    most = failures_at_most(
        lockout.window, max_rejected_per_hour=max_rejected_per_hour, interval=interval
    )
    by_address = "address" in lockout.per and "account" not in lockout.per
    most *= accounts if by_address else 1
    most *= vantages if "address" not in lockout.per else 1
    by = lockout.by or flow.title
    sentence = (
        f"this configuration can spend at most {most} of the {lockout.failures} failures "
        f"{by} allows in {_span(lockout.window)} per {lockout.per}"
    )
    return Spending(sentence, locks=most >= lockout.failures)


def _span(minutes: int) -> str:
    if minutes % _HOUR == 0:
        hours = minutes // _HOUR
        return "an hour" if hours == 1 else f"{hours} hours"
    return "a minute" if minutes == 1 else f"{minutes} minutes"
