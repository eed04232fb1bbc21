"""`uptimed run`: the daemon."""

import asyncio
import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from uptimed.cli.common import config_option, hide_in_tracebacks, told, version, wrong
from uptimed.config import Loaded, find_config
from uptimed.wiring.flows import load_with_flows


@click.command()
@click.option("--log", type=click.Choice(["auto", "text", "json"]), help="Overrides log.format.")
@config_option
@told
def run(log: str | None, config: str | None) -> None:
    """Look every minute, keep everything, serve metrics, until SIGTERM or Ctrl-C.

    SIGHUP reads the configuration again; a bad one changes nothing and is reported.
    """
    path = find_config(config, os.environ, Path.cwd())
    loaded = load_with_flows(path)
    hide_in_tracebacks(loaded.settings)
    start(lambda: load_with_flows(path), loaded, log)


def start(read: Callable[[], Loaded], loaded: Loaded, log: str | None) -> None:
    """Run the daemon on uvloop, where that is to be had."""
    from uptimed.logs import set_up
    from uptimed.wiring.running import CannotListen, run_daemon

    logging = loaded.settings.logging
    set_up(logging.level, log or logging.format)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(run_daemon(read, version(), ready=go_easy))
    except CannotListen as error:
        wrong(f"{error}; choose another address, or false for none")


def go_easy() -> None:
    """Keep the interpreter's own chores from holding up looks.

    What a run keeps is not gone through for garbage again and again: with thousands of probes that
    stops the loop for a tenth of a second. Threads that read and write the journal give way
    sooner than after the usual 5 ms, which would be added to what a look reports.
    """
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
    gc.set_threshold(10_000, 5, 1_000)
    sys.setswitchinterval(0.001)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return what makes the daemon's event loop."""
    from uptimed.loop import Loop

    return Loop
