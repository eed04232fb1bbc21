"""Calling the command line, and small worlds for it to work in."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from uptimed.cli import uptimed
from uptimed.clock import SystemClock
from uptimed.config import load
from uptimed.core.minutes import Minute, instant_of, minute_of, moment_of_minute
from uptimed.core.settings import Settings

FRONT = '{ id = "front", role = "reach", kind = "http", url = "http://127.0.0.1:9/" }'
LOGIN = '{ id = "login", role = "login", kind = "http", url = "http://127.0.0.1:9/login" }'

ACME_CRM = """
[[clients]]
id = "acme"
name = "ACME S.A.S."
contract = "datacrm"

[[clients.services]]
id = "crm"
name = "DataCRM"
"""
"""A client and its service, whose probes are to follow."""

ACME = f"{ACME_CRM}probes = [{FRONT}]\n"

PIM = """
[[clients.services]]
id = "pim"
name = "PIM"
probes = [{ id = "front", role = "reach", kind = "http", url = "http://127.0.0.1:9/pim" }]
"""
"""A further service of the client before it."""


def call(*arguments: str, config: Path | None = None, stdin: str | bytes = "") -> Result:
    """Run a command of uptimed's; a bug in it is raised here."""
    where = () if config is None else ("--config", str(config))
    return CliRunner().invoke(uptimed, [*arguments, *where], input=stdin, catch_exceptions=False)


def said(*arguments: str, config: Path) -> Any:
    """Run a command that ends well; return what it says as JSON."""
    done = call(*arguments, "--json", config=config)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def write_config(folder: Path, text: str = ACME) -> Path:
    """Write a configuration; return where it is."""
    path = folder / "uptimed.toml"
    path.write_text(f"[listen]\nmetrics = false\n{text}", encoding="utf-8")
    return path


def settings_of(config: Path) -> Settings:
    return load(config).settings


def journal_of(config: Path) -> Path:
    return Path(settings_of(config).journal_path)


def moment(text: str) -> datetime:
    """Return the moment of `2026-10-03 14:07`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def minute(text: str) -> Minute:
    return minute_of(instant_of(moment(text)))


def iso(at: Minute, second: float = 10) -> str:
    """Return an instant of a minute as files have it."""
    shown = moment_of_minute(at) + timedelta(seconds=second)
    return shown.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def look(at: Minute | str, outcome: str = "pass", **others: str | int) -> dict[str, object]:
    """Return a line of a file of looks, as an object."""
    at = at if isinstance(at, str) else iso(at)
    line: dict[str, object] = {
        "service": "crm", "probe": "front", "vantage": "local", "at": at, "outcome": outcome,
        "took_ms": 183,
    }  # fmt: skip
    if outcome == "fail":
        line |= {"cause": "connect_timeout", "detail": "nothing within 10 s", "took_ms": 10_000}
    return line | others


def looks(start: Minute, letters: str, **others: str | int) -> Iterator[dict[str, object]]:
    """Yield the looks of one probe that make *letters*, a minute each: U, D or N."""
    for at, letter in enumerate(letters, start):
        if letter == "U":
            yield look(Minute(at), "pass", **others)
        if letter == "D":
            yield look(Minute(at), "fail", **others)


def jsonl(lines: Iterable[Mapping[str, object]]) -> str:
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def runs(text: str) -> str:
    """Return letters as `3U 17D`: what a person can read."""
    return " ".join(f"{len(list(group))}{letter}" for letter, group in groupby(text))


def an_hour_ago() -> Minute:
    """Return a minute of the past whose day may be the present one."""
    return Minute(minute_of(SystemClock().now()) - 60)
