"""The command line. Commands are loaded when they are called, so that help comes at once."""

import errno
import os
from importlib import import_module, metadata

import click
from typing_extensions import override

_COMMANDS = {
    "init": ("uptimed.cli.setting_up:init", "Write a commented configuration."),
    "check": ("uptimed.cli.setting_up:check", "Explain every mistake; say what would run."),
    "probe": ("uptimed.cli.looking:probe", "Look once, with a transcript and the judgement."),
    "run": ("uptimed.cli.running:run", "Run the daemon."),
    "status": ("uptimed.cli.asking:status", "What is up now, and how much budget is left."),
    "import": ("uptimed.cli.files:import_looks", "Take in looks from JSONL or CSV."),
    "export": ("uptimed.cli.files:export", "Write out looks or letters of a period."),
    "explain": ("uptimed.cli.explaining:explain", "One minute, from the looks to its letter."),
    "replay": ("uptimed.cli.asking:replay", "Settle again, compare with the record."),
    "report": ("uptimed.cli.reporting:report", "A client's month as PDF, HTML, JSON or CSV."),
    "send": ("uptimed.cli.mailing:send", "Mail a client's month, once."),
    "approve": ("uptimed.cli.mailing:approve", "Let a report that is held go out."),
    "months": ("uptimed.cli.months:months", "Every client's month: verdict, and its report."),
    "outbox": ("uptimed.cli.outbox:outbox", "Mails, and what became of each."),
    "maintenance": ("uptimed.cli.maintaining:maintenance", "Announce maintenance; cancel it."),
    "exclude": ("uptimed.cli.excluding:exclude", "Exceptions that the client is notified of."),
    "objection": ("uptimed.cli.objecting:objection", "Minutes that a client contests."),
    "correct": ("uptimed.cli.correcting:correct", "Correct minutes, with evidence."),
    "silence": ("uptimed.cli.silencing:silence", "Hold pages back; no figure changes."),
    "incident": ("uptimed.cli.incident_acts:incident", "Incidents, their clocks and events."),
    "alert": ("uptimed.cli.alerting:alert", "Test the ways of alerts; list what stands."),
    "backup": ("uptimed.cli.files:backup", "A consistent copy of the journal, while it runs."),
    "influx": ("uptimed.cli.influx:influx", "InfluxDB: make what it needs there."),
    "contracts": ("uptimed.cli.contracting:contracts", "The agreements: list, show, compare."),
    "calendar": (
        "uptimed.cli.calendars:calendar",
        "Holidays of support clocks, approved.",
    ),
    "demo": ("uptimed.cli.sandbox:demo", "A sandbox: a small CRM to break, and its report."),
    "completion": ("uptimed.cli.setting_up:completion", "Shell completion for bash, zsh, fish."),
}


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _Commands(click.Group):
    """A group that knows its commands by name and loads one when it is called."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place[0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 - our own table
        return command

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


def _version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"uptimed {metadata.version('uptimed')}")
        ctx.exit()


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 well, 1 the answer is no, 2 wrong usage or configuration.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
def uptimed() -> None:
    """Know, minute by minute, whether a CRM or PIM could be used, and prove it."""


def main() -> None:
    """Run the command line; end with its exit code."""
    try:
        uptimed(prog_name="uptimed")
    except OSError as error:
        if error.errno not in _NO_ROOM or error.filename is not None:
            raise
        click.echo(f"standard output: {error.strerror}", err=True)
        os._exit(2)  # a usual exit would try to write what is left, and say so at length
