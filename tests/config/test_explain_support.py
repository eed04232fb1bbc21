"""`check` says in sentences what a contract says of support, and what of it is ours."""

from uptimed.config import load_contract
from uptimed.config.calendars import shipped
from uptimed.config.explain_support import support_lines
from uptimed.core.holidays import freeze
from uptimed.core.support import SupportTerms


def _lines(preset: str) -> list[str]:
    contract = load_contract(preset)
    return [line.strip() for line in support_lines(contract.support, contract.terms.house)]


def test_a_clock_is_told_with_its_calendar_and_what_is_a_house_reading() -> None:
    lines = _lines("datacrm")

    assert "Restored within 1.5h, around the clock [house reading: calendar]." in lines
    assert "Solved within 1 working day." in lines
    assert "Registration without a target, shown and not judged [house reading: calendar]." in lines


def test_the_calendar_is_told_with_its_windows_and_holidays() -> None:
    assert _lines("datacrm")[0] == (
        "Support works Mon-Fri 08:00-12:00 and 14:00-17:00, America/Bogota, not on holidays CO "
        "[house reading: holidays]."
    )
    assert _lines("itil-native")[0] == "Support works around the clock [house reading: windows]."


def test_who_approved_the_holidays_is_told() -> None:
    support = load_contract("yucrm").support
    calendar = freeze(support.calendar, shipped("RU"))
    frozen = SupportTerms(calendar=calendar, severities=support.severities)

    first = next(iter(support_lines(frozen, ())))
    assert first == (
        "Support works Mon-Fri 09:00-18:00, Europe/Moscow, not on holidays RU "
        "(2025 to 2027, approved by nobody)."
    )


def test_faults_stages_and_the_acts_that_end_a_clock_are_told() -> None:
    lines = _lines("suitecrm")

    assert "Only what is the vendor's fault can be of it." in lines
    assert "Only systems in production can have it." in lines
    assert (
        "First response within what each account agrees on, which is not written yet, until all is "
        "done: opened, classified, acknowledged." in lines
    )


def test_a_clock_that_never_runs_from_detection_is_told() -> None:
    assert (
        "First response by chat within 5min of support hours, from the client's report alone, a "
        "mean that is shown and not judged." in _lines("saleslayer")
    )


def test_goals_pauses_and_channels_are_told() -> None:
    assert (
        "95 % of a month's incidents must hold first response [house reading: period]."
        in _lines("itil-native")
    )
    assert "A report by telephone or skype starts none." in _lines("yucrm")
    assert any(
        line.startswith("Resolution may pause for administrator:") for line in _lines("datacrm")
    )


def test_a_contract_without_support_says_so() -> None:
    assert list(support_lines(SupportTerms(), ())) == ["It says nothing of support: no clocks run."]
