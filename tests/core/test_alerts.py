"""What stands after each minute: the stories that the rules for Prometheus are held to as well."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.drawing import LOGIN, NOON, REACH, logins, tried, watch_terms
from tests.fakes import at
from tests.grafana.pictures import NOBODY, Service, drawn, picture
from tests.grafana.ruletests import CASES, Case
from uptimed.config import load_contract
from uptimed.core.alerts import (
    ALL,
    Alert,
    MonitorWatch,
    Seen,
    Subject,
    account_alerts,
    certificate_alerts,
    episodes,
    restore_words,
    seen,
    service_alerts,
)
from uptimed.core.minutes import Minute, start_of
from uptimed.core.observations import SECOND, Attempt, Instant
from uptimed.core.snapshot import (
    FollowerView,
    GatherView,
    IncidentView,
    MailView,
    ServiceView,
    Snapshot,
    StoreHealth,
    VantageView,
)
from uptimed.core.strip import Strip
from uptimed.core.support import SupportTerms
from uptimed.core.turns import OutageWatch

RULES = Path(__file__).parents[2] / "grafana" / "prometheus" / "rules" / "alerts.yml"
NOT_PUSHED = {"UptimedDown", "UptimedAbsent"}
"""That the monitor is dead it cannot say itself."""

PLAIN = Subject(support=SupportTerms())
BOGOTA = ZoneInfo("America/Bogota")

_STORIES = [
    case
    for name in ("outages", "burn", "month", "blind")
    for case in CASES[name]
    if not case.drawings
]


def _standing(view: ServiceView, subject: Subject = PLAIN) -> list[Alert]:
    now = start_of(Minute(view.recent.stop))
    return [a for a in service_alerts(view, subject, now=now) if a.ends_at is None]


def _fired(case: Case) -> Iterator[tuple[int, set[str], set[str]]]:
    """Yield each minute that somebody looks in: what the rules fire, and what we say."""
    before, letters = drawn(case.before), drawn(case.letters)
    told = Service(letters=before + letters, platform=case.platform, counted=case.counted)
    rows = {name: drawn(row) for name, row in case.fires.items() if name not in NOT_PUSHED}
    views = told.views(begin=len(before) + 1)
    for minute, view in enumerate(views):
        if view is not None:
            wanted = {name for name, row in rows.items() if row[minute] == "x"}
            yield minute, wanted, {alert.rule.name for alert in _standing(view)}


@pytest.mark.parametrize("case", _STORIES, ids=lambda case: case.name)
def test_the_stories_of_the_rules_have_the_same_alerts(case: Case) -> None:
    for minute, wanted, found in _fired(case):
        assert found == wanted, minute


@pytest.mark.parametrize("case", _STORIES, ids=lambda case: case.name)
def test_the_stories_of_the_rules_have_the_same_words(case: Case) -> None:
    letters = drawn(case.before) + drawn(case.letters)
    for told in case.told:
        known = letters[: len(drawn(case.before)) + told.at]
        if known[-1] == NOBODY:
            continue
        view = Service(letters=known, platform=case.platform, counted=case.counted).last()
        alert = next(a for a in _standing(view) if a.rule.name == told.alert)
        assert told.labels.items() <= alert.labels.items()
        for name in {"summary", "budget", "recent"} & told.says.keys():
            assert alert.annotations[name] == told.says[name]


def test_names_labels_and_severities_are_those_of_the_rules() -> None:
    text = RULES.read_text(encoding="utf-8")
    found = re.findall(r"- alert: (\w+)\n.*?labels: \{ (.*?) \}", text, re.DOTALL)
    wanted = {(name, labels) for name, labels in found if name not in NOT_PUSHED}
    ours = set()
    for rule in ALL:
        labels = {
            "severity": rule.severity,
            "hours": rule.hours,
            "team": rule.team,
            "kind": rule.kind,
            "window": rule.window if rule.kind == "lately" else "",
        }
        ours.add((rule.name, ", ".join(f"{k}: {v}" for k, v in labels.items() if v)))
    assert ours == wanted


# Outages


def test_an_outage_is_told_from_its_first_minute_to_its_first_up_one() -> None:
    strip = Strip(NOON, "UUDUDUUU")
    (outage,) = (e for e in episodes(strip, down="DL", after=NOON) if e.rule.kind == "outage")
    assert (outage.since, outage.until) == (NOON + 2, NOON + 5)
    assert (outage.begun, outage.ended) == (NOON + 4, NOON + 5)


@pytest.mark.parametrize(
    ("letters", "name", "shown"),
    [
        ("UULDDUU", "UptimedSystemDown", 3),
        ("UUDLLUU", "UptimedSystemDown", 2),
        ("UULNDUU", "UptimedSystemDown", 4),
        ("UULUDUU", "UptimedSystemDown", 4),
        ("UULLDUU", "UptimedLoginFailure", 2),
        ("UULLUUU", "UptimedLoginFailure", 2),
    ],
)
def test_an_outage_is_told_as_the_graver_of_the_two_minutes_that_confirmed_it(
    letters: str, name: str, shown: int
) -> None:
    (outage,) = (
        e for e in episodes(Strip(NOON, letters), down="DL", after=NOON) if e.rule.kind == "outage"
    )
    assert (outage.rule.name, outage.shown, outage.since) == (name, NOON + shown, NOON + 2)


@pytest.mark.property
@given(st.text("UDLNGug", max_size=40))
def test_outages_turn_as_the_machine_of_the_daemon_does(letters: str) -> None:
    watch, turns = OutageWatch("DL"), []
    for number, letter in enumerate(letters):
        turn = watch.feed(Minute(NOON + number), letter)
        if turn is not None:
            turns.append((turn.since, turn.until))
    skipped = OutageWatch("DL")
    assert [(t.since, t.until) for _, t in skipped.turns(NOON, letters)] == turns
    assert skipped.since == watch.since


@pytest.mark.property
@given(st.text("UDLNg", min_size=1, max_size=80), st.integers(1, 79))
def test_what_stood_after_a_minute_is_said_the_same_later(letters: str, cut: int) -> None:
    """A monitor that was away finds what one that was there has told."""
    cut = min(cut, len(letters))
    earlier = episodes(Strip(NOON, letters[:cut]), down="DL", after=Minute(0))
    later = episodes(Strip(NOON, letters), down="DL", after=Minute(0))
    then = Minute(NOON + cut - 1)
    stood = {(e.rule, e.begun, e.since) for e in earlier if e.ended is None}
    assert stood == {
        (e.rule, e.begun, e.since)
        for e in later
        if e.begun <= then and (e.ended is None or e.ended > then)
    }


def _view(letters: str, **more: str) -> ServiceView:
    return Service(letters=letters, start=NOON, **more).last()


def _outage(letters: str, subject: Subject = PLAIN, known: Seen | None = None) -> Alert:
    view = _view(letters)
    now = start_of(Minute(view.recent.stop))
    by_start = {Minute(NOON + letters.upper().index("D")): known or Seen()}
    found = service_alerts(view, subject, now=now, seen=by_start)
    return next(a for a in found if a.rule.kind == "outage")


def test_a_restarted_monitor_makes_the_same_alert() -> None:
    assert _outage("UUDDD") == _outage("UUDDD")
    assert _outage("UUDDDD").key == _outage("UUDDD").key
    assert _outage("UUDDDNNND").starts_at == start_of(Minute(NOON + 2))


def test_a_service_without_a_platform_is_its_own() -> None:
    alone, shared = _view("UUDD"), _view("UUDD", platform="eu-cluster-2")
    assert _standing(alone)[0].labels["platform"] == "acme-crm"
    assert _standing(shared)[0].labels["platform"] == "eu-cluster-2"


def test_a_page_has_what_is_needed_at_three_in_the_morning() -> None:
    failed = tried("f", 2, 12, cause="status", detail="status 500, wanted 200 to 299")
    attempts = [tried("p", 1), failed, tried("f", 3)]
    support = load_contract("datacrm").support
    subject = Subject(support=support, zone=BOGOTA, runbook="https://wiki.example/")
    told = _outage("UUDD", subject, seen(attempts, watch_terms(REACH), Minute(NOON + 2), "D"))
    assert told.annotations == {
        "summary": "acme-crm of acme: system down",
        "description": "Users cannot reach the system: two of the last three minutes or more "
        "were down.",
        "since": "2026-10-05 07:02 -0500 (12:02Z)",
        "evidence": "front from here at 2026-10-05 07:02:12 -0500 (12:02:12Z): status: "
        "status 500, wanted 200 to 299",
        "last_good": "front from here at 2026-10-05 07:01:10 -0500 (12:01:10Z)",
        "vantages": "here: fails",
        "restore": "due 2026-10-05 08:32 -0500 (13:32Z): 1.5h around the clock, "
        "severity system_down",
        "budget": "2 of 17 minutes of the month used, 15 left",
        "recent": "minutes down: 2 in 60 minutes, 2 in 24 hours, 2 in 3 days",
        "runbook_url": "https://wiki.example/alerting.md#uptimedsystemdown",
    }


def test_a_page_without_looks_at_hand_says_where_to_see() -> None:
    told = _outage("UUDD").annotations
    assert told["evidence"] == "no look is at hand; see: uptimed status --service acme-crm"
    assert told["last_good"] == "minute 2026-10-05 12:01Z"


def test_a_page_says_where_no_minute_was_good_before() -> None:
    assert _outage("NNDD").annotations["last_good"] == "none in the last days"


def test_what_a_target_sent_stays_on_one_line_and_short() -> None:
    long = "\x1b[31m\n" + "x" * 5000
    known = Seen(first=tried("f", 2, detail=long, cause="body"))
    evidence = _outage("UUDD", known=known).annotations["evidence"]
    assert len(evidence) < 600
    assert not re.search(r"[\x00-\x1f]", evidence)


def test_the_reference_of_a_case_is_in_the_page_where_there_is_one() -> None:
    view = _view("UUDD")
    found = service_alerts(
        view, PLAIN, now=start_of(Minute(NOON + 4)), incidents={Minute(NOON + 2): "ACME-2026-0007"}
    )
    assert found[0].annotations["incident"] == "ACME-2026-0007"


def test_what_is_over_is_told_of_for_a_day_and_no_longer() -> None:
    outage = "UUDDUU"
    for more, told in (("U" * 1439, True), ("U" * 1440, False)):
        found = service_alerts(_view(outage + more), PLAIN, now=Instant(0))
        assert any(a.rule.kind == "outage" for a in found) is told


# Restoring


@pytest.mark.parametrize(
    ("contract", "letter", "stage", "said"),
    [
        pytest.param(
            "datacrm", "D", "production",
            "due 2026-10-05 08:32 -0500 (13:32Z): 1.5h around the clock, severity system_down",
            id="promised",
        ),
        pytest.param(
            "datacrm", "L", "production",
            "due 2026-10-05 08:32 -0500 (13:32Z): 1.5h around the clock, severity system_down",
            id="login",
        ),
        pytest.param(
            "saleslayer", "D", "production",
            "the contract promises no time to restore for severity critical", id="silent",
        ),
    ],
)  # fmt: skip
def test_the_restore_clock_is_told(contract: str, letter: str, stage: str, said: str) -> None:
    support = load_contract(contract).support
    started, now = start_of(Minute(NOON + 2)), start_of(Minute(NOON + 4))
    found = restore_words(support, letter, stage=stage, started=started, now=now, zone=BOGOTA)
    assert found == said


def test_a_restore_clock_that_ran_out_was_due() -> None:
    support = load_contract("datacrm").support
    began = start_of(NOON)
    late = start_of(Minute(NOON + 91))
    said = restore_words(support, "D", stage="production", started=began, now=late, zone=BOGOTA)
    assert said.startswith("was due 2026-10-05 08:30 -0500")


def test_where_no_severity_is_told_nothing_is_promised() -> None:
    said = restore_words(
        SupportTerms(), "D", stage="production", started=Instant(0), now=Instant(0), zone=BOGOTA
    )
    assert said == "the contract promises no time to restore for this"


def test_the_restore_clock_runs_from_the_first_outage_of_the_incident() -> None:
    support = load_contract("datacrm").support
    told = _outage("UDDUUUUDD", Subject(support=support))
    assert told.starts_at == start_of(Minute(NOON + 7))
    assert told.annotations["restore"].startswith("due 2026-10-05 13:31Z")


# What was seen


def test_evidence_is_of_the_role_that_the_letter_tells_of() -> None:
    attempts = [tried("f", 2, 5, probe="front"), tried("f", 2, 3, probe="login", account=1)]
    terms = watch_terms(REACH, LOGIN)
    reach, login = (seen(attempts, terms, Minute(NOON + 2), letter) for letter in "DL")
    assert (reach.first, login.first) == (attempts[0], attempts[1])


def test_every_vantage_says_how_it_sees_the_service() -> None:
    terms = watch_terms(REACH, vantages=("a", "b", "c"))
    attempts = [tried("f", 2, vantage="a"), tried("p", 2, vantage="b")]
    found = seen(attempts, terms, Minute(NOON + 2), "D")
    assert found.vantages == {"a": "fails", "b": "passes", "c": "no look"}


def test_a_vantage_whose_probes_differ_says_how_each_of_them_does() -> None:
    terms = watch_terms(replace(REACH, id="api"), replace(REACH, id="front"))
    attempts = [tried("f", 0, probe="api"), tried("p", 0, 30, probe="front")]
    assert seen(attempts, terms, NOON, "D").vantages == {"here": "api fails, front passes"}


# Months, accounts, certificates


def test_a_line_of_the_month_begins_with_the_month_of_the_client() -> None:
    view = replace(_view("D" * 9), month=_view("D" * 9).month)
    half = next(
        a
        for a in service_alerts(
            view, Subject(support=SupportTerms(), zone=BOGOTA), now=start_of(NOON)
        )
        if a.rule.name == "UptimedMonthHalfUsed"
    )
    assert half.starts_at == at("2026-10-01 05:00:00")


_LABELS = {"client": "acme", "service": "crm", "platform": "crm"}


def _accounts(attempts: list[Attempt], minutes: int) -> set[str]:
    probe = replace(LOGIN, accounts=2)
    now = start_of(Minute(NOON + minutes))
    found = account_alerts(attempts, probe, _LABELS, now=now, runbook="")
    return {alert.rule.name for alert in found}


def test_one_refused_account_that_had_just_passed_pages_for_a_quarter_of_an_hour() -> None:
    attempts = logins("1p", 0, secret="s") + logins("1r 2p", 5, secret="s")
    assert _accounts(attempts, 6) == {"UptimedLoginSuspected", "UptimedAccountRefused"}
    assert _accounts(attempts, 21) == {"UptimedAccountRefused"}


def test_an_account_that_is_refused_is_a_ticket_for_an_hour() -> None:
    attempts = logins("1r 2p", 0)
    assert _accounts(attempts, 59) == {"UptimedAccountRefused"}
    assert _accounts(attempts, 61) == set()


def test_an_account_whose_last_answer_was_a_refusal_stays_a_ticket() -> None:
    assert _accounts(logins("1r", 0), 300) == {"UptimedAccountRefused"}


@pytest.mark.parametrize(("days", "count"), [(15, 0), (13, 1), (-1, 1)])
def test_a_certificate_is_told_of_two_weeks_before_it_expires(days: int, count: int) -> None:
    now = start_of(NOON)
    expires = Instant(now + days * 86_400 * SECOND)
    found = list(certificate_alerts("front", expires, _LABELS, now=now, runbook=""))
    assert len(found) == count
    assert all(a.starts_at == expires - 14 * 86_400 * SECOND for a in found)


# The monitor itself


def _healthy(seconds: int) -> Snapshot:
    return picture([], at=Instant(seconds * SECOND))


def _told(watch: MonitorWatch, snapshot: Snapshot) -> set[str]:
    return {alert.rule.name for alert in watch.feed(snapshot, runbook="")}


def test_a_well_monitor_says_nothing_of_itself() -> None:
    assert _told(MonitorWatch(), _healthy(0)) == set()


def test_a_journal_that_fails_is_told_of_after_a_minute() -> None:
    watch = MonitorWatch()

    def failing(seconds: int) -> Snapshot:
        return replace(_healthy(seconds), store=StoreHealth(ok=False, error="disk full"))

    assert _told(watch, failing(0)) == set()
    assert _told(watch, failing(60)) == {"UptimedStoreFailing"}
    assert _told(watch, _healthy(61)) == set()
    assert _told(watch, failing(70)) == set()


def test_a_bug_is_told_of_for_an_hour() -> None:
    watch = MonitorWatch()
    assert _told(watch, replace(_healthy(0), bugs=1)) == {"UptimedBug"}
    assert _told(watch, replace(_healthy(3599), bugs=1)) == {"UptimedBug"}
    assert _told(watch, replace(_healthy(3600), bugs=1)) == set()


def test_each_follower_that_lags_is_told_of_by_its_name() -> None:
    watch = MonitorWatch()
    late = FollowerView(name="alertmanager-1", lag_us=901 * SECOND, error="refused")
    behind = replace(_healthy(0), followers=(late, FollowerView(name="influx")))
    assert watch.feed(behind, runbook="") == ()
    found = watch.feed(replace(behind, at=Instant(300 * SECOND)), runbook="")
    assert [alert.labels["follower"] for alert in found] == ["alertmanager-1"]
    assert found[0].labels["instance"] == "local"


def test_a_clock_that_is_off_is_told_of_after_five_minutes() -> None:
    watch = MonitorWatch()
    off = replace(_healthy(0), clock_offset_us=-3 * SECOND)
    assert _told(watch, off) == set()
    assert _told(watch, replace(off, at=Instant(300 * SECOND))) == {"UptimedClockOff"}


def _gathered(answered: int, last_look: int, *, doubled: bool = False) -> GatherView:
    madrid = VantageView(name="madrid", last_look=Instant(last_look * SECOND), doubled=doubled)
    return GatherView(answered_at=Instant(answered * SECOND), vantages=(madrid,))


@pytest.mark.parametrize(
    ("gather", "name"),
    [
        pytest.param(_gathered(1200, 1200), "", id="well"),
        pytest.param(_gathered(1200, 300), "UptimedVantageSilent", id="silent"),
        pytest.param(_gathered(50, 50), "UptimedGatheringStuck", id="nothing can be read"),
        pytest.param(_gathered(1200, 1200, doubled=True), "UptimedVantageDoubled", id="doubled"),
    ],
)
def test_troubles_with_other_vantages_are_told(gather: GatherView, name: str) -> None:
    watch = MonitorWatch()
    for_long = _told(watch, replace(_healthy(1000), gather=gather))
    later = replace(_healthy(1300), gather=gather)
    assert _told(watch, later) | for_long == ({name} - {""})


@pytest.mark.parametrize(
    ("mail", "name"),
    [
        pytest.param(MailView(waiting_since=Instant(0)), "", id="waiting"),
        pytest.param(MailView(overdue={"acme": True}), "UptimedReportOverdue", id="overdue"),
        pytest.param(MailView(statuses={"refused": 1}), "UptimedMailFailed", id="failed"),
        pytest.param(
            MailView(waiting_since=Instant(-3601 * SECOND)), "UptimedMailStuck", id="stuck"
        ),
    ],
)
def test_troubles_with_mail_are_told(mail: MailView, name: str) -> None:
    assert _told(MonitorWatch(), replace(_healthy(0), mail=mail)) == ({name} - {""})


@pytest.mark.parametrize(
    ("left", "name"),
    [(901, ""), (900, "UptimedClockDue"), (1, "UptimedClockDue"), (0, "UptimedClockMissed")],
)
def test_the_clocks_of_incidents_are_told(left: int, name: str) -> None:
    cases = (_case("ACME-1", {"restore": left}), _case("ACME-2", {"restore": 5000}))
    found = MonitorWatch().feed(replace(_healthy(0), incidents=cases), runbook="")
    assert {alert.rule.name for alert in found} == ({name} - {""})
    for alert in found:
        assert "ACME-1" in alert.annotations["description"]
        labels = ("client", "service", "platform", "clock")
        assert [alert.labels[label] for label in labels] == ["acme", "crm", "crm", "restore"]
        assert "instance" not in alert.labels


def test_an_escalation_that_is_due_is_told() -> None:
    case = replace(_case("ACME-1", {}), escalations_due=1)
    (alert,) = MonitorWatch().feed(replace(_healthy(0), incidents=(case,)), runbook="")
    assert alert.rule.name == "UptimedEscalationDue"
    assert "uptimed incident escalate ACME-1" in alert.annotations["description"]


def _case(reference: str, left: dict[str, int]) -> IncidentView:
    return IncidentView(
        client="acme", service="crm", reference=reference, severity="", remaining_s=left
    )
