"""What one look costs in CPU: probe and judging, against a bare handshake and another prober.

The same run measures, on the same P-256 certificate and the same server on loopback:

* our HTTPS and HTTP looks, each on a fresh connection, verified, with phases and certificate;
* `openssl s_time -new`: the handshake alone, in C, which is the floor;
* `prometheus-blackbox-exporter`, if it is on the machine, by its own CPU.

The server is nginx if it is on the machine, else `openssl s_server` and Python's own. It runs on
another core where there is one, and its CPU is not counted.
"""

import asyncio
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

import trustme
import uvloop

from probes.net import Resolver
from probes.registry import probes
from uptimed.clock import SystemClock
from uptimed.core.judging import judge
from uptimed.core.observations import Instant, Outcome
from uptimed.core.targets import (
    BROKEN_TEXTS,
    Expectation,
    HttpTarget,
    ProbeSettings,
    Secret,
    TlsOptions,
)
from uptimed.core.terms import Role

LOOKS = 1500
ROUNDS = 5
AT_ONCE = 50
LIMITS_MS = {"https": 1.0, "http": 0.4}  # what a look may cost

_BODY = '{"status":"ok","name":"CRM","n":12345}'
_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}/t; proxy_temp_path {folder}/t;
  fastcgi_temp_path {folder}/t; uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  server {{
    listen 127.0.0.1:{http}; listen 127.0.0.1:{https} ssl;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem;
    location / {{ default_type application/json; return 200 '{body}'; }}
  }}
}}
"""
_BLACKBOX = """
modules:
  look:
    prober: http
    timeout: 5s
    http:
      preferred_ip_protocol: ip4
      tls_config: {{ ca_file: {folder}/ca.pem }}
      fail_if_body_not_matches_regexp: [ '"ok"' ]
"""


class NoSecrets:
    """There are none."""

    def read(self, secret: Secret) -> NoReturn:
        raise AssertionError(secret)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def running(*command: str, port: int, core: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run *command* until it listens on *port*; stop it at the end."""
    quiet = subprocess.DEVNULL
    environment = {**os.environ, "GOMAXPROCS": "1"}
    with subprocess.Popen(
        command, stdin=quiet, stdout=quiet, stderr=quiet, env=environment
    ) as process:
        try:
            if core is not None:
                os.sched_setaffinity(process.pid, {core})
            _wait_for(port)
            yield process
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise SystemExit(f"nothing listens on port {port}")


@contextmanager
def servers(folder: Path, core: int | None) -> Iterator[dict[str, str]]:
    """Run the servers and yield their URLs by scheme."""
    http, https = free_port(), free_port()
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    with ExitStack() as stack:
        if nginx:
            text = _NGINX.format(folder=folder, http=http, https=https, body=_BODY)
            (folder / "nginx.conf").write_text(text)
            files = ("-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf")
            run: tuple[str, ...] = (nginx, *files)
            stack.enter_context(running(*run, port=https, core=core))
        else:
            (folder / "page").mkdir()
            (folder / "page" / "index.html").write_text(_BODY)
            own = (sys.executable, "-m", "http.server", "-b", "127.0.0.1", "-d", f"{folder}/page")
            stack.enter_context(running(*own, str(http), port=http, core=core))
            run = (
                "openssl", "s_server", "-www", "-quiet", "-accept", f"127.0.0.1:{https}",
                "-cert", f"{folder}/server.pem", "-key", f"{folder}/server.pem",
            )  # fmt: skip
            stack.enter_context(running(*run, port=https, core=core))
        print(f"server: {'nginx' if nginx else 'openssl s_server, python http.server'}")
        yield {"http": f"http://127.0.0.1:{http}/", "https": f"https://127.0.0.1:{https}/"}


