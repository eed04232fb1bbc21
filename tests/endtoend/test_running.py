"""`uptimed run` as a process of its own, from its start to its end."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from time import monotonic
from zoneinfo import ZoneInfo

import pytest

from tests.endtoend.daemons import (
    Target,
    command,
    config,
    free_port,
    letters,
    present,
    running,
    soon,
    status,
    until,
)
from uptimed.config import load
from uptimed.core.minutes import Minute, moment_of_minute, start_of
from uptimed.core.observations import SECOND, Attempt, Cause, Instant, Outcome
from uptimed.core.strip import Strip
from uptimed.ports import Batch, LifeEvent
from uptimed.stores.sqlite import open_ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as found:
        yield found


def test_the_first_letters_appear_with_their_figures(tmp_path: Path, target: Target) -> None:
    well, ill = soon(), soon(3.5, prefix="pim")
    path = config(tmp_path, {well: target.url, ill: f"http://127.0.0.1:{free_port()}/"})
    with running(path) as daemon:
        until(lambda: daemon.state(well) == "up", "a letter")
        until(lambda: daemon.state(ill) == "system_down", "a letter")
        assert daemon.get("healthz")[0] == 200
        assert daemon.get("readyz") == (200, '{"ready": true}')
        labels = f'{{client="acme",probe="front",service="{well}",vantage="local"}}'
        assert daemon.metric("uptimed_probe_success")[labels] == 1
        # The month's figures are there from the start, not from the second minute on.
        assert daemon.metric("uptimed_month_target_ratio").keys() == {
            f'{{client="acme",service="{well}"}}', f'{{client="acme",service="{ill}"}}',
        }  # fmt: skip
        assert until(lambda: status(path, well)["letter"] == "U", "the record", within_s=5)
        shown = command("status", path=path)
        assert shown.returncode == 1
        assert b"SYSTEM DOWN" in shown.stdout and shown.stderr == b""
    assert "/" in target.asked


def test_readiness_is_told_only_once_looks_are_made(tmp_path: Path, target: Target) -> None:
    with running(config(tmp_path, {soon(): target.url})) as daemon:
        until(lambda: daemon.get("readyz")[0] == 200, "readiness", within_s=10)
        assert daemon.get("nonsense")[0] == 404
        assert "/metrics" in daemon.get("")[1]


def test_sigterm_ends_it_well_and_is_noted(tmp_path: Path, target: Target) -> None:
    path = config(tmp_path, {soon(): target.url})
    with running(path) as daemon:
        until(lambda: daemon.url() and daemon.get("readyz")[0] == 200, "readiness", within_s=10)
        began = monotonic()
        daemon.send(signal.SIGTERM)
        assert daemon.end() == 0
        assert monotonic() - began < 5
        assert daemon.messages[-1] == "stopped"
    assert _life(path)[-1] == "stopped"
    assert all(line["level"] == "info" for line in map(json.loads, daemon.lines))


def test_sigterm_waits_for_no_look_that_hangs(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        service = soon()
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        path = config(tmp_path, {service: url}, probe="attempts = 1")
        path.write_text(path.read_text().replace('timeout = "2s"', 'timeout = "30s"'))
        with running(path) as daemon:
            mute.settimeout(75)
            with closing(mute.accept()[0]):  # it looks, and nobody answers
                before, began = present(), monotonic()
                daemon.send(signal.SIGTERM)
                assert daemon.end() == 0
                assert monotonic() - began < 5
    # Half a look says nothing of the target.
    assert "D" not in letters(path, service, Minute(before - 1), Minute(before + 2))
    with closing(sqlite3.connect(tmp_path / "uptimed.db")) as journal:
        (detail,) = journal.execute("SELECT detail FROM attempt").fetchone()
    assert detail == "the monitor was stopped during the look"


def test_ctrl_c_ends_it_well_too(tmp_path: Path, target: Target) -> None:
    with running(config(tmp_path, {soon(): target.url})) as daemon:
        daemon.send(signal.SIGINT)
        assert daemon.end() == 0
        assert "Traceback" not in daemon.log


def _life(path: Path) -> list[str]:
    with closing(sqlite3.connect(path.with_name("uptimed.db"))) as journal:
        return [kind for (kind,) in journal.execute("SELECT kind FROM life ORDER BY id")]


# Reloading what is bad; a good one waits for the next full minute, see `test_stories`


def test_a_bad_configuration_changes_nothing_and_is_reported(
    tmp_path: Path, target: Target
) -> None:
    service = soon()
    path = config(tmp_path, {service: target.url})
    good = path.read_text()
    with running(path) as daemon:
        until(lambda: daemon.state(service) == "up", "a letter")
        for bad, said in (
            (good.replace("reach", "rich"), ('found "rich"', "role")),
            ("[[clients", (f"{path}: ", "wanted TOML")),
            (good.replace('"uptimed.db"', '"other.db"'), ("journal.path cannot change", "restart")),
        ):
            path.write_text(bad)
            daemon.send(signal.SIGHUP)
            until(partial(daemon.said, "stays as it was", *said), str(said))
            assert daemon.metric("uptimed_config_last_reload_successful") == {"": 0}
            code, health = daemon.get("healthz")
            assert code == 200  # it looks on
            assert "the last configuration was refused" in json.loads(health)["problems"][0]
        assert daemon.state(service) == "up"
        path.write_text(good)
        daemon.send(signal.SIGHUP)
        until(
            lambda: daemon.metric("uptimed_config_last_reload_successful") == {"": 1},
            "the good configuration",
        )
        assert json.loads(daemon.get("healthz")[1])["problems"] == []
        assert daemon.process.poll() is None


# Who may not start


def test_a_second_daemon_on_a_journal_is_refused(tmp_path: Path, target: Target) -> None:
    path = config(tmp_path, {soon(): target.url})
    with running(path) as daemon:
        second = command("run", path=path)
        assert second.returncode == 2
        said = second.stderr.decode()
        assert f"in use by another uptimed (process {daemon.process.pid})" in said
        assert "Traceback" not in said
        assert daemon.process.poll() is None


def test_a_lock_of_one_that_was_killed_is_free(tmp_path: Path, target: Target) -> None:
    path = config(tmp_path, {soon(): target.url})
    with running(path) as daemon:
        daemon.send(signal.SIGKILL)
        daemon.end()
    with running(path) as daemon:
        assert daemon.process.poll() is None


@pytest.mark.parametrize(
    ("journal", "said"),
    [
        pytest.param("no/such/folder/uptimed.db", "No such file or directory", id="no folder"),
        pytest.param("garbage.db", "it is not a journal, or its beginning is damaged", id="junk"),
        pytest.param("strange.db", "strange.db", id="another program's file"),
        pytest.param("damaged.db", "it is damaged", id="damaged"),
        pytest.param("folder.db", "folder.db", id="a folder"),
    ],
)
def test_a_journal_that_cannot_be_opened_is_told_of_in_a_line(
    tmp_path: Path, target: Target, journal: str, said: str
) -> None:
    _spoil(tmp_path)
    path = config(tmp_path, {soon(): target.url}, journal=journal)
    result = command("run", path=path)
    stderr = result.stderr.decode()
    assert result.returncode == 2, stderr
    assert stderr.startswith("journal: ") and said in stderr
    assert "Traceback" not in stderr and len(stderr.splitlines()) == 1


def _spoil(folder: Path) -> None:
    (folder / "folder.db").mkdir()
    (folder / "garbage.db").write_bytes(b"this is not SQLite\n" * 500)
    with closing(sqlite3.connect(folder / "strange.db")) as other, other:
        other.execute("CREATE TABLE theirs (x)")
    with open_ledger(folder / "damaged.db") as ledger:
        ledger.write(Batch(heartbeat=start_of(present())))
    with (folder / "damaged.db").open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(3 * 4096))


@pytest.mark.parametrize("way", ["mode", "mount"])
def test_a_journal_that_may_not_be_written_is_told_of(
    tmp_path: Path, target: Target, way: str
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    path = config(tmp_path, {soon(): target.url}, journal="disk/uptimed.db")
    if way == "mode" and os.getuid() == 0:
        pytest.skip("root may write everywhere")
    if way == "mount":
        _need_mounts()
        _run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder))
    try:
        with open_ledger(folder / "uptimed.db"):
            pass
        if way == "mount":
            _run("mount", "-o", "remount,ro", str(folder))
        else:
            (folder / "uptimed.db").chmod(0o440)
            folder.chmod(0o550)
        result = command("run", path=path)
    finally:
        if way == "mount":
            _run("umount", str(folder))
        else:
            folder.chmod(0o750)
    stderr = result.stderr.decode()
    assert result.returncode == 2
    assert stderr.startswith("journal: ") and "Traceback" not in stderr
    assert "Read-only file system" in stderr or "may not be written" in stderr


def test_a_port_that_is_taken_is_told_of(tmp_path: Path, target: Target) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        result = command("run", path=config(tmp_path, {soon(): target.url}, listen=listen))
    stderr = result.stderr.decode()
    assert result.returncode == 2
    assert stderr.startswith(f"listen.metrics: {listen}: Address already in use; ")
    assert "Traceback" not in stderr and len(stderr.splitlines()) == 1


# What others hear


def test_systemd_hears_how_it_is(tmp_path: Path, target: Target) -> None:
    path = config(tmp_path, {soon(): target.url})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(20)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000000"}
        with running(path, environment=environment) as daemon:
            heard = [ear.recv(200).decode() for _ in range(3)]
            assert heard[0] == "READY=1" and "WATCHDOG=1" in heard
            daemon.send(signal.SIGHUP)
            while not heard[-1].startswith("RELOADING=1\nMONOTONIC_USEC="):
                heard.append(ear.recv(200).decode())
            asked = int(heard.pop().rpartition("=")[2])
            assert 0 <= time.monotonic_ns() // 1000 - asked < 60_000_000
            heard.append("RELOADING=1")
            while heard[-1] != "READY=1":
                heard.append(ear.recv(200).decode())
            daemon.send(signal.SIGTERM)
            while heard[-1] != "STOPPING=1":
                heard.append(ear.recv(200).decode())
            assert daemon.end() == 0
    assert set(heard) == {"READY=1", "WATCHDOG=1", "RELOADING=1", "STOPPING=1"}


def test_the_dead_mans_switch_hears_from_it_and_its_secret_is_not_told(
    tmp_path: Path, target: Target
) -> None:
    with Target() as switch:
        url = f"{switch.url}s3cret-path"
        path = config(
            tmp_path, {soon(): target.url}, extra='\n[heartbeat]\nurl = { env = "SWITCH_URL" }\n'
        )
        with running(path, environment={"SWITCH_URL": url}) as daemon:
            until(lambda: "/s3cret-path" in switch.asked, "a ping", within_s=20)
            daemon.send(signal.SIGTERM)
            assert daemon.end() == 0
        assert "s3cret-path" not in daemon.log


@pytest.mark.parametrize("url", ['{ env = "NO_SUCH_SWITCH" }', '"http://127.0.0.1:9/s3cret"'])
def test_a_dead_mans_switch_that_is_dead_itself_is_no_bug(
    tmp_path: Path, target: Target, url: str
) -> None:
    path = config(tmp_path, {soon(): target.url}, extra=f"\n[heartbeat]\nurl = {url}\n")
    with running(path) as daemon:
        until(lambda: daemon.said("the dead man's switch does not answer"), "a warning")
        assert daemon.metric("uptimed_bugs_total") == {"": 0}
        assert "s3cret" not in daemon.log and "Traceback" not in daemon.log


# What was before


def _terms(path: Path, service: str) -> str:
    return load(path).settings.service(service).watch.digest()


def _lived(path: Path, service: str, drawn: str, until_minute: Minute) -> None:
    """Write a past that ends before *until_minute*: looks, letters, a life that was cut short."""
    start = Minute(until_minute - len(drawn))
    attempts = [
        Attempt(
            service=service, probe="front", vantage="local", at=at, look=at,
            outcome=Outcome.PASS if letter == "U" else Outcome.FAIL,
            cause="" if letter == "U" else Cause.REFUSED, detail="made for a test",
        )
        for minute, letter in enumerate(drawn, start)
        for at in [Instant(start_of(Minute(minute)) + SECOND)]
    ]  # fmt: skip
    born = LifeEvent(at=start_of(start), kind="started", vantage="local")
    with open_ledger(path.with_name("uptimed.db")) as ledger:
        ledger.write(
            Batch(
                attempts=attempts,
                letters=[(service, Strip(start, drawn), _terms(path, service))],
                life=[born],
                heartbeat=Instant(start_of(until_minute) - 30 * SECOND),
            )
        )


def test_after_a_kill_only_the_minutes_between_are_not_measured(
    tmp_path: Path, target: Target
) -> None:
    service = soon(4)
    path = config(tmp_path, {service: target.url})
    killed = Minute(present() - 3)
    _lived(path, service, "U" * 10, killed)
    with running(path) as daemon:
        until(lambda: daemon.state(service) == "up", "a letter")
        until(lambda: status(path, service)["letter"] == "U", "the record", within_s=5)
        now = present()
    found = letters(path, service, Minute(killed - 10), Minute(now + 1)).rstrip("N")
    assert found.startswith("U" * 10) and found.endswith("U")
    assert set(found[10:-1]) == {"N"} and len(found[10:-1]) in {2, 3, 4}
    at = f"{moment_of_minute(killed):%Y-%m-%dT%H:%M}Z"
    told = command("explain", service, at, path=path).stdout.decode()
    assert "N (not measured)" in told
    assert "the monitor: gap. killed, or the host went down, after" in told


def test_killed_and_started_within_a_minute_nothing_is_lost(tmp_path: Path, target: Target) -> None:
    first, second = soon(3), soon(8, prefix="late")
    path = config(tmp_path, {first: target.url, second: target.url})
    with running(path) as daemon:
        until(lambda: daemon.state(first) == "up", "a letter")
        until(lambda: status(path, first)["letter"] == "U", "the record", within_s=5)
        looked = present()
        daemon.send(signal.SIGKILL)
        assert daemon.end() == -signal.SIGKILL
    with running(path) as daemon:
        until(lambda: daemon.state(second) == "up", "a letter")
    assert letters(path, first, looked, Minute(looked + 1)) == "U"
    assert command("replay", "--month", _month(), path=path).returncode == 0


def _month() -> str:
    """Return the present month in the client's zone: the looks of a test may lie in either."""
    return f"{moment_of_minute(present()).astimezone(ZoneInfo('America/Bogota')):%Y-%m}"


