"""Looks as lines of a file, in and out.

One attempt a line, JSONL or CSV with the same columns. What is read is checked line by line; a
malformed line is a value that names its number and what is wrong.

A line may add that its vantage was blind in the look's minute: then a fail without an answer was
the vantage's own. That is said of the minute, not of the attempt, which is the same without it.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from typing_extensions import override

from uptimed.core.minutes import Minute, instant_of, minute_of, moment_of
from uptimed.core.observations import SECOND, Attempt, Cause, Instant, Outcome

COLUMNS = (
    "service", "probe", "vantage", "at", "look", "account", "outcome", "cause", "detail", "took_ms",
    "blind",
)  # fmt: skip
_USUAL = COLUMNS[:-1]  # nobody was blind: most files need no more
_REQUIRED = ("service", "probe", "vantage", "at", "outcome")
_EARLIEST = instant_of(datetime(2000, 1, 1, tzinfo=UTC))
_LONGEST_TEXT = 2000
_MILLISECOND = 1000
_LONGEST_TOOK_MS = 3_600_000
_LONGEST_LOOK = 300 * SECOND  # live ones take 55 s; letters look back no further than this
_OUTCOMES = {str(o): o for o in Outcome}
_CAUSES = {str(c): str(c) for c in Cause}
_LOGIN_OUTCOMES = frozenset({Outcome.REJECTED, Outcome.BLOCKED, Outcome.MAINTENANCE})
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)", re.ASCII
)
_WHOLE = re.compile(r"(\d{1,12})(?:\.0{1,6})?", re.ASCII)  # 183.0: so tables of numbers write 183
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character; it cannot be kept as UTF-8


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProbe:
    """What a line may say of a probe: whether it is a login, and how many accounts it has."""

    login: bool
    accounts: int = 0


Known = Mapping[str, Mapping[str, KnownProbe]]
"""The probes of each service that a file may speak of."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that is no attempt, and why."""

    line: int
    reason: str

    @override
    def __str__(self) -> str:
        """Return it as the operator reads it."""
        return f"line {self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Blinded:
    """An attempt of a look that began in a minute in which its vantage was blind, and why it was.

    The minute is blind for every probe of that vantage, whatever service it is of.
    """

    attempt: Attempt
    reason: str

    @property
    def place(self) -> "Place":
        """Return who was blind when."""
        return place_of(self.attempt)


Place = tuple[str, Minute]
"""A vantage, and a minute of it."""


def place_of(attempt: Attempt) -> Place:
    """Return the vantage of *attempt* and the minute that its look belongs to."""
    return attempt.vantage, minute_of(attempt.look)


Line = Attempt | Blinded
"""What a well-formed line says."""


class _Wrong(Exception):
    """A line is malformed; the message says how."""


Numbered = Iterator[tuple[int, Line | Malformed]]
"""The line's number from 1, and what it says or what is wrong with it."""


def read_jsonl(lines: Iterable[str], known: Known, now: Instant) -> Iterator[Line | Malformed]:
    """Yield what each line says that is not blank, or what is wrong with it."""
    return (item for _, item in numbered_jsonl(lines, known, now))


def read_csv(lines: Iterable[str], known: Known, now: Instant) -> Iterator[Line | Malformed]:
    """Yield what each row says, or what is wrong with it; the first row names the columns.

    *lines* keep their line ends: a text may have some of its own.
    """
    return (item for _, item in numbered_csv(lines, known, now))


def numbered_jsonl(lines: Iterable[str], known: Known, now: Instant) -> Numbered:
    """Yield, with its number, what each line says that is not blank, or what is wrong with it."""
    reader = _Reader(known, now)
    for number, line in enumerate(lines, start=1):
        if line.isspace() or not line:
            continue
        try:
            raw = json.loads(line.removeprefix("\ufeff"), object_pairs_hook=_once)
        except _Wrong as wrong:
            yield number, Malformed(number, str(wrong))
            continue
        except (ValueError, RecursionError) as error:
            yield number, Malformed(number, f"not JSON: {_brief(str(error))}")
            continue
        if not isinstance(raw, dict):
            yield number, Malformed(number, f"found {_show(raw)}, wanted an object")
            continue
        yield number, reader.line(number, raw)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return *pairs* as an object; where a key stands twice, nobody knows which was meant."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Wrong(f"{_brief(twice)!r} stands twice")
    return found


def numbered_csv(lines: Iterable[str], known: Known, now: Instant) -> Numbered:
    """Yield, with its number, what each row under the header says, or what is wrong with it.

    A row of several lines has the number of its first.
    """
    rows = csv.reader(lines, strict=True)
    try:
        header = next(rows, None)
    except csv.Error as error:
        yield 1, Malformed(1, f"not CSV: {error}")
        return
    if header is None:
        return
    header = [name.strip().lstrip("\ufeff") for name in header]
    if mistake := _header_mistake(header):
        yield 1, Malformed(1, mistake)
        return
    reader = _Reader(known, now)
    while True:
        number = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as error:  # the reader goes on with the next line
            yield number, Malformed(number, f"not CSV: {error}")
            continue
        if row is None:
            return
        if row:
            yield number, _row(reader, number, header, row)


