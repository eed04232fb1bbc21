"""Readers of single values: each takes what TOML gave and returns what is meant, or raises Wrong.

Durations become whole microseconds, percentages parts per million, sizes bytes.
"""

import ipaddress
import re
from datetime import UTC, date, datetime, tzinfo
from fractions import Fraction
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from uptimed.config.mistakes import Wrong, kind_of, one_of, show, suggest
from uptimed.core.minutes import MINUTE, instant_of, zone_mistake
from uptimed.core.observations import SECOND, Instant
from uptimed.core.patterns import pattern_problem
from uptimed.core.targets import Secret, SecretPlace
from uptimed.core.terms import PPM

_UNITS = {"ms": SECOND // 1000, "s": SECOND, "m": MINUTE, "h": 60 * MINUTE}
_DURATION = re.compile(r"(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+)s)?(?:([0-9]+)ms)?")
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_MAIL = re.compile(r"[^\s@<>(),;:\\\"\[\]]+@[^\s@<>(),;:\\\"\[\]]+\.[^\s@<>(),;:\\\"\[\].]+")
_PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,4})?")
_SIZE = re.compile(r"([0-9]{1,9})(KiB|MiB|B)?")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CREDENTIAL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:-]*")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TIME_OF_DAY = re.compile(r"([0-9]{2}):([0-9]{2})")
_STATUS_CLASS = re.compile(r"([1-5])xx")
_STATUS_RANGE = re.compile(r"([1-5][0-9]{2})-([1-5][0-9]{2})")

_YEARS = range(2000, 2200)
_YEARS_WISH = f"a year from {_YEARS.start} to {_YEARS.stop - 1}"
_SAMPLES = {
    "https": "https://host.example/",
    "http": "http://host.example/",
    "tcp": "tcp://host.example:53",
}
_SECRET_WISH = 'where it is kept: { env = "NAME" }, { file = "PATH" } or { credential = "NAME" }'


def text(value: object) -> str:
    """Read a string without control characters that says something."""
    if not isinstance(value, str):
        raise Wrong(kind_of(value), "a string")
    if not value.strip():
        raise Wrong("an empty string", "a text")
    if _CONTROL.search(value):
        raise Wrong("a string with control characters", "a text on one line")
    return value


def body_text(value: object) -> str:
    """Read any string, that may be long, have lines, or be empty."""
    if not isinstance(value, str):
        raise Wrong(kind_of(value), "a string")
    return value


def identifier(value: object) -> str:
    """Read an id."""
    if not isinstance(value, str):
        raise Wrong(kind_of(value), "an id: a string of a-z, 0-9, '.', '_' and '-'")
    if not _ID.fullmatch(value):
        raise Wrong(
            show(value),
            "an id of at most 63 characters a-z, 0-9, '.', '_' and '-', "
            "that begins with a letter or digit",
        )
    return value


def duration_us(value: object) -> int:
    """Read a duration such as `"10s"`, `"1m30s"` or `"250ms"`; zero is one."""
    if isinstance(value, str) and value:
        match = _DURATION.fullmatch(value)
        if match:
            parts = zip(match.groups(), ("h", "m", "s", "ms"), strict=True)
            return sum(int(count) * _UNITS[unit] for count, unit in parts if count)
        if re.fullmatch(r"[0-9]+d", value):
            raise Wrong(show(value), 'a duration in hours: is a day 24 hours ("24h") or working?')
    raise Wrong(show(value), 'a duration such as "10s", "5m", "2h", "1m30s" or "250ms"')


def duration_up_to(value: object, *, highest: int, lowest: int = 0) -> int:
    """Read a duration of at least *lowest* and at most *highest*."""
    found = duration_us(value)
    if not lowest <= found <= highest:
        least = f'from "{say_duration(lowest)}" ' if lowest else ""
        raise Wrong(show(value), f'a duration {least}up to "{say_duration(highest)}"')
    return found


