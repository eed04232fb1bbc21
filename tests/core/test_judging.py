"""What an attempt means: the first miss gives the reason, and what is ours is never a fail."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from uptimed.core.judging import broken_marker, evidence_of, judge
from uptimed.core.observations import (
    OURS,
    SECOND,
    Answer,
    Cause,
    Certificate,
    Instant,
    NoAnswer,
    Observation,
    Outcome,
    Reading,
)
from uptimed.core.targets import (
    BROKEN_TEXTS,
    DnsTarget,
    Expectation,
    HttpTarget,
    JsonWant,
    ProbeSettings,
    Target,
    TcpTarget,
)
from uptimed.core.terms import Role

NOW = Instant(1_790_000_000 * SECOND)
DAY = 86_400 * SECOND
PAGE = HttpTarget(url="https://crm.example/")


def settings(
    expect: Expectation | None = None, *, target: Target = PAGE, role: Role = Role.REACH
) -> ProbeSettings:
    return ProbeSettings(
        id="front", role=role, kind="http", target=target, expect=expect or Expectation()
    )


def seen(outcome: Answer | NoAnswer, *, took_us: int = 100_000, days: int = 90) -> Observation:
    certificate = Certificate(
        not_after=Instant(NOW + days * DAY + 1), not_before=NOW, subject="s", issuer="i", sha256=""
    )
    return Observation(outcome=outcome, took_us=took_us, certificate=certificate)


def reading(answer: Answer, expect: Expectation, **facts: int) -> Reading:
    return judge(seen(answer, **facts), settings(expect), now=NOW)


def ok(body: str = "", **facts: object) -> Answer:
    return replace(Answer(status=200, body=body, body_bytes=len(body)), **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "expect", "cause", "detail"),
    [
        (
            Answer(status=500), Expectation(),
            Cause.STATUS, "status 500, wanted 200 to 299",
        ),
        (
            Answer(status=404), Expectation(statuses=((200, 200), (301, 302))),
            Cause.STATUS, "status 404, wanted 200 or 301 to 302",
        ),
        (
            Answer(status=302, location="/login"), Expectation(),
            Cause.STATUS, "status 302 (to /login), wanted 200 to 299",
        ),
        (
            ok("Welcome"), Expectation(contains=("Welcome", "Login")),
            Cause.BODY, "body lacks 'Login'",
        ),
        (
            ok("Welcome", body_cut=True), Expectation(contains=("Login",)),
            Cause.BODY, "body lacks 'Login' in its first 7 bytes",
        ),
        (
            ok("Trial over"), Expectation(not_contains=("Trial",)),
            Cause.BODY, "body has 'Trial', which is not wanted",
        ),
        (
            ok("v 7.5"), Expectation(matches=r"v [89]\."),
            Cause.BODY, r"body does not match 'v [89]\\.'",
        ),
        (
            ok("SQLSTATE[HY000]"), Expectation(broken=BROKEN_TEXTS),
            Cause.BROKEN, "body has 'SQLSTATE[': a broken page, with status 200",
        ),
        (
            Answer(status=500, body="Fatal error: x"), Expectation(broken=BROKEN_TEXTS),
            Cause.BROKEN, "body has 'Fatal error:': a broken page, with status 500",
        ),
        (
            Answer(status=302, location="/install.php"), Expectation(statuses=((302, 302),)),
            Cause.BROKEN, "redirects to 'install.php': a broken page, with status 302",
        ),
        (
            ok("Wizard", redirects=("index.php?module=Install&view=Index",)), Expectation(),
            Cause.BROKEN, "redirects to 'module=Install': a broken page, with status 200",
        ),
    ],
)  # fmt: skip
def test_a_miss_shows_what_was_seen_beside_what_was_wanted(
    answer: Answer, expect: Expectation, cause: Cause, detail: str
) -> None:
    assert reading(answer, expect) == Reading(outcome=Outcome.FAIL, cause=cause, detail=detail)


@pytest.mark.parametrize(
    ("took_us", "detail"),
    [
        (4_210_999, "took 4.210 s, limit 3 s"),
        (3_000_001, "took 3.000 s, limit 3 s"),
        (3_000_000, ""),
    ],
)
def test_an_answer_may_take_its_limit_and_no_longer(took_us: int, detail: str) -> None:
    judged = reading(ok(), Expectation(max_time_us=3 * SECOND), took_us=took_us)

    assert judged.detail == detail
    assert judged.cause is (Cause.TOO_SLOW if detail else None)


@pytest.mark.parametrize(
    ("days", "detail"),
    [
        (3, "certificate expires in 3 days, wanted at least 14"),
        (13, "certificate expires in 13 days, wanted at least 14"),
        (14, ""),
    ],
)
def test_a_certificate_has_to_last(days: int, detail: str) -> None:
    judged = reading(ok(), Expectation(certificate_days=14), days=days)

    assert judged.detail == detail
    assert judged.cause is (Cause.CERTIFICATE if detail else None)


def test_an_answer_that_meets_everything_passes() -> None:
    expect = Expectation(
        contains=("Login",), not_contains=("Trial",), matches="Lo+gin", max_time_us=SECOND,
        broken=BROKEN_TEXTS, certificate_days=14,
    )  # fmt: skip

    assert reading(ok("Login"), expect) == Reading(outcome=Outcome.PASS)


@pytest.mark.parametrize("cause", list(Cause))
def test_no_answer_means_what_its_cause_means(cause: Cause) -> None:
    logins = {
        Cause.LOGIN_REJECTED: Outcome.REJECTED,
        Cause.LOGIN_BLOCKED: Outcome.BLOCKED,
        Cause.LOGIN_WAITING: Outcome.BLOCKED,
        Cause.LOGIN_MAINTENANCE: Outcome.MAINTENANCE,
    }
    ours = Outcome.NOT_MEASURED if cause in OURS else Outcome.FAIL
    judged = judge(seen(NoAnswer(cause=cause, detail="why")), settings(), now=NOW)

    assert judged == Reading(outcome=logins.get(cause, ours), cause=cause, detail="why")


# ---- JSON

DOCUMENT = """{"status": "ok", "n": 3, "half": 0.5, "yes": true, "none": null,
    "a/b": {"~": 1}, "": 7, "list": [{"id": "x"}, {"id": "y"}], "tags": ["up", 2]}"""


@pytest.mark.parametrize(
    ("pointer", "op", "value"),
    [
        ("/status", "==", "ok"), ("/status", "!=", "down"), ("/status", "contains", "o"),
        ("/n", "==", 3), ("/n", ">=", 3), ("/n", "<", 4), ("/half", "<", 1), ("/status", ">", "o"),
        ("/yes", "==", True), ("/none", "exists", None), ("/none", "==", None),
        ("/a~1b/~0", "==", 1), ("/", "==", 7), ("/list/1/id", "==", "y"), ("", "exists", None),
        ("/tags", "contains", "up"), ("/tags", "contains", 2), ("/gone", "absent", None),
        ("/list/2", "absent", None), ("/list/01", "absent", None), ("/list/-", "absent", None),
        ("/status/x", "absent", None),
    ],
)  # fmt: skip
def test_values_that_are_as_wanted(pointer: str, op: str, value: str | int | bool | None) -> None:
    want = JsonWant(pointer=pointer, op=op, value=value)

    assert reading(ok("\ufeff" + DOCUMENT), Expectation(json=(want,))).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("pointer", "op", "value", "detail"),
    [
        ("/status", "==", "down", '/status is "ok", wanted == "down"'),
        ("/n", ">", 3, "/n is 3, wanted > 3"),
        ("/n", "==", "3", '/n is 3, wanted == "3"'),
        ("/yes", "==", 1, "/yes is true, wanted == 1"),
        ("/yes", ">", 0, "/yes is true, wanted > 0"),
        ("/none", "<", 1, "/none is null, wanted < 1"),
        ("/gone", "==", 1, "no value at /gone"),
        ("/gone", "!=", 1, "no value at /gone"),
        ("/n", "absent", None, "/n is 3, wanted none"),
        ("/n", "contains", "3", '/n is 3, wanted contains "3"'),
    ],
)
def test_values_that_are_not(
    pointer: str, op: str, value: str | int | bool | None, detail: str
) -> None:
    want = JsonWant(pointer=pointer, op=op, value=value)

    judged = reading(ok(DOCUMENT), Expectation(json=(want,)))
    assert (judged.cause, judged.detail) == (Cause.BODY, detail)


@pytest.mark.parametrize(
    ("body", "facts", "detail"),
    [
        ("<html>\nSorry", {}, "body is not JSON: '<html> Sorry'"),
        ("[" * 100_000, {}, "body is not JSON: '" + "[" * 57 + "...'"),
        ("[1", {"body_cut": True}, "body is longer than 2 bytes: its JSON was cut off"),
    ],
    ids=["a page", "nested without end", "cut off"],
)
def test_what_is_no_json(body: str, facts: Mapping[str, object], detail: str) -> None:
    judged = reading(ok(body, **facts), Expectation(json=(JsonWant(pointer="/a"),)))

    assert (judged.cause, judged.detail) == (Cause.BODY, detail)


# ---- TCP and DNS


def test_a_tcp_answer_has_to_have_the_wanted_text() -> None:
    target = TcpTarget(host="mail.example", port=25, expect="220")
    judged = judge(seen(Answer(body="554 no")), settings(target=target), now=NOW)

    assert (judged.cause, judged.detail) == (Cause.BODY, "answered '554 no', wanted '220'")


def test_a_wanted_record_has_to_be_among_the_answers() -> None:
    target = DnsTarget(name="crm.example", record="A")
    answer = seen(Answer(records=("192.0.2.1", "192.0.2.2")))
    expect = Expectation(records=("192.0.2.2", "192.0.2.3"))
    judged = judge(answer, settings(expect, target=target), now=NOW)

    assert judged.cause is Cause.RECORD
    assert judged.detail == "A is 192.0.2.1, 192.0.2.2, wanted 192.0.2.3"


# ---- evidence


def hide(text: str) -> str:
    return text.replace("hunter2", "***")


def test_evidence_is_the_beginning_of_the_page_masked() -> None:
    answer = ok(
        "SQLSTATE[28000] for hunter2 " + "é" * 4000,
        headers={"Server": "hunter2", "Set-Cookie": "sid=1", "X-Own": "1", "Retry-After": "5"},
        body_sha256="abc",
    )
    kept = evidence_of(seen(answer), settings(Expectation(broken=BROKEN_TEXTS)), hide)

    assert kept.excerpt.startswith("SQLSTATE[28000] for ***")
    assert len(kept.excerpt.encode()) <= 2048
    assert kept.headers == {"Server": "***", "Retry-After": "5"}
    assert (kept.status, kept.sha256, kept.marker) == (200, "abc", "SQLSTATE[")
    assert "hunter2" not in repr(kept)


@pytest.mark.parametrize("before", range(2040, 2056))
def test_no_half_of_a_secret_is_kept_at_the_edge(before: int) -> None:
    kept = evidence_of(seen(ok("x" * before + "hunter2" * 9000)), settings(), hide)

    assert "hun" not in kept.excerpt


def test_nothing_is_kept_of_a_page_that_is_hardly_more_than_secrets() -> None:
    kept = evidence_of(seen(ok("hunter2" * 9000)), settings(), lambda t: t.replace("hunter2", ""))

    assert kept.excerpt == ""


def test_of_a_page_behind_a_login_only_digest_and_marker_are_kept() -> None:
    answer = ok("SQLSTATE[HY000] while reading Ms Smith", body_sha256="abc")
    expect = Expectation(broken=BROKEN_TEXTS)
    kept = evidence_of(seen(answer), settings(expect, role=Role.LOGIN), hide)

    assert (kept.excerpt, kept.sha256, kept.marker) == ("", "abc", "SQLSTATE[")
    assert "Smith" not in repr(kept)


def test_of_no_answer_the_address_is_kept() -> None:
    nothing = Observation(
        outcome=NoAnswer(cause=Cause.REFUSED, detail="x"), took_us=1, address="192.0.2.1:443"
    )

    assert evidence_of(nothing, settings(), hide).address == "192.0.2.1:443"


@pytest.mark.parametrize(
    ("body", "broken", "found"),
    [
        ("Fatal error: x", BROKEN_TEXTS, ""),
        ("SQLSTATE[HY000]", BROKEN_TEXTS, ""),
        ("<b>Fatal error</b>:  x", BROKEN_TEXTS, "<b>Fatal error</b>:"),
        ("<b>Parse error</b>:  x", BROKEN_TEXTS, "<b>Parse error</b>:"),
        ("Fatal error: x", ("Fatal error:",), "Fatal error:"),
    ],
)
def test_on_a_proven_page_only_markup_and_the_operators_texts_are_broken(
    body: str, broken: tuple[str, ...], found: str
) -> None:
    assert broken_marker(ok(body), Expectation(broken=broken), proven=True) == found


def test_a_proven_page_may_still_lead_to_an_installation() -> None:
    answer = ok("<html></html>", redirects=("/install.php",))

    assert broken_marker(answer, Expectation(broken=BROKEN_TEXTS), proven=True) == "install.php"
