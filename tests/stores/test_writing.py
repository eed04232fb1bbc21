"""The daemon's journal: many tasks, one writer, and a disk that cannot be trusted."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.stores.making import (
    DAY,
    NOON,
    FailingDisk,
    attempt,
    count,
    everything,
    letters,
    seal,
)
from uptimed.core.minutes import Minute
from uptimed.core.observations import Instant
from uptimed.ports import AttemptConflict, Batch, SealedDay, StoreError
from uptimed.stores.sqlite import SqliteJournal, open_ledger, open_reader

ALWAYS = (Minute(0), Minute(100_000_000))


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    async with SqliteJournal(tmp_path / "uptimed.db", busy_s=0.1) as journal:
        yield journal


@pytest.fixture
def failing_disk() -> Iterator[type[FailingDisk]]:
    yield FailingDisk
    FailingDisk.fail_at(None)


async def test_what_was_written_is_seen_by_a_reader_at_once(journal: SqliteJournal) -> None:
    await journal.write(everything())
    with journal.reader() as reader:
        assert reader.attempts("acme-crm", *ALWAYS) == list(everything().attempts)
    assert journal.healthy


async def test_writes_that_wait_together_are_kept_in_the_order_of_asking(
    journal: SqliteJournal,
) -> None:
    many = [Batch(attempts=[attempt(NOON + n)], heartbeat=Instant(n)) for n in range(300)]
    await asyncio.gather(*(journal.write(batch) for batch in many))
    with journal.reader() as reader:
        written = [one for _, one in reader.attempts_after(0, 1000)]
        assert reader.heartbeat() == 299
    assert written == [batch.attempts[0] for batch in many]


async def test_a_batch_that_cannot_be_kept_fails_alone(journal: SqliteJournal) -> None:
    await journal.write(Batch(attempts=[attempt()], seals=[seal()]))
    results = await asyncio.gather(
        journal.write(letters("U", NOON + 1440)),
        journal.write(Batch(heartbeat=Instant(1), attempts=[attempt(took_us=1)])),
        journal.write(letters("U", NOON)),
        journal.write(letters("?", NOON + 1440)),
        journal.write(Batch(heartbeat=Instant("soon"))),  # type: ignore[arg-type]
        journal.write(Batch(attempts=[attempt(NOON + 1441, service="new")])),
        return_exceptions=True,
    )
    kinds = [type(result) for result in results]
    assert kinds == [
        type(None), AttemptConflict, SealedDay, ValueError, type(None), type(None),
    ]  # fmt: skip
    with journal.reader() as reader:
        assert reader.letters("acme-crm", Minute(NOON + 1440), Minute(NOON + 1441)).letters == "U"
        assert reader.attempts("new", *ALWAYS) == [attempt(NOON + 1441, service="new")]
    assert journal.healthy


async def test_names_of_a_batch_that_failed_are_given_anew(journal: SqliteJournal) -> None:
    await journal.write(Batch(attempts=[attempt()]))
    results = await asyncio.gather(
        journal.write(Batch(attempts=[attempt(service="one"), attempt(took_us=1)])),
        journal.write(Batch(attempts=[attempt(service="two")])),
        journal.write(Batch(attempts=[attempt(service="one")])),
        return_exceptions=True,
    )
    assert isinstance(results[0], AttemptConflict)
    assert list(results[1:]) == [None, None]
    with journal.reader() as reader:
        for service in ("one", "two"):
            assert reader.attempts(service, *ALWAYS) == [attempt(service=service)]


async def test_who_stops_waiting_does_not_stop_the_writing(journal: SqliteJournal) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(journal.write(Batch(heartbeat=Instant(n)))) for n in range(9)]
        await asyncio.tasks.sleep(0)
        for task in tasks:
            task.cancel()
    await journal.close()
    with journal.reader() as reader:
        assert reader.heartbeat() == 8


async def test_a_closed_journal_says_so(journal: SqliteJournal) -> None:
    await journal.close()
    await journal.close()
    with pytest.raises(StoreError, match="was closed"):
        await journal.write(everything())


async def test_the_file_tells_the_truth_whichever_statement_fails(
    tmp_path: Path, failing_disk: type[FailingDisk]
) -> None:
    """Fail the n-th statement for n = 1, 2, 3 ... until none is left to fail."""
    failing_disk.fail_at(None)
    path = tmp_path / "uptimed.db"
    async with SqliteJournal(path, factory=failing_disk) as journal:
        kept = failed = 0
        spared = False
        for n in range(1000):
            failing_disk.fail_at(n)
            one, two = everything(NOON + 2 * n), everything(NOON + 2 * n + 1)
            results = await asyncio.gather(
                journal.write(one), journal.write(two), return_exceptions=True
            )
            spared = failing_disk.left is not None and failing_disk.left > 0
            failing_disk.fail_at(None)
            failed += sum(isinstance(result, StoreError) for result in results)
            kept += sum(result is None for result in results)
            with journal.reader() as reader:
                seen = reader.letters("acme-crm", NOON, Minute(NOON + 2 * n + 2)).letters
                attempts = reader.attempts("acme-crm", *ALWAYS)
                assert seen.count("D") == kept
                assert len(attempts) == kept
                assert kept == 0 or reader.heartbeat() == attempts[-1].at
                assert reader.check() == []
            assert count(path, "evidence") == kept
            if spared:
                break
        assert failed > 40  # every statement of a transaction, and of opening again
        assert spared


async def test_a_seal_is_kept_or_not_whichever_statement_fails(
    tmp_path: Path, failing_disk: type[FailingDisk]
) -> None:
    failing_disk.fail_at(None)
    async with SqliteJournal(tmp_path / "uptimed.db", factory=failing_disk) as journal:
        for n in range(1000):
            failing_disk.fail_at(n)
            batch = Batch(letters=letters("U").letters, seals=[seal()])
            (result,) = await asyncio.gather(journal.write(batch), return_exceptions=True)
            failing_disk.fail_at(None)
            with journal.reader() as reader:
                assert (reader.last_seal("acme-crm") is None) == (result is not None)
                assert bool(reader.days("acme-crm", DAY, DAY)) == (result is None)
            if result is None:
                break
        assert n > 10


async def test_a_full_disk_is_told_of_and_writing_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    class SmallDisk(sqlite3.Connection):
        def execute(self, *given: object) -> sqlite3.Cursor:  # type: ignore[explicit-override]
            if given[0] == "BEGIN IMMEDIATE":
                super().execute(f"PRAGMA max_page_count = {limit}")
            return super().execute(*given)  # type: ignore[arg-type]

    limit = 40
    big = [attempt(NOON + n, detail="x" * 3000) for n in range(1, 101)]
    async with SqliteJournal(tmp_path / "uptimed.db", factory=SmallDisk) as journal:
        await journal.write(everything())
        with pytest.raises(StoreError, match=r"disk .* is full; free some space"):
            await journal.write(Batch(attempts=big, heartbeat=Instant(1)))
        assert not journal.healthy
        assert "is full" in str(journal.last_error)
        with journal.reader() as reader:
            assert reader.attempts("acme-crm", *ALWAYS) == list(everything().attempts)
            assert reader.heartbeat() != 1
        limit = 10_000
        await journal.write(Batch(attempts=big))
        assert journal.healthy


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
async def test_a_disk_that_is_really_full_is_told_of(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=600k") as disk:
        async with SqliteJournal(disk / "uptimed.db") as journal:
            await journal.write(everything())
            ballast = disk / "ballast"
            with pytest.raises(OSError, match="No space"):
                ballast.write_bytes(bytes(10**6))
            with pytest.raises(StoreError, match=r"full|disk failed"):
                await journal.write(Batch(attempts=[attempt(NOON + 1, detail="x" * 10**5)]))
            ballast.unlink()
            await journal.write(Batch(attempts=[attempt(NOON + 1, detail="x" * 1000)]))
            with journal.reader() as reader:
                assert len(reader.attempts("acme-crm", *ALWAYS)) == 2
                assert reader.check() == []


async def test_a_journal_locked_by_another_process_is_waited_for_but_not_for_ever(
    journal: SqliteJournal,
) -> None:
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process is writing to it"):
            await journal.write(everything())
        other.execute("ROLLBACK")
    await journal.write(everything())


async def test_a_job_that_fails_is_told_of_and_the_next_one_is_done(
    journal: SqliteJournal,
) -> None:
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process is writing to it"):
            await journal.allow_following()
        assert not journal.healthy
    await asyncio.gather(
        journal.write(everything()), journal.allow_following(), journal.write(everything(NOON + 1))
    )
    assert journal.healthy


async def test_a_snapshot_is_one_moment_whatever_is_written_meanwhile(
    journal: SqliteJournal,
) -> None:
    await journal.write(everything())
    with journal.reader() as reader:
        with reader.snapshot():
            before = reader.seq()
            await journal.write(everything(NOON + 1))
            assert reader.seq() == before
            assert len(reader.attempts("acme-crm", *ALWAYS)) == 1
        assert len(reader.attempts("acme-crm", *ALWAYS)) == 2


async def test_others_may_write_beside_the_daemon(journal: SqliteJournal) -> None:
    await journal.write(Batch(attempts=[attempt()]))
    with open_ledger(journal.path) as ledger:
        ledger.write(Batch(attempts=[attempt(NOON + 1, service="imported", probe="other")]))
    await journal.write(Batch(attempts=[attempt(NOON + 2, service="imported", probe="other")]))
    with journal.reader() as reader:
        assert len(reader.attempts("imported", *ALWAYS)) == 2
        assert [seq for seq, _ in reader.attempts_after(0, 9)] == [1, 2, 3]


async def test_a_deleted_journal_is_told_of_and_goes_on_when_it_is_put_back(
    journal: SqliteJournal, tmp_path: Path
) -> None:
    await journal.write(everything())
    aside = tmp_path / "aside.db"
    journal.path.rename(aside)
    for _ in range(2):
        with pytest.raises(StoreError, match="was deleted or moved away while in use"):
            await journal.write(everything(NOON + 1))
    assert not journal.path.exists()
    aside.rename(journal.path)
    await journal.write(everything(NOON + 1))
    with journal.reader() as reader:
        assert len(reader.attempts("acme-crm", *ALWAYS)) == 2


async def test_an_older_or_another_journal_in_its_place_is_not_written(
    journal: SqliteJournal, tmp_path: Path
) -> None:
    await journal.write(everything())
    await journal.back_up(tmp_path / "older.db")
    await journal.write(everything(NOON + 1))
    open_ledger(tmp_path / "another.db").close()
    for name in ("older.db", "another.db"):
        for beside in ("", "-wal", "-shm"):
            journal.path.with_name(f"uptimed.db{beside}").unlink(missing_ok=True)
        (tmp_path / name).rename(journal.path)
        before = journal.path.read_bytes()
        with pytest.raises(StoreError, match="was replaced by another or an older journal"):
            await journal.write(everything(NOON + 2))
        assert journal.path.read_bytes()[100:] == before[100:]
    assert not journal.healthy


def test_a_damaged_file_is_told_of_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "uptimed.db"
    with open_ledger(path) as ledger:
        ledger.write(Batch(attempts=[attempt(NOON + n) for n in range(5000)]))
    whole = path.read_bytes()
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match="its beginning is damaged; move it aside and restore"):
        open_ledger(path)
    with pytest.raises(StoreError, match="its beginning is damaged"):
        open_reader(path)
    path.write_bytes(whole[: 4096 * 60] + b"\1" * 4096 * 10 + whole[4096 * 70 :])
    with open_reader(path) as reader:
        assert any("damaged" in line or "page" in line.lower() for line in reader.check())
        with pytest.raises(StoreError, match="it is damaged; move it aside and restore"):
            reader.attempts("acme-crm", *ALWAYS)


async def test_a_damaged_file_does_not_end_the_writer(journal: SqliteJournal) -> None:
    await journal.write(everything())
    await journal.back_up(journal.path.with_name("backup.db"))
    with closing(sqlite3.connect(journal.path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = journal.path.read_bytes()
    with journal.path.open("r+b") as file:
        file.write(b"damaged" * 4096)
    for _ in range(2):
        with pytest.raises(StoreError, match="damaged"):
            await journal.write(everything(NOON + 1))
    with journal.path.open("r+b") as file:
        file.write(whole)
        file.truncate()
    await journal.write(everything(NOON + 1))


async def test_a_log_that_somebody_cleared_away_takes_nothing_with_it(
    journal: SqliteJournal,
) -> None:
    """What is written to a deleted `-wal` would be gone with the process."""
    await journal.write(everything())
    with journal.reader() as reader:  # so that the writer is not the last to close
        assert len(reader.attempts("acme-crm", *ALWAYS)) == 1
        for beside in ("-wal", "-shm"):
            journal.path.with_name(f"uptimed.db{beside}").unlink()
        await journal.write(everything(NOON + 1))
    with closing(sqlite3.connect(journal.path)) as other:
        assert other.execute("SELECT count(*) FROM attempt").fetchone() == (2,)


def test_a_journal_where_there_is_none_and_none_can_be_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"none/uptimed\.db: No such file or directory"):
        open_ledger(tmp_path / "none" / "uptimed.db")
    with pytest.raises(StoreError, match="there is no journal"):
        open_reader(tmp_path / "uptimed.db")
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="is empty"):
        open_reader(tmp_path / "empty.db")
    with pytest.raises(StoreError, match=r"cannot be opened|Is a directory|disk failed"):
        open_ledger(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_read_only_file_system_can_be_read_and_says_that_it_cannot_be_written(
    tmp_path: Path,
) -> None:
    with mounted(tmp_path / "disk", "size=10m") as disk:
        path = disk / "uptimed.db"
        with open_ledger(path) as ledger:
            ledger.write(everything())
        remount(disk, "ro")
        with open_reader(path) as reader:
            assert reader.attempts("acme-crm", *ALWAYS) == list(everything().attempts)
        with pytest.raises(StoreError, match="whether the file system is mounted read-only"):
            open_ledger(path)
        remount(disk, "rw")
        with open_ledger(path) as ledger:
            ledger.write(everything(NOON + 1))
            unmerged = path.with_name("uptimed.db-wal").read_bytes()
        path.with_name("uptimed.db-wal").write_bytes(unmerged)
        remount(disk, "ro")
        with pytest.raises(StoreError, match=r"uptimed\.db-wal beside it holds what was written"):
            open_reader(path)


@contextmanager
def mounted(disk: Path, options: str) -> Iterator[Path]:
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


def remount(disk: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", disk], check=True)


_WRITES_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from tests.stores.making import NOON, everything
from uptimed.stores.sqlite import SqliteJournal

async def main():
    async with SqliteJournal(Path(sys.argv[1])) as journal:
        for n in range(10**9):
            await journal.write(everything(NOON + n))
            print(n, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [0, 1, 7, 60])
def test_a_killed_daemon_loses_nothing_that_it_was_told_is_kept(tmp_path: Path, after: int) -> None:
    path = tmp_path / "uptimed.db"
    with subprocess.Popen(
        [sys.executable, "-c", _WRITES_FOR_EVER, path],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        for _ in range(after + 1):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        told = after + len(writer.stdout.read().splitlines())
    with open_reader(path) as reader:
        assert reader.check() == []
        attempts = reader.attempts("acme-crm", *ALWAYS)
        assert told + 1 <= len(attempts) <= told + 2  # one may have been under way
        seen = reader.letters("acme-crm", NOON, Minute(NOON + len(attempts))).letters
        assert seen == "D" * len(attempts)
        assert reader.heartbeat() == attempts[-1].at
    with open_ledger(path) as ledger:
        ledger.write(everything(NOON + len(attempts)))


async def test_pruning_goes_on_beside_writing(journal: SqliteJournal) -> None:
    await journal.write(Batch(attempts=[attempt(), attempt(NOON + 1440)], seals=[seal()]))
    seen: list[tuple[int, int]] = []
    deleted, _ = await asyncio.gather(
        journal.prune(Minute(NOON + 2000), progress=lambda done, of: seen.append((done, of))),
        journal.write(everything(NOON + 1441)),
    )
    assert deleted == 1
    assert seen == [(1, 1)]


async def test_a_fingerprint_tells_secrets_apart_and_outlives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "uptimed.db"
    async with SqliteJournal(path) as journal:
        first = journal.fingerprint("hunter2")
        assert first != journal.fingerprint("hunter3")
        assert len(first) == 16
    async with SqliteJournal(path) as journal:
        assert journal.fingerprint("hunter2") == first
    async with SqliteJournal(tmp_path / "other.db") as journal:
        assert journal.fingerprint("hunter2") != first
