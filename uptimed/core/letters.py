"""From what holds in a minute to its letter: vantages, groups, the order of the letters.

Vantages are merged per probe, before groups. A group is the probes of one role. The letter follows
from the groups in a fixed order: unreachable is down, whatever the login says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from uptimed.core.looks import (
    BLOCKED,
    FAILED,
    PASSED,
    REJECTED,
    SLOW,
    UNMEASURED,
    hold,
    looks_of,
)
from uptimed.core.minutes import MINUTE, Minute
from uptimed.core.observations import Attempt
from uptimed.core.strip import (
    DEGRADED,
    LOGIN_FAILURE,
    NOT_MEASURED,
    SYSTEM_DOWN,
    UP,
    Strip,
)
from uptimed.core.terms import Role, WatchTerms

LOOKBACK_FOR_SECRETS = 66
"""Minutes before a stretch whose passes may decide a rejected login in it: the hour in which they
count, and what lies at most between the start of a look and its last attempt."""


class State(StrEnum):
    """What the probes of a role say together."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "not_measured"
    ABSENT = "absent"  # the role has no probes: never down and never measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """One probe's minute over all vantages. *dissent* tells that measured vantages disagreed."""

    status: str
    reached: bool = False  # a login that passed, was rejected or was blocked reached the system
    dissent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A minute's letter and every step to it, for those who ask why."""

    letter: str
    unverified: bool
    probes: Mapping[str, Merged]
    groups: Mapping[Role, State]
    stood_in: bool  # the login stood in for a reach that was not measured
    rule: str

    @property
    def mark(self) -> str:
        """Return the letter, in lower case when it is unverified."""
        return self.letter.lower() if self.unverified else self.letter


def merge_vantages(statuses: str, min_vantages: int) -> Merged:
    """Merge what holds at each vantage, a character each, into what holds for the probe.

    Of the vantages that passed or failed: fewer than *min_vantages* is not measured, a strict
    majority decides, a tie is disputed and not measured.
    """
    passed = sum(statuses.count(s) for s in (PASSED, SLOW))
    failed = statuses.count(FAILED)
    answered = passed + statuses.count(REJECTED) + statuses.count(BLOCKED)
    return Merged(
        status=_majority(statuses, passed, failed, min_vantages),
        reached=answered + failed >= min_vantages and answered > failed,
        dissent=passed > 0 and failed > 0,
    )


def _majority(statuses: str, passed: int, failed: int, min_vantages: int) -> str:
    if passed + failed < min_vantages or passed == failed:
        return next((s for s in (REJECTED, BLOCKED) if s in statuses), UNMEASURED)
    if failed > passed:
        return FAILED
    return SLOW if 2 * statuses.count(SLOW) > passed else PASSED


def group_state(statuses: Iterable[str], need: int) -> State:
    """Return what a role's merged probes say when *need* of them must pass."""
    seen = list(statuses)
    if not seen:
        return State.ABSENT
    passing = sum(1 for s in seen if s in {PASSED, SLOW})
    failing = seen.count(FAILED)
    if passing >= need:
        return State.UP
    if len(seen) - failing < need:
        return State.DOWN
    return State.UNKNOWN


def judge_minute(held: Mapping[str, str], terms: WatchTerms) -> Judgement:
    """Return the letter of a minute and the steps to it.

    *held* has for each probe what holds at each of the service's vantages, a character each, in
    their order.
    """
    merged = {p.id: merge_vantages(held[p.id], terms.min_vantages) for p in terms.probes}
    groups = {role: _group(role, merged, terms) for role in Role}
    reach, login = groups[Role.REACH], groups[Role.LOGIN]
    stood_in = reach in {State.UNKNOWN, State.ABSENT} and any(
        merged[p.id].reached for p in terms.probes if p.role is Role.LOGIN
    )
    slow = any(m.status == SLOW for m in merged.values())
    letter, rule = _letter(reach, login, groups[Role.FUNCTION], stood_in=stood_in, slow=slow)
    unverified = login is State.UNKNOWN and letter in {UP, DEGRADED}
    return Judgement(
        letter=letter,
        unverified=unverified,
        probes=merged,
        groups=groups,
        stood_in=stood_in,
        rule=rule,
    )


