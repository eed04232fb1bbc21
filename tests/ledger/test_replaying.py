"""Settling again from the looks, and what comes of the comparison."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from typing_extensions import override

from tests.core.drawing import NOON, tried, watch_terms, watched
from tests.fakes import FakeJournal
from tests.ledger.records import journal, service
from uptimed.core.chain import GENESIS, attempts_digest, seal_record
from uptimed.core.minutes import Minute, day_minutes
from uptimed.core.strip import Strip
from uptimed.ledger.replaying import replay
from uptimed.ports import DayLetters, Seal

DAY = date(2026, 10, 5)
MINUTES = day_minutes(DAY)
START, STOP = Minute(MINUTES.start), Minute(MINUTES.stop)
CRM = service(watch_terms())
NEVER = date(1970, 1, 1)  # nothing was pruned


class WithoutRecords(FakeJournal):
    """A journal whose days are sealed, and whose records somebody took out."""

    @override
    def days(self, service: str, first: date, last: date) -> Sequence[DayLetters]:
        return [replace(day, sealed=True) for day in super().days(service, first, last)]


def sealed_day(drawn: str, letters: str) -> FakeJournal:
    """Return a journal whose 5 October is sealed, with looks from noon on."""
    attempts = watched(drawn)
    whole = Strip(START, letters.center(1440, "N"))
    text, sha256 = seal_record(
        "crm", DAY, whole, attempts_digest(attempts), watch_terms().digest(), "0.1.0", GENESIS
    )
    reader = journal(whole, attempts=attempts)
    reader.sealed = {("crm", DAY): Seal(service="crm", day=DAY, record=text, sha256=sha256)}
    return reader


def test_a_record_that_the_looks_give_agrees() -> None:
    found = replay(
        journal(Strip(NOON, "UDU"), attempts=watched("pfp")), CRM, START, STOP, pruned_before=NEVER
    )
    assert found.agrees
    assert (found.compared, found.differences) == (3, ())


def test_letters_that_the_looks_do_not_give_are_named() -> None:
    reader = journal(Strip(NOON, "UUUDU"), attempts=watched("pffpp"))
    found = replay(reader, CRM, START, STOP, pruned_before=NEVER)
    assert not found.agrees
    assert [
        (d.start - NOON, d.stop - NOON, d.on_record, d.replayed) for d in found.differences
    ] == [(1, 4, "UUD", "DDU")]


def test_nothing_on_record_agrees_with_nothing() -> None:
    found = replay(journal(), CRM, START, STOP, pruned_before=NEVER)
    assert found.agrees
    assert found.compared == 0


def test_a_sealed_day_that_holds_agrees() -> None:
    found = replay(sealed_day("pp", "UU".rjust(2)), CRM, START, STOP, pruned_before=NEVER)
    assert (found.sealed_days, found.without_looks, found.chain) == (1, (), ())


def test_a_sealed_day_whose_looks_are_pruned_is_left_out() -> None:
    reader = sealed_day("pp", "UU")
    reader.known.clear()
    found = replay(reader, CRM, START, STOP, pruned_before=date(2026, 10, 6))
    assert found.agrees
    assert (found.without_looks, found.compared) == ((DAY,), 0)


def test_a_sealed_day_that_lost_its_looks_too_early_is_found() -> None:
    reader = sealed_day("pp", "UU")
    reader.known.clear()
    found = replay(reader, CRM, START, STOP, pruned_before=DAY)
    assert [f.reason for f in found.chain] == ["its looks are missing"]


def test_a_letter_changed_after_its_looks_were_pruned_is_found() -> None:
    reader = sealed_day("ff", "DD")
    reader.known.clear()
    reader.laid["crm"] |= {NOON: "U", NOON + 1: "U"}
    found = replay(reader, CRM, START, STOP, pruned_before=date(2026, 10, 6))
    assert [f.reason for f in found.chain] == ["the letters are not those sealed"]


def test_a_sealed_day_without_its_record_is_found() -> None:
    whole = sealed_day("pp", "UU")
    reader = WithoutRecords(known=whole.known, laid=whole.laid, digests=whole.digests)
    found = replay(reader, CRM, START, STOP, pruned_before=NEVER)
    assert [f.reason for f in found.chain] == ["it is sealed, and its record is missing"]


def test_a_look_added_to_a_sealed_day_is_found() -> None:
    reader = sealed_day("pp", "UU")
    late = tried("p", 600)
    reader.known["crm", "front", "here", late.at, 0] = late
    assert [f.reason for f in replay(reader, CRM, START, STOP, pruned_before=NEVER).chain] == [
        "the looks are not those sealed"
    ]


def test_a_letter_changed_after_sealing_is_found() -> None:
    reader = sealed_day("pp", "UU")
    reader.laid["crm"][NOON] = "D"
    reasons = [
        fault.reason for fault in replay(reader, CRM, START, STOP, pruned_before=NEVER).chain
    ]
    assert reasons == ["the letters are not those sealed"]


def test_a_sealed_record_that_cannot_be_read_is_a_fault_and_no_crash() -> None:
    reader = sealed_day("pp", "UU")
    torn = Seal(service="crm", day=DAY, record="{", sha256=hashlib.sha256(b"{").hexdigest())
    reader.sealed = {("crm", DAY): torn}
    found = replay(reader, CRM, START, STOP, pruned_before=NEVER)
    assert "the record cannot be read" in [fault.reason for fault in found.chain]
