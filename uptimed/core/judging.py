"""What the facts of one attempt mean: pass, fail or not measured, and why in one line.

Pure: it looks at an observation and at what was wanted, and at nothing else. The first miss gives
the reason, which shows the observed value beside the wanted one. A cause of our own making is
never a fail: it is not measured.
"""

import functools
import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import assert_never

from uptimed.core.observations import (
    OURS,
    SECOND,
    Answer,
    Cause,
    Evidence,
    Instant,
    NoAnswer,
    Observation,
    Outcome,
    Reading,
)
from uptimed.core.targets import (
    BROKEN_LOCATIONS,
    DnsTarget,
    Expectation,
    JsonWant,
    ProbeSettings,
    TcpTarget,
)
from uptimed.core.terms import Role

EVIDENCE_BYTES = 2048
"""How much of a body is kept as evidence."""

_MASKED_CHARACTERS = 8 * EVIDENCE_BYTES

PATTERN_CHARACTERS = 32 * 1024
"""How much of a body a pattern is searched in: some patterns take quadratic time."""

KEPT_HEADERS = frozenset({
    "age", "content-encoding", "content-length", "content-type", "date", "location", "retry-after",
    "server", "via", "x-cache", "x-status-reason", "www-authenticate",
})  # fmt: skip
"""The headers of an answer that are looked at or kept, in lower case. Never one with a cookie."""

_DAY = 86_400 * SECOND
_SHOWN = 60  # characters of an observed value in a reason: it has to fit a pager
_PASSED = Reading(outcome=Outcome.PASS)
_LOGIN_OUTCOMES = {
    Cause.LOGIN_REJECTED: Outcome.REJECTED,
    Cause.LOGIN_BLOCKED: Outcome.BLOCKED,
    Cause.LOGIN_MAINTENANCE: Outcome.MAINTENANCE,
}

_Miss = tuple[Cause, str]


def judge(observation: Observation, settings: ProbeSettings, *, now: Instant) -> Reading:
    """Decide what *observation* means for the probe of *settings*; the first miss gives the reason.

    *now* is only used for how long the certificate is still valid.
    """
    match observation.outcome:
        case NoAnswer(cause=cause, detail=detail):
            return Reading(outcome=_outcome_of(cause), cause=cause, detail=detail)
        case Answer() as answer:
            miss = next(_misses(answer, observation, settings, now), None)
        case other:
            assert_never(other)
    if miss is None:
        return _PASSED
    return Reading(outcome=Outcome.FAIL, cause=miss[0], detail=miss[1])


def _outcome_of(cause: Cause) -> Outcome:
    if cause in OURS:
        return Outcome.NOT_MEASURED
    return _LOGIN_OUTCOMES.get(cause, Outcome.FAIL)


def _misses(
    answer: Answer, observation: Observation, settings: ProbeSettings, now: Instant
) -> Iterator[_Miss]:
    """Yield what is not as wanted, the most telling first."""
    expect = settings.expect
    yield from _broken(answer, expect)
    yield from _status(answer, expect)
    yield from _body(answer, settings)
    yield from _records(answer, settings)
    yield from _time(observation, expect)
    yield from _certificate(observation, expect, now)


def _broken(answer: Answer, expect: Expectation) -> Iterator[_Miss]:
    found = broken_marker(answer, expect)
    if not found:
        return
    where = "body has" if found in answer.body else "redirects to"
    status = "" if answer.status is None else f", with status {answer.status}"
    yield Cause.BROKEN, f"{where} {found!r}: a broken page{status}"


def broken_marker(answer: Answer, expect: Expectation) -> str:
    """Return the text that shows the answer to be a known error page, or ""."""
    for text in expect.broken:
        if text in answer.body:
            return text
    if answer.location or answer.redirects:
        for part in BROKEN_LOCATIONS:
            if any(part in place for place in (*answer.redirects, answer.location)):
                return part
    return ""


def _status(answer: Answer, expect: Expectation) -> Iterator[_Miss]:
    status = answer.status
    if status is None or any(low <= status <= high for low, high in expect.statuses):
        return
    wanted = " or ".join(
        str(low) if low == high else f"{low} to {high}" for low, high in expect.statuses
    )
    where = f" (to {_shown(answer.location)})" if answer.location else ""
    yield Cause.STATUS, f"status {status}{where}, wanted {wanted}"


