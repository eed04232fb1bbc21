"""What else the journal has, as points and back: all that a report needs beside looks.

| measurement     | a point                           | at             | tags             |
|-----------------|-----------------------------------|----------------|------------------|
| `uptimed_laid`  | for each hour of a service        | its start      | service, vantage |
| `uptimed_day`   | for each UTC day of a service     | its start      | service, vantage |
| `uptimed_terms` | for each set of watch terms       | its first use  | service, vantage |
| `uptimed_contract` | for each agreement with a client | its first use | client, vantage |
| `uptimed_post`  | for each mail with a client's figures | when it was put in | client, vantage |
| `uptimed_seal`  | for each sealed day of a service  | its start      | service, vantage |
| `uptimed_life`  | for each event in a monitor's life| its instant    | kind, vantage    |
| `uptimed_entry` | for each entry of a client        | its instant    | client, vantage  |
| `uptimed_alive` | for each hour a monitor was alive | its start      | vantage          |
| `uptimed_blind` | for each blind minute             | its start      | vantage          |

The vantage is the monitor whose journal it was, and of a blind minute the one that was blind. A
record is what its journal has, to the letter: a chain that is read back holds as it did at home.

An hour's letters are one text of 60 marks, `.` where none was laid: a month is read from 744 rows
instead of 44,640. Long texts are cut into parts, since a field holds 64 KB.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any
from zlib import crc32

from uptimed.core.entries import Entry, EntryKind
from uptimed.core.issues import Post
from uptimed.core.minutes import Minute, day_minutes, day_of, instant_of, minute_of, start_of
from uptimed.core.observations import Instant
from uptimed.core.strip import NOT_MEASURED, Strip
from uptimed.ports import (
    BlindMinute,
    ConfigRecord,
    ContractRecord,
    DayLetters,
    LifeEvent,
    Seal,
)
from uptimed.stores import influx_lines as lines
from uptimed.stores.influx_lines import tag_read, text_read

LAID, DAY, TERMS, SEAL = "uptimed_laid", "uptimed_day", "uptimed_terms", "uptimed_seal"
LIFE, ENTRY, ALIVE, BLIND = "uptimed_life", "uptimed_entry", "uptimed_alive", "uptimed_blind"
CONTRACT, POST = "uptimed_contract", "uptimed_post"

MEASUREMENTS = (LAID, DAY, TERMS, CONTRACT, SEAL, LIFE, ENTRY, POST, ALIVE, BLIND)

NOT_LAID = "."
_PART = 16_000  # characters: at most 64,000 bytes
_HOUR = 60

Row = Mapping[str, Any]


def laid_line(laid: Strip, service: str, vantage: str) -> str:
    """Return the point of an hour; *laid* has `.` for minutes without a letter."""
    return _line(LAID, {"service": service, "vantage": vantage}, start_of(laid.start),
                 [("letters", laid.letters)])  # fmt: skip


def laid_of(row: Row) -> Strip:
    """Return the hour of a row."""
    return Strip(minute_of(_at(row)), str(row["letters"]))


def day_line(day: DayLetters, vantage: str) -> str:
    """Return the point of a day, without its letters."""
    at = start_of(Minute(day_minutes(day.day).start))
    return _line(DAY, {"service": day.service, "vantage": vantage}, at,
                 [("terms", day.terms_sha256), ("rules", day.rules)])  # fmt: skip


def day_of_row(row: Row) -> tuple[date, str, int]:
    """Return the day of a row, the digest of its terms and the version of its rules."""
    return day_of(minute_of(_at(row))), text_read(row["terms"] or ""), int(row["rules"])


def terms_line(record: ConfigRecord, vantage: str) -> str:
    """Return the point of watch terms."""
    return _line(TERMS, {"service": record.service, "vantage": vantage}, start_of(record.since),
                 [("sha256", record.sha256), *_parts(record.canonical)])  # fmt: skip


def terms_of_row(row: Row) -> ConfigRecord:
    """Return the watch terms of a row."""
    return ConfigRecord(service=tag_read(row["service"]), since=minute_of(_at(row)),
                        sha256=str(row["sha256"]), canonical=_whole(row))  # fmt: skip


def contract_line(record: ContractRecord, vantage: str) -> str:
    """Return the point of what was agreed with a client."""
    return _line(CONTRACT, {"client": record.client, "vantage": vantage}, start_of(record.since),
                 [("sha256", record.sha256), *_parts(record.canonical)])  # fmt: skip


def contract_of_row(row: Row) -> ContractRecord:
    """Return what was agreed, of a row."""
    return ContractRecord(client=tag_read(row["client"]), since=minute_of(_at(row)),
                          sha256=str(row["sha256"]), canonical=_whole(row))  # fmt: skip


def post_line(post: Post, client: str, vantage: str) -> str:
    """Return the point of a mail. It changes when a server takes the mail, or it is cancelled."""
    of = lines.series(POST, {"client": client, "vantage": vantage})
    told = lines.fields(
        [("key", post.key), ("accepted_us", post.accepted or 0), ("month", post.month),
         ("revision", post.revision), ("sha256", post.sha256), ("stands", int(post.stands))]
    )  # fmt: skip
    return lines.line(of, told, post.at, crc32(post.key.encode()))


def post_of_row(row: Row) -> Post:
    """Return the mail of a row."""
    accepted = int(row["accepted_us"])
    return Post(
        key=text_read(row["key"] or ""), at=_at(row), month=text_read(row["month"] or ""),
        accepted=Instant(accepted) if accepted else None, revision=int(row["revision"]),
        sha256=str(row["sha256"] or ""), stands=bool(row["stands"]),
    )  # fmt: skip


def seal_line(seal: Seal, vantage: str) -> str:
    """Return the point of a sealed day."""
    at = start_of(Minute(day_minutes(seal.day).start))
    return _line(SEAL, {"service": seal.service, "vantage": vantage}, at,
                 [("sha256", seal.sha256), *_parts(seal.record)])  # fmt: skip


def seal_of_row(row: Row) -> Seal:
    """Return the sealed day of a row."""
    return Seal(service=tag_read(row["service"]), day=day_of(minute_of(_at(row))),
                record=_whole(row), sha256=str(row["sha256"]))  # fmt: skip


def life_line(number: int, event: LifeEvent, vantage: str) -> str:
    """Return the point of the *number*-th event in the journal of the monitor *vantage*."""
    of = lines.series(LIFE, {"kind": event.kind, "vantage": vantage})
    told = lines.fields(
        [("number", number), ("of", event.vantage), ("detail", event.detail),
         ("start_minute", event.start), ("stop_minute", event.stop)]
    )  # fmt: skip
    return lines.line(of, told, event.at, number)


def life_of_row(row: Row) -> tuple[int, LifeEvent]:
    """Return the number and the event of a row."""
    return int(row["number"]), LifeEvent(
        at=_at(row), kind=tag_read(row["kind"]), vantage=text_read(row["of"] or ""),
        detail=text_read(row["detail"] or ""), start=Minute(int(row["start_minute"])),
        stop=Minute(int(row["stop_minute"])),
    )  # fmt: skip


_ENTRY_TEXTS = ("subject", "service", "by", "key", "previous_sha256", "sha256")


def entry_line(entry: Entry, vantage: str) -> str:
    """Return the point of an entry in the journal of the monitor *vantage*."""
    of = lines.series(ENTRY, {"client": entry.client, "vantage": vantage})
    told = lines.fields(
        [("number", entry.number), ("place", entry.place), ("kind", str(entry.kind)),
         *((name, getattr(entry, name)) for name in _ENTRY_TEXTS), *_parts(entry.body)]
    )  # fmt: skip
    return lines.line(of, told, entry.at, entry.place)


def entry_of_row(row: Row) -> Entry:
    """Return the entry of a row."""
    return Entry(
        number=int(row["number"]), client=tag_read(row["client"]), place=int(row["place"]),
        kind=EntryKind(text_read(row["kind"])), at=_at(row), body=_whole(row),
        **{name: text_read(row[name] or "") for name in _ENTRY_TEXTS},
    )  # fmt: skip


def alive_line(heartbeat: Instant, vantage: str) -> str:
    """Return the point that says when a monitor was last known to be alive."""
    hour = Minute(minute_of(heartbeat) // _HOUR * _HOUR)
    return _line(ALIVE, {"vantage": vantage}, start_of(hour), [("heartbeat_us", heartbeat)])


def alive_of_row(row: Row) -> Instant:
    """Return the heartbeat of a row."""
    return Instant(int(row["heartbeat_us"]))


def blind_line(blind: BlindMinute) -> str:
    """Return the point of a blind minute."""
    return _line(BLIND, {"vantage": blind.vantage}, start_of(blind.minute),
                 [("blind", 1), ("reason", blind.reason)])  # fmt: skip


def blind_of_row(row: Row) -> BlindMinute:
    """Return the blind minute of a row."""
    return BlindMinute(vantage=tag_read(row["vantage"]), minute=minute_of(_at(row)),
                       reason=text_read(row["reason"]))  # fmt: skip


def as_shown(laid: str) -> str:
    """Return letters with `N` where none was laid."""
    return laid.replace(NOT_LAID, NOT_MEASURED)


def _line(
    of: str, tags: Mapping[str, str], at: Instant, fields: list[tuple[str, int | str]]
) -> str:
    return lines.line(lines.series(of, tags), lines.fields(fields), at)


def _parts(text: str) -> Iterator[tuple[str, int | str]]:
    cut = [text[at : at + _PART] for at in range(0, len(text), _PART)]
    yield "parts", len(cut)
    for number, part in enumerate(cut):
        yield f"text_{number}", part


def _whole(row: Row) -> str:
    return "".join(text_read(row[f"text_{number}"]) for number in range(int(row["parts"])))


def _at(row: Row) -> Instant:
    moment: datetime = row["_time"]
    return instant_of(moment)
