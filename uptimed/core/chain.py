"""The chain of sealed days: what was on record, in an order that cannot be changed unseen.

Each service has one record for each UTC day from its first on, without a gap: a day on which the
monitor was dead is a record of `N`. A record is canonical JSON (UTF-8, sorted keys, no spaces,
integers only), so that anyone can make it again:

    day              the UTC day, 2026-10-03
    letters          its 1440 letters
    unverified       [first minute of the day, length] of each stretch of unverified minutes
    looks_sha256     digest of the attempts of the looks that began on that day
    terms_sha256     digest of the watch terms the letters were judged under
    previous_sha256  SHA-256 of the previous day's record, 64 zeros for the first
    rules            version of the rules that made the letters
    service          the service's id
    software         version of uptimed that sealed
    v                1
    lost_head        only after a restored backup: the SHA-256 of the record of this chain that
                     was given out and lost
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from uptimed.core.minutes import MINUTES_PER_DAY, day_minutes
from uptimed.core.observations import Attempt
from uptimed.core.strip import UNVERIFIED_DEGRADED, UNVERIFIED_UP, Strip
from uptimed.core.terms import RULES_VERSION, canonical_json

GENESIS = "0" * 64
"""What the first record of a chain names as the previous one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFault:
    """Where a chain does not hold, and why."""

    day: date | None
    reason: str


def seal_record(  # noqa: PLR0913 - the fields of the record
    service: str,
    day: date,
    letters: Strip,
    attempts_sha256: str,
    terms_sha256: str,
    software: str,
    previous_sha256: str,
    lost_head: str = "",
    rules: int = RULES_VERSION,
) -> tuple[str, str]:
    """Return the canonical record of a sealed day and its SHA-256 in hex.

    Raises ValueError when *letters* is not the whole day.
    """
    if range(letters.start, letters.stop) != day_minutes(day):
        raise ValueError(
            f"{service} {day}: {len(letters.letters)} letters from minute {letters.start} on, "
            f"wanted {MINUTES_PER_DAY} from {day_minutes(day).start} on"
        )
    record: dict[str, object] = {
        "v": 1,
        "service": service,
        "day": day.isoformat(),
        "letters": letters.plain,
        "unverified": unverified_stretches(letters),
        "looks_sha256": attempts_sha256,
        "terms_sha256": terms_sha256,
        "previous_sha256": previous_sha256,
        "rules": rules,
        "software": software,
    }
    if lost_head:
        record["lost_head"] = lost_head
    text = canonical_json(record)
    return text, hashlib.sha256(text.encode()).hexdigest()


def unverified_stretches(letters: Strip) -> list[list[int]]:
    """Return [offset from the strip's start, length] of each stretch of unverified minutes."""
    marks = "".join(
        "?" if c in {UNVERIFIED_UP, UNVERIFIED_DEGRADED} else "." for c in letters.letters
    )
    return [
        [run.start - letters.start, run.minutes]
        for run in Strip(letters.start, marks).runs()
        if run.letter == "?"
    ]


def attempt_line(attempt: Attempt) -> str:
    """Return the facts of *attempt* that decide a letter, as canonical JSON.

    They are what a file of looks has, so that the digest can be made again from an export. The
    fingerprint of a secret, phases and evidence are left out: they decide nothing, or are ours.
    """
    return canonical_json(
        {
            "account": attempt.account,
            "at": attempt.at,
            "cause": str(attempt.cause),
            "look": attempt.look,
            "outcome": str(attempt.outcome),
            "probe": attempt.probe,
            "service": attempt.service,
            "took_ms": None if attempt.took_us is None else attempt.took_us // 1000,
            "vantage": attempt.vantage,
        }
    )


def attempts_digest(attempts: Iterable[Attempt]) -> str:
    """Return the SHA-256 over the attempts' lines, sorted, each ended by a newline."""
    digest = hashlib.sha256()
    for line in sorted(attempt_line(a) for a in attempts):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def chain_faults(records: Sequence[tuple[str, str]]) -> tuple[ChainFault, ...]:
    """Return where a service's chain of (record, SHA-256) is broken; nothing where it holds.

    The first record given may be any day: its previous digest is then taken as it stands.
    """
    faults: list[ChainFault] = []
    before: tuple[date | None, str] | None = None
    for text, sha256 in records:
        day, names = _read(text)
        if hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest() != sha256:
            faults.append(ChainFault(day=day, reason="the record is not what was sealed"))
        if day is None:
            faults.append(ChainFault(day=None, reason="the record cannot be read"))
        elif before is not None:
            faults.extend(_broken_links(day, names, *before))
        before = (day, sha256)
    return tuple(faults)


def _read(text: str) -> tuple[date | None, str]:
    """Return the record's day and the digest that it names; no day where it cannot be read."""
    try:
        raw = json.loads(text)
        return date.fromisoformat(raw["day"]), str(raw["previous_sha256"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return None, ""


def _broken_links(
    day: date, names: str, day_before: date | None, sha256_before: str
) -> Iterator[ChainFault]:
    if names != sha256_before:
        yield ChainFault(day=day, reason="it does not name the record before it")
    if day_before is not None and day != day_before + timedelta(days=1):
        yield ChainFault(day=day, reason=f"it follows {day_before}, which is not the day before")
