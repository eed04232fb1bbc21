"""Run every `bench_*.py` of this folder as a script of its own: `python -m tests.bench [NAME ...]`.

A fresh process each, so that no bench warms the next. With names, only the benches named.
"""

import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[1]


def main(names: list[str]) -> int:
    """Run the benches and return how many failed; a name that no bench has is a failure."""
    found = {path.stem.removeprefix("bench_"): path for path in sorted(_HERE.glob("bench_*.py"))}
    if not found:
        print("no benches yet: tests/bench/bench_*.py")
    unknown = [name for name in names if name not in found]
    for name in unknown:
        print(f"{name}: no such bench, there are: {', '.join(found) or 'none'}")
    failed = len(unknown)
    for name in [name for name in found if not names or name in names]:
        print(f"== {name}", flush=True)
        module = f"tests.bench.bench_{name}"
        failed += (
            subprocess.run([sys.executable, "-m", module], cwd=_ROOT, check=False).returncode != 0
        )
    return failed


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
