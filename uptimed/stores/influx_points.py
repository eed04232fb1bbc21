"""What becomes of attempts, letters and outages in InfluxDB: their points.

| measurement      | a point                           | at                      |
|------------------|-----------------------------------|-------------------------|
| `uptimed_look`   | for each attempt                  | its start               |
| `uptimed_minute` | for each letter                   | the start of its minute |
| `uptimed_outage` | for each outage, or one withdrawn | its first down minute   |

All have the tags client, service and vantage; a look has probe, kind, role and account besides.

A point is overwritten by one of the same measurement, tags and time, and field by field: so what
identifies a thing is in its tags and time, nothing that changes is, and a point that may change
has all of its fields always. A point of an attempt never changes and has only what there is.

The vantage of a letter is the monitor that laid it down: two monitors that do not have the same
looks yet do not overwrite each other's letters.

Figures are integers; letters are figures and a text, since VictoriaMetrics keeps no texts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from uptimed.core.minutes import MINUTE, Minute, start_of
from uptimed.core.observations import Attempt, Outcome
from uptimed.core.outages import Outage, outages
from uptimed.core.settings import Settings
from uptimed.core.strip import (
    DEGRADED,
    LOGIN_FAILURE,
    NO_OVERLAY,
    NOT_MEASURED,
    SYSTEM_DOWN,
    UP,
    Strip,
)
from uptimed.core.terms import WatchTerms
from uptimed.stores import influx_lines as lines

LOOK, MINUTE_OF, OUTAGE = "uptimed_look", "uptimed_minute", "uptimed_outage"

_FAILS = frozenset({Outcome.FAIL, Outcome.MAINTENANCE})
_CODES = {NOT_MEASURED: 0, UP: 1, DEGRADED: 2, LOGIN_FAILURE: 3, SYSTEM_DOWN: 4}
_NAMES = {
    UP: "up",
    DEGRADED: "degraded",
    SYSTEM_DOWN: "system_down",
    LOGIN_FAILURE: "login_failure",
    NOT_MEASURED: "not_measured",
}
_KINDS = {
    "system_down": "system down",
    "login_failure": "urgent login failure",
    "degraded": "degraded",
}
_DEFAULT_DOWN = "DL"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose service it is, and which of its letters count as down."""

    client: str = ""
    down: str = _DEFAULT_DOWN


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the journal does not say of services: their owners, and the present watch terms."""

    vantage: str
    owners: Mapping[str, Owner] = field(default_factory=dict)
    watch: Mapping[str, WatchTerms] = field(default_factory=dict)

    def owner(self, service: str) -> Owner:
        """Return the owner of *service*; one that is not configured any more has none."""
        return self.owners.get(service, _NOBODY)


_NOBODY = Owner()


def catalogue_of(settings: Settings) -> Catalogue:
    """Return what *settings* say of services."""
    return Catalogue(
        vantage=settings.vantage,
        owners={
            service.id: Owner(client=client.id, down=client.contract.down)
            for client in settings.clients
            for service in client.services
        },
        watch={service.id: service.watch for service in settings.services},
    )


@lru_cache(maxsize=20_000)
def look_series(  # a line's tags take longer to write than the rest of it
    service: str, probe: str, vantage: str, account: int, of: tuple[str, str, str]
) -> str:
    """Return the series of an attempt; *of* is its client, and the probe's kind and role."""
    client, kind, role = of
    return lines.series(
        LOOK,
        {
            "account": str(account) if account else "",
            "client": client,
            "kind": kind,
            "probe": probe,
            "role": role,
            "service": service,
            "vantage": vantage,
        },
    )


def look_line(attempt: Attempt, client: str, kind: str, role: str) -> str:
    """Return the point of an attempt."""
    of = look_series(
        attempt.service, attempt.probe, attempt.vantage, attempt.account, (client, kind, role)
    )
    return lines.line(of, lines.fields(_look_fields(attempt)), attempt.at)


def _look_fields(attempt: Attempt) -> Iterator[tuple[str, int | str]]:
    outcome = attempt.outcome
    passed, failed = outcome is Outcome.PASS, outcome in _FAILS
    yield "outcome", str(outcome)
    yield "passed", int(passed)
    yield "failed", int(failed)
    yield "measured", int(passed or failed)
    yield "lag_us", attempt.at - attempt.look
    if attempt.took_us is not None:
        yield "took_us", attempt.took_us
    for phase, took_us in attempt.phases.items():
        yield f"{phase}_us", took_us
    if attempt.certificate_expires is not None:
        yield "certificate_expires_us", attempt.certificate_expires
    if attempt.evidence is not None and attempt.evidence.status is not None:
        yield "status", attempt.evidence.status
    for name, value in (
        ("cause", str(attempt.cause)), ("detail", attempt.detail), ("fingerprint", attempt.secret),
    ):  # fmt: skip
        if value:
            yield name, value


@lru_cache(maxsize=20_000)
def service_series(measurement: str, client: str, service: str, vantage: str) -> str:
    """Return the series of a service's letters or outages."""
    tags = {"client": client, "service": service, "vantage": vantage}
    return lines.series(measurement, tags)


@lru_cache(maxsize=64)
def _letter_fields(mark: str, down: str) -> str:
    letter = mark.upper()
    return lines.fields(
        [
            ("letter", letter),
            ("code", _CODES[letter]),
            *((name, int(letter == of)) for of, name in _NAMES.items()),
            ("down", int(letter in down)),
            ("unverified", int(mark != letter)),
        ]
    )


def minute_line(of: str, minute: Minute, mark: str, down: str) -> str:
    """Return the point of a letter in the series *of*; a mark in lower case is unverified."""
    return lines.line(of, _letter_fields(mark, down), start_of(minute))


def mark_of(letter: str, *, unverified: bool) -> str:
    """Return the mark that a point's fields stand for."""
    return letter.lower() if unverified else letter


def outages_of(strip: Strip, down: str) -> tuple[Outage, ...]:
    """Return the outages of a strip as annotations show them: as they were, nothing laid over."""
    return outages(strip, NO_OVERLAY * len(strip.letters), down=down)


def outage_line(of: str, outage: Outage) -> str:
    """Return the point of an outage in the series *of*. *ended_ms* is 0 while it goes on."""
    minutes, kind = len(outage.down), _KINDS[outage.kind]
    went_on = "" if outage.stop is not None else ", going on"
    counted = "1 minute" if minutes == 1 else f"{minutes} minutes"
    return _outage_line(
        of, outage.start, minutes=minutes, stop=outage.stop, kind=outage.kind,
        title=f"{kind}, {counted}{went_on}",
    )  # fmt: skip


def withdrawn_line(of: str, start: Minute) -> str:
    """Return what overwrites the point of an outage that did not begin in that minute after all.

    Annotations show outages of at least one minute.
    """
    return _outage_line(of, start, minutes=0, stop=start, kind="", title="withdrawn")


def _outage_line(
    of: str, start: Minute, *, minutes: int, stop: Minute | None, kind: str, title: str
) -> str:
    return lines.line(
        of,
        lines.fields(
            [
                ("minutes", minutes),
                ("open", int(stop is None)),
                ("ended_ms", 0 if stop is None else stop * (MINUTE // 1000)),
                ("kind", kind),
                ("title", title),
            ]
        ),
        start_of(start),
    )
