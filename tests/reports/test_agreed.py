"""Since when the terms of a report are on record, and what was agreed otherwise later."""

import json

import pytest

from reports.as_json import report_json
from reports.html import report_html
from tests.reports import samples
from uptimed.core.minutes import minute_of
from uptimed.core.pinning import AgreedChange

LATER = AgreedChange(
    since=minute_of(samples.at("2026-10-14T12:00:00+02:00")),
    version="2026-10-14",
    sha256="ab" * 32,
    changed=('availability.target: "99.96" -> "99"',),
)


def test_a_report_says_since_when_its_terms_are_on_record() -> None:
    page = report_html(samples.breached(), "en")
    assert "on record since" in page
    assert "Changed later" not in page


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("en", "Nothing was on record for this month"),
        ("es", "Para este mes no constaba nada"),
        ("ru", "Для этого месяца ничего не было записано"),
    ],
)
def test_a_report_says_that_nothing_was_on_record(code: str, said: str) -> None:
    assert said in report_html(samples.breached(agreed_since=None), code)
    contract = json.loads(report_json(samples.breached(agreed_since=None)))["contract"]
    assert contract["on_record_since"] is None


def test_what_was_agreed_later_is_listed_with_version_and_hash() -> None:
    made = samples.breached(agreed_changes=(LATER,))
    page = report_html(made, "en")
    assert "version 2026-10-14" in page and "ab" * 32 in page
    assert "availability.target: &#34;99.96&#34; -&gt; &#34;99&#34;" in page
    (change,) = json.loads(report_json(made))["contract"]["changes"]
    assert change == {
        "since": "2026-10-14T10:00:00Z",
        "version": "2026-10-14",
        "sha256": "ab" * 32,
        "changed": ['availability.target: "99.96" -> "99"'],
    }
