"""How an attempt is kept in a row: small, and quick to read back.

The order of `OUTCOMES` and `PHASES` is what is on disk: add at the end, never reorder.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from uptimed.core.observations import Attempt, Evidence, Outcome, Phase

Row = tuple[Any, ...]

_EPOCH = date(1970, 1, 1)
DAY_BITS = 20  # of the key of a day; enough until the year 4840


def day_key(service: int, day: date) -> int:
    """Return the key under which the *day* of a service is kept."""
    return (service << DAY_BITS) + (day - _EPOCH).days


def day_of_key(key: int) -> date:
    """Return the day of `day_key`."""
    return _EPOCH + timedelta(days=key & (1 << DAY_BITS) - 1)


OUTCOMES = (
    Outcome.PASS,
    Outcome.FAIL,
    Outcome.NOT_MEASURED,
    Outcome.REJECTED,
    Outcome.BLOCKED,
    Outcome.MAINTENANCE,
)
OUTCOME_CODES = {outcome: code for code, outcome in enumerate(OUTCOMES)}

PHASES = (Phase.DNS, Phase.CONNECT, Phase.TLS, Phase.FIRST_BYTE, Phase.TRANSFER)
_BITS = {phase: bit for bit, phase in enumerate(PHASES)}
_WIDE = 0x80  # a phase above 71 minutes, or below nothing: eight bytes for each instead of four
_NARROW_FORMS = [struct.Struct(f"<B{count}I") for count in range(len(PHASES) + 1)]
_WIDE_FORMS = [struct.Struct(f"<B{count}q") for count in range(len(PHASES) + 1)]
_PRESENT = [
    tuple(phase for bit, phase in enumerate(PHASES) if mask >> bit & 1)
    for mask in range(1 << len(PHASES))
]


def phases_kept(phases: Mapping[Phase, int]) -> bytes | None:
    """Return the durations of *phases* as bytes: a mask of which, and then each in its order."""
    if not phases:
        return None
    mask = sum(1 << _BITS[phase] for phase in phases)
    values = [phases[phase] for phase in _PRESENT[mask]]
    if min(values) < 0 or max(values) >= 1 << 32:
        return _WIDE_FORMS[len(values)].pack(mask | _WIDE, *values)
    return _NARROW_FORMS[len(values)].pack(mask, *values)


def phases_read(kept: bytes) -> dict[Phase, int]:
    """Return the durations that `phases_kept` made *kept* of."""
    present = _PRESENT[kept[0] & ~_WIDE]
    forms = _WIDE_FORMS if kept[0] & _WIDE else _NARROW_FORMS
    return dict(zip(present, forms[len(present)].unpack(kept)[1:], strict=True))


def evidence_kept(evidence: Evidence) -> str:
    """Return *evidence* as JSON, without what it does not have."""
    given = {name: value for name, value in asdict(evidence).items() if value not in (None, "", {})}
    return json.dumps(given, ensure_ascii=True, separators=(",", ":"))


def evidence_read(kept: str) -> Evidence:
    """Return the evidence that `evidence_kept` made *kept* of."""
    return Evidence(**json.loads(kept))


NO_PHASES: Mapping[Phase, int] = {}

More = tuple[str, Mapping[Phase, int], int | None, Evidence | None]
"""An attempt's detail, phases, certificate and evidence: what settling does not look at."""

_FACTS_ONLY: More = ("", NO_PHASES, None, None)

# The constructor of a frozen dataclass takes three times as long as its slots, and settling a month
# of a hundred services makes five million attempts. A new field must get its place here.
_new = Attempt.__new__
(
    _service, _probe, _vantage, _at, _look, _outcome, _cause, _detail, _took_us, _account, _secret,
    _phases, _certificate_expires, _evidence,
) = (getattr(Attempt, name).__set__ for name in Attempt.__slots__)  # fmt: skip


def attempt_of(
    texts: Mapping[int, str], service: str, facts: Row, more: More = _FACTS_ONLY
) -> Attempt:
    """Return the attempt with these *facts* (look, at, account, probe ... as `reading` selects)."""
    look, at, account, probe, vantage, outcome, cause, took_us, secret = facts
    made = _new(Attempt)
    _service(made, service)
    _probe(made, texts[probe])
    _vantage(made, texts[vantage])
    _at(made, at)
    _look(made, look)
    _outcome(made, OUTCOMES[outcome])
    _cause(made, texts[cause])
    _took_us(made, took_us)
    _account(made, account)
    _secret(made, texts[secret])
    detail, phases, certificate_expires, evidence = more
    _detail(made, detail)
    _phases(made, phases)
    _certificate_expires(made, certificate_expires)
    _evidence(made, evidence)
    return made
