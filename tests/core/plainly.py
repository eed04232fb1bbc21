"""The rules from looks to a letter once more, minute by minute, as plainly as they can be said.

Slow, and written from the rules rather than from the program: what the tests hold against it.
"""

from collections.abc import Sequence

from uptimed.core.minutes import MINUTE, Minute
from uptimed.core.observations import NO_ANSWER, SECOND, Attempt, Cause, Outcome
from uptimed.core.terms import AttemptRule, ProbeTerms, Role, WatchTerms

Blind = dict[str, frozenset[Minute]]


def mark_of(attempts: Sequence[Attempt], terms: WatchTerms, minute: int, blind: Blind) -> str:
    """Return the letter of *minute*, in lower case when it is unverified."""
    says = {
        probe.id: [
            _holds(attempts, terms, probe, vantage, minute, blind) for vantage in terms.vantages
        ]
        for probe in terms.probes
    }
    merged = {id_: _merged(each, terms.min_vantages) for id_, each in says.items()}
    reach, login, function = (_group(merged, terms, role) for role in Role)
    letter = "U"
    if reach == "down":
        letter = "D"
    elif login == "down":
        letter = "L"
    elif reach != "up" and login != "up" and not _stood_in(says, terms):
        letter = "N"
    elif function == "down" or "slow" in merged.values():
        letter = "G"
    return letter.lower() if login == "unknown" and letter in "UG" else letter


def _stood_in(says: dict[str, list[str]], terms: WatchTerms) -> bool:
    for probe in terms.probes:
        if probe.role is Role.LOGIN:
            each = says[probe.id]
            answered = sum(1 for s in each if s in {"pass", "slow", "rejected", "blocked"})
            failed = each.count("fail")
            if answered + failed >= terms.min_vantages and answered > failed:
                return True
    return False


def _group(merged: dict[str, str], terms: WatchTerms, role: Role) -> str:
    mine = [merged[p.id] for p in terms.probes if p.role is role]
    if not mine:
        return "absent"
    passing = sum(1 for s in mine if s in {"pass", "slow"})
    unmeasured = sum(1 for s in mine if s not in {"pass", "slow", "fail"})
    if passing >= terms.need[role]:
        return "up"
    return "down" if passing + unmeasured < terms.need[role] else "unknown"


def _merged(each: list[str], min_vantages: int) -> str:
    passed = [s for s in each if s in {"pass", "slow"}]
    failed = each.count("fail")
    if len(passed) + failed < min_vantages or len(passed) == failed:
        return "unknown"
    if failed > len(passed):
        return "fail"
    return "slow" if passed.count("slow") > len(passed) / 2 else "pass"


def _holds(
    attempts: Sequence[Attempt],
    terms: WatchTerms,
    probe: ProbeTerms,
    vantage: str,
    minute: int,
    blind: Blind,
) -> str:
    mine = [a for a in attempts if a.probe == probe.id and a.vantage == vantage]
    for began in range(minute, minute - probe.interval, -1):
        tries = sorted(
            (a for a in mine if a.look // MINUTE == began), key=lambda a: (a.at, a.account)
        )
        if tries:
            unseen = began in blind.get(vantage, frozenset())
            return _look(tries, mine, probe, terms.attempt_rule, began, unseen=unseen)
    return "unknown"


def _look(
    tries: list[Attempt],
    mine: list[Attempt],
    probe: ProbeTerms,
    rule: AttemptRule,
    began: int,
    *,
    unseen: bool,
) -> str:
    each = [_account(tries, n, rule, unseen=unseen) for n in {a.account for a in tries}]
    if "pass" in each:
        took = [a.took_us for a in tries if a.outcome is Outcome.PASS][-1]
        slow = (
            probe.slow_after_us is not None
            and took is not None
            and took // 1000 * 1000 > probe.slow_after_us
        )
        return "slow" if slow else "pass"
    if "fail" in each:
        return "fail"
    accounts = range(1, probe.accounts + 1)
    if len(accounts) > 1 and all(_turned_away(tries, mine, n, began) for n in accounts):
        return "fail"
    outcomes = {a.outcome for a in tries}
    if Outcome.REJECTED in outcomes:
        return "rejected"
    return "blocked" if Outcome.BLOCKED in outcomes else "unknown"


def _account(tries: list[Attempt], account: int, rule: AttemptRule, *, unseen: bool) -> str:
    measured: list[bool] = []
    for a in tries:
        ours = unseen and a.cause in {str(c) for c in NO_ANSWER}
        if a.account != account or (a.outcome is Outcome.FAIL and ours):
            continue
        if a.outcome in {Outcome.PASS, Outcome.FAIL, Outcome.MAINTENANCE}:
            measured.append(a.outcome is Outcome.PASS)
    if not measured:
        return "unknown"
    down = {
        AttemptRule.CONFIRMED: measured.count(False) > measured.count(True),
        AttemptRule.ALL: not any(measured),
        AttemptRule.SINGLE: not measured[0],
    }[rule]
    return "fail" if down else "pass"


def _turned_away(tries: list[Attempt], mine: list[Attempt], account: int, began: int) -> bool:
    own = [a for a in tries if a.account == account and a.outcome is not Outcome.NOT_MEASURED]
    if not own or any(a.outcome is not Outcome.REJECTED for a in own):
        return False
    return any(
        a.account == account
        and a.outcome is Outcome.PASS
        and a.look // MINUTE < began
        and 0 < own[0].at - a.at <= 3600 * SECOND
        and (a.secret == own[0].secret or not a.secret or not own[0].secret)
        for a in mine
    )


CAUSES = ("", str(Cause.STATUS), str(Cause.CONNECT_TIMEOUT), str(Cause.DNS_NO_NAME))
