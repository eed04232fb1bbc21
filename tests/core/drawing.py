"""Attempts, terms and strips, drawn short enough for a table of cases."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo

from uptimed.core.letters import letters_of
from uptimed.core.looks import hold, looks_of
from uptimed.core.minutes import MINUTE, Minute, instant_of, minute_of
from uptimed.core.observations import SECOND, Attempt, Cause, Instant, Outcome
from uptimed.core.strip import Strip
from uptimed.core.terms import AttemptRule, ContractTerms, ProbeTerms, Role, WatchTerms

OUTCOMES = {
    "p": Outcome.PASS,
    "f": Outcome.FAIL,
    "n": Outcome.NOT_MEASURED,
    "r": Outcome.REJECTED,
    "b": Outcome.BLOCKED,
    "m": Outcome.MAINTENANCE,
}


def moment(text: str) -> Instant:
    """Return the instant of an ISO text with its zone."""
    return instant_of(datetime.fromisoformat(text))


def minute(text: str) -> Minute:
    """Return the minute of an ISO text with its zone."""
    return minute_of(moment(text))


NOON = minute("2026-10-05T12:00Z")


def tried(
    outcome: str,
    at_minute: int = 0,
    second: int = 10,
    *,
    look: tuple[int, int] | None = None,
    probe: str = "front",
    vantage: str = "here",
    account: int = 0,
    took_ms: int | None = 100,
    secret: str = "",
    cause: str = "",
    detail: str = "",
) -> Attempt:
    """Return an attempt *at_minute* minutes and *second* seconds after noon.

    *look* is where its look began, as (minute, second), when it is not the attempt itself.
    """
    at = Instant((NOON + at_minute) * MINUTE + second * SECOND)
    began = at if look is None else Instant((NOON + look[0]) * MINUTE + look[1] * SECOND)
    return Attempt(
        service="crm",
        probe=probe,
        vantage=vantage,
        at=at,
        look=began,
        outcome=OUTCOMES[outcome],
        cause=cause,
        detail=detail,
        took_us=None if took_ms is None else took_ms * 1000,
        account=account,
        secret=secret,
    )


def one_look(drawn: str, at_minute: int = 0, **given: str | int) -> list[Attempt]:
    """Return the attempts of one look, a character each, 15 s apart."""
    probe, vantage = str(given.get("probe", "front")), str(given.get("vantage", "here"))
    return [
        tried(c, at_minute, 5 + 15 * n, look=(at_minute, 5), probe=probe, vantage=vantage)
        for n, c in enumerate(drawn)
    ]


def watched(
    drawn: str, probe: str = "front", vantage: str = "here", took_ms: int = 100
) -> list[Attempt]:
    """Return looks of one attempt, a character for each minute from noon on; a dot is no look."""
    return [
        tried(c, n, probe=probe, vantage=vantage, took_ms=took_ms)
        for n, c in enumerate(drawn)
        if c != "."
    ]


def logins(
    drawn: str, at_minute: int = 0, *, secret: str = "", probe: str = "login"
) -> list[Attempt]:
    """Return one look at a login: `1r 2p` is account 1 rejected, then account 2 passing."""
    return [
        tried(
            word[1],
            at_minute,
            5 + 10 * n,
            look=(at_minute, 5),
            probe=probe,
            account=int(word[0]),
            secret=secret,
        )
        for n, word in enumerate(drawn.split())
    ]


def probe_terms(
    role: Role = Role.REACH,
    id: str = "",
    *,
    interval: int = 1,
    slow_after_ms: int | None = None,
    accounts: int = 0,
) -> ProbeTerms:
    """Return a probe; its id is `front`, `login` or `function` unless it has another."""
    return ProbeTerms(
        id=id or ("front" if role is Role.REACH else str(role)),
        role=role,
        kind="login" if role is Role.LOGIN else "http",
        interval=interval,
        slow_after_us=None if slow_after_ms is None else slow_after_ms * 1000,
        accounts=accounts,
    )


def watch_terms(
    *probes: ProbeTerms,
    need: dict[Role, int] | None = None,
    vantages: Sequence[str] = ("here",),
    min_vantages: int | None = None,
    rule: AttemptRule = AttemptRule.CONFIRMED,
) -> WatchTerms:
    """Return the terms of `crm`; all probes of a role are needed unless *need* says otherwise."""
    seen = probes or (probe_terms(),)
    every = {role: sum(1 for p in seen if p.role is role) for role in Role}
    wanted = {role: k for role, k in every.items() if k} | (need or {})
    return WatchTerms(
        service="crm",
        probes=seen,
        need=wanted,
        vantages=tuple(vantages),
        min_vantages=len(vantages) // 2 + 1 if min_vantages is None else min_vantages,
        attempt_rule=rule,
    )


REACH = probe_terms(Role.REACH)
LOGIN = probe_terms(Role.LOGIN)
FUNCTION = probe_terms(Role.FUNCTION)


def letters(
    attempts: Iterable[Attempt],
    terms: WatchTerms,
    length: int,
    *,
    first: int = 0,
    blind: dict[str, frozenset[Minute]] | None = None,
) -> str:
    """Return the letters of *length* minutes from *first* minutes after noon, with their marks."""
    start = Minute(NOON + first)
    return letters_of(attempts, terms, start, Minute(start + length), blind).letters


def held(
    attempts: Iterable[Attempt],
    probe: ProbeTerms,
    length: int,
    *,
    rule: AttemptRule = AttemptRule.CONFIRMED,
    blind: frozenset[Minute] = frozenset(),
) -> str:
    """Return what holds of one probe in each of *length* minutes from noon on."""
    looks = looks_of(attempts, probe, rule, blind)
    return hold(looks, probe.interval, NOON, Minute(NOON + length))


def strip(drawn: str, start: Minute = NOON) -> Strip:
    """Return *drawn* as a strip from noon on."""
    return Strip(start, drawn)


def contract_terms(
    *,
    target: str = "99.96",
    down: str = "DL",
    min_consecutive: int = 1,
    min_coverage: str = "99.9",
    excludes: tuple[str, ...] = (),
    notice_h: int | None = None,
    cap: int | None = None,
    zone: tzinfo = UTC,
) -> ContractTerms:
    """Return an agreement's terms; targets are percentages as they are written in a contract."""
    return ContractTerms(
        id="example",
        version="1",
        sha256="0" * 64,
        zone_name=str(zone),
        zone=zone,
        language="en",
        target=target,
        target_ppm=ppm(target),
        down=down,
        min_consecutive=min_consecutive,
        min_coverage=min_coverage,
        min_coverage_ppm=ppm(min_coverage),
        excludes=excludes,
        maintenance_notice_us=None if notice_h is None else notice_h * 3600 * SECOND,
        maintenance_cap=cap,
    )


def ppm(percent: str) -> int:
    """Return a percentage of at most four decimals in parts per million."""
    whole, _, part = percent.partition(".")
    return int(whole) * 10_000 + int((part + "0000")[:4])


def no_answer(outcome: str = "f", at_minute: int = 0, probe: str = "front") -> Attempt:
    """Return an attempt that got no answer, which may be our own network's fault."""
    return tried(outcome, at_minute, probe=probe, cause=Cause.CONNECT_TIMEOUT, detail="nothing")
