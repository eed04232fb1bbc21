"""From attempts to looks, and from looks to what holds in each minute.

A look is the one to three attempts of one probe from one vantage that begin in one minute. A look
*holds* for the probe's interval: for the minutes that begin with its own, until a newer look of the
same probe and vantage replaces it, measured or not.

What a look amounts to is one character, so that a probe's day is a string as well:

| status | the look                                                                |
|--------|-------------------------------------------------------------------------|
| `p`    | passed                                                                  |
| `s`    | passed, slower than `slow_after`                                        |
| `f`    | failed, confirmed by the attempt rule                                   |
| `n`    | was not measured, or there is none                                      |
| `r`    | login: rejected; the system works and says that the credentials are wrong |
| `b`    | login: blocked; a fault of the account                                  |

`r` and `b` measure nothing about logging in, but they prove that the system was reached.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import assert_never

from uptimed.core.minutes import MINUTE, Minute
from uptimed.core.observations import NO_ANSWER, SECOND, Attempt, Cause, Instant, Outcome
from uptimed.core.terms import AttemptRule, ProbeTerms

PASSED, SLOW, FAILED, UNMEASURED, REJECTED, BLOCKED = "p", "s", "f", "n", "r", "b"

SAME_SECRET_WINDOW = 3600 * SECOND
"""How long ago an account must have passed for its rejection to tell of the system."""

_MILLISECOND = SECOND // 1000
_NO_ANSWER = frozenset(str(cause) for cause in NO_ANSWER)


@dataclass(frozen=True, slots=True)
class Look:
    """One look, settled: its minute, its status, and why in one line."""

    minute: Minute
    status: str
    cause: str = ""
    detail: str = ""


def decide(outcomes: Sequence[Outcome], rule: AttemptRule) -> str:
    """Return `p`, `f` or `n` for the outcomes of one account's attempts, in order of their start.

    Attempts that were not measured are left out; if none is left, the look is not measured.
    """
    measured = [_fails(o) for o in outcomes if o in _MEASURED]
    if not measured:
        return UNMEASURED
    return FAILED if _confirmed(measured, rule) else PASSED


def _confirmed(fails: Sequence[bool], rule: AttemptRule) -> bool:
    failed = sum(fails)
    match rule:
        case AttemptRule.CONFIRMED:
            return failed > len(fails) - failed
        case AttemptRule.ALL:
            return failed == len(fails)
        case AttemptRule.SINGLE:
            return fails[0]
        case _:
            assert_never(rule)


_FAILS = frozenset({Outcome.FAIL, Outcome.MAINTENANCE})
_MEASURED = _FAILS | {Outcome.PASS}


def _fails(outcome: Outcome) -> bool:
    return outcome is not Outcome.PASS


def looks_of(
    attempts: Iterable[Attempt],
    probe: ProbeTerms,
    rule: AttemptRule,
    blind: frozenset[Minute] = frozenset(),
) -> Iterator[Look]:
    """Yield the looks of one probe from one vantage, oldest first.

    *attempts* are that probe's and vantage's, in order of their look; the attempts of one minute
    are one look. In a *blind* minute a fail without an answer is the vantage's own fault, and was
    not measured.
    """
    passes: dict[int, list[tuple[Instant, str]]] = {}
    for minute, group in groupby(attempts, key=_look_minute):
        tries = list(group)
        if len(tries) == 1 and not probe.accounts and tries[0].outcome is Outcome.PASS:
            yield Look(Minute(minute), _pass_status(tries, probe))
            continue
        tries.sort(key=_start)
        yield _settle(Minute(minute), tries, probe, rule, blind, passes)


def _look_minute(attempt: Attempt) -> int:
    return attempt.look // MINUTE


def _start(attempt: Attempt) -> tuple[int, int]:
    return attempt.at, attempt.account


def _settle(
    minute: Minute,
    tries: list[Attempt],
    probe: ProbeTerms,
    rule: AttemptRule,
    blind: frozenset[Minute],
    passes: dict[int, list[tuple[Instant, str]]],
) -> Look:
    by_account: dict[int, list[Attempt]] = {}
    for attempt in tries:
        by_account.setdefault(attempt.account, []).append(attempt)
    unseen = minute in blind
    verdicts = {
        account: decide([_outcome(a, unseen=unseen) for a in of], rule)
        for account, of in by_account.items()
    }
    system_rejects = _all_rejected(by_account, probe, passes)
    for attempt in tries:
        if attempt.outcome is Outcome.PASS and attempt.account:
            passes.setdefault(attempt.account, []).append((attempt.at, attempt.secret))
    if PASSED in verdicts.values():
        return Look(minute, _pass_status(tries, probe))
    if FAILED in verdicts.values():
        last = next(a for a in reversed(tries) if _outcome(a, unseen=unseen) in _FAILS)
        return Look(minute, FAILED, last.cause, last.detail)
    if system_rejects:
        why = "every account rejected, each passed within the hour"
        return Look(minute, FAILED, Cause.ALL_REJECTED, why)
    return _unmeasured(minute, tries, unseen=unseen)


def _unmeasured(minute: Minute, tries: list[Attempt], *, unseen: bool) -> Look:
    for outcome, status in ((Outcome.REJECTED, REJECTED), (Outcome.BLOCKED, BLOCKED)):
        told = next((a for a in reversed(tries) if a.outcome is outcome), None)
        if told is not None:
            return Look(minute, status, told.cause, told.detail)
    last = tries[-1]
    if unseen and last.outcome is Outcome.FAIL:
        why = "every target failed without an answer"
        return Look(minute, UNMEASURED, Cause.LOCAL_NETWORK, why)
    return Look(minute, UNMEASURED, last.cause, last.detail)


def _outcome(attempt: Attempt, *, unseen: bool) -> Outcome:
    return Outcome.NOT_MEASURED if unseen and without_answer(attempt) else attempt.outcome


def without_answer(attempt: Attempt) -> bool:
    """Return whether *attempt* is a fail that a blind minute takes back."""
    return attempt.outcome is Outcome.FAIL and attempt.cause in _NO_ANSWER


def _pass_status(tries: Sequence[Attempt], probe: ProbeTerms) -> str:
    if probe.slow_after_us is None:
        return PASSED
    took = next((a.took_us for a in reversed(tries) if a.outcome is Outcome.PASS), None)
    # In whole milliseconds, as files of looks have them: an export gives the same letters again.
    whole = took // _MILLISECOND * _MILLISECOND if took is not None else 0
    return SLOW if whole > probe.slow_after_us else PASSED


def _all_rejected(
    by_account: Mapping[int, Sequence[Attempt]],
    probe: ProbeTerms,
    passes: Mapping[int, Sequence[tuple[Instant, str]]],
) -> bool:
    """Return whether every configured account was rejected though it had passed within the hour.

    Two accounts at least: one rejected account may be a forgotten password, all of them together
    with unchanged secrets are the system.
    """
    needed = range(1, probe.accounts + 1)
    if len(needed) < 2 or not all(account in by_account for account in needed):
        return False
    return all(_rejected_after_pass(by_account[n], passes.get(n, ())) for n in needed)


def _rejected_after_pass(tries: Sequence[Attempt], passes: Sequence[tuple[Instant, str]]) -> bool:
    told = [a for a in tries if a.outcome is not Outcome.NOT_MEASURED]
    if not told or any(a.outcome is not Outcome.REJECTED for a in told):
        return False
    attempt = told[0]
    return any(
        attempt.at - at <= SAME_SECRET_WINDOW and _same_secret(secret, attempt.secret)
        for at, secret in passes
        if at < attempt.at
    )


def _same_secret(one: str, other: str) -> bool:
    """Return whether two fingerprints may be of one secret; an imported attempt has none."""
    return one == other or not one or not other


def suspected(attempts: Sequence[Attempt], probe: ProbeTerms, minute: Minute) -> tuple[int, ...]:
    """Return the accounts rejected in *minute* that had passed within the hour before.

    One such account pages as a suspected login failure, and changes no letter.
    """
    found: list[int] = []
    for account in range(1, probe.accounts + 1):
        mine = [a for a in attempts if a.account == account]
        now = [a for a in mine if _look_minute(a) == minute]
        passes = [(a.at, a.secret) for a in mine if a.outcome is Outcome.PASS]
        if now and _rejected_after_pass(now, passes):
            found.append(account)
    return tuple(found)


def hold(looks: Iterable[Look], interval: int, start: Minute, stop: Minute) -> str:
    """Return the status that holds in each minute of [start, stop), one character a minute.

    *looks* are in order and may begin before *start*: a look holds for *interval* minutes, until a
    newer one replaces it.
    """
    cells = bytearray(UNMEASURED, "ascii") * max(0, stop - start)
    for look in looks:
        first, last = max(0, look.minute - start), min(stop, look.minute + interval) - start
        if first < last:
            cells[first:last] = look.status.encode("ascii") * (last - first)
    return cells.decode("ascii")
