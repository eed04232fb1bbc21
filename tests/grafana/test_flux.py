"""Every script in Flux: right to the language's own checker, and only of what is written.

The checker is a package of npm, installed by `scripts/setup test` beside this file.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from grafana.building.influxdb.asking import CODES
from tests.grafana import scripts
from tests.grafana.influx import letter_lines, look_lines
from tests.grafana.test_dashboards import PAGES
from tests.stores.influx_double import parsed
from uptimed.core.minutes import Minute
from uptimed.stores import influx_points as points
from uptimed.stores.influx_setup import HOUR, LOOK_HOUR

FOLDER = Path(__file__).parent / "flux"
NODE = shutil.which("node") or ""
THERE = bool(NODE) and (FOLDER / "node_modules" / "@influxdata").is_dir()
checked = pytest.mark.skipif(
    not THERE, reason="NOT CHECKED: Flux, without node or tests/grafana/flux: scripts/setup test"
)


def said_of(found: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what the checker says of scripts, by their names; nothing of those that are right."""
    done = subprocess.run(
        [NODE, str(FOLDER / "check.mjs")], input=json.dumps(dict(found)), capture_output=True,
        text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert answers.keys() == found.keys()
    return {name: said for name, said in answers.items() if said}


@checked
def test_the_checker_takes_every_script_of_the_dashboards() -> None:
    found = scripts.of_dashboards()
    assert len(found) > 50
    assert said_of({name: scripts.filled_in(script) for name, script in found.items()}) == {}


@checked
def test_the_checker_takes_the_task_that_sums_up_hours() -> None:
    assert said_of(scripts.of_the_task()) == {}


@checked
async def test_the_checker_takes_what_is_read_back() -> None:
    found = await scripts.of_the_reader()
    assert len(found) > 15
    assert said_of(found) == {}


@checked
@pytest.mark.parametrize(
    ("script", "told"),
    [
        ('from(bucket: "b") |> range()', "missing required argument start"),
        ('from(bucket: "b") |> range(start: -1h) |> summ()', "undefined identifier summ"),
        ("from(bucket: 3) |> range(start: -1h)", "expected string but found int"),
        ("date.truncate(t: now(), unit: 1h)", "undefined identifier date"),
        ('from(bucket: "b" |> range(start: -1h)', "expected RPAREN"),
        ('x = 1 + "one"', "expected int but found string"),
    ],
    ids=["argument", "function", "type of argument", "import", "parenthesis", "type"],
)  # fmt: skip
def test_the_checker_finds_what_is_wrong(script: str, told: str) -> None:
    said = said_of({"wrong": script, "right": 'from(bucket: "b") |> range(start: -1h)'})
    assert said.keys() == {"wrong"} and told in " ".join(said["wrong"])


def test_the_lock_names_the_package_and_no_place_to_have_it_from() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))
    package = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    assert lock["packages"][""]["dependencies"] == package["dependencies"]
    for name, version in package["dependencies"].items():
        entry = lock["packages"][f"node_modules/{name}"]
        assert entry["version"] == version and entry["integrity"].startswith("sha512-")
    assert "://" not in (FOLDER / "package-lock.json").read_text(encoding="utf-8")


def written() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return the tags and the fields of each measurement that is written."""
    tags: dict[str, set[str]] = {}
    fields: dict[str, set[str]] = {}
    now = Minute(30_000_000)
    for line in [*letter_lines(now), *look_lines(now)]:
        point = parsed(line)
        tags.setdefault(point.measurement, set()).update(point.tags)
        fields.setdefault(point.measurement, set()).update(point.fields)
    return tags, fields


@pytest.fixture(scope="module")
def known() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    return written()


def test_the_hours_are_those_that_the_task_makes(
    known: tuple[dict[str, set[str]], dict[str, set[str]]],
) -> None:
    (task,) = scripts.of_the_task().values()
    assert f'value: "{HOUR}"' in task and f'value: "{LOOK_HOUR}"' in task
    left_out = set(re.findall(r'r\._field != "(\w+)"', task))
    _, fields = known
    assert fields[HOUR] == fields[points.MINUTE_OF] - left_out


@pytest.mark.parametrize("name", scripts.of_dashboards())
def test_a_script_names_only_what_is_written(
    name: str, known: tuple[dict[str, set[str]], dict[str, set[str]]]
) -> None:
    tags, fields = known
    script = scripts.of_dashboards()[name]
    measurements, wanted = scripts.spoken(script)
    if "array.from" in script:
        assert not measurements
        return
    assert measurements and measurements <= fields.keys()
    there = set().union(*(fields[of] for of in measurements))
    has = set().union(*(tags[of] for of in measurements))
    assert wanted <= there
    assert set(re.findall(r'\btag: "(\w+)"', script)) <= has
    made = {"_time", "_value", "_field", "_measurement"}
    made |= set(re.findall(r"\b(\w+): ", script)) | set(re.findall(r'\w+: "(\w+)"', script))
    rows = set(re.findall(r"\br\.(\w+)", script))
    assert rows <= there | has | made
    for columns in re.findall(r"(?:columns|rowKey|columnKey): \[([^\]]*)\]", script):
        assert set(re.findall(r'"(\w+)"', columns)) <= there | has | made


def test_codes_of_letters_are_those_that_are_written() -> None:
    written_codes = {
        code: points._NAMES[letter].replace("_", " ") for letter, code in points._CODES.items()
    }
    assert {code: word for code, (word, _) in CODES.items()} == written_codes


@pytest.mark.parametrize("uid", scripts.IN_FLUX)
def test_a_table_has_the_columns_that_are_named(uid: str) -> None:
    for name, panel, script in scripts.of_panels(PAGES[uid]):
        if panel["type"] == "table":
            columns = set(panel["transformations"][-1]["options"]["renameByName"])
            assert all(re.search(rf"\b{column}\b", script) for column in columns), name
