"""When each vantage of a service was last heard of, as the record has it."""

from dataclasses import dataclass

from uptimed.core.minutes import Minute, minute_of
from uptimed.core.settings import ServiceSettings
from uptimed.ports import JournalReader

REACH = 60
"""Minutes back in which looks are looked for, beside a probe's interval: earlier is long ago."""

SILENT = 10
"""Minutes beyond a probe's interval after which a vantage is silent."""


@dataclass(frozen=True, slots=True)
class LastLook:
    """A vantage of a service, and the minute of its newest look on record.

    *minute* is None where it is more than an hour ago. *silent* says that one should have come.
    """

    vantage: str
    minute: Minute | None
    silent: bool


def last_looks(
    reader: JournalReader, service: ServiceSettings, now: Minute
) -> tuple[LastLook, ...]:
    """Return the vantages of *service*, in their order; nothing where it has only one."""
    vantages = service.watch.vantages
    if len(vantages) < 2:
        return ()
    interval = min((probe.interval for probe in service.probes), default=1)
    latest: dict[str, Minute] = {}
    attempts = reader.attempts(service.id, Minute(now - REACH - interval), Minute(now + 1))
    for attempt in attempts:
        at = minute_of(attempt.look)
        latest[attempt.vantage] = max(at, latest.get(attempt.vantage, at))
    return tuple(
        LastLook(
            name, latest.get(name),
            silent=name not in latest or now - latest[name] > interval + SILENT,
        )
        for name in vantages
    )  # fmt: skip
