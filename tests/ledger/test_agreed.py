"""A change of the configuration never judges again what is past."""

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from tests.core.drawing import contract_terms, minute
from tests.fakes import FakeJournal
from tests.ledger.records import client, journal, service
from uptimed.core.minutes import Minute
from uptimed.core.pinning import agreed_text
from uptimed.core.settings import ClientSettings
from uptimed.core.strip import Strip
from uptimed.core.terms import ContractTerms
from uptimed.core.terms_text import digest
from uptimed.ledger.agreed import agreed
from uptimed.ledger.month import service_month
from uptimed.ports import ContractRecord

OCTOBER, DECEMBER = minute("2026-10-01T00:00Z"), minute("2026-12-01T00:00Z")
STRICT = replace(contract_terms(), target="99.96", target_ppm=999_600)
LAX = replace(contract_terms(), target="90", target_ppm=900_000, down="D")


def record(whose: ClientSettings, since: str) -> ContractRecord:
    text = agreed_text(whose)
    return ContractRecord(client=whose.id, since=minute(since), sha256=digest(text), canonical=text)


def kept(*records: ContractRecord) -> FakeJournal:
    found = journal(Strip(OCTOBER, "U" * 1000 + "L" * 100 + "U" * 86_740))
    found.contract_records = list(records)
    return found


def verdict(reader: FakeJournal, present: ContractTerms, month: int) -> tuple[str, int]:
    acme = client(contract=present)
    seen = service_month(reader, acme, acme.services[0], 2026, month, DECEMBER)
    return seen.contract.target, seen.figures.down


def test_a_target_that_is_changed_today_judges_no_month_that_is_past() -> None:
    reader = kept(
        record(client(contract=STRICT), "2026-09-01T00:00Z"),
        record(client(contract=LAX), "2026-11-20T00:00Z"),
    )

    assert verdict(reader, LAX, 10) == ("99.96", 100)
    assert verdict(reader, LAX, 11) == ("99.96", 0)
    assert verdict(reader, LAX, 12) == ("90", 0)


def test_where_nothing_is_on_record_the_present_terms_count() -> None:
    assert verdict(kept(), LAX, 10) == ("90", 0)
    assert agreed(kept(), client(contract=LAX), 2026, 10).since is None


def test_what_is_in_the_file_and_not_on_record_yet_judges_nothing() -> None:
    reader = kept(record(client(contract=STRICT), "2026-09-01T00:00Z"))

    assert verdict(reader, LAX, 10) == ("99.96", 100)


def test_the_months_limits_are_those_of_the_zone_that_was_agreed() -> None:
    bogota = replace(STRICT, zone=ZoneInfo("America/Bogota"), zone_name="America/Bogota")
    reader = kept(record(client(contract=bogota), "2026-09-01T00:00Z"))
    crm = replace(service(since=OCTOBER), starts=date(2026, 10, 1))

    found = agreed(reader, client(crm, contract=STRICT), 2026, 10).client

    assert (found.zone_name, found.contract.zone_name) == ("America/Bogota", "America/Bogota")
    assert found.services[0].agreement.since == Minute(OCTOBER + 300)


def test_who_gets_the_report_is_no_term() -> None:
    reader = kept(record(client(contract=STRICT), "2026-09-01T00:00Z"))
    present = replace(client(contract=LAX), recipients=("it@acme.example",), language="es")

    found = agreed(reader, present, 2026, 10).client

    assert (found.recipients, found.language) == (("it@acme.example",), "es")


def test_changes_are_looked_for_when_asked() -> None:
    reader = kept(
        record(client(contract=STRICT), "2026-09-01T00:00Z"),
        record(client(contract=replace(LAX, canonical='{"target":"90"}')), "2026-10-20T00:00Z"),
    )

    assert agreed(reader, client(), 2026, 10).changes == ()
    (change,) = agreed(reader, client(), 2026, 10, tell=True).changes
    assert change.changed == ('target: nothing -> "90"',)
