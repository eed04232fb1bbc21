"""An InfluxDB for tests that are not asynchronous: the stand-in in a thread, or a real one."""

import asyncio
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from tests.stores.influx_double import ORG, TOKEN, InfluxDouble
from tests.stores.influx_flux import answered

LOOKS, LETTERS = "uptimed_looks", "uptimed_letters"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where it is; *double* is None for a real server."""

    url: str
    org: str
    token: str
    suffix: str = ""  # of the buckets
    double: InfluxDouble | None = None

    @property
    def section(self) -> str:
        return (
            f'[influxdb]\nurl = "{self.url}"\norg = "{self.org}"\ntoken = {{ env = "INFLUX" }}\n'
            f'bucket_looks = "{LOOKS}{self.suffix}"\nbucket_letters = "{LETTERS}{self.suffix}"\n'
        )


@contextmanager
def stand_in() -> Iterator[Elsewhere]:
    """Run the stand-in in a thread of its own."""
    double = InfluxDouble(points={LOOKS: {}, LETTERS: {}})
    double.rows = lambda query: answered(double.points, query)
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(double.start(), loop).result(5)
    try:
        yield Elsewhere(double.url, ORG, TOKEN, double=double)
    finally:
        asyncio.run_coroutine_threadsafe(double.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def real_program() -> str | None:
    """Return where `influxd` of version 2 is, or None."""
    program = shutil.which("influxd")
    if program is None:
        return None
    told = subprocess.run([program, "version"], capture_output=True, text=True, check=False)
    return program if " v2." in f" {told.stdout}{told.stderr}" else None


@contextmanager
def real(folder: Path) -> Iterator[Elsewhere | None]:
    """Run `influxd`, or use the server that the environment names; None where there is neither."""
    url = os.environ.get("UPTIMED_TEST_INFLUXDB_URL")
    if url:
        org, token = (os.environ[f"UPTIMED_TEST_INFLUXDB_{name}"] for name in ("ORG", "TOKEN"))
        yield Elsewhere(url.rstrip("/"), org, token, f"_{os.getpid()}_{time.monotonic_ns()}")
        return
    program = real_program()
    if program is None:
        yield None
        return
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    at = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [program, f"--http-bind-address=127.0.0.1:{port}", f"--bolt-path={folder / 'bolt'}",
         f"--engine-path={folder / 'engine'}", f"--sqlite-path={folder / 'sqlite'}",
         "--reporting-disabled"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(f"{at}/health")
        asked = (
            b'{"username":"tester","password":"a-long-password","org":"ours","bucket":"first",'
            b'"token":"good-token"}'
        )
        with urllib.request.urlopen(f"{at}/api/v2/setup", asked, 20):  # noqa: S310
            pass
        yield Elsewhere(at, "ours", "good-token")
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str) -> None:
    for _ in range(300):
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310
            return
        time.sleep(0.05)  # noqa: TID251
    raise AssertionError(f"nothing at {url}")
