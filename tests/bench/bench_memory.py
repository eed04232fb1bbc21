"""How much memory a daemon holds while it looks, with 10 probes and with 2,000.

HTTPS probes on fresh connections, one probe a service, the real journal. The floor is an
interpreter that has imported what looking needs and does nothing.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import ground

LOOK_S = 75  # a full minute, so that every probe has looked and every letter is settled
WANTED_MB = {10: 80.0, 2000: 200.0}

_IDLE = "import aiohttp, ssl, sqlite3, uvloop; print(flush=True); input()"


def main() -> None:
    """Measure and print; the daemons look at the same time, and are otherwise strangers."""
    floor = idle_mb()
    print(f"python with aiohttp, ssl, sqlite3 and uvloop: {floor:.0f} MB")
    for services, wanted in WANTED_MB.items():
        with tempfile.TemporaryDirectory() as name, ground.server(Path(name)) as page:
            config = ground.configuration(Path(name), page, "https", services=services)
            with ground.daemon(config) as daemon:
                time.sleep(LOOK_S / 2 if services < 100 else LOOK_S)  # noqa: TID251 - real time
                now, peak = daemon.process.rss_mb(), daemon.process.peak_mb()
        print(
            f"daemon with {services} probes: {now:.0f} MB, at most {peak:.0f} MB, "
            f"{now / floor:.1f} times the floor; {ground.verdict(peak, wanted)}"
        )


def idle_mb() -> float:
    """Return the memory of an interpreter with the libraries that looking needs."""
    with subprocess.Popen(
        (sys.executable, "-c", _IDLE), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = ground.Process(process.pid).rss_mb()
        process.communicate(b"\n")
    return found


if __name__ == "__main__":
    main()
