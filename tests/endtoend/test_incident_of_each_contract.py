"""Each agreement's desk, from the outage's detection to the page of the report."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import call, jsonl, looks, minute, write_config
from uptimed.core.minutes import Minute

CLIENT = """
[[clients]]
id = "acme"
name = "ACME"
contract = "{contract}"
timezone = "America/Bogota"
{more}
[[clients.services]]
id = "crm"
name = "CRM"
probes = [{{ id = "front", role = "reach", kind = "http", url = "http://127.0.0.1:9/" }}]
"""
FRIDAY = minute("2026-10-09 21:40")  # 16:40 in Bogota
R = "ACME-2026-0001"


@dataclass(frozen=True)
class Told:
    """What a contract makes of 91 minutes down, and of what people did about them."""

    severity: str
    proposed: bool
    acts: Sequence[tuple[str, ...]]
    verdicts: dict[str, str]
    on_the_page: Sequence[str]
    more: str = ""
    language: str = "es"


def act(name: str, at: str, *options: str) -> tuple[str, ...]:
    return (name, R, "--by", "ana", "--at", f"2026-10-09T{at}", *options)


STORIES = {
    "datacrm": Told(
        severity="system_down",
        proposed=False,
        acts=[act("register", "16:45"), act("resolve", "18:20")],
        verdicts={"registration": "not_judged", "restore": "missed"},
        on_the_page=["Restablecimiento", "1 h 31 min", "fuera de plazo", "promesas distintas",
                     "consume 90 minutos", "0 de 1"],
    ),
    "saleslayer": Told(
        severity="critical",
        proposed=False,
        acts=[act("report", "16:50", "--channel", "chat"), act("respond", "16:53"),
              act("resolve", "18:20")],
        verdicts={"first_response": "not_judged"},
        on_the_page=["se muestra sin veredicto", "3 min en 1 incidente", "5 min en promedio",
                     "Enterprise"],
        more='plan = "enterprise"',
    ),
    "suitecrm": Told(
        severity="severity_1",
        proposed=True,
        acts=[act("ack", "16:55"), act("classify", "17:20", "--severity", "severity_1"),
              act("resolve", "18:20")],
        verdicts={"first_response": "met"},
        on_the_page=["Primera respuesta", "40 min", "a tiempo", "1 de 1", "Error de gravedad 1"],
        more="agreed = { severity_1 = { first_response = '1h' } }",
    ),
    "yucrm": Told(
        severity="high",
        proposed=False,
        acts=[act("report", "16:50", "--channel", "telephone"), act("respond", "17:40"),
              act("resolve", "18:20")],
        verdicts={"restore": "not_judged", "first_response": "not_judged",
                  "resolution": "not_judged"},
        on_the_page=["срок не обещан", "1 ч 31 мин", "высокий уровень критичности"],
        language="ru",
    ),
    "itil-native": Told(
        severity="critical",
        proposed=False,
        acts=[act("respond", "17:05"), act("resolve", "18:20")],
        verdicts={"first_response": "met", "update": "met", "escalation": "met"},
        on_the_page=["Primera respuesta", "todas las gravedades juntas", "95 %", "90 %",
                     "Actualizaciones + Escalamiento", "100,0000 %"],
    ),
}  # fmt: skip


def plain(page: str) -> str:
    body = re.sub(r"<(style|svg)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", body.replace("\xa0", " "))


@pytest.mark.parametrize("contract", list(STORIES))
def test_an_incident_goes_from_detection_to_the_page(tmp_path: Path, contract: str) -> None:
    story = STORIES[contract]
    config = write_config(tmp_path, CLIENT.format(contract=contract, more=story.more))
    letters = f"{'U' * 30}{'D' * 91}{'U' * 30}"
    file = jsonl(looks(Minute(FRIDAY - 30), letters))
    assert call("import", "-", config=config, stdin=file).exit_code == 0

    detected = call("incident", "detect", "--month", "2026-10", config=config)
    assert detected.stdout == f"1 incident opened: {R}\n"
    found = show(config)
    assert (found["severity"], found["proposed"]) == (story.severity, story.proposed)
    for one in (*story.acts, ("cause", R, "--by", "ana", "--cause", "disk full")):
        done = call("incident", *one, config=config)
        assert done.exit_code == 0, done.output

    assert {c["clock"]: c["verdict"] for c in show(config)["clocks"]} == story.verdicts
    page = call("report", "--month", "2026-10", "--format", "html", config=config).stdout
    assert f'lang="{story.language}"' in page
    text = plain(page)
    for words in (R, "disk full", *story.on_the_page):
        assert words in text, words


def show(config: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call("incident", "show", R, "--json", config=config).stdout)
    return found