def _group(role: Role, merged: Mapping[str, Merged], terms: WatchTerms) -> State:
    return group_state(
        (merged[p.id].status for p in terms.probes if p.role is role), terms.need.get(role, 1)
    )


def _letter(
    reach: State, login: State, function: State, *, stood_in: bool, slow: bool
) -> tuple[str, str]:
    if reach is State.DOWN:
        return SYSTEM_DOWN, "reach is down"
    if login is State.DOWN:
        return LOGIN_FAILURE, "login is down and reach is not"
    if reach is not State.UP and login is not State.UP and not stood_in:
        return NOT_MEASURED, "neither reach nor login was measured"
    if function is State.DOWN:
        return DEGRADED, "users get in, a function is down"
    if slow:
        return DEGRADED, "users get in, a passing probe was slow"
    return UP, "users get in"


@dataclass(frozen=True, slots=True)
class Held:
    """What holds in each minute of a stretch, per probe and vantage, as strings from *start*."""

    start: Minute
    stop: Minute
    statuses: Mapping[tuple[str, str], str]

    def at(self, minute: Minute, terms: WatchTerms) -> dict[str, str]:
        """Return for each probe what holds at each vantage in *minute*, in the terms' order."""
        i = minute - self.start
        return {
            p.id: "".join(self.statuses[p.id, v][i] for v in terms.vantages) for p in terms.probes
        }


def lookback(terms: WatchTerms) -> int:
    """Return how many minutes before a stretch its letters may depend on looks."""
    held = max((p.interval for p in terms.probes), default=1)
    secrets = LOOKBACK_FOR_SECRETS if any(p.accounts for p in terms.probes) else 0
    return held + secrets


def hold_all(
    attempts: Iterable[Attempt],
    terms: WatchTerms,
    start: Minute,
    stop: Minute,
    blind: Mapping[str, frozenset[Minute]] | None = None,
) -> Held:
    """Return what holds in [start, stop) for every probe and vantage of *terms*.

    *attempts* are the service's, in any order, from `lookback` minutes before *start* on; those of
    other vantages or probes are left out. *blind* has the blind minutes of each vantage.
    """
    by_place: dict[tuple[str, str], list[Attempt]] = {
        (p.id, v): [] for p in terms.probes for v in terms.vantages
    }
    for attempt in attempts:
        mine = by_place.get((attempt.probe, attempt.vantage))
        if mine is not None:
            mine.append(attempt)
    blind = blind or {}
    statuses: dict[tuple[str, str], str] = {}
    for probe in terms.probes:
        for vantage in terms.vantages:
            mine = by_place[probe.id, vantage]
            mine.sort(key=_order)
            looks = looks_of(mine, probe, terms.attempt_rule, blind.get(vantage, frozenset()))
            statuses[probe.id, vantage] = hold(looks, probe.interval, start, stop)
    return Held(start, stop, statuses)


def _order(attempt: Attempt) -> tuple[int, int, int]:
    return attempt.look // MINUTE, attempt.at, attempt.account


def letters_of(
    attempts: Iterable[Attempt],
    terms: WatchTerms,
    start: Minute,
    stop: Minute,
    blind: Mapping[str, frozenset[Minute]] | None = None,
) -> Strip:
    """Return the letters of [start, stop): a pure function of the looks and the terms.

    Neither the order of *attempts* nor the time of day matters; see `hold_all` for what they must
    cover.
    """
    held = hold_all(attempts, terms, start, stop, blind)
    places = [held.statuses[p.id, v] for p in terms.probes for v in terms.vantages]
    if not places or stop <= start:
        return Strip(start, NOT_MEASURED * max(0, stop - start))
    width = len(terms.vantages)
    known: dict[tuple[str, ...], str] = {}

    def mark(key: tuple[str, ...]) -> str:
        rows = {p.id: "".join(key[i * width : (i + 1) * width]) for i, p in enumerate(terms.probes)}
        known[key] = judge_minute(rows, terms).mark
        return known[key]

    return Strip(start, "".join(known.get(key) or mark(key) for key in zip(*places, strict=True)))
