"""A journal with October 2026 of three clients, of which one is breached; an agreement of a day.

Their agreements begin on the last day of the month, so that there are few letters to make.
"""

from pathlib import Path

from tests.cli.commands import call as command
from tests.cli.commands import jsonl, looks, minute, write_config

_CLIENT = """
[[clients]]
id = "{id}"
name = "{name}"
contract = "{contract}"
language = "{language}"
timezone = "{zone}"
recipients = ["it@{id}.example", "boss@{id}.example"]
notices = ["outage"]

[[clients.services]]
id = "{id}-crm"
name = "CRM <{id}>"
from = 2026-10-31
probes = [{{ id = "front", role = "reach", kind = "http", url = "https://{id}.example/" }}]
"""

_CLIENTS = (
    ("acme", "ACME S.A.S.", "datacrm", "es", "America/Bogota"),
    ("iberia", "Iberia & Söhne", "saleslayer", "en", "Europe/Madrid"),
    ("ruby", "Рубин", "yucrm", "ru", "Europe/Moscow"),
)
BREACHED = "ruby"

_MAIL = """
[operator]
name = "Monitor S.A."
contact = "help@monitor.example"

[mail]
host = "127.0.0.1"
port = {port}
from = "reports@monitor.example"
security = "none"
timeout = "5s"
{more}
"""


def text(port: int, more: str = "") -> str:
    """Return the configuration, for a mail server at *port*."""
    clients = "".join(
        _CLIENT.format(id=client, name=name, contract=contract, language=language, zone=zone)
        for client, name, contract, language, zone in _CLIENTS
    )
    return _MAIL.format(port=port, more=more) + clients


def write_month(folder: Path) -> Path:
    """Take the month into a journal in *folder*; return where its configuration is."""
    config = write_config(folder, text(25))
    start = minute("2026-10-30 21:00")
    lines: list[dict[str, object]] = []
    for client, *_ in _CLIENTS:
        letters = "U" * 2100
        if client == BREACHED:
            letters = letters[:300] + "D" * 40 + letters[340:]
        lines += looks(start, letters, service=f"{client}-crm")
    path = folder / "looks.jsonl"
    path.write_text(jsonl(lines), encoding="utf-8")
    result = command("import", str(path), config=config)
    assert result.exit_code == 0, result.stderr
    return config
