"""InfluxDB: making the buckets and the task that it needs, or saying what to run."""

import asyncio
import os
import sys

import click

from uptimed.cli.common import (
    NO,
    config_option,
    emit,
    json_option,
    load_settings,
    told,
    version,
    wrong,
)
from uptimed.clock import SystemClock
from uptimed.config.secrets import ConfiguredSecrets

_LOOKS_KEPT_DAYS = 400


@click.group()
def influx() -> None:
    """What `[influxdb]` in the configuration names."""


@influx.command()
@click.option("--dry-run", is_flag=True, help="Only say what is there and what would be made.")
@click.option(
    "--keep-looks",
    type=click.IntRange(1),
    metavar="DAYS",
    default=_LOOKS_KEPT_DAYS,
    show_default=True,
    help="How long a bucket of looks that is made keeps them. Letters are kept for good.",
)
@json_option
@config_option
@told
def setup(dry_run: bool, keep_looks: int, as_json: bool, config: str | None) -> None:
    """Make the two buckets and the hourly task, unless they are there.

    What the token may not do is printed as commands, for somebody whose token may. Ends with 1
    when something is left to do.
    """
    from uptimed.stores.influx import set_up

    settings = load_settings(config).settings
    if settings.influxdb is None:
        wrong("there is no [influxdb] in the configuration")
    found = asyncio.run(
        set_up(
            settings.influxdb,
            looks_kept_days=keep_looks,
            secrets=ConfiguredSecrets(os.environ),
            clock=SystemClock(),
            software=version(),
            dry=dry_run,
        )
    )
    if as_json:
        emit({
            "made": found.done, "would_make": found.would, "there": found.there,
            "remarks": found.remarks, "problems": found.problems, "to_run": found.to_run or None,
        })  # fmt: skip
    else:
        for said, items in (
            ("made", found.done), ("would make", found.would), ("there already", found.there),
            ("note", found.remarks),
        ):  # fmt: skip
            for item in items:
                click.echo(f"{said}: {item}")
        for problem in found.problems:
            click.echo(f"not made: {problem}", err=True)
        if found.to_run:
            click.echo("\nWith a token that may, what is not there is made by:\n", err=True)
            click.echo(found.to_run, nl=False)
    sys.exit(NO if found.problems or found.would else 0)
