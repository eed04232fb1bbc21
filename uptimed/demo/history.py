"""A past that is made up: plausible attempts at one service, the same every time.

Nothing here was measured, and whoever keeps these attempts says so. Each month takes one of three
courses, in turn: it spends its allowed minutes to the last one and is met, it is breached, or it
has a gap in which nothing was looked at and is not proven. Every month also has what fills a quiet
log: single failures that a second try did not confirm, and spells in which pages were slow.

What happens in a minute depends on the seed and on that minute, not on where a stretch begins: two
stretches that meet are the same attempts as one.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise
from random import Random

from uptimed.core.minutes import (
    MINUTE,
    MINUTES_PER_DAY,
    Minute,
    first_minute,
    local_day,
    minute_of,
    moment_of_minute,
    month_minutes,
)
from uptimed.core.observations import (
    SECOND,
    Attempt,
    Cause,
    Evidence,
    Instant,
    Outcome,
)
from uptimed.core.terms import HOUSE_REFERENCE_PPM, PPM, ProbeTerms, Role, WatchTerms

TIMEOUT_US = 5 * SECOND
GAP_US = 2 * SECOND
SLOW_AFTER_US = 2 * SECOND

_LATEST_PHASE_US = 35 * SECOND  # in its minute: a second attempt still ends in it
_NOISE = 4096  # how many different factors there are
_ONE = 1000  # factors are in thousandths
_BLIPS_A_WEEK = 2
_MILLISECOND = SECOND // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpProbe:
    """A probe of the past. *usual_us* is how long it takes at a quiet hour.

    *account* is the one it signs in with, counted from 1; 0 where it has none.
    """

    id: str
    role: Role
    kind: str = "http"
    interval: int = 1  # minutes
    usual_us: int = 150_000
    slow_after_us: int | None = None
    account: int = 0


PROBES: tuple[MadeUpProbe, ...] = (
    MadeUpProbe(id="front", role=Role.REACH, usual_us=140_000, slow_after_us=SLOW_AFTER_US),
    MadeUpProbe(id="login", role=Role.LOGIN, kind="login", usual_us=390_000, account=1),
)
"""The probes of the demo's past: few, so that a quarter of a year is loaded in seconds."""


class Happening(StrEnum):
    """What can befall a service, or those who look at it."""

    UNREACHABLE = "unreachable"  # no connection: every probe fails
    ERROR = "error"  # status 500 everywhere
    LOGIN = "login"  # reached, but nobody can sign in
    FUNCTION = "function"  # a function fails, users get in
    SLOW = "slow"
    UNWATCHED = "unwatched"  # the monitor was not running


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """The minutes [start, stop) in which something *happens*."""

    start: Minute
    stop: Minute
    happens: Happening


class Course(StrEnum):
    """How a month goes."""

    SPENT = "spent"  # met, with nothing left of what it may be down
    BREACHED = "breached"
    GAP = "gap"  # a stretch was not measured: not proven


_COURSES = tuple(Course)


def course_of(year: int, month: int) -> Course:
    """Return how a month goes: any three in a row go three different ways."""
    return _COURSES[(year * 12 + month) % len(_COURSES)]


def months_before(now: Instant, zone: tzinfo, count: int = 3) -> Minute:
    """Return the first minute of the month *count* months before the one of *now* in *zone*."""
    today = moment_of_minute(minute_of(now)).astimezone(zone).date()
    year, month = divmod(today.year * 12 + today.month - 1 - count, 12)
    return first_minute(date(year, month + 1, 1), zone)


def watch_terms(service: str, vantage: str, probes: Sequence[MadeUpProbe] = PROBES) -> WatchTerms:
    """Return the terms under which the past of *service* is judged; every probe must pass."""
    roles = [probe.role for probe in probes]
    return WatchTerms(
        service=service,
        probes=tuple(
            ProbeTerms(
                id=p.id,
                role=p.role,
                kind=p.kind,
                interval=p.interval,
                slow_after_us=p.slow_after_us,
                accounts=p.account,
            )
            for p in probes
        ),
        need={role: roles.count(role) for role in Role if role in roles},
        vantages=(vantage,),
        min_vantages=1,
    )