def some_duration_us(value: object) -> int:
    """Read a duration above zero."""
    found = duration_us(value)
    if not found:
        raise Wrong(show(value), "a duration above zero")
    return found


def whole_minutes(value: object, *, lowest: int = 1, highest: int = 1440) -> int:
    """Read a duration of whole minutes from *lowest* to *highest*."""
    minutes, rest = divmod(duration_us(value), MINUTE)
    if rest or not lowest <= minutes <= highest:
        first, last = say_duration(lowest * MINUTE), say_duration(highest * MINUTE)
        raise Wrong(show(value), f'whole minutes from "{first}" to "{last}"')
    return minutes


def say_duration(duration: int) -> str:
    """Return a duration as it may be written in the configuration; microseconds are cut off."""
    rest, parts = duration, []
    for unit in ("h", "m", "s", "ms"):
        count, rest = divmod(rest, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def integer(value: object, *, lowest: int, highest: int) -> int:
    """Read an integer from *lowest* to *highest*."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not lowest <= value <= highest:  # type: ignore[operator]
        raise Wrong(show(value), f"an integer from {lowest} to {highest}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def boolean(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise Wrong(show(value), "true or false")
    return value


def choice(value: object, choices: tuple[str, ...]) -> str:
    """Read one of *choices*."""
    if not isinstance(value, str):
        raise Wrong(kind_of(value), one_of(choices))
    if value not in choices:
        raise Wrong(show(value), suggest(value, choices))
    return value


def percent(value: object) -> tuple[str, int]:
    """Read a percentage written as a string; return it as written, and in parts per million."""
    if not isinstance(value, str):
        raise Wrong(show(value), 'a percentage as a string, so that it is exact: "99.96"')
    if not _PERCENT.fullmatch(value):
        raise Wrong(show(value), 'a percentage with at most four decimals, such as "99.96"')
    ppm = Fraction(value) * (PPM // 100)
    if not 0 < ppm <= PPM:
        raise Wrong(show(value), "a percentage above 0 and up to 100")
    return value, int(ppm)


def size(value: object) -> int:
    """Read a size in bytes: an integer, or a string such as `"256KiB"`."""
    wish = 'a size such as "256KiB", from "1KiB" to "16MiB"'
    written = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = _SIZE.fullmatch(written) if isinstance(written, str) else None
    if not match:
        raise Wrong(show(value), wish)
    found = int(match[1]) * {"KiB": 1024, "MiB": 1024**2}.get(match[2] or "B", 1)
    if not 1024 <= found <= 16 * 1024**2:
        raise Wrong(show(value), wish)
    return found


def colour(value: object) -> str:
    """Read a colour."""
    if not isinstance(value, str) or not _COLOUR.fullmatch(value):
        raise Wrong(show(value), 'a colour such as "#1f6feb"')
    return value.lower()


def address(value: object) -> str:
    """Read a mail address, without a name beside it."""
    if not isinstance(value, str):
        raise Wrong(kind_of(value), 'a mail address such as "it@acme.example"')
    if _CONTROL.search(value):
        raise Wrong("a string with control characters", "a mail address on one line")
    if not _MAIL.fullmatch(value) or len(value) > 254:
        raise Wrong(show(value), 'a mail address such as "it@acme.example"')
    local, _, domain = value.rpartition("@")
    if not local.isascii() or not _as_ascii(domain):
        raise Wrong(show(value), "an address that every mail server takes: ASCII before the @")
    return value


def host(value: object) -> str:
    """Read the name or address of a host."""
    wish = 'a host name or an address, such as "crm.acme.example"'
    if not isinstance(value, str):
        raise Wrong(kind_of(value), wish)
    if is_address(value):
        return value
    if len(value) > 253 or not _HOST_NAME.fullmatch(_as_ascii(value)):
        raise Wrong(_shown_host(value), wish)
    return value


def _shown_host(value: str) -> str:
    """Return what was found in the place of a host; what stands before an `@` is never shown."""
    return "something with credentials in it" if "@" in value else show(value)


def time_of_day(value: object) -> int:
    """Read a local time such as `"09:00"`; return the minutes after midnight."""
    found = _TIME_OF_DAY.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise Wrong(show(value), 'a time of day such as "09:00"')
    return int(found[1]) * 60 + int(found[2])


def _as_ascii(name: str) -> str:
    try:
        return name.encode("idna").decode("ascii") if not name.isascii() else name
    except UnicodeError:
        return ""


def is_address(value: str) -> bool:
    """Return whether *value* is an IP address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def port(value: object) -> int:
    """Read a port."""
    return integer(value, lowest=1, highest=65535)


def host_and_port(value: object, *, lowest_port: int = 1) -> tuple[str, int]:
    """Read `host:port`, an IPv6 address in brackets."""
    wish = 'an address and a port, such as "127.0.0.1:9464" or "[::1]:9464"'
    if not isinstance(value, str):
        raise Wrong(kind_of(value), wish)
    name, colon, number = value.rpartition(":")
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    elif ":" in name:
        raise Wrong(_shown_host(value), wish)
    if (
        not colon
        or not re.fullmatch(r"[0-9]{1,5}", number)
        or not lowest_port <= int(number) <= 65535
    ):
        raise Wrong(_shown_host(value), wish)
    try:
        return host(name), int(number)
    except Wrong:
        raise Wrong(_shown_host(value), wish) from None


def name_server(value: object) -> tuple[str, int]:
    """Read the address of a name server, with or without a port."""
    wish = 'the address of a name server, such as "192.0.2.53" or "192.0.2.53:5353"'
    if not isinstance(value, str):
        raise Wrong(kind_of(value), wish)
    if is_address(value):
        return value, 53
    try:
        name, number = host_and_port(value)
    except Wrong:
        raise Wrong(show(value), wish) from None
    if not is_address(name):
        raise Wrong(show(value), wish)
    return name, number


def url(value: object, schemes: tuple[str, ...] = ("https", "http"), *, hint: str = "") -> str:
    """Read a URL with a host and without credentials. It is never shown with its query.

    *hint* says what to do instead of credentials in it.
    """
    if not isinstance(value, str):
        raise Wrong(kind_of(value), f"a URL such as {_SAMPLES[schemes[0]]}")
    parts = _split(value, f"a URL such as {_SAMPLES[schemes[0]]}")
    if "@" in (parts.netloc or value):
        raise Wrong("a URL with credentials in it", f"a URL without them{hint}")
    if parts.scheme not in schemes:
        schemes_wish = " or ".join(f"{scheme}://" for scheme in schemes)
        raise Wrong(_show_url(parts), f"a URL that begins with {schemes_wish}")
    _check_host(parts, f"a URL such as {_SAMPLES[parts.scheme]}")
    if parts.fragment:
        raise Wrong("a URL with a fragment (#)", "a URL without one: it is never sent")
    return value


def _split(value: str, wish: str) -> SplitResult:
    if _CONTROL.search(value) or " " in value:
        raise Wrong("a URL with spaces or control characters", wish)
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise Wrong("a URL with a host or port that cannot be read", wish) from None
    return parts


def _check_host(parts: SplitResult, wish: str) -> None:
    try:
        host(parts.hostname)
    except Wrong:
        raise Wrong(_show_url(parts), wish) from None
    if parts.port == 0 or (parts.scheme == "tcp" and parts.port is None):
        raise Wrong(_show_url(parts), f"{wish}, with a port")


def _show_url(parts: SplitResult) -> str:
    """Return a URL without what may be secret in it."""
    netloc = parts.netloc.rpartition("@")[2]
    return show(parts._replace(netloc=netloc, query="", fragment="").geturl())


def secret(value: object) -> Secret:
    """Read where a secret is kept. What was found instead is never shown."""
    if not isinstance(value, dict):
        raise Wrong(kind_of(value), _SECRET_WISH)
    if len(value) != 1 or next(iter(value)) not in set(SecretPlace):
        raise Wrong("another table", _SECRET_WISH)
    ((place, name),) = value.items()
    shape = {SecretPlace.ENV: _ENV_NAME, SecretPlace.CREDENTIAL: _CREDENTIAL_NAME}.get(place)
    if not isinstance(name, str) or not name or (shape and not shape.fullmatch(name)):
        wish = {"env": "an environment variable", "file": "a file"}.get(place, "a credential")
        raise Wrong(f"something else for {place}", f"the name of {wish}")
    return Secret(SecretPlace(place), name)


def zone_name(value: object) -> str:
    """Read the name of a time zone that exists and means what it seems to."""
    wish = "the zone of a place, such as America/Bogota, or UTC"
    if not isinstance(value, str):
        raise Wrong(kind_of(value), wish)
    mistake = zone_mistake(value)
    if mistake is not None:
        reason = mistake.rpartition(";")[0].partition(f"{value!r} ")[2]
        raise Wrong(show(value), f"{wish}: {value} {reason}")
    if zone_of(value) is None:
        raise Wrong(show(value), suggest(value, available_timezones()) if "/" in value else wish)
    return value


def zone_of(name: str) -> tzinfo | None:
    """Return the time zone of that name, or None where there is none."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def moment(value: object) -> Instant:
    """Read a moment with an offset."""
    wish = "a date and time with an offset, such as 2026-10-11T02:00:00-05:00"
    if not isinstance(value, datetime):
        raise Wrong(show(value), wish)
    if value.tzinfo is None:
        raise Wrong(f"{value.isoformat()} without an offset", wish)
    if value.year not in _YEARS:
        raise Wrong(show(value), _YEARS_WISH)
    return instant_of(value)


def day(value: object) -> date:
    """Read a date."""
    if isinstance(value, datetime) or not isinstance(value, date):
        raise Wrong(show(value), "a date such as 2026-10-01")
    if value.year not in _YEARS:
        raise Wrong(show(value), _YEARS_WISH)
    return value


def pattern(value: object) -> str:
    """Read a regular expression that compiles."""
    if not isinstance(value, str):
        raise Wrong(kind_of(value), "a regular expression as a string")
    if problem := pattern_problem(value):
        raise Wrong(show(value), f"a regular expression as RE2 reads it ({problem})")
    return value


def pointer(value: object) -> str:
    """Read a JSON pointer."""
    wish = 'a JSON pointer such as "/status" ("~" is written ~0 and "/" in a name ~1)'
    if not isinstance(value, str) or not _POINTER.fullmatch(value):
        raise Wrong(show(value), wish)
    return value


def header_name(value: str) -> str:
    """Read the name of a header."""
    if not _HEADER_NAME.fullmatch(value):
        raise Wrong(show(value), "the name of a header")
    return value


def header_value(value: str) -> str:
    """Read a header's value, which is not shown."""
    if _CONTROL.search(value):
        raise Wrong("a value with control characters", "a header's value on one line")
    return value


def statuses(value: object) -> tuple[tuple[int, int], ...]:
    """Read one status or a list: 200, "200-299" or "2xx"; return inclusive ranges."""
    items = value if isinstance(value, list) else [value]
    if not items:
        raise Wrong("an empty list", "at least one status")
    return tuple(_status(item) for item in items)


def _status(value: object) -> tuple[int, int]:
    if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
        return value, value
    if isinstance(value, str):
        if match := _STATUS_CLASS.fullmatch(value):
            first = int(match[1]) * 100
            return first, first + 99
        match = _STATUS_RANGE.fullmatch(value)
        if match and int(match[1]) <= int(match[2]):
            return int(match[1]), int(match[2])
    raise Wrong(show(value), 'a status such as 200, "200-299" or "2xx"')
