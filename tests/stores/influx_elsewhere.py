"""An InfluxDB for tests that are not asynchronous: the stand-in in a thread, or a real one.

A real one is tested where `influxd` (of version 2) is on PATH, or where UPTIMED_TEST_INFLUXDB_URL,
_ORG and _TOKEN name one that buckets may be made in.
"""

import asyncio
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest

from tests.grafana.servers import free_port, process
from tests.stores.influx_double import ORG, TOKEN, InfluxDouble
from tests.stores.influx_flux import answered

LOOKS, LETTERS = "uptimed_looks", "uptimed_letters"
NO_INFLUX = "NOT TESTED against InfluxDB 2: no influxd 2 on PATH and no UPTIMED_TEST_INFLUXDB_URL"


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


def _program() -> str | None:
    """Return where `influxd` of version 2 is, or None."""
    program = shutil.which("influxd")
    if program is None:
        return None
    told = subprocess.run([program, "version"], capture_output=True, text=True, check=False)
    found = re.search(r"InfluxDB (v?2\.\d|dev)", told.stdout + told.stderr)
    return program if found else None


@contextmanager
def real(folder: Path) -> Iterator[Elsewhere]:
    """Run `influxd`, or use the server that the environment names; skip where there is neither."""
    suffix = f"_{os.getpid()}_{time.monotonic_ns()}"
    url = os.environ.get("UPTIMED_TEST_INFLUXDB_URL")
    if url:
        org, token = (os.environ[f"UPTIMED_TEST_INFLUXDB_{name}"] for name in ("ORG", "TOKEN"))
        yield Elsewhere(url.rstrip("/"), org, token, suffix)
        return
    program = _program()
    if program is None:
        pytest.skip(NO_INFLUX)
    port = free_port()
    at = f"http://127.0.0.1:{port}"
    command = (
        program, f"--http-bind-address=127.0.0.1:{port}", f"--bolt-path={folder / 'bolt'}",
        f"--engine-path={folder / 'engine'}", f"--sqlite-path={folder / 'sqlite'}",
        "--reporting-disabled",
    )  # fmt: skip
    with process(command, folder / "influxd.log", f"{at}/health"):
        asked = (
            b'{"username":"tester","password":"a-long-password","org":"ours","bucket":"first",'
            b'"token":"good-token"}'
        )
        with urllib.request.urlopen(f"{at}/api/v2/setup", asked, 20):  # noqa: S310
            pass
        yield Elsewhere(at, "ours", "good-token", suffix)
