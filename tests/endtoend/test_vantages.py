"""Three monitors share an InfluxDB; one of them is cut off from it for an hour, and comes back.

The hour is shortened: it is looked at in files, which each monitor takes in before it runs. So its
looks are delivered as a backlog is. The monitors are real, and look at a real target all the while.
"""

import json
import signal
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.endtoend.backbone import backbone
from tests.endtoend.daemons import (
    Running,
    Target,
    command,
    config,
    letters,
    present,
    running,
    soon_for,
    until,
)
from uptimed.core.minutes import Minute, moment_of_minute, start_of
from uptimed.core.observations import SECOND

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

PLACES = ("bogota", "lima", "madrid")
HOUR = {  # what each saw in the hour, a letter a minute; `-` is no look
    "bogota": "U" * 20 + "DDDD" + "U" * 36,
    "lima": "U" * 20 + "DDDU" + "U" * 36,
    "madrid": "U" * 18 + "--" + "DUDD" + "U" * 26 + "DDD" + "U" * 7,
}
OF_TWO = "U" * 20 + "DDD" + "N" + "U" * 36  # of bogota and lima: the fourth `D` is disputed
OF_ALL = "U" * 20 + "DDDD" + "U" * 36
STRICT = "U" * 18 + "NN" + "DDDD" + "U" * 36  # all three must have measured
_LONG_S = 150.0


def _name(prefix: str) -> str:
    """Return a service's name that every place looks at first 8 to 20 s from now."""
    looks = [("front", place) for place in PLACES]
    return soon_for(looks, range(8 * SECOND, 20 * SECOND), prefix=prefix)


def _file(place: str, services: list[str], start: Minute) -> bytes:
    """Return what *place* saw from *start* on, as a file of looks."""
    lines = []
    for service in services:
        for number, letter in enumerate(HOUR[place]):
            look = moment_of_minute(Minute(start + number)).isoformat().replace("+00:00", "Z")
            again = look.replace(":00Z", ":05Z")
            seen = {"service": service, "probe": "front", "vantage": place, "took_ms": 5}
            if letter == "U":
                lines.append({**seen, "at": look, "outcome": "pass"})
            elif letter == "D":
                fail = {**seen, "look": look, "outcome": "fail", "cause": "refused"}
                lines += [{**fail, "at": look}, {**fail, "at": again}]
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def _configured(folder: Path, place: str, services: Mapping[str, str], influx: str) -> Path:
    folder.mkdir()
    path = config(
        folder, services,
        extra=(
            f'[vantage]\nname = "{place}"\n'
            f'[influxdb]\nurl = "{influx}"\norg = "ours"\ntoken = {{ env = "INFLUX" }}\n'
            'gather_every = "1s"\nsettle_after = "10s"\n'
        ),
    )  # fmt: skip
    text = path.read_text(encoding="utf-8")
    if place != PLACES[0]:
        text = text.replace("[journal]\n", "[journal]\nseal = false\n")
    strict = next(name for name in services if name.startswith("strict"))
    for name in services:
        least = 3 if name == strict else 2
        text = text.replace(
            f'name = "{name}"\n', f'name = "{name}"\nvantages = {json.dumps(PLACES)}\n'
            f"min_vantages = {least}\n",
        )  # fmt: skip
    path.write_text(text, encoding="utf-8")
    return path


def test_a_vantage_that_was_cut_off_comes_back_and_letters_follow(tmp_path: Path) -> None:
    with ExitStack() as stack:
        target = stack.enter_context(Target())
        shared, ways = stack.enter_context(backbone(len(PLACES)))
        crm, strict = _name("crm"), _name("strict")
        services = {crm: target.url, strict: target.url}
        start = Minute(present() - 62)
        environment = {"INFLUX": shared.influx.token}
        paths = {
            place: _configured(tmp_path / place, place, services, way.url)
            for place, way in zip(PLACES, ways, strict=True)
        }
        for place, path in paths.items():
            took = command(
                "import", "-", "--format", "jsonl", path=path, environment=environment,
                stdin=_file(place, [crm, strict], start),
            )  # fmt: skip
            assert took.returncode == 0, took.stderr
        ways[2].cut()
        daemons: dict[str, Running] = {
            place: stack.enter_context(running(path, environment=environment))
            for place, path in paths.items()
        }

        def hour(place: str, service: str) -> str:
            return letters(paths[place], service, start, Minute(start + 60))

        def wait_for(place: str, service: str, wanted: str) -> None:
            until(
                lambda: hour(place, service) == wanted, f"{service} at {place}: {wanted}",
                within_s=_LONG_S,
            )  # fmt: skip

        # Two of three see each other; the third sees nobody, and says nothing about the target.
        for place in PLACES[:2]:
            wait_for(place, crm, OF_TWO)
            assert set(hour(place, strict)) == {"N"}
        assert set(hour("madrid", crm)) == {"N"}
        until(lambda: daemons["madrid"].said("other vantages do not come"), "the cut", within_s=20)
        assert daemons["madrid"].get("healthz")[0] == 200

        ways[2].mend()
        for place in PLACES:
            wait_for(place, crm, OF_ALL)
            wait_for(place, strict, STRICT)

        # Live minutes have the looks of all three, too.
        live = Minute(start + 62)
        until(
            lambda: "U" in letters(paths["bogota"], strict, live, Minute(present() - 1)),
            "a live letter of all three", within_s=_LONG_S,
        )  # fmt: skip
        last = daemons["bogota"].metric("uptimed_vantage_last_look_timestamp_seconds")
        assert set(last) == {'{vantage="lima"}', '{vantage="madrid"}'}
        assert all(at * SECOND > start_of(Minute(present() - 3)) for at in last.values())

        report = json.loads(
            command(
                "report", "--format", "json", "--client", "acme", "--month",
                f"{moment_of_minute(Minute(start - 300)):%Y-%m}", path=paths["bogota"],
            ).stdout
        )  # fmt: skip
        [of_crm] = [s for s in report["services"] if s["id"] == crm]
        seen = {line["name"]: line for line in of_crm["vantages"]}
        # madrid was dead for two minutes of the hour, and dissented in four.
        assert seen["madrid"]["minutes"] <= seen["bogota"]["minutes"] - 2
        assert (seen["bogota"]["dissent"], seen["lima"]["dissent"]) == (0, 1)
        assert seen["madrid"]["dissent"] == 4
        told = command(
            "explain", crm, f"{moment_of_minute(Minute(start + 21)):%Y-%m-%dT%H:%M}Z",
            path=paths["bogota"],
        ).stdout.decode()  # fmt: skip
        assert "dissent" in told
        for place in PLACES:
            again = command(
                "replay", "--month", f"{moment_of_minute(Minute(start - 300)):%Y-%m}",
                path=paths[place],
            )  # fmt: skip
            assert again.returncode == 0, again.stdout
        for daemon in daemons.values():
            assert not daemon.said("other content") and not daemon.said("call themselves")
            assert daemon.metric("uptimed_bugs_total") == {"": 0.0}
            daemon.send(signal.SIGTERM)
        assert [daemon.end() for daemon in daemons.values()] == [0, 0, 0]
