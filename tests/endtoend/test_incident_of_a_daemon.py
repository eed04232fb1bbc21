"""An incident of a real daemon's: opened, shown by its metrics, answered beside it, restored."""

import json
from pathlib import Path
from typing import Any

from tests.endtoend.daemons import Running, command, config, present, running, soon, until
from uptimed.config import load
from uptimed.core.minutes import Minute
from uptimed.core.strip import Strip
from uptimed.ports import Batch
from uptimed.stores.sqlite import open_ledger
from uptimed.wiring.casework import EXAMINED, FIRST


def test_an_outage_that_a_daemon_left_behind_is_opened_and_its_end_told(tmp_path: Path) -> None:
    service = soon(20)
    path = config(tmp_path, {service: "http://127.0.0.1:9/"})
    watched_before(path, service, f"{'U' * 20}DDD{'U' * 15}DDDD")

    with running(path) as daemon:
        older, newer = until(lambda: opened(daemon), "two incidents", within_s=20)
        command("incident", "respond", str(newer["reference"]), "--by", "eva", path=path)
        until(lambda: daemon.metric("uptimed_incident_open"), "the metric", within_s=20)
    (answered,) = [one for one in listed(path) if one["reference"] == newer["reference"]]

    assert [one["state"] for one in (older, newer)] == ["open", "open"]
    assert older["restored"] is not None
    assert newer["restored"] is None
    assert [event["by"] for event in answered["timeline"]] == ["uptimed", "eva"]
    said = json.loads(command("status", "--json", path=path).stdout)["incidents"]
    assert said[0]["next_due"]["clock"] == "restore"


def watched_before(path: Path, service: str, letters: str) -> None:
    """Let a daemon have judged *letters* up to the minute before the last, and then end."""
    settings = load(path).settings
    start = Minute(present() - 1 - len(letters))
    with open_ledger(Path(settings.journal_path)) as ledger:
        terms = settings.services[0].watch.digest()
        ledger.write(
            Batch(
                letters=[(service, Strip(start, letters), terms)],
                cursors={FIRST: start, EXAMINED: start},
            )
        )


def opened(daemon: Running) -> list[dict[str, Any]]:
    """Return the incidents once both are there, and the end of the first."""
    found = listed(daemon.config)
    return found if len(found) == 2 and found[0]["restored"] else []


def listed(path: Path) -> list[dict[str, Any]]:
    said = json.loads(command("incident", "list", "--all", "--json", path=path).stdout)
    incidents: list[dict[str, Any]] = said["incidents"]
    return incidents
