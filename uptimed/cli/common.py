"""What commands share: finding the configuration, opening the journal, saying what went wrong."""

import functools
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, ParamSpec, TypeVar

import click
from typing_extensions import override

from uptimed.clock import SystemClock
from uptimed.config import ConfigError, Loaded, find_config
from uptimed.core.entries import EntryRefused
from uptimed.core.lookfile import show_instant
from uptimed.core.minutes import Minute, instant_of, minute_of, moment_of, moment_of_minute
from uptimed.core.observations import Instant
from uptimed.core.settings import ClientSettings, ServiceSettings, Settings
from uptimed.logs import visible, visible_json
from uptimed.ports import JournalReader, StoreError
from uptimed.stores.sqlite import Reader, open_reader
from uptimed.wiring.flows import load_with_flows
from uptimed.wiring.hiding import mask_for
from uptimed.wiring.records import brought

WELL, NO, WRONG = 0, 1, 2

_EARLIEST = minute_of(instant_of(datetime(2000, 1, 1, tzinfo=UTC)))  # as for looks in files

P = ParamSpec("P")
R = TypeVar("R")

client_option = click.option("--client", help="The client's id; needed when there are several.")
only_client_option = click.option("--client", help="Only this client's.")


def version() -> str:
    """Return the version of uptimed that is installed."""
    return metadata.version("uptimed")


def software() -> str:
    """Return the name and version that a report says it was drawn up with."""
    return f"uptimed {version()}"


def now() -> Instant:
    """Return the present instant; a command asks once."""
    return SystemClock().now()


def config_option(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command `--config`, as every one has it."""
    return click.option(
        "--config",
        "config",
        metavar="PATH",
        help="A TOML file or a directory of them. [default: $UPTIMED_CONFIG, uptimed.toml, "
        "/etc/uptimed/]",
    )(command)


def json_option(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def from_option(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command `--from`, where its record is read."""
    return click.option(
        "--from",
        "source",
        type=click.Choice(["journal", "influx"]),
        default="journal",
        show_default=True,
        help="Read the journal here, or what was brought to InfluxDB.",
    )(command)


def wrong(message: str) -> NoReturn:
    """Say on stderr what the operator has to mend, and end with exit code 2."""
    click.echo(visible(message), err=True)
    sys.exit(WRONG)


def told(command: Callable[P, R]) -> Callable[P, R]:
    """Let a command end with one clear message where the operator or the disk is at fault."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ConfigError as error:
            wrong(str(error))
        except StoreError as error:
            wrong(f"journal: {error}")
        except EntryRefused as refused:
            wrong(str(refused))
        except UnicodeEncodeError as error:
            if error.reason != "surrogates not allowed":
                raise
            wrong("found bytes that are no UTF-8 in what was given; nothing was kept")

    return wrapper


def load_settings(config: str | None) -> Loaded:
    """Load the configuration, or end with every mistake in it."""
    loaded = load_with_flows(find_config(config, os.environ, Path.cwd()))
    hide_in_tracebacks(loaded.settings)
    return loaded


def hide_in_tracebacks(settings: Settings) -> None:
    """Print the traceback of a bug, from now on, without the secrets of *settings*."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        import traceback

        text = "".join(traceback.format_exception(kind, error, trace))
        click.echo(visible(mask_for(settings)(text)), err=True, nl=False)

    sys.excepthook = hook


@contextmanager
def reading(settings: Settings) -> Iterator[Reader]:
    """Open the journal for reading; one that does not exist yet is told of."""
    path = Path(settings.journal_path)
    if not path.exists():
        wrong(f"journal: {path} does not exist yet; `uptimed run` or `uptimed import` makes it")
    reader = open_reader(path)
    try:
        yield reader
    finally:
        reader.close()


@contextmanager
def record(settings: Settings, source: str) -> Iterator[JournalReader]:
    """Open the record for reading: the `journal` here, or what was brought to `influx`."""
    if source == "journal":
        with reading(settings) as reader:
            yield reader
        return
    try:
        with brought(settings, version()) as found:
            yield found
    except StoreError as error:
        wrong(str(error))


def find_client(settings: Settings, client: str | None) -> ClientSettings:
    """Return the client of that id, or the only one there is."""
    if client is None:
        if len(settings.clients) == 1:
            return settings.clients[0]
        ids = ", ".join(c.id for c in settings.clients)
        wrong(f"--client: wanted one of {ids}")
    for known in settings.clients:
        if known.id == client:
            return known
    ids = ", ".join(c.id for c in settings.clients)
    wrong(f"--client: found {client!r}, wanted one of {ids}")


def chosen_clients(settings: Settings, client: str | None) -> tuple[ClientSettings, ...]:
    """Return the client that is named; without a name, all of them."""
    return settings.clients if client is None else (find_client(settings, client),)


def find_service(settings: Settings, service: str) -> ServiceSettings:
    """Return the service of that id."""
    for known in settings.services:
        if known.id == service:
            return known
    ids = ", ".join(s.id for s in settings.services)
    wrong(f"service: found {service!r}, wanted one of {ids}")


class Month(click.ParamType[tuple[int, int]]):
    """A calendar month, as 2026-10."""

    name = "YYYY-MM"

    @override
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return (year, month)."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d{4})-(\d{2})", str(value), re.ASCII)
        if found is None or not 1 <= int(found[2]) <= 12 or not 2000 <= int(found[1]) <= 9000:
            self.fail(f"found {value!r}, wanted a month such as 2026-10", param, ctx)
        return int(found[1]), int(found[2])


