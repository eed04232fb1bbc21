"""Looks at a played system as the daemon does: reach by its health call, login by its flow.

Sockets, engine, judge and letters are the real ones; only time is the test's, so that a full login
is due when the test says so. Whatever leaves the engine is searched for secrets, at every look.
"""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import quote, quote_plus

from typing_extensions import override

from probes.flowfile import bind, find_flow
from probes.net import Resolver
from probes.registry import probes
from probes.templates import Scene, render
from tests.fakes import FakeSecrets
from uptimed.core.judging import evidence_of, judge
from uptimed.core.letters import letters_of
from uptimed.core.minutes import MINUTE, Minute, minute_of
from uptimed.core.observations import (
    Attempt,
    Instant,
    Observation,
    Outcome,
    Reading,
)
from uptimed.core.targets import (
    BROKEN_TEXTS,
    Account,
    Expectation,
    HttpTarget,
    LoginTarget,
    ProbeSettings,
    Secret,
    SecretPlace,
)
from uptimed.core.terms import ProbeTerms, Role, WatchTerms
from uptimed.demo.personalities import Person, Personality
from uptimed.demo.stage import Stage
from uptimed.ports import Probe

LOGIN_EVERY = 5  # minutes

# Signs that every escape there is has to deal with.
CANARIES = (
    Person(
        username="probe1",
        password='Canary Käse/1+&"<%>',
        key="canaryKey1+7f/3a==",
        secret="canarySecret1-91c2",
    ),
    Person(
        username="probe2",
        password='Canary Ñandú/2+&"<%>',
        key="canaryKey2+8e/4b==",
        secret="canarySecret2-a2d3",
    ),
)


class TestClock:
    """A clock that stands still until the test lets minutes pass."""

    __test__ = False

    def __init__(self) -> None:
        self._now = Instant(1_790_000_040 * 1_000_000)

    def now(self) -> Instant:
        return self._now

    def monotonic(self) -> int:
        return self._now

    def seconds(self) -> float:
        return self._now / 1_000_000

    async def sleep(self, duration_us: int) -> None:
        raise AssertionError("nobody sleeps in a look")

    def let_pass(self, minutes: int) -> None:
        self._now = Instant(self._now + minutes * MINUTE)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look came to: the login's reading with each account tried, reach, and the letter."""

    logins: tuple[Reading, ...]
    reach: Reading | None
    letter: str
    transcript: str

    @property
    def outcome(self) -> Outcome:
        """Return what the last account that was tried came to."""
        return self.logins[-1].outcome

    @property
    def detail(self) -> str:
        """Return why."""
        return self.logins[-1].detail

    @override
    def __str__(self) -> str:
        return f"{self.letter} {self.outcome} {self.detail}"


@dataclass(slots=True)
class Watch:
    """A service of one system: a reach probe on the flow's health call, and a login."""

    login: ProbeSettings
    reach: ProbeSettings | None
    secrets: FakeSecrets
    clock: TestClock
    by_kind: Mapping[str, Probe]
    attempts: list[Attempt] = field(default_factory=list)

    async def look(self, *, after: int = 1) -> Seen:
        """Let *after* minutes pass and look once; a full login is due after `LOGIN_EVERY`."""
        self.clock.let_pass(after)
        target = self.login.target
        assert isinstance(target, LoginTarget)
        reach = None
        if self.reach is not None:
            reach = await self._attempt(self.reach, "http", 0)
        made: list[Reading] = []
        transcripts: list[str] = []
        for number, account in enumerate(target.accounts, 1):
            settings = replace(self.login, target=replace(target, accounts=(account,)))
            observation = await self._observe(settings, "login")
            made.append(self._judged(settings, observation, number))
            transcripts += observation.transcript
            if made[-1].outcome not in {Outcome.REJECTED, Outcome.BLOCKED}:
                break
        return Seen(tuple(made), reach, self.letter(), "\n".join(transcripts))

    async def pass_second(self) -> None:
        """Let the second account pass as well: looks end with the first that does."""
        target = self.login.target
        assert isinstance(target, LoginTarget)
        settings = replace(self.login, target=replace(target, accounts=target.accounts[1:]))
        reading = await self._attempt(settings, "login", 2)
        assert reading.outcome is Outcome.PASS, reading

    async def full_look(self) -> Seen:
        """Look when a full login is due."""
        return await self.look(after=LOGIN_EVERY + 1)

    def wait_at_most(self, timeout_ms: int) -> None:
        """Let every attempt from now on wait no longer."""
        self.login = replace(self.login, timeout_us=timeout_ms * 1000)
        if self.reach is not None:
            self.reach = replace(self.reach, timeout_us=timeout_ms * 1000)

    def change(self, name: str, value: str) -> None:
        """Let a secret be another from now on."""
        self.secrets.known[name] = value

    def letter(self) -> str:
        """Return the letter of this minute, from all looks so far."""
        target = self.login.target
        assert isinstance(target, LoginTarget)
        here = minute_of(self.clock.now())
        probes_ = [
            ProbeTerms(id="login", role=Role.LOGIN, kind="login", accounts=len(target.accounts))
        ]
        need = {Role.LOGIN: 1}
        if self.reach is not None:
            probes_.append(ProbeTerms(id="reach", role=Role.REACH, kind="http"))
            need[Role.REACH] = 1
        terms = WatchTerms(
            service="crm",
            probes=tuple(probes_),
            need=need,
            vantages=("here",),
            min_vantages=1,
        )
        return letters_of(self.attempts, terms, here, Minute(here + 1)).letters

    async def _attempt(self, settings: ProbeSettings, kind: str, account: int) -> Reading:
        return self._judged(settings, await self._observe(settings, kind), account)

    async def _observe(self, settings: ProbeSettings, kind: str) -> Observation:
        observation = await self.by_kind[kind](settings)
        self.keep_clean(repr(observation))
        return observation

    def _judged(self, settings: ProbeSettings, observation: Observation, account: int) -> Reading:
        reading = judge(observation, settings, now=self.clock.now())
        self.keep_clean(repr(reading))
        self.keep_clean(repr(evidence_of(observation, settings, lambda text: text)))
        fingerprint = ""
        if account:
            read = sorted(self.secrets.known.items())
            fingerprint = hashlib.sha256(repr(read).encode()).hexdigest()
        self.attempts.append(
            Attempt(
                service="crm",
                probe=settings.id,
                vantage="here",
                at=Instant(self.clock.now() + len(self.attempts)),
                look=self.clock.now(),
                outcome=reading.outcome,
                cause=reading.cause or "",
                detail=reading.detail,
                account=account,
                secret=fingerprint,
            )
        )
        return reading

    def keep_clean(self, text: str) -> None:
        """Fail where a secret is found in *text*, in whatever form."""
        for secret in self.secrets.known.values():
            for form in _forms(secret):
                assert form not in text, f"{form!r} in {text[:2000]}"