def _row(reader: "_Reader", number: int, header: list[str], row: list[str]) -> Line | Malformed:
    if len(row) != len(header):
        return Malformed(number, f"found {len(row)} columns, wanted {len(header)}")
    filled = {name: text for name, text in zip(header, row, strict=True) if text}
    return reader.line(number, _typed(filled))


def _header_mistake(header: list[str]) -> str:
    unknown = [name for name in header if name not in COLUMNS]
    missing = [name for name in _REQUIRED if name not in header]
    if unknown:
        return f"unknown column {unknown[0]!r}, wanted some of {', '.join(COLUMNS)}"
    if missing:
        return f"no column {missing[0]!r}"
    if len(set(header)) != len(header):
        return "a column stands twice"
    return ""


def _typed(row: Mapping[str, str]) -> dict[str, object]:
    """Return a CSV row with its numbers as numbers, where they are."""
    typed: dict[str, object] = dict(row)
    for name in ("took_ms", "account"):
        text = row.get(name)
        if text is not None and (found := _WHOLE.fullmatch(text)):
            typed[name] = int(found[1])
    return typed


class _Reader:
    """Turns the fields of a line into what it says. It remembers only what it was told."""

    def __init__(self, known: Known, now: Instant) -> None:
        self._known = known
        self._latest = now
        self._minutes: dict[str, int] = {}

    def line(self, number: int, raw: Mapping[str, object]) -> Line | Malformed:
        try:
            attempt, reason = self._attempt(raw), _optional(raw, "blind")
        except _Wrong as wrong:
            return Malformed(number, str(wrong))
        return Blinded(attempt, reason) if reason else attempt

    def _attempt(self, raw: Mapping[str, object]) -> Attempt:
        for name in raw:
            if name not in COLUMNS:
                raise _Wrong(f"unknown key {_brief(name)!r}, wanted some of {', '.join(COLUMNS)}")
        service, probe = _text(raw, "service"), _text(raw, "probe")
        known = self._probe(service, probe)
        outcome = _outcome(raw, known)
        at = self._instant(raw, "at")
        look = at if raw.get("look") is None else self._instant(raw, "look")
        if look > at:
            raise _Wrong(f"look: found {raw['look']}, after the attempt's own start {raw['at']}")
        if at - look > _LONGEST_LOOK:
            raise _Wrong(f"look: found {raw['look']}, more than 5 minutes before {raw['at']}")
        return Attempt(
            service=service,
            probe=probe,
            vantage=_text(raw, "vantage"),
            at=at,
            look=look,
            outcome=outcome,
            cause=_cause(raw),
            detail=_optional(raw, "detail"),
            took_us=_took(raw),
            account=_account(raw, known),
        )

    def _probe(self, service: str, probe: str) -> KnownProbe:
        probes = self._known.get(service)
        if probes is None:
            raise _Wrong(f"service: found {_brief(service)!r}, which is not configured")
        known = probes.get(probe)
        if known is None:
            raise _Wrong(
                f"probe: found {_brief(probe)!r}, wanted one of {service}: {', '.join(probes)}"
            )
        return known

    def _instant(self, raw: Mapping[str, object], name: str) -> Instant:
        text = _text(raw, name)
        found = _INSTANT.fullmatch(text)
        if found is None:
            raise _Wrong(
                f"{name}: found {_brief(text)!r}, wanted an instant with its zone, such as "
                "2026-10-03T14:07:12.250Z"
            )
        try:
            at = self._microseconds(found)
        except (ValueError, OverflowError) as error:
            raise _Wrong(f"{name}: found {text!r}, {error}") from error
        if at < _EARLIEST:
            raise _Wrong(f"{name}: found {text}, before the year 2000")
        if at > self._latest:
            raise _Wrong(f"{name}: found {text}, in the future")
        return Instant(at)

    def _microseconds(self, found: "re.Match[str]") -> int:
        whole = found.group(0)[:16] + found.group(8)
        minute = self._minutes.get(whole)
        if minute is None:
            zone = found.group(8)
            moment = datetime.fromisoformat(
                found.group(0)[:16].replace(" ", "T") + ("+00:00" if zone == "Z" else zone)
            )
            if len(self._minutes) > 100_000:  # a bound on memory, any number does
                self._minutes.clear()
            minute = self._minutes[whole] = instant_of(moment)
        second = int(found.group(6))
        if second > 59:
            raise ValueError("a minute has seconds 00 to 59")
        fraction = ((found.group(7) or "") + "000000")[:6]
        return minute + second * SECOND + int(fraction)


def _text(raw: Mapping[str, object], name: str) -> str:
    value = raw.get(name)
    if value is None:
        raise _Wrong(f"no {name!r}")
    if not isinstance(value, str) or not value:
        raise _Wrong(f"{name}: found {_show(value)}, wanted a text")
    if len(value) > _LONGEST_TEXT:
        raise _Wrong(f"{name}: longer than {_LONGEST_TEXT} characters")
    if not value.isascii() and (found := _SURROGATE.search(value)):
        if "\udc80" <= found[0] <= "\udcff":  # so a byte is read that is no part of UTF-8
            raise _Wrong(f"{name}: a byte that is not UTF-8, wanted text in UTF-8")
        raise _Wrong(f"{name}: half a character (a lone surrogate), wanted text")
    return value