async def our_cost_ms(url: str, folder: Path) -> float:
    """Return the CPU of one look in milliseconds: the median of the rounds."""
    is_nginx = (folder / "nginx.conf").exists()
    expect = Expectation(
        statuses=((200, 200),),
        contains=('"ok"',) if is_nginx else (),
        broken=BROKEN_TEXTS,
        certificate_days=1,
    )
    target = HttpTarget(url=url, tls=TlsOptions(ca_file=f"{folder}/ca.pem"))
    settings = ProbeSettings(id="a", role=Role.REACH, kind="http", target=target, expect=expect)
    resolver = Resolver()
    async with probes(
        secrets=NoSecrets(), resolver=resolver, version="bench", clock=SystemClock()
    ) as by_kind:
        probe = by_kind["http"]

        async def look() -> None:
            seen = await probe(settings)
            reading = judge(seen, settings, now=Instant(time.time_ns() // 1000))
            if reading.outcome is not Outcome.PASS:
                raise SystemExit(f"a look failed: {reading.detail}")

        await at_once(look, 2 * AT_ONCE)
        costs = []
        for _ in range(ROUNDS):
            began = time.process_time()
            await at_once(look, LOOKS)
            costs.append((time.process_time() - began) / LOOKS * 1000)
    resolver.close()
    return sorted(costs)[ROUNDS // 2]


async def at_once(act: Callable[[], Awaitable[None]], times: int) -> None:
    """Do *act* so many times, some of them at the same time."""

    async def several() -> None:
        for _ in range(times // AT_ONCE):
            await act()

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(several())


def handshake_cost_ms(url: str, folder: Path) -> float:
    """Return the CPU of one verified handshake by `openssl s_time`, in milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["openssl", "s_time", "-new", "-time", "4", "-verify", "3", "-CAfile", f"{folder}/ca.pem",
         "-connect", url.removeprefix("https://").rstrip("/")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = re.search(r"(\d+) connections in", done.stdout)
    if found is None:
        raise SystemExit(f"openssl s_time said: {done.stdout[-200:]} {done.stderr[-200:]}")
    return spent / int(found[1]) * 1000


async def blackbox_cost_ms(url: str, port: int, pid: int) -> float:
    """Return the CPU that the other prober spends on one probe, its answer to us included."""
    request = f"GET /probe?module=look&target={url} HTTP/1.1\r\nHost: x\r\n\r\n".encode()

    async def ask(times: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(times):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await _body(reader, head)
            if b"probe_success 1" not in body:
                raise SystemExit(f"the other prober failed: {body[-300:]!r}")
        writer.close()

    await ask(20)
    began = _cpu_s(pid)
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(ask(LOOKS // 20))
    return (_cpu_s(pid) - began) / LOOKS * 1000


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    length = re.search(rb"content-length: (\d+)", head.lower())
    if length:
        return await reader.readexactly(int(length[1]))
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[1]})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        authority.cert_pem.write_to_path(folder / "ca.pem")
        own = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA)
        own.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        with servers(folder, cores[0] if len(cores) > 1 else None) as urls:
            _measure(urls, folder)


def _measure(urls: dict[str, str], folder: Path) -> None:
    print(f"{LOOKS} looks a round, {ROUNDS} rounds, {AT_ONCE} at once, uvloop, one core")
    ours = {scheme: uvloop.run(our_cost_ms(url, folder)) for scheme, url in urls.items()}
    for scheme, cost in ours.items():
        verdict = "within" if cost <= LIMITS_MS[scheme] else "OVER"
        print(f"uptimed {scheme}: {cost:.3f} ms CPU a look, {verdict} {LIMITS_MS[scheme]} ms")
    floor = handshake_cost_ms(urls["https"], folder)
    ratio = ours["https"] / floor
    print(f"openssl s_time -new: {floor:.3f} ms CPU; an HTTPS look is {ratio:.2f} times that")
    blackbox = shutil.which("prometheus-blackbox-exporter") or shutil.which("blackbox_exporter")
    if blackbox is None:
        print("blackbox_exporter: not on this machine")
        return
    (folder / "blackbox.yml").write_text(_BLACKBOX.format(folder=folder))
    port = free_port()
    flags = (f"--config.file={folder}/blackbox.yml", f"--web.listen-address=127.0.0.1:{port}")
    with running(blackbox, *flags, port=port) as process:
        for scheme, url in urls.items():
            cost = asyncio.run(blackbox_cost_ms(url, port, process.pid))
            ratio = ours[scheme] / cost
            print(f"blackbox_exporter {scheme}: {cost:.3f} ms CPU; ours is {ratio:.2f} times that")


if __name__ == "__main__":
    main()
