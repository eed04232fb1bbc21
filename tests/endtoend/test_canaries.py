"""A canary in every secret, counterparts that all give it back: nothing that is written has it."""

import gzip
import io
import signal
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pikepdf
import pytest
from click.testing import CliRunner

from tests.canaries import leaks
from tests.cli.commands import iso, jsonl, looks
from tests.endtoend.daemons import Running, present, running, soon_for, until
from tests.endtoend.parrots import Parrot, mail_parrot, parrot
from uptimed.cli import uptimed
from uptimed.core.minutes import Minute, moment_of_minute
from uptimed.core.observations import SECOND

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CANARIES = {
    "ALERT": 'alert canary/1+"',
    "BEARER": "bearer-canary-2f==",
    "HEADER": "header-canary/3&k",
    "INFLUX": "influx_canary4==",
    "LOGIN": "login-Käse-canary5 <%>",
    "LOGIN2": "other/canary6+",
    "SMTP": "smtp canary/7+",
    "WEBHOOK": "whsec_d2ViaG9vay1jYW5hcnktOA==",
    "PING": "http://127.0.0.1:9/ping-canary-9",
}

CONFIG = """
[journal]
path = "uptimed.db"
[listen]
metrics = "127.0.0.1:0"
[log]
level = "debug"
[heartbeat]
url = {{ env = "PING" }}
[influxdb]
url = "{influx}"
org = "ours"
token = {{ env = "INFLUX" }}
[alertmanager]
urls = ["{alerts}", "{taking}"]
username = "uptimed"
password = {{ env = "ALERT" }}
[webhook]
urls = [{{ env = "HOOK" }}, "{taking}"]
secret = {{ env = "WEBHOOK" }}
[mail]
host = "127.0.0.1"
port = {mail}
security = "none"
from = "reports@monitor.example"
username = "reports"
password = {{ env = "SMTP" }}

[[clients]]
id = "acme"
name = "ACME"
contract = "datacrm"
recipients = ["it@acme.example"]
notices = ["outage"]

[[clients.services]]
id = "{service}"
name = "CRM"

[[clients.services.probes]]
id = "front"
role = "reach"
kind = "http"
url = "{front}/?q=1"
timeout = "5s"
gap = "1s"
headers = {{ X-Api-Key = {{ env = "HEADER" }}, Authorization = {{ env = "BEARER" }} }}

[[clients.services.probes]]
id = "login"
role = "login"
kind = "login"
preset = "basic"
base_url = "{login}"
settings = {{ text = "welcome" }}
accounts = [
  {{ username = "probe1", password = {{ env = "LOGIN" }} }},
  {{ username = "probe2", password = {{ env = "LOGIN2" }} }},
]
"""