def _body(answer: Answer, settings: ProbeSettings) -> Iterator[_Miss]:
    expect, body = settings.expect, answer.body
    cut = f" in its first {answer.body_bytes} bytes" if answer.body_cut else ""
    if isinstance(settings.target, TcpTarget) and settings.target.expect not in body:
        yield Cause.BODY, f"answered {_shown(body)!r}, wanted {settings.target.expect!r}"
    for text in expect.contains:
        if text not in body:
            yield Cause.BODY, f"body lacks {text!r}{cut}"
    for text in expect.not_contains:
        if text in body:
            yield Cause.BODY, f"body has {text!r}, which is not wanted"
    if expect.matches and not _compiled(expect.matches).search(body, 0, PATTERN_CHARACTERS):
        yield Cause.BODY, f"body does not match {expect.matches!r}{cut}"
    if expect.json:
        yield from _json(answer, expect.json)


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_ANYTHING = frozenset({".", r"\S", r"\W", r"\D"})
_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?>|\(|\)|\||[*+?][+?]?|\{\d*,?\d*\}[+?]?|.", re.DOTALL
)


def pattern_problem(pattern: str) -> str:
    """Return why *pattern* may not be used to match bodies, or "" where it may.

    Beside what does not compile, a repetition of something that itself repeats or branches, such as
    `(a+)+` or `(a|aa)*`, is refused: it can take exponential time on a page that an attacker wrote,
    and no bound on the body helps. So is a second repetition of anything, as in `a.*b.*c`: it takes
    cubic time, and `contains` with several texts asks the same in linear time. Otherwise, atomic
    groups and possessive repetitions are the way out.
    """
    try:
        with warnings.catch_warnings(action="error"):
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is not a regular expression: {error}"
    except Warning as warning:
        return f"may come to mean something else: {warning}"
    open_groups: list[bool] = []  # whether the group has something that makes repeating it dear
    inner, closed_dear = False, False
    before, gaps = "", 0
    for token in _TOKEN.findall(pattern):
        if token.startswith("("):
            open_groups.append(inner)
            inner = False
        elif token == ")":
            closed_dear, inner = inner, open_groups.pop() or inner
            continue
        elif token == "|":
            inner = inner or bool(open_groups)
        elif _repeats(token):
            if closed_dear:
                return "repeats a group that itself repeats or branches: may take exponential time"
            inner = True
            gaps += before in _ANYTHING
            if gaps > 1:
                return "repeats anything more than once: may take cubic time, use `contains`"
        closed_dear, before = False, token
    return ""


def _repeats(token: str) -> bool:
    """Return whether *token* is a repetition without a bound that can be taken back."""
    if token.endswith("+") and len(token) > 1:
        return False  # possessive
    return token[0] in "*+" or (token.startswith("{") and token.rstrip("?").endswith(",}"))


