"""What `uptimed import` of 1,000,000 looks takes: reading, checking, keeping, settling.

The command as operators call it, on a journal that does not exist yet: a month of 23 services,
JSON lines as `uptimed export` writes them. The floor is `json.loads` over the same lines.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from tests.bench import ground
from uptimed.core.lookfile import write_jsonl
from uptimed.core.minutes import Minute, day_minutes, start_of
from uptimed.core.observations import Attempt, Instant, Outcome, Phase

LOOKS = 1_000_000
SERVICES = 23
SECONDS, MEGABYTES = 40.0, 300.0  # wanted

_START = Minute(day_minutes(date(2026, 9, 1)).start)
_FLOOR = "import json, sys\nfor line in open(sys.argv[1], encoding='utf-8'): json.loads(line)"


def main() -> None:
    """Measure and print."""
    ground.stay_on(ground.OUR_CORE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = ground.Server("none", 1, 1, folder / "ca.pem")
        config = ground.configuration(folder, page, "http", services=SERVICES)
        looks = folder / "looks.jsonl"
        with looks.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in write_jsonl(attempts()))
        size = looks.stat().st_size / 1e6
        floor, _ = spent(sys.executable, "-c", _FLOOR, str(looks))
        print(f"json.loads over the same {LOOKS:,} lines, {size:.0f} MB: {floor:.1f} s CPU")
        command = (ground.uptimed(), "import", str(looks), "--config", str(config))
        cpu, wall = spent(*command)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
        print(
            f"uptimed import: {cpu:.1f} s CPU ({wall:.1f} s), {cpu / floor:.1f} times the floor; "
            f"{ground.verdict(cpu, SECONDS)}"
        )
        print(f"memory: {peak:.0f} MB at most; {ground.verdict(peak, MEGABYTES)}")
        again, _ = spent(*command)
        print(f"the same file once more: {again:.1f} s CPU")


def attempts() -> Iterator[Attempt]:
    """A month of looks at services, minute after minute, one in a hundred failed and repeated."""
    for n in range(LOOKS):
        failed = n % 100 == 99
        at = Instant(start_of(Minute(_START + n // SERVICES)) + n % SERVICES * 2_000_000)
        yield Attempt(
            service=f"s{n % SERVICES:05}",
            probe="p0",
            vantage="local",
            at=at,
            look=at,
            outcome=Outcome.FAIL if failed else Outcome.PASS,
            cause="status" if failed else "",
            detail="status 503, wanted 200" if failed else "",
            took_us=180_000 + n % 7_000,
            phases={Phase.CONNECT: 31_000, Phase.TLS: 62_000, Phase.FIRST_BYTE: 84_000},
        )


def spent(*command: str) -> tuple[float, float]:
    """Return the seconds of CPU and of wall clock that *command* takes."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - began


if __name__ == "__main__":
    main()
