"""A real daemon in a process of its own, something real for it to look at, and patience.

Real minutes are dear. A probe looks at a fixed second of the minute, which follows from its names;
so a service is named such that its look comes a few seconds after the test began.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from typing import Self, TypeVar

from typing_extensions import override

from uptimed.clock import SystemClock
from uptimed.config import load
from uptimed.core.minutes import MINUTE, Minute, minute_of
from uptimed.core.observations import SECOND
from uptimed.daemon.schedule import SPREAD_US, timetable
from uptimed.stores.sqlite import open_reader

T = TypeVar("T")

UPTIMED = (str(Path(sys.executable).with_name("uptimed")),)
PATIENCE_S = 75.0
"""A minute, and what else may take its time: nothing that is waited for comes later."""


def until(question: Callable[[], T | None], what: str, *, within_s: float = PATIENCE_S) -> T:
    """Ask until there is an answer, and return it."""
    end, pause = monotonic() + within_s, threading.Event()
    while True:
        answer = question()
        if answer:
            return answer
        assert monotonic() < end, f"{what}: not within {within_s:g} s"
        pause.wait(0.05)


def wait(seconds: float) -> None:
    """Let time pass where there is nothing to be asked for."""
    threading.Event().wait(seconds)


def present() -> Minute:
    """Return the minute that it is."""
    return minute_of(SystemClock().now())


def soon(seconds: float = 3.0, *, probe: str = "front", prefix: str = "crm") -> str:
    """Return a service's name whose *probe* looks first *seconds* from now."""
    wanted = (SystemClock().now() + round(seconds * SECOND)) % MINUTE
    if wanted > SPREAD_US - SECOND // 5:
        wanted = SECOND // 5
    return next(
        name
        for name in (f"{prefix}-{n}" for n in range(100_000))
        if 0 <= timetable(name, probe, "local", interval=1).phase_us - wanted < SECOND // 10
    )


def soon_for(looks: Collection[tuple[str, str]], within: range, *, prefix: str = "crm") -> str:
    """Return a service's name whose *looks* (probe, vantage) all come *within* so many µs."""
    now = SystemClock().now()

    def wait_us(name: str, probe: str, vantage: str) -> int:
        return (timetable(name, probe, vantage, interval=1).phase_us - now) % MINUTE

    return next(
        name
        for name in (f"{prefix}-{n}" for n in range(100_000))
        if all(wait_us(name, probe, vantage) in within for probe, vantage in looks)
    )


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        self.server.target.asked.append(self.path)
        status, body = self.server.target.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    target: "Target"

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has gone: nobody's fault."""


