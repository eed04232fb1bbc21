"""One look by hand, by the very machinery that the daemon looks with."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from uptimed.clock import SystemClock
from uptimed.core.looks import FAILED, PASSED, SLOW, looks_of
from uptimed.core.observations import (
    Answer,
    Attempt,
    Instant,
    Login,
    NoAnswer,
    Observation,
    Reading,
)
from uptimed.core.settings import ServiceSettings, Settings
from uptimed.core.targets import ProbeSettings
from uptimed.daemon.lag import LagMeter
from uptimed.daemon.look import Look, Turns, World
from uptimed.daemon.parts import ProbePart
from uptimed.daemon.selfcheck import SelfCheck
from uptimed.daemon.supervise import Supervisor
from uptimed.ports import Mask, ReferenceCheck
from uptimed.wiring.hiding import mask_of
from uptimed.wiring.looking import all_secrets, lookout


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A look and all that was seen in it. *observed* has facts and reading by attempt's start.

    Every text in it is masked.
    """

    attempts: tuple[Attempt, ...]
    observed: Mapping[Instant, tuple[Observation, Reading]]
    passed: bool
    verdict: str
    references: str
    farewell: tuple[str, ...] = ()  # the transcript of the sign-out at the end


async def look_once(
    settings: Settings, service: ServiceSettings, probe: ProbeSettings, version: str
) -> Seen:
    """Look once as the daemon would; nothing is kept."""
    clock = SystemClock()
    asked: list[ReferenceCheck] = []
    parting: list[str] = []
    async with lookout(
        all_secrets(settings), clock, version, transcripts=True, farewell=parting.extend
    ) as out:
        observed: list[tuple[Observation, Reading] | None] = []  # None: a bug, nothing was seen

        async def observing(settings: ProbeSettings) -> Observation:
            observed.append(None)
            return await out.probes[probe.kind](settings)

        def judged(observation: Observation, of: ProbeSettings) -> Reading:
            reading = out.judge(observation, of)
            observed[-1] = observation, reading
            return reading

        supervise = Supervisor()
        lag = LagMeter(clock)
        world = World(
            clock=clock,
            vantage=settings.vantage,
            judge=judged,
            evidence=out.evidence,
            fingerprint=lambda _account: "",
            selfcheck=SelfCheck(
                out.references(settings.references),
                len(settings.references),
                clock=clock,
                supervise=supervise,
                on_change=asked.append,
            ),
            lag=lag,
            turns=Turns(),
            supervise=supervise,
        )
        part = ProbePart(settings=probe, probe=observing)
        look = Look(world, service.id, part, service.watch.attempt_rule)
        async with asyncio.TaskGroup() as tasks:
            meter = tasks.create_task(lag.run())
            attempts = await look.run(())
            meter.cancel()
        mask = mask_of(all_secrets(settings)(), out.secrets)
    farewell = tuple(map(mask, parting))
    facts = {
        attempt.at: (masked(seen[0], mask), seen[1])
        for attempt, seen in zip(attempts, observed, strict=True)
        if seen is not None
    }
    return replace(_seen(service, probe, attempts, facts, asked), farewell=farewell)


def _seen(
    service: ServiceSettings,
    probe: ProbeSettings,
    attempts: tuple[Attempt, ...],
    facts: Mapping[Instant, tuple[Observation, Reading]],
    asked: list[ReferenceCheck],
) -> Seen:
    terms = next(p for p in service.watch.probes if p.id == probe.id)
    looks = list(looks_of(attempts, terms, service.watch.attempt_rule))
    status = looks[0].status if looks else ""
    words = {PASSED: "passed", SLOW: "passed, slower than slow_after", FAILED: "failed"}
    references = ""
    if asked:
        answered = asked[-1].answered
        references = ", ".join(
            f"{name} {'answered' if ok else 'did not answer'}" for name, ok in answered.items()
        )
    return Seen(
        attempts=attempts,
        observed=facts,
        passed=status in {PASSED, SLOW},
        verdict=words.get(status, "was not measured"),
        references=references,
    )


def masked(observation: Observation, mask: Mask) -> Observation:
    """Return *observation* with every secret masked in every text of it."""
    outcome = observation.outcome
    spoken = tuple(mask(line) for line in observation.transcript)
    match outcome:
        case NoAnswer(detail=detail):
            shown: Answer | NoAnswer | Login = replace(outcome, detail=mask(detail))
        case Login():
            headers = {name: mask(value) for name, value in outcome.headers.items()}
            shown = replace(
                outcome, detail=mask(outcome.detail), marker=mask(outcome.marker), headers=headers
            )
        case Answer():
            shown = _masked(outcome, mask)
        case other:
            assert_never(other)
    return replace(observation, outcome=shown, transcript=spoken)


def _masked(answer: Answer, mask: Mask) -> Answer:
    return replace(
        answer,
        headers={name: mask(value) for name, value in answer.headers.items()},
        body=mask(answer.body),
        location=mask(answer.location),
        records=tuple(mask(record) for record in answer.records),
    )