def _json(answer: Answer, wants: Sequence[JsonWant]) -> Iterator[_Miss]:
    if answer.body_cut:
        yield Cause.BODY, f"body is longer than {answer.body_bytes} bytes: its JSON was cut off"
        return
    try:
        document: object = json.loads(answer.body.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        yield Cause.BODY, f"body is not JSON: {_shown(answer.body)!r}"
        return
    for want in wants:
        problem = _json_problem(document, want)
        if problem:
            yield Cause.BODY, problem


_ABSENT = object()


def _find(document: object, pointer: str) -> object:
    """Return the value at the JSON *pointer* (RFC 6901), or `_ABSENT`."""
    found = document
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(key, _ABSENT)
        elif isinstance(found, list) and re.fullmatch(r"0|[1-9][0-9]{0,8}", key):
            found = found[int(key)] if int(key) < len(found) else _ABSENT
        else:
            return _ABSENT
    return found


def _json_problem(document: object, want: JsonWant) -> str:
    """Return how the document differs from *want*, or ""."""
    found = _find(document, want.pointer)
    place = want.pointer or "the whole document"
    if want.op == "absent":
        return "" if found is _ABSENT else f"{place} is {_shown_json(found)}, wanted none"
    if found is _ABSENT:
        return f"no value at {place}"
    if want.op == "exists" or _compares(found, want.op, want.value):
        return ""
    return f"{place} is {_shown_json(found)}, wanted {want.op} {_shown_json(want.value)}"


def _compares(found: object, op: str, wanted: object) -> bool:
    """Return whether *found* stands to *wanted* as *op* says; true is no number here."""
    same_kind = isinstance(found, bool) is isinstance(wanted, bool)
    match op:
        case "==":
            return same_kind and found == wanted
        case "!=":
            return not (same_kind and found == wanted)
        case "contains" if isinstance(found, str):
            return isinstance(wanted, str) and wanted in found
        case "contains" if isinstance(found, list):
            return any(_compares(item, "==", wanted) for item in found)
        case "<" | "<=" | ">" | ">=":
            return _in_order(found, op, wanted)
        case _:
            return False


def _in_order(found: object, op: str, wanted: object) -> bool:
    if isinstance(found, str) and isinstance(wanted, str):
        order = (found > wanted) - (found < wanted)
    elif isinstance(found, int | float) and isinstance(wanted, int | float):
        if isinstance(found, bool) or isinstance(wanted, bool):
            return False
        order = (found > wanted) - (found < wanted)
    else:
        return False
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[op]


def _records(answer: Answer, settings: ProbeSettings) -> Iterator[_Miss]:
    if not isinstance(settings.target, DnsTarget):
        return
    record = settings.target.record
    got = {_plain(found) for found in answer.records}
    if not got:
        yield Cause.RECORD, f"no {record} record"
    for wanted in settings.expect.records:
        if _plain(wanted) not in got:
            seen = _shown(", ".join(answer.records))
            yield Cause.RECORD, f"{record} is {seen}, wanted {wanted}"


def _plain(record: str) -> str:
    """Return a record's text as it is compared: names have no case, and no dot at their end."""
    return record.lower().rstrip(".")


def _time(observation: Observation, expect: Expectation) -> Iterator[_Miss]:
    limit = expect.max_time_us
    if limit is not None and observation.took_us > limit:
        wanted = _seconds(limit).rstrip("0").rstrip(".")
        yield Cause.TOO_SLOW, f"took {_seconds(observation.took_us)} s, limit {wanted} s"


def _seconds(duration_us: int) -> str:
    """Return a duration in seconds, cut off at milliseconds."""
    return f"{duration_us // SECOND}.{duration_us % SECOND // 1000:03d}"


def _certificate(observation: Observation, expect: Expectation, now: Instant) -> Iterator[_Miss]:
    if expect.certificate_days is None or observation.certificate is None:
        return
    days = (observation.certificate.not_after - now) // _DAY
    if days < expect.certificate_days:
        wanted = f"wanted at least {expect.certificate_days}"
        yield Cause.CERTIFICATE, f"certificate expires in {days} days, {wanted}"


def _shown(text: str) -> str:
    """Return the beginning of *text* on one line."""
    line = " ".join(text[: 4 * _SHOWN].split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."


def _shown_json(value: object) -> str:
    return _shown(json.dumps(value, ensure_ascii=False))


def evidence_of(
    observation: Observation, settings: ProbeSettings, mask: Callable[[str], str]
) -> Evidence:
    """Return what is kept of an attempt that did not pass; *mask* has gone over every text.

    A page behind a login may hold customers' data: of it only the digest and what matched are kept.
    """
    answer = observation.outcome
    if isinstance(answer, NoAnswer):
        return Evidence(address=observation.address)
    return Evidence(
        status=answer.status,
        headers={name: mask(value) for name, value in answer.headers.items() if _is_kept(name)},
        excerpt="" if settings.role is Role.LOGIN else _excerpt(answer.body, mask),
        sha256=answer.body_sha256,
        marker=mask(broken_marker(answer, settings.expect)),
        address=observation.address,
    )


def _is_kept(header: str) -> bool:
    return header.lower() in KEPT_HEADERS


def _excerpt(body: str, mask: Callable[[str], str]) -> str:
    """Return the beginning of *body*, masked before it is cut: half a secret is not recognised.

    A thorough mask takes long over a whole page, so that only a part of it is masked. Where masking
    leaves so little that the end of that part would show, nothing is kept.
    """
    masked = mask(body[:_MASKED_CHARACTERS])
    if len(body) > _MASKED_CHARACTERS and len(masked) <= EVIDENCE_BYTES:
        return ""
    beginning = masked[:EVIDENCE_BYTES].encode("utf-8", "replace")
    return beginning[:EVIDENCE_BYTES].decode("utf-8", "ignore")