def minute_at(text: str, zone: tzinfo) -> Minute:
    """Return the minute that *text* names: ISO 8601, in *zone* where it says none."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        wrong(
            f"found {text!r}, wanted a minute such as 2026-10-03T14:07 (local to the client) "
            "or 2026-10-03T19:07Z"
        )
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    try:
        minute = minute_of(instant_of(moment))
    except OverflowError:  # at the ends of the calendar, in another zone
        wrong(f"found {text!r}, wanted a minute between the years 2000 and 9999")
    if minute < _EARLIEST:
        wrong(f"found {text!r}, before the year 2000")
    return minute


def instant_at(text: str, zone: tzinfo, option: str) -> Instant:
    """Return the instant that *text* names: ISO 8601, in *zone* where it says none.

    A local time that the clocks leave out is no time; of one that comes twice it is the first.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        wrong(
            f"{option}: found {text!r}, wanted a time such as 2026-10-11T02:00 (local to the "
            "client) or 2026-10-11T07:00Z"
        )
    if moment.tzinfo is None:
        there = moment.replace(tzinfo=zone)
        if there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
            wrong(
                f"{option}: found {text!r}, which does not exist there: the clocks go forward over "
                "it; give a time that does"
            )
        moment = there
    if not 2000 <= moment.year <= 9000:
        wrong(f"{option}: found {text!r}, wanted a time between the years 2000 and 9000")
    return instant_of(moment)


def show_both(at: Instant, zone: tzinfo) -> str:
    """Return *at* as a wall clock in *zone* shows it, and in UTC."""
    local = moment_of(at).astimezone(zone)
    wall = local.strftime("%Y-%m-%d %H:%M:%S %z" if local.second else "%Y-%m-%d %H:%M %z")
    return f"{wall} ({show_instant(at)})"


def show_minute(minute: Minute, zone: tzinfo) -> str:
    """Return *minute* as a wall clock in *zone* shows it, with its offset."""
    return moment_of_minute(minute).astimezone(zone).strftime("%Y-%m-%d %H:%M %z")


def show_utc(minute: Minute) -> str:
    """Return the start of *minute* in UTC, as files and reports have it."""
    return moment_of_minute(minute).strftime("%Y-%m-%dT%H:%M:%SZ")


def percent(ppm: int | None) -> str | None:
    """Return parts per million as a percentage with four decimals, as reports have it."""
    return None if ppm is None else f"{ppm // 10_000}.{ppm % 10_000:04d}"


def counted(number: int, noun: str) -> str:
    """Return `1 minute`, `2 minutes`, `44,640 minutes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def emit(value: object) -> None:
    """Print *value* as JSON."""
    click.echo(visible_json(json.dumps(value, ensure_ascii=False, indent=2)))


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, within: int | None = None
) -> None:
    """Print a plain table, columns as wide as they must be.

    One wider than *within* is printed row by row instead, a line for each cell.
    """
    widths = [max(_width(row[i]) for row in (header, *rows)) for i in range(len(header))]
    if within is not None and sum(widths) + 2 * (len(widths) - 1) > within:
        _stacked(header, rows)
        return
    for row in (header, *rows):
        cells = zip(row, widths, strict=True)
        click.echo("  ".join(c + " " * (width - _width(c)) for c, width in cells).rstrip())


def _stacked(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widest = max(map(len, header))
    for row in rows:
        if row is not rows[0]:
            click.echo()
        for name, cell in zip(header, row, strict=True):
            click.echo(f"{name:{widest}}  {cell}".rstrip())


def terminal_columns() -> int | None:
    """Return how wide the terminal is; None where nobody reads along."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _width(cell: str) -> int:
    """Return how many columns *cell* takes; colours take none."""
    return len(click.unstyle(cell))


def warn_of_made_up(settings: Settings) -> None:
    """Say that a demonstration's history is none, where the journal holds one."""
    if settings.made_up:
        click.echo("this journal holds made-up history: a demonstration", err=True)
