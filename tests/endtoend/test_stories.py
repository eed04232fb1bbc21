"""What takes a real minute. All of it goes on at once, in threads, while other tests run.

Each story returns what it saw; the tests say what they wanted to see.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.daemons import (
    Target,
    command,
    config,
    letters,
    present,
    running,
    soon,
    until,
)
from uptimed.core.minutes import Minute, minute_of, moment_of_minute
from uptimed.stores.sqlite import open_reader

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

_LONG_S = 130.0  # a reload waits for the next minute, and what it brings looks within another


def _outage(folder: Path) -> Mapping[str, Any]:
    """A service is well and breaks, while its neighbour stays well."""
    with Target() as target, Target() as neighbour:
        broken, well = soon(4), soon(5, prefix="well")
        path = config(folder, {broken: target.url, well: neighbour.url})
        with running(path) as daemon:
            until(lambda: daemon.state(broken) == "up", "the first letter")
            first = present()
            target.stop()
            until(lambda: daemon.state(broken) == "system_down", "the outage", within_s=_LONG_S)
            until(lambda: "D" in letters(path, broken, first, Minute(first + 3)), "its record")
            shown = command("status", path=path)
            neighbours = daemon.state(well)
            downs = daemon.metric("uptimed_minutes_total")
            daemon.send(signal.SIGTERM)
            code = daemon.end()
        return {
            "letters": letters(path, broken, first, Minute(first + 3)).rstrip("N"),
            "status": shown, "well": neighbours, "code": code, "log": daemon.log,
            "down minutes": downs[f'{{client="acme",letter="D",service="{broken}"}}'],
            "report": command(
                "report", "--format", "json",
                "--month", f"{moment_of_minute(Minute(first - 300)):%Y-%m}", path=path,
            ),
        }  # fmt: skip


def _reload(folder: Path) -> Mapping[str, Any]:
    """A service goes and another comes, by a signal."""
    with Target() as target:
        stays, goes = soon(3), soon(4, prefix="goes")
        path = config(folder, {stays: target.url, goes: target.url})
        with running(path) as daemon:
            until(lambda: daemon.state(stays) and daemon.state(goes), "the first letters")
            start, before = present(), daemon.get("metrics")[1]
            comes = soon(5, prefix="comes")
            config(folder, {stays: target.url, comes: target.url})
            daemon.send(signal.SIGHUP)
            until(lambda: daemon.said("reloaded: 2 services"), "the reload", within_s=_LONG_S)
            until(lambda: daemon.state(comes) == "up", "the new service", within_s=_LONG_S)
            until(
                lambda: letters(path, stays, start, Minute(start + 6)).count("U") > 1,
                "its letters", within_s=_LONG_S,
            )  # fmt: skip
            until(lambda: goes not in daemon.get("metrics")[1], "the old one's end")
            page, ready = daemon.get("metrics")[1], daemon.get("readyz")
            health = daemon.get("healthz")
        return {
            "stays": stays, "goes": goes, "comes": comes, "before": before, "page": page,
            "ready": ready, "health": health, "log": daemon.log,
            "letters": letters(path, stays, start, Minute(start + 6)).rstrip("N"),
        }  # fmt: skip


class NoNamespaces(Exception):
    """Network namespaces cannot be made here."""


_MONITOR, _WORLD = f"uptimed{os.getpid()}m", f"uptimed{os.getpid()}w"
_PORTS = (8001, 8002, 8003)


@contextmanager
def _two_places() -> Iterator[Callable[[str], None]]:
    """Make two network namespaces and a cable between them; what is yielded sets it up or down.

    In the world there are three servers; the host's own network is not touched.
    """
    with ExitStack() as stack:

        def ip(*arguments: str) -> None:
            subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=20)

        try:
            for name in (_MONITOR, _WORLD):
                ip("netns", "add", name)
                stack.callback(ip, "netns", "delete", name)
                ip("-n", name, "link", "set", "lo", "up")
            ip("-n", _MONITOR, "link", "add", "out", "type", "veth",
               "peer", "name", "in", "netns", _WORLD)  # fmt: skip
            for name, cable, address in ((_MONITOR, "out", "10.0.0.2"), (_WORLD, "in", "10.0.0.1")):
                ip("-n", name, "address", "add", f"{address}/24", "dev", cable)
                ip("-n", name, "link", "set", cable, "up")
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoNamespaces(str(error)) from error
        for port in _PORTS:
            stack.enter_context(_server(port))
        yield lambda way: ip("-n", _WORLD, "link", "set", "in", way)


@contextmanager
def _server(port: int) -> Iterator[None]:
    command = ["ip", "netns", "exec", _WORLD, sys.executable, "-u", "-m", "http.server", str(port)]
    with (
        tempfile.TemporaryDirectory() as empty,
        subprocess.Popen(
            [*command, "--directory", empty], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process,
    ):
        assert process.stdout is not None
        process.stdout.readline()  # it serves now
        try:
            yield
        finally:
            process.kill()


def _record(path: Path, start: Minute, service: str) -> str:
    """Return the letters of a service from *start* to the present minute."""
    return letters(path, service, start, Minute(present() + 1))


def _looked(path: Path, service: str) -> Minute | None:
    """Return the minute of a service's first look, once it is on record."""
    start = present()
    with open_reader(path.with_name("uptimed.db")) as reader:
        found = reader.attempts(service, Minute(start - 5), Minute(start + 1))
    return minute_of(found[0].look) if found else None


