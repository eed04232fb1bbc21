"""How long an operator waits: for `uptimed --help`, and for a daemon that is ready.

The floor is `python -c pass`. Ready is what systemd is told on its own socket. Wall clock and CPU,
medians of several fresh processes; on a busy machine the CPU is what counts.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.bench import ground

ROUNDS = 15
STARTS = 5
HELP_MS, READY_MS = 250.0, 1500.0  # wanted


def main() -> None:
    """Measure and print."""
    ground.stay_on(ground.OUR_CORE)
    floor_ms, floor_cpu = median_of((sys.executable, "-c", "pass"))
    help_ms, help_cpu = median_of((ground.uptimed(), "--help"))
    print(f"python -c pass: {floor_ms:.0f} ms, {floor_cpu:.0f} ms CPU")
    print(
        f"uptimed --help: {help_ms:.0f} ms, {help_cpu:.0f} ms CPU, "
        f"{help_cpu / floor_cpu:.1f} times the floor; {ground.verdict(help_ms, HELP_MS)}"
    )
    for services in (1, 100, 2000):
        ready, cpu = ready_ms(services)
        wanted = f"; {ground.verdict(ready, READY_MS)}" if services == 1 else ""
        print(
            f"daemon of {services} services ready: {ready:.0f} ms, {cpu:.0f} ms CPU, "
            f"{cpu / floor_cpu:.0f} times the floor{wanted}"
        )


def median_of(command: tuple[str, ...]) -> tuple[float, float]:
    """Return wall clock and CPU of *command* in milliseconds."""
    walls, cpus = [], []
    for _ in range(ROUNDS):
        before, began = _children_s(), time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        walls.append((time.perf_counter() - began) * 1000)
        cpus.append((_children_s() - before) * 1000)
    return median(walls), median(cpus)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ready_ms(services: int) -> tuple[float, float]:
    """Return wall clock and CPU of a daemon up to READY, in milliseconds.

    The first start makes the journal; the others find it.
    """
    found = []
    with tempfile.TemporaryDirectory() as name, ground.server(Path(name)) as page:
        config = ground.configuration(Path(name), page, "https", services=services)
        for _ in range(STARTS):
            with ground.daemon(config) as daemon:
                found.append((daemon.ready_s * 1000, daemon.ready_cpu_s * 1000))
    return median(wall for wall, _ in found), median(cpu for _, cpu in found)


if __name__ == "__main__":
    main()
