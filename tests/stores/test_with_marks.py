"""Which services may have a letter in a stretch: asked of all of them at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stores.making import DAY, seal
from uptimed.core.minutes import MINUTES_PER_DAY, Minute, day_minutes
from uptimed.core.strip import MARKS, Strip
from uptimed.ports import Batch, ConfigRecord
from uptimed.stores.sqlite import Ledger, open_ledger

MIDNIGHT = Minute(day_minutes(DAY).start)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "uptimed.db") as ledger:
        yield ledger


def judge(ledger: Ledger, service: str, letters: str, start: int, terms: str = "terms") -> None:
    """Lay letters down that were judged under *terms*."""
    ledger.write(Batch(letters=[(service, Strip(Minute(start), letters), terms)]))


def agree(ledger: Ledger, service: str, since: int, terms: str) -> None:
    """Record that a service is watched under *terms* from a minute on."""
    record = ConfigRecord(service=service, since=Minute(since), sha256=terms, canonical=terms)
    ledger.write(Batch(configs=[record]))


def found(ledger: Ledger, marks: str, start: int, stop: int) -> set[str]:
    services = ["crm", "pim", "unheard-of"]
    return set(ledger.reader.with_marks(services, marks, Minute(start), Minute(stop)))


@pytest.mark.property
@given(
    letters=st.text(MARKS, min_size=1, max_size=8),
    before=st.integers(-5, 5),
    first=st.integers(-8, 14),
    length=st.integers(0, 14),
    marks=st.sampled_from(["D", "DL", "DLGg", "g"]),
)
def test_a_service_is_found_for_the_marks_that_it_has_in_the_stretch(
    tmp_path_factory: pytest.TempPathFactory,
    letters: str,
    before: int,
    first: int,
    length: int,
    marks: str,
) -> None:
    start = MIDNIGHT + before  # at the edge of a day, on either side of it
    with open_ledger(tmp_path_factory.mktemp("journal") / "uptimed.db") as ledger:
        agree(ledger, "crm", start - 1, "terms")
        judge(ledger, "crm", letters, start)
        seen = range(MIDNIGHT + first, MIDNIGHT + first + length)
        has = any(letter in marks and start + n in seen for n, letter in enumerate(letters))
        assert found(ledger, marks, seen.start, seen.stop) == ({"crm"} if has else set())


def test_each_service_is_told_from_the_others(ledger: Ledger) -> None:
    for service, letters in (("crm", "UUU"), ("pim", "UDU")):
        agree(ledger, service, MIDNIGHT, "terms")
        judge(ledger, service, letters, MIDNIGHT)
    assert found(ledger, "DL", MIDNIGHT, MIDNIGHT + 3) == {"pim"}


def test_a_day_judged_under_other_terms_than_the_last_may_have_anything(ledger: Ledger) -> None:
    agree(ledger, "crm", MIDNIGHT, "terms")
    judge(ledger, "crm", "UUU", MIDNIGHT)
    agree(ledger, "crm", MIDNIGHT + MINUTES_PER_DAY, "other")
    assert found(ledger, "DL", MIDNIGHT, MIDNIGHT + 3) == {"crm"}
    ledger.write(Batch(seals=[seal(service="crm")]))
    assert found(ledger, "DL", MIDNIGHT, MIDNIGHT + 3) == set()


def test_a_service_whose_terms_are_not_on_record_may_have_anything(ledger: Ledger) -> None:
    judge(ledger, "crm", "UUU", MIDNIGHT)
    assert found(ledger, "DL", MIDNIGHT, MIDNIGHT + 3) == {"crm"}
