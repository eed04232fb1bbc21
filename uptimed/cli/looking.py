"""`uptimed probe`: one look, with everything that was seen and how it was judged."""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import click

from uptimed.cli.common import (
    NO,
    config_option,
    emit,
    json_option,
    load_settings,
    told,
    version,
    wrong,
)
from uptimed.core.lookfile import show_instant
from uptimed.core.observations import Answer, Attempt, Login, Observation, Outcome, Reading
from uptimed.core.settings import ServiceSettings, Settings
from uptimed.core.targets import HttpTarget, ProbeSettings, looks_at
from uptimed.logs import visible
from uptimed.wiring.oneshot import Seen, look_once

_SHOWN_BODY = 600


@dataclass(frozen=True, slots=True)
class _Chosen:
    service: ServiceSettings
    probe: ProbeSettings


@click.command()
@click.argument("name")
@click.option("--debug", is_flag=True, help="Show the whole conversation, secrets masked.")
@json_option
@config_option
@told
def probe(name: str, debug: bool, as_json: bool, config: str | None) -> None:
    """Look once with the probe NAME (service/probe, or the probe's id where it is the only one).

    Nothing is kept. Ends with 1 when the look did not pass.
    """
    settings = load_settings(config).settings
    chosen = _find(settings, name)
    result = asyncio.run(look_once(settings, chosen.service, chosen.probe, version()))
    if as_json:
        emit(_as_json(chosen, result))
    else:
        click.echo(visible("\n".join(_words(chosen, result, debug=debug))))
    sys.exit(0 if result.passed else NO)


def _find(settings: Settings, name: str) -> _Chosen:
    service_id, _, probe_id = name.rpartition("/")
    found = [
        _Chosen(service, probe)
        for service in settings.services
        for probe in service.probes
        if probe.id == probe_id and service_id in {"", service.id}
    ]
    if len(found) != 1:
        known = ", ".join(f"{s.id}/{p.id}" for s in settings.services for p in s.probes)
        wrong(f"probe: found {name!r}, wanted one of {known}")
    return found[0]


def _words(chosen: _Chosen, result: Seen, *, debug: bool) -> Iterator[str]:
    yield f"{chosen.service.id}/{chosen.probe.id}: {looks_at(chosen.probe)}"
    for number, attempt in enumerate(result.attempts, start=1):
        yield _attempt(number, attempt)
        if debug:
            facts = result.observed.get(attempt.at)
            if facts is not None:
                yield from _conversation(chosen.probe, *facts)
    if debug:
        yield from (f"   {line}" for line in result.farewell)
    else:
        yield from (line.strip() for line in result.farewell if "not signed out" in line)
    if result.references:
        yield f"references: {result.references}"
    yield f"the look {result.verdict}"


def _attempt(number: int, attempt: Attempt) -> str:
    outcome = str(attempt.outcome).replace("_", " ")
    took = f" in {attempt.took_us / 1000:.1f} ms" if attempt.took_us is not None else ""
    cause = f" [{attempt.cause}] {attempt.detail}" if attempt.cause else ""
    return f"{number}. {show_instant(attempt.at)} {outcome}{took}{cause}"


def _conversation(
    probe: ProbeSettings, observation: Observation, reading: Reading
) -> Iterator[str]:
    target = probe.target
    if isinstance(target, HttpTarget):
        yield f"   > {target.method} {target.url}"
        for header, value in target.headers.items():
            yield f"   > {header}: {value}"
        for header in target.header_secrets:
            yield f"   > {header}: ***"
    if observation.address:
        yield f"     at {observation.address}"
    for phase, took in observation.phases.items():
        yield f"     {phase:<10} {took / 1000:9.1f} ms"
    if observation.certificate is not None:
        certificate = observation.certificate
        yield (
            f"     certificate of {certificate.subject}, by {certificate.issuer}, "
            f"until {show_instant(certificate.not_after)}"
        )
    if observation.transcript:
        yield from (f"   {line}" for line in observation.transcript)
    else:
        yield from _answer(observation)
    judged = str(reading.outcome).replace("_", " ")
    why = f": {reading.detail}" if reading.detail else ""
    yield f"   = {judged}{why}"


def _answer(observation: Observation) -> Iterator[str]:
    answer = observation.outcome
    if isinstance(answer, Login):
        return
    if not isinstance(answer, Answer):
        yield f"   < no answer: {answer.detail} [{answer.cause}]"
        return
    if answer.status is not None:
        yield f"   < {answer.status}"
    for header, value in answer.headers.items():
        yield f"   < {header}: {value}"
    for record in answer.records:
        yield f"   < {record}"
    if answer.body:
        cut = ", cut off" if answer.body_cut else ""
        yield f"   < {answer.body_bytes:,} bytes of body{cut}"
        shown = answer.body[:_SHOWN_BODY]
        yield from (f"   | {line}" for line in shown.splitlines())
        if len(answer.body) > _SHOWN_BODY:
            yield "   | ..."


def _as_json(chosen: _Chosen, result: Seen) -> Mapping[str, object]:
    return {
        "service": chosen.service.id,
        "probe": chosen.probe.id,
        "kind": chosen.probe.kind,
        "role": str(chosen.probe.role),
        "looks_at": looks_at(chosen.probe),
        "passed": result.passed,
        "verdict": result.verdict,
        "attempts": [
            {
                "at": show_instant(a.at),
                "outcome": str(a.outcome),
                "cause": a.cause or None,
                "detail": a.detail or None,
                "took_us": a.took_us,
                "phases_us": {str(p): us for p, us in a.phases.items()},
                "certificate_expires": show_instant(a.certificate_expires)
                if a.certificate_expires is not None
                else None,
                "status": a.evidence.status if a.evidence is not None else _status(result, a),
            }
            for a in result.attempts
        ],
    }


def _status(result: Seen, attempt: Attempt) -> int | None:
    facts = result.observed.get(attempt.at)
    if facts is None or attempt.outcome is not Outcome.PASS:
        return None
    outcome = facts[0].outcome
    return outcome.status if isinstance(outcome, Answer) else None