def _cut_off(folder: Path) -> Mapping[str, Any]:
    """The monitor's own way out is cut while the targets stay well."""
    with _two_places() as cable:
        target, one, two = (f"http://10.0.0.1:{port}/" for port in _PORTS)
        before, during, after = soon(4), soon(8, prefix="cut"), soon(30, prefix="later")
        path = config(
            folder, dict.fromkeys((before, during, after), target), listen=None,
            extra=f'\n[self_check]\nreferences = ["{one}", "{two}"]\n',
        )  # fmt: skip
        into = ("ip", "netns", "exec", _MONITOR)
        with running(path, prefix=into) as daemon:
            start = present()
            record = partial(_record, path, start)
            until(lambda: "U" in record(before), "the first letter")
            cable("down")
            minute = present()
            until(lambda: daemon.said("references failed"), "the self-check", within_s=_LONG_S)
            looked = until(lambda: _looked(path, during), "a look", within_s=_LONG_S)
            seen = command("status", "--service", during, "--json", path=path)
            cable("up")
            until(lambda: "U" in record(after), "a letter", within_s=_LONG_S)
            last = present()
        span = Minute(minute - 1), Minute(last + 1)
        return {
            "seen": seen,
            "letters": {s: letters(path, s, *span) for s in (before, during, after)},
            "told": command(
                "explain", during, f"{moment_of_minute(looked):%Y-%m-%dT%H:%M}Z", path=path
            ).stdout.decode(),
            "report": command(
                "report", "--format", "json",
                "--month", f"{moment_of_minute(Minute(minute - 300)):%Y-%m}", path=path,
            ),
            "log": daemon.log,
        }  # fmt: skip


STORIES: Mapping[str, Callable[[Path], Mapping[str, Any]]] = {
    "outage": _outage, "reload": _reload, "cut": _cut_off,
}  # fmt: skip


def test_an_outage_is_seen_and_told_within_its_minute(
    stories: Mapping[str, Future[Mapping[str, Any]]],
) -> None:
    seen = stories["outage"].result()
    assert seen["letters"] == "UD"
    assert seen["down minutes"] == 1
    assert seen["status"].returncode == 1
    assert b"SYSTEM DOWN" in seen["status"].stdout
    assert b"refused" in seen["status"].stdout
    assert (seen["well"], seen["code"]) == ("up", 0)
    assert "Traceback" not in seen["log"]
    assert b'"class": "system_down"' in seen["report"].stdout


def test_a_reload_brings_services_and_takes_them(
    stories: Mapping[str, Future[Mapping[str, Any]]],
) -> None:
    seen = stories["reload"].result()
    assert f'service="{seen["goes"]}"' in seen["before"]
    assert f'service="{seen["goes"]}"' not in seen["page"]
    assert f'service="{seen["comes"]}"' in seen["page"]
    assert f'service="{seen["stays"]}"' in seen["page"]
    assert "uptimed_config_last_reload_successful 1.0" in seen["page"]
    assert "uptimed_bugs_total 0.0" in seen["page"]
    assert (seen["ready"][0], seen["health"][0]) == (200, 200)
    # What stays was looked at on and on; a machine that is held up may cost a minute.
    assert seen["letters"].count("U") > 1 and "D" not in seen["letters"]
    assert "Traceback" not in seen["log"]


def test_a_way_out_that_is_cut_is_nobodys_downtime(
    stories: Mapping[str, Future[Mapping[str, Any]]],
) -> None:
    try:
        seen = stories["cut"].result()
    except NoNamespaces as error:
        pytest.skip(f"network namespaces cannot be made here: {error}")
    every = "".join(seen["letters"].values())
    assert "D" not in every and "N" in every and "U" in every
    assert seen["seen"].returncode == 0
    [now] = json.loads(seen["seen"].stdout)["services"]
    assert (now["letter"], now["down"], now["down_minutes"]) == ("N", False, 0)
    assert "N (not measured)" in seen["told"]
    assert "[local_network]" in seen["told"]
    assert "the monitor: references failed" in seen["told"]
    assert b'"kind": "local_network"' in seen["report"].stdout
    assert b'"outages": []' in seen["report"].stdout
