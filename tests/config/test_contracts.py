"""The presets say what the five documents say, and a contract file says what was agreed."""

import hashlib
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from uptimed.config import ConfigError, load_contract, preset_names
from uptimed.config.contracts import ENDS
from uptimed.core.incidents import Kind
from uptimed.core.settings import Contract
from uptimed.core.support import ClockKind, ClockTerms, Fault, Judged, SeverityTerms, Start
from uptimed.core.terms import AttemptRule, canonical_json

PRESETS = Path(__file__).parents[2] / "uptimed" / "contracts"
DAYTIME = tuple(range(5))  # Monday to Friday
OURS = 'id = "ours"\nversion = 2026-11-21\ntimezone = "America/Bogota"\n'
AVAILABILITY = '[availability]\ntarget = "99.5"\n'


def _ours(tmp_path: Path, text: str) -> Contract:
    path = tmp_path / "ours.toml"
    path.write_text(text, encoding="utf-8")
    return load_contract(str(path))


def _severity(preset: str, name: str) -> SeverityTerms:
    severities = load_contract(preset).support.severities
    return next(severity for severity in severities if severity.id == name)


def _clock(preset: str, severity: str, clock: ClockKind) -> ClockTerms:
    clocks = _severity(preset, severity).clocks
    return next(terms for terms in clocks if terms.clock is clock)


def test_the_five_presets_ship() -> None:
    assert preset_names() == ("datacrm", "itil-native", "saleslayer", "suitecrm", "yucrm")


@pytest.mark.parametrize(
    ("preset", "source", "zone", "language", "promised"),
    [
        ("datacrm", "000_3e592e4a62ec3b36.txt", "America/Bogota", "es", True),
        ("saleslayer", "001_f67854096f4437d4.txt", "Europe/Madrid", "es", False),
        ("suitecrm", "002_7ad50ac4017ad0d4.txt", "Europe/London", "es", False),
        ("yucrm", "003_39bb2bf13ca5a1f3.txt", "Europe/Moscow", "ru", False),
        ("itil-native", "004_dfbcb2ab97f26dd4.txt", "UTC", "es", False),
    ],
    ids=str,
)
def test_a_preset_has_the_availability_of_its_document(
    preset: str, source: str, zone: str, language: str, promised: bool
) -> None:
    terms = load_contract(preset).terms
    assert (terms.id, terms.source, terms.zone_name) == (preset, source, zone)
    assert (terms.language, terms.promised) == (language, promised)
    assert (terms.target, terms.target_ppm, terms.down) == ("99.96", 999_600, "DL")
    assert (terms.excludes, terms.hours, terms.maintenance_notice_us) == ((), None, None)
    assert (terms.min_consecutive, terms.min_coverage_ppm) == (1, 999_000)
    assert terms.attempt_rule is AttemptRule.CONFIRMED