def _forms(secret: str) -> Sequence[str]:
    encoded = secret.encode()
    return (
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(encoded).decode().rstrip("="),
        hashlib.md5(encoded, usedforsecurity=False).hexdigest(),
        hashlib.sha256(encoded).hexdigest(),
    )


def reach_of(
    preset: str, base_url: str, settings: Mapping[str, str], timeout_us: int
) -> ProbeSettings | None:
    """Return the probe that the flow's health call makes, None where it has none."""
    health = bind(find_flow(preset), settings).health
    if health is None:
        return None

    def plain(text: str) -> str:
        return render(text, Scene())

    return ProbeSettings(
        id="reach",
        role=Role.REACH,
        kind="http",
        target=HttpTarget(
            url=base_url + plain(health.path),
            method=health.method,
            headers={name: plain(value) for name, value in health.headers.items()},
            body=plain(health.body),
        ),
        expect=Expectation(
            statuses=health.statuses,
            contains=tuple(plain(text) for text in health.contains),
            not_contains=tuple(plain(text) for text in health.not_contains),
            json=health.json,
            broken=BROKEN_TEXTS,
        ),
        timeout_us=timeout_us,
    )


def secrets_of(preset: str, play: Personality) -> Mapping[str, tuple[str, str]]:
    """Return for each account what its password and its client's secret are in *preset*."""
    part = {
        "vtiger-webservice": "key",
        "datacrm-webservice": "key",
        "espocrm-api-key": "key",
        "espocrm-hmac": "secret",
        "saleslayer": "key",
        "saleslayer-connector": "secret",
        "yucrm": "key",
    }.get(preset, "password")
    client = getattr(getattr(play, "api", None), "client_secret", "")
    return {person.username: (getattr(person, part), client) for person in play.people}


@asynccontextmanager
async def watching(
    play: Personality,
    preset: str,
    *,
    accounts: int = 1,
    settings: Mapping[str, str] | None = None,
    clock: TestClock | None = None,
    timeout_ms: int = 5000,
    reach: bool = True,
) -> AsyncIterator[tuple[Stage, Watch]]:
    """Put *play* on a stage and watch it by *preset*."""
    async with (
        Stage("127.0.0.1", 0, 0, play=play) as stage,
        watching_at(
            stage.url + play.prefix,
            preset,
            {
                person.username if preset != "espocrm-hmac" else person.key: pair
                for person, pair in zip(play.people, secrets_of(preset, play).values(), strict=True)
            },
            accounts=accounts,
            settings=settings,
            clock=clock,
            timeout_ms=timeout_ms,
            reach=reach,
        ) as watch,
    ):
        yield stage, watch


@asynccontextmanager
async def watching_at(
    base_url: str,
    preset: str,
    passwords: Mapping[str, tuple[str, str]],
    *,
    accounts: int = 1,
    settings: Mapping[str, str] | None = None,
    clock: TestClock | None = None,
    timeout_ms: int = 5000,
    reach: bool = True,
) -> AsyncIterator[Watch]:
    """Watch what is at *base_url*."""
    clock = clock or TestClock()
    flow, settings = find_flow(preset), dict(settings or {})
    known: dict[str, str] = {}
    configured: list[Account] = []
    for number, (name, (password, client_secret)) in enumerate(passwords.items(), 1):
        if number > accounts:
            break
        known[f"PASSWORD{number}"] = password
        more = {}
        if flow.secrets:
            known["CLIENT"] = client_secret
            more = dict.fromkeys(flow.secrets, Secret(SecretPlace.ENV, "CLIENT"))
        configured.append(
            Account(
                username=name,
                password=Secret(SecretPlace.ENV, f"PASSWORD{number}"),
                secrets=more,
            )
        )
    secrets = FakeSecrets(known)
    login = ProbeSettings(
        id="login",
        role=Role.LOGIN,
        kind="login",
        target=LoginTarget(
            preset=preset,
            base_url=base_url,
            accounts=tuple(configured),
            login_every=LOGIN_EVERY,
            settings=settings,
        ),
        expect=Expectation(broken=BROKEN_TEXTS),
        timeout_us=timeout_ms * 1000,
    )
    health = reach_of(preset, base_url, settings, timeout_ms * 1000) if reach else None
    resolver = Resolver()
    try:
        async with probes(
            secrets=secrets, resolver=resolver, version="test", clock=clock, transcripts=True
        ) as by_kind:
            yield Watch(login=login, reach=health, secrets=secrets, clock=clock, by_kind=by_kind)
    finally:
        resolver.close()
