"""What else is sent: each record once, what changed again, and nothing for ever."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.stores.following import LETTERS, following, influx_of, settings_for, until
from tests.stores.influx_double import InfluxDouble, influx_double, parsed
from tests.stores.making import DAY, NOON, letters, seal
from uptimed.core.minutes import MINUTES_PER_DAY, Minute, moment_of, start_of
from uptimed.core.settings import Settings
from uptimed.ports import Batch, BlindMinute, ConfigRecord, ContractRecord, LifeEvent
from uptimed.stores import influx_records as records
from uptimed.stores.influx_follower import backlog
from uptimed.stores.influx_rest import Rest
from uptimed.stores.influx_source import Parcel
from uptimed.stores.ledger import Ledger
from uptimed.stores.sqlite import SqliteJournal


class There:
    """What is there, line by line; *kill* forgets what is only in memory."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.lines: list[str] = []
        self.kill()

    def kill(self) -> None:
        self.rest = Rest(self.ledger.reader, "rest/", "local")

    def take(self, limit: int = 1000, *, arrives: bool = True) -> list[str]:
        """Return the kinds of what is sent next."""
        parcel: Parcel = self.rest.next(len(self.lines), limit)
        if arrives:
            self.lines += parcel.lines
            self.ledger.write(Batch(cursors=dict(parcel.also)))
            parcel.done()
        return [parsed(line).measurement for line in parcel.lines]


@pytest.fixture
def there(tmp_path: Path) -> There:
    return There(Ledger.open(tmp_path / "uptimed.db"))


def terms(text: str, since: int = NOON) -> ConfigRecord:
    return ConfigRecord(service="acme-crm", since=Minute(since), sha256=text, canonical=text)


def life(detail: str) -> LifeEvent:
    return LifeEvent(at=start_of(NOON), kind="config", vantage="local", detail=detail)


def blind(minute: int) -> BlindMinute:
    return BlindMinute(vantage="local", minute=Minute(minute), reason="all silent")


def everything() -> Batch:
    return Batch(
        letters=letters("U").letters, life=[life("a")], blind=[blind(NOON)], configs=[terms("x")],
        contracts=[ContractRecord(client="acme", since=NOON, sha256="y", canonical="y")],
        seals=[seal()], heartbeat=start_of(NOON),
    )  # fmt: skip


def test_each_record_is_sent_once(there: There) -> None:
    there.ledger.write(everything())
    assert sorted(there.take()) == sorted(
        [records.LIFE, records.TERMS, records.CONTRACT, records.SEAL, records.BLIND, records.ALIVE]
    )
    assert there.take() == []
    assert there.rest.pending() == 0


def test_what_did_not_arrive_is_sent_again(there: There) -> None:
    there.ledger.write(everything())
    assert len(there.take(arrives=False)) == 6
    assert len(there.take()) == 6


def test_after_a_start_only_what_may_have_changed_comes_again(there: There) -> None:
    there.ledger.write(everything())
    before = set(there.take()) and list(there.lines)
    there.kill()
    again = there.take()
    assert set(again) == {records.TERMS, records.CONTRACT, records.BLIND}
    assert set(there.lines) == set(before)  # and it is the same
    assert there.take() == []


def test_terms_that_replaced_others_within_their_minute_are_sent(there: There) -> None:
    there.ledger.write(Batch(configs=[terms("first")], life=[life("started")]))
    there.take()
    there.ledger.write(Batch(configs=[terms("second")], life=[life("reloaded")]))
    assert there.take() == [records.LIFE, records.TERMS]
    assert 'text_0="second"' in there.lines[-1]
    assert there.take() == []


def test_blind_minutes_that_come_late_are_sent(there: There) -> None:
    there.ledger.write(Batch(blind=[blind(NOON)]))
    there.take()
    there.ledger.write(Batch(blind=[blind(NOON - 30), blind(NOON + 1)]))
    assert there.take() == [records.BLIND, records.BLIND]


def test_blind_minutes_of_long_ago_that_a_file_brought_are_sent_once(there: There) -> None:
    there.ledger.write(Batch(blind=[blind(NOON)]))
    there.take()
    there.ledger.write(Batch(blind=[blind(NOON - 40 * MINUTES_PER_DAY)]))
    assert records.BLIND in there.take()
    assert there.take() == []


def test_seals_come_in_order_and_parts(there: There) -> None:
    for n in range(7):
        there.ledger.write(Batch(seals=[seal(DAY + timedelta(days=n), record=f'{{"n":{n}}}')]))
    while there.take(limit=3):
        pass
    days = [parsed(line).at // 86_400_000_000_000 for line in there.lines]
    assert len(days) == 7 and days == sorted(set(days))


def test_a_long_text_is_cut_and_whole_again(there: There) -> None:
    text = 'ы"\\\n' * 12_000
    there.ledger.write(Batch(configs=[terms(text)]))
    there.take()
    point = parsed(there.lines[0])
    assert point.fields["parts"] == 3
    parts = [str(value) for name, value in point.fields.items() if name.startswith("text_")]
    assert max(len(part.encode()) for part in parts) < 65_536
    row = {**point.fields, "_time": moment_of(start_of(NOON)), "service": "acme-crm"}
    assert records.terms_of_row(row).canonical == text


def test_pending_counts_without_sending(there: There) -> None:
    there.ledger.write(everything())
    assert there.rest.pending() == 5  # being alive is no backlog
    there.take()
    assert Rest(there.ledger.reader, "rest/", "local").pending() == 0


def _of(settings: Settings, vantage: str) -> Settings:
    return replace(settings, vantage=vantage)


async def test_a_vantage_of_another_name_brings_its_letters_under_that_name_too(
    tmp_path: Path,
) -> None:
    async with influx_double("uptimed_looks", LETTERS) as double:
        settings = settings_for(double.url, tmp_path)
        async with SqliteJournal(tmp_path / "uptimed.db") as journal:
            await journal.write(everything())

            def done() -> bool:
                with journal.reader() as reader:
                    return backlog(reader, influx_of(settings)) == 0

            for name in ("local", "local", "bogota"):
                async with following(_of(settings, name), journal):
                    await until(lambda: _letters_of(double, name) == 1)  # noqa: B023
                    await until(done)
        assert [_kinds_of(double, name) for name in ("local", "bogota")] == [
            {
                records.LAID, records.DAY, records.TERMS, records.CONTRACT, records.SEAL,
                records.LIFE, records.ALIVE, "uptimed_minute",
            }
            | more for more in ({records.BLIND}, set[str]())
        ]  # fmt: skip


def _letters_of(double: InfluxDouble, vantage: str) -> int:
    return sum(
        measurement == records.LAID and dict(tags)["vantage"] == vantage
        for measurement, tags, _ in double.points[LETTERS]
    )


def _kinds_of(double: InfluxDouble, vantage: str) -> set[str]:
    return {m for m, tags, _ in double.points[LETTERS] if dict(tags)["vantage"] == vantage}
