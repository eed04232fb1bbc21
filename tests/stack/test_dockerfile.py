"""The image, as far as its recipe shows."""

import fnmatch
import json
import re
import sys
from pathlib import Path

from tests.grafana.servers import call
from tests.stack.composed import ROOT, SERVICES, mounts

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
STEPS = [
    step.split(maxsplit=1)
    for step in re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
    if step
]
LAST = STEPS[max(n for n, (name, _) in enumerate(STEPS) if name == "FROM") :]


def _last(name: str) -> str:
    (found,) = (rest for step, rest in LAST if step == name)
    return found


def _copied() -> set[str]:
    """Return what comes from the checkout."""
    found = set()
    for name, rest in STEPS:
        if name == "COPY" and not rest.startswith("--from"):
            found.update(rest.split()[:-1])
    return found


def test_hadolint_finds_nothing() -> None:
    call(str(Path(sys.executable).parent / "hadolint"), str(ROOT / "Dockerfile"))


def test_both_stages_are_the_same_release_and_the_python_of_the_project() -> None:
    bases = {rest.split()[0] for name, rest in STEPS if name == "FROM"}
    (base,) = bases
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = re.search(r'requires-python = ">=([\d.]+)"', project)
    assert version and re.fullmatch(rf"python:{version[1]}-slim-\w+", base)


def test_it_runs_as_a_user_of_its_own_and_answers_for_its_health() -> None:
    assert re.fullmatch(r"(\d+):\1", _last("USER")) and _last("USER") != "0:0"
    assert json.loads(_last("ENTRYPOINT")) == ["tini", "--", "uptimed"]
    assert json.loads(_last("CMD")) == ["run"]
    _, _, check = _last("HEALTHCHECK").partition(" CMD ")
    assert "/healthz" in json.loads(check)[-1]


def test_the_journal_is_in_a_volume_that_the_stack_keeps() -> None:
    volume = _last("VOLUME")
    assert volume in {place for _, place, read_only in mounts("uptimed") if not read_only}
    assert SERVICES["uptimed"]["ports"] == [f"127.0.0.1:{_last('EXPOSE')}:{_last('EXPOSE')}"]


def test_it_has_the_packages_that_setting_up_installs() -> None:
    setup = (ROOT / "scripts" / "setup").read_text(encoding="utf-8")
    needed = re.search(r"^debian=\((.*)\)$", setup, re.MULTILINE)
    assert needed
    installed = " ".join(rest for name, rest in LAST if name == "RUN").split()
    assert set(needed[1].split()) <= set(installed)


def test_what_is_copied_is_there_and_let_in_and_nothing_else_is() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:] for line in ignore if line.startswith("!")}
    assert ignore[1] == "*"
    assert _copied() == let_in
    assert all((ROOT / name).exists() for name in let_in)
    for bad in ("**/.env", "**/*.db", "**/__pycache__"):
        assert bad in ignore
    assert not any(fnmatch.fnmatch("stack", name) for name in let_in)


def test_the_wheel_has_all_that_it_is_made_of() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    packages = re.search(r"wheel\]\npackages = (\[.*\])", project)
    assert packages and set(json.loads(packages[1])) <= _copied()
