"""What the benches stand on: a server to look at, a configuration, a daemon as operators run it.

Servers run on the first core and what is measured on the last one, where there are two. CPU and
memory are the kernel's own figures of a process.
"""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.request import urlopen

import trustme

from uptimed.loop import Loop

T = TypeVar("T")

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, OUR_CORE = CORES[0], CORES[-1]

_TICKS = os.sysconf("SC_CLK_TCK")
_BODY = '{"status":"ok","name":"CRM","n":12345}'
_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}/t; proxy_temp_path {folder}/t;
  fastcgi_temp_path {folder}/t; uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  server {{
    {listen}
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem;
    location / {{ default_type application/json; return 200 '{body}'; }}
  }}
}}
"""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def stay_on(core: int) -> None:
    """Run on *core* alone from now on."""
    os.sched_setaffinity(0, {core})


def in_loop(work: Coroutine[object, object, T]) -> T:
    """Run *work* in a loop such as the daemon's own; return what it returns."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(work)


def go_first() -> None:
    """Go before whatever else the machine does, and all that is started from here too; needs root.

    Of no use on a machine that has nothing else to do.
    """
    os.setpriority(os.PRIO_PROCESS, 0, -10)


@contextmanager
def running(
    *command: str,
    port: int = 0,
    core: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run *command* until it listens on *port*, if that is not 0; stop it at the end."""
    quiet = subprocess.DEVNULL
    every = {**os.environ, **(environment or {})}
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, env=every) as process:
        try:
            if core is not None:
                os.sched_setaffinity(process.pid, {core})
            if port:
                _wait_for(port)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise SystemExit(f"nothing listens on port {port}")


# ---- what is looked at


@dataclass(frozen=True, slots=True)
class Server:
    """A server of one small page: its ports, and the authority that signed for it."""

    name: str
    http: int
    https: int
    ca: Path
    addresses: int = 1
    path: str = "/"

    def url(self, scheme: str, n: int = 0) -> str:
        """Return a URL of the page; *n* chooses one of its addresses."""
        port = self.https if scheme == "https" else self.http
        return f"{scheme}://127.0.0.{1 + n % self.addresses}:{port}{self.path}"


def certify(folder: Path, *names: str) -> None:
    """Write a P-256 certificate for *names*, `server.pem`, and who signed for it, `ca.pem`."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    own = authority.issue_cert(*names, key_type=trustme.KeyType.ECDSA)
    own.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")


@contextmanager
def server(folder: Path, *, addresses: int = 1) -> Iterator[Server]:
    """Run the server: nginx if it is on the machine, else openssl's and Python's own.

    It has that many *addresses* of the loopback network (one without nginx), and a P-256
    certificate for them.
    """
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    addresses = addresses if nginx else 1
    names = [f"127.0.0.{n}" for n in range(1, addresses + 1)]
    certify(folder, *names)
    http, https = free_port(), free_port()
    with ExitStack() as stack:
        if nginx:
            listen = "".join(f"listen {n}:{http}; listen {n}:{https} ssl;" for n in names)
            text = _NGINX.format(folder=folder, listen=listen, body=_BODY)
            (folder / "nginx.conf").write_text(text)
            files = ("-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf")
            stack.enter_context(running(nginx, *files, port=https, core=SERVER_CORE))
        else:
            for command, port in _substitutes(folder, http, https):
                stack.enter_context(running(*command, port=port, core=SERVER_CORE))
        if nginx:
            yield Server("nginx", http, https, folder / "ca.pem", addresses)
        else:
            name = "openssl s_server and python's http.server"
            yield Server(name, http, https, folder / "ca.pem", path="/index.html")


def _substitutes(folder: Path, http: int, https: int) -> Iterator[tuple[tuple[str, ...], int]]:
    (folder / "page").mkdir()
    (folder / "page" / "index.html").write_text(_BODY)
    yield (
        (sys.executable, "-m", "http.server", "-b", "127.0.0.1", "-d", f"{folder}/page", str(http)),
        http,
    )
    tls = (
        f"cd {folder}/page && exec openssl s_server -WWW -quiet -accept 127.0.0.1:{https} "
        f"-cert {folder}/server.pem -key {folder}/server.pem"
    )
    yield ("sh", "-c", tls), https


# ---- who looks


def configuration(
    folder: Path, page: Server, scheme: str, *, services: int, probes: int = 1, port: int = 0
) -> Path:
    """Write a configuration of so many *services* with so many *probes* each; return its path.

    *port* is that of the metrics; 0 serves none.
    """
    listen = f'"127.0.0.1:{port}"' if port else "false"
    head = (
        f'[journal]\npath = "{folder}/uptimed.db"\n[listen]\nmetrics = {listen}\n'
        '[log]\nlevel = "warning"\n'
        '[[clients]]\nid = "bench"\nname = "Bench"\ncontract = "itil-native"\n'
    )
    parts = [head]
    tls = f'ca_file = "{page.ca}"\n' if scheme == "https" else ""
    days = "certificate_days = 1\n" if scheme == "https" else ""
    for n in range(services):
        parts.append(f'[[clients.services]]\nid = "s{n:05}"\nname = "Service {n}"\n')
        if probes > 1:
            parts.append('need = { reach = "all" }\n')
        for p in range(probes):
            url = page.url(scheme, n * probes + p)
            parts.append(
                f'[[clients.services.probes]]\nid = "p{p}"\nrole = "reach"\nkind = "http"\n'
                f'url = "{url}"\n{tls}'
                f"[clients.services.probes.expect]\ncontains = '\"ok\"'\n{days}"
            )
    path = folder / "uptimed.toml"
    path.write_text("".join(parts))
    return path


def uptimed() -> str:
    """Return the path of the command that is measured."""
    return str(Path(sys.executable).with_name("uptimed"))


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon that looks. *ready_s* is the time from its start to READY."""

    process: "Process"
    ready_s: float
    ready_cpu_s: float


@contextmanager
def daemon(config: Path, *, core: int | None = OUR_CORE, within_s: float = 120) -> Iterator[Daemon]:
    """Run `uptimed run` until the block ends; begins when it told systemd's socket READY."""
    place = config.with_name("notify")
    place.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(place))
        sock.settimeout(within_s)
        began = time.perf_counter()
        command = (uptimed(), "run", "--config", str(config))
        environment = {"NOTIFY_SOCKET": str(place)}
        with running(*command, core=core, environment=environment) as process:
            while b"READY=1" not in sock.recv(4096):
                pass
            took = time.perf_counter() - began
            found = Process(process.pid)
            yield Daemon(found, took, found.cpu_s())
            if process.poll() is not None:
                raise SystemExit(f"the daemon ended by itself, with {process.returncode}")
            process.send_signal(signal.SIGTERM)
            if process.wait(30) != 0:
                raise SystemExit(f"the daemon ended with {process.returncode}")