@pytest.mark.parametrize(
    ("preset", "keys"),
    [
        ("datacrm", {"timezone", "calendar.holidays"}),
        ("saleslayer", {"timezone", "availability.target", "calendar.windows"}),
        ("suitecrm", {"availability.target", "calendar.windows"}),
        ("yucrm", {"availability.target"}),
        ("itil-native", {"timezone", "availability.target", "calendar.windows"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_preset_marks_what_is_a_house_reading(preset: str, keys: set[str]) -> None:
    house = set(load_contract(preset).terms.house)
    assert keys <= house
    assert "availability.attempt_rule" in house


def test_what_datacrm_and_yucrm_say_themselves_is_no_house_reading() -> None:
    assert not {"availability.target", "calendar.windows"} & set(
        load_contract("datacrm").terms.house
    )
    assert not {"timezone", "calendar.windows"} & set(load_contract("yucrm").terms.house)


@pytest.mark.parametrize(
    ("preset", "windows", "holidays"),
    [
        ("datacrm", ((480, 720), (840, 1020)), "CO"),
        ("saleslayer", ((480, 1080),), "ES"),
        ("suitecrm", ((0, 1440),), "GB-ENG"),
        ("yucrm", ((540, 1080),), "RU"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_preset_has_its_documents_support_hours(
    preset: str, windows: tuple[tuple[int, int], ...], holidays: str
) -> None:
    contract = load_contract(preset)
    hours = contract.support.calendar.hours
    assert hours is not None
    assert hours.windows == dict.fromkeys(DAYTIME, windows)
    assert hours.zone == contract.terms.zone
    assert contract.support.calendar.holidays == holidays


def test_native_support_has_no_hours() -> None:
    assert load_contract("itil-native").support.calendar.hours is None


@pytest.mark.parametrize(
    ("preset", "letters"),
    [
        ("datacrm", {"system_down": "DL", "incident": "G", "development": "", "improvement": ""}),
        ("saleslayer", {"critical": "DL", "major": "G", "minor": ""}),
        (
            "suitecrm",
            {"severity_1": "DL", "severity_2": "G", "severity_3": "", "severity_4": ""},
        ),
        ("yucrm", {"high": "DLG", "ordinary": ""}),
        ("itil-native", {"critical": "DL", "high": "G", "normal": ""}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_preset_has_its_documents_severities(preset: str, letters: dict[str, str]) -> None:
    severities = load_contract(preset).support.severities
    assert {severity.id: severity.letters for severity in severities} == letters


@pytest.mark.parametrize(
    ("preset", "severity", "clock", "target", "calendar"),
    [
        ("datacrm", "system_down", ClockKind.RESTORE, "1.5h", "24x7"),
        ("datacrm", "incident", ClockKind.REGISTRATION, "4h", "support"),
        ("datacrm", "incident", ClockKind.RESOLUTION, "1bd", "support"),
        ("datacrm", "development", ClockKind.REGISTRATION, "4h", "support"),
        ("datacrm", "development", ClockKind.CLASSIFICATION, "24h", "support"),
        ("datacrm", "development", ClockKind.ANSWER, "3bd", "support"),
        ("itil-native", "critical", ClockKind.FIRST_RESPONSE, "30min", "support"),
        ("itil-native", "critical", ClockKind.UPDATE, "2h", "support"),
        ("itil-native", "critical", ClockKind.ESCALATION, "4h", "support"),
        ("itil-native", "high", ClockKind.FIRST_RESPONSE, "2h", "support"),
        ("itil-native", "high", ClockKind.UPDATE, "4h", "support"),
        ("itil-native", "high", ClockKind.ESCALATION, "8h", "support"),
        ("itil-native", "normal", ClockKind.FIRST_RESPONSE, "4h", "support"),
        ("itil-native", "normal", ClockKind.UPDATE, "24h", "support"),
        ("itil-native", "normal", ClockKind.ESCALATION, "48h", "support"),
    ],
    ids=str,
)
def test_a_preset_has_its_documents_clocks(
    preset: str, severity: str, clock: ClockKind, target: str, calendar: str
) -> None:
    terms = _clock(preset, severity, clock)
    assert terms.target is not None
    assert (terms.target.text, terms.calendar) == (target, calendar)
    assert terms.judged is Judged.EACH
    assert terms.repeats is (clock in {ClockKind.UPDATE, ClockKind.ESCALATION})


def test_one_hour_and_a_half_is_whole_seconds() -> None:
    target = _clock("datacrm", "system_down", ClockKind.RESTORE).target
    assert target is not None
    assert (target.seconds, target.business_days) == (5400, None)


def test_a_business_day_has_no_seconds_of_its_own() -> None:
    target = _clock("datacrm", "development", ClockKind.ANSWER).target
    assert target is not None
    assert (target.seconds, target.business_days) == (None, 3)


def test_salesagility_gives_no_hours_so_each_account_must() -> None:
    for severity in load_contract("suitecrm").support.severities:
        (clock,) = severity.clocks
        assert (clock.target, clock.agreed) == (None, True)


def test_a_suitecrm_outage_only_proposes_severity_1_and_only_in_production() -> None:
    severity = _severity("suitecrm", "severity_1")
    assert severity.proposed
    assert severity.stages == ("production",)


def test_a_fault_of_others_is_never_severity_1_or_2_at_suitecrm() -> None:
    faults = {each.id: each.faults for each in load_contract("suitecrm").support.severities}
    assert faults == {
        "severity_1": (Fault.VENDOR,),
        "severity_2": (Fault.VENDOR,),
        "severity_3": (),
        "severity_4": (),
    }


def test_three_acts_end_suitecrms_response() -> None:
    for severity in load_contract("suitecrm").support.severities:
        assert severity.clocks[0].ends == ("opened", "classified", "acknowledged")


def test_the_acts_that_can_end_a_clock_are_events_of_an_incident() -> None:
    assert set(ENDS) <= {str(kind) for kind in Kind}


def test_sales_layers_first_response_never_runs_from_detection() -> None:
    for plan in load_contract("saleslayer").support.plans:
        assert all(clock.starts is Start.REPORT for clock in plan.clocks)


def test_yucrm_promises_no_time_at_all() -> None:
    for severity in load_contract("yucrm").support.severities:
        assert all(clock.judged is Judged.TRACKED for clock in severity.clocks)
        assert all(clock.target is None and not clock.agreed for clock in severity.clocks)


def test_a_call_starts_no_clock_at_yucrm() -> None:
    support = load_contract("yucrm").support
    assert support.official == ("whatsapp", "telegram", "mail")
    assert support.unofficial == ("telephone", "skype")
    assert len(support.pauses) == 6


def test_sales_layers_times_depend_on_the_plan_and_are_no_limits() -> None:
    plans = {plan.id: plan.clocks for plan in load_contract("saleslayer").support.plans}
    figures = {
        plan: [(clock.target.text if clock.target else "", clock.judged) for clock in clocks]
        for plan, clocks in plans.items()
    }
    assert figures == {
        "enterprise": [("2h", Judged.SHARE), ("5min", Judged.MEAN)],
        "premium": [("12h", Judged.SHARE), ("4h", Judged.MEAN)],
        "starter": [("1bd", Judged.MEAN)],
        "partner": [("", Judged.TRACKED)],
    }


def test_native_supports_goals_are_shares_of_incidents() -> None:
    goals = load_contract("itil-native").support.goals
    assert [(goal.percent_ppm, goal.clocks) for goal in goals] == [
        (950_000, (ClockKind.FIRST_RESPONSE,)),
        (900_000, (ClockKind.UPDATE, ClockKind.ESCALATION)),
    ]


def test_datacrms_administrator_is_a_reason_to_pause_resolution() -> None:
    (pause,) = load_contract("datacrm").support.pauses
    assert pause.clocks == (ClockKind.RESOLUTION,)


@pytest.mark.parametrize("preset", preset_names())
def test_the_hash_is_over_the_documents_canonical_form(preset: str) -> None:
    text = (PRESETS / f"{preset}.toml").read_text("utf-8")
    terms = load_contract(preset).terms
    assert terms.canonical == canonical_json(tomllib.loads(text))
    assert terms.sha256 == hashlib.sha256(terms.canonical.encode()).hexdigest()


def test_another_comment_is_the_same_contract_and_another_target_is_not(tmp_path: Path) -> None:
    plain = _ours(tmp_path, OURS + AVAILABILITY).terms
    commented = _ours(tmp_path, "# ours\n" + OURS + AVAILABILITY).terms
    other = _ours(tmp_path, OURS + AVAILABILITY.replace("99.5", "99.50")).terms
    assert commented == plain
    assert other.sha256 != plain.sha256


def test_a_contract_needs_only_id_version_zone_and_target(tmp_path: Path) -> None:
    terms = _ours(tmp_path, OURS + AVAILABILITY).terms
    assert (terms.id, terms.version, terms.language) == ("ours", "2026-11-21", "en")
    assert (terms.target_ppm, terms.down, terms.promised) == (995_000, "DL", True)


def test_defaults_of_ours_are_house_readings_unless_the_file_writes_them(tmp_path: Path) -> None:
    silent = _ours(tmp_path, OURS + AVAILABILITY).terms
    assert silent.house == (
        "availability.attempt_rule",
        "availability.min_consecutive",
        "availability.min_coverage",
    )
    written = _ours(tmp_path, OURS + AVAILABILITY + 'attempt_rule = "all"\nmin_coverage = "99"\n')
    assert written.terms.house == ("availability.min_consecutive",)


def test_every_term_of_availability_is_read(tmp_path: Path) -> None:
    text = """
    down = ["G", "L", "D"]
    attempt_rule = "single"
    min_consecutive = 3
    min_coverage = "98.5"
    excludes = ["maintenance", "exceptions"]
    maintenance_notice = "48h"
    maintenance_cap = "4h"
    hours = { mon-fri = ["08:00-12:00", "12:00-24:00"], holidays = [2026-12-25] }
    """
    terms = _ours(tmp_path, OURS + AVAILABILITY + text).terms
    assert (terms.down, terms.attempt_rule) == ("DLG", AttemptRule.SINGLE)
    assert (terms.min_consecutive, terms.min_coverage_ppm) == (3, 985_000)
    assert terms.excludes == ("maintenance", "exceptions")
    assert (terms.maintenance_notice_us, terms.maintenance_cap) == (172_800_000_000, 240)
    assert terms.hours is not None
    assert terms.hours.windows == dict.fromkeys(DAYTIME, ((480, 720), (720, 1440)))
    assert terms.hours.holidays == {date(2026, 12, 25)}
    assert str(terms.hours.zone) == "America/Bogota"


def test_a_calendar_can_list_its_own_days(tmp_path: Path) -> None:
    calendar = """
    [calendar]
    version = "2026"
    windows = { mon-fri = ["09:00-18:00"], sat = [] }
    holidays = [2026-01-01]
    extra_days = { 2026-12-26 = "mon" }
    """
    found = _ours(tmp_path, OURS + AVAILABILITY + calendar).support.calendar
    assert (found.version, found.holidays) == ("2026", "")
    assert found.hours is not None
    assert found.hours.windows[5] == ()
    assert found.hours.holidays == {date(2026, 1, 1)}
    assert found.hours.extra_days == {date(2026, 12, 26): 0}


def test_another_zone_takes_the_place_of_the_documents() -> None:
    there = load_contract("datacrm", zone="Europe/Madrid").terms
    here = load_contract("datacrm").terms
    assert (there.zone_name, str(there.zone)) == ("Europe/Madrid", "Europe/Madrid")
    assert there.sha256 != here.sha256
    assert here.house == ("timezone", *there.house)
    assert (
        replace(
            there,
            zone_name=here.zone_name,
            zone=here.zone,
            sha256=here.sha256,
            canonical=here.canonical,
            house=here.house,
        )
        == here
    )


def test_a_contract_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match=r'datacrn: found "datacrn", wanted "datacrm"\?'):
        load_contract("datacrn")
    with pytest.raises(ConfigError, match="a contract file; there is none at"):
        load_contract("./nowhere.toml")
