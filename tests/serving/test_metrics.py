"""The metrics page of one snapshot, whole."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes import at, minute
from uptimed.core.figures import Figures
from uptimed.core.observations import SECOND, Cause, Instant, Outcome, Phase
from uptimed.core.snapshot import (
    ConfigHealth,
    FollowerView,
    GatherView,
    HistogramData,
    IncidentView,
    ProbeView,
    ServiceView,
    Snapshot,
    StoreHealth,
    VantageView,
)
from uptimed.metrics import page

GOLDEN = Path(__file__).parent / "golden" / "metrics.txt"

FIGURES = Figures(
    total=44_640, out_of_scope=0, maintenance=0, excepted=0, not_measured=10, up=40_000,
    degraded=3, system_down=5, login_failure=2, down=7, unverified=0, unverified_up=0,
    ahead=4_623, has_login=True, target_ppm=999_600, min_coverage_ppm=999_000,
)  # fmt: skip

CRM = ServiceView(
    service="acme-crm", client="acme", letter="L", since=minute("2026-10-28 14:06"),
    settled=minute("2026-10-28 14:07"), minutes={"U": 700, "L": 2, "N": 1}, month=FIGURES,
)  # fmt: skip
NEW = ServiceView(service="new", client="acme")

FRONT = ProbeView(
    service="acme-crm", client="acme", probe="front", role="reach", kind="http",
    at=at("2026-10-28 14:07:12"), outcome=Outcome.PASS, took_us=183_000,
    phases={Phase.DNS: 1_500, Phase.CONNECT: 12_000, Phase.TLS: 40_000, Phase.FIRST_BYTE: 80_000},
    certificate_expires=at("2027-01-01 00:00:00"),
    counts={("pass", ""): 700, ("fail", "status"): 3, ("fail", "a word of theirs"): 1},
)  # fmt: skip
LOGIN = ProbeView(
    service="acme-crm", client="acme", probe="login", role="login", kind="login",
    at=at("2026-10-28 14:07:40"), outcome=Outcome.REJECTED, cause=Cause.LOGIN_REJECTED,
    rejected=True, counts={("rejected", "login_rejected"): 2},
)  # fmt: skip
WAITING = ProbeView(service="new", client="acme", probe="front", role="reach", kind="tcp")

SNAPSHOT = Snapshot(
    at=at("2026-10-28 14:08:00"), vantage="local", started_at=at("2026-10-28 02:00:00"),
    software="0.1.0", services={v.service: v for v in (CRM, NEW)},
    probes={(v.service, v.probe): v for v in (FRONT, LOGIN, WAITING)},
    schedule_lag=HistogramData((1_000, 50_000), (690, 12, 1), 1_234_000),
    look_durations={"http": HistogramData((100_000, 1_000_000), (1, 700, 2), 140_000_000)},
    loop_lag_us=900, bugs=1,
    store=StoreHealth(ok=False, error="the disk is full", backlog=17, lost_attempts=4),
    config=ConfigHealth(loaded_at=at("2026-10-28 02:00:00"), ok=False, error="no"),
    clock_offset_us=-250_000, healthy=False,
    followers=(
        FollowerView(name="influx", backlog=120, lag_us=61 * SECOND),
        FollowerView(name="webhook-1", backlog=2, lag_us=5 * SECOND, set_aside=3),
    ),
    incidents=(
        IncidentView(
            client="acme", service="crm", reference="ACME-2026-0007", severity="critical",
            remaining_s={"first_response": 600, "update": 7000}, escalations_due=1,
        ),
        IncidentView(
            client="acme", service="crm", reference="ACME-2026-0008", severity="critical",
            remaining_s={"first_response": -90},
        ),
        IncidentView(client="acme", service="new", reference="ACME-2026-0009", severity=""),
    ),
    gather=GatherView(
        answered_at=at("2026-10-28 14:07:50"),
        vantages=(
            VantageView(name="lima"),
            VantageView(
                name="madrid", last_look=at("2026-10-28 14:07:12"), taken=61, set_aside=4,
                doubled=True,
            ),
        ),
    ),
)  # fmt: skip


def test_the_page_is_what_it_was() -> None:
    """After a change that is meant: UPTIMED_NEW_GOLDEN=1, and look at the difference."""
    found = page(SNAPSHOT)
    if os.environ.get("UPTIMED_NEW_GOLDEN"):
        GOLDEN.write_bytes(found)
    assert found.decode() == GOLDEN.read_text(encoding="utf-8")


def test_the_same_snapshot_gives_the_same_page() -> None:
    assert page(SNAPSHOT) == page(SNAPSHOT)


def test_every_metric_that_others_rely_upon_is_there() -> None:
    names = {family.name for family in text_string_to_metric_families(page(SNAPSHOT).decode())}
    assert names >= {
        "uptimed_service_state", "uptimed_service_last_settled_timestamp_seconds",
        "uptimed_minutes", "uptimed_month_down_minutes", "uptimed_month_allowed_down_minutes",
        "uptimed_month_not_measured_minutes", "uptimed_month_availability_ratio",
        "uptimed_month_target_ratio", "uptimed_month_coverage_ratio", "uptimed_probe_success",
        "uptimed_probe_phase_seconds", "uptimed_look_duration_seconds", "uptimed_probe_attempts",
        "uptimed_probe_certificate_expiry_timestamp_seconds", "uptimed_login_rejected",
        "uptimed_follower_lag_seconds", "uptimed_follower_backlog",
        "uptimed_schedule_lag_seconds", "uptimed_bugs", "uptimed_build_info",
    }  # fmt: skip


def samples(snapshot: Snapshot) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the values by metric and labels' values."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(page(snapshot).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[*sorted(sample.labels.values())] = sample.value
    return found


def test_one_state_is_on_and_the_others_are_off() -> None:
    states = samples(SNAPSHOT)["uptimed_service_state"]
    assert {key for key, value in states.items() if value} == {
        ("acme", "acme-crm", "login_failure"), ("acme", "new", "not_measured"),
    }  # fmt: skip
    assert len(states) == 10


def test_a_service_that_is_gone_is_gone_from_the_page() -> None:
    text = page(replace(SNAPSHOT, services={"new": NEW}, probes={})).decode()
    assert "acme-crm" not in text


def test_a_month_of_which_nothing_was_measured_has_no_ratio() -> None:
    nothing = replace(FIGURES, not_measured=44_640, up=0, down=0, system_down=0, login_failure=0)
    view = replace(CRM, month=nothing)
    found = samples(replace(SNAPSHOT, services={"acme-crm": view}))
    assert "uptimed_month_availability_ratio" not in found
    assert found["uptimed_month_coverage_ratio"]["acme", "acme-crm"] == 0


def test_causes_outside_the_vocabulary_are_no_label() -> None:
    assert "a word of theirs" not in page(SNAPSHOT).decode()


def test_two_causes_outside_the_vocabulary_are_one_sample() -> None:
    view = replace(FRONT, counts={("fail", "this"): 2, ("fail", "that"): 3, ("fail", ""): 1})
    found = samples(replace(SNAPSHOT, probes={("acme-crm", "front"): view}))
    counts = found["uptimed_probe_attempts_total"]
    assert list(counts.values()) == [6]


def test_histograms_add_up() -> None:
    found = samples(SNAPSHOT)
    assert found["uptimed_schedule_lag_seconds_bucket"]["+Inf",] == 703
    assert found["uptimed_schedule_lag_seconds_count"][()] == 703
    assert found["uptimed_schedule_lag_seconds_sum"][()] == pytest.approx(1.234)


def test_a_clock_that_was_not_compared_has_no_offset() -> None:
    assert "uptimed_clock_offset_seconds" in samples(SNAPSHOT)
    unknown = replace(SNAPSHOT, clock_offset_us=None, started_at=Instant(0))
    assert "uptimed_clock_offset_seconds" not in samples(unknown)


@pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="promtool is not installed (Debian: apt-get install prometheus)",
)
def test_promtool_finds_fault_with_nothing_but_the_minutes() -> None:
    """Minutes are the unit of the promise, and keep theirs: Prometheus would have seconds."""
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=page(SNAPSHOT), capture_output=True, timeout=20,
        check=False,
    )  # fmt: skip
    complaints = done.stderr.decode().splitlines()
    assert [c for c in complaints if 'use base unit "seconds" instead of "minutes"' not in c] == []
    assert done.returncode in {0, 3}