class Target:
    """A page on loopback that can be broken, stopped and started again on its port."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.answer: tuple[int, bytes] = (200, b"<title>Sign in</title>")
        self.asked: list[str] = []
        self._host, self._port = host, 0
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}/"

    def start(self) -> None:
        self._server = _Server((self._host, self._port), _Answer)
        self._server.target = self
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def config(
    folder: Path,
    services: Mapping[str, str],
    *,
    listen: str | None = "127.0.0.1:0",
    journal: str = "uptimed.db",
    extra: str = "",
    probe: str = "",
    name: str = "uptimed.toml",
) -> Path:
    """Write a configuration of *services*, from id to address; return where it is.

    *probe* are further lines of each probe, *extra* tables at the end.
    """
    metrics = "false" if listen is None else f'"{listen}"'
    text = (
        f'[journal]\npath = "{journal}"\n\n[listen]\nmetrics = {metrics}\n\n[[clients]]\n'
        'id = "acme"\nname = "ACME"\ncontract = "datacrm"\n'
    )
    for service, url in services.items():
        text += (
            f'\n[[clients.services]]\nid = "{service}"\nname = "{service}"\n'
            "\n[[clients.services.probes]]\n"
            f'id = "front"\nrole = "reach"\nkind = "http"\nurl = "{url}"\n'
            f'timeout = "2s"\ngap = "1s"\n{probe}\n'
        )
    path = folder / name
    path.write_text(text + extra, encoding="utf-8")
    return path


@dataclass
class Running:
    """`uptimed run`, as it runs."""

    process: subprocess.Popen[str]
    config: Path
    lines: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Take in what it logs; a thread of its own does."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)

    @property
    def log(self) -> str:
        return "".join(self.lines)

    @property
    def messages(self) -> list[str]:
        lines = [line for line in list(self.lines) if line.startswith("{")]
        return [str(json.loads(line)["message"]) for line in lines]

    def said(self, *words: str) -> bool:
        """Return whether some message says all of *words*."""
        return any(all(word in message for word in words) for message in self.messages)

    def url(self) -> str:
        """Return where metrics and health are, as the log says."""
        found = (m.rpartition(" ")[2] for m in self.messages if m.startswith("metrics and health"))
        return next(found, "")

    def get(self, page: str) -> tuple[int, str]:
        """Return the status and the body of a page of the daemon's."""
        address = until(self.url, f"the address of the metrics\n{self.log}", within_s=20)
        try:
            with urllib.request.urlopen(address + page, timeout=10) as answer:  # noqa: S310 - loopback
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name: str) -> dict[str, float]:
        """Return the samples of a metric, by their labels as they stand on the page."""
        _, page = self.get("metrics")
        found: dict[str, float] = {}
        for line in page.splitlines():
            key, _, value = line.rpartition(" ")
            if key.partition("{")[0] == name:
                found[key.removeprefix(name)] = float(value)
        return found

    def state(self, service: str) -> str:
        """Return the state of the last settled minute, or nothing before the first."""
        if not self.metric("uptimed_service_last_settled_timestamp_seconds").get(_labels(service)):
            return ""
        states = self.metric("uptimed_service_state")
        return next(
            labels.partition('state="')[2].rstrip('"}')
            for labels, value in states.items()
            if value and f'service="{service}"' in labels
        )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self, within_s: float = 20.0) -> int:
        """Wait for its end; return its exit code."""
        return self.process.wait(within_s)


def _labels(service: str) -> str:
    return f'{{client="acme",service="{service}"}}'


@contextmanager
def running(
    path: Path,
    *,
    environment: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
    ready: bool = True,
) -> Iterator[Running]:
    """Run the daemon; however the test ends, the process ends as well."""
    with subprocess.Popen(
        [*prefix, *UPTIMED, "run", "--log", "json", "--config", str(path)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        env={**os.environ, **(environment or {})},
    ) as process:  # fmt: skip
        found = Running(process, path)
        reader = threading.Thread(target=found.read)
        reader.start()
        try:
            if ready:
                until(
                    lambda: found.said("started at vantage") or process.poll() is not None,
                    "the start", within_s=20,
                )  # fmt: skip
                assert process.poll() is None, found.log
            yield found
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()
            reader.join()


def command(
    *arguments: str, path: Path | None = None, environment: Mapping[str, str] | None = None,
    stdin: bytes = b"", timeout_s: float = 30,
) -> subprocess.CompletedProcess[bytes]:  # fmt: skip
    """Run a command of uptimed's to its end."""
    where = () if path is None else ("--config", str(path))
    return subprocess.run(
        [*UPTIMED, *arguments, *where], input=stdin, capture_output=True, timeout=timeout_s,
        env={**os.environ, **(environment or {})}, check=False,
    )  # fmt: skip


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def letters(path: Path, service: str, start: Minute, stop: Minute) -> str:
    """Return the letters on record for [start, stop), as another process reads them."""
    known = load(path).settings
    with open_reader(Path(known.journal_path)) as reader:
        return reader.letters(service, start, stop).letters


def status(path: Path, service: str) -> Mapping[str, object]:
    """Return what `uptimed status` says of a service."""
    said = json.loads(command("status", "--json", path=path).stdout)
    return next(one for one in said["services"] if one["service"] == service)
