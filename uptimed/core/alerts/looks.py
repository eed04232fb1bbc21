"""What looks tell: what an outage was first seen by, accounts that are refused, certificates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from uptimed.core.alerts import values
from uptimed.core.alerts.values import Alert, Rule
from uptimed.core.alerts.words import line, told_at
from uptimed.core.looks import suspected
from uptimed.core.minutes import MINUTE, Minute, minute_of, start_of
from uptimed.core.observations import SECOND, Attempt, Instant, Outcome
from uptimed.core.terms import ProbeTerms, Role, WatchTerms

_FAILS = frozenset({Outcome.FAIL, Outcome.MAINTENANCE, Outcome.REJECTED})
_TROUBLE = frozenset({Outcome.REJECTED, Outcome.BLOCKED})
_ROLE_OF = {"D": Role.REACH, "L": Role.LOGIN}
_SUSPECTED_US = 15 * 60 * SECOND  # so long one refusal is spoken of
_REFUSED_US = 3600 * SECOND
_EXPIRES_US = 14 * 86_400 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What looks say of an outage. *vantages* has for each what its last look was."""

    first: Attempt | None = None
    good: Attempt | None = None
    vantages: Mapping[str, str] = field(default_factory=dict)


def seen(attempts: Sequence[Attempt], terms: WatchTerms, since: Minute, letter: str) -> Seen:
    """Return what *attempts* say of an outage that was *letter* from minute *since* on.

    Evidence is the first failure in that minute, or the last before it, of a probe whose role
    tells of that letter; the last good look is one of the same probe.
    """
    roles = {probe.id: probe.role for probe in terms.probes}
    wanted = _ROLE_OF.get(letter)
    ordered = sorted(attempts, key=lambda a: (a.at, a.account))
    telling = [a for a in ordered if wanted is None or roles.get(a.probe) is wanted]
    stop = start_of(Minute(since + 1))
    failed = [a for a in telling if a.outcome in _FAILS and a.look < stop]
    inside = [a for a in failed if a.look >= start_of(since)]
    first = inside[0] if inside else next(reversed(failed), None)
    good = None
    if first is not None:
        good = next(
            (
                a for a in reversed(ordered)
                if a.outcome is Outcome.PASS and a.probe == first.probe and a.at < first.at
            ),
            None,
        )  # fmt: skip
    return Seen(first=first, good=good, vantages=_vantages(telling, terms, since))


def _vantages(attempts: Sequence[Attempt], terms: WatchTerms, since: Minute) -> dict[str, str]:
    """Return what each vantage saw last; of several probes that differ, what each of them saw."""
    last: dict[str, dict[str, str]] = {vantage: {} for vantage in terms.vantages}
    for attempt in attempts:
        if attempt.vantage in last and attempt.look >= start_of(since):
            last[attempt.vantage][attempt.probe] = (
                "fails" if attempt.outcome in _FAILS
                else "passes" if attempt.outcome is Outcome.PASS
                else "not measured"
            )  # fmt: skip
    return {vantage: _in_words(probes) for vantage, probes in last.items()}


def _in_words(probes: Mapping[str, str]) -> str:
    states = set(probes.values())
    if len(states) <= 1:
        return next(iter(states), "no look")
    return ", ".join(f"{probe} {state}" for probe, state in sorted(probes.items()))


def account_alerts(
    attempts: Sequence[Attempt],
    probe: ProbeTerms,
    labels: Mapping[str, str],
    *,
    now: Instant,
    runbook: str,
) -> Iterator[Alert]:
    """Yield what the refusals of *probe*'s accounts amount to.

    *attempts* are the service's, those of the last 75 minutes at least. *labels* are client,
    service and platform.
    """
    mine = sorted((a for a in attempts if a.probe == probe.id), key=lambda a: (a.at, a.account))
    troubled = [a for a in mine if a.outcome in _TROUBLE]
    if not troubled:
        return
    of = f"{labels['service']} of {labels['client']}"
    suspects = _suspects(mine, troubled, probe, now)
    if suspects:
        yield _alert(
            values.LOGIN_SUSPECTED, labels, suspects[0], runbook,
            summary=f"{of}: suspected login failure",
            description=f"{probe.id}: an account was refused that had passed within the hour with "
            "the same password. One account may be at fault itself; try another by hand.",
        )  # fmt: skip
    refused = [a for a in troubled if a.at > now - _REFUSED_US]
    if not refused and mine[-1].outcome is Outcome.REJECTED:
        refused = [mine[-1]]
    if refused:
        yield _alert(
            values.ACCOUNT_REFUSED, labels, refused[0], runbook,
            summary=f"{of}: an account of {probe.id} is refused",
            description="Its password has expired or was changed, or it is locked. Not down; "
            "logins may be unverified.",
        )  # fmt: skip


def _suspects(
    mine: Sequence[Attempt], troubled: Sequence[Attempt], probe: ProbeTerms, now: Instant
) -> list[Attempt]:
    found: list[Attempt] = []
    for look in sorted({a.look for a in troubled if a.look > now - _SUSPECTED_US}):
        minute = minute_of(look)
        known = [a for a in mine if a.look <= look]
        accounts = suspected(known, probe, minute)
        found += [a for a in known if minute_of(a.look) == minute and a.account in accounts]
    return [a for a in found if a.outcome is Outcome.REJECTED]


def _alert(
    rule: Rule, labels: Mapping[str, str], first: Attempt, runbook: str, **words: str
) -> Alert:
    return Alert(
        rule=rule,
        labels={**rule.labels, **labels, "probe": first.probe},
        annotations={
            **words,
            "evidence": line(f"account {first.account} from {first.vantage}: {first.detail}"),
            "runbook_url": rule.runbook(runbook),
        },
        starts_at=Instant(first.at - first.at % MINUTE),
        service=labels["service"],
    )


def certificate_alerts(
    probe: str,
    expires: Instant | None,
    labels: Mapping[str, str],
    *,
    now: Instant,
    runbook: str,
) -> Iterator[Alert]:
    """Yield that the certificate which *probe* was shown expires within fourteen days."""
    if expires is None or expires - now >= _EXPIRES_US:
        return
    rule = values.CERTIFICATE_EXPIRES
    left = max(0, expires - now) // SECOND
    days, hours = left // 86_400, left % 86_400 // 3600
    in_words = "has expired" if expires <= now else f"expires in {days} days {hours} h"
    yield Alert(
        rule=rule,
        labels={**rule.labels, **labels, "probe": probe},
        annotations={
            "summary": f"{labels['service']} of {labels['client']}: its certificate {in_words}",
            "description": f"The certificate that {probe} is shown. Once it has expired, every "
            "minute is down.",
            "expires": told_at(expires, UTC),
            "runbook_url": rule.runbook(runbook),
        },
        starts_at=Instant(expires - _EXPIRES_US),
        service=labels["service"],
    )