@dataclass
class World:
    """The daemon's surroundings, and all that was written so far."""

    config: Path
    service: str
    secrets: Mapping[str, str]
    parrots: Mapping[str, Parrot]
    written: dict[str, bytes] = field(default_factory=dict)

    def say(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run a command; keep what it prints."""
        where = ("--config", str(self.config))
        done = CliRunner().invoke(
            uptimed, [*arguments, *where], input=stdin, env=self.secrets, catch_exceptions=False
        )
        assert not done.stderr.startswith("Usage:"), done.stderr
        name = f"{len(self.written)}: uptimed {' '.join(arguments[:3])}"
        self.written |= {f"{name}, out": done.stdout_bytes, f"{name}, err": done.stderr_bytes}
        return done.stdout_bytes


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Open everything that gives secrets back."""
    canary = CANARIES
    page = "<html><p>no way: @</p></html>"
    with ExitStack() as stack:
        parrots = {
            "front": parrot([canary["HEADER"], canary["BEARER"]], status=503, page=page),
            "login": parrot([canary["LOGIN"], canary["LOGIN2"]], status=500, page=page),
            "influx": parrot([canary["INFLUX"]], status=401, page='{"message": "not @"}'),
            "alerts": parrot([canary["ALERT"]], status=400, page='"refused: @"'),
            "hook": parrot([canary["WEBHOOK"]], status=422, page=page),
            "taking": parrot([], status=200, page=" "),
        }
        opened = {name: stack.enter_context(each) for name, each in parrots.items()}
        looks = [("front", "local"), ("login", "local")]
        service = soon_for(looks, range(8 * SECOND, 12 * SECOND))
        config = folder / "uptimed.toml"
        urls = {name: each.url for name, each in opened.items()}
        port = stack.enter_context(mail_parrot(canary["SMTP"]))
        config.write_text(CONFIG.format(**urls, mail=port, service=service))
        hook = f"{urls['hook']}/hook-canary-10"
        yield World(config, service, {**canary, "HOOK": hook}, opened)


def test_no_canary_is_written_anywhere(tmp_path: Path) -> None:
    with world(tmp_path) as at:
        past = looks(Minute(present() - 9), "UUUUDDDDD", service=at.service)
        at.say("import", "-", stdin=jsonl(past).encode())
        with running(at.config, environment=at.secrets) as daemon:
            began = present()
            _act(at)
            _see(at, daemon)
            _show(at, Minute(began))
            daemon.send(signal.SIGTERM)
            daemon.end()
        at.written["the log"] = daemon.log.encode()
        _collect(at, tmp_path)

    _check_that_it_could_leak(at)
    ours = [path for path in tmp_path.iterdir() if path.name.startswith("uptimed.db")]
    assert {path.name: path.stat().st_mode & 0o137 for path in ours} == dict.fromkeys(
        (path.name for path in ours), 0
    )
    assert leaks(at.written, at.secrets) == []


def _check_that_it_could_leak(at: World) -> None:
    """See that secrets were used and given back, and that marks stand where they would be."""
    for name, header in (("front", CANARIES["BEARER"]), ("influx", CANARIES["INFLUX"])):
        assert any(header in line for line in at.parrots[name].heard.lines)
    for name in ("login", "alerts"):
        assert any(
            line.startswith("Authorization: Basic ") for line in at.parrots[name].heard.lines
        )
    for place in ("the log", "entry ", "mail_event ", "evidence ", "taking heard ", "explain"):
        assert any(b"***" in said for name, said in at.written.items() if place in name), place


def _act(at: World) -> None:
    """Let somebody paste every secret into everything that takes words."""
    words = f"it is {' and '.join(at.secrets.values())}"
    by, one = ("--by", "ana"), ("--service", at.service)
    start, end = iso(Minute(present() + 2000)), iso(Minute(present() + 2060))
    at.say("incident", "open", *one, *by, "--severity", "system_down", "--words", words)
    for name, option in (("note", "--words"), ("ack", "--words"), ("cause", "--cause")):
        at.say("incident", name, f"ACME-{_year()}-0001", *by, option, words)
    at.say("maintenance", "add", *one, *by, "--start", start, "--end", end, "--reason", words)
    at.say("silence", "add", *one, *by, "--end", end, "--reason", words)
    at.say("outbox", "test", "--to", "it@acme.example", *by)
    at.say("outbox", "cancel", "TEST-1", *by, "--reason", words)


def _year() -> int:
    return moment_of_minute(present()).year


def _see(at: World, daemon: Running) -> None:
    """Wait until everybody heard of it."""
    for name in ("front", "login", "influx", "alerts", "hook"):
        until(lambda: at.parrots[name].heard.bodies, f"{name}\n{daemon.log}")  # noqa: B023
    taken = at.parrots["taking"].heard
    until(lambda: any(b"incident.cause" in body for body in taken.bodies), "the webhook")
    until(lambda: any(b"alertname" in body for body in taken.bodies), "the page")
    until(lambda: daemon.said("influx"), "the follower")
    for page in ("metrics", "healthz", "readyz", ""):
        at.written[f"/{page}"] = daemon.get(page)[1].encode()


def _show(at: World, began: Minute) -> None:
    """Let every command show what it can."""
    month = iso(began)[:7]
    for command_line in (
        "check", "status", "status --json", "incident list --all --json", "outbox list",
        "outbox list --json", "maintenance list", "silence list", f"months --month {month}",
        "alert list", "alert test", "influx setup --dry-run", "influx setup --json",
        f"incident show ACME-{_year()}-0001", f"probe {at.service}/front --debug",
        f"probe {at.service}/login --debug", f"probe {at.service}/front --json",
        f"report --month {month} --format html -o -", f"report --month {month} --format json -o -",
        "status --from influx", f"send --month {month} --dry-run",
    ):  # fmt: skip
        at.say(*command_line.split())
    for minute in range(began, present() + 1):
        at.say("explain", at.service, iso(Minute(minute)))
    start, end = iso(Minute(began - 10)), iso(Minute(present() + 1))
    for what in ("looks", "letters"):
        assert at.say("export", "--what", what, "--from", start, "--to", end)
    pdf = at.config.with_name("month.pdf")
    at.say("report", "--month", month, "--format", "pdf", "-o", str(pdf))


def _collect(at: World, folder: Path) -> None:
    """Add the journal's cells, the files beside it, what is in the PDF, and what others heard."""
    database = sqlite3.connect(folder / "uptimed.db")
    with closing(database):
        tables = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (table,) in tables:
            rows = database.execute(f'SELECT * FROM "{table}"').fetchall()  # noqa: S608
            for cell in {cell for row in rows for cell in row if isinstance(cell, str | bytes)}:
                name = f"{table} {len(at.written)}"
                at.written[name] = cell if isinstance(cell, bytes) else cell.encode()
        assert {"entry", "mail", "mail_event"} <= {name for (name,) in tables}
    for path in folder.iterdir():
        at.written[path.name] = path.read_bytes()
    with pikepdf.open(io.BytesIO(at.written["month.pdf"])) as pdf:
        for number, item in enumerate(pdf.objects):
            if isinstance(item, pikepdf.Stream):
                at.written[f"stream {number}"] = item.read_bytes()
    for name, each in at.parrots.items():
        for number, body in enumerate(each.heard.bodies):
            plain = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
            at.written[f"{name} heard {number}"] = plain
