"""Whether one daemon on one core keeps its appointments with 12,000 HTTPS probes a minute.

A daemon as operators run it, with the journal on disk, pinned to one core; nginx on the other.
Each probe opens a fresh, verified connection to one of 16 addresses. Measured from the journal,
the metrics and the kernel: looks that were missed, how late they started, what latency they
report compared with looks made alone by the same code on the same core, CPU, memory, disk.

    python -m tests.bench.bench_fleet [SECONDS] [--probes N] [--each N] [--scrape] [--first]

SECONDS is how long the minutes looked at are, at least: 60 by default, 600 for the real thing.
Before them the fleet is given up to two minutes to begin. Other work on the machine makes looks
late: the latency of seconds in which others used less than a tenth of both cores is printed by
itself, with how many those were. `--first` puts daemon and server before all other work (root).
"""

import argparse
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.bench import ground, looking

ALONE = 400  # looks
ADDRESSES = 16
LAG_MS, LATENCY_MS = 50.0, 10.0  # wanted, at the 99th percentile
_MINUTE_US = 60_000_000
_OTHERS = 0.1  # of a core: what others may use of it in a quiet second
_SERVER = 0.25  # of its core: what the server takes, and the bench itself


def main() -> None:
    """Measure and print."""
    given = arguments()
    if given.alone:
        found = ground.in_loop(looking.one_by_one(given.alone, Path(given.ca), ALONE))
        print(" ".join(map(str, found)))
        return
    if given.first:
        ground.go_first()
    ground.stay_on(ground.SERVER_CORE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ground.server(folder, addresses=ADDRESSES) as page:
            before = alone_ms(page)
            quiet = watch(folder, page, given)
            report_latency(folder, quiet, sorted(before + alone_ms(page)))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("seconds", type=int, nargs="?", default=60)
    parser.add_argument("--probes", type=int, default=12_000)
    parser.add_argument("--each", type=int, default=1, help="probes of a service")
    parser.add_argument("--scrape", action="store_true", help="ask for /metrics every minute")
    parser.add_argument("--first", action="store_true", help="go before other work")
    parser.add_argument("--alone", default="", help=argparse.SUPPRESS)
    parser.add_argument("--ca", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def watch(folder: Path, page: ground.Server, given: argparse.Namespace) -> dict[int, bool]:
    """Let the daemon look for full minutes, and print how it did.

    Return the seconds of those minutes, and whether others left both cores alone in each.
    """
    minutes = -(-given.seconds // 60)
    port = ground.free_port()
    services = given.probes // given.each
    config = ground.configuration(
        folder, page, "https", services=services, probes=given.each, port=port
    )
    with ground.daemon(config) as daemon:
        print(f"{services:,} services of {given.each} probe(s): ready in {daemon.ready_s:.1f} s")
        process = daemon.process
        _sleep_until(_now() - _now() % 60 + 75)  # everything has looked once
        lag = ground.start_lags(port)
        start = int(_now() // 60) + 1
        _sleep_until(start * 60)
        cpu, busy = process.cpu_s(), ground.core_busy_s(ground.OUR_CORE)
        quiet: dict[int, bool] = {}
        for minute in range(start, start + minutes):
            if given.scrape:
                ground.metrics(port)
            quiet |= _quiet_seconds(process, minute)
        cpu = process.cpu_s() - cpu
        busy = ground.core_busy_s(ground.OUR_CORE) - busy
        _sleep_until(_now() + 3)  # what was begun ends
        late = ground.start_lags(port)
        rss, peak = process.rss_mb(), process.peak_mb()
    span = range(start, start + minutes)
    looks, missed, failed = _looks(folder, span, given.probes)
    size = sum(path.stat().st_size for path in folder.glob("uptimed.db*"))
    print(f"{minutes} minute(s): {looks:,} looks, {missed} missed, {failed} not passed")
    _print_lag(ground.since(lag, late))
    print(
        f"CPU: {cpu / looks * 1000:.3f} ms a look, all included; {cpu / minutes / 60:.0%} of the "
        f"core, others {max(0.0, busy - cpu) / minutes / 60:.0%}"
    )
    print(f"memory: {rss:.0f} MB at the end, {peak:.0f} MB at most")
    print(f"journal: {size / 1e6:.1f} MB, {size / max(1, _rows(folder)):.0f} B an attempt")
    return quiet


def _quiet_seconds(process: ground.Process, minute: int) -> dict[int, bool]:
    """Wait out *minute*; return its seconds, and whether others left both cores alone in each.

    The server takes a fifth of its core.
    """
    found: dict[int, bool] = {}
    before = _used(process)
    while (second := int(_now()) + 1) <= (minute + 1) * 60:
        _sleep_until(second)
        after = _used(process)
        ours, server = (b - a for a, b in zip(before, after, strict=True))
        found[second - 1] = ours < _OTHERS and server < _OTHERS + _SERVER
        before = after
    return found


def _used(process: ground.Process) -> tuple[float, float]:
    """Return what others than *process* have used of our core, and everybody of the server's."""
    ours = ground.core_busy_s(ground.OUR_CORE) - process.cpu_s()
    return ours, ground.core_busy_s(ground.SERVER_CORE)


def _now() -> float:
    return time.time()  # noqa: TID251 - minutes of the real clock


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - _now()))  # noqa: TID251 - as above


def _print_lag(counts: dict[float, int]) -> None:
    every = counts[float("inf")]
    shares = ", ".join(
        f"{counts[bound] / every:.2%} by {bound:g} ms" for bound in counts if bound < 1000
    )
    p99 = ground.p99_of(counts)
    print(f"start lag: p99 at most {p99:g} ms, {ground.verdict(p99, LAG_MS)} ({shares})")


def _looks(folder: Path, span: range, probes: int) -> tuple[int, int, int]:
    """Return how many looks there are in the minutes, are missing, and did not pass."""
    query = (
        "SELECT count(DISTINCT ((at_us - lag_us) / ?) || ' ' || service || ' ' || probe), "
        "count(*) FILTER (WHERE outcome <> (SELECT min(outcome) FROM attempt)) "
        "FROM attempt WHERE (at_us - lag_us) / ? BETWEEN ? AND ?"
    )
    with closing(sqlite3.connect(folder / "uptimed.db")) as connection:
        arguments = (_MINUTE_US, _MINUTE_US, span.start, span.stop - 1)
        looks, failed = connection.execute(query, arguments).fetchone()
    return looks, probes * len(span) - looks, failed


def _rows(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "uptimed.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM attempt").fetchone()[0])


def alone_ms(page: ground.Server) -> list[float]:
    """Return what looks report that a process makes one after the other, and does no more."""
    command = (
        sys.executable, "-m", "tests.bench.bench_fleet", "--alone", page.url("https"),
        "--ca", str(page.ca),
    )  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return sorted(float(word) for word in found.stdout.split())


def report_latency(folder: Path, quiet: dict[int, bool], alone: list[float]) -> None:
    """Print what the fleet's looks reported, beside those made *alone*."""
    query = "SELECT at_us / 1000000, took_us FROM attempt WHERE took_us IS NOT NULL"
    with closing(sqlite3.connect(folder / "uptimed.db")) as connection:
        rows = [row for row in connection.execute(query) if row[0] in quiet]
    calm = [(at, took) for at, took in rows if quiet[at] and quiet.get(at - 1, True)]
    print(f"others left the cores alone in {sum(quiet.values())} of {len(quiet)} seconds")
    _print_latency("alone", alone, 0.0)
    base = looking.percentile(alone, 99)
    for name, some in (("in the fleet", rows), ("in the fleet, quiet seconds", calm)):
        if some:
            _print_latency(name, sorted(took / 1000 for _, took in some), base)


def _print_latency(name: str, ordered: list[float], base: float) -> None:
    p50, p90, p99 = (looking.percentile(ordered, percent) for percent in (50, 90, 99))
    print(
        f"latency {name}: p50 {p50:.1f}, p90 {p90:.1f}, p99 {p99:.1f} ms ({len(ordered):,} looks)"
    )
    if base:
        print(f"  p99 {p99 - base:+.1f} ms, {ground.verdict(p99 - base, LATENCY_MS)}")


if __name__ == "__main__":
    main()