def test_an_outage_that_began_before_a_restart_is_told_at_its_second_minute(
    tmp_path: Path, target: Target
) -> None:
    service = soon(3)
    path = config(tmp_path, {service: target.url})
    _lived(path, service, "UUUUUD", present())
    target.answer = (500, b"broken")
    with running(path) as daemon:
        until(lambda: daemon.said(f"{service} down: refused: made for a test"), "the outage")
        assert daemon.state(service) == "system_down"
        until(lambda: status(path, service)["outage"], "the outage", within_s=5)
    shown = command("status", path=path)
    assert shown.returncode == 1
    assert b" 2 minutes; front: made for a test" in shown.stdout


def test_an_outage_is_over_at_its_second_minute_up(tmp_path: Path, target: Target) -> None:
    service = soon(3)
    path = config(tmp_path, {service: target.url})
    _lived(path, service, "UUUUDDDU", present())
    with running(path) as daemon:
        until(lambda: daemon.said(f"{service} up: "), "the recovery")
        until(lambda: status(path, service)["letter"] == "U", "the record", within_s=5)
        assert status(path, service)["outage"] is None
    assert command("status", path=path).returncode == 0


# A full disk


def _run(*arguments: str) -> None:
    subprocess.run(arguments, check=True, capture_output=True, timeout=20)