# What happens when.


def spells(
    start: Minute,
    stop: Minute,
    *,
    zone: tzinfo,
    seed: int,
    target_ppm: int = HOUSE_REFERENCE_PPM,
) -> tuple[Spell, ...]:
    """Return what happens in the months that [start, stop) touches, in order, cut to it.

    *zone* says where months begin; *target_ppm* how many minutes of one may be down.
    """
    return tuple(
        replace(spell, start=max(start, spell.start), stop=min(stop, spell.stop))
        for spell in _whole_spells(start, stop, zone, seed, target_ppm)
        if spell.start < stop and start < spell.stop
    )


def unwatched(found: Iterable[Spell]) -> tuple[Spell, ...]:
    """Return the spells that the monitor's own life has to explain."""
    return tuple(spell for spell in found if spell.happens is Happening.UNWATCHED)


def _whole_spells(
    start: Minute, stop: Minute, zone: tzinfo, seed: int, target_ppm: int
) -> Iterator[Spell]:
    for year, month in _months(start, stop, zone):
        for spell in _month_of_spells(year, month, zone, seed, target_ppm):
            if spell.start < stop and start <= spell.stop:  # its end is felt in the next minute
                yield spell


def _months(start: Minute, stop: Minute, zone: tzinfo) -> Iterator[tuple[int, int]]:
    if stop <= start:
        return
    first, last = (
        moment_of_minute(minute).astimezone(zone).date() for minute in (start, Minute(stop - 1))
    )
    for count in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        yield count // 12, count % 12 + 1


def _script(course: Course, allowed: int) -> tuple[tuple[Happening, int], ...]:
    """Return what a month of that course has, and for how many minutes each."""
    match course:
        case Course.SPENT:
            login = allowed // 3
            return (Happening.LOGIN, login), (Happening.ERROR, allowed - login)
        case Course.BREACHED:
            return (
                (Happening.UNREACHABLE, 64 + allowed),
                (Happening.LOGIN, 21),
                (Happening.ERROR, 3),
                (Happening.FUNCTION, 33),
            )
        case Course.GAP:
            # Long enough to leave the month unproven, short enough to be above 99.9 % coverage.
            return (Happening.UNWATCHED, allowed + 14), (Happening.UNREACHABLE, 4)


def _month_of_spells(
    year: int, month: int, zone: tzinfo, seed: int, target_ppm: int
) -> Iterator[Spell]:
    minutes = month_minutes(year, month, zone)
    allowed = (PPM - target_ppm) * len(minutes) // PPM
    chance = Random(f"{seed}/{year}-{month}")
    script = [*_script(course_of(year, month), allowed)]
    script += [(Happening.SLOW, chance.randint(12, 50)) for _ in range(3)]
    # One a day, none on the edges of the month: spells neither meet nor leave it.
    days = sorted(chance.sample(range(2, 27), len(script)))
    chance.shuffle(script)
    for day, (happens, length) in zip(days, script, strict=True):
        begins = first_minute(date(year, month, day), zone, chance.randint(6 * 60, 18 * 60))
        yield Spell(start=begins, stop=Minute(begins + length), happens=happens)


# The attempts.


@dataclass(frozen=True, slots=True)
class _Miss:
    """How an attempt fails."""

    cause: Cause
    detail: str
    took_us: int
    evidence: Evidence | None = None


