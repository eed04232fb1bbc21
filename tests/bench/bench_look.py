"""What one look costs in CPU, against a bare handshake and against another prober.

On the same P-256 certificate and the same server on loopback, 50 at once, in turns:

* a look with everything: the whole daemon at full speed (see `hurried`) with scheduling, probe,
  judging, letters, the month's figures, views for the metrics, and the journal on disk; 2,000
  services of three probes, each look on a fresh connection, verified, with phases and certificate;
* the probe and its judging alone, which says what of it is the daemon's;
* `openssl s_time -new`: the handshake alone, in C, which is the floor;
* `prometheus-blackbox-exporter`, if it is on the machine, by its own CPU. It keeps nothing.

Each ratio is the median of those of the rounds, with the least and the greatest beside it. The
server has a core of its own where there are two, and its CPU is not counted.
"""

import asyncio
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median

from tests.bench import ground, looking
from tests.bench.hurried import hurried
from uptimed.cli.running import go_easy

ROUNDS = 5
LOOKS = 1500  # a round
AT_ONCE = 50
SERVICES, PROBES = 2_000, 3
WARM = 2 * SERVICES * PROBES  # two minutes of the daemon's time
HANDSHAKE_S = 2

WANTED = {
    ("https", "blackbox_exporter"): 0.95,
    ("http", "blackbox_exporter"): 0.8,
    ("https", "openssl s_time"): 1.7,
}

_BLACKBOX = """
modules:
  look:
    prober: http
    timeout: 5s
    http:
      preferred_ip_protocol: ip4
      tls_config: {{ ca_file: {ca} }}
      fail_if_body_not_matches_regexp: [ '"ok"' ]
"""

Cost = Callable[[], Awaitable[float]]  # milliseconds of CPU a look


def main() -> None:
    """Measure and print."""
    ground.stay_on(ground.OUR_CORE)
    with tempfile.TemporaryDirectory() as name, ground.server(Path(name)) as page:
        print(f"server: {page.name}; {ROUNDS} rounds of {LOOKS} looks, {AT_ONCE} at once, one core")
        folder = Path(name)
        found = {which: ground.in_loop(rounds(page, which, folder)) for which in ("https", "http")}
    for scheme, costs in found.items():
        for what, some in costs.items():
            spread = f"{min(some):.3f} to {max(some):.3f}"
            print(f"{scheme} {what}: {median(some):.3f} ms CPU ({spread})")
        whole = costs["look with everything"]
        for peer in ("probe alone", "openssl s_time", "blackbox_exporter"):
            if peer in costs:
                ratios = [a / b for a, b in zip(whole, costs[peer], strict=True)]
                wanted = WANTED.get((scheme, peer))
                said = f"; {ground.verdict(round(median(ratios), 2), wanted)}" if wanted else ""
                print(
                    f"  a look with everything is {median(ratios):.2f} times {peer} "
                    f"({min(ratios):.2f} to {max(ratios):.2f}){said}"
                )


async def rounds(page: ground.Server, scheme: str, folder: Path) -> Mapping[str, list[float]]:
    """Return what each way of looking costs, round by round."""
    url = page.url(scheme)
    async with AsyncExitStack() as stack:
        ways: dict[str, Cost] = {
            "look with everything": await stack.enter_async_context(whole(page, scheme, folder)),
            "probe alone": await stack.enter_async_context(alone(url, page.ca)),
        }
        if scheme == "https":
            ways["openssl s_time"] = lambda: handshake(url, page.ca)
        command = shutil.which("prometheus-blackbox-exporter") or shutil.which("blackbox_exporter")
        if command is not None:
            ways["blackbox_exporter"] = stack.enter_context(blackbox(command, url, page.ca, folder))
        elif scheme == "https":
            print("blackbox_exporter: not on this machine")
        found: dict[str, list[float]] = {what: [] for what in ways}
        for _ in range(ROUNDS):
            for what, cost in ways.items():
                found[what].append(await cost())
        return found


@asynccontextmanager
async def whole(page: ground.Server, scheme: str, folder: Path) -> AsyncIterator[Cost]:
    """Run a daemon; what is yielded lets it look."""
    place = folder / scheme
    place.mkdir()
    config = ground.configuration(place, page, scheme, services=SERVICES, probes=PROBES)
    async with hurried(config, together=AT_ONCE) as daemon:
        go_easy()
        await daemon.make(WARM)

        async def cost() -> float:
            before, began = daemon.looks, time.process_time()
            await daemon.make(LOOKS)
            return (time.process_time() - began) / (daemon.looks - before) * 1000

        yield cost


@asynccontextmanager
async def alone(url: str, ca: Path) -> AsyncIterator[Cost]:
    """Open a probe; what is yielded looks with it."""
    async with looking.looker(url, ca) as look:
        await looking.at_once(look, 2 * AT_ONCE, AT_ONCE)

        async def cost() -> float:
            began = time.process_time()
            await looking.at_once(look, LOOKS, AT_ONCE)
            return (time.process_time() - began) / LOOKS * 1000

        yield cost


async def handshake(url: str, ca: Path) -> float:
    """Return the CPU of one verified handshake by `openssl s_time`, in milliseconds."""
    command = (
        "openssl", "s_time", "-new", "-time", str(HANDSHAKE_S), "-verify", "3", "-CAfile", str(ca),
        "-connect", url.removeprefix("https://").partition("/")[0],
    )  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = re.search(r"(\d+) connections in", done.stdout)
    if found is None:
        raise SystemExit(f"openssl s_time said: {done.stdout[-200:]} {done.stderr[-200:]}")
    return spent / int(found[1]) * 1000


@contextmanager
def blackbox(command: str, url: str, ca: Path, folder: Path) -> Iterator[Cost]:
    """Run the other prober; what is yielded has it probe."""
    config, port = folder / "blackbox.yml", ground.free_port()
    config.write_text(_BLACKBOX.format(ca=ca))
    flags = (f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}")
    one_core = {"GOMAXPROCS": "1"}
    with ground.running(command, *flags, port=port, environment=one_core) as running:
        process = ground.Process(running.pid)

        async def cost() -> float:
            began = process.cpu_s()
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(_ask(port, url, LOOKS // AT_ONCE))
            return (process.cpu_s() - began) / LOOKS * 1000

        yield cost


async def _ask(port: int, url: str, times: int) -> None:
    request = f"GET /probe?module=look&target={url} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(times):
        writer.write(request)
        body = await _body(reader, await reader.readuntil(b"\r\n\r\n"))
        if b"probe_success 1" not in body:
            raise SystemExit(f"the other prober failed: {body[-300:]!r}")
    writer.close()


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    length = re.search(rb"content-length: (\d+)", head.lower())
    if length:
        return await reader.readexactly(int(length[1]))
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body


if __name__ == "__main__":
    main()
