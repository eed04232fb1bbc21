"""From files to tables: finding the configuration, reading TOML, merging a directory."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uptimed.config.mistakes import ConfigError, Mistake, kind_of

VARIABLE = "UPTIMED_CONFIG"
LOCAL_FILE = "uptimed.toml"
SYSTEM_DIRECTORY = Path("/etc/uptimed")

_TOML_PLACE = re.compile(
    r"(.*) \(at (?:(line [0-9]+, column [0-9]+)|(end of document))\)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Document:
    """One file and what it holds."""

    path: Path
    table: Mapping[str, Any]


def find_config(
    explicit: str | None,
    env: Mapping[str, str],
    cwd: Path,
    *,
    system: Path = SYSTEM_DIRECTORY,
) -> Path:
    """Return the configuration's file or directory.

    That is *explicit* (`--config`), else `UPTIMED_CONFIG`, else `uptimed.toml` in *cwd*, else the
    *system* directory. Raise ConfigError where none of them is there.
    """
    for source, named in (("--config", explicit), (VARIABLE, env.get(VARIABLE))):
        if named:
            path = cwd / Path(named).expanduser()
            if not path.exists():
                wish = f"the configuration that {source} names"
                raise ConfigError([Mistake(str(path), "", "nothing", wish)])
            return path
    for path in (cwd / LOCAL_FILE, system):
        if path.exists():
            return path
    wish = f"a configuration: --config PATH, {VARIABLE}, {LOCAL_FILE} here or {system}"
    raise ConfigError([Mistake(str(cwd), "", "none", wish)])


def read_documents(path: Path) -> tuple[Document, ...]:
    """Return the file at *path*, or every `*.toml` of that directory, sorted by name.

    A contract's file in the directory is left to the client that names it. Raise ConfigError with
    the mistakes of all files that cannot be read as TOML.
    """
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.glob("*.toml") if not file.name.startswith("."))
    if not files:
        raise ConfigError([Mistake(str(path), "", "no *.toml in this directory", "at least one")])
    documents: list[Document] = []
    mistakes: list[Mistake] = []
    for file in files:
        try:
            table = read_toml(file)
            if not (path.is_dir() and is_contract(table)):
                documents.append(Document(file, table))
        except ConfigError as error:
            mistakes.extend(error.mistakes)
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(documents)


def is_contract(table: Mapping[str, Any]) -> bool:
    """Return whether *table* is an agreement's rather than a part of the configuration."""
    return {"id", "version"} <= table.keys() and not table.keys().isdisjoint(
        {"availability", "extends"}
    )


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file. Raise ConfigError where it is none."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        match = _TOML_PLACE.fullmatch(str(error))
        said = match[1] if match else "something else"
        key = (match[2] or match[3]) if match else ""
        found = f"a mistake in the syntax ({_lower(said)})"
        raise ConfigError([Mistake(str(path), key, found, "TOML")]) from None
    except UnicodeDecodeError as error:
        place = f"byte {error.start + 1}"
        raise ConfigError([Mistake(str(path), place, "bytes that are no text", "UTF-8")]) from None
    except OSError as error:
        said = _lower(error.strerror or "an error")
        raise ConfigError([Mistake(str(path), "", said, "a file that can be read")]) from None


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


@dataclass(frozen=True, slots=True)
class Merged:
    """What the documents hold together: each section's table with its file, and all clients."""

    sections: Mapping[str, tuple[Document, object]]
    clients: tuple[tuple[Document, object], ...]


def merge(documents: Iterable[Document], mistakes: list[Mistake]) -> Merged:
    """Put *documents* together. A section that two files give is a mistake; clients add up."""
    sections: dict[str, tuple[Document, object]] = {}
    clients: list[tuple[Document, object]] = []
    for document in documents:
        for name, value in document.table.items():
            if name == "clients":
                if isinstance(value, list):
                    clients.extend((document, client) for client in value)
                else:
                    wish = "a list of tables: [[clients]]"
                    mistakes.append(Mistake(str(document.path), name, kind_of(value), wish))
            elif name in sections:
                other = sections[name][0].path.name
                found = f"a section that {other} has too"
                mistakes.append(Mistake(str(document.path), name, found, "it once"))
            else:
                sections[name] = (document, value)
    return Merged(sections, tuple(clients))