def _optional(raw: Mapping[str, object], name: str) -> str:
    value = raw.get(name)
    return "" if value is None or value == "" else _text(raw, name)


def _outcome(raw: Mapping[str, object], known: KnownProbe) -> Outcome:
    text = _text(raw, "outcome")
    outcome = _OUTCOMES.get(text)
    if outcome is None or (outcome in _LOGIN_OUTCOMES and not known.login):
        wanted = [o for o, v in _OUTCOMES.items() if known.login or v not in _LOGIN_OUTCOMES]
        raise _Wrong(f"outcome: found {_brief(text)!r}, wanted one of {', '.join(wanted)}")
    return outcome


def _cause(raw: Mapping[str, object]) -> str:
    text = _optional(raw, "cause")
    return _CAUSES.get(text, text)


def _took(raw: Mapping[str, object]) -> int | None:
    found = raw.get("took_ms")
    if found is None:
        return None
    took = _whole(found)
    if took is None or not 0 <= took <= _LONGEST_TOOK_MS:
        wanted = f"whole milliseconds from 0 to {_LONGEST_TOOK_MS}, such as 183"
        raise _Wrong(f"took_ms: found {_show(found)}, wanted {wanted}")
    return took * _MILLISECOND


def _whole(value: object) -> int | None:
    """Return a whole number, be it written as 183.0; None for anything else.

    A fraction is not cut off here: who wrote it meant it, or meant another unit.
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _account(raw: Mapping[str, object], known: KnownProbe) -> int:
    found = raw.get("account")
    if found is None:  # nothing was tried with any account, or nobody told which
        return 0
    account = _whole(found)
    if account is None:
        raise _Wrong(f"account: found {_show(found)}, wanted a whole number")
    if not 1 <= account <= known.accounts:
        wanted = f"1 to {known.accounts}" if known.accounts else "none: the probe has no accounts"
        raise _Wrong(f"account: found {_brief(str(account))}, wanted {wanted}")
    return account


def _show(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:  # it was read with the last brackets that the stack had room for
        text = f"a {type(value).__name__} of many levels"
    return _SURROGATE.sub("\ufffd", _brief(text))


def _brief(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def with_blindness(attempts: Iterable[Attempt], blind: Mapping[Place, str]) -> Iterator[Line]:
    """Yield *attempts*, each of a blind minute with the reason that *blind* has for it."""
    for attempt in attempts:
        reason = blind.get(place_of(attempt)) if blind else None
        yield attempt if reason is None else Blinded(attempt, reason)


def columns_for(*, blind: bool) -> Sequence[str]:
    """Return the columns of a file; those of a file without *blind* minutes do without it."""
    return COLUMNS if blind else _USUAL


def write_jsonl(lines: Iterable[Line]) -> Iterator[str]:
    """Yield a line for each of *lines*, without its newline."""
    for line in lines:
        yield json.dumps(fields(line), ensure_ascii=False, separators=(",", ":"))


def write_csv(lines: Iterable[Line], *, blind: bool = False) -> Iterator[str]:
    """Yield the header and a row for each of *lines*, without their newlines.

    *blind* tells that some have a reason: there is a column for it then.
    """
    columns = columns_for(blind=blind)
    yield ",".join(columns)
    for line in lines:
        row = fields(line)
        buffer = io.StringIO()
        csv.writer(buffer).writerow([row.pop(c, "") for c in columns])
        if row:  # an attempt without its reason would be a fail of the target's
            raise ValueError(f"no column for {', '.join(row)}")
        yield buffer.getvalue().removesuffix("\r\n")


def fields(line: Line) -> dict[str, object]:
    """Return the columns of *line* that have a value."""
    if isinstance(line, Blinded):
        return {**_fields(line.attempt), "blind": line.reason}
    return _fields(line)


def _fields(attempt: Attempt) -> dict[str, object]:
    row: dict[str, object] = {
        "service": attempt.service,
        "probe": attempt.probe,
        "vantage": attempt.vantage,
        "at": show_instant(attempt.at),
    }
    if attempt.look != attempt.at:
        row["look"] = show_instant(attempt.look)
    if attempt.account:
        row["account"] = attempt.account
    row["outcome"] = str(attempt.outcome)
    if attempt.cause:
        row["cause"] = str(attempt.cause)
    if attempt.detail:
        row["detail"] = attempt.detail
    if attempt.took_us is not None:
        row["took_ms"] = attempt.took_us // _MILLISECOND
    return row


def show_instant(at: Instant) -> str:
    """Return *at* in UTC, with as many decimals of a second as it needs: none, three or six."""
    moment = moment_of(at)
    if not at % SECOND:
        places = "seconds"
    else:
        places = "microseconds" if at % _MILLISECOND else "milliseconds"
    return moment.isoformat(timespec=places).removesuffix("+00:00") + "Z"
