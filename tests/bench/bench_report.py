"""What a report costs in CPU, against the least that WeasyPrint can do in the same run.

Each render is a process of its own, as in the daemon: imports are in the figure. The floor is a
process that imports WeasyPrint and renders an empty page. Ratios carry from machine to machine.
"""

import pickle
import resource
import subprocess
import sys
from statistics import median

from tests.reports import samples
from uptimed.core.statement import Statement

_EMPTY = (
    "from weasyprint import HTML; "
    "HTML(string='<p lang=en>.').write_pdf(pdf_variant='pdf/a-3b', pdf_tags=True)"
)
_RUNS = 5
_BOUNDS = {"one service": 3.0, "ten services": 8.0, "flapping": 6.0}  # times the floor
_MADE = {
    "one service": samples.met_with_nothing_left,
    "ten services": samples.ten_services,
    "flapping": samples.flapping,
}


def _cpu(command: list[str], given: bytes) -> tuple[float, int]:
    """Return the CPU seconds of a process, and how many bytes it wrote."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, input=given, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, len(done.stdout)


def _render(statement: Statement) -> tuple[float, int]:
    given = pickle.dumps((statement, "es"))
    runs = [_cpu([sys.executable, "-m", "reports.render"], given) for _ in range(_RUNS)]
    return median(run[0] for run in runs), runs[0][1]


def main() -> int:
    """Print the costs; return 1 where one is out of bounds."""
    floor = median(_cpu([sys.executable, "-c", _EMPTY], b"")[0] for _ in range(_RUNS))
    print(f"{'floor: an empty page':24} {floor:6.2f} s CPU")
    failed = 0
    for name, make in _MADE.items():
        used, size = _render(make())
        ratio = used / floor
        late = ratio > _BOUNDS[name]
        failed |= late
        said = f"{ratio:5.1f} times the floor, bound {_BOUNDS[name]:g}"
        print(f"{name:24} {used:6.2f} s CPU {size / 1000:8.0f} kB {said}", "TOO SLOW" * late)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