def _need_mounts() -> None:
    """Skip where nothing can be mounted."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a small disk")
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder],
            capture_output=True, timeout=20, check=False,
        )  # fmt: skip
        if tried.returncode:
            pytest.skip("nothing can be mounted here")
        _run("umount", folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    _need_mounts()
    folder = tmp_path / "disk"
    folder.mkdir()
    _run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder))
    yield folder
    _run("umount", "--lazy", str(folder))


def _fill(folder: Path) -> Path:
    """Take all the room there is; return what takes it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    return filler


def test_a_full_disk_is_said_and_survived(tmp_path: Path, target: Target, small_disk: Path) -> None:
    services = [soon(3 + 3 * n, prefix=f"s{n}") for n in range(4)]
    path = config(tmp_path, dict.fromkeys(services, target.url), journal="disk/uptimed.db")
    with running(path) as daemon:
        until(lambda: daemon.state(services[0]) == "up", "a letter")
        assert daemon.metric("uptimed_store_up") == {"": 1}
        filler = _fill(small_disk)
        until(lambda: daemon.metric("uptimed_store_up") == {"": 0}, "trouble", within_s=40)
        looked = present()
        code, health = daemon.get("healthz")
        assert code == 503
        assert "the disk (or the quota) is full" in json.loads(health)["problems"][0]
        assert daemon.get("readyz")[0] == 200
        assert daemon.metric("uptimed_healthy") == {"": 0}
        # It looks on, and what it sees is shown.
        until(lambda: daemon.state(services[3]) == "up", "a letter")
        assert daemon.metric("uptimed_store_backlog_attempts")[""] >= 1
        assert daemon.said("the journal cannot be written", "is full")
        assert command("status", path=path).returncode == 0  # reading goes on
        filler.unlink()
        until(lambda: daemon.metric("uptimed_store_up") == {"": 1}, "recovery", within_s=40)
        assert daemon.get("healthz")[0] == 200
        assert daemon.metric("uptimed_store_lost_attempts_total") == {"": 0}
        assert daemon.said("the journal can be written again: nothing was lost")
        assert daemon.metric("uptimed_bugs_total") == {"": 0}
        until(lambda: status(path, services[3])["letter"] == "U", "the record", within_s=20)
        daemon.send(signal.SIGTERM)
        assert daemon.end() == 0
    start = Minute(looked - 2)
    for service in services:
        assert "U" in letters(path, service, start, Minute(start + 4))
        assert "D" not in letters(path, service, start, Minute(start + 4))


def test_a_disk_that_is_full_at_the_start_is_told_of(
    tmp_path: Path, target: Target, small_disk: Path
) -> None:
    path = config(tmp_path, {soon(): target.url}, journal="disk/uptimed.db")
    _fill(small_disk)
    result = command("run", path=path)
    stderr = result.stderr.decode()
    assert result.returncode == 2
    assert stderr.startswith("journal: ") and "Traceback" not in stderr
    assert "full" in stderr or "No space left" in stderr


def test_it_ends_in_time_with_a_full_disk(tmp_path: Path, target: Target, small_disk: Path) -> None:
    service = soon()
    path = config(tmp_path, {service: target.url}, journal="disk/uptimed.db")
    with running(path) as daemon:
        _fill(small_disk)
        until(lambda: daemon.state(service) == "up", "a letter")
        began = monotonic()
        daemon.send(signal.SIGTERM)
        assert daemon.end() == 0
        assert monotonic() - began < 5
        assert daemon.said("could not be kept") or daemon.said("cannot be written")
