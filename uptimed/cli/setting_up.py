"""Writing a configuration, explaining it, and what else is done once."""

import os
import sys
from dataclasses import asdict
from pathlib import Path

import click

from uptimed.cli.common import (
    WRONG,
    config_option,
    emit,
    json_option,
    load_settings,
    now,
    show_utc,
    told,
    wrong,
)
from uptimed.config import (
    ConfigError,
    ConfiguredSecrets,
    calendar_warnings,
    explain,
    remarks_on,
)
from uptimed.config.beginning import CONTRACTS, UNCHANGED, Beginning
from uptimed.core.flows import Flow
from uptimed.core.minutes import moment_of
from uptimed.core.observations import SECOND, Instant
from uptimed.core.pinning import agreed_text
from uptimed.core.settings import Settings, secrets_of
from uptimed.core.terms_text import digest
from uptimed.ledger.agreed import on_record
from uptimed.ledger.incidents import casebook, under_other_terms
from uptimed.ports import StoreError
from uptimed.stores.sqlite import Reader, open_reader
from uptimed.wiring.flows import bound, find, load_with_flows


@click.command()
@click.option(
    "--url", default="https://crm.client.example/", show_default=True, help="The page to look at."
)
@click.option("--client", default="client", show_default=True, help="An id for the client.")
@click.option("--client-name", help="The client's name on the report. [default: the id]")
@click.option("--service", default="crm", show_default=True, help="An id for the service.")
@click.option("--contract", help="A preset or a file. [default: the system's, else datacrm]")
@click.option("--preset", help="A login flow: the system that is watched, such as suitecrm7.")
@click.option("-o", "--output", default="uptimed.toml", show_default=True, type=click.Path())
@told
def init(
    url: str,
    client: str,
    client_name: str | None,
    service: str,
    contract: str | None,
    preset: str | None,
    output: str,
) -> None:
    """Write a commented configuration to begin with. Nothing is written over."""
    path = Path(output)
    if path.exists():
        wrong(f"{path} is there already; name another file with --output")
    text = Beginning(
        client=client,
        client_name=" ".join((client_name or client).split()),
        contract=contract or CONTRACTS.get((preset or "").partition("-")[0], "datacrm"),
        service=service,
        url=url,
        today=moment_of(Instant(now() - 12 * 3600 * SECOND)).date().isoformat(),
        flow=_flow(preset) if preset else None,
    ).text()
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        wrong(f"{path}: {error.strerror}")
    try:
        load_with_flows(path)
    except Exception:
        path.unlink()  # what it would refuse to read, it does not leave behind
        raise
    click.echo(f"{path} is written. Next: `uptimed check`, then `uptimed run`.")


def _flow(preset: str) -> Flow:
    """Return the preset's flow with its defaults; a setting without one is yet to be changed."""
    flow = find(preset)
    missing = [name for name, setting in flow.settings.items() if setting.default is None]
    return bound(flow, dict.fromkeys(missing, UNCHANGED))


@click.command()
@json_option
@config_option
@told
def check(as_json: bool, config: str | None) -> None:
    """Explain every mistake in the configuration; without one, say what would run."""
    try:
        loaded = load_settings(config)
    except ConfigError as error:
        if not as_json:
            raise
        emit({"mistakes": [asdict(mistake) for mistake in error.mistakes]})
        sys.exit(WRONG)
    secrets = secrets_of(loaded.settings)
    remarks = [
        *(str(remark) for remark in loaded.remarks),
        *remarks_on(secrets, ConfiguredSecrets(os.environ)),
        *calendar_warnings(loaded.settings, moment_of(now()).date()),
    ]
    notes = [*(str(note) for note in loaded.notes), *_beside_the_record(loaded.settings)]
    if as_json:
        emit(
            {"mistakes": [], "runs": explain(loaded.settings), "notes": notes, "warnings": remarks}
        )
    else:
        click.echo("\n".join(explain(loaded.settings)))
        for note in notes:
            click.echo(f"note: {note}")
        for remark in remarks:
            click.echo(f"warning: {remark}")


def _beside_the_record(settings: Settings) -> list[str]:
    """Return how what is configured differs from what is on record; a month has that."""
    path = Path(settings.journal_path)
    if not path.exists():
        return []
    try:
        with open_reader(path) as reader:
            return [
                *_pinned(reader, settings),
                *(
                    f"client {client.id}: what is agreed differs from what is on record since "
                    f"{show_utc(last.since)} (`uptimed contracts diff --client {client.id}`). "
                    "It goes on record when the daemon starts or reloads, and counts from the next "
                    "month on"
                    for client in settings.clients
                    for last in on_record(reader, client.id)[-1:]
                    if last.sha256 != digest(agreed_text(client))
                ),
            ]
    except StoreError as error:
        return [f"the journal could not be asked what is on record: {error}"]


def _pinned(reader: Reader, settings: Settings) -> list[str]:
    """Return which open incidents are judged by other terms than those that are configured."""
    found = (
        (client, under_other_terms(casebook(reader, client.id), client.support))
        for client in settings.clients
    )
    return [
        f"client {client.id}: {', '.join(others[:5])}{' and others' if len(others) > 5 else ''} "
        "opened under other terms of support than those in the file, and stay judged by them"
        for client, others in found
        if others
    ]


_SOURCES = {
    "bash": 'eval "$(_UPTIMED_COMPLETE=bash_source uptimed)"',
    "zsh": 'eval "$(_UPTIMED_COMPLETE=zsh_source uptimed)"',
    "fish": "_UPTIMED_COMPLETE=fish_source uptimed | source",
}


@click.command()
@click.argument("shell", type=click.Choice(sorted(_SOURCES)))
def completion(shell: str) -> None:
    """The line for your shell's start-up file that completes uptimed's commands."""
    click.echo(_SOURCES[shell])