_NO_CONNECTION = _Miss(Cause.CONNECT_TIMEOUT, "no connection within 5 s", TIMEOUT_US)
_STATUS_500 = _Miss(
    Cause.STATUS,
    "status 500, wanted 200",
    48 * _MILLISECOND,
    Evidence(status=500, headers={"content-type": "text/html"}, excerpt="<h1>Server error</h1>"),
)
_NOT_SIGNED_IN = _Miss(
    Cause.LOGIN_ERROR, "signed in, but the next page asked to sign in again", 610 * _MILLISECOND
)
_MISSES: Mapping[Happening, Mapping[Role, _Miss]] = {
    Happening.UNREACHABLE: dict.fromkeys(Role, _NO_CONNECTION),
    Happening.ERROR: dict.fromkeys(Role, _STATUS_500),
    Happening.LOGIN: {Role.LOGIN: _NOT_SIGNED_IN},
    Happening.FUNCTION: {Role.FUNCTION: _STATUS_500},
    Happening.SLOW: {},
    Happening.UNWATCHED: {},
}
_BLIPS = (
    _Miss(Cause.RESET, "connection reset by peer", 31 * _MILLISECOND),
    _Miss(Cause.READ_TIMEOUT, "connected, but no answer within 5 s", TIMEOUT_US),
    _STATUS_500,
)

# Factors of the usual time, in thousandths, at the full hours of a working day and of a day off.
_WORKDAY = (
    1000, 980, 970, 1010, 1000, 1040, 1120, 1310, 1620, 1840, 1910, 1780,
    1420, 1330, 1680, 1790, 1700, 1480, 1260, 1170, 1110, 1080, 1050, 1020,
)  # fmt: skip
_DAY_OFF = (
    990, 980, 970, 960, 970, 980, 1000, 1020, 1060, 1100, 1110, 1100,
    1090, 1080, 1070, 1080, 1070, 1060, 1050, 1050, 1040, 1030, 1010, 1000,
)  # fmt: skip


def _shape(hours: Sequence[int]) -> tuple[int, ...]:
    """Return the factor of each minute of a day, on straight lines between the full hours."""
    return tuple(
        before + (after - before) * minute // 60
        for before, after in pairwise((*hours, hours[0]))
        for minute in range(60)
    )


_SHAPES = (*(_shape(_WORKDAY),) * 5, *(_shape(_DAY_OFF),) * 2)
"""By weekday, Monday first."""


def made_up_looks(
    service: str,
    *,
    vantage: str,
    zone: tzinfo,
    start: Minute,
    stop: Minute,
    seed: int,
    probes: Sequence[MadeUpProbe] = PROBES,
    target_ppm: int = HOUSE_REFERENCE_PPM,
) -> Iterator[Attempt]:
    """Yield the attempts of the looks that begin in [start, stop), day by day, probe by probe.

    The days are those of *zone*; within one day and probe the attempts are in order. *target_ppm*
    is the promise that the months are made for. A probe whose interval is longer than a minute sees
    a spell begin late, as it would: then a month is spent only nearly.
    """
    plan = tuple(_whole_spells(start, stop, zone, seed, target_ppm))
    pasts = [_Past(service, probe, vantage, seed) for probe in probes]
    for day in _days(start, stop, zone):
        whole = local_day(day, zone)
        minutes = range(max(whole.start, start), min(whole.stop, stop))
        today = [s for s in plan if s.start < minutes.stop and minutes.start <= s.stop]
        for past in pasts:
            yield from past.day(day, whole, minutes, today)


def _days(start: Minute, stop: Minute, zone: tzinfo) -> Iterator[date]:
    if stop <= start:
        return
    day = moment_of_minute(start).astimezone(zone).date()
    last = moment_of_minute(Minute(stop - 1)).astimezone(zone).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


