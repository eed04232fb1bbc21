"""What a service's letters alone tell: outages, counts of minutes, minutes without a measurement.

| episode      | stands after a minute                                      |
|--------------|------------------------------------------------------------|
| outage       | from its second of three minutes down until it is up again |
| fast burn    | 4 of the last 60 were down, and one of the last 5          |
| slow burn    | 6 of the last 1440, and one of the last 120                |
| drift        | 4 of the last 3 days, and one of the last 6 hours          |
| blind        | 5 of the last 10 were not measured                         |
| lately       | an outage stood within 10 minutes, within 125 minutes      |

The strip must reach back further than the longest window, by as long as episodes are asked for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from uptimed.core.alerts import values
from uptimed.core.alerts.values import Episode, Rule
from uptimed.core.minutes import Minute
from uptimed.core.spells import Spell, at_least, both, lasting, minutes_of
from uptimed.core.strip import DEGRADED, LOGIN_FAILURE, NOT_MEASURED, Strip
from uptimed.core.turns import OutageWatch, told_as

_HOUR, _DAY = 60, 1440
_OUTAGES = {LOGIN_FAILURE: values.LOGIN_FAILURE, DEGRADED: values.DEGRADED}
_BURNS = (  # so many in a window, and one in a shorter one
    (values.FAST_BURN, 4, _HOUR, 5),
    (values.SLOW_BURN, 6, _DAY, 2 * _HOUR),
    (values.DRIFT, 4, 3 * _DAY, 6 * _HOUR),
)
_BLIND, _BLIND_WINDOW = 5, 10
_LATELY = ((values.LATELY, 10), (values.LATELY_LONG, 125))


def episodes(strip: Strip, *, down: str, after: Minute) -> tuple[Episode, ...]:
    """Return what *strip* tells, but for what was over after minute *after* already.

    *down* holds the letters that the contract counts as down.
    """
    return tuple(
        episode for episode in _all(strip, down) if episode.ended is None or episode.ended > after
    )


def _all(strip: Strip, down: str) -> Iterator[Episode]:
    bad = minutes_of(strip, down)
    if bad:
        outages = list(_outages(strip, down))
        yield from outages
        yield from _lately(strip, outages)
        for rule, count, window, lately in _BURNS:
            many = at_least(count, bad, window=window)
            yield from _spells(rule, both(many, at_least(1, bad, window=lately)), strip)
    unmeasured = minutes_of(strip, NOT_MEASURED)
    yield from _spells(values.BLIND, at_least(_BLIND, unmeasured, window=_BLIND_WINDOW), strip)


def _outages(strip: Strip, down: str) -> Iterator[Episode]:
    begun: Episode | None = None
    for minute, turn in OutageWatch(down).turns(strip.start, strip.letters):
        if begun is None or turn.until is None:
            shown, letter = told_as(strip, turn.since, down)
            rule = _OUTAGES.get(letter, values.SYSTEM_DOWN)
            begun = Episode(rule=rule, begun=minute, since=turn.since, letter=letter, shown=shown)
        else:
            yield replace(begun, ended=minute, until=turn.until)
            begun = None
    if begun is not None:
        yield begun


def _lately(strip: Strip, outages: Sequence[Episode]) -> Iterator[Episode]:
    stood = [
        Spell(o.begun, o.ended if o.ended is not None else Minute(strip.stop)) for o in outages
    ]
    for rule, minutes in _LATELY:
        yield from _spells(rule, lasting(stood, minutes), strip)


def _spells(rule: Rule, spells: Sequence[Spell], strip: Strip) -> Iterator[Episode]:
    for spell in spells:
        over = spell.stop < strip.stop
        yield Episode(
            rule=rule, begun=spell.start, since=spell.start,
            ended=spell.stop if over else None, until=spell.stop if over else None,
        )  # fmt: skip