# ---- what the kernel says


@dataclass(frozen=True, slots=True)
class Process:
    """A process of this machine."""

    pid: int

    def cpu_s(self) -> float:
        """Return the CPU that it has used, all its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss_mb(self) -> float:
        """Return the memory that is resident now, in MB of 10^6 bytes."""
        return self._status("VmRSS")

    def peak_mb(self) -> float:
        """Return the most memory that was ever resident."""
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        text = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
        return int(found[1]) * 1024 / 1e6 if found else 0.0


def core_busy_s(core: int) -> float:
    """Return the CPU that everybody together has used of *core*, stolen time included."""
    lines = Path("/proc/stat").read_text().splitlines()
    fields = next(line for line in lines if line.startswith(f"cpu{core} ")).split()[1:]
    user, nice, system, _idle, _wait, *rest = (int(field) for field in fields)
    return (user + nice + system + sum(rest[:3])) / _TICKS


def metrics(port: int) -> str:
    """Return the metrics page of a daemon."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text: str = answer.read().decode()
        return text


def start_lags(port: int) -> dict[float, int]:
    """Return how many looks of a daemon started no later than each bound, in milliseconds."""
    found = re.findall(
        r'^uptimed_schedule_lag_seconds_bucket\{.*?le="([^"]+)"\} (\S+)$',
        metrics(port),
        re.MULTILINE,
    )
    return {float(bound) * 1000: int(float(count)) for bound, count in found}


def since(before: Mapping[float, int], after: Mapping[float, int]) -> dict[float, int]:
    """Return what came to such counts between two readings of them."""
    return {bound: after[bound] - before.get(bound, 0) for bound in after}


def p99_of(counts: Mapping[float, int]) -> float:
    """Return the first bound that 99 of a hundred do not exceed."""
    return next(bound for bound in counts if counts[bound] >= 0.99 * counts[float("inf")])


def verdict(value: float, wanted: float) -> str:
    """Return whether *value* stays within what is wanted, in words."""
    return f"within the {wanted:g} wanted" if value <= wanted else f"OVER the {wanted:g} wanted"
