"""The agreements: which ship, what they say and from where, and how two of them differ."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from uptimed.cli.common import (
    NO,
    config_option,
    emit,
    find_client,
    json_option,
    load_settings,
    show_utc,
    table,
    told,
    wrong,
)
from uptimed.config import ConfigError, Mistake, load_contract, preset_names
from uptimed.config.contracts import HOUSE_DEFAULTS, find_contract
from uptimed.config.extending import Effective, has_key
from uptimed.config.mistakes import Wrong
from uptimed.config.writing import toml_of
from uptimed.core.documents import differences, flat
from uptimed.core.pinning import said_of
from uptimed.core.settings import Contract
from uptimed.core.terms import ContractTerms
from uptimed.ledger.agreed import on_record
from uptimed.stores.sqlite import open_reader


@click.group()
def contracts() -> None:
    """The agreements that ship with uptimed, and your own."""


@contracts.command("list")
@json_option
@told
def list_contracts(as_json: bool) -> None:
    """The presets: target, zone, language."""
    found = [load_contract(name).terms for name in preset_names()]
    if as_json:
        emit([_listed(terms) for terms in found])
        return
    table(
        ["PRESET", "TARGET", "ZONE", "LANGUAGE", "VERSION"],
        [
            [
                t.id,
                f"{t.target} %" + ("" if t.promised else " (house reference)"),
                t.zone_name,
                t.language,
                t.version,
            ]
            for t in found
        ],
    )


def _listed(terms: ContractTerms) -> Mapping[str, Any]:
    return {
        "id": terms.id,
        "version": terms.version,
        "target": terms.target,
        "promised": terms.promised,
        "timezone": terms.zone_name,
        "language": terms.language,
    }


@contracts.command("show")
@click.argument("name")
@click.option("--origins", is_flag=True, help="A line for each value: where it stands, and marks.")
@json_option
@told
def show_contract(name: str, origins: bool, as_json: bool) -> None:
    """The contract NAME (a preset or a path) as it counts.

    That is the file as it is. Where it extends another, it is what both make together, with the
    file that each value comes from.
    """
    found, contract = _contract(name)
    if as_json:
        emit(_as_json(found, contract))
    elif origins:
        _list_values(found, contract)
    elif len(found.lineage) == 1:
        click.echo(Path(found.file).read_text(encoding="utf-8"), nl=False)
    else:
        terms = contract.terms
        click.echo(f"# {' extends '.join(found.lineage)}")
        click.echo(f"# version {terms.version}, SHA-256 {terms.sha256}")
        click.echo(toml_of(found.document, lambda key: _origin(found, contract, key)), nl=False)


def _contract(name: str) -> tuple[Effective, Contract]:
    contract = load_contract(name)
    try:
        return find_contract(name, Path()), contract
    except Wrong as error:
        raise ConfigError([Mistake(name, "", error.found, error.wanted)]) from None


def _origin(found: Effective, contract: Contract, key: str) -> str:
    """Return the file that the value at *key* stands in, and whether it is a house reading."""
    mark = ", house reading" if _is_house(contract, key) else ""
    return f"{found.origins.get(key, found.name)}{mark}"


def _is_house(contract: Contract, key: str) -> bool:
    plain = key.partition("[")[0] + key.rpartition("]")[2] if "[" in key else key
    return plain in contract.terms.house


def _list_values(found: Effective, contract: Contract) -> None:
    rows = [
        [key, _short(value), _origin(found, contract, key)]
        for key, value in flat(found.document)
        if key != "house"
    ]
    rows += [
        [key, _default(contract, key), "default of ours, house reading"]
        for key in HOUSE_DEFAULTS
        if not has_key(found.document, key)
    ]
    table(["KEY", "VALUE", "FROM"], rows)


def _default(contract: Contract, key: str) -> str:
    return str(getattr(contract.terms, key.partition(".")[2]))


_LONGEST = 60


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _as_json(found: Effective, contract: Contract) -> Mapping[str, Any]:
    terms = contract.terms
    return {
        "id": terms.id,
        "version": terms.version,
        "sha256": terms.sha256,
        "files": list(found.lineage),
        "house": list(terms.house),
        "values": [
            {
                "key": key,
                "value": json.loads(json.dumps(value, default=str)),
                "from": found.origins.get(key, found.name),
                "house": _is_house(contract, key),
            }
            for key, value in flat(found.document)
        ],
    }


@contracts.command("diff")
@click.argument("names", metavar="[A] [B]", nargs=-1)
@click.option("--client", metavar="ID", help="What is on record for this client, for A.")
@json_option
@config_option
@told
def diff_contracts(
    names: tuple[str, ...], client: str | None, as_json: bool, config: str | None
) -> None:
    """How contract B differs from A: presets, files, or what is on record for a client.

    With --client, A is what is on record, and B what is configured unless it is named. Ends with 1
    where they differ.
    """
    if len(names) != (2 if client is None else len(names[:1])):
        wrong("wanted two contracts, or --client ID and at most one")
    if client is None:
        sides = [_side(name) for name in names]
    else:
        sides = _recorded_sides(client, config, names)
    found = differences(sides[0][1], sides[1][1])
    if as_json:
        emit(
            {
                "before": sides[0][0],
                "after": sides[1][0],
                "differences": [
                    {"key": each.key, "before": _parsed(each.before), "after": _parsed(each.after)}
                    for each in found
                ],
            }
        )
    else:
        click.echo(f"--- {sides[0][0]}\n+++ {sides[1][0]}")
        for each in found:
            click.echo(str(each))
        if not found:
            click.echo("They say the same.")
    sys.exit(NO if found else 0)


_Side = tuple[str, Mapping[str, Any]]


def _side(name: str) -> _Side:
    found, contract = _contract(name)
    return f"{found.name} (version {contract.terms.version})", json.loads(contract.terms.canonical)


def _recorded_sides(client: str, config: str | None, names: tuple[str, ...]) -> list[_Side]:
    settings = load_settings(config).settings
    whose = find_client(settings, client)
    path = Path(settings.journal_path)
    if not path.exists():
        wrong(f"journal: {path} does not exist yet: nothing is on record")
    with open_reader(path) as reader:
        records = on_record(reader, whose.id)
    if not records:
        wrong(f"client: nothing is on record for {whose.id} yet; the daemon records it")
    last = records[-1]
    since = f"on record since {show_utc(last.since)} (version {last.contract.terms.version})"
    if names:
        return [(since, json.loads(last.contract.terms.canonical)), _side(names[0])]
    present = Contract(terms=whose.contract, support=whose.support)
    configured = f"configured (version {present.terms.version})"
    return [(since, said_of(last.contract)), (configured, said_of(present))]


def _parsed(shown: str | None) -> Any:
    return None if shown is None else json.loads(shown)
