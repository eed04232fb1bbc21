"""What people record of an incident, a command for each kind of event."""

from collections.abc import Callable
from datetime import tzinfo

import click

from uptimed.cli.common import config_option, json_option, now, told
from uptimed.cli.incidents import at_option, by_option, incident, record_act, second_at
from uptimed.core import incidents as core
from uptimed.core.incidents import Act
from uptimed.core.support import Fault

__all__ = ["incident"]

_WORDS = "In words, for whoever reads the timeline."


def _add(name: str, text: str, build: Callable[..., Act], *options: click.Option) -> None:
    """Add a command `incident NAME REFERENCE` that records what *build* makes of its options."""

    @incident.command(name, help=text, params=[click.Argument(["reference"]), *options])
    @by_option
    @at_option
    @json_option
    @config_option
    @told
    def command(
        *, reference: str, by: str, when: str | None, as_json: bool, config: str | None,
        **said: object,
    ) -> None:  # fmt: skip
        def act(zone: tzinfo) -> Act:
            if isinstance(said.get("since"), str):
                said["since"] = second_at(str(said["since"]), zone, "--since", now())
            return build(**said)

        record_act(reference, act, by=by, when=when, as_json=as_json, config=config)


def _words(text: str = _WORDS, *, name: str = "--words", required: bool = False) -> click.Option:
    return click.Option([name], default=None if required else "", required=required, help=text)


def _severity_options(reason: str) -> tuple[click.Option, ...]:
    return (
        click.Option(["--severity"], required=True, help="One of the contract's."),
        click.Option(["--proposed"], is_flag=True, help="It waits for a person to confirm it."),
        click.Option(
            ["--fault"], type=click.Choice([str(fault) for fault in Fault]),
            help="Whose fault it is, with --reason. [default: as it was]",
        ),
        _words(reason, name="--reason"),
    )  # fmt: skip


def _classified(**said: object) -> Act:
    return core.Classified(**_with_fault(said))  # type: ignore[arg-type]  # click gives the types


def _severity(**said: object) -> Act:
    return core.SeverityChanged(**_with_fault(said))  # type: ignore[arg-type]  # as above


def _with_fault(said: dict[str, object]) -> dict[str, object]:
    return {**said, "fault": Fault(str(said["fault"])) if said.get("fault") else None}


_add(
    "report", "The client reported what is open already.", core.Reported,
    click.Option(["--channel"], default="", help="Through which channel."), _words(),
)  # fmt: skip
_add(
    "register", "The notice of the case reached the client's contact.", core.Registered,
    click.Option(["--ticket"], default="", help="Its number in another system."), _words(),
)  # fmt: skip
_add(
    "classify", "Say its severity, or confirm or replace a proposed one.", _classified,
    *_severity_options("Why."),
)  # fmt: skip
_add("ack", "Somebody has taken it, and the client knows.", core.Acknowledged, _words())
_add("respond", "The first message of a person to the client.", core.Responded, _words())
_add("update", "A person told the client how it stands.", core.Updated, _words())
_add("answer", "A person told the client when there will be a solution.", core.Answered, _words())
_add(
    "pause", "Work waits, for a reason that the contract lists.", core.Paused,
    click.Option(["--reason"], required=True, help="One of the contract's."), _words(),
)  # fmt: skip
_add("resume", "Work goes on.", core.Resumed, _words())
_add(
    "severity", "Raise or lower it, or say whose fault it is.", _severity,
    *_severity_options("Why; needed to lower it and to blame."),
    click.Option(
        ["--since"], metavar="TIME",
        help="The start of the outage that justifies a raise: its targets count from there.",
    ),
)  # fmt: skip
_add(
    "escalate", "It went to the next level.", core.Escalated,
    click.Option(["--level"], type=click.IntRange(1), required=True, help="To which level."),
    _words(),
)  # fmt: skip
_add("restore", "Users can work again; an outage's end is measured.", core.Restored, _words())
_add("resolve", "It is solved.", core.Resolved, _words())
_add("close", "The case is over.", core.Closed, _words())
_add(
    "reopen", "It was not solved after all.", core.Reopened, _words("Why.", name="--reason"),
)  # fmt: skip
_add(
    "cause", "Why it happened and what was done, in words that the report prints.", core.CauseFound,
    _words("What it was.", name="--cause", required=True),
    _words("What was done about it.", name="--remedy"),
)  # fmt: skip
_add(
    "note", "Keep anything worth keeping; it moves no clock.", core.Noted,
    _words("What is to be kept.", required=True),
)  # fmt: skip
