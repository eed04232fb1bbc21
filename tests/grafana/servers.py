"""Real servers on loopback: a monitor's pages, Prometheus, Alertmanager, and whom they call.

Each has a port of its own, keeps what it keeps in a folder of the test's, and is ended by the test.
"""

import asyncio
import json
import shutil
import socket
import subprocess
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from tests.endtoend.daemons import until
from uptimed.core.snapshot import Snapshot
from uptimed.metrics import page
from uptimed.web import serving

ROOT = Path(__file__).parents[2] / "grafana"

Answer = dict[str, Any]  # JSON of a server that is not ours


def _found(*names: str) -> str:
    return next((path for path in map(shutil.which, names) if path), "")


PROMETHEUS = _found("prometheus")
PROMTOOL = _found("promtool")
ALERTMANAGER = _found("prometheus-alertmanager", "alertmanager")
AMTOOL = _found("amtool")

_WHY = "not installed: {} (Debian: apt-get install prometheus prometheus-alertmanager)"


def needs(**programs: str) -> pytest.MarkDecorator:
    """Return the mark of a test that is skipped where one of *programs* is not to be had."""
    missing = [name for name, path in programs.items() if not path]
    return pytest.mark.skipif(bool(missing), reason=_WHY.format(", ".join(missing)))


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def call(*command: str) -> str:
    """Run a command that must succeed; return what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Monitor:
    """Serves the metrics of the snapshot of the moment, as the daemon does, while it is entered."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self.snapshot, self.port = snapshot, free_port()

    @contextmanager
    def up(self) -> Iterator[None]:
        """Answer until the end of the block."""
        loop, ended, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

        async def serve() -> None:
            async with serving("127.0.0.1", self.port, self.snapshot, page, ready=lambda: True):
                ready.set()
                await ended.wait()

        thread = threading.Thread(target=lambda: _run(loop, serve))
        thread.start()
        try:
            assert ready.wait(10)
            yield
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join()


def _run(loop: asyncio.AbstractEventLoop, serve: Callable[[], Any]) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(serve())


@contextmanager
def process(command: Sequence[str], log: Path, ready: str) -> Iterator[None]:
    """Run a server until the end of the block; *ready* is the page that tells when it answers."""
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as server:
        try:
            until(lambda: server.poll() is not None or _answers(ready), log.name, within_s=20)
            assert server.poll() is None, log.read_text()
            yield
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except OSError:
        return False


class Prometheus:
    """A Prometheus that runs."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/"

    def ask(self, page: str, **query: str) -> Any:
        """Return the data of a page of the API; what Prometheus refuses fails."""
        url = f"{self.url}api/v1/{page}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - loopback
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                pytest.fail(f"{query}: {error.read().decode()}")

    def query(self, expr: str) -> list[Answer]:
        """Return the samples of *expr* now."""
        found = self.ask("query", query=expr)["result"]
        assert isinstance(found, list)
        return found

    def rules(self) -> list[Answer]:
        """Return all rules, as Prometheus has read and run them."""
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]


@contextmanager
def prometheus(folder: Path, config: str) -> Iterator[Prometheus]:
    """Run Prometheus with *config* and our rules."""
    folder.mkdir()
    shutil.copytree(ROOT / "prometheus" / "rules", folder / "rules")
    alerts = with_changes(folder / "rules" / "alerts.yml", {"interval: 1m": "interval: 1s"})
    (folder / "rules" / "alerts.yml").write_text(alerts, encoding="utf-8")
    path, port = folder / "prometheus.yml", free_port()
    path.write_text(config, encoding="utf-8")
    command = (
        PROMETHEUS, f"--config.file={path}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
    )  # fmt: skip
    found = Prometheus(port)
    with process(command, folder / "prometheus.log", f"{found.url}-/ready"):
        yield found


@contextmanager
def alertmanager(folder: Path, config: str) -> Iterator[int]:
    """Run Alertmanager with *config*; yield its port."""
    folder.mkdir()
    path, port = folder / "alertmanager.yml", free_port()
    path.write_text(config, encoding="utf-8")
    command = (
        ALERTMANAGER, f"--config.file={path}", f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=warn",
    )  # fmt: skip
    with process(command, folder / "alertmanager.log", f"http://127.0.0.1:{port}/-/ready"):
        yield port


class _Told(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, _Called)
        self.server.heard.append((self.path, json.loads(body)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Called(ThreadingHTTPServer):
    daemon_threads = True
    heard: list[tuple[str, Answer]]


@contextmanager
def webhook() -> Iterator[tuple[int, list[tuple[str, Answer]]]]:
    """Yield the port of one who is called, and what was said there: path and message."""
    with _Called(("127.0.0.1", 0), _Told) as server:
        server.heard = []
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1], server.heard
        finally:
            server.shutdown()
            thread.join()


def with_changes(path: Path, changes: Mapping[str, str]) -> str:
    """Return the text of an example file with *changes*, each of which must apply."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text, f"{path.name}: {old}"
        text = text.replace(old, new)
    return text
