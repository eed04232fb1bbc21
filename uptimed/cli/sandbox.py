"""`uptimed demo`: something to look at and to break, on this machine alone."""

import asyncio
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from uptimed.cli.common import told, version, wrong
from uptimed.cli.running import loop_factory

_BANNER = """
  A small CRM          {crm}
  Its switches         {switches}/switches    break it here, and mend it again
  Metrics and health   {metrics}/metrics, /healthz

  In another terminal, in this folder:

    {command} status  --config {config}
    {command} explain --config {config} {service} "$(date -u +%FT%H:%MZ -d '2 minutes ago')"
    {command} report  --config {config} --month {month}

  An outage shows within three minutes. Last month's report: {report}
  The history before today is made up, and every report says so. Ctrl-C ends it all.
"""


@click.command()
@click.option(
    "--directory",
    default="uptimed-demo",
    show_default=True,
    type=click.Path(),
    help="Where configuration, journal and report are kept.",
)
@click.option("--port", default=8480, show_default=True, help="The CRM's port; 0 takes a free one.")
@click.option("--control-port", default=8481, show_default=True, help="The switches' port.")
@click.option("--metrics-port", default=9464, show_default=True, help="The monitor's port.")
@click.option(
    "--history/--no-history",
    default=True,
    show_default=True,
    help="Make up three months of history, the first time.",
)
@click.option("--personality", default="", help="Play another system, such as suitecrm7.")
@told
def demo(
    directory: str,
    port: int,
    control_port: int,
    metrics_port: int,
    history: bool,
    personality: str,
) -> None:
    """Run a sandbox: a small CRM with switches to break it, and the daemon watching it.

    It needs no network. Three months of history are made up, and marked as such everywhere. With
    --personality it answers as another system was seen to, faults included.
    """
    from uptimed.demo.personalities import PERSONALITIES
    from uptimed.wiring.sandbox import Sandbox, run_sandbox

    if personality and personality not in PERSONALITIES:
        known = ", ".join(PERSONALITIES)
        wrong(f"--personality: found {personality!r}, wanted one of {known}")

    folder = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        wrong(f"{folder}: {error.strerror}")
    sandbox = Sandbox(
        folder=folder.resolve(),
        port=port,
        control_port=control_port,
        metrics_port=metrics_port,
        history=history,
        version=version(),
        personality=personality,
    )
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(run_sandbox(sandbox, tell=_tell, progress=_progress))
    except OSError as error:
        wrong(f"{error}; choose others with --port, --control-port, --metrics-port")


def _progress(what: str) -> None:
    click.echo(f"{what} ...", err=True)


def _tell(facts: Mapping[str, str]) -> None:
    click.echo(_BANNER.format(command=shlex.quote(sys.argv[0]), **facts))
