"""compose.yaml taken apart, and what a container of it sees as files."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
STACK: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
SECRET = "stack/secrets"
"""What `stack/make-secrets` makes, and git never sees."""


def mounts(service: str) -> Iterator[tuple[str, str, bool]]:
    """Yield the source, the place and whether it is read-only of everything mounted."""
    for volume in SERVICES[service]["volumes"]:
        source, place, *mode = volume.split(":")
        yield source, place, mode == ["ro"]


def binds(service: str) -> Iterator[tuple[str, str, bool]]:
    """Yield those mounts that come from the checkout, by their paths in it."""
    for source, place, read_only in mounts(service):
        if source.startswith("./"):
            yield source.removeprefix("./"), place, read_only


def laid_out(service: str, folder: Path) -> Path:
    """Copy what a container of the service has mounted to where it has it, under *folder*."""
    for source, place, _ in binds(service):
        at = folder / place.removeprefix("/")
        at.parent.mkdir(parents=True, exist_ok=True)
        if source.startswith(SECRET):
            at.mkdir()
        elif (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, at)
        else:
            shutil.copy(ROOT / source, at)
    return folder
