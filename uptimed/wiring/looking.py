"""What looking needs: probes, judging with every secret masked, references."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from probes.net import Resolver
from probes.references import References
from probes.registry import probes, user_agent_of
from probes.transcript import unheard
from uptimed.config import ConfiguredSecrets
from uptimed.core.judging import evidence_of, judge
from uptimed.core.observations import Evidence, Observation, Outcome, Reading
from uptimed.core.settings import Settings, secrets_of
from uptimed.core.targets import ProbeSettings, Secret
from uptimed.ports import Clock, Probe, Secrets
from uptimed.wiring.hiding import mask_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookout:
    """Probes by their kind, and what turns their facts into readings and evidence."""

    probes: Mapping[str, Probe]
    judge: Callable[[Observation, ProbeSettings], Reading]
    evidence: Callable[[Observation, ProbeSettings], Evidence]
    references: Callable[[tuple[str, ...]], References]
    secrets: Secrets


@asynccontextmanager
async def lookout(
    secrets_in_use: Callable[[], tuple[Secret, ...]],
    clock: Clock,
    version: str,
    *,
    transcripts: bool = False,
    farewell: Callable[[tuple[str, ...]], None] = unheard,
) -> AsyncIterator[Lookout]:
    """Open everything that looks; *secrets_in_use* are masked in whatever is kept or shown.

    With *transcripts* the observations of logins hold the whole conversation, and *farewell* is
    told those of the sign-outs at the end.
    """
    source = ConfiguredSecrets(os.environ)
    resolver = Resolver()

    def mask(text: str) -> str:
        return mask_of(secrets_in_use(), source)(text)

    def judged(observation: Observation, settings: ProbeSettings) -> Reading:
        reading = judge(observation, settings, now=clock.now())
        if reading.outcome is Outcome.PASS or not reading.detail:
            return reading
        return replace(reading, detail=mask(reading.detail))

    def evidence(observation: Observation, settings: ProbeSettings) -> Evidence:
        return evidence_of(observation, settings, mask)

    try:
        async with probes(
            secrets=source,
            resolver=resolver,
            version=version,
            clock=clock,
            transcripts=transcripts,
            farewell=farewell,
        ) as found:
            yield Lookout(
                probes=found,
                judge=judged,
                evidence=evidence,
                references=lambda names: References(
                    names, clock=clock, resolver=resolver, user_agent=user_agent_of(version)
                ),
                secrets=source,
            )
    finally:
        resolver.close()


def all_secrets(settings: Settings) -> Callable[[], tuple[Secret, ...]]:
    """Return a function that names every secret of *settings*."""
    found = secrets_of(settings)
    return lambda: found
