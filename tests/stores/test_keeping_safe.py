"""One daemon a journal, copies that can be trusted, and restores that are found out."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.stores.making import DAY, NOON, attempt, everything, letters, seal
from uptimed.core.minutes import Minute
from uptimed.ports import Batch, LostHead, StoreError
from uptimed.stores import heads
from uptimed.stores.sqlite import SqliteJournal, back_up, hold, open_ledger, open_reader

ALWAYS = (Minute(0), Minute(100_000_000))
NEXT_DAY = DAY + timedelta(days=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "uptimed.db"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[SqliteJournal]:
    async with SqliteJournal(path) as journal:
        yield journal


# One daemon.


def test_a_second_daemon_is_refused_and_told_who_has_the_journal(
    path: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with hold(path):
        for name in (path, link):
            refused = pytest.raises(StoreError, match=rf"in use by .*process {os.getpid()}\)")
            with refused, hold(name):
                pass
    with hold(link):
        pass


def test_a_killed_daemon_gives_the_journal_back(path: Path) -> None:
    holds = (
        "import sys, time; from pathlib import Path; from uptimed.stores.lock import hold\n"
        "with hold(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holds, path],
        cwd=Path(__file__).resolve().parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match=rf"process {daemon.pid}\)"), hold(path):
            pass
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
        with hold(path):
            pass


def test_a_lock_where_no_file_can_be_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"), hold(tmp_path / "none" / "uptimed.db"):
        pass


# Copies.


async def test_a_backup_taken_while_writing_is_a_whole_moment(
    journal: SqliteJournal, tmp_path: Path
) -> None:
    await journal.write(Batch(attempts=[attempt(NOON - 1 - n) for n in range(2000)]))
    backup = tmp_path / "backup.db"
    stop = asyncio.Event()
    seen: list[tuple[int, int]] = []

    async def write() -> int:
        n = 0
        while not stop.is_set():
            await journal.write(everything(NOON + n))
            n += 1
        return n

    async with asyncio.TaskGroup() as group:
        writing = group.create_task(write())
        await journal.back_up(backup, progress=lambda done, of: seen.append((done, of)))
        stop.set()
    assert writing.result() > 0
    assert seen
    assert seen[-1][0] == seen[-1][1]
    with open_reader(backup) as reader:
        assert reader.check() == []
        attempts = reader.attempts("acme-crm", NOON, ALWAYS[1])
        letters = reader.letters("acme-crm", NOON, Minute(NOON + len(attempts) + 9)).letters
        assert letters == "D" * len(attempts) + "N" * 9
    assert [name for name in names_in(tmp_path) if "backup" in name] == ["backup.db"]


async def test_a_backup_takes_no_other_files_place(journal: SqliteJournal, tmp_path: Path) -> None:
    other = tmp_path / "mine.txt"
    other.write_text("precious")
    with pytest.raises(StoreError, match=r"mine\.txt exists already"):
        await journal.back_up(other)
    with pytest.raises(StoreError, match="exists already"):
        await journal.back_up(journal.path)
    assert other.read_text() == "precious"


async def test_a_backup_that_fails_leaves_nothing(journal: SqliteJournal, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        await journal.back_up(tmp_path / "none" / "backup.db")

    def give_up(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    before = names_in(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        back_up(journal.path, tmp_path / "backup.db", progress=give_up)
    assert names_in(tmp_path) == before


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Restores.


def restore(backup: Path, path: Path) -> None:
    for beside in ("", "-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    shutil.copyfile(backup, path)


def test_a_restored_backup_shows_which_records_were_lost(path: Path, tmp_path: Path) -> None:
    with open_ledger(path) as ledger:
        assert ledger.lost == ()
        ledger.write(Batch(seals=[seal(DAY, sha="aa"), seal(DAY, "other", sha="oo")]))
        back_up(path, tmp_path / "backup.db")
        ledger.write(Batch(seals=[seal(NEXT_DAY, sha="bb")]))
    restore(tmp_path / "backup.db", path)
    lost = LostHead(service="acme-crm", day=NEXT_DAY, sha256="bb", kept=DAY)
    with open_ledger(path) as ledger:
        assert ledger.lost == (lost,)
        assert ledger.reader.last_seal("acme-crm") == seal(DAY, sha="aa")
    with open_ledger(path) as ledger:  # it is still so
        assert ledger.lost == (lost,)
        stand_in = seal(NEXT_DAY, record='{"lost_head":"bb"}', sha="cc")
        ledger.write(Batch(letters=letters("N" * 1440).letters, seals=[stand_in]))
    with open_ledger(path) as ledger:
        assert ledger.lost == ()
    assert heads.remembered(path)["acme-crm"] == (NEXT_DAY, "cc")


async def test_the_daemon_learns_that_its_journal_was_restored(path: Path, tmp_path: Path) -> None:
    async with SqliteJournal(path) as journal:
        assert journal.restored == ()
        await journal.write(everything())
        await journal.back_up(tmp_path / "backup.db")
        await journal.write(Batch(seals=[seal()]))
    restore(tmp_path / "backup.db", path)
    async with SqliteJournal(path) as journal:
        lost = LostHead(service="acme-crm", day=DAY, sha256="aa", kept=None)
        assert journal.restored == (lost,)
        with journal.reader() as reader:
            assert reader.heartbeat() == everything().heartbeat  # from where the gap begins


def test_a_journal_begun_anew_knows_that_there_was_one_before(path: Path) -> None:
    with open_ledger(path) as ledger:
        ledger.write(Batch(seals=[seal()]))
    path.unlink()
    with open_ledger(path) as ledger:
        assert ledger.lost == (LostHead(service="acme-crm", day=DAY, sha256="aa", kept=None),)


def test_a_journal_that_went_on_elsewhere_is_another_chain(path: Path, tmp_path: Path) -> None:
    with open_ledger(path) as ledger:
        back_up(path, tmp_path / "copy.db")
        ledger.write(Batch(seals=[seal(sha="aa")]))
    with open_ledger(tmp_path / "copy.db") as ledger:
        ledger.write(Batch(seals=[seal(sha="bb"), seal(NEXT_DAY, sha="cc")]))
    restore(tmp_path / "copy.db", path)
    with open_ledger(path) as ledger:
        assert ledger.lost == (LostHead(service="acme-crm", day=DAY, sha256="aa", kept=None),)


def test_a_repair_that_was_interrupted_before_the_sidecar_knew_is_no_fork(path: Path) -> None:
    with open_ledger(path) as ledger:
        ledger.write(Batch(seals=[seal(record='{"lost_head":"aa"}', sha="bb")]))
    heads.sidecar(path).write_text('{"acme-crm": {"day": "2026-10-03", "sha256": "aa"}}')
    with open_ledger(path) as ledger:
        assert ledger.lost == ()


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"acme-crm": 1}', '{"acme-crm": {}}'])
async def test_a_missing_or_broken_sidecar_is_made_again(path: Path, content: str | None) -> None:
    with open_ledger(path) as ledger:
        ledger.write(Batch(seals=[seal()]))
    if content is None:
        heads.sidecar(path).unlink()
    else:
        heads.sidecar(path).write_text(content)
    async with SqliteJournal(path) as journal:
        assert journal.restored == ()
    assert heads.remembered(path) == {"acme-crm": (DAY, "aa")}


def test_a_sidecar_that_cannot_be_written_undoes_no_seal(path: Path) -> None:
    with open_ledger(path) as ledger:
        aside = path.with_name(f"uptimed.db.head.{os.getpid()}.new")
        aside.mkdir()
        ledger.write(Batch(seals=[seal()]))
        assert heads.remembered(path) == {}
        aside.rmdir()
        ledger.write(everything(NOON + 1440))  # with the next transaction it is there
        assert heads.remembered(path) == {"acme-crm": (DAY, "aa")}
