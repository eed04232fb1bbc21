"""What the facts of one attempt mean: pass, fail or not measured, and why in one line.

Pure: it looks at an observation and at what was wanted, and at nothing else. The first miss gives
the reason, which shows the observed value beside the wanted one. A cause of our own making is
never a fail: it is not measured.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import assert_never

from uptimed.core.observations import (
    OURS,
    SECOND,
    Answer,
    Cause,
    Evidence,
    Instant,
    Login,
    LoginVerdict,
    NoAnswer,
    Observation,
    Outcome,
    Reading,
)
from uptimed.core.patterns import search
from uptimed.core.targets import (
    BROKEN_LOCATIONS,
    BROKEN_TEXTS,
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
    Cause.LOGIN_WAITING: Outcome.BLOCKED,
    Cause.LOGIN_MAINTENANCE: Outcome.MAINTENANCE,
}
_LOGIN_CAUSES = {
    LoginVerdict.REJECTED: Cause.LOGIN_REJECTED,
    LoginVerdict.BLOCKED: Cause.LOGIN_BLOCKED,
    LoginVerdict.MAINTENANCE: Cause.LOGIN_MAINTENANCE,
    LoginVerdict.ERROR: Cause.LOGIN_ERROR,
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
        case Login(verdict=LoginVerdict.OK):
            miss = next(_patience(observation, settings.expect, now), None)
        case Login(waiting=True, detail=detail):
            cause = Cause.LOGIN_WAITING
            return Reading(outcome=_outcome_of(cause), cause=cause, detail=detail)
        case Login() as login:
            cause = _LOGIN_CAUSES[login.verdict]
            return Reading(outcome=_outcome_of(cause), cause=cause, detail=_login_detail(login))
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
    yield from _patience(observation, expect, now)


def _patience(observation: Observation, expect: Expectation, now: Instant) -> Iterator[_Miss]:
    yield from _time(observation, expect)
    yield from _certificate(observation, expect, now)


def _login_detail(login: Login) -> str:
    return f"{login.step}: {login.detail}" if login.step else login.detail


def _broken(answer: Answer, expect: Expectation) -> Iterator[_Miss]:
    found = broken_marker(answer, expect)
    if not found:
        return
    where = "body has" if found in answer.body else "redirects to"
    status = "" if answer.status is None else f", with status {answer.status}"
    yield Cause.BROKEN, f"{where} {found!r}: a broken page{status}"


def broken_marker(answer: Answer, expect: Expectation, *, proven: bool = False) -> str:
    """Return the text that shows the answer to be a known error page, or "".

    A page behind a login has what people wrote, and they write of fatal errors. So where a page
    is *proven* (it is whole, and has what only those see who are signed in) only markup counts,
    which a system escapes in what people write. A list that the operator wrote counts everywhere.
    """
    texts: Iterable[str] = expect.broken
    if proven and expect.broken == BROKEN_TEXTS:
        texts = (text for text in expect.broken if text.startswith("<"))
    for text in texts:
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
    where = f" (to {shown(answer.location)})" if answer.location else ""
    yield Cause.STATUS, f"status {status}{where}, wanted {wanted}"


def _body(answer: Answer, settings: ProbeSettings) -> Iterator[_Miss]:
    expect, body = settings.expect, answer.body
    cut = f" in its first {answer.body_bytes} bytes" if answer.body_cut else ""
    if isinstance(settings.target, TcpTarget) and settings.target.expect not in body:
        yield Cause.BODY, f"answered {shown(body)!r}, wanted {settings.target.expect!r}"
    for text in expect.contains:
        if text not in body:
            yield Cause.BODY, f"body lacks {text!r}{cut}"
    for text in expect.not_contains:
        if text in body:
            yield Cause.BODY, f"body has {text!r}, which is not wanted"
    if expect.matches and search(expect.matches, body) is None:
        yield Cause.BODY, f"body does not match {expect.matches!r}{cut}"
    if expect.json:
        yield from _json(answer, expect.json)


def _json(answer: Answer, wants: Sequence[JsonWant]) -> Iterator[_Miss]:
    if answer.body_cut:
        yield Cause.BODY, f"body is longer than {answer.body_bytes} bytes: its JSON was cut off"
        return
    try:
        document: object = json.loads(answer.body.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        yield Cause.BODY, f"body is not JSON: {shown(answer.body)!r}"
        return
    for want in wants:
        problem = json_problem(document, want)
        if problem:
            yield Cause.BODY, problem


ABSENT = object()
"""What there is at a JSON pointer where there is nothing."""


def json_value(document: object, pointer: str) -> object:
    """Return the value at the JSON *pointer* (RFC 6901), or `ABSENT`."""
    found = document
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(key, ABSENT)
        elif isinstance(found, list) and re.fullmatch(r"0|[1-9][0-9]{0,8}", key):
            found = found[int(key)] if int(key) < len(found) else ABSENT
        else:
            return ABSENT
    return found


def json_problem(
    document: object, want: JsonWant, show: Callable[[object], str] | None = None
) -> str:
    """Return how the document differs from *want*, or ""; *show* says what is shown of a value."""
    show = show or _shown_json
    found = json_value(document, want.pointer)
    place = want.pointer or "the whole document"
    if want.op == "absent":
        return "" if found is ABSENT else f"{place} is {show(found)}, wanted none"
    if found is ABSENT:
        return f"no value at {place}"
    if want.op == "exists" or _compares(found, want.op, want.value):
        return ""
    return f"{place} is {show(found)}, wanted {want.op} {_shown_json(want.value)}"


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
            seen = shown(", ".join(answer.records))
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


def shown(text: str) -> str:
    """Return the beginning of *text* on one line."""
    line = " ".join(text[: 4 * _SHOWN].split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."


def _shown_json(value: object) -> str:
    return shown(json.dumps(value, ensure_ascii=False))


def evidence_of(
    observation: Observation, settings: ProbeSettings, mask: Callable[[str], str]
) -> Evidence:
    """Return what is kept of an attempt that did not pass; *mask* has gone over every text.

    A page behind a login may hold customers' data: of it only the digest and what matched are kept.
    """
    answer = observation.outcome
    if isinstance(answer, NoAnswer):
        return Evidence(address=observation.address)
    headers = {name: mask(value) for name, value in answer.headers.items() if _is_kept(name)}
    if isinstance(answer, Login):
        return Evidence(
            status=answer.status,
            headers=headers,
            sha256=answer.body_sha256,
            marker=mask(answer.marker),
            address=observation.address,
        )
    return Evidence(
        status=answer.status,
        headers=headers,
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