class _Past:
    """One probe's past from one vantage."""

    def __init__(self, service: str, probe: MadeUpProbe, vantage: str, seed: int) -> None:
        self._service = service
        self._probe = probe
        self._vantage = vantage
        self._name = f"{seed}/{service}/{probe.id}/{vantage}"
        self._phase_us = zlib.crc32(self._name.encode()) % _LATEST_PHASE_US
        chance = Random(self._name)
        # Mostly a little above the usual, sometimes more than twice it.
        self._noise = [
            850 + min(1600, int(chance.lognormvariate(4.9, 0.75))) for _ in range(_NOISE)
        ]

    def day(
        self, day: date, whole: range, minutes: range, today: Sequence[Spell]
    ) -> Iterator[Attempt]:
        """Yield the attempts in *minutes*, which are all or some of the *whole* local *day*."""
        chance = Random(f"{self._name}/{day}")
        noise = chance.choices(self._noise, k=len(whole))
        blips = self._blips(chance, whole)
        happenings = {minute: s.happens for s in today for minute in range(s.start, s.stop)}
        shape = _SHAPES[day.weekday()]
        usual_us = self._probe.usual_us
        for minute in self._looked_at(minutes, today):
            index = minute - whole.start
            # A day may be an hour longer than its shape.
            factor = shape[min(index, MINUTES_PER_DAY - 1)] * noise[index]
            took_us = usual_us * factor // (_ONE * _ONE)
            at = Instant(minute * MINUTE + self._phase_us + took_us % _MILLISECOND * 17)
            happens = happenings.get(minute)
            if happens is None and minute not in blips:
                yield self._pass(at, at, took_us)
            else:
                yield from self._disturbed(at, took_us, happens, blips.get(minute))

    def _blips(self, chance: Random, whole: range) -> dict[int, _Miss]:
        """Return the minutes of a day in which one attempt fails and nothing is the matter."""
        if chance.random() * 7 >= _BLIPS_A_WEEK:
            return {}
        return {chance.choice(whole): chance.choice(_BLIPS)}

    def _looked_at(self, minutes: range, today: Sequence[Spell]) -> Iterable[int]:
        """Return those of *minutes* in which the probe looks."""
        due = self._due(minutes, today)
        away = [range(s.start, s.stop) for s in today if s.happens is Happening.UNWATCHED]
        return [m for m in due if not any(m in span for span in away)] if away else due

    def _due(self, minutes: range, today: Sequence[Spell]) -> Iterable[int]:
        interval = self._probe.interval
        if interval == 1:
            return minutes
        due = {minute for minute in minutes if minute % interval == 0}
        for spell in today:
            first = -(-spell.start // interval) * interval
            if first < spell.stop and self._miss(spell.happens) is not None:
                # A failed look makes the next ones come every minute, until one passes.
                due.update(minute for minute in range(first, spell.stop + 1) if minute in minutes)
        return sorted(due)

    def _miss(self, happens: Happening | None) -> _Miss | None:
        return None if happens is None else _MISSES[happens].get(self._probe.role)

    def _disturbed(
        self, at: Instant, took_us: int, happens: Happening | None, blip: _Miss | None
    ) -> Iterator[Attempt]:
        miss = self._miss(happens)
        if miss is not None:  # twice: confirmed
            yield self._fail(at, at, miss)
            yield self._fail(Instant(at + miss.took_us + GAP_US), at, miss)
        elif happens is Happening.SLOW:
            yield self._pass(at, at, self._slowed(took_us))
        elif blip is not None and happens is None:
            second = Instant(at + blip.took_us + GAP_US)
            yield self._fail(at, at, blip)
            yield self._pass(second, at, took_us)
            yield self._pass(Instant(second + took_us + GAP_US), at, took_us)
        else:
            yield self._pass(at, at, took_us)

    def _slowed(self, took_us: int) -> int:
        if self._probe.slow_after_us is None:
            return 2 * took_us
        return min(self._probe.slow_after_us + 4 * took_us, TIMEOUT_US - _MILLISECOND)

    def _pass(self, at: Instant, look: Instant, took_us: int) -> Attempt:
        return Attempt(
            service=self._service,
            probe=self._probe.id,
            vantage=self._vantage,
            at=at,
            look=look,
            outcome=Outcome.PASS,
            took_us=took_us,
            account=self._probe.account,
        )

    def _fail(self, at: Instant, look: Instant, miss: _Miss) -> Attempt:
        return Attempt(
            service=self._service,
            probe=self._probe.id,
            vantage=self._vantage,
            at=at,
            look=look,
            outcome=Outcome.FAIL,
            cause=miss.cause.value,
            detail=miss.detail,
            took_us=miss.took_us,
            account=self._probe.account,
            evidence=miss.evidence,
        )
