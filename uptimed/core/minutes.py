"""Minutes, local days and months.

A minute is the half-open UTC interval [60*m, 60*m + 60) seconds, named by the integer m. Local time
exists only here, at the limits of days and months, and in printing. Only UTC instants are ever
subtracted: subtracting two aware datetimes of one zone is wall-clock arithmetic in Python.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NewType

from uptimed.core.observations import SECOND, Instant

Minute = NewType("Minute", int)
"""Whole minutes since 1970-01-01T00:00Z."""

MINUTES_PER_DAY = 1440
MINUTE = 60 * SECOND  # in the unit of Instant
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def minute_of(at: Instant) -> Minute:
    """Return the minute that *at* lies in."""
    return Minute(at // MINUTE)


def start_of(minute: Minute) -> Instant:
    """Return the first instant of *minute*."""
    return Instant(minute * MINUTE)


def whole_minutes(start: Instant, end: Instant) -> range:
    """Return the minutes that lie wholly in [start, end)."""
    return range(-(-start // MINUTE), end // MINUTE)


def instant_of(moment: datetime) -> Instant:
    """Return an aware *moment* as an instant."""
    return Instant((moment - _EPOCH) // _MICROSECOND)


def moment_of(at: Instant) -> datetime:
    """Return *at* as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=at)


def utc(at: Instant) -> str:
    """Return *at* as `2026-10-01T05:00:00Z`, with microseconds only where there are any."""
    return moment_of(at).replace(tzinfo=None).isoformat() + "Z"


def moment_of_minute(minute: Minute) -> datetime:
    """Return the start of *minute* as an aware datetime in UTC."""
    return moment_of(start_of(minute))


def day_of(minute: Minute) -> date:
    """Return the UTC day of *minute*."""
    return (_EPOCH + timedelta(minutes=minute)).date()


def day_minutes(day: date) -> range:
    """Return the 1440 minutes of the UTC *day*."""
    first = (day - _EPOCH.date()).days * MINUTES_PER_DAY
    return range(first, first + MINUTES_PER_DAY)


def days_between(start: Minute, stop: Minute) -> tuple[date, ...]:
    """Return the UTC days that [start, stop) touches, in order."""
    if stop <= start:
        return ()
    first, last = day_of(start), day_of(Minute(stop - 1))
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def first_minute(day: date, zone: tzinfo, minute_of_day: int = 0) -> Minute:
    """Return the first minute of the local *day*, or of its wall-clock time *minute_of_day*.

    Where that local time does not exist (the clock is put forward over it), the first instant
    after it that does exist is taken; where it exists twice, the earlier. *minute_of_day* may be
    1440, which is the next local midnight.
    """
    wanted = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute_of_day)
    instant = instant_of(wanted.replace(tzinfo=zone, fold=0))
    if _wall_clock(instant, zone) != wanted:
        instant = _first_instant_after_gap(wanted, zone, instant)
    # Zones with offsets of odd seconds existed long before the dates that are served.
    return Minute(-(-instant // MINUTE))


def _wall_clock(at: Instant, zone: tzinfo) -> datetime:
    return moment_of(at).astimezone(zone).replace(tzinfo=None)


def _first_instant_after_gap(wanted: datetime, zone: tzinfo, near: Instant) -> Instant:
    low, high = near - 86_400 * SECOND, near + 86_400 * SECOND
    while high - low > 1:
        middle = (low + high) // 2
        if _wall_clock(Instant(middle), zone) < wanted:
            low = middle
        else:
            high = middle
    return Instant(high)


def local_day(day: date, zone: tzinfo) -> range:
    """Return the minutes of the local *day*: 1440 of them but for days with a clock change."""
    return range(first_minute(day, zone), first_minute(day + timedelta(days=1), zone))


def month_minutes(year: int, month: int, zone: tzinfo) -> range:
    """Return the minutes of a month as people in *zone* count them.

    From local midnight of its first day to local midnight of the next month's first day. Months
    with a clock change are an hour longer or shorter than days times 24: Europe/Madrid has 44,580
    minutes in March 2026 and 44,700 in October.
    """
    following = date(year + month // 12, month % 12 + 1, 1)
    return range(first_minute(date(year, month, 1), zone), first_minute(following, zone))


def zone_mistake(name: str) -> str | None:
    """Return why *name* is not to be used as a time zone, or None where nothing speaks against it.

    Abbreviations and `Etc/GMT+n` mean other things than they seem to. Whether the zone exists is
    for the caller to find out.
    """
    if name == "UTC":
        return None
    if name.startswith(("right/", "posix/")):
        return (
            f"{name!r} is a folder of the zone database, and right/ counts leap seconds; name the "
            "place alone, such as Europe/Madrid"
        )
    if name.startswith(("Etc/", "GMT")):
        return (
            f"{name!r} is easily misread: in the zone database Etc/GMT+5 is UTC-5; "
            "name a place, such as America/Bogota, or UTC"
        )
    if "/" not in name:
        return (
            f"{name!r} is an abbreviation or alias, not a place: the zone database's CET observes "
            "summer time and EST does not; name a place, such as Europe/Madrid, or UTC"
        )
    return None
