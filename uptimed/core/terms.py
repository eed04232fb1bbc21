"""What was agreed and what is watched, as values.

They come out of the configuration and go, in their canonical form, into the ledger: a letter is a
pure function of the looks and of the watch terms in force at its minute.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, tzinfo
from enum import StrEnum

from uptimed.core.minutes import Minute
from uptimed.core.observations import Instant

RULES_VERSION = 1
"""The version of the rules that make letters; every stored day names the one it was made with."""

PPM = 1_000_000
HOUSE_REFERENCE_PPM = 999_600


class Role(StrEnum):
    """What a probe's look says about the service."""

    REACH = "reach"
    LOGIN = "login"
    FUNCTION = "function"


class AttemptRule(StrEnum):
    """When the attempts of a look amount to a fail."""

    CONFIRMED = "confirmed"  # more attempts failed than passed
    ALL = "all"  # every measured attempt failed
    SINGLE = "single"  # the first measured attempt decides


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTerms:
    """What judging needs to know of a probe. *slow_after_us* is None where nothing is slow.

    *target* and *manner* decide no letter: they are on record so that whoever reads the letters
    knows what was looked at, and that it was the same all the time.
    """

    id: str
    role: Role
    kind: str
    interval: int = 1  # minutes
    attempts: int = 3
    slow_after_us: int | None = None
    accounts: int = 0  # how many accounts are configured
    target: str = ""  # what it looks at, in words; "" where that was not recorded yet
    manner: str = ""  # digest of how it asks and what it wants to see, "" as above


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTerms:
    """How the looks at one service become letters.

    *need* maps each role that has probes to how many of them must pass. *vantages* are those whose
    looks count; *min_vantages* of them must have measured a probe.
    """

    service: str
    probes: tuple[ProbeTerms, ...]
    need: Mapping[Role, int]
    vantages: tuple[str, ...]
    min_vantages: int
    attempt_rule: AttemptRule = AttemptRule.CONFIRMED
    rules: int = RULES_VERSION

    def canonical(self) -> str:
        """Return the terms as canonical JSON: sorted keys, no spaces, integers only.

        What was not recorded of a probe is left out: terms on record keep their digest.
        """
        told = asdict(self)
        for probe in told["probes"]:
            for name in ("target", "manner"):
                if not probe[name]:
                    del probe[name]
        return canonical_json(told)

    def digest(self) -> str:
        """Return the SHA-256 of the canonical form, in hex."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


def canonical_json(value: object) -> str:
    """Return *value* as JSON that anyone can make again: UTF-8, sorted keys, no spaces, no floats.

    Raises TypeError for a float: a figure that is hashed is an integer or a string. Keys are texts.
    """
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError(f"a float in canonical JSON: {value!r}")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a key that is no text in canonical JSON: {key!r}")
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)


def watch_terms_of(text: str) -> WatchTerms:
    """Read back what `WatchTerms.canonical` wrote."""
    raw = json.loads(text)
    return WatchTerms(
        service=raw["service"],
        probes=tuple(ProbeTerms(**{**p, "role": Role(p["role"])}) for p in raw["probes"]),
        need={Role(role): k for role, k in raw["need"].items()},
        vantages=tuple(raw["vantages"]),
        min_vantages=raw["min_vantages"],
        attempt_rule=AttemptRule(raw["attempt_rule"]),
        rules=raw["rules"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """An announced window [start, end) in which work was to be done.

    *recorded* is when it was entered by command: the notice counts from then as well. It is None
    for a window of the configuration, whose *announced* is the record. *id* names one that was
    entered. A *cancelled* window was taken back before it began; while it is *pending* the mail
    that announces it is on its way.
    """

    start: Instant
    end: Instant
    announced: Instant
    reason: str = ""
    recorded: Instant | None = None
    id: str = ""
    cancelled: bool = False
    pending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekHours:
    """Local windows [start, stop) per weekday, in minutes after midnight; stop <= 1440.

    Monday is 0; a weekday without windows is a day off. Local windows are expanded per local date
    to UTC. *holidays* are local dates without windows; *extra_days* map a local date to the weekday
    whose windows it has.
    """

    zone: tzinfo
    windows: Mapping[int, tuple[tuple[int, int], ...]]
    holidays: frozenset[date] = frozenset()
    extra_days: Mapping[date, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTerms:
    """The agreement's terms of availability. *hours* is None where it is promised 24x7.

    *sha256* is over the contract's canonical form; *source* names the document it was read from.
    *house* lists the keys whose values are house readings or defaults, not the document's words.
    *down* holds the letters that count as down, in the order D, L, G.
    """

    id: str
    version: str
    sha256: str
    zone_name: str
    zone: tzinfo
    language: str
    target_ppm: int
    target: str
    source: str = ""
    name: str = ""
    down: str = "DL"
    promised: bool = True
    attempt_rule: AttemptRule = AttemptRule.CONFIRMED
    min_consecutive: int = 1
    min_coverage_ppm: int = 999_000
    min_coverage: str = "99.9"
    excludes: tuple[str, ...] = ()
    maintenance_notice_us: int | None = None
    maintenance_cap: int | None = None  # minutes a month, the earliest first
    hours: WeekHours | None = None
    house: tuple[str, ...] = ()
    canonical: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementTerms:
    """What lies over one service's letters: its agreement's first and last minute, maintenance.

    *since* is the first minute in the agreement and *until* the first after it; None is open.
    """

    service: str
    since: Minute | None = None
    until: Minute | None = None
    maintenance: tuple[Maintenance, ...] = ()
