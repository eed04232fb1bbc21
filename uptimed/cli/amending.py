"""What the commands share by which people enter what lies over letters: for whom, and when."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from uptimed.cli.common import (
    chosen_clients,
    client_option,
    find_client,
    find_service,
    instant_at,
    reading,
    show_both,
    wrong,
)
from uptimed.core.minutes import MINUTE, Minute, start_of
from uptimed.core.observations import SECOND, Instant
from uptimed.core.settings import ClientSettings, ServiceSettings, Settings
from uptimed.stores.sqlite import Reader

P = ParamSpec("P")
R = TypeVar("R")

start_option = click.option("--start", metavar="AT", help="From then on; local to the client.")
end_option = click.option("--end", metavar="AT", help="Up to then, without it.")
at_option = click.option("--at", metavar="AT", help="One minute, in place of --start and --end.")


def service_options(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command `--client` and `--service`."""
    service = click.option("--service", help="The service's id; needed when there are several.")
    return client_option(service(command))


def whose(
    settings: Settings, client: str | None, service: str | None
) -> tuple[ClientSettings, str]:
    """Return the client, and the service's id or "" for all of the client's."""
    if service is None:
        return find_client(settings, client), ""
    one = find_service(settings, service)
    if client is not None and find_client(settings, client).id != one.client:
        wrong(f"--service: {one.id} is of client {one.client}, not of {client}")
    return settings.client_of(one.id), one.id


def one_service(
    settings: Settings, client: str | None, service: str | None
) -> tuple[ClientSettings, ServiceSettings]:
    """Return the service that is meant, and its client."""
    of, named = whose(settings, client, service)
    if named:
        return of, settings.service(named)
    if len(of.services) != 1:
        ids = ", ".join(s.id for s in of.services)
        wrong(f"--service: wanted one of {ids}")
    return of, of.services[0]


def span(start: str | None, end: str | None, zone: tzinfo) -> tuple[Instant, Instant]:
    """Return the time that --start and --end name."""
    if start is None or end is None:
        wrong(
            "--start, --end: wanted both, such as --start 2026-10-11T02:00 --end 2026-10-11T04:00"
        )
    return instant_at(start, zone, "--start"), instant_at(end, zone, "--end")


def minutes(
    at: str | None, start: str | None, end: str | None, zone: tzinfo
) -> tuple[Minute, Minute]:
    """Return the minutes that --at, or --start and --end, name: those that the time touches."""
    if at is not None:
        if start is not None or end is not None:
            wrong("--at: wanted either --at, or --start and --end")
        first = instant_at(at, zone, "--at")
        return Minute(first // MINUTE), Minute(first // MINUTE + 1)
    first, last = span(start, end, zone)
    return Minute(first // MINUTE), Minute(-(-last // MINUTE))


def instant_or_now(text: str | None, zone: tzinfo, option: str, present: Instant) -> Instant:
    """Return the instant that *text* names; without one, the whole second of *present*.

    Nobody reads microseconds.
    """
    if text is None:
        return Instant(present - present % SECOND)
    return instant_at(text, zone, option)


def stretch(start: Instant, end: Instant, zone: tzinfo) -> str:
    """Return [start, end) in the client's zone and in UTC."""
    return f"{show_both(start, zone)} to {show_both(end, zone)}"


def stretch_of(start: Minute, stop: Minute, zone: tzinfo) -> str:
    """Return minutes [start, stop) in the client's zone and in UTC."""
    return stretch(start_of(start), start_of(stop), zone)


@contextmanager
def reading_if_there(settings: Settings) -> Iterator[Reader | None]:
    """Open the journal for reading; None where there is none, and so nothing was entered."""
    if not Path(settings.journal_path).exists():
        yield None
        return
    with reading(settings) as reader:
        yield reader


@contextmanager
def reading_each(
    settings: Settings, client: str | None
) -> Iterator[Sequence[tuple[Reader, ClientSettings]]]:
    """Open the journal for reading, beside the client that is named or each one there is.

    Where there is no journal, and so nothing was entered, there is none of them.
    """
    with reading_if_there(settings) as reader:
        yield () if reader is None else [(reader, of) for of in chosen_clients(settings, client)]
